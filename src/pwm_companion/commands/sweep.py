"""``pwm sweep``: a problem solved over a grid, from a file."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from paid_with_models.files import problem_from_dict
from paid_with_models.sweeps import sweep

from ..consortium.yaml_input import InputError
from .problem_files import as_input_errors, read_data

#: Problems that are solved together unless the file says otherwise.
CHUNK = 1000

DESCRIPTION = (
    "Solve the problem in FILE (JSON or YAML: problem, as for pwm solve; over, "
    "the fields that vary and their values; if wanted, chunk, the problems solved together, "
    "1000 by default) at every point of the grid. Called again after an interruption, it "
    "computes what is missing."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument(
        "--output", type=Path, required=True, metavar="OUT", help="results: OUT.zarr or OUT.nc"
    )
    command.add_argument(
        "--scheduler", metavar="ADDRESS", help="compute on Dask: tcp://HOST:PORT of its scheduler"
    )


def run(options: argparse.Namespace) -> int:
    """Sweep, say how it goes, and print where the results are."""
    data = read_data(options.file)
    for name in data:
        if name not in ("problem", "over", "chunk"):
            raise InputError(
                f"{options.file}: {name} is not a known field; known are problem, over, chunk"
            )
    for name in ("problem", "over"):
        if not isinstance(data.get(name), dict):
            rule = "must be a mapping" if name in data else "is missing"
            raise InputError(f"{options.file}: {name} {rule}")
    for name, values in data["over"].items():
        if not isinstance(values, list):
            raise InputError(f"{options.file}: over.{name} must be a list; got {values!r}")
    began, kept = time.monotonic(), -1

    def progress(done: int, of: int) -> None:
        nonlocal kept
        kept = done if kept < 0 else kept  # the first call is before any is computed
        spent = time.monotonic() - began
        left = f", about {spent * (of - done) / (done - kept):.0f} s left" if done > kept else ""
        print(f"{done} of {of} chunks, {spent:.0f} s{left}", file=sys.stderr)

    # Dask logs lost connections with tracebacks; what matters is said in one line.
    logging.disable(logging.ERROR)
    try:
        with as_input_errors(options.file):
            sweep(
                problem_from_dict(data["problem"]),
                data["over"],
                client=options.scheduler,
                chunk=data.get("chunk", CHUNK),
                output=options.output,
                progress=progress,
            )
    except ImportError as error:
        raise InputError(str(error)) from None
    except ConnectionAbortedError as error:
        print(f"pwm: failed: {error}; called again, it goes on", file=sys.stderr)
        return 1
    except OSError as error:
        if options.scheduler is None or error.filename is not None:  # the disk, not the network
            raise
        message = f"--scheduler {options.scheduler}: does not answer"
        raise InputError(message) from None
    finally:
        logging.disable(logging.NOTSET)
    print(options.output)
    return 0
