"""Menus of one option, where who takes part is a choice."""

import numpy as np
import pytest

from paid_with_models import GeneralizationBound, Problem, autarky, menu_residuals, solve
from paid_with_models.solver.one_option import single_options
from paid_with_models.solver.participation import Participation
from tests.problems import Grid, left_out, outside_problem, scale_problem


def with_better_outside(n_types, n_parties, seed, share=0.5):
    """All types have something better outside: up to half the way to 90 % of the best model."""
    plain = scale_problem(n_types, n_parties, seed)
    alone = autarky(plain).utilities
    better = np.random.default_rng([7, seed]).uniform(0, share, n_types)
    return Problem(
        n_parties, plain.probabilities, plain.costs, GeneralizationBound(),
        reservation_utilities=alone + better * np.maximum(90 - alone, 0.0),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_types_sort_themselves(seed):
    """Those proposed want the option at the least reward that all of them want, others do not."""
    problem = outside_problem(np.random.default_rng([9, seed]), 5)
    fixed = Participation(problem)
    for types, asked in single_options(fixed):
        wanted = fixed.outside + fixed.costs * asked
        others = np.setdiff1d(np.arange(5), types)
        assert np.all(wanted[others] > wanted[types].max())


def test_one_option_is_as_good_as_by_brute_force():
    """The best of the menus with one option for any set of types, on a fine grid."""
    met = 0
    for seed in range(12):
        problem = outside_problem(np.random.default_rng([11, seed]), 3)
        fixed, order = Participation(problem), problem.costliest_first
        asked = np.geomspace(1, 3000, 400)
        best, proposed = -1.0, 0.0
        for types in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]:
            accuracy, _, fits = Grid(problem, types).reached(np.outer(asked, np.ones(len(types))))
            best = max([best, *accuracy[fits]])
        for types, m in single_options(fixed):
            grid = Grid(problem, order[types])
            accuracy, _, fits = grid.reached(np.full((1, types.size), m))
            if fits[0]:
                proposed = float(accuracy[0])
                break
        assert proposed >= best - 0.02  # proposals are 7 % apart
        met += best > 0
    assert met >= 5


@pytest.mark.parametrize(("n_types", "n_parties"), [(30, 10), (40, 100)])
def test_many_types_with_outside_options_have_a_menu_and_a_bound(n_types, n_parties):
    """Which searches from all types do not find: most are best left out."""
    problem = with_better_outside(n_types, n_parties, 0)
    contract = solve(problem, max_nodes=2)
    assert contract.expected_accuracy > 0.6
    assert contract.gap < 0.2
    out = left_out(contract)
    residuals = menu_residuals(problem, contract.contributions, contract.rewards, left_out=out)
    assert residuals.largest <= 1e-9


def test_twelve_types_with_outside_options_are_solved():
    contract = solve(with_better_outside(12, 10, 1))
    assert contract.gap <= 1e-8
    assert 0 < contract.participates.sum() < 12
