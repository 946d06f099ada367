"""Contracts and problems as users meet them: shown, compared, pickled, written and read."""

import copy
import pickle
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest

from paid_with_models import (
    Contract,
    Curve,
    GeneralizationBound,
    PoissonParties,
    PowerLaw,
    Problem,
    Saturating,
    Valuation,
    audit,
    autarky,
    conic_program,
    free_riding,
    solve,
    solve_complete_information,
)
from paid_with_models.beyond.commitment import misjudged, regret
from paid_with_models.beyond.margins import slack_menu
from paid_with_models.beyond.pilot import meet
from paid_with_models.beyond.quality import unnoticed
from paid_with_models.beyond.responsive import solve_responsive
from paid_with_models.beyond.trials import deploy
from paid_with_models.files import (
    contract_from_dict,
    contract_to_dict,
    problem_from_dict,
    problem_to_dict,
)


@pytest.fixture(scope="module")
def contract():
    return solve(Problem(10, [0.2] * 5, [0.5, 0.4, 0.03, 0.02, 0.001], GeneralizationBound()))


def test_the_table_has_a_row_a_type_and_the_units(contract):
    table = contract.to_frame()
    assert table.index.tolist() == [f"type {i}" for i in range(1, 6)]
    assert table.contributions.tolist() == contract.contributions.tolist()
    assert set(table.attrs["units"]) == set(table.columns)
    assert table.attrs["units"]["rewards"] == "value"


def test_it_prints_as_a_few_lines_and_says_its_status(contract):
    lines = str(contract).splitlines()
    assert len(lines) == 7
    assert "optimal" in lines[0]
    assert "11740.7" in lines[-1]
    assert len(repr(contract)) < 150
    assert repr(contract).startswith("<Contract of 10 parties, 5 types")


def test_many_types_are_shown_by_the_first_and_the_last():
    chances = np.full(30, 1 / 30)
    costs = np.geomspace(0.5, 0.01, 30)
    many = solve(Problem(1000, chances, costs, GeneralizationBound()))
    assert len(str(many).splitlines()) == 23
    assert "type 30" in str(many)


def test_a_notebook_shows_a_table_and_the_status(contract):
    page = contract._repr_html_()
    assert page.count("<tr>") == 6
    assert "optimal" in page


def test_a_picture_of_few_and_of_many_outcomes(contract):
    assert len(contract.plot().axes) == 2
    large = solve(Problem(10**6, [0.2] * 5, [0.5, 0.4, 0.03, 0.02, 0.01], GeneralizationBound()))
    assert len(large.plot().axes) == 1


def test_what_is_written_is_read_back(contract):
    again = Contract.from_dict(contract.to_dict())
    assert again.problem == contract.problem
    for field in fields(contract):
        left, right = getattr(contract, field.name), getattr(again, field.name)
        if isinstance(left, np.ndarray):
            assert left.tolist() == right.tolist()
        elif field.name in ("multipliers", "binding"):
            assert all(np.array_equal(x, vars(right)[k]) for k, x in vars(left).items())
        else:
            assert left == right


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "best"}, "status must be one of optimal, feasible; got 'best'"),
        ({"status": "feasible"}, "status must be optimal where gap is at most 1e-08"),
        ({"gap": 0.5}, "gap must be upper_bound - expected_accuracy, .*; got 0.5"),
        ({"upper_bound": 0.1}, "gap must be upper_bound - expected_accuracy, -"),
        ({"rewards": [1.0]}, "rewards must have one entry per type, 5"),
        ({"participates": [1] * 5}, "participates must be truth values"),
        ({"gap": "0"}, "gap must be a number; got '0'"),
        ({"bunches": [[7]]}, "bunches must be lists of types"),
        ({"extra": 1}, "extra is not a known field"),
    ],
)
def test_a_broken_contract_file_is_refused_by_field(contract, change, message):
    with pytest.raises(ValueError, match=message):
        contract_from_dict(contract.to_dict() | change)


def test_results_cannot_be_changed_also_after_pickling(contract):
    for it in (contract, pickle.loads(pickle.dumps(contract)), copy.deepcopy(contract)):  # noqa: S301
        for array in (it.contributions, it.multipliers.caps, it.binding.caps, it.problem.costs):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0


