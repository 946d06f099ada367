"""The conic route against certified values, the solver, the expectations, and with constraints."""

import dataclasses

import cvxpy as cp
import numpy as np
import pytest

from paid_with_models import (
    Arctan,
    GeneralizationBound,
    LinearValuation,
    PowerValuation,
    Problem,
    Saturating,
    audit,
    autarky,
    conic_program,
    menu_residuals,
    solve,
)
from paid_with_models.checks.conic import ConicStatus, log_presence
from paid_with_models.solver.moments import Enumeration
from tests.problems import CURVES, VALUATIONS, random_problem

SOLVED = (ConicStatus.OPTIMAL, ConicStatus.INACCURATE)

# Certified with 40-digit arithmetic and independent cutting planes.
SCENARIOS = [
    ([0.20, 0.16, 0.12, 0.08, 0.04], [391.909438] * 4 + [425.393117], 0.864782760158312),
    ([1.0, 0.85, 0.70, 0.55, 0.40], [69.0532528] * 5, 0.690532528490800),
    (
        [0.5, 0.4, 0.03, 0.02, 0.001],
        [104.389092680] * 2 + [1166.599131350] * 2 + [11740.66175],
        0.940134924265323,
    ),
]


@pytest.mark.parametrize(("costs", "contributions", "accuracy"), SCENARIOS)
def test_the_papers_scenarios(costs, contributions, accuracy):
    problem = Problem(10, [0.2] * 5, costs, GeneralizationBound())
    program = conic_program(problem)
    assert program.program.is_dcp()
    solution = program.solve()
    assert solution.status in SOLVED
    assert solution.expected_accuracy == pytest.approx(accuracy, abs=5e-7)
    # The first scenario is flat: 0.1 of data is worth 1e-9 of accuracy there.
    assert solution.contributions == pytest.approx(contributions, abs=0.3)
    assert menu_residuals(problem, solution.contributions, solution.rewards).largest <= 1e-6


#: Curves and valuations that a conic program can state; the saturating curve takes linear values.
STATED = [curve for name, curve in CURVES.items() if name not in ("saturating", "arctangent")]


def stated_problem(seed):
    rng = np.random.default_rng(seed)
    few = {"parties": (2, 24), "costs": (0.005, 0.6)}
    if rng.random() < 0.2:
        linear = [LinearValuation(100.0)]
        return random_problem(rng, curves=[CURVES["saturating"]], valuations=linear, **few)
    return random_problem(rng, curves=STATED, valuations=VALUATIONS, **few)


@pytest.mark.parametrize("seed", range(40))
def test_the_routes_agree(seed):
    problem = stated_problem(seed)
    contract = solve(problem)
    # Types that contribute nothing in the best menu are left out: then both problems are convex.
    idle = np.flatnonzero(contract.contributions < 1e-3 * contract.contributions.max())
    program = conic_program(problem, left_out=idle.tolist())
    solution = program.solve()
    error = program.accuracy_sum.error + program.value_sum.error / program.value_sum.limit
    assert solution.status in SOLVED
    assert solution.expected_accuracy <= contract.upper_bound + 1e-7 + error
    inside = np.setdiff1d(np.arange(problem.n_types), idle)
    if contract.contributions[inside].min() >= program.value_sum.low:
        assert solution.expected_accuracy >= contract.expected_accuracy - 1e-6 - 5 * error
    if idle.size == 0:
        residuals = menu_residuals(problem, solution.contributions, solution.rewards)
        assert residuals.largest <= 1e-6 + error


def pinned(program, contributions):
    """What the program takes for expected accuracy and caps at given contributions."""
    menu = (program.individual_rationality, program.incentive_compatibility, program.staying_out)
    constraints = [k for k in program.program.constraints if all(k is not term for term in menu)]
    constraints.append(program.contributions == contributions)
    most = cp.Maximize(program.expected_accuracy + cp.sum(program.rewards) / 100)
    solution = dataclasses.replace(program, program=cp.Problem(most, constraints)).solve()
    assert solution.status in SOLVED
    return solution.expected_accuracy, solution.rewards


