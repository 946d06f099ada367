"""The paper's experiment with two types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq

from ..accuracy import Curve, FloatArray, GeneralizationBound
from ..attendance import conditional_probabilities, enumerate_outcomes, outcome_probabilities
from ..audit import violations
from ..complete_information import solve_complete_information_many
from ..contract import Contract
from ..problem import Problem, autarky
from ..solver.program import least_utilities
from ..solver.routes import solve_many
from ..valuation import LinearValuation, Valuation
from ..welfare import information_cost, information_rents
from .scenarios import options

__all__ = ["TwoTypeResults", "flat_stretch", "two_type_experiment"]


@dataclass(frozen=True, eq=False)
class TwoTypeResults:
    r"""Contracts and complete-information benchmarks over a grid of (N, p_1).

    Type 1 comes first. Shapes: G = len(n_parties), H = len(p_high).

    Attributes
    ----------
    n_parties : (G,) ndarray of int
        Numbers of parties N.
    p_high : (H,) ndarray
        Probabilities :math:`p_1` of type 1, the high-cost type.
    costs, reservation_contributions, reservation_values, reservation_utilities : (2,) ndarray
        Costs; data, model value and utility of each type in autarky.
    contributions, rewards, utilities : (G, H, 2) ndarray
        The optimal menu (units of data, value, value).
    complete_contributions, complete_rewards, complete_utilities : (G, H, 2) ndarray
        Complete information, averaged given :math:`n_i \ge 1`.
    rents : (G, H, 2) ndarray
        Information rents: utilities minus complete_utilities.
    expected_value, complete_expected_value : (G, H) ndarray
        Expected value of the collective model under the menu and under complete information.
    information_cost : (G, H) ndarray
        Their difference; negative where private types cost the coordinator something.
    expected_accuracy, upper_bound, gap, kkt_residual, constraint_residual : (G, H) ndarray
        Certificates of the contracts; constraint_residual is the largest relative violation of
        individual rationality, incentive compatibility and caps.
    bunched : (G, H) ndarray of bool
        True where both types share one option.
    n_outcomes : int
        Distinct outcomes solved for complete information.
    accuracy : Curve
    valuation : Valuation
    """

    n_parties: npt.NDArray[np.int64]
    p_high: FloatArray
    costs: FloatArray
    reservation_contributions: FloatArray
    reservation_values: FloatArray
    reservation_utilities: FloatArray
    contributions: FloatArray
    rewards: FloatArray
    utilities: FloatArray
    complete_contributions: FloatArray
    complete_rewards: FloatArray
    complete_utilities: FloatArray
    rents: FloatArray
    expected_value: FloatArray
    complete_expected_value: FloatArray
    information_cost: FloatArray
    expected_accuracy: FloatArray
    upper_bound: FloatArray
    gap: FloatArray
    kkt_residual: FloatArray
    constraint_residual: FloatArray
    bunched: npt.NDArray[np.bool_]
    n_outcomes: int
    accuracy: Curve
    valuation: Valuation

    def problem(self, row: int, column: int) -> Problem:
        """The problem at n_parties[row], p_high[column]."""
        p = float(self.p_high[column])
        size = int(self.n_parties[row])
        return Problem(size, [p, 1 - p], self.costs, self.accuracy, self.valuation)

    def table(self, *quantities: str) -> pd.DataFrame:
        """Results as a tidy table, one row per (N, p_1, type).

        Parameters
        ----------
        *quantities : str
            Names of attributes of shape (G, H, 2) or (G, H); the latter repeat for both types.

        Returns
        -------
        DataFrame
            Columns n_parties, p_high, type, then one per quantity.

        Raises
        ------
        ValueError
            If a name is not that of a result on the grid.

        Examples
        --------
        >>> results = two_type_experiment(n_parties=[2], p_high=[0.5])
        >>> results.table("contributions").columns.tolist()
        ['n_parties', 'p_high', 'type', 'contributions']
        """
        shape = (self.n_parties.size, self.p_high.size, 2)
        grid = np.meshgrid(self.n_parties, self.p_high, [1, 2], indexing="ij")
        names = ("n_parties", "p_high", "type")
        columns = {name: axis.ravel() for name, axis in zip(names, grid, strict=True)}
        for name in quantities:
            values = getattr(self, name, None)
            if not isinstance(values, np.ndarray) or values.shape not in (shape, shape[:2]):
                raise ValueError(f"quantities must name results on the grid; got {name!r}")
            full = values if values.ndim == 3 else np.repeat(values[..., None], 2, axis=2)
            columns[name] = full.ravel()
        return pd.DataFrame(columns)


def two_type_experiment(
    n_parties: Sequence[int] | npt.NDArray[np.int64] = tuple(range(2, 101, 2)),
    p_high: Sequence[float] | FloatArray = tuple(np.linspace(0.01, 0.99, 30)),
    costs: tuple[float, float] = (0.02, 0.01),
    accuracy: Curve = GeneralizationBound(),
    valuation: Valuation = LinearValuation(100.0),
) -> TwoTypeResults:
    """Solve the two-type experiment on a grid of sizes and type probabilities.

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
    TwoTypeResults

    Raises
    ------
    ValueError
        If there are not two costs, a grid is empty, or a probability is not in (0, 1).

    Examples
    --------
    >>> results = two_type_experiment(n_parties=[10], p_high=[0.2, 0.8])
    >>> results.contributions.shape, bool(results.bunched[0, 1])
    ((1, 2, 2), True)
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
        Problem(int(size) if size == int(size) else size, [p, 1 - p], costs, accuracy, valuation)
        for size in sizes
        for p in shares
    ]
    contracts = solve_many(problems)
    alone = autarky(problems[0])
    complete = solve_complete_information_many(problems)
    n_outcomes = sum(benchmark.totals.size for benchmark in complete[:: shares.size])
    violated = violations(
        np.asarray(costs, dtype=float),
        *(
            np.array([getattr(contract, name) for contract in contracts])
            for name in ("contributions", "rewards", "reservation_utilities", "reward_caps")
        ),
    )
    residuals = np.max(violated, axis=0) / contracts[0].problem.model_value.optimum

    def grid(values: Sequence[object] | FloatArray) -> npt.NDArray[np.float64]:
        array = np.asarray(values)
        return array.reshape(sizes.size, shares.size, *array.shape[1:])

    return TwoTypeResults(
        n_parties=sizes.astype(np.int64),
        p_high=shares,
        costs=np.asarray(costs, dtype=float),
        reservation_contributions=alone.contributions,
        reservation_values=valuation(alone.accuracies),
        reservation_utilities=alone.utilities,
        contributions=grid([c.contributions for c in contracts]),
        rewards=grid([c.rewards for c in contracts]),
        utilities=grid([c.utilities for c in contracts]),
        complete_contributions=grid([c.contributions for c in complete]),
        complete_rewards=grid([c.rewards for c in complete]),
        complete_utilities=grid([c.utilities for c in complete]),
        rents=grid([information_rents(c, b) for c, b in zip(contracts, complete, strict=True)]),
        expected_value=grid([c.expected_value for c in contracts]),
        complete_expected_value=grid([c.expected_value for c in complete]),
        information_cost=grid(
            [information_cost(c, b) for c, b in zip(contracts, complete, strict=True)]
        ),
        expected_accuracy=grid([c.expected_accuracy for c in contracts]),
        upper_bound=grid([c.upper_bound for c in contracts]),
        gap=grid([c.gap for c in contracts]),
        kkt_residual=grid([c.kkt_residual for c in contracts]),
        constraint_residual=grid(residuals),
        bunched=grid([len(options(c)) == 1 for c in contracts]).astype(bool),
        n_outcomes=n_outcomes,
        accuracy=accuracy,
        valuation=valuation,
    )


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
