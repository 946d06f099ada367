"""Who turns up: laws against sums over outcomes, simulation and grids; known types by hand."""

import dataclasses
import pickle

import numpy as np
import pytest
from mpmath import mp
from scipy import stats

from paid_with_models import (
    Arctan,
    GeneralizationBound,
    KnownParties,
    LinearValuation,
    PoissonParties,
    PowerLaw,
    Problem,
    Shape,
    Status,
    UnlikeParties,
    all_or_nothing_rewards,
    audit,
    autarky,
    capped_rewards,
    conic_program,
    free_riding,
    joint_surplus,
    linear_program_bound,
    lottery_rewards,
    menu_residuals,
    proportional_rewards,
    solve,
    solve_complete_information,
    solve_complete_information_many,
    solve_many,
    solve_responsive,
)
from paid_with_models.attendance import (
    Outcomes,
    conditional_probabilities,
    enumerate_outcomes,
    log_factorials,
    outcome_probabilities,
)
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.solver.sums import fit_exponential_sum
from paid_with_models.solver.transforms import CHERNOFF_EXPONENTS, TransformExpectation
from paid_with_models.valuation import ModelValue
from paid_with_models.welfare import compare_schemes

CURVE = GeneralizationBound()
VALUE = ModelValue(CURVE, LinearValuation(100.0))


def under(law, costs, curve=CURVE, **words):
    return Problem(costs=costs, accuracy=curve, attendance=law, **words)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("numbers", [[10], [4, 6]])
@pytest.mark.parametrize("expectations", ["sum", "enumeration"])
def test_one_law_for_all_parties_is_the_papers(name, numbers, expectations):
    problem = SCENARIOS[name].problem()
    law = UnlikeParties(numbers, [problem.probabilities] * len(numbers))
    ours = solve(
        under(law, problem.costs, problem.accuracy, valuation=problem.valuation),
        expectations=expectations,
    )
    contract = solve(problem)
    assert ours.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-12)
    np.testing.assert_allclose(ours.contributions, contract.contributions, rtol=1e-6)
    np.testing.assert_allclose(ours.rewards, contract.rewards, rtol=1e-9)
    np.testing.assert_allclose(ours.reward_caps, contract.reward_caps, rtol=1e-9)
    assert ours.status is Status.OPTIMAL
    assert ours.bunches == contract.bunches


def outcomes(law):
    """Counts and probabilities of a law, added up one party or one type at a time."""
    if isinstance(law, UnlikeParties):
        rows = np.atleast_2d(np.array(law.probabilities, dtype=float))
        sums = {(0,) * rows.shape[1]: 1.0}
        for number, p in zip(law.numbers, rows, strict=True):
            for _ in range(int(number)):
                grown = {}
                for counts, chance in sums.items():
                    for i, share in enumerate(p):
                        if share > 0:
                            key = (*counts[:i], counts[i] + 1, *counts[i + 1 :])
                            grown[key] = grown.get(key, 0.0) + chance * share
                sums = grown
        return np.array(list(sums)), np.array(list(sums.values()))
    rates = law.mean_counts
    grid = np.indices((40,) * rates.size).reshape(rates.size, -1).T
    return grid, np.prod(stats.poisson.pmf(grid, rates), axis=1)


LAWS = [
    UnlikeParties([3, 2], [[0.2, 0.8], [0.7, 0.3]]),
    UnlikeParties([2, 1, 2], [[0.5, 0.5, 0.0], [0.0, 0.2, 0.8], [0.3, 0.3, 0.4]]),
    PoissonParties(6.0, [0.3, 0.7]),
]
NAMES = ["two groups", "three groups", "Poisson"]


@pytest.mark.parametrize("law", LAWS, ids=NAMES)
def test_outcomes_are_those_of_parties_added_one_by_one(law):
    counts, chances = outcomes(law)
    ours = Outcomes.of(law, "paper")
    found = dict(zip(map(tuple, ours.counts.tolist()), ours.weights.tolist(), strict=True))
    for row, chance in zip(counts.tolist(), chances.tolist(), strict=True):
        assert found.get(tuple(row), 0.0) == pytest.approx(chance, rel=1e-11, abs=1e-15)
    assert ours.weights.sum() == pytest.approx(1, abs=1e-12)
    assert ours.seen.sum(axis=0) == pytest.approx(1, abs=1e-12)
    assert law.mean_counts == pytest.approx(chances @ counts, rel=1e-10)
    assert law.present == pytest.approx(chances @ (counts > 0), rel=1e-10)
    assert len(ours.counts) == law.n_outcomes
    own = Outcomes.of(law, "own")
    assert own.seen == pytest.approx(
        ours.weights[:, None] * ours.counts / (chances @ counts), rel=1e-9
    )


