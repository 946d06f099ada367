"""Expectations as sums of powers: whatever the number of parties, at the cost of a few types.

With M = sum p_i exp(-u m_i) a term of E[a(S)] is M^N. What a type sees of it is, with
q_i = p_i exp(-u m_i), (M^N - (M - q_i)^N) / (1 - (1 - p_i)^N) under the paper's beliefs and
q_i M^(N-1) / p_i under its own. Outcomes with nobody but the costliest types are taken out by the
same powers of sums over those types alone. What remains is concave.
"""

import math
from dataclasses import dataclass

from .curve import ROUNDING
from .law import Law

__all__ = ["Moments", "no_moments", "sum_moments"]

#: NEGLIGIBLE: logarithm of a power that is not worth its time.
NEGLIGIBLE = -60.0

#: TINY: more than such a power can be to any type.
TINY = 2e-26

#: LEAST: a number that is not 0, and no power of which is wanted below it.
LEAST = 1e-300

#: LEVER: largest exponent in Chernoff's bound, which is useless there.
LEVER = 600.0


@dataclass(eq=False)
class Moments:
    """E[a(S)], what each type sees of it, and derivatives in the contributions.

    Attributes
    ----------
    accuracy : float
    values : list of float
        E[a(S)] as each type sees it.
    gradient : list of float
        Of ``accuracy``.
    jacobian : list of float
        Of ``values``: type i's in the contribution of h at i times the number of types plus h.
    hessian : list of float
        Of ``accuracy`` plus the priced sum of ``values``, if asked for.
    tail : float
        Bound on the probability of less data than the curve's ``touch``, of what sums count.
    tails : list of float
        The same as each type sees it.
    """

    accuracy: float
    values: list[float]
    gradient: list[float]
    jacobian: list[float]
    hessian: list[float]
    tail: float
    tails: list[float]


def no_moments(size: int) -> Moments:
    """Room for the moments of so many kinds."""
    return Moments(
        0.0,
        [0.0] * size,
        [0.0] * size,
        [0.0] * (size * size),
        [0.0] * (size * size),
        0.0,
        [0.0] * size,
    )


def sum_moments(law: Law, m: list[float], prices: list[float], bend: bool) -> Moments:
    """Sums over all outcomes, less those with nobody but the ``idle`` first kinds."""
    scheme, curve, p, present = law.scheme, law.scheme.curve, law.kinds, law.present
    n, size, idle = scheme.n, len(m), law.idle
    result = no_moments(size)
    values, jacobian = result.values, result.jacobian
    share = [0.0] * size
    for i in range(size):
        share[i] = prices[i] / present[i]
    tails = [0.0] * (len(curve.rates) * (size + 1))
    add = _Adding(law, m, share, bend, result, tails, share[:], share[:], share[:])
    add.powers(size, 1.0)
    mass, limit = 1.0, present[:]
    if idle > 0:
        add.powers(idle, -1.0)
        among = 0.0
        for i in range(idle):
            among += p[i]
        log_among = math.log(among)
        all_idle = math.exp(n * log_among)
        one_less = math.exp((n - 1) * log_among)
        mass -= all_idle
        for i in range(idle):
            rest = math.log1p(-min(p[i] / among, 1 - ROUNDING))
            limit[i] -= p[i] * one_less if scheme.own else -all_idle * math.expm1(n * rest)
            if law.line:
                for h in range(idle):
                    # E[n_l; nobody else], and the same as type i sees it, times present_i.
                    each = n * p[h] * one_less * curve.touch_slope
                    if scheme.own:
                        seen = p[i] * p[h] * (n - 1) * one_less / among
                        seen = (seen + p[i] * one_less if i == h else seen) * curve.touch_slope
                    else:
                        seen = each if i == h else -each * math.expm1((n - 1) * rest)
                    values[i] -= seen * m[h]
                    jacobian[i * size + h] += seen
                    if i == 0:
                        result.accuracy -= each * m[h]
                        result.gradient[h] += each
    result.accuracy = mass * curve.top - result.accuracy
    for i in range(size):
        values[i] = (limit[i] * curve.top - values[i]) / present[i]
        for h in range(size):
            jacobian[i * size + h] /= present[i]
            if h > i:
                result.hessian[i * size + h] = result.hessian[h * size + i]
    # Chernoff: P(S < touch) <= exp(u touch) E[exp(-u S)], for the best u.
    result.tail = 1.0
    for i in range(size):
        result.tails[i] = 1.0
    for j in range(len(curve.rates)):
        lever = math.exp(min(curve.rates[j] * curve.touch, LEVER))
        result.tail = min(result.tail, lever * (max(tails[j * (size + 1)], 0.0) + TINY))
        for i in range(size):
            here = max(tails[j * (size + 1) + 1 + i] / present[i], 0.0)
            result.tails[i] = min(result.tails[i], lever * (here + TINY))
    return result


