"""The fit of measured points, small enough to run in a web page.

The same as :func:`paid_with_models.beyond.measured_curves.learning_curve` finds for points without
stated errors and baseline, in the part of the language that :mod:`paid_with_models.small` keeps to,
so that the book's build makes JavaScript of it.
"""

import math
from dataclasses import dataclass

__all__ = ["PointFit", "fit_points", "fitted", "least_squares", "nonnegative_least_squares"]

#: SLOWEST, FASTEST, FIT_RATES, RIDGE: as the library has them.
SLOWEST, FASTEST, FIT_RATES, RIDGE = 1 / 3, 30.0, 40, 3e-5
#: USED: fitted weights below this are no part of the curve.
USED = 1e-12
#: PULL: a column is taken up if it lowers the distance at more than this part of the target.
PULL = 1e-14
#: TRIALS: how often a column is taken up, times the number of columns; a few dozen are usual.
TRIALS = 10
#: DEPENDENT: a column with no more of it left than this adds nothing to those before.
DEPENDENT = 1e-13
#: SMALLEST: keeps a division by what may be 0 finite.
SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class PointFit:
    """A sum of saturating exponentials fitted to measured points.

    Attributes
    ----------
    weights, rates : list of float
        a(S) = sum_k w_k (1 - exp(-u_k S)), w >= 0 of sum at most 1.
    """

    weights: list[float]
    rates: list[float]


def fitted(fit: PointFit, data: float) -> float:
    """Accuracy of a model trained on this much data.

    Examples
    --------
    >>> round(fitted(PointFit([0.8], [0.01]), 100.0), 6)
    0.505696
    """
    total = 0.0
    for k in range(len(fit.weights)):
        total -= fit.weights[k] * math.expm1(-fit.rates[k] * data)
    return total


def fit_points(sizes: list[float], accuracies: list[float], units: list[float]) -> PointFit:
    """Fit by least squares on fixed rates, with weights of sum at most 1.

    Parameters
    ----------
    sizes : list of float > 0
    accuracies : list of float
        In [0, 1], not all 0.
    units : list of float > 0
        What misses are counted in.

    Examples
    --------
    >>> sizes = [10.0, 20.0, 50.0, 100.0, 500.0]
    >>> fit = fit_points(sizes, [1 - math.exp(-0.02 * s) for s in sizes], [1.0] * 5)
    >>> abs(fitted(fit, 30.0) - (1 - math.exp(-0.6))) < 1e-3
    True
    """
    low, high = sizes[0], sizes[0]
    for size in sizes:
        low = min(low, size)
        high = max(high, size)
    low, high = math.log(SLOWEST / high), math.log(FASTEST / low)
    rates: list[float] = []
    columns: list[list[float]] = []
    steepest = 0.0
    for k in range(FIT_RATES):
        rate = math.exp(low + (high - low) * k / (FIT_RATES - 1))
        column: list[float] = []
        for i in range(len(sizes)):
            column.append(-math.expm1(-sizes[i] * rate) / units[i])
            steepest = max(steepest, column[i])
        rates.append(rate)
        columns.append(column)
    target: list[float] = []
    for i in range(len(sizes)):
        target.append(accuracies[i] / units[i])
    for _ in range(FIT_RATES):
        target.append(0.0)
    for k in range(FIT_RATES):
        for j in range(FIT_RATES):
            columns[k].append(RIDGE * steepest if j == k else 0.0)
    solution = nonnegative_least_squares(columns, target)
    if _added(solution) > 1:
        solution = _of_sum_one(columns, target)
    used: list[float] = []
    used_rates: list[float] = []
    for k in range(FIT_RATES):
        if solution[k] > USED:
            used.append(solution[k])
            used_rates.append(rates[k])
    return PointFit(used, used_rates)


def _of_sum_one(columns: list[list[float]], target: list[float]) -> list[float]:
    """Minimize the distance of a mean of columns, with weights of sum 1, from the target.

    That is the mean of least length of the columns less the target. A row of equal numbers beside
    them does not move its direction (Lawson and Hanson, Solving Least Squares Problems, 23.4).
    """
    unit = 0.0
    apart: list[list[float]] = []
    for column in columns:
        less: list[float] = []
        for r in range(len(target)):
            less.append(column[r] - target[r])
            unit = max(unit, abs(column[r] - target[r]))
        apart.append(less)
    for k in range(len(apart)):
        apart[k].append(unit)
    ends = [0.0] * len(target)
    ends.append(unit)
    solution = nonnegative_least_squares(apart, ends)
    total = _added(solution)
    for k in range(len(solution)):
        solution[k] /= total
    return solution


