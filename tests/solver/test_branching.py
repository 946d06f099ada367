"""Which parts of a search are kept, dropped and split next, against the definitions one by one."""

from types import SimpleNamespace

import numpy as np
import pytest

from paid_with_models.solver.boxes import Boxes
from paid_with_models.solver.branching import PENALTY, PENALTY_GROWTH, PENALTY_LIMIT, Parts


def parts_of(rows, bounds, penalty=PENALTY):
    return Parts(np.array(rows), np.array(bounds, dtype=float), np.full(len(rows), penalty))


def by_turns(parts, most, going):
    """Each problem in turn gives its part of highest bound, of equal ones the first."""
    waiting = {}
    for part in sorted(range(parts.row.size), key=lambda part: -parts.bound[part]):
        waiting.setdefault(int(parts.row[part]), []).append(part)
    chosen = []
    while any(waiting[row] for row in waiting if going[row]):
        chosen += [waiting[row].pop(0) for row in sorted(waiting) if going[row] and waiting[row]]
    return sorted(chosen[:most])


@pytest.mark.parametrize("seed", range(30))
def test_all_problems_split_about_equally_many_parts_of_highest_bound(seed):
    rng = np.random.default_rng(seed)
    n_parts, n_rows = int(rng.integers(0, 25)), int(rng.integers(1, 5))
    parts = parts_of(rng.integers(0, n_rows, n_parts), rng.integers(0, 6, n_parts) / 5)
    going = rng.random(n_rows) < 0.7
    for most in (1, 2, 5, 30):
        assert np.flatnonzero(parts.highest(most, going)).tolist() == by_turns(parts, most, going)


def test_what_is_dropped_is_remembered_by_its_highest_bound():
    parts = parts_of([0, 1, 0, 1, 2], [0.4, 0.9, 0.6, 0.2, 0.7])
    best = SimpleNamespace(reached=np.array([0.5, 0.9, 0.7 - 1e-8]))
    left = np.array([0.45, -np.inf, -np.inf])
    kept = parts.kept(parts.better_than(best, 1e-7), left)
    assert (kept.row.tolist(), kept.bound.tolist()) == ([0], [0.6])
    assert left.tolist() == [0.45, 0.9, 0.7]
    assert parts.better_than(best, 1e-9).tolist() == [False, False, True, False, True]


def test_prices_rise_where_they_were_too_low_and_not_beyond_the_limit():
    parts = parts_of([0, 0], [1, 1])
    assert parts.raised(np.array([True, False])).tolist() == [PENALTY * PENALTY_GROWTH, PENALTY]
    costly = parts_of([0], [1], PENALTY_LIMIT / 2)
    assert costly.raised(np.array([True])).tolist() == [PENALTY_LIMIT]


def test_parts_of_a_kind_keep_their_kind_and_all_columns():
    column, ends = np.arange(3.0), np.arange(6.0).reshape(3, 2)
    boxes = Boxes(np.arange(3), column + 1, column + 2, ends, ends + 1, np.arange(3), column + 3)
    back = Boxes.join([boxes.take(slice(1)), boxes.take(np.array([1, 2]))])
    assert type(back) is Boxes
    for name, array in vars(boxes).items():
        assert np.array_equal(getattr(back, name), array), name
