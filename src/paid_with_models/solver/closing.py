"""Which search closes the gaps that are left open where accuracy is not concave."""

from __future__ import annotations

import numpy as np

from ..accuracy import FloatArray
from ..contract import GAP_TOLERANCE
from . import boxes, outcomes
from .branching import Closed
from .envelopes import s_shaped
from .menus import Incumbents
from .moments import Enumeration
from .outcomes import flat_then_concave
from .program import FirstMoment

__all__ = ["FEW_TYPES", "closed", "default_boxes", "finds_menus"]

#: FEW_TYPES: with up to so many types branch and bound ends by itself, as a rule.
FEW_TYPES = 3

#: BOXES_FOR_FEW_TYPES: its limit then, for what does not.
BOXES_FOR_FEW_TYPES = 2_000

#: OUTCOMES_FOR_FEW_TYPES: boxes times outcomes may not exceed this with few types (half a minute).
OUTCOMES_FOR_FEW_TYPES = 5_000_000

#: OUTCOMES_BUDGET: with more types, boxes times outcomes may not exceed this (some seconds).
OUTCOMES_BUDGET = 1_000_000


def closed(
    problem: FirstMoment,
    best: Incumbents,
    bounds: FloatArray,
    anchor: FloatArray,
    near: FloatArray,
    max_boxes: int | None,
    deadline: float = np.inf,
) -> Closed:
    """Branch and bound where outcomes are enumerated and the curves are S-shaped; else as it was.

    Over outcomes, where both curves are flat and then concave, otherwise over boxes.

    Parameters
    ----------
    problem, best, bounds, anchor, near
        As for :func:`paid_with_models.solver.outcomes.close_gaps`.
    max_boxes : int or None
        Most boxes, or sets of outcomes, for each problem; by default as many as take some seconds.
    deadline : float
        Nothing new is begun when ``time.monotonic()`` is beyond it.
    """
    expectation, curves = problem.expectation, (problem.accuracy, problem.value)
    if not isinstance(expectation, Enumeration):
        return Closed(best, bounds, np.zeros(len(bounds), dtype=np.intp))
    if max_boxes is None:
        max_boxes = default_boxes(anchor.shape[1], len(expectation.counts))
    given = problem, best, bounds, anchor
    if all(flat_then_concave(curve) for curve in curves):
        return outcomes.close_gaps(
            *given, near, tolerance=GAP_TOLERANCE, max_boxes=max_boxes, deadline=deadline
        )
    if s_shaped(*curves):
        return boxes.close_gaps(
            *given, tolerance=GAP_TOLERANCE, max_boxes=max_boxes, deadline=deadline
        )
    return Closed(best, bounds, np.zeros(len(bounds), dtype=np.intp))


def finds_menus(problem: FirstMoment) -> bool:
    """Whether :func:`closed` will look through all menus, so that no other starts are needed."""
    curves, n_types = (problem.accuracy, problem.value), problem.costs.shape[1]
    if not isinstance(problem.expectation, Enumeration):
        return False
    if all(flat_then_concave(curve) for curve in curves):
        return True
    return n_types <= FEW_TYPES and s_shaped(*curves)


def default_boxes(n_types: int, n_outcomes: int) -> int:
    """Most boxes for a problem, if the caller does not say: what takes some seconds.

    Examples
    --------
    >>> default_boxes(2, 11), default_boxes(2, 100_000), default_boxes(5, 1001)
    (2000, 50, 999)
    """
    if n_types <= FEW_TYPES:
        return min(BOXES_FOR_FEW_TYPES, OUTCOMES_FOR_FEW_TYPES // n_outcomes)
    return OUTCOMES_BUDGET // n_outcomes
