r"""Global optima of many types and few parties: branch and bound over classes of outcomes.

What :mod:`paid_with_models.solver.outcomes` does outcome by outcome, done where these are too many
to list. Optimal menus bunch, and what is collected depends only on how many parties turn up in each
*group* of neighboring types that have one option: such a vector of numbers is a *class* of
outcomes, from that in which all members of each group are the costliest to that in which they are
the cheapest.

A part of the menus is given by outcomes of which is said that they *count* (they collect at least
the data of the kink) or are *lost* (at most so much). Contributions are non-decreasing, so that
whoever has as many parties of each type or cheaper ones counts as well, and whoever has no more is
lost. A class counts if its least outcome does for certain, is lost if its greatest is, and is
*open* otherwise: then the envelope stands for all of its outcomes. In each case one concave curve
is on or above a in all outcomes of a class, so that the part's problem is concave *for all menus*,
bunched or not, and any multipliers bound it (:func:`paid_with_models.solver.bounds.dual_bound`).
Expectations and their slopes, which a bound needs at one menu only, are exact at menus that bunch
in the groups (:class:`paid_with_models.solver.bunches.BunchedEnumeration`).

Multipliers come from the problem with one option for each group, which is small. Where its menu
would gain from parting a group the gradient of the whole problem shows it: the group is parted.
"""

from __future__ import annotations

import heapq
import itertools
import time
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..accuracy import Curve, FloatArray, IntArray
from .active_set import active_set_finish
from .bounds import Relaxation, dual_bound, relaxed
from .branching import PENALTY, PENALTY_GROWTH, PENALTY_LIMIT
from .bunches import MOST_TYPES
from .dense import Dense, Point
from .menus import Incumbents, priced, safely_above, satisfies
from .optimality import Solution, assessed
from .outcome_classes import Groups, Parties, Said, most_groups
from .outcomes import COUNTS, LOST, OPEN, decided, flat_then_concave
from .program import FirstMoment, by_matrices

__all__ = ["Classed", "classed", "has_classes"]
#: FEWEST_GROUPS: with fewer groups there is too little to be said.
FEWEST_GROUPS = 4

#: FEW_TYPES: with up to so many types outcomes are few.
FEW_TYPES = 3

#: ROUNDS: most times that groups of a part's problem are changed.
ROUNDS = 9

#: BUDGET: numbers that may be gone through for all parts of a problem: some seconds.
BUDGET = 25_000_000

#: NEARLY: what parting groups could gain does not matter below this share of the gap.
NEARLY = 0.1

#: JUMP: contributions further apart than this, relative to the largest, are options of their own.
JUMP = 1e-6

#: LARGE_JUMP: with which groups begin; they are parted where that counts.
LARGE_JUMP = 0.02

#: MARGIN: by how much first utilities are raised, so that menus found are feasible to rounding.
MARGIN = 1e-11

#: VIOLATED: a constraint left out is taken in if it is violated by more.
VIOLATED = 1e-10

#: CLAIM: an open class is decided if the envelope claims more than this there, in accuracy.
CLAIM = 1e-13

#: NO_MATTER: a residual that nobody reads.
NO_MATTER = np.zeros(1)

#: CANDIDATES: so many open classes are looked at before one is decided.
CANDIDATES = 32

#: WORTH_A_TRY: menus on the curves are tried where relaxed ones are short of the best by less.
WORTH_A_TRY = 0.02


@dataclass(frozen=True, eq=False)
class Classed:
    """What is found.

    Attributes
    ----------
    model : FirstMoment or None
        The problem with exact expectations of menus that bunch as the best one does; None if no
        menu is better than what was known.
    best : Incumbents
        The best menu known, in the model.
    bound : float
        No menu has a higher expected accuracy.
    parts : int
        How many parts were bounded.
    """

    model: FirstMoment | None
    best: Incumbents
    bound: float
    parts: int


@dataclass(frozen=True, eq=False)
class _Part:
    """Menus for which some outcomes count and some are lost.

    Attributes
    ----------
    bound : float
    said : tuple of Said
    groups : Groups
    contributions : (I,) ndarray
        About those of the menu that its bound is taken at.
    claims : (K,) ndarray
        What envelopes claim there beyond the curves, class by class.
    """

    bound: float
    said: tuple[Said, ...]
    groups: Groups
    contributions: FloatArray
    claims: FloatArray


