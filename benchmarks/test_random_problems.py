"""Random problems, hard ones among them: what is proved about each."""

import warnings
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from paid_with_models import Contract, Problem, solve
from tests.problems import small_problem, unequal_problem


@pytest.mark.parametrize(
    ("problem", "number"), [(small_problem, 1000), (unequal_problem, 300)], ids=["small", "unequal"]
)
def test_proofs(
    benchmark: BenchmarkFixture, problem: Callable[[int], Problem], number: int
) -> None:
    problems = [problem(seed) for seed in range(number)]

    def solve_each() -> tuple[list[Contract], int]:
        contracts, warned = [], 0
        for one in problems:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                contracts.append(solve(one))
            warned += bool(caught)
        return contracts, warned

    contracts, warned = benchmark.pedantic(solve_each, rounds=1)
    benchmark.extra_info["gaps"] = [contract.gap for contract in contracts]
    benchmark.extra_info["statuses"] = [contract.status.name for contract in contracts]
    benchmark.extra_info["kkt_residuals"] = [contract.kkt_residual for contract in contracts]
    benchmark.extra_info["warned"] = warned
