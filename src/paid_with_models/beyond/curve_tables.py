"""Tables of measured accuracies as people have them, read as points of a learning curve.

Any order of columns and any usual heading, a column a size or a row a size, repeats in rows or
columns, errors, index columns, comments, separators, decimal commas and encodings. What was taken
for what is said. What can be read in two ways, and what is not accuracies, is refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..accuracy import FloatArray
from ..texts import file_name, shown
from .headings import (
    amount_of,
    are_repeats,
    are_runs,
    is_signed,
    is_standard_error,
    is_train,
    role_of,
    scale_of,
    tokens,
)
from .table_cells import read_cells
from .table_columns import (
    MOST_NAMES,
    NOT_ACCURACIES,
    Table,
    accuracy_columns,
    check_error_rate,
    check_errors,
    check_half_width,
    check_marks,
    columns_by_values,
    ends_of_interval,
    error_column,
    errors_of_means,
    is_number,
    named,
    not_accuracy,
    number_of,
    repeated,
    size_column,
    stated_columns,
)
from .table_curves import check_blocks, check_labels, check_one_curve, check_rows, check_unused
from .table_heads import apart, below_titles, headed
from .table_text import TableError, read_number

__all__ = ["CurveTable", "read_curve_table"]

#: TINY: errors below it, beside accuracies in percent, are rather shares.
TINY = 0.05


@dataclass(frozen=True, eq=False)
class CurveTable:
    """Measurements as a table states them, for ``learning_curve``.

    Attributes
    ----------
    sizes, accuracies : (L,) ndarray
        In the order of the table; NaN for a gap.
    errors : (L,) ndarray or None
        In the unit of accuracies.
    percent : bool
        Whether accuracies and errors are in percent.
    said : tuple of str
        What was taken for what, a sentence each.
    """

    sizes: FloatArray
    accuracies: FloatArray
    errors: FloatArray | None
    percent: bool
    said: tuple[str, ...]


def read_curve_table(
    path: Path,
    *,
    columns: Mapping[str, Any] | None = None,
    percent: bool | None = None,
    decimal: str | None = None,
) -> CurveTable:
    r"""Read a file of measured accuracies.

    Parameters
    ----------
    path : Path
        CSV and the like, of at most 5 MB.
    columns : mapping, optional
        What is where, by heading or number from 1: ``size``, ``accuracy``, ``error``, ``count``;
        and ``where``, a mapping of headings to the values of the rows to keep.
    percent : bool, optional
        Whether accuracies are in percent; by default only if the file says so by percent signs.
    decimal : {".", ","}, optional
        The decimal mark. The other one then separates thousands.

    Returns
    -------
    CurveTable

    Raises
    ------
    TableError
        With file and line, if there is no such table, or it can be read in two ways.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("acc;n\n0,80;500\n0,865;2000\n0,90;8000\n")
    ...     table = read_curve_table(path)
    >>> table.sizes.tolist(), table.accuracies.tolist()
    ([500.0, 2000.0, 8000.0], [0.8, 0.865, 0.9])
    >>> table.said
    ("Amounts of data are from column 'n', accuracies from column 'acc'.",)
    """
    if decimal not in (None, ".", ","):
        raise TableError(f"decimal must be '.' or ','; got {shown(str(decimal))}")
    stated, path = stated_columns(columns), Path(path)
    name = file_name(path)
    cells = apart(below_titles(name, read_cells(path), decimal))
    table = _kept(headed(name, cells, decimal), stated.pop("where", {}))
    amounts = repeated([amount_of(heading) for heading in table.headings])
    if not stated and sum(map(bool, amounts)) >= 3 and not _heads_runs(table, amounts):
        found = _wide(table, amounts)
    else:
        found = _long(table, stated)
    if not found.sizes.size:
        raise TableError(f"{name} holds no rows of numbers below its heading")
    table_percent = _percent(table, found, percent)
    said = (*cells.said, *found.said)
    if table_percent and percent is None:
        said = (*said, "Accuracies are in percent, by the percent signs in the file.")
    errors = found.errors
    signed = any(map(_signed, found.error_cells)) or is_signed(found.error_heading)
    if errors is not None and np.nanmax(errors, initial=0) < 1:
        # Of a heading that says percent errors may be so, too, unless they are very small.
        largest = np.nanmax(errors, initial=0)
        alone = any(map(_signed, found.cells)) or (table_percent and not percent and largest < TINY)
        if alone and not signed:
            raise TableError(
                f"{name}: accuracies have percent signs and errors none: they could be shares or"
                " percent. Give them signs, too"
            )
    if errors is not None and not table_percent and signed:
        errors = errors / 100
        said = (*said, "Errors are in percent, by their percent signs.")
    check_errors(name, errors, 100 if table_percent else 1)
    return CurveTable(found.sizes, found.accuracies, errors, table_percent, said)


@dataclass(frozen=True)
class _Found:
    sizes: FloatArray
    accuracies: FloatArray
    errors: FloatArray | None
    headings: tuple[str, ...]  # of accuracies, to look for percent signs, as in the cells
    cells: tuple[str, ...]
    error_cells: tuple[str, ...]
    error_heading: str
    said: tuple[str, ...]


def _kept(table: Table, where: Any) -> Table:
    """The rows that are asked for."""
    if not isinstance(where, Mapping):
        raise TableError("columns.where must be a mapping of headings to values")
    rows = list(zip(table.lines, table.rows, strict=True))
    for heading, value in where.items():
        k = named(table, heading, "where")
        if isinstance(value, list | tuple | set | Mapping):
            raise TableError(f"columns.where must give one value for {shown(str(heading))}")
        wanted = str(value).strip()
        rows = [(line, row) for line, row in rows if _same(row[k], wanted, table.decimal)]
        if not rows:
            raise TableError(f"{table.name}: no row has the value that columns.where asks for")
    return Table(
        table.name, table.headings, tuple(row for _, row in rows), tuple(n for n, _ in rows),
        table.decimal, table.breaks,
    )  # fmt: skip


def _same(cell: str, wanted: str, decimal: str | None) -> bool:
    if cell.strip() == wanted or (
        wanted in ("True", "False") and cell.strip().lower() == wanted.lower()
    ):
        return True
    try:
        number = read_number(cell, decimal, amount=False)
        return number is not None and number == float(wanted)
    except ValueError:
        return False


def _heads_runs(table: Table, amounts: Sequence[str]) -> bool:
    """Whether numbers in the heading are those of runs: a column beside them holds the amounts."""
    for k, heading in enumerate(table.headings):
        if not amounts[k] and role_of(heading) == "size":
            cells = table.column(k)
            counting = (
                [str(it) for it in range(len(cells))],
                [str(it + 1) for it in range(len(cells))],
            )
            if cells not in counting and all(is_number(cell, table.decimal) for cell in cells):
                return True
    return False


def _wide(table: Table, amounts: Sequence[str]) -> _Found:
    """A column a size, a row a run."""
    sized = [k for k, amount in enumerate(amounts) if amount]
    others = [k for k in range(len(amounts)) if k not in sized]
    heads = [
        number_of(f"{table.name}: heading", amounts[k], "an amount of data", table.decimal, True)
        for k in sized
    ]
    keep, spread, counts, labels = _labels(table, others)
    if spread is not None and sum(keep) > 1:
        raise TableError(
            f"{table.name}: line {table.lines[spread]} holds errors of one of {sum(keep)} rows of"
            " accuracies: leave the others out, or the errors"
        )
    beside = all(
        h.startswith("\u00b1") for k in sized for h in table.headings[k + 1 : k + 2] or ("",)
    )
    sizes, accuracies, errors, texts, error_texts, lines = [], [], [], [], [], []
    for r, row in enumerate(table.rows):
        if not keep[r]:
            continue
        where = f"{table.name}: line {table.lines[r]}"
        for k, size in zip(sized, heads, strict=True):
            sizes.append(size)
            texts.append(row[k])
            lines.append(table.lines[r])
            accuracies.append(number_of(where, row[k], "accuracy", table.decimal, False))
            if spread is not None or beside:
                cell = row[k + 1] if spread is None else table.rows[spread][k]
                error_texts.append(cell)
                errors.append(number_of(where, cell, "error", table.decimal, False))
    check_marks(table, sized)
    check_blocks(table, sizes, lines)
    runs = sum(keep)
    said = [f"Each column is an amount of data, each row a run: {runs} run{'s' * (runs > 1)}."]
    columns = [] if beside else [k for k in others if table.column(k) != labels]
    left = [r for r, yes in enumerate(keep) if not yes and r not in (spread, counts)]
    unused = [shown(h) for k in columns if role_of(h := table.headings[k]) not in ("run", "index")]
    if unused := [*unused, *(f"row {shown(labels[r])}" for r in left)]:
        more = ", …" * (len(unused) > MOST_NAMES)
        said.append(f"Not used: {', '.join(unused[:MOST_NAMES])}{more}.")
    of_means = np.array(errors) if beside and spread is None else None
    if of_means is not None:
        said.append("Errors are those behind the accuracies.")
    if spread is not None:
        number = of = None
        if counts is not None:
            where, of = f"{table.name}: line {table.lines[counts]}", f"row {shown(labels[counts])}"
            cells = [table.rows[counts][k] for k in sized]
            number = np.array(
                [number_of(where, it, "number of runs", table.decimal, True) for it in cells]
            )
        label = labels[spread]
        about = f"row {shown(label)}"
        of_rows = np.array(accuracies)
        shares = _like(np.array(errors), label, error_texts, of_rows)
        check_error_rate(table, label, about, shares, of_rows)
        check_half_width(table, label, about, shares, of_rows)
        of_means, how = errors_of_means(table, np.array(errors), label, about, number, of or "")
        said.append(how)
    return _Found(
        np.array(sizes), np.array(accuracies), of_means,
        tuple(label for label, yes in zip(labels, keep, strict=True) if yes), tuple(texts),
        tuple(error_texts), "" if spread is None else labels[spread],
        tuple(said),
    )  # fmt: skip


def _labels(
    table: Table, others: Sequence[int]
) -> tuple[list[bool], int | None, int | None, list[str]]:
    """Which rows of a wide table are accuracies, which one their errors, which one their numbers.

    Also what each row is called.
    """
    keep: list[bool] = [True] * len(table.rows)
    spread = counts = None
    labels = [""] * len(table.rows)
    for k in others:
        cells = table.column(k)
        roles = [role_of(cell) for cell in cells]
        if any(roles) and not all(is_number(cell, None) for cell in cells):
            for role in NOT_ACCURACIES:
                if role in roles and "accuracy" not in roles:
                    raise not_accuracy(table, cells[roles.index(role)], role)
            if "size" in roles:
                raise TableError(
                    f"{table.name}: line {table.lines[roles.index('size')]} is a second heading:"
                    " put one line of headings above the numbers"
                )
            if "accuracy" in roles:
                keep = [yes and role == "accuracy" for yes, role in zip(keep, roles, strict=True)]
                trained = [is_train(cell) for cell in cells]
                if any(yes and not it for yes, it in zip(keep, trained, strict=True)):
                    keep = [yes and not it for yes, it in zip(keep, trained, strict=True)]
                kept = [cell for cell, yes in zip(cells, keep, strict=True) if yes]
                if len(set(kept)) > 1 and not are_repeats(kept):
                    check_one_curve(table, k)
                # A row "error" below accuracies is how far they vary, or what they lack to 1.
                named = "error" if "error" in roles else "error rate"
                spreads = [r for r, role in enumerate(roles) if role == named]
                of_means = [r for r in spreads if is_standard_error(cells[r])]
                spread = next(iter(of_means or spreads), None)
                counts = roles.index("count") if "count" in roles else None
                labels = cells
                if (
                    spread is not None
                    and named == "error rate"
                    and _complement(table, keep, spread)
                ):
                    spread = None
                continue
            if set(roles) == {"run"} and are_runs(cells):
                continue
        if not are_runs([cell for cell in cells if cell] or [""]):
            check_one_curve(table, k)
        if role_of(table.headings[k]) not in ("run", "index", "other", "count"):
            check_one_curve(table, k)
    kept_rows = [r for r, yes in enumerate(keep) if yes]
    of_kept = replace(
        table,
        rows=tuple(table.rows[r] for r in kept_rows),
        lines=tuple(table.lines[r] for r in kept_rows),
    )
    for k in others:
        check_rows(of_kept, k)
        check_labels(table, k, kept_rows)
    return keep, spread, counts, labels


def _complement(table: Table, keep: Sequence[bool], row: int) -> bool:
    """Whether numbers of a row are 1 (or 100 percent) minus those of the row that is kept."""
    kept = table.rows[keep.index(True)]
    sums = [
        a + b
        for one, other in zip(kept, table.rows[row], strict=True)
        if (a := read_number(one, table.decimal, amount=False)) is not None
        and (b := read_number(other, table.decimal, amount=False)) is not None
    ]
    return all(min(abs(it - 1), abs(it - 100) / 100) <= 0.02 for it in sums)


def _long(table: Table, stated: Mapping[str, Any]) -> _Found:
    """A row a size, or a row a run of a size."""
    asked = {role: named(table, column, role) for role, column in stated.items()}
    for (role, k), (other, j) in itertools.combinations(asked.items(), 2):
        if k == j:
            raise TableError(f"{table.name}: columns.{role} and columns.{other} name one column")
    roles = [role_of(heading) or "run" * bool(amount_of(heading)) for heading in table.headings]
    for role, k in asked.items():
        roles[k] = role
    if not any(table.headings) and not asked:
        asked = columns_by_values(table)
        roles = ["index"] * len(roles)
    size = asked["size"] if "size" in asked else size_column(table, roles)
    accuracy = [asked["accuracy"]] if "accuracy" in asked else accuracy_columns(table, roles, size)
    error = asked["error"] if "error" in asked else error_column(table, roles, accuracy)
    count = asked.get("count", roles.index("count") if "count" in roles else None)
    used = {size, *accuracy, error, count}
    ignored = [
        k for k in range(len(roles)) if k not in used and (roles[k] != "index" or table.headings[k])
    ]
    sizes = table.numbers(size, "amount of data", amount=True)
    if any(map(_signed, table.column(size))):
        raise TableError(
            f"{table.name}: amounts of data are shares, by their percent signs: give amounts"
            " themselves"
        )
    if np.isnan(sizes).any():
        line = table.lines[int(np.isnan(sizes).argmax())]
        raise TableError(f"{table.name}: line {line}: amount of data is missing")
    values = np.array([table.numbers(k, "accuracy", amount=False) for k in accuracy])
    check_marks(table, [size, *accuracy])
    for k in range(len(roles)):
        if k not in used:
            check_unused(table, k, roles[k], sizes)
    check_blocks(table, sizes.tolist(), table.lines)
    said = [_mapping(table, size, accuracy)]
    if scale := scale_of(table.headings[size]):
        said.append(f"They are taken as they stand, in units of {scale}: costs must be, too.")
    elif "per" in tokens(table.headings[size]) or "/" in table.headings[size]:
        said.append(f"They are taken as they stand, {table.headings[size]}: costs must be, too.")
    elif np.max(sizes, initial=0.0) <= 1 and sizes.size > 1:
        raise TableError(
            f"{table.name}: amounts of data are at most {sizes.max():g}, as shares of a training"
            " set are: give amounts themselves, or say their unit in the heading: 'n (millions)'"
        )
    errors = None
    if error is not None:
        errors = table.numbers(error, "error", amount=False)
        heading = table.headings[error]
        about = f"column {shown(heading)}" if heading else f"column {error + 1}"
        runs, of = None, ""
        if count is not None:
            runs = table.numbers(count, "number of runs", amount=True)
            of = f"column {shown(table.headings[count])}"
        means = np.nanmean(values, axis=0) if len(values) > 1 else values[0]
        ends = ends_of_interval(table, error, means)
        if ends is None:
            shares = _like(errors, heading, table.column(error), means)
            if "error" not in asked:
                check_error_rate(table, heading, about, shares, means)
            check_half_width(table, heading, about, shares, means)
            errors, how = errors_of_means(table, errors, heading, about, runs, of)
        else:
            errors, how = ends
        said.append(how)
    if ignored and any(table.headings):
        names = ", ".join(shown(table.headings[k]) for k in ignored[:MOST_NAMES])
        said.append(f"Not used: {names}{', …' * (len(ignored) > MOST_NAMES)}.")
    return _Found(
        np.tile(sizes, len(accuracy)), values.reshape(-1),
        None if errors is None else np.tile(errors, len(accuracy)),
        tuple(table.headings[k] for k in accuracy),
        tuple(text for k in accuracy for text in table.column(k)),
        () if error is None else tuple(table.column(error)),
        "" if error is None else table.headings[error],
        tuple(said),
    )  # fmt: skip


def _like(
    errors: FloatArray, heading: str, cells: Sequence[str], accuracies: FloatArray
) -> FloatArray:
    """Errors in the unit of accuracies, to be compared with them."""
    signed = is_signed(heading) or any(map(_signed, cells))
    shares = not np.nanmax(accuracies, initial=0) > 1
    return errors / 100 if signed and shares else errors


def _mapping(table: Table, size: int, accuracy: Sequence[int]) -> str:
    if not table.headings[size]:
        return f"Amounts of data are from column {size + 1}, accuracies from {accuracy[0] + 1}."
    of = shown(table.headings[accuracy[0]])
    source = f"column {of}" if len(accuracy) == 1 else f"{len(accuracy)} columns, {of} and others"
    return (
        f"Amounts of data are from column {shown(table.headings[size])}, accuracies from {source}."
    )


def _signed(cell: str) -> bool:
    """Whether a cell says percent."""
    return "%" in cell


def _percent(table: Table, found: _Found, asked: bool | None) -> bool:
    """Whether accuracies are in percent: as asked, or by the signs in the file."""
    known = found.accuracies[~np.isnan(found.accuracies)]
    signed = {is_signed(heading) for heading in found.headings}
    if len(signed) == 2:
        rule = "accuracies must have percent signs in all of their headings, or in none"
        raise TableError(f"{table.name}: {rule}")
    headed = True in signed
    signs = {
        _signed(cell)
        for cell, value in zip(found.cells, found.accuracies, strict=True)
        if not np.isnan(value)
    }
    if not headed and len(signs) == 2:
        raise TableError(f"{table.name}: accuracies must have percent signs everywhere, or nowhere")
    if (headed or True in signs) and asked is False:
        raise TableError(f"{table.name} has percent signs, but percent is denied")
    if (headed or True in signs) and known.size and known.max() <= 1:
        raise TableError(
            f"{table.name}: accuracies have percent signs, but are at most {known.max():g}: take"
            " the signs away if they are shares"
        )
    if asked or headed or True in signs:
        return True
    if known.size and 1 < known.max() <= 100 and not known.min() < 0:
        raise TableError(
            f"{table.name}: accuracies reach {known.max():g}: if they are in percent, say"
            " percent: true"
        )
    return False
