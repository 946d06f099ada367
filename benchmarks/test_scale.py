"""Many types and many parties."""

import subprocess
import sys

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from paid_with_models import Contract, Problem, solve
from tests.problems import scale_problem

from .published_method import solve_screening

MILLION = 1_000_000

#: Few parties get nowhere with dear data: costs are multiplied by this where they are few.
CHEAP = 0.05


def _note(benchmark: BenchmarkFixture, problem: Problem, contract: Contract) -> None:
    benchmark.extra_info["n_types"] = problem.n_types
    benchmark.extra_info["n_parties"] = problem.n_parties
    benchmark.extra_info["gap"] = contract.gap
    benchmark.extra_info["kkt_residual"] = contract.kkt_residual
    benchmark.extra_info["status"] = contract.status.name
    benchmark.extra_info["options"] = problem.n_types - sum(len(b) - 1 for b in contract.bunches)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("n_types", "n_parties", "cost_factor"),
    [(10, 10, CHEAP), (10, MILLION, 1.0), (100, MILLION, 1.0), (1000, MILLION, 1.0)],
)
def test_sizes(
    benchmark: BenchmarkFixture, n_types: int, n_parties: int, cost_factor: float, seed: int
) -> None:
    problem = scale_problem(n_types, n_parties, seed, cost_factor)
    rounds = 5 if n_types < 1000 else 1
    contract = benchmark.pedantic(solve, (problem,), rounds=rounds, warmup_rounds=1)
    benchmark.extra_info["cost_factor"] = cost_factor
    _note(benchmark, problem, contract)


@pytest.mark.parametrize(
    ("n_types", "n_parties", "seed"),
    [
        *(
            (n_types, 10**k, seed)
            for n_types in (10, 100)
            for k in range(1, 7)
            for seed in range(6)
        ),
        *((1000, n_parties, seed) for n_parties in (10, 1000, MILLION) for seed in range(3)),
    ],
)
def test_parties(benchmark: BenchmarkFixture, n_types: int, n_parties: int, seed: int) -> None:
    """The same types, more and more parties."""
    problem = scale_problem(n_types, n_parties, seed, CHEAP)
    rounds = 3 if n_types < 1000 else 1
    contract = benchmark.pedantic(solve, (problem,), rounds=rounds, warmup_rounds=1)
    _note(benchmark, problem, contract)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_types", [2, 3, 5, 10, 20, 50, 100, 200, 500, 1000])
def test_types_library(benchmark: BenchmarkFixture, n_types: int, seed: int) -> None:
    """Ten parties, more and more types."""
    problem = scale_problem(n_types, 10, seed, CHEAP)
    rounds = 3 if n_types < 1000 else 1
    contract = benchmark.pedantic(solve, (problem,), rounds=rounds, warmup_rounds=1)
    _note(benchmark, problem, contract)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_types", range(2, 10))
def test_types_enumeration(benchmark: BenchmarkFixture, n_types: int, seed: int) -> None:
    """The same, by the library's own enumeration of outcomes."""
    problem = scale_problem(n_types, 10, seed, CHEAP)
    contract = benchmark.pedantic(
        solve, (problem,), {"expectations": "enumeration"}, rounds=2, warmup_rounds=1
    )
    _note(benchmark, problem, contract)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_types", range(2, 10))
def test_types_published(benchmark: BenchmarkFixture, n_types: int, seed: int) -> None:
    """The same, by the published method."""
    problem = scale_problem(n_types, 10, seed, CHEAP)
    solution = benchmark.pedantic(solve_screening, (problem,), rounds=1)
    benchmark.extra_info["n_types"] = n_types
    benchmark.extra_info["iterations"] = solution.iterations
    benchmark.extra_info["shortfall"] = (
        solve(problem).expected_accuracy - solution.expected_accuracy
    )


@pytest.mark.parametrize("method", ["enumeration", "sum"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("n_types", "n_parties"),
    [
        *((2, n_parties) for n_parties in (50, 500, 1000, 3000)),
        *((3, n_parties) for n_parties in (10, 40, 80)),
        *((4, n_parties) for n_parties in (8, 16, 24)),
        *((5, n_parties) for n_parties in (6, 10, 14)),
        *((7, n_parties) for n_parties in (6, 8)),
    ],
)
def test_expectations(
    benchmark: BenchmarkFixture, n_types: int, n_parties: int, seed: int, method: str
) -> None:
    """Where enumeration and exponential sums cost the same, in one solve."""
    problem = scale_problem(n_types, n_parties, seed, CHEAP)
    contract = benchmark.pedantic(
        solve, (problem,), {"expectations": method}, rounds=9, warmup_rounds=1
    )
    benchmark.extra_info["method"] = method
    _note(benchmark, problem, contract)


MEMORY = """
import re, resource, sys
from pathlib import Path
from tests.problems import scale_problem
from paid_with_models import solve
if len(sys.argv) > 1:
    solve(scale_problem(*map(int, sys.argv[1:])))
status = Path("/proc/self/status")
if status.exists():  # Linux, where what follows would count what the parent process used
    print(1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.parametrize("arguments", [(), (1000, MILLION, 0)], ids=["imports", "solve"])
def test_memory(benchmark: BenchmarkFixture, arguments: tuple[int, ...]) -> None:
    """The largest memory of a whole process; that of one that only imports, to compare."""
    command = [sys.executable, "-c", MEMORY, *map(str, arguments)]

    def run() -> int:
        process = subprocess.run(command, check=True, capture_output=True, text=True)
        return int(process.stdout)

    benchmark.extra_info["peak_bytes"] = benchmark.pedantic(run, rounds=1)
