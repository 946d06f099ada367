"""Whether anything moved since a build ended well, told without opening a file.

A build writes down the names, sizes and times of what it was made from and of what it made. The
time of a file's last change of any kind is among them: no program sets it back, so that a copy, an
edit that keeps size and date, and a part that somebody cut or replaced are all seen. What is not
exactly as it was is left to the build, which compares contents.
"""

from __future__ import annotations

import hashlib
import json
import os
import site
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..files import MARK, changed_files, commit, tracked, write_whole

__all__ = [
    "as_made", "forget", "home_of", "is_unchanged", "made_from", "remember", "up_to_date",
]  # fmt: skip

FILE = "unchanged.json"
#: What a build leaves: below its home (the site), and in the build folder (what sites share).
OF_THE_SITE = ("html", "stage", "site.json", "cache")
SHARED = ("figures", "cache", "verify.json", MARK)


def home_of(build_dir: Path, *, draft: bool = False, quick: bool = False) -> Path:
    """Return the folder of a kind of site: that of the book, of drafts, or of quick runs."""
    return build_dir / "draft" if draft else build_dir / "quick" if quick else build_dir


def up_to_date(html: Path) -> str:
    """Return what is said where nothing is to be built."""
    return f"nothing to build: {html / 'index.html'} is up to date"


def made_from(root: Path) -> str:
    """Return a digest of what a build of the book in `root` is made from."""
    root = root.absolute()
    names = tracked(root)
    source = [*_sources(root)] if names is None else [root / name for name in sorted(names)]
    package = Path(__file__).parents[1]
    for folder in (package, package.parent / "paid_with_models"):
        source += sorted(folder.rglob("*.py"))
    # Not sys.path, to which packages add folders of their own when they are imported.
    places = {Path(it) for it in (*site.getsitepackages(), site.getusersitepackages())}
    packages = sorted(it for folder in places for it in _packages(folder))
    state = [sys.version, commit(root) or "", *changed_files(root)]
    return _digest([*state, *map(_entry, source), *map(_entry, packages)])


def as_made(build_dir: Path, home: Path) -> str:
    """Return a digest of what a build has left."""
    build_dir, home = build_dir.absolute(), home.absolute()
    places = [*(home / name for name in OF_THE_SITE), *(build_dir / name for name in SHARED)]
    return _digest(_entry(file) for place in places for file in _below(place))


def remember(build_dir: Path, home: Path, source: str) -> None:
    """Write down, after a build that ended well, what it was made from and what it has left."""
    text = json.dumps({"made from": source, "made": as_made(build_dir, home)})
    write_whole(home / FILE, text + "\n")


def forget(home: Path) -> None:
    """Make the next build look at everything."""
    (home / FILE).unlink(missing_ok=True)


def is_unchanged(root: Path, build_dir: Path, home: Path) -> bool:
    """Say whether the last build in `home` ended well, and nothing moved since."""
    try:
        known = json.loads((home / FILE).read_text(encoding="utf-8"))
        return bool(
            known["made"] == as_made(build_dir, home) and known["made from"] == made_from(root)
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return False


def _below(place: Path) -> Iterator[Path]:
    """The place itself, and all that is below it if it is a folder, links followed."""
    yield place
    if place.is_dir():
        for folder, folders, files in os.walk(place, followlinks=True):
            folders.sort()
            yield from (Path(folder, name) for name in sorted(files))


def _sources(root: Path) -> Iterator[Path]:
    """All files of a folder, but for hidden folders and those that builds are made in."""
    for folder, folders, files in os.walk(root):
        if MARK in files:
            folders.clear()
            continue
        folders[:] = sorted(it for it in folders if not it.startswith(".") and it != "__pycache__")
        yield from (Path(folder, name) for name in sorted(files))


def _packages(folder: Path) -> Iterator[Path]:
    """What says which packages are installed in a folder."""
    try:
        yield from (it for it in folder.iterdir() if it.suffix in (".dist-info", ".pth"))
    except OSError:
        return


def _entry(file: Path) -> str:
    try:
        state = file.stat()
    except OSError:
        return f"{file} none"
    if file.is_dir():  # its times move with files that do not matter
        return f"{file} folder"
    return f"{file} {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns} {state.st_ino}"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()
