"""Neighboring types drawn together."""

import numpy as np

from paid_with_models import menu_residuals, solve
from paid_with_models.solver.batches import plan
from paid_with_models.solver.groups import averaged, expanded, grouped, groups
from paid_with_models.solver.interior_point import maximize
from paid_with_models.solver.menus import Incumbents, priced, satisfies
from paid_with_models.solver.routes import first_moments
from tests.problems import scale_problem


def test_groups_are_neighbors_and_about_equally_likely():
    p = np.random.default_rng(0).dirichlet(np.full(3000, 2.0))
    group = groups(p)
    assert np.all(np.diff(group) >= 0)
    assert np.all(np.diff(group) <= 1)
    assert np.ptp(np.bincount(group, p)) < 4 * p.max()


def test_a_likely_type_is_a_group():
    group = groups(np.append(np.full(100, 0.001), 0.9))
    assert group[-1] == group.max()
    assert group.tolist() == sorted(group.tolist())
    assert np.array_equal(np.unique(group), np.arange(group.max() + 1))


def test_there_and_back():
    """What groups reach is a menu of all types, if not quite as good."""
    (batch,) = plan([scale_problem(300, 50, 0, 0.3)], "sum")
    models = first_moments(batch)
    exact, found = models.exact, maximize(models.envelope)
    alone = priced(exact, models.autarky, found)
    best = Incumbents(alone, alone.point.moments.accuracy)
    group = groups(exact.expectation.probabilities[0])
    few = grouped(exact, group)
    assert few.costs.shape[1] == group.max() + 1 <= 40
    start = averaged(few, exact, group, best)
    solved = maximize(few)
    known = start.improved(few, solved)
    whole = expanded(exact, group, known, best, alone.point.contributions)
    assert satisfies(exact, whole.menus.point).all()
    assert whole.reached[0] > best.reached[0]
    assert whole.reached[0] > found.point.moments.accuracy[0] - 0.02


def test_costly_data_and_many_types():
    """Where only few options train a model at all."""
    problem = scale_problem(300, 10, 0, 3.0)
    contract = solve(problem)
    assert contract.expected_accuracy > 0.3
    assert contract.gap < 0.1
    assert menu_residuals(problem, contract.contributions, contract.rewards).largest <= 1e-9
