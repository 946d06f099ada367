"""How to cite the book, beside the files that say it too, and how to cite a figure."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pybtex.database import parse_string

from pwm_companion.pages import cite
from pwm_companion.pages.cite import Work, figure_bibtex, figure_key, figure_ris, latex_caption

ROOT = Path(__file__).parents[2]


def test_entry_of_the_paper_is_that_of_the_readme() -> None:
    (readme,) = re.findall(r"```bibtex\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert cite.book_bibtex(ROOT)[0] == readme


def test_version_comes_from_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cite.version(ROOT) == project["version"]
    assert f"version   = {{{project['version']}}}" in cite.book_bibtex(ROOT)[1]
    assert f"This is version {project['version']}." in cite.page(ROOT)
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == project["version"]


def test_citation_file_is_valid() -> None:
    """By cffconvert, which needs packages too old to be installed beside the others."""
    tool = [sys.executable, "-m", "uv", "tool", "run", "--from", "cffconvert==2.0.0", "cffconvert"]
    if subprocess.run([*tool, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("cffconvert cannot be had: no network?")
    run = subprocess.run(
        [*tool, "--validate"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "valid according to schema version 1.2.0" in run.stdout


def test_paper_is_what_citation_tools_prefer() -> None:
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cff["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "abstract", "version", "license"} <= set(cff)
    paper = cff["preferred-citation"]
    assert paper["type"] == "conference-paper"
    assert [it["family-names"] for it in paper["authors"]] == ["Wang", "Wu", "Liu", "Low"]
    assert paper["doi"] == "10.1609/aaai.v39i13.33552"
    assert (paper["volume"], paper["issue"]) == (39, 13)
    assert (paper["start"], paper["end"], paper["year"]) == (14176, 14183, 2025)


ABOUT: dict[str, Any] = {
    "id": "fig-time-types",
    "title": "Time & types, 50%",
    "version": "1.2.3",
    "author": "The authors",
    "caption": "Of $x_0$ & 50% – up to t_1",
    "source_sha256": "ab" * 32,
    "license": {"name": "CC BY 4.0"},
}


@pytest.mark.parametrize("site", ["", "https://example.org/book", "https://example.org/book/"])
def test_entries_hold_what_is_known(site: str) -> None:
    work = Work("A book", "2026", site)
    address = "https://example.org/book/figures/fig-time-types/" if site else None
    (entry,) = parse_string(figure_bibtex(ABOUT, work), "bibtex").entries.values()
    assert entry.key == figure_key(ABOUT)
    assert entry.fields["title"] == r"{Time \& types, 50\%}"
    assert entry.fields["year"] == "2026"
    assert entry.fields.get("url") == address
    assert "ab" * 32 in entry.fields["note"]
    lines = dict(line.split("  - ", 1) for line in figure_ris(ABOUT, work).splitlines())
    assert next(iter(lines)) == "TY"
    assert list(lines)[-1] == "ER"
    assert lines["TI"] == "Time & types, 50%"
    assert lines.get("UR") == address


def test_caption_for_latex_keeps_formulas_and_escapes_the_rest() -> None:
    text = latex_caption(ABOUT)
    assert r"Of $x_0$ \& 50\% -- up to t\_1" in text
    assert rf"\cite{{{figure_key(ABOUT)}}}" in text
    assert text.count("{") == text.count("}")
