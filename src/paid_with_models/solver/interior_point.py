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
    "step_lengths",
]


#: FIRST_TOLERANCE: residual at which interior iterations stop at first, since flat problems lose
#: their dual digits when pushed further and the finish does the rest.
FIRST_TOLERANCE = 1e-5

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

#: SETTLED: relative length of a Newton step after which no other is needed: errors are its square.
SETTLED = 1e-8

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
    again = best.residual > FINISHED
    if not again.any():
        return best
    if again.all():
        second, _ = _pursue(problem, path, SECOND_TOLERANCE)
        return choose(problem, second.residual < best.residual, best, second)
    rest = np.flatnonzero(again)
    second, _ = _pursue(problem.take(rest), path.take(rest), SECOND_TOLERANCE)
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
    return _active_set_finish(problem, best)


def polished(problem: FirstMoment, guess: Solution) -> Solution:
    """Menus with prices, drawn to the stationary points that are next to them.

    Parameters
    ----------
    problem : FirstMoment
    guess : Solution
        Close enough to show which constraints bind.
    """
    return _active_set_finish(problem, guess)


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
    return _active_set_finish(problem, interior), path


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
def _interior_point(problem: Program, path: Path, tolerance: float) -> tuple[Solution, Path]:
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
    best, best_residual, best_point = state, np.full(len(unit), np.inf), point
    idle, last = np.zeros(len(unit), dtype=int), best_residual
    ended = left = state  # the best state of each problem, and where it left the batch
    here: IntArray | None = None  # rows of the whole batch still at work; None: all
    for _ in range(ITERATIONS):
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
            going = (residual > tolerance) & (idle < patience) & np.isfinite(residual)
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
        ended[:, here], left[:, here], best_point, point = best, state, None, None
    if best_point is None:
        best_point = whole_batch.point(np.maximum(ended[0, :, :n], 0.0))
    prices = np.maximum(ended[1, :, n:], 0.0)
    ends = _assessed(whole_batch, best_point, prices[:, :n_rows], prices[:, n_rows:])
    return ends, Path(left[0], left[1], path.size, point)


def step_lengths(values: FloatArray, moves: FloatArray, share: float) -> FloatArray:
    """Step lengths (..., 1) up to 1 that go at most `share` of the way to a bound at zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # What part of the way to zero a full step goes; 0 / 0 where there is nothing to move.
        part = moves / values
        np.negative(part, out=part)
        return np.asarray(share / np.fmax.reduce(part, axis=-1, keepdims=True, initial=share))


def _assessed(
    problem: Program, point: Point, row_prices: FloatArray, cap_prices: FloatArray
) -> Solution:
    residual = kkt_residual(problem, point, row_prices, cap_prices)
    return Solution(point, row_prices, cap_prices, residual)


def _active_set_finish(problem: Program, guess: Solution) -> Solution:
    """Newton's method on the optimality conditions with the binding constraints as equations.

    Each problem of the batch goes on, or keeps the guess, by itself, as it would alone.
    """
    live, unit = problem.live, _units(problem)
    size = _size(problem, guess.point.contributions)
    x, prices = guess.point.increments, np.concatenate([guess.row_prices, guess.cap_prices], axis=1)
    z = -problem.gradient(guess.point, guess.row_prices, guess.cap_prices)
    fixed = ~live | (x / size < z * size)
    binds = guess.point.slack / unit < prices * unit
    unknowns, equations = (~fixed).sum(axis=1), binds.sum(axis=1)
    at_first = equations + unknowns
    # More equations than unknowns: a vertex, whose prices are not unique.
    tried = (guess.residual > FINISHED) & (equations <= unknowns)
    # What binds in a large system shows later.
    tried &= (at_first <= LARGE_SYSTEM) | (guess.residual <= WORTH_A_LARGE_SYSTEM)
    if not tried.any():
        return guess
    here: IntArray | None = None  # rows of the whole batch still at work; None: all
    some, best, least = problem, guess, guess.residual
    most = np.maximum(LARGE_SYSTEM, 2 * at_first)
    in_vain = np.zeros(len(tried), dtype=int)
    for _ in range(GUESSES):
        if not tried.all():
            keep = np.flatnonzero(tried)
            here = keep if here is None else here[keep]
            some = problem.take(here)
            unit, size, x, prices = unit[keep], size[keep], x[keep], prices[keep]
            fixed, binds = fixed[keep], binds[keep]
            least, most, in_vain = least[keep], most[keep], in_vain[keep]
        x, prices, point = _settled(some, x, prices, size, unit, ~fixed, binds)
        n_rows = some.row_unit.shape[1]
        rows, caps = prices[:, :n_rows], prices[:, n_rows:]
        found = _assessed(some, point, np.maximum(rows, 0.0), np.maximum(caps, 0.0))
        better = found.residual < least
        in_vain = np.where(better, 0, in_vain + 1)
        least = np.where(better, found.residual, least)
        if here is None:
            best = choose(problem, better, best, found)
        elif better.any():
            swap, place = np.zeros(len(best.residual), dtype=bool), np.zeros_like(best.residual)
            swap[here], place[here] = better, np.arange(here.size)
            best = choose(problem, swap, best, found.take(problem, place.astype(np.intp)))
        # Correct the guess where a sign is wrong, and go again from the corrected point.
        z = -some.gradient(point, rows, caps)
        flip = live & np.where(fixed, z * size < -SIGN_TOLERANCE, x < -SIGN_TOLERANCE * size)
        flip_binds = np.where(
            binds, prices * unit < -SIGN_TOLERANCE, point.slack < -SIGN_TOLERANCE * unit
        )
        tried = (flip.any(axis=1) | flip_binds.any(axis=1)) & (in_vain <= GUESSES_IN_VAIN)
        if not tried.any():
            break
        fixed, binds = fixed ^ flip, binds ^ flip_binds
        # One that goes astray does so at a growing cost.
        tried &= (~fixed).sum(axis=1) + binds.sum(axis=1) <= most
        if not tried.any():
            break
        x, prices = np.maximum(x, 0.0), np.maximum(prices, 0.0)
    return best


def _units(problem: Program) -> FloatArray:
    """The size of a slack of a row or cap that counts, (B, R + I)."""
    caps = np.ones((len(problem.row_unit), problem.reach.shape[1]))
    return np.concatenate([problem.row_unit, caps], axis=1)


def _settled(
    problem: Program,
    x: FloatArray,
    prices: FloatArray,
    size: FloatArray,
    unit: FloatArray,
    free: BoolArray,
    binds: BoolArray,
) -> tuple[FloatArray, FloatArray, Point]:
    """Increments, prices and menus where Newton's method ends, for one guess of what binds."""
    x, prices = np.where(free, x, 0.0), np.where(binds, prices, 0.0)
    for _ in range(NEWTON_STEPS):
        dx, d_prices = _newton_step(problem, problem.point(x), prices, size, unit, free, binds)
        # A wrong guess can send the step anywhere: keep near, and on the side of data >= 0.
        length = np.abs(dx / size).max(axis=1, keepdims=True)
        part = 1 / np.maximum(1.0, 2 * length)
        there = length <= SETTLED
        x = np.maximum(x + part * dx, -1e-6 * size)
        prices = prices + part * d_prices
        if there.all():
            break
    return x, prices, problem.point(np.maximum(x, 0.0))


