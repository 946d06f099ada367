"""Concave envelopes of a curve on intervals of data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..accuracy import Curve, FloatArray, IntArray

__all__ = ["LocalEnvelope", "of_rows", "s_shaped"]


#: TANGENTS: points of the table of tangents of a curve.
TANGENTS = 2049


@dataclass(frozen=True, eq=False)
class _Tangents:
    """Where tangents from points of a curve touch it further on.

    Attributes
    ----------
    inflection : float
        The curve is concave from here on, and flat or convex before.
    starts, touches : (G,) ndarray
        The tangent from starts[g] touches at or before touches[g].
    """

    inflection: float
    starts: FloatArray
    touches: FloatArray


def _excess(curve: Curve, start: FloatArray, at: FloatArray) -> FloatArray:
    """By how much the tangent at a point passes above the curve's start; < 0: it cuts the curve."""
    value, first, _ = curve.evaluate(at)
    return np.asarray(value - curve(start) - (at - start) * first)


@lru_cache(maxsize=64)
def _tangents(curve: Curve) -> _Tangents | None:
    """The table of tangents of an S-shaped curve; None for a curve of another shape."""
    last = curve.envelope().tangent_point
    if last == 0:
        return _Tangents(0.0, np.zeros(1), np.zeros(1))
    noise = 1e-14 * curve.optimum
    # The least start from which no later point's tangent passes below the start.
    share = np.linspace(0, 1, 400)[1:] ** 2
    low, high = 0.0, last
    for _ in range(60):
        middle = 0.5 * (low + high)
        later = middle + (last - middle) * share
        cuts = np.min(_excess(curve, np.full(later.shape, middle), later)) < -noise
        low, high = (middle, high) if cuts else (low, middle)
    inflection = high
    before = np.linspace(0, low, 400)
    slopes = curve.derivative(before)
    if np.any(np.diff(slopes) < -1e-9 * slopes.max()):
        return None
    # Tangent points move like the square root of the distance to a kink: space starts so.
    starts = inflection * (1 - np.linspace(1, 0, TANGENTS) ** 2)
    least, touches = np.full(TANGENTS, inflection), np.full(TANGENTS, last * (1 + 1e-9))
    for _ in range(60):
        middle = 0.5 * (least + touches)
        beyond = _excess(curve, starts, middle) >= 0
        least, touches = np.where(beyond, least, middle), np.where(beyond, middle, touches)
    return _Tangents(inflection, starts, touches)


def s_shaped(*curves: Curve) -> bool:
    """Whether all curves are convex (or flat) first and concave afterwards, as the search needs."""
    return all(_tangents(curve) is not None for curve in curves)


@dataclass(frozen=True, eq=False)
class LocalEnvelope(Curve):
    """Concave envelopes of an S-shaped curve, one for each of a batch of intervals.

    Each is a line (or a parabola) up to ``switch`` and the curve beyond. They are concave
    everywhere, and on or above the curve on their intervals.

    Attributes
    ----------
    curve : Curve
    anchor, height, slope : (B, K) ndarray
        The line height + slope * (S - anchor).
    switch : (B, K) ndarray
        Units of data; infinite for a chord.
    bend : (B, K) ndarray <= 0
        Second derivative up to the switch; 0 for a line.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> curve = GeneralizationBound()
    >>> local = LocalEnvelope.of(curve, np.array([[0.0, 0.0]]), np.array([[50.0, 1e3]]))
    >>> at = np.array([[40.0, 40.0]])
    >>> local(at).round(4).tolist(), curve.envelope()(at).round(4).tolist()
    ([[0.0, 0.0998]], [[0.0998, 0.0998]])
    """

    curve: Curve
    anchor: FloatArray
    height: FloatArray
    slope: FloatArray
    switch: FloatArray
    bend: FloatArray

    @property
    def optimum(self) -> float:  # type: ignore[override]
        """That of the curve."""
        return self.curve.optimum

    @classmethod
    def of(cls, curve: Curve, low: FloatArray, high: FloatArray) -> LocalEnvelope:
        """Envelopes on the intervals [low, high], arrays of one shape, in units of data.

        Raises
        ------
        ValueError
            If the curve is not S-shaped.
        """
        table = _tangents(curve)
        if table is None:
            raise ValueError(f"curve must be S-shaped; {curve!r} is not")
        at_low, slope_low, _ = curve.evaluate(low)
        concave = low >= table.inflection
        # The table's tangent point at the next lower start is on the safe side, and so is every
        # point with excess >= 0. Whether the excess is convex or concave between the neighbours,
        # the further of a Newton step and a secant step is one.
        index = np.searchsorted(table.starts, low, side="right") - 1

        def tangent_at(point: FloatArray) -> FloatArray:
            value, slope, bend = curve.evaluate(point)
            excess = value - at_low - (point - low) * slope
            return np.stack([point, value, slope, excess, -(point - low) * bend])

        end = tangent_at(high)
        chord = ~concave & (end[3] <= 0)
        touch = tangent_at(np.minimum(table.touches[index], high))
        short = table.touches[np.minimum(index + 1, table.touches.size - 1)]
        short = tangent_at(np.minimum(short, touch[0]))
        for _ in range(4):
            with np.errstate(divide="ignore", invalid="ignore"):
                newton = touch[0] - touch[3] / touch[4]
                secant = touch[0] - touch[3] * (touch[0] - short[0]) / (touch[3] - short[3])
            nearer = np.fmin(np.fmax(np.fmax(newton, secant), short[0]), touch[0])
            nearer = tangent_at(nearer)
            touch = np.where(nearer[3] >= 0, nearer, touch)
        width = high - low
        with np.errstate(divide="ignore", invalid="ignore"):
            straight = np.where(width > 0, (end[1] - at_low) / width, slope_low)
        line = concave | chord
        return cls(
            curve,
            anchor=np.where(line, low, touch[0]),
            height=np.where(line, at_low, touch[1]),
            slope=np.where(concave, slope_low, np.where(chord, straight, touch[2])),
            switch=np.where(concave, low, np.where(chord, np.inf, touch[0])),
            bend=np.zeros(low.shape),
        )

    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        data = np.asarray(data, dtype=float)
        value, first, second = self.curve.evaluate(data)
        line, step = data < self.switch, data - self.anchor
        change = self.bend * step
        return (
            np.where(line, self.height + (self.slope + 0.5 * change) * step, value),
            np.where(line, self.slope + change, first),
            np.where(line, self.bend, second),
        )

    def envelope(self) -> LocalEnvelope:  # type: ignore[override]
        """Itself."""
        return self

    def has_lines_of(self, other: LocalEnvelope) -> bool:
        """Whether lines start and end where those of another curve's envelope do."""
        same_start = np.array_equal(self.anchor, other.anchor)
        return same_start and np.array_equal(self.switch, other.switch)

    def take(self, rows: IntArray) -> LocalEnvelope:
        """Those of some rows of the batch."""
        parts = self.anchor, self.height, self.slope, self.switch, self.bend
        return LocalEnvelope(self.curve, *(part[rows] for part in parts))


def of_rows(curve: Curve, rows: IntArray) -> Curve:
    """A curve for some rows of a batch: an envelope on intervals has one for each row."""
    return curve.take(rows) if isinstance(curve, LocalEnvelope) else curve
