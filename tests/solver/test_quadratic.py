"""Successive quadratic programs: the optima of the interior point, alone and in company."""

import numpy as np
import pytest

from paid_with_models import (
    Arctan,
    GeneralizationBound,
    LinearValuation,
    Problem,
    solve,
    solve_many,
)
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.paper.two_types import two_type_problem
from paid_with_models.solver.active_set import solved_apart
from paid_with_models.solver.batches import plan
from paid_with_models.solver.interior_point import maximize
from paid_with_models.solver.quadratic import (
    by_quadratic_programs,
    central_prices,
    dual_active_set,
    dual_active_set_of_one,
)
from paid_with_models.solver.routes import first_moments
from tests.problems import CURVES, VALUATIONS, mixed_problem, random_problem, small_problem

BOUND = GeneralizationBound()


def envelope_of(problem, method="auto"):
    (batch,) = plan([problem], method)
    return first_moments(batch).envelope


def some_problems(count, seed=0):
    rng = np.random.default_rng([7, seed])
    made = (random_problem(rng, types=(2, 5), costs=(0.005, 0.1)) for _ in range(count))
    return [problem for problem in made if not problem.better_outside.any()]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_scenarios_are_solved_by_them(scenario):
    envelope = envelope_of(SCENARIOS[scenario].problem())
    found = by_quadratic_programs(envelope)
    assert found is not None
    solution, solved = found
    assert solved.tolist() == [True]
    other = maximize(envelope)
    assert solution.point.contributions == pytest.approx(other.point.contributions, rel=1e-9)
    assert solution.point.moments.accuracy == pytest.approx(
        other.point.moments.accuracy, rel=0, abs=2e-15
    )
    assert solution.residual[0] < 1e-12


@pytest.mark.parametrize("method", ["enumeration", "sum"])
@pytest.mark.parametrize("seed", range(4))
def test_their_optimum_is_that_of_the_interior_point(seed, method):
    rng = np.random.default_rng([8, seed])
    curve = list(CURVES.values())[seed]
    n_found = 0
    for _ in range(12):
        problem = random_problem(
            rng, types=(2, 5), curves=[curve], valuations=VALUATIONS[:2], costs=(0.005, 0.1)
        )
        envelope = envelope_of(problem, method)
        found = by_quadratic_programs(envelope)
        if found is None or not found[1][0]:
            continue
        n_found += 1
        accuracy = maximize(envelope).point.moments.accuracy
        assert found[0].point.moments.accuracy == pytest.approx(accuracy, rel=0, abs=1e-12)
    assert n_found >= 6


def test_they_leave_to_others_what_is_not_theirs():
    tied = Problem(5, [0.3, 0.3, 0.4], [0.2, 0.2, 0.1], BOUND)
    costly = Problem(2, [0.5, 0.5], [1.0, 0.4], BOUND)  # some outcome trains nothing
    for problem in (tied, costly):
        found = by_quadratic_programs(envelope_of(problem))
        assert found is None or not found[1].any()


def same(one, other):
    """The same contract but for rounding; prices that are not unique may differ."""
    for name in ("contributions", "rewards", "utilities"):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-9 * (1 + np.abs(theirs).max()))
    assert one.expected_accuracy == pytest.approx(other.expected_accuracy, rel=0, abs=1e-12)
    assert one.upper_bound == pytest.approx(other.upper_bound, rel=0, abs=1e-10)
    assert (one.shape, one.bunches, one.status) == (other.shape, other.bunches, other.status)
    assert max(one.kkt_residual, other.kkt_residual) <= 1e-10
    for name in ("individual_rationality", "caps"):
        assert getattr(one.binding, name).tolist() == getattr(other.binding, name).tolist()


@pytest.mark.parametrize("seed", range(3))
def test_a_contract_is_the_same_alone_and_in_any_company(seed):
    problems = some_problems(40, seed)
    alone = [solve(problem) for problem in problems]
    order = np.random.default_rng(seed).permutation(len(problems))
    permuted = solve_many([problems[k] for k in order])
    together = dict(zip(order.tolist(), permuted, strict=True))
    for k, contract in enumerate(alone):
        same(contract, together[k])


def test_a_grid_of_two_types_is_the_same_one_by_one():
    grid = [two_type_problem(n, share) for n in (4, 20, 60, 80, 98) for share in (0.05, 0.48, 0.9)]
    for one, other in zip(solve_many(grid), map(solve, grid), strict=True):
        same(one, other)


