"""How to cite one figure: BibTeX, RIS, and a caption for LaTeX.

All pin the version and the hash of the sources. Addresses are left out while there are none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


def key(about: Mapping[str, Any]) -> str:
    """Return the key that `bibtex` gives to a figure.

    Examples
    --------
    >>> key({"id": "fig-timeline", "version": "0.1.0"})
    'paid-with-models:fig-timeline:0.1.0'
    """
    return f"paid-with-models:{about['id']}:{about['version']}"


def _note(about: Mapping[str, Any], work: Work) -> str:
    return f"Figure {about['id']} of {work.title}, version {about['version']}"


def bibtex(about: Mapping[str, Any], work: Work) -> str:
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
        "note": f"Sources sha256:{about['source_sha256']}. {about['license']['name']}",
        "url": work.address(about["id"]),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key(about)},", *lines, "}"])


def ris(about: Mapping[str, Any], work: Work) -> str:
    """Return a RIS entry for a figure; parameters as for `bibtex`."""
    fields = {
        "TY": "FIGURE",
        "AU": about["author"],
        "TI": about["title"],
        "T2": work.title,
        "PY": work.year,
        "ET": about["version"],
        "ID": key(about),
        "N1": f"{about['id']}, sources sha256:{about['source_sha256']}",
        "C1": about["license"]["name"],
        "UR": work.address(about["id"]),
    }
    return "\n".join([f"{tag}  - {value}" for tag, value in fields.items() if value] + ["ER  - "])


def latex_caption(about: Mapping[str, Any]) -> str:
    """Return a LaTeX figure with the caption, citing the entry of `bibtex`."""
    name = about["id"]
    source = rf"Figure from~\cite{{{key(about)}}}, {about['license']['name']}."
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


def _latex(text: str) -> str:
    """Escape what stands outside formulas."""
    parts = re.split(r"(\$[^$]*\$)", text)
    return "".join(
        part if part.startswith("$") else "".join(LATEX.get(letter, letter) for letter in part)
        for part in parts
    )
