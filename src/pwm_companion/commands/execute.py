"""``pwm execute``: one chapter or run file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import nbformat

from paid_with_models.texts import shown

from ..book.build import RUN_TIME, book_names, describe_run_time, load_pages
from ..book.chapters import RUN_FILES, Chapter, load_chapter, read_toc
from ..book.execute import ChapterError, execute_all
from ..book.readable import readable
from ..errors import BookError
from ..figures.draw import draw_figures
from ..figures.pages import dress, marked
from ..figures.registry import load_registry
from ..files import cache_key, write_whole
from ..yaml_files import read_value
from .common import add_build_options, book_root, check_output, print_path, say, working_in

DESCRIPTION = (
    "Execute one chapter (.md) or run file (.yml), and say where the result is: a notebook that "
    "any program shows, numbers in its prose. Paths in parameters are relative to this folder."
)


#: What an executed chapter is known by: it says so at its top.
MARK = "A chapter of "


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
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {shown(text)}")
    try:
        return name, read_value(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{name}: not a YAML value: {shown(value)}") from None


def run(options: argparse.Namespace) -> None:
    """Execute, and print where the result is."""
    root, overrides = book_root(), dict(options.parameter)
    if not options.file.is_file():
        raise BookError(f"{options.file}: there is no such file")
    if options.file.suffix not in (".md", *RUN_FILES):
        rule = "must be a chapter, whose name ends in .md, or a run file, in .yml"
        raise BookError(f"{options.file}: {rule}")
    file = options.file.resolve()
    inside = file.is_relative_to(root.resolve())
    name = file.relative_to(root.resolve()).with_suffix("").as_posix() if inside else file.stem
    chapter = load_chapter(options.file, name, overrides)
    # Runs with other parameters do not write over each other.
    own = f"-{cache_key(overrides)[:8]}" if overrides else ""
    target = options.output or options.build_dir / "notebooks" / f"{name}{own}.ipynb"
    if options.output:
        _check_output(target, chapter)
    # What the book itself is made of is shared with the build, and only that.
    cache = options.build_dir / ("cache" if inside and not overrides else "cache-own")
    with working_in(root, options.build_dir):
        (result,) = execute_all([chapter], root, cache, jobs=1)
        if isinstance(result, ChapterError):
            raise result
        notebook = nbformat.read(result.notebook, as_version=4)
        marks = marked(notebook)
        drawn = draw_figures(root, options.build_dir, marks, jobs=options.jobs, say=say)
        dress(notebook, name, load_registry(root), drawn, options.build_dir)
        for cell in notebook.cells:
            cell.source = cell.source.replace(RUN_TIME, describe_run_time(result.seconds))
        names = book_names(load_pages(root, read_toc(root)), root)
        fresh = readable(notebook, name, names, chapter.parameters)
        write_whole(target, nbformat.writes(fresh) + "\n")
    print_path(target)


def _check_output(target: Path, chapter: Chapter) -> None:
    """Refuse to write over anything but a notebook of this command, and over what is to be read."""
    if target.suffix != ".ipynb":
        raise BookError(f"--output: {target} must be called OUT.ipynb")
    read = chapter.source, chapter.template, *chapter.inputs, *chapter.named
    check_output("--output", target, *read, mark=MARK)
