"""Measured points as people have them, and what is to be known of a fit, for a web page.

The same as :func:`paid_with_models.beyond.points.collect_points` makes of points without stated
errors, and the graver of what :func:`paid_with_models.beyond.findings.judge` finds.
"""

import math
from dataclasses import dataclass

from .point_fit import PointFit, fitted

__all__ = ["Doubts", "MeasuredPoints", "doubts", "falls_all_along", "pool"]

#: FALL, ORDER, MISS, DIP, JUMP, FLAT, LITTLE: as the library has them.
FALL, ORDER, MISS, DIP, JUMP, FLAT, LITTLE = 0.1, -0.9, 0.03, 0.01, 0.1, 0.1, 0.01


@dataclass(frozen=True, eq=False)
class MeasuredPoints:
    """Mean accuracies by size.

    Attributes
    ----------
    sizes, accuracies : list of float
        Different and rising; means over repeats.
    errors : list of float
        Standard errors of the means; 0 where there are no repeats to find them from.
    units : list of float > 0
        What misses are counted in.
    repeated : int
        How many sizes were measured more than once.
    ordered : bool
        Whether the sizes were stated in order.
    """

    sizes: list[float]
    accuracies: list[float]
    errors: list[float]
    units: list[float]
    repeated: int
    ordered: bool


@dataclass(frozen=True, eq=False)
class Doubts:
    """What puts a fit in doubt; places are indices of points, -1 for none.

    Attributes
    ----------
    missed : int
        How many points the fit misses by more than 3 percentage points.
    farthest : int
        The one that it misses most.
    falls : int
        The best point, if accuracy has fallen from it by the last.
    flat : bool
        Whether accuracy hardly rises.
    jump : int
        The point before a jump after a flat stretch.
    dips, deepest : int
        How many dips there are, and the point before the deepest.
    """

    missed: int
    farthest: int
    falls: int
    flat: bool
    jump: int
    dips: int
    deepest: int


def pool(sizes: list[float], accuracies: list[float]) -> MeasuredPoints:
    """Sort measured points and average repeats.

    Parameters
    ----------
    sizes : list of float > 0
        In any order.
    accuracies : list of float
        In [0, 1].

    Examples
    --------
    >>> points = pool([2000.0, 500.0, 500.0, 8000.0], [0.86, 0.79, 0.81, 0.9])
    >>> points.sizes, [round(a, 12) for a in points.accuracies], points.repeated, points.ordered
    ([500.0, 2000.0, 8000.0], [0.8, 0.86, 0.9], 1, False)
    """
    ordered = True
    order: list[int] = []
    for k in range(len(sizes)):
        if k > 0 and sizes[k] < sizes[k - 1]:
            ordered = False
        place = len(order)
        order.append(k)
        while place > 0 and sizes[order[place - 1]] > sizes[k]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = k
    different: list[float] = []
    counts: list[float] = []
    sums: list[float] = []
    for k in order:
        if len(different) == 0 or sizes[k] > different[len(different) - 1]:
            different.append(sizes[k])
            counts.append(0.0)
            sums.append(0.0)
        counts[len(counts) - 1] += 1
        sums[len(sums) - 1] += accuracies[k]
    means: list[float] = []
    for i in range(len(different)):
        means.append(sums[i] / counts[i])
    spread = [0.0] * len(different)
    free, all_spread, repeated, place = 0.0, 0.0, 0, 0
    for k in order:
        if sizes[k] > different[place]:
            place += 1
        off = accuracies[k] - means[place]
        spread[place] += off * off
        all_spread += off * off
    for count in counts:
        free += count - 1
        repeated += 1 if count > 1 else 0
    errors = [0.0] * len(different)
    found: list[float] = []
    if free > 0:
        # Half of the variance of few repeats is that of all sizes, as the library has it.
        pooled = all_spread / free
        for i in range(len(different)):
            own = spread[i] / (counts[i] - 1) if counts[i] > 1 else pooled
            errors[i] = math.sqrt(0.5 * (own + pooled) / counts[i])
            if errors[i] > 0:
                found.append(errors[i])
    typical = _median(found)
    units: list[float] = []
    for i in range(len(different)):
        own = math.sqrt(errors[i] * errors[i] + typical * typical)
        units.append(own if own > 0 else 1 / math.sqrt(counts[i]))
    return MeasuredPoints(different, means, errors, units, repeated, ordered)


def _median(values: list[float]) -> float:
    """The median, 0 of nothing."""
    size = len(values)
    low, high = 0.0, 0.0
    for value in values:
        below, same = 0, 0
        for other in values:
            below += 1 if other < value else 0
            same += 1 if other == value else 0
        if 2 * below < size and 2 * (below + same) >= size:
            low = value
        if 2 * below <= size and 2 * (below + same) > size:
            high = value
    return 0.5 * (low + high)


def falls_all_along(points: MeasuredPoints) -> bool:
    """Whether accuracies fall as an error rate does.

    Examples
    --------
    >>> falls_all_along(pool([10.0, 20.0, 40.0, 80.0], [0.5, 0.4, 0.3, 0.25]))
    True
    """
    a = points.accuracies
    size, last = len(a), len(a) - 1
    apart = 0.0
    for i in range(size):
        rank = 0
        for j in range(size):
            if a[j] < a[i] or (a[j] == a[i] and j < i):
                rank += 1
        apart += (rank - i) * (rank - i)
    order = 1 - 6 * apart / max(size * (size * size - 1), 1)
    return a[0] - a[last] > FALL and order < ORDER


def doubts(points: MeasuredPoints, fit: PointFit) -> Doubts:
    """Say what puts a fit in doubt.

    Examples
    --------
    >>> from paid_with_models.small.point_fit import fit_points
    >>> points = pool([10.0, 20.0, 40.0, 80.0], [0.5, 0.7, 0.6, 0.72])
    >>> found = doubts(points, fit_points(points.sizes, points.accuracies, points.units))
    >>> found.dips, found.deepest, found.falls
    (1, 1, -1)
    """
    a, errors = points.accuracies, points.errors
    size, last = len(a), len(a) - 1
    missed, farthest, far = 0, 0, 0.0
    best, steepest, deepest = 0, 0, -1
    dips, deep = 0, 0.0
    for i in range(size):
        miss = abs(fitted(fit, points.sizes[i]) - a[i])
        missed += 1 if miss > MISS else 0
        if miss > far:
            far, farthest = miss, i
        if a[i] > a[best]:
            best = i
        if i < last:
            step = a[i + 1] - a[i]
            if step > a[steepest + 1] - a[steepest]:
                steepest = i
            noise = 2 * math.sqrt(errors[i] * errors[i] + errors[i + 1] * errors[i + 1])
            if -step > max(DIP, noise):
                dips += 1
                if -step > deep:
                    deep, deepest = -step, i
    noise = 2 * math.sqrt(errors[best] * errors[best] + errors[last] * errors[last])
    falls = best if a[best] - a[last] > max(2 * DIP, noise) else -1
    rise = a[best] - a[0]
    before = 0.0
    for i in range(steepest + 1):
        before = max(before, a[i] - a[0])
    jumps = steepest >= 1 and rise > 0
    if jumps:
        step = a[steepest + 1] - a[steepest]
        jumps = step > max(JUMP, 0.5 * rise) and before < FLAT * rise
    flat = falls < 0 and rise < LITTLE
    return Doubts(missed, farthest, falls, flat, steepest if jumps else -1, dips, deepest)
