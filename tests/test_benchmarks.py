"""The baseline of the benchmarks is the published method, and lands where that landed."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.general_solvers import SOLVERS, Outcomes, table_of, value_of_best
from benchmarks.published_method import PaperCurve, SecondDerivative, solve_outcome, solve_screening
from benchmarks.versus import NEEDED, OF_RANDOM, available, is_within, problems, quality
from endurance.mutation import (
    ALSO,
    CALLED_THEN,
    CORE,
    IMPORTED,
    differences,
    file_of_tests,
    prepare,
    row,
    summary,
)
from endurance.routes import compare, summarize
from paid_with_models import (
    GeneralizationBound,
    PowerLaw,
    Problem,
    audit,
    menu_residuals,
    solve,
    solve_complete_information,
)
from paid_with_models.paper.published import PUBLISHED
from paid_with_models.paper.scenarios import SCENARIOS
from tests.problems import scale_problem, small_problem, unequal_problem

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results.json"
ENDURANCE = Path(__file__).parents[1] / "endurance"


@pytest.mark.parametrize("second", ["published", "right"])
def test_published_method_reproduces_the_published_menu(second: SecondDerivative) -> None:
    name = "small_party_teamwork"
    problem, menu = SCENARIOS[name].problem(), PUBLISHED.menus[name]
    solution = solve_screening(problem, second)
    np.testing.assert_allclose(solution.contributions, menu.contributions, rtol=5e-4)
    np.testing.assert_allclose(solution.rewards, menu.rewards, rtol=5e-4)
    assert solution.violation < 1e-9
    # The published contributions fall 1.16e-5 short; bunching is missed by the same tolerance.
    shortfall = solve(problem).expected_accuracy - solution.expected_accuracy
    assert 1e-7 < shortfall < 3e-5


def test_outcomes_one_by_one_are_the_same_method() -> None:
    problem = SCENARIOS["big_firm_cooperation"].problem()
    arrays, one_by_one = (
        solve_screening(problem, "published", summation) for summation in ("arrays", "one by one")
    )
    assert one_by_one.expected_accuracy == pytest.approx(arrays.expected_accuracy, abs=1e-9)
    np.testing.assert_allclose(one_by_one.contributions, arrays.contributions, rtol=1e-3)


@pytest.mark.parametrize("name", ["big_firm_cooperation", "small_party_teamwork"])
def test_all_constraints_lead_to_as_good_a_menu_in_more_iterations(name: str) -> None:
    problem = SCENARIOS[name].problem()
    simplified, stated = (
        solve_screening(problem, "right", constraints=it) for it in ("simplified", "all")
    )
    assert stated.violation < 1e-9
    assert stated.iterations > simplified.iterations
    best = solve(problem)
    assert 0 < best.expected_accuracy - stated.expected_accuracy < 5e-5
    # Contributions are not compared: where the objective is flat either stops somewhere else.
    assert abs(stated.expected_accuracy - simplified.expected_accuracy) < 5e-5


def test_published_method_solves_outcomes() -> None:
    problem = Problem(10, [0.5, 0.5], [0.01, 0.02], GeneralizationBound())
    complete = solve_complete_information(problem)
    for k in (0, 3, 10):
        solution = solve_outcome(problem, complete.counts[k])
        best = problem.accuracy(complete.totals[k])
        assert 0 < best - solution.expected_accuracy < 1e-5
        np.testing.assert_allclose(
            solution.contributions, complete.outcome_contributions[k], rtol=1e-3
        )


@pytest.mark.parametrize("seed", range(3))
def test_general_solvers_are_given_the_problem(seed: int) -> None:
    """Expectations, caps and all derivatives, beside the library's and finite differences."""
    problem = scale_problem(3, 6, seed, 0.05)
    functions = Outcomes(problem, *table_of(problem))
    scaled, z = functions.scaled, 0.8 * functions.scaled.start
    m, t = scaled.menu(z, 100.0)
    checked = audit(problem, m, t)
    assert -functions.objective(z) == pytest.approx(checked.expected_accuracy, abs=1e-13)
    short = np.maximum(np.max(-functions.caps(z)), 0.0)
    assert short == pytest.approx(menu_residuals(problem, m, t).caps, abs=1e-13)
    worst = max(0.0, np.max(scaled.least - scaled.rows @ z))
    residuals = menu_residuals(problem, m, t)
    # Neighbors alone are fewer, not looser: somebody's constraint is violated in both or in none.
    assert (worst > 1e-12) == (
        max(residuals.individual_rationality, residuals.incentive_compatibility) > 1e-12
    )
    prices, step = np.random.default_rng(seed).uniform(size=4), 1e-6
    for k, direction in enumerate(np.eye(z.size) * step):
        up, down = z + direction, z - direction
        slope = (functions.objective(up) - functions.objective(down)) / (2 * step)
        assert functions.gradient(z)[k] == pytest.approx(slope, abs=1e-8)
        slopes = (functions.caps(up) - functions.caps(down)) / (2 * step)
        np.testing.assert_allclose(functions.jacobian(z)[:, k], slopes, atol=1e-8)

        def pull(z: Any) -> Any:
            return -prices[0] * functions.gradient(z) + prices[1:] @ functions.jacobian(z)

        bend = (pull(up) - pull(down)) / (2 * step)
        np.testing.assert_allclose(functions.hessian(z, prices)[:, k], bend, atol=1e-7)


