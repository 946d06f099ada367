import itertools
from functools import partial

import numpy as np
import pytest
from mpmath import mp, mpf
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import gamma, gammaln

from paid_with_models import (
    Arctan,
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    Shape,
    solve,
)
from paid_with_models.solver.expectations import expectation_of, moments_at
from paid_with_models.solver.fits import joined, sum_range
from paid_with_models.solver.moments import Enumeration
from paid_with_models.solver.sum_moments import SumExpectation
from paid_with_models.solver.sums import (
    ERROR_NODES,
    FIT_TOLERANCE,
    SLOPE_TOLERANCE,
    ExponentialSum,
    error_over_tolerance,
    fit_exponential_sum,
    proven_errors,
)

BOUND = GeneralizationBound()
ADMITTED = [
    BOUND,
    GeneralizationBound(0.9, 30.0),
    PowerLaw(0.95, 1.0, 0.4, 2.0),
    PowerLaw(0.9, 2.0, 0.5),
    Saturating((0.5, 0.4), (0.1, 0.003)),
    ModelValue(BOUND, LinearValuation(100.0)),
    ModelValue(PowerLaw(0.95, 1.0, 0.4, 2.0), ExponentialValuation(50.0, 2.0)),
]


# Book: prop-proved-error
@pytest.mark.parametrize("curve", ADMITTED, ids=repr)
def test_sums_are_of_the_order_of_their_limit_on_the_ellipses_of_the_bound(curve):
    fit = fit_exponential_sum(curve, curve.smooth_from, 1e7)
    if fit.low > 0:
        lowest = 0.6 * fit.low
    else:  # the first piece ends where a thousandth of the way is gone; the ellipse reaches below 0
        start, way = float(curve(0.0)), curve.optimum - float(curve(0.0))
        end = brentq(lambda data: float(curve(data)) - start - 1e-3 * way, 0.0, 1e7)
        lowest = -0.4 * 1.1 * end
    # |exp(-u S)| is exp(-u Re S), and the other ellipses lie further to the right.
    size = fit.limit + np.abs(fit.weights) @ np.exp(-fit.rates * lowest)
    assert size <= 4 * fit.limit


# Book: prop-proved-error
@pytest.mark.parametrize("curve", ADMITTED, ids=repr)
@pytest.mark.parametrize("high", [1e4, 1e7, 1e9])
def test_the_promised_error_holds_everywhere_on_the_range(curve, high):
    fit = fit_exponential_sum(curve, curve.smooth_from, high)
    assert fit.error <= 1e-11 * fit.limit
    assert fit.slope_error <= 1e-9
    assert np.all(fit.weights >= 0)
    assert np.all(fit.rates > 0)
    data = np.geomspace(max(fit.low, 1e-6), high, 30_001)[1:]  # far finer than any node
    assert np.abs(fit(data) - curve(data)).max() <= fit.error + 4e-16 * fit.limit
    slope = curve.derivative(data)
    wrong = np.abs(fit.derivative(data) - slope)
    assert np.all(wrong <= (fit.slope_error + 1e-15) * slope)


def test_a_curve_that_admits_no_sum_says_so():
    assert fit_exponential_sum(Arctan(rate=0.02), 0.0, 1e6).error > 1e-3
    assert sum_range(Arctan(), ModelValue(Arctan(), LinearValuation()), 1e5) is None
    convex = ModelValue(BOUND, PowerValuation(100.0, 3.0))
    assert sum_range(BOUND, convex, 1e5) is None
    assert sum_range(BOUND, ModelValue(BOUND, LinearValuation()), 1e5) == (BOUND.zero_until, 16**5)
    assert sum_range(BOUND, ModelValue(BOUND, LinearValuation()), 20.0) is None


