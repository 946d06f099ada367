"""Figures: the tables behind them, that they can be read, and that they come out the same."""

import functools
import io
import itertools
import json
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from paid_with_models import (
    Arctan,
    ExponentialValuation,
    GeneralizationBound,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    autarky,
    solve,
    solve_many,
)
from paid_with_models.beyond.behavior import Assignment, logit_behavior
from paid_with_models.beyond.continuum import best_cutoff, bracketing_types
from paid_with_models.beyond.margins import slack_menu
from paid_with_models.beyond.quality import measured_factors
from paid_with_models.figures import style as figure_style
from paid_with_models.figures.behavior import (
    aversion_figure,
    aversion_lines,
    logit_figure,
    logit_lines,
    margin_figure,
    margin_lines,
)
from paid_with_models.figures.beliefs import (
    belief_figure,
    belief_lines,
    lower_cost_figure,
    lower_cost_lines,
)
from paid_with_models.figures.combinatorial_barrier import sum_errors, sum_fits
from paid_with_models.figures.complete_information import asked_and_collected, crossing_lines
from paid_with_models.figures.counter_example import counter_example
from paid_with_models.figures.first_moment import (
    pass_steps,
    two_passes,
    unit_prices,
    units_for_the_budget,
)
from paid_with_models.figures.large_markets import (
    continuum_figure,
    continuum_menus,
    cost_distributions,
    large_market_menus,
    menu_curve,
)
from paid_with_models.figures.models_as_rewards import deterministic_promise
from paid_with_models.figures.motivation import (
    accuracy_curve,
    autarky_figure,
    free_riding_figure,
)
from paid_with_models.figures.quality import (
    factor_table,
    noisy_party,
    noisy_party_effects,
    quality_factors,
)
from paid_with_models.figures.real_models import (
    GRADINGS,
    LEARNERS,
    fitted_curves,
    measured_curves,
    promises_and_results,
    realized,
    split_deployments,
    split_errors,
)
from paid_with_models.figures.scenarios import (
    contributions,
    graphical_illustration,
    reward_distributions,
    scenario_panel,
)
from paid_with_models.figures.screening import constraint_menus, menu_planes
from paid_with_models.figures.structure import bunching, bunching_lines
from paid_with_models.figures.two_types import TWO_TYPE_PAIRS, two_type_maps, two_type_surfaces
from paid_with_models.figures.welfare import surplus_bars, surplus_by_scheme
from paid_with_models.paper.counter_example import CounterExample
from paid_with_models.paper.free_riding import free_riding_experiment
from paid_with_models.paper.scenarios import SCENARIOS, options
from paid_with_models.paper.two_types import two_type_experiment

MEASUREMENTS = Path(__file__).parents[2] / "measurements"
BOUND = GeneralizationBound()
OWN = {
    "one type": Problem(5, [1.0], [0.1], BOUND),
    "one party": Problem(1, [0.5, 0.5], [0.1, 0.05], BOUND),
    "no collaboration": Problem(3, [0.5, 0.5], [1.0, 0.4], BOUND),
    "next to nothing": Problem(10, [0.5, 0.5], [1.0, 0.4], BOUND),
    "twelve types": Problem(3, np.full(12, 1 / 12), np.geomspace(0.5, 0.02, 12), BOUND),
    "any order, equal costs": Problem(6, [0.3, 0.3, 0.4], [0.02, 0.1, 0.1], BOUND),
    "saturating": Problem(
        6, [0.3, 0.7], [0.1, 0.05], Saturating((0.5, 0.4), (0.1, 0.01)), PowerValuation(50.0, 2.0)
    ),
    "arctan": Problem(6, [0.3, 0.7], [0.1, 0.05], Arctan(), ExponentialValuation(10.0, 2.0)),
    "own beliefs": Problem(
        30, [0.1, 0.9], [3.0, 0.01], PowerLaw(0.9, 0.9, 0.5, 1.0), beliefs="own"
    ),
}
OF_A_CONTRACT = [
    reward_distributions,
    contributions,
    graphical_illustration,
    deterministic_promise,
]
OF_TRIALS = {
    measured_curves: fitted_curves,
    realized: promises_and_results,
    split_errors: split_deployments,
}
OF_QUALITY = {quality_factors: factor_table, noisy_party: noisy_party_effects}
OF_TWO_TYPES = [
    functools.partial(draw, pair=pair)
    for draw in (two_type_surfaces, two_type_maps)
    for pair in TWO_TYPE_PAIRS
]


