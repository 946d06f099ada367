"""What the site says about figures: caption and provenance in the chapters, a page each, a gallery.

All of it is added to what was staged for Jupyter Book; executed notebooks in the cache know nothing
of it.
"""

from __future__ import annotations

import html
import json
import posixpath
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from ..pages.cite import Work, figure_bibtex, figure_ris, latex_caption
from ..yaml_files import read_yaml
from . import crate
from .draw import read_project
from .registry import MARKER, FigureRecord, fill
from .shorten import write_preview

#: Where the page `GALLERY` wants the gallery.
PLACE = "<!-- gallery -->"
GALLERY = "book/figures"
#: Below the stage: what goes into the site as it is.
FILES = "files"
#: Below the build folder: small copies of pictures, by the digests of these.
PREVIEWS = "figures/.previews"
#: A list longer than this is shortened for people to read.
LONG_LIST = 6
#: What stands in a quick run for a figure that no build has drawn yet.
NOT_DRAWN = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="60"><text x="300" y="36" '
    'font-family="sans-serif" text-anchor="middle">drawn by a full build</text></svg>'
)
#: What a comparison with the reference values means for a figure. (What agrees with the paper is
#: the replication report's matter, and has other words there.)
VERDICTS = {
    "identical": "as stored",
    "within tolerance": "as stored",
    "differs": "differs",
    "missing": "differs",
}


def verdict(figure_id: str, build_dir: Path) -> str | None:
    """Return "as stored" or "differs": how the figure's table compares with the reference.

    None if ``verify.json`` in the build folder has nothing about it.
    """
    file = build_dir / "verify.json"
    found = _read(file)["figures"].get(figure_id) if file.is_file() else None
    return VERDICTS.get(str(found))


