"""What follows from who is in and out, against menus drawn at random."""

import numpy as np
import pytest

from paid_with_models.solver.implications import IN, OUT, UNDECIDED, implied


def menu_and_choices(rng, n_types):
    """Types whose selection some menu brings about: costs, outside options, who is in, and h."""
    costs = np.sort(rng.uniform(0.01, 1.0, n_types))[::-1]
    if rng.random() < 0.2:
        costs[1] = costs[0]
    contributions = np.sort(rng.uniform(0, 1.5, 3))
    rewards = np.sort(rng.uniform(0, 1, 3))
    worth = rewards - np.outer(costs, contributions)
    best, chosen = worth.max(axis=1), contributions[worth.argmax(axis=1)]
    outside = np.maximum(best + rng.normal(0, 0.1, n_types), 0.0)
    return costs, outside, np.where(best >= outside, IN, OUT), chosen * rng.uniform(1, 1.5, n_types)


@pytest.mark.parametrize("seed", range(10))
def test_what_follows_holds_in_every_menu(seed):
    """A part of what a menu brings about never implies anything else than the rest of it."""
    rng, followed = np.random.default_rng(seed), 0
    for _ in range(100):
        costs, outside, status, most = menu_and_choices(rng, 6)
        # What those out would contribute if they were in is not known: no bound on it.
        most = np.where(status == IN, most, 1e3)
        known = np.where(rng.random(6) < 0.4, status, UNDECIDED)
        found = implied(known, costs, outside, most)
        assert found is not None
        assert np.all((found == UNDECIDED) | (found == status))
        followed += int(np.sum(found != known))
    assert followed > 10


def test_a_type_above_the_line_of_those_out_is_out():
    """Nobody could be drawn in without one of its neighbors in costs."""
    costs, most = np.array([0.3, 0.2, 0.1]), np.full(3, 1e6)
    known = np.array([OUT, UNDECIDED, OUT])
    above, below = np.array([0.1, 0.31, 0.5]), np.array([0.1, 0.29, 0.5])
    assert implied(known, costs, above, most).tolist() == [OUT, OUT, OUT]
    assert implied(known, costs, below, most).tolist() == [OUT, UNDECIDED, OUT]


def test_costly_types_are_out_where_contributions_are_limited():
    """Beyond a type in, utility falls by at most what that type contributes."""
    costs, outside = np.array([0.3, 0.2]), np.array([0.4, 0.5])
    known = np.array([UNDECIDED, IN])
    assert implied(known, costs, outside, np.full(2, 0.5)).tolist() == [IN, IN]
    assert implied(known, costs, outside, np.full(2, 1.5)).tolist() == [UNDECIDED, IN]


def test_equal_costs_are_worth_the_same():
    costs, outside, most = np.full(3, 0.2), np.array([0.1, 0.2, 0.3]), np.full(3, 1.0)
    assert implied(np.array([UNDECIDED, OUT, UNDECIDED]), costs, outside, most).tolist() == [
        UNDECIDED, OUT, OUT,
    ]  # fmt: skip
    assert implied(np.array([UNDECIDED, IN, OUT]), costs, outside, most).tolist() == [IN, IN, OUT]
    assert implied(np.array([OUT, IN, UNDECIDED]), costs, outside, most) is None
