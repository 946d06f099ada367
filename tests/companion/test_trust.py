"""The table of faults: what was measured, and tests that exist."""

import json
from pathlib import Path

from benchmarks.faults import FAULTS
from companion import trust

ROOT = Path(__file__).parents[2]


def test_every_fault_was_tried_and_none_came_out_wrong() -> None:
    rows = json.loads((ROOT / "benchmarks/faults.json").read_text())
    assert {row["test"] for row in rows} <= {fault.test for fault in FAULTS}
    assert all(row["passed"] for row in rows)
    for row in rows:
        file, _, name = row["test"].partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text()


def test_page_says_what_the_files_say() -> None:
    rows = json.loads((ROOT / "benchmarks/faults.json").read_text())
    fuzz = json.loads((ROOT / "benchmarks/fuzz.json").read_text())
    text = trust.page(ROOT)
    for row in rows:
        assert f"| {row['fault']} | {row['happened']} |" in text
    ended = [found.get("exit 2", 0) for found in fuzz["outcomes"].values()]
    assert f"{fuzz['inputs']:,} inputs" in text
    assert f"{sum(ended):,} with exit code 2" in text
    assert fuzz["commit"][:7] in text
    mutation = json.loads((ROOT / "benchmarks/mutation.json").read_text())
    assert f"{sum(row['total'] for row in mutation.values()):,} small changes" in text
    assert f"fail at {sum(row['killed'] for row in mutation.values()):,} of them" in text
    assert all(row["commit"][:7] in text for row in mutation.values())
