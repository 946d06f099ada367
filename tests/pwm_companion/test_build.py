"""What is executed and built again after which change, and what a failure leaves behind."""

import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from pypdf import PdfWriter

from pwm_companion import cli
from pwm_companion.book import execute
from pwm_companion.book.build import (
    QUICK,
    build,
    describe_run_time,
    execute_chapters,
    load_pages,
    public_config,
)
from pwm_companion.book.chapters import read_toc
from pwm_companion.book.site import BuildError
from pwm_companion.errors import BookError
from pwm_companion.publish.pdf import add_to_site
from pwm_companion.yaml_files import read_yaml

from .test_verify import FIGURES, LINES, PROJECT


def rebuild(root: Path) -> list[str]:
    """Build, and return what was said about it."""
    said: list[str] = []
    build(root, root / "build", say=said.append)
    return said


def run_chapters(root: Path) -> dict[str, str]:
    """Execute what changed, without a site; return the executed notebooks by name."""
    pages = load_pages(root, read_toc(root))
    found = execute_chapters(pages, root, root / "build/cache", 1, str)
    return {name: it.notebook.read_text() for name, it in found.items() if it.fresh}


def printed(text: str) -> str:
    """Return a line that a cell prints, as it stands in a notebook's file."""
    return json.dumps(f"{text}\n")


def executed(said: list[str]) -> set[str]:
    return {line.split()[1] for line in said if line.startswith("executed")}


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def page(root: Path, name: str) -> str:
    return (root / "build/html" / f"{name}.html").read_text()


def test_site_holds_every_page_with_its_results(built_book: Path) -> None:
    assert "A page without code." in page(built_book, "book/start")
    assert "9" in page(built_book, "book/square")
    assert "5 [1, 0.25]" in page(built_book, "book/runs/five")
    assert "<h1>Five" in page(built_book, "book/runs/five")


def test_download_is_the_executed_notebook_without_traces_of_the_run(built_book: Path) -> None:
    text = (built_book / "build/html/_sources/book/runs/five.ipynb").read_text()
    notebook = json.loads(text)
    outputs = [out for cell in notebook["cells"] for out in cell.get("outputs", [])]
    assert outputs[0]["text"] == "5 [1, 0.25]\n" or outputs[0]["text"] == ["5 [1, 0.25]\n"]
    assert "papermill" not in text
    assert "execution" not in str([cell["metadata"] for cell in notebook["cells"]])
    assert str(built_book) not in text
    injected = notebook["cells"][3]
    assert injected["metadata"]["tags"] == ["injected-parameters", "hide-input"]


def test_what_is_printed_in_a_row_is_one_output_however_many_messages_it_came_in() -> None:
    one, two, four = (new_output("stream", text=text) for text in ("1\n", "1\n", "1\n"))
    error, result = new_output("stream", name="stderr", text="2\n"), new_output("execute_result")
    cell = new_code_cell(outputs=[one, two, error, result, four])
    notebook = new_notebook(cells=[cell])
    execute.clean(notebook)
    assert [it.get("text") for it in cell.outputs] == ["1\n1\n", "2\n", None, "1\n"]


def test_nothing_changed_nothing_done(copy_of_built_book: Path) -> None:
    (line,) = rebuild(copy_of_built_book)
    assert line.startswith("nothing to build")


def test_edit_of_a_chapter_executes_only_that_chapter(copy_of_built_book: Path) -> None:
    replace(copy_of_built_book / "book/square.md", "square(3)", "square(4)")
    assert executed(rebuild(copy_of_built_book)) == {"book/square"}
    assert "16" in page(copy_of_built_book, "book/square")


def test_edit_of_a_page_without_code_executes_nothing(copy_of_built_book: Path) -> None:
    replace(copy_of_built_book / "book/start.md", "without code", "without any code")
    assert executed(rebuild(copy_of_built_book)) == set()
    assert "without any code" in page(copy_of_built_book, "book/start")


def test_edit_of_a_module_executes_its_dependents(copy_of_built_book: Path) -> None:
    replace(copy_of_built_book / "src/toy/_product.py", "x * y", "x * y + 1")
    found = run_chapters(copy_of_built_book)
    assert set(found) == {"book/square"}
    assert printed("10") in found["book/square"]


def test_edit_of_parameters_executes_that_run(copy_of_built_book: Path) -> None:
    replace(copy_of_built_book / "book/runs/five.yml", "number: 5", "number: 6")
    assert set(run_chapters(copy_of_built_book)) == {"book/runs/five"}


