"""Contracts run with models: a made-up learner whose accuracy is known must give the theory."""

from dataclasses import replace

import numpy as np
import pytest

from paid_with_models import Problem, Saturating, solve
from paid_with_models.attendance import enumerate_outcomes, outcome_probabilities
from paid_with_models.beyond.learners import load_digits
from paid_with_models.beyond.neural_network import NeuralNetwork
from paid_with_models.beyond.trials import (
    Trials,
    deploy,
    designed,
    intervals,
    run_trials,
    whole_samples,
)

CURVE = Saturating((0.6, 0.3), (0.05, 0.005))
CONTRACT = solve(Problem(4, [0.4, 0.6], [0.5, 0.1], CURVE))
MENU = whole_samples(CONTRACT)
LABELS = np.zeros(4000, dtype=np.int64)


def run(shift=0.0, draws=200, grading="noise"):
    """A learner that is right on exactly the share a(S) + shift of the test points."""

    def predict(rows):
        right = round((float(CURVE(len(rows))) + shift) * LABELS.size)
        return np.where(np.arange(LABELS.size) < right, 0, 1)

    return run_trials(MENU, predict, 5000, LABELS, grading=grading, draws=draws, seed=3)


def test_whole_samples_are_feasible_and_near():
    assert np.all(MENU.contributions % 1 == 0)
    assert np.abs(MENU.contributions - CONTRACT.contributions).max() <= 2
    utilities = MENU.rewards - MENU.problem.costs * MENU.contributions
    assert np.all(utilities >= MENU.problem.outside_options - 1e-12)
    assert np.all(MENU.rewards <= MENU.reward_caps)
    assert abs(MENU.expected_accuracy - CONTRACT.expected_accuracy) < 0.01


def test_types_that_share_an_option_still_share_it_in_whole_samples():
    contract = solve(Problem(6, [0.3, 0.3, 0.4], [0.5, 0.45, 0.425], CURVE))
    assert len(contract.bunches) == 1
    assert contract.contributions[0] % 1 > 0.5  # rounding would lift the first over the last
    menu = whole_samples(contract)
    assert menu.contributions.tolist() == [np.floor(contract.contributions[0])] * 3
    assert np.all(menu.rewards <= menu.reward_caps)


@pytest.mark.parametrize("grading", ["noise", "subset"])
def test_a_learner_on_the_curve_gives_the_theory(grading):
    found, theory = intervals(MENU, run(grading=grading)), designed(MENU)
    assert list(found) == list(theory)
    assert abs(found["accuracy"][0]) < 1.5 / LABELS.size
    for key in ("reward 1", "reward 2", "IR 1", "IR 2", "IC 1 2", "IC 2 1"):
        value, width = found[key]
        assert 0 < width < 0.5
        # Three half-widths are 5.9 standard errors. This learner's accuracy is rounded to test
        # points, and a slack has up to two rewards in it: half a point of 100 / 4000 each.
        assert abs(value - theory[key]) < 3 * width + 100 / LABELS.size


def test_intervals_against_the_jackknife():
    """Half-widths from influences are those of means with one draw left out after the other."""
    rng = np.random.default_rng(4)
    trials = run(draws=150)
    # Wider than any noise of this learner, and common to both types: covariances matter.
    shifts = rng.normal(scale=0.02, size=(150, 1)) + rng.normal(scale=0.005, size=(150, 2))
    trials = Trials(
        trials.counts, trials.accuracies + rng.normal(scale=0.01, size=150), trials.handed + shifts
    )
    found = intervals(MENU, trials)
    left = [
        intervals(MENU, Trials(*(np.delete(x, d, axis=0) for x in vars(trials).values())))
        for d in range(150)
    ]
    for key, (value, width) in found.items():
        without = np.array([other[key][0] for other in left])
        jackknife = np.sqrt(149 / 150 * np.sum((without - without.mean()) ** 2))
        assert width == pytest.approx(1.96 * jackknife, rel=0.02)
        assert value == pytest.approx(without.mean(), abs=1e-3 * width)
    # The common part cancels in the slack between the two types.
    apart = np.hypot(found["reward 1"][1], found["reward 2"][1])
    assert found["IC 2 1"][1] < 0.5 * apart


