"""What ``pwm solve``, ``audit`` and ``sweep`` read and print: problems in files, aligned tables."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..consortium.yaml_input import InputError, read_stated


def add_file(command: argparse.ArgumentParser) -> None:
    """Add the file to read, and in which form to answer."""
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument("--json", action="store_true", help="print JSON")


@contextlib.contextmanager
def as_input_errors(path: Path) -> Iterator[None]:
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


def print_answer(answer: str | Mapping[str, Any]) -> None:
    """Print lines as they are, and everything else as JSON."""
    print(answer if isinstance(answer, str) else json.dumps(answer, indent=2), flush=True)


def table(columns: Mapping[str, Any]) -> list[str]:
    """Return columns of cells as lines, headings above, aligned to the right."""
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
