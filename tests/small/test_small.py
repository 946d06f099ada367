"""The small solver is a route of its own to the contracts of ``solve``, with bounds that hold."""

import functools
import math

import numpy as np
import pytest

from benchmarks.small_solver import random_problem, stated
from paid_with_models import (
    GeneralizationBound,
    LinearValuation,
    Problem,
    Saturating,
    autarky,
    menu_residuals,
    small,
    solve,
)
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.small import table
from paid_with_models.small.expectation import moments

#: Problems whose answer is proved at once, by ``random_problem``'s seed: all kinds are among them.
SEEDS = [*range(24), 605, 1213, 2572]
#: Those with few enough parties for the library's own expectations to be right to 1e-10.
FEW = [seed for seed in SEEDS if random_problem(seed)["n_parties"] <= 1_000]
#: Outcomes that a test's search may enumerate.
MOST = 20_000.0


@functools.cache
def first_answer(seed):
    """The first answer to a random problem."""
    return small.answer(designed(random_problem(seed)))


@functools.cache
def solved(seed):
    """The library's contract for it."""
    return solve(stated(random_problem(seed)))


def designed(problem):
    """The small solver's search for a problem of ``random_problem``, at its first answer."""
    return small.design(
        problem["n_parties"],
        problem["probabilities"],
        problem["costs"],
        problem["outside"],
        problem["value"],
        small.generalization_bound(problem["optimum"], problem["complexity"]),
        problem["own"],
    )


