"""``pwm audit``: a menu in a file against every constraint."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from paid_with_models.audit import TOLERANCE, Audit, audit
from paid_with_models.files import menu_from_dict
from paid_with_models.problem import Problem

from .problem_files import add_file, as_input_errors, print_answer, read_data, table

DESCRIPTION = (
    "Check the menu in FILE (a problem, and contributions and rewards of each "
    "type; if wanted, left_out) against every constraint and against the best contract. "
    "Exit code 1 if it violates one."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_file(command)


def run(options: argparse.Namespace) -> int:
    """Audit, print what was found, and say whether all constraints hold."""
    data = read_data(options.file)
    with as_input_errors(options.file):
        menu = menu_from_dict(data)
        report = audit(menu.problem, menu.contributions, menu.rewards, left_out=menu.left_out)
    print_answer(report.to_dict() if options.json else describe_audit(report, menu.problem))
    return 0 if report.satisfied else 1


def describe_audit(report: Audit, problem: Problem, names: Sequence[str] | None = None) -> str:
    """Return an audit in a few aligned lines; without names, types are counted from 1."""
    numbers = [str(i + 1) for i in range(problem.n_types)]
    reached, best, bound = report.expected_accuracy, report.best_accuracy, report.upper_bound
    columns = {
        "type": numbers if names is None else list(names),
        "contribution": report.contributions,
        "reward": report.rewards,
        "utility": report.utilities,
        "over outside": report.individual_rationality,
        "best option": [(names or numbers)[i] for i in report.best_option],
        "gain": report.deviation_gain,
        "cap slack": report.caps,
        "takes part": report.participates,
    }
    return "\n".join(
        [
            _finding(
                report,
                TOLERANCE * problem.model_value.optimum,
                names or [f"type {number}" for number in numbers],
            ),
            f"expected accuracy {reached:.9g}; best found {best:.9g}, upper bound {bound:.9g}",
            "",
            *table(columns),
        ]
    )


def _finding(report: Audit, allowed: float, names: Sequence[str]) -> str:
    """What an audit found, in words: the largest violation of each kind."""
    if report.satisfied:
        return "satisfied: all take part, take the options meant for them, and can be paid"
    found = []
    i = int(np.argmin(report.individual_rationality))
    if (by := -report.individual_rationality[i]) > allowed:
        found.append(f"{names[i]} is better off outside, by {by:.6g}")
    i = int(np.argmax(report.deviation_gain))
    if (gain := report.deviation_gain[i]) > allowed:
        option = names[report.best_option[i]]
        found.append(f"{names[i]} gains {gain:.6g} by taking the option of {option}")
    i = int(np.argmin(report.caps))
    if (short := -report.caps[i]) > allowed:
        found.append(f"{names[i]} is promised {short:.6g} more than can be delivered")
    return f"violated: {'; '.join(found)}"
