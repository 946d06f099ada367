"""Consortium files: read, checked against their schema, and turned into problems.

What is wrong is said in one line that names the file, the line and the field.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]

from paid_with_models import Problem, autarky
from paid_with_models.accuracy import FloatArray
from paid_with_models.beyond.curve_gate import curve_from
from paid_with_models.beyond.measured_curves import LearningCurve
from paid_with_models.beyond.table_text import TableError
from paid_with_models.files import nearest, problem_from_dict
from paid_with_models.problem import SUM_TOLERANCE
from paid_with_models.texts import brief, field_name, file_name

from ..errors import InputError
from ..yaml_files import Place, Stated, read_stated


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
    groups : tuple of str
        Names of the groups of parties, if the file states groups; the problem's attendance says
        how many parties each has, and of which types.
    problem : Problem
        Types in the same order.
        Accuracy is that above the baseline.
    fit : LearningCurve or None
        The fitted curve, if measurements or a like task are stated.
    present : tuple of two (I,) ndarray, or None
        Contributions and rewards of the scheme in use.
    outside : (I,) ndarray or None
        What types are stated to have outside, 0 for nothing; None if nothing is stated of any. The
        problem's options are these or what each type reaches alone.
    files : tuple of Path
        All that was read: the consortium file, and the measurements that it names.
    said : tuple of str
        What was done with what the file states, in sentences.
    """

    title: str
    data_unit: str
    value_unit: str
    names: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]
    problem: Problem
    fit: LearningCurve | None
    present: tuple[FloatArray, FloatArray] | None
    outside: FloatArray | None
    files: tuple[Path, ...]
    said: tuple[str, ...] = ()

    @property
    def baseline(self) -> float:
        """Accuracy that is worth nothing, to be added to those of the problem."""
        return 0.0 if self.fit is None else self.fit.baseline


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
    return consortium_from(read_stated(path))


def consortium_from(stated: Stated, *, together: bool = True) -> Consortium:
    """Return the consortium that something stated is; raise as `read_consortium`.

    Of more types than `MOST_TYPES` neighbors by cost are taken together, if that is asked for.
    """
    data = stated.data
    _name_by_words(stated)
    _drop_nulls(stated)
    if wrong := next(Draft202012Validator(consortium_schema()).iter_errors(data), None):
        raise stated.error(*_of_schema(wrong))
    if not _line(data["title"]):
        raise stated.error(("title",), f"must not be blank; got {data['title']!r}")
    place = "types" if "types" in data else "parties"
    kinds = _stated_kinds(stated) if "types" in data else _kinds(stated)
    names = [_line(kind["name"]) for kind in kinds]
    for i, name in enumerate(names):
        if not name or name in names[:i]:
            rule = "must be a name of its own" if name else "must not be blank"
            at = kinds[i].get("place", (place, i, "name"))
            if name and "place" in kinds[i]:
                rule = "must be a name of its own, or one spelled as before, blanks included"
            raise stated.error(at, f"{rule}; got {kinds[i]['name']!r}")
    accuracy, fit = data["accuracy"], None
    if "name" not in accuracy:
        fit = _fit(stated, accuracy)
        curve = fit.curve
        parameters = {"weights": list(curve.weights), "rates": list(curve.rates)}
        accuracy = {"name": "Saturating", "parameters": parameters}
    present, said = _present(stated, len(kinds)), []
    total = sum(kind["probability"] for kind in kinds)
    sums_to_1 = abs(total - 1) <= SUM_TOLERANCE  # else it is refused
    many = together and len(kinds) > MOST_TYPES and data.get("attendance") != "known"
    if many and sums_to_1:
        count = len(kinds)
        kinds, weights = _grouped(kinds)
        if present is not None:
            present = _present_together(stated, present, weights)
        names = [kind["name"] for kind in kinds]
        said.append(
            f"The {count} types were taken together in {len(kinds)} groups of neighbors by cost:"
            " each has their mean cost, the best of their outside options, and the least of what"
            " data they have."
        )
    asked = _law(stated, kinds) | {
        "costs": [kind["cost"] for kind in kinds],
        "accuracy": accuracy,
    }
    if any("max_data" in kind for kind in kinds):
        asked["max_data"] = [kind.get("max_data") for kind in kinds]
    asked |= {name: data[name] for name in ("valuation", "beliefs") if name in data}
    problem = _problem(stated, place, asked)
    outside = None
    if any("outside" in kind for kind in kinds):
        outside = np.array([float(kind.get("outside", 0.0)) for kind in kinds])
        # Nobody is kept from training alone.
        better = np.maximum(outside, autarky(problem).utilities).tolist()
        problem = _problem(stated, place, asked | {"reservation_utilities": better})
    return Consortium(
        title=_line(data["title"]),
        data_unit=_line(data.get("data_unit", "units of data")),
        value_unit=_line(data.get("value_unit", "units of value")),
        names=tuple(names),
        members=tuple(tuple(kind.get("members", ())) for kind in kinds),
        groups=tuple(
            _line(group.get("name", f"Group {g + 1}"))
            for g, group in enumerate(data.get("groups", ()))
        ),
        problem=problem,
        fit=fit,
        present=present,
        outside=outside,
        files=(stated.path, *filter(None, [measurements(stated)])),
        said=tuple(said),
    )


