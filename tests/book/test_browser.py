"""The built site in a browser: nothing loaded from elsewhere, no error, no overflow, accessible.

Screenshots are left in the build folder under screenshots/ for a person to look at.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page, sync_playwright
from pybtex.database import parse_string

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FIGURE = "figures/fig-two-type-contract/index.html"
SETTINGS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="left out: no Chromium on this machine to look at the site with"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


def visit(page: Page, file: Path) -> list[str]:
    """Open a page from disk and return what went wrong."""
    problems: list[str] = []
    page.on("console", lambda it: problems.append(it.text) if it.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else problems.append(f"asked for {request.url}")
        ),
    )
    page.goto(file.as_uri())
    page.wait_for_function("!window.MathJax || MathJax.startup.promise !== undefined")
    page.evaluate("window.MathJax ? MathJax.startup.promise.then(() => true) : true")
    return problems


@pytest.mark.parametrize(("scheme", "width"), SETTINGS)
def test_pages_in_the_browser(
    browser: Browser,
    site: Path,
    chapter_pages: dict[str, BeautifulSoup],
    scheme: str,
    width: int,
) -> None:
    shots = site.parent / "screenshots"
    problems = []
    for name in (*chapter_pages, FIGURE):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        page = context.new_page()
        problems += [f"{name}: {problem}" for problem in visit(page, site / name)]
        unset = page.locator("mjx-merror").count()
        if unset:
            problems.append(f"{name}: {unset} formulas with errors")
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if overflow > 0:
            problems.append(f"{name}: {overflow} px wider than the window")
        page.screenshot(
            path=shots / f"{name.replace('/', '_')}-{scheme}-{width}.png", full_page=True
        )
        results = Axe().run(page)
        problems += [
            f"{name}: {violation['id']}: {violation['nodes'][0]['html'][:120]}"
            for violation in results.response["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]
        context.close()
    assert problems == [], json.dumps(problems, indent=1)


def test_citation_of_a_figure_is_copied(browser: Browser, site: Path) -> None:
    page = browser.new_page()
    visit(page, site / FIGURE)
    about = json.loads((site / FIGURE).with_name("metadata.json").read_text())
    page.locator(".highlight-bibtex button.copybtn").click()
    page.evaluate("document.body.append(document.createElement('textarea'))")
    page.locator("textarea").focus()
    page.keyboard.press("ControlOrMeta+V")
    (entry,) = parse_string(page.locator("textarea").input_value(), "bibtex").entries.values()
    page.close()
    assert entry.key == f"paid-with-models:{about['id']}:{about['version']}"
    assert entry.fields["title"] == f"{{{about['title']}}}"
    assert about["id"] in entry.fields["howpublished"]
    assert about["source_sha256"] in entry.fields["note"]
    assert str(entry.persons["author"][0]) == f"{{{about['author']}}}"
