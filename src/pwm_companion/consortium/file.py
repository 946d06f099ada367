"""Consortium files: read, checked against their schema, and turned into problems.

What is wrong is said in one line that names the file, the line and the field.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]

from paid_with_models import Problem, autarky
from paid_with_models.accuracy import FloatArray
from paid_with_models.beyond.learning_curves import fit_saturating
from paid_with_models.files import nearest, problem_from_dict

from .yaml_input import InputError, Place, Stated, read_stated

#: By how much a measured accuracy may be below one at less data: measurements vary.
NOISE = 0.01


#: Numbers of data that a curve is fitted to.
LEAST = 1e-9


#: Numbers of data that a curve is fitted to.
MOST = 1e15


#: Measured points that are read; a curve needs a few dozen.
MOST_POINTS = 10_000


@dataclass(frozen=True, eq=False)
class Consortium:
    """A consortium as its file states it.

    Attributes
    ----------
    title, data_unit, value_unit : str
        Text from the file, not escaped.
    names : tuple of str
        One per type.
    members : tuple of tuple of str
        For each type the parties that are named in a table of parties.
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
    members: tuple[tuple[str, ...], ...]
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
    InputError
        If the file, or the CSV file that it names, cannot be read or is not as it must be.
    """
    stated = read_stated(path)
    data = stated.data
    if wrong := next(Draft202012Validator(consortium_schema()).iter_errors(data), None):
        raise stated.error(*_of_schema(wrong))
    place = "types" if "types" in data else "parties"
    kinds = data["types"] if "types" in data else _kinds(stated)
    names = [_line(kind["name"]) for kind in kinds]
    for i, name in enumerate(names):
        if not name or name in names[:i]:
            rule = "must be a name of its own" if name else "must not be blank"
            at = kinds[i].get("place", (place, i, "name"))
            raise stated.error(at, f"{rule}; got {kinds[i]['name']!r}")
    accuracy, measured = data["accuracy"], None
    if "csv" in accuracy:
        points = path.parent / accuracy["csv"]
        try:
            measured = read_points(points)
        except OSError as error:
            rule = f"{points}: {error.strerror}"
            raise stated.error(("accuracy", "csv"), rule) from None
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                fitted = fit_saturating(*measured.T)
        except (ValueError, ArithmeticError, RuntimeError) as error:
            raise stated.error(("accuracy", "csv"), f"cannot be fitted: {error}") from None
        accuracy = {
            "name": "Saturating",
            "parameters": {"weights": list(fitted.weights), "rates": list(fitted.rates)},
        }
    asked = {
        "n_parties": int(data.get("n_parties", len(data.get("parties", ())))),
        "probabilities": [kind["probability"] for kind in kinds],
        "costs": [kind["cost"] for kind in kinds],
        "accuracy": accuracy,
    } | {name: data[name] for name in ("valuation", "beliefs") if name in data}
    problem = _problem(stated, place, asked)
    if any("outside" in kind for kind in kinds):
        # Nobody is kept from training alone.
        alone = autarky(problem).utilities
        outside = [
            max(float(kind.get("outside", own)), float(own))
            for kind, own in zip(kinds, alone, strict=True)
        ]
        problem = _problem(stated, place, asked | {"reservation_utilities": outside})
    return Consortium(
        title=_line(data["title"]),
        data_unit=_line(data.get("data_unit", "units of data")),
        value_unit=_line(data.get("value_unit", "units of value")),
        names=tuple(names),
        members=tuple(tuple(kind.get("members", ())) for kind in kinds),
        problem=problem,
        measured=measured,
        present=_present(stated, len(kinds)),
    )


def _line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())


#: How a type of JSON is called in a message.
KINDS = {
    "object": "a mapping of names to values", "array": "a list", "string": "a text",
    "number": "a number", "integer": "a whole number",
}  # fmt: skip


RULES = {
    "minimum": "must be at least {}",
    "exclusiveMinimum": "must be more than {}",
    "maximum": "must be at most {}",
    "minLength": "must have at least {} character",
    "maxLength": "must have at most {} characters",
}


def _of_schema(error: ValidationError) -> tuple[Place, str]:
    """Say which field breaks which rule of the schema; long values are cut short."""
    place, of_it, value = tuple(error.absolute_path), error.schema, error.instance
    known = of_it.get("properties", {})
    if error.validator in ("required", "additionalProperties"):
        if unknown := [name for name in value if name not in known]:
            near = nearest(str(unknown[0]), known)
            rule = f"is not a known field; known are {', '.join(known)}{near}"
            return (*place, unknown[0]), rule
        missing = next(name for name in error.validator_value if name not in value)
        return (*place, missing), "is missing"
    if error.validator == "oneOf":
        return place, of_it["$comment"]
    if error.validator in ("maxItems", "minItems"):
        limit = "most" if error.validator == "maxItems" else "least"
        return place, f"must have at {limit} {error.validator_value} entries; got {len(value)}"
    got = "nothing" if value is None else repr(value)
    got = got if len(got) <= 60 else f"{got[:57]}..."
    if error.validator == "enum":
        rule = f"must be one of {', '.join(error.validator_value)}; got {got}"
        return place, rule + nearest(str(value), error.validator_value)
    if error.validator == "type":
        return place, f"must be {KINDS[error.validator_value]}; got {got}"
    return place, f"{RULES[error.validator].format(error.validator_value)}; got {got}"


def _kinds(stated: Stated) -> list[dict[str, Any]]:
    """Types of a table of parties, by first appearance; probabilities are their shares.

    Each has the place in the file of its first party's type.
    """
    kinds: dict[str, dict[str, Any]] = {}
    members: dict[str, list[str | None]] = {}
    parties = stated.data["parties"]
    for i, party in enumerate(parties):
        name = party["type"]
        kind: dict[str, Any] = {key: party[key] for key in ("cost", "outside") if key in party}
        first = kinds.setdefault(name, kind | {"place": ("parties", i, "type")})
        for key in ("cost", "outside"):
            if kind.get(key) != first.get(key):
                rule = f"must be that of the first party of type {name!r}, {first.get(key, 'none')}"
                raise stated.error(("parties", i, key), f"{rule}; got {kind.get(key, 'none')}")
        members.setdefault(name, []).append(party.get("name"))
    if len(kinds) > (most := consortium_schema()["properties"]["types"]["maxItems"]):
        raise stated.error(("parties",), f"must be of at most {most} types; got {len(kinds)}")
    return [
        {
            "name": name,
            "probability": len(members[name]) / len(parties),
            "members": [_line(member) for member in members[name] if member is not None],
        }
        | kind
        for name, kind in kinds.items()
    ]


def _problem(stated: Stated, place: str, asked: Mapping[str, Any]) -> Problem:
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return problem_from_dict(asked)
    except (ValueError, ArithmeticError) as error:
        # A message of the library begins with the field.
        field, _, rule = str(error).partition(" ")
        at = tuple(field.split("."))
        if at[0] in ("accuracy", "valuation", "beliefs", "n_parties"):
            raise stated.error(at, rule) from None
        raise stated.error((place,), str(error)) from None


def _present(stated: Stated, n_types: int) -> tuple[FloatArray, FloatArray] | None:
    if (scheme := stated.data.get("present")) is None:
        return None
    for name in ("contributions", "rewards"):
        if len(scheme[name]) != n_types:
            rule = f"must have one entry per type, {n_types}; got {len(scheme[name])}"
            raise stated.error(("present", name), rule)
    return np.array(scheme["contributions"], float), np.array(scheme["rewards"], float)


def read_points(path: Path) -> FloatArray:
    """Read measured points of a curve, (K, 2), from a CSV file with columns data and accuracy.

    Separators may be commas, semicolons or tabs, as in the heading; where they are not commas,
    a comma may stand for the decimal point.

    Raises
    ------
    InputError
        Naming file, line and column, if there are fewer than three points, data are not rising
        or not from `LEAST` to `MOST`, an accuracy is outside [0, 1], or one is below an earlier
        one by more than `NOISE`.
    OSError
        If the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        mark = next((it for it in (";", "\t") if it in lines[0]), ",") if lines else ","
        rows = list(csv.reader(lines, delimiter=mark))
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text: save it as CSV UTF-8") from None
    except csv.Error as error:
        raise InputError(f"{path} is not a CSV file: {error}") from None
    if not rows or [cell.strip().lower() for cell in rows[0]] != ["data", "accuracy"]:
        got = f"; got {lines[0][:60]!r}" if lines else ""
        raise InputError(f"{path}: line 1: must be the heading data,accuracy{got}")
    points = _checked_points(path, rows[1:], mark)
    if len(points) > MOST_POINTS:
        raise InputError(f"{path}: must hold at most {MOST_POINTS} points; got {len(points)}")
    return points


