"""What the comparison with the reference values says, and that it names what moved and no more."""

import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from pwm_companion import cli, verify
from pwm_companion.compare import (
    Finding,
    Scalar,
    Verdict,
    close_as_shown,
    read_tolerances,
)
from pwm_companion.errors import BookError
from pwm_companion.pages import verdicts
from pwm_companion.verify import Content

TOLERANCES = {
    "relative": 1e-9,
    "residual": 1e-9,
    "measured": ["book/times: *"],
    "undetermined": {"book/menu: spread*": 1e-3},
    "reasons": dict.fromkeys(
        ["exact", "computed", "residual", "shown", "undetermined", "measured"], "because"
    ),
}
PAGE = Content(
    {"m": 391.25, "gap": 3e-14, "count": 3, "who": "types 1–4", "flat": True, "none": "nan"},
    {"Menu, table 1": [["cost", "m"], ["0.20", "391.25"]], "Menu, text 1": [["gap 3e-14 of 3"]]},
)
TABLE = "type,m,gap\n1,200.5,1e-14\n2,0.25,0.0\n"


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "tolerances.json").write_text(json.dumps(TOLERANCES))
    verify.update({"book/menu": PAGE}, {"fig-menu": TABLE}, folder)
    return folder


def found(folder: Path, page: Content = PAGE, table: str = TABLE) -> dict[str, Verdict]:
    """Return the verdicts that are not `identical`."""
    findings = verify.compare({"book/menu": page}, {"fig-menu": table}, folder)
    return {
        f"{it.page}: {it.name}": it.verdict
        for it in findings
        if it.verdict is not Verdict.IDENTICAL
    }


def changed(**numbers: Scalar) -> Content:
    return Content(PAGE.numbers | numbers, PAGE.shown)


def test_what_was_written_is_identical(reference: Path) -> None:
    findings = verify.compare({"book/menu": PAGE}, {"fig-menu": TABLE}, reference)
    assert len(findings) == 6 + 2 + 3
    assert {it.verdict for it in findings} == {Verdict.IDENTICAL}
    assert verify.agrees(findings)


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("m", 391.25 * (1 + 9e-10), Verdict.WITHIN),
        ("m", 391.25 * (1 + 2e-9), Verdict.DIFFERS),
        ("m", 391, Verdict.DIFFERS),
        ("gap", 9e-9, Verdict.WITHIN),
        ("gap", -9e-9, Verdict.WITHIN),
        ("gap", 2e-8, Verdict.DIFFERS),
        ("gap", "nan", Verdict.DIFFERS),
        ("count", 4, Verdict.DIFFERS),
        ("count", 3.0, Verdict.DIFFERS),
        ("who", "types 1–3", Verdict.DIFFERS),
        ("flat", False, Verdict.DIFFERS),
        ("flat", 1, Verdict.DIFFERS),
        ("none", 0.0, Verdict.DIFFERS),
        ("more", 1.0, Verdict.NEW),
    ],
)
def test_verdict_on_a_number(reference: Path, name: str, value: Scalar, verdict: Verdict) -> None:
    assert found(reference, changed(**{name: value})) == {f"book/menu: {name}": verdict}


def test_number_that_is_gone_is_missing(reference: Path) -> None:
    numbers = {name: value for name, value in PAGE.numbers.items() if name != "m"}
    assert found(reference, Content(numbers, PAGE.shown)) == {"book/menu: m": Verdict.MISSING}
    findings = verify.compare({}, {}, reference)
    assert {it.verdict for it in findings} == {Verdict.MISSING}
    assert not verify.agrees(findings)


def test_what_is_measured_is_not_compared(reference: Path) -> None:
    before = Content({"seconds": 1.5}, {"Times, table 1": [["a", "1.5 s"]]})
    after = Content({"seconds": 2.5}, {"Times, table 1": [["a", "2.5 s"]]})
    verify.update({"book/times": before}, {}, reference)
    findings = verify.compare({"book/times": after}, {}, reference)
    assert [it.verdict for it in findings] == [Verdict.WITHIN] * 2


