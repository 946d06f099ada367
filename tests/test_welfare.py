import numpy as np
import pytest

from paid_with_models import (
    Arctan,
    GeneralizationBound,
    Problem,
    all_or_nothing_rewards,
    autarky,
    capped_rewards,
    conic_program,
    free_riding,
    information_cost,
    information_rents,
    lottery_rewards,
    menu_residuals,
    proportional_rewards,
    solve,
    solve_complete_information,
)
from paid_with_models.beyond.behavior import certainty_equivalents, logit_behavior
from paid_with_models.files import contract_to_dict, problem_to_dict
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.welfare import (
    best_reply,
    best_reply_dynamics,
    compare_schemes,
    joint_surplus,
)


# Book: cor-no-rent
def test_rents_are_what_is_kept_beyond_the_outside_option():
    problem = Problem(10, [0.5, 0.5], [0.02, 0.01], GeneralizationBound())
    contract, complete = solve(problem), solve_complete_information(problem)
    rents = information_rents(contract, complete)
    assert rents == pytest.approx(contract.utilities - contract.reservation_utilities)
    assert np.all(rents >= 0)
    gap = complete.expected_value - contract.expected_value
    assert information_cost(contract, complete) == pytest.approx(-gap)
    assert gap > 0


# Book: obs-not-a-bound
def test_information_cost_can_be_of_either_sign_but_rents_cannot():
    """Complete information asks IR in every outcome, the menu only on average."""
    problem = Problem(3, [0.9097, 0.0903], [0.7539, 0.0419], GeneralizationBound())
    contract, complete = solve(problem), solve_complete_information(problem)
    assert information_cost(contract, complete) > 30
    assert np.all(information_rents(contract, complete) >= 0)


# Book: def-free-riding, prop-free-riding
@pytest.mark.parametrize("accuracy", [GeneralizationBound(), Arctan(rate=0.01)])
def test_nobody_gains_by_deviating_from_the_free_riding_equilibrium(accuracy):
    problem = Problem(10, [0.2, 0.3, 0.5], [0.3, 0.1, 0.05], accuracy)
    equilibrium = free_riding(problem, [2, 3, 0])
    assert np.isnan(equilibrium.contributions[2])
    assert equilibrium.contributions[0] == 0
    assert equilibrium.total == pytest.approx(3 * equilibrium.contributions[1])
    worth = float(problem.model_value(equilibrium.total))
    assert equilibrium.utilities[0] == pytest.approx(worth)
    assert equilibrium.utilities[1] == pytest.approx(worth - 0.1 * equilibrium.contributions[1])
    assert np.isnan(equilibrium.utilities[2])
    for i in range(2):
        own = equilibrium.contributions[i]
        deviations = np.linspace(0, 4000, 400_001)
        gain = problem.model_value(equilibrium.total - own + deviations)
        gain = gain - problem.costs[i] * deviations
        assert gain.max() <= equilibrium.utilities[i] + 1e-7


# Book: prop-free-riding
def test_collaboration_trains_no_better_a_model_than_its_cheapest_member_alone():
    problem = Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    alone = autarky(problem)
    assert free_riding(problem, [5, 5]).accuracy == pytest.approx(alone.accuracies[1])
    assert free_riding(problem, [10, 0]).accuracy == pytest.approx(alone.accuracies[0])


# Book: prop-coordination
def test_nobody_contributes_where_nobody_would_alone():
    problem = Problem(10, [0.5, 0.5], [1.0, 0.7], GeneralizationBound())
    equilibrium = free_riding(problem, [5, 5])
    assert equilibrium.total == 0
    assert equilibrium.utilities.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("counts", [[5], [5, -1], [0, 0], [[1, 1]]])
def test_bad_counts_are_refused(counts):
    problem = Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    with pytest.raises(ValueError, match="counts must be 2 non-negative numbers of parties"):
        free_riding(problem, counts)


