"""Who takes part: nobody need be left out under autarky; otherwise brute force over selections."""

import dataclasses
import itertools

import numpy as np
import pytest

from paid_with_models import (
    Arctan,
    ExponentialValuation,
    GeneralizationBound,
    PoissonParties,
    PowerLaw,
    PowerValuation,
    Problem,
    Shape,
    Status,
    audit,
    autarky,
    information_rents,
    linear_program_bound,
    menu_residuals,
    proportional_rewards,
    solve,
    solve_complete_information,
    solve_many,
)
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.solver.interior_point import maximize
from paid_with_models.solver.participation import Participation
from paid_with_models.solver.selection import best_selection, every_selection
from tests.problems import Grid, left_out, outside_problem, selections, with_outside

CURVE = GeneralizationBound()


# Book: thm-nobody-left-out
@pytest.mark.parametrize("seed", range(8))
def test_under_autarky_nobody_need_be_left_out(seed):
    """The proof, step by step: give those left out their autarky as an option of their own."""
    rng = np.random.default_rng([1, seed])
    problem = with_outside(outside_problem(rng, 3, share=0.0), None)
    alone = autarky(problem)
    best = solve(problem)
    met = 0
    for types in selections(3)[:-1]:
        grid = Grid(problem, types)
        menus = rng.random((4000, len(types))) ** 2 * grid.most
        menus = np.sort(menus, axis=1)
        accuracy, rewards, fits = grid.reached(menus)
        assert np.all(accuracy[fits] <= best.upper_bound)
        for k in np.flatnonzero(fits)[:20]:
            m, t = alone.contributions.copy(), problem.model_value(alone.contributions)
            m[grid.types], t[grid.types] = menus[k], rewards[k]
            assert menu_residuals(problem, m, t).largest <= 1e-12
            reached = problem.accuracy(grid.counts @ m) @ grid.weights
            assert reached >= accuracy[k] - 1e-15
            met += 1
    assert met > 0


def test_outside_options_equal_to_autarky_change_nothing():
    for seed in range(5):
        rng = np.random.default_rng([2, seed])
        problem = dataclasses.replace(outside_problem(rng, 3), reservation_utilities=None)
        stated = dataclasses.replace(problem, reservation_utilities=autarky(problem).utilities)
        one, other = solve_many([problem, stated])
        assert np.array_equal(one.contributions, other.contributions)
        assert one.upper_bound == other.upper_bound


@pytest.mark.parametrize(
    ("n_types", "cells", "seed"),
    [*((2, 40, seed) for seed in range(24)), *((3, 14, seed) for seed in range(10))],
)
def test_brute_force_over_selections_and_menus_finds_nothing_better(n_types, cells, seed):
    problem = outside_problem(np.random.default_rng([7, seed]), n_types)
    contract = solve(problem)
    assert contract.status is Status.OPTIMAL
    found = max(Grid(problem, types).best(cells) for types in selections(n_types))
    assert found <= contract.upper_bound
    assert found <= contract.expected_accuracy + 1e-9
    if contract.shape is Shape.NO_COLLABORATION:
        assert found <= 0
    check(contract)


def check(contract):
    """Whatever the selection, the contract is consistent and satisfies every constraint."""
    problem, out = contract.problem, left_out(contract)
    menu = contract.contributions, contract.rewards
    assert menu_residuals(problem, *menu, left_out=out).largest <= 1e-9
    report = audit(problem, *menu, left_out=out)
    assert report.satisfied
    assert not report.participates[out].any()
    assert report.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-12)
    assert np.array_equal(contract.reservation_utilities, problem.outside_options)
    assert np.all(contract.contributions[out] == 0)
    assert np.all(contract.rewards[out] == 0)
    assert np.all(contract.reward_caps[out] == 0)
    assert np.array_equal(contract.utilities[out], problem.outside_options[out])
    taking_part = contract.participates
    paid = contract.rewards - problem.costs * contract.contributions
    assert contract.utilities[taking_part] == pytest.approx(paid[taking_part], abs=1e-9)
    assert np.all(contract.reward_caps >= contract.rewards - 1e-9)
    assert proportional_rewards(contract).means == pytest.approx(contract.rewards, abs=1e-9)
    assert linear_program_bound(problem, contract.contributions) >= (
        contract.expected_accuracy - 1e-6
    )
    assert information_rents(contract, solve_complete_information(problem)).min() >= -1e-9


