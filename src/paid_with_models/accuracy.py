r"""Accuracy curves: how good a model trained on S units of data is.

An accuracy curve :math:`a(S)` is non-decreasing, starts at :math:`a(0) \ge 0` and tends to
``optimum``. Every curve here is *S-shaped*: flat or convex first, concave afterwards. Its
smallest concave majorant is therefore a straight line from the origin to one tangent point and
the curve itself from there on (:class:`ConcaveEnvelope`), which is what turns a good contract
into one with a proof: see :mod:`paid_with_models.solver.bounds`.

**A curve of your own** is a subclass of :class:`Curve` with an ``optimum`` and an ``evaluate`` that
gives value, first and second derivative. It must be hashable, since what is computed for a curve
is remembered by it: a frozen dataclass is. This one is a template::

    @dataclass(frozen=True)
    class Root(Curve):
        optimum: float = 0.9
        half: float = 100.0  # data with which half of the optimum is reached

        def evaluate(self, data):
            x = np.asarray(data, dtype=float) / self.half
            value = self.optimum * x / (1 + x)
            first = self.optimum / self.half / (1 + x) ** 2
            second = -2 * self.optimum / self.half**2 / (1 + x) ** 3
            return value, first, second

:class:`~paid_with_models.problem.Problem` checks that it rises, that its derivatives are those of
its values, and that it is S-shaped, at some thousands of amounts of data and by the chords between
them. That it is S-shaped *everywhere* is what you state by using it, with its ``inflection`` if you
know it: bounds rest on it, and contracts say so
(:attr:`~paid_with_models.contract.Contract.rests_on`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .arguments import real_field, reals
from .texts import brief

__all__ = ["Arctan", "ConcaveEnvelope", "Curve", "GeneralizationBound", "PowerLaw", "Saturating"]


#: NEWTON_IS_RIGHT: relative length of a Newton step whose end is right to rounding: errors are its
#: square.
NEWTON_IS_RIGHT = 1e-9

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


class Curve(ABC):
    """What all curves share. Subclasses give ``optimum`` and :meth:`evaluate`.

    Attributes
    ----------
    optimum : float
        The limit of the curve for ever more data.
    inflection : float, optional
        Up to how much data it is convex or flat; it is concave from there. To be stated by curves
        of your own where it is known: contracts say that they rest on it.
    """

    optimum: float
    inflection: float | None = None

    @abstractmethod
    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value, first and second derivative at ``data`` (any shape, units of data, >= 0)."""

    @property
    def start(self) -> float:
        """Accuracy without data, a(0)."""
        return _start(self)

    @property
    def smooth_from(self) -> float:
        """Data beyond which the curve is one smooth function; by default the tangent point."""
        return self.envelope().tangent_point

    def __call__(self, data: npt.ArrayLike) -> FloatArray:
        """Accuracy of a model trained on ``data`` >= 0 units, same shape; of inf the optimum."""
        return self._part(0, data)

    def derivative(self, data: npt.ArrayLike) -> FloatArray:
        """Marginal accuracy a'(S), per unit of data."""
        return self._part(1, data)

    def second_derivative(self, data: npt.ArrayLike) -> FloatArray:
        """Curvature a''(S), per unit of data squared."""
        return self._part(2, data)

    def _part(self, order: int, data: npt.ArrayLike) -> FloatArray:
        """The value or a derivative of the curve, its limit at infinity."""
        amounts = reals("data", data)
        if not (np.isfinite(amounts) & (amounts >= 0)).all():
            if (amounts < 0).any():
                raise ValueError(f"data must be >= 0; got {brief(data)}")
            endless = np.isinf(amounts)
            part = self.evaluate(np.where(endless, 0.0, amounts))[order]
            return np.where(endless, 0.0 if order else self.optimum, part)
        return self.evaluate(amounts)[order]

    def envelope(self) -> ConcaveEnvelope:
        """The smallest concave function above the curve."""
        return _envelope(self)

    def data_at_slope(self, slope: npt.ArrayLike) -> FloatArray:
        """The data beyond the tangent point at which one more unit is worth ``slope``.

        Parameters
        ----------
        slope : array_like, > 0
            Marginal accuracies, any shape.

        Returns
        -------
        ndarray
            Root S of a'(S) = slope on the concave part; 0 where the curve is nowhere that steep
            on it (there no amount of data is worth its price).

        Examples
        --------
        >>> curve = GeneralizationBound()
        >>> round(float(curve.derivative(curve.data_at_slope(0.001))), 12)
        0.001
        """
        slope = np.asarray(slope, dtype=float)
        tangent = self.envelope()
        # Both slopes are rounded: where they are equal the tangent point is worth its price.
        pays = slope <= tangent.slope * (1 + 8 * np.finfo(float).eps)
        low = np.full(slope.shape, tangent.tangent_point)
        # Concavity: S a'(S) <= a(S) - a(0) <= optimum, so the root is at most optimum / slope.
        high = np.maximum(self.optimum / slope, low)
        data = np.minimum(np.maximum(low, _data_near_slope(self, slope)), high)
        for _ in range(200):
            _, first, second = self.evaluate(data)
            error = first - slope
            low, high = np.where(error > 0, data, low), np.where(error > 0, high, data)
            # Newton's method for log a' as a function of log S, a line for power laws.
            with np.errstate(all="ignore"):
                move = np.expm1(-np.log1p(error / slope) * first / (data * second))
            step = data + data * move
            there = np.abs(move) <= NEWTON_IS_RIGHT
            inside = there | ((step > low) & (step < high))
            data = np.where(inside, step, 0.5 * (low + high))
            if np.all(there | ~pays):
                break
        return np.where(pays, data, 0.0)


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

    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        data = np.asarray(data, dtype=float)
        start = self.zero_until
        x = np.maximum(data, start) + self.offset
        # Concave from the start where the formula is not cut off at zero.
        positive = ~(data <= start) if start > 0 else ~(data < 0)
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
        check_parameter("weights", self.weights, "non-negative", bool(np.all(weights >= 0)))
        check_parameter("weights", self.weights, "of sum in (0, 1]", 0 < weights.sum() <= 1 + 1e-12)
        check_parameter("rates", self.rates, "as many as weights", rates.shape == weights.shape)
        check_parameter(
            "rates", self.rates, "> 0 and finite", bool(np.all((rates > 0) & (rates < np.inf)))
        )

    @property
    def optimum(self) -> float:  # type: ignore[override]
        """Sum of the weights."""
        return float(sum(self.weights))

    @np.errstate(under="ignore")  # where the curve is flat
    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        data = np.asarray(data, dtype=float)
        weights, rates = np.array(self.weights), np.array(self.rates)
        decay = np.multiply.outer(data, -rates)
        left = np.exp(decay)
        return (
            -np.expm1(decay) @ weights,
            left @ (weights * rates),
            -(left @ (weights * rates * rates)),
        )


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
        x = self.rate * np.asarray(data, dtype=float)
        height = self.optimum * 2 / np.pi
        first = height * self.rate / (1 + x * x)
        return height * np.arctan(x), first, -2 * self.rate * x * first / (1 + x * x)


