r"""The checker of proofs: it confirms a certificate from the problem alone, or refuses it.

This file is all there is to trust, with Python and python-flint. A *ball* (``arb``) is an interval
that contains the exact number for certain; ``a < b`` is true of balls only if it is true of all
numbers in them, and false if one is no number. Whatever a certificate states is exact.

**Curves.** Accuracy a and value v(a) are 0 up to ``start``, where the formula is not positive and
increases (ever after, by its form), then the formula. What has the sign of a curve's second
derivative says where it bends: pieces of the range are halved until on each it has one sign or
falls. So it passes zeros downwards only: the curve g is convex, then concave, and is concave from
where the sign is not positive. So for x there the tangent at x, raised to g(L) at L if it is below,
is above g from L on: at both ends of what is convex, hence between, and of what is concave it is a
tangent. The chord from L to R is above g between them if g is convex there, or its slope is at most
g'(R). Beyond ``reach`` lines are raised by what g can rise.

**What parties reach alone**, f_i, is at least what one amount of data brings, and at most what such
a line above v(a) allows. Nobody gives more data than its type has, or takes an option of more.

**Expectations** are sums over all outcomes n with exact weights; or those of an exponential sum
:math:`h(S) = g(\infty) - \sum_j \alpha_j e^{-u_j S}, \alpha_j \ge 0`, of which
:math:`E[e^{-uS}] = M^N` is known, with :math:`M = \sum_i p_i e^{-u m_i}`. On pieces of the range
the distance of h from g is at most that of their Taylor polynomials and the coefficient that
follows, anywhere in the piece. Before the range, where g = 0, tangents of the concave h are at
least h(0), and at least 0 if they touch beyond ``tangent``; less data than that comes together with
a probability of at most :math:`e^{uS} E[e^{-uS}]` (Chernoff).

**The menu** is exact, so its constraints are comparisons with f_i and :math:`T_i = E_i[v(a(S))]`.

**Upper bound.** In a box of contributions, lines above the curves in every outcome, or tangents of
the concave E[h], are *linear* functions :math:`\ell` of the contributions m'. So with any prices
:math:`\lambda, \nu \ge 0` of caps and incentive constraints every menu with utilities u' has

.. math::

   E[a(S)] \le \ell(m') + \sum_i \lambda_i \bigl(\ell_i(m') - u'_i - c_i m'_i\bigr)
   + \sum_{ij} \nu_{ij} \bigl(u'_i - u'_j - (c_j - c_i) m'_j\bigr) + \sum_i \mu_i (u'_i - f_i) ,

where :math:`\mu_i \ge 0` makes utilities cancel. The rest is largest at an end of the box. Boxes
are the leaves of a tree whose root holds every menu and whose nodes halve it, so they cover. Nodes
decide which types with better outside options stay out, contribute nothing and want no option.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from flint import arb, arb_series, ctx, fmpq

__all__ = ["FORMAT", "RefusedError", "check", "digest", "recomputed"]

#: FORMAT: what a certificate calls itself. PRECISION: bits of balls. TAYLOR: terms that prove a
#: sum. MOST_OUTCOMES: enumerated. STATED: fields of a problem. NUMBER: of bounded size.
FORMAT, PRECISION, TAYLOR, MOST_OUTCOMES = "paid-with-models proof 3", 128, 9, 1_000_000
STATED = "n_parties probabilities costs accuracy valuation beliefs reservation_utilities max_data"
NUMBER = re.compile(r"-?\d{1,400}(\.\d{1,400})?(e[+-]?\d{1,3})?(/\d{1,400})?", re.ASCII)
precision = functools.partial(ctx.workprec, PRECISION)

#: ACCURACIES: limit and formula. VALUATIONS: formula of v(r), and what has the sign of the second
#: derivative of v(a), with its slope, from r = a and three derivatives.
ACCURACIES: dict[str, Callable[..., Any]] = {
    "Arctan": lambda optimum, rate: (
        optimum, lambda x: 2 * optimum / arb.pi() * (rate * x).atan()),
    "GeneralizationBound": lambda optimum, complexity: (
        optimum, lambda x: optimum - ((2 * complexity * (2 + (x / complexity).log())).sqrt() + 4)
        / x.sqrt()),
    "PowerLaw": lambda optimum, scale, exponent, offset: (
        optimum, lambda x: optimum - scale * (-exponent * (x + offset).log()).exp()),
    "Saturating": lambda weights, rates: (
        sum(weights, arb(0)), lambda x: saturating(sum(weights, arb(0)), weights, rates, x)),
}  # fmt: skip
VALUATIONS: dict[str, Callable[..., Any]] = {
    "ExponentialValuation": lambda scale, aversion: (
        lambda r: scale * (1 - (-aversion * r).exp()) / (1 - (-aversion).exp()),
        lambda r, d, dd, ddd: (dd - aversion * d * d, ddd - 2 * aversion * d * dd)),
    "LinearValuation": lambda scale: (lambda r: scale * r, lambda r, d, dd, ddd: (dd, ddd)),
    "PowerValuation": lambda scale, exponent: (
        lambda r: scale * r**exponent, lambda r, d, dd, ddd: (
            (exponent - 1) * d * d + r * dd, (2 * exponent - 1) * d * dd + r * ddd)),
}  # fmt: skip

#: Views: of every type's E_i[v(a(S))], and last of E[a(S)], a ball and a gradient: of a linear
#: function of contributions that is nowhere in a box below it, its value where it is closest. The
#: balls contain the expectations if the box is that point.
Menu = list[fmpq]
Views = Callable[[Menu, Menu, Menu], list[tuple[arb, list[arb]]]]


class RefusedError(Exception):
    """Something that a certificate says could not be confirmed."""


def confirm(holds: Any, what: str) -> None:
    """Refuse unless something certainly holds."""
    if not holds:
        raise RefusedError(what)


def fields(stated: Mapping[str, Any], names: str) -> list[Any]:
    """What a mapping states in these fields, and in no others: all that is stated is used."""
    confirm(set(stated) == set(names.split()), f"the fields must be {names}; got {list(stated)}")
    return [stated[name] for name in names.split()]


def rational(text: Any) -> fmpq:
    """The exact number that a string states."""
    confirm(isinstance(text, str) and NUMBER.fullmatch(text), f"{text!r:.60} is no number")
    return fmpq(*Fraction(text).as_integer_ratio())


def rationals(texts: Any, length: int) -> list[fmpq]:
    """A list of exact numbers >= 0."""
    confirm(isinstance(texts, list) and len(texts) == length, f"a list must have {length} entries")
    numbers = [rational(text) for text in texts]
    confirm(all(number >= 0 for number in numbers), "contributions, rewards, prices must be >= 0")
    return numbers


def dot(weights: Any, numbers: Any) -> Any:
    """A weighted sum."""
    return sum((w * x for w, x in zip(weights, numbers, strict=True) if w), fmpq(0))


def saturating(limit: arb, weights: list[arb], rates: list[arb], x: Any) -> Any:
    """An exponential sum, limit - sum of weights e^(-rate x)."""
    terms = (w * (-u * x).exp() for w, u in zip(weights, rates, strict=True))
    return limit - sum(terms, 0 * x)


def taylor(function: Callable[[Any], Any], at: Any, terms: int) -> list[arb]:
    """Taylor coefficients at a ball: value, slope, half the second derivative, and so on."""
    series = function(arb_series([arb(at), 1], prec=terms))
    confirm(series.prec >= terms, f"power series must have {terms} terms")
    return [series[k] for k in range(terms)]


def halved(holds: Callable[[arb], Any], low: fmpq, high: fmpq) -> None:
    """Refuse unless something holds on all of a range, whose pieces are halved until it does."""
    pieces = [(low, high, 0)]
    while pieces:
        low, high, depth = pieces.pop()
        if not holds(arb(low).union(arb(high))):
            confirm(depth < 100, "the shape of a curve, or how far a sum is from it")
            middle = (low + high) / 2
            pieces += [(low, middle, depth + 1), (middle, high, depth + 1)]


class Curve:
    """A curve v(a(S)); how its shape is proved is said at the top of this file."""

    def __init__(self, limit: arb, a: Any, v: Any, bend: Any) -> None:
        self.a, self.v, self.bend, self.limit, self.rest = a, v, bend, limit, arb(0)
        self.touches: dict[fmpq, fmpq] = {}
        self.formula: Any = lambda x: v(a(x))

    def prove(self, shape: Any, most: fmpq) -> Curve:
        """Confirm where it starts, is concave for certain, and to where that is shown."""
        self.start, self.concave, self.reach = rationals(shape, 3)
        level, slope = taylor(self.a, self.start, 2)
        confirm((self.start == 0 or level <= 0) and slope > 0, "where the curve starts")
        confirm(self.start <= self.concave <= self.reach and self.sign(self.concave)[0] <= 0,
                "where the curve is concave")  # fmt: skip
        halved(lambda x: (y := self.sign(x))[0] > 0 or y[0] < 0 or y[1] < 0, self.start, self.reach)
        if self.reach < most:  # which nobody collects
            self.rest = arb(0).union(self.limit - self.value(self.reach))
        return self

    def sign(self, at: Any) -> Any:
        """What has the sign of the second derivative, and its slope."""
        value, slope, half, sixth = taylor(self.a, at, 4)
        return self.bend(value, slope, 2 * half, 6 * sixth)

    def value(self, data: fmpq) -> Any:
        """The curve at some data."""
        if data <= self.start and self.start > 0:
            return arb(0)
        level = self.a(arb(data)).nonnegative_part()
        return self.v(level) if level > 0 else self.v(arb(0)).union(self.v(level.upper()))

    def touching(self, low: fmpq, bottom: arb) -> fmpq:
        """About where the tangent through (low, bottom) touches; any answer would be safe."""
        left, right = self.concave, fmpq(0)
        for _ in range(0 if low in self.touches else 70):
            point = (left + right) / 2 if right > 0 else 2 * left
            value, slope = taylor(self.formula, point, 2)
            over = value + slope * (low - point) >= bottom
            left, right = (left, point) if over else (point, right)
            self.touches[low] = max(left, right)
        return self.touches[low]

    def tangent(self, point: fmpq, low: fmpq, least: arb) -> tuple[arb, arb]:
        """Value at low, and slope, of a line above the curve from low on, where that has least."""
        confirm(self.concave <= point <= self.reach, "tangents touch where the curve is concave")
        value, slope = taylor(self.formula, point, 2)
        return (value + slope * (low - point)).max(least) + self.rest, slope

    def line(self, at: fmpq, low: fmpq, high: fmpq) -> tuple[arb, arb]:
        """Value at a point, where it is close, and slope of a line above the curve on a range."""
        bottom, touch = self.value(low), self.concave
        if low == high:
            return bottom, arb(0)
        if low < self.concave:
            touch = min(self.touching(low, bottom), self.reach)
            if high <= touch:
                slope = (self.value(high) - bottom) / arb(high - low)
                convex = high < self.concave and (high <= self.start or self.sign(high)[0] > 0)
                if convex or (high >= self.concave and slope <= taylor(self.formula, high, 2)[1]):
                    return bottom + slope * (at - low) + self.rest, slope
        base, slope = self.tangent(min(max(at, touch), self.reach), low, bottom)
        return base + slope * (at - low), slope


class Model:
    """A problem in balls; of value there is a curve unless it is ``factor`` times accuracy."""

    def __init__(self, stated: Mapping[str, Any], shapes: Mapping[str, Any]) -> None:
        self.n, p, costs, accuracy, valuation, beliefs, given, limits = fields(stated, STATED)
        self.costs, p = rationals(costs, len(costs)), rationals(p, len(costs))
        self.types, self.own, self.p = range(len(costs)), beliefs == "own", [x / sum(p) for x in p]
        confirm(type(self.n) is int and self.n >= 2, "n_parties must be a whole number >= 2")
        confirm(beliefs in ("paper", "own"), "beliefs must be 'paper' or 'own'")
        given, limits = list.copy(given), list.copy(limits)  # nothing but lists can be copied so
        confirm(all(x > 0 for x in self.costs + p), "costs, probabilities must be positive")
        confirm(abs(dot(p, [1] * len(p)) - 1) * 10**6 < 1, "probabilities must add up to 1")
        (best, a), (v, bend) = named(ACCURACIES, accuracy), named(VALUATIONS, valuation)
        self.limit = limit = v(best)
        linear = valuation["name"] == "LinearValuation"
        shape, alone, *more = fields(shapes, "accuracy alone" + ("" if linear else " value"))
        most = (self.n * limit / min(self.costs)).upper().fmpq()
        self.limits = [most if x is None else rational(x) for x in limits]
        self.curves = [Curve(best, a, *VALUATIONS["LinearValuation"](1)).prove(shape, most)]
        self.curves += [Curve(limit, a, v, bend).prove(shape, most) for shape in more]
        self.factor = rational(valuation["parameters"]["scale"]) if linear else fmpq(1)
        self.outside, self.optional = list[arb](), list[bool]()
        curve, none, own = self.curves[-1], fmpq(0), rationals(alone, len(given))
        nothing = curve.value(none)
        touch = curve.touching(none, nothing) if curve.concave > 0 else none
        for c, text, x, most in zip(self.costs, given, own, self.limits, strict=True):
            short, x = most < min(x, touch), min(x, most)
            line = curve.line(none, none, x) if short else curve.tangent(x, none, nothing)
            base, slope = (self.factor * y for y in line)
            least = self.factor * nothing.max(curve.value(x) - c * x / self.factor)
            option = least.union(base + ((slope - c) * most).max(arb(0)))
            other = option if text is None else arb(rational(text))
            # By the theorem that nobody need be left out, types with autarky outside are in.
            self.optional.append(text is not None and not other <= option)
            self.outside.append(option.max(other))
        tops = ((limit - f) / c for f, c in zip(self.outside, self.costs, strict=True))
        self.top = [*map(min, (x.nonnegative_part().upper().fmpq() for x in tops), self.limits)]


def named(known: Mapping[str, Any], stated: Mapping[str, Any]) -> Any:
    """A curve or valuation with its parameters."""
    name, given = fields(stated, "name parameters")
    confirm(name in known, f"no proof is known for {name!r:.60}")
    lists = {key: x if isinstance(x, list) else [x] for key, x in given.items()}
    balls = {key: [arb(y) for y in rationals(x, len(x))] for key, x in lists.items()}
    single = {key: balls[key][0] for key, x in given.items() if not isinstance(x, list)}
    return known[name](**balls | single)


def enumeration(model: Model) -> Views:
    """Sums over all outcomes n, the numbers of parties of each type."""
    n, types, p, places = model.n, model.types, model.p, model.n + len(model.types) - 1
    confirm(math.comb(places, n) <= MOST_OUTCOMES, "too many outcomes to enumerate")
    powers = [[arb(x) ** k / arb.fac_ui(k) for k in range(n + 1)] for x in p]
    bars = itertools.combinations(range(places), len(types) - 1)
    splits = ([b - a - 1 for a, b in itertools.pairwise((-1, *bar, places))] for bar in bars)
    factorial = arb.fac_ui(n)
    outcomes = [(k, math.prod((powers[i][k[i]] for i in types), start=factorial)) for k in splits]
    # A type sees an outcome with n_i parties of its own n_i (own beliefs) times this as likely.
    shares = [model.factor / (arb(n * x) if model.own else 1 - (1 - arb(x)) ** n) for x in p]

    def views(at: Menu, low: Menu, high: Menu) -> list[tuple[arb, list[arb]]]:
        values, slopes = [arb(0)] * (len(types) + 1), [[arb(0)] * len(types) for _ in (0, *types)]
        for counts, chance in outcomes:
            present = [i for i in types if counts[i]]
            ends = [dot(counts, x) for x in (at, low, high)]
            lines = [curve.line(*ends) for curve in model.curves]
            for view in (-1, *present):
                value, slope = lines[0 if view < 0 else -1]
                seen = 1 if view < 0 else shares[view] * (counts[view] if model.own else 1)
                values[view] += chance * seen * value
                pull = chance * seen * slope
                for k in present:
                    slopes[view][k] += pull * counts[k]
        return list(zip(values, slopes, strict=True))

    return views


def proved(curve: Curve, high: fmpq, stated: Mapping[str, Any]) -> list[Any]:
    """Weights, rates and error of a sum; where tangents from there on are >= 0 at 0; its depth."""
    given = fields(stated, "weights rates tangent")
    weights, rates = ([arb(x) for x in rationals(part, len(given[0]))] for part in given[:2])
    touch, error = rational(given[2]), arb(0)
    h: Any = functools.partial(saturating, curve.limit, weights, rates)
    confirm(curve.concave <= curve.start, "sums are for curves that are concave once they rise")

    def close(piece: arb) -> bool:
        nonlocal error
        radius, off = piece.rad(), taylor(curve.formula, piece, TAYLOR + 1)[-1]
        rest = abs(off - taylor(h, piece, TAYLOR + 1)[-1]) * radius**TAYLOR
        if small := bool(rest <= curve.limit / 10**14):
            pairs = zip(*(taylor(f, piece.mid(), TAYLOR) for f in (curve.formula, h)), strict=True)
            error = error.max(rest + sum(abs(x - y) * radius**k for k, (x, y) in enumerate(pairs)))
        return small

    halved(close, curve.start, high)
    value, slope = taylor(h, touch, 2)
    confirm(touch >= curve.start and (touch == 0 or value >= slope * touch),
            "tangents of the sum are not above the curve")  # fmt: skip
    error -= curve.formula(arb(curve.start)).min(arb(0))
    return [weights, rates, error, touch, (-h(arb(0))).nonnegative_part()]


def summation(model: Model, high: fmpq, stated: Any) -> Views:
    """Expectations by exponential sums; their tangents are above the curves whatever the box."""
    n, types, p, own = model.n, model.types, model.p, model.own
    confirm(n * max(model.top) <= high, "the sums' range is too short")
    sums = [proved(curve, high, x) for curve, x in zip(model.curves, stated, strict=True)]
    present = [1 - (1 - arb(x)) ** n for x in p]

    def seen(i: int, mean: arb, e: list[arb]) -> tuple[arb, arb, arb]:
        """E[e^(-u S)], its derivative by all p_k e_k, and how much that by p_i e_i exceeds it."""
        if i < 0:
            return mean**n, n * mean ** (n - 1), arb(0)
        if own:
            power = mean ** (n - 2)
            return e[i] * power * mean, (n - 1) * e[i] * power, power * mean / p[i]
        less = sum((p[k] * e[k] for k in types if k != i), arb(0))
        power, other = mean ** (n - 1) / present[i], less ** (n - 1) / present[i]
        return power * mean - other * less, n * (power - other), n * other

    def views(at: Menu, *_: Menu) -> list[tuple[arb, list[arb]]]:
        confirm(n * max(at) <= high, "the sums' range is too short")
        found, terms = [], [[[(-u * x).exp() for x in at] for u in rates] for _, rates, *_ in sums]
        for view in (*types, -1):
            k, factor = (0, 1) if view < 0 else (-1, model.factor)
            weights, rates, error, touch, depth = sums[k]
            value, chance, slopes = model.curves[k].limit, arb(1), [arb(0) for _ in types]
            for weight, u, e in zip(weights, rates, terms[k], strict=True):
                expected, common, more = seen(view, dot(p, e), e)
                value -= weight * expected
                chance = chance.min((u * touch).exp() * expected)
                for j in types:
                    slopes[j] += weight * u * p[j] * e[j] * (common + more if j == view else common)
            ball = (value - error).union(value + error + chance * depth)
            found.append((factor * ball, [factor * x for x in slopes]))
        return found

    return views


def facts(model: Model, expectations: Views, stated: Mapping[str, Any]) -> dict[str, arb]:
    """What a menu reaches, and the least slack of each kind, or the best model's value if less."""
    contributions, rewards, out = fields(stated, "contributions rewards left_out")
    types, costs, f = model.types, model.costs, model.outside
    m, t = (rationals(part, len(costs)) for part in (contributions, rewards))
    nothing = all(type(k) is int and k in types and m[k] == 0 == t[k] for k in list.copy(out))
    confirm(nothing, "types left out have no option")
    confirm(all(m[i] <= model.limits[i] for i in types), "a type gives more than it has")
    *caps, mean = (value for value, _ in expectations(m, m, m))
    joined = [i for i in types if i not in out]
    u = [f[i] if i in out else t[i] - costs[i] * m[i] for i in types]  # exact, if not of who is out
    slacks = {
        "individual_rationality": [u[i] - f[i] for i in joined],
        "incentive_compatibility": [
            arb(u[i] - (t[j] - costs[i] * m[j])) for i in types for j in joined
            if i != j and m[j] <= model.limits[i]],
        "caps": [caps[i] - t[i] for i in joined],
    }  # fmt: skip
    least = {kind: functools.reduce(arb.min, rows, model.limit) for kind, rows in slacks.items()}
    return {"expected_accuracy": mean, **least}


