"""Building the site: execute what changed, stage it, run Jupyter Book, swap the result in.

Below the build folder::

    cache/   executed notebooks, one a chapter, under a key of all that they depend on
    stage/   what Jupyter Book sees: executed notebooks at the paths of their sources
    sphinx/  what it made of that, see `pwm_companion.book.site`
    html/    the last good site; it is replaced only by a site that was built without a warning
    draft/   the same for drafts, and
    quick/   for quick runs (see `build`)
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from .. import verify
from ..errors import BookError
from ..figures import crate
from ..figures import pages as figure_pages
from ..figures.draw import FigureError, draw_figures, drawn_before
from ..figures.registry import FigureRecord, RegistryError, load_registry
from ..figures.shorten import shorten
from ..files import EPOCH, cache_key, changed_files, claim, commit, digest, digests, tracked
from ..pages import cite, robustness, verdicts
from ..pages.concordance import PLACE, concordance
from ..yaml_files import read_yaml
from . import execute, readable, site, unchanged
from .chapters import Chapter, find_source, load_chapter, page_names, read_toc, title_of
from .execute import ChapterError, Executed
from .site import BuildError, Site
from .tables import dress_tables

#: The library's folder, found without importing it.
LIBRARY = Path(getattr(find_spec("paid_with_models"), "origin", "")).parent

#: Folders of the library that the site has too: what describes files, and files to begin with.
PUBLISHED = ("schemas", "examples")
#: What ``pwm report`` makes of an example, for pages that link to it.
REPORT = "examples/hospitals.html"
QUICK = "Quick run: smaller grids than in the book. Its numbers and figures are not for use."
SOURCE_SUFFIXES = {".md", ".yml", ".ipynb"}

#: Where a chapter wants a sentence on how long its code takes.
RUN_TIME = "<!-- run time -->"


def build(
    root: Path,
    build_dir: Path,
    *,
    jobs: int = 2,
    draft: bool = False,
    quick: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Execute the chapters that changed, build the site, and return its folder.

    Two builds at a time must not write to one folder: hold `pwm_companion.files.locked` of it.

    Parameters
    ----------
    root
        The folder that holds ``_toc.yml``, ``_config.yml`` and the pages.
    build_dir
        Where everything is written, see the module's text.
    jobs
        How many chapters to execute at a time.
    draft
        Leave out pages that are not written yet, and let warnings pass.
    quick
        Give the chapters the parameters of a quick run. Every page says so, and nothing is compared
        with the reference values.
    say
        Told in a line what happens.

    Raises
    ------
    BookError
        If the book's sources are not as they must be, or `build_dir` is not ours (see
        `pwm_companion.files.claim`); nothing was executed.
    BuildError
        If a chapter or the site failed; all failures are in the message.
    """
    source = unchanged.made_from(root)  # before anything is read: what changes later is seen
    toc: Any = read_toc(root)
    if draft:
        toc = _without_missing_pages(toc, root)
    pages = load_pages(root, toc, quick=quick)
    registry = load_registry(root)
    if not draft:
        check_figures(registry, pages)
    claim(build_dir, root)
    home = unchanged.home_of(build_dir, draft=draft, quick=quick)
    site.recover(home)
    unchanged.forget(home)
    home.mkdir(parents=True, exist_ok=True)
    stage, html, stamp = home / "stage", home / "html", home / "site.json"
    environment = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    # Not the commit's time: a commit that changes no page makes no site anew.
    environment["SOURCE_DATE_EPOCH"] = str(EPOCH)
    environment[site.STAGED] = "1"
    jupyter_book = Site(stage, home, os.environ | environment, draft)
    cache = (home if quick else build_dir) / "cache"
    try:
        executed, drawn = make_all(
            pages, root, cache, build_dir, jobs, say, quick=quick, begin=jupyter_book.prepare
        )
        tables = {name: folder / f"{name}.csv" for name, folder in drawn.items()}
        findings = [] if quick else verify.check(executed, tables, root, build_dir)
        if findings and not verify.agrees(findings):
            say("numbers or tables differ from reference/: see pwm verify")
        texts = {
            PLACE: lambda: concordance(pages, root / "tests"),
            verdicts.PLACE: lambda: verdicts.page(findings, root),
            figure_pages.PLACE: lambda: figure_pages.gallery(
                drawn, {it.name: title_of(it) for it in pages}
            ),
            robustness.PLACE: lambda: robustness.page(root),
            cite.PLACE: lambda: cite.page(root),
        }
        config = public_config(read_yaml(root / "_config.yml"), root)
        if quick:
            config.setdefault("html", {})["announcement"] = QUICK
        with tempfile.TemporaryDirectory(dir=home, prefix="new-") as folder:
            fresh = Path(folder, "stage")
            _stage(fresh, root, toc, config, pages, executed, texts, say)
            figure_pages.add_figures(fresh, registry, drawn, root, build_dir)
            for name in PUBLISHED:
                shutil.copytree(LIBRARY / name, fresh / "files" / name, dirs_exist_ok=True)
            if any(REPORT in page.source.read_text(encoding="utf-8") for page in pages):
                (fresh / "files" / REPORT).write_text(_report(), encoding="utf-8")
            if (root / crate.CITATION).is_file():
                _copy(root / crate.CITATION, fresh / "files" / crate.CITATION)
            if findings:
                verdict = json.loads((build_dir / "verify.json").read_text(encoding="utf-8"))
                text = json.dumps(verdict, ensure_ascii=False, separators=(",", ":"))
                (fresh / "book" / "verify.json").write_text(text, encoding="utf-8")
            site.sync(fresh, stage)
            made_with = _made_with(root, environment)
            # The page of the library is made from its docstrings.
            library = digests(sorted(LIBRARY.rglob("*.py")), LIBRARY)
            fingerprint = site.fingerprint(stage, [made_with, library])
            built = site.read_built(stamp)
            now, changed = commit(root) or "", bool(changed_files(root))
            if built.made_from == fingerprint and built.is_whole(html):
                site.write_built(replace(built, commit=now, changed=changed), stamp)
                if verify.agrees(findings):
                    unchanged.remember(build_dir, home, source)
                say(unchanged.up_to_date(html))
                return html
            say("building the site")
            downloads = Path(folder, "downloads")
            parameters = {page.name: page.parameters for page in pages}
            with ThreadPoolExecutor(1) as aside:
                written = aside.submit(
                    readable.write_downloads, downloads, stage, book_names(pages, root), parameters
                )
                jupyter_book.build(Path(folder, "html"), made_with, say)
                written.result()
            shutil.copytree(downloads, Path(folder, "html", "_sources"), dirs_exist_ok=True)
            holds = site.fingerprint(Path(folder, "html"), None)
            stamp.unlink(missing_ok=True)
            site.swap(Path(folder, "html"), html)
            site.write_built(site.Built(fingerprint, holds, now, changed), stamp)
            if verify.agrees(findings):
                unchanged.remember(build_dir, home, source)
    finally:
        jupyter_book.close()
    say(f"built {html / 'index.html'}")
    return html


