r"""Accuracy and value curves in balls: what the checker of proofs knows about them, and why.

A *ball* (python-flint's ``arb``) is an interval that contains the exact number for certain, however
it was rounded. ``a < b`` is true of balls only if it is true of all numbers in them. Numbers of a
certificate are exact: decimals or fractions.

g stands for accuracy a(S) and for value v(a(S)): 0 at first, then a formula, convex up to some
point and concave beyond. Which points these are follows from inequalities that are said in
:func:`accuracy_curve` and :func:`value_curve`. So for every x in the concave part the tangent at x,
raised where it passes below the curve at L, lies above the curve from L on
(:meth:`ExactCurve.line`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import arb, arb_series, ctx, fmpq

__all__ = [
    "DEEPEST",
    "ExactCurve",
    "RefusedError",
    "accuracy_curve",
    "alone",
    "confirm",
    "confirm_fields",
    "crossing",
    "exact",
    "near",
    "outward",
    "precision",
    "rational",
    "rationals",
    "value_curve",
]

#: PRECISION: bits of balls, enough for 24 decimals after ten thousand sums.
PRECISION = 128

#: MOST_TERMS: of power series; python-flint drops what exceeds it.
MOST_TERMS = 40

#: HALVINGS: of the range in which a curve's start or bend is looked for; about a ball's precision.
HALVINGS = 108

#: DECIMALS: digits after the point of claims, about 80 bits.
DECIMALS = 24

#: DEEPEST: most halvings, or doublings, of a range.
DEEPEST = 100

#: LARGEST_POWER: up to which powers of exact numbers are computed.
LARGEST_POWER = 1000

#: NUMBER: a number in a certificate, of bounded size.
NUMBER = re.compile(r"-?\d{1,400}(\.\d{1,400})?(e[+-]?\d{1,3})?(/\d{1,400})?", re.ASCII)


class RefusedError(Exception):
    """Something that a certificate says could not be confirmed."""


@contextmanager
def precision() -> Iterator[None]:
    """Work with balls of PRECISION bits, and with power series of up to MOST_TERMS terms."""
    before = ctx.cap
    ctx.cap = MOST_TERMS
    try:
        with ctx.workprec(PRECISION):
            yield
    finally:
        ctx.cap = before


def confirm(holds: bool, what: str) -> None:
    """Refuse unless something certainly holds."""
    if not holds:
        raise RefusedError(what)


def confirm_fields(stated: Mapping[str, Any], *names: str) -> None:
    """Refuse unless a mapping has these fields, no more and no less: what is stated is used."""
    got = sorted(stated)
    confirm(got == sorted(names), f"the fields must be {', '.join(names)}; got {', '.join(got)}")


def rational(text: Any) -> fmpq:
    """The exact number that a string states.

    Examples
    --------
    >>> rational("0.2"), rational("1/3")
    (1/5, 1/3)
    """
    confirm(isinstance(text, str) and bool(NUMBER.fullmatch(text)), f"{text!r:.60} is no number")
    number = Fraction(text)
    return fmpq(number.numerator, number.denominator)


def rationals(texts: Any, length: int) -> list[fmpq]:
    """A list of exact numbers >= 0."""
    confirm(isinstance(texts, list) and len(texts) == length, f"a list must have {length} entries")
    numbers = [rational(text) for text in texts]
    confirm(all(number >= 0 for number in numbers), "contributions, rewards, prices must be >= 0")
    return numbers


def exact(ball: arb) -> fmpq:
    """The number that a ball of radius zero is."""
    number: fmpq = ball.fmpq()
    return number


def near(number: float) -> fmpq:
    """A float, exactly."""
    return fmpq(*number.as_integer_ratio())


def outward(ball: arb) -> list[str]:
    """Decimal ends of an interval that contains a ball.

    Examples
    --------
    >>> outward(arb(0.125))
    ['0.125000000000000000000000', '0.125000000000000000000000']
    """
    confirm(bool(ball.is_finite()), "a number could not be enclosed")
    with precision():  # without it ends would be rounded to a double
        ends = exact(ball.lower()), exact(ball.upper())
    low, high = (Fraction(int(end.p), int(end.q)) for end in ends)
    return [decimal(math.floor(low * 10**DECIMALS)), decimal(math.ceil(high * 10**DECIMALS))]


def decimal(units: int) -> str:
    """A number of units of the last decimal, as text."""
    digits = f"{abs(units):0{DECIMALS + 1}d}"
    return f"{'-' if units < 0 else ''}{digits[:-DECIMALS]}.{digits[-DECIMALS:]}"


#: CURVES, VALUATIONS: those of which proofs are known, with their parameters.
CURVES = {
    "Arctan": ("optimum", "rate"),
    "GeneralizationBound": ("optimum", "complexity"),
    "PowerLaw": ("optimum", "scale", "exponent", "offset"),
    "Saturating": ("weights", "rates"),
}
VALUATIONS = {
    "ExponentialValuation": ("scale", "aversion"),
    "LinearValuation": ("scale",),
    "PowerValuation": ("scale", "exponent"),
}


@dataclass(frozen=True, eq=False)
class ExactCurve:
    """A curve g(S): 0, then a formula; convex (or flat), then concave; non-decreasing.

    Attributes
    ----------
    formula : callable
        Of a ball or a power series of balls.
    limit : arb
        For ever more data.
    start : (2,) tuple of fmpq
        The formula holds beyond a point between these two, and the curve is 0 before.
    convex_until, concave_from : fmpq
        Convex before the first, concave from the second on.
    nothing : arb
        g(0).
    slowest : arb, optional
        Of a sum of saturating exponentials, the least rate.
    """

    formula: Callable[[Any], Any]
    limit: arb
    start: tuple[fmpq, fmpq]
    convex_until: fmpq
    concave_from: fmpq
    nothing: arb
    slowest: arb | None = None
    touches: dict[fmpq, fmpq] = field(default_factory=dict)

    def value(self, data: fmpq) -> arb:
        """G at some data."""
        if data == 0:
            return self.nothing
        if data < self.start[0]:
            return arb(0)
        if data <= self.start[1]:
            return arb(0).union(self.formula(arb(self.start[1])))
        worth: arb = self.formula(arb(data)).nonnegative_part()
        return worth

    def jet(self, data: arb | fmpq, length: int = 2) -> list[arb]:
        """Taylor coefficients of the formula: value, slope, half the curvature, and so on."""
        series = self.formula(arb_series([arb(data), 1], prec=length))
        confirm(series.prec >= length, f"power series must have {length} terms")
        terms: list[arb] = series.coeffs()  # without zeros at the end
        return terms + [arb(0)] * (length - len(terms))

    def touching(self, low: fmpq) -> fmpq:
        """About where the tangent through (low, g(low)) touches; any answer would be safe."""
        if low not in self.touches:
            bottom, first = self.value(low), float(arb(low))

            def excess(point: float) -> float:
                value, slope = self.jet(near(point))
                return float(value - bottom - (point - first) * slope)

            left = math.nextafter(float(arb(self.concave_from)), math.inf)
            right = 2 * left
            while excess(right) < 0 and right < 1e300:
                left, right = right, 2 * right
            for _ in range(50):
                middle = 0.5 * (left + right)
                left, right = (middle, right) if excess(middle) < 0 else (left, middle)
            self.touches[low] = max(near(right), self.concave_from)
        return self.touches[low]

    def line(self, at: fmpq, low: fmpq, high: fmpq) -> tuple[arb, arb]:
        """Base and slope: base + slope (S - low) >= g(S) on [low, high], closest at a point."""
        point, bottom = max(at, self.concave_from), None
        if low < self.concave_from:
            bottom = self.value(low)
            touch = self.touching(low)
            if high <= touch:  # the chord, if g lies below it
                slope = (self.value(high) - bottom) / arb(high - low) if high > low else arb(0)
                if high <= self.convex_until or (
                    high >= self.concave_from and slope <= self.jet(high)[1]
                ):
                    return bottom, slope
            point = max(point, touch)
        return self.tangent(point, low, bottom)

    def tangent(self, point: fmpq, low: fmpq, bottom: arb | None) -> tuple[arb, arb]:
        """Base at low and slope of the tangent at a point of the concave part.

        Raised to the curve at low, it is above the convex part, too.
        """
        value, slope = self.jet(point)
        base = (value if point > 0 else self.nothing) + slope * (low - point)
        return (base if bottom is None else base.max(bottom)), slope


def crossing(holds: Callable[[fmpq], Any], low: fmpq, high: fmpq) -> tuple[fmpq, fmpq]:
    """Two close points of which ``holds`` is certainly not true of the first, true of the second.

    ``holds`` gives a ball that changes its sign from negative to positive.
    """
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        sign = holds(middle)
        if sign > 0:
            high = middle
        elif sign < 0:
            low = middle
        else:
            break
    return low, high


def accuracy_curve(stated: Mapping[str, Any]) -> tuple[ExactCurve, Any]:
    r"""The accuracy curve that a problem states, and whether a bound on its bend is known.

    All are increasing and concave where they are positive; let :math:`s = \sqrt{2k(2 + \ln(S/k))}`.

    - Generalization bound: :math:`a' = S^{-3/2} A` and :math:`a'' = -S^{-5/2} B` with
      :math:`A = s/2 + 2 - k/s`, :math:`B = 3 + 3s/4 - 2k/s - k^2/s^3`, both increasing in S: they
      are positive from the start on if they are at the start.
    - Power law, sums of saturating exponentials, arctangent: from the formulas.

    The second result bounds :math:`a' a'''/a''^2` (see :func:`value_curve`): 2, and nothing for
    sums, where it can be anything. For the
    generalization bound :math:`a' a'''/a''^2 \le 5A/(2B) \le 2` if :math:`1/2 + s/8 - 3k/(4s)
    - k^2/s^3 \ge 0`, which increases in S.

    Raises
    ------
    RefusedError
        For another curve, or parameters outside their ranges.

    Examples
    --------
    >>> given = {"optimum": "1", "complexity": "1"}
    >>> curve, bend = accuracy_curve({"name": "GeneralizationBound", "parameters": given})
    >>> bool(55.807 < arb(curve.start[0]) < 55.808), bend
    (True, 2)
    """
    confirm_fields(stated, "name", "parameters")
    name, given = stated["name"], stated["parameters"]
    zero = fmpq(0)
    confirm(name in CURVES, f"no proof is known for the accuracy {name!r:.60}")
    confirm_fields(given, *CURVES[name])
    if name == "Saturating":
        count = len(given["weights"])
        weights, rates = rationals(given["weights"], count), rationals(given["rates"], count)
        terms = [(arb(w), arb(u), u) for w, u in zip(weights, rates, strict=True) if w > 0]
        confirm(all(u > 0 for _, _, u in terms) and count > 0, "rates must be positive")
        limit = arb(sum(weights, zero))

        def saturating(x: Any) -> Any:
            return sum((w * (1 - (-u * x).exp()) for w, u, _ in terms), 0 * x)

        slowest = arb(min(u for *_, u in terms))
        return ExactCurve(saturating, limit, (zero, zero), zero, zero, arb(0), slowest), None
    given = {key: rational(text) for key, text in given.items()}
    optimum = given["optimum"]
    confirm(0 < optimum <= 1, "the optimum must be in (0, 1]")
    best = arb(optimum)
    if name == "Arctan":
        confirm(given["rate"] > 0, "the rate must be positive")
        rate, height = arb(given["rate"]), 2 * best / arb.pi()
        curve = ExactCurve(
            lambda x: height * (rate * x).atan(), best, (zero, zero), zero, zero, arb(0)
        )
        return curve, 2
    if name == "PowerLaw":
        scale, beta, shift = given["scale"], given["exponent"], given["offset"]
        confirm(scale > 0 and beta > 0 and shift >= 0, "scale and exponent must be positive")
        power, factor, offset = arb(beta), arb(scale), arb(shift)

        def power_law(x: Any) -> Any:
            return best - factor * (-power * (x + offset).log()).exp()

        start = (arb(scale / optimum).log() / power).exp() - offset
        p, q = int(beta.p), int(beta.q)
        if max(p, q) <= LARGEST_POWER and (scale / optimum) ** q == shift**p:
            start = arb(0)  # exactly, which no ball can tell
        if start <= 0:
            nothing = arb(0) if start == 0 else power_law(arb(0)).nonnegative_part()
            return ExactCurve(power_law, best, (zero, zero), zero, zero, nothing), 2
        confirm(start > 0, "whether the curve starts at zero")
        little = fmpq(1, 2**100)  # beyond the rounding of the formula
        ends = exact(start.lower()) * (1 - little), exact(start.upper()) * (1 + little)
        confirm(power_law(arb(ends[1])) > 0, "the curve's start")
        return ExactCurve(power_law, best, ends, ends[0], ends[1], arb(0)), 2
    confirm(given["complexity"] > 0, "the complexity must be positive")
    k = arb(given["complexity"])

    def root(x: Any) -> Any:
        return (2 * k * (2 + (x / k).log())).sqrt()

    def bound(x: Any) -> Any:
        return best - (root(x) + 4) / x.sqrt()

    high = given["complexity"]
    while not bound(arb(high)) > 0:
        high *= 2
    low, high = crossing(lambda x: bound(arb(x)), high / 2, high)
    s = root(arb(low))
    confirm(bound(arb(low)) < 0 and bound(arb(high)) > 0, "the curve's start")
    confirm(s / 2 + 2 - k / s > 0, "the curve increases")
    confirm(3 + 3 * s / 4 - 2 * k / s - k * k / s**3 > 0, "the curve is concave")
    bends = fmpq(1, 2) + s / 8 - 3 * k / (4 * s) - k * k / s**3 > 0
    return ExactCurve(bound, best, (low, high), low, high, arb(0)), 2 if bends else None


def value_curve(
    accuracy: ExactCurve, bend: Any, stated: Mapping[str, Any]
) -> tuple[ExactCurve, fmpq | None]:
    r"""The curve v(a(S)), and the scale of v if it is linear.

    An increasing concave v leaves a concave curve concave. For :math:`v = w r^b`, b > 1, the sign
    of the curvature is that of :math:`b - 1 - \psi` with :math:`\psi = -a a''/a'^2`. With
    :math:`\rho = -a''/a'` and :math:`\eta = a/a'`, :math:`\psi = \rho\eta` and
    :math:`\eta' = 1 + \psi`: where :math:`\psi = b - 1`, it increases if :math:`-\rho'/\rho^2
    < b/(b - 1)`, that is, if :math:`a' a'''/a''^2 < 2 + 1/(b - 1)`. Then the curvature changes its
    sign once, from convex to concave. Of sums of exponentials :func:`bends_once` says whether.

    Raises
    ------
    RefusedError
        For another valuation, parameters outside their ranges, or a bend that may be too large.

    Examples
    --------
    >>> given = {"optimum": "1", "rate": "0.01"}
    >>> curve, bend = accuracy_curve({"name": "Arctan", "parameters": given})
    >>> valuation = {"name": "LinearValuation", "parameters": {"scale": "100"}}
    >>> value, scale = value_curve(curve, bend, valuation)
    >>> scale, bool(value.limit == 100)
    (100, True)
    """
    confirm_fields(stated, "name", "parameters")
    name = stated["name"]
    confirm(name in VALUATIONS, f"no proof is known for the valuation {name!r:.60}")
    confirm_fields(stated["parameters"], *VALUATIONS[name])
    given = {key: rational(text) for key, text in stated["parameters"].items()}
    scale, a = given["scale"], accuracy.formula
    confirm(scale > 0, "the scale must be positive")
    w, low, high = arb(scale), accuracy.convex_until, accuracy.concave_from
    value: Callable[[Any], Any]
    if name == "LinearValuation" or (name == "PowerValuation" and given["exponent"] == 1):

        def value(r: Any) -> Any:
            return w * r

    elif name == "ExponentialValuation":
        confirm(given["aversion"] > 0, "the aversion must be positive")
        rho = arb(given["aversion"])
        height = w / (1 - (-rho).exp())

        def value(r: Any) -> Any:
            return height * (1 - (-rho * r).exp())

    else:
        confirm(given["exponent"] > 1, "the exponent must be at least 1")
        less, b = given["exponent"] - 1, arb(given["exponent"])
        known = bend is not None and bend < 2 + 1 / less
        confirm(known or bends_once(accuracy, less), "no proof that v(a(S)) bends only once")

        def value(r: Any) -> Any:
            return w * (b * r.log()).exp()

        def curvature(x: fmpq) -> arb:
            level, slope, half = accuracy.jet(x, 3)
            return -(less * slope * slope + 2 * level * half)

        low = high = accuracy.start[1]
        if not curvature(high) > 0:
            high = max(2 * high, fmpq(1))
            while not curvature(high) > 0:
                high *= 2
            low, high = crossing(curvature, low, high)
    nothing = arb(0) if accuracy.nothing == 0 else value(accuracy.nothing)
    curve = ExactCurve(
        lambda x: value(a(x)), value(accuracy.limit), accuracy.start, low, high, nothing
    )
    return curve, scale if name == "LinearValuation" else None


def bends_once(accuracy: ExactCurve, less: fmpq) -> bool:
    r"""Whether :math:`a^b`, b = 1 + less, is convex, then concave, for a sum of exponentials.

    The sign of its curvature is that of :math:`q = (b-1) a'^2 + a a''`. Pieces are halved until on
    each q has a certain sign or falls: then all its zeros are passed downwards, so there is one at
    most. Beyond the last piece :math:`a'' \le -u a'` with u the slowest rate, so :math:`q \le a'
    ((b-1) a' - a u)`, which is negative from where it is once.
    """
    if accuracy.slowest is None:
        return False
    last = fmpq(1)
    for _ in range(DEEPEST):
        value, slope = accuracy.jet(last)
        if less * slope < value * accuracy.slowest:
            break
        last *= 2
    else:
        return False
    pieces = [(fmpq(0), last, 0)]
    while pieces:
        low, high, depth = pieces.pop()
        value, slope, half, sixth = accuracy.jet(arb(low).union(arb(high)), 4)
        sign = less * slope * slope + 2 * value * half
        falls = (2 * less + 1) * slope * 2 * half + 6 * value * sixth < 0
        if not (sign > 0 or sign < 0 or falls):
            if depth == DEEPEST:
                return False
            middle = (low + high) / 2
            pieces += [(low, middle, depth + 1), (middle, high, depth + 1)]
    return True


def alone(value: ExactCurve, cost: fmpq) -> arb:
    """What a party reaches alone, the maximum of g(m) - cost m: a menu of one and a line above.

    Examples
    --------
    >>> given = {"optimum": "1", "complexity": "1"}
    >>> curve, _ = accuracy_curve({"name": "GeneralizationBound", "parameters": given})
    >>> bool(alone(curve, rational("0.01")) == 0), round(float(alone(curve, rational("0.002"))), 4)
    (True, 0.0677)
    """
    nothing, c = value.value(fmpq(0)), arb(cost)
    most = value.limit / c  # nobody spends more than the best model is worth
    point = value.touching(fmpq(0)) if value.concave_from > 0 else fmpq(0)
    if point > 0:
        # Just before the touching point, so that the line to be raised starts at g(0) itself.
        point = max(point * (1 - fmpq(1, 2**40)), value.concave_from)
    if point == 0 or value.jet(point)[1] > c:
        low, high = point, max(exact(most.upper()), 2 * point)

        def falls(x: fmpq) -> arb:
            return c - value.jet(x)[1]

        if low > 0 or not falls(fmpq(0)) > 0:
            low, high = crossing(falls, low, high)
            point = high
    base, slope = value.tangent(point, fmpq(0), nothing)
    best = (value.value(point) - c * arb(point)).max(nothing)
    return best.union(base + ((slope - c) * most).max(arb(0)))
