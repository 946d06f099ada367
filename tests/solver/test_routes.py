"""The solver against certified values, closed forms, brute force, and itself in other words."""

import dataclasses
import itertools
import math
from decimal import Decimal

import numpy as np
import pytest

from paid_with_models import (
    Arctan,
    GeneralizationBound,
    LinearValuation,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    Shape,
    Status,
    autarky,
    linear_program_bound,
    menu_residuals,
    solve,
    solve_many,
)
from paid_with_models.problem import autarky_at
from paid_with_models.solver.answers import contracts, nobody
from paid_with_models.solver.batches import (
    ENTRIES_AT_ONCE,
    LEAST_AT_ONCE,
    countable,
    plan,
    plan_again,
)
from paid_with_models.solver.bunches import bunches_of
from paid_with_models.solver.few_options import with_few_options
from paid_with_models.solver.menus import Incumbents, only_menu
from paid_with_models.solver.moments import Enumeration
from paid_with_models.solver.routes import first_moments
from tests.problems import Grid, random_problem, scale_problem

BIG_FIRMS = [0.20, 0.16, 0.12, 0.08, 0.04]
SMALL_PARTIES = [1.0, 0.85, 0.70, 0.55, 0.40]
BIG_AND_SMALL = [0.5, 0.4, 0.03, 0.02, 0.001]


def scenario(costs, **changes):
    return dataclasses.replace(Problem(10, [0.2] * 5, costs, GeneralizationBound()), **changes)


# Certified with 40-digit arithmetic and independent cutting planes.
CERTIFIED = [
    (BIG_FIRMS, [391.909438] * 4 + [425.393117], 0.864782760158312, ((0, 1, 2, 3),)),
    (SMALL_PARTIES, [69.0532528] * 5, 0.690532528490800, ((0, 1, 2, 3, 4),)),
    (
        BIG_AND_SMALL,
        [104.389092680] * 2 + [1166.599131350] * 2 + [11740.66175],
        0.940134924265323,
        ((0, 1), (2, 3)),
    ),
]


@pytest.mark.parametrize(("costs", "contributions", "accuracy", "bunches"), CERTIFIED)
def test_the_papers_scenarios(costs, contributions, accuracy, bunches):
    contract = solve(scenario(costs))
    assert contract.contributions == pytest.approx(contributions, abs=1e-5)
    assert contract.expected_accuracy == pytest.approx(accuracy, abs=1e-13)
    assert contract.bunches == bunches
    for bunch in bunches:
        options = contract.contributions[list(bunch)]
        assert np.ptp(options) <= 1e-9 * options.max()
        assert np.ptp(contract.rewards[list(bunch)]) <= 1e-9 * contract.rewards.max()
    assert contract.status is Status.OPTIMAL
    assert 0 <= contract.gap <= 1e-9
    assert contract.kkt_residual <= 1e-8
    assert (
        menu_residuals(contract.problem, contract.contributions, contract.rewards).largest <= 1e-9
    )
    assert contract.participates.all()


# Book: prop-price
def test_closed_forms_of_the_third_scenario():
    """IR binds for types 1, 3 and 5, so utilities between them fix two contributions."""
    contract = solve(scenario(BIG_AND_SMALL))
    c, f = contract.problem.costs, contract.reservation_utilities
    assert contract.contributions[0] == pytest.approx(f[2] / (c[0] - c[2]), rel=1e-10)
    assert contract.contributions[2] == pytest.approx((f[4] - f[2]) / (c[2] - c[4]), rel=1e-10)
    assert contract.binding.individual_rationality.tolist() == [True, False, True, False, True]


def test_complete_pooling_of_the_second_scenario_in_closed_form():
    """One option at m = v(a(10 m))/c_1, where the costliest type keeps its outside option."""
    contract = solve(scenario(SMALL_PARTIES))
    m = contract.contributions[0]
    assert contract.shape is Shape.POOLING
    assert m == pytest.approx(float(contract.problem.model_value(10 * m)) / 1.0, rel=1e-12)
    assert contract.expected_accuracy == pytest.approx(float(GeneralizationBound()(10 * m)))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[1:])
def test_types_come_back_in_the_callers_order(order):
    p, c = np.array([0.2, 0.3, 0.5]), np.array([0.5, 0.12, 0.02])
    contract = solve(Problem(6, p, c, GeneralizationBound()))
    moved = solve(Problem(6, p[list(order)], c[list(order)], GeneralizationBound()))
    for name in ("contributions", "rewards", "utilities", "reward_caps", "reservation_utilities"):
        assert getattr(moved, name) == pytest.approx(getattr(contract, name)[list(order)], rel=1e-9)
    for name in ("individual_rationality", "downward", "upward", "caps"):
        of = getattr(contract.binding, name)[list(order)]
        assert np.array_equal(getattr(moved.binding, name), of)
        prices = getattr(contract.multipliers, name)[list(order)]
        assert getattr(moved.multipliers, name) == pytest.approx(prices, abs=1e-9)


