"""The figures of record as an RO-Crate: what the files are, how they were made, what to cite.

`describe` reads what `pwm_companion.figures.draw` has written and returns the text of
``ro-crate-metadata.json``, which stands beside the figures' folders. It is the same
from run to run: the date in it is that of the commit, and ``run.json`` is left out. See https://w3id.org/ro/crate/1.3.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..files import commit_time
from ..yaml_files import read_yaml

FILE = "ro-crate-metadata.json"
CITATION = "CITATION.cff"
CODE_LICENSE = "https://spdx.org/licenses/MIT"
AUTHORS = "#authors"
SOFTWARE = "#software"
#: What the files of a figure are, by the end of their names.
WHAT = {
    "svg": "drawing, SVG",
    "pdf": "drawing, PDF",
    "png": "drawing, PNG",
    "csv": "table behind it",
    "csv-metadata.json": "columns of the table",
    "metadata.json": "description",
}


def describe(root: Path, home: Path, names: Sequence[str], address: str = "") -> str:
    """Return what ``ro-crate-metadata.json`` says about figures.

    Parameters
    ----------
    root
        The book's root, with ``CITATION.cff``.
    home
        The folder that holds those of the figures.
    names
        Their ids; at least one.
    address
        Where the software is public; empty while it is not.
    """
    from rocrate.rocrate import ROCrate

    cff = read_yaml(root / CITATION)
    figures = [json.loads((home / name / "metadata.json").read_bytes()) for name in names]
    version = figures[0]["version"]
    crate = ROCrate()
    about_all = {
        "name": f"The figures of {cff['title']}",
        "description": "Drawings, the tables behind them, and what they were made from.",
        "datePublished": datetime.fromtimestamp(commit_time(root), UTC).isoformat(),
        "version": version,
        "author": _link(AUTHORS),
        "publisher": _link(AUTHORS),
        "license": _link(figures[0]["license"]["url"]),
        "citation": _link(_paper(cff)["@id"]),
        "keywords": cff["keywords"],
    }
    for key, value in about_all.items():
        crate.root_dataset[key] = value
    for entity in [_paper(cff), *_makers(cff, version, address), *_context(figures)]:
        crate.add_jsonld(entity)
    for about in figures:
        _add_figure(crate, about, home / about["id"])
    content = crate.metadata.generate()
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def _link(identifier: str) -> dict[str, str]:
    return {"@id": identifier}


def _paper(cff: Mapping[str, Any]) -> dict[str, Any]:
    """The paper that the companion belongs to."""
    paper = cff["preferred-citation"]
    names = [f"{it['given-names']} {it['family-names']}" for it in paper["authors"]]
    return {
        "@id": f"https://doi.org/{paper['doi']}",
        "@type": "ScholarlyArticle",
        "name": paper["title"],
        "creditText": f"{', '.join(names)}: {paper['title']}. {paper['collection-title']} "
        f"{paper['volume']}({paper['issue']}), {paper['start']}–{paper['end']}, {paper['year']}.",
        "datePublished": str(paper["year"]),
    }


def _makers(cff: Mapping[str, Any], version: str, address: str) -> list[dict[str, Any]]:
    """Who and what made the figures."""
    work = {"@type": "CreativeWork"}
    return [
        {"@id": AUTHORS, "@type": "Organization", "name": cff["authors"][0]["name"]},
        {
            "@id": SOFTWARE,
            # Of applications the specification wants an address.
            **({"@type": "SoftwareApplication", "url": address} if address else work),
            "name": cff["title"],
            "description": cff["abstract"],
            "version": version,
            "author": _link(AUTHORS),
            "license": _link(CODE_LICENSE),
            "citation": _link(_paper(cff)["@id"]),
        },
    ]


def _context(figures: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What several figures have in common: licenses and packages."""
    licenses = {it["license"]["url"]: it["license"]["name"] for it in figures}
    for address, name in {**licenses, CODE_LICENSE: "MIT"}.items():
        about = f"The terms of the {name} license."
        yield {"@id": address, "@type": "CreativeWork", "name": name, "description": about}
    for name, version in sorted({item for it in figures for item in it["packages"].items()}):
        yield {
            "@id": _package(name, version),
            "@type": "SoftwareApplication",
            "name": name,
            "version": version,
            "url": _package(name, version),
        }


def _package(name: str, version: str) -> str:
    if name == "python":
        return f"https://www.python.org/downloads/release/python-{version.replace('.', '')}/"
    return f"https://pypi.org/project/{name}/{version}/"


def _add_figure(crate: Any, about: Mapping[str, Any], folder: Path) -> None:
    """Add a figure's folder, its files, and the act of drawing it."""
    name = about["id"]
    files = [
        crate.add_file(
            dest_path=f"{name}/{file}",
            properties={
                "name": file,
                "description": f"{about['title']}: {WHAT[file.removeprefix(f'{name}.')]}",
                "encodingFormat": what["type"],
                "contentSize": str((folder / file).stat().st_size),
                "sha256": what["sha256"],
            },
        )
        for file, what in _files(about, folder).items()
    ]
    crate.add_dataset(
        dest_path=name,
        properties={
            "name": about["title"],
            "description": about["caption"],
            "abstract": about["alt"],
            "identifier": name,
            "version": about["version"],
            "author": _link(AUTHORS),
            "datePublished": crate.root_dataset["datePublished"],
            "hasPart": [_link(it.id) for it in files],
        },
    )
    code = [about["drawn_by"], *([about["computed_by"]] if about["computed_by"] else [])]
    packages = [_package(*item) for item in sorted(about["packages"].items())]
    action = {
        "@id": f"#draw-{name}",
        "@type": "CreateAction",
        "name": f"Drawing {name}",
        "description": f"pwm figures {name}: {', '.join(code)}; "
        f"sources and parameters sha256:{about['source_sha256']}",
        "agent": _link(AUTHORS),
        "instrument": [_link(it) for it in (SOFTWARE, *packages)],
        "result": [_link(it.id) for it in files],
    }
    crate.root_dataset.append_to("mentions", crate.add_jsonld(action))


def _files(about: Mapping[str, Any], folder: Path) -> dict[str, dict[str, str]]:
    """The files of a figure that do not change from run to run, with type and digest."""
    own = hashlib.sha256((folder / "metadata.json").read_bytes()).hexdigest()
    return {**about["files"], "metadata.json": {"type": "application/json", "sha256": own}}
