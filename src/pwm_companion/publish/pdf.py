"""The book for reading as one PDF: the site's chapters, printed by headless Chromium.

The pages are taken as they were built, so that numbers, references and proofs are the site's. What
serves a screen, or those who look something up, is left out; solutions are open; formulas are set
with fonts, figures stay vectors. The pages of the contents are known only after printing: the book
is printed twice. `add_to_site` puts the file into the site, and the links to it.

Needs Chromium, and the packages of the extra ``dev``.
"""

from __future__ import annotations

import html
import io
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from ..book import unchanged
from ..book.chapters import page_names
from ..book.site import BuildError, fingerprint, read_built, write_built
from ..yaml_files import read_yaml

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
STYLE = Path(__file__).with_name("print.css")
MATHJAX = "sphinx-mathjax-offline/static/mathjax/tex-chtml.js"

#: What a page has for the screen only.
SCREEN_ONLY = (
    "script, style:not(article table style), button, .headerlink, .toctree-wrapper, "
    "details.hide.above-input, .d-print-none, details.provenance-fold, .as-pdf"
)

#: Of the parts of the contents with these captions, a book for reading has these pages alone.
LOOKED_UP = ("Reference", "For developers")
KEPT = ("book/notation", "book/bibliography")

#: Where a page of the site wants the sentence about the PDF.
PLACE = re.compile(r'<p class="as-pdf"[^>]*>.*?</p>', re.DOTALL)

#: Make narrower what is wider than the page; return what still is, or went wrong.
FIT = """() => {
  for (const it of document.querySelectorAll("table, pre, mjx-container[display]")) {
    const room = it.parentElement.clientWidth;
    const width = Math.max(it.scrollWidth, it.getBoundingClientRect().width);
    if (width > room + 1) it.style.zoom = room / width;
  }
  const edge = document.body.getBoundingClientRect().right + 1;
  const wide = [...document.querySelectorAll("body *")].filter(
    (it) => it.getBoundingClientRect().right > edge && !it.closest("mjx-assistive-mml"));
  const wrong = [...document.querySelectorAll("mjx-merror")];
  return [...wide, ...wrong].map((it) => it.outerHTML.slice(0, 200));
}"""

NODE = re.compile(rb"\(node\d{8}\)")


@dataclass(frozen=True)
class Entry:
    """A line of the contents: what it says, where it leads, and how deep it stands."""

    text: str
    anchor: str
    level: int


def make_pdf(root: Path, site: Path, target: Path, *, time: int) -> Path:
    """Print the book, and return the PDF.

    Parameters
    ----------
    root
        The folder that holds ``_toc.yml``, ``_config.yml`` and ``CITATION.cff``.
    site
        The folder of the built site.
    target
        The file to write.
    time
        The time that the file says it was made at, in seconds since 1970.

    Raises
    ------
    BuildError
        If there is no browser, or a page does not print as it should: a formula with an error,
        something wider than the page, a request to another host.
    """
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if browser is None:
        raise BuildError(f"no browser to print with: looked for {', '.join(CHROMIUM)}")
    toc = reading(read_yaml(root / "_toc.yml"))
    body, entries = assemble(site, toc)
    title = _title_page(root, time)
    # Beside the site, so that its pictures are found.
    page = site.parent / "print.html"
    try:
        numbers: dict[str, int] = {}
        for _ in range(2):  # the contents take the same room with and without numbers
            text = _document(root, title + _contents(entries, numbers) + body)
            page.write_text(text, encoding="utf-8")
            printed = _print(page, browser)
            numbers = _page_numbers(printed)
    finally:
        page.unlink(missing_ok=True)
    fresh = target.with_suffix(".new")
    fresh.write_bytes(_finish(printed, root, time))
    return fresh.replace(target)


