r"""Accuracy curves: how good a model trained on S units of data is.

An accuracy curve :math:`a(S)` is non-decreasing, starts at :math:`a(0) \ge 0` and tends to
``optimum``. The library's (:mod:`~paid_with_models.curves`) are *S-shaped*: flat or convex first,
concave afterwards. The smallest concave majorant of such a curve is a straight line from the origin
to one tangent point and the curve itself from there on (:class:`ConcaveEnvelope`), which is what
turns a good contract into one with a proof: see :mod:`paid_with_models.solver.bounds`.

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

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .arguments import reals
from .texts import brief

__all__ = ["ConcaveEnvelope", "Curve", "crossing"]


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

        Raises
        ------
        ValueError
            If a slope is not a number > 0.

        Examples
        --------
        >>> from paid_with_models import GeneralizationBound
        >>> curve = GeneralizationBound()
        >>> round(float(curve.derivative(curve.data_at_slope(0.001))), 12)
        0.001
        """
        slope = reals("slope", slope)
        if not np.all(slope > 0):
            raise ValueError(f"slope must be > 0; got {brief(slope.tolist())}")
        tangent = self.envelope()
        # Both slopes are rounded: where they are equal the tangent point is worth its price.
        pays = slope <= tangent.slope * (1 + 8 * np.finfo(float).eps)
        low = np.full(slope.shape, tangent.tangent_point)
        # Concavity: S a'(S) <= a(S) - a(0) <= optimum, so the root is at most optimum / slope.
        with np.errstate(over="ignore"):
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
    >>> from paid_with_models import GeneralizationBound
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


def crossing(function: Callable[[float], float], low: float, high: float) -> float:
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
        steepest = float(np.fmax(*curve.derivative([0.0, grid[0]])))
        if value[0] - start > steepest * grid[0] + 1e-9 * curve.optimum:
            raise ValueError(
                f"curve must not rise within {grid[0]:g} units of data; {curve!r} does: count data"
                " in smaller units"
            )
        return ConcaveEnvelope(curve, 0.0, steepest)
    last = below[-1]
    if last == grid.size - 1:
        raise ValueError(f"accuracy must be concave for much data; {curve!r} is convex at 1e18")
    low, high = float(grid[last]), float(grid[last + 1])
    # Where rounding hides the change of sign, the tangent point is the grid's own.
    point = high if above(high) <= 0 else crossing(above, low, high)
    return ConcaveEnvelope(curve, point, (float(curve(point)) - start) / point)
