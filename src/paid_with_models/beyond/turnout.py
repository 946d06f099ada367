"""Who turns up, as it is stated, and drawn by chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..accuracy import IntArray
from ..laws import KnownParties, PoissonParties
from ..problem import Problem

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
    if problem.attendance is not None:
        return {"attendance": problem.attendance}
    return {"n_parties": problem.n_parties, "probabilities": problem.probabilities}


def draw_parties(problem: Problem, draws: int, rng: np.random.Generator) -> IntArray:
    """Numbers of parties of each type, (draws, I).

    Parameters
    ----------
    problem : Problem
        Of independent draws, a Poisson number of parties, or known ones.
    draws : int >= 1
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If parties turn up by another law.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> law = PoissonParties(5.0, [0.5, 0.5])
    >>> problem = Problem(costs=[0.2, 0.1], accuracy=GeneralizationBound(), attendance=law)
    >>> draw_parties(problem, 9000, np.random.default_rng(1)).mean(axis=0).round(1).tolist()
    [2.5, 2.5]
    """
    match problem.attendance:
        case None:
            return rng.multinomial(problem.n_parties, problem.probabilities, size=draws)
        case PoissonParties():
            return rng.poisson(problem.mean_counts, size=(draws, problem.n_types))
        case KnownParties(numbers=numbers):
            return np.tile(numbers, (draws, 1))
    raise ValueError(
        "attendance must be that of independent draws, PoissonParties or KnownParties;"
        f" got {problem.attendance!r}"
    )


def draw_others(problem: Problem, draws: int, rng: np.random.Generator) -> IntArray:
    """The others as a party knows them that has turned up, whatever its type, (draws, I).

    Of independent draws there is one less; a Poisson number is as large without it.

    Raises
    ------
    ValueError
        If parties turn up by another law, or are known: then they depend on the party's type.
    """
    match problem.attendance:
        case None:
            return rng.multinomial(problem.n_parties - 1, problem.probabilities, size=draws)
        case PoissonParties():
            return draw_parties(problem, draws, rng)
    raise ValueError(
        "attendance must be that of independent draws, or PoissonParties;"
        f" got {problem.attendance!r}"
    )
