"""How to cite a figure, and the book."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..yaml_files import read_yaml

#: Where a page wants the entries.
PLACE = "<!-- citation -->"


def version(root: Path) -> str:
    """Return the version of the book and the library, which stands in ``pyproject.toml`` alone."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def book_bibtex(root: Path) -> tuple[str, str]:
    """Return the entries of the paper and of the companion, in this order.

    The companion's has its public address, or else that of its repository, once there is one.
    """
    cff = read_yaml(root / "CITATION.cff")
    pyproject = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    public = pyproject.get("tool", {}).get("pwm", {})
    address = public.get("site_url") or public.get("repository_url")
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
                "year": read_yaml(root / "_config.yml")["copyright"],
                "version": version(root),
                "license": cff["license"],
                **({"url": address} if address else {}),
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
    paper, companion = book_bibtex(root)
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


#: Characters that LaTeX does not take as they are, outside formulas.
LATEX = {"%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_", "–": "--", "—": "---", "…": r"\dots{}"}


@dataclass(frozen=True)
class Work:
    """The work that a figure is part of.

    Attributes
    ----------
    title
        Of the book.
    year
        Of publication.
    site
        Its public address, with a slash at the end; empty while there is none.
    """

    title: str
    year: str
    site: str = ""

    def address(self, figure_id: str) -> str:
        """The address of a figure's page; empty while there is none."""
        return f"{self.site.rstrip('/')}/figures/{figure_id}/" if self.site else ""

    def kept_address(self, figure_id: str, version: str) -> str:
        """The address at which a version of a figure stays when the book goes on.

        Each release is published below its number, see ``.github/workflows/pages.yml``.
        """
        return f"{self.site.rstrip('/')}/{version}/figures/{figure_id}/" if self.site else ""


def figure_key(about: Mapping[str, Any]) -> str:
    """Return the key that `figure_bibtex` gives to a figure.

    Examples
    --------
    >>> figure_key({"id": "fig-timeline", "version": "0.1.0"})
    'paid-with-models:fig-timeline:0.1.0'
    """
    return f"paid-with-models:{about['id']}:{about['version']}"


def _note(about: Mapping[str, Any], work: Work) -> str:
    return f"Figure {about['id']} of {work.title}, version {about['version']}"


def figure_bibtex(about: Mapping[str, Any], work: Work) -> str:
    """Return a BibTeX entry for a figure.

    Parameters
    ----------
    about
        What the figure's ``metadata.json`` says.
    work
        What it is part of.
    """
    fields = {
        "author": f"{{{_latex(about['author'])}}}",
        "title": f"{{{_latex(about['title'])}}}",
        "year": work.year,
        "version": about["version"],
        "howpublished": _latex(_note(about, work)),
        "note": about["license"]["name"],
        "url": work.kept_address(about["id"], about["version"]),
        # Styles do not print what they do not know: 64 digits would stand over the next column.
        "sha256": about["source_sha256"],
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{figure_key(about)},", *lines, "}"])


def figure_ris(about: Mapping[str, Any], work: Work) -> str:
    """Return a RIS entry for a figure; parameters as for `figure_bibtex`."""
    fields = {
        "TY": "FIGURE",
        "AU": about["author"],
        "TI": about["title"],
        "T2": work.title,
        "PY": work.year,
        "ET": about["version"],
        "ID": figure_key(about),
        "N1": f"{about['id']}, sources sha256:{about['source_sha256']}",
        "C1": about["license"]["name"],
        "UR": work.kept_address(about["id"], about["version"]),
    }
    return "\n".join([f"{tag}  - {value}" for tag, value in fields.items() if value] + ["ER  - "])


def latex_caption(about: Mapping[str, Any]) -> str:
    """Return a LaTeX figure with the caption, citing the entry of `figure_bibtex`."""
    name = about["id"]
    source = rf"Figure from~\cite{{{figure_key(about)}}}, {about['license']['name']}."
    return "\n".join(
        [
            r"\begin{figure}",
            r"  \centering",
            rf"  \includegraphics[width=\linewidth]{{{name}.pdf}}",
            rf"  \caption{{{_latex(about['caption'])} {source}}}",
            rf"  \label{{{name}}}",
            r"\end{figure}",
        ]
    )


#: Macros of amsmath, which an article need not load, and what LaTeX itself has for them here.
PLAIN = {
    r"\text{": r"\mathrm{",
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
    r"\operatorname{": r"\mathrm{",
}


def _latex(text: str) -> str:
    """Escape what stands outside formulas, and write these without amsmath."""
    parts = re.split(r"(\$[^$]*\$)", text)
    return "".join(
        _plain_formula(part)
        if part.startswith("$")
        else "".join(LATEX.get(letter, letter) for letter in part)
        for part in parts
    )


def _plain_formula(formula: str) -> str:
    for macro, other in PLAIN.items():
        formula = formula.replace(macro, other)
    return formula
