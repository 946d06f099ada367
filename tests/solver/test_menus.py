"""Menus are made feasible, compared and rounded row by row; the best one known is never lost."""

from dataclasses import replace

import numpy as np
import pytest

from paid_with_models import GeneralizationBound, LinearValuation, ModelValue
from paid_with_models.problem import autarky_at
from paid_with_models.solver.interior_point import maximize
from paid_with_models.solver.menus import (
    ACCURACY_WORTH_NOTHING,
    FEASIBILITY_TOLERANCE,
    MARGINS,
    NEEDS_OWN_PRICES,
    Incumbents,
    priced,
    repaired,
    satisfies,
    settled,
)
from tests.problems import first_moments

COSTS = np.array([0.2, 0.15, 0.05])


@pytest.fixture(scope="module")
def three():
    """Three problems whose outside options are autarky, their optima, and autarky itself."""
    costs = COSTS * np.array([[1.0], [0.8], [1.25]])
    curve = GeneralizationBound()
    alone = [autarky_at(ModelValue(curve, LinearValuation(100.0)), row) for row in costs]
    problem = first_moments(costs, [it.utilities for it in alone])
    return problem, maximize(problem), np.array([it.contributions for it in alone])


def test_each_menu_of_a_batch_is_judged_by_its_own_caps_and_rows(three):
    problem, _, alone = three
    point = problem.point(problem.increments_of(alone))
    assert satisfies(problem, point).tolist() == [True, True, True]
    for name in ("caps", "rows"):
        slack = np.ones_like(getattr(point, name))
        slack[1, -1] = -2 * FEASIBILITY_TOLERANCE
        slack[2, 0] = -FEASIBILITY_TOLERANCE
        parts = {"rows": point.rows, "caps": point.caps} | {name: slack}
        wrong = replace(point, slack=np.hstack([parts["rows"], parts["caps"]]))
        assert satisfies(problem, wrong).tolist() == [True, False, True]


def test_the_order_among_equal_costs_is_judged_relative_to_the_data_that_matter():
    problem = first_moments([[0.5, 0.5, 0.1]], [[0.0, 0.0, 0.0]])
    point = problem.point(problem.increments_of(np.array([[100.0, 100.0, 200.0]])))
    unit = problem.row_unit[0, -1]
    assert unit == 200.0  # all that a type of the highest cost could ever give
    for violation, fits in ((0.9, True), (1.1, False)):
        rows = point.rows.copy()
        rows[0, -1] = -violation * FEASIBILITY_TOLERANCE * unit
        assert satisfies(problem, replace(point, slack=np.hstack([rows, point.caps]))).tolist() == [
            fits
        ]


def test_what_does_not_fit_is_drawn_towards_the_anchor_and_no_further_than_it_must(three):
    problem, best, alone = three
    wanted = best.point.contributions * np.array([[0.5], [1.2], [1.4]])
    wanted[0] = 0.5 * (best.point.contributions + alone)[0]
    asked = priced(problem, wanted, best)
    assert satisfies(problem, asked.point).tolist() == [True, False, False]
    found = repaired(problem, asked, alone)
    assert satisfies(problem, found.point).all()
    assert found.point.contributions[0] == pytest.approx(wanted[0], rel=1e-15)
    share = ((found.point.contributions - alone) / (wanted - alone))[1:]
    assert np.ptp(share, axis=1) == pytest.approx(0, abs=1e-12)
    assert np.all((share > 0.5) & (share < 1))
    further = alone + (np.append(1.0, share[:, 0])[:, None] + 1e-8) * (wanted - alone)
    assert satisfies(problem, priced(problem, further, best).point).tolist() == [True, False, False]


def nearly(problem, best):
    """Menus of which the first fits, the second nearly does, and the third does not at all."""
    wanted = best.point.contributions * np.array([[1.0], [1 + 1e-9], [1.3]])
    wanted[0] *= 0.999
    asked = priced(problem, wanted, best)
    assert satisfies(problem, asked.point).tolist() == [True, False, False]
    assert 1e-12 < asked.residual[1] < 1e-6 < asked.residual[2]
    return asked


def test_without_an_anchor_what_nearly_fits_is_solved_anew(three):
    """With as little room to spare as is enough; what does not nearly fit comes back as it was."""
    problem, best, _ = three
    asked = nearly(problem, best)
    found = repaired(problem, asked, np.zeros((3, 3)))
    assert satisfies(problem, found.point).tolist() == [True, True, False]
    assert found.point.contributions[[0, 2]] == pytest.approx(
        asked.point.contributions[[0, 2]], rel=1e-15
    )
    assert found.point.moments.accuracy[1] == pytest.approx(
        best.point.moments.accuracy[1], abs=10 * MARGINS[0]
    )
    assert found.residual[1] < 10 * MARGINS[0]


