"""What the figures of record show, from parameters that a file can hold.

The functions of :mod:`~paid_with_models.figures` and :mod:`~paid_with_models.figures_beyond` draw
results. Where an experiment does not lead from plain numbers and names to such results by itself, a
function here does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import lognorm, uniform

from .accuracy import Arctan, GeneralizationBound, PowerLaw
from .attendance import Between, CostDistribution, bracketing_types, type_grid
from .behavior import (
    Assignment,
    Behavior,
    SlackMenu,
    certainty_equivalents,
    logit_behavior,
    slack_menu,
)
from .experiments import SCENARIOS, FreeRidingResults, free_riding_experiment
from .exponential_sum import ExponentialSum, fit_exponential_sum
from .problem import Problem
from .rewards import capped_rewards, lottery_rewards, proportional_rewards
from .screening import Contract, solve, solve_many

__all__ = [
    "aversion_lines",
    "belief_lines",
    "bunching_lines",
    "continuum_menus",
    "cost_distributions",
    "large_market_menus",
    "logit_lines",
    "lower_cost_lines",
    "margin_lines",
    "scenario_contract",
    "scenario_contracts",
    "scenario_free_riding",
    "scenario_problem",
    "sum_fits",
]


def scenario_problem(scenario: str) -> Problem:
    """The problem of one of the paper's scenarios.

    Parameters
    ----------
    scenario : str
        A name in :data:`~paid_with_models.experiments.SCENARIOS`.

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


