r"""Concave curves above a curve whose means are sums of exponentials everywhere.

Exponential sums stand for a curve beyond its kink only. Of outcomes with less data a bound by sums
knows no more than how rare they are: where data are costly they are not rare, and it says nothing.
A saturating curve

.. math:: \hat a(S) = \sum_j w_j (1 - e^{-u_j S}) \ge a(S), \qquad w_j \ge 0, \quad
   \sum_j w_j = a_\text{opt}

is concave and has sums for all S. With it in the place of a, every menu of the problem is a menu of
a concave one, which bounds it (:func:`paid_with_models.solver.bounds.dual_bound`). The weights come
from a linear program: the curve is to be as low as possible on a grid of data, and at each point
of it at or above what a is at the *next* one. Both rise, so that it is above a in between.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import scipy  # its parts are imported where they are used

from ..accuracy import Curve
from ..curves import Saturating
from .program import FirstMoment
from .sum_moments import SumExpectation

__all__ = ["above", "with_curves_above"]

#: POINTS: of the grid.
POINTS = 800

#: RATES: how many exponentials there are to choose from.
RATES = 70

#: ROOM: by how much shares of what the curve is short of its limit are kept below it: more than
#: the tolerance of the linear program.
ROOM = 1e-6


@lru_cache(maxsize=64)
def above(curve: Curve, high: float, optimum: float) -> Saturating | None:
    """A saturating curve on or above one that starts at 0, up to ``high`` data; or None.

    The curve is taken in the unit in which its limit is ``optimum``, at most 1.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> curve = GeneralizationBound()
    >>> over, at = above(curve, 1e4, 1.0), np.linspace(0, 1e4, 5001)
    >>> bool(np.all(over(at) >= curve(at))), bool(np.all(over(at[100:]) - curve(at[100:]) < 0.03))
    (True, True)
    """
    start = curve.smooth_from
    if float(curve(0.0)) != 0 or start <= 0 or high <= start:
        return None
    grid = np.geomspace(start, high, POINTS)
    short = optimum * (1 - curve(np.append(grid[1:], high)) / curve.optimum)
    rates = np.geomspace(0.02 / high, 60 / start, RATES)
    shares = np.exp(-np.outer(grid, rates)) / short[:, None]
    program = scipy.optimize.linprog(
        -optimum * shares.mean(axis=0),
        A_ub=np.vstack([optimum * shares, np.ones(RATES)]),
        b_ub=np.append(np.full(POINTS, 1 - ROOM), 1.0),
        method="highs",
    )
    if program.status != 0:
        return None
    weights = np.maximum(program.x, 0.0)
    weights[-1] += max(1 - weights.sum(), 0.0)  # gone where the grid begins
    weights *= optimum / weights.sum()
    used = weights > 0
    found = Saturating(tuple(weights[used].tolist()), tuple(rates[used].tolist()))
    over = optimum - found(grid) <= short * (1 - 0.5 * ROOM)
    return found if np.all(over) else None


def with_curves_above(problem: FirstMoment) -> FirstMoment | None:
    """The concave problem with saturating curves above those of a problem, or None."""
    law = problem.expectation
    if not isinstance(law, SumExpectation):
        return None
    accuracy = above(problem.accuracy, law.high, problem.accuracy.optimum)
    value = above(problem.value, law.high, 1.0)
    if accuracy is None or value is None:
        return None
    law = replace(law, low=0.0)
    return replace(problem, expectation=law, accuracy=accuracy, value=value, value_unit=1.0)