def test_a_type_that_gave_nothing_can_give_something_when_solved_anew(three):
    problem, best, _ = three
    asked = nearly(problem, best)
    contributions = 1.3 * asked.point.contributions
    contributions[1, 0] = 0.0
    asked = replace(priced(problem, contributions, best), residual=asked.residual)
    assert not satisfies(problem, asked.point)[1]
    found = repaired(problem, asked, np.zeros((3, 3)))
    assert satisfies(problem, found.point)[1]
    assert found.point.contributions[1, 0] > 1


def test_the_best_menus_are_replaced_only_by_better_ones_that_fit(three):
    problem, best, alone = three
    start = priced(problem, alone, best)
    known = Incumbents(start, start.point.moments.accuracy)
    wanted = 0.5 * (alone + best.point.contributions)  # better
    wanted[1] *= 1.5  # does not fit
    wanted[2] = 0.5 * alone[2]  # worse
    found = priced(problem, wanted, best)
    assert satisfies(problem, found.point).tolist()[:2] == [True, False]
    better = known.improved(problem, found)
    assert better.reached[0] == found.point.moments.accuracy[0] > known.reached[0]
    assert better.reached[1:].tolist() == known.reached[1:].tolist()
    assert better.menus.point.contributions == pytest.approx(
        np.vstack([wanted[:1], alone[1:]]), rel=1e-15
    )
    assert better.improved(problem, found) is better


def test_a_search_ends_in_the_optimum_and_is_kept_if_it_is_better(three):
    problem, best, alone = three
    start = priced(problem, alone, best)
    known = Incumbents(start, start.point.moments.accuracy)
    found = known.searched(problem, 0.9 * alone + 1, alone)
    assert found.reached == pytest.approx(best.point.moments.accuracy, abs=1e-12)
    better = replace(known, reached=np.ones(3))
    assert better.searched(problem, 0.9 * alone + 1, alone) is better


def test_rows_taken_out_and_put_back(three):
    problem, best, alone = three
    start = priced(problem, alone, best)
    known = Incumbents(start, start.point.moments.accuracy)
    rows = np.array([2, 0])
    some = problem.take(rows)
    optimum = known.take(some, rows).improved(some, best.take(some, rows))
    whole = known.updated(problem, rows, optimum)
    accuracy = best.point.moments.accuracy
    assert whole.reached == pytest.approx([accuracy[0], known.reached[1], accuracy[2]])
    assert whole.menus.point.moments.accuracy == pytest.approx(whole.reached)
    assert known.reached == pytest.approx(start.point.moments.accuracy)  # as it was


def test_next_to_nothing_is_nothing_in_its_own_row_only():
    """In the third problem a larger share of less data: beside the others it would be nothing."""
    problem = first_moments([[0.5, 0.1]] * 3, np.zeros((3, 2)))
    m = np.array([[1e-11, 200.0], [1e-9, 200.0], [7e-11, 60.0]])
    menus = priced(problem, m, maximize(problem))
    assert satisfies(problem, menus.point).all()
    known = Incumbents(replace(menus, residual=np.zeros(3)), menus.point.moments.accuracy)
    result = settled(problem, known)
    kept = [[0.0, 200.0], [1e-9, 200.0], [7e-11, 60.0]]
    assert result.menus.point.contributions.tolist() == kept
    assert result.reached == pytest.approx(result.menus.point.moments.accuracy, abs=1e-15)
    assert result.reached == pytest.approx(known.reached, abs=ACCURACY_WORTH_NOTHING)


def test_nothing_is_rounded_that_would_cost_accuracy():
    problem = first_moments([[0.5, 0.1]], np.zeros((1, 2)))
    menus = priced(problem, np.array([[1e-11, 200.0]]), maximize(problem))
    menus = replace(menus, residual=np.zeros(1))
    accuracy = menus.point.moments.accuracy
    for reached, rounded in (
        (accuracy + 0.5 * ACCURACY_WORTH_NOTHING, True),
        (accuracy + 1e-9, False),
    ):
        result = settled(problem, Incumbents(menus, reached))
        assert bool(result.menus.point.contributions[0, 0] == 0.0) is rounded
        assert result.reached == (result.menus.point.moments.accuracy if rounded else reached)


def test_menus_without_prices_are_given_their_own(three):
    problem, best, _ = three
    without = replace(
        best, row_prices=0 * best.row_prices, cap_prices=0 * best.cap_prices, residual=np.ones(3)
    )
    fits = satisfies(problem, best.point)
    result = settled(problem, Incumbents(without, best.point.moments.accuracy))
    assert fits.any()
    assert np.all(result.menus.residual[fits] < NEEDS_OWN_PRICES)
    assert result.menus.cap_prices[fits] == pytest.approx(best.cap_prices[fits], rel=1e-6)
