"""Executing chapters: each in a kernel of its own, with the same bytes from run to run.

An executed notebook is kept under a key that covers all it depends on (see `chapter_key`), and
executed again only when that key changes.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .. import files
from ..errors import WorkError
from ..figures import registry
from . import chapters, dependencies
from .chapters import Chapter

#: Without it processes have no limits.
resource = files.posix_module("resource")

CELL_TIMEOUT = 600  # seconds; a cell of this book takes a few, so one that takes more hangs
MOST_MEMORY = 3 * 2**30  # bytes of data of a kernel, and of the process that listens to it
MOST_OUTPUT = 20_000_000  # characters of a chapter's outputs; those of this book have a million
MACHINERY = ("execute.py", "chapters.py", "kernels.py")
LOG = "kernels.log"  # in the cache's folder
SOCKET_PATH = 100  # most bytes of one: systems allow 103 to 107, and a kernel adds two
ANSI = re.compile(r"\x1b\[[0-9;]*m")
#: Where something lies in memory, as Python prints what has no text of its own.
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class ChapterError(WorkError):
    """A chapter could not be executed; the message names it, the cell, and has the traceback."""


@dataclass(frozen=True)
class Executed:
    """An executed chapter.

    Attributes
    ----------
    chapter, notebook
        The chapter, and the file of the executed notebook.
    seconds
        The processor time of its kernel when it was executed, without the imports that every
        kernel begins with; where kernels cannot be forked, all the time on the clock.
    fresh
        Whether it was executed just now; otherwise it was at hand.
    """

    chapter: Chapter
    notebook: Path
    seconds: float
    fresh: bool


def chapter_key(chapter: Chapter, root: Path) -> str:
    """Return a digest of all that the executed chapter depends on.

    That is the notebook, its parameters and inputs, what draws the figures that it may draw from
    results of its own, the source files that it and they import from ``src``, the lock file and the
    Python version, and the code that executes it.
    """
    src = root / "src"
    known = registry.load_registry(root)
    shown = [registry.get(known, name) for name in registry.shown_figures(chapter.code, own=True)]
    imports = [line for record in shown for line in record.imports]
    found = dependencies.find_dependencies([*chapter.code, *imports], src)
    # Data files belong to the modules beside them, and to those of the packages around.
    folders = {file.parent for file in found.files}
    outermost = [folder for folder in folders if folders.isdisjoint(folder.parents)]
    data = {
        file
        for folder in outermost
        for file in folder.rglob("*")
        if file.suffix not in {".py", ".pyc"} and file.is_file()
    }
    parts: dict[str, object] = {
        "notebook": nbformat.writes(chapter.notebook),
        "parameters": chapter.parameters,
        "inputs": {_relative(file, chapter): files.digest(file) for file in chapter.inputs},
        "named": {str(file): files.digest(file) for file in chapter.named},
        "figures": [[it.id, it.draw, it.look, it.compute, it.parameters] for it in shown],
        "names": sorted(found.names),
        "python": sys.version_info[:2],
        "environment": files.clean_environment(root) | {"PYTHONPATH": "src"},
        "machinery": [files.digest(Path(__file__).with_name(name)) for name in MACHINERY],
        "files": files.digests(found.files | data, root),
    }
    lock = root / "requirements.lock"
    if lock.exists():
        parts["lock"] = files.digest(lock)
    return files.cache_key(parts)


def _relative(file: Path, chapter: Chapter) -> str:
    return Path(os.path.relpath(file, chapter.template.parent)).as_posix()


def execute_all(
    selection: list[Chapter],
    root: Path,
    cache: Path,
    jobs: int,
    *,
    begin: Callable[[], None] = lambda: None,
) -> Iterator[Executed | ChapterError]:
    """Execute chapters, up to `jobs` at a time, and yield each result as it comes.

    A chapter whose key is in `cache` is not executed. After the first failure no further
    chapter is started. `begin` is called before the first is executed, if any is.
    """
    waiting = []
    for chapter in selection:
        target = cache / chapter.name / f"{chapter_key(chapter, root)}.ipynb"
        seconds = _at_hand(target)
        if seconds is None:
            waiting.append((chapter, target))
        else:
            yield Executed(chapter, target, seconds, fresh=False)
    if not waiting:
        return
    begin()
    cache.mkdir(parents=True, exist_ok=True)
    # The longest first: at the end no core waits for one that began late.
    waiting.sort(key=lambda it: _last_time(it[1].parent), reverse=True)
    with ProcessPoolExecutor(
        min(jobs, len(waiting)),
        mp_context=get_context("spawn"),
        initializer=_prepare_worker,
        initargs=(_environment(root, cache), cache / LOG),
    ) as pool:
        futures = {
            pool.submit(_execute, chapter, target, root, cache): chapter
            for chapter, target in waiting
        }
        pending = set(futures)
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                if not (error := future.exception()):
                    yield future.result()
                    continue
                pending = {other for other in pending if not other.cancel()}
                if isinstance(error, BrokenProcessPool):  # out of memory, say
                    message = f"a process that executes chapters died. See {cache / LOG}."
                    yield ChapterError(f"{futures[future].source}: {message}")
                elif isinstance(error, ChapterError):
                    yield error
                else:
                    raise error


def _run_of(notebook: Path) -> tuple[float, str]:
    """Return what stands beside a result in the cache: how long it took, and its digest.

    Infinity and nothing where that is missing, or not as it was written.
    """
    try:
        run = json.loads(notebook.with_suffix(".json").read_bytes())
        return float(run["seconds"]), str(run["sha256"])
    except (OSError, ValueError, TypeError, KeyError):
        return math.inf, ""


def _at_hand(target: Path) -> float | None:
    """Return how long a chapter took whose result is in the cache, whole and as it was written."""
    seconds, digest = _run_of(target)
    whole = target.is_file() and math.isfinite(seconds) and files.digest(target) == digest
    return seconds if whole else None


def _last_time(folder: Path) -> float:
    """Return how long a chapter ran, by its results in the cache's `folder`; unknown: infinity."""
    times = [_run_of(file.with_suffix(".ipynb"))[0] for file in folder.glob("*.json")]
    return max(times, default=math.inf)


