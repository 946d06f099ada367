"""What several commands need: their options, the book's root, where to say how work goes."""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from paid_with_models.texts import file_name, shown

from ..errors import BookError, InputError
from ..files import claim, locked, write_whole

#: STANDARD_OUTPUT: stands for it where a file is to be written.
STANDARD_OUTPUT = Path("/dev/stdout")


def add_build_dir(command: argparse.ArgumentParser) -> None:
    """Add the folder where everything is written."""
    command.add_argument(
        "--build-dir", type=Path, default=Path("build"), metavar="DIR", help="default: build"
    )


def add_build_options(command: argparse.ArgumentParser) -> None:
    """Add the folder where everything is written, and how many processes work."""
    add_build_dir(command)
    command.add_argument(
        "--jobs", type=positive, default=2, metavar="N", help="processes at a time; default: 2"
    )


def positive(text: str) -> int:
    """Read a whole number of at least 1 from the command line."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {shown(text)}")
    return int(text)


def book_root() -> Path:
    """Return the book's root, the current folder."""
    if not Path("_toc.yml").is_file():
        raise BookError(f"no _toc.yml in {Path.cwd()}: run this in the book's root folder")
    return Path()


@contextlib.contextmanager
def working_in(root: Path, build_dir: Path) -> Iterator[None]:
    """Hold the build folder, after making sure that it is one.

    Raises
    ------
    BookError
        If it holds what somebody else has put there, or the book's sources.
    """
    claim(build_dir, root)
    with locked(build_dir, say):
        yield


def built_site(build_dir: Path) -> Path:
    """Return the folder of the built site, if it is as it was built."""
    from ..book.site import read_built  # takes a while to import

    site = build_dir / "html"
    if not (site / "index.html").is_file():
        raise BookError(f"no site in {site}: run pwm build first")
    if not read_built(build_dir / "site.json").is_whole(site):
        raise BookError(f"{site} is not as it was built: run pwm build first")
    return site


def say(line: str) -> None:
    """Say on stderr how the work goes: what the command prints is its answer.

    Where nothing can be said, as to a full disk, the work goes on.
    """
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            print(line, file=sys.stderr, flush=True)


def print_answer(answer: str | Mapping[str, Any]) -> None:
    """Print lines as they are, and everything else as JSON.

    Raises
    ------
    OSError
        If standard output takes nothing: an answer is not lost in silence.
    """
    name = "standard output"
    if sys.stdout is None:
        raise OSError(errno.EBADF, "is closed", name)
    try:
        print(answer if isinstance(answer, str) else json.dumps(answer, indent=2), flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None


def print_path(path: Path) -> None:
    """Print where something was written, if there is anybody to tell."""
    if sys.stdout is not None:
        print_answer(file_name(path))


def write_answer(path: Path, text: str) -> None:
    """Write text where the option said, and print where; onto standard output nothing else."""
    if path == STANDARD_OUTPUT:
        print_answer(text.removesuffix("\n"))
    else:
        write_whole(path, text)
        print_path(path)


def input_file(text: str) -> Path:
    """Read the name of a file from the command line; ``-`` is standard input.

    >>> input_file("-").as_posix()
    '/dev/stdin'
    """
    return Path("/dev/stdin") if text == "-" else named_file(text)


#: HEAD: bytes at the beginning of a file in which it says what it is.
HEAD = 4_096


def output_file(text: str) -> Path:
    """Read the name of a file to write from the command line; ``-`` is standard output."""
    return STANDARD_OUTPUT if text == "-" else named_file(text)


def named_file(text: str) -> Path:
    """Read the name of a file from the command line."""
    if not text:
        raise argparse.ArgumentTypeError("must be the name of a file, not empty")
    return Path(text)


def check_folder(option: str, path: Path) -> None:
    """Refuse, before any work, to write where there is no folder.

    Raises
    ------
    InputError
    """
    try:
        folder = path.parent
        if path.is_symlink():  # one that leads nowhere is written where it leads
            with contextlib.suppress(RuntimeError, OSError):  # a loop is none, as writing will say
                folder = path.resolve().parent
        if not folder.is_dir():
            raise InputError(f"{option}: there is no folder {file_name(folder)}")
    except ValueError:  # no file can be called that
        raise InputError(f"{option}: {file_name(path)} is not the name of a file") from None


def check_output(option: str, path: Path, *inputs: Path, mark: str = "") -> None:
    """Refuse, before any work, to write onto what was read, or where nothing can be written.

    What is there already is replaced only if it is empty, or begins with what such a file is known
    by, the mark.

    Raises
    ------
    InputError
        If there is no such folder, or `path` is something else than a file, is write-protected,
        is one of the inputs, or somebody else's.
    """
    name = file_name(path)
    if path == STANDARD_OUTPUT:
        return
    check_folder(option, path)
    try:
        if not path.exists():
            return
        if not path.is_file():
            raise InputError(f"{option}: {name} is not a file")
        if any(it.exists() and path.samefile(it) for it in inputs):
            raise InputError(f"{option}: {name} is a file to be read")
        if not (path.stat().st_mode & 0o222 and os.access(path, os.W_OK)):
            raise InputError(f"{option}: {name} is write-protected")
        with path.open("rb") as file:
            head = file.read(HEAD)
        if head and mark.encode() not in head:
            rule = "is there already, and is not of this command: remove it or name another"
            raise InputError(f"{option}: {name} {rule}")
    except OSError as error:
        raise InputError(f"{option}: {name}: {error.strerror}") from None
