"""Properties that hold for every problem, tried on random ones.

50 examples of each, ``HYPOTHESIS_PROFILE=properties`` (CI) tries 100, about a minute of
processor time, ``short`` 20, ``long`` (``make test-long``) 5,000. Problems are drawn by one
strategy: all curves, valuations and beliefs, 1 to 8 types, 1 to 60 parties, costs over four
decades, equal and nearly equal types, probabilities down to 1e-6. Where outcomes are too many to
enumerate quickly, exponential sums stand in; curves that have none are drawn with fewer outcomes.
"""

import dataclasses
import os
from importlib import import_module
from unittest.mock import patch

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from paid_with_models import (
    Arctan,
    GeneralizationBound,
    ModelValue,
    PowerLaw,
    Problem,
    Saturating,
    Shape,
    Status,
    audit,
    autarky,
    least_utilities,
    menu_residuals,
    proportional_rewards,
    solve,
    solve_complete_information,
)
from paid_with_models.attendance import n_outcomes
from paid_with_models.checks.linear_programs import relaxed_bound
from paid_with_models.solver.bounds import dual_bound
from paid_with_models.solver.chain import Chain
from paid_with_models.solver.fits import fit_both, sum_range
from paid_with_models.solver.moments import Enumeration
from paid_with_models.solver.program import FirstMoment
from paid_with_models.solver.sum_moments import SumExpectation
from tests.problems import DRAWN_CURVES, DRAWN_VALUATIONS, FEW_OUTCOMES, problems

COMMON = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much],
}
settings.register_profile("daily", max_examples=50, **COMMON)
settings.register_profile("properties", max_examples=100, **COMMON)
settings.register_profile("long", max_examples=5_000, **COMMON)
settings.register_profile("short", max_examples=20, **COMMON)
PROPERTY = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "daily"))

#: Boxes that branch and bound may take: what keeps an example fast. Gaps may stay open, which is a
#: case of its own. With more than FEW_OUTCOMES outcomes sums are used.
BOXES = 4

seeds = st.integers(0, 2**32 - 1)


def range_of(problem):
    """Where sums stand for the curves of a problem; None if they are not to be had."""
    return sum_range(problem.accuracy, problem.model_value, problem.most_data)


def by_sums(problem):
    many = n_outcomes(problem.n_parties, problem.n_types) > FEW_OUTCOMES
    return many and range_of(problem) is not None


def solved(problem):
    method = "sum" if by_sums(problem) else "auto"
    return solve(problem, expectations=method, max_boxes=BOXES)


def enumerated(problem):
    return Enumeration.of(problem.n_parties, problem.probabilities[None], problem.beliefs)


def summed(problem):
    n = np.array([float(problem.n_parties)])
    p = problem.probabilities[None]
    return SumExpectation(n, p, problem.beliefs, *range_of(problem))


def expectations(problem):
    return summed(problem) if by_sums(problem) else enumerated(problem)


def moments_of(problem, contributions):
    curves = problem.accuracy, problem.model_value
    return expectations(problem).moments(*curves, np.asarray(contributions)[None])


def least_rewards(problem, contributions):
    order = problem.costliest_first
    c, f = problem.costs[order], problem.outside_options[order]
    rewards = np.empty_like(contributions)
    rewards[order] = least_utilities(contributions[order], c, f) + c * contributions[order]
    return rewards


def feasible_menu(problem, rng):
    """A random direction from autarky, as far as it goes; autarky itself always fits."""
    alone = autarky(problem).contributions
    room = (problem.model_value.optimum - problem.outside_options) / problem.costs
    rank = np.argsort(problem.costliest_first)
    wanted = np.sort(room * rng.random(problem.n_types) * (rng.random() < 0.8))[rank]
    if rng.random() < 0.4:  # some of the costliest give nothing
        wanted = wanted * (rank >= rng.integers(problem.n_types + 1))
    # Equal costs: any order among them would do, but rewards are those of a monotone menu.
    for share in (*0.6 ** np.arange(14), 0.0):
        m = alone + share * (wanted - alone)
        t = least_rewards(problem, m)
        caps = moments_of(problem, m).values[0]
        if np.all(caps >= t):
            return m, t
    return alone, problem.model_value(alone)