def _prepare_worker(environment: dict[str, str], log: Path) -> None:
    """Give a process what the kernels that it starts inherit: environment and stderr.

    It ends when the process that started it does, even if that is killed; its kernel follows.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(environment)
    if resource is not None:
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        least = MOST_MEMORY if most == resource.RLIM_INFINITY else min(most, MOST_MEMORY)
        resource.setrlimit(resource.RLIMIT_DATA, (least, most))
    # Kernels talk on stderr about their sockets; what chapters write there is in the notebook.
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    from .kernels import fork_from_here  # takes a while to import

    fork_from_here()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _environment(root: Path, cache: Path) -> dict[str, str]:
    """Return what kernels find in their environment: nothing there may move a byte."""
    cache = cache.resolve()
    return files.clean_environment(root) | {
        "PYTHONWARNINGS": "default",
        registry.PLACED: "1",
        # The user's own settings stay out.
        "MPLCONFIGDIR": str(cache / ".matplotlib"),
        "IPYTHONDIR": str(cache / ".ipython"),
        "JUPYTER_CONFIG_DIR": str(cache / ".jupyter"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }


def _execute(chapter: Chapter, target: Path, root: Path, cache: Path) -> Executed:
    """Execute one chapter and put the result at `target`, in place of any older one."""
    # Imported here: a run that finds all chapters executed does without.
    import papermill
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    from .kernels import seconds_used

    start = seconds_used()
    # In a folder with nothing but its inputs a chapter reads no file that the key misses.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sockets:
        place = _lay_out(chapter, Path(folder), root)
        try:
            notebook = papermill.execute_notebook(
                chapter.notebook,
                None,
                parameters=chapter.parameters,
                kernel_name=chapters.KERNELSPEC["name"],
                progress_bar=False,
                execution_timeout=CELL_TIMEOUT,
                cwd=str(place),
                config=Config(KernelManager=_connection(Path(sockets))),
            )
        except PapermillExecutionError as error:
            trace = "\n".join(error.traceback)
            raise ChapterError(_report(chapter, error.cell_index, error.source, trace)) from None
        except Exception as error:  # a kernel that dies or hangs
            message = f"{chapter.source}: {type(error).__name__}: {error}\n{_no_room(cache)}"
            raise ChapterError(f"{message}See also {LOG}.") from None
    _refuse_stderr(notebook, chapter)
    _refuse_endless(notebook, chapter)
    clean(notebook)
    target.parent.mkdir(parents=True, exist_ok=True)
    older = set(target.parent.iterdir()) - {target, target.with_suffix(".json")}
    fresh = target.with_suffix(f".{os.getpid()}")
    nbformat.write(notebook, fresh)
    seconds = round(seconds_used() - start, 2)
    # Beside the notebook: there it would be the one thing that differs from run to run.
    run = {"seconds": seconds, "sha256": files.digest(fresh)}
    files.write_whole(target.with_suffix(".json"), json.dumps(run))
    fresh.replace(target)
    for file in older:
        file.unlink(missing_ok=True)
    return Executed(chapter, target, seconds, fresh=True)


def _no_room(folder: Path) -> str:
    """Return what a full disk says: a kernel that dies of one cannot write it into its log."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as error:
        return f"{error}: {folder}\n"
    return ""


