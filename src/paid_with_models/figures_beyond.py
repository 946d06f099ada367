r"""The figures of the chapters beyond the paper and of measurements, one function a figure.

As in :mod:`~paid_with_models.figures`, each takes results and returns the figure and the table
behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon

from .attendance import CostDistribution, best_cutoff
from .behavior import Assignment, Behavior, SlackMenu
from .exponential_sum import ExponentialSum
from .figure_style import (
    ALARM,
    CAP,
    FAINT,
    GRID,
    INK,
    MUTED,
    TYPE_PATH,
    _figure,
    _legend_below,
    _legend_of,
    _mark,
    _num,
    _settled,
    _tint,
    _told,
    style,
    type_colors,
)
from .learning_curves import fit_power_law, fit_saturating
from .problem import Problem
from .quality import measured_factors, quality_factor
from .screening import Contract, solve
from .trials import Menu, Trials, deploy, designed, intervals, whole_samples

__all__ = [
    "aversion_figure",
    "belief_figure",
    "continuum_figure",
    "contract_map",
    "logit_figure",
    "lower_cost_figure",
    "margin_figure",
    "measured_curves",
    "menu_curve",
    "noisy_party",
    "quality_factors",
    "realized",
    "split_errors",
    "sum_errors",
    "times_by_parties",
    "times_by_types",
]

#: How the two beliefs are drawn and called.
BELIEFS = {"paper": ("-", "given $n_i \\geq 1$"), "own": ((0, (4, 2)), "own")}


def belief_figure(lines: Mapping[str, Sequence[Contract]]) -> tuple[Figure, pd.DataFrame]:
    """Contributions, caps and rents under both beliefs against the number of parties.

    Parameters
    ----------
    lines : mapping
        By belief, contracts of the same types for different numbers of parties
        (:func:`paid_with_models.record.belief_lines`).

    Returns
    -------
    Figure, DataFrame
        Columns beliefs, n_parties, type, contribution, reward_cap, rents, expected_accuracy.

    Examples
    --------
    >>> from paid_with_models.record import belief_lines
    >>> belief_figure(belief_lines([2, 10]))[1]["type"].tolist()
    [1, 2, 1, 2, 1, 2, 1, 2]
    """
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "beliefs": beliefs,
                    "n_parties": contract.problem.n_parties,
                    "type": np.arange(1, contract.problem.n_types + 1),
                    "contribution": contract.contributions,
                    "reward_cap": contract.reward_caps,
                    "rents": contract.utilities - contract.reservation_utilities,
                    "expected_accuracy": contract.expected_accuracy,
                }
            )
            for beliefs, contracts in lines.items()
            for contract in contracts
        ],
        ignore_index=True,
    )
    panels = {"contribution": "contribution $m_i$", "reward_cap": "cap $T_i$", "rents": "rent"}
    problem = next(iter(lines.values()))[0].problem
    colors = type_colors(problem.costs)
    with style():
        figure = _figure(6.6)
        axes = figure.subplots(3, 1, sharex=True)
        for (beliefs, i), group in table.groupby(["beliefs", "type"]):
            dashes, words = BELIEFS[str(beliefs)]
            for ax, (what, label) in zip(axes, panels.items(), strict=True):
                ax.plot(
                    group["n_parties"], group[what], color=colors[int(i) - 1], linestyle=dashes,
                    label=f"type {i}, {words}",
                )  # fmt: skip
                ax.set_ylabel(label)
        axes[-1].set_xscale("log")
        sizes = [n for n in (2, 3, 5, 10, 20, 50) if n in set(table["n_parties"])]
        axes[-1].set_xticks(sizes, [str(n) for n in sizes])
        axes[-1].minorticks_off()
        axes[-1].set_xlabel("parties $N$")
        handles, labels = axes[0].get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda k: labels[k])
        _legend_below(figure, [handles[k] for k in order], columns=2)
        n = table["n_parties"]
        return _settled(figure), _told(table, smallest=n.min(), largest=n.max())


def lower_cost_figure(
    lines: Mapping[str, Sequence[tuple[float, Contract]]],
) -> tuple[Figure, pd.DataFrame]:
    """Expected accuracy, reached and bounded, as one type's cost passes another's.

    Parameters
    ----------
    lines : mapping
        By belief, how far the cost is above the other's, and the contract
        (:func:`paid_with_models.record.lower_cost_lines`).

    Returns
    -------
    Figure, DataFrame
        Columns beliefs, offset, expected_accuracy, upper_bound.

    Examples
    --------
    >>> from paid_with_models.record import lower_cost_lines
    >>> len(lower_cost_figure(lower_cost_lines(offsets=[-0.01, 0.01]))[1])
    4
    """
    table = pd.DataFrame(
        [
            {
                "beliefs": beliefs,
                "offset": offset,
                "expected_accuracy": contract.expected_accuracy,
                "upper_bound": contract.upper_bound,
            }
            for beliefs, line in lines.items()
            for offset, contract in line
        ]
    )
    with style():
        figure = _figure(3.8)
        ax = figure.subplots()
        for (beliefs, (dashes, words)), color in zip(
            BELIEFS.items(), (ALARM, TYPE_PATH[3]), strict=True
        ):
            here = table[table["beliefs"] == beliefs]
            for k, (below, group) in enumerate(here.groupby(here["offset"] < 0)):
                ax.plot(
                    100 * group["offset"], group["expected_accuracy"], color=color,
                    linestyle=dashes, label=None if k else words,
                )  # fmt: skip
                ax.plot(
                    100 * group["offset"], group["upper_bound"], color=color, linestyle="none",
                    marker="v" if below else "^", markersize=5,
                    label=None if k else f"bound, {words}",
                )  # fmt: skip
        ax.axvline(0, color=GRID, linewidth=1)
        ax.set(xlabel="cost of type 2 above that of type 3 (%)", ylabel="expected accuracy")
        _legend_of(figure, [ax], columns=2)
        paper = table[table["beliefs"] == "paper"].set_index("offset").sort_index()
        before = paper.loc[paper.index > 0, "expected_accuracy"].iloc[0]
        after = paper.loc[paper.index < 0, "upper_bound"].iloc[-1]
        return _settled(figure), _told(table, jump=before - after)


def logit_figure(
    lines: Mapping[str, Mapping[str, Sequence[tuple[float, Behavior]]]],
) -> tuple[Figure, pd.DataFrame]:
    """Expected accuracy and participation against how rational parties are, by scenario.

    Parameters
    ----------
    lines : mapping
        By title and case, at most five: rationalities and what parties do
        (:func:`paid_with_models.record.logit_lines`).

    Returns
    -------
    Figure, DataFrame
        Columns scenario, case, rationality, expected_accuracy, participation.

    Examples
    --------
    >>> from paid_with_models.record import logit_lines
    >>> lines = logit_lines(rationalities=[0.1, 1.0], scenarios=["big_firm_cooperation"])
    >>> len(logit_figure(lines)[1])
    10
    """
    rows = [
        {
            "scenario": title,
            "case": case,
            "rationality": rationality,
            "expected_accuracy": behavior.expected_accuracy,
            "participation": behavior.participation,
        }
        for title, cases in lines.items()
        for case, found in cases.items()
        for rationality, behavior in found
    ]
    table = pd.DataFrame(rows)
    looks = [
        (MUTED, "--"),
        (TYPE_PATH[0], "-."),
        (ALARM, "-"),
        (TYPE_PATH[3], ":"),
        (CAP, (0, (6, 1.5))),
    ]
    with style():
        figure = _figure(2.1 * len(lines) + 0.9)
        axes = figure.subplots(len(lines), 2, sharex=True, sharey="col", squeeze=False)
        for pair, (title, cases) in zip(axes, lines.items(), strict=True):
            for case, (color, dashes) in zip(cases, looks, strict=False):
                here = table[(table["scenario"] == title) & (table["case"] == case)]
                for ax, name in zip(pair, ("expected_accuracy", "participation"), strict=True):
                    ax.plot(
                        here["rationality"], here[name], color=color, linestyle=dashes, label=case
                    )
            pair[0].set_title(title, loc="left")
            pair[0].set(xscale="log", ylabel="accuracy", ylim=(-0.03, 1.03))
            pair[1].set(ylabel="take part", ylim=(-0.03, 1.03))
        for ax in axes[-1]:
            ax.set_xlabel("rationality $\\lambda$")
        _legend_of(figure, [axes[0, 0]], columns=2)
        return _settled(figure), table


def margin_figure(
    lines: Mapping[str, Sequence[tuple[SlackMenu, Mapping[float, Behavior]]]],
) -> tuple[Figure, pd.DataFrame]:
    """What a margin in every constraint costs, and what it is good for, by scenario.

    Parameters
    ----------
    lines : mapping
        By title: menus with their margins and, by rationality (at most three), what parties do
        (:func:`paid_with_models.record.margin_lines`).

    Returns
    -------
    Figure, DataFrame
        Columns scenario, margin, expected_accuracy, upper_bound, rationality, foreseen,
        participation.

    Examples
    --------
    >>> from paid_with_models.record import margin_lines
    >>> lines = margin_lines([0.0, 1.0], [1.0, 3.0], ["big_firm_cooperation"])
    >>> len(margin_figure(lines)[1])
    4
    """
    table = pd.DataFrame(
        [
            {
                "scenario": title,
                "margin": menu.margin,
                "expected_accuracy": menu.expected_accuracy,
                "upper_bound": menu.upper_bound,
                "rationality": rationality,
                "foreseen": behavior.expected_accuracy,
                "participation": behavior.participation,
            }
            for title, menus in lines.items()
            for menu, behaviors in menus
            for rationality, behavior in behaviors.items()
        ]
    )
    best = table["scenario"].map(table.groupby("scenario")["upper_bound"].max())
    losses = {name: best - table[name] for name in ("expected_accuracy", "foreseen")}
    with style():
        figure = _figure(1.9 * len(lines) + 0.9)
        axes = figure.subplots(len(lines), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for ax, title in zip(axes, lines, strict=True):
            here = table[(table["scenario"] == title) & (table["margin"] > 0)]
            once = here.drop_duplicates("margin").index
            ax.plot(
                table.loc[once, "margin"], losses["expected_accuracy"][once], color=INK,
                label="every party rational",
            )  # fmt: skip
            looks = zip((ALARM, CAP, TYPE_PATH[3]), "so^", strict=True)
            every = table[table["scenario"] == title].groupby("rationality")
            for (rationality, group), (color, marker) in zip(every, looks, strict=False):
                ax.plot(
                    group["margin"], losses["foreseen"][group.index], color=color, marker=marker,
                    markersize=5, linestyle="--",
                    label=f"foresight, $\\lambda$ = {rationality:g}",
                )  # fmt: skip
            ax.set_title(title, loc="left")
            ax.set(yscale="log", ylabel="accuracy lost", ylim=(2e-4, 2))
            ax.grid(axis="y")
        axes[-1].set_xlabel("margin $\\varepsilon$ in every constraint (units of value)")
        _legend_of(figure, [axes[0]], columns=2)
        return _settled(figure), table


def aversion_figure(
    lines: Mapping[str, Mapping[Assignment, Sequence[tuple[float, float, Behavior]]]],
) -> tuple[Figure, pd.DataFrame]:
    """What aversion to the spread of rewards does under three assignments, a row a scenario.

    Parameters
    ----------
    lines : mapping
        By title and assignment (:func:`paid_with_models.record.aversion_lines`).

    Returns
    -------
    Figure, DataFrame
        Columns scenario, assignment, aversion, premium, foreseen, participation.

    Examples
    --------
    >>> from paid_with_models.record import aversion_lines
    >>> lines = aversion_lines(aversions=[0.01, 0.1], scenarios=["big_firm_cooperation"])
    >>> len(aversion_figure(lines)[1])
    6
    """
    table = pd.DataFrame(
        [
            {
                "scenario": title,
                "assignment": assignment.name.lower(),
                "aversion": aversion,
                "premium": max(premium, 0.0),
                "foreseen": behavior.expected_accuracy,
                "participation": behavior.participation,
            }
            for title, ways in lines.items()
            for assignment, found in ways.items()
            for aversion, premium, behavior in found
        ]
    )
    looks = {
        "capped": (CAP, "-", "o"),
        "proportional": (TYPE_PATH[3], "--", "^"),
        "lottery": (ALARM, "-.", "s"),
    }
    with style():
        figure = _figure(2.3 * len(lines) + 0.8)
        axes = figure.subplots(len(lines), 2, sharex=True, sharey="col", squeeze=False)
        for (left, right), title in zip(axes, lines, strict=True):
            here = table[table["scenario"] == title]
            for name, (color, dashes, marker) in looks.items():
                group = here[here["assignment"] == name]
                for ax, what in ((left, "premium"), (right, "participation")):
                    seen = group[what].where(group[what] > LEAST_PREMIUM)
                    ax.plot(
                        group["aversion"], seen, color=color, linestyle=dashes, marker=marker,
                        markersize=4, label=name,
                    )  # fmt: skip
            left.set_title(title, loc="left")
            left.set(xscale="log", yscale="log", ylabel="cost of chance")
            left.set_ylim(LEAST_PREMIUM, 200)
            left.grid(axis="y")
            right.set(ylabel="take part", ylim=(-0.03, 1.03))
        for ax in axes[-1]:
            ax.set_xlabel("aversion $\\alpha$")
        _legend_of(figure, [axes[0, 0]], columns=3)
        return _settled(figure), _told(table, least=f"{LEAST_PREMIUM:g}")


#: What chance costs below this, in units of value, is not drawn.
LEAST_PREMIUM = 1e-4


def menu_curve(
    markets: Mapping[str, tuple[CostDistribution, Mapping[int, Contract]]],
) -> tuple[Figure, pd.DataFrame]:
    """Menus as curves over the cost in a large market, and the ironing behind them.

    Parameters
    ----------
    markets : mapping
        By name, a distribution of costs and contracts by how many types stand for it, at most four
        (:func:`paid_with_models.record.large_market_menus`).

    Returns
    -------
    Figure, DataFrame
        Columns distribution, n_types, cost, contribution, share_below.

    Examples
    --------
    >>> from paid_with_models.record import large_market_menus
    >>> menu_curve(large_market_menus(sizes=[2]))[1]["n_types"].tolist()
    [2, 2, 2, 2]
    """
    tables = []
    with style():
        figure = _figure(5.2)
        axes = figure.subplots(2, len(markets), sharex="col", sharey="row", squeeze=False)
        for (top, bottom), (name, (costs, contracts)) in zip(axes.T, markets.items(), strict=True):
            cutoff, (_, high) = best_cutoff(costs), costs.support()
            right = min(high, 3 * cutoff)
            c = np.linspace(0, right, 301)
            top.plot(c, costs.cdf(c), color=INK, label="share $P(c)$")
            top.plot(
                [0, cutoff], [0, float(costs.cdf(cutoff))], color=ALARM, linestyle="--",
                label="first chord of its hull",
            )  # fmt: skip
            for ax in (top, bottom):
                ax.axvline(cutoff, color=INK, linestyle=":", linewidth=1.2, label="cutoff")
            looks = zip(TYPE_PATH[0::2], "so^", strict=True)
            for (n_types, contract), (color, marker) in zip(contracts.items(), looks, strict=False):
                order = np.argsort(contract.problem.costs)
                c, m = contract.problem.costs[order], contract.contributions[order]
                bottom.plot(
                    c, m, color=color, marker=marker, markersize=3, linewidth=1.2,
                    label=f"{n_types} types",
                )  # fmt: skip
                tables.append(
                    pd.DataFrame(
                        {
                            "distribution": name,
                            "n_types": n_types,
                            "cost": c,
                            "contribution": m,
                            "share_below": costs.cdf(c),
                        }
                    )
                )
            top.set_title(name, loc="left")
            bottom.set(xlabel="cost $c$", xlim=(0, 1.05 * right))
        axes[0, 0].set_ylabel("share of parties")
        axes[1, 0].set(ylabel="contribution")
        axes[1, 0].set_ylim(bottom=0)
        handles = axes[0, 0].get_legend_handles_labels()[0]
        handles += axes[1, 0].get_legend_handles_labels()[0][1:]
        _legend_below(figure, handles, columns=2)
        return _settled(figure), pd.concat(tables, ignore_index=True)


def continuum_figure(
    menus: Mapping[str, Mapping[int, tuple[Contract, Contract]]],
) -> tuple[Figure, pd.DataFrame]:
    """A continuum of types in a small consortium: its menu, and bounds that close in on its worth.

    Parameters
    ----------
    menus : mapping
        By name of the distribution and number of types, contracts for types too dear and too cheap
        (:func:`paid_with_models.record.continuum_menus`).

    Returns
    -------
    Figure, DataFrame
        Columns distribution, n_types, cost, contribution, at_least, at_most: options of the menu
        for types that are too dear; what the best menu for the continuum reaches at least and at
        most.

    Examples
    --------
    >>> from paid_with_models.record import continuum_menus
    >>> table = continuum_figure(continuum_menus(sizes=[2, 4]))[1]
    >>> bool((table["at_least"] < table["at_most"]).all())
    True
    """
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "distribution": name,
                    "n_types": n_types,
                    "cost": dearer.problem.costs,
                    "contribution": dearer.contributions,
                    "at_least": dearer.expected_accuracy,
                    "at_most": cheaper.upper_bound,
                }
            )
            for name, pairs in menus.items()
            for n_types, (dearer, cheaper) in pairs.items()
        ],
        ignore_index=True,
    )
    with style():
        figure = _figure(5.2)
        axes = figure.subplots(2, len(menus), sharey="row", squeeze=False)
        for (top, bottom), (name, pairs) in zip(axes.T, menus.items(), strict=True):
            here = table[table["distribution"] == name]
            shown = [min(pairs), max(pairs)]
            looks = (TYPE_PATH[0], 3.5), (TYPE_PATH[3], 1.5)
            for n_types, (color, width) in zip(shown, looks, strict=True):
                group = here[here["n_types"] == n_types]
                top.step(
                    group["cost"], group["contribution"], color=color, where="post",
                    linewidth=width, label=f"{n_types} types",
                )  # fmt: skip
            once = here.drop_duplicates("n_types")
            bottom.fill_between(
                once["n_types"], once["at_least"], once["at_most"], color=_tint(CAP), linewidth=0
            )
            for what, marker in (("at_most", "v"), ("at_least", "^")):
                label = what.replace("_", " ")
                bottom.plot(once["n_types"], once[what], color=CAP, marker=marker, label=label)
            top.set_title(name, loc="left")
            top.set(xlabel="cost $c$", xscale="log")
            bottom.set(xlabel="types $I$", xscale="log")
            bottom.set_xticks(list(pairs), [str(size) for size in pairs])
            costs = here["cost"]
            ticks = [it for it in (0.05, 0.1, 0.2, 0.5, 1.0) if costs.min() < it <= costs.max()]
            top.set_xticks(ticks, [f"{it:g}" for it in ticks])
            for ax in (top, bottom):
                ax.minorticks_off()
        axes[0, 0].set_ylabel("contribution")
        axes[0, 0].set_ylim(bottom=0)
        axes[1, 0].set_ylabel("expected accuracy")
        _legend_of(figure, axes[:, 0], columns=2)
        widths = (table["at_most"] - table["at_least"]).groupby(table["n_types"]).max()
        told = {"first": widths.index[0], "last": widths.index[-1]}
        return _settled(figure), _told(
            table, **told, first_width=widths.iloc[0], last_width=widths.iloc[-1]
        )


def sum_errors(fits: Mapping[str, Sequence[ExponentialSum]]) -> tuple[Figure, pd.DataFrame]:
    """Errors of exponential sums against their number of terms.

    Parameters
    ----------
    fits : mapping
        By name of the curve, at most three, its sums (:func:`paid_with_models.record.sum_fits`).

    Returns
    -------
    Figure, DataFrame
        Columns curve, terms, proved_error, relative to the curve's limit.

    Examples
    --------
    >>> from paid_with_models.record import sum_fits
    >>> sum_errors(sum_fits(rates_per_e_fold=[1.0]))[1]["curve"].tolist()
    ['generalization bound', 'power law', 'arctangent']
    """
    table = pd.DataFrame(
        [
            {"curve": name, "terms": fit.rates.size, "proved_error": fit.error / fit.limit}
            for name, sums in fits.items()
            for fit in sums
        ]
    )
    looks = [(CAP, "-", "o"), (TYPE_PATH[3], "--", "^"), (ALARM, "-.", "s")]
    with style():
        figure = _figure(3.6)
        ax = figure.subplots()
        for (name, group), (color, dashes, marker) in zip(
            table.groupby("curve", sort=False), looks, strict=False
        ):
            ax.plot(
                group["terms"], group["proved_error"], color=color, linestyle=dashes, marker=marker,
                markersize=5, label=name,
            )  # fmt: skip
        ax.set(yscale="log", xlabel="terms $J$", ylabel="proved error")
        ax.set_xlim(left=0)
        ax.grid(axis="y")
        _legend_of(figure, [ax], columns=3)
        least = table.groupby("curve")["proved_error"].min()
        return _settled(figure), _told(
            table, best=float(least.drop("arctangent", errors="ignore").max()),
            worst=float(least.max()),
        )  # fmt: skip


def times_by_types(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Time to solve one problem against the number of types: three methods.

    Parameters
    ----------
    results : mapping
        What ``make bench`` writes.

    Returns
    -------
    Figure, DataFrame
        Columns method, n_types, median, min, max (seconds), over random problems.

    Examples
    --------
    >>> line = [{"n_types": 2, "median": 0.02, "min": 0.01, "max": 0.03}]
    >>> methods = {name: {"by_types": line} for name in ("published", "enumeration", "library")}
    >>> times_by_types({"types": methods})[1]["method"].tolist()
    ['published', 'enumeration', 'library']
    """
    looks: dict[str, tuple[str, str, str, tuple[int, int], Literal["left", "right"]]] = {
        "published": ("published method", ALARM, "s", (8, 0), "left"),
        "enumeration": ("ours, all outcomes", TYPE_PATH[3], "^", (8, 4), "left"),
        "library": ("ours", CAP, "o", (-14, 0), "right"),
    }
    by = {method: results["types"][method]["by_types"] for method in looks}
    table = pd.concat([_times(rows, "n_types", method=method) for method, rows in by.items()])
    with style():
        figure, ax = _times_axes(3.8, "types $I$")
        for method, (label, color, marker, offset, side) in looks.items():
            here = table[table["method"] == method]
            _draw_times(ax, here, "n_types", color, marker, label, offset, side)
        ax.set_xticks([2, 5, 10, 100, 1000], ["2", "5", "10", "100", "1,000"])
        ax.minorticks_off()
        ends = {f"last_{method}": rows[-1]["n_types"] for method, rows in by.items()}
        return _settled(figure), _told(table.reset_index(drop=True), **ends)


