import dataclasses
import itertools

import numpy as np
import pytest

from paid_with_models import (
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    PowerValuation,
    Problem,
    all_or_nothing_rewards,
    capped_rewards,
    lottery_rewards,
    proportional_rewards,
    solve,
)

ASSIGNMENTS = [capped_rewards, proportional_rewards, lottery_rewards, all_or_nothing_rewards]


# Book: def-proportional, prop-tight, prop-spread
@pytest.mark.parametrize("assign", ASSIGNMENTS)
@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize(
    "valuation", [LinearValuation(100.0), PowerValuation(100.0, 2.0), ExponentialValuation(100, 2)]
)
def test_assignments_are_feasible_in_every_outcome_with_the_contracts_mean(
    assign, valuation, beliefs
):
    problem = Problem(
        7, [0.2, 0.3, 0.5], [0.3, 0.12, 0.02], GeneralizationBound(), valuation, beliefs
    )
    contract = solve(problem)
    rewards = assign(contract)
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


# Book: prop-spread
@pytest.mark.parametrize("seed", range(4))
def test_no_assignment_varies_less_than_capped_or_more_than_all_or_nothing(seed):
    """Against random feasible assignments of the same mean, and for a risk-averse party."""
    rng = np.random.default_rng([8, seed])
    problem = Problem(
        6, rng.dirichlet(np.full(3, 2.0)), np.sort(rng.uniform(0.02, 0.3, 3))[::-1],
        GeneralizationBound(),
    )  # fmt: skip
    contract = solve(problem)
    capped, proportional, lottery, extreme = (assign(contract) for assign in ASSIGNMENTS)
    # Where all get nearly the full model the root of a variance magnifies how that is rounded.
    for less, more in itertools.pairwise((capped, proportional, lottery, extreme)):
        assert np.all(less.standard_deviations**2 <= more.standard_deviations**2 + 1e-10)
    worth = problem.model_value(capped.totals)
    for i in range(3):
        seen, mean = capped.probabilities[:, i], contract.rewards[i]
        averse = seen @ np.sqrt(capped.values[:, i])
        for _ in range(50):
            # Any share of each outcome, mixed with all or nothing to reach the mean.
            values = rng.random(worth.size) ** rng.uniform(0.05, 3) * worth
            reached = seen @ values
            if reached > mean:
                values *= mean / reached
            else:
                weight = (mean - reached) / (seen @ worth - reached)
                values = (1 - weight) * values + weight * worth
            assert seen @ values == pytest.approx(mean)
            spread = np.sqrt(seen @ (values - mean) ** 2)
            assert capped.standard_deviations[i] <= spread + 1e-6
            assert spread <= extreme.standard_deviations[i] + 1e-6
            assert seen @ np.sqrt(values) <= averse + 1e-9


def test_pooled_types_receive_the_same_spread_around_the_same_mean():
    contract = solve(Problem(10, [0.2] * 5, [1.0, 0.85, 0.7, 0.55, 0.4], GeneralizationBound()))
    rewards = proportional_rewards(contract)
    # Everybody contributes the same: nothing is random but who they are.
    assert np.ptp(rewards.values) <= 1e-9
    assert rewards.standard_deviations == pytest.approx(0, abs=1e-9)


def test_no_collaboration_hands_out_nothing():
    contract = solve(Problem(2, [0.5, 0.5], [1.0, 0.4], GeneralizationBound()))
    for assign in ASSIGNMENTS:
        rewards = assign(contract)
        assert not rewards.model_rewards.any()
        assert rewards.means.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("assign", ASSIGNMENTS)
@pytest.mark.parametrize("n_parties", [3, 10])
@pytest.mark.parametrize("worth", [0.5, 100.0])
def test_who_is_paid_the_cap_receives_the_model_that_is_trained(assign, n_parties, worth):
    """Also where the outcomes before the best one have all the probability that is left."""
    problem = Problem(
        n_parties, [0.5, 0.5], [0.003 * worth, 0.0002 * worth], GeneralizationBound(),
        LinearValuation(worth),
    )  # fmt: skip
    contract = solve(problem)
    rewards = assign(dataclasses.replace(contract, rewards=contract.reward_caps))
    seen = rewards.probabilities > 1e-15
    trained = np.broadcast_to(problem.accuracy(rewards.totals)[:, None], seen.shape)
    assert np.all(contract.reward_caps > 0)
    assert rewards.model_rewards[seen] == pytest.approx(trained[seen], rel=1e-9)
    assert rewards.means == pytest.approx(contract.reward_caps, rel=1e-12)
