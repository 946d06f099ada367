"""Figures of the chapter on the first-moment problem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..paper.scenarios import SCENARIOS
from ..solver.chain import least_utilities
from ..solver.routes import solve_many
from . import style

__all__ = ["pass_steps", "two_passes", "unit_prices", "units_for_the_budget"]


@style.drawing
def two_passes(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The least utilities as a chain: a pass forward, then a pass back.

    Takes what :func:`pass_steps` returns. An arrow shows which neighbor a type's utility is raised
    by; where a dot lies on its ring, individual rationality binds.
    """
    figure, ax = style.new_panels(4.3)
    kinds = table["type"].to_numpy()
    outside, forward, final = (
        table[name].to_numpy() for name in ("reservation_utility", "forward", "utility")
    )
    arrow = {"arrowstyle": "-|>", "shrinkA": 7, "shrinkB": 7, "linewidth": 1.8}
    for i in range(1, kinds.size):
        if forward[i] > outside[i]:
            ax.annotate(
                "", (kinds[i], forward[i]), (kinds[i - 1], forward[i - 1]),
                arrowprops={**arrow, "color": style.CAP},
            )  # fmt: skip
    for i in range(kinds.size - 1):
        if final[i] > forward[i]:
            ax.annotate(
                "", (kinds[i], final[i]), (kinds[i + 1], final[i + 1]),
                arrowprops={**arrow, "color": style.ALARM},
            )  # fmt: skip
    ax.plot(kinds, forward, "s", color=style.CAP, markersize=7, markeredgecolor="white", zorder=4)
    ax.plot(kinds, final, "o", color=style.INK, markersize=8, markeredgecolor="white", zorder=5)
    ax.plot(
        kinds, outside, "o", markersize=13, markerfacecolor="none", markeredgecolor=style.MUTED,
        markeredgewidth=1.6, zorder=3,
    )  # fmt: skip
    ax.set_xticks(kinds, [f"type {i}" for i in kinds])
    ax.set_xlim(kinds[0] - 0.4, kinds[-1] + 0.4)
    ax.margins(y=0.12)
    ax.set_ylabel("utility, in value")
    ax.grid(axis="y")
    handles = [
        style.marker_handle("o", style.MUTED, "outside option $f_i$", 11, hollow=True),
        style.marker_handle("s", style.CAP, "after the pass forward", 7),
        style.marker_handle("o", style.INK, "after the pass back: $u_i$", 8),
    ]
    style.legend_below(figure, handles, columns=2)
    values = zip(kinds, forward, final, strict=True)
    numbers = {f"{name}_{i}": float(x) for i, a, b in values for name, x in (("a", a), ("u", b))}
    pushed = int((final > forward).sum())
    return figure, style.with_numbers(table, **numbers, pushed=pushed)


def pass_steps(
    contributions: Sequence[float] = (60.0, 80.0, 100.0, 120.0, 140.0),
    costs: Sequence[float] = (0.25, 0.2, 0.15, 0.1, 0.05),
    outside: Sequence[float] = (0.0, 2.0, 12.0, 10.0, 24.5),
) -> pd.DataFrame:
    """The least utilities of a menu, with what they are after the pass forward.

    Parameters
    ----------
    contributions : (I,) sequence of floats >= 0
        Units of data, non-decreasing.
    costs : (I,) sequence of floats > 0
        Value per unit of data, non-increasing.
    outside : (I,) sequence of floats >= 0
        Reservation utilities, in value.

    Returns
    -------
    DataFrame
        A row a type: type, cost, contribution, reservation_utility, forward, utility.

    Examples
    --------
    >>> pass_steps()[["forward", "utility"]].T.round(1).to_numpy().tolist()
    [[0.0, 3.0, 12.0, 17.0, 24.5], [3.0, 7.0, 12.0, 17.5, 24.5]]
    """
    forward = [float(outside[0])]
    for i in range(1, len(costs)):
        step = (costs[i - 1] - costs[i]) * contributions[i - 1]
        forward.append(max(float(outside[i]), forward[-1] + step))
    return pd.DataFrame(
        {
            "type": np.arange(1, len(costs) + 1), "cost": costs, "contribution": contributions,
            "reservation_utility": outside, "forward": forward,
            "utility": least_utilities(contributions, costs, outside),
        }
    )  # fmt: skip


@style.drawing
def unit_prices(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """What a unit of the budget buys from each type, and what the optimal menu asks for.

    Takes what :func:`units_for_the_budget` returns: a column a scenario.
    """
    titles = list(table["scenario"].unique())
    figure, axes = style.new_panels(5.0, 2, len(titles), sharex=True, squeeze=False)
    numbers: dict[str, float | str] = {}
    for k, (title, column) in enumerate(zip(titles, axes.T, strict=True), start=1):
        rows = table[table["scenario"] == title]
        colors = style.type_colors(rows["cost"])
        for ax, name in zip(column, ("bought", "contribution"), strict=True):
            ax.plot(rows["type"], rows[name], color=style.MUTED, linewidth=1, zorder=2)
            ax.scatter(rows["type"], rows[name], s=70, color=colors, clip_on=False, zorder=3)
            ax.set_xticks(rows["type"])
            ax.set_xlim(0.5, len(rows) + 0.5)
            ax.set_ylim(0, 1.15 * rows[name].max())
            ax.grid(axis="y")
            if rows[name].max() > 20 * rows[name].min():
                ax.set_yscale("log")
                ax.set_ylim(0.6 * rows[name].min(), 1.7 * rows[name].max())
            style.thousands_separated(ax.yaxis)
        column[0].set_title(title.replace(" ", "\n", 1), size=style.SMALL, loc="center")
        column[1].set_xlabel("type")
        for row in rows.itertuples():
            numbers[f"bought_{k}_{row.type}"] = float(row.bought)
    axes[0, 0].set_ylabel("bought, $N p_i / q_i$")
    axes[1, 0].set_ylabel("asked for, $m_i$")
    figure.align_ylabels(axes[:, 0])
    return figure, style.with_numbers(table, **numbers)


def units_for_the_budget() -> pd.DataFrame:
    """How many units of data a unit of the budget buys from each type, in the three scenarios.

    Returns
    -------
    DataFrame
        A row for each scenario and type: scenario, type, cost, price (q_i, in value per unit of
        data), bought (N p_i / q_i, units of data for a unit of value), contribution.

    Examples
    --------
    >>> table = units_for_the_budget()
    >>> table["bought"].round(1).head(5).tolist()
    [50.0, 50.0, 50.0, 50.0, 50.0]
    """
    contracts = solve_many(scenario.problem() for scenario in SCENARIOS.values())
    frames = []
    for scenario, contract in zip(SCENARIOS.values(), contracts, strict=True):
        problem = contract.problem
        price = -np.diff([*problem.costs, 0.0])
        frames.append(
            pd.DataFrame(
                {
                    "scenario": scenario.title, "type": np.arange(1, problem.n_types + 1),
                    "cost": problem.costs, "price": price,
                    "bought": problem.n_parties * problem.probabilities / price,
                    "contribution": contract.contributions,
                }
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)