def test_problems_reach_the_corners():
    drawn = []

    @settings(PROPERTY, max_examples=2_000, phases=[Phase.generate])
    @given(problems())
    def collect(problem):
        drawn.append(problem)

    collect()
    kinds = {(it.accuracy, it.valuation, it.beliefs) for it in drawn}
    assert len(kinds) == len(DRAWN_CURVES) * len(DRAWN_VALUATIONS) * 2
    assert {it.n_types for it in drawn} == set(range(1, 9))
    assert {1, 2, 60} <= {it.n_parties for it in drawn}
    assert any(it.n_types == 8 and it.n_parties >= 55 for it in drawn)
    assert min(it.probabilities.min() for it in drawn) < 2e-6
    costs = np.concatenate([it.costs / it.valuation.scale for it in drawn])
    assert np.log10(costs.max() / costs.min()) > 3.9
    apart = [np.diff(np.sort(it.costs)) / it.costs.min() for it in drawn if it.n_types > 1]
    assert sum(bool(np.any(it == 0)) for it in apart) > 100
    assert sum(bool(np.any((it > 0) & (it < 1e-8))) for it in apart) > 100
    assert sum(by_sums(it) for it in drawn) > 200


@PROPERTY
@given(problems())
def test_contracts_satisfy_every_constraint(problem):
    contract = solved(problem)
    assert menu_residuals(problem, contract.contributions, contract.rewards).largest <= 1e-9
    scale = problem.model_value.optimum
    assert np.all(contract.contributions >= 0)
    assert np.all(contract.utilities >= contract.reservation_utilities - 1e-9 * scale)
    assert np.all(contract.rewards <= contract.reward_caps + 1e-9 * scale)
    # Single crossing: cheaper types contribute no less and are paid no less.
    order = problem.costliest_first
    apart = np.diff(problem.costs[order]) < 0
    slack = 1e-9 * contract.contributions.max()
    assert np.all(np.diff(contract.contributions[order])[apart] >= -slack)
    assert np.all(np.diff(contract.rewards[order])[apart] >= -1e-9 * scale)


# Book: prop-certificate
@PROPERTY
@given(problems(), seeds)
def test_no_feasible_menu_exceeds_the_bound(problem, seed):
    contract = solved(problem)
    assert contract.gap >= 0
    assert contract.upper_bound <= problem.accuracy.optimum
    assert (contract.status is Status.OPTIMAL) == (contract.gap <= 1e-8)
    assert contract.upper_bound == contract.expected_accuracy + contract.gap
    rng, unit = np.random.default_rng(seed), problem.model_value.optimum
    with patch.object(import_module("paid_with_models.audit"), "solve", lambda _: contract):
        for _ in range(3):
            report = audit(problem, *feasible_menu(problem, rng))
            assert report.satisfied
            assert report.individual_rationality.min() >= -1e-12 * unit
            assert report.incentive_compatibility.min() >= -1e-12 * unit
            assert report.caps.min() >= -1e-12 * unit
            assert report.gap >= 0


@PROPERTY
@given(problems(), seeds)
def test_any_multipliers_at_any_point_bound_every_menu(problem, seed):
    rng = np.random.default_rng(seed)
    order = problem.costliest_first
    unit, n = problem.model_value.optimum, problem.n_types
    c = problem.costs[order]
    model = FirstMoment(
        expectations(dataclasses.replace(problem, probabilities=problem.probabilities[order])),
        problem.accuracy.envelope(),
        problem.model_value.envelope(),
        unit,
        c[None] / unit,
        problem.outside_options[None, order] / unit,
        Chain.of((False, *(np.diff(c) == 0).tolist())),
    )
    m, _ = feasible_menu(problem, rng)
    reached = moments_of(problem, m).accuracy[0]
    x = model.box * rng.random(2 * n) ** rng.integers(1, 30) * model.chain.live
    point = model.point(x)
    rows = rng.exponential(1.0, point.rows.shape) * (rng.random(point.rows.shape) < 0.5)
    caps = rng.exponential(1.0, point.caps.shape) * (rng.random(point.caps.shape) < 0.7)
    assert dual_bound(model, point, rows, caps)[0] >= reached


