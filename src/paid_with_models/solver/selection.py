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
keeping such a type costs rewards, and every other type's incentive constraints toward its option.
:func:`best_selection` decides it by branch and bound over {in, out, undecided}. A node is bounded
by a convex problem in contributions and rewards of the types that are not out, with the envelopes
of :mod:`paid_with_models.solver.bounds`. A type that is out contributes and receives 0; for every
selection, with :math:`h_i` the most that type i can contribute,

* those in satisfy IR, the cap, and IC toward every option;
* one that is undecided contributes either 0 or at most :math:`h_i`, and is paid at least
  :math:`f_i` more than its costs if it contributes: :math:`t_i - c_i m_i \ge f_i m_i / h_i`. Adding
  the same to IC, or to staying out if it is out: :math:`t_j - c_i m_j \le f_i + t_i - c_i m_i
  - f_i m_i / h_i`;
* those out want no option of the others.

The bounds :math:`h_i` fall as others are left out: :math:`h_i = (T_i(h) - f_i) / c_i`, iterated
from above. A type for which that is negative can only stay out, and more follows from who is in
and who is out before anything is solved (:mod:`paid_with_models.solver.implications`). With every
type decided the problem is that of :mod:`paid_with_models.solver.program` for the types in, with
staying out as linear constraints; where accuracy is not concave, boxes follow
(:mod:`paid_with_models.solver.boxes`).

With up to ten types to decide on, all selections are covered: at most 2,047 nodes. With more the
search may be cut short; the menu is then the best of those met (roundings of the nodes' relaxed
solutions), and the bound that of the nodes left open: proven all the same.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from ..accuracy import FloatArray, IntArray
from ..contract import GAP_TOLERANCE
from ..problem import Problem
from .closing import closed
from .implications import IN, OUT, UNDECIDED
from .menus import FEASIBILITY_TOLERANCE, Incumbents, only_menu, safely_above, settled
from .moments import Enumeration
from .one_option import single_options
from .optimality import Solution
from .participation import Leaf, Node, Participation
from .program import FirstMoment

__all__ = ["Selected", "Selection", "alone_or_out", "best_selection", "every_selection"]

#: NODES_AT_ONCE: nodes that are examined together.
NODES_AT_ONCE = 32

#: FEW_AT_ONCE: and so many where time is limited.
FEW_AT_ONCE = 4

#: NODES: most nodes that are examined, by default. With ten types to decide on there are no more.
NODES = 2_047

#: TWELVE_TYPES: with more types nodes are costlier, and fewer of them examined (by POWER).
TWELVE_TYPES, POWER = 12, 5

#: LEAST_NODES: but at least so many.
LEAST_NODES = 8

#: ENTRIES_AT_ONCE: nodes are examined together up to so many numbers in their constraints.
ENTRIES_AT_ONCE = 1_000_000

#: MOST_TYPES: with more types the linear systems of nodes would take too much memory; there is one
#: node then, bounded by the most that all types can contribute.
MOST_TYPES = 60

#: OUTCOMES_WORTH_ENUMERATING: where sums leave a gap, up to so many outcomes of a selection are
#: enumerated.
OUTCOMES_WORTH_ENUMERATING = 200_000


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


