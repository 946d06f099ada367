"""What the explorables compute beside the best menu, small enough to run in a web page.

Best replies, what can be asked under complete information, what a fixed promise risks, the check of
a menu made by hand, and a crowd that chooses by logit (:mod:`paid_with_models.small.point_fit` fits
measured points): standard library only, in the part of the language that
:mod:`paid_with_models.small` keeps to, so that the book's build makes JavaScript of it. Value is
linear in accuracy and counted in values of one unit of accuracy: rewards, outside options and
accuracies share one unit, and costs come divided by it.
"""

import math
from dataclasses import dataclass

from .curve import Curve, accuracy, slope
from .expectation import moments
from .law import TRUE_CURVE, Law, outcomes, with_status
from .scheme import Scheme

__all__ = [
    "Checked",
    "Crowd",
    "Seen",
    "as_it_is",
    "best_reply",
    "can_be_asked",
    "chance_of_less",
    "checked",
    "crowd",
    "crowd_accuracy",
    "interior",
    "logit",
    "seen",
    "seen_total",
    "with_margin",
    "without_incentives",
]

#: REPLY_STEPS: halvings of an interval; as many as a floating-point number has bits.
REPLY_STEPS = 60
#: SETTLED: relative change of a total below which Newton's method has arrived.
SETTLED = 1e-15
#: PASSES: passes toward the greatest fixed point; each brings it nearer by a constant factor.
PASSES = 2000
#: ARRIVED, KEPT: largest relative fall of a contribution in the last pass; by how much a cap may be
#: exceeded, in accuracy.
ARRIVED, KEPT = 1e-13, 1e-12
#: PART: how exactly the factor is found by which a menu shrinks.
PART = 1e-9
#: LEAST_CHANCE: probability that stands for none, so that it has a logarithm.
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
        total += counts[i] * max(model - outside[i], 0.0) / costs[i]
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
                given[i] += law.chance[o] * max(model - outside[i], 0.0) / costs[i]
    for i in range(size):
        given[i] /= max(present[i], LEAST_CHANCE)
    return Seen(mean, given)


def as_it_is(scheme: Scheme) -> Law:
    """Return all outcomes, each with the true curve.

    Examples
    --------
    >>> from paid_with_models.small import design, generalization_bound
    >>> work = design(3, [0.5, 0.5], [0.2, 0.1], [], 100.0, generalization_bound(1.0, 1.0), False)
    >>> len(as_it_is(work.search.selections[0].scheme).chance)
    4
    """
    law = outcomes(scheme)
    return with_status(law, [TRUE_CURVE for _ in law.chance])


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
        m[i] = max(law.scheme.curve.top - outside[i], 0.0) / costs[i]
    for _ in range(PASSES):
        caps = moments(law, m, none, False).values
        change = 0.0
        for i in range(size):
            lower = max(caps[i] - outside[i], 0.0) / costs[i]
            change = max(change, (m[i] - lower) / max(m[i], 1e-9))
            m[i] = min(m[i], lower)
        if change < ARRIVED:
            break
    return m


def chance_of_less(law: Law, m: list[float], kind: int, promise: float) -> float:
    """Return the probability, given that the type is present, that the model is worth less.

    Parameters
    ----------
    law : Law
        Outcomes.
    m : list of float
        Contributions.
    kind : int
        The type that has the promise.
    promise : float
        In [0, 1], accuracy.
    """
    size = len(m)
    less, present = 0.0, 0.0
    for o in range(len(law.chance)):
        if law.counts[o * size + kind] > 0:
            data = 0.0
            for i in range(size):
                data += law.counts[o * size + i] * m[i]
            present += law.chance[o]
            if accuracy(law.scheme.curve, data) < promise:
                less += law.chance[o]
    return less / present


@dataclass(frozen=True, eq=False)
class Checked:
    """A menu made by hand, held against every constraint; slacks below 0 are violations.

    Attributes
    ----------
    accuracy : float
        E[a(S)] if everybody takes the option that is meant for it.
    caps : list of float
        The most that each mean reward can be.
    individual_rationality, insolvent : list of float
        Slack of IR; slack of the cap.
    best_option : list of int
        The option that serves each type best, its own where no other is better.
    deviation_gain : list of float
        What it gains by taking that option.
    """

    accuracy: float
    caps: list[float]
    individual_rationality: list[float]
    insolvent: list[float]
    best_option: list[int]
    deviation_gain: list[float]


def checked(
    law: Law, costs: list[float], outside: list[float], m: list[float], t: list[float]
) -> Checked:
    """Check a menu against every constraint, as :func:`paid_with_models.audit` does.

    Parameters
    ----------
    law : Law
        Outcomes, taken with the true curve.
    costs, outside : list of float
        In the order of the law's scheme.
    m, t : list of float
        The option that is meant for each type: units of data, mean value.
    """
    size = len(m)
    at = moments(law, m, [0.0] * size, False)
    rationality, spare, gains = [0.0] * size, [0.0] * size, [0.0] * size
    options = [0] * size
    for i in range(size):
        own = t[i] - costs[i] * m[i]
        rationality[i] = own - outside[i]
        spare[i] = at.values[i] - t[i]
        options[i] = i
        for j in range(size):
            gain = t[j] - costs[i] * m[j] - own
            if gain > gains[i]:
                gains[i] = gain
                options[i] = j
    return Checked(at.accuracy, at.values, rationality, spare, options, gains)


