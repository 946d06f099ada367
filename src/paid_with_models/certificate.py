r"""Proof: bounds that no menu can exceed, and predicates that check one.

**The bound.** Replace accuracy and v(a) by their concave envelopes. F and the caps T grow, the
first-moment problem becomes convex, and by weak duality *any* non-negative multipliers of its
constraints bound the expected accuracy of every menu, by any method:

.. math::

   F(m') \le \max_{0 \le x \le \bar x} \Bigl[\hat F(x) + \mu \cdot (G x - h)
   + \lambda \cdot (\hat T(x) - t(x))\Bigr]
   \le L(x^*) + \sum_j \max\{g_j (\bar x_j - x^*_j),\, -g_j x^*_j\} ,

with x the increments of the menu (all non-negative), :math:`\bar x` a box that contains every
feasible menu, L the bracket and g its gradient at :math:`x^*`: a concave function lies below its
tangent. :func:`dual_bound` evaluates the right-hand side in closed form and adds the rounding
error of the expectations, so no solver's tolerance can make it wrong. It is tight when
:math:`x^*` and the multipliers are optimal.

**The independent check.** :func:`linear_program_bound` uses no multipliers of ours: tangent planes
of :math:`\hat F` and :math:`\hat T_i` with *all* IR and IC constraints make a linear program,
stated in CVXPY, whose optimum is the same bound up to the linear solver's tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .accuracy import FloatArray
from .exponential_sum import expectation_of, moments_at
from .first_moment import FirstMoment, Point
from .problem import Problem, _vector

__all__ = ["Residuals", "dual_bound", "linear_program_bound", "menu_residuals", "violations"]


def dual_bound(
    problem: FirstMoment, point: Point, row_prices: FloatArray, cap_prices: FloatArray
) -> FloatArray:
    """Safe upper bound on the expected accuracy of every menu, for a batch.

    Parameters
    ----------
    problem : FirstMoment
        With *concave* curves on or above those of the menus to be bounded.
    point : Point
        Any point of it, best its optimum.
    row_prices, cap_prices : (B, R), (B, I) ndarray
        Multipliers of the linear constraints and of the caps; negative ones are set to zero.

    Returns
    -------
    (B,) ndarray
        At most the limit of the accuracy curve.
    """
    rows, caps = np.maximum(row_prices, 0.0), np.maximum(cap_prices, 0.0)
    gradient = problem.gradient(point, rows, caps)
    bound = (
        point.moments.accuracy
        + np.sum(rows * point.rows, axis=1)
        + np.sum(caps * point.caps, axis=1)
        + np.sum(
            np.maximum(
                gradient * np.maximum(problem.box - point.increments, 0.0),
                -gradient * point.increments,
            ),
            axis=1,
        )
    )
    # What the expectations may be wrong by, at the point and along the box; then the roundings of
    # the sums above, whose terms are products of numbers of size 1 with the prices.
    wrong = problem.expectation.uncertainty(problem.accuracy, problem.value, point.contributions)
    pulled = point.moments.weighted_gradient(caps / problem.value_unit)
    reach = (1 - problem.reservation_utilities) / problem.costs
    slopes = wrong.relative_slope * pulled + wrong.slope * (1 + caps.sum(axis=1, keepdims=True))
    bound = (
        bound
        + wrong.accuracy
        + np.sum(caps * wrong.values, axis=1) / problem.value_unit
        + np.sum(slopes * reach, axis=1)
    )
    entries = problem.box.shape[1] + rows.shape[1]
    rounding = 4 * entries * np.finfo(float).eps
    bound = bound + rounding * (2 + 2 * caps.sum(axis=1) + rows.sum(axis=1))
    return np.asarray(np.minimum(bound, problem.accuracy.optimum))


def linear_program_bound(
    problem: Problem, contributions: npt.ArrayLike, *, planes: int = 30, tolerance: float = 1e-9
) -> float:
    r"""Upper bound on the expected accuracy of every menu, by linear programming through CVXPY.

    Planes are tangent to :math:`\hat F` and :math:`\hat T_i`, at ``contributions`` first, then at
    each optimum of the linear program, until the bound stops falling.

    Parameters
    ----------
    problem : Problem
    contributions : (I,) array_like >= 0
        Where the first tangent planes touch; best an optimal menu's, then one round is enough.
        A type whose outside option is better than autarky may stay out, and the program lets it
        be in by a part: there the bound covers every selection, but is not tight.
    planes : int >= 1
        Most rounds.
    tolerance : float > 0
        Stop when the bound meets the concave function's own value up to this, or when a round
        lowers it by less. (Rounds that leave it at the curve's optimum say nothing yet.)

    Returns
    -------
    float
        The bound, right to the tolerance of the linear solver (HiGHS, 1e-7 in feasibility).

    Raises
    ------
    ValueError
        For contributions that do not fit the problem.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(10, [0.2] * 5, [1.0, 0.85, 0.7, 0.55, 0.4], GeneralizationBound())
    >>> round(linear_program_bound(problem, [69.0532528] * 5), 6)
    0.690533
    """
    import cvxpy as cp  # takes a second to import, and only this function needs it

    touch = _menu("contributions", contributions, problem)
    value_unit = problem.model_value.optimum
    costs = problem.costs / value_unit
    outside = problem.outside_options / value_unit
    # What a type gets outside that may be left out; one that is in by a part gets that part.
    forgone = np.where(problem.better_outside, outside, 0.0)
    outcomes = expectation_of(problem)
    curves = problem.accuracy.envelope(), problem.model_value.envelope()
    # Data in units of the most that a type could contribute: rewards and IR let none give more.
    unit = np.maximum(1 - outside, 0.0) / costs
    share = cp.Variable(problem.n_types, nonneg=True)
    rewards = cp.Variable(problem.n_types)
    accuracy = cp.Variable()
    data = np.diag(unit) @ share
    paid = np.diag(costs) @ data
    constraints = [
        rewards <= 1,
        accuracy <= problem.accuracy.optimum,
        rewards - paid >= outside - forgone + np.diag(forgone) @ share,
    ]
    for i in range(problem.n_types):
        others = np.arange(problem.n_types) != i
        own = rewards[i] - paid[i] + forgone[i] * (1 - share[i])
        if others.any():
            constraints.append(own >= rewards[others] - costs[i] * data[others])
    bound = np.inf
    for _ in range(planes):
        at = outcomes.moments(*curves, touch[None])
        constraints += [
            accuracy <= at.accuracy[0] + at.accuracy_gradient[0] @ (data - touch),
            rewards <= (at.values[0] + at.value_jacobian[0] @ (data - touch)) / value_unit,
        ]
        program = cp.Problem(cp.Maximize(accuracy), constraints)
        program.solve(solver=cp.HIGHS)  # type: ignore[no-untyped-call]
        if program.status != cp.OPTIMAL:
            raise ValueError(
                f"contributions: the linear program at {touch.tolist()} ended as {program.status}"
            )
        previous, bound = bound, min(bound, float(np.asarray(accuracy.value)))
        touch = np.asarray(share.value) * unit
        reached = float(outcomes.moments(*curves, touch[None]).accuracy[0])
        stalled = previous - bound <= tolerance and bound < problem.accuracy.optimum - tolerance
        if stalled or bound - reached <= tolerance:
            break
    return bound


@dataclass(frozen=True)
class Residuals:
    """By how much a menu violates each kind of constraint, relative to the best model's value.

    Attributes
    ----------
    individual_rationality, incentive_compatibility, caps : float >= 0
        Largest violation over all types that take part (all pairs of them), 0 if there is none.
    staying_out : float >= 0
        Largest gain that a type left out would have from an option of the others.
    """

    individual_rationality: float
    incentive_compatibility: float
    caps: float
    staying_out: float = 0.0

    @property
    def largest(self) -> float:
        """The largest of the four."""
        return max(
            self.individual_rationality,
            self.incentive_compatibility,
            self.caps,
            self.staying_out,
        )


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
    m = _menu("contributions", contributions, problem)
    t = _menu("rewards", rewards, problem)
    value_unit = problem.model_value.optimum
    _, caps = moments_at(problem, m)
    f, out = problem.outside_options, _types_out(left_out, m, t)
    if np.all(out):
        return Residuals(0.0, 0.0, 0.0)
    wanted = t[~out] - problem.costs[out][:, None] * m[~out] - f[out][:, None]
    largest = *violations(problem.costs[~out], m[~out], t[~out], f[~out], caps[~out]), wanted
    return Residuals(*(float(np.max(part, initial=0.0)) / value_unit for part in largest))


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


def _types_out(
    left_out: Sequence[int], contributions: FloatArray, rewards: FloatArray
) -> npt.NDArray[np.bool_]:
    """Which types are left out, (I,), of a menu that has no option for them."""
    out = np.zeros(contributions.shape, dtype=bool)
    for k in left_out:
        if not (0 <= k < out.size and contributions[k] == 0 == rewards[k]):
            raise ValueError(
                f"left_out must name types without an option, of 0 to {out.size - 1}; got {k!r}"
            )
        out[k] = True
    return out


def _menu(name: str, values: npt.ArrayLike, problem: Problem) -> FloatArray:
    array = _vector(name, values)
    if array.shape != problem.costs.shape:
        raise ValueError(
            f"{name} must have one entry per type, {problem.n_types}; got {array.size}"
        )
    if not np.all((array >= 0) & (array < np.inf)):
        raise ValueError(f"{name} must be non-negative and finite; got {array.tolist()}")
    return array
