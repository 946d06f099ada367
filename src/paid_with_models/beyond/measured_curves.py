r"""A measured learning curve, as a curve that contracts can be designed with.

Real measurements are noisy, dip, repeat and have gaps. They are fitted as

.. math:: a(S) = b + \sum_k w_k (1 - e^{-u_k S}), \qquad w \ge 0,\; b + \sum_k w_k \le 1,

by weighted non-negative least squares in w on a geometric grid of rates u: increasing and concave
by construction, whatever was measured, so that a contract designed with it is proved optimal *for
the fitted curve*. Of fits that are as close, that of least w is taken: few points leave the curve
open. How well it describes the data is another matter, which :func:`learning_curve` states: what it
misses, what it is inside and beyond the measured sizes, a band, and whether the measurements are
ill-behaved (Loog and Viering 2022): they dip, fall, or jump.

**Baseline.** A model as good as the baseline b (the majority class, say) is worth nothing. What a
contract trades is what a model adds to it, so that :attr:`LearningCurve.curve` is the gain a - b.

**Band.** Replicates are drawn around the fit (parametric bootstrap, Efron 1979) with the errors
stated or found, and fitted again. Beyond the measured sizes that is not enough: there the band is
widened by what the same fit missed on thousands of real curves that were cut off (split conformal
prediction, see ``beyond.extrapolation``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import scipy  # its parts are imported where they are used

from ..accuracy import FloatArray, IntArray
from ..arguments import ReadOnly, real, reals, whole
from ..curves import Saturating
from ..texts import brief
from .extrapolation import widening
from .findings import Finding, judge
from .least_squares import capped_least_squares
from .points import Points, collect_points

__all__ = ["LearningCurve", "fit_weights", "learning_curve", "rates_for"]

#: SLOWEST, FASTEST: rates of the sum, in 1 / largest size and 1 / smallest size. The fastest has
#: risen to 1 - 1e-13 at the smallest size: what happens before it is not measured.
SLOWEST, FASTEST = 1 / 3, 30.0

#: RATES: how many rates. Neighbors differ by 20 to 40 %; more do not fit better.
RATES = 40

#: RIDGE: weights count as misses do, with this factor. Points leave the weights open, a few points
#: even the curve between them: of all sums that fit as well the one of least weights is taken,
#: whoever computes it. What the fit misses grows by 1e-6 at most.
RIDGE = 3e-5

#: NEGLIGIBLE: a weight below it is rounding.
NEGLIGIBLE = 1e-12

#: REPLICATES, SEED: of the bootstrap. Enough for a 90 % band at a few milliseconds.
REPLICATES, SEED = 100, 1

#: MOST_REPLICATES: more say nothing that these do not.
MOST_REPLICATES = 10_000

#: LEAST_EDGE: gain of an edge of the band that touches the baseline; a curve must rise.
LEAST_EDGE = 1e-6

#: LEFT_OUT: most points that are left out in turn to learn how measurements vary.
LEFT_OUT = 20

#: BEYOND: times the largest size measured up to which edges of the band enclose it by default.
BEYOND = 4.0


@dataclass(frozen=True, eq=False)
class LearningCurve(ReadOnly):
    """A fitted learning curve, what it was fitted to, and what is known of it.

    Attributes
    ----------
    curve : Saturating
        What contracts are designed with: accuracy above the baseline.
    baseline : float
        Accuracy that is worth nothing, in [0, 1).
    sizes, accuracies : (K,) ndarray
        What was measured: different sizes, rising; means over repeats, as they are.
    errors : (K,) ndarray or None
        Standard errors of the means, stated or found from repeats.
    counts : (K,) ndarray of int
        Measurements of each size.
    findings : tuple of Finding
        What to know before a contract is signed, the gravest first.
    rates : (J,) ndarray
    replicates : (B, J) ndarray
        Weights of the fits to redrawn measurements.
    """

    curve: Saturating
    baseline: float
    sizes: FloatArray
    accuracies: FloatArray
    errors: FloatArray | None
    counts: IntArray
    findings: tuple[Finding, ...]
    rates: FloatArray = field(repr=False)
    replicates: FloatArray = field(repr=False)

    def __call__(self, data: npt.ArrayLike) -> FloatArray:
        """Fitted accuracy, baseline included, of a model trained on ``data`` units, same shape."""
        return np.asarray(self.baseline + self.curve(data))

    @property
    def misses(self) -> FloatArray:
        """Fitted minus measured accuracy, (K,); below the baseline measured counts as it."""
        return self(self.sizes) - np.maximum(self.accuracies, self.baseline)

    @property
    def fit_error(self) -> float:
        """Mean of the absolute misses, a share."""
        return float(np.abs(self.misses).mean())

    @property
    def root_mean_square_error(self) -> float:
        """Root of the mean squared miss, a share."""
        return float(np.sqrt(np.mean(self.misses**2)))

    @property
    def largest_miss(self) -> float:
        """Largest absolute miss, a share."""
        return float(np.abs(self.misses).max())

    @property
    def measured_range(self) -> tuple[float, float]:
        """Smallest and largest size measured, but for no data, in units of data."""
        positive = self.sizes[self.sizes > 0]
        return float(positive[0]), float(positive[-1])

    @property
    def warnings(self) -> tuple[str, ...]:
        """Findings that put the curve in doubt, in words."""
        return tuple(finding.text for finding in self.findings if finding.grave)

    def with_findings(self, *more: Finding) -> LearningCurve:
        """The same curve, with more to be known of it; the gravest stay first."""
        found = sorted((*more, *self.findings), key=lambda finding: not finding.grave)
        return replace(self, findings=tuple(found))

    def inside(self, data: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether amounts of data lie within the measured sizes, same shape."""
        amounts = reals("data", data)
        low, high = self.measured_range
        return np.asarray((amounts >= low) & (amounts <= high))

    def band(self, data: npt.ArrayLike, level: float = 0.9) -> tuple[FloatArray, FloatArray]:
        """Lower and upper end of the band of accuracy, each in the shape of ``data``.

        Parameters
        ----------
        data : array_like >= 0
            Units of data.
        level : float
            Share of truths that the band is to hold, in (0, 1).

        Raises
        ------
        ValueError
            If the level is not in (0, 1).

        Examples
        --------
        >>> sizes = [50, 100, 200, 400, 800, 1600]
        >>> fit = learning_curve(sizes, [0.61, 0.70, 0.76, 0.80, 0.825, 0.84])
        >>> low, high = fit.band([400, 6400])
        >>> bool(high[0] - low[0] < high[1] - low[1])  # wider beyond what is measured
        True
        """
        amounts = reals("data", data)
        flat = amounts.reshape(-1)
        low, high = self.bootstrap_band(flat, level)
        warned = bool(self.warnings)
        down, up = widening(flat, self.measured_range, level, warned=warned)
        low = np.clip(low - down, self.baseline, 1.0)
        high = np.clip(high + up, self.baseline, 1.0)
        return low.reshape(amounts.shape), high.reshape(amounts.shape)

    def bootstrap_band(self, data: npt.ArrayLike, level: float) -> tuple[FloatArray, FloatArray]:
        """The band of the replicates alone, as :meth:`band` has it inside the measured sizes."""
        if not 0 < real("level", level) < 1:
            raise ValueError(f"level must lie in (0, 1); got {level!r}")
        amounts = reals("data", data)
        drawn = -np.expm1(-np.multiply.outer(amounts, self.rates)) @ self.replicates.T
        ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=-1)
        fitted = self(amounts)
        low = np.minimum(self.baseline + ends[0], fitted)
        return low, np.maximum(self.baseline + ends[1], fitted)

    def edges(self, level: float = 0.9, beyond: float = BEYOND) -> tuple[Saturating, Saturating]:
        """Curves of the gain below and above the band, for robust contracts.

        Sums of exponentials like the curve itself: the highest one below the band, and the lowest
        one above it, on average over sizes from the smallest measured one to so many times the
        largest. Each is the solution of a linear program. A concave curve that is to stay outside a
        band far beyond the data is far from it at the data: ask for no more than is needed.

        Parameters
        ----------
        level : float
            As for :meth:`band`.
        beyond : float >= 1
            Over the largest size measured, the size up to which the edges enclose the band.

        Returns
        -------
        low, high : Saturating

        Raises
        ------
        ValueError
            If the level is not in (0, 1), or ``beyond`` is below 1 or not finite.

        Examples
        --------
        >>> fit = learning_curve([50, 100, 200, 400, 800], [0.61, 0.70, 0.76, 0.80, 0.825])
        >>> low, high = fit.edges()
        >>> bool(low(400.0) < fit.curve(400.0) < high(400.0))
        True
        """
        smallest, largest = self.measured_range
        if not 1 <= real("beyond", beyond) < np.inf:
            raise ValueError(f"beyond must be >= 1 and finite; got {beyond!r}")
        grid = np.geomspace(smallest, largest * beyond, 2 * RATES)
        low, high = (end - self.baseline for end in self.band(grid, level))
        design = -np.expm1(-np.outer(grid, self.rates))
        ceiling = 1 - self.baseline
        below = _enclosing(design, low, ceiling, 1)
        above = _enclosing(design, high, ceiling, -1)
        return _saturating(below, self.rates), _saturating(above, self.rates)