@PROPERTY
@given(problems(types=(2, 8)), seeds)
def test_the_order_of_types_does_not_matter(problem, seed):
    order = np.random.default_rng(seed).permutation(problem.n_types)
    moved = dataclasses.replace(
        problem, probabilities=problem.probabilities[order], costs=problem.costs[order]
    )
    one, other = solved(problem), solved(moved)
    assert abs(one.expected_accuracy - other.expected_accuracy) <= 1e-9 + max(one.gap, other.gap)
    residuals = menu_residuals(problem, *_back(order, other.contributions, other.rewards))
    assert residuals.largest <= 1e-9


def _back(order, *arrays):
    inverse = np.argsort(order)
    return [array[inverse] for array in arrays]


@PROPERTY
@given(problems(), st.floats(-3, 3))
def test_the_unit_of_money_does_not_matter(problem, exponent):
    factor = 10.0**exponent
    worth = dataclasses.replace(problem.valuation, scale=problem.valuation.scale * factor)
    rescaled = dataclasses.replace(problem, costs=problem.costs * factor, valuation=worth)
    one, other = solved(problem), solved(rescaled)
    tolerance = 1e-9 + max(one.gap, other.gap)
    assert abs(one.expected_accuracy - other.expected_accuracy) <= tolerance
    # Not that the menus are the same: with a type so rare that nobody notices there are many.
    assert menu_residuals(rescaled, one.contributions, one.rewards * factor).largest <= 1e-9
    assert menu_residuals(problem, other.contributions, other.rewards / factor).largest <= 1e-9


@PROPERTY
@given(problems(curves=DRAWN_CURVES[2:]), st.floats(-2, 2))
def test_the_unit_of_data_does_not_matter(problem, exponent):
    """For the curves that are closed under it."""
    factor = 10.0**exponent
    curve = problem.accuracy
    if isinstance(curve, PowerLaw):
        scale = curve.scale * factor**curve.exponent
        other = dataclasses.replace(curve, scale=scale, offset=curve.offset * factor)
    elif isinstance(curve, Saturating):
        other = Saturating(curve.weights, tuple(rate / factor for rate in curve.rates))
    else:
        other = Arctan(curve.optimum, curve.rate / factor)
    rescaled = dataclasses.replace(problem, costs=problem.costs / factor, accuracy=other)
    one, other = solved(problem), solved(rescaled)
    tolerance = 1e-8 + max(one.gap, other.gap)
    assert abs(one.expected_accuracy - other.expected_accuracy) <= tolerance


@PROPERTY
@given(problems(parties=(1, 1)))
def test_one_party_is_in_autarky(problem):
    contract, alone = solved(problem), autarky(problem)
    assert contract.status is Status.OPTIMAL
    assert contract.contributions == pytest.approx(alone.contributions, rel=1e-9)
    assert contract.utilities == pytest.approx(alone.utilities, rel=1e-9, abs=1e-9)
    reached = problem.probabilities @ alone.accuracies
    assert contract.expected_accuracy == pytest.approx(reached, abs=1e-12)


@PROPERTY
@given(problems())
def test_rents_are_not_negative_and_grow_as_costs_fall(problem):
    contract = solved(problem)
    scale = problem.model_value.optimum
    assert np.all(contract.utilities - contract.reservation_utilities >= -1e-9 * scale)
    order = problem.costliest_first
    assert np.all(np.diff(contract.utilities[order]) >= -1e-9 * scale)


@PROPERTY
@given(problems(parties=(1, 55)), st.integers(1, 5))
def test_more_parties_never_hurt(problem, more):
    larger = dataclasses.replace(problem, n_parties=problem.n_parties + more)
    assert solved(larger).upper_bound >= solved(problem).expected_accuracy - 1e-12


