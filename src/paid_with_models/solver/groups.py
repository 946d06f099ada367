"""Neighboring types of very many drawn together, to look for menus among fewer.

Where accuracy is not concave menus are searched for from many starts, which takes long with
thousands of types. Their best menus have few options all the same, and those of some forty groups
of types are next to them. What is found is a proposal: it counts as a menu of all types only once
it is known to satisfy their constraints.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..accuracy import FloatArray, IntArray
from .chain import Chain
from .menus import Incumbents, only_menu, priced, repaired
from .program import FirstMoment, by_matrices
from .sum_moments import SumExpectation

__all__ = ["averaged", "expanded", "grouped", "groups"]

#: GROUPS: so many types are left.
GROUPS = 40


def groups(probabilities: FloatArray) -> IntArray:
    """The group of each type, (I,), costliest first: neighbors, about equally likely together.

    Examples
    --------
    >>> groups(np.full(80, 1 / 80)).tolist()[:6]
    [0, 0, 1, 1, 2, 2]
    """
    before = np.cumsum(probabilities) - 0.5 * probabilities
    place = np.floor(GROUPS * before / probabilities.sum()).astype(np.intp)
    return np.unique(place, return_inverse=True)[1]


def grouped(problem: FirstMoment, group: IntArray) -> FirstMoment:
    """The problem of the groups: each has the cost and the outside option of its costliest type.

    Parameters
    ----------
    problem : FirstMoment
        A batch of one, with exponential sums.
    group : (I,) ndarray of int
    """
    law, first = problem.expectation, np.searchsorted(group, np.arange(group.max() + 1))
    assert isinstance(law, SumExpectation)
    together = np.bincount(group, law.probabilities[0])[None].astype(float)
    costs = problem.costs[:, first]
    return replace(
        problem,
        expectation=replace(law, probabilities=together),
        costs=costs,
        reservation_utilities=problem.reservation_utilities[:, first],
        chain=Chain.of((False, *(np.diff(costs[0]) == 0).tolist())),
        form=by_matrices,
    )


def averaged(
    few: FirstMoment, problem: FirstMoment, group: IntArray, best: Incumbents
) -> Incumbents:
    """The best menu of all types as one of the groups, on average; known only if it satisfies."""
    law = problem.expectation
    assert isinstance(law, SumExpectation)
    p, m = law.probabilities[0], best.menus.point.contributions[0]
    mean = np.bincount(group, p * m) / np.bincount(group, p)
    menu = only_menu(few, few.in_order(mean[None]))
    return Incumbents(menu, np.full(1, -np.inf)).improved(few, menu)


def expanded(
    problem: FirstMoment, group: IntArray, found: Incumbents, best: Incumbents, anchor: FloatArray
) -> Incumbents:
    """The best menu known, or that of the groups, drawn to the anchor until it fits all types."""
    menu = priced(problem, found.menus.point.contributions[:, group], best.menus)
    return best.improved(problem, repaired(problem, menu, anchor))
