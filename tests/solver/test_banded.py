"""The chain with many types: banded algebra against dense, and scale."""

import dataclasses

import numpy as np
import pytest

from paid_with_models import (
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    Problem,
    Status,
    menu_residuals,
    solve,
)
from paid_with_models.solver.banded import Banded
from paid_with_models.solver.batches import plan
from paid_with_models.solver.chain import Chain
from paid_with_models.solver.interior_point import maximize
from paid_with_models.solver.program import FirstMoment
from paid_with_models.solver.routes import run
from paid_with_models.solver.sum_moments import SumExpectation
from tests.problems import scale_problem


def both_forms(seed, beliefs="paper", valuation=None, n_types=12):
    """The same problem in dense and in banded form."""
    rng = np.random.default_rng(seed)
    accuracy = GeneralizationBound()
    value = ModelValue(accuracy, valuation or LinearValuation(100.0))
    sums = SumExpectation(
        np.array([1000.0]), rng.dirichlet(np.ones(n_types), 1), beliefs, 57.0, 16.0**6
    )
    costs = np.sort(rng.lognormal(0, 0.8, (1, n_types)) * 3e-3, axis=1)[:, ::-1]
    outside = np.sort(rng.uniform(0, 0.3, (1, n_types)), axis=1)
    fields = sums, accuracy, value, value.optimum, costs, outside, Chain.of((False,) * n_types)
    return FirstMoment(*fields), FirstMoment(*fields, form=Banded), rng


CASES = [(0, "paper", None), (1, "own", None), (2, "paper", ExponentialValuation(50.0, 2.0))]


@pytest.mark.parametrize(("seed", "beliefs", "valuation"), CASES)
def test_points_gradients_and_blocks_are_those_of_the_dense_form(seed, beliefs, valuation):
    dense, banded, rng = both_forms(seed, beliefs, valuation)
    x = rng.uniform(0.1, 60, (1, 24))
    x[:, 0] = 0.05
    a, b = dense.point(x), banded.point(x)
    assert b.contributions == pytest.approx(a.contributions, rel=1e-13)
    assert b.rows == pytest.approx(a.rows, abs=1e-14)
    assert b.caps == pytest.approx(a.caps, abs=1e-13)
    row_prices, cap_prices = rng.uniform(0, 1, (1, 11)), rng.uniform(0, 1, (1, 12))
    expected = dense.gradient(a, row_prices, cap_prices)
    assert banded.gradient(b, row_prices, cap_prices) == pytest.approx(expected, abs=1e-14)
    for columns in (np.arange(24), np.array([1, 2, 7, 23]), np.array([0, 5, 6])):
        constraints = np.array([0, 3, 10, 11, 15, 22])
        ours = banded.blocks(b, cap_prices, columns, constraints)
        theirs = dense.blocks(a, cap_prices, columns, constraints)
        for block, wanted in zip(ours, theirs, strict=True):
            assert block.shape == wanted.shape
            assert block == pytest.approx(wanted, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("seed", "beliefs", "valuation"), CASES)
def test_newton_steps_are_those_of_the_dense_form(seed, beliefs, valuation):
    dense, banded, rng = both_forms(seed, beliefs, valuation)
    x = rng.uniform(0.1, 60, (1, 24))
    x[:, 0] = 0.05
    q, r = rng.uniform(0.01, 1, (1, 11)), rng.uniform(0.01, 1, (1, 12))
    prices = rng.uniform(1e-3, 1, (1, 24)), rng.uniform(0, 1, (1, 11)), rng.uniform(0, 1, (1, 12))
    state, prices = np.hstack([x, q, r]), np.hstack(prices)
    raised = rng.normal(size=state.shape) * 0.01
    theirs = dense.linearized(dense.point(x), state, prices).direction(raised)
    ours = banded.linearized(banded.point(x), state, prices).direction(raised)
    for steps, wanted in zip(ours, theirs, strict=True):
        for step, want in zip(
            *(np.split(a, [24, 35], axis=1) for a in (steps, wanted)), strict=True
        ):
            assert step == pytest.approx(want, rel=1e-8, abs=1e-10 * np.abs(want).max())