@PROPERTY
@given(problems(beliefs=("own",), types=(1, 7)), st.floats(0.01, 0.99))
def test_splitting_a_type_changes_nothing_under_own_beliefs(problem, share):
    p, c = problem.probabilities, problem.costs
    split = dataclasses.replace(
        problem,
        probabilities=np.append(p, share * p[0]) - np.append(share * p[0], np.zeros(p.size)),
        costs=np.append(c, c[0]),
    )
    one, other = solved(problem), solved(split)
    assert other.expected_accuracy <= one.upper_bound + 1e-12
    assert one.expected_accuracy <= other.upper_bound + 1e-12


@PROPERTY
@given(problems(beliefs=("own",)), seeds)
def test_lower_costs_never_hurt_under_own_beliefs(problem, seed):
    factors = np.random.default_rng(seed).uniform(0.3, 1.0, problem.n_types)
    cheaper = dataclasses.replace(problem, costs=problem.costs * factors)
    assert solved(cheaper).upper_bound >= solved(problem).expected_accuracy - 1e-12


@PROPERTY
@given(
    problems(beliefs=("own",), types=(2, 7)),
    st.floats(-12, -9),
)
def test_a_type_of_vanishing_probability_has_no_effect_under_own_beliefs(problem, exponent):
    """Type 1 turned into the rarest of types: between the problems of its neighbours' costs.

    Of the type with the highest cost a part so rare gets cheaper, which cannot hurt; and no menu
    for the new problem does better than the old bound by more than the rare parties can add.
    """
    p, c = problem.probabilities, problem.costs
    dearest = int(np.argmax(c))
    rare = 10.0**exponent * p[dearest]
    smaller = p.copy()
    smaller[dearest] -= rare
    more = dataclasses.replace(
        problem, probabilities=np.append(smaller, rare), costs=np.append(c, 0.5 * c.min())
    )
    before, after = solved(problem), solved(more)

    def most(contract, share):
        """What more of everyone's expectations could be worth, by the prices of the caps."""
        return share * (1 + contract.multipliers.caps.sum() * problem.model_value.optimum)

    # Menus keep the constraints up to rounding: what they gain by that is priced, too.
    old, new = (
        menu_residuals(it.problem, it.contributions, it.rewards).largest for it in (before, after)
    )
    assert max(old, new) <= 1e-12
    assert after.upper_bound >= before.expected_accuracy - most(after, old) - 1e-12
    assume(before.gap <= 1e-10 and before.kkt_residual <= 1e-10)
    gained = most(before, 2 * problem.n_parties * rare + new)
    assert after.expected_accuracy <= before.upper_bound + gained


# Book: thm-nobody-left-out
@PROPERTY
@given(problems(types=(2, 8), outcomes=FEW_OUTCOMES), seeds)
def test_no_selection_beats_all_types(problem, seed):
    """A random menu for a random selection: with autarky for the rest it is no worse, and fits."""
    rng = np.random.default_rng(seed)
    inside = rng.random(problem.n_types) < 0.6
    alone = autarky(problem)
    order = problem.costliest_first
    chosen = order[inside[order]]
    room = (problem.model_value.optimum - alone.utilities) / problem.costs
    wanted = np.zeros(problem.n_types)
    wanted[chosen] = np.sort(room[chosen] * rng.random(chosen.size))
    out = np.flatnonzero(~inside)
    for share in (*0.5 ** np.arange(12), 0.0):
        m = np.where(inside, alone.contributions + share * (wanted - alone.contributions), 0.0)
        t = np.zeros(problem.n_types)
        c, f = problem.costs[chosen], alone.utilities[chosen]
        t[chosen] = least_utilities(m[chosen], c, f) + c * m[chosen]
        if menu_residuals(problem, m, t, left_out=out.tolist()).largest <= 1e-13:
            break
    else:
        raise AssertionError("autarky of the selection must be a menu for it")
    rest = problem.model_value(alone.contributions)
    everybody = np.where(inside, m, alone.contributions), np.where(inside, t, rest)
    assert menu_residuals(problem, *everybody).largest <= 1e-12
    reached, with_all = (moments_of(problem, some).accuracy[0] for some in (m, everybody[0]))
    assert with_all >= reached - 1e-14
    assert solved(problem).upper_bound >= with_all


