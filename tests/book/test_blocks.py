"""Code can be copied: the blocks of a page that readers see run by themselves, in order.

Cells that the page does not show are left out, so that a block that needs a name from one of them
fails. What only places a figure is left out as well: readers do not see it. Where a block computes
something and then shows a figure, the figure is not drawn, but its name must be known.
"""

import ast
import re
from typing import Any

import pytest

from pwm_companion.book.chapters import Chapter, find_source, load_chapter, page_names, read_toc

from .conftest import ROOT

HIDDEN = {"remove-cell", "remove-input"}
#: Pages whose blocks are not run here, with the reason.
LEFT_OUT = {
    "book/experiments/two_types": "solves thousands of problems: most of a minute",
    "book/replication": "solves the two-type experiment once more: most of a minute",
    "book/benchmarks": "shows stored measurements",
    "book/map": "is generated",
    "book/verdicts": "is generated",
}
PAGES = [
    name for name in page_names(read_toc(ROOT)) if name not in LEFT_OUT and find_source(ROOT, name)
]
SHOWS = re.compile(r"^show\([^\n]*\);?$", re.MULTILINE)


def visible_blocks(chapter: Chapter) -> list[tuple[int, str]]:
    return [
        (number, SHOWS.sub("show", cell.source))
        for number, cell in enumerate(chapter.notebook.cells)
        if cell.cell_type == "code"
        and not HIDDEN & set(cell.metadata.get("tags", []))
        and not SHOWS.fullmatch(cell.source.strip())
    ]


def run_blocks(chapter: Chapter) -> dict[str, Any]:
    """Run what readers see in a namespace of its own, and return that."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, source in visible_blocks(chapter):
        exec(compile(source, f"{chapter.name}, cell {number}", "exec"), names)  # noqa: S102
        names |= {key: value for key, value in chapter.parameters.items() if key in names}
    return names


def page(name: str) -> Chapter:
    source = find_source(ROOT, name)
    assert source is not None
    return load_chapter(source, name, quick=True)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.filterwarnings("default")  # a page may show a warning
def test_visible_blocks_run_by_themselves(name, monkeypatch):
    chapter = page(name)
    monkeypatch.chdir(chapter.template.parent)  # where a kernel runs it
    run_blocks(chapter)


def test_a_block_that_needs_a_hidden_name_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```{code-cell} ipython3\n:tags: [remove-cell]\n\nx = 1\n```\n\n"
        "```{code-cell} ipython3\ny = x\n```\n"
    )
    with pytest.raises(NameError, match="'x' is not defined"):
        run_blocks(load_chapter(page, "page"))


def test_a_block_that_shows_a_figure_needs_the_name(tmp_path):
    page = tmp_path / "page.md"
    page.write_text('```{code-cell} ipython3\nx = 1\nshow("fig-timeline")\n```\n')
    with pytest.raises(NameError, match="'show' is not defined"):
        run_blocks(load_chapter(page, "page"))


def test_visible_blocks_hold_no_plumbing():
    for chapter in map(page, PAGES):
        for number, source in visible_blocks(chapter):
            called = {
                node.func.id
                for node in ast.walk(ast.parse(source))
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            }
            assert not called & {"check_parameters", "glue", "setup"}, (chapter.name, number)
