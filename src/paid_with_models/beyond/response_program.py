r"""The convex program behind contributions that respond to who joins.

An outcome n says how many parties of each type came; it has probability :math:`P(n)`, and weight
:math:`w_i(n)` in what type i believes. Outcomes fall into *classes*: contributions may differ
between classes, and are the same for all outcomes of a class. One class for each outcome lets
contributions respond to everything, a single class is a menu fixed in advance. With
:math:`m_{ik}` the contribution of type i in class k, :math:`S(n) = \sum_i n_i m_{ik(n)}`, and
V = v(a(.)),

.. math::

   \max_{m, u}\; \sum_n P(n)\, a(S(n)) \quad \text{s.t.} \quad
   u_i + c_i \mu_i \le \sum_n w_i(n)\, V(S(n)), \quad \mu_i = \sum_n w_i(n)\, m_{ik(n)},

with individual rationality and incentive compatibility in the mean contributions :math:`\mu` and
the utilities u, as for a menu. On the concave envelopes of a and V this is convex.

:func:`maximize_response` is a primal-dual interior-point method (Mehrotra's predictor-corrector).
All that couples the classes are the rows of the constraints, a few times I of them; a step solves
one I x I system a class, all at once, and one dense system in the rows. Complementarity is weighed
by the probability of the class, so that rare outcomes are treated as precisely as likely ones. Its
prices give a bound by weak duality (:func:`response_bound`) that does not depend on how well the
method did.

Money is measured in values of the best possible model, contributions in money, :math:`c_i m_{ik}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..accuracy import BoolArray, Curve, FloatArray, IntArray

__all__ = ["Incentives", "Outcomes", "Response", "maximize_response", "response_bound"]

#: MOST_STEPS: steps of the interior-point method; problems of five types take about 20.
MOST_STEPS = 200

#: CLOSE_ENOUGH: complementarity, in units of accuracy, at which the method stops.
CLOSE_ENOUGH = 1e-11

#: TO_THE_EDGE: share of the way to the nearest bound that a step goes at most.
TO_THE_EDGE = 0.99


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Who may come, how likely that is, and what contributions can tell apart.

    Attributes
    ----------
    counts : (K, I) ndarray
        Parties of each type, outcomes of one class next to each other.
    probabilities : (K,) ndarray
    seen : (K, I) ndarray
        Probabilities as each type sees them; every column sums to 1.
    starts : (C,) ndarray of int
        First outcome of each class.
    """

    counts: FloatArray
    probabilities: FloatArray
    seen: FloatArray
    starts: IntArray

    @classmethod
    def of(
        cls, counts: FloatArray, probabilities: FloatArray, seen: FloatArray, classes: IntArray
    ) -> tuple[Outcomes, IntArray]:
        """Outcomes with a class each, (K,) integers; and the order they were put into.

        Examples
        --------
        >>> counts = np.array([[0.0, 1.0], [1.0, 0.0]])
        >>> chances = np.array([0.5, 0.5])
        >>> outcomes, order = Outcomes.of(counts, chances, counts, np.array([1, 0]))
        >>> order.tolist(), outcomes.starts.tolist()
        ([1, 0], [0, 1])
        """
        order = np.argsort(classes, kind="stable")
        starts = np.flatnonzero(np.diff(classes[order], prepend=-1))
        return cls(counts[order], probabilities[order], seen[order], starts), order

    def summed(self, values: FloatArray) -> FloatArray:
        """Sums over each class along the first axis, (K, ...) to (C, ...)."""
        if self.starts.size == len(values):
            return values
        return np.asarray(np.add.reduceat(values, self.starts, axis=0))

    def spread(self, values: FloatArray) -> FloatArray:
        """Values of classes for each of their outcomes, (C, ...) to (K, ...)."""
        if self.starts.size == len(self.probabilities):
            return values
        sizes = np.diff(self.starts, append=len(self.probabilities))
        return np.repeat(values, sizes, axis=0)


