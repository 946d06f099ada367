r"""How all figures of the book look: colors, sizes, and what their drawing shares.

Figures are made outside pyplot, under :func:`style`, and carry the style along when they are drawn,
so that the same results give the same bytes, in a script as in a notebook.

**Colors.** A type has the same color in every figure: along one path from orange (the costliest)
to navy (the cheapest), which darkens throughout. Neighboring colors of up to five types stay
apart under simulated protanopia, deuteranopia and tritanopia (Machado, Oliveira and Fernandes
2009), and every color has a contrast of at least 3 to the white ground; types are labeled as
well, since nothing is told by color alone. "Type 1" is the first in the order of the problem.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

__all__ = ["style", "type_colors"]

P = ParamSpec("P")
#: Inches: of a figure, the white around it, and a column of a paper, where text is at least
#: LEAST_TEXT points high; on a phone, where custom.css gives a figure PHONE pixels, LEAST_PIXELS.
WIDTH, PAD, COLUMN, LEAST_TEXT, PHONE, LEAST_PIXELS = 5.2, 0.03, 3.3, 6.0, 386, 11.0
PIXELS = 150  # per inch, of surfaces inside vector files
SMALL = 10.8  # points of small text, the least that does for both
CONTRAST = 4.5  # of text to white, at least, as the guidelines for web content ask for
INK = "#1f2430"  # text, axes, the model that everybody could have
MUTED = "#5d6470"  # secondary text
FAINT = "#6f7682"  # types that train nothing alone
GRID = "#dfe2e7"
CAP = "#00796b"  # what the collective model is worth; the contract among schemes
ALARM = "#b3261e"  # free-riding, broken promises
#: From the costliest type to the cheapest.
TYPE_PATH = ("#dd7733", "#b8321a", "#7b3b78", "#3a3fd0", "#141452")
BELIEFS = {"paper": "given $n_i \\geq 1$", "own": "own"}  # about one's type, in legends
_RC: dict[str, Any] = {
    **dict.fromkeys(["text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"], INK),
    **dict.fromkeys(["axes.edgecolor", "xtick.color", "ytick.color"], MUTED),
    **dict.fromkeys(["figure.facecolor", "savefig.facecolor"], "white"),
    **dict.fromkeys(["font.size", "axes.labelsize"], 11),
    **dict.fromkeys(["legend.fontsize", "xtick.labelsize", "ytick.labelsize"], SMALL),
    **dict.fromkeys(["axes.linewidth", "grid.linewidth"], 0.8),
    **dict.fromkeys(["axes.spines.right", "axes.spines.top", "legend.frameon"], False),
    **dict.fromkeys(["axes.axisbelow", "axes.unicode_minus"], True),
    **dict.fromkeys(["xtick.major.size", "ytick.major.size"], 4),
    "axes.titlelocation": "left", "axes.titlesize": 11.5, "axes.titleweight": "bold",
    "figure.dpi": 100, "savefig.dpi": 300, "savefig.pad_inches": PAD,
    "font.family": ["DejaVu Sans"], "mathtext.fontset": "dejavusans", "pdf.fonttype": 42,
    "grid.color": GRID, "hatch.linewidth": 0.9, "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round", "svg.fonttype": "path", "svg.hashsalt": "paid-with-models",
}  # fmt: skip


@contextmanager
def style() -> Iterator[None]:
    """The book's look: seaborn's ticks, readable sizes, reproducible SVG. Restores what was.

    Examples
    --------
    >>> before = mpl.rcParams["axes.labelsize"]
    >>> with style():
    ...     mpl.rcParams["svg.hashsalt"]
    'paid-with-models'
    >>> mpl.rcParams["axes.labelsize"] == before
    True
    """
    with mpl.rc_context(), sns.axes_style("ticks"), sns.plotting_context("notebook"):
        mpl.rcParams.update(_RC)  # type: ignore[arg-type]
        yield


class _Canvas(FigureCanvasBase):
    """Draws under :func:`style` and without the date, whoever asks."""

    def print_figure(self, filename: Any, *args: Any, **kwargs: Any) -> Any:
        kind = kwargs.get("format") or str(filename)
        date = {"svg": "Date", "pdf": "CreationDate"}.get(kind.rsplit(".", 1)[-1].lower())
        if date is not None:
            kwargs["metadata"] = {date: None, **(kwargs.get("metadata") or {})}
            kwargs["dpi"] = PIXELS  # of the parts of a vector file that are not vectors
        with style():
            return super().print_figure(filename, *args, **kwargs)


def type_colors(costs: npt.ArrayLike) -> list[str]:
    """Colors of types, as hexadecimal strings in the order given: orange costliest, navy cheapest.

    Examples
    --------
    >>> type_colors([0.2, 0.1]) == type_colors([0.1, 0.2])[::-1]
    True
    """
    order = np.argsort(-np.asarray(costs, dtype=float), kind="stable")
    path = LinearSegmentedColormap.from_list("types", TYPE_PATH)
    where = np.linspace(0, 1, order.size) if order.size > 1 else np.ones(1)
    colors = [""] * order.size
    for place, i in zip(where, order, strict=True):
        colors[i] = to_hex(path(float(place)))
    return colors


def _legible(color: Any) -> str:
    """The color, or the lightest darker shade of it that is legible on white."""
    for share in np.linspace(1, 0, 101):
        shade = share * np.array(to_rgb(color))
        linear = np.where(shade <= 0.04045, shade / 12.92, ((shade + 0.055) / 1.055) ** 2.4)
        if 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= CONTRAST:
            break
    return to_hex(tuple(shade))


def drawing(
    function: Callable[P, tuple[Figure, pd.DataFrame]],
) -> Callable[P, tuple[Figure, pd.DataFrame]]:
    """Let a function draw under :func:`style`, and lay its figure out once: redone, it moves."""

    @functools.wraps(function)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> tuple[Figure, pd.DataFrame]:
        with style():
            figure, table = function(*args, **kwargs)
            for text in figure.findobj(Text):
                text.set_color(_legible(text.get_color()))
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
            return figure, table

    return drawn


def new_figure(height: float, layout: str = "constrained") -> Figure:
    """An empty figure, `height` inches high."""
    figure = Figure(figsize=(WIDTH, height), layout=layout)  # type: ignore[arg-type]
    _Canvas(figure)
    return figure


def new_panels(
    height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, Any]:
    """A figure `height` inches high, and its axes as ``Figure.subplots`` returns them."""
    figure = new_figure(height)
    return figure, figure.subplots(rows, columns, **options)


def draw_lines(
    ax: Axes, table: pd.DataFrame, x: str, y: str, by: str, looks: Mapping[Any, Mapping[str, Any]]
) -> None:
    """A line of `y` against `x` for each value of `by`, labeled with it if not otherwise."""
    for value, look in looks.items():
        rows = table[table[by] == value]
        ax.plot(rows[x], rows[y], **{"label": str(value), **look})


def with_numbers(table: pd.DataFrame, **numbers: float | str) -> pd.DataFrame:
    """A copy of the table with more of the numbers that texts about the figure need."""
    plain = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in numbers.items()
    }
    table = table.copy()
    table.attrs["numbers"] = {**table.attrs.get("numbers", {}), **plain}
    return table


def tick_text(number: float, _position: int | None = None) -> str:
    return f"{number:,.10g}".replace("-", "\N{MINUS SIGN}")


def legend_below(figure: Figure, handles: Sequence[Any], columns: int) -> None:
    figure.legend(
        handles=list(handles), loc="outside lower center", ncols=columns, handlelength=2.4,
        columnspacing=1.6, handletextpad=0.7, borderaxespad=0.0,
    )  # fmt: skip


def legend_from_axes(figure: Figure, axes: Iterable[Axes], columns: int) -> None:
    """Key below the panels of what is labeled in some of them."""
    handles = [handle for ax in axes for handle in ax.get_legend_handles_labels()[0]]
    legend_below(figure, handles, columns)


def marker_handle(
    marker: str, color: str, label: str, size: float = 6, *, hollow: bool = False
) -> Line2D:
    """A marker for a key."""
    return Line2D(
        [], [], marker=marker, linestyle="", markersize=size, label=label,
        markerfacecolor="white" if hollow else color, markeredgecolor=color,
        markeredgewidth=2 if hollow else 1,
    )  # fmt: skip


def thousands_separated(axis: Axis) -> None:
    """Ticks of an axis with separated thousands."""
    axis.set_major_formatter(FuncFormatter(tick_text))


def tint(color: str, share: float = 0.45) -> str:
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(color))
    return to_hex((red, green, blue))
