"""``pwm report``: the best contract of a consortium as one HTML file that needs nothing else."""

from __future__ import annotations

import argparse

import numpy as np

from paid_with_models.texts import file_name

from ..consortium.file import consortium_from, measurements
from ..consortium.page import render
from ..errors import InputError
from ..yaml_files import read_stated
from .common import STANDARD_OUTPUT, check_output, input_file, output_file, write_answer
from .problem_files import check_kind

DESCRIPTION = (
    "Find the best contract for the consortium in FILE (YAML) and write a report: "
    "who takes part, the menu, gains over going alone, rewards, proof, sensitivity. Examples "
    "are in the folder examples of paid_with_models."
)

#: What a report is known by.
MARK = '<meta name="generator" content="paid-with-models '

#: How the name of a page ends.
HTML = (".html", ".htm")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("file", type=input_file, metavar="FILE")
    command.add_argument(
        "--output",
        type=output_file,
        required=True,
        metavar="OUT.html",
        help="write the report there; - for standard output",
    )


def run(options: argparse.Namespace) -> None:
    """Write the report, and print where it is."""
    check_output("--output", options.output, options.file)
    if options.output != STANDARD_OUTPUT and options.output.suffix.lower() not in HTML:
        rule = "must end in .html: a report is a page of HTML"
        raise InputError(f"--output: {file_name(options.output)} {rule}")
    stated = read_stated(options.file)
    check_kind(stated, "a consortium")
    read = filter(None, [measurements(stated)])
    check_output("--output", options.output, *read, mark=MARK)
    consortium = consortium_from(stated)
    try:
        with np.errstate(all="ignore"):  # no number is shown that is none
            page = render(consortium)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        name = file_name(options.file)
        raise InputError(f"{name}: cannot be computed with: {error}") from None
    write_answer(options.output, page)
