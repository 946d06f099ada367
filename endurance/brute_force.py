"""Proofs against brute force: ``python -m endurance.brute_force [results.json]``, some minutes.

A thousand random problems with two or three types are solved one by one; then a grid of menus,
refined around its best, is tried on each. No bound may lie below what the grid finds, and what it
finds comes close. Then selections: problems of which some types have better outside options, for
which the grid runs over all selections of types too.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from paid_with_models import Contract, Problem, autarky, least_utilities, menu_residuals, solve
from paid_with_models.accuracy import FloatArray
from paid_with_models.solver.moments import Enumeration
from tests.problems import small_problem

#: Points of the grid along each contribution, by how many there are, and how often it is refined.
POINTS, REFINEMENTS = {1: 100, 2: 50, 3: 18}, 4


def selection_problem(seed: int) -> Problem:
    """Two or three types, most of which have something better than autarky outside."""
    rng = np.random.default_rng([3, seed])
    problem = small_problem(seed)
    alone = autarky(problem).utilities
    best_model = problem.model_value.optimum
    better = alone + rng.uniform(0, 0.6, alone.size) * (best_model - alone)
    outside = np.where(rng.random(alone.size) < 0.7, better, alone)
    return dataclasses.replace(problem, reservation_utilities=outside)


def best_of_a_grid(problem: Problem, types: tuple[int, ...]) -> float:
    """The highest expected accuracy found on a grid of menus for these types, the rest left out."""
    order = np.argsort(-problem.costs, kind="stable")
    inside = order[np.isin(order, types)]
    outside = np.setdiff1d(order, inside)
    c, f = problem.costs[inside], problem.outside_options[inside]
    outcomes = Enumeration.of(problem.n_parties, problem.probabilities[None], problem.beliefs)
    low: FloatArray = np.zeros(c.size)
    high: FloatArray = np.maximum(problem.model_value.optimum - f, 0.0) / c
    best, best_menu = -np.inf, None
    for _ in range(REFINEMENTS):
        points = POINTS[c.size]
        axes = [np.linspace(a, b, points) for a, b in zip(low, high, strict=True)]
        menus = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, c.size)
        menus = menus[np.all(np.diff(menus, axis=1) >= 0, axis=1)]
        totals = menus @ outcomes.counts[:, inside].T
        rewards = least_utilities(menus, c, f) + c * menus
        caps = problem.model_value(totals) @ outcomes.conditional[0][inside].T
        fits = np.all(caps >= rewards, axis=1)
        for k in outside:
            wanted = rewards - problem.costs[k] * menus
            fits &= np.all(wanted <= problem.outside_options[k], axis=1)
        accuracy = np.where(fits, problem.accuracy(totals) @ outcomes.weights[0], -np.inf)
        if accuracy.size and accuracy.max() > best:
            best, best_menu = float(accuracy.max()), menus[np.argmax(accuracy)]
        if best_menu is None:
            break
        width = (high - low) / 5
        low, high = np.maximum(best_menu - width, 0.0), best_menu + width
    return best


def everybody(problem: Problem) -> list[tuple[int, ...]]:
    """The one selection that need be tried under autarky."""
    return [tuple(range(problem.n_types))]


def all_selections(problem: Problem) -> list[tuple[int, ...]]:
    """All selections with somebody in."""
    types, sizes = range(problem.n_types), range(1, problem.n_types + 1)
    return [chosen for size in sizes for chosen in itertools.combinations(types, size)]


def violation(contract: Contract) -> float:
    """The largest violation of any constraint, relative to the value of the best model."""
    # A type with no option and nothing better outside is in, with nothing to do.
    idle = ~contract.participates & (contract.reservation_utilities > 0)
    menu = contract.contributions, contract.rewards
    left_out = np.flatnonzero(idle).tolist()
    return menu_residuals(contract.problem, *menu, left_out=left_out).largest


def compare(
    problems: list[Problem], selections: Callable[[Problem], list[tuple[int, ...]]]
) -> dict[str, Any]:
    """Solve problems one by one and try to do better by brute force."""
    contracts: list[Contract] = []
    seconds = []
    for problem in problems:
        start = time.process_time()
        contracts.append(solve(problem))
        seconds.append(time.process_time() - start)
    found = np.array(
        [
            max(0.0, *(best_of_a_grid(problem, types) for types in selections(problem)))
            for problem in problems
        ]
    )
    gaps = np.array([contract.gap for contract in contracts])
    bounds = np.array([contract.upper_bound for contract in contracts])
    reached = np.array([contract.expected_accuracy for contract in contracts])
    return {
        "problems": len(problems),
        "closed_to_1e-8": float(np.mean(gaps <= 1e-8)),
        "closed_to_1e-6": float(np.mean(gaps <= 1e-6)),
        "largest_gap": float(gaps.max()),
        "largest_violation": max(map(violation, contracts)),
        "bounds_below_brute_force": int(np.sum(bounds < found)),
        "menus_below_brute_force": int(np.sum(reached < found - 1e-6)),
        "brute_force_falls_short_by": {
            "median": float(np.median(reached - found)),
            "largest": float(np.max(reached - found)),
        },
        "seconds": {
            "median": float(np.median(seconds)),
            "largest": float(np.max(seconds)),
            "all": float(np.sum(seconds)),
        },
    }


def main() -> None:
    """Run everything and write or print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, nargs="?", help="JSON file to write; default: print")
    parser.add_argument("--problems", type=int, default=1000, help="how many of the first kind")
    options = parser.parse_args()
    some = range(options.problems)
    results = {
        "small": compare([small_problem(seed) for seed in some], everybody),
        "selection": compare(
            [selection_problem(seed) for seed in range(options.problems // 5)], all_selections
        ),
    }
    text = json.dumps(results, indent=2) + "\n"
    if options.output is None:
        print(text, end="")
    else:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
