"""Cells of tables of measurements read as numbers.

Nothing is guessed where two readings are possible: `1.000` is one or one thousand.
"""

from __future__ import annotations

import re

from ..texts import shown

__all__ = ["FAULTS", "GAPS", "TableError", "decimal_mark", "may_be_grouped", "read_number"]

#: LONGEST: characters of a cell that can be a number.
LONGEST = 40

#: Spaces that separate thousands in some countries; apostrophes in others.
GROUPING = " \u00a0\u202f\u2009'\u2019"

#: TIMES: what letters behind an amount of data stand for.
TIMES = {"k": 1e3, "K": 1e3, "M": 1e6}


class TableError(ValueError):
    """A file does not hold the measurements that it should; the message says why, in one line."""


NUMBER = re.compile(r"[-+\u2212]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
GROUPED = re.compile(r"[-+\u2212]?\d{1,3}(?:[.,]\d{3})+")

#: POWER: an amount of data as a power, and what it is multiplied by.
POWER = re.compile(r"(?:(\d+(?:\.\d+)?)\s*[*x\u00d7]\s*)?(\d{1,2})\s*\^\s*\{?(\d{1,2})\}?")

#: FAULTS: what spreadsheets write where a formula failed, in the languages that they speak.
FAULTS = frozenset((
    "#n/a", "#nv", "#n/d", "#ref!", "#bezug!", "#rif!", "#div/0!", "#\u00a1div/0!", "#wert!",
    "#value!", "#valeur!", "#valor!", "#\u00a1valor!", "#valore!", "#num!", "#zahl!", "#nombre!",
    "#name?", "#nom?", "#nome?", "#null!", "#spill!", "#calc!", "#error!", "#err!",
))  # fmt: skip

#: Cells that stand for a gap.
GAPS = FAULTS | frozenset((
    "", "na", "n/a", "n.a.", "<na>", "nan", "null", "none", "-", "–", "—", "?", ".",
))  # fmt: skip


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
    if len(text) > LONGEST:
        return None
    if amount and (power := POWER.fullmatch(text)):
        return float(power[1] or 1) * float(power[2]) ** int(power[3])
    if amount and text[-1] in TIMES and text[:1].isdigit():
        text, unit = text[:-1].rstrip(), text[-1]
    if not _plain(text):
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
