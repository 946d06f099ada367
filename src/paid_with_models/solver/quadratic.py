r"""One small first-moment problem by successive quadratic programs, in contributions alone.

With least utilities rewards are :math:`t_i(m) = \max_{k \le i} t_{ik}(m)`, linear functions of the
contributions each: IR binds at type k, and downward IC from there to i. So the problem

.. math::

   \max_m F(m) \quad \text{s.t.} \quad T_i(m) \ge t_{ik}(m), \; k \le i, \qquad
   0 \le m_1 \le \dots \le m_I

has I variables. Newton's method on its optimality conditions solves a quadratic program a step, by
the dual active-set method of Goldfarb and Idnani (1983): a few sums of numbers, where a step of the
interior point is a hundred operations on arrays. It ends at rounding after some four steps.

Upward IC are left out. Where they bind, or steps do not converge, the residual of the whole problem
shows it, and the interior point is asked instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..accuracy import ConcaveEnvelope, FloatArray, IntArray
from .interior_point import FINISHED, Solution, kkt_residual
from .moments import Enumeration
from .program import FirstMoment, by_matrices

__all__ = ["by_quadratic_programs"]

#: STEPS: most quadratic programs; what is solved at all takes four or five.
STEPS = 10

#: PIVOTS: most changes of the active set in one of them.
PIVOTS = 40

#: CONVERGED: length of a step, relative to the contributions, after which no other is needed:
#: errors are its square.
CONVERGED = 1e-8

#: NEARLY_NOTHING: contributions below this share of the largest are zero but for rounding.
NEARLY_NOTHING = 1e-10

#: RIDGE: added to a scaled Hessian, relative to its trace, which some outcomes alone may leave
#: singular.
RIDGE = 1e-13

#: VIOLATED: least violation of a constraint of a quadratic program that is mended.
VIOLATED = 1e-13

#: DEPENDENT: share of a constraint that others must leave for it to be independent of them.
DEPENDENT = 1e-12


def by_quadratic_programs(problem: FirstMoment) -> Solution | None:
    """The optimum of one problem on concave envelopes, where it lies on the curves themselves.

    Parameters
    ----------
    problem : FirstMoment
        A batch of one, by matrices, without ties or further constraints.

    Returns
    -------
    Solution or None
        None where it is not found: where outcomes are summed, upward IC bind, or some outcome falls
        on the lines of the envelopes, where there may be more than one optimum.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem
    >>> from paid_with_models.solver.batches import plan
    >>> from paid_with_models.solver.routes import first_moments
    >>> (batch,) = plan([Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())])
    >>> found = by_quadratic_programs(first_moments(batch).envelope)
    >>> found.point.contributions.round(3).tolist()
    [[398.325, 398.751]]
    """
    outcomes = problem.expectation
    if not isinstance(outcomes, Enumeration) or any(problem.chain.ties):
        return None
    if problem.form is not by_matrices or problem.others is not None:
        return None
    rewards = _Rewards.of_problem(problem)
    curves, unit, reach = (problem.accuracy, problem.value), problem.value_unit, problem.reach[0]
    m = size = np.maximum.accumulate(0.5 * reach)
    n_types, n_rewards = m.size, len(rewards.heights)
    rows, slack = np.empty((n_rewards + n_types, n_types)), np.empty(n_rewards + n_types)
    largest = float(size[-1])
    rows[n_rewards:] = rewards.order * (size / largest)
    corner, prices = list[int](), np.zeros(n_types)
    for _ in range(STEPS):
        moments = outcomes.moments(*curves, m[None])
        caps, slopes = moments.values[0] / unit, moments.value_jacobian[0] / unit
        np.multiply(slopes[rewards.of] - rewards.slopes, size, out=rows[:n_rewards])
        slack[:n_rewards] = caps[rewards.of] - rewards.slopes @ m - rewards.heights
        slack[n_rewards:] = rewards.order @ m / largest
        hessian = moments.curvature(prices[None] / unit)[0] * (-size * size[:, None])
        found = _quadratic_program(
            hessian, moments.accuracy_gradient[0] * size, rows, slack, corner
        )
        if found is None:
            return None
        step, corner, multipliers = found
        m = np.minimum(np.maximum(m + step * size, 0.0), reach)
        weights = np.zeros(n_rewards + n_types)
        weights[corner] = multipliers
        prices = np.bincount(rewards.of, weights[:n_rewards])
        if np.abs(step * size).max() <= CONVERGED * m[-1]:
            break
    if m[0] < NEARLY_NOTHING * m[-1] or _on_a_line(problem, outcomes, m):
        return None
    row_prices = np.bincount(rewards.base, weights[:n_rewards])[None, 1:]
    point = problem.point(problem.increments_of(m[None]))
    residual = kkt_residual(problem, point, row_prices, prices[None])
    return Solution(point, row_prices, prices[None], residual) if residual <= FINISHED else None


def _on_a_line(problem: FirstMoment, outcomes: Enumeration, contributions: FloatArray) -> bool:
    """Whether the least outcome is below a tangent point, where an envelope is not its curve."""
    least = float((contributions @ outcomes.by_types).min())
    envelopes = problem.accuracy, problem.value
    return not all(isinstance(it, ConcaveEnvelope) and least >= it.tangent_point for it in envelopes)


@dataclass(frozen=True, eq=False)
class _Rewards:
    """Least rewards as the largest of linear functions t_ik of contributions.

    Attributes
    ----------
    of, base : (I (I + 1) / 2,) ndarray of int
        The types i and k.
    slopes, heights : (..., I), (...,) ndarray
    order : (I, I) ndarray
        By how much contributions exceed those of the type before.
    """

    of: IntArray
    base: IntArray
    slopes: FloatArray
    heights: FloatArray
    order: FloatArray

    @classmethod
    def of_problem(cls, problem: FirstMoment) -> _Rewards:
        costs, outside, steps = problem.costs[0], problem.reservation_utilities[0], problem.steps[0]
        i, k, gained, own, order = _pairs(costs.size)
        # u_i = f_k + sum of (c_j - c_(j+1)) m_j over k <= j < i.
        slopes = gained * np.append(steps[1:], 0.0)
        slopes[own] = costs[i]
        return cls(i, k, slopes, outside[k], order)


@lru_cache(maxsize=64)
def _pairs(n_types: int) -> tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]:
    """Types i and k <= i; whose contributions add to u_i, and which is i's own; and the order."""
    i, k = np.tril_indices(n_types)
    j = np.arange(n_types)
    gained = ((k[:, None] <= j) & (j < i[:, None])).astype(float)
    return i, k, gained, i[:, None] == j, np.eye(n_types) - np.eye(n_types, k=-1)


