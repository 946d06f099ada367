"""A continuum of types, approached by many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray

__all__ = ["Between", "CostDistribution", "best_cutoff", "bracketing_types", "type_grid"]

#: SAME_RATIO: relative difference below which two cutoffs are equally good: rounding of the
#: distribution.
SAME_RATIO = 1e-15

#: NEAR_ZERO: cutoffs up to this many times the smallest cost looked at, if the ratio is as large
#: there, are none: the search has run into zero.
NEAR_ZERO = 100.0


class CostDistribution(Protocol):
    """What is needed of a distribution of costs; SciPy's frozen distributions have it."""

    def ppf(self, q: npt.ArrayLike) -> FloatArray:
        """Quantiles."""

    def cdf(self, x: npt.ArrayLike) -> FloatArray:
        """Probabilities of at most x."""

    def support(self) -> tuple[float, float]:
        """Ends of the range."""


def type_grid(distribution: CostDistribution, n_types: int) -> FloatArray:
    """Costs of I equally likely types that stand for a continuous distribution.

    Parameters
    ----------
    distribution : CostDistribution
        Of costs per unit of data, positive, such as ``scipy.stats.lognorm(0.8)``.
    n_types : int >= 1

    Returns
    -------
    (I,) ndarray
        The medians of I equally likely intervals, costliest first.

    Raises
    ------
    ValueError
        If the number is not positive, or costs are not.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> type_grid(uniform(1.0, 1.0), 4).tolist()
    [1.875, 1.625, 1.375, 1.125]
    """
    if not n_types >= 1:
        raise ValueError(f"n_types must be at least 1; got {n_types!r}")
    costs = distribution.ppf((np.arange(n_types, 0, -1) - 0.5) / n_types)
    if not np.all((costs > 0) & (costs < np.inf)):
        raise ValueError(f"distribution must be of positive costs; got {costs.min():g}")
    return np.asarray(costs)


@dataclass(frozen=True)
class Between:
    """A distribution of costs, given that they lie between two values.

    Attributes
    ----------
    distribution : CostDistribution
    low, high : float
        0 <= low < high, with positive probability between them.

    Raises
    ------
    ValueError
        If nothing lies between them.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> Between(uniform(0.0, 1.0), 0.5, 1.0).ppf(0.5).item()
    0.75
    """

    distribution: CostDistribution
    low: float
    high: float

    def __post_init__(self) -> None:
        below, above = self._ends
        if not (0 <= self.low < self.high and below < above):
            raise ValueError(
                "low and high must have costs between them;"
                f" got {self.low!r}, {self.high!r} with probability {above - below:g}"
            )

    @property
    def _ends(self) -> FloatArray:
        return np.asarray(self.distribution.cdf([self.low, self.high]))

    def ppf(self, q: npt.ArrayLike) -> FloatArray:
        below, above = self._ends
        inside = self.distribution.ppf(below + np.asarray(q, dtype=float) * (above - below))
        return np.clip(inside, self.low, self.high)

    def cdf(self, x: npt.ArrayLike) -> FloatArray:
        below, above = self._ends
        return np.asarray(np.clip((self.distribution.cdf(x) - below) / (above - below), 0.0, 1.0))

    def support(self) -> tuple[float, float]:
        return self.low, self.high


def bracketing_types(
    distribution: CostDistribution, n_types: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    r"""Types all costlier, and types all cheaper, than the continuous costs that they stand for.

    The range is cut into I intervals of the same ratio of costs. Where accuracy and value are
    concave and parties hold their own beliefs, the best menu for the upper ends does no better
    than the best one for the distribution, and that does no better than the best menu for the
    lower ends (own result, proved in the book).

    Parameters
    ----------
    distribution : CostDistribution
        With a support from a positive cost to a finite one.
    n_types : int >= 1

    Returns
    -------
    probabilities, upper ends, lower ends : (I,) ndarray
        Costliest first; intervals without probability are left out.

    Raises
    ------
    ValueError
        If the number is not positive, or the support not as it must be.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> p, costlier, cheaper = bracketing_types(uniform(1.0, 3.0), 2)
    >>> p.round(6).tolist(), costlier.round(6).tolist(), cheaper.round(6).tolist()
    ([0.666667, 0.333333], [4.0, 2.0], [2.0, 1.0])
    """
    if not n_types >= 1:
        raise ValueError(f"n_types must be at least 1; got {n_types!r}")
    low, high = distribution.support()
    if not 0 < low < high < np.inf:
        raise ValueError(f"distribution must have costs in a finite range > 0; got {low}, {high}")
    ends = np.geomspace(high, low, n_types + 1)
    probabilities = -np.diff(distribution.cdf(ends))
    some = probabilities > 0
    return probabilities[some], ends[:-1][some], ends[1:][some]


def best_cutoff(distribution: CostDistribution) -> float:
    r"""The cost up to which parties are asked to contribute in a large market.

    With ever more parties every reward cap tends to one and the same number, the value of the
    model. A menu then is a mixture of offers "contribute up to a cost of :math:`\theta`", each of
    which must be paid :math:`\theta` for a unit of data, whoever takes it: nothing is gained from
    more than one. The best buys most data for a given reward,

    .. math:: \theta^* \in \arg\max_\theta \frac{P(c \le \theta)}{\theta} ,

    which is where the *virtual cost* :math:`\theta + P(c \le \theta) / P'(\theta)` is twice the
    cost, if it lies inside; where nobody would train alone. It is the end of the first chord of
    P's concave hull from the origin: all below it is ironed into one bunch. Own result, proved in
    the book.

    Parameters
    ----------
    distribution : CostDistribution

    Returns
    -------
    float
        The cutoff, units of value per unit of data.

    Raises
    ------
    ValueError
        If costs are not positive, or if the maximum is not attained: where costs near zero are so
        common that the ratio grows as the cutoff falls to zero.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> best_cutoff(uniform(1.0, 1.0))
    2.0
    """
    low, high = distribution.support()
    high = high if np.isfinite(high) else float(distribution.ppf(1 - 1e-12))
    low = max(low, float(distribution.ppf(1e-12)))
    if not low > 0:
        raise ValueError(f"distribution must be of positive costs; got {low:g}")
    least = low
    for _ in range(6):
        theta = np.geomspace(low, high, 2001)  # costs can spread over many orders of magnitude
        ratio = distribution.cdf(theta) / theta
        # Of cutoffs that are equally good, but for rounding, the largest.
        best = int(np.flatnonzero(ratio >= ratio.max() * (1 - SAME_RATIO))[-1])
        low, high = theta[max(best - 1, 0)], theta[min(best + 1, theta.size - 1)]
    near_zero = distribution.cdf(least) / least >= ratio.max() * (1 - 1e-9)
    if near_zero and theta[best] <= NEAR_ZERO * least:
        raise ValueError(
            "distribution must have a best cutoff; P(c <= theta) / theta is still growing at"
            f" theta = {least:g}"
        )
    return float(theta[best])
