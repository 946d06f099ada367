"""Newton systems with and without the prices of linear constraints."""

import numpy as np
import pytest

from paid_with_models.solver.dense import CondensedSystem, DenseSystem, elastic
from paid_with_models.solver.implications import IN, OUT, UNDECIDED
from paid_with_models.solver.participation import Participation
from tests.problems import outside_problem


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("spread", "error"), [(1.0, 1e-12), (1e4, 1e-8)])
def test_condensed_systems_have_the_same_steps(seed, spread, error):
    """Also near the end, where slacks and prices of what binds are far apart."""
    rng = np.random.default_rng(seed)
    fixed = Participation(outside_problem(rng, 7))
    status = np.array([[IN, OUT, *[UNDECIDED] * 5]])
    members = np.flatnonzero(status[0] != OUT)[None]
    most = np.maximum(1 - fixed.outside, 0.1)[members] / fixed.costs[members]
    program = elastic(fixed.convex(status, members, most), np.full(1, 30.0))
    size = np.hstack([most, np.ones((1, 7))])  # contributions, rewards, the violation
    point = program.point(0.5 * size * rng.uniform(0.5, 1.0, size.shape))
    n = size.shape[1] + point.slack.shape[1]
    primal = np.exp(rng.uniform(-np.log(spread), 0, (1, n)))
    primal[:, : size.shape[1]] *= size
    dual = 0.01 / primal
    full, condensed = (of(program, point, primal, dual) for of in (DenseSystem, CondensedSystem))
    assert condensed.matrix.shape[1] < full.matrix.shape[1] / 2
    raised = rng.uniform(-0.01, 0.01, (1, n))
    one, other = full.direction(raised), condensed.direction(raised)
    unit = np.abs(one).max(axis=2, keepdims=True)
    assert np.abs(full.wrong - condensed.wrong).max() == 0
    assert np.all(np.abs(one - other) <= error * unit)
