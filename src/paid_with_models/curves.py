"""The accuracy curves that come with the library: a generalization bound, and forms that fit data.

All are S-shaped by their formulas, so that bounds for them are proofs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .accuracy import Curve, FloatArray, crossing
from .arguments import real_field, reals
from .texts import brief

__all__ = ["Arctan", "GeneralizationBound", "PowerLaw", "Saturating"]

#: STEEP: rates beyond it have no square among numbers. ENDLESS: a bound that complex says nothing
#: about any amount of data.
STEEP, ENDLESS = 1e150, 1e300


@dataclass(frozen=True)
class GeneralizationBound(Curve):
    r"""The curve of the paper's experiments, a generalization bound turned into an accuracy.

    .. math:: a(S) = \max\Bigl(0,\; a_\text{opt} - \frac{\sqrt{2k(2 + \ln(S/k))} + 4}{\sqrt S}\Bigr)

    from Mohri, Rostamizadeh and Talwalkar (2018), used as a learning curve by Karimireddy, Guo
    and Jordan (2022). It is 0 up to :attr:`zero_until`, then increasing and concave. (For
    large k the formula is positive once more near :math:`k e^{-2}`, where it means nothing: the
    curve starts at the largest root.)

    Parameters
    ----------
    optimum : float in (0, 1]
        Accuracy with unlimited data, :math:`a_\text{opt}`.
    complexity : float > 0
        Complexity k of the hypothesis class.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> curve = GeneralizationBound()
    >>> round(curve.zero_until, 3), round(curve.envelope().tangent_point, 3)
    (55.807, 127.243)
    """

    optimum: float = 1.0
    complexity: float = 1.0

    def __post_init__(self) -> None:
        real_field(self, "optimum", "in (0, 1]", lambda it: 0 < it <= 1)
        real_field(self, "complexity", "> 0 and finite", lambda it: 0 < it < np.inf)

    @property
    def zero_until(self) -> float:
        """Largest S with a(S) = 0, in units of data."""
        return _zero_of_bound(self.optimum, self.complexity)

    @property
    def smooth_from(self) -> float:
        """Where the curve leaves zero."""
        return self.zero_until

    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        data = np.asarray(data, dtype=float)
        k, start = self.complexity, self.zero_until
        if math.isinf(start):
            nothing = np.where(np.isnan(data), data, 0.0)[()]
            return nothing, nothing.copy(), nothing.copy()
        x = np.maximum(data, start)
        inverse = 1 / x
        root = np.asarray(np.sqrt(inverse))
        # Arrays are used again: this is what solving is made of.
        s = np.asarray(np.log(x))
        s *= 2 * k
        s += 2 * k * (2 - math.log(k))
        np.sqrt(s, out=s)
        k_s = np.asarray(k / s)
        value = np.asarray(s + 4)
        value *= root
        np.subtract(self.optimum, value, out=value)
        np.maximum(value, 0.0, out=value)
        root *= inverse
        first = np.asarray(0.5 * s)
        first += 2
        first -= k_s
        first *= root
        second = np.asarray(k_s / s)
        second += 2
        second *= k_s
        second -= 3
        s *= 0.75
        second -= s
        root *= inverse
        second *= root
        positive = ~(data <= start)  # not a number stays none
        if positive.all():
            return value[()], first[()], second[()]  # scalars of a scalar
        # Zero by definition at the kink, where the formula leaves rounding.
        return (
            np.where(positive, value, 0.0),
            np.where(positive, first, 0.0),
            np.where(positive, second, 0.0),
        )


@dataclass(frozen=True)
class PowerLaw(Curve):
    r"""A power law, :math:`a(S) = \max(0,\; a_\text{opt} - b\,(S + d)^{-\beta})`.

    Parameters
    ----------
    optimum : float in (0, 1]
        :math:`a_\text{opt}`.
    scale : float > 0
        :math:`b`.
    exponent : float > 0
        :math:`\beta`.
    offset : float >= 0
        :math:`d`, in units of data.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> float(PowerLaw(optimum=0.9, scale=0.9, exponent=0.5, offset=1.0)(3.0))
    0.45
    """

    optimum: float
    scale: float
    exponent: float
    offset: float = 0.0

    def __post_init__(self) -> None:
        real_field(self, "optimum", "in (0, 1]", lambda it: 0 < it <= 1)
        real_field(self, "scale", "> 0 and finite", lambda it: 0 < it < np.inf)
        real_field(self, "exponent", "> 0 and finite", lambda it: 0 < it < np.inf)
        real_field(self, "offset", ">= 0 and finite", lambda it: 0 <= it < np.inf)
        if math.log(self.scale / self.optimum) > 600 * self.exponent:
            raise ValueError(
                f"scale must not be that large for exponent {self.exponent:g}: accuracy is 0 for"
                f" any amount of data; got {self.scale!r}"
            )

    @property
    def zero_until(self) -> float:
        """Largest S with a(S) = 0, in units of data.

        A curve that starts at 0, but for rounding of its parameters, starts at 0.
        """
        root = (self.scale / self.optimum) ** (1 / self.exponent)
        rounding = 4 * np.finfo(float).eps * (1 + 1 / self.exponent) * root
        start = root - self.offset
        return float(start) if start > rounding else 0.0

    @property
    def smooth_from(self) -> float:
        """Where the curve leaves zero."""
        return self.zero_until

    @np.errstate(all="ignore")  # steeper than numbers go, or where it is cut off
    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        data = np.asarray(data, dtype=float)
        start = self.zero_until
        x = np.maximum(data, start) + self.offset
        # Concave from the start where the formula is not cut off at zero.
        positive = ~(data <= start) if start > 0 or self.offset == 0 else ~(data < 0)
        missing = self.scale * x**-self.exponent
        first = self.exponent * missing / x
        return (
            np.where(positive, np.maximum(self.optimum - missing, 0.0), 0.0),
            np.where(positive, first, 0.0),
            np.where(positive, -(self.exponent + 1) * first / x, 0.0),
        )


@dataclass(frozen=True)
class Saturating(Curve):
    r"""A non-negative sum of saturating exponentials, :math:`a(S) = \sum_j w_j (1 - e^{-u_j S})`.

    The natural form of a fitted learning curve: concave from the origin.

    Parameters
    ----------
    weights : tuple of floats >= 0
        :math:`w_j`; their sum, in (0, 1], is the optimum.
    rates : tuple of floats > 0
        :math:`u_j`, per unit of data, as many as weights.

    Raises
    ------
    ValueError
        If lengths differ or a parameter is outside its range.

    Examples
    --------
    >>> curve = Saturating(weights=(0.5, 0.4), rates=(0.1, 0.01))
    >>> round(float(curve(100.0)), 6), curve.optimum
    (0.752826, 0.9)
    """

    weights: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        weights, rates = (reals(name, getattr(self, name)) for name in ("weights", "rates"))
        for name, values in (("weights", weights), ("rates", rates)):
            if values.ndim != 1 or values.size == 0:
                raise ValueError(f"{name} must be a list of numbers; got {brief(values.tolist())}")
            object.__setattr__(self, name, tuple(values.tolist()))
        _check("weights", self.weights, "non-negative", bool(np.all(weights >= 0)))
        whole = bool(np.all(weights <= 2)) and 0 < weights.sum() <= 1 + 1e-12
        _check("weights", self.weights, "of sum in (0, 1]", whole)
        _check("rates", self.rates, "as many as weights", rates.shape == weights.shape)
        _check("rates", self.rates, "> 0 and finite", bool(np.all((rates > 0) & (rates < np.inf))))

    @property
    def optimum(self) -> float:  # type: ignore[override]
        """Sum of the weights."""
        return float(sum(self.weights))

    @np.errstate(under="ignore", over="ignore")  # where the curve is flat, or as good as a step
    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        data = np.asarray(data, dtype=float)
        weights, rates = np.array(self.weights), np.array(self.rates)
        decay = np.multiply.outer(data, -rates)
        left = np.exp(decay)
        if rates.max() > STEEP:
            curvature = (left * rates * rates) @ weights  # nothing times infinity is no number
        else:
            curvature = left @ (weights * rates * rates)
        return -np.expm1(decay) @ weights, left @ (weights * rates), -curvature


@dataclass(frozen=True)
class Arctan(Curve):
    r"""An arctangent, :math:`a(S) = a_\text{opt}\, \tfrac{2}{\pi} \arctan(\kappa S)`.

    Parameters
    ----------
    optimum : float in (0, 1]
        :math:`a_\text{opt}`.
    rate : float > 0
        :math:`\kappa`, per unit of data.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> round(float(Arctan(optimum=0.8, rate=0.01)(100.0)), 12)
    0.4
    """

    optimum: float = 1.0
    rate: float = 0.01

    def __post_init__(self) -> None:
        real_field(self, "optimum", "in (0, 1]", lambda it: 0 < it <= 1)
        real_field(self, "rate", "> 0 and finite", lambda it: 0 < it < np.inf)

    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        height = self.optimum * 2 / np.pi
        with np.errstate(over="ignore", invalid="ignore"):
            x = self.rate * np.asarray(data, dtype=float)
            first = height * self.rate / (1 + x * x)
            second = -2 * self.rate * x * first / (1 + x * x)
        if self.rate > STEEP:  # nothing times infinity is no number: it does not bend there
            second = np.where(np.isnan(second) & ~np.isnan(x), 0.0, second)
        return height * np.arctan(x), first, second


def _check(name: str, value: object, rule: str, holds: bool) -> None:
    if not holds:
        raise ValueError(f"{name} must be {rule}; got {brief(value)}")


@lru_cache(maxsize=256)
@np.errstate(over="ignore")  # zero for all data that have a number
def _zero_of_bound(optimum: float, complexity: float) -> float:
    if complexity > ENDLESS:
        return math.inf

    def value(log_x: float) -> float:
        x = np.exp(log_x)
        s = np.sqrt(2 * complexity * (2 + log_x - np.log(complexity)))
        return float(optimum - (s + 4) / np.sqrt(x))

    # Beyond k/e the bound only falls, and at k/e it exceeds every possible accuracy.
    low = np.log(complexity) - 1
    high = low + 1
    while value(high) < 0:
        high += 1
    return float(np.exp(crossing(value, float(low), float(high))))
