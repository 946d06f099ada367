r"""Expectations without enumeration: accuracy curves as sums of decaying exponentials.

The number of outcomes grows like :math:`N^{I-1}`. It need not be faced. On the data that can be
collected, what a curve g is short of its limit is a non-negative sum of exponentials,

.. math:: g(S) = g_\infty - \sum_j \alpha_j e^{-u_j S}, \qquad \alpha_j, u_j \ge 0,

to double precision for every curve whose shortfall is completely monotone there (Bernstein;
Beylkin and Monzón 2005, 2010: geometric convergence). The total contribution is a sum of N
independent draws, so with :math:`q_{ij} = p_i e^{-u_j m_i}` and :math:`M_j = \sum_i q_{ij}`,

.. math::

   E[g(S)] &= g_\infty - \sum_j \alpha_j M_j^N, \\
   E[g(S) \mid n_i \ge 1] &= g_\infty - \sum_j \alpha_j
       \frac{M_j^N - (M_j - q_{ij})^N}{1 - (1 - p_i)^N}, \\
   E_i[g(S)] &= g_\infty - \sum_j \alpha_j e^{-u_j m_i} M_j^{N-1}
       \quad \text{(under type i's own beliefs)},

at a cost of O(I J) whatever N is.

**Errors.** The sum is right to ``error`` on [low, high], proved by interpolation
(:func:`fit_exponential_sum`). Below ``low``, where accuracy is zero or nearly so, the sum falls
further and is below the curve: expectations, caps among them, are never overstated. At 0 the curve
itself is used, with the probability that nobody who comes contributes. For upper bounds what is
missing below ``low`` is at most its size times :math:`P(S < x)`, bounded by Chernoff's
:math:`\min_j e^{u_j x} M_j^N`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy  # its parts are imported where they are used

from ..accuracy import ConcaveEnvelope, Curve, FloatArray, Saturating
from ..valuation import LinearValuation, ModelValue

__all__ = ["ExponentialSum", "error_over_tolerance", "fit_exponential_sum", "proven_errors"]


#: RATES_PER_E_FOLD: rates per factor e of the range: with so many the fit of a completely monotone
#: shortfall is right to rounding.
RATES_PER_E_FOLD = 4

#: REACH_LOW: the lowest rate, over the inverse of the range's upper end.
REACH_LOW = 0.02

#: REACH_HIGH: the highest rate, over the inverse of its lower end.
REACH_HIGH = 40.0

#: FIT_TOLERANCE: error, relative to the limit, up to which a curve is said to admit a sum: an order
#: better than the gaps that are asked for.
FIT_TOLERANCE = 1e-11

#: SLOPE_TOLERANCE: the same for the derivative.
SLOPE_TOLERANCE = 1e-9

#: ERROR_NODES: Chebyshev nodes on each [s, 2s] at which the error is measured. The error of
#: interpolation between them is below 1e-18: see `proven_errors`.
ERROR_NODES = 48


@dataclass(frozen=True, eq=False)
class ExponentialSum:
    r"""A curve as :math:`g_\infty - \sum_j \alpha_j e^{-u_j S}`.

    Attributes
    ----------
    limit : float
        :math:`g_\infty`.
    weights, rates : (J,) ndarray >= 0
        :math:`\alpha_j`, :math:`u_j`.
    low, high : float
        The range on which the errors hold, units of data.
    error : float
        Largest difference from the curve there.
    slope_error : float
        Largest *relative* difference of the derivatives there.
    """

    limit: float
    weights: FloatArray
    rates: FloatArray
    low: float
    high: float
    error: float
    slope_error: float

    def __call__(self, data: npt.ArrayLike) -> FloatArray:
        """The sum at ``data``, any shape."""
        decay = np.exp(np.multiply.outer(np.asarray(data, dtype=float), -self.rates))
        return np.asarray(self.limit - decay @ self.weights)

    def derivative(self, data: npt.ArrayLike) -> FloatArray:
        """Its derivative, per unit of data."""
        decay = np.exp(np.multiply.outer(np.asarray(data, dtype=float), -self.rates))
        return np.asarray(decay @ (self.weights * self.rates))


def fit_exponential_sum(
    curve: Curve, low: float, high: float, *, rates_per_e_fold: float = RATES_PER_E_FOLD
) -> ExponentialSum:
    r"""Write a curve as an exponential sum with non-negative weights, and bound the error.

    Weights come from non-negative least squares on a geometric grid; fits are cached.

    **The bound.** On each [s, 2s] the error is analytic in the Bernstein ellipse that reaches
    down to 0.6 s (all the library's curves are; the sum is everywhere), so its interpolant at 48
    Chebyshev nodes differs from it by less than 1e-18 times its size in the ellipse, and the
    interpolant is at most the Lebesgue constant, :math:`\tfrac{2}{\pi} \ln 48 + 1 < 3.5`, times
    the largest error at the nodes, which is measured. Derivatives likewise.

    Parameters
    ----------
    curve : Curve
    low, high : float
        Range, units of data, 0 <= low < high; from low on the curve must be smooth.
    rates_per_e_fold : float > 0
        How many rates to choose from. Fewer make a shorter sum that is less right: two per factor
        e leave an error of about 1e-8 of the limit.

    Returns
    -------
    ExponentialSum
        Its ``error`` says whether the curve admits such a sum: about 1e-15 if it does.

    Raises
    ------
    ValueError
        If the range is empty or negative.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> fit = fit_exponential_sum(GeneralizationBound(), 57.0, 1e7)
    >>> bool(fit.error < 1e-13), bool(abs(fit(1000.0) - GeneralizationBound()(1000.0)) < 1e-14)
    (True, True)
    """
    if not 0 <= low < high < np.inf:
        raise ValueError(f"low and high must satisfy 0 <= low < high; got {low!r}, {high!r}")
    if isinstance(curve, ConcaveEnvelope):
        curve = curve.curve
    return _fit(curve, float(low), float(high), float(rates_per_e_fold))


@lru_cache(maxsize=256)
def _fit(curve: Curve, low: float, high: float, rates_per_e_fold: float) -> ExponentialSum:
    if isinstance(curve, ModelValue) and isinstance(curve.valuation, LinearValuation):
        sum_, scale = _fit(curve.accuracy, low, high, rates_per_e_fold), curve.valuation.scale
        weights = scale * sum_.weights
        return ExponentialSum(
            scale * sum_.limit, weights, sum_.rates, low, high, scale * sum_.error, sum_.slope_error
        )
    if isinstance(curve, Saturating):
        weights, rates = np.array(curve.weights), np.array(curve.rates)
        return ExponentialSum(curve.optimum, weights, rates, low, high, 0.0, 0.0)
    # A curve that starts at 0 needs rates as fast as its own first rise.
    shortest = low if low > 0 else min(_first_rise(curve), high / 2)
    fastest, slowest = REACH_HIGH / shortest, REACH_LOW / high
    n_rates = int(np.ceil(rates_per_e_fold * np.log(fastest / slowest)))
    rates = np.geomspace(slowest, fastest, n_rates)
    grid = np.geomspace(shortest, high, 8 * n_rates)
    if low == 0:
        grid = np.append(grid, 0.0)
    # In units of the best value, since the tolerance of nnls is not relative to what it fits.
    value, first, _ = curve.evaluate(grid)
    decay, missing = np.exp(np.outer(grid, -rates)), 1 - value / curve.optimum
    sum_ = _by_least_squares(curve, rates, grid, decay, missing)
    if error_over_tolerance(sum_) <= 1:
        return sum_
    # Near the end of the range rounding is all that is known of what is missing, but the slope is
    # known to all digits: heed it, too.
    rising = (grid > 0) & (first > 0)
    slope = grid[rising] * first[rising] / curve.optimum
    heed = slope**-0.5
    pull = (heed * grid[rising])[:, None] * rates * decay[rising]
    rows, side = np.vstack([decay, pull]), np.append(missing, heed * slope)
    better = _by_least_squares(curve, rates, grid, rows, side)
    return better if error_over_tolerance(better) <= 1 else sum_


def _by_least_squares(
    curve: Curve, rates: FloatArray, grid: FloatArray, rows: FloatArray, side: FloatArray
) -> ExponentialSum:
    """The sum with non-negative weights for which rows @ weights is closest to the side."""
    shares, _ = scipy.optimize.nnls(rows, side, maxiter=9999)
    used = shares > 0
    weights = curve.optimum * shares[used]
    low, high = float(grid.min()), float(grid.max())
    sum_ = ExponentialSum(curve.optimum, weights, rates[used], low, high, np.inf, np.inf)
    error, slope_error = proven_errors(curve, sum_, float(grid[0]))
    return replace(sum_, error=error, slope_error=slope_error)


def error_over_tolerance(fit: ExponentialSum) -> float:
    """Errors in units of what is tolerated; at most 1 where the sum can stand for its curve."""
    return max(fit.error / (FIT_TOLERANCE * fit.limit), fit.slope_error / SLOPE_TOLERANCE)


def _first_rise(curve: Curve) -> float:
    """Data with which the curve has gone a thousandth of its way."""
    grid = np.geomspace(1e-12, 1e18, 3001)
    start = float(curve(0.0))
    return float(grid[np.argmax(curve(grid) - start >= 1e-3 * (curve.optimum - start))])


def proven_errors(curve: Curve, sum_: ExponentialSum, shortest: float) -> tuple[float, float]:
    """Bounds on the error and on the relative error of the derivative over the range."""
    ends = shortest * 2.0 ** np.arange(np.ceil(np.log2(sum_.high / shortest)) + 1)
    ends[-1] = sum_.high
    if sum_.low == 0:
        ends = np.concatenate([[0.0], ends])
    left, right = ends[:-1, None], ends[1:, None]
    nodes = np.cos(np.pi * (np.arange(ERROR_NODES) + 0.5) / ERROR_NODES)
    data = 0.5 * (left + right) + 0.5 * (right - left) * nodes
    lebesgue = 2 / np.pi * np.log(ERROR_NODES) + 1
    value, first, _ = curve.evaluate(data)
    error = np.abs(sum_(data) - value).max() * lebesgue
    # The derivative of a concave curve is least at the right end of each piece; where it is 0 to
    # rounding, no relative error can be promised.
    least = curve.derivative(right[:, 0])
    wrong = np.abs(sum_.derivative(data) - first).max(axis=1) * lebesgue
    slope_error = np.divide(wrong, least, out=np.full_like(wrong, np.inf), where=least > 0).max()
    return float(error), float(slope_error)
