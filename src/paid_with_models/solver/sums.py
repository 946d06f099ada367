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
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from ..accuracy import ConcaveEnvelope, Curve, FloatArray
from ..arguments import ReadOnly
from ..valuation import LinearValuation, ModelValue
from .least_squares import non_negative
from .mixtures import as_mixture

__all__ = [
    "ExponentialSum",
    "error_over_tolerance",
    "fit_exponential_sum",
    "fit_signed_sum",
    "non_negative",
    "proven_errors",
]


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

#: SLOPE_TOLERANCE: the same for the derivative, relative to it and a slope that does not count.
SLOPE_TOLERANCE = 1e-9

#: SLOPE_FLOOR: a slope that does not count, over the limit divided by the range: where the curve is
#: flatter, what lies before it is known to a part in 1e15 of the limit all the same.
SLOPE_FLOOR = 1e-6

#: SIGNED_FLOOR, SIGNED_FIT_TOLERANCE, SIGNED_SLOPE_TOLERANCE: the same for sums of both signs, by
#: which gaps are closed less far.
SIGNED_FLOOR, SIGNED_FIT_TOLERANCE, SIGNED_SLOPE_TOLERANCE = 1.0, 1e-10, 1e-6

#: STEEP: factor by which the derivative may fall within a piece on which its error is measured;
#: pieces are halved, at most `PARTINGS` times, where it falls by more.
STEEP, PARTINGS = 100.0, 8

#: BESIDE: relative distance from an end of a range at which its slope is that from within.
BESIDE = 1e-12

#: ERROR_NODES: Chebyshev nodes on each [s, 2s] at which the error is measured. The error of
#: interpolation between them is below 1e-18: see `proven_errors`.
ERROR_NODES = 48


@dataclass(frozen=True, eq=False)
class ExponentialSum(ReadOnly):
    r"""A curve as :math:`g_\infty - \sum_j \alpha_j e^{-u_j S}`.

    Attributes
    ----------
    limit : float
        :math:`g_\infty`.
    weights, rates : (J,) ndarray
        :math:`\alpha_j`, :math:`u_j >= 0`. Weights are non-negative, or of both signs where
        :func:`fit_signed_sum` has found them.
    low, high : float
        The range on which the errors hold, units of data.
    error : float
        Largest difference from the curve there.
    slope_error : float
        Largest difference of the derivatives there, relative to the curve's plus ``slope_floor``.
    floor : float
        ``slope_floor`` in limits over the range.
    """

    limit: float
    weights: FloatArray
    rates: FloatArray
    low: float
    high: float
    error: float
    slope_error: float
    floor: float = SLOPE_FLOOR

    @property
    def slope_floor(self) -> float:
        """A slope that does not count, per unit of data."""
        return self.floor * self.limit / self.high

    @cached_property
    def depth(self) -> float:
        """The most that the curve can exceed the sum by below ``low``."""
        return float(np.abs(self.weights).sum())

    @cached_property
    def steepness(self) -> float:
        """The most that their derivatives can differ by there, but for the curve's own."""
        return float(self.rates @ np.abs(self.weights))

    @cached_property
    def overshoot(self) -> float:
        """The most that the sum can exceed the curve by there: 0 if it falls towards 0."""
        return 0.0 if np.all(self.weights >= 0) else self.limit + self.depth

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
def fit_signed_sum(curve: Curve, low: float, high: float) -> ExponentialSum:
    """A curve as an exponential sum with weights of both signs, and a bound on the error.

    For curves that admit no other: an arctangent, convex valuations. Least squares, without a
    condition on the signs. The limit is lowered by the error, so that on its range the sum does
    not exceed the curve: caps that it states can be kept.

    Parameters
    ----------
    curve : Curve
        One whose formula is the library's.
    low, high : float
        As for :func:`fit_exponential_sum`.

    Returns
    -------
    ExponentialSum

    Examples
    --------
    >>> from paid_with_models import Arctan
    >>> fit, data = fit_signed_sum(Arctan(), 0.0, 1e9), np.geomspace(1, 1e9)
    >>> bool(fit.error < 1e-11), bool(np.all(fit(data) <= Arctan()(data)))
    (True, True)
    """
    shortest = low if low > 0 else min(10 * _first_rise(curve), high / 2)
    best: ExponentialSum | None = None
    for rates_per_e_fold in (RATES_PER_E_FOLD, 2 * RATES_PER_E_FOLD):
        rates, grid = _candidates(shortest, low, high, rates_per_e_fold)
        if low == 0:
            grid = np.append(np.linspace(0, shortest, ERROR_NODES), grid)
        missing = 1 - curve(grid) / curve.optimum
        decay = np.exp(np.outer(grid, -rates))
        try:
            shares = np.asarray(np.linalg.lstsq(decay, missing, rcond=1e-15)[0], dtype=float)
        except np.linalg.LinAlgError:
            continue
        sum_ = _proven(curve, rates, curve.optimum * shares, low, high, shortest, SIGNED_FLOOR)
        if best is None or error_over_tolerance(sum_) < error_over_tolerance(best):
            best = replace(sum_, limit=sum_.limit - sum_.error, error=2 * sum_.error)
        if error_over_tolerance(best) <= 1:
            break
    assert best is not None
    return best


def _candidates(
    shortest: float, low: float, high: float, rates_per_e_fold: float
) -> tuple[FloatArray, FloatArray]:
    """Rates to choose from, and the data at which a sum is compared with its curve."""
    fastest, slowest = REACH_HIGH / shortest, REACH_LOW / high
    n_rates = int(np.ceil(rates_per_e_fold * np.log(fastest / slowest)))
    grid = np.geomspace(shortest, high, 8 * n_rates)
    return np.geomspace(slowest, fastest, n_rates), np.append(grid, 0.0) if low == 0 else grid


