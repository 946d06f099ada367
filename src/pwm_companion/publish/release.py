"""What is published with a version: wheel, source archive, site and figures, checked before.

Everything is made from the last commit and has the same bytes from run to run. The folder ``dist``
is replaced when all of it is there and the wheel has passed the tests in an environment of its
own, away from the checkout::

    dist/paid_with_models-VERSION-py3-none-any.whl
    dist/paid_with_models-VERSION.tar.gz        the whole repository
    dist/paid-with-models-VERSION-site.zip      to be read from disk
    dist/paid-with-models-VERSION-figures.zip   an RO-Crate: the figures' files, described
    dist/SHA256SUMS
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..book import site
from ..book.site import BuildError, swap
from ..errors import BookError
from ..figures import crate
from ..files import changed_files, commit, commit_time, git_environment
from ..pages.cite import version
from .archive import zip_folder

#: What the products are called that leave the build folder.
NAME = "paid-with-models"

#: Changes from run to run.
LEFT_OUT = "run.json"

SUMS = "SHA256SUMS"


def release(
    root: Path,
    build_dir: Path,
    dist: Path,
    *,
    test: bool = True,
    say: Callable[[str], None] = print,
) -> Path:
    """Put what is to be published into the folder `dist`, and return it.

    Parameters
    ----------
    root
        The root of the repository; all its files must be as the last commit has them.
    build_dir
        Where the site and the figures were built.
    dist
        The folder to replace.
    test
        Whether to test the wheel before.
    say
        Told in a line what happens.

    Raises
    ------
    BookError
        If there is something that is not committed, or no site or figures; if the site is of
        another commit, or not as it was built; if `dist` is a link, or holds other files.
    BuildError
        If something fails; `dist` is as it was.
    """
    if commit(root) is None:
        raise BookError(f"{root.resolve()} is not a git repository: a release is made of a commit")
    if changed := changed_files(root):
        raise BookError(f"changed since the last commit: {', '.join(changed)}")
    html, figures = build_dir / "html", build_dir / "figures"
    for file in (html / "index.html", figures / crate.FILE):
        if not file.is_file():
            raise BookError(f"there is no {file}: run make book first")
    _check_site(root, build_dir)
    _check_dist(dist)
    dist = dist.resolve()
    dist.parent.mkdir(parents=True, exist_ok=True)
    title = f"{NAME}-{version(root)}"
    with tempfile.TemporaryDirectory(dir=dist.parent, prefix=f".{dist.name}-") as place:
        folder, source = Path(place, "dist"), Path(place, "source")
        folder.mkdir()
        folder.chmod(0o755)
        _export(root, source)
        say("building the wheel and the source archive")
        _build(source, folder, commit_time(root))
        say("packing the site and the figures")
        zip_folder(html, folder / f"{title}-site.zip")
        zip_folder(
            _without_runs(figures, Path(place, "figures")), folder / f"{title}-figures.zip", top=""
        )
        sums = {file.name: hashlib.sha256(file.read_bytes()) for file in sorted(folder.iterdir())}
        lines = [f"{digest.hexdigest()}  {name}\n" for name, digest in sums.items()]
        (folder / SUMS).write_text("".join(lines), encoding="utf-8")
        for file in folder.iterdir():
            file.chmod(0o644)
        if test:
            check_wheel(next(folder.glob("*.whl")), source, say=say)
        swap(folder, dist)
    return dist


def _check_site(root: Path, build_dir: Path) -> None:
    """Refuse a site that is not of the last commit, or in which somebody had a hand."""
    built = site.read_built(build_dir / "site.json")
    if built.commit != commit(root) or built.changed:
        raise BookError(f"{build_dir / 'html'} is not of the last commit: run make book first")
    if not built.is_whole(build_dir / "html"):
        raise BookError(f"{build_dir / 'html'} is not as it was built: run make book first")


def _check_dist(dist: Path) -> None:
    """Refuse to replace a folder that this has not made."""
    if dist.is_symlink():
        raise BookError(f"{dist} is a link, and what it leads to is not replaced")
    if not dist.exists():
        return
    if not dist.is_dir():
        raise BookError(f"{dist} is not a folder")
    sums = dist / SUMS
    lines = (
        sums.read_text(encoding="utf-8", errors="replace").splitlines() if sums.is_file() else []
    )
    made = {line.partition("  ")[2] for line in lines} | {SUMS}
    if others := sorted(file.name for file in dist.iterdir() if file.name not in made):
        raise BookError(f"{dist} holds {others[0]}, which is of no release, and would be replaced")


def _export(root: Path, target: Path) -> None:
    """Write the files of the last commit, and nothing else, into the folder `target`.

    Their modes do not depend on the umask, and so on no setting of git's.
    """
    archive = subprocess.run(
        ["git", "-C", str(root), "-c", "tar.umask=0022", "archive", "HEAD"],
        capture_output=True,
        check=True,
        env=git_environment(),
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(target, filter="data")
    for path in target.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _build(source: Path, target: Path, time: int) -> None:
    """Build the wheel and the source archive, all times in them `time`."""
    environment = {
        "SOURCE_DATE_EPOCH": str(time),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target)]
    _run([*command, str(source)], source, environment)
    for archive in target.glob("*.tar.gz"):
        _normalize(archive, time)


def _normalize(archive: Path, time: int) -> None:
    """Pack a compressed archive again, with nothing in it of when and by whom it was made."""
    packed = io.BytesIO()
    with tarfile.open(archive) as old, tarfile.open(fileobj=packed, mode="w") as new:
        for entry in sorted(old.getmembers(), key=lambda entry: entry.name):
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = time, 0, 0, "", ""
            entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
            entry.pax_headers = {}
            new.addfile(entry, old.extractfile(entry) if entry.isfile() else None)
    with archive.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=time) as stream:
        stream.write(packed.getvalue())


def _without_runs(figures: Path, target: Path) -> Path:
    """Copy the figures' files, but for what changes from run to run, and return the folder."""
    target.mkdir()
    described = json.loads((figures / "figures.json").read_bytes())
    for about in described["figures"]:
        shutil.copytree(
            figures / about["id"], target / about["id"], ignore=shutil.ignore_patterns(LEFT_OUT)
        )
    for name in ("figures.json", crate.FILE):
        shutil.copy(figures / name, target)
    return target


