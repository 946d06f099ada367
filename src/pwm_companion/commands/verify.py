"""``pwm verify``: the book beside its reference values."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from .. import verify
from ..book.build import load_pages, make_all
from ..book.chapters import read_toc
from ..book.site import restore
from ..compare import read_tolerances
from .common import add_build_options, book_root, say, working_in

DESCRIPTION = (
    "Recompute what the book says and compare it with reference/, each number "
    "within its tolerance. Chapters run again where anything changed that they depend on. "
    "Exit code 1 if anything differs or is missing. The verdicts are in DIR/verify.json."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument(
        "--fresh", action="store_true", help="execute every chapter, whether or not it changed"
    )
    command.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    command.add_argument(
        "--update",
        action="store_true",
        help="show the difference, then make what was computed the reference",
    )
    add_build_options(command)


def run(options: argparse.Namespace) -> int:
    """Compare, print what is not identical, and say whether all agrees."""
    root, folder = book_root(), Path(verify.FOLDER)
    restore(root / folder)
    tolerances = read_tolerances(root / folder)
    pages = load_pages(root, read_toc(root))
    with working_in(root, options.build_dir):
        # What was just made, beside what was at hand.
        place = options.build_dir / "fresh" if options.fresh else options.build_dir
        if options.fresh:
            shutil.rmtree(place, ignore_errors=True)
        executed, drawn = make_all(pages, root, place / "cache", place, options.jobs, say)
        tables = {name: folder / f"{name}.csv" for name, folder in drawn.items()}
        findings = verify.check(executed, tables, root, options.build_dir)
    if options.json:
        print(verify.as_json(findings, tolerances), end="")
    else:
        print(*verify.describe(findings), sep="\n")
    if options.update:
        verify.update(*verify.read_results(executed, tables), root / folder)
        say(f"wrote {root / folder}")
        return 0
    return 0 if verify.agrees(findings) else 1
