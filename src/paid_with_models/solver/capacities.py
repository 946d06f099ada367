r"""Parties that have only so much data: :math:`m_i \le K_i` (``max_data``).

Nobody can pass for another whose option asks for more than it has: type i can pretend to be of
type j only if :math:`m_j \le K_i`. Which incentive constraints apply depends on the menu, so that
the problem branches. With a constraint for every pair it is too strict, with those alone where
:math:`K_j \le K_i`, which always apply, too lax: the latter bounds every menu. Between the two,
each branch decides of one option whether it is within reach of a type, :math:`m_j \le K_i`, and
has its incentive constraint, or :math:`m_j \ge K_i`, without. In each branch the problem is convex
on the concave envelopes of the curves, and is solved by cutting planes, linear programs whose
values bound it from above. What is left between the best menu found and the highest open bound is
the gap, with the tolerance of the linear solver.

Where types are known, :math:`S = \sum_i n_i \min\{K_i, (v(a(S)) - f_i)^+ / c_i\}` has a largest
root, which is the best total: the right side rises in S, and no menu collects more.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are imported where they are used

from ..accuracy import BoolArray, Curve, FloatArray
from ..contract import GAP_TOLERANCE, Binding, Contract, Multipliers, Shape, Status
from ..problem import Problem, autarky

__all__ = ["solve_with_capacities"]

#: MOST_NODES: branches that are looked into at most; with four types a dozen will do.
MOST_NODES = 100

#: ROUNDS, CLOSE: cutting planes of a branch: at most so many rounds, until so close in accuracy.
ROUNDS, CLOSE = 100, 1e-9

#: LINEAR: tolerance of the linear solver, relative to the scale of a program.
LINEAR = 1e-7

#: SAME: contributions and constraints that differ by less, relative to their scale, are equal.
SAME = 1e-8

#: JOINED: options whose contributions differ by less, relative to them, are one.
JOINED = 1e-5

#: STEADY: changes of the total, relative to it, below which a sum is at its root.
STEADY = 1e-15


def solve_with_capacities(problem: Problem) -> Contract:
    """The best menu found for parties with limited data, and how much better one could be.

    Parameters
    ----------
    problem : Problem
        With ``max_data``.

    Returns
    -------
    Contract
        Shadow prices are not computed: multipliers and ``kkt_residual`` are NaN.

    Raises
    ------
    ValueError
        If outcomes are too many to enumerate; or if types are private and some have more outside
        than they reach alone.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> limited = Problem(4, [0.5, 0.5], [0.1, 0.05], GeneralizationBound(), max_data=[300, 100])
    >>> contract = solve_with_capacities(limited)
    >>> bool(np.all(contract.contributions <= limited.max_data)), contract.gap < 1e-6
    (True, True)
    """
    if problem.types_are_known or problem.n_parties == 1:
        return _known(problem)
    if problem.better_outside.any():
        raise ValueError(
            "reservation_utilities must be those of autarky where max_data is given and types are"
            f" private; got {problem.outside_options.tolist()}"
        )
    program = _Program.of(problem)
    alone = autarky(problem).contributions
    best, best_accuracy = alone, program.accuracy(alone)
    first = program.solve(_Node.of(problem))
    order = itertools.count()
    open_nodes = [(-first[0], next(order), first[1], _Node.of(problem))]
    looked = 0
    while open_nodes and looked < MOST_NODES and -open_nodes[0][0] > best_accuracy + CLOSE:
        _, _, m, node = heapq.heappop(open_nodes)
        looked += 1
        for candidate in program.feasible_near(m, node, alone):
            if (reached := program.accuracy(candidate)) > best_accuracy:
                best, best_accuracy = candidate, reached
        for child in program.children(m, node):
            bound, at = program.solve(child)
            if bound > best_accuracy + CLOSE:
                heapq.heappush(open_nodes, (-bound, next(order), at, child))
    bound = max([best_accuracy, *(-entry[0] for entry in open_nodes)])
    # What was closed was closed within CLOSE.
    optimum = problem.accuracy.optimum
    bound = min(bound + CLOSE + LINEAR * optimum, optimum)
    rewards = program.rewards(best)
    assert rewards is not None  # only menus that have rewards are taken
    return _contract(problem, best, rewards, best_accuracy, max(bound, best_accuracy))


def _known(problem: Problem) -> Contract:
    """Types are known: the largest root, from above, where every step lands on or above it."""
    n, f, c = problem.mean_counts, problem.outside_options, problem.costs
    limit = problem.capacities
    total = float(n @ np.minimum(limit, problem.model_value.optimum / c))
    for _ in range(100_000):
        worth = float(problem.model_value(total))
        m = np.minimum(limit, np.maximum(worth - f, 0.0) / c)
        before, total = total, float(n @ m)
        if before - total <= STEADY * before:
            break
    m = np.minimum(m, np.maximum(float(problem.model_value(total)) - f, 0.0) / c)
    if problem.n_parties == 1:
        m = autarky(problem).contributions
    accuracy = float(problem.accuracy(n @ m))
    bound = min(float(problem.accuracy(before * (1 + 64 * STEADY))), problem.accuracy.optimum)
    return _contract(problem, m, np.where(m > 0, f + c * m, 0.0), accuracy, max(bound, accuracy))


@dataclass(frozen=True, eq=False)
class _Node:
    """Contributions between limits: what of the branching is decided."""

    low: FloatArray
    high: FloatArray

    @classmethod
    def of(cls, problem: Problem) -> _Node:
        most = problem.model_value.optimum / problem.costs
        return cls(np.zeros(problem.n_types), np.minimum(problem.capacities, most))


@dataclass(frozen=True, eq=False)
class _Program:
    """The first-moment problem over enumerated outcomes."""

    problem: Problem
    curves: tuple[Curve, Curve]  # concave envelopes of accuracy and value
    counts: FloatArray
    weights: FloatArray
    seen: FloatArray

    @classmethod
    def of(cls, problem: Problem) -> _Program:
        outcomes = problem.outcomes()
        curves = problem.accuracy.envelope(), problem.model_value.envelope()
        counts = outcomes.counts.astype(float)
        return cls(problem, curves, counts, outcomes.weights, outcomes.seen)

    def accuracy(self, m: FloatArray) -> float:
        """Expected accuracy on the curve itself."""
        return float(self.weights @ self.problem.accuracy.evaluate(self.counts @ m)[0])

    def caps(self, m: FloatArray) -> FloatArray:
        """Mean value of the best model, as each type sees it, (I,), on the curve itself."""
        return np.asarray(self.problem.model_value.evaluate(self.counts @ m)[0] @ self.seen)

    def applies(self, m: FloatArray) -> BoolArray:
        """Whether type i could fulfil option j, (I, I)."""
        return np.asarray(m[None, :] <= self.problem.capacities[:, None])

    def rewards(self, m: FloatArray) -> FloatArray | None:
        """The least rewards that a menu needs; None if there are none, or they cannot be paid."""
        c, f = self.problem.costs, self.problem.outside_options
        applies, unit = self.applies(m), self.problem.model_value.optimum
        t = f + c * m
        for _ in range(m.size + 1):
            # What i must get so that it does not take the option of j.
            asked = np.where(applies, t[None, :] + c[:, None] * (m[:, None] - m[None, :]), -np.inf)
            more = np.maximum(t, asked.max(axis=1))
            if np.all(more <= t + 1e-14 * unit):
                break
            t = more
        else:
            return None
        return t if np.all(t <= self.caps(m) + 1e-12 * unit) else None

    def feasible_near(self, m: FloatArray, node: _Node, alone: FloatArray) -> list[FloatArray]:
        """A menu that satisfies every constraint, near one that does but for tolerances."""
        # Beyond the reach of a type means a little more than it has.
        beyond = (node.low > 0) & (m <= node.low * (1 + SAME))
        m = np.where(beyond, np.minimum(node.low * (1 + SAME), self.problem.capacities), m)
        for share in (0.0, *np.geomspace(1e-12, 1.0, 40)):
            near = (1 - share) * m + share * alone
            if self.rewards(near) is not None:
                return [near]
        return []

    def children(self, m: FloatArray, node: _Node) -> list[_Node]:
        """The two halves of a node, by the worst constraint that it leaves open; none if none."""
        c, limit = self.problem.costs, self.problem.capacities
        t = self._paid(m, node)
        gain = t[None, :] - c[:, None] * m[None, :] - (t - c * m)[:, None]
        undecided = (node.low[None, :] < limit[:, None]) & (limit[:, None] < node.high[None, :])
        gain = np.where(undecided & (m[None, :] <= limit[:, None] * (1 + SAME)), gain, -np.inf)
        if not gain.max(initial=-np.inf) > SAME * self.problem.model_value.optimum:
            return []
        i, j = np.unravel_index(int(gain.argmax()), gain.shape)
        low, high = node.low.copy(), node.high.copy()
        low[j] = high[j] = limit[i]
        return [_Node(node.low, high), _Node(low, node.high)]

    def _paid(self, m: FloatArray, node: _Node) -> FloatArray:
        """Least rewards under the constraints that a node has."""
        c, t = self.problem.costs, self.problem.outside_options + self.problem.costs * m
        must = node.high[None, :] <= self.problem.capacities[:, None]
        for _ in range(m.size):
            asked = np.where(must, t[None, :] + c[:, None] * (m[:, None] - m[None, :]), -np.inf)
            t = np.maximum(t, asked.max(axis=1))
        return np.asarray(t)

    def solve(self, node: _Node) -> tuple[float, FloatArray]:
        """A bound on every menu in a node, and where the bound is reached, by cutting planes."""
        n = self.problem.n_types
        c, f = self.problem.costs, self.problem.outside_options
        unit, optimum = self.problem.model_value.optimum, self.problem.accuracy.optimum
        size = np.maximum(node.high, 1e-300)  # contributions in units of their limits
        eye = np.eye(n)
        # Variables: contributions, rewards in units of the best model's value, accuracy.
        rows = [np.hstack([np.diag(c * size / unit), -eye, np.zeros((n, 1))])]  # rationality
        sides = [-f / unit]
        must = (node.high[None, :] <= self.problem.capacities[:, None]) & ~eye.astype(bool)
        for i, j in zip(*np.nonzero(must), strict=True):
            row = np.zeros(2 * n + 1)
            row[i], row[j] = c[i] * size[i] / unit, -c[i] * size[j] / unit
            row[n + i], row[n + j] = -1.0, 1.0
            rows.append(row[None])
            sides.append(np.zeros(1))
        bounds = [*zip(node.low / size, np.ones(n), strict=True), *[(0, 1)] * n, (0, optimum)]
        objective = np.append(np.zeros(2 * n), -1.0)
        m, bound = node.high, optimum
        for _ in range(ROUNDS):
            data = self.counts @ m
            a, a1, _ = self.curves[0].evaluate(data)
            v, v1, _ = self.curves[1].evaluate(data)
            reached, slope = float(self.weights @ a), (self.weights * a1) @ self.counts
            caps, rise = v @ self.seen, (self.seen * v1[:, None]).T @ self.counts
            rows += [
                np.append(-slope * size, np.append(np.zeros(n), 1.0))[None],
                np.hstack([-rise * size / unit, eye, np.zeros((n, 1))]),
            ]
            sides += [np.array([reached - slope @ m]), (caps - rise @ m) / unit]
            found: Any = scipy.optimize.linprog(
                objective, A_ub=np.vstack(rows), b_ub=np.concatenate(sides), bounds=bounds
            )
            if found.status == 2:
                return -np.inf, m  # nothing is feasible
            if found.status != 0:
                return bound, m
            m, bound = found.x[:n] * size, min(bound, -float(found.fun))
            reached = float(self.weights @ self.curves[0].evaluate(self.counts @ m)[0])
            caps = self.curves[1].evaluate(self.counts @ m)[0] @ self.seen
            if bound - reached <= CLOSE and np.all(found.x[n : 2 * n] * unit <= caps + SAME * unit):
                break
        return bound, m


def _contract(
    problem: Problem, m: FloatArray, t: FloatArray, accuracy: float, bound: float
) -> Contract:
    outcomes, alone = problem.outcomes(), autarky(problem)
    values = problem.model_value.evaluate(outcomes.totals(m))[0]
    takes_part, unit = (m > 0) | (t > 0), problem.model_value.optimum
    f, c = problem.outside_options, problem.costs
    caps = np.where(takes_part, outcomes.as_seen(values), 0.0)
    utilities = np.where(takes_part, t - c * m, f)
    inside = np.flatnonzero(takes_part)
    order = inside[np.argsort(m[inside], kind="stable")]
    joined = np.diff(m[order]) <= JOINED * m[order][1:]
    runs = np.split(order, np.flatnonzero(~joined) + 1) if order.size else []
    shape = Shape.PARTLY_POOLING
    if not np.any(m > 0):
        shape = Shape.NO_COLLABORATION
    elif len(runs) == 1:
        shape = Shape.POOLING
    elif len(runs) == inside.size:
        shape = Shape.SEPARATING
    gain = t[None, :] - c[:, None] * m[None, :] - utilities[:, None]
    can = (m[None, :] <= problem.capacities[:, None]) & (c[:, None] != c[None, :])
    binds = can & (np.abs(gain) <= SAME * unit) & (not problem.types_are_known)
    unknown = np.full(problem.n_types, np.nan)
    gap = max(bound - accuracy, 0.0)
    return Contract(
        problem=problem,
        contributions=m,
        rewards=t,
        utilities=utilities,
        reservation_utilities=f,
        reservation_contributions=alone.contributions,
        reward_caps=caps,
        participates=takes_part,
        expected_accuracy=accuracy,
        expected_value=float(outcomes.mean(values)),
        upper_bound=accuracy + gap,
        gap=gap,
        status=Status.OPTIMAL if gap <= GAP_TOLERANCE else Status.FEASIBLE,
        shape=shape,
        multipliers=Multipliers(unknown, unknown.copy(), unknown.copy(), unknown.copy()),
        kkt_residual=float("nan"),
        bunches=tuple(tuple(sorted(run.tolist())) for run in runs if run.size > 1),
        binding=Binding(
            individual_rationality=takes_part & (np.abs(utilities - f) <= SAME * unit),
            downward=np.any(binds & (c[None, :] > c[:, None]), axis=1),
            upward=np.any(binds & (c[None, :] < c[:, None]), axis=1),
            caps=takes_part & (np.abs(t - caps) <= SAME * unit),
        ),
    )
