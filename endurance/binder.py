"""What Binder does, as far as it can be tried without its container and without conda.

Usage: ``python -m endurance.binder binder.json FOLDER SITE``. A new environment is made from
``environment.yml`` alone, in `FOLDER`: the names of conda-forge's section are those of PyPI, too,
and from there they come here. ``postBuild`` is run in a fresh clone and a kernel is started. Every
chapter is downloaded from `SITE` and executed in an empty folder; those that read data files of the
repository are executed in the clone instead, as ``postBuild`` wrote them. Their numbers and tables
are compared with ``reference/`` as ``pwm verify`` does.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from pwm_companion.book.chapters import find_source, load_chapter
from pwm_companion.files import stamp
from pwm_companion.verify import Verdict, agrees, compare, counts, read_notebook

ROOT = Path(__file__).parents[1]

#: Starts a kernel, and lets it say where it runs and which library it finds.
KERNEL = """
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
code = "import sys, paid_with_models; print(sys.prefix, paid_with_models.__file__, sep='\\\\n')"
client.execute_interactive(code, timeout=60)
client.stop_channels()
manager.shutdown_kernel(now=True)
"""

Result = tuple[bool, str]


def packages() -> tuple[list[str], list[str]]:
    """Return the packages of ``environment.yml``: from conda-forge, without Python, and by pip."""
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda, by_pip = [], []
    for entry in content["dependencies"]:
        if isinstance(entry, dict):
            by_pip += entry["pip"]
        elif not entry.startswith("python>"):
            conda.append(entry)
    return conda, by_pip


class Trial:
    """The steps, each with what the steps before it left in `folder`."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.clone, self.environment, self.out = (
            folder / name for name in ("clone", "environment", "executed")
        )
        self.site = site
        shutil.rmtree(folder, ignore_errors=True)
        self.out.mkdir(parents=True)

    def steps(self) -> Iterator[tuple[str, Callable[[], Result]]]:
        """Yield what is tried, and the function that tries it."""
        yield "packages of `environment.yml`", self.resolve
        yield "environment made from it alone, and `postBuild` in a clone", self.prepare
        yield "kernel", self.start_kernel
        yield "chapters downloaded from the site, each in an empty folder", self.run_downloads
        yield "notebooks of `pwm notebooks` that read data files, in the clone", self.run_notebooks

    def resolve(self) -> Result:
        """Resolve the names and versions, conda's and pip's together."""
        conda, by_pip = packages()
        command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--no-annotate"]
        command += ["--no-header", "--no-emit-index-url"]
        wanted = "\n".join(conda + by_pip)
        done = _run(command, ROOT, input=wanted)
        if done.returncode:
            return False, _last_line(done.stderr)
        number = sum("==" in line for line in done.stdout.splitlines())
        return True, (
            f"{len(conda)} packages from conda-forge and {len(by_pip)} by pip, "
            f"with those they need {number}: names and versions agree on PyPI"
        )

    def prepare(self) -> Result:
        """Make the environment and the clone, and run ``postBuild`` there as Binder does."""
        conda, by_pip = packages()
        python = self.environment / "bin/python"
        install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python"]
        for command, folder in [
            ([sys.executable, "-m", "venv", str(self.environment)], ROOT),
            ([*install, str(python), *conda, *by_pip], ROOT),
            (["git", "clone", "--quiet", str(ROOT), str(self.clone)], ROOT),
            (["./postBuild"], self.clone),
        ]:
            done = self._inside(command, folder)
            if done.returncode:
                return False, f"`{Path(command[0]).name}`: {_last_line(done.stderr)}"
        written = len(list(self.clone.glob("book/**/*.ipynb")))
        return written > 0, f"the library is installed, {written} notebooks are written"

    def start_kernel(self) -> Result:
        """Start the kernel that notebooks name; it must be the environment's own."""
        done = self._inside([str(self.environment / "bin/python"), "-c", KERNEL], self.out)
        expected = [str(self.environment), str(self.clone / "src/paid_with_models/__init__.py")]
        if done.stdout.split("\n")[:2] != expected:
            return False, _last_line(done.stderr or done.stdout)
        return True, "starts in this environment and imports the library from the clone"

    def run_downloads(self) -> Result:
        """Execute the chapters that the site offers."""
        sources = self.site / "_sources"
        files = sources.rglob("*.ipynb")
        notebooks = {it.relative_to(sources).with_suffix("").as_posix(): it for it in files}
        alone = {name: it for name, it in notebooks.items() if not _reads_files(name)}
        passed, happened = self._execute(alone, lambda _: self._empty())
        return passed, f"{happened}; {len(notebooks) - len(alone)} more read data files, see below"

    def run_notebooks(self) -> Result:
        """Execute what ``postBuild`` wrote, where it stands."""
        files = self.clone.glob("book/**/*.ipynb")
        notebooks = {it.relative_to(self.clone).with_suffix("").as_posix(): it for it in files}
        others = {name: it for name, it in notebooks.items() if _reads_files(name)}
        return self._execute(others, lambda file: file.parent)

    def _execute(self, notebooks: dict[str, Path], place: Callable[[Path], Path]) -> Result:
        pages = {}
        for name, file in sorted(notebooks.items()):
            out = self.out / f"{name}.ipynb"
            out.parent.mkdir(parents=True, exist_ok=True)
            command = [str(self.environment / "bin/python"), "-m", "papermill", str(file), str(out)]
            command += ["-k", "python3", "--no-progress-bar", "--log-level", "ERROR"]
            done = self._inside(command, place(file))
            if done.returncode:
                return False, f"`{name}`: {_last_line(done.stderr)}"
            pages[name] = read_notebook(out)
        findings = [it for it in compare(pages, {}, ROOT / "reference") if it.page in pages]
        number = counts(findings)
        same, near = number[Verdict.IDENTICAL], number[Verdict.WITHIN]
        off = len(findings) - same - near
        return agrees(findings) and bool(same), (
            f"{len(pages)} run; of their numbers, tables and texts {same:,} are identical to the "
            f"reference, {near:,} within tolerance, {off} not"
        )

    def _empty(self) -> Path:
        folder = self.out / "empty"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _inside(self, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a command as in the activated environment."""
        surroundings = {name: it for name, it in os.environ.items() if name != "PYTHONPATH"}
        surroundings["PATH"] = f"{self.environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return _run(command, folder, env=surroundings)


def _reads_files(name: str) -> bool:
    source = find_source(ROOT, name)
    return source is not None and bool(load_chapter(source, name).inputs)


def _run(command: list[str], folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, **options
    )


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1].strip() if text.strip() else "no message"


def main(target: Path, folder: Path, site: Path) -> int:
    """Write a row for each step up to the first that fails; return 1 if one did."""
    start = stamp(ROOT, target)
    rows = []
    for tried, step in Trial(folder, site).steps():
        clock = time.perf_counter()
        passed, happened = step()
        seconds = round(time.perf_counter() - clock, 1)
        rows.append({"tried": tried, "happened": happened, "passed": passed, "seconds": seconds})
        print(f"{tried}: {happened}", flush=True)
        if not passed:
            break
    text = json.dumps([row | start for row in rows], indent=1, ensure_ascii=False)
    target.write_text(text + "\n", encoding="utf-8")
    return 0 if all(row["passed"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(*(Path(argument).resolve() for argument in sys.argv[1:4])))
