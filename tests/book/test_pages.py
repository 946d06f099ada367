"""The built pages, read as files: complete, resolved, linked, and at home on any disk."""

import hashlib
import json
import os
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]

Pages = dict[str, BeautifulSoup]

# Links with these schemes lead somewhere else on purpose; what a page loads never does.
OUTSIDE = ("http", "https", "mailto")
LOADING = (
    "script[src], link[rel=stylesheet], link[rel~=icon], link[rel=preload], img[src], "
    "iframe[src], source[src], object[data]"
)


def test_every_chapter_has_a_page_with_a_title(chapter_pages: Pages) -> None:
    assert len(chapter_pages) >= 10
    for name, page in chapter_pages.items():
        assert len(page.select("article h1")) == 1, name
        assert page.title is not None, name
        assert page.title.string, name
    titles = [page.title.string for page in chapter_pages.values() if page.title]
    assert len(set(titles)) == len(titles)


def needs_formulas(page: BeautifulSoup) -> bool:
    tables = page.select("table.dataframe")
    return bool(page.select(".math")) or any("$" in table.get_text() for table in tables)


def test_site_and_pages_are_small(site: Path, pages: Pages) -> None:
    pdf = sum(file.stat().st_size for file in site.glob("*.pdf"))
    assert pdf < 10 * 2**20
    total = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    assert total - pdf < 27e6
    for name in pages:
        if name.startswith("book/"):
            assert (site / name).stat().st_size < 400_000, name
    for name, page in pages.items():
        images = {str(image["src"]) for image in page.select("article img")}
        files = [site / name, *((site / name).parent / image for image in images)]
        assert sum(file.stat().st_size for file in files) < 1.5e6, name


def test_large_scripts_are_there_once_and_loaded_where_needed(site: Path, pages: Pages) -> None:
    assert len(list(site.rglob("tex-*.js"))) == 1
    assert len(list(site.rglob("plotly*.js"))) == 1
    for name, page in pages.items():
        assert not page.select("script[src*=plotly]"), name  # loaded when its figure is near
        assert len(page.select("script[src*=turn]")) == bool(page.select(".plotly-figure")), name
        if needs_formulas(page):
            assert page.select("script[src*=mathjax]"), name


def test_chapters_lead_to_the_next_and_the_previous(chapter_pages: Pages) -> None:
    names = list(chapter_pages)
    for name, before, after in zip(names, [None, *names[:-1]], [*names[1:], None], strict=True):
        page = chapter_pages[name]
        for link, target in (("left-prev", before), ("right-next", after)):
            found = page.select_one(f"a.{link}")
            assert (found is None) == (target is None), name
            if found and target:
                place = os.path.normpath(os.path.join(os.path.dirname(name), str(found["href"])))  # noqa: PTH118, PTH120
                assert place == target, name


def test_chapters_open_with_a_question_and_a_time_and_end_with_exercises(
    chapter_pages: Pages,
) -> None:
    numbered = {name: page for name, page in chapter_pages.items() if is_numbered(page)}
    assert len(numbered) >= 12
    for name, page in numbered.items():
        box = page.select_one("article section > h1 + .admonition")
        assert box is not None, name
        text = " ".join(box.get_text(" ").split())
        assert re.search(r"Question\. .+\? .*Code\. Runs in about \d+ (s|minutes)\.", text), name
        sections = [it.get_text() for it in page.select("article h2")]
        assert "What to take away" in sections[-2], name
        assert "Exercises" in sections[-1], name
        exercises = page.select("article .exercise")
        solutions = page.select("article .solution.dropdown")
        assert 2 <= len(exercises) <= 3, name
        assert len(solutions) == len(exercises), name
        assert any(solution.select(".cell_output") for solution in solutions), name


def test_proofs_are_folded(chapter_pages: Pages) -> None:
    folded = 0
    for name, page in chapter_pages.items():
        for proof in page.select("article div[class='proof admonition']"):
            fold = proof.parent
            assert fold is not None, name
            assert fold.name == "details", name
            assert not fold.has_attr("open"), name
            assert fold.find("summary").get_text() == "Proof"
            folded += 1
    assert folded >= 40