# Book: prop-cone
@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("n_parties", [2, 5, 12])
def test_expectations_are_those_of_enumeration(beliefs, n_parties):
    p, m = np.array([0.15, 0.6, 0.25]), np.array([120.0, 400.0, 90.0])
    problem = Problem(n_parties, p, [0.1, 0.01, 0.15], GeneralizationBound(), beliefs=beliefs)
    accuracy, caps = pinned(conic_program(problem), m)
    curves = problem.accuracy, problem.model_value
    exact = Enumeration.of(n_parties, p[None], beliefs).moments(*curves, m[None])
    assert accuracy == pytest.approx(exact.accuracy[0], abs=1e-6)
    assert caps == pytest.approx(exact.values[0], abs=1e-4)


def test_expectations_with_types_left_out():
    p, m = np.array([0.3, 0.5, 0.2]), np.array([0.0, 400.0, 150.0])
    problem = Problem(4, p, [0.5, 0.01, 0.15], GeneralizationBound())
    accuracy, caps = pinned(conic_program(problem, left_out=[0]), m)
    curves = problem.accuracy, problem.model_value
    exact = Enumeration.of(4, p[None], "paper").moments(*curves, m[None])
    assert accuracy == pytest.approx(exact.accuracy[0], abs=1e-6)
    assert caps[1:] == pytest.approx(exact.values[0][1:], abs=1e-4)
    assert caps[0] == 0


@pytest.mark.parametrize("n", [1, 2, 3, 10, 31, 64, 100])
def test_presence_by_halving_is_a_difference_of_powers(n):
    q, b = np.array([0.2, 1e-6, 0.9]), np.array([0.5, 0.9, 0.05])
    logs = (cp.Constant(np.log(x)) for x in (q, q + b, b))
    log_p = log_presence(n, *logs)
    assert np.exp(log_p.value) == pytest.approx((q + b) ** n - b**n, rel=1e-8, abs=0)


@pytest.mark.parametrize(
    ("limits", "costs"),
    [([300, 100], [0.1, 0.05]), ([500, 40], [0.1, 0.05]), ([60, 60], [0.05, 0.1]),
     ([100, 300], [0.02, 0.05]), ([30, 2000], [0.2, 0.05])],
)  # fmt: skip
def test_limits_of_data_are_heeded_and_the_optimum_bounds_every_menu(limits, costs):
    problem = Problem(4, [0.4, 0.6], costs, GeneralizationBound(), max_data=limits)
    contract, solution = solve(problem), conic_program(problem).solve()
    assert solution.status in SOLVED
    assert np.all(solution.contributions <= np.array(limits) * (1 + 1e-6))
    assert solution.expected_accuracy >= contract.expected_accuracy - 1e-6
    menu = np.minimum(solution.contributions, limits)
    if audit(problem, menu, solution.rewards).deviation_gain.max() <= 1e-6:
        assert solution.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-6)
    free = conic_program(dataclasses.replace(problem, max_data=None)).solve()
    assert free.expected_accuracy > solution.expected_accuracy + 1e-4


def test_only_constraints_that_apply_whatever_the_menu_are_stated():
    stated = 4, [0.5, 0.5], [0.02, 0.05], GeneralizationBound()
    small_cheap = Problem(*stated, max_data=[30, 400])
    contract, solution = solve(small_cheap), conic_program(small_cheap).solve()
    assert solution.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-6)
    pooled = conic_program(Problem(*stated, max_data=[30, 30])).solve()
    assert solution.expected_accuracy > pooled.expected_accuracy + 0.01


def test_asking_nothing_of_a_type_can_win_where_accuracy_is_not_concave():
    problem = Problem(10, [0.5, 0.5], [1.0, 0.4], GeneralizationBound())
    everyone, one = conic_program(problem).solve(), conic_program(problem, left_out=[0]).solve()
    assert one.contributions[0] == one.rewards[0] == 0
    assert one.expected_accuracy > everyone.expected_accuracy + 1e-4
    assert one.expected_accuracy == pytest.approx(solve(problem).expected_accuracy, abs=1e-6)


