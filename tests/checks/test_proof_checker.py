"""The checker of proofs: balls that contain, lines that lie above, and certificates refused."""

import ast
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from flint import arb, fmpq

from paid_with_models import (
    Arctan,
    Curve,
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    Valuation,
    autarky,
    solve,
)
from paid_with_models.checks import proof_checker, proof_curves, proof_expectations
from paid_with_models.checks.proof import prove, stated_problem
from paid_with_models.checks.proof_checker import RefusedError, check, digest, read_problem
from paid_with_models.checks.proof_curves import NUMBER, near, outward, precision, rational
from paid_with_models.checks.proof_expectations import Enumeration, Model, Sums

CURVES: list[Curve] = [
    GeneralizationBound(),
    GeneralizationBound(0.8, 30.0),
    GeneralizationBound(0.9, 0.05),
    PowerLaw(0.9, 1.0, 0.5),
    PowerLaw(0.9, 1.8, 0.5, 4.0),
    PowerLaw(0.9, 1.0, 0.4, 10.0),
    Saturating((0.5, 0.4), (0.02, 0.01)),
    Arctan(0.8, 0.02),
]
VALUATIONS: list[Valuation] = [
    LinearValuation(100.0),
    PowerValuation(100.0, 2.0),
    PowerValuation(10.0, 1.3),
    ExponentialValuation(100.0, 3.0),
]
PAIRS = [(curve, valuation) for curve in CURVES for valuation in VALUATIONS]


def name(part: Any) -> str:
    return type(part).__name__


def model_of(problem: Problem) -> Model:
    with precision():
        return read_problem(stated_problem(problem))


def small(curve: Curve, valuation: Valuation, beliefs: Any = "paper") -> Problem:
    return Problem(3, [0.3, 0.7], [0.2, 0.05], curve, valuation, beliefs)


@pytest.fixture(scope="module")
def certificate() -> dict[str, Any]:
    """Two types whose contracts need several boxes, and another menu."""
    problem = Problem(4, [0.5, 0.5], [2.0, 0.4], GeneralizationBound())
    made = prove(solve(problem), others=[([50.0, 50.0], [40.0, "45.5"])]).certificate
    assert "split" in made["bound"]
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


# --- numbers and curves ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e9999", "1_0", " 1", "0x1", 1, None, "1/0x"])
def test_what_is_no_exact_number_is_refused(text: Any) -> None:
    with pytest.raises(RefusedError):
        rational(text)


@pytest.mark.parametrize("number", ["0.1", "-2.5e-3", "7/3", "-1/3", "123456789.5"])
def test_decimal_ends_contain_the_number(number: str) -> None:
    low, high = outward(arb(rational(number)))
    assert rational(low) <= rational(number) <= rational(high)
    assert rational(high) - rational(low) < rational("1e-10")


@pytest.mark.parametrize(("curve", "valuation"), PAIRS, ids=name)
def test_balls_contain_the_curve_in_forty_digits(curve: Curve, valuation: Valuation) -> None:
    model = model_of(small(curve, valuation))
    value = ModelValue(curve, valuation)
    for data in (0.0, 1.0, 30.0, 150.0, 4000.5, 1e7):
        with precision():
            low, high = (float(end) for end in outward(model.value.value(near(data))))
        assert low - 1e-12 * value.optimum <= float(value(data)) <= high + 1e-12 * value.optimum
        assert high - low < 1e-18


def test_balls_contain_the_generalization_bound_in_forty_digits() -> None:
    model = model_of(small(GeneralizationBound(0.9, 3.0), LinearValuation()))
    with mpmath.workdps(50), precision():
        for data in (200, 3000, 10**9):
            s = mpmath.sqrt(6 * (2 + mpmath.log(mpmath.mpf(data) / 3)))
            exact = mpmath.mpf(9) / 10 - (s + 4) / mpmath.sqrt(data)
            ball = model.accuracy.value(fmpq(data))
            low, high = (mpmath.mpf(str(end)) for end in outward(ball))
            assert low <= exact <= high


