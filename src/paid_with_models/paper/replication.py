"""The published numbers beside the exact ones, with what explains each difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..accuracy import FloatArray
from ..attendance import enumerate_outcomes, outcome_probabilities
from ..contract import Contract
from ..problem import Problem, autarky
from ..residuals import menu_residuals
from ..solver.routes import solve_many
from .counter_example import CounterExample
from .published import PUBLISHED, PublishedMenu
from .scenarios import SCENARIOS, options, types_by_number
from .two_types import two_type_experiment, two_type_problem

__all__ = [
    "AGREEMENTS",
    "PLOTTED_WITHIN",
    "STOPPED_WITHIN",
    "audit_published_menus",
    "compare_with_published",
    "summarize_replication",
]


#: STOPPED_WITHIN: relative differences and violations that a solver's stopping tolerance explains
#: by itself. The published optimizer stops within a few parts in 1e8 of its optimum.
STOPPED_WITHIN = 1e-6
#: PLOTTED_WITHIN: relative differences that no picture of the numbers shows. A thousandth of an
#: axis of 10 cm is the width of a hairline.
PLOTTED_WITHIN = 1e-3
#: How well a printed number and ours agree, from the best.
AGREEMENTS = ("last digit", "close", "visible")


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
    contracts: Mapping[str, Contract] | None = None, two_type: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The replication statement: every published number beside ours, with a verdict and a reason.

    Parameters
    ----------
    contracts : mapping from scenario name to Contract, optional
        Contracts of the scenarios to compare.
    two_type : DataFrame, optional
        What :func:`~paid_with_models.paper.two_types.two_type_experiment` finds on the paper's
        grid. Given one of the two, the statement is about that alone; given both or neither (then
        all is solved), the appendix's example is compared too.

    Returns
    -------
    DataFrame
        One row a published number: experiment, quantity, type (0 where it belongs to no type),
        published, ours, difference (ours minus published), relative_difference (to the larger
        of the two, at least the last printed digit), verdict (one of :data:`AGREEMENTS`) and
        reason. A number agrees to the last digit if rounding ours gives what is printed, is close
        if it is within :data:`PLOTTED_WITHIN`, and else the difference can be seen in a
        picture. Reasons for differences are assembled from certified results:
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
    'last digit'
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
        Columns experiment, quantity, numbers, one for each of :data:`AGREEMENTS` with their
        counts, largest_relative_difference.

    Examples
    --------
    >>> rows = pd.DataFrame({"experiment": ["a"] * 2, "quantity": ["m"] * 2,
    ...                      "verdict": ["last digit", "visible"], "relative_difference": [0, .1]})
    >>> summarize_replication(rows)[["numbers", "last digit", "visible"]].iloc[0].tolist()
    [2, 1, 1]
    """
    counted = table.assign(
        **{verdict: (table["verdict"] == verdict).astype(int) for verdict in AGREEMENTS}
    )
    return (
        counted.groupby(["experiment", "quantity"], sort=False)
        .agg(
            numbers=("verdict", "size"),
            **{verdict: (verdict, "sum") for verdict in AGREEMENTS},
            largest_relative_difference=("relative_difference", lambda d: float(d.abs().max())),
        )
        .reset_index()
    )


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
    last_digit, plotted, visible = AGREEMENTS
    verdict = plotted if abs(relative) <= PLOTTED_WITHIN else visible
    reason = reason_if_different
    if abs(difference) <= 0.5 * 10.0**-decimals * (1 + 1e-6):
        verdict, reason = last_digit, f"equal in all {decimals} printed decimals"
    elif abs(relative) <= STOPPED_WITHIN:
        reason = (
            "the published solver's stopping tolerance: the relative difference is"
            f" {abs(relative):.0e}"
        )
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
    if above_bound > 0 and violation <= STOPPED_WITHIN:
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
            f"bunching hidden by the solver's tolerance: at the optimum {types_by_number(bunch)}"
            f" share one option, the published contributions lie {spread:.2g} apart"
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


def _compare_two_type(results: pd.DataFrame) -> list[dict[str, object]]:
    experiment = "Two types"
    rows = []
    problem = two_type_problem(2, 0.5)
    alone = results.drop_duplicates("type").set_index("type")
    for i, published in enumerate(PUBLISHED.two_type_reservation_contributions):
        reason = _autarky_reason(problem, i, published)
        ours = float(alone["reservation_contribution"][i + 1])
        rows.append(_row(experiment, "reservation contribution", i + 1, published, ours, 8, reason))
    for i, published in enumerate(PUBLISHED.two_type_reservation_values):
        there = PUBLISHED.two_type_reservation_contributions[i]
        reason = (
            "follows from the published contribution, which differs: the value there is"
            f" {float(problem.model_value(there)):.8f}"
        )
        ours = float(alone["reservation_value"][i + 1])
        rows.append(
            _row(experiment, "value of the reservation model", i + 1, published, ours, 8, reason)
        )
    lowest = results.loc[results["information_cost"].idxmin()]
    rows.append(
        _row(experiment, "lowest information cost", 0, PUBLISHED.two_type_lowest_information_cost,
             float(lowest["information_cost"]), 2,
             f"found at N = {lowest['n_parties']}, p_1 = {lowest['p_high']:.2f};"
             f" the contract there is within {lowest['gap']:.0e} of the best expected accuracy; the"
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
