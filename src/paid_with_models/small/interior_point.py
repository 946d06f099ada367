"""The concave problem of the small solver: a bound in closed form, and how it is reached.

Mehrotra's predictor-corrector with exact Hessians on the increments of a :class:`Scheme`. Caps, and
that nobody left out wants to come in, may be exceeded at a price, which keeps prices bounded where
hardly any menu exists. The bound needs no solver: :func:`check` takes a menu and prices.
"""

import math
from dataclasses import dataclass

from .curve import ROUNDING
from .expectation import moments
from .law import Law
from .newton import newton_system
from .scheme import Scheme, least_utilities
from .sums import Moments

__all__ = ["Point", "Solution", "check", "follow_path", "maximize"]

#: ITERATIONS: of the method; it takes 10 to 30.
ITERATIONS = 70

#: PATIENCE, PATIENCE_AT_END: iterations without progress, before and after the optimality
#: conditions are met to NEAR_END.
PATIENCE, PATIENCE_AT_END, NEAR_END = 15, 4, 1e-7

#: TOLERANCE: violation of the optimality conditions at which the method stops, in accuracy.
TOLERANCE = 2e-11

#: PENALTY, PENALTY_GROWTH, PENALTY_LIMIT: price of exceeding what is elastic, in accuracy per
#: value: at first, by what it grows where it proves too low, and at most.
PENALTY, PENALTY_GROWTH, PENALTY_LIMIT = 30.0, 10.0, 1e7

#: BLURRED: with more error than this in a bound a higher price cannot improve it.
BLURRED = 0.1

#: NEARBY: part of the first start that the next ones are not below.
NEARBY = 0.01

#: EXCEEDED: an excess that counts, in accuracy.
EXCEEDED = 1e-10

#: CRAMPED, CENTRING: steps shorter than this are tried again with so much centring and no
#: second-order correction.
CRAMPED, CENTRING = 0.3, 0.3

#: SLOW: progress that counts as none.
SLOW = 0.8

#: STRAYING, DAMPED: after so many iterations in vain (around a kink of the curvature, as a rule)
#: steps go only so far.
STRAYING, DAMPED = 4, 0.4

#: STARTING: products of the path's start, and its distance from the boundary.
STARTING = 0.05

#: BACKWARD: part of the way to the boundary that a step goes.
BACKWARD = 0.995


@dataclass(eq=False)
class Point:
    """A menu in increments: its moments, and the slacks of all constraints.

    Attributes
    ----------
    x, m : list of float
        Increments, the last one the excess; contributions.
    moments : Moments
    slack : list of float
        Of the scheme's rows and then of the caps, without the excess.
    excess : float
        By how much what is elastic is exceeded, in accuracy.
    wrong : float
        What is added to the bound for errors of the expectations.
    """

    x: list[float]
    m: list[float]
    moments: Moments
    slack: list[float]
    excess: float
    wrong: float


@dataclass(eq=False)
class Solution:
    """What a concave problem was solved to.

    Attributes
    ----------
    point : Point
    prices : list of float >= 0
        Of the scheme's rows and then of the caps.
    bound : float
        No menu of the law reaches more.
    iterations : int
    penalty : float
        Price of exceeding what is elastic.
    """

    point: Point
    prices: list[float]
    bound: float
    iterations: int
    penalty: float


def _point(
    law: Law, x: list[float], prices: list[float], bend: bool, penalty: float, margin: float
) -> Point:
    """The point at some increments; elastic constraints must hold with a margin."""
    scheme = law.scheme
    size, n_rows = len(scheme.cost), len(scheme.rows)
    m = [0.0] * size
    for i in range(size):
        m[i] = _dot(scheme.m_rows[i], x)
    at = moments(law, m, prices[n_rows:], bend)
    slack = [0.0] * (n_rows + size)
    for r in range(n_rows):
        slack[r] = _dot(scheme.rows[r], x) - scheme.least[r] - margin * scheme.elastic[r]
    for i in range(size):
        reward = scheme.outside[0] + _dot(scheme.u_rows[i], x) + scheme.cost[i] * m[i]
        slack[n_rows + i] = at.values[i] - reward - margin
    return Point(x, m, at, slack, x[scheme.columns - 1] / penalty, 0.0)