@pytest.mark.parametrize(("curve", "valuation"), PAIRS, ids=name)
def test_curves_are_convex_then_concave_where_they_are_said_to_be(
    curve: Curve, valuation: Valuation
) -> None:
    model = model_of(small(curve, valuation))
    with precision():
        for g in (model.accuracy, model.value):
            start, first = float(arb(g.start[1])), float(arb(g.concave_from))
            for x in np.geomspace(max(first, 1e-6), 1e9, 200):
                assert g.jet(near(x * (1 + 1e-9)), 3)[2] < 0
                assert g.jet(near(x * (1 + 1e-9)))[1] > 0
            if float(arb(g.convex_until)) > start:
                for x in np.linspace(start, float(arb(g.convex_until)), 100)[1:-1]:
                    assert g.jet(near(x), 3)[2] > 0


@pytest.mark.parametrize(
    "curve", [curve for curve in CURVES if not isinstance(curve, Saturating)], ids=name
)
def test_the_bound_on_the_bend_holds(curve: Curve) -> None:
    with precision():
        stated = stated_problem(small(curve, LinearValuation()))["accuracy"]
        accuracy, bend = proof_curves.accuracy_curve(stated)
        start = max(float(arb(accuracy.start[1])), 1e-3)
        for x in np.geomspace(start * 1.001, start * 1e6, 300):
            _, slope, half, sixth = accuracy.jet(near(x), 4)
            if half != 0:
                assert slope * 6 * sixth / (4 * half * half) <= bend + rational("1e-20")


@pytest.mark.parametrize(("curve", "valuation"), PAIRS, ids=name)
def test_lines_are_above_their_curve_throughout_the_interval(
    curve: Curve, valuation: Valuation
) -> None:
    model = model_of(small(curve, valuation))
    rng = np.random.default_rng(5)
    with precision():
        for g in (model.accuracy, model.value):
            for _ in range(25):
                low, high = np.sort(rng.choice([0.0, 1.0], 2) * 10 ** rng.uniform(-1, 4, 2))
                at = near(rng.uniform(low, high))
                base, slope = g.line(at, near(low), near(high))
                for x in np.linspace(low, high, 40):
                    line = base + slope * (near(x) - near(low))
                    assert not line < g.value(near(x))
                touched = base + slope * (at - near(low)) - g.value(at)
                # And no higher than the whole rise.
                assert float(touched) <= float(g.value(near(high))) + 1e-9


@pytest.mark.parametrize(("curve", "valuation"), PAIRS, ids=name)
def test_autarky_is_enclosed(curve: Curve, valuation: Valuation) -> None:
    problem = small(curve, valuation)
    model = model_of(problem)
    for option, utility in zip(model.outside, autarky(problem).utilities, strict=True):
        low, high = (rational(end) for end in outward(option))
        assert low - near(1e-11) <= near(float(utility)) <= high + near(1e-11)
        assert high - low < rational("1e-20")


def test_who_trains_nothing_alone_has_exactly_nothing() -> None:
    model = model_of(Problem(3, [0.5, 0.5], [3.0, 2.0], GeneralizationBound()))
    assert all(option == 0 for option in model.outside)


@pytest.mark.parametrize("rates", [(0.3, 0.001), (0.05, 0.04), (2.0, 0.3)])
@pytest.mark.parametrize("exponent", [1.2, 2.0])
def test_sums_of_exponentials_under_a_convex_valuation(
    rates: tuple[float, float], exponent: float
) -> None:
    model = model_of(small(Saturating((0.5, 0.4), rates), PowerValuation(100.0, exponent)))
    with precision():
        bend = float(arb(model.value.concave_from))
        for x in np.geomspace(1e-6 * bend, bend * 0.999, 100):
            assert model.value.jet(near(x), 3)[2] > 0
        for x in np.geomspace(1.001 * bend, 1e3 * bend, 100):
            assert model.value.jet(near(x), 3)[2] < 0


def test_a_curve_that_bends_more_than_once_is_refused() -> None:
    # It rises and levels off twice: its square is convex, concave, convex and concave.
    problem = Problem(3, [0.5, 0.5], [0.2, 0.1], Saturating((0.01, 0.9), (10.0, 1e-5)))
    stated = stated_problem(problem)
    stated["valuation"] = {
        "name": "PowerValuation",
        "parameters": {"scale": "100", "exponent": "2"},
    }
    with pytest.raises(RefusedError, match="bends only once"), precision():
        read_problem(stated)


