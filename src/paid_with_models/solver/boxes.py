r"""Global optima where accuracy is not concave: branch and bound over boxes of contributions.

For curves that are flat and then concave, :mod:`paid_with_models.solver.outcomes` is faster; boxes
serve all other S-shaped curves, such as those under a convex valuation.

The envelope problem of :mod:`paid_with_models.solver.bounds` bounds every menu, but its bound is
open where outcomes fall below the tangent point. On a *box* :math:`l \le m \le h` an outcome n
collects between :math:`L = n \cdot l` and :math:`R = n \cdot h`, so the curves need concave
envelopes on [L, R] only, an interval of its own for every outcome. Those of an S-shaped curve are
(:class:`LocalEnvelope`)

* the chord from L to R, if the tangent from L touches beyond R;
* the tangent from L up to the point where it touches, then the curve;
* the curve itself, if it is concave from L on.

They are on or above the curve, equal to it at both ends, and *equal to it throughout* where [L, R]
lies in the flat or in the concave part. With them the first-moment problem on the box is convex,
and any multipliers bound all its menus (:func:`paid_with_models.solver.bounds.dual_bound`). Boxes
whose bound does not beat the best menu known are dropped, the others are halved, so what is left
around a menu shrinks until the envelopes are exact: as long as no outcome of the best menus sits
on the convex part the search ends after finitely many boxes, otherwise the bound falls with the
square of the box.

**Boxes without menus.** Before anything is solved, boxes shrink: rewards are at least what
outside options and the lower ends ask for, caps at most what the upper ends allow, so
:math:`m_i \le (T_i(h) - \underline u_i) / c_i`; contributions are non-decreasing; and a box whose
upper end trains no better model is dropped. A problem on a box can still have no menu, or only
one (no collaboration, say), and multipliers that grow without limit. So it is solved with
*elastic* caps, :math:`T_i + e \ge t_i` at a price of :math:`\rho e` in the objective (and so for
constraints that make types stay out): always feasible, multipliers at most :math:`\rho`, and no
less safe, because the bound holds for all multipliers. The penalty rises down the tree where it
was too low.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from ..accuracy import FloatArray, IntArray
from .bounds import relaxed
from .branching import PENALTY, Closed, Parts
from .envelopes import LocalEnvelope
from .menus import Incumbents, priced, safely_above, satisfies
from .moments import Enumeration
from .program import FirstMoment, Rows

__all__ = ["Boxes", "best_blends", "close_gaps", "shrunk"]

#: BOX_OUTCOMES_AT_ONCE: boxes are solved together up to this number of outcomes: enough for NumPy
#: to be busy, little enough for the cache.
BOX_OUTCOMES_AT_ONCE = 40_000

#: BOXES_AT_ONCE: but at least so many.
BOXES_AT_ONCE = 8

#: NARROW: ends of a box closer than this, relative to what a type can contribute, are not apart.
NARROW = 1e-12

#: SUM_ROUNDING: covers the roundings of the sums by which boxes shrink, whose terms are of size 1.
SUM_ROUNDING = 1e-14

#: SHARES: menus of relaxed problems are tried as they are, and so far on the way to the anchor.
SHARES = (0.0, 1e-9, 1e-7, 1e-5, 1e-3, 1e-2, 1e-1)

#: WORTH_A_SEARCH: a local search follows where one of these gains so much accuracy.
WORTH_A_SEARCH = 1e-10

#: SHRINKING_ROUNDS: how often ends of a box that have moved may move others.
SHRINKING_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Boxes(Parts):
    """Boxes of contributions of some problems of a batch.

    Attributes
    ----------
    lower, upper : (M, I) ndarray
        Ends, units of data.
    split : (M,) ndarray of int
        The type whose contribution to halve next.
    at : (M,) ndarray
        Where, units of data.
    """

    lower: FloatArray
    upper: FloatArray
    split: IntArray
    at: FloatArray

    def halves(self) -> Boxes:
        """Both halves of every box."""
        rows = np.arange(self.row.size)
        upper, lower = self.upper.copy(), self.lower.copy()
        upper[rows, self.split] = self.at
        lower[rows, self.split] = self.at
        return Boxes.join([replace(self, upper=upper), replace(self, lower=lower)])


def close_gaps(
    problem: FirstMoment,
    best: Incumbents,
    bounds: FloatArray,
    anchor: FloatArray,
    *,
    tolerance: float,
    max_boxes: int,
    deadline: float = np.inf,
) -> Closed:
    """Search for menus better than the best known ones until none can be better by more.

    Parameters
    ----------
    problem : FirstMoment
        With the curves themselves, both S-shaped, and enumerated outcomes.
    best : Incumbents
    bounds : (B,) ndarray
        Upper bounds known already.
    anchor : (B, I) ndarray
        Contributions of feasible menus, toward which others are drawn to become feasible.
    tolerance : float > 0
        Gap in expected accuracy at which a problem is left.
    max_boxes : int
        Most boxes for each problem (a round is finished); the bounds say what is open then.
    deadline : float
        Nothing new is begun when ``time.monotonic()`` is beyond it.

    Returns
    -------
    Closed
    """
    expectation = problem.expectation
    assert isinstance(expectation, Enumeration)
    n_rows, n_types = problem.costs.shape
    if max_boxes <= 0:
        return Closed(best, bounds, np.zeros(n_rows, dtype=np.intp))
    batch = max(BOXES_AT_ONCE, BOX_OUTCOMES_AT_ONCE // len(expectation.counts))
    used = np.zeros(n_rows, dtype=np.intp)
    left = np.full(n_rows, -np.inf)  # highest bound among the boxes that were dropped

    def hopeful(boxes: Boxes) -> Boxes:
        """The boxes that may hold a better menu."""
        return boxes.kept(boxes.better_than(best, tolerance), left)

    fresh = Boxes(
        row=np.arange(n_rows),
        lower=np.zeros((n_rows, n_types)),
        upper=problem.reach,
        bound=bounds.copy(),
        penalty=np.full(n_rows, PENALTY),
        split=np.zeros(n_rows, dtype=np.intp),
        at=np.zeros(n_rows),
    )
    relaxed = fresh.take(np.zeros(0, dtype=np.intp))  # to be halved
    first = True
    while True:
        fresh = hopeful(shrunk(problem, fresh))
        if fresh.row.size:
            fresh, contributions = _relaxed(problem, fresh, batch)
            used += np.bincount(fresh.row, minlength=n_rows)
            good = fresh.better_than(best, tolerance)
            if good.any():
                some = fresh.take(good)
                best = _improved(problem, best, anchor, some, contributions[good], search=first)
        relaxed, first = hopeful(Boxes.join([relaxed, fresh])), False
        chosen = relaxed.highest(batch // 2, used < max_boxes)
        if not chosen.any() or time.monotonic() > deadline:
            break
        fresh, relaxed = relaxed.take(chosen).halves(), relaxed.take(~chosen)
    np.maximum.at(left, relaxed.row, relaxed.bound)
    return Closed(best, np.minimum(bounds, np.maximum(left, safely_above(problem, best))), used)


def shrunk(problem: FirstMoment, boxes: Boxes, rounds: int = SHRINKING_ROUNDS) -> Boxes:
    """The boxes reduced to where menus can be, with bound -inf where there are none.

    Parameters
    ----------
    problem : FirstMoment
    boxes : Boxes
    rounds : int >= 1
        How often ends that have moved may move others.

    Returns
    -------
    Boxes
        As many as before, with bounds at most those at their upper ends.
    """
    costs, steps = problem.costs[boxes.row], problem.steps[boxes.row]
    expectation = problem.expectation.take(boxes.row)
    lower, upper, bound = boxes.lower.copy(), boxes.upper.copy(), boxes.bound
    n_types = costs.shape[1]
    empty = np.zeros(len(lower), dtype=bool)
    for _ in range(rounds):
        # Contributions are non-decreasing between costs.
        for i in range(1, n_types):
            low = np.where(steps[:, i] > 0, lower[:, i - 1], 0.0)
            lower[:, i] = np.maximum(lower[:, i], low)
        for i in range(n_types - 1, 0, -1):
            high = np.where(steps[:, i] > 0, upper[:, i], np.inf)
            upper[:, i - 1] = np.minimum(upper[:, i - 1], high)
        # The least utilities that any menu in the box leaves.
        utilities = problem.reservation_utilities[boxes.row]
        for i in range(1, n_types):
            rent = steps[:, i] * lower[:, :i].max(axis=1)
            utilities[:, i] = np.maximum(utilities[:, i], utilities[:, i - 1] + rent)
        for i in range(n_types - 2, -1, -1):
            rent = steps[:, i + 1] * upper[:, i + 1 :].min(axis=1)
            utilities[:, i] = np.maximum(utilities[:, i], utilities[:, i + 1] - rent)
        most = expectation.moments(problem.accuracy, problem.value, upper)
        wrong = expectation.uncertainty(problem.accuracy, problem.value, upper)
        bound = np.minimum(bound, most.accuracy + wrong.accuracy)
        room = (most.values + wrong.values) / problem.value_unit - utilities + SUM_ROUNDING
        empty |= np.any(room < 0, axis=1) | np.any(upper < lower, axis=1)
        upper = np.minimum(upper, np.maximum(room, 0.0) / costs * (1 + SUM_ROUNDING))
        empty |= np.any(upper < lower, axis=1)
        upper = np.maximum(upper, lower)
    return replace(boxes, lower=lower, upper=upper, bound=np.where(empty, -np.inf, bound))


def _relaxed(problem: FirstMoment, boxes: Boxes, batch: int) -> tuple[Boxes, FloatArray]:
    """The boxes with bounds from their convex problems, and those problems' contributions."""
    parts = [
        _relaxed_batch(problem, boxes.take(np.arange(start, min(start + batch, boxes.row.size))))
        for start in range(0, boxes.row.size, batch)
    ]
    return Boxes.join([part for part, _ in parts]), np.concatenate([menus for _, menus in parts])