def _dot(a: list[float], b: list[float]) -> float:
    total = 0.0
    for i in range(len(b)):
        total += a[i] * b[i]
    return total


def _jacobian(scheme: Scheme, point: Point, penalty: float) -> list[list[float]]:
    """Derivatives of all constraints in the increments; the last column is the excess."""
    size, columns = len(scheme.cost), scheme.columns
    rows: list[list[float]] = []
    for r in range(len(scheme.rows)):
        row = scheme.rows[r][:columns]
        row[columns - 1] = scheme.elastic[r] / penalty
        rows.append(row)
    for i in range(size):
        row = [0.0] * columns
        for c in range(columns - 1):
            total = -scheme.u_rows[i][c] - scheme.cost[i] * scheme.m_rows[i][c]
            for h in range(size):
                total += point.moments.jacobian[i * size + h] * scheme.m_rows[h][c]
            row[c] = total
        row[columns - 1] = 1 / penalty
        rows.append(row)
    return rows


def _gradient(
    scheme: Scheme, point: Point, rows: list[list[float]], prices: list[float]
) -> list[float]:
    """Gradient of F + prices . slack in the increments."""
    size, columns = len(scheme.cost), scheme.columns
    gradient = [0.0] * columns
    for c in range(columns):
        total = 0.0
        for h in range(size):
            total += point.moments.gradient[h] * scheme.m_rows[h][c]
        for r in range(len(rows)):
            total += prices[r] * rows[r][c]
        gradient[c] = total
    return gradient


def _dual_bound(law: Law, point: Point, rows: list[list[float]], prices: list[float]) -> float:
    """What no menu can exceed: the Lagrangian's tangent plane, maximized over the box.

    Valid for any prices >= 0 where the law's curves are concave and no smaller than the true one.
    What the expectations may be wrong by is added.
    """
    scheme, curve = law.scheme, law.scheme.curve
    size, n_rows = len(scheme.cost), len(scheme.rows)
    gradient = _gradient(scheme, point, rows, prices)
    bound = point.moments.accuracy
    total = 1.0
    for r in range(len(prices)):
        bound += prices[r] * point.slack[r]
        total += prices[r]
    for c in range(scheme.columns - 1):
        g = gradient[c]
        bound += g * (scheme.box[c] - point.x[c]) if g > 0 else -g * point.x[c]
    # Errors of values, and of slopes times how far a contribution can be from here.
    seen = 1.0
    missed = point.moments.tail
    for i in range(size):
        price = prices[n_rows + i]
        seen += price
        missed += price * point.moments.tails[i]
    wrong = law.error * seen
    reach = 0.0
    for h in range(size):
        pulled = point.moments.gradient[h]
        for i in range(size):
            pulled += prices[n_rows + i] * point.moments.jacobian[i * size + h]
        room = (curve.top - scheme.outside[h]) / scheme.cost[h]
        wrong += law.slope_error * pulled * room
        reach += room
    if len(law.chance) == 0 and curve.k > 0:
        most, steepest = 0.0, 0.0
        for j in range(len(curve.rates)):
            most += curve.weights[j]
            steepest += curve.weights[j] * curve.rates[j]
        wrong += missed * (most + scheme.n * steepest * reach)
    point.wrong = wrong + 16 * (scheme.columns + len(rows)) * ROUNDING * total
    return bound + point.wrong


def check(law: Law, m: list[float], prices: list[float]) -> float:
    """What a menu and prices prove, whoever made them: an upper bound on every menu.

    No solver is involved: this is the whole of the proof.

    Parameters
    ----------
    law : Law
        Of which every outcome is open or counted by sums that are a majorant.
    m : list of float >= 0
        Contributions, non-decreasing.
    prices : list of float >= 0
        Of the scheme's rows (the outside option of each further cost, ...) and of each cap, in
        accuracy per value of a unit of accuracy. Any are allowed: the bound is true for all.

    Returns
    -------
    float
        No menu for the scheme's types has a higher expected accuracy.

    Raises
    ------
    ValueError
        If there are not as many, or some are negative.

    Examples
    --------
    >>> from .curve import generalization_bound
    >>> from .law import outcomes
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.02, 0.01], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(9, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> law = outcomes(scheme)
    >>> round(check(law, maximize(law, [30.0, 60.0], 0.0, True).point.m, [0.0, 0.0, 0.0]), 1)
    1.0
    """
    scheme = law.scheme
    if len(m) != len(scheme.cost):
        raise ValueError("m must have one entry a type in; got " + str(len(m)))
    if len(prices) != len(scheme.rows) + len(scheme.cost):
        raise ValueError("prices must have one entry a row and a cap; got " + str(len(prices)))
    for price in prices:
        if not price >= 0:
            raise ValueError("prices must not be negative; got " + str(price))
    point = _point(law, _increments(scheme, m), prices, False, 1.0, 0.0)
    # No menu trains a better model than endless data would.
    return min(_dual_bound(law, point, _jacobian(scheme, point, 1.0), prices), scheme.curve.top)


