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
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np

from ..accuracy import ConcaveEnvelope, Curve, FloatArray, IntArray
from ..attendance import enumerate_outcomes, log_orders, n_outcomes, seen_share
from ..problem import Problem
from ..valuation import LinearValuation, ModelValue
from .envelopes import LocalEnvelope

__all__ = [
    "BLOCK",
    "ENTRIES_WORTH_ENUMERATING",
    "Enumeration",
    "Expectation",
    "Moments",
    "MomentsLike",
    "Uncertainty",
    "added",
    "linear_factor",
    "mean",
]

#: BLOCK: sums over outcomes are added up in blocks of so many.
BLOCK = 64

#: ENTRIES_WORTH_ENUMERATING: enumerations of up to so many numbers (outcomes times types) are cheap
#: enough to be preferred for being exact: about a second.
ENTRIES_WORTH_ENUMERATING = 2_000_000

#: SMALL_TABLE: tables of outcomes of up to so many numbers (a megabyte each) are remembered.
SMALL_TABLE = 60_000


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """By how much exact moments of the concave envelopes may exceed computed ones.

    And, in the other direction, exact expected accuracy fall short.

    Attributes
    ----------
    overstated : (B,) ndarray
        By how much computed E[a(S)] may exceed that of the curve, for the error of a sum.
    accuracy : (B,) ndarray
        Of E[a(S)].
    values : (B, I) ndarray
        Of each type's E[v(a(S))], units of value.
    relative_slope : float
        Of gradients, relative to each entry.
    accuracy_slope : (B,) ndarray
        Of the derivative of E[a(S)] along any change of contributions of at most 1 unit of data
        each, beyond that.
    value_slopes : (B, I) ndarray
        Of that of each type's E[v(a(S))], units of value.
    """

    overstated: FloatArray
    accuracy: FloatArray
    values: FloatArray
    relative_slope: float
    accuracy_slope: FloatArray
    value_slopes: FloatArray


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

    def take(self, rows: IntArray) -> Expectation:
        """The batch reduced to some of its problems."""

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> MomentsLike:
        """Moments of accuracy and value for contributions of shape (B, I)."""

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        """How far exact moments of the envelopes may lie above the computed ones."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Expected accuracy and value of a batch of B menus with I options, and their derivatives.

    Derivatives are made only when asked for.

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
    value: FloatArray
    values: FloatArray
    _enumeration: Enumeration
    _accuracy_slopes: tuple[FloatArray, FloatArray]
    _value_slopes: tuple[FloatArray, FloatArray] | None
    _factor: float

    @cached_property
    def _slopes(self) -> FloatArray:
        """Gradients of all averages, (B, 1 + I, I): of E[a(S)], then of E[a(S)] as types see it."""
        outcomes = self._enumeration
        return np.asarray(
            added(outcomes.all_weights * self._accuracy_slopes[0][:, None, :], outcomes.counts)
        )

    @property
    def accuracy_gradient(self) -> FloatArray:
        return self._slopes[:, 0]

    @cached_property
    def value_jacobian(self) -> FloatArray:
        if self._value_slopes is None:
            return self._factor * self._slopes[:, 1:]
        outcomes = self._enumeration
        return np.asarray(
            added(outcomes.conditional * self._value_slopes[0][:, None, :], outcomes.counts)
        )

    def weighted_gradient(self, prices: FloatArray) -> FloatArray:
        """Gradient of E[a(S)] + sum over types of prices (B, I) times values, (B, I)."""
        return np.asarray(self.accuracy_gradient + (prices[:, None, :] @ self.value_jacobian)[:, 0])

    def curvature(self, prices: FloatArray) -> FloatArray:
        """Hessian of E[a(S)] + sum over types of prices (B, I) times values, (B, I, I).

        Curvature is cut off at zero from above, outcome by outcome, so that the result is
        negative semidefinite also where a curve is convex: what Newton's method for a maximum
        needs, and exact wherever the curves are concave.
        """
        outcomes = self._enumeration
        seen = (prices[:, None, :] @ outcomes.conditional)[:, 0]
        if self._value_slopes is None:
            seen *= self._factor
            seen += outcomes.weights
            bend = seen * np.minimum(self._accuracy_slopes[1], 0.0)
        else:
            bend = outcomes.weights * np.minimum(self._accuracy_slopes[1], 0.0)
            bend += seen * np.minimum(self._value_slopes[1], 0.0)
        return np.asarray((outcomes.by_types * bend[:, None, :]) @ outcomes.counts)


@dataclass(frozen=True, eq=False)
class _Table:
    """Outcomes, a row each and a row a type, and the logarithms of their multinomials."""

    counts: FloatArray
    by_types: FloatArray
    log_orders: FloatArray


def _table(n_parties: int, n_types: int) -> _Table:
    """All outcomes; small tables are remembered, since many problems share them."""
    small = n_outcomes(n_parties, n_types) * n_types <= SMALL_TABLE
    return _small_table(n_parties, n_types) if small else _made_table(n_parties, n_types)


def _made_table(n_parties: int, n_types: int) -> _Table:
    counts = enumerate_outcomes(n_parties, n_types).astype(float)
    return _Table(counts, np.ascontiguousarray(counts.T), log_orders(counts))


_small_table = lru_cache(maxsize=64)(_made_table)


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
        table = _table(n_parties, probabilities.shape[1])
        weights = np.exp(table.log_orders + np.log(probabilities) @ table.by_types)
        share = seen_share(table.by_types, probabilities, beliefs)
        return cls(table.counts, weights, weights[:, None, :] * share)

    @cached_property
    def all_weights(self) -> FloatArray:
        """The probabilities themselves, then as each type sees them, (B, 1 + I, K)."""
        return np.concatenate([self.weights[:, None, :], self.conditional], axis=1)

    @cached_property
    def by_types(self) -> FloatArray:
        """The outcomes, a row a type, (I, K)."""
        return np.ascontiguousarray(self.counts.T)

    @classmethod
    def of_problem(cls, problem: Problem) -> Enumeration:
        """The enumeration for one problem, under any law, with types in its own order."""
        outcomes = problem.outcomes()
        seen = np.ascontiguousarray(outcomes.seen.T)
        return cls(outcomes.counts.astype(float), outcomes.weights[None], seen[None])

    def of_types(self, order: IntArray) -> Enumeration:
        """The same outcomes as some types only see them, in that order; what all others do is lost.

        Types that are left out contribute nothing.
        """
        conditional = np.ascontiguousarray(self.conditional[:, order])
        return Enumeration(np.ascontiguousarray(self.counts[:, order]), self.weights, conditional)

    @cached_property
    def relative_error(self) -> float:
        """Bound on the relative rounding error of expectations: of probabilities, and of sums."""
        n_parties, n_outcomes = float(self.counts.sum(axis=1).max()), len(self.counts)
        return float(
            np.finfo(float).eps * (16 + 8 * math.lgamma(n_parties + 1) + summed(n_outcomes))
        )

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        """How far exact moments may lie above the computed ones: rounding only."""
        error = self.relative_error
        return Uncertainty(
            overstated=np.zeros(len(contributions)),
            accuracy=np.full(len(contributions), error * accuracy.optimum),
            values=np.full(contributions.shape, error * value.optimum),
            relative_slope=error + np.finfo(float).eps * len(self.counts) / BLOCK,
            accuracy_slope=np.zeros(len(contributions)),
            value_slopes=np.zeros(contributions.shape),
        )

    def take(self, rows: IntArray) -> Enumeration:
        """The batch reduced to some of its problems."""
        return Enumeration(self.counts, self.weights[rows], self.conditional[rows])

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Moments:
        """Moments of accuracy and value for contributions of shape (B, I)."""
        # Trial menus of an algorithm may dip below zero; data cannot.
        totals = np.maximum(contributions @ self.by_types, 0.0)
        a, a1, a2 = accuracy.evaluate(totals)
        factor = linear_factor(accuracy, value)
        if factor is None:
            v, v1, v2 = value.evaluate(totals)
            slopes: tuple[FloatArray, FloatArray] | None = (v1, v2)
            average, averages = mean(self.weights, a), mean(self.all_weights, v[:, None])
        else:
            slopes = None
            averages = mean(self.all_weights, a[:, None])
            average, averages = averages[:, 0], factor * averages
        # The weights' sum is rounded: an average near the optimum must not pass it.
        return Moments(
            accuracy=np.minimum(average, accuracy.optimum),
            value=averages[:, 0],
            values=averages[:, 1:],
            _enumeration=self,
            _accuracy_slopes=(a1, a2),
            _value_slopes=slopes,
            _factor=1.0 if factor is None else factor,
        )


def mean(weights: FloatArray, values: FloatArray) -> FloatArray:
    """Sums of products over the last axis, added up in blocks so that rounding stays small.

    Examples
    --------
    >>> mean(np.full((2, 1000), 1e-3), np.ones((1, 1000))).round(15).tolist()
    [1.0, 1.0]
    """
    *shape, n = weights.shape
    whole = n - n % BLOCK
    rest = (weights[..., None, whole:] @ values[..., whole:, None])[..., 0, 0]
    if whole == 0:
        return np.asarray(rest)
    blocks = weights[..., :whole].reshape(*shape, -1, 1, BLOCK)
    of_values = values[..., :whole].reshape(*values.shape[:-1], -1, BLOCK, 1)
    return np.asarray((blocks @ of_values)[..., 0, 0].sum(axis=-1) + rest)


def summed(n: int) -> float:
    """Roundings of :func:`mean`: of a block, then of NumPy's sum of blocks, pairwise from 128."""
    n_blocks = n / BLOCK
    return min(n, BLOCK) + min(n_blocks, 24) + math.log2(max(n_blocks / 128, 1))


