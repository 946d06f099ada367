"""The library beside general solvers: ``python -m benchmarks.versus versus.json``, ten minutes.

All solve the same problems in turn in one process, on one thread, each as exactly as it can
(:mod:`benchmarks.general_solvers`). Times are processor time, the best of several rounds. What a
solver prepares for problems of a shape is timed apart, and so is nothing of the library's. CasADi
(IPOPT) and JAX are measured where they are installed; ``make versus`` does that, in a folder of
their own.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from paid_with_models import Contract, Problem, audit, menu_residuals, solve
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.paper.two_types import two_type_problem
from tests.problems import scale_problem, small_problem

from .general_solvers import SOLVERS, Menu, Solver

MILLION = 1_000_000

#: CHEAP: few parties get nowhere with costly data: costs are multiplied by this where they are few.
CHEAP = 0.05

#: ROUNDS, LONG: so many rounds; one that takes longer than this, in seconds, is the only one.
ROUNDS, LONG = 10, 0.2

#: FEW: so many rounds of each random problem.
FEW = 3

#: AS_GOOD: a menu is as good as the optimum if it is short of the bound by at most this, in
#: accuracy, and violates no constraint by more, in values of the best model; NEARLY: the same.
AS_GOOD, NEARLY = 1e-8, 1e-5

#: MANY_OUTCOMES: with more nobody enumerates.
MANY_OUTCOMES = 1_000_000

#: NEEDED: the packages that are no dependency of the library's.
NEEDED = {"IPOPT": "casadi", "JAX": "jax"}

#: RANDOM: random problems of two kinds, a hundred each.
RANDOM: dict[str, Callable[[int], Problem]] = {
    "small": small_problem,
    "five types": lambda seed: scale_problem(5, 10, seed, CHEAP),
}
SEEDS = 100

#: OF_RANDOM: the solvers that are given these. Sums, where outcomes can be had, change little.
OF_RANDOM = ("SLSQP", "trust-constr", "IPOPT", "JAX", "Clarabel, sums")


def problems() -> dict[str, Problem]:
    """What is timed."""
    scenarios = {scenario.title: scenario.problem() for scenario in SCENARIOS.values()}
    return scenarios | {
        "2 types, 50 parties": two_type_problem(50, 0.3),
        "10 types, 10 parties": scale_problem(10, 10, 0, CHEAP),
        "10 types, a million parties": scale_problem(10, MILLION, 0),
        "100 types, a million parties": scale_problem(100, MILLION, 0),
    }


def available(problem: Problem) -> Iterator[str]:
    """Names of the solvers that can be asked, for a problem of this size."""
    for name, (_, form) in SOLVERS.items():
        package = NEEDED.get(name.split(",")[0])
        if package is not None and find_spec(package) is None:
            continue
        if form == "outcomes" and problem.n_outcomes > MANY_OUTCOMES:
            continue
        yield name


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of processor time, and the result."""
    start = time.process_time()
    result = action()
    return time.process_time() - start, result


def quickest(solver: Callable[[Problem], Any], problem: Problem) -> tuple[float, Any]:
    """The same of the quickest of a few rounds; of one that takes long already, of that."""
    best, result = timed(lambda: solver(problem))
    for _ in range(0 if best > LONG / 10 else FEW - 1):
        taken, result = timed(lambda: solver(problem))
        best = min(best, taken)
    return best, result


def quality(problem: Problem, contract: Contract, menu: Menu) -> dict[str, float | None]:
    """How far a menu is below the proved bound, and by how much it violates a constraint."""
    if not all(np.isfinite(part).all() for part in menu):
        return {"loss": None, "violation": None}
    m, t = (np.maximum(part, 0.0) for part in menu)
    reached = audit(problem, m, t).expected_accuracy
    bound = contract.expected_accuracy + contract.gap
    return {"loss": bound - reached, "violation": menu_residuals(problem, m, t).largest}


def is_within(found: dict[str, float | None], tolerance: float) -> bool:
    """Whether a menu is as good as the optimum up to a tolerance."""
    return all(number is not None and number <= tolerance for number in found.values())


