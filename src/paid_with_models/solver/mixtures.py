r"""Curves that are mixtures of exponentials, in closed form.

Of two families the exponentials are known, and need not be looked for.

**Power laws.** What a power law is short of its limit is a Gamma mixture,

.. math:: b\,x^{-\beta} = \frac{b}{\Gamma(\beta)} \int_{-\infty}^{\infty}
    e^{\beta t - x e^t} \, dt, \qquad x = S + d,

and the trapezoidal rule with step h in t makes a sum of it whose relative error is, for all x,
:math:`2 |\Gamma(\beta + 2 \pi i / h)| / \Gamma(\beta)`, some :math:`e^{-\pi^2 / h}`.

**Saturating curves** are sums of exponentials as they stand.

**Exponential valuations** keep both. With :math:`g = a_{opt} - a` the shortfall of accuracy,
:math:`v(a_{opt}) - v(a)` is proportional to
:math:`e^{\rho g} - 1 = \sum_{k \ge 1} \rho^k g^k / k!`; powers of a power law
are power laws, products of exponentials exponentials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported where they are used

from ..accuracy import Curve, FloatArray
from ..curves import PowerLaw, Saturating
from ..valuation import ExponentialValuation, LinearValuation, ModelValue

__all__ = ["Mixture", "as_mixture"]

#: NEGLIGIBLE: terms this small, relative to the limit, are left out.
NEGLIGIBLE = 1e-19

#: LINEAR: exponentials that fall by less than this share over the range are one: what they differ
#: by is its square.
LINEAR = 1e-8

#: STEPS: of the trapezoidal rule; the first is taken whose error is below `ALIASING`.
STEPS = (1 / 4, 1 / 5, 1 / 6, 1 / 8, 1 / 12, 1 / 16)

#: ALIASING: relative error of the rule: rounding.
ALIASING = 1e-16

#: MANY_TERMS: with more of them, terms of about the same rate are drawn together.
MANY_TERMS = 300

#: ABOUT_THE_SAME: rates within this factor. Of so many, `NODES` are left: Gauss's rule, whose error
#: is below rounding.
ABOUT_THE_SAME, NODES = 1.3, 8


@dataclass(frozen=True, eq=False)
class Mixture:
    """What a curve is short of its limit, as a sum of weights times exp(-rate S).

    Attributes
    ----------
    weights, rates : (J,) ndarray > 0
    exact : bool
        Whether the sum is the curve, but for terms that are negligible.
    """

    weights: FloatArray
    rates: FloatArray
    exact: bool


def as_mixture(curve: Curve, high: float) -> Mixture | None:
    """The exponentials of a curve for data up to ``high``; None where they are not known.

    Examples
    --------
    >>> curve = PowerLaw(0.9, 0.9, 2.0, 1.0)
    >>> mixture = as_mixture(curve, 1e9)
    >>> at = np.array([1.0, 1e3, 1e6])
    >>> missing = np.exp(-np.outer(at, mixture.rates)) @ mixture.weights
    >>> bool(np.all(np.abs(missing / (0.9 / (at + 1) ** 2) - 1) < 1e-6))
    True
    """
    accuracy, aversion, height = curve, 0.0, 1.0
    if isinstance(curve, ModelValue):
        accuracy = curve.accuracy
        if isinstance(curve.valuation, ExponentialValuation):
            aversion = curve.valuation.aversion
            height = curve.valuation.scale / -math.expm1(-aversion)
        elif isinstance(curve.valuation, LinearValuation):
            height = curve.valuation.scale
        else:
            return None
    if isinstance(accuracy, PowerLaw):
        return _of_power_law(accuracy, aversion, height, high)
    if isinstance(accuracy, Saturating):
        return _of_saturating(accuracy, aversion, height)
    return None


def _of_saturating(curve: Saturating, aversion: float, height: float) -> Mixture:
    if aversion == 0:
        return Mixture(height * np.array(curve.weights), np.array(curve.rates), exact=True)
    # Relative to their sum, products of powers are chances of independent Poisson counts.
    weights, rates = np.ones(1), np.zeros(1)
    for weight, rate in zip(curve.weights, curve.rates, strict=True):
        if weight == 0:
            continue
        counts, chances = _poisson(aversion * weight)
        weights = np.multiply.outer(weights, chances).ravel()
        rates = np.add.outer(rates, rate * counts).ravel()
        weights, rates = _fewer(weights, rates)
    return Mixture(height * weights[rates > 0], rates[rates > 0], exact=True)


def _fewer(weights: FloatArray, rates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Terms that are not negligible; of many of about the same rate, few with the same moments."""
    used = weights > NEGLIGIBLE
    weights, rates = weights[used], rates[used]
    if weights.size <= MANY_TERMS:
        return weights, rates
    lowest = rates[rates > 0].min()
    group = np.floor(np.log(np.maximum(rates, lowest) / lowest) / math.log(ABOUT_THE_SAME)) + 1
    group[rates == 0] = 0
    parts = []
    for k in np.unique(group):
        w, x = weights[group == k], rates[group == k]
        parts.append((w, x) if w.size <= NODES else _gauss(w, x))
    return np.concatenate([w for w, _ in parts]), np.concatenate([x for _, x in parts])


