"""The best menu under other laws of who turns up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..accuracy import Curve, FloatArray
from ..attendance import Attendance
from ..problem import autarky_at
from ..solver.bounds import dual_bound
from ..solver.interior_point import maximize
from ..solver.menus import Incumbents, priced, repaired
from ..solver.moments import Uncertainty
from ..solver.program import Chain, FirstMoment, least_utilities
from ..solver.sum_moments import fit_both, joined, sum_range
from ..valuation import LinearValuation, ModelValue, Valuation

__all__ = ["AttendanceContract", "solve_attendance"]


#: Exponents u x at which Chernoff's bound on P(S < x) is tried.
CHERNOFF_EXPONENTS = np.geomspace(1e-2, 600.0, 80)


PERFECT_MODEL_IS_WORTH_100 = LinearValuation(100.0)


@dataclass(frozen=True, eq=False)
class AttendanceContract:
    """A menu under some law of attendance; types in the order of the costs given.

    Attributes
    ----------
    contributions, rewards, utilities : (I,) ndarray
        m_i, units of data; t_i and u_i, units of value.
    reservation_utilities : (I,) ndarray
        f_i, of autarky.
    reward_caps : (I,) ndarray
        E[v(a(S)) | n_i >= 1]; like the next, a bound from below where little data may come
        together.
    expected_accuracy, upper_bound, gap : float
        E[a(S)], and a proven bound on that of every menu.
    """

    contributions: FloatArray
    rewards: FloatArray
    utilities: FloatArray
    reservation_utilities: FloatArray
    reward_caps: FloatArray
    expected_accuracy: float
    upper_bound: float
    gap: float


def solve_attendance(
    law: Attendance,
    costs: npt.ArrayLike,
    accuracy: Curve,
    valuation: Valuation = PERFECT_MODEL_IS_WORTH_100,
) -> AttendanceContract:
    """The best menu under a law of attendance, with a proven bound.

    Outside options are those of autarky. Accuracy that is not concave where outcomes can fall is
    bounded by its concave envelope; nothing closes what gap that leaves.

    Parameters
    ----------
    law : Attendance
    costs : (I,) array_like > 0
        Per unit of data; must differ.
    accuracy : Curve
    valuation : Valuation

    Returns
    -------
    AttendanceContract

    Raises
    ------
    ValueError
        If costs are not positive, do not differ, or are not as many as the law has types; or if
        the curves admit no exponential sum.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem, solve
    >>> costs, curve = [0.2, 0.05], GeneralizationBound()
    >>> fixed = solve_attendance(UnlikeParties([10], [[0.5, 0.5]]), costs, curve)
    >>> contract = solve(Problem(10, [0.5, 0.5], costs, curve))
    >>> abs(fixed.expected_accuracy - contract.expected_accuracy) < 1e-10
    True
    >>> poisson = solve_attendance(PoissonParties(10, [0.5, 0.5]), costs, curve)
    >>> poisson.expected_accuracy < fixed.expected_accuracy, poisson.gap < 1e-3
    (True, True)
    """
    c = np.array(costs, dtype=float)
    if c.shape != law.present.shape or not np.all((c > 0) & (c < np.inf)):
        raise ValueError(
            f"costs must be {law.present.size} positive numbers, one for each type; got {costs!r}"
        )
    if np.unique(c).size < c.size:
        raise ValueError(f"costs must differ from each other; got {costs!r}")
    value = ModelValue(accuracy, valuation)
    order = np.argsort(-c, kind="stable")
    c = c[order][None]
    reach = sum_range(accuracy, value, law.most_parties * value.optimum / float(c.min()))
    if reach is None:
        raise ValueError(f"accuracy must be an exponential sum; {accuracy!r} has none")
    expectation = _Transformed(law.reordered(order), *reach)
    unit, alone = value.optimum, autarky_at(value, c)
    chain = Chain.of((False,) * c.size)
    exact, envelope = (
        FirstMoment(expectation, a, v, unit, c / unit, alone.utilities / unit, chain)
        for a, v in ((accuracy, value), (accuracy.envelope(), value.envelope()))
    )
    bounding = maximize(envelope)
    bound = dual_bound(envelope, bounding.point, bounding.row_prices, bounding.cap_prices)
    menus = priced(exact, alone.contributions, bounding)
    best = Incumbents(menus, menus.point.moments.accuracy)
    point = best.improved(exact, repaired(exact, bounding, alone.contributions)).menus.point

    m = point.contributions
    u = least_utilities(m, exact.costs, exact.reservation_utilities) * unit
    back = np.argsort(order)
    # Where little data come together the sums are below the curves, even below their start.
    reached = max(float(point.moments.accuracy[0]), float(accuracy(0.0)))
    upper = max(float(bound[0]), reached)
    return AttendanceContract(
        contributions=m[0, back],
        rewards=(u + c * m)[0, back],
        utilities=u[0, back],
        reservation_utilities=alone.utilities[0, back],
        reward_caps=np.maximum(point.moments.values[0, back], float(value(0.0))),
        expected_accuracy=reached,
        upper_bound=upper,
        gap=upper - reached,
    )


@dataclass(frozen=True, eq=False)
class _Transformed:
    """Moments of the total contribution from a generating function and exponential sums.

    Menus of a batch are all under the same law. Where nobody turns up nothing is collected, and
    the curve itself says what that is worth.
    """

    law: Attendance
    low: float
    high: float

    def take(self, rows: npt.NDArray[np.intp]) -> _Transformed:
        """The same law, for some of the menus."""
        return self

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> _Moments:
        """Moments of accuracy and value for contributions of shape (B, I)."""
        a, v = fit_both(accuracy, value, self.low, self.high)
        rates, a_weights, v_weights = joined(a, v)
        pieces = [_Piece.of(self.law, rates, m) for m in np.maximum(contributions, 0.0)]
        nobody = np.exp(self.law.log_nobody)

        def mean(curve: Curve, limit: float, weights: FloatArray) -> FloatArray:
            empty = nobody * (float(curve(0.0)) - limit)
            return np.array([limit + empty - it.some @ weights for it in pieces])

        present = self.law.present
        return _Moments(
            accuracy=mean(accuracy, a.limit, a_weights),
            accuracy_gradient=np.array([it.first @ a_weights for it in pieces]),
            value=mean(value, v.limit, v_weights),
            values=np.array([v.limit - it.seen @ v_weights / present for it in pieces]),
            value_jacobian=np.array(
                [it.seen_first @ v_weights / present[:, None] for it in pieces]
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
                pieces = [_Piece.of(self.law, rates, m) for m in np.maximum(contributions, 0.0)]
                grow = np.exp(CHERNOFF_EXPONENTS)
                some[k] = [min(float((grow * it.some).min()), 1.0) for it in pieces]
                counted[k] = [(grow * it.counted).min(axis=1) for it in pieces]
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
class _Piece:
    """Transforms of one menu and their derivatives in the contributions, over J rates.

    Attributes
    ----------
    some : (J,) ndarray
        E[exp(-u S); n > 0].
    counted : (I, J) ndarray
        E[n_i exp(-u S)].
    first : (I, J) ndarray
        Minus the gradient of E[exp(-u S)].
    second : (I, I, J) ndarray
        Its Hessian.
    seen : (I, J) ndarray
        E[exp(-u S); n_i >= 1].
    seen_first : (I, I, J) ndarray
        Minus its Jacobian.
    without : list of (first, second)
        As above, for E[exp(-u S); n_i = 0].
    """

    some: FloatArray
    counted: FloatArray
    first: FloatArray
    second: FloatArray
    seen: FloatArray
    seen_first: FloatArray
    without: list[FloatArray]

    @classmethod
    def of(cls, law: Attendance, rates: FloatArray, m: FloatArray) -> _Piece:
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
            some=whole * law.somebody(z),
            counted=first / rates,
            first=first,
            second=second,
            seen=-whole * np.expm1(np.minimum(np.array(logs) - log, 0.0)),
            seen_first=first - np.array(firsts),
            without=without,
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
class _Moments:
    """The counterpart of :class:`paid_with_models.solver.moments.Moments`."""

    accuracy: FloatArray
    accuracy_gradient: FloatArray
    value: FloatArray
    values: FloatArray
    value_jacobian: FloatArray
    pieces: list[_Piece]
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
            hessian = -piece.second @ (a + price.sum() * v)
            for part, absent in zip(price, piece.without, strict=True):
                hessian += part * (absent @ v)
            result.append(hessian)
        return np.array(result)
