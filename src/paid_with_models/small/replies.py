"""What parties give who all get the model: best replies, and what can be asked of types in sight.

In the part of the language that :mod:`paid_with_models.small` keeps to, so that the book's build
makes JavaScript of it. Value is counted in values of one unit of accuracy: rewards, outside options
and accuracies share one unit, and costs come divided by it.
"""

import math
from dataclasses import dataclass

from .curve import Curve, accuracy, slope
from .expectation import moments
from .law import Law

__all__ = [
    "Seen",
    "best_reply",
    "can_be_asked",
    "interior",
    "seen",
    "seen_total",
    "without_incentives",
]

#: REPLY_STEPS: halvings of an interval; as many as a floating-point number has bits.
REPLY_STEPS = 60
#: SETTLED: relative change of a total below which Newton's method has arrived.
SETTLED = 1e-15
#: PASSES, ARRIVED: passes toward the greatest fixed point, each of which brings it nearer by a
#: constant factor; largest relative fall of a contribution in the last one.
PASSES, ARRIVED = 2000, 1e-13
#: LEAST_CHANCE: probability that stands for none, where it is divided by.
LEAST_CHANCE = 1e-300


def interior(curve: Curve, cost: float) -> float:
    """Return the total up to which a party adds data once there is a model; 0 if it never does.

    Parameters
    ----------
    curve : Curve
    cost : float > 0
        Per unit of data, in values of one unit of accuracy.

    Returns
    -------
    float
        The largest S with a'(S) = cost.

    Examples
    --------
    >>> from paid_with_models.small.curve import generalization_bound
    >>> curve = generalization_bound(1.0, 1.0)
    >>> total = interior(curve, 0.001)
    >>> abs(slope(curve, total) - 0.001) < 1e-12
    True
    """
    high = math.log(curve.top / cost)  # where even all of the accuracy would not pay
    low = math.log(curve.zero) if curve.zero > 0 else high - REPLY_STEPS
    if low >= high or slope(curve, math.exp(low) * (1 + 1e-12)) <= cost:
        return 0.0
    for _ in range(REPLY_STEPS):
        middle = 0.5 * (low + high)
        if slope(curve, math.exp(middle)) > cost:
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))


def best_reply(curve: Curve, cost: float, others: float) -> float:
    """Return what a party gives if the others give `others` and all get the model.

    Examples
    --------
    >>> from paid_with_models.small.curve import generalization_bound
    >>> curve = generalization_bound(1.0, 1.0)
    >>> best_reply(curve, 0.002, 1e6)  # the others give plenty
    0.0
    """
    total = interior(curve, cost)
    if total <= others:
        return 0.0
    gain = accuracy(curve, total) - accuracy(curve, others) - cost * (total - others)
    return total - others if gain > 0 else 0.0


def _asked(model: float, outside: float, cost: float) -> float:
    """Return what a party can be asked to give for a model; not less than nothing."""
    return max(model - outside, 0.0) / cost


def can_be_asked(
    curve: Curve, data: float, counts: list[float], costs: list[float], outside: list[float]
) -> float:
    """Return how much data can be asked of all, if each gets the model that `data` trains.

    Parameters
    ----------
    curve : Curve
    data : float >= 0
        S.
    counts, costs, outside : list of float
        How many parties of each type there are; cost and outside option of each.

    Returns
    -------
    float
        The sum over types of n_i (a(S) - f_i) / c_i; no type is asked for less than nothing.

    Examples
    --------
    >>> from paid_with_models.small.curve import generalization_bound
    >>> can_be_asked(generalization_bound(1.0, 1.0), 0.0, [2.0], [0.01], [0.0])
    0.0
    """
    model = accuracy(curve, data)
    total = 0.0
    for i in range(len(counts)):
        total += counts[i] * _asked(model, outside[i], costs[i])
    return total


def seen_total(
    curve: Curve, counts: list[float], costs: list[float], outside: list[float]
) -> float:
    """Return the most data when types are seen: the largest S that can be asked at S itself.

    Newton's method from above: S minus what can be asked at S is convex there. Everybody gets the
    model that it trains (the paper's Proposition 2). 0 if only S = 0 can be asked.

    Examples
    --------
    >>> from paid_with_models.small.curve import generalization_bound
    >>> curve = generalization_bound(1.0, 1.0)
    >>> total = seen_total(curve, [5.0, 5.0], [0.002, 0.001], [0.0, 0.0])
    >>> abs(can_be_asked(curve, total, [5.0, 5.0], [0.002, 0.001], [0.0, 0.0]) - total) < 1e-8
    True
    """
    each, room = 0.0, 0.0
    for i in range(len(counts)):
        each += counts[i] / costs[i]
        room += counts[i] * outside[i] / costs[i]
    total = each * curve.top - room
    for _ in range(4 * REPLY_STEPS):
        if total <= curve.zero:
            return 0.0
        rise = 1 - each * slope(curve, total)
        over = total - (each * accuracy(curve, total) - room)
        if rise <= 0:
            return 0.0 if over > 1e-9 * total else total
        step = over / rise
        if step <= SETTLED * total:
            break
        total -= step
    return total


@dataclass(frozen=True, eq=False)
class Seen:
    """The complete-information benchmark: its mean accuracy, and what each type gives on average.

    Attributes
    ----------
    accuracy : float
        E[a(S)], each outcome with its own total.
    given : list of float
        Mean contribution of a type, given that it is present.
    """

    accuracy: float
    given: list[float]


def seen(law: Law, costs: list[float], outside: list[float]) -> Seen:
    """Return the complete-information benchmark over all outcomes.

    Parameters
    ----------
    law : Law
        Outcomes.
    costs, outside : list of float
        In the order of the law's scheme.
    """
    curve = law.scheme.curve
    size = len(costs)
    mean = 0.0
    given, present, counts = [0.0] * size, [0.0] * size, [0.0] * size
    for o in range(len(law.chance)):
        for i in range(size):
            counts[i] = law.counts[o * size + i]
        model = accuracy(curve, seen_total(curve, counts, costs, outside))
        mean += law.chance[o] * model
        for i in range(size):
            if counts[i] > 0:
                present[i] += law.chance[o]
                given[i] += law.chance[o] * _asked(model, outside[i], costs[i])
    for i in range(size):
        given[i] /= max(present[i], LEAST_CHANCE)
    return Seen(mean, given)


def without_incentives(law: Law, costs: list[float], outside: list[float]) -> list[float]:
    """Return the most that can be asked if IR and caps hold and nobody can pretend.

    m_i = (T_i(m) - f_i) / c_i has a greatest solution, since T_i rises in every m_j, and no menu
    that satisfies IR and caps asks more of anybody (Tarski): what starts above it falls to it.

    Parameters
    ----------
    law : Law
        Outcomes, taken with the true curve.
    costs, outside : list of float
        In the order of the law's scheme.

    Returns
    -------
    list of float
        Units of data.
    """
    size = len(costs)
    none = [0.0] * size
    m = [0.0] * size
    for i in range(size):
        m[i] = _asked(law.scheme.curve.top, outside[i], costs[i])
    for _ in range(PASSES):
        caps = moments(law, m, none, False).values
        change = 0.0
        for i in range(size):
            lower = _asked(caps[i], outside[i], costs[i])
            change = max(change, (m[i] - lower) / max(m[i], 1e-9))
            m[i] = min(m[i], lower)
        if change < ARRIVED:
            break
    return m
