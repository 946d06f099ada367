"""Does the book still say what it said? Its numbers and tables beside reference values.

The reference is the folder ``reference/`` of the book::

    tolerances.json        how much may differ, and why
    book/CHAPTER.json      the numbers that a chapter hands to the prose, and the tables and texts
                           that it shows
    figures/FIGURE.csv     the table behind a figure

Numbers come from `pwm_companion.book.notebook.glue`, at full precision. Tables and texts are
compared as shown. Everything is taken from executed chapters, and these are executed anew where
anything that they depend on has changed.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import io
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from .book.execute import Executed
from .book.site import swap
from .compare import (
    Finding,
    Rows,
    Rule,
    Scalar,
    Tolerances,
    Verdict,
    column_rule,
    compare_cells,
    number_rule,
    read_tolerances,
    shown_rule,
    undetermined_rule,
)
from .errors import BookError
from .files import write_whole

FOLDER = "reference"
RECORD = "application/papermill.record/text/plain"


@dataclass(frozen=True)
class Content:
    """What one chapter says: its numbers by name, and what it shows, as rows of cells."""

    numbers: dict[str, Scalar]
    shown: dict[str, Rows]


def read_notebook(path: Path) -> Content:
    """Return the numbers and the shown tables and texts of an executed chapter.

    What is shown is named after the heading that it stands under. Pictures are left out: what is
    behind them is compared as the tables of the figures.
    """
    numbers: dict[str, Scalar] = {}
    shown: dict[str, Rows] = {}
    heading, count = "", Counter[tuple[str, str]]()
    # Not by nbformat, which takes longer than all the rest.
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            headings = [line for line in _text(cell["source"]).splitlines() if line[:1] == "#"]
            heading = headings[-1].lstrip("# ") if headings else heading
        for output in cell.get("outputs", []):
            if record := output.get("metadata", {}).get("scrapbook"):
                numbers[record["name"]] = parse_value(_text(output["data"][RECORD]))
            elif rows := _shown(output):
                kind = "table" if len(rows[0]) > 1 else "text"
                count[heading, kind] += 1
                shown[f"{heading}, {kind} {count[heading, kind]}"] = rows
    return Content(numbers, shown)


def _text(source: str | list[str]) -> str:
    return "".join(source)  # notebooks on disk hold either


def _shown(output: Mapping[str, Any]) -> Rows:
    """Return the rows of a table, or the lines of a text, that a cell shows; [] if neither."""
    if output["output_type"] == "stream":
        return [[line] for line in _text(output["text"]).splitlines()]
    data = output.get("data", {})
    if any(kind.startswith(("image/", "application/")) for kind in data):
        return []
    if html := data.get("text/html"):
        table = _Cells()
        table.feed(_text(html))
        return [row for row in table.rows if row]
    text = data.get("text/markdown", data.get("text/plain", ""))
    return [[line] for line in _text(text).splitlines()]


class _Cells(HTMLParser):
    """The texts of the cells of the tables in a piece of HTML, by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Rows = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self.rows[-1][-1] = self.rows[-1][-1].strip()
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


def parse_value(text: str) -> Scalar:
    """Return the value that Python prints as `text`, or the text if that is no plain value.

    Examples
    --------
    >>> parse_value("0.5"), parse_value("'big'"), parse_value("nan")
    (0.5, 'big', 'nan')
    """
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
    return value if isinstance(value, Scalar) else text


