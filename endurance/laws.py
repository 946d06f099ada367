"""Four thousand problems under four laws of who turns up: ``python -m endurance.laws [laws.json]``.

Independent draws, a Poisson number of parties, groups of unlike parties, and parties whose types
are known; for a fifth of the problems some types have something better outside, for as many some
have only so much data. Half an hour. What is asked of each is what :mod:`endurance.edges` asks, and

* a search that shares nothing with the solver but the curves finds no menu above the bound:
  outcomes are made by adding one party after the other, what parties reach alone is looked for on
  a grid, least rewards are longest paths over all incentive constraints, and menus are tried on
  grids, by differential evolution, and ever closer around the best, for every set of types that
  may be left out;
* at least 95 of 100 gaps are at most 1e-6.
"""

from __future__ import annotations

import itertools
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import differential_evolution
from scipy.stats import poisson

from paid_with_models import (
    Contract,
    KnownParties,
    PoissonParties,
    Problem,
    UnlikeParties,
    solve,
)
from paid_with_models.accuracy import BoolArray, FloatArray, IntArray

from .edges import SLOW, any_problem, own_curve
from .records import run_and_record

#: LAWS: by the names in the records.
LAWS = ("independent draws", "a Poisson number", "groups of unlike parties", "known types")

#: BELOW, VIOLATED: what a bound may be below a menu found, and constraints be violated by, for
#: rounding: relative. CLOSED: a gap that counts as closed.
BELOW, VIOLATED, CLOSED = 1e-9, 1e-9, 1e-6

#: MENUS, LEVELS: the least and the most directions of menus that the grid tries, and how much of
#: each. POPULATION, GENERATIONS: of differential evolution, begun at the best of the grid. ROUNDS,
#: TRIES: around its best, ever closer, and menus in each. WORK: of each of the three, in outcomes
#: of menus, from which on fewer are tried.
MENUS, LEVELS, POPULATION, GENERATIONS = (10, 120), 30, 24, (8, 40)
ROUNDS, TRIES, WORK = 60, (8, 60), 3e6

#: NEGLIGIBLE: outcomes that rare, beside the rarest type's chance to be there, are left out.
NEGLIGIBLE = 1e-15

#: RARE: chance of the outcomes, together, that the search does without.
RARE = 1e-10

#: SHARES: of problems, for which it is said how close the search comes, relative to the optimum.
SHARES = (0.5, 0.9, 0.99)

#: OPTIONAL, LIMITED: share of the problems with better outside options, and with limits of data.
OPTIONAL, LIMITED = 0.2, 0.2


@dataclass(frozen=True, eq=False)
class Case:
    """A problem, with its outcomes made anew.

    Attributes
    ----------
    problem : Problem
    counts, weights : (K, I), (K,) ndarray
        Outcomes and their probabilities.
    seen : (K, I) ndarray
        Probabilities as each type sees them.
    outside : (I,) ndarray
        What each type has outside, units of value.
    optional : (I,) ndarray of bool
        Whether that is better than what it reaches alone.
    """

    problem: Problem
    counts: FloatArray
    weights: FloatArray
    seen: FloatArray
    outside: FloatArray
    optional: BoolArray


