r"""Expectations over who turns up: enumeration of the multinomial outcomes.

The numbers of parties of each type, :math:`n`, are Multinomial(N, p). A menu with contributions m
collects :math:`S = n \cdot m`. Contract design needs, for a curve g (accuracy, or its value),

* unconditional means :math:`E[g(S)]`, and
* for each type i the mean as a party of that type sees it: given :math:`n_i \ge 1`
  (``beliefs="paper"``), or with the others Multinomial(N - 1, p) (``beliefs="own"``, which weighs
  outcomes by :math:`n_i / (N p_i)`),

with gradients and Hessians in m (:class:`Moments`). :class:`Enumeration` sums over all
:math:`\binom{N + I - 1}{I - 1}` outcomes: exact up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from .accuracy import ConcaveEnvelope, Curve, FloatArray
from .valuation import LinearValuation, ModelValue

__all__ = [
    "Enumeration",
    "Expectation",
    "Moments",
    "Uncertainty",
    "conditional_probabilities",
    "enumerable",
    "enumerate_outcomes",
    "outcome_probabilities",
]

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
    n_outcomes, needed = _size(n_parties, n_types)
    if needed > ENUMERATION_LIMIT:
        raise ValueError(
            f"n_parties = {n_parties} and n_types = {n_types} have {n_outcomes:.4g} outcomes;"
            f" enumerating them would take {needed / 2**30:.3g} GiB, more than the limit of"
            f" {ENUMERATION_LIMIT / 2**30:.3g} GiB"
        )
    return _outcomes(n_parties, n_types)


def enumerable(n_parties: int, n_types: int) -> bool:
    """Whether N parties can be spread over I types in few enough ways to be enumerated.

    Examples
    --------
    >>> enumerable(10, 5), enumerable(60, 8)
    (True, False)
    """
    return _size(n_parties, n_types)[1] <= ENUMERATION_LIMIT


def _size(n_parties: int, n_types: int) -> tuple[int, int]:
    """Number of outcomes, and the bytes that solving with them takes."""
    n_outcomes = math.comb(n_parties + n_types - 1, n_types - 1)
    # Counts, a weight per type and belief, and about six work arrays of one number an outcome.
    return n_outcomes, 8 * n_outcomes * (3 * n_types + 6)


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


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """By how much exact moments of the concave envelopes may exceed computed ones.

    Attributes
    ----------
    accuracy : (B,) ndarray
        Of E[a(S)].
    values : (B, I) ndarray
        Of each type's E[v(a(S))], units of value.
    relative_slope : float
        Of gradients, relative to each entry.
    slope : (B, I) ndarray
        Of gradients, absolute, per unit of accuracy and of value.
    """

    accuracy: FloatArray
    values: FloatArray
    relative_slope: float
    slope: FloatArray


class MomentsLike(Protocol):
    """What :class:`Moments` offers, however computed."""

    @property
    def accuracy(self) -> FloatArray: ...
    @property
    def accuracy_gradient(self) -> FloatArray: ...
    @property
    def value(self) -> FloatArray: ...
    @property
    def values(self) -> FloatArray: ...
    @property
    def value_jacobian(self) -> FloatArray: ...
    def weighted_gradient(self, prices: FloatArray) -> FloatArray:
        """See :meth:`Moments.weighted_gradient`."""

    def curvature(self, prices: FloatArray) -> FloatArray:
        """See :meth:`Moments.curvature`."""


class Expectation(Protocol):
    """What :class:`Enumeration` offers, however computed."""

    def take(self, rows: npt.NDArray[np.intp]) -> Expectation:
        """The batch reduced to some of its problems."""

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> MomentsLike:
        """Moments of accuracy and value for contributions of shape (B, I)."""

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        """How far exact moments of the envelopes may lie above the computed ones."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Expected accuracy and value of a batch of B menus with I options, and their derivatives.

    Attributes
    ----------
    accuracy : (B,) ndarray
        E[a(S)].
    accuracy_gradient : (B, I) ndarray
        Its gradient in the contributions.
    value : (B,) ndarray
        E[v(a(S))].
    values : (B, I) ndarray
        E[v(a(S))] as each type sees it.
    value_jacobian : (B, I, I) ndarray
        Its Jacobian: derivative of entry [b, i] in contribution j at [b, i, j].
    """

    accuracy: FloatArray
    accuracy_gradient: FloatArray
    value: FloatArray
    values: FloatArray
    value_jacobian: FloatArray
    _enumeration: Enumeration
    _bends: tuple[FloatArray, FloatArray]

    def weighted_gradient(self, prices: FloatArray) -> FloatArray:
        """Gradient of E[a(S)] + sum over types of prices (B, I) times values, (B, I)."""
        seen = np.einsum("bi,bij->bj", prices, self.value_jacobian)
        return np.asarray(self.accuracy_gradient + seen)

    def curvature(self, prices: FloatArray) -> FloatArray:
        """Hessian of E[a(S)] + sum over types of prices (B, I) times values, (B, I, I).

        Curvature is cut off at zero from above, outcome by outcome, so that the result is
        negative semidefinite also where a curve is convex: what Newton's method for a maximum
        needs, and exact wherever the curves are concave.
        """
        weights = self._enumeration
        seen = (prices[:, None, :] @ weights.conditional)[:, 0, :]
        bend = weights.weights * self._bends[0] + seen * self._bends[1]
        return np.asarray(weights.counts.T @ (bend[:, :, None] * weights.counts))


@dataclass(frozen=True, eq=False)
class Enumeration:
    """All outcomes for a batch of B problems of equal N and I.

    Attributes
    ----------
    counts : (K, I) ndarray
        The outcomes.
    weights : (B, K) ndarray
        Their probabilities.
    conditional : (B, I, K) ndarray
        Their probabilities as each type sees them.

    Examples
    --------
    >>> from paid_with_models import Arctan
    >>> outcomes = Enumeration.of(2, np.array([[0.5, 0.5]]), "paper")
    >>> moments = outcomes.moments(Arctan(), Arctan(), np.array([[100.0, 100.0]]))
    >>> moments.accuracy.round(6).tolist() == Arctan()([200.0]).round(6).tolist()
    True
    """

    counts: FloatArray
    weights: FloatArray
    conditional: FloatArray

    @classmethod
    def of(cls, n_parties: int, probabilities: FloatArray, beliefs: str) -> Enumeration:
        """The enumeration for a batch of type probabilities, shape (B, I)."""
        counts = enumerate_outcomes(n_parties, probabilities.shape[1])
        conditional = conditional_probabilities(counts, probabilities, beliefs)
        weights = outcome_probabilities(counts, probabilities)
        return cls(counts.astype(float), weights, np.ascontiguousarray(conditional.swapaxes(1, 2)))

    @property
    def relative_error(self) -> float:
        """Bound on the relative rounding error of the probabilities."""
        n_parties = float(self.counts[0].sum())
        return float(np.finfo(float).eps * (16 + 8 * gammaln(n_parties + 1)))

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        """How far exact moments may lie above the computed ones: rounding only."""
        error = self.relative_error
        return Uncertainty(
            accuracy=np.full(len(contributions), error * accuracy.optimum),
            values=np.full(contributions.shape, error * value.optimum),
            relative_slope=error,
            slope=np.zeros(contributions.shape),
        )

    def take(self, rows: npt.NDArray[np.intp]) -> Enumeration:
        """The batch reduced to some of its problems."""
        return Enumeration(self.counts, self.weights[rows], self.conditional[rows])

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Moments:
        """Moments of accuracy and value for contributions of shape (B, I)."""
        # Trial menus of an algorithm may dip below zero; data cannot.
        totals = np.maximum(contributions @ self.counts.T, 0.0)
        a, a1, a2 = accuracy.evaluate(totals)
        factor = _factor(accuracy, value)
        v, v1, v2 = (
            value.evaluate(totals) if factor is None else (factor * a, factor * a1, factor * a2)
        )
        # The weights' sum is rounded: an average near the optimum must not pass it.
        return Moments(
            accuracy=np.minimum(np.einsum("bk,bk->b", self.weights, a), accuracy.optimum),
            accuracy_gradient=(self.weights * a1) @ self.counts,
            value=np.einsum("bk,bk->b", self.weights, v),
            values=np.einsum("bik,bk->bi", self.conditional, v),
            value_jacobian=(self.conditional * v1[:, None, :]) @ self.counts,
            _enumeration=self,
            _bends=(np.minimum(a2, 0.0), np.minimum(v2, 0.0)),
        )


def _factor(accuracy: Curve, value: Curve) -> float | None:
    """What accuracy is to be multiplied by to give its value, where the valuation is linear.

    The envelope of the value is then that multiple of the envelope of accuracy.
    """
    if isinstance(accuracy, ConcaveEnvelope) and isinstance(value, ConcaveEnvelope):
        accuracy, value = accuracy.curve, value.curve
    if isinstance(value, ModelValue) and isinstance(value.valuation, LinearValuation):
        return value.valuation.scale if value.accuracy == accuracy else None
    return None
