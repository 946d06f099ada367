"""Who turns up, as it is stated, and drawn by chance."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..accuracy import IntArray
from ..arguments import whole
from ..laws import KnownParties, PoissonParties, UnlikeParties
from ..problem import Problem, check_problem
from ..texts import brief

__all__ = ["draw_others", "draw_parties", "stated_law"]


def stated_law(problem: Problem) -> dict[str, Any]:
    """The fields of a problem that say who turns up.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> law = KnownParties([3])
    >>> stated_law(Problem(costs=[0.1], accuracy=GeneralizationBound(), attendance=law))
    {'attendance': KnownParties(numbers=[3])}
    """
    check_problem(problem)
    if problem.attendance is not None:
        return {"attendance": problem.attendance}
    return {"n_parties": problem.n_parties, "probabilities": problem.probabilities}


def draw_parties(problem: Problem, draws: int, rng: np.random.Generator) -> IntArray:
    """Numbers of parties of each type, (draws, I).

    Parameters
    ----------
    problem : Problem
        Under a law of the library.
    draws : int >= 1
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If parties turn up by another law, or an argument is not as above.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> law = PoissonParties(5.0, [0.5, 0.5])
    >>> problem = Problem(costs=[0.2, 0.1], accuracy=GeneralizationBound(), attendance=law)
    >>> draw_parties(problem, 9000, np.random.default_rng(1)).mean(axis=0).round(1).tolist()
    [2.5, 2.5]
    """
    draws = _checked(problem, draws, rng)
    match problem.attendance:
        case None:
            return rng.multinomial(problem.n_parties, problem.probabilities, size=draws)
        case PoissonParties():
            return rng.poisson(problem.mean_counts, size=(draws, problem.n_types))
        case KnownParties(numbers=numbers):
            return np.tile(numbers, (draws, 1))
        case UnlikeParties(numbers=numbers, probabilities=mixes):
            groups = zip(np.array(numbers, dtype=np.int64), np.asarray(mixes), strict=True)
            drawn = [rng.multinomial(n, p, size=draws) for n, p in groups]
            return np.asarray(np.sum(drawn, axis=0))
    raise ValueError(f"attendance must be a law of the library; got {problem.attendance!r}")


def draw_others(problem: Problem, draws: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """The others as a party knows them that has turned up, (draws, I), for one type after another.

    Of independent draws there is one less, whatever its type; a Poisson number is as large without
    it. Of groups it tells which it may be from, and that lacks it.

    Raises
    ------
    ValueError
        If parties turn up by another law, or are known, or an argument is not as above.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> law = UnlikeParties([1, 2], [[1.0, 0.0], [0.0, 1.0]])
    >>> problem = Problem(costs=[0.2, 0.1], accuracy=GeneralizationBound(), attendance=law)
    >>> [it.tolist() for it in draw_others(problem, 1, np.random.default_rng(1))]
    [[[0, 2]], [[1, 1]]]
    """
    draws = _checked(problem, draws, rng)
    match problem.attendance:
        case None:
            others = rng.multinomial(problem.n_parties - 1, problem.probabilities, size=draws)
            return itertools.repeat(others, problem.n_types)
        case PoissonParties():
            return itertools.repeat(draw_parties(problem, draws, rng), problem.n_types)
        case UnlikeParties():
            return _others_in_groups(problem.attendance, draws, rng)
    raise ValueError(
        "attendance must be a law of the library under which types are private;"
        f" got {problem.attendance!r}"
    )


def _checked(problem: Problem, draws: int, rng: object) -> int:
    check_problem(problem)
    if not isinstance(rng, np.random.Generator):
        rule = "rng must be a random generator, as numpy.random.default_rng(seed) makes"
        raise ValueError(f"{rule}; got {brief(rng)}")
    return whole("draws", draws, least=1)


def _others_in_groups(
    law: UnlikeParties, draws: int, rng: np.random.Generator
) -> Iterator[IntArray]:
    numbers, mixes = np.array(law.numbers, dtype=np.int64), np.asarray(law.probabilities)
    for share in mixes.T:
        own = rng.choice(numbers.size, size=draws, p=numbers * share / (numbers @ share))
        left = numbers - (own[:, None] == np.arange(numbers.size))
        groups = zip(left.T, mixes, strict=True)
        yield np.sum([rng.multinomial(n, p) for n, p in groups], axis=0)
