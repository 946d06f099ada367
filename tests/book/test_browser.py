"""The built site in a browser: no error, no request elsewhere, nothing clipped, accessible.

``SCREENSHOTS=FOLDER`` leaves pictures of the pages there, for a person to look at.
"""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, async_playwright
from playwright.async_api import TimeoutError as NotInTime
from playwright.sync_api import Page, sync_playwright
from pybtex.database import parse_string

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
FIGURE = "figures/fig-two-type-contract/index.html"
WIDTHS = (1400, 1024, 390)
PARTS = 4  # of the pages, a test each, so that processes can share them
TABS = 2  # at a time
SHOTS = os.environ.get("SCREENSHOTS")  # where pictures go, if they are wanted: they take as long
READY = "!window.MathJax || (window.MathJax.startup && window.MathJax.startup.promise)"
TYPESET = "window.MathJax ? MathJax.startup.promise.then(() => true) : true"
PATIENCE = 300  # seconds for one page
SETTLED = 20_000  # ms that a page has to fit itself to another width, on a busy machine
FRAMES = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
#: Colors would change over a moment, which need not end where nobody looks.
AT_ONCE = "*, ::before, ::after { transition: none !important; }"
#: What does not fit its box, and shows nothing of it; and what is wider than the window.
CLIPPED = r"""() => {
  const found = new Set(), wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth)
    found.add(`${wide.scrollWidth - wide.clientWidth} px wider than the window`);
  for (const it of document.querySelectorAll("article *, .bd-header-article *")) {
    const over = it.scrollWidth - it.clientWidth;
    if (!it.clientWidth || over <= 2 || it.closest("svg, mjx-assistive-mml, input, .live-hidden"))
      continue;
    const how = getComputedStyle(it).overflowX, shown = it.checkVisibility();
    if (!shown || how === "visible" || it.classList.contains("scrolls") || it.matches(".long"))
      continue;
    found.add(`${over} px of ${it.tagName.toLowerCase()}.${it.className} are ${how}`);
  }
  return [...found];
}"""
#: Formulas that Tab reaches though they do not scroll, or that scroll and Tab leaves out.
TAB_STOPS = r"""() => [...document.querySelectorAll("mjx-container")]
  .filter((it) => (it.tabIndex >= 0) !== it.classList.contains("scrolls"))
  .map((it) => `formula with tabindex ${it.tabIndex}: ${it.textContent.slice(0, 60)}`)"""
#: Captions whose contrast is below 7:1, or that are not of weight 400.
FAINT = r"""() => {
  const parts = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parts(color).slice(0, 3).map((it) => it / 255)
      .map((it) => (it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (it) => {
    for (; it; it = it.parentElement) {
      const color = getComputedStyle(it).backgroundColor, [, , , alpha] = parts(color);
      if (alpha === undefined || alpha > 0.99) return color;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("figcaption .caption-text, table caption, figcaption p")]
    .filter((it) => it.checkVisibility()).map((it) => {
      const style = getComputedStyle(it), two = [light(style.color), light(ground(it))];
      const contrast = (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
      return contrast < 7 || style.fontWeight !== "400"
        ? `caption of contrast ${contrast.toFixed(1)}, weight ${style.fontWeight}: `
          + it.textContent.trim().slice(0, 60) : null;
    }).filter(Boolean);
}"""

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="left out: no Chromium on this machine to look at the site with"
)