@pytest.fixture(scope="module")
def contracts():
    problems = [scenario.problem() for scenario in SCENARIOS.values()]
    return dict(zip(SCENARIOS, solve_many(problems), strict=True))


@pytest.fixture(scope="module")
def own():
    return {name: solve(problem) for name, problem in OWN.items()}


@pytest.fixture(scope="module")
def two_type():
    return two_type_experiment(n_parties=[2, 8, 30], p_high=[0.1, 0.4, 0.5, 0.6, 0.9])


@pytest.fixture(scope="module")
def trials():
    """What was measured, with fewer replicates."""
    found = json.loads((MEASUREMENTS / "real_models.json").read_text())
    for learner in LEARNERS:
        found[learner]["bootstrap"] = found[learner]["bootstrap"][:10]
    return found


@pytest.fixture(scope="module")
def quality():
    return json.loads((MEASUREMENTS / "quality.json").read_text())


@pytest.fixture(scope="module")
def every(contracts, two_type, trials, quality):
    """All figures of the book, by name, with their tables."""
    firm = contracts["big_firm_cooperation"]
    made = {
        "accuracy_curve": accuracy_curve(BOUND),
        "autarky_figure": autarky_figure(firm.problem),
        "free_riding_figure": free_riding_figure(free_riding_experiment(firm.problem, [1, 2, 4])),
        "counter_example": counter_example(),
        "scenario_panel": scenario_panel(
            {SCENARIOS[name].title: contract for name, contract in contracts.items()}
        ),
    }
    made |= {draw.__name__: draw(compute(trials)) for draw, compute in OF_TRIALS.items()}
    made |= {draw.__name__: draw(compute(quality)) for draw, compute in OF_QUALITY.items()}
    made |= {
        "sum_errors": sum_errors(sum_fits()),
        "menu_curve": menu_curve(large_market_menus(sizes=[4, 8])),
        "continuum_figure": continuum_figure(continuum_menus(sizes=[4, 8])),
        "belief_figure": belief_figure(belief_lines([2, 10])),
        "lower_cost_figure": lower_cost_figure(lower_cost_lines()),
        "logit_figure": logit_figure(logit_lines(rationalities=[0.1, 10.0])),
        "margin_figure": margin_figure(margin_lines([0.0, 2.0])),
        "asked_and_collected": asked_and_collected(crossing_lines(n_points=20)),
        "menu_planes": menu_planes(constraint_menus()),
        "two_passes": two_passes(pass_steps()),
        "unit_prices": unit_prices(units_for_the_budget()),
        "surplus_bars": surplus_bars(surplus_by_scheme()),
        "aversion_figure": aversion_figure(aversion_lines(aversions=[0.01, 0.1])),
    }
    for draw in OF_A_CONTRACT:
        made |= {f"{draw.__name__} {name}": draw(c) for name, c in contracts.items()}
    return made | {str(draw): draw(two_type) for draw in OF_TWO_TYPES}


def svg(figure):
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    return file.getvalue()


# --- style -----------------------------------------------------------------------------------


def test_style_leaves_nothing_behind():
    before = dict(mpl.rcParams)
    with figure_style.style():
        assert mpl.rcParams["svg.hashsalt"] == "paid-with-models"
    counter_example()[0].savefig(io.BytesIO(), format="svg")
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_figures_come_out_the_same_whatever_the_reader_has_set(every, contracts):
    rebuilt = {
        "reward_distributions big_firm_cooperation": lambda: reward_distributions(
            contracts["big_firm_cooperation"]
        ),
        "counter_example": counter_example,
    }
    for name, build in rebuilt.items():
        first = svg(every[name][0])
        changes = {
            "svg.hashsalt": None,
            "font.size": 30,
            "axes.unicode_minus": False,
            "axes.grid": True,
        }
        with mpl.rc_context(changes):
            assert svg(build()[0]) == first


