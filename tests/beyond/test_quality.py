"""Quality of data: closed forms, simulations, and what was measured."""

import numpy as np
import pytest
from scipy.optimize import linprog

from paid_with_models import (
    ExponentialValuation,
    GeneralizationBound,
    Problem,
    Saturating,
    autarky,
    solve,
)
from paid_with_models.attendance import enumerate_outcomes, outcome_probabilities
from paid_with_models.beyond.class_means import class_mean_accuracies, nearest_class_mean
from paid_with_models.beyond.learners import DataSplit
from paid_with_models.beyond.quality import (
    checked_problem,
    discriminant_accuracy,
    equivalent_data,
    measured_factors,
    quality_factor,
    unnoticed,
)
from paid_with_models.beyond.turnout import draw_parties


def test_the_factor_of_two_classes_and_of_random_labels():
    for noise in (0.0, 0.1, 0.35, 0.5):
        assert quality_factor(noise) == pytest.approx((1 - 2 * noise) ** 2)
    for n_classes in (2, 3, 10):
        assert quality_factor(1 - 1 / n_classes, n_classes) == pytest.approx(0)
        assert quality_factor(0.0, n_classes) == 1


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_the_discriminant_against_simulation(noise):
    """Trains the rule on drawn data; its accuracy on a direction is a normal probability."""
    from scipy.stats import norm

    rng, n, delta, d, repeats = np.random.default_rng(2), 40, 0.8, 12, 20_000
    labels = rng.choice([-1.0, 1.0], (repeats, n))
    given = np.where(rng.random((repeats, n)) < noise, -labels, labels)
    # Sums over samples, one coordinate after the other.
    first = (given * (delta * labels + rng.normal(size=(repeats, n)))).mean(axis=1)
    others = [(given * rng.normal(size=(repeats, n))).mean(axis=1) for _ in range(d - 1)]
    cosine = first / np.sqrt(first**2 + np.sum(np.square(others), axis=0))
    right = norm.cdf(delta * cosine)
    error = right.std() / np.sqrt(repeats)
    exact = discriminant_accuracy(n, delta, d, noise)
    assert abs(right.mean() - exact) < 4 * error
    assert error < 2e-3


# Book: prop-label-noise
def test_where_labels_are_averaged_the_factor_is_what_noise_costs():
    """Noisy samples are worth q clean ones; less a term that vanishes with the distance."""
    sizes = np.unique(np.geomspace(20, 3000, 40).astype(int))
    for distance, allowed in ((0.5, 0.06), (0.25, 0.02)):
        clean = [discriminant_accuracy(int(n), distance, 50) for n in sizes]
        for noise in (0.1, 0.2, 0.3):
            noisy = discriminant_accuracy(1000, distance, 50, noise)
            q = float(equivalent_data(sizes, clean, noisy)) / 1000
            assert q == pytest.approx(quality_factor(noise), rel=allowed)


# Book: prop-checked-quality
def test_a_checked_problem_is_a_problem_with_the_costs_of_effective_data():
    """Utilities of every menu are those of the raw problem with contributions divided by q."""
    problem = Problem(6, [0.3, 0.3, 0.4], [0.3, 0.2, 0.1], GeneralizationBound())
    q = np.array([1.0, 0.8, 0.5])
    checked = checked_problem(problem, q)
    contract = solve(checked)
    raw = contract.contributions / q
    np.testing.assert_allclose(
        contract.utilities, contract.rewards - problem.costs * raw, atol=1e-9
    )
    # Alone, a party of quality q trains on q times what it has: found on a grid.
    for i in range(3):
        data = np.linspace(0, 2000, 400_001)
        alone = problem.model_value(q[i] * data) - problem.costs[i] * data
        assert autarky(checked).utilities[i] == pytest.approx(max(alone.max(), 0), abs=1e-4)


def least_rewards(problem, q, raw):
    """Least mean rewards for two types that hand in ``raw`` samples, as a linear program.

    Everything is in raw data: alone a party trains on q times what it has, and whoever takes the
    other's option must reach the same effective data with data of its own quality.
    """
    c, grid = problem.costs, np.linspace(0, 600, 20_001)
    alone = [max(0.0, np.max(problem.model_value(q[i] * grid) - c[i] * grid)) for i in range(2)]
    cost = c[:, None] * (q * raw) / q[:, None]  # of type i, in the row, with option j
    rows = [[-1, 0], [0, -1], [-1, 1], [1, -1]]
    least = [
        -alone[0] - cost[0, 0], -alone[1] - cost[1, 1],
        cost[0, 1] - cost[0, 0], cost[1, 0] - cost[1, 1],
    ]  # fmt: skip
    return linprog([1, 1], A_ub=rows, b_ub=least, bounds=(0, None))


