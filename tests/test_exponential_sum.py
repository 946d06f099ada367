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
from paid_with_models.expectation import Enumeration
from paid_with_models.exponential_sum import (
    SumExpectation,
    fit_exponential_sum,
    moments_at,
    sum_range,
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
        allowed = wrong.relative_slope * ours.accuracy_gradient + wrong.slope
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
