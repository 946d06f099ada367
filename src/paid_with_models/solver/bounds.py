r"""Proof: bounds that no menu can exceed, and predicates that check one.

**The bound.** Replace accuracy and v(a) by their concave envelopes. F and the caps T grow, the
first-moment problem becomes convex, and by weak duality *any* non-negative multipliers of its
constraints bound the expected accuracy of every menu, by any method:

.. math::

   F(m') \le \max_{0 \le x \le \bar x} \Bigl[\hat F(x) + \mu \cdot (G x - h)
   + \lambda \cdot (\hat T(x) - t(x))\Bigr]
   \le L(x^*) + \sum_j \max\{g_j (\bar x_j - x^*_j),\, -g_j x^*_j\} ,

with x the increments of the menu (all non-negative), :math:`\bar x` a box that contains every
feasible menu, L the bracket and g its gradient at :math:`x^*`: a concave function lies below its
tangent. :func:`dual_bound` evaluates the right-hand side in closed form and adds the rounding
error of the expectations, so no solver's tolerance can make it wrong. It is tight when
:math:`x^*` and the multipliers are optimal.

**Elastic constraints.** A program may have no menu, or only one, and multipliers that grow without
limit. :func:`relaxed` lets constraints be violated at a price: then there is a menu, multipliers
are at most the price, and the bound is no less safe, because it holds for all multipliers.

**The independent check.** :func:`paid_with_models.linear_program_bound` uses no multipliers of
ours: tangent planes of :math:`\hat F` and :math:`\hat T_i` with *all* IR and IC constraints make a
linear program, stated in CVXPY, whose optimum is the same bound up to the linear solver's
tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accuracy import BoolArray, FloatArray
from .dense import Dense, Point, elastic
from .interior_point import central_path_end
from .program import Program

__all__ = ["Relaxation", "dual_bound", "relaxed"]


#: MULTIPLIER_QUALITY: residual of multipliers at which a bound is as good as it gets; the finish
#: of the solver is not needed for them.
MULTIPLIER_QUALITY = 1e-10


def dual_bound(
    problem: Program, point: Point, row_prices: FloatArray, cap_prices: FloatArray
) -> FloatArray:
    """Safe upper bound on the expected accuracy of every menu, for a batch.

    Parameters
    ----------
    problem : Program
        With *concave* curves on or above those of the menus to be bounded.
    point : Point
        Any point of it, best its optimum.
    row_prices, cap_prices : (B, R), (B, I) ndarray
        Multipliers of the linear constraints and of the caps; negative ones are set to zero.

    Returns
    -------
    (B,) ndarray
        At most the limit of the accuracy curve.
    """
    rows, caps = np.maximum(row_prices, 0.0), np.maximum(cap_prices, 0.0)
    gradient = problem.gradient(point, rows, caps)
    bound = (
        point.moments.accuracy
        + np.sum(rows * point.rows, axis=1)
        + np.sum(caps * point.caps, axis=1)
        + np.sum(
            np.maximum(
                gradient * np.maximum(problem.box - point.increments, 0.0),
                -gradient * point.increments,
            ),
            axis=1,
        )
    )
    # What the expectations may be wrong by, at the point and along the box; then the roundings of
    # the sums above, whose terms are products of numbers of size 1 with the prices.
    wrong = problem.expectation.uncertainty(problem.accuracy, problem.value, point.contributions)
    pulled = point.moments.weighted_gradient(caps / problem.value_unit)
    slopes = wrong.accuracy_slope + np.sum(caps * wrong.value_slopes, axis=1) / problem.value_unit
    bound = (
        bound
        + wrong.accuracy
        + np.sum(caps * wrong.values, axis=1) / problem.value_unit
        + wrong.relative_slope * np.sum(pulled * problem.reach, axis=1)
        + slopes * problem.reach.max(axis=1)
    )
    entries = problem.box.shape[1] + rows.shape[1]
    rounding = 4 * entries * np.finfo(float).eps
    bound = bound + rounding * (2 + 2 * caps.sum(axis=1) + rows.sum(axis=1))
    return np.asarray(np.minimum(bound, problem.accuracy.optimum))


@dataclass(frozen=True, eq=False)
class Relaxation:
    """The end of the central path of a batch of elastic programs.

    Attributes
    ----------
    point : Point
        Of the program itself, which may violate constraints.
    row_prices, cap_prices : (B, R), (B, I) ndarray
    bounds : (B,) ndarray
        No menu reaches more.
    short : (B,) ndarray of bool
        Whether the price of a violation was too low: constraints are worth about as much. Then
        the bound is weak.
    """

    point: Point
    row_prices: FloatArray
    cap_prices: FloatArray
    bounds: FloatArray
    short: BoolArray


def relaxed(program: Dense, start: FloatArray, size: FloatArray, price: FloatArray) -> Relaxation:
    """Bound a batch of programs by solving them with elastic constraints.

    Parameters
    ----------
    program : Dense
        With concave curves.
    start, size : (B, n) ndarray > 0
        Variables to start from, and the scale of each.
    price : (B,) ndarray > 0
        Of a violation, in accuracy per value of the best model.

    Returns
    -------
    Relaxation
    """
    one = np.ones((len(price), 1))
    # All products of slacks and prices start at 0.05; so does that of the violation.
    end = central_path_end(
        elastic(program, price),
        np.hstack([start, 0.05 * one]),
        np.hstack([size, one]),
        MULTIPLIER_QUALITY,
    )
    point = program.point(end.point.increments[:, :-1])
    worth = end.cap_prices.sum(axis=1) + np.sum(program.row_elastic * end.row_prices, axis=1)
    bounds = dual_bound(program, point, end.row_prices, end.cap_prices)
    return Relaxation(point, end.row_prices, end.cap_prices, bounds, worth > 0.5 * price)
