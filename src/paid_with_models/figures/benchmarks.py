"""Figures of the benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style

__all__ = ["times_by_parties", "times_by_types"]


@style.drawing
def times_by_types(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Time to solve one problem against the number of types: three methods.

    Takes what ``make bench`` writes.
    """
    looks: dict[str, tuple[str, str, str, tuple[int, int], Literal["left", "right"]]] = {
        "published": ("published method", style.ALARM, "s", (8, 0), "left"),
        "enumeration": ("ours, all outcomes", style.TYPE_PATH[3], "^", (8, 4), "left"),
        "library": ("ours", style.CAP, "o", (-14, 0), "right"),
    }
    by = {method: results["types"][method]["by_types"] for method in looks}
    table = pd.concat([_times(rows, "n_types", method=method) for method, rows in by.items()])
    figure, ax = _times_axes(3.8, "types $I$")
    for method, (label, color, marker, offset, side) in looks.items():
        here = table[table["method"] == method]
        _draw_times(ax, here, "n_types", color, marker, label, offset, side)
    ax.set_xticks([2, 5, 10, 100, 1000], ["2", "5", "10", "100", "1,000"])
    ax.minorticks_off()
    ends = {f"last_{method}": rows[-1]["n_types"] for method, rows in by.items()}
    return figure, style.with_numbers(table.reset_index(drop=True), **ends)


@style.drawing
def times_by_parties(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Time to solve one problem against the number of parties, a line a number of types.

    Takes what ``make bench`` writes.
    """
    rows = {entry["n_types"]: entry["by_parties"] for entry in results["parties"]}
    table = pd.concat([_times(by, "n_parties", n_types=size) for size, by in rows.items()])
    figure, ax = _times_axes(3.4, "parties $N$")
    for size, marker, color in zip(rows, "o^s", (style.CAP, *style.TYPE_PATH[2:4]), strict=True):
        here = table[table["n_types"] == size]
        label = f"{size:,} types"
        _draw_times(ax, here, "n_parties", color, marker, label, (8, 0), "left")
    ax.set_xticks([10, 1e3, 1e6], ["10", "1,000", "a million"])
    ax.minorticks_off()
    numbers = {f"size_{k}": f"{size:,}" for k, size in enumerate(rows, start=1)}
    return figure, style.with_numbers(table.reset_index(drop=True), **numbers)


def _times(rows: Sequence[Mapping[str, Any]], along: str, **fixed: Any) -> pd.DataFrame:
    """What was measured along one line, with the columns that name the line in front."""
    table = pd.DataFrame(rows)[[along, "median", "min", "max"]]
    for place, (name, value) in enumerate(fixed.items()):
        table.insert(place, name, value)
    return table


def _times_axes(height: float, label: str) -> tuple[Figure, Axes]:
    figure, ax = style.new_panels(height)
    ax.set(xscale="log", yscale="log", xlabel=label, ylabel="seconds")
    return figure, ax


def _draw_times(
    ax: Axes, table: pd.DataFrame, along: str, color: str, marker: str, label: str,
    offset: tuple[int, int], side: Literal["left", "right"],
) -> None:  # fmt: skip
    """A line of medians with its name at the end, and a shade from fastest to slowest."""
    ax.plot(table[along], table["median"], marker=marker, color=color)
    ax.annotate(
        label, (table[along].iloc[-1], table["median"].iloc[-1]), xytext=offset, ha=side,
        textcoords="offset points", va="center", color=color,
    )  # fmt: skip
    ax.fill_between(table[along], table["min"], table["max"], color=color, alpha=0.15, linewidth=0)
    ax.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
