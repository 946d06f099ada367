"""Figures of the chapter on contracts with real models."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..beyond.learning_curves import fit_power_law, fit_saturating
from ..beyond.trials import Menu, Trials, deploy, designed, intervals, whole_samples
from ..problem import Problem
from ..solver.routes import solve
from . import style

__all__ = [
    "fitted_curves",
    "measured_curves",
    "promises_and_results",
    "realized",
    "split_deployments",
    "split_errors",
]

#: Names of the learners of the chapter on real models, as ``make trials`` has them.
LEARNERS = {
    "nearest neighbor": "1-nearest-neighbor",
    "random features": "ridge, random features",
    "neural network": "neural network",
}
#: The ways of grading, by name: text, color and marker.
GRADINGS = {
    "noise": ("output noise", style.TYPE_PATH[3], "o"),
    "subset": ("subsets", style.TYPE_PATH[0], "s"),
    "checkpoint": ("checkpoints", style.TYPE_PATH[2], "^"),
}
#: Colors and markers of the learners.
LOOKS = ((style.TYPE_PATH[3], "o"), (style.TYPE_PATH[0], "s"), (style.TYPE_PATH[2], "^"))
#: Letters of a title above one of several panels side by side.
NARROW = 11
#: Slacks beyond this are not drawn: they are far from binding.
FAR = 5.0


def fitted_curves(results: Mapping[str, Any]) -> pd.DataFrame:
    """Learning curves as measured and as fitted, from what ``make trials`` writes.

    Fits are sums of exponentials, with the middle 95 % of the fits to bootstrap replicates (low and
    high), and power laws. Among the numbers of the table are the largest misses of both in
    percentage points, by learner (``sum_1``, ``power_1``, ...).

    Examples
    --------
    >>> sizes, measured = [10, 30, 100, 300, 1000], [0.5, 0.7, 0.8, 0.85, 0.88]
    >>> found = {"sizes": sizes, "accuracies": measured, "bootstrap": [measured] * 2}
    >>> table = fitted_curves(dict.fromkeys(LEARNERS, found))
    >>> bool((table["fitted"] - table["accuracy"]).abs().max() < 0.01)
    True
    """
    tables = []
    numbers: dict[str, float] = {"replicates": len(results["nearest neighbor"]["bootstrap"])}
    for k, (name, title) in enumerate(LEARNERS.items(), start=1):
        found = results[name]
        sizes, errors = np.array(found["sizes"]), found.get("errors")
        fits = [fit_saturating(sizes, drawn, errors)(sizes) for drawn in found["bootstrap"]]
        low, high = np.quantile(fits, [0.025, 0.975], axis=0)
        columns = {
            "learner": title,
            "data": sizes,
            "accuracy": found["accuracies"],
            "fitted": fit_saturating(sizes, found["accuracies"], errors)(sizes),
            "low": low,
            "high": high,
            "power_law": fit_power_law(sizes, found["accuracies"])(sizes),
        }
        table = pd.DataFrame(columns)
        for curve, column in (("sum", "fitted"), ("power", "power_law")):
            numbers[f"{curve}_{k}"] = 100 * np.abs(table[column] - table["accuracy"]).max()
        tables.append(table)
    return style.with_numbers(pd.concat(tables, ignore_index=True), **numbers)


@style.drawing
def measured_curves(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Learning curves as measured and as fitted, and what fits and bootstrap replicates miss.

    Takes what :func:`fitted_curves` returns.
    """
    tables = [table[table["learner"] == title] for title in LEARNERS.values()]
    ratios = (1.9, *[1] * len(tables))
    figure, (top, *rest) = style.new_panels(7.8, len(ratios), 1, sharex=True, height_ratios=ratios)
    for ax, here, (color, marker) in zip(rest, tables, LOOKS, strict=True):
        sizes, measured = here["data"], here["accuracy"]
        top.plot(sizes, measured, marker, color=color, markersize=4, label="measured")
        for curve, dashes in (("fitted", "-"), ("power_law", (0, (4, 2)))):
            line = {"color": color, "linestyle": dashes, "linewidth": 1.4}
            top.plot(sizes, here[curve], **line)
            ax.plot(sizes, 100 * (here[curve] - measured), **line)
        for axes, base, scale in ((top, 0.0, 1), (ax, measured, 100)):
            axes.fill_between(
                sizes, scale * (here["low"] - base), scale * (here["high"] - base),
                color=color, alpha=0.2, linewidth=0,
            )  # fmt: skip
        ax.axhline(0, color=style.MUTED, linewidth=0.8)
        ax.set_title(here["learner"].iloc[0], color=color)
        ax.set_ylabel("points")
    top.set(ylabel="accuracy", xscale="log")
    learners = [
        style.marker_handle(marker, color, title, 5)
        for title, (color, marker) in zip(LEARNERS.values(), LOOKS, strict=True)
    ]
    top.legend(handles=learners, loc="lower right", labelcolor="markerfacecolor")
    rest[-1].set_xticks([10, 100, 1000], ["10", "100", "1,000"])
    rest[-1].set_xlabel("samples to train on")
    handles = [
        style.marker_handle("o", style.MUTED, "measured", 4),
        Line2D([], [], color=style.MUTED, linewidth=1.4, label="sum of exponentials"),
        Patch(facecolor=style.MUTED, alpha=0.3, label="its bootstrap band, 95 %"),
        Line2D([], [], color=style.MUTED, linewidth=1.4, linestyle=(0, (4, 2)), label="power law"),
    ]
    style.legend_below(figure, handles, columns=2)
    return figure, table


