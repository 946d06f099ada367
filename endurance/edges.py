"""Ten thousand problems at the edges: ``python -m endurance.edges [edges.json]``, half an hour.

One party; outside options that are autarky but for rounding; types of probability 1e-9; costs over
eight decades; values of the best model from 1e-9 to 1e9; one type with up to a million parties;
curves of the caller's own; other laws of who turns up. Of every problem it is asked that

* nothing is raised or warned of but a ValueError, for a problem that is refused;
* the contract has no number that is not finite, satisfies its constraints, and is stated to reach
  no more than it does;
* no menu of a search that nothing of the solver goes into reaches more than the bound;
* it takes at most 20 seconds of processor time.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from paid_with_models import (
    Arctan,
    Contract,
    Curve,
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    PoissonParties,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    UnlikeParties,
    autarky,
    solve,
)
from paid_with_models.accuracy import FloatArray
from paid_with_models.attendance import Outcomes
from paid_with_models.solver.chain import least_utilities

from .records import run_and_record

#: Seconds that no problem may take, and outcomes up to which menus are checked one by one.
SLOW, CHECKED_OUTCOMES = 20.0, 20_000

#: What a bound may be below a menu found, and constraints be violated by, for rounding: relative.
#: Menus on which next to nothing is left over gain accuracy like the root of what is violated.
BELOW, VIOLATED = 1e-9, 1e-9

#: Menus that the search tries for each number of types kept at nothing.
MENUS = 400


@dataclass(frozen=True)
class Root(Curve):
    """A curve of one's own: the template of the documentation."""

    optimum: float = 0.9
    half: float = 100.0

    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        x = np.asarray(data, dtype=float) / self.half
        first = self.optimum / self.half / (1 + x) ** 2
        return self.optimum * x / (1 + x), first, -2 * first / self.half / (1 + x)


@dataclass(frozen=True)
class Kinked(Curve):
    """Nothing up to 1, a line up to 2, then a saturating curve that is flatter by a factor."""

    flatter: float = 0.1
    optimum: float = 0.7

    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        s, rest = np.asarray(data, dtype=float), self.optimum - 0.5
        rate = 0.5 * self.flatter / rest
        left = np.exp(-rate * np.maximum(s - 2, 0))
        value = np.where(s < 2, np.clip(s - 1, 0, 1) * 0.5, 0.5 + rest * (1 - left))
        first = np.where(s < 1, 0, np.where(s < 2, 0.5, rest * rate * left))
        return value, first, np.where(s < 2, 0, -rest * rate**2 * left)


@dataclass(frozen=True)
class Logistic(Curve):
    """A smooth step, convex and then concave: S-shaped."""

    optimum: float = 0.8
    middle: float = 50.0
    width: float = 10.0

    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        z = np.clip((np.asarray(data, dtype=float) - self.middle) / self.width, -700, 700)
        g, start = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(self.middle / self.width))
        scale = self.optimum / (1 - start)
        slope = g * (1 - g) / self.width
        return scale * (g - start), scale * slope, scale * slope * (1 - 2 * g) / self.width


def any_curve(rng: np.random.Generator) -> Curve:
    """One of the library's."""
    best, scale = rng.uniform(0.4, 1.0), 10.0 ** rng.uniform(-2, 3)
    kind = int(rng.integers(5))
    if kind == 0:
        return GeneralizationBound(best, 10.0 ** rng.uniform(-2, 2))
    if kind == 1:
        return PowerLaw(best, best * scale ** (b := rng.uniform(0.2, 3)), b, scale)
    if kind == 2:
        return PowerLaw(best, 10.0 ** rng.uniform(-0.5, 1), rng.uniform(0.2, 2))
    if kind == 3:
        shares = rng.dirichlet(np.ones(int(rng.integers(1, 4)))) * best
        return Saturating(tuple(shares), tuple(10.0 ** rng.uniform(-4, 0, shares.size)))
    return Arctan(best, 1 / scale)


def own_curve(rng: np.random.Generator) -> Curve:
    """One of the caller's."""
    kind = int(rng.integers(3))
    if kind == 0:
        return Root(rng.uniform(0.4, 1.0), 10.0 ** rng.uniform(0, 4))
    if kind == 1:
        return Kinked(rng.uniform(0.02, 0.5))
    width = 10.0 ** rng.uniform(0, 2)
    return Logistic(rng.uniform(0.4, 1.0), width * rng.uniform(1, 8), width)