@pytest.mark.parametrize("accuracy", [GeneralizationBound(), Arctan(rate=0.01)])
@pytest.mark.parametrize("cost", [0.05, 0.2, 0.6, 5.0])
@pytest.mark.parametrize("others", [0.0, 40.0, 70.0, 900.0])
def test_a_best_reply_is_best(accuracy, cost, others):
    problem = Problem(2, [0.5, 0.5], [0.2, 0.1], accuracy)
    reply = best_reply(problem, cost, others)
    own = np.linspace(0, 100 / cost, 200_001)
    gains = problem.model_value(others + own) - cost * own
    assert float(problem.model_value(others + reply)) - cost * reply >= gains.max() - 1e-12


# Book: prop-best-replies
@pytest.mark.parametrize("seed", range(8))
def test_best_replies_lead_to_free_riding(seed):
    """From anywhere, in any order, with one cheapest party that would train alone."""
    rng = np.random.default_rng([11, seed])
    costs = rng.permutation(np.append(rng.uniform(0.05, 0.9, 4), 0.04))
    problem = Problem(5, np.full(5, 0.2), costs, GeneralizationBound())
    history = best_reply_dynamics(problem, costs, rng.uniform(0, 500, 5))
    assert np.array_equal(history[-1] > 0, costs == costs.min())
    equilibrium = free_riding(problem, np.ones(5, dtype=int))
    assert history[-1] == pytest.approx(equilibrium.contributions, abs=1e-6)
    assert len(history) > 2


# Book: prop-free-riding
def test_ties_leave_the_split_to_where_best_replies_begin():
    problem = SCENARIOS["big_firm_cooperation"].problem()
    alone = autarky(problem).contributions[-1]
    ends = [
        best_reply_dynamics(problem, [0.1, 0.04, 0.04], start)[-1]
        for start in ([0, 0, 0], [0, 100, 900], [0, 200, alone - 200])
    ]
    for end in ends:
        assert end.sum() == pytest.approx(alone)
        assert end[0] == 0
    assert ends[0][1] == pytest.approx(alone)
    assert ends[1][2] == pytest.approx(alone)
    assert ends[2][1] == pytest.approx(200)


# Book: prop-coordination
def test_trust_holds_an_agreement_that_distrust_ends():
    problem = SCENARIOS["small_party_teamwork"].problem()
    held = best_reply_dynamics(problem, [0.4, 0.4], [46.0, 46.0])[-1]
    assert held.min() > 45.9
    total = held.sum()
    assert problem.model_value.derivative(total) == pytest.approx(0.4)
    assert total == pytest.approx(92, abs=0.1)
    assert problem.accuracy(total) == pytest.approx(0.206, abs=1e-3)
    for start in ([30.0, 30.0], [0.0, 0.0], [46.0, 0.0]):
        assert best_reply_dynamics(problem, [0.4, 0.4], start)[-1].tolist() == [0.0, 0.0]


