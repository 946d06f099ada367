"""Figures of large markets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import lognorm, uniform

from ..beyond.continuum import Between, CostDistribution, best_cutoff, bracketing_types, type_grid
from ..curves import GeneralizationBound, PowerLaw
from ..problem import Problem
from ..solver.routes import solve, solve_many
from . import style

__all__ = [
    "continuum_figure",
    "continuum_menus",
    "cost_distributions",
    "large_market_menus",
    "menu_curve",
]


@style.drawing
def menu_curve(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Menus as curves over the cost in a large market, and the ironing behind them.

    Takes what :func:`large_market_menus` returns, of at most three numbers of types.
    """
    marks = zip(style.TYPE_PATH[0::2], "so^", strict=True)
    looks = {
        size: {
            "color": color, "marker": marker, "markersize": 3, "linewidth": 1.2,
            "label": f"{size} types",
        }
        for size, (color, marker) in zip(table["n_types"].unique(), marks, strict=False)
    }  # fmt: skip
    names = table["distribution"].unique()
    figure, axes = style.new_panels(5.2, 2, len(names), sharex="col", sharey="row", squeeze=False)
    for (top, bottom), name in zip(axes.T, names, strict=True):
        here, costs = table[table["distribution"] == name], cost_distributions()[name]
        cutoff = here["cutoff"].iloc[0]
        right = min(costs.support()[1], 3 * cutoff)
        c = np.linspace(0, right, 301)
        top.plot(c, costs.cdf(c), color=style.INK, label="share $P(c)$")
        top.plot(
            [0, cutoff], [0, float(costs.cdf(cutoff))], color=style.ALARM, linestyle="--",
            label="first chord of its hull",
        )  # fmt: skip
        for ax in (top, bottom):
            ax.axvline(cutoff, color=style.INK, linestyle=":", linewidth=1.2, label="cutoff")
        style.draw_lines(bottom, here, "cost", "contribution", "n_types", looks)
        top.set_title(name, loc="left")
        bottom.set(xlabel="cost $c$", xlim=(0, 1.05 * right))
    axes[0, 0].set_ylabel("share of parties")
    axes[1, 0].set(ylabel="contribution")
    axes[1, 0].set_ylim(bottom=0)
    handles = axes[0, 0].get_legend_handles_labels()[0]
    handles += axes[1, 0].get_legend_handles_labels()[0][1:]
    style.legend_below(figure, handles, columns=2)
    return figure, table[["distribution", "n_types", "cost", "contribution", "share_below"]]


@style.drawing
def continuum_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """A continuum of types in a small consortium: its menu, and bounds that close in on its worth.

    Takes what :func:`continuum_menus` returns.
    """
    names, sizes = table["distribution"].unique(), table["n_types"].unique()
    figure, axes = style.new_panels(5.2, 2, len(names), sharey="row", squeeze=False)
    for (top, bottom), name in zip(axes.T, names, strict=True):
        here = table[table["distribution"] == name]
        looks = (style.TYPE_PATH[0], 3.5), (style.TYPE_PATH[3], 1.5)
        for n_types, (color, width) in zip((sizes.min(), sizes.max()), looks, strict=True):
            group = here[here["n_types"] == n_types]
            top.step(
                group["cost"], group["contribution"], color=color, where="post",
                linewidth=width, label=f"{n_types} types",
            )  # fmt: skip
        once = here.drop_duplicates("n_types")
        bottom.fill_between(
            once["n_types"],
            once["at_least"],
            once["at_most"],
            color=style.tint(style.CAP),
            linewidth=0,
        )
        for what, marker in (("at_most", "v"), ("at_least", "^")):
            label = what.replace("_", " ")
            bottom.plot(once["n_types"], once[what], color=style.CAP, marker=marker, label=label)
        top.set_title(name, loc="left")
        top.set(xlabel="cost $c$", xscale="log")
        bottom.set(xlabel="types $I$", xscale="log")
        bottom.set_xticks(list(sizes), [str(size) for size in sizes])
        costs = here["cost"]
        ticks = [it for it in (0.05, 0.1, 0.2, 0.5, 1.0) if costs.min() < it <= costs.max()]
        top.set_xticks(ticks, [f"{it:g}" for it in ticks])
        for ax in (top, bottom):
            ax.minorticks_off()
    axes[0, 0].set_ylabel("contribution")
    axes[0, 0].set_ylim(bottom=0)
    axes[1, 0].set_ylabel("expected accuracy")
    style.legend_from_axes(figure, axes[:, 0], columns=2)
    widths = (table["at_most"] - table["at_least"]).groupby(table["n_types"]).max()
    return figure, style.with_numbers(
        table,
        first=widths.index[0],
        last=widths.index[-1],
        first_width=widths.iloc[0],
        last_width=widths.iloc[-1],
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
) -> pd.DataFrame:
    """Contracts for ever more equally likely types that stand for a distribution of costs.

    Parameters
    ----------
    n_parties : int >= 2
    sizes : sequence of int >= 1
        Numbers of types. The accuracy curve is the paper's.

    Returns
    -------
    DataFrame
        A row for each distribution (:func:`cost_distributions`), n_types and type, cheapest first:
        cost, contribution, share_below (of parties with at most this cost); the cutoff of the
        distribution in the limit; expected_accuracy and gap of the contract.

    Examples
    --------
    >>> menus = large_market_menus(sizes=[10])
    >>> m = menus.loc[menus["distribution"] == "uniform", "contribution"]
    >>> bool(m.max() - m.min() < 1e-6 * m.max())
    True
    """
    curve = GeneralizationBound()
    frames = []
    for name, distribution in cost_distributions().items():
        for size in sizes:
            costs = type_grid(distribution, size)
            contract = solve(Problem(n_parties, [1 / size] * size, costs, curve))
            order = np.argsort(costs)
            columns = {
                "distribution": name,
                "n_types": size,
                "cost": costs[order],
                "contribution": contract.contributions[order],
                "share_below": distribution.cdf(costs[order]),
                "cutoff": best_cutoff(distribution),
                "expected_accuracy": contract.expected_accuracy,
                "gap": contract.gap,
            }
            frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def continuum_menus(
    n_parties: int = 10, scale: float = 0.2, sizes: Sequence[int] = (4, 8, 16, 32)
) -> pd.DataFrame:
    r"""Contracts for types all too costly and all too cheap for a distribution of costs.

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
    DataFrame
        A row for each distribution, n_types and type (see
        :func:`~paid_with_models.beyond.continuum.bracketing_types`): cost and contribution in the
        menu for types too costly; what the best menu for the continuum reaches, at_least and
        at_most.

    Examples
    --------
    >>> menus = continuum_menus(sizes=[4])
    >>> bool((menus["at_least"] < menus["at_most"]).all())
    True
    """
    curve = PowerLaw(1.0, 2.0, 0.5, 4.0)
    frames = []
    for name, distribution in cost_distributions(scale).items():
        for size in sizes:
            p, *costs = bracketing_types(distribution, size)
            costly, cheap = solve_many(
                Problem(n_parties, p, c, curve, beliefs="own") for c in costs
            )
            columns = {
                "distribution": name,
                "n_types": size,
                "cost": costly.problem.costs,
                "contribution": costly.contributions,
                "at_least": costly.expected_accuracy,
                "at_most": cheap.upper_bound,
            }
            frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)