@pytest.mark.parametrize("name", SOLVERS)
def test_general_solvers_find_the_optimum(name: str) -> None:
    package = NEEDED.get(name.split(",")[0])
    if package is not None:
        pytest.importorskip(package)
    problem = scale_problem(3, 6, 0, 0.05)
    prepare, form = SOLVERS[name]
    found = quality(problem, solve(problem), prepare(problem, form)(problem))
    assert is_within(found, 1e-4 if name == "trust-constr" else 1e-7)


def test_a_menu_is_as_good_only_if_nothing_is_violated() -> None:
    problem = scale_problem(3, 6, 0, 0.05)
    best = solve(problem)
    assert is_within(quality(problem, best, (best.contributions, best.rewards)), 1e-11)
    more = quality(problem, best, (1.01 * best.contributions, best.rewards))
    assert more["loss"] is not None
    assert more["loss"] < 0
    assert not is_within(more, 1e-8)
    assert not is_within(quality(problem, best, (best.contributions * np.nan, best.rewards)), 1.0)


def test_what_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = scale_problem(3, 6, 0, 0.05), scale_problem(10, 10**6, 0)
    monkeypatch.setattr("benchmarks.versus.find_spec", lambda package: None)
    assert list(available(small)) == ["SLSQP", "trust-constr", "Clarabel, sums"]
    assert list(available(large)) == ["Clarabel, sums"]
    monkeypatch.setattr("benchmarks.versus.find_spec", lambda package: package)
    assert list(available(small)) == list(SOLVERS)


def test_general_solvers_refuse_other_curves() -> None:
    with pytest.raises(ValueError, match="the paper's"):
        value_of_best(Problem(3, [1.0], [0.1], PowerLaw(0.9, 2.0, 0.5, 0.0)))


def test_stored_comparison_is_of_what_the_page_says() -> None:
    stored = json.loads((RESULTS.parent / "versus.json").read_text(encoding="utf-8"))
    assert list(stored["problems"]) == list(problems())
    for entry in stored["problems"].values():
        assert entry["library"]["gap"] <= stored["as_good"]
        for found in entry["solvers"].values():
            assert found["ratio"] == pytest.approx(
                found["seconds"] / entry["library"]["seconds"], rel=1e-2
            )
    for entry in stored["random"].values():
        assert set(entry["solvers"]) <= set(OF_RANDOM)
        for found in entry["solvers"].values():
            assert found["as_good"] <= found["nearly"] <= entry["problems"]


@pytest.mark.parametrize("complexity", [0.3, 1.0, 20.0])
def test_curve_of_the_published_method(complexity: float) -> None:
    ours = GeneralizationBound(0.9, complexity)
    data = np.geomspace(1.0, 1e6, 200)
    right, published = (
        PaperCurve(0.9, complexity, "right"),
        PaperCurve(0.9, complexity, "published"),
    )
    np.testing.assert_allclose(right(data), ours(data), atol=1e-15)
    np.testing.assert_allclose(right.derivative(data), ours.derivative(data), rtol=1e-12)
    bend = ours.second_derivative(data)
    np.testing.assert_allclose(right.second_derivative(data), bend, rtol=1e-11)
    # That of 1 - sqrt(w/x), w = 2k(2 + ln(x/k)) + 4, by differences.
    x = data[data > 2 * ours.zero_until]
    h = 1e-3 * x
    low, middle, high = (
        -np.sqrt((2 * complexity * (2 + np.log(y / complexity)) + 4) / y) for y in (x - h, x, x + h)
    )
    np.testing.assert_allclose(
        published.second_derivative(x), (low - 2 * middle + high) / h**2, rtol=1e-4
    )


def test_only_the_paper_s_curves() -> None:
    other = Problem(2, [0.5, 0.5], [1.0, 2.0], GeneralizationBound().envelope())
    with pytest.raises(ValueError, match="generalization bound"):
        solve_screening(other)


def test_random_problems_are_the_same_each_time() -> None:
    for make in (small_problem, unequal_problem, lambda seed: scale_problem(5, 10, seed)):
        assert make(3).costs.tolist() == make(3).costs.tolist() != make(4).costs.tolist()


