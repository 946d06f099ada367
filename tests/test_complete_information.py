from itertools import chain, combinations

import numpy as np
import pytest
from scipy.optimize import brentq, minimize, minimize_scalar

from paid_with_models import (
    Arctan,
    GeneralizationBound,
    LinearValuation,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    autarky,
    solve,
    solve_complete_information,
    solve_complete_information_many,
)
from paid_with_models.checks.linear_programs import relaxed_bound


# Book: prop-complete
@pytest.mark.parametrize("accuracy", [GeneralizationBound(), Arctan(rate=0.01)])
@pytest.mark.parametrize("valuation", [LinearValuation(100.0), PowerValuation(100.0, 2.0)])
def test_totals_are_the_largest_roots(accuracy, valuation):
    """Against a scan of a fine grid from above, one outcome at a time."""
    problem = Problem(4, [0.3, 0.3, 0.4], [1.5, 0.3, 0.05], accuracy, valuation)
    complete = solve_complete_information(problem)
    f, c = autarky(problem).utilities, problem.costs
    for counts, total in zip(complete.counts, complete.totals, strict=True):

        def slack(s, counts=counts):
            return float(counts @ ((problem.model_value(s) - f) / c) - s)

        top = float(counts @ (problem.model_value.optimum / c))
        grid = np.linspace(top, 0, 20_001)[:-1]
        values = counts @ ((problem.model_value(grid)[:, None] - f) / c).T - grid
        solvable = np.flatnonzero(values >= 0)
        if solvable.size == 0:
            assert total == 0
        else:
            low = grid[solvable[0]]
            assert total == pytest.approx(brentq(slack, low, top * 1.001), rel=1e-9)


# Book: def-complete, prop-complete
def test_every_party_present_is_held_to_its_outside_option_and_gets_the_best_model():
    problem = Problem(6, [0.2, 0.3, 0.5], [0.2, 0.1, 0.04], GeneralizationBound())
    complete = solve_complete_information(problem)
    worth = problem.model_value(complete.totals)
    utilities = worth[:, None] - problem.costs * complete.outcome_contributions
    present = complete.counts > 0
    f = np.broadcast_to(autarky(problem).utilities, present.shape)
    assert utilities[present] == pytest.approx(f[present], abs=1e-9)
    assert np.all(np.isnan(complete.outcome_contributions[~present]))
    assert np.all(complete.outcome_contributions[present] >= 0)
    collected = np.nansum(complete.counts * complete.outcome_contributions, axis=1)
    assert collected == pytest.approx(complete.totals, rel=1e-12)


def test_averages_are_those_of_the_outcomes_given_presence():
    problem = Problem(5, [0.25, 0.75], [0.2, 0.1], GeneralizationBound())
    complete = solve_complete_information(problem)
    assert complete.expected_value == pytest.approx(100 * complete.expected_accuracy)
    own = solve_complete_information(
        Problem(5, [0.25, 0.75], [0.2, 0.1], GeneralizationBound(), beliefs="own")
    )
    for i in range(2):  # a party meets an outcome the more often, the more there are like it
        weights = own.probabilities * own.counts[:, i] / (5 * [0.25, 0.75][i])
        mean = np.nansum(weights * np.nan_to_num(own.outcome_contributions[:, i]))
        assert own.contributions[i] == pytest.approx(mean)
        assert own.rewards[i] == pytest.approx(weights @ (100 * problem.accuracy(own.totals)))
    for i in range(2):
        present = complete.counts[:, i] >= 1
        weights = complete.probabilities[present] / complete.probabilities[present].sum()
        mean = weights @ complete.outcome_contributions[present, i]
        assert complete.contributions[i] == pytest.approx(mean)
        assert complete.rewards[i] - problem.costs[i] * mean == pytest.approx(complete.utilities[i])


