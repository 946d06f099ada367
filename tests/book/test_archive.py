"""The zip of the site, which `make zip` leaves in the build folder, unpacked and read from disk."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from .test_browser import CHROMIUM, FLAGS, visit


@pytest.fixture(scope="module")
def unpacked(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = site.with_name("paid-with-models.zip")
    if not archive.is_file():
        pytest.skip("no zip: run make zip first")
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    (top,) = folder.iterdir()
    return top


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("left out: no Chromium on this machine to read the site with")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def test_the_zip_holds_the_site(site: Path, unpacked: Path) -> None:
    here, there = (
        {it.relative_to(folder) for it in folder.rglob("*") if it.is_file()}
        for folder in (site, unpacked)
    )
    assert here == there


def test_formulas_are_set_from_disk(browser: Browser, unpacked: Path) -> None:
    page = browser.new_page()
    assert visit(page, unpacked / "book/first_moment.html") == []
    assert page.locator("mjx-container svg").count() > 50
    assert page.locator("mjx-merror").count() == 0


def test_the_start_leads_into_the_book(browser: Browser, unpacked: Path) -> None:
    page = browser.new_page()
    page.goto((unpacked / "index.html").as_uri())
    page.wait_for_url("**/introduction.html")
    page.locator("a.right-next").click()
    page.wait_for_url("**/motivation.html")


def test_search_finds_from_disk(browser: Browser, unpacked: Path) -> None:
    page = browser.new_page()
    problems = visit(page, unpacked / "search.html")
    page.goto((unpacked / "search.html").as_uri() + "?q=countervailing")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    found = page.locator("#search-results li a").all_inner_texts()
    assert any("Notation" in it or "structure" in it for it in found), found
    assert problems == []


def test_search_lists_terms_and_chapters_first(browser: Browser, unpacked: Path) -> None:
    page = browser.new_page()
    page.goto((unpacked / "search.html").as_uri() + "?q=free+riding")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    places = page.eval_on_selector_all("#search-results li a", "all => all.map((it) => it.href)")
    assert places[0].endswith("/book/notation.html#term-free-riding")
    assert "/book/motivation.html" in places[1]
    assert not any("/api/" in place for place in places[:3])
