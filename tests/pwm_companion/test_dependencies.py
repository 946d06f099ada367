"""Which source files a chapter's imports lead to."""

from pathlib import Path

import pytest

from pwm_companion.book.dependencies import find_dependencies

SRC = Path(__file__).parents[2] / "src"


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("from toy import twice", {"doubling"}),
        ("from toy import square", {"powers", "_product"}),
        ("from toy.powers import square", {"powers", "_product"}),
        ("from toy import powers", {"powers", "_product"}),
        ("import toy.doubling", {"doubling"}),
        ("import toy", {"__init__", "doubling", "powers", "_product"}),
        ("from toy import *", {"__init__", "doubling", "powers", "_product"}),
        ("def later():\n    from toy import twice", {"doubling"}),
        ("%config InlineBackend.figure_formats = ['svg']\nfrom toy import twice", {"doubling"}),
        ("import json, numpy.linalg", set()),
        ("this is no Python", set()),
    ],
)
def test_imports_lead_to_files(book: Path, code: str, files: set[str]) -> None:
    found = find_dependencies([code], book / "src")
    assert {file.stem for file in found.files} == files


def test_a_name_taken_from_elsewhere_is_seen(book: Path) -> None:
    before = find_dependencies(["from toy import twice"], book / "src")
    init = book / "src/toy/__init__.py"
    init.write_text("from .doubling import other as twice\n")
    after = find_dependencies(["from toy import twice"], book / "src")
    assert before.files == after.files
    assert before.names != after.names


@pytest.mark.skipif(not SRC.is_dir(), reason="no sources beside the tests")
def test_the_machinery_s_first_cell_does_not_depend_on_the_build() -> None:
    found = find_dependencies(["from pwm_companion.book.notebook import glue, setup"], SRC)
    names = {"notebook.py", "registry.py", "yaml_files.py", "errors.py", "numerals.py", "texts.py"}
    assert {file.name for file in found.files} == names