@pytest.mark.parametrize("law", [*LAWS, KnownParties([2, 1, 3])], ids=[*NAMES, "known"])
def test_types_can_be_reordered_and_grouped(law):
    """The others become the first type, as one."""
    order = np.arange(law.mean_counts.size)[::-1]
    assert law.reordered(order).mean_counts == pytest.approx(law.mean_counts[::-1])
    grouped = law.grouped(np.array([1]))
    whole, parts = Outcomes.of(law, "paper"), Outcomes.of(grouped, "paper")
    m = 30.0
    assert grouped.mean_counts.sum() == pytest.approx(law.mean_counts.sum())
    hidden = np.zeros(law.mean_counts.size)
    hidden[1] = m
    assert float(parts.mean(CURVE(parts.totals([0.0, m])))) == pytest.approx(
        float(whole.mean(CURVE(whole.totals(hidden))))
    )
    z = np.full((law.mean_counts.size, 3), 0.4)
    found = grouped.log_transform(z[:2], z[:2] - 1)[0]
    assert found == pytest.approx(law.log_transform(z, z - 1)[0])


# Book: prop-attendance
@pytest.mark.parametrize("law", LAWS, ids=["two groups", "three groups", "Poisson"])
@pytest.mark.parametrize("menu", [[90.0, 400.0, 130.0], [0.0, 400.0, 130.0], [90.0, 0.0, 0.0]])
def test_moments_are_sums_over_outcomes(law, menu):
    """Those included in which only types turn up that contribute nothing."""
    m = np.array(menu)[: law.present.size]
    counts, chances = outcomes(law)
    assert chances.sum() == pytest.approx(1, abs=1e-12)
    expectation = TransformExpectation(law, CURVE.smooth_from, 16.0**5)
    moments = expectation.moments(CURVE, VALUE, m[None])
    totals = counts @ m
    assert moments.accuracy[0] == pytest.approx(chances @ CURVE(totals), abs=1e-11)
    slopes = chances * CURVE.derivative(totals)
    np.testing.assert_allclose(moments.accuracy_gradient[0], slopes @ counts, rtol=1e-8)
    for i in range(m.size):
        there = chances * (counts[:, i] > 0)
        assert law.present[i] == pytest.approx(there.sum(), rel=1e-10)
        seen = there / there.sum()
        assert moments.values[0, i] == pytest.approx(100 * seen @ CURVE(totals), abs=1e-9)
        np.testing.assert_allclose(
            moments.value_jacobian[0, i],
            100 * (seen * CURVE.derivative(totals)) @ counts,
            rtol=1e-8,
        )
    prices = np.array([0.3, 0.0, 1.2])[: m.size]
    weights = chances + 100 * sum(
        price * chances * (counts[:, i] > 0) / law.present[i] for i, price in enumerate(prices)
    )
    if not m.all():  # Newton's method has no use for it where S = 0
        return
    bend = weights * CURVE.second_derivative(totals)
    np.testing.assert_allclose(
        moments.curvature(prices[None])[0], (counts.T * bend) @ counts, rtol=1e-7
    )


