"""Menus made by hand: checked against every constraint, given a margin, and what a promise risks.

In the part of the language that :mod:`paid_with_models.small` keeps to, so that the book's build
makes JavaScript of it. Rewards, outside options and accuracies share one unit, and costs come
divided by it.
"""

from dataclasses import dataclass

from .curve import accuracy
from .expectation import moments
from .law import TRUE_CURVE, Law, data_in, outcomes, with_status
from .scheme import Scheme

__all__ = ["Checked", "as_it_is", "chance_of_less", "checked", "with_margin"]

#: KEPT: by how much a cap may be exceeded, in accuracy.
KEPT = 1e-12
#: PART: how exactly the factor is found by which a menu shrinks.
PART = 1e-9


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
            present += law.chance[o]
            if accuracy(law.scheme.curve, data_in(law, o, m)) < promise:
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
