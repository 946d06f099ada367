"""Accuracy curves and valuations as problems need them: what is checked, and what is taken.

A contract's bound is a proof for curves that are S-shaped. The library's are, by their formulas. Of
any other, values are looked at: at some thousand amounts of data, and between them as far as chords
and slopes there tell. What is left is an assumption, and contracts say so (:func:`rests_on`).
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

import numpy as np

from .accuracy import Curve, FloatArray
from .arguments import reals
from .curves import STEEP, Arctan, GeneralizationBound, PowerLaw, Saturating
from .texts import brief
from .valuation import (
    ExponentialValuation,
    LinearValuation,
    ModelValue,
    PowerValuation,
    Valuation,
)

__all__ = ["check_hashable", "check_shape", "check_values", "rests_on"]

#: BY_FORMULA: curves and valuations whose shape their formulas show.
BY_FORMULA = {
    GeneralizationBound, PowerLaw, Saturating, Arctan,
    LinearValuation, ExponentialValuation, PowerValuation,
}  # fmt: skip

#: BACK: what an inverse may miss accuracies by.
BACK = 1e-6

#: LARGEST: of all floats. UNEVEN: share of the points at which a curve bends that may be corners.
LARGEST, UNEVEN = np.finfo(float).max, 0.2


def rests_on(accuracy: Curve, valuation: Valuation) -> tuple[str, ...]:
    """What bounds rest on that is checked at points only, or stated; nothing for the library's own.

    Examples
    --------
    >>> rests_on(PowerLaw(0.9, 1.0, 0.5), LinearValuation())
    ()
    """
    found = []
    if type(accuracy) not in BY_FORMULA:
        name = type(accuracy).__name__
        if accuracy.inflection is None:
            found.append(f"{name} being S-shaped also between the points at which it was checked")
        else:
            bend = f"{accuracy.inflection:g}"
            found.append(f"{name} being convex up to S = {bend} and concave from there")
    if type(valuation) not in BY_FORMULA:
        name = f"{type(valuation).__name__} of accuracy"
        found.append(f"{name} being S-shaped also between the points at which it was checked")
    return tuple(found)


def check_hashable(name: str, thing: object) -> None:
    """Refuse what cannot be looked up by its value: results are remembered by it."""
    try:
        hash(thing)
    except TypeError:
        raise ValueError(
            f"{name} must be hashable, such as a frozen dataclass; {type(thing).__name__} is not"
        ) from None


@lru_cache(maxsize=256)
@np.errstate(all="ignore")  # what is not finite is said
def check_values(valuation: Valuation, accuracy: Curve) -> None:
    """Accuracy and valuation give finite numbers, and the valuation increases from 0."""
    data = np.geomspace(1e-6, 1e12, 1001)
    if not hasattr(accuracy, "optimum"):
        raise ValueError(f"accuracy must have an optimum; {type(accuracy).__name__} has none")
    parts = _parts("accuracy", accuracy, data)
    if not all(np.all(np.isfinite(array)) for array in parts):
        raise ValueError(f"accuracy must be finite, derivatives included; {accuracy!r} is not")
    steepest = float(accuracy.evaluate(np.zeros(1))[1][0])
    if not (steepest <= STEEP or steepest == np.inf):
        raise ValueError(f"accuracy must be finite, derivatives included; {accuracy!r} is not")
    optimum, bend = accuracy.optimum, accuracy.inflection
    plain = np.ndim(optimum) == 0 and not isinstance(optimum, Decimal)
    if not (plain and _is_within(optimum, 0, 1 + 1e-12) and optimum > 0):
        raise ValueError(f"accuracy must have an optimum in (0, 1]; got {brief(optimum)}")
    if bend is not None and not (np.ndim(bend) == 0 and _is_within(bend, 0, float(LARGEST))):
        rule = "accuracy must have an inflection >= 0 and finite, or None"
        raise ValueError(f"{rule}; got {brief(bend)}")
    accuracies = np.linspace(0, float(optimum), 1001)
    value, first, second = _parts("valuation", valuation, accuracies)
    if type(valuation) not in BY_FORMULA:
        inner = slice(1, -1)
        _check_curvature("valuation", valuation, accuracies[inner], first[inner], second[inner])
        if np.isnan(first).any():
            raise ValueError(f"valuation must have a derivative everywhere; {valuation!r} has none")
    if not np.all(np.isfinite(value)):
        raise ValueError(f"valuation must be finite on [0, {optimum:g}]; {valuation!r} is not")
    if value[0] != 0:
        raise ValueError(f"valuation must be 0 at accuracy 0; {valuation!r} gives {value[0]!r}")
    if not np.all(np.diff(value) > 0):
        raise ValueError(f"valuation must be strictly increasing; {valuation!r} is not")
    if type(valuation) not in BY_FORMULA:
        _check_inverse(valuation, accuracies, value)


def _check_inverse(valuation: Valuation, accuracies: FloatArray, values: FloatArray) -> None:
    """The inverse of a valuation of one's own gives accuracies back."""
    rule = "valuation must have an inverse that gives accuracies back"
    try:
        back = reals("inverse", valuation.inverse(values))
    except Exception as error:  # whatever a method of somebody's raises
        raise ValueError(f"{rule}; that of {valuation!r} fails: {brief(error)}") from None
    if back.shape != values.shape or not np.all(np.abs(back - accuracies) <= BACK):
        raise ValueError(f"{rule}; that of {valuation!r} does not")


