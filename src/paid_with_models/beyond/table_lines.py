"""Lines of files of numbers: what is joined, what is passed over, and what is too long."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from .table_text import TableError

__all__ = [
    "LONGEST_CELL", "check_cells", "check_line", "check_whole", "is_latex", "is_printed",
    "latex_rows", "numbered_lines",
]  # fmt: skip

#: Lines of a file with their numbers.
Numbered = list[tuple[int, str]]

#: LONGEST_CELL: characters of a cell above which it is none of a table of measurements.
LONGEST_CELL = 1_000

#: MOST_JOINED: lines over which a cell in quotes can go.
MOST_JOINED = 50

#: BOX: characters of which boxes around cells are drawn, and those for which bars stand.
BOX = str.maketrans("\u2502\u2503\u2551\u2506\u250a", "|||||")

#: What a table printed by a program has besides rows: kinds of columns, how many rows.
PRINTED = re.compile(
    r"\s*(<\w+>\s*)+|\|?(\s*([iuf](8|16|32|64)|u?int(eger)?\d*|float\d*|double|real|str|text|varchar"
    r"|(big|huge)int|decimal\([^()|]*\))\s*\|)+|\|?\s*\d+ rows?\s+\d+ columns?\s*\|?"
    r"|Source: local data frame.*|(Name: .*, )?dtype: \w+|\|?\s*\d+ rows?\s*\|?"
    r"|\(\d+ rows?\)|\d+ rows? in set.*|\[\d+ rows x \d+ columns\]|shape: \(.*\)"
)

#: PART: how it is said that rows are left out; COUNTED: how many rows a table has, as it is said.
PART = re.compile(r"\b[\d,.]+ more rows?\b|\bonly showing top\b|^--\s*more\s*--", re.IGNORECASE)
COUNTED = re.compile(
    r"(?:tibble|table|frame)\W*([\d,]+) *[x\u00d7] *\d|shape: *\(([\d,]+), *\d|\[(\d+) rows? x \d"
    r"|^\|?\s*\(?([\d,]+) rows?\b",
    re.IGNORECASE,
)

#: RULES: characters of lines drawn between rows, with the one that each has.
RULES = frozenset("-+:=| \t"), frozenset(map(chr, range(0x2500, 0x2580))) | frozenset("| \t")

#: LAYOUT: commands of LaTeX around rows.
LAYOUT = re.compile(
    r"\\(?:hline|cline\{[^{}]*\}|(?:top|mid|bottom)rule|cmidrule(?:\([^()]*\))?\{[^{}]*\})"
)


#: ROW_END: what ends a row of LaTeX.
ROW_END = r"(?:\\\\\*?|\\tabularnewline\b)(?:\[[^\[\]]*\])?"

#: AROUND: commands of lines that are no rows, whatever stands in them.
AROUND = ("\\end", "\\begin", "\\caption", "\\label")


def numbered_lines(text: str) -> Numbered:
    r"""The lines of a text with their numbers from 1, those that a cell in quotes spans as one.

    Examples
    --------
    >>> numbered_lines('"log\n(n)",acc\n5,.8')
    [(1, '"log (n)",acc'), (3, '5,.8')]
    """
    # Only the ends of lines: other characters that Python splits at can stand in a cell.
    lines = [
        (number, line.strip(" \r").translate(BOX))
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1)
    ]
    return _without_declarations(_joined(lines))


def _joined(lines: Numbered) -> Numbered:
    """Lines with those that a cell in quotes spans put together: it is one cell."""
    found: Numbered = []
    k = 0
    while k < len(lines):
        number, line = lines[k]
        k += 1
        if line.count('"') % 2 and re.search(r'(?:^|[,;\t|&])[ ]?"', line):
            for j in range(k, min(k + MOST_JOINED, len(lines))):
                if lines[j][1].count('"') % 2:
                    line = " ".join(it for _, it in [(number, line), *lines[k : j + 1]])
                    k = j + 1
                    break
        found.append((number, line))
    return found


def _without_declarations(lines: Numbered) -> Numbered:
    """A file of ARFF as a table: names of attributes above the data."""
    starts = [k for k, (_, line) in enumerate(lines) if line.strip().lower() == "@data"]
    if not starts:
        return lines
    names = []
    for _, line in lines[: starts[0]]:
        if declared := re.match(r"""\s*@attribute\s+(?:'([^']*)'|"([^"]*)"|(\S+))""", line, re.I):
            names.append(declared[1] or declared[2] or declared[3])
    heading = io.StringIO()
    csv.writer(heading, lineterminator="", quoting=csv.QUOTE_ALL).writerow(names)
    data = [(number, line) for number, line in lines[starts[0] + 1 :] if line[:1] != "%"]
    return [(lines[starts[0]][0], heading.getvalue()), *data]


