"""Expectations over bunches against all outcomes, and the bounds that they close."""

import dataclasses
import functools
import warnings

import numpy as np
import pytest

from paid_with_models import (
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    Problem,
    Status,
    menu_residuals,
    solve,
)
from paid_with_models.solver.batches import plan
from paid_with_models.solver.bunches import BunchedEnumeration, _bunches, bunched_bound, few_bunches
from paid_with_models.solver.interior_point import maximize
from paid_with_models.solver.moments import Enumeration
from paid_with_models.solver.routes import first_moments
from tests.problems import scale_problem, unequal_problem

CURVE = GeneralizationBound()
VALUE = ModelValue(CURVE, LinearValuation())


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("seed", range(10))
def test_bunches_against_all_outcomes(beliefs, seed):
    rng = np.random.default_rng(seed)
    n_types, n_parties = int(rng.integers(1, 6)), int(rng.integers(1, 7))
    bunch = np.unique(rng.integers(0, 3, n_types), return_inverse=True)[1]
    p = rng.dirichlet(np.ones(n_types))
    m = rng.uniform(0, 80, 3)[bunch][None]
    bunched = BunchedEnumeration(n_parties, p, beliefs, bunch).moments(CURVE, VALUE, m)
    every = Enumeration.of(n_parties, p[None], beliefs).moments(CURVE, VALUE, m)
    for name in ("accuracy", "accuracy_gradient", "value", "values", "value_jacobian"):
        expected = getattr(every, name)
        assert getattr(bunched, name) == pytest.approx(expected, rel=1e-10, abs=1e-13), name


def test_what_differs_within_a_bunch_is_in_the_uncertainty():
    """Up to ten units of data apart: true values are never above by more than is said."""
    rng = np.random.default_rng(1)
    a, v = CURVE.envelope(), VALUE.envelope()
    p, bunch = np.array([0.2, 0.3, 0.1, 0.4]), np.array([0, 0, 1, 1])
    for _ in range(50):
        m = np.array([[30.0, 30.0, 200.0, 200.0]]) + rng.uniform(0, 10, (1, 4))
        outcomes = BunchedEnumeration(5, p, "paper", bunch)
        some, wrong = outcomes.moments(a, v, m), outcomes.uncertainty(a, v, m)
        every = Enumeration.of(5, p[None], "paper").moments(a, v, m)
        assert np.all(every.accuracy <= some.accuracy + wrong.accuracy)
        assert np.all(every.values <= some.values + wrong.values)
        assert wrong.accuracy[0] > 1e-6


def test_the_uncertainty_is_rounding_and_twice_what_differs():
    p, bunch = np.array([0.2, 0.3, 0.5]), np.array([0, 0, 1])
    outcomes = BunchedEnumeration(5, p, "paper", bunch)
    alike, apart = (
        outcomes.uncertainty(CURVE, VALUE, np.array([[30.0, 30.0 + 2 * by, 200.0]]))
        for by in (0.0, 3.0)
    )
    every = Enumeration.of(5, p[None], "paper").relative_error
    assert 0 < alike.accuracy[0] <= 4 * every * CURVE.optimum
    assert alike.values[0] == pytest.approx(100 * alike.accuracy[0])
    off = 2 * 5 * 3.0
    assert apart.accuracy[0] == pytest.approx(off * CURVE.envelope().slope)
    assert apart.values[0] == pytest.approx([off * VALUE.envelope().slope] * 3)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_curvature_where_no_types_bunch_is_that_of_all_outcomes(beliefs):
    p, m = np.array([0.2, 0.3, 0.5]), np.array([[300.0, 400.0, 900.0]])
    prices = np.array([[0.01, 0.002, 0.005]])
    bunched = BunchedEnumeration(3, p, beliefs, np.arange(3)).moments(CURVE, VALUE, m)
    every = Enumeration.of(3, p[None], beliefs).moments(CURVE, VALUE, m)
    assert bunched.curvature(prices) == pytest.approx(every.curvature(prices), rel=1e-9)