# Book: lem-concave, prop-certificate
@pytest.mark.parametrize("seed", range(60))
def test_random_problems_are_solved_with_a_proof(seed):
    """Every menu is feasible, and no bound is ever below what brute force finds."""
    problem = random_problem(np.random.default_rng(seed))
    contract = solve(problem)
    assert menu_residuals(problem, contract.contributions, contract.rewards).largest <= 1e-9
    assert contract.gap >= 0
    assert contract.upper_bound >= contract.expected_accuracy
    assert (contract.status is Status.OPTIMAL) == (contract.gap <= 1e-8)
    outcomes = Enumeration.of(problem.n_parties, problem.probabilities[None], problem.beliefs)
    moments = outcomes.moments(problem.accuracy, problem.model_value, contract.contributions[None])
    assert contract.expected_accuracy == pytest.approx(moments.accuracy[0], rel=1e-12)
    assert contract.expected_value == pytest.approx(moments.value[0], rel=1e-12)
    assert contract.reward_caps == pytest.approx(moments.values[0], rel=1e-11, abs=1e-12)
    paid = contract.rewards - problem.costs * contract.contributions
    assert contract.utilities == pytest.approx(paid, abs=1e-9)


def test_most_random_problems_are_closed():
    contracts = [solve(random_problem(np.random.default_rng(seed))) for seed in range(60)]
    share = np.mean([contract.status is Status.OPTIMAL for contract in contracts])
    assert share >= 0.95


# Book: def-screening
@pytest.mark.parametrize("seed", range(12))
def test_brute_force_finds_nothing_better(seed):
    problem = random_problem(np.random.default_rng(100 + seed), types=2, parties=(2, 6))
    contract = solve(problem)
    found = Grid(problem).best(36)
    assert found <= contract.upper_bound
    # The grid itself is coarse: it comes close, which shows that the bound is not an idle one.
    assert found == pytest.approx(contract.expected_accuracy, abs=2e-4)


@pytest.mark.parametrize("seed", range(15))
def test_the_linear_program_agrees_with_the_closed_form_bound(seed):
    problem = random_problem(np.random.default_rng(200 + seed))
    contract = solve(problem)
    bound = linear_program_bound(problem, contract.contributions)
    assert bound == pytest.approx(contract.upper_bound, abs=2e-6)


# Where outcomes fall below the tangent point, contributions near zero can win: from grids.
NON_CONCAVE = [
    (10, [0.5, 0.5], [1.0, 0.4], 0.71296),
    (10, [0.05, 0.95], [1.0, 0.4], 0.80855),
    (10, [0.5, 0.5], [5.0, 1.0], 0.46057),
    (2, [0.5, 0.5], [1.0, 0.4], 0.0),
    (3, [0.5, 0.5], [1.0, 0.4], 0.0),
]


@pytest.mark.parametrize(("n_parties", "p", "c", "accuracy"), NON_CONCAVE)
def test_near_zero_contributions_are_found_where_they_win(n_parties, p, c, accuracy):
    contract = solve(Problem(n_parties, p, c, GeneralizationBound()))
    assert contract.expected_accuracy >= accuracy
    assert contract.expected_accuracy <= accuracy + 1e-4
    assert contract.status is Status.OPTIMAL
    assert (
        menu_residuals(contract.problem, contract.contributions, contract.rewards).largest <= 1e-9
    )
    if accuracy == 0:
        assert contract.shape is Shape.NO_COLLABORATION
        assert not contract.participates.any()


def test_an_open_gap_is_reported_and_not_called_optimal():
    contract = solve(Problem(10, [0.5, 0.5], [5.0, 1.0], GeneralizationBound()), max_boxes=0)
    assert contract.gap > 1e-4
    assert contract.status is Status.FEASIBLE


def test_one_party_is_in_autarky():
    problem = Problem(1, [0.3, 0.7], [0.1, 2.0], GeneralizationBound())
    contract, alone = solve(problem), autarky(problem)
    assert contract.contributions == pytest.approx(alone.contributions)
    assert contract.utilities == pytest.approx(alone.utilities)
    assert contract.participates.tolist() == [True, False]
    assert contract.status is Status.OPTIMAL
    accuracy = problem.probabilities @ alone.accuracies
    assert contract.expected_accuracy == pytest.approx(accuracy)


# Book: thm-nobody-left-out
def test_autarky_is_always_a_menu():
    """So the best menu never trains on less, in expectation, than everybody alone."""
    for seed in range(20):
        problem = random_problem(np.random.default_rng(300 + seed))
        alone = autarky(problem)
        rewards = problem.model_value(alone.contributions)
        assert menu_residuals(problem, alone.contributions, rewards).largest <= 1e-12
        outcomes = Enumeration.of(problem.n_parties, problem.probabilities[None], problem.beliefs)
        curves = problem.accuracy, problem.model_value
        reached = outcomes.moments(*curves, alone.contributions[None]).accuracy[0]
        assert solve(problem).expected_accuracy >= reached - 1e-12


