r"""What a certificate says of its curves, so that the checker need not look for it.

Where curves start and bend, what parties do alone, and exponential sums, as exact decimals. Nothing
here is trusted: what is wrong is refused by :mod:`~paid_with_models.checks.proof_checker`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, fmpq

from ..accuracy import Curve
from ..solver.least_squares import non_negative
from ..solver.mixtures import as_mixture
from . import proof_checker as checker
from .proof_checker import RefusedError

__all__ = ["fitted", "near", "outward", "shapes", "stated_claims", "text_of"]

#: DECIMALS: digits after the point of claims, about 80 bits.
DECIMALS = 24

#: DIGITS: of where curves start and bend, more than their balls have.
DIGITS = 45

#: HALVINGS: of the range in which that is looked for.
HALVINGS = 120

#: NEWTON: steps from about the best amount of data to all digits.
NEWTON = 6

#: FLAT: share of its limit by which a curve may rise beyond what is looked at.
FLAT = fmpq(1, 10**32)

#: RATES_PER_E_FOLD, SLOWEST, FASTEST: of exponential sums, and how far beyond the range's ends.
RATES_PER_E_FOLD, SLOWEST, FASTEST = 4, 0.02, 40.0


def text_of(number: Any) -> str:
    """The decimal that is meant by a float, or a string as it is.

    Examples
    --------
    >>> text_of(0.2), text_of("0.10"), text_of(Fraction(1, 8)), text_of(Fraction(1, 3))
    ('0.2', '0.10', '0.125', '1/3')
    """
    if isinstance(number, Fraction):
        rest, twos, fives = number.denominator, 0, 0
        while rest % 2 == 0:
            rest, twos = rest // 2, twos + 1
        while rest % 5 == 0:
            rest, fives = rest // 5, fives + 1
        if rest > 1:
            return str(number)
        places = max(twos, fives)
        digits = f"{abs(number) * 10**places}".rjust(places + 1, "0")
        sign = "-" if number < 0 else ""
        return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)
    return number if isinstance(number, str) else repr(float(number))


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
    if not ball.is_finite():
        raise RefusedError("a number could not be enclosed")
    with checker.precision():  # without it ends would be rounded to a double
        ends = ball.lower().fmpq(), ball.upper().fmpq()
    low, high = (Fraction(int(end.p), int(end.q)) for end in ends)
    return [decimal(math.floor(low * 10**DECIMALS)), decimal(math.ceil(high * 10**DECIMALS))]


def decimal(units: int) -> str:
    """A number of units of the last decimal, as text."""
    digits = f"{abs(units):0{DECIMALS + 1}d}"
    return f"{'-' if units < 0 else ''}{digits[:-DECIMALS]}.{digits[-DECIMALS:]}"


def stated_claims(found: Any) -> Any:
    """Findings of the checker in decimals: intervals, and the bound as a number."""
    if isinstance(found, dict):
        return {name: outward(part)[1] if name == "upper_bound" else stated_claims(part)
                for name, part in found.items()}  # fmt: skip
    if isinstance(found, list):
        return [stated_claims(part) for part in found]
    return None if found is None else outward(found)


def text_near(number: fmpq, *, up: bool) -> str:
    """A number >= 0 with DIGITS digits, rounded up or down."""
    exact = Fraction(int(number.p), int(number.q))
    if exact == 0:
        return "0"
    unit = Fraction(10) ** (math.floor(math.log10(exact)) + 1 - DIGITS)
    return text_of((math.ceil if up else math.floor)(exact / unit) * unit)


def crossing(
    holds: Callable[[fmpq], Any], low: fmpq, first: fmpq, halvings: int = HALVINGS
) -> tuple[fmpq, fmpq]:
    """Two close points: something does not hold at the first, and holds at the second."""
    high = max(first, 2 * low)
    for _ in range(1000):
        if holds(high):
            break
        low, high = high, 2 * high
    else:
        raise RefusedError("no proof is known for a curve of this shape")
    for _ in range(halvings):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return low, high


def shapes(problem: Mapping[str, Any], start: float) -> dict[str, Any]:
    """Of a stated problem: where curves start, are concave, and to where that is to be shown.

    And how much data each type collects alone, or what touches there if it collects none.

    Parameters
    ----------
    problem : mapping
        As certificates state it.
    start : float
        About where accuracy leaves zero.
    """
    with checker.precision():
        best, a = checker.named(checker.ACCURACIES, problem["accuracy"])
        v, bend = checker.named(checker.VALUATIONS, problem["valuation"])
        costs = [checker.rational(x) for x in problem["costs"]]
        most = (problem["n_parties"] * v(best) / min(costs)).upper().fmpq()
        unit = checker.VALUATIONS["LinearValuation"](1)
        curves = {"accuracy": checker.Curve(best, a, *unit)}
        if problem["valuation"]["name"] == "LinearValuation":  # value is accuracy but for its scale
            scale = checker.rational(problem["valuation"]["parameters"]["scale"])
            costs = [cost / scale for cost in costs]
        else:
            curves["value"] = checker.Curve(v(best), a, v, bend)
        stated: dict[str, Any] = {}
        first = starting(a, start)
        for name, curve in curves.items():
            curve.start = checker.rational(first)
            concave = bending(curve)
            curve.concave = checker.rational(concave)
            stated[name] = [first, concave, reaching(curve, most)]
        return {**stated, "alone": [alone(curve, cost) for cost in costs]}


def starting(a: Callable[[Any], Any], about: float) -> str:
    """Where an accuracy curve leaves zero, from a float near it."""
    if about == 0:
        return "0"
    least = near(about * (1 - 1e-6))
    low, _ = crossing(lambda x: not a(arb(x)) < 0, least, near(about))
    return text_near(low, up=False)


def bending(curve: checker.Curve) -> str:
    """From where a curve is concave."""
    if curve.sign(curve.start)[0] <= 0:
        return text_of(Fraction(int(curve.start.p), int(curve.start.q)))
    first = curve.start if curve.start > 0 else fmpq(1, 2**20)
    return text_near(crossing(lambda x: curve.sign(x)[0] < 0, curve.start, first)[1], up=True)


def reaching(curve: checker.Curve, most: fmpq) -> str:
    """To where the shape of a curve is to be shown: as far as it can be told from its limit."""
    if curve.concave > 0:  # lines that touch have to, too
        most = max(most, 2 * curve.touching(fmpq(0), curve.value(fmpq(0))))
    reach = max(curve.concave, fmpq(1))
    while reach < most and not curve.limit - curve.value(reach) <= curve.limit * FLAT:
        reach *= 2
    return text_near(max(min(reach, most), curve.concave), up=True)


def alone(value: checker.Curve, cost: fmpq) -> str:
    """How much data a party collects alone; if none, where a line from there touches."""

    def falls(x: fmpq) -> Any:
        return checker.taylor(value.formula, x, 2)[1] < cost

    point = fmpq(0)
    if value.concave > 0:
        # Just before the touching point, so that the line to be raised starts at g(0) itself.
        point = max(
            value.touching(fmpq(0), value.value(fmpq(0))) * (1 - fmpq(1, 2**40)), value.concave
        )
    if not falls(point):
        _, point = crossing(falls, point, max(point, fmpq(1)), halvings=12)
        for _ in range(NEWTON):  # where the slope is the cost
            _, slope, half = checker.taylor(value.formula, point, 3)
            point -= ((slope - cost) / (2 * half)).mid().fmpq()
    return text_near(point, up=True)


def fitted(curve: Curve, exact: checker.Curve, high: float) -> dict[str, Any]:
    """An exponential sum close to a curve: its own, or else by non-negative least squares."""
    low = float(arb(exact.start))
    own = as_mixture(curve, high)
    if own is not None and own.exact:
        rates, weights = own.rates, own.weights
    else:
        rates, weights = least_squares(curve, low, high)
    # Tangents of the sum are not negative at 0 from somewhere beyond where those of the curve are.
    touch = low
    if low > 0:
        touch = float(arb(exact.touching(fmpq(0), exact.value(fmpq(0)))))
        for _ in range(100):
            terms = weights * np.exp(-rates * touch)
            if curve.optimum - terms @ (1 + rates * touch) > 1e-12:
                break
            touch *= 1.01
    return {"rates": [text_of(x) for x in rates], "weights": [text_of(x) for x in weights],
            "tangent": text_of(touch) if low > 0 else "0"}  # fmt: skip


def least_squares(curve: Curve, low: float, high: float) -> tuple[Any, Any]:
    """Rates and weights of an exponential sum that is close to a curve on a range."""
    shortest = low
    if low == 0:  # as fast as the curve's own first rise
        grid = np.geomspace(1e-12, high, 3001)
        risen = curve(grid) - curve(0.0) >= 1e-3 * (curve.optimum - curve(0.0))
        shortest = float(grid[np.argmax(risen)])
    fastest, slowest = FASTEST / shortest, SLOWEST / high
    number = math.ceil(RATES_PER_E_FOLD * math.log(fastest / slowest))
    rates = np.geomspace(slowest, fastest, number)
    data = np.append(np.geomspace(shortest, high, 8 * rates.size), low)
    shares = non_negative(np.exp(-np.outer(data, rates)), 1 - curve(data) / curve.optimum)
    if not shares.any():
        raise RefusedError("no exponential sum was found for the curve")
    return rates[shares > 0], curve.optimum * shares[shares > 0]
