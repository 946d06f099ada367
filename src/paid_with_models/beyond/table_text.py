"""Files of numbers as text: cut into cells, cells read as numbers.

Nothing is guessed where two readings are possible: `1.000` is one or one thousand.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from ..texts import TextError, file_name, read_text, shown

__all__ = [
    "Cells",
    "TableError",
    "decimal_mark",
    "may_be_grouped",
    "read_cells",
    "read_number",
]

#: MOST_ROWS, MOST_COLUMNS: more are not those of a learning curve.
MOST_ROWS, MOST_COLUMNS = 100_000, 2_000

#: LONGEST: characters of a cell that can be a number.
LONGEST = 40

#: Characters that separate cells, in the order in which they are tried; commas, which may be
#: decimal marks too, and blanks come last.
SEPARATORS = ("\t", ";", "|")

#: Spaces that separate thousands in some countries; apostrophes in others.
GROUPING = " \u00a0\u202f\u2009'\u2019"

#: TIMES: what letters behind an amount of data stand for.
TIMES = {"k": 1e3, "K": 1e3, "M": 1e6}

#: BOX: characters of which boxes around cells are drawn, and those for which bars stand.
BOX = str.maketrans("\u2502\u2503\u2551\u2506\u250a", "|||||")

#: What a table printed by a program has besides rows: rules, kinds of columns, how many rows.
PRINTED = re.compile(
    r"[-+:=|\s]*-[-+:=|\s]*|[\u2500-\u257f|\s]*[\u2500-\u257f][\u2500-\u257f|\s]*"
    r"|\s*(<\w+>\s*)+|\|?(\s*([iuf](8|16|32|64)|u?int(eger)?\d*|float\d*|double|real|str|text|varchar|(big|huge)int"
    r"|decimal\(.*?\))\s*\|)+|\|?\s*\d+ rows?\s+\d+ columns?\s*\|?|Source: local data frame.*"
    r"|(Name: .*, )?dtype: \w+|\|?\s*\d+ rows?\s*\|?"
    r"|\(\d+ rows?\)|\d+ rows? in set.*|\[\d+ rows x \d+ columns\]|shape: \(.*\)"
)

#: Marks of the setting of text around a cell, or in it.
SETTING = re.compile(
    r"\\(?:num|text\w*|math\w*|emph|underline|bm|boldsymbol)\{([^{}]*)\}|(\*{1,2}|__|`)(.+?)\2"
)


class TableError(ValueError):
    """A file does not hold the measurements that it should; the message says why, in one line."""


@dataclass(frozen=True)
class Cells:
    """A table cut into cells.

    Attributes
    ----------
    rows : tuple of tuple of str
        Cells without blanks around them, as many in each row.
    lines : tuple of int
        The line of the file, from 1, of each row.
    comments : tuple of str
        Comment lines before the first row, without their marks.
    separator : str
        What separated cells; a blank for any white space.
    said : tuple of str
        What was left out.
    """

    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    comments: tuple[str, ...]
    separator: str
    said: tuple[str, ...]


def read_cells(path: Path) -> Cells:
    """Read a file of numbers and cut it into cells.

    Parameters
    ----------
    path : Path
        A regular file of at most 5 MB, UTF-8 or UTF-16.

    Returns
    -------
    Cells

    Raises
    ------
    TableError
        If the file is something else, or holds no table; nothing of its content is repeated.
    OSError
        If it cannot be read.
    """
    try:
        text = read_text(path, "CSV UTF-8")
    except TextError as error:
        raise TableError(str(error)) from None
    return _cut(text, file_name(path))


def _cut(text: str, name: str) -> Cells:
    if max(text.count("\n"), text.count("\r")) > 2 * MOST_ROWS:
        raise TableError(f"{name} must hold at most {MOST_ROWS:,} rows")
    # Only the ends of lines: other characters that Python splits at can stand in a cell.
    numbered = [
        (number, line.strip(" \r").translate(BOX))
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1)
    ]
    said: list[str] = []
    comments: list[str] = []
    body: list[tuple[int, str]] = []
    separator = ""
    for number, line in numbered:
        if not line.strip(" \t,;|"):
            continue
        if stated := re.fullmatch(r'"?sep=(.)"?', line, re.IGNORECASE):
            separator = stated[1]
        elif line.startswith(("#", "%", "//")) and not SHARE.match(line):
            if not body:
                comments.append(line.lstrip("#%/ "))
        elif PRINTED.fullmatch(line):
            continue
        else:
            body.append((number, re.sub(r"(?<=[\d%])\s+#.*", "", line)))
    if not body:
        raise TableError(f"{name} holds no rows")
    if body[0][1][0] in "{[" and body[0][1][-1] in "}],":
        raise TableError(f"{name} is JSON: save the table as CSV")
    if any(re.search(r"&.*\\\\", line) for _, line in body):
        separator, body = "&", [(number, _without_layout(line)) for number, line in body]
        body = [(number, line) for number, line in body if "&" in line]
    if len(body) > MOST_ROWS:
        raise TableError(f"{name} must hold at most {MOST_ROWS:,} rows; got {len(body):,}")
    separator = separator or _separator([line for _, line in body])
    try:
        rows = [(number, _split(line, separator)) for number, line in body]
    except csv.Error:
        raise TableError(f"{name} is not a table of cells") from None
    width = _width([row for _, row in rows])
    number, heading = rows[0]
    named = separator in " \t" and all(len(row) == width for _, row in rows[1:])
    if named and len(heading) == width - 1 > 1:
        labels, seconds = [row[0] for _, row in rows[1:]], [row[1] for _, row in rows[1:]]
        counting = [[str(k) for k in range(first, first + len(labels))] for first in (0, 1)]
        grouped = all(re.fullmatch(r"\d{1,3}", it) for it in labels)
        if grouped and all(re.fullmatch(r"\d{3}", it) for it in seconds) and labels not in counting:
            raise TableError(
                f"{name}: blanks stand between cells, and perhaps in numbers: separate cells by"
                " semicolons or tabs"
            )
        rows[0] = number, ("", *heading)  # as R writes rows with names
    if width < 2:
        raise TableError(
            f"{name} holds no table: there must be rows of two cells or more, separated by commas,"
            " semicolons, tabs, bars or blanks"
        )
    if width > MOST_COLUMNS:
        raise TableError(f"{name} must have at most {MOST_COLUMNS:,} columns; got {width:,}")
    while width > 2 and not any(row[width - 1] for _, row in rows if len(row) >= width):
        width -= 1  # separators at the ends of lines
    rows = [(number, row if any(row[width:]) else row[:width]) for number, row in rows]
    whole = [k for k, (_, row) in enumerate(rows) if len(row) == width]
    first, last = whole[0], whole[-1] + 1
    while last > first + 1 and NOTE.match(rows[last - 1][1][0]):
        last -= 1
    for place, others in (("before", rows[:first]), ("after", rows[last:])):
        if others and all(_is_aside(row) for _, row in others):
            said.append(f"{len(others)} line{'s' * (len(others) > 1)} {place} the table left out.")
        elif place == "before":
            first = 0
        else:
            last = len(rows)
    rows = rows[first:last]
    for number, row in rows:
        if len(row) != width:
            hint = ""
            longest = max((len(it) for _, it in rows if all(map(_begins_as_number, it))), default=0)
            if separator == "," and longest > len(rows[0][1]):
                hint = ". With decimal commas, separate cells by semicolons or tabs"
            raise TableError(
                f"{name}: line {number} must have {width} cells like the others; got"
                f" {len(row)}{hint}"
            )
    return Cells(
        tuple(row for _, row in rows), tuple(number for number, _ in rows), tuple(comments),
        separator, tuple(said),
    )  # fmt: skip


def _is_aside(row: tuple[str, ...]) -> bool:
    """Whether a line is one of words, not of cells."""
    return bool(NOTE.match(row[0])) or (len(row) == 1 and not _begins_as_number(row[0]))


def _begins_as_number(cell: str) -> bool:
    return bool(re.match(r"[-+\u2212]?[.,]?\d", cell))


def _without_layout(line: str) -> str:
    """A row of a table of LaTeX without rules, the mark of its end, and that of formulas."""
    return re.sub(r"\\\\.*|\\(hline|cline\{.*?\}|(top|mid|bottom)rule)", "", line).strip()


def _separator(lines: list[str]) -> str:
    """What separates cells: a character that stands in nearly all lines."""
    sample = lines[:200]
    for mark in (*SEPARATORS, ","):  # lines of words may stand before the table
        start = next((k for k, line in enumerate(sample) if mark in line), len(sample))
        if 0 < start <= len(sample) / 2 and sum(mark in it for it in sample[start:]) == len(
            sample[start:]
        ):
            sample = sample[start:]
            break
    for mark in SEPARATORS:
        if sum(mark in line for line in sample) >= max(1, 0.9 * len(sample) - 1):
            return mark
    with_comma = [line for line in sample if "," in line]
    if len(with_comma) < max(1, 0.9 * len(sample) - 1):
        return " "
    # A comma between digits, and blanks between cells: decimal commas.
    numeric = [line for line in with_comma if re.fullmatch(r"[-+\d.,eE%\s]+", line)]
    blank = [line for line in numeric if re.search(r"\d\s+[-+\d]", line)]
    if (
        numeric
        and len(blank) == len(numeric)
        and not any(re.search(r",\s|\s,", line) for line in numeric)
    ):
        return " "
    return ","


def _split(line: str, separator: str) -> tuple[str, ...]:
    if separator == " ":
        return tuple(line.split())
    if separator == "|":
        line = line.strip().strip("|")
    (row,) = csv.reader([line], delimiter=separator, skipinitialspace=True, strict=False)
    return tuple(_plain_cell(cell.strip(" \t")) for cell in row)


def _plain_cell(cell: str) -> str:
    """A cell without what sets it in bold, or as a formula."""
    if not any(mark in cell for mark in "\\*_`${=\u2020\u2021'"):
        return cell
    if quoted := re.fullmatch(r"""="(.*)"|'(.*)'""", cell):  # as spreadsheets keep text
        cell = quoted[1] or quoted[2] or ""
    cell = cell.replace(r"\textsuperscript", "^").replace(r"\textsubscript", "_")
    text = re.sub(r"\s*_\{\s*\\pm\s*(.*?)\}", " \u00b1 \\1", cell.replace("$", ""))
    text = text.replace(r"\times", "\u00d7").replace(r"\cdot", "\u00d7")
    text = text.replace(r"\,", "\u2009").replace("{,}", ",").replace("{.}", ".")
    text = text.replace(r"\pm", "\u00b1").replace(r"\%", "%").replace(r"\_", "_")
    while (bare := SETTING.sub(lambda found: found[1] or found[3] or "", text)) != text:
        text = bare
    return re.sub(r"(?<=\d)[*\u2020\u2021]+$", "", text.strip())  # said at the foot of a table


def _width(rows: list[tuple[str, ...]]) -> int:
    """The number of cells that most rows have."""
    counts: dict[int, int] = {}
    for row in rows:
        counts[len(row)] = counts.get(len(row), 0) + 1
    return max(counts, key=lambda width: (counts[width], width))


NUMBER = re.compile(r"[-+\u2212]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
GROUPED = re.compile(r"[-+\u2212]?\d{1,3}(?:[.,]\d{3})+")

#: POWER: an amount of data as a power, and what it is multiplied by.
POWER = re.compile(r"(?:(\d+(?:\.\d+)?)\s*[*x\u00d7]\s*)?(\d{1,2})\s*\^\s*\{?(\d{1,2})\}?")

#: Cells that stand for a gap.
GAPS = frozenset((
    "", "na", "n/a", "n.a.", "<na>", "nan", "null", "none", "-", "–", "—", "?", ".", "#n/a",
))  # fmt: skip

#: SHARE: how a heading begins that is no comment.
SHARE = re.compile(r"%\s*(of|der|des|de|du|data|train\w*|samples)\b", re.IGNORECASE)

#: NOTE: how a line begins that says something of the table below it.
NOTE = re.compile(r"(source|notes?|quelle|anmerkung|fuente|fonte|remarks?)\b\s*:", re.IGNORECASE)


def read_number(cell: str, decimal: str | None, *, amount: bool) -> float | None:
    """Read a cell as a number; NaN for a gap, None for what is not a number.

    Behind an amount of data k stands for a thousand and M for a million.

    Parameters
    ----------
    cell : str
        A percent sign at its end is not heeded.
    decimal : {".", ","} or None
        The decimal mark, if known: then the other one separates thousands.
    amount : bool
        Whether it is an amount of data, in which thousands may be separated. An accuracy has none.

    Raises
    ------
    TableError
        If it can be read as two numbers.

    Examples
    --------
    >>> read_number("0,41", None, amount=False), read_number("8,000", ".", amount=True)
    (0.41, 8000.0)
    >>> read_number("1.000", None, amount=True)
    Traceback (most recent call last):
        ...
    paid_with_models.beyond.table_text.TableError: '1.000' can be 1 or 1000
    """
    text, unit = cell.strip().removesuffix("%").strip(), ""
    if text.lower() in GAPS:
        return float("nan")
    if amount and (power := POWER.fullmatch(text)):
        return float(power[1] or 1) * float(power[2]) ** int(power[3])
    if amount and text[-1] in TIMES and text[:1].isdigit():
        text, unit = text[:-1].rstrip(), text[-1]
    if len(text) > LONGEST or not _plain(text):
        return None
    for mark in GROUPING:
        if mark in text:
            if not re.fullmatch(rf"[-+]?\d{{1,3}}(?:{mark}\d{{3}})+(?:[.,]\d+)?", text):
                return None
            text = text.replace(mark, "")
    marks = {mark for mark in ".," if mark in text}
    if decimal is None and amount and may_be_grouped(text):
        whole, _, rest = text.replace(",", ".").partition(".")
        if "." not in rest:
            raise TableError(f"{shown(cell)} can be {whole}{unit} or {whole}{rest}{unit}")
    if decimal is None and len(marks) == 2:
        decimal = max(marks, key=text.rfind)
    elif decimal is None:
        decimal = "," if marks == {","} and text.count(",") == 1 else "."
        if marks and text.count(next(iter(marks))) > 1:
            decimal = "." if marks == {","} else ","
    thousands = "," if decimal == "." else "."
    if thousands in text:
        pattern = rf"[-+]?\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+(?:{re.escape(decimal)}\d+)?"
        if not amount or not re.fullmatch(pattern, text):
            return None
        text = text.replace(thousands, "")
    text = text.replace(decimal, ".").replace("\u2212", "-")
    return float(text) * TIMES.get(unit, 1.0) if NUMBER.fullmatch(text) else None


def decimal_mark(cell: str) -> str:
    """The mark in a cell that can only be a decimal one: the single one there; empty if none.

    Examples
    --------
    >>> [decimal_mark(it) for it in ("0,41", "0.41", "500", "1.234.567")]
    [',', '.', '', '']
    """
    marks = [c for c in cell if c in ".,"]
    return marks[0] if len(marks) == 1 else ""


def may_be_grouped(cell: str) -> bool:
    """Whether the single mark in a cell may separate thousands.

    Examples
    --------
    >>> [may_be_grouped(it) for it in ("1.000", "0.500", "1000.000", "12.5")]
    [True, False, False, False]
    """
    text = cell.strip().rstrip("%kKM").strip()
    return bool(GROUPED.fullmatch(text)) and not text.lstrip("-+").startswith("0")


def _plain(text: str) -> bool:
    """Whether digits are ASCII; other digits are refused, not read."""
    return all(c.isascii() or c in GROUPING or c == "\u2212" for c in text)