def test_more_parties_never_hurt():
    problem = Problem(2, [0.4, 0.6], [0.2, 0.08], GeneralizationBound())
    reached = [
        contract.expected_accuracy
        for contract in solve_many(dataclasses.replace(problem, n_parties=n) for n in range(1, 41))
    ]
    assert np.all(np.diff(reached) > 0)


@pytest.mark.parametrize("seed", range(8))
def test_units_of_money_and_data_do_not_matter(seed):
    problem = random_problem(np.random.default_rng(400 + seed))
    problem = dataclasses.replace(
        problem, accuracy=PowerLaw(0.95, 2.0, 0.5, 5.0), valuation=LinearValuation(100.0)
    )
    money = dataclasses.replace(problem, costs=problem.costs * 1e-3, valuation=LinearValuation(0.1))
    data = dataclasses.replace(
        problem, costs=problem.costs / 500, accuracy=PowerLaw(0.95, 2.0 * 500**0.5, 0.5, 2500.0)
    )
    contract, in_money, in_data = solve_many([problem, money, data])
    assert in_money.contributions == pytest.approx(contract.contributions, rel=1e-7)
    assert in_money.rewards == pytest.approx(contract.rewards * 1e-3, rel=1e-7)
    assert in_data.contributions == pytest.approx(contract.contributions * 500, rel=1e-7)
    assert in_data.rewards == pytest.approx(contract.rewards, rel=1e-7)
    assert in_money.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-10)


@pytest.mark.parametrize("costs", [BIG_FIRMS, SMALL_PARTIES, BIG_AND_SMALL, [0.3, 0.1, 0.04]])
def test_shadow_prices_are_what_relaxing_a_constraint_is_worth(costs):
    """If models become worth more, caps T_i = w E[a] loosen and outside options f_i tighten.

    By the envelope theorem the accuracy gained is the prices of the caps times E[a] as each type
    sees it, less the prices of IR times the accuracy that each type reaches alone.
    """

    def reached(worth):
        p = np.full(len(costs), 1 / len(costs))
        return solve(Problem(10, p, costs, GeneralizationBound(), LinearValuation(worth)))

    contract = reached(100.0)
    prices = contract.multipliers
    predicted = prices.caps @ (contract.reward_caps / 100.0) - prices.individual_rationality @ (
        autarky(contract.problem).accuracies
    )
    change = reached(100.01).expected_accuracy - reached(99.99).expected_accuracy
    assert predicted == pytest.approx(change / 0.02, rel=1e-5)
    assert min(array.min() for array in vars(prices).values()) >= 0


def test_equal_costs_share_a_utility_and_are_solved_in_any_order():
    p = [0.2, 0.3, 0.5]
    for order in itertools.permutations(range(3)):
        costs = np.array([0.1, 0.1, 0.05])[list(order)]
        contract = solve(Problem(4, np.array(p)[list(order)], costs, GeneralizationBound()))
        equal = contract.utilities[costs == 0.1]
        assert equal[0] == pytest.approx(equal[1], rel=1e-12)
        assert contract.status is Status.OPTIMAL
        assert contract.expected_accuracy == pytest.approx(
            solve(Problem(4, p, [0.1, 0.1, 0.05], GeneralizationBound())).expected_accuracy,
            abs=1e-12,
        )


def test_nearly_equal_costs_are_nearly_equal_costs():
    tie, near = (
        solve(Problem(4, [0.2, 0.3, 0.5], [0.1 * (1 + eps), 0.1, 0.05], GeneralizationBound()))
        for eps in (0.0, 1e-9)
    )
    assert near.status is Status.OPTIMAL
    assert near.expected_accuracy == pytest.approx(tie.expected_accuracy, abs=1e-8)


# Book: prop-splitting
def test_splitting_a_type_changes_nothing_under_own_beliefs():
    whole = solve(Problem(6, [0.4, 0.6], [0.2, 0.05], GeneralizationBound(), beliefs="own"))
    split = solve(
        Problem(6, [0.4, 0.25, 0.35], [0.2, 0.05, 0.05], GeneralizationBound(), beliefs="own")
    )
    assert split.expected_accuracy == pytest.approx(whole.expected_accuracy, abs=1e-10)
    assert split.contributions[0] == pytest.approx(whole.contributions[0], rel=1e-6)


