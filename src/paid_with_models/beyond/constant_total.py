r"""One total whoever comes: the best of these mechanisms, its quotas, and a bound for all.

Under own beliefs a party of type i weighs an outcome by :math:`n_i / (N p_i)`. With
:math:`x_i(n)` for what all of type i give together, its mean contribution is
:math:`\mu_i = E[x_i(n)] / (N p_i)`: incentives see means only. So let the total be the same
number S in every outcome. Rewards then need no chance either, and the best such mechanism is a
linear program in I means and utilities, whatever N, with one number S to be found
(:func:`constant_total`).

A constant total has to be carried by those who are there. By Hall's theorem for transport means
:math:`\mu` can be had if and only if

.. math:: N \sum_{i \in A} p_i \mu_i \le S \Bigl(1 - \bigl(1 - \sum_{i \in A} p_i\bigr)^N\Bigr)

for every set A of types, with equality for all of them. The right-hand side is concave in the
probability of A; so the tightest sets are those of the types that contribute most, and I of the
2^I conditions imply the rest (:func:`hall_slack`). Where they hold with slack, one number a type
is enough to say who gives how much: :math:`m_i(n) = S g_i / \sum_j n_j g_j`
(:func:`share_weights`). Where some bind, the types in question carry the total alone whenever one
of them is there: types form *tiers*.

:func:`bound_without_outcomes` bounds every mechanism, constant or not, for any N and I.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported where they are used

from ..accuracy import Curve, FloatArray, IntArray
from .quotas import ShareRule

__all__ = [
    "ConstantTotal",
    "bound_without_outcomes",
    "constant_total",
    "hall_slack",
    "mean_shares",
    "share_weights",
]

#: STEPS: of Newton's method for the total; it takes about ten.
STEPS = 100
#: CLOSE: relative change of the total at which the method stops.
CLOSE = 1e-11
#: TIGHT: relative slack of a Hall condition below which it is taken to bind.
TIGHT = 1e-9
#: NODE_STEP: of the trapezoidal rule in log s; its error is about exp(-pi^2 / NODE_STEP).
NODE_STEP = 0.1
#: SWEEPS: of the iteration for the weights.
SWEEPS = 2000
#: NEWTON: types up to which the weights take Newton steps; with more, sweeps are cheaper.
NEWTON = 60
#: WEIGHTS_TOLERANCE: relative error of the mean contributions that the weights give.
WEIGHTS_TOLERANCE = 1e-12
#: MOST_DATA: units of data beyond which a curve is taken at its limit.
MOST_DATA = 1e100
#: CELLS: on each side of the mean, where a convex function is bounded by a parabola.
CELLS = 400
#: RARE: probability of all outcomes that the bound for the paper's beliefs gives away.
RARE = 1e-10

Curves = tuple[Curve, Curve, float]


def hall_slack(
    means: FloatArray, total: float, probabilities: FloatArray, n_parties: int
) -> FloatArray:
    r"""By how much the transport conditions hold for the sets that matter.

    Parameters
    ----------
    means : (I,) ndarray
        Mean contributions, units of data, non-decreasing.
    total : float
        S, units of data.
    probabilities : (I,) ndarray
    n_parties : int >= 1

    Returns
    -------
    (I,) ndarray
        Entry k is :math:`S (1 - (1 - P_k)^N) - N \sum_{i \ge k} p_i \mu_i` with
        :math:`P_k = \sum_{i \ge k} p_i`, in units of data. Means can be had with this total in
        every outcome if and only if none is negative and the first is 0.

    Examples
    --------
    >>> hall_slack(np.array([50.0, 150.0]), 200.0, np.array([0.5, 0.5]), 2).tolist()
    [0.0, 0.0]
    """
    carried = np.cumsum((n_parties * probabilities * means)[::-1])[::-1]
    return np.asarray(total * _present(probabilities, n_parties) - carried)


def _present(probabilities: FloatArray, n_parties: int) -> FloatArray:
    """Probability that a party of type k or a cheaper one comes, (I,)."""
    absent = np.concatenate([[0.0], np.cumsum(probabilities)[:-1]])
    return np.asarray(1 - np.minimum(absent, 1.0) ** n_parties)


def _incentives(
    costs: FloatArray, outside: FloatArray
) -> tuple[scipy.sparse.csr_array, FloatArray]:
    """IR and IC as A y >= b in y = (c mu, u), money in values of the best model."""
    n = costs.size
    step, k, ones = costs[:-1] - costs[1:], np.arange(n - 1), np.ones(n - 1)
    down = [(k, k, -step / costs[:-1]), (k, n + k, -ones), (k, n + k + 1, ones)]
    up = [(k, k + 1, step / costs[1:]), (k, n + k, ones), (k, n + k + 1, -ones)]
    parts = [*down, *((row + n - 1, column, value) for row, column, value in up)]
    every = np.arange(n)
    parts.append((2 * (n - 1) + every, n + every, np.ones(n)))
    return _sparse(parts, (3 * n - 2, 2 * n)), np.concatenate([np.zeros(2 * (n - 1)), outside])


def _sparse(
    parts: Sequence[tuple[IntArray, IntArray, FloatArray]], shape: tuple[int, int]
) -> scipy.sparse.csr_array:
    rows, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    return scipy.sparse.csr_array(scipy.sparse.coo_array((values, (rows, columns)), shape=shape))


@dataclass(frozen=True, eq=False)
class ConstantTotal:
    """The best mechanism with one total in every outcome; costliest type first.

    Attributes
    ----------
    total : float
        S, units of data; the mean where a lottery decides whether the scheme is carried out.
    means : (I,) ndarray
        Mean contributions, units of data.
    utilities : (I,) ndarray
        In values of the best model.
    row_prices : (3 I - 1,) ndarray >= 0
        What relaxed constraints are worth, accuracy per value of the best model: downward and
        upward incentive constraints, IR, and last the cap of the cheapest type. Rewards do not
        fall with costs, so that no other cap can bind.
    data_price : float > 0
        What a unit of data is worth, accuracy.
    """

    total: float
    means: FloatArray
    utilities: FloatArray
    row_prices: FloatArray
    data_price: float


def constant_total(
    costs: FloatArray,
    probabilities: FloatArray,
    outside: FloatArray,
    n_parties: int,
    curves: Curves,
    *,
    transport: bool = True,
) -> ConstantTotal | None:
    """The best mechanism in which the total does not depend on who comes, under own beliefs.

    Parameters
    ----------
    costs : (I,) ndarray
        Strictly decreasing, in values of the best model per unit of data.
    probabilities, outside : (I,) ndarray
        Outside options in values of the best model.
    n_parties : int >= 1
    curves : (Curve, Curve, float)
        Concave accuracy and value, and the value of the best model.
    transport : bool
        False drops Hall's conditions: what is found is a relaxation then.

    Returns
    -------
    ConstantTotal or None
        None if no positive total can be carried and paid for.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> curve = GeneralizationBound().envelope()
    >>> found = constant_total(np.array([0.002, 0.0005]), np.array([0.5, 0.5]),
    ...                        np.array([0.0677, 0.4004]), 10, (curve, curve, 1.0))
    >>> round(found.total), bool(hall_slack(found.means, found.total,
    ...                                     np.array([0.5, 0.5]), 10).min() > -1e-6)
    (5991, True)
    """
    value, unit = curves[1], curves[2]
    n = costs.size
    data = n_parties * probabilities / costs
    reach = float(data.sum())
    incentives, constant = _incentives(costs, outside)
    cap = scipy.sparse.csr_array(([1.0, 1.0], ([0, 0], [n - 1, 2 * n - 1])), shape=(1, 2 * n))
    rows = scipy.sparse.csr_array(scipy.sparse.vstack([-incentives, cap]))
    ahead = -np.concatenate([data / reach, np.zeros(n)])
    equal, present, most = None, np.ones(n), np.ones(2 * n)
    if transport:
        # What a type and all cheaper ones carry, as variables of their own, keeps rows short.
        k, every, ones = np.arange(n - 1), np.arange(n), np.ones(n)
        chain = [(every, every, -data / reach), (every, 2 * n + every, ones)]
        equal = _sparse([*chain, (k, 2 * n + k + 1, -ones[:-1])], (n, 3 * n))
        rows = scipy.sparse.csr_array(
            scipy.sparse.hstack([rows, scipy.sparse.csr_array((rows.shape[0], n))])
        )
        ahead, most = np.concatenate([ahead, np.zeros(n)]), np.ones(3 * n)
        present = _present(probabilities, n_parties)
    total = reach
    for _ in range(STEPS):
        worth = float(value(total)) / unit
        if transport:
            most[2 * n + 1 :] = np.minimum(total / reach * present[1:], 1.0)
        found = scipy.optimize.linprog(
            ahead,
            A_ub=rows,
            b_ub=np.concatenate([-constant, [worth]]),
            A_eq=equal,
            b_eq=None if equal is None else np.zeros(n),
            bounds=np.column_stack([np.zeros(most.size), most]),
            method="highs",
        )
        if found.status != 0:
            return None
        carried = -found.fun * reach
        # How what can be carried moves with the total, by value and by Hall's conditions.
        prices = np.maximum(-found.ineqlin.marginals * reach, 0.0)
        hall = -found.upper.marginals[2 * n + 1 :] * (most[2 * n + 1 :] < 1)
        per_hall = float(hall @ present[1:]) if transport else 0.0
        lower = _supported(value, unit, total, carried, float(prices[-1]), per_hall)
        if lower is None:
            return None
        if abs(lower - total) <= CLOSE * total:
            break
        total = lower
    spent, utilities = np.maximum(found.x[:n], 0.0), found.x[n : 2 * n]
    total = float(data @ spent)
    slope = float(value.derivative(total)) / unit
    data_price = float(curves[0].derivative(total)) / (1 - prices[-1] * slope - per_hall)
    return ConstantTotal(total, spent / costs, utilities, data_price * prices, data_price)


def _supported(
    value: Curve, unit: float, total: float, carried: float, per_worth: float, per_hall: float
) -> float | None:
    """The largest total at which the tangent of what can be carried is no less than it."""
    worth, at = float(value(total)), total
    for _ in range(STEPS):
        v, slope = (float(part) / unit for part in value.evaluate(at)[:2])
        short = carried + per_worth * (v - worth / unit) + per_hall * (at - total) - at
        steep = 1 - per_worth * slope - per_hall
        if not steep > 0 or not at + short / steep > 0:
            return None
        at += short / steep
        if abs(short) <= 1e-15 * at * steep:
            break
    return at


def share_weights(
    means: FloatArray, total: float, probabilities: FloatArray, n_parties: int
) -> ShareRule:
    r"""Weights with which a constant total gives the mean contributions ``means``.

    The mean share of a party of type i is :math:`g_i \int_0^\infty e^{-s g_i}
    (\sum_j p_j e^{-s g_j})^{N-1} ds`, because 1/x is the integral of exp(-s x). Weights are matched
    to the means one sweep after another, as in the scaling of a matrix to given row sums
    (Sinkhorn), with Newton steps in between.

    Parameters
    ----------
    means : (I,) ndarray
        Units of data, non-decreasing, fulfilling Hall's conditions.
    total : float
        S, units of data.
    probabilities : (I,) ndarray
    n_parties : int >= 1

    Returns
    -------
    ShareRule

    Examples
    --------
    >>> rule = share_weights(np.array([50.0, 70.0]), 600.0, np.array([0.5, 0.5]), 10)
    >>> rule.tiers.tolist(), (rule.weights / rule.weights[0]).round(4).tolist()
    ([0, 0], [1.0, 1.453])
    """
    slack = hall_slack(means, total, probabilities, n_parties)
    # A new tier starts where its condition binds, and somebody below it gives something.
    starts = (slack <= TIGHT * total) & (np.cumsum(means) - means > 0)
    tiers = np.cumsum(starts).astype(np.intp)
    weights = np.zeros(means.size)
    for here, silent in _of_tiers(ShareRule(means, tiers), probabilities):
        weights[here] = _matched(means[here] / total, probabilities[here], silent, n_parties)
    return ShareRule(weights, tiers)


def mean_shares(rule: ShareRule, probabilities: FloatArray, n_parties: int) -> FloatArray:
    """The share of the total that a party of each type expects to give under a rule.

    Parameters
    ----------
    rule : ShareRule
        Higher tiers for cheaper types, types costliest first.
    probabilities : (I,) ndarray
    n_parties : int >= 1

    Returns
    -------
    (I,) ndarray

    Examples
    --------
    >>> rule = ShareRule(np.array([1.0, 1.0]), np.array([0, 1]))
    >>> mean_shares(rule, np.array([0.5, 0.5]), 2).round(12).tolist()
    [0.25, 0.75]
    """
    shares = np.zeros(rule.weights.size)
    for here, silent in _of_tiers(rule, probabilities):
        p = probabilities[here]
        shares[here] = _shares(rule.weights[here], p, silent, n_parties, curved=False)[0]
    return shares


def _of_tiers(rule: ShareRule, p: FloatArray) -> Iterator[tuple[IntArray, float]]:
    """The types that give, tier by tier, and the probability of those that then give nothing."""
    gives = rule.weights > 0
    for tier in np.unique(rule.tiers[gives]):
        silent = (rule.tiers < tier) | ((rule.tiers == tier) & ~gives)
        yield np.flatnonzero(gives & (rule.tiers == tier)), float(p[silent].sum())


def _matched(
    shares: FloatArray, probabilities: FloatArray, silent: float, n_parties: int
) -> FloatArray:
    """Weights that give mean shares, with other parties of probability ``silent`` giving none."""
    p = probabilities
    weights = shares / float(p @ shares) / n_parties
    for _ in range(SWEEPS):
        got, second = _shares(weights, p, silent, n_parties, curved=p.size <= NEWTON)
        error = np.log(shares / got)
        if np.abs(error).max() <= WEIGHTS_TOLERANCE:
            break
        step = error
        if second is not None:
            # Newton for the concave function whose gradient is N p (shares - got).
            newton = np.linalg.lstsq(second, n_parties * p * (shares - got), rcond=1e-13)[0]
            if np.abs(newton).max() <= 1.0:
                step = newton
        weights = weights * np.exp(np.clip(step, -2.0, 2.0))
        weights /= n_parties * float(p @ weights)
    return weights


def _shares(
    weights: FloatArray, p: FloatArray, silent: float, n_parties: int, *, curved: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Mean share of a party of each type; and the curvature of the function above, if asked."""
    least = float(weights.min())
    s = np.exp(np.arange(-40.0, np.log(800 / least) + NODE_STEP, NODE_STEP))
    left = np.exp(-np.outer(s, weights))
    # The sum of all probabilities is 1, but for rounding, for one tier: no digit is lost so.
    whole = abs(silent + p.sum() - 1) < 1e-9
    below = np.maximum(np.expm1(-np.outer(s, weights)) @ p, -1.0)
    with np.errstate(divide="ignore"):
        mixed = np.log1p(below) if whole else np.log(silent + left @ p)
    mixed = np.maximum(mixed, -1e6)
    measure = NODE_STEP * s
    alone = np.exp((n_parties - 1) * mixed) * measure
    got = weights * (left.T @ alone)
    if not curved:
        return got, None
    scaled = left * weights
    pairs = np.exp((n_parties - 2) * mixed) * measure * s
    both = n_parties * (n_parties - 1) * np.outer(p, p) * ((scaled * pairs[:, None]).T @ scaled)
    same = n_parties * p * weights * (scaled.T @ (alone * s))
    return got, np.diag(n_parties * p * got - same) - both