# Book: prop-checked-quality
def test_no_menu_in_raw_data_beats_the_checked_problem_and_one_reaches_it():
    """All menus on a grid of raw contributions, for two types and three parties."""
    curve, q = Saturating((0.9,), (0.008,)), np.array([0.9, 0.5])
    problem = Problem(3, [0.4, 0.6], [0.6, 0.15], curve)
    contract = solve(checked_problem(problem, q))
    best_raw = contract.contributions / q
    counts = enumerate_outcomes(3, 2)
    chance = outcome_probabilities(counts, problem.probabilities)
    present = chance[:, None] * (counts > 0)

    def value(raw):
        """Expected accuracy, or nothing if no rewards are feasible."""
        found = least_rewards(problem, q, raw)
        caps = (100 * curve(counts @ (q * raw))) @ present / present.sum(axis=0)
        within = found.status == 0 and np.all(found.x <= caps + 1e-3)
        return chance @ curve(counts @ (q * raw)) if within else 0.0

    assert value(best_raw) == pytest.approx(contract.expected_accuracy, abs=1e-9)
    steps = np.linspace(0, 1.5, 16)
    found = [value(best_raw * [a, b]) for a in steps for b in steps]
    assert sum(v > 0 for v in found) > 20
    assert max(found) < contract.expected_accuracy + 1e-4
    # The same menu is not the best one if the quality of type 2 is higher than was thought.
    better = solve(checked_problem(problem, [0.9, 0.8]))
    assert better.expected_accuracy > contract.expected_accuracy + 0.01


def test_measured_factors_are_those_of_a_learner_that_has_one():
    """Exact accuracies of the difference of class means; repeats around them do no harm."""
    rng = np.random.default_rng(7)
    sizes = np.geomspace(100, 1200, 14).astype(int)
    jitter = rng.normal(scale=1e-3, size=(2, 400))

    def repeats(size, noise, errors):
        return discriminant_accuracy(int(size), 0.25, 50, noise) + errors

    clean = {int(n): repeats(n, 0.0, jitter[0]) for n in sizes}
    noisy = {n: repeats(n, 0.2, jitter[1]) for n in (400, 1600)}
    found = measured_factors(clean, noisy)
    assert found.factors == pytest.approx(quality_factor(0.2), rel=0.05)
    # By the delta method: repeats of clean and noisy sets are drawn together.
    spread = np.std(jitter[1] - jitter[0], ddof=1) / np.sqrt(400)
    for k, n in enumerate((400, 1600)):
        at = found.factors[k] * n
        ends = [discriminant_accuracy(round(at * side), 0.25, 50) for side in (0.9, 1.1)]
        slope = (ends[1] - ends[0]) / (0.2 * at)
        assert found.errors[k] == pytest.approx(spread / slope / n, rel=0.3)


def test_where_there_is_no_factor_there_is_a_bound():
    clean = {10: [0.5, 0.5], 100: [0.7, 0.7], 1000: [0.8, 0.8]}
    found = measured_factors(clean, {100: [0.3, 0.4], 500: [0.9, 0.9], 1000: [0.7, 0.7]})
    np.testing.assert_array_equal(np.isnan(found.factors), [True, True, False])
    np.testing.assert_array_equal(np.isnan(found.errors), [True, True, False])
    assert found.bounds[:2].tolist() == [0.1, 2.0]
    assert found.factors[2] == pytest.approx(0.1)
    assert found.errors[2] == pytest.approx(0, abs=1e-12)
    for few in ({10: [0.5], 100: [0.7]}, {10: [0.5, 0.6], 100: [0.7]}):
        with pytest.raises(ValueError, match="as many repeats, two or more"):
            measured_factors(few, {100: [0.6]})


