"""The command ``pwm``.

Exit code 0: done; 1: the answer is no, or the work failed; 2: bad usage or input.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml

from . import verify
from .book.build import BuildError, build, execute_chapters, load_pages
from .book.chapters import BookError, find_source, load_chapter, page_names, read_toc
from .book.execute import ChapterError, execute_all, write_unexecuted
from .commands.contracts import add_commands
from .commands.report import add_report
from .commands.sweep import add_sweep
from .figures.draw import FigureError, draw_figures
from .figures.pages import marked, place
from .figures.registry import RegistryError, get, load_registry
from .files import commit_time, locked
from .publish.archive import zip_site
from .publish.pdf import make_pdf
from .publish.release import NAME, release


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int | None = options.run(options)
    except (BookError, RegistryError) as error:
        print(f"pwm: {error}", file=sys.stderr)
        return 2
    except (BuildError, ChapterError, FigureError) as error:
        print(f"pwm: failed\n{error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # no room, no permission
        print(f"pwm: failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("pwm: interrupted", file=sys.stderr)
        return 1
    return code or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pwm", description="Work with the book and with contracts."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = commands.add_parser(
        "build",
        help="build the site",
        description="Execute the chapters that changed and build the site into DIR/html. "
        "If anything fails, the last good site stays in place.",
    )
    _add_build_options(command)
    kind = command.add_mutually_exclusive_group()
    kind.add_argument(
        "--quick",
        action="store_true",
        help="run with smaller grids in under a minute, and write to DIR/quick/html",
    )
    kind.add_argument(
        "--draft",
        action="store_true",
        help="leave out pages not written yet, let warnings pass, and write to DIR/draft/html",
    )
    command.set_defaults(run=_build)

    command = commands.add_parser(
        "execute",
        help="execute one chapter or run file",
        description="Execute one chapter (.md) or run file (.yml), and say where the result is.",
    )
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
    _add_build_options(command)
    command.set_defaults(run=_execute)

    add_report(commands)

    command = commands.add_parser(
        "pdf",
        help="print the built site as one PDF",
        description="Print the site in DIR/html as one PDF, DIR/paid-with-models.pdf. "
        "Needs Chromium.",
    )
    _add_build_dir(command)
    command.set_defaults(run=_pdf)

    command = commands.add_parser(
        "zip",
        help="pack the built site",
        description="Pack the site in DIR/html into DIR/paid-with-models.zip. Unpacked, it opens "
        "from disk, without a network.",
    )
    _add_build_dir(command)
    command.set_defaults(run=_zip)

    command = commands.add_parser(
        "figures",
        help="draw figures anew, without building the book",
        description="Draw the figures of record whose sources, parameters or data have changed, "
        "into DIR/figures/ID: SVG, PDF, PNG, the table behind it, and metadata.",
    )
    command.add_argument("ids", nargs="*", metavar="ID", help="default: all")
    command.add_argument("--list", action="store_true", help="print ids and titles, draw nothing")
    _add_build_options(command)
    command.set_defaults(run=_figures)

    command = commands.add_parser(
        "notebooks",
        help="write every chapter as an unexecuted notebook beside its source",
        description="Write every chapter as an unexecuted notebook (.ipynb) beside its source, "
        "where the site's launch links look for it.",
    )
    command.set_defaults(run=_notebooks)

    command = commands.add_parser(
        "verify",
        help="compare all numbers and tables with the reference values",
        description="Recompute what the book says and compare it with reference/, each number "
        "within its tolerance. Chapters run again where anything changed that they depend on. "
        "Exit code 1 if anything differs or is missing. The verdicts are in DIR/verify.json.",
    )
    command.add_argument(
        "--fresh", action="store_true", help="execute every chapter, whether or not it changed"
    )
    command.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    command.add_argument(
        "--update",
        action="store_true",
        help="show the difference, then make what was computed the reference",
    )
    _add_build_options(command)
    command.set_defaults(run=_verify)

    command = commands.add_parser(
        "release",
        help="make and test what is published with a version",
        description="Make wheel, source archive, site and figures (an RO-Crate) of the last commit "
        "from what is in DIR, test the wheel in a new environment, and replace the folder dist.",
    )
    command.add_argument("--no-test", action="store_true", help="leave out testing the wheel")
    _add_build_dir(command)
    command.set_defaults(run=_release)

    add_commands(commands)
    add_sweep(commands)
    return parser


def _add_build_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--build-dir", type=Path, default=Path("build"), metavar="DIR", help="default: build"
    )


def _add_build_options(command: argparse.ArgumentParser) -> None:
    _add_build_dir(command)
    command.add_argument(
        "--jobs", type=_positive, default=2, metavar="N", help="processes at a time; default: 2"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def _parameter(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError:
        raise argparse.ArgumentTypeError(f"{name}: not a YAML value: {value!r}") from None


def _root() -> Path:
    """Return the book's root, the current folder."""
    if not Path("_toc.yml").is_file():
        raise BookError(f"no _toc.yml in {Path.cwd()}: run this in the book's root folder")
    return Path()


