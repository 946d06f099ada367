"""Who turns up, in one way of computing it: all outcomes, or an exponential sum.

Outcomes can be taken in four ways. Sums say nothing about outcomes with next to no data; they can
be told to leave out those with nobody but the costliest types, which then count for nothing (a
minorant) or at the slope of the concave envelope (a majorant).
"""

import math
from dataclasses import dataclass

from .curve import ROUNDING
from .scheme import Scheme

__all__ = [
    "COUNTS",
    "LOST",
    "OPEN",
    "TRUE_CURVE",
    "Law",
    "data_in",
    "exponential_sum",
    "number_of_outcomes",
    "outcomes",
    "with_status",
]

#: How an outcome is taken: by the envelope, a majorant; by the curve continued by its tangent
#: where that is 0, and so a concave minorant; as nothing, a minorant; as it is.
OPEN, COUNTS, LOST, TRUE_CURVE = 0, 1, 2, 3

#: UNLIKELY: outcomes are left out of an enumeration while all of them together are less likely than
#: this, to the coordinator and to every type.
UNLIKELY = 1e-13


@dataclass(frozen=True, eq=False)
class Law:
    """Who turns up, in one way of computing it.

    Attributes
    ----------
    scheme : Scheme
    kinds : list of float
        Probabilities of the types in; before them that of all others, if there are.
    present : list of float
        What a type's expectations are divided by: the probability that there is one of it (the
        paper's beliefs), or that a party is one (own).
    counts, chance, views : list of float
        Outcomes, if enumerated: counts of the kinds, one outcome after the other; their
        probabilities; and how much more likely each type holds them to be.
    status : list of int
        How each outcome is taken.
    idle : int
        In sums: outcomes with nobody but so many kinds count for nothing,
    line : bool
        or what is collected in them counts at the slope of the envelope.
    error, slope_error : float
        By how much values (absolute) and slopes (relative) may be wrong.
    """

    scheme: Scheme
    kinds: list[float]
    present: list[float]
    counts: list[float]
    chance: list[float]
    views: list[float]
    status: list[int]
    idle: int
    line: bool
    error: float
    slope_error: float


def number_of_outcomes(n: int, kinds: int) -> float:
    """In how many ways n parties can be of so many kinds.

    Examples
    --------
    >>> number_of_outcomes(10, 5)
    1001.0
    """
    number = 1.0
    for i in range(1, kinds):
        number = number * (n + i) / i
    return number


def data_in(law: Law, outcome: int, m: list[float]) -> float:
    """Return what is collected in an outcome, if a party of each kind gives so much.

    Examples
    --------
    >>> from .curve import generalization_bound
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.02, 0.01], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(2, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> [data_in(outcomes(scheme), o, [10.0, 1.0]) for o in range(3)]
    [2.0, 11.0, 20.0]
    """
    size = len(m)
    data = 0.0
    for i in range(size):
        data += law.counts[outcome * size + i] * m[i]
    return data


def _kinds(scheme: Scheme) -> list[float]:
    kinds: list[float] = []
    if scheme.others > 0:
        kinds.append(scheme.others)
    for chance in scheme.p:
        kinds.append(chance)
    return kinds


def _present(scheme: Scheme, kinds: list[float]) -> list[float]:
    present = kinds[:]
    if not scheme.own:
        for i in range(len(kinds)):
            chance = kinds[i]
            present[i] = 1.0 if chance >= 1 else -math.expm1(scheme.n * math.log1p(-chance))
    return present