@pytest.mark.parametrize("contributions", [[20.0, 60.0, 35.0], [0.0, 30.0, 90.0]])
@pytest.mark.parametrize("law", LAWS, ids=["two groups", "three groups", "Poisson"])
def test_the_uncertainty_is_errors_and_chernoffs_bounds_and_is_enough(law, contributions):
    """Both curves' tangent point is the same; little data come together, where sums are wrong."""
    m, low, high = np.array(contributions)[: law.present.size], CURVE.smooth_from, 16.0**5
    expectation, envelopes = (
        TransformExpectation(law, low, high),
        (CURVE.envelope(), VALUE.envelope()),
    )
    found = expectation.uncertainty(*envelopes, m[None])
    counts, chances = outcomes(law)
    totals = counts @ m
    tangent = envelopes[0].tangent_point

    def bound(x, weights):
        """On the sum of weights over outcomes with less than x data."""
        odds = np.exp(np.multiply.outer(CHERNOFF_EXPONENTS, 1 - totals / x))
        return (odds @ weights).min()

    # Where there are no data at all the curves themselves are used.
    some = [min(bound(x, chances * (totals > 0)), 1.0) for x in (low, tangent)]
    seen = [np.minimum(it / law.present, 1.0) for it in some]
    counted = [np.array([bound(x, chances * n) for n in counts.T]) for x in (low, tangent)]
    fits = [fit_exponential_sum(curve, low, high) for curve in (CURVE, VALUE)]
    ends = np.array([low, tangent])
    off = [np.max(it(ends) - fit(ends)) for it, fit in zip(envelopes, fits, strict=True)]
    a, v = fits
    ours = expectation.moments(*envelopes, m[None])
    rounding = 1024 * np.finfo(float).eps
    # Of the sum, whose terms add up to what is missing.
    missing = a.limit - ours.accuracy[0], v.limit - ours.values[0]
    assert found.accuracy[0] == pytest.approx(
        a.error + rounding * (1 + missing[0]) + some[0] * a.weights.sum() + some[1] * off[0],
        rel=1e-9,
    )
    assert found.values[0] == pytest.approx(
        v.error + rounding * (100 + missing[1]) + seen[0] * v.weights.sum() + seen[1] * off[1],
        rel=1e-9,
    )
    assert found.relative_slope == max(a.slope_error, v.slope_error) + rounding
    slopes = []
    for it, fit in zip(envelopes, fits, strict=True):
        steep, off_slope = fit.rates @ fit.weights, np.abs(it.slope - fit.derivative(ends)).max()
        flat = law.mean_counts.sum() * found.relative_slope * fit.slope_floor
        slopes.append(counted[0].sum() * steep + counted[1].sum() * off_slope + flat)
    assert found.accuracy_slope == pytest.approx([slopes[0]], rel=1e-9)
    assert found.value_slopes[0] == pytest.approx(slopes[1] / law.present, rel=1e-9)
    # And the envelopes' own moments are within it.
    assert chances @ envelopes[0](totals) <= ours.accuracy[0] + found.accuracy[0]
    for i, present in enumerate(law.present):
        exact = (chances * (counts[:, i] >= 1)) @ envelopes[1](totals) / present
        assert exact <= ours.values[0, i] + found.values[0, i]


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("law", LAWS, ids=NAMES)
def test_contracts_are_proved_and_keep_every_constraint(law, beliefs):
    costs = np.array([0.5, 0.1, 0.2])[: law.mean_counts.size]
    problem = under(law, costs, beliefs=beliefs)
    contract = solve(problem)
    assert contract.status is Status.OPTIMAL
    counts, chances = outcomes(law)
    totals = counts @ contract.contributions
    assert contract.expected_accuracy == pytest.approx(chances @ CURVE(totals), abs=1e-9)
    weights = counts if beliefs == "own" else counts > 0
    caps = (chances * VALUE(totals)) @ weights / (chances @ weights)
    assert contract.reward_caps == pytest.approx(caps, abs=1e-7)
    assert menu_residuals(problem, contract.contributions, contract.rewards).largest <= 1e-9
    report = audit(problem, contract.contributions, contract.rewards, best=contract)
    assert report.satisfied
    assert report.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-9)
    for carry_out in (
        proportional_rewards, capped_rewards, lottery_rewards, all_or_nothing_rewards,
    ):  # fmt: skip
        assert carry_out(contract).means == pytest.approx(contract.rewards, abs=1e-7)
    bound = linear_program_bound(problem, contract.contributions)
    assert bound >= contract.expected_accuracy - 1e-6
    assert solve_complete_information(problem).expected_accuracy > 0
    table = compare_schemes(contract)
    assert table.loc["contract", "accuracy"] == pytest.approx(contract.expected_accuracy, abs=1e-9)
    assert table.loc["contract", "surplus"] == pytest.approx(joint_surplus(contract))
    assert table.loc["surplus", "surplus"] >= table.loc["contract", "surplus"] - 1e-9