def _name_by_words(stated: Stated) -> None:
    """Let names that look like numbers or truth values be names, as they were written."""
    data = stated.data
    places: list[tuple[dict[str, Any], str, Place]] = [
        (data, name, (name,)) for name in ("title", "data_unit", "value_unit")
    ]
    for kind in ("types", "groups", "parties"):
        for i, entry in enumerate(data[kind] if isinstance(data.get(kind), list) else ()):
            if isinstance(entry, dict):
                places += [(entry, name, (kind, i, name)) for name in ("name", "type")]
    for entry, name, place in places:
        if isinstance(entry.get(name), int | float):
            written = json.dumps(entry[name])
            entry[name] = stated.words.get(tuple(map(str, place)), written)


def _drop_nulls(stated: Stated) -> None:
    """Take what is stated to be nothing as not stated, of what a type or party need not have."""
    for kind in ("types", "parties"):
        entries = stated.data.get(kind)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                for name in ("outside", "max_data"):
                    if name in entry and entry[name] is None:
                        del entry[name]


def _line(text: str) -> str:
    """Return a text without line breaks, its letters composed: two spellings are one name."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _law(stated: Stated, kinds: list[dict[str, Any]]) -> dict[str, Any]:
    """Who turns up, as a problem file states it."""
    data = stated.data
    if "groups" in data:
        numbers = [group["parties"] for group in data["groups"]]
        mixes = np.transpose([kind["shares"] for kind in kinds]).tolist()
        parameters = {"numbers": numbers, "probabilities": mixes}
        return {"attendance": {"name": "UnlikeParties", "parameters": parameters}}
    n_parties = int(data.get("n_parties", len(data.get("parties", ()))))
    shares = [kind["probability"] for kind in kinds]
    match data.get("attendance", "draws"):
        case "poisson":
            parameters = {"mean": float(n_parties), "probabilities": shares}
            return {"attendance": {"name": "PoissonParties", "parameters": parameters}}
        case "known":
            numbers = [round(n_parties * share) for share in shares]
            if np.abs(numbers - n_parties * np.array(shares)).max() > 1e-6 + 1e-12 * n_parties:
                rule = "known parties must be whole numbers of each type, n_parties x probability"
                raise stated.error(("attendance",), rule)
            return {"attendance": {"name": "KnownParties", "parameters": {"numbers": numbers}}}
    return {"n_parties": n_parties, "probabilities": shares}


#: How a type of JSON is called in a message.
KINDS = {
    "object": "a mapping of names to values", "array": "a list", "string": "a text",
    "number": "a number", "integer": "a whole number", "boolean": "true or false",
}  # fmt: skip


RULES = {
    "minimum": "must be at least {}",
    "exclusiveMaximum": "must be below {}",
    "minProperties": "must have at least {} field",
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
            return (*place, field_name(unknown[0])), rule
        missing = next(name for name in error.validator_value if name not in value)
        return (*place, missing), "is missing"
    if error.validator == "oneOf":
        return place, of_it["$comment"]
    if error.validator in ("maxItems", "minItems"):
        limit = "most" if error.validator == "maxItems" else "least"
        return place, f"must have at {limit} {error.validator_value} entries; got {len(value)}"
    got = "nothing" if value is None else brief(value, 60)
    if error.validator == "enum":
        rule = f"must be one of {', '.join(error.validator_value)}; got {got}"
        return place, rule + ("" if value is None else nearest(str(value), error.validator_value))
    if error.validator == "type":
        kinds = error.validator_value
        either = [kinds] if isinstance(kinds, str) else kinds
        return place, f"must be {' or '.join(KINDS[kind] for kind in either)}; got {got}"
    return place, f"{RULES[error.validator].format(error.validator_value)}; got {got}"


#: What parties of a type have in common.
SHARED = ("cost", "outside", "max_data")

#: MOST_TYPES: of more, neighbors by cost are taken together.
MOST_TYPES = 40

#: SAME: what options of types taken together may differ by, relative: rounding.
SAME = 1e-9


def _grouped(kinds: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], FloatArray]:
    """Neighbors by cost as one type each, about as likely as each other; who is in which."""
    order = sorted(range(len(kinds)), key=lambda k: -kinds[k]["cost"])
    groups: list[list[int]] = [[] for _ in range(MOST_TYPES)]
    below = 0.0
    for k in order:
        share = kinds[k]["probability"]
        groups[min(int((below + share / 2) * MOST_TYPES), MOST_TYPES - 1)].append(k)
        below += share
    groups = [group for group in groups if group]
    weights = np.zeros((len(groups), len(kinds)))
    found = []
    for g, group in enumerate(groups):
        shares = np.array([kinds[k]["probability"] for k in group])
        weights[g, group] = shares / shares.sum()
        first, last = (_line(kinds[group[end]]["name"]) for end in (0, -1))
        kind: dict[str, Any] = {
            "name": first if len(group) == 1 else f"{first} to {last} ({len(group)} types)",
            "probability": float(shares.sum()),
            "members": [name for k in group for name in kinds[k].get("members", ())],
            "cost": float(weights[g, group] @ [kinds[k]["cost"] for k in group]),
        }
        if "shares" in kinds[group[0]]:
            kind["shares"] = np.sum([kinds[k]["shares"] for k in group], axis=0).tolist()
        if any("outside" in kinds[k] for k in group):
            kind["outside"] = max(kinds[k].get("outside", 0.0) for k in group)
        if any("max_data" in kinds[k] for k in group):
            kind["max_data"] = min(kinds[k].get("max_data", np.inf) for k in group)
        found.append(kind)
    return found, weights


def _stated_kinds(stated: Stated) -> list[dict[str, Any]]:
    """Types as they are listed; with groups of parties, each with its shares of the groups.

    Their probabilities are then the shares of all parties that are expected.
    """
    kinds, groups = stated.data["types"], stated.data.get("groups")
    for i, kind in enumerate(kinds):
        if ("probability" in kind) == (groups is not None):
            rule = "is missing" if groups is None else "must be left out: the groups have shares"
            raise stated.error(("types", i, "probability"), rule)
    if groups is None:
        return list(kinds)
    for g, group in enumerate(groups):
        at, shares = ("groups", g, "shares"), group["shares"]
        if len(shares) != len(kinds):
            rule = f"must have one entry per type, {len(kinds)}; got {len(shares)}"
            raise stated.error(at, rule)
        if not abs(sum(shares) - 1) <= SUM_TOLERANCE:
            raise stated.error(at, f"must sum to 1; they sum to {sum(shares):.12g}")
    numbers = np.array([group["parties"] for group in groups], dtype=float)
    mixes = np.array([group["shares"] for group in groups], dtype=float)
    for i in np.flatnonzero(mixes.max(axis=0) == 0).tolist():
        raise stated.error(("types", i, "name"), f"{kinds[i]['name']!r} has no share in any group")
    expected = numbers @ mixes / numbers.sum()
    return [
        kind | {"probability": float(share), "shares": of_groups.tolist()}
        for kind, share, of_groups in zip(kinds, expected, mixes.T, strict=True)
    ]


def _kinds(stated: Stated) -> list[dict[str, Any]]:
    """Types of a table of parties, by first appearance; probabilities are their shares.

    Each has the place in the file of its first party's type.
    """
    kinds: dict[str, dict[str, Any]] = {}
    members: dict[str, list[str | None]] = {}
    seen: set[str] = set()
    parties = stated.data["parties"]
    for i, party in enumerate(parties):
        name = unicodedata.normalize("NFC", party["type"])
        kind: dict[str, Any] = {key: party[key] for key in SHARED if key in party}
        first = kinds.setdefault(name, kind | {"place": ("parties", i, "type")})
        for key in SHARED:
            if kind.get(key) != first.get(key):
                rule = f"must be that of the first party of type {name!r}, {first.get(key, 'none')}"
                raise stated.error(("parties", i, key), f"{rule}; got {kind.get(key, 'none')}")
        own = party.get("name")
        if own is not None and _line(own) in seen:
            raise stated.error(("parties", i, "name"), f"must be a name of its own; got {own!r}")
        seen.add(_line(own or ""))
        members.setdefault(name, []).append(own)
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


def _present_together(
    stated: Stated, present: tuple[FloatArray, FloatArray], weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The scheme in use for groups of types, which must have the same option each."""
    for name, values in zip(("contributions", "rewards"), present, strict=True):
        for row in weights > 0:
            if np.ptp(values[row]) > SAME * values[row].max():
                rule = (
                    f"must be the same for neighbors by cost where there are more than {MOST_TYPES}"
                    " types, which are taken together; pwm audit looks at all of them"
                )
                raise stated.error(("present", name), rule)
    return weights @ present[0], weights @ present[1]


def measurements(stated: Stated) -> Path | None:
    """Return the file of measurements that a consortium names, if it does."""
    accuracy = stated.data.get("accuracy")
    if isinstance(accuracy, dict):
        for kind in ("measured", "csv"):
            if isinstance(accuracy.get(kind), str):
                return stated.folder / str(accuracy[kind])
    return None


def _fit(stated: Stated, accuracy: Mapping[str, Any]) -> LearningCurve:
    """The curve of measurements or of a like task."""
    kind = next(name for name in ("measured", "csv", "like") if name in accuracy)
    folder = stated.folder
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return curve_from(accuracy, folder)
    except OSError as error:
        rule = f"{file_name(folder / accuracy[kind])}: {error.strerror}"
        raise stated.error(("accuracy", kind), rule) from None
    except TableError as error:  # it names the file of measurements and the line in it
        if kind != "like" and (folder / accuracy[kind]).is_dir():
            rule = f"must be a file; {file_name(folder / accuracy[kind])} is a folder"
            raise stated.error(("accuracy", kind), rule) from None
        raise InputError(str(error)) from None
    except (ValueError, ArithmeticError, RuntimeError) as error:
        raise stated.error(("accuracy", kind), f"cannot be fitted: {error}") from None