def _quadratic_program(
    hessian: FloatArray, gradient: FloatArray, rows: FloatArray, slack: FloatArray, guess: list[int]
) -> tuple[FloatArray, list[int], list[float]] | None:
    """Minimize x'Hx / 2 - g'x with rows @ x + slack >= 0: x, what binds, and its prices.

    The guess of what binds is tried first. None if constraints contradict each other, or rounding
    is in the way.
    """
    hessian.ravel()[:: len(hessian) + 1] += RIDGE * hessian.trace()
    try:
        inverse = np.linalg.inv(hessian)
        free, through = inverse @ gradient, rows @ inverse
        if guess:
            some = rows[guess]
            prices = np.linalg.solve(through[guess] @ some.T, -slack[guess] - some @ free)
            x = free + prices @ through[guess]
            if prices.min() >= 0 and (rows @ x + slack).min() >= -VIOLATED:
                return x, guess, prices.tolist()
    except np.linalg.LinAlgError:
        return None
    found = _dual_active_set((through @ rows.T).tolist(), (rows @ free + slack).tolist())
    if found is None:
        return None
    binding, multipliers = found
    return free + np.array(multipliers) @ through[binding], binding, multipliers


def _dual_active_set(
    gram: list[list[float]], slack: list[float]
) -> tuple[list[int], list[float]] | None:
    """Prices u >= 0 with gram @ u + slack >= 0, complementary: Goldfarb and Idnani's method.

    On plain numbers, which are faster than arrays of so few. None if there are none.
    """
    binding, prices = list[int](), list[float]()
    pivots = 0
    while min(slack) < -VIOLATED:
        new, price = slack.index(min(slack)), 0.0
        column = gram[new]
        while True:
            pivots += 1
            others = [gram[j] for j in binding]
            pulls = _solution([[row[j] for j in binding] for row in others], [column[j] for j in binding])
            if pivots > PIVOTS or pulls is None:
                return None
            # As the new price rises by one, slacks rise by `rise` and prices of others fall by pulls.
            left = column[new] - sum(r * column[j] for r, j in zip(pulls, binding, strict=True))
            full = -slack[new] / left if left > DEPENDENT * column[new] else np.inf
            falls = [(u / r, k) for k, (u, r) in enumerate(zip(prices, pulls, strict=True)) if r > 0]
            part, leaving = min(falls, default=(np.inf, -1))
            length = min(full, part)
            if length == np.inf:
                return None
            prices = [u - length * r for u, r in zip(prices, pulls, strict=True)]
            price += length
            if full < np.inf:
                for r, row in zip(pulls, others, strict=True):
                    column = [x - r * y for x, y in zip(column, row, strict=True)]
                slack = [x + length * y for x, y in zip(slack, column, strict=True)]
                column = gram[new]
            if length == full:
                break
            del binding[leaving], prices[leaving]
        binding.append(new)
        prices.append(price)
        for j in binding:
            slack[j] = 0.0
    return binding, prices


def _solution(matrix: list[list[float]], side: list[float]) -> list[float] | None:
    """The solution of a symmetric positive-definite linear system; None where it is singular."""
    n = len(side)
    rows = [[*row, b] for row, b in zip(matrix, side, strict=True)]
    for i, top in enumerate(rows):
        if not top[i] > 0:
            return None
        for k in range(i + 1, n):
            share = rows[k][i] / top[i]
            rows[k] = [x - share * y for x, y in zip(rows[k], top, strict=True)]
    solution = [0.0] * n
    for i in reversed(range(n)):
        known = sum(x * y for x, y in zip(rows[i][i + 1 : n], solution[i + 1 :], strict=True))
        solution[i] = (rows[i][n] - known) / rows[i][i]
    return solution