def add_figures(
    stage: Path, registry: Mapping[str, FigureRecord], drawn: Mapping[str, Path], root: Path,
    build_dir: Path,
) -> None:  # fmt: skip
    """Give the staged book what the registry and the figures' files say.

    The figures in the chapters get captions and provenance; each figure gets a page, to which
    chapter and gallery lead, beside the contents: who reads on does not pass through fifty of them.
    The files go where the site has them at ``figures/ID/``.

    Parameters
    ----------
    stage
        What Jupyter Book is going to see.
    registry
        The figures of record.
    drawn
        Their folders.
    root
        The book's root.
    build_dir
        For the verdicts.
    """
    if not registry:
        return
    for path in sorted(stage.rglob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        page = path.relative_to(stage).with_suffix("").as_posix()
        dress(notebook, page, registry, drawn, build_dir)
        text = json.dumps(notebook, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        path.write_text(text + "\n", encoding="utf-8")
    config = read_yaml(root / "_config.yml")
    project = read_project(root)
    work = Work(config["title"], str(config["copyright"]), project.site)
    files = stage / FILES / "figures"
    for name, folder in drawn.items():
        shutil.copytree(folder, files / name)
        _copy_preview(folder, files / "previews" / f"{name}.png", build_dir / PREVIEWS)
        target = stage / "figures" / name / "index.md"
        target.parent.mkdir(parents=True)
        target.write_text(figure_page(folder, work, verdict(name, build_dir)), encoding="utf-8")
    files.mkdir(parents=True, exist_ok=True)
    for name in ("figures.json", crate.FILE):
        if drawn and (build_dir / "figures" / name).is_file():
            shutil.copyfile(build_dir / "figures" / name, files / name)


def _copy_preview(folder: Path, target: Path, kept: Path) -> None:
    """Put the small copy of a figure at `target`; it is drawn once for each picture."""
    name = f"{folder.name}.png"
    preview = kept / f"{_read(folder / 'metadata.json')['files'][name]['sha256']}.png"
    if not preview.is_file():
        write_preview(folder / name, preview)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(preview, target)


def gallery(drawn: Mapping[str, Path], titles: Mapping[str, str]) -> str:
    """Return all figures, small, with links to their pages, by chapter.

    Parameters
    ----------
    drawn
        Their folders.
    titles
        Of the chapters, by name, in reading order.
    """
    here = posixpath.relpath("figures", posixpath.dirname(GALLERY))
    chapters: dict[str, list[str]] = {name: [] for name in titles}
    for name, folder in drawn.items():
        about = _read(folder / "metadata.json")
        chapters[about["chapter"]].append(
            f'<figure><a href="{here}/{name}/index.html"><img src="{here}/previews/{name}.png" '
            f'loading="lazy" alt="{_attribute(about["alt"])}"></a>'
            f"<figcaption>{html.escape(about['title'])}</figcaption></figure>"
        )
    return "\n".join(
        f'## {titles[chapter]}\n\n<div class="gallery">\n' + "\n".join(cells) + "\n</div>\n"
        for chapter, cells in chapters.items()
        if cells
    )


def figure_page(folder: Path, work: Work, found: str | None) -> str:
    """Return the page of a figure as MyST text.

    Parameters
    ----------
    folder
        Its files.
    work
        What it is part of.
    found
        The verdict.
    """
    about, run = _read(folder / "metadata.json"), _read(folder / "run.json")
    name = about["id"]
    shown = f"Shown as {{numref}}`{name}` in {{doc}}`/{about['chapter']}`"
    paper = f"It corresponds to a figure of the paper: {about['paper']}." if about["paper"] else ""
    lines = [
        *_front_matter(about, work),
        f"# {about['title']}",
        "",
        "```{container} way-back",
        f"{shown}; see also {{doc}}`all figures </{GALLERY}>`.",
        "```",
        "",
        f'<figure class="preview"><img src="{name}.svg" alt="{_attribute(about["alt"])}"></figure>',
        "",
        about["caption"],
        "",
        *([paper, ""] if paper else []),
        "## Downloads",
        "",
        *_downloads(folder, about),
        "",
        f"License: [{about['license']['name']}]({about['license']['url']}).",
        "",
        "## Cite",
        "",
        "Cite the paper for its ideas ({cite:t}`wang2025paid`), and this for the figure:",
        "",
        "`````{tab-set}",
    ]
    texts = {
        "BibTeX": ("bibtex", figure_bibtex(about, work)),
        "RIS": ("text", figure_ris(about, work)),
        "LaTeX": ("latex", latex_caption(about)),
    }
    for label, (language, text) in texts.items():
        lines += [f"````{{tab-item}} {label}", f"```{{code-block}} {language}", text, "```", "````"]
    lines += ["`````", "", "## Provenance", ""]
    lines += ["```{table} What the figure is drawn from, and how.", "| | |", "|:--|:--|"]
    lines += [f"| {label} | {text} |" for label, text in _origin(about, run, found).items()]
    lines += ["```", "", "**What is seen.** " + about["alt"], "", "## Changes", ""]
    lines += [f"- {version}: {text}" for version, text in about["changelog"].items()]
    lines += ["", f'<script type="application/ld+json">{described(about, work)}</script>']
    return "\n".join([*lines, ""])


def _front_matter(about: Mapping[str, Any], work: Work) -> list[str]:
    """What reference managers and cards read in the head of a figure's page."""
    meta = {
        "citation_title": about["title"],
        "citation_author": about["author"],
        "citation_publication_date": work.year,
        "citation_keywords": about["id"],
        "DC.rights": about["license"]["url"],
    }
    front: dict[str, Any] = {"orphan": True, "myst": {"html_meta": meta}}
    if address := work.address(about["id"]):
        front["og:image"] = f"{address}{about['id']}.png"
    return ["---", yaml.safe_dump(front, allow_unicode=True).rstrip(), "---", ""]


def described(about: Mapping[str, Any], work: Work) -> str:
    """Return what search engines read of a figure, as JSON-LD with the terms of schema.org.

    Addresses of files are relative while the book has none.
    """
    name = about["id"]
    address = work.address(name)
    author = {"@type": "Organization", "name": about["author"]}
    common = {"license": about["license"]["url"], "version": about["version"], "creator": author}
    files = [
        {"@type": "MediaObject", "contentUrl": f"{address}{file}", "encodingFormat": it["type"]}
        for file, it in about["files"].items()
        if not file.endswith(".csv")
    ]
    table = {"@type": "DataDownload", "contentUrl": f"{address}{name}.csv"}
    content = {
        "@context": "https://schema.org",
        "@type": "ImageObject",
        "name": about["title"],
        "caption": about["caption"],
        "identifier": name,
        **({"url": address} if address else {}),
        **common,
        "isPartOf": {"@type": "Book", "name": work.title},
        "encoding": files,
        "isBasedOn": {
            "@type": "Dataset",
            "name": f"{about['title']}: the table behind the figure",
            "description": about["alt"],
            **common,
            "distribution": [{**table, "encodingFormat": "text/csv"}],
        },
    }
    # No text in it can end the element that holds it.
    return json.dumps(content, ensure_ascii=False).replace("<", r"\u003c")


def _downloads(folder: Path, about: Mapping[str, Any]) -> list[str]:
    what = {
        f"{about['id']}.svg": "vectors, for the screen",
        f"{about['id']}.pdf": "vectors, for LaTeX; legible at the width of a column, 3.3 inches",
        f"{about['id']}.png": "pixels, 300 dpi",
        f"{about['id']}.csv": "the table behind it",
        f"{about['id']}.csv-metadata.json": "its columns, with units",
        "metadata.json": "all about the figure",
        "run.json": "the run that drew it",
    }
    lines = ["```{table} Files of the figure.", "| file | | kB |", "|:--|:--|--:|"]
    for name, text in what.items():
        size = (folder / name).stat().st_size / 1000
        lines.append(f'| <a href="{name}" download>{name}</a> | {text} | {size:,.1f} |')
    return [*lines, "```"]


def _origin(about: Mapping[str, Any], run: Mapping[str, Any], found: str | None) -> dict[str, str]:
    """What the figure was made from and how, line by line."""
    rows = {"figure": f"`{about['id']}`, version {about['version']}"}
    if found:
        rows["verdict"] = f"{found}, see {{doc}}`/book/verdicts`"
    rows["drawn by"] = _code(about["drawn_by"])
    if about["computed_by"]:
        rows["computed by"] = _code(about["computed_by"])
    if about["data"]:
        rows["data"] = f"`{about['data']}`"
    for name, value in about["parameters"].items():
        rows[f"`{name}`"] = _item(value)
    rows["sources"] = f"sha256 `{about['source_sha256']}`"
    if run["commit"]:
        rows["commit"] = f"`{run['commit']}`{', and later changes' if run['changed_since'] else ''}"
    rows["run"] = (
        f"{run['date']}, {run['seconds']:.1f} s, {run['machine']['cores']} cores, "
        f"{run['machine']['system']}"
    )
    rows["packages"] = ", ".join(f"{name} {text}" for name, text in about["packages"].items())
    rows["again"] = f"`pwm figures {about['id']}`"
    return rows


def _code(name: str) -> str:
    return f"{{py:obj}}`~{name.replace(':', '.')}`" if ":" in name else f"`{name}`"


def _attribute(text: str) -> str:
    return html.escape(text, quote=True)


def dress(
    notebook: NotebookNode,
    page: str,
    registry: Mapping[str, FigureRecord],
    drawn: Mapping[str, Path],
    build_dir: Path,
) -> None:
    """Give each figure in an executed notebook its drawing, caption, text and provenance."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        shown = _shown(cell)
        if shown is None:
            continue
        record = registry[shown["id"]]
        about, run = {"id": record.id}, {}
        of_record = record.id in drawn  # none need be in a quick run
        if of_record:
            about, run = (_read(drawn[record.id] / name) for name in ("metadata.json", "run.json"))
            digest = about["files"][f"{record.id}.csv"]["sha256"]
            of_record = shown.get("table", digest) == digest
        if of_record:
            _show_drawing(cell, (drawn[record.id] / f"{record.id}.svg").read_text(encoding="utf-8"))
        elif "table" not in shown:
            _show_drawing(cell, NOT_DRAWN)
        if of_record:
            caption, alt = about["caption"], about["alt"]
        elif "table" in shown:
            # What the registry says is true of the figure of record.
            caption = alt = f"{record.title}: drawn from results of other parameters"
        else:
            caption, alt = (fill(it, {}, missing="…") for it in (record.caption, record.alt))
        label = {"name": record.id} if page == record.chapter else {}
        cell.metadata["mystnb"] = {
            "figure": {"caption": caption, **label},
            "image": {"alt": alt, "width": "100%"},
        }
        tags = cell.metadata.setdefault("tags", [])
        # A line that only shows the figure says nothing that its own page does not say.
        tag = "remove-input" if cell.source.strip().startswith("show(") else "hide-input"
        if tag not in tags:
            tags.append(tag)
        strip = provenance(about, run, verdict(record.id, build_dir), page, of_record=of_record)
        cells.append(NotebookNode(cell_type="markdown", metadata={}, source=strip))
    for position, cell in enumerate(cells):
        cell.id = f"cell-{position}"
    notebook.cells = cells


def marked(notebook: NotebookNode) -> list[str]:
    """Return the ids of the figures of record that an executed notebook has a mark for."""
    shown = [_shown(cell) for cell in notebook.cells]
    return [it["id"] for it in shown if it and "table" not in it]


def _shown(cell: NotebookNode) -> dict[str, Any] | None:
    """What is known of the figure that a cell shows: of one of record, no more than its id."""
    for output in cell.get("outputs", []):
        found: dict[str, Any] | None = output.get("metadata", {}).get("figure")
        if found := found or output.get("data", {}).get(MARKER):
            return found
    return None


def _show_drawing(cell: NotebookNode, svg: str) -> None:
    """Show a drawing instead of the mark for it, or of the same one without title and license."""
    for output in cell.outputs:
        data = output.get("data", {})
        if MARKER in data or "image/svg+xml" in data:
            data.pop(MARKER, None)
            data["image/svg+xml"] = svg


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
    """Return the fold under a figure of the page `page` that says where it comes from, as HTML.

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
    link = posixpath.relpath(f"figures/{about['id']}/index.html", posixpath.dirname(page))
    parts = {"id": f'<a href="{link}">{about["id"]}</a>'}
    if not of_record:
        parts["verdict differs"] = "not the figure of record"
    else:
        if parameters := in_words(about["parameters"]):
            parts["parameters"] = html.escape(parameters)
        if about["data"]:
            parts["data"] = html.escape(about["data"])
        if run["commit"]:
            changed = " and later changes" if run["changed_since"] else ""
            parts["commit"] = f"commit {run['commit'][:7]}{changed}"
        if found:
            parts[f"verdict {found}"] = html.escape(found)
    spans = "".join(f'<span class="{kind}">{text}</span>' for kind, text in parts.items())
    fold = '<details class="provenance-fold"><summary>About this figure</summary>'
    return f'{fold}<p class="provenance">{spans}</p></details>'


def in_words(value: Any) -> str:
    """Return parameters in a line: long lists shortened, objects as they are made.

    Examples
    --------
    >>> in_words({"sizes": [2, 4, 6, 8, 10, 12, 14], "curve": {"type": "Bound", "optimum": 1.0}})
    'sizes 2, 4, …, 14 (7 values); curve Bound(optimum 1)'
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
            shown = [*shown[:2], "…", f"{shown[-1]} ({len(shown)} values)"]
        return ", ".join(shown)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
