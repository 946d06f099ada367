"""``pwm pdf``: the built site as one PDF."""

from __future__ import annotations

import argparse

from ..files import commit_time
from ..publish.pdf import add_to_site, make_pdf
from ..publish.release import NAME
from .common import add_build_dir, book_root, built_site

DESCRIPTION = (
    "Print the chapters of the site in DIR/html as one PDF, DIR/paid-with-models.pdf, and link it "
    "from the site. Needs Chromium."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_build_dir(command)


def run(options: argparse.Namespace) -> None:
    """Print the PDF, and print where it is."""
    root, site = book_root(), built_site(options.build_dir)
    pdf = make_pdf(root, site, site.with_name(f"{NAME}.pdf"), time=commit_time(root))
    add_to_site(pdf, root, options.build_dir)
    print(pdf)
