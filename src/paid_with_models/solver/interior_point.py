r"""How first-moment problems are solved: interior-point iterations, then an active-set finish.

With increments :math:`x \ge 0`, linear rows :math:`G x \ge h` and caps :math:`k(x) \ge 0`, the
optimality conditions of :math:`\max F` are, with multipliers :math:`z, \mu, \lambda \ge 0`,

.. math::

   \nabla F + G^T \mu + \nabla k^T \lambda + z = 0, \qquad
   z \cdot x = \mu \cdot (G x - h) = \lambda \cdot k = 0 .

:func:`maximize` follows the central path of these conditions (Mehrotra's predictor-corrector with
slacks for rows and caps, from an infeasible start) until the binding constraints show, then takes
them as equations and lets Newton's method converge to rounding. Both work on a whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accuracy import BoolArray, FloatArray, IntArray
from .dense import Point
from .least_squares import non_negative
from .program import FirstMoment, Program

__all__ = [
    "Path",
    "Solution",
    "central_path_end",
    "choose",
    "finished",
    "kkt_residual",
    "maximize",
    "polished",
    "step_length",
]


#: FIRST_TOLERANCE: residual at which interior iterations stop at first, since flat problems lose
#: their dual digits when pushed further and the finish does the rest.
FIRST_TOLERANCE = 1e-7

#: SECOND_TOLERANCE: residual at which they stop where the finish could not do the rest.
SECOND_TOLERANCE = 1e-14

#: FINISHED: a finish above this residual has not found what binds.
FINISHED = 1e-12

#: ITERATIONS: most interior iterations; problems that can be solved take 10 to 30.
ITERATIONS = 100

#: IDLE_ITERATIONS: stop after so many iterations without a better residual.
IDLE_ITERATIONS = 15

#: STRAYING: after so many iterations without a better residual, around a jump of curvature as a
#: rule, steps keep to the center of the path and go only a part (DAMPED) of the way.
STRAYING = 4

#: DAMPED: that part.
DAMPED = 0.4

#: CRAMPED: steps shorter than this are tried again without second-order correction.
CRAMPED = 0.3

#: CENTERING: how much of the mean product such steps keep.
CENTERING = 0.3

#: NEAR_END: below this residual only rounding is in the way, and the finish takes over.
NEAR_END = 1e-6

#: FALLING: iterations that lower the residual to less than this part are not idle.
FALLING = 0.8

#: IDLE_ITERATIONS_AT_END: stop after so many iterations without a better residual there.
IDLE_ITERATIONS_AT_END = 2

#: REGULARIZATION: relative, of the finish's linear systems: degenerate constraints are common.
REGULARIZATION = 1e-13

#: GUESSES: most times that the finish corrects its guess of what binds.
GUESSES = 12

#: GUESSES_IN_VAIN: most corrections in a row without a better residual.
GUESSES_IN_VAIN = 2

#: NEWTON_STEPS: most Newton steps of the finish for each guess.
NEWTON_STEPS = 6

#: LARGE_SYSTEM: from so many unknowns on Newton steps of the finish are dear.
LARGE_SYSTEM = 300

#: WORTH_A_LARGE_SYSTEM: residual of a guess up to which they are worth it even so.
WORTH_A_LARGE_SYSTEM = 1e-9

#: SIGN_TOLERANCE: error of the wrong sign that the finish allows in slacks and prices.
SIGN_TOLERANCE = 1e-11


@dataclass(frozen=True, eq=False)
class Solution:
    """A batch of menus with multipliers.

    Attributes
    ----------
    point : Point
    row_prices : (B, R) ndarray >= 0
    cap_prices : (B, I) ndarray >= 0
    residual : (B,) ndarray
        See :func:`kkt_residual`.
    """

    point: Point
    row_prices: FloatArray
    cap_prices: FloatArray
    residual: FloatArray

    def take(self, problem: Program, rows: IntArray) -> Solution:
        """Some of the batch's solutions, as solutions of ``problem``."""
        return Solution(
            problem.point(self.point.increments[rows]),
            self.row_prices[rows],
            self.cap_prices[rows],
            self.residual[rows],
        )


