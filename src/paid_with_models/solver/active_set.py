r"""The finish: Newton's method on the optimality conditions, once it shows what binds.

Increments that are at zero are left out, and constraints that bind are equations. Where a sign
turns out wrong the guess of what binds is corrected.
"""

from __future__ import annotations

import numpy as np

from ..accuracy import BoolArray, FloatArray, IntArray
from .dense import Point
from .optimality import Solution, assessed, choose, sizes
from .program import Program

__all__ = ["active_set_finish", "solved_apart"]


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

#: AT_ROUNDING: residual down to which the finish is as good as any solution, and better for what it
#: makes equal, such as the options of a bunch.
AT_ROUNDING = 1e-13

#: SIGN_TOLERANCE: error of the wrong sign that the finish allows in slacks and prices.
SIGN_TOLERANCE = 1e-11


def active_set_finish(problem: Program, guess: Solution) -> Solution:
    """Newton's method on the optimality conditions with the binding constraints as equations.

    Each problem of the batch goes on, or keeps the guess, by itself, as it would alone.
    """
    live, unit = problem.live, _units(problem)
    size = sizes(problem, guess.point.contributions)
    x, prices = guess.point.increments, np.concatenate([guess.row_prices, guess.cap_prices], axis=1)
    z = -problem.gradient(guess.point, guess.row_prices, guess.cap_prices)
    fixed = ~live | (x / size < z * size)
    binds = guess.point.slack / unit < prices * unit
    unknowns, equations = (~fixed).sum(axis=1), binds.sum(axis=1)
    at_first = equations + unknowns
    # More equations than unknowns: a vertex, whose prices are not unique.
    tried = (guess.residual > 0) & (equations <= unknowns)
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
        found = assessed(some, point, np.maximum(rows, 0.0), np.maximum(caps, 0.0))
        better = found.residual < np.maximum(least, AT_ROUNDING)
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
    step = solved_apart(matrix, side)
    dx, d_prices = np.zeros_like(point.increments), np.zeros_like(prices)
    dx[:, columns] = step[:, :n] * size
    d_prices[:, used] = step[:, n:] / unit
    return dx, d_prices


def solved_apart(matrix: FloatArray, side: FloatArray) -> FloatArray:
    """Solutions of a batch of linear systems; nothing where a hopeless guess made one singular."""
    try:
        return np.asarray(np.linalg.solve(matrix, side[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        if len(side) == 1:
            return np.zeros_like(side)
        rows = (slice(k, k + 1) for k in range(len(side)))
        return np.concatenate([solved_apart(matrix[row], side[row]) for row in rows])
