import json
import re

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from paid_with_models import (
    Arctan,
    Curve,
    ExponentialValuation,
    GeneralizationBound,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    solve,
)
from paid_with_models.files import (
    contract_from_dict,
    contract_schema,
    contract_to_dict,
    menu_from_dict,
    menu_schema,
    problem_from_dict,
    problem_schema,
    problem_to_dict,
)

PROBLEM = {
    "n_parties": 10,
    "probabilities": [0.2, 0.3, 0.5],
    "costs": [0.5, 0.2, 0.05],
    "accuracy": {"name": "GeneralizationBound", "parameters": {"complexity": 2}},
}
MENU = PROBLEM | {"contributions": [0, 150, 600], "rewards": [0.0, 70, 86.5], "left_out": [0]}

PROBLEMS = [
    Problem(10, [0.2, 0.8], [0.5, 0.2], GeneralizationBound(0.9, 2.0), PowerValuation(10.0, 1.5)),
    Problem(2, [1.0], [0.5], PowerLaw(0.95, 1.0, 0.4, 2.0), ExponentialValuation(5.0, 2.0)),
    Problem(3, [0.5, 0.5], [0.5, 0.2], Saturating((0.5, 0.4), (0.1, 0.003)), beliefs="own"),
    Problem(3, [0.5, 0.5], [0.5, 0.2], Arctan(), reservation_utilities=[30.0, 60.0]),
]


def test_the_schemas_are_schemas():
    for schema in (problem_schema(), menu_schema(), contract_schema()):
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_problem_is_the_same_after_writing_and_reading(problem):
    document = json.loads(json.dumps(problem_to_dict(problem)))
    Draft202012Validator(problem_schema()).validate(document)
    again = problem_from_dict(document)
    assert problem_to_dict(again) == document
    assert (again.accuracy, again.valuation, again.beliefs, again.n_parties) == (
        problem.accuracy,
        problem.valuation,
        problem.beliefs,
        problem.n_parties,
    )
    assert np.array_equal(again.costs, problem.costs)
    assert np.array_equal(again.outside_options, problem.outside_options)


def test_defaults_may_be_left_out():
    problem = problem_from_dict(PROBLEM)
    assert problem.accuracy == GeneralizationBound(1.0, 2.0)
    assert float(problem.valuation(0.5)) == 50.0
    assert problem.beliefs == "paper"


def test_a_menu():
    Draft202012Validator(menu_schema()).validate(MENU)
    menu = menu_from_dict(MENU)
    assert menu.contributions.tolist() == [0.0, 150.0, 600.0]
    assert menu.rewards.tolist() == [0.0, 70.0, 86.5]
    assert menu.left_out == (0,)
    assert menu.problem.costs.tolist() == PROBLEM["costs"]


@pytest.mark.parametrize("costs", [[0.5, 0.2, 0.05], [1.0, 0.9, 0.8], [50.0, 40.0, 30.0]])
def test_a_contract_fits_its_schema(costs):
    contract = solve(Problem(10, [0.2, 0.3, 0.5], costs, GeneralizationBound()))
    document = json.loads(json.dumps(contract_to_dict(contract), allow_nan=False))
    schema = contract_schema()
    Draft202012Validator(schema).validate(document)
    assert set(document) == set(schema["properties"])
    assert document["contributions"] == contract.contributions.tolist()
    assert document["upper_bound"] == contract.upper_bound
    assert document["multipliers"]["caps"] == contract.multipliers.caps.tolist()
    document["gap"] = -1.0
    assert not Draft202012Validator(schema).is_valid(document)


# What the schema and the reader both refuse.
REFUSED = [
    ({"n_parties": None}, "n_parties must be an integer; got None"),
    ({"n_parties": 2.5}, "n_parties must be an integer; got 2.5"),
    ({"n_parties": 0}, "n_parties must be an integer >= 1; got 0"),
    ({"n_parties": True}, "n_parties must be an integer >= 1; got True"),
    ({"costs": 0.5}, "costs must be a list of numbers; got 0.5"),
    ({"costs": [0.5, "0.2", 0.05]}, "costs must be a list of numbers; got [0.5, '0.2', 0.05]"),
    (
        {"costs": [0.5, 0.2, 0.0]},
        "costs must all be positive and at most 1e290; got [0.5, 0.2, 0.0]",
    ),
    ({"costs": []}, "costs must be a non-empty list of numbers; got []"),
    ({"probabilities": [True, 0.5, 0.5]}, "probabilities must be a list of numbers"),
    ({"beliefs": "none"}, "beliefs must be 'paper' or 'own'; got 'none'"),
    ({"cost": [1.0]}, "cost is not a known field; known are n_parties"),
    ({"accuracy": "PowerLaw"}, "accuracy must be a mapping; got 'PowerLaw'"),
    ({"accuracy": {}}, "accuracy.name is missing"),
    ({"accuracy": {"name": "Logistic"}}, "accuracy.name must be one of GeneralizationBound"),
    ({"accuracy": {"name": "PowerLaw"}}, "accuracy.parameters.optimum is missing"),
    (
        {"accuracy": {"name": "Arctan", "parameters": {"speed": 1.0}}},
        "accuracy.parameters.speed is not a known field; known are optimum, rate",
    ),
    (
        {"accuracy": {"name": "Arctan", "parameters": {"rate": "1e-2"}}},
        "accuracy.parameters.rate must be a number; got '1e-2'",
    ),
    (
        {"accuracy": {"name": "Arctan", "parameters": {"rate": -1}}},
        "accuracy.parameters.rate must be > 0 and finite; got -1.0",
    ),
    (
        {"accuracy": {"name": "Saturating", "parameters": {"weights": 0.5, "rates": [0.1]}}},
        "accuracy.parameters.weights must be a list of numbers; got 0.5",
    ),
    (
        {"valuation": {"name": "LinearValuation", "parameters": [100.0]}},
        "valuation.parameters must be a mapping; got [100.0]",
    ),
    ({"reservation_utilities": 3}, "reservation_utilities must be a list of numbers; got 3"),
]