def _connection(folder: Path) -> dict[str, str]:
    """Return how a kernel is talked to: by sockets in a folder of its own.

    Ports of the network are looked up before a kernel binds them, and another program may be
    faster: the kernel then hangs. They are used only where the folder's path is too long.
    """
    place = str(folder / "kernel")
    fits = len(os.fsencode(place)) <= SOCKET_PATH
    return {"transport": "ipc", "ip": place} if fits else {}


def _lay_out(chapter: Chapter, folder: Path, root: Path) -> Path:
    """Copy the inputs below `folder`, and the registry if there are figures to show.

    Returns the folder to which the inputs stand as they do to the chapter's own.
    """
    home = chapter.template.parent.resolve()
    base = Path(os.path.commonpath([home, *(file.resolve().parent for file in chapter.inputs)]))
    place = folder / home.relative_to(base)
    place.mkdir(parents=True, exist_ok=True)
    for file in chapter.inputs:
        target = folder / file.resolve().relative_to(base)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    if chapter.figures:
        target = folder / registry.FILE
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / registry.FILE, target)
    return place


def _report(chapter: Chapter, position: int, source: str, trace: str) -> str:
    lines = "\n".join(f"    {line}" for line in source.rstrip().splitlines())
    return f"{chapter.source}, cell {position + 1}:\n{lines}\n\n{ANSI.sub('', trace)}"


def _refuse_stderr(notebook: NotebookNode, chapter: Chapter) -> None:
    for position, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                text = "This cell wrote to stderr; warnings are errors here:\n" + output.text
                raise ChapterError(_report(chapter, position, cell.source, text))


def _refuse_endless(notebook: NotebookNode, chapter: Chapter) -> None:
    """Refuse outputs that no page can hold."""
    total = 0
    for position, cell in enumerate(notebook.cells):
        total += len(json.dumps(cell.get("outputs", []), ensure_ascii=False))
        if total > MOST_OUTPUT:
            rule = f"Outputs of a chapter may have {MOST_OUTPUT:,} characters; these have more."
            raise ChapterError(_report(chapter, position, cell.source, rule))


def clean(notebook: NotebookNode) -> None:
    """Remove from an executed notebook what differs from run to run or from machine to machine."""
    defaults = None
    for position, cell in enumerate(notebook.cells):
        cell.id = f"cell-{position}"
        for output in cell.get("outputs", []):
            for holder, key in ((output, "text"), (output.get("data", {}), "text/plain")):
                if key in holder:
                    holder[key] = ADDRESS.sub("", holder[key])
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "outputs" in cell:
            cell.outputs = _join_streams(cell.outputs)
        tags = cell.metadata.get("tags", [])
        if "parameters" in tags:
            defaults = cell
        elif "injected-parameters" in tags and defaults:
            # papermill adds this cell after the defaults: it is shown as they would be, they not.
            own = [tag for tag in defaults.metadata.tags if tag != "parameters"]
            cell.metadata.tags = tags + own
            cell.metadata |= {k: v for k, v in defaults.metadata.items() if k == "mystnb"}
            defaults.metadata.tags = ["parameters", "remove-cell"]
    kernelspec = NotebookNode(chapters.KERNELSPEC)
    notebook.metadata = NotebookNode(
        kernelspec=kernelspec, language_info=NotebookNode(name="python")
    )


def _join_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join what was printed in a row: into how many messages it fell depends on the time."""
    joined: list[NotebookNode] = []
    for it in outputs:
        last = joined[-1] if joined else None
        if last and it.output_type == last.output_type == "stream" and it.name == last.name:
            last.text += it.text
        else:
            joined.append(it)
    return joined


def write_unexecuted(chapter: Chapter, path: Path) -> None:
    """Write a chapter as a notebook to be run by hand, its parameters in place."""
    import papermill

    notebook = papermill.execute_notebook(
        chapter.notebook,
        None,
        parameters=chapter.parameters,
        kernel_name=chapters.KERNELSPEC["name"],
        prepare_only=True,
    )
    clean(notebook)
    files.write_whole(path, nbformat.writes(notebook) + "\n")
