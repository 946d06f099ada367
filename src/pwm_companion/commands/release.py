"""``pwm release``: what is published with a version."""

from __future__ import annotations

import argparse

from ..publish.release import release
from .common import add_build_dir, book_root, say

DESCRIPTION = (
    "Make wheel, source archive, site and figures (an RO-Crate) of the last commit "
    "from what is in DIR, test the wheel in a new environment, and replace the folder dist."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("--no-test", action="store_true", help="leave out testing the wheel")
    add_build_dir(command)


def run(options: argparse.Namespace) -> None:
    """Make the release, and print its files."""
    root = book_root()
    dist = release(root, options.build_dir, root / "dist", test=not options.no_test, say=say)
    print(*sorted(dist.iterdir()), sep="\n")
