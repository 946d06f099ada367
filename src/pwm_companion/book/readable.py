"""Chapters as notebooks that any program shows: what MyST alone reads becomes plain Markdown.

The numbers of the prose are filled in from the notebook's own results. References become words,
and links where the book has a public address. Statements, exercises and boxes become headings in
bold with their texts below; each figure gets its caption as a cell.
"""

from __future__ import annotations

import copy
import html
import json
import posixpath
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ..errors import BookError
from ..figures.registry import FigureRecord, load_registry
from ..numerals import in_prose
from ..verify import RECORD, parse_value
from .chapters import Chapter

BIBLIOGRAPHY = Path("book/references.bib")  # below the book's root

#: A role, or code that only looks like one.
INLINE = re.compile(
    r"\{(?P<role>[a-z][a-z:-]*)\}(?P<ticks>`+)(?P<body>.+?)(?P=ticks)"
    r"|(?<!`)(?P<code>`+)(?!`).+?(?<!`)(?P=code)(?!`)",
    re.DOTALL,
)
OPENS = re.compile(
    r"^(?P<indent>\s*)(?P<fence>`{3,}|:{3,}|~{3,})(?:\{(?P<name>[\w:-]+)\})?(?P<rest>.*)$"
)
OPTION = re.compile(r"^:([\w-]+):\s*(.*)$")
TITLED = re.compile(r"^(?P<title>.*?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
EQUATION = re.compile(
    r"^(?P<before>[^$\n]*(?:\$\$)?[^$\n]*)\$\$ *\((?P<label>[\w:-]+)\)", re.MULTILINE
)
TARGET = re.compile(r"^\((?P<label>[\w:-]+)\)=\n+", re.MULTILINE)
HEADING = re.compile(r"^#+ +(?P<title>.+?)\s*$", re.MULTILINE)
#: A statement or an exercise.
STATED = re.compile(
    r"^\s*[`:]{3,}\{(?P<kind>prf:(?!proof)\w+|exercise)\}[ \t]*(?P<title>.*)\n"
    r"(?:\s*:(?!label)[\w-]+:.*\n)*(?:\s*:label: *(?P<label>\S+))?",
    re.MULTILINE,
)
#: A link that holds only within the site.
ANCHOR = re.compile(r'<a href="(?P<to>[^":]+)"[^>]*>(?P<text>.*?)</a>', re.DOTALL)
LINK = re.compile(
    r"(?<!!)\[(?P<text>[^][]*)\]\((?:(?P<to>[^):#\s]+\.md)(?P<at>#[^)\s]*)?|#(?P<label>[\w-]+))\)"
)


@dataclass(frozen=True)
class Target:
    """What a label stands for: kind and title in words, its page, and the anchor there."""

    words: str
    page: str
    anchor: str


@dataclass(frozen=True)
class Names:
    """What the book's labels stand for.

    Attributes
    ----------
    targets
        By label.
    titles
        Of the pages, by name.
    works
        Of the bibliography, by key: authors in short, year, address.
    figures
        The registry.
    site
        The book's public address; empty while there is none.
    version
        Of the book.
    """

    targets: Mapping[str, Target] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    works: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    figures: Mapping[str, FigureRecord] = field(default_factory=dict)
    site: str = ""
    version: str = ""

    def address(self, page: str, anchor: str = "") -> str:
        """The public address of a place; empty while there is none."""
        at = f"#{anchor}" if anchor else ""
        return f"{self.site.rstrip('/')}/{page}.html{at}" if self.site else ""

    def link(self, words: str, page: str, anchor: str = "") -> str:
        """The words, as a link where there is an address."""
        address = self.address(page, anchor)
        return f"[{words}]({address})" if address else words


def chapter_numbers(toc: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of each chapter that has one, counted through all parts."""
    numbered = [part for part in toc.get("parts", ()) if part.get("numbered")]
    names = [chapter["file"] for part in numbered for chapter in part["chapters"]]
    return {name: number for number, name in enumerate(names, 1)}


def read_names(
    pages: Iterable[Chapter],
    toc: Mapping[str, Any],
    root: Path,
    *,
    site: str = "",
    version: str = "",
) -> Names:
    """Collect what the labels of the book in the folder `root` stand for, numbers as in the site.

    Parameters
    ----------
    pages
        All pages.
    toc
        The contents.
    root
        The book's root, for the registry and the bibliography.
    site, version
        See `Names`.
    """
    targets, titles = {}, {}
    figures, chapters = load_registry(root), chapter_numbers(toc)
    for page in pages:
        chapter = f"{chapters[page.name]}." if page.name in chapters else ""
        texts = [cell.source for cell in page.notebook.cells if cell.cell_type == "markdown"]
        text = "\n\n".join(texts)
        heading = HEADING.search(text)
        titles[page.name] = heading["title"] if heading else page.name
        count = Counter[bool]()
        for found in STATED.finditer(text):
            exercise = found["kind"] == "exercise"
            count[exercise] += 1
            kind = found["kind"].removeprefix("prf:").capitalize()
            words = f"{kind} {chapter}{count[exercise]}"
            if found["label"]:
                targets[found["label"]] = Target(words, page.name, found["label"])
        for number, found in enumerate(EQUATION.finditer(text), 1):
            anchor = f"equation-{found['label']}"
            targets[found["label"]] = Target(f"({chapter}{number})", page.name, anchor)
        for found in TARGET.finditer(text):
            if follows := HEADING.match(text, found.end()):
                words = f"“{follows['title']}”"
                targets[found["label"]] = Target(words, page.name, found["label"])
    for name, record in figures.items():
        targets[name] = Target(f"the figure *{record.title}*", record.chapter, name)
    works = _read_works(root / BIBLIOGRAPHY)
    return Names(targets, titles, works, figures, site, version)


def _read_works(path: Path) -> dict[str, tuple[str, str, str]]:
    if not path.is_file():
        return {}
    from pybtex.database import parse_file  # takes half a second

    works = {}
    for key, entry in parse_file(str(path), "bibtex").entries.items():
        people = entry.persons.get("author") or entry.persons.get("editor") or ()
        names = [" ".join((*it.prelast_names, *it.last_names)) for it in people]
        names = [re.sub(r"[{}]", "", name) for name in names]
        short = names[0] if names else key
        if len(names) == 2:
            short = " and ".join(names)
        elif len(names) > 2:
            short = f"{names[0]} et al."
        fields = entry.fields
        doi = fields.get("doi", "")
        address = f"https://doi.org/{doi}" if doi else fields.get("url", "")
        address = address.replace("(", "%28").replace(")", "%29")  # they end a link
        works[key] = (short, fields.get("year", ""), address)
    return works


def glued(notebook: NotebookNode) -> dict[str, str]:
    """Return what an executed notebook keeps for its prose: by name, as Python prints it."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if record := output.get("metadata", {}).get("scrapbook"):
                found[record["name"]] = str(output["data"][RECORD])
    return found


def readable(
    notebook: NotebookNode,
    page: str,
    names: Names,
    parameters: Mapping[str, Any] | None = None,
) -> NotebookNode:
    """Return a chapter as any notebook program shows it.

    Parameters
    ----------
    notebook
        The executed chapter, its figures with captions (see `pwm_companion.figures.pages.dress`).
    page
        Its name.
    names
        What labels stand for.
    parameters
        The values that it was run with, if it has any.

    Raises
    ------
    KeyError
        If the prose names a number that the notebook does not keep.
    """
    fresh = copy.deepcopy(notebook)
    text = _Text(page, names, glued(notebook))
    cells = []
    for cell in fresh.cells:
        if cell.cell_type == "markdown":
            cell.source = text.plain(cell.source)
            if cell.source:
                cells.append(cell)
            continue
        cell.outputs = [
            output for output in cell.outputs if not output.get("metadata", {}).get("scrapbook")
        ]
        cells.append(cell)
        if about := cell.metadata.pop("mystnb", {}).get("figure"):
            cells.append(_markdown(f"*Figure.* {text.plain(about['caption'])}"))
    if cells and cells[0].cell_type == "markdown":
        cells.insert(1, _markdown(_about(page, names, parameters or {})))
    for position, cell in enumerate(cells):
        cell.id = f"cell-{position}"
    fresh.cells = cells
    return fresh


def _markdown(source: str) -> NotebookNode:
    return NotebookNode(cell_type="markdown", metadata={}, source=source)


def _about(page: str, names: Names, parameters: Mapping[str, Any]) -> str:
    """What stands below the title: where it is from, how to run it, what the text is true of."""
    version = f"=={names.version}" if names.version else ""
    book = names.link("*Paid with Models, computed*", page)
    needs = f"`pip install 'paid-with-models[book]{version}'`"
    said = [f"A chapter of {book}, to be run anywhere after {needs}."]
    if parameters:
        values = ", ".join(f"`{name} = {value!r}`" for name, value in parameters.items())
        said.append(f"The text and the numbers in it are of the run with {values}.")
    said.append("If you change something and run it again, tables and figures follow; texts stay.")
    return f"<small>{' '.join(said)}</small>"


class _Text:
    """Turns MyST text of one page into plain Markdown."""

    def __init__(self, page: str, names: Names, values: Mapping[str, str]):
        self.page, self.names, self.values = page, names, values
        self.equations = {
            label: target.words for label, target in names.targets.items() if target.page == page
        }

    def plain(self, source: str) -> str:
        """Return a text without directives, roles and targets."""
        lines = self._blocks(source.splitlines())
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def _blocks(self, lines: list[str]) -> list[str]:
        done: list[str] = []
        prose: list[str] = []
        position = 0
        while position < len(lines):
            opened = OPENS.match(lines[position])
            if not opened:
                prose.append(lines[position])
                position += 1
                continue
            fence = opened["fence"]
            closes = re.compile(rf"^\s*{fence[0]}{{{len(fence)},}}\s*$")
            end = position + 1
            while end < len(lines) and not closes.match(lines[end]):
                end += 1
            done += self._prose(prose)
            prose = []
            if opened["name"]:
                body = textwrap.dedent("\n".join(lines[position + 1 : end])).splitlines()
                text = self._directive(opened["name"], opened["rest"].strip(), body)
                done += textwrap.indent("\n".join(["", *text, ""]), opened["indent"]).splitlines()
            else:
                done += lines[position : end + 1]
            position = end + 1
        return done + self._prose(prose)

    def _directive(self, name: str, rest: str, body: list[str]) -> list[str]:
        options: dict[str, str] = {}
        while body and (option := OPTION.match(body[0])):
            options[option[1]] = option[2]
            body = body[1:]
        kind = name.removeprefix("prf:")
        title = self._inline(rest)
        inner = self._blocks(body)
        while inner and not inner[0].strip():
            inner = inner[1:]
        if name in ("code-block", "code", "sourcecode"):
            return [f"```{rest}", *body, "```"]
        if name in ("solution-end", "bibliography", "tableofcontents"):
            return []
        if name in ("solution-start", "solution"):
            return ["**Solution.**", "", *inner]
        if name == "grid":
            return inner
        if name == "live":
            where = self.names.link("On the site", self.page)
            return [f"*{where} there is a picture here that can be moved.*"]
        if name == "prf:proof":
            return _led_by("*Proof.*", [*inner, "", "∎"])
        if name.startswith("prf:") or name == "exercise":
            target = self.names.targets.get(options.get("label", ""))
            called = target.words if target else kind.capitalize()
            return _led_by(f"**{called}{f' ({title})' if title else ''}.**", inner)
        if name == "admonition" and not any("$$" in line for line in inner):
            return [f"> **{title}**", ">", *(f"> {line}".rstrip() for line in inner)]
        if name == "math":
            return ["$$", *body, "$$"]
        heading = title or kind.replace("-", " ").capitalize()
        return [f"**{heading}**", "", *inner]

    def _prose(self, lines: list[str]) -> list[str]:
        if not lines:
            return []
        lines = [line for line in lines if not line.startswith("%")]  # comments
        text = TARGET.sub("", "\n".join(lines) + "\n")
        text = EQUATION.sub(self._tag, text)
        return self._inline(text).splitlines()

    def _tag(self, found: re.Match[str]) -> str:
        """Number an equation as `read_names` does; other programs read no label behind it."""
        number = self.equations.get(found["label"], "").strip("()")
        tag = rf"\tag{{{number}}}" if number else ""
        before = found["before"]
        return (
            f"{before}{tag}\n{before}$$" if before.isspace() or not before else f"{before}{tag}$$"
        )

    def _inline(self, text: str) -> str:
        def role(found: re.Match[str]) -> str:
            return found[0] if found["code"] else self._role(found["role"], found["body"])

        def page(found: re.Match[str]) -> str:
            if found["label"]:
                return self._reference(found["text"], found["label"])
            name, anchor = self._page(found["to"][:-3]), (found["at"] or "").removeprefix("#")
            return self.names.link(found["text"] or f"“{self._title(name)}”", name, anchor)

        text = ANCHOR.sub(lambda it: self._site_link(it["text"], it["to"]), INLINE.sub(role, text))
        return LINK.sub(page, text)

    def _site_link(self, text: str, to: str) -> str:
        if not self.names.site:
            return text
        place = posixpath.normpath(posixpath.join(posixpath.dirname(self.page), to))
        return f"[{text}]({self.names.site.rstrip('/')}/{place})"

    def _page(self, name: str) -> str:
        """The page that a name means here: relative to this one, or from the root."""
        if name.startswith("/"):
            return name[1:]
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.page), name))

    def _title(self, page: str) -> str:
        return self.names.titles.get(page, page)

    def _role(self, role: str, body: str) -> str:
        if role == "glue:text":
            return self._number(body)
        titled = TITLED.match(body)
        title, target = (titled["title"], titled["target"]) if titled else ("", body)
        if role.startswith("cite"):
            return self._citation(role, body)
        if role == "doc":
            page = self._page(target)
            return self.names.link(title or f"“{self._title(page)}”", page)
        if role in ("prf:ref", "ref", "numref", "eq"):
            return self._reference(title, target)
        if role.startswith("py:"):
            name = title or (target.rpartition(".")[2] if target.startswith("~") else target)
            return f"`{name}`"
        if role == "math":
            return f"${body}$"
        if role in ("sub", "sup"):
            return f"<{role}>{html.escape(body)}</{role}>"
        return title or target

    def _number(self, body: str) -> str:
        name, _, shape = body.partition(":")
        if name.strip() not in self.values:
            raise BookError(f"{self.page}: no cell glues {name.strip()!r}, which its text shows")
        return format_value(self.values[name.strip()], shape)

    def _reference(self, title: str, label: str) -> str:
        target = self.names.targets.get(label)
        if target is None:
            return title or label
        link = self.names.link(title or target.words, target.page, target.anchor)
        if title or target.page == self.page:
            return link
        return f"{link} in “{self._title(target.page)}”"

    def _citation(self, role: str, body: str) -> str:
        """In the text or in parentheses, by authors and year."""
        in_text = role.endswith(":t")
        cited = []
        for key in (it.strip() for it in body.split(",")):
            authors, year, address = self.names.works.get(key, (key, "", ""))
            words = f"{authors} ({year})" if in_text else f"{authors}, {year}"
            cited.append(f"[{words}]({address})" if address else words)
        return ", ".join(cited) if in_text else f"({'; '.join(cited)})"


