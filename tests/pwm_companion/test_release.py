"""What is published: the same bytes whoever makes it, of a commit, all of it or nothing."""

import hashlib
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pwm_companion import cli
from pwm_companion.book import site
from pwm_companion.book.site import BuildError
from pwm_companion.figures import crate
from pwm_companion.files import commit
from pwm_companion.publish.release import release

FILES = {
    "_toc.yml": "format: jb-book\nroot: start\n",
    "pyproject.toml": """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "toy"
version = "1.2.3"
""",
    "README.md": "Toy\n",
    "src/toy/__init__.py": "ONE = 1\n",
    "build/html/index.html": "<p>start</p>\n",
    "build/figures/fig-a/fig-a.csv": "x\n1\n",
    "build/figures/fig-a/run.json": "{}\n",
    "build/figures/figures.json": '{"figures": [{"id": "fig-a"}]}\n',
    f"build/figures/{crate.FILE}": "{}\n",
    ".gitignore": "/build/\n/dist/\n",
}


def git(root: Path, *arguments: str, when: int = 1_700_000_000) -> None:
    names = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"@{when} +0000")
    subprocess.run(["git", *names, *arguments], cwd=root, env=os.environ | dates, check=True)


def repository(root: Path, mode: int, time: int) -> Path:
    """Write a small repository with one commit, and what a build would leave there."""
    for name, content in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(mode)
        os.utime(file, (time, time))
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    built(root)
    return root


def built(root: Path) -> None:
    """Write what a build says of the site that is there: made of the last commit, and whole."""
    html = root / "build/html"
    record = site.Built("", site.fingerprint(html, None), commit(root) or "", changed=False)
    site.write_built(record, root / "build/site.json")


def products(root: Path) -> dict[str, bytes]:
    dist = release(root, root / "build", root / "dist", test=False, say=lambda _: None)
    return {file.name: file.read_bytes() for file in dist.iterdir()}


def test_same_bytes_elsewhere_and_later(tmp_path: Path) -> None:
    first = products(repository(tmp_path / "first", 0o644, 1_600_000_000))
    second = products(repository(tmp_path / "some where else", 0o600, 1_800_000_000))
    assert sorted(first) == [
        "SHA256SUMS",
        "paid-with-models-1.2.3-figures.zip",
        "paid-with-models-1.2.3-site.zip",
        "toy-1.2.3-py3-none-any.whl",
        "toy-1.2.3.tar.gz",
    ]
    assert first == second
    for line in first["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(first[name]).hexdigest() == digest

    dist = tmp_path / "first/dist"
    with zipfile.ZipFile(dist / "paid-with-models-1.2.3-figures.zip") as figures:
        assert figures.namelist() == ["fig-a/fig-a.csv", "figures.json", crate.FILE]
    with tarfile.open(dist / "toy-1.2.3.tar.gz") as archive:
        assert {entry.mtime for entry in archive} == {1_700_000_000}
        assert "toy-1.2.3/src/toy/__init__.py" in archive.getnames()


def test_only_a_commit_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = repository(tmp_path / "root", 0o644, 1_600_000_000)
    monkeypatch.chdir(root)
    (root / "README.md").write_text("Another toy\n")
    assert cli.main(["release", "--no-test"]) == 2
    assert capsys.readouterr().err == "pwm: changed since the last commit: README.md\n"
    git(root, "checkout", "-q", "README.md")
    page = root / "build/html/index.html"
    page.unlink()
    assert cli.main(["release", "--no-test"]) == 2
    assert "run make book first" in capsys.readouterr().err
    assert not (root / "dist").exists()


def edit_the_site(root: Path) -> None:
    (root / "build/html/index.html").write_text("<p>another start</p>\n")


def link_into_the_site(root: Path) -> None:
    (root / "build/html/leak.txt").symlink_to("/etc/hostname")


def hide_in_the_site(root: Path) -> None:
    (root / "build/html/.secret").write_text("secret")


def commit_again(root: Path) -> None:
    (root / "README.md").write_text("Another toy\n")
    git(root, "commit", "-q", "-a", "-m", "second")


def forget_how_the_site_was_built(root: Path) -> None:
    (root / "build/site.json").write_bytes(b"\xff")


def make_dist_a_link(root: Path) -> None:
    (root / "elsewhere").mkdir()
    (root / "elsewhere/mine").write_text("mine")
    (root / "dist").symlink_to("elsewhere")


def put_something_into_dist(root: Path) -> None:
    (root / "dist").mkdir()
    (root / "dist/mine").write_text("mine")


@pytest.mark.parametrize(
    ("hand", "message"),
    [
        (edit_the_site, "is not as it was built"),
        (link_into_the_site, "is not as it was built"),
        (hide_in_the_site, "is not as it was built"),
        (commit_again, "is not of the last commit"),
        (forget_how_the_site_was_built, "is not of the last commit"),
        (make_dist_a_link, "is a link"),
        (put_something_into_dist, "holds mine"),
    ],
)
def test_what_is_not_of_the_commit_or_not_ours_is_refused(
    hand: Callable[[Path], None],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = repository(tmp_path / "root", 0o644, 1_600_000_000)
    hand(root)
    monkeypatch.chdir(root)
    assert cli.main(["release", "--no-test"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    kept = [*root.glob("dist/mine"), *root.glob("elsewhere/mine")]
    assert all(file.read_text() == "mine" for file in kept)


@pytest.mark.parametrize("mask", [0o077, 0o000])
def test_surroundings_move_no_byte(
    mask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the umask, nor time zone and locale, nor another repository in the environment."""
    usual = products(repository(tmp_path / "usual", 0o644, 1_600_000_000))
    root = repository(tmp_path / "root", 0o644, 1_600_000_000)
    other = repository(tmp_path / "other", 0o644, 1_600_000_000)
    commit_again(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "C")
    old = os.umask(mask)
    try:
        assert products(root) == usual
    finally:
        os.umask(old)


@pytest.mark.parametrize("when", [86_400, 7_258_118_400])
def test_a_commit_by_a_clock_that_is_wrong_is_released(when: int, tmp_path: Path) -> None:
    root = repository(tmp_path / "root", 0o644, 1_600_000_000)
    git(root, "commit", "-q", "--amend", "-m", "first", "--no-edit", when=when)
    built(root)
    assert "toy-1.2.3.tar.gz" in products(root)


def test_what_was_released_stays_if_something_fails(tmp_path: Path) -> None:
    root = repository(tmp_path / "root", 0o644, 1_600_000_000)
    before = products(root)
    pyproject = root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("build_meta", "build_beta"))
    git(root, "commit", "-q", "-a", "-m", "second")
    built(root)
    with pytest.raises(BuildError, match="build_beta"):
        products(root)
    assert {file.name: file.read_bytes() for file in (root / "dist").iterdir()} == before
    assert [path.name for path in root.glob(".dist-*")] == []