@pytest.mark.parametrize(("n_types", "seed"), [(4, 0), (5, 1), (5, 2), (6, 3)])
def test_what_is_pruned_holds_nothing_better(n_types, seed):
    """Against all selections solved one by one, with none of the bounds on undecided types."""
    problem = outside_problem(np.random.default_rng([10, seed]), n_types, parties=5, share=0.9)
    contract = solve(problem)
    found = every_selection(problem)
    assert len(found) == 2**n_types - 1
    assert max(it.expected_accuracy for it in found) <= contract.expected_accuracy + 1e-8
    assert contract.gap <= 1e-6


def test_leaving_a_type_out_can_be_best():
    """A cheap type with a very good outside option: every way of keeping it costs more data."""
    problem = Problem(
        8, [0.4, 0.4, 0.2], [0.30, 0.2, 0.15], CURVE, reservation_utilities=[0.0, 8.0, 75.0]
    )
    contract = solve(problem)
    assert contract.participates.tolist() == [True, True, False]
    assert contract.status is Status.OPTIMAL
    assert contract.utilities[2] == 75.0
    by_selection = {types: Grid(problem, types).best(14) for types in selections(3)}
    assert max(by_selection, key=by_selection.__getitem__) == (0, 1)
    check(contract)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[1:])
def test_types_come_back_in_the_callers_order(order):
    p, c, f = np.array([0.4, 0.4, 0.2]), np.array([0.30, 0.2, 0.15]), np.array([0.0, 8.0, 75.0])
    order = list(order)
    contract, moved = solve_many(
        [
            Problem(8, p, c, CURVE, reservation_utilities=f),
            Problem(8, p[order], c[order], CURVE, reservation_utilities=f[order]),
        ]
    )
    for name in ("contributions", "rewards", "utilities", "reward_caps", "reservation_utilities"):
        assert getattr(moved, name) == pytest.approx(getattr(contract, name)[order], rel=1e-8)
    assert np.array_equal(moved.participates, contract.participates[order])
    for name in ("individual_rationality", "downward", "upward", "caps"):
        prices = getattr(contract.multipliers, name)[order]
        assert getattr(moved.multipliers, name) == pytest.approx(prices, abs=1e-8)
        of = getattr(contract.binding, name)[order]
        assert np.array_equal(getattr(moved.binding, name), of)


def test_staying_out_is_a_constraint_with_a_price():
    """One type in, another left out that would like its option a little more than staying out."""
    problem = Problem(6, [0.45, 0.1, 0.45], [0.5, 0.3, 0.1], CURVE)
    types, value = np.array([0, 2]), problem.model_value.optimum

    def best(outside):
        stated = dataclasses.replace(problem, reservation_utilities=[0.0, outside, 40.0])
        (leaf,) = Participation(stated).solved([types], exact=True)
        return leaf.model, maximize(leaf.model, leaf.relaxed)

    free_model, free = best(99.0)
    u = free_model.reservation_utilities[0] + (
        free_model.utility_jacobian[0] @ free.point.increments[0]
    )
    m = free.point.contributions[0]
    wanted = float(np.max(u + (free_model.costs[0] - problem.costs[1] / value) * m)) * value
    assert wanted > autarky(problem).utilities[1] + 1
    outside, step = wanted - 0.5, 1e-3
    (_, low), (model, middle), (_, high) = (best(outside + shift) for shift in (-step, 0.0, step))
    n_rows = model.others.least.shape[1]
    assert middle.residual[0] <= 1e-9
    assert np.min(np.abs(middle.point.rows[0, -n_rows:])) <= 1e-9
    price = float(middle.row_prices[0, -n_rows:].sum()) / value
    gained = high.point.moments.accuracy[0] - low.point.moments.accuracy[0]
    assert price > 0
    assert price == pytest.approx(gained / (2 * step), rel=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_staying_out_is_in_nobodys_way_under_own_beliefs(seed):
    """Whoever would rather come in is let in: no selection without the constraint does better."""
    problem = dataclasses.replace(
        outside_problem(np.random.default_rng([9, seed]), 2), beliefs="own"
    )
    contract = solve(problem)
    for types in selections(2):
        grid = Grid(problem, types)
        grid.out = np.array([], dtype=int)  # the constraint dropped
        assert grid.best(40) <= contract.upper_bound


def test_better_outside_options_never_help():
    """Raising outside options with the selection free: IR tightens, staying out loosens."""
    rng = np.random.default_rng(3)
    for _ in range(6):
        problem = outside_problem(rng, 2)
        worse = dataclasses.replace(problem, reservation_utilities=None)
        assert solve(problem).expected_accuracy <= solve(worse).upper_bound + 1e-3


@pytest.mark.parametrize("outside", [[100.0, 100.0], [250.0, 120.0]])
def test_nobody_takes_part_for_less_than_the_best_model(outside):
    contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], CURVE, reservation_utilities=outside))
    assert contract.shape is Shape.NO_COLLABORATION
    assert not contract.participates.any()
    assert contract.expected_accuracy == contract.upper_bound == 0
    assert contract.status is Status.OPTIMAL
    assert contract.utilities.tolist() == outside
    check(contract)


