"""What several figures are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path

from ..accuracy import Curve, FloatArray
from ..problem import Problem
from . import style


def data_for(curve: Curve, level: float) -> float:
    """Data at which an increasing curve reaches a level, to within a percent or so."""
    grid = np.geomspace(1e-6, 1e12, 4001)
    return float(grid[min(int(np.searchsorted(curve(grid), level)), grid.size - 1)])


def number_text(number: float) -> str:
    """Four significant digits or so, for labels."""
    size = abs(number)
    if size >= 100:
        return f"{number:,.0f}" if size >= 1000 else f"{number:.1f}"
    return f"{number:.2f}" if size >= 0.01 or number == 0 else f"{number:.2g}"


def useful_data(problem: Problem) -> float:
    """A scale for axes where nobody contributes."""
    tangent = problem.model_value.envelope().tangent_point
    return tangent if tangent > 0 else data_for(problem.accuracy, 0.5 * problem.accuracy.optimum)


def kinks(problem: Problem, upto: float) -> list[float]:
    """The amount of data at which accuracy starts to rise, if it lies inside the axis."""
    kink = float(getattr(problem.accuracy, "zero_until", 0.0))
    return [kink] if 0 < kink < upto else []


def draw_option(ax: Axes, x: float, y: float, color: str, hollow: bool) -> None:
    """A dot for an option of the menu, hollow for one outside it."""
    ax.plot(
        x, y, "o", markersize=8, markerfacecolor="white" if hollow else color,
        markeredgecolor=color if hollow else "white", markeredgewidth=2 if hollow else 1, zorder=5,
        clip_on=False,
    )  # fmt: skip


def draw_shared_option(ax: Axes, x: float, y: float, colors: Sequence[str]) -> None:
    """A dot in equal slices of several colors: an option that several types take."""
    ax.plot(x, y, "o", markersize=12, color="white", zorder=5, clip_on=False)
    ends = np.linspace(0.25, 1.25, len(colors) + 1) * 2 * np.pi
    for color, start, end in zip(colors, ends[:-1], ends[1:], strict=True):
        angle = np.linspace(start, end, 25)
        rim = np.column_stack([np.cos(angle), np.sin(angle)])
        slice_ = np.vstack([[0, 0], rim, [0, 0]]) if len(colors) > 1 else rim
        farthest = float(np.abs(slice_).max())
        # A marker is scaled by its farthest point, so the slices keep one size.
        ax.scatter(
            [x], [y], marker=Path(slice_, closed=True), s=[100 * farthest**2], color=color,
            linewidth=0, zorder=5.1, clip_on=False,
        )  # fmt: skip


def type_handles(problem: Problem, out: npt.ArrayLike | None = None) -> list[Line2D]:
    """Swatches of the types' colors for a key; types marked out are said to stay out."""
    stays_out = np.zeros(problem.n_types, dtype=bool) if out is None else np.asarray(out)
    return [
        style.marker_handle("s", color, f"type {i + 1}{' (stays out)' if stays_out[i] else ''}", 10)
        for i, color in enumerate(style.type_colors(problem.costs))
    ]


def type_legend(figure: Figure, problem: Problem) -> None:
    """Key of the types' colors, above the panels."""
    figure.legend(
        handles=type_handles(problem), loc="outside upper center", ncols=min(problem.n_types, 5),
        handlelength=1.0, columnspacing=1.2, handletextpad=0.5, borderaxespad=0.0,
    )  # fmt: skip


def merge_atoms(values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values closer than rounding become one; their probabilities add."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    apart = np.diff(values) > 1e-9 * max(1e-300, float(np.abs(values).max(initial=0.0)))
    group = np.concatenate([[0], np.cumsum(apart)])
    chances = np.bincount(group, weights).astype(float)
    return np.bincount(group, weights * values) / chances, chances
