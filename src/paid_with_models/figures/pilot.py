"""Figures of the chapter on what a pilot must measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..beyond.lcdb import RealCurve, select_curves
from ..beyond.measured_curves import LearningCurve, learning_curve
from ..beyond.pilot import DESIGNS, cut_off
from . import style

__all__ = [
    "contract_outcomes",
    "pilot_contracts",
    "pilot_fits",
    "prediction_errors",
    "predictions",
    "real_fits",
    "seen_and_fitted",
]


#: Shown of the real curves: data set, learner and what to see.
EXAMPLES = (
    ("6", "KNeighborsClassifier", "well-behaved"),
    ("28", "RidgeClassifier", "dips"),
    ("12", "SVC_sigmoid", "flat, then a jump"),
    ("816", "SVC_sigmoid", "falls at the end"),
)

#: Fitted is what a pilot up to one part in so many of the largest size measures.
PART = 4.0

#: Forms in the order drawn, their names, colors and markers.
FORMS = {
    "sum": ("sum of exponentials", style.CAP, "D"),
    "pow4": ("power law, offset", style.TYPE_PATH[3], "o"),
    "pow3": ("power law", style.TYPE_PATH[4], "s"),
    "mmf": ("Morgan–Mercer–Flodin", style.TYPE_PATH[0], "^"),
    "exp3": ("one exponential", style.TYPE_PATH[2], "v"),
    "last": ("last measured accuracy", style.MUTED, "x"),
}


@dataclass(frozen=True, eq=False)
class PilotFit:
    """A real curve, what a pilot saw of it, and the fit to that."""

    curve: RealCurve
    seen: np.ndarray
    fit: LearningCurve
    text: str


def real_fits(part: float = PART) -> list[PilotFit]:
    """Four real curves, fitted up to a part of their largest size.

    Parameters
    ----------
    part : float > 1
        The largest size over the largest that the pilot measures.

    Returns
    -------
    list of PilotFit
    """
    found = []
    for dataset, learner, text in EXAMPLES:
        (curve,) = select_curves(dataset=dataset, learner=learner)
        seen = cut_off(curve.sizes, part)
        if seen is None:
            raise ValueError(f"part must leave five sizes; got {part!r}")
        fit = learning_curve(
            curve.sizes[seen], curve.accuracies[seen], curve.errors[seen], baseline=curve.majority
        )
        found.append(PilotFit(curve, seen, fit, text))
    return found


def seen_and_fitted(part: float = PART) -> pd.DataFrame:
    """What a pilot sees of four real curves, and what is fitted to it.

    Columns dataset, learner, shape, data, accuracy, seen, fitted, low, high, baseline: what was
    measured, whether the pilot measured it, the fit, its 90 % band, and the share of the largest
    class. Among the numbers: how many later points the bands hold.

    Parameters
    ----------
    part : float > 1
        As for :func:`real_fits`.
    """
    tables = []
    for it in real_fits(part):
        sizes = it.curve.sizes
        low, high = it.fit.band(sizes)
        columns = {
            "dataset": it.curve.name,
            "learner": it.curve.learner,
            "shape": it.text,
            "data": sizes,
            "accuracy": it.curve.accuracies,
            "seen": np.where(it.seen, "yes", "no"),
            "fitted": it.fit(sizes),
            "low": low,
            "high": high,
            "baseline": it.fit.baseline,
        }
        tables.append(pd.DataFrame(columns))
    table = pd.concat(tables, ignore_index=True)
    later = table[table["seen"] == "no"]
    inside = later["accuracy"].between(later["low"], later["high"])
    return style.with_numbers(
        table,
        part=part,
        inside=int(inside.sum()),
        later=len(later),
        dip=max(-100 * float(np.diff(it["accuracy"]).min()) for it in tables),
    )


@style.drawing
def pilot_fits(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Real curves, fits to what a pilot saw of them, and the band.

    Takes what :func:`seen_and_fitted` returns.
    """
    figure, axes = style.new_panels(6.0, 2, 2)
    for ax, (shape, here) in zip(axes.flat, table.groupby("shape", sort=False), strict=True):
        seen = here["seen"] == "yes"
        ax.fill_between(
            here["data"], here["low"], here["high"], color=style.CAP, alpha=0.18, linewidth=0
        )
        ax.plot(here["data"], here["fitted"], color=style.CAP, linewidth=1.6)
        ax.axhline(
            here["baseline"].iloc[0], color=style.MUTED, linewidth=0.9, linestyle=(0, (4, 2))
        )
        ax.axvline(here["data"][seen].max(), color=style.MUTED, linewidth=0.8, linestyle=":")
        for which, face in ((seen, style.INK), (~seen, "white")):
            ax.plot(
                here["data"][which], here["accuracy"][which], "o", markersize=4.5,
                markerfacecolor=face, markeredgecolor=style.INK, markeredgewidth=1,
            )  # fmt: skip
        learner = here["learner"].iloc[0].removesuffix("Classifier").replace("_", " ")
        ax.set(xscale="log", ylim=(0, 1.02))
        ax.set_title(shape)
        ax.set_xlabel(f"{here['dataset'].iloc[0]}, {learner}")
        ax.set_xticks([20, 200, 2000], ["20", "200", "2,000"])
        ax.minorticks_off()
    for ax in axes[:, 0]:
        ax.set_ylabel("accuracy")
    handles = [
        style.marker_handle("o", style.INK, "measured by the pilot", 4.5),
        Line2D([], [], marker="o", linestyle="", markersize=4.5, label="measured later",
               markerfacecolor="white", markeredgecolor=style.INK),
        Line2D([], [], color=style.CAP, linewidth=1.6, label="fit to the pilot"),
        Patch(facecolor=style.CAP, alpha=0.18, label="its 90 % band"),
        Line2D([], [], color=style.MUTED, linewidth=0.9, linestyle=(0, (4, 2)),
               label="largest class"),
    ]  # fmt: skip
    style.legend_below(figure, handles, columns=2)
    return figure, table


