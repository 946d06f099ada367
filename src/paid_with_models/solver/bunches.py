r"""Exact expectations where many types share few contributions.

Optimal menus bunch: of a hundred types a handful of contributions remain. What is collected
depends only on how many parties turn up in each bunch, so that the outcomes to be enumerated are
those of the bunches, :math:`\binom{N + G - 1}{G - 1}` with G of them. Given :math:`N_g` parties in
a bunch, its types are multinomial with shares :math:`s_i = p_i / P_g`, in closed form.

Exponential sums say nothing about outcomes below the tangent point but how rare they are, and a
bound multiplies that by everything that types could contribute. :func:`bunched_bound` takes the
envelopes as they are instead, at the optimum that the sums have found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from ..accuracy import Curve, FloatArray, IntArray
from ..attendance import enumerate_outcomes, n_outcomes, outcome_probabilities
from ..problem import Problem
from .bounds import dual_bound
from .interior_point import finished
from .menus import priced
from .moments import (
    BLOCK,
    ENTRIES_WORTH_ENUMERATING,
    Blocks,
    Expectation,
    Uncertainty,
    mean,
    rounding_of_means,
)
from .optimality import Solution
from .program import FirstMoment, by_matrices

__all__ = [
    "MOST_TYPES",
    "BunchedEnumeration",
    "BunchedMoments",
    "bunched_bound",
    "bunches_of",
    "few_bunches",
]


#: SAME_OPTION: contributions closer than this, relative to the largest, are taken to be one (safely
#: so: see the uncertainty); the finish makes them one.
SAME_OPTION = 1e-7

#: MOST_TYPES: with more types the menu is not settled, since the finish is dense algebra.
MOST_TYPES = 200

#: ONCE: then there may be so many times the outcomes, since they are used once.
ONCE = 4

#: SETTLINGS: how often the menu is settled at the envelopes' own optimum, where bunches may part
#: or join.
SETTLINGS = 3


@dataclass(frozen=True, eq=False)
class BunchedMoments:
    """The counterpart of :class:`paid_with_models.solver.moments.Moments` for one menu of bunches.

    Attributes
    ----------
    accuracy, accuracy_gradient, value, values : ndarray
        As there.
    """

    accuracy: FloatArray
    accuracy_gradient: FloatArray
    value: FloatArray
    values: FloatArray
    _outcomes: BunchedEnumeration
    _slopes: FloatArray
    _bends: tuple[FloatArray, FloatArray]

    @cached_property
    def _own_bunch(self) -> tuple[FloatArray, FloatArray]:
        """Of each type's value: the slope in its bunch's other types, and in itself, (I,) each."""
        some = self._outcomes
        members, share = some.counts.T[some.bunch], some.share
        if some.beliefs == "own":
            together = share[:, None] * (members - 1)
        else:
            together = -np.expm1((members - 1) * _log_rest(share)[:, None])
        rising = some.weights * self._slopes * members / some.present[:, None]
        with_others = mean(rising, np.where(members > 0, together, 0.0))
        itself = rising.sum(axis=1) * share
        return with_others, itself + (with_others * share if some.beliefs == "own" else 0.0)

    @cached_property
    def value_jacobian(self) -> FloatArray:
        """Jacobian of ``values``, (1, I, I); with many types nobody asks for it."""
        some = self._outcomes
        # E[n_j; type i is there]: in other bunches s_j N_h, in its own less than that.
        seen = some.blocks.added(some.conditional * self._slopes)
        jacobian = seen[:, some.bunch] * some.share
        with_others, itself = self._own_bunch
        same = some.bunch[:, None] == some.bunch
        jacobian = np.where(same, with_others[:, None] * some.share, jacobian)
        own = np.arange(some.share.size)
        jacobian[own, own] = itself
        return jacobian[None]

    def weighted_gradient(self, prices: FloatArray) -> FloatArray:
        """Gradient of E[a(S)] + sum over types of prices (1, I) times values, (1, I)."""
        some, price = self._outcomes, prices[0]
        with_others, itself = self._own_bunch
        # By bunches (G,): what all types see, but for those of the bunch itself.
        of_bunches = np.zeros(some.chances.size)
        for g in range(of_bunches.size):
            others = np.where(some.bunch == g, 0.0, price) @ some.conditional
            of_bunches[g] = some.blocks.added((others * self._slopes)[None])[0, g]
        of_bunches += np.bincount(some.bunch, price * with_others, of_bunches.size)
        seen = (of_bunches[some.bunch] - price * with_others) * some.share + price * itself
        return np.asarray(self.accuracy_gradient + seen)

    def curvature(self, prices: FloatArray) -> FloatArray:
        """About the Hessian of the same, (1, I, I); Newton's method needs no more.

        The presence of one type is taken to tell nothing about others of its bunch.
        """
        some = self._outcomes
        seen = prices[0] @ some.conditional
        bend = some.weights * self._bends[0] + seen * self._bends[1]
        own = bend @ some.counts
        between = some.counts.T @ (bend[:, None] * some.counts) - np.diag(own)
        hessian = between[np.ix_(some.bunch, some.bunch)] * np.outer(some.share, some.share)
        return np.asarray(hessian + np.diag(own[some.bunch] * some.share))[None]


@dataclass(frozen=True, eq=False)
class BunchedEnumeration:
    """Expectations for one problem's menus that bunch in a given way.

    Contributions of a bunch are taken to be their mean; by how much that is wrong, where they
    differ, is part of the uncertainty.

    Attributes
    ----------
    n_parties : int
    probabilities : (I,) ndarray
    beliefs : {"paper", "own"}
    bunch : (I,) ndarray of int
        The bunch that each type belongs to, 0 to G - 1.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> from paid_with_models.solver.moments import Enumeration
    >>> curve = GeneralizationBound()
    >>> bunched = BunchedEnumeration(3, np.full(4, 0.25), "paper", np.array([0, 0, 0, 1]))
    >>> menu = np.array([[40.0, 40.0, 40.0, 90.0]])
    >>> all_ = Enumeration.of(3, np.full((1, 4), 0.25), "paper")
    >>> len(bunched.counts), len(all_.counts)
    (4, 20)
    >>> some, every = (e.moments(curve, curve, menu) for e in (bunched, all_))
    >>> np.allclose(some.values, every.values), np.allclose(some.accuracy, every.accuracy)
    (True, True)
    """

    n_parties: int
    probabilities: FloatArray
    beliefs: str
    bunch: IntArray

    @cached_property
    def chances(self) -> FloatArray:
        """Probability of each bunch, (G,)."""
        return np.bincount(self.bunch, self.probabilities).astype(float)

    @cached_property
    def share(self) -> FloatArray:
        """Each type's share of its bunch, (I,)."""
        return self.probabilities / self.chances[self.bunch]

    @cached_property
    def counts(self) -> FloatArray:
        """The outcomes, (K, G)."""
        return enumerate_outcomes(self.n_parties, self.chances.size).astype(float)

    @cached_property
    def blocks(self) -> Blocks:
        """The same, to be summed over."""
        return Blocks.of(self.counts)

    @cached_property
    def weights(self) -> FloatArray:
        """Their probabilities, (K,)."""
        chances = self.chances / self.chances.sum()
        return outcome_probabilities(self.counts.astype(int), chances)

    @cached_property
    def present(self) -> FloatArray:
        """What each type's expectations are divided by: P(n_i >= 1), or N p_i, (I,)."""
        if self.beliefs == "own":
            return self.n_parties * self.probabilities
        return np.asarray(-np.expm1(self.n_parties * _log_rest(self.probabilities)))

    @cached_property
    def conditional(self) -> FloatArray:
        """The outcomes' probabilities as each type sees them, (I, K)."""
        members = self.counts.T[self.bunch]
        if self.beliefs == "own":
            return self.weights * members * (self.share / self.present)[:, None]
        seen = -np.expm1(members * _log_rest(self.share)[:, None])
        return self.weights * seen / self.present[:, None]

    def take(self, rows: IntArray) -> BunchedEnumeration:
        """Itself: there is one problem."""
        return self

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        """How far exact moments may lie above the computed ones: rounding, and unlike bunches."""
        error = 2 * rounding_of_means(self.counts)
        apart = np.abs(contributions[0] - self.alike(contributions)[self.bunch]).max()
        off = 2 * self.n_parties * apart
        steepest = [float(np.max(curve.envelope().derivative(0.0))) for curve in (accuracy, value)]
        return Uncertainty(
            overstated=np.zeros(1),
            accuracy=np.array([error * accuracy.optimum + off * steepest[0]]),
            values=np.full(contributions.shape, error * value.optimum + off * steepest[1]),
            relative_slope=error + np.finfo(float).eps * len(self.counts) / BLOCK,
            accuracy_slope=np.zeros(1),
            value_slopes=np.zeros(contributions.shape),
        )

    def alike(self, contributions: FloatArray) -> FloatArray:
        """Contributions of the bunches, (G,), the means of those of shape (1, I)."""
        return np.bincount(self.bunch, contributions[0]) / np.bincount(self.bunch)

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> BunchedMoments:
        """Moments of accuracy and value for contributions of shape (1, I)."""
        counts, weights, bunch, share = self.counts, self.weights, self.bunch, self.share
        totals = np.maximum(counts @ self.alike(contributions), 0.0)
        a, a1, a2 = accuracy.evaluate(totals)
        v, v1, v2 = value.evaluate(totals)
        return BunchedMoments(
            accuracy=mean(weights[None], a),
            accuracy_gradient=self.blocks.added((weights * a1)[None])[:, bunch] * share,
            value=mean(weights[None], v),
            values=mean(self.conditional[None], v),
            _outcomes=self,
            _slopes=v1,
            _bends=(np.minimum(a2, 0.0), np.minimum(v2, 0.0)),
        )