def times_by_parties(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Time to solve one problem against the number of parties, a line a number of types.

    Parameters
    ----------
    results : mapping
        What ``make bench`` writes.

    Returns
    -------
    Figure, DataFrame
        Columns n_types, n_parties, median, min, max (seconds), over random problems.

    Examples
    --------
    >>> line = [{"n_parties": 10, "median": 0.02, "min": 0.01, "max": 0.03}]
    >>> sizes = [{"n_types": size, "by_parties": line} for size in (10, 100, 1000)]
    >>> times_by_parties({"parties": sizes})[1]["n_types"].tolist()
    [10, 100, 1000]
    """
    rows = {entry["n_types"]: entry["by_parties"] for entry in results["parties"]}
    table = pd.concat([_times(by, "n_parties", n_types=size) for size, by in rows.items()])
    with style():
        figure, ax = _times_axes(3.4, "parties $N$")
        for size, marker, color in zip(rows, "o^s", (CAP, *TYPE_PATH[2:4]), strict=True):
            here = table[table["n_types"] == size]
            label = f"{size:,} types"
            _draw_times(ax, here, "n_parties", color, marker, label, (8, 0), "left")
        ax.set_xticks([10, 1e3, 1e6], ["10", "1,000", "a million"])
        ax.minorticks_off()
        numbers = {f"size_{k}": f"{size:,}" for k, size in enumerate(rows, start=1)}
        return _settled(figure), _told(table.reset_index(drop=True), **numbers)


def contract_map(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Which of three types share an option, over all their probabilities.

    A triangle for each number of parties (rows) and costs (columns). Its corners are where all
    parties are of one type.

    Parameters
    ----------
    results : mapping
        What ``make map`` writes.

    Returns
    -------
    Figure, DataFrame
        Columns n_parties, cost_1, cost_2, cost_3, p_3, p_1_from, p_1_to, shared: for one
        probability of type 3, those of type 1 between which the same types share an option.

    Examples
    --------
    >>> panel = {"n_parties": 10, "costs": [0.2, 0.15, 0.05], "options": ["ssc", "pp", "p"]}
    >>> table = contract_map({"steps": 5, "problems": 6, "panels": [panel]})[1]
    >>> table[["p_3", "p_1_from", "p_1_to", "shared"]].values.tolist()[:2]
    [[0.2, 0.2, 0.4, 'none'], [0.2, 0.6, 0.6, '1+2']]
    """
    looks = {
        "s": ("none", "every type its own option", "#dfe4f2"),
        "c": ("1+2", "types 1 and 2 share one", TYPE_PATH[0]),
        "f": ("2+3", "types 2 and 3 share one", TYPE_PATH[3]),
        "p": ("1+2+3", "all share one", TYPE_PATH[2]),
    }
    step, panels = 1 / results["steps"], results["panels"]
    records = [
        (panel["n_parties"], *panel["costs"], (row + 1) * step, first * step, last * step, letter)
        for panel in panels
        for row, letters in enumerate(panel["options"])
        for letter, first, last in _runs(letters)
    ]
    chances = ["p_3", "p_1_from", "p_1_to"]
    columns = ["n_parties", "cost_1", "cost_2", "cost_3", *chances, "shared"]
    table = pd.DataFrame(records, columns=columns).round(dict.fromkeys(chances, 4))
    sizes = sorted(set(table["n_parties"]))
    kinds = list(dict.fromkeys(tuple(panel["costs"]) for panel in panels))
    with style():
        figure = _figure(1.02 * len(sizes) + 0.85)
        axes = figure.subplots(len(sizes), len(kinds), squeeze=False)
        for (n_parties, *costs), runs in table.groupby(columns[:4], sort=False):
            row, column = sizes.index(n_parties), kinds.index(tuple(costs))
            ax = axes[row, column]
            _draw_triangle(ax, runs, step, {letter: look[2] for letter, look in looks.items()})
            if row == 0:
                text = "\n".join(f"$c_{i}={_num(cost)}$" for i, cost in enumerate(costs, start=1))
                ax.set_title(text, size=9, weight="normal", loc="center")
            if column == 0:
                ax.text(-0.28, 0.43, f"$N={n_parties}$", ha="right", va="center", size=10.5)
        handles = [Patch(facecolor=color, label=label) for _, label, color in looks.values()]
        _legend_below(figure, handles, columns=2)
        shares = table["shared"].map({letter: look[0] for letter, look in looks.items()})
        return _settled(figure), _told(
            table.assign(shared=shares), problems=results["problems"], n_costs=len(kinds)
        )


#: Names of the learners of the chapter on real models, as ``make trials`` has them.
LEARNERS = {
    "nearest neighbor": "1-nearest-neighbor",
    "random features": "ridge, random features",
}


def measured_curves(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Learning curves as measured and as fitted, and what fits and bootstrap replicates miss.

    Parameters
    ----------
    results : mapping
        What ``make trials`` writes.

    Returns
    -------
    Figure, DataFrame
        Columns learner, data, accuracy, fitted, low, high, power_law: measured accuracies, fitted
        sums of exponentials, the middle 95 % of fits to bootstrap replicates, and power laws.

    Examples
    --------
    >>> sizes, measured = [10, 30, 100, 300, 1000], [0.5, 0.7, 0.8, 0.85, 0.88]
    >>> found = {"sizes": sizes, "accuracies": measured, "bootstrap": [measured] * 2}
    >>> table = measured_curves({"nearest neighbor": found, "random features": found})[1]
    >>> table["data"].tolist()[:4]
    [10, 30, 100, 300]
    """
    tables = []
    for name, title in LEARNERS.items():
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
        tables.append(pd.DataFrame(columns))
    looks = ((TYPE_PATH[3], "o"), (TYPE_PATH[0], "s"))
    with style():
        figure = _figure(6.4)
        top, *rest = figure.subplots(3, 1, sharex=True, height_ratios=(1.7, 1, 1))
        for ax, table, (color, marker) in zip(rest, tables, looks, strict=True):
            sizes, measured = table["data"], table["accuracy"]
            top.plot(sizes, measured, marker, color=color, markersize=4, label="measured")
            for curve, dashes in (("fitted", "-"), ("power_law", (0, (4, 2)))):
                line = {"color": color, "linestyle": dashes, "linewidth": 1.4}
                top.plot(sizes, table[curve], **line)
                ax.plot(sizes, 100 * (table[curve] - measured), **line)
            for axes, base, scale in ((top, 0.0, 1), (ax, measured, 100)):
                axes.fill_between(
                    sizes, scale * (table["low"] - base), scale * (table["high"] - base),
                    color=color, alpha=0.2, linewidth=0,
                )  # fmt: skip
            ax.axhline(0, color=MUTED, linewidth=0.8)
            ax.set_title(table["learner"].iloc[0], color=color)
            ax.set_ylabel("points")
        top.set(ylabel="accuracy", xscale="log")
        for table, (color, _), place in zip(tables, looks, ((-8, 8), (10, -8)), strict=True):
            middle = table.iloc[len(table) // 2]
            top.annotate(
                middle["learner"], (middle["data"], middle["accuracy"]), xytext=place,
                textcoords="offset points", color=color, weight="bold",
                ha="right" if place[0] < 0 else "left", va="bottom" if place[1] > 0 else "top",
            )  # fmt: skip
        rest[-1].set_xticks([10, 100, 1000], ["10", "100", "1,000"])
        rest[-1].set_xlabel("samples to train on")
        handles = [
            _mark("o", MUTED, "measured", 4),
            Line2D([], [], color=MUTED, linewidth=1.4, label="sum of exponentials"),
            Patch(facecolor=MUTED, alpha=0.3, label="its bootstrap band, 95 %"),
            Line2D([], [], color=MUTED, linewidth=1.4, linestyle=(0, (4, 2)), label="power law"),
        ]
        _legend_below(figure, handles, columns=2)
        ends = {
            f"{curve}_{k}": 100 * np.abs(table[column] - table["accuracy"]).max()
            for k, table in enumerate(tables, start=1)
            for curve, column in (("sum", "fitted"), ("power", "power_law"))
        }
        return _settled(figure), _told(
            pd.concat(tables, ignore_index=True),
            replicates=len(results["nearest neighbor"]["bootstrap"]),
            **ends,
        )


#: The ways of grading, by name: text, color and marker.
GRADINGS = {
    "noise": ("output noise", TYPE_PATH[3], "o"),
    "subset": ("subsets", TYPE_PATH[0], "s"),
}

#: Slacks beyond this are not drawn: they are far from binding.
FAR = 5.0


def realized(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """What contracts promised and what came of them, with intervals.

    Parameters
    ----------
    results : mapping
        What ``make trials`` writes.

    Returns
    -------
    Figure, DataFrame
        Columns learner, grading, quantity, theory, mean, half_width: mean over draws and half the
        width of its 95 % interval, in units of value (accuracies in percentage points). Slacks that
        are not drawn are there too.

    Examples
    --------
    >>> runs = {"counts": [[3, 1], [2, 2]], "accuracies": [0.83, 0.85],
    ...         "handed": [[0.70, 0.80], [0.72, 0.82]]}
    >>> found = {"sizes": [10, 30, 100, 300, 1000], "accuracies": [0.5, 0.7, 0.8, 0.85, 0.88],
    ...          "trials": {"noise": runs, "subset": runs}}
    >>> learners = dict.fromkeys(["nearest neighbor", "random features"], found)
    >>> case = {"parties": 4, "probabilities": [0.5, 0.5], "costs": [0.5, 0.1], "draws": 2}
    >>> realized(case | learners)[1]["quantity"].tolist()[:4]
    ['mean accuracy', 'accuracy', 'reward 1', 'reward 2']
    """
    rows = []
    for name, title in LEARNERS.items():
        menu, trials = _run(results, name)
        theory = designed(menu)
        for way, (text, *_) in GRADINGS.items():
            for key, (value, width) in intervals(menu, trials[way]).items():
                scale = 100 if "accuracy" in key else 1
                numbers = (scale * theory[key], scale * value, scale * width)
                rows.append((title, text, key, *numbers))
    columns = ["learner", "grading", "quantity", "theory", "mean", "half_width"]
    table = pd.DataFrame(rows, columns=columns)
    slack = table["quantity"].str.startswith(("IR", "IC"))
    near = table.assign(far=slack & (table["theory"] > FAR)).groupby("quantity", sort=False)
    far = near["far"].transform("all")
    quantities = list(dict.fromkeys(table.loc[~far, "quantity"]))
    slacks_from = next(k for k, text in enumerate(quantities) if text.startswith("IR"))
    with style():
        figure = _figure(6.6)
        axes = figure.subplots(1, len(LEARNERS), sharex=True, sharey=True)
        for ax, title in zip(axes, LEARNERS.values(), strict=True):
            for row, quantity in enumerate(quantities):
                here = table[(table["learner"] == title) & (table["quantity"] == quantity)]
                # Accuracies and rewards as differences, slacks as they are.
                base = 0.0 if quantity.startswith(("IR", "IC")) else here["theory"].iloc[0]
                ax.plot(
                    [here["theory"].iloc[0] - base] * 2, [row - 0.38, row + 0.38], color=INK,
                    linewidth=2.6, solid_capstyle="butt", zorder=2,
                )  # fmt: skip
                for (_, color, marker), shift, (_, it) in zip(
                    GRADINGS.values(), (-0.17, 0.17), here.iterrows(), strict=True
                ):
                    ax.errorbar(
                        it["mean"] - base, row + shift, xerr=it["half_width"], color=color,
                        marker=marker, markersize=5, linewidth=1.6, zorder=3,
                    )  # fmt: skip
            ax.set_title(title)
            ax.axhline(slacks_from - 0.5, color=MUTED, linewidth=0.8)
            ax.grid(axis="x")
            ax.set_xlabel("units of value, or points")
        axes[0].set_yticks(range(len(quantities)), [_quantity(text) for text in quantities])
        axes[0].invert_yaxis()
        handles = [Line2D([], [], color=INK, linewidth=2.6, label="theory")]
        handles += [
            Line2D([], [], color=color, marker=marker, markersize=5, label=text)
            for text, color, marker in GRADINGS.values()
        ]
        _legend_below(figure, handles, columns=3)
        drawn = table[table["quantity"].isin(quantities)]
        off = (drawn["mean"] - drawn["theory"]).abs()
        return _settled(figure), _told(
            table,
            draws=results["draws"],
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
    """A name of :func:`~paid_with_models.trials.intervals` as a label."""
    if name == "accuracy":
        return "accuracy − a(S)"
    kind, *types = name.split()
    return f"{kind} {types[0]} to {types[1]}" if len(types) == 2 else name


def split_errors(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """Contracts calibrated on one half of the data and carried out on the other.

    Parameters
    ----------
    results : mapping
        What ``make trials`` writes.

    Returns
    -------
    Figure, DataFrame
        Columns split, promised, expected_accuracy, type, slack: by split and type, the accuracy
        that the design promised, what is to be expected, and by how much the mean reward exceeds
        cost and what the type would reach alone, units of value. Rows are sorted by the error.

    Examples
    --------
    >>> sizes, measured = [10, 30, 100, 300, 1000], [0.5, 0.7, 0.8, 0.85, 0.88]
    >>> runs = {"counts": [[2, 1, 1], [1, 1, 2]], "accuracies": [0.83, 0.85],
    ...         "handed": [[0.70, 0.75, 0.80], [0.72, 0.75, 0.82]]}
    >>> learner = {"sizes": sizes, "accuracies": measured, "trials": {"noise": runs}}
    >>> case = {"parties": 4, "probabilities": [0.3, 0.3, 0.4], "costs": [0.5, 0.3, 0.1]}
    >>> halves = {"sizes": sizes, "pairs": [[measured, [0.5, 0.7, 0.81, 0.86, 0.9]]]}
    >>> table = split_errors(case | {"disjoint": halves, "nearest neighbor": learner})[1]
    >>> table["split"].tolist()  # who designs with the better half is let down
    ['1b', '1b', '1b', '1a', '1a', '1a']
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
    with style():
        figure = _figure(4.6)
        left, right = figure.subplots(1, 2, sharey=True)
        rows = np.arange(len(cases))
        errors = [100 * (found.expected_accuracy - found.promised_accuracy) for _, found in cases]
        left.axvspan(-100 * sampling, 100 * sampling, color=FAINT, alpha=0.55, linewidth=0)
        left.hlines(rows, 0, errors, color=CAP, linewidth=1.6)
        left.plot(errors, rows, "D", color=CAP, markersize=6)
        left.set(title="accuracy", xlabel="expected less promised (points)")
        colors = type_colors(results["costs"])
        for k, (color, marker) in enumerate(zip(colors, ("o", "s", "^"), strict=True)):
            slacks = [found.ir_slacks[k] for _, found in cases]
            right.plot(slacks, rows, marker, color=color, markersize=6, label=f"type {k + 1}")
        right.set(title="IR slacks", xlabel="reward − cost − alone (value)")
        for ax in (left, right):
            ax.axvline(0, color=INK, linewidth=1)
            ax.set_yticks(rows, [name for name, _ in cases])
        left.set_ylabel("split and half")
        handles = [
            _mark("D", CAP, "accuracy"),
            Patch(facecolor=FAINT, alpha=0.55, label="sampling, 95 %"),
            *right.get_legend_handles_labels()[0],
        ]
        _legend_below(figure, handles, columns=3)
        return _settled(figure), _told(
            table,
            cases=len(cases),
            largest=np.abs(errors).max(),
            sampling=100 * sampling,
            least_slack=table["slack"].min(),
        )


#: Tasks of the chapter on quality: classes and text. And its learners: color and marker.
TASKS = {"parity": (2, "even or odd"), "digits": (10, "ten digits")}
QUALITY_LOOKS = (
    (CAP, "D"), (TYPE_PATH[3], "o"), (TYPE_PATH[0], "s"), (TYPE_PATH[2], "^"), (ALARM, "v"),
)  # fmt: skip


def quality_factors(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """What a sample with a noisy label is worth to learners, against the noise.

    Parameters
    ----------
    results : mapping
        What ``make quality`` writes.

    Returns
    -------
    Figure, DataFrame
        Columns task, learner, noise, data, factor, error, bound: the factor that was measured and
        its standard error. Where the accuracy is below that of the smallest clean set there is
        none, but a bound.

    Examples
    --------
    >>> clean = {"100": [0.80, 0.82], "300": [0.88, 0.90], "1000": [0.93, 0.95]}
    >>> noisy = {"300": [0.84, 0.86], "1000": [0.90, 0.92]}
    >>> found = {"clean": clean, "noisy": {"0.1": noisy}}
    >>> learners = {f"learner {k}": found for k in range(5)}
    >>> table = quality_factors({"tasks": {"parity": learners, "digits": learners}})[1]
    >>> table[["noise", "data"]].values.tolist()[0], bool(0 < table["factor"][0] < 1)
    ([0.1, 300.0], True)
    """
    tables = []
    for task in TASKS:
        for learner, found in results["tasks"][task].items():
            clean = {int(size): values for size, values in found["clean"].items()}
            for noise, sets in found["noisy"].items():
                noisy = {int(size): values for size, values in sets.items()}
                measured = measured_factors(clean, noisy)
                none = np.isnan(measured.factors)
                columns = {
                    "task": TASKS[task][1],
                    "learner": learner,
                    "noise": float(noise),
                    "data": list(noisy),
                    "factor": measured.factors,
                    "error": measured.errors,
                    "bound": np.where(none, measured.bounds, np.nan),
                }
                tables.append(pd.DataFrame(columns))
    table = pd.concat(tables, ignore_index=True)
    sizes, noises = sorted(set(table["data"])), sorted(set(table["noise"]))
    learners = list(dict.fromkeys(table["learner"]))
    with style():
        figure = _figure(6.8)
        axes = figure.subplots(2, 1, sharex=True, sharey=True)
        for ax, (classes, title) in zip(axes, TASKS.values(), strict=True):
            for place, noise in enumerate(noises):
                for k, dashes in ((2, "-"), (10, (0, (4, 2)))):
                    if k <= classes:
                        level = quality_factor(noise, k)
                        ax.plot(
                            [place - 0.46, place + 0.46], [level, level], color=INK,
                            linestyle=dashes, linewidth=1.6, zorder=1.5,
                        )  # fmt: skip
            here = table[table["task"] == title]
            for j, (learner, (color, marker)) in enumerate(
                zip(learners, QUALITY_LOOKS, strict=True)
            ):
                rows = here[here["learner"] == learner]
                x = (
                    rows["noise"].map(noises.index)
                    + 0.18 * (j - (len(learners) - 1) / 2)
                    + 0.05 * (rows["data"].map(sizes.index) - (len(sizes) - 1) / 2)
                )
                grown = rows["data"].map({size: 3.5 + 1.5 * n for n, size in enumerate(sizes)})
                for at, q, error, bound, size in zip(
                    x, rows["factor"], rows["error"], rows["bound"], grown, strict=True
                ):
                    if np.isnan(q):
                        ax.plot(at, bound, marker="x", color=color, markersize=6, zorder=3)
                    else:
                        ax.errorbar(
                            at, q, yerr=1.96 * error, color=color, marker=marker,
                            markersize=size, linewidth=1, zorder=3,
                        )  # fmt: skip
            ax.set(title=title, ylabel="clean samples worth, $q$", ylim=(0, 1.25))
            ax.grid(axis="y")
        axes[-1].set_xticks(range(len(noises)), [f"$\\eta={noise:g}$" for noise in noises])
        handles = [
            _mark(marker, color, learner)
            for learner, (color, marker) in zip(learners, QUALITY_LOOKS, strict=True)
        ]
        handles += [
            _mark("x", INK, "none: below"),
            Line2D([], [], color=INK, linewidth=1.6, label="$(1-2\\eta)^2$"),
            Line2D(
                [], [], color=INK, linewidth=1.6, linestyle=(0, (4, 2)), label="$(1-10\\eta/9)^2$"
            ),
        ]
        _legend_below(figure, handles, columns=3)
        return _settled(figure), _told(
            table,
            none=int(table["factor"].isna().sum()),
            cells=len(table),
            smallest=sizes[0],
            middle=sizes[1],
            largest=f"{sizes[-1]:,}",
        )


def noisy_party(results: Mapping[str, Any]) -> tuple[Figure, pd.DataFrame]:
    """What one noisy party that nobody notices does to the collective model.

    Parameters
    ----------
    results : mapping
        What ``make quality`` writes.

    Returns
    -------
    Figure, DataFrame
        Columns learner, noisy_data, quality, difference, half_width: accuracy less that with clean
        data of all, in percentage points; measured (pairs of runs, half the width of the 95 %
        interval), and predicted if the party's samples count as a share of clean ones.

    Examples
    --------
    >>> runs = {"sizes": [10, 30, 100, 300], "accuracies": [0.5, 0.7, 0.8, 0.85],
    ...         "totals": [200, 220], "contributions": [20, 50],
    ...         "clean": [0.82, 0.83], "noisy": [0.80, 0.82], "left out": [0.80, 0.81]}
    >>> table = noisy_party({"party_noise": 0.3, "contract": {"some learner": runs}})[1]
    >>> table["difference"].round(1).tolist()[:2]  # points
    [-1.5, -2.0]
    """
    shares = np.linspace(0, 1, 21)
    tables = []
    numbers: dict[str, float] = {}
    for k, (learner, runs) in enumerate(results["contract"].items(), start=1):
        curve = fit_saturating(runs["sizes"], runs["accuracies"])
        totals, bad = np.array(runs["totals"])[:, None], runs["contributions"][-1]
        lost = curve(totals - (1 - shares) * bad) - curve(totals)
        measured = 100 * np.subtract([runs["noisy"], runs["left out"]], runs["clean"])
        columns = {
            "learner": learner,
            "noisy_data": ["taken as good", "left out", *["counted as q"] * shares.size],
            "quality": [np.nan, 0.0, *shares],
            "difference": [*measured.mean(axis=1), *100 * lost.mean(axis=0)],
            "half_width": [
                *1.96 * measured.std(axis=1, ddof=1) / np.sqrt(measured.shape[1]),
                *np.full(shares.size, np.nan),
            ],
        }
        tables.append(pd.DataFrame(columns))
        # Where the prediction is what was measured; 0 if it is above even without the party.
        implied = np.interp(measured[0].mean(), 100 * lost.mean(axis=0), shares, left=0.0)
        numbers |= {f"noisy_{k}": measured[0].mean(), f"left_out_{k}": measured[1].mean()}
        numbers[f"implied_{k}"] = implied
    guides = {
        "$(1-2\\eta)^2$": (quality_factor(results["party_noise"]), "o"),
        "$(1-10\\eta/9)^2$": (quality_factor(results["party_noise"], 10), "s"),
    }
    with style():
        figure = _figure(4.2)
        axes = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
        for ax, table in zip(axes, tables, strict=True):
            noisy, left_out = (row for _, row in table.iloc[:2].iterrows())
            line = table[table["noisy_data"] == "counted as q"]
            ax.axhspan(
                noisy["difference"] - noisy["half_width"],
                noisy["difference"] + noisy["half_width"], color=ALARM, alpha=0.3, linewidth=0,
            )  # fmt: skip
            ax.axhline(noisy["difference"], color=ALARM, linewidth=1.6)
            ax.plot(line["quality"], line["difference"], color=INK)
            for q, marker in guides.values():
                at = np.interp(q, line["quality"], line["difference"])
                ax.plot(
                    q, at, marker, color=INK, markerfacecolor="white", markeredgewidth=2,
                    markersize=6,
                )  # fmt: skip
            ax.errorbar(
                0, left_out["difference"], yerr=left_out["half_width"], color=TYPE_PATH[3],
                marker="D", markersize=7, capsize=4, zorder=4, clip_on=False,
            )  # fmt: skip
            ax.set(title=table["learner"].iloc[0], xlabel="a noisy sample counts as $q$")
            ax.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
            ax.grid(axis="y")
        axes[0].set_ylabel("change of accuracy (points)")
        handles = [
            Line2D([], [], color=ALARM, label="measured, noisy party"),
            Line2D([], [], color=INK, label="predicted"),
            _mark("D", TYPE_PATH[3], "measured, left out"),
        ]
        handles += [_mark(marker, INK, label, hollow=True) for label, (_, marker) in guides.items()]
        _legend_below(figure, handles, columns=2)
        return _settled(figure), _told(
            pd.concat(tables, ignore_index=True), noise=results["party_noise"], **numbers
        )


def _times(rows: Sequence[Mapping[str, Any]], along: str, **fixed: Any) -> pd.DataFrame:
    """What was measured along one line, with the columns that name the line in front."""
    table = pd.DataFrame(rows)[[along, "median", "min", "max"]]
    for place, (name, value) in enumerate(fixed.items()):
        table.insert(place, name, value)
    return table


def _runs(letters: str) -> list[tuple[str, int, int]]:
    """Runs of one letter: which, and the places of the first and the last, from 1."""
    ends = [k for k in range(1, len(letters) + 1) if letters[k : k + 1] != letters[k - 1]]
    starts = [1, *(end + 1 for end in ends[:-1])]
    return [(letters[start - 1], start, end) for start, end in zip(starts, ends, strict=True)]


def _draw_triangle(ax: Axes, runs: pd.DataFrame, step: float, colors: Mapping[str, str]) -> None:
    """Probabilities as a triangle: type 1 at the left, type 2 at the right, type 3 on top."""
    height = np.sqrt(3) / 2
    right = 1 - runs["p_1_from"] - runs["p_3"] / 2 + step / 2
    left = 1 - runs["p_1_to"] - runs["p_3"] / 2 - step / 2
    low, high = (height * (runs["p_3"] + side * step / 2) for side in (-1, 1))
    corners = np.array([[left, low], [right, low], [right, high], [left, high]])
    faces = [colors[letter] for letter in runs["shared"]]
    border = Polygon([(0, 0), (1, 0), (0.5, height)], closed=True, fill=False, edgecolor=INK)
    border.set_linewidth(0.8)
    ax.add_patch(border)
    cells = PolyCollection(
        list(corners.transpose(2, 0, 1)), facecolors=faces, edgecolors=faces, linewidths=0.3
    )
    cells.set_rasterized(True)
    cells.set_clip_path(border)
    ax.add_collection(cells)
    for x, y, text, side in (
        (0, 0, "1", "right"),
        (1, 0, "2", "left"),
        (0.5, height, "3", "center"),
    ):
        ax.text(
            x, y, text, size=9, color=MUTED, ha=side, va="center" if y == 0 else "bottom",
            clip_on=False,
        )  # fmt: skip
    ax.set(xlim=(-0.08, 1.08), ylim=(-0.03, height + 0.14), aspect="equal")
    ax.axis("off")


def _times_axes(height: float, label: str) -> tuple[Figure, Axes]:
    figure = _figure(height)
    ax = figure.subplots()
    ax.set(xscale="log", yscale="log", xlabel=label, ylabel="seconds")
    return figure, ax


def _draw_times(
    ax: Axes, table: pd.DataFrame, along: str, color: str, marker: str, label: str,
    offset: tuple[int, int], side: Literal["left", "right"],
) -> None:  # fmt: skip
    """A line of medians with its name at the end, and a shade from fastest to slowest."""
    ax.plot(table[along], table["median"], marker=marker, color=color)
    ax.annotate(
        label, (table[along].iloc[-1], table["median"].iloc[-1]), xytext=offset, ha=side,
        textcoords="offset points", va="center", color=color,
    )  # fmt: skip
    ax.fill_between(table[along], table["min"], table["max"], color=color, alpha=0.15, linewidth=0)
    ax.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
