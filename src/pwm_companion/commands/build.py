"""``pwm build``: the site."""

from __future__ import annotations

import argparse

from ..book import unchanged
from .common import add_build_options, book_root, working_in

DESCRIPTION = (
    "Execute the chapters that changed and build the site into DIR/html. "
    "If anything fails, the last good site stays in place."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_build_options(command)
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


def run(options: argparse.Namespace) -> None:
    """Build."""
    root, folder = book_root(), options.build_dir
    with working_in(root, folder):
        home = unchanged.home_of(folder, draft=options.draft, quick=options.quick)
        if unchanged.is_unchanged(root, folder, home):
            print(unchanged.up_to_date(home / "html"))
            return
        from ..book.build import build  # takes seconds to import

        build(root, folder, jobs=options.jobs, draft=options.draft, quick=options.quick)
