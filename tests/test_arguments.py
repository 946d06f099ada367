"""What is no real number is refused by name, everywhere."""

import datetime
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import paid_with_models as pm
from paid_with_models.arguments import real, reals, truth, whole, wholes


class Raises:
    def __array__(self, *_, **__):
        raise RuntimeError("no")


class Unshown:
    def __repr__(self):
        raise RuntimeError("no")


NO_LISTS = [
    np.array([0.2 + 5j, 0.1]),
    [0.2 + 0j, 0.1],
    np.ma.array([0.2, 0.1], mask=[True, False]),
    ["0.2", "0.1"],
    np.array(["0.2", "0.1"]),
    np.array(["0.2", 0.1], dtype=object),
    [True, 0.1],
    [np.bool_(True), 0.1],
    np.array([True, False]),
    [b"1", b"2"],
    np.array([1, 2], dtype="m8[s]"),
    np.array([1, 2], dtype="M8[s]"),
    [datetime.date(2026, 1, 1)] * 2,
    np.array([(1.0,), (2.0,)], dtype=[("a", float)]),
    Raises(),
    Unshown(),
    [None, 0.1],
    [[0.2], [0.1, 0.3]],
    {"a": 1},
    pd.Series(["a", "b"]),
    [10**400, 0.1],
]
NO_NUMBERS = [
    "1", True, np.bool_(True), 1 + 0j, np.complex128(1), np.array(1.0), np.array([1.0]), [1.0],
    b"1", Raises(), None, np.ma.masked, np.timedelta64(1, "s"), datetime.date(2026, 1, 1), 10**400,
    Decimal("sNaN"),
]  # fmt: skip


def problem(**changes):
    stated = {"probabilities": [0.5, 0.5], "costs": [0.2, 0.1], "accuracy": pm.Arctan()}
    return pm.Problem(**{"n_parties": 3} | stated | changes)


BASE = problem()
TAKE_LISTS = {
    "costs": lambda it: problem(costs=it),
    "probabilities": lambda it: problem(probabilities=it),
    "reservation_utilities": lambda it: problem(reservation_utilities=it),
    "contributions": lambda it: pm.audit(BASE, it, [1, 2]),
    "rewards": lambda it: pm.menu_residuals(BASE, [1, 2], it),
    "left_out": lambda it: pm.menu_residuals(BASE, [0, 0], [0, 0], left_out=it),
    "weights": lambda it: pm.Saturating(it, (0.1, 0.2)),
    "rates": lambda it: pm.Saturating((0.1, 0.2), it),
    "numbers": lambda it: pm.KnownParties(it),
    "sizes": lambda it: pm.learning_curve(it, [0.5, 0.6]),
    "counts": lambda it: pm.free_riding(BASE, it),
    "start": lambda it: pm.best_reply_dynamics(BASE, [0.2, 0.1], start=it),
    "data": lambda it: BASE.accuracy(it),
    r"over\['costs'\]": lambda it: pm.sweep(BASE, {"costs": [it]}),
    r"over\['accuracy.rate'\]": lambda it: pm.sweep(BASE, {"accuracy.rate": it}),
}
TAKE_NUMBERS = {
    "complexity": lambda it: pm.GeneralizationBound(1.0, it),
    "optimum": lambda it: pm.GeneralizationBound(it),
    "offset": lambda it: pm.PowerLaw(0.9, 1.0, 0.5, it),
    "scale": lambda it: pm.LinearValuation(it),
    "exponent": lambda it: pm.PowerValuation(1.0, it),
    "aversion": lambda it: pm.ExponentialValuation(1.0, it),
    "mean": lambda it: pm.PoissonParties(it, [0.5, 0.5]),
    "n_parties": lambda it: problem(n_parties=it),
    "beliefs": lambda it: problem(beliefs=it),
    "accuracy": lambda it: problem(accuracy=it),
    "valuation": lambda it: problem(valuation=it),
    "max_nodes": lambda it: pm.solve(BASE, max_nodes=it),
    "expectations": lambda it: pm.solve(BASE, expectations=it),
    "limit": lambda it: pm.sweep(BASE, {"n_parties": [2]}, limit=it),
    "problem": lambda it: pm.solve(it),
    "problems?": lambda it: pm.solve_many(it),
}


