"""Mutation testing of the library's numerical modules: which changes does no test notice.

``make mutation`` changes one thing at a time in a module (an operator, a number, an argument, a
text), runs the tests that reach the changed function, and counts the changes that no test
notices. A module is tested by its own test file and those of :data:`ALSO`, without the property
tests, the examples in docstrings and tests that take longer than :data:`SLOWEST`: with them more
would be noticed, not less.

mutmut changes what is inside functions and methods. Functions with another decorator than
classmethod or staticmethod (properties, cached functions), constants of modules, and what
dataclasses are made of, it leaves alone. Nothing is left out by us.

A changed module that runs into the time limit is counted apart, as not noticed.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pwm_companion.files import ONE_THREAD, stamp

ROOT = Path(__file__).parents[1]

#: Modules, by their paths below the library's folder, and whose tests try them beside their own.
ALSO: dict[str, tuple[str, ...]] = {
    "accuracy": (),
    "attendance": (),
    "audit": (),
    "beyond/behavior": (),
    "beyond/learning_curves": (),
    "beyond/quality": (),
    "complete_information": (),
    "curves": ("accuracy",),
    "problem": (),
    "residuals": ("audit", "solver/bounds"),
    "rewards": (),
    "solver/active_set": ("solver/quadratic", "solver/routes"),
    "solver/banded": (),
    "solver/batches": ("solver/routes", "solver/moments", "solver/bunches"),
    "solver/bounds": (),
    "solver/boxes": (),
    "solver/branching": ("solver/boxes", "solver/outcomes"),
    "solver/bunches": (),
    "solver/capacities": (),
    "solver/chain": ("solver/program",),
    "solver/closing": ("solver/boxes", "solver/few_options", "solver/selection"),
    "solver/few_options": ("solver/selection",),
    "solver/fits": ("solver/sums", "solver/edges"),
    "solver/interior_point": ("solver/banded", "solver/routes"),
    "solver/menus": ("solver/routes",),
    "solver/mixtures": ("attendance", "solver/edges"),
    "solver/moments": (),
    "solver/optimality": ("solver/interior_point", "solver/quadratic"),
    "solver/outcomes": (),
    "solver/program": ("solver/boxes", "solver/bounds", "solver/selection"),
    "solver/quadratic": (),
    "solver/routes": (),
    "solver/selection": (),
    "solver/sums": (),
    "valuation": (),
    "welfare": (),
}

#: Modules of which at least 85 % of the changes must be noticed; those that are not are listed with
#: reasons in ``survivors.md``, those of others by kind.
CORE = ("solver/bounds", "solver/moments", "rewards", "solver/routes")

#: What modules were called at the commits that the stored rows name, before the library moved into
#: its rooms: such a row is of the code as it was, until the module is measured anew.
CALLED_THEN = {
    "behavior": "beyond/behavior",
    "bunching": "solver/bunches",
    "certificate": "solver/bounds",
    "expectation": "solver/moments",
    "exponential_sum": "solver/sums",
    "first_moment": "solver/program",
    "interior_point": "solver/interior_point",
    "learning_curves": "beyond/learning_curves",
    "local_search": "solver/menus",
    "many_types": "solver/banded",
    "quality": "beyond/quality",
    "screening": "solver/routes",
}

#: Folders that tests of the library import, beside itself and the problems for all.
IMPORTED = ("benchmarks", "endurance")

#: Seconds of processor time; tests that take longer are left out.
SLOWEST = 0.4

#: mutmut's time limit is a multiple of (what the tests take + 1 second).
TIMEOUT = 8.0

#: How mutmut says that a run ended; anything else is "other".
STATUS = {0: "survived", 1: "killed", 3: "killed", 33: "no tests", 5: "no tests",
          24: "timeout", -24: "timeout", 36: "timeout", 152: "timeout", 255: "timeout"}  # fmt: skip

#: What is put beside the tests. Processor time is measured in the first run, in which mutmut finds
#: out which test reaches which function; from then on the quickest tests come first. What functions
#: remember is forgotten before each test: it would be that of the code as it was.
CONFTEST = """
import json
import sys
import time
from pathlib import Path