def test_every_figure_is_reproducible(every):
    for name, (figure, _) in every.items():
        assert svg(figure) == svg(figure), name
    pdf = [io.BytesIO(), io.BytesIO()]
    for file in pdf:
        every["counter_example"][0].savefig(file, format="pdf")
    assert pdf[0].getvalue() == pdf[1].getvalue()
    assert b"<dc:date>" not in svg(every["counter_example"][0])


def drawn_texts(figure):
    """All texts that show; ticks outside an axis' limits have labels, too, but hidden ones."""
    ticks = set()
    for ax in figure.axes:
        for axis in [ax.xaxis, ax.yaxis] + ([ax.zaxis] if hasattr(ax, "zaxis") else []):
            shown = set(axis._update_ticks()) if ax.axison else set()
            every = {*axis.get_major_ticks(), *axis.get_minor_ticks()}
            ticks |= {t for tick in every - shown for t in (tick.label1, tick.label2)}
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in ticks
    ]


def test_text_is_large_enough_for_a_column_legible_and_inside_the_figure(every):
    outside = []
    for name, (figure, _) in every.items():
        with figure_style.style():
            renderer = FigureCanvasAgg(figure).get_renderer()
            figure.draw(renderer)  # a vector file, saved before, leaves labels where it has them
            boxes = {text: text.get_window_extent(renderer) for text in drawn_texts(figure)}
        figure_style._Canvas(figure)
        assert boxes, name
        frame = figure.bbox.padded(2)
        drawn = figure.get_tightbbox(renderer).padded(figure_style.PAD)
        shown = 72 * drawn.width
        for text, box in boxes.items():
            in_a_column = text.get_fontsize() * figure_style.COLUMN / figure_style.WIDTH
            assert in_a_column >= figure_style.LEAST_TEXT, (name, text)
            on_a_phone = text.get_fontsize() * figure_style.PHONE / shown
            assert on_a_phone >= figure_style.LEAST_PIXELS, (name, text)
            assert contrast_to_white(text.get_color()) >= figure_style.CONTRAST, (name, text)
            if not (frame.contains(box.x0, box.y0) and frame.contains(box.x1, box.y1)):
                outside.append((name, text, box))
    assert outside == []


# --- colours ---------------------------------------------------------------------------------

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SIMULATIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
# Ottosson's OKLab: equal distances look about equally different.
TO_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip


def linear(color):
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast_to_white(color):
    return 1.05 / (linear(color) @ [0.2126, 0.7152, 0.0722] + 0.05)


@pytest.mark.parametrize("vision", SIMULATIONS)
@pytest.mark.parametrize(
    ("n_types", "apart"), [(2, 0.3), (3, 0.15), (4, 0.15), (5, 0.12), (12, 0.01)]
)
def test_types_are_told_apart_by_every_eye(vision, n_types, apart):
    colors = figure_style.type_colors(np.arange(n_types, 0, -1))
    seen = [
        TO_LAB @ np.cbrt(TO_LMS @ np.clip(SIMULATIONS[vision] @ linear(c), 0, 1)) for c in colors
    ]
    closest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert closest >= apart


def test_colours_stand_out_from_white():
    for color in (
        *figure_style.type_colors(range(12, 0, -1)),
        figure_style.CAP,
        figure_style.ALARM,
    ):
        assert contrast_to_white(color) >= 3
    for color in (
        figure_style.INK,
        figure_style.MUTED,
        figure_style.FAINT,
        figure_style.CAP,
        figure_style.ALARM,
    ):
        assert contrast_to_white(color) >= 4.5  # used for text