def _is_within(number: object, least: float, most: float) -> bool:
    try:
        return bool(least <= reals("number", number) <= most)
    except ValueError:
        return False


def _parts(
    name: str, thing: Curve | Valuation, at: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Value and derivatives, if they are real numbers in whatever shape they are asked for."""
    whose = type(thing).__name__
    asked = (at, at.reshape(7, -1), at[500])  # 1001 numbers
    found = []
    for points in asked:
        parts: object = thing.evaluate(points)
        if not isinstance(parts, tuple) or len(parts) != 3:
            size = f" of {len(parts)}" if isinstance(parts, tuple) else ""
            raise ValueError(
                f"{name} must evaluate to a tuple of its value, first and second derivative;"
                f" {whose} gives a {type(parts).__name__}{size}"
            )
        shapes = [np.shape(part) for part in parts]
        if any(shape != np.shape(points) for shape in shapes):
            where = "data" if name == "accuracy" else "accuracy"
            raise ValueError(
                f"{name} must evaluate to arrays in the shape of {where}, {np.shape(points)};"
                f" {whose} gives shapes {shapes}"
            )
        kinds = [type(part).__name__ for part in parts]
        if np.ndim(points) and not all(type(part) is np.ndarray for part in parts):
            raise ValueError(f"{name} must evaluate to three arrays; {whose} gives {kinds}")
        try:
            if any(np.asarray(part).dtype == object for part in parts):
                raise ValueError
            numbers = tuple(reals(name, part) for part in parts)
        except ValueError:
            rule = f"{name} must evaluate to real numbers"
            raise ValueError(f"{rule}; {whose} gives {brief(parts[0])}") from None
        found.append(numbers)
    for flat, square in zip(found[0], found[1], strict=True):
        rounding = 1e-9 * np.max(np.abs(flat), where=np.isfinite(flat), initial=0.0)
        if not np.allclose(flat, square.ravel(), rtol=1e-6, atol=rounding, equal_nan=True):
            raise ValueError(
                f"{name} must evaluate each number on its own; {whose} gives others in a matrix"
            )
    return found[0][0], found[0][1], found[0][2]


def _check_curvature(
    name: str, thing: Curve | Valuation, at: FloatArray, first: FloatArray, second: FloatArray
) -> None:
    """The second derivative is that of the first, nearly everywhere where it bends.

    Differences are rough, and wrong at corners, of which there may be many.
    """
    step = 1e-4 * at
    found = (thing.evaluate(at + step)[1] - thing.evaluate(at - step)[1]) / (2 * step)
    small = 1e-3 * np.abs(first) / at
    bends = np.maximum(np.abs(found), np.abs(second)) > small
    wrong = np.abs(found - second) > 0.01 * np.abs(found) + small
    wrong &= np.isfinite(found)
    if wrong.sum() > max(3, UNEVEN * bends.sum()):
        where = float(at[wrong][0])
        raise ValueError(
            f"{name} must state its second derivative as that of its first; {thing!r} errs near"
            f" {where:g}"
        )


@lru_cache(maxsize=1024)
@np.errstate(all="ignore")
def check_shape(accuracy: Curve, valuation: Valuation, log2_reach: int) -> None:
    """Accuracy and v(a) on everything that can be collected: increasing, S-shaped, smooth."""
    # Where data are so costly that little can be collected, far enough to see the curve rise.
    scan = np.geomspace(1e-9, 1e18, 1001)
    half_way = scan[np.argmax(accuracy(scan) >= 0.5 * accuracy.optimum)]
    reach = max(2.0**log2_reach, 2 * half_way)
    data = np.concatenate([[0.0], np.geomspace(1e-9, 1.0, 2001) * reach])
    for name, curve in (("accuracy", accuracy), ("valuation", ModelValue(accuracy, valuation))):
        value, first, second = curve.evaluate(data)
        # At a corner of the curve (data = 0 included) derivatives may be anything finite.
        for array in (value, first[1:], second[1:]):
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{name} must be finite, derivatives included; {curve!r} is not")
        size = curve.optimum
        if np.any(np.diff(value) < -1e-14 * size) or np.any(first < 0):
            where = float(data[np.argmin(np.diff(value))])
            raise ValueError(f"{name} must be increasing; {curve!r} falls near S = {where:g}")
        if not (value[0] >= 0 and value[-1] <= size * (1 + 1e-12) and value[-1] > value[0]):
            raise ValueError(
                f"{name} must rise from a value >= 0 to at most its optimum {size:g}; {curve!r}"
                f" goes from {value[0]:g} to {value[-1]:g}"
            )
        step = 1e-5 * data[1:]
        slope = (curve(data[1:] + step) - curve(data[1:] - step)) / (2 * step)
        wrong = np.abs(slope - first[1:]) > 1e-4 * first[1:] + 1e-9 * size / data[1:]
        # One grid point may sit on a corner of the curve.
        if wrong.sum() > 3:
            where = float(data[1:][wrong][0])
            raise ValueError(
                f"{name} must state its own derivative; {curve!r} errs at S = {where:g}"
            )
        envelope = curve.envelope()
        beyond = data > envelope.tangent_point
        bent = np.any(second[beyond][1:] > 1e-9 * size / data[beyond][1:] ** 2)
        # Between two points of the concave part it rises by no more than the slope at the first
        # says, and no less than that at the second: a step between them would.
        step = np.diff(data)
        chord, noise = np.diff(value) / step, 1e-13 * size / step + 1e-9 * first[1:]
        uneven = (chord > first[:-1] + noise) | (chord < first[1:] - noise)
        high = value > envelope(data) + 1e-12 * size
        if bent or np.any(uneven & beyond[:-1]) or np.any(high):
            raise ValueError(
                f"{name} must be S-shaped, concave beyond the tangent from the origin; {curve!r}"
                " is not"
            )
        stated = accuracy.inflection if name == "accuracy" else None
        if stated is not None:
            early, late = (data < stated)[1:], (data > stated)[1:]
            tiny = 1e-9 * size / data[1:] ** 2
            if np.any(early & (second[1:] < -tiny)) or np.any(late & (second[1:] > tiny)):
                raise ValueError(
                    f"accuracy must bend where it states its inflection, at S = {stated:g};"
                    f" {curve!r} bends elsewhere"
                )
        if name == "accuracy" and type(accuracy) not in BY_FORMULA:
            _check_curvature(name, accuracy, data[1:], first[1:], second[1:])
