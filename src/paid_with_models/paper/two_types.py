"""The paper's experiment with two types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq

from ..accuracy import Curve, FloatArray
from ..attendance import conditional_probabilities, enumerate_outcomes, outcome_probabilities
from ..complete_information import solve_complete_information_many
from ..contract import Contract
from ..curves import GeneralizationBound
from ..problem import Problem, autarky
from ..residuals import violations
from ..solver.chain import least_utilities
from ..solver.routes import solve_many
from ..valuation import LinearValuation, Valuation
from .scenarios import options

__all__ = ["flat_stretch", "surfaces", "two_type_experiment", "two_type_problem"]


#: The paper's grid: numbers of parties, and probabilities of type 1.
SIZES, SHARES = tuple(range(2, 101, 2)), tuple(np.linspace(0.01, 0.99, 30))
#: What the table repeats of a contract.
CERTIFICATES = ("expected_value", "expected_accuracy", "upper_bound", "gap", "kkt_residual")
#: The columns of :func:`two_type_experiment` that belong to a type; others are the same for both.
OF_A_TYPE = (
    "cost", "reservation_contribution", "reservation_value", "reservation_utility",
    "contributions", "rewards", "utilities", "complete_contributions", "complete_rewards",
    "complete_utilities", "rents",
)  # fmt: skip


def two_type_problem(
    n_parties: int,
    p_high: float,
    costs: Sequence[float] = (0.02, 0.01),
    accuracy: Curve = GeneralizationBound(),
    valuation: Valuation = LinearValuation(100.0),
) -> Problem:
    """One problem of the experiment; arguments as for :func:`two_type_experiment`.

    Examples
    --------
    >>> two_type_problem(10, 0.3).probabilities.tolist()
    [0.3, 0.7]
    """
    return Problem(n_parties, [p_high, 1 - p_high], costs, accuracy, valuation)


def two_type_experiment(
    n_parties: Sequence[int] | npt.NDArray[np.int64] = SIZES,
    p_high: Sequence[float] | FloatArray = SHARES,
    costs: tuple[float, float] = (0.02, 0.01),
    accuracy: Curve = GeneralizationBound(),
    valuation: Valuation = LinearValuation(100.0),
) -> pd.DataFrame:
    r"""Solve the two-type experiment on a grid of sizes and type probabilities.

    All contracts go to the solver in one call. An outcome of the complete-information benchmark
    depends on who has come but not on how likely that was: each distinct one is solved once and
    weighted anew for every probability.

    Parameters
    ----------
    n_parties : (G,) sequence of int >= 1
        The paper: 2, 4, ..., 100.
    p_high : (H,) sequence of floats in (0, 1)
        Probability of type 1. The paper: 30 values from .01 to .99.
    costs : (2,) tuple of floats > 0
        Costs of types 1 and 2; the paper's type 1 is the high-cost type.
    accuracy, valuation
        The paper: generalization bound with optimum and complexity 1, linear of scale 100.

    Returns
    -------
    DataFrame
        A row for each N, p_1 and type (columns n_parties, p_high, type). Of the type: cost;
        reservation_contribution, reservation_value and reservation_utility; contributions,
        rewards and utilities of the optimal menu; the same with complete information, averaged
        given :math:`n_i \ge 1` (``complete_…``); rents, the utility less that with complete
        information. Of the problem: expected_value and complete_expected_value of the collective
        model, and information_cost, their difference; expected_accuracy, upper_bound, gap and
        kkt_residual of the contract; constraint_residual, the largest relative violation of
        individual rationality, incentive compatibility and caps; bunched, whether both types share
        one option. ``attrs["n_outcomes"]`` is the number of distinct outcomes that were solved.

    Raises
    ------
    ValueError
        If there are not two costs, a grid is empty, or a probability is not in (0, 1).

    Examples
    --------
    >>> table = two_type_experiment(n_parties=[10], p_high=[0.2, 0.8])
    >>> len(table), table["bunched"].tolist()
    (4, [False, False, True, True])
    """
    sizes = np.asarray(n_parties)
    shares = np.asarray(p_high, dtype=float)
    if len(costs) != 2:
        raise ValueError(f"costs must be those of two types; got {len(costs)}")
    if sizes.ndim != 1 or sizes.size == 0:
        raise ValueError(f"n_parties must be a non-empty list; got {n_parties!r}")
    if shares.ndim != 1 or shares.size == 0 or not np.all((shares > 0) & (shares < 1)):
        raise ValueError(f"p_high must be a non-empty list of numbers in (0, 1); got {p_high!r}")
    problems = [
        two_type_problem(int(n) if n == int(n) else n, p, costs, accuracy, valuation)
        for n in sizes
        for p in shares
    ]
    contracts = solve_many(problems)
    complete = solve_complete_information_many(problems)
    alone = autarky(problems[0])

    def found(results: Sequence[Any], name: str) -> FloatArray:
        return np.array([getattr(result, name) for result in results])

    menus = ("contributions", "rewards", "utilities")
    outside = (found(contracts, name) for name in ("reservation_utilities", "reward_caps"))
    m, t = (found(contracts, name) for name in menus[:2])
    violated = np.max(violations(np.asarray(costs, dtype=float), m, t, *outside), axis=0)
    of_problem = {
        **{name: found(contracts, name) for name in CERTIFICATES},
        "complete_expected_value": found(complete, "expected_value"),
        "constraint_residual": violated / problems[0].model_value.optimum,
        "bunched": [len(options(contract)) == 1 for contract in contracts],
    }
    axes = np.meshgrid(sizes.astype(np.int64), shares, [1, 2], indexing="ij")
    n, p, kind = (axis.ravel() for axis in axes)
    table = pd.DataFrame(
        {
            "n_parties": n,
            "p_high": p,
            "type": kind,
            "cost": np.tile(np.asarray(costs, dtype=float), len(problems)),
            "reservation_contribution": np.tile(alone.contributions, len(problems)),
            "reservation_value": np.tile(valuation(alone.accuracies), len(problems)),
            "reservation_utility": np.tile(alone.utilities, len(problems)),
            **{name: found(contracts, name).ravel() for name in menus},
            **{f"complete_{name}": found(complete, name).ravel() for name in menus},
            **{name: np.repeat(values, 2) for name, values in of_problem.items()},
        }
    )
    table["rents"] = table["utilities"] - table["complete_utilities"]
    table["information_cost"] = table["expected_value"] - table["complete_expected_value"]
    table.attrs["n_outcomes"] = sum(it.totals.size for it in complete[:: shares.size])
    return table


def surfaces(results: pd.DataFrame, quantity: str) -> list[pd.DataFrame]:
    """One quantity over the grid, rows by N and columns by p_1: a table a type, or one for both.

    Parameters
    ----------
    results : DataFrame
        From :func:`two_type_experiment`.
    quantity : str
        A column of it.

    Raises
    ------
    ValueError
        If there is no such column.

    Examples
    --------
    >>> results = two_type_experiment(n_parties=[2, 4], p_high=[0.5])
    >>> [len(surfaces(results, quantity)) for quantity in ("rewards", "information_cost")]
    [2, 1]
    """
    if quantity not in results.columns[3:]:
        raise ValueError(f"quantity must name results on the grid; got {quantity!r}")
    kinds = (1, 2) if quantity in OF_A_TYPE else (1,)
    return [
        results[results["type"] == kind].pivot_table(quantity, "n_parties", "p_high")
        for kind in kinds
    ]


def flat_stretch(contract: Contract, loss: float) -> tuple[FloatArray, FloatArray]:
    """The two ends of the stretch along which a contract for two types loses next to nothing.

    The high-cost type's contribution is moved away from the optimum, the other's is as large as
    the caps then allow, rewards are the least ones.

    Parameters
    ----------
    contract : Contract
        For two types, the high-cost type first, in which somebody contributes.
    loss : float > 0
        Expected accuracy that may be lost.

    Returns
    -------
    (2,) ndarray, (2,) ndarray
        Contributions at the ends where type 1 contributes less and where it contributes more.

    Raises
    ------
    ValueError
        If there are not two types in that order, nobody contributes or the loss is not positive.

    Examples
    --------
    >>> from paid_with_models import solve
    >>> contract = solve(Problem(10, [0.5, 0.5], [0.02, 0.01], GeneralizationBound()))
    >>> low, high = flat_stretch(contract, 1e-6)
    >>> bool(low[0] < contract.contributions[0] < high[0])
    True
    """
    problem, best = contract.problem, contract.contributions
    if problem.n_types != 2 or problem.costs[0] <= problem.costs[1]:
        raise ValueError(f"contract must be for two types, costliest first; got {problem.costs}")
    if not best[1] > 0:
        raise ValueError("contract must be one in which somebody contributes")
    if not loss > 0:
        raise ValueError(f"loss must be > 0; got {loss!r}")
    counts = enumerate_outcomes(problem.n_parties, 2)
    weights = outcome_probabilities(counts, problem.probabilities)
    given = conditional_probabilities(counts, problem.probabilities, problem.beliefs)
    most = problem.model_value.optimum / problem.costs[1]

    def slack(m: FloatArray) -> FloatArray:
        utilities = least_utilities(m, problem.costs, contract.reservation_utilities)
        return np.asarray(problem.model_value(counts @ m) @ given - utilities - problem.costs * m)

    def follow(first: float) -> FloatArray | None:
        """The menu with this contribution of type 1; None if there is none."""
        if slack(np.array([first, first]))[1] < 0:
            return None
        second = brentq(lambda m: slack(np.array([first, m]))[1], first, most, xtol=1e-10)
        m = np.array([first, second])
        return m if slack(m)[0] >= -1e-9 * problem.model_value.optimum else None

    def excess(first: float) -> float:
        m = follow(first)
        if m is None:
            return 1.0
        return contract.expected_accuracy - float(weights @ problem.accuracy(counts @ m)) - loss

    ends = []
    for limit in (0.0, most):
        inside, outside = float(best[0]), limit
        if excess(outside) <= 0:
            inside = outside
        while abs(outside - inside) > 1e-6 * best[1]:
            middle = 0.5 * (inside + outside)
            inside, outside = (middle, outside) if excess(middle) <= 0 else (inside, middle)
        menu = follow(inside)
        ends.append(best if menu is None else menu)
    return ends[0], ends[1]
