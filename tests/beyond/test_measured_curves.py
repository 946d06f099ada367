"""Measured curves: what is accepted, fitted, said and refused; real curves by the thousand."""

import copy
import itertools
import pickle
import time
import warnings
from dataclasses import FrozenInstanceError
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from paid_with_models import Problem, Saturating, Status, solve
from paid_with_models.beyond.curve_forms import FORMS, fit_form
from paid_with_models.beyond.curve_gate import curve_from, gate
from paid_with_models.beyond.extrapolation import FACTORS, LEVELS, widening
from paid_with_models.beyond.lcdb import lcdb_curves, select_curves, typical_curve
from paid_with_models.beyond.measured_curves import fit_weights, learning_curve, rates_for
from paid_with_models.beyond.pilot import DESIGNS, cut_off, meet, pilot_problem

SIZES = np.array([50.0, 100, 200, 400, 800, 1600])
TRUE = Saturating((0.3, 0.4), (0.02, 0.002))


def rising(sizes=SIZES):
    return TRUE(sizes)


def kinds(fit, *, grave=True):
    return {finding.kind for finding in fit.findings if finding.grave or not grave}


# What is fitted


def test_a_curve_of_the_family_is_found_again():
    sizes = np.geomspace(10, 5000, 30)
    fit = learning_curve(sizes, TRUE(sizes))
    between = np.geomspace(12, 4800, 100)
    assert np.abs(fit(between) - TRUE(between)).max() < 1e-3
    assert fit.warnings == ()


@pytest.mark.parametrize("seed", range(8))
def test_fit_increases_and_bends_down_whatever_was_measured(seed):
    rng = np.random.default_rng(seed)
    sizes = np.sort(rng.uniform(1, 1e4, 12))
    fit = learning_curve(sizes, rng.permutation(np.linspace(0.3, 0.9, 12)) + np.sort(sizes) / 1e6)
    _, slope, bend = fit.curve.evaluate(np.geomspace(0.1, 1e5, 500))
    assert np.all(slope >= 0)
    assert np.all(bend <= 0)
    assert fit.curve.optimum <= 1


def test_no_curve_of_the_family_misses_less():
    accuracies = np.array([0.5, 0.62, 0.6, 0.71, 0.7, 0.74])
    fit = learning_curve(SIZES, accuracies)
    rates = rates_for(SIZES)
    design = -np.expm1(-np.outer(SIZES, rates))

    def missed(weights):
        return np.sum((design @ weights - accuracies) ** 2)

    start = np.full(rates.size, 0.7 / rates.size)
    other = minimize(missed, start, bounds=[(0, 1)] * rates.size, method="L-BFGS-B").fun
    assert np.sum(fit.misses**2) <= other + 1e-12


def test_accuracy_never_exceeds_one():
    fit = learning_curve([10, 20, 40, 80, 160], [0.6, 0.75, 0.9, 0.99, 1.0])
    assert float(fit(1e12)) <= 1 + 1e-12
    assert fit.band(1e6)[1] <= 1


def test_precise_points_count_more_than_vague_ones():
    accuracies = [0.5, 0.6, 0.8, 0.72, 0.76, 0.78]
    vague = [0.01, 0.01, 0.2, 0.01, 0.01, 0.01]
    equal, weighted = learning_curve(SIZES, accuracies), learning_curve(SIZES, accuracies, vague)
    assert abs(weighted(400.0) - 0.72) < abs(equal(400.0) - 0.72)


def test_repeats_are_averaged_and_give_errors():
    fit = learning_curve([500, 500, 500, 2000, 2000, 8000], [0.81, 0.79, 0.80, 0.86, 0.87, 0.90])
    assert fit.accuracies.tolist() == pytest.approx([0.80, 0.865, 0.90])
    assert fit.counts.tolist() == [3, 2, 1]
    # The size measured once varies as the others do, but is not averaged.
    assert fit.errors[2] > fit.errors[1] > fit.errors[0] * 0.5 > 0
    assert any("Repeats of 2 sizes were averaged" in finding.text for finding in fit.findings)


