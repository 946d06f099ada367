"""How to cite: entries made from ``CITATION.cff``, the version from ``pyproject.toml``."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .chapters import read_yaml

#: Where a page wants the entries.
PLACE = "<!-- citation -->"


def version(root: Path) -> str:
    """Return the version of the book and the library, which stands in ``pyproject.toml`` alone."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def bibtex(root: Path) -> tuple[str, str]:
    """Return the entries of the paper and of the companion, in this order."""
    cff = read_yaml(root / "CITATION.cff")
    paper = cff["preferred-citation"]
    return (
        _entry(
            "inproceedings",
            f"wang{paper['year']}paid",
            {
                "title": paper["title"],
                "author": _authors(paper),
                "booktitle": paper["collection-title"],
                "volume": paper["volume"],
                "number": paper["issue"],
                "pages": f"{paper['start']}--{paper['end']}",
                "year": paper["year"],
                "doi": paper["doi"],
                "note": ", ".join(it["value"] for it in paper["identifiers"]),
            },
        ),
        _entry(
            "software",
            "paidwithmodels-companion",
            {
                "title": cff["title"],
                "author": _authors(cff),
                "version": version(root),
                "license": cff["license"],
            },
        ),
    )


def _authors(work: Mapping[str, Any]) -> str:
    people = [
        f"{{{it['name']}}}" if "name" in it else f"{it['family-names']}, {it['given-names']}"
        for it in work["authors"]
    ]
    return " and ".join(people)


def _entry(kind: str, key: str, fields: Mapping[str, object]) -> str:
    lines = [f"  {name:<9} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def page(root: Path) -> str:
    """Return the entries as MyST text, with the version."""
    paper, companion = bibtex(root)
    return "\n".join(
        [
            "## The paper",
            "",
            f"```bibtex\n{paper}\n```",
            "",
            "## This companion",
            "",
            f"This is version {version(root)}.",
            "",
            f"```bibtex\n{companion}\n```",
            "",
        ]
    )
