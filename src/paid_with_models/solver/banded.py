r"""First-moment problems with many types: everything at a cost of O(I), not O(I^3).

With exponential sums little couples all I types of a problem: the J numbers
:math:`\varphi_j = \sum_i u_j q_{ij}\, dm_i` by which the sums change. All else is local to
neighboring types: contribution :math:`m_i`, the contribution :math:`y_i` between a type and the
one before, utility :math:`u_i = u_{i-1} + (c_{i-1} - c_i) y_i`, and the cap. A Newton step of the
interior-point method is therefore a banded linear system, bordered by 2J dense columns:
:class:`ChainSystem` factors the band once and eliminates the border through it.

:class:`ManyTypes` is a :class:`paid_with_models.solver.program.FirstMoment` that never forms a
matrix of I by I entries. It takes one problem at a time, without ties.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from scipy.linalg.lapack import dgbtrf, dgbtrs

from ..accuracy import FloatArray, IntArray
from .program import FirstMoment, Point
from .sum_moments import SumMoments

__all__ = ["ChainSystem", "ManyTypes"]


#: Powers M^(N-2) below this play no part in double precision.
NEGLIGIBLE = 1e-60


class ManyTypes(FirstMoment):
    """One first-moment problem (a batch of one) with exponential sums and distinct costs."""

    def menu(self, increments: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Contributions m, slopes y and utilities beyond f_1, (1, I) each."""
        spine = increments.copy()
        spine[:, 0] = 0.0
        chain = np.cumsum(spine, axis=1)
        m, y = chain[:, 1::2], chain[:, 0::2]
        u = increments[:, :1] + np.cumsum(self.steps * y, axis=1)
        return m, y, u

    def point(self, increments: FloatArray) -> Point:
        m, _, u = self.menu(increments)
        f = self.reservation_utilities
        moments = self.expectation.moments(self.accuracy, self.value, m)
        rewards = f[:, :1] + u + self.costs * m
        return Point(
            increments=increments,
            contributions=m,
            moments=moments,
            rows=(u - (f - f[:, :1]))[:, 1:],
            caps=moments.values / self.value_unit - rewards,
        )

    def pull(self, on_m: FloatArray, on_u: FloatArray) -> FloatArray:
        """The gradient in increments, (1, 2I), of on_m · m + on_u · u."""
        on_y = self.steps * np.cumsum(on_u[:, ::-1], axis=1)[:, ::-1]
        chain = np.stack([on_y, on_m], axis=2).reshape(len(on_m), -1)
        gradient = np.cumsum(chain[:, ::-1], axis=1)[:, ::-1].copy()
        gradient[:, 0] = on_u.sum(axis=1)
        return gradient

    def gradient(self, point: Point, row_prices: FloatArray, cap_prices: FloatArray) -> FloatArray:
        pulled = point.moments.weighted_gradient(cap_prices / self.value_unit)
        on_u = -cap_prices
        on_u[:, 1:] += row_prices
        return self.pull(pulled - self.costs * cap_prices, on_u)

    def blocks(
        self, point: Point, cap_prices: FloatArray, columns: IntArray, constraints: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        terms = cast(SumMoments, point.moments).terms
        middle, cross, diagonal = (a[0] for a in terms.curvature(cap_prices / self.value_unit))

        def later(values: FloatArray) -> FloatArray:
            """Sums over this and all later types; one row per chosen increment."""
            sums = np.cumsum(values[::-1], axis=0)[::-1][columns // 2]
            if columns.size and columns[0] == 0:  # the first increment is of utility, not of data
                sums[0] = 0.0
            return sums

        pull = later(terms.pull[0])
        half = pull @ (0.5 * middle * pull + later(cross)).T
        of_both = np.maximum.outer(columns, columns) // 2
        flat = np.cumsum(diagonal[::-1])[::-1][of_both]
        flat[np.minimum.outer(columns, columns) == 0] = 0.0
        hessian = -(half + half.T + flat)

        costs, n_types = self.costs[0], self.costs.shape[1]
        # What one unit of each increment adds to the rewards of its own and every later type.
        price = np.repeat(costs, 2)
        price[0], price[2::2] = 1.0, costs[:-1]
        price = price[columns]
        of_data = columns > 0
        rationality = constraints[constraints < n_types - 1] + 1
        caps = constraints[constraints >= n_types - 1] - (n_types - 1)
        reached = columns // 2 <= rationality[:, None]
        rows = np.where(reached, price - np.where(of_data, costs[rationality][:, None], 0.0), 0.0)
        reached = columns // 2 <= caps[:, None]
        spread = terms.spread[0][caps] @ pull.T
        own = np.where(reached & of_data, terms.own[0][caps][:, None], 0.0)
        of_caps = (spread + own) / self.value_unit - np.where(reached, price, 0.0)
        return hessian[None], np.concatenate([rows, of_caps])[None]


class ChainSystem:
    """The optimality conditions of a :class:`ManyTypes`, linearised at a state.

    Does what the dense system of :mod:`paid_with_models.solver.interior_point` does. Per type the
    band has five unknowns: dy, dm, du, the multiplier of the recursion of utilities, and the change
    of the cap's price.
    """

    def __init__(
        self,
        problem: ManyTypes,
        point: Point,
        primal: tuple[FloatArray, ...],
        dual: tuple[FloatArray, ...],
    ) -> None:
        self.problem = problem
        (self.x, self.q, self.r), (self.z, self.mu, self.lam) = primal, dual
        self.row_gap, self.cap_gap = point.rows - self.q, point.caps - self.r
        self.gradient = problem.gradient(point, self.mu, self.lam) + self.z
        unit = problem.value_unit
        terms = cast(SumMoments, point.moments).terms
        middle, cross, diagonal = (a[0] for a in terms.curvature(self.lam / unit))
        used = terms.all_2[0, 0] > NEGLIGIBLE
        self.size = np.sqrt(middle[used])  # of the border's unknowns, to balance it
        self.pull = terms.pull[0][:, used] * self.size
        self.cross = cross[:, used] / self.size
        self.spread = terms.spread[0][:, used] / (unit * self.size)
        self.diagonal, self.own = diagonal, terms.own[0] / unit
        self._factor()

    def _factor(self) -> None:
        problem = self.problem
        costs, steps, n = problem.costs[0], problem.steps[0], problem.costs.shape[1]
        on_y, on_m = (self.z / self.x)[0, 0::2].copy(), (self.z / self.x)[0, 1::2]
        on_u = np.append(on_y[0], (self.mu / self.q)[0])
        on_y[0] = 0.0
        reach = 6
        band = np.zeros((3 * reach + 1, 5 * n))
        at = 5 * np.arange(n)

        def add(row: IntArray, column: IntArray, values: FloatArray | float) -> None:
            band[2 * reach + row - column, column] += values
            if row is not column:
                band[2 * reach + column - row, row] += values

        y, m, u, nu, kappa = at, at + 1, at + 2, at + 3, at + 4
        first = np.zeros(n)
        first[0] = 1.0
        add(y, y, on_y + on_m + first)  # type 1 has no y; its equation reads dy = 0
        on_next = np.append(on_y[1:], 0.0)
        add(m, m, on_m + on_next + self.diagonal)
        add(m, y, -on_m * (1 - first))
        add(y[1:], m[:-1], -on_y[1:])
        add(u, u, on_u)
        add(u, nu, 1.0 - first)
        add(u[:-1], nu[1:], -1.0)
        add(y, nu, -steps)
        add(nu, nu, first)
        add(kappa, kappa, -(self.r / self.lam)[0])
        add(kappa, m, self.own - costs)
        add(kappa, u, -1.0)
        self.band, self.pivots, failed = dgbtrf(band, reach, reach)
        if failed:
            raise np.linalg.LinAlgError("the band of the chain is singular")
        n_border = self.size.size
        border = np.zeros((5 * n, 2 * n_border))
        border[m, :n_border], border[kappa, :n_border] = self.cross, self.spread
        border[m, n_border:] = self.pull
        self.border, self.reach = border, reach
        self.through = self._solve_band(border)
        inner = -border.T @ self.through
        half = np.arange(n_border)
        # phi = pull' dm and theta = cross' dm + spread' dkappa + phi.
        system = np.vstack([inner[n_border:], inner[:n_border]])
        system[half, half] -= 1.0
        system[n_border + half, half] += 1.0
        system[n_border + half, n_border + half] -= 1.0
        self.inner = np.linalg.inv(system)

    def _solve_band(self, side: FloatArray) -> FloatArray:
        solution, _ = dgbtrs(self.band, self.reach, self.reach, side, self.pivots)
        return np.asarray(solution)

    def _solve(self, side: FloatArray) -> FloatArray:
        """The increments' step for a right-hand side in increments, (1, 2I)."""
        rhs = np.zeros(self.border.shape[0])
        on_y, on_m = side[0, 0::2], side[0, 1::2]
        rhs[0::5] = np.append(0.0, on_y[1:] - on_m[1:])
        rhs[1::5] = on_m - np.append(on_y[1:], 0.0)
        rhs[2] = on_y[0]
        local = self._solve_band(rhs)
        n_border = self.size.size
        seen = self.border.T @ local
        outer = self.inner @ -np.concatenate([seen[n_border:], seen[:n_border]])
        step = local - self.through @ outer
        dy, dm, du = step[0::5], step[1::5], step[2::5]
        dx = np.empty(2 * dm.size)
        dx[0], dx[2::2] = du[0], dy[1:] - dm[:-1]
        dx[1], dx[3::2] = dm[0], dm[1:] - dy[1:]
        return dx[None]

    def _caps(self, dm: FloatArray, du: FloatArray) -> FloatArray:
        """Change of the caps' slack, (1, I)."""
        spread = (dm @ self.pull) @ self.spread.T
        return np.asarray(spread + (self.own - self.problem.costs) * dm - du)

    def _matrix(self, dx: FloatArray) -> FloatArray:
        """The matrix of the system times a step, (1, 2I)."""
        dm, _, du = self.problem.menu(dx)
        phi, crossed = dm @ self.pull, dm @ self.cross
        price = self.lam / self.r * self._caps(dm, du)
        on_m = (phi + crossed) @ self.pull.T + phi @ self.cross.T + self.diagonal * dm
        on_m = on_m + (price @ self.spread) @ self.pull.T
        on_m = on_m + (self.own - self.problem.costs) * price
        on_u = -price
        on_u[:, 1:] += self.mu / self.q * du[:, 1:]
        return self.problem.pull(on_m, on_u) + self.z / self.x * dx

    def direction(
        self, to_x: FloatArray, to_q: FloatArray, to_r: FloatArray
    ) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
        """Primal and dual step that raises the products x z, q mu, r lam by these amounts."""
        weights = (to_r - self.lam * self.cap_gap) / self.r
        on_u = -weights
        on_u[:, 1:] += (to_q - self.mu * self.row_gap) / self.q
        on_m = ((weights @ self.spread) @ self.pull.T) + (self.own - self.problem.costs) * weights
        side = self.gradient + to_x / self.x + self.problem.pull(on_m, on_u)
        dx = self._solve(side)
        dx = dx + self._solve(side - self._matrix(dx))  # one refinement
        dm, _, du = self.problem.menu(dx)
        dq, dr = du[:, 1:] + self.row_gap, self._caps(dm, du) + self.cap_gap
        dz = (to_x - self.z * dx) / self.x
        return (dx, dq, dr), (dz, (to_q - self.mu * dq) / self.q, (to_r - self.lam * dr) / self.r)
