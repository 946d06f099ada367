r"""Who takes part: the best selection of types, when outside options are better than autarky.

The coordinator may leave types out. A type that is left out contributes nothing, receives nothing
and keeps its outside option :math:`f_i`; parties of that type still turn up among the N. It must
not want to come in (*staying out*): with A the types selected,

.. math:: t_j - c_i m_j \le f_i \qquad \text{for all } i \notin A,\; j \in A .

**Under autarky nobody need be left out.** Take a feasible menu for a selection, and a type i whose
outside option is what it reaches in autarky, with :math:`m^a` data. Offer it that as an option of
its own, :math:`(m^a, v(a(m^a)))`. The total contribution rises in every outcome, and with it every
cap; the new option's own cap holds, since a party of type i never sees less than :math:`m^a`; type
i is as well off as outside, and prefers the option to all others because it did not want those
before; and no other type j wants it, since it is worth to j at most j's own autarky, hence at most
:math:`f_j`, which j has, inside or outside. So the new menu is feasible and trains a model at
least as good. Hence the menu for *all* types whose outside option is autarky is the best over all
selections of them, its upper bound covers every selection, and :func:`paid_with_models.solve`
looks no further.

By the same argument staying out is in nobody's way under a party's own beliefs (there caps do
not depend on whose option it is): a type that would rather come in may as well be let in, on the
option that it likes best. When expectations are given :math:`n_i \ge 1` its cap may be lower.

**Otherwise selection is a choice** among the types whose outside options are better:
keeping such a type costs rewards, and every other type's incentive constraints towards its option.
:func:`best_selection` decides it by branch and bound over {in, out, undecided}. A node is bounded
by a convex problem in contributions and rewards of the types that are not out, with the envelopes
of :mod:`paid_with_models.solver.bounds`. A type that is out contributes and receives 0; for every
selection, with :math:`h_i` the most that type i can contribute,

* those in satisfy IR, the cap, and IC towards every option;
* one that is undecided contributes either 0 or at most :math:`h_i`, and is paid at least
  :math:`f_i` more than its costs if it contributes: :math:`t_i - c_i m_i \ge f_i m_i / h_i`. Adding
  the same to IC, or to staying out if it is out: :math:`t_j - c_i m_j \le f_i + t_i - c_i m_i
  - f_i m_i / h_i`;
* those out want no option of the others.

The bounds :math:`h_i` fall as others are left out: :math:`h_i = (T_i(h) - f_i) / c_i`, iterated
from above. A type for which that is negative can only stay out. With every type decided the
problem is that of :mod:`paid_with_models.solver.program` for the types in, with staying out as
linear constraints; where accuracy is not concave, boxes follow
(:mod:`paid_with_models.solver.boxes`).

With up to ten types to decide on, all selections are covered: at most 2,047 nodes. With more the
search may be cut short; the menu is then the best of those met (roundings of the nodes' relaxed
solutions), and the bound that of the nodes left open: proven all the same.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..accuracy import Curve, FloatArray, IntArray
from ..attendance import n_outcomes
from ..contract import GAP_TOLERANCE
from ..problem import Problem, autarky
from .bounds import dual_bound
from .boxes import NARROW, PENALTY_GROWTH, PENALTY_LIMIT, ROUNDING, closed
from .interior_point import Solution, central_path_end
from .menus import Incumbents, safely_above, settled
from .moments import Enumeration, Expectation, MomentsLike, Uncertainty
from .program import Chain, Elastic, FirstMoment, Point, Rows
from .sum_moments import SumExpectation, sum_range

__all__ = ["Selected", "Selection", "alone_or_out", "best_selection", "every_selection"]


#: Whether a type is in, out, or neither yet.
IN = 1


#: Whether a type is in, out, or neither yet.
OUT = 0


#: Whether a type is in, out, or neither yet.
UNDECIDED = -1


#: Nodes examined together, and at most (with ten types to decide on there are no more).
TOGETHER = 32


#: Nodes examined together, and at most (with ten types to decide on there are no more).
NODES = 2_047


#: From so many outcomes on exponential sums are cheaper, where the curves admit them.
MANY_OUTCOMES = 3_000


#: From so many outcomes on exponential sums are cheaper, where the curves admit them.
TOO_MANY_OUTCOMES = 25_000


#: From so many outcomes on exponential sums are cheaper, where the curves admit them.
RARE = 1e-12


#: Price of violating the constraints of a node's convex problem, in accuracy per value of the
#: best model. Too low a price weakens bounds, it does not falsify them.
NODE_PENALTY = 300.0


#: Price of violating the constraints of a selection, at first; it is raised where it proves too
#: low. Far too high a price makes the path to the optimum hard to follow.
FIRST_PENALTY = 1.0


#: Where sums leave a gap, so many outcomes of a selection are enumerated; and so many of all
#: selections that are solved together.
COUNTABLE = 200_000


#: Where sums leave a gap, so many outcomes of a selection are enumerated; and so many of all
#: selections that are solved together.
BATCH = 50_000


#: How often bounds of contributions may move each other.
SHRINKING = 6


#: Quality of the multipliers of nodes and selections.
TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Selection:
    """The best selection found and its menu, in values of the best model, costliest type first.

    Attributes
    ----------
    types : (n,) ndarray of int
        The types in, as positions in the order of costs; empty if nobody is.
    model : FirstMoment or None
        Their problem, a batch of one; None if nobody is in.
    menu : Solution or None
        Its solution.
    bound : float
        No menu for any selection trains a model of higher expected accuracy.
    nodes : int
        How many nodes were examined.
    """

    types: IntArray
    model: FirstMoment | None
    menu: Solution | None
    bound: float
    nodes: int


@dataclass(frozen=True, eq=False)
class _WithoutFirst:
    """Moments, or their uncertainty, of types that share the scheme with one that stays out."""

    moments: MomentsLike

    @property
    def accuracy(self) -> FloatArray:
        return self.moments.accuracy

    @property
    def accuracy_gradient(self) -> FloatArray:
        return self.moments.accuracy_gradient[:, 1:]

    @property
    def value(self) -> FloatArray:
        return self.moments.value

    @property
    def values(self) -> FloatArray:
        return self.moments.values[:, 1:]

    @property
    def value_jacobian(self) -> FloatArray:
        return self.moments.value_jacobian[:, 1:, 1:]

    def weighted_gradient(self, prices: FloatArray) -> FloatArray:
        return self.moments.weighted_gradient(_led_by_0(prices))[:, 1:]

    def curvature(self, prices: FloatArray) -> FloatArray:
        return self.moments.curvature(_led_by_0(prices))[:, 1:, 1:]


@dataclass(frozen=True, eq=False)
class _SumWithOutsiders:
    """Exponential sums where the first type of ``sums`` contributes nothing and is not shown."""

    sums: SumExpectation

    def take(self, rows: IntArray) -> _SumWithOutsiders:
        return _SumWithOutsiders(self.sums.take(rows))

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> _WithoutFirst:
        return _WithoutFirst(self.sums.moments(accuracy, value, _led_by_0(contributions)))

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        wrong = self.sums.uncertainty(accuracy, value, _led_by_0(contributions))
        return replace(wrong, values=wrong.values[:, 1:], slope=wrong.slope[:, 1:])


def _led_by_0(rows: FloatArray) -> FloatArray:
    return np.hstack([np.zeros((len(rows), 1)), rows])


@dataclass(frozen=True, eq=False)
class _Explicit(FirstMoment):
    """Contributions m and rewards t as variables, with all linear constraints written out.

    The last variable is by how much constraints and caps may be violated, at the price of
    ``NODE_PENALTY`` and measured in it.
    """

    linear: FloatArray = field(kw_only=True)
    least: FloatArray = field(kw_only=True)
    most: FloatArray = field(kw_only=True)

    @cached_property
    def reward_jacobian(self) -> FloatArray:
        """Rewards are variables; less the violation."""
        n = self.costs.shape[1]
        jacobian = np.zeros((len(self.costs), n, 2 * n + 1))
        jacobian[:, np.arange(n), n + np.arange(n)] = 1.0
        jacobian[:, :, -1] = -1 / NODE_PENALTY
        return jacobian

    @cached_property
    def row_jacobian(self) -> FloatArray:
        """The constraints in all variables."""
        slack = np.full((*self.linear.shape[:2], 1), 1 / NODE_PENALTY)
        return np.concatenate([self.linear, slack], axis=2)

    @cached_property
    def row_offset(self) -> FloatArray:
        """Their right-hand sides."""
        return self.least

    @cached_property
    def row_unit(self) -> FloatArray:
        """All are in value."""
        return np.ones(self.least.shape)

    @cached_property
    def box(self) -> FloatArray:
        """Bounds of the variables at menus, which violate nothing."""
        return np.hstack([self.most, np.ones(self.most.shape), np.zeros((len(self.most), 1))])

    def start(self, contributions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Half of what could be contributed and paid; see :class:`Elastic` for the violation."""
        ones = np.ones(contributions.shape)
        start = np.hstack([0.5 * contributions, 0.5 * ones, 0.05 * ones[:, :1]])
        return start, np.hstack([contributions, ones, ones[:, :1]])

    def point(self, increments: FloatArray) -> Point:
        """The menu, its moments and slacks."""
        contributions = increments @ self.chain.contributions.T
        moments = self.expectation.moments(self.accuracy, self.value, contributions)
        columns = increments[:, :, None]
        return Point(
            increments=increments,
            contributions=contributions,
            moments=moments,
            rows=(self.row_jacobian @ columns)[:, :, 0] - self.least,
            caps=moments.values / self.value_unit - (self.reward_jacobian @ columns)[:, :, 0],
        )

    def gradient(self, point: Point, row_prices: FloatArray, cap_prices: FloatArray) -> FloatArray:
        """That of the Lagrangian, less the price of the violation."""
        gradient = super().gradient(point, row_prices, cap_prices)
        gradient[:, -1] -= 1.0
        return gradient

    def take(self, rows: IntArray) -> _Explicit:
        """The batch reduced to some of its problems."""
        taken = super().take(rows)
        assert isinstance(taken, _Explicit)
        return replace(
            taken, linear=self.linear[rows], least=self.least[rows], most=self.most[rows]
        )