def upper_bound(model: Model, expectations: Views, node: Mapping[str, Any], box: Any = ()) -> arb:
    """A number that no expected accuracy exceeds in a box, or in any, from a tree of boxes."""
    # States: types that are in (i), left out (o), or may be either (?).
    low, high, states = box = box or (
        [fmpq(0) for _ in model.types], model.top, ["i?"[x] for x in model.optional])  # fmt: skip
    if "split" not in node:
        return leaf(model, expectations, node, *box)
    i, text, below, above = fields(node, "split at below above")
    confirm(type(i) is int and i in model.types, "a node must split on a type")
    if text is None:  # left out, or in
        confirm(states[i] == "?", "only types with a better outside option may be left out")
        parts = [(below, fmpq(0), fmpq(0), "o"), (above, low[i], high[i], "i")]
    else:
        at = rational(text)
        confirm(low[i] <= at <= high[i], "a box must be split within it")
        parts = [(below, low[i], at, states[i]), (above, at, high[i], states[i])]
    bounds = []
    for part, *ends in parts:
        box = [[*x[:i], y, *x[i + 1 :]] for x, y in zip((low, high, states), ends, strict=True)]
        bounds.append(upper_bound(model, expectations, part, box))
    return bounds[0].max(bounds[1])


def leaf(model: Model, expectations: Views, node: Any, low: Menu, high: Menu, states: Any) -> arb:
    """The bound in one box: see the formula at the top of this file."""
    planes, incentives = fields(node, "planes incentives")
    types, costs, shares = model.types, model.costs, fmpq(0)
    constant, gradient, prices = arb(0), [arb(0) for _ in types], [fmpq(0) for _ in types]
    for plane in planes:
        point, share, caps = fields(plane, "at share caps")
        at, weights = rationals(point, len(low)), rationals([*caps, share], len(low) + 1)
        for weight, (value, slopes) in zip(weights, expectations(at, low, high), strict=True):
            constant += weight * (value - dot(at, slopes))
            gradient = [x + weight * slope for x, slope in zip(gradient, slopes, strict=True)]
        shares, prices = shares + weights[-1], [prices[i] + weights[i] for i in types]
    confirm(shares == 1, "shares of planes must add up to 1")
    confirm(all(prices[i] == 0 or states[i] == "i" for i in types), "only caps of who is in count")
    gradient = [gradient[i] - prices[i] * costs[i] for i in types]
    for i, j, text in incentives:
        price = rational(text)
        confirm(type(i) is type(j) is int and i in types and j in types and i != j and price >= 0
                and states[i] != "?" and states[j] == "i" and high[j] <= model.limits[i],
                "no such incentive price")  # fmt: skip
        gradient[j] -= price * (costs[j] - costs[i])
        prices[j] += price
        if states[i] == "i":
            prices[i] -= price
        else:  # staying out: f_i >= t_j - c_i m_j
            constant += price * model.outside[i]
    # What is left are the prices of individual rationality, by which utilities cancel.
    confirm(all(x >= 0 for x in prices), "prices of individual rationality must be >= 0")
    constant -= sum((prices[i] * model.outside[i] for i in types if states[i] == "i"), arb(0))
    ends = zip(gradient, low, high, strict=True)
    return constant + sum(((slope * a).max(slope * b) for slope, a, b in ends), arb(0))


