r"""What follows for other types from who is in and who is out.

What a menu is worth to a cost, :math:`u(c) = \max_j t_j - c\, m_j`, is convex and falls with the
cost. Types in have :math:`u(c_i) \ge f_i`; those out, :math:`u(c_k) \le f_k`. The slope at a type's
cost is what it contributes, at most :math:`h_i`, and less beyond. Hence u is at most

* the line between two types out, at the costs between theirs;
* :math:`f_k + \max(c_k - c_i, 0)\, h_i` at :math:`c_i`, if i is in and k out;

and at least :math:`f_i - \max(c - c_i, 0)\, h_i` with i in. A type whose outside option is better
than u can be must be out, and one whose outside option is worse must be in.
"""

from __future__ import annotations

import numpy as np

from ..accuracy import FloatArray, IntArray

__all__ = ["IN", "OUT", "UNDECIDED", "implied"]

#: IN: the type takes part.
IN = 1

#: OUT: the type is left out.
OUT = 0

#: UNDECIDED: it is not decided yet.
UNDECIDED = -1

#: ENTRIES_AT_ONCE: lines between pairs of types are compared up to so many numbers together.
ENTRIES_AT_ONCE = 1_000_000

#: ROUNDING: by how much bounds of u may be off, in values of the best model.
ROUNDING = 1e-13


def implied(
    status: IntArray, costs: FloatArray, outside: FloatArray, most: FloatArray
) -> IntArray | None:
    """A partial selection with all that follows from it; None if nothing can complete it.

    Parameters
    ----------
    status : (I,) ndarray of int
        IN, OUT or UNDECIDED.
    costs, outside : (I,) ndarray
        In values of the best model (per unit of data).
    most : (I,) ndarray
        What each type contributes at most if it is in, units of data.

    Examples
    --------
    >>> costs, outside, most = np.array([0.4, 0.3, 0.1]), np.array([0.8, 0.7, 0.9]), np.full(3, 5.0)
    >>> implied(np.array([UNDECIDED, OUT, UNDECIDED]), costs, outside, most).tolist()
    [0, 0, -1]
    >>> implied(np.array([IN, UNDECIDED, UNDECIDED]), costs, outside, most).tolist()
    [1, 1, -1]
    >>> implied(np.array([IN, OUT, UNDECIDED]), costs, outside, most) is None
    True
    """
    while True:
        out, members = np.flatnonzero(status == OUT), np.flatnonzero(status == IN)
        must_be_out = outside > _upper(costs, outside, most, out) + ROUNDING
        must_be_in = outside < _lower(costs, outside, most, members) - ROUNDING
        if np.any(must_be_out & (must_be_in | (status == IN))):
            return None
        if np.any(must_be_in & (status == OUT)):
            return None
        fresh = (status == UNDECIDED) & (must_be_out | must_be_in)
        if not fresh.any():
            return status
        status = np.where(fresh, np.where(must_be_out, OUT, IN), status)


def _upper(costs: FloatArray, outside: FloatArray, most: FloatArray, out: IntArray) -> FloatArray:
    """What u is at most at each type's cost if that type is in, given who is out."""
    if out.size == 0:
        return np.full(costs.size, np.inf)
    at_once = max(1, ENTRIES_AT_ONCE // out.size**2)
    parts = [slice(start, start + at_once) for start in range(0, costs.size, at_once)]
    given = costs[out], outside[out]
    return np.concatenate([_upper_at(costs[some], most[some], *given) for some in parts])


def _upper_at(at: FloatArray, most: FloatArray, c: FloatArray, f: FloatArray) -> FloatArray:
    """The same at some costs, given those of types that are out and what they have outside."""
    upper = (f + np.maximum(c - at[:, None], 0.0) * most[:, None]).min(axis=1)
    apart = c[:, None] - c
    share = (c[:, None] - at[:, None, None]) / np.where(apart > 0, apart, 1.0)
    line = f[:, None] + share * (f - f[:, None])
    between = (apart > 0) & (share >= 0) & (share <= 1)
    return np.asarray(np.minimum(upper, np.where(between, line, np.inf).min(axis=(1, 2))))


def _lower(
    costs: FloatArray, outside: FloatArray, most: FloatArray, members: IntArray
) -> FloatArray:
    """What u is at least at each type's cost, given who is in."""
    if members.size == 0:
        return np.full(costs.size, -np.inf)
    beyond = np.maximum(costs[:, None] - costs[members], 0.0)
    return np.asarray((outside[members] - beyond * most[members]).max(axis=1))