def scenario_contract(scenario: str) -> Contract:
    """The optimal contract of one of the paper's scenarios.

    Parameters
    ----------
    scenario : str
        As for :func:`scenario_problem`.

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
    """The optimal contracts of several scenarios, by title.

    Parameters
    ----------
    scenarios : sequence of str
        As for :func:`scenario_problem`.

    Raises
    ------
    ValueError
        If there is no such scenario.

    Examples
    --------
    >>> list(scenario_contracts(["big_firm_cooperation"]))
    ['Big-firm cooperation']
    """
    contracts = solve_many([scenario_problem(name) for name in scenarios])
    titles = [SCENARIOS[name].title for name in scenarios]
    return dict(zip(titles, contracts, strict=True))


def scenario_free_riding(
    scenario: str, n_parties: Sequence[int] = tuple(range(1, 11))
) -> FreeRidingResults:
    """Four schemes in one of the paper's scenarios as the number of parties grows.

    Parameters
    ----------
    scenario : str
        As for :func:`scenario_problem`.
    n_parties : sequence of int >= 1

    Raises
    ------
    ValueError
        If there is no such scenario, or ``n_parties`` is empty.

    Examples
    --------
    >>> scenario_free_riding("big_firm_cooperation", [2]).n_parties.tolist()
    [2]
    """
    return free_riding_experiment(scenario_problem(scenario), n_parties)


def bunching_lines(
    n_parties: int = 10,
    costs: tuple[float, float, float] = (0.2, 0.1, 0.05),
    middle_costs: Sequence[float] = tuple(np.linspace(0.06, 0.19, 66)),
    shares: Sequence[float] = tuple(np.linspace(0.02, 0.98, 97)),
) -> dict[str, list[tuple[float, Contract]]]:
    """Contracts for three types along two lines: the cost of type 2, the probability of type 1.

    On the first line the types are equally likely, on the second types 2 and 3 are. The accuracy
    curve is the paper's.

    Parameters
    ----------
    n_parties : int >= 1
    costs : (3,) tuple of floats > 0
        Value per unit of data; on the first line that of type 2 is replaced.
    middle_costs : sequence of floats > 0
        Costs of type 2 on the first line.
    shares : sequence of floats in (0, 1)
        Probabilities of type 1 on the second line.

    Returns
    -------
    dict from str to list of (float, Contract)
        For each line, by what changes along it, the places and the contracts there.

    Examples
    --------
    >>> lines = bunching_lines(middle_costs=[0.1], shares=[0.9])
    >>> [[contract.shape.name for _, contract in line] for line in lines.values()]
    [['SEPARATING'], ['POOLING']]
    """
    high, middle, low = costs
    curve = GeneralizationBound()
    by_cost = solve_many(
        Problem(n_parties, [1 / 3] * 3, [high, c, low], curve) for c in middle_costs
    )
    by_share = solve_many(
        Problem(n_parties, [p, (1 - p) / 2, (1 - p) / 2], [high, middle, low], curve)
        for p in shares
    )
    return {
        "cost of type 2": list(zip(middle_costs, by_cost, strict=True)),
        "probability of type 1": list(zip(shares, by_share, strict=True)),
    }


def cost_distributions(scale: float = 1.0) -> dict[str, CostDistribution]:
    """Two distributions of costs, by name: uniform, and log-normal without its outermost percents.

    Parameters
    ----------
    scale : float > 0
        Median of the log-normal costs, value per unit of data; uniform ones go from a quarter of it
        to two and a half times as much.

    Examples
    --------
    >>> {name: costs.support() for name, costs in cost_distributions().items()}["uniform"]
    (0.25, 2.5)
    """
    costs = lognorm(0.8, scale=scale)
    return {
        "uniform": Between(uniform(0.0, 3 * scale), 0.25 * scale, 2.5 * scale),
        "log-normal": Between(costs, float(costs.ppf(0.01)), float(costs.ppf(0.99))),
    }


def large_market_menus(
    n_parties: int = 10_000, sizes: Sequence[int] = (10, 20, 40)
) -> dict[str, tuple[CostDistribution, dict[int, Contract]]]:
    """Contracts for ever more equally likely types that stand for a distribution of costs.

    Parameters
    ----------
    n_parties : int >= 2
    sizes : sequence of int >= 1
        Numbers of types. The accuracy curve is the paper's.

    Returns
    -------
    dict
        By name, the distribution (:func:`cost_distributions`) and contracts by number of types.

    Examples
    --------
    >>> distribution, contracts = large_market_menus(sizes=[10])["uniform"]
    >>> contracts[10].shape.name
    'POOLING'
    """
    curve = GeneralizationBound()
    return {
        name: (
            costs,
            {
                n_types: solve(
                    Problem(n_parties, [1 / n_types] * n_types, type_grid(costs, n_types), curve)
                )
                for n_types in sizes
            },
        )
        for name, costs in cost_distributions().items()
    }


def continuum_menus(
    n_parties: int = 10, scale: float = 0.2, sizes: Sequence[int] = (4, 8, 16, 32)
) -> dict[str, dict[int, tuple[Contract, Contract]]]:
    r"""Contracts for types all too dear and all too cheap for a distribution of costs.

    Parties hold their own beliefs; accuracy is a power law that is concave from the start,
    :math:`1 - 2 / \sqrt{S + 4}`, with which every party would train alone.

    Parameters
    ----------
    n_parties : int >= 2
    scale : float > 0
        Of the costs (:func:`cost_distributions`).
    sizes : sequence of int >= 1
        Numbers of types.

    Returns
    -------
    dict
        By name of the distribution and number of types, the two contracts
        (:func:`~paid_with_models.attendance.bracketing_types`).

    Examples
    --------
    >>> dearer, cheaper = continuum_menus(sizes=[4])["uniform"][4]
    >>> bool(dearer.expected_accuracy < cheaper.upper_bound)
    True
    """
    curve = PowerLaw(1.0, 2.0, 0.5, 4.0)
    menus: dict[str, dict[int, tuple[Contract, Contract]]] = {}
    for name, costs in cost_distributions(scale).items():
        menus[name] = {}
        for size in sizes:
            p, dearer, cheaper = bracketing_types(costs, size)
            first, second = solve_many(
                Problem(n_parties, p, c, curve, beliefs="own") for c in (dearer, cheaper)
            )
            menus[name][size] = first, second
    return menus


def sum_fits(
    upto: float = 1e7,
    rates_per_e_fold: Sequence[float] = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0),
) -> dict[str, list[ExponentialSum]]:
    """Exponential sums of ever more terms for three curves, of which one has none.

    Parameters
    ----------
    upto : float > 0
        Largest amount of data that the sums are for.
    rates_per_e_fold : sequence of float > 0
        Rates to choose from, per factor e of the range.

    Returns
    -------
    dict from str to list of ExponentialSum

    Examples
    --------
    >>> fits = sum_fits(rates_per_e_fold=[1.0, 4.0])
    >>> {name: fit.error < 1e-11 for name, (_, fit) in fits.items()}
    {'generalization bound': True, 'power law': True, 'arctangent': False}
    """
    curves = {
        "generalization bound": GeneralizationBound(),
        "power law": PowerLaw(0.95, 1.0, 0.4, 2.0),
        "arctangent": Arctan(),
    }
    return {
        name: [
            fit_exponential_sum(curve, curve.smooth_from, upto, rates_per_e_fold=rates)
            for rates in rates_per_e_fold
        ]
        for name, curve in curves.items()
    }


def belief_lines(
    n_parties: Sequence[int] = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50),
    probabilities: Sequence[float] = (0.5, 0.5),
    costs: Sequence[float] = (0.5, 0.2),
) -> dict[str, list[Contract]]:
    """Contracts under both beliefs as the number of parties grows.

    Parameters
    ----------
    n_parties : sequence of int >= 1
    probabilities, costs : (I,) sequence of float > 0
        Of the types; the accuracy curve is the paper's.

    Returns
    -------
    dict from str to list of Contract
        By belief, "paper" and "own".

    Examples
    --------
    >>> lines = belief_lines([4])
    >>> paper, own = lines["paper"][0], lines["own"][0]
    >>> bool(own.reward_caps[0] < paper.reward_caps[0])
    True
    >>> bool(own.reward_caps[1] > paper.reward_caps[1])
    True
    """
    curve = GeneralizationBound()
    return {
        beliefs: solve_many(
            Problem(n, probabilities, costs, curve, beliefs=beliefs) for n in n_parties
        )
        for beliefs in ("paper", "own")
    }


def lower_cost_lines(
    n_parties: int = 3,
    probabilities: tuple[float, float, float] = (0.5128, 0.4104, 0.0768),
    costs: tuple[float, float] = (0.29513, 0.0274503),
    offsets: Sequence[float] = (-0.02, -0.01, -1e-6, 1e-6, 0.002, 0.004, 0.007, 0.01, 0.02),
) -> dict[str, list[tuple[float, Contract]]]:
    """Contracts of three types as the cost of the second passes that of the third.

    Parameters
    ----------
    n_parties : int >= 2
    probabilities : (3,) tuple of float > 0
    costs : (2,) tuple of float > 0
        Of types 1 and 3. The accuracy curve is the paper's.
    offsets : sequence of float > -1
        By which part the cost of type 2 is above that of type 3.

    Returns
    -------
    dict from str to list of (float, Contract)
        By belief, "paper" and "own", offsets and contracts.

    Examples
    --------
    >>> (_, below), (_, above) = lower_cost_lines(offsets=[-1e-6, 1e-6])["paper"]
    >>> bool(below.upper_bound < above.expected_accuracy)
    True
    """
    curve, (high, low) = GeneralizationBound(), costs
    lines = {}
    for beliefs in ("paper", "own"):
        problems = (
            Problem(n_parties, probabilities, [high, low * (1 + it), low], curve, beliefs=beliefs)
            for it in offsets
        )
        lines[beliefs] = list(zip(map(float, offsets), solve_many(problems), strict=True))
    return lines


def logit_lines(
    margin: float = 2.0,
    rationalities: Sequence[float] = tuple(np.geomspace(0.03, 30, 31)),
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> dict[str, dict[str, list[tuple[float, Behavior]]]]:
    """Logit choice in the paper's scenarios: from the optimal contract and from one with a margin.

    Parameters
    ----------
    margin : float >= 0
        Units of value.
    rationalities : sequence of float >= 0
        Per unit of value.
    scenarios : sequence of str
        As for :func:`scenario_problem`.

    Returns
    -------
    dict
        By title of the scenario, then by case: "nobody may stay out", "the promise is believed",
        "what comes is foreseen", "foreseen, rewards capped" and "foreseen, with a margin"; pairs of
        rationality and behavior.

    Raises
    ------
    ValueError
        If there is no such scenario.

    Examples
    --------
    >>> lines = logit_lines(rationalities=[1.0], scenarios=["small_party_teamwork"])
    >>> round(lines["Small-party teamwork"]["what comes is foreseen"][0][1].expected_accuracy, 3)
    0.654
    """
    lines = {}
    for title, contract in scenario_contracts(scenarios).items():
        problem = contract.problem
        slack = slack_menu(problem, margin)
        best, robust = ((it.contributions, it.rewards) for it in (contract, slack))
        share, cap = Assignment.PROPORTIONAL, Assignment.CAPPED
        cases = {
            "nobody may stay out": (best, False, False, share),
            "the promise is believed": (best, True, False, share),
            "what comes is foreseen": (best, True, True, share),
            "foreseen, rewards capped": (best, True, True, cap),
            "foreseen, with a margin": (robust, True, True, share),
        }
        lines[title] = {
            case: [
                (
                    float(it),
                    logit_behavior(
                        problem,
                        *menu,
                        float(it),
                        opting_out=out,
                        anticipating=foreseen,
                        assignment=assignment,
                    ),
                )
                for it in rationalities
            ]
            for case, (menu, out, foreseen, assignment) in cases.items()
        }
    return lines


def margin_lines(
    margins: Sequence[float] = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0),
    rationalities: Sequence[float] = (1.0, 3.0),
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> dict[str, list[tuple[SlackMenu, dict[float, Behavior]]]]:
    """The best menus with ever larger margins, and what foresighted parties do with them.

    Parameters
    ----------
    margins : sequence of float >= 0
        Units of value.
    rationalities : sequence of float >= 0
        Per unit of value.
    scenarios : sequence of str
        As for :func:`scenario_problem`.

    Returns
    -------
    dict
        By title of the scenario, for each margin, the menu and the behavior by rationality.

    Raises
    ------
    ValueError
        If there is no such scenario, or no menu with such a margin.

    Examples
    --------
    >>> lines = margin_lines([0.0, 2.0], [3.0], ["small_party_teamwork"])
    >>> none, two = lines["Small-party teamwork"]
    >>> none[0].expected_accuracy > two[0].expected_accuracy
    True
    >>> none[1][3.0].expected_accuracy < two[1][3.0].expected_accuracy
    True
    """
    lines = {}
    for name in scenarios:
        problem = scenario_problem(name)
        lines[SCENARIOS[name].title] = [
            (
                menu,
                {
                    rationality: logit_behavior(
                        problem, menu.contributions, menu.rewards, rationality, anticipating=True
                    )
                    for rationality in rationalities
                },
            )
            for menu in (slack_menu(problem, margin) for margin in margins)
        ]
    return lines


def aversion_lines(
    margin: float = 2.0,
    rationality: float = 3.0,
    aversions: Sequence[float] = tuple(np.geomspace(0.002, 0.2, 13)),
    scenarios: Sequence[str] = ("big_firm_cooperation", "big_and_small_collaboration"),
) -> dict[str, dict[Assignment, list[tuple[float, float, Behavior]]]]:
    """Aversion to the spread of rewards, under three ways of handing out the same means.

    Parameters
    ----------
    margin : float >= 0
        Of the menu, units of value.
    rationality : float >= 0
        Per unit of value.
    aversions : sequence of float >= 0
        Per unit of value.
    scenarios : sequence of str
        As for :func:`scenario_problem`. (In small-party teamwork nothing varies.)

    Returns
    -------
    dict
        By title of the scenario and assignment, for each aversion: the aversion; the most that
        chance costs a type under the optimal contract, units of value; what foresighted parties
        do with the menu that has the margin.

    Raises
    ------
    ValueError
        If there is no such scenario.

    Examples
    --------
    >>> lines = aversion_lines(aversions=[0.05], scenarios=["big_firm_cooperation"])
    >>> found = lines["Big-firm cooperation"]
    >>> found[Assignment.CAPPED][0][1] < found[Assignment.LOTTERY][0][1]
    True
    """
    hand_out = {
        Assignment.CAPPED: capped_rewards,
        Assignment.PROPORTIONAL: proportional_rewards,
        Assignment.LOTTERY: lottery_rewards,
    }
    lines = {}
    for title, contract in scenario_contracts(scenarios).items():
        menu = slack_menu(contract.problem, margin)
        lines[title] = {
            assignment: [
                (
                    float(aversion),
                    float(np.max(contract.rewards - certainty_equivalents(rewards, aversion))),
                    logit_behavior(
                        contract.problem,
                        menu.contributions,
                        menu.rewards,
                        rationality,
                        anticipating=True,
                        aversion=float(aversion),
                        assignment=assignment,
                    ),
                )
                for aversion in aversions
            ]
            for assignment, rewards in ((it, way(contract)) for it, way in hand_out.items())
        }
    return lines
