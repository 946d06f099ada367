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
aside; then the link is replaced in one step. One process imports what all of them need and forks
those that draw; figures that share a result are drawn in one, which computes it once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module, metadata
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ..book.dependencies import find_dependencies
from ..errors import WorkError
from ..files import (
    cache_key,
    changed_files,
    clean_environment,
    commit,
    digest,
    digests,
    locked,
    write_whole,
)
from . import crate
from .registry import (
    FigureRecord,
    RegistryError,
    csv,
    fill,
    load_columns,
    load_registry,
)
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


class FigureError(WorkError):
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
    project, public = content["project"], content.get("tool", {}).get("pwm", {})
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
        "files": digests(files, root),
        "packages": project.packages,
        "label": [record.id, record.title, project.author, project.version, LICENSE, DPI],
        "machinery": [digest(Path(__file__).with_name(name)) for name in MACHINERY],
    }
    return cache_key(parts)


MACHINERY = ("draw.py", "registry.py", "shorten.py")
DREW = "drew"  # begins a line about progress


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
        if stale:
            _run(_groups(stale, home), jobs, root, home, say)
        entries = [
            json.loads((home / name / "metadata.json").read_bytes())
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
    written = _whole(home / record.id)
    expected = (source_hash(record, root, project), _entry_hash(record))
    return (written.get("source_sha256"), written.get("entry_sha256")) == expected


def _whole(folder: Path) -> dict[str, Any]:
    """Return what is known of a figure whose files are all there and as they were drawn; or {}."""
    try:
        run = json.loads((folder / "run.json").read_bytes())
        about: dict[str, Any] = json.loads((folder / "metadata.json").read_bytes())
        expected = {name: it["sha256"] for name, it in about["files"].items()}
        expected["metadata.json"] = run["metadata_sha256"]
        there = {file.name for file in folder.iterdir()} - {"run.json"}
        found = {name: digest(folder / name) for name in there}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return about if found == expected else {}


def _entry_hash(record: FigureRecord) -> str:
    """Return a digest of the figure's entry in the registry, its texts included."""
    return hashlib.sha256(repr(record).encode()).hexdigest()


def _groups(stale: list[FigureRecord], home: Path) -> list[list[str]]:
    """Return the ids of figures, those together that share a result, the longest first.

    How long is known from the last run; what never ran comes first.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for record in stale:
        groups[f"{record.compute or record.id} {record.parameters}"].append(record.id)
    return sorted(groups.values(), key=lambda ids: sum(_seconds(home / it) for it in ids))[::-1]


def _seconds(folder: Path) -> float:
    try:
        return float(json.loads((folder / "run.json").read_bytes())["seconds"])
    except (OSError, ValueError, TypeError, KeyError):
        return math.inf


def _run(
    groups: list[list[str]], jobs: int, root: Path, home: Path, say: Callable[[str], None]
) -> None:
    """Draw in a process with a clean environment."""
    environment = os.environ | clean_environment(root)
    environment |= {"PYTHONWARNINGS": "error", "MPLCONFIGDIR": str((home / ".drawn").resolve())}
    command = [sys.executable, "-m", "pwm_companion.figures.draw", str(root), str(home), str(jobs)]
    rest = []
    with subprocess.Popen(
        [*command, json.dumps(groups)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        close_fds=False,  # hold the lock as long as it draws
    ) as process:
        for line in process.stdout or ():
            if line.startswith(DREW):
                say(line.rstrip())
            else:
                rest.append(line)
    if process.returncode:
        raise FigureError("".join(rest).strip() or f"what draws ended with {process.returncode}")


def main(root: Path, home: Path, jobs: int, groups: list[list[str]]) -> bool:
    """Draw groups of figures in `jobs` processes; say each that is done, and whether all are."""
    registry = load_registry(root)
    for name in dict.fromkeys(it for group in groups for it in group):
        for function in (registry[name].compute, registry[name].draw):
            if function:
                # Before the fork, once. What cannot be imported is told where it is drawn.
                with contextlib.suppress(Exception):
                    import_module(function.partition(":")[0])
    context = get_context("fork")
    with ProcessPoolExecutor(min(jobs, len(groups)), mp_context=context) as pool:
        drawn = [pool.submit(_draw_group, ids, root, home) for ids in groups]
        failures = list(filter(None, (it.result() for it in drawn)))
    print("\n".join(failures))
    return not failures


def _draw_group(ids: list[str], root: Path, home: Path) -> str:
    """Draw figures one after the other, in this process; return what went wrong, if anything."""
    registry, project, columns = load_registry(root), read_project(root), load_columns(root)
    try:
        for name in ids:
            folder = draw(registry[name], root, home, project, columns)
            print(f"{DREW} {name} in {_seconds(folder):.1f} s", flush=True)
    except RegistryError as error:  # what it says is enough
        return str(error)
    except Exception:
        return traceback.format_exc()
    return ""


def draw(
    record: FigureRecord,
    root: Path,
    home: Path,
    project: Project,
    columns: Mapping[str, Mapping[str, str]],
) -> Path:
    """Draw a figure into a new folder, and put it in place of the one in `home`."""
    import matplotlib
    import pandas as pd

    from .dark import MAPS, with_dark

    start = time.process_time()  # what the clock shows on an idle machine
    home = home.absolute()  # as what mkdtemp returns since Python 3.12
    folder = Path(tempfile.mkdtemp(prefix=f"{record.id}.", dir=home / ".drawn"))
    folder.chmod(0o755)
    source, parameters = source_hash(record, root, project), record.all_parameters()
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
        drawing = shorten_drawing(svg.read_text(encoding="utf-8"))
        svg.write_text(
            with_dark(drawing) if record.id.endswith(MAPS) else drawing, encoding="utf-8"
        )
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
        "parameters": parameters,
        "author": project.author,
        "license": {"name": LICENSE, "url": LICENSE_URL},
        "packages": project.packages,
        "files": {
            f"{record.id}.{kind}": {
                "type": media_type,
                "sha256": digest(folder / f"{record.id}.{kind}"),
            }
            for kind, media_type in FORMATS.items()
        },
        "changelog": record.changelog,
    }
    (folder / "metadata.json").write_text(_json(about), encoding="utf-8")
    state = {"commit": commit(root), "changed_since": bool(changed_files(root))}
    run = {**state, **_machine(), "seconds": round(time.process_time() - start, 3)}
    run["metadata_sha256"] = digest(folder / "metadata.json")
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
    done = main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))
    sys.exit(not done)
