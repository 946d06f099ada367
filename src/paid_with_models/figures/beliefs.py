"""Figures of the chapter on beliefs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..accuracy import GeneralizationBound
from ..contract import Contract
from ..problem import Problem
from ..solver.routes import solve_many
from .style import (
    ALARM,
    GRID,
    TYPE_PATH,
    laid_out,
    legend_below,
    legend_from_axes,
    new_figure,
    style,
    type_colors,
    with_numbers,
)

__all__ = ["belief_figure", "belief_lines", "lower_cost_figure", "lower_cost_lines"]


#: How the two beliefs are drawn and called.
BELIEFS = {"paper": ("-", "given $n_i \\geq 1$"), "own": ((0, (4, 2)), "own")}


def belief_figure(lines: Mapping[str, Sequence[Contract]]) -> tuple[Figure, pd.DataFrame]:
    """Contributions, caps and rents under both beliefs against the number of parties.

    Parameters
    ----------
    lines : mapping
        By belief, contracts of the same types for different numbers of parties
        (:func:`paid_with_models.figures.beliefs.belief_lines`).

    Returns
    -------
    Figure, DataFrame
        Columns beliefs, n_parties, type, contribution, reward_cap, rents, expected_accuracy.

    Examples
    --------
    >>> from paid_with_models.figures.beliefs import belief_lines
    >>> belief_figure(belief_lines([2, 10]))[1]["type"].tolist()
    [1, 2, 1, 2, 1, 2, 1, 2]
    """
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "beliefs": beliefs,
                    "n_parties": contract.problem.n_parties,
                    "type": np.arange(1, contract.problem.n_types + 1),
                    "contribution": contract.contributions,
                    "reward_cap": contract.reward_caps,
                    "rents": contract.utilities - contract.reservation_utilities,
                    "expected_accuracy": contract.expected_accuracy,
                }
            )
            for beliefs, contracts in lines.items()
            for contract in contracts
        ],
        ignore_index=True,
    )
    panels = {"contribution": "contribution $m_i$", "reward_cap": "cap $T_i$", "rents": "rent"}
    problem = next(iter(lines.values()))[0].problem
    colors = type_colors(problem.costs)
    with style():
        figure = new_figure(6.6)
        axes = figure.subplots(3, 1, sharex=True)
        for (beliefs, i), group in table.groupby(["beliefs", "type"]):
            dashes, words = BELIEFS[str(beliefs)]
            for ax, (what, label) in zip(axes, panels.items(), strict=True):
                ax.plot(
                    group["n_parties"], group[what], color=colors[int(i) - 1], linestyle=dashes,
                    label=f"type {i}, {words}",
                )  # fmt: skip
                ax.set_ylabel(label)
        axes[-1].set_xscale("log")
        sizes = [n for n in (2, 3, 5, 10, 20, 50) if n in set(table["n_parties"])]
        axes[-1].set_xticks(sizes, [str(n) for n in sizes])
        axes[-1].minorticks_off()
        axes[-1].set_xlabel("parties $N$")
        handles, labels = axes[0].get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda k: labels[k])
        legend_below(figure, [handles[k] for k in order], columns=2)
        n = table["n_parties"]
        return laid_out(figure), with_numbers(table, smallest=n.min(), largest=n.max())


def lower_cost_figure(
    lines: Mapping[str, Sequence[tuple[float, Contract]]],
) -> tuple[Figure, pd.DataFrame]:
    """Expected accuracy, reached and bounded, as one type's cost passes another's.

    Parameters
    ----------
    lines : mapping
        By belief, how far the cost is above the other's, and the contract
        (:func:`paid_with_models.figures.beliefs.lower_cost_lines`).

    Returns
    -------
    Figure, DataFrame
        Columns beliefs, offset, expected_accuracy, upper_bound.

    Examples
    --------
    >>> from paid_with_models.figures.beliefs import lower_cost_lines
    >>> len(lower_cost_figure(lower_cost_lines(offsets=[-0.01, 0.01]))[1])
    4
    """
    table = pd.DataFrame(
        [
            {
                "beliefs": beliefs,
                "offset": offset,
                "expected_accuracy": contract.expected_accuracy,
                "upper_bound": contract.upper_bound,
            }
            for beliefs, line in lines.items()
            for offset, contract in line
        ]
    )
    with style():
        figure = new_figure(3.8)
        ax = figure.subplots()
        for (beliefs, (dashes, words)), color in zip(
            BELIEFS.items(), (ALARM, TYPE_PATH[3]), strict=True
        ):
            here = table[table["beliefs"] == beliefs]
            for k, (below, group) in enumerate(here.groupby(here["offset"] < 0)):
                ax.plot(
                    100 * group["offset"], group["expected_accuracy"], color=color,
                    linestyle=dashes, label=None if k else words,
                )  # fmt: skip
                ax.plot(
                    100 * group["offset"], group["upper_bound"], color=color, linestyle="none",
                    marker="v" if below else "^", markersize=5,
                    label=None if k else f"bound, {words}",
                )  # fmt: skip
        ax.axvline(0, color=GRID, linewidth=1)
        ax.set(xlabel="cost of type 2 above that of type 3 (%)", ylabel="expected accuracy")
        legend_from_axes(figure, [ax], columns=2)
        paper = table[table["beliefs"] == "paper"].set_index("offset").sort_index()
        before = paper.loc[paper.index > 0, "expected_accuracy"].iloc[0]
        after = paper.loc[paper.index < 0, "upper_bound"].iloc[-1]
        return laid_out(figure), with_numbers(table, jump=before - after)


def belief_lines(
    n_parties: Sequence[int] = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50),
    probabilities: Sequence[float] = (0.5, 0.5),
    costs: Sequence[float] = (0.5, 0.2),
) -> dict[str, list[Contract]]:
    """Contracts under both beliefs as the number of parties grows.

    Parameters
    ----------
    n_parties : sequence of int >= 1
    probabilities, costs : (I,) sequence of float > 0
        Of the types; the accuracy curve is the paper's.

    Returns
    -------
    dict from str to list of Contract
        By belief, "paper" and "own".

    Examples
    --------
    >>> lines = belief_lines([4])
    >>> paper, own = lines["paper"][0], lines["own"][0]
    >>> bool(own.reward_caps[0] < paper.reward_caps[0])
    True
    >>> bool(own.reward_caps[1] > paper.reward_caps[1])
    True
    """
    curve = GeneralizationBound()
    return {
        beliefs: solve_many(
            Problem(n, probabilities, costs, curve, beliefs=beliefs) for n in n_parties
        )
        for beliefs in ("paper", "own")
    }


def lower_cost_lines(
    n_parties: int = 3,
    probabilities: tuple[float, float, float] = (0.5128, 0.4104, 0.0768),
    costs: tuple[float, float] = (0.29513, 0.0274503),
    offsets: Sequence[float] = (-0.02, -0.01, -1e-6, 1e-6, 0.002, 0.004, 0.007, 0.01, 0.02),
) -> dict[str, list[tuple[float, Contract]]]:
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
    dict from str to list of (float, Contract)
        By belief, "paper" and "own", offsets and contracts.

    Examples
    --------
    >>> (_, below), (_, above) = lower_cost_lines(offsets=[-1e-6, 1e-6])["paper"]
    >>> bool(below.upper_bound < above.expected_accuracy)
    True
    """
    curve, (high, low) = GeneralizationBound(), costs
    lines = {}
    for beliefs in ("paper", "own"):
        problems = (
            Problem(n_parties, probabilities, [high, low * (1 + it), low], curve, beliefs=beliefs)
            for it in offsets
        )
        lines[beliefs] = list(zip(map(float, offsets), solve_many(problems), strict=True))
    return lines
