"""Figures of the chapter on the combinatorial barrier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from ..accuracy import Arctan, GeneralizationBound, PowerLaw
from ..solver.sums import ExponentialSum, fit_exponential_sum
from .style import (
    ALARM,
    CAP,
    TYPE_PATH,
    laid_out,
    legend_from_axes,
    new_figure,
    style,
    with_numbers,
)

__all__ = ["sum_errors", "sum_fits"]


def sum_errors(fits: Mapping[str, Sequence[ExponentialSum]]) -> tuple[Figure, pd.DataFrame]:
    """Errors of exponential sums against their number of terms.

    Parameters
    ----------
    fits : mapping
        By name of the curve, at most three, its sums (:func:`sum_fits`).

    Returns
    -------
    Figure, DataFrame
        Columns curve, terms, proved_error, relative to the curve's limit.

    Examples
    --------
    >>> from paid_with_models.figures.combinatorial_barrier import sum_fits
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
        figure = new_figure(3.6)
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
        legend_from_axes(figure, [ax], columns=3)
        least = table.groupby("curve")["proved_error"].min()
        return laid_out(figure), with_numbers(
            table, best=float(least.drop("arctangent", errors="ignore").max()),
            worst=float(least.max()),
        )  # fmt: skip


def sum_fits(
    upto: float = 1e7,
    rates_per_e_fold: Sequence[float] = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0),
) -> dict[str, list[ExponentialSum]]:
    """Exponential sums of ever more terms for three curves, of which one has none.

    Parameters
    ----------
    upto : float > 0
        Largest amount of data that the sums are for.
    rates_per_e_fold : sequence of float > 0
        Rates to choose from, per factor e of the range.

    Returns
    -------
    dict from str to list of ExponentialSum

    Examples
    --------
    >>> fits = sum_fits(rates_per_e_fold=[1.0, 4.0])
    >>> {name: fit.error < 1e-11 for name, (_, fit) in fits.items()}
    {'generalization bound': True, 'power law': True, 'arctangent': False}
    """
    curves = {
        "generalization bound": GeneralizationBound(),
        "power law": PowerLaw(0.95, 1.0, 0.4, 2.0),
        "arctangent": Arctan(),
    }
    return {
        name: [
            fit_exponential_sum(curve, curve.smooth_from, upto, rates_per_e_fold=rates)
            for rates in rates_per_e_fold
        ]
        for name, curve in curves.items()
    }