@pytest.mark.parametrize("seed", range(5))
def test_problems_that_are_not_concave_do_not_disturb_their_company(seed):
    problems = [small_problem(20 * seed + k) for k in range(6)]
    problems += [mixed_problem(20 * seed + k) for k in range(4)]
    for one, other in zip(solve_many(problems), map(solve, problems), strict=True):
        assert one.expected_accuracy == pytest.approx(other.expected_accuracy, rel=0, abs=1e-9)
        assert one.status is other.status


@pytest.mark.parametrize("seed", range(10))
def test_both_forms_of_the_dual_method_solve_quadratic_programs(seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(4, 9, 3))
    rows[:, 8] = rows[:, 7]  # the same twice
    slack = rng.uniform(-1, 1, size=(4, 9)) + rows @ rng.normal(size=3)
    gram = rows @ rows.swapaxes(1, 2)
    _, prices, failed = dual_active_set(gram, slack)
    for k in range(4):
        _, alone, failed_alone = dual_active_set_of_one(gram[k : k + 1], slack[k : k + 1])
        assert failed[k] == failed_alone[0]
        if not failed[k]:
            left = slack[k] + gram[k] @ prices[k]
            assert left.min() >= -1e-9
            assert prices[k].min() >= 0
            assert prices[k] @ left == pytest.approx(0, abs=1e-9)
            # x is unique.
            assert alone[0] @ rows[k] == pytest.approx(prices[k] @ rows[k], abs=1e-9)


def test_constraints_that_contradict_each_other_are_noticed():
    rows = np.array([[[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]])
    slack = np.array([[-1.0, 0.5, 0.0]])  # x >= 1 and x <= 1/2
    for pivots in (dual_active_set, dual_active_set_of_one):
        assert pivots(rows @ rows.swapaxes(1, 2), slack)[2].tolist() == [True]


def test_a_singular_system_does_not_stop_the_others():
    matrices = np.stack([np.eye(2), np.zeros((2, 2)), 2 * np.eye(2)])
    assert solved_apart(matrices, np.ones((3, 2))).tolist() == [[1, 1], [0, 0], [0.5, 0.5]]


@pytest.mark.parametrize("n_parties", [100, 100_000])
def test_near_ties_are_labeled_alike_alone_and_together(n_parties):
    curve = Arctan(0.9, 0.01)
    problems = [
        Problem(n_parties, [0.5, 0.5], [0.1, 0.1 * (1 - gap)], curve, LinearValuation(100.0))
        for gap in (1e-3, 1e-6, 1e-9)
    ]
    for one, other in zip(solve_many(problems), map(solve, problems), strict=True):
        assert (one.shape, one.bunches) == (other.shape, other.bunches)


@pytest.mark.parametrize("seed", range(5))
def test_prices_that_are_not_unique_are_those_of_the_largest_product(seed):
    """Along every way that prices could go, the sum of their logarithms is flat."""
    rng = np.random.default_rng(seed)
    rows = rng.uniform(0.1, 1.0, size=(2, 7, 3))
    prices = rng.uniform(0.5, 1.5, size=(2, 7))
    prices[0, 3:] = 0.0
    may_bind = np.ones((2, 7), dtype=bool)
    center = central_prices(rows, prices, may_bind)
    for k in range(2):
        assert center[k] @ rows[k] == pytest.approx(prices[k] @ rows[k], abs=1e-11)
        free = np.linalg.svd(rows[k].T)[2][3:]  # what leaves prices @ rows as it is
        assert free @ (1 / center[k]) == pytest.approx(0, abs=1e-6 * np.abs(1 / center[k]).max())
        assert np.prod(center[k]) >= np.prod(prices[k])


def test_where_all_pool_every_constraint_between_neighbors_has_a_price():
    contract = solve(SCENARIOS["small_party_teamwork"].problem())
    assert np.all(contract.multipliers.downward[1:] > 1e-4)
    assert np.all(contract.multipliers.upward[:-1] > 1e-4)
    assert np.all(contract.multipliers.caps > 1e-6)


def test_a_singular_system_is_a_failure():
    """Two equal constraints, but for rounding: with very many parties they are."""
    _, _, failed = dual_active_set_of_one(
        np.array([[[0.0, 0.0], [0.0, 0.0]]]), np.array([[-1.0, -1.0]])
    )
    assert failed.tolist() == [True]
    problem = Problem(
        10**12,
        [0.181435, 0.489019, 1 - 0.181435 - 0.489019],
        [4.80738e-12, 2.34202e-10, 6.20486e-12],
        GeneralizationBound(0.03956678570575826, 145919.00213428243),
        beliefs="own",
    )
    assert solve(problem).gap < 1e-8
