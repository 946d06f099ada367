"""Figures of the chapter on why collaboration needs a contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..accuracy import Curve
from ..problem import Problem, autarky
from . import style
from .parts import data_for, draw_option, kinks, number_text, type_handles, useful_data

__all__ = ["accuracy_curve", "autarky_figure", "free_riding_figure"]


@style.drawing
def accuracy_curve(curve: Curve, upto: float | None = None) -> tuple[Figure, pd.DataFrame]:
    """An accuracy curve, its concave envelope, and where the two part.

    Drawn up to ``upto`` units of data, by default to where the curve has made most of its way.
    """
    envelope = curve.envelope()
    tangent = envelope.tangent_point
    if upto is None:
        upto = 8 * tangent if tangent > 0 else data_for(curve, 0.9 * curve.optimum)
    if not 0 < upto < np.inf:
        raise ValueError(f"upto must be > 0 and finite; got {upto!r}")
    kink = float(getattr(curve, "zero_until", 0.0))
    special = [x for x in (kink, tangent) if 0 < x < upto]
    data = np.union1d(np.linspace(0, upto, 801), special)
    table = pd.DataFrame({"data": data, "accuracy": curve(data), "envelope": envelope(data)})
    figure, ax = style.new_panels(3.9)
    ax.axhline(curve.optimum, color=style.MUTED, linewidth=1, linestyle=(0, (1, 2)))
    ax.annotate(
        r"$a_\mathrm{opt}$" + f" = {curve.optimum:g}", (upto, curve.optimum), (0, 3),
        textcoords="offset points", ha="right", va="bottom", color=style.MUTED,
    )  # fmt: skip
    if tangent > 0:
        ax.plot(data, table["envelope"], color=style.CAP, linestyle=(0, (4, 2)), linewidth=1.8)
    ax.plot(data, table["accuracy"], color=style.INK, linewidth=2.4)
    top = float(curve(tangent))
    line = {"arrowstyle": "-", "linewidth": 0.9, "shrinkB": 5}
    if 0 < kink < upto:
        ax.plot(kink, 0, "o", color=style.INK, markersize=7, clip_on=False, zorder=5)
        ax.annotate(
            f"useless up to $x_0$ = {number_text(kink)}", (kink, 0), (0.3, 0.1),
            textcoords="axes fraction", va="center", arrowprops={**line, "color": style.INK},
        )  # fmt: skip
    if 0 < tangent < upto:
        ax.plot(tangent, top, "o", color=style.CAP, markersize=7, zorder=5)
        ax.annotate(
            "the concave envelope is a line up to\n"
            f"$x_t$ = {number_text(tangent)}, then the curve",
            (tangent, top), (0.36, 0.3), textcoords="axes fraction", va="center", color=style.CAP,
            arrowprops={**line, "color": style.CAP},
        )  # fmt: skip
    ax.set(
        xlim=(0, upto), ylim=(0, 1.09 * curve.optimum),
        xlabel="total contribution S (units of data)", ylabel="accuracy a(S)",
    )  # fmt: skip
    style.thousands_separated(ax.xaxis)
    ax.grid(axis="y")
    parameters = {name: it for name, it in vars(curve).items() if isinstance(it, float)}
    return figure, style.with_numbers(table, **parameters, zero_until=kink, tangent_point=tangent)


@style.drawing
def autarky_figure(problem: Problem) -> tuple[Figure, pd.DataFrame]:
    r"""What each type does alone: the point of v(a(m)) that is farthest above its cost line."""
    alone = autarky(problem)
    value = problem.model_value
    table = pd.DataFrame(
        {
            "type": np.arange(1, problem.n_types + 1),
            "cost": problem.costs,
            "reservation_contribution": alone.contributions,
            "model_value": value(alone.contributions),
            "reservation_utility": alone.utilities,
        }
    )
    active = alone.contributions > 0
    upto = 1.3 * float(alone.contributions.max()) if active.any() else 3 * useful_data(problem)
    data = np.union1d(np.linspace(0, upto, 601), kinks(problem, upto))
    figure, ax = style.new_panels(4.4 + 0.22 * (problem.n_types // 4))
    ax.plot(data, value(data), color=style.INK, linewidth=2.4, zorder=3)
    colors = style.type_colors(problem.costs)
    top = 1.12 * float(value(upto))
    for i in np.flatnonzero(active):
        f, m = float(alone.utilities[i]), float(alone.contributions[i])
        ax.plot(
            [0, upto], [f, f + problem.costs[i] * upto], color=colors[i], linewidth=1.4,
            linestyle=(0, (5, 2)),
        )  # fmt: skip
        ax.plot(0, f, "<", color=colors[i], markersize=7, clip_on=False, zorder=5)
        draw_option(ax, m, float(value(m)), colors[i], hollow=True)
    ax.set(
        xlim=(0, upto), ylim=(0, top),
        xlabel="own contribution m (units of data)", ylabel="value of the model",
    )  # fmt: skip
    style.thousands_separated(ax.xaxis)
    handles = [
        *type_handles(problem, out=~active),
        Line2D([], [], color=style.INK, linewidth=2.4, label="value of the model, v(a(m))"),
        Line2D(
            [], [], color=style.MUTED, linestyle=(0, (5, 2)), linewidth=1.4,
            label="cost line that touches, $c_i m + f_i$",
        ),
        style.marker_handle("<", style.MUTED, "reservation utility $f_i$", 7),
        style.marker_handle("o", style.MUTED, "reservation contribution", 8, hollow=True),
    ]  # fmt: skip
    style.legend_below(figure, handles, columns=2)
    return figure, style.with_numbers(table, n_types=problem.n_types)


#: By scheme: label, color, line and marker.
SCHEME_LOOKS: dict[str, tuple[str, str, Any, str]] = {
    "complete": ("contract when types are seen", style.MUTED, (0, (5, 2)), "s"),
    "contract": ("optimal contract, types private", style.CAP, "-", "o"),
    "surplus": ("largest joint surplus", style.INK, (0, (1, 1.6)), "^"),
    "free_riding": ("best model for everyone: free-riding", style.ALARM, "-", "D"),
}


@style.drawing
def free_riding_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Data collected and accuracy reached by four schemes, against the number of parties.

    Takes what :func:`~paid_with_models.paper.free_riding.free_riding_experiment` returns.
    """
    sizes = table["n_parties"]
    few = sizes.nunique() <= 25
    looks = {
        scheme: {
            "label": label, "color": color, "linestyle": line, "marker": marker if few else None,
            "markersize": 4.5, "linewidth": 2,
        }
        for scheme, (label, color, line, marker) in SCHEME_LOOKS.items()
    }  # fmt: skip
    figure, (upper, lower) = style.new_panels(6.2, 2, 1, sharex=True)
    for ax, column in ((upper, "expected_total"), (lower, "expected_accuracy")):
        style.draw_lines(ax, table, "n_parties", column, "scheme", looks)
        ax.set_ylim(bottom=0)
        ax.grid(axis="y")
        ax.margins(x=0.02)
    upper.set_title("Expected total contribution (units of data)")
    style.thousands_separated(upper.yaxis)
    lower.set_title("Expected accuracy")
    lower.set_xlabel("number of parties N")
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.legend_from_axes(figure, [upper], columns=1)
    return figure, style.with_numbers(table, smallest=sizes.min(), largest=sizes.max())
