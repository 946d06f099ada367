"""The chapter for a consortium of one's own, downloaded and run by papermill."""

import subprocess
import sys
from pathlib import Path

from companion.consortium import example, read_consortium
from paid_with_models import solve


def test_another_consortium_by_papermill(site: Path, tmp_path: Path) -> None:
    download, out = site / "_sources/book/beyond/design_your_own.ipynb", tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(download), str(out), "-k", "python3"]
    command += ["-p", "consortium", str(example("banks.yaml")), "--log-level", "ERROR"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text, banks = out.read_text(encoding="utf-8"), read_consortium(example("banks.yaml"))
    assert banks.title in text
    assert all(name in text for name in banks.names)
    contract = solve(banks.problem)
    assert f"{contract.contributions.max():.1f}" in text
    assert f"{contract.expected_accuracy:.4f}" in text