def promises_and_results(results: Mapping[str, Any]) -> pd.DataFrame:
    """What contracts promised and what came of them, from what ``make trials`` writes.

    In units of value (accuracies in percentage points): what the theory says, the mean over draws
    and half the width of its 95 % interval.
    """
    rows = []
    for name, title in LEARNERS.items():
        menu, trials = _run(results, name)
        theory = designed(menu)
        for way, made in trials.items():
            for key, (value, width) in intervals(menu, made).items():
                scale = 100 if "accuracy" in key else 1
                numbers = (scale * theory[key], scale * value, scale * width)
                rows.append((title, GRADINGS[way][0], key, *numbers))
    columns = ["learner", "grading", "quantity", "theory", "mean", "half_width"]
    return style.with_numbers(pd.DataFrame(rows, columns=columns), draws=results["draws"])


@style.drawing
def realized(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """What contracts promised and what came of them, with intervals.

    Takes what :func:`promises_and_results` returns. Slacks that are far from binding are not drawn.
    """
    slack = table["quantity"].str.startswith(("IR", "IC"))
    near = table.assign(far=slack & (table["theory"] > FAR)).groupby("quantity", sort=False)
    far = near["far"].transform("all")
    quantities = list(dict.fromkeys(table.loc[~far, "quantity"]))
    slacks_from = next(k for k, text in enumerate(quantities) if text.startswith("IR"))
    figure, axes = style.new_panels(6.6, 1, len(LEARNERS), sharex=True, sharey=True)
    for ax, title in zip(axes, LEARNERS.values(), strict=True):
        for row, quantity in enumerate(quantities):
            here = table[(table["learner"] == title) & (table["quantity"] == quantity)]
            # Accuracies and rewards as differences, slacks as they are.
            base = 0.0 if quantity.startswith(("IR", "IC")) else here["theory"].iloc[0]
            ax.plot(
                [here["theory"].iloc[0] - base] * 2, [row - 0.38, row + 0.38], color=style.INK,
                linewidth=2.6, solid_capstyle="butt", zorder=2,
            )  # fmt: skip
            looks = {text: look for text, *look in GRADINGS.values()}
            shifts = np.linspace(-0.1, 0.1, len(here)) * len(here)
            for shift, (_, it) in zip(shifts, here.iterrows(), strict=True):
                color, marker = looks[it["grading"]]
                ax.errorbar(
                    it["mean"] - base, row + shift, xerr=it["half_width"], color=color,
                    marker=marker, markersize=5, linewidth=1.6, zorder=3,
                )  # fmt: skip
        ax.set_title("\n".join(textwrap.wrap(title, NARROW)))
        ax.axhline(slacks_from - 0.5, color=style.MUTED, linewidth=0.8)
        ax.grid(axis="x")
    axes[len(axes) // 2].set_xlabel("units of value, or points")
    axes[0].set_yticks(range(len(quantities)), [_quantity(text) for text in quantities])
    axes[0].invert_yaxis()
    handles = [Line2D([], [], color=style.INK, linewidth=2.6, label="theory")]
    handles += [
        Line2D([], [], color=color, marker=marker, markersize=5, label=text)
        for text, color, marker in GRADINGS.values()
    ]
    style.legend_below(figure, handles, columns=2)
    drawn = table[table["quantity"].isin(quantities)]
    off = (drawn["mean"] - drawn["theory"]).abs()
    return figure, style.with_numbers(
        table,
        far=FAR,
        intervals=len(drawn),
        outside=int((off > drawn["half_width"]).sum()),
        widest=drawn["half_width"].max(),
        least_far=table.loc[far, "mean"].min(),
    )


def _run(results: Mapping[str, Any], learner: str) -> tuple[Menu, dict[str, Trials]]:
    """The menu that was run with a learner, and what came of it, by the way of grading."""
    found = results[learner]
    curve = fit_saturating(found["sizes"], found["accuracies"], found.get("errors"))
    problem = Problem(results["parties"], results["probabilities"], results["costs"], curve)
    fields = ("counts", "accuracies", "handed")
    trials = {
        way: Trials(*(np.array(runs[field]) for field in fields))
        for way, runs in found["trials"].items()
    }
    return whole_samples(solve(problem)), trials


def _quantity(name: str) -> str:
    """A name of :func:`~paid_with_models.beyond.trials.intervals` as a label."""
    if name == "accuracy":
        return "accuracy − a(S)"
    kind, *types = name.split()
    return f"{kind}, type {types[0]}, option {types[1]}" if len(types) == 2 else name


def split_deployments(results: Mapping[str, Any]) -> pd.DataFrame:
    """Contracts calibrated on one half of the data and carried out on the other.

    From what ``make trials`` writes. By split and type: the accuracy that the design promised, what
    is to be expected, and by how much the mean reward exceeds cost and what the type would reach
    alone (slack, units of value); rows are sorted by the error. Among the numbers of the table is
    half the width of the 95 % interval of the accuracy in the runs, in percentage points
    (``sampling``).
    """
    grid = results["disjoint"]["sizes"]
    parts = results["parties"], results["probabilities"], results["costs"]
    cases = []
    for number, pair in enumerate(results["disjoint"]["pairs"], start=1):
        first, second = (fit_saturating(grid, accuracies) for accuracies in pair)
        for way, here, there in (("a", first, second), ("b", second, first)):
            cases.append((f"{number}{way}", deploy(solve(Problem(*parts, here)), there)))
    cases.sort(key=lambda case: case[1].expected_accuracy - case[1].promised_accuracy)
    table = pd.DataFrame(
        [
            (name, found.promised_accuracy, found.expected_accuracy, k, slack)
            for name, found in cases
            for k, slack in enumerate(found.ir_slacks, start=1)
        ],
        columns=["split", "promised", "expected_accuracy", "type", "slack"],
    )
    menu, trials = _run(results, "nearest neighbor")
    _, sampling = intervals(menu, trials["noise"])["accuracy"]
    return style.with_numbers(table, sampling=100 * sampling)


@style.drawing
def split_errors(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Contracts calibrated on one half of the data and carried out on the other.

    Takes what :func:`split_deployments` returns, for three types, costliest first.
    """
    sampling = table.attrs["numbers"]["sampling"]
    once = table.drop_duplicates("split")
    rows = np.arange(len(once))
    errors = 100 * (once["expected_accuracy"] - once["promised"])
    figure, (left, right) = style.new_panels(4.6, 1, 2, sharey=True)
    left.axvspan(-sampling, sampling, color=style.FAINT, alpha=0.55, linewidth=0)
    left.hlines(rows, 0, errors, color=style.CAP, linewidth=1.6)
    left.plot(errors, rows, "D", color=style.CAP, markersize=6)
    left.set(title="accuracy", xlabel="expected less\npromised (points)")
    looks = {
        kind: {
            "color": color, "marker": marker, "linestyle": "none", "markersize": 6,
            "label": f"type {kind}",
        }
        for kind, color, marker in zip((1, 2, 3), style.type_colors([3, 2, 1]), "os^", strict=True)
    }  # fmt: skip
    place = dict(zip(once["split"], rows, strict=True))
    style.draw_lines(
        right, table.assign(row=table["split"].map(place)), "slack", "row", "type", looks
    )
    right.set(title="IR slacks", xlabel="reward − cost −\nalone (value)")
    for ax in (left, right):
        ax.axvline(0, color=style.INK, linewidth=1)
        ax.set_yticks(rows, once["split"])
    left.set_ylabel("split and half")
    handles = [
        style.marker_handle("D", style.CAP, "accuracy"),
        Patch(facecolor=style.FAINT, alpha=0.55, label="sampling, 95 %"),
        *right.get_legend_handles_labels()[0],
    ]
    style.legend_below(figure, handles, columns=3)
    return figure, style.with_numbers(
        table, cases=len(once), largest=errors.abs().max(), least_slack=table["slack"].min()
    )