def test_the_control_variate_leaves_out_who_turned_up():
    trials = run(draws=400)
    found = intervals(MENU, trials)
    mean, wide = found["mean accuracy"]
    assert mean == pytest.approx(trials.accuracies.mean())
    assert wide == pytest.approx(1.96 * np.std(trials.accuracies, ddof=1) / 20)
    assert abs(mean - designed(MENU)["mean accuracy"]) < 2 * wide
    # Of this learner nothing is left but the rounding to test points.
    assert found["accuracy"][1] < 0.01 * wide


def test_designed_slacks_by_hand():
    m, t, c = MENU.contributions, MENU.rewards, MENU.problem.costs
    theory = designed(MENU)
    assert theory["IR 1"] == pytest.approx(t[0] - c[0] * m[0] - MENU.problem.outside_options[0])
    assert theory["IC 2 1"] == pytest.approx((t[1] - c[1] * m[1]) - (t[0] - c[1] * m[0]))
    assert theory["IC 1 2"] == pytest.approx((t[0] - c[0] * m[0]) - (t[1] - c[0] * m[1]))
    counts = enumerate_outcomes(4, 2)
    chance = outcome_probabilities(counts, MENU.problem.probabilities)
    assert theory["mean accuracy"] == pytest.approx(chance @ CURVE(counts @ m), abs=1e-12)
    assert min(theory.values()) > -1e-9


def test_subsets_are_of_what_was_contributed_and_of_the_right_size():
    trained = []

    def predict(rows):
        trained.append(rows)
        return LABELS

    trials = run_trials(MENU, predict, 5000, LABELS, grading="subset", draws=40, seed=5)
    promises = []
    for d in range(40):
        union, *subsets = trained[3 * d : 3 * d + 3]
        assert len(set(union)) == len(union) == trials.counts[d] @ MENU.contributions
        for i, rows in enumerate(subsets):
            assert set(rows) <= set(union)
            assert len(set(rows)) == len(rows)
            promise = MENU.rewards[i] / MENU.reward_caps[i] * CURVE(len(union))
            # One of the two whole sizes between which the promise lies.
            assert CURVE(len(rows) - 1) - 1e-9 <= promise <= CURVE(len(rows) + 1) + 1e-9
            promises.append(len(rows) < len(union))
    assert any(promises)


def test_a_learner_off_the_curve_is_noticed():
    found = intervals(MENU, run(shift=-0.05))
    value, width = found["accuracy"]
    assert value == pytest.approx(-0.05, abs=1e-3)
    assert abs(value) > 10 * width
    for i in (1, 2):
        value, width = found[f"reward {i}"]
        assert value < -3 * width


def test_deployment_by_hand():
    truth = Saturating((0.5, 0.3), (0.04, 0.004))
    result = deploy(CONTRACT, truth)
    counts = enumerate_outcomes(4, 2)
    chance = outcome_probabilities(counts, CONTRACT.problem.probabilities)
    totals = counts @ CONTRACT.contributions
    assert result.expected_accuracy == pytest.approx(chance @ truth(totals), abs=1e-12)
    for i in range(2):
        here = counts[:, i] > 0
        weight = chance * here / chance[here].sum()
        share = CONTRACT.rewards[i] / (100 * weight @ CURVE(totals))
        assert result.rewards[i] == pytest.approx(share * 100 * weight @ truth(totals), abs=1e-8)
    # A worse truth pays everybody less than promised.
    assert np.all(result.rewards < CONTRACT.rewards)
    m, t, c = CONTRACT.contributions, result.rewards, CONTRACT.problem.costs
    assert result.ic_slacks[1, 0] == pytest.approx(t[1] - t[0] - c[1] * (m[1] - m[0]))
    assert result.ic_slacks[0, 1] == pytest.approx(t[0] - t[1] - c[0] * (m[0] - m[1]))
    assert np.all(np.diagonal(result.ic_slacks) == 0)
    data = np.linspace(0, 2000, 200_001)
    alone = np.max(100 * truth(data) - c[:, None] * data, axis=1)
    assert result.ir_slacks == pytest.approx(t - c * m - alone, abs=1e-5)