def compared(problem: Problem) -> dict[str, Any]:
    """One problem, by all solvers in turn."""
    contract = solve(problem)
    prepared = {
        name: timed(lambda name=name: SOLVERS[name][0](problem, SOLVERS[name][1]))
        for name in available(problem)
    }
    work: dict[str, Callable[[], Any]] = {"library": lambda: solve(problem)}
    work |= {name: lambda it=it: it(problem) for name, (_, it) in prepared.items()}
    seconds: dict[str, list[float]] = {name: [] for name in work}
    menus = {}
    for _ in range(ROUNDS):
        for name, action in work.items():
            if min(seconds[name], default=0.0) <= LONG:
                taken, menus[name] = timed(action)
                seconds[name].append(taken)
    ours = min(seconds["library"])
    return {
        "n_types": problem.n_types,
        "n_parties": problem.n_parties,
        "outcomes": problem.n_outcomes,
        "library": {"seconds": short(ours), "gap": short(contract.gap, 2)},
        "solvers": {
            name: {
                "seconds": short(min(seconds[name])),
                "ratio": short(min(seconds[name]) / ours, 3),
                "prepared": short(prepared[name][0], 2),
                **rounded(quality(problem, contract, menus[name])),
            }
            for name in prepared
        },
    }


def random_problems(kind: str) -> dict[str, Any]:
    """A hundred random problems by all solvers: how often each finds the optimum, and how fast."""
    prepared: dict[tuple[str, int, int], Solver] = {}
    seconds: dict[str, list[float]] = {"library": []}
    found: dict[str, list[dict[str, float | None]]] = {}
    proved = 0
    for problem in map(RANDOM[kind], range(SEEDS)):
        taken, contract = quickest(solve, problem)
        seconds["library"].append(taken)
        proved += contract.gap <= AS_GOOD
        for name in (it for it in available(problem) if it in OF_RANDOM):
            shape = name, problem.n_types, problem.n_parties
            if shape not in prepared:
                prepared[shape] = SOLVERS[name][0](problem, SOLVERS[name][1])
            taken, menu = quickest(prepared[shape], problem)
            seconds.setdefault(name, []).append(taken)
            found.setdefault(name, []).append(quality(problem, contract, menu))
    ours = np.array(seconds["library"])
    return {
        "problems": SEEDS,
        "library": {"proved": int(proved), "median": short(median(ours))},
        "solvers": {
            name: {
                "as_good": sum(is_within(it, AS_GOOD) for it in menus),
                "nearly": sum(is_within(it, NEARLY) for it in menus),
                "median": short(median(seconds[name])),
                "median_ratio": short(float(np.median(np.array(seconds[name]) / ours)), 3),
            }
            for name, menus in found.items()
        },
    }


def short(value: float, digits: int = 4) -> float:
    """Only as many digits as mean something."""
    return float(f"{value:.{digits}g}")


def rounded(found: dict[str, float | None]) -> dict[str, float | None]:
    """The same with two digits."""
    return {key: None if it is None else short(it, 2) for key, it in found.items()}


def installed(package: str) -> str | None:
    """Its version, if it is there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def main(arguments: list[str], say: Callable[[str], None] = print) -> None:
    """Measure, and write the file."""
    (target,) = map(Path, arguments)
    # Before JAX is imported: one thread, as everybody has.
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    packages = ("numpy", "scipy", "casadi", "jax", "cvxpy", "clarabel")
    results = {
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {package: installed(package) for package in packages},
        "as_good": AS_GOOD,
        "nearly": NEARLY,
        "problems": {name: compared(problem) for name, problem in problems().items()},
        "random": {kind: random_problems(kind) for kind in RANDOM},
    }
    text = json.dumps(results, indent=1, ensure_ascii=False)
    # A solver on a line.
    text = re.sub(r"\{[^{}]*\}", lambda it: re.sub(r"\s+", " ", it.group()), text)
    target.write_text(text + "\n", encoding="utf-8")
    say(f"wrote {target}")


if __name__ == "__main__":
    main(sys.argv[1:])