def test_tables_have_captions_and_scopes(chapter_pages: Pages) -> None:
    tables = 0
    for name, page in chapter_pages.items():
        for table in page.select("article table.dataframe"):
            caption = table.find("caption")
            if caption is None:  # what the reader asked for has just been said
                assert table.find_parent(class_="solution") or name == "book/use.html", name
            else:
                assert caption.get_text().strip(), name
            assert all(header.get("scope") for header in table.find_all("th")), name
            tables += 1
        for table in page.select("article table.table"):
            assert all(header.get("scope") for header in table.select("thead th")), name
    assert tables >= 60


def test_every_page_says_what_it_is_about(chapter_pages: Pages) -> None:
    said = {}
    for name, page in chapter_pages.items():
        tag = page.select_one("meta[name=description]")
        assert tag is not None, name
        said[name] = str(tag["content"])
        assert 20 <= len(said[name]) <= 170, name
        assert "$" not in said[name], name
    assert len(set(said.values())) == len(said)


def test_cards_hold_what_links_lead_to(site: Path, pages: Pages) -> None:
    """Every link to a statement, an equation or a reference has a card, which repeats its text."""
    script = (site / "_static/cards-data.js").read_text()
    cards = json.loads(script.removeprefix("window.pwmCards=").rstrip().rstrip(";"))
    kinds = ("def-", "prop-", "thm-", "lem-", "cor-", "rem-", "obs-", "asm-", "equation-", "term-")
    found = set()
    for name, page in pages.items():
        for link in page.select("article a.internal[href*='#']"):
            path, _, anchor = str(link["href"]).partition("#")
            target = Path(os.path.normpath((site / name).parent / path)) if path else site / name
            place = target.relative_to(site).with_suffix("").as_posix()
            if anchor.startswith(kinds) or place == "book/bibliography":
                assert f"{place}#{anchor}" in cards, f"{name}: {link['href']}"
                found.add(f"{place}#{anchor}")
    assert len(found) >= 100
    for key in found:
        page, _, anchor = key.partition("#")
        text = BeautifulSoup(cards[key], "html.parser")
        assert not text.select("a, [id], script"), key
        inside = pages[f"{page}.html"].find(id=anchor)
        assert inside is not None
        assert len(" ".join(text.get_text().split())) > 5, key


def is_numbered(page: BeautifulSoup) -> bool:
    return page.select_one("article h1 .section-number") is not None


def test_symbols_lead_to_their_rows(chapter_pages: Pages) -> None:
    notation = chapter_pages["book/notation.html"]
    linked = set()
    for name, page in chapter_pages.items():
        links = page.select("article a.symbol")
        places = [str(link["href"]).partition("#")[2] for link in links]
        assert len(set(places)) == len(places), name  # the first use only
        linked |= set(places)
        for link, place in zip(links, places, strict=True):
            row = notation.select_one(f"tr#{place}")
            assert row is not None
            title = str(link["title"])
            assert title
            assert "\\" not in title
        assert links or not is_numbered(page) or len(page.select("article span.math")) < 10, name
    assert len(linked) >= 18


def test_symbols_in_another_sense_lead_nowhere(chapter_pages: Pages) -> None:
    found = 0
    for name, page in chapter_pages.items():
        source = ROOT / Path(name).with_suffix(".md")
        text = source.read_text() if source.is_file() else ""
        for line in re.findall(r"^% own symbols: (.+)$", text, re.MULTILINE):
            for symbol in line.split(","):
                links = [it.get_text().strip("\\()") for it in page.select("article a.symbol")]
                assert symbol.strip() not in links, name
                assert f"\\({symbol.strip()}\\)" in page.get_text(), name
                found += 1
    assert found >= 6


def test_numbers_in_prose_have_minus_signs_and_powers_of_ten(chapter_pages: Pages) -> None:
    for name, page in chapter_pages.items():
        for number in page.select("article .pasted-text"):
            text = number.get_text()
            assert not re.fullmatch(r"-[\d.,]+|[+-]?[\d.,]+e[+-]\d+", text), f"{name}: {text}"