def _log_rest(chances: FloatArray) -> FloatArray:
    """log(1 - p), finite also for a type that is sure."""
    return np.log1p(-np.minimum(chances, 1 - 2.0**-53))


def bunched_bound(
    envelope: FirstMoment,
    solution: Solution,
    probabilities: FloatArray,
    law: Callable[[IntArray], Expectation | None],
    wanted: float = -np.inf,
) -> float:
    """Safe upper bound on every menu, with exact envelopes at a solution that bunches.

    Parameters
    ----------
    envelope : FirstMoment
        The convex problem, a batch of one, types costliest first.
    solution : Solution
        About its optimum.
    probabilities : (I,) ndarray
        Of the types.
    law : callable
        Expectations for menus that bunch in a given way, see :class:`BunchedEnumeration`; None
        where the outcomes are too many.
    wanted : float
        Bounds need not be closer once they are below this.

    Returns
    -------
    float
        Infinite where the outcomes of the bunches are too many.
    """
    best = np.inf
    before: IntArray | None = None
    settles = envelope.costs.shape[1] <= MOST_TYPES
    for _ in range(SETTLINGS):
        m = solution.point.contributions[0]
        bunch, bunched = _bunches(m, probabilities, law)
        if bunched is None or (before is not None and np.array_equal(before, bunch)):
            break
        exact = replace(envelope, expectation=bunched)
        if settles:
            exact = replace(exact, form=by_matrices)
        alike = np.bincount(bunch, m) / np.bincount(bunch)
        at = priced(exact, alike[None, bunch], solution)
        best = min(best, float(dual_bound(exact, at.point, at.row_prices, at.cap_prices)[0]))
        if best <= wanted or not settles:
            break
        solution = finished(exact, at)
        bound = dual_bound(exact, solution.point, solution.row_prices, solution.cap_prices)
        best = min(best, float(bound[0]))
        before = bunch
    return best


