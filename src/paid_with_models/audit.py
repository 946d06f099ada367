r"""Audit of any menu, from anyone: what it asks, what it promises, and how good it could be.

Nothing about the menu is taken for granted. Each party chooses the option that serves it best, or
its outside option; a promise of more than the collective model is worth, on average, cannot be
kept; and the best menu of the same problem, with its proof, says what is lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from .accuracy import BoolArray, FloatArray, IntArray
from .arguments import ReadOnly, instance, resolution
from .contract import Contract
from .problem import ROUNDING, SUM_TOLERANCE, Problem, check_problem, checked_menu
from .residuals import types_out
from .solver.expectations import moments_at
from .solver.routes import solve
from .texts import brief

__all__ = ["Audit", "audit", "audit_schema"]


#: TOLERANCE: slack, relative to the value of the best model, down to which a constraint counts as
#: satisfied: menus are usually quoted to nine digits or so.
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Audit(ReadOnly):
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


@np.errstate(over="ignore")  # a violation larger than all numbers is infinite
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
        if not isinstance(left_out, tuple | list) or left_out:
            raise ValueError(f"left_out must not be given for a contract; got {brief(left_out)}")
        contract, problem = problem, problem.problem
        contributions, rewards = contract.contributions, contract.rewards
        left_out = np.flatnonzero(~contract.participates).tolist()
        best = contract if best is None else best
    if contributions is None or rewards is None:
        raise ValueError(
            "contributions and rewards must be given: audit(problem, contributions, rewards), or"
            " audit(contract)"
        )
    check_problem(problem)
    m = checked_menu("contributions", contributions, problem)
    t = checked_menu("rewards", rewards, problem)
    best = solve(problem) if best is None else best
    instance("best", best, Contract, "solve(problem)")
    if best.problem != problem:
        raise ValueError("best must be the contract of this problem; got that of another")
    accuracy, most = moments_at(problem, m)
    options = t - problem.costs[:, None] * m  # [i, j]: what type i gets from option j
    outside, out = best.reservation_utilities, types_out(left_out, m, t)
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
