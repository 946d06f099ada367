r"""Convex programs whose menus are linear in their variables, with all matrices written out.

In variables :math:`x \ge 0`, contributions are :math:`m = C x`, rewards :math:`t = t_0 + R x`, and

.. math::

   \max_{x \ge 0}\; F(m) - \pi \cdot x \quad \text{s.t.} \quad G x \ge h, \qquad
   k(x) := T(m) - t \ge 0 .

:func:`elastic` adds a variable: by how much constraints may be violated, at a price.
:class:`DenseSystem` is the Newton step of the interior-point method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from ..accuracy import BoolArray, Curve, FloatArray, IntArray
from .envelopes import of_rows
from .moments import Expectation, MomentsLike

__all__ = ["Dense", "DenseSystem", "Point", "batched_product", "elastic"]

#: RIDGE: added to the diagonal of a scaled Newton system, so that it is never singular to the
#: last bit.
RIDGE = 1e-15


@dataclass(frozen=True, eq=False)
class Point:
    """A batch of menus in variables, with everything the optimality conditions need.

    Attributes
    ----------
    increments : (B, n) ndarray
        The variables; increments of a chain in most programs.
    contributions : (B, I) ndarray
    moments : MomentsLike
    slack : (B, R + I) ndarray
        Of the linear constraints, then of the caps, T - t.
    """

    increments: FloatArray
    contributions: FloatArray
    moments: MomentsLike
    slack: FloatArray

    @property
    def rows(self) -> FloatArray:
        """Slack of the linear constraints, (B, R)."""
        return self.slack[:, : self.slack.shape[1] - self.contributions.shape[1]]

    @property
    def caps(self) -> FloatArray:
        """Slack of the caps, (B, I)."""
        return self.slack[:, self.slack.shape[1] - self.contributions.shape[1] :]


@dataclass(frozen=True, eq=False)
class Dense:
    """A batch of B programs with I types, n variables and R linear constraints.

    Attributes
    ----------
    expectation : Expectation
    accuracy, value : Curve
        a(S) and v(a(S)), or concave curves above them.
    value_unit : float
        Value of the best possible model; money is measured in it.
    contributions : (I, n) ndarray
        The matrix C.
    reward_jacobian, reward_offset : (B, I, n), (B, 1) ndarray
        R and t_0.
    row_jacobian, row_offset : (B, R, n), (B, R) ndarray
        G and h.
    row_unit : (B, R) ndarray > 0
        The size of a slack that counts.
    row_elastic : (B, R) ndarray >= 0
        Rate at which the constraint gives way where a violation has a price (1: as caps do).
    box : (B, n) ndarray
        Upper bounds of the variables in every menu.
    reach : (B, I) ndarray
        The most that each type can contribute at all, units of data.
    live : (n,) ndarray of bool
        False for variables that mean nothing; they are held at zero.
    price : (n,) ndarray
        What a unit of each variable costs, in accuracy.
    """

    expectation: Expectation
    accuracy: Curve
    value: Curve
    value_unit: float
    contributions: FloatArray
    reward_jacobian: FloatArray
    reward_offset: FloatArray
    row_jacobian: FloatArray
    row_offset: FloatArray
    row_unit: FloatArray
    row_elastic: FloatArray
    box: FloatArray
    reach: FloatArray
    live: BoolArray
    price: FloatArray

    #: Jacobians are at hand (:class:`paid_with_models.solver.program.Algebra`).
    forms_matrices = True

    def take(self, rows: IntArray) -> Self:
        """The batch reduced to some of its problems."""
        of_problems = (
            "reward_jacobian", "reward_offset", "row_jacobian", "row_offset", "row_unit",
            "row_elastic", "box", "reach",
        )  # fmt: skip
        return replace(
            self,
            expectation=self.expectation.take(rows),
            accuracy=of_rows(self.accuracy, rows),
            value=of_rows(self.value, rows),
            **{name: getattr(self, name)[rows] for name in of_problems},
        )

    @cached_property
    def linear(self) -> FloatArray:
        """(B, R + I, n): what of rows and caps is linear in the variables, G x and -R x."""
        return np.concatenate([self.row_jacobian, -self.reward_jacobian], axis=1)

    @cached_property
    def offset(self) -> FloatArray:
        """(B, R + I): what it is short of at x = 0, h and t_0."""
        start = np.broadcast_to(self.reward_offset, self.reach.shape)
        return np.concatenate([self.row_offset, start], axis=1)

    @cached_property
    def dead(self) -> IntArray | None:
        """The variables that are held at zero; None if none is."""
        return None if self.live.all() else np.flatnonzero(~self.live)

    def point(self, increments: FloatArray) -> Point:
        """The menu with these variables, (B, n), and its derivatives."""
        contributions = increments @ self.contributions.T
        moments = self.expectation.moments(self.accuracy, self.value, contributions)
        slack = batched_product(self.linear, increments)
        slack -= self.offset
        slack[:, self.row_offset.shape[1] :] += moments.values / self.value_unit
        return Point(increments, contributions, moments, slack)

    def jacobian(self, point: Point) -> FloatArray:
        """(B, R + I, n): Jacobian of rows and caps in the variables."""
        jacobian = self.linear.copy()
        of_values = point.moments.value_jacobian / self.value_unit
        jacobian[:, self.row_offset.shape[1] :] += of_values @ self.contributions
        return jacobian

    def gradient(self, point: Point, row_prices: FloatArray, cap_prices: FloatArray) -> FloatArray:
        """Gradient (B, n) of the objective + row_prices · rows + cap_prices · caps."""
        return self.gradient_at(point, np.concatenate([row_prices, cap_prices], axis=1))

    def gradient_at(self, point: Point, prices: FloatArray) -> FloatArray:
        """The same with prices of rows and caps in one array, (B, R + I)."""
        of_caps = prices[:, self.row_offset.shape[1] :]
        gradient = (prices[:, None, :] @ self.linear)[:, 0]
        gradient += point.moments.weighted_gradient(of_caps / self.value_unit) @ self.contributions
        if self.dead is not None:
            gradient[:, self.dead] = 0.0
        gradient -= self.price
        return gradient

    def hessian(self, point: Point, cap_prices: FloatArray) -> FloatArray:
        """Hessian (B, n, n) of F + cap_prices · caps, negative semidefinite."""
        map_ = self.contributions
        return map_.T @ (point.moments.curvature(cap_prices / self.value_unit) @ map_)

    def blocks(
        self, point: Point, cap_prices: FloatArray, columns: IntArray, constraints: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Parts of the Hessian and of the Jacobian of rows and caps, of chosen columns."""
        hessian = self.hessian(point, cap_prices)[:, columns][:, :, columns]
        return hessian, self.jacobian(point)[:, constraints][:, :, columns]

    def linearized(self, point: Point, primal: FloatArray, dual: FloatArray) -> DenseSystem:
        """The optimality conditions, linearized at a state of the interior-point method."""
        return DenseSystem(self, point, primal, dual)


