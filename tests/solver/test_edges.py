"""Problems at the solver's edges: what was once refused, stopped by an exception, or mislabeled."""

import itertools
import time
import warnings

import numpy as np
import pytest

from endurance.edges import KINDS, attempt
from paid_with_models import (
    Arctan,
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    PoissonParties,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    Shape,
    Status,
    UnlikeParties,
    autarky,
    solve,
    solve_complete_information,
    solve_many,
)
from paid_with_models.attendance import Outcomes, enumerate_outcomes, outcome_probabilities
from paid_with_models.solver.fits import fit_both, sum_range
from paid_with_models.solver.least_squares import non_negative
from paid_with_models.solver.mixtures import as_mixture
from paid_with_models.solver.moments import Enumeration
from paid_with_models.solver.sum_moments import SumExpectation
from paid_with_models.solver.sums import error_over_tolerance, fit_exponential_sum
from paid_with_models.solver.trivial import too_costly

BOUND = GeneralizationBound()
SIX = np.linspace(2000.0, 1500.0, 6)


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# Valuations in turn.
@pytest.mark.parametrize(
    ("exponent", "start", "valuation"),
    [
        (exponent, start, (LinearValuation(), ExponentialValuation(50.0, 2.0))[(i + j) % 2])
        for i, exponent in enumerate((0.1, 0.3, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0))
        for j, start in enumerate((0.0, 1.0, 20.0))
    ],
)
def test_every_power_law_is_a_sum_however_long_the_range(exponent, start, valuation):
    """Least squares go round in circles on long ranges; then the mixture is known."""
    scale = 0.95 * start**exponent * (1 - 1e-9) if start else 0.95
    curve = ModelValue(PowerLaw(0.95, scale, exponent, start), valuation)
    for high in (1e3, 1e6, 1e9, 1e15):
        fit = fit_exponential_sum(curve, curve.smooth_from, high)
        assert error_over_tolerance(fit) <= 1
        data = np.geomspace(max(curve.smooth_from, 1e-3), high, 4_001)[1:]
        assert np.abs(fit(data) - curve(data)).max() <= fit.error + 1e-15 * fit.limit
        slope = curve.derivative(data)
        wrong = np.abs(fit.derivative(data) - slope)
        assert np.all(wrong <= (fit.slope_error + 1e-14) * (slope + fit.slope_floor))


def test_a_power_laws_mixture_is_right_relative_to_what_is_missing():
    curve = PowerLaw(0.9, 0.9, 1.5, 1.0)
    mixture = as_mixture(curve, 1e9)
    data = np.geomspace(1e-3, 1e7, 200)
    missing = np.exp(-np.outer(data, mixture.rates)) @ mixture.weights
    assert missing == pytest.approx(0.9 * (data + 1) ** -1.5, rel=1e-8)
    assert np.all(mixture.weights > 0)


@pytest.mark.parametrize("aversion", [0.5, 2.0, 20.0])
@pytest.mark.parametrize(
    "curve",
    [
        Saturating((0.9,), (0.01,)),
        Saturating((0.5, 0.4), (0.1, 0.003)),
        Saturating((0.3, 0.2, 0.2), (0.1, 0.003, 1e-4)),
        Saturating((0.2,) * 4, (10.0, 1.0, 0.1, 1e-3)),
    ],
)
def test_exponential_valuations_of_saturating_curves_are_sums(curve, aversion):
    """Whose slopes vanish, to rounding, long before the range ends."""
    value = ModelValue(curve, ExponentialValuation(100.0, aversion))
    for high in (10.0, 1e5, 1e12):
        fit = fit_exponential_sum(value, 0.0, high)
        assert error_over_tolerance(fit) <= 1
        data = np.append(0.0, np.geomspace(1e-3, high, 4_001))
        assert np.abs(fit(data) - value(data)).max() <= fit.error + 1e-13
        assert fit.rates.size <= 400


def test_least_squares_without_an_end_find_nothing():
    assert non_negative(np.array([[np.inf]]), np.ones(1)).tolist() == [0.0]


