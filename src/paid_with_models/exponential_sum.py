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

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from .accuracy import ConcaveEnvelope, Curve, FloatArray, Saturating
from .expectation import Enumeration, Expectation, Uncertainty, enumerable
from .problem import Problem
from .valuation import LinearValuation, ModelValue

__all__ = [
    "ExponentialSum",
    "SumExpectation",
    "expectation_of",
    "fit_exponential_sum",
    "moments_at",
    "sum_range",
]

#: Rates per factor e of the range, and how far they reach beyond its ends: with these the
#: fit of a completely monotone shortfall is right to rounding.
RATES_PER_E_FOLD = 4
REACH_LOW, REACH_HIGH = 0.02, 40.0

#: A curve is said to admit a sum when its fit is at least this good, relative to the limit and
#: to the derivative: an order better than the gaps that are asked for.
FIT_TOLERANCE, SLOPE_TOLERANCE = 1e-11, 1e-9

#: Enumerations of up to so many numbers are cheap enough to be preferred for being exact.
ENTRIES_WORTH_ENUMERATING = 2_000_000

#: What sums may fall short of a menu's moments, relative to their limits, and still be used for it.
TAIL_TOLERANCE = 1e-10

#: Chebyshev nodes on each [s, 2s] at which the error is measured. The error of interpolation
#: between them is below 1e-18: see `_proven`.
NODES = 48


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
    if _failure(sum_) <= 1:
        return sum_
    # Near the end of the range rounding is all that is known of what is missing, but the slope is
    # known to all digits: heed it, too.
    rising = (grid > 0) & (first > 0)
    slope = grid[rising] * first[rising] / curve.optimum
    heed = slope**-0.5
    pull = (heed * grid[rising])[:, None] * rates * decay[rising]
    rows, side = np.vstack([decay, pull]), np.append(missing, heed * slope)
    better = _by_least_squares(curve, rates, grid, rows, side)
    return better if _failure(better) <= 1 else sum_


def _by_least_squares(
    curve: Curve, rates: FloatArray, grid: FloatArray, rows: FloatArray, side: FloatArray
) -> ExponentialSum:
    """The sum with non-negative weights for which rows @ weights is closest to the side."""
    shares, _ = nnls(rows, side, maxiter=9999)
    used = shares > 0
    weights = curve.optimum * shares[used]
    low, high = float(grid.min()), float(grid.max())
    sum_ = ExponentialSum(curve.optimum, weights, rates[used], low, high, np.inf, np.inf)
    error, slope_error = _proven(curve, sum_, float(grid[0]))
    return replace(sum_, error=error, slope_error=slope_error)


def _failure(fit: ExponentialSum) -> float:
    """Errors in units of what is tolerated; at most 1 where the sum can stand for its curve."""
    return max(fit.error / (FIT_TOLERANCE * fit.limit), fit.slope_error / SLOPE_TOLERANCE)


def _first_rise(curve: Curve) -> float:
    """Data with which the curve has gone a thousandth of its way."""
    grid = np.geomspace(1e-12, 1e18, 3001)
    start = float(curve(0.0))
    return float(grid[np.argmax(curve(grid) - start >= 1e-3 * (curve.optimum - start))])


def _proven(curve: Curve, sum_: ExponentialSum, shortest: float) -> tuple[float, float]:
    """Bounds on the error and on the relative error of the derivative over the range."""
    ends = shortest * 2.0 ** np.arange(np.ceil(np.log2(sum_.high / shortest)) + 1)
    ends[-1] = sum_.high
    if sum_.low == 0:
        ends = np.concatenate([[0.0], ends])
    left, right = ends[:-1, None], ends[1:, None]
    nodes = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    data = 0.5 * (left + right) + 0.5 * (right - left) * nodes
    lebesgue = 2 / np.pi * np.log(NODES) + 1
    value, first, _ = curve.evaluate(data)
    error = np.abs(sum_(data) - value).max() * lebesgue
    # The derivative of a concave curve is least at the right end of each piece; where it is 0 to
    # rounding, no relative error can be promised.
    least = curve.derivative(right[:, 0])
    wrong = np.abs(sum_.derivative(data) - first).max(axis=1) * lebesgue
    slope_error = np.divide(wrong, least, out=np.full_like(wrong, np.inf), where=least > 0).max()
    return float(error), float(slope_error)


