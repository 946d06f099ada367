"""Whether rows of a table belong to one curve, and to one of accuracies on data held out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..accuracy import FloatArray
from ..texts import shown
from .headings import (
    are_counted,
    are_runs,
    is_train,
    names_label,
    names_metric,
    role_of,
    tells_by_name,
    tokens,
)
from .table_columns import NOT_ACCURACIES, Table, is_number, not_accuracy
from .table_text import TableError

__all__ = ["check_blocks", "check_labels", "check_one_curve", "check_rows", "check_unused"]

#: MEASURED: roles of columns that measure something else, and tell no curves apart.
MEASURED = ("loss", "error rate", "difference", "accuracy", "error", "computed", "count")


def check_unused(table: Table, k: int, role: str, sizes: FloatArray) -> None:
    """Refuse a column beside amounts and accuracies if it says that rows are of several curves.

    Parameters
    ----------
    table : Table
    k : int
        The column.
    role : str
        By its heading.
    sizes : (L,) ndarray
        Amounts of data of the rows.
    """
    check_rows(table, k)
    if role == "run":
        check_runs(table, k)
        return
    if role == "other" and not tells_by_name(table.headings[k]):
        return
    if role != "index" or _repeats(table.column(k)):
        check_one_curve(table, k)
        if role not in MEASURED:
            check_id(table, k, sizes)
    if role not in MEASURED and _tells_apart(table, k, sizes):
        raise _several(table, k)


def check_rows(table: Table, k: int) -> None:
    """Refuse rows that are of training data, or of no accuracies, by a column of text."""
    heading = table.headings[k]
    cells = {cell for cell in table.column(k) if cell}
    if not cells or any(is_number(cell, table.decimal) for cell in cells):
        return
    if "trained" not in tokens(heading) and all(map(_is_of_training, cells)):
        raise TableError(
            f"{table.name}: rows are of the training data, by column {shown(heading)}: give the"
            " accuracy on data that were held out"
        )
    roles = {role_of(cell): cell for cell in sorted(cells)}
    if len(roles) == 1 and names_metric(heading):
        ((role, cell),) = roles.items()
        if role in NOT_ACCURACIES:
            raise not_accuracy(table, cell, role)
        if role == "error":
            raise TableError(
                f"{table.name}: rows are errors of accuracies, by column {shown(heading)}: say"
                " which rows count by columns: {where: {…: …}}"
            )


def _is_of_training(cell: str) -> bool:
    """Whether a cell says training data alone, not what else was trained on."""
    words = set(tokens(cell))
    if words == {"in", "sample"}:
        return True
    short = {"tr", "trn", "insample"}
    of = {"set", "data", "split", "sample", "samples", "only", "score", "acc", "accuracy"}
    named = {word for word in words if word in short or (is_train(word) and word not in of)}
    return bool(named) and words <= named | of


def check_labels(table: Table, k: int, rows: Sequence[int]) -> None:
    """Refuse numbers beside accuracies of a wide table that tell curves apart.

    Rows are runs by a heading that says so, or counted from 0 or 1 without one.
    """
    cells = [table.rows[r][k] for r in rows]
    numbers = [cell for cell in cells if cell]
    heading = table.headings[k]
    role = role_of(heading)
    if len(set(numbers)) < 2:
        return
    if not all(is_number(cell, table.decimal) for cell in numbers):
        words = {word for cell in numbers for word in tokens(cell) if not word.isdigit()}
        named = role == "run" or all(role_of(cell) == "run" for cell in numbers)
        telling = any(len(it) > 1 and tells_by_name(it) for it in words)
        counted = are_counted([re.sub(r"\s*=\s*", " ", cell) for cell in numbers])
        if are_runs(numbers) and not named and (telling or not counted):
            raise _several(table, k)
        return
    counted = numbers in ([str(it + s) for it in range(len(cells))] for s in (0, 1))
    plain = role in ("size", "accuracy", "count") or (
        role == "index" and not tells_by_name(heading) and _is_plain_index(heading)
    )
    timed = role == "other" and not tells_by_name(heading)
    if role == "run" or timed or (plain and counted):
        return
    raise _several(table, k)


def _is_plain_index(heading: str) -> bool:
    words = {word for word in tokens(heading) if not word.isdigit()}
    return words <= {"index", "idx", "id", "unnamed", "row", "nr", "no"}


def check_blocks(table: Table, sizes: Sequence[float], lines: Sequence[int]) -> None:
    """Refuse blocks of rows that go over the same amounts: those of several curves.

    Comments divide blocks. Empty lines and rules may stand anywhere, also between repeats of a
    size; they do where blocks share sizes, or each rises and one begins before another has ended.

    Parameters
    ----------
    table : Table
    sizes : sequence of float
        Amounts of data.
    lines : sequence of int
        The line of each.
    """
    named = [it for it in table.breaks if it[1]]
    if all(role_of(text) == "run" for _, text in named):
        named = []
    for breaks in (named, [it for it in table.breaks if not it[1]]):
        at = np.searchsorted([line for line, _ in breaks], lines)
        blocks: dict[int, list[float]] = {}
        for size, block in zip(sizes, at.tolist(), strict=True):
            if np.isfinite(size):
                blocks.setdefault(block, []).append(size)
        each_rises = all(len(it) > 1 and np.all(np.diff(it) > 0) for it in blocks.values())
        before: set[float] = set()
        for block, found in sorted(blocks.items()):
            again = len(before.intersection(found)) > 1
            if breaks is named or each_rises:
                again |= min(found) <= max(before, default=-np.inf)
            if again:
                raise TableError(
                    f"{table.name} may hold several curves: line {breaks[block - 1][0]} divides"
                    " rows that go over the same amounts of data: keep one block, or give its curve"
                    " a column and say columns: {where: {…: …}}"
                )
            before.update(found)


def check_runs(table: Table, k: int) -> None:
    """Refuse rows of a column of runs that are no runs: of training data, or means and spreads."""
    values = {cell for cell in table.column(k) if cell and not is_number(cell, table.decimal)}
    numbers = {float(cell) for cell in table.column(k) if cell.isdigit()}
    rounds = "iteration" in tokens(table.headings[k]) and max(numbers, default=0) > len(numbers)
    told = not any(is_train(it) or role_of(it) in ("accuracy", "error") for it in values)
    if rounds and len(numbers) > 1:  # of training: those of repeats are counted one by one
        raise TableError(
            f"{table.name} holds several curves, by column {shown(table.headings[k])}: say which"
            " one by columns: {where: {…: …}}"
        )
    if len(values) > 1 and told and not are_runs(sorted(values)):
        check_one_curve(table, k)
    trained = {cell for cell in values if is_train(cell)}
    summed = {it for it in values if role_of(it) in ("accuracy", "error") or not are_runs([it])}
    if (trained or summed) and len({*table.column(k)}) > 1:
        what = "training data beside others" if trained else "means or spreads beside runs"
        raise TableError(
            f"{table.name} holds {what}, by column {shown(table.headings[k])}: say which rows count"
            " by columns: {where: {…: …}}"
        )


def check_one_curve(table: Table, k: int) -> None:
    """Refuse text that tells curves apart: averages over them would mean nothing."""
    cells = table.column(k)
    values = {cell for cell in cells if cell}
    if len(values) == len(cells) and names_label(table.headings[k]):
        return  # a name of each row
    if len(values) > 1 and not all(is_number(cell, table.decimal) for cell in values):
        of = shown(table.headings[k]) if table.headings[k] else f"{k + 1}, which has no heading"
        raise TableError(
            f"{table.name} holds several curves, by column {of}: say which"
            " one by columns: {where: {…: …}}"
        )


def check_id(table: Table, k: int, sizes: FloatArray) -> None:
    """Refuse numbers that tell curves apart: repeated sizes that are none within each value."""
    if np.unique(sizes).size == sizes.size:
        return
    groups: dict[str, list[float]] = {}
    for cell, size in zip(_filled(table.column(k)), sizes.tolist(), strict=True):
        groups.setdefault(cell, []).append(size)
    if 1 < len(groups) <= len(sizes) / 2 and all(len(set(g)) == len(g) for g in groups.values()):
        of = shown(table.headings[k]) if table.headings[k] else f"{k + 1}, which has no heading"
        raise TableError(
            f"{table.name} may hold several curves, by column {of}: say which"
            " one by columns: {where: {…: …}}, or call the column run if its rows are repeats"
        )


def _several(table: Table, k: int) -> TableError:
    of = shown(table.headings[k]) if table.headings[k] else f"{k + 1}, which has no heading"
    return TableError(
        f"{table.name} may hold several curves, by column {of}: say which"
        " one by columns: {where: {…: …}}, or call the column run if its rows are repeats"
    )


def _tells_apart(table: Table, k: int, sizes: FloatArray) -> bool:
    """Whether a column has several values at one size, and the same ones at others.

    What is measured differs everywhere; settings recur.
    """
    raw = table.column(k)
    cells = _filled(raw)
    telling = tells_by_name(table.headings[k])
    if len(set(raw)) == len(raw) and not telling:
        return False
    at: dict[float, set[str]] = {}
    of: dict[str, set[float]] = {}
    for cell, size in zip(cells, sizes.tolist(), strict=True):
        at.setdefault(size, set()).add(cell)
        of.setdefault(cell, set()).add(size)
    if any(len(it) > 1 for it in at.values()):
        recurring = sum(len(of[cell]) > 1 for cell in cells)
        few = len(of) <= len(cells) / 2 or all(cell.isdigit() for cell in cells)
        if telling or (few and 2 * recurring >= len(cells)):
            return True
    # Cells left empty can be a value, too: yes, or nothing.
    bare: dict[str, set[float]] = {}
    for cell, size in zip(raw, sizes.tolist(), strict=True):
        bare.setdefault(cell, set()).add(size)
    return "" in bare and len(bare) == 2 and all(len(it) > 1 for it in bare.values())


def _filled(cells: Sequence[str]) -> list[str]:
    """Cells with those above them where they are empty, as cells that were merged."""
    found: list[str] = []
    for cell in cells:
        found.append(cell or (found[-1] if found else ""))
    return found


def _repeats(cells: Sequence[str]) -> bool:
    """Whether values stand more than once, as those of an index of rows do not."""
    return len({*cells}) < len(cells)
