"""Files that are never there by half."""

import os
from pathlib import Path

import pytest
from pwm_companion.files import write_whole


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("before")

    def fail(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no room"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_a_new_folder_is_as_any_other(tmp_path: Path) -> None:
    path = tmp_path / "a/b.txt"
    umask = os.umask(0o027)
    try:
        write_whole(path, "é\n")
    finally:
        os.umask(umask)
    assert path.read_bytes() == "é\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [it.name for it in path.parent.iterdir()] == ["b.txt"]
