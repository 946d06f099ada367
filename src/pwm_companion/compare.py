"""Numbers, tables and texts beside reference values: a rule for each kind, one comparison.

Whatever is compared is rows of cells: a number is one cell, a column of a figure's table has one
cell a row, a shown table has several.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .errors import BookError

NUMBER = re.compile(r"[-+−]?\d(?:[\d,]*\d)?(?:\.\d+)?(?:e[-+]?\d+)?")
POWER = re.compile(r"\b10([⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
Scalar = str | int | float | bool
Rows = list[list[str]]


class Verdict(StrEnum):
    """What came out of a comparison, best first."""

    IDENTICAL = "identical"
    WITHIN = "within tolerance"
    NEW = "new"
    MISSING = "missing"
    DIFFERS = "differs"


@dataclass(frozen=True)
class Tolerances:
    """How much may differ.

    Attributes
    ----------
    relative
        For computed numbers, relative to the reference; for a column of a figure's table, to the
        largest number in it.
    residual
        Numbers smaller than this are rounding errors, of which only the size matters: they may
        take any value up to ten times this.
    measured
        Patterns ``PAGE: NAME`` of what is stored rather than computed, such as times: not compared.
    undetermined
        By pattern ``PAGE: NAME``, how much the numbers there may differ, each relative to itself,
        since the problem leaves them open: flat directions, equal answers, other solvers.
    reasons
        Why, by class of tolerance: ``exact``, ``computed``, ``residual``, ``shown``,
        ``undetermined``, ``measured``.
    """

    relative: float
    residual: float
    measured: tuple[str, ...]
    undetermined: Mapping[str, float]
    reasons: Mapping[str, str]

    def is_measured(self, page: str, name: str) -> bool:
        """Say whether it is stored rather than computed."""
        return any(fnmatchcase(f"{page}: {name}", pattern) for pattern in self.measured)

    def leeway(self, page: str, name: str) -> float | None:
        """Return how much numbers that are undetermined may differ, relative; None for others."""
        found = (
            relative
            for pattern, relative in self.undetermined.items()
            if fnmatchcase(f"{page}: {name}", pattern)
        )
        return next(found, None)

    @property
    def limits(self) -> dict[str, str]:
        """What each class lets differ, in words."""
        return {
            "exact": "nothing",
            "computed": f"{self.relative:.0e}, relative",
            "residual": f"any value up to {10 * self.residual:.0e}",
            "shown": "one unit of the last digit",
            "undetermined": "what tolerances.json says for each, relative",
            "measured": "anything",
        }


@dataclass(frozen=True)
class Finding:
    """What came out for one number, shown table or text, or column of a figure's table.

    Attributes
    ----------
    page
        The chapter's name, or ``figures/ID``.
    name
        Of the number, of what is shown, or of the column.
    verdict
        See `Verdict`.
    tolerance
        Its class, see `Tolerances`.
    reference, now
        The values; None if there is none. Of tables the first place that is not the same.
    difference
        Relative to the reference (to the largest number of a column); None if that has no meaning.
    """

    page: str
    name: str
    verdict: Verdict
    tolerance: str
    reference: Scalar | None
    now: Scalar | None
    difference: float | None = None


def read_tolerances(folder: Path) -> Tolerances:
    """Read ``tolerances.json`` of the folder of reference values.

    Raises
    ------
    BookError
        If there is none, or it does not hold what `Tolerances` asks for.
    """
    path = folder / "tolerances.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(pattern, str) for pattern in content["measured"]):
            raise TypeError("measured must be a list of patterns")
        return Tolerances(
            float(content["relative"]),
            float(content["residual"]),
            tuple(content["measured"]),
            {str(it): float(by) for it, by in content["undetermined"].items()},
            dict(content["reasons"]),
        )
    except OSError as error:
        raise BookError(f"{path}: {error.strerror}") from None
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        raise BookError(f"{path} is not as it must be: {error!r}") from None


@dataclass(frozen=True)
class Rule:
    """How cells that are not the same are compared.

    Attributes
    ----------
    tolerance
        The class, see `Tolerances`.
    close
        Says whether the cell now is close enough to that of the reference.
    scale
        What a difference is relative to; 0 if it has no meaning.
    any_rows
        Whether there may be more rows, or fewer.
    """

    tolerance: str
    close: Callable[[Any, Any], bool]
    scale: float = 0.0
    any_rows: bool = False


def compare_cells(
    page: str,
    name: str,
    old: Sequence[Sequence[Scalar]] | None,
    now: Sequence[Sequence[Scalar]] | None,
    rule: Rule,
) -> Finding:
    """Compare rows of cells; of those that are not the same, the first or farthest is told."""

    def found(
        verdict: Verdict,
        before: Scalar | None = None,
        after: Scalar | None = None,
        difference: float | None = None,
    ) -> Finding:
        return Finding(page, name, verdict, rule.tolerance, before, after, difference)

    if old is None or now is None:
        return found(Verdict.NEW if old is None else Verdict.MISSING)
    if [len(row) for row in old] != [len(row) for row in now]:
        verdict = Verdict.WITHIN if rule.any_rows else Verdict.DIFFERS
        return found(verdict, f"{len(old)} rows", f"{len(now)} rows")
    cells = (pair for rows in zip(old, now, strict=True) for pair in zip(*rows, strict=True))
    pairs = [(it, other) for it, other in cells if type(it) is not type(other) or it != other]
    if not pairs:
        return found(Verdict.IDENTICAL)
    far = [pair for pair in pairs if not rule.close(*pair)]
    shown, difference = (far or pairs)[0], None
    if rule.scale:
        shown = max(far or pairs, key=lambda pair: _distance(*pair))
        relative = _distance(*shown) / rule.scale
        difference = relative if math.isfinite(relative) else None
    verdict = Verdict.DIFFERS if far else Verdict.WITHIN
    return found(verdict, *shown, difference)


def _distance(old: Scalar, now: Scalar) -> float:
    """Return how far two numbers are apart; infinity if one is none."""
    try:
        return abs(float(now) - float(old))
    except ValueError:
        return math.inf


def _numeric_rule(tolerance: str, scale: float, tolerances: Tolerances) -> Rule:
    """Return the rule for floating-point numbers whose largest is of size `scale`."""

    def computed(old: Scalar, now: Scalar) -> bool:
        return _distance(old, now) <= tolerances.relative * scale

    def residual(old: Scalar, now: Scalar) -> bool:
        return math.isfinite(_distance(old, now)) and abs(float(now)) <= 10 * tolerances.residual

    def measured(old: Scalar, now: Scalar) -> bool:
        return math.isfinite(_distance(old, now))

    rules = {"computed": computed, "residual": residual, "measured": measured}
    return Rule(tolerance, rules[tolerance], scale)


def number_rule(known: Scalar | None, tolerances: Tolerances, measured: bool) -> Rule:
    """Return the rule for one number, or text, of a chapter."""
    if measured:
        return Rule("measured", lambda old, now: True)
    if isinstance(known, str):
        return shown_rule(tolerances, measured)
    if not isinstance(known, float):
        return Rule("exact", lambda old, now: False)
    small = abs(known) < tolerances.residual
    rule = _numeric_rule("residual" if small else "computed", abs(known), tolerances)
    close = rule.close
    return replace(
        rule,
        close=lambda old, now: isinstance(now, float) and close(old, now),
        scale=0.0 if small else rule.scale,
    )


def column_rule(cells: Rows, tolerances: Tolerances, measured: bool) -> Rule:
    """Return the rule for a column of a figure's table."""
    stated = [text for (text,) in cells if text]  # a blank cell says that there is no number
    try:
        numbers = [float(text) for text in stated]
        whole = all(NUMBER.fullmatch(text) and _unit(text) > 1 for text in stated)
    except ValueError:
        numbers, whole = [], True
    if whole and not measured:
        return Rule("exact", lambda old, now: False)
    scale = max((abs(x) for x in numbers if math.isfinite(x)), default=0.0)
    kind = "residual" if scale < tolerances.residual else "computed"
    return _numeric_rule("measured" if measured else kind, scale, tolerances)


