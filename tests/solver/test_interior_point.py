"""The optimality conditions, their linearisation, and steps that stay inside."""

from dataclasses import replace

import numpy as np
import pytest

from paid_with_models import LinearValuation, ModelValue
from paid_with_models.solver.interior_point import Path, finished, maximize, step_lengths
from paid_with_models.solver.optimality import kkt_residual
from tests.problems import first_moments


@pytest.fixture
def tied():
    """Two problems with a tie, whose data are twice as dear in the second."""
    return first_moments([[0.3, 0.3, 0.1], [0.6, 0.6, 0.2]], [[1.0, 1.0, 2.0], [3.0, 3.0, 4.0]])


def state(problem, seed=0):
    """A point with positive increments, slacks and prices."""
    rng = np.random.default_rng(seed)
    contributions = rng.uniform(0.2, 1.0, problem.costs.shape) / problem.costs
    x, _ = problem.start(np.maximum.accumulate(contributions, axis=1))
    point = problem.point(np.where(problem.chain.live, x, 0.0))
    n_rows, n_caps = point.rows.shape[1], point.caps.shape[1]
    positive = [rng.uniform(0.1, 1.0, (len(x), n)) for n in (n_rows, n_caps, n_rows, n_caps)]
    z = rng.uniform(0.1, 1.0, x.shape) / np.where(problem.chain.live, x, 1.0)
    q, r, mu, lam = positive
    return point, (point.increments, q, r), (np.where(problem.chain.live, z, 0.0), mu, lam)


@pytest.mark.parametrize("seed", range(5))
def test_the_residual_is_the_largest_violation_of_its_definition(tied, seed):
    """Term by term, with gradients of the Lagrangian by finite differences."""
    rng = np.random.default_rng(seed)
    point, _, (_, mu, lam) = state(tied, seed)
    mu, lam = (w * 10.0 ** rng.uniform(-6, 1, (2, 1)) for w in (mu, lam))
    residual = kkt_residual(tied, point, mu, lam)
    unit = tied.row_unit
    for k in range(2):
        x = point.increments[k]
        size = np.minimum(tied.box[k], point.contributions[k].max())
        size[0] = 1.0  # of utility, in values of the best model
        violations = [-point.caps[k].min(), (-point.rows[k] / unit[k]).max()]
        violations += list(lam[k] * point.caps[k])
        violations += list(mu[k] * np.minimum(point.rows[k], unit[k]))

        def lagrangian(x, k=k):
            at = tied.point(np.tile(x, (2, 1)))
            return at.moments.accuracy[k] + mu[k] @ at.rows[k] + lam[k] @ at.caps[k]

        for j in np.flatnonzero(tied.chain.live):
            step = 1e-5 * size[j] * np.eye(x.size)[j]
            slope = (lagrangian(x + step) - lagrangian(x - step)) / (2e-5 * size[j])
            violations.append(slope * size[j])  # more would be better
            violations.append(-slope * min(x[j], size[j]))  # less would be better
        assert residual[k] == pytest.approx(max(violations), rel=1e-5)


def test_the_residual_is_nothing_at_an_optimum_and_each_condition_counts(tied):
    best = maximize(tied)
    assert best.residual.max() < 1e-12
    prices = best.row_prices, best.cap_prices
    unit = tied.row_unit
    for violation in (1e-3, 1e-6):
        rows = np.where(np.arange(unit.shape[1]) == 1, -violation * unit, best.point.rows)
        wrong = replace(best.point, slack=np.hstack([rows, best.point.caps]))
        assert kkt_residual(tied, wrong, *prices) == pytest.approx(violation, rel=1e-6)
        wrong = replace(best.point, slack=np.hstack([best.point.rows, best.point.caps - violation]))
        assert np.all(kkt_residual(tied, wrong, *prices) >= violation * (1 - 1e-6))
    raised = np.where(np.arange(3) == 2, 1.1, 1.0) * best.cap_prices
    assert np.all(kkt_residual(tied, best.point, best.row_prices, raised) > 1e-3)


def test_a_menu_of_nothing_is_measured_by_what_could_be_made(tied):
    """Where nobody contributes, there is no largest contribution to measure gradients in."""
    nothing = tied.point(np.zeros((2, 6)))
    no_rows, no_caps = np.zeros_like(nothing.rows), np.zeros_like(nothing.caps)
    curve = tied.accuracy.envelope()
    steep = replace(tied, accuracy=curve, value=ModelValue(curve, LinearValuation(100.0)))
    nothing = steep.point(np.zeros((2, 6)))
    gradient = steep.gradient(nothing, no_rows, no_caps)
    residual = kkt_residual(steep, nothing, no_rows, no_caps)
    assert residual == pytest.approx((gradient * steep.box)[:, 1:].max(axis=1))


