"""Parties that have only so much data."""

import numpy as np
import pytest

from paid_with_models import (
    GeneralizationBound,
    KnownParties,
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

CURVE = GeneralizationBound(0.9, 1.0)
CLINICS = {"costs": [0.02, 0.025, 0.08, 0.05], "accuracy": CURVE}
EQUAL = {"n_parties": 4, "probabilities": [0.25] * 4}
KNOWN = {"attendance": KnownParties([1, 1, 1, 1])}
LIMITS = [200, 170, 30, 85]


def best_by_grid(problem, points=41):
    """The best menu of two types on a grid of contributions, by all constraints."""
    from paid_with_models.solver.capacities import _Program

    program = _Program.of(problem)
    axes = [np.linspace(0, limit, points) for limit in problem.capacities]
    found = 0.0
    for first in axes[0]:
        for second in axes[1]:
            m = np.array([first, second])
            if program.rewards(m) is not None:
                found = max(found, program.accuracy(m))
    return found


@pytest.mark.parametrize("law", [EQUAL, KNOWN])
def test_four_clinics_give_all_they_have(law):
    contract = solve(Problem(**CLINICS, **law, max_data=LIMITS))
    assert contract.contributions == pytest.approx(LIMITS)
    assert contract.gap < 1e-6
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
    assert contract.gap < 1e-6
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


def test_what_nothing_is_made_for_is_refused():
    limited = Problem(**CLINICS, **EQUAL, max_data=LIMITS)
    for call in (
        solve_complete_information,
        solve_responsive,
        lambda it: free_riding(it, [1, 1, 1, 1]),
        lambda it: sweep(it, {"n_parties": [2]}),
    ):
        with pytest.raises(ValueError, match=r"^max_data must be left out here"):
            call(limited)
    with pytest.raises(ValueError, match="contributions must be at most max_data"):
        audit(limited, [201, 0, 0, 0], [1, 1, 1, 1])
    better = {"reservation_utilities": [80.0] * 4, "max_data": LIMITS}
    with pytest.raises(ValueError, match="reservation_utilities must be those of autarky"):
        solve(Problem(**CLINICS, **EQUAL, **better))


@pytest.mark.parametrize("law", [EQUAL, KNOWN, {"attendance": PoissonParties(4.0, [0.25] * 4)}])
def test_contracts_are_written_and_read(law):
    contract = solve(Problem(**CLINICS, **law, max_data=[200, np.inf, 30, 85]))
    document = contract_to_dict(contract)
    assert document["problem"]["max_data"] == [200.0, None, 30.0, 85.0]
    again = contract_from_dict(document)
    assert repr(again.problem) == repr(contract.problem)
    assert again.contributions.tolist() == contract.contributions.tolist()
    assert problem_from_dict(document["problem"]).max_data.tolist()[1] == np.inf