@dataclass
class _Search:
    """A problem of one row, what is known of it, and its groups so far."""

    problem: FirstMoment
    who: Parties
    model: FirstMoment
    best: Incumbents
    tolerance: float
    spent: int = 0
    parts: int = 0

    def __post_init__(self) -> None:
        self.known: dict[tuple[int, ...], Groups] = {}
        self.tried: set[tuple[tuple[int, ...], bytes]] = set()
        self.dense = replace(self.problem, form=by_matrices).dense
        self.kink = self.problem.accuracy.smooth_from
        self.most = most_groups(self.who.number)

    @property
    def reached(self) -> float:
        """Expected accuracy of the best menu known."""
        return float(self.best.reached[0])

    @property
    def menu(self) -> FloatArray:
        """Its contributions, (I,)."""
        return np.asarray(self.best.menus.point.contributions[0])

    def may_hold(self, part: _Part) -> bool:
        """Whether a part may hold a menu that is better by more than the tolerance."""
        return part.bound > self.reached + self.tolerance

    def ended(self, max_parts: int | None) -> bool:
        """Whether enough parts were bounded."""
        return self.spent > BUDGET if max_parts is None else self.parts >= max_parts

    def spend(self, groups: Groups) -> None:
        """Count what it takes to solve a problem of these groups, about."""
        n_outcomes, n_groups = groups.law.counts.shape
        self.spent += n_outcomes * (10 * n_groups + groups.law.bunch.size)

    def groups(self, starts: tuple[int, ...]) -> Groups:
        """Groups that start at some types, made once."""
        if starts not in self.known:
            self.known[starts] = Groups.of(self.who, starts)
        return self.known[starts]

    def grouped(
        self, contributions: FloatArray, required: list[int], wanted: list[int], jump: float
    ) -> Groups:
        """Groups that start where required, the last first, and where contributions jump most.

        And where wanted, if there is room.
        """
        jumps = np.diff(contributions, prepend=contributions[0])
        apart = np.flatnonzero(jumps > jump * contributions.max())
        apart = apart[np.argsort(-jumps[apart], kind="stable")]
        starts = {0}
        for k in (*reversed(required), *apart.tolist(), *wanted):
            if len(starts) < self.most:
                starts.add(int(k))
        return self.groups(tuple(sorted(starts)))

    def fine(self, groups: Groups, status: npt.NDArray[np.int8], said: tuple[Said, ...]) -> Dense:
        """The problem of all types, with curves as classes are said to take them."""
        accuracy, value = self.curves(status)
        dense = replace(self.dense, expectation=groups.law, accuracy=accuracy, value=value)
        if not said:
            return dense
        sides = np.array([1.0 if one.counts else -1.0 for one in said])
        numbers = np.array([one.numbers for one in said]) / self.kink
        rows = (sides[:, None] * numbers) @ dense.contributions
        one = np.ones((1, len(said)))
        return replace(
            dense,
            row_jacobian=np.concatenate([dense.row_jacobian, rows[None]], axis=1),
            row_offset=np.hstack([dense.row_offset, sides[None]]),
            row_unit=np.hstack([dense.row_unit, one]),
            row_elastic=np.hstack([dense.row_elastic, one]),
        )

    def seeing(self, fine: Dense, groups: Groups, contributions: FloatArray) -> IntArray:
        """In each group the type whose cap is least for menus like this one, (G,)."""
        alike = groups.law.alike(contributions[None])[groups.law.bunch]
        moments = groups.law.moments(fine.accuracy, fine.value, alike[None])
        return groups.least(moments.values[0])

    def curves(self, status: npt.NDArray[np.int8]) -> tuple[Curve, Curve]:
        """Accuracy and value as classes are said to take them."""
        return decided(self.problem.accuracy, status), decided(self.problem.value, status)

    def start(self, groups: Groups) -> tuple[FloatArray, FloatArray]:
        """Variables of a restricted problem to start from, and the scale of each."""
        keen = np.maximum.accumulate(0.5 * self.problem.reach, axis=1)
        x, size = self.problem.start(keen)
        return x[:, groups.columns], size[:, groups.columns]


def has_classes(problem: FirstMoment, n_parties: int) -> bool:
    """Whether :func:`classed` can search for the menus of a problem."""
    n_types = problem.costs.shape[1]
    return (
        FEW_TYPES < n_types <= MOST_TYPES
        and most_groups(n_parties) >= FEWEST_GROUPS
        and not any(problem.chain.ties)
        and all(flat_then_concave(curve) for curve in (problem.accuracy, problem.value))
    )


def _restricted(
    fine: Dense, curves: tuple[Curve, Curve], groups: Groups, caps: IntArray, rows: IntArray
) -> Dense:
    """The same with one option for each group, the cap of one type of each, and some rows."""
    columns, starts = groups.columns, groups.starts
    return replace(
        fine,
        expectation=groups.seen_by(caps),
        accuracy=curves[0],
        value=curves[1],
        contributions=fine.contributions[starts][:, columns],
        reward_jacobian=fine.reward_jacobian[:, starts][:, :, columns],
        row_jacobian=fine.row_jacobian[:, rows][:, :, columns],
        row_offset=fine.row_offset[:, rows],
        row_unit=fine.row_unit[:, rows],
        row_elastic=fine.row_elastic[:, rows],
        box=fine.box[:, columns],
        chain_limits=None,
        reach=fine.reach[:, starts],
        live=fine.live[columns],
        price=fine.price[columns],
    )


