"""Problems that tests share: random ones by seed, the same on every machine, and one by hand."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from paid_with_models import (
    Arctan,
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    PowerLaw,
    Problem,
    Saturating,
)
from paid_with_models.solver.moments import Enumeration
from paid_with_models.solver.program import Chain, FirstMoment
from paid_with_models.solver.sum_moments import sum_range

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
        while math.comb(n_parties + n_types - 1, n_parties) > 20_000:
            n_parties -= 1
    return Problem(
        n_parties,
        rng.dirichlet(np.full(n_types, 2.0)),
        costs,
        curve,
        valuation,
        beliefs="own" if rng.integers(2) else "paper",
    )


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