@dataclass(frozen=True, eq=False)
class Incentives:
    """IR, IC and cap rows: on_values @ T + on_means @ c mu + on_utilities @ u + constant >= 0.

    Types of equal cost share a utility. The first I rows are the caps. Where it is open whether
    all rows can hold, a last utility stands for value from elsewhere, at a price that nobody would
    pay otherwise: the program then always has a solution, and its bound shows if rows cannot hold.

    Attributes
    ----------
    on_values, on_means : (R, I) ndarray
    on_utilities : (R, G) ndarray
        G distinct costs, and one more if there is value from elsewhere.
    constant : (R,) ndarray
    elsewhere : float
        Price of value from elsewhere, 0 if there is none.
    """

    on_values: FloatArray
    on_means: FloatArray
    on_utilities: FloatArray
    constant: FloatArray
    elsewhere: float = 0.0

    @classmethod
    def of(
        cls,
        costs: FloatArray,
        reservation_utilities: FloatArray,
        left_out: Sequence[tuple[float, float]] = (),
        elsewhere: float = 0.0,
    ) -> Incentives:
        """The rows for types ordered by cost, costliest first; money in units of the best model.

        ``left_out`` has cost and outside option of types without an option of their own, which
        must not gain by taking another's.

        Examples
        --------
        >>> rows = Incentives.of(np.array([0.2, 0.1]), np.zeros(2))
        >>> rows.on_means[2:].tolist()  # IR twice, then the two incentive constraints
        [[0.0, 0.0], [0.0, 0.0], [-0.5, 0.0], [0.0, 1.0]]
        """
        n_types = costs.size
        group = np.cumsum(np.diff(costs, prepend=costs[0]) != 0)
        n_groups = int(group[-1]) + 1
        means, utilities, constant = [], [], []

        def row(mean: tuple[int, float] | None, parts: dict[int, float], fixed: float) -> None:
            means.append(np.zeros(n_types))
            utilities.append(np.zeros(n_groups))
            constant.append(fixed)
            if mean is not None:
                means[-1][mean[0]] = mean[1]
            for g, part in parts.items():
                utilities[-1][g] = part

        for i in range(n_types):
            row((i, -1.0), {int(group[i]): -1.0}, 0.0)
        for g in range(n_groups):
            row(None, {g: 1.0}, -float(reservation_utilities[group == g].max()))
        for g in range(n_groups - 1):
            here = np.flatnonzero(group == g).tolist()
            there = np.flatnonzero(group == g + 1).tolist()
            step = float(costs[here[0]] - costs[there[0]])
            for i in here:
                row((i, -step / costs[i]), {g: -1.0, g + 1: 1.0}, 0.0)
            for i in there:
                row((i, step / costs[i]), {g: 1.0, g + 1: -1.0}, 0.0)
        for cost, outside in left_out:
            for i in range(n_types):
                row((i, cost / costs[i] - 1), {int(group[i]): -1.0}, outside)
        on_values = np.zeros((len(means), n_types))
        on_values[:n_types] = np.eye(n_types)
        on_utilities = np.array(utilities)
        if elsewhere:
            on_utilities = np.column_stack([on_utilities, on_values.sum(axis=1)])
            on_utilities = np.vstack([on_utilities, np.eye(n_groups + 1)[-1]])
            on_values = np.vstack([on_values, np.zeros(n_types)])
            means.append(np.zeros(n_types))
            constant.append(0.0)
        return cls(on_values, np.array(means), on_utilities, np.array(constant), elsewhere)

    @property
    def gain(self) -> FloatArray:
        """What a unit of each utility adds to the objective: 0, but for value from elsewhere."""
        gain = np.zeros(self.on_utilities.shape[1])
        if self.elsewhere:
            gain[-1] = -self.elsewhere
        return gain

    def slack(self, values: FloatArray, means: FloatArray, utilities: FloatArray) -> FloatArray:
        """By how much each row holds, (R,)."""
        by_types = self.on_values @ values + self.on_means @ means
        return np.asarray(by_types + self.on_utilities @ utilities + self.constant)


@dataclass(frozen=True, eq=False)
class Response:
    """Contributions for each class, utilities, and the prices of all constraints.

    Attributes
    ----------
    contributions : (C, I) ndarray
        In money, c_i m_ik; 0 where the class has no party of the type.
    utilities : (G,) ndarray
    row_prices : (R,) ndarray >= 0
    """

    contributions: FloatArray
    utilities: FloatArray
    row_prices: FloatArray


