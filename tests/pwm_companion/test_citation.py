"""What the book says about citing it, beside the files that say it too."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from pwm_companion.pages import cite as citation

ROOT = Path(__file__).parents[2]


def test_entry_of_the_paper_is_that_of_the_readme() -> None:
    (readme,) = re.findall(r"```bibtex\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert citation.bibtex(ROOT)[0] == readme


def test_version_comes_from_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation.version(ROOT) == project["version"]
    assert f"version   = {{{project['version']}}}" in citation.bibtex(ROOT)[1]
    assert f"This is version {project['version']}." in citation.page(ROOT)
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
