"""How far a fitted curve is off outside the measured sizes, learned from thousands of real curves.

Each of the curves that ship with the package was cut off, so that its largest size is 2, 4 or 8
times the largest that is kept, or its smallest a half, a quarter or an eighth of the smallest. The
rest was fitted, and the bootstrap band of the fit compared with what had been measured. By how much
the band must be widened for a share of the curves to lie in it is the quantile that split conformal
prediction uses (Vovk, Gammerman and Shafer 2005), here apart for fits with and without warnings. It
holds for a curve like those: of a learner and a task of their kind.

``measurements/learning_curves.py`` measures the quantiles anew.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from ..accuracy import FloatArray

__all__ = ["FACTORS", "LEVELS", "widening"]

#: FACTORS: by how much curves were cut off.
FACTORS = (2, 4, 8)

#: LEVELS: shares of curves for which quantiles are stored. Between them they are interpolated, and
#: above the last one held.
LEVELS = (0.5, 0.8, 0.9, 0.95)

#: FARTHEST: doublings of data up to which widening grows as it does up to the last factor.
FARTHEST = 6


def widening(
    amounts: FloatArray, measured: tuple[float, float], level: float, *, warned: bool
) -> tuple[FloatArray, FloatArray]:
    """By how much a bootstrap band is to be widened down and up.

    Parameters
    ----------
    amounts : (L,) ndarray >= 0
        Units of data.
    measured : (float, float)
        Smallest and largest size measured.
    level : float in (0, 1)
    warned : bool
        Whether the fit has warnings.

    Returns
    -------
    (L,) ndarray, (L,) ndarray
        Shares >= 0; 0 inside the measured sizes, and at no data.

    Examples
    --------
    >>> down, up = widening(np.array([0.0, 100.0, 800.0]), (50.0, 200.0), 0.9, warned=False)
    >>> (down > 0).tolist(), (up[:2] > 0).tolist()
    ([False, False, True], [False, False])
    """
    low, high = measured
    positive = np.where(amounts > 0, np.minimum(amounts, np.finfo(float).max), low)
    found = np.zeros((2, amounts.size))
    for side, doublings in (
        ("beyond", np.log2(positive / high)),
        ("before", np.log2(low / positive)),
    ):
        outside = (doublings > 0) & (amounts > 0)
        for k, end in enumerate(("down", "up")):
            knots = _quantiles(side, end, float(level), warned)
            found[k, outside] = np.interp(
                np.minimum(doublings[outside], FARTHEST), np.arange(FARTHEST + 1), knots
            )
    return found[0], found[1]


@lru_cache(maxsize=256)
def _quantiles(side: str, end: str, level: float, warned: bool) -> FloatArray:
    """Widening at 0, 1, 2, … doublings of data, never less at more."""
    stored = _stored()["well-behaved" if not warned else "warned"][side][end]
    at = [np.interp(level, (0.0, *LEVELS), (0.0, *stored[str(factor)])) for factor in FACTORS]
    knots = np.maximum.accumulate([0.0, *at])
    more = (knots[-1] - knots[0]) / (len(knots) - 1)
    beyond = knots[-1] + more * np.arange(1, FARTHEST + 2 - len(knots))
    return np.concatenate([knots, beyond])


@lru_cache(maxsize=1)
def _stored() -> dict[str, Any]:
    path = files("paid_with_models").joinpath("data/extrapolation.json")
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["quantiles"]
    return stored
