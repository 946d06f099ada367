"""Non-negative least squares whose coefficients have a largest sum."""

from __future__ import annotations

import numpy as np

from ..accuracy import FloatArray
from ..solver.least_squares import non_negative

__all__ = ["capped_least_squares"]

#: ROUNDING: of a sum of a hundred terms, relative.
ROUNDING = 1e-14


def capped_least_squares(
    design: FloatArray, target: FloatArray, ceiling: float, ridge: float = 0.0
) -> FloatArray:
    """Minimize the distance of a non-negative combination of columns from a target.

    Where the free solution has too large a sum, that of sum ``ceiling`` is the mean of least length
    of the columns' differences from the target (Lawson and Hanson, Solving Least Squares Problems,
    section 23.4).

    Parameters
    ----------
    design : (K, J) ndarray
    target : (K,) ndarray
    ceiling : float > 0
        Most that the coefficients, (J,), may sum to.
    ridge : float >= 0
        Coefficients count as misses do, with this share of the largest entry of the design as
        factor. Any share above 0 makes the solution unique.

    Raises
    ------
    ArithmeticError
        If numbers are too large for any to be found.

    Examples
    --------
    >>> capped_least_squares(np.eye(2), np.array([2.0, 1.0]), 1.0).round(12).tolist()
    [1.0, 0.0]
    """
    columns = design.shape[1]
    if ridge > 0:
        design = np.vstack([design, ridge * np.abs(design).max() * np.eye(columns)])
        target = np.append(target, np.zeros(columns))
    free = non_negative(design, target)
    if free.sum() <= ceiling:
        return free
    apart = ceiling * design - target[:, None]
    unit = np.abs(apart).max()
    rows = np.vstack([apart, np.full(columns, unit)])
    shares = non_negative(rows, np.append(np.zeros(target.size), unit))
    if not shares.any():
        raise ArithmeticError("no combination of exponentials was found: numbers are too large")
    # However the sum is rounded, it must not pass the ceiling.
    return np.asarray(ceiling * (1 - ROUNDING) * shares / shares.sum())
