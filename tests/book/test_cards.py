"""Cards over links, and surfaces that keys turn, in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from .test_browser import CHROMIUM, FLAGS, visit

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="left out: no Chromium on this machine to look at the site with"
)


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


@pytest.mark.parametrize(
    ("target", "words", "formulas"),
    [
        ("screening.html#lem-monotone", "Who contributes more", True),
        ("#equation-eq-staying-out", "Equation (", True),
        ("bibliography.html#", "Theory of Incentives", False),
        ("notation.html#term-bunch", "share an option", False),
    ],
)
def test_a_card_opens_under_the_mouse(
    site: Path, page: Page, target: str, words: str, formulas: bool
) -> None:
    problems = visit(page, site / "book/structure.html")
    link = page.locator(f"article a.internal[href^='{target}']").first
    link.scroll_into_view_if_needed()
    link.hover()
    card = page.locator(".hover-card[role=tooltip]")
    card.wait_for()
    assert words in card.inner_text()
    assert link.get_attribute("aria-describedby") == card.get_attribute("id")
    if formulas:
        card.locator("mjx-container").first.wait_for()
        assert "\\(" not in card.inner_text()
    page.mouse.move(2, 2)
    card.wait_for(state="detached")
    assert problems == []


def test_a_card_opens_for_the_keyboard_and_escape_closes_it(site: Path, page: Page) -> None:
    visit(page, site / "book/structure.html")
    page.evaluate("document.querySelector(\"article a.internal[href*='lem-monotone']\").focus()")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    card = page.locator(".hover-card")
    card.wait_for()
    page.keyboard.press("Escape")
    card.wait_for(state="detached")


def test_arrow_keys_turn_a_surface(site: Path, page: Page) -> None:
    visit(page, site / "book/experiments/two_types.html")
    place = page.locator(".plotly-figure").first
    assert not page.evaluate("'Plotly' in window")  # not before the surface is near
    place.scroll_into_view_if_needed()
    place.locator(".main-svg").first.wait_for()
    eye = "document.querySelector('.js-plotly-plot').layout.scene.camera.eye.x"
    before = page.evaluate(eye)
    place.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{eye} !== {before}")
