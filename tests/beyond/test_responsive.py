"""Contributions that respond: against independent programs, definitions, and brute force."""

import itertools
import pickle
import time
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array

from paid_with_models import (
    Arctan,
    ExponentialValuation,
    GeneralizationBound,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    autarky,
    conditional_probabilities,
    enumerate_outcomes,
    outcome_probabilities,
    solve,
)
from paid_with_models.beyond.constant_total import (
    bound_without_outcomes,
    conjugate,
    constant_total,
    hall_slack,
    mean_shares,
    share_weights,
)
from paid_with_models.beyond.joining import law_of
from paid_with_models.beyond.measured_curves import learning_curve
from paid_with_models.beyond.quotas import (
    ConstantQuotas,
    FixedQuotas,
    QuotaTable,
    ShareRule,
    whole_quotas,
)
from paid_with_models.beyond.responsive import solve_responsive
from paid_with_models.paper.scenarios import SCENARIOS

CURVE = GeneralizationBound()
#: N, p, c and the expected accuracy of the fixed and of the responding mechanism, own beliefs.
KNOWN = [
    (10, [0.5, 0.5], [0.2, 0.05], 0.887049, 0.888573),
    (4, [0.5, 0.5], [0.2, 0.05], 0.812351, 0.817545),
    (3, [0.5, 0.5], [0.2, 0.05], 0.777731, 0.784815),
    (4, [0.7, 0.3], [0.1, 0.01], 0.855417, 0.863442),
]


def two_types(n=10, beliefs="own"):
    return Problem(n, [0.5, 0.5], [0.2, 0.05], CURVE, beliefs=beliefs)


def random_problem(seed, most_types=3, most_parties=5, curve=CURVE):
    rng = np.random.default_rng(seed)
    n_types = int(rng.integers(2, most_types + 1))
    return Problem(
        int(rng.integers(2, most_parties + 1)),
        rng.dirichlet(np.full(n_types, 2.0)),
        0.3 * rng.lognormal(0, 0.8, n_types),
        curve,
        beliefs=("own", "paper")[seed % 2],
    )


