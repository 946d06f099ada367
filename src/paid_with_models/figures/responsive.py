"""Figures of the chapter on contributions that respond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..beyond.commitment import as_responsive, misjudged, regret
from ..beyond.joining import law_of
from ..beyond.responsive import ResponsiveContract, solve_responsive
from ..curves import GeneralizationBound
from ..problem import Problem
from ..solver.routes import solve
from . import style

__all__ = [
    "cap_figure",
    "cap_lines",
    "gain_figure",
    "gain_lines",
    "misjudged_figure",
    "misjudged_lines",
    "quota_figure",
    "quota_lines",
]

#: How mechanisms are drawn and called.
MECHANISMS = {
    "fixed": (style.MUTED, "--", "fixed contributions"),
    "responding": (style.CAP, "-", "responding"),
    "constant total": (style.INK, ":", "constant total"),
}


def _problem(
    n_parties: int,
    probabilities: Sequence[float],
    costs: Sequence[float],
    beliefs: Literal["paper", "own"] = "own",
) -> Problem:
    return Problem(n_parties, probabilities, costs, GeneralizationBound(), beliefs=beliefs)


def _mechanisms(problem: Problem) -> dict[str, ResponsiveContract]:
    return {
        "fixed": as_responsive(solve(problem)),
        "responding": solve_responsive(problem),
        "constant total": solve_responsive(problem, total="constant"),
    }


def gain_lines(
    n_parties: Sequence[int] = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50),
    low_costs: Sequence[float] = (0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.14, 0.19),
    high_shares: Sequence[float] = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95),
    base: tuple[int, float, float, float] = (10, 0.5, 0.2, 0.05),
) -> pd.DataFrame:
    """What responding adds to the best menu of two types, one number varied at a time.

    Parameters
    ----------
    n_parties : sequence of int >= 2
    low_costs : sequence of float > 0
        Of type 2.
    high_shares : sequence of float in (0, 1)
        Of type 1.
    base : (int, float, float, float)
        Parties, share of type 1, cost of type 1, cost of type 2 where they are not varied.

    Returns
    -------
    DataFrame
        Columns along, at, beliefs, fixed, responding, upper_bound, constant_total (blank under the
        paper's beliefs): expected accuracies.

    Examples
    --------
    >>> table = gain_lines([4], [], [])
    >>> bool((table["responding"] > table["fixed"]).all())
    True
    """
    n, p, high, low = base
    cases: list[tuple[str, float, tuple[int, float, float]]]
    cases = [("parties", some, (some, p, low)) for some in n_parties]
    cases += [("cost of type 2", some, (n, p, some)) for some in low_costs]
    cases += [("share of type 1", some, (n, some, low)) for some in high_shares]
    every: tuple[Literal["own", "paper"], ...] = ("own", "paper")
    rows = []
    for along, at, (number, share, cost) in cases:
        for beliefs in every:
            problem = _problem(number, [share, 1 - share], [high, cost], beliefs)
            best = solve_responsive(problem)
            steady = np.nan
            if beliefs == "own":
                steady = solve_responsive(problem, total="constant").expected_accuracy
            rows.append(
                {
                    "along": along,
                    "at": float(at),
                    "beliefs": beliefs,
                    "fixed": solve(problem).expected_accuracy,
                    "responding": best.expected_accuracy,
                    "upper_bound": best.upper_bound,
                    "constant_total": steady,
                }
            )
    return pd.DataFrame(rows)


@style.drawing
def gain_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """What responding adds, against parties, costs and shares.

    Takes what :func:`gain_lines` returns.
    """
    names = {
        "parties": "parties $N$",
        "cost of type 2": "cost of type 2, $c_2$",
        "share of type 1": "share of type 1, $p_1$",
    }
    colors = {"own": style.CAP, "paper": style.ALARM}
    figure, axes = style.new_panels(7.2, 3, 1)
    for ax, (along, label) in zip(axes, names.items(), strict=True):
        here = table[table["along"] == along]
        for beliefs, group in here.groupby("beliefs"):
            gain = 100 * (group["responding"] - group["fixed"])
            dashes = "-" if beliefs == "own" else "--"
            ax.plot(
                group["at"], gain, color=colors[str(beliefs)], linestyle=dashes, marker="o",
                markersize=4, label=f"best, {style.BELIEFS[str(beliefs)]}",
            )  # fmt: skip
        own = here[here["beliefs"] == "own"]
        ax.plot(
            own["at"], 100 * (own["constant_total"] - own["fixed"]), color=style.INK, linestyle=":",
            label="constant total, own",
        )  # fmt: skip
        ax.axhline(0, color=style.GRID, linewidth=1)
        ax.set(xlabel=label, ylabel="gain (points)")
    for ax in axes[:2]:
        ax.set_xscale("log")
        ax.minorticks_off()
    for ax, ticks in ((axes[0], (2, 3, 5, 10, 20, 50)), (axes[1], (0.01, 0.02, 0.05, 0.1))):
        shown = [tick for tick in ticks if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]]
        ax.set_xticks(shown, [f"{tick:g}" for tick in shown])
    style.legend_from_axes(figure, [axes[0]], columns=2)
    gains = 100 * (table["responding"] - table["fixed"])
    own, paper = (gains[table["beliefs"] == beliefs] for beliefs in ("own", "paper"))
    numbers = {"most_own": own.max(), "most_paper": paper.max()}
    return figure, style.with_numbers(table, **numbers)


def quota_lines(
    n_parties: int = 10,
    probabilities: tuple[float, float] = (0.5, 0.5),
    costs: tuple[float, float] = (0.2, 0.05),
) -> pd.DataFrame:
    """Totals and quotas of two types by how many low-cost parties join, under own beliefs.

    Parameters
    ----------
    n_parties : int >= 2
    probabilities, costs : (2,) tuple of float > 0

    Returns
    -------
    DataFrame
        Columns mechanism, low_cost_parties, outcome_probability, total, quota_1, quota_2 (blank
        where there is no such party), accuracy.

    Examples
    --------
    >>> table = quota_lines(3)
    >>> table[table["mechanism"] == "constant total"]["total"].round(6).nunique()
    1
    """
    problem = _problem(n_parties, probabilities, costs)
    law = law_of(problem)
    tables = []
    for name, contract in _mechanisms(problem).items():
        quotas = contract.quotas.quotas(law.counts)
        totals = (law.counts * quotas).sum(axis=1)
        shown = np.where(law.counts > 0, quotas, np.nan)
        tables.append(
            pd.DataFrame(
                {
                    "mechanism": name,
                    "low_cost_parties": law.counts[:, 1],
                    "outcome_probability": law.probabilities,
                    "total": totals,
                    "quota_1": shown[:, 0],
                    "quota_2": shown[:, 1],
                    "accuracy": problem.accuracy(totals),
                }
            ).sort_values("low_cost_parties")
        )
    return pd.concat(tables, ignore_index=True)


@style.drawing
def quota_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Totals, and what a party of each type gives, by how many low-cost parties join.

    Takes what :func:`quota_lines` returns.
    """
    colors = style.type_colors([2.0, 1.0])
    figure, (top, bottom) = style.new_panels(6.4, 2, 1, sharex=True, height_ratios=(2, 3))
    for name, group in table.groupby("mechanism", sort=False):
        color, dashes, words = MECHANISMS[str(name)]
        joined = group["low_cost_parties"]
        top.plot(joined, group["total"], color=color, linestyle=dashes)
        _name_line(top, words, joined, group["total"], color, below=name != "constant total")
        if name == "responding":  # how its total is split is not unique
            continue
        for i, tint in enumerate(colors, start=1):
            quota = group[f"quota_{i}"]
            bottom.plot(joined, quota, color=tint, linestyle=dashes)
            below = name == "fixed" and i == 1
            _name_line(bottom, f"type {i}, {name}", joined, quota, tint, below=below)
    top.set(ylabel="total $S(n)$", ylim=(0, None))
    bottom.set(xlabel="low-cost parties that join, $n_2$", ylabel="quota $m_i(n)$", ylim=(0, None))
    for ax in (top, bottom):
        style.thousands_separated(ax.yaxis)
    steady = table[table["mechanism"] == "constant total"]
    fixed = table[table["mechanism"] == "fixed"]
    return figure, style.with_numbers(
        table,
        steady=steady["total"].max(),
        lowest=fixed["total"].min(),
        highest=fixed["total"].max(),
        largest=steady["quota_2"].max(),
        asked=fixed["quota_2"].max(),
    )


def _name_line(ax: Axes, text: str, x: pd.Series, y: pd.Series, color: str, *, below: bool) -> None:
    """Write what a line is where it begins, above or below it."""
    first = y.first_valid_index()
    ax.annotate(
        text, (x[first], y[first]), (12, -5 if below else 5), textcoords="offset points",
        va="top" if below else "bottom", color=color, size=style.SMALL,
    )  # fmt: skip


def misjudged_lines(
    shares: Sequence[float] = (0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9),
    n_parties: int = 10,
    guess: float = 0.5,
    costs: tuple[float, float] = (0.2, 0.05),
) -> pd.DataFrame:
    """What agreements made for a guess of the share of type 1 do under other shares.

    Parameters
    ----------
    shares : sequence of float in (0, 1)
        Of type 1, in truth.
    n_parties : int >= 2
    guess : float in (0, 1)
    costs : (2,) tuple of float > 0

    Returns
    -------
    DataFrame
        Columns mechanism, share, expected_accuracy, spread, shortfall (of the worst type behind its
        outside option), envy.

    Examples
    --------
    >>> table = misjudged_lines([0.5, 0.6], n_parties=4)
    >>> bool(table[table["share"] == 0.5]["shortfall"].max() < 1e-6)
    True
    """
    rows = []
    made = _mechanisms(_problem(n_parties, [guess, 1 - guess], costs))
    for name in ("fixed", "constant total"):
        contract = made[name]
        for share in shares:
            found = misjudged(contract, [share, 1 - share])
            rows.append(
                {
                    "mechanism": name,
                    "share": float(share),
                    "expected_accuracy": found.expected_accuracy,
                    "spread": found.spread,
                    "shortfall": found.participation,
                    "envy": found.envy,
                }
            )
    return pd.DataFrame(rows)


@style.drawing
def misjudged_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Accuracy, and how far the worst type is behind its outside option, against the true share.

    Takes what :func:`misjudged_lines` returns.
    """
    figure, (top, bottom) = style.new_panels(5.6, 2, 1, sharex=True)
    for name, group in table.groupby("mechanism", sort=False):
        color, dashes, words = MECHANISMS[str(name)]
        top.plot(
            group["share"], group["expected_accuracy"], color=color, linestyle=dashes,
            label=words,
        )  # fmt: skip
        bottom.plot(group["share"], group["shortfall"], color=color, linestyle=dashes)
    top.set(ylabel="expected accuracy")
    bottom.set(xlabel="share of type 1 in truth", ylabel="behind outside option", ylim=(0, None))
    style.legend_from_axes(figure, [top], columns=3)
    fixed, steady = (
        table[table["mechanism"] == name].set_index("share") for name in ("fixed", "constant total")
    )
    return figure, style.with_numbers(
        table,
        fixed_from=fixed["expected_accuracy"].min(),
        fixed_to=fixed["expected_accuracy"].max(),
        steady_from=steady["expected_accuracy"].min(),
        steady_to=steady["expected_accuracy"].max(),
        fixed_shortfall=fixed["shortfall"].max(),
        steady_shortfall=steady["shortfall"].max(),
    )


def cap_lines(
    largest_quotas: Sequence[float] = (
        900, 940, 960, 980, 1000, 1050, 1100, 1200, 1400, 1700, 2000, 2500, 3000,
    ),
    n_parties: int = 10,
    probabilities: tuple[float, float] = (0.5, 0.5),
    costs: tuple[float, float] = (0.2, 0.05),
) -> pd.DataFrame:  # fmt: skip
    """The best mechanism with a largest quota, under own beliefs, and what parties may regret.

    Parameters
    ----------
    largest_quotas : sequence of float > 0
        Units of data.
    n_parties : int >= 2
    probabilities, costs : (2,) tuple of float > 0

    Returns
    -------
    DataFrame
        Columns largest_quota, expected_accuracy, upper_bound, worst_1, worst_2 (the most that a
        party can be behind its outside option), fixed, fixed_contribution (of type 2), free (with
        no largest quota).

    Examples
    --------
    >>> table = cap_lines([800, 1000], n_parties=4)
    >>> bool(table["expected_accuracy"].is_monotonic_increasing)
    True
    """
    problem = _problem(n_parties, probabilities, costs)
    menu, free = solve(problem), solve_responsive(problem)
    rows = []
    for most in largest_quotas:
        contract = solve_responsive(problem, largest_quota=most)
        worst = regret(contract).worst
        rows.append(
            {
                "largest_quota": float(most),
                "expected_accuracy": contract.expected_accuracy,
                "upper_bound": contract.upper_bound,
                "worst_1": worst[0],
                "worst_2": worst[1],
                "fixed": menu.expected_accuracy,
                "fixed_contribution": menu.contributions[1],
                "free": free.expected_accuracy,
            }
        )
    return pd.DataFrame(rows)


@style.drawing
def cap_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Accuracy and the worst regret against the largest quota.

    Takes what :func:`cap_lines` returns.
    """
    colors = style.type_colors([2.0, 1.0])
    figure, (top, bottom) = style.new_panels(5.2, 2, 1, sharex=True)
    most = table["largest_quota"]
    top.plot(most, table["expected_accuracy"], color=style.CAP, marker="o", markersize=4,
             label="with a largest quota")  # fmt: skip
    top.axhline(table["free"].iloc[0], color=style.TYPE_PATH[2], linestyle="-.", linewidth=1.2,
                label="with none")  # fmt: skip
    top.axhline(table["fixed"].iloc[0], color=style.MUTED, linestyle="--", linewidth=1.2,
                label="fixed contributions")  # fmt: skip
    for i, tint in enumerate(colors, start=1):
        bottom.plot(
            most, table[f"worst_{i}"], color=tint, linestyle="-" if i == 1 else (0, (4, 2)),
            label=f"type {i}",
        )  # fmt: skip
    for ax in (top, bottom):
        ax.axvline(table["fixed_contribution"].iloc[0], color=style.GRID, linewidth=1.2)
    top.set(ylabel="expected accuracy")
    bottom.set(
        xlabel="largest quota (units of data)", ylabel="worst regret (value)", ylim=(0, None)
    )
    style.thousands_separated(bottom.xaxis)
    style.legend_from_axes(figure, [top, bottom], columns=2)
    at = int(np.argmin(np.abs(most - table["fixed_contribution"])))
    kept = (table["expected_accuracy"] - table["fixed"]) / (table["free"] - table["fixed"])
    return figure, style.with_numbers(
        table, at=most.iloc[at], kept=100 * kept.iloc[at],
        asked=table["fixed_contribution"].iloc[0],
    )  # fmt: skip
