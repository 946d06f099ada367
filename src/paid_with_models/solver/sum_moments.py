"""Moments of the total contribution from exponential sums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..accuracy import BoolArray, ConcaveEnvelope, Curve, FloatArray, IntArray
from .fits import ROUNDING, fit_both, joined, wrong
from .moments import Uncertainty

__all__ = ["SumExpectation", "SumMoments"]


@dataclass(frozen=True, eq=False)
class _Terms:
    r"""The exponentials of a batch of menus, (B, I, J) or (B, 1, J), and what derives from them.

    With rates :math:`u_j`, :math:`q_{ij} = p_i e^{-u_j m_i}` and :math:`M_j = \sum_i q_{ij}`:

    =============  ==============================================================================
    ``alone``      :math:`e^{-u m_i}`
    ``q``          :math:`q_i`
    ``mean``       :math:`M`
    ``pull``       :math:`-\partial M / \partial m_i = u q_i`
    ``all_2``      :math:`M^{N-2}`: exponentials of all but two parties
    ``rest_2``     :math:`(M - q_i)^{N-2}`: the same where none of them is of type i
    ``with_2``     :math:`M^{N-2} - (M - q_i)^{N-2}`: where one of them is, without cancellation
    ``all_1``      :math:`M^{N-1}`, and so on for all but one party
    ``rest_1``     :math:`(M - q_i)^{N-1} = (M - q_i)\, (M - q_i)^{N-2}`
    ``with_1``     :math:`M^{N-1} - (M - q_i)^{N-1} = M\, \text{with}_2 + q_i\, \text{rest}_2`
    ``present``    :math:`P(n_i \ge 1) = 1 - (1 - p_i)^N`
    =============  ==============================================================================

    Given :math:`n_i \ge 1`, type i sees
    :math:`E[e^{-uS}] = (M^N - (M - q_i)^N) / P(n_i \ge 1)`; its derivative in :math:`m_k` is
    :math:`-N (u q_k\, \text{with}_1 + [i = k]\, u q_i\, \text{rest}_1)`
    over the same: ``spread`` times ``pull`` and ``own``. Under its own beliefs it sees
    :math:`e^{-u m_i} M^{N-1}`.
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
        """M^(N-2), (B, 1, J)."""
        return np.asarray(np.exp((self.n - 2) * self.log_mean))

    @cached_property
    def with_2(self) -> FloatArray:
        """M^(N-2) - (M - q)^(N-2), (B, I, J)."""
        share = np.minimum(self.q / self.mean, 1 - 2.0**-53)
        return np.asarray(-self.all_2 * np.expm1((self.n - 2) * np.log1p(-share)))

    @cached_property
    def rest_2(self) -> FloatArray:
        """(M - q)^(N-2), (B, I, J)."""
        return self.all_2 - self.with_2

    @cached_property
    def all_1(self) -> FloatArray:
        """M^(N-1), (B, 1, J)."""
        return np.asarray(np.exp((self.n - 1) * self.log_mean))

    @cached_property
    def rest_1(self) -> FloatArray:
        """(M - q)^(N-1), (B, I, J)."""
        return np.maximum(self.mean - self.q, 0.0) * self.rest_2

    @cached_property
    def with_1(self) -> FloatArray:
        """M^(N-1) - (M - q)^(N-1), (B, I, J)."""
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
        """What each type's own contribution adds to the Jacobian's diagonal, (B, I)."""
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
    def idle(self) -> BoolArray:
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

    def collected(self) -> tuple[FloatArray, FloatArray]:
        """E[exp(-u S); S > 0], (B, J), and what each type's value then falls short of its limit.

        Differences from what idle types alone add up to are taken before anything is rounded:
        weights can be so large that little would be left.
        """
        if not np.any(self.idle):
            return (self.mean * self.all_1)[:, 0], self.values()
        n, idle = self.n[:, :, 0], self.idle
        chance = np.exp(self.log_idle)
        busy = np.where(idle[:, :, None], 0.0, self.q).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            rise = np.log1p(np.where(busy > 0, busy / chance, 0.0))  # of log M over log chance
            some = -(self.mean * self.all_1)[:, 0] * np.expm1(-n * rise)
            if self.own_beliefs:
                short = -self.all_1[:, 0] * np.expm1(-(n - 1) * rise)
                of_idle = np.broadcast_to((short @ self.value_weights)[:, None], idle.shape)
                return some, np.where(idle, of_idle, self.values())
            here = idle.any(axis=0)  # somewhere in the batch
            p = self.p[:, here, None]
            share = np.minimum(p / self.mean, 1 - 2.0**-53)
            absent = self.n * np.log1p(-share)  # of the type, among all
            # The same among those idle: the odds of its absence there, against those among all.
            others = sums_of_others(np.where(idle, self.p, 0.0))[:, here, None]
            worse = np.log1p(p * busy[:, None] / (others * self.mean))
            worse = np.where(busy[:, None] > 0, worse, 0.0)
            less = np.exp(self.n * self.log_idle[:, :, None] + absent)
            of_idle = -some[:, None] * np.expm1(absent) + less * np.expm1(-self.n * worse)
        values = self.values()
        values[:, here] = np.where(
            idle[:, here], of_idle @ self.value_weights / self.present[:, here], values[:, here]
        )
        return some, values

    def little(self, low: float) -> tuple[FloatArray, FloatArray]:
        """Chernoff's bound on P(0 < S < low), (B,), and on that as any type sees it."""
        some = np.min(self.collected()[0] * np.exp(self.rates * low), axis=1)
        # As a type sees it: at most so much more likely.
        rarest = self.p.min(axis=1) if self.own_beliefs else self.present.min(axis=1)
        return np.minimum(some, 1.0), np.minimum(some / rarest, 1.0)

    def nothing(self) -> tuple[FloatArray, FloatArray]:
        """P(S = 0), (B,), and as each type sees it, (B, I)."""
        n = self.n[:, :, 0]
        seen = np.exp((n - 1) * self.log_idle)
        if not self.own_beliefs:
            seen = self._with_0(n) / self.present
        return np.exp(n * self.log_idle)[:, 0], np.where(self.idle, seen, 0.0)

    def first(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """E[n_k; S = 0], (B, I), and as each type i sees it: who could begin.

        The second is left_i right_k, and what is added where i = k; (B, I) each.
        """
        n = self.n[:, :, 0]
        others = np.exp((n - 1) * self.log_idle)
        own = np.broadcast_to(others, self.p.shape)
        if self.own_beliefs:
            two_off = np.exp((n - 2) * np.maximum(self.log_idle, -1e9))  # 0 times infinity is 0
            each = np.broadcast_to((n - 1) * two_off, own.shape)
        else:
            each = n * self._with_0(n - 1) / self.present
            own = n * self.p * (others - self._with_0(n - 1)) / self.present
        parts = n * self.p * others, each, self.p, own
        first, left, right, same = (np.where(self.idle, part, 0.0) for part in parts)
        return first, left, right, same

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


def sums_of_others(shares: FloatArray) -> FloatArray:
    """Sums over all other types, (B, I): no differences, in which rare types would be lost.

    Examples
    --------
    >>> sums_of_others(np.array([[1.0, 1e-20, 2.0]])).tolist()
    [[2.0, 3.0, 1.0]]
    """
    sums = np.zeros_like(shares)
    np.cumsum(shares[:, :-1], axis=1, out=sums[:, 1:])
    sums[:, :-1] += np.cumsum(shares[:, :0:-1], axis=1)[:, ::-1]
    return sums


@dataclass(frozen=True, eq=False)
class SumMoments:
    """Expected accuracy and value of a batch of menus, and their derivatives, from sums.

    The counterpart of :class:`paid_with_models.solver.moments.Moments`, with the same attributes;
    Jacobian and curvature, which are of low rank, are made only when asked for.
    """

    accuracy: FloatArray
    accuracy_gradient: FloatArray
    value: FloatArray
    values: FloatArray
    terms: _Terms
    # Of the Jacobian of the sums over that of the curves at 0: left_i right_k, and where i = k.
    excess: tuple[FloatArray, FloatArray, FloatArray] | None = None

    @cached_property
    def value_jacobian(self) -> FloatArray:
        """Jacobian of ``values``, (B, I, I)."""
        jacobian = self.terms.spread @ self.terms.pull.swapaxes(1, 2)
        diagonal = np.arange(jacobian.shape[1])
        jacobian[:, diagonal, diagonal] += self.terms.own
        if self.excess is not None:
            left, right, same = self.excess
            jacobian -= left[:, :, None] * right[:, None, :]
            jacobian[:, diagonal, diagonal] -= same
        return np.asarray(jacobian)

    def weighted_gradient(self, prices: FloatArray) -> FloatArray:
        """Gradient of E[a(S)] + sum over types of prices (B, I) times values, (B, I)."""
        terms = self.terms
        seen = np.einsum("bi,bij->bj", prices, terms.spread)
        pulled = np.einsum("bj,bij->bi", seen, terms.pull) + prices * terms.own
        if self.excess is not None:
            left, right, same = self.excess
            pulled -= np.sum(prices * left, axis=1, keepdims=True) * right + prices * same
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


@dataclass(frozen=True, eq=False)
class SumExpectation:
    """Moments of the total contribution by exponential sums, for a batch of B problems.

    The counterpart of :class:`paid_with_models.solver.moments.Enumeration`; numbers of parties may
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

    @property
    def fewest_parties(self) -> FloatArray:
        """How many parties there are at least, (B,)."""
        return self.n_parties

    def take(self, rows: IntArray) -> SumExpectation:
        """The batch reduced to some of its problems."""
        return replace(self, n_parties=self.n_parties[rows], probabilities=self.probabilities[rows])

    def shortfall(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> FloatArray:
        """How far moments may lie below those of the curves, relative to their limits, (B,).

        The fits' errors, and Chernoff's bound on the probability of data in (0, low).
        """
        a, v = fit_both(accuracy, value, self.low, self.high)
        terms = self.moments(accuracy, value, contributions).terms
        tail = terms.little(self.low)[1]
        return np.asarray(
            np.maximum(
                (a.error + tail * a.depth) / a.limit,
                (v.error + tail * v.depth) / v.limit,
            )
        )

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        """How far the envelopes' moments may lie above those of the sums, at these menus.

        Above ``low`` by the errors of the fits; below the tangent points by at most what the sum
        falls short of the limit at 0, times Chernoff's bound on the probability of that.
        """
        a, v = fit_both(accuracy, value, self.low, self.high)
        moments = self.moments(accuracy, value, contributions)
        terms = moments.terms
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
        seen = np.minimum(seen, 1.0)
        parties, relative = self.n_parties, max(a.slope_error, v.slope_error) + ROUNDING
        of_accuracy = wrong(a, moments.accuracy)
        return Uncertainty(
            overstated=of_accuracy + terms.little(self.low)[0] * a.overshoot,
            accuracy=of_accuracy + tail * a.depth,
            values=wrong(v, moments.values) + seen * (v.depth + v.overshoot),
            relative_slope=relative,
            accuracy_slope=parties * (tail * a.steepness + relative * a.slope_floor),
            value_slopes=parties[:, None] * (seen * v.steepness + relative * v.slope_floor),
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
        all_0, short = terms.collected()
        missing = np.zeros(len(contributions)), np.zeros(len(contributions)), np.zeros(short.shape)
        gradient, excess = (terms.n * terms.pull * terms.all_1) @ a_weights, None
        if np.any(terms.idle):  # the curves themselves where nothing comes together
            nothing, seen = terms.nothing()
            at_0 = a.limit - float(accuracy(0.0)), v.limit - float(value(0.0))
            missing = nothing * at_0[0], nothing * at_0[1], seen * at_0[1]
            # Tangent planes of an envelope's sums are bounds; with a smaller slope they were not.
            if not isinstance(accuracy, ConcaveEnvelope):
                first, left, right, same = terms.first()
                gradient = gradient - first * (rates @ a_weights - float(accuracy.derivative(0.0)))
                more = rates @ v_weights - float(value.derivative(0.0))
                excess = more * left, right, more * same
        if v.overshoot and self.low > 0:  # caps are never too high
            short = short + terms.little(self.low)[1][:, None] * v.overshoot
        return SumMoments(
            accuracy=a.limit - all_0 @ a_weights - missing[0],
            accuracy_gradient=np.asarray(gradient),
            value=v.limit - all_0 @ v_weights - missing[1],
            values=v.limit - short - missing[2],
            terms=terms,
            excess=excess,
        )
