"""Other laws of who turns up: against the solver, sums over outcomes, closed forms, simulation."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from scipy.spatial import ConvexHull

from paid_with_models import GeneralizationBound, LinearValuation, PowerLaw, Problem, solve
from paid_with_models.accuracy import Arctan
from paid_with_models.attendance import PoissonParties, UnlikeParties
from paid_with_models.beyond.continuum import Between, best_cutoff, bracketing_types, type_grid
from paid_with_models.beyond.other_laws import CHERNOFF_EXPONENTS, _Transformed, solve_attendance
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.solver.sums import fit_exponential_sum
from paid_with_models.valuation import ModelValue

CURVE = GeneralizationBound()
VALUE = ModelValue(CURVE, LinearValuation(100.0))


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("numbers", [[10], [4, 6]])
def test_one_law_for_all_parties_is_the_papers(name, numbers):
    problem = SCENARIOS[name].problem()
    law = UnlikeParties(numbers, [problem.probabilities] * len(numbers))
    ours = solve_attendance(law, problem.costs, problem.accuracy, problem.valuation)
    contract = solve(problem)
    assert ours.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-12)
    np.testing.assert_allclose(ours.contributions, contract.contributions, rtol=1e-6)
    np.testing.assert_allclose(ours.rewards, contract.rewards, rtol=1e-9)
    np.testing.assert_allclose(ours.reward_caps, contract.reward_caps, rtol=1e-9)
    assert 0 <= ours.gap < 1e-10


def outcomes(law):
    """Counts and probabilities of a law, added up one party or one type at a time."""
    if isinstance(law, UnlikeParties):
        sums = {(0,) * law._p.shape[1]: 1.0}
        for number, p in zip(law._n, law._p, strict=True):
            for _ in range(int(number)):
                grown = {}
                for counts, chance in sums.items():
                    for i, share in enumerate(p):
                        if share > 0:
                            key = (*counts[:i], counts[i] + 1, *counts[i + 1 :])
                            grown[key] = grown.get(key, 0.0) + chance * share
                sums = grown
        return np.array(list(sums)), np.array(list(sums.values()))
    grid = np.indices((40,) * law.rates.size).reshape(law.rates.size, -1).T
    return grid, np.prod(stats.poisson.pmf(grid, law.rates), axis=1)


LAWS = [
    UnlikeParties([3, 2], [[0.2, 0.8], [0.7, 0.3]]),
    UnlikeParties([2, 1, 2], [[0.5, 0.5, 0.0], [0.0, 0.2, 0.8], [0.3, 0.3, 0.4]]),
    PoissonParties(6.0, [0.3, 0.7]),
]


# Book: prop-attendance
@pytest.mark.parametrize("law", LAWS, ids=["two groups", "three groups", "Poisson"])
def test_moments_are_sums_over_outcomes(law):
    m = np.array([90.0, 400.0, 130.0])[: law.present.size]
    counts, chances = outcomes(law)
    assert chances.sum() == pytest.approx(1, abs=1e-12)
    expectation = _Transformed(law, CURVE.smooth_from, 16.0**5)
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
    bend = weights * CURVE.second_derivative(totals)
    np.testing.assert_allclose(
        moments.curvature(prices[None])[0], (counts.T * bend) @ counts, rtol=1e-7
    )


@pytest.mark.parametrize("contributions", [[20.0, 60.0, 35.0], [0.0, 30.0, 90.0]])
@pytest.mark.parametrize("law", LAWS, ids=["two groups", "three groups", "Poisson"])
def test_the_uncertainty_is_errors_and_chernoffs_bounds_and_is_enough(law, contributions):
    """Both curves' tangent point is the same; little data come together, where sums are wrong."""
    m, low, high = np.array(contributions)[: law.present.size], CURVE.smooth_from, 16.0**5
    expectation, envelopes = _Transformed(law, low, high), (CURVE.envelope(), VALUE.envelope())
    found = expectation.uncertainty(*envelopes, m[None])
    counts, chances = outcomes(law)
    totals, someone = counts @ m, counts.sum(axis=1) > 0
    tangent = envelopes[0].tangent_point

    def bound(x, weights):
        """On the sum of weights over outcomes with somebody, but less than x data."""
        odds = np.exp(np.multiply.outer(CHERNOFF_EXPONENTS, 1 - totals / x))
        return (odds @ (weights * someone)).min()

    some = [min(bound(x, chances), 1.0) for x in (low, tangent)]
    seen = [np.minimum(it / law.present, 1.0) for it in some]
    counted = [np.array([bound(x, chances * n) for n in counts.T]) for x in (low, tangent)]
    fits = [fit_exponential_sum(curve, low, high) for curve in (CURVE, VALUE)]
    ends = np.array([low, tangent])
    off = [np.max(it(ends) - fit(ends)) for it, fit in zip(envelopes, fits, strict=True)]
    a, v = fits
    rounding = 1024 * np.finfo(float).eps
    assert found.accuracy[0] == pytest.approx(
        a.error + rounding + some[0] * a.weights.sum() + some[1] * off[0], rel=1e-9
    )
    assert found.values[0] == pytest.approx(
        v.error + 100 * rounding + seen[0] * v.weights.sum() + seen[1] * off[1], rel=1e-9
    )
    assert found.relative_slope == max(a.slope_error, v.slope_error) + rounding
    steep = max(fit.rates @ fit.weights for fit in fits)
    slopes = [
        np.abs(it.slope - fit.derivative(ends)) for it, fit in zip(envelopes, fits, strict=True)
    ]
    expected = (counted[0] * steep + counted[1] * np.max(slopes)) / law.present.min()
    assert found.slope[0] == pytest.approx(expected, rel=1e-9)
    # And the envelopes' own moments are within it.
    ours = expectation.moments(*envelopes, m[None])
    assert chances @ envelopes[0](totals) <= ours.accuracy[0] + found.accuracy[0]
    for i, present in enumerate(law.present):
        exact = (chances * (counts[:, i] >= 1)) @ envelopes[1](totals) / present
        assert exact <= ours.values[0, i] + found.values[0, i]


