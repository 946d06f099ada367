r"""Other laws of who turns up, and a continuum of types.

The paper's number of parties is fixed, and their types are independent draws from one
distribution. Exponential sums need less: with contributions m and :math:`z_i = e^{-u m_i}`,

.. math:: E[e^{-u S}] = E\Bigl[\prod_i z_i^{n_i}\Bigr] = G(z),

the *probability generating function* of the counts. Whoever knows G knows every expectation of
the contract, at a cost that does not depend on how many outcomes there are:

.. math::

   E[a(S)] = a_{opt} - \sum_j \alpha_j G(z_j), \qquad
   E[a(S) \mid n_i \ge 1] = a_{opt} - \sum_j \alpha_j
      \frac{G(z_j) - G(z_j)|_{z_{ij} = 0}}{P(n_i \ge 1)} .

Two laws beside the paper's:

* :class:`PoissonParties`: a Poisson number of parties with mean :math:`\lambda`,
  :math:`G = e^{\lambda (\sum_i p_i z_i - 1)}`;
* :class:`UnlikeParties`: groups of parties, each with type probabilities of its own,
  :math:`G = \prod_g (\sum_i p_{gi} z_i)^{N_g}`. One group is the paper's law.

:func:`solve_attendance` solves the screening problem under either with the solver of
:func:`paid_with_models.solve`, bound included. It evaluates G once for every type, so that it is
made for some dozens of types, not for thousands.

**A continuum of types** is approached by many: :func:`type_grid` puts a distribution of costs into
I equally likely types, :func:`bracketing_types` into types that are all too dear and all too cheap,
which bound what the continuum can reach. :func:`best_cutoff` is what the menu tends to in a large
market.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from .accuracy import FloatArray

__all__ = [
    "Attendance",
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
    def present(self) -> FloatArray:
        """P(n_i >= 1), (I,)."""

    @property
    def log_nobody(self) -> float:
        """Logarithm of P(n = 0); -inf if somebody always turns up."""

    @property
    def most_parties(self) -> float:
        """A number of parties that is practically never exceeded."""

    def log_transform(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logarithm of G at z (I, J) in [0, 1], (J,), its gradient (I, J), Hessian (I, I, J)."""

    def somebody(self, z: FloatArray) -> FloatArray:
        """The share of G that is not P(n = 0), (J,), right to rounding however small it is."""

    def reordered(self, order: npt.NDArray[np.intp]) -> Attendance:
        """The law with types in another order."""


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

    @property
    def rates(self) -> FloatArray:
        """Expected counts, (I,)."""
        return self.mean * cast(FloatArray, self.probabilities)

    @property
    def present(self) -> FloatArray:
        return np.asarray(-np.expm1(-self.rates))

    @property
    def log_nobody(self) -> float:
        return -float(self.rates.sum())

    @property
    def most_parties(self) -> float:
        return float(self.mean + 12 * np.sqrt(self.mean) + 12)

    def log_transform(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        first = np.broadcast_to(self.rates[:, None], z.shape)
        return self.rates @ (z - 1), first, np.zeros((len(z), *z.shape))

    def somebody(self, z: FloatArray) -> FloatArray:
        return np.asarray(-np.expm1(-self.rates @ z))

    def reordered(self, order: npt.NDArray[np.intp]) -> PoissonParties:
        return PoissonParties(self.mean, cast(FloatArray, self.probabilities)[order])


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

    @property
    def present(self) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray(-np.expm1(self._n @ np.log1p(-self._p)))

    @property
    def log_nobody(self) -> float:
        return -np.inf

    @property
    def most_parties(self) -> float:
        return float(self._n.sum())

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

    def reordered(self, order: npt.NDArray[np.intp]) -> UnlikeParties:
        return UnlikeParties(self._n, self._p[:, order])


def _distributions(probabilities: npt.ArrayLike) -> FloatArray:
    p = np.atleast_2d(np.array(probabilities, dtype=float))
    good = p.ndim == 2 and np.all(p >= 0) and np.all(np.abs(p.sum(axis=1) - 1) <= 1e-9)
    if not good or not np.all(p.max(axis=0) > 0):
        raise ValueError(
            "probabilities must be >= 0, sum to 1 in each row, and give every type a chance;"
            f" got {p.tolist()}"
        )
    return np.asarray(p / p.sum(axis=1, keepdims=True))


#: Largest memory that an enumeration may take, in bytes (all arrays of one solve).
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
    if beliefs not in ("paper", "own"):
        raise ValueError(f"beliefs must be 'paper' or 'own'; got {beliefs!r}")
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