def with_margin(
    law: Law, costs: list[float], outside: list[float], m: list[float], margin: float
) -> list[list[float]]:
    """Return a menu in which every constraint holds with a margin: contributions, then rewards.

    Contributions are those given, shrunk by one factor until the caps hold; nothing, if they hold
    for none. That is a simple menu with the margin, not the best one, which
    :func:`paid_with_models.beyond.margins.slack_menu` finds.

    Parameters
    ----------
    law : Law
        Outcomes, taken with the true curve.
    costs, outside : list of float
        Costliest type first.
    m : list of float
        Non-decreasing contributions.
    margin : float >= 0
        By which a type's own option is better than staying out and than any other option.
    """
    size = len(m)
    low, high = 0.0, 1.0
    kept = _margin_menu(law, costs, outside, m, margin, 1.0)
    if len(kept) > 0:
        return kept
    kept = [[0.0] * size, [0.0] * size]
    while high - low > PART:
        part = 0.5 * (low + high)
        menu = _margin_menu(law, costs, outside, m, margin, part)
        if len(menu) > 0:
            kept = menu
            low = part
        else:
            high = part
    return kept


def _margin_menu(
    law: Law,
    costs: list[float],
    outside: list[float],
    m: list[float],
    margin: float,
    part: float,
) -> list[list[float]]:
    """Return the menu with a part of the contributions and the least rewards; empty if none is."""
    size = len(m)
    less = [0.0] * size
    for i in range(size):
        less[i] = part * m[i]
        # Options too close for a margin on both sides become one.
        if i > 0 and (costs[i - 1] - costs[i]) * (less[i] - less[i - 1]) < 2 * margin:
            less[i] = less[i - 1]
    u = outside[:]
    for i in range(size):
        u[i] += margin
        if i > 0:
            apart = margin if less[i] > less[i - 1] else 0.0
            u[i] = max(u[i], u[i - 1] + (costs[i - 1] - costs[i]) * less[i - 1] + apart)
    for i in range(size - 2, -1, -1):
        apart = margin if less[i + 1] > less[i] else 0.0
        u[i] = max(u[i], u[i + 1] - (costs[i] - costs[i + 1]) * less[i + 1] + apart)
    caps = moments(law, less, [0.0] * size, False).values
    t = [0.0] * size
    for i in range(size):
        t[i] = u[i] + costs[i] * less[i]
        if t[i] > caps[i] + KEPT:
            return []
    return [less, t]


def logit(gains: list[float], rationality: float) -> list[float]:
    """Return probabilities of alternatives, proportional to exp(rationality * gain).

    Examples
    --------
    >>> [round(p, 12) for p in logit([0.0, math.log(3.0)], 1.0)]
    [0.25, 0.75]
    """
    most = gains[0]
    for gain in gains:
        most = max(most, gain)
    odds = [0.0] * len(gains)
    total = 0.0
    for j in range(len(gains)):
        odds[j] = math.exp(rationality * (gains[j] - most))
        total += odds[j]
    for j in range(len(gains)):
        odds[j] /= total
    return odds


@dataclass(frozen=True, eq=False)
class Crowd:
    """Parties that believe the promises and choose by logit; the last choice is to stay out.

    Attributes
    ----------
    choices : list of list of float
        Probability that a type takes each option, or stays out.
    odds : list of float
        The same for a party whose type is not known.
    """

    choices: list[list[float]]
    odds: list[float]


def crowd(
    p: list[float],
    costs: list[float],
    outside: list[float],
    m: list[float],
    t: list[float],
    rationality: float,
) -> Crowd:
    """Let parties choose from a menu of different options by logit.

    Parameters
    ----------
    p, costs, outside : list of float
        Of the types.
    m, t : list of float
        Of the options: units of data, mean value.
    rationality : float >= 0
        Per value of one unit of accuracy.

    Examples
    --------
    >>> found = crowd([0.5, 0.5], [0.2, 0.1], [0.0, 0.0], [1.0], [0.2], 0.0)
    >>> found.choices, found.odds
    ([[0.5, 0.5], [0.5, 0.5]], [0.5, 0.5])
    """
    options = len(m)
    choices: list[list[float]] = []
    odds = [0.0] * (options + 1)
    for i in range(len(p)):
        gains = [0.0] * (options + 1)
        for j in range(options):
            gains[j] = t[j] - costs[i] * m[j]
        gains[options] = outside[i]
        choice = logit(gains, rationality)
        choices.append(choice)
        for j in range(options + 1):
            odds[j] += p[i] * choice[j]
    return Crowd(choices, odds)


def crowd_accuracy(curve: Curve, n: int, odds: list[float], m: list[float]) -> float:
    """Return E[a(S)] if each of n parties takes option j with probability odds[j].

    Parameters
    ----------
    curve : Curve
    n : int >= 1
    odds : list of float
        One more than options: the last stays out.
    m : list of float
        Contributions of the options.
    """
    options = len(m)
    counts = [0.0] * options
    logs = [0.0] * (options + 1)
    for j in range(options + 1):
        logs[j] = math.log(max(odds[j], LEAST_CHANCE))
    return _over_options(curve, n * 1.0, 0, logs, m, counts, 0.0, 0.0)


def _over_options(
    curve: Curve,
    left: float,
    option: int,
    logs: list[float],
    m: list[float],
    counts: list[float],
    log_chance: float,
    data: float,
) -> float:
    """Sum over how many of those who are left take this option, and the next ones."""
    if option == len(m):
        return math.exp(log_chance + left * logs[option]) * accuracy(curve, data)
    total, log_ways, taken = 0.0, 0.0, 0.0
    while taken <= left:
        total += _over_options(
            curve,
            left - taken,
            option + 1,
            logs,
            m,
            counts,
            log_chance + log_ways + taken * logs[option],
            data + taken * m[option],
        )
        taken += 1.0
        log_ways += math.log(max(left - taken + 1, 1.0)) - math.log(taken)
    return total
