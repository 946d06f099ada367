"""Figures of the theory chapters: what their tables say is so."""

import numpy as np
import pytest

from paid_with_models import (
    GeneralizationBound,
    Problem,
    menu_residuals,
    solve_complete_information,
)
from paid_with_models.figures.complete_information import crossing_lines
from paid_with_models.figures.first_moment import pass_steps, units_for_the_budget
from paid_with_models.figures.screening import constraint_menus


def test_lines_cross_where_the_benchmark_solves():
    lines = crossing_lines()
    solved = solve_complete_information(Problem(4, [0.5, 0.5], [0.02, 0.01], GeneralizationBound()))
    totals = dict(zip(map(tuple, solved.counts.tolist()), solved.totals, strict=True))
    roots = lines.groupby("outcome", sort=False)["root"].first()
    assert roots.tolist() == pytest.approx([totals[4, 0], totals[2, 2], totals[0, 4]])
    # Beyond its root a line stays below what is collected; at the root the two agree.
    beyond = lines[lines["data"] > lines["root"] * (1 + 1e-9)]
    assert (beyond["asked"] < beyond["data"]).all()
    for _, rows in lines.groupby("outcome"):
        root = rows["root"].iloc[0]
        assert np.interp(root, rows["data"], rows["asked"]) == pytest.approx(root, rel=1e-4)


def test_each_menu_violates_the_constraint_that_it_leaves_out_and_the_optimal_one_none():
    problem = Problem(10, [0.5, 0.5], [0.2, 0.05], GeneralizationBound())
    violated = {}
    for menu, rows in constraint_menus().groupby("menu"):
        found = menu_residuals(problem, rows["contribution"].to_numpy(), rows["reward"].to_numpy())
        broken = {
            "IR": found.individual_rationality, "IC": found.incentive_compatibility,
            "caps": found.caps,
        }  # fmt: skip
        violated[menu] = {name for name, by in broken.items() if by > 1e-6}
    assert violated == {
        "Without IR": {"IR"},
        "Without IC": {"IC"},
        "Without feasibility": {"caps"},
        "Optimal": set(),
    }


def test_passes_only_raise_utilities_and_end_in_the_least_compatible_ones():
    steps = pass_steps()
    m, c, f, a, u = (
        steps[name].to_numpy()
        for name in ("contribution", "cost", "reservation_utility", "forward", "utility")
    )
    assert (f <= a).all()
    assert (a <= u).all()
    assert (u[:, None] >= u - (c[:, None] - c) * m - 1e-12).all()
    for i in range(len(u)):  # less for one type breaks a constraint
        less = u.copy()
        less[i] -= 1e-3
        compatible = (less[:, None] >= less - (c[:, None] - c) * m - 1e-12).all()
        assert not (compatible and (less >= f).all())


def test_the_budget_buys_most_where_the_price_is_low():
    table = units_for_the_budget()
    for _, rows in table.groupby("scenario"):
        assert rows["bought"].argmax() == rows["price"].argmin()
    # Where all types cost the budget the same, contributions are nearly so; where the cheapest
    # costs it most, all pool.
    firm = table[table["scenario"] == "Big-firm cooperation"]
    assert np.ptp(firm["bought"]) == pytest.approx(0, abs=1e-9)
    team = table[table["scenario"] == "Small-party teamwork"]
    assert team["bought"].iloc[-1] < team["bought"].iloc[:-1].min()
    assert np.ptp(team["contribution"]) < 1e-6
