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
from ..attendance import check_beliefs, enumerate_outcomes, log_orders, n_outcomes, seen_chance
from ..problem import Problem
from ..valuation import LinearValuation, ModelValue
from .envelopes import LocalEnvelope

__all__ = [
    "BLOCK",
    "ENTRIES_WORTH_ENUMERATING",
    "Blocks",
    "Enumeration",
    "Expectation",
    "Moments",
    "MomentsLike",
    "Uncertainty",
    "linear_factor",
    "mean",
    "rounding_of_means",
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
        """Gradients of E[a(S)], and of sums of a(S) over outcomes with each type, (B, 1 + I, I)."""
        outcomes = self._enumeration
        return outcomes.table.slopes(outcomes.weights * self._accuracy_slopes[0])

    @property
    def accuracy_gradient(self) -> FloatArray:
        return self._slopes[:, 0]

    @cached_property
    def value_jacobian(self) -> FloatArray:
        outcomes, slopes = self._enumeration, self._slopes
        if self._value_slopes is not None:
            slopes = outcomes.table.slopes(outcomes.weights * self._value_slopes[0])
        return np.asarray(slopes[:, 1:] * (self._factor * outcomes.scale)[:, :, None])

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
        seen = (self._factor * prices * outcomes.scale) @ outcomes.table.present
        if self._value_slopes is None:
            seen += 1.0
            seen *= np.minimum(self._accuracy_slopes[1], 0.0)
        else:
            seen *= np.minimum(self._value_slopes[1], 0.0)
            seen += np.minimum(self._accuracy_slopes[1], 0.0)
        seen *= outcomes.weights
        return outcomes.table.curvature(seen)


@dataclass(frozen=True, eq=False)
class Blocks:
    """A table (K, n) in blocks of rows, whose products are added up block by block.

    Attributes
    ----------
    whole : (K // BLOCK, BLOCK, n) ndarray
    rest : (K % BLOCK, n) ndarray

    Examples
    --------
    >>> Blocks.of(np.ones((1000, 1))).added(np.full((2, 1000), 1e-3)).round(14).tolist()
    [[1.0], [1.0]]
    """

    whole: FloatArray
    rest: FloatArray

    @classmethod
    def of(cls, table: FloatArray) -> Blocks:
        """Of a table (K, n)."""
        end = len(table) - len(table) % BLOCK
        whole = table[:end].reshape(-1, BLOCK, table.shape[1])
        return cls(np.ascontiguousarray(whole), np.ascontiguousarray(table[end:]))

    def added(self, terms: FloatArray) -> FloatArray:
        """The product of terms (B, K) with the table, (B, n)."""
        n_blocks = len(self.whole)
        if n_blocks == 0:
            return np.asarray(terms @ self.rest)
        end = n_blocks * BLOCK
        blocks = terms[:, :end].reshape(len(terms), n_blocks, BLOCK).swapaxes(0, 1)
        products = blocks @ self.whole
        while len(products) > 16:  # halves upon halves, so that roundings are few
            half = (len(products) + 1) // 2
            products[: len(products) - half] += products[half:]
            products = products[:half]
        sums = np.add.reduce(products, axis=0)
        if len(self.rest):
            sums += terms[:, end:] @ self.rest
        return np.asarray(sums)


@dataclass(frozen=True, eq=False)
class Table:
    """Outcomes, and where each type is present: what many problems share.

    Attributes
    ----------
    counts, by_types : (K, I), (I, K) ndarray
        How many parties of each type there are, a row an outcome and a row a type.
    present : (I, K) ndarray
        Whether there is a party of the type, or how many: as each type sees it, an outcome is as
        likely as its probability times this, but for a factor.
    """

    counts: FloatArray
    by_types: FloatArray
    present: FloatArray

    @classmethod
    def of(cls, counts: FloatArray | IntArray, beliefs: str) -> Table:
        """Of outcomes (K, I), under either beliefs."""
        check_beliefs(beliefs)
        by_types = np.ascontiguousarray(counts.T, dtype=float)
        present = by_types if beliefs == "own" else (by_types > 0).astype(float)
        return cls(np.ascontiguousarray(counts, dtype=float), by_types, present)

    def of_types(self, order: IntArray) -> Table:
        """The same outcomes of some types only, in that order."""
        counts = np.ascontiguousarray(self.counts[:, order])
        return Table(counts, self.by_types[order], self.present[order])

    @cached_property
    def log_orders(self) -> FloatArray:
        """Logarithms of the multinomial coefficients, (K,)."""
        return log_orders(self.counts)

    @cached_property
    def fewest_parties(self) -> float:
        """The smallest number of parties of an outcome."""
        return float(self.counts.sum(axis=1).min())

    @cached_property
    def is_small(self) -> bool:
        """Whether products of counts are remembered."""
        n_outcomes, n_types = self.counts.shape
        return bool(n_outcomes * n_types * (1 + n_types) <= SMALL_TABLE)

    @cached_property
    def _everybody(self) -> Blocks:
        """1, then whether each type is present, (K, 1 + I)."""
        return Blocks.of(np.vstack([np.ones((1, len(self.counts))), self.present]).T)

    @cached_property
    def _by_type(self) -> Blocks:
        """The counts, (K, I)."""
        return Blocks.of(self.counts)

    @cached_property
    def _by_counts(self) -> Blocks:
        """1, then whether each type is present, times the counts of each type, (K, (1 + I) I)."""
        there = np.vstack([np.ones((1, len(self.counts))), self.present]).T
        products = there[:, :, None] * self.counts[:, None, :]
        return Blocks.of(products.reshape(len(products), -1))

    @cached_property
    def _pairs(self) -> FloatArray:
        """Products of counts, (K, I I)."""
        return (self.counts[:, :, None] * self.counts[:, None, :]).reshape(len(self.counts), -1)

    def sums(self, terms: FloatArray) -> FloatArray:
        """Sums of terms (B, K) over all outcomes, and over those with each type, (B, 1 + I)."""
        return self._everybody.added(terms)

    def slopes(self, terms: FloatArray) -> FloatArray:
        """The same of terms times the counts of each type, (B, 1 + I, I)."""
        n_types = self.counts.shape[1]
        if self.is_small:
            return self._by_counts.added(terms).reshape(-1, 1 + n_types, n_types)
        rows = [self._by_type.added(terms)]
        rows += [self._by_type.added(terms * present) for present in self.present]
        return np.stack(rows, axis=1)

    def curvature(self, terms: FloatArray) -> FloatArray:
        """Sums of terms (B, K) times products of the counts of two types, (B, I, I)."""
        n_types = self.counts.shape[1]
        if self.is_small:
            return (terms @ self._pairs).reshape(-1, n_types, n_types)
        return np.asarray((self.by_types * terms[:, None, :]) @ self.counts)


def _table(n_parties: int, n_types: int, beliefs: str) -> Table:
    """All outcomes; small tables are remembered, since many problems share them."""
    small = n_outcomes(n_parties, n_types) * n_types <= SMALL_TABLE
    return (_small_table if small else _made_table)(n_parties, n_types, str(beliefs))


def _made_table(n_parties: int, n_types: int, beliefs: str) -> Table:
    return Table.of(enumerate_outcomes(n_parties, n_types), beliefs)


_small_table = lru_cache(maxsize=64)(_made_table)


@dataclass(frozen=True, eq=False)
class Enumeration:
    """All outcomes for a batch of B problems of equal N and I.

    Attributes
    ----------
    table : Table
        The outcomes.
    weights : (B, K) ndarray
        Their probabilities.
    scale : (B, I) ndarray
        What the table's ``present`` is to be multiplied by to make of the outcomes' probabilities
        what each type takes them for.

    Examples
    --------
    >>> from paid_with_models import Arctan
    >>> outcomes = Enumeration.of(2, np.array([[0.5, 0.5]]), "paper")
    >>> moments = outcomes.moments(Arctan(), Arctan(), np.array([[100.0, 100.0]]))
    >>> moments.accuracy.round(6).tolist() == Arctan()([200.0]).round(6).tolist()
    True
    """

    table: Table
    weights: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, n_parties: int, probabilities: FloatArray, beliefs: str) -> Enumeration:
        """The enumeration for a batch of type probabilities, shape (B, I)."""
        table = _table(n_parties, probabilities.shape[1], beliefs)
        weights = np.exp(table.log_orders + np.log(probabilities) @ table.by_types)
        return cls(table, weights, 1 / seen_chance(n_parties, probabilities, beliefs))

    @classmethod
    def of_problem(cls, problem: Problem) -> Enumeration:
        """The enumeration for one problem, under any law, with types in its own order."""
        law, beliefs = problem.attendance, problem.beliefs
        if law is None:
            return cls.of(problem.n_parties, problem.probabilities[None], beliefs)
        counts, weights = law.outcomes()
        seen = law.mean_counts if beliefs == "own" else law.present
        return cls(Table.of(counts, beliefs), weights[None], 1 / seen[None])

    @property
    def counts(self) -> FloatArray:
        """The outcomes, (K, I)."""
        return self.table.counts

    @property
    def by_types(self) -> FloatArray:
        """The outcomes, a row a type, (I, K)."""
        return self.table.by_types

    @cached_property
    def conditional(self) -> FloatArray:
        """The outcomes' probabilities as each type sees them, (B, I, K)."""
        seen = self.weights[:, None, :] * self.table.present
        seen *= self.scale[:, :, None]
        return seen

    def of_types(self, order: IntArray) -> Enumeration:
        """The same outcomes as some types only see them, in that order; what all others do is lost.

        Types that are left out contribute nothing.
        """
        return Enumeration(self.table.of_types(order), self.weights, self.scale[:, order])

    @property
    def fewest_parties(self) -> FloatArray:
        """How many parties there are at least, (B,)."""
        return np.full(len(self.weights), self.table.fewest_parties)

    @cached_property
    def relative_error(self) -> float:
        """Bound on the relative rounding error of expectations: of probabilities, and of sums."""
        return rounding_of_means(self.counts)

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        """How far exact moments may lie above the computed ones: rounding only."""
        error, none = self.relative_error, np.zeros(len(contributions))
        return Uncertainty(
            overstated=none,
            accuracy=none + error * accuracy.optimum,
            values=np.full(contributions.shape, error * value.optimum),
            relative_slope=error + np.finfo(float).eps * len(self.counts) / BLOCK,
            accuracy_slope=none,
            value_slopes=np.zeros(contributions.shape),
        )

    def take(self, rows: IntArray) -> Enumeration:
        """The batch reduced to some of its problems."""
        return Enumeration(self.table, self.weights[rows], self.scale[rows])

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Moments:
        """Moments of accuracy and value for contributions of shape (B, I)."""
        # Trial menus of an algorithm may dip below zero; data cannot.
        totals = np.maximum(contributions @ self.by_types, 0.0)
        a, a1, a2 = accuracy.evaluate(totals)
        factor = linear_factor(accuracy, value)
        sums = self.table.sums(self.weights * a)
        average = sums[:, 0]
        slopes: tuple[FloatArray, FloatArray] | None = None
        if factor is None:
            v, v1, v2 = value.evaluate(totals)
            slopes, sums = (v1, v2), self.table.sums(self.weights * v)
        else:
            sums = factor * sums
        # The weights' sum is rounded: an average near the optimum must not pass it.
        return Moments(
            accuracy=np.minimum(average, accuracy.optimum),
            value=sums[:, 0],
            values=sums[:, 1:] * self.scale,
            _enumeration=self,
            _accuracy_slopes=(a1, a2),
            _value_slopes=slopes,
            _factor=1.0 if factor is None else factor,
        )


def rounding_of_means(counts: FloatArray) -> float:
    """Bound on the relative rounding error of expectations over outcomes (K, I)."""
    n_parties = float(counts.sum(axis=1).max())
    return float(np.finfo(float).eps * (16 + 8 * math.lgamma(n_parties + 1) + summed(len(counts))))


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
