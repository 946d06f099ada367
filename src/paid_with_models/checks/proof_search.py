r"""Search for prices that prove a bound: cutting planes, and branch and bound over boxes.

What is found here goes into a certificate and is checked there; so floats are good enough. The
bound of a box is that of a linear program in contributions and utilities, with planes above the
expectations for accuracy and caps (Kelley's method): its dual prices are those that
:mod:`~paid_with_models.checks.proof_checker` asks for.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from flint import arb
from scipy.optimize import linprog

from ..accuracy import BoolArray, Curve, FloatArray
from ..contract import Contract
from ..problem import Problem
from .proof_checker import Model, RefusedError, Views
from .proof_witnesses import near, text_of

__all__ = ["GOOD_ENOUGH", "exact_box", "searched"]

#: GOOD_ENOUGH: a gap that need not be made smaller: bounds of different prices differ by less.
GOOD_ENOUGH = 1e-11

#: ROUNDS: most cutting planes at a box; PROGRESS: share of what is missing that the next must
#: bring where halving would help, STALLED: what it must bring anywhere.
ROUNDS, PROGRESS, STALLED = 40, 0.2, 1e-13

#: PENALTY: price of violating constraints, in accuracy per value of the best model: boxes without
#: menus have prices without limit.
PENALTY = 1e4

#: EDGE: boxes are halved at least this share of their width from an end.
EDGE = 0.2


def exact_box(
    planes: Sequence[tuple[FloatArray, float, FloatArray]],
    incentives: dict[tuple[int, int], float],
    costs: FloatArray,
    out: Sequence[int] = (),
    reach: BoolArray | None = None,
) -> dict[str, Any]:
    """A leaf of a certificate's tree: prices as decimals that let utilities cancel.

    Parameters
    ----------
    planes : sequence of (contributions, share, (I,) prices of caps)
    incentives : dict
        Prices of what type i loses by taking the option of type j, by (i, j).
    costs : (I,) ndarray
    out : sequence of int
        Types left out.
    reach : (I, I) ndarray of bool, optional
        Whether type i could fulfil the option of type j, whatever it is; by default always.
    """
    shares = [Fraction(repr(max(float(share), 0.0))) for _, share, _ in planes]
    largest = max(range(len(shares)), key=lambda k: shares[k])
    shares[largest] += 1 - sum(shares)
    caps = [[Fraction(repr(max(float(x), 0.0))) for x in of_types] for *_, of_types in planes]
    between = {pair: Fraction(repr(max(float(x), 0.0))) for pair, x in incentives.items()}
    count = len(costs)
    # Prices of individual rationality are what is left; negative ones are rounding, or a transfer
    # between equal costs, where incentives go both ways at any price.
    left = [sum((row[i] for row in caps), Fraction(0)) for i in range(count)]
    for (i, j), price in between.items():
        left[j] += price
        left[i] -= price if i not in out else 0
    for i in range(count):
        for j in range(count):
            back = reach is None or reach[j, i]
            if costs[i] == costs[j] and left[i] < 0 < left[j] and j not in out and back:
                moved = min(-left[i], left[j])
                between[j, i] = between.get((j, i), Fraction(0)) + moved
                left[i], left[j] = left[i] + moved, left[j] - moved
        if left[i] < 0:
            caps[largest][i] -= left[i]
    return {
        "planes": [
            {"at": [text_of(float(x)) for x in at], "share": text_of(share),
             "caps": [text_of(x) for x in row]}
            for (at, *_), share, row in zip(planes, shares, caps, strict=True)
        ],
        "incentives": [[i, j, text_of(x)] for (i, j), x in sorted(between.items()) if x > 0],
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Plane:
    """Linear functions above E[a] and above every type's E[v(a)], closest at a menu.

    Attributes
    ----------
    menu : (I,) ndarray
    constant, gradient : float, (I,) ndarray
        Of the first.
    constants, gradients : (I,), (I, I) ndarray
        Of the others, a row a type.
    """

    menu: FloatArray
    constant: float
    gradient: FloatArray
    constants: FloatArray
    gradients: FloatArray


class Planes(Protocol):
    """Planes for the contributions in a box."""

    def at(self, menu: FloatArray) -> Plane:
        """The planes that are closest at a menu."""

    def excess(self, menu: FloatArray) -> FloatArray:
        """How far lines are above the curve of accuracy there, on average, weighed by n_i, (I,)."""


class SummedPlanes:
    """Those of the checker's sums, which hold in every box."""

    def __init__(self, expectations: Views, count: int) -> None:
        self.expectations, self.count = expectations, count

    def at(self, menu: FloatArray) -> Plane:
        """The planes that are closest at a menu."""
        exact = [near(x) for x in menu.tolist()]
        views = self.expectations(exact, exact, exact)
        gradients = np.array([[float(x) for x in slopes] for _, slopes in views])
        constants = np.array([float(value.upper()) for value, _ in views]) - gradients @ menu
        return Plane(menu, constants[-1], gradients[-1], constants[:-1], gradients[:-1])

    def excess(self, menu: FloatArray) -> FloatArray:
        """None that a smaller box would reduce."""
        return np.zeros(self.count)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """All outcomes in floats: counts (K, I), probabilities (K,), and as types see them, (I, K)."""

    counts: FloatArray
    weights: FloatArray
    seen: FloatArray

    @classmethod
    def of(cls, problem: Problem) -> Outcomes:
        """Those of a problem."""
        counts, weights = problem.law.outcomes()
        n, p = problem.n_parties, problem.probabilities
        times = counts.astype(float) if problem.beliefs == "own" else (counts > 0).astype(float)
        share = 1 / (n * p) if problem.beliefs == "own" else 1 / -np.expm1(n * np.log1p(-p))
        return cls(counts.astype(float), weights, (times * share).T * weights)


