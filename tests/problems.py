"""Material that tests share: random problems, brute force over grids of menus, small helpers.

Random problems are the same on every machine. :func:`problems` is the strategy of the properties,
:class:`Grid` the brute force that nothing of the solver goes into but least rewards.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from paid_with_models import (
    Arctan,
    Contract,
    Curve,
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    Valuation,
    autarky,
)
from paid_with_models.attendance import n_outcomes
from paid_with_models.solver.chain import Chain, least_utilities
from paid_with_models.solver.fits import sum_range
from paid_with_models.solver.moments import Enumeration
from paid_with_models.solver.program import FirstMoment

#: The curves of :func:`mixed_problem`; the last admits no exponential sum.
CURVES = {
    "generalization bound": GeneralizationBound(),
    "generalization bound, k = 3": GeneralizationBound(optimum=0.9, complexity=3.0),
    "power law": PowerLaw(0.9, 2.0, 0.5, 0.0),
    "shifted power law": PowerLaw(0.95, 1.0, 0.4, 2.0),
    "saturating": Saturating((0.5, 0.4), (0.1, 0.003)),
    "arctangent": Arctan(0.02),
}
VALUATIONS = (LinearValuation(100.0), LinearValuation(3.0), ExponentialValuation(50.0, 2.0))


def scale_problem(n_types: int, n_parties: int, seed: int, cost_factor: float = 1.0) -> Problem:
    """Many unlike types: costs log-normal(0, 0.8) x 0.3, probabilities Dirichlet(2).

    Parameters
    ----------
    n_types, n_parties : int
        I and N.
    seed : int
    cost_factor : float
        Multiplies all costs: few parties need cheap data to get anywhere.

    Returns
    -------
    Problem
        With the paper's curves. High-cost types end at or near no contribution, many types bunch.
    """
    rng = np.random.default_rng(seed)
    costs = rng.lognormal(0.0, 0.8, n_types) * 0.3 * cost_factor
    probabilities = rng.dirichlet(np.full(n_types, 2.0))
    return Problem(n_parties, probabilities, costs, GeneralizationBound())


def small_problem(seed: int) -> Problem:
    """Two or three types, 2 to 12 parties, costs log-uniform on [0.02, 3].

    Often some outcomes fall where the accuracy curve is not concave.
    """
    rng = np.random.default_rng([1, seed])
    n_types, n_parties = int(rng.integers(2, 4)), int(rng.integers(2, 13))
    costs = np.exp(rng.uniform(np.log(0.02), np.log(3.0), n_types))
    return Problem(n_parties, rng.dirichlet(np.ones(n_types)), costs, GeneralizationBound())


def unequal_problem(seed: int) -> Problem:
    """Two to eight types, 2 to 60 parties, costs over three decades, everything at its own scale.

    The best accuracy is uniform on [0.5, 1], the complexity parameter and the value of a perfect
    model log-uniform over four decades, probabilities Dirichlet(1/2), so that some types are rare.
    Costs are log-uniform from 1/300 of to 10 times the cost at which a party alone trains nothing.
    """
    rng = np.random.default_rng([2, seed])
    n_types, n_parties = int(rng.integers(2, 9)), int(rng.integers(2, 61))
    complexity, scale = 10.0 ** rng.uniform(-2, 2, 2)
    curve = GeneralizationBound(rng.uniform(0.5, 1.0), complexity)
    costs = scale * curve.envelope().slope * 10.0 ** rng.uniform(-2.5, 1.0, n_types)
    probabilities = np.maximum(rng.dirichlet(np.full(n_types, 0.5)), 1e-6)
    return Problem(
        n_parties, probabilities / probabilities.sum(), costs, curve, LinearValuation(scale)
    )


def mixed_problem(seed: int) -> Problem:
    """Any curve, one to eight types, 1 to 60 parties, both beliefs; some types of equal cost.

    Costs are log-uniform over two decades, for a fifth of the problems three times as high, so
    that contributions next to nothing can be best; for a quarter some costs are equal. Where there
    is no exponential sum (an arctangent has none) parties are fewer: outcomes are enumerated.
    """
    rng = np.random.default_rng([4, seed])
    n_types, n_parties = int(rng.integers(1, 9)), int(rng.integers(1, 61))
    curve = list(CURVES.values())[int(rng.integers(len(CURVES)))]
    valuation = VALUATIONS[int(rng.integers(len(VALUATIONS)))]
    costs = np.exp(rng.uniform(np.log(0.005), np.log(0.6), n_types))
    costs *= (3.0 if rng.random() < 0.2 else 1.0) * float(valuation(1.0)) / 100
    if rng.random() < 0.25:
        costs[1 : 1 + int(rng.integers(0, n_types))] = costs[0]
    value = ModelValue(curve, valuation)
    if sum_range(curve, value, n_parties * value.optimum / costs.min()) is None:
        while n_outcomes(n_parties, n_types) > 20_000:
            n_parties -= 1
    return Problem(
        n_parties,
        rng.dirichlet(np.full(n_types, 2.0)),
        costs,
        curve,
        valuation,
        beliefs="own" if rng.integers(2) else "paper",
    )


def random_problem(
    rng: np.random.Generator,
    *,
    types: int | tuple[int, int] = (1, 5),
    parties: int | tuple[int, int] = (2, 12),
    curves: Sequence[Curve] = (*CURVES.values(),),
    valuations: Sequence[Valuation] = (*VALUATIONS, PowerValuation(80.0, 1.5)),
    costs: tuple[float, float] = (0.01, 0.5),
) -> Problem:
    """A small problem of any kind.

    Parameters
    ----------
    rng : Generator
    types, parties : int or (int, int)
        I and N, or the least and the most.
    curves, valuations : sequences
        One of each is drawn, and one of the two beliefs.
    costs : (float, float)
        Ends of a log-uniform law, for a perfect model that is worth 100.
    """

    def number(ends: int | tuple[int, int]) -> int:
        least, most = (ends, ends) if isinstance(ends, int) else ends
        return int(rng.integers(least, most + 1))

    n_types, n_parties = number(types), number(parties)
    curve = curves[int(rng.integers(len(curves)))]
    valuation = valuations[int(rng.integers(len(valuations)))]
    worth, logs = float(valuation(1.0)), (math.log(costs[0]), math.log(costs[1]))
    return Problem(
        n_parties,
        rng.dirichlet(np.full(n_types, 2.0)),
        np.exp(rng.uniform(*logs, n_types)) * worth / 100,
        curve,
        valuation,
        beliefs="own" if rng.integers(2) else "paper",
    )


def outside_problem(
    rng: np.random.Generator,
    n_types: int,
    parties: int | tuple[int, int] = (2, 8),
    share: float = 0.7,
) -> Problem:
    """With better outside options, up to a good part of the best model, for most types."""
    problem = random_problem(
        rng,
        types=n_types,
        parties=parties,
        curves=[GeneralizationBound()],
        valuations=[LinearValuation(100.0)],
        costs=(0.02, 1.0),
    )
    alone = autarky(problem).utilities
    better = alone + rng.uniform(0, 0.6, n_types) * (100 - alone)
    outside = np.where(rng.random(n_types) < share, better, alone)
    return with_outside(problem, outside)


def with_outside(problem: Problem, utilities: npt.ArrayLike | None) -> Problem:
    """The same problem with other outside options."""
    return Problem(
        problem.n_parties,
        problem.probabilities,
        problem.costs,
        problem.accuracy,
        problem.valuation,
        problem.beliefs,
        utilities,
    )


#: Outcomes that the strategy leaves to problems whose curves admit no exponential sum.
FEW_OUTCOMES = 500

DRAWN_CURVES = (
    GeneralizationBound(),
    GeneralizationBound(optimum=0.85, complexity=0.3),
    PowerLaw(0.95, 1.0, 0.4, 2.0),
    PowerLaw(0.9, 3.0, 0.7, 20.0),
    Saturating((0.5, 0.4), (0.1, 0.003)),
    Arctan(rate=0.02),
)
DRAWN_VALUATIONS = (
    LinearValuation(100.0),
    ExponentialValuation(50.0, 2.0),
    PowerValuation(80.0, 1.5),
)


@st.composite
def problems(
    draw: Callable[..., Any],
    curves: Sequence[Curve] = DRAWN_CURVES,
    valuations: Sequence[Any] = DRAWN_VALUATIONS,
    beliefs: Sequence[str] = ("paper", "own"),
    types: tuple[int, int] = (1, 8),
    parties: tuple[int, int] = (1, 60),
    outcomes: int | None = None,
) -> Problem:
    """A problem, with costs over four decades, equal and nearly equal types, rare ones too.

    It has at most so many ``outcomes``, if they are given.
    """
    n_types = draw(st.integers(*types))
    curve, valuation = draw(st.sampled_from(curves)), draw(st.sampled_from(valuations))
    exponents = st.floats(-3.0, 1.0)
    costs = [10.0 ** draw(exponents)]
    for _ in range(n_types - 1):
        kind = draw(st.sampled_from(("new", "new", "new", "equal", "nearly equal")))
        before = draw(st.sampled_from(costs))
        costs.append(
            10.0 ** draw(exponents)
            if kind == "new"
            else before * (1 + 1e-9 * (kind == "nearly equal"))
        )
    c = np.array(costs) * valuation.scale / 100
    shares = 10.0 ** np.array([draw(st.floats(-6.0, 0.0)) for _ in costs])
    shares = np.maximum(shares / shares.sum(), 1e-6)
    least, most = parties
    value = ModelValue(curve, valuation)
    if outcomes is None and sum_range(curve, value, most * value.optimum / c.min()) is None:
        outcomes = FEW_OUTCOMES
    while outcomes and most > least and n_outcomes(most, n_types) > outcomes:
        most -= 1
    return Problem(
        draw(st.integers(least, most)),
        shares / shares.sum(),
        c,
        curve,
        valuation,
        draw(st.sampled_from(beliefs)),
    )


class Grid:
    """Menus for some types, all others being left out; by default for all.

    Attributes
    ----------
    types, out : ndarray of int
        The types in, costliest first, and those left out.
    counts, weights, conditional : ndarray
        All outcomes, their probabilities, and those as each type sees them, (I, K).
    costs, outside : (n,) ndarray
        Of the types in.
    """

    def __init__(self, problem: Problem, types: Iterable[int] | None = None) -> None:
        self.problem = problem
        order = np.argsort(-problem.costs, kind="stable")
        self.types = order[np.isin(order, order if types is None else list(types))]
        self.out = np.setdiff1d(np.arange(problem.n_types), self.types)
        outcomes = Enumeration.of(problem.n_parties, problem.probabilities[None], problem.beliefs)
        self.counts, self.weights = outcomes.counts, outcomes.weights[0]
        self.conditional = outcomes.conditional[0]
        self.costs, self.outside = problem.costs[self.types], problem.outside_options[self.types]

    @property
    def most(self) -> npt.NDArray[np.float64]:
        """Most that each type can contribute at all."""
        return np.asarray((self.problem.model_value.optimum - self.outside) / self.costs)

    def reached(self, menus: npt.NDArray[np.float64]) -> tuple[Any, Any, Any]:
        """Accuracies of menus (M, n) with least rewards, those rewards, and which are feasible."""
        totals = menus @ self.counts[:, self.types].T
        rewards = least_utilities(menus, self.costs, self.outside) + self.costs * menus
        caps = self.problem.model_value(totals) @ self.conditional[self.types].T
        fits = np.all(caps >= rewards, axis=1)
        for k in self.out:
            wanted = rewards - self.problem.costs[k] * menus
            fits &= np.all(wanted <= self.problem.outside_options[k], axis=1)
        return self.problem.accuracy(totals) @ self.weights, rewards, fits

    def best(self, cells: int, rounds: int = 4) -> float:
        """Highest accuracy on a grid, then on finer ones around its best menu; -1 if none fits."""
        low, high = np.zeros(self.costs.size), self.most
        best, best_menu = -1.0, None
        for _ in range(rounds):
            axes = [np.linspace(a, b, cells) for a, b in zip(low, high, strict=True)]
            menus = np.array([m for m in itertools.product(*axes) if np.all(np.diff(m) >= 0)])
            if menus.size == 0:
                break
            accuracy, _, fits = self.reached(menus)
            if fits.any() and accuracy[fits].max() > best:
                k = np.flatnonzero(fits)[np.argmax(accuracy[fits])]
                best, best_menu = float(accuracy[k]), menus[k]
            if best_menu is None:
                break
            width = (high - low) / 5
            low, high = np.maximum(best_menu - width, 0), best_menu + width
        return best


def selections(n_types: int) -> list[tuple[int, ...]]:
    """All non-empty sets of types."""
    some = (itertools.combinations(range(n_types), r) for r in range(1, n_types + 1))
    return list(itertools.chain.from_iterable(some))


def left_out(contract: Contract) -> list[int]:
    """Types that were left out, rather than in with nothing to do."""
    outside = contract.reservation_utilities > 0
    return [int(k) for k in np.flatnonzero(~contract.participates & outside)]


def first_moments(costs: npt.ArrayLike, outside: npt.ArrayLike) -> FirstMoment:
    """First-moment problems of four parties of types that are equally likely.

    Parameters
    ----------
    costs, outside : (B, I) array_like
        Costliest type first, the same ones equal in each row; units of value.
    """
    c, f = np.asarray(costs, dtype=float), np.asarray(outside, dtype=float)
    accuracy = GeneralizationBound()
    return FirstMoment(
        Enumeration.of(4, np.full(c.shape, 1 / c.shape[1]), "paper"),
        accuracy,
        ModelValue(accuracy, LinearValuation(100.0)),
        100.0,
        c / 100,
        f / 100,
        Chain.of((False, *(np.diff(c[0]) == 0).tolist())),
    )
