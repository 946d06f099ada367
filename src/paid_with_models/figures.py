r"""The figures of the paper's problem, contracts and experiments, one function a figure.

Each function takes results and returns the matplotlib figure and the tidy table behind it. Where
a caption or a description needs numbers, they are in ``table.attrs["numbers"]``, by name.
Nothing is shown, saved or left behind; :mod:`~paid_with_models.figure_style` says how figures look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from mpl_toolkits.mplot3d.axes3d import Axes3D

from .accuracy import Curve, FloatArray
from .expectation import enumerate_outcomes, outcome_probabilities
from .experiments import CounterExample, FreeRidingResults, TwoTypeResults, _types, options
from .figure_style import (
    ALARM,
    CAP,
    FAINT,
    GRID,
    INK,
    MUTED,
    TYPE_PATH,
    WIDTH,
    _figure,
    _legend_below,
    _legend_of,
    _mark,
    _num,
    _settled,
    _thousands,
    _tick,
    _tint,
    _told,
    style,
    type_colors,
)
from .problem import Problem, autarky
from .rewards import RewardDistribution, proportional_rewards
from .screening import Contract

__all__ = [
    "accuracy_curve",
    "autarky_figure",
    "bunching",
    "contributions",
    "counter_example",
    "deterministic_promise",
    "free_riding_figure",
    "graphical_illustration",
    "reward_distributions",
    "scenario_panel",
    "timeline",
    "two_type_maps",
    "two_type_surfaces",
]


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
        return _settled(figure), steps


def _canvas_axes(height: float) -> tuple[Figure, Axes]:
    """Axes that fill the figure, in inches."""
    figure = _figure(height, layout="none")
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


def accuracy_curve(curve: Curve, upto: float | None = None) -> tuple[Figure, pd.DataFrame]:
    """An accuracy curve, its concave envelope, and where the two part.

    Parameters
    ----------
    curve : Curve
    upto : float > 0, optional
        Right end of the axis, units of data; by default where the curve has made most of its
        way to the optimum.

    Returns
    -------
    Figure, DataFrame
        Columns data, accuracy, envelope.

    Raises
    ------
    ValueError
        If ``upto`` is not positive.

    Examples
    --------
    >>> from paid_with_models import Arctan
    >>> accuracy_curve(Arctan(), upto=1000.0)[1].columns.tolist()
    ['data', 'accuracy', 'envelope']
    """
    envelope = curve.envelope()
    tangent = envelope.tangent_point
    if upto is None:
        upto = 8 * tangent if tangent > 0 else _data_for(curve, 0.9 * curve.optimum)
    if not 0 < upto < np.inf:
        raise ValueError(f"upto must be > 0 and finite; got {upto!r}")
    kink = float(getattr(curve, "zero_until", 0.0))
    special = [x for x in (kink, tangent) if 0 < x < upto]
    data = np.union1d(np.linspace(0, upto, 801), special)
    table = pd.DataFrame({"data": data, "accuracy": curve(data), "envelope": envelope(data)})
    with style():
        figure = _figure(3.9)
        ax = figure.subplots()
        ax.axhline(curve.optimum, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        ax.annotate(
            "$a_{opt}$" + f" = {curve.optimum:g}", (upto, curve.optimum), (0, 3),
            textcoords="offset points", ha="right", va="bottom", color=MUTED,
        )  # fmt: skip
        if tangent > 0:
            ax.plot(data, table["envelope"], color=CAP, linestyle=(0, (4, 2)), linewidth=1.8)
        ax.plot(data, table["accuracy"], color=INK, linewidth=2.4)
        top = float(curve(tangent))
        line = {"arrowstyle": "-", "linewidth": 0.9, "shrinkB": 5}
        if 0 < kink < upto:
            ax.plot(kink, 0, "o", color=INK, markersize=7, clip_on=False, zorder=5)
            ax.annotate(
                f"useless up to $x_0$ = {_num(kink)}", (kink, 0), (0.3, 0.1),
                textcoords="axes fraction", va="center", arrowprops={**line, "color": INK},
            )  # fmt: skip
        if 0 < tangent < upto:
            ax.plot(tangent, top, "o", color=CAP, markersize=7, zorder=5)
            ax.annotate(
                f"the concave envelope is a line up to\n$x_t$ = {_num(tangent)}, then the curve",
                (tangent, top), (0.36, 0.3), textcoords="axes fraction", va="center", color=CAP,
                arrowprops={**line, "color": CAP},
            )  # fmt: skip
        ax.set(
            xlim=(0, upto), ylim=(0, 1.09 * curve.optimum),
            xlabel="total contribution S (units of data)", ylabel="accuracy a(S)",
        )  # fmt: skip
        _thousands(ax.xaxis)
        ax.grid(axis="y")
        parameters = {name: it for name, it in vars(curve).items() if isinstance(it, float)}
        return _settled(figure), _told(table, **parameters, zero_until=kink, tangent_point=tangent)


def autarky_figure(problem: Problem) -> tuple[Figure, pd.DataFrame]:
    r"""What each type does alone: the point of v(a(m)) that is farthest above its cost line.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Figure, DataFrame
        Columns type, cost, reservation_contribution, model_value, reservation_utility.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> autarky_figure(Problem(10, [0.5, 0.5], [1.0, 0.2], GeneralizationBound()))[1].shape
    (2, 5)
    """
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
    upto = 1.3 * float(alone.contributions.max()) if active.any() else 3 * _useful_data(problem)
    data = np.union1d(np.linspace(0, upto, 601), _kinks(problem, upto))
    with style():
        figure = _figure(4.4 + 0.22 * (problem.n_types // 4))
        ax = figure.subplots()
        ax.plot(data, value(data), color=INK, linewidth=2.4, zorder=3)
        colors = type_colors(problem.costs)
        top = 1.12 * float(value(upto))
        for i in np.flatnonzero(active):
            f, m = float(alone.utilities[i]), float(alone.contributions[i])
            ax.plot(
                [0, upto], [f, f + problem.costs[i] * upto], color=colors[i], linewidth=1.4,
                linestyle=(0, (5, 2)),
            )  # fmt: skip
            ax.plot(0, f, "<", color=colors[i], markersize=7, clip_on=False, zorder=5)
            _dot(ax, m, float(value(m)), colors[i], hollow=True)
        ax.set(
            xlim=(0, upto), ylim=(0, top),
            xlabel="own contribution m (units of data)", ylabel="value of the model",
        )  # fmt: skip
        _thousands(ax.xaxis)
        handles = [
            Line2D([], [], color=INK, linewidth=2.4, label="value of the model, v(a(m))"),
            Line2D(
                [], [], color=MUTED, linestyle=(0, (5, 2)), linewidth=1.4,
                label="cost line lifted until it touches, $c_i m + f_i$",
            ),
            _mark("<", MUTED, "reservation utility $f_i$", 7),
            _mark("o", MUTED, "reservation contribution", 8, hollow=True),
        ]  # fmt: skip
        _legend_below(figure, handles, columns=1)
        _type_legend(figure, problem, out=~active)
        return _settled(figure), _told(table, n_types=problem.n_types)


def free_riding_figure(results: FreeRidingResults) -> tuple[Figure, pd.DataFrame]:
    """Data collected and accuracy reached by four schemes, against the number of parties.

    Parameters
    ----------
    results : FreeRidingResults

    Returns
    -------
    Figure, DataFrame
        Columns n_parties, scheme, expected_total, expected_accuracy.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> from paid_with_models.experiments import free_riding_experiment
    >>> problem = Problem(1, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    >>> sorted(set(free_riding_figure(free_riding_experiment(problem, [1, 4]))[1]["scheme"]))
    ['complete', 'contract', 'free_riding', 'surplus']
    """
    looks: dict[str, tuple[str, str, Any, str]] = {
        "complete": ("contract when types are seen", MUTED, (0, (5, 2)), "s"),
        "contract": ("optimal contract, types private", CAP, "-", "o"),
        "surplus": ("largest joint surplus", INK, (0, (1, 1.6)), "^"),
        "free_riding": ("best model for everyone: free-riding", ALARM, "-", "D"),
    }
    frames = [
        pd.DataFrame(
            {
                "n_parties": results.n_parties,
                "scheme": scheme,
                "expected_total": getattr(results, f"{scheme}_total"),
                "expected_accuracy": getattr(results, f"{scheme}_accuracy"),
            }
        )
        for scheme in looks
    ]
    with style():
        figure = _figure(6.2)
        upper, lower = figure.subplots(2, 1, sharex=True)
        few = results.n_parties.size <= 25
        for frame, (label, color, line, marker) in zip(frames, looks.values(), strict=True):
            for ax, column in ((upper, "expected_total"), (lower, "expected_accuracy")):
                ax.plot(
                    frame["n_parties"], frame[column], color=color, linestyle=line, label=label,
                    marker=marker if few else None, markersize=4.5, linewidth=2,
                )  # fmt: skip
        for ax in (upper, lower):
            ax.set_ylim(bottom=0)
            ax.grid(axis="y")
            ax.margins(x=0.02)
        upper.set_title("Expected total contribution (units of data)")
        _thousands(upper.yaxis)
        lower.set_title("Expected accuracy")
        lower.set_xlabel("number of parties N")
        lower.xaxis.set_major_locator(MaxNLocator(integer=True))
        _legend_of(figure, [upper], columns=1)
        sizes = {"smallest": results.n_parties.min(), "largest": results.n_parties.max()}
        return _settled(figure), _told(pd.concat(frames, ignore_index=True), **sizes)


def deterministic_promise(contract: Contract) -> tuple[Figure, pd.DataFrame]:
    r"""What promising a fixed accuracy would risk, or waste, with the contract's contributions.

    Exact, over all outcomes n: the probability :math:`P(a(S) < r)` that a promised accuracy r
    cannot be kept (insolvency), and the value :math:`E[(v(a(S)) - v(r))^+]` of the collective
    model that a kept promise leaves unused.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    Figure, DataFrame
        Columns promise (accuracy), insolvency_probability, unused_value; one row per accuracy
        that can be realized, and one below and above.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> contract = solve(Problem(4, [0.5, 0.5], [0.2, 0.02], GeneralizationBound()))
    >>> bool(deterministic_promise(contract)[1]["insolvency_probability"].between(0, 1).all())
    True
    """
    problem = contract.problem
    counts = enumerate_outcomes(problem.n_parties, problem.n_types)
    weights = outcome_probabilities(counts, problem.probabilities)
    atoms, chances = _merge(problem.accuracy(counts @ contract.contributions), weights)
    worth = problem.valuation(atoms)
    span = max(float(np.ptp(atoms)), 0.02 * problem.accuracy.optimum)
    first = max(float(atoms[0]) - 0.06 * span, 0.0)
    last = min(float(atoms[-1]) + 0.06 * span, problem.accuracy.optimum)
    promises = np.union1d([first, last], atoms)
    promised = problem.valuation(promises)
    table = pd.DataFrame(
        {
            "promise": promises,
            "insolvency_probability": [min(float(chances[atoms < r].sum()), 1.0) for r in promises],
            "unused_value": [float(chances @ np.maximum(worth - p, 0)) for p in promised],
        }
    )
    mean = problem.valuation.inverse(chances @ worth)
    with style():
        figure = _figure(5.4)
        upper, lower = figure.subplots(2, 1, sharex=True)
        upper.step(
            promises, table["insolvency_probability"], where="pre", color=ALARM, linewidth=2.2
        )
        fine = np.union1d(promises, np.linspace(first, last, 400))
        spare = np.maximum(worth[None, :] - problem.valuation(fine)[:, None], 0) @ chances
        lower.plot(fine, spare, color=CAP, linewidth=2.2)
        for ax in (upper, lower):
            ax.axvline(atoms[0], color=INK, linewidth=1.1, linestyle=(0, (4, 2)))
            ax.axvline(float(mean), color=MUTED, linewidth=1.1, linestyle=(0, (1, 1.6)))
            ax.grid(axis="y")
            ax.margins(x=0)
        upper.set(ylim=(-0.02, 1.02), xlim=(first, last))
        upper.set_title("Probability that the promise cannot be kept")
        lower.set_title("Value of the collective model left unused")
        lower.set_xlabel("promised accuracy r")
        lower.set_ylim(
            bottom=0, top=max(1.08 * float(spare.max()), 1e-3 * problem.model_value.optimum)
        )
        handles = [
            Line2D(
                [], [], color=INK, linewidth=1.1, linestyle=(0, (4, 2)),
                label=f"safe promise, min a(S) = {atoms[0]:.4g}",
            ),
            Line2D(
                [], [], color=MUTED, linewidth=1.1, linestyle=(0, (1, 1.6)),
                label=f"promise of mean value, v(r) = E[v(a(S))]: r = {float(mean):.4g}",
            ),
        ]  # fmt: skip
        _legend_below(figure, handles, columns=1)
        return _settled(figure), table


def counter_example(
    example: CounterExample = CounterExample(),
) -> tuple[Figure, pd.DataFrame]:
    """Appendix A.1: the expected amount of data and the expected root peak at different places.

    Parameters
    ----------
    example : CounterExample

    Returns
    -------
    Figure, DataFrame
        Columns contribution, expected_total, expected_root.

    Examples
    --------
    >>> table = counter_example()[1]
    >>> bool(table["expected_root"].idxmax() == table["expected_total"].idxmax())
    False
    """
    m = np.union1d(np.linspace(0, example.budget, 401), [example.best_total, example.best_root])
    table = pd.DataFrame(
        {
            "contribution": m,
            "expected_total": example.expected_total(m),
            "expected_root": example.expected_root(m),
        }
    )
    with style():
        figure = _figure(3.4)
        axes = figure.subplots(1, 2)
        best_total, best_root = example.best_total, example.best_root
        for ax, column, best, title, color in (
            (axes[0], "expected_total", best_total, "$f$: expected data, $E[S]$", MUTED),
            (axes[1], "expected_root", best_root, r"$g$: expected root, $E[\sqrt{S}]$", CAP),
        ):
            ax.plot(m, table[column], color=color, linewidth=2.4)
            top = float(table[column].max())
            low = float(table[column].min())
            pad = 0.1 * (top - low) if top > low else 0.1 * top
            ax.set(
                xlim=(0, 1.04 * example.budget), ylim=(low - 0.3 * pad, top + 1.8 * pad),
                xlabel="contribution $m_1$",
            )  # fmt: skip
            ax.set_title(title, weight="normal")
            ax.vlines(best, low - 0.3 * pad, top, color=ALARM, linestyle=(0, (4, 2)), linewidth=1.3)
            ax.plot(best, top, "o", color=ALARM, markersize=8, clip_on=False, zorder=5)
            ax.annotate(
                f"largest at\n$m_1$ = {best:.4g}", (best, top), (-10, 10),
                textcoords="offset points", ha="right" if best > 0.3 * example.budget else "left",
                va="center", color=ALARM,
            )  # fmt: skip
            ax.grid(axis="y")
        numbers = {"budget": example.budget, "best_total": best_total, "best_root": best_root}
        return _settled(figure), _told(table, **numbers)


def reward_distributions(contract: Contract) -> tuple[Figure, pd.DataFrame]:
    r"""Distribution of each type's reward under proportional assignment, exact, given n_i >= 1.

    Heights are relative to a type's most likely value. Types whose rewards take few values have
    a bar at each; otherwise probabilities are summed in bins. The axis never spans less than one
    percent of the value of the best possible model, so that equal rewards look equal.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    Figure, DataFrame
        Columns type, value (center), width (of the bin; 0 for a single value), probability,
        first_moment (the mean, :math:`t_i`). Probabilities of a type sum to 1.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> contract = solve(Problem(4, [0.5, 0.5], [0.2, 0.02], GeneralizationBound()))
    >>> table = reward_distributions(contract)[1]
    >>> table.groupby("type")["probability"].sum().round(9).tolist()
    [1.0, 1.0]
    """
    table = _reward_table(contract)
    n_types = contract.problem.n_types
    with style():
        figure = _figure(1.5 + 0.62 * n_types)
        ax = figure.subplots()
        _draw_rewards(ax, contract, table)
        ax.set_xlabel("value of the reward, v(r)")
        out = _stays_out_alone(contract)
        handles = [_moment_handle()] + ([_grey_handle()] if out.any() else [])
        _legend_below(figure, handles, columns=2)
        return _settled(figure), _told(table, **_menu_numbers(contract))


def contributions(contract: Contract) -> tuple[Figure, pd.DataFrame]:
    """Contributions split into what a type would give anyway, what is added, what is given up.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    Figure, DataFrame
        Columns type, contribution, reservation_contribution, base, added, reduced (units of
        data): contribution = base + added, reservation_contribution = base + reduced.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> contract = solve(Problem(4, [0.5, 0.5], [0.2, 0.02], GeneralizationBound()))
    >>> table = contributions(contract)[1]
    >>> bool(((table["base"] + table["added"] - table["contribution"]).abs() < 1e-9).all())
    True
    """
    table = _contribution_table(contract)
    with style():
        figure = _figure(1.6 + 0.5 * contract.problem.n_types)
        ax = figure.subplots()
        _draw_contributions(ax, contract, table)
        ax.set_xlabel("contribution (units of data)")
        out = _stays_out_alone(contract)
        handles = _part_handles(table) + ([_grey_handle()] if out.any() else [])
        if handles:
            _legend_below(figure, handles, columns=2)
        return _settled(figure), _told(table, **_menu_numbers(contract))


def scenario_panel(contracts: Mapping[str, Contract]) -> tuple[Figure, pd.DataFrame]:
    """Reward distributions beside contributions, one row a contract.

    Parameters
    ----------
    contracts : mapping from title to Contract
        In the order drawn.

    Returns
    -------
    Figure, DataFrame
        The tables of :func:`contributions` and first moments, with a column scenario.

    Raises
    ------
    ValueError
        If there is no contract.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> contract = solve(Problem(4, [0.5, 0.5], [0.2, 0.02], GeneralizationBound()))
    >>> scenario_panel({"Mine": contract})[1]["scenario"].tolist()
    ['Mine', 'Mine']
    """
    if not contracts:
        raise ValueError("contracts must not be empty")
    heights = [1.15 + 0.42 * contract.problem.n_types for contract in contracts.values()]
    tables = []
    any_out = False
    with style():
        figure = _figure(sum(heights) + 1.0)
        axes = figure.subplots(
            len(contracts), 2, squeeze=False,
            gridspec_kw={"width_ratios": [1.25, 1], "height_ratios": heights},
        )  # fmt: skip
        for row, (title, contract) in zip(axes, contracts.items(), strict=True):
            rewards, parts = _reward_table(contract), _contribution_table(contract)
            _draw_rewards(row[0], contract, rewards, numbers=False)
            _draw_contributions(row[1], contract, parts, labels=False)
            row[0].set_title(title)
            any_out |= bool(_stays_out_alone(contract).any())
            parts.insert(0, "scenario", title)
            parts["first_moment"] = contract.rewards
            tables.append(parts)
        axes[-1, 0].set_xlabel("value of the reward, v(r)")
        axes[-1, 1].set_xlabel("contribution (units of data)")
        every = pd.concat(tables, ignore_index=True)
        handles = [_moment_handle(), *_part_handles(every)] + ([_grey_handle()] if any_out else [])
        _legend_below(figure, handles, columns=2)
        return _settled(figure), every


def bunching(
    lines: Mapping[str, Sequence[tuple[float, Contract]]],
) -> tuple[Figure, pd.DataFrame]:
    """How contributions join and part as one number of the problem changes.

    Each type is a line; where types share an option, the thinner lines run inside the wider ones,
    so that all of them are seen.

    Parameters
    ----------
    lines : mapping from str to sequence of (float, Contract)
        For each panel: what changes, as the label of its axis, and the contracts along it, all of
        the same number of types.

    Returns
    -------
    Figure, DataFrame
        Columns along, at, type, contribution, option (its number, by size of the contribution).

    Raises
    ------
    ValueError
        If there is no panel, a panel has fewer than two contracts, or the numbers of types differ.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> curve = GeneralizationBound()
    >>> row = [(p, solve(Problem(9, [p, 1 - p], [0.2, 0.1], curve))) for p in (0.2, 0.8)]
    >>> bunching({"share of type 1": row})[1]["option"].tolist()
    [1, 2, 1, 1]
    """
    if not lines or any(len(row) < 2 for row in lines.values()):
        got = {title: len(row) for title, row in lines.items()}
        raise ValueError(f"lines must hold panels of at least two contracts each; got {got}")
    sizes = {contract.problem.n_types for row in lines.values() for _, contract in row}
    if len(sizes) > 1:
        raise ValueError(f"all contracts must have as many types; got {sorted(sizes)}")
    n_types = sizes.pop()
    records = [
        (along, at, i + 1, float(contract.contributions[i]), number)
        for along, row in lines.items()
        for at, contract in row
        for number, members in enumerate(options(contract), start=1)
        for i in members
    ]
    table = pd.DataFrame(records, columns=["along", "at", "type", "contribution", "option"])
    table = table.sort_values(["along", "at", "type"], kind="stable", ignore_index=True)
    colors = type_colors(np.arange(n_types, 0, -1))
    with style():
        figure = _figure(3.7)
        axes = figure.subplots(1, len(lines), sharey=True, squeeze=False)[0]
        for ax, (along, row) in zip(axes, lines.items(), strict=True):
            at = [place for place, _ in row]
            for i in range(n_types):
                m = [contract.contributions[i] for _, contract in row]
                width = 1.6 + 3.2 * (n_types - 1 - i) / max(n_types - 1, 1)
                ax.plot(at, m, color=colors[i], linewidth=width, solid_capstyle="butt")
            ax.set_xlabel(along)
            ax.set_xlim(min(at), max(at))
            ax.set_ylim(bottom=0)
            ax.grid(axis="y")
            _thousands(ax.yaxis)
        axes[0].set_ylabel("contribution (units of data)")
        handles = [
            Line2D([], [], color=color, linewidth=3, label=f"type {i + 1}")
            for i, color in enumerate(colors)
        ]
        figure.legend(
            handles=handles, loc="outside upper center", ncols=min(n_types, 5), handlelength=1.4,
            borderaxespad=0.0,
        )  # fmt: skip
        return _settled(figure), _told(table, **_bunching_numbers(lines))


def graphical_illustration(contract: Contract) -> tuple[Figure, pd.DataFrame]:
    r"""The contract in the plane of contributions and rewards, and a closer look at its options.

    The curve v(a(m)) is what data are worth alone: reservation lines :math:`t - c_i m = f_i`
    touch it at the reservation contributions. Isoprofit lines :math:`t - c_i m = u_i` pass
    through the options; no type sees another option above its own line. No reward exceeds
    :math:`t_{max}`, the largest of the caps :math:`T_i(m)`.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    Figure, DataFrame
        Columns type, cost, contribution, reward, utility, reservation_contribution,
        reservation_value, reservation_utility, reward_cap, option (types that share it).

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> contract = solve(Problem(4, [0.5, 0.5], [0.2, 0.02], GeneralizationBound()))
    >>> graphical_illustration(contract)[1]["option"].tolist()
    ['type 1', 'type 2']
    """
    problem = contract.problem
    option = np.empty(problem.n_types, dtype=object)
    for members in options(contract):
        option[list(members)] = _types(members)
    table = pd.DataFrame(
        {
            "type": np.arange(1, problem.n_types + 1),
            "cost": problem.costs,
            "contribution": contract.contributions,
            "reward": contract.rewards,
            "utility": contract.utilities,
            "reservation_contribution": contract.reservation_contributions,
            "reservation_value": problem.model_value(contract.reservation_contributions),
            "reservation_utility": contract.reservation_utilities,
            "reward_cap": contract.reward_caps,
            "option": option,
        }
    )
    limits = _plane_limits(contract)
    zoom = _zoom_limits(contract, limits)
    with style():
        figure = _figure(7.6 + 0.22 * ((problem.n_types - 1) // 5))
        upper, lower = figure.subplots(2, 1, gridspec_kw={"height_ratios": [1.1, 1]})
        _draw_plane(upper, contract, limits)
        _draw_plane(lower, contract, zoom, closer=True)
        (x0, x1), (y0, y1) = zoom
        upper.add_patch(
            Rectangle(
                (x0, y0), x1 - x0, y1 - y0, facecolor="none", edgecolor=INK, linewidth=1.0, zorder=8
            )
        )
        upper.set_title("Contributions and rewards")
        lower.set_title("A closer look at the frame")
        lower.set_xlabel("contribution m (units of data)")
        for ax in (upper, lower):
            ax.set_ylabel("reward, in value")
        grey = MUTED
        handles = [
            Line2D([], [], color=INK, linewidth=2.4, label="$v(a(m))$, data used alone"),
            Line2D([], [], color=CAP, linewidth=2.2, label="$t_{max}$, largest cap"),
            _mark("o", grey, "first-moment solution $(m_i, t_i)$", 8),
            _mark("o", grey, "reservation contribution", 8, hollow=True),
            Line2D([], [], color=grey, linewidth=1.5, label="isoprofit line $t - c_i m = u_i$"),
            Line2D(
                [], [], color=grey, linewidth=1.3, linestyle=(0, (4, 2.5)),
                label="reservation line $t - c_i m = f_i$",
            ),
        ]  # fmt: skip
        _legend_below(figure, handles, columns=2)
        _type_legend(figure, problem)
        return _settled(figure), _told(table, **_menu_numbers(contract))


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
    >>> from paid_with_models.experiments import two_type_experiment
    >>> two_type_surfaces(two_type_experiment([4, 8], [0.3, 0.7]))[1].shape
    (8, 5)
    """
    pairs = _pair(results, pair)
    colors = type_colors(results.costs)
    with style():
        figure = _figure(3.5, layout="none")
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
            Patch(facecolor=_tint(color, 0.8), edgecolor=color, label=label)
            for color, label in labels.items()
            if color in drawn
        ]
        figure.legend(
            handles=handles, loc="lower center", ncols=3, handlelength=1.2, borderaxespad=0.3
        )
        return _settled(figure), _two_type_table(results, pairs)


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
    >>> from paid_with_models.experiments import two_type_experiment
    >>> two_type_maps(two_type_experiment([4, 8], [0.3, 0.7]), "complete")[1].columns[-1]
    'complete_rewards'
    """
    pairs = _pair(results, pair)
    with style():
        figure = _figure(2.7 * len(pairs) + 0.2)
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
                    _thousands(ax.yaxis)
                    ax.minorticks_off()
                ax.set_title(label)
                if row == len(pairs) - 1:
                    ax.set_xlabel("probability $p_1$ of type 1")
            axes[0].set_ylabel("parties $N$")
            bar = figure.colorbar(bands, cax=figure.add_subplot(grid[row, 2]))
            bar.ax.tick_params(length=0)
            bar.ax.yaxis.set_major_locator(MaxNLocator(6))
            _thousands(bar.ax.yaxis)
        return _settled(figure), _two_type_table(results, pairs)


def _data_for(curve: Curve, level: float) -> float:
    """Data at which an increasing curve reaches a level, to within a percent or so."""
    grid = np.geomspace(1e-6, 1e12, 4001)
    return float(grid[min(int(np.searchsorted(curve(grid), level)), grid.size - 1)])


def _useful_data(problem: Problem) -> float:
    """A scale for axes where nobody contributes."""
    tangent = problem.model_value.envelope().tangent_point
    return tangent if tangent > 0 else _data_for(problem.accuracy, 0.5 * problem.accuracy.optimum)


def _kinks(problem: Problem, upto: float) -> list[float]:
    kink = float(getattr(problem.accuracy, "zero_until", 0.0))
    return [kink] if 0 < kink < upto else []


def _dot(ax: Axes, x: float, y: float, color: str, hollow: bool) -> None:
    ax.plot(
        x, y, "o", markersize=8, markerfacecolor="white" if hollow else color,
        markeredgecolor=color if hollow else "white", markeredgewidth=2 if hollow else 1, zorder=5,
        clip_on=False,
    )  # fmt: skip


def _share(ax: Axes, x: float, y: float, colors: Sequence[str]) -> None:
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


def _type_legend(figure: Figure, problem: Problem, out: npt.ArrayLike | None = None) -> None:
    """Key of the types' colors, above the panels; types marked out are said to stay out."""
    stays_out = np.zeros(problem.n_types, dtype=bool) if out is None else np.asarray(out)
    handles = [
        Patch(color=color, label=f"type {i + 1}" + (" (stays out)" if stays_out[i] else ""))
        for i, color in enumerate(type_colors(problem.costs))
    ]
    figure.legend(
        handles=handles, loc="outside upper center", ncols=min(problem.n_types, 5 if not
        stays_out.any() else 3), handlelength=1.0, handleheight=1.0, columnspacing=1.2,
        handletextpad=0.5, borderaxespad=0.0,
    )  # fmt: skip


