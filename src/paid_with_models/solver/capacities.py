r"""Parties that have only so much data: :math:`m_i \le K_i` (``max_data``).

Nobody can pass for another whose option asks for more than it has: type i can pretend to be of
type j only if :math:`m_j \le K_i`. Which incentive constraints apply depends on the menu, so that
the problem branches. With a constraint for every pair it is too strict, with those alone where
:math:`K_j \le K_i`, which always apply, too lax: the latter bounds every menu. Between the two,
each branch decides of one option whether it is within reach of a type, :math:`m_j \le K_i`, and
has its incentive constraint, or :math:`m_j \ge K_i`, without. In each branch the problem is convex
on concave envelopes of the curves, and is solved by cutting planes, linear programs whose
dual values bound it from above, whatever the tolerance of the linear solver. The envelopes are
those on what can be collected in the branch, outcome by outcome; where they are above the curves,
contributions are halved. What is left between
the best menu found and the highest open bound is the gap. Types with something better outside than
going alone may be left out: each set of them is a branch of its own, in which the others' options
must be worth no more to them than what they have outside.

Where types are known, :math:`S = \sum_i n_i \min\{K_i, (v(a(S)) - f_i)^+ / c_i\}` has a largest
root, which is the best total: the right side rises in S, and no menu collects more.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import scipy  # its parts are imported where they are used

from ..accuracy import BoolArray, Curve, FloatArray, IntArray
from ..contract import GAP_TOLERANCE, Binding, Contract, Multipliers, Shape, Status
from ..problem import Problem, autarky
from .envelopes import LocalEnvelope, s_shaped

__all__ = ["MOST_BETTER", "binding_limits", "solve_with_capacities"]

#: MOST_NODES: branches that are looked into at most; where accuracy is concave, with four types, a
#: dozen will do.
MOST_NODES = 200

#: EDGE: contributions are halved at least this share of their range from an end.
EDGE = 0.2

#: MOST_BETTER: types with something better outside of which every set is tried.
MOST_BETTER = 8

#: ROUNDS, CLOSE: cutting planes of a branch: at most so many rounds, until so close in accuracy.
ROUNDS, CLOSE = 100, 1e-9

#: LINEAR: tolerance of the linear solver, relative to the scale of a program; the least it takes.
LINEAR = 1e-10

#: MARGINS: what is asked of caps beyond what they must hold, relative to the best value, where a
#: program's menu misses them by rounding.
MARGINS = (0.0, 1e-10, 1e-9, 1e-8, 1e-7)

#: SAME: contributions and constraints that differ by less, relative to their scale, are equal.
SAME = 1e-8

#: JOINED: options whose contributions differ by less, relative to them, are one.
JOINED = 1e-5

#: STEADY: changes of the total, relative to it, below which a sum is at its root.
STEADY = 1e-15


def binding_limits(problem: Problem) -> Problem:
    """The problem, without limits of data if all are beyond what any option could ask for.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> stated = 4, [0.5, 0.5], [0.1, 0.05], GeneralizationBound()
    >>> binding_limits(Problem(*stated, max_data=[np.inf, 2000])).max_data is None
    True
    >>> binding_limits(Problem(*stated, max_data=[np.inf, 100])).max_data.tolist()
    [inf, 100.0]
    """
    most = problem.model_value.optimum / problem.costs.min()
    if problem.max_data is None or problem.max_data.min() < most:
        return problem
    stated = {it.name: getattr(problem, it.name) for it in fields(problem)} | {"max_data": None}
    if problem.attendance is not None:
        del stated["n_parties"], stated["probabilities"]
    return Problem(**stated)


def solve_with_capacities(problem: Problem, deadline: float = math.inf) -> Contract:
    """The best menu found for parties with limited data, and how much better one could be.

    Parameters
    ----------
    problem : Problem
        With ``max_data``.
    deadline : float
        When ``time.monotonic()`` is beyond it, no branch and no cutting plane but the first is
        added: the gap says what is left open.

    Returns
    -------
    Contract
        Shadow prices are not computed: multipliers and ``kkt_residual`` are NaN.

    Raises
    ------
    ValueError
        If outcomes are too many to enumerate, or more than eight types have something better
        outside and types are private.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> limited = Problem(4, [0.5, 0.5], [0.1, 0.05], GeneralizationBound(), max_data=[300, 100])
    >>> contract = solve_with_capacities(limited)
    >>> bool(np.all(contract.contributions <= limited.max_data)), contract.gap < 1e-6
    (True, True)
    """
    if problem.n_parties == 1:
        return _alone(problem)
    if problem.types_are_known:
        return _known(problem)
    better = np.flatnonzero(problem.better_outside)
    if better.size > MOST_BETTER:
        raise ValueError(
            f"reservation_utilities must exceed autarky for at most {MOST_BETTER} types where"
            f" max_data is given and types are private; got {better.size}"
        )
    try:
        program = _Program.of(problem, deadline)
    except ValueError as error:  # too many outcomes
        raise ValueError(
            f"max_data needs all outcomes where types are private: {error}. Fewer types have fewer"
            " outcomes, known ones a single one"
        ) from None
    # Who has something better stays out, the others go alone.
    alone = np.where(problem.better_outside, 0.0, autarky(problem).contributions)
    best, best_out, best_accuracy = alone, problem.better_outside, program.accuracy(alone)
    order = itertools.count()
    open_nodes: list[tuple[float, int, FloatArray, _Node]] = []
    for out in itertools.product((False, True), repeat=better.size):
        node = _Node.of(problem, better[np.array(out, dtype=bool)])
        reached, at = program.solve(node)
        heapq.heappush(open_nodes, (-reached, next(order), at, node))
    looked, left = 0, best_accuracy
    while open_nodes and looked < MOST_NODES and -open_nodes[0][0] > best_accuracy + CLOSE:
        if looked and time.monotonic() > deadline:
            break
        bound, _, m, node = heapq.heappop(open_nodes)
        reached = -bound
        looked += 1
        candidate = program.feasible_near(m, node, alone)
        if candidate is not None and (accuracy := program.accuracy(candidate)) > best_accuracy:
            best, best_out, best_accuracy = candidate, node.out, accuracy
        children = program.children(m, node)
        if not children:  # halving would bring nothing
            left = max(left, reached)
        for child in children:
            bound, at = program.solve(child)
            if bound > best_accuracy + CLOSE:
                heapq.heappush(open_nodes, (-bound, next(order), at, child))
    bound = max([best_accuracy, left, *(-entry[0] for entry in open_nodes)])
    # What was closed was closed within CLOSE.
    bound = min(bound + CLOSE, problem.accuracy.optimum)
    rewards = program.rewards(best, best_out)
    assert rewards is not None  # only menus that have rewards are taken
    return _contract(problem, best, rewards, best_out, best_accuracy, max(bound, best_accuracy))


def _alone(problem: Problem) -> Contract:
    """One party: it goes alone, or has something better."""
    out, c = problem.better_outside, problem.costs
    m = np.where(out, 0.0, autarky(problem).contributions)
    outcomes = problem.outcomes()
    accuracy = float(outcomes.mean(problem.accuracy.evaluate(outcomes.totals(m))[0]))
    t = np.where(m > 0, problem.outside_options + c * m, 0.0)
    return _contract(problem, m, t, np.zeros(m.size, dtype=bool), accuracy, accuracy)


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
    accuracy = float(problem.accuracy(n @ m))
    bound = min(float(problem.accuracy(before * (1 + 64 * STEADY))), problem.accuracy.optimum)
    t, nobody = np.where(m > 0, f + c * m, 0.0), np.zeros(m.size, dtype=bool)
    return _contract(problem, m, t, nobody, accuracy, max(bound, accuracy))


@dataclass(frozen=True, eq=False)
class _Node:
    """Contributions between limits, and who is left out: what of the branching is decided."""

    low: FloatArray
    high: FloatArray
    out: BoolArray

    @classmethod
    def of(cls, problem: Problem, left_out: IntArray) -> _Node:
        most = problem.model_value.optimum / problem.costs
        out = np.isin(np.arange(problem.n_types), left_out)
        high = np.where(out, 0.0, np.minimum(problem.capacities, most))
        return cls(np.zeros(problem.n_types), high, out)


@dataclass(frozen=True, eq=False)
class _Program:
    """The first-moment problem over enumerated outcomes."""

    problem: Problem
    counts: FloatArray
    weights: FloatArray
    seen: FloatArray
    deadline: float

    @classmethod
    def of(cls, problem: Problem, deadline: float = math.inf) -> _Program:
        outcomes = problem.outcomes()
        counts = outcomes.counts.astype(float)
        return cls(problem, counts, outcomes.weights, outcomes.seen, deadline)

    def curves(self, node: _Node) -> tuple[Curve, Curve]:
        """Concave envelopes of accuracy and value on what outcomes collect in a node."""
        ends = self.counts @ node.low, self.counts @ node.high
        accuracy, value = self.problem.accuracy, self.problem.model_value
        if not s_shaped(accuracy, value):
            return accuracy.envelope(), value.envelope()
        return LocalEnvelope.of(accuracy, *ends), LocalEnvelope.of(value, *ends)

    def accuracy(self, m: FloatArray) -> float:
        """Expected accuracy on the curve itself."""
        return float(self.weights @ self.problem.accuracy.evaluate(self.counts @ m)[0])

    def caps(self, m: FloatArray) -> FloatArray:
        """Mean value of the best model, as each type sees it, (I,), on the curve itself."""
        return np.asarray(self.problem.model_value.evaluate(self.counts @ m)[0] @ self.seen)

    def applies(self, m: FloatArray) -> BoolArray:
        """Whether type i could fulfil option j, (I, I)."""
        return np.asarray(m[None, :] <= self.problem.capacities[:, None])

    def rewards(self, m: FloatArray, out: BoolArray) -> FloatArray | None:
        """The least rewards that a menu needs; None if there are none, or they cannot be paid.

        Those of types left out are what they have outside; they are not paid in models.
        """
        c, f = self.problem.costs, self.problem.outside_options
        # Nobody can take the option of a type left out: there is none.
        applies, unit = self.applies(m) & ~out[None, :], self.problem.model_value.optimum
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
        # Types left out are to stay out; the others are to be paid.
        most = np.where(out, f, self.caps(m)) + 1e-12 * unit
        return np.asarray(t) if np.all(t <= most) else None

    def feasible_near(self, m: FloatArray, node: _Node, alone: FloatArray) -> FloatArray | None:
        """A menu that satisfies every constraint, near one that does but for tolerances."""
        for margin in MARGINS:
            if margin > 0:
                _, m = self.solve(node, margin)
            # Beyond the reach of a type means a little more than it has.
            beyond = (node.low > 0) & (m <= node.low * (1 + SAME))
            m = np.where(beyond, np.minimum(node.low * (1 + SAME), self.problem.capacities), m)
            if self.rewards(m, node.out) is not None:
                return m
        # Going alone is a menu for all who have nothing better.
        for share in np.geomspace(1e-12, 1.0, 40):
            near: FloatArray = (1 - share) * m + share * alone
            if self.rewards(near, node.out) is not None:
                return near
        return None

    def children(self, m: FloatArray, node: _Node) -> list[_Node]:
        """The two halves of a node, by the worst constraint that it leaves open.

        If there is none, by the contribution that matters most to how far envelopes are above the
        curves; none if they are not.
        """
        c, limit = self.problem.costs, self.problem.capacities
        t = self._paid(m, node)
        gain = t[None, :] - c[:, None] * m[None, :] - (t - c * m)[:, None]
        undecided = (node.low[None, :] < limit[:, None]) & (limit[:, None] < node.high[None, :])
        undecided &= ~node.out[None, :]
        gain = np.where(undecided & (m[None, :] <= limit[:, None] * (1 + SAME)), gain, -np.inf)
        if not gain.max(initial=-np.inf) > SAME * self.problem.model_value.optimum:
            return self._halves(m, node)
        i, j = np.unravel_index(int(gain.argmax()), gain.shape)
        low, high = node.low.copy(), node.high.copy()
        low[j] = high[j] = limit[i]
        return [_Node(node.low, high, node.out), _Node(low, node.high, node.out)]

    def _halves(self, m: FloatArray, node: _Node) -> list[_Node]:
        data, optimum = self.counts @ m, self.problem.accuracy.optimum
        own = self.problem.accuracy, self.problem.model_value
        above = [
            np.maximum(envelope.evaluate(data)[0] - curve.evaluate(data)[0], 0.0) / curve.optimum
            for envelope, curve in zip(self.curves(node), own, strict=True)
        ]
        chances = self.weights * above[0] + self.seen.max(axis=1) * above[1]
        if not (chances.sum() * optimum > CLOSE and s_shaped(*own)):
            return []
        width = node.high - node.low
        k = int(np.argmax((chances @ self.counts) * width))
        edge = EDGE * width[k]
        middle = (m[k] + node.low[k] + node.high[k]) / 3
        at = np.clip(middle, node.low[k] + edge, node.high[k] - edge)
        low, high = node.low.copy(), node.high.copy()
        low[k] = high[k] = at
        return [_Node(node.low, high, node.out), _Node(low, node.high, node.out)]

    def _paid(self, m: FloatArray, node: _Node) -> FloatArray:
        """Least rewards under the constraints that a node has."""
        c, t = self.problem.costs, self.problem.outside_options + self.problem.costs * m
        must = (node.high[None, :] <= self.problem.capacities[:, None]) & ~node.out[None, :]
        for _ in range(m.size):
            asked = np.where(must, t[None, :] + c[:, None] * (m[:, None] - m[None, :]), -np.inf)
            t = np.maximum(t, asked.max(axis=1))
        return np.asarray(t)

    def solve(self, node: _Node, margin: float = 0.0) -> tuple[float, FloatArray]:
        """A bound on every menu in a node, and where the bound is reached, by cutting planes.

        With a margin caps hold by that much more, relative to the best value.
        """
        n = self.problem.n_types
        c, f = self.problem.costs, self.problem.outside_options
        unit, optimum = self.problem.model_value.optimum, self.problem.accuracy.optimum
        size = np.maximum(node.high, 1e-300)  # contributions in units of their limits
        eye = np.eye(n)
        # Variables: contributions, rewards in units of the best model's value, accuracy.
        rows = [np.hstack([np.diag(c * size / unit), -eye, np.zeros((n, 1))])]  # rationality
        sides = [-f / unit]
        must = (node.high[None, :] <= self.problem.capacities[:, None]) & ~eye.astype(bool)
        must &= ~node.out[None, :]
        for i, j in zip(*np.nonzero(must), strict=True):
            row = np.zeros(2 * n + 1)
            row[i], row[j] = c[i] * size[i] / unit, -c[i] * size[j] / unit
            row[n + i], row[n + j] = -1.0, 1.0
            rows.append(row[None])
            sides.append(np.zeros(1))
        fixed = np.where(node.out, f / unit, np.nan)  # what types left out have
        low = np.concatenate([node.low / size, np.where(node.out, fixed, 0.0), [0.0]])
        high = np.concatenate([np.where(node.out, 0, 1), np.where(node.out, fixed, 1), [optimum]])
        unpaid = node.out * np.maximum(f / unit, 1.0)  # caps do not hold for them
        objective = np.append(np.zeros(2 * n), -1.0)
        m, bound, curves = node.high, optimum, self.curves(node)
        for k in range(ROUNDS):
            if k and time.monotonic() > self.deadline:
                break
            data = self.counts @ m
            a, a1, _ = curves[0].evaluate(data)
            v, v1, _ = curves[1].evaluate(data)
            reached, slope = float(self.weights @ a), (self.weights * a1) @ self.counts
            caps, rise = v @ self.seen, (self.seen * v1[:, None]).T @ self.counts
            rows += [
                np.append(-slope * size, np.append(np.zeros(n), 1.0))[None],
                np.hstack([-rise * size / unit, eye, np.zeros((n, 1))]),
            ]
            sides += [np.array([reached - slope @ m]), (caps - rise @ m) / unit - margin + unpaid]
            matrix, side = np.vstack(rows), np.concatenate(sides)
            found: Any = scipy.optimize.linprog(
                objective, A_ub=matrix, b_ub=side, bounds=np.column_stack([low, high]),
                options={
                    "primal_feasibility_tolerance": LINEAR, "dual_feasibility_tolerance": LINEAR
                },
            )  # fmt: skip
            if found.status == 2:
                return -np.inf, m  # nothing is feasible
            if found.status != 0:
                return bound, m
            m = np.clip(found.x[:n], low[:n], high[:n]) * size
            # By weak duality any prices >= 0 give a bound.
            prices = np.maximum(-found.ineqlin.marginals, 0.0)
            left = objective + prices @ matrix
            dual = float(prices @ side) - float(np.minimum(left * low, left * high).sum())
            bound = min(bound, dual)
            reached = float(self.weights @ curves[0].evaluate(self.counts @ m)[0])
            caps = curves[1].evaluate(self.counts @ m)[0] @ self.seen
            over = found.x[n : 2 * n] - caps / unit + margin - unpaid
            if bound - reached <= CLOSE and np.all(over <= max(LINEAR, margin / 2)):
                break
        return bound, m


def _contract(
    problem: Problem, m: FloatArray, t: FloatArray, out: BoolArray, accuracy: float, bound: float
) -> Contract:
    outcomes, alone = problem.outcomes(), autarky(problem)
    values = problem.model_value.evaluate(outcomes.totals(m))[0]
    takes_part, unit = ~out & ((m > 0) | (t > 0)), problem.model_value.optimum
    t = np.where(out, 0.0, t)
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