def compare(
    pages: Mapping[str, Content], figures: Mapping[str, str], folder: Path
) -> list[Finding]:
    """Compare with the reference values in `folder`.

    Parameters
    ----------
    pages
        What each executed chapter says, by its name.
    figures
        The table behind each figure as the text of a CSV file, by the figure's id.
    folder
        The reference values.

    Returns
    -------
    list of Finding
        In the order of the book; what is missing stands last.

    Raises
    ------
    BookError
        If the tolerances or a reference file cannot be read.
    """
    tolerances = read_tolerances(folder)
    findings = []

    def rule_of(page: str, name: str, usual: Rule) -> Rule:
        leeway = tolerances.leeway(page, name)
        return usual if leeway is None else undetermined_rule(leeway, tolerances)

    nothing = Content({}, {})
    old_pages = {name: _read_content(path) for name, path in _files(folder, "book", ".json")}
    for page in _union(pages, old_pages):
        old, now = old_pages.get(page, nothing), pages.get(page, nothing)
        for name in _union(now.numbers, old.numbers):
            numbers = old.numbers.get(name), now.numbers.get(name)
            known = numbers[1] if numbers[0] is None else numbers[0]
            rule = number_rule(known, tolerances, tolerances.is_measured(page, name))
            one, other = (None if value is None else [[value]] for value in numbers)
            found = compare_cells(page, name, one, other, rule_of(page, name, rule))
            findings.append(replace(found, reference=numbers[0], now=numbers[1]))
        for name in _union(now.shown, old.shown):
            rule = shown_rule(tolerances, tolerances.is_measured(page, name))
            tables = old.shown.get(name), now.shown.get(name)
            findings.append(compare_cells(page, name, *tables, rule_of(page, name, rule)))
    old_figures = {page: _read_table(path) for page, path in _files(folder, "figures", ".csv")}
    new_figures = {f"figures/{name}": text for name, text in figures.items()}
    for page in _union(new_figures, old_figures):
        before, after = (_columns(it.get(page, "")) for it in (old_figures, new_figures))
        for name in _union(after, before):
            cells = before.get(name, after.get(name, []))
            rule = column_rule(cells, tolerances, tolerances.is_measured(page, name))
            columns = before.get(name), after.get(name)
            findings.append(compare_cells(page, name, *columns, rule_of(page, name, rule)))
    return findings


def _union(first: Iterable[str], second: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*first, *second]))


