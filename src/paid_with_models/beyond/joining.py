r"""Who may join, and quotas that keep every constraint on the curves themselves.

The convex program works on concave envelopes and stops next to its solution. What it finds is
judged here, with the accuracy curve and the valuation as they are: least rewards, caps, and who
would rather have another option (:class:`KeptConstraints`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray, IntArray
from ..arguments import real
from ..attendance import conditional_probabilities, enumerate_outcomes, outcome_probabilities
from ..problem import Problem, autarky, check_problem
from ..solver.chain import least_utilities
from ..texts import brief

__all__ = ["KEPT", "Kept", "KeptConstraints", "Law", "law_of", "problem_of"]

#: KEPT: relative slack, in values of the best model, that rounding may cost a constraint.
KEPT = 1e-10

#: NEGLIGIBLE: a total below this part of what is of use is none; far less than ``KEPT`` is worth.
NEGLIGIBLE = 1e-11


@dataclass(frozen=True, eq=False)
class Law:
    """Who may join.

    Attributes
    ----------
    joining : float
        Probability that each party joins.
    counts : (K, I) ndarray of int
        How many of each type.
    probabilities : (K,) ndarray
    seen : (K, I) ndarray
        Probabilities as a party of each type sees them.
    """

    joining: float
    counts: npt.NDArray[np.int64]
    probabilities: FloatArray
    seen: FloatArray


def law_of(problem: Problem, joining: float = 1.0) -> Law:
    """All outcomes of a problem in which each party joins with some probability.

    Parameters
    ----------
    problem : Problem
    joining : float in (0, 1]

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate, or ``joining`` is out of its range.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> law = law_of(Problem(2, [0.5, 0.5], [0.2, 0.05], GeneralizationBound()), 0.5)
    >>> law.counts[0].tolist(), float(law.probabilities[0])
    ([0, 0], 0.25)
    """
    check_problem(problem)
    if not 0 < (joining := real("joining", joining)) <= 1:
        raise ValueError(f"joining must be in (0, 1]; got {joining!r}")
    p, n = problem.probabilities, problem.n_types
    if joining < 1:  # those who do not join are one more type
        p = np.append(joining * p, 1 - joining)
    counts = enumerate_outcomes(problem.n_parties, p.size)
    seen = conditional_probabilities(counts, p, problem.beliefs)
    return Law(joining, counts[:, :n], outcome_probabilities(counts, p), seen[:, :n])


def problem_of(contract: object) -> Problem:
    """The problem of a contract with quotas; refuse what is none, and say what makes one.

    Raises
    ------
    ValueError
        Naming the argument.

    Examples
    --------
    >>> problem_of(None)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: contract must be a ResponsiveContract, as ... returns; got None
    """
    problem = getattr(contract, "problem", None)
    parts = ("quotas", "joining", "certain_rewards")  # its class imports this module
    if not isinstance(problem, Problem) or not all(hasattr(contract, part) for part in parts):
        rule = "contract must be a ResponsiveContract, as solve_responsive(problem) returns"
        hint = "; as_responsive makes one of a menu" if isinstance(problem, Problem) else ""
        raise ValueError(f"{rule}; got {brief(contract)}{hint}")
    return problem


@dataclass(frozen=True, eq=False)
class Kept:
    """Quotas (K, I) that keep every constraint, and what follows from them, in money."""

    quotas: FloatArray
    carried_out: FloatArray
    worth: FloatArray  # of the collective model if carried out, (K,)
    means: FloatArray
    utilities: FloatArray
    caps: FloatArray
    accuracy: float


@dataclass(frozen=True, eq=False)
class KeptConstraints:
    """The constraints on the curves themselves, for the types inside, costliest first."""

    problem: Problem
    law: Law
    inside: IntArray
    out: IntArray
    most: FloatArray
    lotteries: bool

    def kept(self, quotas: FloatArray) -> Kept | None:
        """Quotas that keep every constraint, as near as need be to autarky, which does."""
        present = self.law.counts[:, self.inside] > 0
        alone = np.where(present, autarky(self.problem).contributions[self.inside], 0.0)
        for share in (0.0, *np.geomspace(1e-12, 1.0, 25)):
            found = self._rated((1 - share) * quotas + share * alone)
            if found is not None:
                return found
        return None

    def _rated(self, quotas: FloatArray) -> Kept | None:
        problem, law, inside = self.problem, self.law, self.inside
        counts, seen = law.counts[:, inside], law.seen[:, inside]
        value, costs = problem.model_value, problem.costs[inside]
        means = np.einsum("ki,ki->i", seen, quotas)
        totals = np.einsum("ki,ki->k", counts, quotas)
        carried_out = np.ones(len(totals))
        if self.lotteries:
            # Below the tangent points little data is worth less than a chance of much.
            enough = max(value.envelope().tangent_point, problem.accuracy.envelope().tangent_point)
            # What is next to nothing is nothing.
            quotas = np.where((totals > NEGLIGIBLE * enough)[:, None], quotas, 0.0)
            totals = np.einsum("ki,ki->k", counts, quotas)
            few = (totals > 0) & (totals < enough)
            larger = np.where(few, enough / np.where(few, totals, 1.0), 1.0)
            few &= np.all(quotas * larger[:, None] <= self.most, axis=1)
            carried_out = np.divide(totals, enough, out=carried_out, where=few)
            quotas, totals = quotas / carried_out[:, None], totals / carried_out
        worth = value(totals)
        caps = seen.T @ (carried_out * worth)
        f = problem.outside_options[inside]
        utilities = least_utilities(np.maximum.accumulate(means), costs, f)
        accuracy = float(law.probabilities @ (carried_out * problem.accuracy(totals)))
        rounding = KEPT * value.optimum
        gain = utilities + np.subtract.outer(-problem.costs[self.out], -costs) * means
        if np.any(caps + rounding < utilities + costs * means) or np.any(
            gain > problem.outside_options[self.out][:, None] + rounding
        ):
            return None
        return Kept(quotas, carried_out, worth, means, utilities, caps, accuracy)