def make_all(
    pages: list[Chapter],
    root: Path,
    cache: Path,
    build_dir: Path,
    jobs: int,
    say: Callable[[str], None],
    *,
    quick: bool = False,
    begin: Callable[[], None] = lambda: None,
) -> tuple[dict[str, Executed], dict[str, Path]]:
    """Execute the chapters and draw the figures that changed, both at the same time.

    Up to `jobs` processes do each: where one of the two has nothing left, the other has the cores.

    Parameters
    ----------
    pages, root, cache, jobs, say
        See `execute_chapters`.
    build_dir
        Gets the figures; none are drawn in a `quick` run.
    begin
        Called before the first chapter is executed, if any is.

    Returns
    -------
    tuple
        The executed chapters by name, and the folders of the figures by id.

    Raises
    ------
    BuildError
        If a chapter or a figure failed; all failures are in the message.
    """
    with ThreadPoolExecutor(1) as aside:
        figures = aside.submit(
            draw_figures, root, build_dir, [] if quick else None, jobs=jobs, say=say
        )
        failures = []
        try:
            executed = execute_chapters(pages, root, cache, jobs, say, begin=begin)
        except BuildError as error:
            failures.append(str(error))
        try:
            drawn = drawn_before(load_registry(root), build_dir) if quick else figures.result()
        except FigureError as error:
            failures.append(str(error))
    if failures:
        raise BuildError("\n\n".join(failures))
    return executed, drawn


