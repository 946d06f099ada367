"""Non-negative least squares that always answers."""

from __future__ import annotations

import numpy as np
import scipy  # its parts are imported where they are used

from ..accuracy import FloatArray

__all__ = ["non_negative"]

#: SWEEPS: steps for each column; where rounding leads the active-set method in circles there is no
#: end.
SWEEPS = 10


@np.errstate(all="ignore")  # what overflows is no answer
def non_negative(rows: FloatArray, side: FloatArray) -> FloatArray:
    """Numbers x >= 0 for which rows @ x is closest to the side.

    Where rounding leads the active-set method in circles, or astray, a method of interior points
    answers. Whatever comes out is finite and no farther from the side than zeros are.

    Parameters
    ----------
    rows : (K, J) ndarray
    side : (K,) ndarray

    Returns
    -------
    (J,) ndarray
        Zeros where none are found: numbers are infinite, say.

    Examples
    --------
    >>> non_negative(np.eye(2), np.array([3.0, -1.0])).tolist()
    [3.0, 0.0]
    """
    for method in (_active_set, _interior_points):
        try:
            found = method(rows, side)
        except (RuntimeError, ValueError, ArithmeticError):  # np.linalg.LinAlgError is a ValueError
            continue
        if np.all(found >= 0) and np.linalg.norm(rows @ found - side) <= np.linalg.norm(side):
            return found
    return np.zeros(rows.shape[1])


def _active_set(rows: FloatArray, side: FloatArray) -> FloatArray:
    return np.asarray(scipy.optimize.nnls(rows, side, maxiter=SWEEPS * rows.shape[1])[0])


def _interior_points(rows: FloatArray, side: FloatArray) -> FloatArray:
    return np.asarray(scipy.optimize.lsq_linear(rows, side, (0, np.inf)).x)
