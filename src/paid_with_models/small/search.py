"""The search of the small solver: who takes part, and which outcomes count.

Types whose outside option is autarky are always in; the others are in or out (see
:mod:`paid_with_models.solver.selection` for why that is enough). A selection is solved by
exponential sums, or by enumeration and branch and bound over outcomes: an outcome *counts* (the
curve, continued by its tangent below the kink: a concave minorant), or is *lost* (nothing), or is
*open* (the concave envelope, a majorant). Each such problem is concave and any multipliers bound
it; the true problem is the best of all ways to say which outcomes count. Deciding that an outcome
counts decides all outcomes that cannot have less data.
"""

import math
from dataclasses import dataclass

from .expectation import moments
from .interior_point import Solution, follow_path, maximize
from .law import (
    COUNTS,
    LOST,
    TRUE_CURVE,
    Law,
    exponential_sum,
    number_of_outcomes,
    outcomes,
    with_status,
)
from .menus import FEASIBLE, Menu, blended, priced, tidied
from .outcome_tree import all_taken, completed, decided_with, idle_lost, most_open
from .scheme import Scheme

__all__ = [
    "EXHAUSTED",
    "PROVED",
    "PROVED_BEST",
    "SEARCHING",
    "TOO_MANY_OUTCOMES",
    "Search",
    "begin",
    "improve",
    "status",
]

#: PROVED: a menu is called best when none can beat it by more than this, in accuracy.
PROVED = 1e-8

#: What is known of a menu: see :func:`status`.
PROVED_BEST, SEARCHING, TOO_MANY_OUTCOMES, EXHAUSTED = 0, 1, 2, 3

#: FEW_OUTCOMES: so many are enumerated at once, with more of them sums come first.
FEW_OUTCOMES = 300.0

#: FIRST_WORK, FIRST_OUTCOMES: iterations times outcomes (or terms of the sum) after which the first
#: answer is given: some 10 ms; and so many outcomes are enumerated for it.
FIRST_WORK, FIRST_OUTCOMES = 30_000, 1_500.0

#: NEAR: menus that exceed caps by no more than this are worth solving for once more, with a margin
#: of so many times what they exceeded.
NEAR, MARGIN = 1e-6, 2.0

#: ROUNDS: how often the most that types can contribute lowers what they can be paid.
ROUNDS = 4


@dataclass(frozen=True, eq=False)
class Node:
    """A set of ways to say which outcomes count: some are decided, the rest is open."""

    status: list[int]
    solution: Solution
    bound: float


@dataclass(eq=False)
class Selection:
    """A selection of types, and what is known of it.

    Attributes
    ----------
    index : int
    taken : list of bool
        Who is in, of all types, costliest first.
    scheme : Scheme
    law, true_law : Law
        All outcomes open; as they are. Before they are enumerated, sums.
    exact : bool
        Whether outcomes are enumerated.
    idle : int
        How many kinds the next exponential sum takes to count for nothing.
    bound : float
        No menu for these types reaches more.
    closed : float
        The highest bound of what was looked into and left.
    anchor : list of float
        Contributions of a feasible menu; empty if none is known.
    nodes : list of Node
        What is left to look into.
    guesses : list of list of int
        Ways to say which outcomes count that may give a good menu.
    tried : dict of str to bool
        Those tried.
    pieces : int
        How often it was looked into.
    stopped : int
        Why there is nothing left to do; SEARCHING while there is.
    """

    index: int
    taken: list[bool]
    scheme: Scheme
    law: Law
    true_law: Law
    exact: bool
    idle: int
    bound: float
    closed: float
    anchor: list[float]
    nodes: list[Node]
    guesses: list[list[int]]
    tried: dict[str, bool]
    pieces: int
    stopped: int


