"""Consortium files: read, checked against their schema, and turned into problems.

What is wrong is said in one line that names the file, the line and the field.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]

from paid_with_models import Problem, autarky
from paid_with_models.accuracy import FloatArray
from paid_with_models.interchange import problem_from_dict
from paid_with_models.learning_curves import fit_saturating

from .chapters import read_yaml
from .contracts import InputError

#: By how much a measured accuracy may be below one at less data: measurements vary.
NOISE = 0.01

#: Numbers of data that a curve is fitted to.
LEAST, MOST = 1e-9, 1e15


@dataclass(frozen=True, eq=False)
class Consortium:
    """A consortium as its file states it.

    Attributes
    ----------
    title, data_unit, value_unit : str
        Text from the file, not escaped.
    names : tuple of str
        One per type.
    problem : Problem
        Types in the same order.
    measured : (K, 2) ndarray or None
        Data and accuracy, if the curve was fitted to a CSV file.
    present : tuple of two (I,) ndarray, or None
        Contributions and rewards of the scheme in use.
    """

    title: str
    data_unit: str
    value_unit: str
    names: tuple[str, ...]
    problem: Problem
    measured: FloatArray | None
    present: tuple[FloatArray, FloatArray] | None


def consortium_schema() -> dict[str, Any]:
    """Return the JSON schema of a consortium file."""
    path = files("paid_with_models").joinpath("schemas/consortium.schema.json")
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def example(name: str) -> Path:
    """Return the path of a file shipped as an example: hospitals.yaml, banks.yaml or sweep.yaml."""
    return Path(str(files("paid_with_models").joinpath("examples", name)))


def read_consortium(path: Path) -> Consortium:
    """Read a consortium file.

    Raises
    ------
    BookError
        If the file, or the CSV file that it names, cannot be read or is not as it must be.
    """
    data = read_yaml(path)
    lines = _lines(path)
    try:
        return _consortium(data, path)
    except _FieldError as error:
        place, line = error.place, None
        while place and (line := lines.get(place)) is None:
            place = place[:-1]
        where = f"line {line or 1}, " if error.place else ""
        field = ".".join(str(step) for step in error.place)
        raise InputError(f"{path}: {where}{field or 'the file'}: {error.rule}") from None


class _FieldError(Exception):
    def __init__(self, place: tuple[str | int, ...], rule: str):
        super().__init__(rule)
        self.place, self.rule = place, rule


def _consortium(data: dict[str, Any], path: Path) -> Consortium:
    if wrong := next(Draft202012Validator(consortium_schema()).iter_errors(data), None):
        raise _of_schema(wrong)
    for place, value in _fields(data):
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            raise _FieldError(place, f"must be at most {sys.float_info.max:.3g} in size")
    if ("types" in data) == ("parties" in data):
        raise _FieldError((), "must state either types or parties")
    if ("types" in data) != ("n_parties" in data):
        raise _FieldError(("n_parties",), "goes with types, and is needed with them")
    kinds = data["types"] if "types" in data else _kinds(data["parties"])
    accuracy, measured = data["accuracy"], None
    if "csv" in accuracy:
        if len(accuracy) > 1:
            raise _FieldError(("accuracy",), "takes either csv or a name and its parameters")
        measured = read_points(path.parent / accuracy["csv"])
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                fitted = fit_saturating(*measured.T)
        except (ValueError, ArithmeticError, RuntimeError) as error:
            raise _FieldError(("accuracy", "csv"), f"cannot be fitted: {error}") from None
        accuracy = {
            "name": "Saturating",
            "parameters": {"weights": list(fitted.weights), "rates": list(fitted.rates)},
        }
    stated = {
        "n_parties": data.get("n_parties", len(data.get("parties", ()))),
        "probabilities": [kind["probability"] for kind in kinds],
        "costs": [kind["cost"] for kind in kinds],
        "accuracy": accuracy,
    } | {name: data[name] for name in ("valuation", "beliefs") if name in data}
    problem = _problem(stated)
    if any("outside" in kind for kind in kinds):
        # Nobody is kept from training alone.
        alone = autarky(problem).utilities
        outside = [
            max(float(kind.get("outside", own)), float(own))
            for kind, own in zip(kinds, alone, strict=True)
        ]
        problem = _problem(stated | {"reservation_utilities": outside})
    return Consortium(
        title=data["title"],
        data_unit=data.get("data_unit", "units of data"),
        value_unit=data.get("value_unit", "units of value"),
        names=tuple(kind["name"] for kind in kinds),
        problem=problem,
        measured=measured,
        present=_present(data, len(kinds)),
    )


def _fields(
    value: Any, place: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Each value in mappings and lists, with its place."""
    yield place, value
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _fields(item, (*place, key))


