"""Fields of files, checked one by one: a message names the field, and what it must be."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from .problem import checked_vector
from .texts import brief, field_name

__all__ = ["check_fields", "check_numbers", "check_numbers_or_nan", "is_number", "nearest"]


def nearest(name: str, known: Iterable[str]) -> str:
    """What a misspelled name may mean, to be added to a message; empty if nothing is near.

    Examples
    --------
    >>> nearest("powerlaw", ["PowerLaw", "Arctan"])
    '; did you mean PowerLaw?'
    """
    lower = {it.lower(): it for it in known}
    begun = [it for it in lower if len(name) > 2 and it.startswith(name.lower())]
    found = begun or get_close_matches(name.lower(), lower, n=1)
    return f"; did you mean {lower[found[0]]}?" if found else ""


def check_fields(
    data: Mapping[str, Any], known: tuple[str, ...], needed: tuple[str, ...], within: str = ""
) -> None:
    """Refuse what is no mapping, fields that are not known, and those that are missing."""
    prefix = f"{within}." if within else ""
    if not isinstance(data, Mapping):
        raise ValueError(f"{within or 'the file'} must be a mapping; got {brief(data)}")
    for name in data:
        if name not in known:
            near = nearest(str(name), known)
            raise ValueError(
                f"{prefix}{field_name(name)} is not a known field;"
                f" known are {', '.join(known)}{near}"
            )
    for name in needed:
        if name not in data:
            raise ValueError(f"{prefix}{name} is missing")


def check_numbers(name: str, values: Any) -> None:
    """Refuse what is no list of numbers, one or more."""
    if not isinstance(values, list) or not all(is_number(value) for value in values):
        raise ValueError(f"{name} must be a list of numbers; got {brief(values)}")
    checked_vector(name, values)


def check_numbers_or_nan(name: str, values: list[Any]) -> None:
    """Refuse lists of anything but numbers; not-a-number passes."""
    if not all(is_number(value) for value in values):
        raise ValueError(f"{name} must be a list of numbers; got {brief(values)}")


def is_number(value: Any) -> bool:
    """Whether a value is a number as files have them, and a float can hold it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max or isinstance(value, float)
