r"""Who turns up: laws of how many parties of each type there are, and what each type sees of it.

The paper's number of parties is fixed, and their types are independent draws from one
distribution: what a :class:`paid_with_models.Problem` takes by default. It accepts others:

* :class:`PoissonParties`: a Poisson number of parties with mean :math:`\lambda`;
* :class:`UnlikeParties`: groups of parties, each with type probabilities of its own. One group is
  the paper's law;
* :class:`KnownParties`: parties whose types are known. Each costs what it costs.

All outcomes with their probabilities, and with those as each type sees them, are
:class:`Outcomes`. Exponential sums need less: with contributions m and :math:`z_i = e^{-u m_i}`,

.. math:: E[e^{-u S}] = E\Bigl[\prod_i z_i^{n_i}\Bigr] = G(z),

the *probability generating function* of the counts. Whoever knows G knows every expectation of
the contract, at a cost that does not depend on how many outcomes there are:

.. math::

   E[a(S)] = a_{opt} - \sum_j \alpha_j G(z_j), \qquad
   E[a(S) \mid n_i \ge 1] = a_{opt} - \sum_j \alpha_j
      \frac{G(z_j) - G(z_j)|_{z_{ij} = 0}}{P(n_i \ge 1)} .

For the Poisson law :math:`G = e^{\lambda (\sum_i p_i z_i - 1)}`, for groups
:math:`G = \prod_g (\sum_i p_{gi} z_i)^{N_g}`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from .accuracy import FloatArray, IntArray

__all__ = [
    "Attendance",
    "KnownParties",
    "Outcomes",
    "PoissonParties",
    "UnlikeParties",
    "conditional_probabilities",
    "enumerable",
    "enumerate_outcomes",
    "n_outcomes",
    "outcome_probabilities",
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

    @property
    def log_nobody(self) -> float:
        """Logarithm of P(n = 0); -inf if somebody always turns up."""

    def log_transform(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logarithm of G at z (I, J) in [0, 1], (J,), its gradient (I, J), Hessian (I, I, J)."""

    def somebody(self, z: FloatArray) -> FloatArray:
        """The share of G that is not P(n = 0), (J,), right to rounding however small it is."""