# Book: prop-splitting
def test_splitting_a_type_matters_given_that_it_is_present():
    """Proved by bounds on both sides: the split reaches more than any menu for the whole."""
    whole = solve(Problem(2, [0.3, 0.7], [0.3, 0.03], GeneralizationBound()))
    split = solve(Problem(2, [0.3, 0.35, 0.35], [0.3, 0.03, 0.03], GeneralizationBound()))
    assert split.expected_accuracy > whole.upper_bound + 2e-3
    assert whole.gap < 1e-9


def test_many_at_once_are_the_same_as_one_by_one():
    problems = [random_problem(np.random.default_rng(seed)) for seed in range(500, 520)]
    problems += [scenario(costs) for costs in (BIG_FIRMS, SMALL_PARTIES, BIG_AND_SMALL)]
    for problem, together in zip(problems, solve_many(problems), strict=True):
        alone = solve(problem)
        assert together.problem is problem
        assert together.expected_accuracy == pytest.approx(alone.expected_accuracy, abs=1e-9)
        assert together.contributions == pytest.approx(alone.contributions, rel=1e-5, abs=1e-3)


def test_too_many_outcomes_are_refused_with_the_memory_they_need():
    class Own(Arctan):
        """Not the library's, whatever it may be."""

    costs, p = np.linspace(1, 0.1, 12), np.full(12, 1 / 12)
    with pytest.raises(ValueError, match="n_parties = 100 and n_types = 12"):
        solve(Problem(100, p, costs, Own()))  # of which no exponential sum is known
    with pytest.raises(ValueError, match="n_parties = 100 and n_types = 12"):
        solve(Problem(100, p, costs, GeneralizationBound()), expectations="enumeration")


def test_sums_that_are_asked_for_and_not_to_be_had_are_refused():
    with pytest.raises(ValueError, match="expectations must be 'enumeration' for Arctan"):
        solve(Problem(10, [0.5, 0.5], [0.2, 0.1], Arctan()), expectations="sum")
    with pytest.raises(ValueError, match="expectations must be 'auto', 'enumeration' or 'sum'"):
        solve(Problem(10, [0.5, 0.5], [0.2, 0.1], Arctan()), expectations="exact")


@pytest.mark.parametrize("costs", [BIG_FIRMS, SMALL_PARTIES, BIG_AND_SMALL])
@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_sums_and_enumeration_give_the_same_contract(costs, beliefs):
    problem = scenario(costs, beliefs=beliefs)
    by_sum, by_count = (solve(problem, expectations=how) for how in ("sum", "enumeration"))
    assert by_sum.contributions == pytest.approx(by_count.contributions, rel=1e-7)
    assert by_sum.rewards == pytest.approx(by_count.rewards, rel=1e-9)
    assert by_sum.expected_accuracy == pytest.approx(by_count.expected_accuracy, abs=1e-13)
    assert by_sum.gap <= 1e-10


def test_the_bound_of_one_party_covers_the_rounding_of_its_own_menu():
    """Summed over the types in another order, the same menu reaches some ulps more or less."""
    costs = [4.90952043, 0.15631761, 1.24399132, 1.24399132, 0.01993365, 4.90952043, 0.26699208]
    p = np.array([3e-1, 1e-6, 1.4e-5, 4.1e-3, 3.7e-4, 3e-1, 3.9e-1])
    problem = Problem(1, p / p.sum(), costs, PowerLaw(0.95, 1.0, 0.4, 2.0))
    contract = solve(problem)
    accuracies = autarky(problem).accuracies
    for order in itertools.permutations(range(7)):
        some = list(order)
        reached = float(np.cumsum(problem.probabilities[some] * accuracies[some])[-1])
        assert reached <= contract.upper_bound
    assert 0 < contract.gap < 1e-14


