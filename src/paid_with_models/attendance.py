"""Who turns up: all outcomes, and what a party of each type thinks of them.

The numbers n of parties of each type follow a law of *attendance*. The paper's, a fixed number of
parties with independent types, is what a :class:`paid_with_models.Problem` takes by default; others
are in :mod:`paid_with_models.laws`. Under any of them :class:`Outcomes` are all outcomes, with
their probabilities and with those that each type attaches to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .accuracy import BoolArray, FloatArray, IntArray
from .arguments import ReadOnly, one_of, reals, whole, wholes
from .texts import brief

__all__ = [
    "Attendance",
    "Outcomes",
    "check_beliefs",
    "check_enumerable",
    "conditional_probabilities",
    "enumerable",
    "enumerate_outcomes",
    "log_factorials",
    "log_orders",
    "n_outcomes",
    "outcome_probabilities",
    "seen_chance",
    "seen_share",
]


class Attendance(Protocol):
    """A law of the counts n, as far as contracts need it."""

    @property
    def types_are_known(self) -> bool:
        """Whether the coordinator knows every party's type; then nobody can pass for another."""

    @property
    def present(self) -> FloatArray:
        """P(n_i >= 1), (I,)."""

    @property
    def mean_counts(self) -> FloatArray:
        """E[n_i], (I,)."""

    @property
    def most_parties(self) -> int:
        """A number of parties that is never exceeded, or hardly ever (once in 1e20)."""

    @property
    def n_outcomes(self) -> int:
        """How many outcomes :meth:`outcomes` has."""

    def outcomes(self) -> tuple[IntArray, FloatArray]:
        """All outcomes, (K, I), and their probabilities, (K,).

        Raises
        ------
        ValueError
            If they are too many to enumerate.
        """

    def reordered(self, order: IntArray) -> Attendance:
        """The law with types in another order."""

    def grouped(self, members: IntArray) -> Attendance:
        """The law of all other types as one, the first, and of the members, in their order."""

    def log_transform(
        self, z: FloatArray, below: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logarithm of G at z (I, J) in [0, 1], (J,), its gradient (I, J), Hessian (I, I, J).

        `below` is z - 1 without its cancellation, which many parties multiply.
        """

    def somebody(self, z: FloatArray, idle: BoolArray) -> FloatArray:
        """The share of G, (J,), of outcomes in which not all who turn up are of idle types.

        Right to rounding however small it is.
        """


@dataclass(frozen=True, eq=False)
class Outcomes(ReadOnly):
    """All outcomes, with their probabilities and with those that each type attaches to them.

    Attributes
    ----------
    counts : (K, I) ndarray of int
        How many parties of each type there are.
    weights : (K,) ndarray
        Probabilities of the outcomes.
    seen : (K, I) ndarray
        Probabilities as each type sees them; columns sum to 1.

    Examples
    --------
    >>> some = Outcomes.drawn(2, [0.5, 0.5], "own")
    >>> some.counts.tolist(), some.weights.round(12).tolist()
    ([[0, 2], [1, 1], [2, 0]], [0.25, 0.5, 0.25])
    >>> totals = some.totals([10.0, 20.0])
    >>> float(some.mean(totals).round(9)), some.as_seen(totals).round(9).tolist()
    (30.0, [25.0, 35.0])
    """

    counts: IntArray
    weights: FloatArray
    seen: FloatArray

    @classmethod
    def drawn(cls, n_parties: int, probabilities: npt.ArrayLike, beliefs: str) -> Outcomes:
        """Those of N parties with independent types.

        Raises
        ------
        ValueError
            If they are too many to enumerate, or beliefs are neither "paper" nor "own".
        """
        p = reals("probabilities", probabilities)
        counts = enumerate_outcomes(n_parties, p.size)
        seen = conditional_probabilities(counts, p, beliefs)
        return cls(counts, outcome_probabilities(counts, p), seen)

    @classmethod
    def of(cls, law: Attendance, beliefs: str) -> Outcomes:
        """Those of any law; under "own" beliefs outcomes count as often as parties of the type.

        Raises
        ------
        ValueError
            If they are too many to enumerate, or beliefs are neither "paper" nor "own".

        Examples
        --------
        >>> from paid_with_models.laws import UnlikeParties
        >>> Outcomes.of(UnlikeParties([1, 1], [[1.0, 0.0], [0.5, 0.5]]), "paper").weights.tolist()
        [0.0, 0.5, 0.5]
        """
        check_beliefs(beliefs)
        counts, weights = law.outcomes()
        share = counts / law.mean_counts if beliefs == "own" else (counts > 0) / law.present
        return cls(counts, weights, weights[:, None] * share)

    def reordered(self, order: IntArray) -> Outcomes:
        """The outcomes with types in another order."""
        return Outcomes(self.counts[:, order], self.weights, self.seen[:, order])

    def totals(self, contributions: npt.ArrayLike) -> FloatArray:
        """What contributions (I,) add up to in each outcome, (K,)."""
        return np.asarray(self.counts @ np.asarray(contributions, dtype=float))

    def mean(self, values: FloatArray) -> FloatArray:
        """Expectation of values (K,) or (K, ...)."""
        return np.asarray(self.weights @ values)

    def as_seen(self, values: FloatArray) -> FloatArray:
        """Expectation as each type sees it, (I,), of values (K,) or of its own column of (K, I)."""
        if values.ndim == 1:
            return np.asarray(values @ self.seen)
        return np.asarray(np.sum(self.seen * values, axis=0))


#: ENUMERATION_LIMIT: largest memory that an enumeration may take, in bytes (all arrays of a solve).
ENUMERATION_LIMIT = 2 * 2**30

#: ROUNDING: by which a probability that was added up may exceed 1.
ROUNDING = 1e-9

#: TABLE: logarithms of factorials are kept up to this one.
TABLE = 2**16


def enumerate_outcomes(n_parties: int, n_types: int) -> IntArray:
    """All ways in which N parties can be spread over I types.

    Parameters
    ----------
    n_parties : int >= 0
        N.
    n_types : int >= 1
        I.

    Returns
    -------
    (K, I) ndarray of int
        One outcome a row, each row summing to N, K = C(N + I - 1, I - 1).

    Raises
    ------
    ValueError
        Before anything is allocated, if solving with the enumeration would take more than
        ``ENUMERATION_LIMIT`` bytes.

    Examples
    --------
    >>> enumerate_outcomes(2, 2).tolist()
    [[0, 2], [1, 1], [2, 0]]
    """
    n_parties, n_types = whole("n_parties", n_parties), whole("n_types", n_types, least=1)
    check_enumerable(n_parties, n_types, f"n_parties = {n_parties} and n_types = {n_types}")
    return _outcomes(n_parties, n_types)


def check_enumerable(n_parties: int, n_types: int, stated: str) -> None:
    """Refuse to enumerate too much, and say how much, of what was stated.

    Raises
    ------
    ValueError
        If it would take more than ``ENUMERATION_LIMIT`` bytes.

    Examples
    --------
    >>> check_enumerable(3, 2, "mean = 3 and 2 types")
    """
    needed = _bytes(n_parties, n_types)
    if needed > ENUMERATION_LIMIT:
        # There may be more than the largest number in floating point.
        many, large = Decimal(n_outcomes(n_parties, n_types)), Decimal(needed) / 2**30
        raise ValueError(
            f"{stated} have {_short(many, 4)} outcomes;"
            f" enumerating them would take {_short(large, 3)} GiB, more than the limit of"
            f" {ENUMERATION_LIMIT / 2**30:.3g} GiB"
        )


def _short(number: Decimal, digits: int) -> str:
    """To some digits, as floats are written where there is one that large."""
    return f"{float(number) if number < Decimal('1e300') else number:.{digits}g}"


def n_outcomes(n_parties: int, n_types: int) -> int:
    """In how many ways N parties can be spread over I types, C(N + I - 1, I - 1).

    Examples
    --------
    >>> n_outcomes(10, 5)
    1001
    """
    return math.comb(n_parties + n_types - 1, n_types - 1)


def enumerable(n_parties: int, n_types: int) -> bool:
    """Whether N parties can be spread over I types in few enough ways to be enumerated.

    Examples
    --------
    >>> enumerable(10, 5), enumerable(60, 8)
    (True, False)
    """
    return _bytes(n_parties, n_types) <= ENUMERATION_LIMIT


def _bytes(n_parties: int, n_types: int) -> int:
    """What solving with all outcomes takes.

    Counts, a weight per type and belief, and about six work arrays of one number an outcome.
    """
    return 8 * n_outcomes(n_parties, n_types) * (3 * n_types + 6)


@lru_cache(maxsize=64)
def _outcomes(n_parties: int, n_types: int) -> IntArray:
    left = np.array([n_parties])
    counts = np.zeros((1, 0), dtype=np.int64)
    for _ in range(n_types - 1):
        ways = left + 1
        rows = np.repeat(np.arange(left.size), ways)
        taken = np.arange(rows.size) - np.repeat(np.cumsum(ways) - ways, ways)
        counts = np.column_stack([counts[rows], taken])
        left = left[rows] - taken
    outcomes = np.column_stack([counts, left])
    outcomes.flags.writeable = False
    return outcomes


def outcome_probabilities(counts: npt.ArrayLike, probabilities: npt.ArrayLike) -> FloatArray:
    """Multinomial probabilities of outcomes.

    Parameters
    ----------
    counts : (K, I) array_like of int >= 0
        Outcomes, all with the same number of parties.
    probabilities : (..., I) array_like in (0, 1]
        Type probabilities; leading dimensions are a batch.

    Returns
    -------
    (..., K) ndarray

    Raises
    ------
    ValueError
        For counts or probabilities that are not as above.

    Examples
    --------
    >>> outcome_probabilities([[0, 2], [1, 1], [2, 0]], [0.5, 0.5]).round(12).tolist()
    [0.25, 0.5, 0.25]
    """
    n, p = _checked(counts, probabilities)
    return np.asarray(np.exp(log_orders(n) + np.log(p) @ n.T))


def _checked(counts: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[IntArray, FloatArray]:
    """Outcomes and type probabilities, if they are."""
    whole_already = type(counts) is np.ndarray and counts.dtype.kind == "i"
    n = np.asarray(counts) if whole_already else wholes("counts", counts)
    if n.ndim != 2 or n.size == 0 or n.min() < 0 or np.ptp(n.sum(axis=1)) != 0:
        rule = "counts must be rows of whole numbers >= 0, all with the same sum"
        raise ValueError(f"{rule}; got {brief(n.tolist())}")
    p = reals("probabilities", probabilities)
    if p.ndim == 0 or p.shape[-1] != n.shape[1]:
        raise ValueError(
            f"probabilities must have one entry per type of counts, {n.shape[1]};"
            f" got {brief(p.tolist())}"
        )
    if not np.all((p > 0) & (p <= 1 + ROUNDING)):
        raise ValueError(f"probabilities must lie in (0, 1]; got {brief(p.tolist())}")
    return n, p


def log_orders(counts: FloatArray | IntArray) -> FloatArray:
    """Logarithm of the number of orders in which parties can turn up as each outcome (K, I), (K,).

    Examples
    --------
    >>> np.exp(log_orders(np.array([[0.0, 2.0], [1.0, 1.0]]))).round(12).tolist()
    [1.0, 2.0]
    """
    n = np.asarray(counts).astype(np.intp)
    return np.asarray(log_factorials(n.sum(axis=1)) - log_factorials(n).sum(axis=1))


def log_factorials(counts: IntArray) -> FloatArray:
    """Logarithms of n!, of the shape of ``counts``.

    Examples
    --------
    >>> np.exp(log_factorials(np.array([0, 3, 5]))).round(9).tolist()
    [1.0, 6.0, 120.0]
    """
    count = 1 << int(counts.max(initial=0)).bit_length()
    if count <= max(TABLE, counts.size):
        return _log_factorials(count)[counts]
    few, where = np.unique(counts, return_inverse=True)
    return np.array([_log_factorial(n) for n in few.tolist()])[where].reshape(counts.shape)


@lru_cache(maxsize=32)
def _log_factorials(count: int) -> FloatArray:
    return np.array([_log_factorial(n) for n in range(count)])


def _log_factorial(n: int) -> float:
    # The gamma function of small numbers is right to a few roundings only, products are to one.
    return math.log(math.factorial(n)) if n < 171 else math.lgamma(n + 1)


def conditional_probabilities(
    counts: npt.ArrayLike, probabilities: npt.ArrayLike, beliefs: str = "paper"
) -> FloatArray:
    r"""Probabilities of outcomes as a party of each type sees them.

    Parameters
    ----------
    counts : (K, I) array_like of int >= 0
        Outcomes, all with the same number N of parties.
    probabilities : (..., I) array_like in (0, 1]
        Type probabilities; leading dimensions are a batch.
    beliefs : {"paper", "own"}
        Given :math:`n_i \ge 1`, or as a party of type i that knows its own type.

    Returns
    -------
    (..., K, I) ndarray
        Column i sums to 1 over the outcomes, and is 0 where :math:`n_i = 0`.

    Raises
    ------
    ValueError
        For other beliefs, or counts or probabilities that are not as above.

    Examples
    --------
    >>> conditional_probabilities([[0, 2], [1, 1], [2, 0]], [0.5, 0.5])[:, 0].round(3).tolist()
    [0.0, 0.667, 0.333]
    >>> conditional_probabilities([[0, 2], [1, 1], [2, 0]], [0.5, 0.5], "own")[:, 0].tolist()
    [0.0, 0.5, 0.5]
    """
    n, p = _checked(counts, probabilities)
    share = seen_share(n.T, p, beliefs)
    weights = outcome_probabilities(n, p)
    return np.asarray((weights[..., None, :] * share).swapaxes(-1, -2))


def seen_share(
    by_types: FloatArray | IntArray, probabilities: npt.ArrayLike, beliefs: str
) -> FloatArray:
    """By how much more likely outcomes are as a party of each type sees them, (..., I, K).

    Parameters
    ----------
    by_types : (I, K) ndarray
        Outcomes, a row a type, all with the same number of parties.
    probabilities, beliefs
        As for :func:`conditional_probabilities`.

    Returns
    -------
    (..., I, K) ndarray
        Factors of the outcomes' probabilities.

    Examples
    --------
    >>> seen_share(np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]), [0.5, 0.5], "own")[0].tolist()
    [0.0, 1.0, 2.0]
    """
    check_beliefs(beliefs)
    p = reals("probabilities", probabilities)
    present = by_types if beliefs == "own" else by_types > 0
    return np.asarray(present / seen_chance(by_types[:, 0].sum(), p, beliefs)[..., None])


def seen_chance(n_parties: float, probabilities: FloatArray, beliefs: str) -> FloatArray:
    """What each type divides probabilities by: the chance that it is there, or N p_i, (..., I).

    Examples
    --------
    >>> seen_chance(2, np.array([0.5, 0.5]), "paper").tolist()
    [0.75, 0.75]
    """
    if beliefs == "own":
        return np.asarray(n_parties * probabilities)
    # 1 - (1 - p)^N without cancellation; a sole type is present for sure, also where
    # probabilities that were added up exceed 1 by rounding.
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(n_parties * np.log1p(-np.minimum(probabilities, 1.0))))


def check_beliefs(beliefs: str) -> None:
    """Refuse anything but "paper" and "own"."""
    one_of("beliefs", beliefs, ("paper", "own"))
