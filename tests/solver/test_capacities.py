"""Parties that have only so much data."""

import itertools

import numpy as np
import pytest

from paid_with_models import (
    GeneralizationBound,
    KnownParties,
    LinearValuation,
    PoissonParties,
    Problem,
    Saturating,
    audit,
    autarky,
    free_riding,
    menu_residuals,
    solve,
    solve_complete_information,
    solve_responsive,
    sweep,
)
from paid_with_models.files import contract_from_dict, contract_to_dict, problem_from_dict
from paid_with_models.solver.capacities import _Program

CURVE = GeneralizationBound(0.9, 1.0)
CLINICS = {"costs": [0.02, 0.025, 0.08, 0.05], "accuracy": CURVE}
EQUAL = {"n_parties": 4, "probabilities": [0.25] * 4}
KNOWN = {"attendance": KnownParties([1, 1, 1, 1])}
LIMITS = [200, 170, 30, 85]


def best_by_grid(problem, points=41):
    """The best menu of two types on a grid of contributions, by all constraints."""
    program = _Program.of(problem)
    axes = [np.linspace(0, limit, points) for limit in problem.capacities]
    found, nobody = 0.0, np.zeros(2, dtype=bool)
    for first in axes[0]:
        for second in axes[1]:
            m = np.array([first, second])
            if program.rewards(m, nobody) is not None:
                found = max(found, program.accuracy(m))
    return found


@pytest.mark.parametrize("law", [EQUAL, KNOWN])
def test_four_clinics_give_all_they_have(law):
    contract = solve(Problem(**CLINICS, **law, max_data=LIMITS))
    assert contract.contributions == pytest.approx(LIMITS)
    assert contract.status.name == "OPTIMAL"
    assert np.all(contract.utilities >= contract.reservation_utilities - 1e-9)
    assert audit(contract).satisfied


@pytest.mark.parametrize("law", [EQUAL, KNOWN, {"attendance": PoissonParties(4.0, [0.25] * 4)}])
def test_limits_that_do_not_bind_change_nothing(law):
    free = solve(Problem(**CLINICS, **law))
    limited = solve(Problem(**CLINICS, **law, max_data=[1e9, np.inf, 1e9, 1e9]))
    assert limited.expected_accuracy == pytest.approx(free.expected_accuracy, abs=1e-7)
    assert limited.upper_bound >= free.expected_accuracy - 1e-12
    assert limited.contributions == pytest.approx(free.contributions, rel=1e-3)


@pytest.mark.parametrize("limits", [[300, 100], [100, 300], [60, 60], [500, 40], [30, 2000]])
@pytest.mark.parametrize("costs", [[0.1, 0.05], [0.05, 0.2]])
def test_no_menu_on_a_grid_is_better(limits, costs):
    problem = Problem(3, [0.4, 0.6], costs, Saturating((0.5, 0.4), (0.02, 0.004)), max_data=limits)
    contract = solve(problem)
    found = best_by_grid(problem)
    assert contract.upper_bound >= found - 1e-12
    assert contract.expected_accuracy >= found - 1e-7
    assert contract.status.name == "OPTIMAL"
    assert menu_residuals(problem, contract.contributions, contract.rewards).largest < 1e-9


def test_one_small_cheap_type_does_not_hold_back_the_others():
    problem = Problem(4, [0.5, 0.5], [0.02, 0.05], CURVE, max_data=[30, 400])
    contract = solve(problem)
    assert contract.contributions[1] > 30
    pooled = solve(Problem(4, [0.5, 0.5], [0.02, 0.05], CURVE, max_data=[30, 30]))
    assert contract.expected_accuracy > pooled.upper_bound + 0.01
    # The cheap type would like the other's option, but cannot fulfil it.
    found = audit(contract)
    assert found.satisfied
    assert found.best_option.tolist() == [0, 1]
    assert found.deviation_gain.tolist() == [0.0, 0.0]


def test_alone_a_party_has_no_more_either():
    limited = Problem(**CLINICS, **EQUAL, max_data=LIMITS)
    alone = autarky(limited)
    assert np.all(alone.contributions <= LIMITS)
    for i, limit in enumerate(LIMITS):
        amounts = np.linspace(0, limit, 2001)
        gains = limited.model_value(amounts) - limited.costs[i] * amounts
        assert alone.utilities[i] == pytest.approx(gains.max(), abs=1e-3)
        assert alone.utilities[i] >= gains.max() - 1e-9


def test_known_types_by_their_equation():
    problem = Problem(**CLINICS, **KNOWN, max_data=[3000, 100, 3000, 50])
    contract = solve(problem)
    total = contract.contributions.sum()
    gain = float(problem.model_value(total)) - contract.reservation_utilities
    expected = np.minimum(problem.max_data, gain / problem.costs)
    assert contract.contributions == pytest.approx(expected, rel=1e-9)
    assert contract.status.name == "OPTIMAL"
    assert np.isnan(contract.kkt_residual)