@pytest.mark.parametrize("law", LAWS[:2], ids=NAMES[:2])
def test_types_are_left_out_under_any_law(law):
    """A type that has nearly the best model's worth outside costs more than it brings."""
    costs = np.array([0.2, 0.1, 0.15])[: law.mean_counts.size]
    plain = under(law, costs)
    outside = autarky(plain).utilities.copy()
    outside[1] = 95.0
    problem = dataclasses.replace(plain, reservation_utilities=outside)
    by_count, by_sum = (solve(problem, expectations=how) for how in ("enumeration", "sum"))
    assert not by_count.participates[1]
    assert by_count.participates.any()
    assert by_count.utilities[1] == 95.0
    assert by_count.status is Status.OPTIMAL
    assert by_sum.expected_accuracy <= by_count.upper_bound + 1e-9
    assert (
        menu_residuals(problem, by_count.contributions, by_count.rewards, left_out=[1]).largest
        <= 1e-9
    )


def test_where_data_are_too_dear_nothing_comes_together():
    contract = solve(under(PoissonParties(1.0, [0.3, 0.7]), [1.0, 0.6]))
    assert contract.contributions.tolist() == [0.0, 0.0]
    assert contract.expected_accuracy == 0
    assert contract.reward_caps.tolist() == [0.0, 0.0]
    assert contract.upper_bound <= 1


def test_a_binomial_number_of_parties_becomes_poisson():
    """Many parties that rarely turn up; who stays away is a type that costs too much to join."""
    costs, p, mean = np.array([0.2, 0.05]), np.array([0.4, 0.6]), 8.0
    poisson = solve(under(PoissonParties(mean, p), costs))
    reached = []
    for n in (100, 10_000):
        law = UnlikeParties([n], [[1 - mean / n, *(p * mean / n)]])
        menu = np.concatenate([[0.0], poisson.contributions])
        sums = TransformExpectation(law, CURVE.smooth_from, 16.0**6)
        moments = sums.moments(CURVE, VALUE, menu[None])
        reached.append(moments.accuracy[0])
    errors = np.abs(np.array(reached) - poisson.expected_accuracy)
    assert errors[1] < 1e-4 < errors[0] < 1e-1


def test_poisson_contract_holds_in_a_simulation():
    costs, p, mean = np.array([0.3, 0.05]), np.array([0.4, 0.6]), 12.0
    contract = solve(under(PoissonParties(mean, p), costs))
    counts = np.random.default_rng(0).poisson(mean * p, (200_000, 2))
    accuracy = CURVE(counts @ contract.contributions)
    spread = accuracy.std() / np.sqrt(len(counts))
    assert abs(accuracy.mean() - contract.expected_accuracy) < 4 * spread
    for i in range(2):
        worth = 100 * accuracy[counts[:, i] > 0]
        error = worth.std() / np.sqrt(worth.size)
        assert abs(worth.mean() - contract.reward_caps[i]) < 4 * error
        assert contract.rewards[i] <= contract.reward_caps[i] + 1e-9


def test_no_menu_on_a_grid_exceeds_the_bound():
    law = UnlikeParties([2, 3], [[0.9, 0.1], [0.2, 0.8]])
    costs, curve = np.array([0.4, 0.1]), PowerLaw(0.95, 1.0, 0.4, 2.0)
    contract = solve(under(law, costs, curve))
    counts, chances = outcomes(law)
    value = ModelValue(curve, LinearValuation(100.0))
    best = 0.0
    f = contract.reservation_utilities
    for low in np.linspace(0, 150, 61):
        for high in np.linspace(low, 800, 81):
            totals = counts @ [low, high]
            u1 = max(f[0], f[1] - (costs[0] - costs[1]) * high)
            u2 = max(f[1], u1 + (costs[0] - costs[1]) * low)
            t = np.array([u1 + costs[0] * low, u2 + costs[1] * high])
            caps = [
                chances[counts[:, i] > 0] @ value(totals[counts[:, i] > 0]) / law.present[i]
                for i in range(2)
            ]
            if np.all(t <= caps):
                best = max(best, float(chances @ curve(totals)))
    assert best <= contract.upper_bound
    assert contract.expected_accuracy - best < 5e-3
    assert contract.gap < 1e-9


