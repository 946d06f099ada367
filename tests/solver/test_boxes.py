"""Branch and bound: envelopes and boxes lose no menu, and what it proves brute force confirms."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from paid_with_models import (
    Curve,
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    Shape,
    Status,
    autarky,
    menu_residuals,
    solve,
    solve_many,
)
from paid_with_models.solver.boxes import Boxes, shrunk
from paid_with_models.solver.chain import Chain
from paid_with_models.solver.closing import closed, default_boxes
from paid_with_models.solver.envelopes import LocalEnvelope, s_shaped
from paid_with_models.solver.interior_point import maximize
from paid_with_models.solver.menus import Incumbents, priced
from paid_with_models.solver.moments import Enumeration
from paid_with_models.solver.program import FirstMoment
from paid_with_models.solver.sum_moments import SumExpectation
from tests.problems import Grid, random_problem


@dataclass(frozen=True)
class Hill(Curve):
    """A smooth S: S^3/(S^3 + h^3)."""

    half: float = 60.0
    optimum = 1.0

    def evaluate(self, data):
        s = np.asarray(data, dtype=float) / self.half
        d = 1 + s**3
        first = 3 * s**2 / d**2 / self.half
        return s**3 / d, first, (6 * s / d**2 - 18 * s**4 / d**3) / self.half**2


@dataclass(frozen=True)
class Stairs(Curve):
    """Increasing, but convex twice."""

    optimum = 1.0

    def evaluate(self, data):
        parts = [Hill(20.0).evaluate(data), Hill(400.0).evaluate(data)]
        return tuple(0.1 * one + 0.9 * two for one, two in zip(*parts, strict=True))


CURVES = [
    GeneralizationBound(),
    GeneralizationBound(optimum=0.8, complexity=5.0),
    PowerLaw(0.9, 2.0, 0.5, 0.3),
    Hill(),
    ModelValue(GeneralizationBound(), PowerValuation(80.0, 2.0)),
    ModelValue(Hill(), ExponentialValuation(50.0, 3.0)),
    ModelValue(Saturating((0.5, 0.4), (0.1, 0.003)), PowerValuation(10.0, 1.5)),
]


@pytest.mark.parametrize("curve", CURVES, ids=repr)
def test_local_envelopes_are_concave_and_above_the_curve(curve):
    rng = np.random.default_rng(0)
    ends = np.exp(rng.uniform(np.log(0.1), np.log(2000), (40, 30, 2)))
    ends[rng.random(ends.shape) < 0.1] = 0.0
    low, high = ends.min(axis=2), ends.max(axis=2)
    local = LocalEnvelope.of(curve, low, high)
    inside = low + (high - low) * np.linspace(0, 1, 101)[:, None, None]
    above = local(inside) - curve(inside)
    size = curve.optimum
    assert above.min() >= -1e-15 * size
    assert above[[0, -1]].max() <= 1e-7 * size  # as good as equal at both ends
    # The smallest concave function: on or below every chord that majorises the curve; here the
    # global envelope is one competitor, and the curve itself where it is concave.
    assert np.all(local(inside) <= curve.envelope()(inside) + 1e-12 * size)
    # Concave on all data, outside the interval too.
    everywhere = np.linspace(0, 2500, 801)
    for row in range(0, 40, 8):
        some = local.take(np.full(everywhere.size, row))
        slopes = some.derivative(np.broadcast_to(everywhere[:, None], (everywhere.size, 30)))
        assert np.all(np.diff(slopes, axis=0) <= 1e-12 * size)
    narrow = LocalEnvelope.of(curve, low, low)
    assert narrow(low) == pytest.approx(curve(low), abs=1e-15 * size)


def test_envelopes_are_exact_where_the_curve_is_flat_or_concave():
    curve = GeneralizationBound()
    low, high = np.array([[0.0, 56.0, 300.0]]), np.array([[55.0, 1e5, 400.0]])
    at = low + (high - low) * np.linspace(0, 1, 50)[:, None]
    assert np.array_equal(LocalEnvelope.of(curve, low, high)(at), curve(at))


def test_curves_that_are_not_s_shaped_are_told_apart():
    assert s_shaped(*CURVES)
    assert not s_shaped(Stairs())
    with pytest.raises(ValueError, match="S-shaped"):
        LocalEnvelope.of(Stairs(), np.array([[0.0]]), np.array([[100.0]]))


def boxes_problem(rng, n_types):
    return random_problem(
        rng,
        types=n_types,
        curves=[GeneralizationBound(), GeneralizationBound(0.9, 0.5), Hill()],
        valuations=[LinearValuation(100.0), PowerValuation(100.0, 1.5)],
        costs=(0.02, 3.0),
    )


def first_moment(problem):
    order = problem.costliest_first
    p, c, f = (a[order] for a in (problem.probabilities, problem.costs, problem.outside_options))
    unit = problem.model_value.optimum
    return FirstMoment(
        Enumeration.of(problem.n_parties, p[None], problem.beliefs),
        problem.accuracy,
        problem.model_value,
        unit,
        c[None] / unit,
        f[None] / unit,
        Chain.of((False,) * c.size),
    )


@pytest.mark.parametrize("seed", range(10))
def test_shrinking_loses_no_menu(seed):
    rng = np.random.default_rng(seed)
    problem = boxes_problem(rng, 3)
    model = first_moment(problem)
    most = (1 - model.reservation_utilities) / model.costs
    menus = np.sort(most * rng.random((20_000, 3)) ** rng.uniform(0.5, 5, (20_000, 1)), axis=1)
    menus = np.minimum(menus, most)
    menus = menus[np.all(np.diff(menus, axis=1) >= 0, axis=1)]
    accuracy, _, fits = Grid(problem).reached(menus)
    menus, accuracy = menus[fits], accuracy[fits]
    for menu, reached in zip(menus[:200], accuracy[:200], strict=True):
        box = Boxes(
            row=np.array([0]),
            lower=(menu * rng.random(3))[None],
            upper=(menu + (most[0] - menu) * rng.random(3))[None],
            bound=np.array([1.0]),
            penalty=np.array([1.0]),
            split=np.array([0]),
            at=np.array([0.0]),
        )
        smaller = shrunk(model, box)
        assert np.all((smaller.lower <= menu) & (menu <= smaller.upper))
        assert smaller.bound[0] >= reached


@pytest.mark.parametrize(("n_types", "cells", "seeds"), [(2, 60, range(40)), (3, 20, range(12))])
def test_no_bound_is_below_what_brute_force_finds(n_types, cells, seeds):
    problems = [boxes_problem(np.random.default_rng([n_types, seed]), n_types) for seed in seeds]
    missed, contracts = [], solve_many(problems)
    for problem, contract in zip(problems, contracts, strict=True):
        found = Grid(problem).best(cells)
        assert found <= contract.upper_bound
        missed.append(contract.expected_accuracy - found)
        assert contract.gap <= 1e-6
        assert (contract.status is Status.OPTIMAL) == (contract.gap <= 1e-8)
        residuals = menu_residuals(problem, contract.contributions, contract.rewards)
        assert residuals.largest <= 1e-9
    # The bounds are no idle ones: the grid comes close.
    assert np.median(missed) <= 2e-3
    assert np.mean([contract.gap <= 1e-8 for contract in contracts]) >= 0.95


@pytest.mark.parametrize(("n_types", "n_parties"), [(1, 3), (4, 6), (5, 5)])
def test_any_number_of_types(n_types, n_parties):
    """Where outcomes are few the search closes gaps with more than three types as well."""
    rng = np.random.default_rng(n_types)
    problems = [
        Problem(n_parties, rng.dirichlet(np.ones(n_types)), costs, GeneralizationBound())
        for costs in np.exp(rng.uniform(np.log(0.1), np.log(3), (8, n_types)))
    ]
    if n_types > 1:
        assert any(contract.gap > 1e-6 for contract in solve_many(problems, max_boxes=0))
    assert all(contract.gap <= 1e-6 for contract in solve_many(problems))


@pytest.mark.parametrize("costs", [[1.0, 1.0], [1.0, 0.4, 0.4], [2.0, 2.0, 0.3]])
def test_equal_costs(costs):
    p = np.full(len(costs), 1 / len(costs))
    near = np.array(costs) * (1 + 1e-7 * np.arange(len(costs))[::-1])
    tie, apart = solve_many([Problem(5, p, c, GeneralizationBound()) for c in (costs, near)])
    assert tie.status is Status.OPTIMAL
    assert tie.expected_accuracy == pytest.approx(apart.expected_accuracy, abs=1e-5)


@pytest.mark.parametrize("n_parties", [2, 3])
def test_no_collaboration_is_proved_best_where_no_other_menu_exists(n_parties):
    """The set of menus is a single point: no interior for an interior-point method."""
    contract = solve(Problem(n_parties, [0.5, 0.5], [1.0, 0.4], GeneralizationBound()))
    assert contract.shape is Shape.NO_COLLABORATION
    assert contract.expected_accuracy == 0
    assert contract.gap <= 1e-11


def test_a_limit_on_boxes_leaves_an_honest_gap():
    problem = Problem(10, [0.5, 0.5], [5.0, 1.0], GeneralizationBound())
    best = solve(problem)
    gaps = []
    for boxes in (0, 1, 2, 4, 8, 16, 64):
        contract = solve(problem, max_boxes=boxes)
        assert contract.expected_accuracy <= best.expected_accuracy + 1e-12
        assert contract.upper_bound >= best.expected_accuracy
        assert (contract.status is Status.OPTIMAL) == (contract.gap <= 1e-8)
        gaps.append(contract.gap)
    assert gaps[0] > 1e-3
    assert gaps[-1] <= 1e-8
    assert np.all(np.diff(gaps) <= 0)
    with pytest.raises(ValueError, match="max_boxes must be an integer >= 0; got -1"):
        solve(problem, max_boxes=-1)


def test_menus_of_the_search_are_stationary_under_their_own_prices():
    """Two and three types, small N: many are found in boxes, whose prices are not the menu's."""
    rng = np.random.default_rng(5)
    problems = []
    for _ in range(60):
        n_types, n_parties = int(rng.integers(2, 4)), int(rng.integers(2, 13))
        costs = np.exp(rng.uniform(np.log(0.02), np.log(3), n_types))
        probabilities = rng.dirichlet(np.ones(n_types))
        problems.append(Problem(n_parties, probabilities, costs, GeneralizationBound()))
    contracts = solve_many(problems)
    assert max(contract.kkt_residual for contract in contracts) < 1e-9
    for contract in contracts:
        residuals = menu_residuals(contract.problem, contract.contributions, contract.rewards)
        assert residuals.largest <= 1e-11
        price = contract.multipliers
        slack = contract.reward_caps - contract.rewards
        assert np.all(price.caps * slack <= 1e-8)


