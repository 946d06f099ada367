"""Who takes part: what is fixed in the search for the best selection of types.

Bounds of partial selections, problems of complete ones. The search itself is in
:mod:`paid_with_models.solver.selection`, where the mathematics is told.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..accuracy import BoolArray, FloatArray, IntArray
from ..attendance import n_outcomes
from ..problem import Problem, autarky
from .bounds import relaxed
from .boxes import NARROW, SUM_ROUNDING
from .branching import PENALTY_GROWTH, PENALTY_LIMIT
from .bunches import bunched_bound, few_bunches
from .chain import Chain
from .dense import Dense
from .fits import sum_range
from .implications import IN, OUT, UNDECIDED, implied
from .moments import Enumeration, Expectation
from .optimality import Solution, kkt_residual
from .outsiders import WithoutOutsiders
from .program import FirstMoment, Rows
from .sum_moments import SumExpectation
from .transforms import expectation_under

__all__ = ["Leaf", "Node", "Participation"]

#: MANY_OUTCOMES: from so many outcomes on exponential sums are cheaper than enumeration.
MANY_OUTCOMES = 3_000

#: TOO_MANY_OUTCOMES: and from so many where nobody may be in: then sums are not exact.
TOO_MANY_OUTCOMES = 25_000

#: NOBODY_IS_RARE: probability that all parties are outside, below which it does not matter.
NOBODY_IS_RARE = 1e-12

#: NODE_PENALTY: price of violating the constraints of a partial selection's convex problem, in
#: accuracy per value of the best model. Too low a price weakens bounds, it does not falsify them.
NODE_PENALTY = 300.0

#: SELECTION_PENALTY: price of violating the constraints of a complete selection, at first; it is
#: raised where it proves too low. Far too high a price makes the path to the optimum hard to
#: follow.
SELECTION_PENALTY = 1.0

#: SELECTION_OUTCOMES_AT_ONCE: selections are solved together up to so many outcomes of all of them.
SELECTION_OUTCOMES_AT_ONCE = 50_000

#: SHRINKINGS: how often bounds of contributions may move each other.
SHRINKINGS = 6


@dataclass(frozen=True, eq=False)
class Node:
    """A partial selection.

    Attributes
    ----------
    status : (I,) tuple of int
        IN, OUT or UNDECIDED.
    bound : float
        No completion reaches more.
    """

    status: tuple[int, ...]
    bound: float


@dataclass(frozen=True, eq=False)
class Leaf:
    """A complete selection, a batch of one.

    Attributes
    ----------
    types : (n,) ndarray of int
        The types in.
    model : FirstMoment
        Their problem.
    bound : float
        No menu of theirs reaches more.
    relaxed : (1, n) ndarray
        Contributions of the best menu on the envelopes.
    prices : ((1, R), (1, n)) ndarrays
        Of its linear constraints and of its caps.
    menu : Solution
        A menu of theirs; not always a feasible one.
    """

    types: IntArray
    model: FirstMoment
    bound: float
    relaxed: FloatArray
    prices: tuple[FloatArray, FloatArray]
    menu: Solution


@dataclass(frozen=True, eq=False)
class Participation:
    """A problem with types costliest first and money in values of the best model.

    Parameters
    ----------
    problem : Problem
    method : {"auto", "enumeration", "sum"}
        How expectations are computed, as for :func:`paid_with_models.solve`.

    Raises
    ------
    ValueError
        If sums are asked for that the curves do not admit.

    Examples
    --------
    >>> from paid_with_models import Saturating
    >>> problem = Problem(
    ...     10, [0.5, 0.5], [1.0, 0.1], Saturating((0.9,), (0.01,)),
    ...     reservation_utilities=[85.0, 60.0],
    ... )
    >>> fixed = Participation(problem)
    >>> fixed.costs.round(4).tolist(), fixed.better_outside.tolist()
    ([0.0111, 0.0011], [True, True])
    >>> [round(leaf.bound, 3) for leaf in fixed.solved([np.array([1])], exact=True)]
    [0.899]
    """

    problem: Problem
    method: str = "auto"

    def __post_init__(self) -> None:
        if self.method == "sum" and self.sum_range is None:
            raise ValueError(
                f"expectations must be 'enumeration' for {self.problem.accuracy!r} with"
                f" {self.problem.valuation!r}: no exponential sum is close enough to it"
            )

    @property
    def n_types(self) -> int:
        """Number of types I."""
        return self.problem.n_types

    @property
    def unit(self) -> float:
        """Value of the best model."""
        return self.problem.model_value.optimum

    @cached_property
    def probabilities(self) -> FloatArray:
        """Of each type, (I,)."""
        return self.problem.probabilities[self.problem.costliest_first]

    @cached_property
    def costs(self) -> FloatArray:
        """Per unit of data, (I,)."""
        return self.problem.costs[self.problem.costliest_first] / self.unit

    @cached_property
    def outside(self) -> FloatArray:
        """Outside options f, (I,)."""
        return self.problem.outside_options[self.problem.costliest_first] / self.unit

    @cached_property
    def autarky(self) -> FloatArray:
        """What each type contributes alone, (I,), units of data."""
        return autarky(self.problem).contributions[self.problem.costliest_first]

    @cached_property
    def better_outside(self) -> BoolArray:
        """Which types have something better outside than autarky, (I,): these are to decide on."""
        return self.problem.better_outside[self.problem.costliest_first]

    @cached_property
    def sum_range(self) -> tuple[float, float] | None:
        """Where exponential sums stand for the curves, if there are any."""
        problem = self.problem
        return sum_range(problem.accuracy, problem.model_value, problem.most_data)

    def others(self, members: IntArray) -> IntArray:
        """The types that are not members, (B, I - n)."""
        rest = np.ones((len(members), self.n_types), dtype=bool)
        np.put_along_axis(rest, members, False, axis=1)
        return np.nonzero(rest)[1].reshape(len(members), -1)

    @property
    def one_by_one(self) -> bool:
        """Whether selections are solved one at a time: laws of a problem's own have no batches."""
        return self.problem.attendance is not None

    def n_outcomes(self, n_types: int) -> int:
        """How many outcomes there are with so many types in and all others as one."""
        if self.problem.attendance is not None:
            return self.problem.n_outcomes
        return n_outcomes(self.problem.n_parties, min(n_types + 1, self.n_types))

    def law(self, members: IntArray, exact: bool) -> Expectation:
        """Who turns up of the selected types, (B, n); all others are one type that stays out."""
        problem, everybody = self.problem, members.shape[1] == self.n_types
        if problem.attendance is not None:
            types = problem.costliest_first[members[0]]
            nobody = np.append(1.0, np.zeros(types.size))[:, None]
            log_rare = -np.inf
            if not everybody:
                log_rare = problem.attendance.grouped(types).log_transform(nobody, nobody - 1)[0][0]
            sums = self.by_sums(types.size, float(np.exp(log_rare)), exact)
            reach = self.sum_range if sums else None
            return expectation_under(problem, problem.attendance, types, reach)
        absent = np.ones((len(members), self.n_types), dtype=bool)
        np.put_along_axis(absent, members, False, axis=1)
        outside = np.where(absent, self.probabilities, 0.0).sum(axis=1, keepdims=True)
        p = self.probabilities[members]
        if not everybody:
            p = np.hstack([outside, p])
        nobody_in = 0.0 if everybody else float(outside.max()) ** problem.n_parties
        if self.by_sums(members.shape[1], nobody_in, exact) and self.sum_range is not None:
            parties = np.full(len(members), float(problem.n_parties))
            sums_of = SumExpectation(parties, p, problem.beliefs, *self.sum_range)
            return sums_of if everybody else WithoutOutsiders(sums_of)
        full = Enumeration.of(problem.n_parties, p, problem.beliefs)
        return full if everybody else full.of_types(np.arange(1, p.shape[1]))

    def by_sums(self, n_types: int, nobody_in: float, exact: bool) -> bool:
        """Whether expectations are sums, with so many types in and a chance that nobody is."""
        if exact or self.method == "enumeration":
            return False
        if self.method == "sum":
            return True
        if self.one_by_one and self.problem.beliefs == "own":
            return False
        # Sums say nothing about outcomes with next to no data, such as nobody being in.
        few = MANY_OUTCOMES if nobody_in < NOBODY_IS_RARE else TOO_MANY_OUTCOMES
        return self.sum_range is not None and self.n_outcomes(n_types) > few

    def shrunk(self, node: Node) -> tuple[Node, FloatArray]:
        """A node whose bounds h rule out that some take part, and h, (I,), 0 for those out."""
        status, bound = np.array(node.status), node.bound
        most = np.where(status == OUT, 0.0, np.maximum(1 - self.outside, 0.0) / self.costs)
        for _ in range(SHRINKINGS):
            settled = implied(status, self.costs, self.outside, most)
            if settled is None:
                return Node(tuple(status.tolist()), -np.inf), most
            status, most = settled, np.where(settled == OUT, 0.0, most)
            members = np.flatnonzero(status != OUT)
            if members.size == 0:
                return Node(tuple(status.tolist()), bound), most
            law = self.law(members[None], exact=False)
            curves = self.problem.accuracy, self.problem.model_value
            top = law.moments(*curves, most[None, members])
            wrong = law.uncertainty(*curves, most[None, members])
            bound = min(bound, float(top.accuracy[0] + wrong.accuracy[0]))
            caps = (top.values[0] + wrong.values[0]) / self.unit
            room = caps + SUM_ROUNDING - self.outside[members]
            if np.any((room < 0) & (status[members] == IN)):
                return Node(tuple(status.tolist()), -np.inf), most
            status[members[(room <= 2 * SUM_ROUNDING) & (status[members] == UNDECIDED)]] = OUT
            room = np.maximum(room, 0.0) * (1 + SUM_ROUNDING)
            most[members] = np.minimum(most[members], room / self.costs[members])
            most[status == OUT] = 0.0
        return Node(tuple(status.tolist()), bound), most

    def bounded(self, nodes: list[tuple[Node, FloatArray]]) -> list[tuple[Node, FloatArray]]:
        """Nodes with as many types that are not out, bounded by their convex problems.

        Takes them with the most that types can contribute and returns them with how much of that
        they do, (I,) each.
        """
        if self.one_by_one and len(nodes) > 1:
            return [found for node in nodes for found in self.bounded([node])]
        status = np.array([node.status for node, _ in nodes])
        members = np.array([np.flatnonzero(row != OUT) for row in status])
        most = np.take_along_axis(np.array([most for _, most in nodes]), members, axis=1)
        least = NARROW * (1 - np.minimum(self.outside[members], 0.5)) / self.costs[members]
        most = np.maximum(most, least)
        # Variables are contributions, then rewards; they start halfway.
        size = np.hstack([most, np.ones(most.shape)])
        program = self.convex(status, members, most)
        found = relaxed(program, 0.5 * size, size, np.full(len(nodes), NODE_PENALTY))
        shares = np.zeros(status.shape)
        # A search that was cut short may be outside its box.
        share = np.clip(np.nan_to_num(found.point.contributions / most), 0.0, 1.0)
        np.put_along_axis(shares, members, share, axis=1)
        return [
            (replace(node, bound=min(node.bound, bound)), share)
            for (node, _), bound, share in zip(nodes, found.bounds.tolist(), shares, strict=True)
        ]

    def convex(self, status: IntArray, members: IntArray, most: FloatArray) -> Dense:
        """The convex problems that bound all completions of partial selections, (B, I).

        Variables are contributions, at most ``most``, and rewards of the n types that are not out.
        All constraints may give way.
        """
        n_nodes, n = members.shape
        c, f = self.costs[members], self.outside[members]
        taken = np.take_along_axis(status, members, axis=1) == IN
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
        outsiders = self.others(members)
        k, j = (axis.ravel() for axis in np.indices((outsiders.shape[1], n)))
        on_m = self.costs[outsiders][:, k, None] * own[j]
        linear.append(np.concatenate([on_m, -on_t[:, j]], axis=2))
        least.append(-self.outside[outsiders][:, k])
        rows, offsets = np.concatenate(linear, axis=1), np.concatenate(least, axis=1)
        ones = np.ones((n_nodes, n))
        return Dense(
            self.law(members, exact=False),
            self.problem.accuracy.envelope(),
            self.problem.model_value.envelope(),
            self.unit,
            contributions=np.eye(n, 2 * n),
            reward_jacobian=np.broadcast_to(np.eye(n, 2 * n, n), (n_nodes, n, 2 * n)),
            reward_offset=np.zeros((n_nodes, 1)),
            row_jacobian=rows,
            row_offset=offsets,
            row_unit=np.ones(offsets.shape),
            row_elastic=np.ones(offsets.shape),
            box=np.hstack([most, ones]),
            reach=(1 - f) / c,
            live=np.ones(2 * n, dtype=bool),
            price=np.zeros(2 * n),
        )

    def decided(self, members: IntArray, exact: bool) -> FirstMoment:
        """The problems of selections of as many types, (B, n), and of equal ties."""
        n_rows, n = members.shape
        c = self.costs[members]
        outsiders, ties = self.others(members), tuple(np.diff(c[0]) == 0)
        # Among those in, options next to an outsider's cost are what it may want, by the others'
        # incentives; of equal costs any may be.
        next_to = np.broadcast_to(np.arange(n), (*outsiders.shape, n))
        if n > 2 and not any(ties):
            cheaper = np.sum(members[:, None, :] < outsiders[:, :, None], axis=2)
            next_to = np.stack([cheaper - 1, cheaper], axis=2).clip(0, n - 1)
        j = next_to.reshape(n_rows, -1)
        outsider = np.repeat(outsiders, next_to.shape[2], axis=1)
        own = np.eye(n)[j]
        costlier = np.take_along_axis(c, j, axis=1) - self.costs[outsider]
        staying_out = Rows(
            on_contributions=-costlier[:, :, None] * own,
            on_utilities=-own,
            least=-self.outside[outsider],
            unit=np.ones(j.shape),
            elastic=np.ones(j.shape),
        )
        return FirstMoment(
            self.law(members, exact),
            self.problem.accuracy,
            self.problem.model_value,
            self.unit,
            c,
            self.outside[members],
            Chain.of((False, *map(bool, ties))),
            staying_out if j.size else None,
        )

    def solved(
        self, selections: list[IntArray], exact: bool, worthwhile: float = -np.inf
    ) -> list[Leaf]:
        """Selections, bounded by their problems on the envelopes; menus are autarky's.

        Parameters
        ----------
        selections : list of (n,) ndarray of int
        exact : bool
            Whether to enumerate outcomes even if sums are cheaper.
        worthwhile : float
            Bounds need not be closer once they are below this.
        """
        alike: dict[object, list[IntArray]] = defaultdict(list)
        for types in selections:
            alike[types.size, tuple(np.diff(self.costs[types]) == 0)].append(types)
        leaves = []
        for group in alike.values():
            at_once = 1 if self.one_by_one else len(group)
            if exact and not self.one_by_one:
                at_once = max(1, SELECTION_OUTCOMES_AT_ONCE // self.n_outcomes(group[0].size))
            for start in range(0, len(group), at_once):
                together = np.array(group[start : start + at_once])
                leaves += self._solved_together(together, exact, worthwhile)
        return leaves

    def _solved_together(self, members: IntArray, exact: bool, worthwhile: float) -> list[Leaf]:
        """Those of as many types, (B, n), and equal ties."""
        model = self.decided(members, exact)
        curves = model.accuracy.envelope(), model.value.envelope()
        envelope = replace(model, accuracy=curves[0], value=curves[1])
        start = np.maximum.accumulate(0.5 * model.reach, axis=1)
        bounds, contributions = np.full(len(members), np.inf), start.copy()
        row_prices = np.zeros_like(model.row_unit)
        cap_prices = np.zeros_like(model.costs)
        penalty = np.full(len(members), SELECTION_PENALTY)
        rows = np.arange(len(members))
        while rows.size:
            some = envelope.take(rows)
            found = relaxed(some.dense, *some.start(start[rows]), penalty[rows])
            bounds[rows] = np.minimum(bounds[rows], found.bounds)
            contributions[rows] = found.point.contributions
            row_prices[rows], cap_prices[rows] = found.row_prices, found.cap_prices
            again = found.short & (found.bounds > worthwhile) & (penalty[rows] < PENALTY_LIMIT)
            penalty[rows] *= PENALTY_GROWTH
            rows = rows[again]
        leaves = []
        for row, types in enumerate(members):
            one, bound = model.take(np.array([row])), float(bounds[row])
            part = slice(row, row + 1)
            near, prices = contributions[part], (row_prices[part], cap_prices[part])
            leaves.append(Leaf(types, one, bound, near, prices, self.autarkic(one, types)))
        return leaves

    def closer(self, leaf: Leaf, wanted: float) -> Leaf:
        """A selection whose bound by sums is replaced by one by outcomes, if they are not too many.

        Bounds need not be closer once they are below what is ``wanted``.
        """
        if self.one_by_one:
            return leaf
        problem, absent = self.problem, np.ones(self.n_types, dtype=bool)
        absent[leaf.types] = False
        p, outside = self.probabilities[leaf.types], self.probabilities[absent].sum()

        def law(bunch: IntArray) -> Expectation | None:
            given = problem.n_parties, p, problem.beliefs, bunch
            if absent.any():  # all others are a bunch of one type
                given = (
                    problem.n_parties,
                    np.append(outside, p),
                    problem.beliefs,
                    np.append(0, bunch + 1),
                )
            found = few_bunches(*given)
            return found if found is None or not absent.any() else WithoutOutsiders(found)

        curves = leaf.model.accuracy.envelope(), leaf.model.value.envelope()
        envelope = replace(leaf.model, accuracy=curves[0], value=curves[1])
        point = envelope.point(envelope.increments_of(leaf.relaxed))
        solution = Solution(point, *leaf.prices, kkt_residual(envelope, point, *leaf.prices))
        bound = bunched_bound(envelope, solution, p, law, wanted)
        return replace(leaf, bound=min(leaf.bound, bound))

    def autarkic(self, model: FirstMoment, types: IntArray) -> Solution:
        """What the types in do alone, as a menu of theirs; not always a feasible one."""
        anchor = model.in_order(self.autarky[types][None])
        point = model.point(model.increments_of(anchor))
        prices = np.zeros(point.rows.shape), np.zeros(point.caps.shape)
        return Solution(point, *prices, np.full(1, np.inf))
