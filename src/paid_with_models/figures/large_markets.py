"""Figures of large markets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import lognorm, uniform

from ..accuracy import GeneralizationBound, PowerLaw
from ..beyond.continuum import Between, CostDistribution, best_cutoff, bracketing_types, type_grid
from ..contract import Contract
from ..problem import Problem
from ..solver.routes import solve, solve_many
from .style import (
    ALARM,
    CAP,
    INK,
    TYPE_PATH,
    laid_out,
    legend_below,
    legend_from_axes,
    new_figure,
    style,
    tint,
    with_numbers,
)

__all__ = [
    "continuum_figure",
    "continuum_menus",
    "cost_distributions",
    "large_market_menus",
    "menu_curve",
]


def menu_curve(
    markets: Mapping[str, tuple[CostDistribution, Mapping[int, Contract]]],
) -> tuple[Figure, pd.DataFrame]:
    """Menus as curves over the cost in a large market, and the ironing behind them.

    Parameters
    ----------
    markets : mapping
        By name, a distribution of costs and contracts by how many types stand for it, at most four
        (:func:`paid_with_models.figures.large_markets.large_market_menus`).

    Returns
    -------
    Figure, DataFrame
        Columns distribution, n_types, cost, contribution, share_below.

    Examples
    --------
    >>> from paid_with_models.figures.large_markets import large_market_menus
    >>> menu_curve(large_market_menus(sizes=[2]))[1]["n_types"].tolist()
    [2, 2, 2, 2]
    """
    tables = []
    with style():
        figure = new_figure(5.2)
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
        legend_below(figure, handles, columns=2)
        return laid_out(figure), pd.concat(tables, ignore_index=True)


def continuum_figure(
    menus: Mapping[str, Mapping[int, tuple[Contract, Contract]]],
) -> tuple[Figure, pd.DataFrame]:
    """A continuum of types in a small consortium: its menu, and bounds that close in on its worth.

    Parameters
    ----------
    menus : mapping
        By name of the distribution and number of types, contracts for types too dear and too cheap
        (:func:`paid_with_models.figures.large_markets.continuum_menus`).

    Returns
    -------
    Figure, DataFrame
        Columns distribution, n_types, cost, contribution, at_least, at_most: options of the menu
        for types that are too costly; what the best menu for the continuum reaches at least and at
        most.

    Examples
    --------
    >>> from paid_with_models.figures.large_markets import continuum_menus
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
        figure = new_figure(5.2)
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
                once["n_types"], once["at_least"], once["at_most"], color=tint(CAP), linewidth=0
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
        legend_from_axes(figure, axes[:, 0], columns=2)
        widths = (table["at_most"] - table["at_least"]).groupby(table["n_types"]).max()
        told = {"first": widths.index[0], "last": widths.index[-1]}
        return laid_out(figure), with_numbers(
            table, **told, first_width=widths.iloc[0], last_width=widths.iloc[-1]
        )


def cost_distributions(scale: float = 1.0) -> dict[str, CostDistribution]:
    """Two distributions of costs, by name: uniform, and log-normal without its outermost percents.

    Parameters
    ----------
    scale : float > 0
        Median of the log-normal costs, value per unit of data; uniform ones go from a quarter of it
        to two and a half times as much.

    Examples
    --------
    >>> {name: costs.support() for name, costs in cost_distributions().items()}["uniform"]
    (0.25, 2.5)
    """
    costs = lognorm(0.8, scale=scale)
    return {
        "uniform": Between(uniform(0.0, 3 * scale), 0.25 * scale, 2.5 * scale),
        "log-normal": Between(costs, float(costs.ppf(0.01)), float(costs.ppf(0.99))),
    }


def large_market_menus(
    n_parties: int = 10_000, sizes: Sequence[int] = (10, 20, 40)
) -> dict[str, tuple[CostDistribution, dict[int, Contract]]]:
    """Contracts for ever more equally likely types that stand for a distribution of costs.

    Parameters
    ----------
    n_parties : int >= 2
    sizes : sequence of int >= 1
        Numbers of types. The accuracy curve is the paper's.

    Returns
    -------
    dict
        By name, the distribution (:func:`cost_distributions`) and contracts by number of types.

    Examples
    --------
    >>> distribution, contracts = large_market_menus(sizes=[10])["uniform"]
    >>> contracts[10].shape.name
    'POOLING'
    """
    curve = GeneralizationBound()
    return {
        name: (
            costs,
            {
                n_types: solve(
                    Problem(n_parties, [1 / n_types] * n_types, type_grid(costs, n_types), curve)
                )
                for n_types in sizes
            },
        )
        for name, costs in cost_distributions().items()
    }


def continuum_menus(
    n_parties: int = 10, scale: float = 0.2, sizes: Sequence[int] = (4, 8, 16, 32)
) -> dict[str, dict[int, tuple[Contract, Contract]]]:
    r"""Contracts for types all too dear and all too cheap for a distribution of costs.

    Parties hold their own beliefs; accuracy is a power law that is concave from the start,
    :math:`1 - 2 / \sqrt{S + 4}`, with which every party would train alone.

    Parameters
    ----------
    n_parties : int >= 2
    scale : float > 0
        Of the costs (:func:`cost_distributions`).
    sizes : sequence of int >= 1
        Numbers of types.

    Returns
    -------
    dict
        By name of the distribution and number of types, the two contracts
        (:func:`~paid_with_models.beyond.continuum.bracketing_types`).

    Examples
    --------
    >>> dearer, cheaper = continuum_menus(sizes=[4])["uniform"][4]
    >>> bool(dearer.expected_accuracy < cheaper.upper_bound)
    True
    """
    curve = PowerLaw(1.0, 2.0, 0.5, 4.0)
    menus: dict[str, dict[int, tuple[Contract, Contract]]] = {}
    for name, costs in cost_distributions(scale).items():
        menus[name] = {}
        for size in sizes:
            p, dearer, cheaper = bracketing_types(costs, size)
            first, second = solve_many(
                Problem(n_parties, p, c, curve, beliefs="own") for c in (dearer, cheaper)
            )
            menus[name][size] = first, second
    return menus