@PROPERTY
@given(problems(), seeds)
def test_two_passes_are_the_fixed_point_of_all_pairs(problem, seed):
    rng = np.random.default_rng(seed)
    c = np.sort(problem.costs)[::-1]
    f = autarky(dataclasses.replace(problem, costs=c)).utilities
    m = np.sort(rng.exponential(1.0, c.size) * (rng.random(c.size) < 0.8) / c)
    u = f.copy()
    for _ in range(2 * c.size + 2):
        u = np.maximum(u, (u + (c - c[:, None]) * m).max(axis=1))
    scale = problem.model_value.optimum + float(np.max(c * m))
    assert least_utilities(m, c, f) == pytest.approx(u, rel=1e-12, abs=1e-12 * scale)


@PROPERTY
@given(problems(curves=DRAWN_CURVES[:5], parties=(2, 60), outcomes=5_000), seeds)
def test_exponential_sums_agree_with_enumeration(problem, seed):
    """Where every outcome lies in the range of the sums: values and gradients."""
    rng = np.random.default_rng(seed)
    most = problem.n_parties * problem.model_value.optimum / problem.costs.min()
    reach = sum_range(problem.accuracy, problem.model_value, most)
    assume(reach is not None)
    low, high = reach
    ceiling = max(high / problem.n_parties, 2 * low)
    m = np.exp(rng.uniform(np.log(low + 1), np.log(max(ceiling, low + 2)), problem.n_types))
    assume(m.max() * problem.n_parties <= high)
    curves = problem.accuracy, problem.model_value
    n = np.array([float(problem.n_parties)])
    sums = SumExpectation(n, problem.probabilities[None], problem.beliefs, *reach)
    one, other = sums.moments(*curves, m[None]), enumerated(problem).moments(*curves, m[None])
    unit = problem.model_value.optimum
    assert one.accuracy == pytest.approx(other.accuracy, abs=1e-10)
    assert one.values / unit == pytest.approx(other.values / unit, abs=1e-10)
    reach = 1 / m.max()
    gradient, exact = one.accuracy_gradient, other.accuracy_gradient
    assert gradient == pytest.approx(exact, rel=1e-7, abs=1e-11 * reach)
    jacobian = one.value_jacobian / unit
    assert jacobian == pytest.approx(other.value_jacobian / unit, rel=1e-7, abs=1e-11 * reach)


@PROPERTY
@given(problems(outcomes=40), seeds)
def test_expectations_against_fifty_digits(problem, seed):
    m = np.random.default_rng(seed).uniform(0, 300, problem.n_types)
    n_parties = problem.n_parties
    outcomes = enumerated(problem)
    at = outcomes.moments(problem.accuracy, problem.model_value, m[None])
    with mpmath.workdps(50):
        p = [mpmath.mpf(float(x)) for x in problem.probabilities]
        whole, seen = mpmath.mpf(0), [mpmath.mpf(0)] * len(p)
        for counts in outcomes.counts.astype(int).tolist():
            weight = mpmath.factorial(n_parties)
            for share, k in zip(p, counts, strict=True):
                weight *= share**k / mpmath.factorial(k)
            # The curves are double precision; what is tested is the sum over outcomes.
            total = np.array(counts, dtype=float) @ m
            whole += weight * mpmath.mpf(float(problem.accuracy(total)))
            value = mpmath.mpf(float(problem.model_value(total)))
            for i, k in enumerate(counts):
                if problem.beliefs == "own":
                    seen[i] += weight * k / (n_parties * p[i]) * value
                elif k:
                    seen[i] += weight / (1 - (1 - p[i]) ** n_parties) * value
        expected = float(whole), [float(x) for x in seen]
    assert at.accuracy[0] == pytest.approx(expected[0], rel=1e-12, abs=1e-14)
    assert at.values[0] == pytest.approx(expected[1], rel=1e-12, abs=1e-12)