def test_one_party_is_in_autarky_or_out():
    problem = Problem(1, [0.3, 0.7], [0.1, 0.2], CURVE)
    alone = autarky(problem)
    outside = alone.utilities + np.array([1.0, 0.0])
    contract = solve(dataclasses.replace(problem, reservation_utilities=outside))
    assert contract.participates.tolist() == [False, True]
    assert contract.contributions == pytest.approx([0.0, alone.contributions[1]])
    assert contract.expected_accuracy == pytest.approx(0.7 * alone.accuracies[1])
    assert contract.status is Status.OPTIMAL
    nobody = solve(dataclasses.replace(problem, reservation_utilities=alone.utilities + 1))
    assert not nobody.participates.any()
    assert nobody.expected_accuracy == 0


def test_equal_costs():
    """Two types alike but for what they have outside: the better off is left out, or both are."""
    for better in (5.0, 30.0, 80.0):
        problem = Problem(
            6, [0.3, 0.3, 0.4], [0.3, 0.3, 0.1], CURVE, reservation_utilities=[better, 0.5, 26.0]
        )
        contract = solve(problem)
        assert contract.status is Status.OPTIMAL
        found = max(Grid(problem, types).best(12) for types in selections(3))
        assert found <= contract.expected_accuracy + 1e-9
        check(contract)


def test_curved_valuations():
    rng = np.random.default_rng(12)
    for _ in range(4):
        problem = outside_problem(rng, 2)
        problem = dataclasses.replace(
            problem,
            valuation=PowerValuation(100.0, 1.5),
            reservation_utilities=np.maximum(problem.outside_options, 20.0),
        )
        contract = solve(problem)
        assert contract.gap <= 1e-6
        found = max(Grid(problem, types).best(30) for types in selections(2))
        assert found <= contract.upper_bound
        check(contract)


def test_many_parties_by_sums():
    """With many parties exponential sums take over; selections are proved all the same."""
    problem = outside_problem(np.random.default_rng([7, 0]), 6, parties=300)
    contract = solve(problem)
    assert contract.status is Status.OPTIMAL
    out = left_out(contract)
    residuals = menu_residuals(problem, contract.contributions, contract.rewards, left_out=out)
    assert residuals.largest <= 1e-9
    assert 0 < contract.participates.sum() < 6


def test_expectations_as_asked_for():
    problem = outside_problem(np.random.default_rng([7, 1]), 3, parties=40)
    by_outcomes, by_sums = (solve(problem, expectations=how) for how in ("enumeration", "sum"))
    assert by_outcomes.participates.tolist() == by_sums.participates.tolist()
    assert by_sums.expected_accuracy == pytest.approx(by_outcomes.expected_accuracy, abs=1e-7)
    arctan = dataclasses.replace(problem, accuracy=Arctan(), reservation_utilities=[90.0] * 3)
    with pytest.raises(ValueError, match="expectations must be 'enumeration'"):
        solve(arctan, expectations="sum")


def test_a_search_cut_short_has_a_proven_gap():
    """As beyond ten types: the best menu met so far, and the bound of all that was not examined."""
    problem = outside_problem(np.random.default_rng([7, 0]), 6, parties=5, share=1.0)
    whole = best_selection(problem, max_boxes=0)
    reached, bounds = [], []
    for nodes in (1, 4, 16, 64, 256):
        part = best_selection(problem, max_boxes=0, max_nodes=nodes)
        reached.append(0.0 if part.menu is None else float(part.menu.point.moments.accuracy[0]))
        bounds.append(part.bound)
        assert part.nodes <= max(nodes, 32)
    assert np.all(np.diff(reached) >= 0)
    assert np.all(np.diff(bounds) <= 1e-12)
    assert min(bounds) >= max(reached)
    assert bounds[-1] == pytest.approx(whole.bound, abs=1e-12)
    assert bounds[0] > bounds[-1]