def test_many_parties_under_another_law_are_solved_by_sums():
    """Far too many outcomes to enumerate; half of the parties nearly known."""
    law = UnlikeParties([5000, 5000], [[0.9, 0.05, 0.05], [0.05, 0.05, 0.9]])
    contract = solve(under(law, [0.3, 0.2, 0.05]))
    assert contract.status is Status.OPTIMAL
    assert contract.problem.n_parties == 10_000
    with pytest.raises(ValueError, match="made for beliefs 'paper' only"):
        solve(under(law, [0.3, 0.2, 0.05], beliefs="own"), expectations="sum")


def test_problems_under_other_laws_are_solved_beside_others():
    law = PoissonParties(6.0, [0.3, 0.7])
    plain = Problem(6, [0.3, 0.7], [0.4, 0.1], CURVE)
    known = under(KnownParties([2, 4]), [0.4, 0.1])
    poisson = under(law, [0.4, 0.1])
    problems = [plain, poisson, known, plain, under(law, [0.3, 0.1]), poisson]
    for problem, together in zip(problems, solve_many(problems), strict=True):
        assert together.problem is problem
        assert together.expected_accuracy == solve(problem).expected_accuracy
    for problem, complete in zip(problems, solve_complete_information_many(problems), strict=True):
        one = solve_complete_information(problem)
        assert complete.expected_accuracy == pytest.approx(one.expected_accuracy, rel=1e-14)


def test_three_hospitals_of_known_costs():
    """Alone they would train on 63, 100 and 292; free riding leaves the total at the last."""
    curve = PowerLaw(0.95, 1.0, 0.5, 0.0)
    problem = under(KnownParties([1, 1, 1]), [0.1, 0.05, 0.01], curve)
    contract = solve(problem)
    assert contract.contributions == pytest.approx([156.42, 234.86, 551.53], abs=0.005)
    assert free_riding(problem, [1, 1, 1]).total == pytest.approx(292.40, abs=0.005)


def test_known_types_share_the_best_model_and_pay_what_they_gain():
    costs = np.array([0.5, 0.35, 0.16])
    problem = under(KnownParties([1, 1, 1]), costs)
    contract = solve(problem)
    total = contract.contributions.sum()
    worth, alone = float(VALUE(total)), autarky(problem)
    assert contract.contributions == pytest.approx((worth - alone.utilities) / costs, rel=1e-12)
    more = np.linspace(1.0001, 3, 500) * total  # the largest total that pays for itself
    assert np.all(((VALUE(more)[:, None] - alone.utilities) / costs).sum(axis=1) < more)
    assert contract.rewards == pytest.approx(worth, rel=1e-12)
    assert contract.utilities == pytest.approx(alone.utilities)
    assert contract.expected_accuracy == pytest.approx(float(CURVE(total)), rel=1e-15)
    assert contract.status is Status.OPTIMAL
    assert 0 <= contract.gap <= 1e-12
    assert contract.kkt_residual <= 1e-8
    assert contract.binding.individual_rationality.all()
    assert contract.binding.caps.all()
    assert not contract.binding.downward.any()
    assert contract.shape is Shape.SEPARATING
    menu = contract.contributions, contract.rewards
    assert menu_residuals(problem, *menu).largest <= 1e-12
    report = audit(problem, *menu)
    assert report.satisfied
    assert report.best_option.tolist() == [0, 1, 2]
    assert report.incentive_tolerance == 0
    assert proportional_rewards(contract).means == pytest.approx(contract.rewards)
    assert free_riding(problem, [1, 1, 1]).total < total


def test_known_types_are_one_outcome_of_the_benchmark():
    """In the order of the benchmark's outcomes: one party of each type has come."""
    costs = [0.5, 0.35, 0.16]
    drawn = solve_complete_information(Problem(3, [1 / 3] * 3, costs, CURVE))
    (row,) = np.flatnonzero(np.all(drawn.counts == 1, axis=1))
    contract = solve(under(KnownParties([1, 1, 1]), costs))
    assert contract.contributions == pytest.approx(drawn.outcome_contributions[row], rel=1e-12)


