"""Measured points of a learning curve: checked, sorted, repeats averaged, with their errors.

What is not a learning curve is refused with a reason; everything else is kept, and what was done
with it is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray, IntArray
from ..arguments import reals

__all__ = ["Points", "collect_points"]

#: LEAST, MOST: amounts of data that are read, in any unit; rates of exponentials stay finite.
LEAST, MOST = 1e-9, 1e15

#: MOST_POINTS: measured points that are read; a curve needs a few dozen, repeats included.
MOST_POINTS = 100_000

#: MOST_SIZES: of more different sizes neighbors are taken together.
MOST_SIZES = 1_000

#: FEWEST: different sizes, no data among them, below which points have no shape.
FEWEST = 3

#: FALL, ORDER: accuracies that fall by more than FALL from the smallest to the largest size, and
#: whose ranks correlate with size by less than ORDER, are taken for an error rate. Of the 4,187
#: real curves with eight sizes or more that ship with the package 9 fall like that.
FALL, ORDER = 0.1, -0.9


@dataclass(frozen=True, eq=False)
class Points:
    """Mean accuracies by size.

    Attributes
    ----------
    sizes : (K,) ndarray
        Different and rising, >= 0, units of data.
    accuracies : (K,) ndarray
        Means over repeats, in [0, 1].
    errors : (K,) ndarray or None
        Standard errors of the means, >= 0; None where neither stated nor to be had from repeats.
    counts : (K,) ndarray of int
        Measurements of each size.
    said : tuple of str
        What was done with the measurements.
    """

    sizes: FloatArray
    accuracies: FloatArray
    errors: FloatArray | None
    counts: IntArray
    said: tuple[str, ...]


def collect_points(
    sizes: npt.ArrayLike,
    accuracies: npt.ArrayLike,
    errors: npt.ArrayLike | None = None,
    *,
    percent: bool = False,
) -> Points:
    """Check measured points, sort them and average repeats.

    Parameters
    ----------
    sizes : (L,) array_like
        Training-set sizes, in any order; 0 is no data.
    accuracies : (L,) array_like
        Accuracies in [0, 1], or in [0, 100] with ``percent``; NaN or None for a gap.
    errors : (L,) array_like >= 0, optional
        Standard errors, in the same unit; NaN where there is none.
    percent : bool
        Whether accuracies and errors are in percent.

    Returns
    -------
    Points

    Raises
    ------
    ValueError
        If these are not numbers, not of one length, too many or of fewer than three sizes; if a
        size or accuracy is out of range; or if accuracies look like percent, an error rate or a
        loss.

    Examples
    --------
    >>> points = collect_points([2000, 500, 500, 8000], [0.86, 0.79, 0.81, 0.9])
    >>> points.sizes.tolist(), points.accuracies.tolist(), points.counts.tolist()
    ([500.0, 2000.0, 8000.0], [0.8, 0.86, 0.9], [2, 1, 1])
    """
    n, a = _reals("sizes", sizes), _reals("accuracies", accuracies)
    e = None if errors is None else _reals("errors", errors)
    if n.shape != a.shape or (e is not None and e.shape != a.shape):
        got = [n.size, a.size] + ([] if e is None else [e.size])
        raise ValueError(f"sizes, accuracies and errors must be of the same length; got {got}")
    if n.size > MOST_POINTS:
        raise ValueError(f"sizes must be at most {MOST_POINTS:,}; got {n.size:,}")
    said = []
    gaps = np.isnan(a)
    if gaps.any():
        said.append(f"{int(gaps.sum())} of {a.size} measurements are missing and left out.")
        n, a = n[~gaps], a[~gaps]
        e = None if e is None else e[~gaps]
    wrong = n[~((n == 0) | ((n >= LEAST) & (n <= MOST)))]
    if wrong.size:
        raise ValueError(f"sizes must be 0, or from {LEAST:g} to {MOST:g}; got {wrong[0]:g}")
    order = np.argsort(n, kind="stable")
    if np.any(np.diff(n) < 0):
        said.append("The sizes were sorted.")
    n, a = n[order], a[order]
    e = None if e is None else e[order]
    a, e = _as_shares(n, a, e, percent)
    points = _averaged(n, a, e, said)
    if points.sizes.size > MOST_SIZES:
        points = _together(points)
    if points.sizes.size < FEWEST:
        raise ValueError(
            f"sizes must be of {FEWEST} different amounts of data or more, no data (0) among them;"
            f" got {points.sizes.tolist()}"
        )
    _check_rises(points)
    return points


def _reals(name: str, values: Any) -> FloatArray:
    """Numbers of an array-like of real numbers, by name if it is something else."""
    if np.ma.isMaskedArray(values):
        raise ValueError(f"{name} must not be masked: leave gaps out, or make them NaN")
    if isinstance(values, bytes | bytearray | memoryview):
        raise ValueError(f"{name} must be numbers; got {type(values).__name__}")
    try:
        array = np.asarray(values)
    except Exception:  # whatever an object's own conversion raises
        raise ValueError(f"{name} must be numbers; got {type(values).__name__}") from None
    known = {"c": "complex numbers", "b": "truth values", "M": "dates", "m": "durations"}
    known |= dict.fromkeys("US", "text") | {"V": "records"}
    if array.dtype.kind in known:
        raise ValueError(f"{name} must be real numbers; got {known[array.dtype.kind]}")
    if array.dtype.kind == "O":  # numbers of Python, and what some libraries have for a gap
        gaps = [it is None or type(it).__name__ == "NAType" for it in array.flat]
        values = np.where(np.reshape(gaps, array.shape), np.nan, array).tolist()
    if array.ndim != 1 or array.size == 0:
        got = f"an array of shape {array.shape}" if array.shape else f"a {type(values).__name__}"
        raise ValueError(f"{name} must be a list, not empty; got {got}")
    return reals(name, values if isinstance(values, list | tuple) else array)


def _as_shares(
    n: FloatArray, a: FloatArray, e: FloatArray | None, percent: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Accuracies and errors between 0 and 1, or the reason why they are not."""
    if a.size == 0:
        raise ValueError("accuracies must hold a number; all are missing")
    least, most = float(a.min()), float(a.max())
    if least < 0:
        raise ValueError(f"accuracies must not be negative; got {least:g}")
    if percent and not 1 < most <= 100:
        why = "all are at most 1: leave percent out" if most <= 1 else "more than 100 is none"
        raise ValueError(f"accuracies must be percent, as percent is asked for; {why}")
    if not percent and most > 1:
        falls = a.size > 1 and a[-1] < a[0]
        if falls:
            raise ValueError(
                f"accuracies must lie in [0, 1]; got {most:g}, and they fall with more data: they"
                " look like a loss, which is not an accuracy"
            )
        if most <= 100:
            raise ValueError(
                f"accuracies must lie in [0, 1]; got {most:g}: they look like percent, so divide"
                " by 100 or say percent=True"
            )
        raise ValueError(f"accuracies must lie in [0, 1]; got {most:g}")
    scale = 100.0 if percent else 1.0
    if e is not None:
        bad = e[~(np.isnan(e) | ((e >= 0) & (e <= scale)))]
        if bad.size:
            raise ValueError(
                f"errors must lie in [0, {scale:g}], in the unit of accuracies; got {bad[0]:g}"
            )
        e = e / scale
    return a / scale, e