def add_to_site(pdf: Path, root: Path, build_dir: Path) -> None:
    """Put the PDF beside the site's first page, and a link to it where pages have a place for it.

    A build that finds nothing else changed leaves the site as it is then; one that makes the site
    anew leaves out the PDF, which may not be of that site.
    """
    from pypdf import PdfReader

    site, stamp = build_dir / "html", build_dir / "site.json"
    known = unchanged.is_unchanged(root, build_dir, build_dir)
    pages, size = len(PdfReader(pdf).pages), pdf.stat().st_size / 1e6
    shutil.copyfile(pdf, site / pdf.name)
    for page in sorted(site.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        if PLACE.search(text):
            up = "../" * len(page.relative_to(site).parent.parts)
            link = f'<a href="{up}{pdf.name}">one PDF</a>'
            words = f"The book for reading is also {link}, {pages} pages, {size:.0f} MB."
            sentence = f'<p class="as-pdf">{words}</p>'
            page.write_text(PLACE.sub(sentence, text), encoding="utf-8")
    write_built(replace(read_built(stamp), holds=fingerprint(site, None)), stamp)
    if known:
        unchanged.remember(build_dir, build_dir, unchanged.made_from(root))


def reading(toc: dict[str, Any]) -> dict[str, Any]:
    """Return the contents without what is there to be looked up.

    >>> part = {"caption": "Reference", "chapters": [{"file": "book/api"}, {"file": KEPT[0]}]}
    >>> reading({"root": "book/start", "parts": [part]})["parts"][0]["chapters"]
    [{'file': 'book/notation'}]
    """
    parts = [
        part
        if part.get("caption") not in LOOKED_UP
        else {**part, "chapters": [it for it in part["chapters"] if it.get("file") in KEPT]}
        for part in toc.get("parts", ())
    ]
    return {**toc, "parts": [part for part in parts if part["chapters"]]} if parts else toc


def assemble(site: Path, toc: dict[str, Any]) -> tuple[str, list[Entry]]:
    """Return all pages as one, and the entries of its contents.

    The ids of a page get its name in front, links between pages become links within the one.
    """
    names = list(page_names(toc))
    captions = {
        part["chapters"][0]["file"]: part.get("caption", "") for part in toc.get("parts", ())
    }
    in_part = {name for part in toc.get("parts", ()) for name in page_names(part)}
    articles, entries = [], []
    for name in names:
        page = BeautifulSoup((site / f"{name}.html").read_bytes(), "html.parser")
        article = page.find("article")
        assert isinstance(article, Tag)
        _clean(article)
        _localize(article, name, site, names)
        if caption := captions.get(name):
            anchor = f"part-{anchor_of(name)}"
            article.insert(
                0,
                BeautifulSoup(
                    f'<h1 class="part" id="{anchor}">{html.escape(caption)}</h1>', "html.parser"
                ),
            )
            entries.append(Entry(caption, anchor, 0))
        entries += _entries(article, level=1 if name in in_part else 0)
        if name in in_part:  # below the heading of the part, in the outline as well
            for heading in article.find_all(["h2", "h3", "h4", "h5"]):
                heading.name = f"h{int(heading.name[1]) + 1}"
            article.select_one("h1:not(.part)").name = "h2"  # type: ignore[union-attr]
        article["id"] = anchor_of(name)
        articles.append(str(article))
    return "\n".join(articles), entries


def anchor_of(page: str, fragment: str = "") -> str:
    """Return the id in the one page of a fragment of a page.

    >>> anchor_of("book/api"), anchor_of("book/api", "solve")
    ('book-api', 'book-api--solve')
    """
    return page.replace("/", "-") + (f"--{fragment}" if fragment else "")


def _clean(article: Tag) -> None:
    """Leave out what serves a screen only."""
    for element in article.select(SCREEN_ONLY):
        element.decompose()
    for fold in article.select("details.proof-fold, details.hide.below-input"):
        if fold.summary:
            fold.summary.decompose()
        fold.unwrap()
    for surface in article.select(".plotly-figure"):
        surface.clear()
        surface.append("On the site, the surface stands here and can be turned.")
    for still in article.select(".live-still"):  # a picture that another page has
        still.clear()
        still.append("On the site an interactive figure stands here.")


def _localize(article: Tag, name: str, site: Path, names: list[str]) -> None:
    """Point ids, links and pictures of a page to their places in the one page."""
    for element in article.find_all(id=True):
        element["id"] = anchor_of(name, str(element["id"]))
    here = (site / name).parent
    for image in article.find_all("img"):
        file = Path(os.path.normpath(here / unquote(str(image["src"]))))
        image["src"] = quote(f"{site.name}/{file.relative_to(site).as_posix()}")
    for link in article.find_all("a"):
        parts = urlsplit(str(link.get("href", "")))
        if parts.scheme:
            continue
        page = name
        if parts.path:
            file = Path(os.path.normpath(here / unquote(parts.path)))
            page = file.relative_to(site).with_suffix("").as_posix()
        if page in names:
            link["href"] = f"#{anchor_of(page, unquote(parts.fragment))}"
        else:  # an index, a download, a larger view of a picture
            link.unwrap()


def _entries(article: Tag, level: int) -> Iterator[Entry]:
    for heading in article.select(":is(h1, h2):not(.part)"):
        place = heading.find_parent(id=True)
        assert isinstance(place, Tag)
        yield Entry(heading.get_text(), str(place["id"]), level + (heading.name == "h2"))


def _contents(entries: list[Entry], numbers: dict[str, int]) -> str:
    lines = [
        f'<p class="level-{it.level}"><a href="#{html.escape(it.anchor)}">'
        f"<span>{html.escape(it.text)}</span>"
        f"<span>{numbers.get(it.anchor, 0)}</span></a></p>"
        for it in entries
    ]
    return f'<nav class="contents"><div class="heading">Contents</div>{"".join(lines)}</nav>'


def _title_page(root: Path, time: int) -> str:
    cff = read_yaml(root / "CITATION.cff")
    paper, version = cff["preferred-citation"], cff["version"]
    authors = ", ".join(f"{it['given-names']} {it['family-names']}" for it in paper["authors"])
    own = ", ".join(it["name"] for it in cff["authors"])
    year = datetime.fromtimestamp(time, UTC).year
    name = read_yaml(root / "_config.yml")["title"]
    where = f"{paper['volume']}({paper['issue']}):{paper['start']}–{paper['end']}, {paper['year']}"
    return f"""<header class="title-page">
<div class="title">{html.escape(name)}</div>
<p class="subtitle">{html.escape(cff["abstract"])}</p>
<p>Version {version}, {year}</p>
<div class="cite"><p><b>To cite the paper:</b> {html.escape(authors)}.
{html.escape(paper["title"])}. <i>{html.escape(paper["collection-title"])}</i> {where}.
<a href="https://doi.org/{paper["doi"]}">doi:{paper["doi"]}</a></p>
<p><b>To cite this book, its figures or its code, beside it:</b> {html.escape(own)}.
{html.escape(cff["title"])}. Version {version}, {year}.</p>
<p><b>License.</b> Text and figures: Creative Commons Attribution 4.0 International
(<a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>). Code: MIT.</p></div>
</header>"""


def _document(root: Path, body: str) -> str:
    config = read_yaml(root / "_config.yml")
    settings = config.get("sphinx", {}).get("config", {})
    mathjax = {
        **settings.get("mathjax3_config", {}),
        "options": {
            "processHtmlClass": settings.get("myst_mathjax_classes", "math"),
            "ignoreHtmlClass": "mathjax_ignore",
            "enableMenu": False,
        },
    }
    script = metadata.distribution("sphinx-mathjax-offline").locate_file(MATHJAX)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(config["title"])}</title>
