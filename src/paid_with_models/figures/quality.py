"""Figures of the chapter on the quality of data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..beyond.learning_curves import fit_saturating
from ..beyond.quality import measured_factors, quality_factor
from . import style

__all__ = ["factor_table", "noisy_party", "noisy_party_effects", "quality_factors"]


#: Tasks of the chapter on quality: classes and text.
TASKS = {"parity": (2, "even or odd"), "digits": (10, "ten digits")}
#: Color and marker of its learners, in the order of the measurements.
QUALITY_LOOKS = (
    (style.CAP, "D"), (style.TYPE_PATH[3], "o"), (style.TYPE_PATH[0], "s"),
    (style.TYPE_PATH[2], "^"), (style.ALARM, "v"),
)  # fmt: skip

#: MOST: the largest worth that a panel shows, clean samples.
MOST = 1.25


def factor_table(results: Mapping[str, Any]) -> pd.DataFrame:
    """What a sample with a noisy label is worth to learners, from what ``make quality`` writes.

    Where the accuracy is below that of the smallest clean set there is no factor, but a bound.

    Examples
    --------
    >>> clean = {"100": [0.80, 0.82], "300": [0.88, 0.90], "1000": [0.93, 0.95]}
    >>> noisy = {"300": [0.84, 0.86], "1000": [0.90, 0.92]}
    >>> learners = {"ridge": {"clean": clean, "noisy": {"0.1": noisy}}}
    >>> table = factor_table({"tasks": {"parity": learners, "digits": learners}})
    >>> table["data"].tolist(), bool(0 < table["factor"][0] < 1)
    ([300, 1000, 300, 1000], True)
    """
    tables = []
    for task, (_, title) in TASKS.items():
        for learner, found in results["tasks"][task].items():
            clean = {int(size): values for size, values in found["clean"].items()}
            for noise, sets in found["noisy"].items():
                noisy = {int(size): values for size, values in sets.items()}
                measured = measured_factors(clean, noisy)
                none = np.isnan(measured.factors)
                columns = {
                    "task": title,
                    "learner": learner,
                    "noise": float(noise),
                    "data": list(noisy),
                    "factor": measured.factors,
                    "error": measured.errors,
                    "bound": np.where(none, measured.bounds, np.nan),
                }
                tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


@style.drawing
def quality_factors(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """What a sample with a noisy label is worth to learners, against the noise.

    Takes what :func:`factor_table` returns.
    """
    sizes, noises = sorted(set(table["data"])), sorted(set(table["noise"]))
    learners = list(dict.fromkeys(table["learner"]))
    figure, axes = style.new_panels(
        5.6, len(TASKS), len(learners), sharex=True, sharey=True, squeeze=False
    )
    for row, (classes, title) in zip(axes, TASKS.values(), strict=True):
        row[0].set_ylabel(f"{title}\nclean samples worth, $q$")
        for ax, learner, (color, marker) in zip(row, learners, QUALITY_LOOKS, strict=True):
            for k, dashes in ((2, "-"), (10, (0, (4, 2)))):
                for place, noise in enumerate(noises if k <= classes else ()):
                    ax.hlines(
                        quality_factor(noise, k), place - 0.42, place + 0.42, color=style.INK,
                        linestyle=dashes, linewidth=1.4, zorder=1.5,
                    )  # fmt: skip
            rows = table[(table["task"] == title) & (table["learner"] == learner)]
            for it in rows.itertuples():
                size = sizes.index(it.data)
                at = noises.index(it.noise) + 0.24 * (size - (len(sizes) - 1) / 2)
                if np.isnan(it.factor):
                    ax.plot(at, it.bound, marker="x", color=color, markersize=6, zorder=3)
                    continue
                low, high = it.factor - 1.96 * it.error, it.factor + 1.96 * it.error
                ax.vlines(at, max(low, 0), min(high, MOST), color=color, linewidth=1)
                ax.plot(at, it.factor, marker=marker, color=color, markersize=3.5 + 1.5 * size)
                if high > MOST:  # an arrow where the interval leaves the panel
                    ax.plot(at, MOST, marker=6, color=color, markersize=5, clip_on=False)
            ax.set(ylim=(0, MOST), xlim=(-0.6, len(noises) - 0.4))
            ax.set_xticks(range(len(noises)), [f"{noise:g}".lstrip("0") for noise in noises])
            ax.grid(axis="y")
    for ax, learner in zip(axes[0], learners, strict=True):
        ax.set_title(learner.replace(" ", "\n"), fontsize=style.SMALL, fontweight="normal")
    axes[-1, len(learners) // 2].set_xlabel("probability of a wrong label, $\\eta$")
    handles = [
        style.marker_handle("x", style.INK, "less than this"),
        Line2D([], [], color=style.INK, linewidth=1.4, label="$(1-2\\eta)^2$"),
        Line2D(
            [], [], color=style.INK, linewidth=1.4, linestyle=(0, (4, 2)), label="$(1-10\\eta/9)^2$"
        ),
    ]
    style.legend_below(figure, handles, columns=3)
    return figure, style.with_numbers(
        table,
        none=int(table["factor"].isna().sum()),
        cells=len(table),
        smallest=sizes[0],
        middle=sizes[1],
        largest=f"{sizes[-1]:,}",
    )


def noisy_party_effects(results: Mapping[str, Any]) -> pd.DataFrame:
    """What one noisy party that nobody notices does, from what ``make quality`` writes.

    The difference is that of the accuracies, less that with clean data of all, in percentage
    points: measured (over pairs of runs), and predicted if the party's samples count as a share of
    clean ones. Among the numbers of the table is the share with which the prediction is what was
    measured (``implied_1``, ...), 0 if it is above even without the party.
    """
    shares = np.linspace(0, 1, 21)
    tables = []
    numbers: dict[str, float] = {"noise": results["party_noise"]}
    for k, (learner, runs) in enumerate(results["contract"].items(), start=1):
        curve = fit_saturating(runs["sizes"], runs["accuracies"])
        totals, bad = np.array(runs["totals"])[:, None], runs["contributions"][-1]
        lost = 100 * (curve(totals - (1 - shares) * bad) - curve(totals)).mean(axis=0)
        measured = 100 * np.subtract([runs["noisy"], runs["left out"]], runs["clean"])
        columns = {
            "learner": learner,
            "noisy_data": ["taken as good", "left out", *["counted as q"] * shares.size],
            "quality": [np.nan, 0.0, *shares],
            "difference": [*measured.mean(axis=1), *lost],
            "half_width": [
                *1.96 * measured.std(axis=1, ddof=1) / np.sqrt(measured.shape[1]),
                *np.full(shares.size, np.nan),
            ],
        }
        tables.append(pd.DataFrame(columns))
        implied = np.interp(measured[0].mean(), lost, shares, left=0.0)
        numbers |= {f"noisy_{k}": measured[0].mean(), f"left_out_{k}": measured[1].mean()}
        numbers[f"implied_{k}"] = implied
    return style.with_numbers(pd.concat(tables, ignore_index=True), **numbers)


@style.drawing
def noisy_party(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """What one noisy party that nobody notices does to the collective model.

    Takes what :func:`noisy_party_effects` returns.
    """
    learners = dict(list(table.groupby("learner", sort=False)))
    noise = table.attrs["numbers"]["noise"]
    guides = {
        "$(1-2\\eta)^2$": (quality_factor(noise), "o"),
        "$(1-10\\eta/9)^2$": (quality_factor(noise, 10), "s"),
    }
    figure, axes = style.new_panels(4.2, 1, len(learners), sharey=True, squeeze=False)
    for ax, (learner, rows) in zip(axes[0], learners.items(), strict=True):
        noisy, left_out = (row for _, row in rows.iloc[:2].iterrows())
        line = rows[rows["noisy_data"] == "counted as q"]
        ax.axhspan(
            noisy["difference"] - noisy["half_width"],
            noisy["difference"] + noisy["half_width"], color=style.ALARM, alpha=0.3, linewidth=0,
        )  # fmt: skip
        ax.axhline(noisy["difference"], color=style.ALARM, linewidth=1.6)
        ax.plot(line["quality"], line["difference"], color=style.INK)
        for q, marker in guides.values():
            at = np.interp(q, line["quality"], line["difference"])
            ax.plot(
                q, at, marker, color=style.INK, markerfacecolor="white", markeredgewidth=2,
                markersize=6,
            )  # fmt: skip
        ax.errorbar(
            0, left_out["difference"], yerr=left_out["half_width"], color=style.TYPE_PATH[3],
            marker="D", markersize=7, capsize=4, zorder=4, clip_on=False,
        )  # fmt: skip
        ax.set(title=learner, xlabel="a noisy sample counts as $q$")
        ax.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
        ax.grid(axis="y")
    axes[0, 0].set_ylabel("change of accuracy (points)")
    handles = [
        Line2D([], [], color=style.ALARM, label="measured, noisy party"),
        Line2D([], [], color=style.INK, label="predicted"),
        style.marker_handle("D", style.TYPE_PATH[3], "measured, left out"),
    ]
    handles += [
        style.marker_handle(marker, style.INK, label, hollow=True)
        for label, (_, marker) in guides.items()
    ]
    style.legend_below(figure, handles, columns=2)
    return figure, table
