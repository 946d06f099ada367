"""A problem stated in the caller's order and units, and its answer."""

import math
from dataclasses import dataclass

from .curve import Curve, accuracy, autarky, within_table
from .law import number_of_outcomes, outcomes
from .scheme import make_scheme
from .search import Search, Selection, begin, make_selection

__all__ = ["Answer", "Design", "answer", "collected", "design"]

#: MOST_TYPES, MOST_PARTIES: what the solver is made for.
MOST_TYPES, MOST_PARTIES = 6, 1_000_000


@dataclass(frozen=True, eq=False)
class Design:
    """A problem under way.

    Attributes
    ----------
    value : float
        Value of a unit of accuracy.
    order : list of int
        The caller's types, costliest first.
    outside, alone : list of float
        Outside options in accuracy, and contributions in autarky, in that order.
    search : Search
    """

    value: float
    order: list[int]
    outside: list[float]
    alone: list[float]
    search: Search


@dataclass(frozen=True, eq=False)
class Answer:
    """The best menu known and what is proved of it; lists have an entry a type, as it was stated.

    Attributes
    ----------
    accuracy, bound, gap : float
        E[a(S)]; no menu reaches more than ``bound``; the difference.
    contributions : list of float
        Units of data; 0 for a type that is left out.
    rewards, utilities, caps, outside : list of float
        t_i, u_i, T_i and f_i in units of value.
    alone : list of float
        What each type trains on alone, units of data.
    participates : list of bool
        Whether the type has an option other than staying out.
    solved, iterations : int
        Concave problems solved so far, and iterations they took.
    """

    accuracy: float
    bound: float
    gap: float
    contributions: list[float]
    rewards: list[float]
    utilities: list[float]
    caps: list[float]
    outside: list[float]
    alone: list[float]
    participates: list[bool]
    solved: int
    iterations: int


def design(
    n_parties: int,
    probabilities: list[float],
    costs: list[float],
    outside: list[float],
    value: float,
    curve: Curve,
    own_beliefs: bool,
) -> Design:
    """A first answer, within milliseconds where it is run as compiled code.

    Parameters
    ----------
    n_parties : int
        From 2 to a million.
    probabilities : list of float > 0
        Of the types, one to six; divided by their sum.
    costs : list of float > 0
        In value per unit of data; any order, equal costs allowed.
    outside : list of float
        Outside options in value, raised to autarky where they are lower; empty for autarky.
    value : float > 0
        v(r) = value times r.
    curve : Curve
    own_beliefs : bool
        Whether a party counts itself in: what it thinks of the others is Multinomial(N - 1, p).
        Otherwise, as in the paper, it conditions on there being one of its type.

    Returns
    -------
    Design
        See :func:`answer`, and :func:`improve` for its ``search``.

    Raises
    ------
    ValueError
        Naming the argument, its value and the rule.

    Examples
    --------
    >>> from paid_with_models.small import generalization_bound
    >>> costs = [1.0, 0.85, 0.7, 0.55, 0.4]
    >>> curve = generalization_bound(1.0, 1.0)
    >>> found = answer(design(10, [0.2] * 5, costs, [], 100.0, curve, False))
    >>> round(found.accuracy, 9), [round(m, 3) for m in found.contributions[:2]], found.gap < 1e-8
    (0.690532528, [69.053, 69.053], True)
    """
    size = len(costs)
    if not (n_parties >= 2 and n_parties <= MOST_PARTIES):
        raise ValueError("n_parties must be from 2 to a million; got " + str(n_parties))
    if size < 1 or size > MOST_TYPES:
        raise ValueError("costs must be of one to six types; got " + str(size))
    if len(probabilities) != size:
        raise ValueError("probabilities must have an entry a type; got " + str(len(probabilities)))
    if len(outside) != size and len(outside) != 0:
        raise ValueError("outside must have an entry a type, or none; got " + str(len(outside)))
    if not (value > 0 and value < math.inf):
        raise ValueError("value must be positive and finite; got " + str(value))
    total = 0.0
    for i in range(size):
        if not (costs[i] > 0 and costs[i] < math.inf):
            raise ValueError("costs must be positive and finite; got " + str(costs[i]))
        if not (probabilities[i] > 0 and probabilities[i] < math.inf):
            raise ValueError(
                "probabilities must be positive and finite; got " + str(probabilities[i])
            )
        if not within_table(curve, n_parties * curve.top * value / costs[i]):
            raise ValueError("costs must not be that small; got " + str(costs[i]))
        total += probabilities[i]
    order = _order(costs)
    p = [probabilities[i] / total for i in order]
    c = [costs[i] / value for i in order]
    alone = [autarky(curve, cost) for cost in c]
    f = [0.0] * size
    better: list[int] = []
    for i in range(size):
        f[i] = max(curve.base, accuracy(curve, alone[i]) - c[i] * alone[i])
        if len(outside) > 0:
            stated = outside[order[i]] / value
            if not stated < math.inf:
                raise ValueError("outside must be finite; got " + str(outside[order[i]]))
            if stated > f[i]:
                f[i] = stated
                better.append(i)
    selections: list[Selection] = []
    taken = [True for _ in order]
    while True:
        inside = 0
        for is_in in taken:
            inside += 1 if is_in else 0
        if inside > 0:
            scheme = make_scheme(n_parties, curve, own_beliefs, p, c, f, alone, taken)
            selections.append(make_selection(len(selections), taken, scheme))
        # Next: count down in binary digits, a digit for each type that may be left out.
        taken = taken[:]
        digit = 0
        while digit < len(better) and not taken[better[digit]]:
            taken[better[digit]] = True
            digit += 1
        if digit == len(better):
            break
        taken[better[digit]] = False
    return Design(value, order, f, alone, begin(selections))


