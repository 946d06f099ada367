r"""Rules that say who gives how much, given who joined.

A rule takes counts n, how many parties of each type joined, and returns the quota of a party of
each type. Quotas are real numbers; :func:`whole_quotas` makes them whole samples by lot without
changing any party's mean, nor the total by one sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray, IntArray
from ..arguments import ReadOnly, real, reals, wholes
from ..texts import brief

__all__ = ["ConstantQuotas", "FixedQuotas", "QuotaTable", "ShareRule", "whole_quotas"]


#: MOST: samples that all parties together can be asked for: beyond it whole numbers are no floats.
MOST = 2**53


def _counts(counts: npt.ArrayLike, n_types: int) -> npt.NDArray[np.int64]:
    """Whole numbers of parties, of the shape given, (I,) or (K, I)."""
    rule = f"rows of {n_types} whole numbers >= 0, of parties that can join"
    asked = wholes("counts", counts, rule)
    if asked.ndim not in (1, 2) or asked.shape[-1] != n_types:
        raise ValueError(f"counts must be {rule}; got {brief(counts)}")
    return asked.astype(np.int64)


@dataclass(frozen=True, eq=False)
class ShareRule:
    """Who gives which share: by weights, within the highest tier that is there.

    Attributes
    ----------
    weights : (I,) ndarray >= 0
        g_i: a party of type i gives g_i out of the sum of the weights of all who give.
    tiers : (I,) ndarray of int
        Only the highest tier with a party present gives.
    """

    weights: FloatArray
    tiers: IntArray

    def shares(self, counts: FloatArray) -> FloatArray:
        """The share of the total that a party of each type gives, (K, I) for counts (K, I).

        Examples
        --------
        >>> rule = ShareRule(np.array([1.0, 3.0]), np.array([0, 0]))
        >>> rule.shares(np.array([[1.0, 1.0], [2.0, 0.0]])).tolist()
        [[0.25, 0.75], [0.5, 0.0]]
        """
        there = (counts > 0) & (self.weights > 0)
        first = np.where(there, self.tiers, -1).max(axis=1, keepdims=True)
        gives = np.where(there & (self.tiers == first), self.weights, 0.0)
        whole = (gives * counts).sum(axis=1, keepdims=True)
        return np.asarray(np.divide(gives, whole, out=np.zeros_like(gives), where=whole > 0))


@dataclass(frozen=True, eq=False)
class QuotaTable(ReadOnly):
    """Quotas outcome by outcome.

    Attributes
    ----------
    counts : (K, I) ndarray of int
        How many parties of each type joined.
    contributions : (K, I) ndarray
        Quota of a party of each type, units of data; 0 where there is none.
    carried_out : (K,) ndarray
        Probability that the scheme is carried out. It is 1 but where so few joined that a lottery
        between a useful amount of data and nothing is better than little data for sure.

    Examples
    --------
    >>> table = QuotaTable(np.array([[0, 1], [1, 0]]), np.array([[0.0, 7.0], [3.0, 0.0]]),
    ...                    np.ones(2))
    >>> table.quotas([1, 0]).tolist()
    [3.0, 0.0]
    """

    counts: npt.NDArray[np.int64]
    contributions: FloatArray
    carried_out: FloatArray

    @cached_property
    def _places(self) -> dict[tuple[int, ...], int]:
        return {tuple(row): k for k, row in enumerate(self.counts.tolist())}

    def quotas(self, counts: npt.ArrayLike) -> FloatArray:
        """Quotas when ``counts`` joined, same shape, (I,) or (K, I).

        Raises
        ------
        ValueError
            If counts are not among those that can join.
        """
        return np.asarray(self.contributions[self._rows(counts)].reshape(np.shape(counts)))

    def chance(self, counts: npt.ArrayLike) -> FloatArray:
        """Probability that the scheme is carried out when ``counts`` joined, () or (K,).

        Raises
        ------
        ValueError
            If counts are not among those that can join.
        """
        return np.asarray(self.carried_out[self._rows(counts)].reshape(np.shape(counts)[:-1]))

    def _rows(self, counts: npt.ArrayLike) -> list[int]:
        asked = np.atleast_2d(_counts(counts, self.counts.shape[1]))
        try:
            return [self._places[tuple(row)] for row in asked.tolist()]
        except KeyError as error:
            raise ValueError(
                f"counts must be of parties that can join; got {list(error.args[0])}"
            ) from None


@dataclass(frozen=True, eq=False)
class ConstantQuotas:
    """Quotas that add up to the same total whoever joins.

    Attributes
    ----------
    total : float
        Units of data, if the scheme is carried out.
    rule : ShareRule
        Who gives which share of it.
    carried_out : float
        Probability that the scheme is carried out; 1 unless little can be collected.

    Examples
    --------
    >>> rule = ShareRule(np.array([1.0, 3.0]), np.array([0, 0]))
    >>> ConstantQuotas(100.0, rule, 1.0).quotas([1, 1]).tolist()
    [25.0, 75.0]
    """

    total: float
    rule: ShareRule
    carried_out: float

    def quotas(self, counts: npt.ArrayLike) -> FloatArray:
        """Quotas when ``counts`` joined, same shape, (I,) or (K, I)."""
        asked = _counts(counts, self.rule.weights.size)
        shares = self.rule.shares(np.atleast_2d(asked).astype(float))
        return np.asarray((self.total * shares).reshape(np.shape(counts)))

    def chance(self, counts: npt.ArrayLike) -> FloatArray:
        """Probability that the scheme is carried out when ``counts`` joined, () or (K,)."""
        return np.full(_counts(counts, self.rule.weights.size).shape[:-1], self.carried_out)


@dataclass(frozen=True, eq=False)
class FixedQuotas(ReadOnly):
    """Quotas that do not depend on who joins: a menu.

    Attributes
    ----------
    contributions : (I,) ndarray
        Units of data.

    Examples
    --------
    >>> FixedQuotas(np.array([10.0, 20.0])).quotas([0, 3]).tolist()
    [0.0, 20.0]
    """

    contributions: FloatArray

    def quotas(self, counts: npt.ArrayLike) -> FloatArray:
        """Quotas when ``counts`` joined, same shape, (I,) or (K, I)."""
        return np.where(_counts(counts, self.contributions.size) > 0, self.contributions, 0.0)

    def chance(self, counts: npt.ArrayLike) -> FloatArray:
        """1: a menu is always carried out, () or (K,)."""
        return np.ones(_counts(counts, self.contributions.size).shape[:-1])


def whole_quotas(quotas: npt.ArrayLike, counts: npt.ArrayLike, lot: float) -> list[IntArray]:
    """Quotas in whole samples, drawn by one lot for all parties (systematic sampling).

    Every party gives its quota rounded down or up, on average over the lot exactly its quota, so
    that no incentive changes; and all together give the total rounded down or up. What that costs
    is less than what one sample of the total is worth.

    Parameters
    ----------
    quotas : (I,) array_like >= 0
        Of a party of each type.
    counts : (I,) array_like of int >= 0
        How many joined.
    lot : float in [0, 1)
        A random number, uniform.

    Returns
    -------
    list of ndarray of int
        For each type the quotas of its parties.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> [some.tolist() for some in whole_quotas([2.5, 10.25], [2, 2], 0.5)]
    [[3, 2], [10, 11]]
    """
    each, number = reals("quotas", quotas), wholes("counts", counts)
    if not 0 <= real("lot", lot) < 1:
        raise ValueError(f"lot must be in [0, 1); got {lot!r}")
    if each.ndim != 1 or each.shape != number.shape or not np.all(each >= 0):
        raise ValueError(f"quotas must be one number >= 0 per count; got {brief(each.tolist())}")
    if each.max(initial=0.0) * max(number.sum(), 1) > MOST:
        raise ValueError(f"quotas must add up to at most 2^53; got {brief(each.tolist())}")
    up_to = np.floor(np.cumsum(np.repeat(each, number)) + lot)
    given = np.diff(up_to, prepend=0.0).astype(np.intp)
    return np.split(given, np.cumsum(number)[:-1])
