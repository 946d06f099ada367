"""The optimality conditions of first-moment problems, and how far menus miss them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accuracy import BoolArray, FloatArray, IntArray
from .dense import Point
from .program import Program

__all__ = ["FINISHED", "Solution", "assessed", "choose", "kkt_residual", "sizes"]


#: FINISHED: above this residual what binds has not been found.
FINISHED = 1e-12


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
    size = sizes(problem, point.contributions)
    # Where a gradient is negative, what a variable could still fall.
    movable = np.where(gradient > 0, size, np.minimum(point.increments, size))
    largest = [
        np.abs(gradient * movable),
        np.maximum(-point.rows / unit, row_prices * np.minimum(point.rows, unit)),
        np.maximum(-point.caps, cap_prices * point.caps),
    ]
    return np.asarray(np.concatenate(largest, axis=1).max(axis=1))


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


def sizes(problem: Program, contributions: FloatArray) -> FloatArray:
    """Scale of each increment, (B, n): the menu's largest contribution or, if less, its bound.

    1 for the first increment, which is of utility.
    """
    largest = contributions.max(axis=1, keepdims=True)
    size = np.where(largest > 0, np.minimum(problem.box, largest), problem.box)
    size[:, 0] = 1.0
    return size


def assessed(
    problem: Program, point: Point, row_prices: FloatArray, cap_prices: FloatArray
) -> Solution:
    """A menu with these multipliers, and how well they fit."""
    residual = kkt_residual(problem, point, row_prices, cap_prices)
    return Solution(point, row_prices, cap_prices, residual)