def finished(work, pieces=200):
    """The search after so many pieces of work, or when nothing is left to do."""
    for _ in range(pieces):
        if not small.improve(work.search, MOST):
            break
    return small.answer(work)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_published_scenarios_come_out_as_in_the_library(scenario):
    problem = SCENARIOS[scenario]
    there = solve(Problem(10, [0.2] * 5, problem.costs, GeneralizationBound()))
    here = small.answer(
        small.design(
            10, [0.2] * 5, list(problem.costs), [], 100.0, small.generalization_bound(1, 1), False
        )
    )
    assert here.gap < 1e-10
    assert here.accuracy == pytest.approx(there.expected_accuracy, abs=1e-11)
    np.testing.assert_allclose(here.contributions, there.contributions, rtol=1e-4)
    np.testing.assert_allclose(here.rewards, there.rewards, rtol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_problems_come_out_as_in_the_library(seed):
    here, there = first_answer(seed), solved(seed)
    assert here.bound >= there.expected_accuracy - 1e-12
    assert here.accuracy <= there.upper_bound + 1e-12
    if here.gap <= small.PROVED and there.gap <= small.PROVED:
        assert here.accuracy == pytest.approx(there.expected_accuracy, abs=1e-8)


def test_most_first_answers_to_random_problems_are_proved():
    proved = [first_answer(seed).gap <= small.PROVED for seed in SEEDS]
    assert np.mean(proved) >= 0.92


@pytest.mark.parametrize("seed", FEW)
def test_menus_satisfy_every_constraint(seed):
    problem = random_problem(seed)
    found = first_answer(seed)
    out = [i for i, inside in enumerate(found.participates) if not inside]
    residuals = menu_residuals(
        stated(problem), np.maximum(found.contributions, 0), found.rewards, left_out=out
    )
    assert residuals.largest < 1e-10
    np.testing.assert_allclose(
        np.array(found.utilities)[found.participates],
        (np.array(found.rewards) - np.array(problem["costs"]) * found.contributions)[
            found.participates
        ],
        atol=1e-9 * problem["value"],
    )


@pytest.mark.parametrize("seed", range(100, 106))
def test_types_may_come_in_any_order(seed):
    problem = random_problem(seed)
    n_types = len(problem["costs"])
    order = np.random.default_rng(seed).permutation(n_types)
    moved = {
        **problem,
        **{
            name: np.array(problem[name])[order].tolist()
            for name in ("probabilities", "costs", "outside")
            if problem[name]
        },
    }
    one, other = small.answer(designed(problem)), small.answer(designed(moved))
    assert other.accuracy == pytest.approx(one.accuracy, abs=1e-9)
    assert other.bound == pytest.approx(one.bound, abs=1e-9)
    np.testing.assert_allclose(other.outside, np.array(one.outside)[order], rtol=1e-12)
    np.testing.assert_allclose(other.alone, np.array(one.alone)[order], rtol=1e-12)


@pytest.mark.parametrize("n_parties", [5, 40, 3_000])
def test_under_own_beliefs_a_type_may_be_split_in_two_alike(n_parties):
    curve = small.generalization_bound(0.9, 2.0)
    whole = small.design(n_parties, [0.4, 0.6], [0.3, 0.05], [], 100.0, curve, True)
    split = small.design(n_parties, [0.4, 0.25, 0.35], [0.3, 0.05, 0.05], [], 100.0, curve, True)
    one, other = small.answer(whole), small.answer(split)
    assert one.gap <= small.PROVED
    assert other.gap <= small.PROVED
    assert other.accuracy == pytest.approx(one.accuracy, abs=2e-8)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("costs", [[0.2, 0.2, 0.1], [0.3, 0.1, 0.1], [0.2, 0.2, 0.2]])
def test_equal_costs_come_out_as_in_the_library(costs, own):
    p = [0.2, 0.3, 0.5]
    beliefs = "own" if own else "paper"
    there = solve(Problem(8, p, costs, GeneralizationBound(), beliefs=beliefs))
    here = small.answer(small.design(8, p, costs, [], 100.0, small.generalization_bound(1, 1), own))
    assert here.gap <= small.PROVED
    assert here.accuracy == pytest.approx(there.expected_accuracy, abs=2e-8)


def test_types_of_equal_cost_share_the_utility_of_the_one_that_demands_more():
    curve = small.generalization_bound(1, 1)
    work = small.design(10, [0.5, 0.5], [0.1, 0.1], [0.0, 50.0], 100.0, curve, False)
    found = small.answer(work)
    assert found.gap <= small.PROVED
    assert found.participates == [True, True]
    assert min(found.utilities) >= 50 - 1e-9


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_any_prices_bound_every_menu(beliefs, seed):
    rng = np.random.default_rng(seed)
    n_parties, n_types = int(rng.integers(2, 9)), int(rng.integers(1, 5))
    costs = np.sort(np.exp(rng.uniform(np.log(0.02), np.log(1), n_types)))[::-1]
    p = rng.dirichlet(np.ones(n_types))
    problem = Problem(n_parties, p, costs, GeneralizationBound(), beliefs=beliefs)
    reached = solve(problem).expected_accuracy
    scheme = small.make_scheme(
        n_parties,
        small.generalization_bound(1, 1),
        beliefs == "own",
        problem.probabilities.tolist(),
        (costs / 100).tolist(),
        (autarky(problem).utilities / 100).tolist(),
        [0.0] * n_types,
        [True] * n_types,
    )
    laws = small.outcomes(scheme), small.exponential_sum(scheme, 0, False)
    for _ in range(40):
        m = np.sort(rng.exponential(100 / costs[0], n_types)).tolist()
        prices = rng.exponential(rng.choice([0.1, 1.0, 10.0]), len(scheme.rows) + n_types)
        for law in laws:
            assert small.check(law, m, prices.tolist()) >= reached - 1e-12


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("costs", [[0.2, 0.16, 0.12, 0.08, 0.04], [0.5, 0.4, 0.03, 0.02, 0.001]])
def test_certificates_of_the_library_are_proved_without_a_solver(costs, own):
    beliefs = "own" if own else "paper"
    problem = Problem(10, [0.2] * 5, costs, GeneralizationBound(), beliefs=beliefs)
    contract = solve(problem)
    scheme = small.make_scheme(
        10,
        small.generalization_bound(1, 1),
        own,
        [0.2] * 5,
        [c / 100 for c in costs],
        (contract.reservation_utilities / 100).tolist(),
        [0.0] * 5,
        [True] * 5,
    )
    prices = 100 * np.concatenate(
        [contract.multipliers.individual_rationality[1:], contract.multipliers.caps]
    )
    for law in (small.outcomes(scheme), small.exponential_sum(scheme, 0, False)):
        bound = small.check(law, contract.contributions.tolist(), prices.tolist())
        assert contract.expected_accuracy - 1e-12 <= bound <= contract.expected_accuracy + 1e-8


def test_a_check_refuses_what_is_no_certificate():
    curve = small.generalization_bound(1, 1)
    two = [0.5, 0.5], [0.002, 0.001], [0.0, 0.0], [0.0, 0.0]
    law = small.outcomes(small.make_scheme(5, curve, False, *two, [True, True]))
    with pytest.raises(ValueError, match="prices must not be negative; got -1"):
        small.check(law, [100.0, 100.0], [0.0, -1.0, 0.0])
    with pytest.raises(ValueError, match="prices must have one entry a row and a cap; got 2"):
        small.check(law, [100.0, 100.0], [0.0, 0.0])
    with pytest.raises(ValueError, match="m must have one entry a type in; got 1"):
        small.check(law, [100.0], [0.0, 0.0, 0.0])


def test_a_proved_answer_says_so():
    work = small.design(10, [1], [0.1], [], 100.0, small.generalization_bound(1, 1), False)
    assert small.status(work.search, MOST) == small.PROVED_BEST
    assert not small.improve(work.search, MOST)


def test_a_search_that_is_not_over_closes_the_gap():
    work = designed(random_problem(82))
    assert small.status(work.search, MOST) == small.SEARCHING
    first = small.answer(work)
    bounds, reached = [first.bound], [first.accuracy]
    for _ in range(400):
        if not small.improve(work.search, MOST):
            break
        bounds.append(work.search.bound)
        reached.append(work.search.best.accuracy)
    assert small.status(work.search, MOST) == small.PROVED_BEST
    assert np.all(np.diff(bounds) <= 0)
    assert np.all(np.diff(reached) >= 0)
    there = solve(stated(random_problem(82)))
    assert work.search.best.accuracy == pytest.approx(there.expected_accuracy, abs=1e-8)


def test_too_many_outcomes_are_left_open_and_said_to_be():
    problem = random_problem(853)
    found = finished(work := designed(problem))
    assert small.status(work.search, MOST) == small.TOO_MANY_OUTCOMES
    assert found.gap > small.PROVED
    there = solve(stated(problem))
    assert found.accuracy <= there.upper_bound
    assert found.bound >= there.expected_accuracy


def test_what_rounding_leaves_open_is_said_to_be():
    problem = random_problem(2227)
    found = finished(work := designed(problem))
    assert small.status(work.search, MOST) == small.EXHAUSTED
    assert small.PROVED < found.gap < 1e-6
    there = solve(stated(problem))
    assert found.accuracy <= there.upper_bound
    assert found.bound >= there.expected_accuracy


def test_nobody_takes_part_where_everybody_has_something_better():
    curve = small.generalization_bound(1, 1)
    work = small.design(4, [0.5, 0.5], [2.0, 1.0], [80.0, 90.0], 100.0, curve, False)
    found = small.answer(work)
    assert found.accuracy == 0 == found.gap
    assert found.participates == [False, False]
    assert found.utilities == [80.0, 90.0]
    assert small.collected(work, MOST) == [(0.0, 1.0)]


@pytest.mark.parametrize("own", [False, True])
def test_options_that_no_model_is_worth_keep_a_type_out(own):
    curve = small.generalization_bound(0.8, 1)
    for costs, outside in (([0.1], [90.0]), ([0.2, 0.1], [0.0, 1e4])):
        p = [1.0] * len(costs)
        found = small.answer(small.design(6, p, costs, outside, 100.0, curve, own))
        assert found.gap <= small.PROVED
        assert not found.participates[-1]
        assert found.utilities[-1] == outside[-1]


def test_outside_options_below_autarky_are_autarky():
    curve = small.generalization_bound(1, 1)
    stated_ = 10, [0.5, 0.5], [0.2, 0.1]
    one = small.answer(small.design(*stated_, [], 100.0, curve, False))
    other = small.answer(small.design(*stated_, [1.0, -5.0], 100.0, curve, False))
    assert other.outside == one.outside
    assert other.accuracy == one.accuracy


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("outside", [[], [30.0, 0.0]])
def test_sums_of_exponentials_come_out_as_in_the_library(own, outside):
    weights, rates = (0.5, 0.3), (0.02, 0.001)
    curve = Saturating(weights, rates)
    beliefs = "own" if own else "paper"
    known = Problem(30, [0.3, 0.7], [0.4, 0.05], curve, LinearValuation(80.0), beliefs=beliefs)
    if outside:
        better = np.maximum(outside, autarky(known).utilities)
        known = Problem(30, [0.3, 0.7], [0.4, 0.05], curve, LinearValuation(80.0), beliefs, better)
    there = solve(known)
    work = small.design(
        30,
        [0.3, 0.7],
        [0.4, 0.05],
        outside,
        80.0,
        small.exponential_curve(0.0, list(rates), list(weights)),
        own,
    )
    found = small.answer(work)
    assert found.gap <= small.PROVED
    assert found.accuracy == pytest.approx(there.expected_accuracy, abs=1e-8)
    np.testing.assert_allclose(found.alone, there.reservation_contributions, rtol=1e-9)


def test_accuracy_without_data_is_everybodys_least():
    curve = small.exponential_curve(0.3, [0.01], [0.5])
    found = small.answer(small.design(5, [0.5, 0.5], [9.0, 8.0], [], 100.0, curve, False))
    assert found.outside == pytest.approx([30.0, 30.0])
    assert found.accuracy >= 0.3


def test_a_million_parties_take_as_little_as_ten():
    curve = small.generalization_bound(0.95, 3.0)
    for n_parties in (10, 1_000_000):
        work = small.design(n_parties, [0.2, 0.3, 0.5], [0.9, 0.5, 0.2], [], 500.0, curve, True)
        assert small.answer(work).gap <= small.PROVED
        assert work.search.iterations < 100


@pytest.mark.parametrize("optimum", [0.6, 1.0])
@pytest.mark.parametrize("complexity", [0.05, 1.0, 40.0])
def test_one_table_covers_every_bound(optimum, complexity):
    curve = small.generalization_bound(optimum, complexity)
    exact = GeneralizationBound(optimum, complexity)
    data = np.geomspace(curve.touch, table.HIGH * complexity, 500)
    decay = np.exp(-np.outer(data, curve.rates))
    weights = np.array(curve.weights)
    values, slopes = optimum - decay @ weights, decay @ (weights * curve.rates)
    assert np.abs(values - exact(data)).max() <= curve.error
    assert np.abs(slopes / exact.derivative(data) - 1).max() <= curve.slope_error
    assert curve.zero == pytest.approx(exact.zero_until, rel=1e-12)
    assert curve.touch == pytest.approx(exact.envelope().tangent_point, rel=1e-9)
    assert small.accuracy(curve, 3 * curve.touch) == pytest.approx(float(exact(3 * curve.touch)))
    assert small.slope(curve, 3 * curve.touch) == pytest.approx(
        float(exact.derivative(3 * curve.touch))
    )


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("n_parties", [2, 1_000, 1_000_000])
def test_sums_are_exact_where_nothing_is_random(n_parties, own):
    curve = small.generalization_bound(0.9, 2.0)
    two = [0.25, 0.75], [0.002, 0.001], [0.0, 0.0], [0.0, 0.0]
    law = small.exponential_sum(
        small.make_scheme(n_parties, curve, own, *two, [True, True]), 0, False
    )
    each = 900.0 / n_parties  # of both types: 900 in all, whoever turns up
    found = moments(law, [each, each], [0.0, 0.0], False)
    expected = float(GeneralizationBound(0.9, 2.0)(900.0))
    assert found.accuracy == pytest.approx(expected, abs=law.error)
    assert found.values == pytest.approx([expected] * 2, abs=2 * law.error)


@pytest.mark.parametrize("own", [False, True])
def test_derivatives_are_those_of_the_expectations(own):
    curve = small.generalization_bound(0.9, 2.0)
    three = [0.2, 0.3, 0.5], [0.004, 0.002, 0.001], [0.0, 0.0, 0.9], [0.0] * 3
    m, prices, step = [150.0, 300.0], [0.3, 2.0], 1e-3
    scheme = small.make_scheme(6, curve, own, *three, [True, True, False])
    for law in (small.exponential_sum(scheme, 1, False), small.outcomes(scheme)):
        here = moments(law, m, prices, True)
        for k in range(2):
            ahead, back = (
                moments(law, [x + sign * step * (i == k) for i, x in enumerate(m)], prices, True)
                for sign in (1, -1)
            )
            by = 1 / (2 * step)
            assert (ahead.accuracy - back.accuracy) * by == pytest.approx(here.gradient[k], 1e-6)
            for i in range(2):
                slope = (ahead.values[i] - back.values[i]) * by
                assert slope == pytest.approx(here.jacobian[2 * i + k], rel=1e-6)
            pulled = [
                at.gradient[0] + prices[0] * at.jacobian[0] + prices[1] * at.jacobian[2]
                for at in (ahead, back)
            ]
            assert (pulled[0] - pulled[1]) * by == pytest.approx(here.hessian[k], rel=1e-5)


def test_what_is_collected_is_a_distribution():
    curve = small.generalization_bound(1, 1)
    work = small.design(10, [0.5, 0.5], [0.2, 0.1], [], 100.0, curve, False)
    pairs = small.collected(work, MOST)
    data, chances = np.array(pairs).T
    assert chances.sum() == pytest.approx(1, abs=1e-12)
    assert chances @ GeneralizationBound()(data) == pytest.approx(small.answer(work).accuracy)
    assert small.collected(work, 3.0) == []


def test_outcomes_left_out_of_an_enumeration_are_next_to_impossible():
    curve = small.generalization_bound(1, 1)
    two = [0.5, 0.5], [0.002, 0.001], [0.0, 0.0], [0.0, 0.0]
    law = small.outcomes(small.make_scheme(400, curve, False, *two, [True, True]))
    assert len(law.chance) < small.number_of_outcomes(400, 2)
    assert math.fsum(law.chance) >= 1 - 1e-12
    assert law.error > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_parties": 1}, "n_parties must be from 2 to a million; got 1"),
        ({"n_parties": 2_000_000}, "n_parties must be from 2 to a million; got 2000000"),
        ({"costs": []}, "costs must be of one to six types; got 0"),
        ({"costs": [1.0] * 7}, "costs must be of one to six types; got 7"),
        ({"costs": [0.2, 0.0]}, "costs must be positive and finite; got 0.0"),
        ({"costs": [0.2, math.nan]}, "costs must be positive and finite; got nan"),
        ({"costs": [0.2, 1e-15]}, "costs must not be that small; got 1e-15"),
        ({"probabilities": [1.0]}, "probabilities must have an entry a type; got 1"),
        ({"probabilities": [1.0, -1.0]}, "probabilities must be positive and finite; got -1.0"),
        ({"outside": [1.0]}, "outside must have an entry a type, or none; got 1"),
        ({"outside": [1.0, math.inf]}, "outside must be finite; got inf"),
        ({"value": 0.0}, "value must be positive and finite; got 0.0"),
        ({"optimum": 1.5}, r"optimum must be in \(0, 1\]; got 1.5"),
        ({"complexity": 0.0}, "complexity must be positive and finite; got 0.0"),
    ],
)
def test_bad_input_is_named(change, message):
    good = {
        "n_parties": 10,
        "probabilities": [0.5, 0.5],
        "costs": [0.2, 0.1],
        "outside": [],
        "value": 100.0,
        "optimum": 1.0,
        "complexity": 1.0,
        "own": False,
    }
    with pytest.raises(ValueError, match=message):
        designed({**good, **change})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0, [0.1], [0.1]), r"base must be in \[0, 1\); got 1.0"),
        ((0.0, [], []), "rates and weights must be lists of the same length, not empty"),
        ((0.0, [0.1, 0.2], [0.1]), "rates and weights must be lists of the same length"),
        ((0.0, [0.0], [0.1]), "rates must be positive and finite; got 0.0"),
        ((0.0, [0.1], [0.0]), r"weights must be in \(0, 1\]; got 0.0"),
        ((0.5, [0.1], [0.8]), "base and weights must sum to at most 1; they sum to 1.3"),
    ],
)
def test_a_bad_curve_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        small.exponential_curve(*arguments)
