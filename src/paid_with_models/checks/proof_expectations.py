r"""Expectations over who turns up, in balls: what the checker of proofs needs of them.

A menu with contributions m collects :math:`S = n \cdot m` in outcome n. Wanted are
:math:`E[a(S)]`, each type's :math:`E_i[v(a(S))]`, and *linear* functions of other contributions m'
that are at least as high: :class:`Enumeration` sums over all outcomes, :class:`Sums` over the terms
of an exponential sum whose distance from the curve it proves.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from flint import arb, fmpq

from .proof_curves import DEEPEST, ExactCurve, confirm, confirm_fields, rational, rationals

__all__ = ["MOST_OUTCOMES", "Enumeration", "Expectations", "Model", "Sums"]

#: MOST_OUTCOMES: most outcomes that are enumerated, a minute's work or so.
MOST_OUTCOMES = 1_000_000

#: TAYLOR: terms of the polynomials that prove an exponential sum.
TAYLOR = 20

#: FINEST: remainders below this share of the limit are small enough.
FINEST = fmpq(1, 10**17)


@dataclass(frozen=True, eq=False)
class Model:
    """A problem in exact numbers and balls.

    Attributes
    ----------
    n_parties : int
    p, costs : list of fmpq
    own : bool
        Whether a party knows its own type (``beliefs: own``).
    accuracy, value : ExactCurve
    scale : fmpq or None
        Of a linear valuation.
    outside : list of arb
        Outside options f_i.
    optional : list of bool
        Types that may be left out: those whose outside option may be better than autarky.
    top : list of fmpq
        No type contributes more in any menu: c_i m_i <= v(a_opt) - f_i.
    """

    n_parties: int
    p: list[fmpq]
    costs: list[fmpq]
    own: bool
    accuracy: ExactCurve
    value: ExactCurve
    scale: fmpq | None
    outside: list[arb]
    optional: list[bool]
    top: list[fmpq]


Menu = list[fmpq]


class Expectations(Protocol):
    """What both ways of taking expectations offer."""

    def means(self, menu: Menu) -> tuple[arb, list[arb]]:
        """E[a(S)], and E[v(a(S))] as each type sees it."""

    def plane(
        self, at: Menu, low: Menu, high: Menu, share: fmpq, prices: list[fmpq]
    ) -> tuple[arb, list[arb]]:
        """Constant and gradient of a linear function of the contributions, in a box.

        It is at least share E[a(S)] + sum over types of prices E_i[v(a(S))] for all contributions
        between ``low`` and ``high``, and closest at the menu ``at``.
        """


class Enumeration:
    """Sums over all outcomes n, the numbers of parties of each type.

    Parameters
    ----------
    model : Model

    Raises
    ------
    RefusedError
        For more than ``MOST_OUTCOMES`` outcomes.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        n, p = model.n_parties, model.p
        confirm(math.comb(n + len(p) - 1, n) <= MOST_OUTCOMES, "too many outcomes to enumerate")
        powers = [exponential_terms(x, n) for x in p]
        orders = arb.fac_ui(n)
        self.outcomes = [
            (counts, math.prod((powers[i][k] for i, k in enumerate(counts)), start=orders))
            for counts in splits(n, len(p))
        ]
        # An outcome with n_i parties of type i is n_i (own beliefs) times this as likely to it.
        self.shares = [1 / arb(n * x) if model.own else 1 / (1 - (1 - arb(x)) ** n) for x in p]

    def means(self, menu: Menu) -> tuple[arb, list[arb]]:
        """E[a(S)], and E[v(a(S))] as each type sees it."""
        model = self.model
        mean, seen = arb(0), [arb(0) for _ in menu]
        for counts, weight in self.outcomes:
            data = dot(counts, menu)
            reached = model.accuracy.value(data)
            mean += weight * reached
            worth = weight * (model.value.value(data) if model.scale is None
                              else reached * model.scale)  # fmt: skip
            for i, k in enumerate(counts):
                if k:
                    seen[i] += worth * k if model.own else worth
        return mean, [x * y for x, y in zip(seen, self.shares, strict=True)]

    def plane(
        self, at: Menu, low: Menu, high: Menu, share: fmpq, prices: list[fmpq]
    ) -> tuple[arb, list[arb]]:
        """Lines above the curves in every outcome, weighed and added."""
        model = self.model
        constant, gradient = arb(0), [arb(0) for _ in at]
        priced = [(i, x * self.shares[i]) for i, x in enumerate(prices) if x > 0]
        for counts, weight in self.outcomes:
            worth = sum((x * counts[i] if model.own else x for i, x in priced if counts[i]), arb(0))
            ends = dot(counts, at), dot(counts, low), dot(counts, high)
            parts = [(model.accuracy, arb(share)), (model.value, worth)]
            if model.scale is not None:  # one line serves both
                parts = [(model.accuracy, share + model.scale * worth)]
            for curve, factor in parts:
                base, slope = curve.line(*ends)
                pull = weight * factor * slope
                constant += weight * factor * base - pull * ends[1]
                for i, k in enumerate(counts):
                    if k:
                        gradient[i] += pull * k
        return constant, gradient