def kkt_residual(
    problem: Program, point: Point, row_prices: FloatArray, cap_prices: FloatArray
) -> FloatArray:
    """Largest violation of the optimality conditions, (B,), in units of accuracy.

    Gradients are multiplied by the largest contribution (or the most that the type could make,
    if that is less); slacks of rows and caps are in values of the best model. Increments and
    prices are taken as non-negative.
    """
    gradient, unit = problem.gradient(point, row_prices, cap_prices), problem.row_unit
    size = _size(problem, point.contributions)
    # Where a gradient is negative, what a variable could still fall.
    movable = np.where(gradient > 0, size, np.minimum(point.increments, size))
    largest = [
        np.abs(gradient * movable),
        np.maximum(-point.rows / unit, row_prices * np.minimum(point.rows, unit)),
        np.maximum(-point.caps, cap_prices * point.caps),
    ]
    return np.asarray(np.concatenate(largest, axis=1).max(axis=1))


def maximize(problem: FirstMoment, start: FloatArray | None = None) -> Solution:
    """Solve a batch of first-moment problems, from one starting menu each.

    Parameters
    ----------
    problem : FirstMoment
        With concave curves the result is the optimum, otherwise a local one at best.
    start : (B, I) ndarray > 0, optional
        Contributions to start from, costliest type first; by default half of what each type
        would give for the best possible model.

    Returns
    -------
    Solution
        Its residual says how well the optimality conditions hold.
    """
    if start is None:
        start = 0.5 * problem.reach
    path = Path.of(problem, *problem.start(np.maximum.accumulate(start, axis=1)))
    best, path = _pursue(problem, path, FIRST_TOLERANCE)
    rest = np.flatnonzero(best.residual > FINISHED)
    if rest.size:
        second, _ = _pursue(problem.take(rest), path.take(rest), SECOND_TOLERANCE)
        place = np.zeros(len(start), dtype=np.intp)
        place[rest] = np.arange(rest.size)
        swap = np.zeros(len(start), dtype=bool)
        swap[rest] = second.residual < best.residual[rest]
        best = choose(problem, swap, best, second.take(problem, place))
    return best


def central_path_end(
    problem: Program, start: FloatArray, size: FloatArray, tolerance: float
) -> Solution:
    """The interior iterations alone: what bounds need, no more.

    Parameters
    ----------
    problem : Program
    start, size : (B, n) ndarray > 0
        Variables to start from, and the scale of each.
    tolerance : float
        Residual at which to stop.
    """
    return _interior_point(problem, Path.of(problem, start, size), tolerance)[0]


def finished(problem: FirstMoment, menu: Solution) -> Solution:
    """One menu with prices of its own, and drawn to the stationary point that is next to it.

    Whoever found a menu by other means (in a box, by blending) has no prices for it. Those under
    which the optimality conditions hold best at the menu are a non-negative least-squares
    problem, since the conditions are linear in the prices; from there the finish goes on.
    """
    row_prices, cap_prices = _own_prices(problem, menu.point)
    residual = kkt_residual(problem, menu.point, row_prices, cap_prices)
    own = Solution(menu.point, row_prices, cap_prices, residual)
    best = choose(problem, residual < menu.residual, menu, own)
    finish = _active_set_finish(problem, best)
    return choose(problem, finish.residual < best.residual, best, finish)


def polished(problem: FirstMoment, guess: Solution) -> Solution:
    """Menus with prices, drawn to the stationary points that are next to them.

    Parameters
    ----------
    problem : FirstMoment
    guess : Solution
        Close enough to show which constraints bind.
    """
    finish = _active_set_finish(problem, guess)
    return choose(problem, finish.residual < guess.residual, guess, finish)


def _own_prices(problem: FirstMoment, point: Point) -> tuple[FloatArray, FloatArray]:
    """Prices of rows (1, R) and caps (1, I) under which a menu comes closest to optimality."""
    live, unit = problem.live, problem.row_unit
    size = _size(problem, point.contributions)[0, live]
    x = np.maximum(point.increments[0, live], 0.0)
    nothing = problem.gradient(point, np.zeros_like(point.rows), np.zeros_like(point.caps))
    jacobian = problem.dense.jacobian(point)
    slack = np.maximum(np.hstack([np.minimum(point.rows, unit), point.caps])[0], 0.0)
    n_x, n = x.size, slack.size
    # Unknowns: prices of increments, rows and caps. Equations: stationarity, complementarity.
    matrix = np.zeros((2 * n_x + n, n_x + n))
    matrix[:n_x, :n_x] = np.diag(size)
    matrix[:n_x, n_x:] = (jacobian[0][:, live] * size).T
    matrix[n_x:, :] = np.diag(np.hstack([np.minimum(x, size), slack]))
    side = np.concatenate([-nothing[0, live] * size, np.zeros(n_x + n)])
    prices = non_negative(matrix, side)[None, n_x:]
    return prices[:, : unit.shape[1]], prices[:, unit.shape[1] :]


