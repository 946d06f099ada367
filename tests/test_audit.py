import json
import warnings

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from paid_with_models import (
    GeneralizationBound,
    KnownParties,
    LinearValuation,
    Problem,
    audit,
    autarky,
    solve,
)
from paid_with_models.audit import TOLERANCE, audit_schema
from paid_with_models.residuals import menu_residuals

PROBLEM = Problem(10, [0.2, 0.3, 0.5], [0.5, 0.2, 0.05], GeneralizationBound())


@pytest.fixture(scope="module")
def contract():
    return solve(PROBLEM)


def test_the_best_menu_passes(contract):
    report = audit(PROBLEM, contract.contributions, contract.rewards)
    assert report.satisfied
    assert report.participates.all()
    assert not report.insolvent.any()
    assert report.incentive_tolerance <= 1e-9
    assert report.gap == pytest.approx(contract.gap, abs=1e-12)
    assert report.best_accuracy == pytest.approx(report.expected_accuracy)


def test_a_promise_that_cannot_be_kept(contract):
    report = audit(PROBLEM, contract.contributions, contract.rewards + 3.0)
    assert not report.satisfied
    assert report.insolvent.tolist() == [False, False, True]
    assert report.caps[2] == pytest.approx(-3.0)


def test_a_type_that_would_stay_out(contract):
    report = audit(PROBLEM, contract.contributions, contract.rewards - [1.0, 0.0, 0.0])
    assert report.individual_rationality[0] == pytest.approx(-1.0)
    assert report.participates.tolist() == [False, True, True]
    assert report.best_option.tolist() == [0, 1, 2]
    assert not report.satisfied


# Types 1 and 2 get less than outside from the one option there is, which is of types 2 and 3.
OUTSIDE = Problem(
    10, [0.2, 0.3, 0.5], [1.0, 0.4, 0.2], GeneralizationBound(), reservation_utilities=[10.0] * 3
)


def test_nobody_takes_the_option_of_a_type_left_out():
    report = audit(OUTSIDE, [0.0, 60.0, 60.0], [0.0, 25.0, 25.0], left_out=[0])
    assert report.individual_rationality == pytest.approx([0.0, -9.0, 3.0])
    assert report.participates.tolist() == [False, False, True]
    assert report.best_option.tolist() == [0, 1, 2]
    assert report.deviation_gain.tolist() == [0.0, 0.0, 0.0]
    assert report.incentive_tolerance == 0
    # Staying out, as type 1 is meant to, is what type 2 prefers.
    assert report.incentive_compatibility[1, 0] == pytest.approx(-9.0)
    assert not report.satisfied


def test_a_type_left_out_that_would_take_an_option():
    report = audit(OUTSIDE, [0.0, 60.0, 60.0], [0.0, 75.0, 25.0], left_out=[0])
    assert report.best_option.tolist() == [1, 1, 1]
    assert report.deviation_gain == pytest.approx([5.0, 0.0, 50.0])
    assert report.participates.tolist() == [False, True, True]
    assert not report.satisfied


def test_a_menu_without_options():
    report = audit(OUTSIDE, np.zeros(3), np.zeros(3), left_out=[0, 1, 2])
    assert report.satisfied
    assert not report.participates.any()
    assert report.best_option.tolist() == [0, 1, 2]
    assert report.incentive_tolerance == 0


def test_the_most_profitable_deviation(contract):
    bonus = np.array([2.0, 0.0, 0.0])
    report = audit(PROBLEM, contract.contributions, contract.rewards + bonus)
    options = report.rewards - PROBLEM.costs[:, None] * report.contributions
    best = options[np.arange(3), report.best_option]
    assert best == pytest.approx(options.max(axis=1), abs=1e-9)
    assert report.best_option.tolist() == [0, 0, 2]  # type 3 is indifferent, and stays
    assert report.deviation_gain == pytest.approx(options.max(axis=1) - np.diag(options))
    assert report.incentive_tolerance == pytest.approx(report.deviation_gain.max())
    assert report.incentive_tolerance == pytest.approx(2.0)  # type 2 was indifferent
    assert not report.satisfied


def test_a_feasible_menu_that_wastes_something():
    report = audit(PROBLEM, [100.0, 100.0, 100.0], [60.0, 60.0, 60.0])
    assert report.best_option.tolist() == [0, 1, 2]
    assert report.gap > 0.05
    assert report.upper_bound >= report.best_accuracy > report.expected_accuracy


def test_equal_options_are_no_deviation():
    report = audit(PROBLEM, [100.0] * 3, [60.0] * 3)
    assert report.incentive_tolerance == 0
    assert np.array_equal(report.best_option, np.arange(3))


def test_the_report_in_json_fits_its_schema(contract):
    schema = audit_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    document = json.loads(json.dumps(audit(PROBLEM, [100.0] * 3, [60.0] * 3).to_dict()))
    validator.validate(document)
    assert set(document) == set(schema["properties"])
    document["satisfied"] = "yes"
    assert not validator.is_valid(document)