def check_fields(contract, *, out=(), atol=1e-7):
    """Every field from contributions and rewards alone, by definition; ``out``: types left out."""
    problem, m, t = contract.problem, contract.contributions, contract.rewards
    unit, c, f = problem.model_value.optimum, problem.costs, problem.outside_options
    taking = np.setdiff1d(np.arange(problem.n_types), out)
    moments = Enumeration.of(
        problem.n_parties, problem.probabilities[None], problem.beliefs
    ).moments(problem.accuracy, problem.model_value, m[None])
    assert contract.expected_accuracy == pytest.approx(moments.accuracy[0], rel=1e-12)
    assert contract.expected_value == pytest.approx(moments.value[0], rel=1e-12)
    assert contract.upper_bound == contract.expected_accuracy + contract.gap
    assert contract.gap >= 0
    assert (contract.status is Status.OPTIMAL) == (contract.gap <= 1e-8)
    assert contract.participates.tolist() == ((m > 0) | (t > 0)).tolist()
    assert contract.reservation_utilities == pytest.approx(f)
    assert contract.reservation_contributions == pytest.approx(autarky(problem).contributions)
    caps, utilities = np.zeros(problem.n_types), f.copy()
    caps[taking] = moments.values[0][taking]
    utilities[taking] = (t - c * m)[taking]
    assert contract.reward_caps == pytest.approx(caps, rel=1e-10, abs=1e-10)
    assert contract.utilities == pytest.approx(utilities, rel=1e-10, abs=1e-10)

    chain = taking[np.argsort(-c[taking], kind="stable")]
    binding = {name: np.zeros(problem.n_types, dtype=bool) for name in vars(contract.binding)}
    for place, i in enumerate(chain):
        binding["individual_rationality"][i] = utilities[i] - f[i] <= 1e-9 * unit
        binding["caps"][i] = caps[i] - t[i] <= 1e-9 * unit
        for name, step in (("downward", -1), ("upward", 1)):
            if 0 <= place + step < len(chain):
                j = chain[place + step]
                binding[name][i] = utilities[i] - (t[j] - c[i] * m[j]) <= 1e-9 * unit
    assert contract.participates.dtype == bool
    for name, expected in binding.items():
        assert getattr(contract.binding, name).dtype == bool
        assert getattr(contract.binding, name).tolist() == expected.tolist(), name

    options = {}
    for i in chain:
        same = [k for k in options if abs(m[k] - m[i]) <= 1e-6 * m[i]]
        options.setdefault(same[0] if same else i, []).append(int(i))
    bunches = [tuple(sorted(types)) for types in options.values() if len(types) > 1]
    assert contract.bunches == tuple(bunches)
    if not m.any():
        assert contract.shape is Shape.NO_COLLABORATION
    elif len(options) == 1 and len(chain) == problem.n_types:
        assert contract.shape is Shape.POOLING
    else:
        assert contract.shape is (Shape.PARTLY_POOLING if bunches else Shape.SEPARATING)

    # The conditions of Karush, Kuhn and Tucker for m and t, with these prices.
    prices = vars(contract.multipliers)
    for name, price in prices.items():
        assert np.all(price >= 0)
        assert np.all(price[~binding[name]] * unit <= atol), name
    ir, down, up, cap = (
        prices[name] for name in ("individual_rationality", "downward", "upward", "caps")
    )
    in_t = ir - cap
    in_m = moments.accuracy_gradient[0] - c * ir + moments.value_jacobian[0].T @ cap
    for place, i in enumerate(chain):
        for price, step in ((down[i], -1), (up[i], 1)):
            if 0 <= place + step < len(chain):
                j = chain[place + step]
                in_t[i] += price
                in_t[j] -= price
                in_m[i] -= price * c[i]
                in_m[j] += price * c[i]
    assert np.abs(in_t[taking]).max(initial=0) * unit <= atol
    assert np.abs(in_m[taking] * m[taking]).max(initial=0) <= atol
    assert contract.kkt_residual <= 1e-8


# Book: def-screening
@pytest.mark.parametrize(
    ("costs", "worth", "beliefs"),
    [
        (BIG_FIRMS, 100.0, "paper"),
        (SMALL_PARTIES[::-1], 100.0, "own"),
        ([0.4, 0.03, 0.5, 0.001, 0.02], 100.0, "paper"),
        ([3.0, 0.4, 1.2], 1000.0, "paper"),
        ([0.00004, 0.0001], 0.1, "own"),
        ([0.05], 100.0, "paper"),
    ],
)
@pytest.mark.parametrize("expectations", ["sum", "enumeration"])
def test_every_field_is_what_it_says(costs, worth, beliefs, expectations):
    p = np.arange(1, len(costs) + 1) + 1.0
    problem = Problem(6, p / p.sum(), costs, GeneralizationBound(), LinearValuation(worth), beliefs)
    check_fields(solve(problem, expectations=expectations))


OUTSIDE = Problem(
    8, [0.4, 0.2, 0.4], [0.2, 0.15, 0.3], GeneralizationBound(),
    reservation_utilities=[8.0, 75.0, 0.0],
)  # fmt: skip


def test_every_field_with_a_type_left_out():
    contract = solve(OUTSIDE)
    check_fields(contract, out=[1])
    assert contract.participates.tolist() == [True, False, True]
    for name, price in vars(contract.multipliers).items():
        assert price[1] == 0
        assert not getattr(contract.binding, name)[1]
    for name in ("contributions", "rewards", "reward_caps"):
        assert getattr(contract, name)[1] == 0
    assert contract.utilities[1] == 75.0


def test_a_selection_by_sums_and_by_enumeration():
    by_count, by_sum = (solve(OUTSIDE, expectations=how) for how in ("enumeration", "sum"))
    assert by_sum.contributions == pytest.approx(by_count.contributions, rel=1e-6)
    large = Problem(
        100, np.full(12, 1 / 12), np.linspace(1, 0.1, 12), GeneralizationBound(),
        reservation_utilities=np.full(12, 60.0),
    )  # fmt: skip
    with pytest.raises(ValueError, match="n_parties = 100 and n_types = 12"):
        solve(large, expectations="enumeration")