@pytest.mark.parametrize("name", TAKE_LISTS)
@pytest.mark.parametrize("given", NO_LISTS, ids=lambda it: type(it).__name__)
def test_no_list_of_real_numbers(name, given):
    with pytest.raises(ValueError, match=rf"^{name}") as refused:
        TAKE_LISTS[name](given)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("name", TAKE_NUMBERS)
@pytest.mark.parametrize("given", NO_NUMBERS, ids=lambda it: type(it).__name__)
def test_no_real_number(name, given):
    with pytest.raises(ValueError, match=rf"^{name}") as refused:
        TAKE_NUMBERS[name](given)
    assert len(str(refused.value)) < 500


def test_numbers_of_every_kind_are_read():
    numbers = [1, np.float32(0.5), np.int8(2), Fraction(1, 4), Decimal("0.1")]
    assert reals("costs", numbers).tolist() == [1.0, 0.5, 2.0, 0.25, 0.1]
    for values in (pd.Series([1, 2]), np.array([1, 2], object), (1, 2), np.ma.array([1, 2])):
        assert reals("costs", values).tolist() == [1.0, 2.0]
    assert [real("scale", it) for it in numbers] == [1.0, 0.5, 2.0, 0.25, 0.1]
    assert pm.LinearValuation(3) == pm.LinearValuation(np.float64(3.0))
    assert type(pm.LinearValuation(3).scale) is float
    assert whole("n", np.uint8(3), least=1) == 3


def test_an_array_is_copied_not_shared():
    given = np.array([0.2, 0.1])
    made = problem(costs=given)
    given[0] = 7.0
    assert made.costs.tolist() == [0.2, 0.1]


def test_likely_slips_say_what_to_call():
    with pytest.raises(ValueError, match="solve_many"):
        pm.solve([BASE])
    with pytest.raises(ValueError, match=r"contract\.problem"):
        pm.solve(pm.solve(BASE))
    with pytest.raises(ValueError, match="problem_from_dict"):
        pm.solve({"n_parties": 3})
    with pytest.raises(ValueError, match="PoissonParties"):
        pm.Problem(costs=[0.2, 0.1], accuracy=pm.Arctan(), attendance=[1, 2])


def test_long_values_are_shown_short():
    with pytest.raises(ValueError, match="n_parties must be an integer") as refused:
        problem(n_parties="k" * 5_000_000)
    assert len(str(refused.value)) < 300
    with pytest.raises(ValueError, match="costs must all be positive") as refused:
        problem(costs=[-1.0] * 5000)
    assert len(str(refused.value)) < 300


def test_importing_and_solving_take_few_modules():
    code = """
import sys
import paid_with_models as pm
heavy = ("pandas", "xarray", "matplotlib", "cvxpy", "jsonschema", "scipy.optimize", "scipy.sparse",
         "scipy.linalg", "scipy.special", "scipy.stats", "numpy.ma", "distributed", "zarr")
early = [name for name in heavy if name in sys.modules]
count = len(sys.modules)
pm.solve(pm.Problem(10, [0.2, 0.3, 0.5], [0.5, 0.2, 0.05], pm.GeneralizationBound()))
late = [name for name in heavy if name in sys.modules]
print(early, late, count)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    early, late, count = run.stdout.rsplit(" ", 2)[0], "", int(run.stdout.split()[-1])
    assert run.stdout.startswith("[] [] "), (early, late)
    assert count < 420


@pytest.mark.parametrize("given", [[-1], [0.5], [np.nan], [np.inf], [True], ["1"], None])
def test_counts_are_whole_numbers_from_0(given):
    with pytest.raises(ValueError, match=r"^counts must be"):
        wholes("counts", given)


@pytest.mark.parametrize("given", [bytearray(b"1"), memoryview(b"1"), [bytearray(b"1")]])
def test_bytes_are_no_numbers_however_they_are_kept(given):
    with pytest.raises(ValueError, match=r"^costs must be numbers"):
        reals("costs", given)


@pytest.mark.parametrize("given", [1, 0, None, "no", [True]])
def test_only_truth_values_are_true_or_false(given):
    with pytest.raises(ValueError, match=r"^anticipating must be True or False"):
        truth("anticipating", given)