def test_who_takes_part_agrees_with_the_solver_under_better_outside_options():
    costs = [0.5, 0.4, 0.03, 0.02, 0.001]
    problem = Problem(10, [0.2] * 5, costs, GeneralizationBound())
    outside = autarky(problem).utilities.copy()
    outside[0] = 30.0
    problem = dataclasses.replace(problem, reservation_utilities=outside)
    contract = solve(problem)
    assert contract.participates.tolist() == [False, True, True, True, True]
    solution = conic_program(problem, left_out=[0]).solve()
    assert solution.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=5e-7)
    assert solution.rewards == pytest.approx(contract.rewards, abs=1e-3)
    assert solution.contributions == pytest.approx(contract.contributions, rel=1e-4)
    assert conic_program(problem).solve().expected_accuracy < solution.expected_accuracy


def test_types_come_in_any_order_and_may_have_equal_costs():
    p, c = np.array([0.2, 0.3, 0.1, 0.4]), np.array([0.2, 0.05, 0.2, 0.02])
    order = [2, 0, 3, 1]
    given = conic_program(Problem(8, p, c, GeneralizationBound())).solve()
    moved = conic_program(Problem(8, p[order], c[order], GeneralizationBound())).solve()
    assert moved.expected_accuracy == pytest.approx(given.expected_accuracy, abs=1e-6)
    assert moved.contributions == pytest.approx(given.contributions[order], rel=1e-2)
    reached = solve(Problem(8, p, c, GeneralizationBound())).expected_accuracy
    assert given.expected_accuracy == pytest.approx(reached, abs=1e-6)


@pytest.mark.parametrize("n_parties", [60, 1000, 20000])
def test_many_parties_and_rare_types(n_parties):
    p = np.array([1.0, 2.0, n_parties - 3.0]) / n_parties
    problem = Problem(n_parties, p, [0.3, 0.1, 0.02], GeneralizationBound())
    solution = conic_program(problem).solve()
    assert solution.status in SOLVED
    assert solution.expected_accuracy == pytest.approx(solve(problem).expected_accuracy, abs=5e-7)


PROBLEM = Problem(10, [0.2, 0.3, 0.5], [0.5, 0.2, 0.05], GeneralizationBound())


@pytest.fixture(scope="module")
def program():
    return conic_program(PROBLEM)


@pytest.fixture(scope="module")
def best(program):
    return program.solve()


def expected_total(program):
    return PROBLEM.n_parties * PROBLEM.probabilities @ program.contributions


def test_a_budget_on_data(program, best):
    spent = PROBLEM.n_parties * PROBLEM.probabilities @ best.contributions
    reached = [best.expected_accuracy]
    for share in (0.9, 0.75):
        held = program.solve([expected_total(program) <= share * spent])
        assert held.status in SOLVED
        assert expected_total(program).value == pytest.approx(share * spent, rel=1e-5)
        assert held.expected_accuracy < reached[-1] - 1e-3
        reached.append(held.expected_accuracy)
        assert menu_residuals(PROBLEM, held.contributions, held.rewards).largest <= 1e-6
    loose = program.solve([expected_total(program) <= 2 * spent])
    assert loose.expected_accuracy == pytest.approx(best.expected_accuracy, abs=1e-6)


def test_a_budget_on_data_is_priced_by_its_multiplier(program, best):
    spent = float(PROBLEM.n_parties * PROBLEM.probabilities @ best.contributions)
    budget = expected_total(program) <= 0.8 * spent
    program.solve([budget])
    step = 0.002 * spent
    above, below = (
        program.solve([expected_total(program) <= 0.8 * spent + k]).expected_accuracy
        for k in (step, -step)
    )
    assert budget.dual_value == pytest.approx((above - below) / (2 * step), rel=1e-2)


def test_a_floor_on_rewards(program, best):
    floor = best.rewards[0] + 4.0
    held = program.solve([program.rewards[0] >= floor])
    assert held.status in SOLVED
    assert held.rewards[0] == pytest.approx(floor, abs=1e-3)
    assert held.expected_accuracy < best.expected_accuracy - 1e-4
    assert menu_residuals(PROBLEM, held.contributions, held.rewards).largest <= 1e-6


