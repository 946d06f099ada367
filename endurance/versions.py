"""The tests on other Pythons, with the locked, the lowest and the newest dependencies.

Usage: ``python -m endurance.versions versions.json FOLDER python3.11,python3.12 lowest,newest``.
Each pair has an environment of its own below `FOLDER`, made anew, and a row in the file; the rows
of other pairs stay. ``make versions`` runs all of them. Lowest and newest are those that
``pyproject.toml`` allows and that there are wheels of for that Python. Warnings are errors, as in
all tests. Left out are the tests of the built site, those that kill a process at ten moments (they
take minutes, and try what no version changes), and the one that looks at these rows.
``HYPOTHESIS_PROFILE`` is said in the row.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from pwm_companion.files import stamp

ROOT = Path(__file__).parents[1]
EXTRAS = ["--only-binary", ":all:", "--editable", ".[book,sweep,dev]"]

#: What uv installs, step by step.
RESOLUTIONS = {
    "locked": [
        ["--require-hashes", "--no-deps", "--requirement", "requirements.lock"],
        ["--no-build-isolation", "--no-deps", "--editable", "."],
    ],
    "lowest": [["--resolution", "lowest-direct", *EXTRAS]],
    "newest": [["--resolution", "highest", *EXTRAS]],
}

PACKAGES = ("numpy", "scipy", "cvxpy", "matplotlib")

#: What an environment says about itself.
ASK = (
    "import json, platform; from importlib.metadata import version; "
    "print(json.dumps({'python': platform.python_version(), "
    f"'versions': {{name: version(name) for name in {PACKAGES}}}}}))"
)

#: A test of the lock, for environments made from it.
OF_THE_LOCK = "tests/pwm_companion/test_repository.py::test_lock_is_all_that_pip_installs"

#: The test of what this file's rows say: one that failed before is to be measured anew.
OF_THE_ROWS = (
    "tests/pwm_companion/test_robustness.py::"
    "test_no_test_fails_on_another_python_or_with_other_versions"
)

KILLS = (
    "tests/pwm_companion/test_interruption.py::test_killed_at_any_moment",
    (
        "tests/pwm_companion/test_draw.py::"
        "test_killed_at_any_moment_it_leaves_whole_figures_and_the_next_run_ends_well"
    ),
)

Row = dict[str, Any]


def install(python: str, resolution: str, folder: Path) -> Path:
    """Make an environment and return its interpreter."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", folder], check=True)
    for step in RESOLUTIONS[resolution]:
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", folder]
        subprocess.run([*command, *step], cwd=ROOT, check=True)
    return folder / "bin/python"


def run(python: Path, resolution: str, folder: Path) -> Row:
    """Run the tests in an environment, with nothing built before, and return what came out."""
    report, deselected = folder / "report.xml", [*KILLS, OF_THE_ROWS]
    if resolution != "locked":
        deselected.append(OF_THE_LOCK)
    left_out = ["--ignore=tests/book", *(f"--deselect={test}" for test in deselected)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-o", "junit_family=xunit1", f"--junitxml={report}"]
    surroundings = os.environ | {"BUILD_DIR": str(folder / "build")}
    subprocess.run([*command, *left_out], cwd=ROOT, env=surroundings, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    suite = next(ET.parse(report).iter("testsuite"))  # noqa: S314
    number = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
    failed = number["failures"] + number["errors"]
    return {
        "passed": number["tests"] - failed - number["skipped"],
        "failed": failed,
        "skipped": number["skipped"],
        "processor_seconds": round(
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        ),
        "profile": os.environ.get("HYPOTHESIS_PROFILE", "daily"),
    }


def measure(python: str, resolution: str, folder: Path, target: Path) -> Row:
    """Return the row of a Python and a resolution: of the commit that was there at the start."""
    start = stamp(ROOT, target)
    environment = folder / f"{Path(python).name}-{resolution}"
    interpreter = install(python, resolution, environment)
    asked = subprocess.run([interpreter, "-c", ASK], capture_output=True, check=True)
    about = json.loads(asked.stdout)
    outcome = run(interpreter, resolution, environment)
    return {
        **start,
        "python": about["python"],
        "resolution": resolution,
        **outcome,
        "versions": about["versions"],
    }


def main(target: Path, folder: Path, pythons: list[str], resolutions: list[str]) -> int:
    """Run each pair, write its row once it is there; return 1 if a test failed."""
    rows = json.loads(target.read_text(encoding="utf-8")) if target.exists() else []
    known = {_place(row): row for row in rows}
    done = []
    for python in pythons:
        for resolution in resolutions:
            row = measure(python, resolution, folder, target)
            done.append(row)
            known[_place(row)] = row
            ordered = [known[place] for place in sorted(known)]
            target.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    return 1 if any(row["failed"] or not row["passed"] for row in done) else 0


def _place(row: Row) -> tuple[int, ...]:
    major, minor = row["python"].split(".")[:2]
    return int(major), int(minor), list(RESOLUTIONS).index(row["resolution"])


if __name__ == "__main__":
    sys.exit(
        main(
            Path(sys.argv[1]).resolve(),
            Path(sys.argv[2]).resolve(),
            sys.argv[3].split(","),
            sys.argv[4].split(",") if len(sys.argv) > 4 else list(RESOLUTIONS),
        )
    )
