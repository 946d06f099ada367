"""Figures of the chapter on the combinatorial barrier."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from ..curves import Arctan, GeneralizationBound, PowerLaw
from ..solver.sums import fit_exponential_sum
from . import style

__all__ = ["sum_errors", "sum_fits"]


@style.drawing
def sum_errors(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Errors of exponential sums against their number of terms, a line a curve.

    Takes what :func:`sum_fits` returns.
    """
    marks = [(style.CAP, "-", "o"), (style.TYPE_PATH[3], "--", "^"), (style.ALARM, "-.", "s")]
    looks = {
        name: {"color": color, "linestyle": dashes, "marker": marker, "markersize": 5}
        for name, (color, dashes, marker) in zip(table["curve"].unique(), marks, strict=True)
    }
    figure, ax = style.new_panels(3.6)
    style.draw_lines(ax, table, "terms", "proved_error", "curve", looks)
    ax.set(yscale="log", xlabel="terms $J$", ylabel="proved error")
    ax.set_xlim(left=0)
    ax.grid(axis="y")
    style.legend_from_axes(figure, [ax], columns=3)
    least = table.groupby("curve")["proved_error"].min()
    best = float(least.drop("arctangent", errors="ignore").max())
    table = table[["curve", "terms", "proved_error"]]
    return figure, style.with_numbers(table, best=best, worst=float(least.max()))


def sum_fits(
    upto: float = 1e7,
    rates_per_e_fold: Sequence[float] = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0),
) -> pd.DataFrame:
    """Exponential sums of ever more terms for three curves, of which one has none.

    Parameters
    ----------
    upto : float > 0
        Largest amount of data that the sums are for.
    rates_per_e_fold : sequence of float > 0
        Rates to choose from, per factor e of the range.

    Returns
    -------
    DataFrame
        A row for each curve and sum: terms; low, the least amount of data that it is for; error and
        slope_error, as proved, and proved_error, relative to the curve's limit.

    Examples
    --------
    >>> fits = sum_fits(rates_per_e_fold=[4.0])
    >>> dict(zip(fits["curve"], fits["error"] < 1e-11))
    {'generalization bound': True, 'power law': True, 'arctangent': False}
    """
    curves = {
        "generalization bound": GeneralizationBound(),
        "power law": PowerLaw(0.95, 1.0, 0.4, 2.0),
        "arctangent": Arctan(),
    }
    rows = []
    for name, curve in curves.items():
        for rates in rates_per_e_fold:
            fit = fit_exponential_sum(curve, curve.smooth_from, upto, rates_per_e_fold=rates)
            proved = fit.error / fit.limit
            rows.append((name, fit.rates.size, proved, fit.low, fit.error, fit.slope_error))
    columns = ["curve", "terms", "proved_error", "low", "error", "slope_error"]
    return pd.DataFrame(rows, columns=columns)
