"""What several commands need: their options, the book's root, where to say how work goes."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from paid_with_models.texts import file_name, shown

from ..errors import BookError, InputError
from ..files import claim, locked


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


def print_path(path: Path) -> None:
    """Print where something was written."""
    print(file_name(path))


def check_output(option: str, path: Path, *inputs: Path) -> None:
    """Refuse, before any work, to write onto what was read, or where nothing can be written.

    Raises
    ------
    InputError
        If there is no such folder, or `path` is something else than a file, is write-protected,
        or is one of the inputs.
    """
    name = file_name(path)
    try:
        if not path.parent.is_dir():
            raise InputError(f"{option}: there is no folder {file_name(path.parent)}")
        if not path.exists():
            return
        if not path.is_file():
            raise InputError(f"{option}: {name} is not a file")
        if any(it.exists() and path.samefile(it) for it in inputs):
            raise InputError(f"{option}: {name} is a file to be read")
        if not (path.stat().st_mode & 0o222 and os.access(path, os.W_OK)):
            raise InputError(f"{option}: {name} is write-protected")
    except ValueError:  # no file can be called that
        raise InputError(f"{option}: {name} is not the name of a file") from None
    except OSError as error:
        raise InputError(f"{option}: {name}: {error.strerror}") from None
