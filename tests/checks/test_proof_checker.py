"""The checker of proofs: balls that contain, lines that lie above, and certificates refused."""

import ast
import copy
import json
import shutil
import subprocess
import sys
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
from paid_with_models.checks import proof_checker
from paid_with_models.checks.proof import prove, stated_problem
from paid_with_models.checks.proof_checker import (
    NUMBER,
    Model,
    RefusedError,
    Views,
    check,
    digest,
    enumeration,
    precision,
    proved,
    rational,
    summation,
    taylor,
)
from paid_with_models.checks.proof_witnesses import fitted, near, outward, shapes

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


def said(problem: Problem) -> dict[str, Any]:
    return shapes(stated_problem(problem), problem.accuracy.smooth_from)


def model_of(problem: Problem, **changes: Any) -> Model:
    """The problem as the checker sees it, where some of what is said of its curves is another."""
    with precision():
        return Model(stated_problem(problem), said(problem) | changes)


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
            ball = model.factor * model.curves[-1].value(near(data))
            low, high = (float(end) for end in outward(ball))
        assert low - 1e-12 * value.optimum <= float(value(data)) <= high + 1e-12 * value.optimum
        assert high - low < 1e-18


def test_balls_contain_the_generalization_bound_in_forty_digits() -> None:
    model = model_of(small(GeneralizationBound(0.9, 3.0), LinearValuation()))
    with mpmath.workdps(50), precision():
        for data in (200, 3000, 10**9):
            s = mpmath.sqrt(6 * (2 + mpmath.log(mpmath.mpf(data) / 3)))
            exact = mpmath.mpf(9) / 10 - (s + 4) / mpmath.sqrt(data)
            ball = model.curves[0].value(fmpq(data))
            low, high = (mpmath.mpf(str(end)) for end in outward(ball))
            assert low <= exact <= high


@pytest.mark.parametrize(("curve", "valuation"), PAIRS, ids=name)
def test_curves_are_convex_then_concave_where_they_are_said_to_be(
    curve: Curve, valuation: Valuation
) -> None:
    model = model_of(small(curve, valuation))
    with precision():
        for g in model.curves:
            start, first = float(arb(g.start)), float(arb(g.concave))
            for x in np.geomspace(max(first, 1e-6), 1e9, 200):
                _, slope, half = taylor(g.formula, near(x * (1 + 1e-9)), 3)
                assert half < 0 < slope
                assert g.sign(near(x * (1 + 1e-9)))[0] < 0
            for x in np.linspace(start, first, 100)[1:-1]:
                if first > start:
                    assert taylor(g.formula, near(x), 3)[2] > 0
                    assert g.sign(near(x))[0] > 0


@pytest.mark.parametrize(("curve", "valuation"), PAIRS, ids=name)
def test_what_has_the_sign_of_the_second_derivative_has_the_slope_that_is_said(
    curve: Curve, valuation: Valuation
) -> None:
    g = model_of(small(curve, valuation)).curves[-1]
    with precision():
        step = fmpq(1, 2**40)
        for x in (200.0, 300.5, 5000.0):
            (before, change), (after, _) = g.sign(near(x)), g.sign(near(x) + step)
            assert float((after - before) / step) == pytest.approx(float(change), rel=1e-6)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (["57", "57", "1e6"], "starts"),  # where accuracy is positive already
        (["0.01", "56", "1e6"], "starts"),  # where the formula falls
        (["55", "54", "1e6"], "concave"),
        (["55", "56", "55.5"], "concave"),
        (["55", "56"], "entries"),
        (["55", "56", "-1"], ">= 0"),
    ],
)
def test_shapes_that_are_none_are_refused(shape: list[str], reason: str) -> None:
    problem = small(GeneralizationBound(), LinearValuation())
    with pytest.raises(RefusedError, match=reason):
        model_of(problem, accuracy=shape)


def test_a_start_that_is_said_to_be_earlier_leaves_curve_and_lines_what_they_are() -> None:
    problem = small(GeneralizationBound(), LinearValuation())
    _, _, reach = said(problem)["accuracy"]
    here = model_of(problem).curves[0]
    early = model_of(problem, accuracy=["40", "40", reach]).curves[0]
    with precision():
        for low in (fmpq(0), fmpq(40), fmpq(45), fmpq(55), fmpq(56)):
            assert early.value(low).overlaps(here.value(low))
            for at in (low, fmpq(57), fmpq(200)):
                base, slope = early.line(at, low, fmpq(3000))
                for x in (low, fmpq(58), fmpq(90), fmpq(3000)):
                    assert x < low or not base + slope * (x - at) < here.value(x)


