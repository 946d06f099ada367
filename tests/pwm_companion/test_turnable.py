"""Surfaces that turn: what the page gets, and the same at each run."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from plotly.offline import get_plotlyjs_version

from paid_with_models.paper.two_types import surfaces, two_type_experiment
from pwm_companion.figures.turnable import two_type_surfaces


@pytest.fixture(scope="module")
def results() -> pd.DataFrame:
    return two_type_experiment([4, 8, 12], [0.3, 0.7])


def drawn(results: pd.DataFrame, quantity: str) -> str:
    turnable = two_type_surfaces(results, quantity, "units", "turn-it", 'a "surface"')
    return str(turnable._repr_mimebundle_()["text/html"])


@pytest.mark.parametrize(("quantity", "surfaces"), [("contributions", 2), ("gap", 1)])
def test_page_gets_the_surfaces_and_no_script_of_its_own(
    results: pd.DataFrame, quantity: str, surfaces: int
) -> None:
    page = drawn(results, quantity)
    assert page == drawn(results, quantity)
    assert page.count('"type":"surface"') == surfaces
    assert 'id="turn-it"' in page
    assert 'aria-label="a &quot;surface&quot;"' in page
    assert set(re.findall("<script[^>]*>", page)) == {'<script type="text/plain">'}
    assert len(page) < 50_000


def test_where_types_are_alike_one_surface_is_drawn_for_both() -> None:
    results = two_type_experiment([4, 8], [0.2, 0.3, 0.7, 0.8, 0.9])
    figure = two_type_surfaces(results, "contributions", "data", "turn-it", "contributions").figure
    one, two = (table.to_numpy() for table in surfaces(results, "contributions"))
    names = [surface.name for surface in figure.data]
    assert names[-1] == "both alike"
    apart, _, both = (np.array(surface.z, dtype=float) for surface in figure.data)
    drawn_once = np.isnan(apart) & ~np.isnan(both)
    assert drawn_once[:, -1].all()
    assert np.isnan(both[:, 0]).all()
    np.testing.assert_allclose(both[drawn_once], one[drawn_once], rtol=1e-4)
    np.testing.assert_allclose(both[drawn_once], two[drawn_once], rtol=1e-2)


def test_surfaces_are_the_results(results: pd.DataFrame) -> None:
    figure = two_type_surfaces(results, "rewards", "value", "turn-it", "rewards").figure
    for surface, table in zip(figure.data, surfaces(results, "rewards"), strict=True):
        np.testing.assert_allclose(surface.z, table, rtol=1e-4)


def test_quantity_must_be_on_the_grid(results: pd.DataFrame) -> None:
    for name in ("costs", "nothing"):
        with pytest.raises(ValueError, match="on the grid"):
            drawn(results, name)


def test_the_script_that_draws_is_of_the_version_that_describes() -> None:
    (script,) = (Path(__file__).parents[2] / "book/_static").glob("plotly*.js")
    said = re.search(r"v(\d+)\.", script.read_text(encoding="utf-8")[:200])
    assert said is not None
    assert said[1] == get_plotlyjs_version().partition(".")[0]
