"""The table of faults: what was measured, and tests that exist."""

import json
import re
import shutil
import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from endurance import versions
from endurance.faults import FAULTS
from pwm_companion.pages import robustness

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def read(name: str) -> Any:
    return json.loads((ROOT / f"endurance/{name}.json").read_text())


def test_every_fault_was_tried_and_none_came_out_wrong() -> None:
    rows = read("faults")
    assert {row["test"] for row in rows} <= {fault.test for fault in FAULTS}
    assert all(row["passed"] for row in rows)
    for row in rows:
        file, _, name = row["test"].partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text()


def test_every_property_was_tried_on_many_problems_and_held() -> None:
    rows = read("properties")
    source = (ROOT / "tests/test_properties.py").read_text()
    stated = re.findall(r"^@PROPERTY\n@given\(.*?^def (\w+)\(", source, re.MULTILINE | re.DOTALL)
    assert len(stated) == source.count("@PROPERTY\n")
    assert sorted(stated) == [row["property"] for row in rows]
    assert all(row["failures"] == 0 for row in rows)
    assert all(row["examples"] >= 5_000 for row in rows)


def test_page_says_what_the_files_say() -> None:
    fuzz = read("fuzz")
    text = robustness.page(ROOT)
    for row in read("faults"):
        assert f"| {row['fault']} | {row['happened']} ({row['date']}) |" in text
    for row in read("binder"):
        assert f"| Binder: {row['tried']} | {row['happened']} |" in text
    ended = [found.get("exit 2", 0) for found in fuzz["outcomes"].values()]
    assert f"{fuzz['inputs']:,} inputs" in text
    assert f"{sum(ended):,} with exit code 2" in text
    assert fuzz["commit"][:7] in text
    properties = read("properties")
    assert f"{len(properties)} properties" in text
    assert f"{sum(row['examples'] for row in properties):,} in all: 0 failed" in text
    assert all(row["commit"][:7] in text for row in properties)
    mutation = read("mutation")
    assert f"{sum(row['total'] for row in mutation.values()):,} small changes" in text
    assert f"fail at {sum(row['killed'] for row in mutation.values()):,} of them" in text
    assert all(row["commit"][:7] in text for row in mutation.values())


VERSIONS = [
    {
        "python": python,
        "resolution": kind,
        "passed": 1_000 + passed,
        "failed": 0,
        "versions": {"numpy": numpy, "scipy": "1.15.0"},
        "date": "2026-01-02",
        "commit": "0123456789",
        "changed_since": False,
    }
    for python, kind, passed, numpy in [
        ("3.11.7", "lowest", 1, "2.0.0"),
        ("3.11.7", "newest", 2, "2.4.6"),
        ("3.13.0", "lowest", 3, "2.1.0"),
    ]
]


def test_versions_are_told_by_kind(tmp_path: Path) -> None:
    (tmp_path / "endurance").mkdir()
    for name in ("faults", "binder", "fuzz", "properties", "mutation"):
        shutil.copy(ROOT / f"endurance/{name}.json", tmp_path / "endurance")
    (tmp_path / "endurance/versions.json").write_text(json.dumps(VERSIONS))
    text = robustness.page(tmp_path)
    assert (
        "| Python 3.11.7, 3.13.0; the lowest versions that are allowed | 1,001, 1,003 tests pass, "
        "0 fail, warnings being errors (NumPy 2.0.0 and 2.1.0, SciPy 1.15.0) |" in text
    )
    assert "1,002 tests pass" in text
    assert "`make versions`: 2026-01-02, commit `0123456`." in text


def test_no_test_fails_on_another_python_or_with_other_versions() -> None:
    rows = read("versions")
    tried = [(row["python"].rpartition(".")[0], row["resolution"]) for row in rows]
    assert tried == list(product(["3.11", "3.12", "3.13"], versions.RESOLUTIONS))
    assert all(row["failed"] == 0 < row["passed"] for row in rows)


@pytest.mark.parametrize("name", versions.PACKAGES)
def test_versions_are_those_that_pyproject_allows(name: str) -> None:
    declared = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
    (specifier,) = (it.specifier for it in declared if it.name == name)
    (lowest,) = (Version(it.version) for it in specifier if it.operator == ">=")
    for row in read("versions"):
        version = Version(row["versions"][name])
        assert version in specifier
        if row["resolution"] == "lowest":  # nearly: a Python may have wheels of later ones only
            assert version.release[:2] <= (lowest.major, lowest.minor + 1)


def test_what_binder_does_was_tried_to_the_end() -> None:
    rows = read("binder")
    assert all(row["passed"] for row in rows)
    assert "clone" in rows[-1]["tried"]
