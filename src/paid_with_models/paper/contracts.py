"""The optimal contracts of the paper's scenarios."""

from __future__ import annotations

from collections.abc import Sequence

from ..contract import Contract
from ..solver.routes import solve, solve_many
from .scenarios import SCENARIOS, scenario_problem

__all__ = ["scenario_contract", "scenario_contracts"]


def scenario_contract(scenario: str) -> Contract:
    """The optimal contract of the scenario with this name.

    Raises
    ------
    ValueError
        If there is no such scenario.

    Examples
    --------
    >>> scenario_contract("small_party_teamwork").shape.name
    'POOLING'
    """
    return solve(scenario_problem(scenario))


def scenario_contracts(scenarios: Sequence[str] = tuple(SCENARIOS)) -> dict[str, Contract]:
    """The optimal contracts of the scenarios with these names, by title.

    Raises
    ------
    ValueError
        If there is no such scenario.

    Examples
    --------
    >>> list(scenario_contracts(["big_firm_cooperation"]))
    ['Big-firm cooperation']
    """
    contracts = solve_many(scenario_problem(name) for name in scenarios)
    return dict(zip([SCENARIOS[name].title for name in scenarios], contracts, strict=True))