def _checked_points(path: Path, rows: Iterable[list[str]], mark: str) -> FloatArray:
    points: list[tuple[float, float]] = []
    highest = 0.0
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        where = f"{path}: line {number}"
        if len(row) != 2:
            raise InputError(f"{where}: must have two cells, data and accuracy; got {row!r}")
        data, accuracy = (
            _number(f"{where}: {name}", cell.replace(",", ".") if mark != "," else cell)
            for name, cell in zip(("data", "accuracy"), row, strict=True)
        )
        if not (points[-1][0] if points else 0) < data:
            raise InputError(f"{where}: data must be positive and rise; got {data:g}")
        if not LEAST <= data <= MOST:
            raise InputError(f"{where}: data must be from {LEAST:g} to {MOST:g}; got {data:g}")
        if not 0 <= accuracy <= 1:
            rule = "accuracy must be a share, in [0, 1]"
            raise InputError(f"{where}: {rule}; got {accuracy:g}")
        if accuracy < highest - NOISE:
            rule = "accuracy must not fall with more data"
            raise InputError(f"{where}: {rule}; got {accuracy:g} after {highest:g}")
        highest = max(highest, accuracy)
        points.append((data, accuracy))
    if len(points) < 3 or highest == 0:
        raise InputError(f"{path}: must hold three points or more, not all of accuracy 0")
    return np.array(points)


def _number(where: str, cell: str) -> float:
    # Python would read 1_0 too.
    if not re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", cell):
        raise InputError(f"{where} must be a number; got {cell[:40]!r}")
    return float(cell)
