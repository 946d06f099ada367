"""The built site, which `make book` leaves in build/html (BUILD_DIR names another folder)."""

import os
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def site() -> Path:
    """Return the folder of the built site."""
    folder = ROOT / os.environ.get("BUILD_DIR", "build") / "html"
    if not (folder / "index.html").is_file():
        pytest.skip("no site: run make book first")
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, BeautifulSoup]:
    """Return all pages of the site, parsed, by their path in it."""
    names = [file.relative_to(site).as_posix() for file in sorted(site.rglob("*.html"))]
    # The theme leaves templates of its own among its static files; a report is no page of the book.
    kept = [name for name in names if not name.startswith(("_static/", "examples/"))]
    return {name: BeautifulSoup((site / name).read_bytes(), "html.parser") for name in kept}


@pytest.fixture(scope="session")
def chapter_pages(pages: dict[str, BeautifulSoup]) -> dict[str, BeautifulSoup]:
    """Return the pages that the contents list."""
    from pwm_companion.book.chapters import page_names
    from pwm_companion.yaml_files import read_yaml

    return {
        f"{name}.html": pages[f"{name}.html"] for name in page_names(read_yaml(ROOT / "_toc.yml"))
    }