def predictions(results: Mapping[str, Any]) -> pd.DataFrame:
    """How far each form is off at the largest size, from smaller ones.

    Columns factor, form, curves, middle, far, within: the median of the absolute error and what
    90 % of curves stay below, percentage points, and the share of curves within one point.

    Parameters
    ----------
    results : mapping
        What ``make curves`` writes.
    """
    rows = []
    for factor, found in results["prediction"].items():
        for form, (text, *_) in FORMS.items():
            errors = found[form]["absolute error"]
            rows.append(
                (int(factor), text, found["curves"], 100 * errors["0.5"], 100 * errors["0.9"],
                 found[form]["within .01"])
            )  # fmt: skip
    table = pd.DataFrame(rows, columns=["factor", "form", "curves", "middle", "far", "within"])
    of_sum = table[table["form"] == FORMS["sum"][0]].set_index("factor")
    farthest = table[table["factor"] == table["factor"].max()]
    best = farthest.loc[farthest["far"].idxmin()]
    return style.with_numbers(
        table,
        curves=int(table["curves"].min()),
        **{f"sum_{k}": of_sum.loc[k, "middle"] for k in of_sum.index},
        **{f"sum_far_{k}": of_sum.loc[k, "far"] for k in of_sum.index},
        best=str(best["form"]),
        best_far=float(best["far"]),
    )