def best_selection(
    problem: Problem,
    *,
    method: str = "auto",
    max_boxes: int | None = None,
    max_nodes: int = NODES,
    deadline: float = np.inf,
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
        Most nodes; with more than twelve types fewer.
    deadline : float
        Nothing new is begun when ``time.monotonic()`` is beyond it.

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
    search = _Search(Participation(problem, method), max_boxes, deadline)
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
    fixed = Participation(problem, "enumeration")
    types = np.flatnonzero(~fixed.better_outside)
    if types.size == 0:
        return Selection(types, None, None, float(problem.accuracy(0.0)), 1)
    model = fixed.decided(types[None], exact=True)
    menu = only_menu(model, model.in_order(fixed.autarky[types][None]))
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
    fixed = Participation(problem, "enumeration")
    order = problem.costliest_first
    all_types = range(problem.n_types)
    selections = [
        np.array(types)
        for size in all_types
        for types in itertools.combinations(all_types, size + 1)
    ]
    nothing = float(problem.accuracy(0.0))
    found = []
    for leaf in fixed.solved(selections, exact=True, worthwhile=nothing):
        start = np.maximum(leaf.relaxed, 1e-6 * leaf.model.box[:, 1::2])
        best = Incumbents(leaf.menu, np.array([nothing])).improved(leaf.model, leaf.menu)
        best = best.searched(leaf.model, start, leaf.menu.point.contributions)
        types = tuple(sorted(order[leaf.types].tolist()))
        found.append(Selected(types, float(best.reached[0]), max(leaf.bound, nothing)))
    return sorted(found, key=lambda it: (-it.upper_bound, it.types))


class _Search:
    """The state of a search over selections: what has been reached, and what is left to examine."""

    def __init__(
        self, fixed: Participation, max_boxes: int | None, deadline: float = np.inf
    ) -> None:
        self.fixed, self.max_boxes, self.deadline = fixed, max_boxes, deadline
        self.reached = float(fixed.problem.accuracy(0.0))
        self.best: Leaf | None = None
        self.left = -np.inf  # the highest bound among nodes and selections that were dropped
        self.nodes: list[Node] = []
        self.count = 0
        self.leaves: dict[tuple[int, ...], Leaf] = {}

    def run(self, max_nodes: int) -> None:
        """Examine nodes, highest bounds first, until none is open or there are too many."""
        start = np.where(self.fixed.better_outside, UNDECIDED, IN)
        start[self.fixed.outside >= 1] = OUT  # not even the best model for nothing would do
        self.nodes = [Node(tuple(start.tolist()), self.fixed.problem.accuracy.optimum)]
        entries = 2 * self.fixed.n_types**3  # of a node: incentives in contributions and rewards
        at_once = max(1, min(NODES_AT_ONCE, ENTRIES_AT_ONCE // entries))
        max_nodes = min(
            max_nodes, max(LEAST_NODES, NODES * TWELVE_TYPES**POWER // self.fixed.n_types**POWER)
        )
        self.begin()
        if self.fixed.n_types > MOST_TYPES:
            self.nodes, max_nodes = [self.fixed.shrunk(self.nodes[0])[0]], 0
        if np.isfinite(self.deadline):
            at_once = min(at_once, FEW_AT_ONCE)
        while self.nodes and self.count < max_nodes and self.in_time():
            self.nodes.sort(key=lambda node: (-node.bound, node.status))
            n_now = min(at_once, max_nodes - self.count)
            some, self.nodes = self.nodes[:n_now], self.nodes[n_now:]
            self.count += len(some)
            self.examine([node for node in some if self.hopeful(node.bound)])
        for node in self.nodes:
            self.left = max(self.left, node.bound)
        self.finish()

    def begin(self) -> None:
        """Look for a first menu among those of one option, and next to it."""
        for types, asked in single_options(self.fixed):
            model = self.fixed.decided(types[None], exact=False)
            menu = only_menu(model, np.full((1, types.size), asked))
            if menu.residual[0] <= FEASIBILITY_TOLERANCE:
                prices = np.zeros_like(model.row_unit), np.zeros_like(model.costs)
                leaf = Leaf(types, model, np.inf, menu.point.contributions, prices, menu)
                known = Incumbents(menu, np.array([self.reached]))
                self.kept(leaf, known.improved(model, menu))
                if self.fixed.n_types <= MOST_TYPES:
                    self.solve([types], exact=False)
                break

    def result(self) -> Selection:
        """What has been found."""
        if self.best is None:
            bound = max(self.left, self.reached)
            return Selection(np.zeros(0, dtype=np.intp), None, None, bound, self.count)
        leaf = self.best
        reached = np.array([float(leaf.menu.point.moments.accuracy[0])])
        best = settled(leaf.model, Incumbents(leaf.menu, reached))
        # What was dropped includes this selection, so that its bound is in there.
        bound = max(self.left, float(best.reached[0]))
        return Selection(leaf.types, leaf.model, best.menus, bound, self.count)

    def hopeful(self, bound: float) -> bool:
        """Whether something with this bound may hold a better menu; if not, it is dropped."""
        if bound > self.reached + GAP_TOLERANCE:
            return True
        self.left = max(self.left, bound)
        return False

    def examine(self, nodes: list[Node]) -> None:
        """Bound nodes, try the selections that they suggest, and split them."""
        alike: dict[int, list[tuple[Node, FloatArray]]] = defaultdict(list)
        decided = []
        for node in nodes:
            smaller, most = self.fixed.shrunk(node)
            if UNDECIDED in smaller.status:
                alike[len(most) - smaller.status.count(OUT)].append((smaller, most))
            elif IN in smaller.status and self.hopeful(smaller.bound):
                decided.append(smaller)
        self.visit(decided)
        for group in alike.values():
            hopeful = [(node, most) for node, most in group if self.hopeful(node.bound)]
            if not hopeful:
                continue
            bounded = self.fixed.bounded(hopeful)
            node, shares = max(bounded, key=lambda pair: pair[0].bound)
            likely = np.where(np.array(node.status) == UNDECIDED, shares >= 0.5, node.status)
            if likely.any():
                self.visit([Node(tuple(likely.astype(int).tolist()), np.inf)])
            for node, shares in bounded:
                if self.hopeful(node.bound):
                    self.nodes += self.split(node, shares)

    def split(self, node: Node, shares: FloatArray) -> list[Node]:
        """Branch on the undecided type whose relaxed contribution is farthest from 0 and its most.

        Types with a lot outside come first.
        """
        f, undecided = self.fixed.outside, np.array(node.status) == UNDECIDED
        torn = np.where(undecided, f * shares * (1 - shares) + 1e-9 * f, -np.inf)
        k = int(np.argmax(torn))
        return [
            replace(node, status=(*node.status[:k], what, *node.status[k + 1 :]))
            for what in (IN, OUT)
        ]

    def visit(self, nodes: list[Node]) -> None:
        """Solve selections, each with somebody in, on the envelopes; and look for menus."""
        types = [np.flatnonzero(np.array(node.status) == IN) for node in nodes]
        self.solve([which for which in types if tuple(which.tolist()) not in self.leaves], False)
        for node, which in zip(nodes, types, strict=True):
            self.add(replace(self.leaves[tuple(which.tolist())], bound=node.bound))

    def solve(self, selections: list[IntArray], exact: bool) -> None:
        """Bound selections by their problems on the envelopes, and look for menus near by."""
        found = self.fixed.solved(selections, exact, self.reached + GAP_TOLERANCE)
        for leaf in sorted(found, key=lambda leaf: -leaf.bound):
            self.add(self.improved(leaf))

    def add(self, leaf: Leaf) -> None:
        """Remember what is known of a selection."""
        key = tuple(leaf.types.tolist())
        bound = self.leaves[key].bound if key in self.leaves else np.inf
        self.leaves[key] = replace(leaf, bound=min(leaf.bound, bound))

    def improved(self, leaf: Leaf) -> Leaf:
        """With the best menu near that of the envelopes, if it beats what is reached."""
        if leaf.bound <= self.reached + GAP_TOLERANCE:
            return leaf
        anchor = self.fixed.autarkic(leaf.model, leaf.types).point.contributions
        start = np.maximum(leaf.relaxed, 1e-6 * leaf.model.box[:, 1::2])
        known = Incumbents(leaf.menu, np.array([self.reached])).improved(leaf.model, leaf.menu)
        return self.kept(leaf, known.searched(leaf.model, start, anchor))

    def kept(self, leaf: Leaf, best: Incumbents) -> Leaf:
        """The selection with its best menu, which is remembered if it is the best of all."""
        leaf = replace(leaf, menu=best.menus)
        if best.reached[0] > self.reached:
            self.reached, self.best = float(best.reached[0]), leaf
        return leaf

    def in_time(self) -> bool:
        """Whether something new may begin."""
        return time.monotonic() <= self.deadline

    def open_by_sums(self) -> list[Leaf]:
        """The selections that may still hold a better menu, of those bounded by sums."""
        return [
            leaf
            for leaf in self.leaves.values()
            if leaf.bound > self.reached + GAP_TOLERANCE
            and not isinstance(leaf.model.expectation, Enumeration)
        ]

    def finish(self) -> None:
        """Lower the bounds of the selections that may still hold a better menu."""
        if self.fixed.method == "auto":  # where the error of sums may be in the way
            for leaf in self.open_by_sums():
                if self.in_time():
                    self.add(self.fixed.closer(leaf, self.reached + GAP_TOLERANCE))
            for leaf in self.open_by_sums():
                few = self.fixed.n_outcomes(leaf.types.size) <= OUTCOMES_WORTH_ENUMERATING
                if few and self.in_time() and leaf.bound > self.reached + GAP_TOLERANCE:
                    self.solve([leaf.types], exact=True)
        for leaf in sorted(self.leaves.values(), key=lambda leaf: -leaf.bound):
            if self.hopeful(leaf.bound):
                known = Incumbents(leaf.menu, np.array([self.reached]))
                anchor = self.fixed.autarkic(leaf.model, leaf.types).point.contributions
                bound = np.array([leaf.bound])
                closer = closed(
                    leaf.model, known, bound, anchor, leaf.relaxed, self.max_boxes, self.deadline
                )
                self.kept(leaf, closer.best)
                self.left = max(self.left, float(closer.bounds[0]))