@pytest.mark.parametrize("start", [1e-16, 1e-6, 1e-3, 1e-2, 4e-2])
def test_powers_of_an_accuracy_that_starts_next_to_nothing_are_summed_from_further_on(start):
    offset, exponent = 0.13, 1.9
    curve = PowerLaw(0.7, 0.7 * (1 - start) * offset**exponent, exponent, offset)
    value = ModelValue(curve, PowerValuation(100.0, 1.2))
    reach = sum_range(curve, value, 200.0, signed=True)
    assert reach is not None
    assert 0 < reach[0] < 0.01
    problem = Problem(
        60, [0.1, 0.5, 0.4], [450.0, 320.0, 230.0], curve, value.valuation, beliefs="own"
    )
    menus = np.array([[1e-3, 2e-3, 0.1]])
    every, sums = (
        Enumeration.of(60, problem.probabilities[None], "own"),
        SumExpectation(np.array([60.0]), problem.probabilities[None], "own", *reach),
    )
    exact, ours = (law.moments(curve, value, menus) for law in (every, sums))
    wrong = sums.uncertainty(curve, value, menus)
    assert np.all(ours.values <= exact.values + 1e-9)
    assert np.all(exact.values <= ours.values + wrong.values)
    assert wrong.values.max() < 1e-6


def density(v, complexity):
    """Of the generalization bound's shortfall as a mixture of exponentials, in S / k."""

    def part(s):
        x = np.exp(s * (np.log(v) - 2) - gammaln(s + 0.5))
        return (1 / np.sqrt(np.pi) - x) * s**-1.5

    whole = quad(part, 0, 1, limit=200)[0] + quad(part, 1, np.inf, limit=400)[0]
    return v**-0.5 * (np.sqrt(0.5 / np.pi) * whole + 4 / np.sqrt(np.pi * complexity))


# Book: prop-which-curves
@pytest.mark.parametrize("data", [60.0, 127.0, 1000.0])
def test_the_generalization_bound_is_a_mixture_but_for_next_to_nothing(data):
    end = brentq(lambda v: density(v, 1.0), 10.0, 25.0)
    assert end == pytest.approx(16.2, abs=0.1)
    # In w = sqrt(v), without the singularity at 0; what lies beyond 40 / S plays no part.
    top = np.sqrt(min(end, 40 / data))
    mixture = quad(lambda w: 2 * w * density(w * w, 1.0) * np.exp(-w * w * data), 0, top)[0]
    assert mixture == pytest.approx(1 - BOUND(data), rel=1e-7)
    assert all(density(v, 1.0) > 0 for v in np.geomspace(1e-4, 0.999 * end, 30))


# Book: prop-which-curves
def test_what_is_left_out_is_small_for_every_complexity():
    """The density changes sign late, and less late for large k, where the curve starts sooner."""
    assert density(3.6, np.inf) > 0 > density(3.8, np.inf)
    for complexity in (1.0, 30.0, 1e4):
        start = GeneralizationBound(1.0, complexity).zero_until / complexity
        end = brentq(lambda v, k: density(v, k), 3.0, 25.0, args=(complexity,))
        assert np.exp(-end * (start - np.exp(-2))) < 1e-12


# Book: prop-which-curves
def test_a_power_law_is_a_gamma_mixture():
    curve = PowerLaw(0.95, 1.0, 0.4, 2.0)
    for offset in (2.0, 7.0, 302.0):
        # In w = u^0.4, without the singularity at 0.
        mixture = quad(lambda w, x: np.exp(-(w**2.5) * x) / gamma(1.4), 0, np.inf, args=(offset,))[
            0
        ]
        assert mixture == pytest.approx(0.95 - curve(offset - 2.0), rel=1e-9)


# Book: prop-which-curves
def test_an_arctangent_bends_the_wrong_way_for_a_mixture():
    """The second derivative of a mixture falls; that of an arctangent's shortfall rises from 0."""
    bend = -Arctan(rate=0.01).second_derivative(np.array([0.0, 20.0, 40.0]))
    assert bend[0] == 0 < bend[1] < bend[2]


def test_below_the_range_the_sum_is_below_the_curve():
    """So caps and accuracies are never overstated where totals fall below the kink."""
    fit = fit_exponential_sum(BOUND, BOUND.zero_until, 1e6)
    data = np.linspace(0, BOUND.zero_until, 1001)
    assert np.all(fit(data) <= fit.error)


def test_envelope_and_curve_share_a_fit():
    assert fit_exponential_sum(BOUND.envelope(), 57.0, 1e6) is fit_exponential_sum(BOUND, 57.0, 1e6)


@pytest.mark.parametrize("bad", [(10.0, 10.0), (-1.0, 10.0), (5.0, float("inf"))])
def test_an_empty_range_is_refused(bad):
    with pytest.raises(ValueError, match="low and high must satisfy"):
        fit_exponential_sum(BOUND, *bad)