def test_order_does_not_matter():
    order = [3, 0, 5, 1, 4, 2]
    errors = np.linspace(0.01, 0.02, 6)
    one = learning_curve(SIZES, rising(), errors)
    other = learning_curve(SIZES[order], rising()[order], errors[order])
    assert one.curve == other.curve


def test_gaps_are_left_out():
    fit = learning_curve([*SIZES, 3200], [*rising(), np.nan])
    assert fit.curve == learning_curve(SIZES, rising()).curve
    assert "points" in kinds(fit, grave=False)


def test_no_data_is_the_baseline():
    fit = learning_curve([0, 100, 200, 400], [0.5, 0.6, 0.68, 0.72])
    assert fit.baseline == 0.5
    assert float(fit(0.0)) == 0.5
    assert fit.measured_range == (100, 400)


def test_models_below_the_baseline_are_worth_nothing():
    fit = learning_curve(SIZES, [0.4, 0.5, 0.6, 0.65, 0.68, 0.7], baseline=0.55)
    assert float(fit(0.0)) == 0.55
    assert "below" in kinds(fit, grave=False)
    contract = solve(Problem(3, [0.5, 0.5], [0.02, 0.01], fit.curve))
    handed = contract.problem.valuation.inverse(contract.rewards)
    assert np.all(fit.baseline + handed >= 0.55)


def test_percent_is_divided_by_100():
    share = learning_curve(SIZES, rising(), np.full(6, 0.01), baseline=0.1)
    percent = learning_curve(SIZES, 100 * rising(), np.full(6, 1.0), baseline=0.1, percent=True)
    assert np.allclose(share(SIZES), percent(SIZES), atol=1e-9)


def test_contract_with_a_fitted_curve_is_proved_optimal_without_enumeration():
    fit = learning_curve(SIZES, rising())
    contract = solve(Problem(10_000, [0.2, 0.3, 0.5], [0.05, 0.03, 0.02], fit.curve))
    assert contract.status is Status.OPTIMAL
    assert contract.gap < 1e-9


def test_results_are_read_only():
    fit = learning_curve(SIZES, rising())
    for name in ("sizes", "accuracies", "counts", "rates", "replicates"):
        assert not getattr(fit, name).flags.writeable
    with pytest.raises(FrozenInstanceError):
        fit.baseline = 0.3


def test_same_measurements_give_the_same_fit_and_band():
    one, other = (learning_curve(SIZES, rising() + 0.01 * (-1) ** np.arange(6)) for _ in range(2))
    assert one.curve == other.curve
    assert np.array_equal(one.replicates, other.replicates)


# What is said


def test_a_dip_is_answered_and_said_first():
    fit = learning_curve([60, 120, 240, 480, 960], [0.560, 0.611, 0.593, 0.652, 0.703])
    assert fit.findings[0].kind == "dips"
    assert "from 120 to 240 it falls from 0.611 to 0.593" in fit.warnings[0]


def test_a_dip_within_the_errors_is_none():
    accuracies, errors = [0.560, 0.611, 0.593, 0.652, 0.703], np.full(5, 0.02)
    assert "dips" not in kinds(learning_curve([60, 120, 240, 480, 960], accuracies, errors))


def test_flat_and_then_a_jump_is_no_learning_curve_that_a_proof_can_stand_on():
    fit = learning_curve([80, 160, 320, 640, 1300], [0.08, 0.08, 0.08, 0.08, 0.97])
    assert {"misses", "jump"} <= kinds(fit)
    assert fit.largest_miss > 0.2


def test_a_curve_that_falls_at_the_end_is_answered_and_said():
    fit = learning_curve(SIZES, [0.5, 0.6, 0.7, 0.75, 0.72, 0.68])
    assert "falls" in kinds(fit)


def test_a_flat_curve_is_said_to_be_flat():
    assert "flat" in kinds(learning_curve(SIZES, [0.7, 0.701, 0.699, 0.7, 0.702, 0.7]))


def test_a_curve_that_still_rises_is_said_to():
    assert "rising" in kinds(learning_curve([10, 20, 40], [0.2, 0.4, 0.6]), grave=False)