@dataclass(frozen=True, eq=False)
class _Rated:
    """The program at one point: totals, values and their derivatives."""

    totals: FloatArray
    values: FloatArray
    means: FloatArray
    gradient: FloatArray  # of the Lagrangian's part in the totals, per outcome
    jacobian: FloatArray  # (C, I, R): of the rows in the contributions
    hessian: FloatArray  # (C, I, I)


def _data(outcomes: Outcomes, costs: FloatArray) -> FloatArray:
    """Data from each type, per unit of money that one party of it spends, (K, I)."""
    return outcomes.counts / costs


def _weights(outcomes: Outcomes) -> tuple[FloatArray, FloatArray]:
    """What each type believes the chance of a class to be, (C, I), and what it is, (C,)."""
    return outcomes.summed(outcomes.seen), outcomes.summed(outcomes.probabilities)


def _rate(
    outcomes: Outcomes,
    rows: Incentives,
    costs: FloatArray,
    curves: tuple[Curve, Curve, float],
    contributions: FloatArray,
    prices: FloatArray,
) -> _Rated:
    accuracy, value, unit = curves
    n_types = costs.size
    data = _data(outcomes, costs)
    spread = outcomes.spread(contributions)
    totals = np.einsum("ki,ki->k", data, spread)
    a1, a2 = accuracy.evaluate(totals)[1:]
    v, v1, v2 = (part / unit for part in value.evaluate(totals))
    price = prices[:n_types]
    bought = outcomes.seen @ price
    slope = outcomes.probabilities * a1 + bought * v1
    bend = -(outcomes.probabilities * a2 + bought * v2)
    own = outcomes.summed(outcomes.seen)
    steep = outcomes.seen * v1[:, None]
    in_values = outcomes.summed(data[:, :, None] * steep[:, None, :])
    jacobian = in_values @ rows.on_values.T + own[:, :, None] * rows.on_means.T
    hessian = outcomes.summed(bend[:, None, None] * data[:, :, None] * data[:, None, :])
    means = np.einsum("ci,ci->i", own, contributions)
    return _Rated(totals, outcomes.seen.T @ v, means, slope, jacobian, hessian)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # what overflows ends the search
def maximize_response(
    outcomes: Outcomes,
    rows: Incentives,
    costs: FloatArray,
    curves: tuple[Curve, Curve, float],
    most: FloatArray,
) -> Response:
    """Solve the program by an interior-point method.

    Parameters
    ----------
    outcomes : Outcomes
    rows : Incentives
    costs : (I,) ndarray
        Costliest first, in values of the best model per unit of data.
    curves : (Curve, Curve, float)
        Concave accuracy and value, and the value of the best model.
    most : (I,) ndarray
        Largest contribution of a party, in money; infinite where there is no limit.

    Returns
    -------
    Response
        The last iterate; how good it is, its bound says.
    """
    own, chance = _weights(outcomes)
    present = own > 0
    limited = present & np.isfinite(most)
    room = np.where(limited, most, 1.0)
    n_rows, n_groups = rows.on_utilities.shape
    groups = n_groups - bool(rows.elsewhere)
    target = np.where(present, chance[:, None], 0.0) / costs.size
    whole = float(target.sum() + (target * limited).sum()) + 1.0

    x = np.where(present, np.minimum(0.5, 0.5 * room), 0.0)
    u = np.full(n_groups, 1.0)
    u[:groups] = np.maximum.accumulate(-rows.constant[costs.size : costs.size + groups]) + 0.02
    at = _Iterate(
        x, u, np.maximum(np.abs(rows.constant), 0.1), np.full(n_rows, 0.1),
        np.where(present, 0.1 * target / np.where(present, x, 1.0), 0.0),
        np.where(limited, 0.1 * target / np.where(limited, room - x, 1.0), 0.0),
    )  # fmt: skip
    best, least = Response(x, u, at.prices), np.inf
    for _ in range(MOST_STEPS):
        rated = _rate(outcomes, rows, costs, curves, at.x, at.prices)
        left = np.where(limited, room - at.x, 1.0)
        gradient = outcomes.summed(rated.gradient[:, None] * _data(outcomes, costs))
        gradient = gradient + own * (at.prices @ rows.on_means)
        dual = np.where(present, at.zu - gradient - at.z, 0.0)
        dual_u = -(rows.gain + at.prices @ rows.on_utilities)
        primal = rows.slack(rated.values, rated.means, at.u) - at.s
        gap = float((at.x * at.z).sum() + (left * at.zu).sum() + at.s @ at.prices)
        # Relative to its probability each class matters: the bound takes the worst.
        relative = np.abs(dual) / np.where(present, own, 1.0)
        worst = max(gap, *(float(np.abs(miss).max()) for miss in (primal, dual_u, relative)))
        if worst < least:
            best, least = Response(at.x, at.u, at.prices), worst
        if worst < CLOSE_ENOUGH or not np.isfinite(worst):
            break
        try:
            at = _stepped(at, gap, worst, rated, rows, (left, present, limited), target, whole,
                          (primal, dual, dual_u))  # fmt: skip
        except np.linalg.LinAlgError:  # rare outcomes can be too rare for the numbers at hand
            break
    return best


