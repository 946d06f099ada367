"""``pwm report``: the best contract of a consortium as one HTML file that needs nothing else."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from ..consortium.file import read_consortium
from ..consortium.page import render
from ..consortium.yaml_input import InputError
from ..files import write_whole


def add_report(commands: Any) -> None:
    """Add ``report`` to the commands of ``pwm``."""
    command = commands.add_parser(
        "report",
        help="design a contract for a consortium",
        description="Find the best contract for the consortium in FILE (YAML) and write a report: "
        "who takes part, the menu, gains over going alone, rewards, proof, sensitivity. Examples "
        "are in the folder examples of paid_with_models.",
    )
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument("--output", type=Path, required=True, metavar="OUT.html")
    command.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> None:
    if not options.output.parent.is_dir():
        raise InputError(f"--output: there is no folder {options.output.parent}")
    if options.output.exists() and not options.output.is_file():
        raise InputError(f"--output: {options.output} is not a file")
    if options.output.exists() and options.file.exists() and options.output.samefile(options.file):
        raise InputError(f"--output: {options.output} is the file to be read")
    consortium = read_consortium(options.file)
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            page = render(consortium)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise InputError(f"{options.file}: cannot be computed with: {error}") from None
    write_whole(options.output, page)
    print(options.output)