def recomputed(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from a certificate, whatever it claims: balls, in the form of its claims."""
    with precision():
        model = Model(certificate["problem"], certificate["curves"])
        if certificate["expectations"] == {"method": "enumeration"}:
            expectations = enumeration(model)
        else:
            high, sums = fields(certificate["expectations"], "high sums")
            expectations = summation(model, rational(high), sums)
        menus = [facts(model, expectations, menu)
                 for menu in (certificate["menu"], *certificate["others"])]  # fmt: skip
        bound = upper_bound(model, expectations, certificate["bound"])
    return {"menu": menus[0], "others": menus[1:], "upper_bound": bound}


def digest(certificate: Mapping[str, Any]) -> str:
    """The fingerprint of everything in a certificate but the fingerprint."""
    rest = {name: value for name, value in certificate.items() if name != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check(certificate: Any) -> dict[str, Any]:
    """Confirm all that a certificate claims; return what was found, in balls, as claims are.

    Raises RefusedError, saying what could not be confirmed; ValueError if it is no certificate.

    Examples
    --------
    >>> check({"format": "something else"})
    Traceback (most recent call last):
    ValueError: format must be 'paid-with-models proof 3'; got 'something else'
    """
    stated = certificate.get("format") if isinstance(certificate, Mapping) else certificate
    if stated != FORMAT:
        raise ValueError(f"format must be {FORMAT!r}; got {stated!r:.60}")
    try:
        names = "bound claims curves expectations format made_with menu others problem sha256"
        confirm(fields(certificate, names)[-1] == digest(certificate), "sha256 does not fit")
        found = recomputed(certificate)
        menu, others, bound = fields(certificate["claims"], "menu others upper_bound")
        pairs = zip((menu, *others), (found["menu"], *found["others"]), strict=True)
        with precision():
            for claimed, own in pairs:
                for name, ends in zip(own, fields(claimed, " ".join(own)), strict=True):
                    (low, high), ball = (rational(end) for end in list.copy(ends)), own[name]
                    confirm(low <= ball and ball <= high, f"{name}: {ball.str(30)} not in {ends}")
            slacks = [x for name, x in found["menu"].items() if name != "expected_accuracy"]
            confirm(all(x >= 0 for x in slacks), "the menu is not feasible")
            least = found["upper_bound"].upper()
            confirm(least <= rational(bound), f"no bound below {least.str(24)} is proved")
    except Exception as e:  # whatever a malformed certificate makes Python stumble over
        other = RefusedError(f"its form ({type(e).__name__})")
        raise (e if isinstance(e, RefusedError) else other) from None
    return found


if __name__ == "__main__":  # python -m paid_with_models.checks.proof_checker < CERTIFICATE.json
    check(json.load(sys.stdin))
    print("confirmed")