def test_a_missing_baseline_is_asked_for():
    assert "baseline" in kinds(learning_curve(SIZES, rising()), grave=False)
    assert "baseline" not in kinds(learning_curve(SIZES, rising(), baseline=0.1), grave=False)


# What is refused


@pytest.mark.parametrize(
    ("sizes", "accuracies", "options", "message"),
    [
        (SIZES, 100 * rising(), {}, "look like percent"),
        (SIZES, rising(), {"percent": True}, "all are at most 1"),
        (SIZES, 1 - rising(), {}, "An error rate"),
        (SIZES, [2.3, 1.8, 1.2, 0.9, 0.7, 0.6], {}, "look like a loss"),
        (SIZES, -rising(), {}, "must not be negative"),
        (SIZES, 1000 * rising(), {}, r"must lie in \[0, 1\]"),
        (SIZES[:5], rising(), {}, "same length"),
        ([100, 100, 200], [0.5, 0.6, 0.7], {}, "3 different amounts"),
        ([-1, 100, 200], [0.5, 0.6, 0.7], {}, "sizes must be 0, or from"),
        ([1, 2, np.inf], [0.5, 0.6, 0.7], {}, "sizes must be 0, or from"),
        ([1, 2, np.nan], [0.5, 0.6, 0.7], {}, "sizes must be 0, or from"),
        ([1, 2, 3], [np.nan] * 3, {}, "all are missing"),
        ([], [], {}, "not empty"),
        ([1, 2, 3], [0, 0, 0], {}, "exceed the baseline"),
        (SIZES, rising(), {"baseline": 0.9}, "exceed the baseline"),
        (SIZES, rising(), {"baseline": 50}, "baseline must be a share"),
        (SIZES, rising(), {"baseline": "0.5"}, "baseline must be a number"),
        (SIZES, rising(), {"errors": np.full(6, -0.1)}, "errors must lie in"),
        (SIZES, rising(), {"errors": np.full(6, 2.0)}, "in the unit of accuracies"),
        (SIZES, rising(), {"replicates": 1}, "replicates must be an integer >= 2; got 1"),
        (SIZES, rising(), {"replicates": 2.5}, "replicates must be an integer; got 2.5"),
        (SIZES, rising(), {"replicates": 10**9}, "replicates must be at most 10,000"),
        (SIZES, rising(), {"seed": 1.5}, "seed must be an integer; got 1.5"),
        (SIZES, rising(), {"seed": -1}, "seed must be an integer >= 0; got -1"),
        (SIZES, rising(), {"percent": "no"}, "percent must be True or False; got 'no'"),
        ((n for n in SIZES), rising(), {}, "sizes must be a list, not empty; got a generator"),
        (SIZES, rising().astype(complex), {}, "complex numbers"),
        (SIZES, rising() > 0.3, {}, "truth values"),
        (SIZES, [str(a) for a in rising()], {}, "text"),
        ([1, 2, 2**70], [0.5, 0.6, 0.7], {}, r"from 1e-09 to 1e\+15; got 1.18059e\+21"),
        ([1, 2, 10**400], [0.5, 0.6, 0.7], {}, "sizes must be numbers; got .*1000"),
        ([1, 2, None], [0.5, 0.6, 0.7], {}, "sizes must be 0, or from"),
        ([1, 2, 3], [None] * 3, {}, "all are missing"),
        ([1, 2, 3], [0.5, {}, 0.7], {}, r"accuracies must be numbers; got \[0.5, {}, 0.7\]"),
        ([1, 2, 3], [0.5, "a", 0.7], {}, "accuracies must be real numbers; got text"),
        (SIZES, np.ma.masked_less(rising(), 0.3), {}, "masked"),
        (np.array(["2024-05-01"] * 6, dtype="datetime64[D]"), rising(), {}, "dates"),
        ([[1, 2, 3]], [[0.1, 0.2, 0.3]], {}, "must be a list"),
        (np.ones(200_000), np.ones(200_000), {}, "at most 100,000"),
    ],
)
def test_what_is_no_learning_curve_is_refused_with_the_reason(sizes, accuracies, options, message):
    with pytest.raises(ValueError, match=message):
        learning_curve(sizes, accuracies, **options)