def _relaxed_batch(problem: FirstMoment, boxes: Boxes) -> tuple[Boxes, FloatArray]:
    relaxation = _relaxation(problem, boxes)
    middle = np.maximum.accumulate(0.5 * (boxes.lower + boxes.upper), axis=1)
    found = relaxed(relaxation.dense, *relaxation.start(middle), boxes.penalty)
    contributions = found.point.contributions
    split, at = _halving(problem, relaxation, boxes, contributions, found.cap_prices)
    solved = replace(
        boxes,
        bound=np.minimum(boxes.bound, found.bounds),
        penalty=boxes.raised(found.short),
        split=split,
        at=at,
    )
    return solved, np.clip(contributions, boxes.lower, boxes.upper)


def _relaxation(problem: FirstMoment, boxes: Boxes) -> FirstMoment:
    """The convex problems on the boxes: local envelopes, and the ends as linear constraints."""
    base = problem.take(boxes.row)
    assert isinstance(base.expectation, Enumeration)
    lower, upper = boxes.lower, boxes.upper
    low, high = lower @ base.expectation.counts.T, upper @ base.expectation.counts.T
    # In units of the most that a type can contribute at all, so that slacks are of size 1.
    most = base.reach
    width = np.maximum((upper - lower) / most, NARROW)
    above = np.eye(lower.shape[1]) / most[:, :, None]
    on_contributions = np.concatenate([above, -above], axis=1)
    ends = Rows(
        on_contributions,
        np.zeros_like(on_contributions),
        np.hstack([lower / most, -upper / most]),
        np.hstack([width, width]),
        np.zeros((len(width), 2 * width.shape[1])),
    )
    return replace(
        base,
        accuracy=LocalEnvelope.of(base.accuracy, low, high),
        value=LocalEnvelope.of(base.value, low, high),
        others=ends if base.others is None else base.others.and_(ends),
    )


