"""``pwm solve`` and ``pwm audit``: what they print, and how they end."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from paid_with_models import solve
from paid_with_models.audit import audit_schema
from paid_with_models.files import contract_schema, menu_from_dict, problem_from_dict
from pwm_companion import cli

PROBLEM: dict[str, Any] = {
    "n_parties": 10,
    "probabilities": [0.2, 0.3, 0.5],
    "costs": [0.5, 0.2, 0.05],
    "accuracy": {"name": "GeneralizationBound", "parameters": {"optimum": 1.0}},
}
FEASIBLE = PROBLEM | {"contributions": [100.0] * 3, "rewards": [60.0] * 3}
CRIMINAL = PROBLEM | {"contributions": [100, 150, 600], "rewards": [40, 79.5, 96]}


def write(path: Path, data: Any) -> str:
    text = json.dumps(data) if path.suffix == ".json" else yaml.safe_dump(data)
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".yml"])
def test_solve(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    file = write(tmp_path / f"problem{suffix}", PROBLEM)
    assert cli.main(["solve", file]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    contract = solve(problem_from_dict(PROBLEM))
    assert out.startswith("optimal: no menu is better by more than ")
    assert f"expected accuracy {contract.expected_accuracy:.9g}" in out
    head, *rows = out.splitlines()[-4:]
    columns = ["type", "probability", "cost", "contribution", "reward", "utility", "outside"]
    assert head.split() == [*columns, "takes", "part"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert {len(row) for row in (head, *rows)} == {len(head)}
    assert len(head) <= 80
    shown = [float(row.split()[3]) for row in rows]
    assert shown == pytest.approx(contract.contributions, rel=1e-4)


def test_solve_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["solve", "--json", write(tmp_path / "problem.yaml", PROBLEM)]) == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(contract_schema()).validate(document)
    assert document["status"] == "optimal"
    # The problem and the menu in it make a file that passes the audit.
    menu = {name: document[name] for name in ("contributions", "rewards")}
    file = write(tmp_path / "menu.json", document["problem"] | menu)
    assert cli.main(["audit", file]) == 0
    assert capsys.readouterr().out.startswith("satisfied")


def test_audit_of_a_feasible_menu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", write(tmp_path / "menu.yaml", FEASIBLE)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("satisfied")
    head, *rows = out.splitlines()[-4:]
    assert {len(row) for row in (head, *rows)} == {len(head)}


def test_audit_of_a_menu_with_every_kind_of_violation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["audit", write(tmp_path / "menu.json", CRIMINAL)]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    verdict = out.splitlines()[0]
    assert verdict.startswith("violated: type 1 is better off outside, by 10")
    assert "type 1 gains 14.5 by taking the option of type 2" in verdict
    assert "type 3 is promised 10.3" in verdict
    assert "more than can be delivered" in verdict


@pytest.mark.parametrize(("menu", "code"), [(FEASIBLE, 0), (CRIMINAL, 1)])
def test_audit_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], menu: dict[str, Any], code: int
) -> None:
    assert cli.main(["audit", "--json", write(tmp_path / "menu.json", menu)]) == code
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(audit_schema()).validate(document)
    assert document["satisfied"] is (code == 0)


def test_a_type_without_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = problem_from_dict(PROBLEM).outside_options
    menu = PROBLEM | {
        "reservation_utilities": [90.0, *outside[1:].tolist()],
        "contributions": [0, 150, 150],
        "rewards": [0, 60, 60],
        "left_out": [0],
    }
    assert menu_from_dict(menu).left_out == (0,)
    assert cli.main(["audit", write(tmp_path / "menu.json", menu)]) == 0
    assert capsys.readouterr().out.splitlines()[-3].split()[-1] == "no"
    del menu["left_out"]
    assert cli.main(["audit", write(tmp_path / "menu.json", menu)]) == 1


def test_who_prefers_outside_is_said_to_take_no_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    menu = PROBLEM | {
        "costs": [1.0, 0.4, 0.2],
        "reservation_utilities": [10.0] * 3,
        "contributions": [0, 60, 60],
        "rewards": [0, 25, 25],
        "left_out": [0],
    }
    assert cli.main(["audit", write(tmp_path / "menu.json", menu)]) == 1
    first, *_, row, _ = capsys.readouterr().out.splitlines()
    assert first == "violated: type 2 is better off outside, by 9"
    assert row.split()[0] == "2"
    assert row.split()[-1] == "no"


@pytest.mark.parametrize(
    ("command", "name", "text", "message"),
    [
        ("solve", "a.json", "{", "is not valid JSON: "),
        ("solve", "a.yaml", "a: [", "is not valid YAML: "),
        ("solve", "a.json", "[1]", "must hold a mapping, not a list"),
        ("solve", "a.yaml", "- 1", "must hold a mapping, not a list"),
        ("solve", "a.json", "{}", ": n_parties is missing"),
        ("solve", "a.json", json.dumps(PROBLEM | {"costs": [1]}), ": probabilities must have one"),
        ("solve", "a.yaml", yaml.safe_dump(PROBLEM | {"n": 1}), ": n is not a known field"),
        ("audit", "a.json", json.dumps(PROBLEM), ": contributions is missing"),
        ("audit", "a.json", json.dumps(FEASIBLE | {"rewards": [1]}), ": rewards must have one"),
        (
            "audit",
            "a.json",
            json.dumps(FEASIBLE | {"left_out": [1]}),
            ": left_out must name types without an option",
        ),
        ("audit", "missing.json", None, ": No such file or directory"),
        ("solve", "missing.yaml", None, ": No such file or directory"),
    ],
)
def test_bad_input_is_one_clear_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
    text: str | None,
    message: str,
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    assert cli.main([command, str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"pwm: {path}")
    assert message in err
    assert "Traceback" not in err


def test_no_file_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main(["solve"])
    assert raised.value.code == 2
    assert "FILE" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    file = write(tmp_path / "problem.json", PROBLEM)
    process = subprocess.Popen(
        [sys.executable, "-m", "pwm_companion.cli", "solve", file, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


CONSORTIUM: dict[str, Any] = {
    "title": 2027,
    "n_parties": 10,
    "types": [
        {"name": 1, "probability": 0.5, "cost": 0.2},
        {"name": "007", "probability": 0.5, "cost": 0.05},
    ],
    "accuracy": {"name": "GeneralizationBound"},
    "present": {"contributions": [0, 100], "rewards": [0, 60]},
}


def test_every_command_reads_a_consortium(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(CONSORTIUM).replace("'007'", "007"))
    assert cli.main(["solve", str(file)]) == 0
    rows = capsys.readouterr().out.splitlines()[-2:]
    assert [row.split()[0] for row in rows] == ["1", "007"]
    assert cli.main(["audit", str(file)]) == 1
    assert "type 007" in capsys.readouterr().out
    sweep = tmp_path / "s.yaml"
    sweep.write_text(yaml.safe_dump({"problem": CONSORTIUM, "over": {"n_parties": [5, 10]}}))
    assert cli.main(["sweep", str(sweep), "--output", str(tmp_path / "o.nc")]) == 0
    del CONSORTIUM["present"]
    assert cli.main(["audit", write(file, CONSORTIUM)]) == 2
    assert "present is missing" in capsys.readouterr().err


def test_what_solve_writes_audit_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for changed in ({}, {"costs": [1.0, 0.4, 0.2], "reservation_utilities": [50.0, 30.0, 30.0]}):
        assert cli.main(["solve", "--json", write(tmp_path / "p.json", PROBLEM | changed)]) == 0
        (tmp_path / "c.json").write_text(capsys.readouterr().out)
        assert cli.main(["audit", str(tmp_path / "c.json")]) == 0
        assert capsys.readouterr().out.startswith("satisfied")


@pytest.mark.parametrize(
    ("command", "data", "answer"),
    [
        ("solve", {"problem": PROBLEM, "over": {}}, "is a sweep: that is for pwm sweep"),
        ("solve", {"template": "t.md"}, "is a run file: that is for pwm execute"),
        ("solve", {"claims": {}, "problem": {}}, "is a certificate: that is for pwm prove --check"),
        ("solve", FEASIBLE, "states a menu: that is for pwm audit"),
        ("audit", PROBLEM, "contributions is missing"),
        ("report", PROBLEM, "is a problem: that is for pwm solve"),
        ("report", FEASIBLE, "is a menu: that is for pwm audit"),
        ("sweep", PROBLEM, "is a problem: that is for pwm solve"),
        ("sweep", CONSORTIUM, "is a consortium: that is for pwm report"),
    ],
)
def test_a_file_of_another_kind_is_told_its_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, data: Any, answer: str
) -> None:
    output = {"report": ["--output", "r.html"], "sweep": ["--output", "o.nc"]}.get(command, [])
    assert cli.main([command, write(tmp_path / "a.yaml", data), *output]) == 2
    said = capsys.readouterr().err
    assert answer in said
    assert said.count("\n") == 1


def test_shares_that_are_rounded_are_answered_with_better_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "p.json", PROBLEM | {"probabilities": [0.33] * 3})
    assert cli.main(["solve", file]) == 2
    said = capsys.readouterr().err
    assert "they sum to 0.99" in said
    better = json.loads(said[said.index("[") :])
    assert cli.main(["solve", write(tmp_path / "q.json", PROBLEM | {"probabilities": better})]) == 0


def test_costs_of_nothing_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["solve", write(tmp_path / "p.json", PROBLEM | {"costs": [0.1, 0.2, 0]})]) == 2
    assert "without end" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["solve", "audit", "report", "sweep"])
def test_a_file_that_is_none_of_ours_is_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    file = tmp_path / "shadow.yaml"
    file.write_text("secret:$6$abc:20228:0:99999:7:: \ndaemon:*:20228:0:99999:7:: \n")
    output = {"report": ["--output", "r.html"], "sweep": ["--output", "o.nc"]}.get(command, [])
    assert cli.main([command, str(file), *output]) == 2
    assert "secret" not in capsys.readouterr().err


def test_a_scheme_of_many_types_is_looked_at_type_by_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = [{"name": f"t{k}", "probability": 1 / 60, "cost": 0.2 - 1e-3 * (k // 2)}
             for k in range(60)]  # fmt: skip
    stated = {"title": "Many", "n_parties": 5, "types": kinds,
              "accuracy": {"name": "GeneralizationBound"}}  # fmt: skip
    best = solve(problem_from_dict({
        "n_parties": 5, "probabilities": [1 / 60] * 60, "costs": [it["cost"] for it in kinds],
        "accuracy": {"name": "GeneralizationBound"}}))  # fmt: skip
    m, t = best.contributions, best.rewards
    unlike = t + [15, -15] * 30  # the same as the best for pairs of equal cost, in the mean
    file = tmp_path / "many.yaml"
    for rewards, code, finding in ((t, 0, "satisfied"), (unlike, 1, "violated")):
        scheme = {"contributions": m.tolist(), "rewards": rewards.tolist()}
        write(file, stated | {"present": scheme})
        assert cli.main(["audit", str(file)]) == code
        assert capsys.readouterr().out.startswith(finding)
    assert cli.main(["report", str(file), "--output", str(tmp_path / "out.html")]) == 2
    assert "present.rewards: must be the same for neighbors by cost" in capsys.readouterr().err


def test_what_is_to_be_known_of_a_curve_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.csv").write_text("n,accuracy\n100,.7\n200,.72\n400,.6\n800,.75\n")
    stated = {"title": "T", "n_parties": 5, "types": [{"name": "a", "probability": 1, "cost": 0.1}],
              "accuracy": {"csv": "c.csv"}}  # fmt: skip
    file = write(tmp_path / "c.yaml", stated)
    for words in (["solve", file], ["solve", "--json", file], ["prove", file]):
        cli.main(words)
        err = capsys.readouterr().err
        assert "accuracies from column 'accuracy'" in err
        assert "fall" in err
