"""Proofs: what certificates of contracts show, for which problems, and what is refused."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paid_with_models import (
    Arctan,
    Curve,
    ExponentialValuation,
    GeneralizationBound,
    KnownParties,
    LinearValuation,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    Valuation,
    audit,
    least_utilities,
    solve,
    solve_many,
)
from paid_with_models.checks.proof import Proof, RefusedError, prove, stated_problem
from paid_with_models.checks.proof_checker import Model, check, digest, precision
from paid_with_models.checks.proof_witnesses import shapes, text_of
from paid_with_models.paper.published import PUBLISHED
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.paper.theorems import prove_scenarios, table_of_theorems
from tests.problems import mixed_problem, scale_problem, small_problem, unequal_problem

BOUND = GeneralizationBound()
SUMS = Saturating((0.5, 0.4), (0.1, 0.02))


def confirmed(problem: Problem) -> Proof:
    """The proof of the best contract, checked as a reader would."""
    contract = solve(problem)
    proof = prove(contract)
    found = check(json.loads(json.dumps(proof.certificate)))
    assert float(found["upper_bound"].upper()) == pytest.approx(float(proof.upper_bound), abs=1e-15)
    reached = float(proof.expected_accuracy[0])
    assert reached <= float(proof.upper_bound)
    # The library's floats say the same.
    assert reached == pytest.approx(contract.expected_accuracy, abs=1e-8)
    assert float(proof.upper_bound) <= contract.upper_bound + 1e-9
    return proof


def menu_of(proof: Proof) -> tuple[list[float], list[float]]:
    menu = proof.certificate["menu"]
    return (
        [float(Fraction(x)) for x in menu["contributions"]],
        [float(Fraction(x)) for x in menu["rewards"]],
    )


def boxes(tree: dict[str, Any]) -> int:
    parts = [tree[name] for name in ("below", "above") if name in tree]
    return sum(map(boxes, parts)) if parts else 1


@pytest.fixture(scope="module")
def scenarios() -> dict[str, Proof]:
    return prove_scenarios()


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios_are_proved_to_fifteen_digits(scenarios: dict[str, Proof], name: str) -> None:
    proof = scenarios[name]
    found = check(proof.certificate)
    assert all(slack >= 0 for slack in found["menu"].values())
    assert proof.gap < 1e-14
    assert proof.width < 1e-20
    contract = solve(SCENARIOS[name].problem())
    assert float(proof.upper_bound) <= contract.upper_bound
    report = audit(contract.problem, *menu_of(proof), best=contract)
    assert report.satisfied


def test_printed_menus_are_proved_to_fall_short(scenarios: dict[str, Proof]) -> None:
    table = table_of_theorems(scenarios).set_index("scenario")
    for name, row in table.iterrows():
        contract = solve(SCENARIOS[str(name)].problem())
        menu = PUBLISHED.menus[str(name)]
        report = audit(contract.problem, menu.contributions, menu.rewards, best=contract)
        assert 0 < row["shortfall_at_least"] <= row["shortfall_at_most"]
        assert row["shortfall_at_most"] - row["shortfall_at_least"] < 1e-13
        assert row["shortfall_at_least"] == pytest.approx(report.gap, abs=1e-12)
        compatibility = report.incentive_compatibility.min()
        assert row["incentive_compatibility"] == pytest.approx(compatibility, abs=1e-10)
        assert row["caps"] == pytest.approx(report.caps.min(), abs=1e-10)
        rationality = report.individual_rationality.min()
        assert row["individual_rationality"] == pytest.approx(rationality, abs=1e-10)
    assert (table["individual_rationality"] < 0).any()


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize(
    "curve",
    [BOUND, GeneralizationBound(0.9, 10.0), PowerLaw(0.9, 1.0, 0.5), PowerLaw(0.9, 0.9, 0.5, 1.0),
     PowerLaw(0.9, 1.0, 0.4, 9.0), SUMS, Arctan(0.8, 0.02)],
)  # fmt: skip
@pytest.mark.parametrize(
    "valuation", [LinearValuation(100.0), PowerValuation(100.0, 1.5), ExponentialValuation(50.0)]
)
def test_every_curve_valuation_and_belief(curve: Curve, valuation: Valuation, beliefs: Any) -> None:
    proof = confirmed(Problem(4, [0.6, 0.4], [0.2, 0.05], curve, valuation, beliefs))
    assert proof.gap < 1e-9
    assert proof.width < 1e-9


@pytest.mark.parametrize(
    ("n_parties", "probabilities", "costs"),
    [(10, [0.5, 0.5], [1.0, 0.4]), (10, [0.5, 0.5], [5.0, 1.0]), (3, [0.5, 0.5], [1.0, 0.4])],
)
def test_where_accuracy_is_not_concave_boxes_close_the_gap(
    n_parties: int, probabilities: list[float], costs: list[float]
) -> None:
    proof = confirmed(Problem(n_parties, probabilities, costs, BOUND))
    assert boxes(proof.certificate["bound"]) > 1
    assert proof.gap < 1e-9


# Book: prop-proved-bound
def test_no_menu_on_a_grid_beats_the_bound() -> None:
    problem = Problem(3, [0.3, 0.7], [1.5, 0.2], BOUND)
    contract, best = solve(problem), 0.0
    bound = float(prove(contract).upper_bound)
    for first in np.linspace(0, 60, 31):
        for second in np.linspace(first, 400, 41):
            menu = [first, second]
            utilities = least_utilities(menu, problem.costs, problem.outside_options)
            report = audit(problem, menu, utilities + problem.costs * menu, best=contract)
            if report.satisfied:
                best = max(best, report.expected_accuracy)
    assert 0.5 * bound < best <= bound + 1e-9


def test_outside_options_and_who_is_left_out() -> None:
    dear = Problem(6, [0.5, 0.5], [0.2, 0.1], BOUND, reservation_utilities=[80.0, 26.0])
    proof = confirmed(dear)
    assert proof.certificate["menu"]["left_out"] == [0]
    assert proof.gap < 1e-9
    # A type whose outside option is autarky is said to have it, and is in.
    alone = float(Problem(6, [0.5, 0.5], [0.2, 0.1], BOUND).outside_options[1])
    mixed = Problem(6, [0.5, 0.5], [0.2, 0.1], BOUND, reservation_utilities=[30.0, alone])
    proof = confirmed(mixed)
    assert proof.certificate["problem"]["reservation_utilities"] == ["30.0", None]
    assert boxes(proof.certificate["bound"]) >= 2


@pytest.mark.parametrize("costs", [[0.2, 0.1, 0.1], [0.2, 0.2, 0.1], [0.1, 0.1, 0.1]])
def test_equal_costs(costs: list[float]) -> None:
    assert confirmed(Problem(5, [0.3, 0.3, 0.4], costs, BOUND)).gap < 1e-9


@pytest.mark.parametrize("costs", [[900.0, 700.0], [70.0, 60.0]])
def test_where_nobody_contributes(costs: list[float]) -> None:
    proof = confirmed(Problem(3, [0.5, 0.5], costs, BOUND))
    assert proof.expected_accuracy == ("0." + "0" * 24,) * 2
    assert proof.gap < 1e-9


@pytest.mark.parametrize(
    ("curve", "valuation"),
    [(BOUND, LinearValuation(100.0)), (BOUND, ExponentialValuation(100.0, 2.0)),
     (PowerLaw(0.9, 0.9, 0.5, 1.0), LinearValuation(100.0)), (SUMS, LinearValuation(100.0))],
)  # fmt: skip
@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_beyond_enumeration_by_exponential_sums(
    curve: Curve, valuation: Valuation, beliefs: Any
) -> None:
    costs = [0.5, 0.2, 0.1, 0.05]
    proof = confirmed(Problem(10_000, [0.25] * 4, costs, curve, valuation, beliefs))
    assert "sums" in proof.certificate["expectations"]
    assert proof.gap < 1e-9
    assert proof.width < 1e-9


def test_thirty_types_and_a_million_parties() -> None:
    proof = confirmed(scale_problem(30, 10**6, 1))
    assert proof.gap < 1e-12


def test_a_menu_whose_caps_and_outside_options_bind_is_made_feasible() -> None:
    problem = Problem(
        3,
        [0.2598980746025598, 0.24272991357078014, 0.49737201182666],
        [2.6689433977951715, 0.01841080612021496, 0.5911932355141732],
        PowerLaw(0.8590843017773426, 2.244148700946398, 0.2872493059594191, 1.0),
        reservation_utilities=[0.0, 41.34099935975386, 21.95012649605396],
    )
    proof = confirmed(problem)
    assert proof.certificate["menu"]["left_out"] == []
    assert proof.gap < 1e-9


def test_the_contracts_of_two_types() -> None:
    problems = [
        Problem(n_parties, [p, 1 - p], [0.02, 0.01], BOUND)
        for n_parties in (2, 30, 100)
        for p in (0.01, 0.48, 0.99)
    ]
    for contract in solve_many(problems):
        proof = prove(contract)
        check(proof.certificate)
        assert proof.gap < 1e-10
        assert proof.width < 1e-20


@pytest.mark.parametrize("make", [mixed_problem, small_problem, unequal_problem])
def test_random_problems(make: Any) -> None:
    problems = (make(seed) for seed in range(12))
    for problem in problems:
        # Those with more outcomes are tried by the benchmark.
        if problem.n_parties > 1 and problem.n_parties * problem.n_types < 60:
            proof = confirmed(problem)
            assert proof.gap < 1e-8


def test_other_menus_are_enclosed_whatever_they_are() -> None:
    problem = Problem(10, [0.5, 0.5], [1.0, 0.4], BOUND)
    contract = solve(problem)
    proof = prove(contract, others=[([60.0, 60.0], [59.0, 60.0]), (["70"] * 2, ["70.0"] * 2)])
    found = check(proof.certificate)
    assert float(found["others"][0]["incentive_compatibility"]) == -1.0
    low, high = map(float, proof.shortfalls[0])
    report = audit(problem, [60.0, 60.0], [59.0, 60.0], best=contract)
    assert low <= report.gap + 1e-12
    assert high >= contract.expected_accuracy - report.expected_accuracy - 1e-12


def test_a_certificate_survives_a_file(tmp_path: Path) -> None:
    proof = confirmed(Problem(4, [0.5, 0.5], [0.2, 0.1], BOUND))
    proof.write(tmp_path / "certificate.json")
    assert json.loads((tmp_path / "certificate.json").read_text()) == proof.certificate


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (Problem(costs=[0.2, 0.1], accuracy=BOUND, attendance=KnownParties([1, 2])),
         "attendance must be that of independent draws.*KnownParties"),
        (Problem(1, [1.0], [0.2], BOUND), "n_parties must be at least 2: .* one party"),
        (Problem(3, [0.5, 0.5], [0.2, 0.1], type("Mine", (GeneralizationBound,), {})()), "Mine"),
    ],
)  # fmt: skip
def test_what_cannot_be_proved_is_refused(problem: Problem, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        prove(solve(problem))


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.1, "0.1"), ("0.10", "0.10"), (1e-7, "1e-07"), (Fraction(-1, 8), "-0.125"),
     (Fraction(5), "5"), (Fraction(1, 7), "1/7"), (Fraction(1, 200), "0.005")],
)  # fmt: skip
def test_numbers_as_text(number: Any, text: str) -> None:
    assert text_of(number) == text
    assert Fraction(text_of(number)) == (
        Fraction(text) if not isinstance(number, Fraction) else number
    )


def test_without_python_flint_one_line_names_the_extra() -> None:
    code = "import sys; sys.modules['flint'] = None; import paid_with_models.checks.proof"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert last.endswith("install it with pip install 'paid-with-models[proof]'")


def test_saturating_curves_keep_their_own_exponentials_under_aversion() -> None:
    # Rates from a grid would miss those of the curve by a thousandth of its value.
    problem = Problem(
        39, [0.122, 0.065, 0.015, 0.281, 0.289, 0.228], [0.058, 0.021, 0.023, 0.0037, 0.016, 0.065],
        Saturating((0.5, 0.4), (0.1, 0.003)), ExponentialValuation(50.0, 2.0), "own",
    )  # fmt: skip
    proof = prove(solve(problem))
    assert "sums" in proof.certificate["expectations"]
    assert proof.gap < 1e-12


#: Costs, limits of data, outside options: limits that bind, that keep options out of reach, that
#: are below where accuracy begins, and with types that may be left out.
LIMITED = [
    ([0.1, 0.05], [300, 100], None),
    ([0.1, 0.05], [30, 1000], None),
    ([0.02, 0.05], [30, 400], None),
    ([0.05, 0.05], [40, 400], None),
    ([0.5, 0.2], [150, np.inf], None),
    ([0.2, 0.1], [np.inf, 400], [40.0, 28.0]),
    ([0.2, 0.1], [90, 600], [30.0, 45.0]),
]


@pytest.mark.parametrize(("costs", "limits", "outside"), LIMITED)
@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_limits_of_data_are_proved(costs: Any, limits: Any, outside: Any, beliefs: Any) -> None:
    stated = 4, [0.5, 0.5], costs, BOUND, LinearValuation(100.0), beliefs
    problem = Problem(*stated, max_data=limits)
    if outside is not None:
        outside = np.maximum(outside, problem.outside_options)
        problem = Problem(*stated, outside, max_data=limits)
    contract = solve(problem)
    proof = prove(contract)
    check(proof.certificate)
    assert proof.gap < 2e-9
    assert Fraction(proof.upper_bound) >= Fraction(contract.expected_accuracy) - Fraction(1, 10**12)
    m = [float(Fraction(x)) for x in proof.certificate["menu"]["contributions"]]
    assert np.all(np.array(m) <= limits)


def test_what_types_with_limited_data_reach_alone_is_enclosed() -> None:
    costs, limits = [0.3, 0.05, 0.05, 0.2], [1000, 30, 200, 90]
    problem = Problem(3, [0.25] * 4, costs, BOUND, max_data=limits)
    with precision():
        statement = stated_problem(problem)
        model = Model(statement, shapes(statement, BOUND.smooth_from))
        for enclosed, exact in zip(model.outside, problem.outside_options, strict=True):
            assert enclosed.rad() < 1e-15
            assert float(enclosed) == pytest.approx(exact, abs=1e-10)


def certificate_with_limits() -> dict[str, Any]:
    problem = Problem(4, [0.5, 0.5], [0.02, 0.05], BOUND, max_data=[30, 400])
    return prove(solve(problem)).certificate


def resealed(certificate: dict[str, Any]) -> dict[str, Any]:
    certificate["sha256"] = digest(certificate)
    return certificate


def test_options_out_of_reach_have_no_incentive_price() -> None:
    certificate = certificate_with_limits()
    assert certificate["problem"]["max_data"] == ["30.0", "400.0"]
    # The cheap type, of 30 units, could not fulfil the option of the other.
    certificate["bound"]["incentives"] = [[0, 1, "0.0001"]]
    with pytest.raises(RefusedError, match="no such incentive price"):
        check(resealed(certificate))


def test_menus_beyond_the_limits_are_refused() -> None:
    certificate = certificate_with_limits()
    certificate["problem"]["max_data"] = ["29.9", "400.0"]
    with pytest.raises(RefusedError, match="a type gives more than it has"):
        check(resealed(certificate))


def test_without_its_limits_a_certificate_proves_nothing() -> None:
    certificate = certificate_with_limits()
    certificate["problem"]["max_data"] = [None, None]
    with pytest.raises(RefusedError):
        check(resealed(certificate))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tolerance": -1}, "tolerance must be > 0 and finite"),
        ({"tolerance": float("nan")}, "tolerance must be > 0 and finite"),
        ({"tolerance": "x"}, "tolerance must be a number"),
        ({"max_boxes": -1}, "max_boxes must be an integer >= 1"),
        ({"max_boxes": 1.5}, "max_boxes must be an integer"),
        ({"others": [1]}, "others must be menus"),
        ({"others": [([1], [2])]}, "others must be menus"),
        ({"others": [([-1, 2], [1, 2])]}, "others must be menus"),
        ({"others": [([1, 2], [1, 2], [0])]}, "others must be menus"),
    ],
)
def test_arguments_of_a_proof_are_named(given, message):
    contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    with pytest.raises(ValueError, match=message):
        prove(contract, **given)