@pytest.mark.parametrize("answer", [np.nan, -1.0, 1e9, RuntimeError("too many iterations")])
def test_least_squares_go_another_way_where_the_first_fails(monkeypatch, answer):
    """That of SciPy may walk in circles, and has had versions that return nonsense."""

    def broken(rows, side, maxiter):
        if isinstance(answer, Exception):
            raise answer
        return np.full(rows.shape[1], answer), 0.0

    rng = np.random.default_rng(7)
    rows = rng.uniform(0, 1, (30, 6))
    wanted = np.array([2.0, 0, 1, 0, 0, 0.5])
    right = non_negative(rows, rows @ wanted)
    assert right == pytest.approx(wanted, abs=1e-9)
    monkeypatch.setattr("scipy.optimize.nnls", broken)
    assert non_negative(rows, rows @ wanted) == pytest.approx(wanted, abs=1e-3)
    fit = fit_exponential_sum(PowerLaw(1.0, 1.0, 0.5, 1.0), 0.0, 1e3)
    data = np.geomspace(1e-3, 1e3, 1_001)
    assert np.abs(fit(data) - PowerLaw(1.0, 1.0, 0.5, 1.0)(data)).max() <= fit.error + 1e-13


@pytest.mark.parametrize(
    "problem",
    [
        Problem(n, [0.2] * 5, [1.0, 0.5, 0.2, 0.1, 0.05], PowerLaw(0.95, 0.95 * 10**b, b, 10.0))
        for n, b in ((10**5, 1.5), (1000, 2.0), (1000, 3.0))
    ]
    + [
        Problem(1000, [0.2] * 5, [0.5, 0.4, 0.3, 0.2, 0.1], Saturating((0.9,), (0.01,)), valuation)
        for valuation in (ExponentialValuation(100.0, 2.0), ExponentialValuation(100.0, 0.1))
    ]
    + [
        Problem(
            costs=[0.2, 0.1],
            accuracy=Saturating((0.9,), (0.01,)),
            valuation=ExponentialValuation(100.0, 2.0),
            attendance=UnlikeParties([5000, 3000], [[0.5, 0.5], [0.1, 0.9]]),
        )
    ],
    ids=repr,
)
def test_problems_that_were_refused_or_ended_in_an_exception(problem):
    contract = solve(problem)
    assert contract.status is Status.OPTIMAL
    assert contract.contributions.max() > 0


def test_a_route_that_least_squares_cannot_take_with_outside_options():
    contract = solve(
        Problem(
            2, [0.78, 0.22], [1.09, 1e5], PowerLaw(0.89, 148.0, 1.79), LinearValuation(1e6),
            reservation_utilities=[888279.0, 1244380.0],
        )
    )  # fmt: skip
    assert contract.status is Status.OPTIMAL


@pytest.mark.parametrize(
    "problem",
    [
        Problem(100, [1 / 6] * 6, SIX, BOUND),
        Problem(100, [1 / 6] * 6, SIX, BOUND, beliefs="own"),
        Problem(100, [1 / 6] * 6, SIX, Arctan(rate=1e-6)),
        Problem(100, [1 / 6] * 6, SIX, PowerLaw(0.9, 0.9 * 1e6**0.5, 0.5, 1e6)),
        Problem(10**7, [0.5, 0.5], [1e9, 2e9], PowerLaw(0.9, 0.9, 0.5)),
        Problem(100, [1 / 6] * 6, SIX, BOUND, reservation_utilities=[0, 0, 0, 0, 10, 20]),
        Problem(costs=SIX, accuracy=BOUND, attendance=UnlikeParties([50, 50], [[1 / 6] * 6] * 2)),
        Problem(costs=SIX, accuracy=BOUND, attendance=PoissonParties(90.0, [1 / 6] * 6)),
    ],
    ids=repr,
)
def test_data_too_costly_for_anybody_are_no_collaboration(problem):
    """However many outcomes there are; no party gains what a unit of data costs it."""
    assert too_costly(problem)
    contract = solve(problem)
    assert contract.shape is Shape.NO_COLLABORATION
    assert contract.status is Status.OPTIMAL
    assert contract.expected_accuracy == contract.upper_bound == 0
    assert contract.utilities.tolist() == problem.outside_options.tolist()


