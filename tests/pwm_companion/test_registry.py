"""The registry: entries, their texts, and where figures are shown."""

from pathlib import Path

import pandas as pd
import pytest

from pwm_companion.book.build import check_figures
from pwm_companion.book.chapters import Chapter, load_chapter, page_names
from pwm_companion.book.dependencies import find_dependencies
from pwm_companion.figures import registry
from pwm_companion.figures.registry import (
    RegistryError,
    fill,
    find_registry,
    get,
    load_columns,
    load_registry,
    shown_figures,
)
from pwm_companion.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def chapters() -> list[Chapter]:
    names = page_names(read_yaml(ROOT / "_toc.yml"))
    sources = {
        name: next(file for s in (".md", ".yml") if (file := ROOT / f"{name}{s}").is_file())
        for name in names
    }
    return [load_chapter(source, name) for name, source in sources.items()]


def write(root: Path, text: str) -> Path:
    path = root / "book/figures.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return root


ENTRY = """\
columns: {x: {text: place, unit: m}}
figures:
  fig-line:
    title: A line
    caption: "{{ what }} of $a_{1}$, {{ slope:.1f }}"
    text: {what: Slope}
    alt: A line
    draw: toy.drawing:line
    chapter: book/square
    changelog: {0.1.0: First version.}
"""


def test_every_figure_is_shown_once_in_the_chapter_it_names(chapters: list[Chapter]) -> None:
    registry = load_registry(ROOT)
    check_figures(registry, chapters)
    assert len(registry) >= 25
    fewer = dict(list(registry.items())[1:])
    with pytest.raises(RegistryError, match="fig-timeline, which is not in the registry"):
        check_figures(fewer, chapters)
    with pytest.raises(RegistryError, match=r"book/introduction; is in: no chapter"):
        check_figures(registry, [it for it in chapters if it.name != "book/introduction"])
    with pytest.raises(RegistryError, match="is in: book/introduction, book/introduction"):
        check_figures(registry, [*chapters, chapters[0]])


def test_no_text_of_a_figure_stands_twice() -> None:
    """Neither in two entries nor in a chapter."""
    registry = load_registry(ROOT)
    texts = [getattr(it, key) for it in registry.values() for key in ("title", "caption", "alt")]
    assert len(set(texts)) == len(texts)
    sources = [p for p in (ROOT / "book").rglob("*") if p.suffix in {".md", ".yml"}]
    prose = {p: " ".join(p.read_text().split()) for p in sources if p.name != "figures.yml"}
    for record in registry.values():
        for text in (record.caption, record.alt):
            opening = text[:60].split("{{")[0]
            assert [str(p) for p, words in prose.items() if opening in words] == [], record.id


def test_entries_hold_no_number_that_is_computed() -> None:
    """What draws computes each number for a placeholder: `fill` finds none missing."""
    registry = load_registry(ROOT)
    for name in ("fig-accuracy-curve", "fig-counter-example", "fig-time-types"):
        record = registry[name]
        _, table = record.drawn(*record.result(ROOT))
        for text in (record.caption, record.alt):
            assert "{{" not in fill(text, table.attrs.get("numbers", {}))
        assert set(table.columns) <= set(load_columns(ROOT))


def test_parameters_are_those_of_the_function_and_the_entry() -> None:
    registry = load_registry(ROOT)
    assert registry["fig-timeline"].all_parameters() == {}
    assert registry["fig-accuracy-curve"].all_parameters() == {"optimum": 1.0, "complexity": 1.0}
    assert registry["fig-two-type-contract"].all_parameters()["valuation"] == {
        "type": "LinearValuation",
        "scale": 100.0,
    }
    riding = registry["fig-free-riding"].all_parameters()
    assert riding == {"scenario": "big_firm_cooperation", "n_parties": list(range(1, 11))}


def test_results_are_computed_once() -> None:
    registry = load_registry(ROOT)
    first, second = (registry[f"fig-{name}"].result(ROOT)[0] for name in ("autarky",) * 2)
    assert first is second


def test_texts_and_numbers_take_their_places(tmp_path: Path) -> None:
    record = load_registry(write(tmp_path, ENTRY))["fig-line"]
    assert record.caption == "Slope of $a_{1}$, {{ slope:.1f }}"
    assert fill(record.caption, {"slope": 0.25}) == "Slope of $a_{1}$, 0.2"
    with pytest.raises(RegistryError, match="computes no 'slope'; known are: height"):
        fill(record.caption, {"height": 1})
    assert fill(record.caption, {}, missing="…") == "Slope of $a_{1}$, …"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: A line", "titel: A line", "fig-line: got an unexpected keyword argument 'titel'"),
        ("    draw: toy.drawing:line\n", "", "fig-line: must have either 'draw' or 'file'"),
        ("fig-line", "fig_Line", "'fig_Line' must be small letters"),
        ("columns:", "colums:", "must hold 'columns' and 'figures'"),
        ("figures:", "figures: [", "not valid YAML"),
    ],
)
def test_wrong_entries_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ENTRY
    with pytest.raises(RegistryError, match=message):
        load_registry(write(tmp_path, ENTRY.replace(old, new, 1)))


def test_unknown_figures_and_books_without_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_registry(tmp_path) == {}
    with pytest.raises(RegistryError, match="unknown figure 'fig-x'"):
        get({}, "fig-x")
    checkout = tmp_path / "checkout"
    package = checkout / "src/pwm_companion"
    monkeypatch.setattr(registry, "__file__", str(package / "figures/registry.py"))
    monkeypatch.setattr(registry, "STORED", package / "stored")
    with pytest.raises(RegistryError, match=r"no book/figures\.yml above"):
        find_registry(tmp_path)
    checkout.mkdir()
    write(checkout, ENTRY)
    assert find_registry(tmp_path) == checkout
    write(package / "stored", ENTRY)
    assert find_registry(tmp_path) == package / "stored"
    write(tmp_path, ENTRY)
    (tmp_path / "book/deep/down").mkdir(parents=True)
    assert find_registry(tmp_path / "book/deep/down") == tmp_path


def test_shown_figures_are_found_by_reading() -> None:
    code = ['x = 1\nshow("fig-a", x)', "show(name)", "%magic", 'print("fig-b")', 'show("fig-c")']
    assert shown_figures(code) == ["fig-a", "fig-c"]
    assert shown_figures(code, own=True) == ["fig-a"]


def test_a_drawing_without_data_has_all_its_files() -> None:
    static = [it for it in load_registry(ROOT).values() if it.file]
    assert [it.id for it in static] == ["fig-timeline"]
    for record in static:
        assert record.imports == []
        for kind in ("svg", "pdf", "png", "csv"):
            assert (ROOT / record.file).with_suffix(f".{kind}").is_file()
        assert set(pd.read_csv((ROOT / record.file).with_suffix(".csv"))) <= set(load_columns(ROOT))


def test_figures_depend_on_little() -> None:
    """A change redraws few figures: each imports what it needs and no more."""
    src = ROOT / "src"
    files = {
        name: find_dependencies(record.imports, src).files
        for name, record in load_registry(ROOT).items()
    }
    assert len(files["fig-counter-example"]) <= 4
    assert len(files["fig-time-types"]) <= 2
    behavior = src / "paid_with_models/beyond/behavior.py"
    assert 1 <= sum(behavior in found for found in files.values()) <= 5
    # Beside what solving a problem takes.
    solver = find_dependencies(["from paid_with_models import solve"], src).files
    lines = [
        sum(len(it.read_text().splitlines()) for it in found - solver) for found in files.values()
    ]
    assert sum(lines) / len(lines) <= 1_200
