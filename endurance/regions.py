"""The hard regions, in one run: ``python -m endurance.regions [regions.json]``, ten minutes.

What takes longest, or stays open, of all problems that the solver is for: accuracy that is not
concave where menus are best, outside options better than autarky, few parties with costly data,
convex valuations, an arctangent with very many parties, a thousand types with ten parties. Each
problem is solved once, in a process that has solved others before; times are processor time of
one thread. Where memory counts, each is solved in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from paid_with_models import (
    Arctan,
    Contract,
    GeneralizationBound,
    LinearValuation,
    PowerValuation,
    Problem,
    autarky,
    solve,
)
from tests.problems import scale_problem, with_outside

from .records import run_and_record

CURVE = GeneralizationBound()

#: CLOSED: gaps at which a problem is called closed, to rounding and nearly.
CLOSED = {"closed_to_1e-8": 1e-8, "closed_to_1e-6": 1e-6}

#: OUTSIDE: outside options are raised up to so much of the way to GOOD of the best model's value.
OUTSIDE, GOOD = 0.5, 0.9


def not_concave(n_types: int, seed: int) -> Problem:
    """Costs at which the best menu lets outcomes fall where accuracy is not concave."""
    for again in range(1000):
        rng = np.random.default_rng([31, n_types, seed, again])
        n_parties = int(rng.integers(2, {2: 60, 3: 20, 4: 12, 5: 10, 6: 8}[n_types]))
        costs = np.exp(rng.uniform(np.log(0.05), np.log(3.0), n_types))
        problem = Problem(n_parties, rng.dirichlet(np.ones(n_types)), costs, CURVE)
        contract = solve(problem, max_boxes=0)
        m = contract.contributions
        # Of one party of each type: that of the outcome with the least data that is collected.
        if m.max() > 0 and m.min() < CURVE.envelope().tangent_point:
            return problem
    raise AssertionError("no such problem is found")


def outside(n_types: int, n_parties: int, seed: int) -> Problem:
    """All outside options better than autarky, of many unlike types."""
    base = scale_problem(n_types, n_parties, seed)
    alone = autarky(base).utilities
    better = GOOD * base.model_value.optimum - alone
    raised = OUTSIDE * np.random.default_rng([5, seed]).uniform(size=n_types)
    return with_outside(base, alone + raised * np.maximum(better, 0.0))


def valued(power: float, n_types: int, n_parties: int, seed: int) -> Problem:
    """A convex valuation of many unlike types."""
    base, valuation = scale_problem(n_types, n_parties, seed), PowerValuation(100.0, power)
    return Problem(n_parties, base.probabilities, base.costs, CURVE, valuation)


def arctangent(seed: int) -> Problem:
    """Two types and a million parties, with a curve of which no sum of one sign is made."""
    base, valuation = scale_problem(2, 10**6, seed), LinearValuation(100.0)
    return Problem(10**6, base.probabilities, base.costs, Arctan(0.02), valuation)


@dataclass(frozen=True)
class Region:
    """Problems of a kind.

    Attributes
    ----------
    problem : callable
        The problem of a seed.
    seeds : int
        How many there are.
    elsewhere : bool
        Whether each is solved in a process of its own, to see its memory.
    """

    problem: Callable[[int], Problem]
    seeds: int
    elsewhere: bool = False


REGIONS = {f"not concave, {n} types": Region(partial(not_concave, n), 100) for n in (2, 3, 4, 5, 6)}
REGIONS |= {
    f"outside options, {n} types, {parties} parties": Region(partial(outside, n, parties), 20)
    for n, parties in ((8, 10), (10, 10), (11, 10), (12, 10), (8, 100), (10, 100), (12, 100))
}
REGIONS |= {
    f"few parties, costly data, {n} types": Region(partial(scale_problem, n, 10), 5)
    for n in (10, 12, 15, 20, 30, 40, 60, 100)
}
REGIONS |= {
    f"value r^{power:g}, {n} types, {parties} parties": Region(
        partial(valued, power, n, parties), 5
    )
    for power in (1.5, 3.0)
    for n, parties in ((5, 200), (12, 10))
}
REGIONS |= {
    "arctangent, 2 types, a million parties": Region(arctangent, 5),
    "1,000 types, 10 parties": Region(partial(scale_problem, 1000, 10), 3, elsewhere=True),
}

CASES = [(name, seed) for name, region in REGIONS.items() for seed in range(region.seeds)]


def timed(problem: Problem) -> tuple[Contract, float]:
    """A contract, and the processor time that it took."""
    start = time.process_time()
    contract = solve(problem)
    return contract, time.process_time() - start


def peak(name: str, seed: int) -> tuple[float, float, float]:
    """Gap, processor time, and the most memory of this process in bytes (Linux)."""
    contract, seconds = timed(REGIONS[name].problem(seed))
    # Not what getrusage says: that begins with the memory of the process before.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return contract.gap, seconds, 1024.0 * float(status.split("VmHWM:")[1].split()[0])


def attempt(number: int) -> dict[str, Any]:
    """Solve one problem."""
    name, seed = CASES[number]
    region = REGIONS[name]
    if region.elsewhere:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, context) as process:
            gap, seconds, memory = process.submit(peak, name, seed).result()
        return {"region": name, "gap": gap, "seconds": seconds, "memory": memory}
    contract, seconds = timed(region.problem(seed))
    return {"region": name, "gap": contract.gap, "seconds": seconds}


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What is found in each region."""
    found = {}
    for name in REGIONS:
        some = [run for run in runs if run["region"] == name]
        if not some:
            continue
        seconds = np.array([run["seconds"] for run in some])
        gaps = np.array([run["gap"] for run in some])
        found[name] = {
            "problems": len(some),
            "median_seconds": float(np.median(seconds)),
            "largest_seconds": float(seconds.max()),
            "largest_gap": float(gaps.max()),
            **{closed: float(np.mean(gaps <= gap)) for closed, gap in CLOSED.items()},
        }
        if memory := [run["memory"] for run in some if "memory" in run]:
            found[name]["memory"] = max(memory)
    slow = [run for run in runs if run["seconds"] > 20]
    return {"regions": found, "longer_than_20_seconds": slow}


def main() -> int:
    """Solve all, write or print the results; 1 if one took longer than 20 seconds."""
    return run_and_record(
        __doc__,
        attempt,
        summarize,
        problems=len(CASES),
        failures="longer_than_20_seconds",
        together=1,
    )


if __name__ == "__main__":
    raise SystemExit(main())