def test_what_is_not_too_costly_is_solved():
    """At twice the steepest slope two parties of a type are just indifferent, for two units."""
    curve = PowerLaw(1.0, 1.0, 1.0)
    for n, factor, costly in ((2, 1 - 1e-9, False), (2, 1.0, False), (2, 1 + 1e-9, True)):
        problem = Problem(n, [0.5, 0.5], [25.0 * n * factor] * 2, curve)
        assert too_costly(problem) is costly
        if factor == 1:
            assert solve_complete_information(problem).totals == pytest.approx([2.0] * 3, rel=1e-6)
            assert solve(problem).upper_bound >= 0.5
    assert not too_costly(Problem(1, [1.0], [1e9], curve))


@pytest.mark.parametrize("exceeds", [0.0, 1e-15, 1e-13])
def test_an_outside_option_that_is_autarky_but_for_rounding_is_autarky(exceeds):
    """For one party, for a party alone in an outcome, and for laws with known types."""
    alone = autarky(Problem(1, [1.0], [0.2], BOUND)).utilities[0] * (1 + exceeds)
    one = solve(Problem(1, [1.0], [0.2], BOUND, reservation_utilities=[alone]))
    assert one.expected_accuracy == pytest.approx(0.363822, abs=1e-6)
    two = Problem(1, [0.5, 0.5], [0.2, 0.2], BOUND, reservation_utilities=[alone, alone])
    assert solve_complete_information(two).expected_accuracy == pytest.approx(0.363822, abs=1e-6)


def test_with_one_party_feasibility_is_all_that_is_left_of_optimality():
    problem = Problem(1, [0.5, 0.5], [0.2, 0.1], BOUND)
    alone = autarky(problem).utilities
    better = Problem(
        1, [0.5, 0.5], [0.2, 0.1], BOUND, reservation_utilities=alone + np.array([5.0, 0.0])
    )
    for one in (problem, better):
        contract = solve(one)
        assert contract.kkt_residual <= 1e-15
        assert contract.multipliers.caps.tolist() == [0.0, 0.0]


def test_types_of_equal_cost_that_share_an_option_are_a_bunch_in_any_order():
    c, found = 0.0274503, set()
    shares = {"rare": 0.0768, "one": 0.2052, "other": 0.2052}
    for names in itertools.permutations(shares):
        p = [0.5128, *(shares[name] for name in names)]
        contract = solve(Problem(3, p, [0.29513, c, c, c], BOUND))
        assert contract.shape is Shape.PARTLY_POOLING
        (bunch,) = contract.bunches
        found.add(tuple(sorted(names[i - 1] for i in bunch)))
    assert found == {("one", "other")}


def test_a_type_that_is_left_out_has_an_option_of_its_own():
    curve = Saturating((0.9,), (0.01,))
    contract = solve(Problem(10, [0.5, 0.5], [1.0, 0.1], curve, reservation_utilities=[85.0, 60.0]))
    assert contract.participates.tolist() == [False, True]
    assert contract.shape is Shape.SEPARATING
    three = Problem(
        10, [0.4, 0.1, 0.5], [1.0, 1.0, 0.1], curve, reservation_utilities=[85.0, 85.0, 60.0]
    )
    assert solve(three).bunches == ()
    assert solve(three).shape is Shape.SEPARATING
    two_in = Problem(
        10, [0.4, 0.3, 0.3], [1.0, 0.1, 0.1], curve, reservation_utilities=[85.0, 60.0, 60.0]
    )
    contract = solve(two_in)
    assert contract.participates.tolist() == [False, True, True]
    assert (contract.bunches, contract.shape) == (((1, 2),), Shape.PARTLY_POOLING)


