"""A build that has nothing to do says so without looking into a file, and never wrongly."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pwm_companion.book import unchanged
from pwm_companion.book.build import build


def known(root: Path) -> bool:
    return unchanged.is_unchanged(root, root / "build", root / "build")


@pytest.fixture
def finished(copy_of_built_book: Path) -> Path:
    """Return the root of a small book after a build that had nothing to do."""
    root = copy_of_built_book
    assert not known(root)  # a copy is not what was made
    build(root, root / "build", say=lambda _: None)
    assert known(root)
    return root


def as_if_untouched(file: Path, change: Callable[[Path], object]) -> None:
    """Change a file, and set its size and date back."""
    before = file.stat()
    change(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def turn_a_letter(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def replace(file: Path) -> None:
    other = file.with_name("other")
    shutil.copy2(file, other)
    turn_a_letter(other)
    other.replace(file)


@pytest.mark.parametrize("change", [turn_a_letter, replace, Path.unlink])
@pytest.mark.parametrize(
    "name", ["book/twice.md", "src/toy/powers.py", "build/html/*/*.html", "build/cache/*/*/*"]
)
def test_what_moved_is_seen(finished: Path, name: str, change: Callable[[Path], object]) -> None:
    file = next(it for it in sorted(finished.glob(name)) if it.is_file())
    if change is Path.unlink:
        file.unlink()
    else:
        as_if_untouched(file, change)
    assert not known(finished)


def test_what_packages_add_to_the_path_is_not_taken_for_news(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vendored-1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])  # as setuptools does
    assert known(finished)


def test_what_is_new_is_seen(finished: Path) -> None:
    (finished / "build" / "html" / "more.html").touch()
    assert not known(finished)


def test_a_spoiled_or_missing_note_lets_the_build_look(finished: Path) -> None:
    note = finished / "build" / "unchanged.json"
    for text in ("", "[]", "{}", '{"made": 1}', "\0", "[" * 100_000):
        note.write_text(text)
        assert not known(finished)
    note.unlink()
    assert not known(finished)


def test_a_build_that_fails_leaves_no_note(finished: Path) -> None:
    chapter = finished / "book" / "twice.md"
    text = chapter.read_text(encoding="utf-8")
    chapter.write_text(text + "\n```{code-cell}\n1 / 0\n```\n", encoding="utf-8")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        build(finished, finished / "build", say=lambda _: None)
    chapter.write_text(text, encoding="utf-8")
    assert not known(finished)


def test_the_command_needs_nothing_of_what_builds(finished: Path) -> None:
    code = (
        "import sys; from pwm_companion.cli import main; main(['build']);"
        "print(sorted({'nbformat', 'jupytext', 'sphinx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=finished, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "nothing to build: build/html/index.html is up to date",
        "[]",
    ]