def test_every_resource_is_in_the_site(site: Path, pages: Pages) -> None:
    missing = []
    for name, page in pages.items():
        for element in page.select(LOADING):
            target = element.get("src") or element.get("href") or element.get("data")
            parts = urlsplit(str(target))
            if parts.scheme == "data":
                continue
            file = (site / name).parent / unquote(parts.path)
            if parts.scheme or parts.netloc or not file.is_file():
                missing.append(f"{name}: {target}")
    assert missing == []


def test_stylesheets_load_nothing_from_elsewhere(site: Path) -> None:
    found = [
        f"{sheet.relative_to(site)}: {match}"
        for sheet in site.rglob("*.css")
        for match in re.findall(r"(?:@import|url\()[^;)]{0,40}//[^;)]*", sheet.read_text())
    ]
    assert found == []


def test_maps_alone_have_colors_of_their_own_in_the_dark(site: Path) -> None:
    dark = {
        file.stem
        for file in site.glob("figures/fig-*/*.svg")
        if "prefers-color-scheme: dark" in file.read_text(encoding="utf-8")
    }
    assert dark == {file.stem for file in site.glob("figures/fig-*/*-maps.svg")} != set()


def test_pages_of_figures_lead_back(pages: Pages) -> None:
    found = {name: page for name, page in pages.items() if name.startswith("figures/fig-")}
    assert len(found) >= 40
    for name, page in found.items():
        links = [str(link["href"]) for link in page.select("article h1 + .way-back a")]
        shown, chapter, gallery = links
        assert shown == f"{chapter}#{name.split('/')[1]}"
        assert gallery == "../../book/figures.html"
        # The book is beside each, and who reads on does not pass through them.
        assert len(page.select(".bd-sidebar-primary nav a")) > 30, name
        assert not page.select(".prev-next-area a"), name
    for name, page in pages.items():
        following = [str(link["href"]) for link in page.select(".prev-next-area a")]
        assert not any("figures/fig-" in link for link in following), name


def test_gallery_is_in_chapters(pages: Pages) -> None:
    from pwm_companion.figures.registry import load_registry

    gallery = pages["book/figures.html"]
    assert not gallery.select("nav.bd-links a[href*=fig-]")
    registry = load_registry(ROOT)
    shown = []
    for section in gallery.select("article section section"):
        title = section.h2.find(string=True)  # type: ignore[union-attr]
        for link in section.select(".gallery figure > a"):
            shown.append(str(link["href"]).split("/")[-2])
            chapter = pages[f"{registry[shown[-1]].chapter}.html"]
            assert re.sub(r"^\d+\. ", "", chapter.h1.get_text()).startswith(str(title))  # type: ignore[union-attr]
    assert sorted(shown) == sorted(registry)


def test_ids_stand_once_on_a_page(pages: Pages) -> None:
    repeated = {
        f"{name}: {one}"
        for name, page in pages.items()
        for one, times in Counter(str(it["id"]) for it in page.select("[id]")).items()
        if times > 1
    }
    assert repeated == set()


def test_internal_links_lead_to_pages_and_anchors(site: Path, pages: Pages) -> None:
    ids = {
        name: {str(element["id"]) for element in page.select("[id]")}
        for name, page in pages.items()
    }
    dead = []
    for name, page in pages.items():
        for link in page.select("a[href]"):
            parts = urlsplit(str(link["href"]))
            if parts.scheme in OUTSIDE:
                continue
            target = site / name
            if parts.path:
                target = Path(os.path.normpath(target.parent / unquote(parts.path)))
            key = os.path.relpath(target, site)
            if not target.is_file() or (
                parts.fragment and key in ids and unquote(parts.fragment) not in ids[key]
            ):
                dead.append(f"{name}: {link['href']}")
    assert dead == []


def prose(page: BeautifulSoup) -> str:
    """Return the text of the article without code and formulas."""
    article = BeautifulSoup(str(page.find("article")), "html.parser")
    for element in article.select("pre, code, script, style, .math, mjx-container"):
        element.decompose()
    for table in article.select("table.dataframe"):  # MathJax finds the formulas there
        table.string = re.sub(r"\$[^$]+\$", "", table.get_text(" "))
    return " ".join(article.get_text(" ").split())