@dataclass(frozen=True, eq=False)
class _Adding:
    """Adds, rate by rate, the powers over the outcomes with nobody but the first so many kinds.

    ``share`` are prices divided by ``present``; ``tails`` takes up E[exp(-u S)] and what each kind
    sees of it times ``present``, for every rate u. The last three lists are room to work in.
    """

    law: Law
    m: list[float]
    share: list[float]
    bend: bool
    result: Moments
    tails: list[float]
    rest_2: list[float]
    rest_1: list[float]
    with_1: list[float]

    def powers(self, some: int, sign: float) -> None:
        """Add them, times a sign."""
        scheme, curve, p, m = self.law.scheme, self.law.scheme.curve, self.law.kinds, self.m
        n, size = scheme.n, len(m)
        q = [0.0] * some
        among = 0.0
        for i in range(some):
            among += p[i]
        log_among = 0.0 if some == size else math.log(among)
        for j in range(len(curve.rates)):
            u = curve.rates[j]
            below, mean = 0.0, 0.0
            for i in range(some):
                decay = math.expm1(-u * m[i])
                below += p[i] * decay
                q[i] = p[i] * (1 + decay) if decay > -0.5 else p[i] * math.exp(-u * m[i])
                mean += q[i]
            below /= among
            log_mean = math.log(max(mean, LEAST))
            if below > -0.5:
                log_mean = log_among + math.log1p(below)
            if (n - 1) * log_mean < NEGLIGIBLE:
                continue
            if scheme.own:
                self.term_own(j, q, sign * curve.weights[j], sign, log_mean)
            else:
                self.term(j, q, sign * curve.weights[j], sign, log_mean)

    def term(self, j: int, q: list[float], weight: float, sign: float, log_mean: float) -> None:
        """One rate under the paper's beliefs.

        ``with_k`` is M^(N-k) - (M - q_i)^(N-k), what a kind's presence adds to a power, and
        ``rest_k`` is (M - q_i)^(N-k).
        """
        law, share, tails = self.law, self.share, self.tails
        n, u, size, some = law.scheme.n, law.scheme.curve.rates[j], len(self.m), len(q)
        values, gradient = self.result.values, self.result.gradient
        jacobian, hessian = self.result.jacobian, self.result.hessian
        rest_2, rest_1, with_1 = self.rest_2, self.rest_1, self.with_1
        mean = math.exp(log_mean)
        all_2 = math.exp((n - 2) * log_mean)
        all_1 = mean * all_2
        all_0 = mean * all_1
        tails[j * (size + 1)] += sign * all_0
        self.result.accuracy += weight * all_0
        sum_2, sum_1 = 0.0, 0.0
        for i in range(some):
            part = min(q[i] / mean, 1 - ROUNDING)
            with_2 = -all_2 * math.expm1((n - 2) * math.log1p(-part))
            rest_2[i] = all_2 - with_2
            rest_1[i] = max(mean - q[i], 0.0) * rest_2[i]
            with_1[i] = mean * with_2 + q[i] * rest_2[i]
            with_0 = mean * with_1[i] + q[i] * rest_1[i]
            values[i] += weight * with_0
            tails[j * (size + 1) + 1 + i] += sign * with_0
            sum_2 += share[i] * with_2
            sum_1 += share[i] * with_1[i]
        pull = weight * u * n
        for h in range(some):
            by = pull * q[h]
            gradient[h] += by * all_1
            for i in range(some):
                jacobian[i * size + h] += by * (all_1 if i == h else with_1[i])
        if self.bend:
            pull *= u
            for i in range(some):
                by = pull * q[i]
                common = all_2 + sum_2 + share[i] * rest_2[i]
                for h in range(i):
                    both = common + share[h] * rest_2[h]
                    hessian[i * size + h] -= by * (n - 1) * q[h] * both
                alone = (n - 1) * q[i] * common + all_1 + sum_1 + share[i] * rest_1[i]
                hessian[i * size + i] -= by * alone

    def term_own(self, j: int, q: list[float], weight: float, sign: float, log_mean: float) -> None:
        """One rate under a party's own beliefs."""
        law, share, tails = self.law, self.share, self.tails
        n, u, size, some = law.scheme.n, law.scheme.curve.rates[j], len(self.m), len(q)
        values, gradient = self.result.values, self.result.gradient
        jacobian, hessian = self.result.jacobian, self.result.hessian
        mean = math.exp(log_mean)
        all_2 = math.exp((n - 2) * log_mean)
        all_1 = mean * all_2
        all_0 = mean * all_1
        tails[j * (size + 1)] += sign * all_0
        self.result.accuracy += weight * all_0
        priced = 0.0
        pull = weight * u
        for i in range(some):
            with_0 = q[i] * all_1
            priced += share[i] * q[i]
            values[i] += weight * with_0
            tails[j * (size + 1) + 1 + i] += sign * with_0
            gradient[i] += pull * n * with_0
            by = pull * (n - 1) * all_2 * q[i]
            for h in range(some):
                jacobian[i * size + h] += by * q[h]
            jacobian[i * size + i] += pull * with_0
        if self.bend:
            pull *= u
            thrice = (n - 2) * math.exp((n - 3) * log_mean) * priced if n > 2 else 0.0
            for i in range(some):
                by = pull * (n - 1) * q[i]
                common = all_2 * (n + share[i]) + thrice
                for h in range(i):
                    hessian[i * size + h] -= by * q[h] * (common + all_2 * share[h])
                twice = by * (q[i] * (common + all_2 * share[i]) + all_2 * priced)
                hessian[i * size + i] -= twice + pull * q[i] * all_1 * (n + share[i])