# Book: prop-exponential-sum
@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("n_parties", [2, 3, 7])
@pytest.mark.parametrize("valuation", [LinearValuation(3.0), ExponentialValuation(3.0, 2.0)])
def test_sums_are_the_enumeration(beliefs, n_parties, valuation):
    rng = np.random.default_rng(n_parties)
    value = ModelValue(BOUND, valuation)
    p = rng.dirichlet(np.ones(4), size=3)
    p[2] = [1e-6, 0.5, 0.3, 0.2 - 1e-6]
    m, prices = rng.uniform(60, 400, (3, 4)), rng.uniform(0, 1, (3, 4))
    exact = Enumeration.of(n_parties, p, beliefs).moments(BOUND, value, m)
    sums = SumExpectation(np.full(3, float(n_parties)), p, beliefs, BOUND.zero_until, 16.0**4)
    ours = sums.moments(BOUND, value, m)
    for name in ("accuracy", "accuracy_gradient", "value", "values", "value_jacobian"):
        assert getattr(ours, name) == pytest.approx(getattr(exact, name), rel=1e-11), name
    assert ours.curvature(prices) == pytest.approx(exact.curvature(prices), rel=1e-9)
    gradient = exact.weighted_gradient(prices)
    assert ours.weighted_gradient(prices) == pytest.approx(gradient, rel=1e-11)
    wrong = sums.uncertainty(BOUND, value, m)
    assert np.all(np.abs(ours.accuracy - exact.accuracy) <= wrong.accuracy + 1e-14)


def test_a_million_parties_against_50_digits():
    p, m, n = [0.3, 0.7 - 1e-6, 1e-6], [150.0, 420.0, 3000.0], 10**6
    fit = fit_exponential_sum(BOUND, BOUND.zero_until, 16.0**8)
    with mp.workdps(50):
        total, seen = mpf(0), [mpf(0)] * 3
        for weight, rate in zip(fit.weights, fit.rates, strict=True):
            q = [mpf(pi) * mp.exp(-mpf(rate) * mi) for pi, mi in zip(p, m, strict=True)]
            total += mpf(weight) * sum(q) ** n
            for i in range(3):
                part = (sum(q) ** n - (sum(q) - q[i]) ** n) / (1 - (1 - mpf(p[i])) ** n)
                seen[i] += mpf(weight) * part
        accuracy, values = float(fit.limit - total), [float(fit.limit - s) for s in seen]
    sums = SumExpectation(np.array([float(n)]), np.array([p]), "paper", BOUND.zero_until, 16.0**8)
    moments = sums.moments(BOUND, BOUND, np.array([m]))
    assert moments.accuracy[0] == pytest.approx(accuracy, abs=1e-13)
    assert moments.values[0] == pytest.approx(values, abs=1e-13)


@pytest.mark.parametrize("n_parties", [2, 4])
def test_the_allowance_for_totals_below_the_tangent_point_is_enough(n_parties):
    """With contributions near zero, exact moments of the envelopes stay within the uncertainty."""
    value = ModelValue(BOUND, LinearValuation(100.0))
    envelopes = BOUND.envelope(), value.envelope()
    for p, m in itertools.product([[0.5, 0.5], [0.05, 0.95]], [[0.0, 180.0], [20.0, 300.0]]):
        menu, chances = np.array([m]), np.array([p])
        sums = SumExpectation(np.array([float(n_parties)]), chances, "paper", 60.0, 16.0**4)
        ours = sums.moments(BOUND, value, menu)
        exact = Enumeration.of(n_parties, chances, "paper").moments(*envelopes, menu)
        wrong = sums.uncertainty(*envelopes, menu)
        assert np.all(exact.accuracy <= ours.accuracy + wrong.accuracy)
        assert np.all(exact.values <= ours.values + wrong.values)
        allowed = wrong.relative_slope * ours.accuracy_gradient + wrong.accuracy_slope[:, None]
        assert np.all(exact.accuracy_gradient <= ours.accuracy_gradient + allowed)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("idle", [[0, 1, 2], [0], [1, 2], [2]])