def test_where_data_are_too_dear_nothing_comes_together():
    contract = solve_attendance(PoissonParties(1.0, [0.3, 0.7]), [1.0, 0.6], CURVE)
    assert contract.contributions.tolist() == [0.0, 0.0]
    assert contract.expected_accuracy == 0
    assert contract.reward_caps.tolist() == [0.0, 0.0]
    assert contract.upper_bound <= 1


def test_a_binomial_number_of_parties_becomes_poisson():
    """Many parties that rarely turn up; who stays away is a type that costs too much to join."""
    costs, p, mean = np.array([0.2, 0.05]), np.array([0.4, 0.6]), 8.0
    poisson = solve_attendance(PoissonParties(mean, p), costs, CURVE)
    reached = []
    for n in (100, 10_000):
        law = UnlikeParties([n], [[1 - mean / n, *(p * mean / n)]])
        menu = np.concatenate([[0.0], poisson.contributions])
        moments = _Transformed(law, CURVE.smooth_from, 16.0**6).moments(CURVE, VALUE, menu[None])
        # Sums mean little where nobody who contributes turns up: there accuracy is 0.
        nobody = (1 - mean / n) ** n
        fit = fit_exponential_sum(CURVE, CURVE.smooth_from, 16.0**6)
        reached.append(moments.accuracy[0] - nobody * float(fit(0.0)))
    errors = np.abs(np.array(reached) - poisson.expected_accuracy)
    assert errors[1] < 1e-4 < errors[0] < 1e-1