@dataclass(frozen=True, eq=False)
class _Node:
    """A partial selection: who is in, out or undecided, and what bounds its completions."""

    status: tuple[int, ...]
    bound: float


@dataclass(frozen=True, eq=False)
class _Leaf:
    """A selection, a batch of one: its problem, bound, best menu on the envelopes, menu known."""

    types: IntArray
    model: FirstMoment
    bound: float
    relaxed: FloatArray
    menu: Solution


def best_selection(
    problem: Problem,
    *,
    method: str = "auto",
    max_boxes: int | None = None,
    max_nodes: int = NODES,
) -> Selection:
    """Decide who takes part, and on which menu.

    Parameters
    ----------
    problem : Problem
        With at least two parties.
    method : {"auto", "enumeration", "sum"}
        How expectations are computed, as for :func:`paid_with_models.solve`.
    max_boxes : int >= 0, optional
        Most boxes for a selection where accuracy is not concave, as for the same.
    max_nodes : int >= 1
        Most nodes.

    Returns
    -------
    Selection

    Examples
    --------
    >>> from paid_with_models import Saturating
    >>> problem = Problem(
    ...     10, [0.5, 0.5], [1.0, 0.1], Saturating((0.9,), (0.01,)),
    ...     reservation_utilities=[85.0, 60.0],
    ... )
    >>> best_selection(problem).types.tolist()  # the first would cost more than it brings
    [1]
    """
    search = _Search(problem, method, max_boxes)
    search.run(max_nodes)
    return search.result()


