"""Map whose options the best menu keeps apart: ``make map``, about a minute.

Three types, all their probabilities on a grid, several numbers of parties and costs: over 100,000
problems, swept on two worker processes. Writes the whole dataset to a NetCDF file, and what the
book shows of it to a JSON file.
"""

import argparse
import json
import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from paid_with_models import GeneralizationBound, LinearValuation, Problem, Status, solve, sweep
from pwm_companion.files import stamp

PARTIES = (2, 4, 16)
COSTS = (
    (0.30, 0.25, 0.10),
    (0.30, 0.20, 0.10),
    (0.30, 0.15, 0.10),
    (0.60, 0.45, 0.05),
    (0.60, 0.25, 0.05),
    (0.60, 0.10, 0.05),
)

#: Probabilities are multiples of 1 / STEPS, and none is 0.
STEPS = 108

#: Who shares an option, as a letter, by the options that the three types take.
LETTERS = {(1, 2, 3): "s", (1, 1, 3): "c", (1, 2, 2): "f", (1, 1, 1): "p"}

CURVE, VALUATION = GeneralizationBound(), LinearValuation(100.0)
OPTIMAL = list(Status).index(Status.OPTIMAL)
WORKERS, CHUNK, CLOSED_AT = 2, 1000, 1e-8

#: A sweep gives each problem the library's default; what stays open is tried again with so many.
MORE_BOXES = 50_000


def chances(steps: int) -> list[tuple[float, float, float]]:
    """Probabilities of three types, that of type 3 rising in rows, in a row that of type 1."""
    return [
        (one / steps, (steps - one - three) / steps, three / steps)
        for three in range(1, steps - 1)
        for one in range(1, steps - three)
    ]


def letters(data: xr.Dataset, n_parties: int, costs: int) -> list[str]:
    """For each probability of type 3, a letter for each of type 1."""
    options = data.option.sel(n_parties=n_parties).isel(costs=costs).values
    found = "".join(LETTERS[tuple(int(it) for it in row)] for row in options)
    rows, start = [], 0
    for size in range(STEPS - 2, 0, -1):
        rows.append(found[start : start + size])
        start += size
    return rows


def try_again(data: xr.Dataset) -> dict[str, Any]:
    """The problems that stayed open, with more boxes."""
    began, again = time.perf_counter(), []
    for n, c, p in np.argwhere(data.status.values != OPTIMAL):
        at = data.isel(n_parties=n, costs=c, probabilities=p)
        chance, costs = at.probabilities_of_type.values, at.costs_of_type.values
        problem = Problem(int(at.n_parties), chance, costs, CURVE, VALUATION)
        again.append((float(at.expected_accuracy), solve(problem, max_boxes=MORE_BOXES)))
    return {
        "boxes": MORE_BOXES,
        "closed": sum(contract.status is Status.OPTIMAL for _, contract in again),
        "largest_gap": max((contract.gap for _, contract in again), default=0.0),
        "largest_gain": max((it.expected_accuracy - was for was, it in again), default=0.0),
        "seconds": time.perf_counter() - began,
    }


def summarize(data: xr.Dataset, **measured: Any) -> dict[str, Any]:
    """What the book shows."""
    root = Path(__file__).parents[1]
    optimal = data.status.values == OPTIMAL
    gaps = data.gap.values[optimal]
    return {
        "problems": data.gap.size,
        "optimal": int(optimal.sum()),
        "closed": int((gaps <= CLOSED_AT).sum()),
        "closed_at": CLOSED_AT,
        "median_gap": float(np.median(gaps)),
        "largest_gap": float(gaps.max()),
        "largest_open_gap": float(data.gap.values[~optimal].max(initial=0.0)),
        "again": try_again(data),
        **measured,
        "per_second": data.gap.size / measured["seconds"],
        "workers": WORKERS,
        "cores": os.cpu_count(),
        **stamp(root),
        "versions": {name: version(name) for name in ("numpy", "scipy", "dask", "xarray")},
        "steps": STEPS,
        "panels": [
            {"n_parties": n, "costs": list(costs), "options": letters(data, n, k)}
            for n in PARTIES
            for k, costs in enumerate(COSTS)
        ],
    }


def main() -> None:
    """Sweep, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("summary", type=Path, help="JSON file to write")
    parser.add_argument("data", type=Path, help="NetCDF file to write")
    options = parser.parse_args()
    from distributed import Client, LocalCluster  # takes seconds to import

    options.data.unlink(missing_ok=True)
    grid = chances(STEPS)
    base = Problem(2, grid[0], COSTS[0], CURVE, VALUATION)
    over = {"n_parties": PARTIES, "costs": COSTS, "probabilities": grid}
    began = time.perf_counter()
    with (
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        ready = time.perf_counter()
        data = sweep(
            base,
            over,
            client=client,
            chunk=CHUNK,
            output=options.data,
            progress=lambda done, of: print(f"\r{done} of {of} chunks", end="", flush=True),
        )
        done = time.perf_counter()
    print()
    result = summarize(data, seconds=done - ready, seconds_to_start=ready - began)
    options.summary.write_text(json.dumps(result, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