def learning_curve(
    sizes: npt.ArrayLike,
    accuracies: npt.ArrayLike,
    errors: npt.ArrayLike | None = None,
    *,
    baseline: float | None = None,
    percent: bool = False,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> LearningCurve:
    """Fit a measured learning curve.

    Parameters
    ----------
    sizes : (L,) array_like
        Training-set sizes in any order; repeats are averaged; 0, no data, is the baseline.
    accuracies : (L,) array_like
        Accuracies in [0, 1]; they may dip. NaN for a gap.
    errors : (L,) array_like >= 0, optional
        Standard errors, by which points are weighted; found from repeats where there are some.
    baseline : float, optional
        Accuracy that is worth nothing, a share in [0, 1), with ``percent`` too: that of the
        majority class, or 0.5 for two classes or an area under the ROC curve. That of no data if
        measured, else 0.
    percent : bool
        Whether accuracies and errors are in percent.
    replicates : int
        Of the bootstrap, from 2 to 10,000.
    seed : int >= 0
        Of the bootstrap.

    Returns
    -------
    LearningCurve
        ``fit.curve`` is what a :class:`~paid_with_models.Problem` takes; ``fit.warnings`` say what
        puts it in doubt.

    Raises
    ------
    ValueError
        If this is not a learning curve: not numbers, fewer than three sizes, out of range, percent
        that is not said, accuracies that fall all along, or nothing above the baseline.

    Examples
    --------
    >>> fit = learning_curve([60, 120, 240, 480, 960], [0.560, 0.611, 0.593, 0.652, 0.703])
    >>> fit.warnings[0]
    'Accuracy dips: from 120 to 240 it falls from 0.611 to 0.593.'
    >>> bool(np.all(np.diff(fit(fit.sizes)) > 0)), round(fit.largest_miss, 3)
    (True, 0.021)
    """
    if whole("replicates", replicates, least=2) > MOST_REPLICATES:
        raise ValueError(f"replicates must be at most {MOST_REPLICATES:,}; got {brief(replicates)}")
    seed = whole("seed", seed)
    if not isinstance(percent, bool | np.bool_):
        raise ValueError(f"percent must be True or False; got {brief(percent)}")
    points = collect_points(sizes, accuracies, errors, percent=percent)
    start = _start(points, baseline)
    if not np.any(points.accuracies > start):
        raise ValueError(
            f"accuracies must exceed the baseline somewhere, {start:g}, or models are worth"
            f" nothing; the best is {points.accuracies.max():g}"
        )
    rates = rates_for(points.sizes)
    design = -np.expm1(-np.outer(points.sizes, rates))
    gains = np.maximum(points.accuracies - start, 0.0)
    scale = _scale(points)
    weights = _fit(design, gains, scale, 1 - start)
    noise = _noise(design, gains, weights, points, 1 - start)
    drawn = _replicates(design, design @ weights, noise, scale, 1 - start, replicates, seed)
    curve = _saturating(weights, rates)
    return LearningCurve(
        curve=curve,
        baseline=start,
        sizes=points.sizes,
        accuracies=points.accuracies,
        errors=points.errors,
        counts=points.counts,
        findings=judge(points, lambda n: start + curve(n), start, stated=baseline is not None),
        rates=rates,
        replicates=drawn,
    )


def _start(points: Points, baseline: float | None) -> float:
    """Accuracy without data."""
    if baseline is None:
        return float(points.accuracies[0]) if points.sizes[0] == 0 else 0.0
    share = real("baseline", baseline)
    if not 0 <= share < 1:
        raise ValueError(f"baseline must be a share, at least 0 and below 1; got {baseline!r}")
    return share


def _scale(points: Points) -> FloatArray:
    """What misses are counted in: errors, but none below the typical one.

    Errors say how far repeats vary. What a concave curve misses is not less where they are small,
    so that no point counts much more than a typical one.
    """
    if points.errors is None:
        return np.asarray(1 / np.sqrt(points.counts))
    typical = float(np.median(points.errors[points.errors > 0]))
    return np.asarray(np.hypot(points.errors, typical))


def rates_for(sizes: npt.ArrayLike) -> FloatArray:
    """The rates from which a fit to these sizes chooses, (J,), per unit of data.

    Examples
    --------
    >>> rates_for([0, 10, 1000])[[0, -1]].tolist()
    [0.0003333333333333333, 3.0]
    """
    amounts = np.asarray(sizes, dtype=float)
    positive = amounts[amounts > 0]
    return np.geomspace(SLOWEST / positive.max(), FASTEST / positive.min(), RATES)


def fit_weights(
    sizes: npt.ArrayLike,
    gains: npt.ArrayLike,
    rates: FloatArray,
    ceiling: float,
    scale: npt.ArrayLike = 1.0,
) -> FloatArray:
    """Weights of the increasing concave sum closest to gains over the baseline, (J,).

    Parameters
    ----------
    sizes, gains : (K,) array_like >= 0
    rates : (J,) ndarray
    ceiling : float > 0
        Most that the weights may sum to.
    scale : (K,) array_like > 0
        In units of which misses count.

    Examples
    --------
    >>> weights = fit_weights([10, 100], [0.5, 0.5], rates_for([10, 100]), 1.0)
    >>> round(float(weights.sum()), 5)
    0.5
    """
    amounts = np.asarray(sizes, dtype=float)
    design = -np.expm1(-np.outer(amounts, rates))
    units = np.broadcast_to(np.asarray(scale, dtype=float), amounts.shape)
    return _fit(design, np.asarray(gains, dtype=float), units, ceiling)


def _fit(design: FloatArray, gains: FloatArray, scale: FloatArray, ceiling: float) -> FloatArray:
    return capped_least_squares(design / scale[:, None], gains / scale, ceiling, RIDGE)


def _enclosing(design: FloatArray, end: FloatArray, ceiling: float, sign: int) -> FloatArray:
    """Weights of the sum closest to one end of a band on the side of its sign: below for 1."""
    every = np.ones((1, design.shape[1]))
    found = scipy.optimize.linprog(
        -sign * design.mean(axis=0),
        A_ub=np.vstack([sign * design, every]),
        b_ub=np.append(sign * end, ceiling),
    )
    fastest = np.zeros(design.shape[1])
    fastest[-1] = LEAST_EDGE if sign > 0 else ceiling
    # No sum but that of nothing lies below a band that touches the baseline, and none above one
    # that reaches accuracy 1 at once.
    if found.x is None or not found.x.sum() > LEAST_EDGE:
        return fastest
    return np.asarray(found.x * min(1.0, ceiling / found.x.sum()))


def _noise(
    design: FloatArray, gains: FloatArray, weights: FloatArray, points: Points, ceiling: float
) -> FloatArray:
    """Standard deviation of what is measured around the fit, (K,).

    Errors, and what the fit misses beyond them. Without errors, what fits to the other points miss:
    a fit through all points misses nothing.
    """
    fitted = design @ weights
    if points.errors is not None:
        free = max(1, fitted.size - int(np.sum(weights > NEGLIGIBLE)))
        missed = float(np.sum((fitted - gains) ** 2)) / free
        known = points.errors**2
        return np.asarray(np.sqrt(known + max(0.0, missed - float(known.mean()))))
    scale = _scale(points)
    inner = np.unique(np.linspace(1, fitted.size - 2, LEFT_OUT).round().astype(int))
    squares = []
    for k in inner:
        others = np.arange(fitted.size) != k
        without = _fit(design[others], gains[others], scale[others], ceiling)
        squares.append(float(design[k] @ without - gains[k]) ** 2 * points.counts[k])
    return np.asarray(np.sqrt(np.mean(squares)) * scale)


def _replicates(
    design: FloatArray,
    fitted: FloatArray,
    noise: FloatArray,
    scale: FloatArray,
    ceiling: float,
    replicates: int,
    seed: int,
) -> FloatArray:
    """Fits to measurements drawn around the fit."""
    drawn = fitted + noise * np.random.default_rng(seed).standard_normal((replicates, fitted.size))
    return np.array([_fit(design, again, scale, ceiling) for again in np.clip(drawn, 0, ceiling)])


def _saturating(weights: FloatArray, rates: FloatArray) -> Saturating:
    used = weights > NEGLIGIBLE
    return Saturating(tuple(weights[used].tolist()), tuple(rates[used].tolist()))