def _pursue(problem: Program, path: Path, tolerance: float) -> tuple[Solution, Path]:
    interior, path = _interior_point(problem, path, tolerance)
    if np.all(interior.residual <= FINISHED):
        return interior, path
    finish = _active_set_finish(problem, interior)
    return choose(problem, finish.residual < interior.residual, interior, finish), path


def choose(problem: Program, swap: BoolArray, first: Solution, second: Solution) -> Solution:
    """For each problem of the batch the second solution where ``swap``, else the first."""
    if swap.all():
        return second
    if not swap.any():
        return first
    rows = swap[:, None]
    return Solution(
        problem.point(np.where(rows, second.point.increments, first.point.increments)),
        np.where(rows, second.row_prices, first.row_prices),
        np.where(rows, second.cap_prices, first.cap_prices),
        np.where(swap, second.residual, first.residual),
    )


def _size(problem: Program, contributions: FloatArray) -> FloatArray:
    """Scale of each increment, (B, n): the menu's largest contribution or, if less, its bound.

    1 for the first increment, which is of utility.
    """
    largest = contributions.max(axis=1, keepdims=True)
    size = np.where(largest > 0, np.minimum(problem.box, largest), problem.box)
    size[:, 0] = 1.0
    return size


@dataclass(frozen=True, eq=False)
class Path:
    """Where a batch is on its central paths: variables and slacks, their prices; and their unit."""

    primal: FloatArray
    dual: FloatArray
    size: FloatArray

    @classmethod
    def of(cls, problem: Program, x: FloatArray, size: FloatArray) -> Path:
        """The start from variables x > 0 and their scale: all products are 0.05."""
        live, slack = problem.live, problem.point(x).slack
        n_rows = problem.row_unit.shape[1]
        least = np.full_like(slack, 0.05)
        least[:, :n_rows] *= problem.row_unit
        primal = np.concatenate([x, np.maximum(slack, least)], axis=1)
        dual = 0.05 / np.where(primal > 0, primal, 1.0)
        dual[:, : live.size][:, ~live] = 0.0
        return cls(primal, dual, size)

    def take(self, rows: IntArray) -> Path:
        """Those of some problems of the batch."""
        return Path(self.primal[rows], self.dual[rows], self.size[rows])


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # of a problem that diverges
def _interior_point(problem: Program, path: Path, tolerance: float) -> tuple[Solution, Path]:
    """Follow the path until residuals fall below the tolerance or stop improving."""
    whole_batch, live = problem, problem.live
    n, n_products = live.size, int(live.sum()) + path.primal.shape[1] - live.size
    left = path.take(np.arange(len(path.size)))  # where each problem left the batch
    primal, dual, size = path.primal, path.dual, path.size
    point = problem.point(primal[:, :n])
    best = [primal[:, :n].copy(), dual[:, n:].copy(), np.full(len(size), np.inf)]
    since_best, last = np.zeros(len(size), dtype=int), np.full(len(size), np.inf)
    here = np.arange(len(size))  # rows of the whole batch that are still being worked on
    for _ in range(ITERATIONS):
        try:
            system = problem.linearized(point, primal, dual)
        except np.linalg.LinAlgError:  # what was reached so far is assessed like any other point
            break
        products = primal * dual
        total = products.sum(axis=1)
        wrong = np.concatenate([system.gradient * size, system.gap], axis=1)
        wrong[:, n : n + problem.row_unit.shape[1]] /= problem.row_unit
        residual = np.maximum(np.abs(wrong).max(axis=1), total)
        better = residual < best[2][here]
        for kept, now in zip(best, (primal[:, :n], dual[:, n:], residual), strict=True):
            kept[here[better]] = now[better]
        falling, last = residual < FALLING * last, residual
        since_best = np.where(better, 0, since_best + ~falling)
        patience = np.where(best[2][here] < NEAR_END, IDLE_ITERATIONS_AT_END, IDLE_ITERATIONS)
        going = (residual > tolerance) & (since_best < patience) & np.isfinite(residual)
        if 2 * np.count_nonzero(going) <= going.size:
            left.primal[here], left.dual[here] = primal, dual
            if not going.any():
                break
            keep = np.flatnonzero(going)
            problem, here, size = problem.take(keep), here[keep], size[keep]
            since_best, last = since_best[keep], last[keep]
            primal, dual = primal[keep], dual[keep]
            point = problem.point(primal[:, :n])
            continue

        d_primal, d_dual = system.direction(-products)
        predicted = primal + step_length(primal, d_primal, 1.0) * d_primal
        predicted *= dual + step_length(dual, d_dual, 1.0) * d_dual
        centering = np.minimum(np.maximum((predicted.sum(axis=1) / total) ** 3, 1e-4), 1.0)
        astray = since_best > STRAYING
        centering = np.where(astray, np.maximum(centering, CENTERING), centering)
        mean = (total / n_products)[:, None]
        raised = centering[:, None] * mean - products
        raised -= np.where(astray[:, None], 0.0, d_primal * d_dual)
        d_primal, d_dual = system.direction(raised)
        ahead, ahead_dual = step_length(primal, d_primal, 0.995), step_length(dual, d_dual, 0.995)
        cramped = np.minimum(ahead, ahead_dual) < CRAMPED
        if cramped.any():  # far from the center of the path: go there first
            other, other_dual = system.direction(CENTERING * mean - products)
            far, far_dual = step_length(primal, other, 0.995), step_length(dual, other_dual, 0.995)
            swap = cramped & (np.minimum(far, far_dual) > np.minimum(ahead, ahead_dual))
            d_primal, d_dual = np.where(swap, other, d_primal), np.where(swap, other_dual, d_dual)
            ahead, ahead_dual = np.where(swap, far, ahead), np.where(swap, far_dual, ahead_dual)
        if astray.any():
            part = np.where(astray, DAMPED, 1.0)[:, None]
            ahead, ahead_dual = part * ahead, part * ahead_dual
        primal = primal + ahead * d_primal
        dual = dual + ahead_dual * d_dual
        if n_products < primal.shape[1]:
            primal[:, :n][:, ~live] = 0.0
        point = problem.point(primal[:, :n])
    x, prices = np.maximum(best[0], 0.0), np.maximum(best[1], 0.0)
    n_rows = whole_batch.row_unit.shape[1]
    ends = _assessed(whole_batch, whole_batch.point(x), prices[:, :n_rows], prices[:, n_rows:])
    return ends, left


