"""Figures of the chapter on complete information."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..complete_information import best_totals
from ..curves import GeneralizationBound
from ..problem import Problem, autarky
from . import style

__all__ = ["asked_and_collected", "crossing_lines"]


@style.drawing
def asked_and_collected(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    r"""What can be asked of those present against what is collected, and where the two agree.

    Takes what :func:`crossing_lines` returns. A line an outcome; the dots are the largest roots
    :math:`S^*` of :math:`S = \Phi(S)`.
    """
    outcomes = list(table["outcome"].unique())
    colors = style.type_colors(np.arange(len(outcomes), 0, -1))
    figure, ax = style.new_panels(4.2)
    last = float(table["data"].max())
    ax.plot([0, last], [0, last], color=style.INK, linewidth=1.4, linestyle=(0, (4, 2.5)))
    numbers: dict[str, float | str] = {}
    handles = [
        Line2D(
            [], [], color=style.INK, linewidth=1.4, linestyle=(0, (4, 2.5)),
            label="what is collected, $S$",
        )
    ]  # fmt: skip
    for k, (outcome, color) in enumerate(zip(outcomes, colors, strict=True), start=1):
        rows = table[table["outcome"] == outcome]
        root = float(rows["root"].iloc[0])
        ax.plot(rows["data"], rows["asked"], color=color, linewidth=2.2)
        if root > 0:
            ax.plot(root, root, "o", color=color, markersize=9, markeredgecolor="white", zorder=5)
            ax.annotate(
                f"$S^*$ = {root:,.0f}", (root, root), (9, -7), textcoords="offset points",
                va="top", size=style.SMALL, color=color,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
            )  # fmt: skip
        handles.append(Line2D([], [], color=color, linewidth=2.2, label=f"{outcome}"))
        numbers |= {f"outcome_{k}": str(outcome), f"root_{k}": root}
    ax.set(xlim=(0, last), ylim=(0, last))
    ax.set_xlabel("collected data S (units)")
    ax.set_ylabel("what can be asked, $\\Phi(S)$ (units)")
    style.thousands_separated(ax.xaxis)
    style.thousands_separated(ax.yaxis)
    ax.grid()
    style.legend_below(figure, handles, columns=2)
    return figure, style.with_numbers(table, **numbers)


def crossing_lines(
    counts: Sequence[Sequence[int]] = ((4, 0), (2, 2), (0, 4)),
    costs: Sequence[float] = (0.02, 0.01),
    n_points: int = 301,
) -> pd.DataFrame:
    r"""What can be asked of the parties of an outcome when S units are collected.

    The paper's accuracy curve, value 100 for a perfect model, and autarky outside. Nobody can be
    asked for less than nothing, so that the sum counts those whose gain is positive.

    Parameters
    ----------
    counts : sequence of (I,) sequences of int >= 0
        Outcomes: parties of each type, at least one in each.
    costs : (I,) sequence of floats > 0
        Value per unit of data.
    n_points : int >= 2
        Amounts of data a line.

    Returns
    -------
    DataFrame
        A row for each outcome and amount of data: outcome, data, asked (units of data), root (the
        largest amount that can be asked if it is collected).

    Examples
    --------
    >>> lines = crossing_lines(n_points=2)
    >>> lines.groupby("outcome", sort=False)["root"].first().round().tolist()
    [6859.0, 8868.0, 10996.0]
    """
    size = int(np.sum(counts[0]))
    n_types = len(costs)
    problem = Problem(size, [1 / n_types] * n_types, costs, GeneralizationBound())
    outside = autarky(problem).utilities
    parties = np.asarray(counts)
    roots = best_totals(parties, problem.costs, outside, problem.model_value)
    data = np.linspace(0.0, 1.3 * float(roots.max()), n_points)
    gains = np.maximum(problem.model_value(data)[:, None] - outside, 0.0) / problem.costs
    frames = [
        pd.DataFrame(
            {
                "outcome": " and ".join(
                    f"{number} of type {i + 1}" for i, number in enumerate(who) if number
                ),
                "data": data,
                "asked": gains @ who,
                "root": root,
            }
        )
        for who, root in zip(parties, roots, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)