# --- expectations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("valuation", VALUATIONS[::3], ids=name)
def test_sums_and_enumeration_agree(beliefs: Any, valuation: Valuation) -> None:
    problem = Problem(8, [0.5, 0.3, 0.2], [0.1, 0.05, 0.03], GeneralizationBound(), valuation,
                      beliefs)  # fmt: skip
    model = model_of(problem)
    menu = [near(x) for x in (200.0, 250.5, 400.0)]
    with precision():
        enumerated, summed = Enumeration(model).means(menu), sums_of(problem, model).means(menu)
        for one, other in zip(
            [enumerated[0], *enumerated[1]], [summed[0], *summed[1]], strict=True
        ):
            assert one.overlaps(other)
            assert float(other.rad()) < 1e-9


def sums_of(problem: Problem, model: Model) -> Sums:
    from paid_with_models.checks.proof import fitted

    high = 2.0 ** np.ceil(np.log2(float(max(model.top)) * model.n_parties))
    stated: dict[str, Any] = {"high": repr(float(high))}
    stated["accuracy"] = fitted(problem.accuracy, model.accuracy, float(high))
    if model.scale is None:
        stated["value"] = fitted(problem.model_value, model.value, float(high))
    return Sums(model, stated)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("curve", [CURVES[0], CURVES[5], CURVES[6]], ids=name)
def test_planes_are_above_the_means_of_every_menu_in_the_box(curve: Curve, beliefs: Any) -> None:
    problem = Problem(4, [0.4, 0.6], [0.2, 0.05], curve, ExponentialValuation(100.0, 1.0), beliefs)
    model = model_of(problem)
    rng = np.random.default_rng(2)
    with precision():
        ways: list[Any] = [Enumeration(model), sums_of(problem, model)]
        share, prices = fmpq(1), [fmpq(1, 50), fmpq(1, 200)]
        for _ in range(4):
            ends = np.sort(rng.uniform(0, 400, (2, 2)), axis=0)
            low, high = ([near(x) for x in row] for row in ends)
            at = [near(x) for x in rng.uniform(ends[0], ends[1]).tolist()]
            planes = [way.plane(at, low, high, share, prices) for way in ways]
            for _ in range(10):
                menu = [near(x) for x in rng.uniform(ends[0], ends[1]).tolist()]
                mean, seen = ways[0].means(menu)
                least = mean + sum(p * x for p, x in zip(prices, seen, strict=True))
                for constant, gradient in planes:
                    assert (
                        not constant + sum(g * x for g, x in zip(gradient, menu, strict=True))
                        < least
                    )


def test_the_distance_of_a_sum_is_not_understated() -> None:
    problem = Problem(4, [0.4, 0.6], [0.2, 0.05], GeneralizationBound())
    model = model_of(problem)
    with precision():
        sums = sums_of(problem, model)
        good = sums.accuracy
        assert float(good.error) < 1e-12
        worse = proof_expectations.Sum(
            good.curve,
            [good.weights[0] * 2, *good.weights[1:]],
            good.rates,
            good.error,
            good.tangent,
        )
        error = sums.distance(worse)
        for x in np.geomspace(60.0, float(sums.high), 50):
            assert abs(worse.jet(arb(x), 1)[0] - worse.curve.value(near(x))) <= error
        assert float(error) > 1e-6