@dataclass(frozen=True, eq=False)
class _Terms:
    """The exponentials of a batch of menus, (B, I, J) or (B, 1, J), and what derives from them.

    Powers carry their exponent in the name: ``all_2`` is M^(N-2), ``rest_2`` is (M - q)^(N-2) and
    ``with_2`` their difference, what type i's own presence adds, free of cancellation.
    """

    n: FloatArray
    p: FloatArray
    own_beliefs: bool
    rates: FloatArray
    accuracy_weights: FloatArray
    value_weights: FloatArray
    contributions: FloatArray

    @cached_property
    def log_mean(self) -> FloatArray:
        """Logarithm of M, (B, 1, J), right to rounding near 0 (N multiplies it); bounded."""
        decay = np.expm1(-self.contributions[:, :, None] * self.rates)
        below_1 = np.sum(self.p[:, :, None] * decay, axis=1, keepdims=True)
        small = np.maximum(self.q.sum(axis=1, keepdims=True), 1e-200)
        near = np.log1p(np.maximum(below_1, -0.5))
        return np.asarray(np.where(below_1 > -0.5, near, np.log(small)))

    @cached_property
    def alone(self) -> FloatArray:
        """Each type's exp(-u m), (B, I, J)."""
        return np.asarray(np.exp(-self.contributions[:, :, None] * self.rates))

    @cached_property
    def q(self) -> FloatArray:
        """Each type's p exp(-u m), (B, I, J)."""
        return self.p[:, :, None] * self.alone

    @cached_property
    def pull(self) -> FloatArray:
        """Minus the derivatives of M, u q, (B, I, J)."""
        return self.rates * self.q

    @cached_property
    def mean(self) -> FloatArray:
        """M, (B, 1, J)."""
        return np.exp(self.log_mean)

    @cached_property
    def all_2(self) -> FloatArray:
        return np.asarray(np.exp((self.n - 2) * self.log_mean))

    @cached_property
    def with_2(self) -> FloatArray:
        share = np.minimum(self.q / self.mean, 1 - 2.0**-53)
        return np.asarray(-self.all_2 * np.expm1((self.n - 2) * np.log1p(-share)))

    @cached_property
    def rest_2(self) -> FloatArray:
        return self.all_2 - self.with_2

    @cached_property
    def all_1(self) -> FloatArray:
        return np.asarray(np.exp((self.n - 1) * self.log_mean))

    @cached_property
    def rest_1(self) -> FloatArray:
        return np.maximum(self.mean - self.q, 0.0) * self.rest_2

    @cached_property
    def with_1(self) -> FloatArray:
        return self.mean * self.with_2 + self.q * self.rest_2

    @cached_property
    def present(self) -> FloatArray:
        """P(n_i >= 1), (B, I)."""
        with np.errstate(divide="ignore"):
            return np.asarray(-np.expm1(self.n[:, :, 0] * np.log1p(-self.p)))

    @cached_property
    def spread(self) -> FloatArray:
        """The Jacobian of the values is spread @ pull.T plus the diagonal ``own``, (B, I, J)."""
        if self.own_beliefs:
            return self.value_weights * (self.n - 1) * self.alone * self.all_2
        return self.value_weights * self.n * self.with_1 / self.present[:, :, None]

    @cached_property
    def own(self) -> FloatArray:
        """(B, I)."""
        if self.own_beliefs:
            return np.asarray((self.rates * self.alone * self.all_1) @ self.value_weights)
        return np.asarray((self.n * self.pull * self.rest_1) @ self.value_weights) / self.present

    def values(self) -> FloatArray:
        """What each type's expected value falls short of its limit, (B, I)."""
        if self.own_beliefs:
            return np.asarray((self.alone * self.all_1) @ self.value_weights)
        with_0 = self.mean * self.with_1 + self.q * self.rest_1
        return np.asarray(with_0 @ self.value_weights) / self.present

    @cached_property
    def idle(self) -> npt.NDArray[np.bool_]:
        """Types that contribute nothing, (B, I)."""
        return np.asarray(self.contributions == 0)

    @cached_property
    def log_idle(self) -> FloatArray:
        """Logarithm of the probability that a party is of an idle type, (B, 1)."""
        busy = np.sum(self.p, axis=1, keepdims=True, where=~self.idle)
        with np.errstate(divide="ignore"):
            # As for the mean: right to rounding near 0.
            near = np.log1p(-np.minimum(busy, 0.5))
            far = np.log(np.sum(self.p, axis=1, keepdims=True, where=self.idle))
        return np.asarray(np.where(busy < 0.5, near, far))

    def _with_0(self, power: FloatArray) -> FloatArray:
        """s^k - (s - p_i)^k, (B, I), for k = ``power`` (B, 1) and s the share of idle types."""
        with np.errstate(divide="ignore"):
            share = np.minimum(self.p / np.maximum(np.exp(self.log_idle), self.p), 1.0)
            return np.asarray(-np.exp(power * self.log_idle) * np.expm1(power * np.log1p(-share)))

    def nothing(self) -> tuple[FloatArray, FloatArray]:
        """P(S = 0), (B,), and as each type sees it, (B, I)."""
        n = self.n[:, :, 0]
        seen = np.exp((n - 1) * self.log_idle)
        if not self.own_beliefs:
            seen = self._with_0(n) / self.present
        return np.exp(n * self.log_idle)[:, 0], np.where(self.idle, seen, 0.0)

    def first(self) -> tuple[FloatArray, FloatArray]:
        """E[n_k; S = 0], (B, I), and as each type i sees it, (B, I, I): who could begin."""
        n = self.n[:, :, 0]
        others = np.exp((n - 1) * self.log_idle)
        own = np.broadcast_to(others, self.p.shape)
        if self.own_beliefs:
            two_off = np.exp((n - 2) * np.maximum(self.log_idle, -1e9))  # 0 times infinity is 0
            seen = np.broadcast_to(((n - 1) * two_off * self.p)[:, None], own.shape + own.shape[1:])
        else:
            each = n * self._with_0(n - 1) / self.present
            seen = each[:, :, None] * self.p[:, None, :]
            own = n * self.p * (others - self._with_0(n - 1)) / self.present
        seen = seen + own[:, :, None] * np.eye(own.shape[1])
        pairs = self.idle[:, :, None] & self.idle[:, None, :]
        return np.where(self.idle, n * self.p * others, 0.0), np.where(pairs, seen, 0.0)

    def curvature(self, prices: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Minus the Hessian is pull diag(middle) pull.T + cross pull.T + pull cross.T + diagonal.

        Returns middle (B, J), cross (B, I, J) and diagonal (B, I).
        """
        n, a, v = self.n, self.accuracy_weights, self.value_weights
        if self.own_beliefs:
            priced = prices[:, :, None] * self.alone
            total = priced.sum(axis=1, keepdims=True)
            all_3 = np.exp((n - 3) * self.log_mean)
            middle = (n - 1) * (a * n * self.all_2 + v * (n - 2) * total * all_3)
            cross = v * (n - 1) * self.all_2 * self.rates * priced
            flat = self.q * (a * n * self.all_1 + v * (n - 1) * total * self.all_2)
            diagonal = (flat + v * priced * self.all_1) @ self.rates**2
        else:
            priced = (prices / self.present)[:, :, None]
            seen_2 = np.sum(priced * self.with_2, axis=1, keepdims=True)
            seen_1 = np.sum(priced * self.with_1, axis=1, keepdims=True)
            middle = n * (n - 1) * (a * self.all_2 + v * seen_2)
            cross = n * (n - 1) * v * priced * self.rest_2 * self.pull
            flat = n * self.q * (a * self.all_1 + v * (seen_1 + priced * self.rest_1))
            diagonal = flat @ self.rates**2 - np.sum(cross * self.pull, axis=2)
        return middle[:, 0], cross, diagonal


@dataclass(frozen=True, eq=False)
class SumMoments:
    """Expected accuracy and value of a batch of menus, and their derivatives, from sums.

    The counterpart of :class:`paid_with_models.expectation.Moments`, with the same attributes;
    Jacobian and curvature, which are of low rank, are made only when asked for.
    """

    accuracy: FloatArray
    accuracy_gradient: FloatArray
    value: FloatArray
    values: FloatArray
    terms: _Terms
    excess: FloatArray | None = None  # of the Jacobian of the sums over that of the curves at 0

    @cached_property
    def value_jacobian(self) -> FloatArray:
        """Jacobian of ``values``, (B, I, I)."""
        jacobian = self.terms.spread @ self.terms.pull.swapaxes(1, 2)
        diagonal = np.arange(jacobian.shape[1])
        jacobian[:, diagonal, diagonal] += self.terms.own
        return np.asarray(jacobian if self.excess is None else jacobian - self.excess)

    def weighted_gradient(self, prices: FloatArray) -> FloatArray:
        """Gradient of E[a(S)] + sum over types of prices (B, I) times values, (B, I)."""
        terms = self.terms
        seen = np.einsum("bi,bij->bj", prices, terms.spread)
        pulled = np.einsum("bj,bij->bi", seen, terms.pull) + prices * terms.own
        if self.excess is not None:
            pulled -= np.einsum("bi,bik->bk", prices, self.excess)
        return np.asarray(self.accuracy_gradient + pulled)

    def curvature(self, prices: FloatArray) -> FloatArray:
        """Hessian of E[a(S)] + sum over types of prices (B, I) times values, (B, I, I)."""
        middle, cross, diagonal = self.terms.curvature(prices)
        pull = self.terms.pull
        # Symmetric in two products: pull (middle pull / 2 + cross)' and its transpose.
        half = pull @ (0.5 * middle[:, None, :] * pull + cross).swapaxes(1, 2)
        hessian = -(half + half.swapaxes(1, 2))
        entries = np.arange(hessian.shape[1])
        hessian[:, entries, entries] -= diagonal
        return np.asarray(hessian)


def moments_at(problem: Problem, contributions: FloatArray) -> tuple[float, FloatArray]:
    """Expected accuracy of one menu, and its value as each type sees it, (I,).

    Enumerated if that is cheap, or if sums would fall short by more than `TAIL_TOLERANCE`: where
    little data may come together. If outcomes are too many to enumerate then, both are bounds from
    below.

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate and sums are not to be had.

    Examples
    --------
    >>> from paid_with_models import Saturating
    >>> problem = Problem(2, [0.5, 0.5], [0.2, 0.1], Saturating((1.0,), (np.log(2) / 10,)))
    >>> accuracy, values = moments_at(problem, np.array([0.0, 10.0]))
    >>> round(accuracy, 9), values.round(6).tolist()  # 0, 10 or 20 units; each halves the error
    (0.4375, [33.333333, 58.333333])
    """
    expectation, curves = expectation_of(problem), (problem.accuracy, problem.model_value)
    if isinstance(expectation, SumExpectation):
        short = expectation.shortfall(*curves, contributions[None])
        if short[0] > TAIL_TOLERANCE and enumerable(problem.n_parties, problem.n_types):
            p = problem.probabilities[None]
            expectation = Enumeration.of(problem.n_parties, p, problem.beliefs)
    moments = expectation.moments(*curves, contributions[None])
    least = [float(curve(0.0)) for curve in curves]
    return max(float(moments.accuracy[0]), least[0]), np.maximum(moments.values[0], least[1])


def expectation_of(problem: Problem) -> Expectation:
    """Moments for one problem, types in its own order: enumerated if that is cheap, else summed.

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate and the curves do not admit sums.
    """
    outcomes = math.comb(problem.n_parties + problem.n_types - 1, problem.n_types - 1)
    most = problem.n_parties * problem.model_value.optimum / float(problem.costs.min())
    if outcomes * problem.n_types > ENTRIES_WORTH_ENUMERATING:
        reach = sum_range(problem.accuracy, problem.model_value, most)
        if reach is not None:
            n_parties = np.array([float(problem.n_parties)])
            return SumExpectation(n_parties, problem.probabilities[None], problem.beliefs, *reach)
    return Enumeration.of(problem.n_parties, problem.probabilities[None], problem.beliefs)


def sum_range(accuracy: Curve, value: Curve, most: float) -> tuple[float, float] | None:
    """The range on which sums stand for both curves up to ``most`` data; None if none do.

    ``high`` is rounded up to a power of 16, so that few fits serve many problems.

    Examples
    --------
    >>> from paid_with_models import Arctan, Saturating
    >>> sum_range(Saturating((0.9,), (0.01,)), Saturating((0.9,), (0.01,)), 1000.0)
    (0.0, 4096.0)
    >>> sum_range(Arctan(), Arctan(), 1000.0) is None
    True
    """
    low, high = accuracy.smooth_from, float(16.0 ** np.ceil(np.log(most) / np.log(16.0)))
    if low >= most:
        return None
    for curve in (accuracy, value):
        fit = fit_exponential_sum(curve, low, high)
        if _failure(fit) > 1:
            return None
    return low, high


def fit_both(
    accuracy: Curve, value: Curve, low: float, high: float
) -> tuple[ExponentialSum, ExponentialSum]:
    """The sums that stand for accuracy and value."""
    return fit_exponential_sum(accuracy, low, high), fit_exponential_sum(value, low, high)


def joined(a: ExponentialSum, v: ExponentialSum) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rates that serve two sums, and the weights of each on them."""
    if np.array_equal(a.rates, v.rates):
        return a.rates, a.weights, v.weights
    return (
        np.concatenate([a.rates, v.rates]),
        np.concatenate([a.weights, np.zeros(v.rates.size)]),
        np.concatenate([np.zeros(a.rates.size), v.weights]),
    )


@dataclass(frozen=True, eq=False)
class SumExpectation:
    """Moments of the total contribution by exponential sums, for a batch of B problems.

    The counterpart of :class:`paid_with_models.expectation.Enumeration`; numbers of parties may
    differ within the batch.

    Attributes
    ----------
    n_parties : (B,) ndarray
        At least 2 each.
    probabilities : (B, I) ndarray
    beliefs : {"paper", "own"}
    low, high : float
        Range of the sums, units of data.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> curve = GeneralizationBound()
    >>> sums = SumExpectation(np.array([1e6]), np.array([[0.5, 0.5]]), "paper", 57.0, 1e9)
    >>> moments = sums.moments(curve, curve, np.array([[200.0, 200.0]]))
    >>> bool(abs(moments.accuracy[0] - curve(2e8)) < 1e-12)
    True
    """

    n_parties: FloatArray
    probabilities: FloatArray
    beliefs: str
    low: float
    high: float

    def take(self, rows: npt.NDArray[np.intp]) -> SumExpectation:
        """The batch reduced to some of its problems."""
        return replace(self, n_parties=self.n_parties[rows], probabilities=self.probabilities[rows])

    def shortfall(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> FloatArray:
        """How far moments may lie below those of the curves, relative to their limits, (B,).

        The fits' errors, and Chernoff's bound on the probability of data in (0, low).
        """
        a, v = fit_both(accuracy, value, self.low, self.high)
        terms = self.moments(accuracy, value, contributions).terms
        all_0 = (terms.mean * terms.all_1)[:, 0]
        # Where somebody contributes, without cancellation: the least multiple is looked for.
        busy = np.where(terms.idle[:, :, None], 0.0, terms.q).sum(axis=1)
        idle = np.exp(terms.log_idle)
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = np.where(idle > 0, busy / idle, np.inf)
        some = -all_0 * np.expm1(-self.n_parties[:, None] * np.log1p(odds))
        some *= np.exp(terms.rates * self.low)
        # As a type sees it: at most so much more likely.
        rarest = terms.p.min(axis=1) if terms.own_beliefs else terms.present.min(axis=1)
        tail = np.minimum(some.min(axis=1) / rarest, 1.0)
        return np.asarray(
            np.maximum(
                (a.error + tail * a.weights.sum()) / a.limit,
                (v.error + tail * v.weights.sum()) / v.limit,
            )
        )

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        """How far the envelopes' moments may lie above those of the sums, at these menus.

        Above ``low`` by the errors of the fits; below the tangent points by at most what the sum
        falls short of the limit at 0, times Chernoff's bound on the probability of that.
        """
        a, v = fit_both(accuracy, value, self.low, self.high)
        terms = self.moments(accuracy, value, contributions).terms
        tangent = max(accuracy.envelope().tangent_point, value.envelope().tangent_point)
        exponents = terms.rates * tangent + terms.n[:, 0] * terms.log_mean[:, 0]
        tail = np.exp(np.minimum(exponents.min(axis=1), 0.0))
        seen = tail[:, None] / terms.present
        if self.beliefs == "own":  # one party's contribution is known, the others' are drawn
            others = terms.rates * tangent + (terms.n[:, 0] - 1) * terms.log_mean[:, 0]
            of_types = others[:, None] - terms.rates * contributions[:, :, None]
            seen = np.exp(np.minimum(of_types.min(axis=2), 0.0))
        if tangent == 0:
            tail, seen = np.zeros_like(tail), np.zeros_like(seen)
        rounding = np.finfo(float).eps * 64
        slopes = max(float(f.rates @ f.weights) for f in (a, v))
        return Uncertainty(
            accuracy=a.error + rounding * a.limit + tail * a.weights.sum(),
            values=v.error + rounding * v.limit + np.minimum(seen, 1.0) * v.weights.sum(),
            relative_slope=max(a.slope_error, v.slope_error) + rounding,
            slope=self.n_parties[:, None] * seen * slopes,
        )

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> SumMoments:
        """Moments of accuracy and value for contributions of shape (B, I).

        An envelope has the same sum as its curve: they differ only below the tangent point.
        """
        a, v = fit_both(accuracy, value, self.low, self.high)
        rates, a_weights, v_weights = joined(a, v)
        terms = _Terms(
            self.n_parties[:, None, None],
            self.probabilities,
            self.beliefs == "own",
            rates,
            a_weights,
            v_weights,
            contributions,
        )
        all_0, short = (terms.mean * terms.all_1)[:, 0], terms.values()
        missing = np.zeros(len(contributions)), np.zeros(len(contributions)), np.zeros(short.shape)
        gradient, excess = (terms.n * terms.pull * terms.all_1) @ a_weights, None
        if np.any(terms.idle):  # the curves themselves where nothing comes together
            nothing, seen = terms.nothing()
            all_0 = all_0 - nothing[:, None]
            short = np.where(nothing[:, None] < 1, short - seen * v_weights.sum(), 0.0)
            at_0 = a.limit - float(accuracy(0.0)), v.limit - float(value(0.0))
            missing = nothing * at_0[0], nothing * at_0[1], seen * at_0[1]
            # Tangent planes of an envelope's sums are bounds; with a smaller slope they were not.
            if not isinstance(accuracy, ConcaveEnvelope):
                first, of_types = terms.first()
                gradient = gradient - first * (rates @ a_weights - float(accuracy.derivative(0.0)))
                excess = of_types * (rates @ v_weights - float(value.derivative(0.0)))
        return SumMoments(
            accuracy=a.limit - all_0 @ a_weights - missing[0],
            accuracy_gradient=np.asarray(gradient),
            value=v.limit - all_0 @ v_weights - missing[1],
            values=v.limit - short - missing[2],
            terms=terms,
            excess=excess,
        )
