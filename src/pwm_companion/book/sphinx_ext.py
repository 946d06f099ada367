"""What the site needs beyond Jupyter Book.

Scripts from the site itself, a repaired role, and symbols that lead to the notation table: on each
page the first formula that is nothing but a symbol becomes a link to its row, with what it means as
the link's title. A page that uses a symbol in another sense says so, and it is not linked there::

    % own symbols: k, x_0
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

import paid_with_models

from ..numerals import in_prose
from .formulas import let_break
from .site import STAGED

MATHJAX = PurePosixPath("sphinx-mathjax-offline/static/mathjax")

#: In book/_static: what draws surfaces when they are near, with a third of all of plotly.js.
TURN = "turn.js"

#: Parts of the contents at the side that are folded on pages of other parts.
FOLDED = {"Beyond the paper", "Reference", "For developers"}
CAPTION = re.compile(r'(?=<p [^>]*class="caption")')

#: The page of the notation tables: symbols in the first column, meanings in the last.
NOTATION = "book/notation"
OWN_SYMBOLS = re.compile(r"own symbols: *(.+)")

#: What stands before the number of a figure on a page that has no number itself.
LETTERS = {"book/introduction": "0", "book/benchmarks": "B"}
#: Characters of the description of a page that search engines show.
DESCRIPTION = 160


def _add_scripts(app: Sphinx) -> None:
    """Copy MathJax's SVG component, which needs no fonts, to Sphinx's static files.

    Without extensions: the formulas of the book need none, and a page that asks for one fails in
    the tests that look at it.
    """
    assets = Path(app.doctreedir).parent / "assets"
    for file in metadata.files("sphinx-mathjax-offline") or ():
        if file.is_relative_to(MATHJAX) and file.name == "tex-svg.js":
            (assets / "mathjax").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), assets / "mathjax" / file.name)
    app.config.html_static_path.append(str(assets))


def _finish_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Load Plotly where it draws, say what parts of tables and of contents are, number no table."""
    if body := context.get("body"):
        if 'class="plotly-figure"' in body:
            app.add_js_file(TURN, loading_method="defer")
        body = body.replace('role="doc-biblioentry"', 'role="listitem"')
        body = REPEATED_ID.sub(r"\1", body)
        body = NUMBERED.sub(r"<caption>\1</caption>", body)
        context["body"] = HEAD.sub('<th scope="col" class="head', body)
    if isinstance(doctree, nodes.document) and (text := describe(doctree)):
        tag = f'<meta name="description" content="{html.escape(text, quote=True)}" />'
        context["metatags"] = context.get("metatags", "") + tag
    if context.get("title") == context.get("docstitle"):  # the first page: do not say it twice
        context["docstitle"] = ""
    if tree := context.get("generate_toctree_html"):  # the theme's, for the contents at the side

        def named(*arguments: Any, **options: Any) -> str:
            fold = '<summary aria-label="Pages below this one">'
            return fold_parts(str(tree(*arguments, **options)).replace("<summary>", fold))

        context["generate_toctree_html"] = named


def fold_parts(contents: str) -> str:
    """Return the contents at the side with the parts of FOLDED in folds, open where the page is.

    >>> part = '<p class="caption"><span class="caption-text">{}</span></p><ul>{}</ul>'
    >>> fold_parts(part.format("Reference", "") + "</div>")[:48]
    '<details class="part"><summary class="caption"><'
    >>> fold_parts(part.format("Reference", '<li class="current"></li>'))[:23]
    '<details class="part" o'
    >>> fold_parts(part.format("Experiments", "")) == part.format("Experiments", "")
    True
    """
    parts = CAPTION.split(contents)
    for place, part in enumerate(parts):
        caption, _, pages = part.partition("</p>")
        title = caption.rpartition('<span class="caption-text">')[2].removesuffix("</span>")
        if title not in FOLDED:
            continue
        inside, _, rest = pages.rpartition("</ul>")
        here = " open" if re.search(r'class="[^"]*\bcurrent\b', inside) else ""
        head = f'<span class="caption-text" role="heading" aria-level="2">{title}</span>'
        summary = f'<summary class="caption">{head}</summary>'
        parts[place] = f'<details class="part"{here}>{summary}{inside}</ul></details>{rest}'
    return "".join(parts)


