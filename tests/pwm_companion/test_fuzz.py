"""Broken input that once ended in a traceback, and some more drawn at random (see `make fuzz`)."""

import copy
import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from endurance import fuzz
from pwm_companion.figures import registry

PROBLEM = fuzz.PROBLEMS[0]
HUGE = 10**400
NO_PATTERN = '{"relative": 1, "residual": 1, "measured": [1], "reasons": {}}'


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with fuzz.playground() as root:
        yield root


def ends_with(words: list[str]) -> str:
    outcome, _ = fuzz.attempt(words, fuzz.Watch())
    return outcome


@pytest.mark.parametrize(
    "change",
    [
        {"accuracy": {"name": ["GeneralizationBound"]}},
        {"accuracy": {"name": {"a": 1}}},
        {"accuracy": {"name": "GeneralizationBound", "parameters": {"optimum": HUGE}}},
        {"accuracy": {"name": "GeneralizationBound", "parameters": {"optimum": 1e-308}}},
        {"costs": [0.5, 0.2, HUGE]},
        {"costs": [0.5, 0.2, 1e-308]},
        {"valuation": {"name": "LinearValuation", "parameters": {"scale": 1e308}}},
    ],
)
def test_problems(folder: Path, change: dict[str, Any]) -> None:
    (folder / "input.json").write_text(json.dumps(PROBLEM | change))
    assert ends_with(["solve", "input.json"]) == "exit 2"


def test_a_complexity_of_nearly_nothing_is_answered(folder: Path) -> None:
    bound = {"name": "GeneralizationBound", "parameters": {"complexity": 1e-308}}
    (folder / "input.json").write_text(json.dumps(PROBLEM | {"accuracy": bound}))
    assert ends_with(["solve", "input.json"]) == "exit 0"


def test_a_cost_at_which_nobody_trains(folder: Path) -> None:
    problem = fuzz.PROBLEMS[2] | {"costs": [1e6]}
    (folder / "input.json").write_text(json.dumps(problem))
    assert ends_with(["solve", "input.json"]) == "exit 0"


def test_a_value_for_which_nobody_works(folder: Path) -> None:
    worthless = {"valuation": {"name": "LinearValuation", "parameters": {"scale": 1e-308}}}
    (folder / "input.json").write_text(json.dumps(PROBLEM | worthless))
    assert ends_with(["solve", "input.json"]) == "exit 0"


def test_a_report_on_a_type_whose_data_are_beyond_price(folder: Path) -> None:
    """Once the search for something better than the best contract took more than 30 seconds."""
    consortium = copy.deepcopy(fuzz.CONSORTIA[0])
    consortium["types"][2]["cost"] = 1e9
    (folder / "input.json").write_text(json.dumps(consortium))
    assert ends_with(["report", "input.json", "--output", fuzz.REPORT]) == "exit 0"


def test_menu_too_large_to_add_up(folder: Path) -> None:
    menu = PROBLEM | {"contributions": [100, 1e308, 600], "rewards": [40, 79.5, 96]}
    (folder / "input.json").write_text(json.dumps(menu))
    assert ends_with(["audit", "--json", "input.json"]) == "exit 2"


@pytest.mark.parametrize("suffix", ["json", "yaml"])
@pytest.mark.parametrize(
    "content", [b"[" * 3000, b"a: " + b"9" * 5000, b"\xff", b"a: 2024-99-99", b"a: !!python/name:x"]
)
def test_bytes(folder: Path, suffix: str, content: bytes) -> None:
    (folder / f"input.{suffix}").write_bytes(content)
    assert ends_with(["solve", f"input.{suffix}"]) == "exit 2"


