"""The notebooks that the site offers: plain text anywhere, and running where the package is."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from bs4 import BeautifulSoup

from pwm_companion.book.notebook import stored
from pwm_companion.figures.registry import load_registry

from .conftest import ROOT

#: What only MyST reads, and what the build was to replace.
RAW = re.compile(
    r"\{[a-z][a-z:-]*\}`|^\s*[`:~]{3,}\{|^\([\w-]+\)=|\$\$ *\([a-z]|<!--|\{\{|^:[\w-]+:|^%",
    re.MULTILINE,
)


def downloads(site: Path) -> dict[str, Path]:
    folder = site / "_sources"
    return {it.relative_to(folder).as_posix(): it for it in sorted(folder.rglob("*.ipynb"))}


def texts(path: Path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


def test_no_text_holds_a_raw_role_or_directive(site: Path) -> None:
    found = [
        f"{name}: {text[max(0, it.start() - 30) : it.end() + 30]!r}"
        for name, path in downloads(site).items()
        for text in texts(path)
        for it in RAW.finditer(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    ]
    assert len(downloads(site)) >= 22
    assert found == []


def test_numbers_and_references_are_those_of_the_page(site: Path) -> None:
    """Statements and equations carry the numbers that the site gives them."""
    number = re.compile(r"(?:Proposition|Lemma|Definition|Theorem|Corollary|Exercise) \d+\.\d+")
    seen = 0
    for name, path in downloads(site).items():
        page = site / Path(name).with_suffix(".html")
        shown = " ".join(BeautifulSoup(page.read_bytes(), "html.parser").get_text().split())
        for words in set(number.findall("\n".join(texts(path)))):
            assert words in shown, (name, words)
            seen += 1
    assert seen > 100


def test_figures_have_captions_and_cells_have_ids_in_order(site: Path) -> None:
    captions = 0
    for path in downloads(site).values():
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert [cell.id for cell in notebook.cells] == [
            f"cell-{position}" for position in range(len(notebook.cells))
        ]
        captions += sum(text.startswith("*Figure.* ") for text in texts(path))
        assert "pip install 'paid-with-models[book]" in texts(path)[1]
    assert captions >= len(load_registry(ROOT)) - 8  # pages without code show some


def test_no_output_holds_an_address_in_memory(site: Path) -> None:
    for name, path in downloads(site).items():
        assert not re.search(r" at 0x[0-9a-f]{6,}", path.read_text(encoding="utf-8")), name


def code(path: Path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def test_downloads_hold_the_code_that_the_build_has_run_in_an_empty_folder(site: Path) -> None:
    stage = site.parent / "stage"
    assert {name: code(path) for name, path in downloads(site).items()} == {
        name: code(stage / name) for name in downloads(site)
    }


def test_what_downloads_read_is_found_anywhere(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = "\n".join(cell for path in downloads(site).values() for cell in code(path))
    read = set(re.findall(r'stored\("([^"]+)"\)', cells))
    assert len(read) >= 7
    assert not re.search(r'\bopen\(|read_csv|read_excel|loadtxt|\bPath\("', cells)
    monkeypatch.chdir(tmp_path)
    assert all(stored(name) for name in read)


def test_a_download_runs_in_an_empty_folder(site: Path, tmp_path: Path) -> None:
    """The page that reads most; ``make binder`` runs all."""
    name = "book/benchmarks.ipynb"
    papermill.execute_notebook(
        site / "_sources" / name, None, kernel_name="python3", cwd=tmp_path, progress_bar=False
    )


def test_a_parameter_that_no_notebook_has_is_refused_by_papermill_itself(
    site: Path, tmp_path: Path
) -> None:
    for name in ("book/motivation.ipynb", "book/experiments/big_firm_cooperation.ipynb"):
        command = [sys.executable, "-m", "papermill", str(site / "_sources" / name)]
        command += [str(tmp_path / "out.ipynb"), "-k", "python3", "-p", "n_parites", "6"]
        run = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"TERM": "dumb"}
        )
        assert run.returncode != 0, name
        assert "n_parites is not a parameter" in run.stderr, name


def test_pages_of_figures_say_what_they_are_to_machines(site: Path) -> None:
    for name, record in load_registry(ROOT).items():
        page = BeautifulSoup((site / "figures" / name / "index.html").read_bytes(), "html.parser")
        (script,) = page.select('script[type="application/ld+json"]')
        about = json.loads(script.string or "")
        assert about["@context"] == "https://schema.org"
        assert about["identifier"] == name
        assert about["name"] == record.title
        files = [it["contentUrl"] for it in about["encoding"]]
        files += [it["contentUrl"] for it in about["isBasedOn"]["distribution"]]
        assert all((site / "figures" / name / file).is_file() for file in files)
        meta = {str(it.get("name")): str(it.get("content")) for it in page.select("meta[name]")}
        assert meta["citation_title"] == record.title
        assert meta["description"]


def test_index_search_and_lists_are_pages_like_the_others(
    site: Path, pages: dict[str, BeautifulSoup]
) -> None:
    """One title each, a language, a width for phones, a main part, and no empty link."""
    others = ["genindex.html", "py-modindex.html", "prf-prf.html", "search.html"]
    for name in [*others, *(it for it in pages if it.startswith("book/api"))]:
        page = pages[name]
        assert page.html is not None
        assert page.html.get("lang") == "en", name
        # One more stands above the contents that are printed.
        titles = [it for it in page.select("h1") if not it.find_parent(id="jb-print-docs-body")]
        assert len(titles) == 1, name
        assert page.title is not None
        assert page.title.string, name
        assert page.select_one("meta[name=viewport]"), name
        assert page.select_one("main, [role=main]"), name
        assert all(it.get_text(strip=True) or it.select("img, svg, i") or it.get("aria-label")
                   for it in page.select("article a[href]")), name  # fmt: skip


def test_copy_buttons_leave_out_outputs_and_prompts(site: Path) -> None:
    script = (site / "_static/copybutton.js").read_text(encoding="utf-8")
    assert "div:not(.output) > div.highlight > pre" in script
    assert r">>> |\.\.\. " in script.replace("\\\\", "\\")
