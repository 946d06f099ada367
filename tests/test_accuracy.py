import re
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from mpmath import mp, mpf

from paid_with_models import (
    Arctan,
    Curve,
    GeneralizationBound,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    audit,
    autarky,
    solve,
)

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


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_envelope_is_a_line_up_to_the_tangent_point(curve, share):
    """With the line's slope and no curvature before it, and those of the curve beyond, at once."""
    envelope = curve.envelope()
    point = envelope.tangent_point
    data = np.array([share * point, 1.5 * point + 10.0])
    value, first, second = envelope.evaluate(data)
    own = [array[1] for array in curve.evaluate(data)]
    assert [value[1], first[1], second[1]] == own
    if point > 0:
        start = float(curve(0.0))
        assert value[0] == pytest.approx(start + envelope.slope * data[0], rel=1e-14)
        assert first[0] == envelope.slope
        assert second[0] == 0


def test_where_nothing_is_learned_one_more_unit_is_worth_nothing():
    curve = GeneralizationBound(complexity=2.0)
    data = np.array([0.0, 1.0, 0.9 * curve.zero_until, 2 * curve.zero_until])
    value, first, second = curve.evaluate(data)
    assert value.tolist()[:3] == first.tolist()[:3] == second.tolist()[:3] == [0.0, 0.0, 0.0]
    assert value[3] > 0
    assert first[3] > 0
    assert second[3] < 0
    power = PowerLaw(optimum=0.9, scale=2.0, exponent=0.5)
    value, first, second = power.evaluate(np.array([0.5 * power.zero_until, 2 * power.zero_until]))
    assert [value[0], first[0], second[0]] == [0.0, 0.0, 0.0]
    assert value[1] > 0


def test_a_power_law_that_is_positive_from_the_start_is_so_at_no_data():
    value, first, second = PowerLaw(0.9, 0.5, 0.5, 1.0).evaluate(np.array([0.0, 3.0]))
    assert value == pytest.approx([0.4, 0.65])
    assert first == pytest.approx([0.25, 0.5 * 0.5 * 4.0**-1.5])
    assert second == pytest.approx([-1.5 * 0.25, -1.5 * 0.5 * 0.5 * 4.0**-2.5])


def test_slopes_that_pay_and_slopes_that_do_not_at_once(curve):
    """To the last digits, over nine decades; beside slopes that no data are worth."""
    steepest = curve.envelope().slope
    slopes = steepest * np.array([[1.5, 0.999, 1e-9], [1e-3, 3.0, 0.5]])
    data = curve.data_at_slope(slopes)
    pays = slopes <= steepest
    assert np.all(data[~pays] == 0)
    assert np.all(data[pays] >= curve.envelope().tangent_point)
    assert curve.derivative(data[pays]) == pytest.approx(slopes[pays], rel=1e-12)