def outcomes(scheme: Scheme) -> Law:
    """The law that enumerates: every way in which n parties can be of the kinds.

    Parameters
    ----------
    scheme : Scheme

    Returns
    -------
    Law
        Without the least likely outcomes, which are in its error.

    Examples
    --------
    >>> from .curve import generalization_bound
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.02, 0.01], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(2, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> law = outcomes(scheme)
    >>> law.counts, [round(chance, 12) for chance in law.chance]
    ([0.0, 2.0, 1.0, 1.0, 2.0, 0.0], [0.25, 0.5, 0.25])
    """
    n = scheme.n
    kinds = _kinds(scheme)
    present = _present(scheme, kinds)
    size = len(kinds)
    all_counts: list[float] = []
    all_chances: list[float] = []
    log_factorial = [0.0] * (n + 1)
    lost = 0.0
    for i in range(1, n + 1):  # Kahan's sum: right to its last digit
        term = math.log(i) - lost
        log_factorial[i] = log_factorial[i - 1] + term
        lost = (log_factorial[i] - log_factorial[i - 1]) - term
    logs = [math.log(chance) for chance in kinds]
    counts = [0] * size
    counts[size - 1] = n
    while True:
        log_chance = log_factorial[n]
        for i in range(size):
            all_counts.append(float(counts[i]))
            log_chance += counts[i] * logs[i] - log_factorial[counts[i]]
        all_chances.append(math.exp(log_chance))
        # Next: one party moves from the last kind that has some, to the kind before.
        last = size - 1
        while last > 0 and counts[last] == 0:
            last -= 1
        if last == 0:
            break
        left = counts[last] - 1
        counts[last] = 0
        counts[last - 1] += 1
        counts[size - 1] = left
    kept_counts: list[float] = []
    chances: list[float] = []
    views: list[float] = []
    status: list[int] = []
    missing = 0.0
    limit = UNLIKELY / len(all_chances)
    for o in range(len(all_chances)):
        keenest = 1.0
        for i in range(size):
            keenest = max(keenest, _view(scheme, kinds, present, i, all_counts[o * size + i]))
        if all_chances[o] * keenest < limit:
            missing += all_chances[o] * keenest
        else:
            chances.append(all_chances[o])
            status.append(OPEN)
            for i in range(size):
                count = all_counts[o * size + i]
                kept_counts.append(count)
                views.append(_view(scheme, kinds, present, i, count))
    # Chances are exponentials of differences of numbers up to ln n!; sums add a rounding a term.
    # Of one kind all is certain.
    error = ROUNDING * (16 + len(chances) + (4 * log_factorial[n] if size > 1 else 0.0))
    return Law(
        scheme,
        kinds,
        present,
        kept_counts,
        chances,
        views,
        status,
        0,
        False,
        error + 2 * missing,
        error,
    )


def _view(scheme: Scheme, kinds: list[float], present: list[float], i: int, count: float) -> float:
    """How much more likely an outcome is to a party of kind i than to the coordinator."""
    if scheme.own:
        return count / (scheme.n * kinds[i])
    return 1 / present[i] if count > 0 else 0.0


def exponential_sum(scheme: Scheme, idle: int, line: bool) -> Law:
    """The law that needs no enumeration; see :class:`Law` for ``idle`` and ``line``.

    Examples
    --------
    >>> from .curve import generalization_bound
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.02, 0.01], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(2, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> exponential_sum(scheme, 0, False).error < 1e-11
    True
    """
    kinds = _kinds(scheme)
    empty: list[float] = []
    status: list[int] = []
    return Law(
        scheme,
        kinds,
        _present(scheme, kinds),
        empty,
        empty,
        empty,
        status,
        idle,
        line,
        scheme.curve.error,
        scheme.curve.slope_error,
    )


def with_status(law: Law, status: list[int]) -> Law:
    """The same outcomes, taken otherwise.

    Examples
    --------
    >>> from .curve import generalization_bound
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.02, 0.01], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(9, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> law = outcomes(scheme)
    >>> set(law.status) == {OPEN}, set(with_status(law, [COUNTS] * len(law.chance)).status)
    (True, {1})
    """
    return Law(
        law.scheme,
        law.kinds,
        law.present,
        law.counts,
        law.chance,
        law.views,
        status,
        law.idle,
        law.line,
        law.error,
        law.slope_error,
    )