def bound_without_outcomes(
    costs: FloatArray,
    probabilities: FloatArray,
    outside: FloatArray,
    n_parties: int,
    curves: Curves,
    relaxed: ConstantTotal,
    beliefs: str,
) -> float:
    r"""What no mechanism can exceed, in a time that does not depend on N.

    With a price :math:`\lambda_i` for each cap and one price of data, weak duality leaves the mean
    of a convex function h of :math:`\Theta = \sum_i \lambda_i n_i / (N p_i)`, and a linear program
    in the means. If :math:`\lambda` is proportional to p, :math:`\Theta` is constant and this is
    Jensen's inequality. Otherwise h is bounded by a parabola, whose mean takes no more than the
    variance of :math:`\Theta`, of the order 1/N.

    Given :math:`n_i \ge 1` a unit of data costs type i less where many of it come. There all but
    outcomes of probability ``RARE`` have counts within quantiles, which bound that price.

    Parameters
    ----------
    costs, probabilities, outside, n_parties, curves
        As for :func:`constant_total`.
    relaxed : ConstantTotal
        For its prices, any of which give a bound; those without transport give a close one.
    beliefs : {"paper", "own"}

    Returns
    -------
    float
        Bound on expected accuracy.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> curve = GeneralizationBound().envelope()
    >>> given = (np.array([0.002, 0.0005]), np.array([0.5, 0.5]), np.array([0.0677, 0.4004]),
    ...          10, (curve, curve, 1.0))
    >>> relaxed = constant_total(*given, transport=False)
    >>> round(bound_without_outcomes(*given, relaxed, "own"), 4)
    0.8886
    """
    p, n, price = probabilities, n_parties, relaxed.data_price
    caps = np.zeros(costs.size)
    caps[-1] = relaxed.row_prices[-1]
    rows, constant = _incentives(costs, outside)
    if beliefs == "own":
        variance = float(max((caps**2 / p).sum() - caps.sum() ** 2, 0.0)) / n
        mean_h = _mean_of_convex(curves, caps, p, variance, price)
        objective = np.concatenate([price * n * p / costs - caps, -caps])
        row_prices = relaxed.row_prices[:-1]
    else:
        from scipy.stats import binom  # slow to import, and seldom needed

        sure = -np.expm1(n * np.log1p(-np.minimum(p, 1 - 1e-16)))
        most = np.minimum(binom.isf(RARE / costs.size, n, np.minimum(p, 1.0)), n)
        theta = float((caps / sure).sum())
        mean_h = float(conjugate(curves, np.array([theta]), price)[0])
        mean_h += RARE * (curves[0].optimum + theta)
        objective = np.concatenate([price * most * sure / costs - caps, -caps])
        found = scipy.optimize.linprog(
            -objective, A_ub=-rows, b_ub=-constant, bounds=(0, 1), method="highs"
        )
        if found.status != 0:
            return np.inf
        row_prices = np.maximum(-found.ineqlin.marginals, 0.0)
    # Of c mu and u, both in [0, 1], prices leave what is positive of the objective.
    left = np.maximum(objective + rows.T @ row_prices, 0.0).sum()
    return mean_h + float(left - row_prices @ constant)