BAD = [
    (lambda: GeneralizationBound(optimum=0.0), "optimum must be in (0, 1]; got 0.0"),
    (lambda: GeneralizationBound(optimum=1.2), "optimum must be in (0, 1]; got 1.2"),
    (lambda: GeneralizationBound(complexity=0.0), "complexity must be > 0 and finite; got 0.0"),
    (lambda: GeneralizationBound(complexity=np.inf), "complexity must be > 0 and finite; got inf"),
    (lambda: GeneralizationBound(complexity=np.nan), "complexity must be > 0 and finite; got nan"),
    (lambda: PowerLaw(0.0, 1.0, 0.5), "optimum must be in (0, 1]; got 0.0"),
    (lambda: PowerLaw(1.5, 1.0, 0.5), "optimum must be in (0, 1]; got 1.5"),
    (lambda: PowerLaw(0.9, 0.0, 0.5), "scale must be > 0 and finite; got 0.0"),
    (lambda: PowerLaw(0.9, np.inf, 0.5), "scale must be > 0 and finite; got inf"),
    (lambda: PowerLaw(0.9, 1.0, 0.0), "exponent must be > 0 and finite; got 0.0"),
    (lambda: PowerLaw(0.9, 1.0, np.inf), "exponent must be > 0 and finite; got inf"),
    (lambda: PowerLaw(0.9, 1.0, 0.5, -1.0), "offset must be >= 0 and finite; got -1.0"),
    (lambda: PowerLaw(0.9, 1.0, 0.5, np.inf), "offset must be >= 0 and finite; got inf"),
    (lambda: Saturating((0.5, -0.1), (1, 1)), "weights must be non-negative; got (0.5, -0.1)"),
    (lambda: Saturating((0.5, 0.6), (1, 1)), "weights must be of sum in (0, 1]; got (0.5, 0.6)"),
    (lambda: Saturating((0.0,), (1,)), "weights must be of sum in (0, 1]; got (0.0,)"),
    (lambda: Saturating((0.5,), (1, 1)), "rates must be as many as weights; got (1.0, 1.0)"),
    (lambda: Saturating((0.5,), (0,)), "rates must be > 0 and finite; got (0.0,)"),
    (lambda: Saturating((0.5,), (np.inf,)), "rates must be > 0 and finite; got (inf,)"),
    (lambda: Arctan(optimum=0.0), "optimum must be in (0, 1]; got 0.0"),
    (lambda: Arctan(optimum=1.5), "optimum must be in (0, 1]; got 1.5"),
    (lambda: Arctan(rate=0.0), "rate must be > 0 and finite; got 0.0"),
    (lambda: Arctan(rate=np.inf), "rate must be > 0 and finite; got inf"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_parameters_are_named(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()


@pytest.mark.parametrize(
    "curve",
    [
        PowerLaw(1.0, 1.0, 0.5, 0.5), PowerLaw(1.0, 1.0, 0.5, 0.0), Arctan(1.0, 0.1),
        Saturating((0.7, 0.3, 0.0), (1, 0.1, 0.2)), Saturating((0.1,) * 10, (0.1,) * 10),
    ],
    ids=repr,
)  # fmt: skip
def test_the_ends_of_what_is_allowed(curve):
    assert curve.optimum == pytest.approx(1.0)
    if isinstance(curve, Saturating):  # whatever kind of numbers
        assert all(isinstance(number, float) for number in (*curve.weights, *curve.rates))


def test_a_curve_convex_for_ever_has_no_envelope():
    class Convex(Curve):
        optimum = 1.0

        def evaluate(self, data):
            x = np.asarray(data, dtype=float) / 1e19
            return x**2, 2 * x / 1e19, np.full(x.shape, 2e-38)

    with pytest.raises(ValueError, match="accuracy must be concave for much data"):
        Convex().envelope()


@pytest.mark.parametrize("offset", [1.0, 2.0, 10.0, 50.0, 200.0])
@pytest.mark.parametrize("exponent", [0.2, 0.3, 0.7, 1.5])
@pytest.mark.parametrize("optimum", [0.5, 0.8, 0.9])
def test_a_power_law_that_starts_at_zero_but_for_rounding_is_concave_from_there(
    optimum, exponent, offset
):
    curve = PowerLaw(optimum, optimum * offset**exponent, exponent, offset)
    assert curve.zero_until == 0
    envelope = curve.envelope()
    assert envelope.tangent_point == 0
    assert envelope.slope == pytest.approx(exponent * optimum / offset, rel=1e-12)


@dataclass(frozen=True)
class Corner(Curve):
    """0 up to 1, a line to 0.5 at 2, concave up to 0.7 beyond: the tangent point is the corner."""

    @property
    def optimum(self):
        return 0.7

    def evaluate(self, data):
        data = np.asarray(data, dtype=float)
        left = np.exp(-0.05 * np.maximum(data - 2, 0))
        value = np.where(data < 2, np.clip(data - 1, 0, 1) / 2, 0.5 + 0.2 * (1 - left))
        first = np.where(data < 1, 0.0, np.where(data < 2, 0.5, 0.01 * left))
        return value, first, np.where(data < 2, 0.0, -0.0005 * left)


def test_the_line_of_an_envelope_ends_on_the_curve_also_at_a_corner():
    envelope = Corner().envelope()
    assert envelope.tangent_point == pytest.approx(2.0)
    assert envelope.slope == pytest.approx(0.25)
    assert Corner().data_at_slope([0.1, 0.249, 0.3]) == pytest.approx([2.0, 2.0, 0.0])


def test_no_menu_passes_the_bound_where_the_tangent_point_is_a_corner():
    problem = Problem(3, [0.5, 0.5], [60.0, 30.0], Corner())
    contract = solve(problem)
    pooled = audit(problem, [2 / 3] * 2, [40.0, 40.0], best=contract)
    assert pooled.satisfied
    assert pooled.expected_accuracy == pytest.approx(0.5)
    assert contract.upper_bound >= pooled.expected_accuracy
    alone = autarky(Problem(2, [0.5, 0.5], [20.0, 10.0], Corner()))
    assert alone.utilities == pytest.approx([10.0, 30.0])


@pytest.mark.parametrize("enveloped", [False, True])
def test_what_is_no_amount_of_data(curve, enveloped):
    it = curve.envelope() if enveloped else curve
    for order, part in enumerate((it, it.derivative, it.second_derivative)):
        found = part([np.nan, np.inf, 300.0])
        assert np.isnan(found[0])
        assert found[1] == (0.0 if order else it.optimum)
        assert found[2] == part(300.0)
        with pytest.raises(ValueError, match=r"data must be >= 0; got \[3.0, -1.0\]"):
            part([3.0, -1.0])


@pytest.mark.parametrize("slope", ["1", b"1", None, True, 0, -1, np.nan, [1e-3, 0]])
def test_only_slopes_above_0_are_looked_for(slope):
    with np.errstate(all="raise"), pytest.raises(ValueError, match=r"^slope must"):
        GeneralizationBound().data_at_slope(slope)


@pytest.mark.parametrize(
    ("curve", "values"),
    [
        (PowerLaw(0.9, 1e-300, 0.5), [0.0, 0.9]),
        (PowerLaw(0.9, 0.9, 1e300, 1.0), [0.0, 0.9]),
        (Saturating((0.9,), (1e308,)), [0.0, 0.9]),
        (Arctan(1.0, 1e308), [0.0, 1.0]),
        (GeneralizationBound(1.0, 1e308), [0.0, 0.0]),
        (GeneralizationBound(1e-300), [0.0, 0.0]),
    ],
)
def test_curves_next_to_steps_have_their_limits(curve, values):
    with warnings.catch_warnings(action="error"):
        assert curve([0.0, 1.0]).tolist() == values
        assert float(curve(1.0)) == values[1]
        assert max(abs(curve.derivative(1.0)), abs(curve.second_derivative(1.0))) <= 1e-300


@pytest.mark.parametrize("rate", [1e14, 1e17, 1e20])
def test_a_value_that_rises_before_anything_can_be_seen_is_refused(rate):
    """It was taken for one that is worth nothing: its slope at 0 is 0, and at 1e-12 again."""
    costs = [0.8 * rate, 0.2 * rate]
    with pytest.raises(ValueError, match="must not rise within 1e-12 units of data"):
        Problem(3, [0.5, 0.5], costs, Arctan(1.0, rate), PowerValuation(100.0, 2.0))
    concave = Problem(3, [0.5, 0.5], costs, Arctan(1.0, rate))
    assert concave.accuracy.envelope().slope == pytest.approx(2 / np.pi * rate)
