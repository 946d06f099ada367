"""What runs over many random problems have in common: they are spread over processes, and recorded.

A run is named by a number, from which everything in it follows; its record is a mapping.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

__all__ = ["run_and_record"]

Record = dict[str, Any]


def run_and_record(
    description: str | None,
    attempt: Callable[[int], Record],
    summarize: Callable[[list[Record]], Record],
    *,
    problems: int,
    failures: str,
    together: int,
) -> int:
    """Make all runs; print their summary, or write it into the file that the command line names.

    Parameters
    ----------
    description : str or None
        Of the command.
    attempt : callable
        One run, by its number; the function of a module, so that other processes find it.
    summarize : callable
        All runs, in their order.
    problems : int
        How many runs there are, unless the command line says otherwise.
    failures : str
        The field of the summary that is empty if all is well.
    together : int
        Runs that a process is given at a time.

    Returns
    -------
    int
        The exit code: 1 if there are failures.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("output", type=Path, nargs="?", help="JSON file to write; default: print")
    parser.add_argument("--problems", type=int, default=problems)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.processes) as pool:
        runs = list(pool.map(attempt, range(options.problems), chunksize=together))
    results = summarize(runs)
    text = json.dumps(results, indent=1, sort_keys=True) + "\n"
    if options.output is None:
        print(text, end="")
    else:
        options.output.write_text(text, encoding="utf-8")
    return int(bool(results[failures]))