def test_a_type_keeps_its_colour_in_any_order():
    costs = np.array([0.2, 0.05, 0.1])
    colors = np.array(figure_style.type_colors(costs))
    order = [2, 0, 1]
    assert figure_style.type_colors(costs[order]) == colors[order].tolist()
    assert len(set(figure_style.type_colors([0.1, 0.1]))) == 2


# --- parameters of the reader's own ----------------------------------------------------------


@pytest.mark.parametrize("name", OWN)
def test_figures_of_any_contract(own, name):
    contract = own[name]
    for draw in OF_A_CONTRACT:
        figure, table = draw(contract)
        svg(figure)
        assert np.isfinite(table.select_dtypes("number").to_numpy()).all()
    svg(scenario_panel({name: contract})[0])
    svg(autarky_figure(contract.problem)[0])
    svg(accuracy_curve(contract.problem.accuracy)[0])


def test_free_riding_figure_of_any_problem():
    for name in ("one type", "no collaboration", "arctan"):
        figure, table = free_riding_figure(free_riding_experiment(OWN[name], [1, 3]))
        svg(figure)
        assert len(table) == 8


def test_two_type_figures_of_any_costs_and_grid():
    for costs, sizes in (((0.01, 0.02), [3, 5]), ((0.1, 0.1), [2, 50]), ((2.0, 1.5), [1, 2])):
        results = two_type_experiment(sizes, [0.2, 0.7], costs=costs)
        for draw in OF_TWO_TYPES:
            svg(draw(results)[0])


# --- tables ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SCENARIOS, *OWN])
def test_reward_distributions_are_exact(contracts, own, name):
    contract = (contracts | own)[name]
    table = reward_distributions(contract)[1]
    for i, group in table.groupby("type"):
        assert group["probability"].sum() == pytest.approx(1, abs=1e-9)
        np.testing.assert_array_equal(group["first_moment"], contract.rewards[i - 1])
        mean = group["probability"] @ group["value"]
        tolerance = group["width"].max() / 2 + 1e-9 * (1 + abs(mean))
        assert mean == pytest.approx(contract.rewards[i - 1], abs=tolerance)


def test_pooled_types_have_the_same_bars(contracts):
    """Also where a reward lies on the edge of two bins, as rounding leaves it."""
    table = reward_distributions(contracts["big_and_small_collaboration"])[1]
    first, second = (table[table["type"] == i] for i in (1, 2))
    np.testing.assert_allclose(first["value"], second["value"], rtol=1e-12)
    np.testing.assert_allclose(first["probability"], second["probability"], rtol=1e-9)


def test_equal_rewards_look_equal(contracts):
    # All types pool: one reward for everyone, whoever turns up, on an axis that shows it.
    figure, table = reward_distributions(contracts["small_party_teamwork"])
    assert table["probability"].tolist() == pytest.approx([1.0] * 5)
    assert np.ptp(table["value"]) < 1e-6
    low, high = figure.axes[0].get_xlim()
    assert high - low >= 0.99


@pytest.mark.parametrize("name", [*SCENARIOS, *OWN])
def test_contributions_are_split(contracts, own, name):
    contract = (contracts | own)[name]
    table = contributions(contract)[1]
    m, alone = contract.contributions, contract.reservation_contributions
    np.testing.assert_allclose(table["base"] + table["added"], m)
    np.testing.assert_allclose(table["base"] + table["reduced"], alone)
    assert (table[["base", "added", "reduced"]] >= 0).all(axis=None)
    assert (table["added"] * table["reduced"] == 0).all()


def test_the_contract_spares_the_cheapest_big_firm(contracts):
    reduced = contributions(contracts["big_firm_cooperation"])[1]["reduced"]
    assert (reduced > 0).tolist() == [False] * 4 + [True]


