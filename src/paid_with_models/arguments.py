"""Arguments that must be real numbers: taken as such, or refused by name.

NumPy reads text, truth values, dates and bytes as numbers, drops imaginary parts, and takes what is
under a mask. None of these is a quantity.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .texts import brief

__all__ = [
    "ReadOnly", "freeze", "frozen", "instance", "limit", "one_of", "real", "real_field", "reals",
    "resolution", "shares", "truth", "whole", "wholes",
]  # fmt: skip

Kind = TypeVar("Kind", bound=np.generic)

#: KINDS: NumPy's kinds of numbers that are real.
KINDS = "iuf"


def real(name: str, value: Any, rule: str = "a number") -> float:
    """A single real number; not-a-number and infinities pass.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : int, float, NumPy scalar, Decimal or Fraction
    rule : str
        What it must be, for the message.

    Raises
    ------
    ValueError
        For anything else: a truth value, text, a complex number, an array.

    Examples
    --------
    >>> real("scale", 3)
    3.0
    >>> real("scale", True)
    Traceback (most recent call last):
        ...
    ValueError: scale must be a number; got True
    """
    if not _is_real(value):
        raise ValueError(f"{name} must be {rule}; got {brief(value)}")
    try:
        return float(value)
    except (ArithmeticError, ValueError):  # an integer beyond all floats, a signaling NaN
        raise ValueError(f"{name} must be {rule}; got {brief(value)}") from None


def _is_real(value: Any) -> bool:
    if isinstance(value, np.generic):
        return value.dtype.kind in KINDS
    return isinstance(value, int | float | Decimal | Fraction) and not isinstance(value, bool)


def real_field(record: Any, name: str, rule: str, holds: Callable[[float], bool]) -> None:
    """Make a field of a frozen dataclass a float, if it is a real number that obeys a rule.

    Raises
    ------
    ValueError
        Naming the field, the rule and the value.
    """
    given = getattr(record, name)
    number = real(name, given, f"a number {rule}")
    if not holds(number):
        raise ValueError(f"{name} must be {rule}; got {brief(given)}")
    object.__setattr__(record, name, number)


def reals(name: str, values: Any) -> npt.NDArray[np.float64]:
    """An array of real numbers of any shape, a copy; not-a-number and infinities pass.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    values : array_like
        Anything that NumPy makes an array of.

    Raises
    ------
    ValueError
        If an entry is complex, masked, text, bytes, a truth value, a date or a record, or if there
        is no array to be made of it, whatever it raises.

    Examples
    --------
    >>> reals("costs", [1, 0.5]).tolist()
    [1.0, 0.5]
    >>> reals("costs", [True, 0.5])
    Traceback (most recent call last):
        ...
    ValueError: costs must be numbers; got [True, 0.5]
    """
    try:
        if _are_real(values):
            return np.array(values, dtype=float)
    except Exception:  # noqa: S110  # objects may raise anything when they are asked
        pass
    raise ValueError(f"{name} must be numbers; got {brief(values)}")


def _are_real(values: Any) -> bool:
    masked = sys.modules.get("numpy.ma")  # who has masked arrays has imported it
    if masked is not None and masked.is_masked(values):
        return False
    if isinstance(values, list | tuple):  # NumPy would find one kind for all entries
        return all(_are_real(value) for value in values)
    if _is_real(values):
        return True
    if isinstance(values, bytearray | memoryview):  # bytes, though NumPy sees small integers
        return False
    array = np.asarray(values)
    if array.dtype.kind == "O":
        return values is not None and all(_is_real(value) for value in array.flat)
    return array.dtype.kind in KINDS


def shares(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Chances (..., I) as parts of their sum; those that sum to 1 but for rounding stay themselves.

    So a problem that is made anew of what another states is that problem.

    Examples
    --------
    >>> shares(np.array([1.0, 3.0])).tolist(), shares(np.array([0.1, 0.2, 0.7])).tolist()
    ([0.25, 0.75], [0.1, 0.2, 0.7])
    """
    total = chances.sum(axis=-1, keepdims=True)
    rounding = chances.shape[-1] * np.finfo(float).eps
    return np.where(np.abs(total - 1) <= rounding, chances, chances / total)