def _led_by(heading: str, lines: list[str]) -> list[str]:
    """Put a heading in front of the first line, or above it where that begins something else."""
    if lines and not re.match(r"\s|\$\$|[-*+>|#`~] |```|\d+\.", lines[0]):
        return [f"{heading} {lines[0]}", *lines[1:]]
    return [heading, "", *lines]


def format_value(text: str, shape: str = "") -> str:
    """Return a value that Python prints as `text`, in the form `shape` that prose wants.

    >>> format_value("-0.12345", ".2f"), format_value("'four'"), format_value("3e-09", ".0e")
    ('−0.12', 'four', '3 · 10⁻⁹')
    """
    value = parse_value(text)
    if shape and isinstance(value, str):
        value = float(value)
    return in_prose(format(value, shape) if shape else str(value))


def write_downloads(
    pages: Path, stage: Path, names: Names, parameters: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write the notebooks that the site offers.

    Parameters
    ----------
    pages
        Gets them, at the paths that they have on the stage.
    stage
        What Jupyter Book saw.
    names
        What labels stand for.
    parameters
        The values that chapters ran with, by page.
    """
    for source in sorted(stage.rglob("*.ipynb")):
        path = source.relative_to(stage)
        page = path.with_suffix("").as_posix()
        notebook = nbformat.read(source, as_version=4)
        (pages / path).parent.mkdir(parents=True, exist_ok=True)
        write_notebook(readable(notebook, page, names, parameters.get(page)), pages / path)


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook on few lines, as the site has them."""
    text = json.dumps(notebook, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")
