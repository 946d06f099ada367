r"""How first-moment problems are solved: interior-point iterations, then an active-set finish.

With increments :math:`x \ge 0`, linear rows :math:`G x \ge h` and caps :math:`k(x) \ge 0`, the
optimality conditions of :math:`\max F` are, with multipliers :math:`z, \mu, \lambda \ge 0`,

.. math::

   \nabla F + G^T \mu + \nabla k^T \lambda + z = 0, \qquad
   z \cdot x = \mu \cdot (G x - h) = \lambda \cdot k = 0 .

:func:`maximize` follows the central path of these conditions (Mehrotra's predictor-corrector with
slacks for rows and caps, from an infeasible start) to its end, then takes the constraints that bind
there as equations and lets Newton's method converge to rounding: where the objective is flat the
path alone leaves contributions wrong in their seventh digit. Where that fails the path is taken up
again. Both work on a whole batch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ..accuracy import FloatArray, IntArray
from .active_set import active_set_finish
from .dense import Point
from .least_squares import non_negative
from .optimality import FINISHED, Solution, assessed, choose, kkt_residual, sizes
from .program import FirstMoment, Program

__all__ = [
    "Path",
    "central_path_end",
    "finished",
    "maximize",
    "polished",
    "step_lengths",
]


#: TOLERANCE: residual at which interior iterations stop: rounding. Stopping early for the finish
#: saves a few of them where it succeeds, and costs more than all where it does not.
TOLERANCE = 1e-14

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

#: DIVERGED: stop where the residual is so many times the best one (or NEAR_END, if that is less).
DIVERGED = 1e6

#: IDLE_ITERATIONS_AT_END: stop after so many iterations without a better residual there.
IDLE_ITERATIONS_AT_END = 2


def maximize(
    problem: FirstMoment, start: FloatArray | None = None, deadline: float = np.inf
) -> Solution:
    """Solve a batch of first-moment problems, from one starting menu each.

    Parameters
    ----------
    problem : FirstMoment
        With concave curves the result is the optimum, otherwise a local one at best.
    start : (B, I) ndarray > 0, optional
        Contributions to start from, costliest type first; by default half of what each type
        would give for the best possible model.
    deadline : float
        No iteration begins when ``time.monotonic()`` is beyond it.

    Returns
    -------
    Solution
        Its residual says how well the optimality conditions hold.
    """
    if start is None:
        start = 0.5 * problem.reach
    path = Path.of(problem, *problem.start(np.maximum.accumulate(start, axis=1)))
    best, path = _pursue(problem, path, deadline)
    again = best.residual > FINISHED
    if not again.any() or time.monotonic() > deadline:
        return best
    if again.all():
        second, _ = _pursue(problem, path, deadline)
        return choose(problem, second.residual < best.residual, best, second)
    rest = np.flatnonzero(again)
    second, _ = _pursue(problem.take(rest), path.take(rest), deadline)
    place = np.zeros(len(start), dtype=np.intp)
    place[rest] = np.arange(rest.size)
    again[rest] = second.residual < best.residual[rest]
    return choose(problem, again, best, second.take(problem, place))


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
    return active_set_finish(problem, best)


def polished(problem: FirstMoment, guess: Solution) -> Solution:
    """Menus with prices, drawn to the stationary points that are next to them.

    Parameters
    ----------
    problem : FirstMoment
    guess : Solution
        Close enough to show which constraints bind.
    """
    return active_set_finish(problem, guess)


def _own_prices(problem: FirstMoment, point: Point) -> tuple[FloatArray, FloatArray]:
    """Prices of rows (1, R) and caps (1, I) under which a menu comes closest to optimality."""
    live, unit = problem.live, problem.row_unit
    size = sizes(problem, point.contributions)[0, live]
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


def _pursue(problem: Program, path: Path, deadline: float) -> tuple[Solution, Path]:
    interior, path = _interior_point(problem, path, TOLERANCE, deadline)
    return active_set_finish(problem, interior), path


@dataclass(frozen=True, eq=False)
class Path:
    """Where a batch is on its central paths: variables and slacks, their prices; and their unit.

    And the menus there, where they are known already.
    """

    primal: FloatArray
    dual: FloatArray
    size: FloatArray
    point: Point | None = None

    @classmethod
    def of(cls, problem: Program, x: FloatArray, size: FloatArray) -> Path:
        """The start from variables x > 0 and their scale: all products are 0.05."""
        live, point = problem.live, problem.point(x)
        n_rows = problem.row_unit.shape[1]
        least = np.full_like(point.slack, 0.05)
        least[:, :n_rows] *= problem.row_unit
        primal = np.concatenate([x, np.maximum(point.slack, least)], axis=1)
        dual = 0.05 / np.where(primal > 0, primal, 1.0)
        dual[:, : live.size][:, ~live] = 0.0
        return cls(primal, dual, size, point)

    def take(self, rows: IntArray) -> Path:
        """Those of some problems of the batch."""
        return Path(self.primal[rows], self.dual[rows], self.size[rows])


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # of a problem that diverges
def _interior_point(
    problem: Program, path: Path, tolerance: float, deadline: float = np.inf
) -> tuple[Solution, Path]:
    """Follow the path until residuals fall below the tolerance or stop improving.

    Each problem of the batch stops by itself, as it would alone.
    """
    whole_batch, n, n_rows = problem, problem.live.size, problem.row_unit.shape[1]
    dead = None if problem.live.all() else np.flatnonzero(~problem.live)
    # Variables and slacks, then their prices, (2, B, n); their products; and where it went best.
    state = np.stack([path.primal, path.dual])
    n_products = state.shape[2] - (0 if dead is None else dead.size)
    unit = np.ones_like(state[0])
    unit[:, :n] = path.size
    unit[:, n : n + n_rows] /= problem.row_unit
    point = problem.point(state[0, :, :n]) if path.point is None else path.point
    best, best_residual = state, np.full(len(unit), np.inf)
    best_point: Point | None = point
    idle, last = np.zeros(len(unit), dtype=int), best_residual
    ended = left = state  # the best state of each problem, and where it left the batch
    here: IntArray | None = None  # rows of the whole batch still at work; None: all
    for _ in range(ITERATIONS):
        if time.monotonic() > deadline:
            break
        try:
            system = problem.linearized(point, state[0], state[1])
        except np.linalg.LinAlgError:  # what was reached so far is assessed like any other point
            break
        products = state[0] * state[1]
        total = products.sum(axis=1)
        residual = np.maximum(np.abs(system.wrong * unit).max(axis=1), total)
        better = residual < best_residual
        if better.all():
            best, best_residual, best_point = state, residual, point
            idle = np.zeros_like(idle)
            going = residual > tolerance
        else:
            best = np.where(better[:, None], state, best)
            best_residual = np.where(better, residual, best_residual)
            best_point = None
            idle = np.where(better, 0, idle + (residual >= FALLING * last))
            patience = np.where(best_residual < NEAR_END, IDLE_ITERATIONS_AT_END, IDLE_ITERATIONS)
            going = (residual > tolerance) & (idle < patience)
            going &= residual < DIVERGED * np.maximum(best_residual, NEAR_END)
        last = residual
        if not going.any():
            break

        moves = system.direction(-products)
        ahead = step_lengths(state, moves, 1.0)
        predicted = state + ahead * moves
        after = np.add.reduce(predicted[0] * predicted[1], axis=1)
        centering = np.minimum(np.maximum((after / total) ** 3, 1e-4), 1.0)
        mean = (total / n_products)[:, None]
        second = moves[0] * moves[1]
        astray = idle > STRAYING
        strays = astray.any()
        if strays:
            centering = np.where(astray, np.maximum(centering, CENTERING), centering)
            second[astray] = 0.0
        moves = system.direction(centering[:, None] * mean - products - second)
        ahead = step_lengths(state, moves, 0.995)
        cramped = ahead.min(axis=0) < CRAMPED
        if cramped.any():  # far from the center of the path: go there first
            other = system.direction(CENTERING * mean - products)
            far = step_lengths(state, other, 0.995)
            swap = cramped & (far.min(axis=0) > ahead.min(axis=0))
            moves, ahead = np.where(swap, other, moves), np.where(swap, far, ahead)
        if strays:
            ahead = np.where(astray[:, None], DAMPED * ahead, ahead)
        moves *= ahead
        moves += state
        if dead is not None:
            moves[0, :, dead] = 0.0
        if not going.all():
            if here is None:
                here, ended, left = np.arange(len(unit)), state.copy(), state.copy()
            ended[:, here], left[:, here] = best, state
            keep = np.flatnonzero(going)
            problem, here, unit = problem.take(keep), here[keep], unit[keep]
            best, best_residual, best_point = best[:, keep], best_residual[keep], None
            idle, last, moves = idle[keep], last[keep], moves[:, keep]
        state = moves
        point = problem.point(state[0, :, :n])
    if here is None:
        ended, left = best, state
    else:
        ended[:, here], left[:, here], best_point = best, state, None
    if best_point is None:
        best_point = whole_batch.point(np.maximum(ended[0, :, :n], 0.0))
    prices = np.maximum(ended[1, :, n:], 0.0)
    ends = assessed(whole_batch, best_point, prices[:, :n_rows], prices[:, n_rows:])
    return ends, Path(left[0], left[1], path.size, point if here is None else None)


def step_lengths(values: FloatArray, moves: FloatArray, share: float) -> FloatArray:
    """Step lengths (..., 1) up to 1 that go at most `share` of the way to a bound at zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # What part of the way to zero a full step goes; 0 / 0 where there is nothing to move.
        part = moves / values
        np.negative(part, out=part)
        return np.asarray(share / np.fmax.reduce(part, axis=-1, keepdims=True, initial=share))
