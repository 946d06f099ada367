"""The chapter for a consortium of one's own, downloaded and run by papermill."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from companion.consortium import consortium_schema, example, read_consortium
from paid_with_models import solve


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