def test_results_are_read_only_also_from_a_pickle():
    problem = Problem(3, [0.5, 0.5], [0.2, 0.05], GeneralizationBound(), beliefs="own")
    best, responsive = solve(problem), solve_responsive(problem)
    results = [
        autarky(problem),
        audit(problem, best.contributions, best.rewards),
        free_riding(problem, [1, 2]),
        solve_complete_information(problem),
        problem.outcomes(),
        regret(responsive),
        misjudged(responsive, [0.4, 0.6]),
        unnoticed(best, [0.9, 0.8]),
        slack_menu(problem, 0.1),
        meet(best, best),
        deploy(best, problem.accuracy),
        conic_program(problem).solve(),
    ]
    for result in results:
        again = pickle.loads(pickle.dumps(result))  # noqa: S301  # our own
        for it in (result, again):
            arrays = [value for value in vars(it).values() if isinstance(value, np.ndarray)]
            assert arrays
            assert not any(array.flags.writeable for array in arrays)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_made_anew_of_what_a_problem_states_is_that_problem(seed):
    rng = np.random.default_rng([21, seed])
    p = rng.dirichlet(np.ones(5)).round(3)
    p[-1] = round(1 - p[:-1].sum(), 3)
    first = Problem(3, np.maximum(p, 1e-3) / np.maximum(p, 1e-3).sum(), [0.5, 0.4, 0.3, 0.2, 0.1],
                    GeneralizationBound())  # fmt: skip
    law = PoissonParties(3.0, first.probabilities)
    other = Problem(costs=first.costs, accuracy=first.accuracy, attendance=law)
    for problem in (first, other):
        assert replace(problem) == problem
        assert problem_from_dict(problem_to_dict(problem)) == problem
    contract = solve(first)
    again = contract_from_dict(contract_to_dict(contract))
    assert audit(first, contract.contributions, contract.rewards, best=again).satisfied


def test_problems_are_equal_by_what_they_state():
    first = Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    same = Problem(10, np.array([0.5, 0.5]), (0.2, 0.1), GeneralizationBound())
    assert first == same
    assert hash(first) == hash(same)
    assert first == pickle.loads(pickle.dumps(first))  # noqa: S301
    for other in (
        Problem(11, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()),
        Problem(10, [0.4, 0.6], [0.2, 0.1], GeneralizationBound()),
        Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound(0.9)),
        Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound(), beliefs="own"),
    ):
        assert first != other
    assert first != "a problem"
    assert "probabilities=[0.5, 0.5]" in repr(first)


def test_a_contract_is_audited_with_the_types_that_it_leaves_out(contract):
    assert audit(contract).satisfied
    outside = Problem(
        10, [0.5, 0.5], [1.0, 0.1], Saturating((0.9,), (0.01,)), reservation_utilities=[85.0, 60.0]
    )
    found = audit(solve(outside))
    assert found.satisfied
    assert found.participates.tolist() == [False, True]


def test_what_an_audit_needs_is_said(contract):
    with pytest.raises(ValueError, match=r"audit\(problem, contributions, rewards\)"):
        audit(contract.problem)
    with pytest.raises(ValueError, match="must not be given for a contract"):
        audit(contract, contract.contributions, contract.rewards)


@pytest.mark.parametrize(
    "costs",
    [
        [True, False], np.array([True, False]), [0.2 + 0j, 0.1], ["0.2", "0.1"],
        np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
        np.ma.masked_array([0.2, 0.1], mask=[True, False]),
    ],
    ids=["truth", "truth array", "complex", "text", "dates", "masked"],
)  # fmt: skip
def test_what_is_no_real_number_is_refused(costs):
    with pytest.raises(ValueError, match="costs must be numbers"):
        Problem(10, [0.5, 0.5], costs, GeneralizationBound())


def test_a_curve_of_ones_own_must_say_what_it_is():
    class Empty(Curve):
        optimum = 0.9

    with pytest.raises(TypeError, match="evaluate"):
        Empty()

    class NoValue(Valuation):
        pass

    with pytest.raises(TypeError, match=r"evaluate.*inverse"):
        NoValue()

    class ValueOnly(PowerLaw):
        def evaluate(self, data):
            return super().evaluate(data)[0]

    with pytest.raises(ValueError, match="value, first and second derivative"):
        Problem(10, [1.0], [0.1], ValueOnly(0.9, 1.0, 0.5))

    @dataclass  # not frozen: it has no hash
    class Changing(Curve):
        optimum: float = 0.9

        def evaluate(self, data):
            return PowerLaw(0.9, 1.0, 0.5).evaluate(data)

    with pytest.raises(ValueError, match="accuracy must be hashable"):
        Problem(10, [1.0], [0.1], Changing())