def test_edit_of_the_lock_executes_everything(book: Path) -> None:
    pages = load_pages(book, read_toc(book))
    before = [execute.chapter_key(page, book) for page in pages]
    assert before == [execute.chapter_key(page, book) for page in pages]
    (book / "requirements.lock").write_text("numpy==0\n")
    assert not set(before) & {execute.chapter_key(page, book) for page in pages}


def test_same_bytes_elsewhere(
    built_book: Path, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "C")
    rebuild(book)
    first, second = built_book / "build/html", book / "build/html"
    names = {file.relative_to(first) for file in first.rglob("*") if file.is_file()}
    assert names == {file.relative_to(second) for file in second.rglob("*") if file.is_file()}
    differ = [
        str(name) for name in names if (first / name).read_bytes() != (second / name).read_bytes()
    ]
    assert differ == []


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_after_an_edit_only_that_page_is_made_again_with_the_bytes_of_a_full_build(
    copy_of_built_book: Path,
) -> None:
    root = copy_of_built_book
    html, made = root / "build/html", root / "build/sphinx/_build/html"
    replace(root / "book/start.md", "A page", "One page")
    rebuild(root)  # the folder is another: all is read
    other = (made / "book/twice.html").stat().st_mtime_ns
    replace(root / "book/square.md", "square(3)", "square(4)")
    replace(root / "book/start.md", "without code", "of longwinded words")
    rebuild(root)
    assert (made / "book/twice.html").stat().st_mtime_ns == other
    changed = contents(html)
    assert "longwinded" in page(root, "book/start")
    assert b"longwind" in changed["searchindex.js"]
    assert b'"code"' not in changed["searchindex.js"]
    for name in ("sphinx", "html"):
        shutil.rmtree(root / "build" / name)
    rebuild(root)
    assert contents(html) == changed


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [("# Square", "# Cube", ">Cube<"), ("# Square", "(here)=\n# Square", "Square")],
)
def test_what_other_pages_show_makes_all_pages_again(
    copy_of_built_book: Path, old: str, new: str, shown: str
) -> None:
    root = copy_of_built_book
    replace(root / "book/start.md", "A page", "One page")
    rebuild(root)
    made = root / "build/sphinx/_build/html/book/twice.html"
    before = made.stat().st_mtime_ns
    replace(root / "book/square.md", old, new)
    rebuild(root)
    assert made.stat().st_mtime_ns != before
    assert shown in page(root, "book/twice")


def test_a_pdf_stays_in_the_site_until_that_is_made_anew(copy_of_built_book: Path) -> None:
    root = copy_of_built_book
    replace(root / "book/start.md", "A page", '<p class="as-pdf" hidden></p>\n\nA page')
    rebuild(root)
    html, pdf = root / "build/html", root / "build/book.pdf"
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(pdf)
    add_to_site(pdf, root, root / "build")
    assert 'href="../book.pdf">one PDF</a>, 1 pages' in page(root, "book/start")
    (line,) = rebuild(root)
    assert line.startswith("nothing to build")
    assert (html / "book.pdf").read_bytes() == pdf.read_bytes()
    replace(root / "book/start.md", "A page", "One page")
    rebuild(root)
    assert not (html / "book.pdf").exists()
    assert "one PDF" not in page(root, "book/start")


