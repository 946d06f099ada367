"""``pwm report``: the page, and what is refused."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from bs4 import BeautifulSoup

from companion import cli, report
from companion.consortium import consortium_schema, example, read_consortium
from paid_with_models import GeneralizationBound, Problem, proportional_rewards, solve
from paid_with_models.interchange import CURVES

STATED: dict[str, Any] = {
    "title": "Two types",
    "n_parties": 5,
    "types": [
        {"name": "small", "probability": 0.6, "cost": 0.2},
        {"name": "large", "probability": 0.4, "cost": 0.1},
    ],
    "accuracy": {"name": "GeneralizationBound"},
}
CSV = "data,accuracy\n10,0.3\n100,0.6\n1000,0.8\n"


def write(folder: Path, data: Any) -> Path:
    path = folder / "consortium.yaml"
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False))
    return path


def make(path: Path) -> BeautifulSoup:
    output = path.with_suffix(".html")
    assert cli.main(["report", str(path), "--output", str(output)]) == 0
    return BeautifulSoup(output.read_text(), "html.parser")


@pytest.mark.parametrize("name", ["hospitals.yaml", "banks.yaml"])
def test_examples(tmp_path: Path, name: str) -> None:
    output = tmp_path / "report.html"
    assert cli.main(["report", str(example(name)), "--output", str(output)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    page = BeautifulSoup(output.read_text(), "html.parser")
    contract = solve(read_consortium(example(name)).problem)
    text = page.get_text(" ")
    assert "proved optimal" in text
    assert f"{contract.expected_accuracy:.9g}" in text
    assert page.svg["role"] == "img"
    assert page.svg["aria-label"]
    heads = [head.text for head in page.find_all("h2")]
    assert ("The scheme in use" in heads) == (name == "hospitals.yaml")
    assert not page.find_all(["script", "link", "img", "iframe"])
    assert "http" not in output.read_text()


def test_outside_options_of_a_table_of_parties() -> None:
    problem = read_consortium(example("banks.yaml")).problem
    assert problem.n_parties == 6
    assert problem.probabilities == pytest.approx([1 / 2, 1 / 3, 1 / 6])
    assert problem.outside_options[1] == 70


def test_text_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'&"
    data = STATED | {
        "title": evil,
        "data_unit": "<b>samples",
        "value_unit": "<script>x</script>",
        "types": [STATED["types"][0] | {"name": evil}, STATED["types"][1]],
        "present": {"contributions": [1, 1], "rewards": [1, 1]},
    }
    page = make(write(tmp_path, data))
    assert not page.find_all(["script", "b"])
    assert page.h1.text == f"{evil}: the best contract"


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_drawn_rewards_are_those_of_the_exact_distribution(beliefs: Any) -> None:
    problem = Problem(6, [0.5, 0.3, 0.2], [0.4, 0.2, 0.1], GeneralizationBound(), beliefs=beliefs)
    contract = solve(problem)
    exact, drawn = proportional_rewards(contract), report.reward_spread(contract)
    error = exact.standard_deviations / np.sqrt(report.DRAWS)
    assert np.all(np.abs(drawn.means - exact.means) < 5 * error + 1e-9)
    for i in range(3):
        for level, value in zip(report.LEVELS, drawn.levels[i], strict=True):
            seen, values = exact.probabilities[:, i], exact.values[:, i]
            # The exact distribution has atoms: the level lies between below and up to the value.
            assert seen[values < value - 1e-9].sum() < level + 0.02
            assert seen[values <= value + 1e-9].sum() > level - 0.02


def test_each_variant_changes_one_assumption() -> None:
    problem = read_consortium(example("hospitals.yaml")).problem
    contract = solve(problem)
    accuracy = [solve(it).expected_accuracy for it in report.variants(problem).values()]
    assert len(set(accuracy)) == len(accuracy)
    cheap, dear, few, many, *_, worse = accuracy
    assert dear < contract.expected_accuracy < cheap
    assert few < contract.expected_accuracy < many
    assert worse < contract.expected_accuracy


def test_every_curve_has_a_lower_one() -> None:
    given = {"PowerLaw": (0.9, 1.0, 0.5), "Saturating": ((0.5,), (0.1,))}
    for name, kind in CURVES.items():
        curve: Any = kind(*given.get(name, ()))
        lower = report._lower(curve)
        assert lower.optimum == pytest.approx(0.95 * curve.optimum)
        assert lower(500.0) < curve(500.0)


def test_a_fit_to_perfect_points_stays_below_one(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("data,accuracy\n1,0.9\n10,1\n100,1\n200,1\n")
    curve = read_consortium(write(tmp_path, STATED | {"accuracy": {"csv": "points.csv"}})).problem
    assert curve.accuracy.optimum <= 1 + 1e-12
    assert float(curve.accuracy(100.0)) > 0.98


def test_twelve_types_and_two_hundred_parties(tmp_path: Path) -> None:
    parties = [{"type": f"type {i % 12}", "cost": 0.05 * (1 + i % 12)} for i in range(200)]
    (tmp_path / "points.csv").write_text(CSV)
    accuracy = {"csv": "points.csv"}
    path = write(tmp_path, {"title": "Many", "parties": parties, "accuracy": accuracy})
    start = time.process_time()
    page = make(path)
    assert time.process_time() - start < 20
    assert len(page.find_all("table")[0].tbody.find_all("tr")) == 12


def changed(**changes: Any) -> dict[str, Any]:
    data = STATED | changes
    return {name: value for name, value in data.items() if value is not None}


TYPE = STATED["types"][0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed(title=None), "line 1, title: is missing"),
        (changed(accuracy=None), "line 1, accuracy: is missing"),
        (changed(n_parties=None), "n_parties: goes with types"),
        (changed(types=None), "must state either types or parties"),
        (changed(types=[TYPE | {"cost": -1}]), "line 6, types.0.cost: must be more than 0; got -1"),
        (changed(types=[{"name": "a", "cost": 1}]), "line 4, types.0.probability: is missing"),
        (changed(types=[TYPE]), "line 3, types: probabilities must sum to 1"),
        (changed(types=[TYPE | {"cost": 1 + k} for k in range(10_000)]), "got 10000"),
        (changed(accuracy={"name": "Nobody"}), "line 10, accuracy: accuracy.name must be one of"),
        (changed(accuracy={"csv": "none.csv"}), "none.csv: No such file"),
        (changed(extra=1), "line 12, extra: is not a known field"),
        (changed(present={"contributions": [1], "rewards": [1, 1]}), "one entry per type, 2"),
        ("title: [", "is not valid YAML"),
        ("", "must hold a mapping"),
    ],
)
def test_broken_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: Any, message: str
) -> None:
    refused(write(tmp_path, data), capsys, message)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ("data,accuracy\n10,0.5\n20,good\n", "points.csv: line 3: must be two numbers"),
        ("data,accuracy\n10,0.5\n20,0.6\n30,0.4\n", "line 4: accuracy must not fall"),
        ("data,accuracy\n10,0.5\n10,0.6\n30,0.7\n", "line 3: data must be positive and rise"),
        ("data,accuracy\n10,nan\n", "line 2: accuracy must be in [0, 1]"),
        ("data,accuracy\n10,0.5\n", "three points or more"),
        ("a,b\n1,2\n", "line 1: must be the heading"),
    ],
)
def test_broken_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], points: str, message: str
) -> None:
    (tmp_path / "points.csv").write_text(points)
    refused(write(tmp_path, changed(accuracy={"csv": "points.csv"})), capsys, message)


def refused(path: Path, capsys: pytest.CaptureFixture[str], message: str) -> None:
    before = sorted(path.parent.iterdir())
    output = path.with_suffix(".html")
    assert cli.main(["report", str(path), "--output", str(output)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pwm: ")
    assert message in err
    assert "Traceback" not in err
    assert len(err) < 600
    assert sorted(path.parent.iterdir()) == before


def test_missing_file_and_missing_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(tmp_path / "none.yaml", capsys, "No such file")
    output = tmp_path / "none" / "report.html"
    assert cli.main(["report", str(example("banks.yaml")), "--output", str(output)]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_a_report_is_never_there_by_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("before")

    def fail(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no room"):
        report.write_whole(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_schema_is_a_schema() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(consortium_schema())
    for name in ("hospitals.yaml", "banks.yaml"):
        Draft202012Validator(consortium_schema()).validate(
            yaml.safe_load(example(name).read_text())
        )