@dataclass(eq=False)
class Search:
    """The best menu known, what no menu can exceed, and what is left to look into.

    Attributes
    ----------
    selections : list of Selection
    best : Menu
    bound : float
        No menu reaches more, whoever takes part.
    solved, iterations, work : int
        Concave problems solved; iterations; these times outcomes or terms of the sum.
    """

    selections: list[Selection]
    best: Menu
    bound: float
    solved: int
    iterations: int
    work: int

    def gap(self) -> float:
        """What a menu could be better by, in accuracy."""
        return max(0.0, self.bound - self.best.accuracy)

    def tidy(self) -> None:
        """Make the best menu look as simple as it is."""
        if self.best.selection >= 0:
            self.best = tidied(self.best)

    def count(self, law: Law, solution: Solution) -> None:
        """Add a problem to the work done."""
        terms = len(law.chance) if len(law.chance) > 0 else len(law.scheme.curve.rates)
        self.solved += 1
        self.iterations += solution.iterations
        self.work += solution.iterations * terms

    def offer(self, selection: Selection, menu: Menu) -> None:
        """Keep a menu that is feasible, if it is the best so far."""
        if menu.spare >= -FEASIBLE:
            if len(selection.anchor) == 0:
                selection.anchor = menu.m
            if menu.accuracy > self.best.accuracy:
                self.best = menu


def make_selection(index: int, taken: list[bool], scheme: Scheme) -> Selection:
    """A selection that nothing is known of."""
    first = 1 if scheme.others > 0 and scheme.curve.k > 0 else 0
    law = exponential_sum(scheme, first, False)
    top = scheme.curve.top
    no_nodes: list[Node] = []
    no_guesses: list[list[int]] = []
    none_tried: dict[str, bool] = {}
    nowhere: list[float] = []
    return Selection(
        index,
        taken,
        scheme,
        law,
        law,
        False,
        first,
        top,
        0.0,
        nowhere,
        no_nodes,
        no_guesses,
        none_tried,
        0,
        SEARCHING,
    )


def begin(selections: list[Selection]) -> Search:
    """A first answer, within milliseconds: a menu and a bound. See :func:`improve`.

    Parameters
    ----------
    selections : list of Selection
        All selections that can be best; at least one.

    Returns
    -------
    Search

    Examples
    --------
    >>> from .curve import generalization_bound
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.002, 0.001], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(9, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> search = begin([make_selection(0, [True, True], scheme)])
    >>> search.gap() <= PROVED
    True
    """
    law = selections[0].law
    curve = law.scheme.curve
    nobody: list[float] = []
    menu = Menu(-1, law, nobody, nobody, nobody, nobody, curve.base, 0.0)
    search = Search(selections, menu, curve.top, 0, 0, 0)
    for selection in selections:
        autarky = priced(selection.index, selection.law, selection.scheme.alone)
        search.offer(selection, autarky)
        if len(selections) > 1 or autarky.spare < -FEASIBLE:
            selection.bound = min(selection.bound, _ceiling(selection.law))
    _lower(search)
    while search.work < FIRST_WORK and improve(search, FIRST_OUTCOMES):
        pass
    for selection in selections:  # what was too much for a first answer need not be for a second
        if selection.stopped == TOO_MANY_OUTCOMES:
            selection.stopped = SEARCHING
    return search


def improve(search: Search, most_outcomes: float) -> bool:
    """Do the next piece of work that may close the gap.

    Parameters
    ----------
    search : Search
    most_outcomes : float
        More than so many outcomes are not enumerated.

    Returns
    -------
    bool
        Whether there may be something left to do.

    Examples
    --------
    >>> from paid_with_models.small import design, generalization_bound
    >>> costs, p = [0.6, 0.5, 0.4, 0.3], [0.1, 0.2, 0.3, 0.4]
    >>> work = design(14, p, costs, [], 60.0, generalization_bound(1.0, 1.0), False)
    >>> while improve(work.search, 10_000.0):
    ...     pass
    >>> work.search.gap() <= PROVED
    True
    """
    selection = _widest(search)
    if selection.bound <= search.best.accuracy + PROVED or selection.stopped != SEARCHING:
        return False
    _advance(search, selection, most_outcomes)
    _lower(search)
    return search.gap() > PROVED


