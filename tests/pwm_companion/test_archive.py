"""Archives that are the same wherever and whenever they are made."""

import os
import zipfile
from pathlib import Path

import pytest

from pwm_companion.errors import BookError
from pwm_companion.publish.archive import zip_folder, zip_site
from pwm_companion.publish.pages import lay_out

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


def test_released_sites_stand_below_their_numbers(tmp_path: Path) -> None:
    html, released, target = tmp_path / "html", tmp_path / "released", tmp_path / "pages"
    html.mkdir()
    (html / "index.html").write_text("old")
    zip_site(html, released / "paid-with-models-0.1.0-site.zip")
    (released / "paid-with-models-0.1.0-figures.zip").write_bytes(b"")
    (html / "index.html").write_text("new")
    assert lay_out(html, "0.2.0", released, target) == ["0.1.0", "0.2.0"]
    pages = {it.relative_to(target).as_posix(): it.read_text() for it in target.rglob("*.html")}
    assert pages == {"index.html": "new", "0.1.0/index.html": "old", "0.2.0/index.html": "new"}
    # The release is what was cited, whatever main holds under its number.
    assert lay_out(html, "0.1.0", released, target) == ["0.1.0"]
    assert (target / "0.1.0/index.html").read_text() == "old"
    assert lay_out(html, "0.3.0", tmp_path / "none", target) == ["0.3.0"]
    zip_folder(released, released / "paid-with-models-0.4.0-site.zip")
    with pytest.raises(BookError, match="holds no site"):
        lay_out(html, "0.5.0", released, target)
    assert (target / "0.3.0").is_dir()