@pytest.mark.parametrize("seed", range(4))
def test_both_forms_have_the_same_optimum(seed):
    dense, banded, _ = both_forms(10 + seed)
    ours, theirs = maximize(banded), maximize(dense)
    assert ours.residual[0] <= 1e-9
    accuracy = theirs.point.moments.accuracy[0]
    assert ours.point.moments.accuracy[0] == pytest.approx(accuracy, abs=1e-12)


def heterogeneous(n_types, n_parties, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    costs = rng.lognormal(0, 0.8, n_types) * 0.3 * scale
    return Problem(n_parties, rng.dirichlet(np.full(n_types, 2.0)), costs, GeneralizationBound())


@pytest.mark.parametrize(
    ("n_types", "n_parties", "scale"),
    [(10, 10, 0.05), (10, 10**6, 1.0), (100, 10**6, 1.0), (100, 10, 0.05), (300, 10**4, 1.0)],
)
def test_problems_of_any_size_are_closed(n_types, n_parties, scale):
    for seed in range(2):
        contract = solve(heterogeneous(n_types, n_parties, seed, scale))
        assert contract.status is Status.OPTIMAL
        assert contract.kkt_residual <= 1e-8
        u, c, m, t = (
            contract.utilities,
            contract.problem.costs,
            contract.contributions,
            contract.rewards,
        )
        assert np.all(u >= contract.reservation_utilities - 1e-9)
        assert (t - c[:, None] * m - u[:, None]).max() <= 1e-9 * 100
        assert np.all(t <= contract.reward_caps + 1e-9)


def test_the_banded_route_and_the_dense_route_give_the_same_contract():
    problem = heterogeneous(60, 10**5, 5)
    (batch,) = plan([problem])
    assert batch.banded
    (banded,), (dense,) = run(batch), run(dataclasses.replace(batch, banded=False))
    assert banded.expected_accuracy == pytest.approx(dense.expected_accuracy, abs=1e-12)
    assert banded.contributions == pytest.approx(dense.contributions, rel=1e-5, abs=1e-3)


def test_many_types_some_of_equal_cost():
    problem = heterogeneous(50, 1000, 6)
    costs = problem.costs.copy()
    costs[10:20] = costs[10]
    contract = solve(dataclasses.replace(problem, costs=costs))
    assert contract.status is Status.OPTIMAL
    assert np.ptp(contract.utilities[10:20]) <= 1e-9


def test_rare_types_and_costs_across_six_decades():
    rng = np.random.default_rng(8)
    for n_types in (3, 6, 8):
        p = rng.dirichlet(np.ones(n_types))
        p[0] = 1e-6
        costs = np.exp(rng.uniform(np.log(1e-6), 0, n_types))
        problem = Problem(9, p / p.sum(), costs, GeneralizationBound(), beliefs="own")
        contract = solve(problem)
        assert contract.gap <= 1e-8
        assert menu_residuals(problem, contract.contributions, contract.rewards).largest <= 1e-9


def test_a_state_that_is_no_number_ends_the_path():
    _, banded, rng = both_forms(0)
    x = rng.uniform(0.1, 60, (1, 24))
    n = x.shape[1] + banded.row_unit.shape[1] + banded.costs.shape[1]
    primal, dual = np.ones((2, 1, n))
    assert banded.linearized(banded.point(x), primal, dual).wrong.shape == (1, n)
    with np.errstate(invalid="ignore"), pytest.raises(np.linalg.LinAlgError, match="numbers"):
        banded.linearized(banded.point(np.nan * x), primal, dual)


def test_a_path_that_leaves_the_numbers_has_an_answer():
    contract = solve(scale_problem(40, 10, 1))
    assert contract.gap < 1e-6