@pytest.mark.parametrize("seed", range(5))
def test_a_step_solves_the_linearised_conditions(tied, seed):
    point, primal, dual = state(tied, seed)
    (x, q, r), (z, mu, lam) = primal, dual
    rng = np.random.default_rng([1, seed])
    to_x, to_q, to_r = (rng.uniform(-0.1, 0.1, v.shape) for v in primal)
    system = tied.linearized(point, np.hstack(primal), np.hstack(dual))
    steps = system.direction(np.hstack([to_x, to_q, to_r]))
    (dx, dq, dr), (dz, d_mu, d_lam) = (
        np.split(step, [x.shape[1], x.shape[1] + q.shape[1]], axis=1) for step in steps
    )
    live = tied.chain.live
    jacobian = tied.dense.jacobian(point)
    stationarity = tied.gradient(point, mu, lam) + z
    stationarity += np.einsum("bij,bj->bi", tied.dense.hessian(point, lam), dx) + dz
    stationarity += np.einsum("bkj,bk->bj", jacobian, np.hstack([d_mu, d_lam]))
    size = tied.box
    assert (stationarity * size)[:, live] == pytest.approx(0, abs=1e-9)
    slack = np.einsum("bkj,bj->bk", jacobian, dx) + np.hstack([point.rows, point.caps])
    moved = np.hstack([q + dq, r + dr])
    assert moved == pytest.approx(slack, rel=1e-9, abs=1e-9 * np.abs(slack).max())
    assert (z * dx + x * dz)[:, live] == pytest.approx(to_x[:, live], abs=1e-10)
    assert mu * dq + q * d_mu == pytest.approx(to_q, abs=1e-9)
    assert lam * dr + r * d_lam == pytest.approx(to_r, abs=1e-9)
    assert not dx[:, ~live].any()


def test_a_problem_gone_astray_does_not_stop_the_others(tied):
    point, primal, dual = state(tied)
    primal, dual, n = np.hstack(primal), np.hstack(dual), primal[0].shape[1]
    target = np.full(primal.shape, -0.1)
    expected = tied.linearized(point, primal, dual).direction(target)
    astray = primal.copy()
    astray[0, :n] = np.nan
    with np.errstate(invalid="ignore"):
        there = tied.point(astray[:, :n])
        found = tied.linearized(there, astray, dual).direction(target)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours[1] == pytest.approx(theirs[1], rel=1e-9, abs=1e-12)


def test_paths_start_inside_with_equal_products(tied):
    """Slacks and prices are positive, and each product of the two is the same."""
    path = Path.of(tied, *tied.start(0.5 * tied.reach))
    live = tied.chain.live
    used = np.append(live, np.full(path.primal.shape[1] - live.size, True))
    assert np.all(path.primal[:, used] > 0)
    assert (path.primal * path.dual)[:, used] == pytest.approx(0.05)
    assert not path.dual[:, ~used].any()
    second = path.take(np.array([1]))
    assert second.primal.tolist() == path.primal[1:].tolist()
    assert second.dual.tolist() == path.dual[1:].tolist()


def test_steps_stop_short_of_the_first_bound():
    values = np.array([[1.0, 2.0, 1.0], [1.0, 2.0, 1.0], [0.0, 1.0, 1.0]])
    moves = np.array([[-2.0, -1.0, 1.0], [-0.5, 3.0, -0.9], [0.0, -4.0, 0.0]])
    assert step_lengths(values, moves, 1.0).ravel() == pytest.approx([0.5, 1.0, 0.25])
    assert step_lengths(values, moves, 0.8).ravel() == pytest.approx([0.4, 0.8 / 0.9, 0.2])


@pytest.mark.parametrize("scale", [1.0, 1e-4, 30.0])
def test_a_menu_is_given_the_prices_under_which_it_is_optimal(tied, scale):
    """Without prices, or with ones that are as many times too large."""
    best = maximize(tied).take(tied.take(np.array([0])), np.array([0]))
    problem = tied.take(np.array([0]))
    for factor in (0.0, scale):
        rows, caps = factor * best.row_prices, factor * best.cap_prices
        residual = kkt_residual(problem, best.point, rows, caps)
        found = finished(
            problem, replace(best, row_prices=rows, cap_prices=caps, residual=residual)
        )
        assert found.residual[0] < 1e-12
        # Those of types of equal cost, who take the same option, are not unique.
        assert found.cap_prices[0, 2] == pytest.approx(best.cap_prices[0, 2], rel=1e-6)
        assert found.point.contributions == pytest.approx(best.point.contributions, rel=1e-9)


def test_what_is_reached_by_the_deadline_is_assessed(tied):
    late = maximize(tied, deadline=-np.inf)
    assert np.all(late.residual > maximize(tied).residual)
    assert np.all(np.isfinite(late.residual))
