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

from dataclasses import dataclass, field
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from .accuracy import Curve, FloatArray
from .certificate import dual_bound
from .expectation import Uncertainty
from .exponential_sum import fit_both, joined, sum_range
from .first_moment import Chain, FirstMoment, least_utilities
from .interior_point import maximize
from .local_search import Incumbents, priced, repaired
from .problem import autarky_at
from .valuation import LinearValuation, ModelValue, Valuation

__all__ = [
    "Attendance",
    "AttendanceContract",
    "Between",
    "CostDistribution",
    "PoissonParties",
    "UnlikeParties",
    "best_cutoff",
    "bracketing_types",
    "solve_attendance",
    "type_grid",
]

#: Exponents u x at which Chernoff's bound on P(S < x) is tried.
CHERNOFF_EXPONENTS = np.geomspace(1e-2, 600.0, 80)

PERFECT_MODEL_IS_WORTH_100 = LinearValuation(100.0)


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


@dataclass(frozen=True, eq=False)
class AttendanceContract:
    """A menu under some law of attendance; types in the order of the costs given.

    Attributes
    ----------
    contributions, rewards, utilities : (I,) ndarray
        m_i, units of data; t_i and u_i, units of value.
    reservation_utilities : (I,) ndarray
        f_i, of autarky.
    reward_caps : (I,) ndarray
        E[v(a(S)) | n_i >= 1]; like the next, a bound from below where little data may come
        together.
    expected_accuracy, upper_bound, gap : float
        E[a(S)], and a proven bound on that of every menu.
    """

    contributions: FloatArray
    rewards: FloatArray
    utilities: FloatArray
    reservation_utilities: FloatArray
    reward_caps: FloatArray
    expected_accuracy: float
    upper_bound: float
    gap: float


def solve_attendance(
    law: Attendance,
    costs: npt.ArrayLike,
    accuracy: Curve,
    valuation: Valuation = PERFECT_MODEL_IS_WORTH_100,
) -> AttendanceContract:
    """The best menu under a law of attendance, with a proven bound.

    Outside options are those of autarky. Accuracy that is not concave where outcomes can fall is
    bounded by its concave envelope; nothing closes what gap that leaves.

    Parameters
    ----------
    law : Attendance
    costs : (I,) array_like > 0
        Per unit of data; must differ.
    accuracy : Curve
    valuation : Valuation

    Returns
    -------
    AttendanceContract

    Raises
    ------
    ValueError
        If costs are not positive, do not differ, or are not as many as the law has types; or if
        the curves admit no exponential sum.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem, solve
    >>> costs, curve = [0.2, 0.05], GeneralizationBound()
    >>> fixed = solve_attendance(UnlikeParties([10], [[0.5, 0.5]]), costs, curve)
    >>> contract = solve(Problem(10, [0.5, 0.5], costs, curve))
    >>> abs(fixed.expected_accuracy - contract.expected_accuracy) < 1e-10
    True
    >>> poisson = solve_attendance(PoissonParties(10, [0.5, 0.5]), costs, curve)
    >>> poisson.expected_accuracy < fixed.expected_accuracy, poisson.gap < 1e-3
    (True, True)
    """
    c = np.array(costs, dtype=float)
    if c.shape != law.present.shape or not np.all((c > 0) & (c < np.inf)):
        raise ValueError(
            f"costs must be {law.present.size} positive numbers, one for each type; got {costs!r}"
        )
    if np.unique(c).size < c.size:
        raise ValueError(f"costs must differ from each other; got {costs!r}")
    value = ModelValue(accuracy, valuation)
    order = np.argsort(-c, kind="stable")
    c = c[order][None]
    reach = sum_range(accuracy, value, law.most_parties * value.optimum / float(c.min()))
    if reach is None:
        raise ValueError(f"accuracy must be an exponential sum; {accuracy!r} has none")
    expectation = _Transformed(law.reordered(order), *reach)
    unit, alone = value.optimum, autarky_at(value, c)
    chain = Chain.of((False,) * c.size)
    exact, envelope = (
        FirstMoment(expectation, a, v, unit, c / unit, alone.utilities / unit, chain)
        for a, v in ((accuracy, value), (accuracy.envelope(), value.envelope()))
    )
    bounding = maximize(envelope)
    bound = dual_bound(envelope, bounding.point, bounding.row_prices, bounding.cap_prices)
    menus = priced(exact, alone.contributions, bounding)
    best = Incumbents(menus, menus.point.moments.accuracy)
    point = best.improved(exact, repaired(exact, bounding, alone.contributions)).menus.point

    m = point.contributions
    u = least_utilities(m, exact.costs, exact.reservation_utilities) * unit
    back = np.argsort(order)
    # Where little data come together the sums are below the curves, even below their start.
    reached = max(float(point.moments.accuracy[0]), float(accuracy(0.0)))
    upper = max(float(bound[0]), reached)
    return AttendanceContract(
        contributions=m[0, back],
        rewards=(u + c * m)[0, back],
        utilities=u[0, back],
        reservation_utilities=alone.utilities[0, back],
        reward_caps=np.maximum(point.moments.values[0, back], float(value(0.0))),
        expected_accuracy=reached,
        upper_bound=upper,
        gap=upper - reached,
    )


