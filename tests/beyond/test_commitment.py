"""What responding is worth and what it takes: against simulation and definitions."""

import numpy as np
import pytest

from paid_with_models import GeneralizationBound, Problem, solve
from paid_with_models.beyond.commitment import (
    as_responsive,
    misjudged,
    regret,
    rewards_above_own_data,
    value_of_response,
)
from paid_with_models.beyond.joining import law_of
from paid_with_models.beyond.responsive import solve_responsive
from paid_with_models.paper.scenarios import SCENARIOS

CURVE = GeneralizationBound()


def two_types(n=6, beliefs="own"):
    return Problem(n, [0.5, 0.5], [0.2, 0.05], CURVE, beliefs=beliefs)


@pytest.fixture(scope="module")
def found():
    problem = two_types()
    return {
        "menu": as_responsive(solve(problem)),
        "best": solve_responsive(problem),
        "steady": solve_responsive(problem, total="constant"),
    }


def simulated(contract, probabilities, draws=40_000):
    """Accuracy, and what a party of each type gives and gets, from draws of who joins."""
    problem, rng = contract.problem, np.random.default_rng(0)
    counts = rng.multinomial(problem.n_parties - 1, probabilities, size=draws)
    given, got, sorry = [], [], []
    for i in range(problem.n_types):
        joined = counts + np.eye(problem.n_types, dtype=int)[i]
        quotas = contract.quotas.quotas(joined)
        worth = problem.model_value((joined * quotas).sum(axis=1))
        share = contract.rewards[i] / contract.reward_caps[i]
        reward = contract.rewards[i] if contract.certain_rewards[i] else share * worth
        given.append(quotas[:, i].mean())
        got.append(np.mean(np.broadcast_to(reward, worth.shape)))
        gain = reward - problem.costs[i] * quotas[:, i] - contract.reservation_utilities[i]
        sorry.append(np.mean(gain < -1e-6))
    return np.array(given), np.array(got), np.array(sorry)


@pytest.mark.parametrize("name", ["menu", "best", "steady"])
@pytest.mark.parametrize("share", [0.5, 0.7])
def test_expectations_are_those_of_draws(found, name, share):
    contract = found[name]
    given, got, sorry = simulated(contract, [share, 1 - share])
    result = misjudged(contract, [share, 1 - share])
    np.testing.assert_allclose(result.contributions, given, rtol=0.02)
    np.testing.assert_allclose(result.rewards, got, rtol=0.01)
    if share == 0.5:
        np.testing.assert_allclose(regret(contract).probability, sorry, atol=0.01)


@pytest.mark.parametrize("name", ["menu", "best", "steady"])
def test_in_truth_nothing_is_missed(found, name):
    contract = found[name]
    result = misjudged(contract, contract.problem.probabilities)
    assert result.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-12)
    np.testing.assert_allclose(result.utilities, contract.utilities, atol=1e-8)
    assert max(result.participation, result.envy, result.broken) <= 1e-8


@pytest.mark.parametrize("share", [0.2, 0.35, 0.8])
def test_a_constant_total_holds_whatever_the_shares(found, share):
    steady = misjudged(found["steady"], [share, 1 - share])
    menu = misjudged(found["menu"], [share, 1 - share])
    assert steady.expected_accuracy == pytest.approx(found["steady"].expected_accuracy, abs=1e-12)
    np.testing.assert_allclose(steady.rewards, found["steady"].rewards, rtol=1e-12)
    assert steady.broken == 0
    assert steady.spread <= 1e-6
    assert abs(menu.expected_accuracy - found["menu"].expected_accuracy) > 1e-3
    assert menu.spread > 1e-3
    # What moves instead is who bears how much.
    assert np.abs(steady.contributions / found["steady"].contributions - 1).max() > 0.05


def test_fewer_cheap_parties_than_thought_make_them_sorry(found):
    assert misjudged(found["steady"], [0.8, 0.2]).participation > 5
    assert misjudged(found["steady"], [0.2, 0.8]).participation == 0


def test_a_menu_asks_for_what_it_said(found):
    result = regret(found["menu"])
    np.testing.assert_allclose(result.largest_quota, found["menu"].contributions)
    assert result.worst.max() < regret(found["steady"]).worst.max()


# Book: prop-own-data
@pytest.mark.parametrize("name", ["best", "steady"])
def test_nobody_need_get_less_than_its_own_data_would_make(found, name):
    contract = found[name]
    problem = contract.problem
    law = law_of(problem)
    rewards = rewards_above_own_data(contract)
    quotas = contract.quotas.quotas(law.counts)
    there = law.counts > 0
    collective = problem.model_value((law.counts * quotas).sum(axis=1))
    assert np.all(rewards[there] >= problem.model_value(quotas)[there] - 1e-9)
    assert np.all(rewards <= collective[:, None] + 1e-9)
    np.testing.assert_allclose((law.seen * rewards).sum(axis=0), contract.rewards, atol=1e-7)
    # Certain rewards do pay less somewhere: the property is not for free.
    certain = np.where(there, contract.rewards, np.inf)
    assert np.any(certain[:, 0] < problem.model_value(quotas)[:, 0])