def test_unnoticed_noise_against_the_closed_form_of_one_exponential():
    curve, rate = Saturating((0.9,), (0.01,)), 0.01
    contract = solve(Problem(5, [0.3, 0.3, 0.4], [0.3, 0.2, 0.05], curve))
    m, p = contract.contributions, contract.problem.probabilities
    q, shares = np.array([1.0, 0.6, 0.3]), np.array([0.5, 0.25, 1.0])
    found = unnoticed(contract, q, shares)

    def left(chances):
        """What one party leaves of 1 - a(S) / 0.9, on average."""
        return chances @ ((1 - shares) * np.exp(-rate * m) + shares * np.exp(-rate * q * m))

    assert found.expected_accuracy == pytest.approx(0.9 * (1 - left(p) ** 5), abs=1e-12)
    for i in range(3):
        others = np.where(np.arange(3) == i, 0.0, p)
        without = 0.9 * ((1 - p[i]) ** 5 - left(others) ** 5)
        present = (found.expected_accuracy - without) / (1 - (1 - p[i]) ** 5)
        assert found.caps[i] == pytest.approx(100 * present, abs=1e-10)
    np.testing.assert_allclose(
        found.shortfalls, np.maximum(contract.rewards - found.caps, 0), atol=1e-12
    )
    assert found.shortfalls[2] > 0.1


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_without_noise_the_menu_keeps_its_promise(beliefs):
    problem = Problem(5, [0.3, 0.3, 0.4], [0.3, 0.2, 0.1], GeneralizationBound(), beliefs=beliefs)
    contract = solve(problem)
    for clean in (unnoticed(contract, [1.0, 1.0, 1.0]), unnoticed(contract, [0.1, 0.1, 0.1], 0.0)):
        assert clean.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-12)
        np.testing.assert_allclose(clean.shortfalls, 0, atol=1e-9)


def test_the_data_that_reach_an_accuracy_invert_the_curve():
    curve = GeneralizationBound()
    sizes = np.geomspace(10, 1e4, 200)
    wanted = np.array([150.0, 400.0, 3000.0])
    found = equivalent_data(sizes, curve(sizes), curve(wanted))
    np.testing.assert_allclose(found, wanted, rtol=1e-3)
    dented = curve(sizes).copy()
    dented[50] = 0.0  # a noisy measurement does not make the curve fall
    assert np.isfinite(equivalent_data(sizes, dented, curve(wanted))).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: quality_factor(0.6), r"noise must lie in \[0, 0.5\]; got 0.6"),
        (lambda: quality_factor(0.1, 1), "n_classes must be from 2 to 2\\^53; got 1"),
        (lambda: equivalent_data([1.0], [0.5], 0.5), "sizes must increase"),
        (lambda: equivalent_data([2.0, 1.0], [0.5, 0.6], 0.5), "sizes must increase"),
        (lambda: discriminant_accuracy(0, 1.0, 5), "size must be from 1, dimension from 2"),
        (lambda: discriminant_accuracy(5, 1.0, 1), "dimension from 2, to 2\\^53; got 5 and 1"),
        (lambda: discriminant_accuracy(5, 1.0, 5, 0.7), "noise must lie in"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bad_qualities_and_shares_are_named():
    problem = Problem(3, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    for wrong in ([1.0], [0.0, 1.0], [1.2, 1.0]):
        with pytest.raises(ValueError, match=r"qualities must be in \(0, 1\], one per type, 2"):
            checked_problem(problem, wrong)
    for shares in (1.5, [0.1, 0.2, 0.3]):
        with pytest.raises(
            ValueError, match=r"shares must lie in \[0, 1\], one for all types or 2"
        ):
            unnoticed(solve(problem), [1.0, 0.5], shares)


def test_a_checked_problem_is_otherwise_the_same():
    problem = Problem(
        7, [0.4, 0.6], [0.2, 0.1], GeneralizationBound(), ExponentialValuation(50.0, 2.0),
        beliefs="own", reservation_utilities=[30.0, 35.0],
    )  # fmt: skip
    checked = checked_problem(problem, [0.9, 0.8])
    assert checked.n_parties == 7
    assert checked.probabilities.tolist() == [0.4, 0.6]
    assert checked.accuracy == problem.accuracy
    assert checked.valuation == problem.valuation
    assert checked.beliefs == "own"
    assert checked.reservation_utilities.tolist() == [30.0, 35.0]


def test_equivalent_data_at_the_ends_and_on_level_ground():
    """Two points are enough; of equal accuracies the first size counts."""
    assert equivalent_data([0.5, 2.0], [0.2, 0.6], [0.2, 0.4, 0.6]) == pytest.approx([0.5, 1, 2])
    sizes, flat = [10, 100, 1000, 10_000], [0.5, 0.7, 0.7, 0.9]
    assert equivalent_data(sizes, flat, [0.5, 0.7]) == pytest.approx([10, 100])
    for wrong in ([0.0, 1.0], [2.0, 2.0], [3.0, 2.0]):
        with pytest.raises(ValueError, match=r"^sizes must increase from above 0"):
            equivalent_data(wrong, [0.2, 0.6], [0.4])
    with pytest.raises(ValueError, match=r"^sizes must increase .*; got \[1.0\]$"):
        equivalent_data([1.0], [0.2], [0.2])


def test_the_seed_of_standard_errors_may_be_stated_and_is_0_otherwise():
    rng = np.random.default_rng(1)
    clean = {n: rng.normal(a, 0.01, 5) for n, a in ((100, 0.7), (1000, 0.8), (10_000, 0.9))}
    noisy = {1000: rng.normal(0.75, 0.01, 5)}
    usual, again, other = (
        measured_factors(clean, noisy, **words).errors.tolist()
        for words in ({}, {"seed": 0, "draws": 200}, {"seed": 1})
    )
    assert usual == again != other


def test_thresholds_that_shrink_twice_are_what_noise_costs_class_means():
    rng = np.random.default_rng(5)
    centers = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0]])
    labels = rng.integers(0, 3, size=6000)
    points = centers[labels] + 0.4 * rng.normal(size=(6000, 2))
    split = DataSplit(points[:4000], labels[:4000], points[4000:], labels[4000:])
    clean, same = class_mean_accuracies(split, 3000, 0.0)
    assert clean == same
    for noise in (0.2, 0.4):
        plain, corrected = class_mean_accuracies(split, 3000, noise)
        assert plain < clean - 0.01
        assert corrected > plain + 0.5 * (clean - plain)
    # Means that are shrunk toward the middle answer, corrected, as before; else not.
    shrunk, own = centers.mean(axis=0) + 0.5 * (centers - centers.mean(axis=0)), np.arange(3)
    answers = nearest_class_mean(centers, own, split.test)
    assert nearest_class_mean(shrunk, own, split.test, 0.5).tolist() == answers.tolist()
    assert np.mean(nearest_class_mean(shrunk, own, split.test) == answers) < 0.95


