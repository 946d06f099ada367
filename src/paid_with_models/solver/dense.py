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

__all__ = ["CondensedSystem", "Dense", "DenseSystem", "Point", "batched_product", "elastic"]

#: RIDGE: added to the diagonal of a scaled Newton system, so that it is never singular to the
#: last bit.
RIDGE = 1e-15

#: MANY_ROWS: with more linear constraints than so many times the variables they are eliminated.
MANY_ROWS = 2


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
    chain_limits : (B, n - 1) ndarray, optional
        What sums of the variables from the second on cannot exceed.
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
    chain_limits: FloatArray | None = None

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
            chain_limits=None if self.chain_limits is None else self.chain_limits[rows],
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
        many = self.row_offset.shape[1] > MANY_ROWS * self.live.size
        return (CondensedSystem if many else DenseSystem)(self, point, primal, dual)


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
        chain_limits=None,
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
        n, dead = program.live.size, program.dead
        self.n, self.dead, self.dual = n, dead, dual
        if dead is not None:  # their equations read dx = 0
            primal = primal.copy()
            primal[:, dead] = 1.0
        self.primal = primal
        self.wrong = np.empty_like(primal)
        np.add(program.gradient_at(point, dual[:, n:]), dual[:, :n], out=self.wrong[:, :n])
        np.subtract(point.slack, primal[:, n:], out=self.wrong[:, n:])
        self.jacobian = program.jacobian(point)
        self.factor(program, point)

    def factor(self, program: Dense, point: Point) -> None:
        """Variables and minus the change of prices, as one symmetric system.

        Eliminating the prices would square its condition number, which rare types make large.
        """
        n, dead, primal, dual = self.n, self.dead, self.primal, self.dual
        n_all = primal.shape[1]
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
        self.invert(matrix, of_slack)

    def invert(self, matrix: FloatArray, of_slack: FloatArray) -> None:
        """Scale a system of variables and prices, of which the lower left half is given."""
        n, n_all = self.n, matrix.shape[1]
        diagonal = matrix.reshape(len(matrix), -1)[:, :: n_all + 1]
        below = matrix[:, n:, :n]
        scale = np.empty((len(matrix), n_all))
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

    def solved(self, side: FloatArray) -> FloatArray:
        """The solution for a right-hand side, which is overwritten; with one refinement."""
        side *= self.scale
        step = batched_product(self.inverse, side)
        side -= batched_product(self.matrix, step)
        step += batched_product(self.inverse, side)
        step *= self.scale
        return step

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
        step = self.solved(side)
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


class CondensedSystem(DenseSystem):
    r"""The same where linear constraints are many: their prices are eliminated.

    With slacks over prices W of the linear constraints, the rows :math:`G\,dx - W q = s` of the
    system say :math:`q = W^{-1} (G\,dx - s)`, which adds :math:`G^T W^{-1} G` to the Hessian's
    block. What that costs in digits, refinement with the system itself brings back.

    Examples
    --------
    >>> a, rows = np.diag([2.0, 1.0])[None], np.array([[[1.0, 1.0], [1.0, -1.0]]])
    >>> w = np.array([[4.0, 1e-9]])
    >>> full = np.block([[a, rows.swapaxes(1, 2)], [rows, -np.eye(2) * w[:, None]]])
    >>> inner = a + rows.swapaxes(1, 2) @ (rows / w[:, :, None])
    >>> side = np.ones((1, 4))
    >>> dx = np.linalg.solve(inner, side[:, :2, None] + rows.swapaxes(1, 2) @ (1 / w)[:, :, None])
    >>> bool(np.allclose(dx[0, :, 0], np.linalg.solve(full, side[:, :, None])[0, :2, 0]))
    True
    """

    def factor(self, program: Dense, point: Point) -> None:
        """Variables and minus the change of the caps' prices, as one symmetric system."""
        n, primal, dual = self.n, self.primal, self.dual
        n_rows, n_caps = program.row_offset.shape[1], program.reach.shape[1]
        if self.dead is not None:
            self.jacobian = self.jacobian.copy()
            self.jacobian[:, :, self.dead] = 0.0
        self.n_rows, self.of_slack = n_rows, primal[:, n:] / dual[:, n:]
        block = -program.hessian(point, dual[:, n + n_rows :])
        diagonal = block.reshape(len(block), -1)[:, :: n + 1]
        diagonal += dual[:, :n] / primal[:, :n]
        if self.dead is not None:
            diagonal[:, self.dead] += 1.0
        self.block = block
        linear, rest = self.jacobian[:, :n_rows], self.jacobian[:, n_rows:]
        matrix = np.zeros((len(block), n + n_caps, n + n_caps))
        root = linear / np.sqrt(self.of_slack[:, :n_rows])[:, :, None]
        np.add(block, root.swapaxes(1, 2) @ root, out=matrix[:, :n, :n])
        matrix[:, n:, :n] = rest
        self.invert(matrix, self.of_slack[:, n_rows:])

    def solved(self, side: FloatArray) -> FloatArray:
        """The solution for a right-hand side, which is overwritten; with two refinements."""
        n = self.n
        step = self._once(side)
        for _ in range(2):
            rest = side.copy()
            rest[:, :n] -= batched_product(self.block, step[:, :n])
            rest[:, :n] -= batched_product(self.jacobian.swapaxes(1, 2), step[:, n:])
            rest[:, n:] -= batched_product(self.jacobian, step[:, :n])
            rest[:, n:] += self.of_slack * step[:, n:]
            step += self._once(rest)
        return step

    def _once(self, side: FloatArray) -> FloatArray:
        n, n_rows = self.n, self.n_rows
        linear, w = self.jacobian[:, :n_rows], self.of_slack[:, :n_rows]
        of_rows = side[:, n : n + n_rows]
        on_x = side[:, :n] + batched_product(linear.swapaxes(1, 2), of_rows / w)
        inner = np.concatenate([on_x, side[:, n + n_rows :]], axis=1)
        inner = batched_product(self.inverse, inner * self.scale) * self.scale
        prices = (batched_product(linear, inner[:, :n]) - of_rows) / w
        return np.concatenate([inner[:, :n], prices, inner[:, n:]], axis=1)
