"""Figures of the chapter on the structure of optimal contracts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..curves import GeneralizationBound
from ..paper.scenarios import options
from ..problem import Problem
from ..solver.routes import solve_many
from . import style

__all__ = ["bunching", "bunching_lines"]


@style.drawing
def bunching(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """How contributions join and part as one number of the problem changes.

    Takes what :func:`bunching_lines` returns. Each type is a line; where types share an option, the
    thinner lines run inside the wider ones, so that all of them are seen. Dotted lines stand where
    a unit of the budget buys as much from a type as from its cheaper neighbor.
    """
    lines = dict(list(table.groupby("along", sort=False)))
    n_types = int(table["type"].max())
    colors = style.type_colors(np.arange(n_types, 0, -1))
    looks = {
        i + 1: {
            "color": color,
            "linewidth": 1.6 + 3.2 * (n_types - 1 - i) / max(n_types - 1, 1),
            "solid_capstyle": "butt",
        }
        for i, color in enumerate(colors)
    }
    figure, axes = style.new_panels(3.7, 1, len(lines), sharey=True, squeeze=False)
    numbers: dict[str, float | str] = {}
    for k, (ax, (along, rows)) in enumerate(zip(axes[0], lines.items(), strict=True), start=1):
        style.draw_lines(ax, rows, "at", "contribution", "type", looks)
        ax.set_xlabel(along)
        ax.set_xlim(rows["at"].min(), rows["at"].max())
        ax.set_ylim(bottom=0)
        ax.grid(axis="y")
        style.thousands_separated(ax.yaxis)
        marks = _level_places(rows)
        for place in marks:
            ax.axvline(place, color=style.MUTED, linewidth=0.9, linestyle=":", zorder=0)
        numbers[f"level_{k}"] = " and ".join(f"{place:g}" for place in marks)
        # From where the first two types share an option, and all; the costs where the panel ends.
        taken = rows.pivot_table("option", "at", "type")
        for name, alike in (
            ("shared", taken[taken == 1].count(axis=1) > 1),
            ("pooled", taken.max(axis=1) == 1),
        ):
            if alike.any():
                numbers[f"{name}_{k}"] = taken.index[alike].min()
        last = rows[rows["at"] == rows["at"].max()]
        numbers[f"costs_{k}"] = ", ".join(f"{cost:g}" for cost in last["cost"])
    axes[0, 0].set_ylabel("contribution (units of data)")
    handles = [
        Line2D([], [], color=color, linewidth=3, label=f"type {i + 1}")
        for i, color in enumerate(colors)
    ]
    figure.legend(
        handles=handles, loc="outside upper center", ncols=min(n_types, 5), handlelength=1.4,
        borderaxespad=0.0,
    )  # fmt: skip
    return figure, style.with_numbers(table.drop(columns=["cost", "lead", "gap"]), **numbers)


def _leads(problem: Problem) -> list[float]:
    """p_i q_{i+1} - p_{i+1} q_i of each type, with the unit prices q; none for the cheapest."""
    price, p = -np.diff([*problem.costs, 0.0]), problem.probabilities
    return [*(p[:-1] * price[1:] - p[1:] * price[:-1]), np.nan]


def _level_places(rows: pd.DataFrame) -> list[float]:
    """Where the lead of a type over its cheaper neighbor changes its sign along a line, sorted."""
    places = []
    for _, lead in rows.pivot_table("lead", "at", "type").items():
        clear = lead[lead.abs() > 1e-12]  # ratios that are equal all along change no sign
        for (at, value), (then, after) in pairwise(clear.items()):
            if value * after < 0:  # the lead is linear along both lines
                places.append(at + (then - at) * value / (value - after))
    return sorted(places)


def bunching_lines(
    n_parties: int = 10,
    costs: tuple[float, float, float] = (0.2, 0.1, 0.05),
    middle_costs: Sequence[float] = tuple(np.linspace(0.06, 0.19, 66)),
    shares: Sequence[float] = tuple(np.linspace(0.02, 0.98, 97)),
) -> pd.DataFrame:
    """Contracts for three types along two lines: the cost of type 2, the probability of type 1.

    On the first line the types are equally likely, on the second types 2 and 3 are. The accuracy
    curve is the paper's.

    Parameters
    ----------
    n_parties : int >= 1
    costs : (3,) tuple of floats > 0
        Value per unit of data; on the first line that of type 2 is replaced.
    middle_costs : sequence of floats > 0
        Costs of type 2 on the first line.
    shares : sequence of floats in (0, 1)
        Probabilities of type 1 on the second line.

    Returns
    -------
    DataFrame
        A row for each place (columns along, at) and type: cost, contribution, option (its number,
        by size of the contribution), lead (p_i q_{i+1} - p_{i+1} q_i with q_i = c_i - c_{i+1}, for
        the cheapest its cost: positive if a unit of the budget buys more from this type than from
        its cheaper neighbor; none for the cheapest), gap of the contract.

    Examples
    --------
    >>> lines = bunching_lines(middle_costs=[0.1], shares=[0.9])
    >>> lines.groupby("along")["option"].nunique().to_dict()
    {'cost of type 2': 3, 'probability of type 1': 1}
    """
    high, _, low = costs
    curve = GeneralizationBound()
    by_cost = [Problem(n_parties, [1 / 3] * 3, [high, c, low], curve) for c in middle_costs]
    by_share = [Problem(n_parties, [p, (1 - p) / 2, (1 - p) / 2], costs, curve) for p in shares]
    return pd.DataFrame(
        [
            (
                along, at, i + 1, contract.problem.costs[i], contract.contributions[i], number,
                _leads(contract.problem)[i], contract.gap,
            )
            for along, places, problems in (
                ("cost of type 2", middle_costs, by_cost),
                ("probability of type 1", shares, by_share),
            )
            for at, contract in zip(places, solve_many(problems), strict=True)
            for number, members in enumerate(options(contract), start=1)
            for i in members
        ],
        columns=["along", "at", "type", "cost", "contribution", "option", "lead", "gap"],
    ).sort_values(["along", "at", "type"], kind="stable", ignore_index=True)  # fmt: skip
