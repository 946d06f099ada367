"""What `show` puts into a notebook: a mark that the build fills, or the drawing itself."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from pwm_companion.book.notebook import Shown, show, stored
from pwm_companion.figures.pages import dress, marked
from pwm_companion.figures.registry import MARKER, PLACED, load_registry

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>%s</title></svg>'
LINES = """\
import pandas as pd
from matplotlib.figure import Figure


def slopes(steepest=2.0):
    return pd.DataFrame({"slope": [0.0, steepest]})


def line(slopes):
    figure = Figure()
    figure.subplots().plot(slopes["slope"])
    slopes.attrs["numbers"] = {"slope": float(slopes["slope"].max())}
    return figure, slopes
"""
FIGURES = """\
columns: {slope: {text: slope of the line, unit: m}}
figures:
  fig-line:
    title: A line
    caption: Of slope {{ slope }}
    alt: A line
    draw: lines_to_show:line
    compute: lines_to_show:slopes
    chapter: book/start
    changelog: {1.2.3: First version.}
  fig-still:
    title: A drawing without data
    caption: Still
    alt: Nothing
    file: book/still.svg
    chapter: book/start
    changelog: {1.2.3: First version.}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "book").mkdir()
    (tmp_path / "book/figures.yml").write_text(FIGURES)
    (tmp_path / "book/still.svg").write_text(SVG % "still")
    (tmp_path / "lines_to_show.py").write_text(LINES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(PLACED, raising=False)
    return tmp_path


def notebook_with(*figures: Shown) -> NotebookNode:
    cells = []
    for shown in figures:
        data, metadata = shown._repr_mimebundle_()
        output = nbformat.v4.new_output("execute_result", data=data, metadata=metadata)
        cells.append(nbformat.v4.new_code_cell(outputs=[output]))
    return nbformat.v4.new_notebook(cells=cells)


def drawn(root: Path, name: str, table: str) -> Path:
    """A folder as the build writes it for a figure."""
    folder = root / "build" / name
    folder.mkdir(parents=True)
    (folder / f"{name}.svg").write_text(SVG % "of record")
    about = {"id": name, "caption": "Filled", "alt": "Filled", "data": None, "parameters": {}}
    about["files"] = {f"{name}.csv": {"sha256": table}}
    (folder / "metadata.json").write_text(json.dumps(about))
    run = {"commit": None, "seconds": 1.0}
    (folder / "run.json").write_text(json.dumps(run))
    return folder


@pytest.mark.usefixtures("root")
def test_elsewhere_the_figure_is_drawn_or_its_file_shown() -> None:
    line, still = show("fig-line"), show("fig-still")
    assert "<svg" in line.data["image/svg+xml"]
    assert line.metadata["figure"]["numbers"] == {"slope": 2.0}
    assert still.data["image/svg+xml"] == SVG % "still"
    assert marked(notebook_with(line)) == []


def test_in_the_book_it_is_a_mark_unless_drawn_from_a_result_of_its_own(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lines_to_show  # type: ignore[import-not-found]

    monkeypatch.setenv(PLACED, "1")
    own = show("fig-line", lines_to_show.slopes(3.0))
    assert own.metadata["figure"]["numbers"] == {"slope": 3.0}
    assert show("fig-line").data == {MARKER: {"id": "fig-line"}, "text/plain": "A line"}
    notebook = notebook_with(show("fig-line"), own, show("fig-still"))
    assert marked(notebook) == ["fig-line", "fig-still"]
    folders = {name: drawn(root, name, "x") for name in ("fig-line", "fig-still")}
    dress(notebook, "book/start", load_registry(root), folders, root / "build")
    first, second, third = (cell.outputs[0].data for cell in notebook.cells[::2])
    assert first["image/svg+xml"] == third["image/svg+xml"] == SVG % "of record"
    assert second["image/svg+xml"] == own.data["image/svg+xml"]
    assert MARKER not in first
    caption = notebook.cells[2].metadata["mystnb"]["figure"]["caption"]
    assert caption == "A line: drawn from results of other parameters"


def test_pages_show_the_file_of_record_and_say_so(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PLACED, "1")
    registry, folder = load_registry(root), drawn(root, "fig-line", "x")
    placed, missing = notebook_with(show("fig-line")), notebook_with(show("fig-line"))
    dress(placed, "book/start", registry, {"fig-line": folder}, root / "build")
    dress(missing, "book/start", registry, {}, root / "build")
    cell, strip = placed.cells
    assert cell.outputs[0].data["image/svg+xml"] == SVG % "of record"
    assert cell.metadata["mystnb"]["figure"] == {"caption": "Filled", "name": "fig-line"}
    assert "not the figure of record" not in strip.source
    cell, strip = missing.cells
    assert "drawn by a full build" in cell.outputs[0].data["image/svg+xml"]
    assert cell.metadata["mystnb"]["figure"]["caption"] == "Of slope …"
    assert "not the figure of record" in strip.source


def run_in_ipython(*cells: str) -> str:
    """Run cells in a shell of their own, and return the traceback of the last; empty if none."""
    code = (
        "import json, sys\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "results = [shell.run_cell(cell, store_history=True) for cell in json.loads(sys.argv[1])]\n"
        "error = results[-1].error_in_exec\n"
        "sys.exit(f'{type(error).__name__}: {error}' if error else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(cells)], capture_output=True, text=True
    )
    return done.stderr.strip()


SETUP = "from pwm_companion.book.notebook import check_parameters, setup; setup()"
CHECK = "check_parameters(number=int, share=float)"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ((SETUP,), ""),
        (("# Parameters\nn_parites = 6\n", SETUP), "n_parites is not a parameter"),
        # A person who begins again after a run is refused nothing.
        ((SETUP, "# Parameters\nnumber = 6\n", "number, share = 1, 0.5", CHECK, SETUP), ""),
        ((SETUP, "number, share = 1, 2", "mine = 3", CHECK), ""),
        ((SETUP, "number, share = 1, 2", "# Parameters\nnmber = 3\n", CHECK), "known are number"),
        ((SETUP, "number, share = 1.5, 2", CHECK), "number must be of type int; got 1.5"),
        ((SETUP, "number, share = True, 2", CHECK), "number must be of type int; got True"),
    ],
)
def test_parameters_are_refused_in_the_notebook(cells: tuple[str, ...], said: str) -> None:
    answer = run_in_ipython(*cells)
    assert said in answer
    assert bool(said) == bool(answer)


def test_stored_files_are_found_above_and_nowhere_else_in_a_build(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "benchmarks").mkdir()
    (root / "benchmarks/own.json").write_text("[1]")
    (root / "book/deep").mkdir()
    monkeypatch.chdir(root / "book/deep")
    assert stored("benchmarks/own.json") == [1]
    assert stored("benchmarks/results.json")  # came with the package, or stands in its checkout
    monkeypatch.setenv(PLACED, "1")
    with pytest.raises(FileNotFoundError, match=r"no benchmarks/results\.json above"):
        stored("benchmarks/results.json")
