"""Kernels forked from a process that has made the imports."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from pwm_companion.book import execute, kernels
from pwm_companion.book.chapters import KERNELSPEC, Chapter
from pwm_companion.book.execute import ChapterError, execute_all
from pwm_companion.book.kernels import GONE, PRELOADED, Nursery

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked")


def chapter(folder: Path, name: str, *code: str) -> Chapter:
    """A chapter of cells of code, in `folder`."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(it) for it in code], metadata={"kernelspec": KERNELSPEC}
    )
    source = folder / f"{name}.md"
    source.write_text("".join(code))
    return Chapter(name, source, source, notebook, {}, (), ())


def printed(result) -> str:
    """What the cells of an executed chapter printed."""
    notebook = nbformat.read(result.notebook, as_version=4)
    return "".join(it.text for cell in notebook.cells for it in cell.get("outputs", []))


def test_no_chapter_finds_what_another_has_done(tmp_path):
    spoil = "import os, numpy\nnumpy.spoiled = 1\nos.environ['SPOILED'] = '1'\nspoiled = 1"
    look = """
import os, numpy
print(hasattr(numpy, "spoiled"), "SPOILED" in os.environ, "spoiled" in globals())
print(os.listdir(), __name__)
"""
    both = [chapter(tmp_path, "first", spoil), chapter(tmp_path, "second", look)]
    _, second = execute_all(both, tmp_path, tmp_path / "cache", 1)
    assert printed(second) == "False False False\n[] __main__\n"


def test_a_chapter_begins_with_the_imports_made(tmp_path):
    names = [name for name in PRELOADED if not name.startswith("ipykernel")]
    code = f"import sys\nprint([name in sys.modules for name in {names!r}])"
    (result,) = execute_all([chapter(tmp_path, "one", code)], tmp_path, tmp_path / "cache", 1)
    assert printed(result) == f"{[True] * len(names)}\n"
    assert 0 < result.seconds < 60


def test_pandas_prints_as_it_does_where_it_is_imported_in_a_kernel(tmp_path):
    code = "import pandas\nprint(pandas.get_option('display.max_columns'))"
    (result,) = execute_all([chapter(tmp_path, "one", code)], tmp_path, tmp_path / "cache", 1)
    assert printed(result) == "20\n"


def test_a_kernel_that_dies_is_told(tmp_path):
    dies = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    (error,) = execute_all([chapter(tmp_path, "dies", dies)], tmp_path, tmp_path / "cache", 1)
    assert isinstance(error, ChapterError)
    assert "dies.md: DeadKernelError" in str(error)


def test_a_cell_that_hangs_is_ended(tmp_path, monkeypatch):
    hangs = "import time\nfor _ in range(600):\n    time.sleep(.1)"
    monkeypatch.setattr(execute, "CELL_TIMEOUT", 1)
    with pytest.raises(ChapterError, match="CellTimeoutError"):
        execute._execute(chapter(tmp_path, "hangs", hangs), tmp_path / "x", tmp_path, tmp_path)


def test_kernels_end_with_the_process_that_started_them(tmp_path):
    program = f"""
import os, sys, time
from pwm_companion.book.kernels import Nursery
nursery = Nursery()
here = {str(tmp_path)!r}
print(nursery.fork(["-f", here + "/kernel.json"], dict(os.environ), here), flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        kernel = int(process.stdout.readline())
        os.kill(kernel, 0)  # it is there
        process.kill()
    for _ in range(200):
        try:
            os.kill(kernel, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the kernel goes on")


def test_what_a_nursery_says_of_its_kernels(tmp_path):
    nursery = Nursery()
    pid = nursery.fork(["-f", str(tmp_path / "kernel.json")], dict(os.environ), str(tmp_path))
    assert nursery.poll(pid) is None
    os.kill(pid, signal.SIGKILL)
    while (code := nursery.poll(pid)) is None:
        time.sleep(0.05)
    assert code == -signal.SIGKILL
    assert nursery.seconds > 0
    nursery.close()
    with pytest.raises((OSError, ValueError), match=f"{GONE}|closed file"):
        nursery.poll(pid)


def test_a_nursery_that_does_not_answer_is_not_waited_for(monkeypatch):
    nursery = Nursery()
    assert nursery.poll(1) == 0  # no kernel of its own
    os.kill(nursery._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(kernels, "PATIENCE", 0.5)
    with pytest.raises(OSError, match=r"not answered for 0\.5 s"):
        nursery.poll(1)
    os.kill(nursery._process.pid, signal.SIGCONT)
    nursery.close()
