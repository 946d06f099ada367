r"""Menus as chains of increments, and the least utilities that their contributions need.

Single crossing makes contributions non-decreasing and neighboring incentive constraints sufficient.
A menu is then a chain :math:`m_1 \le y_2 \le m_2 \le y_3 \le \dots \le m_I`, and utilities rise by
:math:`(c_{i-1} - c_i)\, y_i` from one type to the next (:mod:`~paid_with_models.solver.program`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from ..accuracy import BoolArray, FloatArray
from ..arguments import reals
from ..texts import brief

__all__ = ["Chain", "least_of", "least_utilities", "running_extremes"]

#: ROUNDING: share of the largest contribution by which one may fall all the same.
ROUNDING = 1e-12


def least_utilities(
    contributions: npt.ArrayLike, costs: npt.ArrayLike, reservation_utilities: npt.ArrayLike
) -> FloatArray:
    """Least utilities that satisfy every IR and IC constraint, given contributions.

    One pass from the costliest type down and one back are enough.

    Parameters
    ----------
    contributions : (..., I) array_like
        Non-decreasing along the last axis, but in any order among equal costs.
    costs : (..., I) array_like
        Non-increasing along the last axis.
    reservation_utilities : (..., I) array_like

    Returns
    -------
    (..., I) ndarray
        Utilities; the least rewards are these plus costs times contributions.

    Raises
    ------
    ValueError
        For numbers that are not finite, of other shapes, or in another order.

    Examples
    --------
    >>> least_utilities([1.0, 3.0], [0.5, 0.25], [0.0, 0.0]).tolist()
    [0.0, 0.25]
    >>> least_utilities([1.0, 3.0], [0.5, 0.25], [0.0, 2.0]).tolist()  # upward IC binds
    [1.25, 2.0]
    """
    given = {
        "contributions": contributions, "costs": costs,
        "reservation_utilities": reservation_utilities,
    }  # fmt: skip
    known = {name: reals(name, values) for name, values in given.items()}
    for name, values in known.items():
        if values.ndim == 0 or not np.isfinite(values).all():
            raise ValueError(f"{name} must be a list of finite numbers; got {brief(given[name])}")
    try:
        m, c, f = (np.array(it) for it in np.broadcast_arrays(*known.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in known.items())
        raise ValueError(f"arguments must have one entry per type; got {shapes}") from None
    steps = -np.diff(c, axis=-1)
    if (steps < 0).any():
        raise ValueError(f"costs must not rise; got {brief(costs)}")
    falls = (steps > 0) & (np.diff(m, axis=-1) < -ROUNDING * m.max(initial=0.0))
    if (m < 0).any() or falls.any():
        rule = "must be >= 0 and not fall where costs do"
        raise ValueError(f"contributions {rule}; got {brief(contributions)}")
    return least_of(m, steps, f)


def least_of(m: FloatArray, steps: FloatArray, outside: FloatArray) -> FloatArray:
    """The same from cost differences to the type before, (..., I - 1)."""
    # Both are m itself except among ties, where the largest and the least option count.
    most, least = running_extremes(m)
    # u_i >= u_(i-1) + steps m_(i-1) is a running maximum once the sums of steps are taken out.
    gained = np.zeros_like(m)
    np.cumsum(steps * most[..., :-1], axis=-1, out=gained[..., 1:])
    u = np.maximum(outside, np.maximum.accumulate(outside - gained, axis=-1) + gained)
    # So is u_i >= u_(i+1) - steps m_(i+1), but there the sums are no utilities of the menu: they
    # can be so much larger that nothing is left of u. It rarely binds.
    lost = steps * least[..., 1:]
    if (u[..., 1:] - lost > u[..., :-1]).any():
        for i in range(m.shape[-1] - 2, -1, -1):
            u[..., i] = np.maximum(u[..., i], u[..., i + 1] - lost[..., i])
    return u


def running_extremes(m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The largest up to each along the last axis, and the least from each on."""
    return (
        np.maximum.accumulate(m, axis=-1),
        np.minimum.accumulate(m[..., ::-1], axis=-1)[..., ::-1],
    )


@dataclass(frozen=True, eq=False)
class Chain:
    r"""How a menu is made of increments; the same for all problems with the same ties.

    The 2I increments are, per type i, :math:`y_i - m_{i-1}` (for the first type: the utility
    beyond its outside option) and :math:`m_i - y_i`; types of equal cost share their :math:`y`.

    Attributes
    ----------
    ties : (I,) tuple of bool
        Which types have the same cost as the type before.
    contributions : (I, 2I) ndarray
        m = contributions @ increments.
    slopes : (I, 2I) ndarray
        y = slopes @ increments (row 0 is zero).
    order : (R, 2I) ndarray
        order @ increments >= 0: among types of equal cost none contributes more than the y of
        the next type (for the last of them that is an increment itself). Empty without ties.
    live : (2I,) ndarray of bool
        False for the increments that ties make meaningless; they are held at zero.
    """

    ties: tuple[bool, ...]
    live: BoolArray

    @classmethod
    def of(cls, ties: tuple[bool, ...]) -> Chain:
        """The chain of types of which some have the same cost as the type before."""
        return _chain(ties)

    @property
    def contributions(self) -> FloatArray:
        return self._matrices[0]

    @property
    def slopes(self) -> FloatArray:
        return self._matrices[1]

    @property
    def order(self) -> FloatArray:
        return self._matrices[2]

    @cached_property
    def _matrices(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Made when asked for: with many types nobody does."""
        n_types = len(self.ties)
        m = np.zeros((n_types, 2 * n_types))
        y = np.zeros_like(m)
        order = []
        first = 0  # of the present run of equal costs
        for i in range(n_types):
            if i > 0 and self.ties[i]:
                y[i] = y[i - 1]
            elif i > 0:
                y[i] = m[i - 1]
                y[i, 2 * i] = 1
                order += [y[i] - m[k] for k in range(first, i - 1)]
                first = i
            m[i] = y[i]
            m[i, 2 * i + 1] = 1
        return m, y, np.array(order).reshape(-1, 2 * n_types)

    @cached_property
    def n_order(self) -> int:
        """Number of rows of ``order``: in a run of equal costs all types but the last."""
        return len(self.order) if any(self.ties) else 0


@lru_cache(maxsize=256)
def _chain(ties: tuple[bool, ...]) -> Chain:
    live = np.ones(2 * len(ties), dtype=bool)
    live[2::2] = ~np.array(ties[1:], dtype=bool)
    return Chain(ties, live)