@pytest.mark.parametrize("seed", range(6))
def test_complete_information_leaves_out_whom_the_model_does_not_serve(seed):
    """In every outcome the best set of types in, by trying all of them."""
    problem = outside_problem(np.random.default_rng([8, seed]), 3)
    complete = solve_complete_information(problem)
    f, c = problem.outside_options, problem.costs
    value = problem.model_value
    for counts, total in zip(complete.counts, complete.totals, strict=True):
        if counts.sum() < 2:
            continue
        best = 0.0
        for types in selections(3):
            n = np.where(np.isin(np.arange(3), types), counts, 0)
            if n.sum() == 1:
                alone = np.where(f <= autarky(problem).utilities, autarky(problem).contributions, 0)
                best = max(best, float(n @ alone))
            if n.sum() < 2:
                continue
            data = np.linspace(1e-3, (n / c) @ np.maximum(100 - f, 0) + 1, 20_001)
            worth = value(data)
            served = np.all((worth[:, None] >= f) | (n == 0), axis=1)
            enough = (n / c * (worth[:, None] - f)).sum(axis=1) >= data
            best = max(best, float(np.max(data[served & enough], initial=0.0)))
        assert best <= total * (1 + 1e-9)
        assert best >= total * (1 - 2e-3) - 0.05
    served = complete.rewards > 0
    assert np.array_equal(served, complete.contributions > 0)


@pytest.mark.parametrize(
    ("outside", "message"),
    [
        ([1.0], "reservation_utilities must have one entry per cost, 2; got 1"),
        ([1.0, np.inf], "reservation_utilities must be finite"),
        ([1.0, np.nan], "reservation_utilities must not be NaN"),
        ([20.0, 5.0], "reservation_utilities must be at least what each type reaches alone"),
        ("much", "reservation_utilities must be numbers"),
    ],
)
def test_outside_options_are_checked(outside, message):
    with pytest.raises(ValueError, match=message):
        Problem(5, [0.5, 0.5], [0.2, 0.1], CURVE, reservation_utilities=outside)


def test_what_falls_short_of_autarky_by_rounding_is_autarky():
    problem = Problem(5, [0.5, 0.5], [0.2, 0.1], CURVE)
    rounded = autarky(problem).utilities - 1e-12
    stated = dataclasses.replace(problem, reservation_utilities=rounded)
    assert np.array_equal(stated.outside_options, problem.outside_options)
    assert not stated.better_outside.any()


def test_a_type_left_out_has_no_option():
    problem = Problem(5, [0.5, 0.5], [0.2, 0.1], CURVE)
    for wrong in ([0], [2], [-1]):
        with pytest.raises(ValueError, match="left_out must name types without an option"):
            menu_residuals(problem, [10.0, 20.0], [10.0, 20.0], left_out=wrong)
    # Leaving somebody out who would gladly come in is a violation, by as much as it would gain.
    residuals = menu_residuals(problem, [100.0, 0.0], [40.0, 0.0], left_out=[1])
    gain = 40.0 - 0.1 * 100.0 - autarky(problem).utilities[1]
    assert residuals.staying_out == pytest.approx(max(gain, 0.0) / 100)
    assert residuals.largest >= residuals.staying_out


# Book: thm-nobody-left-out
@pytest.mark.parametrize("name", SCENARIOS)
def test_in_the_scenarios_every_smaller_selection_is_proved_worse(name):
    problem = SCENARIOS[name].problem()
    found = every_selection(problem)
    assert len(found) == 31
    assert {it.types for it in found} == set(selections(5))
    everybody, *others = found
    contract = solve(problem)
    assert everybody.types == (0, 1, 2, 3, 4)
    assert everybody.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-10)
    assert max(it.upper_bound for it in others) < contract.expected_accuracy - 1e-4
    assert all(0 <= it.expected_accuracy <= it.upper_bound for it in found)


@pytest.mark.parametrize("seed", range(6))
def test_every_selection_contains_the_best_one(seed):
    problem = outside_problem(np.random.default_rng([12, seed]), 3)
    contract = solve(problem)
    found = every_selection(problem)
    taking_part = tuple(np.flatnonzero(contract.participates).tolist())
    reached = {it.types: it.expected_accuracy for it in found}
    assert max(reached.values()) <= contract.upper_bound
    if taking_part:
        assert reached[taking_part] == pytest.approx(contract.expected_accuracy, abs=1e-6)
    for it in found:
        assert Grid(problem, it.types).best(14) <= it.upper_bound