@dataclass(frozen=True, eq=False)
class PoissonParties:
    """A Poisson number of parties with independent types; counts are then independent Poisson.

    Attributes
    ----------
    mean : float > 0
        Expected number of parties.
    probabilities : (I,) array_like > 0, sum 1

    Raises
    ------
    ValueError
        If the mean is not positive and finite, or probabilities are not one such list.

    Examples
    --------
    >>> PoissonParties(2.0, [0.5, 0.5]).present.round(6).tolist()
    [0.632121, 0.632121]
    """

    mean: float
    probabilities: npt.ArrayLike

    def __post_init__(self) -> None:
        if not 0 < self.mean < np.inf:
            raise ValueError(f"mean must be > 0 and finite; got {self.mean!r}")
        rows = _distributions(self.probabilities)
        if len(rows) > 1:
            raise ValueError(
                f"probabilities must be of one law, an entry per type; got {len(rows)} rows,"
                f" {rows.tolist()}"
            )
        object.__setattr__(self, "probabilities", rows[0])

    types_are_known = False

    @property
    def mean_counts(self) -> FloatArray:
        return self.mean * cast(FloatArray, self.probabilities)

    @property
    def present(self) -> FloatArray:
        return np.asarray(-np.expm1(-self.mean_counts))

    @property
    def most_parties(self) -> int:
        return math.ceil(self.mean + 12 * math.sqrt(self.mean) + 12)

    @property
    def n_outcomes(self) -> int:
        return n_outcomes(self.most_parties, len(self.mean_counts) + 1)

    def outcomes(self) -> tuple[IntArray, FloatArray]:
        rates = self.mean_counts
        # Parties up to the most that turn up; those that do not are one more type.
        counts = enumerate_outcomes(self.most_parties, rates.size + 1)[:, :-1]
        logs = counts @ np.log(rates) - rates.sum() - gammaln(counts + 1).sum(axis=1)
        return counts, np.exp(logs)

    @property
    def log_nobody(self) -> float:
        return -float(self.mean_counts.sum())

    def log_transform(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        first = np.broadcast_to(self.mean_counts[:, None], z.shape)
        return self.mean_counts @ (z - 1), first, np.zeros((len(z), *z.shape))

    def somebody(self, z: FloatArray) -> FloatArray:
        return np.asarray(-np.expm1(-self.mean_counts @ z))

    def reordered(self, order: IntArray) -> PoissonParties:
        return PoissonParties(self.mean, cast(FloatArray, self.probabilities)[order])

    def grouped(self, members: IntArray) -> PoissonParties:
        return PoissonParties(self.mean, _grouped(cast(FloatArray, self.probabilities), members))


@dataclass(frozen=True, eq=False)
class UnlikeParties:
    """A known number of parties, of several groups with type probabilities of their own.

    Attributes
    ----------
    numbers : (G,) array_like of int >= 1
        Parties in each group.
    probabilities : (G, I) array_like >= 0, rows sum to 1
        Every type has positive probability in some group.

    Raises
    ------
    ValueError
        If a number is not whole and positive, there are not as many as rows of probabilities, or
        these are not as above.

    Examples
    --------
    >>> UnlikeParties([1, 2], [[1.0, 0.0], [0.5, 0.5]]).present.tolist()
    [1.0, 0.75]
    """

    numbers: npt.ArrayLike
    probabilities: npt.ArrayLike
    _n: FloatArray = field(init=False, repr=False)
    _p: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n, p = (
            np.atleast_1d(np.array(self.numbers, dtype=float)),
            _distributions(self.probabilities),
        )
        if n.shape != (len(p),) or not np.all((n >= 1) & (n == np.round(n)) & (n < np.inf)):
            raise ValueError(
                f"numbers must be a whole number >= 1 for each of the {len(p)} rows of"
                f" probabilities; got {self.numbers!r}"
            )
        object.__setattr__(self, "_n", n)
        object.__setattr__(self, "_p", p)

    types_are_known = False

    @property
    def present(self) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray(-np.expm1(self._n @ np.log1p(-self._p)))

    @property
    def mean_counts(self) -> FloatArray:
        return np.asarray(self._n @ self._p)

    @property
    def most_parties(self) -> int:
        return int(self._n.sum())

    @property
    def n_outcomes(self) -> int:
        return n_outcomes(self.most_parties, self._p.shape[1])

    def outcomes(self) -> tuple[IntArray, FloatArray]:
        n_types, size = self._p.shape[1], self.most_parties + 1
        every = enumerate_outcomes(self.most_parties, n_types)
        if len(self._n) == 1:
            return every, outcome_probabilities(every, self._p[0])
        # Groups are added one after the other; an outcome's number has its counts as digits.
        if size ** (n_types - 1) > np.iinfo(np.int64).max:
            raise ValueError(
                f"numbers = {self._n.tolist()} with {n_types} types have too many outcomes"
            )
        digits = size ** np.arange(n_types - 1, dtype=np.int64)
        places: IntArray = np.zeros(1, dtype=np.int64)
        chances: FloatArray = np.ones(1)
        for number, p in zip(self._n, self._p, strict=True):
            types = np.flatnonzero(p > 0)
            of_group = np.zeros((n_outcomes(int(number), types.size), n_types), dtype=np.int64)
            of_group[:, types] = enumerate_outcomes(int(number), types.size)
            pairs = len(places) * len(of_group)
            if 8 * pairs * 6 > ENUMERATION_LIMIT:
                raise ValueError(
                    f"numbers = {self._n.tolist()} with {n_types} types have too many outcomes:"
                    f" {pairs:.4g} pairs of them would have to be added up"
                )
            own = outcome_probabilities(of_group[:, types], p[types])
            sums = np.add.outer(places, of_group[:, :-1] @ digits).ravel()
            places, index = np.unique(sums, return_inverse=True)
            pair = np.multiply.outer(chances, own).ravel()
            chances = np.bincount(index, pair).astype(float)
        weights = np.zeros(len(every))
        order = np.argsort(every[:, :-1] @ digits)
        found = np.searchsorted(every[order, :-1] @ digits, places)
        weights[order[found]] = chances
        return every, weights

    @property
    def log_nobody(self) -> float:
        return -np.inf

    def log_transform(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        # Right to rounding near z = 1, where N multiplies it; an impossible group stays finite.
        below_1 = self._p @ (z - 1)
        mean = np.maximum(self._p @ z, 1e-100)
        share = self._p[:, :, None] / mean[:, None, :]
        near = np.log1p(np.maximum(below_1, -0.5))
        log = self._n @ np.where(below_1 > -0.5, near, np.log(mean))
        first = np.einsum("g,gij->ij", self._n, share)
        return log, first, -np.einsum("g,gij,gkj->ikj", self._n, share, share)

    def somebody(self, z: FloatArray) -> FloatArray:
        return np.ones(z.shape[1])

    def reordered(self, order: IntArray) -> UnlikeParties:
        return UnlikeParties(self._n, self._p[:, order])

    def grouped(self, members: IntArray) -> UnlikeParties:
        return UnlikeParties(self._n, _grouped(self._p, members))


@dataclass(frozen=True, eq=False)
class KnownParties:
    """Parties whose types are known: so many of each, and nobody can pass for another.

    Parameters
    ----------
    numbers : (I,) array_like of int >= 1
        Parties of each type. With a cost for each party, all 1.

    Raises
    ------
    ValueError
        If a number is not whole and positive.

    Examples
    --------
    >>> KnownParties([1, 1, 2]).most_parties
    4
    """

    numbers: npt.ArrayLike
    _n: IntArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n = np.atleast_1d(np.array(self.numbers, dtype=float))
        if n.ndim != 1 or not np.all((n >= 1) & (n == np.round(n)) & (n < 2**53)):
            raise ValueError(
                f"numbers must be a whole number >= 1 for each type; got {self.numbers!r}"
            )
        object.__setattr__(self, "_n", n.astype(np.int64))

    types_are_known = True
    n_outcomes = 1
    log_nobody = -np.inf

    @property
    def present(self) -> FloatArray:
        return np.ones(self._n.size)

    @property
    def mean_counts(self) -> FloatArray:
        return self._n.astype(float)

    @property
    def most_parties(self) -> int:
        return int(self._n.sum())

    def outcomes(self) -> tuple[IntArray, FloatArray]:
        return self._n[None], np.ones(1)

    def reordered(self, order: IntArray) -> KnownParties:
        return KnownParties(self._n[order])

    def grouped(self, members: IntArray) -> KnownParties:
        return KnownParties(_grouped(self._n, members))

    def log_transform(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        n, z = self._n[:, None], np.maximum(z, np.finfo(float).tiny)
        return np.sum(n * np.log(z), axis=0), n / z, -np.eye(len(z))[:, :, None] * (n / z**2)

    def somebody(self, z: FloatArray) -> FloatArray:
        return np.ones(z.shape[1])


def _grouped(values: npt.NDArray[Any], members: IntArray) -> npt.NDArray[Any]:
    """Sums over all types but the members, then the members, along the last axis."""
    rest = np.delete(values, members, axis=-1).sum(axis=-1, keepdims=True)
    return np.concatenate([rest, values[..., members]], axis=-1)


@dataclass(frozen=True, eq=False)
class Outcomes:
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
        p = np.asarray(probabilities, dtype=float)
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


def _distributions(probabilities: npt.ArrayLike) -> FloatArray:
    p = np.atleast_2d(np.array(probabilities, dtype=float))
    good = p.ndim == 2 and np.all(p >= 0) and np.all(np.abs(p.sum(axis=1) - 1) <= 1e-9)
    if not good or not np.all(p.max(axis=0) > 0):
        raise ValueError(
            "probabilities must be >= 0, sum to 1 in each row, and give every type a chance;"
            f" got {p.tolist()}"
        )
    return np.asarray(p / p.sum(axis=1, keepdims=True))


#: ENUMERATION_LIMIT: largest memory that an enumeration may take, in bytes (all arrays of a solve).
ENUMERATION_LIMIT = 2 * 2**30


def enumerate_outcomes(n_parties: int, n_types: int) -> npt.NDArray[np.int64]:
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
    needed = _bytes(n_parties, n_types)
    if needed > ENUMERATION_LIMIT:
        raise ValueError(
            f"n_parties = {n_parties} and n_types = {n_types} have"
            f" {n_outcomes(n_parties, n_types):.4g} outcomes;"
            f" enumerating them would take {needed / 2**30:.3g} GiB, more than the limit of"
            f" {ENUMERATION_LIMIT / 2**30:.3g} GiB"
        )
    return _outcomes(n_parties, n_types)


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
def _outcomes(n_parties: int, n_types: int) -> npt.NDArray[np.int64]:
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
    counts : (K, I) array_like of int
        Outcomes, all with the same number of parties.
    probabilities : (..., I) array_like
        Type probabilities; leading dimensions are a batch.

    Returns
    -------
    (..., K) ndarray

    Examples
    --------
    >>> outcome_probabilities([[0, 2], [1, 1], [2, 0]], [0.5, 0.5]).round(12).tolist()
    [0.25, 0.5, 0.25]
    """
    counts = np.asarray(counts, dtype=float)
    p = np.asarray(probabilities, dtype=float)
    orders = gammaln(counts.sum(axis=1) + 1) - gammaln(counts + 1).sum(axis=1)
    return np.asarray(np.exp(orders + np.log(p) @ counts.T))


def conditional_probabilities(
    counts: npt.ArrayLike, probabilities: npt.ArrayLike, beliefs: str = "paper"
) -> FloatArray:
    r"""Probabilities of outcomes as a party of each type sees them.

    Parameters
    ----------
    counts : (K, I) array_like of int
        Outcomes, all with the same number N of parties.
    probabilities : (..., I) array_like
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
        For other beliefs.

    Examples
    --------
    >>> conditional_probabilities([[0, 2], [1, 1], [2, 0]], [0.5, 0.5])[:, 0].round(3).tolist()
    [0.0, 0.667, 0.333]
    >>> conditional_probabilities([[0, 2], [1, 1], [2, 0]], [0.5, 0.5], "own")[:, 0].tolist()
    [0.0, 0.5, 0.5]
    """
    check_beliefs(beliefs)
    n = np.asarray(counts, dtype=float)
    p = np.asarray(probabilities, dtype=float)
    n_parties = n[0].sum()
    share: FloatArray
    if beliefs == "own":
        share = n / (n_parties * p[..., None, :])
    else:
        # 1 - (1 - p)^N without cancellation; a sole type is present for sure, also where
        # probabilities that were added up exceed 1 by rounding.
        with np.errstate(divide="ignore"):
            present = -np.expm1(n_parties * np.log1p(-np.minimum(p, 1.0)))
        share = (n > 0) / present[..., None, :]
    return outcome_probabilities(counts, p)[..., None] * share


def check_beliefs(beliefs: str) -> None:
    """Refuse anything but "paper" and "own"."""
    if beliefs not in ("paper", "own"):
        raise ValueError(f"beliefs must be 'paper' or 'own'; got {beliefs!r}")
