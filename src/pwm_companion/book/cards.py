"""What the cards show that open over a link: definitions, equations, terms and references.

A link to a statement, an equation, an entry of the glossary or of the bibliography can be looked
at without following it. The texts are taken from the pages as they are written, and stand in one
script of the site, ``_static/cards-data.js``, which a page loads when the first card opens
(``book/_static/cards.js``). A script and not a page, since browsers let no page read another from
disk.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

DATA = "cards-data.js"
#: What a card leaves out: what leads on, and what another script would look for.
LEFT_OUT = ".headerlink, button, script, style, .eqno"
#: Only in pages that hold something that a card shows; to read a page takes long.
MARKED = re.compile(r'class="(?:[^"]* )?(?:proof|glossary|citation)\b|id="equation-')


def cards_of(body: str) -> dict[str, str]:
    """Return the cards of a page by the ids that links lead to.

    Examples
    --------
    >>> cards_of('<div class="proof lemma admonition" id="lem-a"><p>True.</p></div>')
    {'lem-a': '<p>True.</p>'}
    >>> cards_of('<dl class="glossary"><dt id="term-menu">menu</dt><dd><p>A list.</p></dd></dl>')
    {'term-menu': '<p><strong>menu</strong></p><p>A list.</p>'}
    """
    if not MARKED.search(body):
        return {}
    tree = BeautifulSoup(body, "html.parser")
    found = {}
    for statement in tree.select("div.proof.admonition[id]:not(#proof)"):
        found[str(statement["id"])] = _inside(statement)
    for equation in tree.select("div.math[id^=equation-]"):
        number = equation.select_one(".eqno")
        name = number.get_text().strip("#\N{PILCROW SIGN} \n") if number else ""
        title = f'<p class="admonition-title">Equation {name}</p>'
        found[str(equation["id"])] = f'{title}<div class="math">{_inside(equation)}</div>'
    for term in tree.select("dl.glossary dt[id]"):
        text = term.find_next_sibling("dd")
        if text:
            title = f"<p><strong>{term.get_text().strip('#')}</strong></p>"
            found[str(term["id"])] = title + _inside(text)
    for entry in tree.select("div.citation[id]"):
        for label in entry.select(".label"):
            label.decompose()
        found[str(entry["id"])] = _inside(entry)
    return found


def _inside(element: Tag) -> str:
    """The inside of an element as a card has it: without links, ids, and what serves the page."""
    inside = copy.copy(element)
    for it in inside.select(LEFT_OUT):
        it.decompose()
    for link in inside.find_all("a"):
        link.unwrap()
    for it in inside.find_all(id=True):
        del it["id"]
    return inside.decode_contents().strip()


def _keep_cards(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Note the cards of a page as it is written; pages that have not changed keep theirs."""
    if doctree is None:
        return
    cards = _record(app)
    for name in [it for it in cards if it.partition("#")[0] == page]:
        del cards[name]
    cards.update({f"{page}#{name}": text for name, text in cards_of(context["body"]).items()})


def _record(app: Sphinx) -> dict[str, str]:
    """The cards of all pages by page and id, those of an earlier build among them."""
    kept: dict[str, str] | None = getattr(app, "pwm_cards", None)
    if kept is None:
        file = Path(app.doctreedir, "cards.json")
        kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        app.pwm_cards = kept  # type: ignore[attr-defined]
    return kept


def _write_cards(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    cards = dict(sorted(_record(app).items()))
    text = json.dumps(cards, ensure_ascii=False, separators=(",", ":"))
    Path(app.doctreedir, "cards.json").write_text(text, encoding="utf-8")
    script = Path(app.outdir, "_static", DATA)
    script.write_text(f"window.pwmCards={text};\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_js_file("cards.js", loading_method="defer")
    app.connect("html-page-context", _keep_cards)
    app.connect("build-finished", _write_cards)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