@pytest.mark.parametrize(
    ("old", "now", "close"),
    [
        ("391.91", "391.92", True),
        ("391.91", "391.93", False),
        ("2,608.1 units", "2,608.2 units", True),
        ("1.0e-03", "1.1e-03", True),
        ("−0.50", "-0.50", True),
        ("-0.50", "0.50", False),
        ("type 3", "type 4", False),
        ("12 options", "13 options", False),
        ("gap 5e-14", "gap -7e-12", True),
        ("gap 5e-14", "gap 5e-02", False),
        ("10⁻¹⁵", "10⁻¹⁶", True),
        ("10⁻¹⁵ of 3", "10⁻⁵ of 3", False),
        ("10⁶ parties", "10⁷ parties", False),
        ("0.25 of data", "0.25 of value", False),
        ("a", "a 0.5", False),
    ],
)
def test_shown_numbers_may_round_to_the_neighboring_digit(old: str, now: str, close: bool) -> None:
    assert close_as_shown(old, now, 1e-9) is close


@pytest.mark.parametrize(
    ("now", "verdict"),
    [(40.039, Verdict.WITHIN), (40.1, Verdict.DIFFERS), ("40.0", Verdict.DIFFERS)],
)
def test_what_the_problem_leaves_open_has_a_leeway_of_its_own(
    reference: Path, now: Scalar, verdict: Verdict
) -> None:
    before = Content({"spread": 40.0}, {"spread, table 1": [["40.0 of 3"]]})
    verify.update({"book/menu": before}, {}, reference)
    page = Content({"spread": now}, {"spread, table 1": [[f"{now} of 3"]]})
    verdicts = [it.verdict for it in verify.compare({"book/menu": page}, {}, reference)]
    assert verdicts[0] is verdict
    assert verdicts[1] is (Verdict.IDENTICAL if now == "40.0" else verdict)
    words = Content(before.numbers, {"spread, table 1": [["40.0 off 3"]]})
    assert not verify.agrees(verify.compare({"book/menu": words}, {}, reference))


def test_rounding_errors_have_no_leeway_to_keep(reference: Path) -> None:
    before = Content({"spread": 7e-15}, {"spread, table 1": [["7e-15"]]})
    verify.update({"book/menu": before}, {}, reference)
    for now, close in ((3e-15, True), (3e-7, False)):
        page = Content({"spread": now}, {"spread, table 1": [[f"{now:.0e}"]]})
        assert verify.agrees(verify.compare({"book/menu": page}, {}, reference)) is close


def test_verdict_on_shown_tables(reference: Path) -> None:
    for cell, verdict in (("391.26", Verdict.WITHIN), ("395.00", Verdict.DIFFERS)):
        rows = [["cost", "m"], ["0.20", cell]]
        page = Content(PAGE.numbers, PAGE.shown | {"Menu, table 1": rows})
        assert found(reference, page) == {"book/menu: Menu, table 1": verdict}
    more = [*PAGE.shown["Menu, table 1"], ["0.10", "400.00"]]
    page = Content(PAGE.numbers, PAGE.shown | {"Menu, table 1": more})
    assert found(reference, page) == {"book/menu: Menu, table 1": Verdict.DIFFERS}


@pytest.mark.parametrize(
    ("old", "now", "column", "verdict"),
    [
        ("0.25,", "0.2500001,", "m", Verdict.WITHIN),  # the column holds 200.5
        ("0.25,", "0.250001,", "m", Verdict.DIFFERS),
        ("2,0.25", "3,0.25", "type", Verdict.DIFFERS),
        ("1e-14", "5e-13", "gap", Verdict.WITHIN),
        ("1e-14", "5e-3", "gap", Verdict.DIFFERS),
        ("1e-14", "", "gap", Verdict.DIFFERS),
    ],
)
def test_verdict_on_the_table_behind_a_figure(
    reference: Path, old: str, now: str, column: str, verdict: Verdict
) -> None:
    assert old in TABLE
    moved = found(reference, table=TABLE.replace(old, now))
    assert moved == {f"figures/fig-menu: {column}": verdict}