def test_numbers_of_python_and_of_pandas_are_numbers():
    plain = learning_curve([500, 2000, 8000], [0.80, 0.865, 0.90])
    for sizes, accuracies in (
        ([500, 2000, 8000], [Decimal("0.80"), Decimal("0.865"), Decimal("0.90")]),
        ([500, 2000, 8000], [Fraction(4, 5), 0.865, 0.9]),
        ([500, 900, 2000, 8000], [0.8, None, 0.865, 0.9]),
        ([500, 900, 2000, 8000], pd.array([0.8, None, 0.865, 0.9], dtype="Float64")),
        (pd.array([500, 2000, 8000], dtype="Int64"), pd.Series([0.8, 0.865, 0.9])),
    ):
        fit = learning_curve(sizes, accuracies)
        assert fit.sizes.tolist() == plain.sizes.tolist()
        assert fit.accuracies.tolist() == plain.accuracies.tolist()
    with_gap = learning_curve([500, 2000, 8000], [0.80, 0.865, 0.90], [None, 0.01, 0.01])
    assert "Points without an error have the median one." in [it.text for it in with_gap.findings]


@pytest.mark.parametrize("count", [10_000, 100_000])
def test_very_many_sizes_are_taken_together(count):
    sizes = np.arange(count)
    truth = Saturating((0.5, 0.3), (30 / count, 2 / count))
    noise = 0.05 * np.random.default_rng(1).normal(size=count)
    fit = learning_curve(sizes, np.clip(0.1 + truth(sizes) + noise, 0, 1), np.full(count, 0.05))
    assert fit.sizes.size <= 1000
    assert (fit.baseline, fit.sizes[0]) == (pytest.approx(0.1, abs=0.2), 0)
    assert fit.counts.sum() == count
    grid = np.geomspace(count / 100, count, 20)
    np.testing.assert_allclose(fit(grid), 0.1 + truth(grid), atol=0.02)
    np.testing.assert_allclose(fit.errors, 0.05 / np.sqrt(fit.counts))
    assert any("taken together" in it.text for it in fit.findings)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda fit: fit.band(3, "a"), "level must be a number; got 'a'"),
        (lambda fit: fit.band("3"), "data must be numbers; got '3'"),
        (lambda fit: fit.edges(0.9, "x"), "beyond must be a number; got 'x'"),
        (lambda fit: fit.inside("a"), "data must be numbers; got 'a'"),
    ],
)
def test_arguments_of_a_fit_are_named(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(learning_curve(SIZES, rising()))


def test_amounts_that_may_be_shares_are_remarked():
    assert "unit" in kinds(learning_curve([0.1, 0.5, 1.0], [0.8, 0.865, 0.9]), grave=False)
    assert "unit" not in kinds(learning_curve([0.1, 0.5, 2.0], [0.8, 0.865, 0.9]), grave=False)


def test_an_object_whose_conversion_fails_is_refused_by_name():
    class Odd:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no")

    with pytest.raises(ValueError, match="sizes must be numbers; got Odd"):
        learning_curve(Odd(), rising())


# The band


def test_band_holds_the_fit_and_widens_outside():
    fit = learning_curve(SIZES, rising() + 0.005 * (-1) ** np.arange(6), baseline=0.05)
    data = np.array([25.0, 50, 400, 1600, 3200, 6400, 12800])
    low, high = fit.band(data)
    assert np.all((low <= fit(data)) & (fit(data) <= high))
    assert np.all(np.diff((high - low)[3:]) > 0)
    wider = fit.band(data, 0.95)
    assert np.all((wider[0] <= low + 1e-12) & (wider[1] >= high - 1e-12))


def test_band_inside_holds_the_truth_about_as_often_as_it_says():
    rng, held = np.random.default_rng(5), []
    sizes = np.geomspace(20, 5000, 12)
    for _ in range(60):
        fit = learning_curve(sizes, TRUE(sizes) + 0.01 * rng.standard_normal(12), np.full(12, 0.01))
        low, high = fit.band([100.0, 1000.0])
        held += ((low <= TRUE([100.0, 1000.0])) & (TRUE([100.0, 1000.0]) <= high)).tolist()
    assert 0.8 < np.mean(held) <= 1


@pytest.mark.parametrize("beyond", [0.5, 0, np.inf, np.nan])
def test_edges_enclose_at_least_what_was_measured(beyond):
    with pytest.raises(ValueError, match="beyond must be >= 1"):
        learning_curve(SIZES, rising()).edges(beyond=beyond)


@pytest.mark.parametrize("level", [0, 1, -0.1, 1.5, np.nan])
def test_band_of_no_level_is_refused(level):
    fit = learning_curve(SIZES, rising())
    with pytest.raises(ValueError, match="level must lie in"):
        fit.band(100.0, level)


def test_edges_enclose_the_band():
    fit = learning_curve(SIZES, rising() + 0.005 * (-1) ** np.arange(6), baseline=0.05)
    data = np.geomspace(50, 6400, 40)
    low, high = fit.edges()
    band = fit.band(data)
    assert np.all(fit.baseline + low(data) <= band[0] + 1e-3)
    assert np.all(fit.baseline + high(data) >= band[1] - 1e-3)


def test_widening_is_none_inside_and_grows_outside():
    down, up = widening(np.geomspace(100, 6400, 13), (10.0, 100.0), 0.9, warned=False)
    assert down[0] == up[0] == 0
    assert np.all(np.diff(down) >= 0)
    assert down[-1] > 0
    for levels in itertools.pairwise(LEVELS):
        one, two = (widening(np.array([400.0]), (10.0, 100.0), x, warned=True) for x in levels)
        assert one[0] <= two[0] + 0.02
    assert FACTORS == (2, 4, 8)


# Other forms


@pytest.mark.parametrize("form", FORMS)
def test_each_form_finds_its_own_kind_again(form):
    sizes = np.geomspace(10, 5000, 25)
    phi = {
        "pow3": sizes**-0.5,
        "pow4": (sizes + 30.0) ** -0.5,
        "mmf": 1 / (1 + (sizes / 80) ** 0.9),
        "exp3": np.exp(-sizes / 300),
    }[form]
    measured = 0.93 - 0.5 * phi
    assert np.abs(fit_form(form, sizes, measured)(sizes) - measured).max() < 2e-3


def test_forms_keep_to_accuracies():
    fit = fit_form("pow3", [10, 20, 40], [0.5, 0.75, 0.99])
    assert fit.optimum <= 1
    assert fit(1.0) >= 0


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="form must be one of"):
        fit_form("pow5", SIZES, rising())
    with pytest.raises(ValueError, match="positive"):
        fit_form("pow3", [0, 1, 2], [0.1, 0.2, 0.3])