@pytest.mark.parametrize("given", [[200], [1, 2, 3, 0], [1, 2, 3, -1], ["1"] * 4, [np.nan] * 4, 7])
def test_limits_must_be_numbers(given):
    with pytest.raises(ValueError, match=r"^max_data must"):
        Problem(**CLINICS, **EQUAL, max_data=given)


def test_a_menu_that_asks_for_more_than_a_type_has_is_audited():
    contract = solve(Problem(**CLINICS, **EQUAL))
    limits = contract.contributions * [0.5, 2, 2, 2]
    limited = Problem(**CLINICS, **EQUAL, max_data=limits)
    found = audit(limited, contract.contributions, contract.rewards)
    assert found.beyond_capacity.tolist() == [True, False, False, False]
    assert not found.satisfied
    # All that it can take serves it worse than to stay out.
    assert found.utilities[0] == found.reservation_utilities[0]
    assert found.participates.tolist() == [False, True, True, True]
    assert not found.deviation_gain.any()
    found = audit(limited, [400, *limits[1:]], [1, 1, 90, 1])
    assert not found.beyond_capacity.any()
    assert found.best_option[0] == 2  # which asks for less than it has
    assert found.participates[0]
    residuals = menu_residuals(limited, contract.contributions, contract.rewards)
    assert residuals.capacities == residuals.largest == pytest.approx(1.0)
    enough = Problem(**CLINICS, **EQUAL, max_data=2 * limits)
    assert audit(enough, contract.contributions, contract.rewards).satisfied


def test_what_nothing_is_made_for_is_refused():
    limited = Problem(**CLINICS, **EQUAL, max_data=LIMITS)
    with pytest.raises(ValueError, match=r"^max_data must be left out here"):
        free_riding(limited, [1, 1, 1, 1])
    with pytest.raises(ValueError, match=r"max_data must be the same .* state largest_quota"):
        solve_responsive(limited)
    many = {"n_parties": 2, "probabilities": [1 / 9] * 9, "costs": np.linspace(0.1, 0.05, 9)}
    outside = {"reservation_utilities": [80.0] * 9, "max_data": [200.0] * 9}
    with pytest.raises(ValueError, match="exceed autarky for at most 8 types"):
        solve(Problem(**many, accuracy=CURVE, **outside))


OUTSIDE = [(9, 26), (40, 26), (6.8, 40), (60, 60), (20, 30), (10, 60)]
TWO = {
    "n_parties": 3, "probabilities": [0.5, 0.5], "costs": [0.2, 0.1],
    "accuracy": GeneralizationBound(), "valuation": LinearValuation(100.0),
}  # fmt: skip


@pytest.mark.parametrize("outside", OUTSIDE)
def test_outside_options_without_binding_limits_are_those_of_the_solver(outside):
    outside = np.maximum(outside, autarky(Problem(**TWO)).utilities)
    free = solve(Problem(**TWO, reservation_utilities=outside))
    limited = solve(Problem(**TWO, reservation_utilities=outside, max_data=[1e9, np.inf]))
    assert limited.expected_accuracy == pytest.approx(free.expected_accuracy, abs=2e-9)
    assert limited.upper_bound >= free.expected_accuracy - 1e-12
    assert limited.participates.tolist() == free.participates.tolist()
    assert limited.status.name == "OPTIMAL"
    assert audit(limited).satisfied


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("limits", [(300, 100), (100, 300), (150, 150)])
def test_no_menu_on_a_grid_is_better_with_outside_options(outside, limits):
    alone = autarky(Problem(**TWO, max_data=limits)).utilities
    problem = Problem(**TWO, max_data=limits, reservation_utilities=np.maximum(outside, alone))
    contract = solve(problem)
    out = np.flatnonzero(~contract.participates).tolist()
    assert (
        menu_residuals(problem, contract.contributions, contract.rewards, left_out=out).largest
        < 1e-9
    )
    assert contract.status.name == "OPTIMAL"
    program = _Program.of(problem)
    for left_out in itertools.product((False, True), repeat=2):
        gone = np.array(left_out)
        for m in itertools.product(np.linspace(0, limits[0], 31), np.linspace(0, limits[1], 31)):
            menu = np.where(gone, 0.0, m)
            if np.all(problem.better_outside[gone]) and program.rewards(menu, gone) is not None:
                assert program.accuracy(menu) <= contract.upper_bound + 1e-12


def test_a_lone_party_with_something_better_stays_out():
    problem = Problem(
        1, [1.0], [0.1], GeneralizationBound(), LinearValuation(100.0), max_data=[100.0],
        reservation_utilities=[90.0],
    )  # fmt: skip
    contract = solve(problem)
    assert contract.participates.tolist() == [False]
    assert contract.expected_accuracy == 0.0


def test_complete_information_heeds_limits():
    """In each outcome, what parties give that know each other, as where types are known."""
    limits = [200, 170, 30, 85]
    found = solve_complete_information(Problem(**CLINICS, **EQUAL, max_data=limits))
    for counts, total, given in zip(
        found.counts, found.totals, found.outcome_contributions, strict=True
    ):
        here = counts > 0
        alike = Problem(
            costs=np.array(CLINICS["costs"])[here], accuracy=CURVE,
            attendance=KnownParties(counts[here].tolist()), max_data=np.array(limits)[here],
        )  # fmt: skip
        assert given[here] == pytest.approx(solve(alike).contributions, rel=1e-9)
        assert total == pytest.approx(counts[here] @ given[here], rel=1e-12)
    assert np.all(found.contributions <= limits)