<link rel="stylesheet" href="html/_static/pygments.css">
<style>{STYLE.read_text(encoding="utf-8")}</style>
<script>window.MathJax = {json.dumps(mathjax)}</script>
<script defer src="{Path(str(script)).resolve().as_uri()}"></script>
</head><body>{body}</body></html>"""


def _print(page: Path, browser: str) -> bytes:
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    problems: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=flags)
        # As wide as the text on paper, so that what fits here fits there.
        tab = chromium.new_page(viewport={"width": 628, "height": 900}, color_scheme="light")
        tab.set_default_timeout(300_000)
        tab.on("console", lambda it: problems.append(it.text) if it.type == "error" else None)
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("requestfailed", lambda request: problems.append(f"not found: {request.url}"))
        tab.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("file:", "data:"))
                else problems.append(f"asked for {request.url}")
            ),
        )
        tab.emulate_media(media="print")
        tab.goto(page.resolve().as_uri())
        tab.evaluate("() => MathJax.startup.promise.then(() => document.fonts.ready).then(() => 0)")
        problems += tab.evaluate(FIT)
        printed: bytes = tab.pdf(
            prefer_css_page_size=True, print_background=True, outline=True, tagged=True
        )
        chromium.close()
    if problems:
        raise BuildError("the book does not print as it should:\n" + "\n".join(problems))
    return printed


def _page_numbers(printed: bytes) -> dict[str, int]:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(printed))
    return {
        unquote(name).removeprefix("/"): (reader.get_destination_page_number(place) or 0) + 1
        for name, place in reader.named_destinations.items()
    }


def _finish(printed: bytes, root: Path, time: int) -> bytes:
    """Say in the file what it is, and when it was made: at the time given, not now."""
    from pypdf import PdfWriter

    cff = read_yaml(root / "CITATION.cff")
    moment = datetime.fromtimestamp(time, UTC).strftime("D:%Y%m%d%H%M%S+00'00'")
    # Chromium counts three objects too few, of which pypdf warns.
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    writer = PdfWriter(clone_from=io.BytesIO(printed))
    writer.metadata = None
    writer.add_metadata(
        {
            "/Title": read_yaml(root / "_config.yml")["title"],
            "/Author": ", ".join(it["name"] for it in cff["authors"]),
            "/Subject": cff["title"],
            "/Keywords": ", ".join(cff["keywords"]),
            "/CreationDate": moment,
            "/ModDate": moment,
        }
    )
    file = io.BytesIO()
    writer.write(file)
    # Chromium counts table cells from a number that differs from run to run.
    names = sorted(set(NODE.findall(file.getvalue())))
    number = {name: b"(node%08d)" % position for position, name in enumerate(names)}
    return NODE.sub(lambda match: number[match[0]], file.getvalue())