def test_sums_never_overstate_expected_accuracy():
    """By cancellation between weights of 1e5, in which nobody contributes, they once did."""
    problem = Problem(
        7,
        [0.3494026122458366, 1.4670166059439047e-05, 0.650582717588104],
        [0.0018242620323762101, 0.005720294200291469, 0.010717586991572704],
        GeneralizationBound(0.9387838308829488, 0.02771022701826535),
        ExponentialValuation(100.0, 0.25385192213978064),
        reservation_utilities=[90.38629238762886, 75.04407380341921, 90.71896849051953],
    )
    contract = solve(problem, expectations="sum")
    counts = enumerate_outcomes(7, 3)
    chances = outcome_probabilities(counts, problem.probabilities)
    exact = chances @ problem.accuracy(counts @ contract.contributions)
    assert -1e-11 < contract.expected_accuracy - exact <= 0
    assert contract.upper_bound >= exact


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_moments_of_sums_with_idle_types_are_those_of_outcomes(beliefs):
    """Whatever the chances of the types that contribute nothing, also of very rare ones."""
    rng = np.random.default_rng(1)
    value = ModelValue(BOUND, LinearValuation(100.0))
    for _ in range(40):
        n = int(rng.integers(2, 9))
        p = rng.dirichlet(np.full(3, 0.3)) + 10.0 ** rng.uniform(-9, -3)
        p /= p.sum()
        m = np.where(rng.random(3) < 0.5, rng.uniform(60, 400, 3), 0.0)
        exact = Enumeration.of(n, p[None], beliefs).moments(BOUND, value, m[None])
        sums = SumExpectation(np.array([float(n)]), p[None], beliefs, BOUND.zero_until, 16.0**4)
        ours, wrong = sums.moments(BOUND, value, m[None]), sums.uncertainty(BOUND, value, m[None])
        assert np.all(np.abs(ours.accuracy - exact.accuracy) <= wrong.overstated + 3e-14)
        assert ours.values == pytest.approx(exact.values, abs=1e-11)


def test_labels_do_not_depend_on_company_order_or_route():
    """Problems solved alone and together, with types in another order, and by both routes."""
    rng = np.random.default_rng(5)
    problems = []
    for _ in range(12):
        n_types = int(rng.integers(2, 5))
        costs = np.exp(rng.uniform(np.log(0.02), np.log(0.4), n_types))
        if rng.random() < 0.5:
            costs[1] = costs[0] * (1 + rng.choice([0.0, 1e-9]))
        p = rng.dirichlet(np.full(n_types, 2.0))
        problems.append(Problem(int(rng.integers(20, 60)), p, costs, BOUND))
    together = solve_many(problems)
    for problem, contract in zip(problems, together, strict=True):
        order = rng.permutation(problem.n_types)
        permuted = Problem(
            problem.n_parties, problem.probabilities[order], problem.costs[order], BOUND
        )
        others = [solve(problem, expectations=route) for route in ("enumeration", "sum")]
        other = solve(permuted)
        back = sorted(tuple(sorted(int(order[i]) for i in some)) for some in other.bunches)
        for found, bunches in ((o, o.bunches) for o in others):
            assert (found.shape, bunches) == (contract.shape, contract.bunches)
        assert (other.shape, tuple(back)) == (contract.shape, contract.bunches)


SIGNED = [
    ModelValue(Arctan(), LinearValuation()),
    ModelValue(Arctan(), PowerValuation(100.0, 2.0)),
    ModelValue(BOUND, PowerValuation(100.0, 1.5)),
    ModelValue(BOUND, PowerValuation(100.0, 2.0)),
    ModelValue(BOUND, PowerValuation(100.0, 3.0)),
    ModelValue(Saturating((0.9,), (0.01,)), PowerValuation(100.0, 1.5)),
    ModelValue(PowerLaw(0.9, 0.9 * 10**0.5, 0.5, 10.0), PowerValuation(100.0, 2.0)),
]


