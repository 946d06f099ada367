"""Files of the machinery: locks, whole writes, digests, clean processes, what git knows."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from paid_with_models.texts import followed

from .errors import BookError


def posix_module(name: str) -> Any:
    """Return a module of Python that POSIX systems alone have; None on others."""
    try:
        return import_module(name)
    except ImportError:
        return None


#: Without it there are no locks of folders, and runs are not kept apart.
fcntl = posix_module("fcntl")

LOCK_FILE = ".lock"

#: SOURCE_DATE_EPOCH: stands for the time of the commit outside a repository and in processes that
#: a commit shall not concern. It is the earliest that a zip file can hold.
EPOCH = 315532800

#: The latest time that a gzip file can hold, in 2106.
LATEST = 2**32 - 1

#: One thread each for BLAS: sums come out the same on any machine, and two processes fit on two
#: cores.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


#: Says that a folder is one that pwm builds in, and that what it makes there it may replace.
MARK = ".pwm-build"

#: What is made, and replaced, in such a folder.
MADE = (
    "cache", "cache-own", "draft", "figures", "fresh", "html", "html.old", "notebooks", "pages",
    "quick", "sphinx", "stage", "site.json", "unchanged.json", "verify.json",
)  # fmt: skip


#: Folders of the repository in which nothing is built.
SOURCES = (
    ".git", "benchmarks", "book", "endurance", "measurements", "reference", "src", "tests",
)  # fmt: skip


def claim(folder: Path, root: Path) -> None:
    """Mark a folder as one to build in, if it may be one.

    Parameters
    ----------
    folder
        Made if there is none.
    root
        The book's root.

    Raises
    ------
    BookError
        If the folder holds the book's sources, stands among them, or, without being marked, holds
        anything with the name of something that a build replaces.
    """
    here, top = folder.resolve(), root.resolve()
    if top.is_relative_to(here):
        raise BookError(f"--build-dir: {folder} holds the book's sources")
    if here.is_relative_to(top) and here.relative_to(top).parts[0] in SOURCES:
        raise BookError(f"--build-dir: {folder} is among the book's sources")
    if folder.exists() and not folder.is_dir():
        raise BookError(f"--build-dir: {folder} is not a folder")
    if (folder / MARK).is_file():
        return
    if others := [
        name for name in MADE if (folder / name).exists() or (folder / name).is_symlink()
    ]:
        raise BookError(
            f"--build-dir: {folder} holds {others[0]}, which pwm has not made, and would replace: "
            f"name another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


@contextlib.contextmanager
def locked(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other run holds the lock of `folder`, and hold it.

    Processes started with ``close_fds=False`` hold it too: what a killed run leaves behind keeps
    others waiting until it has ended.

    Parameters
    ----------
    folder
        Made if there is none.
    say
        Told if it has to wait; what it writes must not be kept in a buffer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("w") as lock:
        if fcntl is None:
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that writes to {folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        os.set_inheritable(lock.fileno(), True)
        yield


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def digests(files: Iterable[Path], root: Path) -> dict[str, str]:
    """Return the SHA-256 of files by their paths below `root`."""
    return {file.relative_to(root).as_posix(): digest(file) for file in files}


def cache_key(parts: Mapping[str, Any]) -> str:
    """Return a digest of all that something depends on: what JSON can hold, by name.

    >>> cache_key({"a": 1, "b": 2}) == cache_key({"b": 2, "a": 1}) != cache_key({"a": 1, "b": 3})
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def clean_environment(root: Path) -> dict[str, str]:
    """Return what processes that compute find in their environment: it must not move a byte."""
    return {
        "PYTHONPATH": str(root.resolve() / "src"),
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        # Not the commit's time: a chapter that a commit leaves alone is not executed again.
        "SOURCE_DATE_EPOCH": str(EPOCH),
        **ONE_THREAD,
    }


def commit_time(root: Path) -> int:
    """Return the time of the last commit, in seconds; a constant outside a repository.

    A time that archives cannot hold, of a clock that was wrong, becomes the nearest that they can.
    """
    time = int(_git(root, "log", "-1", "--format=%ct") or EPOCH)
    return min(max(time, EPOCH), LATEST)


def commit(root: Path) -> str | None:
    """Return the last commit; None outside a repository."""
    return _git(root, "rev-parse", "HEAD") or None


def changed_files(root: Path) -> list[str]:
    """Return the files of the repository that are not as the last commit has them."""
    lines = _git(root, "status", "--porcelain", "-z", "--untracked-files=no").split("\0")
    return [line[3:] for line in lines if line[2:3] == " "]


def tracked(root: Path) -> set[str] | None:
    """Return the files that git knows, by their paths below `root`; None outside a repository."""
    if commit(root) is None:
        return None
    return set(filter(None, _git(root, "ls-files", "-z").split("\0")))


def stamp(root: Path, *results: Path) -> dict[str, Any]:
    """Return what a stored result says of its run: date, commit, what changed since, Python.

    The files `results` themselves do not count as changed.
    """
    changed = {root / name for name in changed_files(root)} - set(results)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(root),
        "changed_since": bool(changed),
        "python": platform.python_version(),
    }


def git_environment() -> dict[str, str]:
    """Return an environment for git in which nothing names another repository or changes a mode."""
    return {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}


def _git(root: Path, *arguments: str) -> str:
    """Ask git about the repository whose top is `root`; an empty answer where there is none.

    A repository further up is another one, which holds a copy of this book by chance.
    """
    top = _ask_git(root, "rev-parse", "--show-toplevel").strip()
    if not top or Path(top).resolve() != root.resolve():
        return ""
    return _ask_git(root, *arguments).strip("\n")


def _ask_git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, env=git_environment())
    except OSError:  # there is no git
        return ""
    return os.fsdecode(done.stdout)


@contextlib.contextmanager
def fresh_file(path: Path) -> Iterator[Path]:
    """Yield a file to write aside, which then gets the name `path`; its folder is made.

    Of a link it is what that leads to which is written.

    A reader finds the old file or the new one. If writing fails, nothing is left of the new one.
    """
    path = followed(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Names of files have an end, counted in bytes: a long one is cut.
    try:
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".new"
        )
    except OSError as error:  # of the file that was asked for
        raise OSError(error.errno, error.strerror, str(path)) from None
    os.close(handle)
    try:
        yield Path(name)
        # mkstemp lets nobody else read: allow what is usual.
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename in (None, name):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def write_whole(path: Path, text: str) -> None:
    """Write a text file aside, then give it its name, see `fresh_file`."""
    with fresh_file(path) as fresh:
        fresh.write_text(text, encoding="utf-8", newline="\n")