@pytest.mark.parametrize(
    ("words", "name", "content"),
    [
        (["build", "--draft"], "_toc.yml", "root: book/start\nformat: [0.5]\n"),
        (["build", "--draft"], "_toc.yml", "root: book/start\nchapters: [1]\n"),
        (["build"], "_toc.yml", "root: book/start\nparts: [{caption: a}]\n"),
        (["build"], "_toc.yml", "root: [book/start]\n"),
        (["figures"], "book/figures.yml", "columns: {}\nfigures: 7\n"),
        (["figures"], "book/figures.yml", "columns: {}\nfigures: {fig-line: [1]}\n"),
        (["figures"], "book/figures.yml", "columns: {a: 1}\nfigures: {}\n"),
        (["figures"], "book/figures.yml", fuzz.BOOK["book/figures.yml"].replace("fig-line", "1")),
        (["figures"], "book/figures.yml", "columns: {}\nfigures: {fig-line: {text: 7}}\n"),
        (["figures"], "book/figures.yml", "columns: {1: 2}\n3: 4\nfigures: {}\n"),
        (["verify"], "reference/tolerances.json", NO_PATTERN),
        (["verify"], "reference/tolerances.json", f'{{"relative": {HUGE}}}'),
        (["verify"], "reference/figures/fig-line.csv", "a,b\n1\n"),
        (["execute", "book/runs/five.yml"], "book/runs/template.md", fuzz.HEADER
            + "```{code-cell} ipython3\n:tags: [parameters]\n\nnumber = [\n```\n"),
    ],
)  # fmt: skip
def test_files_of_the_book(folder: Path, words: list[str], name: str, content: str) -> None:
    (folder / name).write_text(content)
    try:
        assert ends_with(words) == "exit 2"
    finally:
        (folder / name).write_text(fuzz.BOOK[name])


def test_a_registry_without_figures_has_nothing_to_list(folder: Path) -> None:
    (folder / "book/figures.yml").write_text("columns: {}\nfigures: {}\n")
    try:
        assert ends_with(["figures", "--list"]) == "exit 0"
    finally:
        (folder / "book/figures.yml").write_text(fuzz.BOOK["book/figures.yml"])


def test_table_that_is_not_text(folder: Path) -> None:
    file = folder / "reference/figures/fig-line.csv"
    file.write_bytes(b"slope\n\xff\n")
    try:
        assert ends_with(["verify"]) == "exit 2"
    finally:
        file.write_text(fuzz.BOOK["reference/figures/fig-line.csv"])


@pytest.mark.parametrize(
    "words",
    [["execute", ""], ["execute", "book/runs/five.\0"], ["solve", "\0"], ["build", "--jobs=0"]],
)
@pytest.mark.usefixtures("folder")
def test_command_lines(words: list[str]) -> None:
    assert ends_with(words) == "exit 2"


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (fuzz.POINTS, "exit 0"),
        (b"\xef\xbb\xbf" + fuzz.POINTS, "exit 0"),
        (fuzz.POINTS.replace(b"\n", b"\r\n"), "exit 0"),
        (fuzz.POINTS.replace(b"0.45", b"0,45"), "exit 2"),
        (fuzz.POINTS.replace(b"100", b"1e999"), "exit 2"),
        (fuzz.POINTS.replace(b"6400", b"1e308"), "exit 2"),
        (fuzz.POINTS.replace(b"\n50,", b"\n1e-308,"), "exit 2"),
        (fuzz.POINTS.replace(b"0.31", b"nan"), "exit 0"),
        (fuzz.POINTS + b"\0,1", "exit 2"),
        (b"\xff\xfe" + fuzz.POINTS, "exit 2"),
        (b'data,accuracy\n"1', "exit 2"),
        (b"", "exit 2"),
    ],
)
def test_measured_points(folder: Path, content: bytes, outcome: str) -> None:
    (folder / fuzz.POINTS_FILE).write_bytes(content)
    try:
        assert ends_with(["report", "consortium.yaml", "--output", fuzz.REPORT]) == outcome
    finally:
        (folder / fuzz.POINTS_FILE).write_bytes(fuzz.POINTS)


@pytest.mark.parametrize(
    "change",
    [
        {"n_parties": HUGE},
        {"n_parties": True},
        {"types": [{"name": "a", "probability": 1, "cost": 1e-308}]},
        {"types": [{"name": "a", "probability": 1, "cost": float("nan")}]},
        {"types": [{"name": "a", "probability": 1, "cost": 1, "outside": 1e308}] * 2},
        {"accuracy": {"csv": "\0"}},
        {"accuracy": {"csv": "../" * 2000}},
        {"accuracy": {"name": ["PowerLaw"]}},
        {"present": {"contributions": [float("inf")] * 3, "rewards": [1, 1, 1]}},
        {"present": {"contributions": [1, 1, 1], "rewards": [1, 1, HUGE]}},
        {"types": [{"name": "a", "probability": 1, "cost": 1, "outside": -HUGE}]},
        {"valuation": {"name": "LinearValuation", "parameters": {"scale": 1e308}}},
    ],
)
def test_consortia(folder: Path, change: dict[str, Any]) -> None:
    data = fuzz.CONSORTIA[0] | change
    (folder / "input.yaml").write_bytes(fuzz.serialize(data, ".yaml"))
    assert ends_with(["report", "input.yaml", "--output", fuzz.REPORT]) == "exit 2"


