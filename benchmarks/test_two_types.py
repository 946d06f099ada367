"""The two-type experiment: the library on the whole grid, the published method on a sample."""

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from paid_with_models import Problem
from paid_with_models.paper.two_types import (
    SHARES,
    SIZES,
    two_type_experiment,
    two_type_problem,
)

from .published_method import Solution, solve_outcome, solve_screening

#: How much of the grid the published method is given; the summary extrapolates from the mean.
GRID_POINTS, OUTCOMES = 40, 120


def test_library(benchmark: BenchmarkFixture) -> None:
    """All contracts with their bounds, and complete information for every outcome."""
    results = benchmark.pedantic(two_type_experiment, rounds=5, warmup_rounds=1)
    contracts = len(results) // 2
    # An outcome of the benchmark is solved once for all probabilities; the published method
    # solves it at each.
    with_repetition = sum(size + 1 for size in SIZES) * len(SHARES)
    benchmark.extra_info["contracts"] = contracts
    benchmark.extra_info["outcomes"] = results.attrs["n_outcomes"]
    benchmark.extra_info["outcomes_with_repetition"] = with_repetition
    benchmark.extra_info["largest_gap"] = float(results["gap"].max())
    benchmark.extra_info["largest_kkt_residual"] = float(results["kkt_residual"].max())


def _grid() -> list[Problem]:
    return [two_type_problem(size, share) for size in SIZES for share in SHARES]


def test_published_screening(benchmark: BenchmarkFixture) -> None:
    grid = _grid()
    chosen = np.random.default_rng(0).choice(len(grid), GRID_POINTS, replace=False)

    def sample() -> list[Solution]:
        return [solve_screening(grid[k]) for k in chosen]

    solutions = benchmark.pedantic(sample, rounds=2, warmup_rounds=1)
    benchmark.extra_info["iterations"] = [solution.iterations for solution in solutions]


def test_published_complete_information(benchmark: BenchmarkFixture) -> None:
    some_p = {problem.n_parties: problem for problem in _grid()}
    outcomes = [(problem, [n, N - n]) for N, problem in some_p.items() for n in range(N + 1)]
    chosen = np.random.default_rng(0).choice(len(outcomes), OUTCOMES, replace=False)

    def sample() -> list[Solution]:
        return [solve_outcome(*outcomes[k]) for k in chosen]

    solutions = benchmark.pedantic(sample, rounds=2, warmup_rounds=1)
    benchmark.extra_info["iterations"] = [solution.iterations for solution in solutions]
