r"""One total whoever comes: the best of these mechanisms, its quotas, and a bound for all.

Under own beliefs a party of type i weighs an outcome by :math:`n_i / (N p_i)`. With
:math:`x_i(n)` for what all of type i give together, its mean contribution is
:math:`\mu_i = E[x_i(n)] / (N p_i)`: incentives see means only. So let the total be the same number
S in every outcome. Rewards then need no chance either, and the best such mechanism is a linear
program in I means and utilities, whatever N, with one number S to be found (:func:`constant_total`).

A constant total has to be carried by those who are there. By Hall's theorem for transport means
:math:`\mu` can be had if and only if

.. math:: N \sum_{i \in A} p_i \mu_i \le S \Bigl(1 - \bigl(1 - \sum_{i \in A} p_i\bigr)^N\Bigr)

for every set A of types, with equality for all of them. The right-hand side is concave in the
probability of A; so the tightest sets are those of the types that contribute most, and I of the
2^I conditions imply the rest (:func:`hall_slack`). Where they hold with slack, one number a type
is enough to say who gives how much: :math:`m_i(n) = S a_i / \sum_j n_j a_j` (:func:`share_weights`).
Where some bind, the types in question carry the total alone whenever one of them is there: types
form *tiers*.

:func:`bound_without_outcomes` bounds every mechanism, constant or not, for any N and I.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array
from scipy.stats import binom

from ..accuracy import Curve, FloatArray, IntArray

__all__ = [
    "ConstantTotal",
    "ShareRule",
    "bound_without_outcomes",
    "constant_total",
    "hall_slack",
    "share_weights",
]

#: STEPS: of Newton's method for the total; it takes about ten.
STEPS = 100

#: TIGHT: relative slack of a Hall condition below which it is taken to bind.
TIGHT = 1e-9

#: NODE_STEP: of the trapezoidal rule in log s; its error is about exp(-pi^2 / NODE_STEP).
NODE_STEP = 0.1

#: SWEEPS: of the iteration for the weights.
SWEEPS = 2000

#: WEIGHTS_TOLERANCE: relative error of the mean contributions that the weights give.
WEIGHTS_TOLERANCE = 1e-12

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


@dataclass(frozen=True, eq=False)
class _Program:
    """Linear constraints A y >= b in y = (c mu, u, carried by type k and cheaper), all in [0, 1]."""

    matrix: csr_array
    constant: FloatArray
    equal: csr_array
    n_types: int

    @classmethod
    def of(cls, costs: FloatArray, outside: FloatArray, carried: FloatArray) -> _Program:
        """IR, IC, and carried_k = carried_(k+1) + n_k c_k mu_k, with n_k = ``carried`` given."""
        n = costs.size
        step = costs[:-1] - costs[1:]
        k = np.arange(n - 1)
        ones = np.ones(n - 1)
        down = (k, k, -step / costs[:-1]), (k, n + k, -ones), (k, n + k + 1, ones)
        up = (k, k + 1, step / costs[1:]), (k, n + k, ones), (k, n + k + 1, -ones)
        rows = [*down, *((r + n - 1, c, v) for r, c, v in up)]
        every = np.arange(n)
        rows.append((2 * (n - 1) + every, n + every, np.ones(n)))
        matrix = _sparse(rows, (3 * n - 2, 3 * n))
        constant = np.concatenate([np.zeros(2 * (n - 1)), outside])
        chain = [
            (every, 2 * n + every, np.ones(n)),
            (every, every, -carried),
            (k, 2 * n + k + 1, -ones),
        ]
        return cls(matrix, constant, _sparse(chain, (n, 3 * n)), n)


def _sparse(parts: list[tuple[FloatArray, FloatArray, FloatArray]], shape: tuple[int, int]) -> (
    csr_array
):
    rows, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    return csr_array(coo_array((values, (rows, columns)), shape=shape))


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
    cap_prices : (I,) ndarray >= 0
        What a relaxed cap is worth, accuracy per value of the best model. Rewards do not fall with
        costs, so that only the cap of the cheapest type has a price.
    data_price : float > 0
        What a unit of data is worth, accuracy.
    """

    total: float
    means: FloatArray
    utilities: FloatArray
    cap_prices: FloatArray
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
    (5989, True)
    """
    accuracy, value, unit = curves
    n = costs.size
    data = n_parties * probabilities / costs
    reach = float(data.sum())
    program = _Program.of(costs, outside, data / reach)
    present = _present(probabilities, n_parties) if transport else np.ones(n)
    ahead = np.zeros(3 * n)
    ahead[2 * n] = -1.0
    cap = np.zeros((1, 3 * n))
    cap[0, [n - 1, 2 * n - 1]] = 1.0
    rows = csr_array(np.zeros((0, 3 * n)))
    rows = _stack(-program.matrix, csr_array(cap))
    total = reach
    for _ in range(STEPS):
        worth, slope = (float(part) / unit for part in value.evaluate(total)[:2])
        most = np.concatenate([np.ones(2 * n), np.minimum(total / reach * present, 1.0)])
        most[2 * n] = 1.0
        if not transport:
            most[2 * n :] = 1.0
        found = linprog(
            ahead,
            A_ub=rows,
            b_ub=np.concatenate([-program.constant, [worth]]),
            A_eq=program.equal,
            b_eq=np.zeros(n),
            bounds=np.column_stack([np.zeros(3 * n), most]),
            method="highs",
        )
        if found.status != 0:
            return None
        carried = -found.fun * reach
        # How what can be carried moves with the total, by value and by Hall's conditions.
        per_worth = -float(found.ineqlin.marginals[-1]) * reach
        hall = -found.upper.marginals[2 * n + 1 :] * (most[2 * n + 1 :] < 1)
        per_hall = float(hall @ present[1:])
        move = (carried - total) / (1 - per_worth * slope - per_hall)
        if not total + move > 0 or per_worth * slope + per_hall >= 1:
            return None
        total += move
        if abs(move) <= 1e-13 * total:
            break
    spent, utilities = np.maximum(found.x[:n], 0.0), found.x[n : 2 * n]
    data_price = float(accuracy.derivative(total)) / (1 - per_worth * slope - per_hall)
    prices = np.zeros(n)
    prices[-1] = data_price * per_worth
    return ConstantTotal(total, spent / costs, utilities, prices, data_price)


def _stack(first: csr_array, second: csr_array) -> csr_array:
    from scipy.sparse import vstack

    return csr_array(vstack([first, second]))


@dataclass(frozen=True, eq=False)
class ShareRule:
    """Who gives how much of a total: shares by weights, within the first tier that is there.

    Attributes
    ----------
    weights : (I,) ndarray >= 0
        A party of type i gives a_i out of the sum of the weights of all who give.
    tiers : (I,) ndarray of int
        Only the highest tier with a party present gives.
    """

    weights: FloatArray
    tiers: IntArray

    def shares(self, counts: FloatArray) -> FloatArray:
        """The share of the total that a party of each type gives, (K, I) for counts (K, I).

        Examples
        --------
        >>> rule = ShareRule(np.array([1.0, 3.0]), np.array([0, 0]))
        >>> rule.shares(np.array([[1.0, 1.0], [2.0, 0.0]])).tolist()
        [[0.25, 0.75], [0.5, 0.0]]
        """
        there = counts > 0
        first = np.where(there & (self.weights > 0), self.tiers, -1).max(axis=1, keepdims=True)
        gives = np.where(there & (self.tiers == first), self.weights, 0.0)
        whole = (gives * counts).sum(axis=1, keepdims=True)
        return np.asarray(np.divide(gives, whole, out=np.zeros_like(gives), where=whole > 0))


def share_weights(
    means: FloatArray, total: float, probabilities: FloatArray, n_parties: int
) -> ShareRule:
    r"""Weights with which a constant total gives the mean contributions ``means``.

    The mean share of a party of type i is :math:`a_i \int_0^\infty e^{-s a_i}
    (\sum_j p_j e^{-s a_j})^{N-1} ds`, because 1/x is the integral of exp(-s x). Weights are matched
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
    ([0, 0], [1.0, 1.4419])
    """
    slack = hall_slack(means, total, probabilities, n_parties)
    # A new tier starts where its condition binds, and somebody below it gives something.
    starts = (slack <= TIGHT * total) & (np.cumsum(means) - means > 0)
    tiers = np.cumsum(starts)
    weights = np.zeros(means.size)
    for tier in range(int(tiers[-1]) + 1):
        here = np.flatnonzero((tiers == tier) & (means > 0))
        if here.size:
            below = float(probabilities[: np.flatnonzero(tiers == tier)[0]].sum())
            below += float(probabilities[(tiers == tier) & (means <= 0)].sum())
            weights[here] = _matched(
                means[here] / total, probabilities[here], below, n_parties
            )
    return ShareRule(weights, tiers)


def _matched(
    shares: FloatArray, probabilities: FloatArray, silent: float, n_parties: int
) -> FloatArray:
    """Weights that give mean shares, with other parties of probability ``silent`` giving none."""
    p = probabilities
    weights = shares / float(p @ shares) / n_parties
    for _ in range(SWEEPS):
        got, second = _mean_shares(weights, p, silent, n_parties, p.size <= 60)
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


def _mean_shares(
    weights: FloatArray, p: FloatArray, silent: float, n_parties: int, curved: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Mean share of a party of each type; and the curvature of the function above, if asked."""
    least = float(weights.min())
    s = np.exp(np.arange(-40.0, np.log(800 / least) + NODE_STEP, NODE_STEP))
    left = np.exp(-np.outer(s, weights))
    # The sum of all probabilities is 1 for one tier: written so that no digit is lost.
    whole = abs(silent + p.sum() - 1) < 1e-9
    with np.errstate(divide="ignore"):
        mixed = (
            np.log1p(np.expm1(-np.outer(s, weights)) @ p) if whole else np.log(silent + left @ p)
        )
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
    prices: FloatArray,
    data_price: float,
    beliefs: str,
) -> float:
    r"""What no mechanism can exceed, from any prices, in a time that does not depend on N.

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
    prices : (I,) ndarray >= 0
        Of the caps, accuracy per value of the best model.
    data_price : float > 0
        Accuracy per unit of data.
    beliefs : {"paper", "own"}

    Returns
    -------
    float
        Bound on expected accuracy.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> curve = GeneralizationBound().envelope()
    >>> c, p, f = np.array([0.002, 0.0005]), np.array([0.5, 0.5]), np.array([0.0677, 0.4004])
    >>> round(bound_without_outcomes(c, p, f, 10, (curve, curve, 1.0), np.array([0.0, 0.096]),
    ...                              9.65e-6, "own"), 4)
    0.8886
    """
    p, n = probabilities, n_parties
    if beliefs == "own":
        spread = float(max((prices**2 / p).sum() - prices.sum() ** 2, 0.0)) / n
        mean_h = _mean_of_convex(curves, prices, p, spread, data_price)
        on_means = data_price * n * p / costs
    else:
        sure = -np.expm1(n * np.log1p(-np.minimum(p, 1 - 1e-16)))
        most = np.minimum(binom.isf(RARE / costs.size, n, np.minimum(p, 1.0)), n)
        theta = float((prices / sure).sum())
        top = conjugate(curves, np.array([theta]), data_price)[0]
        mean_h = float(top + RARE * (curves[0].optimum + theta))
        on_means = data_price * most * sure / costs
    return mean_h + _linear_part(costs, outside, on_means - prices, -prices)


