r"""Convex programs whose menus are linear in their variables, with all matrices written out.

In variables :math:`x \ge 0`, contributions are :math:`m = C x`, rewards :math:`t = t_0 + R x`, and

.. math::

   \max_{x \ge 0}\; F(m) - \pi \cdot x \quad \text{s.t.} \quad G x \ge h, \qquad
   k(x) := T(m) - t \ge 0 .

:func:`elastic` adds a variable: by how much constraints may be violated, at a price.
:class:`DenseSystem` is the Newton step of the interior-point method.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ..accuracy import BoolArray, Curve, FloatArray, IntArray
from .envelopes import of_rows
from .moments import Expectation, MomentsLike

__all__ = ["Dense", "DenseSystem", "Point", "Vectors", "batched_product", "elastic"]

Vectors = tuple[FloatArray, ...]

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
    rows : (B, R) ndarray
        Slack of the linear constraints.
    caps : (B, I) ndarray
        Slack of the caps, T - t.
    """

    increments: FloatArray
    contributions: FloatArray
    moments: MomentsLike
    rows: FloatArray
    caps: FloatArray


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

    def point(self, increments: FloatArray) -> Point:
        """The menu with these variables, (B, n), and its derivatives."""
        contributions = increments @ self.contributions.T
        moments = self.expectation.moments(self.accuracy, self.value, contributions)
        rewards = self.reward_offset + batched_product(self.reward_jacobian, increments)
        return Point(
            increments=increments,
            contributions=contributions,
            moments=moments,
            rows=batched_product(self.row_jacobian, increments) - self.row_offset,
            caps=moments.values / self.value_unit - rewards,
        )

    def jacobian(self, point: Point) -> FloatArray:
        """(B, R + I, n): Jacobian of rows and caps in the variables."""
        of_values = point.moments.value_jacobian / self.value_unit
        of_caps = of_values @ self.contributions - self.reward_jacobian
        return np.concatenate([self.row_jacobian, of_caps], axis=1)

    def gradient(self, point: Point, row_prices: FloatArray, cap_prices: FloatArray) -> FloatArray:
        """Gradient (B, n) of the objective + row_prices · rows + cap_prices · caps."""
        pulled = point.moments.weighted_gradient(cap_prices / self.value_unit)
        gradient = (
            pulled @ self.contributions
            + np.einsum("brn,br->bn", self.row_jacobian, row_prices)
            - np.einsum("bin,bi->bn", self.reward_jacobian, cap_prices)
        )
        return np.asarray(np.where(self.live, gradient, 0.0) - self.price)

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

    def linearized(self, point: Point, primal: Vectors, dual: Vectors) -> DenseSystem:
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
    """The optimality conditions, linearized at a state and reduced to the variables.

    Attributes
    ----------
    gradient, row_gap, cap_gap : ndarray
        What is left of stationarity, and of the equations of slacks.
    """

    def __init__(self, program: Dense, point: Point, primal: Vectors, dual: Vectors) -> None:
        (x, q, r), (self.z, mu, lam) = primal, dual
        self.live = program.live
        self.x = np.where(self.live, x, 1.0)
        self.row_gap, self.cap_gap = point.rows - q, point.caps - r
        self.slack, self.price = np.hstack([q, r]), np.hstack([mu, lam])
        self.gradient = program.gradient(point, mu, lam) + self.z
        self.jacobian = program.jacobian(point)
        # Variables and minus the change of prices, as one symmetric system: eliminating the
        # prices would square its condition number, which rare types make large.
        n, n_all = x.shape[1], x.shape[1] + self.slack.shape[1]
        matrix = np.zeros((len(x), n_all, n_all))
        matrix[:, :n, :n] = -program.hessian(point, lam)
        matrix[:, n:, :n] = np.where(self.live, self.jacobian, 0.0)
        matrix[:, :n, n:] = matrix[:, n:, :n].swapaxes(1, 2)
        diagonal = np.arange(n_all)
        on_x = np.where(self.live, self.z / self.x, 1.0)
        matrix[:, diagonal, diagonal] += np.hstack([on_x, -self.slack / self.price])
        by_x = 1 / np.sqrt(matrix[:, diagonal[:n], diagonal[:n]])
        size = np.sum((matrix[:, n:, :n] * by_x[:, None, :]) ** 2, axis=2)
        self.scale = np.hstack([by_x, 1 / np.sqrt(size + self.slack / self.price)])
        self.matrix = matrix * self.scale[:, :, None] * self.scale[:, None, :]
        self.matrix[:, diagonal, diagonal] += np.where(diagonal < n, RIDGE, -RIDGE)
        # A problem that has diverged must not stop the others.
        self.matrix[~np.isfinite(self.matrix).all(axis=(1, 2))] = np.eye(n_all)
        self.inverse: FloatArray = np.asarray(np.linalg.inv(self.matrix), dtype=float)

    def direction(
        self, to_x: FloatArray, to_q: FloatArray, to_r: FloatArray
    ) -> tuple[Vectors, Vectors]:
        """Primal and dual step that raises the products x z, q mu, r lam by these amounts."""
        n, n_rows = to_x.shape[1], to_q.shape[1]
        gap = np.hstack([self.row_gap, self.cap_gap])
        on_x = np.where(self.live, self.gradient + to_x / self.x, 0.0)
        side = np.hstack([on_x, np.hstack([to_q, to_r]) / self.price - gap]) * self.scale
        step = batched_product(self.inverse, side)
        step = step + batched_product(
            self.inverse, side - batched_product(self.matrix, step)
        )  # one refinement
        dx, d_price = np.split(step * self.scale, [n], axis=1)
        d_slack = batched_product(self.jacobian, dx) + gap
        dz = np.where(self.live, (to_x - self.z * dx) / self.x, 0.0)
        dq, dr = np.split(d_slack, [n_rows], axis=1)
        d_mu, d_lam = np.split(-d_price, [n_rows], axis=1)
        return (dx, dq, dr), (dz, d_mu, d_lam)
