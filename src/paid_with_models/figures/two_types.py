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
from ..paper.two_types import surfaces
from . import style

__all__ = ["two_type_maps", "two_type_surfaces"]


#: Pairs of quantities of the two-type experiment that are shown together: columns of its table,
#: with their titles in a surface (with symbol) and at the color bar of a map.
TWO_TYPE_PAIRS: dict[str, tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    "contract": (
        ("contributions", "Contribution $m_i$ (data)", "contribution (units of data)"),
        ("rewards", "Reward $t_i$ (value)", "reward (units of value)"),
    ),
    "information": (
        ("information_cost", r"Information cost $\Delta E[v(a(S))]$", "information cost (value)"),
        ("rents", r"Information rent $\Delta u_i$ (value)", "rent (units of value)"),
    ),
    "complete": (
        ("complete_contributions", "Contribution $E[m_i]$ (data)", "contribution (units of data)"),
        ("complete_rewards", "Reward $E[v(r_i)]$ (value)", "reward (units of value)"),
    ),
}
Pairs = tuple[tuple[str, str, str], ...]
#: A quantity of at most this share of the range is zero.
NEGLIGIBLE = 1e-9


@style.drawing
def two_type_surfaces(results: pd.DataFrame, pair: str = "contract") -> tuple[Figure, pd.DataFrame]:
    """A pair of quantities over the grid of (p_1, N), as surfaces.

    Takes what :func:`~paid_with_models.paper.two_types.two_type_experiment` returns, of at least
    two sizes and two probabilities. Pairs: "contract", contributions and rewards of both types in
    the optimal contract; "information", information cost and rents; "complete", average
    contributions and rewards when types are seen.
    """
    pairs = _pair(results, pair)
    costs = results.drop_duplicates("type")["cost"].tolist()
    colors = style.type_colors(costs)
    figure = style.new_figure(3.5, layout="none")
    drawn: set[str] = set()
    for place, (name, title, _) in enumerate(pairs):
        box = (0.5 * place + 0.05, 0.09, 0.445, 0.88)
        ax = figure.add_axes(box, projection="3d", computed_zorder=False)
        assert isinstance(ax, Axes3D)
        drawn |= _draw_surfaces(ax, surfaces(results, name), colors)
        figure.text(0.5 * place + 0.02, 0.95, title, size=11, weight="bold", va="center")
    labels = {
        colors[0]: f"type 1, cost {costs[0]:g}",
        colors[1]: f"type 2, cost {costs[1]:g}",
        BOTH: "both alike",
    }
    handles = [
        Patch(facecolor=style.tint(color, 0.8), edgecolor=color, label=label)
        for color, label in labels.items()
        if color in drawn
    ]
    figure.legend(handles=handles, loc="lower center", ncols=3, handlelength=1.2, borderaxespad=0.3)
    return figure, _two_type_table(results, pairs)


