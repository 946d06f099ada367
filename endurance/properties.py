"""The properties of tests/test_properties.py, each tried on 5,000 problems.

Run by ``make test-long``, which writes ``endurance/properties.json``: a row for each property,
with the number of examples that passed, failures, seconds of processor time, and when and at which
commit. A row is written as soon as its property is through, or is interrupted (with the examples so
far). Properties can be named, to run them alone:
``python -m endurance.properties endurance/properties.json test_one_party_is_in_autarky``.
"""

import json
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pwm_companion.files import stamp

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests" / "test_properties.py"
PROFILE = "long"


class Recorder:
    """Counts the examples of each property as pytest runs it, and writes its row."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.examples = 0

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep properties only; other tests of the file are run once, with all tests."""
        items[:] = [item for item in items if hasattr(item.obj, "hypothesis")]  # type: ignore[attr-defined]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Run a property with its examples counted: those that it does not pass over."""
        handle = item.obj.hypothesis  # type: ignore[attr-defined]
        inner = handle.inner_test
        self.examples, failures, began = 0, 0, time.process_time()

        def counted(*arguments: Any, **named: Any) -> None:
            inner(*arguments, **named)
            self.examples += 1

        handle.inner_test = counted
        try:
            yield
        except Exception:
            failures = 1
            raise
        finally:
            handle.inner_test = inner
            self.write(item.name, failures, time.process_time() - began)

    def write(self, name: str, failures: int, seconds: float) -> None:
        """Put a row into the file, in place of an older one."""
        rows = read(self.target)
        rows[name] = {
            "property": name,
            "examples": self.examples,
            "failures": failures,
            "seconds": round(seconds, 1),
            **stamp(ROOT, self.target),
        }
        lines = [json.dumps(rows[name]) for name in sorted(rows)]
        self.target.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def read(target: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of a file, by property; none if it is not there."""
    if not target.is_file():
        return {}
    return {row["property"]: row for row in json.loads(target.read_text())}


def main(target: Path, *names: str) -> int:
    """Run the properties, all or those named, and return pytest's exit code."""
    os.environ.setdefault("HYPOTHESIS_PROFILE", PROFILE)
    chosen = [f"{TESTS}::{name}" for name in names] or [str(TESTS)]
    return int(pytest.main(["-q", *chosen], plugins=[Recorder(target)]))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
