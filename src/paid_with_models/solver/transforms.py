"""Moments of the total contribution under any law with a generating function.

The law is evaluated once for every type, so that this is made for some dozens of types; for
independent draws ``solver.sum_moments`` does the same for thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accuracy import BoolArray, ConcaveEnvelope, Curve, FloatArray, IntArray
from ..attendance import Attendance
from ..problem import Problem
from .fits import fit_both, joined, wrong
from .moments import Enumeration, Expectation, Uncertainty
from .outsiders import WithoutOutsiders

__all__ = [
    "CHERNOFF_EXPONENTS",
    "TransformExpectation",
    "TransformMoments",
    "expectation_under",
]

#: ROUNDING: of sums, relative to their limit and to what they fall short of it.
ROUNDING = 1024 * np.finfo(float).eps

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
    :math:`n_i \ge 1`. Menus of a batch are all under the same law. Where nobody turns up who
    contributes nothing is collected, and the curve itself says what that is worth.

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
        empty = [Empty.of(self.law, m <= 0) for m in contributions]
        at_0 = a.limit - float(accuracy(0.0)), v.limit - float(value(0.0))
        # At 0 the curve itself; but tangent planes of an envelope's sums are bounds, with a
        # smaller slope they were not.
        steep = np.zeros(2)
        if not isinstance(accuracy, ConcaveEnvelope):
            sums = rates @ a_weights, rates @ v_weights
            steep = np.array(sums) - [float(accuracy.derivative(0.0)), float(value.derivative(0.0))]

        def mean(limit: float, missing: float, weights: FloatArray) -> FloatArray:
            pairs = zip(pieces, empty, strict=True)
            return np.array(
                [limit - no.chance * missing - it.somebody @ weights for it, no in pairs]
            )

        present, pairs = self.law.present, list(zip(pieces, empty, strict=True))
        return TransformMoments(
            accuracy=mean(a.limit, at_0[0], a_weights),
            accuracy_gradient=np.array(
                [it.gradient @ a_weights - no.counts * steep[0] for it, no in pairs]
            ),
            value=mean(v.limit, at_0[1], v_weights),
            values=np.array(
                [
                    v.limit - (no.present * at_0[1] + it.present @ v_weights) / present
                    for it, no in pairs
                ]
            ),
            value_jacobian=np.array(
                [
                    (it.present_gradient @ v_weights - no.seen_counts * steep[1]) / present[:, None]
                    for it, no in pairs
                ]
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
        moments = self.moments(accuracy, value, contributions)
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
        # Of idle types, what others collect is a difference: rounding counts as they are rare.
        lost = ROUNDING * (v.limit + np.abs(v.limit - moments.value))[:, None]
        rare = np.where(contributions <= 0, lost / self.law.present, 0.0)
        relative = max(a.slope_error, v.slope_error) + ROUNDING
        parties = self.law.mean_counts.sum()
        low_counts, tangent_counts = counted.sum(axis=2)
        steep = [fit.steepness for fit in (a, v)]
        slopes = [
            low_counts * steep[k]
            + tangent_counts * slope_off[k]
            + parties * relative * fit.slope_floor
            for k, fit in enumerate((a, v))
        ]
        of_accuracy = wrong(a, moments.accuracy, ROUNDING)
        return Uncertainty(
            overstated=of_accuracy + some[0] * a.overshoot,
            accuracy=of_accuracy + some[0] * a.depth + some[1] * max(off[0], 0.0),
            values=wrong(v, moments.values, ROUNDING)
            + rare
            + seen[0] * (v.depth + v.overshoot)
            + seen[1] * max(off[1], 0.0),
            relative_slope=relative,
            accuracy_slope=slopes[0],
            value_slopes=slopes[1][:, None] / self.law.present,
        )


@dataclass(frozen=True, eq=False)
class Empty:
    """Outcomes in which nothing comes together, since only idle types turn up, or nobody.

    Attributes
    ----------
    chance : float
        P(S = 0).
    present : (I,) ndarray
        P(S = 0, n_i >= 1).
    counts : (I,) ndarray
        E[n_k; S = 0].
    seen_counts : (I, I) ndarray
        E[n_k; S = 0, n_i >= 1].
    """

    chance: float
    present: FloatArray
    counts: FloatArray
    seen_counts: FloatArray

    @classmethod
    def of(cls, law: Attendance, idle: BoolArray) -> Empty:
        n_types = idle.size
        # All at once: of idle types, and of all but one of them.
        z = np.repeat(idle.astype(float)[:, None], n_types + 1, axis=1)
        z[np.arange(n_types), np.arange(n_types) + 1] = 0.0
        log, by_z, _ = law.log_transform(z, z - 1)
        chances = np.exp(log)
        counts = np.where(idle[:, None], z * by_z * chances, 0.0)
        return cls(
            float(chances[0]),
            np.where(idle, -chances[0] * np.expm1(np.minimum(log[1:] - log[0], 0.0)), 0.0),
            counts[:, 0],
            np.where(idle[:, None], counts[:, 0] - counts[:, 1:].T, 0.0),
        )


@dataclass(frozen=True, eq=False)
class Piece:
    """Transforms of one menu and their derivatives in the contributions, over J rates.

    Attributes
    ----------
    somebody : (J,) ndarray
        E[exp(-u S); S > 0].
    count : (I, J) ndarray
        E[n_i exp(-u S)].
    gradient : (I, J) ndarray
        Minus the gradient of E[exp(-u S)].
    hessian : (I, I, J) ndarray
        Its Hessian.
    present : (I, J) ndarray
        E[exp(-u S); n_i >= 1, S > 0].
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
        exponents = -np.outer(m, rates)
        z, below = np.exp(exponents), np.expm1(exponents)
        log, first, second = _in_contributions(law, rates, z, below)
        whole = np.exp(log)
        idle = m == 0
        some = whole * law.somebody(z, idle)
        present, firsts, without = [], [], []
        for i in range(m.size):
            absent, below_i = z.copy(), below.copy()
            absent[i], below_i[i] = 0.0, -1.0
            log_i, first_i, second_i = _in_contributions(law, rates, absent, below_i)
            if idle[i]:
                present.append(some - np.exp(log_i) * law.somebody(absent, idle))
            else:
                present.append(-whole * np.expm1(np.minimum(log_i - log, 0.0)))
            firsts.append(first_i)
            without.append(second_i)
        return cls(
            # Chernoff's bounds look for the least multiple: nothing may be lost to cancellation.
            somebody=some,
            count=first / rates,
            gradient=first,
            hessian=second,
            present=np.array(present),
            present_gradient=first - np.array(firsts),
            absent_hessians=without,
        )


def _in_contributions(
    law: Attendance, rates: FloatArray, z: FloatArray, below: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logarithm of G (J,), minus the gradient of G in m (I, J), its Hessian (I, I, J)."""
    log, by_z, twice = law.log_transform(z, below)
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
