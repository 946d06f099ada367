"""``pwm solve``: the best contract for a problem in a file, JSON or YAML."""

from __future__ import annotations

import argparse

from paid_with_models.contract import Contract
from paid_with_models.files import contract_to_dict, problem_from_dict
from paid_with_models.solver.routes import solve

from .problem_files import add_file, as_input_errors, print_answer, read_data, table

DESCRIPTION = (
    "Find the best contract for the problem in FILE (JSON or YAML: n_parties, "
    "probabilities, costs, accuracy; if wanted, valuation, beliefs, reservation_utilities), "
    "and say how much better any other could be."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_file(command)


def run(options: argparse.Namespace) -> None:
    """Solve, and print the contract."""
    data = read_data(options.file)
    with as_input_errors(options.file):
        contract = solve(problem_from_dict(data))
    print_answer(contract_to_dict(contract) if options.json else describe_contract(contract))


def describe_contract(contract: Contract) -> str:
    """Return a contract in a few aligned lines; types are counted from 1."""
    problem = contract.problem
    shape = [contract.shape.name.lower().replace("_", " ")]
    for bunch in contract.bunches:
        shape.append(f"types {', '.join(str(k + 1) for k in bunch)} share an option")
    reached, worth = contract.expected_accuracy, contract.expected_value
    columns = {
        "type": [*range(1, problem.n_types + 1)],
        "probability": [f"{p:.6g}" for p in problem.probabilities],
        "cost": [f"{c:.6g}" for c in problem.costs],
        "contribution": contract.contributions,
        "reward": contract.rewards,
        "utility": contract.utilities,
        "outside": contract.reservation_utilities,
        "takes part": contract.participates,
    }
    return "\n".join(
        [
            f"{contract.status.name.lower()}: no menu is better by more than {contract.gap:.1e}",
            "; ".join(shape),
            f"expected accuracy {reached:.9g}, of value {worth:.9g}",
            "",
            *table(columns),
        ]
    )