def test_routes_agree_on_some_problems() -> None:
    runs = [compare(seed) for seed in range(12)]
    results = summarize(runs)
    assert results["disagreements"] == []
    assert results["conic"]["verdicts"]["agrees"] >= 5
    assert results["grid"]["problems"] >= 2


def test_recorded_routes_agree() -> None:
    results = json.loads((ENDURANCE / "routes.json").read_text(encoding="utf-8"))
    assert results["disagreements"] == []
    assert results["conic"]["compared"] == results["conic"]["verdicts"]["agrees"] >= 500


def test_results_are_at_hand_and_describe_no_host() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert set(results["machine"]) == {"processor", "cores", "memory_gb", "system"}
    assert set(results["scenarios"]) == {*SCENARIOS, "together"}


@pytest.fixture(scope="module")
def mutation() -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = json.loads((ENDURANCE / "mutation.json").read_text())
    return rows


def test_most_changes_of_the_core_are_noticed(mutation: dict[str, dict[str, Any]]) -> None:
    for it in mutation.values():
        ends = ("killed", "survived", "timeout", "no_tests", "other")
        assert it["total"] == sum(it[end] for end in ends) > 0
        assert it["score"] == pytest.approx(it["killed"] / it["total"], abs=5e-5)
    scores = {CALLED_THEN.get(name, name): it["score"] for name, it in mutation.items()}
    for module in CORE:
        assert scores[module] >= 0.85
    assert set(scores) <= set(ALSO)


def test_readme_says_how_many_changes_are_noticed(mutation: dict[str, dict[str, Any]]) -> None:
    assert summary(mutation) in RESULTS.parents[1].joinpath("README.md").read_text(encoding="utf-8")


def test_changes_of_the_core_that_are_not_noticed_have_a_reason(
    mutation: dict[str, dict[str, Any]],
) -> None:
    """Rows are | function | change | number | reason |, a table for each module."""
    text = (ENDURANCE / "survivors.md").read_text(encoding="utf-8")
    tables = dict(re.findall(r"^## ([\w/]+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    assert {CALLED_THEN.get(name, name) for name in tables} == set(CORE)
    for module, table in tables.items():
        rows = re.findall(r"^\| `([\w.]+)` \| (.+) \| (\d+) \| (.+) \|$", table, re.MULTILINE)
        missed = mutation[module]["total"] - mutation[module]["killed"]
        assert sum(int(number) for _, _, number, _ in rows) == missed
        if module in ALSO:  # the others are of the code as it was
            source = Path(f"{RESULTS.parents[1]}/src/paid_with_models/{module}.py").read_text()
            for function, _, _, _ in rows:
                assert f"def {function.rpartition('.')[2]}(" in source


@pytest.mark.parametrize("module", ALSO)
def test_a_changed_module_has_tests_and_they_find_what_they_import(
    module: str, tmp_path: Path
) -> None:
    assert all(file_of_tests(name).exists() for name in ALSO[module])
    prepare(module, tmp_path, keep=False)
    assert (tmp_path / f"src/paid_with_models/{module}.py").exists()
    files = list((tmp_path / "tests").rglob("test_*.py"))
    assert files
    for file in files:
        ours = re.findall(r"^from (\w+)\.(\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        for folder, name in ours:
            if folder in {"endurance", "benchmarks", "tests", "measurements", "pwm_companion"}:
                assert folder in {*IMPORTED, "tests"}
                assert (tmp_path / folder / f"{name}.py").exists()


def test_what_a_change_is_counted_as(tmp_path: Path) -> None:
    mutants = tmp_path / "mutants/src/paid_with_models"
    mutants.mkdir(parents=True)
    code = {"orig": "x + 1", "1": "x - 1", "2": "x + 2", "3": "x + 3", "4": "x + 4"}
    functions = [f"def x_f__mutmut_{name}(x):\n    return {it}\n" for name, it in code.items()]
    (mutants / "audit.py").write_text("\n".join(functions))
    ends = dict(zip("1234", (1, 0, -24, 33), strict=True))
    (mutants / "audit.py.meta").write_text(
        json.dumps({"exit_code_by_key": {f"audit.x_f__mutmut_{k}": end for k, end in ends.items()}})
    )
    assert row("audit", tmp_path) == {
        "killed": 1, "survived": 1, "timeout": 1, "no_tests": 1, "other": 0, "total": 4,
        "score": 0.25,
    }  # fmt: skip
    text = differences("audit", tmp_path)
    assert "x_f__mutmut_2: survived\n-    return x + 1\n+    return x + 2\n" in text
    assert "x_f__mutmut_3: timeout\n" in text
    assert "x_f__mutmut_4: no tests\n" in text
    assert "x_f__mutmut_1" not in text