def _mean_of_convex(
    curves: Curves, prices: FloatArray, p: FloatArray, variance: float, data_price: float
) -> float:
    """Bound on the mean of h over all distributions with this mean and variance, by a parabola."""
    mean, end = float(prices.sum()), float((prices / p).max())
    if variance <= 0 or end <= mean:
        return float(conjugate(curves, np.array([mean]), data_price)[0])
    near = 1e-3 * min(np.sqrt(variance), mean, end - mean)
    down, up = np.geomspace(near, mean, CELLS), np.geomspace(near, end - mean, CELLS)
    edges = np.concatenate([mean - down[::-1], [mean], mean + up])
    edges[0], edges[-1] = 0.0, end
    height = conjugate(curves, edges, data_price)
    at = CELLS
    slope = (height[at + 1] - height[at - 1]) / (edges[at + 1] - edges[at - 1])
    rise = height - height[at] - slope * (edges - mean)
    off = edges - mean
    # On a cell a convex h lies below its chord, a parabola above its tangent in the middle.
    middle = 0.5 * (off[1:] + off[:-1])
    below = np.minimum(middle * (2 * off[:-1] - middle), middle * (2 * off[1:] - middle))
    top = np.maximum(rise[1:], rise[:-1])
    useful = below > 0.25 * middle**2
    bend = float(np.max(np.where(useful, top / np.where(useful, below, 1.0), 0.0), initial=0.0))
    lift = float(np.max(np.where(useful, 0.0, np.maximum(top - bend * below, 0.0)), initial=0.0))
    return float(height[at]) + lift + bend * variance


