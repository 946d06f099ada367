r"""Laws of who turns up, beside the paper's.

The paper's number of parties is fixed, and their types are independent draws from one
distribution: what a :class:`paid_with_models.Problem` takes by default. It accepts others:

* :class:`PoissonParties`: a Poisson number of parties with mean :math:`\lambda`;
* :class:`UnlikeParties`: groups of parties, each with type probabilities of its own. One group is
  the paper's law;
* :class:`KnownParties`: parties whose types are known. Each costs what it costs.

Outcomes can be enumerated (:class:`paid_with_models.attendance.Outcomes`). Exponential sums need
less: with contributions m and :math:`z_i = e^{-u m_i}`,

.. math:: E[e^{-u S}] = E\Bigl[\prod_i z_i^{n_i}\Bigr] = G(z),

the *probability generating function* of the counts. Whoever knows G knows every expectation of
the contract, at a cost that does not depend on how many outcomes there are:

.. math::

   E[a(S)] = a_\text{opt} - \sum_j \alpha_j G(z_j), \qquad
   E[a(S) \mid n_i \ge 1] = a_\text{opt} - \sum_j \alpha_j
      \frac{G(z_j) - G(z_j)|_{z_{ij} = 0}}{P(n_i \ge 1)} .

For the Poisson law :math:`G = e^{\lambda (\sum_i p_i z_i - 1)}`, for groups
:math:`G = \prod_g (\sum_i p_{gi} z_i)^{N_g}`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from .accuracy import BoolArray, FloatArray, IntArray
from .arguments import ReadOnly, frozen, real_field, reals, shares
from .attendance import (
    ENUMERATION_LIMIT,
    check_enumerable,
    enumerate_outcomes,
    log_factorials,
    n_outcomes,
    outcome_probabilities,
)
from .texts import brief

__all__ = ["KnownParties", "PoissonParties", "UnlikeParties"]


class _Law(ReadOnly):
    """What laws share: they are equal if their numbers are, and nobody can alter these."""

    def _keep(self, **arrays: npt.NDArray[Any]) -> None:
        """Set fields to copies that are read-only."""
        for name, array in arrays.items():
            object.__setattr__(self, name, frozen(array.copy()))

    def _key(self) -> tuple[object, ...]:
        return tuple(
            # Adding 0 makes -0 the 0 that it equals.
            (it.shape, (it.astype(float) + 0.0).tobytes()) if isinstance(it, np.ndarray) else it
            for it in vars(self).values()
        )

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == getattr(other, "_key", tuple)()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        stated = {name: it for name, it in vars(self).items() if not name.startswith("_")}
        plain = (f"{name}={np.asarray(it).tolist()}" for name, it in stated.items())
        return f"{type(self).__name__}({', '.join(plain)})"


@dataclass(frozen=True, eq=False, repr=False)
class PoissonParties(_Law):
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
        real_field(self, "mean", "> 0 and at most 2^53", lambda it: 0 < it <= 2**53)
        rows = _distributions(self.probabilities)
        if len(rows) > 1:
            raise ValueError(
                f"probabilities must be of one law, an entry per type; got {len(rows)} rows,"
                f" {rows.tolist()}"
            )
        self._keep(probabilities=rows[0])

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
        stated = f"mean = {self.mean:g} and {rates.size} types"
        check_enumerable(self.most_parties, rates.size + 1, stated)
        # Parties up to the most that turn up; those that do not are one more type.
        counts = enumerate_outcomes(self.most_parties, rates.size + 1)[:, :-1]
        logs = counts @ np.log(rates) - rates.sum() - log_factorials(counts).sum(axis=1)
        return counts, np.exp(logs)

    def log_transform(
        self, z: FloatArray, below: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        first = np.broadcast_to(self.mean_counts[:, None], z.shape)
        return self.mean_counts @ below, first, np.zeros((len(z), *z.shape))

    def somebody(self, z: FloatArray, idle: BoolArray) -> FloatArray:
        return np.asarray(-np.expm1(-self.mean_counts[~idle] @ z[~idle]))

    def reordered(self, order: IntArray) -> PoissonParties:
        return PoissonParties(self.mean, cast(FloatArray, self.probabilities)[order])

    def grouped(self, members: IntArray) -> PoissonParties:
        return PoissonParties(self.mean, _grouped(cast(FloatArray, self.probabilities), members))


@dataclass(frozen=True, eq=False, repr=False)
class UnlikeParties(_Law):
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
    _n: FloatArray = field(init=False)
    _p: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        n = np.atleast_1d(reals("numbers", self.numbers))
        p = _distributions(self.probabilities)
        if n.shape != (len(p),) or not np.all((n >= 1) & (n == np.round(n)) & (n < np.inf)):
            raise ValueError(
                f"numbers must be a whole number >= 1 for each of the {len(p)} rows of"
                f" probabilities; got {brief(self.numbers)}"
            )
        if not np.all(n <= 2**53) or n.sum() > 2**53:
            raise ValueError(f"numbers must add up to at most 2^53; got {brief(self.numbers)}")
        self._keep(numbers=n.astype(np.int64), probabilities=p, _n=n, _p=p)

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
        stated = f"numbers = {brief(np.asarray(self.numbers).tolist())} and {n_types} types"
        check_enumerable(self.most_parties, n_types, stated)
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

    def log_transform(
        self, z: FloatArray, below: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        # Right to rounding near z = 1, where N multiplies it; an impossible group stays finite.
        below_1 = self._p @ below
        mean = np.maximum(self._p @ z, 1e-100)
        share = self._p[:, :, None] / mean[:, None, :]
        near = np.log1p(np.maximum(below_1, -0.5))
        log = self._n @ np.where(below_1 > -0.5, near, np.log(mean))
        first = np.einsum("g,gij->ij", self._n, share)
        return log, first, -np.einsum("g,gij,gkj->ikj", self._n, share, share)

    def somebody(self, z: FloatArray, idle: BoolArray) -> FloatArray:
        busy, rest = self._p[:, ~idle] @ z[~idle], self._p[:, idle] @ z[idle]
        with np.errstate(divide="ignore"):
            odds = np.divide(busy, rest, out=np.where(busy > 0, np.inf, 0.0), where=rest > 0)
        return np.asarray(-np.expm1(-self._n @ np.log1p(odds)))

    def reordered(self, order: IntArray) -> UnlikeParties:
        return UnlikeParties(self._n, self._p[:, order])

    def grouped(self, members: IntArray) -> UnlikeParties:
        return UnlikeParties(self._n, _grouped(self._p, members))


@dataclass(frozen=True, eq=False, repr=False)
class KnownParties(_Law):
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
    _n: IntArray = field(init=False)

    def __post_init__(self) -> None:
        n = np.atleast_1d(reals("numbers", self.numbers))
        if n.ndim != 1 or not n.size or not np.all((n >= 1) & (n == np.round(n)) & (n < np.inf)):
            raise ValueError(
                f"numbers must be a whole number >= 1 for each type; got {brief(self.numbers)}"
            )
        if not np.all(n <= 2**53) or n.sum() > 2**53:
            raise ValueError(f"numbers must add up to at most 2^53; got {brief(self.numbers)}")
        self._keep(numbers=n.astype(np.int64), _n=n.astype(np.int64))

    types_are_known = True
    n_outcomes = 1

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

    def log_transform(
        self, z: FloatArray, below: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        n, z = self._n[:, None], np.maximum(z, np.finfo(float).tiny)
        return np.sum(n * np.log(z), axis=0), n / z, -np.eye(len(z))[:, :, None] * (n / z**2)

    def somebody(self, z: FloatArray, idle: BoolArray) -> FloatArray:
        return np.full(z.shape[1], float(not idle.all()))


def _grouped(values: npt.NDArray[Any], members: IntArray) -> npt.NDArray[Any]:
    """Sums over all types but the members, then the members, along the last axis."""
    rest = np.delete(values, members, axis=-1).sum(axis=-1, keepdims=True)
    return np.concatenate([rest, values[..., members]], axis=-1)


def _distributions(probabilities: npt.ArrayLike) -> FloatArray:
    p = np.atleast_2d(reals("probabilities", probabilities))
    good = p.ndim == 2 and np.all((p >= 0) & (p <= 2))
    good = good and np.all(np.abs(p.sum(axis=1) - 1) <= 1e-9)
    if not good or not np.all(p.max(axis=0) > 0):
        raise ValueError(
            "probabilities must be >= 0, sum to 1 in each row, and give every type a chance;"
            f" got {brief(p.tolist())}"
        )
    return shares(p)
