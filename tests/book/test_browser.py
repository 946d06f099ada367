"""The built site in a browser: nothing loaded from elsewhere, no error, no overflow, accessible.

Screenshots are left in the build folder under screenshots/ for a person to look at.
"""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from bs4 import BeautifulSoup
from playwright.async_api import Browser, async_playwright
from playwright.sync_api import Page, sync_playwright
from pybtex.database import parse_string

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
FIGURE = "figures/fig-two-type-contract/index.html"
SETTINGS = [("light", 1280), ("dark", 390)]  # each scheme and each width once
if "LONG" in os.environ:
    SETTINGS += [("light", 390), ("dark", 1280)]
TABS = 3  # at a time
TYPESET = "window.MathJax ? MathJax.startup.promise.then(() => true) : true"

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="left out: no Chromium on this machine to look at the site with"
)


def watch(page: Any) -> list[str]:
    """Return a list that takes up what goes wrong while a page loads."""
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
    return problems


def visit(page: Page, file: Path) -> list[str]:
    """Open a page from disk and return what went wrong."""
    problems = watch(page)
    page.goto(file.as_uri())
    page.wait_for_function("!window.MathJax || MathJax.startup.promise !== undefined")
    page.evaluate(TYPESET)
    return problems


async def look(browser: Browser, file: Path, scheme: str, width: int, shot: Path) -> list[str]:
    """Open a page from disk, look at it, and return what is wrong."""
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = await context.new_page()
    page.set_default_timeout(120_000)
    problems = watch(page)
    await page.goto(file.as_uri())
    await page.wait_for_function("!window.MathJax || MathJax.startup.promise !== undefined")
    await page.evaluate(TYPESET)
    if unset := await page.locator("mjx-merror").count():
        problems.append(f"{unset} formulas with errors")
    overflow = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if overflow > 0:
        problems.append(f"{overflow} px wider than the window")
    await page.screenshot(path=shot, full_page=True)
    # Last: it fetches stylesheets anew, which fails from disk.
    found = list(problems)
    results = await Axe().run(page)
    await context.close()
    return found + [
        f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
        for violation in results.response["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]


async def look_at_all(site: Path, names: list[str], scheme: str, width: int) -> list[str]:
    """Look at pages, a few at a time."""
    shots = site.parent / "screenshots"
    free = asyncio.Semaphore(TABS)

    async def look_at(browser: Browser, name: str) -> list[str]:
        shot = shots / f"{name.replace('/', '_')}-{scheme}-{width}.png"
        async with free:
            found = await look(browser, site / name, scheme, width, shot)
        return [f"{name}: {problem}" for problem in found]

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        found = await asyncio.gather(*(look_at(browser, name) for name in names))
        await browser.close()
    return [problem for problems in found for problem in problems]


@pytest.mark.parametrize(("scheme", "width"), SETTINGS)
def test_pages_in_the_browser(
    site: Path, pages: dict[str, BeautifulSoup], scheme: str, width: int
) -> None:
    # Pages that only lead to another one have no article. Figures' pages are of one make.
    names = [
        name
        for name, page in pages.items()
        if page.find("article") and (name == FIGURE or not name.startswith("figures/"))
    ]
    assert len(names) >= 20
    problems = asyncio.run(look_at_all(site, names, scheme, width))
    assert problems == [], json.dumps(problems, indent=1)


def test_citation_of_a_figure_is_copied(site: Path) -> None:
    about = json.loads((site / FIGURE).with_name("metadata.json").read_text())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        assert visit(page, site / FIGURE) == []
        page.locator(".highlight-bibtex button.copybtn").click()
        page.evaluate("document.body.append(document.createElement('textarea'))")
        page.locator("textarea").focus()
        page.keyboard.press("ControlOrMeta+V")
        copied = page.locator("textarea").input_value()
        browser.close()
    (entry,) = parse_string(copied, "bibtex").entries.values()
    assert entry.key == f"paid-with-models:{about['id']}:{about['version']}"
    assert entry.fields["title"] == f"{{{about['title']}}}"
    assert about["id"] in entry.fields["howpublished"]
    assert entry.fields["note"] == about["license"]["name"]
    assert str(entry.persons["author"][0]) == f"{{{about['author']}}}"