# Real curves


def test_real_curves_are_all_there_and_read_only():
    curves = lcdb_curves()
    assert len(curves) == 4367
    assert sum(c.sizes.size >= 8 for c in curves) == 4187
    assert len({c.dataset for c in curves}) == 248
    assert len({c.learner for c in curves}) == 20
    assert sum(c.majority < 1 for c in curves) > 3000
    assert not curves[0].accuracies.flags.writeable
    assert all(np.all(np.diff(c.sizes) > 0) for c in curves)


def test_real_curves_are_answered_closely_and_quickly_or_flagged():
    errors, times, refused = [], [], 0
    chosen = select_curves()[::9]
    for curve in chosen:
        began = time.process_time()
        try:
            fit = learning_curve(curve.sizes, curve.accuracies, curve.errors)
        except ValueError:
            refused += 1
            continue
        times.append(time.process_time() - began)
        errors.append(fit.fit_error)
        assert fit.fit_error <= 0.03 or fit.warnings
    assert refused <= 0.01 * len(chosen)
    assert np.median(errors) <= 0.005
    assert np.quantile(errors, 0.95) <= 0.03
    assert np.median(times) <= 0.05


def test_curves_are_chosen_by_task():
    found = select_curves(learner="sklearn.svm.svc_RBF", classes=(2, 2), instances=(1000, 5000))
    assert {c.learner for c in found} == {"SVC_rbf"}
    assert all(c.classes == 2 and 1000 <= c.instances <= 5000 for c in found)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"dataset": "no such"}, "dataset must be an OpenML id or a name"),
        ({"dataset": "lettr"}, "did you mean letter"),
        ({"dataset": ""}, "dataset must be"),
        ({"learner": "RandomForest"}, "learner must be one of"),
    ],
)
def test_what_was_not_measured_is_refused_with_what_was(asked, message):
    with pytest.raises(ValueError, match=message):
        select_curves(**asked)


