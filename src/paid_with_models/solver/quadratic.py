r"""Small first-moment problems by successive quadratic programs, in contributions alone.

With least utilities rewards are :math:`t_i(m) = \max_{k \le i} t_{ik}(m)`, linear functions of the
contributions each: IR binds at type k, and downward IC from there to i. So the problem

.. math::

   \max_m F(m) \quad \text{s.t.} \quad T_i(m) \ge t_{ik}(m), \; k \le i, \qquad
   0 \le m_1 \le \dots \le m_I

has I variables. Newton's method on its optimality conditions solves a quadratic program a step, by
the dual active-set method of Goldfarb and Idnani (1983), and ends at rounding after four or five of
them, where the interior point and its finish take a dozen steps on three times as many variables.

Upward IC are left out. Where they bind, or steps do not converge, the residual of the whole problem
shows it, and the interior point is asked instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..accuracy import BoolArray, ConcaveEnvelope, FloatArray, IntArray
from .dense import batched_product
from .moments import Enumeration
from .optimality import FINISHED, Solution, assessed
from .program import FirstMoment, by_matrices
from .sum_moments import SumExpectation

__all__ = ["by_quadratic_programs", "central_prices", "dual_active_set", "dual_active_set_of_one"]

#: STEPS: most quadratic programs; what is solved at all takes four or five.
STEPS = 10

#: PIVOTS: most changes of the active set in one of them.
PIVOTS = 40

#: MANY_TYPES: with more types constraints are too many, and the interior point takes less time.
MANY_TYPES = 8

#: CONVERGED: length of a step, relative to the contributions, after which no other is needed:
#: errors are its square.
CONVERGED = 1e-8

#: NEARLY_NOTHING: contributions below this share of the largest are zero but for rounding.
NEARLY_NOTHING = 1e-10

#: RIDGE: added to a scaled Hessian, relative to its trace, which few outcomes may leave singular.
RIDGE = 1e-13

#: VIOLATED: least violation of a constraint of a quadratic program that is mended.
VIOLATED = 1e-13

#: DEGENERATE: slack up to which a constraint may have a price, though none is needed.
DEGENERATE = 1e-13

#: CENTERINGS: most steps to the center of such prices; some ten do.
CENTERINGS = 20

#: CENTERED: length of a step to it, relative to the largest price, after which no other is needed.
#: (Prices that must be zero fall to a tenth at each.)
CENTERED = 1e-12

#: MISSED: share of what prices do that their center may miss by rounding.
MISSED = 1e-12

#: DEPENDENT: share of a constraint that others must leave for it to be independent of them.
DEPENDENT = 1e-12


def by_quadratic_programs(problem: FirstMoment) -> tuple[Solution, BoolArray] | None:
    """Optima on concave envelopes, where they lie on the curves themselves.

    Parameters
    ----------
    problem : FirstMoment
        A batch, by matrices, without ties or further constraints.

    Returns
    -------
    Solution, (B,) ndarray of bool; or None
        The optima, and which of them were found: not where upward IC bind, or some outcome falls on
        the lines of the envelopes, where there may be more than one. None if none were.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem
    >>> from paid_with_models.solver.batches import plan
    >>> from paid_with_models.solver.routes import first_moments
    >>> (batch,) = plan([Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())])
    >>> solution, found = by_quadratic_programs(first_moments(batch).envelope)
    >>> solution.point.contributions.round(3).tolist(), found.tolist()
    ([[398.325, 398.751]], [True])
    """
    outcomes, n_types = problem.expectation, problem.costs.shape[1]
    if not isinstance(outcomes, Enumeration | SumExpectation) or any(problem.chain.ties):
        return None
    if problem.form is not by_matrices or problem.others is not None or n_types > MANY_TYPES:
        return None
    state = _State.of(problem)
    m, prices = np.zeros_like(problem.costs), np.zeros_like(state.least)
    here, some = np.arange(len(m)), problem
    for _ in range(STEPS):
        state, multipliers, going, failed = _step(some, state)
        if not going.all():
            ended = np.flatnonzero(~going & ~failed)
            m[here[ended]] = (state.share * state.size)[ended]
            prices[here[ended]] = multipliers[ended]
            keep = np.flatnonzero(going)
            if keep.size == 0:
                break
            some, here, state = some.take(keep), here[keep], state.take(keep)
    least, envelopes = outcomes.fewest_parties * m[:, 0], (problem.accuracy, problem.value)
    found = m[:, 0] > NEARLY_NOTHING * m[:, -1]
    for curve in envelopes:
        found &= isinstance(curve, ConcaveEnvelope) and least >= curve.tangent_point
    if not found.any():
        return None
    point = problem.point(problem.increments_of(m))
    _, _, of_type, of_base = _rewards(n_types)
    prices = prices[:, : len(of_type)]
    solution = assessed(problem, point, (prices @ of_base)[:, 1:], prices @ of_type)
    return solution, found & (solution.residual <= FINISHED)


@lru_cache(maxsize=64)
def _rewards(n_types: int) -> tuple[FloatArray, IntArray, FloatArray, FloatArray]:
    """Least rewards as the largest of functions t_ik of contributions, k <= i.

    Which types j add (c_j - c_(j+1)) m_j to u_i, those with k <= j < i, (I (I + 1) / 2, I); the
    types i; and, as a matrix each, i and k.
    """
    i, k = np.tril_indices(n_types)
    j = np.arange(n_types)
    gained = (k[:, None] <= j) & (j < i[:, None])
    return gained.astype(float), i, (i[:, None] == j).astype(float), (k[:, None] == j).astype(float)


@dataclass(frozen=True, eq=False)
class _State:
    """Where Newton's method is, of a batch, with constraints rows @ share >= least but for caps.

    Constraints are those of rewards, then the order of contributions.

    Attributes
    ----------
    size, share : (B, I) ndarray
        What contributions are measured in, and how much of it they are.
    rows, least : (B, c, I), (B, c) ndarray
    binds : (B, c) ndarray of bool
    cap_prices : (B, I) ndarray
    """

    size: FloatArray
    share: FloatArray
    rows: FloatArray
    least: FloatArray
    binds: BoolArray
    cap_prices: FloatArray

    @classmethod
    def of(cls, problem: FirstMoment) -> _State:
        """The start: half of what each type would give for the best model."""
        size = np.maximum.accumulate(0.5 * problem.reach, axis=1)
        n_problems, n_types = size.shape
        gained, i, of_type, of_base = _rewards(n_types)
        rows = np.zeros((n_problems, len(i) + n_types, n_types))
        rewards, order = rows[:, : len(i)], rows[:, len(i) :]
        rewards[:, :, :-1] -= gained[:, :-1] * problem.steps[:, None, 1:]
        rewards -= of_type * problem.costs[:, None]
        order += (np.eye(n_types) - np.eye(n_types, k=-1)) / size[:, -1:, None]
        rows *= size[:, None]
        least = np.zeros(rows.shape[:2])
        least[:, : len(i)] = problem.reservation_utilities @ of_base.T
        return cls(
            size, np.ones_like(size), rows, least, np.zeros(least.shape, bool), np.zeros_like(size)
        )

    def take(self, rows: IntArray) -> _State:
        """Those of some problems of the batch."""
        return _State(*(array[rows] for array in vars(self).values()))


def _step(problem: FirstMoment, state: _State) -> tuple[_State, FloatArray, BoolArray, BoolArray]:
    """A quadratic program for each problem: the next state, prices, who goes on, who has failed."""
    size, share, unit = state.size, state.share, problem.value_unit
    _, i, of_type, _ = _rewards(size.shape[1])
    moments = problem.expectation.moments(problem.accuracy, problem.value, share * size)
    rows = state.rows.copy()
    rows[:, : i.size] += (moments.value_jacobian * (size / unit)[:, None])[:, i]
    slack = batched_product(state.rows, share)
    slack -= state.least
    slack[:, : i.size] += (moments.values / unit)[:, i]
    hessian = moments.curvature(state.cap_prices / unit)
    hessian *= -size[:, None] * size[:, :, None]
    x, binds, prices, failed = _quadratic_programs(
        hessian, moments.accuracy_gradient * size, rows, slack, state.binds
    )
    there = np.minimum(np.maximum(share + x, 0.0), problem.reach / size)
    going = np.abs(x * size).max(axis=1) > CONVERGED * there[:, -1] * size[:, -1]
    going &= ~failed
    may_bind = binds | (slack + batched_product(rows, x) <= DEGENERATE)
    several = np.flatnonzero(~going & ~failed & (may_bind.sum(axis=1) > size.shape[1]))
    if several.size:
        prices[several] = central_prices(rows[several], prices[several], may_bind[several])
    of_caps = prices[:, : i.size] @ of_type
    return _State(size, there, state.rows, state.least, binds, of_caps), prices, going, failed


def _quadratic_programs(
    hessian: FloatArray,
    gradient: FloatArray,
    rows: FloatArray,
    slack: FloatArray,
    guess: BoolArray,
) -> tuple[FloatArray, BoolArray, FloatArray, BoolArray]:
    """Minimize x'Hx / 2 - g'x with rows @ x + slack >= 0, for each of a batch.

    The guess of what binds is tried first. Returns x, what binds, its prices, and
    where there is no solution but for rounding.
    """
    diagonal = hessian.reshape(len(hessian), -1)[:, :: hessian.shape[1] + 1]
    diagonal += RIDGE * diagonal.sum(axis=1, keepdims=True)
    bad: BoolArray = np.zeros(len(hessian), dtype=bool)
    if not ((diagonal > 0).all() and math.isfinite(hessian.sum())):
        fine = np.isfinite(hessian).all(axis=(1, 2)) & (diagonal > 0).all(axis=1)
        bad = np.asarray(~fine)
        hessian[bad], rows[bad] = np.eye(hessian.shape[1]), 0.0
    inverse = np.asarray(np.linalg.inv(hessian), dtype=float)
    free = batched_product(inverse, gradient)
    through = rows @ inverse
    gram = through @ rows.swapaxes(1, 2)
    left = slack + batched_product(rows, free)
    binds, prices = guess, _on(gram, -left, guess)
    now = left + batched_product(gram, prices)
    again = np.minimum(prices.min(axis=1), now.min(axis=1) + VIOLATED) < 0
    again |= np.isnan(now[:, 0])
    if again.any():
        pivots = dual_active_set_of_one if again.sum() == 1 else dual_active_set
        binds = binds.copy()
        binds[again], prices[again], failed = pivots(gram[again], left[again])
        bad[again] |= failed
    return free + (prices[:, None] @ through)[:, 0], binds, prices, bad


def central_prices(rows: FloatArray, prices: FloatArray, may_bind: BoolArray) -> FloatArray:
    """The analytic center of all prices that do what some prices do, of a batch.

    Where more constraints bind than contributions are to be found, prices are not unique; in the
    center as many as can be are positive, and what depends on them is what is strict.

    Parameters
    ----------
    rows : (B, c, I) ndarray
        Gradients of the constraints.
    prices : (B, c) ndarray >= 0
    may_bind : (B, c) ndarray of bool
        The constraints that may have a price.

    Returns
    -------
    (B, c) ndarray
        Prices >= 0 of the largest product, with the same prices @ rows.

    Examples
    --------
    >>> rows, some = np.array([[[1.0], [1.0], [2.0]]]), np.array([[1.0, 0.0, 0.0]])
    >>> central_prices(rows, some, np.array([[True, True, False]])).round(9).tolist()
    [[0.5, 0.5, 0.0]]
    """
    of_one = np.where(may_bind[:, :, None], rows, 0.0)
    wanted = (prices[:, None] @ of_one)[:, 0]
    least = 1e-3 * prices.max(axis=1, keepdims=True)
    center = np.where(may_bind, np.maximum(prices, least), 0.0)
    for _ in range(CENTERINGS):
        scaled = of_one * center[:, :, None]
        matrix = scaled.swapaxes(1, 2) @ scaled
        # Singular where fewer constraints bind than there are contributions.
        ridge = RIDGE * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(matrix.shape[1])
        inverse = np.asarray(np.linalg.inv(matrix + ridge), dtype=float)
        side = 2 * (center[:, None] @ of_one)[:, 0] - wanted
        # The step of Newton's method for the sum of logarithms, relative to the prices.
        pull = batched_product(inverse, side)
        pull += batched_product(inverse, side - batched_product(matrix, pull))
        step = 1 - batched_product(scaled, pull)
        step[~may_bind] = 0.0
        share = np.minimum(1.0, 0.9 / np.maximum(-step.min(axis=1, keepdims=True), 1e-300))
        center = center * (1 + share * step)
        if (np.abs(step) * center <= CENTERED * center.max(axis=1, keepdims=True)).all():
            break
    miss = np.abs((center[:, None] @ of_one)[:, 0] - wanted).max(axis=1)
    right = miss <= MISSED * np.abs(wanted).max(axis=1)
    return np.where(right[:, None], center, prices)


def _on(gram: FloatArray, side: FloatArray, active: BoolArray) -> FloatArray:
    """Solutions u of gram @ u = side on the active constraints, 0 on the others, (B, c)."""
    if not active.any():
        return np.zeros_like(side)
    if len(gram) == 1:
        solution, some = np.zeros_like(side), np.flatnonzero(active[0])
        try:
            solution[0, some] = np.linalg.solve(gram[0][some[:, None], some], side[0, some])
        except np.linalg.LinAlgError:
            solution[0, some] = np.nan
        return solution
    matrix = np.where(active[:, :, None] & active[:, None, :], gram, 0.0)
    diagonal = matrix.reshape(len(gram), -1)[:, :: gram.shape[1] + 1]
    diagonal[~active] = 1.0
    try:
        return np.linalg.solve(matrix, np.where(active, side, 0.0)[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:  # some are singular: each by itself
        rows = (slice(k, k + 1) for k in range(len(gram)))
        return np.concatenate([_on(gram[row], side[row], active[row]) for row in rows])


def dual_active_set(gram: FloatArray, slack: FloatArray) -> tuple[BoolArray, FloatArray, BoolArray]:
    """Prices u >= 0 with gram @ u + slack >= 0, complementary: Goldfarb and Idnani's method.

    Of each of a batch, (B, c); which bind, their prices, and where none are found.
    """
    each = np.arange(len(slack))
    slack, prices = slack.copy(), np.zeros_like(slack)
    binds, failed = np.zeros(slack.shape, dtype=bool), np.zeros(len(slack), dtype=bool)
    entering = slack.argmin(axis=1)
    for _ in range(PIVOTS):
        going = ~failed & (slack[each, entering] < -VIOLATED)
        if not going.any():
            break
        column = gram[each, entering]
        pulls = _on(gram, column, binds)
        # As the new price rises by one, those of others fall by pulls, and slacks rise by this.
        rise = column - (pulls[:, None] @ gram)[:, 0]
        left = rise[each, entering]
        possible = left > DEPENDENT * column[each, entering]
        with np.errstate(divide="ignore", invalid="ignore"):
            full = np.where(possible, -slack[each, entering] / left, np.inf)
            parts = np.where(binds & (pulls > 0), prices / pulls, np.inf)
        leaving = parts.argmin(axis=1)
        part = parts[each, leaving]
        length = np.minimum(full, part)
        failed |= going & ~np.isfinite(length)
        length = np.where(going & ~failed, length, 0.0)
        prices -= length[:, None] * np.where(binds, pulls, 0.0)
        prices[each, entering] += length
        slack += np.where(possible, length, 0.0)[:, None] * rise
        enters = going & (full <= part)
        leaves = going & ~enters & ~failed
        binds[each[enters], entering[enters]] = True
        binds[each[leaves], leaving[leaves]] = False
        prices[each[leaves], leaving[leaves]] = 0.0
        slack[binds] = 0.0
        entering = np.where(leaves, entering, slack.argmin(axis=1))
    else:
        failed |= slack[each, entering] < -VIOLATED
    return binds, prices, failed


def dual_active_set_of_one(
    gram: FloatArray, slack: FloatArray
) -> tuple[BoolArray, FloatArray, BoolArray]:
    """The same for a batch of one: on plain numbers, which are faster than arrays of so few."""
    rows, left = gram[0].tolist(), slack[0].tolist()
    binding, prices = list[int](), list[float]()
    entering, price = left.index(min(left)), 0.0
    for _ in range(PIVOTS):
        if left[entering] >= -VIOLATED:
            break
        column = rows[entering]
        others = [rows[j] for j in binding]
        try:
            pulls = _solution(
                [[row[j] for j in binding] for row in others], [column[j] for j in binding]
            )
        except ZeroDivisionError:  # singular but for rounding
            break
        rise = column
        for pull, row in zip(pulls, others, strict=True):
            rise = [x - pull * y for x, y in zip(rise, row, strict=True)]
        possible = rise[entering] > DEPENDENT * column[entering]
        full = -left[entering] / rise[entering] if possible else math.inf
        parts = [u / r if r > 0 else math.inf for u, r in zip(prices, pulls, strict=True)]
        part = min(parts, default=math.inf)
        length = min(full, part)
        if length == math.inf:
            break
        prices = [u - length * r for u, r in zip(prices, pulls, strict=True)]
        price += length
        if possible:
            left = [x + length * y for x, y in zip(left, rise, strict=True)]
        if full <= part:
            binding.append(entering)
            prices.append(price)
            for j in binding:
                left[j] = 0.0
            entering, price = left.index(min(left)), 0.0
        else:
            leaving = parts.index(part)
            del binding[leaving], prices[leaving]
    binds, multipliers = np.zeros(slack.shape, dtype=bool), np.zeros_like(slack)
    binds[0, binding], multipliers[0, binding] = True, prices
    return binds, multipliers, np.array([left[entering] < -VIOLATED])


def _solution(matrix: list[list[float]], side: list[float]) -> list[float]:
    """The solution of a symmetric positive-definite linear system."""
    n = len(side)
    rows = [[*row, b] for row, b in zip(matrix, side, strict=True)]
    for i, top in enumerate(rows):
        for k in range(i + 1, n):
            share = rows[k][i] / top[i]
            rows[k] = [x - share * y for x, y in zip(rows[k], top, strict=True)]
    solution = [0.0] * n
    for i in reversed(range(n)):
        known = sum(x * y for x, y in zip(rows[i][i + 1 : n], solution[i + 1 :], strict=True))
        solution[i] = (rows[i][n] - known) / rows[i][i]
    return solution
