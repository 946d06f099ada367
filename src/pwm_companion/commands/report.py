"""``pwm report``: the best contract of a consortium as one HTML file that needs nothing else."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from paid_with_models.texts import file_name

from ..consortium.file import consortium_from, measurements
from ..consortium.page import render
from ..errors import InputError
from ..files import write_whole
from ..yaml_files import read_stated
from .common import check_output, print_path
from .problem_files import check_kind

DESCRIPTION = (
    "Find the best contract for the consortium in FILE (YAML) and write a report: "
    "who takes part, the menu, gains over going alone, rewards, proof, sensitivity. Examples "
    "are in the folder examples of paid_with_models."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument("--output", type=Path, required=True, metavar="OUT.html")


def run(options: argparse.Namespace) -> None:
    """Write the report, and print where it is."""
    check_output("--output", options.output, options.file)
    if options.output.suffix.lower() not in (".html", ".htm"):
        rule = "must end in .html: a report is a page of HTML"
        raise InputError(f"--output: {file_name(options.output)} {rule}")
    stated = read_stated(options.file)
    check_kind(stated, "a consortium")
    measured = measurements(stated)
    if measured is not None:
        check_output("--output", options.output, measured)
    consortium = consortium_from(stated)
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            page = render(consortium)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        name = file_name(options.file)
        raise InputError(f"{name}: cannot be computed with: {error}") from None
    write_whole(options.output, page)
    print_path(options.output)
