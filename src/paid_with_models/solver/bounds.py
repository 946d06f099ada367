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
tangent. Where increments are those of one chain, they share one limit (:func:`farthest`).
:func:`dual_bound` evaluates the right-hand side in closed form and adds the rounding
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

__all__ = ["Relaxation", "dual_bound", "farthest", "relaxed"]


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
        + farthest(gradient, point.increments, problem.box, problem.chain_limits)
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


def farthest(
    gradient: FloatArray, start: FloatArray, box: FloatArray, limits: FloatArray | None
) -> FloatArray:
    r"""The most that a linear function gains from a start to any menu, (B,).

    In a box each variable goes to the end that it gains from. But in a chain increments add up to
    contributions, :math:`x_1 + \dots + x_j \le l_j` for non-decreasing limits. With
    :math:`h_j = \max(g_j, g_{j+1}, \dots, 0)`, which do not rise,

    .. math::

       \sum_j g_j x_j \le \sum_j h_j x_j = \sum_j (h_j - h_{j+1}) \sum_{k \le j} x_k
       \le \sum_j (h_j - h_{j+1})\, l_j = \sum_j h_j (l_j - l_{j-1}) .

    Parameters
    ----------
    gradient, start, box : (B, n) ndarray
    limits : (B, n - 1) ndarray, optional
        Of sums of the variables from the second on.

    Examples
    --------
    >>> g, x, box = np.array([[0.0, 1.0, 2.0]]), np.zeros((1, 3)), np.array([[1.0, 5.0, 5.0]])
    >>> [farthest(g, x, box, limits).tolist() for limits in (None, np.array([[5.0, 5.0]]))]
    [[15.0], [10.0]]
    """
    gains = np.maximum(gradient * np.maximum(box - start, 0.0), -gradient * start)
    by_box = np.asarray(gains.sum(axis=1))
    if limits is None:
        return by_box
    rising = np.maximum(np.maximum.accumulate(gradient[:, :0:-1], axis=1)[:, ::-1], 0.0)
    by_chain = np.sum(rising * np.diff(limits, axis=1, prepend=0.0), axis=1)
    by_chain += gains[:, 0] - np.sum(gradient[:, 1:] * start[:, 1:], axis=1)
    return np.asarray(np.minimum(by_box, by_chain))


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