# What only the reader can know.
REFUSED_BY_THE_READER = [
    ({"costs": [0.5, 0.2]}, "probabilities must have one entry per cost, 2; got 3"),
    ({"probabilities": [0.2, 0.3, 0.4]}, "probabilities must sum to 1; they sum to 0.9"),
    ({"costs": [0.5, 0.2, float("nan")]}, "costs must not be NaN"),
    ({"reservation_utilities": [0, 0, 0]}, "reservation_utilities must be at least what each"),
    (
        {"accuracy": {"name": "Saturating", "parameters": {"weights": [2.0], "rates": [0.1]}}},
        "accuracy.parameters.weights must be of sum in (0, 1]; got (2.0,)",
    ),
]


@pytest.mark.parametrize(("change", "message"), REFUSED + REFUSED_BY_THE_READER)
def test_what_is_wrong_is_named(change, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        problem_from_dict(PROBLEM | change)


@pytest.mark.parametrize("change", [change for change, _ in REFUSED])
def test_the_schema_refuses_it_too(change):
    assert Draft202012Validator(problem_schema()).is_valid(PROBLEM)
    assert not Draft202012Validator(problem_schema()).is_valid(PROBLEM | change)


@pytest.mark.parametrize("field", ["n_parties", "probabilities", "costs", "accuracy"])
def test_what_is_missing_is_named(field):
    data = {name: value for name, value in PROBLEM.items() if name != field}
    with pytest.raises(ValueError, match=f"^{field} is missing$"):
        problem_from_dict(data)
    assert not Draft202012Validator(problem_schema()).is_valid(data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rewards": None}, "rewards must be a list of numbers; got None"),
        ({"rewards": [0.0, 70.0]}, "rewards must have one entry per type, 3; got 2"),
        ({"contributions": [0, -1, 600]}, "contributions must be non-negative and finite"),
        ({"left_out": 0}, "left_out must be a list of whole numbers; got 0"),
        ({"left_out": [0.0]}, "left_out must be a list of whole numbers; got [0.0]"),
        ({"costs": [0.5]}, "probabilities must have one entry per cost"),
        ({"option": 1}, "option is not a known field; known are n_parties"),
    ],
)
def test_what_is_wrong_with_a_menu_is_named(change, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        menu_from_dict(MENU | change)


def test_a_menu_without_rewards():
    with pytest.raises(ValueError, match=r"^rewards is missing$"):
        menu_from_dict(PROBLEM | {"contributions": [1.0, 2.0, 3.0]})


class OwnCurve(Curve):
    optimum = 0.5

    def evaluate(self, data):
        return GeneralizationBound(0.5).evaluate(data)


def test_a_curve_of_ones_own_cannot_be_written():
    problem = Problem(2, [1.0], [0.5], OwnCurve())
    with pytest.raises(ValueError, match="accuracy must be one of GeneralizationBound"):
        problem_to_dict(problem)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("contributions", [np.nan, 1.0], "contributions must be finite and not negative"),
        ("rewards", [-1.0, 1.0], "rewards must be finite and not negative"),
        ("utilities", [np.inf, 1.0], "utilities must be finite"),
        ("gap", np.nan, "gap must be finite and not negative"),
        ("gap", -5, "gap must be finite and not negative"),
        ("expected_accuracy", np.inf, "expected_accuracy must be finite"),
        ("kkt_residual", -1.0, "kkt_residual must be finite and not negative"),
        ("bunches", [[True, 0]], "bunches must be lists of types"),
        ("bunches", [[0]], "bunches must be lists of types, two or more"),
        ("bunches", [[0, 9]], "bunches must name types once, of 0 to 1"),
        ("bunches", [[0, 0]], "bunches must name types once"),
        ("status", ["optimal"], "status must be one of"),
        ("shape", None, "shape must be one of"),
    ],
)
def test_numbers_that_no_contract_has_are_named(field, value, message):
    contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    with pytest.raises(ValueError, match=message):
        contract_from_dict(contract_to_dict(contract) | {field: value})


def test_types_left_out_of_a_menu_are_types():
    problem = problem_to_dict(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    menu = problem | {"contributions": [0.0, 2.0], "rewards": [0.0, 4.0]}
    assert menu_from_dict(menu | {"left_out": [0]}).left_out == (0,)
    with pytest.raises(ValueError, match=r"left_out must name types, of 0 to 1; got \[9\]"):
        menu_from_dict(menu | {"left_out": [9]})