def conjugate(curves: Curves, theta: FloatArray, price: float | FloatArray) -> FloatArray:
    """The most that a(S) + theta V(S) - price S can be, from above, for each theta (and price)."""
    accuracy, value, unit = curves

    def rated(total: FloatArray) -> tuple[FloatArray, FloatArray]:
        (a, a1, _), (v, v1, _) = accuracy.evaluate(total), value.evaluate(total)
        return a + theta * v / unit - price * total, a1 + theta * v1 / unit - price

    # Concave, and at most optimum + theta: beyond that over the price the sum is negative. The
    # search is in logarithms, from next to nothing. Where the price is 0 that limit is left.
    limit = np.broadcast_to(accuracy.optimum + theta, np.broadcast(theta, price).shape)
    high = np.minimum(limit / np.maximum(price, 0.5 * limit / MOST_DATA), MOST_DATA)
    low, tiny = np.zeros(high.shape), 1e-12 * high
    for _ in range(90):
        middle = np.sqrt(np.maximum(low, tiny) * high)
        rises = (rated(middle)[1] > 0) & (middle > low)
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    best, slope = rated(low)
    above = np.asarray(best + np.maximum(slope, 0.0) * (high - low))
    return np.where(high < MOST_DATA, np.minimum(above, limit), limit)
