"""``pwm solve``: the best contract for a problem in a file, JSON or YAML."""

from __future__ import annotations

import argparse

import numpy as np

from paid_with_models.contract import Contract
from paid_with_models.files import contract_to_dict
from paid_with_models.solver.routes import solve
from paid_with_models.texts import file_name, visible

from ..errors import InputError
from .common import print_answer
from .problem_files import Given, add_file, as_input_errors, read_given, say_grouped, table

DESCRIPTION = (
    "Find the best contract for the problem in FILE (JSON or YAML: n_parties, "
    "probabilities, costs, accuracy; if wanted, valuation, beliefs, reservation_utilities; or a "
    "consortium file, as for pwm report), and say how much better any other could be."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_file(command)


def run(options: argparse.Namespace) -> None:
    """Solve, and print the contract."""
    given = read_given(options.file)
    if given.menu is not None and given.consortium is None:
        raise InputError(f"{file_name(options.file)} states a menu: that is for pwm audit")
    with as_input_errors(options.file):
        contract = solve(given.problem)
        reached = [contract.expected_accuracy, *contract.contributions, *contract.rewards]
        if not np.isfinite(reached).all():
            raise ArithmeticError(f"expected accuracy {contract.expected_accuracy}")
        document = contract_to_dict(contract) if options.json else None
    if options.json:
        say_grouped(given)
    print_answer(document or describe_contract(contract, given))


def describe_contract(contract: Contract, given: Given) -> str:
    """Return a contract in a few aligned lines."""
    problem, names = contract.problem, given.names
    shape = [contract.shape.name.lower().replace("_", " ")]
    for bunch in contract.bunches:
        shape.append(f"types {', '.join(names[k] for k in bunch)} share an option")
    reached, worth = contract.expected_accuracy + given.baseline, contract.expected_value
    columns = {
        "type": [visible(name) for name in names],
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
            *given.said,
            "",
            *table(columns),
        ]
    )
