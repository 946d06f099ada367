"""``pwm notebooks``: the chapters as notebooks to be run by hand."""

from __future__ import annotations

import argparse

from ..book.chapters import find_source, load_chapter, page_names, read_toc
from ..book.execute import write_unexecuted
from .common import book_root

DESCRIPTION = (
    "Write every chapter as an unexecuted notebook (.ipynb) beside its source, "
    "where the site's launch links look for it."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add nothing: the command takes all chapters."""


def run(options: argparse.Namespace) -> None:
    """Write the notebooks."""
    root = book_root()
    for name in page_names(read_toc(root)):
        if source := find_source(root, name):
            write_unexecuted(load_chapter(source, name), root / f"{name}.ipynb")