def test_a_convex_part_may_not_be_said_to_be_concave() -> None:
    problem = small(GeneralizationBound(), PowerValuation(100.0, 2.0))
    start, concave, reach = said(problem)["value"]
    with pytest.raises(RefusedError, match="concave"):
        model_of(problem, value=[start, str(float(concave) - 0.01), reach])


@pytest.mark.parametrize("curve", CURVES, ids=name)
def test_a_shape_that_is_shown_to_less_raises_lines_by_what_the_curve_can_rise(
    curve: Curve,
) -> None:
    problem = small(curve, LinearValuation())
    start, concave, reach = said(problem)["accuracy"]
    less = str(0.7 * float(reach))
    g = model_of(problem, accuracy=[start, concave, less]).curves[0]
    with precision():
        assert 0 < float(g.rest.upper()) < curve.optimum
        for at in (100, 4000, 1_000_000):
            base, slope = g.line(fmpq(at), fmpq(0), fmpq(10**7))
            for x in (0, 60, 300, 5000, 6000, 10**7):
                assert not base + slope * (x - at) < g.value(fmpq(x))


@pytest.mark.parametrize(("curve", "valuation"), PAIRS, ids=name)
def test_lines_are_above_their_curve_throughout_the_interval(
    curve: Curve, valuation: Valuation
) -> None:
    model = model_of(small(curve, valuation))
    rng = np.random.default_rng(5)
    with precision():
        for g in model.curves:
            for _ in range(25):
                far = np.log10(float(arb(g.reach)))
                low, high = np.sort(rng.choice([0.0, 1.0], 2) * 10 ** rng.uniform(-1, far, 2))
                at = near(rng.uniform(low, high))
                base, slope = g.line(at, near(low), near(high))
                for x in np.linspace(low, high, 40):
                    line = base + slope * (near(x) - at)
                    assert not line < g.value(near(x))
                # And no higher than the whole rise.
                assert float(base - g.value(at)) <= float(g.value(near(high))) + 1e-9


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
        g = model.curves[-1]
        bend = float(arb(g.concave))
        for x in np.geomspace(1e-6 * bend, bend * 0.999, 100):
            assert taylor(g.formula, near(x), 3)[2] > 0
        for x in np.geomspace(1.001 * bend, 1e3 * bend, 100):
            assert taylor(g.formula, near(x), 3)[2] < 0


def test_a_curve_that_bends_more_than_once_is_refused() -> None:
    # It rises and levels off twice: its square is convex, concave, convex and concave.
    problem = Problem(3, [0.5, 0.5], [0.2, 0.1], Saturating((0.01, 0.9), (10.0, 1e-5)))
    stated = stated_problem(problem)
    stated["valuation"] = {
        "name": "PowerValuation",
        "parameters": {"scale": "100", "exponent": "2"},
    }
    with pytest.raises(RefusedError, match="shape of a curve"), precision():
        Model(stated, shapes(stated, 0.0))


# --- expectations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("valuation", VALUATIONS[::3], ids=name)
def test_sums_and_enumeration_agree(beliefs: Any, valuation: Valuation) -> None:
    problem = Problem(8, [0.5, 0.3, 0.2], [0.1, 0.05, 0.03], GeneralizationBound(), valuation,
                      beliefs)  # fmt: skip
    model = model_of(problem)
    menu = [near(x) for x in (200.0, 250.5, 400.0)]
    with precision():
        enumerated, summed = (
            way(menu, menu, menu) for way in (enumeration(model), sums_of(problem, model))
        )
        for (one, slopes), (other, others) in zip(enumerated, summed, strict=True):
            assert one.overlaps(other)
            assert float(other.rad()) < 1e-9
            # Points have no slopes; those of sums are the derivatives of what they average.
            assert all(x == 0 for x in slopes) or model.curves[0].concave <= 0
            assert all(x > 0 for x in others)


