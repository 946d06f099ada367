"""Each fault that a machine or a reader can cause: what happens, and which test keeps it so.

Run by ``make faults``, which runs the tests below and writes ``endurance/faults.json``; the book's
page on reproduction shows it as a table.
"""

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from pwm_companion.files import stamp

ROOT = Path(__file__).parents[1]
HERE = "tests/pwm_companion"


@dataclass(frozen=True)
class Fault:
    """A fault, the test that tries it, and what the test asserts unless it says so itself."""

    fault: str
    test: str
    happens: str = ""


FAULTS = [
    Fault(
        "no network and a read-only checkout: the book and all tests",
        f"{HERE}/test_faults.py::test_the_book_itself_without_a_network",
    ),
    Fault("no network: a small book", f"{HERE}/test_faults.py::test_no_network"),
    Fault("read-only checkout", f"{HERE}/test_faults.py::test_read_only_checkout"),
    Fault(
        "path with spaces, quotes and letters of other alphabets",
        f"{HERE}/test_faults.py::test_path_with_spaces_and_other_letters",
    ),
    Fault(
        "`make` in a read-only checkout on such a path, a small book",
        f"{HERE}/test_faults.py::test_make_in_a_read_only_checkout_on_an_odd_path",
    ),
    Fault("two builds at once", f"{HERE}/test_faults.py::test_two_builds_at_once"),
    Fault("full disk while the site is made", f"{HERE}/test_faults.py::test_full_disk[site]"),
    Fault("full disk from the start", f"{HERE}/test_faults.py::test_full_disk[start]"),
    Fault(
        "a build killed with SIGKILL at ten random moments",
        f"{HERE}/test_interruption.py::test_killed_at_any_moment",
        "whatever is published is a whole site, the old or the new; the next build ends well",
    ),
    Fault(
        "the drawing of figures killed at ten random moments",
        f"{HERE}/test_draw.py::"
        "test_killed_at_any_moment_it_leaves_whole_figures_and_the_next_run_ends_well",
        "each published figure is whole; the next run ends well",
    ),
    Fault(
        "a parameter changed in one run file",
        f"{HERE}/test_verify.py::"
        "test_a_changed_parameter_names_the_numbers_and_the_figure_that_moved",
        "`pwm verify` names the numbers and the figure that moved, and no others; exit code 1",
    ),
    Fault(
        "a chapter that fails",
        f"{HERE}/test_build.py::"
        "test_failing_chapter_is_named_with_cell_and_traceback_and_the_last_site_stays",
        "chapter and cell are named; the last good site stays",
    ),
    Fault(
        "a reference that leads nowhere",
        f"{HERE}/test_build.py::test_broken_reference_fails_and_the_last_site_stays",
        "file and line are named; the last good site stays",
    ),
    Fault(
        "a release with uncommitted changes",
        f"{HERE}/test_release.py::test_only_a_commit_is_released",
        "refused, with the changed files; nothing is written",
    ),
    Fault(
        "other time zone, locale and folder",
        f"{HERE}/test_build.py::test_same_bytes_elsewhere",
        "the site has the same bytes",
    ),
]


Row = dict[str, str | bool | float | None]


def run(faults: list[Fault], target: Path) -> list[Row]:
    """Run the tests and return a row for each fault; `target` is not counted as changed."""
    state: Row = stamp(ROOT, target)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-o", "junit_family=xunit1", f"--junitxml={report}"]
        tests = [it.test for it in faults]
        subprocess.run([*command, *tests], cwd=ROOT, env=os.environ | {"FAULTS": "1"}, check=False)
        cases = {
            f"{case.get('file')}::{case.get('name')}": case
            for case in ET.parse(report).iter("testcase")  # noqa: S314
        }
    return [_row(it, cases[it.test]) | state for it in faults]


def _row(fault: Fault, case: ET.Element) -> Row:
    skipped, failed = case.find("skipped"), case.find("failure")
    error = failed if failed is not None else case.find("error")
    said = {it.get("name"): it.get("value", "") for it in case.iter("property")}
    happened = said.get("happened", fault.happens)
    if skipped is not None:
        happened = f"not tried here: {skipped.get('message')}"
    if error is not None:
        happened = f"**failed**: {str(error.get('message')).splitlines()[0]}"
    return {
        "fault": fault.fault,
        "happened": happened,
        "test": fault.test,
        "passed": skipped is None and error is None,
        "seconds": round(float(case.get("time", "nan")), 1),
    }


def main(target: Path, words: list[str]) -> int:
    """Write the rows; return 1 unless all tests passed.

    With `words`, only the tests are run whose names hold one of them; the other rows stay.
    """
    chosen = [it for it in FAULTS if not words or any(word in it.test for word in words)]
    fresh = {row["test"]: row for row in run(chosen, target)}
    # Read only now: another run may have written rows meanwhile.
    known = {row["test"]: row for row in json.loads(target.read_text())} if words else {}
    rows = known | fresh
    ordered = [rows[it.test] for it in FAULTS if it.test in rows]
    target.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(row["passed"] for row in ordered) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
