"""Classes of outcomes: how many parties turn up in each of some groups of neighboring types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray, IntArray
from ..attendance import n_outcomes
from .bunches import BunchedEnumeration
from .moments import Enumeration, Table
from .outcomes import COUNTS, LOST, OPEN

__all__ = ["Groups", "Parties", "Said", "most_groups"]

#: MOST_ENTRIES: classes times groups may not be more.
MOST_ENTRIES = 220_000


@dataclass(frozen=True, eq=False)
class Parties:
    """Who turns up: so many parties, each of each type with a probability.

    Attributes
    ----------
    number : int
    probabilities : (I,) ndarray
        Of the types, costliest first.
    beliefs : {"paper", "own"}
    """

    number: int
    probabilities: FloatArray
    beliefs: str


@dataclass(frozen=True, eq=False)
class Said:
    """An outcome of which is said that it counts, or is lost.

    Attributes
    ----------
    tails : (I,) ndarray of int
        How many parties there are of each type or a cheaper one.
    counts : bool

    Examples
    --------
    >>> one = Said(np.array([3, 2, 0]), counts=True)  # one costly party and two of the next type
    >>> one.numbers.tolist(), one.implies(np.array([3, 2, 1])), one.implies(np.array([3, 1, 1]))
    ([1.0, 2.0, 0.0], True, False)
    """

    tails: IntArray
    counts: bool

    @property
    def numbers(self) -> FloatArray:
        """How many parties there are of each type, (I,)."""
        return np.asarray(self.tails - np.append(self.tails[1:], 0), dtype=float)

    @property
    def parts_at(self) -> IntArray:
        """Where groups are to be parted for it to say much of classes."""
        types = np.flatnonzero(self.numbers)
        types = types if self.counts else types + 1
        return types[(types > 0) & (types < self.tails.size)]

    def implies(self, tails: IntArray) -> bool:
        """Whether it settles another outcome."""
        more = tails >= self.tails if self.counts else tails <= self.tails
        return bool(more.all())

    def holds(self, contributions: FloatArray, kink: float) -> bool:
        """Whether a menu has it so."""
        collected = float(self.numbers @ contributions)
        return collected >= kink if self.counts else collected <= kink


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of neighboring types, and the classes of outcomes.

    Attributes
    ----------
    starts : (G,) ndarray of int
        The first type of each.
    law : BunchedEnumeration
        Its outcomes are the classes.

    Examples
    --------
    >>> groups = Groups.of(Parties(2, np.full(4, 0.25), "paper"), (0, 1))  # one type, then three
    >>> groups.law.counts.astype(int).tolist()
    [[0, 2], [1, 1], [2, 0]]
    >>> two_of_the_next = Said(np.array([2, 2, 0, 0]), counts=False)
    >>> groups.status((two_of_the_next,)).tolist() == [OPEN, OPEN, LOST]
    True
    """

    starts: IntArray
    law: BunchedEnumeration

    @classmethod
    def of(cls, who: Parties, starts: tuple[int, ...]) -> Groups:
        """Those that start at some types."""
        first, types = np.array(starts), np.arange(who.probabilities.size)
        bunch = np.searchsorted(first, types, side="right") - 1
        law = BunchedEnumeration(who.number, who.probabilities, who.beliefs, bunch)
        return cls(first, law)

    @property
    def lasts(self) -> IntArray:
        """The last type of each group, (G,)."""
        return np.append(self.starts[1:], self.law.bunch.size) - 1

    @cached_property
    def tails(self) -> FloatArray:
        """How many parties there are in each group or a cheaper one, (K, G)."""
        return np.asarray(np.cumsum(self.law.counts[:, ::-1], axis=1)[:, ::-1])

    @property
    def key(self) -> tuple[int, ...]:
        """What they are known by."""
        return tuple(self.starts.tolist())

    def least(self, values: FloatArray) -> IntArray:
        """In each group the type with the least of values (I,), (G,)."""
        return np.lexsort((values, self.law.bunch))[self.starts]

    @cached_property
    def columns(self) -> IntArray:
        """The increments with which groups start, (2G,)."""
        return np.stack([2 * self.starts, 2 * self.starts + 1], axis=1).ravel()

    def status(self, said: tuple[Said, ...]) -> npt.NDArray[np.int8]:
        """What is known of each class, (K,)."""
        status = np.full(len(self.tails), OPEN, dtype=np.int8)
        after = np.hstack([self.tails[:, 1:], np.zeros((len(self.tails), 1))])
        several = self.lasts > self.starts
        for one in said:
            if one.counts:
                within = np.where(several, one.tails[np.minimum(self.starts + 1, self.lasts)], 0)
                counts = (self.tails >= one.tails[self.starts]) & (after >= within)
                status[counts.all(axis=1)] = COUNTS
            else:
                status[(self.tails <= one.tails[self.lasts]).all(axis=1)] = LOST
        return status

    def seen_by(self, types: IntArray) -> Enumeration:
        """Expectations with one option for each group, as one type of each sees it."""
        law, share = self.law, self.law.share[types]
        by_groups = np.ascontiguousarray(law.counts.T)
        present = by_groups
        scale = share / law.present[types]
        if law.beliefs != "own":
            rest = np.log1p(-np.minimum(share, 1 - 2.0**-53))
            present = -np.expm1(by_groups * rest[:, None])
            scale = 1 / law.present[types]
        return Enumeration(Table(law.counts, by_groups, present), law.weights[None], scale[None])


def most_groups(n_parties: int) -> int:
    """How many groups there may be.

    Examples
    --------
    >>> most_groups(10), most_groups(3), most_groups(1000)
    (8, 33, 2)
    """
    n = 1
    while n_outcomes(n_parties, n + 1) * (n + 1) <= MOST_ENTRIES and n < 64:
        n += 1
    return n
