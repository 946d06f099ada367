"""Figures of contributions that respond: their tables say what the mechanisms do."""

import numpy as np
import pytest

from paid_with_models import GeneralizationBound, Problem, solve
from paid_with_models.beyond.responsive import solve_responsive
from paid_with_models.figures.responsive import (
    cap_figure,
    cap_lines,
    gain_figure,
    gain_lines,
    misjudged_figure,
    misjudged_lines,
    quota_figure,
    quota_lines,
)


def test_gains_are_those_of_the_mechanisms():
    table = gain_lines([3], [0.03], [0.7], base=(4, 0.6, 0.2, 0.04))
    assert len(table) == 6
    cases = {"parties": (3, 0.6, 0.04), "cost of type 2": (4, 0.6, 0.03)}
    cases["share of type 1"] = (4, 0.7, 0.04)
    for row in table.itertuples():
        n, share, low = cases[row.along]
        problem = Problem(
            n, [share, 1 - share], [0.2, low], GeneralizationBound(), beliefs=row.beliefs
        )
        assert row.fixed == pytest.approx(solve(problem).expected_accuracy, abs=1e-12)
        best = solve_responsive(problem)
        assert row.responding == pytest.approx(best.expected_accuracy, abs=1e-12)
        assert row.fixed < row.responding <= row.upper_bound <= row.responding + 1e-8
        assert np.isnan(row.constant_total) == (row.beliefs == "paper")
    numbers = gain_figure(table)[1].attrs["numbers"]
    assert numbers["most_paper"] > numbers["most_own"] > 0


def test_quotas_add_up_to_totals():
    table = quota_lines(4)
    n2 = table["low_cost_parties"]
    given = table["quota_1"].fillna(0) * (4 - n2) + table["quota_2"].fillna(0) * n2
    np.testing.assert_allclose(given, table["total"], rtol=1e-12)
    spread = table.groupby("mechanism")["total"].agg(np.ptp)
    assert spread["constant total"] < 1e-9 < spread["responding"] < spread["fixed"]
    numbers = quota_figure(table)[1].attrs["numbers"]
    assert numbers["lowest"] < numbers["steady"] < numbers["highest"]
    assert numbers["asked"] < numbers["largest"]


def test_a_constant_total_withstands_misjudged_shares_and_parties_do_not():
    table = misjudged_lines([0.3, 0.5, 0.8], n_parties=5).set_index(["mechanism", "share"])
    steady, fixed = table.loc["constant total"], table.loc["fixed"]
    assert np.ptp(steady["expected_accuracy"]) < 1e-12 < np.ptp(fixed["expected_accuracy"])
    assert steady.loc[0.8, "shortfall"] > fixed.loc[0.8, "shortfall"] > 0
    assert steady.loc[0.3, "shortfall"] == pytest.approx(0, abs=1e-9)
    numbers = misjudged_figure(table.reset_index())[1].attrs["numbers"]
    assert numbers["steady_shortfall"] == steady["shortfall"].max()


def test_caps_lie_between_the_menu_and_no_limit():
    table = cap_lines([830, 900, 2000], n_parties=4)
    assert table["expected_accuracy"].is_monotonic_increasing
    assert (table["expected_accuracy"] <= table["free"] + 1e-9).all()
    assert (table["upper_bound"] - table["expected_accuracy"]).max() < 1e-8
    numbers = cap_figure(table)[1].attrs["numbers"]
    assert numbers["at"] in {830, 900, 2000}
    assert 0 < numbers["kept"] <= 100
