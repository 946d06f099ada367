"""Chapters as plain notebooks: what becomes of each piece of MyST."""

import re

import nbformat
import pytest

from pwm_companion.book.chapters import Chapter, load_chapter, page_names, read_toc
from pwm_companion.book.readable import (
    Names,
    Target,
    chapter_numbers,
    format_value,
    read_names,
    readable,
)
from pwm_companion.errors import BookError
from pwm_companion.verify import RECORD

from .test_chapters import ROOT

NAMES = Names(
    targets={
        "prop-own": Target("Proposition 3.1", "book/here", "prop-own"),
        "prop-far": Target("Proposition 4.2", "book/far", "prop-far"),
        "eq-own": Target("(3.1)", "book/here", "equation-eq-own"),
        "ex-own": Target("Exercise 3.1", "book/here", "ex-own"),
    },
    titles={"book/here": "Here", "book/far": "Far away", "other": "Other"},
    works={
        "wang2025": ("Wang et al.", "2025", "https://doi.org/10.1/x"),
        "old": ("Old", "1999", ""),
    },
)


def plain(text: str, names: Names = NAMES, **values: object) -> str:
    """The text of a page with one text cell and numbers."""
    outputs = [
        nbformat.v4.new_output(
            "display_data", {RECORD: repr(value)}, metadata={"scrapbook": {"name": name}}
        )
        for name, value in values.items()
    ]
    cells = [
        nbformat.v4.new_code_cell("x", outputs=outputs),
        nbformat.v4.new_markdown_cell(text),
    ]
    fresh = readable(nbformat.v4.new_notebook(cells=cells), "book/here", names)
    assert fresh.cells[0].outputs == []
    return "\n\n".join(cell.source for cell in fresh.cells[1:])


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{glue:text}`n` and {glue:text}`x:.2f`", "3 and 0.12"),
        ("a {glue:text}`name`", "a big"),
        ("{glue:text}`below:.2f`", "−0.50"),
        ("% own symbols: k\n\nText", "Text"),
        ("by {prf:ref}`prop-own`", "by Proposition 3.1"),
        ("by {prf:ref}`prop-far`", "by Proposition 4.2 in “Far away”"),
        ("by {prf:ref}`the rule <prop-own>`", "by the rule"),
        ("{eq}`eq-own`", "(3.1)"),
        ("{doc}`far`, {doc}`../other`", "“Far away”, “Other”"),
        ("{doc}`there </book/far>`", "there"),
        ("{cite:t}`wang2025`", "[Wang et al. (2025)](https://doi.org/10.1/x)"),
        ("{cite:p}`wang2025,old`", "([Wang et al., 2025](https://doi.org/10.1/x); Old, 1999)"),
        ("{py:func}`~paid_with_models.solve` {term}`menu`", "`solve` menu"),
        ("a role over\nlines {prf:ref}`the\nrule <prop-own>`", "a role over\nlines the\nrule"),
        ("`` {glue:text}`n` `` stays", "`` {glue:text}`n` `` stays"),
        ("```python\nx = {glue}\n```", "```python\nx = {glue}\n```"),
        ("(label)=\n## Title", "## Title"),
        ("$$\nx\n$$ (eq-own)", "$$\nx\n\\tag{3.1}\n$$"),
        (
            ":::{prf:proposition} Of all\n:label: prop-own\n\nAll {glue:text}`n`.\n:::",
            "**Proposition 3.1 (Of all).** All 3.",
        ),
        (":::{prf:proof}\n:class: dropdown\n\nPlain.\n:::", "*Proof.* Plain.\n\n∎"),
        (
            ":::{prf:proof}\n\n$$\nx\n$$ (eq-own)\n:::",
            "*Proof.*\n\n$$\nx\n\\tag{3.1}\n$$\n\n∎",
        ),
        (":::{admonition} In short\n**A.** b\n:::", "> **In short**\n>\n> **A.** b"),
        ("```{exercise}\n:label: ex-own\n\nWhy?\n```", "**Exercise 3.1.** Why?"),
        ("````{solution-start} ex-own\n:class: dropdown\n````", "**Solution.**"),
        ("````{solution-end}\n````", ""),
        (
            "::::{grid} 1\n:gutter: 3\n\n:::{grid-item-card} Learn\n:link: x\nText\n:::\n::::",
            "**Learn**\n\nText",
        ),
        ("$$ x $$ (eq-own)", "$$ x \\tag{3.1}$$"),
        ("1. a\n\n   $$\n   x\n   $$ (eq-own)", "1. a\n\n   $$\n   x\n   \\tag{3.1}\n   $$"),
        ('<a href="../../x.yaml" download>x.yaml</a>', "x.yaml"),
        ("[all](far.md#at)", "all"),
        ("[all](#prop-far)", "all"),
        ("[](#prop-far), [](far.md)", "Proposition 4.2 in “Far away”, “Far away”"),
    ],
)  # fmt: skip
def test_each_piece(text: str, result: str) -> None:
    assert plain(text, n=3, x=0.12345, name="big", below=-0.5) == result


def test_with_an_address_references_are_links() -> None:
    names = Names(NAMES.targets, NAMES.titles, NAMES.works, {}, "https://x.org/b/", "1.0")
    there = "https://x.org/b/book/far.html"
    text = '{prf:ref}`prop-far`, {doc}`far`, [all](far.md#at), <a href="../y.csv">y</a>'
    assert plain(text, names) == (
        f"[Proposition 4.2]({there}#prop-far) in “Far away”, [“Far away”]({there}), "
        f"[all]({there}#at), [y](https://x.org/b/y.csv)"
    )


def test_a_number_that_the_notebook_does_not_keep_is_noticed() -> None:
    with pytest.raises(BookError, match="book/here: no cell glues 'none'"):
        plain("{glue:text}`none:.2f`")


def test_infinite_and_missing_values_are_formatted_as_numbers() -> None:
    assert format_value("nan", ".1f") == "nan"
    assert format_value("inf", ".0f") == "inf"


def test_the_head_says_what_the_text_is_true_of() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title")])
    fresh = readable(notebook, "book/here", NAMES, {"n_parties": 6})
    assert fresh.cells[0].source == "# Title"
    assert "the run with `n_parties = 6`" in fresh.cells[1].source
    assert "pip install 'paid-with-models[book]'" in fresh.cells[1].source


def test_every_reference_of_the_book_is_known() -> None:
    """A label that is not would stand in a download as it is."""
    toc = read_toc(ROOT)
    pages = [_load(name) for name in page_names(toc)]
    names = read_names(pages, toc, ROOT)
    role = re.compile(r"\{(prf:ref|eq|numref|ref)\}`(?:[^`<]*<)?([^`<>]+)>?`")
    for page in pages:
        for cell in page.notebook.cells:
            if cell.cell_type == "markdown":
                for _, label in role.findall(cell.source):
                    assert label in names.targets, (page.name, label)
    assert chapter_numbers(toc)["book/motivation"] == 1
    assert names.targets["fig-timeline"].words.startswith("the figure *")


def _load(name: str) -> Chapter:
    source = next(it for it in (ROOT / f"{name}.md", ROOT / f"{name}.yml") if it.is_file())
    return load_chapter(source, name)