def _made_with(root: Path, environment: dict[str, str]) -> str:
    """Return a digest of what the site is made with, beside the stage."""
    here = Path(__file__).parent
    files = [
        *(
            here / f"{name}.py"
            for name in ("build", "cards", "formulas", "readable", "site", "sphinx_ext")
        ),
        here.parent / "numerals.py",
        *sorted((here.parent / "explorables").glob("*.py")),
        root / "requirements.lock",
    ]
    parts = {file.name: digest(file) for file in files if file.is_file()}
    return cache_key({"python": sys.version_info[:2], "environment": environment, "files": parts})


def load_pages(root: Path, toc: Any, *, quick: bool = False) -> list[Chapter]:
    """Read all pages that `toc`, the content of ``_toc.yml``, lists, in reading order.

    Raises
    ------
    BookError
        If a page is missing, or not as it must be.
    """
    return [load_chapter(_source(root, name), name, quick=quick) for name in page_names(toc)]


def _source(root: Path, name: str) -> Path:
    source = find_source(root, name)
    if source is None:
        raise BookError(f"_toc.yml lists {name}, but there is no {name}.md and no {name}.yml")
    return source


def _without_missing_pages(toc: Any, root: Path) -> Any:
    if isinstance(toc, list):
        return [
            _without_missing_pages(item, root)
            for item in toc
            if "file" not in item or find_source(root, item["file"])
        ]
    if isinstance(toc, dict):
        kept = {key: _without_missing_pages(value, root) for key, value in toc.items()}
        if "parts" in kept:  # Jupyter Book takes no empty part
            kept["parts"] = [part for part in kept["parts"] if part["chapters"]]
        return kept
    return toc


def book_names(pages: list[Chapter], root: Path) -> readable.Names:
    """Return what the labels of the book stand for, with its public address and its version."""
    settings = _settings(root)
    return readable.read_names(
        pages,
        read_toc(root),
        root,
        site=settings.get("tool", {}).get("pwm", {}).get("site_url", ""),
        version=settings.get("project", {}).get("version", ""),
    )


def _settings(root: Path) -> dict[str, Any]:
    """Return what ``pyproject.toml`` says; nothing where there is none."""
    file = root / "pyproject.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def check_figures(registry: dict[str, FigureRecord], chapters: list[Chapter]) -> None:
    """Raise `RegistryError` unless each figure of record is shown once in the chapter it names.

    Another chapter may show it too, as it is or drawn from results of its own.
    """
    places = [(name, chapter.name) for chapter in chapters for name in chapter.figures]
    for name, chapter in places:
        if name not in registry:
            raise RegistryError(f"{chapter} shows {name}, which is not in the registry")
    for record in registry.values():
        shown = [chapter for name, chapter in places if name == record.id]
        if shown.count(record.chapter) != 1:
            where = ", ".join(shown) or "no chapter"
            raise RegistryError(
                f"{record.id} must be shown once in {record.chapter}; is in: {where}"
            )


def execute_chapters(
    pages: list[Chapter],
    root: Path,
    cache: Path,
    jobs: int,
    say: Callable[[str], None],
    *,
    begin: Callable[[], None] = lambda: None,
) -> dict[str, Executed]:
    """Execute the pages that hold code, where they changed, and return the results by page.

    See `pwm_companion.book.execute.execute_all`.

    Raises
    ------
    BuildError
        If a chapter failed; all failures are in the message.
    """
    executed, failures = {}, []
    pages = [page for page in pages if page.code]
    for result in execute.execute_all(pages, root, cache, jobs, begin=begin):
        if isinstance(result, ChapterError):
            failures.append(str(result))
            continue
        executed[result.chapter.name] = result
        if result.fresh:
            say(f"executed {result.chapter.name} in {result.seconds:.1f} s")
    if failures:
        raise BuildError("\n\n".join(failures))
    return {page.name: executed[page.name] for page in pages}


def _report() -> str:
    """Return the report on the hospitals, as ``pwm report`` writes it."""
    # A build that changes nothing does without the library, which takes a second to import.
    from ..consortium.file import example, read_consortium
    from ..consortium.page import render

    return render(read_consortium(example("hospitals.yaml")))


