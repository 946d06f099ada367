"""Accuracy curves of the small solver, and what a type does alone.

Two kinds: the generalization bound, which is 0 up to some amount of data and concave from the point
on where the tangent from the origin touches it; and sums of saturating exponentials, which are
concave from the start. Both come with the exponential sum of their shortfall, from which
expectations over any number of parties are computed.
"""

import math
from dataclasses import dataclass

from .table import ERROR, HIGH, PLAIN, RATES, ROOT, SLOPE_ERROR

__all__ = [
    "ROUNDING",
    "Curve",
    "accuracy",
    "autarky",
    "exponential_curve",
    "generalization_bound",
    "slope",
    "within_table",
]

#: ROUNDING: a unit in the last place of 1.
ROUNDING = 2.220446049250313e-16

#: SUM_ROUNDING: roundings of a sum over the rates, each term with its exponential.
SUM_ROUNDING = 64 * ROUNDING

#: STEPS, HALVINGS: enough for Newton's method from nearby, and for halving an interval, to reach
#: the last digit.
STEPS, HALVINGS = 60, 70


@dataclass(frozen=True, eq=False)
class Curve:
    """An accuracy curve a(S).

    Attributes
    ----------
    top, base : float
        Accuracy of endless data, and of none.
    k : float
        Complexity of the generalization bound; 0 for a sum of saturating exponentials.
    zero, touch : float
        Up to here data train nothing; from here on the curve is its concave envelope. Units of
        data; both 0 for a sum of exponentials.
    zero_slope, touch_slope : float
        Slopes there: the first of the formula, the second of the envelope at nothing.
    rates, weights : list of float
        top - a(S) = sum of weights times exp(-rate S) from ``touch`` on.
    error, slope_error : float
        By how much the sum may be wrong: values, absolute; slopes, relative.
    """

    top: float
    base: float
    k: float
    zero: float
    touch: float
    zero_slope: float
    touch_slope: float
    rates: list[float]
    weights: list[float]
    error: float
    slope_error: float


def generalization_bound(optimum: float, complexity: float) -> Curve:
    """a(S) = max(0, optimum - (sqrt(2 k (2 + ln(S / k))) + 4) / sqrt(S)), k the complexity.

    Parameters
    ----------
    optimum : float
        Accuracy of endless data, in (0, 1].
    complexity : float > 0
        In units of data.

    Raises
    ------
    ValueError
        For parameters outside these ranges.

    Examples
    --------
    >>> curve = generalization_bound(1.0, 1.0)
    >>> round(curve.zero, 3), round(curve.touch, 3), round(accuracy(curve, 1000.0), 4)
    (55.807, 127.243, 0.74)
    """
    if not 0 < optimum <= 1:
        raise ValueError("optimum must be in (0, 1]; got " + str(optimum))
    if not (complexity > 0 and complexity < math.inf):
        raise ValueError("complexity must be positive and finite; got " + str(complexity))
    by_root = 1 / math.sqrt(complexity)
    zero = complexity * math.exp(_log_data(optimum, complexity, 1.0, 4.0, 0.0))
    touch = complexity * math.exp(_log_data(optimum, complexity, 1.5, 6.0, 1.0))
    rates = [rate / complexity for rate in RATES]
    weights = [ROOT[j] + PLAIN[j] * by_root for j in range(len(RATES))]
    return Curve(
        optimum,
        0.0,
        complexity,
        zero,
        touch,
        _bound_slope(complexity, zero),
        _bound_slope(complexity, touch),
        rates,
        weights,
        ERROR * (1 + by_root) + SUM_ROUNDING,
        SLOPE_ERROR + SUM_ROUNDING,
    )


def exponential_curve(base: float, rates: list[float], weights: list[float]) -> Curve:
    """a(S) = base + the sum of weights times (1 - exp(-rate S)).

    Parameters
    ----------
    base : float
        Accuracy without data, in [0, 1).
    rates, weights : list of float > 0
        Rates per unit of data; weights in accuracy, with ``base`` at most 1 in all.

    Raises
    ------
    ValueError
        For other numbers.

    Examples
    --------
    >>> curve = exponential_curve(0.1, [0.01], [0.8])
    >>> accuracy(curve, 0.0), round(accuracy(curve, 100.0), 4), curve.top
    (0.1, 0.6057, 0.9)
    """
    if not 0 <= base < 1:
        raise ValueError("base must be in [0, 1); got " + str(base))
    if len(rates) == 0 or len(rates) != len(weights):
        raise ValueError("rates and weights must be lists of the same length, not empty")
    top, steepest = base, 0.0
    for j in range(len(rates)):
        if not (rates[j] > 0 and rates[j] < math.inf):
            raise ValueError("rates must be positive and finite; got " + str(rates[j]))
        if not 0 < weights[j] <= 1:
            raise ValueError("weights must be in (0, 1]; got " + str(weights[j]))
        top += weights[j]
        steepest += weights[j] * rates[j]
    if top > 1 + 1e-9:
        raise ValueError("base and weights must sum to at most 1; they sum to " + str(top))
    return Curve(
        top,
        base,
        0.0,
        0.0,
        0.0,
        steepest,
        steepest,
        rates[:],
        weights[:],
        SUM_ROUNDING,
        SUM_ROUNDING,
    )