def _halving(
    problem: FirstMoment,
    relaxation: FirstMoment,
    boxes: Boxes,
    contributions: FloatArray,
    cap_prices: FloatArray,
) -> tuple[IntArray, FloatArray]:
    """The type whose contribution to halve in each box, and where.

    The error of the envelopes at the relaxed optimum, in each outcome as much as it counts, is
    blamed on types in proportion to how far apart their ends drive that outcome's.
    """
    outcomes = relaxation.expectation
    assert isinstance(outcomes, Enumeration)
    totals = np.maximum(contributions @ outcomes.counts.T, 0.0)
    seen = (cap_prices[:, None, :] @ outcomes.conditional)[:, 0, :] / problem.value_unit
    error = outcomes.weights * (relaxation.accuracy(totals) - problem.accuracy(totals))
    error = np.maximum(error + seen * (relaxation.value(totals) - problem.value(totals)), 0.0)
    span = boxes.upper - boxes.lower
    reach = span @ outcomes.counts.T
    share = np.where(reach > 0, error / np.where(reach > 0, reach, 1.0), 0.0)
    # Where there is no error (the penalty was too low), the widest.
    blame = (share @ outcomes.counts) * span + 1e-12 * span * relaxation.costs
    split = np.argmax(blame, axis=1)
    rows = np.arange(split.size)
    low, wide = boxes.lower[rows, split], span[rows, split]
    optimum = np.clip(contributions[rows, split], low + 0.1 * wide, low + 0.9 * wide)
    return split, 0.5 * (optimum + low + 0.5 * wide)


