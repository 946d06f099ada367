r"""The first-moment problem: the best menu as a convex program in the rewards' means.

With types ordered by cost, costliest first, and rewards replaced by their means
:math:`t_i = E[v(r_i)]`, the coordinator solves

.. math::

   \max_{m, t}\; F(m) := E[a(n \cdot m)] \quad \text{s.t.} \quad
   u_i := t_i - c_i m_i \ge f_i, \quad
   u_i \ge t_j - c_i m_j, \quad
   t_i \le T_i(m) := E_i[v(a(n \cdot m))] .

Single crossing makes m non-decreasing and neighboring incentive constraints sufficient. They say
that the utility gained from one type to the next is the cost difference times a contribution
between theirs,

.. math:: u_i = u_{i-1} + (c_{i-1} - c_i)\, y_i, \qquad m_{i-1} \le y_i \le m_i ,

so a menu is a *chain* :math:`m_1 \le y_2 \le m_2 \le y_3 \le \dots \le m_I` with a first utility
:math:`u_1 \ge f_1`, and all but F and the caps :math:`T_i` is linear in the increments of the
chain. A bunch of types is a run of zero increments. Types of equal cost share one utility and one
:math:`y`; nothing orders their contributions among themselves.

Inside this module money is measured in values of the best possible model, :math:`v(a_\text{opt})`,
so that accuracies, rewards and utilities all lie in [0, 1].

What the interior-point method and the bounds need of a problem is a :class:`Program`. A
:class:`FirstMoment` states the problem; its :class:`Algebra` is how derivatives are computed, by
matrices (:mod:`paid_with_models.solver.dense`) or, with many types, by bands
(:mod:`paid_with_models.solver.banded`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np

from ..accuracy import BoolArray, Curve, FloatArray, IntArray
from .chain import Chain, least_of, running_extremes
from .dense import Dense, Point
from .envelopes import of_rows
from .moments import Expectation

__all__ = [
    "Algebra",
    "FirstMoment",
    "Program",
    "Rows",
    "System",
    "by_matrices",
]


@dataclass(frozen=True, eq=False)
class Rows:
    """Linear constraints on a batch of menus beyond those of the first-moment problem itself.

    Each says on_contributions @ m + on_utilities @ u >= least.

    Attributes
    ----------
    on_contributions, on_utilities : (B, R, I) ndarray
    least : (B, R) ndarray
    unit : (B, R) ndarray > 0
        The size of a slack that counts.
    elastic : (B, R) ndarray >= 0
        Rate at which the constraint gives way where a violation has a price (1: as caps do).
    """

    on_contributions: FloatArray
    on_utilities: FloatArray
    least: FloatArray
    unit: FloatArray
    elastic: FloatArray

    def and_(self, more: Rows) -> Rows:
        """Both sets of constraints."""
        pairs = zip(vars(self).values(), vars(more).values(), strict=True)
        return Rows(*(np.concatenate(pair, axis=1) for pair in pairs))

    def take(self, rows: IntArray) -> Rows:
        """The batch reduced to some of its problems."""
        return Rows(*(array[rows] for array in vars(self).values()))


class System(Protocol):
    """The optimality conditions, linearized at a state of the interior-point method."""

    @property
    def wrong(self) -> FloatArray:
        """What is left of stationarity, then of the equations of slacks, (B, n + R + I)."""

    def direction(self, raised: FloatArray) -> FloatArray:
        """Primal and dual step that raises the products of variables and prices by so much."""


class Algebra(Protocol):
    """How a batch of convex programs is differentiated, in variables x of shape (B, n)."""

    @property
    def forms_matrices(self) -> bool:
        """Whether Jacobians may be formed; with many types that would be too much."""

    def point(self, increments: FloatArray) -> Point:
        """The menu with these variables, and its derivatives."""

    def gradient(self, point: Point, row_prices: FloatArray, cap_prices: FloatArray) -> FloatArray:
        """Gradient (B, n) of the objective + row_prices · rows + cap_prices · caps."""

    def blocks(
        self, point: Point, cap_prices: FloatArray, columns: IntArray, constraints: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Parts of the Hessian, (B, n', n'), and of the Jacobian of rows and caps, (B, k, n')."""

    def linearized(self, point: Point, primal: FloatArray, dual: FloatArray) -> System:
        """The optimality conditions, linearized at a state of the interior-point method."""