@pytest.mark.parametrize(("p", "costs"), [((0.05, 0.95), (1.0, 0.4)), ((0.5, 0.5), (5.0, 1.0))])
def test_what_is_next_to_nothing_is_nothing(p, costs):
    contract = solve(Problem(10, p, costs, GeneralizationBound()))
    assert contract.contributions[0] == 0
    assert contract.participates.tolist() == [False, True]
    assert contract.status is Status.OPTIMAL


def test_the_search_is_deterministic():
    problems = [boxes_problem(np.random.default_rng([9, seed]), 3) for seed in range(8)]
    first, second = solve_many(problems), solve_many(problems)
    for one, two in zip(first, second, strict=True):
        assert np.array_equal(one.contributions, two.contributions)
        assert one.upper_bound == two.upper_bound


# Three types of which the two cheaper cost nearly the same; which of them is cheaper decides
# between two menus that differ by far more than the costs do.
LOWER_COSTS = [(0.29513, 0.0274503 * (1 + eps), 0.0274503) for eps in (1e-6, -1e-6)]


# Book: rem-beliefs
def test_lower_costs_can_hurt_when_expectations_are_given_that_the_type_is_present():
    dearer, cheaper = solve_many(
        Problem(3, [0.5128, 0.4104, 0.0768], costs, GeneralizationBound()) for costs in LOWER_COSTS
    )
    for contract in (dearer, cheaper):
        assert contract.status is Status.OPTIMAL
        assert contract.gap <= 1e-8
    assert dearer.expected_accuracy == pytest.approx(0.793138, abs=1e-6)
    assert cheaper.upper_bound <= 0.792830
    assert cheaper.upper_bound < dearer.expected_accuracy