@PROPERTY
@given(problems(curves=DRAWN_CURVES[:5], parties=(2, 60)), seeds)
def test_exponential_sums_against_fifty_digits(problem, seed):
    """The closed form, where most of a power cancels or underflows: rare types, many parties."""
    assume(range_of(problem) is not None)
    curves, sums = (problem.accuracy, problem.model_value), summed(problem)
    most = problem.model_value.optimum / problem.costs
    m = np.minimum(most, sums.high / problem.n_parties)
    m = m * np.random.default_rng(seed).random(m.size) ** 3
    m = np.maximum(m, sums.low / problem.n_parties)
    at = sums.moments(*curves, m[None])
    fits = fit_both(*curves, sums.low, sums.high)
    with mpmath.workdps(50):
        n, p = problem.n_parties, [mpmath.mpf(float(x)) for x in problem.probabilities]
        data = [mpmath.mpf(float(x)) for x in m]
        whole, seen = mpmath.mpf(fits[0].limit), [mpmath.mpf(fits[1].limit) for _ in p]
        for fit, of_value in zip(fits, (False, True), strict=True):
            for weight, rate in zip(fit.weights.tolist(), fit.rates.tolist(), strict=True):
                alone = [mpmath.exp(-rate * x) for x in data]
                q = [share * e for share, e in zip(p, alone, strict=True)]
                mean = mpmath.fsum(q)
                if not of_value:
                    whole -= weight * mean**n
                    continue
                for i in range(len(p)):
                    if problem.beliefs == "own":
                        left = alone[i] * mean ** (n - 1)
                    else:
                        left = (mean**n - (mean - q[i]) ** n) / (1 - (1 - p[i]) ** n)
                    seen[i] -= weight * left
        expected = float(whole), [float(x) for x in seen]
    assert at.accuracy[0] == pytest.approx(expected[0], abs=1e-13)
    assert at.values[0] == pytest.approx(expected[1], abs=1e-13 * problem.model_value.optimum)


@PROPERTY
@given(problems(curves=DRAWN_CURVES[:5], parties=(2, 60)), st.booleans(), seeds)
def test_gradients_and_hessians_against_finite_differences(problem, sums, seed):
    rng = np.random.default_rng(seed)
    prices = rng.exponential(0.1, (1, problem.n_types)) / problem.model_value.optimum
    curves = problem.accuracy, problem.model_value
    m = rng.uniform(130, 400, problem.n_types)
    if sums or by_sums(problem):
        reach = sum_range(*curves, 1e5)
        assume(reach is not None)
        n = np.array([float(problem.n_parties)])
        expectation = SumExpectation(n, problem.probabilities[None], problem.beliefs, *reach)
    else:
        expectation = enumerated(problem)

    def at(x):
        return expectation.moments(*curves, x[None])

    here = at(m)
    gradient, hessian = here.weighted_gradient(prices)[0], here.curvature(prices)[0]
    for j in range(problem.n_types):
        step = np.zeros(problem.n_types)
        step[j] = 1e-3 * m[j]
        up, down = at(m + step), at(m - step)
        rise = up.accuracy - down.accuracy + np.sum(prices * (up.values - down.values))
        assert gradient[j] == pytest.approx(rise[0] / (2 * step[j]), rel=1e-4, abs=1e-12)
        bend = up.weighted_gradient(prices)[0] - down.weighted_gradient(prices)[0]
        tolerance = 1e-6 * np.abs(hessian).max() + 1e-15
        assert hessian[j] == pytest.approx(bend / (2 * step[j]), rel=1e-3, abs=tolerance)


@PROPERTY
@given(problems(outcomes=FEW_OUTCOMES))
def test_the_proportional_assignment_carries_a_contract_out(problem):
    """No outcome asks for a better model than there is, and the means are the rewards."""
    contract = solved(problem)
    rewards = proportional_rewards(contract)
    unit = problem.model_value.optimum
    assert rewards.means == pytest.approx(contract.rewards, rel=1e-9, abs=1e-9 * unit)
    counts = enumerated(problem).counts
    best = problem.model_value(counts @ contract.contributions)
    assert np.all(rewards.values <= best[:, None] + 1e-9 * unit)


@PROPERTY
@given(problems(outcomes=FEW_OUTCOMES))
def test_under_complete_information_nothing_is_left_to_the_parties(problem):
    complete = solve_complete_information(problem)
    unit = problem.model_value.optimum
    kept = complete.rewards - problem.costs * complete.contributions
    assert kept == pytest.approx(problem.outside_options, abs=1e-9 * unit)
    assert 0 <= complete.expected_accuracy <= problem.accuracy.optimum
    assert 0 <= complete.expected_value <= unit


