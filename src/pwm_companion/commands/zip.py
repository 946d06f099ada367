"""``pwm zip``: the built site in one file."""

from __future__ import annotations

import argparse

from ..publish.archive import zip_site
from ..publish.release import NAME
from .common import add_build_dir, built_site

DESCRIPTION = (
    "Pack the site in DIR/html into DIR/paid-with-models.zip. Unpacked, it opens "
    "from disk, without a network."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_build_dir(command)


def run(options: argparse.Namespace) -> None:
    """Pack the site, and print where the archive is."""
    site = built_site(options.build_dir)
    print(zip_site(site, site.with_name(f"{NAME}.zip")))
