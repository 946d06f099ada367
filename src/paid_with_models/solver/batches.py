"""Which problems are solved together, and how: a plan, made before anything is solved."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ..problem import Problem
from .fits import common_range, sum_range
from .moments import ENTRIES_WORTH_ENUMERATING
from .trivial import too_costly

__all__ = [
    "ENTRIES_AT_ONCE",
    "LEAST_AT_ONCE",
    "Batch",
    "Method",
    "countable",
    "plan",
    "plan_again",
    "ties",
]

Method = Literal["auto", "enumeration", "sum"]

#: OUTCOMES_LIKE_A_SUM: with more outcomes exponential sums are used, since they cost as much as so
#: many.
OUTCOMES_LIKE_A_SUM = 1200

#: SIZES_LIKE_A_SUM: with more numbers of parties among problems of a kind sums are used, which
#: solve all of them together; enumerations would be a batch for each.
SIZES_LIKE_A_SUM = 4

#: MANY_TYPES: from so many types on problems are solved one by one; by sums, at a cost linear in
#: their number.
MANY_TYPES = 40

#: ENTRIES_AT_ONCE: problems are solved together up to so many numbers in an array (outcomes or
#: terms of sums, times types, times problems): enough for NumPy to be busy, few enough for the
#: processor's cache, where larger arrays would not be.
ENTRIES_AT_ONCE = 20_000

#: MOST_ENTRIES: enumerations of up to so many numbers are tried where only sums of both signs stand
#: for the curves.
MOST_ENTRIES = 5_000_000

#: LEAST_AT_ONCE: but at least so many.
LEAST_AT_ONCE = 16

#: TERMS_OF_A_SUM: about how many terms an exponential sum has.
TERMS_OF_A_SUM = 60


@dataclass(frozen=True, eq=False)
class Batch:
    """Problems that are solved together, and how.

    Attributes
    ----------
    places : tuple of int
        Where they are in the list of all problems.
    problems : tuple of Problem
        The same number of types, the same ties between costs, curves and beliefs.
    method : {"enumeration", "sum", "known", "nothing", "auto"}
        How expectations are computed; "known" where types are, "nothing" where data are too costly
        for anybody, "auto" where who takes part is a
        choice.
    selecting : bool
        Whether who takes part is a choice. Such a problem is a batch of its own.
    banded : bool
        Whether the interior point uses banded algebra, for one problem with many types.
    provisional : bool
        Whether gaps that enumeration may close are left open, for a second round.
    """

    places: tuple[int, ...]
    problems: tuple[Problem, ...]
    method: Method | Literal["known", "nothing"]
    selecting: bool = False
    banded: bool = False
    provisional: bool = False


def plan(problems: list[Problem], expectations: Method = "auto") -> list[Batch]:
    """Which problems are solved together, and how.

    Parameters
    ----------
    problems : list of Problem
    expectations : {"auto", "enumeration", "sum"}
        As for :func:`solve`.

    Returns
    -------
    list of Batch
        Every problem without limits of data is in one of them.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> grid = [Problem(n, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()) for n in (5, 10, 10)]
    >>> [(batch.places, batch.method) for batch in plan(grid)]
    [((0,), 'enumeration'), ((1, 2), 'enumeration')]
    >>> grid = [Problem(n, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()) for n in range(1, 8)]
    >>> [(batch.places, batch.method) for batch in plan(grid)]
    [((0,), 'enumeration'), ((1, 2, 3, 4, 5, 6), 'sum')]
    """
    batches = []
    alike: dict[object, list[int]] = defaultdict(list)
    for k, problem in enumerate(problems):
        if problem.max_data is not None:  # solved one by one, in another way
            continue
        if problem.types_are_known and problem.n_parties > 1:
            batches.append(Batch((k,), (problem,), "known"))
        elif problem.n_outcomes > OUTCOMES_LIKE_A_SUM and too_costly(problem):
            batches.append(Batch((k,), (problem,), "nothing"))
        elif problem.better_outside.any():
            batches.append(Batch((k,), (problem,), expectations, selecting=True))
        else:
            alike[_kind(problem, k)].append(k)
    for places in alike.values():
        sums = expectations == "sum"
        if expectations == "auto":
            sums = _sums_pay([problems[k] for k in places])
        by_size: dict[int, list[int]] = defaultdict(list)
        for k in places:
            # One party is alone, and there is nothing to sum over.
            by_sum = sums and problems[k].n_parties > 1
            by_size[0 if by_sum else problems[k].n_parties].append(k)
        for n_parties, together in by_size.items():
            many = problems[together[0]].n_types >= MANY_TYPES
            at_once = 1 if many else _at_once(problems[together[0]], by_sum=n_parties == 0)
            for start in range(0, len(together), at_once):
                some = together[start : start + at_once]
                of_them = tuple(problems[k] for k in some)
                if n_parties == 0:
                    independent = of_them[0].attendance is None
                    banded = many and independent and not any(ties(of_them[0]))
                    provisional = expectations == "auto"
                    batch = Batch(
                        tuple(some), of_them, "sum", banded=banded, provisional=provisional
                    )
                else:
                    batch = Batch(tuple(some), of_them, "enumeration")
                batches.append(batch)
    return batches


def plan_again(problems: list[Problem], places: Iterable[int]) -> list[Batch]:
    """The second round: problems that sums left open, enumerated where that is cheap enough.

    Parameters
    ----------
    problems : list of Problem
    places : iterable of int
        Those of them whose gap is open.

    Returns
    -------
    list of Batch

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> grid = [Problem(n, [0.5, 0.5], [1, 0.4], GeneralizationBound()) for n in (9, 10**9, 9)]
    >>> [(batch.places, batch.method) for batch in plan_again(grid, [0, 1, 2])]
    [((0, 2), 'enumeration')]
    """
    alike: dict[object, list[int]] = defaultdict(list)
    for k in places:
        if countable(problems[k]):
            alike[_kind(problems[k], k), problems[k].n_parties].append(k)
    batches = []
    for together in alike.values():
        at_once = max(1, ENTRIES_WORTH_ENUMERATING // _entries(problems[together[0]]))
        for start in range(0, len(together), at_once):
            some = together[start : start + at_once]
            batches.append(Batch(tuple(some), tuple(problems[k] for k in some), "enumeration"))
    return batches


def _at_once(problem: Problem, by_sum: bool) -> int:
    """How many problems like this one are solved together."""
    terms = TERMS_OF_A_SUM if by_sum else problem.n_outcomes
    return max(LEAST_AT_ONCE, ENTRIES_AT_ONCE // (terms * problem.n_types))


def _kind(problem: Problem, place: int) -> object:
    """What problems that are solved together have in common; one under another law is alone."""
    law = None if problem.attendance is None else place
    return ties(problem), problem.accuracy, problem.valuation, problem.beliefs, law


def ties(problem: Problem) -> tuple[bool, ...]:
    """Which types, costliest first, have the same cost as the type before."""
    costs = sorted(problem.costs.tolist(), reverse=True)
    return (False, *map(operator.eq, costs, costs[1:]))


def _sums_pay(problems: list[Problem]) -> bool:
    """Whether the curves of problems of one kind admit exponential sums, and those are cheaper."""
    sizes = {problem.n_parties for problem in problems}
    most = max(problem.n_outcomes for problem in problems)
    cheaper = most > OUTCOMES_LIKE_A_SUM or len(sizes) > SIZES_LIKE_A_SUM
    possible = problems[0].attendance is None or problems[0].beliefs == "paper"
    return cheaper and possible and max(sizes) > 1 and common_range(problems) is not None


def _entries(problem: Problem) -> int:
    """Outcomes times types."""
    return problem.n_outcomes * problem.n_types


def countable(problem: Problem) -> bool:
    """Whether enumeration is cheap enough to be tried where sums leave a gap.

    Sums of both signs say little of outcomes with little data: then it may take longer.
    """
    entries, curves = _entries(problem), (problem.accuracy, problem.model_value)
    if entries <= ENTRIES_WORTH_ENUMERATING:
        return True
    return entries <= MOST_ENTRIES and sum_range(*curves, problem.most_data) is None