# Book: prop-relaxation
@PROPERTY
@given(problems(outcomes=25), seeds)
def test_contributions_that_depend_on_who_comes_bound_the_menu(problem, seed):
    """IR on average and all else free: above menus and complete information, at most the optimum.

    The linear solver's tolerance is 1e-7, of accuracies and of values.
    """
    bound = relaxed_bound(problem, rounds=4)
    assert bound <= problem.accuracy.optimum
    complete = solve_complete_information(problem).expected_accuracy
    assert bound >= max(solved(problem).expected_accuracy, complete) - 1e-6
    rng = np.random.default_rng(seed)
    for _ in range(3):
        m, _ = feasible_menu(problem, rng)
        assert bound >= moments_of(problem, m).accuracy[0] - 1e-6


def test_complete_information_does_not_bound_the_menu():
    """It asks individual rationality in every outcome, the menu on average only."""
    problem = Problem(3, [0.9097, 0.0903], [0.7539, 0.0419], GeneralizationBound())
    contract, complete = solve(problem), solve_complete_information(problem)
    assert contract.expected_accuracy > complete.expected_accuracy + 0.3


@PROPERTY
@given(problems())
def test_contracts_describe_themselves(problem):
    contract = solved(problem)
    at = moments_of(problem, contract.contributions)
    assert contract.expected_accuracy == pytest.approx(at.accuracy[0], rel=1e-10, abs=1e-12)
    assert contract.reward_caps == pytest.approx(at.values[0], rel=1e-9, abs=1e-10)
    takes_part = (contract.contributions > 0) | (contract.rewards > 0)
    assert contract.participates.tolist() == takes_part.tolist()
    nobody = not contract.contributions.any()
    assert (contract.shape is Shape.NO_COLLABORATION) == nobody
    prices = contract.multipliers
    assert all(np.all(array >= 0) and np.isfinite(array).all() for array in vars(prices).values())
    together = [k for bunch in contract.bunches for k in bunch]
    assert len(together) == len(set(together))


@PROPERTY
@given(st.sampled_from(DRAWN_CURVES), st.sampled_from(DRAWN_VALUATIONS), seeds)
def test_envelopes_are_concave_and_on_or_above_their_curves(curve, valuation, seed):
    data = np.sort(np.random.default_rng(seed).uniform(0, 600, 60))
    for one in (curve, ModelValue(curve, valuation)):
        envelope = one.envelope()
        assert np.all(envelope(data) >= one(data) - 1e-13 * one.optimum)
        slopes = envelope.derivative(data)
        assert np.all(np.diff(slopes) <= 1e-12 * slopes.max())
        assert valuation.inverse(valuation(curve(data))) == pytest.approx(curve(data), abs=1e-9)


# Book: prop-pooling-rule
def test_the_pooling_rule_is_the_last_block_of_adjacent_violators():
    """Against a linear program: the mean contribution that a budget buys."""
    rng = np.random.default_rng(12)
    for _ in range(30):
        kinds = int(rng.integers(2, 7))
        p, costs = rng.dirichlet(np.ones(kinds)), np.sort(rng.random(kinds) + 0.05)[::-1]
        q = -np.diff([*costs, 0.0])
        order = np.eye(kinds, k=0)[:-1] - np.eye(kinds, k=1)[:-1]
        best = linprog(-p, np.vstack([q, order]), np.append(1.0, np.zeros(kinds - 1)))
        first = int(np.argmax(np.cumsum(p[::-1])[::-1] / costs))
        assert best.x == pytest.approx(np.where(np.arange(kinds) >= first, 1 / costs[first], 0.0))
        blocks = []  # pool adjacent violators: sums of p and q, and where a block begins
        for i in range(kinds):
            blocks.append([p[i], q[i], i])
            while (
                len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]
            ):
                (a, b, _), before = blocks.pop(), blocks[-1]
                before[0], before[1] = before[0] + a, before[1] + b
        assert blocks[-1][2] == first
