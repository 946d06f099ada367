"""What is to be known of measured points and of the curve fitted to them, in words.

Well-behaved learning curves rise and bend down (Viering and Loog 2023). Some do not: they dip,
fall, stay flat and jump (Loog and Viering 2022). An increasing concave fit hides that, so it is
said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..accuracy import FloatArray
from .points import Points

__all__ = ["Finding", "amount", "judge"]

#: MISS: a point that the fit misses by more than this, as a share, puts the fit in doubt.
MISS = 0.03

#: DIP: accuracies that fall by more than this from one size to the next dip, unless twice the
#: error of the difference is more.
DIP = 0.01

#: JUMP, FLAT: a step of more than JUMP that holds more than half of the rise, after a stretch that
#: holds less than FLAT of it, is a jump.
JUMP, FLAT = 0.1, 0.1

#: RISING: a curve that gained more than this by the last doubling of data has not levelled off.
RISING = 0.01

#: LITTLE: a rise over all sizes of less than this is none.
LITTLE = 0.01


@dataclass(frozen=True)
class Finding:
    """One thing to know.

    Attributes
    ----------
    kind : str
        ``misses``, ``falls``, ``jump``, ``flat``, ``dips``, ``rising``, ``early``, ``below``,
        ``baseline``, ``noise``, ``unit`` or ``points``.
    text : str
        A sentence or two.
    grave : bool
        Whether it puts the curve in doubt.
    """

    kind: str
    text: str
    grave: bool


def judge(
    points: Points, fitted: Callable[[FloatArray], FloatArray], baseline: float, *, stated: bool
) -> tuple[Finding, ...]:
    """Say what is to be known, the gravest first.

    Parameters
    ----------
    points : Points
    fitted : callable
        From sizes to accuracies, baseline included.
    baseline : float
        Accuracy that is worth nothing.
    stated : bool
        Whether the user stated a baseline.

    Returns
    -------
    tuple of Finding

    Examples
    --------
    >>> from paid_with_models.beyond.points import collect_points
    >>> points = collect_points([10, 20, 40, 80], [0.5, 0.7, 0.6, 0.72])
    >>> [it.kind for it in judge(points, lambda n: 0.5 + 0 * n, 0.0, stated=False) if it.grave]
    ['misses', 'dips']
    """
    found = [*_misses(points, fitted, baseline), *_shape(points), *_edges(points, fitted, baseline)]
    if points.sizes[0] > 0 and not stated:
        found.append(
            Finding(
                "baseline",
                "No baseline is stated, so that a model of any accuracy above 0 counts as worth"
                " something. State the accuracy of the majority class, or of guessing.",
                False,
            )
        )
    if points.errors is None:
        found.append(
            Finding(
                "noise",
                "There are neither errors nor repeats: how far measurements vary is judged by what"
                " the fit misses.",
                False,
            )
        )
    found += [Finding("points", text, False) for text in points.said]
    return tuple(sorted(found, key=lambda finding: not finding.grave))


def amount(size: float) -> str:
    """An amount of data as a sentence states it.

    Examples
    --------
    >>> amount(11360.4), amount(0.125)
    ('11,360', '0.125')
    """
    return f"{size:,.0f}" if size >= 1000 else f"{size:.4g}"


def _misses(
    points: Points, fitted: Callable[[FloatArray], FloatArray], baseline: float
) -> Iterator[Finding]:
    worth = np.maximum(points.accuracies, baseline)
    curve = fitted(points.sizes)
    misses = np.abs(curve - worth)
    far = misses > MISS
    if far.any():
        k = int(misses.argmax())
        yield Finding(
            "misses",
            f"The fit misses {int(far.sum())} of {far.size} points by more than"
            f" {100 * MISS:g} percentage points, most at {amount(points.sizes[k])}: measured"
            f" {points.accuracies[k]:.3f}, fitted {curve[k]:.3f}.",
            True,
        )
    below = points.accuracies[points.sizes > 0] < baseline
    if below.any():
        yield Finding(
            "below",
            f"{int(below.sum())} of {below.size} points lie below the baseline, {baseline:.3f}, and"
            " count as it: such models are worth nothing.",
            False,
        )


def _shape(points: Points) -> Iterator[Finding]:
    n, a = points.sizes, points.accuracies
    steps = np.diff(a)
    squares = np.zeros(a.size) if points.errors is None else points.errors**2
    best, last = int(a.argmax()), a.size - 1
    drop = float(a[best] - a[last])
    falls = drop > max(2 * DIP, 2 * float(np.sqrt(squares[best] + squares[last])))
    rise = float(a[best] - a[0])
    if falls:
        yield Finding(
            "falls",
            f"More data made models worse: accuracy falls from {a[best]:.3f} at {amount(n[best])}"
            f" to {a[last]:.3f} at {amount(n[last])}. The fit stays level there.",
            True,
        )
    elif rise < LITTLE:
        yield Finding(
            "flat",
            f"Accuracy hardly rises: by {max(rise, 0.0):.3f} over all sizes. More data are worth"
            " next to nothing there.",
            True,
        )
    k = int(steps.argmax())
    before = float(a[: k + 1].max() - a[0])
    if k >= 1 and rise > 0 and steps[k] > max(JUMP, 0.5 * rise) and before < FLAT * rise:
        yield Finding(
            "jump",
            f"Accuracy stays flat and then jumps: from {a[k]:.3f} at {amount(n[k])} to"
            f" {a[k + 1]:.3f} at {amount(n[k + 1])}. No concave curve does that.",
            True,
        )
    noise = 2 * np.sqrt(squares[:-1] + squares[1:])
    dips = np.flatnonzero(-steps > np.maximum(DIP, noise))
    if dips.size:
        d = int(dips[steps[dips].argmin()])
        more = f", the largest of {dips.size} dips" if dips.size > 1 else ""
        yield Finding(
            "dips",
            f"Accuracy dips: from {amount(n[d])} to {amount(n[d + 1])} it falls from {a[d]:.3f}"
            f" to {a[d + 1]:.3f}{more}.",
            True,
        )


def _edges(
    points: Points, fitted: Callable[[FloatArray], FloatArray], baseline: float
) -> Iterator[Finding]:
    """What is not known because it was not measured."""
    first, last = float(points.sizes[points.sizes > 0][0]), float(points.sizes[-1])
    before, half, end = fitted(np.array([first, last / 2, last]))
    if last <= 1:
        yield Finding(
            "unit",
            f"Amounts of data are at most {amount(last)}. If they are shares of a training set,"
            " give amounts themselves: costs are per unit of them.",
            False,
        )
    if end - half > RISING:
        yield Finding(
            "rising",
            f"The curve has not levelled off: the last doubling of data, up to {amount(last)},"
            f" still gained {end - half:.3f}. What more data would add is a guess.",
            False,
        )
    if before - baseline > 0.5 * (end - baseline):
        share = (before - baseline) / (end - baseline)
        yield Finding(
            "early",
            f"{100 * share:.0f} % of what a model is worth at most comes before the smallest size"
            f" measured, {amount(first)}, where the curve is a guess.",
            False,
        )