def test_shadow_prices_of_known_types_are_what_worth_changes():
    """If models become worth more, caps loosen by a(S) and outside options rise by a alone."""
    costs, law = [0.5, 0.35, 0.16], KnownParties([1, 2, 1])

    def reached(worth):
        return solve(under(law, costs, valuation=LinearValuation(worth)))

    contract = reached(100.0)
    prices = contract.multipliers
    predicted = prices.caps @ (contract.reward_caps / 100.0) - prices.individual_rationality @ (
        autarky(contract.problem).accuracies
    )
    change = reached(100.01).expected_accuracy - reached(99.99).expected_accuracy
    assert predicted == pytest.approx(change / 0.02, rel=1e-5)


def test_known_types_with_something_better_outside_are_left_out():
    law, costs = KnownParties([1, 1, 1]), [0.5, 0.35, 0.16]
    alone = autarky(under(law, costs)).utilities
    problem = under(law, costs, reservation_utilities=[alone[0], 97.0, alone[2]])
    contract, pair = solve(problem), solve(under(KnownParties([1, 1]), [0.5, 0.16]))
    assert contract.participates.tolist() == [True, False, True]
    assert contract.utilities[1] == 97.0
    assert contract.contributions[[0, 2]] == pytest.approx(pair.contributions, rel=1e-12)
    assert contract.contributions[1] == contract.rewards[1] == 0
    report = audit(problem, contract.contributions, contract.rewards, left_out=[1])
    assert report.satisfied
    # The best set of types in, by trying all of them.
    for types in ([0, 1], [1, 2], [0, 1, 2], [0], [1], [2]):
        f, c = problem.outside_options[types], problem.costs[types]
        data = np.linspace(1e-3, 3000, 300_001)
        worth = VALUE(data)[:, None]
        pays = np.all(worth >= f, axis=1) & (((worth - f) / c).sum(axis=1) >= data)
        assert np.max(data[pays], initial=0.0) <= contract.contributions.sum() + 0.01


def test_a_known_party_of_its_own_is_in_autarky():
    problem = under(KnownParties([1]), [0.2])
    contract, alone = solve(problem), autarky(problem)
    assert contract.contributions == pytest.approx(alone.contributions)
    assert contract.status is Status.OPTIMAL


def test_thirty_known_parties_take_no_time_and_any_of_them_free_ride_otherwise():
    costs = np.linspace(0.05, 0.9, 30)
    problem = under(KnownParties(np.ones(30)), costs)
    contract = solve(problem)
    assert contract.status is Status.OPTIMAL
    total = contract.contributions.sum()
    assert total == pytest.approx(
        np.sum((float(VALUE(total)) - autarky(problem).utilities) / costs), rel=1e-12
    )
    assert np.all(np.diff(contract.contributions) < 0)


def test_what_is_made_for_independent_draws_refuses_other_laws():
    problem = under(PoissonParties(6.0, [0.3, 0.7]), [0.4, 0.1])
    with pytest.raises(ValueError, match="attendance must be left out here"):
        conic_program(problem)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PoissonParties(0.0, [1.0]), "mean must be > 0"),
        (lambda: PoissonParties(3.0, [0.5, 0.4]), "probabilities must be"),
        (lambda: PoissonParties(2.0, [[0.5, 0.5], [0.1, 0.9]]), "one law.* got 2 rows"),
        (lambda: UnlikeParties([1.5], [[1.0]]), "numbers must be a whole number"),
        (lambda: UnlikeParties([2], [[1.0, 0.0]]), "give every type a chance"),
        (lambda: KnownParties([1, 0]), "numbers must be a whole number >= 1 for each type"),
        (lambda: under(PoissonParties(3.0, [1.0]), [0.1, 0.2]), "one type per cost, 2; got"),
        (
            lambda: Problem(3, None, [0.1], CURVE, attendance=PoissonParties(3.0, [1.0])),
            "n_parties must not be given with attendance; got 3",
        ),
        (
            lambda: solve(under(PoissonParties(3.0, [1.0]), [0.1], Arctan()), expectations="sum"),
            "no exponential sum is close enough",
        ),
        (
            lambda: solve(under(UnlikeParties([400] * 4, [[0.2] * 5] * 4), [1, 2, 3, 4, 5],
                                Arctan(), beliefs="own")),
            "more than the limit|too many outcomes",
        ),
        (lambda: Outcomes.of(PoissonParties(3.0, [1.0]), "none"), "beliefs must be"),
    ],
)  # fmt: skip
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Book: prop-more-parties
@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_more_parties_never_lower_a_cap(beliefs):
    rng = np.random.default_rng(11)
    for _ in range(20):
        kinds = int(rng.integers(1, 4))
        p = rng.dirichlet(np.ones(kinds))
        m = rng.exponential(100.0, kinds)  # in any order
        value = [None, None]
        for k, parties in enumerate((n := int(rng.integers(1, 9)), n + 1)):
            counts = enumerate_outcomes(parties, kinds)
            seen = conditional_probabilities(counts, p, beliefs)
            worth = GeneralizationBound()(counts @ m)
            value[k] = np.append(seen.T @ worth, outcome_probabilities(counts, p) @ worth)
        assert (value[1] >= value[0] - 1e-12).all()