def _linear_part(
    costs: FloatArray, outside: FloatArray, on_means: FloatArray, on_utilities: FloatArray
) -> float:
    """Bound on the maximum of a linear function of c mu and u over IR, IC and the box [0, 1]."""
    n = costs.size
    program = _Program.of(costs, outside, np.zeros(n))
    rows, objective = program.matrix[:, : 2 * n], np.concatenate([on_means, on_utilities])
    found = linprog(
        -objective, A_ub=-rows, b_ub=-program.constant, bounds=(0, 1), method="highs"
    )
    if found.status != 0:
        return np.inf
    price = np.maximum(-found.ineqlin.marginals, 0.0)
    left = objective + rows.T @ price
    return float(np.maximum(left, 0.0).sum() - price @ program.constant)


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

    low = np.zeros(np.broadcast(theta, price).shape)
    # Concave and at most optimum + theta: beyond that over the price the sum is negative.
    high = np.broadcast_to((accuracy.optimum + theta) / price, low.shape).copy()
    tiny = 1e-12 * high
    for _ in range(90):
        middle = np.where(low > 0, np.sqrt(np.maximum(low, tiny) * high), 0.5 * tiny + 0.0)
        middle = np.where(low > 0, middle, np.where(high > tiny, np.sqrt(tiny * high), 0.5 * high))
        rises = rated(middle)[1] > 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    best, slope = rated(low)
    return np.asarray(best + np.maximum(slope, 0.0) * (high - low))
