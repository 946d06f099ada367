"""Moments of the total contribution under any law with a generating function.

The law is evaluated once for every type, so that this is made for some dozens of types; for
independent draws ``solver.sum_moments`` does the same for thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accuracy import Curve, FloatArray, IntArray
from ..attendance import Attendance
from ..problem import Problem
from .moments import Enumeration, Expectation, Uncertainty
from .outsiders import WithoutOutsiders
from .sum_moments import fit_both, joined

__all__ = [
    "CHERNOFF_EXPONENTS",
    "TransformExpectation",
    "TransformMoments",
    "expectation_under",
]

#: CHERNOFF_EXPONENTS: values of u x at which Chernoff's bound on P(S < x) is tried.
CHERNOFF_EXPONENTS = np.geomspace(1e-2, 600.0, 80)


def expectation_under(
    problem: Problem, law: Attendance, order: IntArray, reach: tuple[float, float] | None
) -> Expectation:
    """Moments for one problem under a law of its own, for some of its types.

    Parameters
    ----------
    problem : Problem
    law : Attendance
    order : (n,) ndarray of int
        The types, costliest first; all others contribute nothing.
    reach : (float, float) or None
        Where sums stand for the curves; None to enumerate outcomes.

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate, or sums are asked for with beliefs of a party's
        own, for which they are not made.
    """
    if reach is None:
        return Enumeration.of_problem(problem).of_types(order)
    if problem.beliefs == "own":
        raise ValueError(
            f"expectations must be 'enumeration' for {law!r} with beliefs 'own': sums are made for"
            " beliefs 'paper' only"
        )
    if order.size == problem.n_types:
        return TransformExpectation(law.reordered(order), *reach)
    return WithoutOutsiders(TransformExpectation(law.grouped(order), *reach))


@dataclass(frozen=True, eq=False)
class TransformExpectation:
    r"""Moments of the total contribution from a generating function and exponential sums.

    The counterpart of :class:`paid_with_models.solver.moments.Enumeration` under any law, given
    :math:`n_i \ge 1`. Menus of a batch are all under the same law. Where nobody turns up nothing is
    collected, and the curve itself says what that is worth.

    Attributes
    ----------
    law : Attendance
    low, high : float
        Range of the sums, units of data.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, PoissonParties
    >>> curve = GeneralizationBound()
    >>> sums = TransformExpectation(PoissonParties(1e6, [0.5, 0.5]), 57.0, 16.0**8)
    >>> moments = sums.moments(curve, curve, np.array([[200.0, 200.0]]))
    >>> bool(abs(moments.accuracy[0] - curve(2e8)) < 1e-9)
    True
    """

    law: Attendance
    low: float
    high: float

    def take(self, rows: IntArray) -> TransformExpectation:
        """The same law, for some of the menus."""
        return self

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> TransformMoments:
        """Moments of accuracy and value for contributions of shape (B, I)."""
        a, v = fit_both(accuracy, value, self.low, self.high)
        rates, a_weights, v_weights = joined(a, v)
        pieces = [Piece.of(self.law, rates, m) for m in np.maximum(contributions, 0.0)]
        nobody = np.exp(self.law.log_nobody)

        def mean(curve: Curve, limit: float, weights: FloatArray) -> FloatArray:
            empty = nobody * (float(curve(0.0)) - limit)
            return np.array([limit + empty - it.somebody @ weights for it in pieces])

        present = self.law.present
        return TransformMoments(
            accuracy=mean(accuracy, a.limit, a_weights),
            accuracy_gradient=np.array([it.gradient @ a_weights for it in pieces]),
            value=mean(value, v.limit, v_weights),
            values=np.array([v.limit - it.present @ v_weights / present for it in pieces]),
            value_jacobian=np.array(
                [it.present_gradient @ v_weights / present[:, None] for it in pieces]
            ),
            pieces=pieces,
            weights=(a_weights, v_weights),
            present=present,
        )

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        """How far the envelopes' moments may lie above those of the sums, at these menus.

        Between ``low`` and the tangent point x the sum stands for the curve and is concave, the
        envelope is a line: their difference is largest at an end. Below ``low`` it is at most what
        the sum falls short of its limit at 0. Chernoff bounds how often either happens.
        """
        a, v = fit_both(accuracy, value, self.low, self.high)
        rounding = np.finfo(float).eps * 1024
        pairs = ((accuracy.envelope(), a), (value.envelope(), v))
        tangent = max(envelope.tangent_point for envelope, _ in pairs)
        off, slope_off = [], []
        for envelope, fit in pairs:
            ends = np.array([self.low, max(envelope.tangent_point, self.low)])
            off.append(float(np.max(envelope(ends) - fit(ends))))
            slope_off.append(float(np.max(np.abs(envelope.slope - fit.derivative(ends)))))
        some, counted = np.zeros((2, len(contributions))), np.zeros((2, *contributions.shape))
        for k, x in enumerate((self.low, tangent)):
            if x > 0:
                rates = CHERNOFF_EXPONENTS / x
                pieces = [Piece.of(self.law, rates, m) for m in np.maximum(contributions, 0.0)]
                grow = np.exp(CHERNOFF_EXPONENTS)
                some[k] = [min(float((grow * it.somebody).min()), 1.0) for it in pieces]
                counted[k] = [(grow * it.count).min(axis=1) for it in pieces]
        seen = np.minimum(some[:, :, None] / self.law.present, 1.0)
        steep = max(float(fit.rates @ fit.weights) for fit in (a, v))
        return Uncertainty(
            accuracy=a.error
            + rounding * a.limit
            + some[0] * a.weights.sum()
            + some[1] * max(off[0], 0.0),
            values=v.error
            + rounding * v.limit
            + seen[0] * v.weights.sum()
            + seen[1] * max(off[1], 0.0),
            relative_slope=max(a.slope_error, v.slope_error) + rounding,
            slope=(counted[0] * steep + counted[1] * max(slope_off)) / self.law.present.min(),
        )


@dataclass(frozen=True, eq=False)
class Piece:
    """Transforms of one menu and their derivatives in the contributions, over J rates.

    Attributes
    ----------
    somebody : (J,) ndarray
        E[exp(-u S); n > 0].
    count : (I, J) ndarray
        E[n_i exp(-u S)].
    gradient : (I, J) ndarray
        Minus the gradient of E[exp(-u S)].
    hessian : (I, I, J) ndarray
        Its Hessian.
    present : (I, J) ndarray
        E[exp(-u S); n_i >= 1].
    present_gradient : (I, I, J) ndarray
        Minus its Jacobian.
    absent_hessians : list of (I, I, J) ndarray
        Hessians of E[exp(-u S); n_i = 0].
    """

    somebody: FloatArray
    count: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    present: FloatArray
    present_gradient: FloatArray
    absent_hessians: list[FloatArray]

    @classmethod
    def of(cls, law: Attendance, rates: FloatArray, m: FloatArray) -> Piece:
        z = np.exp(-np.outer(m, rates))
        log, first, second = _in_contributions(law, rates, z)
        whole = np.exp(log)
        logs, firsts, without = [], [], []
        for i in range(m.size):
            absent = z.copy()
            absent[i] = 0.0
            log_i, first_i, second_i = _in_contributions(law, rates, absent)
            logs.append(log_i)
            firsts.append(first_i)
            without.append(second_i)
        return cls(
            # Chernoff's bounds look for the least multiple: nothing may be lost to cancellation.
            somebody=whole * law.somebody(z),
            count=first / rates,
            gradient=first,
            hessian=second,
            present=-whole * np.expm1(np.minimum(np.array(logs) - log, 0.0)),
            present_gradient=first - np.array(firsts),
            absent_hessians=without,
        )


def _in_contributions(
    law: Attendance, rates: FloatArray, z: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logarithm of G (J,), minus the gradient of G in m (I, J), its Hessian (I, I, J)."""
    log, by_z, twice = law.log_transform(z)
    pull = rates * z
    whole = np.exp(log)
    first = pull * by_z * whole
    second = pull[:, None] * pull * (twice + by_z[:, None] * by_z) * whole
    each = np.arange(len(z))
    second[each, each] += rates * first
    return log, first, second


@dataclass(frozen=True, eq=False)
class TransformMoments:
    """The counterpart of :class:`paid_with_models.solver.moments.Moments`."""

    accuracy: FloatArray
    accuracy_gradient: FloatArray
    value: FloatArray
    values: FloatArray
    value_jacobian: FloatArray
    pieces: list[Piece]
    weights: tuple[FloatArray, FloatArray]
    present: FloatArray

    def weighted_gradient(self, prices: FloatArray) -> FloatArray:
        """Gradient of E[a(S)] + sum over types of prices (B, I) times values, (B, I)."""
        seen = np.einsum("bi,bij->bj", prices, self.value_jacobian)
        return np.asarray(self.accuracy_gradient + seen)

    def curvature(self, prices: FloatArray) -> FloatArray:
        """Hessian of E[a(S)] + sum over types of prices (B, I) times values, (B, I, I)."""
        a, v = self.weights
        result = []
        for piece, price in zip(self.pieces, prices / self.present, strict=True):
            hessian = -piece.hessian @ (a + price.sum() * v)
            for part, absent in zip(price, piece.absent_hessians, strict=True):
                hessian += part * (absent @ v)
            result.append(hessian)
        return np.array(result)
