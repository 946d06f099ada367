"""The stored map of contract shapes, and the figure drawn from it."""

import json
from pathlib import Path

import numpy as np
import pytest

from measurements.contract_map import LETTERS, chances
from paid_with_models import GeneralizationBound, Problem, solve_many
from paid_with_models.figures.many_problems import contract_map
from paid_with_models.sweeps import sweep

FILE = Path(__file__).parents[2] / "measurements" / "contract_map.json"


@pytest.fixture(scope="module")
def stored():
    return json.loads(FILE.read_text())


def test_what_the_map_must_show(stored):
    assert stored["problems"] >= 100_000
    assert stored["problems"] == sum(len("".join(it["options"])) for it in stored["panels"])
    assert stored["closed"] == stored["optimal"]
    assert stored["optimal"] >= 0.9999 * stored["problems"]
    assert stored["again"]["closed"] == stored["problems"] - stored["optimal"]
    assert stored["again"]["largest_gain"] <= 1e-12
    assert stored["seconds"] < 120
    assert not stored["changed_since"]


def test_points_of_the_map_are_in_the_order_of_its_letters(stored):
    """Three points of a panel, far from borders; the order is that of `chances`."""
    steps = stored["steps"]
    (panel,) = (
        it for it in stored["panels"] if it["n_parties"] == 4 and it["costs"] == [0.3, 0.15, 0.1]
    )
    letters, everywhere = "".join(panel["options"]), chances(steps)
    at = [(0.7, 0.1, 0.2), (0.5, 0.1, 0.4), (0.05, 0.4, 0.55), (0.2, 0.7, 0.1)]
    near = [int(np.argmin([np.abs(np.subtract(it, p)).sum() for it in everywhere])) for p in at]
    curve = GeneralizationBound()
    contracts = solve_many([Problem(4, everywhere[k], panel["costs"], curve) for k in near])
    expected = {(): "s", ((0, 1),): "c", ((1, 2),): "f", ((0, 1, 2),): "p"}
    assert [letters[k] for k in near] == [expected[it.bunches] for it in contracts]
    assert len({letters[k] for k in near}) == 4


def test_the_option_of_a_sweep_names_who_shares():
    base = Problem(4, [0.3, 0.3, 0.4], [0.3, 0.15, 0.1], GeneralizationBound())
    grid = [(0.7, 0.1, 0.2), (0.5, 0.1, 0.4), (0.05, 0.4, 0.55), (0.2, 0.7, 0.1)]
    found = sweep(base, {"probabilities": grid})
    letters = [LETTERS[tuple(row)] for row in found.option.values.tolist()]
    assert letters == ["p", "c", "f", "s"]


def test_the_table_behind_the_figure_is_the_map(stored):
    small = stored | {"panels": stored["panels"][:2]}
    table = contract_map(small)[1]
    step, names = 1 / stored["steps"], {"s": "none", "c": "1+2"}
    names |= {"f": "2+3", "p": "1+2+3"}
    for panel in small["panels"]:
        here = table[(table[["cost_1", "cost_2", "cost_3"]] == panel["costs"]).all(axis=1)]
        for row, letters in enumerate(panel["options"], start=1):
            runs = here[np.isclose(here["p_3"], row * step, atol=1e-4)]
            drawn = ""
            for run in runs.itertuples():
                count = round((run.p_1_to - run.p_1_from) / step) + 1
                drawn += next(k for k, v in names.items() if v == run.shared) * count
            assert drawn == letters