@pytest.mark.parametrize(
    "change",
    [
        {"chunk": 0},
        {"chunk": True},
        {"chunk": 1e308},
        {"over": {}},
        {"over": {"n_parties": []}},
        {"over": {"n_parties": [HUGE]}},
        {"over": {"n_parties": 7}},
        {"over": {"costs": [[0.3, {}]]}},
        {"over": {"accuracy.": [1]}},
        {"over": {"accuracy.evaluate": [1]}},
        {"over": {"accuracy.__class__": [1]}},
        {"over": {"valuation.scale": ["x"]}},
        {"over": {"beliefs": [["own"]]}},
        {"problem": 7},
    ],
)
def test_sweeps(folder: Path, change: dict[str, Any]) -> None:
    (folder / "input.json").write_bytes(fuzz.serialize(fuzz.SWEEPS[1] | change, ".json"))
    assert ends_with(["sweep", "input.json", "--output", "build/out.nc"]) == "exit 2"


@pytest.mark.parametrize("name", ["problem", "over", ""])
def test_names_that_are_not_text(folder: Path, name: str) -> None:
    sweep = copy.deepcopy(fuzz.SWEEPS[1])
    (sweep[name] if name else sweep)[1] = [1]
    (folder / "input.yaml").write_bytes(fuzz.serialize(sweep, ".yaml"))
    assert ends_with(["sweep", "input.yaml", "--output", "build/out.nc"]) == "exit 2"


def test_some_names_drawn_at_random_are_not_text() -> None:
    rng = random.Random(1)  # noqa: S311
    drawn = [fuzz.mutate_value({"a": 1, "b": 2}, rng) for _ in range(50)]
    assert any(not isinstance(name, str) for it in drawn for name in it)


@pytest.mark.parametrize(
    "address", ["", "x", "tcp://:1", "tcp://é\0:1", "tcp://a:99999", "tcp://[:1"]
)
@pytest.mark.usefixtures("folder")
def test_addresses_of_schedulers(address: str) -> None:
    words = ["sweep", "sweep.yaml", "--output", "build/scheduled.nc", "--scheduler", address]
    assert ends_with(words) == "exit 2"


def test_every_command_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fuzz.cli.main(["--help"])
    known = re.findall(r"^    ([a-z]+)(?: |$)", capsys.readouterr().out, re.MULTILINE)
    assert len(known) >= 12
    assert set(known) == {words[0] for words in fuzz.COMMANDS} - {"--help"}


def test_the_search_notices_what_it_looks_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> int:
        raise ZeroDivisionError("broken")

    monkeypatch.setattr("pwm_companion.commands.figures.get", fails)
    assert "ZeroDivisionError: broken" in ends_with(["figures", "fig-line"])

    def writes(*_: Any) -> Any:
        (folder / "elsewhere").write_text("text")
        return registry.load_registry(folder)["fig-line"]

    watch = fuzz.Watch()
    watch.install()
    monkeypatch.setattr("pwm_companion.commands.figures.get", writes)
    outcome, _ = fuzz.attempt(["figures", "fig-line"], watch)
    assert outcome == f"wrong: writes open {folder / 'elsewhere'}"


def test_more_drawn_at_random() -> None:
    result = fuzz.run(400 if "LONG" in os.environ else 60, seed=2, say=lambda _: None)
    assert result["wrong"] == []
    ended = {code for found in result["outcomes"].values() for code in found}
    assert ended == {"exit 0", "exit 1", "exit 2"}


def test_last_long_run_found_nothing() -> None:
    result = json.loads((Path(fuzz.__file__).parent / "fuzz.json").read_text())
    assert result["wrong"] == []
    assert set(result["outcomes"]) == set(fuzz.KINDS)
    assert result["inputs"] == fuzz.COUNT
    assert result["slowest_seconds"] < result["limit_seconds"] == 30
