"""What has a price binds: against menus near the optimum, all evaluated by enumeration."""

import numpy as np
import pytest

from paid_with_models import (
    GeneralizationBound,
    Problem,
    enumerate_outcomes,
    least_utilities,
    menu_residuals,
    outcome_probabilities,
    solve,
)
from paid_with_models.checks.proof import prove
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.paper.theorems import prove_scenarios, proved_apart

TEAM, BOTH, FIRM = "small_party_teamwork", "big_and_small_collaboration", "big_firm_cooperation"


def reached(problem, m):
    counts = enumerate_outcomes(problem.n_parties, problem.n_types)
    return float(
        outcome_probabilities(counts, problem.probabilities) @ problem.accuracy(counts @ m)
    )


def feasible(contract, m):
    """Contributions, lowered in proportion until their least rewards can be paid."""
    problem = contract.problem

    def holds(m):
        u = least_utilities(m, problem.costs, contract.reservation_utilities)
        return menu_residuals(problem, m, u + problem.costs * m).largest <= 1e-13

    low, high = 0.9, 1.0
    assert holds(low * m)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle * m) else (low, middle)
    return low * m


# Book: prop-price-binds
@pytest.mark.parametrize("name", [TEAM, BOTH])
def test_menus_that_pull_a_bunch_apart_fall_short_by_what_it_costs(name):
    contract = solve(SCENARIOS[name].problem())
    problem, prices = contract.problem, contract.multipliers
    proof = prove_scenarios({name: contract})[name]
    apart = proved_apart(contract, proof)
    assert (apart < 1e-6).all()
    rng = np.random.default_rng(5)
    for size in (1e-4, 1e-3, 1e-2):
        pulled = contract.contributions * (1 + size * np.sort(rng.random(problem.n_types)))
        m = feasible(contract, np.maximum.accumulate(pulled))
        short = float(proof.upper_bound) - reached(problem, m)
        for i, j in apart.index:
            lower = min(prices.downward[j], prices.upward[i])
            most = short / (lower * (problem.costs[i] - problem.costs[j]))
            assert 0 < m[j] - m[i] <= most


# Book: prop-alike
def test_symmetry_says_what_prices_do_not():
    contract = solve(SCENARIOS[FIRM].problem())
    problem = contract.problem
    apart = proved_apart(contract, prove_scenarios({FIRM: contract})[FIRM])
    assert list(apart.index) == [(0, 1), (1, 2), (2, 3)]
    assert (apart > 1).all()
    # What the proposition asks for holds with room.
    slack = contract.utilities - contract.reservation_utilities
    assert slack[0] == pytest.approx(0, abs=1e-9)
    assert slack[1:].min() > 5
    assert (contract.reward_caps - contract.rewards)[:4].min() > 1
    tangent = problem.model_value.envelope().tangent_point
    assert problem.n_parties * contract.contributions.min() > 2 * tangent
    # And menus near the optimum gain by averaging.
    rng = np.random.default_rng(6)
    for size in (1e-3, 1e-2):
        steps = np.append(np.sort(size * rng.random(4)), size)
        m = feasible(contract, contract.contributions * (1 + steps))
        joined = np.append(np.full(4, m[:4].mean()), m[4])
        u = least_utilities(joined, problem.costs, contract.reservation_utilities)
        assert menu_residuals(problem, joined, u + problem.costs * joined).largest <= 1e-12
        assert reached(problem, joined) > reached(problem, m)


def test_types_in_any_order():
    costs = SCENARIOS[TEAM].costs[::-1]
    contract = solve(Problem(10, [0.2] * 5, costs, GeneralizationBound()))
    apart = proved_apart(contract, prove(contract))
    assert list(apart.index) == [(4, 3), (3, 2), (2, 1), (1, 0)]
    assert (apart < 1e-6).all()


def test_no_bunch_no_rows_and_a_tree_of_boxes_is_refused():
    apart = solve(Problem(10, [0.5, 0.5], [0.2, 0.05], GeneralizationBound()))
    assert proved_apart(apart, prove(apart)).empty
    boxes = solve(Problem(4, [0.5, 0.5], [2.0, 0.4], GeneralizationBound()))
    proof = prove(boxes)
    assert "incentives" not in proof.certificate["bound"]
    with pytest.raises(ValueError, match="proof must have one box"):
        proved_apart(boxes, proof)