def elastic(program: Dense, price: FloatArray) -> Dense:
    """The program whose caps, and elastic rows, may be violated by e >= 0 at a price.

    It always has a menu, and prices of its constraints that are worth at most the price of e.

    Parameters
    ----------
    program : Dense
    price : (B,) ndarray > 0
        Of a unit of e, in accuracy per value of the best model.

    Returns
    -------
    Dense
        With one more variable, the last: the violation in what it costs, price times e.
    """
    per_unit = 1 / price[:, None]
    on_caps = np.broadcast_to(per_unit, program.reach.shape)[:, :, None]
    on_rows = (program.row_elastic / price[:, None])[:, :, None]
    return replace(
        program,
        contributions=np.pad(program.contributions, ((0, 0), (0, 1))),
        reward_jacobian=np.concatenate([program.reward_jacobian, -on_caps], axis=2),
        row_jacobian=np.concatenate([program.row_jacobian, on_rows], axis=2),
        box=np.hstack([program.box, price[:, None]]),
        live=np.append(program.live, True),
        price=np.append(program.price, 1.0),
    )


def batched_product(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    """Batched matrix times vector."""
    return np.asarray((matrices @ vectors[:, :, None])[:, :, 0])


class DenseSystem:
    """The optimality conditions, linearized at a state and reduced to variables and prices.

    Attributes
    ----------
    wrong : (B, n + R + I) ndarray
        What is left of stationarity, then of the equations of slacks.
    """

    def __init__(self, program: Dense, point: Point, primal: FloatArray, dual: FloatArray) -> None:
        n, n_all, dead = program.live.size, primal.shape[1], program.dead
        self.n, self.dead, self.dual = n, dead, dual
        if dead is not None:  # their equations read dx = 0
            primal = primal.copy()
            primal[:, dead] = 1.0
        self.primal = primal
        self.wrong = np.empty_like(primal)
        np.add(program.gradient_at(point, dual[:, n:]), dual[:, :n], out=self.wrong[:, :n])
        np.subtract(point.slack, primal[:, n:], out=self.wrong[:, n:])
        self.jacobian = program.jacobian(point)
        # Variables and minus the change of prices, as one symmetric system: eliminating the
        # prices would square its condition number, which rare types make large.
        matrix = np.zeros((len(primal), n_all, n_all))
        of_caps = dual[:, n + program.row_offset.shape[1] :]
        np.negative(program.hessian(point, of_caps), out=matrix[:, :n, :n])
        diagonal = matrix.reshape(len(primal), -1)[:, :: n_all + 1]
        diagonal[:, :n] += dual[:, :n] / primal[:, :n]
        of_slack = primal[:, n:] / dual[:, n:]
        below = matrix[:, n:, :n]
        below[...] = self.jacobian
        if dead is not None:
            below[:, :, dead] = 0.0
            diagonal[:, dead] += 1.0
        scale = np.empty_like(primal)
        by_x = np.divide(1.0, np.sqrt(diagonal[:, :n]), out=scale[:, :n])
        below *= by_x[:, None, :]
        size = (below * below).sum(axis=2)
        size += of_slack
        by_slack = np.divide(1.0, np.sqrt(size, out=size), out=scale[:, n:])
        below *= by_slack[:, :, None]
        matrix[:, :n, n:] = below.swapaxes(1, 2)
        above = matrix[:, :n, :n]
        above *= by_x[:, :, None]
        above *= by_x[:, None, :]
        diagonal[:, n:] = -of_slack * by_slack * by_slack
        diagonal[:, :n] += RIDGE
        diagonal[:, n:] -= RIDGE
        self.scale = scale
        # A problem that has diverged must not stop the others.
        if not math.isfinite(matrix.sum()):
            matrix[~np.isfinite(matrix).all(axis=(1, 2))] = np.eye(n_all)
        self.matrix = matrix
        self.inverse: FloatArray = np.asarray(np.linalg.inv(matrix), dtype=float)

    def direction(self, raised: FloatArray) -> FloatArray:
        """Primal and dual step that raises the products of variables and prices by so much.

        Variables and slacks are in one array, (B, n + R + I), and so are their prices: (2, B, ...).
        """
        n, primal, dual, wrong = self.n, self.primal, self.dual, self.wrong
        side = np.empty_like(raised)
        np.divide(raised[:, :n], primal[:, :n], out=side[:, :n])
        side[:, :n] += wrong[:, :n]
        np.divide(raised[:, n:], dual[:, n:], out=side[:, n:])
        side[:, n:] -= wrong[:, n:]
        if self.dead is not None:
            side[:, self.dead] = 0.0
        side *= self.scale
        step = batched_product(self.inverse, side)
        # One refinement.
        side -= batched_product(self.matrix, step)
        step += batched_product(self.inverse, side)
        step *= self.scale
        moves = np.empty((2, *raised.shape))
        dx = step[:, :n]
        moves[0, :, :n] = dx
        np.add(batched_product(self.jacobian, dx), wrong[:, n:], out=moves[0, :, n:])
        np.negative(step[:, n:], out=moves[1, :, n:])
        np.subtract(raised[:, :n], dual[:, :n] * dx, out=dx)
        np.divide(dx, primal[:, :n], out=moves[1, :, :n])
        if self.dead is not None:
            moves[1, :, self.dead] = 0.0
        return moves