def test_graphical_illustration_table(contracts):
    contract = contracts["big_firm_cooperation"]
    table = graphical_illustration(contract)[1]
    assert table["option"].tolist() == ["types 1–4"] * 4 + ["type 5"]
    assert len(options(contract)) == table["option"].nunique()
    np.testing.assert_allclose(
        table["reward"] - table["cost"] * table["contribution"], table["utility"]
    )
    np.testing.assert_allclose(
        table["reservation_value"] - table["cost"] * table["reservation_contribution"],
        table["reservation_utility"],
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_closer_look_holds_the_lower_choiceand_the_ceiling(contracts, name):
    contract = contracts[name]
    figure, _ = graphical_illustration(contract)
    lower = figure.axes[1]
    (x0, x1), (y0, y1) = lower.get_xlim(), lower.get_ylim()
    inside = (contract.contributions >= x0) & (contract.contributions <= x1)
    assert inside.sum() >= 4
    assert y0 < contract.rewards[inside].min()
    assert y1 > contract.reward_caps.max()


# Book: def-insolvency, prop-safe, prop-limit
def test_deterministic_promises(contracts):
    contract = contracts["big_and_small_collaboration"]
    table = deterministic_promise(contract)[1]
    chance, spare = table["insolvency_probability"], table["unused_value"]
    assert chance.is_monotonic_increasing
    assert spare.is_monotonic_decreasing
    value = contract.problem.valuation
    safe = table[chance == 0]["promise"].max()  # the least accuracy that can be realized
    assert safe == pytest.approx(float(contract.problem.accuracy(10 * contract.contributions[0])))
    assert table.loc[table["promise"] == safe, "unused_value"].item() == pytest.approx(
        contract.expected_value - float(value(safe))
    )
    assert chance.iloc[-1] == pytest.approx(1)
    assert spare.iloc[-1] == 0


def test_accuracy_curve_table():
    table = accuracy_curve(BOUND)[1]
    np.testing.assert_allclose(table["accuracy"], BOUND(table["data"]))
    assert (table["envelope"] >= table["accuracy"] - 1e-15).all()
    assert (table["data"] == BOUND.zero_until).any()
    assert accuracy_curve(BOUND, upto=50.0)[1]["data"].max() == 50
    for bad in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="upto"):
            accuracy_curve(BOUND, upto=bad)


def test_autarky_figure_table():
    problem = Problem(10, [0.5, 0.5], [1.0, 0.2], BOUND)
    table = autarky_figure(problem)[1]
    np.testing.assert_array_equal(table["reservation_utility"], autarky(problem).utilities)
    np.testing.assert_allclose(
        table["model_value"] - table["cost"] * table["reservation_contribution"],
        table["reservation_utility"],
    )


def test_counter_example_table():
    example = CounterExample()
    table = counter_example(example)[1]
    assert table.loc[table["expected_total"].idxmax(), "contribution"] == example.best_total
    assert table.loc[table["expected_root"].idxmax(), "contribution"] == example.best_root


@pytest.mark.parametrize(
    "draw", OF_TWO_TYPES, ids=lambda draw: f"{draw.func.__name__}-{draw.keywords['pair']}"
)
def test_two_type_tables_are_the_results(two_type, draw):
    table = draw(two_type)[1]
    assert len(table.columns) == 5
    pd.testing.assert_frame_equal(table, two_type[table.columns])


def test_two_type_figures_need_a_grid():
    line = two_type_experiment([4], [0.2, 0.7])
    for draw in OF_TWO_TYPES:
        with pytest.raises(ValueError, match="1 x 2"):
            draw(line)


def test_two_type_figures_show_known_pairs(two_type):
    for draw in (two_type_surfaces, two_type_maps):
        with pytest.raises(ValueError, match=r"pair must be one of contract, .*; got 'rewards'"):
            draw(two_type, "rewards")


def test_scenario_panel_table(contracts):
    table = scenario_panel(contracts)[1]
    assert table["scenario"].unique().tolist() == list(contracts)
    np.testing.assert_array_equal(
        table["first_moment"], np.concatenate([c.rewards for c in contracts.values()])
    )
    with pytest.raises(ValueError, match="contracts"):
        scenario_panel({})


