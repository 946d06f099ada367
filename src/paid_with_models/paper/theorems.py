"""What is proved about the numbers that the paper's authors printed.

A menu that was printed is a menu of exact decimals. So what it reaches, by how much it violates
constraints, and how far it falls short of the best menu are numbers that can be enclosed, and the
certificate that holds them can be checked by anybody.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from ..checks.proof import Proof, prove
from ..contract import Contract
from ..solver.routes import solve_many
from .published import PUBLISHED
from .scenarios import SCENARIOS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["prove_scenarios", "proved_apart", "table_of_theorems"]

# Beyond this the decimals depend on which of the best menus the processor's rounding led to.
DECIMALS = Decimal("1e-12")


def prove_scenarios(contracts: Mapping[str, Contract] | None = None) -> dict[str, Proof]:
    """Certificates of the paper's scenarios that say of the printed menus, too, what they are.

    Parameters
    ----------
    contracts : mapping from scenario name to Contract, optional
        Contracts of the scenarios; by default they are solved.

    Returns
    -------
    dict of Proof
        By scenario name.

    Examples
    --------
    >>> from paid_with_models import solve
    >>> name = "small_party_teamwork"
    >>> proof = prove_scenarios({name: solve(SCENARIOS[name].problem())})[name]
    >>> [f"{float(end):.2e}" for end in proof.shortfalls[0]]
    ['1.16e-05', '1.16e-05']
    """
    if contracts is None:
        solved = solve_many([scenario.problem() for scenario in SCENARIOS.values()])
        contracts = dict(zip(SCENARIOS, solved, strict=True))
    proofs = {}
    for name, contract in contracts.items():
        menu = PUBLISHED.menus[name]
        proofs[name] = prove(contract, others=[(menu.contributions, menu.rewards)])
    return proofs


def table_of_theorems(proofs: Mapping[str, Proof]) -> pd.DataFrame:
    """What certificates of the scenarios prove, one row a scenario.

    Parameters
    ----------
    proofs : mapping from scenario name to Proof
        From :func:`prove_scenarios`.

    Returns
    -------
    DataFrame
        Columns scenario; reached and bound: decimals between which the best menu's expected
        accuracy lies, twelve of them, rounded down and up; printed: what the printed menu
        reaches, rounded to nearest;
        shortfall_at_least, shortfall_at_most: how far that is below the best;
        individual_rationality, incentive_compatibility, caps: the printed menu's least slack of
        each kind in units of value, negative if it violates one; width: of the widest enclosure.

    Examples
    --------
    >>> from paid_with_models import solve
    >>> name = "small_party_teamwork"
    >>> table = table_of_theorems(prove_scenarios({name: solve(SCENARIOS[name].problem())}))
    >>> table.loc[0, "reached"], table.loc[0, "bound"], bool(table.loc[0, "width"] < 1e-20)
    ('0.690532528490', '0.690532528491', True)
    """
    import pandas as pd  # the plain library imports it only where tables are asked for

    rows = []
    for name, proof in proofs.items():
        printed, facts = proof.certificate["claims"]["others"][0], proof.findings["others"][0]
        at_least, at_most = proof.shortfalls[0]
        rows.append(
            {
                "scenario": name,
                "reached": str(Decimal(proof.expected_accuracy[0]).quantize(DECIMALS, ROUND_FLOOR)),
                "bound": str(Decimal(proof.upper_bound).quantize(DECIMALS, ROUND_CEILING)),
                "printed": float(printed["expected_accuracy"][0]),
                "shortfall_at_least": float(at_least),
                "shortfall_at_most": float(at_most),
                "individual_rationality": float(facts["individual_rationality"]),
                "incentive_compatibility": float(facts["incentive_compatibility"]),
                "caps": float(facts["caps"]),
                "width": proof.width,
            }
        )
    return pd.DataFrame(rows)


def proved_apart(contract: Contract, proof: Proof) -> pd.Series[float]:
    r"""How far apart the contributions of a bunch can be in any menu that is as good.

    In a certificate with one box, prices times slacks of a menu are at most the bound less what
    the menu reaches. The slacks of the two incentive constraints between neighbors i and j add up
    to :math:`(c_i - c_j)(m_j - m_i)`, so that this is at most the gap over the lower price.

    Parameters
    ----------
    contract : Contract
    proof : Proof
        Its certificate, from :func:`~paid_with_models.checks.proof.prove`.

    Returns
    -------
    Series
        Units of data, indexed by pairs (i, j) of neighboring types of a bunch, i the costlier;
        infinite where one of the two constraints has no price in the certificate.

    Raises
    ------
    ValueError
        If the certificate divides the menus into boxes, whose prices hold in each box only.

    Examples
    --------
    >>> from paid_with_models import solve
    >>> name = "small_party_teamwork"
    >>> contract = solve(SCENARIOS[name].problem())
    >>> apart = proved_apart(contract, prove_scenarios({name: contract})[name])
    >>> list(apart.index), bool(apart.max() < 1e-6)
    ([(0, 1), (1, 2), (2, 3), (3, 4)], True)
    """
    import pandas as pd  # the plain library imports it only where tables are asked for

    tree = proof.certificate["bound"]
    if "incentives" not in tree:
        raise ValueError("proof must have one box, whose prices hold for all menus; got a tree")
    prices = {(i, j): float(price) for i, j, price in tree["incentives"]}
    costs = contract.problem.costs
    apart = {}
    for members in contract.bunches:
        for i, j in itertools.pairwise(sorted(members, key=lambda i: -costs[i])):
            lower = min(prices.get((i, j), 0.0), prices.get((j, i), 0.0))
            apart[i, j] = proof.gap / (lower * (costs[i] - costs[j])) if lower > 0 else math.inf
    index = pd.MultiIndex.from_tuples(apart, names=("costlier", "cheaper"))
    return pd.Series(apart, index=index, dtype=float)
