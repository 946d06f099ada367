"""The paper's three scenarios: the library, bound included, and the published method."""

import subprocess
import sys

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from paid_with_models import conic_program, solve
from paid_with_models.paper.scenarios import SCENARIOS

from .processor_time import of_children
from .published_method import SecondDerivative, Summation, solve_screening

names = pytest.mark.parametrize("scenario", SCENARIOS)


@names
def test_library(benchmark: BenchmarkFixture, scenario: str) -> None:
    problem = SCENARIOS[scenario].problem()
    contract = benchmark(solve, problem)
    benchmark.extra_info["accuracy"] = contract.expected_accuracy
    benchmark.extra_info["gap"] = contract.gap
    benchmark.extra_info["kkt_residual"] = contract.kkt_residual


@names
@pytest.mark.parametrize(
    ("second", "summation"),
    [("published", "arrays"), ("published", "one by one"), ("right", "arrays")],
)
def test_published_method(
    benchmark: BenchmarkFixture, scenario: str, second: SecondDerivative, summation: Summation
) -> None:
    problem = SCENARIOS[scenario].problem()
    work = problem, second, summation
    solution = benchmark.pedantic(solve_screening, work, rounds=3, warmup_rounds=1)
    benchmark.extra_info["accuracy"] = solution.expected_accuracy
    benchmark.extra_info["violation"] = solution.violation
    benchmark.extra_info["iterations"] = solution.iterations


@names
def test_conic(benchmark: BenchmarkFixture, scenario: str) -> None:
    """The cone program: stated and solved."""
    problem = SCENARIOS[scenario].problem()
    solution = benchmark.pedantic(lambda: conic_program(problem).solve(), rounds=3, warmup_rounds=1)
    benchmark.extra_info["accuracy"] = solution.expected_accuracy


@names
def test_all_constraints(benchmark: BenchmarkFixture, scenario: str) -> None:
    """The published method without the paper's simplification of the constraints."""
    problem = SCENARIOS[scenario].problem()
    arguments = (problem, "right", "arrays", "all")
    solution = benchmark.pedantic(solve_screening, arguments, rounds=3, warmup_rounds=1)
    benchmark.extra_info["accuracy"] = solution.expected_accuracy
    benchmark.extra_info["iterations"] = solution.iterations


FRESH = """
from paid_with_models import solve_many
from paid_with_models.paper.scenarios import SCENARIOS
solve_many(scenario.problem() for scenario in SCENARIOS.values())
"""


@pytest.mark.benchmark(timer=of_children)
@pytest.mark.parametrize("work", ["import", "solve"])
def test_fresh_process(benchmark: BenchmarkFixture, work: str) -> None:
    """A new interpreter, imports and exponential sums included."""
    code = "import paid_with_models.paper.replication" if work == "import" else FRESH
    command = [sys.executable, "-c", code]
    benchmark.pedantic(subprocess.run, (command,), {"check": True}, rounds=5, warmup_rounds=1)