@dataclass(frozen=True, eq=False)
class _Transformed:
    """Moments of the total contribution from a generating function and exponential sums.

    Menus of a batch are all under the same law. Where nobody turns up nothing is collected, and
    the curve itself says what that is worth.
    """

    law: Attendance
    low: float
    high: float

    def take(self, rows: npt.NDArray[np.intp]) -> _Transformed:
        """The same law, for some of the menus."""
        return self

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> _Moments:
        """Moments of accuracy and value for contributions of shape (B, I)."""
        a, v = fit_both(accuracy, value, self.low, self.high)
        rates, a_weights, v_weights = joined(a, v)
        pieces = [_Piece.of(self.law, rates, m) for m in np.maximum(contributions, 0.0)]
        nobody = np.exp(self.law.log_nobody)

        def mean(curve: Curve, limit: float, weights: FloatArray) -> FloatArray:
            empty = nobody * (float(curve(0.0)) - limit)
            return np.array([limit + empty - it.some @ weights for it in pieces])

        present = self.law.present
        return _Moments(
            accuracy=mean(accuracy, a.limit, a_weights),
            accuracy_gradient=np.array([it.first @ a_weights for it in pieces]),
            value=mean(value, v.limit, v_weights),
            values=np.array([v.limit - it.seen @ v_weights / present for it in pieces]),
            value_jacobian=np.array(
                [it.seen_first @ v_weights / present[:, None] for it in pieces]
            ),
            pieces=pieces,
            weights=(a_weights, v_weights),
            present=present,
        )

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        """How far the envelopes' moments may lie above those of the sums, at these menus.

        Between ``low`` and the tangent point x the sum stands for the curve and is concave, the
        envelope is a line: their difference is largest at an end. Below ``low`` it is at most what
        the sum falls short of its limit at 0. Chernoff bounds how often either happens.
        """
        a, v = fit_both(accuracy, value, self.low, self.high)
        rounding = np.finfo(float).eps * 1024
        pairs = ((accuracy.envelope(), a), (value.envelope(), v))
        tangent = max(envelope.tangent_point for envelope, _ in pairs)
        off, slope_off = [], []
        for envelope, fit in pairs:
            ends = np.array([self.low, max(envelope.tangent_point, self.low)])
            off.append(float(np.max(envelope(ends) - fit(ends))))
            slope_off.append(float(np.max(np.abs(envelope.slope - fit.derivative(ends)))))
        some, counted = np.zeros((2, len(contributions))), np.zeros((2, *contributions.shape))
        for k, x in enumerate((self.low, tangent)):
            if x > 0:
                rates = CHERNOFF_EXPONENTS / x
                pieces = [_Piece.of(self.law, rates, m) for m in np.maximum(contributions, 0.0)]
                grow = np.exp(CHERNOFF_EXPONENTS)
                some[k] = [min(float((grow * it.some).min()), 1.0) for it in pieces]
                counted[k] = [(grow * it.counted).min(axis=1) for it in pieces]
        seen = np.minimum(some[:, :, None] / self.law.present, 1.0)
        steep = max(float(fit.rates @ fit.weights) for fit in (a, v))
        return Uncertainty(
            accuracy=a.error
            + rounding * a.limit
            + some[0] * a.weights.sum()
            + some[1] * max(off[0], 0.0),
            values=v.error
            + rounding * v.limit
            + seen[0] * v.weights.sum()
            + seen[1] * max(off[1], 0.0),
            relative_slope=max(a.slope_error, v.slope_error) + rounding,
            slope=(counted[0] * steep + counted[1] * max(slope_off)) / self.law.present.min(),
        )