def limit(name: str, value: Any, least: int) -> int:
    """A most that is counted to; infinity, for no limit, is more than can be counted to.

    Examples
    --------
    >>> limit("max_nodes", 5, least=1), limit("max_nodes", math.inf, least=1) > 10**18
    (5, True)
    """
    if isinstance(value, float) and value == math.inf:
        return sys.maxsize
    number = whole(name, value, least)
    if number > sys.maxsize:
        raise ValueError(f"{name} must be at most {sys.maxsize}, or infinite; got {brief(value)}")
    return number


def wholes(name: str, values: Any, rule: str = "whole numbers >= 0") -> npt.NDArray[np.intp]:
    """An array of whole numbers, none below 0; floats pass that are whole.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    values : array_like
    rule : str
        What they must be, for the message.

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> wholes("counts", [1, 2.0]).tolist()
    [1, 2]
    >>> wholes("counts", [0.5])
    Traceback (most recent call last):
        ...
    ValueError: counts must be whole numbers >= 0; got [0.5]
    """
    numbers = reals(name, values)
    if not np.all((numbers >= 0) & (numbers == np.floor(numbers)) & (numbers <= 2**53)):
        raise ValueError(f"{name} must be {rule}; got {brief(values)}")
    return numbers.astype(np.intp)


def instance(name: str, value: object, kind: type, made_by: str) -> None:
    """Refuse what is of another class, and say what makes one.

    Examples
    --------
    >>> instance("fit", None, dict, "learning_curve")
    Traceback (most recent call last):
        ...
    ValueError: fit must be a dict, as learning_curve returns; got None
    """
    if not isinstance(value, kind):
        raise ValueError(
            f"{name} must be a {kind.__name__}, as {made_by} returns; got {brief(value)}"
        )


def one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    """Refuse anything but some words.

    Examples
    --------
    >>> one_of("total", None, ("free", "constant"))
    Traceback (most recent call last):
        ...
    ValueError: total must be 'free' or 'constant'; got None
    """
    if not isinstance(value, str) or value not in known:  # arrays are compared entry by entry
        *first, last = map(repr, known)
        raise ValueError(f"{name} must be {', '.join(first)} or {last}; got {brief(value)}")


def truth(name: str, value: Any) -> bool:
    """A truth value; what only counts as one, such as text, is refused by name.

    Examples
    --------
    >>> truth("opting_out", "no")
    Traceback (most recent call last):
        ...
    ValueError: opting_out must be True or False; got 'no'
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False; got {brief(value)}")
    return bool(value)


def freeze(record: object) -> None:
    """Make all arrays of a record read-only: a result says what was proved, and nothing else.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> record = SimpleNamespace(costs=np.ones(2))
    >>> freeze(record)
    >>> record.costs.flags.writeable
    False
    """
    for value in vars(record).values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)


class ReadOnly:
    """A record that freezes its arrays: a result, as it was computed or from a pickle.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Menu(ReadOnly):
    ...     rewards: npt.NDArray[np.float64]
    >>> Menu(np.ones(2)).rewards.flags.writeable
    False
    """

    def __post_init__(self) -> None:
        freeze(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        freeze(self)


def frozen(array: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
    """An array that is kept, read-only.

    Examples
    --------
    >>> frozen(np.ones(2)).flags.writeable
    False
    """
    array.setflags(write=False)
    return array


def resolution(values: Any) -> float:
    """Relative distance of neighboring numbers in an array-like: more of single precision.

    Examples
    --------
    >>> f"{resolution([0.5, 1]):.1e}", f"{resolution(np.ones(2, np.float32)):.1e}"
    ('2.2e-16', '1.2e-07')
    """
    kind = np.asarray(values).dtype
    return float(np.finfo(kind if kind in (np.float16, np.float32) else float).eps)


def whole(name: str, value: Any, least: int = 0) -> int:
    """A whole number that is large enough.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : int or NumPy integer
    least : int

    Raises
    ------
    ValueError
        For anything else: a truth value, a float, text, a smaller number.

    Examples
    --------
    >>> whole("n_parties", np.int64(3), least=1)
    3
    """
    try:
        number = operator.index(value)
    except Exception:  # objects may raise anything when they are asked
        raise ValueError(f"{name} must be an integer; got {brief(value)}") from None
    truth = isinstance(value, bool | np.bool_)
    if truth or number < least:
        also = ", a truth value" * truth
        raise ValueError(f"{name} must be an integer >= {least}; got {brief(value)}{also}")
    return number