def test_where_nothing_comes_together_the_curves_themselves_are_used(idle, beliefs):
    """The sum of this curve is about -37,000 at 0."""
    p, m = np.array([[0.3, 0.699999, 1e-6]]), np.array([[150.0, 300.0, 500.0]])
    m[:, idle] = 0.0
    curves = BOUND, ModelValue(BOUND, LinearValuation(100.0))
    sums = SumExpectation(np.array([6.0]), p, beliefs, *sum_range(*curves, 1e5))
    one, other = (it.moments(*curves, m) for it in (sums, Enumeration.of(6, p, beliefs)))
    assert one.accuracy == pytest.approx(other.accuracy, abs=1e-10)
    assert one.value == pytest.approx(other.value, abs=1e-8)
    assert one.values == pytest.approx(other.values, abs=1e-8)


def test_nobody_contributes_among_many():
    costs = np.linspace(50.0, 60.0, 8)
    contract = solve(Problem(60, [0.125] * 8, costs, BOUND))
    assert contract.shape is Shape.NO_COLLABORATION
    assert contract.expected_accuracy == 0
    assert contract.expected_value == pytest.approx(0, abs=1e-9)
    assert contract.reward_caps == pytest.approx(np.zeros(8), abs=1e-9)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_uncertainty_covers_what_sums_fall_short_of_enumeration(beliefs):
    rng = np.random.default_rng(5)
    value = ModelValue(BOUND, LinearValuation(100.0))
    curves, envelopes = (BOUND, value), (BOUND.envelope(), value.envelope())
    reach = sum_range(*curves, 1e5)
    for _ in range(300):
        n = int(rng.integers(2, 12))
        p = np.array([[rng.uniform(1e-4, 0.5), 0.0]])
        p[0, 1] = 1 - p[0, 0]
        m = np.array([[rng.uniform(0, 60), rng.uniform(30, 400)]])
        sums = SumExpectation(np.array([float(n)]), p, beliefs, *reach)
        one = sums.moments(*envelopes, m)
        other = Enumeration.of(n, p, beliefs).moments(*envelopes, m)
        allowed = sums.uncertainty(*envelopes, m)
        assert np.all(other.accuracy - one.accuracy <= allowed.accuracy + 1e-9)
        assert np.all(other.values - one.values <= allowed.values + 1e-7)


def test_a_menu_of_little_data_is_enumerated():
    """Sums would be far below the curve; where outcomes are too many, the curve at 0 is a bound."""
    few = Problem(31, [1 / 6] * 6, [1.0] * 6, BOUND)
    p, m = few.probabilities[None], np.array([0.5, 0.5, 0.5, 3.0, 3.0, 3.0])
    exact = Enumeration.of(31, p, "paper").moments(BOUND, few.model_value, m[None])
    accuracy, values = moments_at(few, m)
    assert 0 < accuracy == pytest.approx(exact.accuracy[0], rel=1e-12)
    assert values == pytest.approx(exact.values[0], rel=1e-12)
    many = Problem(60, [0.125] * 8, np.linspace(1.0, 2.0, 8), BOUND)
    accuracy, values = moments_at(many, np.full(8, 20.0))
    assert accuracy == pytest.approx(BOUND(1200.0))
    assert values == pytest.approx(np.full(8, 100 * BOUND(1200.0)))
    accuracy, values = moments_at(many, np.full(8, 0.5))  # 30 units: this curve is at 0 up to 57
    assert accuracy == 0
    assert np.all(values == 0)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("n_parties", [2, 3, 30])
@pytest.mark.parametrize("curve", [GeneralizationBound(), Saturating((0.5, 0.4), (0.1, 0.003))])
def test_derivatives_where_some_contribute_nothing_are_those_of_the_curves(
    curve, n_parties, beliefs
):
    """One-sided at 0, as of enumeration: with whoever brings nothing a curve starts at its 0."""
    p = np.array([[0.2, 0.5, 0.3]] * 3)
    m = np.array([[0.0, 0.0, 400.0], [0.0, 0.0, 0.0], [200.0, 300.0, 400.0]])
    value = ModelValue(curve, LinearValuation(100.0))
    sums = SumExpectation(np.full(3, float(n_parties)), p, beliefs, 57.0, 1e6)
    one = sums.moments(curve, value, m)
    other = Enumeration.of(n_parties, p, beliefs).moments(curve, value, m)
    # The sums' own slope at 0 cancels, up to its rounding.
    rounding = 1e-15 * n_parties * float(fit_exponential_sum(curve, 57.0, 1e6).derivative(0.0))
    close = partial(pytest.approx, rel=1e-8, abs=1e-12 + rounding)
    assert one.accuracy_gradient == close(other.accuracy_gradient)
    assert one.value_jacobian / 100 == close(other.value_jacobian / 100)
    prices = np.array([[0.01, 0.02, 0.005]] * 3)
    assert one.weighted_gradient(prices) == close(other.weighted_gradient(prices))