def test_poisson_contract_holds_in_a_simulation():
    costs, p, mean = np.array([0.3, 0.05]), np.array([0.4, 0.6]), 12.0
    contract = solve_attendance(PoissonParties(mean, p), costs, CURVE)
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
    contract = solve_attendance(law, costs, curve)
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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PoissonParties(0.0, [1.0]), "mean must be > 0"),
        (lambda: PoissonParties(3.0, [0.5, 0.4]), "probabilities must be"),
        (lambda: PoissonParties(2.0, [[0.5, 0.5], [0.1, 0.9]]), "one law.* got 2 rows"),
        (lambda: UnlikeParties([1.5], [[1.0]]), "numbers must be a whole number"),
        (lambda: UnlikeParties([2], [[1.0, 0.0]]), "give every type a chance"),
        (
            lambda: solve_attendance(PoissonParties(3.0, [1.0]), [0.1, 0.2], CURVE),
            "costs must be 1",
        ),
        (
            lambda: solve_attendance(PoissonParties(3.0, [0.5, 0.5]), [0.1, 0.1], CURVE),
            "costs must differ",
        ),
        (
            lambda: solve_attendance(PoissonParties(3.0, [0.5, 0.5]), [0.1, 0.2], Arctan()),
            "accuracy must be an exponential sum",
        ),
        (lambda: type_grid(stats.uniform(1, 1), 0), "n_types must be"),
        (lambda: type_grid(stats.norm(), 3), "positive costs"),
        (lambda: best_cutoff(stats.uniform(-1, 3)), "positive costs; got -1"),
        (lambda: bracketing_types(stats.uniform(1, 1), 0), "n_types must be"),
        (lambda: bracketing_types(stats.lognorm(0.5), 3), "finite range > 0"),
        (lambda: Between(stats.uniform(1, 1), 3.0, 4.0), "costs between them"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_uniform_costs_pool_and_lognormal_costs_have_a_cutoff():
    assert best_cutoff(stats.uniform(0.5, 1.5)) == pytest.approx(2.0)
    for spread in (0.5, 0.8, 1.5, 5.0):  # at 5, costs around 1e-10 decide
        costs = stats.lognorm(spread, scale=0.7)
        theta = best_cutoff(costs)
        # Inside, virtual cost is twice the cost.
        assert costs.cdf(theta) / costs.pdf(theta) == pytest.approx(theta, rel=1e-6)


# Book: thm-cutoff
@pytest.mark.parametrize(
    "costs", [stats.uniform(0.5, 1.5), stats.lognorm(0.8, scale=1.0)], ids=["uniform", "log-normal"]
)
def test_large_markets_have_one_option_up_to_the_cutoff(costs):
    c = type_grid(costs, 40)
    contract = solve(Problem(10_000, np.full(40, 1 / 40), c, CURVE))
    m = contract.contributions
    chosen = m > 0.5 * m.max()
    # The best of the grid's own cutoffs, next to that of the distribution.
    cutoff = c[np.argmax(np.arange(40, 0, -1) / c)]
    assert c[chosen].max() == cutoff
    assert cutoff == pytest.approx(best_cutoff(costs), rel=0.05)
    # The option costs the marginal type the model's whole value.
    assert m.max() * cutoff == pytest.approx(100 * contract.expected_accuracy, rel=1e-3)
    assert np.all(m[~chosen] < 0.01 * m.max())


# Book: prop-ironing
@pytest.mark.parametrize("seed", range(4))
def test_the_cutoff_ends_the_first_chord_of_the_hull(seed):
    """Against the concave hull of a distribution with two bumps, by a convex hull of points."""
    rng = np.random.default_rng(seed)
    ends = np.cumsum(rng.uniform(0.1, 1.0, 4))
    shares = rng.dirichlet(np.ones(3))
    costs = stats.rv_histogram((shares / np.diff(ends), ends), density=True)
    x = np.linspace(0, ends[-1], 4001)
    points = np.column_stack([x, costs.cdf(x)])
    hull = np.unique(np.concatenate([ConvexHull(points).vertices, [0]]))
    above = [k for k in hull if k and points[k, 1] > 0]
    first = above[int(np.argmax(points[above, 1] / points[above, 0]))]
    assert best_cutoff(costs) == pytest.approx(x[first], abs=2 * (x[1] - x[0]))
    # No mixture of steps that the budget allows brings more data.
    steps = rng.dirichlet(np.ones(50), size=200) / (theta := rng.uniform(ends[0], ends[-1], 50))
    most = costs.cdf(best_cutoff(costs)) / best_cutoff(costs)
    assert np.all(steps @ costs.cdf(theta) <= most + 1e-12)


def test_costs_between_two_values_are_the_truncated_law():
    law = stats.truncnorm(-1.0, 1.5, loc=2.0, scale=0.5)
    ours = Between(stats.norm(2.0, 0.5), 1.5, 2.75)
    q = np.linspace(0, 1, 11)
    np.testing.assert_allclose(ours.ppf(q), law.ppf(q), rtol=1e-12)
    np.testing.assert_allclose(ours.cdf([1.0, 1.7, 2.2, 3.0]), law.cdf([1.0, 1.7, 2.2, 3.0]))
    assert ours.support() == (1.5, 2.75)


# Book: prop-bracket
def test_a_continuum_of_uniform_costs_is_closed_in_on_in_closed_form():
    """All pool at what the costliest accepts: V(N m) = c m + f, for any number of types."""
    costs, curve = stats.uniform(0.05, 0.45), PowerLaw(1.0, 2.0, 0.5, 4.0)
    alone = (100 / 0.5) ** (2 / 3) - 4  # 100 a'(m) = c for a = 1 - 2 / sqrt(m + 4)
    f = 100 * curve(alone) - 0.5 * alone
    m = brentq(lambda m: 100 * curve(10 * m) - 0.5 * m - f, 40, 400, xtol=1e-12)
    widths = []
    for n_types in (4, 8, 16):
        p, dearer, cheaper = bracketing_types(costs, n_types)
        assert p.sum() == pytest.approx(1)
        low, high = (solve(Problem(10, p, c, curve, beliefs="own")) for c in (dearer, cheaper))
        assert low.expected_accuracy == pytest.approx(curve(10 * m), abs=1e-10)
        widths.append(high.upper_bound - low.expected_accuracy)
    assert widths[2] < 0.6 * widths[1] < 0.4 * widths[0]


def test_bounds_on_a_continuum_are_nested_and_hold_the_medians():
    spread = stats.lognorm(0.8, scale=0.2)
    costs = Between(spread, spread.ppf(0.02), spread.ppf(0.98))
    curve, bounds = PowerLaw(1.0, 2.0, 0.5, 4.0), []
    for n_types in (3, 6, 12):
        p, dearer, cheaper = bracketing_types(costs, n_types)
        low, high = (solve(Problem(6, p, c, curve, beliefs="own")) for c in (dearer, cheaper))
        bounds.append((low.expected_accuracy, high.upper_bound))
        middle = costs.ppf(costs.cdf(cheaper) + p / 2)
        between = solve(Problem(6, p, middle, curve, beliefs="own"))
        assert bounds[-1][0] < between.expected_accuracy < bounds[-1][1]
    (a, z), (b, y), (c, x) = bounds
    assert a - 1e-9 <= b <= c + 1e-9 < x <= y + 1e-9 <= z + 2e-9


def test_a_cutoff_that_does_not_exist_is_refused_and_of_equal_ones_the_largest_is_taken():
    with pytest.raises(ValueError, match="still growing at theta"):
        best_cutoff(stats.expon())
    assert best_cutoff(stats.uniform(0, 1)) == pytest.approx(1.0)
    assert best_cutoff(stats.uniform(0, 3)) == pytest.approx(3.0)
