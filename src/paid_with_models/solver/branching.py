"""What every branch and bound shares: parts of the sets of menus, and which to split next.

A *part* is a box of contributions (:mod:`paid_with_models.solver.boxes`) or a way to say which
outcomes count (:mod:`paid_with_models.solver.outcomes`). Parts that cannot hold a better menu are
dropped, and those of highest bound split, ties in order of creation: the search is deterministic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..accuracy import BoolArray, FloatArray, IntArray
from .menus import Incumbents

__all__ = ["Closed", "Parts"]

#: PENALTY: the first price of violating elastic caps, in accuracy per value of the best model. Too
#: high a price makes the path to the optimum hard to follow.
PENALTY = 30.0

#: PENALTY_GROWTH: factor by which a price is raised where it was too low.
PENALTY_GROWTH = 10.0

#: PENALTY_LIMIT: no price is raised beyond this; constraints worth more are numerically rigid.
PENALTY_LIMIT = 1e7


@dataclass(frozen=True, eq=False)
class Closed:
    """What branch and bound has found.

    Attributes
    ----------
    best : Incumbents
        The best menus known.
    bounds : (B,) ndarray
        Upper bounds on the expected accuracy of every menu, at least what is reached.
    boxes : (B,) ndarray of int
        How many parts were relaxed for each problem.
    """

    best: Incumbents
    bounds: FloatArray
    boxes: IntArray


@dataclass(frozen=True, eq=False)
class Parts:
    """Parts of the sets of menus of some problems of a batch.

    Attributes
    ----------
    row : (M,) ndarray of int
        Whose menus.
    bound : (M,) ndarray
        No menu in the part has a higher expected accuracy.
    penalty : (M,) ndarray
        Price at which its elastic caps are to be relaxed.

    Examples
    --------
    >>> parts = Parts(np.array([0, 0, 1]), np.array([0.5, 0.7, 0.6]), np.full(3, PENALTY))
    >>> Parts.join([parts.take(slice(1)), parts.take(slice(2, 3))]).bound
    array([0.5, 0.6])
    >>> [parts.highest(2, np.array(going)) for going in ([True, True], [False, True])]
    [array([False,  True,  True]), array([False, False,  True])]
    """

    row: IntArray
    bound: FloatArray
    penalty: FloatArray

    def take(self, which: npt.NDArray[Any] | slice) -> Self:
        """Some of the parts."""
        return type(self)(*(array[which] for array in vars(self).values()))

    @classmethod
    def join(cls, records: list[Self]) -> Self:
        """All the parts of several records."""
        columns = zip(*(vars(record).values() for record in records), strict=True)
        return cls(*map(np.concatenate, columns))

    def raised(self, short: BoolArray) -> FloatArray:
        """The prices, raised where they were too `short`, (M,)."""
        raised = np.minimum(PENALTY_GROWTH * self.penalty, PENALTY_LIMIT)
        return np.where(short, raised, self.penalty)

    def better_than(self, best: Incumbents, tolerance: float) -> BoolArray:
        """Which parts may hold a menu that is better by more than `tolerance`, (M,)."""
        return self.bound > best.reached[self.row] + tolerance

    def kept(self, keep: BoolArray, left: FloatArray) -> Self:
        """The parts to `keep`; `left`, (B,), is raised to the bounds of all others."""
        np.maximum.at(left, self.row[~keep], self.bound[~keep])
        return self.take(keep)

    def highest(self, most: int, going: BoolArray) -> BoolArray:
        """Which parts have the highest bounds of their problems, (M,).

        Parameters
        ----------
        most : int >= 1
            How many parts, of all problems about equally many.
        going : (B,) ndarray of bool
            The problems that go on.
        """
        some = np.flatnonzero(going[self.row])
        order = some[np.lexsort((-self.bound[some], self.row[some]))]
        rank = np.arange(order.size) - np.searchsorted(self.row[order], self.row[order])
        chosen = np.zeros(self.row.size, dtype=bool)
        chosen[order[np.argsort(rank, kind="stable")[:most]]] = True
        return chosen
