"""Branch and bound over classes of outcomes: against the same over all outcomes, one by one."""

import itertools

import numpy as np
import pytest

from paid_with_models import (
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    PowerLaw,
    Problem,
    Status,
    audit,
    solve,
)
from paid_with_models.solver.batches import Batch
from paid_with_models.solver.classes import classed, has_classes
from paid_with_models.solver.interior_point import maximize
from paid_with_models.solver.outcome_classes import Groups, Parties, Said
from paid_with_models.solver.outcomes import COUNTS, LOST, OPEN
from paid_with_models.solver.routes import first_moments
from tests.problems import scale_problem

BLOCK = 40


def costly_problem(seed):
    """Four or five types, a few parties, costs around that at which one alone trains nothing."""
    rng = np.random.default_rng([77, seed])
    n_types, n_parties = int(rng.integers(4, 6)), int(rng.integers(2, 6))
    curve = GeneralizationBound() if seed % 4 else GeneralizationBound(0.9, 0.5)
    valuation = LinearValuation(100.0) if seed % 5 else ExponentialValuation(50.0, 2.0)
    return Problem(
        n_parties,
        rng.dirichlet(np.ones(n_types)),
        np.exp(rng.uniform(np.log(0.02), np.log(1.5), n_types)),
        curve,
        valuation,
        beliefs="own" if seed % 3 == 0 else "paper",
    )


def given(problem):
    """The problem on the curves, who turns up, and about the best menu on the envelopes."""
    models = first_moments(Batch((0,), (problem,), "sum"))
    p = problem.probabilities[problem.costliest_first]
    near = maximize(models.envelope).point.contributions[0]
    return models.exact, Parties(problem.n_parties, p, problem.beliefs), near


@pytest.mark.parametrize("block", range(200 // BLOCK))
def test_finds_what_the_search_over_outcomes_finds_and_bounds_it(block):
    problems = [costly_problem(seed) for seed in range(BLOCK * block, BLOCK * (block + 1))]
    closed = 0
    for problem in problems:
        exact, who, near = given(problem)
        assert has_classes(exact, problem.n_parties)
        best = solve(problem, expectations="enumeration")
        found = classed(exact, who, near, 1.0, 0.0, tolerance=1e-8)
        assert found.bound >= best.expected_accuracy - 1e-13
        assert found.best.reached[0] <= best.upper_bound + 1e-13
        early = classed(exact, who, near, 1.0, 0.0, tolerance=1e-8, max_parts=2)
        assert early.bound >= max(best.expected_accuracy, found.bound - 1e-8) - 1e-13
        closed += found.bound - found.best.reached[0] <= 1e-8
        if found.model is not None:
            m = found.best.menus.point.contributions[0]
            menu = np.empty_like(m)
            menu[problem.costliest_first] = m
            counts, weights = outcomes_of(problem)
            reached = float(weights @ problem.accuracy(counts @ menu))
            assert found.best.reached[0] == pytest.approx(reached, abs=1e-13)
    assert closed >= 0.95 * len(problems)


def outcomes_of(problem):
    """Counts (K, I) and probabilities of all outcomes, types in the problem's order."""
    parties = itertools.product(range(problem.n_types), repeat=problem.n_parties)
    counts = np.array([np.bincount(who, minlength=problem.n_types) for who in parties])
    weights = np.array([np.prod(problem.probabilities**n) for n in counts])
    return counts, weights


@pytest.mark.parametrize("seed", range(20))
def test_says_of_a_class_only_what_is_true_of_all_its_outcomes(seed):
    rng = np.random.default_rng(seed)
    n_types, n_parties, kink = int(rng.integers(3, 7)), int(rng.integers(2, 5)), 50.0
    p = rng.dirichlet(np.ones(n_types))
    cuts = 1 + np.flatnonzero(rng.random(n_types - 1) < 0.5)
    groups = Groups.of(Parties(n_parties, p, "paper"), (0, *cuts.tolist()))
    menu = np.sort(rng.uniform(0, 2 * kink / n_parties, n_types))
    settled = 0
    said = []
    for _ in range(6):
        n = rng.multinomial(n_parties, np.ones(n_types) / n_types)
        said.append(Said(np.cumsum(n[::-1])[::-1], bool(n @ menu >= kink)))
        assert said[-1].holds(menu, kink)
        np.testing.assert_array_equal(said[-1].numbers, n)
    status = groups.status(tuple(said))
    for who in itertools.product(range(n_types), repeat=n_parties):
        n = np.bincount(who, minlength=n_types)
        members = np.bincount(groups.law.bunch, n, minlength=groups.starts.size)
        (k,) = np.flatnonzero((groups.law.counts == members).all(axis=1))
        settled += status[k] != OPEN
        assert status[k] != COUNTS or n @ menu >= kink
        assert status[k] != LOST or n @ menu <= kink
    assert settled or status.size == 1 or not cuts.size or (status == OPEN).all()


def test_what_is_said_of_an_outcome_settles_those_with_more_or_with_less():
    counts = Said(np.array([3, 2, 0]), True)  # one costly party and two of the next
    lost = Said(np.array([3, 2, 0]), False)
    assert [counts.implies(np.array(n)) for n in ([3, 2, 1], [3, 1, 1])] == [True, False]
    assert [lost.implies(np.array(n)) for n in ([3, 1, 0], [3, 1, 1])] == [True, False]
    assert [one.parts_at.tolist() for one in (counts, lost)] == [[1], [1, 2]]


@pytest.mark.parametrize(("n_types", "seed"), [(12, 0), (12, 2), (30, 0), (100, 1)])
def test_few_parties_with_costly_data_are_solved(n_types, seed):
    contract = solve(scale_problem(n_types, 10, seed))
    assert contract.status is Status.OPTIMAL
    found = audit(contract)
    assert found.satisfied
    assert found.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-12)


def test_ends_where_it_is_told_to():
    problem = scale_problem(12, 10, 2)
    (one, none) = (solve(problem, max_boxes=most) for most in (1, 0))
    best = solve(problem)
    assert best.gap <= 1e-8 < one.gap <= none.gap + 1e-12
    assert one.upper_bound >= best.expected_accuracy
    assert one.expected_accuracy <= best.upper_bound


@pytest.mark.parametrize("curve", [PowerLaw(0.9, 2.0, 0.5, 0.0), GeneralizationBound()])
def test_is_for_curves_with_a_kink_and_unequal_costs_only(curve):
    problem = Problem(5, [0.2] * 5, [0.5, 0.4, 0.3, 0.2, 0.1], curve)
    tied = Problem(5, [0.2] * 5, [0.5, 0.4, 0.2, 0.2, 0.1], curve)
    kinked = float(curve(1e-9)) == float(curve(0.0))
    assert has_classes(given(problem)[0], 5) == kinked
    assert not has_classes(given(tied)[0], 5)
    assert not has_classes(given(problem)[0], 1000)
