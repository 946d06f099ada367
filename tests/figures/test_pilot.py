"""Figures of the chapter on pilots: what they show is what was measured."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from measurements.learning_curves import fits
from paid_with_models.beyond.lcdb import select_curves
from paid_with_models.figures.pilot import (
    contract_outcomes,
    pilot_contracts,
    pilot_fits,
    prediction_errors,
    predictions,
    real_fits,
    seen_and_fitted,
)

MEASURED = Path(__file__).parents[2] / "measurements" / "learning_curves.json"


@pytest.fixture(scope="module")
def measured():
    return json.loads(MEASURED.read_text())


def svg(figure):
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    return file.getvalue()


def test_fits_see_only_what_the_pilot_measured():
    fits = real_fits()
    figure, table = pilot_fits(seen_and_fitted())
    for it in fits:
        assert it.fit.sizes[-1] <= it.curve.sizes[-1] / 4 * 1.01
        rows = table[table["dataset"] == it.curve.name]
        assert rows["accuracy"].tolist() == it.curve.accuracies.tolist()
        assert (rows["seen"] == "yes").sum() == it.fit.sizes.size
    assert np.all((table["low"] <= table["fitted"]) & (table["fitted"] <= table["high"]))
    assert table.attrs["numbers"]["later"] == (table["seen"] == "no").sum()
    assert svg(figure) == svg(figure)


def test_a_part_that_leaves_too_little_is_refused():
    with pytest.raises(ValueError, match="part must leave five sizes"):
        real_fits(1e6)


def test_errors_grow_with_what_is_predicted(measured):
    _, table = prediction_errors(predictions(measured))
    of_sum = table[table["form"] == "sum of exponentials"].sort_values("factor")
    assert np.all(np.diff(of_sum["middle"]) > 0)
    assert np.all(table["middle"] <= table["far"])
    assert table["curves"].min() > 3000


def test_robust_contracts_keep_more_promises_at_a_price(measured):
    _, table = pilot_contracts(contract_outcomes(measured))
    by = table.set_index(["design", "factor"])
    assert by.loc[("robust", 4), "kept"] > by.loc[("fitted", 4), "kept"]
    assert by.loc[("robust", 4), "lost"] > by.loc[("fitted", 4), "lost"]
    assert list(table["design"].drop_duplicates()) == ["fitted", "average", "robust"]
    # A contract that keeps all breaks neither IR nor caps.
    assert np.all(table["kept"] <= 1 - table[["ir_broken", "caps_broken"]].max(axis=1) + 1e-12)


def test_fits_are_as_good_as_a_report_needs(measured):
    """Of all real curves with eight sizes or more; what misses by far is flagged."""
    fits = measured["fits"]
    assert fits["curves"] == len(select_curves()) > 4000
    assert fits["answered"] >= 0.995 * fits["curves"]
    assert fits["mean absolute miss"]["0.5"] <= 0.005
    assert fits["mean absolute miss"]["0.95"] <= 0.03
    assert fits["beyond .03 and warned of"] == fits["beyond .03"] > 0
    assert fits["milliseconds"]["0.5"] <= 50


def test_what_is_stored_of_fits_is_what_fits_are():
    stored = json.loads(MEASURED.read_text())["fits"]
    curves = select_curves()
    found = fits(tuple(curves[k] for k in range(0, len(curves), 20)))
    miss, typical = stored["mean absolute miss"], found["mean absolute miss"]["0.5"]
    assert miss["0.4"] < typical < miss["0.6"]
    assert found["answered"] >= 0.98 * found["curves"]
    assert found["milliseconds"]["0.5"] <= 50


def test_contracts_are_tried_on_every_usable_curve(measured):
    contracts = measured["contracts"]
    for setting in contracts["settings"].values():
        tried = setting["curves"] + setting["costs could not be set"]
        tried += setting["the best contract asks for more than was measured"]
        assert tried == contracts["curves"]["used"]