def missed(contract):
    """By how much the mechanism breaks its own rules, written down from their definitions."""
    problem = contract.problem
    law = law_of(problem, contract.joining)
    quotas = contract.quotas.quotas(law.counts)
    assert np.all(quotas >= 0)
    assert np.all(quotas[law.counts == 0] == 0)
    chance = contract.quotas.chance(law.counts)
    totals = (law.counts * quotas).sum(axis=1)
    worth = problem.model_value(totals)
    m = law.seen.T @ (chance[:, None] * quotas)
    means = np.diag(m)
    caps = law.seen.T @ (chance * worth)
    inside = contract.participates
    np.testing.assert_allclose(means[inside], contract.contributions[inside], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(caps[inside], contract.reward_caps[inside], rtol=1e-9, atol=1e-9)
    reached = float(law.probabilities @ (chance * problem.accuracy(totals)))
    assert reached == pytest.approx(contract.expected_accuracy, abs=1e-11)
    t, c, f = contract.rewards, problem.costs, problem.outside_options
    options = t[inside][None, :] - np.outer(c, means[inside])
    own = np.where(inside, t - c * means, f)
    least = np.where(law.counts > 0, np.where(chance < 1, 0.0, worth)[:, None], np.inf).min(axis=0)
    certain = contract.certain_rewards & inside
    return {
        "IR": float((f - own).max()),
        "IC": float((options - own[:, None]).max(initial=0.0)),
        "caps": float((t - caps)[inside].max(initial=0.0)),
        "certain": float((t - least)[certain].max(initial=0.0)),
    }


def chord_program(problem, grid=160):
    """The best mechanism by a linear program that knows nothing of the solver's ideas.

    Each outcome's total is a lottery over a grid of totals. That is a feasible mechanism, so that
    its accuracy is one from below. All pairs of types have their incentive constraint.
    """
    counts = enumerate_outcomes(problem.n_parties, problem.n_types)
    chance = outcome_probabilities(counts, problem.probabilities)
    seen = conditional_probabilities(counts, problem.probabilities, problem.beliefs)
    n_outcomes, n = counts.shape
    reach = problem.n_parties * (problem.model_value.optimum / problem.costs).max()
    tangent = CURVE.envelope().tangent_point
    points = np.concatenate([[0.0], np.geomspace(tangent, 4 * reach, grid)])
    a, v = problem.accuracy(points), problem.model_value(points)
    # Variables: weights (K, G), what all of a type give (K, I), rewards (I,).
    first_x, first_t = n_outcomes * points.size, n_outcomes * (points.size + n)
    size = first_t + n
    rows, columns, values, right = [], [], [], []

    def row(pairs, limit):
        for column, value in pairs:
            rows.append(len(right))
            columns.append(np.atleast_1d(column))
            values.append(np.broadcast_to(value, np.shape(columns[-1])))
        right.append(limit)

    def spent(i, j, sign):
        """The cost to type i of type j's mean contribution."""
        some = np.flatnonzero(counts[:, j])
        return first_x + some * n + j, sign * problem.costs[i] * seen[some, j] / counts[some, j]

    every = np.arange(first_x)
    for i in range(n):
        row([(first_t + i, 1.0), (every, -np.outer(seen[:, i], v).ravel())], 0.0)
        row([(first_t + i, -1.0), spent(i, i, 1.0)], -problem.outside_options[i])
        for j in range(n):
            if i != j:
                pairs = [(first_t + j, 1.0), (first_t + i, -1.0)]
                row([*pairs, spent(i, j, -1.0), spent(i, i, 1.0)], 0.0)
    inequalities = len(right)
    for k in range(n_outcomes):
        weights = np.arange(k * points.size, (k + 1) * points.size)
        row([(weights, points), (first_x + k * n + np.flatnonzero(counts[k]), -1.0)], 0.0)
        row([(weights, 1.0)], 1.0)
    lengths = [len(column) for column in columns]
    matrix = coo_array(
        (np.concatenate(values), (np.repeat(rows, lengths), np.concatenate(columns))),
        shape=(len(right), size),
    ).tocsr()
    goal = np.zeros(size)
    goal[:first_x] = -np.outer(chance, a).ravel()
    bounds = [(0, None)] * size
    found = linprog(
        goal,
        A_ub=matrix[:inequalities],
        b_ub=right[:inequalities],
        A_eq=matrix[inequalities:],
        b_eq=right[inequalities:],
        bounds=bounds,
    )
    assert found.status == 0
    return -found.fun


@pytest.mark.parametrize(("n", "p", "c", "fixed", "responding"), KNOWN)
def test_known_values_are_reached_and_proved(n, p, c, fixed, responding):
    problem = Problem(n, p, c, CURVE, beliefs="own")
    contract = solve_responsive(problem)
    assert solve(problem).expected_accuracy == pytest.approx(fixed, abs=1e-6)
    assert contract.expected_accuracy == pytest.approx(responding, abs=1e-6)
    assert contract.gap <= 1e-9
    assert max(missed(contract).values()) <= 1e-8


def test_big_and_small_collaboration():
    scenario = SCENARIOS["big_and_small_collaboration"].problem()
    problem = Problem(10, scenario.probabilities, scenario.costs, CURVE, beliefs="own")
    contract = solve_responsive(problem)
    assert solve(problem).expected_accuracy == pytest.approx(0.940992, abs=1e-6)
    assert contract.expected_accuracy >= 0.94718
    assert contract.gap <= 1e-9
    steady = solve_responsive(problem, total="constant")
    assert steady.expected_accuracy >= 0.94718
    assert steady.certain_rewards.all()
    for some in (contract, steady):
        assert max(missed(some).values()) <= 1e-8


def test_known_value_under_the_papers_beliefs():
    contract = solve_responsive(two_types(beliefs="paper"))
    assert contract.expected_accuracy >= 0.896087 - 1e-6
    assert round(contract.expected_accuracy, 6) == 0.896087
    assert contract.gap <= 1e-9
    assert max(missed(contract).values()) <= 1e-8


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_bounds_hold_against_an_independent_program(first):
    far = []
    for seed in range(first, first + 20):
        problem = random_problem(seed)
        contract = solve_responsive(problem)
        independent = chord_program(problem)
        assert independent <= contract.upper_bound + 1e-7, seed
        far.append(contract.expected_accuracy - independent)
        assert contract.gap <= 1e-7, seed
        assert max(missed(contract).values()) <= 1e-7, seed
    # What the grid of the other program costs it.
    assert min(far) >= -1e-7
    assert max(far) <= 1e-3


@pytest.mark.parametrize("beliefs", ["own", "paper"])
def test_a_conic_program_agrees(beliefs):
    # A curve that CVXPY knows: a(S) = .9 - .9 (1 + S / 50)^(-1/2), in units of 50.
    curve = PowerLaw(0.9, 0.9 * 50**0.5, 0.5, 50.0)
    p, c, n = np.array([0.6, 0.4]), np.array([0.2, 0.03]), 4
    problem = Problem(n, p, c, curve, beliefs=beliefs)
    counts = enumerate_outcomes(n, 2)
    chance, seen = outcome_probabilities(counts, p), conditional_probabilities(counts, p, beliefs)
    # In the solver's units contributions are in thousands and money in values of the best model.
    m, t = cp.Variable(counts.shape, nonneg=True), cp.Variable(2)
    total = cp.sum(cp.multiply(counts, m), axis=1)
    a = 0.9 - 0.9 * cp.power(1 + 20 * total, -0.5)
    c = 10 * c
    means = cp.sum(cp.multiply(seen, m), axis=0)
    f = problem.outside_options / 100
    rules = [t <= seen.T @ a, t - cp.multiply(c, means) >= f]
    rules += [t[0] - c[0] * means[0] >= t[1] - c[0] * means[1]]
    rules += [t[1] - c[1] * means[1] >= t[0] - c[1] * means[0]]
    best = cp.Problem(cp.Maximize(chance @ a), rules).solve(solver=cp.CLARABEL)
    contract = solve_responsive(problem)
    assert contract.expected_accuracy == pytest.approx(best, abs=1e-6)
    assert contract.gap <= 1e-9


@pytest.mark.parametrize(
    ("curve", "valuation"),
    [
        (Saturating((0.5, 0.4), (0.1, 0.01)), PowerValuation(50.0, 2.0)),
        (Arctan(), ExponentialValuation(10.0, 2.0)),
        (PowerLaw(0.9, 0.9, 0.5, 1.0), PowerValuation(80.0, 1.5)),
    ],
)
def test_other_curves_and_valuations(curve, valuation):
    problem = Problem(5, [0.3, 0.7], [0.3, 0.03], curve, valuation, beliefs="own")
    contract = solve_responsive(problem)
    assert contract.expected_accuracy >= solve(problem).expected_accuracy - 1e-12
    assert max(missed(contract).values()) <= 1e-8
    assert contract.gap <= 1e-7


def test_collaboration_where_no_menu_makes_any():
    problem = Problem(2, [0.5, 0.5], [1.0, 0.4], CURVE, beliefs="own")
    assert solve(problem).upper_bound == pytest.approx(0, abs=1e-8)
    contract = solve_responsive(problem)
    assert contract.expected_accuracy > 0.15
    assert max(missed(contract).values()) <= 1e-8


def test_a_lottery_where_few_join():
    """Where outcomes with little data occur, all or nothing is as good as the envelope."""
    problem = Problem(2, [0.5, 0.5], [1.0, 0.4], CURVE, beliefs="own")
    contract = solve_responsive(problem)
    assert contract.quotas.counts[1].tolist() == [1, 1]
    assert 0.2 < contract.quotas.carried_out[1] < 0.5
    assert contract.quotas.contributions[1].sum() == pytest.approx(CURVE.envelope().tangent_point)
    assert contract.gap <= 1e-9
    assert max(missed(contract).values()) <= 1e-8


def test_responding_to_more_is_never_worse():
    problem = two_types(6)
    found = [
        solve_responsive(problem, responds_to=what, joining=0.7)
        for what in ("nothing", "number", "types")
    ]
    for less, more in itertools.pairwise(found):
        assert more.expected_accuracy > less.expected_accuracy + 1e-4
    for contract in found:
        assert contract.gap <= 1e-7
        assert max(missed(contract).values()) <= 1e-8
    quotas = found[1].quotas
    by_number = {}
    for counts, row in zip(quotas.counts, quotas.contributions, strict=True):
        for i in np.flatnonzero(counts):
            by_number.setdefault((counts.sum(), i), []).append(row[i])
    assert max(np.ptp(some) for some in by_number.values()) <= 1e-9


def test_responding_to_nothing_is_the_menu():
    problem = two_types(6)
    contract = solve_responsive(problem, responds_to="nothing")
    menu = solve(problem)
    assert contract.expected_accuracy == pytest.approx(menu.expected_accuracy, abs=1e-9)
    assert contract.upper_bound >= menu.expected_accuracy
    np.testing.assert_allclose(contract.contributions, menu.contributions, rtol=1e-4)


def test_a_cap_on_quotas():
    problem = two_types(10)
    free = solve_responsive(problem)
    menu = solve(problem)
    reached = []
    for most in (1000.0, 1100.0, 1e4):
        contract = solve_responsive(problem, largest_quota=most)
        assert contract.quotas.contributions.max() <= most * (1 + 1e-12)
        assert contract.gap <= 1e-8
        assert max(missed(contract).values()) <= 1e-8
        reached.append(contract.expected_accuracy)
    assert menu.expected_accuracy < reached[0] < reached[1] <= reached[2] + 1e-10
    assert reached[2] == pytest.approx(free.expected_accuracy, abs=1e-9)


def test_a_cap_for_each_type():
    contract = solve_responsive(two_types(6), largest_quota=[200.0, 1500.0])
    assert np.all(contract.quotas.contributions.max(axis=0) <= [200.0, 1500.0])


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("most", [150.0, 300.0, 700.0])
def test_the_same_limit_of_data_for_all(most, beliefs):
    problem = replace(two_types(4, beliefs), max_data=[most, most])
    contract, menu = solve_responsive(problem), solve(problem)
    assert contract.quotas.contributions.max() <= most * (1 + 1e-12)
    assert max(missed(contract).values()) <= 1e-8
    assert contract.gap <= 1e-8
    assert menu.expected_accuracy <= contract.upper_bound
    assert contract.expected_accuracy >= menu.expected_accuracy - 1e-9
    if most == 700.0:  # it keeps nobody from what it would do alone
        capped = solve_responsive(two_types(4, beliefs), largest_quota=most)
        assert contract.expected_accuracy == pytest.approx(capped.expected_accuracy, abs=1e-9)


def test_a_limit_that_no_quota_comes_near_changes_nothing():
    free = solve_responsive(two_types(4))
    limited = solve_responsive(replace(two_types(4), max_data=[1e5, 1e5]))
    assert limited.expected_accuracy == pytest.approx(free.expected_accuracy, abs=1e-9)


def test_unequal_limits_of_data_are_refused_with_what_to_do_instead():
    problem = replace(two_types(4), max_data=[300.0, 500.0])
    with pytest.raises(ValueError, match=r"max_data must be the same .* state largest_quota"):
        solve_responsive(problem)


@pytest.mark.parametrize("seed", range(12))
def test_constant_total(seed):
    rng = np.random.default_rng(seed)
    n_types, n = int(rng.integers(2, 5)), int(rng.integers(3, 12))
    costs = 0.2 * rng.lognormal(0, 0.6, n_types)
    problem = Problem(n, rng.dirichlet(np.full(n_types, 2.0)), costs, CURVE, beliefs="own")
    steady = solve_responsive(problem, total="constant")
    best = solve_responsive(problem)
    assert max(missed(steady).values()) <= 1e-7
    assert steady.expected_accuracy <= best.upper_bound + 1e-9
    assert best.expected_accuracy <= steady.upper_bound + 1e-9
    if isinstance(steady.quotas, ConstantQuotas):
        totals = (best.quotas.counts * steady.quotas.quotas(best.quotas.counts)).sum(axis=1)
        there = best.quotas.counts[:, steady.quotas.rule.weights > 0].any(axis=1)
        np.testing.assert_allclose(totals[there], steady.quotas.total, rtol=1e-12)


def test_a_constant_total_takes_no_more_than_all_subsets_allow():
    """The nested sets imply all others, on means that Hall's conditions nearly exclude."""
    rng = np.random.default_rng(5)
    nearly = 0
    for _ in range(2000):
        n_types, n = int(rng.integers(2, 6)), int(rng.integers(2, 6))
        p = rng.dirichlet(np.full(n_types, 1.0))
        means = np.sort(rng.lognormal(0, 1.5, n_types))
        total = n * float(p @ means)
        slack = hall_slack(means, total, p, n)
        subsets = [
            total * (1 - (1 - p[list(some)].sum()) ** n) - n * p[list(some)] @ means[list(some)]
            for k in range(1, n_types)
            for some in itertools.combinations(range(n_types), k)
        ]
        assert min(subsets) >= min(slack[1:].min(), 0.0) - 1e-9 * total
        nearly += slack[1:].min() < 0
    assert 200 < nearly < 1800


# Book: prop-hall
@pytest.mark.parametrize("seed", range(30))
def test_hall_conditions_decide_whether_quotas_exist(seed):
    rng = np.random.default_rng(seed)
    n_types, n = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    p = rng.dirichlet(np.full(n_types, 1.0))
    means = np.sort(rng.lognormal(0, 1.0, n_types))
    total = n * float(p @ means)
    counts = enumerate_outcomes(n, n_types)
    chance = outcome_probabilities(counts, p)
    # Transport: what each type gives in each outcome.
    there = np.argwhere(counts > 0)
    equal = np.zeros((len(counts) + n_types, len(there)))
    for column, (k, i) in enumerate(there):
        equal[k, column] = 1.0
        equal[len(counts) + i, column] = chance[k]
    right = np.concatenate([np.full(len(counts), total), n * p * means])
    found = linprog(np.zeros(len(there)), A_eq=equal, b_eq=right, bounds=(0, None))
    assert (found.status == 0) == (hall_slack(means, total, p, n).min() >= -1e-9 * total)


# Book: prop-only-means
def test_only_means_of_totals_count_under_own_beliefs():
    """Quotas moved between outcomes at equal means leave every constraint as it was."""
    rng = np.random.default_rng(7)
    p, n = np.array([0.5, 0.3, 0.2]), 5
    counts = enumerate_outcomes(n, 3)
    chance = outcome_probabilities(counts, p)
    seen = conditional_probabilities(counts, p, "own")
    quotas = np.where(counts > 0, rng.uniform(0, 100, counts.shape), 0.0)
    expected = (chance[:, None] * counts * quotas).sum(axis=0) / (n * p)
    np.testing.assert_allclose((seen * quotas).sum(axis=0), expected, rtol=1e-12)
    some = np.array([np.flatnonzero(counts[:, 0] == k)[0] for k in (1, 4)])
    given = chance[some] * counts[some, 0]
    moved = quotas.copy()
    moved[some, 0] += np.array([1.0, -given[0] / given[1]])
    np.testing.assert_allclose((seen * moved).sum(axis=0), expected, rtol=1e-12)
    paper = conditional_probabilities(counts, p, "paper")
    assert abs((paper * (moved - quotas)).sum(axis=0)[0]) > 1e-6


# Book: prop-weights
@pytest.mark.parametrize("seed", range(20))
def test_weights_give_the_means(seed):
    rng = np.random.default_rng(seed)
    n_types, n = int(rng.integers(2, 5)), int(rng.integers(2, 8))
    p = rng.dirichlet(np.full(n_types, 3.0))
    rule = ShareRule(np.sort(rng.lognormal(0, 1.0, n_types)), np.zeros(n_types, dtype=np.intp))
    if seed % 3 == 0:
        rule.tiers[-1] = 1
    if seed % 4 == 0:
        rule.weights[0] = 0.0
    counts = enumerate_outcomes(n, n_types)
    seen = conditional_probabilities(counts, p, "own")
    means = (seen * rule.shares(counts)).sum(axis=0)
    np.testing.assert_allclose(mean_shares(rule, p, n), means, rtol=1e-11, atol=1e-14)
    total = 500.0
    if rule.weights[0] > 0:  # otherwise nobody gives where only type 1 comes
        again = share_weights(total * means, total, p, n)
        assert again.tiers.tolist() == rule.tiers.tolist()
        np.testing.assert_allclose(again.shares(counts), rule.shares(counts), atol=1e-8)


# Book: prop-bound-without-outcomes
def test_bound_without_outcomes_bounds_the_optimum():
    bounded = 0
    for seed in range(40):
        problem = random_problem(1000 + seed, most_types=4, most_parties=8)
        order = np.argsort(-problem.costs)
        unit = problem.model_value.optimum
        given = (
            problem.costs[order] / unit,
            problem.probabilities[order],
            problem.outside_options[order] / unit,
            problem.n_parties,
            (problem.accuracy.envelope(), problem.model_value.envelope(), unit),
        )
        relaxed = constant_total(*given, transport=False)
        if relaxed is None:  # no constant total can be paid for
            continue
        bounded += 1
        bound = bound_without_outcomes(*given, relaxed, problem.beliefs)
        assert bound >= solve_responsive(problem).expected_accuracy
        # So does any other price.
        other = replace(relaxed, row_prices=1.3 * relaxed.row_prices)
        other_bound = bound_without_outcomes(*given, other, problem.beliefs)
        assert other_bound >= solve_responsive(problem).expected_accuracy
    assert bounded >= 30


def test_a_thousand_types_and_a_million_parties_in_a_second():
    rng = np.random.default_rng(3)
    problem = Problem(
        1_000_000,
        rng.dirichlet(np.full(1000, 2.0)),
        0.3 * rng.lognormal(0, 0.8, 1000),
        CURVE,
        beliefs="own",
    )
    start = time.process_time()
    contract = solve_responsive(problem)
    took = time.process_time() - start
    assert isinstance(contract.quotas, ConstantQuotas)
    assert contract.gap <= 1e-8
    assert contract.certain_rewards.all()
    counts = rng.multinomial(1_000_000, problem.probabilities)
    assert counts @ contract.quotas.quotas(counts) == pytest.approx(contract.quotas.total)
    assert took <= 2.0  # a second on an idle machine


def test_bound_and_total_do_not_depend_on_how_types_are_named():
    problem = Problem(200, [0.2, 0.5, 0.3], [0.2, 0.04, 0.1], CURVE, beliefs="own")
    split = Problem(200, [0.2, 0.1, 0.4, 0.3], [0.2, 0.04, 0.04, 0.1], CURVE, beliefs="own")
    one, two = (solve_responsive(it, total="constant") for it in (problem, split))
    assert one.expected_accuracy == pytest.approx(two.expected_accuracy, abs=1e-12)
    np.testing.assert_allclose(one.contributions[[0, 1, 1, 2]], two.contributions, rtol=1e-9)


def test_the_papers_beliefs_without_outcomes():
    problem = Problem(400, [0.3, 0.2, 0.3, 0.2], [0.3, 0.2, 0.1, 0.05], CURVE)
    contract = solve_responsive(problem)
    assert isinstance(contract.quotas, FixedQuotas)
    assert contract.expected_accuracy == pytest.approx(solve(problem).expected_accuracy)
    assert contract.expected_accuracy < contract.upper_bound < 1


def test_one_party_is_alone():
    problem = Problem(1, [0.5, 0.5], [0.2, 0.05], CURVE, beliefs="own")
    contract = solve_responsive(problem)
    np.testing.assert_allclose(contract.contributions, autarky(problem).contributions)
    assert contract.gap <= 1e-12


def test_types_with_better_options_may_be_left_out():
    problem = Problem(
        4, [0.6, 0.4], [0.2, 0.05], CURVE, beliefs="own", reservation_utilities=[40.0, 41.0]
    )
    contract = solve_responsive(problem)
    assert contract.expected_accuracy >= solve(problem).expected_accuracy
    assert contract.gap <= 1e-7
    assert max(missed(contract).values()) <= 1e-7


def test_nobody_takes_part_in_what_is_not_worth_it():
    problem = Problem(
        4, [0.6, 0.4], [0.2, 0.05], CURVE, beliefs="own", reservation_utilities=[90.0, 95.0]
    )
    contract = solve_responsive(problem)
    assert not contract.participates.any()
    assert contract.upper_bound == pytest.approx(0, abs=1e-7)


def test_equal_costs():
    problem = Problem(4, [0.3, 0.3, 0.4], [0.2, 0.2, 0.05], CURVE, beliefs="own")
    merged = Problem(4, [0.6, 0.4], [0.2, 0.05], CURVE, beliefs="own")
    contract, other = solve_responsive(problem), solve_responsive(merged)
    assert contract.expected_accuracy == pytest.approx(other.expected_accuracy, abs=1e-9)
    assert max(missed(contract).values()) <= 1e-8


def test_order_of_types_does_not_matter():
    forward = solve_responsive(Problem(4, [0.7, 0.3], [0.1, 0.01], CURVE, beliefs="own"))
    backward = solve_responsive(Problem(4, [0.3, 0.7], [0.01, 0.1], CURVE, beliefs="own"))
    np.testing.assert_allclose(forward.rewards, backward.rewards[::-1], rtol=1e-9)
    np.testing.assert_allclose(
        forward.quotas.quotas([1, 3]), backward.quotas.quotas([3, 1])[::-1], rtol=1e-4
    )


def test_whole_quotas_keep_means_and_total():
    quotas, counts = np.array([2.3, 10.75, 0.0]), np.array([3, 2, 1])
    lots = (np.arange(4000) + 0.5) / 4000
    drawn = np.array([np.concatenate(whole_quotas(quotas, counts, lot)) for lot in lots])
    np.testing.assert_allclose(drawn.mean(axis=0), np.repeat(quotas, counts), atol=1e-3)
    assert np.all(np.abs(drawn - np.repeat(quotas, counts)) < 1)
    total = float(quotas @ counts)
    assert set(drawn.sum(axis=1)) == {np.floor(total), np.ceil(total)}


def test_tables_know_only_what_can_happen():
    contract = solve_responsive(two_types(3))
    assert isinstance(contract.quotas, QuotaTable)
    with pytest.raises(ValueError, match=r"counts must be of parties that can join; got \[2, 2\]"):
        contract.quotas.quotas([2, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"responds_to": "all"}, "responds_to must be 'types', 'number' or 'nothing'; got 'all'"),
        ({"total": "some"}, "total must be 'free' or 'constant'; got 'some'"),
        ({"total": "constant", "joining": 0.5}, "total must be 'free' unless"),
        ({"joining": 0.0}, r"joining must be in \(0, 1\]; got 0.0"),
        ({"joining": 1.5}, r"joining must be in \(0, 1\]; got 1.5"),
        ({"largest_quota": [1.0, 2.0, 3.0]}, "largest_quota must be one positive number, or one"),
        ({"largest_quota": -1.0}, "largest_quota must be one positive number"),
        ({"largest_quota": 10.0}, "largest_quota must be at least what each type trains on alone"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        solve_responsive(two_types(), **arguments)


def test_what_cannot_be_enumerated_is_said():
    many = Problem(5000, np.full(6, 1 / 6), np.geomspace(0.3, 0.03, 6), CURVE, beliefs="own")
    with pytest.raises(ValueError, match="more than can be enumerated"):
        solve_responsive(many, joining=0.9)
    better = autarky(many).utilities + 5
    outside = Problem(5000, many.probabilities, many.costs, CURVE, reservation_utilities=better)
    with pytest.raises(ValueError, match="reservation_utilities must be those of autarky"):
        solve_responsive(outside)


def test_too_many_choices_of_who_takes_part():
    costs = np.geomspace(0.3, 0.03, 7)
    alone = autarky(Problem(2, np.full(7, 1 / 7), costs, CURVE)).utilities
    problem = Problem(2, np.full(7, 1 / 7), costs, CURVE, reservation_utilities=alone + 1)
    with pytest.raises(ValueError, match="must exceed autarky for at most 6 types; they do for 7"):
        solve_responsive(problem)


@pytest.mark.parametrize(
    ("quotas", "counts", "lot", "message"),
    [
        ([1.0], [1, 2], 0.5, "quotas must be one number >= 0 per count"),
        ([-1.0], [1], 0.5, "quotas must be one number >= 0 per count"),
        ([1.0], [1], 1.0, r"lot must be in \[0, 1\); got 1.0"),
    ],
)
def test_bad_lots_are_named(quotas, counts, lot, message):
    with pytest.raises(ValueError, match=message):
        whole_quotas(quotas, counts, lot)


def test_what_was_proved_stays_what_is_said():
    contract = solve_responsive(two_types(3))
    again = pickle.loads(pickle.dumps(contract))  # noqa: S301 (our own)
    for some in (contract, again):
        with pytest.raises(ValueError, match="read-only"):
            some.rewards[0] = 100.0
        with pytest.raises(ValueError, match="read-only"):
            some.quotas.contributions[0, 1] = 1.0
    assert again.quotas.quotas([1, 2]).tolist() == contract.quotas.quotas([1, 2]).tolist()
    assert "optimal" in repr(contract)
    frame = contract.to_frame()
    np.testing.assert_array_equal(frame["contributions"], contract.contributions)
    assert set(frame.attrs["units"]) == set(frame.columns)


@pytest.mark.parametrize("price", [0.0, 1e-320, 1e-200, 1e-90])
def test_a_price_of_next_to_nothing_leaves_the_limit_of_the_curves(price):
    curve = Saturating((0.5, 0.4), (0.1, 0.01))
    theta = np.array([0.0, 0.5, 2.0])
    found = conjugate((curve, curve, curve.optimum), theta, price)
    np.testing.assert_allclose(found, curve.optimum + theta, rtol=1e-12)
    assert np.all(found >= curve(1e4) + theta * curve(1e4) / curve.optimum - 1e4 * price)


@pytest.mark.parametrize("n_parties", [3_000, 100_000, 1_000_000])
def test_very_many_parties_on_a_measured_curve(n_parties):
    fit = learning_curve([500, 1000, 2000, 4000, 8000], [0.80, 0.84, 0.865, 0.885, 0.90])
    problem = Problem(n_parties, [0.5, 0.3, 0.2], [0.08, 0.04, 0.015], fit.curve)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        found = solve_responsive(problem)
    assert found.gap <= 1e-6
    assert found.expected_accuracy <= found.upper_bound <= fit.curve.optimum + 1e-9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        *(({"largest_quota": it}, "largest_quota must be numbers") for it in
          ("500", b"500", bytearray(b"5"), True, 500 + 0j, [500, "500"], np.datetime64("2020"))),
        ({"largest_quota": np.ma.array([500, 500], mask=[0, 1])}, "largest_quota must be numbers"),
        *(({"joining": it}, "joining must be a number") for it in
          (True, None, "1", 1 + 0j, np.array([0.5]))),
        *(({"responds_to": it}, "responds_to must be 'types', 'number' or 'nothing'") for it in
          (None, 5, ["types"], np.array(["types", "types"]))),
        ({"total": None}, "total must be 'free' or 'constant'"),
    ],
)  # fmt: skip
def test_what_quotas_respond_to_is_named(given, message):
    problem = Problem(3, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    with pytest.raises(ValueError, match=message):
        solve_responsive(problem, **given)


@pytest.mark.parametrize("counts", [[-1, 4], [0.5, 2.5], [np.nan, 3], [1], "ab", [[[1, 2]]]])
@pytest.mark.parametrize("total", ["free", "constant"])
def test_quotas_are_for_parties_that_can_join(total, counts):
    problem = Problem(3, [0.5, 0.5], [0.2, 0.05], GeneralizationBound(), beliefs="own")
    for rule in (solve_responsive(problem, total=total).quotas, FixedQuotas(np.ones(2))):
        for asked in (rule.quotas, rule.chance):
            with pytest.raises(ValueError, match=r"^counts must be"):
                asked(counts)


@pytest.mark.parametrize(
    ("quotas", "counts", "lot", "message"),
    [
        ([1.5, 2.5], [0.5, 2], 0.3, "counts must be"),
        ([1.5, 2.5], [-1, 2], 0.3, "counts must be"),
        ([np.inf, 2.5], [1, 2], 0.3, "quotas must add up to at most"),
        ([1.5], [1], "0", "lot must be a number"),
    ],
)
def test_whole_quotas_are_of_whole_parties(quotas, counts, lot, message):
    with pytest.raises(ValueError, match=message):
        whole_quotas(quotas, counts, lot)