def _averaged(n: FloatArray, a: FloatArray, e: FloatArray | None, said: list[str]) -> Points:
    """One point a size: means, and standard errors from repeats and from what is stated."""
    sizes, which, counts = np.unique(n, return_inverse=True, return_counts=True)
    means = np.bincount(which, a) / counts
    spread = np.bincount(which, (a - means[which]) ** 2)
    found: FloatArray | None = None
    free = int(np.sum(counts - 1))
    if free > 0:
        said.append(f"Repeats of {int(np.sum(counts > 1))} sizes were averaged.")
        # Sizes measured once vary as the others do.
        pooled = spread.sum() / free
        own = np.divide(spread, counts - 1, out=np.full(sizes.size, pooled), where=counts > 1)
        # The variance of few repeats is itself a guess: half of it is that of all sizes.
        found = np.sqrt(0.5 * (own + pooled) / counts)
    if e is not None:
        stated = ~np.isnan(e)
        if stated.any():
            squares = np.bincount(which[stated], e[stated] ** 2, sizes.size)
            of_size = np.bincount(which[stated], minlength=sizes.size)
            typical = float(np.median(e[stated]))
            mean_square = np.divide(
                squares, of_size, out=np.full(sizes.size, typical**2), where=of_size > 0
            )
            given = np.sqrt(mean_square / counts)
            found = given if found is None else np.maximum(given, found)
            if not stated.all():
                said.append("Points without an error have the median one.")
    if found is not None and not np.any(found > 0):
        found = None
    return Points(sizes, means, found, counts.astype(np.intp), tuple(said))


def _together(points: Points) -> Points:
    """Neighbors as one point each, where there are more sizes than a curve can tell apart."""
    sizes, counts = points.sizes, points.counts
    first, last = np.log(sizes[sizes > 0][[0, -1]])
    with np.errstate(divide="ignore"):  # no data stays by itself
        place = np.floor((np.log(sizes) - first) / (last - first) * (MOST_SIZES - 2))
    _, which = np.unique(place, return_inverse=True)
    total = np.bincount(which, counts)
    together = np.bincount(which, counts * sizes) / total
    accuracies = np.bincount(which, counts * points.accuracies) / total
    errors = points.errors
    if errors is not None:
        errors = np.sqrt(np.bincount(which, (counts * errors) ** 2)) / total
    said = (
        f"Points of {sizes.size:,} sizes were taken together in {total.size:,} groups of neighbors."
    )
    return Points(together, accuracies, errors, total.astype(np.intp), (*points.said, said))


def _check_rises(points: Points) -> None:
    """Refuse what falls all along: an error rate."""
    a = points.accuracies
    ranks = np.argsort(np.argsort(a, kind="stable"))
    order = float(np.corrcoef(np.arange(a.size), ranks)[0, 1])
    if a[0] - a[-1] > FALL and order < ORDER:
        raise ValueError(
            f"accuracies must not fall all along with more data; got {a[0]:.4g} at"
            f" {points.sizes[0]:g} and {a[-1]:.4g} at {points.sizes[-1]:g}. An error rate? Then"
            " give 1 minus it. Accuracies that truly fall are not those of a learning curve"
        )