def test_every_field_where_nobody_comes():
    problem = Problem(
        4, [0.3, 0.7], [0.2, 0.1], GeneralizationBound(), reservation_utilities=[95.0, 99.0]
    )
    contract = solve(problem)
    check_fields(contract, out=[0, 1])
    assert contract.expected_accuracy == contract.expected_value == contract.gap == 0.0
    assert contract.shape is Shape.NO_COLLABORATION
    assert contract.bunches == ()
    assert contract.kkt_residual == 0.0


def test_one_party_takes_the_better_of_autarky_and_outside():
    """It reaches its own optimum or stays out; nothing binds but participation and the cap."""
    problem = Problem(
        1, [0.3, 0.3, 0.4], [0.02, 0.1, 0.05], GeneralizationBound(),
        reservation_utilities=[70.0, 50.0, 40.1],
    )  # fmt: skip
    alone = autarky(problem)
    stated = dataclasses.replace(
        problem, reservation_utilities=[alone.utilities[0], 50.0, alone.utilities[2]]
    )
    contract = solve(stated)
    assert contract.participates.tolist() == [True, False, True]
    assert contract.contributions == pytest.approx(alone.contributions * [1, 0, 1], rel=1e-9)
    assert contract.rewards == pytest.approx(
        [float(problem.model_value(alone.contributions[0])), 0.0,
         float(problem.model_value(alone.contributions[2]))], rel=1e-9
    )  # fmt: skip
    assert contract.utilities == pytest.approx([alone.utilities[0], 50.0, alone.utilities[2]])
    assert contract.status is Status.OPTIMAL


