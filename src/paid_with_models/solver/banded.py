r"""First-moment problems with many types: everything at a cost of O(I), not O(I^3).

With exponential sums little couples all I types of a problem: the J numbers
:math:`\varphi_j = \sum_i u_j q_{ij}\, dm_i` by which the sums change. All else is local to
neighboring types: contribution :math:`m_i`, the contribution :math:`y_i` between a type and the
one before, utility :math:`u_i = u_{i-1} + (c_{i-1} - c_i) y_i`, and the cap. A Newton step of the
interior-point method is therefore a banded linear system, bordered by 2J dense columns:
:class:`ChainSystem` factors the band once and eliminates the border through it.

:class:`Banded` is the algebra of a :class:`paid_with_models.solver.program.FirstMoment` that never
forms a matrix of I by I entries. It takes one problem at a time, without ties.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import scipy  # its parts are imported where they are used

from ..accuracy import FloatArray, IntArray
from .dense import Point
from .program import FirstMoment
from .sum_moments import SumMoments

__all__ = ["Banded", "ChainSystem"]


#: SMALLEST_POWER: powers M^(N-2) below this play no part in a Newton step in double precision.
SMALLEST_POWER = 1e-16

#: SMALLEST_WAY: ways in which the sums change by less than this, relative to the largest, are none.
SMALLEST_WAY = 1e-15

#: BAND_REACH: the farthest that an entry of the band is from the diagonal: y_i and m_(i-1) are 4
#: apart, nu_i and u_(i-1) are 6.
BAND_REACH = 6


class Banded:
    """The algebra of one problem (a batch of one) with exponential sums and distinct costs.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem
    >>> from paid_with_models.solver.batches import plan
    >>> from paid_with_models.solver.routes import first_moments
    >>> costs = np.linspace(0.1, 0.5, 50)
    >>> (batch,) = plan([Problem(1000, np.full(50, 0.02), costs, GeneralizationBound())])
    >>> problem = first_moments(batch).exact
    >>> problem.form is Banded, problem.forms_matrices
    (True, False)
    """

    #: No matrix of I by I entries (:class:`paid_with_models.solver.program.Algebra`).
    forms_matrices = False

    def __init__(self, problem: FirstMoment) -> None:
        self.problem = problem
        self.costs, self.steps = problem.costs, problem.steps

    def menu(self, increments: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Contributions m, slopes y and utilities beyond f_1, (1, I) each."""
        spine = increments.copy()
        spine[:, 0] = 0.0
        chain = np.cumsum(spine, axis=1)
        m, y = chain[:, 1::2], chain[:, 0::2]
        u = increments[:, :1] + np.cumsum(self.steps * y, axis=1)
        return m, y, u

    def point(self, increments: FloatArray) -> Point:
        """The menu with these increments, (1, 2I), and its derivatives."""
        m, _, u = self.menu(increments)
        problem = self.problem
        f = problem.reservation_utilities
        moments = problem.expectation.moments(problem.accuracy, problem.value, m)
        rewards = f[:, :1] + u + self.costs * m
        return Point(
            increments=increments,
            contributions=m,
            moments=moments,
            slack=np.hstack(
                [(u - (f - f[:, :1]))[:, 1:], moments.values / problem.value_unit - rewards]
            ),
        )

    def pull(self, on_m: FloatArray, on_u: FloatArray) -> FloatArray:
        """The gradient in increments, (1, 2I), of on_m · m + on_u · u."""
        on_y = self.steps * np.cumsum(on_u[:, ::-1], axis=1)[:, ::-1]
        chain = np.stack([on_y, on_m], axis=2).reshape(len(on_m), -1)
        gradient = np.cumsum(chain[:, ::-1], axis=1)[:, ::-1].copy()
        gradient[:, 0] = on_u.sum(axis=1)
        return gradient

    def gradient(self, point: Point, row_prices: FloatArray, cap_prices: FloatArray) -> FloatArray:
        """Gradient (1, 2I) of F + row_prices · rows + cap_prices · caps in the increments."""
        pulled = point.moments.weighted_gradient(cap_prices / self.problem.value_unit)
        on_u = -cap_prices
        on_u[:, 1:] += row_prices
        return self.pull(pulled - self.costs * cap_prices, on_u)

    def blocks(
        self, point: Point, cap_prices: FloatArray, columns: IntArray, constraints: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Parts of the Hessian and of the Jacobian of rows and caps, of chosen columns."""
        terms, unit = cast(SumMoments, point.moments).terms, self.problem.value_unit
        middle, cross, diagonal = (a[0] for a in terms.curvature(cap_prices / unit))

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
        of_caps = (spread + own) / unit - np.where(reached, price, 0.0)
        return hessian[None], np.concatenate([rows, of_caps])[None]

    def linearized(self, point: Point, primal: FloatArray, dual: FloatArray) -> ChainSystem:
        """The optimality conditions, linearized at a state of the interior-point method."""
        return ChainSystem(self, point, primal, dual)


class ChainSystem:
    r"""The optimality conditions of a :class:`Banded` problem, linearized at a state.

    It does what :class:`paid_with_models.solver.dense.DenseSystem` does. Per type the band has five
    unknowns: dy, dm, du, the multiplier nu of the recursion of utilities, and the change kappa of
    the cap's price. With the border's J + J unknowns phi and theta the matrix is

    .. code-block:: text

                  type 1   type 2   type 3   ...  type I  |  phi      theta
        type 1  [   A_1      B_2'                         |  K_1      P_1   ]
        type 2  [   B_2      A_2      B_3'                |  K_2      P_2   ]
        type 3  [            B_3      A_3    ...          |  K_3      P_3   ]
        ...     [                     ...    ...   B_I'   |  ...      ...   ]
        type I  [                            B_I   A_I    |  K_I      P_I   ]
                [-----------------------------------------+-----------------]
        phi     [   P_1'     P_2'     P_3'   ...   P_I'   |  -1       0     ]
        theta   [   K_1'     K_2'     K_3'   ...   K_I'   |   1      -1     ]

    with, for each type (z/x of its increments y - m_before and m - y as a and b, d the diagonal of
    the Hessian in m, c the cost, s the step of costs, o what m adds to its own cap)

    .. code-block:: text

                 y      m         u       nu     kappa             B_i couples with type i - 1:
        y     [ a+b    -b                 -s          ]            y_i   with m_(i-1)   by -a
        m     [  -b   b+a_next+d                 o-c  ]            nu_i  with u_(i-1)   by -1
        u     [               mu/q         1     -1   ]
        nu    [  -s            1                      ]            K_i: cross in row m, spread in
        kappa [       o-c     -1                -r/lam]            row kappa; P_i: pull in row m.

    The first type has no y and no nu: their equations read dy = 0 and nu = 0.
    """

    def __init__(self, problem: Banded, point: Point, primal: FloatArray, dual: FloatArray) -> None:
        self.problem = problem
        n_types = problem.costs.shape[1]
        self.parts = [2 * n_types, 3 * n_types - 1]  # where rows and caps start
        self.x, self.q, self.r = np.split(primal, self.parts, axis=1)
        self.z, self.mu, self.lam = np.split(dual, self.parts, axis=1)
        self.gradient = problem.gradient(point, self.mu, self.lam) + self.z
        gap = point.slack - primal[:, 2 * n_types :]
        self.row_gap, self.cap_gap = gap[:, : n_types - 1], gap[:, n_types - 1 :]
        self.wrong = np.concatenate([self.gradient, gap], axis=1)
        unit = problem.problem.value_unit
        terms = cast(SumMoments, point.moments).terms
        middle, cross, diagonal = (a[0] for a in terms.curvature(self.lam / unit))
        used = terms.all_2[0, 0] > SMALLEST_POWER
        size = np.sqrt(middle[used])  # of the border's unknowns, to balance it
        pull = terms.pull[0][:, used] * size
        if pull.size == 0 or not np.isfinite(pull).all():
            raise np.linalg.LinAlgError("the path to the optimum has left the numbers")
        # All sums change in a few ways only: those of neighboring rates by nearly the same.
        triangle = np.linalg.qr(pull, mode="r")  # has the same singular values and ways
        _, sizes, ways = np.linalg.svd(triangle, full_matrices=False)
        ways = ways[sizes > SMALLEST_WAY * sizes[0]].T
        self.pull = pull @ ways
        self.cross = (cross[:, used] / size) @ ways
        self.spread = (terms.spread[0][:, used] / (unit * size)) @ ways
        self.diagonal, self.own = diagonal, terms.own[0] / unit
        self._factor()

    def _factor(self) -> None:
        problem = self.problem
        costs, steps, n = problem.costs[0], problem.steps[0], problem.costs.shape[1]
        on_y, on_m = (self.z / self.x)[0, 0::2].copy(), (self.z / self.x)[0, 1::2]
        on_u = np.append(on_y[0], (self.mu / self.q)[0])
        on_y[0] = 0.0
        band = np.zeros((3 * BAND_REACH + 1, 5 * n))
        at = 5 * np.arange(n)

        def add(row: IntArray, column: IntArray, values: FloatArray | float) -> None:
            band[2 * BAND_REACH + row - column, column] += values
            if row is not column:
                band[2 * BAND_REACH + column - row, row] += values

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
        self.band, self.pivots, failed = scipy.linalg.lapack.dgbtrf(band, BAND_REACH, BAND_REACH)
        if failed:
            raise np.linalg.LinAlgError("the band of the chain is singular")
        n_border = self.pull.shape[1]
        border = np.zeros((5 * n, 2 * n_border), order="F")
        border[m, :n_border], border[kappa, :n_border] = self.cross, self.spread
        border[m, n_border:] = self.pull
        self.border = border
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
        solution, _ = scipy.linalg.lapack.dgbtrs(
            self.band, BAND_REACH, BAND_REACH, side, self.pivots
        )
        return np.asarray(solution)

    def _solve(self, side: FloatArray) -> FloatArray:
        """The increments' step for a right-hand side in increments, (1, 2I)."""
        rhs = np.zeros(self.border.shape[0])
        on_y, on_m = side[0, 0::2], side[0, 1::2]
        rhs[0::5] = np.append(0.0, on_y[1:] - on_m[1:])
        rhs[1::5] = on_m - np.append(on_y[1:], 0.0)
        rhs[2] = on_y[0]
        local = self._solve_band(rhs)
        n_border = self.pull.shape[1]
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

    def direction(self, raised: FloatArray) -> FloatArray:
        """Primal and dual step that raises the products of variables and prices by so much."""
        to_x, to_q, to_r = np.split(raised, self.parts, axis=1)
        weights = (to_r - self.lam * self.cap_gap) / self.r
        on_u = -weights
        on_u[:, 1:] += (to_q - self.mu * self.row_gap) / self.q
        on_m = ((weights @ self.spread) @ self.pull.T) + (self.own - self.problem.costs) * weights
        side = self.gradient + to_x / self.x + self.problem.pull(on_m, on_u)
        dx = self._solve(side)
        dx = dx + self._solve(side - self._matrix(dx))  # one refinement
        dm, _, du = self.problem.menu(dx)
        dq, dr = du[:, 1:] + self.row_gap, self._caps(dm, du) + self.cap_gap
        d_dual = [
            (to_x - self.z * dx) / self.x,
            (to_q - self.mu * dq) / self.q,
            (to_r - self.lam * dr) / self.r,
        ]
        return np.stack([np.hstack([dx, dq, dr]), np.hstack(d_dual)])