def _added(values: list[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


def nonnegative_least_squares(columns: list[list[float]], target: list[float]) -> list[float]:
    """Minimize the distance of a non-negative combination of columns from the target.

    Lawson and Hanson's active-set method.

    Examples
    --------
    >>> nonnegative_least_squares([[1.0, 0.0], [0.0, 1.0]], [2.0, -1.0])
    [2.0, 0.0]
    """
    size, rows = len(columns), len(target)
    x = [0.0] * size
    active = [0] * size
    barred = [0] * size  # of no use at this point: came, and went at once
    scale = 0.0
    for r in range(rows):
        scale = max(scale, abs(target[r]))
    for _ in range(TRIALS * size):
        rest = target[:]
        for k in range(size):
            if x[k] > 0:
                for r in range(rows):
                    rest[r] -= x[k] * columns[k][r]
        steepest, entering = PULL * scale, -1
        for k in range(size):
            if active[k] == 0 and barred[k] == 0:
                pull, length = 0.0, 0.0
                for r in range(rows):
                    pull += columns[k][r] * rest[r]
                    length += columns[k][r] * columns[k][r]
                pull /= math.sqrt(max(length, SMALLEST))
                if pull > steepest:
                    steepest, entering = pull, k
        if entering < 0:
            break
        active[entering] = 1
        while True:
            chosen: list[int] = []
            picked: list[list[float]] = []
            for k in range(size):
                if active[k] == 1:
                    chosen.append(k)
                    picked.append(columns[k])
            free = least_squares(picked, target)
            part, leaving = 1.0, -1
            for a in range(len(chosen)):
                if free[a] <= 0:
                    here = x[chosen[a]]
                    ratio = here / max(here - free[a], SMALLEST)
                    if leaving < 0 or ratio < part:
                        part, leaving = ratio, chosen[a]
            for a in range(len(chosen)):
                x[chosen[a]] += part * (free[a] - x[chosen[a]])
            if leaving < 0:
                break
            x[leaving] = 0.0
            active[leaving] = 0
            for k in chosen:
                if x[k] <= 0:
                    x[k] = 0.0
                    active[k] = 0
            if _added(x) == 0:
                break
        if active[entering] == 0:
            barred[entering] = 1
        else:
            barred = [0] * size
    return x


def least_squares(columns: list[list[float]], target: list[float]) -> list[float]:
    """Solve a least-squares problem by Householder's reflections; columns that add nothing get 0.

    Examples
    --------
    >>> [round(x, 12) for x in least_squares([[1.0, 1.0, 1.0], [0.0, 1.0, 2.0]], [1.0, 3.0, 5.0])]
    [1.0, 2.0]
    """
    size, rows = len(columns), len(target)
    matrix: list[list[float]] = []
    for given in columns:
        matrix.append(given[:])
    right = target[:]
    steps = min(size, rows)
    pivots = [0.0] * size
    for k in range(steps):
        column = matrix[k]
        length, whole = 0.0, 0.0
        for r in range(rows):
            whole += column[r] * column[r]
            if r >= k:
                length += column[r] * column[r]
        length = math.sqrt(length)
        if length <= DEPENDENT * math.sqrt(whole):
            continue
        pivot = -length if column[k] > 0 else length
        pivots[k] = pivot
        column[k] -= pivot
        size_2 = 0.0
        for r in range(k, rows):
            size_2 += column[r] * column[r]
        for other in range(k + 1, size):
            _reflect(column, matrix[other], k, size_2)
        _reflect(column, right, k, size_2)
    x = [0.0] * size
    for k in range(steps - 1, -1, -1):
        if pivots[k] != 0:
            total = right[k]
            for other in range(k + 1, size):
                total -= matrix[other][k] * x[other]
            x[k] = total / pivots[k]
    return x


def _reflect(mirror: list[float], vector: list[float], first: int, size_2: float) -> None:
    along = 0.0
    for r in range(first, len(mirror)):
        along += mirror[r] * vector[r]
    along *= 2 / size_2
    for r in range(first, len(mirror)):
        vector[r] -= along * mirror[r]
