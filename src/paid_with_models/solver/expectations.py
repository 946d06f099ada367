"""Expectations of one given menu, by the means that suit the problem."""

from __future__ import annotations

import numpy as np

from ..accuracy import FloatArray
from ..attendance import enumerable
from ..problem import Problem
from .bunches import few_bunches
from .fits import common_range
from .moments import ENTRIES_WORTH_ENUMERATING, Enumeration, Expectation
from .sum_moments import SumExpectation
from .transforms import TransformExpectation

__all__ = ["expectation_of", "moments_at"]

#: TAIL_TOLERANCE: what sums may fall short of a menu's moments, relative to their limits, and still
#: be used for it.
TAIL_TOLERANCE = 1e-10


def moments_at(problem: Problem, contributions: FloatArray) -> tuple[float, FloatArray]:
    """Expected accuracy of one menu, and its value as each type sees it, (I,).

    Enumerated if that is cheap, or if sums would fall short by more than `TAIL_TOLERANCE`: where
    little data may come together. Types with the same contribution count as one then. If outcomes
    are too many even so, both are bounds from below.

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate and sums are not to be had.

    Examples
    --------
    >>> from paid_with_models import Saturating
    >>> problem = Problem(2, [0.5, 0.5], [0.2, 0.1], Saturating((1.0,), (np.log(2) / 10,)))
    >>> accuracy, values = moments_at(problem, np.array([0.0, 10.0]))
    >>> round(accuracy, 9), values.round(6).tolist()  # 0, 10 or 20 units; each halves the error
    (0.4375, [33.333333, 58.333333])
    """
    expectation, curves = expectation_of(problem), (problem.accuracy, problem.model_value)
    if isinstance(expectation, SumExpectation):
        short = expectation.shortfall(*curves, contributions[None])
        if short[0] > TAIL_TOLERANCE:
            law = problem.n_parties, problem.probabilities, problem.beliefs
            bunched = few_bunches(*law, np.unique(contributions, return_inverse=True)[1])
            if bunched is not None:
                expectation = bunched
            elif enumerable(problem.n_parties, problem.n_types):
                expectation = Enumeration.of_problem(problem)
    moments = expectation.moments(*curves, contributions[None])
    least = [float(curve(0.0)) for curve in curves]
    return max(float(moments.accuracy[0]), least[0]), np.maximum(moments.values[0], least[1])


def expectation_of(problem: Problem) -> Expectation:
    """Moments for one problem, types in its own order: enumerated if that is cheap, else summed.

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate and the curves do not admit sums.
    """
    if problem.n_outcomes * problem.n_types > ENTRIES_WORTH_ENUMERATING:
        reach = common_range([problem])
        if reach is not None and problem.attendance is None:
            n_parties = np.array([float(problem.n_parties)])
            return SumExpectation(n_parties, problem.probabilities[None], problem.beliefs, *reach)
        if reach is not None and problem.attendance is not None and problem.beliefs == "paper":
            return TransformExpectation(problem.attendance, *reach)
    return Enumeration.of_problem(problem)
