"""``pwm prove``: what it prints, what it writes, and how it ends."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pwm_companion.cli import main

PROBLEM: dict[str, Any] = {
    "n_parties": 6,
    "probabilities": [0.2, 0.3, 0.5],
    "costs": [0.5, 0.2, 0.05],
    "accuracy": {"name": "GeneralizationBound"},
}


def run(*arguments: str) -> int:
    return main(["prove", *arguments])


def write(path: Path, data: Any) -> str:
    path.write_text(json.dumps(data))
    return str(path)


def test_a_problem_is_proved_and_the_certificate_confirmed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "certificate.json"
    file = write(tmp_path / "problem.json", PROBLEM)
    assert run(file, "--output", str(target)) == 0
    proved = capsys.readouterr().out.splitlines()
    assert proved[0] == "proved"
    assert run("--check", str(target)) == 0
    confirmed = capsys.readouterr().out.splitlines()
    assert confirmed[0] == "confirmed"
    assert confirmed[1:] == proved[1:]
    claims = json.loads(target.read_text())["claims"]
    assert claims["menu"]["expected_accuracy"][0] in confirmed[1]
    assert claims["upper_bound"] in confirmed[2]


def test_a_menu_in_the_file_is_enclosed_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    menu = PROBLEM | {"contributions": [100.0] * 3, "rewards": [60.0, 60.0, 59.0]}
    assert run(write(tmp_path / "menu.json", menu)) == 0
    out = capsys.readouterr().out
    assert "the menu stated reaches" in out
    assert out.splitlines()[-1].startswith("its least slack          -1 ")


def test_an_altered_certificate_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "certificate.json"
    assert run(write(tmp_path / "problem.json", PROBLEM), "--output", str(target)) == 0
    certificate = json.loads(target.read_text())
    certificate["claims"]["upper_bound"] = "0.5"
    capsys.readouterr()
    assert run("--check", write(target, certificate)) == 1
    assert capsys.readouterr().out == "refused: sha256 does not fit\n"


def test_what_cannot_be_proved_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = PROBLEM | {"n_parties": 1}
    assert run(write(tmp_path / "problem.json", alone)) == 1
    out = capsys.readouterr().out
    assert out.startswith("refused: n_parties must be at least 2")
    assert out.count("\n") == 1


@pytest.mark.parametrize("data", [{}, PROBLEM | {"costs": [0.1]}, PROBLEM | {"rewards": [1, 1, 1]}])
def test_bad_input_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: Any
) -> None:
    assert run(write(tmp_path / "problem.json", data)) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_is_no_certificate_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--check", write(tmp_path / "problem.json", PROBLEM)) == 2
    assert "format must be" in capsys.readouterr().err
    assert run("--check", str(tmp_path / "none.json")) == 2
    assert "No such file" in capsys.readouterr().err


def test_without_python_flint_it_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "flint", None)
    for name in [name for name in sys.modules if name.startswith("paid_with_models.checks.")]:
        monkeypatch.delitem(sys.modules, name)
    assert run(write(tmp_path / "problem.json", PROBLEM)) == 2
    message = capsys.readouterr().err
    assert "paid-with-models[proof]" in message
    assert message.count("\n") == 1