@dataclass(frozen=True, eq=False)
class _Piece:
    """Transforms of one menu and their derivatives in the contributions, over J rates.

    Attributes
    ----------
    some : (J,) ndarray
        E[exp(-u S); n > 0].
    counted : (I, J) ndarray
        E[n_i exp(-u S)].
    first : (I, J) ndarray
        Minus the gradient of E[exp(-u S)].
    second : (I, I, J) ndarray
        Its Hessian.
    seen : (I, J) ndarray
        E[exp(-u S); n_i >= 1].
    seen_first : (I, I, J) ndarray
        Minus its Jacobian.
    without : list of (first, second)
        As above, for E[exp(-u S); n_i = 0].
    """

    some: FloatArray
    counted: FloatArray
    first: FloatArray
    second: FloatArray
    seen: FloatArray
    seen_first: FloatArray
    without: list[FloatArray]

    @classmethod
    def of(cls, law: Attendance, rates: FloatArray, m: FloatArray) -> _Piece:
        z = np.exp(-np.outer(m, rates))
        log, first, second = _in_contributions(law, rates, z)
        whole = np.exp(log)
        logs, firsts, without = [], [], []
        for i in range(m.size):
            absent = z.copy()
            absent[i] = 0.0
            log_i, first_i, second_i = _in_contributions(law, rates, absent)
            logs.append(log_i)
            firsts.append(first_i)
            without.append(second_i)
        return cls(
            # Chernoff's bounds look for the least multiple: nothing may be lost to cancellation.
            some=whole * law.somebody(z),
            counted=first / rates,
            first=first,
            second=second,
            seen=-whole * np.expm1(np.minimum(np.array(logs) - log, 0.0)),
            seen_first=first - np.array(firsts),
            without=without,
        )


