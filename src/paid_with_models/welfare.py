r"""Welfare: what private information costs, who gains by it, and what happens without a contract.

* The **information cost** is the change of the collective model's value when types are private.
  It is usually negative, but not always: the complete-information benchmark asks individual
  rationality in every outcome, a menu only on average.
* The **information rent** of a type is what it keeps beyond its outside option. Under complete
  information it keeps nothing, so rents are never negative.
* **Free-riding**: if everybody simply receives the collective model, contributions are private
  provision of a public good, and only the cheapest party present contributes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .accuracy import FloatArray
from .complete_information import CompleteInformation
from .problem import Problem, autarky
from .screening import Contract

__all__ = ["FreeRiding", "free_riding", "information_cost", "information_rents"]


def information_cost(contract: Contract, complete: CompleteInformation) -> float:
    """E[v(a(S))] under the menu minus that under complete information, units of value.

    Parameters
    ----------
    contract : Contract
    complete : CompleteInformation
        Of the same problem.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve, solve_complete_information
    >>> problem = Problem(10, [0.5, 0.5], [0.02, 0.01], GeneralizationBound())
    >>> cost = information_cost(solve(problem), solve_complete_information(problem))
    >>> round(cost, 3)
    -0.737
    """
    return contract.expected_value - complete.expected_value


def information_rents(contract: Contract, complete: CompleteInformation) -> FloatArray:
    """What each type keeps beyond complete information, (I,), units of value, >= 0.

    Parameters
    ----------
    contract : Contract
    complete : CompleteInformation
        Of the same problem.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve, solve_complete_information
    >>> problem = Problem(10, [0.5, 0.5], [1.0, 0.4], GeneralizationBound())
    >>> information_rents(solve(problem), solve_complete_information(problem)).round(3).tolist()
    [0.0, 0.113]
    """
    return contract.utilities - complete.utilities


@dataclass(frozen=True, eq=False)
class FreeRiding:
    """An equilibrium of giving everybody the collective model, for one outcome.

    Attributes
    ----------
    total : float
        Collective training set, units of data.
    contributions : (I,) ndarray
        Per party of each type, ties among the cheapest split evenly; NaN for absent types.
    accuracy : float
        Of the model that everybody receives.
    utilities : (I,) ndarray
        v(a(S)) - c_i m_i per party, units of value; NaN for absent types.
    """

    total: float
    contributions: FloatArray
    accuracy: float
    utilities: FloatArray


def free_riding(problem: Problem, counts: npt.ArrayLike) -> FreeRiding:
    """The equilibrium without a contract: everybody receives the model trained on all data.

    Only the cheapest parties present contribute, together as much as one of them would alone:
    until the marginal value of data equals their cost. Where even they would not train alone,
    nobody contributes (other, coordinated equilibria may exist then).

    Parameters
    ----------
    problem : Problem
    counts : (I,) array_like of int >= 0
        How many parties of each type are present, at least one.

    Returns
    -------
    FreeRiding

    Raises
    ------
    ValueError
        If ``counts`` does not have one non-negative entry per type, or nobody is present.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    >>> free_riding(problem, [5, 5]).contributions.round(2).tolist()
    [0.0, 47.62]
    """
    n = np.asarray(counts)
    if n.shape != problem.costs.shape or np.any(n < 0) or not np.any(n > 0):
        raise ValueError(
            f"counts must be {problem.n_types} non-negative numbers of parties, not all 0;"
            f" got {np.asarray(counts).tolist()}"
        )
    present = n > 0
    lowest = problem.costs[present].min()
    cheapest = present & (problem.costs == lowest)
    total = float(autarky(problem).contributions[cheapest][0])
    contributions = np.where(cheapest, total / n[cheapest].sum(), 0.0)
    utilities = float(problem.model_value(total)) - problem.costs * contributions
    return FreeRiding(
        total=total,
        contributions=np.where(present, contributions, np.nan),
        accuracy=float(problem.accuracy(total)),
        utilities=np.where(present, utilities, np.nan),
    )