# Book: thm-lower-costs
def test_lower_costs_cannot_hurt_under_own_beliefs():
    """Types keep the old options, or choose autarky, and then choose anew among them."""
    dearer, cheaper = solve_many(
        Problem(3, [0.5128, 0.4104, 0.0768], costs, GeneralizationBound(), beliefs="own")
        for costs in LOWER_COSTS
    )
    for contract in (dearer, cheaper):
        assert contract.status is Status.OPTIMAL
        assert contract.gap <= 1e-8
    assert cheaper.upper_bound >= dearer.expected_accuracy
    assert cheaper.expected_accuracy == pytest.approx(dearer.expected_accuracy, abs=1e-5)


# Book: thm-lower-costs
@pytest.mark.parametrize("seed", range(12))
def test_lower_costs_never_hurt_under_own_beliefs(seed):
    rng = np.random.default_rng([6, seed])
    problem = dataclasses.replace(boxes_problem(rng, 2), beliefs="own")
    lower = dataclasses.replace(problem, costs=problem.costs * rng.uniform(0.5, 1, 2))
    before, after = solve_many([problem, lower])
    assert after.upper_bound >= before.expected_accuracy


def test_without_outcomes_or_s_shaped_curves_there_is_no_branch_and_bound():
    """What is known comes back as it was."""
    problem = Problem(6, [0.5, 0.5], [1.0, 0.4], GeneralizationBound())
    counted = first_moment(problem)
    sums = SumExpectation(np.array([6.0]), np.full((1, 2), 0.5), "paper", 57.0, 16.0**4)
    anchor = autarky(problem).contributions[None]
    for model in (
        dataclasses.replace(counted, expectation=sums),
        dataclasses.replace(counted, accuracy=Stairs(), value=Stairs()),
    ):
        menus = priced(model, anchor, maximize(counted))
        best = Incumbents(menus, menus.point.moments.accuracy)
        found = closed(model, best, np.array([0.9]), anchor, anchor, 100)
        assert found.best is best
        assert found.bounds.tolist() == [0.9]
        assert found.boxes.tolist() == [0]
    menus = priced(counted, anchor, maximize(counted))
    best = Incumbents(menus, menus.point.moments.accuracy)
    found = closed(counted, best, np.array([0.9]), anchor, anchor, 100)
    assert found.bounds[0] < 0.9
    assert 0 < found.boxes[0] <= 200


@pytest.mark.parametrize(
    ("n_types", "outcomes", "boxes"),
    [(3, 10, 2_000), (3, 30_000, 166), (4, 10, 100_000), (4, 30_000, 33)],
)
def test_boxes_for_branch_and_bound(n_types, outcomes, boxes):
    assert default_boxes(n_types, outcomes) == boxes
