"""YAML files that people write: read strictly, with the line of each field.

Plain values are read as YAML 1.2 does: ``no`` is a text, ``1e-3`` a number, and a date or ``1:30``
are texts too. A key may be stated once in a mapping. What is wrong is said in one line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import BookError
from ..yaml_files import yaml_problem

Place = tuple[str | int, ...]


#: The largest file that is read, in bytes, and the most values that it may state, counted as often
#: as they are referred to: a few lines of references can stand for billions.
MOST_BYTES = 5_000_000


#: The largest file that is read, in bytes, and the most values that it may state, counted as often
#: as they are referred to: a few lines of references can stand for billions.
MOST_VALUES = 300_000


#: Numbers beyond it are mistakes.
LARGEST = 1e300


class InputError(BookError):
    """A file does not state what it must; the message says which field, and why."""


@dataclass(frozen=True)
class Stated:
    """What a file states.

    Attributes
    ----------
    path : Path
    data : dict
    lines : dict of place to int
        Line, from 1, of each field; a place is the names and indices that lead there, as text.
    """

    path: Path
    data: dict[str, Any]
    lines: dict[tuple[str, ...], int]

    def error(self, place: Place, rule: str) -> InputError:
        """Return the error that says what is wrong with the field at a place."""
        if not place:
            return InputError(f"{self.path}: {rule}")
        at = tuple(map(str, place))
        line = next(self.lines[at[:k]] for k in range(len(at), -1, -1) if at[:k] in self.lines)
        return InputError(f"{self.path}: line {line}, {'.'.join(at)}: {rule}")


def read_stated(path: Path) -> Stated:
    """Read a YAML file that must hold a mapping.

    Raises
    ------
    InputError
        If the file cannot be read, is not valid YAML, states a key twice, holds a reference to
        itself, or a number or text that cannot be used.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # no file can be called that
        raise InputError(f"{path}: {error}") from None
    if len(content) > MOST_BYTES:
        raise InputError(f"{path} is larger than {MOST_BYTES / 1e6:.0f} MB")
    lines: dict[tuple[str, ...], int] = {}
    try:
        loader = _Loader(content)
        node = loader.get_single_node()
        for number, (place, at) in enumerate(_fields(node, (), ()) if node else (), start=1):
            if number > MOST_VALUES:
                raise InputError(f"{path} states more than {MOST_VALUES} values")
            lines[place] = at.start_mark.line + 1
        data = None if node is None else loader.construct_document(node)
    except _NodeError as error:
        raise InputError(f"{path}: line {error.line}: {error}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path} is not valid YAML: {yaml_problem(error)}") from None
    if not isinstance(data, dict):
        raise InputError(f"{path} must hold a mapping, not {type(data).__name__}")
    stated = Stated(path, data, lines)
    _check_values(stated, data, ())
    return stated


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Resolves plain values as YAML 1.2 does; infinities and not-a-number stay texts."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


_INT = "tag:yaml.org,2002:int"


_FLOAT = "tag:yaml.org,2002:float"


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", "~nN"),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    (_INT, r"^[-+]?[0-9]+$", "-+0123456789"),
    (_FLOAT, r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("tag:yaml.org,2002:merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), [*_first, ""])


_Loader.add_constructor(_INT, lambda loader, node: int(loader.construct_scalar(node)))


_Loader.add_constructor(_FLOAT, lambda loader, node: float(loader.construct_scalar(node)))


class _NodeError(Exception):
    def __init__(self, node: yaml.Node, rule: str):
        super().__init__(rule)
        self.line = node.start_mark.line + 1


def _fields(
    node: yaml.Node, place: tuple[str, ...], around: tuple[int, ...]
) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    """Yield each place below a node, and the node whose line it has."""
    if not place:
        yield place, node
    if id(node) in around:
        raise _NodeError(node, "must not refer to itself")
    within = (*around, id(node))
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                raise _NodeError(key, f"{'.'.join((*place, name))} is stated twice")
            seen.add(name)
            yield (*place, name), key
            yield from _fields(value, (*place, name), within)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield (*place, str(i)), value
            yield from _fields(value, (*place, str(i)), within)


def _check_values(stated: Stated, value: Any, place: Place) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_values(stated, inner, (*place, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            _check_values(stated, inner, (*place, i))
    elif isinstance(value, int | float) and not abs(value) < LARGEST:
        raise stated.error(place, f"must be a number below {LARGEST:g}")
    elif isinstance(value, str) and any(
        unicodedata.category(character) in {"Cc", "Cs"} and not character.isspace()
        for character in value
    ):
        raise stated.error(place, "must not hold control characters")
