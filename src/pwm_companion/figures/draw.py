"""The files of every figure of record, in a folder that is complete at any moment.

Below the build folder::

    figures/ID/                 link to the folder drawn last, with
        ID.svg ID.pdf ID.png    the drawing, with title, author, license, version and source hash
        ID.csv                  the table behind it
        ID.csv-metadata.json    what its columns are, with units (CSV on the Web)
        metadata.json           all about the figure that does not change from run to run
        run.json                commit, date, processor time and machine of the run that drew it
    figures/figures.json        all figures, with what metadata.json says
    figures/ro-crate-metadata.json  the same as an RO-Crate, see `pwm_companion.figures.crate`
    figures/.drawn/             the folders themselves

A figure is drawn again only if its metadata would say something else. It is drawn into a folder
aside; then the link is replaced in one step. Figures that share a result are drawn in one process,
which computes it once.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

from ..book.dependencies import find_dependencies
from ..files import changed_files, commit, locked, write_whole
from . import crate
from .registry import FigureRecord, csv, fill, load_columns, load_registry
from .shorten import shorten_drawing, shorten_png

LICENSE = "CC BY 4.0"
LICENSE_URL = "https://creativecommons.org/licenses/by/4.0/"
DPI = 300  # of the PNG
FORMATS = {
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "png": "image/png",
    "csv": "text/csv",
    "csv-metadata.json": "application/csvm+json",
}


#: The files of a drawing without data, which are taken as they are.
COPIED = ("svg", "pdf", "png", "csv")


class FigureError(Exception):
    """A figure could not be drawn; the message has the traceback."""


@dataclass(frozen=True)
class Project:
    """What ``pyproject.toml`` says about the companion that its figures repeat.

    Attributes
    ----------
    author, version
        Of the companion.
    site, repository
        Public addresses; empty while there are none.
    packages
        Installed versions of Python and of what the library depends on.
    """

    author: str
    version: str
    site: str
    repository: str
    packages: dict[str, str]


def read_project(root: Path) -> Project:
    """Read ``pyproject.toml`` in the folder `root`."""
    content = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    project, public = content["project"], content.get("tool", {}).get("companion", {})
    names = [line.split(">")[0].split("=")[0].split("<")[0] for line in project["dependencies"]]
    versions = {name: metadata.version(name) for name in sorted(names)}
    return Project(
        author=project["authors"][0]["name"],
        version=project["version"],
        site=public.get("site_url", ""),
        repository=public.get("repository_url", ""),
        packages={"python": platform.python_version(), **versions},
    )


def source_hash(record: FigureRecord, root: Path, project: Project) -> str:
    """Return a digest of all that the drawing depends on.

    That is what draws and computes with all the source files it imports, its parameters, its data,
    the versions of the packages, and what the files say about themselves.
    """
    src = root / "src"
    found = find_dependencies(record.imports, src)
    files = {*found.files, *([root / record.data] if record.data else [])}
    if record.file:
        files |= {_beside(record, root, kind) for kind in COPIED}
    parts = {
        "draw": [record.compute, record.parameters, record.draw, record.look],
        "names": sorted(found.names),
        "files": {file.relative_to(root).as_posix(): _digest(file) for file in files},
        "packages": project.packages,
        "label": [record.id, record.title, project.author, project.version, LICENSE, DPI],
        "machinery": [_digest(Path(__file__).with_name(name)) for name in MACHINERY],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


MACHINERY = ("draw.py", "registry.py")
DREW = "drew"  # begins a line about progress


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def draw_figures(
    root: Path,
    build_dir: Path,
    selection: Collection[str] | None = None,
    *,
    jobs: int = 2,
    say: Callable[[str], None] = print,
) -> dict[str, Path]:
    """Draw the figures whose files are not up to date, and return all selected folders by id.

    Parameters
    ----------
    root
        The book's root.
    build_dir
        Where everything is written, see the module's text.
    selection
        Ids; by default all figures.
    jobs
        How many processes to draw in.
    say
        Told in a line what happens.

    Raises
    ------
    RegistryError
        If the registry is not as it must be.
    FigureError
        If a figure cannot be drawn; the others are.
    """
    registry = load_registry(root)
    chosen = [record for name, record in registry.items() if selection is None or name in selection]
    home = build_dir / "figures"
    if not chosen:
        return {}
    project = read_project(root)
    with locked(home / ".drawn", say):
        _remove_leftovers(home)
        stale = [it for it in chosen if not _is_current(it, home, root, project)]
        _run(_shares(stale, jobs), root, home, say)
        entries = [
            json.loads((home / name / "metadata.json").read_text())
            for name in registry
            if (home / name).is_dir()
        ]
        write_whole(home / "figures.json", _json({"version": project.version, "figures": entries}))
        if (root / crate.CITATION).is_file():
            ids = [it["id"] for it in entries]
            address = project.repository or project.site
            write_whole(home / crate.FILE, crate.describe(root, home, ids, address))
    return {record.id: home / record.id for record in chosen}


def drawn_before(names: Iterable[str], build_dir: Path) -> dict[str, Path]:
    """Return the folders of those of the figures that are there, up to date or not, by id."""
    home = build_dir / "figures"
    return {name: home / name for name in names if (home / name).is_dir()}


def _remove_leftovers(home: Path) -> None:
    """Remove what no link leads to."""
    kept = {link.resolve() for link in home.iterdir() if link.is_symlink()}
    for link in home.glob(".*.new"):
        link.unlink()
    for folder in (home / ".drawn").iterdir():
        if folder.is_dir() and folder.resolve() not in kept:
            shutil.rmtree(folder)


def _is_current(record: FigureRecord, home: Path, root: Path, project: Project) -> bool:
    file = home / record.id / "metadata.json"
    if not file.is_file():
        return False
    written = json.loads(file.read_text())
    expected = (source_hash(record, root, project), _entry_hash(record))
    return (written.get("source_sha256"), written.get("entry_sha256")) == expected


def _entry_hash(record: FigureRecord) -> str:
    """Return a digest of the figure's entry in the registry, its texts included."""
    return hashlib.sha256(repr(record).encode()).hexdigest()


