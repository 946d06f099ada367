"""Four schemes side by side as the number of parties grows."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..problem import Problem, check_problem
from ..solver.routes import solve_many
from ..welfare import compare_schemes
from .scenarios import scenario_problem

__all__ = ["free_riding_experiment", "scenario_free_riding"]

#: The schemes in the order of the table; see :func:`~paid_with_models.welfare.compare_schemes`.
SCHEMES = ("complete", "contract", "surplus", "free_riding")


def free_riding_experiment(
    problem: Problem, n_parties: Sequence[int] = tuple(range(1, 21))
) -> pd.DataFrame:
    """What four schemes collect and train, by number of parties.

    Everything is an expectation over who turns up.

    Parameters
    ----------
    problem : Problem
        Its number of parties is replaced, and autarky is the outside option.
    n_parties : sequence of int >= 1

    Returns
    -------
    DataFrame
        Columns n_parties, scheme (complete, contract, surplus or free_riding), expected_total
        (units of data), expected_accuracy.

    Raises
    ------
    ValueError
        If ``n_parties`` is empty, or its outcomes are too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(1, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    >>> table = free_riding_experiment(problem, [8]).set_index("scheme")["expected_accuracy"]
    >>> bool(table["contract"] > table["free_riding"])
    True
    """
    check_problem(problem)
    if len(n_parties) == 0:
        raise ValueError("n_parties must not be empty")
    problems = [
        Problem(
            size, problem.probabilities, problem.costs, problem.accuracy, problem.valuation,
            beliefs=problem.beliefs,
        )
        for size in n_parties
    ]  # fmt: skip
    compared = [compare_schemes(contract) for contract in solve_many(problems)]
    rows = [
        (size, scheme, table.loc[scheme, "total"], table.loc[scheme, "accuracy"])
        for scheme in SCHEMES
        for size, table in zip(n_parties, compared, strict=True)
    ]
    return pd.DataFrame(
        rows, columns=["n_parties", "scheme", "expected_total", "expected_accuracy"]
    )


def scenario_free_riding(
    scenario: str, n_parties: Sequence[int] = tuple(range(1, 11))
) -> pd.DataFrame:
    """The same in the scenario with this name.

    Raises
    ------
    ValueError
        If there is no such scenario, or ``n_parties`` is empty.

    Examples
    --------
    >>> scenario_free_riding("big_firm_cooperation", [2])["n_parties"].tolist()
    [2, 2, 2, 2]
    """
    return free_riding_experiment(scenario_problem(scenario), n_parties)