@style.drawing
def two_type_maps(results: pd.DataFrame, pair: str = "contract") -> tuple[Figure, pd.DataFrame]:
    """The same as maps with level lines: a row a quantity, a panel a type, common colors.

    A type for which a quantity is zero everywhere has no panel, unless it is zero for both.
    """
    pairs = _pair(results, pair)
    figure = style.new_figure(2.7 * len(pairs) + 0.2)
    grid = figure.add_gridspec(len(pairs), 3, width_ratios=[1, 1, 0.06])
    for row, (name, _, title) in enumerate(pairs):
        layers = surfaces(results, name)
        low, high = _range(layers)
        levels = np.asarray(MaxNLocator(12, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        titles = ["type 1", "type 2"] if len(layers) > 1 else ["both types"]
        panels = dict(zip(titles, layers, strict=True))
        some = [it for it in titles if panels[it].abs().max(axis=None) > NEGLIGIBLE * (high - low)]
        panels = {it: panels[it] for it in some or titles}
        places = [grid[row, i] for i in range(2)] if len(panels) > 1 else [grid[row, :2]]
        axes = [figure.add_subplot(place) for place in places]
        if len(axes) > 1:
            axes[1].tick_params(labelleft=False)
        for ax, (label, layer) in zip(axes, panels.items(), strict=True):
            where = (layer.columns.to_numpy(), layer.index.to_numpy(), layer.to_numpy())
            bands = ax.contourf(*where, levels=levels, cmap="cividis")
            ax.contour(
                *where, levels=levels[1:-1], colors="white", linewidths=0.6, linestyles="solid"
            )
            if layer.index.max() >= 10 * layer.index.min():
                ax.set_yscale("log")
                sizes = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
                ax.set_yticks(sizes[(sizes >= layer.index.min()) & (sizes <= layer.index.max())])
                style.thousands_separated(ax.yaxis)
                ax.minorticks_off()
            ax.set_title(label)
            if row == len(pairs) - 1:
                ax.set_xlabel("share of type 1, $p_1$")
        axes[0].set_ylabel("parties $N$")
        bar = figure.colorbar(bands, cax=figure.add_subplot(grid[row, 2]))
        bar.set_label(title)
        bar.ax.tick_params(length=0)
        bar.ax.yaxis.set_major_locator(MaxNLocator(6))
        style.thousands_separated(bar.ax.yaxis)
    return figure, _two_type_table(results, pairs)


def _pair(results: pd.DataFrame, pair: str) -> Pairs:
    if pair not in TWO_TYPE_PAIRS:
        raise ValueError(f"pair must be one of {', '.join(TWO_TYPE_PAIRS)}; got {pair!r}")
    sizes, shares = results["n_parties"].nunique(), results["p_high"].nunique()
    if sizes < 2 or shares < 2:
        raise ValueError(
            "results must have at least two sizes and two probabilities; got a grid of"
            f" {sizes} x {shares}"
        )
    return TWO_TYPE_PAIRS[pair]


def _two_type_table(results: pd.DataFrame, pairs: Pairs) -> pd.DataFrame:
    sizes = results["n_parties"]
    pooled = results.loc[(sizes == sizes.max()) & results["bunched"], "p_high"]
    return style.with_numbers(
        results[["n_parties", "p_high", "type", *(name for name, *_ in pairs)]],
        smallest=sizes.min(),
        largest=sizes.max(),
        switch=pooled.min() if pooled.size else 1.0,
    )


def _range(layers: Sequence[pd.DataFrame]) -> tuple[float, float]:
    """Least and largest of all; apart, so that what is flat but for rounding is drawn flat."""
    low = min(float(layer.to_numpy().min()) for layer in layers)
    high = max(float(layer.to_numpy().max()) for layer in layers)
    return (low, high) if high - low >= 1e-6 * max(1.0, abs(high)) else (low - 0.5, high + 0.5)


#: View in degrees: from low p_1 and few parties, where surfaces hide each other least.
ELEVATION, AZIMUTH = 28, -124
#: Opacity of surfaces.
OPACITY = 0.85
#: At most this many lines of a surface's mesh run along each axis.
MESH = 26
#: Two surfaces closer than this share of their axis cannot be told apart, and are drawn as one.
ALIKE = 0.005
#: Color of a surface on which both types lie, and of one that belongs to no type.
BOTH, NEITHER = style.TYPE_PATH[2], style.CAP


def _draw_surfaces(ax: Axes3D, layers: Sequence[pd.DataFrame], colors: Sequence[str]) -> set[str]:
    """One or two surfaces over (p_1, N), sorted by depth together; returns the colors used."""
    thin = [it.iloc[_thin(it.shape[0]), _thin(it.shape[1])] for it in layers]
    p, n = np.meshgrid(thin[0].columns.to_numpy(), thin[0].index.to_numpy(dtype=float))
    z = [layer.to_numpy() for layer in thin]
    low, high, ticks = _z_axis(*_range(thin))
    shades = [NEITHER] if len(z) == 1 else colors
    size = high - low
    alike = np.zeros(p.shape, dtype=bool) if len(z) == 1 else np.abs(z[0] - z[1]) <= ALIKE * size
    quads, faces, edges = [], [], []
    for number, (surface, color) in enumerate(zip(z, shades, strict=True)):
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
    ax.set_zticks(ticks, [style.tick_text(round(float(t), 10)) for t in ticks])
    ax.set_xlabel("$p_1$", labelpad=-6)
    ax.set_ylabel("$N$", labelpad=-3)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_pane_color((1, 1, 1, 0))
        axis.line.set_color(style.MUTED)
        axis._axinfo["grid"].update(color=style.GRID, linewidth=0.7)
    for name, pad in (("x", -3), ("y", -3), ("z", -4)):
        ax.tick_params(axis=name, pad=pad)
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


def _z_axis(low: float, high: float) -> tuple[float, float, FloatArray]:
    """Limits and ticks; the axis starts at 0 if it nearly does."""
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
    base = np.array(to_rgb(style.tint(color, 0.5 + 0.35 * (1 - light))))
    return (*map(float, base), OPACITY)  # type: ignore[return-value]
