"""What stands above the numbers of a table, and means that share a cell with their errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .headings import LONG, role_of
from .table_cells import Cells
from .table_columns import Table, is_number
from .table_text import GAPS, TableError, read_number

__all__ = ["apart", "below_titles", "headed"]

#: MOST_TITLES: rows in which the heading is looked for.
MOST_TITLES = 5

#: LARGE: an error above this share of its mean may be something else.
LARGE = 0.2

#: PAIR, HEAD: a mean with its error in one cell, and what such a column is called.
PAIR = re.compile(
    r"([-+]?[\d.,]++)\s*+(%?)\s*+(?:\u00b1|\+/?-|\(\s*\u00b1?)\s*([\d.,]+)\s*(%?)\s*\)?\s*(%?)"
)
HEAD = re.compile(r"(.*\S)\s*(?:\u00b1|\+/-|\()\s*([^()\u00b1]*?)\)?")


def apart(cells: Cells) -> Cells:
    """Means and errors that share cells, as 0.80 ± 0.01 or 0.80 (0.01), in columns of their own.

    Examples
    --------
    >>> apart(Cells((("n", "acc (sd)"), ("5", ".8 (.1)")), (1, 2), (), ",", ())).rows
    (('n', 'acc', '± sd'), ('5', '.8', '.1'))
    """
    columns: list[list[str]] = []
    for column in zip(*cells.rows, strict=True):
        body = [_pair(cell) for cell in column[1:]]
        paired = all(body) and any(second for _, second in filter(None, body))
        if not paired or role_of(column[0]) == "size" or not _are_errors(column):
            columns.append(list(column))
            continue
        first = _pair(column[0]) if PAIR.fullmatch(column[0][:LONG]) else None
        unit = "(%)" * column[0].endswith("(%)")
        named = HEAD.fullmatch(column[0][:LONG].removesuffix(unit).strip())
        if first is None and named and role_of(named[2]) == "error":
            first = f"{named[1]} {unit}".strip(), f"\u00b1 {named[2]} {unit}".strip()
        pairs = [first or (column[0], "\u00b1"), *filter(None, body)]
        columns += [[mean for mean, _ in pairs], [error for _, error in pairs]]
    return replace(cells, rows=tuple(zip(*columns, strict=True)))


def _are_errors(column: Sequence[str]) -> bool:
    """Whether numbers in brackets are errors: the heading says so, or says nothing and they may be.

    What stands behind a sign is one.
    """
    heading, *cells = column
    if all("(" not in cell for cell in cells):
        return True
    in_brackets = re.search(r"\(([^()]*)\)", heading.removesuffix("(%)"))
    if in_brackets:
        return role_of(in_brackets[1]) == "error"
    pairs = [(mean, error) for mean, error in filter(None, map(_pair, cells)) if error]
    numbers = [[read_number(it, None, amount=False) for it in pair] for pair in pairs]
    return all(error <= LARGE * mean for mean, error in numbers if mean and error)


def _pair(cell: str) -> tuple[str, str] | None:
    """A mean and its error; of a gap two gaps; None for everything else."""
    if cell.lower() in GAPS:
        return cell, ""
    found = PAIR.fullmatch(cell) if len(cell) <= LONG else None
    # Digits alone behind decimals are counted in the last place, or are something else.
    if not found or (bool(set(found[1]) & set(".,")) and not set(found[3]) & set(".,")):
        return None
    sign = "%" * any(found[k] for k in (2, 4, 5))
    return found[1] + sign, found[3] + sign


def below_titles(name: str, cells: Cells, decimal: str | None) -> Cells:
    """The rows from the heading on, without a title that was cut into cells.

    Raises
    ------
    TableError
        If there are several rows of headings.

    Examples
    --------
    >>> cells = Cells((("Curves", "2024"), ("n", "acc"), ("5", ".8")), (1, 2, 3), (), ",", ())
    >>> below_titles("a.csv", cells, None).rows
    (('n', 'acc'), ('5', '.8'))
    """
    roles = [{role_of(cell) for cell in row if cell} for row in cells.rows[:MOST_TITLES]]
    known = [k for k, found in enumerate(roles) if {"size", "accuracy"} <= found]
    if known and (above := known[0]):
        for line, row in zip(cells.lines[:above], cells.rows, strict=False):
            if all(is_number(cell, decimal) for cell in row):
                raise TableError(
                    f"{name}: line {line} holds numbers above the heading: put it above all rows"
                )
        said = f"{above} line{'s' * (above > 1)} before the heading left out."
        rows, lines = cells.rows[above:], cells.lines[above:]
        return replace(cells, rows=rows, lines=lines, said=(*cells.said, said))
    words = 0
    for row in cells.rows:
        if any(cell.lower() not in GAPS and is_number(cell, decimal) for cell in row):
            break
        words += 1
    if words < 2 or words == len(cells.rows):
        return cells
    first, second, *rest = cells.rows
    if words == 2 and all(re.fullmatch(r"[(\[].*[)\]]|", cell) for cell in second):  # units
        united = tuple(f"{cell} {unit}".strip() for cell, unit in zip(first, second, strict=True))
        return replace(cells, rows=(united, *rest), lines=(cells.lines[0], *cells.lines[2:]))
    raise TableError(
        f"{name}: lines {cells.lines[0]} to {cells.lines[words - 1]} are {words} headings: put one"
        " line of headings above the numbers"
    )


def headed(name: str, cells: Cells, decimal: str | None) -> Table:
    """The table with its heading: the first row, or the last comment, or none."""
    first, *rest = cells.rows
    # A heading may leave out what labels of rows are: numbers of a first row cannot.
    labeled = any(not first[0] and row[0] and not is_number(row[0], decimal) for row in rest)
    # So does one of sizes above numbers of runs.
    labeled |= (
        not first[0]
        and all(row[0] for row in rest)
        and len(first) > 2
        and (_heads_sizes(first[1:], [row[1:] for row in rest], decimal))
    )
    if labeled or not all(is_number(cell, decimal) for cell in first):
        return Table(name, first, tuple(rest), cells.lines[1:], decimal, cells.breaks)
    for comment in reversed(cells.comments):
        parts = comment.split() if cells.separator == " " else comment.split(cells.separator)
        words = tuple(part.strip() for part in parts)
        if len(words) == len(first) and not any(is_number(word, decimal) for word in words):
            return Table(name, words, cells.rows, cells.lines, decimal, cells.breaks)
    if len(first) >= 3 and _heads_sizes(first, rest, decimal):
        return Table(name, first, tuple(rest), cells.lines[1:], decimal, cells.breaks)
    return Table(name, ("",) * len(first), cells.rows, cells.lines, decimal, cells.breaks)


def _heads_sizes(first: Sequence[str], rest: Sequence[Sequence[str]], decimal: str | None) -> bool:
    """Whether a row of numbers holds the sizes above the accuracies of a wide table."""
    try:
        top = [read_number(cell, decimal, amount=True) for cell in first]
        below = [read_number(cell, decimal, amount=False) for row in rest for cell in row]
    except TableError:
        return True  # amounts with thousands marks
    heads = [number for number in top if number is not None and number > 1]
    shares = all(number is not None and not number > 100 for number in below)
    return bool(rest) and shares and len(set(heads)) == len(first) and max(heads) > 100