def _bounded(search: _Search, part: _Part) -> _Part:
    """The part with a bound of its own, and groups that suit the menu it is taken at."""
    problem, said, near = search.problem, part.said, part.contributions
    n_types = problem.costs.shape[1]
    n_ir = n_types - 1
    required = [int(k) for one in said for k in one.parts_at]
    groups = search.grouped(near, required, [], LARGE_JUMP)
    tried, parted_at = {groups.key}, list[int]()
    caps, rows, penalty = None, set[int](), PENALTY
    for _ in range(ROUNDS):
        status = groups.status(said)
        fine = search.fine(groups, status, said)
        if caps is None:
            caps = search.seeing(fine, groups, near)
        rows |= {int(k) - 1 for k in (*groups.starts, *groups.lasts) if k > 0}
        kept = np.array([*sorted(rows), *range(n_ir, n_ir + len(said))], dtype=np.intp)
        small = _restricted(fine, search.curves(status[None]), groups, caps, kept)
        found = relaxed(small, *search.start(groups), np.array([penalty]))
        search.spend(groups)
        search.parts += 1
        if found.short[0] and penalty < PENALTY_LIMIT:
            penalty *= PENALTY_GROWTH
            continue
        point, row_prices, cap_prices = _whole(fine, groups, caps, kept, found)
        near = point.contributions[0]
        bound = min(part.bound, float(dual_bound(fine, point, row_prices, cap_prices)[0]))
        claims = _claims(problem, groups, status, point.contributions, cap_prices)
        part = _Part(bound, said, groups, near, claims)
        if not search.may_hold(part):
            break
        # What would gain from parting a group, as the bound does not know how little.
        gain = np.maximum(fine.gradient(point, row_prices, cap_prices)[0], 0.0) * fine.box[0]
        gain[groups.columns] = 0.0
        gains = gain[0::2] + gain[1::2]
        missed = set(np.flatnonzero(point.rows[0, :n_ir] < -VIOLATED).tolist()) - rows
        rows |= missed
        if bound - found.bounds[0] <= NEARLY * (bound - search.reached):
            least = groups.least(point.caps[0])
            violated = (point.caps[0, least] < -VIOLATED) & (least != caps)
            if not violated.any() and not missed:
                break
            caps = np.where(violated, least, caps)
            continue
        largest = np.argsort(-gains)[:2]
        wanted = largest[gains[largest] > 0.1 * gains.max()].tolist()
        groups, caps = search.grouped(near, [*required, *wanted], parted_at, JUMP), None
        if groups.key in tried:
            break
        tried.add(groups.key)
        parted_at = [*wanted, *parted_at]
    return part


def _whole(
    fine: Dense, groups: Groups, caps: IntArray, rows: IntArray, found: Relaxation | Solution
) -> tuple[Point, FloatArray, FloatArray]:
    """The menu and the prices of a restricted problem as those of all types."""
    x = np.zeros((1, fine.live.size))
    x[:, groups.columns] = found.point.increments
    row_prices, cap_prices = np.zeros_like(fine.row_offset), np.zeros_like(fine.reach)
    row_prices[:, rows], cap_prices[:, caps] = found.row_prices, found.cap_prices
    return fine.point(x), row_prices, cap_prices


def _claims(
    problem: FirstMoment,
    groups: Groups,
    status: npt.NDArray[np.int8],
    menu: FloatArray,
    cap_prices: FloatArray,
) -> FloatArray:
    """What the envelopes claim beyond the curves in open classes, as much as each counts, (K,)."""
    law, a, v = groups.law, problem.accuracy, problem.value
    open_ = np.flatnonzero(status == OPEN)
    totals = np.maximum(law.counts[open_] @ law.alike(menu), 0.0)
    seen = cap_prices[0] @ law.conditional[:, open_] / problem.value_unit
    claims = np.zeros(status.size)
    claims[open_] = law.weights[open_] * (a.envelope()(totals) - a(totals))
    claims[open_] += seen * (v.envelope()(totals) - v(totals))
    return claims


