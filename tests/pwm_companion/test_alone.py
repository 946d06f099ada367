"""Two runs that write to one folder take turns."""

import subprocess
import sys
from pathlib import Path

from pwm_companion.files import locked

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
