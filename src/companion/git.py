"""What the repository says about the state of the book's sources."""

import subprocess
from pathlib import Path

#: Stands for the time of the commit outside a repository: the earliest that a zip file can hold.
EPOCH = 315532800


def commit_time(root: Path) -> int:
    """Return the time of the last commit, in seconds; a constant outside a repository."""
    return int(_git(root, "log", "-1", "--format=%ct") or EPOCH)


def commit(root: Path) -> str | None:
    """Return the last commit; None outside a repository."""
    return _git(root, "rev-parse", "HEAD") or None


def changed_files(root: Path) -> list[str]:
    """Return the files of the repository that are not as the last commit has them."""
    lines = _git(root, "status", "--porcelain", "--untracked-files=no").splitlines()
    return [line.split(maxsplit=1)[1] for line in lines]


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
