"""The paper's three scenarios with five types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..contract import Contract
from ..curves import GeneralizationBound
from ..problem import Problem
from ..valuation import LinearValuation

__all__ = [
    "SCENARIOS",
    "Scenario",
    "contract_table",
    "options",
    "scenario_problem",
    "types_by_number",
]


@dataclass(frozen=True)
class Scenario:
    """One of the paper's settings.

    Attributes
    ----------
    name : str
        Identifier, as in file names.
    title : str
        Name for people.
    costs : (I,) tuple of floats
        Costs c_i, value per unit of data, costliest type first.
    n_parties : int
        Number of parties N.
    probabilities : (I,) tuple of floats
        Type probabilities p_i.
    optimum, complexity : float
        Parameters of the generalization bound.
    value_scale : float
        Value of a perfect model.

    Examples
    --------
    >>> SCENARIOS["big_firm_cooperation"].problem().n_types
    5
    """

    name: str
    title: str
    costs: tuple[float, ...]
    n_parties: int = 10
    probabilities: tuple[float, ...] = (0.2, 0.2, 0.2, 0.2, 0.2)
    optimum: float = 1.0
    complexity: float = 1.0
    value_scale: float = 100.0

    def problem(self) -> Problem:
        """The setting as a problem to solve."""
        return Problem(
            n_parties=self.n_parties,
            probabilities=self.probabilities,
            costs=self.costs,
            accuracy=GeneralizationBound(self.optimum, self.complexity),
            valuation=LinearValuation(self.value_scale),
        )


#: The paper's three five-type scenarios, by name.
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("big_firm_cooperation", "Big-firm cooperation", (0.20, 0.16, 0.12, 0.08, 0.04)),
        Scenario("small_party_teamwork", "Small-party teamwork", (1.0, 0.85, 0.70, 0.55, 0.40)),
        Scenario(
            "big_and_small_collaboration",
            "Big-and-small collaboration",
            (0.5, 0.4, 0.03, 0.02, 0.001),
        ),
    )
}


def options(contract: Contract) -> tuple[tuple[int, ...], ...]:
    """The menu's options as sets of the types (indices) that take them, least contribution first.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    tuple of tuples of int

    Examples
    --------
    >>> from paid_with_models import solve
    >>> options(solve(SCENARIOS["big_firm_cooperation"].problem()))
    ((0, 1, 2, 3), (4,))
    """
    shared = {i for members in contract.bunches for i in members}
    alone = [(i,) for i in range(contract.problem.n_types) if i not in shared]
    return tuple(sorted([*contract.bunches, *alone], key=lambda b: contract.contributions[b[0]]))


def contract_table(contract: Contract) -> pd.DataFrame:
    """A contract as a table, one row a type in the order given.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    DataFrame
        Columns type (1, 2, ...), cost, probability, contribution (units of data), reward,
        reward_cap, utility, reservation_utility (value), reservation_contribution (units of
        data), option (its number, by size of the contribution; types in a bunch share one).

    Examples
    --------
    >>> from paid_with_models import solve
    >>> table = contract_table(solve(SCENARIOS["small_party_teamwork"].problem()))
    >>> table["option"].tolist(), table["contribution"].round(2).tolist()[0]
    ([1, 1, 1, 1, 1], 69.05)
    """
    problem = contract.problem
    option = np.zeros(problem.n_types, dtype=int)
    for number, members in enumerate(options(contract), start=1):
        option[list(members)] = number
    return pd.DataFrame(
        {
            "type": np.arange(1, problem.n_types + 1),
            "cost": problem.costs,
            "probability": problem.probabilities,
            "contribution": contract.contributions,
            "reward": contract.rewards,
            "reward_cap": contract.reward_caps,
            "utility": contract.utilities,
            "reservation_utility": contract.reservation_utilities,
            "reservation_contribution": contract.reservation_contributions,
            "option": option,
        }
    )


def types_by_number(members: Sequence[int]) -> str:
    """'type 3', 'types 1–4' or 'types 1, 3'; members are indices."""
    numbers = sorted(i + 1 for i in members)
    if len(numbers) == 1:
        return f"type {numbers[0]}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"types {numbers[0]}–{numbers[-1]}"
    return "types " + ", ".join(map(str, numbers))


def scenario_problem(scenario: str) -> Problem:
    """The problem of the scenario with this name in :data:`SCENARIOS`.

    Raises
    ------
    ValueError
        If there is no such scenario.

    Examples
    --------
    >>> scenario_problem("big_firm_cooperation").n_types
    5
    """
    if scenario not in SCENARIOS:
        raise ValueError(f"scenario must be one of {', '.join(SCENARIOS)}; got {scenario!r}")
    return SCENARIOS[scenario].problem()