# --- certificates ---------------------------------------------------------------------------------


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the single values of a document are."""
    if isinstance(content, dict | list) and content:
        parts = content.items() if isinstance(content, dict) else enumerate(content)
        for key, part in parts:
            yield from places(part, (*path, key))
    else:
        yield path


def altered(certificate: dict[str, Any], path: tuple[Any, ...], factor: str) -> dict[str, Any]:
    """The certificate with another value somewhere."""
    changed = copy.deepcopy(certificate)
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    old = parent[path[-1]]
    if isinstance(old, str) and path[0] != "made_with" and NUMBER.fullmatch(old):
        number = rational(old) * rational(factor) + (rational("1e-9") if rational(old) == 0 else 0)
        parent[path[-1]] = f"{number.p}/{number.q}"
    elif isinstance(old, str):
        parent[path[-1]] = old + "x"
    elif isinstance(old, int):
        parent[path[-1]] = old + 1
    else:
        parent[path[-1]] = ["1"]
    assert changed != certificate
    return changed


def refusal(certificate: dict[str, Any]) -> str | None:
    """Why a certificate is refused, if it is."""
    try:
        check(certificate)
    except (RefusedError, ValueError) as reason:
        return str(reason)
    return None


def test_a_certificate_is_confirmed(certificate: dict[str, Any]) -> None:
    found = check(certificate)
    assert all(slack >= 0 for slack in found.menu.slacks())
    assert not all(slack >= 0 for slack in found.others[0].slacks())


KINDS = {
    "sums": Problem(40, [0.25] * 4, [0.3, 0.2, 0.1, 0.05], GeneralizationBound(),
                    ExponentialValuation(100.0, 1.0)),
    "one is left out": Problem(4, [0.5, 0.5], [0.2, 0.1], GeneralizationBound(),
                               reservation_utilities=[60.0, 25.3]),
    "own beliefs": Problem(3, [0.3, 0.7], [0.2, 0.05], PowerLaw(0.9, 1.0, 0.5),
                           PowerValuation(100.0, 2.0), "own"),
    "saturating": Problem(3, [0.3, 0.7], [0.2, 0.05], Saturating((0.5, 0.4), (0.02, 0.01))),
    "arctangent": Problem(3, [0.3, 0.7], [0.2, 0.05], Arctan(0.8, 0.02)),
}  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def of_each_kind(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Certificates of several kinds of problems."""
    made = prove(solve(KINDS[request.param])).certificate
    assert (made["expectations"]["method"] == "sums") == (request.param == "sums")
    assert ("decide" in made["bound"]) == (request.param == "one is left out")
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


def test_any_value_of_any_kind_altered_is_refused(of_each_kind: dict[str, Any]) -> None:
    check(of_each_kind)
    confirmed = [path for path in places(of_each_kind)
                 if refusal(altered(of_each_kind, path, "1.000001")) is None]  # fmt: skip
    assert confirmed == []


