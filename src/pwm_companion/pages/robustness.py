"""What the book says about faults, versions and broken input: the results that ``make`` leaves.

``make faults``, ``make versions``, ``make binder``, ``make fuzz`` and ``make mutation`` each write
a file of their name in ``endurance/``, which says when, and at which commit; ``make test-long``
writes ``properties.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

#: Where a page wants the table.
PLACE = "<!-- faults -->"
Row = Mapping[str, Any]

RESOLUTIONS = {
    "locked": "the versions of `requirements.lock`",
    "lowest": "the lowest versions that are allowed",
    "newest": "the newest versions that are allowed",
}

NAMES = {"numpy": "NumPy", "scipy": "SciPy", "cvxpy": "CVXPY", "matplotlib": "Matplotlib"}


def page(root: Path) -> str:
    """Return the faults tried, what happened, and what keeps it, as MyST text."""
    names = ("faults", "versions", "binder", "fuzz", "properties", "mutation")
    faults, versions, binder, fuzz, properties, mutation = (_read(root, name) for name in names)
    lines = ["```{table} What was tried, and what happened."]
    lines += ["| fault | what happened | test |", "|:--|:--|:--|"]
    lines += [
        f"| {it['fault']} | {it['happened']} ({it['date']}) | {_test(it['test'])} |"
        for it in faults
    ]
    lines += [f"| {tried} | {happened} | `make versions` |" for tried, happened in _tests(versions)]
    lines += [f"| Binder: {it['tried']} | {it['happened']} | `make binder` |" for it in binder]
    lines.append(f"| broken files and commands | {_fuzzed(fuzz)} | `test_fuzz.py` |")
    lines.append(f"| random problems | {_held(properties)} | `test_properties.py` |")
    test = "tests/test_benchmarks.py::test_most_changes_of_the_core_are_noticed"
    lines.append(f"| the library's code changed | {_mutated(mutation)} | {_test(test)} |")
    lines.append("```")
    measured = {
        "faults": faults,
        "versions": versions,
        "binder": binder,
        "fuzz": [fuzz],
        "test-long": properties,
        "mutation": mutation.values(),
    }
    said = [f"`make {name}`: {_when(rows)}." for name, rows in measured.items()]
    return "\n".join([*lines, "", " ".join(said), ""])


def _read(root: Path, name: str) -> Any:
    return json.loads((root / "endurance" / f"{name}.json").read_text(encoding="utf-8"))


def _test(name: str) -> str:
    file, _, function = name.rpartition("/")[2].partition("::")
    return f"`{file}`: {function.replace('_', ' ').removeprefix('test ')}"


def _tests(versions: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Yield what the tests were run with, and how they came out, for each kind of versions."""
    by_kind = sorted(versions, key=lambda row: list(RESOLUTIONS).index(row["resolution"]))
    for kind, group in groupby(by_kind, key=lambda row: row["resolution"]):
        rows = list(group)
        passed = ", ".join(f"{row['passed']:,}" for row in rows)
        failed = sum(row["failed"] for row in rows)
        used = ", ".join(f"{NAMES[name]} {_span(rows, name)}" for name in rows[0]["versions"])
        yield (
            f"Python {', '.join(row['python'] for row in rows)}; {RESOLUTIONS[kind]}",
            f"{passed} tests pass, {failed} fail, warnings being errors ({used})",
        )


def _span(rows: Iterable[Row], name: str) -> str:
    return " and ".join(dict.fromkeys(row["versions"][name] for row in rows))


def _fuzzed(fuzz: Row) -> str:
    ends: dict[str, int] = {}
    for outcomes in fuzz["outcomes"].values():
        for outcome, number in outcomes.items():
            ends[outcome] = ends.get(outcome, 0) + number
    codes = ", ".join(f"{ends.get(f'exit {code}', 0):,} with exit code {code}" for code in range(3))
    return (
        f"{fuzz['inputs']:,} inputs, most of them mutations of valid ones: {codes}; "
        f"{len(fuzz['wrong'])} with a traceback, a hang or a file in a wrong place; "
        f"the slowest took {fuzz['slowest_seconds']:.1f} s"
    )


def _held(properties: Iterable[Row]) -> str:
    examples = [row["examples"] for row in properties]
    each = f"{min(examples):,}" + (f" to {max(examples):,}" if len(set(examples)) > 1 else "")
    failed = sum(row["failures"] for row in properties)
    hours = sum(row["seconds"] for row in properties) / 3600
    return (
        f"{len(examples)} properties, each on {each} problems, {sum(examples):,} in all:"
        f" {failed} failed ({hours:.1f} hours of processor time)"
    )


def _mutated(mutation: Row) -> str:
    total, killed = (sum(row[name] for row in mutation.values()) for name in ("total", "killed"))
    modules = ", ".join(f"{name} {row['score']:.0%}" for name, row in mutation.items())
    return (
        f"{total:,} small changes, one at a time, in {len(mutation)} modules: tests fail at"
        f" {killed:,} of them ({modules})"
    )


def _when(rows: Iterable[Row]) -> str:
    said = (
        f"{row['date']}, commit `{row['commit'][:7]}`"
        + (" and later changes" if row["changed_since"] else "")
        for row in rows
    )
    return "; ".join(dict.fromkeys(said))
