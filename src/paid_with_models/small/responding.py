"""Contributions of two types that respond to who joins: the same total whoever comes.

As :func:`paid_with_models.beyond.responsive.solve_responsive` finds it for a constant total, in the
part of the language that :mod:`paid_with_models.small` keeps to, so that the book's build makes
JavaScript of it. Parties know their own type (own beliefs). Outside options and accuracies share
one unit, and costs come divided by it.
"""

import math
from dataclasses import dataclass

from .curve import Curve, accuracy

__all__ = ["Responding", "constant_total", "quotas"]

#: TRIED: totals that are tried before the largest that can be carried is found by halving.
TRIED = 400
#: HALVED: halvings of an interval; as many as a floating-point number has bits.
HALVED = 60
#: WIDEST: logarithm of the largest ratio of weights that is looked for.
WIDEST = 60.0
#: BINDS: relative distance from the least mean contribution at which it counts as that.
BINDS = 1e-9


@dataclass(frozen=True, eq=False)
class Responding:
    """A total that is collected whoever joins, and who gives which part of it.

    Attributes
    ----------
    total : float
        Units of data; 0 if none can be carried where accuracy is concave.
    accuracy : float
        That of the model that it trains.
    means : list of float
        What a party of each type expects to give, units of data.
    ratio : float
        How many times as much a party of the cheaper type gives as one of the costlier; infinite
        if the cheaper ones give all where there are any.
    """

    total: float
    accuracy: float
    means: list[float]
    ratio: float


def constant_total(
    n: int, curve: Curve, chance: float, costs: list[float], outside: list[float]
) -> Responding:
    """Return the largest total that parties can be asked for whoever joins.

    Everybody gets the model that it trains. Types are asked for as much as that leaves them: the
    costlier one for so little that the cheaper one would not take its place, unless it pays to ask
    both for the same; but for no less than what it gives when no party of the cheaper type comes.

    Parameters
    ----------
    n : int >= 2
    curve : Curve
    chance : float
        In (0, 1), probability of the cheaper type.
    costs, outside : list of float
        Two, the costlier type first.

    Examples
    --------
    >>> from paid_with_models.small import generalization_bound
    >>> curve = generalization_bound(1.0, 1.0)
    >>> found = constant_total(10, curve, 0.5, [0.002, 0.0005], [0.07, 0.52])
    >>> abs(10 * (0.5 * found.means[0] + 0.5 * found.means[1]) - found.total) < 1e-6
    True
    """
    none = Responding(0.0, accuracy(curve, 0.0), [0.0, 0.0], 1.0)
    high = n * curve.top / costs[1]  # more than all would give for a perfect model
    low = max(curve.touch, 1e-9 * high)
    if low >= high:
        return none
    step = math.log(high / low) / TRIED
    known, beyond = 0.0, high
    for k in range(TRIED + 1):
        total = low * math.exp(k * step)
        if _offered(n, curve, chance, costs, outside, total) >= total:
            known, beyond = total, min(high, total * math.exp(step))
    if known == 0:
        return none
    for _ in range(HALVED):
        middle = 0.5 * (known + beyond)
        if _offered(n, curve, chance, costs, outside, middle) >= middle:
            known = middle
        else:
            beyond = middle
    first = _of_costlier(n, curve, chance, costs, outside, known)
    second = (known / n - (1 - chance) * first) / chance
    return Responding(
        known, accuracy(curve, known), [first, second], _ratio(n, chance, first / known)
    )


def _nobody_else(n: int, chance: float) -> float:
    """Return the probability that a party of the costlier type sees no other."""
    return math.exp((n - 1) * math.log(1 - chance))


def _of_costlier(
    n: int, curve: Curve, chance: float, costs: list[float], outside: list[float], total: float
) -> float:
    """Return what the costlier type is asked for on average; negative if the total cannot be."""
    model = accuracy(curve, total)
    most = (model - outside[0]) / costs[0]
    less = costs[0] - costs[1]
    if most < 0 or model < outside[1]:
        return -1.0
    alone = _nobody_else(n, chance) * total / n  # it gives all if nobody else comes
    if (1 - chance) * costs[1] >= chance * less:
        wanted = most
    else:
        wanted = max(0.0, (outside[1] - outside[0]) / less)
    wanted = max(wanted, alone)
    return wanted if wanted <= most else -1.0


def _offered(
    n: int, curve: Curve, chance: float, costs: list[float], outside: list[float], total: float
) -> float:
    """Return the most that all give on average for the model of a total; negative if it is none."""
    first = _of_costlier(n, curve, chance, costs, outside, total)
    if first < 0:
        return -1.0
    utility = max(outside[1], outside[0] + (costs[0] - costs[1]) * first)
    second = (accuracy(curve, total) - utility) / costs[1]
    return n * ((1 - chance) * first + chance * second)


def _share(n: int, chance: float, ratio: float) -> float:
    """Return the part of the total that a party of the costlier type expects to give."""
    share = 0.0
    for others in range(n):
        weight = math.exp(others * math.log(chance) + (n - 1 - others) * math.log(1 - chance))
        for k in range(others):
            weight *= (n - 1 - k) / (others - k)
        share += weight / (n - others + others * ratio)
    return share


def _ratio(n: int, chance: float, share: float) -> float:
    """Return the ratio of weights that gives the costlier type a part of the total."""
    if share <= _nobody_else(n, chance) / n * (1 + BINDS):
        return math.inf
    low, high = -WIDEST, WIDEST
    for _ in range(HALVED):
        middle = 0.5 * (low + high)
        if _share(n, chance, math.exp(middle)) > share:
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))


def quotas(found: Responding, n: int, cheaper: int) -> list[float]:
    """Return what a party of each type gives if so many of the cheaper type are among the n.

    Examples
    --------
    >>> quotas(Responding(120.0, 0.5, [10.0, 30.0], 3.0), 4, 1)
    [20.0, 60.0]
    """
    if found.ratio < math.inf:
        unit = found.total / (n - cheaper + cheaper * found.ratio)
        return [unit, unit * found.ratio]
    if cheaper > 0:
        return [0.0, found.total / cheaper]
    return [found.total / n, 0.0]