def shown_rule(tolerances: Tolerances, measured: bool) -> Rule:
    """Return the rule for a table or text as a chapter shows it."""
    if measured:
        return Rule("measured", lambda old, now: True, any_rows=True)

    def close(old: Scalar, now: Scalar) -> bool:
        return all(isinstance(it, str) for it in (old, now)) and close_as_shown(
            str(old), str(now), tolerances.residual
        )

    return Rule("shown", close)


def undetermined_rule(leeway: float, tolerances: Tolerances) -> Rule:
    """Return the rule for numbers, also in texts, that may differ by `leeway`, each relative.

    Two that are both below ten times the residual are close, as elsewhere.
    """

    def close(old: Scalar, now: Scalar) -> bool:
        before, after = str(old), str(now)
        if type(old) is not type(now) or NUMBER.split(before) != NUMBER.split(after):
            return False
        pairs = zip(NUMBER.findall(before), NUMBER.findall(after), strict=True)
        return all(
            abs(right - left) <= leeway * abs(left)
            or max(abs(left), abs(right)) < 10 * tolerances.residual
            for left, right in ((_value(it), _value(other)) for it, other in pairs)
        )

    return Rule("undetermined", close)


def close_as_shown(old: str, now: str, residual: float) -> bool:
    """Say whether two texts differ only in the last digits of numbers, by at most one unit.

    Whole numbers must be equal. Numbers that are both below ten times `residual` are close, powers
    of ten too.

    Examples
    --------
    >>> close_as_shown("0.125 of 3", "0.126 of 3", 1e-9), close_as_shown("2 of 3", "3 of 3", 1e-9)
    (True, False)
    >>> close_as_shown("gap 3e-14", "gap 8e-13", 1e-9), close_as_shown("10⁻¹⁵", "10⁻¹⁶", 1e-9)
    (True, True)
    """
    old, now = (POWER.sub(_as_number, text) for text in (old, now))
    if NUMBER.split(old) != NUMBER.split(now):
        return False
    for pair in zip(NUMBER.findall(old), NUMBER.findall(now), strict=True):
        left, right = map(_value, pair)
        units = [_unit(it) for it in pair]
        small = max(abs(left), abs(right)) < 10 * residual
        near = max(units) < 1 and abs(left - right) <= 1.001 * min(units)
        if left != right and not small and not near:
            return False
    return True


def _as_number(power: re.Match[str]) -> str:
    """Write 10⁻¹⁵ as 1e-15."""
    return f"1e{power[1].translate(SUPERSCRIPTS)}"


def _value(number: str) -> float:
    return float(number.replace(",", "").replace("−", "-"))


def _unit(text: str) -> float:
    """Return what one unit of the last digit of a number is worth; infinite for whole numbers."""
    mantissa, _, exponent = text.partition("e")
    _, point, digits = mantissa.partition(".")
    return 10.0 ** (int(exponent or 0) - len(digits)) if point or exponent else math.inf