import pytest

RECORD = Path("seconds.json").resolve()
seconds = {{}}

def pytest_runtest_setup():
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "paid_with_models":
            for it in list(vars(module).values()):
                if callable(clear := getattr(it, "cache_clear", None)):
                    clear()

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    start = time.process_time()
    try:
        return (yield)
    finally:
        seconds[item.nodeid] = time.process_time() - start

def pytest_sessionfinish():
    if not RECORD.exists():
        RECORD.write_text(json.dumps(seconds))

def pytest_collection_modifyitems(config, items):
    known = json.loads(RECORD.read_text()) if RECORD.exists() else {{}}
    slow = [item for item in items if known.get(item.nodeid, 0) > {slowest}]
    if len(slow) < len(items):  # if all that reach a function are slow, they are run
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
    items.sort(key=lambda item: known.get(item.nodeid, 0))
"""


def prepare(module: str, folder: Path, keep: bool) -> None:
    """Make a folder in which mutmut finds the library, the module's tests and its settings."""
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    files = [*(ROOT / "src/paid_with_models").rglob("*")]
    files += [file for name in IMPORTED for file in (ROOT / name).iterdir()]
    files += [ROOT / "pyproject.toml", ROOT / "tests/problems.py"]
    files += [
        file_of_tests(name) for name in (module, *ALSO[module]) if file_of_tests(name).exists()
    ]
    texts = {file.relative_to(ROOT): file.read_bytes() for file in files
             if file.is_file() and file.suffix != ".pyc"}  # fmt: skip
    texts[Path("tests/conftest.py")] = CONFTEST.format(slowest=SLOWEST).encode()
    texts[Path("setup.cfg")] = (
        "[mutmut]\n"
        "source_paths = src/paid_with_models\n"
        f"only_mutate = src/paid_with_models/{module}.py\n"
        + "\n ".join(("also_copy =", *IMPORTED))
        + "\n"
        "pytest_add_cli_args_test_selection = tests\n"
        "pytest_add_cli_args =\n -p\n no:cacheprovider\n -p\n no:benchmark\n"
        f"timeout_multiplier = {TIMEOUT}\n"
    ).encode()
    for name, text in texts.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != text:
            target.write_bytes(text)
    for measured in ("mutmut-stats.json", "seconds.json"):
        (folder / "mutants" / measured).unlink(missing_ok=True)
    verdicts = meta(module, folder)
    if verdicts.exists():
        known = json.loads(verdicts.read_text())
        ends = known["exit_code_by_key"]
        known["exit_code_by_key"] = {
            key: code if STATUS.get(code) == "killed" else None for key, code in ends.items()
        }
        verdicts.write_text(json.dumps(known))


def file_of_tests(module: str) -> Path:
    """Return the module's test file: the tests mirror the library."""
    path = ROOT / "tests" / module
    return path.with_name(f"test_{path.name}.py")


def run(module: str, folder: Path, tool: Path, processes: int) -> None:
    """Run mutmut in the folder; its results stay there."""
    environment = os.environ | {
        "PYTHONPATH": str(tool), "HYPOTHESIS_PROFILE": "short", "PYTHONDONTWRITEBYTECODE": "",
        **ONE_THREAD,
    }  # fmt: skip
    command = [sys.executable, "-c", "import sys; from mutmut.__main__ import cli; sys.exit(cli())",
               "run", "--max-children", str(processes)]  # fmt: skip
    with (folder / "log.txt").open("w") as log:
        ended = subprocess.run(
            command, cwd=folder, env=environment, stdout=log, stderr=log, check=False
        )
    if ended.returncode:
        text = (folder / "log.txt").read_text()
        raise SystemExit(f"mutation of {module} failed: {text[-3000:]}")