@pytest.mark.parametrize("command", ["zip", "pdf"])
def test_a_site_that_somebody_changed_is_not_published(
    copy_of_built_book: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(copy_of_built_book)
    Path("build/html/book/square.html").unlink()
    assert cli.main([command]) == 2
    assert "build/html is not as it was built: run pwm build first" in capsys.readouterr().err
    assert not [*Path("build").glob("*.zip"), *Path("build").glob("*.pdf")]


def test_failing_chapter_is_named_with_cell_and_traceback_and_the_last_site_stays(
    copy_of_built_book: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = copy_of_built_book
    before = page(root, "book/square")
    replace(root / "book/square.md", "square(3)", "square(3) / 0")
    monkeypatch.chdir(root)
    assert cli.main(["build"]) == 1
    message = capfd.readouterr().err
    assert "book/square.md, cell 2:" in message
    assert "print(square(3) / 0)" in message
    assert "ZeroDivisionError: division by zero" in message
    assert "Traceback (most recent call last)" in message
    assert "companion/" not in message
    assert page(root, "book/square") == before


def test_chapter_that_warns_fails(copy_of_built_book: Path) -> None:
    replace(
        copy_of_built_book / "book/square.md",
        "print(square(3))",
        "import warnings; warnings.warn('rough')",
    )
    with pytest.raises(BuildError, match=r"book/square\.md, cell 2(.|\n)*UserWarning: rough"):
        run_chapters(copy_of_built_book)


def test_broken_reference_fails_and_the_last_site_stays(copy_of_built_book: Path) -> None:
    root = copy_of_built_book
    before = page(root, "book/start")
    replace(root / "book/start.md", "A page", "See {ref}`nowhere`. A page")
    with pytest.raises(BuildError, match=r"book/start\.md:3: WARNING: undefined label: 'nowhere'"):
        rebuild(root)
    assert page(root, "book/start") == before
    assert sorted(path.name for path in (root / "build").iterdir()) == [
        ".pwm-build",
        "cache",
        "html",
        "site.json",
        "sphinx",
        "stage",
    ]


def test_page_that_the_contents_list_and_nobody_wrote(
    copy_of_built_book: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy_of_built_book / "book/twice.md").unlink()
    monkeypatch.chdir(copy_of_built_book)
    assert cli.main(["build"]) == 2
    error = capsys.readouterr().err
    assert (
        error
        == "pwm: _toc.yml lists book/twice, but there is no book/twice.md and no book/twice.yml\n"
    )
    # A draft does without it, beside the last good site.
    assert cli.main(["build", "--draft"]) == 0
    assert not (copy_of_built_book / "build/draft/html/book/twice.html").exists()
    assert (copy_of_built_book / "build/html/book/twice.html").exists()


def test_chapters_find_an_empty_folder(copy_of_built_book: Path) -> None:
    replace(
        copy_of_built_book / "book/square.md", "print(square(3))", "import os; print(os.listdir())"
    )
    assert printed("[]") in run_chapters(copy_of_built_book)["book/square"]


def test_a_kernel_that_dies_of_a_full_disk_has_that_said_for_it(tmp_path: Path) -> None:
    assert execute._no_room(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []
    missing = tmp_path / "missing"
    assert execute._no_room(missing).endswith(f": {missing}\n")  # whatever it is that fails


@pytest.mark.parametrize(("length", "transport"), [(0, "ipc"), (60, "tcp")])
def test_kernels_are_talked_to_by_files_unless_their_path_is_too_long(
    copy_of_built_book: Path,
    monkeypatch: pytest.MonkeyPatch,
    length: int,
    transport: str,
) -> None:
    """Ports may be taken between being found and being bound; paths have 108 bytes at most."""
    place = copy_of_built_book.parent / ("ü" * length)
    place.mkdir(exist_ok=True)
    replace(
        copy_of_built_book / "book/square.md",
        "print(square(3))",
        "print(get_ipython().kernel.parent.transport)",
    )
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as short:
        monkeypatch.setenv("TMPDIR", str(place) if length else short)
        found = run_chapters(copy_of_built_book)
        assert printed(transport) in found["book/square"]
        assert list(Path(short).iterdir()) == []


def test_chapters_find_their_inputs_and_run_again_when_these_change(
    copy_of_built_book: Path,
) -> None:
    root = copy_of_built_book
    (root / "data").mkdir()
    (root / "data/numbers.txt").touch()
    replace(root / "book/square.md", "kernelspec:", "inputs: [../data/numbers.txt]\nkernelspec:")
    code = (
        "from pathlib import Path; print(Path('../data/numbers.txt').read_text(),"
        " *sorted(path.name for path in Path('..').iterdir()))"
    )
    replace(root / "book/square.md", "print(square(3))", code)
    for text in ("three", "four"):
        (root / "data/numbers.txt").write_text(text)
        found = run_chapters(root)
        assert set(found) == {"book/square"}
        assert printed(f"{text} book data") in found["book/square"]
    (root / "data/numbers.txt").unlink()
    with pytest.raises(BookError, match=r"square\.md: there is no input .*data/numbers\.txt"):
        run_chapters(root)


def test_public_addresses_add_what_needs_them(book: Path) -> None:
    config = {"title": "A book", "html": {}, "sphinx": {"config": {"extensions": ["a"]}}}
    assert public_config(json.loads(json.dumps(config)), book) == config
    (book / "pyproject.toml").write_text(
        '[tool.pwm]\nsite_url = "https://a.org/b/"\nrepository_url = "https://c.org/d"\n'
    )
    public = public_config(config, book)
    assert public["repository"]["url"] == "https://c.org/d"
    assert "binderhub_url" in public["launch_buttons"]
    assert public["sphinx"]["config"]["ogp_site_url"] == "https://a.org/b/"
    assert public["sphinx"]["config"]["notfound_urls_prefix"] == "/b/"


def test_outside_a_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["build"]) == 2
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BookError):
        build(tmp_path, tmp_path / "build")


def test_a_chapter_says_how_long_it_runs(copy_of_built_book: Path) -> None:
    root = copy_of_built_book
    replace(root / "book/square.md", "# Square", "# Square\n\n<!-- run time --> And no longer.")
    rebuild(root)
    first = page(root, "book/square")
    assert re.search(r"Runs in about \d+ s\. And no longer\.", first)
    # It is known without running the chapter again.
    shutil.rmtree(root / "build/html")
    assert executed(rebuild(root)) == set()
    assert page(root, "book/square") == first


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.02, "1 s"), (4.2, "5 s"), (47, "60 s"), (95, "2 minutes")]
)
def test_run_times_are_told_roughly(seconds: float, text: str) -> None:
    assert describe_run_time(seconds) == f"Runs in about {text}."