def is_printed(line: str) -> bool:
    """Whether a line is a rule between rows, or says what kind of columns or how many rows."""
    marks = set(line)
    ruled = ("-" in marks and marks <= RULES[0]) or (
        marks <= RULES[1] and any("\u2500" <= mark <= "\u257f" for mark in marks)
    )
    return ruled or bool(PRINTED.fullmatch(line))


def check_whole(name: str, others: Sequence[str], n_rows: int) -> None:
    """Refuse a table of which lines beside its rows say that it has more.

    Examples
    --------
    >>> check_whole("print.txt", ["shape: (25, 2)"], 10)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    paid_with_models.beyond.table_text.TableError: print.txt holds a part of a table only, ...
    """
    for line in others:
        counted = COUNTED.search(line)
        stated = next((it.replace(",", "") for it in counted.groups() if it), "") if counted else ""
        if PART.search(line) or (stated and float(stated) > n_rows):
            raise TableError(
                f"{name} holds a part of a table only, by what it says of its rows: write all rows"
                " into a file, as CSV"
            )


def check_line(name: str, number: int, line: str) -> None:
    """Refuse a line with a word, or blanks, longer than a cell can be."""
    if len(line) > LONGEST_CELL:
        words = re.split(r"[,;\t|&\s]", line)
        check_cells(name, number, words)
        check_cells(name, number, re.findall(r"\s+", line))


def check_cells(name: str, number: int, cells: Sequence[str]) -> None:
    """Refuse cells that are too long before any pattern is tried on them."""
    longest = max((len(cell) for cell in cells if not cell.isdigit()), default=0)
    if longest > LONGEST_CELL:
        raise TableError(
            f"{name}: line {number} holds a cell of {longest:,} characters: cells of a table of"
            f" measurements have at most {LONGEST_CELL:,}"
        )


def is_latex(lines: Numbered) -> bool:
    """Whether rows are those of a table of LaTeX."""
    ends = any(re.search(ROW_END + r"\s*(%.*)?$", line) for _, line in lines)
    cells = any("&" in line for _, line in lines)
    return cells and (ends or any(re.search(ROW_END, it.partition("&")[2]) for _, it in lines))


def latex_rows(lines: Numbered) -> tuple[Numbered, Numbered]:
    r"""Rows of a table of LaTeX without layout, several of a line, or one of several lines.

    Also lines of text between them.

    Examples
    --------
    >>> latex_rows([(1, r"n & acc \\ 5 & .8 \\"), (2, "9 &"), (3, r".9 \\[2pt]")])[0]
    [(1, 'n & acc'), (1, '5 & .8'), (2, '9 & .9')]
    """
    rows: Numbered = []
    texts: Numbered = []  # empty for rules
    held, start = "", 0
    for number, line in lines:
        bare = LAYOUT.sub("", re.sub(r"(?<!\\)%.*", "", line)).strip()
        if rows and not held and not bare and line.strip(" \t"):
            texts.append((number, ""))
        ended = bool(re.search(ROW_END + "$", bare))
        around = bare.startswith("\\") and "&" not in bare and not ended
        # What begins with a command is a row's own only within one: the number in bold, say.
        if (bare.startswith(AROUND) and not ended) or (around and not held):
            if "&" in held:
                rows.append((start, held))
            held = ""
            continue
        pieces = re.split(ROW_END, bare)
        for k, piece in enumerate(pieces):
            if not held:
                start = number
            held = f"{held} {piece.strip()}".strip()
            if held and (k < len(pieces) - 1 or len(held) > 20 * LONGEST_CELL):
                (rows if "&" in held else texts).append((start, held))
                held = ""
    if "&" in held:
        rows.append((start, held))
    return rows, texts
