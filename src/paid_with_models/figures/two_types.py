"""Figures of the experiment with two types."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from mpl_toolkits.mplot3d.axes3d import Axes3D

from ..accuracy import FloatArray
from ..paper.two_types import TwoTypeResults
from .style import (
    CAP,
    GRID,
    MUTED,
    TYPE_PATH,
    laid_out,
    new_figure,
    style,
    thousands_separated,
    tick_text,
    tint,
    type_colors,
    with_numbers,
)

__all__ = ["two_type_maps", "two_type_surfaces"]


#: Pairs of quantities of the two-type experiment that are shown together: the attributes of
#: `TwoTypeResults` with their titles, in a surface (with symbol) and in a map.
TWO_TYPE_PAIRS: dict[str, tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    "contract": (
        ("contributions", "Contribution $m_i$ (data)", "Contribution"),
        ("rewards", "Reward $t_i$ (value)", "Reward"),
    ),
    "information": (
        ("information_cost", r"Information cost $\Delta E[v(a(S))]$", "Information cost"),
        ("rents", r"Information rent $\Delta u_i$ (value)", "Rent"),
    ),
    "complete": (
        ("complete_contributions", "Contribution $E[m_i]$ (data)", "Contribution"),
        ("complete_rewards", "Reward $E[v(r_i)]$ (value)", "Reward"),
    ),
}


def two_type_surfaces(
    results: TwoTypeResults, pair: str = "contract"
) -> tuple[Figure, pd.DataFrame]:
    """A pair of quantities over the grid of (p_1, N), as surfaces.

    Parameters
    ----------
    results : TwoTypeResults
        At least two sizes and two probabilities.
    pair : str
        One of `TWO_TYPE_PAIRS`: "contract", contributions and rewards of both types in the optimal
        contract; "information", information cost and rents; "complete", average contributions and
        rewards when types are seen.

    Returns
    -------
    Figure, DataFrame
        Columns n_parties, p_high, type, and the two quantities; the information cost is the same
        for both types.

    Raises
    ------
    ValueError
        If the grid is a single line, or there is no such pair.

    Examples
    --------
    >>> from paid_with_models.paper.two_types import two_type_experiment
    >>> two_type_surfaces(two_type_experiment([4, 8], [0.3, 0.7]))[1].shape
    (8, 5)
    """
    pairs = _pair(results, pair)
    colors = type_colors(results.costs)
    with style():
        figure = new_figure(3.5, layout="none")
        drawn: set[str] = set()
        for place, (name, title, _) in enumerate(pairs):
            box = (0.5 * place + 0.035, 0.09, 0.48, 0.88)
            ax = figure.add_axes(box, projection="3d", computed_zorder=False)
            assert isinstance(ax, Axes3D)
            drawn |= _draw_surfaces(ax, results, getattr(results, name), colors)
            figure.text(0.5 * place + 0.02, 0.95, title, size=11, weight="bold", va="center")
        labels = {
            colors[0]: f"type 1, cost {results.costs[0]:g}",
            colors[1]: f"type 2, cost {results.costs[1]:g}",
            BOTH: "both alike",
        }
        handles = [
            Patch(facecolor=tint(color, 0.8), edgecolor=color, label=label)
            for color, label in labels.items()
            if color in drawn
        ]
        figure.legend(
            handles=handles, loc="lower center", ncols=3, handlelength=1.2, borderaxespad=0.3
        )
        return laid_out(figure), _two_type_table(results, pairs)


def two_type_maps(results: TwoTypeResults, pair: str = "contract") -> tuple[Figure, pd.DataFrame]:
    """The same as maps with level lines: a row a quantity, a panel a type, common colors.

    Parameters
    ----------
    results, pair
        As for :func:`two_type_surfaces`.

    Returns
    -------
    Figure, DataFrame
        As :func:`two_type_surfaces`.

    Raises
    ------
    ValueError
        If the grid is a single line, or there is no such pair.

    Examples
    --------
    >>> from paid_with_models.paper.two_types import two_type_experiment
    >>> two_type_maps(two_type_experiment([4, 8], [0.3, 0.7]), "complete")[1].columns[-1]
    'complete_rewards'
    """
    pairs = _pair(results, pair)
    with style():
        figure = new_figure(2.7 * len(pairs) + 0.2)
        grid = figure.add_gridspec(len(pairs), 3, width_ratios=[1, 1, 0.06])
        for row, (name, _, title) in enumerate(pairs):
            values = getattr(results, name)
            low, high = float(values.min()), float(values.max())
            if high - low < 1e-6 * max(1.0, abs(high)):
                low, high = low - 0.5, high + 0.5
            levels = np.asarray(MaxNLocator(12, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
            if values.ndim == 3:
                panels = {f"{title}, type {i + 1}": values[..., i] for i in range(2)}
                axes = [figure.add_subplot(grid[row, i]) for i in range(2)]
                axes[1].tick_params(labelleft=False)
            else:
                panels = {title: values}
                axes = [figure.add_subplot(grid[row, :2])]
            for ax, (label, panel) in zip(axes, panels.items(), strict=True):
                where = (results.p_high, results.n_parties, panel)
                bands = ax.contourf(*where, levels=levels, cmap="cividis")
                ax.contour(
                    *where, levels=levels[1:-1], colors="white", linewidths=0.6, linestyles="solid"
                )
                if results.n_parties.max() >= 10 * results.n_parties.min():
                    ax.set_yscale("log")
                    sizes = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
                    low_n, high_n = results.n_parties[[0, -1]]
                    ax.set_yticks(sizes[(sizes >= low_n) & (sizes <= high_n)])
                    thousands_separated(ax.yaxis)
                    ax.minorticks_off()
                ax.set_title(label)
                if row == len(pairs) - 1:
                    ax.set_xlabel("probability $p_1$ of type 1")
            axes[0].set_ylabel("parties $N$")
            bar = figure.colorbar(bands, cax=figure.add_subplot(grid[row, 2]))
            bar.ax.tick_params(length=0)
            bar.ax.yaxis.set_major_locator(MaxNLocator(6))
            thousands_separated(bar.ax.yaxis)
        return laid_out(figure), _two_type_table(results, pairs)


Pairs = tuple[tuple[str, str, str], ...]


def _pair(results: TwoTypeResults, pair: str) -> Pairs:
    if pair not in TWO_TYPE_PAIRS:
        raise ValueError(f"pair must be one of {', '.join(TWO_TYPE_PAIRS)}; got {pair!r}")
    if results.n_parties.size < 2 or results.p_high.size < 2:
        raise ValueError(
            "results must have at least two sizes and two probabilities; got a grid of"
            f" {results.n_parties.size} x {results.p_high.size}"
        )
    return TWO_TYPE_PAIRS[pair]


def _two_type_table(results: TwoTypeResults, pairs: Pairs) -> pd.DataFrame:
    pooled = results.p_high[results.bunched[-1]]
    return with_numbers(
        results.table(*(name for name, *_ in pairs)),
        smallest=results.n_parties.min(),
        largest=results.n_parties.max(),
        switch=pooled.min() if pooled.size else 1.0,
    )


#: View in degrees, and opacity: from low p_1 and few parties, where surfaces hide each other least.
ELEVATION = 28


#: View in degrees, and opacity: from low p_1 and few parties, where surfaces hide each other least.
AZIMUTH = -124


#: View in degrees, and opacity: from low p_1 and few parties, where surfaces hide each other least.
OPACITY = 0.85


#: At most this many lines of a surface's mesh run along each axis.
MESH = 26


#: Two surfaces closer than this share of their axis cannot be told apart, and are drawn as one.
ALIKE = 0.005


#: Colour of a surface on which both types lie, and of one that belongs to no type.
BOTH = TYPE_PATH[2]


#: Colour of a surface on which both types lie, and of one that belongs to no type.
NEITHER = CAP


def _draw_surfaces(
    ax: Axes3D, results: TwoTypeResults, values: FloatArray, colors: Sequence[str]
) -> set[str]:
    """One or two surfaces over (p_1, N), sorted by depth together; returns the colors used."""
    rows = _thin(results.n_parties.size)
    columns = _thin(results.p_high.size)
    p, n = np.meshgrid(results.p_high[columns], results.n_parties[rows].astype(float))
    z = values[np.ix_(rows, columns)]
    low, high, ticks = _z_axis(z)
    surfaces = [(z, NEITHER)] if z.ndim == 2 else [(z[..., i], colors[i]) for i in range(2)]
    size = high - low
    alike = np.zeros(z.shape[:2], dtype=bool)
    if z.ndim == 3:
        alike = np.abs(z[..., 0] - z[..., 1]) <= ALIKE * size
    quads, faces, edges = [], [], []
    for number, (surface, color) in enumerate(surfaces):
        grid = np.stack([p, n, surface], axis=-1)
        corners = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=2)
        same = alike[:-1, :-1] & alike[:-1, 1:] & alike[1:, 1:] & alike[1:, :-1]
        light = _light(corners, np.array([1.0, float(np.ptp(n)), size]))
        for index in np.ndindex(same.shape):
            if same[index] and number == 1:
                continue  # drawn once, for both
            shade = BOTH if same[index] else color
            quads.append(corners[index])
            faces.append(_lit(shade, float(light[index])))
            edges.append(shade)
    ax.add_collection3d(
        Poly3DCollection(
            quads, facecolors=faces, edgecolors=edges, linewidths=0.35, rasterized=True
        )
    )
    ax.set(xlim=(0, 1), ylim=(n.min(), n.max()), zlim=(low, high))
    ax.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    # No tick at the ends of this axis, where it meets the others.
    ax.set_yticks(_inner_ticks(float(n.min()), float(n.max())))
    ax.set_zticks(ticks, [tick_text(round(float(t), 10)) for t in ticks])
    ax.set_xlabel("$p_1$", labelpad=-6)
    ax.set_ylabel("$N$", labelpad=-3)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_pane_color((1, 1, 1, 0))
        axis.line.set_color(MUTED)
        axis._axinfo["grid"].update(color=GRID, linewidth=0.7)
    ax.tick_params(axis="x", pad=-3)
    ax.tick_params(axis="y", pad=-3)
    ax.tick_params(axis="z", pad=-4)
    for text in ax.zaxis.get_ticklabels():
        text.set_horizontalalignment("right")
    ax.patch.set_visible(False)
    ax.view_init(elev=ELEVATION, azim=AZIMUTH)
    ax.set_box_aspect((1, 1, 0.85), zoom=0.9)
    return set(edges)


def _thin(size: int) -> npt.NDArray[np.int64]:
    """At most MESH indices out of ``size``, first and last included."""
    return np.unique(np.linspace(0, size - 1, min(size, MESH)).round().astype(np.int64))


def _inner_ticks(low: float, high: float) -> list[float]:
    """Two or three round numbers away from the ends."""
    ticks = np.asarray(MaxNLocator(3, integer=True).tick_values(low, high), dtype=float)
    edge = 0.1 * (high - low)
    return [float(t) for t in ticks if low + edge <= t <= high - edge]


def _z_axis(z: FloatArray) -> tuple[float, float, FloatArray]:
    """Limits and ticks; a surface that is flat but for rounding is drawn flat."""
    low, high = float(z.min()), float(z.max())
    if high - low < 1e-6 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    ticks = np.asarray(MaxNLocator(4).tick_values(low, high), dtype=float)
    step = float(ticks[1] - ticks[0])
    low, high = min(low, 0.0) if abs(low) < 0.5 * step else low, high
    inside = ticks[(ticks >= low - 0.02 * step) & (ticks <= high + 0.02 * step)]
    return low, high, inside


def _light(corners: FloatArray, scale: FloatArray) -> FloatArray:
    """Brightness in [0, 1] of quadrilaterals (..., 4, 3), light from above left."""
    scaled = corners / scale
    normal = np.cross(scaled[..., 2, :] - scaled[..., 0, :], scaled[..., 3, :] - scaled[..., 1, :])
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-300)
    ray = np.array([-0.45, -0.35, 0.82])
    return np.asarray(np.abs(normal @ (ray / np.linalg.norm(ray))))


def _lit(color: str, light: float) -> tuple[float, float, float, float]:
    base = np.array(to_rgb(tint(color, 0.5 + 0.35 * (1 - light))))
    return (*map(float, base), OPACITY)  # type: ignore[return-value]
