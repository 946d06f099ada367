"""Figures of the chapter on many problems at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon

from . import style
from .parts import number_text

__all__ = ["contract_map"]


@style.drawing
def contract_map(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Which of three types share an option, over all their probabilities.

    Takes what ``make map`` writes. A triangle for each triple of costs (rows) and number of
    parties (columns); its corners are where all parties are of one type.
    """
    looks = {
        "s": ("none", "every type its own option", "#c3cde6"),
        "c": ("1+2", "types 1 and 2 share one", style.TYPE_PATH[0]),
        "f": ("2+3", "types 2 and 3 share one", style.TYPE_PATH[3]),
        "p": ("1+2+3", "all share one", style.TYPE_PATH[2]),
    }
    step, panels = 1 / results["steps"], results["panels"]
    records = [
        (panel["n_parties"], *panel["costs"], (row + 1) * step, first * step, last * step, letter)
        for panel in panels
        for row, letters in enumerate(panel["options"])
        for letter, first, last in _runs(letters)
    ]
    chances = ["p_3", "p_1_from", "p_1_to"]
    columns = ["n_parties", "cost_1", "cost_2", "cost_3", *chances, "shared"]
    table = pd.DataFrame(records, columns=columns).round(dict.fromkeys(chances, 4))
    sizes = sorted(set(table["n_parties"]))
    kinds = list(dict.fromkeys(tuple(panel["costs"]) for panel in panels))
    figure, axes = style.new_panels(1.13 * len(kinds) + 0.8, len(kinds), len(sizes), squeeze=False)
    for (n_parties, *costs), runs in table.groupby(columns[:4], sort=False):
        row, column = kinds.index(tuple(costs)), sizes.index(n_parties)
        ax = axes[row, column]
        _draw_triangle(ax, runs, step, {letter: look[2] for letter, look in looks.items()})
        if row == 0:
            ax.set_title(f"$N={n_parties}$", size=style.SMALL, loc="center", pad=2)
        if column == 0:
            lines = (f"$c_{i}=$ {number_text(cost)}" for i, cost in enumerate(costs, 1))
            ax.text(-0.2, 0.43, "\n".join(lines), size=style.SMALL, ha="right", va="center")
    handles = [Patch(facecolor=color, label=label) for _, label, color in looks.values()]
    style.legend_below(figure, handles, columns=2)
    shares = table["shared"].map({letter: look[0] for letter, look in looks.items()})
    return figure, style.with_numbers(
        table.assign(shared=shares), problems=results["problems"], n_costs=len(kinds)
    )


def _runs(letters: str) -> list[tuple[str, int, int]]:
    """Runs of one letter: which, and the places of the first and the last, from 1."""
    ends = [k for k in range(1, len(letters) + 1) if letters[k : k + 1] != letters[k - 1]]
    starts = [1, *(end + 1 for end in ends[:-1])]
    return [(letters[start - 1], start, end) for start, end in zip(starts, ends, strict=True)]


def _draw_triangle(ax: Axes, runs: pd.DataFrame, step: float, colors: Mapping[str, str]) -> None:
    """Probabilities as a triangle: type 1 at the left, type 2 at the right, type 3 on top."""
    height = np.sqrt(3) / 2
    right = 1 - runs["p_1_from"] - runs["p_3"] / 2 + step / 2
    left = 1 - runs["p_1_to"] - runs["p_3"] / 2 - step / 2
    # A row reaches below the next one, which is drawn over it: no seam is left between them.
    low, high = (height * (runs["p_3"] + reach * step) for reach in (-0.5, 1))
    corners = np.array([[left, low], [right, low], [right, high], [left, high]])
    faces = [colors[letter] for letter in runs["shared"]]
    border = Polygon([(0, 0), (1, 0), (0.5, height)], closed=True, fill=False, edgecolor=style.INK)
    border.set_linewidth(0.8)
    ax.add_patch(border)
    cells = PolyCollection(
        list(corners.transpose(2, 0, 1)), facecolors=faces, edgecolors=faces, linewidths=0.3
    )
    cells.set_rasterized(True)
    cells.set_clip_path(border)
    ax.add_collection(cells)
    for x, y, text, side in (
        (-0.02, 0.04, "1", "right"),
        (1.02, 0.04, "2", "left"),
        (0.56, height - 0.05, "3", "left"),
    ):
        ax.text(
            x, y, text, size=style.SMALL, color=style.MUTED, ha=side,
            va="center", clip_on=False,
        )  # fmt: skip
    ax.set(xlim=(-0.1, 1.1), ylim=(-0.03, height + 0.03), aspect="equal")
    ax.axis("off")