def status(search: Search, most_outcomes: float) -> int:
    """What is known of the best menu.

    Parameters
    ----------
    search : Search
    most_outcomes : float
        As for :func:`improve`.

    Returns
    -------
    int
        ``PROVED_BEST``: no menu is better by more than ``PROVED``. ``SEARCHING``: :func:`improve`
        has something left to do. ``TOO_MANY_OUTCOMES``: what is left cannot be looked into one by
        one. ``EXHAUSTED``: rounding leaves a gap.

    Examples
    --------
    >>> from paid_with_models.small import design, generalization_bound
    >>> work = design(10, [1.0], [0.1], [], 100.0, generalization_bound(1.0, 1.0), False)
    >>> status(work.search, 10_000.0) == PROVED_BEST
    True
    """
    if search.gap() <= PROVED:
        return PROVED_BEST
    selection = _widest(search)
    if selection.stopped != SEARCHING:
        return selection.stopped
    if _sums_left(selection) or selection.exact:
        return SEARCHING
    kinds = len(selection.law.kinds)
    few = number_of_outcomes(selection.scheme.n, kinds) <= most_outcomes
    return SEARCHING if few else TOO_MANY_OUTCOMES


def _widest(search: Search) -> Selection:
    """The selection with the highest bound; of several, the one looked into least."""
    widest = search.selections[0]
    for selection in search.selections:
        more = selection.bound == widest.bound and selection.pieces < widest.pieces
        if selection.bound > widest.bound or more:
            widest = selection
    return widest


def _lower(search: Search) -> None:
    """Take the bound from the selections."""
    bound = search.best.accuracy
    for selection in search.selections:
        bound = max(bound, selection.bound)
    search.bound = min(search.bound, bound)


def _ceiling(law: Law) -> float:
    """A bound without solving anything: what the most that each type can give would train."""
    scheme, curve = law.scheme, law.scheme.curve
    size = len(scheme.cost)
    most = [0.0] * size
    none = [0.0] * size
    for i in range(size):
        most[i] = max(curve.top - scheme.outside[i], 0.0) / scheme.cost[i]
    shortfall = 0.0
    for weight in curve.weights:
        shortfall += weight
    if curve.k == 0:
        shortfall = 0.0  # the sum is the curve
    bound = curve.top
    for _ in range(ROUNDS):
        at = moments(law, most, none, False)
        bound = min(bound, at.accuracy + law.error + at.tail * shortfall)
        for i in range(size):
            room = at.values[i] + law.error + at.tails[i] * shortfall - scheme.outside[i]
            if room < -FEASIBLE:
                return curve.base  # no menu
            most[i] = min(most[i], max(room, 0.0) / scheme.cost[i])
    return bound


def _sums_left(selection: Selection) -> bool:
    """Whether there is another exponential sum to solve with."""
    if selection.exact:
        return False
    if selection.scheme.curve.k == 0:
        return selection.idle == 0
    return selection.idle < len(selection.law.kinds)


def _advance(search: Search, selection: Selection, most_outcomes: float) -> None:
    """The next piece of work on a selection."""
    selection.pieces += 1
    number = number_of_outcomes(selection.scheme.n, len(selection.law.kinds))
    bends = selection.scheme.curve.k > 0
    if not selection.exact and bends and number <= FEW_OUTCOMES:
        _enumerate(search, selection)
    elif _sums_left(selection):
        _by_sums(search, selection)
    elif not selection.exact and bends and number <= most_outcomes:
        _enumerate(search, selection)
    elif not selection.exact:
        selection.stopped = TOO_MANY_OUTCOMES if bends else EXHAUSTED
    elif len(selection.guesses) > 0:
        _solve_complete(search, selection, selection.guesses.pop())
    elif len(selection.nodes) > 0:
        _branch(search, selection)
    else:
        selection.stopped = EXHAUSTED


def _half_of_most(scheme: Scheme) -> list[float]:
    """Half of what each type would give for the best possible model, non-decreasing."""
    size = len(scheme.cost)
    level = [0.0] * size
    for i in range(size):
        room = max(scheme.curve.top - scheme.outside[i], NEAR)
        level[i] = 0.5 * room / scheme.cost[i]
        if i > 0:
            level[i] = max(level[i], level[i - 1])
    return level


def _maximized(search: Search, law: Law, enough: float) -> Solution:
    solution = maximize(law, _half_of_most(law.scheme), enough, True)
    search.count(law, solution)
    return solution