def test_typical_curve_is_the_median_over_data_sets():
    curves = select_curves(learner="KNeighborsClassifier", classes=(2, 2))
    fit = typical_curve(curves, 0.6)
    gains = []
    for c in curves:
        if c.majority < 1 and c.sizes[-1] >= 512:
            share = np.maximum((c.accuracies - c.majority) / (1 - c.majority), 0)
            weights = fit_weights(c.sizes, share, fit.rates, 1.0)
            gains.append(-np.expm1(-512 * fit.rates) @ weights)
    assert abs(float(fit(512.0)) - (0.6 + 0.4 * np.median(gains))) < 0.03
    low, high = fit.band(512.0)
    assert np.quantile(gains, 0.05) * 0.4 + 0.6 == pytest.approx(float(low), abs=0.05)
    assert fit.findings[0].kind == "elsewhere"
    assert high <= 1


def test_too_few_data_sets_have_no_median():
    with pytest.raises(ValueError, match="5 data sets or more"):
        typical_curve(select_curves(dataset="letter"), 0.1)


# Pilots


def test_robust_contracts_keep_their_promises_across_the_band():
    fit = learning_curve(SIZES, rising() + 0.004 * (-1) ** np.arange(6), baseline=0.05)
    parts = 4, [0.5, 0.5], [0.05, 0.02]
    robust = solve(pilot_problem(fit, *parts, design="robust"))
    fitted = solve(pilot_problem(fit, *parts))
    worlds = [solve(Problem(*parts, edge)) for edge in fit.edges()]
    kept = [meet(robust, world) for world in worlds]
    assert min(m.ir_slacks.min() for m in kept) > -1e-6
    assert kept[0].cap_slacks.min() > -1e-6
    broken = [meet(fitted, world) for world in worlds]
    assert min(min(m.ir_slacks.min(), m.cap_slacks.min()) for m in broken) < -0.1


@pytest.mark.parametrize("design", DESIGNS)
def test_every_design_can_be_solved(design):
    fit = learning_curve(SIZES, rising(), baseline=0.05)
    assert solve(pilot_problem(fit, 3, [0.5, 0.5], [0.05, 0.02], design=design)).gap < 1e-6


def test_an_unknown_design_is_refused():
    with pytest.raises(ValueError, match="design must be 'fitted', 'average' or 'robust'; got"):
        pilot_problem(learning_curve(SIZES, rising()), 3, [1.0], [0.05], design="hopeful")
    with pytest.raises(ValueError, match="fit must be a LearningCurve, as learning_curve returns"):
        pilot_problem(None, 3, [1.0], [0.05])


def test_pilots_keep_sizes_up_to_a_share_of_the_largest():
    sizes = 16.0 * 2.0 ** np.arange(8)
    assert cut_off(sizes, 4.0).sum() == 6
    assert cut_off(sizes, 4.0, side="before").tolist() == [False] * 2 + [True] * 6
    assert cut_off(sizes, 32.0) is None


# The gate


def test_gate_is_open_where_the_menu_stays_within_what_was_measured():
    sizes = np.geomspace(5, 20_000, 20)
    fit = learning_curve(sizes, TRUE(sizes), np.full(20, 0.002), baseline=0.01)
    found = gate(solve(Problem(4, [0.5, 0.5], [0.05, 0.02], fit.curve)), fit)
    assert found.open
    assert found.inside > 0.95
    assert found.lowest <= found.accuracy <= found.highest
    assert "speaks of the optimization" in found.lines[0]