@lru_cache(maxsize=256)
def _fit(curve: Curve, low: float, high: float, rates_per_e_fold: float) -> ExponentialSum:
    if isinstance(curve, ModelValue) and isinstance(curve.valuation, LinearValuation):
        sum_, scale = _fit(curve.accuracy, low, high, rates_per_e_fold), curve.valuation.scale
        weights = scale * sum_.weights
        return ExponentialSum(
            scale * sum_.limit, weights, sum_.rates, low, high, scale * sum_.error, sum_.slope_error
        )
    # A curve that starts at 0 needs rates as fast as its own first rise.
    shortest = low if low > 0 else min(_first_rise(curve), high / 2)
    mixture = as_mixture(curve, high)
    if mixture is not None and mixture.exact:
        return _proven(curve, mixture.rates, mixture.weights, low, high, shortest)
    rates, grid = _candidates(shortest, low, high, rates_per_e_fold)
    # In units of the best value, since the tolerance of nnls is not relative to what it fits.
    value, first, _ = curve.evaluate(grid)
    decay, missing = np.exp(np.outer(grid, -rates)), 1 - value / curve.optimum

    def by_least_squares(rows: FloatArray, side: FloatArray) -> ExponentialSum:
        shares = non_negative(rows, side)
        return _proven(curve, rates, curve.optimum * shares, low, high, shortest)

    def heeding_slopes() -> ExponentialSum:
        # Near the end of the range rounding is all that is known of what is missing, but the slope
        # is known to all digits.
        rising = (grid > 0) & (first > 0)
        slope = grid[rising] * first[rising] / curve.optimum
        heed = slope**-0.5
        pull = (heed * grid[rising])[:, None] * rates * decay[rising]
        return by_least_squares(np.vstack([decay, pull]), np.append(missing, heed * slope))

    def in_closed_form() -> ExponentialSum:
        assert mixture is not None
        return _proven(curve, mixture.rates, mixture.weights, low, high, shortest)

    def only_decay() -> ExponentialSum:
        return by_least_squares(decay, missing)

    ways = [only_decay]  # the shortest sum
    if rates_per_e_fold >= RATES_PER_E_FOLD:
        ways += [heeding_slopes] if mixture is None else [in_closed_form]
    found = []
    for way in ways:
        found.append(way())
        if error_over_tolerance(found[-1]) <= 1:
            break
    return min(found, key=error_over_tolerance)


def _proven(
    curve: Curve,
    rates: FloatArray,
    weights: FloatArray,
    low: float,
    high: float,
    shortest: float,
    floor: float = SLOPE_FLOOR,
) -> ExponentialSum:
    """The sum with these weights and its errors."""
    used, none = weights != 0, np.inf
    sum_ = ExponentialSum(curve.optimum, weights[used], rates[used], low, high, none, none, floor)
    error, slope_error = proven_errors(curve, sum_, shortest)
    return replace(sum_, error=error, slope_error=slope_error)


def error_over_tolerance(fit: ExponentialSum) -> float:
    """Errors in units of what is tolerated; at most 1 where the sum can stand for its curve."""
    of_values, of_slopes = FIT_TOLERANCE, SLOPE_TOLERANCE
    if fit.floor == SIGNED_FLOOR:
        of_values, of_slopes = SIGNED_FIT_TOLERANCE, SIGNED_SLOPE_TOLERANCE
    return max(fit.error / (of_values * fit.limit), fit.slope_error / of_slopes)


def _first_rise(curve: Curve) -> float:
    """Data with which the curve has gone a thousandth of its way."""
    grid = np.geomspace(1e-12, 1e18, 3001)
    start = float(curve(0.0))
    return float(grid[np.argmax(curve(grid) - start >= 1e-3 * (curve.optimum - start))])


def proven_errors(curve: Curve, sum_: ExponentialSum, shortest: float) -> tuple[float, float]:
    """Bounds on the error, and on that of the derivative relative to it, over the range."""
    ends = shortest * 2.0 ** np.arange(np.ceil(np.log2(sum_.high / shortest)) + 1)
    ends[-1] = sum_.high
    if sum_.low == 0:
        ends = np.concatenate([[0.0], ends])
    ends = _parted(curve, ends, sum_.slope_floor)
    left, right = ends[:-1, None], ends[1:, None]
    nodes = np.cos(np.pi * (np.arange(ERROR_NODES) + 0.5) / ERROR_NODES)
    data = 0.5 * (left + right) + 0.5 * (right - left) * nodes
    lebesgue = 2 / np.pi * np.log(ERROR_NODES) + 1
    value, first, _ = curve.evaluate(data)
    error = np.abs(sum_(data) - value).max() * lebesgue
    # The derivative of an S-shaped curve is least at an end of each piece; not on a kink, though.
    at_left = curve.derivative(ends[:-1] * (1 + BESIDE))
    least = np.minimum(at_left, curve.derivative(ends[1:])) + sum_.slope_floor
    wrong = np.abs(sum_.derivative(data) - first).max(axis=1) * lebesgue
    return float(error), float((wrong / least).max())


def _parted(curve: Curve, ends: FloatArray, floor: float) -> FloatArray:
    """Pieces parted further where the derivative falls by more than `STEEP` within one."""
    for _ in range(PARTINGS):
        slopes = curve.derivative(ends) + floor
        steep = slopes[:-1] > STEEP * slopes[1:]
        if not steep.any():
            break
        ends = np.sort(np.append(ends, 0.5 * (ends[:-1] + ends[1:])[steep]))
    return ends