def test_surplus_table_is_what_schemes_leave_to_the_parties(contracts, every):
    table = every["surplus_bars"][1]
    for name, contract in contracts.items():
        rows = table[table["scenario"] == SCENARIOS[name].title].set_index("scheme")
        alone = 10 * contract.problem.probabilities @ contract.reservation_utilities
        np.testing.assert_allclose(rows["alone"], alone, atol=1e-9)
        # Seen types keep what they have alone, nothing leaves more than the largest surplus.
        np.testing.assert_allclose(rows["surplus"]["complete"], alone, atol=1e-6)
        assert rows["surplus"].idxmax() == "surplus"
        assert rows["surplus"]["contract"] >= alone - 1e-9
        np.testing.assert_allclose(rows["accuracy"]["contract"], contract.expected_accuracy)


def test_maps_leave_out_a_type_for_which_all_is_zero(two_type):
    shown = {"contract": [["type 1", "type 2"]] * 2, "information": [["both types"], ["type 2"]]}
    for pair, rows in shown.items():
        figure, _ = two_type_maps(two_type, pair=pair)
        titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
        assert titles == [title for row in rows for title in row]
    without = two_type.assign(rents=0.0)
    titles = [ax.get_title(loc="left") for ax in two_type_maps(without, pair="information")[0].axes]
    assert [title for title in titles if title] == ["both types", "type 1", "type 2"]


def test_bunching_table_says_who_shares():
    shares = (0.2, 0.8)
    lines = bunching_lines(middle_costs=[0.1, 0.18], shares=shares)
    table = bunching(lines)[1]
    assert len(table) == 4 * 3
    for p in shares:
        contract = solve(Problem(10, [p, (1 - p) / 2, (1 - p) / 2], [0.2, 0.1, 0.05], BOUND))
        here = table[(table["along"] == "probability of type 1") & (table["at"] == p)]
        np.testing.assert_allclose(here["contribution"], contract.contributions, rtol=1e-9)
        assert here["option"].nunique() == len(options(contract))
    numbers = table.attrs["numbers"]
    assert (numbers["shared_1"], numbers["pooled_2"]) == (0.18, 0.8)
    assert numbers["costs_2"] == "0.2, 0.1, 0.05"


def test_bunching_marks_where_ratios_of_neighbors_are_equal():
    lines = bunching_lines(middle_costs=[0.06, 0.09, 0.12, 0.19], shares=[0.02, 0.4, 0.98])
    numbers = bunching(lines)[1].attrs["numbers"]
    assert (numbers["level_1"], numbers["level_2"]) == ("0.1 and 0.125", "0.5")


def test_measured_curves_table(trials, every):
    table = every["measured_curves"][1]
    numbers = table.attrs["numbers"]
    for k, (name, title) in enumerate(LEARNERS.items(), start=1):
        here = table[table["learner"] == title]
        np.testing.assert_array_equal(here["data"], trials[name]["sizes"])
        np.testing.assert_array_equal(here["accuracy"], trials[name]["accuracies"])
        misses = 100 * (here["fitted"] - here["accuracy"]).abs().max()
        assert numbers[f"sum_{k}"] == pytest.approx(misses)
        assert misses < numbers[f"power_{k}"] < 2
        assert (here["low"] < here["high"]).all()


def test_realized_table_is_what_the_runs_gave(trials, every):
    """Means and intervals of accuracies and rewards by hand."""
    table = every["realized"][1].set_index(["learner", "grading", "quantity"]).sort_index()
    for name, title in LEARNERS.items():
        for way, runs in trials[name]["trials"].items():
            here = table.loc[title, GRADINGS[way][0]]
            accuracies = 100 * np.array(runs["accuracies"])
            assert here.loc["mean accuracy", "mean"] == pytest.approx(accuracies.mean())
            width = 1.96 * accuracies.std(ddof=1) / np.sqrt(accuracies.size)
            assert here.loc["mean accuracy", "half_width"] == pytest.approx(width)
            # A slack is off by what its rewards are off.
            off = here["mean"] - here["theory"]
            for i in (1, 2, 3):
                assert off[f"IR {i}"] == pytest.approx(off[f"reward {i}"])
            assert off["IC 2 1"] == pytest.approx(off["reward 2"] - off["reward 1"])
    assert table.loc[:, "half_width"].min() > 0