def test_equal_treatment_of_two_types(program, best):
    assert best.contributions[1] > best.contributions[0] + 10
    m, t = program.contributions, program.rewards
    held = program.solve([m[0] == m[1], t[0] == t[1]])
    assert held.status in SOLVED
    assert held.contributions[0] == pytest.approx(held.contributions[1], rel=1e-6)
    assert held.rewards[0] == pytest.approx(held.rewards[1], rel=1e-6)
    assert held.expected_accuracy < best.expected_accuracy - 1e-4
    assert menu_residuals(PROBLEM, held.contributions, held.rewards).largest <= 1e-6


def test_another_objective(program, best):
    """The least data, in expectation, with which an accuracy can be reached."""
    target = best.expected_accuracy - 0.01
    cheapest = cp.Problem(
        cp.Minimize(expected_total(program) / 1000),
        [*program.program.constraints, program.expected_accuracy >= target],
    )
    held = dataclasses.replace(program, program=cheapest).solve()
    assert held.status in SOLVED
    assert held.expected_accuracy == pytest.approx(target, abs=1e-6)
    spent = PROBLEM.n_parties * PROBLEM.probabilities @ held.contributions
    again = program.solve([expected_total(program) <= spent])
    assert again.expected_accuracy == pytest.approx(target, abs=1e-5)


@pytest.mark.parametrize(
    "impossible",
    [
        lambda k: [k.rewards[0] >= 101.0],  # more than any model is worth
        lambda k: [k.rewards[0] >= 99.0],  # more than can be trained
        lambda k: [k.contributions[2] <= 100.0, k.contributions[0] >= 200.0],  # not incentive
        lambda k: [k.contributions[0] >= 400.0],  # not worth it
    ],
)
def test_what_cannot_be_is_said_by_the_status(program, impossible):
    solution = program.solve(impossible(program))
    assert solution.status is ConicStatus.INFEASIBLE
    assert np.isnan(solution.contributions).all()
    assert np.isnan(solution.rewards).all()
    assert np.isnan(solution.expected_accuracy)


def test_no_menu_can_keep_types_that_have_much_better_outside_options():
    outside = [40.0, 40.0, 80.0, 80.0, 95.0]
    costs = [0.5, 0.4, 0.03, 0.02, 0.001]
    problem = Problem(10, [0.2] * 5, costs, GeneralizationBound(), reservation_utilities=outside)
    assert conic_program(problem).solve().status is ConicStatus.INFEASIBLE


def test_a_solver_that_stalls_is_not_believed(program, monkeypatch):
    monkeypatch.setattr("paid_with_models.checks.conic.CLARABEL_SETTINGS", ({"max_iter": 3},))
    solution = program.solve()
    assert solution.status is ConicStatus.FAILED
    assert np.isnan(solution.expected_accuracy)


def test_a_convex_valuation_has_a_rougher_sum():
    problem = dataclasses.replace(PROBLEM, valuation=PowerValuation(100.0, 2.0))
    program = conic_program(problem)
    error = program.value_sum.error / program.value_sum.limit
    assert 1e-7 < error < 1e-4
    reached = solve(problem).expected_accuracy
    assert program.solve().expected_accuracy == pytest.approx(reached, abs=5 * error)


@pytest.mark.parametrize(
    ("change", "left_out", "message"),
    [
        ({}, [0, 1, 2], "left_out must not name all types; got"),
        ({}, [3], "left_out must name types without an option, of 0 to 2; got 3"),
        ({"n_parties": 1}, [], "n_parties must be at least 2"),
        ({"accuracy": Arctan()}, [], "accuracy must be a sum of exponentials"),
        (
            {"accuracy": Saturating((0.9,), (0.01,)), "valuation": PowerValuation(100.0, 2.0)},
            [],
            "valuation must be a sum of exponentials",
        ),
    ],
)
def test_what_cannot_be_stated_is_refused(change, left_out, message):
    with pytest.raises(ValueError, match=message):
        conic_program(dataclasses.replace(PROBLEM, **change), left_out=left_out)