def rising_outside_option(outside):
    """Three types, of which the middle one has the given outside option."""
    problem = Problem(10, [1 / 3] * 3, [0.20, 0.12, 0.05], CURVE)
    alone = autarky(problem).utilities
    return dataclasses.replace(
        problem, reservation_utilities=[alone[0], max(alone[1], outside), alone[2]]
    )


# Book: obs-countervailing
def test_incentives_can_run_against_the_usual_direction():
    """IR binds for the middle type alone, and type 1 must be paid not to pass for it."""
    usual, against = solve_many([rising_outside_option(0.0), rising_outside_option(40.0)])
    assert usual.binding.individual_rationality[0]
    assert not usual.binding.upward[0]
    assert against.status is Status.OPTIMAL
    assert against.participates.all()
    assert against.binding.individual_rationality.tolist() == [False, True, False]
    assert against.binding.upward[0]
    assert against.utilities[0] > against.reservation_utilities[0] + 1
    assert against.gap < 1e-9 < usual.expected_accuracy - against.expected_accuracy
    check(against)


# Book: obs-selection
def test_a_type_is_left_out_where_keeping_it_costs_more():
    problem = rising_outside_option(45.0)
    contract = solve(problem)
    assert contract.participates.tolist() == [True, False, True]
    everybody = next(it for it in every_selection(problem) if it.types == (0, 1, 2))
    assert everybody.upper_bound < contract.expected_accuracy - 1e-3
    check(contract)


@pytest.mark.parametrize("n_parties", [10, 1000])
def test_many_types_with_something_better_outside_have_an_honest_gap(n_parties):
    """One set of types on one option, bounded by the most that all could contribute."""
    shares, costs = np.full(70, 1 / 70), np.linspace(0.01, 0.2, 70)
    alone = autarky(Problem(n_parties, shares, costs, CURVE)).utilities
    stated = n_parties, shares, costs, CURVE
    problem = Problem(*stated, reservation_utilities=alone + 0.2 * (90 - alone))
    contract = solve(problem)
    assert contract.participates.any()
    assert audit(contract).satisfied
    everybody_for_free = solve(Problem(*stated))
    assert contract.expected_accuracy <= contract.upper_bound < 1
    assert contract.expected_accuracy <= everybody_for_free.upper_bound


@pytest.mark.parametrize("seed", range(40))
def test_who_stays_out_wants_no_option_if_not_those_next_to_its_cost(seed):
    """The other options are ruled out by the incentives of those in."""
    rng = np.random.default_rng([13, seed])
    costs = np.sort(rng.uniform(0.1, 1.0, 8))[::-1]
    members = np.sort(rng.choice(8, int(rng.integers(1, 6)), replace=False))
    problem = Problem(10, np.full(8, 1 / 8), costs, CURVE)
    problem = dataclasses.replace(
        problem, reservation_utilities=autarky(problem).utilities + rng.uniform(0, 30, 8)
    )
    fixed = Participation(problem)
    model = fixed.decided(members[None], exact=True)
    for _ in range(20):
        m = np.sort(rng.uniform(0, 0.5 / fixed.costs[members].max(), members.size))[None]
        point = model.point(model.increments_of(m))
        rewards = model.least_utilities(m) + model.costs * m
        out = np.setdiff1d(np.arange(8), members)
        wants = (rewards - fixed.costs[out][:, None] * m).max(axis=1) - fixed.outside[out]
        rows = point.rows[0, members.size - 1 :]
        assert np.all(wants <= 1e-12) == np.all(rows >= -1e-12)
        assert rows.min() == pytest.approx(-wants.max(), abs=1e-12)


def test_a_type_that_is_decided_is_not_decided_again():
    """The relaxed problem of all of these is cut short with contributions outside its box."""
    problem = Problem(
        costs=[8.06834, 13.4398, 1.65423],
        attendance=PoissonParties(1.26812, [0.797373, 0.017472, 0.185155]),
        accuracy=PowerLaw(0.66996087, 4.87921992, 0.48413612),
        valuation=ExponentialValuation(100.0, 1.08718694),
        reservation_utilities=[6.36192191, 28.32137129, 16.0768999],
    )
    best = best_selection(problem)
    assert best.bound == 0.0
    assert best.nodes < 2**4
