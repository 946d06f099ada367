"""Certificates of all contracts of record, checked: ``python -m endurance.proofs OUT.json``.

Makes and checks certificates for the paper's scenarios (with the menus that were printed), for the
1,500 contracts of the experiment with two types, for every contract that a figure of record is
drawn from, and for 200 random problems; a few minutes. The checker's findings are stored, with
processor times, when and at which commit.
"""

import argparse
import functools
import json
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flint
import numpy as np

from paid_with_models import Contract, solve, solve_many
from paid_with_models.checks.proof import RefusedError, prove, stated_problem
from paid_with_models.checks.proof_checker import check
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.paper.theorems import prove_scenarios, table_of_theorems
from pwm_companion.figures.registry import load_registry
from pwm_companion.files import changed_files, commit
from tests.problems import mixed_problem

ROOT = Path(__file__).parents[1]

#: TWO_TYPES: costs of the experiment with two types, whose contracts are counted apart.
TWO_TYPES = (0.02, 0.01)

#: RANDOM: so many random problems of two or more parties.
RANDOM = 200


def leaves(tree: dict[str, Any]) -> int:
    """Boxes of a certificate."""
    parts = [tree[name] for name in ("below", "above") if name in tree]
    return sum(map(leaves, parts)) if parts else 1


@functools.cache
def row_of(contract: Contract) -> tuple[float, ...] | str:
    """Seconds to make and to check a certificate, and what it shows; or why there is none."""
    began = time.process_time()
    try:
        proof = prove(contract)
        made = time.process_time()
        # As a reader would get it.
        check(json.loads(json.dumps(proof.certificate)))
    except RefusedError as reason:
        return str(reason)
    checked = time.process_time()
    above = contract.upper_bound - float(proof.upper_bound)
    boxes = leaves(proof.certificate["bound"])
    return made - began, checked - made, proof.gap, proof.width, above, boxes


def proved(contracts: Iterable[Contract]) -> dict[str, Any]:
    """What was found about certificates of some contracts."""
    rows = [row_of(contract) for contract in contracts]
    refused = [row for row in rows if isinstance(row, str)]
    table = np.array([row for row in rows if not isinstance(row, str)])
    making, checking, gaps, widths, above, boxes = table.T
    return {
        "contracts": len(rows),
        "confirmed": len(table),
        "refused": dict(Counter(refused)),
        "seconds": float(making.sum() + checking.sum()),
        "seconds_to_make": summary(making),
        "seconds_to_check": summary(checking),
        "gap": summary(gaps),
        "width": summary(widths),
        # The library's bound less the proved one: negative where the proof is the weaker.
        "library_bound_above": summary(above),
        "boxes": summary(boxes),
    }


def summary(values: Any) -> dict[str, float]:
    """Least, median and largest."""
    return {
        "least": float(values.min()),
        "median": float(np.median(values)),
        "largest": float(values.max()),
    }


def of_record() -> list[Contract]:
    """All contracts that are solved for while the figures of record are computed, each once.

    Where the library asks for ``solve`` or ``solve_many``, a recorder answers. Figures drawn from
    stored results solve for nothing.
    """
    found: dict[str, Contract] = {}

    def record(contracts: Iterable[Contract]) -> None:
        for contract in contracts:
            found.setdefault(json.dumps(stated_problem(contract.problem)), contract)

    def one(*args: Any, **named: Any) -> Contract:
        contract = solve(*args, **named)
        record([contract])
        return contract

    def many(*args: Any, **named: Any) -> list[Contract]:
        contracts = solve_many(*args, **named)
        record(contracts)
        return contracts

    records = load_registry(ROOT).values()
    for figure in records:  # imports what computes
        figure.all_parameters()
    replaced = []
    for name, module in list(sys.modules.items()):
        if name.startswith("paid_with_models"):
            for attribute, own, stand_in in (
                ("solve", solve, one),
                ("solve_many", solve_many, many),
            ):
                if getattr(module, attribute, None) is own:
                    replaced.append((module, attribute, own))
                    setattr(module, attribute, stand_in)
    try:
        for figure in records:
            if figure.compute:
                figure.result(ROOT)
    finally:
        for module, attribute, own in replaced:
            setattr(module, attribute, own)
    return [contract for contract in found.values() if contract.problem.n_parties > 1]


def random_contracts() -> Iterable[Contract]:
    """Those of RANDOM problems."""
    seed, made = 0, 0
    while made < RANDOM:
        problem = mixed_problem(seed)
        seed += 1
        if problem.n_parties > 1:
            made += 1
            yield solve(problem)


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="JSON file to write")
    options = parser.parse_args()
    record = of_record()
    two_types = [it for it in record if it.problem.costs.tolist() == list(TWO_TYPES)]
    solved = dict(
        zip(SCENARIOS, solve_many([s.problem() for s in SCENARIOS.values()]), strict=True)
    )
    result: dict[str, Any] = {
        "theorems": table_of_theorems(prove_scenarios(solved)).to_dict("records")
    }
    for name, contracts in (
        ("scenarios", solved.values()),
        ("two_types", two_types),
        ("figures", record),
        ("random", random_contracts()),
    ):
        result[name] = proved(contracts)
        print(name, json.dumps(result[name]), flush=True)
    result |= {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(ROOT),
        "changed_since": bool({ROOT / name for name in changed_files(ROOT)} - {options.output}),
        "python": platform.python_version(),
        "python_flint": flint.__version__,
    }
    options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
