"""The files of figures: what they say of themselves, the same anywhere, and never half of them."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from pwm_companion import cli
from pwm_companion.figures.draw import FigureError, draw_figures

FILES = {
    "_toc.yml": "format: jb-book\nroot: book/start\n",
    "pyproject.toml": """\
[project]
name = "toy"
version = "1.2.3"
authors = [{ name = "The authors" }]
dependencies = ["matplotlib>=3", "numpy>=2"]
""",
    "src/toy/__init__.py": "",
    "src/toy/lines.py": """\
import numpy as np
import pandas as pd
from matplotlib.figure import Figure


def slopes(steepest=2.0):
    print("computed", flush=True)
    return steepest * np.arange(3)


def line(slopes, number=0):
    figure = Figure()
    figure.subplots().plot([0, slopes[number]], label="a")
    table = pd.DataFrame({"slope": slopes})
    table.attrs["numbers"] = {"slope": float(slopes[number])}
    return figure, table
""",
    "book/figures.yml": """\
columns: {slope: {text: slope of the line, unit: m}}
figures:
"""
    + "".join(
        f"""\
  fig-line-{number}:
    title: Line {number}
    caption: Of slope {{{{ slope:.1f }}}}
    alt: A line
    draw: toy.lines:line
    look: {{number: {number}}}
    compute: toy.lines:slopes
    chapter: book/start
    changelog: {{1.2.3: First version.}}