def alone_or_out(problem: Problem) -> Selection:
    """The selection of a problem with one party: whoever has nothing better trains alone.

    A party alone cannot be paid more than the model trained on its own data, so a type whose
    outside option beats autarky is out, and all others are in autarky.

    Examples
    --------
    >>> from paid_with_models import Saturating, autarky
    >>> stated = 1, [0.5, 0.5], [0.2, 0.1], Saturating((0.9,), (0.01,))
    >>> alone = autarky(Problem(*stated)).utilities
    >>> problem = Problem(*stated, reservation_utilities=alone + [5.0, 0.0])
    >>> alone_or_out(problem).types.tolist()
    [1]
    """
    search = _Search(problem, "enumeration")
    types = np.flatnonzero(~search.better_outside)
    if types.size == 0:
        return Selection(types, None, None, search.reached, 1)
    model = search.decided(types[None], exact=True)
    menu = search.autarkic(model, types)
    reached = Incumbents(menu, menu.point.moments.accuracy)
    return Selection(types, model, menu, float(safely_above(model, reached)[0]), 1)


@dataclass(frozen=True)
class Selected:
    """What a menu for some types only can reach; see :func:`every_selection`.

    Attributes
    ----------
    types : tuple of int
        The types in, as indices of the problem's types.
    expected_accuracy : float
        Of the best menu found for them, given that the others do not want to come in; that of no
        data if none was found.
    upper_bound : float
        No menu for these types reaches more.
    """

    types: tuple[int, ...]
    expected_accuracy: float
    upper_bound: float