def check_wheel(wheel: Path, source: Path, *, say: Callable[[str], None] = print) -> None:
    """Install a wheel into a new environment and run the tests and the command there.

    Parameters
    ----------
    wheel
        What to install, with the packages of ``requirements.lock``.
    source
        The repository's files. What the tests need of them is copied; the sources are not.
    say
        Told in a line what happens.

    Raises
    ------
    BuildError
        If anything fails.
    """
    with tempfile.TemporaryDirectory(prefix="wheel-") as place:
        away, environment = Path(place, "away"), Path(place, "env")
        say("installing the wheel into a new environment")
        _run([sys.executable, "-m", "venv", "--without-pip", str(environment)], Path(place))
        python = str(environment / "bin" / "python")
        install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python]
        lock = str(source.resolve() / "requirements.lock")
        _run([*install, "--no-deps", "--require-hashes", "-r", lock], Path(place))
        _run([*install, "--no-deps", str(wheel.resolve())], Path(place))

        say("testing it, with the sources out of sight")
        shutil.copytree(source, away, ignore=shutil.ignore_patterns("src", "dist"))
        shutil.rmtree(away / "tests" / "book")  # these look at a built site
        where = "import paid_with_models, pwm_companion; print(paid_with_models.__file__)"
        if not _run([python, "-c", where], away).startswith(str(environment)):
            raise BuildError(f"the tests of {wheel.name} would see other sources")
        _run([python, "-m", "pytest", "-q", "tests"], away)
        pwm = str(environment / "bin" / "pwm")
        _run([pwm, "--help"], away)
        problem = (
            "import json; from paid_with_models.paper.replication import SCENARIOS;"
            "from paid_with_models.files import problem_to_dict;"
            "problem = SCENARIOS['big_firm_cooperation'].problem();"
            "print(json.dumps(problem_to_dict(problem)))"
        )
        (away / "problem.json").write_text(_run([python, "-c", problem], away))
        answer = json.loads(_run([pwm, "solve", "--json", "problem.json"], away))
        if not answer["gap"] < 1e-6:
            raise BuildError(f"pwm solve of {wheel.name} proved no contract: {answer}")


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    """Run a command in a folder, and return what it prints; raise `BuildError` if it fails."""
    kept = {key: value for key, value in git_environment().items() if key != "PYTHONPATH"}
    run = subprocess.run(
        command,
        cwd=folder,
        env=kept | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        umask=0o022,  # modes are in the archives
        check=False,
    )
    if run.returncode:
        raise BuildError(f"{' '.join(command[:4])} ...: exit code {run.returncode}\n{run.stdout}")
    return run.stdout
