"""What is published: the same bytes whoever makes it, of a commit, all of it or nothing."""

import hashlib
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from pwm_companion import cli
from pwm_companion.book.site import BuildError
from pwm_companion.figures import crate
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


def git(root: Path, *arguments: str) -> None:
    names = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    when = {"GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000"}
    subprocess.run(["git", *names, *arguments], cwd=root, env=os.environ | when, check=True)


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
    return root


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
    (root / "build/html/index.html").unlink()
    assert cli.main(["release", "--no-test"]) == 2
    assert "run make book first" in capsys.readouterr().err
    assert not (root / "dist").exists()


def test_what_was_released_stays_if_something_fails(tmp_path: Path) -> None:
    root = repository(tmp_path / "root", 0o644, 1_600_000_000)
    before = products(root)
    pyproject = root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("build_meta", "build_beta"))
    git(root, "commit", "-q", "-a", "-m", "second")
    with pytest.raises(BuildError, match="build_beta"):
        products(root)
    assert {file.name: file.read_bytes() for file in (root / "dist").iterdir()} == before
    assert [path.name for path in root.glob(".dist-*")] == []