def _moment_handle() -> Line2D:
    return _mark("^", INK, "first-moment solution $t_i$", 8)


def _grey_handle() -> Line2D:
    return Line2D(
        [], [], marker=r"$\mathit{Type}$", linestyle="", color=FAINT, markersize=24,
        markeredgewidth=0, label="would train nothing alone",
    )  # fmt: skip


def _menu_numbers(contract: Contract) -> dict[str, float]:
    """m_i, t_i and the reservation contributions, as ``m_1``, ``t_1``, ``alone_1``, ..."""
    columns = {
        "m": contract.contributions,
        "t": contract.rewards,
        "alone": contract.reservation_contributions,
    }
    return {
        f"{name}_{i + 1}": float(value)
        for name, values in columns.items()
        for i, value in enumerate(values)
    }


def _bunching_numbers(
    lines: Mapping[str, Sequence[tuple[float, Contract]]],
) -> dict[str, float | str]:
    """Of each panel: the costs where it ends, from where the first two types share, and all."""
    numbers: dict[str, float | str] = {}
    for k, row in enumerate(lines.values(), start=1):
        options_at = [(at, options(contract)) for at, contract in row]
        shared = [at for at, those in options_at if len(those[0]) > 1]
        pooled = [at for at, those in options_at if len(those) == 1]
        if shared:
            numbers[f"shared_{k}"] = min(shared)
        if pooled:
            numbers[f"pooled_{k}"] = min(pooled)
        numbers[f"costs_{k}"] = ", ".join(f"{cost:g}" for cost in row[-1][1].problem.costs)
    return numbers


