"""How to cite the book, beside the files that say it too, and how to cite a figure."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pybtex.database import parse_string

from pwm_companion.figures.registry import fill, load_registry
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
    address = "https://example.org/book/1.2.3/figures/fig-time-types/" if site else None
    (entry,) = parse_string(figure_bibtex(ABOUT, work), "bibtex").entries.values()
    assert entry.key == figure_key(ABOUT)
    assert entry.fields["title"] == r"{Time \& types, 50\%}"
    assert entry.fields["year"] == "2026"
    assert entry.fields.get("url") == address
    # BibTeX styles print notes, and no field that they do not know.
    assert entry.fields["note"] == "CC BY 4.0"
    assert entry.fields["sha256"] == "ab" * 32
    lines = dict(line.split("  - ", 1) for line in figure_ris(ABOUT, work).splitlines())
    assert next(iter(lines)) == "TY"
    assert list(lines)[-1] == "ER"
    assert lines["TI"] == "Time & types, 50%"
    assert lines.get("UR") == address


def test_the_companion_s_entry_has_a_year_and_an_address_once_there_is_one(
    tmp_path: Path,
) -> None:
    for name in ("CITATION.cff", "_config.yml", "pyproject.toml"):
        text = (ROOT / name).read_text()
        (tmp_path / name).write_text(text.replace('site_url = ""', 'site_url = "https://x.org/"'))
    (entry,) = parse_string(cite.book_bibtex(tmp_path)[1], "bibtex").entries.values()
    assert re.fullmatch(r"20\d\d", entry.fields["year"])
    assert entry.fields["url"] == "https://x.org/"
    (entry,) = parse_string(cite.book_bibtex(ROOT)[1], "bibtex").entries.values()
    assert "url" not in entry.fields or "https://" in entry.fields["url"]


#: What LaTeX itself has of what captions use; amsmath and amssymb have more.
MACROS = set(
    re.findall(
        r"\\\w+",
        r"""\alpha \beta \gamma
        \delta \epsilon \eta \theta \lambda \mu \nu \pi \rho \sigma \tau \phi
        \psi \omega \Gamma \Delta \Theta \Lambda \Pi \Sigma \Phi \Psi \Omega \ge \le \ne \in
        \to \times
        \cdot \cdots \dots \ldots \infty \frac \sqrt \sum \prod \int \hat \bar \tilde \max \min \log
        \ln \exp \mathrm \mathbf \left \right \approx \sim \pm \mid \prime \quad \cite \begin \end
        \centering \caption \label \includegraphics \linewidth""",
    )
)


def test_captions_compile_in_a_plain_article() -> None:
    """With nothing but graphicx: no macro is from amsmath or amssymb."""
    assert (
        latex_caption(ABOUT | {"caption": r"$a_\text{opt} \tfrac12$"}).count(r"\mathrm{opt}") == 1
    )
    for name, record in load_registry(ROOT).items():
        caption = fill(record.caption, {}, missing="1")
        text = latex_caption(ABOUT | {"id": name, "caption": caption})
        assert set(re.findall(r"\\[a-zA-Z]+", text)) <= MACROS, name
        assert text.count("{") == text.count("}")
        outside = "".join(re.split(r"\$[^$]*\$", text)[::2])
        assert not set(outside) & set("^⁰¹²³⁴⁵⁶⁷⁸⁹⁻−≥≤×·"), name


def test_files_for_archives_say_what_the_citation_file_says() -> None:
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    codemeta, zenodo = (
        json.loads((ROOT / name).read_text()) for name in ("codemeta.json", ".zenodo.json")
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    doi = f"https://doi.org/{cff['preferred-citation']['doi']}"
    assert codemeta["@context"] == "https://doi.org/10.5063/schema/codemeta-2.0"
    assert codemeta["@type"] == "SoftwareSourceCode"
    for said in (codemeta["name"], zenodo["title"]):
        assert said == cff["title"]
    for said in (codemeta["description"], zenodo["description"]):
        assert said == " ".join(cff["abstract"].split())
    assert codemeta["version"] == zenodo["version"] == cff["version"] == project["version"]
    assert codemeta["license"].endswith("/MIT")
    assert zenodo["license"] == cff["license"]
    assert codemeta["keywords"] == zenodo["keywords"] == cff["keywords"]
    assert codemeta["referencePublication"]["@id"] == doi
    assert {it["identifier"]: it["relation"] for it in zenodo["related_identifiers"]} == {
        cff["preferred-citation"]["doi"]: "isSupplementTo"
    }
    assert [it["name"] for it in zenodo["creators"]] == [it["name"] for it in cff["authors"]]
    assert codemeta["author"][0]["name"] == cff["authors"][0]["name"]
    assert codemeta["softwareRequirements"] == f"Python {project['requires-python']}"


def test_the_article_about_the_software_is_of_the_right_length_and_cites_what_exists() -> None:
    """As the Journal of Open Source Software wants it: 750 to 1,000 words, with these sections."""
    text = (ROOT / "paper.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    words = re.findall(
        r"[\w’'-]+", re.sub(r"```.*?```|\[@[^\]]*\]|# References", " ", body, flags=re.S)
    )
    assert 750 <= len(words) <= 1000, len(words)
    meta = yaml.safe_load(front)
    assert {"title", "tags", "authors", "affiliations", "date", "bibliography"} <= set(meta)
    headings = re.findall(r"^# (.+)$", body, re.MULTILINE)
    assert headings[:2] == ["Summary", "Statement of need"]
    assert headings[-1] == "References"
    keys = set(re.findall(r"@([\w:-]+)", body))
    assert keys
    assert keys <= set(parse_string((ROOT / meta["bibliography"]).read_text(), "bibtex").entries)


def test_caption_for_latex_keeps_formulas_and_escapes_the_rest() -> None:
    text = latex_caption(ABOUT)
    assert r"Of $x_0$ \& 50\% -- up to t\_1" in text
    assert rf"\cite{{{figure_key(ABOUT)}}}" in text
    assert text.count("{") == text.count("}")