def stated_sums(problem: Problem, model: Model) -> tuple[fmpq, list[dict[str, Any]]]:
    high = 2.0 ** np.ceil(np.log2(float(arb(max(model.top))) * model.n))
    curves = zip((problem.accuracy, problem.model_value), model.curves, strict=False)
    return near(float(high)), [fitted(curve, exact, float(high)) for curve, exact in curves]


def sums_of(problem: Problem, model: Model) -> Views:
    return summation(model, *stated_sums(problem, model))


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("n_parties", [2, 8])
def test_slopes_of_sums_are_derivatives(beliefs: Any, n_parties: int) -> None:
    problem = Problem(n_parties, [0.5, 0.3, 0.2], [0.1, 0.05, 0.03], GeneralizationBound(),
                      ExponentialValuation(), beliefs)  # fmt: skip
    model = model_of(problem)
    with precision():
        views, step = sums_of(problem, model), fmpq(1, 2**40)
        menu = [fmpq(200), fmpq(250), fmpq(400)]
        here = views(menu, menu, menu)
        for k in range(3):
            moved = [x + step * (j == k) for j, x in enumerate(menu)]
            for (before, slopes), (after, _) in zip(here, views(moved, moved, moved), strict=True):
                change = float((after.mid() - before.mid()) / step)
                assert change == pytest.approx(float(slopes[k]), rel=1e-6)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("curve", [CURVES[0], CURVES[5], CURVES[6]], ids=name)
def test_planes_are_above_the_means_of_every_menu_in_the_box(curve: Curve, beliefs: Any) -> None:
    problem = Problem(4, [0.4, 0.6], [0.2, 0.05], curve, ExponentialValuation(100.0, 1.0), beliefs)
    model = model_of(problem)
    rng = np.random.default_rng(2)
    with precision():
        ways = [enumeration(model), sums_of(problem, model)]
        for _ in range(4):
            ends = np.sort(rng.uniform(0, 400, (2, 2)), axis=0)
            low, high = ([near(x) for x in row] for row in ends)
            at = [near(x) for x in rng.uniform(ends[0], ends[1]).tolist()]
            planes = [way(at, low, high) for way in ways]
            for _ in range(10):
                menu = [near(x) for x in rng.uniform(ends[0], ends[1]).tolist()]
                for view, (mean, _) in enumerate(ways[0](menu, menu, menu)):
                    for plane in planes:
                        value, gradient = plane[view]
                        rise = sum(g * (x - y) for g, x, y in zip(gradient, menu, at, strict=True))
                        assert not value + rise < mean


def test_the_distance_of_a_sum_is_not_understated() -> None:
    problem = Problem(4, [0.4, 0.6], [0.2, 0.05], GeneralizationBound())
    model = model_of(problem)
    curve = model.curves[0]
    with precision():
        high, (stated,) = stated_sums(problem, model)
        assert float(proved(curve, high, stated)[2]) < 1e-11
        first, *others = stated["weights"]
        worse = stated | {"weights": [str(rational(first) * 2), *others], "tangent": "1000"}
        weights, rates, error, *_ = proved(curve, high, worse)
        for x in np.geomspace(60.0, float(arb(high)), 50):
            terms = (w * (-u * x).exp() for w, u in zip(weights, rates, strict=True))
            assert abs(curve.limit - sum(terms) - curve.value(near(x))) <= error
        assert float(error) > 1e-6


def test_sums_that_are_none_are_refused() -> None:
    problem = Problem(4, [0.4, 0.6], [0.2, 0.05], GeneralizationBound())
    model = model_of(problem)
    with precision():
        high, (stated,) = stated_sums(problem, model)
        for changes, reason in (
            ({"tangent": "56"}, "tangents"),
            ({"tangent": "1"}, "tangents"),
            ({"weights": ["-1", *stated["weights"][1:]]}, ">= 0"),
            ({"rates": stated["rates"][1:]}, "entries"),
        ):
            with pytest.raises(RefusedError, match=reason):
                proved(model.curves[0], high, stated | changes)
        with pytest.raises(RefusedError, match="too short"):
            summation(model, fmpq(1000), [stated])
        views, menu = summation(model, high, [stated]), [high, high]
        with pytest.raises(RefusedError, match="too short"):
            views(menu, menu, menu)


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
    assert all(slack >= 0 for slack in found["menu"].values())
    assert not all(slack >= 0 for slack in found["others"][0].values())


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
    assert ("sums" in made["expectations"]) == (request.param == "sums")
    assert (made["bound"].get("at", "") is None) == (request.param == "one is left out")
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
    truth = rational(certificate["claims"]["menu"]["expected_accuracy"][0])
    for path in places(certificate["bound"]):
        for factor in ("0.5", "2"):
            changed = altered(certificate, ("bound", *path), factor)
            try:
                found = proof_checker.recomputed(changed)
            except RefusedError:
                continue
            assert not found["upper_bound"] < truth


