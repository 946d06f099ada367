r"""Global optima where accuracy is flat, then concave: branch and bound over outcomes.

The curves of the paper train nothing up to some data :math:`x_0` and are concave from there on:
:math:`a(S) = \max\{0, \tilde a(S)\}` with :math:`\tilde a` the curve continued by its Taylor
polynomial at :math:`x_0`, which is concave. So every menu earns in each outcome n the larger of two
concave functions, and

.. math::

   F(m) = \max_{s \in \{0, 1\}^K} \sum_n P(n)\, s_n\, \tilde a(n \cdot m) ,

and likewise every cap, with the same s: an outcome *counts* (s = 1) or is *lost* (s = 0). With s
given the first-moment problem is concave, its menus are menus of the problem itself, and any
multipliers bound them (:func:`paid_with_models.solver.bounds.dual_bound`). While some outcomes are
*open*, with the concave envelope of a, the problem bounds all ways to decide them.

Contributions are non-decreasing, so that whoever counts with some parties counts with cheaper ones
in their stead: deciding one outcome decides all that have more data, or less, for certain. With two
types there are only N + 2 ways. As in :mod:`paid_with_models.solver.boxes`, which does the same for
curves of other shapes, caps are elastic.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..accuracy import BoolArray, Curve, FloatArray, IntArray
from .bounds import Relaxation, relaxed
from .boxes import WORTH_A_SEARCH, best_blends
from .branching import PENALTY, Closed, Parts
from .envelopes import LocalEnvelope
from .interior_point import polished
from .menus import Incumbents, priced, repaired, safely_above
from .moments import Enumeration
from .optimality import Solution, kkt_residual
from .program import FirstMoment, Rows

__all__ = ["COUNTS", "LOST", "OPEN", "close_gaps", "decided", "flat_then_concave"]

#: OPEN, COUNTS, LOST: what is said of an outcome.
OPEN, COUNTS, LOST = 0, 1, 2

#: ENTRIES_AT_ONCE: nodes are solved together up to so many numbers (outcomes times types times
#: nodes): with few of them NumPy's calls are what takes time, with more the numbers.
ENTRIES_AT_ONCE = 12_000

#: NODES_AT_ONCE: but at least so many.
NODES_AT_ONCE = 8

#: MOST_DECISIONS: most outcomes that a node is split by at a time.
MOST_DECISIONS = 3

#: CLAIM: an open outcome is decided if the envelope claims more than this there, in accuracy.
CLAIM = 1e-15

#: CANDIDATES: so many open outcomes are compared before one is decided.
CANDIDATES = 16

#: UNFINISHED: gap with which a relaxed problem is not solved.
UNFINISHED = 1e-6

#: FLAT: by how much a curve may rise before its kink, relative to its optimum: rounding.
FLAT = 1e-15


@lru_cache(maxsize=256)
def flat_then_concave(curve: Curve) -> bool:
    """Whether a curve does not rise up to where it is smooth from, and is concave beyond.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, ModelValue, PowerValuation
    >>> curve = GeneralizationBound()
    >>> flat_then_concave(curve), flat_then_concave(ModelValue(curve, PowerValuation(1.0, 2.0)))
    (True, False)
    """
    kink = curve.smooth_from
    value, slope, _ = curve.evaluate([0.0, kink, np.nextafter(kink, np.inf)])
    if kink == 0 or value[1] - value[0] > FLAT * curve.optimum or not slope[2] > 0:
        return False
    _, slopes, bends = curve.evaluate(kink * (1 + np.geomspace(1e-9, 1e9, 4001)))
    return bool(np.all(bends <= 0) and np.all(slopes <= slope[2] * (1 + 1e-9)))


def decided(curve: Curve, status: npt.NDArray[np.int8]) -> LocalEnvelope:
    """The curve as outcomes take it, in the shape of their status.

    Open: its envelope. Counts: up to the kink its Taylor polynomial there, which is concave and
    negative; a parabola, since Newton's method may cycle where curvature jumps. Lost: nothing.
    """
    kink, envelope = curve.smooth_from, curve.envelope()
    start = float(curve(0.0))
    _, steep, bend = (float(part) for part in curve.evaluate(np.nextafter(kink, np.inf)))
    of_status = np.array(
        [  # anchor, height, slope, switch, bend; in the order of OPEN, COUNTS, LOST
            [0.0, start, envelope.slope, envelope.tangent_point, 0.0],
            [kink, start, steep, kink, min(bend, 0.0)],
            [0.0, start, 0.0, np.inf, 0.0],
        ]
    )
    return LocalEnvelope(curve, *np.moveaxis(of_status[status], -1, 0))


@dataclass(frozen=True, eq=False)
class _Nodes(Parts):
    """Sets of ways to say which outcomes count.

    Attributes
    ----------
    status : (M, K) ndarray of int
    open : (M,) ndarray of bool
        Whether an outcome claims something, or the price proved too low.
    claims : (M, K) ndarray
        What the envelope claims beyond the curve in each outcome, at the relaxed optimum.
    sides : (M, K) ndarray
        +1 and -1 where an outcome itself was decided to count, or to be lost; else 0.
    """

    status: npt.NDArray[np.int8]
    open: BoolArray
    claims: FloatArray
    sides: npt.NDArray[np.int8]


def close_gaps(
    problem: FirstMoment,
    best: Incumbents,
    bounds: FloatArray,
    anchor: FloatArray,
    near: FloatArray,
    *,
    tolerance: float,
    max_boxes: int,
    deadline: float = np.inf,
) -> Closed:
    """Search for menus better than the best known ones until none can be better by more.

    Parameters
    ----------
    problem : FirstMoment
        With the curves themselves, both flat and then concave, and enumerated outcomes.
    best, bounds, anchor, tolerance
        As for :func:`paid_with_models.solver.boxes.close_gaps`.
    near : (B, I) ndarray
        Contributions of the best menus on the envelopes, about.
    max_boxes : int
        Most concave problems for each problem (a round is finished); the bounds say what is open
        then.
    deadline : float
        Nothing new is begun when ``time.monotonic()`` is beyond it.

    Returns
    -------
    Closed
    """
    expectation = problem.expectation
    assert isinstance(expectation, Enumeration)
    n_rows, (n_outcomes, n_types) = len(bounds), expectation.counts.shape
    used, left = np.zeros(n_rows, dtype=np.intp), np.full(n_rows, -np.inf)
    if max_boxes <= 0:
        return Closed(best, bounds, used)
    at_once = max(NODES_AT_ONCE, ENTRIES_AT_ONCE // (n_outcomes * n_types))
    tails = None if any(problem.chain.ties) else _tails(expectation.counts)

    def hopeful(nodes: _Nodes) -> _Nodes:
        """The nodes that may hold a better menu, and about which something is left to decide."""
        return nodes.kept(nodes.open & nodes.better_than(best, tolerance), left)

    open_ = np.zeros((n_rows, n_outcomes), dtype=np.int8)
    waiting = _Nodes(
        row=np.arange(n_rows),
        bound=bounds.copy(),
        penalty=np.full(n_rows, PENALTY),
        status=open_,
        open=np.ones(n_rows, dtype=bool),
        claims=_claims(problem, open_, near, np.zeros_like(near)),
        sides=open_,
    )
    while True:
        waiting = hopeful(waiting)
        chosen = waiting.highest(at_once // 4, used < max_boxes)
        if not chosen.any() or time.monotonic() > deadline:
            break
        fresh, waiting = waiting.take(chosen), waiting.take(~chosen)
        decisions = np.clip(np.log2(at_once / fresh.row.size), 1, MOST_DECISIONS)
        for _ in range(int(decisions)):
            fresh = _split(fresh, expectation.counts, tails)
        solved = [waiting]
        for start in range(0, fresh.row.size, at_once):
            some, ends = _relaxed(problem, fresh.take(slice(start, start + at_once)))
            used += np.bincount(some.row, minlength=n_rows)
            good = np.flatnonzero(some.better_than(best, tolerance))
            if good.size:
                best = _improved(problem, best, anchor, some.row[good], ends, good)
            solved.append(some)
        waiting = _Nodes.join(solved)
    np.maximum.at(left, waiting.row, waiting.bound)
    return Closed(best, np.minimum(bounds, np.maximum(left, safely_above(problem, best))), used)


def _relaxed(problem: FirstMoment, nodes: _Nodes) -> tuple[_Nodes, Relaxation]:
    """The nodes with bounds from their concave problems, and where those end."""
    base = problem.take(nodes.row)
    accuracy, value = (decided(curve, nodes.status) for curve in (base.accuracy, base.value))
    others = _sides(base, nodes.sides)
    if others is not None and base.others is not None:
        others = base.others.and_(others)
    program = replace(base, accuracy=accuracy, value=value, others=others or base.others)
    start = np.maximum.accumulate(0.5 * base.reach, axis=1)
    found = relaxed(program.dense, *program.start(start), nodes.penalty)
    claims = _claims(base, nodes.status, found.point.contributions, found.cap_prices)
    penalty = nodes.raised(found.short | _unfinished(program, found, nodes.penalty))
    solved = replace(
        nodes,
        bound=np.minimum(nodes.bound, found.bounds),
        penalty=penalty,
        open=(penalty > nodes.penalty) | (claims.max(axis=1) > CLAIM),
        claims=claims,
    )
    return solved, found


def _unfinished(problem: FirstMoment, found: Relaxation, penalty: FloatArray) -> BoolArray:
    """Where the search was cut short: the bound is far above what the elastic problem reaches."""
    elastic = np.where(problem.dense.row_elastic > 0, found.point.rows, 0.0)
    violated = -np.minimum(
        elastic.min(axis=1, initial=0.0), found.point.caps.min(axis=1, initial=0.0)
    )
    reached = found.point.moments.accuracy - penalty * violated
    return np.asarray(found.bounds > reached + UNFINISHED)


def _sides(problem: FirstMoment, sides: npt.NDArray[np.int8]) -> Rows | None:
    """Outcomes that count collect at least the data of the kink, lost ones at most so much."""
    outcomes = problem.expectation
    assert isinstance(outcomes, Enumeration)
    rows, which = np.nonzero(sides)
    n_rows = int(np.count_nonzero(sides, axis=1).max(initial=0))
    if n_rows == 0:
        return None
    shape = len(sides), n_rows, problem.costs.shape[1]
    on_contributions, least = np.zeros(shape), np.full(shape[:2], -1.0)
    place = np.arange(rows.size) - np.searchsorted(rows, rows)
    side = sides[rows, which].astype(float)
    on_contributions[rows, place] = side[:, None] * outcomes.counts[which]
    on_contributions /= problem.accuracy.smooth_from
    least[rows, place] = side
    one = np.ones(shape[:2])
    return Rows(on_contributions, np.zeros(shape), least, one, one)


def _claims(
    problem: FirstMoment, status: npt.NDArray[np.int8], menus: FloatArray, cap_prices: FloatArray
) -> FloatArray:
    """What the envelopes claim beyond the curves in open outcomes, as much as each counts."""
    outcomes = problem.expectation
    assert isinstance(outcomes, Enumeration)
    a, v = problem.accuracy, problem.value
    totals = np.maximum(menus @ outcomes.by_types, 0.0)
    seen = (cap_prices[:, None, :] @ outcomes.conditional)[:, 0] / problem.value_unit
    claims = outcomes.weights * (a.envelope()(totals) - a(totals))
    claims += seen * (v.envelope()(totals) - v(totals))
    return np.where(status == OPEN, claims, 0.0)


def _improved(
    problem: FirstMoment,
    best: Incumbents,
    anchor: FloatArray,
    rows: IntArray,
    ends: Relaxation,
    good: IntArray,
) -> Incumbents:
    """The best menus after trying those of the relaxed problems, and what is next to them."""
    base = problem.take(rows)
    menus, value = best_blends(base, anchor[rows], ends.point.contributions[good])
    order = np.lexsort((-value, rows))
    some, first = np.unique(rows[order], return_index=True)
    pick = order[first]
    worth = value[pick] > best.reached[some] + WORTH_A_SEARCH
    some, pick = some[worth], pick[worth]
    if some.size == 0:
        return best
    those, place = problem.take(some), good[pick]
    n_rows = those.row_unit.shape[1]  # sides of outcomes follow
    prices = ends.row_prices[place, :n_rows], ends.cap_prices[place]
    point = those.point(ends.point.increments[place])
    end = Solution(point, *prices, kkt_residual(those, point, *prices))
    found = best.take(those, some)
    found = found.improved(those, priced(those, menus[pick], end))
    found = found.improved(those, repaired(those, polished(those, end), anchor[some]))
    return best.updated(problem, some, found)


def _tails(counts: FloatArray) -> FloatArray:
    """How many parties are of each type or a cheaper one, (K, I)."""
    return np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]


def _split(nodes: _Nodes, counts: FloatArray, tails: FloatArray | None) -> _Nodes:
    """Each node in two, by an open outcome for which the envelope claims much.

    Of the outcomes with the largest claims the one is taken that settles most either way.
    """
    claims = np.where(nodes.status == OPEN, nodes.claims, 0.0)
    splits = claims.max(axis=1) > CLAIM
    whole, split, claims = nodes.take(~splits), nodes.take(splits), claims[splits]
    n_candidates = min(CANDIDATES, claims.shape[1])
    candidates = np.argpartition(-claims, n_candidates - 1, axis=1)[:, :n_candidates]
    children = []
    for row, some in enumerate(candidates):
        if tails is None:  # contributions of equal costs have no order
            more = less = np.all(counts == counts[some][:, None], axis=2).astype(float)
        else:
            more = np.all(tails >= tails[some][:, None], axis=2).astype(float)
            less = np.all(tails <= tails[some][:, None], axis=2).astype(float)
        settled = (more + less) @ claims[row]
        pick = int(np.argmax(np.where(claims[row, some] > CLAIM, settled, -1.0)))
        one, undecided = split.take(slice(row, row + 1)), split.status[row] == OPEN
        for who, what in ((more[pick], COUNTS), (less[pick], LOST)):
            status = np.where(undecided & (who > 0), what, split.status[row]).astype(np.int8)
            sides = split.sides[row].copy()
            sides[some[pick]] = 1 if what == COUNTS else -1
            children.append(replace(one, status=status[None], sides=sides[None]))
    return _Nodes.join([whole, *children])