@dataclass(frozen=True)
class ConcaveEnvelope(Curve):
    """The smallest concave function above a curve: a line to the tangent point, then the curve.

    Attributes
    ----------
    curve : Curve
        The curve below.
    tangent_point : float
        Where the line meets the curve, in units of data; 0 for a curve that is concave already.
    slope : float
        Slope of the line from the start to the tangent point: the best accuracy per unit of data,
        starting from nothing. At a corner of the curve it lies between the slopes on either side.

    Examples
    --------
    >>> envelope = GeneralizationBound().envelope()
    >>> bool(envelope(60.0) > GeneralizationBound()(60.0)), bool(envelope(60.0) <= 1)
    (True, True)
    """

    curve: Curve
    tangent_point: float
    slope: float

    @property
    def optimum(self) -> float:  # type: ignore[override]
        """That of the curve."""
        return self.curve.optimum

    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        data = np.asarray(data, dtype=float)
        value, first, second = self.curve.evaluate(data)
        line = data < self.tangent_point
        if not line.any():
            return value, first, second
        return (
            np.where(line, self.curve(0.0) + self.slope * data, value),
            np.where(line, self.slope, first),
            np.where(line, 0.0, second),
        )

    def envelope(self) -> ConcaveEnvelope:
        """Itself."""
        return self


def check_parameter(name: str, value: object, rule: str, holds: bool) -> None:
    if not holds:
        raise ValueError(f"{name} must be {rule}; got {brief(value)}")


@lru_cache(maxsize=256)
def _zero_of_bound(optimum: float, complexity: float) -> float:
    def value(log_x: float) -> float:
        x = np.exp(log_x)
        s = np.sqrt(2 * complexity * (2 + log_x - np.log(complexity)))
        return float(optimum - (s + 4) / np.sqrt(x))

    # Beyond k/e the bound only falls, and at k/e it exceeds every possible accuracy.
    low = np.log(complexity) - 1
    high = low + 1
    while value(high) < 0:
        high += 1
    return float(np.exp(_crossing(value, float(low), float(high))))


def _crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function rises through 0, to the last digit; it is below 0 at `low`.

    Bisection: SciPy's root finders take longer to import than a contract to solve.
    """
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return high


@lru_cache(maxsize=256)
def _slopes(curve: Curve) -> tuple[FloatArray, FloatArray]:
    """Minus the logarithm of the slope beyond the tangent point, increasing, and that of data."""
    start = max(curve.envelope().tangent_point, 1e-12)
    data = np.geomspace(start, start * 1e12, 1001)
    slopes = np.maximum(curve.derivative(data), np.finfo(float).tiny)
    return -np.log(np.minimum.accumulate(slopes)), np.log(data)


def _data_near_slope(curve: Curve, slope: FloatArray) -> FloatArray:
    """About the data at which one more unit is worth ``slope``."""
    falling, log_data = _slopes(curve)
    return np.exp(np.interp(-np.log(slope), falling, log_data))


@lru_cache(maxsize=256)
def _start(curve: Curve) -> float:
    return float(curve(0.0))


@lru_cache(maxsize=256)
def _envelope(curve: Curve) -> ConcaveEnvelope:
    start = float(curve(0.0))

    def above(data: float) -> float:
        # Where the tangent line at `data` meets the vertical axis, relative to a(0): negative
        # left of the tangent point of an S-shaped curve, positive right of it.
        value, first, _ = curve.evaluate(data)
        return float(value - start - data * first)

    grid = np.geomspace(1e-12, 1e18, 6001)
    value, first, _ = curve.evaluate(grid)
    below = np.flatnonzero(value - start - grid * first < -1e-12 * curve.optimum)
    if below.size == 0:
        # A flat start shorter than the grid reaches is none.
        return ConcaveEnvelope(curve, 0.0, float(np.max(curve.derivative([0.0, grid[0]]))))
    last = below[-1]
    if last == grid.size - 1:
        raise ValueError(f"accuracy must be concave for much data; {curve!r} is convex at 1e18")
    low, high = float(grid[last]), float(grid[last + 1])
    # Where rounding hides the change of sign, the tangent point is the grid's own.
    point = high if above(high) <= 0 else _crossing(above, low, high)
    return ConcaveEnvelope(curve, point, (float(curve(point)) - start) / point)