def test_one_party_alone_is_in_autarky():
    problem = Problem(1, [0.5, 0.5], [0.2, 3.0], GeneralizationBound())
    complete, alone = solve_complete_information(problem), autarky(problem)
    assert complete.contributions == pytest.approx(alone.contributions)
    assert complete.totals[complete.counts[:, 1] == 1] == 0


def test_nothing_is_trained_where_no_total_pays():
    complete = solve_complete_information(Problem(2, [1.0], [5.0], GeneralizationBound()))
    assert complete.expected_accuracy == 0
    assert complete.contributions.tolist() == [0.0]


def test_for_equal_costs_a_closed_form_condition_holds():
    """All alike: S = N (v(a(S)) - f)/c, checked by maximizing what can be collected."""
    problem = Problem(8, [1.0], [0.3], GeneralizationBound())
    total = solve_complete_information(problem).totals[0]
    f = autarky(problem).utilities[0]
    best = minimize_scalar(
        lambda s: (8 * (problem.model_value(s) - f) / 0.3 - s) ** 2,
        bounds=(500, 3000),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert total == pytest.approx(best.x, rel=1e-6)


def test_many_at_once_are_the_same_as_one_by_one():
    problems = [
        Problem(n, [p, 1 - p], [0.02, 0.01], GeneralizationBound(), beliefs=beliefs)
        for n in (1, 4)
        for p in (0.3, 0.6)
        for beliefs in ("paper", "own")
    ]
    problems += [
        Problem(3, [0.5, 0.5], [0.02, 0.01], GeneralizationBound(), reservation_utilities=f)
        for f in ([97.0, 98.0], [97.5, 98.0])
    ]
    for problem, together in zip(problems, solve_complete_information_many(problems), strict=True):
        alone = solve_complete_information(problem)
        assert together.expected_accuracy == pytest.approx(alone.expected_accuracy, rel=1e-14)
        assert together.contributions == pytest.approx(alone.contributions, rel=1e-14)
        assert together.rewards == pytest.approx(alone.rewards, rel=1e-14)


# Book: obs-not-a-bound
def test_the_benchmark_does_not_bound_the_menu():
    """A menu may beat it, for it asks individual rationality only on average."""
    problem = Problem(3, [0.9097, 0.0903], [0.7539, 0.0419], GeneralizationBound())
    assert solve_complete_information(problem).expected_accuracy == pytest.approx(0.181, abs=5e-4)
    assert solve(problem).expected_accuracy > 0.505


# Book: prop-relaxation
def test_the_relaxation_bounds_what_the_benchmark_does_not():
    problem = Problem(3, [0.9097, 0.0903], [0.7539, 0.0419], GeneralizationBound())
    assert solve_complete_information(problem).expected_accuracy < 0.2
    assert 0.505 < solve(problem).expected_accuracy <= relaxed_bound(problem) + 1e-6


# Book: prop-relaxation
@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("seed", range(6))
def test_the_relaxation_bounds_menus_and_complete_information(seed, beliefs):
    rng = np.random.default_rng([13, seed])
    n_types = int(rng.integers(1, 4))
    valuation = [LinearValuation(100.0), PowerValuation(100.0, 2.0)][seed % 2]
    problem = Problem(
        int(rng.integers(1, 7)), rng.dirichlet(np.full(n_types, 2.0)),
        np.exp(rng.uniform(np.log(0.02), 0, n_types)), GeneralizationBound(), valuation, beliefs,
    )  # fmt: skip
    bound = relaxed_bound(problem)
    assert solve(problem).expected_accuracy <= bound + 1e-6
    assert solve_complete_information(problem).expected_accuracy <= bound + 1e-6
    # Fewer rounds are a bound as well, only weaker.
    assert relaxed_bound(problem, rounds=1) >= bound - 1e-6


# Book: prop-relaxation
def test_the_relaxation_is_tight_for_one_party():
    """Alone, a type gets what it trains; on the concave part nothing is lost by the envelope."""
    problem = Problem(1, [0.4, 0.6], [0.2, 0.1], GeneralizationBound())
    reached = solve(problem).expected_accuracy
    assert relaxed_bound(problem) == pytest.approx(reached, abs=2e-4)


@pytest.mark.parametrize(
    "problem",
    [
        # Concave from the start: no tangent point sets the scale of data.
        Problem(34, [0.985, 0.015], [0.478, 0.478], PowerLaw(0.9, 3.0, 0.7, 20.0),
                PowerValuation(80.0, 1.5)),
        # Chances of outcomes down to 1e-12, with which the linear solver has its trouble.
        Problem(4, [0.9596103, 0.03717362, 0.00198414, 0.00123194],
                [1.00014055, 1.00014055, 1.0, 1.00014055], GeneralizationBound(), beliefs="own"),
        # Data below 0 by the solver's tolerance.
        Problem(2, [3.2257024e-05, 0.32257024, 0.32257024, 0.32257024, 0.032257023],
                [8.0] * 5, Saturating((0.5, 0.4), (0.1, 0.003)), PowerValuation(80.0, 1.5)),
    ],
)  # fmt: skip
def test_the_relaxation_where_the_linear_program_is_hard(problem):
    bound = relaxed_bound(problem)
    assert bound <= problem.accuracy.optimum
    assert solve(problem).expected_accuracy <= bound + 1e-6


def test_the_relaxation_is_for_autarky():
    problem = Problem(
        3, [0.4, 0.6], [0.2, 0.1], GeneralizationBound(), reservation_utilities=[50.0, 60.0]
    )
    message = r"^reservation_utilities must be those of autarky; got \[50.0, 60.0\]$"
    with pytest.raises(ValueError, match=message):
        relaxed_bound(problem)


def test_an_average_near_the_optimum_does_not_pass_it():
    """Nearly all outcomes reach the optimum to rounding, and so must their average."""
    accuracy = Saturating((0.5, 0.4), (0.1, 0.003))
    for n_parties in range(2, 40):
        problem = Problem(n_parties, [0.25, 0.75], [1e-3, 1e-3], accuracy)
        complete = solve_complete_information(problem)
        assert complete.expected_accuracy <= accuracy.optimum
        assert complete.expected_value <= problem.model_value.optimum


def best_by_trying_every_set(problem, counts):
    """Largest total of an outcome over all sets of types that may be let in, on a fine grid."""
    f, c = problem.outside_options, problem.costs
    types = np.flatnonzero(counts)
    sets = chain.from_iterable(combinations(types, k) for k in range(1, len(types) + 1))
    best, grid = 0.0, np.linspace(0, counts @ (problem.model_value.optimum / c), 20_001)[1:]
    for chosen in map(list, sets):
        n = counts[chosen]
        gains = (problem.model_value(grid)[:, None] - f[chosen]) / c[chosen]
        # All of the set gain by the model; one party on its own is free to contribute less.
        total = gains @ n - grid
        fits = (total >= -1e-9 * grid) & (gains >= 0).all(axis=1)
        if n.sum() == 1:
            net = problem.model_value(grid) - c[chosen[0]] * grid
            at = net.argmax()
            best = max(best, grid[at] if net[at] >= f[chosen[0]] - 1e-6 else 0.0)
        elif fits.any():
            best = max(best, grid[fits][-1])
    return best


@pytest.mark.parametrize(
    "above", [[0.0, 0.0, 0.0], [20.0, 0.0, 0.0], [0.0, 30.0, 8.0], [60.0, 0.0, 5.0], [99.0] * 3]
)
def test_with_better_outside_options_the_best_set_of_types_takes_part(above):
    """By how much outside options are above autarky decides who is worth its price."""
    accuracy, costs = GeneralizationBound(), [0.2, 0.15, 0.05]
    alone = autarky(Problem(3, [0.2, 0.3, 0.5], costs, accuracy))
    f = np.minimum(alone.utilities + above, 99.5)
    problem = Problem(3, [0.2, 0.3, 0.5], costs, accuracy, reservation_utilities=f)
    complete = solve_complete_information(problem)
    for counts, total in zip(complete.counts, complete.totals, strict=True):
        grid = counts @ (100 / problem.costs) / 20_000
        assert total == pytest.approx(best_by_trying_every_set(problem, counts), abs=2 * grid)
    # Whoever takes part is held to its outside option, whoever does not gives nothing.
    worth = problem.model_value(complete.totals)[:, None]
    given = np.nan_to_num(complete.outcome_contributions)
    inside = (complete.counts > 0) & (given > 0)
    left = worth - problem.costs * given - f
    assert left[inside] == pytest.approx(0, abs=1e-9)
    assert np.all(worth[~inside.any(axis=1)] < f.max() + 1e-9)
    several = complete.counts.sum(axis=1) > 1
    collected = (complete.counts * given).sum(axis=1)
    assert collected[several] == pytest.approx(complete.totals[several], rel=1e-9, abs=1e-9)


def test_outside_options_stated_as_autarky_change_nothing():
    for n_parties in (1, 3):
        plain = Problem(n_parties, [0.2, 0.3, 0.5], [3.0, 0.15, 0.05], GeneralizationBound())
        stated = Problem(
            n_parties, [0.2, 0.3, 0.5], [3.0, 0.15, 0.05], GeneralizationBound(),
            reservation_utilities=autarky(plain).utilities,
        )  # fmt: skip
        one, other = solve_complete_information(plain), solve_complete_information(stated)
        assert other.totals == pytest.approx(one.totals, rel=1e-12)
        assert other.outcome_contributions == pytest.approx(
            one.outcome_contributions, rel=1e-9, abs=1e-9, nan_ok=True
        )
        assert other.rewards == pytest.approx(one.rewards, rel=1e-12)


# Book: prop-relaxation
@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("valuation", [LinearValuation(100.0), PowerValuation(100.0, 2.0)])
def test_the_relaxation_is_what_its_definition_says(valuation, beliefs):
    """Against a general solver on the envelopes themselves, two parties of two types."""
    problem = Problem(2, [0.3, 0.7], [0.3, 0.1], GeneralizationBound(), valuation, beliefs)
    counts = np.array([[2, 0], [1, 1], [0, 2]])
    chances = np.array([0.09, 0.42, 0.49])
    if beliefs == "own":  # whom the one other party is
        seen = np.array([[0.3, 0.0], [0.7, 0.3], [0.0, 0.7]])
    else:
        seen = np.array([[0.09, 0.0], [0.42, 0.42], [0.0, 0.49]])
        seen /= seen.sum(axis=0)
    accuracy, value = problem.accuracy.envelope(), problem.model_value.envelope()
    f, c = autarky(problem).utilities, problem.costs

    def given(x):
        return np.array([[x[0], 0.0], [x[1], x[2]], [0.0, x[3]]])

    def totals(x):
        return (counts * given(x)).sum(axis=1)

    def gains(x):
        worth = value(totals(x))[:, None] - c * given(x)
        return ((seen * worth).sum(axis=0) - f) / 100

    found = max(
        (
            minimize(
                lambda x: -float(chances @ accuracy(totals(1e3 * x))),
                start,
                bounds=[(0, 20)] * 4,
                method="SLSQP",
                constraints={"type": "ineq", "fun": lambda x: gains(1e3 * x)},
                options={"ftol": 1e-12, "maxiter": 500},
            )
            for start in (np.full(4, 0.3), np.full(4, 0.6))
        ),
        key=lambda result: -result.fun,
    )
    assert gains(1e3 * found.x).min() > -1e-8
    assert relaxed_bound(problem) == pytest.approx(-found.fun, abs=2e-6)