def test_joint_surplus_by_simulation():
    contract = solve(SCENARIOS["big_and_small_collaboration"].problem())
    problem = contract.problem
    counts = np.random.default_rng(3).multinomial(10, problem.probabilities, size=50_000)
    worth = problem.model_value(counts @ contract.contributions)[:, None]
    share = contract.rewards / contract.reward_caps
    gains = np.sum(counts * (share * worth - problem.costs * contract.contributions), axis=1)
    error = gains.std() / np.sqrt(gains.size)
    assert joint_surplus(contract) == pytest.approx(gains.mean(), abs=5 * error)
    assert np.allclose(proportional_rewards(contract).means, contract.rewards)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"costs": [0.1, -0.1]}, "cost must be > 0"),
        ({"costs": [0.1, 0.0]}, "cost must be > 0"),
        ({"costs": [0.1, np.inf]}, "cost must be > 0"),
        ({"start": [0.0, np.inf]}, "start must be >= 0 and finite"),
        ({"start": [1.0]}, "start must hold one number for each of 2 costs"),
        ({"start": [-1.0, -2.0]}, "start must be >= 0 and finite"),
        ({"rounds": 0}, "rounds must be an integer >= 1"),
        ({"rounds": 1.5}, "rounds must be an integer; got 1.5"),
        ({"rounds": "3"}, "rounds must be an integer; got '3'"),
    ],
)
def test_bad_dynamics_are_refused(change, message):
    problem = Problem(2, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    arguments = {"costs": [0.2, 0.1], "start": [1.0, 1.0], "rounds": 5} | change
    with pytest.raises(ValueError, match=message):
        best_reply_dynamics(problem, **arguments)


def test_one_round_is_a_round():
    problem = Problem(2, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    history = best_reply_dynamics(problem, [0.2, 0.1], [0.0, 0.0], rounds=1)
    assert len(history) == 2
    alone = autarky(problem).contributions
    assert history[1, 0] == pytest.approx(alone[0])


# Book: rem-corner
def test_with_a_corner_at_the_tangent_point_the_costlier_party_contributes_too():
    grid = np.linspace(0.0, 3.0, 3001)
    value = np.where(grid <= 1, grid, 1 + (1 - np.exp(-(grid - 1))) / 2)
    for cost in (0.7, 0.9):
        gains = np.interp(grid[:2001] + 0.5, grid, value) - cost * grid[:2001]
        assert grid[np.argmax(gains)] == pytest.approx(0.5, abs=1e-3)
    alone = value - 0.7 * grid
    assert grid[np.argmax(alone)] == pytest.approx(1.0)  # one party of the lower cost trains alone


@pytest.mark.parametrize("wrong", ["contract", "problem", "list", "none"])
def test_what_is_no_problem_or_contract_is_refused_by_name(wrong):
    problem = Problem(3, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    contract, complete = solve(problem), solve_complete_information(problem)
    of_problems = (
        lambda it: menu_residuals(it, [1, 1], [1, 1]),
        lambda it: free_riding(it, [1, 1]),
        lambda it: best_reply(it, 0.1, 5.0),
        lambda it: best_reply_dynamics(it, [1, 1], [0, 0]),
        lambda it: logit_behavior(it, [1, 1], [1, 1], 1.0),
        conic_program,
        problem_to_dict,
    )
    of_contracts = (
        compare_schemes, joint_surplus, proportional_rewards, capped_rewards, lottery_rewards,
        all_or_nothing_rewards, contract_to_dict, lambda it: information_cost(it, complete),
    )  # fmt: skip
    given = {"contract": contract, "problem": problem, "list": [problem, contract], "none": None}
    if wrong != "problem":
        for ask in of_problems:
            with pytest.raises(ValueError, match=r"^problem must be a Problem"):
                ask(given[wrong])
    if wrong != "contract":
        for ask in of_contracts:
            with pytest.raises(ValueError, match=r"^contract must be a Contract, as solve"):
                ask(given[wrong])
    with pytest.raises(ValueError, match=r"^complete must be what solve_complete_information"):
        information_rents(contract, given[wrong])
    with pytest.raises(ValueError, match=r"^rewards must be a RewardDistribution"):
        certainty_equivalents(given[wrong], 1.0)


@pytest.mark.parametrize("counts", [[0.5, 1], [np.nan, 1], [np.inf, 1], [True, 1], [-1, 1]])
def test_free_riding_takes_whole_numbers_of_parties(counts):
    problem = Problem(2, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    with pytest.raises(ValueError, match="counts must be"):
        free_riding(problem, counts)


def test_data_that_cost_next_to_nothing_are_given_without_a_warning():
    problem = Problem(2, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    with np.errstate(all="raise", under="ignore"):
        assert best_reply(problem, 1e-308, 1e308) == 0
        assert problem.accuracy(best_reply(problem, 1e-308, 0.0)) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("change", [{"costs": [0.3, 0.1]}, {"probabilities": [0.4, 0.6]}])
def test_complete_information_of_another_problem_is_refused(change):
    given = {"probabilities": [0.5, 0.5], "costs": [0.2, 0.1]}
    contract = solve(Problem(2, accuracy=GeneralizationBound(), **given))
    other = Problem(2, accuracy=GeneralizationBound(), **(given | change))
    for function in (information_cost, information_rents):
        with pytest.raises(ValueError, match="complete must be of the contract's problem"):
            function(contract, solve_complete_information(other))
