"""What the book says about faults and broken input: the results that ``make`` targets leave.

``benchmarks/faults.json``, ``benchmarks/fuzz.json`` and ``benchmarks/mutation.json`` are written by
``make faults``, ``make fuzz`` and ``make mutation``; all say when, and at which commit.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Where a page wants the table.
PLACE = "<!-- faults -->"


def page(root: Path) -> str:
    """Return the faults tried, what happened, and the test that keeps it, as MyST text."""
    faults, fuzz, mutation = (
        json.loads((root / "benchmarks" / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("faults", "fuzz", "mutation")
    )
    lines = ["| fault | what happened | test |", "|:--|:--|:--|"]
    for row in faults:
        lines.append(f"| {row['fault']} | {row['happened']} | {_test(row['test'])} |")
    lines.append(f"| broken files and commands | {_fuzzed(fuzz)} | `test_fuzz.py` |")
    lines.append(f"| the library's code changed | {_mutated(mutation)} | `test_benchmarks.py` |")
    tried, changed = (
        "; ".join(dict.fromkeys(_when(row) for row in rows)) for rows in (faults, mutation.values())
    )
    lines += [
        "",
        f"`make faults`: {tried}. `make fuzz`: {_when(fuzz)}. `make mutation`: {changed}.",
        "",
    ]
    return "\n".join(lines)


def _test(name: str) -> str:
    file, _, function = name.rpartition("/")[2].partition("::")
    return f"`{file}`: {function.replace('_', ' ').removeprefix('test ')}"


def _fuzzed(fuzz: Mapping[str, Any]) -> str:
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


def _mutated(mutation: Mapping[str, Any]) -> str:
    total, killed = (sum(row[name] for row in mutation.values()) for name in ("total", "killed"))
    modules = ", ".join(f"{name} {row['score']:.0%}" for name, row in mutation.items())
    return (
        f"{total:,} small changes, one at a time, in {len(mutation)} modules: tests fail at"
        f" {killed:,} of them ({modules})"
    )


def _when(result: Mapping[str, Any]) -> str:
    changed = " and later changes" if result["changed_since"] else ""
    return f"{result['date']}, commit `{result['commit'][:7]}`{changed}"