def _newton_step(
    problem: Program,
    point: Point,
    prices: FloatArray,
    size: FloatArray,
    unit: FloatArray,
    free: BoolArray,
    binds: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """One step for increments and prices, with only free increments and binding constraints.

    Constraints and increments that play no part in any problem of the batch are left out of the
    linear system; in the others the excluded ones get an equation of their own, step = 0.
    """
    n_rows, alone = problem.row_unit.shape[1], len(free) == 1
    columns, used = np.flatnonzero(free.any(axis=0)), np.flatnonzero(binds.any(axis=0))
    size, unit = size[:, columns], unit[:, used]
    hessian, jacobian = problem.blocks(point, prices[:, n_rows:], columns, used)
    n, n_used = columns.size, used.size
    matrix = np.zeros((len(free), n + n_used, n + n_used))
    np.multiply(hessian, size[:, :, None], out=matrix[:, :n, :n])
    matrix[:, :n, :n] *= size[:, None, :]
    jacobian = jacobian * size[:, None, :]
    jacobian /= unit[:, :, None]
    gradient = problem.gradient(point, prices[:, :n_rows], prices[:, n_rows:])[:, columns] * size
    side = -np.concatenate([gradient, point.slack[:, used] / unit], axis=1)
    diagonal = matrix.reshape(len(free), -1)[:, :: n + n_used + 1]
    if alone:
        diagonal[:, :n] -= REGULARIZATION
        diagonal[:, n:] += REGULARIZATION
    else:
        free, binds = free[:, columns], binds[:, used]
        jacobian *= binds[:, :, None] & free[:, None, :]
        matrix[:, :n, :n] *= free[:, :, None] & free[:, None, :]
        diagonal[:, :n] += np.where(free, -REGULARIZATION, -1.0)
        diagonal[:, n:] += np.where(binds, REGULARIZATION, 1.0)
        side *= np.concatenate([free, binds], axis=1)
    matrix[:, :n, n:] = jacobian.swapaxes(1, 2)
    matrix[:, n:, :n] = jacobian
    try:
        step = np.linalg.solve(matrix, side[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:  # a hopeless guess somewhere in the batch: nobody moves
        step = np.zeros_like(side)
    dx, d_prices = np.zeros_like(point.increments), np.zeros_like(prices)
    dx[:, columns] = step[:, :n] * size
    d_prices[:, used] = step[:, n:] / unit
    return dx, d_prices