def _shares(stale: list[FigureRecord], jobs: int) -> list[list[FigureRecord]]:
    """Divide figures among processes; those that share a result stay together."""
    groups: dict[str, list[FigureRecord]] = defaultdict(list)
    for record in stale:
        groups[f"{record.compute or record.id} {record.parameters}"].append(record)
    shares: list[list[FigureRecord]] = [[] for _ in range(jobs)]
    for group in sorted(groups.values(), key=len, reverse=True):
        min(shares, key=len).extend(group)
    return [share for share in shares if share]


def _run(
    shares: list[list[FigureRecord]], root: Path, home: Path, say: Callable[[str], None]
) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(root.resolve() / "src"),
        "PYTHONHASHSEED": "0",
        "PYTHONWARNINGS": "error",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": "315532800",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        "MPLCONFIGDIR": str((home / ".drawn").resolve()),
    }
    command = [sys.executable, "-m", "pwm_companion.figures.draw", str(root), str(home)]
    processes = [
        subprocess.Popen(
            [*command, *(record.id for record in share)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            close_fds=False,  # hold the lock as long as one of them draws
        )
        for share in shares
    ]
    with ThreadPoolExecutor(max(len(processes), 1)) as threads:
        messages = list(threads.map(lambda process: _follow(process, say), processes))
    failures = [text for text, it in zip(messages, processes, strict=True) if it.returncode]
    if failures:
        raise FigureError("\n\n".join(failures))


def _follow(process: subprocess.Popen[str], say: Callable[[str], None]) -> str:
    """Pass on what a process says of its progress, and return the rest when it has ended."""
    rest = []
    with process:
        for line in process.stdout or ():
            if line.startswith(DREW):
                say(line.rstrip())
            else:
                rest.append(line)
    return "".join(rest).strip() or f"a process that draws ended with {process.returncode}"


def main(root: Path, home: Path, ids: list[str]) -> None:
    """Draw figures one after the other, in this process; say each that is done."""
    registry, project, columns = load_registry(root), read_project(root), load_columns(root)
    for name in ids:
        folder = draw(registry[name], root, home, project, columns)
        seconds = json.loads((folder / "run.json").read_text())["seconds"]
        print(f"{DREW} {name} in {seconds:.1f} s", flush=True)


def draw(
    record: FigureRecord,
    root: Path,
    home: Path,
    project: Project,
    columns: Mapping[str, Mapping[str, str]],
) -> Path:
    """Draw a figure into a new folder, and put it in place of the one in `home`."""
    start = time.process_time()  # what the clock shows on an idle machine
    home = home.absolute()  # as what mkdtemp returns since Python 3.12
    folder = Path(tempfile.mkdtemp(prefix=f"{record.id}.", dir=home / ".drawn"))
    folder.chmod(0o755)
    source = source_hash(record, root, project)
    if record.file:
        for kind in COPIED:
            shutil.copyfile(_beside(record, root, kind), folder / f"{record.id}.{kind}")
        table = pd.read_csv(folder / f"{record.id}.csv")
    else:
        figure, table = record.drawn(*record.result(root))
        for kind in ("svg", "pdf", "png"):
            with matplotlib.rc_context({"svg.hashsalt": record.id}):
                figure.savefig(
                    folder / f"{record.id}.{kind}",
                    bbox_inches="tight",
                    dpi=DPI,
                    metadata=_file_metadata(record, kind, project, source),
                )
        svg = folder / f"{record.id}.svg"
        svg.write_text(shorten_drawing(svg.read_text(encoding="utf-8")), encoding="utf-8")
        shorten_png(folder / f"{record.id}.png")
        (folder / f"{record.id}.csv").write_bytes(csv(table))
    (folder / f"{record.id}.csv-metadata.json").write_text(
        _json(_table_metadata(record, table, columns)), encoding="utf-8"
    )
    numbers = table.attrs.get("numbers", {})
    about = {
        "id": record.id,
        "title": record.title,
        "version": project.version,
        "source_sha256": source,
        "entry_sha256": _entry_hash(record),
        "caption": fill(record.caption, numbers),
        "alt": fill(record.alt, numbers),
        "chapter": record.chapter,
        "paper": record.paper or None,
        "drawn_by": record.draw or record.file,
        "look": record.look,
        "computed_by": record.compute or None,
        "data": record.data or None,
        "parameters": record.all_parameters(),
        "author": project.author,
        "license": {"name": LICENSE, "url": LICENSE_URL},
        "packages": project.packages,
        "files": {
            f"{record.id}.{kind}": {
                "type": media_type,
                "sha256": _digest(folder / f"{record.id}.{kind}"),
            }
            for kind, media_type in FORMATS.items()
        },
        "changelog": record.changelog,
    }
    (folder / "metadata.json").write_text(_json(about), encoding="utf-8")
    state = {"commit": commit(root), "changed_since": bool(changed_files(root))}
    run = {**state, **_machine(), "seconds": round(time.process_time() - start, 3)}
    (folder / "run.json").write_text(_json(run), encoding="utf-8")

    link = home / f".{record.id}.{folder.suffix[1:]}.new"
    link.symlink_to(folder.relative_to(home))
    link.replace(home / record.id)
    return home / record.id


def _beside(record: FigureRecord, root: Path, kind: str) -> Path:
    """The file of a drawing without data that stands beside its SVG file."""
    return (root / record.file).with_suffix(f".{kind}")


def _file_metadata(
    record: FigureRecord, kind: str, project: Project, source: str
) -> dict[str, Any]:
    """What stands inside a drawing, in the words of its format."""
    version, rights = f"{record.id}, version {project.version}", f"{LICENSE}, {LICENSE_URL}"
    title, author, digest = record.title, project.author, f"sha256:{source}"
    words: dict[str, dict[str, Any]] = {
        "svg": {"Creator": author, "Rights": rights, "Identifier": version, "Source": digest},
        "pdf": {"Author": author, "Subject": f"{version}; {rights}", "Keywords": digest},
        "png": {"Author": author, "Copyright": rights, "Description": version, "Source": digest},
    }
    no_traces = {"svg": "Date", "pdf": "CreationDate", "png": "Software"}[kind]
    return {"Title": title, **words[kind], no_traces: None}


def _table_metadata(
    record: FigureRecord, table: Any, columns: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Say what the columns are, in the words of CSV on the Web."""
    types = {"i": "integer", "f": "number", "b": "boolean"}
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "url": f"{record.id}.csv",
        "dc:title": record.title,
        "dc:license": {"@id": LICENSE_URL},
        "tableSchema": {
            "columns": [
                {
                    "name": name,
                    "titles": name,
                    "datatype": types.get(table[name].dtype.kind, "string"),
                    "dc:description": columns[name]["text"],
                    **({"schema:unitText": unit} if (unit := columns[name]["unit"]) else {}),
                }
                for name in table.columns
            ]
        },
    }


def _machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
    }


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