def test_whole_samples_of_types_in_another_order_are_refused():
    with pytest.raises(ValueError, match="costliest type first"):
        whole_samples(solve(Problem(4, [0.6, 0.4], [0.1, 0.5], CURVE)))


def test_a_small_pool_is_refused():
    with pytest.raises(ValueError, match="pool"):
        run_trials(MENU, lambda rows: LABELS, 10, LABELS)


def test_one_draw_has_no_interval_and_none_is_no_trial():
    with pytest.raises(ValueError, match="at least two draws; got 1"):
        intervals(MENU, run(draws=1))
    with pytest.raises(ValueError, match="draws must be an integer >= 1; got 0"):
        run(draws=0)


@pytest.mark.parametrize("bad", [None, "menu", 3, CONTRACT.problem])
def test_what_is_no_menu_or_contract_is_refused_by_name(bad):
    with pytest.raises(ValueError, match="contract must be a Contract, as solve"):
        whole_samples(bad)
    with pytest.raises(ValueError, match="contract must be a Contract, as solve"):
        deploy(bad, CURVE)
    with pytest.raises(ValueError, match="truth must be a Curve"):
        deploy(CONTRACT, bad)
    with pytest.raises(ValueError, match="menu must be a Menu, as whole_samples returns"):
        run_trials(bad, lambda rows: LABELS, 5000, LABELS)
    with pytest.raises(ValueError, match="trials must be a Trials, as run_trials returns"):
        intervals(MENU, bad)


def test_an_unknown_grading_is_refused():
    with pytest.raises(ValueError, match="grading must be"):
        run_trials(MENU, lambda rows: LABELS, 5000, LABELS, grading="weights")


def test_of_a_type_that_no_draw_has_nothing_is_said():
    trials = run(draws=40)
    some = trials.counts[:, 0] == 0
    found = intervals(MENU, Trials(*(x[some] for x in vars(trials).values())))
    assert some.sum() >= 2
    unknown = {key for key, numbers in found.items() if np.isnan(numbers).any()}
    assert unknown == {"reward 1", "IR 1", "IC 1 2", "IC 2 1"}
    assert all(np.isnan(found[key]).all() for key in unknown)


def steps(rows):
    """A made-up learner that rises step by step to the accuracy of the curve."""
    rng = np.random.default_rng(rows)
    reached = np.linspace(0.1, float(CURVE(len(rows))), 12)
    # A test point is right from some step on.
    return (rng.random(LABELS.size) >= reached[:, None]).astype(int)


def test_checkpoints_give_what_is_promised():
    trials = run_trials(MENU, steps, 5000, LABELS, grading="checkpoint", draws=400, seed=3)
    found = intervals(MENU, trials)
    for i in (1, 2):
        value, width = found[f"reward {i}"]
        assert abs(value) < 1.5 * width
        assert 0 < width < 0.5
    # They are worse than the collective model, and not all alike.
    assert np.mean(trials.handed[:, 0] < trials.accuracies) > 0.9


def test_of_checkpoints_the_trained_model_goes_to_who_is_promised_all():
    menu = replace(MENU, rewards=MENU.reward_caps)
    trials = run_trials(menu, steps, 5000, LABELS, grading="checkpoint", draws=100)
    # Half of the test points tell, the others measure.
    assert np.abs(trials.handed - trials.accuracies[:, None]).max() < 0.04
    assert abs(np.mean(trials.handed - trials.accuracies[:, None])) < 0.002


def test_a_network_s_checkpoints_end_with_its_answers():
    (split,) = load_digits(400, 300)
    network = NeuralNetwork.of(split)
    rows = np.arange(250)
    at_steps = network.checkpoints(rows, split.pool_labels[rows])
    answers = network.predict(rows, split.pool_labels[rows])
    assert np.array_equal(at_steps[-1], answers)
    right = np.mean(at_steps == split.test_labels, axis=1)
    assert right[0] < 0.35 < 0.7 < right[-1]
    # With every label wrong the answers are.
    wrong = np.mean(network.predict(rows, (split.pool_labels[rows] + 1) % 10) == split.test_labels)
    assert wrong < 0.2