def _offer(
    search: Search, selection: Selection, pricing: Law, law: Law, solution: Solution
) -> None:
    """Offer the menu of a solution, repaired if need be."""
    menu = priced(selection.index, pricing, solution.point.m)
    if menu.spare < -FEASIBLE and menu.spare > -NEAR:
        # Solved once more, with a margin.
        again = follow_path(
            law,
            _half_of_most(law.scheme),
            -math.inf,
            solution.penalty,
            -MARGIN * menu.spare,
        )
        search.count(law, again)
        menu = blended(menu, again.point.m)
    if menu.spare < -FEASIBLE and len(selection.anchor) > 0:
        menu = blended(menu, selection.anchor)
    search.offer(selection, menu)


def _by_sums(search: Search, selection: Selection) -> None:
    """Solve with exponential sums: all outcomes count, or next time one type's more do not."""
    scheme = selection.scheme
    law = exponential_sum(scheme, selection.idle, False)
    solution = _maximized(search, law, search.best.accuracy)
    if solution.point.moments.accuracy > search.best.accuracy:
        _offer(search, selection, law, law, solution)
    if selection.idle > (1 if scheme.others > 0 else 0):
        law = exponential_sum(scheme, selection.idle, True)
        solution = _maximized(search, law, search.best.accuracy)
    selection.bound = min(selection.bound, max(solution.bound, search.best.accuracy))
    selection.idle += 1


def _enumerate(search: Search, selection: Selection) -> None:
    """Enumerate: the root of branch and bound, and first guesses of which outcomes count."""
    scheme = selection.scheme
    selection.exact = True
    selection.law = outcomes(scheme)
    selection.true_law = with_status(selection.law, all_taken(selection.law, TRUE_CURVE))
    if search.best.selection == selection.index:
        search.offer(selection, priced(selection.index, selection.true_law, search.best.m))
    search.offer(selection, priced(selection.index, selection.true_law, scheme.alone))
    solution = _maximized(search, selection.law, search.best.accuracy)
    selection.bound = min(selection.bound, max(solution.bound, search.best.accuracy))
    if selection.bound <= search.best.accuracy:
        return
    _offer(search, selection, selection.true_law, selection.law, solution)
    selection.nodes.append(Node(selection.law.status, solution, selection.bound))
    kinds = len(selection.law.kinds)
    for idle in range(1, kinds):  # the first so many kinds need not count on their own
        selection.guesses.append(idle_lost(selection.law, idle))
    selection.guesses.append(completed(selection.law, selection.law.status, solution.point.m))


def _solve_complete(search: Search, selection: Selection, complete: list[int]) -> None:
    """The best menu when it is decided which outcomes count: a menu of the true problem."""
    key = "".join([str(mode) for mode in complete])
    if key in selection.tried:
        return
    selection.tried[key] = True
    law = with_status(selection.law, complete)
    solution = _maximized(search, law, search.best.accuracy + 0.1 * PROVED)
    if solution.bound > search.best.accuracy:
        _offer(search, selection, selection.true_law, law, solution)


def _branch(search: Search, selection: Selection) -> None:
    """Split the node with the highest bound by one outcome: it counts, or is lost."""
    first = 0
    for i in range(len(selection.nodes)):
        if selection.nodes[i].bound > selection.nodes[first].bound:
            first = i
    node = selection.nodes[first]
    last = selection.nodes.pop()
    if first < len(selection.nodes):
        selection.nodes[first] = last
    outcome = -1
    if node.bound > search.best.accuracy + PROVED:
        outcome = most_open(selection.law, node.status, node.solution)
    if outcome < 0:
        selection.closed = max(selection.closed, node.bound)
    else:
        for mode in [COUNTS, LOST]:
            decided = decided_with(selection.law, node.status, outcome, mode)
            law = with_status(selection.law, decided)
            solution = _maximized(search, law, search.best.accuracy + 0.5 * PROVED)
            bound = min(node.bound, solution.bound)
            if bound > search.best.accuracy + PROVED:
                _offer(search, selection, selection.true_law, law, solution)
                selection.guesses.append(completed(selection.law, decided, solution.point.m))
                selection.nodes.append(Node(decided, solution, bound))
            else:
                selection.closed = max(selection.closed, bound)
    bound = selection.closed
    for other in selection.nodes:
        bound = max(bound, other.bound)
    selection.bound = min(selection.bound, bound)
