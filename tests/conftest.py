"""The tests on several processes: what stays together, and what begins first.

Tests of one file share what they are made from, and run in one process; so do all that look at the
built site without a browser, and all of the small book. Files with many tests of their own
problems are divided. What takes longest begins first, so that no process waits at the end.
"""

import os
from pathlib import Path

import pytest

#: Long versions: more examples, more parameters, dark pages (`make test LONG=1`, CI).
LONG = "LONG" in os.environ

#: Files whose tests share nothing.
DIVIDED = {
    "test_conic.py", "test_fuzz.py", "test_program.py", "test_properties.py", "test_report.py",
    "test_routes.py", "test_selection.py", "test_boxes.py", "test_figures.py",
    "test_browser.py",
}  # fmt: skip

#: What begins first, by their parts of a test's id.
FIRST = ("test_browser", "test_interruption", "test_faults", "test_draw", "test_properties")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if group := _group(item):
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=_place)


def _group(item: pytest.Item) -> str:
    file, fixtures = item.path, getattr(item, "fixturenames", ())
    if {"built_book", "copy_of_built_book"} & set(fixtures):
        return "small book" if file.name != "test_interruption.py" else file.name
    if file.parent.name == "book" and file.name not in DIVIDED:
        return "site"
    return "" if file.name in DIVIDED else str(Path(*file.parts[-2:]))


def _place(item: pytest.Item) -> int:
    found = [place for place, name in enumerate(FIRST) if name in item.nodeid]
    return found[0] if found else len(FIRST)
