"""The tests on several processes: what stays together, and what begins first.

Tests of one file share what they are made from, and run in one process; so do most that look at
all pages of the built site, which are read once. Files with many tests of their own problems are
divided. What takes longest begins first, so that no process waits at the end. Long versions, as CI
runs them (`make test LONG=1`), take more examples, more parameters and dark pages.
"""

from pathlib import Path

import pytest

#: Files whose tests share nothing.
DIVIDED = {
    "test_conic.py", "test_fuzz.py", "test_program.py", "test_properties.py", "test_report.py",
    "test_routes.py", "test_selection.py", "test_boxes.py", "test_figures.py",
    "test_browser.py",
}  # fmt: skip

#: Files of tests/book that look at all pages.
ALL_PAGES = {"test_claims.py", "test_downloads.py", "test_pages.py", "test_pdf.py"}

#: What begins first, by their parts of a test's id.
FIRST = (
    "test_browser", "test_live", "test_interruption", "test_faults", "test_build", "test_hands",
    "test_draw", "test_properties",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if group := _group(item):
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=_place)


def _group(item: pytest.Item) -> str:
    file = item.path
    if file.parent.name == "book" and file.name in ALL_PAGES:
        return "site"
    return "" if file.name in DIVIDED else str(Path(*file.parts[-2:]))


def _place(item: pytest.Item) -> int:
    found = [place for place, name in enumerate(FIRST) if name in item.nodeid]
    return found[0] if found else len(FIRST)
