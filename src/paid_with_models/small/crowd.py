"""A crowd that chooses from a menu by logit, and what it trains.

In the part of the language that :mod:`paid_with_models.small` keeps to, so that the book's build
makes JavaScript of it. Rewards, outside options and accuracies share one unit, and costs come
divided by it.
"""

import math
from dataclasses import dataclass

from .curve import Curve, accuracy
from .law import data_in, outcomes
from .scheme import make_scheme

__all__ = ["Crowd", "crowd", "crowd_accuracy", "logit"]

#: RARE: options less likely than this are left out of expectations.
RARE = 1e-16


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
    chosen: list[float] = []
    given: list[float] = []
    for j in range(len(odds)):
        if odds[j] > RARE:
            chosen.append(odds[j])
            given.append(m[j] if j < len(m) else 0.0)
    none = [0.0] * len(chosen)
    ones = [1.0] * len(chosen)
    every = [True] * len(chosen)
    law = outcomes(make_scheme(n, curve, False, chosen, ones, none, none, every))
    total = 0.0
    for o in range(len(law.chance)):
        total += law.chance[o] * accuracy(curve, data_in(law, o, given))
    return total
