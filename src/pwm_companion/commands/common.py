"""What several commands need: their options, the book's root, where to say how work goes."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import BookError
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
        "--jobs", type=_positive, default=2, metavar="N", help="processes at a time; default: 2"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
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
    """Return the folder of the built site."""
    site = build_dir / "html"
    if not (site / "index.html").is_file():
        raise BookError(f"no site in {site}: run pwm build first")
    return site


def say(line: str) -> None:
    """Say on stderr how the work goes: what the command prints is its answer."""
    print(line, file=sys.stderr)