def one_after_the_other(numbers: IntArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Outcomes of groups of parties, and their probabilities: parties are added one by one."""
    n_types = shares.shape[1]
    table = np.zeros((int(numbers.sum()) + 1,) * n_types)
    table[(0,) * n_types] = 1.0
    for number, p in zip(numbers, shares, strict=True):
        for _ in range(int(number)):
            # Nobody is counted to the end yet, so that nothing comes around.
            table = sum(
                (p[i] * np.roll(table, 1, axis=i) for i in range(n_types)), np.zeros_like(table)
            )
    found = np.argwhere(table > 0)
    return found.astype(float), table[tuple(found.T)]


def poisson_counts(means: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Outcomes of independent Poisson counts, and their probabilities."""
    ends = np.ceil(means + 10 * np.sqrt(means) + 30)  # beyond: once in 1e20
    chances = [poisson.pmf(np.arange(end), mean) for end, mean in zip(ends, means, strict=True)]
    table = np.ones(())
    for row in chances:
        table = np.multiply.outer(table, row)
    found = np.argwhere(table > 1e-18)
    return found.astype(float), table[tuple(found.T)]


def alone(problem: Problem) -> FloatArray:
    """What each type reaches alone, (I,): on a grid that is refined around its best."""
    best = []
    for c, most in zip(problem.costs, problem.capacities, strict=True):
        high = min(problem.model_value.optimum / c, most)
        data = np.append(0.0, np.geomspace(1e-12, 1.0, 4001) * high)
        for _ in range(8):
            worth = problem.model_value(data) - c * data
            k = int(np.argmax(worth))
            ends = data[max(k - 1, 0)], data[min(k + 1, data.size - 1)]
            data = np.append(data[k], np.linspace(*ends, 201))
        best.append(float(worth[k]))
    return np.array(best)


def law_case(law: str, rng: np.random.Generator) -> Case:
    """A problem under a law, drawn by chance."""
    many = law != "known types" and rng.random() < 0.15
    curve = own_curve(rng) if rng.random() < 0.15 else None
    types = (1, 2) if many else (1, 5) if law == "known types" else (1, 3)
    drawn = any_problem(rng, types=types, curve=curve)
    n_types, p = drawn.n_types, drawn.probabilities
    stated: dict[str, Any] = {
        "costs": drawn.costs,
        "accuracy": drawn.accuracy,
        "valuation": drawn.valuation,
        "beliefs": drawn.beliefs,
    }
    if law == "independent draws":
        n = int(rng.integers(30, 300)) if many else int(rng.integers(1, 13))
        stated |= {"n_parties": n, "probabilities": p}
        counts, weights = one_after_the_other(np.array([n]), p[None])
    elif law == "a Poisson number":
        mean = float(rng.uniform(20, 80)) if many else float(rng.uniform(0.3, 9))
        stated["attendance"] = PoissonParties(mean, p)
        counts, weights = poisson_counts(mean * p)
    elif law == "groups of unlike parties":
        groups = int(rng.integers(1, 5))
        numbers = rng.integers(1, 40 if many else 5, groups)
        shares = rng.dirichlet(np.ones(n_types), size=groups) + 1e-9
        # Some groups lack some types, but no type is nowhere.
        lacking = rng.random(shares.shape) < 0.3
        lacking[np.arange(groups), rng.integers(n_types, size=groups)] = False
        lacking[:, lacking.all(axis=0)] = False
        shares = np.where(lacking, 0.0, shares)
        shares /= shares.sum(axis=1, keepdims=True)
        stated["attendance"] = UnlikeParties(numbers, shares)
        counts, weights = one_after_the_other(numbers, shares)
    else:
        numbers = rng.integers(1, 6, n_types)
        stated["attendance"] = KnownParties(numbers)
        counts, weights = numbers[None].astype(float), np.ones(1)
    return with_seen(with_limits(Problem(**stated), stated, rng), counts, weights)


def with_limits(problem: Problem, stated: dict[str, Any], rng: np.random.Generator) -> Problem:
    """Now and then the same with limits of data, and with better outside options."""
    n_types, unit = problem.n_types, problem.model_value.optimum
    if rng.random() < LIMITED:
        limits = unit / problem.costs * 10.0 ** rng.uniform(-2.5, 0.3, n_types)
        stated["max_data"] = np.where(rng.random(n_types) < 0.3, np.inf, limits)
        problem = Problem(**stated)
    if rng.random() < OPTIONAL:
        own = problem.outside_options
        better = own + rng.uniform(0, 0.6, n_types) * (unit - own)
        stated["reservation_utilities"] = np.where(rng.random(n_types) < 0.6, better, own)
    return Problem(**stated)


def with_seen(problem: Problem, counts: FloatArray, weights: FloatArray) -> Case:
    """A problem with its outcomes, and how each type sees them."""
    times = counts if problem.beliefs == "own" else (counts > 0).astype(float)
    present = weights @ times
    kept = weights > NEGLIGIBLE * min(1.0, float(present.min()))
    counts, weights, times = counts[kept], weights[kept], times[kept]
    own = alone(problem)
    stated = problem.reservation_utilities
    outside = own if stated is None else np.maximum(stated, own)
    optional = outside > own + 1e-9 * problem.model_value.optimum
    return Case(problem, counts, weights, weights[:, None] * times / present, outside, optional)


def rewards_of(case: Case, menus: FloatArray, out: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Least rewards of menus (M, I) that leave some types out, and whether there are any.

    Utilities are the longest paths over what each type must get so as not to take another's option.
    """
    problem = case.problem
    c, inside = problem.costs, ~out
    u = np.broadcast_to(case.outside, menus.shape).copy()
    if problem.types_are_known:
        return np.where(out, 0.0, u + c * menus), np.ones(len(menus), dtype=bool)
    # Row i, column j: what type i would have of the option of type j, if it could fulfil it.
    saved = (c[None, None, :] - c[None, :, None]) * menus[:, None, :]
    can = (menus[:, None, :] <= problem.capacities[None, :, None]) & inside[None, None, :]
    for _ in range(problem.n_types + 1):
        asked = np.where(can, u[:, None, :] + saved, -np.inf).max(axis=2)
        more = np.maximum(u, np.where(inside, asked, -np.inf))
        settled = np.all(more <= u + 1e-14 * problem.model_value.optimum, axis=1)
        u = more
    stay = np.all(np.where(out, asked, -np.inf) <= case.outside, axis=1)
    return np.where(out, 0.0, u + c * menus), settled & stay


def reached(case: Case, menus: FloatArray, out: BoolArray) -> FloatArray:
    """Expected accuracies of menus (M, I); where they are not feasible, -1 less by how much."""
    problem = case.problem
    menus = np.where(out, 0.0, menus)
    rewards, good = rewards_of(case, menus, out)
    totals = menus @ case.counts.T
    caps = problem.model_value(totals) @ case.seen
    short = np.max(np.where(out, -np.inf, rewards - caps), axis=1) / problem.model_value.optimum
    accuracy = problem.accuracy(totals) @ case.weights
    return np.where(good, np.where(short <= 0, accuracy, -1 - short), -1e3)


def likely(case: Case) -> Case:
    """The case without outcomes that are rare even together: accuracy and caps are understated."""
    order = np.argsort(case.weights)
    kept = np.sort(order[np.cumsum(case.weights[order]) > RARE])
    return replace(case, counts=case.counts[kept], weights=case.weights[kept], seen=case.seen[kept])


def highest(case: Case, rng: np.random.Generator) -> float:
    """The highest expected accuracy that the search finds, over all sets of types left out."""
    best, case = -np.inf, likely(case)
    for out in left_out(case):
        if out.all():
            best = max(best, float(case.weights.sum() * case.problem.accuracy(0.0)))
        else:
            best = max(best, highest_without(case, out, rng))
    return best


def left_out(case: Case) -> Iterator[BoolArray]:
    """All sets of types with something better outside."""
    places = np.flatnonzero(case.optional)
    for chosen in itertools.product((False, True), repeat=places.size):
        out = np.zeros(case.problem.n_types, dtype=bool)
        out[places] = chosen
        yield out


def highest_without(case: Case, out: BoolArray, rng: np.random.Generator) -> float:
    """The highest expected accuracy found with some types left out: a grid, then evolution."""
    problem = case.problem
    inside = np.flatnonzero(~out)
    order = inside[np.argsort(-problem.costs[inside], kind="stable")]
    most = np.maximum(problem.model_value.optimum - case.outside, 0.0) / problem.costs
    most = np.minimum(most, problem.capacities)[order]
    free = problem.types_are_known or problem.max_data is not None

    def menus_of(x: FloatArray) -> FloatArray:
        """Menus (M, I) of steps in units of the most; without limits of data they rise."""
        menus = np.zeros((len(x), problem.n_types))
        steps = x * (most if free else most.max())
        menus[:, order] = steps if free else np.cumsum(steps, axis=1)
        return menus

    # Directions: single steps, steps at random, some of them none; and how much of each.
    effort = WORK / len(case.weights)
    x = rng.dirichlet(np.full(order.size, 0.5), int(np.clip(effort / LEVELS, *MENUS)))
    x[rng.random(x.shape) < 0.2] = 0.0
    x = np.vstack([np.eye(order.size), np.ones(order.size), x])
    level = np.append(np.geomspace(1e-5, 1.0, LEVELS), [0.0])
    x = np.clip(np.multiply.outer(level, x).reshape(-1, order.size), 0.0, 1.0)
    found = reached(case, menus_of(x), out)
    best = float(found.max())
    start = x[np.argsort(-found)[:POPULATION]]
    width = np.clip(2 * start.max(axis=0), 1e-6, 1.0)
    solved = differential_evolution(
        lambda y: -reached(case, menus_of(y.T * width), out), [(0.0, 1.0)] * order.size,
        init=np.clip(start / width + 1e-4 * rng.random(start.shape), 0.0, 1.0),
        maxiter=int(np.clip(effort / POPULATION, *GENERATIONS)), tol=0.0, polish=False,
        vectorized=True, updating="deferred", rng=rng,
    )  # fmt: skip
    if -solved.fun > best:
        best, at = -float(solved.fun), solved.x * width
    else:
        at = start[0]
    # Then around the best, ever closer: along its own steps, and in any direction.
    for scale in np.geomspace(0.5, 1e-6, ROUNDS):
        move = scale * rng.standard_normal((int(np.clip(effort / ROUNDS, *TRIES)), order.size))
        along = rng.random((len(move), 1)) < 0.5
        near = np.where(along, at * np.exp(move), at + move * at.max())
        near = np.clip(near, 0.0, 1.0)
        found = reached(case, menus_of(near), out)
        if found.max() > best:
            best, at = float(found.max()), near[int(found.argmax())]
    return best


def faults_of(case: Case, contract: Contract) -> list[str]:
    """What is wrong with a contract, but for its bound."""
    found, problem = [], case.problem
    best, unit = problem.accuracy.optimum, problem.model_value.optimum
    m, t, inside = contract.contributions, contract.rewards, contract.participates
    numbers = [contract.expected_accuracy, contract.expected_value, contract.upper_bound, *m, *t]
    if not np.all(np.isfinite(numbers)):
        found.append("a number that is not finite")
    if not 0 <= contract.expected_accuracy <= contract.upper_bound <= best * (1 + 1e-12):
        found.append("expected accuracy, bound and optimum out of order")
    totals = case.counts @ m
    if contract.expected_accuracy > case.weights @ problem.accuracy(totals) + 1e-11 * best:
        found.append("expected accuracy overstated")
    if np.any(t > problem.model_value(totals) @ case.seen + VIOLATED * unit):
        found.append("a cap violated")
    if np.any(m > problem.capacities * (1 + 1e-12)):
        found.append("more data than there are")
    u = np.where(inside, t - problem.costs * m, case.outside)
    if np.any(u < case.outside - VIOLATED * unit):
        found.append("IR violated")
    if not problem.types_are_known:
        wanted = t[None, :] - np.multiply.outer(problem.costs, m)
        can = (m[None, :] <= problem.capacities[:, None]) & inside[None, :]
        if np.any(np.where(can, wanted, -np.inf) > u[:, None] + VIOLATED * unit):
            found.append("IC violated")
    return found


def attempt(seed: int) -> dict[str, Any]:
    """One problem, and what is wrong with its contract."""
    law = LAWS[seed % len(LAWS)]
    rng = np.random.default_rng([11, seed])
    result: dict[str, Any] = {"seed": seed, "law": law, "faults": [], "gap": 0.0, "seconds": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            case = law_case(law, rng)
            start = time.process_time()
            contract = solve(case.problem)
        except ValueError as error:
            return result | {"verdict": "refused", "why": str(error).split(";")[0][:60]}
        except Exception as error:
            return result | {"verdict": "failed", "faults": [f"{type(error).__name__}: {error}"]}
        seconds = time.process_time() - start
    faults, short = faults_of(case, contract), None
    # One party alone has one menu, and rounding decides what is a little more than it.
    if case.problem.n_parties > 1:
        found, best = highest(case, rng), case.problem.accuracy.optimum
        short = (contract.expected_accuracy - found) / best
        if found > contract.upper_bound + BELOW * best:
            faults.append("a bound below a menu")
    if seconds > SLOW:
        faults.append(f"took {seconds:.0f} seconds")
    verdict = "failed" if faults else contract.status.name.lower()
    return result | {
        "verdict": verdict, "faults": faults, "gap": contract.gap, "seconds": seconds,
        "short": short, "limited": case.problem.max_data is not None,
        "optional": bool(case.optional.any()),
    }  # fmt: skip


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts by law, extremes, and every fault."""

    def table(some: list[dict[str, Any]]) -> dict[str, Any]:
        solved = [run for run in some if run["verdict"] != "refused"]
        short = [run["short"] for run in solved if run.get("short") is not None]
        return {
            "problems": len(some),
            "verdicts": dict(sorted(Counter(run["verdict"] for run in some).items())),
            "closed_to_1e-6": sum(run["gap"] <= CLOSED for run in solved) / max(len(solved), 1),
            "largest_gap": max((run["gap"] for run in solved), default=0.0),
            "largest_seconds": max((run["seconds"] for run in solved), default=0.0),
            "the_search_comes_within": {
                f"{100 * share:g} %": float(np.quantile(short or [0.0], share)) for share in SHARES
            },
        }

    refused = Counter(run["why"] for run in runs if run["verdict"] == "refused")
    by_law = {law: [run for run in runs if run["law"] == law] for law in LAWS}
    laws = {law: table(of_law) for law, of_law in by_law.items() if of_law}
    return table(runs) | {
        "laws": laws,
        "with_limited_data": table([run for run in runs if run.get("limited")]),
        "with_better_outside_options": table([run for run in runs if run.get("optional")]),
        "refused_for": dict(sorted(refused.items())),
        "laws_left_open": [law for law, it in laws.items() if not it["closed_to_1e-6"] >= 0.95],
        "faults": [run for run in runs if run["faults"]],
    }


def main() -> int:
    """Try all, write or print the results; 1 if there are faults."""
    return run_and_record(
        __doc__, attempt, summarize, problems=4000, failures="faults", together=16
    )


if __name__ == "__main__":
    raise SystemExit(main())
