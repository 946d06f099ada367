"""``pwm sweep``: a problem solved over a grid, from a file."""

from __future__ import annotations

import argparse
import logging
import math
import time
from typing import Any

from paid_with_models.sweep_cluster import ClusterError, scheduler_address
from paid_with_models.sweeps import LIMIT, SUFFIXES, sweep
from paid_with_models.texts import brief, field_name, file_name

from ..consortium.file import measurements
from ..errors import InputError
from ..yaml_files import Stated, read_stated
from .common import check_folder, check_output, input_file, named_file, positive, print_path, say
from .problem_files import as_input_errors, check_kind, given_in

#: Problems that are solved together unless the file says otherwise.
CHUNK = 1000

DESCRIPTION = (
    "Solve the problem in FILE (JSON or YAML: problem, as for pwm solve or pwm report; over, "
    "the fields that vary and their values; if wanted, chunk, the problems solved together, "
    "1000 by default) at every point of the grid. Called again after an interruption, it "
    "computes what is missing."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("file", type=input_file, metavar="FILE")
    command.add_argument(
        "--output",
        type=named_file,
        required=True,
        metavar="OUT",
        help="results: OUT.zarr or OUT.nc",
    )
    command.add_argument(
        "--scheduler", metavar="ADDRESS", help="compute on Dask: tcp://HOST:PORT of its scheduler"
    )
    size = command.add_mutually_exclusive_group()
    size.add_argument(
        "--limit",
        type=positive,
        default=LIMIT,
        metavar="N",
        help="refuse to solve more problems, and say how long it would take; default: 1 million",
    )
    size.add_argument("--yes", action="store_true", help="solve however many there are")


def run(options: argparse.Namespace) -> int:
    """Sweep, say how it goes, and print where the results are."""
    name, output = file_name(options.file), options.output
    if options.scheduler is not None:
        try:
            scheduler_address(options.scheduler)
        except ValueError as error:
            raise InputError(str(error).replace("client", "--scheduler", 1)) from None
    stated = read_stated(options.file)
    check_kind(stated, "a sweep", "a contract")  # a problem without a grid looks like one
    data = stated.data
    for field in data:
        if field not in ("problem", "over", "chunk"):
            known = "is not a known field; known are problem, over, chunk"
            raise InputError(f"{name}: {field_name(field)} {known}")
    for field in ("problem", "over"):
        if not isinstance(data.get(field), dict):
            rule = "must be a mapping" if field in data else "is missing"
            raise InputError(f"{name}: {field} {rule}")
    for field, values in data["over"].items():
        if not isinstance(values, list):
            raise InputError(f"{name}: over.{field} must be a list; got {brief(values)}")
    over = data["over"]
    if "max_data" in over:  # no limit, as in a problem file
        over = over | {"max_data": [_limits(values) for values in over["max_data"]]}
    inner = Stated(options.file, data["problem"], {}, {})
    read = [options.file, *filter(None, [measurements(inner)])]
    if output.suffix not in SUFFIXES:
        raise InputError(f"--output: must end in .zarr or .nc; got {file_name(output)}")
    check_folder("--output", output)
    if not output.is_dir():
        check_output("--output", output, *read)
    given = given_in(inner)
    problem = given.problem
    began, kept = time.monotonic(), -1

    def progress(done: int, of: int) -> None:
        nonlocal kept
        kept = done if kept < 0 else kept  # the first call is before any is computed
        spent = time.monotonic() - began
        left = f", about {spent * (of - done) / (done - kept):.0f} s left" if done > kept else ""
        say(f"{done} of {of} chunks, {spent:.0f} s{left}")

    # Dask logs lost connections with tracebacks; what matters is said in one line.
    logging.disable(logging.CRITICAL)
    try:
        with as_input_errors(options.file):
            sweep(
                problem,
                over,
                client=options.scheduler,
                chunk=data.get("chunk", CHUNK),
                output=output,
                progress=progress,
                limit=math.inf if options.yes else options.limit,
                outside=None if given.consortium is None else given.consortium.outside,
            )
    except ImportError as error:
        raise InputError(str(error)) from None
    except ConnectionAbortedError as error:
        say(f"pwm: failed: {error}; called again, it goes on")
        return 1
    except ClusterError as error:
        raise InputError(f"--scheduler {brief(options.scheduler)[1:-1]}: {error}") from None
    except OSError as error:
        if options.scheduler is None and error.filename is None:  # a full disk names no file
            raise OSError(error.errno, error.strerror, str(output)) from None
        if options.scheduler is None or error.filename is not None:  # the disk, not the network
            raise
        address = brief(options.scheduler)[1:-1]
        raise InputError(f"--scheduler {address}: does not answer") from None
    finally:
        logging.disable(logging.NOTSET)
    print_path(output)
    return 0


def _limits(values: Any) -> Any:
    """Limits of data with infinity for nothing."""
    return [math.inf if it is None else it for it in values] if isinstance(values, list) else values
