"""Files in YAML or JSON, read in one way by every command, with the line of each field.

Plain values are read as YAML 1.2 does: ``no`` is a text, ``1e-3`` a number, and a date or ``1:30``
are texts too. A key may be stated once in a mapping. A tag must be one of JSON's kinds, and fit.
Nothing is built before it is known to be small enough. What is wrong is said in one line.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from paid_with_models.texts import (
    MOST_BYTES,
    TextError,
    brief,
    file_name,
    is_stream,
    read_text,
)

from .errors import InputError

Place = tuple[str | int, ...]

#: The most values that a file may state, counted as often as they are referred to: a few lines of
#: references can stand for billions.
MOST_VALUES = 300_000

#: How deep values may be nested. Four are needed.
MOST_NESTED = 40

#: Numbers beyond it are mistakes.
LARGEST = 1e300


@dataclass(frozen=True)
class Stated:
    """What a file states.

    Attributes
    ----------
    path : Path
    data : dict
    lines : dict of place to int
        Line, from 1, of each field of a YAML file; a place is the names and indices that lead
        there, as text. JSON files have none.
    words : dict of place to str
        Numbers, truth values and nulls as they were written.
    """

    path: Path
    data: Any
    lines: dict[tuple[str, ...], int]
    words: dict[tuple[str, ...], str]

    @property
    def folder(self) -> Path:
        """To which paths in the file are relative: its own, or the current one if it has none."""
        return Path() if is_stream(self.path) else self.path.parent

    def error(self, place: Place, rule: str) -> InputError:
        """Return the error that says what is wrong with the field at a place."""
        name, at = file_name(self.path), tuple(map(str, place))
        if not place:
            return InputError(f"{name}: {rule}")
        found = (self.lines[at[:k]] for k in range(len(at), -1, -1) if at[:k] in self.lines)
        line = next(found, None)
        where = "" if line is None else f"line {line}, "
        field = brief(".".join(at))[1:-1]
        return InputError(f"{name}: {where}{field}: {rule}")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return what a file states: `read_stated` without its lines."""
    data: dict[str, Any] = read_stated(path).data
    return data


def read_stated(path: Path, most_bytes: int = MOST_BYTES, most_nested: int = MOST_NESTED) -> Stated:
    """Read a file that must hold a mapping: JSON if its name ends in ``.json``, or else YAML.

    What comes through a pipe, and has no name, is JSON if it begins as such. JSON may be nested
    deeper than is usual, where `most_nested` says so.

    Raises
    ------
    InputError
        If the file cannot be read, is not valid, states a key twice, holds a reference to itself,
        or a number or text that cannot be used.
    """
    name = file_name(path)
    try:
        text = read_text(path, "UTF-8", most_bytes, streams=True)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None
    except TextError as error:
        raise InputError(str(error)) from None
    if path.suffix.lower() == ".toml":
        raise InputError(f"{name} is TOML: state the same in YAML or JSON")
    as_json = bool(is_stream(path) and re.match(r'\s*\{\s*["}]', text))
    as_json |= path.suffix.lower() == ".json"
    stated = (_read_json if as_json else _read_yaml)(path, text)
    if not isinstance(stated.data, dict):
        kinds = {type(None): "nothing", list: "a list", str: "a text"}
        kind = kinds.get(type(stated.data), "a number or truth value")
        raise InputError(f"{name} must hold a mapping, not {kind}")
    _check_values(stated, stated.data, (), most_nested)
    return stated


def read_value(text: str) -> Any:
    """Return a single value as it would be read from a YAML file.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> read_value("[1, 2e3, no]")
    [1, 2000.0, 'no']
    """
    try:
        stated = _read_yaml(Path("value"), f"value: {text}" if text.strip() else "value:")
        _check_values(stated, stated.data, ())
    except InputError as error:
        raise ValueError(str(error)) from None
    if list(stated.data) != ["value"]:
        raise ValueError(f"{brief(text)} is not one value")
    return stated.data["value"]


def _read_json(path: Path, text: str) -> Stated:
    try:
        data = json.loads(text, object_pairs_hook=_stated_once, parse_constant=_no_number)
    except RecursionError:
        raise _nested(path) from None
    except ValueError as error:
        raise InputError(f"{file_name(path)} is not valid JSON: {_problem(error)}") from None
    return Stated(path, data, {}, {})


def _stated_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{brief(name)[1:-1]} is stated twice")
        found[name] = value
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _read_yaml(path: Path, text: str) -> Stated:
    name = file_name(path)
    lines: dict[tuple[str, ...], int] = {}
    words: dict[tuple[str, ...], str] = {}
    try:
        # The parser itself does not recurse; what composes and builds values does.
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_NESTED:
                raise _nested(path)
        loader = _Loader(text)
        node = loader.get_single_node()
        for number, (place, at, value) in enumerate(_fields(node) if node else (), start=1):
            if number > MOST_VALUES:
                many = f"{name} states more than {MOST_VALUES} values"
                raise InputError(f"{many}: of many alike parties state types and n_parties")
            lines[place] = at.start_mark.line + 1
            if isinstance(value, yaml.ScalarNode) and value.tag in (_INT, _FLOAT, _BOOL):
                words[place] = value.value
        data = None if node is None else loader.construct_document(node)
    except _NodeError as error:
        raise InputError(f"{name}: line {error.line}: {error}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{name} is not valid YAML: {_problem(error)}") from None
    return Stated(path, data, lines, words)


