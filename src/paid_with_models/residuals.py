"""By how much a menu violates each constraint of the first-moment problem."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .accuracy import BoolArray, FloatArray
from .problem import SUM_TOLERANCE, Problem, check_problem, checked_menu
from .solver.expectations import moments_at
from .texts import brief

__all__ = ["Residuals", "menu_residuals", "types_out", "violations"]


#: NO_INDEX: integers to Python or NumPy that name no type.
NO_INDEX = (bool, np.timedelta64)


@dataclass(frozen=True)
class Residuals:
    """By how much a menu violates each kind of constraint, relative to the best model's value.

    Attributes
    ----------
    individual_rationality, incentive_compatibility, caps : float >= 0
        Largest violation over all types that take part (all pairs of them), 0 if there is none.
    staying_out : float >= 0
        Largest gain that a type left out would have from an option of the others.
    capacities : float >= 0
        Largest contribution beyond what a type has, relative to that.
    """

    individual_rationality: float
    incentive_compatibility: float
    caps: float
    staying_out: float = 0.0
    capacities: float = 0.0

    @property
    def largest(self) -> float:
        """The largest of them."""
        return max(
            self.individual_rationality,
            self.incentive_compatibility,
            self.caps,
            self.staying_out,
            self.capacities,
        )


@np.errstate(over="ignore")  # a violation larger than all numbers is infinite
def menu_residuals(
    problem: Problem,
    contributions: npt.ArrayLike,
    rewards: npt.ArrayLike,
    *,
    left_out: Sequence[int] = (),
) -> Residuals:
    """Check a menu against every constraint of the first-moment problem, all I(I - 1) IC included.

    Parameters
    ----------
    problem : Problem
    contributions, rewards : (I,) array_like >= 0
        Units of data, and of value; 0 for types left out.
    left_out : sequence of int
        Types that do not take part and keep their outside options.

    Returns
    -------
    Residuals

    Raises
    ------
    ValueError
        For a menu of the wrong length, or negative or not finite, or with an option for a type
        that is left out.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(10, [0.5, 0.5], [1.0, 0.4], GeneralizationBound())
    >>> menu_residuals(problem, [60.0, 60.0], [60.0, 60.0]).largest
    0.0
    >>> round(menu_residuals(problem, [60.0, 60.0], [59.0, 60.0]).largest, 12)
    0.01
    """
    check_problem(problem)
    m = checked_menu("contributions", contributions, problem)
    t = checked_menu("rewards", rewards, problem)
    value_unit = problem.model_value.optimum
    _, caps = moments_at(problem, m)
    f, out = problem.outside_options, types_out(left_out, m, t)
    beyond = max(float(np.max(m / problem.capacities)) - 1, 0.0)
    beyond = beyond if beyond > SUM_TOLERANCE else 0.0
    if np.all(out):
        return Residuals(0.0, 0.0, 0.0)
    if problem.types_are_known:
        short = np.max(f[~out] + problem.costs[~out] * m[~out] - t[~out])
        unpaid = np.max(t[~out] - caps[~out])
        return Residuals(
            max(short, 0.0) / value_unit, 0.0, max(unpaid, 0.0) / value_unit, capacities=beyond
        )
    if problem.max_data is not None:
        utilities = np.where(out, f, t - problem.costs * m)
        gain = t - problem.costs[:, None] * m - utilities[:, None]
        within = (m <= problem.capacities[:, None]) & ~out
        slacks = (f - utilities, np.where(within, gain, 0.0), np.where(out, 0.0, t - caps))
        at_most = [max(float(part.max()), 0.0) / value_unit for part in slacks]
        return Residuals(at_most[0], at_most[1], at_most[2], capacities=beyond)
    wanted = t[~out] - problem.costs[out][:, None] * m[~out] - f[out][:, None]
    parts = *violations(problem.costs[~out], m[~out], t[~out], f[~out], caps[~out]), wanted
    return Residuals(*(float(np.max(part, initial=0.0)) / value_unit for part in parts))


def violations(
    costs: FloatArray,
    contributions: FloatArray,
    rewards: FloatArray,
    reservation_utilities: FloatArray,
    caps: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Largest violations of IR, of all IC and of the caps, >= 0, in units of value.

    Parameters
    ----------
    costs, contributions, rewards, reservation_utilities, caps : (..., I) ndarray
        Any number of menus.

    Returns
    -------
    tuple of three (...) ndarray

    Examples
    --------
    >>> costs, m, t = np.array([1.0, 0.5]), np.array([10.0, 10.0]), np.array([10.0, 11.0])
    >>> [float(v) for v in violations(costs, m, t, np.zeros(2), np.array([10.5, 10.5]))]
    [0.0, 1.0, 0.5]
    """
    # [..., i, j]: what type i gets from option j.
    options = rewards[..., None, :] - costs[..., :, None] * contributions[..., None, :]
    utilities = rewards - costs * contributions
    largest = (
        (reservation_utilities - utilities).max(axis=-1),
        (options - utilities[..., :, None]).max(axis=(-2, -1)),
        (rewards - caps).max(axis=-1),
    )
    return (
        np.maximum(largest[0], 0.0),
        np.maximum(largest[1], 0.0),
        np.maximum(largest[2], 0.0),
    )


def types_out(left_out: object, contributions: FloatArray, rewards: FloatArray) -> BoolArray:
    """Which types are left out, (I,), of a menu that has no option for them."""
    out = np.zeros(contributions.shape, dtype=bool)
    plain = isinstance(left_out, str | bytes) or getattr(left_out, "ndim", 1) == 0
    if not isinstance(left_out, Iterable) or plain:
        raise ValueError(f"left_out must be a list of types; got {brief(left_out)}")
    for k in left_out:
        index = k if isinstance(k, int | np.integer) and not isinstance(k, NO_INDEX) else -1
        if not (0 <= index < out.size and contributions[index] == 0 == rewards[index]):
            raise ValueError(
                "left_out must name types without an option, of 0 to"
                f" {out.size - 1}; got {brief(k)}"
            )
        out[index] = True
    return out