def any_problem(
    rng: np.random.Generator,
    *,
    types: tuple[int, int] = (1, 4),
    parties: tuple[int, int] = (2, 12),
    curve: Curve | None = None,
    decades: float = 2.0,
    worth: float = 100.0,
    rare: bool = False,
    outside: Callable[[FloatArray], FloatArray] | None = None,
) -> Problem:
    """A problem whose cheapest type is from a thousandth of to ten times too costly alone."""
    curve = curve or any_curve(rng)
    n_types, n_parties = int(rng.integers(types[0], types[1] + 1)), int(rng.integers(*parties))
    valuation = (
        LinearValuation(worth), ExponentialValuation(worth, rng.uniform(0.1, 5)),
        PowerValuation(worth, rng.uniform(1, 3)),
    )[int(rng.choice(3, p=(0.6, 0.25, 0.15)))]  # fmt: skip
    steepest = worth * curve.envelope().slope
    costs = steepest * 10.0 ** (rng.uniform(-3, 1) + rng.uniform(0, decades, n_types))
    if n_types > 1 and rng.random() < 0.2:
        costs[1] = costs[0]
    p = rng.dirichlet(np.ones(n_types)) + 1e-12
    if rare and n_types > 1:
        p[int(rng.integers(n_types))] = 1e-9
    stated = n_parties, p / p.sum(), costs, curve, valuation
    problem = Problem(*stated, "own" if rng.random() < 0.4 else "paper")
    if outside is None:
        return problem
    return Problem(*stated, problem.beliefs, outside(autarky(problem).utilities))


def nearly_autarky(rng: np.random.Generator) -> Problem:
    """Outside options within rounding of autarky, above and below."""
    off = rng.choice([1e-16, 1e-15, 1e-14, -1e-15])
    return any_problem(rng, parties=(1, 8), outside=lambda f: np.maximum(f * (1 + off), 0.0))


def under_a_law(rng: np.random.Generator) -> Problem:
    """A few parties that are unlike, or a Poisson number."""
    problem = any_problem(rng, types=(1, 3))
    n_types, law = problem.n_types, PoissonParties(rng.uniform(0.3, 9), problem.probabilities)
    if rng.random() < 0.6:
        groups = int(rng.integers(1, 4))
        p = rng.dirichlet(np.ones(n_types), size=groups) + 1e-9
        numbers = rng.integers(1, 5, groups)
        law = UnlikeParties(numbers, p / p.sum(axis=1, keepdims=True))  # type: ignore[assignment]
    return Problem(
        costs=problem.costs,
        accuracy=problem.accuracy,
        valuation=problem.valuation,
        beliefs=problem.beliefs,
        attendance=law,
    )


def many_of_one_type(rng: np.random.Generator) -> Problem:
    """Up to a million parties, all alike."""
    n = int(10.0 ** rng.uniform(0.3, 6))
    return any_problem(rng, types=(1, 1), parties=(n, n + 1), decades=0.0)


def many_parties(rng: np.random.Generator) -> Problem:
    """Up to a million parties of two to four types."""
    n = int(10.0 ** rng.uniform(1.5, 6))
    return any_problem(rng, types=(2, 4), parties=(n, n + 1), decades=1.0)


KINDS: dict[str, Callable[[np.random.Generator], Problem]] = {
    "one party": lambda rng: any_problem(rng, parties=(1, 2)),
    "outside options within rounding of autarky": nearly_autarky,
    "a type of probability 1e-9": lambda rng: any_problem(rng, rare=True),
    "costs over eight decades": lambda rng: any_problem(rng, decades=8.0),
    "values from 1e-9 to 1e9": lambda rng: any_problem(rng, worth=10.0 ** rng.uniform(-9, 9)),
    "one type, up to a million parties": many_of_one_type,
    "many parties": many_parties,
    "curves of one's own": lambda rng: any_problem(rng, curve=own_curve(rng)),
    "other laws": under_a_law,
}


def best_found(problem: Problem, outcomes: Outcomes, rng: np.random.Generator) -> float:
    """The highest expected accuracy among menus that keep the costliest types at nothing.

    The others contribute the same, or more as they are cheaper; rewards are the least.
    """
    order = problem.costliest_first
    c, f = problem.costs[order], problem.outside_options[order]
    counts, unit = outcomes.counts[:, order], problem.model_value.optimum
    best = -np.inf
    for kept in range(problem.n_types):
        level = np.geomspace(1e-4, 1.0, MENUS)[:, None] * ((unit - f) / c).max()
        steeper = rng.uniform(0, 1, (MENUS, 1)) * (rng.random((MENUS, 1)) < 0.5)
        menus = level * (c[-1] / c) ** steeper
        menus[:, :kept] = 0.0
        totals = menus @ counts.T
        rewards = least_utilities(menus, c, f) + c * menus
        caps = problem.model_value(totals) @ outcomes.seen[:, order]
        fits = np.all(caps >= rewards, axis=1)
        reached = problem.accuracy(totals) @ outcomes.weights
        best = max(best, float(np.max(reached, where=fits, initial=-np.inf)))
    return best


