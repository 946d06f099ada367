r"""Complete information: the coordinator sees who has come (the paper's Proposition 2).

For each outcome n the coordinator solves

.. math::

   \max_{m, r}\; a(S), \quad S = \sum_i n_i m_i, \quad \text{s.t. } v(r_i) - c_i m_i \ge f_i
   \text{ and } r_i \le a(S) \text{ for every type present.}

Everybody gets the same best model, :math:`r_i = a(S^*)`, and contributes what it gains by it,
:math:`m_i = (v(a(S^*)) - f_i)/c_i`, where :math:`S^*` is the largest root of

.. math:: S = \sum_i n_i \frac{v(a(S)) - f_i}{c_i} .

This benchmark asks individual rationality in *every* outcome, a menu only on average. It is
therefore no bound on what a menu can reach, and is not called first best here. What does bound both
is a problem in which contributions may depend on the outcome and IR is asked on average
(:func:`relaxed_bound`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .accuracy import Curve, FloatArray, IntArray
from .arguments import ReadOnly
from .attendance import conditional_probabilities, enumerate_outcomes, outcome_probabilities
from .problem import Problem, autarky, check_problem, checked_problems

__all__ = [
    "CompleteInformation",
    "best_totals",
    "solve_complete_information",
    "solve_complete_information_many",
]


#: MOST_STEPS, STEADY: steps from above to a total with limits of data at most, and changes of it,
#: relative, below which it is at its root.
MOST_STEPS, STEADY = 100_000, 1e-15


@dataclass(frozen=True, eq=False)
class CompleteInformation(ReadOnly):
    """The optimal contract when types are seen, for every outcome and on average.

    Attributes
    ----------
    counts : (K, I) ndarray of int
        Outcomes.
    probabilities : (K,) ndarray
        Their probabilities.
    totals : (K,) ndarray
        Collective training set S* in each, units of data.
    outcome_contributions : (K, I) ndarray
        Contribution of each type in each outcome, units of data; NaN where it is absent.
    expected_accuracy : float
        E[a(S*)].
    expected_value : float
        E[v(a(S*))], units of value.
    contributions, rewards, utilities : (I,) ndarray
        Averages as each type sees them (given n_i >= 1, or under its own beliefs): units of data,
        value, value. Utilities equal the reservation utilities: nothing is left to the parties.
        A type whose outside option beats the model of an outcome takes no part in that outcome.
    problem : Problem
    """

    counts: IntArray
    probabilities: FloatArray
    totals: FloatArray
    outcome_contributions: FloatArray
    expected_accuracy: float
    expected_value: float
    contributions: FloatArray
    rewards: FloatArray
    utilities: FloatArray
    problem: Problem


def solve_complete_information(problem: Problem) -> CompleteInformation:
    """Solve every outcome of the complete-information benchmark.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    CompleteInformation

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(2, [0.5, 0.5], [0.02, 0.01], GeneralizationBound())
    >>> solve_complete_information(problem).totals.round(1).tolist()
    [4655.6, 3727.4, 2903.1]
    """
    check_problem(problem)
    return solve_complete_information_many([problem])[0]


def solve_complete_information_many(problems: Iterable[Problem]) -> list[CompleteInformation]:
    """Solve the benchmark for many problems.

    What happens in an outcome does not depend on how likely it is: problems that differ in
    their type probabilities alone share their outcomes, each solved once.

    Parameters
    ----------
    problems : iterable of Problem

    Returns
    -------
    list of CompleteInformation
        In the order of the problems.

    Raises
    ------
    ValueError
        If the outcomes of a problem are too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> shares = [0.2, 0.8]
    >>> few, many = solve_complete_information_many(
    ...     Problem(2, [p, 1 - p], [0.02, 0.01], GeneralizationBound()) for p in shares)
    >>> few.totals is many.totals, few.expected_accuracy > many.expected_accuracy
    (True, True)
    """
    problems = checked_problems(problems)
    alike: dict[object, list[int]] = defaultdict(list)
    for k, problem in enumerate(problems):
        law = problem.n_parties if problem.attendance is None else ("law", k)
        kind = law, tuple(problem.costs), problem.accuracy, problem.valuation
        f, limits = problem.reservation_utilities, tuple(problem.capacities)
        alike[*kind, problem.beliefs, None if f is None else tuple(f), limits].append(k)
    solved: dict[int, CompleteInformation] = {}
    for rows in alike.values():
        solved.update(zip(rows, _solve_alike([problems[k] for k in rows]), strict=True))
    return [solved[k] for k in range(len(problems))]


def _solve_alike(problems: list[Problem]) -> list[CompleteInformation]:
    """Solve problems that differ in type probabilities alone."""
    first = problems[0]
    if first.attendance is None:
        counts = enumerate_outcomes(first.n_parties, first.n_types)
        p = np.array([problem.probabilities for problem in problems])
        weights = outcome_probabilities(counts, p)
        seen = conditional_probabilities(counts, p, first.beliefs)
    else:
        outcomes = first.outcomes()
        counts, weights, seen = outcomes.counts, outcomes.weights[None], outcomes.seen[None]
    alone, value, f = autarky(first), first.model_value, first.outside_options
    if first.max_data is not None:
        totals = _totals_with_limits(first, counts)
    elif first.reservation_utilities is not None:
        totals = _totals_with_a_choice(first, counts)
    else:
        totals = counts @ alone.contributions  # of one party, for which the root is double
        several = counts.sum(axis=1) > 1
        totals[several] = best_totals(counts[several], first.costs, f, value)
    worth, accuracy = value(totals), first.accuracy(totals)
    unlimited = (worth[:, None] - f) / first.costs
    unlimited = np.where(totals[:, None] > 0, np.maximum(unlimited, 0.0), 0.0)
    contributions = np.minimum(unlimited, first.capacities)
    # Who gives all it has gets no better model than that is worth to it.
    full = np.where(unlimited > contributions, f + first.costs * contributions, worth[:, None])
    received = np.where(worth[:, None] >= f, full, 0.0)
    of_outcomes = np.where(counts > 0, contributions, np.nan)
    # However weights are rounded, an average must not pass what a party has.
    mean_contributions = np.minimum(np.einsum("bki,ki->bi", seen, contributions), first.capacities)
    mean_rewards = np.einsum("bki,ki->bi", seen, received)
    return [
        CompleteInformation(
            counts=counts,
            probabilities=weights[k],
            totals=totals,
            outcome_contributions=of_outcomes,
            # The weights' sum is rounded: an average near the optimum must not pass it.
            expected_accuracy=min(float(weights[k] @ accuracy), first.accuracy.optimum),
            expected_value=min(float(weights[k] @ worth), value.optimum),
            contributions=mean_contributions[k],
            rewards=mean_rewards[k],
            utilities=f.copy(),
            problem=problem,
        )
        for k, problem in enumerate(problems)
    ]


def _totals_with_a_choice(problem: Problem, counts: IntArray) -> FloatArray:
    """S* where outside options may be better than the model: then types are best left out.

    With some of the types in, the equation's right-hand side is largest if they are those whose
    outside options the model beats; so the best S is the largest root over the sets of types
    with the k least outside options.
    """
    alone, f = autarky(problem), problem.outside_options
    best = np.zeros(len(counts))
    for least in np.unique(f):
        present = counts * (f <= least)
        several = present.sum(axis=1) > 1
        totals = np.zeros(len(counts))
        totals[several] = best_totals(present[several], problem.costs, f, problem.model_value)
        # A party on its own: autarky or nothing.
        single = present.sum(axis=1) == 1
        totals[single] = present[single] @ np.where(f <= alone.utilities, alone.contributions, 0.0)
        best = np.maximum(best, totals)
    return best


def _totals_with_limits(problem: Problem, counts: IntArray) -> FloatArray:
    r"""S* where parties have only so much data.

    The largest root of :math:`S = \sum_i n_i \min\{K_i, (v(a(S)) - f_i)^+ / c_i\}`. The right side
    rises in S: steps from above fall, and stay above the root.
    """
    f, c, limits = problem.outside_options, problem.costs, problem.capacities
    n = counts.astype(float)
    totals = n @ np.minimum(limits, problem.model_value.optimum / c)
    left = np.arange(totals.size)
    for _ in range(MOST_STEPS):
        worth = problem.model_value(totals[left])
        given = np.minimum(limits, np.maximum(worth[:, None] - f, 0.0) / c)
        before = totals[left]
        totals[left] = np.sum(n[left] * given, axis=1)
        left = left[before - totals[left] > STEADY * before]
        if not left.size:
            break
    single = counts.sum(axis=1) == 1  # autarky, or something better
    alone = np.where(problem.better_outside, 0.0, autarky(problem).contributions)
    totals[single] = n[single] @ alone
    return np.asarray(totals)


def best_totals(
    counts: npt.ArrayLike, costs: FloatArray, reservation_utilities: FloatArray, value: Curve
) -> FloatArray:
    r"""Largest root of :math:`S = \sum_i n_i (v(a(S)) - f_i)/c_i` for every outcome.

    Beyond its largest critical point the right-hand side minus S is concave and falling, so
    Newton's method from above converges monotonically; all outcomes go at once.

    Parameters
    ----------
    counts : (K, I) array_like
        Outcomes; more than one party in each (with one the root is double: autarky).
    costs, reservation_utilities : (I,) ndarray
    value : Curve
        v(a(S)).

    Returns
    -------
    (K,) ndarray
        S*, units of data; 0 where nothing above 0 solves the equation, but for rounding.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, LinearValuation, ModelValue
    >>> value = ModelValue(GeneralizationBound(), LinearValuation(100.0))
    >>> best_totals([[1, 1]], np.array([5.0, 5.0]), np.zeros(2), value).tolist()
    [0.0]
    """
    n = np.asarray(counts, dtype=float)
    gain = n @ (1 / costs)
    held_back = n @ (reservation_utilities / costs)
    # The equation's slack gain v(a(S)) - held_back - S is largest where v(a(S))' = 1/gain.
    peak = value.data_at_slope(1 / gain)
    most = gain * value(peak)
    # Where the root is double but for rounding it is one: the parties lose nothing.
    rounding = 16 * np.finfo(float).eps * (most + held_back + peak)
    solvable = (peak > 0) & (most - held_back - peak >= -rounding)
    totals = gain * value.optimum - held_back
    for _ in range(100):
        worth, slope, _ = value.evaluate(totals)
        excess = gain * worth - held_back - totals
        with np.errstate(divide="ignore", invalid="ignore"):
            step = totals - excess / (gain * slope - 1)
        update = np.where(solvable, np.clip(step, peak, totals), totals)
        if np.all(totals - update <= 4e-16 * totals):
            break
        totals = update
    return np.where(solvable, totals, 0.0)
