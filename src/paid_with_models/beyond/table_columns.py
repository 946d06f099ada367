"""Which column of a table holds what, by its heading or its numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from ..accuracy import FloatArray
from ..texts import shown
from .headings import (
    LONG,
    are_repeats,
    deviations_of,
    has_own_unit,
    is_error_rate,
    is_interval,
    is_of,
    is_standard_error,
    is_test,
    is_train,
    is_variance,
    role_of,
    tokens,
)
from .table_text import TableError, decimal_mark, may_be_grouped, read_number

__all__ = [
    "MOST_NAMES",
    "NOT_ACCURACIES",
    "Table",
    "accuracy_columns",
    "check_error_rate",
    "check_errors",
    "check_half_width",
    "check_marks",
    "columns_by_values",
    "ends_of_interval",
    "error_column",
    "errors_of_means",
    "is_number",
    "listed",
    "named",
    "not_accuracy",
    "number_of",
    "repeated",
    "size_column",
    "stated_columns",
]

#: COLUMNS: what may be said about columns.
COLUMNS = ("size", "accuracy", "error", "count", "where")

#: NOT_ACCURACIES: what is said by name not to be accuracies.
NOT_ACCURACIES = ("loss", "error rate", "difference", "computed")

#: HIGH: a spread above it, in shares, is rather a rate of errors, or a bound.
HIGH = 0.2

#: MOST_NAMES: headings that a message lists.
MOST_NAMES = 8


@dataclass(frozen=True)
class Table:
    """Heading and rows, with what is needed to say where something is wrong."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    decimal: str | None
    breaks: tuple[tuple[int, str], ...] = ()

    def column(self, k: int) -> list[str]:
        return [row[k] for row in self.rows]

    def numbers(self, k: int, what: str, *, amount: bool) -> FloatArray:
        """The cells of a column as numbers; NaN for gaps."""
        cells = self.column(k)
        decimal = self.decimal or (_proved_mark(cells) if amount else None)
        found = []
        for line, cell in zip(self.lines, cells, strict=True):
            found.append(number_of(f"{self.name}: line {line}", cell, what, decimal, amount))
        return np.array(found)


