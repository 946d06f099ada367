import numpy as np
import pytest
from mpmath import mp, mpf

from paid_with_models import Arctan, Curve, GeneralizationBound, PowerLaw, Saturating

CURVES = [
    GeneralizationBound(),
    GeneralizationBound(optimum=0.9, complexity=7.5),
    GeneralizationBound(complexity=2000.0),
    PowerLaw(optimum=0.95, scale=1.0, exponent=0.4, offset=2.0),
    PowerLaw(optimum=0.9, scale=2.0, exponent=0.5),
    Saturating(weights=(0.5, 0.4), rates=(0.1, 0.003)),
    Arctan(optimum=0.8, rate=0.02),
]


@pytest.fixture(params=CURVES, ids=lambda curve: type(curve).__name__)
def curve(request):
    return request.param


def bound_in_high_precision(data, optimum, complexity, derivative):
    with mp.workdps(50):
        a, k = mpf(optimum), mpf(complexity)

        def value(x):
            return a - (mp.sqrt(2 * k * (2 + mp.log(x / k))) + 4) / mp.sqrt(x)

        return float(mp.diff(value, mpf(data), derivative))


@pytest.mark.parametrize(("optimum", "complexity"), [(1.0, 1.0), (0.9, 7.5)])
@pytest.mark.parametrize("data", [130.0, 400.0, 1.2e4, 3e7])
def test_generalization_bound_and_its_derivatives_against_50_digits(optimum, complexity, data):
    if data < 1000:
        data *= complexity
    curve = GeneralizationBound(optimum, complexity)
    for order, ours in enumerate(curve.evaluate(data)):
        exact = bound_in_high_precision(data, optimum, complexity, order)
        assert float(ours) == pytest.approx(exact, rel=1e-12)


def test_the_published_second_derivative_is_about_half_the_right_one():
    """It is that of 1 - sqrt(2k(2 + ln(x/k)) + 4)/sqrt(x), with the 4 inside the root."""

    def published(x):
        with mp.workdps(50):
            return float(
                mp.diff(lambda y: 1 - mp.sqrt(2 * (2 + mp.log(y)) + 4) / mp.sqrt(y), mpf(x), 2)
            )

    ratios = [
        published(x) / float(GeneralizationBound().second_derivative(x))
        for x in (60, 400, 1e4, 1e5)
    ]
    assert min(ratios) > 0.49
    assert max(ratios) < 0.60


def test_kink_and_tangent_point_of_the_papers_curve():
    curve = GeneralizationBound()
    assert curve.zero_until == pytest.approx(55.807, abs=5e-4)
    assert curve.envelope().tangent_point == pytest.approx(127.243, abs=5e-4)
    assert float(curve(curve.zero_until)) == 0
    assert float(curve(np.nextafter(curve.zero_until, np.inf) + 1e-9)) > 0


def test_a_large_complexity_starts_at_the_largest_root():
    curve = GeneralizationBound(complexity=2000.0)
    raw = 1 - (np.sqrt(2 * 2000 * (2 + np.log(273 / 2000))) + 4) / np.sqrt(273)
    assert raw > 0  # the formula alone would be positive here, and zero again at 2000
    assert float(curve(273.0)) == 0
    assert curve.zero_until > 2000


def test_values_rise_from_zero_to_the_optimum(curve):
    data = np.concatenate([[0], np.geomspace(1e-3, 1e14, 4000)])
    value = curve(data)
    assert value[0] >= 0
    assert np.all(np.diff(value) >= -1e-15)
    assert value[-1] <= curve.optimum
    assert value[-1] == pytest.approx(curve.optimum, rel=2e-4)


def test_derivatives_match_finite_differences(curve):
    start = curve.envelope().tangent_point
    data = start + np.geomspace(1.0, 1e5, 50)
    step = 1e-5 * data
    slope = (curve(data + step) - curve(data - step)) / (2 * step)
    bend = (curve.derivative(data + step) - curve.derivative(data - step)) / (2 * step)
    assert curve.derivative(data) == pytest.approx(slope, rel=1e-5, abs=1e-9)
    assert curve.second_derivative(data) == pytest.approx(bend, rel=1e-5, abs=1e-12)


# Book: lem-concave
def test_the_envelope_is_above_concave_and_smallest(curve):
    envelope = curve.envelope()
    data = np.concatenate([[0.0], np.geomspace(1e-2, 1e8, 3000)])
    value = envelope(data)
    assert np.all(value >= curve(data) - 1e-15)
    slopes = np.diff(value) / np.diff(data)
    assert np.all(np.diff(slopes) <= 1e-9 * slopes[:-1] + 1e-16)
    point = envelope.tangent_point
    # Smallest: it touches the curve at both ends of the line, and is the curve beyond.
    assert float(envelope(0.0)) == float(curve(0.0))
    assert float(envelope(point)) == pytest.approx(float(curve(point)), rel=1e-12)
    assert float(curve(0.0)) + point * envelope.slope == pytest.approx(float(curve(point)))
    assert np.array_equal(envelope(data[data > point]), curve(data[data > point]))


def test_concave_curves_are_their_own_envelope():
    for curve in (Saturating((0.9,), (0.01,)), Arctan(), PowerLaw(0.9, 0.9, 0.5, 1.0)):
        assert curve.envelope().tangent_point == 0


def test_data_at_slope_solves_the_first_order_condition(curve):
    slopes = curve.envelope().slope * np.array([0.9, 0.1, 1e-3, 1e-6])
    data = curve.data_at_slope(slopes)
    assert curve.derivative(data) == pytest.approx(slopes, rel=1e-9)
    assert float(curve.data_at_slope(curve.envelope().slope * 1.01)) == 0


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: GeneralizationBound(optimum=0.0), "optimum"),
        (lambda: GeneralizationBound(optimum=1.2), "optimum"),
        (lambda: GeneralizationBound(complexity=-1.0), "complexity"),
        (lambda: GeneralizationBound(complexity=float("nan")), "complexity"),
        (lambda: PowerLaw(0.9, -1.0, 0.5), "scale"),
        (lambda: PowerLaw(0.9, 1.0, 0.0), "exponent"),
        (lambda: PowerLaw(0.9, 1.0, 0.5, -1.0), "offset"),
        (lambda: Saturating((0.5, -0.1), (1.0, 1.0)), "weights"),
        (lambda: Saturating((0.5, 0.6), (1.0, 1.0)), "weights"),
        (lambda: Saturating((0.5,), (1.0, 1.0)), "rates"),
        (lambda: Saturating((0.5,), (0.0,)), "rates"),
        (lambda: Arctan(rate=0.0), "rate"),
    ],
)
def test_bad_parameters_are_named(make, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        make()


def test_a_curve_convex_for_ever_has_no_envelope():
    class Convex(Curve):
        optimum = 1.0

        def evaluate(self, data):
            x = np.asarray(data, dtype=float) / 1e19
            return x**2, 2 * x / 1e19, np.full(x.shape, 2e-38)

    with pytest.raises(ValueError, match="accuracy must be concave for much data"):
        Convex().envelope()