def _order(costs: list[float]) -> list[int]:
    """Positions of the costs, largest first; equal ones as they come."""
    order: list[int] = []
    for i in range(len(costs)):
        order.append(i)
        place = i
        while place > 0 and costs[order[place - 1]] < costs[i]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = i
    return order


def answer(problem: Design) -> Answer:
    """The best menu known so far, tidied, in the caller's order and units.

    Parameters
    ----------
    problem : Design

    Returns
    -------
    Answer

    Examples
    --------
    >>> from paid_with_models.small import generalization_bound
    >>> curve = generalization_bound(1.0, 1.0)
    >>> answer(design(10, [1, 1], [0.1, 0.2], [40.0, 0.0], 100.0, curve, True)).participates
    [True, True]
    """
    search, value = problem.search, problem.value
    search.tidy()
    best = search.best
    size = len(problem.order)
    m, t, u, caps = [0.0] * size, [0.0] * size, [0.0] * size, [0.0] * size
    outside, alone = [0.0] * size, [0.0] * size
    participates = [False for _ in problem.order]
    inside = 0
    for i in range(size):
        at = problem.order[i]
        outside[at] = problem.outside[i] * value
        alone[at] = problem.alone[i]
        u[at] = outside[at]
        if best.selection >= 0 and search.selections[best.selection].taken[i]:
            m[at] = best.m[inside]
            t[at] = best.t[inside] * value
            u[at] = best.u[inside] * value
            caps[at] = best.caps[inside] * value
            participates[at] = m[at] > 0 or t[at] > 0
            inside += 1
    return Answer(
        best.accuracy,
        max(search.bound, best.accuracy),
        search.gap(),
        m,
        t,
        u,
        caps,
        outside,
        alone,
        participates,
        search.solved,
        search.iterations,
    )


def collected(problem: Design, most_outcomes: float) -> list[tuple[float, float]]:
    """The distribution of what the best menu collects.

    Parameters
    ----------
    problem : Design
    most_outcomes : float
        With more outcomes than this the list is empty.

    Returns
    -------
    list of pairs of float
        Units of data and probability, one outcome each; without the least likely ones.

    Examples
    --------
    >>> from paid_with_models.small import generalization_bound
    >>> problem = design(2, [1], [0.1], [], 100.0, generalization_bound(1.0, 1.0), False)
    >>> [(round(data), chance) for data, chance in collected(problem, 100.0)]
    [(968, 1.0)]
    """
    best = problem.search.best
    pairs: list[tuple[float, float]] = []
    if best.selection < 0:
        pairs.append((0.0, 1.0))
        return pairs
    scheme = best.law.scheme
    kinds = len(best.law.kinds)
    if number_of_outcomes(scheme.n, kinds) > most_outcomes:
        return pairs
    law = outcomes(scheme)
    before = kinds - len(best.m)
    for o in range(len(law.chance)):
        data = 0.0
        for i in range(len(best.m)):
            data += law.counts[o * kinds + before + i] * best.m[i]
        pairs.append((data, law.chance[o]))
    return pairs
