"""The chapter for a consortium of one's own, downloaded and run by papermill."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from paid_with_models import solve
from pwm_companion import cli
from pwm_companion.consortium.file import consortium_schema, example, read_consortium
from pwm_companion.verify import read_notebook

from .conftest import ROOT


def test_another_consortium_by_papermill(site: Path, tmp_path: Path) -> None:
    download, out = site / "_sources/book/beyond/design_your_own.ipynb", tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(download), str(out), "-k", "python3"]
    command += ["-p", "consortium", str(example("banks.yaml")), "--log-level", "ERROR"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text, banks = out.read_text(encoding="utf-8"), read_consortium(example("banks.yaml"))
    assert banks.title in text
    assert all(name in text for name in banks.names)
    contract = solve(banks.problem)
    assert f"{contract.contributions.max():.1f}" in text
    assert f"{contract.expected_accuracy:.4f}" in text


def test_a_type_that_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no share of the model's value, and no part in the scheme in use."""
    file, out = tmp_path / "consortium.yaml", tmp_path / "out.ipynb"
    file.write_text(LEFT_OUT)
    monkeypatch.chdir(ROOT)
    command = ["execute", "book/beyond/design_your_own.md", "-p", f"consortium={file}"]
    build = ["--build-dir", str(tmp_path / "build")]
    assert cli.main([*command, "--output", str(out), *build]) == 0
    shown = read_notebook(out).shown
    (*_, small, large) = shown["The menu, table 1"]
    assert (small[1], float(small[-1])) == ("yes", 1)
    assert (large[1], *map(float, large[2:])) == ("no", 0, 0, 0)
    (verdict,), *_ = shown["The scheme in use, text 1"]
    assert verdict.startswith("satisfied")


LEFT_OUT = """\
title: One stays out
n_parties: 5
types:
  - {name: small, probability: 0.6, cost: 0.2}
  - {name: large, probability: 0.4, cost: 0.1, outside: 500}
accuracy: {name: GeneralizationBound}
present:
  contributions: [150, 0]
  rewards: [60, 0]
"""


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        (["consortum", "mine.yaml"], "consortum is not a parameter; known are consortium"),
        (["consortium", "5"], "consortium must be of type str; got 5"),
    ],
)
def test_parameters_that_papermill_would_let_pass(
    site: Path, tmp_path: Path, parameter: list[str], message: str
) -> None:
    download = site / "_sources/book/beyond/design_your_own.ipynb"
    command = [sys.executable, "-m", "papermill", str(download), str(tmp_path / "out.ipynb")]
    command += ["-k", "python3", "-p", *parameter, "--log-level", "ERROR"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode != 0
    assert message in done.stderr


def test_the_report_on_the_example_is_what_the_command_writes(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert cli.main(["report", str(example("hospitals.yaml")), "--output", str(out)]) in (None, 0)
    published = BeautifulSoup((site / "examples/hospitals.html").read_bytes(), "html.parser")
    written = BeautifulSoup(out.read_bytes(), "html.parser")
    assert published.get_text() == written.get_text()
    page = BeautifulSoup((site / "book/beyond/design_your_own.html").read_bytes(), "html.parser")
    assert "../../examples/hospitals.html" in [link["href"] for link in page.select("article a")]


def test_the_schema_and_the_examples_are_published(site: Path) -> None:
    chapter = site / "book/beyond/design_your_own.html"
    page = BeautifulSoup(chapter.read_bytes(), "html.parser")
    links = [it["href"] for it in page.find_all("a", href=True)]
    schema = json.loads((site / "schemas/consortium.schema.json").read_text(encoding="utf-8"))
    assert schema == consortium_schema()
    assert "../../schemas/consortium.schema.json" in links
    for name in ("hospitals.yaml", "hospitals.csv", "banks.yaml"):
        assert f"../../examples/{name}" in links
        assert (site / "examples" / name).read_bytes() == example(name).read_bytes()