def test_public_site_has_previews_and_a_page_for_addresses_that_do_not_exist(book: Path) -> None:
    real = Path(__file__).parents[2]
    config = read_yaml(book / "_config.yml")
    extensions = read_yaml(real / "_config.yml")["sphinx"]["config"]["extensions"]
    config["sphinx"]["config"]["extensions"] = extensions
    (book / "_config.yml").write_text(json.dumps(config))
    (book / "book/_static").mkdir()
    shutil.copy(real / "book/_static/logo.png", book / "book/_static/logo.png")
    (book / "pyproject.toml").write_text('[tool.pwm]\nsite_url = "https://a.org/b/"\n')
    rebuild(book)
    start, missing = page(book, "book/start"), page(book, "404")
    assert '<meta property="og:title" content="Start"' in start
    assert '<meta property="og:url" content="https://a.org/b/book/start.html"' in start
    card = re.search(r'<meta property="og:image" content="https://a\.org/b/([^"]+\.png)"', start)
    assert card
    assert (book / "build/html" / card[1]).is_file()
    # Whatever address does not exist, the page finds its styles.
    assert re.search(r'href="/b/_static/[^"]+\.css', missing)
    assert not re.search(r'(href|src)="(\.\./)*_static/', missing)


def test_quick_run_takes_smaller_parameters_and_leaves_the_site_alone(
    copy_of_built_book: Path,
) -> None:
    root = copy_of_built_book
    template = root / "book/runs/template.md"
    replace(template, "kernelspec:", "quick: {number: 2}\nkernelspec:")
    before = {file: file.read_bytes() for file in (root / "build/html").rglob("*.html")}
    html = build(root, root / "build", quick=True, say=lambda _: None)
    assert html == root / "build/quick/html"
    for name in ("start", "square", "twice", "runs/five"):
        assert QUICK in (html / f"book/{name}.html").read_text()
    # None finds what another left.
    assert "2 [1, 0.25]" in (html / "book/runs/five.html").read_text()
    assert "9" in (html / "book/square.html").read_text()
    assert {file: file.read_bytes() for file in before} == before
    assert executed(rebuild(root)) == set()
    assert QUICK not in page(root, "book/start")


def test_quick_run_of_a_book_with_figures(book: Path) -> None:
    (book / "pyproject.toml").write_text(PROJECT)
    (book / "src/toy/lines.py").write_text(LINES)
    (book / "book/figures.yml").write_text(FIGURES)
    replace(book / "_config.yml", "title:", "copyright: '2026'\ntitle:")
    show = "from pwm_companion.book.notebook import show; show('fig-line')"
    replace(book / "book/runs/template.md", "print(number, shares)", show)
    html = build(book, book / "build", quick=True, say=lambda _: None)
    text = (html / "book/runs/five.html").read_text()
    assert 'id="fig-line"' in text
    assert "not the figure of record" in text
    assert not (html / "figures/fig-line").exists()


def test_a_run_s_own_parameters_are_shown_as_those_of_the_chapter_would_be() -> None:
    shown = {"code_prompt_show": "Parameters", "code_prompt_hide": "Parameters"}
    defaults = new_code_cell(metadata={"tags": ["parameters", "hide-input"], "mystnb": shown})
    own = new_code_cell(metadata={"tags": ["injected-parameters"], "papermill": {}})
    execute.clean(new_notebook(cells=[defaults, own]))
    assert own.metadata == {"tags": ["injected-parameters", "hide-input"], "mystnb": shown}
    assert "remove-cell" in defaults.metadata.tags