def _gauss(weights: FloatArray, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gauss's rule with `NODES` nodes for a sum over points, by Lanczos's recurrence."""
    middle, spread = points.mean(), np.ptp(points)
    if spread <= 1e-9 * middle:
        return np.array([weights.sum()]), np.array([weights @ points / weights.sum()])
    x = (points - middle) / spread
    basis = [np.sqrt(weights / weights.sum())]
    diagonal, beside = [], []
    for _ in range(NODES):
        diagonal.append(float(basis[-1] @ (x * basis[-1])))
        rest = x * basis[-1]
        for _ in range(2):  # rounding
            for one in basis:
                rest = rest - (one @ rest) * one
        beside.append(float(np.linalg.norm(rest)))
        if beside[-1] < 1e-9:  # there are no more points
            break
        basis.append(rest / beside[-1])
    n = len(diagonal)
    off = np.diag(beside[: n - 1], 1)
    nodes, vectors = np.linalg.eigh(np.diag(diagonal) + off + off.T)
    shares = np.maximum(vectors[0] ** 2, np.finfo(float).tiny)
    return weights.sum() * shares / shares.sum(), middle + spread * nodes


def _poisson(mean: float) -> tuple[FloatArray, FloatArray]:
    """Counts whose chances are not negligible, from 0 on, and those chances."""
    counts = np.arange(mean + 12 * math.sqrt(mean) + 30)
    return counts, np.exp(counts * math.log(mean) - mean - scipy.special.gammaln(counts + 1))


def _of_power_law(curve: PowerLaw, aversion: float, height: float, high: float) -> Mixture | None:
    start = curve.zero_until
    x, beta = start + curve.offset, curve.exponent
    # Logarithms of the factors of (x / (S + d))^(k beta).
    log_missing = math.log(curve.scale) - beta * math.log(x)
    if aversion == 0:
        powers, logs = np.ones(1), np.array([log_missing])
    else:
        most = aversion * math.exp(log_missing)
        powers, chances = (part[1:] for part in _poisson(most))
        logs = np.log(chances) + most - aversion * curve.optimum
    betas = powers * beta
    for step in STEPS:
        aliasing = 2 * np.exp(
            scipy.special.loggamma(betas + 2j * np.pi / step).real - scipy.special.gammaln(betas)
        )
        if np.sum(np.exp(logs) * aliasing) <= ALIASING * np.sum(np.exp(logs)):
            break
    else:
        return None
    # In units of x: from rates that are linear on the range to those that are gone at its start.
    slowest = math.log(LINEAR * x / high)
    fastest = math.log(60.0 + 6 * betas.max())
    t = slowest + step * np.arange(math.ceil((fastest - slowest) / step))
    rates = np.exp(t)
    density = logs - scipy.special.gammaln(betas) + np.multiply.outer(t, betas)
    weights = step * np.exp(density - np.multiply.outer(rates, np.ones(betas.size))).sum(axis=1)
    # All that are slower still, of which each is exp(-step) times as fast as the one before.
    ends = step * np.exp(density[0])
    slower = np.sum(ends * np.exp(-step * betas) / -np.expm1(-step * betas))
    pull = np.sum(ends * np.exp(-step * (betas + 1)) / -np.expm1(-step * (betas + 1)))
    weights, rates = np.append(slower, weights), np.append(pull / slower * rates[0], rates)
    used = weights * np.maximum(1.0, rates * high / x) > NEGLIGIBLE * weights.sum()
    weights, rates = weights[used], rates[used] / x
    # The weights are those of exp(-u (S - start)).
    return Mixture(height * weights * np.exp(rates * start), rates, exact=False)