def watch(page: Any) -> list[str]:
    """Return a list that takes up what goes wrong while a page loads.

    What a page had still asked for when the test went on to the next one ends as aborted; that
    is the test's doing and no fault of the page.
    """
    problems: list[str] = []

    def note(request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":
            problems.append(f"failed: {request.url}")

    page.on("console", lambda it: problems.append(it.text) if it.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", note)
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
    page.wait_for_function(READY)
    page.evaluate(TYPESET)
    return problems


async def look(browser: Browser, file: Path) -> list[str]:
    """Open a page from disk, look at it in all widths, light and dark, and return what is wrong."""
    context = await browser.new_context(
        color_scheme="light", viewport={"width": WIDTHS[0], "height": 900}
    )
    page = await context.new_page()
    page.set_default_timeout(120_000)
    problems = watch(page)
    await page.goto(file.as_uri())
    await page.wait_for_function(READY)
    await page.evaluate(TYPESET)
    if unset := await page.locator("mjx-merror").count():
        problems.append(f"{unset} formulas with errors")
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.evaluate(FRAMES)
        for what in (CLIPPED, TAB_STOPS):
            try:  # surfaces that turn follow the width a moment later
                await page.wait_for_function(f"({what})().length === 0", timeout=SETTLED)
            except NotInTime:
                problems += [f"at {width} px: {it}" for it in await page.evaluate(what)]
        if width != WIDTHS[1]:
            await picture(page, file, f"light-{width}")
    problems += [f"light: {it}" for it in await page.evaluate(FAINT)]
    found = list(problems)  # axe, last, fetches stylesheets anew, which fails from disk
    found += [f"light: {it}" for it in await violations(page, {})]
    await page.add_style_tag(content=AT_ONCE)
    await page.emulate_media(color_scheme="dark")
    await page.evaluate(FRAMES)
    found += [f"dark: {it}" for it in await page.evaluate(FAINT)]
    if "LONG" in os.environ:  # only colors change with the theme
        rules = {"runOnly": ["color-contrast", "link-in-text-block"]}
        found += [f"dark: {it}" for it in await violations(page, rules)]
        await picture(page, file, f"dark-{WIDTHS[-1]}")
    await context.close()
    return found


async def picture(page: Any, file: Path, how: str) -> None:
    """Leave a picture of a whole page, if pictures are wanted."""
    if SHOTS:
        name = "_".join([*file.parent.parts[-2:], file.stem, how])
        await page.screenshot(path=Path(SHOTS, f"{name}.png"), full_page=True)


async def violations(page: Any, options: dict[str, Any]) -> list[str]:
    """Return what axe finds that is moderate or worse."""
    results = await Axe().run(page, options={"resultTypes": ["violations"], **options})
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
        for violation in results.response["violations"]
        if violation["impact"] != "minor"
    ]


async def look_at_all(site: Path, names: list[str]) -> list[str]:
    """Look at pages, a few at a time."""
    free = asyncio.Semaphore(TABS)

    async def look_at(browser: Browser, name: str) -> list[str]:
        async with free:
            try:
                async with asyncio.timeout(PATIENCE):  # else a page that hangs says nothing
                    found = await look(browser, site / name)
            except TimeoutError:
                found = [f"not looked at within {PATIENCE} s"]
        return [f"{name}: {problem}" for problem in found]

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        found = await asyncio.gather(*(look_at(browser, name) for name in names))
        await browser.close()
    return [problem for problems in found for problem in problems]


@pytest.mark.parametrize("part", range(PARTS))
def test_pages_in_the_browser(site: Path, part: int) -> None:
    # Pages that only lead to another one have no article. Figures' pages are of one make.
    files = {file.relative_to(site).as_posix(): file for file in site.rglob("*.html")}
    names = [
        name
        for name, file in files.items()
        if (name == FIGURE or not name.startswith(("figures/", "_static/")))
        and "<article" in file.read_text(encoding="utf-8")
    ]
    assert len(names) >= 20
    problems = asyncio.run(look_at_all(site, sorted(names)[part::PARTS]))
    assert problems == [], json.dumps(problems, indent=1)


def test_what_scrolls_fades_at_the_side_where_it_goes_on(site: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 900})
        assert visit(page, site / "book/benchmarks.html") == []
        table = page.locator(".output.scrolls:has(table)").first
        looks = "(it) => [it.className, getComputedStyle(it).getPropertyValue('--right')]"
        before, fade = table.evaluate(looks)
        assert "more-right" in before
        assert "more-left" not in before
        assert fade == "3rem"
        table.evaluate("(it) => { it.scrollLeft = it.scrollWidth; }")
        page.wait_for_timeout(300)
        after, fade = table.evaluate(looks)
        assert "more-left" in after
        assert "more-right" not in after
        assert fade == "0rem"
        browser.close()


def test_symbols_that_fit_do_not_scroll(site: Path) -> None:
    """Their widths are fractions of pixels, those of boxes are rounded."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 900})
        assert visit(page, site / "book/notation.html") == []
        page.wait_for_timeout(500)
        short = page.locator("mjx-container.scrolls").evaluate_all(
            "(all) => all.filter((it) => it.getBoundingClientRect().width < 60).length"
        )
        browser.close()
    assert short == 0


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
