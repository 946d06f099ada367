"""Menus of one or two options for many types and few parties, by trying.

With dear data and few parties it is best to leave most types at nothing and to give the cheapest
ones an option or two: a menu that local searches from inside do not find, because next to nothing
from many types trains no model at all. There are few such menus: which types have which option, and
how much it asks. Contributions of nothing are exact, so that expectations are exact as well, also
by exponential sums, as long as one party on an option trains a model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..accuracy import FloatArray, IntArray
from .menus import Incumbents, priced, satisfies
from .moments import Expectation
from .program import FirstMoment

__all__ = ["Law", "with_few_options"]

#: Law: exact expectations of menus that bunch in a given way, from the bunch of each type; None if
#: there are too many outcomes even so.
Law = Callable[[IntArray], Expectation | None]

#: TRIED_AT_ONCE: menus are tried together up to so many numbers (types times menus).
TRIED_AT_ONCE = 4_000

#: TRIED: most numbers (types times menus) that are tried for a problem: about a second.
TRIED = 60_000

#: LEVELS: most numbers of types that are left at nothing.
LEVELS = 24

#: ASKED: first guesses of what an option asks, relative to the data at which a model has worth.
ASKED = np.geomspace(0.3, 30.0, 80)

#: NEARBY: factors by which what an option asks is varied, coarse to fine.
NEARBY = (np.geomspace(0.7, 1.4, 9), np.geomspace(0.95, 1.05, 9), np.geomspace(0.995, 1.005, 9))

#: MORE: what a second option asks, relative to the first.
MORE = np.array([1.2, 1.6, 2.5, 4.0, 8.0])


def with_few_options(problem: FirstMoment, best: Incumbents, law: Law | None = None) -> Incumbents:
    """The best menus known, after trying those of one and two options.

    Parameters
    ----------
    problem : FirstMoment
        A batch of one, on the curves themselves.
    best : Incumbents
    law : Law, optional
        Who turns up, where menus of few options have much fewer outcomes.

    Returns
    -------
    Incumbents
    """
    n_types = problem.costs.shape[1]
    types = np.arange(n_types)
    levels = np.unique(np.linspace(0, n_types - 1, LEVELS).astype(int))
    unit = max(problem.accuracy.envelope().tangent_point, 1e-3 * float(problem.reach.min()))

    def tried(menus: FloatArray, known: Incumbents) -> Incumbents:
        """The best of the menus, if it beats what is known."""
        menus = problem.in_order(menus)
        values = [
            _values(problem, menus[start : start + at_once], law)
            for start in range(0, len(menus), at_once)
        ]
        first = int(np.argmax(np.concatenate(values)))
        if np.concatenate(values)[first] <= known.reached[0]:
            return known
        return known.improved(problem, priced(problem, menus[first : first + 1], known.menus))

    at_once = max(1, TRIED_AT_ONCE // n_types)
    some = ASKED[:: max(1, ASKED.size * levels.size * n_types // TRIED)]
    menus = [np.where(types >= k, ask * unit, 0.0) for k in levels for ask in some]
    best = tried(np.array(menus), best)
    for _ in range(2):
        m = best.menus.point.contributions[0]
        steps = [np.where(types >= k, m * more, m) for k in levels for more in MORE]
        steps += [np.where(types >= k, m, 0.0) for k in levels]
        best = tried(np.array(steps), best)
        for factors in NEARBY:
            m = best.menus.point.contributions[0]
            options = np.unique(m[m > 0])[:4]
            near = [np.where(m == it, factor * it, m) for it in options for factor in factors]
            best = tried(np.array([m, *near, *(factor * m for factor in factors)]), best)
    return best


def _values(problem: FirstMoment, menus: FloatArray, law: Law | None) -> FloatArray:
    """Expected accuracy of menus, (M, I); -inf where not feasible, or not of few options."""
    if law is None:
        each = problem.take(np.zeros(len(menus), dtype=int))
        point = each.point(each.increments_of(menus))
        return np.where(satisfies(each, point), point.moments.accuracy, -np.inf)
    bunches = np.zeros(menus.shape, dtype=int)
    bunches[:, 1:] = np.cumsum(np.diff(menus, axis=1) != 0, axis=1)
    values = np.full(len(menus), -np.inf)
    for bunch in np.unique(bunches, axis=0):
        few = law(bunch)
        if few is None:
            continue
        model = replace(problem, expectation=few)
        for k in np.flatnonzero((bunches == bunch).all(axis=1)):  # such laws are of one menu
            point = model.point(model.increments_of(menus[k : k + 1]))
            if satisfies(model, point)[0]:
                values[k] = point.moments.accuracy[0]
    return values