def test_prose_holds_no_source(chapter_pages: Pages) -> None:
    """Roles, placeholders and formulas that were not recognized stay in the text as written."""
    unresolved = re.compile(r"\$|\{\{|\}\}|\{[a-z:]+\}`|\\\\[a-z]+|:::|\bnan\b|\[\?\]")
    found = [
        f"{name}: ...{text[max(0, match.start() - 30) : match.end() + 30]}..."
        for name, page in chapter_pages.items()
        for text in [prose(page)]
        for match in unresolved.finditer(text)
    ]
    assert found == []


def test_no_cell_failed_or_warned(chapter_pages: Pages) -> None:
    for name, page in chapter_pages.items():
        assert not page.select(".output.traceback, .output.stderr"), name


def test_every_figure_has_a_text_and_a_caption(chapter_pages: Pages) -> None:
    number = 0
    for name, page in chapter_pages.items():
        for image in page.select("article img"):
            number += 1
            text = str(image.get("alt", ""))
            assert len(text) > 20, f"{name}: {image}"
            assert not text.startswith("../"), f"{name}: {image}"
            figure = image.find_parent("figure")
            assert figure is not None, f"{name}: {image}"
            assert figure.find("figcaption"), f"{name}: {image}"
    assert number >= 10


def test_no_two_figures_have_one_number(chapter_pages: Pages) -> None:
    numbers = [
        number.get_text().strip()
        for page in chapter_pages.values()
        for number in page.select("article figcaption .caption-number")
    ]
    assert len(numbers) >= 40
    assert len(set(numbers)) == len(numbers)


def test_downloads_hold_outputs_and_no_traces(site: Path) -> None:
    notebooks = sorted((site / "_sources").rglob("*.ipynb"))
    assert len(notebooks) >= 5
    for notebook in notebooks:
        text = notebook.read_text()
        cells = json.loads(text)["cells"]
        assert any(cell.get("outputs") for cell in cells), notebook
        assert not any("papermill" in cell["metadata"] for cell in cells), notebook
        assert "papermill" not in json.loads(text)["metadata"], notebook
        assert str(Path.home()) not in text, notebook


@pytest.mark.parametrize("name", ["_static/mathjax/tex-svg.js", "searchindex.js"])
def test_site_works_without_a_network(site: Path, name: str) -> None:
    assert (site / name).is_file()


def test_every_figure_has_provenance_and_is_the_figure_of_record(chapter_pages: Pages) -> None:
    from pwm_companion.figures.registry import load_registry

    found = []
    for name, page in chapter_pages.items():
        for strip in page.select("p.provenance"):
            figure = strip.find_previous("figure")
            assert figure is not None, name
            assert strip.a is not None, name
            assert figure["id"] == strip.a.string, name
            assert "not the figure of record" not in strip.get_text(), strip
            found.append(str(figure["id"]))
    assert sorted(found) == sorted(load_registry(ROOT))


def test_every_figure_has_a_page_with_its_files(site: Path, pages: Pages) -> None:
    from pwm_companion.figures.registry import load_registry

    listed = json.loads((site / "figures/figures.json").read_text())["figures"]
    assert [it["id"] for it in listed] == list(load_registry(ROOT))
    for about in listed:
        folder = site / "figures" / about["id"]
        for name, file in about["files"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == file["sha256"]
        page = pages[f"figures/{about['id']}/index.html"]
        downloads = {str(link["href"]) for link in page.select("a[download]")}
        assert downloads >= {*about["files"], "metadata.json", "run.json"}
        chapter = pages[f"{about['chapter']}.html"]
        figure = chapter.select_one(f"figure#{about['id']}")
        assert figure is not None
        assert figure.img is not None
        assert figure.img["alt"] == about["alt"]
        assert about["source_sha256"] in page.get_text()


def test_search_finds_terms_of_the_glossary(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert '"information rent"' in index
    assert "glossary term" in index