class EnumeratedPlanes:
    """Lines above the curves in every outcome, as the checker draws them, weighed and added."""

    def __init__(
        self,
        outcomes: Outcomes,
        curves: tuple[tuple[Curve, float], tuple[Curve, float]],
        low: FloatArray,
        high: FloatArray,
        scale: float | None,
    ) -> None:
        self.outcomes = outcomes
        self.low, self.high = outcomes.counts @ low, outcomes.counts @ high
        (accuracy, bend), (value, other) = curves
        self.curves = [(accuracy, *self.touching(accuracy, bend))]
        if scale is None:
            self.curves.append((value, *self.touching(value, other)))
        self.scale = scale

    def touching(self, curve: Curve, bend: float) -> tuple[FloatArray, FloatArray]:
        """Values at the low ends, and where tangents from there touch; infinite for chords."""
        low, high, value = self.low, self.high, curve(self.low)

        def excess(x: FloatArray) -> FloatArray:
            at, slope, _ = curve.evaluate(x)
            return np.asarray(at - value - (x - low) * slope)

        left, right = np.maximum(low, bend), np.maximum(high, bend)
        chord = (low < bend) & ((high <= bend) | (excess(right) < 0))
        for _ in range(50):
            middle = 0.5 * (left + right)
            short = excess(middle) < 0
            left, right = np.where(short, middle, left), np.where(short, right, middle)
        return value, np.where(chord, np.inf, np.where(low < bend, right, low))

    def lines(self, k: int, menu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Value without data and slope of the lines above a curve."""
        curve, value, touch = self.curves[k]
        straight = np.isinf(touch)
        point = np.maximum(self.outcomes.counts @ menu, np.where(straight, 0.0, touch))
        at, slope, _ = curve.evaluate(point)
        wide = self.high - self.low
        chord = (curve(self.high) - value) / np.where(wide > 0, wide, 1.0)
        slope = np.where(straight, chord, slope)
        return np.where(straight, value - slope * self.low, at - slope * point), slope

    def at(self, menu: FloatArray) -> Plane:
        """The planes that are closest at a menu."""
        base, slope = self.lines(0, menu)
        if self.scale is None:
            bases, slopes = self.lines(1, menu)
        else:  # one line serves both
            bases, slopes = self.scale * base, self.scale * slope
        counts, weights, seen = self.outcomes.counts, self.outcomes.weights, self.outcomes.seen
        gradient = (weights * slope) @ counts
        return Plane(menu, float(weights @ base), gradient, seen @ bases, (seen * slopes) @ counts)

    def excess(self, menu: FloatArray) -> FloatArray:
        """How far lines are above the curve of accuracy there, on average, weighed by n_i, (I,)."""
        counts = self.outcomes.counts
        base, slope = self.lines(0, menu)
        data = counts @ menu
        above = base + slope * data - self.curves[0][0](data)
        return np.asarray((self.outcomes.weights * above) @ counts)


@dataclass(eq=False)
class Box:
    """A box of contributions with the bound of its last linear program.

    Attributes
    ----------
    low, high : (I,) ndarray
    out : tuple of int
        Types left out.
    node : dict
        What becomes its leaf, or its halves.
    goal : float
        A bound that is low enough.
    starts : list of (I,) ndarray
        Menus at which the first planes are drawn.
    bound : float
    split : tuple of int and float
        The type whose contribution is halved next, and where.
    """

    low: FloatArray
    high: FloatArray
    out: tuple[int, ...]
    node: dict[str, Any]
    goal: float
    starts: list[FloatArray]
    bound: float = math.inf
    split: tuple[int, float] = (0, 0.0)


def searched(
    model: Model,
    expectations: Views,
    contract: Contract,
    reached: float,
    tolerance: float,
    max_boxes: int,
) -> dict[str, Any]:
    """A tree of boxes with prices whose bound is close to what a menu reaches.

    Parameters
    ----------
    model, expectations
        The problem as the checker sees it.
    contract : Contract
    reached : float
        Expected accuracy of its menu.
    tolerance : float
        How far above a bound may be.
    max_boxes : int
        Most boxes; none but the first where expectations are sums: 0.
    """
    search = Search(model, expectations, contract, reached, reached + tolerance, max_boxes > 0)
    root: dict[str, Any] = {}
    optional = [i for i, may in enumerate(model.optional) if may]
    fresh = list(search.first(root, optional, ()))
    queue: list[tuple[float, int, Box]] = []
    made = 0
    while fresh:
        for box in fresh:
            search.bound(box)
            made += 1
            heapq.heappush(queue, (-box.bound, made, box))
        fresh = []
        if -queue[0][0] > search.target and made < max_boxes:
            fresh = search.halves(heapq.heappop(queue)[2])
    return root


class Search:
    """What the boxes of a problem share.

    Parameters
    ----------
    model, expectations, contract
        As for :func:`searched`.
    reached, target : float
        What the menu reaches, and the bound that is low enough.
    enumerated : bool
        Whether expectations are sums over all outcomes.
    """

    def __init__(
        self,
        model: Model,
        expectations: Views,
        contract: Contract,
        reached: float,
        target: float,
        enumerated: bool,
    ) -> None:
        problem = contract.problem
        self.expectations, self.reached, self.target = expectations, reached, target
        self.start = np.maximum(contract.contributions, 0.0)
        self.curves = (
            (problem.accuracy, float(arb(model.curves[0].concave))),
            (problem.model_value, float(arb(model.curves[-1].concave))),
        )
        self.scale = float(arb(model.factor)) if len(model.curves) == 1 else None
        self.unit, self.costs = problem.model_value.optimum, problem.costs
        self.limits = problem.capacities
        self.outside = np.array([float(f) for f in model.outside])
        self.top = np.array([float(x) for x in model.top])
        self.outcomes = Outcomes.of(problem) if enumerated else None

    def first(
        self, node: dict[str, Any], optional: list[int], out: tuple[int, ...]
    ) -> Iterable[Box]:
        """The first boxes: one for every choice of who takes part."""
        if optional:
            i, *rest = optional
            node |= {"split": i, "at": None, "below": {}, "above": {}}  # out, or in
            yield from self.first(node["above"], rest, out)
            yield from self.first(node["below"], rest, (*out, i))
        else:
            high = np.where(np.isin(np.arange(self.top.size), out), 0.0, self.top)
            starts = [self.start, 0.5 * high]
            yield Box(np.zeros_like(high), high, out, node, self.reached + GOOD_ENOUGH, starts)

    def halves(self, box: Box) -> list[Box]:
        """Both halves of a box."""
        i, at = box.split
        box.node.clear()
        box.node |= {"split": i, "at": text_of(at), "below": {}, "above": {}}
        high, low = box.high.copy(), box.low.copy()
        high[i] = low[i] = at
        below, above = box.node["below"], box.node["above"]
        return [
            Box(box.low, high, box.out, below, self.target, box.starts),
            Box(low, box.high, box.out, above, self.target, box.starts),
        ]

    def bound(self, box: Box) -> None:
        """Cutting planes: the bound of a box, its prices, and where to halve it."""
        above: Planes = SummedPlanes(self.expectations, self.top.size)
        if self.outcomes is not None:
            above = EnumeratedPlanes(self.outcomes, self.curves, box.low, box.high, self.scale)
        points, planes = [np.clip(m, box.low, box.high) for m in box.starts], list[Plane]()
        last = math.inf
        for _ in range(ROUNDS):
            planes += [above.at(m) for m in points]
            bound, m, u, shares, caps, incentives = self.program(box, planes)
            m = np.clip(m, box.low, box.high)  # but for the tolerance of its solver it is there
            points, excess = [m], above.excess(m)
            missing = bound - box.goal
            enough = PROGRESS * missing if excess.max() > GOOD_ENOUGH else STALLED
            if missing <= 0 or last - bound < enough:
                break
            last = bound
        used = [k for k in range(len(planes)) if shares[k] > 0 or caps[k].max() > 0]
        chosen = [(planes[k].menu, shares[k], caps[k]) for k in used]
        box.bound, box.starts = bound, [menu for menu, *_ in chosen]
        box.node |= exact_box(chosen, incentives, self.costs, box.out, self.reach(box))
        box.split = self.undecided(box, m, u) or self.halving(box, m, excess)

    def reach(self, box: Box) -> BoolArray:
        """Whether type i could fulfil whatever option the box has for type j, (I, I)."""
        return np.asarray(box.high[None, :] <= self.limits[:, None])

    def undecided(self, box: Box, m: FloatArray, u: FloatArray) -> tuple[int, float] | None:
        """Where to split for the option that a type likes best to which it may have too few data.

        Parameters
        ----------
        box : Box
        m, u : (I,) ndarray
            Contributions and utilities of the box's program.
        """
        limit, c = self.limits[:, None], self.costs
        open_ = (box.low[None, :] < limit) & (limit < box.high[None, :])
        open_[:, list(box.out)] = False
        gain = u[None, :] + (c[None, :] - c[:, None]) * m[None, :] - u[:, None]
        gain = np.where(open_ & (m[None, :] <= limit * (1 + GOOD_ENOUGH)), gain, -np.inf)
        i, j = np.unravel_index(int(gain.argmax()), gain.shape)
        return (int(j), float(self.limits[i])) if gain[i, j] > GOOD_ENOUGH * self.unit else None

    def halving(self, box: Box, m: FloatArray, excess: FloatArray) -> tuple[int, float]:
        """Where to halve a box, from its program's contributions and how far lines are above."""
        # Halved where lines are far above the curves, weighed by how far a type can move.
        width = box.high - box.low
        widest = GOOD_ENOUGH * width / max(float(self.top.max()), 1e-300)  # where all are zero
        i = int(np.argmax((excess + widest) * width))
        at = 0.5 * m[i] + 0.25 * (box.low[i] + box.high[i])
        edge = EDGE * width[i]
        return i, float(np.clip(at, box.low[i] + edge, box.high[i] - edge))

    def program(
        self, box: Box, planes: list[Plane]
    ) -> tuple[
        float, FloatArray, FloatArray, list[float], list[FloatArray], dict[tuple[int, int], float]
    ]:
        """The linear program of a box: bound, contributions, utilities, all constraints' prices.

        Variables are shares of the most that types can contribute, utilities in values of the best
        model, E[a], and a violation of all the rest.
        """
        count, unit, top = self.costs.size, self.unit, np.maximum(self.top, 1e-300)
        types = [i for i in range(count) if i not in box.out]
        rows, sides = [], []
        names: list[tuple[Any, ...]] = []
        size = 2 * count + 2

        def add(name: tuple[Any, ...], row: FloatArray, side: float) -> None:
            names.append(name)
            rows.append(row)
            sides.append(side)

        for k, plane in enumerate(planes):
            row = np.zeros(size)
            row[:count], row[-2] = -plane.gradient * top, 1.0
            add(("plane", k), row, plane.constant)
            for i in types:
                row = np.zeros(size)
                row[:count] = -plane.gradients[i] * top / unit
                row[i] += self.costs[i] * top[i] / unit
                row[count + i], row[-1] = 1.0, -1.0
                add(("cap", k, i), row, plane.constants[i] / unit)

        def incentive(i: int, j: int) -> None:  # u_j + (c_j - c_i) m_j <= u_i, or f_i outside
            row = np.zeros(size)
            row[j] = (self.costs[j] - self.costs[i]) * top[j] / unit
            row[count + j] = 1.0
            if i not in box.out:
                row[count + i] = -1.0
            row[-1] = -1.0
            add(("incentive", i, j), row, self.outside[i] / unit if i in box.out else 0.0)

        reach = self.reach(box)
        if reach.all():
            pairs = neighbors(self.costs, types)
        else:
            pairs = [pair for pair in itertools.permutations(types, 2) if reach[pair]]
        for i, j in (*pairs, *itertools.product(box.out, types)):
            if reach[i, j]:
                incentive(i, j)
        bounds = [(box.low[i] / top[i], box.high[i] / top[i]) for i in range(count)]
        bounds += [(self.outside[i] / unit, None) if i in types else (0.0, 0.0)
                   for i in range(count)]  # fmt: skip
        bounds += [(None, 1.0), (0.0, None)]
        objective = np.zeros(size)
        objective[-2], objective[-1] = -1.0, PENALTY
        solved = linprog(objective, np.array(rows), np.array(sides), bounds=bounds, method="highs")
        if solved.x is None:
            raise RefusedError(f"a linear program ended with: {solved.message}")
        shares, caps = [0.0] * len(planes), [np.zeros(count) for _ in planes]
        incentives: dict[tuple[int, int], float] = {}
        for name, price in zip(names, -solved.ineqlin.marginals, strict=True):
            if name[0] == "plane":
                shares[name[1]] = max(float(price), 0.0)
            elif name[0] == "cap":
                caps[name[1]][name[2]] = max(float(price), 0.0) / unit
            elif price > 0:
                incentives[name[1], name[2]] = float(price) / unit
        m, u = solved.x[:count] * top, solved.x[count : 2 * count] * unit
        u[list(box.out)] = self.outside[list(box.out)]
        return -float(solved.fun), m, u, shares, caps, incentives


def neighbors(costs: FloatArray, types: list[int]) -> list[tuple[int, int]]:
    """Whose incentive constraints are enough: neighbors, all of them where costs are equal."""
    levels = [[i for i in types if costs[i] == c] for c in sorted({costs[i] for i in types})]
    pairs = [
        pair
        for level, cheaper in zip(levels[1:], levels, strict=False)
        for i, j in itertools.product(level, cheaper)
        for pair in ((i, j), (j, i))
    ]
    ties = (pair for level in levels for pair in itertools.pairwise(level))
    return pairs + [pair for i, j in ties for pair in ((i, j), (j, i))]