def test_complete_information_with_limits_that_do_not_bind():
    for outside in (None, [30.0, 20.0, 10.0, 40.0]):
        f = (
            None
            if outside is None
            else np.maximum(outside, autarky(Problem(**CLINICS, **EQUAL)).utilities)
        )
        free, limited = (
            solve_complete_information(
                Problem(**CLINICS, **EQUAL, reservation_utilities=f, max_data=limits)
            )
            for limits in (None, [1e9] * 4)
        )
        assert limited.expected_accuracy == pytest.approx(free.expected_accuracy, rel=1e-12)
        assert limited.contributions == pytest.approx(free.contributions, rel=1e-9)
        assert limited.rewards == pytest.approx(free.rewards, rel=1e-9)


def test_sweeps_keep_and_vary_limits():
    limited = Problem(**CLINICS, **EQUAL, max_data=LIMITS)
    found = sweep(limited, {"max_data": [LIMITS, [100, np.inf, 30, 85]], "n_parties": [2, 4]})
    for k, limits in enumerate((LIMITS, [100, np.inf, 30, 85])):
        contract = solve(Problem(**CLINICS, **EQUAL, max_data=limits))
        assert found.contributions[k, 1].values == pytest.approx(contract.contributions)
    assert found.max_data_of_type.units == "units of data"
    assert float(found.gap.max()) <= 1e-8


@pytest.mark.parametrize("law", [EQUAL, KNOWN, {"attendance": PoissonParties(4.0, [0.25] * 4)}])
def test_contracts_are_written_and_read(law):
    contract = solve(Problem(**CLINICS, **law, max_data=[200, np.inf, 30, 85]))
    document = contract_to_dict(contract)
    assert document["problem"]["max_data"] == [200.0, None, 30.0, 85.0]
    again = contract_from_dict(document)
    assert repr(again.problem) == repr(contract.problem)
    assert again.contributions.tolist() == contract.contributions.tolist()
    assert problem_from_dict(document["problem"]).max_data.tolist()[1] == np.inf


@pytest.mark.parametrize(
    ("limits", "menu"), [([150, 500], [0.18951, 178.1309]), ([500, 170], [5.9431, 169.445])]
)
def test_bounds_hold_where_accuracy_is_not_concave(limits, menu):
    """Next to nothing from the costly type is best, and no branch of incentives is undecided."""
    problem = Problem(10, [0.5, 0.5], [1.0, 0.4], GeneralizationBound(), max_data=limits)
    f, m = problem.outside_options, np.array(menu)
    rent = f[0] + (problem.costs[0] - problem.costs[1]) * m[0]
    other = audit(problem, m, problem.costs * m + [f[0], max(f[1], rent)])
    assert other.satisfied
    contract = solve(problem)
    assert contract.upper_bound >= other.expected_accuracy
    assert contract.expected_accuracy >= other.expected_accuracy - 1e-7
    assert contract.status.name == "OPTIMAL"


def test_limits_beyond_every_option_leave_the_contract_as_it_is():
    stated = 6, [0.5, 0.5], [0.5, 0.2], GeneralizationBound()
    free, limited = solve(Problem(*stated)), solve(Problem(*stated, max_data=[np.inf, 1000]))
    assert limited.expected_accuracy == free.expected_accuracy
    assert limited.multipliers.caps.tolist() == free.multipliers.caps.tolist()
    assert limited.problem.max_data.tolist() == [np.inf, 1000]


def test_a_lone_party_of_a_type_by_chance_trains_on_its_own_data():
    problem = Problem(1, [0.5, 0.5], [0.2, 0.1], CURVE, max_data=[50, 400])
    contract, own = solve(problem), autarky(problem)
    assert contract.contributions.tolist() == own.contributions.tolist()
    assert contract.expected_accuracy == pytest.approx(own.accuracies.mean(), abs=1e-15)
    assert contract.gap == 0


def test_limits_with_too_many_outcomes_are_refused_by_name():
    shares = np.full(40, 1 / 40)
    problem = Problem(
        30, shares, np.linspace(0.3, 0.1, 40), GeneralizationBound(), max_data=[5] * 40
    )
    with pytest.raises(
        ValueError, match="max_data needs all outcomes where types are private: n_par"
    ):
        solve(problem)


def test_no_time_leaves_a_gap_that_is_honest():
    limited = Problem(
        8, np.full(6, 1 / 6), np.linspace(0.05, 0.5, 6), CURVE, max_data=np.linspace(50, 600, 6)
    )
    whole, hasty = solve(limited), solve(limited, max_seconds=1e-9)
    assert hasty.gap > 1e-3 > whole.gap
    assert hasty.expected_accuracy <= whole.expected_accuracy <= hasty.upper_bound
    assert audit(hasty).satisfied
