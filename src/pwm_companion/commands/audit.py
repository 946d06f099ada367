"""``pwm audit``: a menu in a file against every constraint."""

from __future__ import annotations

import argparse

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


def describe_audit(report: Audit, problem: Problem) -> str:
    """Return an audit in a few aligned lines; types are counted from 1."""
    reached, best, bound = report.expected_accuracy, report.best_accuracy, report.upper_bound
    columns = {
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
            *table(columns),
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