@pytest.mark.parametrize(
    "field",
    [
        "bound",
        "claims",
        "curves",
        "expectations",
        "format",
        "made_with",
        "menu",
        "others",
        "problem",
        "sha256",
    ],
)
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
        tree = tree["above"]
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
    tree = changed["bound"]
    changed["bound"] = {"split": 0, "at": None, "below": tree, "above": tree}
    with pytest.raises(RefusedError, match="left out"):
        proof_checker.recomputed(changed)


@pytest.mark.parametrize("probabilities", [["1", "1"], ["0.5", "0.499"], ["0.5"], []])
def test_probabilities_that_are_no_distribution_are_refused(
    certificate: dict[str, Any], probabilities: list[str]
) -> None:
    changed = copy.deepcopy(certificate)
    changed["problem"]["probabilities"] = probabilities
    changed["sha256"] = proof_checker.digest(changed)
    with pytest.raises(RefusedError):
        check(changed)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("problem", "max_data"), "99"),
        (("problem", "max_data"), {"10": None, "5": None}),
        (("problem", "reservation_utilities"), {"85.0": 1, "88.0": 2}),
        (("menu", "left_out"), {}),
        (("claims", "menu", "expected_accuracy"), "01"),
        (("claims", "menu", "expected_accuracy"), {"0": 1, "1": 5}),
    ],
)
def test_texts_and_mappings_are_no_lists(
    certificate: dict[str, Any], place: tuple[str, ...], value: Any
) -> None:
    changed = copy.deepcopy(certificate)
    inner = changed
    for name in place[:-1]:
        inner = inner[name]
    assert isinstance(inner[place[-1]], list)
    inner[place[-1]] = value
    changed["sha256"] = proof_checker.digest(changed)
    with pytest.raises(RefusedError, match="its form"):
        check(changed)


def test_a_certificate_without_form_is_refused_in_words(certificate: dict[str, Any]) -> None:
    changed = copy.deepcopy(certificate) | {"curves": 3}
    changed["sha256"] = proof_checker.digest(changed)
    with pytest.raises(RefusedError, match=r"^its form \(TypeError\)$"):
        check(changed)


def test_a_type_that_may_be_left_out_has_to_be_decided_on() -> None:
    problem = Problem(4, [0.5, 0.5], [0.2, 0.1], GeneralizationBound(),
                      reservation_utilities=[60.0, 25.3])  # fmt: skip
    made = prove(solve(problem)).certificate
    changed = copy.deepcopy(made)
    tree = changed["bound"]
    assert (tree["split"], tree["at"]) == (0, None)
    changed["bound"] = tree["above"]
    with pytest.raises(RefusedError):
        proof_checker.recomputed(changed)


def test_the_checker_is_one_file_that_uses_nothing_of_the_library() -> None:
    allowed = {
        "__future__", "collections", "flint", "fractions", "functools", "hashlib", "itertools",
        "json", "math", "re", "sys", "typing",
    }  # fmt: skip
    source = Path(str(proof_checker.__file__)).read_text(encoding="utf-8")
    assert source.count("\n") <= 500
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [str(node.module)]
        else:
            continue
        assert {part.split(".")[0] for part in names} <= allowed


def test_alone_and_run_as_a_program_it_confirms_or_refuses(
    certificate: dict[str, Any], tmp_path: Path
) -> None:
    # A copy, so that nothing beside it can be used.
    copied = shutil.copy(str(proof_checker.__file__), tmp_path / "checker.py")
    for given, code, said in ((certificate, 0, "confirmed"),
                              (certificate | {"sha256": "0"}, 1, "sha256 does not fit"),
                              ({}, 1, "format must be")):  # fmt: skip
        run = subprocess.run([sys.executable, "-P", copied], input=json.dumps(given),
                             capture_output=True, text=True, check=False)  # fmt: skip
        assert run.returncode == code
        assert said in run.stdout + run.stderr