def _increments(scheme: Scheme, m: list[float]) -> list[float]:
    """Increments of the menu with these contributions and least utilities; no excess."""
    cost = scheme.cost
    u = least_utilities(scheme, m)
    x = [0.0] * scheme.columns
    x[0] = u[0] - scheme.outside[0]
    x[1] = m[0]
    base, column = 0.0, 2
    for i in range(1, len(m)):
        if cost[i] < cost[i - 1]:
            base = min(max((u[i] - u[i - 1]) / (cost[i - 1] - cost[i]), m[i - 1]), m[i])
            x[column] = base - m[i - 1]
            column += 1
        x[column] = m[i] - base
        column += 1
    return x


def maximize(law: Law, level: list[float], enough: float, thorough: bool) -> Solution:
    """Solve a concave problem from near some contributions.

    Parameters
    ----------
    law : Law
    level : list of float > 0
        Contributions to start from, non-decreasing.
    enough : float
        The method ends when the bound falls to it: then nobody needs the solution.
    thorough : bool
        Whether the price of exceeding what is elastic is raised where it proves too low.

    Returns
    -------
    Solution

    Examples
    --------
    >>> from .curve import generalization_bound
    >>> from .law import outcomes
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.002, 0.001], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(10, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> solution = maximize(outcomes(scheme), [250.0, 500.0], 0.0, True)
    >>> round(solution.bound - solution.point.moments.accuracy, 8)
    0.0
    """
    penalty = PENALTY
    solution = follow_path(law, level, enough, penalty, 0.0)
    while (
        thorough
        and solution.point.excess > EXCEEDED
        and solution.bound > enough
        and solution.point.wrong < BLURRED
        and penalty < PENALTY_LIMIT
    ):
        penalty *= PENALTY_GROWTH
        nearby = level[:]
        for i in range(len(level)):
            nearby[i] = max(solution.point.m[i], NEARBY * level[i])
        again = follow_path(law, nearby, enough, penalty, 0.0)
        again.iterations += solution.iterations
        again.bound = min(again.bound, solution.bound)
        solution = again
    return solution


def _start(scheme: Scheme, level: list[float]) -> list[float]:
    """Increments near some contributions, none of them zero."""
    x = [0.0] * scheme.columns
    x[0] = STARTING
    x[1] = level[0]
    x[scheme.columns - 1] = STARTING
    for c in range(2, scheme.columns - 1):
        i = scheme.kind[c]
        if scheme.cost[i] == scheme.cost[0]:
            x[c] = level[i]
        elif scheme.cost[i] == scheme.cost[i - 1]:
            x[c] = x[c - 1]
        else:
            rise = 0.5 * max(level[i] - level[i - 1], STARTING * level[i])
            x[c] = min(rise, 0.5 * scheme.box[c])
    return x