def _stage(
    stage: Path,
    root: Path,
    toc: Any,
    config: dict[str, Any],
    pages: list[Chapter],
    executed: dict[str, Executed],
    texts: dict[str, Callable[[], str]],
    say: Callable[[str], None],
) -> None:
    """Lay out for Jupyter Book what belongs to the site, and nothing else.

    Of `texts`, each replaces its place in the pages without code.
    """
    stage.mkdir(parents=True)
    known = tracked(root)
    for folder in sorted({page.name.split("/")[0] for page in pages if "/" in page.name}):
        for file in sorted((root / folder).rglob("*")):
            if (file.is_dir() and not file.is_symlink()) or file.suffix in SOURCE_SUFFIXES:
                continue
            name = file.relative_to(root)
            if reason := _kept_out(file, name, known):
                say(f"not published: {name} {reason}")
            else:
                _copy(file, stage / name)
    for page in pages:
        if page.name in executed:
            staged = stage / f"{page.name}.ipynb"
            staged.parent.mkdir(parents=True, exist_ok=True)
            run_time = describe_run_time(executed[page.name].seconds)
            text = shorten(executed[page.name].notebook.read_text(encoding="utf-8"))
            text = dress_tables(text)
            staged.write_text(text.replace(RUN_TIME, run_time), encoding="utf-8")
        else:
            _copy(page.source, stage / f"{page.name}.md")
            text = page.source.read_text(encoding="utf-8")
            for place, make in texts.items():
                if place in text:
                    text = text.replace(place, make())
                    (stage / f"{page.name}.md").write_text(text, encoding="utf-8")
    _write_yaml(stage / "_toc.yml", toc)
    _write_yaml(stage / "_config.yml", config)


def _kept_out(file: Path, name: Path, known: set[str] | None) -> str:
    """Say why a file beside the pages is not one of the book's; an empty text if it is."""
    if file.is_symlink() or any(it.is_symlink() for it in file.parents if it.name in name.parts):
        return "is a link"
    if any(part.startswith(".") or part.endswith(("~", ".swp", ".bak")) for part in name.parts):
        return "is hidden, or left by an editor"
    if known is not None and name.as_posix() not in known:
        return "is not known to git: git add makes it so"
    return ""


def describe_run_time(seconds: float) -> str:
    """Say how long a chapter runs, to about one digit: more would differ from machine to machine.

    >>> describe_run_time(2.61), describe_run_time(0.4), describe_run_time(140)
    ('Runs in about 3 s.', 'Runs in about 1 s.', 'Runs in about 2 minutes.')
    """
    if seconds >= 90:
        return f"Runs in about {seconds / 60:.0f} minutes."
    marks = (1, 2, 3, 5, 10, 20, 30, 60)
    least = max(seconds, marks[0] / 10)
    return f"Runs in about {min(marks, key=lambda mark: abs(math.log(least / mark)))} s."


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write_yaml(path: Path, content: Any) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def public_config(config: dict[str, Any], root: Path) -> dict[str, Any]:
    """Add to the content of ``_config.yml`` what needs the book's public addresses.

    They stand in ``pyproject.toml`` under ``tool.pwm``. Without ``site_url`` there are no
    social cards and no page for addresses that do not exist, without ``repository_url`` no
    buttons to the repository and to Binder.
    """
    public = _settings(root).get("tool", {}).get("pwm", {})
    html = config.setdefault("html", {})
    if repository := public.get("repository_url"):
        config["repository"] = {"url": repository, "branch": "main"}
        config["launch_buttons"] = {"binderhub_url": "https://mybinder.org"}
        html["use_repository_button"] = True
    if site := public.get("site_url"):
        html["baseurl"] = site
        sphinx = config["sphinx"]["config"]
        sphinx["extensions"] += ["sphinxext.opengraph", "notfound.extension"]
        sphinx |= {"ogp_site_url": site, "ogp_site_name": config["title"]}
        # The cards take no SVG: this is logo.svg, drawn.
        logo = "book/_static/logo.png"
        sphinx["ogp_social_cards"] = {"image": logo, "image_mini": logo, "line_color": "#1f4e79"}
        sphinx["notfound_urls_prefix"] = urlsplit(site).path.rstrip("/") + "/"
    return config