class Program(Algebra, Protocol):
    """A batch of convex programs: maximize F(x) over x >= 0 with rows >= 0 and caps >= 0."""

    @property
    def expectation(self) -> Expectation:
        """Who turns up."""

    @property
    def accuracy(self) -> Curve:
        """a(S), or a concave curve above it."""

    @property
    def value(self) -> Curve:
        """v(a(S)), or a concave curve above it."""

    @property
    def value_unit(self) -> float:
        """Value of the best possible model; money is measured in it."""

    @property
    def live(self) -> BoolArray:
        """False for variables that mean nothing and are held at zero, (n,)."""

    @property
    def box(self) -> FloatArray:
        """Upper bounds of the variables in every menu, (B, n)."""

    @property
    def chain_limits(self) -> FloatArray | None:
        """What sums of the variables from the second on cannot exceed, (B, n - 1); None if any."""

    @property
    def reach(self) -> FloatArray:
        """The most that each type can contribute at all, (B, I)."""

    @property
    def row_unit(self) -> FloatArray:
        """The size of a slack of a row that counts, (B, R)."""

    def take(self, rows: IntArray) -> Self:
        """The batch reduced to some of its problems."""


def by_matrices(problem: FirstMoment) -> Dense:
    """The algebra of few types."""
    return problem.dense