def _nested(path: Path, most: int = MOST_NESTED) -> InputError:
    kind = "JSON" if path.suffix.lower() == ".json" else "YAML"
    rule = f"values must not be nested more than {most} deep"
    return InputError(f"{file_name(path)} is not valid {kind}: {rule}")


def _problem(error: Exception) -> str:
    """Return in one line what is wrong with a YAML file, and where."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        if "another document" in error.problem:
            return f"line {error.problem_mark.line + 1}: a second document begins; there may be one"
        return f"line {error.problem_mark.line + 1}: {brief(error.problem)[1:-1]}"
    if "set_int_max_str_digits" in str(error):
        return "a number has too many digits"
    return brief(" ".join(str(error).split()))[1:-1]


#: The parser in C, where PyYAML has it: ten times as fast.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Resolves plain values as YAML 1.2 does; infinities and not-a-number stay texts."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


_NULL, _BOOL, _INT, _FLOAT, _MERGE, _TEXT, _LIST, _MAPPING = (
    f"tag:yaml.org,2002:{kind}"
    for kind in ("null", "bool", "int", "float", "merge", "str", "seq", "map")
)

#: What plain values of each kind look like, and how they may begin. Digits are ASCII's.
PATTERNS = {
    _NULL: (re.compile(r"~|null|Null|NULL|"), "~nN"),
    _BOOL: (re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
    _INT: (re.compile(r"[-+]?[0-9]+"), "-+0123456789"),
    _FLOAT: (
        re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"),
        "-+.0123456789",
    ),
    _MERGE: (re.compile(r"<<"), "<"),
}

for _tag, (_pattern, _first) in PATTERNS.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern.pattern})\Z"), [*_first, ""])

_Loader.add_constructor(_INT, lambda loader, node: int(loader.construct_scalar(node)))
_Loader.add_constructor(_FLOAT, lambda loader, node: float(loader.construct_scalar(node)))


class _NodeError(Exception):
    def __init__(self, node: yaml.Node, rule: str):
        super().__init__(rule)
        self.line = node.start_mark.line + 1


def _fields(
    node: yaml.Node, place: tuple[str, ...] = (), around: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[str, ...], yaml.Node, yaml.Node]]:
    """Yield each place below a node, the node whose line it has, and that of its value."""
    if not place:
        yield place, node, node
    if id(node) in around:
        raise _NodeError(node, "must not refer to itself")
    _check_tag(node)
    within = (*around, id(node))
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key must be a text", problem_mark=key.start_mark
                )
            _check_tag(key)
            name = key.value
            if name in seen:
                stated = brief(".".join((*place, name)))[1:-1]
                raise _NodeError(key, f"{stated} is stated twice")
            seen.add(name)
            yield (*place, name), key, value
            yield from _fields(value, (*place, name), within)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield (*place, str(i)), value, value
            yield from _fields(value, (*place, str(i)), within)


def _check_tag(node: yaml.Node) -> None:
    """Refuse kinds of values that JSON does not have, and a tag that the value does not fit."""
    fits = {
        yaml.MappingNode: node.tag == _MAPPING,
        yaml.SequenceNode: node.tag == _LIST,
        yaml.ScalarNode: node.tag == _TEXT
        or (node.tag in PATTERNS and bool(PATTERNS[node.tag][0].fullmatch(str(node.value)))),
    }
    if not fits[type(node)]:
        tag = brief(node.tag.replace("tag:yaml.org,2002:", "!!"), 60)[1:-1]
        raise yaml.MarkedYAMLError(
            problem=f"the tag {tag} does not fit, or is not known", problem_mark=node.start_mark
        )


def _check_values(stated: Stated, value: Any, place: Place, most_nested: int = MOST_NESTED) -> None:
    if len(place) > most_nested:
        raise _nested(stated.path, most_nested)
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str) and _has_controls(key):
                field = brief(".".join(map(str, (*place, key))))[1:-1]
                raise stated.error(place, f"{field} must not hold control characters")
            _check_values(stated, inner, (*place, key), most_nested)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            _check_values(stated, inner, (*place, i), most_nested)
    elif isinstance(value, int | float) and not abs(value) < LARGEST:
        got = brief(value, 60)
        raise stated.error(place, f"must be a number below {LARGEST:g}; got {got}")
    elif "max_data" in place and isinstance(value, str) and "inf" in value.lower():
        rule = "must be a number, or null where there is no limit"
        raise stated.error(place, f"{rule}; got {brief(value, 60)}")
    elif isinstance(value, str) and _has_controls(value):
        raise stated.error(place, "must not hold control characters")


def _has_controls(text: str) -> bool:
    return not text.isprintable() and any(
        unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\n\r"
        for character in text
    )
