r"""Problems and contracts as plain numbers, lists and mappings: what goes into JSON and YAML files.

A problem file states what :class:`paid_with_models.Problem` takes::

    n_parties: 10
    probabilities: [0.2, 0.3, 0.5]
    costs: [0.5, 0.2, 0.05]
    accuracy: {name: GeneralizationBound, parameters: {optimum: 1.0, complexity: 1.0}}
    valuation: {name: LinearValuation, parameters: {scale: 100.0}}   # the default
    beliefs: paper                                                   # the default
    reservation_utilities: [1.0, 10.0, 60.0]                         # default: autarky
    attendance: {name: PoissonParties, parameters: {mean: 10, probabilities: [0.2, 0.3, 0.5]}}
    max_data: [null, 500, 200]                                       # default: no limits

With ``attendance``, a law of :mod:`paid_with_models.laws` by its name, ``n_parties`` and
``probabilities`` are left out: the law says them. A menu file states the menu besides:
``contributions``, ``rewards``, and ``left_out``, the indices (from 0) of types without an option.
Curves and valuations are those of the library; parameters not given have their defaults.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from enum import Enum
from importlib.resources import files
from typing import Any

import numpy as np

from .accuracy import Curve, FloatArray
from .arguments import ReadOnly
from .contract import (
    GAP_TOLERANCE,
    Binding,
    Contract,
    Multipliers,
    Shape,
    Status,
    check_contract,
)
from .curves import Arctan, GeneralizationBound, PowerLaw, Saturating
from .file_fields import check_fields, check_numbers, check_numbers_or_nan, is_number, nearest
from .laws import KnownParties, PoissonParties, UnlikeParties
from .problem import Problem, check_problem, checked_menu
from .texts import brief
from .valuation import ExponentialValuation, LinearValuation, PowerValuation, Valuation

__all__ = [
    "Menu",
    "contract_from_dict",
    "contract_schema",
    "contract_to_dict",
    "menu_from_dict",
    "menu_schema",
    "nearest",
    "problem_from_dict",
    "problem_schema",
    "problem_to_dict",
]


CURVES: dict[str, type[Curve]] = {
    it.__name__: it for it in (GeneralizationBound, PowerLaw, Saturating, Arctan)
}
VALUATIONS: dict[str, type[Valuation]] = {
    it.__name__: it for it in (LinearValuation, PowerValuation, ExponentialValuation)
}
LAWS: dict[str, type[Any]] = {
    it.__name__: it for it in (PoissonParties, UnlikeParties, KnownParties)
}


#: Fields of a problem file, those needed first; and what a menu file has besides.
NEEDED = ("n_parties", "probabilities", "costs", "accuracy")


PROBLEM_FIELDS = (
    *NEEDED, "valuation", "beliefs", "reservation_utilities", "attendance", "max_data",
)  # fmt: skip


#: NOT_NEGATIVE: numbers of a contract that are at least 0, those per type but for rounding SLACK.
NOT_NEGATIVE = ("contributions", "rewards", "reservation_contributions", "gap", "kkt_residual")
SLACK = 1e-9


MENU_FIELDS = ("contributions", "rewards", "left_out")


def problem_from_dict(data: Mapping[str, Any]) -> Problem:
    """The problem that a file states.

    Parameters
    ----------
    data : mapping
        As described by :func:`problem_schema`.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        Naming the field, for one that is missing, unknown, or not as it must be.

    Examples
    --------
    >>> problem = problem_from_dict({
    ...     "n_parties": 10, "probabilities": [0.5, 0.5], "costs": [0.2, 0.1],
    ...     "accuracy": {"name": "PowerLaw", "parameters": {"optimum": 0.9, "scale": 1.0,
    ...                                                     "exponent": 0.5}}})
    >>> problem.accuracy
    PowerLaw(optimum=0.9, scale=1.0, exponent=0.5, offset=0.0)
    """
    check_fields(data, PROBLEM_FIELDS, ())
    law = data.get("attendance") is not None
    check_fields(data, PROBLEM_FIELDS, NEEDED[2:] if law else NEEDED)
    options: dict[str, Any] = {
        name: data[name] for name in ("beliefs", "reservation_utilities") if name in data
    }
    if "reservation_utilities" in options:
        check_numbers("reservation_utilities", options["reservation_utilities"])
    if "valuation" in data:
        options["valuation"] = _named("valuation", data["valuation"], VALUATIONS)
    if law:
        options["attendance"] = _named("attendance", data["attendance"], LAWS)
    if data.get("max_data") is not None:
        limits = data["max_data"]
        if isinstance(limits, list):  # JSON has no infinity
            limits = [math.inf if it is None else it for it in limits]
        check_numbers("max_data", limits)
        options["max_data"] = limits
    for name in ("probabilities", "costs"):
        if name in data:
            check_numbers(name, data[name])
    return Problem(
        n_parties=data.get("n_parties"),
        probabilities=data.get("probabilities"),
        costs=data["costs"],
        accuracy=_named("accuracy", data["accuracy"], CURVES),
        **options,
    )


def problem_to_dict(problem: Problem) -> dict[str, Any]:
    """The mapping that states a problem, the inverse of :func:`problem_from_dict`.

    Parameters
    ----------
    problem : Problem
        With a curve and a valuation of the library.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        For a curve, a valuation, or a law of who turns up of your own.

    Examples
    --------
    >>> from paid_with_models import Arctan
    >>> problem_to_dict(Problem(2, [1.0], [0.1], Arctan()))["accuracy"]
    {'name': 'Arctan', 'parameters': {'optimum': 1.0, 'rate': 0.01}}
    """
    check_problem(problem)
    data = {
        "n_parties": problem.n_parties,
        "probabilities": problem.probabilities.tolist(),
        "costs": problem.costs.tolist(),
        "accuracy": _name_of("accuracy", problem.accuracy, CURVES),
        "valuation": _name_of("valuation", problem.valuation, VALUATIONS),
        "beliefs": problem.beliefs,
    }
    if problem.attendance is not None:
        data["attendance"] = _name_of("attendance", problem.attendance, LAWS)
        del data["n_parties"], data["probabilities"]  # the law says them
    if problem.max_data is not None:
        limits = problem.max_data.tolist()
        data["max_data"] = [None if math.isinf(it) else it for it in limits]
    if problem.reservation_utilities is not None:
        data["reservation_utilities"] = problem.reservation_utilities.tolist()
    return data


@dataclass(frozen=True, eq=False)
class Menu(ReadOnly):
    """A menu and the problem that it is for.

    Attributes
    ----------
    problem : Problem
    contributions, rewards : (I,) ndarray
        Units of data, and of value.
    left_out : tuple of int
        Types without an option.
    """

    problem: Problem
    contributions: FloatArray
    rewards: FloatArray
    left_out: tuple[int, ...]


def menu_from_dict(data: Mapping[str, Any]) -> Menu:
    """The menu that a file states, with its problem.

    Parameters
    ----------
    data : mapping
        As described by :func:`menu_schema`.

    Returns
    -------
    Menu

    Raises
    ------
    ValueError
        Naming the field, for one that is missing, unknown, or not as it must be.

    Examples
    --------
    >>> menu = menu_from_dict({
    ...     "n_parties": 10, "probabilities": [0.5, 0.5], "costs": [0.2, 0.1],
    ...     "accuracy": {"name": "GeneralizationBound"},
    ...     "contributions": [300, 300], "rewards": [70, 70]})
    >>> menu.contributions.tolist(), menu.left_out
    ([300.0, 300.0], ())
    """
    check_fields(data, (*PROBLEM_FIELDS, *MENU_FIELDS), ("contributions", "rewards"))
    problem = problem_from_dict({k: v for k, v in data.items() if k not in MENU_FIELDS})
    for name in ("contributions", "rewards"):
        check_numbers(name, data[name])
    m = checked_menu("contributions", data["contributions"], problem)
    t = checked_menu("rewards", data["rewards"], problem)
    left_out = data.get("left_out", [])
    if not isinstance(left_out, list) or not all(type(k) is int for k in left_out):
        raise ValueError(f"left_out must be a list of whole numbers; got {brief(left_out)}")
    if not all(0 <= k < problem.n_types for k in left_out):
        rule = f"left_out must name types, of 0 to {problem.n_types - 1}"
        raise ValueError(f"{rule}; got {brief(left_out)}")
    return Menu(problem, m, t, tuple(left_out))


def contract_to_dict(contract: Contract) -> dict[str, Any]:
    """A contract in plain numbers and lists, as described by :func:`contract_schema`.

    Parameters
    ----------
    contract : Contract
        Of a problem with a curve and a valuation of the library.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        For a curve or valuation of your own.

    Examples
    --------
    >>> from paid_with_models import solve
    >>> contract = solve(Problem(10, [0.5, 0.5], [1.0, 0.8], GeneralizationBound()))
    >>> document = contract_to_dict(contract)
    >>> document["status"], document["shape"], document["bunches"]
    ('optimal', 'pooling', [[0, 1]])
    """
    check_contract(contract)
    plain: dict[str, Any] = {}
    for field in fields(contract):
        value = getattr(contract, field.name)
        if isinstance(value, np.ndarray):
            value = value.tolist()
        plain[field.name] = value
    return plain | {
        "problem": problem_to_dict(contract.problem),
        "status": contract.status.name.lower().replace("_", " "),
        "shape": contract.shape.name.lower().replace("_", " "),
        "bunches": [list(bunch) for bunch in contract.bunches],
        "multipliers": {
            name: [None if math.isnan(it) else it for it in v.tolist()]
            for name, v in asdict(contract.multipliers).items()
        },
        "kkt_residual": None if math.isnan(contract.kkt_residual) else contract.kkt_residual,
        "binding": {name: v.tolist() for name, v in asdict(contract.binding).items()},
    }


def contract_from_dict(data: Mapping[str, Any]) -> Contract:
    """The contract that a file states, the inverse of :func:`contract_to_dict`.

    It is what was written, not solved or proved again.

    Parameters
    ----------
    data : mapping
        As described by :func:`contract_schema`.

    Returns
    -------
    Contract

    Raises
    ------
    ValueError
        Naming the field, for one that is missing, unknown, or not as it must be.

    Examples
    --------
    >>> from paid_with_models import solve
    >>> contract = solve(Problem(10, [0.5, 0.5], [1.0, 0.8], GeneralizationBound()))
    >>> again = contract_from_dict(contract_to_dict(contract))
    >>> again.problem == contract.problem, again.gap == contract.gap, again.shape.name
    (True, True, 'POOLING')
    """
    names = tuple(field.name for field in fields(Contract))
    check_fields(data, names, names)
    problem = problem_from_dict(data["problem"])

    def vector(name: str, stated: Any, kind: type) -> Any:
        if not isinstance(stated, list) or len(stated) != problem.n_types:
            raise ValueError(f"{name} must have one entry per type, {problem.n_types}")
        if kind is bool and not all(type(it) is bool for it in stated):
            raise ValueError(f"{name} must be truth values; got {brief(stated)}")
        if kind is float:
            if name.startswith("multipliers."):  # none were computed
                stated = [math.nan if it is None else it for it in stated]
            check_numbers_or_nan(name, stated)
            least = 0.0 if name in NOT_NEGATIVE or name.startswith("multipliers.") else -math.inf
            unknown = name.startswith("multipliers.")
            if not all(least - SLACK <= it < math.inf or (unknown and it != it) for it in stated):
                rule = "must be finite" if least < 0 else "must be finite and not negative"
                raise ValueError(f"{name} {rule}; got {brief(stated)}")
        return np.array(stated, dtype=kind)

    def vectors(name: str, of: type, kind: type) -> Any:
        parts = tuple(field.name for field in fields(of))
        check_fields(data[name], parts, parts, within=name)
        return of(**{part: vector(f"{name}.{part}", data[name][part], kind) for part in parts})

    def member(name: str, of: type[Enum]) -> Any:
        known = {it.name.lower().replace("_", " "): it for it in of}
        if not isinstance(data[name], str) or data[name] not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}; got {brief(data[name])}")
        return known[data[name]]

    values: dict[str, Any] = {"problem": problem}
    for field in fields(Contract):
        name = field.name
        if field.type == "FloatArray":
            values[name] = vector(name, data[name], float)
        elif field.type == "BoolArray":
            values[name] = vector(name, data[name], bool)
        elif field.type == "float":
            if name == "kkt_residual" and data[name] is None:
                values[name] = math.nan
                continue
            if not is_number(data[name]):
                raise ValueError(f"{name} must be a number; got {brief(data[name])}")
            values[name] = number = float(data[name])
            if not (math.isfinite(number) and (name not in NOT_NEGATIVE or number >= 0)):
                also = " and not negative" if name in NOT_NEGATIVE else ""
                raise ValueError(f"{name} must be finite{also}; got {brief(data[name])}")
    left = values["upper_bound"] - values["expected_accuracy"]
    if not abs(left - values["gap"]) <= SLACK:
        rule = "gap must be upper_bound - expected_accuracy"
        raise ValueError(f"{rule}, {left:.6g}; got {brief(data['gap'])}")
    status = member("status", Status)
    if (status is Status.OPTIMAL) != (values["gap"] <= GAP_TOLERANCE):
        rule = f"status must be optimal where gap is at most {GAP_TOLERANCE:g}, and nowhere else"
        raise ValueError(f"{rule}; got {brief(data['status'])} with gap {values['gap']:.6g}")
    bunches = data["bunches"]
    if not isinstance(bunches, list) or not all(
        isinstance(bunch, list) and len(bunch) > 1 and all(type(i) is int for i in bunch)
        for bunch in bunches
    ):
        raise ValueError(f"bunches must be lists of types, two or more; got {brief(bunches)}")
    members = [i for bunch in bunches for i in bunch]
    if not set(members) <= set(range(problem.n_types)) or len(set(members)) < len(members):
        rule = f"bunches must name types once, of 0 to {problem.n_types - 1}"
        raise ValueError(f"{rule}; got {brief(bunches)}")
    return Contract(
        **values,
        status=status,
        shape=member("shape", Shape),
        multipliers=vectors("multipliers", Multipliers, float),
        binding=vectors("binding", Binding, bool),
        bunches=tuple(tuple(bunch) for bunch in bunches),
    )


def problem_schema() -> dict[str, Any]:
    """The JSON schema of a problem file.

    Examples
    --------
    >>> problem_schema()["required"]
    ['costs', 'accuracy']
    """
    return _schema("problem")


def menu_schema() -> dict[str, Any]:
    """The JSON schema of a menu file.

    Examples
    --------
    >>> sorted(set(menu_schema()["required"]) - set(problem_schema()["required"]))
    ['contributions', 'rewards']
    """
    problem, menu = _schema("problem"), _schema("menu")
    problem["title"], problem["description"] = menu["title"], menu["description"]
    problem["properties"] |= menu["properties"]
    problem["required"] += menu["required"]
    return problem


def contract_schema() -> dict[str, Any]:
    """The JSON schema of :func:`contract_to_dict`.

    Examples
    --------
    >>> contract_schema()["title"]
    'A contract with its proof'
    """
    schema = _schema("contract")
    problem = _schema("problem")
    schema["$defs"] |= problem.pop("$defs")
    schema["properties"]["problem"] = problem
    return schema


def _schema(name: str) -> dict[str, Any]:
    path = files(__package__).joinpath(f"schemas/{name}.schema.json")
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def _named(field: str, stated: Any, known: Mapping[str, type[Any]]) -> Any:
    """The curve or valuation of this name and parameters."""
    check_fields(stated, ("name", "parameters"), ("name",), within=field)
    name, parameters = stated["name"], stated.get("parameters", {})
    if not isinstance(name, str) or name not in known:
        near = nearest(str(name), known)
        raise ValueError(f"{field}.name must be one of {', '.join(known)}; got {brief(name)}{near}")
    of_it = [field for field in fields(known[name]) if field.init]
    needed = tuple(f.name for f in of_it if f.default is MISSING)
    within = f"{field}.parameters"
    check_fields(parameters, tuple(f.name for f in of_it), needed, within=within)
    values: dict[str, Any] = {}
    for key, value in parameters.items():
        if known is LAWS and key != "mean":  # the law says itself what is wrong
            values[key] = value
        elif known[name] is Saturating:
            check_numbers(f"{within}.{key}", value)
            values[key] = tuple(value)
        elif is_number(value):
            values[key] = float(value)
        else:
            raise ValueError(f"{within}.{key} must be a number; got {brief(value)}")
    try:
        return known[name](**values)
    except ValueError as error:
        raise ValueError(f"{within}.{error}") from None


def _name_of(field: str, thing: Any, known: Mapping[str, type[Any]]) -> dict[str, Any]:
    name = type(thing).__name__
    if known.get(name) is not type(thing):
        raise ValueError(f"{field} must be one of {', '.join(known)} to be written; got {thing!r}")
    values = {field.name: getattr(thing, field.name) for field in fields(thing) if field.init}
    return {"name": name, "parameters": {key: _plain(value) for key, value in values.items()}}


def _plain(value: Any) -> Any:
    """Numbers and lists as JSON has them."""
    if isinstance(value, float | int | str):
        return value
    return np.asarray(value).tolist()