def _improved(
    problem: FirstMoment,
    best: Incumbents,
    anchor: FloatArray,
    boxes: Boxes,
    contributions: FloatArray,
    search: bool,
) -> Incumbents:
    """The best menus after trying those of the relaxed problems, and local optima from them."""
    base = problem.take(boxes.row)
    contributions = base.in_order(contributions)
    menus, value = best_blends(base, anchor[boxes.row], contributions)
    # One local search for each problem, from the best of these (at first: whatever it is).
    order = np.lexsort((-value, boxes.row))
    rows, first = np.unique(boxes.row[order], return_index=True)
    pick = order[first]
    worth = search | (value[pick] > best.reached[rows] + WORTH_A_SEARCH)
    rows, pick = rows[worth], pick[worth]
    if rows.size == 0:
        return best
    some = problem.take(rows)
    found = best.take(some, rows)
    found = found.improved(some, priced(some, menus[pick], found.menus))
    start = np.maximum(contributions[pick], 1e-6 * some.box[:, 1::2])
    return best.updated(problem, rows, found.searched(some, start, anchor[rows]))


def best_blends(
    problem: FirstMoment, anchor: FloatArray, contributions: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Menus as they are, or drawn a little towards the anchor, whichever is feasible and best.

    Parameters
    ----------
    problem : FirstMoment
    anchor, contributions : (B, I) ndarray

    Returns
    -------
    (B, I), (B,) ndarray
        Contributions, and expected accuracy; -inf where nothing is feasible.
    """
    contributions = problem.in_order(contributions)
    value, menus = np.full(len(contributions), -np.inf), contributions.copy()
    for share in SHARES:
        wanted = contributions + share * (anchor - contributions)
        point = problem.point(problem.increments_of(wanted))
        gains = satisfies(problem, point) & (point.moments.accuracy > value)
        value = np.where(gains, point.moments.accuracy, value)
        menus[gains] = wanted[gains]
    return menus, value
