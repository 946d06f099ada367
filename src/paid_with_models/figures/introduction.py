"""Figures of the introduction."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle

from .style import GRID, INK, MUTED, WIDTH, laid_out, new_figure, style, type_colors

__all__ = ["timeline"]


def timeline() -> tuple[Figure, pd.DataFrame]:
    """The scheme in three steps: the menu, the choices, the model and its shares.

    Returns
    -------
    Figure, DataFrame
        Columns step, actor, knows, does.

    Examples
    --------
    >>> timeline()[1]["actor"].tolist()
    ['coordinator', 'each party', 'everyone']
    """
    steps = pd.DataFrame(
        [
            (
                1,
                "coordinator",
                "number of parties N, distribution of types, accuracy curve a(S)",
                "publishes a menu: options of a contribution and a random model reward",
            ),
            (2, "each party", "its own cost type", "chooses an option, or stays out"),
            (
                3,
                "everyone",
                "the realized total contribution S and its accuracy a(S)",
                "train one model on all data; each party gets a version drawn for its option",
            ),
        ],
        columns=["step", "actor", "knows", "does"],
    )
    with style():
        figure, ax = _canvas_axes(height=8.0)
        colors = type_colors([3, 2, 1])
        _timeline_menu(ax, top=7.95, colors=colors)
        _timeline_choice(ax, top=5.0, colors=colors)
        _timeline_model(ax, top=2.65, colors=colors)
        ax.plot([0.33, 0.33], [0.2, 7.4], color=GRID, linewidth=3, zorder=0)
        return laid_out(figure), steps


def _canvas_axes(height: float) -> tuple[Figure, Axes]:
    """Axes that fill the figure, in inches."""
    figure = new_figure(height, layout="none")
    ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    ax.set(xlim=(0, WIDTH), ylim=(0, height))
    ax.set_axis_off()
    return figure, ax


def _step(ax: Axes, top: float, number: int, title: str, text: str) -> None:
    y = top - 0.33
    ax.add_patch(Circle((0.33, y), 0.24, facecolor=INK, edgecolor="white", linewidth=3, zorder=3))
    ax.text(
        0.33, y - 0.01, str(number), color="white", size=14, weight="bold", ha="center",
        va="center", zorder=4,
    )  # fmt: skip
    ax.text(0.78, y, title, size=13, weight="bold", va="center")
    ax.text(0.78, y - 0.24, text, size=11, va="top", color=MUTED, linespacing=1.35)


def _card(ax: Axes, x: float, y: float, width: float, height: float, edge: str = MUTED) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="white", edgecolor=edge, linewidth=1.2,
        )
    )  # fmt: skip


def _person(ax: Axes, x: float, y: float, color: str, size: float = 1.0) -> None:
    """Head and shoulders, feet at (x, y)."""
    angle = np.linspace(0, np.pi, 40)
    body = np.column_stack([0.19 * np.cos(angle), 0.25 * np.sin(angle)]) * size
    ax.add_patch(Polygon(body + np.array([x, y]), closed=True, facecolor=color, edgecolor="none"))
    ax.add_patch(
        Circle((x, y + 0.36 * size), 0.115 * size, facecolor=color, edgecolor="white", linewidth=1)
    )


def _data(ax: Axes, x: float, y: float, units: int, color: str) -> None:
    """A row of data units, left edge and middle at (x, y)."""
    for k in range(units):
        ax.add_patch(
            Rectangle((x + 0.16 * k, y - 0.07), 0.13, 0.14, facecolor=color, edgecolor="none")
        )


def _hill(ax: Axes, x: float, y: float, mean: float, color: str) -> None:
    """A reward distribution on a scale from x to x + 1.5."""
    at = np.linspace(0, 1.5, 200)
    density = np.exp(-0.5 * ((at - mean) / 0.12) ** 2)
    keep = density > 0.005
    shape = np.column_stack([x + at[keep], y + 0.27 * density[keep]])
    ax.add_patch(Polygon(shape, closed=True, facecolor=color, alpha=0.85, edgecolor="none"))
    ax.plot([x, x + 1.5], [y, y], color=MUTED, linewidth=1)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14, color=MUTED, linewidth=1.5)
    )


def _timeline_menu(ax: Axes, top: float, colors: list[str]) -> None:
    _step(
        ax, top, 1, "The coordinator publishes a menu",
        "It knows the number of parties $N$, how likely each cost\n"
        "type is, $p_i$, and how accuracy grows with data, $a(S)$,\n"
        "but not who has which cost.",
    )  # fmt: skip
    y = top - 2.8
    _card(ax, 0.78, y, 4.95, 1.5)
    for x, text in ((1.55, "contribute"), (3.0, "receive a model, at random")):
        ax.text(x, y + 1.28, text, size=11, color=MUTED, va="center")
    for k, (letter, mean) in enumerate(zip("ABC", (0.45, 0.8, 1.15), strict=True)):
        row = y + 0.82 - 0.34 * k
        ax.text(1.05, row + 0.1, letter, size=13, weight="bold", color=colors[k], va="center")
        _data(ax, 1.55, row + 0.1, k + 1 + k * k // 2, colors[k])
        _hill(ax, 3.0, row, mean, colors[k])
    ax.text(4.6, y + 0.14, "better →", size=10.5, color=MUTED, va="center")


def _timeline_choice(ax: Axes, top: float, colors: list[str]) -> None:
    _step(
        ax, top, 2, "Each party chooses an option",
        "Only the party knows what a unit of data costs it, $c_i$.\n"
        "The option meant for its type serves it best.",
    )  # fmt: skip
    y = top - 2.2
    for k, (name, letter) in enumerate(
        zip(("high cost", "medium cost", "low cost"), "ABC", strict=True)
    ):
        x = 1.05 + 1.7 * k
        _person(ax, x, y + 0.45, colors[k], size=1.15)
        _arrow(ax, (x + 0.28, y + 0.7), (x + 0.68, y + 0.7))
        _card(ax, x + 0.71, y + 0.46, 0.4, 0.48, colors[k])
        ax.text(
            x + 0.91, y + 0.69, letter, size=13, weight="bold", color=colors[k], ha="center",
            va="center",
        )  # fmt: skip
        ax.text(x - 0.24, y + 0.22, name, size=11, color=colors[k], va="center")


def _timeline_model(ax: Axes, top: float, colors: list[str]) -> None:
    _step(
        ax, top, 3, "A model is trained, and versions handed out",
        "All data together train one model, of accuracy $a(S)$.\n"
        "Each party's version is drawn, never better than that.",
    )  # fmt: skip
    y = top - 2.55
    units = [colors[0]] * 1 + [colors[1]] * 2 + [colors[2]] * 9
    for k, color in enumerate(units):
        _data(ax, 0.92 + 0.16 * (k % 4), y + 1.0 - 0.19 * (k // 4), 1, color)
    ax.text(1.22, y + 0.27, "data $S$", size=11, color=MUTED, ha="center", va="center")
    _arrow(ax, (1.68, y + 0.81), (2.08, y + 0.81))
    ax.add_patch(Circle((2.52, y + 0.81), 0.38, facecolor="white", edgecolor=INK, linewidth=2))
    ax.text(2.52, y + 0.8, "$a(S)$", size=12.5, ha="center", va="center")
    ax.text(2.52, y + 0.27, "model", size=11, color=MUTED, ha="center", va="center")
    _arrow(ax, (2.96, y + 0.81), (3.36, y + 0.81))
    best = 3.8 + 1.5
    for k, (letter, share) in enumerate(zip("ABC", (0.4, 0.68, 0.93), strict=True)):
        row = y + 1.15 - 0.34 * k
        ax.text(3.52, row, letter, size=13, weight="bold", color=colors[k], va="center")
        ax.add_patch(Rectangle((3.8, row - 0.09), 1.5, 0.18, facecolor="#eef0f3", edgecolor="none"))
        ax.add_patch(
            Rectangle((3.8, row - 0.09), 1.5 * share, 0.18, facecolor=colors[k], edgecolor="none")
        )
    ax.plot([best, best], [y + 0.36, y + 1.36], color=INK, linewidth=1.5, linestyle=(0, (3, 2)))
    ax.text(best + 0.08, y + 1.28, "$a(S)$", size=11, va="center")
    ax.text(3.8, y + 0.2, "accuracy of each version", size=11, color=MUTED, va="center")