def _stays_out_alone(contract: Contract) -> npt.NDArray[np.bool_]:
    return np.asarray(contract.reservation_utilities <= 0)


def _merge(values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values closer than rounding become one; their probabilities add."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    apart = np.diff(values) > 1e-9 * max(1e-300, float(np.abs(values).max(initial=0.0)))
    group = np.concatenate([[0], np.cumsum(apart)])
    chances = np.bincount(group, weights).astype(float)
    return np.bincount(group, weights * values) / chances, chances


#: With at most this many values a type's reward is drawn as bars at each of them.
FEW_ATOMS = 40


def _reward_table(contract: Contract) -> pd.DataFrame:
    rewards: RewardDistribution = proportional_rewards(contract)
    atoms = []
    for i in range(contract.problem.n_types):
        seen = rewards.probabilities[:, i] > 0
        worth = rewards.values[seen, i]  # noqa: PD011
        atoms.append(_merge(worth, rewards.probabilities[seen, i]))
    low, high = _reward_limits(contract, atoms)
    width = (high - low) / 110
    frames = []
    for i, (values, chances) in enumerate(atoms):
        if max(v.size for v, _ in atoms) <= FEW_ATOMS:
            bins = np.zeros(values.size)
        else:
            slots = np.floor((values - low) / width).astype(int)
            numbers, index = np.unique(slots, return_inverse=True)
            values = low + (numbers + 0.5) * width
            chances = np.bincount(index, chances).astype(float)
            bins = np.full(values.size, width)
        frames.append(
            pd.DataFrame(
                {
                    "type": i + 1,
                    "value": values,
                    "width": bins,
                    "probability": chances,
                    "first_moment": contract.rewards[i],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _reward_limits(
    contract: Contract, atoms: Sequence[tuple[FloatArray, FloatArray]]
) -> tuple[float, float]:
    """From the 1st to the 999th permille of all types, at least 1 % of the best model's value."""
    ends = []
    for values, chances in atoms:
        below = np.cumsum(chances)
        first = min(int(np.searchsorted(below, 1e-3)), values.size - 1)
        last = min(int(np.searchsorted(below, 1 - 1e-3)), values.size - 1)
        ends += [float(values[first]), float(values[last])]
    low, high = min(*ends, *contract.rewards), max(*ends, *contract.rewards)
    span = max(1.1 * (high - low), 0.01 * contract.problem.model_value.optimum)
    left = max(0.5 * (low + high - span), -0.04 * span)  # nothing is worth less than 0
    return left, left + span


def _draw_rewards(ax: Axes, contract: Contract, table: pd.DataFrame, numbers: bool = True) -> None:
    """One ridge a type, type 1 on top."""
    n_types = contract.problem.n_types
    colors = type_colors(contract.problem.costs)
    atoms = [(g["value"].to_numpy(), g["probability"].to_numpy()) for _, g in table.groupby("type")]
    low, high = _reward_limits(contract, atoms)
    for i, group in table.groupby("type"):
        row = n_types - int(i)
        color = colors[int(i) - 1]
        heights = 0.74 * group["probability"] / group["probability"].max()
        ax.axhline(row, color=GRID, linewidth=1, zorder=1)
        if (group["width"] == 0).all():
            ax.vlines(group["value"], row, row + heights, color=color, linewidth=2.6, zorder=2)
        else:
            edges = np.column_stack(
                [group["value"] - group["width"] / 2, group["value"] + group["width"] / 2]
            )
            x = np.column_stack([edges[:, 0], edges[:, 0], edges[:, 1], edges[:, 1]]).ravel()
            zero = np.zeros(heights.size)
            y = row + np.column_stack([zero, heights, heights, zero]).ravel()
            ax.fill_between(x, row, y, color=color, linewidth=0, zorder=2)
        mean = float(group["first_moment"].iloc[0])
        ax.plot(mean, row - 0.1, "^", color=INK, markersize=8, markeredgecolor="white", zorder=4)
        if numbers:
            ax.annotate(
                f"$t_{{{i}}}$ = {mean:.2f}", (1.01, row + 0.12), xycoords=("axes fraction", "data"),
                annotation_clip=False, va="center", size=10,
            )  # fmt: skip
    ax.set(xlim=(low, high), ylim=(-0.35, n_types - 0.1))
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.grid(axis="x")
    _type_ticks(ax, contract)


def _type_ticks(ax: Axes, contract: Contract, labels: bool = True) -> None:
    n_types = contract.problem.n_types
    names = [f"Type {i + 1}" if labels else "" for i in range(n_types)]
    ax.set_yticks(np.arange(n_types)[::-1], names)
    ax.tick_params(axis="y", length=0)
    for text, out in zip(ax.get_yticklabels(), _stays_out_alone(contract), strict=True):
        if out:
            text.set(color=FAINT, style="italic")
    ax.spines["left"].set_visible(False)


def _contribution_table(contract: Contract) -> pd.DataFrame:
    m, alone = contract.contributions, contract.reservation_contributions
    return pd.DataFrame(
        {
            "type": np.arange(1, m.size + 1),
            "contribution": m,
            "reservation_contribution": alone,
            "base": np.minimum(m, alone),
            "added": np.maximum(m - alone, 0.0),
            "reduced": np.maximum(alone - m, 0.0),
        }
    )


def _draw_contributions(
    ax: Axes, contract: Contract, table: pd.DataFrame, labels: bool = True
) -> None:
    colors = type_colors(contract.problem.costs)
    n_types = contract.problem.n_types
    ends = (table["base"] + table["added"] + table["reduced"]).to_numpy()
    longest = float(ends.max()) if ends.max() > 0 else 1.0
    for i, part in table.iterrows():
        row = n_types - 1 - int(str(i))
        color = colors[n_types - 1 - row]
        bar: dict[str, Any] = {"height": 0.62, "linewidth": 1.0}
        ax.barh(row, part["base"], color=color, edgecolor=color, **bar)
        ax.barh(row, part["added"], left=part["base"], color=_tint(color), edgecolor=color, **bar)
        ax.barh(
            row, part["reduced"], left=part["base"], color="white", edgecolor=color,
            hatch="////", **bar,
        )  # fmt: skip
        ax.annotate(
            _num(part["contribution"]), (ends[int(str(i))], row), (4, 0),
            textcoords="offset points", va="center", size=10,
        )  # fmt: skip
    ax.set(xlim=(0, 1.3 * longest), ylim=(-0.5, n_types - 0.45))
    ax.xaxis.set_major_locator(MaxNLocator(4))
    _thousands(ax.xaxis)
    ax.grid(axis="x")
    _type_ticks(ax, contract, labels)


def _part_handles(table: pd.DataFrame) -> list[Patch]:
    grey = MUTED
    handles = []
    if (table["base"] > 0).any():
        handles.append(Patch(facecolor=grey, edgecolor=grey, label="base contribution"))
    if (table["added"] > 0).any():
        handles.append(Patch(facecolor=_tint(grey), edgecolor=grey, label="incentivized addition"))
    if (table["reduced"] > 0).any():
        handles.append(
            Patch(facecolor="white", edgecolor=grey, hatch="////", label="incentivized reduction")
        )
    return handles


Limits = tuple[tuple[float, float], tuple[float, float]]


def _plane_limits(contract: Contract) -> Limits:
    problem = contract.problem
    most = max(float(contract.contributions.max()), float(contract.reservation_contributions.max()))
    kink = max(_kinks(problem, np.inf), default=0.0)
    right = 1.15 * max(most, 1.25 * kink)
    if right <= 0:
        right = 3 * _useful_data(problem)
    top = max(float(contract.reward_caps.max()), float(problem.model_value(right)))
    return (0.0, right), (0.0, 1.15 * top if top > 0 else problem.model_value.optimum)


def _zoom_limits(contract: Contract, limits: Limits) -> Limits:
    """A frame around all options, or around the lower ones if they are far apart."""
    (_, right), (_, top) = limits
    m, t = contract.contributions, contract.rewards
    ceiling = float(contract.reward_caps.max())
    near = m < 0.4 * right
    if np.ptp(m) > 0.4 * right and np.any(m[near] > 0.01 * right):
        alone = contract.reservation_contributions[near]
        worth = contract.problem.model_value(alone[alone > 0])
        bottom = min([*t[near].tolist(), *worth.tolist()])
        most = max(float(m[near].max()), float(alone.max()))
        return (0.0, 1.15 * most), (0.85 * bottom, 1.06 * ceiling)
    centre = 0.5 * (m.min() + m.max()), 0.5 * (t.min() + t.max())
    half_x = max(0.66 * float(np.ptp(m)), 0.02 * right)
    half_y = max(0.75 * float(np.ptp(t)), 0.012 * top)
    y0, y1 = centre[1] - half_y, centre[1] + half_y
    if ceiling - y1 < 0.5 * (y1 - y0):  # the ceiling is near: show it
        y1 = max(y1, ceiling + 0.12 * (y1 - y0))
    return (max(centre[0] - half_x, 0.0), centre[0] + half_x), (max(y0, 0.0), y1)


def _draw_plane(ax: Axes, contract: Contract, limits: Limits, closer: bool = False) -> None:
    problem = contract.problem
    (x0, x1), (y0, y1) = limits
    ends = np.array([x0, x1])
    data = np.union1d(np.linspace(x0, x1, 601), [k for k in _kinks(problem, x1) if k > x0])
    worth = problem.model_value(data)
    ax.plot(data, worth, color=INK, linewidth=2.4, zorder=2)
    ax.axhline(float(contract.reward_caps.max()), color=CAP, linewidth=2.2, zorder=2)
    colors = type_colors(problem.costs)
    for i, (cost, color) in enumerate(zip(problem.costs, colors, strict=True)):
        ax.plot(
            ends, contract.reservation_utilities[i] + cost * ends, color=color, linewidth=1.3,
            linestyle=(0, (4, 2.5)), zorder=1.8,
        )  # fmt: skip
        ax.plot(ends, contract.utilities[i] + cost * ends, color=color, linewidth=1.5, zorder=1.9)
    ax.set(xlim=(x0, x1), ylim=(y0, y1))
    _thousands(ax.xaxis)
    for i, color in enumerate(colors):
        m = float(contract.reservation_contributions[i])
        if m > 0 and x0 <= m <= x1 and y0 <= float(problem.model_value(m)) <= y1:
            _dot(ax, m, float(problem.model_value(m)), color, hollow=True)
    for members in options(contract):
        face = colors[members[0]] if len(members) == 1 else INK
        m, t = float(contract.contributions[members[0]]), float(contract.rewards[members[0]])
        if not (x0 <= m <= x1 and y0 <= t <= y1):
            continue
        _share(ax, m, t, [colors[i] for i in members])
        late, low = m > x0 + 0.75 * (x1 - x0), t < y0 + 0.12 * (y1 - y0)
        if closer:
            ax.annotate(
                _types(members), (m, t), (-9 if late else 9, 9 if late or low else -9),
                textcoords="offset points", ha="right" if late else "left",
                va="bottom" if late or low else "top", weight="bold", color=face, zorder=7,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
            )  # fmt: skip


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
    return _told(
        results.table(*(name for name, *_ in pairs)),
        smallest=results.n_parties.min(),
        largest=results.n_parties.max(),
        switch=pooled.min() if pooled.size else 1.0,
    )


#: View in degrees, and opacity: from low p_1 and few parties, where surfaces hide each other least.
ELEVATION, AZIMUTH, OPACITY = 28, -124, 0.85

#: At most this many lines of a surface's mesh run along each axis.
MESH = 26

#: Two surfaces closer than this share of their axis cannot be told apart, and are drawn as one.
ALIKE = 0.005

#: Colour of a surface on which both types lie, and of one that belongs to no type.
BOTH, NEITHER = TYPE_PATH[2], CAP


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
    ax.set_zticks(ticks, [_tick(round(float(t), 10)) for t in ticks])
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
    base = np.array(to_rgb(_tint(color, 0.5 + 0.35 * (1 - light))))
    return (*map(float, base), OPACITY)  # type: ignore[return-value]
