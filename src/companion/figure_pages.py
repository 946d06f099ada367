"""What the site says about figures: caption and provenance in the chapters, a page each, a gallery.

All of it is added to what was staged for Jupyter Book; executed notebooks in the cache know nothing
of it.
"""

import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from .registry import FigureRecord, fill

#: Where a page wants the gallery.
PLACE = "<!-- gallery -->"

#: A list longer than this is shortened for people to read.
LONG_LIST = 6


#: What a comparison with the reference values means for a figure.
VERDICTS = {
    "identical": "reproduced",
    "within tolerance": "reproduced",
    "differs": "differs",
    "missing": "differs",
}


def verdict(figure_id: str, build_dir: Path) -> str | None:
    """Return "reproduced" or "differs": how the figure's table compares with the reference.

    None if ``verify.json`` in the build folder has nothing about it.
    """
    file = build_dir / "verify.json"
    found = _read(file)["figures"].get(figure_id) if file.is_file() else None
    return VERDICTS.get(str(found))


def add_figures(
    stage: Path, registry: Mapping[str, FigureRecord], drawn: Mapping[str, Path], build_dir: Path
) -> None:
    """Give the figures in the staged chapters what the registry and their files say.

    Parameters
    ----------
    stage
        What Jupyter Book is going to see.
    registry
        The figures of record.
    drawn
        Their folders.
    build_dir
        For the verdicts.
    """
    for name in sorted({record.chapter for record in registry.values()}):
        path = stage / f"{name}.ipynb"
        if path.is_file():
            notebook = nbformat.read(path, as_version=4)
            dress(notebook, name, registry, drawn, build_dir)
            nbformat.write(notebook, path)


def dress(
    notebook: NotebookNode,
    page: str,
    registry: Mapping[str, FigureRecord],
    drawn: Mapping[str, Path],
    build_dir: Path,
) -> None:
    """Give each figure in an executed notebook its caption, its text and its provenance."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        shown = _shown(cell)
        if shown is None:
            continue
        record = registry[shown["id"]]
        about, run = (_read(drawn[record.id] / name) for name in ("metadata.json", "run.json"))
        table = about["files"][f"{record.id}.csv"]["sha256"]
        of_record = shown["table"] == table
        caption, alt = (
            about[key] if of_record else fill(getattr(record, key), shown["numbers"])
            for key in ("caption", "alt")
        )
        cell.metadata["mystnb"] = {
            "figure": {"caption": caption, "name": record.id},
            "image": {"alt": alt, "width": "100%"},
        }
        tags = cell.metadata.setdefault("tags", [])
        if "hide-input" not in tags:
            tags.append("hide-input")
        strip = provenance(about, run, verdict(record.id, build_dir), page, of_record=of_record)
        cells.append(NotebookNode(cell_type="markdown", metadata={}, source=strip))
    for position, cell in enumerate(cells):
        cell.id = f"cell-{position}"
    notebook.cells = cells


def _shown(cell: NotebookNode) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = [
        output.metadata["figure"]
        for output in cell.get("outputs", [])
        if "figure" in output.get("metadata", {})
    ]
    return found[0] if found else None


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def provenance(
    about: Mapping[str, Any],
    run: Mapping[str, Any],
    found: str | None,
    page: str,
    *,
    of_record: bool = True,
) -> str:
    """Return the strip under a figure of the page `page`, as HTML.

    Parameters
    ----------
    about, run
        What ``metadata.json`` and ``run.json`` say.
    found
        The verdict.
    page
        The name of the page that it is for.
    of_record
        Whether what the page shows is the figure of record.
    """
    parts = {"id": html.escape(about["id"])}
    if not of_record:
        parts["verdict differs"] = "not the figure of record: drawn from other results"
    else:
        if parameters := in_words(about["parameters"]):
            parts["parameters"] = html.escape(parameters)
        if about["data"]:
            parts["data"] = html.escape(about["data"])
        if run["commit"]:
            changed = " and later changes" if run["changed_since"] else ""
            parts["commit"] = f"commit {run['commit'][:7]}{changed}"
        parts["time"] = f"drawn in {run['seconds']:.1f} s"
        if found:
            parts[f"verdict {found}"] = html.escape(found)
    spans = "".join(f'<span class="{kind}">{text}</span>' for kind, text in parts.items())
    return f'<p class="provenance">{spans}</p>'


def in_words(value: Any) -> str:
    """Return parameters in a line: long lists shortened, objects as they are made.

    Examples
    --------
    >>> in_words({"sizes": [2, 4, 6, 8, 10, 12, 14], "curve": {"type": "Bound", "optimum": 1.0}})
    'sizes 2, 4, …, 14; curve Bound(optimum 1)'
    """
    if isinstance(value, dict):
        return "; ".join(f"{name} {_item(item)}" for name, item in value.items())
    return _item(value)


def _item(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{k} {_item(v)}" for k, v in value.items() if k != "type")
        return f"{value.get('type', '')}({inner})"
    if isinstance(value, list):
        shown = [_item(item) for item in value]
        if len(shown) > LONG_LIST:
            shown = [*shown[:2], "…", shown[-1]]
        return ", ".join(shown)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
