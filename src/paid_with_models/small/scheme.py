"""One selection of types as a concave program's linear part: the chain of increments.

Value is linear in accuracy, and money is measured in values of one unit of accuracy, so that
rewards, utilities and accuracies share one unit. Types come in order of cost, costliest first.
Those left out contribute nothing; to expectations they are one more kind of party.

A menu is a chain m_1 <= y_2 <= m_2 <= ... <= m_I of which the utilities are

    u_1 = f_1 + x_1,    u_i = u_(i-1) + (c_(i-1) - c_i) y_i,

with f the outside options and x >= 0 the increments of the chain. Types of equal cost hang side by
side on one y. All constraints but the caps are linear in x: u_i >= f_i; the order of ties; and that
no type left out wants an option, u_j + (c_j - c_k) m_j <= f_k, for the types j next to it in cost.
"""

from dataclasses import dataclass

from .curve import Curve

__all__ = ["Scheme", "least_utilities", "make_scheme"]


@dataclass(frozen=True, eq=False)
class Scheme:
    """What is to be decided for a selection of types, in increments.

    Attributes
    ----------
    n : int
        Parties.
    curve : Curve
    own : bool
        Whether a party counts itself in: the others are Multinomial(n - 1, p).
    others : float
        Probability of being of a type that is left out; 0 if there is none.
    p, cost, outside, alone : list of float
        Of the types in: probability, cost, outside option, contribution in autarky. Outside
        options are those of the types of equal cost that demand most: they share one utility.
    left_cost, left_outside : list of float
        Of the types that are left out.
    columns : int
        Increments, and one more column: by how much what is elastic may be exceeded, at a price.
    box : list of float
        Upper bounds of the increments in every menu.
    kind : list of int
        The type that an increment belongs to; -1 for the first utility.
    m_rows, u_rows : list of list of float
        Contributions, and utilities less the first outside option, in the increments.
    rows : list of list of float
        Linear constraints: rows times increments at least ``least``.
    least : list of float
    elastic : list of float
        1 for rows that may be exceeded at a price: that nobody left out wants to come in; else 0.
    ties : bool
        Whether any costs are equal.
    """

    n: int
    curve: Curve
    own: bool
    others: float
    p: list[float]
    cost: list[float]
    outside: list[float]
    alone: list[float]
    left_cost: list[float]
    left_outside: list[float]
    columns: int
    box: list[float]
    kind: list[int]
    m_rows: list[list[float]]
    u_rows: list[list[float]]
    rows: list[list[float]]
    least: list[float]
    elastic: list[float]
    ties: bool


def make_scheme(
    n: int,
    curve: Curve,
    own: bool,
    p: list[float],
    cost: list[float],
    outside: list[float],
    alone: list[float],
    taken: list[bool],
) -> Scheme:
    """The scheme for the types taken in.

    Parameters
    ----------
    n : int
    curve : Curve
    own : bool
    p, cost, outside, alone : list of float
        Of all types, costliest first.
    taken : list of bool
        Who is in; at least one is.

    Returns
    -------
    Scheme

    Examples
    --------
    >>> from .curve import generalization_bound
    >>> stated = [0.5, 0.5], [0.02, 0.01], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(9, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> scheme.columns, len(scheme.rows), scheme.others
    (5, 1, 0.0)
    """
    p_in: list[float] = []
    c: list[float] = []
    f: list[float] = []
    alone_in: list[float] = []
    left_cost: list[float] = []
    left_outside: list[float] = []
    others = 0.0
    for i in range(len(cost)):
        if taken[i]:
            p_in.append(p[i])
            c.append(cost[i])
            f.append(outside[i])
            alone_in.append(alone[i])
        else:
            others += p[i]
            left_cost.append(cost[i])
            left_outside.append(outside[i])
    for i in range(len(c)):
        for j in range(len(c)):
            if c[i] == c[j]:
                f[i] = max(f[i], f[j])
    size = len(c)
    width = 2 * size + 1
    column = 1
    box = [curve.top - f[0]]
    kind = [-1]
    m_rows: list[list[float]] = []
    u_rows: list[list[float]] = []
    rows: list[list[float]] = []
    least: list[float] = []
    base = [0.0] * width
    utility = [0.0] * width
    utility[0] = 1.0
    first = 0
    for i in range(size):
        if i > 0 and c[i] < c[i - 1]:
            base = m_rows[i - 1][:]
            base[column] = 1.0
            box.append((curve.top - f[i - 1]) / c[i - 1])
            kind.append(i)
            column += 1
            for earlier in range(first, i - 1):
                rows.append(_sum(base, -1.0, m_rows[earlier]))
                least.append(0.0)
            first = i
            utility = _sum(utility, c[i - 1] - c[i], base)
            rows.append(utility)
            least.append(f[i] - f[0])
        own_row = base[:]
        own_row[column] = 1.0
        box.append((curve.top - f[i]) / c[i])
        kind.append(i)
        column += 1
        m_rows.append(own_row)
        u_rows.append(utility)
    elastic = [0.0] * len(rows)
    for k in range(len(left_cost)):
        # The options that it could want most are those next to it in cost.
        above, below = 0.0, 0.0
        for j in range(size):
            if c[j] >= left_cost[k]:
                above = c[j]
            elif below == 0:
                below = c[j]
        for j in range(size):
            if c[j] == above or c[j] == below:
                wanted = _sum(u_rows[j], c[j] - left_cost[k], m_rows[j])
                rows.append(_sum([0.0] * width, -1.0, wanted))
                least.append(f[0] - left_outside[k])
                elastic.append(1.0)
    return Scheme(
        n,
        curve,
        own,
        others,
        p_in,
        c,
        f,
        alone_in,
        left_cost,
        left_outside,
        column + 1,
        box,
        kind,
        m_rows,
        u_rows,
        rows,
        least,
        elastic,
        column < 2 * size,
    )


def _sum(a: list[float], times: float, b: list[float]) -> list[float]:
    """A row plus so many times another."""
    total = a[:]
    for c in range(len(b)):
        total[c] += times * b[c]
    return total


def least_utilities(scheme: Scheme, m: list[float]) -> list[float]:
    """Least utilities that satisfy IR and IC for these contributions: one pass down, one back.

    Parameters
    ----------
    scheme : Scheme
    m : list of float
        Non-decreasing, but in any order among equal costs.

    Returns
    -------
    list of float
        In accuracy.

    Examples
    --------
    >>> from .curve import generalization_bound
    >>> stated = [0.5, 0.5], [0.5, 0.25], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(9, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> least_utilities(scheme, [1.0, 3.0])
    [0.0, 0.25]
    """
    size, cost = len(m), scheme.cost
    u = scheme.outside[:]
    most, least = m[0], m[size - 1]
    for i in range(1, size):
        u[i] = max(u[i], u[i - 1] + (cost[i - 1] - cost[i]) * most)
        most = max(most, m[i])
    for i in range(size - 2, -1, -1):
        u[i] = max(u[i], u[i + 1] - (cost[i] - cost[i + 1]) * least)
        least = min(least, m[i])
    return u
