"""``pwm solve`` and ``pwm audit``: contracts for problems in files, JSON or YAML."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paid_with_models.audit import TOLERANCE, Audit, audit
from paid_with_models.contract import Contract
from paid_with_models.files import contract_to_dict, menu_from_dict, problem_from_dict
from paid_with_models.problem import Problem
from paid_with_models.solver.routes import solve

from ..consortium.yaml_input import InputError, read_stated


def add_commands(commands: Any) -> None:
    """Add ``solve`` and ``audit`` to the commands of ``pwm``."""
    command = commands.add_parser(
        "solve",
        help="find the best contract for a problem",
        description="Find the best contract for the problem in FILE (JSON or YAML: n_parties, "
        "probabilities, costs, accuracy; if wanted, valuation, beliefs, reservation_utilities), "
        "and say how much better any other could be.",
    )
    _add_arguments(command)
    command.set_defaults(run=_solve)

    command = commands.add_parser(
        "audit",
        help="check a menu",
        description="Check the menu in FILE (a problem, and contributions and rewards of each "
        "type; if wanted, left_out) against every constraint and against the best contract. "
        "Exit code 1 if it violates one.",
    )
    _add_arguments(command)
    command.set_defaults(run=_audit)


def _add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument("--json", action="store_true", help="print JSON")


def _solve(options: argparse.Namespace) -> int:
    data = read_data(options.file)
    with stated(options.file):
        contract = solve(problem_from_dict(data))
    _print(contract_to_dict(contract) if options.json else describe_contract(contract))
    return 0


def _audit(options: argparse.Namespace) -> int:
    data = read_data(options.file)
    with stated(options.file):
        menu = menu_from_dict(data)
        report = audit(menu.problem, menu.contributions, menu.rewards, left_out=menu.left_out)
    _print(report.to_dict() if options.json else describe_audit(report, menu.problem))
    return 0 if report.satisfied else 1


@contextlib.contextmanager
def stated(path: Path) -> Iterator[None]:
    """Turn what is wrong with the content of a file into an `InputError`."""
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            yield
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        problem = f"numbers too large or too small to compute with ({error})"
        raise InputError(f"{path}: {problem}") from None


def read_data(path: Path) -> dict[str, Any]:
    """Read a JSON or YAML file that must hold a mapping; its suffix says which it is."""
    if path.suffix != ".json":
        return read_stated(path).data
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_stated_once)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold a mapping, not {type(content).__name__}")
    return content


def _stated_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name} is stated twice")
        found[name] = value
    return found


def _print(answer: str | Mapping[str, Any]) -> None:
    print(answer if isinstance(answer, str) else json.dumps(answer, indent=2), flush=True)


def describe_contract(contract: Contract) -> str:
    """Return a contract in a few aligned lines; types are counted from 1."""
    problem = contract.problem
    shape = [contract.shape.name.lower().replace("_", " ")]
    for bunch in contract.bunches:
        shape.append(f"types {', '.join(str(k + 1) for k in bunch)} share an option")
    reached, worth = contract.expected_accuracy, contract.expected_value
    table = {
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
            *_table(table),
        ]
    )


def describe_audit(report: Audit, problem: Problem) -> str:
    """Return an audit in a few aligned lines; types are counted from 1."""
    reached, best, bound = report.expected_accuracy, report.best_accuracy, report.upper_bound
    table = {
        "type": [*range(1, problem.n_types + 1)],
        "contribution": report.contributions,
        "reward": report.rewards,
        "utility": report.utilities,
        "over outside": report.individual_rationality,
        "best option": report.best_option + 1,
        "gain": report.deviation_gain,
        "cap slack": report.caps,
        "takes part": report.participates,
    }
    return "\n".join(
        [
            _finding(report, TOLERANCE * problem.model_value.optimum),
            f"expected accuracy {reached:.9g}; best found {best:.9g}, upper bound {bound:.9g}",
            "",
            *_table(table),
        ]
    )


def _finding(report: Audit, allowed: float) -> str:
    """What an audit found, in words: the largest violation of each kind."""
    if report.satisfied:
        return "satisfied: all take part, take the options meant for them, and can be paid"
    found = []
    i = int(np.argmin(report.individual_rationality))
    if (by := -report.individual_rationality[i]) > allowed:
        found.append(f"type {i + 1} is better off outside, by {by:.6g}")
    i = int(np.argmax(report.deviation_gain))
    if (gain := report.deviation_gain[i]) > allowed:
        option = report.best_option[i] + 1
        found.append(f"type {i + 1} gains {gain:.6g} by taking the option of type {option}")
    i = int(np.argmin(report.caps))
    if (short := -report.caps[i]) > allowed:
        found.append(f"type {i + 1} is promised {short:.6g} more than can be delivered")
    return f"violated: {'; '.join(found)}"


def _table(columns: Mapping[str, Any]) -> list[str]:
    """Columns of cells, headings above, aligned to the right."""
    cells = [[name, *_cells(values)] for name, values in columns.items()]
    widths = [max(map(len, column)) for column in cells]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in zip(*cells, strict=True)
    ]


def _cells(values: Any) -> list[str]:
    """Numbers to six digits of the largest, yes and no, or what else there is."""
    column = np.asarray(values)
    if column.dtype == bool:
        return ["yes" if value else "no" for value in column]
    if column.dtype != float:
        return [str(value) for value in column]
    largest = float(np.abs(column).max())
    decimals = 5 - math.floor(math.log10(largest)) if largest > 1e-9 else 1
    # Adding 0 turns -0 into 0.
    return [f"{round(value, decimals) + 0.0:.{max(decimals, 0)}f}" for value in column.tolist()]