def _bunches(
    contributions: FloatArray,
    chances: FloatArray,
    law: Callable[[IntArray], Expectation | None],
) -> tuple[IntArray, Expectation | None]:
    """The bunch of each type, (I,), and expectations for menus that bunch so; None if for none.

    Those of one option, but for rounding; while the outcomes are too many, the two next to each
    other are drawn together for which it takes the least: Ward's rule, by probability.
    """
    ranks = np.argsort(contributions, kind="stable")
    apart = np.diff(contributions[ranks]) > SAME_OPTION * contributions.max()
    place = np.concatenate([[0], np.cumsum(apart)])  # of each type, in order of contributions
    mass = np.bincount(place, chances[ranks])
    middle = np.bincount(place, chances[ranks] * contributions[ranks]) / mass
    while True:
        bunch = np.empty_like(place)
        bunch[ranks] = place
        found = law(bunch)
        if found is not None or mass.size == 1:
            return bunch, found
        cost = mass[1:] * mass[:-1] / (mass[1:] + mass[:-1]) * np.diff(middle) ** 2
        k = int(np.argmin(cost))
        both = mass[k] + mass[k + 1]
        middle[k] = (mass[k] * middle[k] + mass[k + 1] * middle[k + 1]) / both
        mass[k] = both
        mass, middle = np.delete(mass, k + 1), np.delete(middle, k + 1)
        place = place - (place > k)


def few_bunches(
    n_parties: int, probabilities: FloatArray, beliefs: str, bunch: IntArray
) -> BunchedEnumeration | None:
    """Expectations of menus that bunch in a given way, unless the outcomes are too many.

    Examples
    --------
    >>> few_bunches(10, np.full(100, 0.01), "paper", np.arange(100) // 50).counts.shape
    (11, 2)
    >>> few_bunches(10, np.full(100, 0.01), "paper", np.arange(100)) is None
    True
    """
    entries = n_outcomes(n_parties, int(bunch.max()) + 1) * bunch.size
    settles = bunch.size <= MOST_TYPES
    if entries > (1 if settles else ONCE) * ENTRIES_WORTH_ENUMERATING:
        return None
    return BunchedEnumeration(n_parties, probabilities, beliefs, bunch)


def bunches_of(problem: Problem) -> Callable[[IntArray], BunchedEnumeration | None]:
    """The same for a problem of independent draws, by the bunch of each type."""
    p = problem.probabilities[problem.costliest_first]
    return partial(few_bunches, problem.n_parties, p, problem.beliefs)