def test_the_nearest_class_mean_is_nearest():
    rng = np.random.default_rng(6)
    points, labels = rng.normal(size=(40, 3)), rng.integers(0, 4, size=40) + 5
    test = rng.normal(size=(30, 3))
    means = np.array([points[labels == k].mean(axis=0) for k in range(5, 9)])
    nearest = 5 + np.argmin(((test[:, None] - means) ** 2).sum(axis=2), axis=1)
    assert nearest_class_mean(points, labels, test).tolist() == nearest.tolist()
    with pytest.raises(ValueError, match="shrinkage must be in"):
        nearest_class_mean(points, labels, test, 0.0)
    split = DataSplit(points, labels, test, nearest)
    with pytest.raises(ValueError, match="size must be at most the pool's, 40; got 41"):
        class_mean_accuracies(split, 41, 0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: discriminant_accuracy(5.5, 1.0, 2), "size must be an integer; got 5.5"),
        (lambda: discriminant_accuracy(5, 1.0, 2.5), "dimension must be an integer"),
        (lambda: discriminant_accuracy(5, np.inf, 2), "distance must be > 0, and at most 1e"),
        (lambda: discriminant_accuracy(5, "1", 2), "distance must be a number"),
        (lambda: quality_factor(0.1, 2.5), "n_classes must be an integer"),
        (lambda: quality_factor("0"), "noise must be a number"),
        (lambda: unnoticed(None, [1.0]), "contract must be a Contract"),
        (lambda: draw_parties(None, 3, np.random.default_rng(1)), "problem must be a Problem"),
        (lambda: draw_parties(TWO, 3, 0), "rng must be a random generator"),
        (lambda: draw_parties(TWO, -1, np.random.default_rng(1)), "draws must be an integer >= 1"),
    ],
)
def test_arguments_of_another_kind_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


TWO = Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clean": [1]}, "clean must be a mapping of sizes to accuracies"),
        ({"noisy": None}, "noisy must be a mapping of sizes to accuracies"),
        ({"clean": {10: [5.0, 6.0], 20: [0.6, 0.7]}}, "clean must hold accuracies in"),
        ({"clean": {10: [0.5, 0.6], 20: [0.6]}}, "clean must hold as many repeats"),
        ({"noisy": {0: [0.4, 0.5]}}, "noisy must have sizes > 0 that increase"),
        ({"noisy": {"a": [0.4, 0.5]}}, "noisy must be"),
        ({"draws": 1}, "draws must be an integer >= 2; got 1"),
        ({"draws": 2**70}, "draws must be at most 1,000,000"),
        ({"seed": None}, "seed must be an integer; got None"),
        ({"seed": [1]}, "seed must be an integer"),
    ],
)
def test_what_no_factors_can_be_measured_of_is_refused(change, message):
    given = {"clean": {10: [0.5, 0.6], 20: [0.6, 0.7]}, "noisy": {10: [0.4, 0.5]}} | change
    with pytest.raises(ValueError, match=message):
        measured_factors(**given)