def _log_data(optimum: float, k: float, by_s: float, constant: float, by_k: float) -> float:
    """Largest y = ln(S / k) with optimum sqrt(S) = by_s s + constant - by_k k / s.

    With s = sqrt(2 k (2 + y)). The difference of the two sides is convex in y, so that Newton's
    method from above falls on the root.
    """
    y = 2.0
    half = optimum * math.sqrt(k)
    s = math.sqrt(2 * k * (2 + y))
    while half * math.exp(0.5 * y) - by_s * s - constant + by_k * k / s <= 0:
        y += 1.0
        s = math.sqrt(2 * k * (2 + y))
    for _ in range(STEPS):
        s = math.sqrt(2 * k * (2 + y))
        error = half * math.exp(0.5 * y) - by_s * s - constant + by_k * k / s
        rise = 0.5 * half * math.exp(0.5 * y) - by_s * k / s - by_k * k * k / (s * s * s)
        step = error / rise
        y -= step
        if step <= ROUNDING * y:
            break
    return y


def accuracy(curve: Curve, data: float) -> float:
    """Accuracy of a model trained on so much data.

    Parameters
    ----------
    curve : Curve
    data : float >= 0
        Units of data.

    Returns
    -------
    float
        Between the curve's base and its top.

    Examples
    --------
    >>> accuracy(generalization_bound(1.0, 1.0), 50.0)
    0.0
    """
    if curve.k > 0:
        if data <= curve.zero:
            return 0.0
        s = math.sqrt(2 * curve.k * (2 + math.log(data / curve.k)))
        return max(0.0, curve.top - (s + 4) / math.sqrt(data))
    value = curve.base
    for j in range(len(curve.rates)):
        value -= curve.weights[j] * math.expm1(-curve.rates[j] * data)
    return value


def slope(curve: Curve, data: float) -> float:
    """Derivative of the curve's formula; not of the bound where that is cut off at 0.

    Parameters
    ----------
    curve : Curve
    data : float
        At least the curve's ``zero``.

    Returns
    -------
    float
        Accuracy per unit of data.

    Examples
    --------
    >>> round(slope(exponential_curve(0.0, [0.01], [0.8]), 0.0), 6)
    0.008
    """
    if curve.k > 0:
        return _bound_slope(curve.k, data)
    total = 0.0
    for j in range(len(curve.rates)):
        total += curve.weights[j] * curve.rates[j] * math.exp(-curve.rates[j] * data)
    return total


def _bound_slope(k: float, data: float) -> float:
    """Derivative of the generalization bound's formula."""
    s = math.sqrt(2 * k * (2 + math.log(data / k)))
    return (0.5 * s + 2 - k / s) / (data * math.sqrt(data))


def autarky(curve: Curve, cost: float) -> float:
    """What a type trains on alone: the m that maximizes a(m) - cost m.

    Parameters
    ----------
    curve : Curve
    cost : float > 0
        Per unit of data, in accuracy.

    Returns
    -------
    float
        Units of data; 0 if the type stays out.

    Examples
    --------
    >>> curve = generalization_bound(1.0, 1.0)
    >>> round(autarky(curve, 0.002), 2), autarky(curve, 0.01)
    (148.06, 0.0)
    """
    if cost >= curve.touch_slope:
        return 0.0
    # Halved in logarithms. The slope of a sum of exponentials falls no faster than its fastest.
    low = math.log((curve.top - curve.base) / cost)
    high = low
    if curve.k > 0:
        low = math.log(curve.touch)
    else:
        fastest = 0.0
        for rate in curve.rates:
            fastest = max(fastest, rate)
        low = math.log(math.log(curve.touch_slope / cost) / fastest)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if slope(curve, math.exp(middle)) > cost:
            low = middle
        else:
            high = middle
    data = math.exp(0.5 * (low + high))
    return data if accuracy(curve, data) - cost * data > curve.base else 0.0


def within_table(curve: Curve, data: float) -> bool:
    """Whether so much data is in the range that the curve's exponential sum covers.

    Examples
    --------
    >>> within_table(generalization_bound(1.0, 1.0), 1e17)
    False
    """
    return curve.k == 0 or data <= HIGH * curve.k