def test_a_scheme_that_may_be_called_off_has_no_such_rewards():
    contract = solve_responsive(Problem(2, [0.5, 0.5], [1.0, 0.4], CURVE, beliefs="own"))
    with pytest.raises(ValueError, match="contract must be carried out in every outcome"):
        rewards_above_own_data(contract)


def test_a_smaller_largest_quota_is_regretted_less(found):
    capped = solve_responsive(two_types(), largest_quota=1000.0)
    assert regret(capped).worst[1] < regret(found["best"]).worst[1]
    assert regret(capped).largest_quota.max() <= 1000


def test_a_scheme_called_off_costs_the_outside_option():
    problem = Problem(
        5, [0.8, 0.2], [3.0, 0.3], CURVE, beliefs="own", reservation_utilities=[0.0, 2.0]
    )
    contract = solve_responsive(problem)
    called_off = contract.quotas.carried_out < 1
    assert contract.quotas.counts[called_off].tolist() == [[5, 0]]
    assert regret(contract).worst[1] >= 2


def test_pooling_gains_by_an_artifact_of_beliefs_alone():
    value = value_of_response(solve(SCENARIOS["big_firm_cooperation"].problem()))
    assert value.gain > 0.02
    assert value.own_gain < 1e-4
    text = " ".join(value.sentences())
    assert "next to nothing" in text
    assert "artifact" in text


def test_what_a_report_says():
    value = value_of_response(solve(two_types(4)))
    assert value.own_gain == pytest.approx(0.005194, abs=1e-5)
    text = value.sentences()
    assert f"{value.own_best.expected_accuracy * 100:.2f} %" in text[1]
    assert "no promise can be broken" in text[2]
    assert "commitment" in text[-1]
    assert 0 < value.more_data < 1
    data = [4000.0, 4000.0 * (1 + value.more_data)]
    assert CURVE(data)[1] > CURVE(data)[0]


def test_a_report_where_only_responding_makes_collaboration():
    value = value_of_response(solve(Problem(2, [0.5, 0.5], [1.0, 0.4], CURVE)))
    assert value.more_data == np.inf
    assert "Without responding nobody would collaborate." in value.sentences()[1]


def test_a_report_on_many_parties_and_on_one():
    many = Problem(300, [0.2, 0.3, 0.2, 0.3], [0.5, 0.3, 0.2, 0.1], CURVE)
    assert not any("artifact" in some for some in value_of_response(solve(many)).sentences())
    one = value_of_response(solve(two_types(1)))
    assert one.sentences() == ["A party on its own has nobody to respond to."]


def test_nothing_is_said_to_be_proved_that_is_not():
    """The search for a mechanism ends early among so many outcomes, each so rare."""
    value = value_of_response(solve(Problem(10_000, [0.5, 0.5], [0.2, 0.16], CURVE)))
    open_gap = value.own_best.upper_bound - value.own_menu
    said = value.sentences()[1]
    assert ("next to nothing" in said) == (open_gap <= 1e-4)
    assert ("was found that reaches more" in said) == (value.own_gain <= 1e-4 < open_gap)


def test_numbers_too_small_to_divide_by_do_not_stop_the_search():
    problem = Problem(10, [0.5, 0.3, 0.2], [0.2, 0.12, 0.04], CURVE,
                      reservation_utilities=[40.0, 60.0, 75.0])  # fmt: skip
    menu = solve(problem)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        value = value_of_response(menu)
    assert value.best.upper_bound >= menu.expected_accuracy - 1e-9


def test_accuracies_in_a_report_are_above_the_baseline_and_in_its_unit():
    value = value_of_response(solve(two_types(4)))
    text = value.sentences(baseline=0.05, data_unit="scans")
    assert f"{(0.05 + value.own_best.expected_accuracy) * 100:.2f} %" in text[1]
    assert "scans whoever joins" in text[2]
    assert "units of data" not in " ".join(text)


@pytest.mark.parametrize("function", [as_responsive, value_of_response])
def test_what_is_no_menu_is_named(function):
    problem = Problem(3, [0.5, 0.5], [0.2, 0.05], GeneralizationBound())
    for wrong in (problem, None, [1]):
        with pytest.raises(ValueError, match="contract must be a Contract, as solve"):
            function(wrong)


@pytest.mark.parametrize(
    "function", [regret, rewards_above_own_data, lambda it: misjudged(it, [0.5, 0.5])]
)
def test_what_has_no_quotas_is_named(function):
    problem = Problem(3, [0.5, 0.5], [0.2, 0.05], GeneralizationBound())
    for wrong in (problem, None, [1]):
        with pytest.raises(ValueError, match="contract must be a ResponsiveContract"):
            function(wrong)
    with pytest.raises(ValueError, match="as_responsive makes one of a menu"):
        function(solve(problem))