def test_split_errors_table_is_sorted_and_consistent(every):
    table = every["split_errors"][1]
    error = (table["expected_accuracy"] - table["promised"]).to_numpy().reshape(-1, 3)
    assert len(error) == table.attrs["numbers"]["cases"] == table["split"].nunique()
    assert np.all(np.ptp(error, axis=1) == 0)
    assert np.all(np.diff(error[:, 0]) >= 0)
    # What one half promises is about what the other gets in the opposite direction.
    errors = dict(zip(table["split"], error.ravel(), strict=True))
    for number in {name[:-1] for name in errors}:
        assert errors[f"{number}a"] == pytest.approx(-errors[f"{number}b"], abs=2e-3)


def test_quality_factors_table_is_the_measured_factors(quality, every):
    table = every["quality_factors"][1]
    found = quality["tasks"]["digits"]["logistic"]
    clean, noisy = (
        {int(n): values for n, values in sets.items()}
        for sets in (found["clean"], found["noisy"]["0.2"])
    )
    here = table[
        (table["task"] == "ten digits") & (table["learner"] == "logistic") & (table["noise"] == 0.2)
    ]
    np.testing.assert_array_equal(here["factor"], measured_factors(clean, noisy).factors)
    # A factor or a bound, never both.
    assert (table["factor"].isna() == table["bound"].notna()).all()
    assert (table["factor"].isna() == table["error"].isna()).all()
    # Every factor inside the axes is drawn, and so is every bound; arrows (6) are no factors.
    figure = every["quality_factors"][0]
    drawn = sum(
        line.get_marker() not in ("None", None, "_", "|", 6) and len(line.get_xdata()) == 1
        for ax in figure.axes
        for line in ax.get_lines()
    )
    assert drawn == len(table)


def test_noisy_party_table(quality, every):
    table = every["noisy_party"][1]
    for k, (learner, runs) in enumerate(quality["contract"].items(), start=1):
        here = table[table["learner"] == learner].set_index("noisy_data")
        lost = 100 * (np.mean(runs["noisy"]) - np.mean(runs["clean"]))
        assert here.loc["taken as good", "difference"] == pytest.approx(lost)
        line = here.loc["counted as q"]
        assert line["difference"].is_monotonic_increasing
        assert line["difference"].iloc[-1] == pytest.approx(0, abs=1e-12)
        implied = table.attrs["numbers"][f"implied_{k}"]
        if implied > 0:
            at = np.interp(implied, line["quality"], line["difference"])
            assert at == pytest.approx(lost)
        else:
            assert lost < line["difference"].min()


# --- beliefs and behavior --------------------------------------------------------------------


def test_belief_table_is_the_contracts():
    table = belief_figure(belief_lines([2, 5]))[1]
    for beliefs in figure_style.BELIEFS:
        for size in (2, 5):
            contract = solve(Problem(size, [0.5, 0.5], [0.5, 0.2], BOUND, beliefs=beliefs))
            here = table[(table["beliefs"] == beliefs) & (table["n_parties"] == size)]
            rents = contract.utilities - contract.reservation_utilities
            np.testing.assert_allclose(here["reward_cap"], contract.reward_caps)
            np.testing.assert_allclose(here["rents"], rents, atol=1e-9)
    assert table.attrs["numbers"] == {"smallest": 2, "largest": 5}


# Book: thm-lower-costs
def test_lower_cost_table_proves_the_jump():
    table = lower_cost_figure(lower_cost_lines())[1]
    assert (table["upper_bound"] - table["expected_accuracy"]).between(0, 1e-10).all()
    paper, own = (
        table[table["beliefs"] == it].sort_values("offset").reset_index()
        for it in figure_style.BELIEFS
    )
    jump = paper["offset"].searchsorted(0)
    assert paper["expected_accuracy"][jump] > paper["upper_bound"][jump - 1] + 3e-4
    assert own["expected_accuracy"].diff().max() <= 1e-12  # a dearer type never helps
    assert table.attrs["numbers"]["jump"] == pytest.approx(3.1e-4, abs=1e-5)