@pytest.mark.parametrize(
    ("old", "now", "tolerance", "verdict"),
    [
        ("200.5", "200.50000001", "computed", Verdict.WITHIN),
        ("200.5", "200.51", "computed", Verdict.DIFFERS),
        ("0.25", "", "computed", Verdict.DIFFERS),
        ("2,,", "2,0.0,", "computed", Verdict.DIFFERS),
        (",1e-14", ",5e-13", "residual", Verdict.WITHIN),
        ("4,0.5,,7", "4,0.5,,8", "exact", Verdict.DIFFERS),
    ],
)
def test_numbers_in_a_column_with_blank_cells_have_their_tolerance(
    reference: Path, old: str, now: str, tolerance: str, verdict: Verdict
) -> None:
    table = "type,m,gap,count\n1,200.5,1e-14,3\n2,,,\n3,0.25,0.0,\n4,0.5,,7\n"
    assert table.count(old) == 1
    verify.update({}, {"fig-menu": table}, reference)
    findings = verify.compare({}, {"fig-menu": table.replace(old, now)}, reference)
    moved = [it for it in findings if it.verdict is not Verdict.IDENTICAL]
    assert [(it.tolerance, it.verdict) for it in moved] == [(tolerance, verdict)]


def test_other_rows_and_columns_of_a_figure_s_table(reference: Path) -> None:
    assert set(found(reference, table=TABLE + "3,1.0,0.0\n").values()) == {Verdict.DIFFERS}
    fewer = found(reference, table="type,m\n1,200.5\n2,0.25\n")
    assert fewer == {"figures/fig-menu: gap": Verdict.MISSING}


def test_report_names_what_moved_and_nothing_else(reference: Path) -> None:
    findings = verify.compare(
        {"book/menu": changed(m=392.0)}, {"fig-menu": TABLE.replace("200.5", "201.5")}, reference
    )
    assert list(verify.describe(findings)) == [
        "book/menu",
        "  differs: m: 391.25 -> 392.0 (relative difference 1.9e-03)",
        "figures/fig-menu",
        "  differs: m: '200.5' -> '201.5' (relative difference 5.0e-03)",
        "figures that moved: fig-menu",
        "11 numbers and tables: 9 identical, 0 within tolerance, 0 new, 0 missing, 2 differs",
    ]
    content = json.loads(verify.as_json(findings, read_tolerances(reference)))
    assert content["agrees"] is False
    assert content["figures"] == {"fig-menu": "differs"}
    assert "| **all** | **9** | **0** | **0** | **0** | **2** |" in verdicts.page(
        findings, reference.parent
    )


def test_update_removes_what_is_gone_and_leaves_the_tolerances(reference: Path) -> None:
    verify.update({"book/other": PAGE}, {}, reference)
    files = {file.relative_to(reference).as_posix() for file in reference.rglob("*.*")}
    assert files == {"tolerances.json", "book/other.json"}


@pytest.mark.parametrize("content", ["{", "[]", '{"relative": 1e-9}', '{"relative": "small"}'])
def test_bad_tolerances_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "tolerances.json").write_text(content)
    with pytest.raises(BookError, match=r"tolerances\.json is not as it must be"):
        read_tolerances(tmp_path)


def test_no_finding_without_a_reason_in_the_book_s_own_tolerances() -> None:
    root = Path(__file__).parents[2]
    tolerances = read_tolerances(root / "reference")
    assert tolerances.limits.keys() == tolerances.reasons.keys()
    assert all(len(reason.split()) > 5 for reason in tolerances.reasons.values())


def test_every_leeway_in_the_book_s_own_tolerances_is_of_something_in_the_book() -> None:
    folder = Path(__file__).parents[2] / "reference"
    names = set()
    for path in folder.glob("*/**/*.json"):
        content = json.loads(path.read_text())
        page = path.relative_to(folder).with_suffix("").as_posix()
        names |= {f"{page}: {name}" for kind in content.values() for name in kind}
    for path in folder.glob("figures/*.csv"):
        columns = path.read_text().partition("\n")[0].split(",")
        names |= {f"figures/{path.stem}: {name}" for name in columns}
    tolerances = read_tolerances(folder)
    patterns = [*tolerances.undetermined, *tolerances.measured]
    assert [it for it in patterns if not any(fnmatchcase(name, it) for name in names)] == []


