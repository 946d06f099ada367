"""Menus that satisfy every constraint of the first-moment problem, and the best one known.

The solver of :mod:`paid_with_models.solver.interior_point` proposes; here proposals are turned into
menus that are feasible to rounding, and the best one known is kept. Batched throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..accuracy import BoolArray, FloatArray, IntArray
from .dense import Point
from .interior_point import finished, maximize
from .optimality import Solution, choose, kkt_residual
from .program import FirstMoment

__all__ = ["Incumbents", "only_menu", "priced", "repaired", "safely_above", "satisfies", "settled"]


#: FEASIBILITY_TOLERANCE: violation of a cap or row, in its unit, that counts as rounding.
FEASIBILITY_TOLERANCE = 1e-12

#: MARGINS: by how much outside options are raised, one after the other, to find menus with room to
#: spare.
MARGINS = (1e-10, 1e-7)

#: NEARLY_FEASIBLE: residual of a solution up to which that is tried.
NEARLY_FEASIBLE = 1e-6

#: PARTS: in so many parts the way from a feasible menu to one that is not is cut, again and again.
PARTS = 16

#: FINEST: down to this part of the way.
FINEST = 1e-9

#: ZERO_SHARE: contributions below this share of the menu's largest are set to zero.
ZERO_SHARE = 1e-12

#: NEEDS_OWN_PRICES: residual of a menu above which prices of its own are computed.
NEEDS_OWN_PRICES = 1e-10

#: ACCURACY_WORTH_NOTHING: most accuracy that either may cost: what violations that count as
#: rounding can be worth.
ACCURACY_WORTH_NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class Incumbents:
    """The best menus known for a batch of problems.

    Attributes
    ----------
    menus : Solution
    reached : (B,) ndarray
        Expected accuracy that a feasible menu reaches: that of ``menus``, or of something known
        from elsewhere that a new menu has to beat; -inf if nothing is known.
    """

    menus: Solution
    reached: FloatArray

    def improved(self, problem: FirstMoment, found: Solution) -> Incumbents:
        """With the menus found, where they are feasible and train a better model."""
        accuracy = found.point.moments.accuracy
        gains = (accuracy > self.reached) & satisfies(problem, found.point)
        if not gains.any():
            return self
        menus = choose(problem, gains, self.menus, found)
        return Incumbents(menus, np.where(gains, accuracy, self.reached))

    def take(self, problem: FirstMoment, rows: IntArray) -> Incumbents:
        """Those of some rows, as menus of ``problem``."""
        return Incumbents(self.menus.take(problem, rows), self.reached[rows])

    def updated(self, problem: FirstMoment, rows: IntArray, some: Incumbents) -> Incumbents:
        """With those of some rows replaced."""
        reached = self.reached.copy()
        reached[rows] = some.reached
        menus = _updated(problem, self.menus, rows, some.menus, np.arange(rows.size))
        return Incumbents(menus, reached)

    def searched(self, problem: FirstMoment, start: FloatArray, anchor: FloatArray) -> Incumbents:
        """With the local optima reached from contributions (B, I) > 0."""
        return self.improved(problem, repaired(problem, maximize(problem, start), anchor))


def satisfies(problem: FirstMoment, point: Point) -> BoolArray:
    """Which menus of the batch satisfy every cap and every row, (B,)."""
    rows = point.rows / problem.row_unit
    return np.asarray(
        np.all(point.caps >= -FEASIBILITY_TOLERANCE, axis=1)
        & np.all(rows >= -FEASIBILITY_TOLERANCE, axis=1)
    )


def priced(problem: FirstMoment, contributions: FloatArray, prices: Solution) -> Solution:
    """The menus with these contributions and least rewards, with prices from elsewhere."""
    point = problem.point(problem.increments_of(contributions))
    residual = kkt_residual(problem, point, prices.row_prices, prices.cap_prices)
    return Solution(point, prices.row_prices, prices.cap_prices, residual)


def only_menu(problem: FirstMoment, contributions: FloatArray) -> Solution:
    """The menus with these contributions and least rewards, where there are no others.

    Then no prices need exist, and the residual is that of feasibility alone.
    """
    point = problem.point(problem.increments_of(contributions))
    rows, caps = np.zeros(point.rows.shape), np.zeros(point.caps.shape)
    violation = np.hstack([point.rows / problem.row_unit, point.caps])
    return Solution(point, rows, caps, np.maximum(-violation, 0.0).max(axis=1))


def repaired(problem: FirstMoment, solution: Solution, anchor: FloatArray) -> Solution:
    """The solution's menus with least rewards, made feasible where they are not.

    They are drawn toward the anchor until they fit. Where the anchor does not fit itself and
    the solution nearly does, the problem is solved anew with slightly better outside options,
    which leaves all constraints of the problem itself room. What does not fit even so comes back
    as it was.

    Parameters
    ----------
    problem : FirstMoment
    solution : Solution
    anchor : (B, I) ndarray
        Contributions of feasible menus, such as autarky where that is one.
    """
    wanted = solution.point.contributions

    def menu(share: FloatArray) -> tuple[Solution, BoolArray]:
        blend = priced(problem, anchor + share[:, None] * (wanted - anchor), solution)
        return blend, satisfies(problem, blend.point)

    whole, fits = menu(np.ones(len(wanted)))
    if np.all(fits):
        return whole
    anchored = menu(np.zeros(len(wanted)))[1]
    low, width = np.where(fits, 1.0, 0.0), 1.0
    inside = np.linspace(0, 1, PARTS + 1)[1:-1]
    rows, n = np.repeat(np.arange(len(wanted)), inside.size), len(wanted)
    each = problem.take(rows) if np.any(anchored & ~fits) else problem
    while width > FINEST and np.any(anchored & ~fits):  # as far as they fit, to the next part
        shares = low[:, None] + width * inside
        blends = anchor[rows] + shares.reshape(-1, 1) * (wanted - anchor)[rows]
        fit = satisfies(each, each.point(each.increments_of(blends))).reshape(n, -1)
        low = np.where(fits, 1.0, low + width / PARTS * np.logical_and.accumulate(fit, 1).sum(1))
        width /= PARTS
    result = menu(np.where(fits | ~anchored, 1.0, low))[0]
    fits |= anchored | ~(solution.residual <= NEARLY_FEASIBLE)
    start = np.maximum(wanted, 1e-6 * problem.reach)
    for margin in MARGINS:
        rest = np.flatnonzero(~fits)
        if rest.size == 0:
            break
        some = problem.take(rest)
        roomy = replace(some, reservation_utilities=some.reservation_utilities + margin)
        found = maximize(roomy, start[rest])
        found = priced(some, found.point.contributions, found)
        good = satisfies(some, found.point)
        fits[rest] = good
        result = _updated(problem, result, rest[good], found, np.flatnonzero(good))
    return result


def safely_above(problem: FirstMoment, best: Incumbents) -> FloatArray:
    """What the best menus reach, (B,), and by how much that may be rounded down."""
    at = best.menus.point.contributions
    wrong = problem.expectation.uncertainty(problem.accuracy, problem.value, at)
    return np.minimum(best.reached + wrong.accuracy, problem.accuracy.optimum)


def settled(problem: FirstMoment, best: Incumbents) -> Incumbents:
    """The best menus as they are returned: tiny contributions set to zero, with their own prices.

    Nothing is changed that would cost feasibility, or more accuracy than rounding.
    """

    def taken(best: Incumbents, rows: IntArray, found: Solution) -> Incumbents:
        accuracy = found.point.moments.accuracy
        good = satisfies(problem.take(rows), found.point)
        good &= accuracy >= best.reached[rows] - ACCURACY_WORTH_NOTHING
        menus = _updated(problem, best.menus, rows[good], found, np.flatnonzero(good))
        reached = best.reached.copy()
        reached[rows[good]] = accuracy[good]
        return Incumbents(menus, reached)

    m = best.menus.point.contributions
    tiny = (m > 0) & (m < ZERO_SHARE * m.max(axis=1, keepdims=True))
    rows = np.flatnonzero(tiny.any(axis=1))
    if rows.size:
        some = problem.take(rows)
        without = np.where(tiny, 0.0, m)[rows]
        best = taken(best, rows, priced(some, without, best.menus.take(some, rows)))
    if not problem.forms_matrices:  # solved on its own, with prices of its own
        return best
    for row in np.flatnonzero(best.menus.residual > NEEDS_OWN_PRICES):
        rows = np.array([row])
        some = problem.take(rows)
        found = finished(some, best.menus.take(some, rows))
        best = taken(best, rows, priced(some, found.point.contributions, found))
    return best


def _updated(
    problem: FirstMoment, whole: Solution, rows: IntArray, some: Solution, which: IntArray
) -> Solution:
    """Solutions of a batch, those of some rows replaced by some (``which``) of another batch."""
    if rows.size == 0:
        return whole
    place = np.zeros(len(whole.residual), dtype=np.intp)
    swap = np.zeros(len(whole.residual), dtype=bool)
    place[rows], swap[rows] = which, True
    return choose(problem, swap, whole, some.take(problem, place))