def added(weights: FloatArray, counts: FloatArray) -> FloatArray:
    """The product of (B, K) or (B, n, K) with counts (K, I), in such blocks, too."""
    n = len(counts)
    if n < BLOCK:
        return np.asarray(weights @ counts)
    whole = n - n % BLOCK
    blocks = weights[..., :whole].reshape(*weights.shape[:-1], -1, BLOCK)
    blocks = blocks[:, :, None] if weights.ndim == 2 else blocks.swapaxes(1, 2)
    sums = (blocks @ counts[:whole].reshape(-1, BLOCK, counts.shape[1])).sum(axis=1)
    rest = weights[..., whole:] @ counts[whole:]
    return np.asarray(sums.reshape(rest.shape) + rest)


def linear_factor(accuracy: Curve, value: Curve) -> float | None:
    """What accuracy is to be multiplied by to give its value, where the valuation is linear.

    The envelope of the value is then that multiple of the envelope of accuracy.
    """
    if isinstance(accuracy, ConcaveEnvelope) and isinstance(value, ConcaveEnvelope):
        accuracy, value = accuracy.curve, value.curve
    elif isinstance(accuracy, LocalEnvelope) and isinstance(value, LocalEnvelope):
        if not value.has_lines_of(accuracy):
            return None
        accuracy, value = accuracy.curve, value.curve
    if isinstance(value, ModelValue) and isinstance(value.valuation, LinearValuation):
        return value.valuation.scale if value.accuracy == accuracy else None
    return None