def step_length(values: FloatArray, moves: FloatArray, share: float) -> FloatArray:
    """Step lengths (B, 1) up to 1 that go at most `share` of the way to a bound at zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # What part of the way to zero a full step goes; 0 / 0 where there is nothing to move.
        part = moves / values
        return np.asarray(share / np.fmax.reduce(-part, axis=1, keepdims=True, initial=share))


def _assessed(
    problem: Program, point: Point, row_prices: FloatArray, cap_prices: FloatArray
) -> Solution:
    residual = kkt_residual(problem, point, row_prices, cap_prices)
    return Solution(point, row_prices, cap_prices, residual)


def _active_set_finish(problem: Program, guess: Solution) -> Solution:
    """Newton's method on the optimality conditions with the binding constraints as equations."""
    live, unit = problem.live, problem.row_unit
    size = _size(problem, guess.point.contributions)
    point, mu, lam = guess.point, guess.row_prices, guess.cap_prices
    x, z = point.increments, -problem.gradient(point, mu, lam)
    fixed = ~live | (x / size < z * size)
    row_binds, cap_binds = point.rows / unit < mu * unit, point.caps < lam
    free = (~fixed).sum(axis=1)
    equations = row_binds.sum(axis=1) + cap_binds.sum(axis=1)
    if np.all(equations > free):
        return guess  # more equations than unknowns: a vertex, whose prices are not unique
    at_first = np.min(equations + free)
    if at_first > LARGE_SYSTEM and guess.residual.min() > WORTH_A_LARGE_SYSTEM:
        return guess  # what binds shows later
    best, in_vain = guess, 0
    for number in range(GUESSES):
        x = np.where(fixed, 0.0, x)
        mu, lam = np.where(row_binds, mu, 0.0), np.where(cap_binds, lam, 0.0)
        binds = np.concatenate([row_binds, cap_binds], axis=1)
        for _ in range(NEWTON_STEPS):
            point = problem.point(x)
            dx, d_mu, d_lam = _newton_step(problem, point, (mu, lam), size, ~fixed, binds)
            # A wrong guess can send the step anywhere: keep near, and on the side of data >= 0.
            length = np.abs(dx / size)
            part = 1 / np.maximum(1.0, 2 * length.max(axis=1, keepdims=True))
            x = np.maximum(x + part * dx, -1e-6 * size)
            mu, lam = mu + part * d_mu, lam + part * d_lam
            if np.all(length <= 1e-14):
                break
        kept = np.maximum(x, 0.0), np.maximum(mu, 0.0), np.maximum(lam, 0.0)
        point = problem.point(kept[0])
        found = _assessed(problem, point, *kept[1:])
        in_vain = (
            0
            if np.any(found.residual < np.minimum(best.residual, guess.residual))
            else (in_vain + 1)
        )
        better = found.residual < best.residual
        best = found if number == 0 else choose(problem, better, best, found)
        # Correct the guess where a sign is wrong, and go again from the corrected point.
        z = -problem.gradient(point, mu, lam)
        flip = live & np.where(fixed, z * size < -SIGN_TOLERANCE, x < -SIGN_TOLERANCE * size)
        rows_flip = np.where(
            row_binds, mu * unit < -SIGN_TOLERANCE, point.rows < -SIGN_TOLERANCE * unit
        )
        caps_flip = np.where(cap_binds, lam < -SIGN_TOLERANCE, point.caps < -SIGN_TOLERANCE)
        done = not (flip.any() or rows_flip.any() or caps_flip.any())
        if done or in_vain > GUESSES_IN_VAIN:
            break
        fixed, row_binds, cap_binds = fixed ^ flip, row_binds ^ rows_flip, cap_binds ^ caps_flip
        unknowns = np.min((~fixed).sum(axis=1) + row_binds.sum(axis=1) + cap_binds.sum(axis=1))
        if unknowns > max(LARGE_SYSTEM, 2 * at_first):
            break  # it goes astray, at a growing cost
        x, mu, lam = kept
    return best