def exponential_terms(x: fmpq, last: int) -> list[arb]:
    """x^k / k! for k = 0, ..., last."""
    terms = [arb(1)]
    for k in range(1, last + 1):
        terms.append(terms[-1] * x / k)
    return terms


def splits(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways in which a number of parties can be spread over types.

    Examples
    --------
    >>> sorted(splits(2, 2))
    [(0, 2), (1, 1), (2, 0)]
    """
    for bars in itertools.combinations(range(total + parts - 1), parts - 1):
        ends = (-1, *bars, total + parts - 1)
        yield tuple(b - a - 1 for a, b in itertools.pairwise(ends))


def dot(counts: Sequence[int], numbers: Sequence[fmpq]) -> fmpq:
    """Data that come together."""
    return sum((k * x for k, x in zip(counts, numbers, strict=True) if k), fmpq(0))


@dataclass(frozen=True, eq=False)
class Sum:
    r"""An exponential sum :math:`h(S) = g_\infty - \sum_j \alpha_j e^{-u_j S}` for a curve g.

    Attributes
    ----------
    curve : ExactCurve
    weights, rates : list of arb
        :math:`\alpha_j \ge 0` (so that h is concave), :math:`u_j > 0`.
    error : arb
        At least the distance of h from g on the range.
    tangent : fmpq
        From here on tangents of h are not negative at 0.
    """

    curve: ExactCurve
    weights: list[arb]
    rates: list[arb]
    error: arb
    tangent: fmpq

    def jet(self, data: arb, length: int) -> list[arb]:
        """Taylor coefficients of h."""
        terms = [self.curve.limit] + [arb(0)] * (length - 1)
        for weight, rate in zip(self.weights, self.rates, strict=True):
            term = weight * (-rate * data).exp()
            for k in range(length):
                terms[k] -= term
                term *= -rate / (k + 1)
        return terms


class Sums:
    r"""Expectations by exponential sums, for curves that are 0 at first and concave then.

    With :math:`e_{ij} = e^{-u_j m_i}` and :math:`M_j = \sum_i p_i e_{ij}`, the expectation of
    :math:`e^{-u_j S}` is :math:`M_j^N`; given :math:`n_i \ge 1` it is :math:`(M_j^N - (M_j - p_i
    e_{ij})^N)/(1 - (1-p_i)^N)`, and under own beliefs :math:`e_{ij} M_j^{N-1}`.

    Less data than the range begins with (x, where g leaves 0) comes together with a probability of
    at most the least of :math:`e^{u_j x}` times that (Chernoff). There h is at most h(x), and g at
    most g(x); h is at least h(0). For the upper bound, a tangent of h is above h and so above g up
    to the error where the range has begun, and before that if it is not negative at 0: that holds
    at all data from ``tangent`` on; where less comes together at the menu it touches at, -h(0) is
    added.

    Parameters
    ----------
    model : Model
    stated : mapping
        ``high``, to where the sums are to hold, and for ``accuracy``, and for ``value`` unless the
        valuation is linear, ``rates`` and ``weights``, per unit of data and of the curve.

    Raises
    ------
    RefusedError
        For curves of another shape, or a range that does not hold every menu.
    """

    def __init__(self, model: Model, stated: Mapping[str, Any]) -> None:
        self.model = model
        self.low = model.accuracy.start[1]
        self.high = rational(stated["high"])
        confirm(self.high > self.low, "the sums' range is empty")
        # Whatever a menu in the box collects is in the range.
        confirm(model.n_parties * max(model.top) <= self.high, "the sums' range is too short")
        self.accuracy = self.proved(model.accuracy, stated["accuracy"])
        if model.scale is None:
            self.value = self.proved(model.value, stated["value"])
        else:
            weights = [model.scale * x for x in self.accuracy.weights]
            error = model.scale * self.accuracy.error
            self.value = replace(self.accuracy, curve=model.value, weights=weights, error=error)

    def proved(self, curve: ExactCurve, stated: Mapping[str, Any]) -> Sum:
        """A sum with what is known of its distance from the curve."""
        confirm_fields(stated, "rates", "weights")
        count = len(stated["rates"])
        weights, rates = (rationals(stated[name], count) for name in ("weights", "rates"))
        confirm(all(rate > 0 for rate in rates), "rates of sums must be positive")
        confirm(
            curve.concave_from <= self.low, "sums are for curves that are concave once they rise"
        )
        balls = [arb(x) for x in weights], [arb(x) for x in rates]
        trial = Sum(curve, *balls, arb(0), self.low)
        error = self.distance(trial)
        tangent = self.low
        if tangent > 0:
            tangent = curve.touching(fmpq(0))
            for _ in range(100):
                value, slope = trial.jet(arb(tangent), 2)
                if value - slope * tangent >= 0:
                    break
                tangent *= 1 + fmpq(1, 100)
            else:
                confirm(False, "no tangent of the sum is above the curve")
        return Sum(curve, *balls, error, tangent)

    def distance(self, trial: Sum) -> arb:
        """At least the largest distance of a sum from its curve on [low, high].

        On each piece both are expanded at its middle; what the polynomials leave out is at most the
        coefficient that follows, anywhere in the piece. Pieces are halved until that is small.
        """
        most = arb(0)
        pieces = [(self.low, self.high, 0)]
        while pieces:
            low, high, depth = pieces.pop()
            radius, middle = arb(high - low) / 2, arb(low + high) / 2
            everywhere = arb(low).union(arb(high))
            rest = abs(trial.curve.jet(everywhere, TAYLOR + 1)[TAYLOR])
            rest = (rest + abs(trial.jet(everywhere, TAYLOR + 1)[TAYLOR])) * radius**TAYLOR
            if not rest <= FINEST * trial.curve.limit:
                confirm(depth < DEEPEST, "the distance of a sum from its curve")
                halves = (low, (low + high) / 2), ((low + high) / 2, high)
                pieces += [(*half, depth + 1) for half in halves]
                continue
            pairs = zip(trial.curve.jet(middle, TAYLOR), trial.jet(middle, TAYLOR), strict=True)
            for k, (x, y) in enumerate(pairs):
                rest += abs(x - y) * radius**k
            most = most.max(rest.upper())
        return most

    def transforms(self, sum_: Sum, menu: Menu) -> list[tuple[arb, arb, list[arb], arb]]:
        """Weight, rate u, each type's e^(-u m_i) and their mean M, term by term."""
        balls = [arb(x) for x in menu]
        terms = []
        for weight, rate in zip(sum_.weights, sum_.rates, strict=True):
            alone = [(-rate * x).exp() for x in balls]
            mean = sum((p * e for p, e in zip(self.model.p, alone, strict=True)), arb(0))
            terms.append((weight, rate, alone, mean))
        return terms

    def seen(self, i: int | None, alone: list[arb], mean: arb) -> arb:
        """Expectation of e^(-u S), unconditional or as type i sees it."""
        n, p = self.model.n_parties, self.model.p
        if i is None:
            return mean**n
        if self.model.own:
            return alone[i] * mean ** (n - 1)
        return (mean**n - self.without(i, alone, mean) ** n) / (1 - (1 - arb(p[i])) ** n)

    def without(self, i: int, alone: list[arb], mean: arb) -> arb:
        """M - p_i e_i: a difference, or where that would lose digits the sum of the others."""
        own = self.model.p[i] * alone[i]
        if own < mean / 2:
            return mean - own
        pairs = enumerate(zip(self.model.p, alone, strict=True))
        return sum((p * e for k, (p, e) in pairs if k != i), arb(0))

    def average(
        self, sum_: Sum, terms: list[tuple[arb, arb, list[arb], arb]], i: int | None
    ) -> tuple[arb, arb, arb]:
        """E[h(S)], by how much that of g can be lower, and by how much tangents must be raised."""
        curve = sum_.curve
        views = [self.seen(i, alone, mean) for _, _, alone, mean in terms]
        products = (term[0] * view for term, view in zip(terms, views, strict=True))
        average = curve.limit - sum(products, arb(0))
        if self.low == 0:
            return average, sum_.error, sum_.error

        def rare(data: fmpq) -> arb:
            chance = arb(1)
            for (_, rate, *_), view in zip(terms, views, strict=True):
                chance = chance.min((rate * data).exp() * view)
            return chance

        depth = (sum(sum_.weights, arb(0)) - curve.limit).nonnegative_part()
        start = curve.formula(arb(self.low)).nonnegative_part()
        lower = sum_.error + rare(self.low) * (start + sum_.error)
        return average, lower, sum_.error + start + rare(sum_.tangent) * depth

    def means(self, menu: Menu) -> tuple[arb, list[arb]]:
        """E[a(S)], and E[v(a(S))] as each type sees it."""
        confirm(self.model.n_parties * max(menu) <= self.high, "the sums' range is too short")

        def enclosed(sum_: Sum, views: Sequence[int | None]) -> list[arb]:
            terms = self.transforms(sum_, menu)
            balls = []
            for i in views:
                # Where less than the range comes together g exceeds h by no more than tangents do.
                average, lower, higher = self.average(sum_, terms, i)
                balls.append((average - lower).union(average + higher))
            return balls

        return enclosed(self.accuracy, [None])[0], enclosed(self.value, range(len(menu)))

    def plane(
        self, at: Menu, low: Menu, high: Menu, share: fmpq, prices: list[fmpq]
    ) -> tuple[arb, list[arb]]:
        """The tangent planes of the sums' expectations, raised: whatever the box."""
        n, own = self.model.n_parties, self.model.own
        p = [arb(x) for x in self.model.p]
        present = [1 - (1 - x) ** n for x in p]
        constant, gradient = arb(0), [arb(0) for _ in at]
        if share > 0:
            terms = self.transforms(self.accuracy, at)
            average, _, raised = self.average(self.accuracy, terms, None)
            constant += share * (average + raised)
            for weight, rate, alone, mean in terms:
                common = share * weight * rate * n * mean ** (n - 1)
                for k, e in enumerate(alone):
                    gradient[k] += common * p[k] * e
        priced = [i for i, x in enumerate(prices) if x > 0]
        if priced:
            terms = self.transforms(self.value, at)
            for i in priced:
                average, _, raised = self.average(self.value, terms, i)
                constant += prices[i] * (average + raised)
            for weight, rate, alone, mean in terms:
                if own:  # the derivatives of e_i M^(N-1)
                    others = sum((prices[i] * alone[i] for i in priced), arb(0))
                    others *= (n - 1) * mean ** (n - 2)
                    direct = {i: prices[i] * mean ** (n - 1) / p[i] for i in priced}
                else:  # and of (M^N - (M - p_i e_i)^N) / P(n_i >= 1)
                    power = mean ** (n - 1)
                    less = {i: self.without(i, alone, mean) ** (n - 1) for i in priced}
                    scaled = {i: n * prices[i] / present[i] for i in priced}
                    others = sum((scaled[i] * (power - less[i]) for i in priced), arb(0))
                    direct = {i: scaled[i] * less[i] for i in priced}
                for k, e in enumerate(alone):
                    pull = others + direct[k] if k in direct else others
                    gradient[k] += weight * rate * p[k] * e * pull
        for slope, x in zip(gradient, at, strict=True):
            constant -= slope * x
        return constant, gradient