def _of_schema(error: ValidationError) -> _FieldError:
    """Say which field breaks which rule of the schema; long values are cut short."""
    place = tuple(error.absolute_path)
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return _FieldError((*place, missing), "is missing")
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        unknown = next(name for name in error.instance if name not in known)
        return _FieldError((*place, unknown), f"is not a known field; known are {', '.join(known)}")
    if error.validator in ("maxItems", "minItems"):
        most = error.validator == "maxItems"
        rule = f"must have at {'most' if most else 'least'} {error.validator_value} entries"
        return _FieldError(place, f"{rule}; got {len(error.instance)}")
    rules = {
        "type": "must be of type {}",
        "enum": "must be one of {}",
        "minimum": "must be at least {}",
        "exclusiveMinimum": "must be more than {}",
        "maximum": "must be at most {}",
        "minLength": "must have at least {} character",
        "maxLength": "must have at most {} characters",
    }
    got = repr(error.instance)
    got = got if len(got) <= 60 else f"{got[:57]}..."
    return _FieldError(
        place, f"{rules[str(error.validator)].format(error.validator_value)}; got {got}"
    )


def _kinds(parties: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Types of a table of parties, by first appearance; probabilities are their shares."""
    kinds: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    for i, party in enumerate(parties):
        name = party["type"]
        kind: dict[str, Any] = {key: party[key] for key in ("cost", "outside") if key in party}
        first = kinds.setdefault(name, kind)
        if kind != first:
            rule = f"must have the cost and outside option of the first party of type {name!r}"
            raise _FieldError(("parties", i), rule)
        counts[name] = counts.get(name, 0) + 1
    if len(kinds) > (most := consortium_schema()["properties"]["types"]["maxItems"]):
        raise _FieldError(("parties",), f"must be of at most {most} types; got {len(kinds)}")
    return [
        {"name": name, "probability": counts[name] / len(parties)} | kind
        for name, kind in kinds.items()
    ]


def _problem(stated: Mapping[str, Any]) -> Problem:
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return problem_from_dict(stated)
    except (ValueError, ArithmeticError) as error:
        field = re.split(r"[ .]", str(error))[0]
        place = field if field in ("accuracy", "valuation", "beliefs", "n_parties") else "types"
        raise _FieldError((place,), str(error)) from None


def _present(data: dict[str, Any], n_types: int) -> tuple[FloatArray, FloatArray] | None:
    if (scheme := data.get("present")) is None:
        return None
    for name in ("contributions", "rewards"):
        if len(scheme[name]) != n_types:
            rule = f"must have one entry per type, {n_types}; got {len(scheme[name])}"
            raise _FieldError(("present", name), rule)
    return np.array(scheme["contributions"], float), np.array(scheme["rewards"], float)


def _lines(path: Path) -> dict[tuple[str | int, ...], int]:
    """Line, from 1, of each field of a YAML file."""
    lines: dict[tuple[str | int, ...], int] = {}

    def visit(node: yaml.Node, place: tuple[str | int, ...]) -> None:
        # An alias is where its anchor is, and was visited there.
        lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if (inner := (*place, str(key.value))) not in lines:
                    lines[inner] = key.start_mark.line + 1
                    visit(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                visit(value, (*place, i))

    if len(text := path.read_text(encoding="utf-8")) < 10_000_000:
        root = yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        assert root is not None  # it was read as a mapping
        visit(root, ())
    return lines


def read_points(path: Path) -> FloatArray:
    """Read measured points of a curve, (K, 2), from a CSV file with columns data and accuracy.

    Raises
    ------
    InputError
        Naming file and line, if there are fewer than three points, data are not rising or not
        from `LEAST` to `MOST`, an accuracy is outside [0, 1], or one is below an earlier one by
        more than `NOISE`.
    """
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path} is not a CSV file: {error}") from None
    if not rows or [cell.strip() for cell in rows[0]] != ["data", "accuracy"]:
        raise InputError(f"{path}: line 1: must be the heading data,accuracy")
    points: list[tuple[float, float]] = []
    highest = 0.0
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        try:
            data, accuracy = map(float, row)
        except ValueError:
            raise InputError(f"{path}: line {number}: must be two numbers; got {row!r}") from None
        if not (points[-1][0] if points else 0) < data:
            raise InputError(f"{path}: line {number}: data must be positive and rise; got {data}")
        if not LEAST <= data <= MOST:
            rule = f"data must be from {LEAST:g} to {MOST:g}; got {data}"
            raise InputError(f"{path}: line {number}: {rule}")
        if not 0 <= accuracy <= 1:
            raise InputError(f"{path}: line {number}: accuracy must be in [0, 1]; got {accuracy}")
        if accuracy < highest - NOISE:
            rule = f"accuracy must not fall with more data; got {accuracy} after {highest}"
            raise InputError(f"{path}: line {number}: {rule}")
        highest = max(highest, accuracy)
        points.append((data, accuracy))
    if len(points) < 3 or highest == 0:
        raise InputError(f"{path}: must hold three points or more, not all of accuracy 0")
    return np.array(points)
