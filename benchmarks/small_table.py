"""Make the table of :mod:`paid_with_models.small`: one exponential sum for every bound.

With x = S / k the generalization bound falls short of its optimum by

    sqrt(2 (2 + ln x) / x) + 4 / sqrt(k x),

whatever its optimum. Both terms are fitted by decaying exponentials of the same rates, with
non-negative weights (:func:`scipy.optimize.nnls`, values and slopes together, relative to their
size). Errors are measured at Chebyshev nodes on each [x, 2 x] and multiplied by the Lebesgue
constant of the nodes, so that they hold between the nodes too.

``make table`` writes ``src/paid_with_models/small/table.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

TABLE = Path(__file__).parents[1] / "src" / "paid_with_models" / "small" / "table.py"

#: LOW, HIGH: range of x that the sums cover. Every bound is 0 where x is below LOW; a million
#: parties that each give all that a model can be worth to them stay below HIGH.
LOW, HIGH = 8.5, 1e16

#: RATES_PER_E_FOLD: density of the candidate rates. With fewer, errors grow a hundredfold.
RATES_PER_E_FOLD = 3.0

#: FASTEST, SLOWEST: ends of the candidate rates, times LOW and HIGH: what decays faster or slower
#: than that cannot be told from nothing or from a constant.
FASTEST, SLOWEST = 40.0, 0.02

#: POINTS_PER_RATE: points of the fit.
POINTS_PER_RATE = 8

#: SLOPE_WEIGHT: weight of relative errors of slopes against those of values.
SLOPE_WEIGHT = 0.3

#: NODES, LEBESGUE: Chebyshev nodes an octave, and the Lebesgue constant of so many nodes.
NODES, LEBESGUE = 48, 3.5

FloatArray = npt.NDArray[np.float64]


def root_term(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The term with the logarithm, and its derivative."""
    s = np.sqrt(2 * (2 + np.log(x)))
    return s / np.sqrt(x), (1 / s - 0.5 * s) * x**-1.5


def plain_term(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The other term, without its factor of one over the root of k; and its derivative."""
    return 4 / np.sqrt(x), -2 * x**-1.5


def fitted(value: FloatArray, slope: FloatArray, x: FloatArray, rates: FloatArray) -> FloatArray:
    """Weights of the rates, by non-negative least squares on relative errors."""
    decay = np.exp(-np.outer(x, rates))
    on_values = decay / value[:, None]
    on_slopes = SLOPE_WEIGHT * rates * decay / -slope[:, None]
    matrix = np.vstack([on_values, on_slopes])
    side = np.concatenate([np.ones(x.size), np.full(x.size, SLOPE_WEIGHT)])
    scale = np.linalg.norm(matrix, axis=0)
    weights, _ = nnls(matrix / scale, side, maxiter=100_000)
    return np.asarray(weights / scale)


def nodes() -> FloatArray:
    """Chebyshev nodes of each octave of the range."""
    ends = LOW * 2.0 ** np.arange(np.ceil(np.log2(HIGH / LOW)) + 1)
    ends[-1] = HIGH
    cosines = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    middle, half = 0.5 * (ends[1:] + ends[:-1]), 0.5 * (ends[1:] - ends[:-1])
    return np.asarray(middle[:, None] + half[:, None] * cosines).ravel()


def text() -> str:
    """The table as a module."""
    fast, slow = FASTEST / LOW, SLOWEST / HIGH
    n_rates = int(np.ceil(RATES_PER_E_FOLD * np.log(fast / slow)))
    rates = np.geomspace(slow, fast, n_rates)
    x = np.geomspace(LOW, HIGH, POINTS_PER_RATE * n_rates)
    weights = [fitted(*term(x), x, rates) for term in (root_term, plain_term)]
    used = (weights[0] > 0) | (weights[1] > 0)
    rates, weights = rates[used], [some[used] for some in weights]
    at = nodes()
    decay = np.exp(-np.outer(at, rates))
    error = slope_error = 0.0
    for term, some in zip((root_term, plain_term), weights, strict=True):
        value, slope = term(at)
        error = max(error, LEBESGUE * float(np.abs(decay @ some - value).max()))
        relative = np.abs(decay @ (some * rates) / -slope - 1).max()
        slope_error = max(slope_error, LEBESGUE * float(relative))
    numbers = {"RATES": rates, "ROOT": weights[0], "PLAIN": weights[1]}
    lines = [
        '"""Exponential sums of the generalization bound; made by ``benchmarks/small_table.py``.',
        "",
        "With x = S / k the bound falls short of its optimum by the sum over j of",
        "``(ROOT[j] + PLAIN[j] / sqrt(k)) exp(-RATES[j] x)``, right to ``ERROR`` (absolute, times",
        "1 + 1 / sqrt(k)) and ``SLOPE_ERROR`` (of the slope, relative) for x from ``LOW`` to",
        "``HIGH``.",
        '"""',
        "",
        '__all__ = ["ERROR", "HIGH", "LOW", "PLAIN", "RATES", "ROOT", "SLOPE_ERROR"]',
        "",
        "# fmt: off",
        f"LOW = {LOW!r}",
        f"HIGH = {HIGH!r}",
        f"ERROR = {1.001 * error:.4g}",  # so that four digits are not too few
        f"SLOPE_ERROR = {1.001 * slope_error:.4g}",
    ]
    for name, values in numbers.items():
        lines += [f"{name} = ["]
        lines += [
            "    " + ", ".join(repr(float(v)) for v in values[k : k + 4]) + ","
            for k in range(0, len(values), 4)
        ]
        lines += ["]"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(text(), encoding="utf-8")