def _build(options: argparse.Namespace) -> None:
    root, folder = _root(), options.build_dir
    with locked(folder, _say):
        build(root, folder, jobs=options.jobs, draft=options.draft, quick=options.quick)


def _execute(options: argparse.Namespace) -> None:
    root, overrides = _root(), dict(options.parameter)
    if not options.file.is_file():
        raise BookError(f"{options.file}: there is no such file")
    file = options.file.resolve()
    inside = file.is_relative_to(root.resolve())
    name = file.relative_to(root.resolve()).with_suffix("").as_posix() if inside else file.stem
    chapter = load_chapter(options.file, name, overrides)
    # What the book itself is made of is shared with the build, and only that.
    cache = options.build_dir / ("cache" if inside and not overrides else "cache-own")
    with locked(options.build_dir, _say):
        (result,) = execute_all([chapter], root, cache, jobs=1)
        if isinstance(result, ChapterError):
            raise result
        notebook = nbformat.read(result.notebook, as_version=4)
        shown = marked(notebook)
        place(notebook, draw_figures(root, options.build_dir, shown, jobs=options.jobs, say=_say))
    target = options.output or options.build_dir / "notebooks" / f"{name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    print(target)


def _verify(options: argparse.Namespace) -> int:
    root, folder = _root(), Path(verify.FOLDER)
    tolerances = verify.read_tolerances(root / folder)
    pages = load_pages(root, read_toc(root))
    with locked(options.build_dir, _say):
        # What was just made, beside what was at hand.
        place = options.build_dir / "fresh" if options.fresh else options.build_dir
        if options.fresh:
            shutil.rmtree(place, ignore_errors=True)
        executed = execute_chapters(pages, root, place / "cache", options.jobs, _say)
        drawn = draw_figures(root, place, jobs=options.jobs, say=_say)
        tables = {name: folder / f"{name}.csv" for name, folder in drawn.items()}
        findings = verify.check(executed, tables, root, options.build_dir)
    if options.json:
        print(verify.as_json(findings, tolerances), end="")
    else:
        print(*verify.describe(findings), sep="\n")
    if options.update:
        verify.update(*verify.read_results(executed, tables), root / folder)
        _say(f"wrote {root / folder}")
        return 0
    return 0 if verify.agrees(findings) else 1


def _say(line: str) -> None:
    """Say on stderr how the work goes: what the command prints is its answer."""
    print(line, file=sys.stderr)


def _site(build_dir: Path) -> Path:
    """Return the folder of the built site."""
    site = build_dir / "html"
    if not (site / "index.html").is_file():
        raise BookError(f"no site in {site}: run pwm build first")
    return site


def _pdf(options: argparse.Namespace) -> None:
    root, site = _root(), _site(options.build_dir)
    target = site.with_name(f"{NAME}.pdf")
    print(make_pdf(root, site, target, time=commit_time(root)))


def _zip(options: argparse.Namespace) -> None:
    site = _site(options.build_dir)
    print(zip_site(site, site.with_name(f"{NAME}.zip")))


def _figures(options: argparse.Namespace) -> None:
    root = _root()
    registry = load_registry(root)
    chosen = [get(registry, name) for name in options.ids] or list(registry.values())
    if options.list:
        width = max((len(record.id) for record in chosen), default=0)
        for record in chosen:
            print(f"{record.id:{width}}  {record.title}")
        return
    ids = [record.id for record in chosen]
    for folder in draw_figures(root, options.build_dir, ids, jobs=options.jobs).values():
        print(folder)


def _release(options: argparse.Namespace) -> None:
    root = _root()
    dist = release(root, options.build_dir, root / "dist", test=not options.no_test, say=_say)
    print(*sorted(dist.iterdir()), sep="\n")


def _notebooks(options: argparse.Namespace) -> None:
    root = _root()
    for name in page_names(read_toc(root)):
        if source := find_source(root, name):
            write_unexecuted(load_chapter(source, name), root / f"{name}.ipynb")


if __name__ == "__main__":
    sys.exit(main())
