"""Figures of the chapter on pilots: what they show is what was measured."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

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