def test_factorials_of_huge_numbers_take_no_table():
    huge = np.array([[10**15, 3], [10**12, 10**15]])
    found = log_factorials(huge)
    expected = [[float(mp.loggamma(mp.mpf(int(n)) + 1)) for n in row] for row in huge]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    one = Problem(3 * 10**9, [1.0], [0.1], Arctan())
    assert solve(one).expected_accuracy > 0.99


@pytest.mark.parametrize("curve", [GeneralizationBound(), Arctan()], ids=["bound", "arctan"])
@pytest.mark.parametrize("parties", [1e9, 1e12])
def test_very_many_parties_under_a_law_reach_what_as_many_do(parties, curve):
    groups = UnlikeParties([parties / 2] * 2, [[0.3, 0.7], [0.7, 0.3]])
    fixed = solve(Problem(int(parties), [0.5, 0.5], [0.2, 0.1], curve))
    for law in (PoissonParties(parties, [0.5, 0.5]), groups):
        contract = solve(Problem(costs=[0.2, 0.1], accuracy=curve, attendance=law))
        assert contract.expected_accuracy <= contract.upper_bound <= curve.optimum
        assert np.all(contract.reward_caps <= 100.0)
        reached = contract.expected_accuracy - fixed.expected_accuracy
        assert abs(reached) <= 1e-9 + contract.gap + fixed.gap


@pytest.mark.parametrize(
    "make",
    [
        lambda p, n: PoissonParties(3.0, p),
        lambda p, n: UnlikeParties(n, [[1.0, 0.0], p]),
        lambda p, n: KnownParties(n),
    ],
)
def test_a_law_keeps_its_numbers_and_is_equal_to_its_like(make):
    p, n = np.array([0.5, 0.5]), [2, 3]
    law = make(p, n)
    problem = under(law, [0.2, 0.1])
    before = solve(problem).to_dict()
    p[:], n[0] = [0.9, 0.1], 7
    assert solve(problem).to_dict() == before
    again = pickle.loads(pickle.dumps(problem))  # noqa: S301  # our own
    assert again == problem
    assert hash(again) == hash(problem)
    assert problem != under(make(np.array([0.9, 0.1]), [7, 3]), [0.2, 0.1])
    for one in (law, again.attendance):
        for value in vars(one).values():
            assert not isinstance(value, np.ndarray) or not value.flags.writeable


@pytest.mark.parametrize("many", [[2.0**53, 2.0**53], [1e300], [2**52] * 4096])
def test_too_many_parties_of_a_law_are_refused(many):
    for make in (KnownParties, lambda n: UnlikeParties(n, [[1.0]] * len(n))):
        with pytest.raises(ValueError, match=r"^numbers must"):
            make(many)
    with pytest.raises(ValueError, match=r"^mean must be > 0 and at most"):
        PoissonParties(sum(many), [1.0])


@pytest.mark.parametrize("given", [(-1, 2), (True, 2), ("5", 2), (5, 0), (1.5, 2)])
def test_numbers_of_parties_and_types_are_checked(given):
    with pytest.raises(ValueError, match=r"^n_(parties|types) must be an integer"):
        enumerate_outcomes(*given)