def _offer_no_source(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Leave out the button for the source of a figure's page: that is made, and not kept."""
    if page.startswith("figures/"):
        context["page_source_suffix"] = ""


def describe(doctree: nodes.document) -> str:
    """Return what a page is about, in a line: its question, or else its first paragraph.

    The line that leads back from a figure's page is none.
    """
    boxes = list(doctree.findall(nodes.admonition))
    inside = boxes[0] if boxes else doctree
    paragraphs = [it for it in inside.findall(nodes.paragraph) if not _leads_back(it)]
    if not paragraphs:
        return ""
    paragraph = paragraphs[0]
    text = " ".join(paragraph.astext().split()).removeprefix("Question. ")
    text = text.replace("{}", "").replace("\\", "")
    return text if len(text) <= DESCRIPTION else f"{text[:DESCRIPTION].rpartition(' ')[0]} …"


def _leads_back(paragraph: nodes.paragraph) -> bool:
    return "way-back" in paragraph.parent.get("classes", [])


def _letter_figures(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give figures of pages without a number one that no other figure has: B.1 in place of 2.

    Sphinx counts the figures of all such pages together; here each page begins anew.
    """
    for page, letter in LETTERS.items():
        for numbers in env.toc_fignumbers.get(page, {}).values():
            names = [name for name, number in numbers.items() if len(number) == 1]
            for place, name in enumerate(names, start=1):
                numbers[name] = (letter, place)  # type: ignore[assignment]
    return []


def _follow_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Any) -> Any:
    """Resolve a name that the package passes on, such as ``paid_with_models.solve``."""
    package, _, name = str(node.get("reftarget", "")).rpartition(".")
    found = getattr(paid_with_models, name, None) if package == "paid_with_models" else None
    if node.get("refdomain") != "py" or not hasattr(found, "__module__"):
        return None
    return env.get_domain("py").resolve_xref(
        env,
        node["refdoc"],
        app.builder,
        node["reftype"],
        f"{found.__module__}.{name}",
        node,
        content,
    )


def _one_name_a_line(
    app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]
) -> None:
    lines[:] = separate_attributes(lines)


def separate_attributes(lines: list[str]) -> list[str]:
    """Return a docstring in which each attribute that shared a line with others has its own.

    Napoleon splits names before a type for parameters, but not for attributes.

    >>> text = ["Attributes", "----------", "x, y : float", "    In value.", "z : int"]
    >>> separate_attributes(text)[2:]
    ['x : float', '    In value.', 'y : float', '    In value.', 'z : int']
    """
    found: list[str] = []
    inside, place = False, 0
    while place < len(lines):
        line = lines[place]
        place += 1
        if place < len(lines) and re.fullmatch(r"-{3,}", lines[place]):  # the head of a section
            inside = line == "Attributes"
        shared = re.fullmatch(r"(\w+(?:, \w+)+)( : .*)?", line) if inside else None
        if shared is None:
            found.append(line)
            continue
        about = []
        while place < len(lines) and (not lines[place] or lines[place].startswith(" ")):
            about.append(lines[place])
            place += 1
        for attribute in shared[1].split(", "):
            found += [f"{attribute}{shared[2] or ''}", *about]
    return found


def symbol_forms(latex: str) -> set[str]:
    r"""Return how a symbol of the table stands in the text: with and without what it depends on.

    Of an equation only the left-hand side counts; an index stands for any.

    >>> sorted(symbol_forms("a(S)"))
    ['a', 'a(S)']
    >>> {"u_i", "u_1"} <= symbol_forms("u_i = t_i - c_i m_i")
    True
    >>> sorted(symbol_forms(r"\hat a,\ \hat V")) == [r"\hatV", r"\hata"]
    True
    """
    forms = set()
    for part in latex.split(r",\ "):
        symbol = _squeezed(part.partition(" =")[0])
        bare = re.fullmatch(r"(\w+)\(.*\)", symbol)
        for form in (symbol, bare[1] if bare else symbol):
            forms |= {re.sub("_i(?![a-z])", f"_{index}", form) for index in "ijkI123456789"}
    return forms


def _squeezed(latex: str) -> str:
    return re.sub(r"\s|\\,|=$", "", latex.strip().rstrip("="))


def _rows(doctree: nodes.document) -> Iterator[tuple[nodes.row, set[str], str]]:
    """Yield the rows of the notation tables: the forms of the symbol, and what it means.

    Tables whose first column has another title than "Symbol" are no notation.
    """
    for table in doctree.findall(nodes.tgroup):
        head, body = (next(iter(table.findall(kind))) for kind in (nodes.thead, nodes.tbody))
        title = next(iter(head.findall(nodes.entry))).astext()
        for row in body.findall(nodes.row) if title == "Symbol" else ():
            symbols, meaning = row[0], row[-1]
            forms = {
                form for it in symbols.findall(nodes.math) for form in symbol_forms(it.astext())
            }
            # A title shows no formulas: those that need more than letters are left out.
            words = [
                it.astext()
                for it in meaning.findall(nodes.Text)
                if not (isinstance(it.parent, nodes.math) and "\\" in it)
            ]
            yield row, forms, "".join(words).strip(" ,;")


def _name_rows(app: Sphinx, doctree: nodes.document) -> None:
    """Give the rows of the notation tables ids that links can lead to."""
    if app.env.docname == NOTATION:
        for number, (row, _, _) in enumerate(_rows(doctree), 1):
            row["ids"].append(f"symbol-{number}")


def _write_numbers_as_prose(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Give the numbers that results put into the prose minus signs and powers of ten."""
    for place in doctree.findall(nodes.inline):
        if "pasted-text" in place["classes"]:
            for text in list(place.findall(nodes.Text)):
                if (better := in_prose(text.astext())) != text.astext():
                    text.parent.replace(text, nodes.Text(better))


def _fold_proofs(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put each proof into a fold that needs no script; the PDF opens it."""
    for proof in list(doctree.findall(nodes.admonition)):
        if {"proof", "dropdown"} <= set(proof["classes"]):
            proof["classes"].remove("dropdown")
            start = '<details class="proof-fold"><summary>Proof</summary>'
            fold = [
                nodes.raw("", start, format="html"),
                proof.deepcopy(),
                nodes.raw("", "</details>", format="html"),
            ]
            # Not replace_self, which gives the first of them the proof's classes.
            place = proof.parent.index(proof)
            proof.parent[place : place + 1] = fold


def _entries(notation: nodes.document) -> list[tuple[str, set[str], str]]:
    """The rows of the notation tables as anchor, forms, meaning; a form belongs to one row.

    That of m_i(n) cannot be written m_i, since that is a symbol of its own, which comes first.
    """
    found, seen = [], set[str]()
    for row, forms, meaning in _rows(notation):
        found.append((row["ids"][-1], forms - seen, meaning))
        seen |= forms
    return found


def own_symbols(doctree: nodes.document) -> set[str]:
    """Return the symbols that a page uses in another sense than the notation tables do."""
    found = (OWN_SYMBOLS.match(it.astext()) for it in doctree.findall(nodes.comment))
    return {_squeezed(name) for it in found if it for name in it[1].split(",")}


def _link_symbols(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Link the first use of each symbol on a page to its row in the notation tables."""
    if page == NOTATION or NOTATION not in app.env.found_docs:
        return
    waiting = _entries(app.env.get_doctree(NOTATION))
    own = own_symbols(doctree)
    for formula in list(doctree.findall(nodes.math)):
        if any(isinstance(it, nodes.reference | nodes.title) for it in _ancestors(formula)):
            continue
        if _squeezed(formula.astext()) in own:
            continue
        for entry in waiting:
            anchor, forms, meaning = entry
            if _squeezed(formula.astext()) in forms:
                waiting.remove(entry)
                place = f"{app.builder.get_relative_uri(page, NOTATION)}#{anchor}"
                link = nodes.reference(refuri=place, internal=True, reftitle=meaning)
                link["classes"].append("symbol")
                formula.replace_self(link)
                link += formula
                break


def _let_formulas_break(app: Sphinx, doctree: nodes.document, page: str) -> None:
    let_break(doctree)


def _ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    while node := node.parent:
        yield node


def _refuse_to_go_on(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Stop where pages that did not change would show something else, and begin anew.

    `pwm_companion.book.site` then builds all pages: see there.
    """
    record = Path(app.doctreedir, "shared.txt")
    shared = _shared(env)
    if record.is_file() and record.read_text(encoding="utf-8") != shared:
        raise ExtensionError("other pages show what has changed")
    record.write_text(shared, encoding="utf-8")
    return []


def _shared(env: BuildEnvironment) -> str:
    """Return as text all that pages show of others: titles, contents, numbers, targets."""
    notation = list(_rows(env.get_doctree(NOTATION))) if NOTATION in env.found_docs else []
    parts = {
        "titles": env.titles,
        "long titles": env.longtitles,
        "contents": env.tocs,
        "below": env.toctree_includes,
        "sections": env.toc_secnumbers,
        "figures": env.toc_fignumbers,
        "statements": getattr(env, "proof_list", {}),
        "exercises": {
            label: [it["docname"], it["type"], it["node"][0].astext()]
            for label, it in getattr(env, "sphinx_exercise_registry", {}).items()
        },
        "domains": {name: _in_any_order(data) for name, data in env.domaindata.items()},
        "notation": [(sorted(forms), meaning) for _, forms, meaning in notation],
    }
    return _plain(parts)


def _in_any_order(data: dict[str, Any]) -> dict[str, Any]:
    """Return what a domain knows, its citations sorted: they stand as the pages were read."""
    return {
        key: sorted(map(_plain, it)) if key == "citation_refs" else it for key, it in data.items()
    }


def _plain(value: object) -> str:
    """Return a text that is the same for the same value, whatever the order of sets and keys."""
    if isinstance(value, dict):
        return "\n".join(("{", *sorted(f"{_plain(k)}: {_plain(v)}" for k, v in value.items()), "}"))
    if isinstance(value, set | frozenset):
        return " ".join(("{", *sorted(map(_plain, value)), "}"))
    if isinstance(value, list | tuple):
        return " ".join(("[", *map(_plain, value), "]"))
    if isinstance(value, nodes.Node):
        return str(value.pformat())
    return LINE.sub("", repr(value))


#: The header of a column, as docutils writes it.
HEAD = re.compile(r'<th class="head')

#: A caption of a table with its number: computed tables have none.
NUMBERED = re.compile(
    r'<caption><span class="caption-number">.*?</span>(.*?)<a class="headerlink".*?</caption>', re.S
)

#: What extensions call each proof, statement and exercise of a page; no link leads there.
REPEATED_ID = re.compile(
    r'(?<=admonition") id="proof"|(?<=<section)([^>]*) id="(?:proof|exercise|solution)-content"'
)

#: Where in its file something stands, and in which place of memory it is.
LINE = re.compile(r"line=\d+| at 0x[0-9a-f]+")


def _complete_index(app: Sphinx) -> Iterator[Any]:
    """Make the search index of some pages that of all: Sphinx forgets entries of unchanged pages.

    It also keeps words that no page holds any more.
    """
    index: Any = getattr(app.builder, "indexer", None)
    if index:
        record = Path(app.doctreedir, "entries.json")
        kept = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
        index._index_entries = dict(sorted((kept | index._index_entries).items()))
        record.write_text(json.dumps(index._index_entries), encoding="utf-8")
        for words in (index._mapping, index._title_mapping):
            for word in [word for word, pages in words.items() if not pages]:
                del words[word]
    return iter(())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx.

    Raises
    ------
    SystemExit
        If this is not a build of what was staged: chapters would have no numbers and no figures.
    """
    if STAGED not in os.environ:
        sys.exit("Jupyter Book alone cannot build this book: make book does, into build/html")
    # Browsers let no page read another from disk: there, search shows titles without excerpts.
    no_excerpts = "DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false"
    app.add_js_file(None, body=f'if (location.protocol === "file:") {no_excerpts};', priority=900)
    app.add_js_file("edges.js", loading_method="defer")
    # The search finds terms of the glossary, and lists them first (scorer.js).
    StandardDomain.object_types["term"].attrs["searchprio"] = 0
    app.connect("builder-inited", _add_scripts)
    app.connect("html-page-context", _offer_no_source, priority=400)  # before the theme
    app.connect("html-page-context", _finish_page, priority=900)  # after the theme
    app.connect("missing-reference", _follow_name)
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", _one_name_a_line, priority=400)  # before napoleon
    app.connect("doctree-read", _name_rows)
    app.connect("doctree-resolved", _write_numbers_as_prose)
    app.connect("doctree-resolved", _fold_proofs)
    app.connect("doctree-resolved", _link_symbols)
    app.connect("doctree-resolved", _let_formulas_break)
    app.connect("env-get-updated", _letter_figures, priority=800)
    app.connect("env-get-updated", _refuse_to_go_on, priority=900)  # when all is numbered
    app.connect("html-collect-pages", _complete_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