@pytest.mark.parametrize("unit", [1e-3, 1.0, 10.0, 1e3])
def test_whether_a_sum_stands_for_a_value_does_not_depend_on_its_unit(unit):
    """Slopes at the end of so long a range are lost in rounding if only values are fitted."""
    curve = PowerLaw(0.9, 3.0, 0.7, 20.0)
    value = ModelValue(curve, ExponentialValuation(50.0 * unit, 2.0))
    assert sum_range(curve, value, 5e6) == (0.0, 16.0**6)
    fit = fit_exponential_sum(value, 0.0, 16.0**6)
    at = np.geomspace(1.0, 16.0**6, 500)
    assert fit(at) == pytest.approx(value(at), rel=1e-14)
    assert fit.derivative(at) == pytest.approx(value.derivative(at), rel=1e-9)


# Book: prop-proved-error
@pytest.mark.parametrize("low", [0.0, 5.0])
def test_a_proved_error_is_the_largest_times_lebesgues_constant(low):
    """Of a sum that misses its curve by as much as can be seen; found at nodes, a grid, and 0."""
    curve, high = Saturating((0.6, 0.3), (0.02, 0.001)), 5_000.0
    other = ExponentialSum(
        0.9, np.array([0.61, 0.28]), np.array([0.021, 0.001]), low, high, np.inf, np.inf
    )
    error, slope_error = proven_errors(curve, other, 5.0)
    lebesgue = 2 / np.pi * np.log(ERROR_NODES) + 1
    data = np.append(np.geomspace(5.0, high, 100_001), np.linspace(low, 5.0, 1001))
    assert error == pytest.approx(lebesgue * np.abs(other(data) - curve(data)).max(), rel=0.01)
    worst = 0.0
    ends = [low, *(5.0 * 2.0 ** np.arange(low == 5.0, 10)), high]  # pieces double in length
    for left, right in itertools.pairwise(ends):
        piece = np.linspace(left, right, 2001)
        wrong = np.abs(other.derivative(piece) - curve.derivative(piece)).max()
        worst = max(worst, wrong / float(curve.derivative(right)))
    assert slope_error == pytest.approx(lebesgue * worst, rel=0.01)


@pytest.mark.parametrize("factor", [1.0, 1 + 1e-9, 1.5])
def test_where_a_curve_is_flat_its_slope_does_not_count(factor):
    """Up to a millionth of the limit over the range; but on its way there it does."""
    curve = Saturating((0.9,), (1.0,))
    other = ExponentialSum(0.9, np.array([0.9]), np.array([factor]), 1.0, 1e4, np.inf, np.inf)
    assert other.slope_floor == pytest.approx(1e-6 * 0.9 / 1e4, rel=1e-12)
    _, slope_error = proven_errors(curve, other, 1.0)
    data = np.linspace(1, 40, 100_001)
    slope = curve.derivative(data)
    wrong = np.abs(other.derivative(data) - slope) / (slope + other.slope_floor)
    assert wrong.max() <= slope_error <= 400 * wrong.max() + 1e-12


def test_a_sum_fails_by_whichever_error_is_larger():
    def fit(error, slope_error):
        one = np.ones(1)
        return ExponentialSum(50.0, one, one, 0.0, 1.0, error * 50.0, slope_error)

    assert error_over_tolerance(fit(FIT_TOLERANCE, 0.0)) == pytest.approx(1.0)
    assert error_over_tolerance(fit(3 * FIT_TOLERANCE, 2 * SLOPE_TOLERANCE)) == pytest.approx(3.0)
    assert error_over_tolerance(fit(FIT_TOLERANCE, 2 * SLOPE_TOLERANCE)) == pytest.approx(2.0)


