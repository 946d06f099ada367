"""The book as one PDF, which `make pdf` leaves in the build folder, read back."""

import re
import unicodedata
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader
from pypdf.generic import ArrayObject, Destination, DictionaryObject

from pwm_companion.book.chapters import page_names
from pwm_companion.publish.pdf import reading
from pwm_companion.yaml_files import read_yaml

from .conftest import ROOT


@pytest.fixture(scope="module")
def pdf(site: Path) -> PdfReader:
    file = site.with_name("paid-with-models.pdf")
    if not file.is_file():
        pytest.skip("no PDF: run make pdf first")
    return PdfReader(file)


@pytest.fixture(scope="module")
def texts(pdf: PdfReader) -> list[str]:
    # Some fonts print "ff" and "fi" as one letter.
    return [unicodedata.normalize("NFKC", page.extract_text()) for page in pdf.pages]


@pytest.fixture(scope="module")
def printed(chapter_pages: dict[str, BeautifulSoup]) -> dict[str, BeautifulSoup]:
    """Return the pages that a book for reading has."""
    names = page_names(reading(read_yaml(ROOT / "_toc.yml")))
    return {f"{name}.html": chapter_pages[f"{name}.html"] for name in names}


def flat(outline: list[Destination | list]) -> list[Destination]:
    return [it for item in outline for it in (flat(item) if isinstance(item, list) else [item])]


def squeeze(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def test_outline_leads_to_every_chapter_and_section(
    pdf: PdfReader, texts: list[str], printed: dict[str, BeautifulSoup]
) -> None:
    entries = iter(
        (squeeze(it.title), pdf.get_destination_page_number(it)) for it in flat(pdf.outline)
    )
    numbers = []
    for page in printed.values():
        for heading in page.select("article :is(h1, h2)"):
            heading.select_one(".headerlink").decompose()
            title = squeeze(heading.get_text())
            number = next((number for name, number in entries if name == title), None)
            assert number is not None, f"no entry in this place: {title}"
            assert title in squeeze(texts[number])
            numbers.append(number)
    assert numbers == sorted(numbers)
    parts = [part["caption"] for part in reading(read_yaml(ROOT / "_toc.yml"))["parts"]]
    assert [it.title for it in pdf.outline if isinstance(it, Destination)][1:] == parts


def test_the_book_for_reading_is_short_and_leaves_out_what_is_looked_up(
    pdf: PdfReader, printed: dict[str, BeautifulSoup]
) -> None:
    assert 100 < len(pdf.pages) <= 150
    assert len([name for name in printed if "/beyond/" in name or "/experiments/" in name]) >= 12
    assert "book/notation.html" in printed
    assert "book/bibliography.html" in printed
    assert not [name for name in printed if name.startswith(("book/api", "book/benchmarks"))]


def test_the_site_leads_to_the_pdf(site: Path, pdf: PdfReader) -> None:
    made = site.with_name("paid-with-models.pdf").read_bytes()
    linked = []
    for page in ("book/introduction.html", "book/cite.html"):
        tree = BeautifulSoup((site / page).read_bytes(), "html.parser")
        (sentence,) = tree.select("p.as-pdf")
        if sentence.a:
            assert f"{len(pdf.pages)} pages" in sentence.get_text()
            linked.append((site / page).parent / str(sentence.a["href"]))
    if not linked:
        assert not (site / "paid-with-models.pdf").exists()
        pytest.skip("the site was built anew since: run make pdf again")
    assert len(linked) == 2
    assert all(it.read_bytes() == made for it in linked)


def test_contents_give_the_page_that_is_printed_at_the_bottom(
    pdf: PdfReader, texts: list[str]
) -> None:
    first = pdf.get_destination_page_number(flat(pdf.outline)[0])
    contents = "\n".join(texts[1:first])
    for chapter in ("The first-moment problem", "Replication report", "Bibliography"):
        number = re.search(rf"{chapter}\s*(\d+)", contents)
        assert number, chapter
        page = texts[int(number[1]) - 1]
        assert chapter in page
        assert number[1] in page.split()[:1] + page.split()[-1:]  # it is drawn first or last


def test_title_page_says_how_to_cite_and_the_license(pdf: PdfReader, texts: list[str]) -> None:
    citation = read_yaml(ROOT / "CITATION.cff")
    first = " ".join(texts[0].split())
    for words in (
        citation["preferred-citation"]["doi"],
        citation["preferred-citation"]["title"],
        f"Version {citation['version']}",
        "CC BY 4.0",
        "MIT",
    ):
        assert words in first
    assert pdf.metadata is not None
    assert pdf.metadata.title == read_yaml(ROOT / "_config.yml")["title"]
    assert pdf.metadata.creation_date == pdf.metadata.modification_date


def test_text_holds_no_source_and_no_navigation(texts: list[str]) -> None:
    everything = "\n".join(texts)
    assert len(texts) > 80
    for left in (r"\(", r"\frac", r"\mathbb", "$$", "{glue", "Show code", "Next\n", "Link to"):
        assert left not in everything, left
    assert "Solution to" in everything


def test_formulas_are_text_in_fonts_that_the_file_holds(pdf: PdfReader, texts: list[str]) -> None:
    everything = squeeze("".join(texts))
    for formula in ("a(S)", "ti≤Ti(m)", "m1≤⋯≤mI"):
        assert formula in everything
    for page in pdf.pages:
        for reference in page["/Resources"].get("/Font", {}).values():
            font = reference.get_object()
            if font["/Subtype"] == "/Type3":  # holds its glyphs itself
                continue
            for it in font["/DescendantFonts"]:
                descriptor = it.get_object()["/FontDescriptor"].get_object()
                assert {"/FontFile", "/FontFile2", "/FontFile3"} & descriptor.keys()


def test_figures_are_vectors(pdf: PdfReader) -> None:
    """Only the surfaces' grids and heat maps hold pixels, and they are small."""
    pixels = 0
    for page in pdf.pages:
        for image in page["/Resources"].get("/XObject", {}).values():
            it = image.get_object()
            if it["/Subtype"] == "/Image":
                pixels += it["/Width"] * it["/Height"]
    assert pixels < 2_000_000


def test_links_lead_within_the_document(pdf: PdfReader) -> None:
    inner, outer = 0, []
    for page in pdf.pages:
        for annotation in page.get("/Annots", ()):
            it: DictionaryObject = annotation.get_object()
            if it.get("/Subtype") != "/Link":
                continue
            action = it.get("/A", DictionaryObject()).get_object()
            if "/URI" in action:
                outer.append(action["/URI"])
            else:
                inner += 1
                target = it.get("/Dest", action.get("/D"))
                assert isinstance(target, ArrayObject) or target.lstrip("/") in {
                    name.lstrip("/") for name in pdf.named_destinations
                }
    assert inner > 500
    assert [uri for uri in outer if not uri.startswith(("https://", "http://"))] == []
