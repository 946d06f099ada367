"""Files of numbers as text, cut into cells."""

from __future__ import annotations

import csv
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from ..texts import TextError, file_name, read_text
from .headings import LONG, role_of
from .table_lines import (
    LONGEST_CELL,
    check_cells,
    check_line,
    check_whole,
    is_latex,
    is_printed,
    latex_rows,
    numbered_lines,
)
from .table_text import FAULTS, GAPS, TableError, read_number

__all__ = ["Cells", "read_cells"]

#: MOST_ROWS, MOST_COLUMNS: more are not those of a learning curve.
MOST_ROWS, MOST_COLUMNS = 100_000, 2_000

#: FIRST: characters of a line by which it is judged what separates cells.
FIRST = 20_000

#: MOST_NESTED: marks of the setting within each other.
MOST_NESTED = 5

#: END_COMMENT: a comment behind a number, at the end of a line.
END_COMMENT = re.compile(r"(?<=[\d%])\s+#.*")

#: NUMERIC: a cell of a number, and perhaps its error.
NUMERIC = re.compile(r"[-+\u2212]?[.,]?\d[-+\d.,eE%\u00b1()\s/\u2212]*")

#: FAULT_OR_RUN: first cells of rows that begin as a comment does.
FAULT_OR_RUN = re.compile(r"#(\d+|[A-Z/0]+[!?]?)")

#: Characters that separate cells, in the order in which they are tried; commas, which may be
#: decimal marks too, and blanks come last.
SEPARATORS = ("\t", ";", "|")

#: Marks of the setting of text around a cell, or in it.
SETTING = re.compile(
    r"\\(?:num|text\w*|math\w*|emph|underline|bm|boldsymbol)\{([^{}]*)\}|(\*{1,2}|__|`)(.+?)\2"
)

#: SHARE: how a heading begins that is no comment.
SHARE = re.compile(r"%\s*(of|der|des|de|du|data|train\w*|samples)\b", re.IGNORECASE)

#: WORDS: cells between blanks; QUOTED: one of several words. Numbers of rows stay in quotes.
WORDS = re.compile(r'"[^"]*"(?!\S)|`[^`]*`(?!\S)|\S+')
QUOTED = re.compile(r'"[^"]*\s[^"]*"|`[^`]+`')