@dataclass(frozen=True, eq=False)
class _Iterate:
    """Contributions, utilities and slacks, and the prices of rows and of the ends of ranges."""

    x: FloatArray
    u: FloatArray
    s: FloatArray
    prices: FloatArray
    z: FloatArray
    zu: FloatArray


def _stepped(
    at: _Iterate,
    gap: float,
    worst: float,
    rated: _Rated,
    rows: Incentives,
    room: tuple[FloatArray, BoolArray, BoolArray],
    target: FloatArray,
    whole: float,
    missed: tuple[FloatArray, FloatArray, FloatArray],
) -> _Iterate:
    """The next iterate: Mehrotra's predictor, then the corrector."""
    left, present, limited = room
    newton = _Newton.of(rated, rows, at, left, present, limited, missed)
    full = -at.x * at.z, np.where(limited, -left * at.zu, 0.0), -at.s * at.prices
    guess = newton.step(*full)
    alpha, beta = _lengths(at, guess, left, present, limited)
    after = (
        ((at.x + alpha * guess.x) * (at.z + beta * guess.z)).sum()
        + np.where(limited, (left - alpha * guess.x) * (at.zu + beta * guess.zu), 0.0).sum()
        + (at.s + alpha * guess.s) @ (at.prices + beta * guess.prices)
    )
    # Never much smaller than what the other conditions miss, or the edge is reached too soon.
    floor = min(gap, max(worst if worst > gap else 0.0, CLOSE_ENOUGH) / 10)
    center = max(gap * min(1.0, float(after) / gap) ** 3, floor) / whole
    move = newton.step(
        full[0] + center * target - guess.x * guess.z,
        full[1] + np.where(limited, center * target + guess.x * guess.zu, 0.0),
        full[2] + center / at.s.size - guess.s * guess.prices,
    )
    alpha, beta = (TO_THE_EDGE * part for part in _lengths(at, move, left, present, limited))
    return _Iterate(
        at.x + alpha * move.x, at.u + alpha * move.u, at.s + alpha * move.s,
        at.prices + beta * move.prices, at.z + beta * move.z, at.zu + beta * move.zu,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Newton:
    """The linear system of one iterate, for several right-hand sides."""

    at: _Iterate
    room: FloatArray  # left up to the largest contribution, 1 where there is none
    masks: tuple[BoolArray, BoolArray]
    missed: tuple[FloatArray, FloatArray, FloatArray]
    system: FloatArray  # (C, I, I)
    jacobian: FloatArray  # (C, I, R)
    solved: FloatArray  # the system's solution for it
    coupled: FloatArray  # (R + G, R + G)

    @classmethod
    def of(
        cls,
        rated: _Rated,
        rows: Incentives,
        at: _Iterate,
        room: FloatArray,
        present: BoolArray,
        limited: BoolArray,
        missed: tuple[FloatArray, FloatArray, FloatArray],
    ) -> _Newton:
        n_rows, n_groups = rows.on_utilities.shape
        x = np.where(present, at.x, 1.0)
        every = np.arange(x.shape[1])
        system = rated.hessian * present[:, :, None] * present[:, None, :]
        system[:, every, every] += np.where(present, at.z / x + at.zu / room, 1.0)
        jacobian = rated.jacobian * present[:, :, None]
        solved = np.asarray(np.linalg.solve(system, jacobian), dtype=float)
        coupled = np.zeros((n_rows + n_groups,) * 2)
        coupled[:n_rows, :n_rows] = np.einsum("cir,cis->rs", jacobian, solved)
        coupled[:n_rows, :n_rows] += np.diag(at.s / at.prices)
        coupled[:n_rows, n_rows:] = rows.on_utilities
        coupled[n_rows:, :n_rows] = rows.on_utilities.T
        return cls(at, room, (present, limited), missed, system, jacobian, solved, coupled)

    def step(self, rz: FloatArray, rzu: FloatArray, rs: FloatArray) -> _Iterate:
        """The step that changes the products of variables and their prices by these amounts."""
        at, (present, limited), (primal, dual, dual_u) = self.at, self.masks, self.missed
        x = np.where(present, at.x, 1.0)
        wanted = rz / x - rzu / self.room - dual
        first = np.linalg.solve(self.system, wanted[:, :, None])[:, :, 0]
        right = rs / at.prices - primal - np.einsum("cir,ci->r", self.jacobian, first)
        both = np.linalg.solve(self.coupled, np.concatenate([right, dual_u]))
        prices, u = both[: primal.size], both[primal.size :]
        dx = np.where(present, first + self.solved @ prices, 0.0)
        z = np.where(present, (rz - at.z * dx) / x, 0.0)
        zu = np.where(limited, (rzu + at.zu * dx) / self.room, 0.0)
        return _Iterate(dx, u, (rs - at.s * prices) / at.prices, prices, z, zu)


def _lengths(
    at: _Iterate, move: _Iterate, room: FloatArray, present: BoolArray, limited: BoolArray
) -> tuple[float, float]:
    """How much of a step keeps variables, and how much prices, from becoming negative."""
    rows = np.ones(at.s.size, dtype=bool)
    return (
        _length((at.x, move.x, present), (at.s, move.s, rows), (room, -move.x, limited)),
        _length((at.z, move.z, present), (at.prices, move.prices, rows), (at.zu, move.zu, limited)),
    )


def _length(*pairs: tuple[FloatArray, FloatArray, BoolArray]) -> float:
    length = 1 / TO_THE_EDGE
    for at, move, among in pairs:
        falls = (move < 0) & among
        if falls.any():
            length = min(length, float((at[falls] / -move[falls]).min()))
    return length


def response_bound(
    outcomes: Outcomes,
    rows: Incentives,
    costs: FloatArray,
    curves: tuple[Curve, Curve, float],
    most: FloatArray,
    response: Response,
) -> float:
    """What no mechanism of these classes can exceed, from any point and any prices.

    Accuracy and value are replaced by their tangents at the totals of the point; what prices leave
    of a mean contribution or a utility is multiplied by the most that these can be, 1 in values of
    the best model.

    Parameters
    ----------
    outcomes, rows, costs, curves, most
        As for :func:`maximize_response`.
    response : Response

    Returns
    -------
    float
        Bound on expected accuracy.
    """
    accuracy, value, unit = curves
    prices = np.maximum(response.row_prices, 0.0)
    data, own = _data(outcomes, costs), outcomes.summed(outcomes.seen)
    totals = np.einsum("ki,ki->k", data, outcomes.spread(response.contributions))
    a, a1, _ = accuracy.evaluate(totals)
    v, v1, _ = (part / unit for part in value.evaluate(totals))
    bought = outcomes.seen @ prices[: costs.size]
    height = outcomes.probabilities * a + bought * v
    slope = outcomes.probabilities * a1 + bought * v1
    left = outcomes.summed(slope[:, None] * data) + own * (prices @ rows.on_means)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_mean = np.where(own > 0, left / own, 0.0)
    beyond = np.minimum(
        np.maximum(per_mean, 0.0).max(axis=0), (np.maximum(left, 0.0) * most).sum(axis=0)
        if np.isfinite(most).all() else np.inf
    )  # fmt: skip
    # Value from elsewhere is none in truth, and drops out.
    of_utilities = np.maximum(prices @ rows.on_utilities, 0.0)[rows.gain == 0].sum()
    fixed = float((height - slope * totals).sum() + prices @ rows.constant)
    return fixed + float(beyond.sum() + of_utilities)