def test_sums_of_different_rates_are_joined():
    one, two = (
        ExponentialSum(1.0, np.array(w), np.array(r), 0.0, 1.0, 0.0, 0.0)
        for w, r in (([0.2, 0.8], [1.0, 2.0]), ([0.5], [3.0]))
    )
    rates, of_one, of_two = joined(one, two)
    assert rates.tolist() == [1.0, 2.0, 3.0]
    assert of_one.tolist() == [0.2, 0.8, 0.0]
    assert of_two.tolist() == [0.0, 0.0, 0.5]
    rates, of_one, again = joined(one, one)
    assert rates.tolist() == [1.0, 2.0]
    assert of_one.tolist() == again.tolist() == [0.2, 0.8]


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_outcomes_are_enumerated_where_that_is_cheap(beliefs):
    """Three types: 1,153 parties have 1,999,305 numbers, one more has over two million."""
    p, costs = [0.2, 0.3, 0.5], [0.4, 0.2, 0.1]
    few, many = (Problem(n, p, costs, BOUND, beliefs=beliefs) for n in (1153, 1154))
    cheap, dear = expectation_of(few), expectation_of(many)
    expected = Enumeration.of(1153, few.probabilities[None], beliefs)
    assert isinstance(cheap, Enumeration)
    assert cheap.weights == pytest.approx(expected.weights)
    assert cheap.conditional == pytest.approx(expected.conditional)
    assert isinstance(dear, SumExpectation)
    assert dear.n_parties.tolist() == [1154.0]
    assert dear.probabilities.tolist() == [p]
    assert dear.beliefs == beliefs
    # As far as the cheapest data could reach: 1,154 parties, a value of 100, a cost of 0.1.
    assert (dear.low, dear.high) == sum_range(BOUND, many.model_value, 1_154_000.0)
    assert dear.high == 16.0**6


def test_ranges_end_at_powers_of_16():
    value = ModelValue(BOUND, LinearValuation(100.0))
    for most, high in ((16.0**4, 16.0**4), (16.0**4 + 1, 16.0**5), (16.0**5 - 1, 16.0**5)):
        assert sum_range(BOUND, value, most) == (BOUND.zero_until, high)
    assert sum_range(BOUND, value, BOUND.zero_until) is None


CHANCES = np.array([[0.25, 0.75], [0.6, 0.4]])
MENUS = np.array([[30.0, 90.0], [15.0, 200.0]])


def least_over_rates(rates, beliefs, n, below):
    """Chernoff's bounds on the chance of less data, by enumeration: everyone's, and each type's."""
    everyone, types = np.empty(2), np.empty((2, 2))
    for k, (p, m) in enumerate(zip(CHANCES, MENUS, strict=True)):
        counts = np.array([[i, n - i] for i in range(n + 1)])
        weights = Enumeration.of(n, p[None], "paper").weights[0]
        order = Enumeration.of(n, p[None], "paper").counts @ m
        assert sorted(order) == pytest.approx(sorted(counts @ m))
        means = np.array([weights @ np.exp(-u * order) for u in rates])
        everyone[k] = min(1.0, (np.exp(rates * below) * means).min())
        if beliefs == "paper":
            types[k] = everyone[k] / (1 - (1 - p) ** n)
        else:
            fewer = Enumeration.of(n - 1, p[None], "paper")
            means = np.array([fewer.weights[0] @ np.exp(-u * (fewer.counts @ m)) for u in rates])
            for i in range(2):
                types[k, i] = min(1.0, (np.exp(rates * (below - m[i])) * means).min())
    return everyone, types


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_the_uncertainty_of_sums_is_errors_and_chernoffs_bound(beliefs):
    value = ModelValue(BOUND, LinearValuation(100.0))
    n, low, high = 5, BOUND.zero_until, 16.0**4
    sums = SumExpectation(np.full(2, float(n)), CHANCES, beliefs, low, high)
    found = sums.uncertainty(BOUND.envelope(), value.envelope(), MENUS)
    a, v = (fit_exponential_sum(curve, low, high) for curve in (BOUND, value))
    rates = joined(a, v)[0]
    tangent = BOUND.envelope().tangent_point
    everyone, types = least_over_rates(rates, beliefs, n, tangent)
    assert np.all(everyone < 1)
    rounding = 64 * np.finfo(float).eps
    # Of the sum, whose terms add up to what is missing.
    ours, types = sums.moments(BOUND, value, MENUS), np.minimum(types, 1.0)
    assert found.accuracy == pytest.approx(
        a.error + rounding * (2 - ours.accuracy) + everyone * a.weights.sum(), rel=1e-9
    )
    assert found.values == pytest.approx(
        v.error + rounding * (200 - ours.values) + types * v.weights.sum(), rel=1e-9
    )
    assert found.relative_slope == max(a.slope_error, v.slope_error) + rounding
    steep = [everyone * (a.rates @ a.weights), types * (v.rates @ v.weights)]
    flat = [found.relative_slope * it.slope_floor for it in (a, v)]
    assert found.accuracy_slope == pytest.approx(n * (steep[0] + flat[0]), rel=1e-9)
    assert found.value_slopes == pytest.approx(n * (steep[1] + flat[1]), rel=1e-9)


