"""Two runs that write to one folder take turns; files are never there by half."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pwm_companion.files import locked, write_whole

CODE = """
import functools, sys
from pathlib import Path
from pwm_companion.files import locked
say = functools.partial(print, flush=True)
with locked(Path(sys.argv[1]), say):
    say("inside")
    sys.stdin.read()
"""


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_second_says_that_it_waits_and_goes_on_when_the_first_has_ended(
    tmp_path: Path,
) -> None:
    first, second = start(tmp_path), None
    try:
        assert line(first) == "inside\n"
        second = start(tmp_path)
        assert line(second) == f"waiting for another run that writes to {tmp_path}\n"
        first.communicate("")
        assert line(second) == "inside\n"
    finally:
        for process in filter(None, (first, second)):
            process.kill()
            process.communicate()


def test_a_process_that_is_left_behind_keeps_the_lock(tmp_path: Path) -> None:
    with locked(tmp_path, say=lambda _: None):
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
        )
    other = start(tmp_path)
    try:
        assert line(other).startswith("waiting")
        child.communicate(b"\n")
        assert line(other) == "inside\n"
    finally:
        for process in (child, other):
            process.kill()
            process.communicate()


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("before")

    def fail(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no room"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_a_new_folder_is_as_any_other(tmp_path: Path) -> None:
    path = tmp_path / "a/b.txt"
    umask = os.umask(0o027)
    try:
        write_whole(path, "é\n")
    finally:
        os.umask(umask)
    assert path.read_bytes() == "é\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [it.name for it in path.parent.iterdir()] == ["b.txt"]
