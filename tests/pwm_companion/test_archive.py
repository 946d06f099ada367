"""Archives that are the same wherever and whenever they are made."""

import os
import zipfile
from pathlib import Path

import pytest

from pwm_companion.publish.archive import zip_folder, zip_site

FILES = {"index.html": "<p>start</p>", "b/two.css": "p {}", "a/one.txt": "1"}


def folder_in(place: Path, names: list[str], mode: int) -> Path:
    for name in names:
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(FILES[name])
        file.chmod(mode)
        os.utime(file, (len(name) * 1e8, len(name) * 1e8))
    return place


def test_same_bytes_whatever_the_order_the_times_and_the_modes(tmp_path: Path) -> None:
    first = zip_folder(folder_in(tmp_path / "1", list(FILES), 0o600), tmp_path / "x/site.zip")
    second = zip_folder(folder_in(tmp_path / "2", list(FILES)[::-1], 0o755), tmp_path / "site.zip")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.namelist() == ["site/a/one.txt", "site/b/two.css", "site/index.html"]
        assert archive.read("site/a/one.txt") == b"1"
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["site.zip"]


def test_site_without_a_start_page_is_refused(tmp_path: Path) -> None:
    folder = folder_in(tmp_path / "html", ["a/one.txt"], 0o644)
    with pytest.raises(FileNotFoundError, match="there is no site in"):
        zip_site(folder, tmp_path / "site.zip")
    assert not (tmp_path / "site.zip").exists()
