"""A continuum of types against closed forms, convex hulls, and ever finer grids."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from scipy.spatial import ConvexHull

from paid_with_models import GeneralizationBound, PowerLaw, Problem, solve
from paid_with_models.beyond.continuum import Between, best_cutoff, bracketing_types, type_grid

CURVE = GeneralizationBound()


@pytest.mark.parametrize(
    ("make", "message"),
    [
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


# Book: prop-approach
@pytest.mark.parametrize(
    ("costs", "p"),
    [
        ([1.0, 0.5, 0.4], [0.2, 0.3, 0.5]),
        ([3.0, 1.0, 0.9], [0.5, 0.3, 0.2]),
        ([2.0, 0.5], [0.7, 0.3]),
    ],
)
def test_finite_markets_approach_the_largest_mean_contribution(costs, p):
    below = np.cumsum(p[::-1])[::-1]  # the share of costs up to each
    best = int(np.argmax(below / costs))
    most = 100 * below[best] / costs[best]
    means = []
    for parties in (10, 100, 10_000, 1_000_000):
        menu = solve(Problem(parties, p, costs, GeneralizationBound()))
        means.append(float(np.dot(p, menu.contributions)))
    assert max(means) <= most * (1 + 1e-9)  # for every number of parties
    assert np.all(np.diff(means) > 0)
    assert means[-1] > 0.98 * most
    limit = np.where(np.arange(len(costs)) >= best, 100 / costs[best], 0.0)
    assert menu.contributions == pytest.approx(limit, rel=0.02, abs=0.02 * limit.max())
