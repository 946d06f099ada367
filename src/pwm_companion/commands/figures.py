"""``pwm figures``: the figures of record."""

from __future__ import annotations

import argparse

from ..figures.draw import draw_figures
from ..figures.registry import get, load_registry
from .common import add_build_options, book_root

DESCRIPTION = (
    "Draw the figures of record whose sources, parameters or data have changed, "
    "into DIR/figures/ID: SVG, PDF, PNG, the table behind it, and metadata."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("ids", nargs="*", metavar="ID", help="default: all")
    command.add_argument("--list", action="store_true", help="print ids and titles, draw nothing")
    add_build_options(command)


def run(options: argparse.Namespace) -> None:
    """Draw, and print the figures' folders."""
    root = book_root()
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
