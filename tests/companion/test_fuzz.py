"""Broken input that once ended in a traceback, and some more drawn at random (see `make fuzz`)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import fuzz

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
        {"accuracy": {"name": "GeneralizationBound", "parameters": {"complexity": 1e-308}}},
        {"accuracy": {"name": "GeneralizationBound", "parameters": {"optimum": 1e-308}}},
        {"costs": [0.5, 0.2, HUGE]},
        {"costs": [0.5, 0.2, 1e-308]},
        {"valuation": {"name": "LinearValuation", "parameters": {"scale": 1e308}}},
        {"valuation": {"name": "LinearValuation", "parameters": {"scale": 1e-308}}},
    ],
)
def test_problems(folder: Path, change: dict[str, Any]) -> None:
    (folder / "input.json").write_text(json.dumps(PROBLEM | change))
    assert ends_with(["solve", "input.json"]) == "exit 2"


def test_a_cost_at_which_nobody_trains(folder: Path) -> None:
    problem = fuzz.PROBLEMS[2] | {"costs": [1e6]}
    (folder / "input.json").write_text(json.dumps(problem))
    assert ends_with(["solve", "input.json"]) == "exit 0"


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


def test_the_search_notices_what_it_looks_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> int:
        raise ZeroDivisionError("broken")

    monkeypatch.setattr("companion.cli.get", fails)
    assert "ZeroDivisionError: broken" in ends_with(["figures", "fig-line"])

    def writes(*_: Any) -> Any:
        (folder / "elsewhere").write_text("text")
        return fuzz.cli.load_registry(folder)["fig-line"]

    watch = fuzz.Watch()
    watch.install()
    monkeypatch.setattr("companion.cli.get", writes)
    outcome, _ = fuzz.attempt(["figures", "fig-line"], watch)
    assert outcome == f"wrong: writes open {folder / 'elsewhere'}"


def test_more_drawn_at_random() -> None:
    result = fuzz.run(400, seed=2, say=lambda _: None)
    assert result["wrong"] == []
    ended = {code for found in result["outcomes"].values() for code in found}
    assert ended == {"exit 0", "exit 1", "exit 2"}


def test_last_long_run_found_nothing() -> None:
    result = json.loads((Path(fuzz.__file__).parent / "fuzz.json").read_text())
    assert result["wrong"] == []
    assert result["inputs"] >= 20_000
    assert result["slowest_seconds"] < result["limit_seconds"] == 30