@style.drawing
def prediction_errors(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """How far each form is off at the largest size, a panel a factor.

    Takes what :func:`predictions` returns.
    """
    factors = sorted(table["factor"].unique())
    figure, axes = style.new_panels(4.4, 1, len(factors), sharex=True, sharey=True)
    places = np.arange(len(FORMS))[::-1]
    for ax, factor in zip(axes, factors, strict=True):
        here = table[table["factor"] == factor].set_index("form")
        for place, (text, color, marker) in zip(places, FORMS.values(), strict=True):
            middle, far = here.loc[text, ["middle", "far"]]
            ax.plot([middle, far], [place, place], color=color, linewidth=1.6)
            ax.plot([far], [place], "|", color=color, markersize=9)
            ax.plot([middle], [place], marker, color=color, markersize=6)
        ax.set(title=f"{factor} times", xlim=(0, 1.06 * table["far"].max()))
    axes[0].set_yticks(places, [text for text, *_ in FORMS.values()])
    axes[len(axes) // 2].set_xlabel("absolute error of the prediction (points)")
    return figure, table


def contract_outcomes(results: Mapping[str, Any]) -> pd.DataFrame:
    """What becomes of contracts that were designed on a pilot.

    Columns design, factor, contracts, kept, ir_broken, caps_broken, lost_low, lost, lost_high:
    shares of contracts that keep all, or break IR or caps, by more than half a unit of value; and
    accuracy lost, 5 % quantile, median and 95 % quantile, percentage points.

    Parameters
    ----------
    results : mapping
        What ``make curves`` writes.
    """
    found, main = results["contracts"]["settings"][results["main"]], results["main factor"]
    rows = []
    for design in DESIGNS:
        for factor in (key for key in found if key.isdigit()):
            if (of_it := found[factor].get(design)) is None:
                continue
            lost = of_it["accuracy lost"]
            rows.append(
                (design, int(factor), of_it["contracts"], of_it["all kept"], of_it["IR violated"],
                 of_it["caps violated"], *(100 * lost[x] for x in ("0.05", "0.5", "0.95")))
            )  # fmt: skip
    names = ["design", "factor", "contracts", "kept", "ir_broken", "caps_broken"]
    table = pd.DataFrame(rows, columns=[*names, "lost_low", "lost", "lost_high"])
    by = table.set_index(["design", "factor"])
    return style.with_numbers(
        table,
        contracts=int(table["contracts"].max()),
        factor=main,
        fitted=100 * by.loc[("fitted", main), "kept"],
        robust=100 * by.loc[("robust", main), "kept"],
        price=by.loc[("robust", main), "lost"],
        price_high=by.loc[("robust", main), "lost_high"],
    )


@style.drawing
def pilot_contracts(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Promises kept and accuracy lost, a row a design and factor.

    Takes what :func:`contract_outcomes` returns.
    """
    looks = {
        "fitted": (style.CAP, "D"),
        "average": (style.TYPE_PATH[3], "o"),
        "robust": (style.TYPE_PATH[0], "s"),
    }
    places = np.arange(len(table))[::-1]
    figure, (left, right) = style.new_panels(3.9, 1, 2, sharey=True)
    for place, row in zip(places, table.itertuples(), strict=True):
        color, marker = looks[row.design]
        left.plot([0, 100 * row.kept], [place, place], color=color, linewidth=1.6)
        left.plot([100 * row.kept], [place], marker, color=color, markersize=7)
        left.annotate(
            f"{100 * row.kept:.0f}", (100 * row.kept, place), xytext=(8, 0),
            textcoords="offset points", va="center", color=color,
        )  # fmt: skip
        right.plot([row.lost_low, row.lost_high], [place, place], color=color, linewidth=1.6)
        right.plot([row.lost], [place], marker, color=color, markersize=7)
    left.set_yticks(places, [f"{row.design}, {row.factor} times" for row in table.itertuples()])
    left.set(title="keep every promise", xlabel="contracts (%)", xlim=(0, 118))
    left.axvline(100, color=style.ALARM, linewidth=0.8, linestyle=":")
    right.set(title="accuracy lost", xlabel="points: 5 %, median, 95 %")
    # Linear within a point of zero, logarithmic beyond.
    right.set_xscale("symlog", linthresh=1)
    right.set_xticks([-1, 0, 1, 10], ["\N{MINUS SIGN}1", "0", "1", "10"])
    right.minorticks_off()
    right.axvline(0, color=style.INK, linewidth=1)
    return figure, table
