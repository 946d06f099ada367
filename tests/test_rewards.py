import numpy as np
import pytest

from paid_with_models import (
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    PowerValuation,
    Problem,
    proportional_rewards,
    solve,
)


# Book: def-proportional, prop-tight
@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize(
    "valuation", [LinearValuation(100.0), PowerValuation(100.0, 2.0), ExponentialValuation(100, 2)]
)
def test_the_assignment_is_feasible_in_every_outcome_with_the_contracts_mean(valuation, beliefs):
    problem = Problem(
        7, [0.2, 0.3, 0.5], [0.3, 0.12, 0.02], GeneralizationBound(), valuation, beliefs
    )
    contract = solve(problem)
    rewards = proportional_rewards(contract)
    best = problem.accuracy(rewards.totals)[:, None]
    assert np.all(rewards.model_rewards <= best * (1 + 1e-12))
    assert rewards.means == pytest.approx(contract.rewards, rel=1e-12)
    assert problem.valuation(rewards.model_rewards) == pytest.approx(rewards.values)
    assert rewards.probabilities.sum(axis=0) == pytest.approx(1)
    assert rewards.totals == pytest.approx(rewards.counts @ contract.contributions)


# Book: prop-tight
def test_means_and_spread_by_simulation():
    problem = Problem(5, [0.4, 0.6], [0.3, 0.05], GeneralizationBound())
    contract = solve(problem)
    rewards = proportional_rewards(contract)
    rng = np.random.default_rng(7)
    counts = rng.multinomial(5, problem.probabilities, size=200_000)
    worth = problem.model_value(counts @ contract.contributions)
    for i in range(2):
        drawn = (contract.rewards[i] / contract.reward_caps[i] * worth)[counts[:, i] > 0]
        error = drawn.std() / np.sqrt(drawn.size)
        assert drawn.mean() == pytest.approx(rewards.means[i], abs=5 * error)
        assert drawn.std() == pytest.approx(rewards.standard_deviations[i], rel=0.02)


def test_pooled_types_receive_the_same_spread_around_the_same_mean():
    contract = solve(Problem(10, [0.2] * 5, [1.0, 0.85, 0.7, 0.55, 0.4], GeneralizationBound()))
    rewards = proportional_rewards(contract)
    # Everybody contributes the same: nothing is random but who they are.
    assert np.ptp(rewards.values) <= 1e-9
    assert rewards.standard_deviations == pytest.approx(0, abs=1e-9)


def test_no_collaboration_hands_out_nothing():
    contract = solve(Problem(2, [0.5, 0.5], [1.0, 0.4], GeneralizationBound()))
    rewards = proportional_rewards(contract)
    assert not rewards.model_rewards.any()
    assert rewards.means.tolist() == [0.0, 0.0]
