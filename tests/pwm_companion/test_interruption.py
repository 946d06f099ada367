"""Killed at any moment, a build leaves the last good site, and the next one ends well."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

ATTEMPTS = 10 if "FAULTS" in os.environ else 4


def start(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pwm_companion.cli", "build"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def digest(folder: Path) -> str:
    """Return a digest of all files below `folder`, with their names."""
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            total.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return total.hexdigest()


def switch(root: Path, version: int) -> None:
    """Give a chapter another result, and a page another text."""
    module, page = root / "src/toy/_product.py", root / "book/start.md"
    for path, old, new in ((module, "x * y", "x * y + 1"), (page, "A page", "Another page")):
        text = path.read_text().replace(new, old)
        path.write_text(text.replace(old, new) if version else text)


def test_killed_at_any_moment(copy_of_built_book: Path) -> None:
    root = copy_of_built_book
    html = root / "build/html"
    whole = {0: digest(html)}
    switch(root, 1)
    begin = time.monotonic()
    build = start(root)
    output, _ = build.communicate()
    assert build.returncode == 0, output
    seconds = time.monotonic() - begin
    whole[1] = digest(html)
    assert whole[0] != whole[1]

    moments = random.Random(7)  # noqa: S311
    killed = 0
    for attempt in range(ATTEMPTS):
        switch(root, attempt % 2)
        build = start(root)
        time.sleep(moments.uniform(0.05, 1.0) * seconds)
        build.kill()  # its own processes are left behind
        build.communicate()
        killed += build.returncode == -signal.SIGKILL
        # Between two renames the site may be aside; the next build puts it back.
        published = html if html.exists() else html.with_name("html.old")
        assert digest(published) in whole.values()
    assert killed >= ATTEMPTS / 2

    switch(root, 0)
    build = start(root)
    output, _ = build.communicate()
    assert build.returncode == 0, output
    assert digest(html) == whole[0]
    left = {path.name for path in (root / "build").iterdir()}
    assert left == {
        ".lock", ".pwm-build", "cache", "html", "site.json", "sphinx", "stage", "unchanged.json",
    }  # fmt: skip
