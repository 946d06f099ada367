"""Menus with a margin: every constraint holds with something to spare."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from scipy.optimize import LinearConstraint, NonlinearConstraint, minimize

from ..accuracy import FloatArray, IntArray
from ..arguments import ReadOnly, real
from ..problem import Problem, check_problem
from ..solver.least_squares import non_negative
from ..solver.moments import Enumeration

__all__ = ["SlackMenu", "slack_menu"]


#: FEASIBLE: a margin may be missed by this part of the best model's value.
FEASIBLE = 1e-9


#: STARTS: searches start from these shares of the most that types can contribute, in this order.
STARTS = (0.2, 0.05, 0.4, 0.01)


#: CLOSE: gap in expected accuracy at which no further start is tried.
CLOSE = 1e-7


@dataclass(frozen=True, eq=False)
class SlackMenu(ReadOnly):
    """The best menu that satisfies IR, and IC between different options, with a margin.

    Attributes
    ----------
    contributions, rewards : (I,) ndarray
        Units of data, units of value.
    expected_accuracy : float
    upper_bound, gap : float
        No menu with that margin reaches more; gap = upper_bound - expected_accuracy.
    margin : float
        Units of value.
    """

    contributions: FloatArray
    rewards: FloatArray
    expected_accuracy: float
    upper_bound: float
    gap: float
    margin: float


def slack_menu(problem: Problem, margin: float) -> SlackMenu:
    r"""Find the best menu in which every type gains ``margin`` over staying out and over deviating.

    Types that share an option cannot prefer their own to the other's; the margin is asked for
    between different options. Which types share one is decided by trying all :math:`2^{I-1}` ways
    (cheaper types contribute more, so that neighbors share). For each way the problem is concave on
    the envelopes; SLSQP solves it, and the Lagrangian at its multipliers, linearized where it is
    concave, bounds every menu of that way.

    Parameters
    ----------
    problem : Problem
        With different costs, at least two parties, at most eight types.
    margin : float >= 0
        Units of value.

    Returns
    -------
    SlackMenu

    Raises
    ------
    ValueError
        If there are too many types, equal costs, a single party, or no menu has that margin; if
        it is negative or infinite.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> menu = slack_menu(Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()), 1.0)
    >>> bool(menu.gap < 1e-6)
    True
    """
    check_problem(problem)
    margin = real("margin", margin)
    problem.check_independent_draws()
    order, n_types = problem.costliest_first, problem.n_types
    if n_types > 8 or problem.n_parties < 2 or np.any(np.diff(problem.costs[order]) == 0):
        raise ValueError(
            "problem must have at least two parties and at most eight, unlike types;"
            f" got {problem.n_parties} parties and costs {problem.costs.tolist()}"
        )
    if not 0 <= margin < np.inf:
        raise ValueError(f"margin must be >= 0 and finite; got {margin!r}")
    ways = [
        _Way.of(problem, order, [0, *np.flatnonzero(cuts) + 1, n_types], margin)
        for cuts in product((0, 1), repeat=n_types - 1)
    ]
    value, upper, menu = -np.inf, -np.inf, None
    for way in sorted(ways, key=lambda way: way.most.size):
        reached, found, bound = way.solve(value)
        upper = max(upper, bound)
        if reached > value:
            value, menu = reached, found
    if menu is None:
        raise ValueError(f"margin must leave a menu; none was found with {margin!r}")
    m, t = np.empty(n_types), np.empty(n_types)
    m[order], t[order] = menu
    upper = max(upper, value)
    return SlackMenu(m, t, value, upper, upper - value, float(margin))


@dataclass(frozen=True, eq=False)
class _Way:
    """One way to share options: B bunches of neighbors, costliest first, in values of the best."""

    problem: Problem
    outcomes: Enumeration
    bunch: IntArray  # (I,) of each type
    linear: FloatArray  # (L, 2B) on contributions and rewards: IR and IC, at least `least`
    least: FloatArray
    most: FloatArray  # (B,) contributions

    @classmethod
    def of(cls, problem: Problem, order: IntArray, ends: list[int], margin: float) -> _Way:
        unit = problem.model_value.optimum
        c, f = problem.costs[order] / unit, problem.outside_options[order] / unit
        bunch = np.repeat(np.arange(len(ends) - 1), [b - a for a, b in pairwise(ends)])
        n = len(ends) - 1
        rows, least = [], []
        for i, b in enumerate(bunch):
            own = np.zeros(2 * n)
            own[b], own[n + b] = -c[i], 1.0
            rows.append(own)
            least.append(f[i] + margin / unit)
            for other in range(n):
                if other != b:
                    deviation = own.copy()
                    deviation[other], deviation[n + other] = c[i], -1.0
                    rows.append(deviation)
                    least.append(margin / unit)
        most = np.array([np.min((1 - f[bunch == b]) / c[bunch == b]) for b in range(n)])
        outcomes = Enumeration.of(
            problem.n_parties, problem.probabilities[order][None], problem.beliefs
        )
        return cls(problem, outcomes, bunch, np.array(rows), np.array(least), most)

    def moments(
        self, x: FloatArray, *, envelope: bool
    ) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """E[a] and its gradient; each type's cap and their Jacobian: in the contributions, (B,)."""
        curves = self.problem.accuracy, self.problem.model_value
        a, v = (curve.envelope() if envelope else curve for curve in curves)
        n, unit = self.most.size, self.problem.model_value.optimum
        shared = np.eye(n)[self.bunch]
        found = self.outcomes.moments(a, v, (shared @ x[:n])[None])
        jacobian = found.value_jacobian[0] @ shared / unit
        gradient = found.accuracy_gradient[0] @ shared
        return float(found.accuracy[0]), gradient, found.values[0] / unit, jacobian

    def point(
        self, x: FloatArray, *, envelope: bool
    ) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """E[a] and its gradient, (2B,); the caps' slack, (I,), and its Jacobian, (I, 2B)."""
        n = self.most.size
        value, gradient, values, jacobian = self.moments(x, envelope=envelope)
        slack = values - x[n:][self.bunch]
        return (
            value,
            np.concatenate([gradient, np.zeros(n)]),
            slack,
            np.hstack([jacobian, -np.eye(n)[self.bunch]]),
        )

    def solve(self, known: float) -> tuple[float, tuple[FloatArray, FloatArray], float]:
        """Expected accuracy, menu, and a bound on any of this kind, unless not above ``known``."""
        value, bound = -np.inf, np.inf
        menu = self.most[self.bunch], np.zeros(self.bunch.size)
        for start in STARTS:
            x = self.searched(start)
            bound = min(bound, self.bound(x))
            reached, _, caps, _ = self.point(x, envelope=False)
            slack = min(np.min(self.linear @ x - self.least), np.min(caps))
            if slack >= -FEASIBLE and reached > value:
                n, unit = self.most.size, self.problem.model_value.optimum
                value, menu = reached, (x[:n][self.bunch], unit * x[n:][self.bunch])
            if bound <= max(value, known) + CLOSE:
                break
        return value, menu, bound

    @property
    def size(self) -> FloatArray:
        """The most that contributions and rewards can be, (2B,)."""
        return np.concatenate([self.most, np.ones_like(self.most)])

    def searched(self, start: float) -> FloatArray:
        """What SLSQP finds on the envelopes, starting from this part of the most, (2B,)."""
        n, size = self.most.size, self.size

        @functools.lru_cache(maxsize=2)
        def at(point: bytes) -> tuple[float, FloatArray, FloatArray, FloatArray]:
            # SLSQP asks for objective, caps and both derivatives at the same point, one by one.
            x = np.frombuffer(point) * size
            value, gradient, slack, jacobian = self.point(x, envelope=True)
            return -value, -gradient * size, slack, jacobian * size

        found = minimize(
            lambda z: at(z.tobytes())[:2],
            np.concatenate([np.linspace(start, 2 * start, n), np.linspace(0.8, 0.9, n)]),
            jac=True,
            method="SLSQP",
            bounds=[(0, 1)] * (2 * n),
            constraints=[
                LinearConstraint(self.linear * size, self.least, np.inf),
                NonlinearConstraint(
                    lambda z: at(z.tobytes())[2], 0, np.inf, jac=lambda z: at(z.tobytes())[3]
                ),
            ],
            options={"ftol": 1e-14, "maxiter": 500},
        )
        return np.asarray(np.clip(found.x, 0, 1) * size)

    def bound(self, x: FloatArray) -> float:
        """The Lagrangian at the multipliers that fit best, over the box of all menus."""
        value, gradient, slack, jacobian = self.point(x, envelope=True)
        size = self.size
        rows = np.vstack([self.linear, jacobian])
        room = np.concatenate([self.linear @ x - self.least, slack])
        wanted = -gradient * size
        # Stationarity, and no price on what has room.
        prices = non_negative(
            np.vstack([(rows * size).T, np.diag(np.maximum(room, 0.0))]),
            np.concatenate([wanted, np.zeros(room.size)]),
        )
        slope = gradient + rows.T @ prices
        further = np.maximum(slope * (size - x), slope * -x).sum()
        # Each constraint adds up a few numbers of at most one.
        rounding = 8 * self.outcomes.relative_error * (1 + float(prices.sum()))
        bound = value + float(prices @ room) + float(further) + rounding
        return min(bound, self.problem.accuracy.optimum)
