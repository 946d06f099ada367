"""``pwm prove``: what it prints, what it writes, and how it ends."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import paid_with_models
from paid_with_models.checks.proof_checker import digest
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


@pytest.mark.parametrize("name", ["hospitals.csv", "same.json", "link.json"])
def test_measurements_that_are_read_are_not_written_onto(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = Path(paid_with_models.__file__).parent / "examples"
    measured = tmp_path / "hospitals.csv"
    for file in ("hospitals.yaml", "hospitals.csv"):
        (tmp_path / file).write_bytes((examples / file).read_bytes())
    (tmp_path / "same.json").hardlink_to(measured)
    (tmp_path / "link.json").symlink_to(measured)
    before = measured.read_bytes()
    assert run(str(tmp_path / "hospitals.yaml"), "--output", str(tmp_path / name)) == 2
    assert capsys.readouterr().err.endswith(f"{name} is a file to be read\n")
    assert measured.read_bytes() == before


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


def test_types_left_out_of_a_menu_are_out_in_its_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    menu = {
        "n_parties": 3, "probabilities": [0.5, 0.5], "costs": [0.3, 0.1],
        "accuracy": {"name": "Saturating",
                     "parameters": {"weights": [0.5, 0.4], "rates": [0.1, 0.01]}},
        "reservation_utilities": [80, 66], "max_data": [None, 100],
        "contributions": [0, 100], "rewards": [0, 76], "left_out": [0],
    }  # fmt: skip
    file = write(tmp_path / "menu.json", menu)
    assert main(["audit", file]) == 0
    assert "satisfied: some types are left out; the others take" in capsys.readouterr().out
    target = tmp_path / "certificate.json"
    assert run(file, "--output", str(target)) == 0
    assert json.loads(target.read_text())["others"][0]["left_out"] == [0]
    assert float(capsys.readouterr().out.splitlines()[-1].split()[3]) >= -1e-9
    nobody = menu | {"contributions": [0, 0], "rewards": [0, 0], "left_out": [0, 1]}
    assert main(["audit", write(tmp_path / "nobody.json", nobody)]) == 0
    assert capsys.readouterr().out.startswith("satisfied: nobody takes part")


def test_what_is_printed_is_what_was_found_not_what_is_claimed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    menu = PROBLEM | {"contributions": [100.0] * 3, "rewards": [60.0, 60.0, 59.0]}
    target = tmp_path / "certificate.json"
    assert run(write(tmp_path / "menu.json", menu), "--output", str(target)) == 0
    proved = capsys.readouterr().out.splitlines()[1:]
    certificate = json.loads(target.read_text())
    claims = certificate["claims"]
    claims["upper_bound"] = "1e999"
    claims["menu"]["expected_accuracy"] = ["-5", "1e900"]
    claims["others"][0]["expected_accuracy"] = ["0", "1"]
    claims["others"][0]["individual_rationality"] = ["-1000", "1000"]
    certificate["sha256"] = digest(certificate)
    target.write_text(json.dumps(certificate))
    assert run("--check", str(target)) == 0
    assert capsys.readouterr().out.splitlines() == ["confirmed", *proved]


@pytest.mark.parametrize(
    "changes",
    [
        {"costs": [1e-7, 1e-8]},
        {"valuation": {"name": "LinearValuation", "parameters": {"scale": 1e10}}},
        {"valuation": {"name": "ExponentialValuation", "parameters": {"aversion": 1e-300}}},
        {"probabilities": [1e-300, 1]},
        {"accuracy": {"name": "Arctan", "parameters": {"rate": 1e20}}},
    ],
)
def test_numbers_too_far_apart_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
) -> None:
    plain = {"n_parties": 5, "probabilities": [0.5, 0.5], "costs": [0.3, 0.1],
             "accuracy": {"name": "GeneralizationBound"}}  # fmt: skip
    code = run(write(tmp_path / "problem.json", plain | changes))
    out, err = capsys.readouterr()
    assert err == ""
    assert (code, out.split()[0]) in ((1, "refused:"), (0, "proved"))
    assert code == 0 or out.count("\n") == 1


def test_a_certificate_of_many_halvings_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    third = 0.3333333333333333
    stated = {
        "n_parties": 3, "probabilities": [third] * 3, "costs": [0.0065, 0.00021, 0.000035],
        "accuracy": {"name": "PowerLaw",
                     "parameters": {"optimum": 0.97, "scale": 1.335, "exponent": 0.13}},
        "valuation": {"name": "PowerValuation", "parameters": {"scale": 100, "exponent": 10}},
        "max_data": [1800, 10.7, 1950],
    }  # fmt: skip
    target = tmp_path / "certificate.json"
    assert run(write(tmp_path / "problem.json", stated), "--output", str(target)) == 0
    proved = capsys.readouterr().out.splitlines()
    assert run("--check", str(target)) == 0
    confirmed = capsys.readouterr().out.splitlines()
    assert confirmed == ["confirmed", *proved[1:]]


def test_a_stated_menu_beyond_what_types_have_is_left_to_the_audit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    menu = {"max_data": [10, 20, 30], "contributions": [10, 20, 31], "rewards": [1, 2, 3]}
    assert run(write(tmp_path / "problem.json", PROBLEM | menu)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "contributions ask for more than max_data" in err
