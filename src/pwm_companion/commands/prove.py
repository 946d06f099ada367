"""``pwm prove``: certificates that need no trust in the solver, made and checked."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

import numpy as np

from paid_with_models.solver.routes import solve

from ..consortium.file import measurements
from ..files import write_whole
from ..yaml_files import read_stated
from .common import STANDARD_OUTPUT, check_output, input_file, output_file, print_answer, say
from .problem_files import as_input_errors, given_in, say_grouped

if TYPE_CHECKING:
    from paid_with_models.checks.proof import Proof

#: What a certificate is known by.
MARK = '"format": "paid-with-models proof'

#: The largest certificate that is read, in bytes: it lists every box that was examined.
MOST_BYTES = 100_000_000

#: How deep it may be nested: boxes are halved, and halves again, each one deeper.
MOST_NESTED = 300

DESCRIPTION = (
    "Find the best contract for the problem in FILE (JSON or YAML, as for solve) and prove, in "
    "ball arithmetic, that it satisfies every constraint and that no menu exceeds a bound. With "
    "contributions and rewards in FILE, as for audit, the proof says of that menu, too, what it "
    "reaches and what it violates. With --check, confirm the certificate in FILE. Exit code 1 if "
    "nothing can be proved, or the certificate is refused."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("file", type=input_file, metavar="FILE")
    what = command.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="FILE is a certificate to be checked")
    what.add_argument(
        "--output",
        type=output_file,
        metavar="CERT.json",
        help="write the certificate there; - for standard output, then what it shows is on stderr",
    )


def run(options: argparse.Namespace) -> int:
    """Prove or check; 0 proved or confirmed, 1 refused, 2 if python-flint is missing."""
    try:
        from paid_with_models.checks.proof import Proof, prove
        from paid_with_models.checks.proof_checker import RefusedError, check
    except ModuleNotFoundError as error:
        print(f"pwm: {error}", file=sys.stderr)
        return 2
    if options.output:
        check_output("--output", options.output, options.file)
    try:
        if options.check:
            stated = read_stated(options.file, MOST_BYTES, MOST_NESTED)
            with as_input_errors(options.file):
                proof = Proof(stated.data, check(stated.data))
            print_answer(f"confirmed\n{describe(proof)}")
            return 0
        stated = read_stated(options.file)
        if options.output:
            read = filter(None, [measurements(stated)])
            check_output("--output", options.output, *read, mark=MARK)
        given = given_in(stated)
        say_grouped(given)
        with as_input_errors(options.file):
            menu, others = given.menu, []
            if menu is not None:
                if np.any(menu.contributions > given.problem.capacities):
                    rule = "ask for more than max_data: nothing is proved of such a menu"
                    raise ValueError(f"contributions {rule}; see pwm audit")
                m, t = menu.contributions.tolist(), menu.rewards.tolist()
                others = [(m, t, menu.left_out)]
            proof = prove(solve(given.problem), others=others)
    except RefusedError as reason:
        print_answer(f"refused: {reason}")
        return 1
    said, certificate = f"proved\n{describe(proof)}", json.dumps(proof.certificate, indent=1)
    if options.output == STANDARD_OUTPUT:
        print_answer(certificate)
        say(said)
        return 0
    if options.output:
        write_whole(options.output, f"{certificate}\n")
    print_answer(said)
    return 0


def describe(proof: Proof) -> str:
    """Return what was found for a certificate in a few aligned lines, whatever it claims."""
    proof = proof.as_found()
    lines = [
        f"a feasible menu reaches  {proof.expected_accuracy[0]}",
        f"no menu exceeds          {proof.upper_bound}",
    ]
    claims = proof.certificate["claims"]["others"]
    for claim, (at_least, at_most) in zip(claims, proof.shortfalls, strict=True):
        slacks = [float(ends[0]) for kind, ends in claim.items() if kind != "expected_accuracy"]
        lines += [
            f"the menu stated reaches  {claim['expected_accuracy'][0]}",
            f"short of the best by     {float(at_least):.6g} to {float(at_most):.6g}",
            f"its least slack          {min(slacks):.6g} in units of value",
        ]
    return "\n".join(lines)