def follow_path(
    law: Law, level: list[float], enough: float, penalty: float, margin: float
) -> Solution:
    """Mehrotra's predictor-corrector from an infeasible start.

    Parameters
    ----------
    law : Law
    level : list of float
    enough : float
        As for :func:`maximize`.
    penalty : float > 0
        Price of exceeding what is elastic, in accuracy per value.
    margin : float >= 0
        By how much what is elastic must hold; with a margin the bound says nothing.

    Returns
    -------
    Solution
        The point that meets the optimality conditions best, and the lowest bound on the way.

    Examples
    --------
    >>> from .law import outcomes
    >>> from .curve import generalization_bound
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.002, 0.001], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(9, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> path = follow_path(outcomes(scheme), [250.0, 500.0], 0.0, 30.0, 0.0)
    >>> 0 <= path.bound - path.point.moments.accuracy < 1e-9
    True
    """
    scheme = law.scheme
    n, n_rows, size = scheme.columns, len(scheme.rows), len(scheme.cost)
    k = n_rows + size
    x = _start(scheme, level)
    y = [0.0] * k
    point = _point(law, x, y, False, penalty, margin)
    w = [0.0] * k
    for r in range(k):
        w[r] = max(point.slack[r], STARTING)
        y[r] = STARTING / w[r]
    z = [0.0] * n
    for c in range(n):
        z[c] = STARTING / x[c]
    best, best_y, best_merit, bound = point, y, math.inf, scheme.curve.top
    in_vain, used = 0, 0
    for iteration in range(ITERATIONS):
        used = iteration
        point = _point(law, x, y, True, penalty, margin)
        rows = _jacobian(scheme, point, penalty)
        gradient = _gradient(scheme, point, rows, y)
        gradient[n - 1] -= 1.0
        gap = [0.0] * k
        products, apart = 0.0, 0.0
        for c in range(n):
            products += x[c] * z[c]
        for r in range(k):
            products += w[r] * y[r]
            gap[r] = point.slack[r] - w[r]
            if r >= n_rows or scheme.elastic[r] > 0:
                gap[r] += point.excess
            apart = max(apart, abs(gap[r]))
        here = _dual_bound(law, point, rows, y)
        bound = min(bound, here)
        merit = max(here - point.wrong - point.moments.accuracy + x[n - 1], products) + apart
        if merit < best_merit:
            in_vain = in_vain + 1 if merit > SLOW * best_merit else 0
            best, best_y, best_merit = point, y, merit
        else:
            in_vain += 1
        patience = PATIENCE_AT_END if best_merit < NEAR_END else PATIENCE
        if bound <= enough or merit <= TOLERANCE or in_vain > patience or not merit < math.inf:
            break
        newton = newton_system(scheme, point.moments, rows, gradient, gap, x, z, w, y)
        step = newton.direction(0.0, False, x, z, w, y)
        ahead = _length(x, step.x, _length(w, step.w, 1.0))
        ahead_dual = _length(z, step.z, _length(y, step.y, 1.0))
        predicted = 0.0
        for c in range(n):
            predicted += (x[c] + ahead * step.x[c]) * (z[c] + ahead_dual * step.z[c])
        for r in range(k):
            predicted += (w[r] + ahead * step.w[r]) * (y[r] + ahead_dual * step.y[r])
        ratio = min(predicted / products, 1.0)
        mean = products / (n + k)
        aim = max(ratio * ratio * ratio, 1e-4) * mean
        if in_vain > STRAYING:
            aim = max(aim, CENTRING * mean)
        step = newton.direction(aim, True, step.x, step.z, step.w, step.y)
        ahead = min(1.0, BACKWARD * _length(x, step.x, _length(w, step.w, 1.1)))
        ahead_dual = min(1.0, BACKWARD * _length(z, step.z, _length(y, step.y, 1.1)))
        if min(ahead, ahead_dual) < CRAMPED:  # far from the center: go there first
            other = newton.direction(CENTRING * mean, False, x, z, w, y)
            far = min(1.0, BACKWARD * _length(x, other.x, _length(w, other.w, 1.1)))
            far_dual = min(1.0, BACKWARD * _length(z, other.z, _length(y, other.y, 1.1)))
            if min(far, far_dual) > min(ahead, ahead_dual):
                step = other
                ahead = far
                ahead_dual = far_dual
        if in_vain > STRAYING:
            ahead *= DAMPED
            ahead_dual *= DAMPED
        x = _moved(x, ahead, step.x)
        w = _moved(w, ahead, step.w)
        z = _moved(z, ahead_dual, step.z)
        y = _moved(y, ahead_dual, step.y)
    return Solution(best, best_y, bound, used, penalty)


def _length(v: list[float], by: list[float], most: float) -> float:
    """How far to go, at most so far, before an entry is zero."""
    length = most
    for i in range(len(v)):
        if by[i] < 0:
            length = min(length, -v[i] / by[i])
    return length


def _moved(v: list[float], part: float, by: list[float]) -> list[float]:
    moved = [0.0] * len(v)
    for i in range(len(v)):
        moved[i] = v[i] + part * by[i]
    return moved