def every_selection(problem: Problem) -> list[Selected]:
    """Solve all 2^I - 1 selections of types one by one, with every outcome enumerated.

    What :func:`paid_with_models.solve` need not do; for few types, to see what it would find.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    list of Selected
        The highest upper bound first.

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    >>> [it.types for it in every_selection(problem)]
    [(0, 1), (1,), (0,)]
    """
    search = _Search(problem, "enumeration")
    order = problem.costliest_first
    all_types = range(problem.n_types)
    selections = [
        np.array(types)
        for size in all_types
        for types in itertools.combinations(all_types, size + 1)
    ]
    nothing = float(problem.accuracy(0.0))
    found = []
    for leaf in search.solved(selections, exact=True):
        start = np.maximum(leaf.relaxed, 1e-6 * leaf.model.box[:, 1::2])
        best = Incumbents(leaf.menu, np.array([nothing])).improved(leaf.model, leaf.menu)
        best = best.searched(leaf.model, start, leaf.menu.point.contributions)
        types = tuple(sorted(order[leaf.types].tolist()))
        found.append(Selected(types, float(best.reached[0]), max(leaf.bound, nothing)))
    return sorted(found, key=lambda it: (-it.upper_bound, it.types))


class _Search:
    """The state of a search; types are costliest first, money in values of the best model."""

    def __init__(self, problem: Problem, method: str, max_boxes: int | None = None) -> None:
        self.problem, self.max_boxes = problem, max_boxes
        order = problem.costliest_first
        self.unit = problem.model_value.optimum
        self.p = problem.probabilities[order]
        self.c = problem.costs[order] / self.unit
        self.f = problem.outside_options[order] / self.unit
        alone = autarky(problem)
        self.alone = alone.contributions[order]
        self.better_outside = problem.better_outside[order]
        self.n_types = order.size
        self.method = method
        self.range = sum_range(problem.accuracy, problem.model_value, problem.most_data)
        if method == "sum" and self.range is None:
            raise ValueError(
                f"expectations must be 'enumeration' for {problem.accuracy!r} with"
                f" {problem.valuation!r}: no exponential sum is close enough to it"
            )
        # What has been reached, and how; the highest bound among nodes that were dropped.
        self.reached = float(problem.accuracy(0.0))
        self.best: _Leaf | None = None
        self.left = -np.inf
        self.nodes: list[_Node] = []
        self.count = 0
        self.leaves: dict[tuple[int, ...], _Leaf] = {}

    def run(self, max_nodes: int) -> None:
        """Examine nodes, highest bounds first, until none is open or there are too many."""
        start = np.where(self.better_outside, UNDECIDED, IN)
        start[self.f >= 1] = OUT  # not even the best model for nothing would do
        self.nodes = [_Node(tuple(start.tolist()), self.problem.accuracy.optimum)]
        while self.nodes and self.count < max_nodes:
            self.nodes.sort(key=lambda node: (-node.bound, node.status))
            n_now = min(TOGETHER, max_nodes - self.count)
            some, self.nodes = self.nodes[:n_now], self.nodes[n_now:]
            self.count += len(some)
            self.examine([node for node in some if self.hopeful(node.bound)])
        for node in self.nodes:
            self.left = max(self.left, node.bound)
        self.finish()

    def result(self) -> Selection:
        """What has been found."""
        if self.best is None:
            bound = max(self.left, self.reached)
            return Selection(np.zeros(0, dtype=np.intp), None, None, bound, self.count)
        leaf = self.best
        reached = np.array([float(leaf.menu.point.moments.accuracy[0])])
        best = settled(leaf.model, Incumbents(leaf.menu, reached))
        bound = max(self.left, float(safely_above(leaf.model, best)[0]))
        return Selection(leaf.types, leaf.model, best.menus, bound, self.count)

    def hopeful(self, bound: float) -> bool:
        """Whether something with this bound may hold a better menu; if not, it is dropped."""
        if bound > self.reached + GAP_TOLERANCE:
            return True
        self.left = max(self.left, bound)
        return False

    def examine(self, nodes: list[_Node]) -> None:
        """Bound nodes, try the selections that they suggest, and split them."""
        alike: dict[int, list[tuple[_Node, FloatArray]]] = defaultdict(list)
        decided = []
        for node in nodes:
            smaller, most = self.shrunk(node)
            if UNDECIDED in smaller.status:
                alike[len(most) - smaller.status.count(OUT)].append((smaller, most))
            elif IN in smaller.status and self.hopeful(smaller.bound):
                decided.append(smaller)
        self.visit(decided)
        for group in alike.values():
            hopeful = [(node, most) for node, most in group if self.hopeful(node.bound)]
            if not hopeful:
                continue
            bounded = self.bounded(hopeful)
            node, shares = max(bounded, key=lambda pair: pair[0].bound)
            likely = np.where(np.array(node.status) == UNDECIDED, shares >= 0.5, node.status)
            if likely.any():
                self.visit([_Node(tuple(likely.astype(int).tolist()), np.inf)])
            for node, shares in bounded:
                if self.hopeful(node.bound):
                    self.nodes += self.split(node, shares)

    def split(self, node: _Node, shares: FloatArray) -> list[_Node]:
        """The node with one more type in, and out: one whose share of what it could do is torn."""
        undecided = np.array(node.status) == UNDECIDED
        torn = np.where(undecided, self.f * shares * (1 - shares) + 1e-9 * self.f, -1.0)
        k = int(np.argmax(torn))
        return [
            replace(node, status=(*node.status[:k], what, *node.status[k + 1 :]))
            for what in (IN, OUT)
        ]

    def visit(self, nodes: list[_Node]) -> None:
        """Solve selections, each with somebody in, on the envelopes; and look for menus."""
        types = [np.flatnonzero(np.array(node.status) == IN) for node in nodes]
        self.solve([which for which in types if tuple(which.tolist()) not in self.leaves], False)
        for node, which in zip(nodes, types, strict=True):
            self.add(replace(self.leaves[tuple(which.tolist())], bound=node.bound))

    def solve(self, selections: list[IntArray], exact: bool) -> None:
        """Bound selections by their problems on the envelopes, and look for menus near by."""
        for leaf in sorted(self.solved(selections, exact), key=lambda leaf: -leaf.bound):
            self.add(self.searched(leaf))

    def add(self, leaf: _Leaf) -> None:
        """Remember what is known of a selection."""
        key = tuple(leaf.types.tolist())
        bound = self.leaves[key].bound if key in self.leaves else np.inf
        self.leaves[key] = replace(leaf, bound=min(leaf.bound, bound))

    def searched(self, leaf: _Leaf) -> _Leaf:
        """With the best menu near that of the envelopes, if it beats what is reached."""
        if leaf.bound <= self.reached + GAP_TOLERANCE:
            return leaf
        anchor = self.autarkic(leaf.model, leaf.types).point.contributions
        start = np.maximum(leaf.relaxed, 1e-6 * leaf.model.box[:, 1::2])
        known = Incumbents(leaf.menu, np.array([self.reached])).improved(leaf.model, leaf.menu)
        return self.kept(leaf, known.searched(leaf.model, start, anchor))

    def kept(self, leaf: _Leaf, best: Incumbents) -> _Leaf:
        """The selection with its best menu, which is remembered if it is the best of all."""
        leaf = replace(leaf, menu=best.menus)
        if best.reached[0] > self.reached:
            self.reached, self.best = float(best.reached[0]), leaf
        return leaf

    def finish(self) -> None:
        """Lower the bounds of the selections that may still hold a better menu."""
        if self.method == "auto":  # where the error of sums may be in the way
            by_sums = [
                leaf.types
                for leaf in self.leaves.values()
                if leaf.bound > self.reached + GAP_TOLERANCE
                and not isinstance(leaf.model.expectation, Enumeration)
                and self.n_outcomes(leaf.types.size) <= COUNTABLE
            ]
            self.solve(by_sums, exact=True)
        for leaf in sorted(self.leaves.values(), key=lambda leaf: -leaf.bound):
            if self.hopeful(leaf.bound):
                known = Incumbents(leaf.menu, np.array([self.reached]))
                anchor = self.autarkic(leaf.model, leaf.types).point.contributions
                bound = np.array([leaf.bound])
                closer = closed(leaf.model, known, bound, anchor, self.max_boxes)
                self.kept(leaf, closer.best)
                self.left = max(self.left, float(closer.bounds[0]))

    def n_outcomes(self, n_types: int) -> int:
        """How many outcomes there are with so many types in and all others as one."""
        n_kinds = min(n_types + 1, self.n_types)
        return n_outcomes(self.problem.n_parties, n_kinds)

    def law(self, members: IntArray, exact: bool) -> Expectation:
        """Who turns up of the selected types, (B, n); all others are one type that stays out."""
        n_parties, beliefs = self.problem.n_parties, self.problem.beliefs
        others = np.ones((len(members), self.n_types), dtype=bool)
        np.put_along_axis(others, members, False, axis=1)
        outside = np.where(others, self.p, 0.0).sum(axis=1, keepdims=True)
        everybody = members.shape[1] == self.n_types
        p = self.p[members] if everybody else np.hstack([outside, self.p[members]])
        if exact or self.method == "enumeration":
            by_sums = False
        elif self.method == "sum":
            by_sums = True
        else:
            # Sums say nothing about outcomes with next to no data, such as nobody being in.
            rare = everybody or float(outside.max()) ** n_parties < RARE
            by_sums = self.n_outcomes(members.shape[1]) > (
                MANY_OUTCOMES if rare else TOO_MANY_OUTCOMES
            )
        if by_sums and self.range is not None:
            parties = np.full(len(members), float(n_parties))
            sums = SumExpectation(parties, p, beliefs, *self.range)
            return sums if everybody else _SumWithOutsiders(sums)
        full = Enumeration.of(n_parties, p, beliefs)
        if everybody:
            return full
        return Enumeration(
            np.ascontiguousarray(full.counts[:, 1:]),
            full.weights,
            np.ascontiguousarray(full.conditional[:, 1:]),
        )

    def shrunk(self, node: _Node) -> tuple[_Node, FloatArray]:
        """A node whose bounds h rule out that some take part, and h, (I,), 0 for those out."""
        status, bound = np.array(node.status), node.bound
        most = np.where(status == OUT, 0.0, np.maximum(1 - self.f, 0.0) / self.c)
        for _ in range(SHRINKING):
            members = np.flatnonzero(status != OUT)
            if members.size == 0:
                return _Node(tuple(status.tolist()), bound), most
            law = self.law(members[None], exact=False)
            curves = self.problem.accuracy, self.problem.model_value
            top = law.moments(*curves, most[None, members])
            wrong = law.uncertainty(*curves, most[None, members])
            bound = min(bound, float(top.accuracy[0] + wrong.accuracy[0]))
            caps = (top.values[0] + wrong.values[0]) / self.unit
            room = caps + ROUNDING - self.f[members]
            if np.any((room < 0) & (status[members] == IN)):
                return _Node(tuple(status.tolist()), -np.inf), most
            status[members[(room <= 2 * ROUNDING) & (status[members] == UNDECIDED)]] = OUT
            room = np.maximum(room, 0.0) * (1 + ROUNDING)
            most[members] = np.minimum(most[members], room / self.c[members])
            most[status == OUT] = 0.0
        return _Node(tuple(status.tolist()), bound), most

    def bounded(self, nodes: list[tuple[_Node, FloatArray]]) -> list[tuple[_Node, FloatArray]]:
        """Nodes with as many types that are not out, bounded by their convex problems.

        Takes them with the most that types can contribute and returns them with how much of that
        they do, (I,) each.
        """
        status = np.array([node.status for node, _ in nodes])
        members = np.array([np.flatnonzero(row != OUT) for row in status])
        most = np.array([most for _, most in nodes])
        model = self.convex(status, members, np.take_along_axis(most, members, axis=1))
        end = central_path_end(model, model.most, TOLERANCE)
        bounds = dual_bound(model, end.point, end.row_prices, end.cap_prices).tolist()
        shares = np.zeros(status.shape)
        np.put_along_axis(shares, members, end.point.contributions / model.most, axis=1)
        return [
            (replace(node, bound=min(node.bound, bound)), share)
            for (node, _), bound, share in zip(nodes, bounds, shares, strict=True)
        ]

    def convex(self, status: IntArray, members: IntArray, most: FloatArray) -> _Explicit:
        """The convex problems that bound all completions of partial selections, (B, I)."""
        n_nodes, n = members.shape
        c, f = self.c[members], self.f[members]
        taken = np.take_along_axis(status, members, axis=1) == IN
        most = np.maximum(most, NARROW * (1 - np.minimum(f, 0.5)) / c)
        kept = np.where(taken, 0.0, f / most)  # what an undecided type must get beyond its costs
        own = np.eye(n)
        on_t = np.broadcast_to(own, (n_nodes, n, n))
        on_m = -(c + kept)[:, :, None] * own
        linear = [np.concatenate([on_m, on_t], axis=2)]
        least = [np.where(taken, f, 0.0)]
        i, j = np.nonzero(~np.eye(n, dtype=bool))
        on_m = on_m[:, i] + c[:, i, None] * own[j]
        linear.append(np.concatenate([on_m, on_t[:, i] - on_t[:, j]], axis=2))
        least.append(-np.where(taken, 0.0, f)[:, i])
        outsiders = np.array([np.flatnonzero(row == OUT) for row in status]).reshape(n_nodes, -1)
        k, j = (axis.ravel() for axis in np.indices((outsiders.shape[1], n)))
        on_m = self.c[outsiders][:, k, None] * own[j]
        linear.append(np.concatenate([on_m, -on_t[:, j]], axis=2))
        least.append(-self.f[outsiders][:, k])
        width = 2 * n + 1
        chain = Chain(
            np.eye(n, width), np.zeros((n, width)), np.zeros((0, width)), np.ones(width, dtype=bool)
        )
        return _Explicit(
            self.law(members, exact=False),
            self.problem.accuracy.envelope(),
            self.problem.model_value.envelope(),
            self.unit,
            c,
            f,
            chain,
            linear=np.concatenate(linear, axis=1),
            least=np.concatenate(least, axis=1),
            most=most,
        )

    def decided(self, members: IntArray, exact: bool) -> FirstMoment:
        """The problems of selections of as many types, (B, n), and of equal ties."""
        n_rows, n = members.shape
        c = self.c[members]
        others = np.ones((n_rows, self.n_types), dtype=bool)
        np.put_along_axis(others, members, False, axis=1)
        outsiders = np.array([np.flatnonzero(row) for row in others]).reshape(n_rows, -1)
        k, j = (axis.ravel() for axis in np.indices((outsiders.shape[1], n)))
        own = np.eye(n)
        dearer = (c[:, j] - self.c[outsiders][:, k])[:, :, None]
        staying_out = Rows(
            on_contributions=-dearer * own[j],
            on_utilities=np.broadcast_to(-own[j], (n_rows, j.size, n)),
            least=-self.f[outsiders][:, k],
            unit=np.ones((n_rows, j.size)),
            elastic=np.ones((n_rows, j.size)),
        )
        return FirstMoment(
            self.law(members, exact),
            self.problem.accuracy,
            self.problem.model_value,
            self.unit,
            c,
            self.f[members],
            Chain.of((False, *(np.diff(c[0]) == 0).tolist())),
            staying_out if j.size else None,
        )

    def solved(self, selections: list[IntArray], exact: bool) -> list[_Leaf]:
        """Selections, bounded by their problems on the envelopes; menus are autarky's."""
        alike: dict[object, list[IntArray]] = defaultdict(list)
        for types in selections:
            alike[types.size, tuple(np.diff(self.c[types]) == 0)].append(types)
        leaves = []
        for group in alike.values():
            size = max(1, BATCH // self.n_outcomes(group[0].size)) if exact else len(group)
            for start in range(0, len(group), size):
                leaves += self.solved_together(np.array(group[start : start + size]), exact)
        return leaves

    def solved_together(self, members: IntArray, exact: bool) -> list[_Leaf]:
        """Those of as many types, (B, n), and equal ties."""
        model = self.decided(members, exact)
        curves = model.accuracy.envelope(), model.value.envelope()
        envelope = replace(model, accuracy=curves[0], value=curves[1])
        start = np.maximum.accumulate(0.5 * (1 - model.reservation_utilities) / model.costs, axis=1)
        bounds, relaxed = np.full(len(members), np.inf), start.copy()
        penalty = np.full(len(members), FIRST_PENALTY)
        rows = np.arange(len(members))
        while rows.size:
            some = envelope.take(rows)
            elastic = Elastic.of(some, penalty[rows])
            end = central_path_end(elastic, start[rows], TOLERANCE)
            point = some.point(end.point.increments[:, :-1])
            bound = dual_bound(some, point, end.row_prices, end.cap_prices)
            bounds[rows], relaxed[rows] = np.minimum(bounds[rows], bound), point.contributions
            short = elastic.worth(end.row_prices, end.cap_prices) > 0.5 * penalty[rows]
            short &= (bound > self.reached + GAP_TOLERANCE) & (penalty[rows] < PENALTY_LIMIT)
            penalty[rows] *= PENALTY_GROWTH
            rows = rows[short]
        leaves = []
        for row, types in enumerate(members):
            one = model.take(np.array([row]))
            menu = self.autarkic(one, types)
            leaves.append(_Leaf(types, one, float(bounds[row]), relaxed[row : row + 1], menu))
        return leaves

    def autarkic(self, model: FirstMoment, types: IntArray) -> Solution:
        """What the types in do alone, as a menu of theirs; not always a feasible one."""
        anchor = model.in_order(self.alone[types][None])
        point = model.point(model.increments_of(anchor))
        prices = np.zeros(point.rows.shape), np.zeros(point.caps.shape)
        return Solution(point, *prices, np.full(1, np.inf))
