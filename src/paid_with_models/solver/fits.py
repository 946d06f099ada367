"""Which exponential sums stand for a problem's curves, and on what range of data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..accuracy import ConcaveEnvelope, Curve, FloatArray
from ..problem import Problem
from ..shapes import rests_on
from ..valuation import ModelValue, PowerValuation
from .moments import ENTRIES_WORTH_ENUMERATING
from .sums import ExponentialSum, error_over_tolerance, fit_exponential_sum, fit_signed_sum

__all__ = ["ROUNDING", "common_range", "fit_both", "fit_of", "joined", "sum_range", "wrong"]

#: NEAR: share of the best accuracy up to which powers of it are too near the end of their formulas,
#: at 0, for sums; FAR: how much more it is where sums may begin.
NEAR, FAR = 5e-2, 1e-2

#: ROUNDING: of sums, relative to their limit and to what they fall short of it.
ROUNDING = 64 * np.finfo(float).eps


def sum_range(
    accuracy: Curve, value: Curve, most: float, signed: bool = False
) -> tuple[float, float] | None:
    """The range on which sums stand for both curves up to ``most`` data; None if none do.

    ``high`` is rounded up to a power of 16, so that few fits serve many problems. With ``signed``
    weights may have both signs, for curves whose formulas are the library's.

    Examples
    --------
    >>> from paid_with_models import Arctan, Saturating
    >>> sum_range(Saturating((0.9,), (0.01,)), Saturating((0.9,), (0.01,)), 1000.0)
    (0.0, 4096.0)
    >>> sum_range(Arctan(), Arctan(), 1000.0) is None
    True
    """
    low, high = accuracy.smooth_from, float(16.0 ** np.ceil(np.log(most) / np.log(16.0)))
    if signed:
        if not isinstance(value, ModelValue) or rests_on(value.accuracy, value.valuation):
            return None
        low = smooth_from(value)
    if low >= most:
        return None
    for curve in (accuracy, value):
        fit = (fit_of if signed else fit_exponential_sum)(curve, low, high)
        if error_over_tolerance(fit) > 1:
            return None
    return low, high


def smooth_from(value: ModelValue) -> float:
    """Data beyond which a value is smooth, and neither it nor its slope next to nothing.

    Powers of accuracy are flat where it is 0, and broken ones are not smooth there: nor can sums
    follow them next to it.
    """
    accuracy, low = value.accuracy, value.accuracy.smooth_from
    start = float(accuracy(low))
    if isinstance(value.valuation, PowerValuation) and start <= NEAR * accuracy.optimum:
        rising = np.geomspace(1e-12, 1e18, 3001)
        far = accuracy(rising) >= start + FAR * accuracy.optimum
        return max(2 * low, float(rising[np.argmax(far)]))
    return low


def fit_of(curve: Curve, low: float, high: float) -> ExponentialSum:
    """The sum that stands for a curve; of both signs where there is no other."""
    fit = fit_exponential_sum(curve, low, high)
    if error_over_tolerance(fit) <= 1:
        return fit
    return fit_signed_sum(curve.curve if isinstance(curve, ConcaveEnvelope) else curve, low, high)


def fit_both(
    accuracy: Curve, value: Curve, low: float, high: float
) -> tuple[ExponentialSum, ExponentialSum]:
    """The sums that stand for accuracy and value."""
    v, curve = fit_of(value, low, high), accuracy
    if isinstance(curve, ConcaveEnvelope):
        curve = curve.curve
    # Where the range begins later for the value's sake, the sum of accuracy begins where it can.
    return fit_of(curve, min(low, curve.smooth_from) if v.overshoot else low, high), v


def joined(a: ExponentialSum, v: ExponentialSum) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rates that serve two sums, and the weights of each on them."""
    if np.array_equal(a.rates, v.rates):
        return a.rates, a.weights, v.weights
    return (
        np.concatenate([a.rates, v.rates]),
        np.concatenate([a.weights, np.zeros(v.rates.size)]),
        np.concatenate([np.zeros(a.rates.size), v.weights]),
    )


def wrong(fit: ExponentialSum, moments: FloatArray, rounding: float = ROUNDING) -> FloatArray:
    """What moments may be wrong by where S is in the range of their sum: fit and rounding."""
    return np.asarray(fit.error + rounding * (fit.limit + np.abs(fit.limit - moments)))


def common_range(problems: Sequence[Problem]) -> tuple[float, float] | None:
    """The range on which sums stand for the curves of problems that have the same ones, or None.

    Sums of both signs, whose errors are larger, stand in where outcomes are too many.
    """
    first = problems[0]
    most = max(problem.most_data for problem in problems)
    curves = first.accuracy, first.model_value
    entries = max(problem.n_outcomes * problem.n_types for problem in problems)
    reach = sum_range(*curves, most)
    if reach is None and entries > ENTRIES_WORTH_ENUMERATING:
        return sum_range(*curves, most, signed=True)
    return reach