def mappings(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a document has fields."""
    if isinstance(content, dict | list):
        if isinstance(content, dict):
            yield path
        for key, part in content.items() if isinstance(content, dict) else enumerate(content):
            yield from mappings(part, (*path, key))


def test_nothing_may_be_stated_that_is_not_used(
    certificate: dict[str, Any], of_each_kind: dict[str, Any]
) -> None:
    for made in (certificate, of_each_kind):
        for path in mappings(made):
            if path[:1] == ("made_with",):
                continue
            changed = copy.deepcopy(made)
            parent: Any = changed
            for key in path:
                parent = parent[key]
            parent["attendance"] = "another law"
            changed["sha256"] = digest(changed)
            assert refusal(changed) is not None, path


def test_any_value_altered_is_refused(certificate: dict[str, Any]) -> None:
    confirmed = [path for path in places(certificate)
                 if refusal(altered(certificate, path, "1.000001")) is None]  # fmt: skip
    assert confirmed == []


def test_any_value_of_problem_and_menus_altered_is_refused_by_the_mathematics(
    certificate: dict[str, Any],
) -> None:
    for path in places(certificate):
        if path[0] in ("problem", "menu", "others", "expectations"):
            changed = altered(certificate, path, "1.000001")
            changed["sha256"] = digest(changed)
            assert refusal(changed) is not None, path


def test_claims_that_are_too_good_are_refused_by_the_mathematics(
    certificate: dict[str, Any],
) -> None:
    for path in places(certificate["claims"]):
        upper = path[-1] == 1 or path == ("upper_bound",)
        changed = copy.deepcopy(certificate)
        parent: Any = changed["claims"]
        for key in path[:-1]:
            parent = parent[key]
        if parent[path[-1]] is None:
            continue
        number = rational(parent[path[-1]]) + rational("-1e-18" if upper else "1e-18")
        parent[path[-1]] = f"{number.p}/{number.q}"
        changed["sha256"] = digest(changed)
        reason = refusal(changed)
        assert reason is not None, path


def test_prices_altered_prove_no_more_than_is_true(certificate: dict[str, Any]) -> None:
    truth = rational(certificate["claims"]["expected_accuracy"][0])
    for path in places(certificate["bound"]):
        for factor in ("0.5", "2"):
            changed = altered(certificate, ("bound", *path), factor)
            try:
                found = proof_checker.recomputed(changed)
            except RefusedError:
                continue
            assert not arb(found.upper_bound) < truth


@pytest.mark.parametrize("field", proof_checker.FIELDS)
def test_a_field_that_is_missing_is_refused(certificate: dict[str, Any], field: str) -> None:
    changed = {key: value for key, value in certificate.items() if key != field}
    if field != "sha256":
        changed["sha256"] = digest(changed)
    assert refusal(changed) is not None


def test_a_field_too_many_is_refused(certificate: dict[str, Any]) -> None:
    changed = certificate | {"note": "trust me"}
    changed["sha256"] = digest(changed)
    with pytest.raises(RefusedError, match="fields"):
        check(changed)


@pytest.mark.parametrize("wrong", [[], "text", 1, {}, {"format": "other"}, None])
def test_what_is_no_certificate_is_bad_input(wrong: Any) -> None:
    with pytest.raises(ValueError, match="format"):
        check(wrong)


def leaf_of(tree: dict[str, Any]) -> dict[str, Any]:
    while "planes" not in tree:
        tree = tree["below"] if "below" in tree else tree["in"]
    return tree


@pytest.mark.parametrize(
    ("field", "value"), [("share", "-1"), ("share", "0.5"), ("caps", ["-1", "0"]), ("at", ["1"])]
)
def test_prices_that_are_none_are_refused(
    certificate: dict[str, Any], field: str, value: Any
) -> None:
    changed = copy.deepcopy(certificate)
    leaf_of(changed["bound"])["planes"][0][field] = value
    with pytest.raises(RefusedError):
        proof_checker.recomputed(changed)


def test_boxes_must_be_split_within(certificate: dict[str, Any]) -> None:
    changed = copy.deepcopy(certificate)
    changed["bound"]["at"] = "1e9"
    with pytest.raises(RefusedError, match="within"):
        proof_checker.recomputed(changed)


def test_types_with_autarky_outside_may_not_be_left_out_of_the_bound(
    certificate: dict[str, Any],
) -> None:
    changed = copy.deepcopy(certificate)
    changed["bound"] = {"decide": 0, "in": changed["bound"], "out": changed["bound"]}
    with pytest.raises(RefusedError, match="left out"):
        proof_checker.recomputed(changed)


def test_a_type_that_may_be_left_out_has_to_be_decided_on() -> None:
    problem = Problem(4, [0.5, 0.5], [0.2, 0.1], GeneralizationBound(),
                      reservation_utilities=[60.0, 25.3])  # fmt: skip
    made = prove(solve(problem)).certificate
    changed = copy.deepcopy(made)
    tree = changed["bound"]
    assert tree["decide"] == 0
    changed["bound"] = tree["in"]
    with pytest.raises(RefusedError):
        proof_checker.recomputed(changed)


def test_the_checker_uses_nothing_of_the_solver() -> None:
    own = {"proof_curves", "proof_expectations"}
    allowed = own | {"flint"} | {
        "__future__", "collections", "contextlib", "dataclasses", "fractions", "hashlib",
        "itertools", "json", "math", "pathlib", "re", "sys", "typing",
    }  # fmt: skip
    for module in (proof_checker, proof_curves, proof_expectations):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            else:
                continue
            assert {part.split(".")[0] for part in names} <= allowed


def test_run_as_a_program_it_says_what_it_found(
    certificate: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(certificate))
    assert proof_checker.main(str(file)) == 0
    assert certificate["claims"]["upper_bound"] in capsys.readouterr().out
    file.write_text(json.dumps(certificate | {"sha256": "0"}))
    assert proof_checker.main(str(file)) == 1
    file.write_text("{}")
    assert proof_checker.main(str(file)) == 2
    assert proof_checker.main(str(tmp_path / "none.json")) == 2
