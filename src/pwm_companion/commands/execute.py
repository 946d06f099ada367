"""``pwm execute``: one chapter or run file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import nbformat
import yaml

from ..book.chapters import load_chapter
from ..book.execute import ChapterError, execute_all
from ..errors import BookError
from ..figures.draw import draw_figures
from ..figures.pages import marked, place
from ..files import locked
from .common import add_build_options, book_root, say

DESCRIPTION = "Execute one chapter (.md) or run file (.yml), and say where the result is."


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        help="give a parameter another value, written as in YAML; may be repeated",
    )
    command.add_argument("--output", type=Path, metavar="OUT.ipynb", help="write the result there")
    add_build_options(command)


def _parameter(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError:
        raise argparse.ArgumentTypeError(f"{name}: not a YAML value: {value!r}") from None


def run(options: argparse.Namespace) -> None:
    """Execute, and print where the result is."""
    root, overrides = book_root(), dict(options.parameter)
    if not options.file.is_file():
        raise BookError(f"{options.file}: there is no such file")
    file = options.file.resolve()
    inside = file.is_relative_to(root.resolve())
    name = file.relative_to(root.resolve()).with_suffix("").as_posix() if inside else file.stem
    chapter = load_chapter(options.file, name, overrides)
    # What the book itself is made of is shared with the build, and only that.
    cache = options.build_dir / ("cache" if inside and not overrides else "cache-own")
    with locked(options.build_dir, say):
        (result,) = execute_all([chapter], root, cache, jobs=1)
        if isinstance(result, ChapterError):
            raise result
        notebook = nbformat.read(result.notebook, as_version=4)
        shown = marked(notebook)
        place(notebook, draw_figures(root, options.build_dir, shown, jobs=options.jobs, say=say))
    target = options.output or options.build_dir / "notebooks" / f"{name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    print(target)
