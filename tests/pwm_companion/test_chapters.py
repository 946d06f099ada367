"""Run files and parameters: what is refused before anything runs."""

import re
from pathlib import Path

import pytest

from pwm_companion import cli
from pwm_companion.book.chapters import load_chapter, title_of
from pwm_companion.errors import BookError

ROOT = Path(__file__).parents[2]


def run_file(book: Path, content: str) -> Path:
    path = book / "book/runs/own.yml"
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("{nmber: 5}", "unknown parameter 'nmber', known are: number, shares"),
        ("{number: 5.5}", "parameter 'number' is 5.5, but must be a int like 1"),
        ("{number: true}", "parameter 'number' is True, but must be a int"),
        ("{number: '5'}", "parameter 'number' is '5'"),
        ("{shares: 0.5}", "parameter 'shares' is 0.5, but must be a list"),
        ("{shares: [0.5, half]}", "parameter 'shares' is 'half', but must be a float like 0.5"),
        ("[number]", "'parameters' must be a mapping"),
    ],
)
def test_bad_parameters_are_refused(book: Path, parameters: str, message: str) -> None:
    path = run_file(book, f"template: template.md\ntitle: Own\nparameters: {parameters}\n")
    with pytest.raises(BookError) as caught:
        load_chapter(path, "own")
    assert message in str(caught.value)
    assert "own.yml" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("title: Own", "'template' must name a text notebook"),
        ("template: none.md\ntitle: Own", "none.md: No such file"),
        ("template: template.md", "{{ title }} has no text here"),
        ("template: template.md\ntitle: Own\ntext: {more: x}", "no place for 'more'"),
        ("template: template.md\ntitle: Own\nparametrs: {}", "unknown key 'parametrs'"),
        ("template: [", "is not valid YAML"),
        ("just text", "must hold a mapping, not a text"),
    ],
)
def test_bad_run_files_are_refused(book: Path, content: str, message: str) -> None:
    with pytest.raises(BookError) as caught:
        load_chapter(run_file(book, content), "own")
    assert message in str(caught.value)


@pytest.mark.parametrize("inputs", ["data.csv", "[1]", "{a: b}"])
def test_bad_inputs_are_refused(book: Path, inputs: str) -> None:
    path = book / "book/square.md"
    path.write_text(path.read_text().replace("kernelspec:", f"inputs: {inputs}\nkernelspec:"))
    with pytest.raises(BookError, match="'inputs' must be a list of files"):
        load_chapter(path, "square")


@pytest.mark.parametrize(
    ("quick", "message"),
    [
        ("[number]", "'quick' must be a mapping"),
        ("{nmber: 1}", "unknown parameter 'nmber'"),
        ("{number: 1.5}", "parameter 'number' is 1.5, but must be a int"),
    ],
)
def test_bad_quick_parameters_are_refused(book: Path, quick: str, message: str) -> None:
    path = book / "book/runs/template.md"
    path.write_text(path.read_text().replace("kernelspec:", f"quick: {quick}\nkernelspec:"))
    with pytest.raises(BookError) as caught:
        load_chapter(book / "book/runs/five.yml", "five")
    assert message in str(caught.value)


def test_title_is_the_first_heading(book: Path) -> None:
    page = ROOT / "book/experiments/small_party_teamwork.yml"
    assert title_of(load_chapter(page, "small")) == "Small-party teamwork"
    untitled = book / "book/untitled.md"
    untitled.write_text("Words without a heading.\n")
    with pytest.raises(BookError, match="no title"):
        title_of(load_chapter(untitled, "untitled"))


def test_parameters_cell_holds_literals_only(book: Path) -> None:
    template = book / "book/runs/template.md"
    template.write_text(template.read_text().replace("number = 1", "number = 1 + len('')"))
    with pytest.raises(BookError, match=r"only lines NAME = LITERAL, not .number = 1 \+ len"):
        load_chapter(book / "book/runs/five.yml", "five")


def test_placeholders_are_filled_in_prose_and_metadata(book: Path) -> None:
    template = book / "book/runs/template.md"
    template.write_text(template.read_text().replace("hide-input", "'fig-{{ name }}'"))
    chapter = load_chapter(book / "book/runs/five.yml", "five")
    assert chapter.notebook.cells[0].source == "# Five"
    assert chapter.notebook.cells[1].metadata["tags"] == ["parameters", "fig-five"]
    assert chapter.parameters == {"number": 5, "shares": [1, 0.25]}


def test_execute_with_own_parameters(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(book)
    assert cli.main(["execute", "book/runs/five.yml", "-p", "number=7"]) == 0
    result = Path(capsys.readouterr().out.strip())
    assert "7 [1, 0.25]" in result.read_text()
    assert cli.main(["execute", "book/runs/five.yml", "-p", "nmber=7"]) == 2
    assert "unknown parameter 'nmber'" in capsys.readouterr().err


def test_notebooks_for_launching(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(book)
    assert cli.main(["notebooks"]) == 0
    text = (book / "book/runs/five.ipynb").read_text()
    assert "number = 5" in text
    assert "# Five" in text
    assert (book / "book/start.ipynb").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["bild"], ["build", "--jobs", "0"], ["execute", "x.yml", "-p", "number"]]
)
def test_bad_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


def test_every_number_kept_for_the_prose_is_used_there() -> None:
    texts = {path: path.read_text() for path in sorted((ROOT / "book").rglob("*.md"))}
    settings = "\n".join(path.read_text() for path in (ROOT / "book").rglob("*.yml"))
    unused = []
    for path, text in texts.items():
        for name in re.findall(r'\bglue\(\s*f?"([^"]+)"', text):
            one = re.sub(r"\\\{[^}]*\\\}", "[^:`]+", re.escape(name))
            if not re.search(rf"\{{glue:[^}}]*\}}`{one}[:`]", text + settings):
                unused.append((path.name, name))
    assert unused == []
