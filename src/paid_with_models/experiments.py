r"""The paper's experiments as data, what its authors printed, and how ours compares.

Three scenarios of five cost types each (:data:`SCENARIOS`) and one of two types over a grid of
sizes and type probabilities (:func:`two_type_experiment`), all with the generalization bound
:math:`a_{opt} = 1, k = 1` and :math:`v(r) = 100\,r`; the counter-example of the appendix
(:class:`CounterExample`); and free-riding as the number of parties grows
(:func:`free_riding_experiment`).

:data:`PUBLISHED` holds numbers printed by the paper's authors in the experiment notebooks of their
repository ``bingchen-wang/paid-with-models`` (MIT license, copyright 2024 Bingchen Wang), at the
precision printed there. They are facts to compare with, not inputs: :func:`compare_with_published`
says of each whether it is reproduced, and where it is not, why, with evidence computed from
certified contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq

from .accuracy import Curve, FloatArray, GeneralizationBound
from .certificate import menu_residuals, violations
from .complete_information import solve_complete_information, solve_complete_information_many
from .expectation import conditional_probabilities, enumerate_outcomes, outcome_probabilities
from .first_moment import least_utilities
from .problem import Problem, autarky, autarky_at
from .screening import Contract, solve_many
from .valuation import LinearValuation, Valuation
from .welfare import information_cost, information_rents, joint_surplus

__all__ = [
    "PUBLISHED",
    "REPRODUCED_WITHIN",
    "SCENARIOS",
    "CounterExample",
    "FreeRidingResults",
    "Published",
    "PublishedMenu",
    "Scenario",
    "TwoTypeResults",
    "audit_published_menus",
    "compare_schemes",
    "compare_with_published",
    "contract_table",
    "flat_stretch",
    "free_riding_experiment",
    "options",
    "summarize_replication",
    "two_type_experiment",
]

#: A printed number counts as reproduced when ours is this close, relative to the larger of the
#: two (or equal in every printed digit). The published optimizer stops within a few parts in 1e8
#: of its optimum; one part in a million is well above that, and below anything a figure shows.
REPRODUCED_WITHIN = 1e-6


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


@dataclass(frozen=True)
class PublishedMenu:
    """What the authors printed for one scenario; see :data:`PUBLISHED`.

    Attributes
    ----------
    contributions, rewards, utilities, reward_caps, reservation_utilities : (I,) tuple of floats
        As printed, in the scenario's order of types: units of data, value, value, value, value.
    reservation_contributions : (I,) tuple of floats or None
        Units of data; None where they were not printed.
    expected_value : float or None
        Expected value of the collective model; None where it was not printed.
    """

    contributions: tuple[float, ...]
    rewards: tuple[float, ...]
    utilities: tuple[float, ...]
    reward_caps: tuple[float, ...]
    reservation_utilities: tuple[float, ...]
    reservation_contributions: tuple[float, ...] | None = None
    expected_value: float | None = None


@dataclass(frozen=True)
class Published:
    """Numbers printed by the paper's authors.

    Attributes
    ----------
    source : str
        Where they were printed, and under which license.
    menus : dict of PublishedMenu
        By scenario name; eight decimals.
    menu_decimals : int
        Digits after the point in the menus' numbers.
    two_type_reservation_contributions, two_type_reservation_values : (2,) tuple of floats
        What each of the two types would contribute alone, and the value of the model it trains;
        eight decimals.
    two_type_lowest_information_cost : float
        Lower end of the axis of the information-cost figure; two decimals.
    counter_example_argmax : (2,) tuple of floats
        Appendix A.1: the maximizer of the expected total and that of the expected root.
    """

    source: str
    menus: dict[str, PublishedMenu]
    menu_decimals: int
    two_type_reservation_contributions: tuple[float, float]
    two_type_reservation_values: tuple[float, float]
    two_type_lowest_information_cost: float
    counter_example_argmax: tuple[float, float]


#: Numbers printed by the paper's authors (repository bingchen-wang/paid-with-models, MIT license,
#: copyright 2024 Bingchen Wang), at the precision printed there.
PUBLISHED = Published(
    source=(
        "printed outputs of the experiment notebooks in the repository"
        " bingchen-wang/paid-with-models (MIT license, copyright 2024 Bingchen Wang)"
    ),
    menus={
        "big_firm_cooperation": PublishedMenu(
            contributions=(391.01769307, 391.78419325, 392.3847326, 393.14830179, 424.68693801),
            rewards=(84.97363539, 85.09627542, 85.16834014, 85.22942568, 86.49097113),
            utilities=(6.77009678, 22.4108045, 38.08217223, 53.77756153, 69.5034936),
            reward_caps=(86.47462405, 86.47499366, 86.47528333, 86.47565177, 86.49098283),
            reservation_utilities=(6.77009678, 13.15161373, 20.74508109, 30.34425719, 44.1605214),
            reservation_contributions=(
                148.06003631,
                172.54378373,
                210.15472005,
                277.41393038,
                445.70238734,
            ),
            expected_value=86.47827301929004,
        ),
        "small_party_teamwork": PublishedMenu(
            contributions=(69.0337751, 69.04172575, 69.04290842, 69.05642759, 69.06396194),
            rewards=(69.0337751, 69.04053315, 69.04136102, 69.04879656, 69.05181031),
            utilities=(0.0, 10.35506627, 20.71132513, 31.06776139, 41.42622553),
            reward_caps=(69.05200649, 69.05205688, 69.05206438, 69.05215007, 69.05219783),
            reservation_utilities=(0.0, 0.0, 0.0, 0.0, 0.0),
        ),
        "big_and_small_collaboration": PublishedMenu(
            contributions=(
                104.31536885,
                104.41138123,
                1166.46066884,
                1166.63521931,
                11740.3003862,
            ),
            rewards=(52.15768443, 52.19608938, 84.057568, 84.06105901, 94.63472418),
            utilities=(2.13162821e-14, 10.4315369, 49.0637479, 60.7283546, 82.8944238),
            reward_caps=(93.91817626, 93.9181802, 93.96992357, 93.96993334, 94.63481498),
            reservation_utilities=(0.0, 0.0, 49.06287356, 55.25589194, 82.89424821),
        ),
    },
    menu_decimals=8,
    two_type_reservation_contributions=(715.55769974, 1148.502895),
    two_type_reservation_values=(69.56704594, 75.64584081),
    two_type_lowest_information_cost=-1.62,
    counter_example_argmax=(5.0, 405 / 97),
)


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


@dataclass(frozen=True, eq=False)
class FreeRidingResults:
    """What four schemes collect and train, by number of parties.

    Everything is an expectation over who turns up. G = len(n_parties).

    Attributes
    ----------
    n_parties : (G,) ndarray of int
    free_riding_total, free_riding_accuracy : (G,) ndarray
        Everybody gets the best model for nothing: the equilibrium of
        :func:`~paid_with_models.welfare.free_riding`.
    contract_total, contract_accuracy : (G,) ndarray
        The optimal menu.
    complete_total, complete_accuracy : (G,) ndarray
        The complete-information benchmark.
    surplus_total, surplus_accuracy : (G,) ndarray
        The data that maximize the parties' joint surplus if everybody gets the best model and
        the cheapest present does the work: the sum of marginal values equals the marginal cost
        (Samuelson 1954).
    """

    n_parties: npt.NDArray[np.int64]
    free_riding_total: FloatArray
    free_riding_accuracy: FloatArray
    contract_total: FloatArray
    contract_accuracy: FloatArray
    complete_total: FloatArray
    complete_accuracy: FloatArray
    surplus_total: FloatArray
    surplus_accuracy: FloatArray


def free_riding_experiment(
    problem: Problem, n_parties: Sequence[int] = tuple(range(1, 21))
) -> FreeRidingResults:
    r"""Compare schemes as the number of parties grows.

    Parameters
    ----------
    problem : Problem
        Its number of parties is replaced.
    n_parties : sequence of int >= 1

    Returns
    -------
    FreeRidingResults

    Raises
    ------
    ValueError
        If ``n_parties`` is empty, or its outcomes are too many to enumerate.

    Examples
    --------
    >>> problem = Problem(1, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    >>> results = free_riding_experiment(problem, [1, 8])
    >>> bool(results.contract_accuracy[1] > results.free_riding_accuracy[1])
    True
    """
    if len(n_parties) == 0:
        raise ValueError("n_parties must not be empty")
    problems = [
        Problem(
            size, problem.probabilities, problem.costs, problem.accuracy, problem.valuation,
            beliefs=problem.beliefs,
        )
        for size in n_parties
    ]  # fmt: skip
    tables = [compare_schemes(contract) for contract in solve_many(problems)]
    columns = {
        f"{scheme}_{quantity}": np.array([table.loc[scheme, quantity] for table in tables])
        for scheme in tables[0].index
        for quantity in ("total", "accuracy")
    }
    return FreeRidingResults(np.asarray(n_parties, dtype=np.int64), **columns)


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
        seen), surplus (what would be best for the parties together, if it could be imposed: see
        :class:`FreeRidingResults`). Columns total (units of data), accuracy, surplus (joint gain
        of the parties, value).

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import solve
    >>> table = compare_schemes(solve(SCENARIOS["small_party_teamwork"].problem()))
    >>> table["accuracy"].round(2).to_dict()
    {'free_riding': 0.0, 'contract': 0.69, 'complete': 0.76, 'surplus': 0.62}
    """
    problem = contract.problem
    counts = enumerate_outcomes(problem.n_parties, problem.n_types)
    weights = outcome_probabilities(counts, problem.probabilities)
    complete = solve_complete_information(problem)
    cheapest = np.where(counts > 0, problem.costs, np.inf).min(axis=1)
    ridden = autarky_at(problem.model_value, cheapest).contributions
    best = problem.model_value.data_at_slope(cheapest / problem.n_parties)

    def shared(totals: FloatArray) -> FloatArray:
        """Joint gain if everybody gets the best model and the cheapest do the work."""
        return np.asarray(problem.n_parties * problem.model_value(totals) - cheapest * totals)

    best = np.where(shared(best) > 0, best, 0.0)
    given = float(problem.n_parties * problem.probabilities @ complete.utilities)
    rows = {
        "free_riding": (ridden, weights @ shared(ridden)),
        "contract": (counts @ contract.contributions, joint_surplus(contract)),
        "complete": (complete.totals, given),
        "surplus": (best, weights @ shared(best)),
    }
    return pd.DataFrame(
        {
            scheme: {
                "total": weights @ totals,
                "accuracy": weights @ problem.accuracy(totals),
                "surplus": surplus,
            }
            for scheme, (totals, surplus) in rows.items()
        }
    ).T


@dataclass(frozen=True)
class CounterExample:
    r"""Appendix A.1: more data expected is not a better model expected.

    Two parties, each of type 1 with probability q and of type 2 otherwise, contribute
    :math:`m_1` and :math:`m_2 = M - m_1`. The expected total

    .. math:: f(m_1) = E[S] = 2 q m_1 + 2 (1 - q)(M - m_1)

    is largest at an end of the interval; the expectation of the concave :math:`\sqrt S`

    .. math:: g(m_1) = E[\sqrt S] = q^2 \sqrt{2 m_1} + 2 q (1 - q) \sqrt{M}
              + (1 - q)^2 \sqrt{2 (M - m_1)}

    inside it: a coordinator that maximizes the expected amount of data does not maximize the
    expected accuracy. With q = .6 and M = 5 these are the appendix's
    :math:`0.4 m + 4` and :math:`0.36 \sqrt{2m} + 0.48 \sqrt 5 + 0.16 \sqrt{10 - 2m}`.

    Parameters
    ----------
    budget : float > 0
        M, units of data.
    probability : float in (0, 1)
        q.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> example = CounterExample()
    >>> example.best_total, round(example.best_root - 405 / 97, 12)
    (5.0, 0.0)
    """

    budget: float = 5.0
    probability: float = 0.6

    def __post_init__(self) -> None:
        if not 0 < self.budget < np.inf:
            raise ValueError(f"budget must be > 0 and finite; got {self.budget!r}")
        if not 0 < self.probability < 1:
            raise ValueError(f"probability must be in (0, 1); got {self.probability!r}")

    def expected_total(self, contribution: npt.ArrayLike) -> FloatArray:
        """f, the expected total contribution; any shape, in [0, budget]."""
        m, q = np.asarray(contribution, dtype=float), self.probability
        return np.asarray(2 * q * m + 2 * (1 - q) * (self.budget - m))

    def expected_root(self, contribution: npt.ArrayLike) -> FloatArray:
        """g, the expected square root of the total contribution; any shape, in [0, budget]."""
        m, q = np.asarray(contribution, dtype=float), self.probability
        return np.asarray(
            q**2 * np.sqrt(2 * m)
            + 2 * q * (1 - q) * np.sqrt(self.budget)
            + (1 - q) ** 2 * np.sqrt(2 * (self.budget - m))
        )

    @property
    def best_total(self) -> float:
        """The m_1 in [0, budget] that maximizes f."""
        return _maximizer(lambda m: 2 * self.probability - 1, self.budget)

    @property
    def best_root(self) -> float:
        """The m_1 in [0, budget] that maximizes g."""
        q = self.probability
        # The sign of g', freed of its denominators sqrt(2 m) and sqrt(2 (M - m)).
        return _maximizer(
            lambda m: q**2 * np.sqrt(self.budget - m) - (1 - q) ** 2 * np.sqrt(m), self.budget
        )


def _maximizer(slope: Callable[[float], float], upper: float) -> float:
    """Maximizer on [0, upper] of a concave function, given the sign of its derivative."""
    if slope(upper) >= 0:
        return upper
    if slope(0.0) <= 0:
        return 0.0
    return float(brentq(slope, 0.0, upper, xtol=1e-15, rtol=9e-16))


def audit_published_menus(contracts: Mapping[str, Contract]) -> pd.DataFrame:
    """Recompute the published menus exactly and set them beside the certified contracts.

    Parameters
    ----------
    contracts : mapping from scenario name to Contract
        Contracts of the scenarios in :data:`SCENARIOS`, all or some of them.

    Returns
    -------
    DataFrame
        One row a scenario: published_accuracy, the expected accuracy of the published
        contributions by enumeration; certified_accuracy, upper_bound and gap of the contract;
        shortfall = certified - published; the published menu's relative violations of
        individual rationality, incentive compatibility and caps; bunch_spread, how far apart
        (units of data) the published contributions are of types that share one option in the
        contract.

    Raises
    ------
    ValueError
        If a name is not that of a scenario, or the contract is not one of its problem.

    Examples
    --------
    >>> from paid_with_models import solve
    >>> name = "small_party_teamwork"
    >>> audit = audit_published_menus({name: solve(SCENARIOS[name].problem())})
    >>> bool(1e-5 < audit["shortfall"].iloc[0] < 1.3e-5)
    True
    """
    rows = []
    for name, contract in contracts.items():
        if name not in PUBLISHED.menus:
            raise ValueError(f"contracts must be keyed by scenario name; got {name!r}")
        _check_is_scenario(name, contract)
        problem, menu = contract.problem, PUBLISHED.menus[name]
        m = np.array(menu.contributions)
        counts = enumerate_outcomes(problem.n_parties, problem.n_types)
        weights = outcome_probabilities(counts, problem.probabilities)
        published = float(weights @ problem.accuracy(counts @ m))
        residuals = menu_residuals(problem, menu.contributions, menu.rewards)
        rows.append(
            {
                "scenario": name,
                "published_accuracy": published,
                "certified_accuracy": contract.expected_accuracy,
                "upper_bound": contract.upper_bound,
                "gap": contract.gap,
                "shortfall": contract.expected_accuracy - published,
                "individual_rationality": residuals.individual_rationality,
                "incentive_compatibility": residuals.incentive_compatibility,
                "caps": residuals.caps,
                "bunch_spread": max(float(np.ptp(m[list(b)])) for b in options(contract)),
            }
        )
    return pd.DataFrame(rows)


def compare_with_published(
    contracts: Mapping[str, Contract] | None = None, two_type: TwoTypeResults | None = None
) -> pd.DataFrame:
    """The replication statement: every published number beside ours, with a verdict and a reason.

    Parameters
    ----------
    contracts : mapping from scenario name to Contract, optional
        Contracts of the scenarios to compare.
    two_type : TwoTypeResults, optional
        Results on the paper's grid. Given one of the two, the statement is about that alone;
        given both or neither (then all is solved), the appendix's example is compared too.

    Returns
    -------
    DataFrame
        One row a published number: experiment, quantity, type (0 where it belongs to no type),
        published, ours, difference (ours minus published), relative_difference (to the larger
        of the two, at least the last printed digit), verdict ("reproduced" or "differs") and
        reason. A number is reproduced if it agrees to the last printed digit or within
        :data:`REPRODUCED_WITHIN`. Reasons for differences are assembled from certified results:
        what the published menu achieves, recomputed exactly, against the contract and the bound
        on all menus.

    Raises
    ------
    ValueError
        If contracts are not those of the scenarios, or the results not on the paper's grid.

    Examples
    --------
    >>> from paid_with_models import solve
    >>> name = "small_party_teamwork"
    >>> table = compare_with_published({name: solve(SCENARIOS[name].problem())})
    >>> table.groupby("quantity")["verdict"].first()["reservation utility"]
    'reproduced'
    """
    everything = contracts is None and two_type is None
    if everything:
        problems = [scenario.problem() for scenario in SCENARIOS.values()]
        contracts = dict(zip(SCENARIOS, solve_many(problems), strict=True))
        two_type = two_type_experiment()
    rows: list[dict[str, object]] = []
    if contracts:
        audits = audit_published_menus(contracts).set_index("scenario")
        for name, contract in contracts.items():
            rows += _compare_menu(name, contract, audits.loc[name])
    if two_type is not None:
        rows += _compare_two_type(two_type)
    if everything or (contracts and two_type is not None):
        rows += _compare_counter_example()
    return pd.DataFrame(rows)


def summarize_replication(table: pd.DataFrame) -> pd.DataFrame:
    """Count verdicts by experiment and quantity.

    Parameters
    ----------
    table : DataFrame
        From :func:`compare_with_published`.

    Returns
    -------
    DataFrame
        Columns experiment, quantity, numbers, reproduced, differs, largest_relative_difference.

    Examples
    --------
    >>> rows = pd.DataFrame({"experiment": ["a"] * 2, "quantity": ["m"] * 2,
    ...                      "verdict": ["reproduced", "differs"], "relative_difference": [0, .1]})
    >>> summarize_replication(rows)[["numbers", "reproduced", "differs"]].iloc[0].tolist()
    [2, 1, 1]
    """
    groups = table.groupby(["experiment", "quantity"], sort=False)
    return groups.agg(
        numbers=("verdict", "size"),
        reproduced=("verdict", lambda v: int((v == "reproduced").sum())),
        differs=("verdict", lambda v: int((v == "differs").sum())),
        largest_relative_difference=("relative_difference", lambda d: float(d.abs().max())),
    ).reset_index()


def _check_is_scenario(name: str, contract: Contract) -> None:
    ours, theirs = contract.problem, SCENARIOS[name].problem()
    same = (
        ours.n_parties == theirs.n_parties
        and np.array_equal(ours.costs, theirs.costs)
        and np.allclose(ours.probabilities, theirs.probabilities, rtol=0, atol=1e-15)
        and ours.model_value == theirs.model_value
    )
    if not same:
        raise ValueError(f"contracts[{name!r}] must be a contract of that scenario's problem")


def _row(
    experiment: str,
    quantity: str,
    kind: int,
    published: float,
    ours: float,
    decimals: int,
    reason_if_different: str,
) -> dict[str, object]:
    difference = ours - published
    relative = difference / max(abs(ours), abs(published), 10.0**-decimals)
    if abs(difference) <= 0.5 * 10.0**-decimals * (1 + 1e-6):
        verdict, reason = "reproduced", f"equal in all {decimals} printed decimals"
    elif abs(relative) <= REPRODUCED_WITHIN:
        verdict, reason = "reproduced", f"equal within {REPRODUCED_WITHIN:g}, relative"
    else:
        verdict, reason = "differs", reason_if_different
    return {
        "experiment": experiment,
        "quantity": quantity,
        "type": kind,
        "published": published,
        "ours": ours,
        "difference": difference,
        "relative_difference": relative,
        "verdict": verdict,
        "reason": reason,
    }


def _compare_menu(
    name: str, contract: Contract, audit: pd.Series[float]
) -> list[dict[str, object]]:
    menu, title = PUBLISHED.menus[name], SCENARIOS[name].title
    problem = contract.problem
    pairs: list[tuple[str, Sequence[float] | None, FloatArray]] = [
        ("contribution", menu.contributions, contract.contributions),
        ("reward", menu.rewards, contract.rewards),
        ("utility", menu.utilities, contract.utilities),
        ("reward cap", menu.reward_caps, contract.reward_caps),
        ("reservation utility", menu.reservation_utilities, contract.reservation_utilities),
        (
            "reservation contribution",
            menu.reservation_contributions,
            contract.reservation_contributions,
        ),
    ]
    rows = []
    for quantity, published, ours in pairs:
        for i in range(problem.n_types) if published is not None else ():
            assert published is not None
            reason = (
                _autarky_reason(problem, i, published[i])
                if quantity == "reservation contribution"
                else _menu_reason(i, menu, contract, audit)
            )
            rows.append(
                _row(title, quantity, i + 1, published[i], float(ours[i]),
                     PUBLISHED.menu_decimals, reason)
            )  # fmt: skip
    if menu.expected_value is not None:
        rows.append(
            _row(title, "expected value of the collective model", 0, menu.expected_value,
                 contract.expected_value, 14, _menu_reason(-1, menu, contract, audit))
        )  # fmt: skip
    return rows


def _menu_reason(
    kind: int, menu: PublishedMenu, contract: Contract, audit: pd.Series[float]
) -> str:
    """Why a number of the published menu differs, from what was computed and nothing else."""
    violation = max(
        audit["individual_rationality"], audit["incentive_compatibility"], audit["caps"]
    )
    above_bound = audit["published_accuracy"] - audit["upper_bound"]
    if above_bound > 0 and violation <= REPRODUCED_WITHIN:
        return (
            f"not explained: the published menu satisfies all constraints within {violation:.1e}"
            f" and exceeds the bound on all menus by {above_bound:.1e}"
        )
    evidence = (
        f"recomputed exactly, the published menu's expected accuracy is"
        f" {_short(audit['shortfall'])}; no menu can exceed ours by more than"
        f" {max(audit['gap'], 0.0):.0e}; its largest relative constraint violation is"
        f" {violation:.0e}"
    )
    bunch = next((b for b in contract.bunches if kind in b), ())
    if bunch:
        spread = float(np.ptp(np.array(menu.contributions)[list(bunch)]))
        cause = (
            f"bunching hidden by the solver's tolerance: at the optimum {_types(bunch)} share one"
            f" option, the published contributions lie {spread:.2g} apart"
        )
    elif audit["shortfall"] > 0:
        cause = "the published solver stopped short of the optimum"
    else:
        cause = "the published menu buys its value by violating constraints"
    return f"{cause}; {evidence}"


def _autarky_reason(problem: Problem, kind: int, published: float) -> str:
    """Why a published reservation contribution differs: how little it costs its type."""
    alone = autarky(problem)
    cost = float(problem.costs[kind])
    at = np.array([published, alone.contributions[kind]])
    value, slope, _ = problem.model_value.evaluate(at)
    lost = float(alone.utilities[kind]) - (float(value[0]) - cost * published)
    return (
        f"utility is flat around its maximum: at the published contribution it is {_short(lost)};"
        f" one more unit of data still changes it by {abs(slope[0] - cost):.0e} there, by"
        f" {abs(slope[1] - cost):.0e} at ours"
    )


def _short(shortfall: float) -> str:
    return f"{abs(shortfall):.2g} {'below' if shortfall >= 0 else 'above'} ours"


def _types(members: Sequence[int]) -> str:
    """'type 3', 'types 1–4' or 'types 1, 3'; members are indices."""
    numbers = sorted(i + 1 for i in members)
    if len(numbers) == 1:
        return f"type {numbers[0]}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"types {numbers[0]}–{numbers[-1]}"
    return "types " + ", ".join(map(str, numbers))


def _compare_two_type(results: TwoTypeResults) -> list[dict[str, object]]:
    experiment = "Two types"
    rows = []
    problem = results.problem(0, 0)
    for i, published in enumerate(PUBLISHED.two_type_reservation_contributions):
        reason = _autarky_reason(problem, i, published)
        ours = float(results.reservation_contributions[i])
        rows.append(_row(experiment, "reservation contribution", i + 1, published, ours, 8, reason))
    for i, published in enumerate(PUBLISHED.two_type_reservation_values):
        there = PUBLISHED.two_type_reservation_contributions[i]
        reason = (
            "follows from the published contribution, which differs: the value there is"
            f" {float(problem.model_value(there)):.8f}"
        )
        ours = float(results.reservation_values[i])
        rows.append(
            _row(experiment, "value of the reservation model", i + 1, published, ours, 8, reason)
        )
    where = np.unravel_index(np.argmin(results.information_cost), results.information_cost.shape)
    slack = float(results.gap[where])
    rows.append(
        _row(experiment, "lowest information cost", 0, PUBLISHED.two_type_lowest_information_cost,
             float(results.information_cost[where]), 2,
             f"found at N = {results.n_parties[where[0]]}, p_1 = {results.p_high[where[1]]:.2f};"
             f" the contract there is within {slack:.0e} of the best expected accuracy; the"
             " published number is the end of a figure's axis")
    )  # fmt: skip
    return rows


def _compare_counter_example() -> list[dict[str, object]]:
    example = CounterExample()
    f, g = PUBLISHED.counter_example_argmax
    experiment = "Appendix A.1"
    return [
        _row(experiment, "maximizer of the expected total", 1, f, example.best_total, 8, ""),
        _row(experiment, "maximizer of the expected root", 1, g, example.best_root, 8, ""),
    ]
