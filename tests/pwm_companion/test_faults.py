"""Machines that misbehave: no network, no right to write, odd paths, two builds, a full disk.

On the small book. `make faults` tries the book itself without a network, too.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .test_interruption import digest, switch

ROOT = Path(__file__).parents[2]
Record = Callable[[str, object], None]


def build(root: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "pwm_companion.cli", "build", *options]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def apart(script: str, *kinds: str) -> list[str]:
    """Return a command that runs a shell script in namespaces of its own; skip if there are none.

    The script finds the command to run in ``"$@"``.
    """
    command = ["unshare", "-r", *kinds, "sh", "-ec"]
    probe = {"-n": "ip link set lo up", "-m": "mount -t tmpfs tmpfs /mnt"}
    tries = " && ".join(probe[kind] for kind in kinds)
    if not shutil.which("unshare") or run([*command, tries], Path("/")).returncode:
        pytest.skip(f"this machine does not allow unshare -r {' '.join(kinds)}")
    return [*command, script, "sh"]


ONLINE = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"


CUT_OFF = "ip link set lo up; "
READ_ONLY = 'mount --bind . .; mount -o remount,ro,bind . .; cd "$PWD"; '


def without_network(script: str = "", *kinds: str) -> list[str]:
    command = apart(f'{CUT_OFF}{script}exec "$@"', "-n", *kinds)
    cut_off = run([*command, sys.executable, "-c", ONLINE], ROOT)
    assert "Network is unreachable" in cut_off.stderr
    return command


@pytest.mark.skipif(
    "FAULTS" not in os.environ, reason="tried by make faults (a read-only one below)"
)
def test_no_network(built_book: Path, copy_of_built_book: Path, record_property: Record) -> None:
    command, root = without_network(), copy_of_built_book
    shutil.rmtree(root / "build")
    done = run([*command, *build(root)], root)
    assert done.returncode == 0, done.stderr
    assert digest(root / "build/html") == digest(built_book / "build/html")
    record_property("happened", "the site is built, with the same bytes")


@pytest.mark.skipif("FAULTS" not in os.environ, reason="tried by make faults (minutes)")
def test_the_book_itself_without_a_network(tmp_path: Path, record_property: Record) -> None:
    root, place = tmp_path / "clone", tmp_path / "elsewhere"
    run(["git", "clone", "-q", str(ROOT), str(root)], tmp_path)
    command = without_network(READ_ONLY, "-m")
    assert "Read-only file system" in run([*command, "touch", "file"], root).stderr
    # Of each property few problems: what is tried here is the machine.
    # And without this test, which would begin once more.
    source = ["env", "-u", "FAULTS", f"PYTHONPATH={root / 'src'}", f"BUILD_DIR={place}"]
    source.append("HYPOTHESIS_PROFILE=short")
    done = run([*command, *source, *build(root, "--build-dir", str(place))], root)
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = json.loads((place / "verify.json").read_text())
    assert verdicts["agrees"]
    pages = len(list((place / "html").rglob("*.html")))
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    tests += ["--ignore=tests/pwm_companion/test_robustness.py"]  # it looks at what this run leaves
    done = run([*command, *source, *tests], root)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    record_property(
        "happened",
        f"{pages} pages are built, {verdicts['counts']['identical']} numbers and tables are "
        f"identical to the reference, {passed[1]} tests pass, properties tried on 20 problems each",
    )


def test_read_only_checkout(copy_of_built_book: Path, tmp_path: Path, record_property: Record
) -> None:  # fmt: skip
    root, place = copy_of_built_book, tmp_path / "elsewhere"
    shutil.move(root / "build", place)
    switch(root, 1)
    before = digest(root)
    command = without_network(READ_ONLY, "-m")
    refused = run([*command, "touch", "file"], root)
    assert "Read-only file system" in refused.stderr
    done = run([*command, *build(root, "--build-dir", str(place))], root)
    assert done.returncode == 0, done.stderr
    assert "10" in (place / "html/book/square.html").read_text()
    assert digest(root) == before
    record_property("happened", "the site is built elsewhere, nothing is written in the checkout")


def test_path_with_spaces_and_other_letters(
    copy_of_built_book: Path, tmp_path: Path, record_property: Record
) -> None:
    root = tmp_path / "my bücher" / "数 'a' & b"
    shutil.copytree(copy_of_built_book, root)
    expected = digest(root / "build/html")
    shutil.rmtree(root / "build")
    done = run(build(root), root)
    assert done.returncode == 0, done.stderr
    assert digest(root / "build/html") == expected
    record_property("happened", "the site is built, with the same bytes as elsewhere")


@pytest.mark.skipif("FAULTS" not in os.environ, reason="tried by make faults (an environment)")
def test_make_in_a_read_only_checkout_on_an_odd_path(
    built_book: Path, tmp_path: Path, record_property: Record
) -> None:
    root, place = tmp_path / "my bücher" / "数 'a' & b", tmp_path / "où 'else'"
    run(["git", "clone", "-q", str(ROOT), str(root)], tmp_path)
    for folder in (root / "book", root / "reference"):
        shutil.rmtree(folder)
    ours = shutil.ignore_patterns("build")
    shutil.copytree(built_book, root, ignore=ours, dirs_exist_ok=True)
    done = run(["make", "env", f"PYTHON={sys.executable}"], root)
    assert done.returncode == 0, done.stdout + done.stderr
    command = apart(f'{READ_ONLY}exec "$@"', "-m")
    done = run([*command, "make", "book", f"BUILD_DIR={place}"], root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "<span></span>9\n" in (place / "html/book/square.html").read_text()
    assert not (root / "build").exists()
    record_property(
        "happened", "`make env` makes the environment, `make book BUILD_DIR=…` builds elsewhere"
    )


def test_two_builds_at_once(copy_of_built_book: Path, record_property: Record) -> None:
    root = copy_of_built_book
    switch(root, 1)
    both = [
        subprocess.Popen(
            build(root), cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = ["".join(process.communicate()) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("waiting for another run" in text for text in said) == 1
    assert sum("nothing to build" in text for text in said) == 1
    assert "10" in (root / "build/html/book/square.html").read_text()
    record_property("happened", "the second waits, then finds that nothing is left to do")


@pytest.mark.parametrize(
    "fill", ["", "cat /dev/zero > FILLER 2>/dev/null || true; "], ids=["site", "start"]
)
def test_full_disk(
    copy_of_built_book: Path, tmp_path: Path, record_property: Record, fill: str
) -> None:
    root, rescued = copy_of_built_book, tmp_path / "rescued"
    before = digest(root / "build/html")
    switch(root, 1)
    used = sum(file.stat().st_blocks * 512 + 512 for file in (root / "build").rglob("*"))
    script = (
        f"mkdir {tmp_path}/disk; mount -t tmpfs -o size={used + 1_000_000} tmpfs {tmp_path}/disk; "
        f"cp -a build/. {tmp_path}/disk; {fill.replace('FILLER', f'{tmp_path}/disk/filler')}"
        f'code=0; "$@" || code=$?; '
        f"cp -a {tmp_path}/disk/html {rescued}; exit $code"
    )
    done = run([*apart(script, "-m"), *build(root, "--build-dir", f"{tmp_path}/disk")], root)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("pwm: failed")
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert digest(rescued) == before
    record_property("happened", "exit code 1, “No space left on device”; the last good site stays")
