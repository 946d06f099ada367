"""The directive of explorables, in a small book."""

import io
import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from pwm_companion.explorables.directive import CORE, EXPLORABLES, STYLE

STATIC = Path(__file__).parents[2] / "book" / "_static"


def built(folder: Path, block: str, builder: str = "html") -> tuple[Path, str]:
    """Build a book of two pages, one with a block; return its folder, and what went wrong."""
    source = folder / "source"
    (source / "book").mkdir(parents=True)
    (source / "index.md").write_text("# One\n\n```{toctree}\nbook/two\n```\n")
    (source / "book/two.md").write_text(f"# Two\n\n{block}\n")
    for name, chapter in (("fig-here", "book/two"), ("fig-there", "book/three")):
        figure = source / "files/figures" / name
        figure.mkdir(parents=True)
        about = {"title": "A <title>", "alt": 'An "alt"', "chapter": chapter}
        (figure / "metadata.json").write_text(json.dumps(about))
    warnings = io.StringIO()
    app = Sphinx(
        source, None, folder / "out", folder / "doctrees", builder,
        confoverrides={
            "extensions": ["myst_parser", "pwm_companion.explorables.directive"],
            "html_static_path": [str(STATIC)],
            "exclude_patterns": ["files"],
        },
        status=None, warning=warnings,
    )  # fmt: skip
    app.build()
    return folder / "out", warnings.getvalue()


def test_a_block_carries_what_was_asked_and_its_page_alone_loads_scripts(tmp_path: Path) -> None:
    out, warnings = built(
        tmp_path, '```{live} menu\n:preset: A "b" <c>\n:views: menu sweep\n:still: fig-there\n```'
    )
    assert warnings == ""
    page = BeautifulSoup((out / "book/two.html").read_text(), "html.parser")
    (block,) = page.select("#live-menu.live")
    assert block["data-live"] == "menu"
    assert block["data-preset"] == 'A "b" <c>'
    assert block["data-views"] == "menu sweep"
    (image,) = block.select("img")
    assert image["src"] == "../figures/fig-there/fig-there.svg"
    assert image["alt"] == 'An "alt"'
    loaded = [str(it["src"]).partition("?")[0] for it in page.select("script[src]")]
    ours = [Path(it).name for it in loaded if "explorer" in it or "contract" in it]
    assert ours == [*CORE, EXPLORABLES["menu"]]  # in this order
    assert any(STYLE in str(it["href"]) for it in page.select("link[rel=stylesheet]"))
    other = (out / "index.html").read_text()
    assert "explorer" not in other
    assert "contract.js" not in other
    assert "function contractModule() {" in (out / "_static" / CORE[0]).read_text()


def test_a_figure_of_the_same_page_is_linked_and_not_shown_again(tmp_path: Path) -> None:
    out, _ = built(tmp_path, "```{live} bunching\n:still: fig-here\n```")
    page = BeautifulSoup((out / "book/two.html").read_text(), "html.parser")
    assert page.select(".live-still img") == []
    (link,) = page.select(".live-still a")
    assert link["href"] == "#fig-here"
    assert link.text == "A <title>"


def test_where_there_is_no_page_a_sentence_stands(tmp_path: Path) -> None:
    out, _ = built(tmp_path, "```{live} rules\n```", builder="text")
    assert "This figure is interactive" in (out / "book/two.txt").read_text()


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("```{live} menus\n```", "live must name one of menu, bunching"),
        ("```{live} menu\n:views: menu pie\n```", "got 'pie'"),
        ("```{live} rules\n:views: menu\n```", "views must be of"),
    ],
)
def test_what_cannot_be_moved_is_refused_with_a_reason(
    tmp_path: Path, block: str, message: str
) -> None:
    _, warnings = built(tmp_path, block)
    assert message in warnings