def _newton_step(
    problem: Program,
    point: Point,
    prices: tuple[FloatArray, FloatArray],
    size: FloatArray,
    free: BoolArray,
    binds: BoolArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """One step for increments and prices, with only free increments and binding constraints.

    Constraints and increments that play no part in any problem of the batch are left out of the
    linear system; in the others the excluded ones get an equation of their own, step = 0.
    """
    columns, used = np.flatnonzero(free.any(axis=0)), np.flatnonzero(binds.any(axis=0))
    free, binds, size = free[:, columns], binds[:, used], size[:, columns]
    unit = np.hstack([problem.row_unit, np.ones_like(point.caps)])[:, used]
    hessian, jacobian = problem.blocks(point, prices[1], columns, used)
    jacobian = jacobian * size[:, None, :] / unit[:, :, None]
    jacobian *= binds[:, :, None] & free[:, None, :]
    slack = np.hstack([point.rows, point.caps])[:, used] / unit
    hessian = hessian * size[:, :, None] * size[:, None, :]
    hessian *= free[:, :, None] & free[:, None, :]
    n, n_used = columns.size, used.size
    matrix = np.zeros((len(free), n + n_used, n + n_used))
    matrix[:, :n, :n] = hessian
    matrix[:, :n, n:] = jacobian.swapaxes(1, 2)
    matrix[:, n:, :n] = jacobian
    diagonal = np.arange(n + n_used)
    matrix[:, diagonal, diagonal] += np.hstack(
        [np.where(free, -REGULARIZATION, -1.0), np.where(binds, REGULARIZATION, 1.0)]
    )
    gradient = problem.gradient(point, *prices)[:, columns] * size
    side = np.hstack([np.where(free, -gradient, 0.0), np.where(binds, -slack, 0.0)])
    try:
        step = np.linalg.solve(matrix, side[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:  # a hopeless guess somewhere in the batch: nobody moves
        step = np.zeros_like(side)
    dx = np.zeros_like(point.increments)
    dx[:, columns] = step[:, :n] * size
    d_prices = np.zeros((len(dx), problem.row_unit.shape[1] + point.caps.shape[1]))
    d_prices[:, used] = step[:, n:] / unit
    d_mu, d_lam = np.split(d_prices, [problem.row_unit.shape[1]], axis=1)
    return dx, d_mu, d_lam