@pytest.mark.parametrize(
    "ask",
    [
        solve_complete_information,
        lambda problem: solve(problem, expectations="enumeration"),
        lambda problem: enumerate_outcomes(problem.n_parties, problem.n_types),
        lambda problem: solve_responsive(problem, responds_to="number"),
    ],
)
def test_more_outcomes_than_numbers_in_floating_point_are_too_many(ask):
    problem = Problem(10**6, np.full(1000, 1e-3), np.linspace(0.1, 1, 1000), CURVE)
    with pytest.raises(ValueError, match="n_types = 1000 have"):
        ask(problem)


def test_results_are_read_only_and_share_nothing_that_can_change():
    problems = [Problem(2, [s, 1 - s], [0.02, 0.01], CURVE) for s in (0.2, 0.8)]
    contract = solve(problems[0])
    for result in (
        *solve_complete_information_many(problems), autarky(problems[0]), audit(contract),
        proportional_rewards(contract), free_riding(problems[0], [1, 1]),
    ):  # fmt: skip
        for value in vars(result).values():
            assert not isinstance(value, np.ndarray) or not value.flags.writeable


@pytest.mark.parametrize("function", [outcome_probabilities, conditional_probabilities])
@pytest.mark.parametrize(
    ("counts", "probabilities", "message"),
    [
        ([[-1, 3]], [0.5, 0.5], "counts must be"),
        (np.array([[-1, 3]]), [0.5, 0.5], "counts must be"),
        ([[0.5, 1.5]], [0.5, 0.5], "counts must be"),
        ([1, 1], [0.5, 0.5], "counts must be"),
        ([[0, 1], [1, 1]], [0.5, 0.5], "counts must be rows .* with the same sum"),
        ([[1, 1]], [1.0], "probabilities must have one entry per type of counts, 2"),
        ([[1, 1]], [0.0, 1.0], r"probabilities must lie in \(0, 1\]"),
        ([[1, 1]], [-1.0, 2.0], r"probabilities must lie in \(0, 1\]"),
        ([[1, 1]], [np.nan, 1.0], r"probabilities must lie in \(0, 1\]"),
    ],
)
def test_probabilities_are_of_outcomes(function, counts, probabilities, message):
    with pytest.raises(ValueError, match=message):
        function(counts, probabilities)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"attendance": PoissonParties}, r"a law such as PoissonParties\(10, .* got <class"),
        ({"n_parties": np.array([2, 3])}, "n_parties must not be given with attendance"),
        ({"probabilities": [[0.5], [0.5, 0.5]]}, "probabilities must be numbers"),
        ({"probabilities": [0.4, 0.6]}, "probabilities must not be given with attendance"),
    ],
)
def test_what_goes_with_a_law_is_named(given, message):
    law = {"attendance": PoissonParties(3.0, [0.5, 0.5])}
    with pytest.raises(ValueError, match=message):
        Problem(costs=[0.2, 0.1], accuracy=CURVE, **(law | given))


def test_a_law_is_replaced_with_what_it_states():
    problem = under(PoissonParties(3.0, [0.5, 0.5]), [0.2, 0.1])
    assert dataclasses.replace(problem, costs=[0.3, 0.1]).n_parties == problem.n_parties
    other = KnownParties([7, 1])
    with pytest.raises(ValueError, match=r"n_parties must .* \(where fields are replaced: None\)"):
        dataclasses.replace(problem, attendance=other)
    blank = dict.fromkeys(("n_parties", "probabilities"))
    assert dataclasses.replace(problem, attendance=other, **blank).n_parties == 8


def test_laws_of_nobody_are_refused_and_zeros_have_no_sign():
    with pytest.raises(ValueError, match="numbers must be a whole number >= 1"):
        KnownParties([])
    laws = [UnlikeParties([1, 1], [[zero, 1.0], [1.0, 0.0]]) for zero in (0.0, -0.0)]
    assert laws[0] == laws[1]
    assert len(set(laws)) == 1


def test_too_many_outcomes_of_a_law_are_those_of_what_it_states():
    laws = {
        "mean = 1e\\+06 and 3 types have": PoissonParties(1e6, [0.2, 0.3, 0.5]),
        "numbers = \\[10000\\] and 3 types have": UnlikeParties([10_000], [[0.2, 0.3, 0.5]]),
    }
    for message, law in laws.items():
        with pytest.raises(ValueError, match=message):
            law.outcomes()