def test_gate_is_closed_where_the_fit_misses_or_the_menu_leaves_the_measured_sizes():
    fit = learning_curve([80, 160, 320, 640, 1300], [0.08, 0.08, 0.08, 0.08, 0.97])
    found = gate(solve(Problem(3, [0.5, 0.5], [0.05, 0.02], fit.curve)), fit, names=["A", "B"])
    assert not found.open
    assert any("misses" in line for line in found.lines)
    beyond = learning_curve([5, 10, 20, 40], TRUE([5.0, 10, 20, 40]), baseline=0.01)
    found = gate(
        solve(Problem(3, [0.5, 0.5], [0.05, 0.02], beyond.curve)), beyond, names=["A", "B"]
    )
    assert not found.open
    assert found.above > 0.9
    assert any("more than the largest size measured" in line for line in found.lines)
    assert any("A" in line and "band" in line for line in found.lines)


def test_gate_is_closed_where_types_alone_would_use_less_than_was_measured():
    sizes = np.geomspace(500, 20_000, 12)
    fit = learning_curve(sizes, TRUE(sizes), np.full(12, 0.002), baseline=0.01)
    found = gate(solve(Problem(4, [0.5, 0.5], [0.5, 0.2], fit.curve)), fit)
    assert any("less than the smallest size measured" in line for line in found.lines)
    assert not found.open


def test_gate_takes_only_contracts_of_its_own_curve():
    fit = learning_curve(SIZES, rising())
    with pytest.raises(ValueError, match="curve of the fit"):
        gate(solve(Problem(3, [1.0], [0.05], TRUE)), fit)


# Consortium files


def test_a_consortium_file_names_measurements(tmp_path):
    (tmp_path / "a.csv").write_text("n;acc %\n50;41,5\n100;50\n200;58,2\n")
    stated = {"measured": "a.csv", "percent": True, "baseline": 0.3}
    fit = curve_from(stated, tmp_path)
    assert fit.accuracies.tolist() == pytest.approx([0.415, 0.5, 0.582])
    assert fit.baseline == 0.3
    assert any("column 'n'" in finding.text for finding in fit.findings)


def test_a_consortium_file_names_what_its_task_is_like(tmp_path):
    one = curve_from({"like": {"dataset": 6, "learner": "SVC_rbf"}, "baseline": 0.1}, tmp_path)
    many = curve_from({"like": {"learner": "SVC_rbf", "classes": 2}, "baseline": 0.6}, tmp_path)
    assert one.findings[0].kind == many.findings[0].kind == "elsewhere"
    assert (one.baseline, many.baseline) == (0.1, 0.6)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"like": {"learner": "SVC_rbf", "classes": 2}}, "baseline must be stated"),
        ({"like": {"dataset": 6}, "percent": True}, "percent does not go with like"),
        ({"like": {"sizes": 6}}, "like.sizes is not known"),
        ({"like": {"classes": [3, 2]}, "baseline": 0.5}, "like.classes must be"),
        ({"like": {"classes": [999, 1000]}, "baseline": 0.5}, "leaves none"),
        ({"measured": "a.csv", "learner": "x"}, "learner does not go with measured"),
    ],
)
def test_what_a_consortium_file_states_wrongly_is_refused(tmp_path, stated, message):
    with pytest.raises(ValueError, match=message):
        curve_from(stated, tmp_path)


def test_bytes_are_no_measurements_and_endless_data_have_a_band():
    for given in (b"abcdef", bytearray(b"abcdef"), memoryview(b"abcdef")):
        with pytest.raises(ValueError, match="sizes must be numbers; got"):
            learning_curve(given, [0.42, 0.55, 0.66, 0.74, 0.79, 0.82])
    fit = learning_curve(SIZES, rising())
    with warnings.catch_warnings(action="error"):
        low, high = fit.band(np.inf)
    assert low <= high <= 1


def test_a_fit_is_read_only_also_from_a_pickle():
    fit = learning_curve(SIZES, rising())
    for it in (fit, pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):  # noqa: S301
        for name in ("sizes", "accuracies", "rates", "replicates"):
            assert not getattr(it, name).flags.writeable