def test_logit_table_has_every_case():
    lines = logit_lines(rationalities=[0.5, 5.0], scenarios=["big_firm_cooperation"])
    table = logit_figure(lines)[1].set_index(["case", "rationality"])
    assert len(table) == 5 * 2
    contract = solve(SCENARIOS["big_firm_cooperation"].problem())
    menu = contract.problem, contract.contributions, contract.rewards
    for case, choice in {
        "nobody may stay out": {"opting_out": False},
        "the promise is believed": {},
        "parties foresee who stays": {"anticipating": True},
        "foreseen, rewards capped": {"anticipating": True, "assignment": Assignment.CAPPED},
    }.items():
        behavior, row = logit_behavior(*menu, 5.0, **choice), table.loc[(case, 5.0)]
        assert row["participation"] == pytest.approx(behavior.participation)
        assert row["expected_accuracy"] == pytest.approx(behavior.expected_accuracy)
    assert table.loc[("nobody may stay out", 5.0), "participation"] == 1


def test_margin_table_has_price_and_bound():
    table = margin_figure(margin_lines([0.0, 2.0], [3.0], ["big_firm_cooperation"]))[1]
    problem = SCENARIOS["big_firm_cooperation"].problem()
    for margin, row in zip((0.0, 2.0), table.itertuples(), strict=True):
        menu = slack_menu(problem, margin)
        behavior = logit_behavior(problem, menu.contributions, menu.rewards, 3.0, anticipating=True)
        assert row.margin == margin
        assert row.upper_bound == pytest.approx(menu.upper_bound)
        assert row.foreseen == pytest.approx(behavior.expected_accuracy)


def test_aversion_table_orders_the_assignments():
    lines = aversion_lines(aversions=[0.05], scenarios=["big_and_small_collaboration"])
    table = aversion_figure(lines)[1].set_index("assignment")
    assert table["premium"].loc[["capped", "proportional", "lottery"]].is_monotonic_increasing
    assert table["participation"].loc["capped"] > 0.99 > table["participation"].loc["lottery"]


# --- beyond the combinatorial barrier --------------------------------------------------------


def test_sum_error_table_tells_curves_apart():
    table = sum_errors(sum_fits())[1]
    least = table.groupby("curve")["proved_error"].min()
    assert (least.drop("arctangent") < 1e-13).all()
    assert least["arctangent"] > 1e-3
    falling = table[table["curve"] == "power law"].sort_values("terms")["proved_error"]
    assert falling.is_monotonic_decreasing


def test_menu_curve_is_one_step():
    table = menu_curve(large_market_menus(sizes=[8]))[1].set_index("distribution")
    for name, costs in cost_distributions().items():
        here = table.loc[name]
        assert here["cost"].is_monotonic_increasing
        contract = solve(Problem(10_000, [1 / 8] * 8, here["cost"][::-1], BOUND))
        np.testing.assert_allclose(here["contribution"], contract.contributions[::-1], rtol=1e-9)
        np.testing.assert_allclose(here["share_below"], (np.arange(8) + 0.5) / 8)
        inside = here["cost"] < 0.85 * best_cutoff(costs)
        assert np.ptp(here["contribution"][inside]) < 1e-6 * here["contribution"].max()


def test_continuum_table_has_both_bounds():
    table = continuum_figure(continuum_menus(sizes=[4]))[1]
    curve = PowerLaw(1.0, 2.0, 0.5, 4.0)
    for name, distribution in cost_distributions(0.2).items():
        p, *costs = bracketing_types(distribution, 4)
        dearer, cheaper = (solve(Problem(10, p, c, curve, beliefs="own")) for c in costs)
        here = table[table["distribution"] == name]
        np.testing.assert_allclose(here["at_least"], dearer.expected_accuracy)
        np.testing.assert_allclose(here["at_most"], cheaper.upper_bound)
        np.testing.assert_allclose(here["contribution"], dearer.contributions, rtol=1e-6)
