"""Saturating curves above others, and what they bound."""

import dataclasses

import numpy as np
import pytest

from paid_with_models import (
    Arctan,
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    PowerLaw,
    Problem,
    Saturating,
    solve,
    solve_many,
)
from paid_with_models.solver.batches import plan
from paid_with_models.solver.bounds import dual_bound
from paid_with_models.solver.interior_point import maximize
from paid_with_models.solver.majorants import above, with_curves_above
from paid_with_models.solver.routes import first_moments
from tests.problems import scale_problem, small_problem

CURVES = [
    GeneralizationBound(),
    GeneralizationBound(0.8, 7.0),
    PowerLaw(0.9, 2.0, 0.5, 0.0),
    ModelValue(GeneralizationBound(), LinearValuation(100.0)),
    ModelValue(GeneralizationBound(0.7, 0.2), ExponentialValuation(50.0, 2.0)),
]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: type(curve).__name__)
@pytest.mark.parametrize("reach", [10.0, 1e3, 1e7])
def test_it_is_above_everywhere(curve, reach):
    high = reach * curve.smooth_from
    over = above(curve, high, 1.0)
    rng = np.random.default_rng(0)
    at = np.concatenate([[0.0, high], high * rng.random(20_000), high ** rng.random(20_000)])
    at = at[at <= high]
    assert np.all(over(at) >= curve(at) / curve.optimum)
    assert over.optimum == pytest.approx(1.0, abs=1e-12)
    assert np.all(over(at) - curve.envelope()(at) / curve.optimum < 0.15)


def test_where_there_is_none():
    assert above(Saturating((0.9,), (0.01,)), 1e3, 1.0) is None  # it rises from 0
    assert above(Arctan(), 1e3, 1.0) is None
    assert above(GeneralizationBound(), 10.0, 1.0) is None


def test_no_menu_exceeds_the_bound():
    """Of 200 problems solved by enumeration; many have outcomes where nothing is trained."""
    problems = [
        dataclasses.replace(small_problem(seed), beliefs="own" if seed % 2 else "paper")
        for seed in range(260)
    ]
    problems = [it for it in problems if it.most_data > 100][:200]
    best, above_upper = solve_many(problems, max_boxes=0), []
    for batch in plan(problems, "sum"):
        over = with_curves_above(first_moments(batch).exact)
        found = maximize(over)
        bounds = dual_bound(over, found.point, found.row_prices, found.cap_prices)
        for k, bound in zip(batch.places, bounds, strict=True):
            assert best[k].expected_accuracy <= bound + 1e-12, k
            above_upper.append(bound - best[k].upper_bound)
    assert len(above_upper) == 200
    assert np.median(above_upper) < 0.05


def test_few_parties_and_costly_data_have_a_bound():
    """Outcomes without a model are likely there: sums alone said nothing."""
    costs = np.geomspace(8, 0.3, 20)
    contract = solve(Problem(10, np.full(20, 1 / 20), costs, GeneralizationBound()))
    assert contract.expected_accuracy > 0.37
    assert contract.gap < 0.03


def test_a_thousand_types_and_ten_parties_have_a_menu_and_a_bound():
    contract = solve(scale_problem(1000, 10, 0))
    assert contract.expected_accuracy > 0.766
    assert contract.gap < 2e-3
