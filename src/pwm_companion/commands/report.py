"""``pwm report``: the best contract of a consortium as one HTML file that needs nothing else."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..consortium.file import read_consortium
from ..consortium.page import render
from ..consortium.yaml_input import InputError
from ..files import write_whole

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
    if not options.output.parent.is_dir():
        raise InputError(f"--output: there is no folder {options.output.parent}")
    if options.output.exists() and not options.output.is_file():
        raise InputError(f"--output: {options.output} is not a file")
    consortium = read_consortium(options.file)
    for file in consortium.files:
        if options.output.exists() and options.output.samefile(file):
            raise InputError(f"--output: {options.output} is a file to be read, {file}")
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            page = render(consortium)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise InputError(f"{options.file}: cannot be computed with: {error}") from None
    write_whole(options.output, page)
    print(options.output)