@dataclass(frozen=True, eq=False)
class FirstMoment:
    """A batch of B first-moment problems of equal I, curves and ties, costliest type first.

    It is a :class:`Program` in the 2I increments of the chain.

    Attributes
    ----------
    expectation : Expectation
    accuracy, value : Curve
        a(S) and v(a(S)), or concave curves above them.
    value_unit : float
        Value of the best possible model; money is measured in it.
    costs, reservation_utilities : (B, I) ndarray
        In that unit (per unit of data; of value).
    chain : Chain
    others : Rows, optional
        Further linear constraints.
    form : callable
        Makes the algebra: :func:`by_matrices` or :class:`paid_with_models.solver.banded.Banded`.
    """

    expectation: Expectation
    accuracy: Curve
    value: Curve
    value_unit: float
    costs: FloatArray
    reservation_utilities: FloatArray
    chain: Chain
    others: Rows | None = None
    form: Callable[[FirstMoment], Algebra] = by_matrices

    @cached_property
    def steps(self) -> FloatArray:
        """Cost differences to the type before, (B, I), first column 0."""
        return -np.diff(self.costs, axis=1, prepend=self.costs[:, :1])

    @property
    def live(self) -> BoolArray:
        """False for the increments that ties make meaningless, (2I,)."""
        return self.chain.live

    @cached_property
    def reach(self) -> FloatArray:
        """(B, I): the most that each type can contribute, since t_i <= 1 and u_i >= f_i."""
        return (1 - self.reservation_utilities) / self.costs

    @cached_property
    def box(self) -> FloatArray:
        """(B, 2I): upper bounds of the increments in every menu.

        c_i m_i <= 1 - f_i. And y_i <= m_i gains type i, over the type before, (c_(i-1) - c_i)
        y_i: in all c_(i-1) y_i <= 1 - f_(i-1), which is much less where costs are far apart.
        """
        box = np.repeat(self.reach, 2, axis=1)
        box[:, 2::2] = np.minimum(box[:, 1:-1:2], box[:, 3::2])
        box[:, 0] = 1 - self.reservation_utilities[:, 0]
        return box

    @cached_property
    def chain_limits(self) -> FloatArray | None:
        """(B, 2I - 1): the most of y_i and m_i, which sums of increments are; None with ties.

        Neither exceeds what a cheaper type can contribute.
        """
        if any(self.chain.ties):
            return None
        limits = np.repeat(self.reach, 2, axis=1)
        limits[:, 2::2] = np.minimum(limits[:, 1:-1:2], limits[:, 3::2])
        return np.asarray(np.minimum.accumulate(limits[:, :0:-1], axis=1)[:, ::-1])

    @cached_property
    def row_unit(self) -> FloatArray:
        """(B, R): the size of a slack that counts: value 1, or the data of one row of ties."""
        n_ir, n_order = self.costs.shape[1] - 1, self.chain.n_order
        unit = np.ones((len(self.costs), n_ir + n_order))
        unit[:, n_ir:] = self.box[:, 1:2]
        return unit if self.others is None else np.hstack([unit, self.others.unit])

    @cached_property
    def utility_jacobian(self) -> FloatArray:
        """(B, I, 2I): utilities are f_1 + utility_jacobian @ increments."""
        jacobian = np.cumsum(self.steps[:, :, None] * self.chain.slopes, axis=1)
        jacobian[:, :, 0] = 1.0
        return jacobian

    @cached_property
    def dense(self) -> Dense:
        """The problem as matrices. Rows: IR of all types but the first, order of ties, others."""
        chain, f, others = self.chain, self.reservation_utilities, self.others
        order = np.broadcast_to(chain.order, (len(self.costs), *chain.order.shape))
        rows, offsets = [self.utility_jacobian[:, 1:], order], [f[:, 1:] - f[:, :1]]
        offsets.append(np.zeros(order.shape[:2]))
        gives_way = [np.zeros((len(f), rows[0].shape[1] + order.shape[1]))]
        if others is not None:
            rows.append(
                others.on_contributions @ chain.contributions
                + others.on_utilities @ self.utility_jacobian
            )
            offsets.append(others.least - others.on_utilities.sum(axis=2) * f[:, :1])
            gives_way.append(others.elastic)
        return Dense(
            self.expectation,
            self.accuracy,
            self.value,
            self.value_unit,
            contributions=chain.contributions,
            reward_jacobian=self.utility_jacobian + self.costs[:, :, None] * chain.contributions,
            reward_offset=f[:, :1],
            row_jacobian=np.concatenate(rows, axis=1),
            row_offset=np.concatenate(offsets, axis=1),
            row_unit=self.row_unit,
            row_elastic=np.concatenate(gives_way, axis=1),
            box=self.box,
            reach=self.reach,
            live=chain.live,
            price=np.zeros(chain.live.size),
            chain_limits=self.chain_limits,
        )

    @cached_property
    def algebra(self) -> Algebra:
        """How the problem is differentiated."""
        return self.form(self)

    @property
    def forms_matrices(self) -> bool:
        """See :class:`Algebra`."""
        return self.algebra.forms_matrices

    def point(self, increments: FloatArray) -> Point:
        """The menu with these increments, shape (B, 2I), and its derivatives."""
        return self.algebra.point(increments)

    def gradient(self, point: Point, row_prices: FloatArray, cap_prices: FloatArray) -> FloatArray:
        """Gradient (B, 2I) of F + row_prices · rows + cap_prices · caps in the increments."""
        return self.algebra.gradient(point, row_prices, cap_prices)

    def blocks(
        self, point: Point, cap_prices: FloatArray, columns: IntArray, constraints: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """See :class:`Algebra`."""
        return self.algebra.blocks(point, cap_prices, columns, constraints)

    def linearized(self, point: Point, primal: FloatArray, dual: FloatArray) -> System:
        """See :class:`Algebra`."""
        return self.algebra.linearized(point, primal, dual)

    def take(self, rows: IntArray) -> Self:
        """The batch reduced to some of its problems."""
        return replace(
            self,
            expectation=self.expectation.take(rows),
            accuracy=of_rows(self.accuracy, rows),
            value=of_rows(self.value, rows),
            costs=self.costs[rows],
            reservation_utilities=self.reservation_utilities[rows],
            others=None if self.others is None else self.others.take(rows),
        )

    def least_utilities(self, contributions: FloatArray) -> FloatArray:
        """See :func:`least_utilities`, for contributions (B, I)."""
        return least_of(contributions, self.steps[:, 1:], self.reservation_utilities)

    def start(self, contributions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Increments > 0 near these contributions, (B, I) > 0, and what each is measured in."""
        unit = np.repeat(contributions, 2, axis=1)
        unit[:, 0] = 1.0
        steps = np.diff(contributions, axis=1, prepend=0.0)
        increments = np.repeat(0.5 * np.maximum(steps, 0.05 * contributions), 2, axis=1)
        increments[:, 0], increments[:, 1] = 0.05, contributions[:, 0]
        most = self.box[:, 2 : unit.shape[1] : 2]
        unit[:, 2::2] = np.minimum(unit[:, 2::2], most)
        increments[:, 2::2] = np.minimum(increments[:, 2::2], 0.5 * most)
        return increments, unit

    def in_order(self, contributions: FloatArray) -> FloatArray:
        """Contributions (B, I) raised where a cheaper type would give less than a costlier."""
        starts = self.chain.live[0::2]
        first = np.maximum.accumulate(np.where(starts, np.arange(starts.size), 0))  # of its cost
        before = np.pad(np.maximum.accumulate(contributions, axis=1), ((0, 0), (1, 0)))[:, first]
        return np.asarray(np.maximum(contributions, before))

    def increments_of(self, contributions: FloatArray) -> FloatArray:
        """Increments (B, 2I) of the menu with these contributions and least utilities.

        Contributions must be non-decreasing between costs; among ties any order.
        """
        m = contributions
        u = self.least_utilities(m)
        most, least = running_extremes(m)
        gap = np.diff(u, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.where(self.steps[:, 1:] > 0, gap / self.steps[:, 1:], 0.0)
        y = np.minimum(np.maximum(y, most[:, :-1]), np.maximum(most[:, :-1], least[:, 1:]))
        y = np.concatenate([np.zeros((len(m), 1)), y], axis=1)
        starts = self.chain.live[0::2]
        y = y[:, np.maximum.accumulate(np.where(starts, np.arange(starts.size), 0))]
        increments = np.empty((len(m), 2 * m.shape[1]))
        # The chain goes on from the last type of the run of equal costs before.
        increments[:, 2::2] = np.where(starts[1:], y[:, 1:] - m[:, :-1], 0.0)
        increments[:, 1::2] = np.maximum(m - y, 0.0)
        increments[:, 0] = u[:, 0] - self.reservation_utilities[:, 0]
        return increments
