from fractions import Fraction

import numpy as np
import pytest

from paid_with_models import (
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    PowerValuation,
)

VALUATIONS = [
    LinearValuation(100.0),
    PowerValuation(50.0, 1.0),
    PowerValuation(50.0, 1.5),
    PowerValuation(50.0, 3.0),
    ExponentialValuation(80.0, 2.0),
]


@pytest.fixture(params=VALUATIONS, ids=repr)
def valuation(request):
    return request.param


def test_increasing_from_zero_with_an_inverse(valuation):
    accuracy = np.linspace(0, 1, 101)
    value = valuation(accuracy)
    assert value[0] == 0
    assert np.all(np.diff(value) > 0)
    assert value[-1] == pytest.approx(valuation.scale)
    assert valuation.inverse(value) == pytest.approx(accuracy, abs=1e-12)


def test_derivatives_match_finite_differences(valuation):
    r, step = np.linspace(0.05, 0.95, 19), 1e-6
    slope = (valuation(r + step) - valuation(r - step)) / (2 * step)
    bend = (valuation.derivative(r + step) - valuation.derivative(r - step)) / (2 * step)
    assert valuation.derivative(r) == pytest.approx(slope, rel=1e-7)
    assert valuation.second_derivative(r) == pytest.approx(bend, rel=1e-6, abs=1e-5)


def test_linear_is_the_limit_of_the_others():
    r = np.linspace(0, 1, 11)
    assert PowerValuation(100.0, 1.0)(r) == pytest.approx(LinearValuation(100.0)(r))
    assert ExponentialValuation(100.0, 1e-9)(r) == pytest.approx(
        LinearValuation(100.0)(r), rel=1e-8
    )


def test_model_value_is_the_composition(valuation):
    curve = ModelValue(GeneralizationBound(), valuation)
    data = np.array([0.0, 50.0, 90.0, 300.0, 1e5])
    step = 1e-4
    assert curve(data) == pytest.approx(valuation(GeneralizationBound()(data)))
    inside = data[2:]
    slope = (curve(inside + step) - curve(inside - step)) / (2 * step)
    bend = (curve.derivative(inside + step) - curve.derivative(inside - step)) / (2 * step)
    assert curve.derivative(inside) == pytest.approx(slope, rel=1e-6, abs=1e-9)
    assert curve.second_derivative(inside) == pytest.approx(bend, rel=1e-5, abs=1e-10)
    assert np.all(np.isfinite(curve.evaluate(data)))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: LinearValuation(0.0), "scale"),
        (lambda: LinearValuation(float("inf")), "scale"),
        (lambda: PowerValuation(1.0, 0.5), "exponent"),
        (lambda: ExponentialValuation(1.0, 0.0), "aversion"),
    ],
)
def test_bad_parameters_are_named(make, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        make()


@pytest.mark.parametrize("make", [LinearValuation, PowerValuation, ExponentialValuation])
def test_scales_are_positive_and_finite(make):
    for scale in (1e-300, 0.5, 1e300):
        assert make(scale).scale == scale
    for scale in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match=rf"^scale must be > 0 and finite; got {scale!r}$"):
            make(scale)


def test_curvatures_have_their_ranges():
    for exponent in (1.0, 1.5, 1e3):
        assert PowerValuation(1.0, exponent).exponent == exponent
    for exponent in (0.99, np.inf, np.nan):
        message = rf"^exponent must be >= 1 and finite; got {exponent!r}$"
        with pytest.raises(ValueError, match=message):
            PowerValuation(1.0, exponent)
    for aversion in (1e-3, 0.5, 500.0):
        assert ExponentialValuation(1.0, aversion).aversion == aversion
    for aversion in (0.0, 500.1, np.nan):
        message = rf"^aversion must be > 0 and at most 500; got {aversion!r}$"
        with pytest.raises(ValueError, match=message):
            ExponentialValuation(1.0, aversion)


@pytest.mark.parametrize(("exponent", "second"), [(1.0, 0), (1.5, 0), (2.0, 20.0), (3.0, 0)])
def test_curvature_of_a_power_at_zero(exponent, second):
    """Infinite between 1 and 2, where 0 stands for it."""
    assert PowerValuation(10.0, exponent).evaluate([0.0])[2].tolist() == [second]


@pytest.mark.parametrize("valuation", VALUATIONS)
def test_numbers_of_any_kind_are_made_floats(valuation):
    half = np.array([Fraction(1, 2)])
    for found, expected in zip(valuation.evaluate(half), valuation.evaluate(0.5), strict=True):
        assert found.dtype == float
        assert found == pytest.approx([float(expected)])
    inverse = valuation.inverse(half)
    assert inverse.dtype == float
    assert inverse == pytest.approx([float(valuation.inverse(0.5))])


@pytest.mark.parametrize("valuation", [LinearValuation(), PowerValuation(), ExponentialValuation()])
@pytest.mark.parametrize("value", ["5", b"5", None, True, -1.0, 101.0, np.inf, np.nan])
def test_only_values_of_models_have_an_accuracy(valuation, value):
    with np.errstate(all="raise"), pytest.raises(ValueError, match=r"^value must"):
        valuation.inverse(value)
    with np.errstate(all="raise"):  # rounding is none of these
        assert valuation.inverse([-1e-12, 100 + 1e-12]) == pytest.approx([0, 1])


@pytest.mark.parametrize("accuracy", ["0.5", None, -0.1, 1.1])
def test_only_accuracies_are_worth_something(accuracy):
    with pytest.raises(ValueError, match=r"^accuracy must"):
        PowerValuation(1.0, 1.5)(accuracy)
