"""What explorables compute beside the menu, against the library, and its translation against it."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import paid_with_models
from paid_with_models import (
    GeneralizationBound,
    Problem,
    audit,
    best_reply,
    solve,
    solve_complete_information,
)
from paid_with_models.beyond import findings, measured_curves
from paid_with_models.beyond import points as library_points
from paid_with_models.beyond.behavior import logit_behavior
from paid_with_models.beyond.lcdb import select_curves
from paid_with_models.beyond.measured_curves import learning_curve
from paid_with_models.beyond.points import collect_points
from paid_with_models.small import (
    answer,
    design,
    exponential_curve,
    generalization_bound,
    measured_points,
    point_fit,
)
from paid_with_models.small.by_hand import as_it_is, chance_of_less, checked, with_margin
from paid_with_models.small.crowd import crowd, crowd_accuracy
from paid_with_models.small.measured_points import doubts, falls_all_along, pool
from paid_with_models.small.point_fit import fit_points, fitted
from paid_with_models.small.replies import best_reply as small_best_reply
from paid_with_models.small.replies import can_be_asked, seen, seen_total, without_incentives
from pwm_companion.consortium.file import example, read_consortium
from pwm_companion.explorables.directive import OWN, sources
from pwm_companion.explorables.to_javascript import SMALL_SOLVER, translate

HOME = Path(paid_with_models.__file__).parent
CURVE = generalization_bound(1.0, 1.0)
VALUE = 100.0
NODE = shutil.which("node")


def printed(script):
    """What a script prints, as JSON."""
    done = subprocess.run([NODE, "-"], input=script, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def run(script):
    """What JavaScript prints that has the translated mathematics."""
    return printed(translate(SMALL_SOLVER, sources(HOME)) + script)


def setting(costs, n=8, seed=0):
    """The same random problem for the library and in the small form, costliest type first."""
    p = np.random.default_rng(seed).dirichlet(np.full(len(costs), 3.0)).tolist()
    problem = Problem(n, p, costs, GeneralizationBound())
    return problem, design(n, p, costs, [], VALUE, CURVE, False).search.selections[0].scheme


@pytest.mark.parametrize("cost", [0.02, 0.1, 0.4, 1.5, 40.0])
def test_best_replies_are_those_of_the_library(cost):
    problem = Problem(2, [1.0], [cost], GeneralizationBound())
    for others in (0.0, 30.0, 60.0, 92.0, 400.0, 1e4):
        expected = best_reply(problem, cost, others)
        found = small_best_reply(CURVE, cost / VALUE, others)
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-6)


def test_types_that_are_seen_can_be_asked_for_what_the_library_finds():
    problem, scheme = setting([0.2, 0.1, 0.05])
    found = seen(as_it_is(scheme), scheme.cost, scheme.outside)
    assert found.accuracy == pytest.approx(
        solve_complete_information(problem).expected_accuracy, abs=1e-10
    )


@pytest.mark.parametrize("counts", [[4.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
def test_no_more_than_the_most_can_be_asked(counts):
    costs, outside = [0.009, 0.004], [0.0, 0.0]
    most = seen_total(CURVE, counts, costs, outside)
    asked = can_be_asked(CURVE, most, counts, costs, outside)
    assert asked == pytest.approx(most, rel=1e-9, abs=1e-9)
    for more in np.geomspace(max(most, 1.0) * 1.0001, 1e6, 200):
        assert can_be_asked(CURVE, float(more), counts, costs, outside) < more


def test_without_incentive_constraints_no_menu_asks_more_of_anybody():
    problem, scheme = setting([0.3, 0.15, 0.06], n=6)
    law = as_it_is(scheme)
    m = np.array(without_incentives(law, scheme.cost, scheme.outside))
    caps = np.array(checked(law, scheme.cost, scheme.outside, m.tolist(), [0.0] * 3).caps)
    np.testing.assert_allclose(caps, scheme.outside + scheme.cost * m, rtol=1e-9)
    # Any menu that keeps IR and caps lies below, wherever one starts to look for it.
    rng = np.random.default_rng(1)
    kept = 0
    for _ in range(300):
        other = m * rng.uniform(0.3, 1.5, 3)
        rewards = np.array(scheme.outside) + np.array(scheme.cost) * other
        held = checked(law, scheme.cost, scheme.outside, other.tolist(), rewards.tolist())
        if min(held.insolvent) >= 0:
            kept += 1
            assert np.all(other <= m * (1 + 1e-9))
    assert kept > 20
    assert checked(law, scheme.cost, scheme.outside, m.tolist(), caps.tolist()).accuracy > (
        solve(problem).expected_accuracy
    )


def test_a_menu_made_by_hand_is_checked_as_audit_checks_it():
    problem, scheme = setting([0.2, 0.1, 0.05])
    rng = np.random.default_rng(2)
    broken = 0
    for _ in range(20):
        m, t = np.sort(rng.uniform(0, 800, 3)), np.sort(rng.uniform(0, 95, 3))
        there = audit(problem, m, t)
        here = checked(
            as_it_is(scheme), scheme.cost, scheme.outside, m.tolist(), (t / VALUE).tolist()
        )
        assert here.accuracy == pytest.approx(there.expected_accuracy, abs=1e-11)
        np.testing.assert_allclose(
            VALUE * np.array(here.individual_rationality), there.individual_rationality, atol=1e-8
        )
        np.testing.assert_allclose(VALUE * np.array(here.insolvent), there.caps, atol=1e-8)
        np.testing.assert_allclose(VALUE * np.array(here.deviation_gain), there.deviation_gain)
        assert here.best_option == there.best_option.tolist()
        broken += not there.satisfied
    assert broken > 0


def test_the_risk_of_a_promise_is_that_of_the_outcomes():
    problem, scheme = setting([0.5, 0.03], n=5)
    law, m = as_it_is(scheme), [80.0, 900.0]
    # Someone of type 2 is there; the rest are independent draws.
    p = problem.probabilities
    rng = np.random.default_rng(3)
    counts = rng.multinomial(5, p, 200_000)
    counts = counts[counts[:, 1] > 0]
    models = problem.accuracy(counts @ m)
    for promise in (0.3, 0.6, 0.75):
        exact = chance_of_less(law, m, 1, promise)
        assert np.mean(models < promise) == pytest.approx(exact, abs=0.006)
    assert chance_of_less(law, m, 1, 0.0) == 0.0


@pytest.mark.parametrize("rationality", [0.0, 0.3, 5.0])
def test_a_crowd_chooses_and_trains_as_in_the_library(rationality):
    problem, scheme = setting([0.2, 0.05], n=6)
    m, t = [200.0, 700.0], [60.0, 80.0]
    there = logit_behavior(problem, m, t, rationality)
    here = crowd(
        scheme.p, scheme.cost, scheme.outside, m, [x / VALUE for x in t], rationality * VALUE
    )
    np.testing.assert_allclose(here.choices, there.choices, atol=1e-12)
    found = crowd_accuracy(CURVE, 6, here.odds, m)
    assert found == pytest.approx(there.expected_accuracy, abs=1e-12)


def test_a_menu_with_a_margin_keeps_it():
    problem, scheme = setting([0.2, 0.1, 0.05])
    margin = 4.0
    best = solve(problem)
    m, t = with_margin(
        as_it_is(scheme), scheme.cost, scheme.outside, best.contributions.tolist(), margin / VALUE
    )
    held = audit(problem, m, VALUE * np.array(t))
    assert held.individual_rationality.min() >= margin - 1e-6
    assert held.caps.min() >= -1e-9
    compatibility = held.incentive_compatibility
    apart = np.abs(np.subtract.outer(m, m)) > 1e-6
    assert compatibility[apart].min() >= margin - 1e-6 if apart.any() else True
    assert 0 < held.expected_accuracy < best.expected_accuracy


def measured():
    """Points of 100 random curves, some of few points or with repeats, and of 100 real ones."""
    rng = np.random.default_rng(7)
    for trial in range(100):
        sizes = np.sort(rng.choice(np.arange(5, 3000), rng.integers(3, 60), replace=False)) * 1.0
        if trial % 3 == 0:
            sizes = rng.permutation(np.append(sizes, rng.choice(sizes, rng.integers(1, 9))))
        fall = rng.uniform(1, 4) * sizes ** -rng.uniform(0.3, 0.7)
        noisy = rng.uniform(0.8, 1.05) - fall + rng.normal(0, 0.01, sizes.size)
        yield sizes, np.clip(noisy, 0, 1)
    curves = select_curves()
    for k in rng.choice(len(curves), 100, replace=False).tolist():
        yield curves[k].sizes, curves[k].accuracies


def test_the_fits_have_the_same_constants():
    for name in ("SLOWEST", "FASTEST", "RIDGE"):
        assert getattr(point_fit, name) == getattr(measured_curves, name)
    assert (point_fit.FIT_RATES, point_fit.USED) == (
        measured_curves.RATES, measured_curves.NEGLIGIBLE,
    )  # fmt: skip
    for name in ("FALL", "ORDER"):
        assert getattr(measured_points, name) == getattr(library_points, name)
    for name in ("MISS", "DIP", "JUMP", "FLAT", "LITTLE"):
        assert getattr(measured_points, name) == getattr(findings, name)


def run_points(script):
    """What JavaScript prints that has the translated fit."""
    function, modules = OWN["design"]
    return printed(translate(function, sources(HOME, modules)) + script)


def curve_of(weights, rates, data):
    return -np.expm1(-np.outer(data, rates)) @ np.array(weights)


def test_points_are_fitted_as_the_library_fits_them():
    """In the page too, inside and far outside the measured sizes, and with the same doubts."""
    points = list(measured())
    call = json.dumps([[n.tolist(), a.tolist()] for n, a in points])
    script = f"""
      const M = pointsModule();
      console.log(JSON.stringify({call}.map((it) => {{
        const pooled = M.pool(...it);
        const fit = M.fit_points(pooled.sizes, pooled.accuracies, pooled.units);
        return [fit.weights, fit.rates, M.doubts(pooled, fit)];
      }})));
    """
    in_page = [None] * len(points) if NODE is None else run_points(script)
    at_most_one, seen_doubts = 0, set()
    for (sizes, accuracies), page in zip(points, in_page, strict=True):
        there = learning_curve(sizes, accuracies, replicates=2)
        pooled = pool(sizes.tolist(), accuracies.tolist())
        assert pooled.sizes == there.sizes.tolist()
        assert pooled.ordered == bool(np.all(np.diff(sizes) >= 0))
        assert pooled.repeated == int(np.sum(there.counts > 1))
        np.testing.assert_allclose(pooled.accuracies, there.accuracies, rtol=1e-14)
        if there.errors is not None:
            np.testing.assert_allclose(pooled.errors, there.errors, rtol=1e-12)
        fit = fit_points(pooled.sizes, pooled.accuracies, pooled.units)
        assert min(fit.weights) > 0
        assert sum(fit.weights) <= 1 + 1e-12
        at_most_one += sum(fit.weights) > 1 - 1e-9
        data = np.geomspace(sizes.min() / 100, 1000 * sizes.max(), 200)
        np.testing.assert_allclose(curve_of(fit.weights, fit.rates, data), there(data), atol=1e-6)
        assert fitted(fit, float(data[50])) == pytest.approx(there(data[50]), abs=1e-6)
        found = doubts(pooled, fit)
        kinds = {
            "misses": found.missed > 0, "falls": found.falls >= 0, "flat": found.flat,
            "jump": found.jump >= 0, "dips": found.dips > 0,
        }  # fmt: skip
        grave = {it.kind for it in there.findings if it.grave}
        assert {kind for kind, so in kinds.items() if so} == grave
        seen_doubts |= grave
        if page is not None:
            np.testing.assert_allclose(curve_of(*page[:2], data), there(data), atol=1e-6)
            assert page[2] == vars(found)
    assert 10 < at_most_one < 190  # both ways of fitting are met
    assert {"misses", "falls", "dips"} <= seen_doubts


@pytest.mark.parametrize("size", range(1, 8))
def test_points_that_fall_all_along_are_no_learning_curve(size):
    rng = np.random.default_rng(size)
    for _ in range(40):
        sizes = np.geomspace(10, 1000, size + 2)
        accuracies = np.clip(0.7 - rng.uniform(-0.2, 0.3) * np.log10(sizes / 10), 0, 1)
        accuracies = np.clip(accuracies + rng.normal(0, 0.02, sizes.size), 0, 1)
        try:
            collect_points(sizes, accuracies)
            refused = False
        except ValueError:
            refused = True
        assert falls_all_along(pool(sizes.tolist(), accuracies.tolist())) is refused


def test_the_page_says_of_the_hospitals_what_their_report_says():
    consortium = read_consortium(example("hospitals.yaml"))
    problem = consortium.problem
    points = pool(consortium.fit.sizes.tolist(), consortium.fit.accuracies.tolist())
    fit = fit_points(points.sizes, points.accuracies, points.units)
    curve = exponential_curve(0.0, fit.rates, fit.weights)
    work = design(
        problem.n_parties, problem.probabilities.tolist(), problem.costs.tolist(), [],
        float(problem.valuation(1.0)), curve, False,
    )  # fmt: skip
    here, there = answer(work), solve(problem)
    assert here.accuracy == pytest.approx(there.expected_accuracy, abs=1e-8)
    np.testing.assert_allclose(here.contributions, there.contributions, rtol=1e-4)


@pytest.mark.skipif(NODE is None, reason="left out: no Node on this machine to run JavaScript")
def test_the_translation_agrees_with_the_python():
    _, scheme = setting([0.2, 0.1, 0.05])
    law, m, t = as_it_is(scheme), [150.0, 300.0, 600.0], [0.6, 0.7, 0.75]
    held = checked(law, scheme.cost, scheme.outside, m, t)
    expected = {
        "reply": small_best_reply(CURVE, 0.001, 50.0),
        "most": seen_total(CURVE, [2.0, 2.0], [0.002, 0.001], [0.0, 0.0]),
        "seen": seen(law, scheme.cost, scheme.outside).accuracy,
        "honest": without_incentives(law, scheme.cost, scheme.outside),
        "accuracy": held.accuracy,
        "gains": held.deviation_gain,
        "to": held.best_option,
        "odds": crowd(scheme.p, scheme.cost, scheme.outside, m, t, 30.0).odds,
    }
    call = {"p": scheme.p, "c": scheme.cost, "m": m, "t": t}
    script = f"""
      const C = contractModule(), {{p, c, m, t}} = {json.dumps(call)};
      const curve = C.generalization_bound(1, 1), none = [0, 0], two = [0.002, 0.001];
      const scheme = C.design(8, p, c, [], 1, curve, false).search.selections[0].scheme;
      const f = scheme.outside, law = C.as_it_is(scheme), held = C.checked(law, c, f, m, t);
      console.log(JSON.stringify({{
        reply: C.best_reply(curve, 0.001, 50), most: C.seen_total(curve, [2, 2], two, none),
        seen: C.seen(law, c, f).accuracy, honest: C.without_incentives(law, c, f),
        accuracy: held.accuracy, gains: held.deviation_gain, to: held.best_option,
        odds: C.crowd(p, c, f, m, t, 30).odds,
      }}));
    """
    found = run(script)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, err_msg=name)