def stated_columns(columns: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is said about columns, if it can be."""
    if not isinstance(columns, Mapping | None):
        raise TableError(f"columns must be a mapping; got {shown(str(columns))}")
    stated = dict(columns or {})
    if unknown := [str(key) for key in stated if key not in COLUMNS]:
        raise TableError(f"columns.{shown(unknown[0])[1:-1]} is not known; known are {COLUMNS}")
    return stated


def check_errors(name: str, errors: FloatArray | None, whole: float) -> None:
    """Refuse errors that accuracies from 0 to the whole, 1 or 100 percent, cannot have."""
    largest = 0.0 if errors is None else np.nanmax(errors, initial=0)
    if largest > whole / 2:
        raise TableError(
            f"{name}: errors reach {largest:g}, more than accuracies between 0 and {whole:g} can"
            " vary by: give both in the same unit"
        )


def repeated(amounts: Sequence[str]) -> list[str]:
    """Amounts of data above columns, without the numbers that pandas gives to equal headings.

    Examples
    --------
    >>> repeated(["n", "100", "100.1", "100.2", "250.5"])
    ['n', '100', '100', '100', '250.5']
    """
    found = []
    for amount in amounts:
        base, mark, number = amount.partition(".")
        before = base if number == "1" else f"{base}.{int(number) - 1}" if number.isdigit() else ""
        found.append(base if mark and before in amounts else amount)
    return found


def _proved_mark(cells: Sequence[str]) -> str | None:
    """The decimal mark of a column, if one of its cells leaves no doubt; None otherwise.

    What stands once, and not before three digits, is no mark of thousands; what stands twice is.
    """
    decimals = {m for c in cells if (m := decimal_mark(c)) and not may_be_grouped(c)}
    thousands = {m for c in cells for m in ".," if c.count(m) > 1}
    found = decimals | {"," if m == "." else "." for m in thousands}
    return found.pop() if len(found) == 1 and not decimals & thousands else None


def number_of(where: str, cell: str, what: str, decimal: str | None, amount: bool) -> float:
    """A cell as a number; NaN for a gap."""
    try:
        value = read_number(cell, decimal, amount=amount)
    except TableError as error:
        raise TableError(f"{where}: {error}: say which by decimal") from None
    if value is None and cell.strip("+-\u2212 ").lower() in ("inf", "infinity", "\u221e"):
        value = math.inf
    if value is None:
        raise TableError(f"{where}: {what} must be a number; got {shown(cell)}")
    if math.isinf(value):
        raise TableError(f"{where}: {what} must be finite; got {shown(cell)}")
    return value


def is_number(cell: str, decimal: str | None) -> bool:
    """Whether a cell can be read as a number, in one way or two."""
    try:
        return read_number(cell, decimal, amount=True) is not None
    except TableError:  # a number, though it is not clear which
        return True


def named(table: Table, asked: Any, role: str) -> int:
    """The column that is asked for, by heading or by number from 1."""
    if isinstance(asked, int) and not isinstance(asked, bool):
        if 1 <= asked <= len(table.headings):
            return asked - 1
        raise TableError(
            f"columns.{role} must be from 1 to {len(table.headings)} for {table.name}; got {asked}"
        )
    matches = [k for k, h in enumerate(table.headings) if h.strip() == str(asked).strip()]
    if len(matches) != 1:
        rule = "is the heading of no column" if not matches else "heads several columns"
        raise TableError(
            f"{table.name}: columns.{role}, {shown(str(asked))}, {rule}{listed(table)}"
        )
    return matches[0]


def listed(table: Table) -> str:
    """The headings, if this is a table of numbers: those of other files are not repeated."""
    numeric = [
        all(is_number(cell, table.decimal) for cell in table.column(k))
        for k in range(len(table.headings))
    ]
    if len(table.rows) < 3 or sum(numeric) < 2 or not any(table.headings):
        return ""
    names = [shown(heading) for heading in table.headings[:MOST_NAMES]]
    return f"; headings are {', '.join(names)}{', …' * (len(table.headings) > MOST_NAMES)}"


def not_accuracy(table: Table, heading: str, role: str) -> TableError:
    """The error that says what a column holds instead."""
    what = shown(heading)
    if role == "loss":
        return TableError(
            f"{table.name}: {what} is a loss, not an accuracy: give the share of right answers"
        )
    if role == "computed":
        return TableError(
            f"{table.name}: {what} is computed from accuracies, or in another unit: give"
            " accuracies themselves"
        )
    if role == "difference":
        return TableError(f"{table.name}: {what} is a difference: give accuracies themselves")
    return TableError(
        f"{table.name}: {what} is an error rate: give accuracies, 1 minus it (100 minus percent)"
    )


def check_marks(table: Table, columns: Sequence[int]) -> None:
    """Refuse points and commas side by side as decimal marks."""
    if table.decimal is None:
        marks = set[str]()
        for k in columns:
            cells = table.column(k)
            proved = _proved_mark(cells)  # what else stands in it separates thousands
            found = {mark for cell in cells if (mark := decimal_mark(cell))}
            marks |= found & {proved} if proved else found
        if len(marks) > 1:
            raise TableError(
                f"{table.name}: numbers have decimal points and decimal commas: say which is one by"
                " decimal"
            )


def size_column(table: Table, roles: Sequence[str]) -> int:
    """The column of amounts of data."""
    found = [k for k, role in enumerate(roles) if role == "size"]
    # Beside an amount of data, training alone is what else was measured on the training data.
    bare = [k for k in found if set(tokens(table.headings[k])) <= {"training", "set"}]
    found = [k for k in found if k not in bare] or found
    trained = [k for k in found if is_train(table.headings[k])]
    if len(trained) == 1:
        return trained[0]
    if len(found) == 1:
        return found[0]
    for role, what in (
        ("log size", "the logarithm of an amount"),
        ("size share", "a share"),
        ("computed size", "computed from amounts"),
    ):
        if not found and role in roles:
            raise TableError(
                f"{table.name}: {shown(table.headings[roles.index(role)])} is {what}: give amounts"
                " of data themselves"
            )
    rule = "several columns could be" if found else "no heading names"
    raise TableError(
        f"{table.name}: {rule} the amount of data: say which column it is by"
        f" columns: {{size: …, accuracy: …}}{listed(table)}"
    )


def accuracy_columns(table: Table, roles: Sequence[str], size: int) -> list[int]:
    """The column of accuracies, or several of repeats."""
    found = [k for k, role in enumerate(roles) if role == "accuracy"]
    held_out = [k for k in found if not is_train(table.headings[k])]
    for chosen in (
        held_out,
        [k for k in held_out if "mean" in tokens(table.headings[k])],
        [k for k in held_out if is_test(table.headings[k])],
    ):
        if len(chosen) == 1:
            return chosen
    if not found:
        found = [k for k, role in enumerate(roles) if role == "run" and _digits(table, k)]
        held_out = found
    if len(held_out) > 1 and are_repeats([table.headings[k] for k in held_out]):
        return held_out
    wrong = [k for k, role in enumerate(roles) if role in NOT_ACCURACIES]
    if not found and wrong:
        raise not_accuracy(table, table.headings[wrong[0]], roles[wrong[0]])
    if found and not held_out:
        raise TableError(
            f"{table.name}: {shown(table.headings[found[0]])} is of the training data: give the"
            " accuracy on data that were held out"
        )
    rest = [k for k in range(len(roles)) if k != size and not roles[k]]
    if not found and len(rest) == 1 and len(roles) == 2 and listed(table):
        rule = "the second column may be"
    else:
        rule = "several columns could be" if found else "no heading names"
    raise TableError(
        f"{table.name}: {rule} the accuracy: say which column it is by"
        f" columns: {{size: …, accuracy: …}}{listed(table)}"
    )


def _all_numbers(table: Table, k: int) -> bool:
    return all(is_number(cell, table.decimal) for cell in table.column(k))


def _digits(table: Table, k: int) -> bool:
    return any(token.isdigit() for token in tokens(table.headings[k]))


def _belongs(table: Table, roles: Sequence[str], accuracy: Sequence[int], k: int) -> bool:
    """Whether errors are those of the accuracy, by the heading or, if it is bare, by the place."""
    measured = table.headings[accuracy[0]]
    if not is_of(table.headings[k], measured):
        return False
    if role_of(measured) and set(tokens(table.headings[k])) & set(tokens(measured)) - {"mean"}:
        return True
    before = [j for j in range(k) if roles[j] not in ("error", "count", "run", "index", "size")]
    return not before or before[-1] in accuracy


def error_column(table: Table, roles: Sequence[str], accuracy: Sequence[int]) -> int | None:
    """The column of errors of the accuracy."""
    found = [
        k
        for k, role in enumerate(roles)
        if role == "error"
        and not is_train(table.headings[k])
        and (not is_variance(table.headings[k]) or _all_numbers(table, k))
        and _belongs(table, roles, accuracy, k)
    ]
    if not found:
        for k, role in enumerate(roles):
            # A column "error" beside accuracies is what they lack to 1, or how far they vary.
            if role == "error rate" and tokens(table.headings[k])[-1:] in (
                ("error",),
                ("err",),
                ("fehler",),
            ):
                sums = sum(table.numbers(j, "value", amount=False) for j in (accuracy[0], k))
                if not np.isfinite(sums).any():
                    continue
                whole = 100 if np.nanmax(sums) > 2 else 1
                if np.nanmax(np.abs(sums - whole)) > 0.02 * whole:
                    found.append(k)
    if len(found) > 1:
        of_means = [k for k in found if is_standard_error(table.headings[k])]
        near = [k for k in found if k == accuracy[0] + 1]
        found = of_means or near or found
    return found[0] if found else None


def check_error_rate(
    table: Table, heading: str, about: str, errors: FloatArray, accuracies: FloatArray
) -> None:
    """Refuse numbers called error that are too large for how far accuracies vary."""
    if not is_error_rate(heading) or not np.isfinite(errors).any():
        return
    errors, accuracies = _shares(errors, accuracies)
    lacking = np.maximum(1 - accuracies, 1e-9)
    of_a_set = is_test(heading) or is_train(heading)  # which is measured, not how it varies
    if of_a_set or np.nanmax(errors) > HIGH or 0.4 <= np.nanmedian(errors / lacking) <= 2.5:
        raise TableError(
            f"{table.name}: {about} may be an error rate, or how far accuracies vary: call it error"
            " rate if it is one, or say columns: {error: …} if not"
        )


def _shares(errors: FloatArray, accuracies: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both as shares, if they are in percent by their values."""
    whole = 100 if np.nanmax(accuracies) > 1 else 1
    return errors / whole, accuracies / whole


def check_half_width(
    table: Table, heading: str, about: str, errors: FloatArray, accuracies: FloatArray
) -> None:
    """Refuse ends of intervals as half widths: they lie near the accuracies."""
    if not is_interval(heading) or not np.isfinite(errors).any():
        return
    errors, accuracies = _shares(errors, accuracies)
    if np.nanmedian(errors / np.maximum(accuracies, 1e-9)) > 0.5:
        raise TableError(
            f"{table.name}: {about} holds an end of an interval, not half its width: give both"
            " ends beside each other, or standard errors"
        )


def ends_of_interval(
    table: Table, error: int, accuracies: FloatArray
) -> tuple[FloatArray, str] | None:
    """Standard errors from two columns that hold the ends of an interval, and what is said."""
    heading = table.headings[error]
    if not is_interval(heading):
        return None
    for k, other in enumerate(table.headings):
        if k == error or not (is_interval(other) or (not other and k == error + 1)):
            continue
        if not all(is_number(cell, table.decimal) for cell in table.column(k)):
            continue
        ends = [table.numbers(it, "error", amount=False) for it in sorted((error, k))]
        known = np.isfinite(ends[0] + ends[1] + accuracies)
        low, high = np.minimum(*ends)[known], np.maximum(*ends)[known]
        if known.any() and np.all((low <= accuracies[known]) & (accuracies[known] <= high)):
            level = _level(heading, other)
            if level is None:
                break
            width = 2 * NormalDist().inv_cdf(0.5 + level / 200)
            names = f"columns {shown(heading)} and {shown(other) if other else k + 1}"
            return (
                np.abs(ends[1] - ends[0]) / width,
                (
                    f"Errors are the distances of {names}, the ends of {level:.4g} % intervals,"
                    f" divided by {width:.4g}."
                ),
            )
        if is_interval(other) and deviations_of(heading) == deviations_of(other):
            break
    else:
        return None
    raise TableError(
        f"{table.name}: columns {shown(heading)} and {shown(other) if other else k + 1} hold two"
        " sides of an interval, and it is not clear how: give standard errors"
    )


def _level(low: str, high: str) -> float | None:
    """The level of an interval in percent, by the headings of its ends; None if it is not clear."""
    ends = [
        [100 * it if it < 1 else it for it in map(float, re.findall(r"\d*\.?\d+", heading[:LONG]))]
        for heading in (low.replace(",", "."), high.replace(",", "."))
    ]
    for first in ends[0]:
        for second in ends[1]:
            if first != second and abs(first + second - 100) < 0.01:  # two quantiles
                return abs(second - first)
    deviations = deviations_of(low)
    if high and deviations_of(high) != deviations:
        return None
    return 200 * NormalDist().cdf(deviations) - 100


def errors_of_means(
    table: Table, errors: FloatArray, heading: str, about: str, runs: FloatArray | None, of: str
) -> tuple[FloatArray, str]:
    """Errors of the means, and what was done to have them, by what is said of errors and runs."""
    if has_own_unit(heading):
        raise TableError(f"{table.name}: {about}: give errors in the unit of accuracies")
    if is_variance(heading):
        if np.any(errors < 0):
            raise TableError(f"{table.name}: {about}: variances must be at least 0")
        errors, about = np.sqrt(errors), f"the root of {about}"
    times = deviations_of(heading)
    if times != 1:
        errors, about = errors / times, f"{about} divided by {times:.4g}"
    spread = set(tokens(heading)) & {
        "std",
        "sd",
        "stdev",
        "stddev",
        "deviation",
        "stdabw",
        "standardabweichung",
    }
    spread |= {"var"} if is_variance(heading) else set()
    if spread and runs is not None and "error" not in tokens(heading):
        if not np.all(runs >= 1):
            raise TableError(
                f"{table.name}: the number of runs, {of}, must be at least 1 everywhere"
            )
        return errors / np.sqrt(runs), f"Errors are {about} by the root of {of}."
    if spread:
        return (
            errors,
            f"Errors are {about}, taken as those of the means: no number of runs is given.",
        )
    return errors, f"Errors are {about}."


def columns_by_values(table: Table) -> dict[str, int]:
    """What columns without a heading hold, where their numbers leave no doubt."""
    numbers = []
    for k in range(len(table.headings)):
        try:
            numbers.append([read_number(c, table.decimal, amount=True) for c in table.column(k)])
        except TableError:
            numbers.append([math.inf])
    clean = [[v for v in column if v is not None and not math.isnan(v)] for column in numbers]
    columns = list(range(len(clean)))
    count = len(table.rows)
    if len(columns) > 2 and clean[0] in (list(range(count)), list(range(1, count + 1))):
        columns = columns[1:]  # an index
    large = [k for k in columns if clean[k] and max(clean[k]) > 100]
    if len(large) != 1 or len(columns) not in (2, 3):
        raise TableError(
            f"{table.name}: line {table.lines[0]}: there is no heading that says which column is"
            " the amount of data and which the accuracy"
        )
    rest = [k for k in columns if k not in large]
    if len(rest) == 2 and 2 * max(clean[rest[1]], default=0.0) >= max(clean[rest[0]], default=1.0):
        raise TableError(
            f"{table.name}: line {table.lines[0]}: there is no heading, and columns {rest[0] + 1}"
            f" and {rest[1] + 1} could both be the accuracy: put headings above them"
        )
    found = {"size": large[0], "accuracy": rest[0]}
    return found if len(rest) == 1 else found | {"error": rest[1]}