@pytest.mark.parametrize("value", SIGNED, ids=repr)
def test_sums_of_both_signs_are_below_their_curves_by_no_more_than_they_say(value):
    assert sum_range(value.accuracy, value, 1e5) is None
    low, high = sum_range(value.accuracy, value, 1e5, signed=True)
    fits = fit_both(value.accuracy, value, low, high)
    for curve, fit in zip((value.accuracy, value), fits, strict=True):
        low = fit.low
        assert error_over_tolerance(fit) <= 1
        data = np.geomspace(max(low, 1e-6), high, 30_001)[1:]
        short = curve(data) - fit(data)
        assert np.all((short >= -4e-15 * fit.limit) | (fit.overshoot == 0))
        assert np.abs(short).max() <= fit.error + 4e-15 * fit.limit
        wrong = np.abs(fit.derivative(data) - curve.derivative(data))
        assert np.all(wrong <= fit.slope_error * (curve.derivative(data) + fit.slope_floor))
        below = np.linspace(0, low, 1001)
        assert np.all(fit(below) <= curve(below) + fit.overshoot + fit.error)
        assert np.all(fit(below) >= curve(below) - fit.depth - fit.error)


@pytest.mark.parametrize("value", SIGNED, ids=repr)
@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_by_sums_of_both_signs_contracts_are_those_of_all_outcomes(value, beliefs, monkeypatch):
    """And state no more than all outcomes say: neither accuracy nor caps."""
    curve, valuation = value.accuracy, value.valuation
    problem = Problem(60, [0.3, 0.5, 0.2], [0.5, 0.3, 0.1], curve, valuation, beliefs)
    exact = solve(problem, expectations="enumeration")
    monkeypatch.setattr("paid_with_models.solver.fits.ENTRIES_WORTH_ENUMERATING", 0)
    contract = solve(problem, expectations="sum")
    assert contract.expected_accuracy == pytest.approx(exact.expected_accuracy, abs=1e-8)
    assert contract.upper_bound >= exact.expected_accuracy - 1e-12
    assert contract.gap <= 1e-6
    outcomes = problem.outcomes()
    totals = outcomes.totals(contract.contributions)
    assert contract.expected_accuracy <= outcomes.mean(curve(totals)) + 1e-12
    assert np.all(contract.reward_caps <= outcomes.as_seen(value(totals)) + 1e-10)
    assert contract.reward_caps == pytest.approx(outcomes.as_seen(value(totals)), rel=1e-7)


@pytest.mark.parametrize(
    "problem",
    [Problem(10**6, [0.5, 0.5], [0.2, 0.1], Arctan())]
    + [
        Problem(n, [0.2] * 5, [0.5, 0.4, 0.3, 0.2, 0.1], BOUND, PowerValuation(100.0, exponent))
        for n in (100, 200)
        for exponent in (1.5, 2.0, 3.0)
    ]
    + [Problem(200, [0.2] * 5, [0.5, 0.4, 0.3, 0.2, 0.1], Arctan())],
    ids=repr,
)
def test_what_was_refused_or_took_half_a_minute_is_solved_at_once(problem):
    start = time.process_time()
    contract = solve(problem)
    assert time.process_time() - start < 5
    assert contract.gap <= 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_some_problems_of_each_kind_at_the_edges(kind):
    """The first of the ten thousand of ``endurance.edges``."""
    place = list(KINDS).index(kind)
    for k in range(6):
        found = attempt(place + k * len(KINDS))
        assert found["kind"] == kind
        assert found["faults"] == []


def test_outcomes_of_a_law_are_those_of_equal_draws():
    some = Outcomes.of(UnlikeParties([3, 2], [[0.3, 0.7]] * 2), "paper")
    every = Outcomes.drawn(5, [0.3, 0.7], "paper")
    assert some.weights == pytest.approx(every.weights, rel=1e-12)


@pytest.mark.parametrize("curve", [Saturating((0.9,), (1e-3,)), Arctan(0.9, 1e-3)])
def test_contributions_of_rounding_are_none(curve):
    """Data cost more than they can ever be worth: even the first is."""
    contract = solve(Problem(4, [0.5, 0.5], [2.0, 1.0], curve))
    assert contract.shape is Shape.NO_COLLABORATION
    assert not contract.contributions.any()
    assert contract.expected_accuracy == 0.0
    assert contract.gap < 1e-9