"""
        for number in range(3)
    ),
}
IDS = ["fig-line-0", "fig-line-1", "fig-line-2"]


def write(root: Path) -> Path:
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def redraw(root: Path, *ids: str) -> list[str]:
    """Draw, and return which figures were."""
    said: list[str] = []
    draw_figures(root, root / "build", ids or None, jobs=1, say=said.append)
    return [line.split()[1] for line in said if line.startswith("drew")]


def contents(root: Path) -> dict[str, bytes]:
    """Return all files of all figures but those that change from run to run."""
    home = root / "build/figures"
    return {
        f"{name}/{file.name}": file.read_bytes()
        for name in IDS
        for file in sorted((home / name).iterdir())
        if file.name != "run.json"
    }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write(tmp_path_factory.mktemp("first"))
    assert redraw(root) == IDS
    return root


def test_files_are_there_and_as_the_metadata_say(drawn: Path) -> None:
    folder = drawn / "build/figures/fig-line-1"
    about = json.loads((folder / "metadata.json").read_text())
    for name, file in about["files"].items():
        assert sha256((folder / name).read_bytes()).hexdigest() == file["sha256"]
    assert {*about["files"], "metadata.json", "run.json"} == {p.name for p in folder.iterdir()}
    assert about["caption"] == "Of slope 2.0"
    assert about["parameters"] == {"steepest": 2.0}
    assert about["version"] == "1.2.3"
    assert set(about["packages"]) == {"python", "matplotlib", "numpy"}
    run = json.loads((folder / "run.json").read_text())
    assert {"commit", "date", "seconds", "machine"} <= set(run)
    listed = json.loads((drawn / "build/figures/figures.json").read_text())["figures"]
    assert [it["id"] for it in listed] == IDS
    assert about in listed


def test_drawings_say_what_they_are(drawn: Path) -> None:
    from pypdf import PdfReader

    folder = drawn / "build/figures/fig-line-1"
    source = json.loads((folder / "metadata.json").read_text())["source_sha256"]
    rights = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"

    pdf = PdfReader(folder / "fig-line-1.pdf").metadata
    assert pdf is not None
    assert (pdf.title, pdf.author) == ("Line 1", "The authors")
    assert pdf.subject == f"fig-line-1, version 1.2.3; {rights}"
    assert pdf["/Keywords"] == f"sha256:{source}"
    assert "/CreationDate" not in pdf

    with Image.open(folder / "fig-line-1.png") as png:
        said = png.info
    assert said["Title"] == "Line 1"
    assert said["Author"] == "The authors"
    assert said["Copyright"] == rights
    assert said["Description"] == "fig-line-1, version 1.2.3"
    assert said["Source"] == f"sha256:{source}"
    assert "Software" not in said
    assert said["dpi"] == pytest.approx((300, 300), abs=0.1)

    svg = ET.parse(folder / "fig-line-1.svg")  # noqa: S314
    dc = "{http://purl.org/dc/elements/1.1/}"
    work = svg.find(".//{http://creativecommons.org/ns#}Work")
    assert work is not None
    words = {element.tag: " ".join(element.itertext()).split() for element in work}
    assert words[f"{dc}title"] == ["Line", "1"]
    assert words[f"{dc}creator"] == ["The", "authors"]
    assert words[f"{dc}rights"] == rights.split()
    assert words[f"{dc}identifier"] == ["fig-line-1,", "version", "1.2.3"]
    assert words[f"{dc}source"] == [f"sha256:{source}"]
    assert f"{dc}date" not in words


def test_columns_have_units(drawn: Path) -> None:
    folder = drawn / "build/figures/fig-line-1"
    about = json.loads((folder / "fig-line-1.csv-metadata.json").read_text())
    (column,) = about["tableSchema"]["columns"]
    assert column["name"] == "slope"
    assert column["datatype"] == "number"
    assert column["schema:unitText"] == "m"
    assert (folder / about["url"]).read_text() == "slope\n0.0\n2.0\n4.0\n"


def test_same_bytes_elsewhere(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    root = write(tmp_path / "some where else")
    redraw(root)
    assert contents(root) == contents(drawn)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_only_what_changed_is_drawn_again(tmp_path: Path) -> None:
    root = write(tmp_path)
    assert redraw(root, "fig-line-1") == ["fig-line-1"]
    assert redraw(root) == ["fig-line-0", "fig-line-2"]
    assert redraw(root) == []
    edit(root / "book/figures.yml", "title: Line 1", "title: The line")
    assert redraw(root) == ["fig-line-1"]
    before = contents(root)
    edit(root / "src/toy/lines.py", 'label="a"', 'label="b"')
    assert redraw(root) == IDS
    after = contents(root)
    assert after["fig-line-0/fig-line-0.csv"] == before["fig-line-0/fig-line-0.csv"]
    assert after["fig-line-0/metadata.json"] != before["fig-line-0/metadata.json"]
    # One folder each is left, and nothing aside.
    kept = {link.resolve() for link in (root / "build/figures").iterdir() if link.is_symlink()}
    redraw(root)
    aside = {it for it in (root / "build/figures/.drawn").iterdir() if it.name.startswith("fig")}
    assert aside == kept


def test_figure_that_fails_is_told_and_the_old_one_stays(tmp_path: Path) -> None:
    root = write(tmp_path)
    redraw(root)
    before = contents(root)
    edit(root / "src/toy/lines.py", "figure = Figure()", "raise ZeroDivisionError('flat')")
    with pytest.raises(FigureError, match=r"lines\.py(.|\n)*ZeroDivisionError: flat"):
        redraw(root)
    assert contents(root) == before


def delete_the_drawing(folder: Path) -> None:
    (folder / "fig-line-0.svg").unlink()


def smuggle_a_script(folder: Path) -> None:
    edit(folder / "fig-line-0.svg", "</svg>", "<script/></svg>")


def edit_the_caption(folder: Path) -> None:
    edit(folder / "metadata.json", "Of slope", "Of any slope")


def add_a_file(folder: Path) -> None:
    (folder / "mine.html").write_text("mine")


def spoil_the_run(folder: Path) -> None:
    (folder / "run.json").write_bytes(b"\xff")


def test_a_figure_with_a_hand_in_it_is_drawn_again(tmp_path: Path) -> None:
    root = write(tmp_path)
    redraw(root)
    before = contents(root)
    for hand in (delete_the_drawing, smuggle_a_script, edit_the_caption, add_a_file, spoil_the_run):
        hand(root / "build/figures/fig-line-0")
        assert redraw(root) == ["fig-line-0"], hand
        assert contents(root) == before, hand


def test_parameters_that_nothing_takes_are_named_in_a_line(tmp_path: Path) -> None:
    root = write(tmp_path)
    file = root / "book/figures.yml"
    text = file.read_text()
    file.write_text(text.replace("compute: toy.lines:slopes", "compute: toy.lines:slopes\n"
                                 "    parameters: {stepest: 3}", 1))  # fmt: skip
    with pytest.raises(FigureError) as caught:
        redraw(root)
    said = str(caught.value)
    assert "fig-line-0: parameters: got an unexpected keyword argument 'stepest'" in said
    assert "known are steepest" in said
    assert "Traceback" not in said


def test_killed_at_any_moment_it_leaves_whole_figures_and_the_next_run_ends_well(
    drawn: Path, tmp_path: Path
) -> None:
    expected = contents(drawn)
    root = write(tmp_path)
    home = root / "build/figures"
    code = (
        "import sys; from pathlib import Path; from pwm_companion.figures.draw import draw_figures;"
        "draw_figures(Path(sys.argv[1]), Path(sys.argv[1]) / 'build', jobs=1)"
    )
    moments = random.Random(1)  # noqa: S311
    cut = 0
    for attempt in range(10 if "FAULTS" in os.environ else 4):
        text = (root / "src/toy/lines.py").read_text()
        (root / "src/toy/lines.py").write_text(f"{text}\n# {attempt}\n")
        run = subprocess.Popen(
            [sys.executable, "-c", code, str(root)],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(moments.uniform(0.2, 4.0))
        cut += run.poll() is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, 9)
        run.wait()
        for link in home.glob("fig-*"):  # whatever is there is whole
            about = json.loads((link / "metadata.json").read_text())
            for name, file in about["files"].items():
                assert sha256((link / name).read_bytes()).hexdigest() == file["sha256"]
    assert cut >= 1
    (root / "src/toy/lines.py").write_text(FILES["src/toy/lines.py"])
    redraw(root)
    assert contents(root) == expected
    assert not list(home.glob(".*.new"))


#: As Python 3.12 and later: what mkdtemp returns is absolute, whatever it is asked for.
ABSOLUTE = """
import os, sys, tempfile
from pathlib import Path
from pwm_companion.figures import draw as drawing
made = tempfile.mkdtemp
tempfile.mkdtemp = lambda **named: os.path.abspath(made(**named))
assert drawing.main(Path.cwd(), Path("build/figures"), 1, [sys.argv[1:]])
"""


def test_the_output_folder_may_be_relative(tmp_path: Path) -> None:
    root = write(tmp_path)
    (root / "build/figures/.drawn").mkdir(parents=True)
    command = [sys.executable, "-c", ABSOLUTE, IDS[0]]
    path = os.environ | {"PYTHONPATH": str(root / "src")}
    done = subprocess.run(command, cwd=root, env=path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (root / "build/figures" / IDS[0] / "metadata.json").is_file()


@pytest.fixture
def in_root(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.chdir(drawn)
    return lambda *words: cli.main(["figures", *words])


def test_command(in_root: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert in_root("fig-line-2") == 0
    assert capsys.readouterr().out == "build/figures/fig-line-2\n"
    assert in_root("--list") == 0
    assert capsys.readouterr().out.splitlines()[0] == "fig-line-0  Line 0"
    assert in_root("fig-lime") == 2
    error = capsys.readouterr().err
    assert error == "pwm: unknown figure 'fig-lime'; pwm figures --list prints all ids\n"