def test_a_change_in_the_source_is_found_in_the_book(
    copy_of_built_book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copy_of_built_book
    monkeypatch.chdir(root)
    assert cli.main(["verify"]) == 2
    assert "tolerances.json: No such file" in capsys.readouterr().err

    page = root / "book/square.md"
    more = (
        "from pwm_companion.book.notebook import glue\nglue('nine', square(3))\nglue('two', 0.2)\n"
    )
    page.write_text(page.read_text().replace("print(square(3))", more + "print(square(3))"))
    (root / "reference").mkdir()
    (root / "reference/tolerances.json").write_text(json.dumps(TOLERANCES))
    assert cli.main(["verify", "--update"]) == 0
    assert "book/square\n  new: nine: 9\n  new: two: 0.2\n" in capsys.readouterr().out
    assert cli.main(["verify"]) == 0
    capsys.readouterr()

    product = root / "src/toy/_product.py"
    product.write_text(product.read_text().replace("x * y", "x * y + 1"))
    for arguments in (["verify"], ["verify", "--fresh"]):
        assert cli.main(arguments) == 1
        assert capsys.readouterr().out == (
            "book/square\n"
            "  differs: nine: 9 -> 10\n"
            "  differs: Square, text 1: '9' -> '10'\n"
            "5 numbers and tables: 3 identical, 0 within tolerance, 0 new, 0 missing, 2 differs\n"
        )
    assert json.loads((root / "build/verify.json").read_text())["agrees"] is False
    assert cli.main(["verify", "--json", "--update"]) == 0
    shown = json.loads(capsys.readouterr().out)["findings"]
    assert {it["name"] for it in shown if it["verdict"] == "differs"} == {"nine", "Square, text 1"}
    assert cli.main(["verify"]) == 0


def test_worst_verdict_counts_for_a_figure() -> None:
    findings = [
        Finding("figures/fig-a", name, verdict, "computed", None, None)
        for name, verdict in (("x", Verdict.WITHIN), ("y", Verdict.DIFFERS), ("z", Verdict.NEW))
    ]
    assert verify.verdict_of_figure(findings, "fig-a") is Verdict.DIFFERS
    assert verify.verdict_of_figure(findings, "fig-b") is None


def test_a_changed_parameter_names_the_numbers_and_the_figure_that_moved(
    copy_of_built_book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copy_of_built_book
    monkeypatch.chdir(root)
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "src/toy/lines.py").write_text(LINES)
    (root / "book/figures.yml").write_text(FIGURES)
    template = root / "book/runs/template.md"
    text = template.read_text()
    assert text.count("print(number, shares)") == 1
    more = "from pwm_companion.book.notebook import glue, show\nfrom toy.lines import slopes\n"
    more += "glue('number', number)\nshow('fig-line', slopes(number))"
    template.write_text(text.replace("print(number, shares)", more))
    (root / "reference").mkdir()
    (root / "reference/tolerances.json").write_text(json.dumps(TOLERANCES))
    assert cli.main(["verify", "--update"]) == 0
    assert cli.main(["verify"]) == 0
    capsys.readouterr()

    run = root / "book/runs/five.yml"
    run.write_text(run.read_text().replace("number: 5", "number: 6"))
    assert cli.main(["verify"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == [
        "book/runs/five",
        "  differs: number: 5 -> 6",
        "figures/fig-line",
        f"  differs: as book/runs/five shows it: {THE_FIGURE!r} -> {ANOTHER!r}",
        "figures that moved: fig-line",
    ]
    assert lines[-1].endswith("2 differs")


THE_FIGURE, ANOTHER = "the figure of record", "drawn from other results"
PROJECT = """\
[project]
name = "toy"
version = "1.2.3"
authors = [{ name = "The authors" }]
dependencies = []
"""
LINES = """\
import pandas as pd
from matplotlib.figure import Figure


def slopes(steepest=5):
    return [0.0, float(steepest)]


def line(slopes):
    figure = Figure()
    figure.subplots().plot(slopes)
    return figure, pd.DataFrame({"slope": slopes})
"""
FIGURES = """\
columns: {slope: {text: slope of the line, unit: m}}
figures:
  fig-line:
    title: Line
    caption: A line
    alt: A line
    draw: toy.lines:line
    compute: toy.lines:slopes
    chapter: book/runs/five
    changelog: {1.2.3: First version.}
"""
