"""Three routes to the same contract: ``python -m endurance.routes [routes.json]``, some minutes.

Random problems (:func:`tests.problems.mixed_problem`) are solved by the library, as cone
programs, and, with up to three types, by trying grids of menus. What is promised:

* a cone program is right to 1e-6 and its sums' errors. Types that the library's menu asks next to
  nothing of are left out of it; where a party of another type alone collects less than where the
  sums begin, it may reach less, but never more than the bound;
* no menu of a grid exceeds the bound, or beats the library's by more than its gap.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import numpy as np

from paid_with_models import ConicStatus, Contract, Problem, conic_program, menu_residuals, solve
from tests.problems import CURVES, mixed_problem

from .brute_force import best_of_a_grid, everybody
from .records import run_and_record

#: What the cone solver may be wrong by, in accuracy, and how often the sums' errors may count:
#: in the objective and in the caps.
CONE_TOLERANCE, ERRORS = 1e-6, 5

#: A type that contributes less than this share of the largest contribution is left out of the cone
#: program; what a grid may be above the library by, rounding.
NEXT_TO_NOTHING, ROUNDING = 1e-6, 1e-10

#: Grids are tried with so many types at most.
FEW_TYPES = 3


def conic_verdict(problem: Problem, contract: Contract) -> dict[str, Any]:
    """How the cone program's optimum compares with a contract."""
    largest = contract.contributions.max()
    idle = np.flatnonzero(contract.contributions <= NEXT_TO_NOTHING * largest)
    if idle.size == problem.n_types:
        return {"verdict": "nobody contributes"}
    try:
        program = conic_program(problem, left_out=idle.tolist())
    except ValueError as error:
        return {"verdict": "not offered", "why": str(error).split(";")[0].split(" up to")[0]}
    start = time.process_time()
    solution = program.solve()
    seconds = time.process_time() - start
    error = program.accuracy_sum.error + program.value_sum.error / program.value_sum.limit
    allowed = CONE_TOLERANCE + ERRORS * error
    difference = solution.expected_accuracy - contract.expected_accuracy
    inside = np.setdiff1d(np.arange(problem.n_types), idle)
    low = max(program.accuracy_sum.low, program.value_sum.low)
    if solution.status not in (ConicStatus.OPTIMAL, ConicStatus.INACCURATE):
        verdict = f"solver: {solution.status.name.lower()}"
    elif solution.expected_accuracy > contract.upper_bound + allowed:
        verdict = "above the bound"
    elif difference >= -allowed:
        verdict = "agrees"
    elif contract.contributions[inside].min() < low:
        verdict = "less, as outcomes are below the sums' range"
    else:
        verdict = "disagrees"
    return {
        "verdict": verdict,
        "difference": float(difference),
        "allowed": float(allowed),
        "seconds": seconds,
    }


def compare(seed: int) -> dict[str, Any]:
    """All routes on one problem."""
    problem = mixed_problem(seed)
    start = time.process_time()
    contract = solve(problem)
    seconds = time.process_time() - start
    m = contract.contributions
    (curve,) = (name for name, it in CURVES.items() if it == problem.accuracy)
    result = {
        "seed": seed,
        "curve": curve,
        "beliefs": problem.beliefs,
        "n_types": problem.n_types,
        "n_parties": problem.n_parties,
        "gap": contract.gap,
        "seconds": seconds,
        "violation": menu_residuals(problem, m, contract.rewards).largest,
        "bunching": bool(contract.bunches),
        "next_to_nothing": bool(np.any(m <= NEXT_TO_NOTHING * m.max())),
        "conic": conic_verdict(problem, contract),
    }
    if problem.n_types <= FEW_TYPES and problem.n_parties > 1:
        found = max(best_of_a_grid(problem, types) for types in everybody(problem))
        short = contract.expected_accuracy - found
        agrees = found <= contract.upper_bound + ROUNDING and short >= -contract.gap - ROUNDING
        verdict = "agrees" if agrees else "disagrees"
        result["grid"] = {"verdict": verdict, "short": float(short)}
    return result


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts and extremes, and every problem on which routes disagree."""
    conic = [run["conic"] for run in runs]
    agreeing = [it for it in conic if it["verdict"] == "agrees"]
    grids = [run["grid"] for run in runs if "grid" in run]
    wrong = ("disagrees", "above the bound")
    both = {*wrong, "agrees"}

    def counted(key: str) -> dict[str, dict[str, int]]:
        table: dict[str, Counter[str]] = {}
        for run in runs:
            table.setdefault(str(run[key]), Counter())[run["conic"]["verdict"]] += 1
        return {name: dict(counts) for name, counts in sorted(table.items())}

    return {
        "problems": len(runs),
        "with_bunching": sum(run["bunching"] for run in runs),
        "with_contributions_next_to_nothing": sum(run["next_to_nothing"] for run in runs),
        "fast": {
            "optimal": sum(run["gap"] <= 1e-8 for run in runs),
            "largest_gap": max(run["gap"] for run in runs),
            "largest_violation": max(run["violation"] for run in runs),
            "median_seconds": float(np.median([run["seconds"] for run in runs])),
        },
        "conic": {
            "verdicts": dict(Counter(it["verdict"] for it in conic)),
            "not_offered": dict(Counter(it["why"] for it in conic if "why" in it)),
            "compared": sum(it["verdict"] in both for it in conic),
            "largest_difference": max(abs(it["difference"]) for it in agreeing),
            "median_difference": float(np.median([abs(it["difference"]) for it in agreeing])),
            "largest_share_of_allowed": max(
                abs(it["difference"]) / it["allowed"] for it in agreeing
            ),
            "median_seconds": float(np.median([it["seconds"] for it in agreeing])),
            "by_curve": counted("curve"),
            "by_beliefs": counted("beliefs"),
            "by_types": counted("n_types"),
        },
        "grid": {
            "problems": len(grids),
            "verdicts": dict(Counter(it["verdict"] for it in grids)),
            "median_short": float(np.median([it["short"] for it in grids])),
            "largest_short": max(it["short"] for it in grids),
        },
        "disagreements": [
            run
            for run in runs
            if run["conic"]["verdict"] in wrong or run.get("grid", {}).get("verdict") in wrong
        ],
    }


def main() -> int:
    """Compare, write or print the results; 1 if any routes disagree."""
    return run_and_record(
        __doc__, compare, summarize, problems=700, failures="disagreements", together=4
    )


if __name__ == "__main__":
    raise SystemExit(main())