@pytest.mark.parametrize(
    ("menu", "message"),
    [
        (([1.0, 2.0], [1.0, 2.0]), "contributions must have one entry per type"),
        (([1.0, 2.0, 3.0], [1.0, 2.0, np.nan]), "rewards must not be NaN"),
        (([1.0, 2.0, -3.0], [1.0, 2.0, 3.0]), "contributions must be non-negative"),
    ],
)
def test_a_malformed_menu_is_refused(menu, message):
    with pytest.raises(ValueError, match=message):
        audit(PROBLEM, *menu)


def test_a_million_parties():
    problem = Problem(10**6, [0.2] * 5, [0.5, 0.4, 0.3, 0.2, 0.1], GeneralizationBound())
    contract = solve(problem)
    report = audit(problem, contract.contributions, contract.rewards)
    assert report.satisfied
    assert 0 <= report.gap <= 1e-8


def test_a_menu_that_asks_for_nothing_among_many():
    problem = Problem(31, [1 / 6] * 6, np.linspace(50.0, 60.0, 6), GeneralizationBound())
    report = audit(problem, np.zeros(6), np.zeros(6))
    assert report.satisfied
    assert not report.insolvent.any()
    assert report.expected_accuracy == 0


def test_only_the_outside_options_are_violated():
    """One option for all, from which the dearer types gain less than they have outside."""
    problem = Problem(
        10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound(), reservation_utilities=[48.0, 54.0]
    )
    menu = np.full(2, 100.0), np.full(2, 67.0)
    report = audit(problem, *menu)
    assert report.individual_rationality == pytest.approx([-1.0, 3.0])
    assert report.caps.min() > 0
    assert report.incentive_tolerance == 0
    assert not report.satisfied
    enough = audit(problem, *(menu[0], menu[1] + 1.0))
    assert enough.satisfied


def test_a_small_gain_is_a_deviation():
    report = audit(PROBLEM, [60.0] * 3, [45.0, 45.4, 45.2])
    assert report.best_option.tolist() == [1, 1, 1]
    assert report.deviation_gain == pytest.approx([0.4, 0.0, 0.2])


def test_violations_are_measured_in_values_of_the_best_model():
    """A thousandth of a unit is nothing where models are worth a million."""
    problem = Problem(10, [1.0], [2e3], GeneralizationBound(), LinearValuation(1e6))
    least = autarky(problem).utilities + 2e5
    allowed = TOLERANCE * 1e6
    for short, satisfied in ((0.5 * allowed, True), (2 * allowed, False)):
        report = audit(problem, [100.0], least - short)
        assert report.satisfied is satisfied
        assert report.participates.tolist() == [satisfied]


def test_the_best_contract_of_another_problem_is_refused(contract):
    other = Problem(9, [0.2, 0.3, 0.5], [0.5, 0.2, 0.05], GeneralizationBound())
    with pytest.raises(
        ValueError, match=r"^best must be the contract of this problem; got that of another$"
    ):
        audit(other, contract.contributions, contract.rewards, best=contract)


def test_menus_in_single_precision_are_judged_by_what_that_can_hold():
    thirds = np.full(3, 1 / 3, dtype=np.float32)
    problem = Problem(10, thirds, np.array([0.3, 0.2, 0.1], np.float32), GeneralizationBound())
    assert problem.probabilities.tolist() == [1 / 3] * 3
    with pytest.raises(ValueError, match="probabilities must sum to 1"):
        Problem(10, thirds.astype(float), [0.3, 0.2, 0.1], GeneralizationBound())
    best = solve(problem)
    menu = best.contributions.astype(np.float32), best.rewards.astype(np.float32)
    assert audit(problem, *menu).satisfied
    assert not audit(problem, *(it.astype(float) for it in menu)).satisfied
    assert not audit(problem, menu[0], menu[1] * np.float32(1.0001)).satisfied


def test_a_known_type_that_is_better_off_outside_stays_out_and_envies_nobody():
    law = {"attendance": KnownParties([1, 1])}
    problem = Problem(costs=[0.2, 0.1], accuracy=GeneralizationBound(), **law)
    best = solve(problem)
    kept = best.rewards - [best.reservation_utilities[0], 0.0]
    found = audit(problem, best.contributions, kept, best=best)
    assert found.individual_rationality[0] < 0
    assert found.participates.tolist() == [False, True]
    assert not found.deviation_gain.any()


def test_the_best_of_an_equal_problem_is_the_best():
    problem, equal = (Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()) for _ in range(2))
    best = solve(problem)
    assert audit(equal, best.contributions, best.rewards, best=best).satisfied


@pytest.mark.parametrize("check", [audit, menu_residuals])
@pytest.mark.parametrize("at_fault", ["contributions", "rewards"])
def test_menus_beyond_all_numbers_end_without_a_warning(check, at_fault):
    problem = Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    menu = {"contributions": [1.0, 2.0], "rewards": [1.0, 2.0]} | {at_fault: [1e308, 1e308]}
    with warnings.catch_warnings(action="error"):
        if at_fault == "rewards":
            check(problem, **menu)
        else:
            with pytest.raises(ValueError, match="contributions must add up to numbers"):
                check(problem, **menu)