def _improved(search: _Search, groups: Groups, near: FloatArray) -> None:
    """Try the best menu with these groups for which those outcomes count that do in another."""
    problem, law, n_ir = search.problem, groups.law, search.problem.costs.shape[1] - 1
    totals = np.maximum(law.counts @ law.alike(near[None]), 0.0)
    status = np.where(totals > search.kink, COUNTS, LOST).astype(np.int8)
    key, about = (groups.key, status.tobytes()), float(law.weights @ problem.accuracy(totals))
    if key in search.tried or about < search.reached - WORTH_A_TRY:
        return
    search.tried.add(key)
    model = replace(problem, expectation=law, form=by_matrices)
    fine, rows = search.fine(groups, status, ()), np.arange(n_ir)
    caps = search.seeing(fine, groups, near)
    for _ in range(ROUNDS):
        small = _restricted(fine, search.curves(status[None]), groups, caps, rows)
        small = replace(small, reward_offset=small.reward_offset + MARGIN)
        found = relaxed(small, *search.start(groups), np.array([PENALTY]))
        search.spend(groups)
        prices = found.row_prices, found.cap_prices
        end = active_set_finish(small, assessed(small, found.point, *prices))
        point, row_prices, cap_prices = _whole(fine, groups, caps, rows, end)
        menu = priced(
            model, point.contributions, Solution(point, row_prices, cap_prices, NO_MATTER)
        )
        reached = menu.point.moments.accuracy
        if satisfies(model, menu.point)[0]:
            if reached[0] > search.reached:
                search.model, search.best = model, Incumbents(menu, reached)
            return
        least = groups.least(menu.point.caps[0])
        violated = (menu.point.caps[0, least] < 0) & (least != caps)
        if not violated.any():
            return
        caps = np.where(violated, least, caps)


def _split(search: _Search, part: _Part) -> list[_Part]:
    """The part in two, by an outcome of a class for which the envelope claims much.

    If it holds the best menu known one of the two has all decided for certain as that menu has it,
    as far as can be; otherwise its groups are halved.
    """
    groups, said, best = part.groups, part.said, search.menu
    inside = all(one.holds(best, search.kink) for one in said)
    width = groups.lasts - groups.starts
    order = np.argsort(-part.claims, kind="stable")[:CANDIDATES]
    for k in order[part.claims[order] > CLAIM]:
        numbers = groups.law.counts[k]
        there = np.flatnonzero(numbers)
        outcomes = []
        for share in np.linspace(0, 1, int(width.max()) + 1):
            at = groups.starts + np.round(share * width).astype(int)
            tails = np.cumsum(np.bincount(at[there], numbers[there], best.size)[::-1])[::-1]
            if not any(one.implies(tails) for one in said):
                outcomes.append(Said(tails, False))
        if not outcomes:
            continue
        chosen = outcomes[len(outcomes) // 2]
        if inside:
            lost = [one for one in outcomes if one.holds(best, search.kink)]
            chosen = lost[-1] if lost else outcomes[0]
        pair = replace(chosen, counts=True), chosen
        return [replace(part, said=(*said, one)) for one in pair]
    return []


def classed(
    problem: FirstMoment,
    who: Parties,
    near: FloatArray,
    bound: float,
    reached: float,
    *,
    tolerance: float,
    max_parts: int | None = None,
    deadline: float = np.inf,
) -> Classed:
    """Search for a menu that is better than the best one known until none can be by more.

    Parameters
    ----------
    problem : FirstMoment
        A batch of one, both curves flat and then concave, no two costs equal.
    who : Parties
        Who turns up.
    near : (I,) ndarray
        Contributions of a menu to begin at: about that of the best menu on the envelopes.
    bound, reached : float
        Known already: no menu has a higher expected accuracy, and one has this.
    tolerance : float
        The search ends when no menu can be better by more.
    max_parts : int, optional
        Most parts that are bounded; by default what takes some seconds.
    deadline : float
        Nothing new is begun when ``time.monotonic()`` is beyond it.
    """
    point = problem.point(np.zeros_like(problem.box))
    nothing = Solution(point, np.zeros_like(point.rows), np.zeros_like(point.caps), NO_MATTER)
    best = Incumbents(nothing, np.full(1, reached))
    search = _Search(problem, who, problem, best, tolerance)
    groups = search.grouped(near, [], [], JUMP)
    _improved(search, groups, near)
    whole, tick = _Part(bound, (), groups, near, np.zeros(0)), itertools.count()
    fresh, waiting, left = [whole], list[tuple[float, int, _Part]](), -np.inf
    while fresh:
        for part in fresh:
            if search.ended(max_parts) or time.monotonic() > deadline:
                left = max(left, part.bound)
                continue
            part = _bounded(search, part)
            if search.may_hold(part):
                _improved(search, part.groups, part.contributions)
            heapq.heappush(waiting, (-part.bound, next(tick), part))
        fresh = []
        while waiting and not fresh:
            part = heapq.heappop(waiting)[2]
            fresh = _split(search, part) if search.may_hold(part) else []
            if not fresh:  # the parts that are left have lower bounds
                left = max(left, part.bound)
    if search.reached <= reached:
        return Classed(None, search.best, min(bound, max(left, reached)), search.parts)
    safe = float(safely_above(search.model, search.best)[0])
    return Classed(search.model, search.best, min(bound, max(left, safe)), search.parts)
