"""One reader for every file: encodings, tags, depth, size, special files, messages."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pwm_companion import cli
from pwm_companion.consortium.file import example
from pwm_companion.errors import InputError
from pwm_companion.yaml_files import MOST_NESTED, read_stated, read_value

PROBLEM: dict[str, Any] = {
    "n_parties": 10,
    "probabilities": [0.5, 0.5],
    "costs": [0.2, 0.1],
    "accuracy": {"name": "GeneralizationBound"},
}
TEXT = json.dumps(PROBLEM)


def refusal(tmp_path: Path, name: str, content: bytes | str) -> str:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as refused:
        read_stated(path)
    message = str(refused.value)
    assert message.isprintable()
    assert len(message) < 500
    return message


@pytest.mark.parametrize("suffix", ["json", "yaml", "JSON"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings(tmp_path: Path, suffix: str, encoding: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(json.dumps(PROBLEM | {"title": "é"}, ensure_ascii=False).encode(encoding))
    assert read_stated(path).data == PROBLEM | {"title": "é"}


@pytest.mark.parametrize("name", ["a.json", "a.yaml", "a.csv"])
def test_other_encodings_get_advice(tmp_path: Path, name: str) -> None:
    assert "Latin-1" in refusal(tmp_path, name, '{"a": "é"}'.encode("latin-1"))


@pytest.mark.parametrize(
    "value",
    ["!!int 1_000", "!!int １０", "!!bool 3", "!!float x", "!!timestamp x", "!!binary aGk=",
     "!!set {1}", "!!omap [a: 1]", "!!pairs [a: 1]", "!!timestamp 2020-01-01", "!foo 10",
     "!!map 3", "!!seq {a: 1}", "!!str [1]", "!!null 1", "!!python/name:os.system x"],
)  # fmt: skip
def test_tags_that_do_not_fit(tmp_path: Path, value: str) -> None:
    assert "line 2" in refusal(tmp_path, "a.yaml", f"b: 1\na: {value}\n")


def test_tags_that_fit(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: !!int 3\nb: !!str 3\nc: !!float 3\nd: !!seq [1]\ne: !!bool true\n")
    assert read_stated(path).data == {"a": 3, "b": "3", "c": 3.0, "d": [1], "e": True}


@pytest.mark.parametrize(
    "value", ["１０", "1_000", "0x10", "0o7", "1:30", "yes", ".inf", "2020-01-01"]
)
def test_what_looks_like_a_number_elsewhere_is_text(value: str) -> None:
    assert read_value(value) == value


@pytest.mark.parametrize("depth", [MOST_NESTED + 1, 2_000, 200_000, 2_400_000])
@pytest.mark.parametrize(
    "name", ["[.json", '{"a":.json', "[.yaml", "{a: .yaml", "- .yaml", "? .yaml"]
)
def test_no_depth_crashes(tmp_path: Path, depth: int, name: str) -> None:
    unit, _, suffix = name.rpartition(".")
    content = "a: " * (unit == "[" and suffix == "yaml") + unit * min(depth, 4_900_000 // len(unit))
    message = refusal(tmp_path, f"a.{suffix}", content)
    assert "nested" in message or "valid" in message


def test_special_and_large_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "sparse.json").touch()
    os.truncate(tmp_path / "sparse.json", 10**12)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path, rule in (
        (tmp_path / "pipe", "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "sparse.json", "larger than 5 MB"),
        (tmp_path / "none.json", "No such file"),
        (Path("a\0b"), "not the name of a file"),
    ):
        with pytest.raises(InputError, match=rule):
            read_stated(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 50_000


def test_nothing_moves_the_cursor(tmp_path: Path) -> None:
    assert "\\x1b" in refusal(tmp_path, "a.yaml", '"\\e]0;owned": 1\n')
    assert "\\x1b" in refusal(tmp_path, "a.json", '{"\\u001b[2J": 1}')
    assert "control characters" in refusal(tmp_path, "a.yaml", 'a: "\\x1c"\n')
    name = "b \x1b[31m\n.yaml"
    assert "\\x1b[31m\\n.yaml" in refusal(tmp_path, name, "a: [\n")
    assert "�" not in refusal(tmp_path, "a.json", '{"a": "\\ud800"}')


def test_a_foreign_file_is_not_repeated(tmp_path: Path) -> None:
    assert "secret" not in refusal(tmp_path, "a.yaml", "secret of somebody: {\n")
    assert "secret" not in refusal(tmp_path, "a.json", '"secret" of somebody')
    assert "secret" not in refusal(tmp_path, "a.yaml", "secret\n")


@pytest.mark.parametrize("value", [TEXT.replace("10", json.dumps("k" * 4_000_000), 1)])
def test_long_values_are_shown_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    (tmp_path / "a.json").write_text(value)
    assert cli.main(["solve", str(tmp_path / "a.json")]) == 2
    assert len(capsys.readouterr().err) < 500


def test_run_files_are_read_so_too(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pwm_companion.book.chapters import load_chapter

    monkeypatch.chdir(book)
    run = book / "book/runs/five.yml"
    run.write_bytes(b"\xef\xbb\xbf" + run.read_bytes())
    assert load_chapter(run, "five").parameters["number"] == 5
    run.write_text(run.read_text(encoding="utf-8-sig").replace("number: 5", "number: !!int 1_0"))
    with pytest.raises(InputError, match="!!int"):
        load_chapter(run, "five")


def command(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pwm_companion.cli", *words],
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def test_streams_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(TEXT)
    program = f"{sys.executable} -m pwm_companion.cli"
    for redirected, code, lines in (
        (f"{program} solve {file} > /dev/full", 1, 1),
        (f"{program} --help > /dev/full", 1, 1),
        (f"PYTHONUNBUFFERED=1 {program} solve --help > /dev/full", 1, 1),
        (f"{program} --help >&-", 0, 0),
        (f"{program} nonsense 2>&-", 2, 0),
        (f"{program} solve {file} 2>&-", 0, 0),
        (f"{program} solve none.json 2>&-", 2, 0),
        (f"{program} solve {file} >&-", 1, 1),
        (f"{program} report {example('hospitals.yaml')} --output {tmp_path}/a.html >&-", 0, 0),
        (f"ulimit -v 400000; {program} solve {file}", 0, 0),
    ):
        run = subprocess.run(
            ["bash", "-c", redirected], capture_output=True, text=True, check=False
        )
        assert run.returncode == code, run.stderr
        assert run.stderr.count("\n") == lines, run.stderr


def test_files_may_come_and_go_through_pipes(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(TEXT)
    hospitals = example("hospitals.yaml")
    shutil.copy(hospitals.with_name("hospitals.csv"), tmp_path)
    program = f"{sys.executable} -m pwm_companion.cli"
    answers = {}
    for line in (
        f"{program} solve {file}",
        f"cat {file} | {program} solve -",
        f"{program} solve /dev/stdin < {file}",
        f"{program} solve <(cat {file})",
    ):
        run = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
        answers[line] = run.stdout
    assert len(set(answers.values())) == 1
    for line, said in (
        (f"{program} solve --json {file} | {program} audit -", "satisfied"),
        (f"{program} prove {file} --output - | {program} prove --check -", "confirmed"),
        (f"cat {hospitals} | {program} report - --output -", "<!DOCTYPE html>"),
    ):
        run = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {line}"],
            capture_output=True, text=True, check=True, cwd=tmp_path,
        )  # fmt: skip
        assert said in run.stdout
    assert {it.name for it in tmp_path.iterdir()} == {"a.json", "hospitals.csv"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("< /dev/null", "/dev/stdin must hold a mapping"),
        ("< /dev/zero", "/dev/stdin is larger than 5 MB"),
        ("< <(printf '\\xff\\xfe\\xfa')", "/dev/stdin is not UTF-8 text"),
        ("< <(echo '{\"a\": ')", "/dev/stdin is not valid JSON"),
        ("< <(echo 'a: [')", "/dev/stdin is not valid YAML"),
    ],
)
def test_what_comes_through_a_pipe_is_read_within_bounds(given: str, message: str) -> None:
    line = f"{sys.executable} -m pwm_companion.cli solve - {given}"
    run = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.startswith("pwm: ")
    assert message in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_pipe_that_does_not_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paid_with_models.texts.PATIENCE", 0.2)
    end, other = os.pipe()
    os.write(other, b"n_parties: 5\n")
    try:
        with pytest.raises(InputError, match=r"/dev/fd/\d+ did not end within 0.2 s"):
            read_stated(Path(f"/dev/fd/{end}"))
    finally:
        os.close(end)
        os.close(other)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["solve", ""], "argument FILE: must be the name of a file, not empty"),
        (["prove", "FILE", "--output", "/proc/c.json"], "failed: /proc/c.json: "),
        (["solve", "b.toml"], "b.toml is TOML: state the same in YAML or JSON"),
    ],
)
def test_names_of_files_that_are_none(tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "b.toml").write_text("n_parties = 5\n")
    (tmp_path / "a.json").write_text(TEXT)
    words = [word.replace("FILE", "a.json") for word in words]
    run = command(*words, cwd=tmp_path)
    assert run.returncode != 0
    assert message in run.stderr
    assert run.stderr.count("\n") == 1


def test_an_answer_does_not_depend_on_the_surroundings(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(TEXT)
    (tmp_path / "matplotlibrc").write_text("backend: nonsense\n")
    plain = command("solve", "--json", str(file))
    assert plain.returncode == 0
    for changed in (
        {"MPLBACKEND": "nonsense", "MPLCONFIGDIR": "/proc/none"},
        {"OPENBLAS_NUM_THREADS": "7", "OMP_NUM_THREADS": "7"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    ):
        run = command("solve", "--json", str(file), cwd=tmp_path, env=os.environ | changed)
        assert (run.stdout, run.stderr) == (plain.stdout, ""), changed


@pytest.mark.parametrize("seconds", ["abc", "", "-1", "1e9"])
def test_a_time_of_sources_that_is_none_does_not_matter(seconds: str) -> None:
    run = command(
        "solve", str(example("banks.yaml")), env=os.environ | {"SOURCE_DATE_EPOCH": seconds}
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "\udcff.json"
    file.write_text(TEXT)
    assert command("solve", str(file)).returncode == 0
    assert "Traceback" not in command("solve", str(tmp_path / "\udcfe.json")).stderr


def test_usage_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["solve", "a", "\x1b[2J"])
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said


def test_an_output_that_is_a_link_is_written_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(TEXT)
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("")
    link.symlink_to(target)
    assert command("prove", "a.json", "--output", "link.json", cwd=tmp_path).returncode == 0
    assert link.is_symlink()
    assert json.loads(target.read_text())["claims"]
    loop = tmp_path / "loop.json"
    loop.symlink_to(loop)
    run = command("prove", "a.json", "--output", "loop.json", cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr == "pwm: failed: loop.json: Too many levels of symbolic links\n"
    assert loop.is_symlink()


@pytest.mark.parametrize("words", ["solve a.json", "prove a.json", "sweep s.json --output o.nc"])
def test_too_little_memory_is_said_at_once(tmp_path: Path, words: str) -> None:
    (tmp_path / "a.json").write_text(TEXT)
    limited = f"ulimit -v 280000; {sys.executable} -m pwm_companion.cli {words}"
    run = subprocess.run(
        ["bash", "-c", limited], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert run.returncode == 1
    assert run.stderr.startswith("pwm: failed: address space is limited to 287 MB")
    assert run.stderr.count("\n") == 1


def test_a_full_disk_is_said_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(TEXT)
    limited = f"ulimit -f 1; {sys.executable} -m pwm_companion.cli prove a.json --output c.json"
    run = subprocess.run(
        ["bash", "-c", limited], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (run.returncode, run.stderr) == (1, "pwm: failed: c.json: File too large\n")
    assert [it.name for it in tmp_path.iterdir()] == ["a.json"]


def test_a_number_of_thousands_of_digits_is_said_so(tmp_path: Path) -> None:
    for name in ("a.json", "a.yaml"):
        said = refusal(tmp_path, name, f'{{"n_parties": {"9" * 5000}}}')
        assert "a number has too many digits" in said