def test_no_price_between_equal_types():
    """Costliest first, the third and the last are equal: neither would take the other's option."""
    costs, p = [0.05, 0.2, 0.05, 0.1], [0.2, 0.2, 0.3, 0.3]
    contract = solve(Problem(5, p, costs, GeneralizationBound()))
    assert contract.utilities[0] == pytest.approx(contract.utilities[2], rel=1e-12)
    assert contract.multipliers.downward[[1, 2]].tolist() == [0.0, 0.0]
    assert contract.multipliers.upward[[0, 2]].tolist() == [0.0, 0.0]
    assert contract.binding.downward[2]
    assert contract.binding.upward[0]
    assert np.all(np.isfinite(contract.multipliers.downward))


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("expectations", "exact", r"expectations must be 'auto', 'enumeration' or 'sum'; got 'ex"),
        ("max_boxes", -1, r"max_boxes must be an integer >= 0; got -1$"),
        ("max_nodes", 0, r"max_nodes must be an integer >= 1; got 0$"),
    ],
)
def test_what_solve_refuses(argument, value, message):
    problem = Problem(3, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    for ask in (lambda **words: solve(problem, **words), lambda **words: solve_many([], **words)):
        with pytest.raises(ValueError, match=f"^{message}"):
            ask(**{argument: value})


@pytest.mark.parametrize("value", [5.0, np.float64(100), Decimal(5), "5", None, math.nan, True])
def test_a_number_of_nodes_is_a_whole_one(value):
    problem = Problem(
        3, [0.5, 0.5], [0.5, 0.3], GeneralizationBound(), reservation_utilities=[50, 60]
    )
    with pytest.raises(ValueError, match=r"^max_nodes must be an integer"):
        solve(problem, max_nodes=value)


def test_limits_may_be_infinite_and_times_of_any_kind():
    problem = Problem(
        3, [0.5, 0.5], [0.5, 0.3], GeneralizationBound(), reservation_utilities=[50, 60]
    )
    best = solve(problem)
    for seconds in (Decimal(60), np.float16(60), np.float32(60)):
        found = solve(problem, max_nodes=math.inf, max_boxes=math.inf, max_seconds=seconds)
        assert found.expected_accuracy == best.expected_accuracy


def test_convex_values_of_few_parties_are_enumerated_where_sums_say_too_little():
    base = scale_problem(12, 10, 3)
    stated = 10, base.probabilities, base.costs, base.accuracy
    convex, linear = Problem(*stated, PowerValuation(100.0, 1.5)), Problem(*stated)
    assert countable(convex)
    assert not countable(linear)  # sums are exact to rounding
    contract = solve(convex)
    assert contract.status is Status.OPTIMAL
    assert solve(convex, expectations="sum").gap > 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_menus_of_few_options_are_tried_by_their_bunches(seed):
    base = scale_problem(6, 8, seed)
    costs = 0.3 * base.costs
    problem = Problem(8, base.probabilities, costs, base.accuracy, PowerValuation(100.0, 3.0))
    (batch,) = plan([problem], "enumeration")
    models = first_moments(batch)
    start = only_menu(models.exact, models.autarky)
    known = Incumbents(start, start.point.moments.accuracy)
    slowly = with_few_options(models.exact, known)
    quickly = with_few_options(models.exact, known, bunches_of(problem))
    assert quickly.reached == pytest.approx(slowly.reached, abs=1e-9)
    assert quickly.reached[0] > known.reached[0]


def test_no_box_and_one_node_are_enough_to_ask_for():
    problem = Problem(3, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    least = solve(problem, max_boxes=0, max_nodes=1)
    assert least.expected_accuracy == pytest.approx(solve(problem).expected_accuracy, abs=1e-9)


def test_the_curves_without_a_sum_are_named():
    problem = Problem(10, [0.5, 0.5], [0.2, 0.1], Arctan(rate=0.5))
    message = (
        r"^expectations must be 'enumeration' for Arctan\(optimum=1.0, rate=0.5\) with"
        r" LinearValuation\(scale=100.0\): no exponential sum is close enough to it$"
    )
    with pytest.raises(ValueError, match=message):
        solve(problem, expectations="sum")


@pytest.mark.parametrize("cost", [1.0, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("curve", [Saturating((0.5, 0.4), (1e-3, 1e-2)), GeneralizationBound()])
def test_costs_far_apart_leave_no_gap_to_search_in(curve, cost):
    """A type at which data are beyond price is next to absent, not a problem that is hard."""
    problem = Problem(8, [0.5, 0.3, 0.2], [0.08, 0.04, cost], curve)
    contract = solve(problem, max_boxes=0)
    assert contract.status is Status.OPTIMAL
    assert menu_residuals(problem, contract.contributions, contract.rewards).largest <= 1e-9
    assert contract.contributions[2] < 100 / cost


CURVE = GeneralizationBound()


def small(n_parties=3, costs=(0.2, 0.1), curve=CURVE, **words):
    return Problem(n_parties, np.full(len(costs), 1 / len(costs)), costs, curve, **words)


def planned(problems, expectations="auto"):
    """What is solved together and how, by places."""
    return [(batch.places, batch.method) for batch in plan(problems, expectations)]


def test_problems_of_a_kind_are_solved_together():
    problems = [
        small(), small(costs=(0.1, 0.3)), small(4), small(costs=(0.1, 0.1)),
        small(curve=GeneralizationBound(0.9)), small(beliefs="own"),
        small(valuation=LinearValuation(50.0)), small(costs=(0.3, 0.2, 0.1)),
        small(costs=(0.4, 0.2)), small(costs=(0.2, 0.2)),
    ]  # fmt: skip
    places = [(0, 1, 8), (2,), (3, 9), (4,), (5,), (6,), (7,)]
    assert planned(problems) == [(some, "enumeration") for some in places]
    for batch in plan(problems):
        assert batch.problems == tuple(problems[k] for k in batch.places)
        assert not any((batch.selecting, batch.banded, batch.provisional))


def test_by_sums_numbers_of_parties_do_not_matter_but_one():
    problems = [small(n) for n in (3, 1, 7, 2, 1)]
    assert planned(problems, "sum") == [((0, 2, 3), "sum"), ((1, 4), "enumeration")]


def test_sums_pay_for_many_outcomes_or_many_sizes():
    def methods(problems):
        return {batch.method for batch in plan(problems)}

    three = (0.3, 0.2, 0.1)
    assert methods([small(47, three)]) == {"enumeration"}  # 1,176 outcomes
    assert methods([small(48, three)]) == {"sum"}  # 1,225 outcomes
    assert methods([small(n) for n in (2, 3, 4, 5)]) == {"enumeration"}
    assert methods([small(n) for n in (2, 3, 4, 5, 6)]) == {"sum"}
    # Curves that admit no sum, and problems with one party, are enumerated whatever there is.
    assert methods([small(n, curve=Arctan()) for n in range(2, 9)]) == {"enumeration"}
    assert methods([small(1)] * 9) == {"enumeration"}


def test_only_sums_that_nobody_asked_for_are_provisional():
    many = [small(n) for n in range(2, 9)]
    assert [batch.provisional for batch in plan(many, "auto")] == [True]
    assert [batch.provisional for batch in plan(many, "sum")] == [False]
    assert not any(batch.provisional for batch in plan(many, "enumeration"))


def test_many_types_are_solved_one_by_one_and_by_bands_where_costs_differ():
    costs = tuple(np.linspace(0.1, 0.5, 40))
    problems = [small(9, costs), small(9, costs), small(9, costs[:39]), small(9, costs[:39])]
    tied = small(9, (*costs, 0.5))
    batches = plan([*problems, tied], "sum")
    assert [batch.places for batch in batches] == [(0,), (1,), (2, 3), (4,)]
    assert [batch.banded for batch in batches] == [True, True, False, False]
    assert not any(batch.banded for batch in plan([small(2, costs, Arctan())]))


def test_a_problem_with_better_outside_options_is_a_batch_of_its_own():
    outside = small(reservation_utilities=[50.0, 60.0])
    batches = plan([small(), outside, small(), outside], "sum")
    assert [(batch.places, batch.selecting) for batch in batches] == [
        ((1,), True), ((3,), True), ((0, 2), False),
    ]  # fmt: skip
    assert batches[0].method == "sum"
    # What equals autarky is no choice.
    alone = autarky(small()).utilities
    assert planned([small(), small(reservation_utilities=alone)]) == [((0, 1), "enumeration")]


def test_what_sums_leave_open_is_enumerated_if_that_is_cheap():
    """Of 60 parties and four types, 158,844 numbers: twelve problems at once; of 10^5, none."""
    four = (0.4, 0.3, 0.2, 0.1)
    problems = [small(60, four) for _ in range(14)] + [small(10**5, four), small(60, four[:3])]
    again = plan_again(problems, range(16))
    assert [batch.places for batch in again] == [tuple(range(12)), (12, 13), (15,)]
    assert {batch.method for batch in again} == {"enumeration"}
    assert not any(batch.provisional for batch in again)
    assert plan_again(problems, []) == []


def test_a_plan_holds_every_problem_once():
    problems = [random_problem(np.random.default_rng(seed)) for seed in range(60)]
    for expectations in ("auto", "enumeration"):
        places = [k for batch in plan(problems, expectations) for k in batch.places]
        assert sorted(places) == list(range(60))


# Outcomes with little data: sums say only how rare they are.
RARELY_LITTLE = [Problem(n, [0.5, 0.5], [1.0, 0.4], GeneralizationBound()) for n in range(5, 12)]


def test_enumeration_closes_what_sums_leave_open():
    by_sums = solve_many(RARELY_LITTLE, expectations="sum")
    found = solve_many(RARELY_LITTLE)
    assert any(contract.status is Status.FEASIBLE for contract in by_sums)
    for contract, by_sum in zip(found, by_sums, strict=True):
        assert contract.status is Status.OPTIMAL
        assert contract.upper_bound <= by_sum.upper_bound + 1e-12


def test_boxes_close_what_enumeration_leaves_open():
    found = solve_many(RARELY_LITTLE[:3], expectations="enumeration")
    open_ = solve_many(RARELY_LITTLE[:3], expectations="enumeration", max_boxes=0)
    assert any(contract.status is Status.FEASIBLE for contract in open_)
    assert all(contract.status is Status.OPTIMAL for contract in found)


@pytest.mark.parametrize(
    ("above", "status"), [(0.3, "FEASIBLE"), (1e-9, "OPTIMAL"), (-1.0, "OPTIMAL")]
)
def test_the_contract_of_nobody_is_worth_what_no_data_is(above, status):
    """The bound of the search over selections is kept, but not one below what is reached."""
    problem = small(2, curve=PowerLaw(0.95, 1.0, 0.4, 5.0), reservation_utilities=[90.0, 95.0])
    none = float(problem.accuracy(0.0))
    assert none > 0.3
    no_types, bounds = np.zeros((1, 0), dtype=int), np.array([none + above])
    alone = autarky_at(problem.model_value, problem.costs[None])
    (contract,) = contracts([problem], no_types, nobody([problem]), bounds, alone)
    assert contract.expected_accuracy == none
    assert contract.expected_value == float(problem.model_value(0.0))
    assert contract.gap == pytest.approx(max(above, 0.0), abs=1e-15)
    assert contract.upper_bound == none + contract.gap
    assert contract.status is Status[status]
    assert not contract.participates.any()


@pytest.mark.parametrize(("n_types", "n_parties"), [(2, 10), (2, 100), (5, 10)])
def test_many_problems_are_solved_in_blocks_that_fit_the_cache(n_types, n_parties):
    """However many problems there are, arrays stay small; and answers do not depend on it."""
    rng = np.random.default_rng([n_types, n_parties])
    problems = [
        Problem(
            n_parties,
            rng.dirichlet(np.full(n_types, 2.0)),
            rng.uniform(0.02, 0.2, n_types),
            GeneralizationBound(),
        )
        for _ in range(400)
    ]
    batches = plan(problems, "enumeration")
    sizes = {len(batch.places) for batch in batches}
    entries = problems[0].n_outcomes * n_types
    assert max(sizes) * entries <= max(ENTRIES_AT_ONCE, LEAST_AT_ONCE * entries)
    assert sorted(place for batch in batches for place in batch.places) == list(range(400))
    few = solve_many(problems[:30], expectations="enumeration")
    for one, problem in zip(few, problems, strict=False):
        alone = solve(problem, expectations="enumeration")
        assert one.expected_accuracy == pytest.approx(alone.expected_accuracy, abs=1e-11)