def _in_contributions(
    law: Attendance, rates: FloatArray, z: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logarithm of G (J,), minus the gradient of G in m (I, J), its Hessian (I, I, J)."""
    log, by_z, twice = law.log_transform(z)
    pull = rates * z
    whole = np.exp(log)
    first = pull * by_z * whole
    second = pull[:, None] * pull * (twice + by_z[:, None] * by_z) * whole
    each = np.arange(len(z))
    second[each, each] += rates * first
    return log, first, second


@dataclass(frozen=True, eq=False)
class _Moments:
    """The counterpart of :class:`paid_with_models.expectation.Moments`."""

    accuracy: FloatArray
    accuracy_gradient: FloatArray
    value: FloatArray
    values: FloatArray
    value_jacobian: FloatArray
    pieces: list[_Piece]
    weights: tuple[FloatArray, FloatArray]
    present: FloatArray

    def weighted_gradient(self, prices: FloatArray) -> FloatArray:
        """Gradient of E[a(S)] + sum over types of prices (B, I) times values, (B, I)."""
        seen = np.einsum("bi,bij->bj", prices, self.value_jacobian)
        return np.asarray(self.accuracy_gradient + seen)

    def curvature(self, prices: FloatArray) -> FloatArray:
        """Hessian of E[a(S)] + sum over types of prices (B, I) times values, (B, I, I)."""
        a, v = self.weights
        result = []
        for piece, price in zip(self.pieces, prices / self.present, strict=True):
            hessian = -piece.second @ (a + price.sum() * v)
            for part, absent in zip(price, piece.without, strict=True):
                hessian += part * (absent @ v)
            result.append(hessian)
        return np.array(result)


class CostDistribution(Protocol):
    """What is needed of a distribution of costs; SciPy's frozen distributions have it."""

    def ppf(self, q: npt.ArrayLike) -> FloatArray:
        """Quantiles."""

    def cdf(self, x: npt.ArrayLike) -> FloatArray:
        """Probabilities of at most x."""

    def support(self) -> tuple[float, float]:
        """Ends of the range."""


def type_grid(distribution: CostDistribution, n_types: int) -> FloatArray:
    """Costs of I equally likely types that stand for a continuous distribution.

    Parameters
    ----------
    distribution : CostDistribution
        Of costs per unit of data, positive, such as ``scipy.stats.lognorm(0.8)``.
    n_types : int >= 1

    Returns
    -------
    (I,) ndarray
        The medians of I equally likely intervals, costliest first.

    Raises
    ------
    ValueError
        If the number is not positive, or costs are not.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> type_grid(uniform(1.0, 1.0), 4).tolist()
    [1.875, 1.625, 1.375, 1.125]
    """
    if not n_types >= 1:
        raise ValueError(f"n_types must be at least 1; got {n_types!r}")
    costs = distribution.ppf((np.arange(n_types, 0, -1) - 0.5) / n_types)
    if not np.all((costs > 0) & (costs < np.inf)):
        raise ValueError(f"distribution must be of positive costs; got {costs.min():g}")
    return np.asarray(costs)


@dataclass(frozen=True)
class Between:
    """A distribution of costs, given that they lie between two values.

    Attributes
    ----------
    distribution : CostDistribution
    low, high : float
        0 <= low < high, with positive probability between them.

    Raises
    ------
    ValueError
        If nothing lies between them.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> Between(uniform(0.0, 1.0), 0.5, 1.0).ppf(0.5).item()
    0.75
    """

    distribution: CostDistribution
    low: float
    high: float

    def __post_init__(self) -> None:
        below, above = self._ends
        if not (0 <= self.low < self.high and below < above):
            raise ValueError(
                "low and high must have costs between them;"
                f" got {self.low!r}, {self.high!r} with probability {above - below:g}"
            )

    @property
    def _ends(self) -> FloatArray:
        return np.asarray(self.distribution.cdf([self.low, self.high]))

    def ppf(self, q: npt.ArrayLike) -> FloatArray:
        below, above = self._ends
        inside = self.distribution.ppf(below + np.asarray(q, dtype=float) * (above - below))
        return np.clip(inside, self.low, self.high)

    def cdf(self, x: npt.ArrayLike) -> FloatArray:
        below, above = self._ends
        return np.asarray(np.clip((self.distribution.cdf(x) - below) / (above - below), 0.0, 1.0))

    def support(self) -> tuple[float, float]:
        return self.low, self.high


def bracketing_types(
    distribution: CostDistribution, n_types: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    r"""Types all dearer, and types all cheaper, than the continuous costs that they stand for.

    The range is cut into I intervals of the same ratio of costs. Where accuracy and value are
    concave and parties hold their own beliefs, the best menu for the upper ends does no better
    than the best one for the distribution, and that does no better than the best menu for the
    lower ends (own result, proved in the book).

    Parameters
    ----------
    distribution : CostDistribution
        With a support from a positive cost to a finite one.
    n_types : int >= 1

    Returns
    -------
    probabilities, upper ends, lower ends : (I,) ndarray
        Costliest first; intervals without probability are left out.

    Raises
    ------
    ValueError
        If the number is not positive, or the support not as it must be.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> p, dearer, cheaper = bracketing_types(uniform(1.0, 3.0), 2)
    >>> p.round(6).tolist(), dearer.round(6).tolist(), cheaper.round(6).tolist()
    ([0.666667, 0.333333], [4.0, 2.0], [2.0, 1.0])
    """
    if not n_types >= 1:
        raise ValueError(f"n_types must be at least 1; got {n_types!r}")
    low, high = distribution.support()
    if not 0 < low < high < np.inf:
        raise ValueError(f"distribution must have costs in a finite range > 0; got {low}, {high}")
    ends = np.geomspace(high, low, n_types + 1)
    probabilities = -np.diff(distribution.cdf(ends))
    some = probabilities > 0
    return probabilities[some], ends[:-1][some], ends[1:][some]


def best_cutoff(distribution: CostDistribution) -> float:
    r"""The cost up to which parties are asked to contribute in a large market.

    With ever more parties every reward cap tends to one and the same number, the value of the
    model. A menu then is a mixture of offers "contribute up to a cost of :math:`\theta`", each of
    which must be paid :math:`\theta` for a unit of data, whoever takes it: nothing is gained from
    more than one. The best buys most data for a given reward,

    .. math:: \theta^* \in \arg\max_\theta \frac{P(c \le \theta)}{\theta} ,

    which is where the *virtual cost* :math:`\theta + P(c \le \theta) / P'(\theta)` is twice the
    cost, if it lies inside; where nobody would train alone. It is the end of the first chord of
    P's concave hull from the origin: all below it is ironed into one bunch. Own result, proved in
    the book.

    Parameters
    ----------
    distribution : CostDistribution

    Returns
    -------
    float
        The cutoff, units of value per unit of data.

    Raises
    ------
    ValueError
        If costs are not positive.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> best_cutoff(uniform(1.0, 1.0))
    2.0
    """
    low, high = distribution.support()
    high = high if np.isfinite(high) else float(distribution.ppf(1 - 1e-12))
    low = max(low, float(distribution.ppf(1e-12)))
    if not low > 0:
        raise ValueError(f"distribution must be of positive costs; got {low:g}")
    for _ in range(6):
        theta = np.geomspace(low, high, 2001)  # costs can spread over many orders of magnitude
        best = int(np.argmax(distribution.cdf(theta) / theta))
        low, high = theta[max(best - 1, 0)], theta[min(best + 1, theta.size - 1)]
    return float(theta[best])