def _files(folder: Path, kind: str, suffix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted((folder / kind).rglob(f"*{suffix}")):
        yield path.relative_to(folder).with_suffix("").as_posix(), path


def _read_content(path: Path) -> Content:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Content(dict(content["numbers"]), dict(content["shown"]))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BookError(f"{path} is not a file of reference values: {error!r}") from None


def _read_table(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
        widths = {len(row) for row in csv.reader(io.StringIO(text))}
    except (ValueError, csv.Error) as error:
        raise BookError(f"{path} is not a table: {error}") from None
    if len(widths) > 1:
        raise BookError(f"{path} is not a table: its rows differ in length")
    return text


def _columns(text: str) -> dict[str, Rows]:
    header, *rows = csv.reader(io.StringIO(text)) if text else [[]]
    return {name: [[row[i]] for row in rows] for i, name in enumerate(header)}


def check(
    executed: Mapping[str, Executed], figures: Mapping[str, Path], root: Path, build_dir: Path
) -> list[Finding]:
    """Compare executed chapters and figure files with the reference; write ``verify.json``.

    Parameters
    ----------
    executed
        The executed chapters by name.
    figures
        The CSV file of each figure.
    root
        The book's root; without a folder ``reference/`` there nothing is compared.
    build_dir
        Gets ``verify.json``.

    Returns
    -------
    list of Finding
        Empty if there is no reference.

    Raises
    ------
    BookError
        See `compare`.
    """
    if not (root / FOLDER).is_dir():
        return []
    findings = compare(*read_results(executed, figures), root / FOLDER)
    findings += _compare_shown_figures(executed, figures)
    order = {page: place for place, page in enumerate(dict.fromkeys(it.page for it in findings))}
    findings.sort(key=lambda it: order[it.page])
    write_whole(build_dir / "verify.json", as_json(findings, read_tolerances(root / FOLDER)))
    return findings


def _compare_shown_figures(
    executed: Mapping[str, Executed], figures: Mapping[str, Path]
) -> Iterator[Finding]:
    """Compare what chapters show with the figures of record that they show it for."""
    for chapter, result in executed.items():
        cells = json.loads(result.notebook.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        for shown in (
            it["metadata"]["figure"] for it in outputs if "figure" in it.get("metadata", {})
        ):
            file = figures[shown["id"]]
            if json.loads(file.with_name("metadata.json").read_bytes())["chapter"] != chapter:
                continue  # another chapter may draw it from results of its own
            same = hashlib.sha256(file.read_bytes()).hexdigest() == shown["table"]
            yield Finding(
                f"figures/{shown['id']}",
                f"as {chapter} shows it",
                Verdict.IDENTICAL if same else Verdict.DIFFERS,
                "exact",
                "the figure of record",
                "the figure of record" if same else "drawn from other results",
            )


def read_results(
    executed: Mapping[str, Executed], figures: Mapping[str, Path]
) -> tuple[dict[str, Content], dict[str, str]]:
    """Return what the executed chapters say and the figures' tables, see `compare`."""
    pages = {name: read_notebook(it.notebook) for name, it in executed.items()}
    return pages, {name: path.read_text(encoding="utf-8") for name, path in figures.items()}


def update(pages: Mapping[str, Content], figures: Mapping[str, str], folder: Path) -> None:
    """Make what the book says now the reference; the tolerances stay.

    The new folder is written aside: killed at any moment, this leaves the old reference or the new
    one, or both under names that `pwm_companion.book.site.restore` puts right.
    """
    wanted = {Path(f"{name}.json"): _json(asdict(content)) for name, content in pages.items()}
    wanted |= {Path("figures", f"{name}.csv"): text for name, text in figures.items()}
    for left in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as place:
        fresh = Path(place, folder.name)
        shutil.copytree(folder, fresh)
        for _, path in [*_files(fresh, "book", ".json"), *_files(fresh, "figures", ".csv")]:
            if path.relative_to(fresh) not in wanted:
                path.unlink()
        for path, text in wanted.items():
            write_whole(fresh / path, text)
        swap(fresh, folder)


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def verdict_of_figure(findings: Iterable[Finding], figure: str) -> Verdict | None:
    """Return the worst verdict on the columns of a figure's table; None if it was not compared."""
    order = list(Verdict)
    verdicts = [it.verdict for it in findings if it.page == f"figures/{figure}"]
    return max(verdicts, key=order.index, default=None)


def agrees(findings: Iterable[Finding]) -> bool:
    """Say whether nothing differs and nothing is missing."""
    return not any(it.verdict in {Verdict.DIFFERS, Verdict.MISSING} for it in findings)


def as_json(findings: list[Finding], tolerances: Tolerances) -> str:
    """Return the findings as the text of ``verify.json``."""
    figures = dict.fromkeys(
        it.page.removeprefix("figures/") for it in findings if it.page.startswith("figures/")
    )
    return _json(
        {
            "agrees": agrees(findings),
            "counts": counts(findings),
            "figures": {name: verdict_of_figure(findings, name) for name in figures},
            "tolerances": asdict(tolerances),
            "findings": [asdict(it) for it in findings],
        }
    )


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how often each verdict was given, the worst last."""
    number = Counter(it.verdict for it in findings)
    return {verdict.value: number[verdict] for verdict in Verdict}


def describe(findings: list[Finding]) -> Iterator[str]:
    """Yield lines that say what is not identical, and how much there was of each verdict."""
    page = ""
    for it in findings:
        if it.verdict is Verdict.IDENTICAL:
            continue
        if it.page != page:
            page = it.page
            yield page
        values = "" if it.reference is None else f": {it.reference!r}"
        values += "" if it.now is None else f" -> {it.now!r}" if values else f": {it.now!r}"
        size = "" if it.difference is None else f" (relative difference {it.difference:.1e})"
        yield f"  {it.verdict}: {it.name}{values}{size}"
    figures = {it.page for it in findings if it.page.startswith("figures/")}
    moved = [page for page in sorted(figures) if not agrees(f for f in findings if f.page == page)]
    if moved:
        yield f"figures that moved: {', '.join(page.removeprefix('figures/') for page in moved)}"
    total = ", ".join(f"{number} {verdict}" for verdict, number in counts(findings).items())
    yield f"{len(findings)} numbers and tables: {total}"
