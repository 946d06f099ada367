r"""The nearest class mean with noisy labels: why its data lose more than its averages do.

The rule answers with the class whose mean :math:`\bar x_k` is closest: the largest of
:math:`(x - \bar x) \cdot e_k - \tfrac12 |e_k|^2`, where :math:`e_k` is what the mean differs from
that of all samples, :math:`\bar x`. Label noise shrinks :math:`e_k` by
:math:`s = 1 - \eta K / (K - 1)` in expectation, so that the first term shrinks by s and the second,
the threshold, by :math:`s^2`. Classes far from the middle are answered too often then, and more
data do not mend it. Dividing the threshold by s does.
"""

from __future__ import annotations

import numpy as np

from ..accuracy import FloatArray, IntArray
from ..arguments import whole
from .learners import DataSplit
from .quality import quality_factor

__all__ = ["class_mean_accuracies", "nearest_class_mean"]


def nearest_class_mean(
    points: FloatArray, labels: IntArray, test: FloatArray, shrinkage: float = 1.0
) -> IntArray:
    """Answers of the nearest class mean.

    Parameters
    ----------
    points : (S, d) ndarray
        Training inputs.
    labels : (S,) ndarray of int
    test : (T, d) ndarray
        Inputs to answer for.
    shrinkage : float in (0, 1]
        What label noise has shrunk differences of means by; thresholds are corrected for it.

    Returns
    -------
    (T,) ndarray of int
        Labels.

    Raises
    ------
    ValueError
        If ``shrinkage`` is not in (0, 1].

    Examples
    --------
    >>> points, labels = np.array([[0.0], [1.0], [4.0]]), np.array([0, 0, 1])
    >>> nearest_class_mean(points, labels, np.array([[2.0], [2.5]])).tolist()
    [0, 1]
    """
    if not 0 < shrinkage <= 1:
        raise ValueError(f"shrinkage must be in (0, 1]; got {shrinkage!r}")
    present, middle = np.unique(labels), points.mean(axis=0)
    apart = np.array([points[labels == k].mean(axis=0) - middle for k in present])
    thresholds = 0.5 * np.sum(apart**2, axis=1) / shrinkage
    answers: IntArray = present[np.argmax((test - middle) @ apart.T - thresholds, axis=1)]
    return answers


def class_mean_accuracies(
    split: DataSplit, size: int, noise: float, *, repeats: int = 30, seed: int = 0
) -> tuple[float, float]:
    """Mean accuracies on test points: thresholds as they come out, and corrected for the noise.

    Parameters
    ----------
    split : DataSplit
        A pool to draw training sets from, and test points.
    size : int >= 1
        Samples of a training set.
    noise : float in [0, (K - 1) / K)
        Probability of a wrong label, each of the K classes as likely.
    repeats : int >= 1
        Training sets.
    seed : int

    Returns
    -------
    plain, corrected : float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from paid_with_models.beyond.learners import DataSplit
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(600) % 3
    >>> points = np.array([[0.0], [1.0], [4.0]])[labels] + 0.3 * rng.normal(size=(600, 1))
    >>> split = DataSplit(points[:300], labels[:300], points[300:], labels[300:])
    >>> plain, corrected = class_mean_accuracies(split, 200, 0.3)
    >>> round(plain, 2), round(corrected, 2)
    (0.85, 0.96)
    """
    pool, right = split.pool_labels, split.test_labels
    if not whole("size", size, least=1) <= len(pool):
        raise ValueError(f"size must be at most the pool's, {len(pool)}; got {size!r}")
    classes = np.unique(pool)
    shrinkage = float(np.sqrt(quality_factor(noise, classes.size)))
    rng = np.random.default_rng(seed)
    found = np.zeros((whole("repeats", repeats, least=1), 2))
    for row in found:
        chosen = rng.permutation(len(pool))[:size]
        true = np.searchsorted(classes, pool[chosen])
        other = (true + rng.integers(1, classes.size, size=size)) % classes.size
        labels = classes[np.where(rng.random(size) < noise, other, true)]
        for k, corrected_by in enumerate((1.0, shrinkage)):
            answers = nearest_class_mean(split.pool[chosen], labels, split.test, corrected_by)
            row[k] = np.mean(answers == right)
    plain, corrected = found.mean(axis=0).tolist()
    return plain, corrected