#: NOTE: how a line begins that says something of the table below it.
NOTE = re.compile(r"(source|notes?|quelle|anmerkung|fuente|fonte|remarks?)\b\s*:", re.IGNORECASE)


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
    breaks : tuple of (int, str)
        Lines, from 1, and texts of what divides rows: comments, and nothing for rules and empty
        lines.
    """

    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    comments: tuple[str, ...]
    separator: str
    said: tuple[str, ...]
    breaks: tuple[tuple[int, str], ...] = ()


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
    said: list[str] = []
    breaks: list[tuple[int, str]] = []
    marked: list[tuple[int, str]] = []
    body: list[tuple[int, str]] = []
    separator, others = "", list[str]()
    for number, line in numbered_lines(text):
        if not re.sub(r"[\s,;|]+", "", line):
            breaks.append((number, ""))
            continue
        if stated := re.fullmatch(r'"?sep=(.)"?', line, re.IGNORECASE):
            separator = stated[1]
        elif line.startswith(("#", "%", "//")) and not SHARE.match(line):
            marked.append((number, line))
        else:
            if is_printed(line):
                others.append(line)
                breaks.append((number, ""))
                continue
            check_line(name, number, line)
            body.append((number, line))
    if not body:
        body, marked = marked, []
        if not any(_has_numbers(line) for _, line in body):
            raise TableError(f"{name} holds no rows")
    if body[0][1][0] in "{[" and body[0][1][-1] in "}],":
        raise TableError(f"{name} is JSON: save the table as CSV")
    if is_latex(body):
        separator = "&"
        body, texts = latex_rows(body)
        breaks += texts
        if not body:
            raise TableError(f"{name} holds no rows")
    if len(body) > MOST_ROWS:
        raise TableError(f"{name} must hold at most {MOST_ROWS:,} rows; got {len(body):,}")
    if not separator:
        lines = [line[:FIRST] for _, line in body]
        separator = _separator(lines)
        if separator == " " or separator not in lines[0]:  # it may stand in comments alone
            separator = _separator([END_COMMENT.sub("", line) for line in lines])
    try:
        rows, comments = _rows(body, marked, separator)
    except csv.Error:
        raise TableError(f"{name} is not a table of cells") from None
    start = rows[0][0]
    breaks = [it for it in (*breaks, *comments) if it[0] > start]
    for number, row in rows:
        check_cells(name, number, row)
    width = _width([row for _, row in rows])
    if separator == " ":
        _check_blanks(name, [row for _, row in rows])
    number, heading = rows[0]
    firsts = [row[0] for _, row in rows[1:]]
    numbered = any(firsts == [str(start + k) for k in range(len(firsts))] for start in (0, 1))
    named = (separator in " \t" or numbered) and all(len(row) == width for _, row in rows[1:])
    if named and len(heading) == width - 1 > 1:
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
    text_of = dict(body)
    for place, some in (("before", rows[:first]), ("after", rows[last:])):
        if some and all(_is_aside(row) for _, row in some):
            said.append(f"{len(some)} line{'s' * (len(some) > 1)} {place} the table left out.")
            others += [text_of[number] for number, _ in some if number in text_of]
        elif place == "before":
            first = 0
        else:
            last = len(rows)
    rows = rows[first:last]
    others += [line for _, line in marked]
    counted = all(re.match(r"\d+:", row[0]) for _, row in rows[1:])
    if counted and any(line.strip() == "---" for line in others):
        others.append(f"{len(rows) + 1} rows")  # as data.table in R leaves out those between
    check_whole(name, others, len(rows))
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
    said += _faults(rows)
    return Cells(
        tuple(row for _, row in rows), tuple(number for number, _ in rows),
        tuple(text for number, text in comments if number < start), separator, tuple(said),
        tuple(sorted(breaks)),
    )  # fmt: skip


def _rows(
    body: list[tuple[int, str]], marked: list[tuple[int, str]], separator: str
) -> tuple[list[tuple[int, tuple[str, ...]]], list[tuple[int, str]]]:
    """Lines cut into cells, and comments.

    A line that begins as a comment does is a row if it has the cells of one; a comment behind a row
    is one only where what stands before it is a row that ends in a number.
    """
    rows = [(number, _split(line, separator)) for number, line in body]
    bare = [(number, _split(END_COMMENT.sub("", line), separator)) for number, line in body]
    width = _width([row for _, row in rows])
    if len(rows[0][1]) != width and _width([row for _, row in bare]) == len(rows[0][1]):
        width = len(rows[0][1])
    ended = [
        (number, _without_comment(line, row, separator, width))
        for (number, line), (_, row) in zip(body, rows, strict=True)
    ]
    whole = all(row[-1:] and row[-1].isdigit() for _, row in ended[1:])
    if not (whole and all("#" in line for _, line in body[1:])):  # else labels with such a mark
        rows = ended
    comments: list[tuple[int, str]] = []
    heading: tuple[int, tuple[str, ...]] | None = None
    start = rows[0][0]
    for number, line in marked:
        is_comment = line.startswith("//") or len(line) > FIRST
        row = () if is_comment else _split(line, separator)
        if len(row) == width and number < start:
            if FAULT_OR_RUN.fullmatch(row[0]) and any(map(_is_number, row[1:])):
                rows.append((number, row))
                continue
            if row[0] in ("#", "%") or line.startswith("%"):
                heading = number, row
        elif len(row) == width and _is_row(row, separator):
            rows.append((number, row))
            continue
        comments.append((number, line[:LONGEST_CELL].lstrip("#%/ ")))
    if heading and any(map(_is_number, rows[0][1])):
        rows.append(heading)
        comments = [it for it in comments if it[0] != heading[0]]
    return sorted(rows, key=lambda it: it[0]), comments


def _is_row(row: tuple[str, ...], separator: str) -> bool:
    """Whether cells of a line that begins as a comment does are those of a row of numbers."""
    numbers = [_is_number(cell) or cell.lower() in FAULTS for cell in row[1:]]
    if separator == " ":
        return row[0] not in ("#", "%") and all(numbers)
    return any(numbers)


def _is_number(cell: str) -> bool:
    try:
        return cell.lower() not in GAPS and read_number(cell, None, amount=True) is not None
    except TableError:  # a number, though it is not clear which
        return True


def _has_numbers(line: str) -> bool:
    """Whether a line that begins as a comment does can be a row by itself."""
    return bool(re.match(r"#(\d|[A-Z/]+[!?]?\s*[,;\t|])", line))


def _without_comment(
    line: str, row: tuple[str, ...], separator: str, width: int
) -> tuple[str, ...]:
    """The cells of a line before a comment at its end, if there is one beyond doubt."""
    for mark in itertools.islice(re.finditer(r"(?<=[\d%])\s+#", line), MOST_NESTED):
        before = _split(line[: mark.start()], separator)
        if len(before) == width and NUMERIC.fullmatch(before[-1]):
            return before
        if len(before) > width:
            break
    return row


def _check_blanks(name: str, rows: list[tuple[str, ...]]) -> None:
    """Refuse rows that can begin with the name of a row or with thousands, and cut headings."""
    width = _width(rows)
    first, *rest = rows
    doubt = f"{name}: blanks stand between cells, and perhaps in"
    if len(first) == width and _is_cut(first, [row for row in rest if len(row) == width]):
        raise TableError(f"{doubt} headings: separate cells by semicolons or tabs")
    if all(map(_is_number, first)):
        rest = rows
    elif len(first) != width - 1:
        return
    if width < 3 or not rest or any(len(row) != width for row in rest):
        return
    if all(re.fullmatch(r"[1-9]\d{0,2}", it[0]) and re.fullmatch(r"\d{3}", it[1]) for it in rest):
        raise TableError(f"{doubt} numbers: separate cells by semicolons or tabs")


def _is_cut(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> bool:
    """Whether numbers of rows stand below sizes, and amounts below part of another heading."""
    if len(rows) < 2 or role_of(heading[0]) != "size" or role_of(heading[1]) == "size":
        return False
    firsts, seconds = ([row[k] for row in rows] for k in (0, 1))
    counted = any(firsts == [str(start + k) for k in range(len(rows))] for start in (0, 1))
    return counted and all(it.isdigit() and int(it) > 1 for it in seconds)


def _faults(rows: list[tuple[int, tuple[str, ...]]]) -> list[str]:
    """What is said of cells in which a spreadsheet failed."""
    found = [n for n, row in rows if any(it[:1] == "#" and it.lower() in FAULTS for it in row)]
    if not found:
        return []
    lines = ", ".join(map(str, found[:5])) + ", …" * (len(found) > 5)
    return [f"Errors of a spreadsheet are taken as missing: line {lines}."]


def _is_aside(row: tuple[str, ...]) -> bool:
    """Whether a line is one of words, not of cells."""
    return bool(NOTE.match(row[0])) or (len(row) == 1 and not _begins_as_number(row[0]))


def _begins_as_number(cell: str) -> bool:
    return bool(re.match(r"[-+\u2212]?[.,]?\d", cell))


def _separator(lines: list[str]) -> str:
    """What separates cells: a character that stands in nearly all lines."""
    sample = [re.sub(r'"[^"]*"', "", line) for line in lines[:200]]
    commas = {line.count(",") for line in sample}
    by_comma = len(commas) == 1 and 0 not in commas
    # What the heading has not stands in cells, where commas cut all lines into as many.
    marks = [it for it in SEPARATORS if it in sample[0] or not by_comma]
    for mark in (*marks, ","):  # lines of words may stand before the table
        start = next((k for k, line in enumerate(sample) if mark in line), len(sample))
        if 0 < start <= len(sample) / 2 and sum(mark in it for it in sample[start:]) == len(
            sample[start:]
        ):
            sample = sample[start:]
            break
    for mark in marks:
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
        return tuple(it[1:-1] if QUOTED.fullmatch(it) else it for it in WORDS.findall(line))
    if separator == "|":
        line = line.strip().strip("|")
    (row,) = csv.reader([line], delimiter=separator, skipinitialspace=True, strict=False)
    return tuple(_plain_cell(cell.strip(" \t")) for cell in row)


def _plain_cell(cell: str) -> str:
    """A cell without what sets it in bold, or as a formula."""
    if len(cell) > LONG or not any(mark in cell for mark in "\\*_`${=\u2020\u2021'"):
        return cell
    if quoted := re.fullmatch(r"""="(.*)"|'(.*)'""", cell):  # as spreadsheets keep text
        cell = quoted[1] or quoted[2] or ""
    cell = cell.replace(r"\textsuperscript", "^").replace(r"\textsubscript", "_")
    text = re.sub(r"\s*_\{\s*\\pm\s*(.*?)\}", " \u00b1 \\1", cell.replace("$", ""))
    text = text.replace(r"\times", "\u00d7").replace(r"\cdot", "\u00d7")
    text = text.replace(r"\,", "\u2009").replace("{,}", ",").replace("{.}", ".")
    text = text.replace(r"\pm", "\u00b1").replace(r"\%", "%").replace(r"\_", "_")
    for _ in range(MOST_NESTED):
        text = SETTING.sub(lambda found: found[1] or found[3] or "", text)
    return re.sub(r"(?<=\d)[*\u2020\u2021]+$", "", text.strip())  # said at the foot of a table


def _width(rows: list[tuple[str, ...]]) -> int:
    """The number of cells that most rows have."""
    counts: dict[int, int] = {}
    for row in rows:
        counts[len(row)] = counts.get(len(row), 0) + 1
    return max(counts, key=lambda width: (counts[width], width))
