"""Menus of the small solver: priced, repaired where they are next to feasible, and tidied."""

import math
from dataclasses import dataclass

from .expectation import moments
from .law import Law
from .scheme import least_utilities

__all__ = ["FEASIBLE", "Menu", "blended", "priced", "tidied"]

#: FEASIBLE: by so much caps may be exceeded, in accuracy; rounding of expectations.
FEASIBLE = 1e-12

#: ALIKE, NOTHING, WORTHLESS: contributions this close, relative to the largest, may be one; this
#: small, nothing; at no more loss of accuracy than this.
ALIKE, NOTHING, WORTHLESS = 1e-3, 1e-7, 3e-11

#: BISECTIONS: of the way between a menu that is feasible and one that is not.
BISECTIONS = 44


@dataclass(frozen=True, eq=False)
class Menu:
    """What each type in gives and gets, with the least rewards.

    Attributes
    ----------
    selection : int
        Which selection of types; -1 if nobody is in.
    law : Law
        By which it is priced.
    m, u, t, caps : list of float
        Contributions; utilities, rewards and the most they could be, in accuracy.
    accuracy : float
        E[a(S)].
    spare : float
        The least that is left of a cap, or of a left-out type's outside option over what it would
        have inside; negative if the menu is not feasible.
    """

    selection: int
    law: Law
    m: list[float]
    u: list[float]
    t: list[float]
    caps: list[float]
    accuracy: float
    spare: float


def priced(selection: int, law: Law, m: list[float]) -> Menu:
    """The menu with contributions m, non-decreasing, and the least rewards.

    Examples
    --------
    >>> from .law import outcomes
    >>> from .curve import generalization_bound
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.5, 0.25], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(9, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> menu = priced(0, outcomes(scheme), [1.0, 3.0])
    >>> menu.t, menu.spare < 0  # more than the model is worth
    ([0.5, 1.0], True)
    """
    scheme = law.scheme
    size = len(m)
    at = moments(law, m, [0.0] * size, False)
    u = least_utilities(scheme, m)
    t = [0.0] * size
    spare = math.inf
    for i in range(size):
        t[i] = u[i] + scheme.cost[i] * m[i]
        spare = min(spare, at.values[i] - t[i])
        for k in range(len(scheme.left_cost)):
            spare = min(spare, scheme.left_outside[k] - t[i] + scheme.left_cost[k] * m[i])
    return Menu(selection, law, m, u, t, at.values, max(at.accuracy, scheme.curve.base), spare)


def blended(menu: Menu, anchor: list[float]) -> Menu:
    """The menu drawn toward contributions that are feasible, as far as needed.

    Examples
    --------
    >>> from .law import TRUE_CURVE, outcomes, with_status
    >>> from .curve import generalization_bound
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.02, 0.01], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(9, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> law = outcomes(scheme)
    >>> law = with_status(law, [TRUE_CURVE] * len(law.chance))
    >>> menu = blended(priced(0, law, [90.0, 90.0]), [0.0, 0.0])
    >>> menu.spare >= -FEASIBLE
    True
    """
    low, high = 0.0, 1.0
    size = len(menu.m)
    best = priced(menu.selection, menu.law, anchor)
    if best.spare < -FEASIBLE:
        return menu
    for _ in range(BISECTIONS):
        part = 0.5 * (low + high)
        blend = [0.0] * size
        for i in range(size):
            blend[i] = anchor[i] + part * (menu.m[i] - anchor[i])
        between = priced(menu.selection, menu.law, blend)
        if between.spare >= -FEASIBLE:
            low = part
            best = between
        else:
            high = part
    return best


def tidied(menu: Menu) -> Menu:
    """Options that are next to equal made equal, next to nothing made nothing, if that is free.

    The interior-point method ends close to such menus, not on them, and where accuracy is flat
    that close is not very.

    Examples
    --------
    >>> from .law import exponential_sum
    >>> from .curve import generalization_bound
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.002, 0.001], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(9, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> menu = tidied(priced(0, exponential_sum(scheme, 0, False), [330.0, 330.00001]))
    >>> menu.m[0] == menu.m[1]
    True
    """
    size, p = len(menu.m), menu.law.scheme.p
    most = 0.0
    for value in menu.m:
        most = max(most, value)
    m = menu.m[:]
    first = 0
    for i in range(1, size + 1):
        if i == size or abs(menu.m[i] - menu.m[i - 1]) > ALIKE * most:
            total, mass = 0.0, 0.0
            for h in range(first, i):
                total += p[h] * menu.m[h]
                mass += p[h]
            for h in range(first, i):
                m[h] = total / mass if total > NOTHING * mass * most else 0.0
            first = i
    tidy = priced(menu.selection, menu.law, m)
    if tidy.spare >= -FEASIBLE and tidy.accuracy >= menu.accuracy - WORTHLESS:
        return tidy
    return menu
