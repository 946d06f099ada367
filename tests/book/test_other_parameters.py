"""Chapters run with other parameters say what is true of these, and refuse what cannot be."""

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from paid_with_models import solve
from paid_with_models.paper.scenarios import SCENARIOS, Scenario
from pwm_companion import cli
from pwm_companion.book.chapters import load_chapter
from pwm_companion.consortium.file import example
from pwm_companion.yaml_files import read_yaml

from .conftest import ROOT

RUNS = sorted((ROOT / "book/experiments").glob("*.yml"))


def execute(build: Path, file: str, *parameters: str) -> int:
    """Run ``pwm execute`` in the book's root."""
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        options = [it for parameter in parameters for it in ("-p", parameter)]
        output = ["--output", str(build / "out.ipynb"), "--build-dir", str(build)]
        return cli.main(["execute", file, *options, *output])
    finally:
        os.chdir(before)


def text_of(notebook: Path) -> str:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(it["source"]) for it in cells if it["cell_type"] == "markdown")


ODD = [
    ["costs=[2.0, 1.6, 1.2, 0.8, 0.4]"],  # nobody trains alone
    ["n_parties=1", "probabilities=[1.0]", "costs=[0.1]"],
    ["n_parties=6", "value_scale=5e1"],
    ["costs=[50.0, 40.0, 30.0, 20.0, 10.0]"],  # nothing is worth its cost
    ["n_parties=3", "probabilities=[0.9, 0.1]", "costs=[0.5, 0.01]", "optimum=0.7"],
]


@pytest.mark.parametrize("parameters", ODD if "LONG" in os.environ else ODD[:2])
def test_a_scenario_with_other_parameters(parameters: list[str], tmp_path: Path) -> None:
    assert execute(tmp_path, "book/experiments/big_firm_cooperation.yml", *parameters) == 0
    text = text_of(tmp_path / "out.ipynb")
    own = read_yaml(ROOT / "book/experiments/big_firm_cooperation.yml")["text"]
    front = (ROOT / "book/experiments/scenario.md").read_text(encoding="utf-8").split("---\n")[1]
    general = " ".join(
        " ".join(str(it).split()) for it in yaml.safe_load(front)["otherwise"].values()
    )
    for key, said in own.items():
        for sentence in " ".join(str(said).split()).split(". "):
            # What is said of any parameters may be said of the published ones too.
            if len(sentence) > 40 and sentence.rstrip(".") not in general:
                assert sentence not in " ".join(text.split()), key
    usual = SCENARIOS["big_firm_cooperation"]
    stated = {
        name: json.loads(value) for name, _, value in (it.partition("=") for it in parameters)
    }
    setting = Scenario(
        **{
            "name": "x",
            "title": "x",
            "costs": usual.costs,
            **{key: tuple(it) if isinstance(it, list) else it for key, it in stated.items()},
        }
    )
    contract = solve(setting.problem())
    parties = {10: "ten"}.get(setting.n_parties, setting.n_parties)
    assert f"The number of parties is {parties}." in " ".join(text.split())
    assert f"an expected accuracy of {contract.expected_accuracy:.4f}" in text
    nobody = contract.reservation_contributions.max() == 0
    assert ("every type would train a model" in text) == bool(
        contract.reservation_contributions.min() > 0
    )
    if nobody:
        assert "none of them would train anything" in text


def test_texts_of_run_files_are_for_the_published_parameters() -> None:
    """Copied and given other parameters, a run file says only what is true of any."""
    for path in RUNS:
        run = read_yaml(path)
        assert run["written_for"] == run["parameters"]
        published = SCENARIOS[path.stem]
        assert tuple(run["written_for"]["costs"]) == published.costs
        changed = load_chapter(path, "x", {"n_parties": 7})
        words = " ".join(cell.source for cell in changed.notebook.cells)
        assert "has its own parameters" in words
        assert run["text"]["story"] not in words


def test_a_file_that_a_parameter_names_is_part_of_what_a_run_depends_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And its path is relative to where the user stands."""
    for name in ("hospitals.yaml", "hospitals.csv"):
        shutil.copy(example(name), tmp_path / name)
    chapter = "book/beyond/design_your_own.md"
    here = os.path.relpath(tmp_path, ROOT)
    assert execute(tmp_path, chapter, f"consortium={here}/hospitals.yaml") == 0
    assert "8 parties of 3 types" in (tmp_path / "out.ipynb").read_text()
    file = tmp_path / "hospitals.yaml"
    file.write_text(file.read_text().replace("n_parties: 8", "n_parties: 20"))
    assert execute(tmp_path, chapter, f"consortium={here}/hospitals.yaml") == 0
    assert "20 parties of 3 types" in (tmp_path / "out.ipynb").read_text()
    loaded = load_chapter(ROOT / chapter, "x", {"consortium": str(file)})
    assert {it.name for it in loaded.named} == {"hospitals.yaml", "hospitals.csv"}


@pytest.mark.parametrize(
    ("file", "parameter", "message"),
    [
        ("book/experiments/big_firm_cooperation.yml", "n_parties=0", "n_parties must be"),
        ("book/experiments/big_firm_cooperation.yml", "n_parties=-1", "n_parties must be"),
        ("book/experiments/big_firm_cooperation.yml", "costs=[1.0]", "one entry per cost"),
        ("book/experiments/big_firm_cooperation.yml", "optimum=1.5", "optimum must be"),
        ("book/experiments/big_firm_cooperation.yml", "value_scale=.nan", "must be a float"),
        ("book/experiments/big_firm_cooperation.yml", "n_parties=100000", "too many"),
        ("book/experiments/two_types.md", "largest=1", "largest must be from 10 to"),
        ("book/beyond/design_your_own.md", "consortium=none.yaml", "none.yaml"),
        ("book/beyond/behavior.md", "aversions=1", "aversions must be from 2 to"),
        ("book/beyond/behavior.md", "margins=[0.0, 4.0]", "2 and 4 among them"),
        ("book/beyond/behavior.md", "margins=[2.0, 4.0, 5.0]", "must be from 0 to 4"),
        ("book/beyond/real_models.md", "refits=41", "refits must be from 2 to 40"),
        ("book/beyond/real_models.md", "trainings=1", "trainings must be from 10 to"),
        ("book/motivation.md", "n_parties=3", "unknown parameter 'n_parties'"),
    ],
)
def test_values_are_checked_before_anything_runs(
    file: str,
    parameter: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("pwm_companion.commands.execute.execute_all", lambda *_, **__: 1 / 0)
    assert execute(tmp_path, file, parameter) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
