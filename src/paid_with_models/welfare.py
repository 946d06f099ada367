r"""Welfare: what private information costs, who gains by it, and what happens without a contract.

* The **information cost** is the change of the collective model's value when types are private.
  It is usually negative, but not always: the complete-information benchmark asks individual
  rationality in every outcome, a menu only on average. What private information alone changes in
  a menu, :mod:`paid_with_models.distortion` says.
* The **information rent** of a type is what it keeps beyond its outside option. Under complete
  information it keeps nothing, so rents are never negative.
* **Free-riding**: if everybody simply receives the collective model, contributions are private
  provision of a public good, and only the cheapest party present contributes. Parties that answer
  each other by best replies get there.
* The **joint surplus** is what all parties together gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy  # its parts are imported where they are used

from .accuracy import FloatArray
from .arguments import ReadOnly, real, reals, whole, wholes
from .complete_information import CompleteInformation, solve_complete_information
from .contract import Contract, check_contract
from .problem import Problem, autarky, autarky_at, check_problem, checked_vector
from .rewards import proportional_rewards
from .texts import brief

if TYPE_CHECKING:  # takes long to import
    import pandas as pd

__all__ = [
    "FreeRiding",
    "best_reply",
    "best_reply_dynamics",
    "compare_schemes",
    "free_riding",
    "information_cost",
    "information_rents",
    "joint_surplus",
]


def compare_schemes(contract: Contract) -> pd.DataFrame:
    r"""What a scheme collects, how good a model it trains, and what its parties gain by it.

    Everything is an expectation over who turns up.

    Parameters
    ----------
    contract : Contract
        The optimal menu, with autarky as outside option.

    Returns
    -------
    DataFrame
        Rows free_riding (everybody gets the best model for nothing), contract, complete (types are
        seen), surplus (what would be best for the parties together, if it could be imposed:
        everybody gets the best model, the cheapest present do the work, and the sum of marginal
        values equals the marginal cost, Samuelson 1954). Columns total (units of data), accuracy,
        surplus (joint gain of the parties, value).

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> costs = [1.0, 0.85, 0.7, 0.55, 0.4]
    >>> table = compare_schemes(solve(Problem(10, [0.2] * 5, costs, GeneralizationBound())))
    >>> table["accuracy"].round(2).to_dict()
    {'free_riding': 0.0, 'contract': 0.69, 'complete': 0.76, 'surplus': 0.62}
    """
    check_contract(contract)
    import pandas as pd

    problem = contract.problem
    outcomes = problem.outcomes()
    counts, present = outcomes.counts, outcomes.counts.sum(axis=1)
    complete = solve_complete_information(problem)
    # Where nobody has come (another law of who turns up) nobody collects anything.
    cheapest = np.where(counts > 0, problem.costs, np.inf).min(axis=1)
    cheapest[present == 0] = problem.costs.max()
    ridden = np.where(present > 0, autarky_at(problem.model_value, cheapest).contributions, 0.0)
    best = problem.model_value.data_at_slope(cheapest / np.maximum(present, 1))

    def shared(totals: FloatArray) -> FloatArray:
        """Joint gain if everybody gets the best model and the cheapest do the work."""
        return np.asarray(present * problem.model_value(totals) - cheapest * totals)

    best = np.where(shared(best) > 0, best, 0.0)
    given = float(problem.mean_counts @ complete.utilities)
    rows = {
        "free_riding": (ridden, float(outcomes.mean(shared(ridden)))),
        "contract": (outcomes.totals(contract.contributions), joint_surplus(contract)),
        "complete": (complete.totals, given),
        "surplus": (best, float(outcomes.mean(shared(best)))),
    }
    return pd.DataFrame(
        {
            scheme: {
                "total": float(outcomes.mean(totals)),
                "accuracy": float(outcomes.mean(problem.accuracy(totals))),
                "surplus": surplus,
            }
            for scheme, (totals, surplus) in rows.items()
        }
    ).T


#: BEST_REPLY_POINTS: points at which a best reply is looked for before it is computed exactly.
BEST_REPLY_POINTS = 2001

#: MOST_DATA: more than anybody has, and far from the largest number.
MOST_DATA = 1e300


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
    _check_pair(contract, complete)
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
    _check_pair(contract, complete)
    return contract.utilities - complete.utilities


def _check_pair(contract: object, complete: object) -> None:
    check_contract(contract)
    assert isinstance(contract, Contract)  # it is checked
    if not isinstance(complete, CompleteInformation):
        rule = "complete must be what solve_complete_information(contract.problem) returns"
        raise ValueError(f"{rule}; got {brief(complete)}")
    if complete.problem != contract.problem:
        rule = f"complete must be of the contract's problem, {contract.problem!r}"
        raise ValueError(f"{rule}; got that of {complete.problem!r}")


@dataclass(frozen=True, eq=False)
class FreeRiding(ReadOnly):
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
    check_problem(problem)
    problem.check_unlimited_data()
    rule = f"{problem.n_types} non-negative numbers of parties, whole and not all 0"
    n = wholes("counts", counts, rule)
    if n.shape != problem.costs.shape or not np.any(n > 0):
        raise ValueError(f"counts must be {rule}; got {brief(counts)}")
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


def best_reply(problem: Problem, cost: float, others: float) -> float:
    """What a party contributes to a model that everybody receives, given what the others do.

    Parameters
    ----------
    problem : Problem
        Gives the worth of models.
    cost : float > 0
        Of a unit of data to this party.
    others : float >= 0
        What all others contribute together, units of data.

    Returns
    -------
    float
        The m >= 0 that maximizes v(a(others + m)) - cost m; the smallest one, if several do.

    Raises
    ------
    ValueError
        If ``cost`` is not positive, or ``others`` negative, or one of them not finite.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    >>> best_reply(problem, 0.2, others=500.0)
    0.0
    """
    check_problem(problem)
    problem.check_unlimited_data()
    cost, others = real("cost", cost), real("others", others)
    if not 0 < cost < np.inf:
        raise ValueError(f"cost must be > 0 and finite; got {cost!r}")
    if not 0 <= others < np.inf:
        raise ValueError(f"others must be >= 0 and finite; got {others!r}")
    value = problem.model_value
    with np.errstate(over="ignore"):
        # More would cost more than the best model is worth.
        reach = min(np.float64(value.optimum) / cost, MOST_DATA)
        totals = others + np.linspace(0.0, reach, BEST_REPLY_POINTS)

    def slope(total: float) -> float:
        return float(value.derivative(total)) - cost

    slopes = value.derivative(totals) - cost
    tops = np.flatnonzero((slopes[:-1] > 0) & (slopes[1:] <= 0))
    maxima = [
        others,
        *(scipy.optimize.brentq(slope, totals[k], totals[k + 1], xtol=1e-12) for k in tops),
    ]
    if not tops.size:  # between the points, if data cost next to nothing
        maxima.append(max(others, min(float(value.data_at_slope(cost)), MOST_DATA)))
    gains = value(np.array(maxima)) - cost * (np.array(maxima) - others)
    return float(maxima[int(np.argmax(gains))] - others)


def best_reply_dynamics(
    problem: Problem, costs: Sequence[float], start: npt.ArrayLike, rounds: int = 100
) -> FloatArray:
    """Contributions to a shared model, round by round, if parties answer each other in turn.

    Parameters
    ----------
    problem : Problem
        Gives the worth of models.
    costs : (J,) sequence of floats > 0
        Of a unit of data to each of J parties.
    start : (J,) array_like >= 0
        What they contribute at first, units of data.
    rounds : int >= 1
        Most rounds. In each, every party gives its best reply once, in the order of ``costs``.

    Returns
    -------
    (R, J) ndarray
        Contributions at first and after each round; the last two rows agree if an equilibrium is
        reached.

    Raises
    ------
    ValueError
        If ``costs`` and ``start`` differ in length, or numbers are out of range.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    >>> best_reply_dynamics(problem, [0.2, 0.1], start=[148.06, 240.0])[-1].round(2).tolist()
    [0.0, 238.11]
    """
    check_problem(problem)
    profile, costs = reals("start", start), checked_vector("costs", costs).tolist()
    if profile.shape != (len(costs),):
        raise ValueError(
            f"start must hold one number for each of {len(costs)} costs; got {brief(start)}"
        )
    if not np.all((profile >= 0) & (profile < np.inf)):
        raise ValueError(f"start must be >= 0 and finite; got {brief(start)}")
    rounds = whole("rounds", rounds, least=1)
    history = [profile.copy()]
    for _ in range(rounds):
        for j, cost in enumerate(costs):
            others = float(np.delete(profile, j).sum())
            profile[j] = best_reply(problem, cost, others)
        history.append(profile.copy())
        if np.allclose(history[-1], history[-2], rtol=0, atol=1e-9):
            break
    return np.array(history)


def joint_surplus(contract: Contract) -> float:
    r"""What all parties together gain in expectation, units of value.

    :math:`E[\sum_i n_i (v(r_i(n)) - c_i m_i)]` under the proportional assignment; types that stay
    out keep their outside options. A party that is one of many sees more of the outcomes in which
    its type is frequent, so under the paper's beliefs this is not :math:`N \sum_i p_i u_i`.

    Parameters
    ----------
    contract : Contract

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> contract = solve(Problem(10, [0.2] * 5, [1, 0.85, 0.7, 0.55, 0.4], GeneralizationBound()))
    >>> bool(np.isclose(joint_surplus(contract), 10 * contract.utilities.mean()))
    True
    """
    check_contract(contract)
    problem = contract.problem
    outcomes = problem.outcomes()
    rewards = proportional_rewards(contract)
    costs = problem.costs * contract.contributions
    gains = rewards.values - costs  # noqa: PD011 (rewards are no DataFrame)
    gains = np.where(contract.participates, gains, contract.reservation_utilities)
    return float(outcomes.mean(np.sum(outcomes.counts * gains, axis=1)))
