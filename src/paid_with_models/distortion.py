r"""Distortion: what would be asked of each type if nobody could pretend to be of another.

Complete information differs from a menu in more than what is known: contributions respond to who is
there, and individual rationality holds in every outcome. The same problem as a menu's, but without
its incentive constraints, shows what private information alone changes.
"""

from __future__ import annotations

import numpy as np

from .accuracy import FloatArray
from .problem import Problem, check_problem
from .solver.expectations import moments_at

__all__ = ["contributions_without_incentives"]

#: MOST_STEPS, SETTLED: steps from above to the greatest contributions at most, and changes of them,
#: relative, below which they are there; a sum over outcomes has rounding of its own.
MOST_STEPS, SETTLED = 100_000, 1e-13


def contributions_without_incentives(problem: Problem) -> FloatArray:
    r"""The best contributions fixed in advance if nobody could pretend to be of another type.

    The screening problem without its incentive constraints: IR and caps on average, as in a menu.
    Its solution is the greatest one of :math:`m_i = (T_i(m) - f_i) / c_i`: since every T_i rises in
    every m_j, no menu that satisfies IR and caps asks more of anybody (Tarski's fixed-point
    theorem), and what starts above the solution falls to it.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    (I,) ndarray
        Units of data; zero for a type that no reward could make join.

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate and sums are not to be had.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> problem = Problem(10, [0.5, 0.5], [0.2, 0.05], GeneralizationBound())
    >>> contributions_without_incentives(problem).round(1).tolist()
    [414.2, 991.4]
    >>> solve(problem).contributions.round(1).tolist()
    [221.8, 972.8]
    """
    check_problem(problem)
    f, c, limits = problem.outside_options, problem.costs, problem.capacities
    m = np.minimum(problem.model_value.optimum / c, limits)
    for _ in range(MOST_STEPS):
        lower = np.clip((moments_at(problem, m)[1] - f) / c, 0.0, m)
        change, m = np.max((m - lower) / np.maximum(m, np.finfo(float).tiny)), lower
        if change <= SETTLED:
            break
    return m