def test_where_no_total_can_be_small_only_errors_and_rounding_are_left():
    """A million parties are sure to bring much; and a curve that is concave has no tangent."""
    value = ModelValue(BOUND, LinearValuation(100.0))
    curve = Saturating((0.5, 0.4), (0.1, 0.003))
    rounding = 64 * np.finfo(float).eps
    for n, (one, other) in ((1e6, (BOUND, value)), (3.0, (curve, curve))):
        sums = SumExpectation(np.array([n]), CHANCES[:1], "paper", one.smooth_from, 16.0**8)
        a, v = (fit_exponential_sum(it, one.smooth_from, 16.0**8) for it in (one, other))
        found = sums.uncertainty(one.envelope(), other.envelope(), MENUS[:1])
        ours = sums.moments(one, other, MENUS[:1])
        missing = a.limit - ours.accuracy, v.limit - ours.values[0]
        assert found.accuracy == pytest.approx(a.error + rounding * (a.limit + missing[0]))
        assert found.values[0] == pytest.approx(v.error + rounding * (v.limit + missing[1]))
        flat = [n * found.relative_slope * 1e-6 * it.limit / 16.0**8 for it in (a, v)]
        assert found.accuracy_slope == pytest.approx([flat[0]])
        assert found.value_slopes[0] == pytest.approx([flat[1]] * 2)


@pytest.mark.parametrize("contribution", [30.0, 58.0, 90.0])
@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_the_shortfall_of_sums_is_errors_and_the_chance_of_too_little(beliefs, contribution):
    """By the least bound over rates on the chance of some data, but too few, problem by problem."""
    value = ModelValue(BOUND, LinearValuation(100.0))
    n, low, high = 3, BOUND.zero_until, 16.0**4
    menus = np.array([[0.0, contribution], [25.0, 200.0]])
    sums = SumExpectation(np.full(2, float(n)), CHANCES, beliefs, low, high)
    found = sums.shortfall(BOUND, value, menus)
    fit = fit_exponential_sum(BOUND, low, high)
    for k, (p, m) in enumerate(zip(CHANCES, menus, strict=True)):
        every = Enumeration.of(n, p[None], "paper")
        totals = every.counts @ m
        some = every.weights[0] * (totals > 0)
        bounds = [some @ np.exp(u * (low - totals)) for u in fit.rates]
        rarest = p.min() if beliefs == "own" else (1 - (1 - p) ** n).min()
        tail = min(min(bounds) / rarest, 1.0)
        assert tail > 0
        expected = (fit.error + tail * fit.weights.sum()) / fit.limit
        assert found[k] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_sums_of_much_data_fall_short_by_nothing_but_their_errors(beliefs):
    """Contributions so large that their exponentials are 0; of all, or of one type with an idle."""
    curve = PowerLaw(0.95, 1.0, 0.4, 2.0)
    sums = SumExpectation(np.full(2, 21.0), CHANCES, beliefs, 1.0, 16.0**4)
    fit = fit_exponential_sum(curve, 1.0, 16.0**4)
    found = sums.shortfall(curve, curve, np.array([[1e7, 1e7], [0.0, 1e7]]))
    assert found == pytest.approx([fit.error / fit.limit] * 2, rel=1e-6)


def test_part_of_a_batch():
    sums = SumExpectation(np.array([3.0, 5.0]), CHANCES, "own", 57.0, 1e6)
    second = sums.take(np.array([1]))
    assert second.n_parties.tolist() == [5.0]
    assert second.probabilities.tolist() == CHANCES[1:].tolist()
    assert second.beliefs == "own"
