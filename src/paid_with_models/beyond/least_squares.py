"""Non-negative least squares whose coefficients have a largest sum."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from ..accuracy import FloatArray

__all__ = ["capped_least_squares"]

#: MOST_STEPS: of the active-set method; a few dozen are usual.
MOST_STEPS = 9999

#: ROUNDING: of a sum of a hundred terms, relative.
ROUNDING = 1e-14


def capped_least_squares(
    design: FloatArray, target: FloatArray, ceiling: float, ridge: float = 0.0
) -> FloatArray:
    """Minimize the distance of a non-negative combination of columns from a target.

    Parameters
    ----------
    design : (K, J) ndarray
    target : (K,) ndarray
    ceiling : float > 0
        Most that the coefficients may sum to.
    ridge : float >= 0
        Coefficients count as misses do with this factor, relative to the largest entry of the
        design. Any factor above 0 makes the solution unique.

    Returns
    -------
    (J,) ndarray
        If the free solution has a larger sum, that of sum ``ceiling``: a mean of ``ceiling`` times
        the columns, of which the one closest to the target is found as the mean of least length of
        their differences (Lawson and Hanson, Solving Least Squares Problems, section 23.4).

    Examples
    --------
    >>> capped_least_squares(np.eye(2), np.array([2.0, -1.0]), 5.0).tolist()
    [2.0, 0.0]
    >>> capped_least_squares(np.eye(2), np.array([2.0, 1.0]), 1.0).round(12).tolist()
    [1.0, 0.0]
    """
    n_columns = design.shape[1]
    if ridge > 0:
        design = np.vstack([design, ridge * np.abs(design).max() * np.eye(n_columns)])
        target = np.append(target, np.zeros(n_columns))
    free, _ = nnls(design, target, maxiter=MOST_STEPS)
    if free.sum() <= ceiling:
        return np.asarray(free)
    apart = ceiling * design - target[:, None]
    unit = np.abs(apart).max()
    rows = np.vstack([apart, np.full(n_columns, unit)])
    shares, _ = nnls(rows, np.append(np.zeros(target.size), unit), maxiter=MOST_STEPS)
    # However the sum is rounded, it must not pass the ceiling.
    return np.asarray(ceiling * (1 - ROUNDING) * shares / shares.sum())
