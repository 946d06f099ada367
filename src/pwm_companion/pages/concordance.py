"""The two-way map between the book's statements, the paper, the code and the tests.

Nothing of it is written twice. A statement is a directive of a chapter with a label; the line
below it says where the paper has it and which code carries it out::

    :::{prf:proposition} Two passes
    :label: prop-two-passes
    ...
    :::

    *Source: ours.* Code: {py:func}`~paid_with_models.solver.chain.least_utilities`.

A test says in a comment right above it which statements it checks::

    # Book: prop-two-passes
    def test_two_passes_give_the_least_utilities(): ...
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..book.chapters import Chapter
from ..errors import BookError

#: Where a page wants the map.
PLACE = "<!-- concordance -->"

STATEMENT = re.compile(
    r"^(?P<fence>:{3,})\{prf:(?!proof)\w+\}[ ]*(?P<title>.*)\n"
    r"(?::\w+:.*\n)*?:label:[ ]*(?P<label>\S+)\n"
    r"(?:.*\n)*?(?P=fence)[ ]*$"
    r"(?:\n\n\*Source: (?P<source>(?:.+\n?)+?)(?=\n\n|\Z))?",
    re.MULTILINE,
)

CODE = re.compile(r"\{py:\w+\}`~?[\w.]+`")

TEST = re.compile(
    r"^# Book: (?P<labels>.+)\n(?:(?!def ).+\n)*?def (?P<name>test_\w+)", re.MULTILINE
)


@dataclass(frozen=True)
class Statement:
    """A definition, proposition, ... of the book.

    Attributes
    ----------
    label, title
        As in the directive.
    page
        The name of its page.
    source
        Where the paper has it, or that it is ours; empty if the chapter does not say.
    code
        The roles that refer to the code.
    """

    label: str
    title: str
    page: str
    source: str
    code: tuple[str, ...]


def find_statements(chapters: Iterable[Chapter]) -> list[Statement]:
    """Return the labeled statements of the chapters, in reading order."""
    statements = []
    for chapter in chapters:
        cells = (cell.source for cell in chapter.notebook.cells if cell.cell_type == "markdown")
        for match in STATEMENT.finditer("\n\n".join(cells)):
            source, _, code = (match["source"] or "").strip().partition("* Code: ")
            statements.append(
                Statement(
                    match["label"],
                    match["title"],
                    chapter.name,
                    " ".join(source.removesuffix("*").split()),
                    tuple(CODE.findall(code)),
                )
            )
    return statements


def find_tests(folder: Path, labels: Iterable[str]) -> dict[str, list[str]]:
    """Return the tests in `folder` that say which of the statements `labels` they check.

    Raises
    ------
    BookError
        If a test names a statement that is not there.
    """
    tests: dict[str, list[str]] = {label: [] for label in labels}
    for file in sorted(folder.rglob("test_*.py")):
        for match in TEST.finditer(file.read_text(encoding="utf-8")):
            for label in match["labels"].replace(",", " ").split():
                if label not in tests:
                    raise BookError(f"{file}: the book has no statement {label!r}")
                tests[label].append(f"{file.name}::{match['name']}")
    return tests


def concordance(chapters: Iterable[Chapter], tests: Path) -> str:
    """Return the map as MyST text: by statement, then by code."""
    statements = find_statements(chapters)
    checked = find_tests(tests, (statement.label for statement in statements))
    pages: dict[str, list[Statement]] = defaultdict(list)
    carried_out: dict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        pages[statement.page].append(statement)
        for role in statement.code:
            carried_out[role].append(statement)

    lines = ["## By statement", ""]
    for page, here in pages.items():
        lines += [f"### {{doc}}`/{page}`", ""]
        for it in here:
            lines.append(f"- {{prf:ref}}`{it.label}` ({it.title})")
            if it.source:
                lines.append(f"  - Source: {it.source}")
            if it.code:
                lines.append(f"  - Code: {', '.join(it.code)}")
            if names := checked[it.label]:
                lines.append(f"  - Tests: {', '.join(f'`{name}`' for name in names)}")
        lines.append("")
    lines += ["## By code", ""]
    for role, those in sorted(carried_out.items(), key=lambda item: item[0].partition("`")[2]):
        lines.append(f"- {role}: {', '.join(f'{{prf:ref}}`{it.label}`' for it in those)}")
    return "\n".join([*lines, ""])