def alike_alone(problem: Problem) -> float:
    """What parties of one type reach that give what the model is worth to them: by bisection."""
    n, c, f = problem.n_parties, float(problem.costs[0]), float(problem.outside_options[0])
    data = np.geomspace(1e-9, 1.0, 20_001) * n * problem.model_value.optimum / c
    good = n * (problem.model_value(data) - f) >= c * data
    return float(np.max(problem.accuracy(data), where=good, initial=float(problem.accuracy(0.0))))


def faults_of(problem: Problem, contract: Contract, rng: np.random.Generator) -> list[str]:
    """What is wrong with a contract."""
    found, best, unit = [], problem.accuracy.optimum, problem.model_value.optimum
    numbers = [contract.expected_accuracy, contract.expected_value, contract.upper_bound]
    arrays = [it for it in vars(contract).values() if isinstance(it, np.ndarray)]
    arrays += [*vars(contract.multipliers).values(), np.array([*numbers, contract.kkt_residual])]
    if not all(np.all(np.isfinite(it)) for it in arrays):
        found.append("a number that is not finite")
    if not 0 <= contract.expected_accuracy <= contract.upper_bound <= best * (1 + 1e-12):
        found.append("expected accuracy, bound and optimum out of order")
    if problem.n_types == 1 and problem.n_parties > 1 and problem.attendance is None:
        if alike_alone(problem) > contract.upper_bound + BELOW * best:
            found.append("a bound below a menu")
        return found
    if problem.n_outcomes > CHECKED_OUTCOMES:
        return found
    outcomes = problem.outcomes()
    m, t = contract.contributions, contract.rewards
    totals = outcomes.totals(m)
    exact = float(outcomes.mean(problem.accuracy(totals)))
    # Chances of many parties are rounded, like the logarithms of factorials.
    rounding = 1e-12 + 8 * np.finfo(float).eps * gammaln(problem.n_parties + 1)
    if contract.expected_accuracy > exact + rounding * best:
        found.append("expected accuracy overstated")
    caps = outcomes.as_seen(problem.model_value(totals))
    if np.any(t > caps + VIOLATED * unit):
        found.append("a cap violated")
    inside = contract.participates
    u = np.where(inside, t - problem.costs * m, problem.outside_options)
    wanted = t[inside] - np.multiply.outer(problem.costs, m[inside])
    if np.any(u < problem.outside_options - VIOLATED * unit) or np.any(
        wanted > u[:, None] + VIOLATED * unit
    ):
        found.append("IR or IC violated")
    if problem.n_parties > 1 and best_found(problem, outcomes, rng) > (
        contract.upper_bound + BELOW * best
    ):
        found.append("a bound below a menu")
    return found


def attempt(seed: int) -> dict[str, Any]:
    """One problem, and what is wrong with its contract."""
    kinds = list(KINDS)
    kind = kinds[seed % len(kinds)]
    rng = np.random.default_rng([7, seed])
    result: dict[str, Any] = {"seed": seed, "kind": kind, "faults": [], "gap": 0.0, "seconds": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            problem = KINDS[kind](rng)
            start = time.process_time()
            contract = solve(problem)
        except ValueError as error:
            return result | {"verdict": "refused", "why": str(error).split(";")[0][:60]}
        except Exception as error:
            return result | {"verdict": "failed", "faults": [f"{type(error).__name__}: {error}"]}
        seconds = time.process_time() - start
        faults = faults_of(problem, contract, rng)
    if seconds > SLOW:
        faults.append(f"took {seconds:.0f} seconds")
    verdict = "failed" if faults else contract.status.name.lower()
    return result | {
        "verdict": verdict, "faults": faults, "gap": contract.gap, "seconds": seconds,
    }  # fmt: skip


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts by kind, extremes, and every fault."""

    def table(some: list[dict[str, Any]]) -> dict[str, Any]:
        solved = [run for run in some if run["verdict"] != "refused"]
        return {
            "problems": len(some),
            "verdicts": dict(sorted(Counter(run["verdict"] for run in some).items())),
            "gaps_above_1e-6": sum(run["gap"] > 1e-6 for run in solved),
            "largest_gap": max((run["gap"] for run in solved), default=0.0),
            "largest_seconds": max((run["seconds"] for run in solved), default=0.0),
        }

    refused = Counter(run["why"] for run in runs if run["verdict"] == "refused")
    return table(runs) | {
        "kinds": {kind: table([run for run in runs if run["kind"] == kind]) for kind in KINDS},
        "refused_for": dict(sorted(refused.items())),
        "faults": [run for run in runs if run["faults"]],
    }


def main() -> int:
    """Try all, write or print the results; 1 if there are faults."""
    return run_and_record(
        __doc__, attempt, summarize, problems=10_000, failures="faults", together=16
    )


if __name__ == "__main__":
    raise SystemExit(main())
