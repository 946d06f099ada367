"""Accuracy curves and valuations as problems need them: what is checked, and what is taken.

A contract's bound is a proof for curves that are S-shaped. The library's are, by their formulas. Of
any other, values are looked at: at some thousand amounts of data, and between them as far as chords
and slopes there tell. What is left is an assumption, and contracts say so (:func:`rests_on`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .accuracy import Curve
from .curves import STEEP, Arctan, GeneralizationBound, PowerLaw, Saturating
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
    parts = accuracy.evaluate(data)
    if not (isinstance(parts, tuple) and len(parts) == 3):  # type: ignore[redundant-expr]
        raise ValueError(
            "accuracy must evaluate to a tuple of its value, first and second derivative;"
            f" {type(accuracy).__name__} gives a {type(parts).__name__}"
        )
    if any(np.shape(part) != data.shape for part in parts):
        shapes = [np.shape(part) for part in parts]
        raise ValueError(
            f"accuracy must evaluate to arrays in the shape of data, {data.shape};"
            f" {type(accuracy).__name__} gives shapes {shapes}"
        )
    if not all(np.all(np.isfinite(array)) for array in parts):
        raise ValueError(f"accuracy must be finite, derivatives included; {accuracy!r} is not")
    steepest = float(accuracy.evaluate(np.zeros(1))[1][0])
    if STEEP < steepest < np.inf:
        raise ValueError(f"accuracy must be finite, derivatives included; {accuracy!r} is not")
    optimum = accuracy.optimum
    if not 0 < optimum <= 1 + 1e-12:
        raise ValueError(f"accuracy must have an optimum in (0, 1]; got {optimum!r}")
    value = valuation(np.linspace(0, optimum, 1001))
    if not np.all(np.isfinite(value)):
        raise ValueError(f"valuation must be finite on [0, {optimum:g}]; {valuation!r} is not")
    if value[0] != 0:
        raise ValueError(f"valuation must be 0 at accuracy 0; {valuation!r} gives {value[0]!r}")
    if not np.all(np.diff(value) > 0):
        raise ValueError(f"valuation must be strictly increasing; {valuation!r} is not")


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
