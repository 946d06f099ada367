import numpy as np
import pytest

from paid_with_models import (
    GeneralizationBound,
    Problem,
    autarky,
    linear_program_bound,
    menu_residuals,
    solve,
)
from paid_with_models.certificate import dual_bound
from paid_with_models.expectation import Enumeration
from paid_with_models.first_moment import Chain, FirstMoment


def standard_form(problem):
    """The envelope problem, costliest type first (as the problems below are given)."""
    unit = problem.model_value.optimum
    return FirstMoment(
        Enumeration.of(problem.n_parties, problem.probabilities[None], problem.beliefs),
        problem.accuracy.envelope(),
        problem.model_value.envelope(),
        unit,
        problem.costs[None] / unit,
        autarky(problem).utilities[None] / unit,
        Chain.of((False,) * problem.n_types),
    )


@pytest.fixture(scope="module")
def problem():
    return Problem(10, [0.2, 0.3, 0.5], [0.5, 0.2, 0.05], GeneralizationBound())


@pytest.fixture(scope="module")
def contract(problem):
    return solve(problem)


# Book: prop-certificate
def test_the_bound_holds_at_any_point_with_any_prices(problem, contract):
    """Weak duality: what the multipliers are cannot make it wrong, only weak."""
    model = standard_form(problem)
    rng = np.random.default_rng(3)
    for _ in range(200):
        menu = np.sort(rng.uniform(0, 1, (1, 3)) * (1 / model.costs), axis=1)
        point = model.point(model.increments_of(menu))
        rows, caps = rng.exponential(0.5, (1, 2)), rng.exponential(0.5, (1, 3))
        assert dual_bound(model, point, rows, caps)[0] >= contract.expected_accuracy


def test_the_bound_is_tight_at_the_optimum_and_weaker_with_worse_prices(problem, contract):
    model = standard_form(problem)
    point = model.point(model.increments_of(contract.contributions[None]))
    prices = contract.multipliers
    rows = prices.individual_rationality[None, 1:] * model.value_unit
    caps = prices.caps[None] * model.value_unit
    assert dual_bound(model, point, rows, caps)[0] - contract.expected_accuracy <= 1e-10
    assert dual_bound(model, point, rows, 0.9 * caps)[0] - contract.expected_accuracy > 1e-4
    assert dual_bound(model, point, rows, 0 * caps)[0] <= 1.0


def test_negative_prices_are_not_believed(problem):
    model = standard_form(problem)
    point = model.point(model.increments_of(np.array([[50.0, 100.0, 400.0]])))
    negative = -np.ones((1, 2)), -np.ones((1, 3))
    none = np.zeros((1, 2)), np.zeros((1, 3))
    assert dual_bound(model, point, *negative) == dual_bound(model, point, *none)


def test_the_bound_allows_for_the_rounding_of_the_expectations(problem, contract):
    assert contract.gap >= Enumeration.of(10, problem.probabilities[None], "paper").relative_error


# Book: prop-certificate
def test_the_linear_program_meets_the_optimum_from_any_start(problem, contract):
    for start in (contract.contributions, [300.0, 300.0, 300.0], [100.0, 200.0, 1500.0]):
        bound = linear_program_bound(problem, start)
        assert bound == pytest.approx(contract.expected_accuracy, abs=1e-6)
        assert bound >= contract.expected_accuracy - 1e-7


def test_the_linear_program_takes_types_in_any_order(problem, contract):
    order = [2, 0, 1]
    moved = Problem(10, problem.probabilities[order], problem.costs[order], GeneralizationBound())
    bound = linear_program_bound(moved, contract.contributions[order])
    assert bound == pytest.approx(contract.expected_accuracy, abs=1e-7)


# Book: def-ir, def-ic, def-feasible, lem-single-crossing
def test_a_satisfied_and_a_violated_witness_of_each_constraint(problem, contract):
    m, t = contract.contributions, contract.rewards
    assert menu_residuals(problem, m, t).largest <= 1e-12
    less = menu_residuals(problem, m, t - np.array([1.0, 1.0, 1.0]))
    assert less.individual_rationality == pytest.approx(0.01)  # type 1 is held to its f
    assert less.incentive_compatibility <= 1e-12
    envy = menu_residuals(problem, m, t + np.array([2.0, 0.0, 0.0]))
    assert envy.incentive_compatibility == pytest.approx(0.02)  # downward IC of type 2 binds
    assert envy.individual_rationality <= 1e-12
    more = menu_residuals(problem, m, t + np.array([3.0, 3.0, 3.0]))
    assert more.caps == pytest.approx(0.03)  # the cap of the cheapest type binds
    assert more.largest == more.caps


@pytest.mark.parametrize(
    ("contributions", "rewards", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], "contributions must have one entry per type, 3; got 2"),
        ([1.0, 2.0, -3.0], [1.0, 2.0, 3.0], "contributions must be non-negative"),
        ([1.0, 2.0, 3.0], [1.0, np.nan, 3.0], "rewards must not be NaN"),
        ([1.0, 2.0, 3.0], [1.0, np.inf, 3.0], "rewards must be non-negative and finite"),
    ],
)
def test_a_malformed_menu_is_refused(problem, contributions, rewards, message):
    with pytest.raises(ValueError, match=message):
        menu_residuals(problem, contributions, rewards)
