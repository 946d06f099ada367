r"""Audit of any menu, from anyone: what it asks, what it promises, and how good it could be.

Nothing about the menu is taken for granted. Each party chooses the option that serves it best, or
its outside option; a promise of more than the collective model is worth, on average, cannot be
kept; and the best menu of the same problem, with its proof, says what is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from .accuracy import BoolArray, FloatArray, IntArray
from .arguments import resolution
from .contract import Contract
from .problem import ROUNDING, SUM_TOLERANCE, Problem, check_problem, checked_menu
from .solver.expectations import moments_at
from .solver.routes import solve
from .texts import brief

__all__ = ["Audit", "Residuals", "audit", "audit_schema", "menu_residuals", "violations"]


#: TOLERANCE: slack, relative to the value of the best model, down to which a constraint counts as
#: satisfied: menus are usually quoted to nine digits or so.
TOLERANCE = 1e-9

#: NO_INDEX: integers to Python or NumPy that name no type.
NO_INDEX = (bool, np.timedelta64)


@dataclass(frozen=True, eq=False)
class Audit:
    """What is wrong with a menu, if anything; types in the order of the problem.

    Slacks are in units of value; negative ones are violations.

    Attributes
    ----------
    contributions, rewards, utilities, reservation_utilities : (I,) ndarray
        The menu, and what each type gets by the option meant for it and outside.
    individual_rationality : (I,) ndarray
        Slack of IR.
    incentive_compatibility : (I, I) ndarray
        Slack of IC: row i, column j is what type i loses by taking the option of type j (by
        staying out, if j is left out or types are known).
    best_option : (I,) ndarray of int
        The option that serves each type best, its own where no other is better; for a type that
        is left out its own is to stay out.
    deviation_gain : (I,) ndarray >= 0
        What it gains by taking that option rather than its own.
    incentive_tolerance : float
        The smallest additive tolerance at which the menu is incentive compatible.
    reward_caps, caps : (I,) ndarray
        The most that each type's mean reward can be, and the slack.
    insolvent : (I,) ndarray of bool
        Whether more is promised than can be delivered on average.
    beyond_capacity : (I,) ndarray of bool
        Whether the option asks for more data than the type has: it has nothing but to stay out, or
        to take another's option.
    participates : (I,) ndarray of bool
        Whether the type has an option and the best is at least as good as its outside option.
    expected_accuracy : float
        E[a(S)] if all types take part and take the options meant for them; like the caps, a bound
        from below if little data may come together in one of too many outcomes to enumerate.
    best_accuracy, upper_bound : float
        What the best menu found reaches, and what no menu exceeds.
    gap : float
        upper_bound - expected_accuracy; a menu that violates constraints may exceed the bound.
    satisfied : bool
        Whether all constraints hold, within ``TOLERANCE`` of the best model's value, or rounding.
    """

    contributions: FloatArray
    rewards: FloatArray
    utilities: FloatArray
    reservation_utilities: FloatArray
    individual_rationality: FloatArray
    incentive_compatibility: FloatArray
    best_option: IntArray
    deviation_gain: FloatArray
    incentive_tolerance: float
    reward_caps: FloatArray
    caps: FloatArray
    insolvent: BoolArray
    beyond_capacity: BoolArray
    participates: BoolArray
    expected_accuracy: float
    best_accuracy: float
    upper_bound: float
    gap: float
    satisfied: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, as described by :func:`audit_schema`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in values.items()
        }


def audit(
    problem: Problem | Contract,
    contributions: npt.ArrayLike | None = None,
    rewards: npt.ArrayLike | None = None,
    *,
    left_out: Sequence[int] = (),
    best: Contract | None = None,
) -> Audit:
    """Check a menu against every constraint and against the best menu.

    Parameters
    ----------
    problem : Problem or Contract
        Of a contract the menu itself is audited, with itself as the best.
    contributions : (I,) array_like >= 0
        Units of data that each type's option asks for; not needed for a contract.
    rewards : (I,) array_like >= 0
        Mean value of the model that it promises; likewise.
    left_out : sequence of int
        Types without an option: theirs is to stay out, and keep what they have outside.
    best : Contract, optional
        What :func:`~paid_with_models.solver.routes.solve` returns for this problem, if it is known.

    Returns
    -------
    Audit

    Raises
    ------
    ValueError
        For a menu of the wrong length, negative or not finite, or with an option for a type that
        is left out, or `best` is of another problem; if expectations cannot be had.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(10, [0.5, 0.5], [1.0, 0.4], GeneralizationBound())
    >>> report = audit(problem, contributions=[60.0, 60.0], rewards=[59.0, 60.0])
    >>> report.satisfied, report.best_option.tolist(), report.deviation_gain.tolist()
    (False, [1, 1], [1.0, 0.0])
    >>> audit(solve(problem)).satisfied
    True
    """
    if isinstance(problem, Contract):
        if contributions is not None or rewards is not None:
            raise ValueError(
                "contributions and rewards must not be given for a contract, which has its own;"
                " audit(contract.problem, contributions, rewards) looks at others"
            )
        contract, problem = problem, problem.problem
        contributions, rewards = contract.contributions, contract.rewards
        left_out, best = np.flatnonzero(~contract.participates).tolist(), best or contract
    if contributions is None or rewards is None:
        raise ValueError(
            "contributions and rewards must be given: audit(problem, contributions, rewards), or"
            " audit(contract)"
        )
    check_problem(problem)
    m = checked_menu("contributions", contributions, problem)
    t = checked_menu("rewards", rewards, problem)
    best = solve(problem) if best is None else best
    if not isinstance(best, Contract):
        raise ValueError(f"best must be a Contract; got {brief(best)}")
    if best.problem is not problem:
        raise ValueError("best must be the contract of this problem; got that of another")
    accuracy, most = moments_at(problem, m)
    options = t - problem.costs[:, None] * m  # [i, j]: what type i gets from option j
    outside, out = best.reservation_utilities, _types_out(left_out, m, t)
    beyond = m > problem.capacities * (1 + SUM_TOLERANCE)
    own = np.eye(m.size, dtype=bool)
    # Nobody can take what it could not fulfil, or, if known, another's: to try is to stay out.
    others = ~own & (m <= problem.capacities[:, None]) & (not problem.types_are_known)
    offered = (others | own & ~beyond) & ~out
    options = np.where(offered, options, outside[:, None])
    utilities = np.diag(options).copy()
    compatibility = utilities[:, None] - options
    # Among options that are equally good, but for rounding, a type takes its own.
    taken = np.where(offered, options, -np.inf)
    gain = taken.max(axis=1) - utilities
    gain = np.where(gain > ROUNDING * problem.model_value.optimum, gain, 0.0)
    choice = np.where(gain > 0, taken.argmax(axis=1), np.arange(m.size))
    caps = most - t
    coarse = max(resolution(contributions), resolution(rewards))  # of a menu in single precision
    allowed = max(TOLERANCE, 4 * coarse) * problem.model_value.optimum
    smallest = min((utilities - outside).min(), compatibility.min(), caps.min())
    return Audit(
        contributions=m,
        rewards=t,
        utilities=utilities,
        reservation_utilities=outside,
        individual_rationality=utilities - outside,
        incentive_compatibility=compatibility,
        best_option=choice,
        deviation_gain=gain,
        incentive_tolerance=float(gain.max()),
        reward_caps=most,
        caps=caps,
        insolvent=caps < -allowed,
        beyond_capacity=beyond,
        participates=(taken.max(axis=1) >= outside - allowed) & ~out,
        expected_accuracy=accuracy,
        best_accuracy=best.expected_accuracy,
        upper_bound=best.upper_bound,
        gap=best.upper_bound - accuracy,
        satisfied=bool(smallest >= -allowed and not beyond.any()),
    )


def audit_schema() -> dict[str, Any]:
    """The JSON schema of :meth:`Audit.to_dict`.

    Examples
    --------
    >>> audit_schema()["title"]
    'Audit of a menu'
    """
    text = files(__package__).joinpath("schemas/audit.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


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
    m = checked_menu("contributions", contributions, problem)
    t = checked_menu("rewards", rewards, problem)
    value_unit = problem.model_value.optimum
    _, caps = moments_at(problem, m)
    f, out = problem.outside_options, _types_out(left_out, m, t)
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


def _types_out(left_out: object, contributions: FloatArray, rewards: FloatArray) -> BoolArray:
    """Which types are left out, (I,), of a menu that has no option for them."""
    out = np.zeros(contributions.shape, dtype=bool)
    if not isinstance(left_out, Iterable) or isinstance(left_out, str | bytes):
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