def row(module: str, folder: Path) -> dict[str, Any]:
    """Return how the changes of a module ended."""
    ends = codes(module, folder)
    counts = Counter(STATUS.get(code, "other") for code in ends.values())
    total = len(ends)
    return {
        **{name.replace(" ", "_"): counts[name]
           for name in ("killed", "survived", "timeout", "no tests", "other")},
        "total": total,
        "score": round(counts["killed"] / total, 4),
    }  # fmt: skip


def codes(module: str, folder: Path) -> dict[str, int]:
    """Return the exit code of the tests for each change."""
    found: dict[str, int] = json.loads(meta(module, folder).read_text())["exit_code_by_key"]
    return found


def meta(module: str, folder: Path) -> Path:
    """Return the file in which mutmut keeps how its runs ended."""
    return folder / f"mutants/src/paid_with_models/{module}.py.meta"


def summary(rows: Mapping[str, Any]) -> str:
    """Return the sentence of README.md about the scores."""
    core = ", ".join(
        f"{100 * rows[name]['score']:.1f} % of {rows[name]['total']} changes in `{name}`"
        for name in rows
        if CALLED_THEN.get(name, name) in CORE
    )
    others = [row for name, row in rows.items() if CALLED_THEN.get(name, name) not in CORE]
    if not others:
        return f"Tests fail at {core}."
    killed, total = (sum(row[what] for row in others) for what in ("killed", "total"))
    return (
        f"Tests fail at {core}; elsewhere at {100 * killed / total:.1f} % of {total:,} changes"
        f" in {len(others)} modules."
    )


def differences(module: str, folder: Path) -> str:
    """Return the changes that were not noticed, as differences of the function."""
    source = (folder / f"mutants/src/paid_with_models/{module}.py").read_text()
    lines = source.splitlines()
    functions = {
        node.name: lines[node.lineno - 1 : node.end_lineno]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }
    texts = []
    for key, code in codes(module, folder).items():
        if STATUS.get(code) == "killed":
            continue
        name = key.rpartition(".")[2]
        before = functions[name.rpartition("__mutmut_")[0] + "__mutmut_orig"]
        changed = difflib.unified_diff(before, functions[name], n=0, lineterm="")
        kept = [
            line
            for line in changed
            if not line.startswith(("---", "+++", "@@")) and "__mutmut_" not in line
        ]
        texts.append("\n".join([f"{name}: {STATUS.get(code, code)}", *kept, ""]))
    return "\n".join(texts)


def main() -> int:
    """Test the modules named, and write their rows; those of others stay."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", type=Path, help="JSON file to write")
    parser.add_argument("folder", type=Path, help="where to work; mutmut is in its folder tool")
    parser.add_argument("modules", nargs="*", choices=[[], *ALSO], help="default: all")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--keep",
        action="store_true",
        help="if tests were only added since the last run: do not try again what was noticed",
    )
    options = parser.parse_args()
    output, work = options.output.resolve(), options.folder.resolve()
    for module in options.modules or ALSO:
        folder = work / module
        start_of_run = stamp(ROOT, output)
        prepare(module, folder, options.keep)
        start = os.times()
        run(module, folder, work / "tool", options.processes)
        took = sum(os.times()[2:4]) - sum(start[2:4])
        (folder / "survivors.diff").write_text(differences(module, folder))
        result = {
            **row(module, folder),
            "processor_minutes": round(took / 60, 1),
            **start_of_run,
            "kept": options.keep,
            "mutmut": _version(work / "tool"),
        }
        rows = json.loads(output.read_text()) if output.exists() else {}
        rows[module] = result
        output.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n")
        print(f"{module}: {result['killed']} of {result['total']} noticed ({result['score']:.1%});"
              f" the others are in {folder / 'survivors.diff'}", flush=True)  # fmt: skip
    print(f"For README.md: {summary(json.loads(output.read_text()))}")
    return 0


def _version(tool: Path) -> str:
    (found,) = importlib.metadata.distributions(name="mutmut", path=[str(tool)])
    return found.version


if __name__ == "__main__":
    sys.exit(main())
