"""``pwm audit``: a menu in a file against every constraint."""

from __future__ import annotations

import argparse

import numpy as np

from paid_with_models.audit import TOLERANCE, Audit, audit
from paid_with_models.texts import file_name, visible

from ..errors import InputError
from .common import print_answer
from .problem_files import Given, add_file, as_input_errors, read_given, table

DESCRIPTION = (
    "Check the menu in FILE (a problem, and contributions and rewards of each "
    "type; if wanted, left_out; or what pwm solve --json wrote; or a consortium file with the "
    "scheme in use, present) against every constraint and against the best contract. "
    "Exit code 1 if it violates one."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_file(command)


def run(options: argparse.Namespace) -> int:
    """Audit, print what was found, and say whether all constraints hold."""
    given = read_given(options.file, together=False)
    menu = given.menu
    if menu is None:
        field = "contributions" if given.consortium is None else "present"
        name = file_name(options.file)
        raise InputError(f"{name}: {field} is missing: there is no menu to check")
    with as_input_errors(options.file):
        report = audit(menu.problem, menu.contributions, menu.rewards, left_out=menu.left_out)
    print_answer(report.to_dict() if options.json else describe_audit(report, given))
    return 0 if report.satisfied else 1


def headline(report: Audit, given: Given) -> str:
    """Return what an audit found, and the accuracies, in two lines."""
    more = given.baseline
    reached, best = report.expected_accuracy + more, report.best_accuracy + more
    bound = report.upper_bound + more
    found = _finding(report, given, TOLERANCE * given.problem.model_value.optimum)
    return (
        f"{found}\nexpected accuracy {reached:.9g}; best found {best:.9g}, upper bound {bound:.9g}"
    )


def describe_audit(report: Audit, given: Given) -> str:
    """Return an audit in a few aligned lines."""
    names = [visible(name) for name in given.names]
    columns = {
        "type": names,
        "contribution": report.contributions,
        "reward": report.rewards,
        "utility": report.utilities,
        "over outside": report.individual_rationality,
        "best option": [names[k] for k in report.best_option],
        "gain": report.deviation_gain,
        "cap slack": report.caps,
        "takes part": report.participates,
    }
    return "\n".join([headline(report, given), "", *table(columns)])


def _finding(report: Audit, given: Given, allowed: float) -> str:
    """What an audit found, in words: the largest violation of each kind."""
    if report.satisfied and not report.participates.any():
        return "satisfied: nobody takes part"
    if report.satisfied:
        who = "all take part,"
        if not report.participates.all():
            who = "some types are left out; the others"
        return f"satisfied: {who} take the options meant for them, and can be paid"
    # A number is no name that a sentence can begin with.
    names = [f"type {it}" if it.isnumeric() else it for it in map(visible, given.names)]
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
    found += [
        f"{names[k]} is asked for {report.contributions[k]:.6g} and has"
        f" {given.problem.capacities[k]:.6g}"
        for k in np.flatnonzero(report.beyond_capacity)[:1]
    ]
    return f"violated: {'; '.join(found)}"
