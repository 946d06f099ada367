"""The map between statements, paper, code and tests."""

from pathlib import Path

import pytest

from pwm_companion.book.chapters import find_source, load_chapter, page_names
from pwm_companion.errors import BookError
from pwm_companion.pages.concordance import concordance, find_statements, find_tests
from pwm_companion.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]
CHAPTER = """---
kernelspec: {name: python3, language: python, display_name: Python 3}
---

# Title

:::{prf:theorem} Nothing is free
:label: thm-free

$$
x
$$ (eq-x)

:::

*Source: the paper's
talk.* Code: {py:func}`~package.solve`, {py:class}`~package.Problem`.

:::{prf:proof}
Clear.
:::

:::{prf:remark} Later
:label: rem-later
Text.
:::

Prose.
"""
TESTS = """
# {}: thm-free
@parametrize(
    "x", [1]
)
def test_it(): ...

# {}: rem-later, thm-free
def test_more(): ...
""".replace("{}", "Book")  # not read as tests of this book


def book(folder: Path) -> list:
    (folder / "one.md").write_text(CHAPTER)
    (folder / "test_one.py").write_text(TESTS)
    return [load_chapter(folder / "one.md", "one")]


def test_statements_are_read_with_source_and_code(tmp_path: Path) -> None:
    theorem, remark = find_statements(book(tmp_path))
    assert (theorem.label, theorem.title) == ("thm-free", "Nothing is free")
    assert theorem.source == "the paper's talk."
    assert theorem.code == ("{py:func}`~package.solve`", "{py:class}`~package.Problem`")
    assert (remark.label, remark.source, remark.code) == ("rem-later", "", ())


def test_map_runs_both_ways(tmp_path: Path) -> None:
    text = concordance(book(tmp_path), tmp_path)
    assert "- {prf:ref}`thm-free` (Nothing is free)\n  - Source: the paper's talk.\n" in text
    assert "  - Tests: `test_one.py::test_it`, `test_one.py::test_more`\n" in text
    assert "- {py:func}`~package.solve`: {prf:ref}`thm-free`\n" in text


def test_a_test_of_nothing_is_refused(tmp_path: Path) -> None:
    book(tmp_path)
    with pytest.raises(BookError, match="no statement 'rem-later'"):
        find_tests(tmp_path, ["thm-free"])


#: Results that no code carries out: they say what a fixed promise cannot do.
BY_HAND = {"prop-safe", "prop-limit"}


def test_statements_of_the_book_say_where_they_are_from_and_results_are_tested() -> None:
    pages = [(name, find_source(ROOT, name)) for name in page_names(read_yaml(ROOT / "_toc.yml"))]
    statements = find_statements(load_chapter(source, name) for name, source in pages if source)
    assert len(statements) > 30
    labels = [statement.label for statement in statements]
    assert len(set(labels)) == len(labels)
    tests = find_tests(ROOT / "tests", labels)
    for statement in statements:
        kind = statement.label.partition("-")[0]
        if kind != "rem":
            assert statement.source, statement.label
        if kind in {"prop", "thm"}:
            assert statement.code or statement.label in BY_HAND, statement.label
            assert tests[statement.label], statement.label


@pytest.mark.skipif(not (ROOT / "src").is_dir(), reason="no sources beside the tests")
def test_reference_lists_every_module_of_the_library() -> None:
    text = "\n".join(file.read_text() for file in sorted((ROOT / "book/api").glob("*.md")))
    package = ROOT / "src/paid_with_models"
    public = {
        ".".join(file.relative_to(package).with_suffix("").parts)
        for file in package.rglob("*.py")
        if not file.stem.startswith("_")
    }
    listed = {line.split("paid_with_models.")[1] for line in text.splitlines() if "automod" in line}
    assert listed <= public
    initial = (package / "__init__.py").read_text()
    passed_on = {line.split()[1][1:] for line in initial.splitlines() if line.startswith("from .")}
    assert passed_on <= listed
