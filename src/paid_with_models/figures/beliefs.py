"""Figures of the chapter on beliefs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..curves import GeneralizationBound
from ..problem import Problem
from ..solver.routes import solve_many
from . import style

__all__ = ["belief_figure", "belief_lines", "lower_cost_figure", "lower_cost_lines"]

#: How lines of the two beliefs are dashed.
DASHES: dict[str, Any] = {"paper": "-", "own": (0, (4, 2))}


@style.drawing
def belief_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Contributions, caps and rents under both beliefs against the number of parties.

    Takes what :func:`belief_lines` returns.
    """
    panels = {"contribution": "contribution $m_i$", "reward_cap": "cap $T_i$", "rents": "rent"}
    colors = style.type_colors(table.drop_duplicates("type")["cost"])
    figure, axes = style.new_panels(6.6, 3, 1, sharex=True)
    for ax, (column, label) in zip(axes, panels.items(), strict=True):
        for beliefs, dashes in reversed(DASHES.items()):
            words = style.BELIEFS[beliefs]
            looks = {
                i: {"color": color, "linestyle": dashes, "label": f"type {i}, {words}"}
                for i, color in enumerate(colors, start=1)
            }
            here = table[table["beliefs"] == beliefs]
            style.draw_lines(ax, here, "n_parties", column, "type", looks)
        ax.set_ylabel(label)
    n = table["n_parties"]
    axes[-1].set_xscale("log")
    sizes = [size for size in (2, 3, 5, 10, 20, 50) if size in set(n)]
    axes[-1].set_xticks(sizes, [str(size) for size in sizes])
    axes[-1].minorticks_off()
    axes[-1].set_xlabel("parties $N$")
    handles = axes[0].get_legend_handles_labels()[0]
    style.legend_below(
        figure, sorted(handles, key=lambda handle: str(handle.get_label())), columns=2
    )
    table = table.drop(columns=["cost", "gap"])
    return figure, style.with_numbers(table, smallest=n.min(), largest=n.max())


@style.drawing
def lower_cost_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Expected accuracy, reached and bounded, as one type's cost passes another's.

    Takes what :func:`lower_cost_lines` returns.
    """
    table = table.drop_duplicates(["beliefs", "offset"], ignore_index=True)
    table = table[["beliefs", "offset", "expected_accuracy", "upper_bound"]]
    figure, ax = style.new_panels(3.8)
    for (beliefs, dashes), color in zip(
        DASHES.items(), (style.ALARM, style.TYPE_PATH[3]), strict=True
    ):
        here = table[table["beliefs"] == beliefs]
        for k, (below, group) in enumerate(here.groupby(here["offset"] < 0)):
            ax.plot(
                100 * group["offset"], group["expected_accuracy"], color=color,
                linestyle=dashes, label=None if k else style.BELIEFS[beliefs],
            )  # fmt: skip
            ax.plot(
                100 * group["offset"], group["upper_bound"], color=color, linestyle="none",
                marker="v" if below else "^", markersize=5,
                label=None if k else f"bound, {style.BELIEFS[beliefs]}",
            )  # fmt: skip
    ax.axvline(0, color=style.GRID, linewidth=1)
    ax.set(xlabel="cost of type 2 above that of type 3 (%)", ylabel="expected accuracy")
    style.legend_from_axes(figure, [ax], columns=2)
    paper = table[table["beliefs"] == "paper"].set_index("offset").sort_index()
    before = paper.loc[paper.index > 0, "expected_accuracy"].iloc[0]
    after = paper.loc[paper.index < 0, "upper_bound"].iloc[-1]
    return figure, style.with_numbers(table, jump=before - after)


def belief_lines(
    n_parties: Sequence[int] = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50),
    probabilities: Sequence[float] = (0.5, 0.5),
    costs: Sequence[float] = (0.5, 0.2),
) -> pd.DataFrame:
    """Contracts under both beliefs as the number of parties grows.

    Parameters
    ----------
    n_parties : sequence of int >= 1
    probabilities, costs : (I,) sequence of float > 0
        Of the types; the accuracy curve is the paper's.

    Returns
    -------
    DataFrame
        A row for each belief, "paper" and "own", number of parties and type: cost, contribution,
        reward_cap, rents, and the contract's expected_accuracy and gap.

    Examples
    --------
    >>> caps = belief_lines([4]).pivot_table("reward_cap", "beliefs", "type")
    >>> (caps.loc["own"] > caps.loc["paper"]).tolist()
    [False, True]
    """
    curve = GeneralizationBound()
    frames = []
    for beliefs in ("paper", "own"):
        problems = (Problem(n, probabilities, costs, curve, beliefs=beliefs) for n in n_parties)
        for contract in solve_many(problems):
            columns = {
                "beliefs": beliefs,
                "n_parties": contract.problem.n_parties,
                "type": np.arange(1, contract.problem.n_types + 1),
                "cost": contract.problem.costs,
                "contribution": contract.contributions,
                "reward_cap": contract.reward_caps,
                "rents": contract.utilities - contract.reservation_utilities,
                "expected_accuracy": contract.expected_accuracy,
                "gap": contract.gap,
            }
            frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def lower_cost_lines(
    n_parties: int = 3,
    probabilities: tuple[float, float, float] = (0.5128, 0.4104, 0.0768),
    costs: tuple[float, float] = (0.29513, 0.0274503),
    offsets: Sequence[float] = (-0.02, -0.01, -1e-6, 1e-6, 0.002, 0.004, 0.007, 0.01, 0.02),
) -> pd.DataFrame:
    """Contracts of three types as the cost of the second passes that of the third.

    Parameters
    ----------
    n_parties : int >= 2
    probabilities : (3,) tuple of float > 0
    costs : (2,) tuple of float > 0
        Of types 1 and 3. The accuracy curve is the paper's.
    offsets : sequence of float > -1
        By which part the cost of type 2 is above that of type 3.

    Returns
    -------
    DataFrame
        A row for each belief, "paper" and "own", offset and type: contribution, reward_cap, and the
        contract's expected_accuracy and upper_bound.

    Examples
    --------
    >>> below, above = lower_cost_lines(offsets=[-1e-6, 1e-6]).iloc[[0, 3]].itertuples()
    >>> below.upper_bound < above.expected_accuracy
    True
    """
    curve, (high, low) = GeneralizationBound(), costs
    frames = []
    for beliefs in ("paper", "own"):
        problems = (
            Problem(n_parties, probabilities, [high, low * (1 + it), low], curve, beliefs=beliefs)
            for it in offsets
        )
        for offset, contract in zip(offsets, solve_many(problems), strict=True):
            columns = {
                "beliefs": beliefs,
                "offset": float(offset),
                "type": [1, 2, 3],
                "contribution": contract.contributions,
                "reward_cap": contract.reward_caps,
                "expected_accuracy": contract.expected_accuracy,
                "upper_bound": contract.upper_bound,
            }
            frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)