def test_curvature_of_the_accuracy_of_bunches_is_that_of_all_outcomes():
    """Without prices, of which who is there tells something, it is exact within bunches too."""
    p, m = np.array([0.2, 0.1, 0.3, 0.4]), np.array([[300.0, 300.0, 300.0, 900.0]])
    bunched = BunchedEnumeration(4, p, "paper", np.array([0, 0, 0, 1])).moments(CURVE, VALUE, m)
    every = Enumeration.of(4, p[None], "paper").moments(CURVE, VALUE, m)
    prices = np.zeros((1, 4))
    assert bunched.curvature(prices) == pytest.approx(every.curvature(prices), rel=1e-9)


def bounding(problem):
    """The convex problem by sums and its solution, as the solver states them."""
    (batch,) = plan([problem], "sum")
    envelope = first_moments(batch).envelope
    return envelope, maximize(envelope)


def bound(problem, envelope, solution):
    """The bound by bunches."""
    p = problem.probabilities[problem.costliest_first]
    law = functools.partial(few_bunches, problem.n_parties, p, problem.beliefs)
    return bunched_bound(envelope, solution, p, law)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_the_bound_is_of_the_problem_as_it_is(beliefs):
    """Under either belief, and with types in any order, it is next to what is reached."""
    plain = unequal_problem(277)
    order = np.random.default_rng(0).permutation(plain.n_types)
    problem = Problem(
        plain.n_parties, plain.probabilities[order], plain.costs[order], plain.accuracy,
        plain.valuation, beliefs,
    )  # fmt: skip
    reached = solve(problem).expected_accuracy
    assert reached - 1e-9 <= bound(problem, *bounding(problem)) <= reached + 1e-7


@pytest.mark.parametrize(("n_types", "n_parties"), [(201, 100), (30, 10**6), (1000, 10)])
def test_with_too_many_outcomes_bunches_are_drawn_together(n_types, n_parties):
    """The bound is of the problem at another menu, and close nonetheless."""
    problem = scale_problem(n_types, n_parties, 0)
    envelope, solution = bounding(problem)
    reached = float(solution.point.moments.accuracy[0])
    assert reached - 1e-9 <= bound(problem, envelope, solution) <= reached + 5e-3


def test_ward_draws_together_what_is_close_or_rare():
    def law(bunch):
        return bunch if bunch.max() < 3 else None

    m, p = np.array([0.0, 10.0, 11.0, 50.0]), np.array([0.4, 0.2, 0.1, 0.3])
    assert _bunches(m, p, law)[0].tolist() == [0, 1, 1, 2]
    m, p = np.array([50.0, 32.0, 0.0, 10.0]), np.array([0.4, 0.01, 0.3, 0.29])
    assert _bunches(m, p, law)[0].tolist() == [2, 2, 0, 1]
    m = np.array([50.0, 32.0, 0.0, 10.0])
    assert _bunches(m, p, lambda bunch: bunch)[0].tolist() == [3, 2, 0, 1]


@pytest.mark.parametrize("seed", [41, 185, 277])
def test_rare_outcomes_below_the_tangent_point_leave_no_gap(seed):
    contract = solve(unequal_problem(seed))
    assert contract.status is Status.OPTIMAL
    residuals = menu_residuals(contract.problem, contract.contributions, contract.rewards)
    assert residuals.largest <= 1e-9


def test_types_that_nearly_bunch_are_bounded_as_those_that_do():
    """Whatever is left between the contributions of a bunch does not stay in the bound."""
    problem = unequal_problem(277)
    envelope, solution = bounding(problem)
    nudged = solution.point.increments + 1e-8 * solution.point.contributions.max()
    point = envelope.point(np.where(envelope.chain.live, nudged, 0.0))
    apart = dataclasses.replace(solution, point=point)
    as_solved, of_nudged = (bound(problem, envelope, it) for it in (solution, apart))
    assert as_solved - solve(problem).expected_accuracy <= 1e-8
    assert of_nudged - as_solved <= 1e-8


@pytest.mark.parametrize("n_types", [40, 100])
def test_many_types_with_costly_data_are_solved(n_types):
    """Their accuracy is not concave where it matters."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        contract = solve(scale_problem(n_types, 10, 0))
    assert contract.status is Status.OPTIMAL
