"""A book of three chapters, small enough to be built in a test."""

import shutil
import textwrap
from pathlib import Path

import pytest

HEADER = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---
"""

FILES = {
    "_toc.yml": """\
        format: jb-book
        root: book/start
        chapters:
          - file: book/square
          - file: book/twice
          - file: book/runs/five
        """,
    "_config.yml": """\
        title: A small book
        logo: ""
        bibtex_bibfiles: [book/references.bib]
        execute: {execute_notebooks: "off"}
        sphinx:
          config: {html_context: {default_mode: auto}}
          extra_extensions: [pwm_companion.book.sphinx_ext, pwm_companion.book.cards]
        """,
    "book/references.bib": "@book{euclid, title={Elements}, author={Euclid}, year={1482}, "
    "publisher={Ratdolt}}\n",
    "book/start.md": "# Start\n\nA page without code. It cites {cite:t}`euclid`.\n",
    "book/square.md": HEADER
    + """\
        # Square

        More in {cite:t}`euclid`.

        ```{code-cell} ipython3
        from toy import square

        print(square(3))
        ```
        """,
    "book/twice.md": HEADER
    + """\
        # Twice

        ```{bibliography}
        ```

        ```{code-cell} ipython3
        from toy import twice

        print(twice(3))
        ```
        """,
    "book/runs/template.md": HEADER
    + """\
        # {{ title }}

        ```{code-cell} ipython3
        :tags: [parameters, hide-input]

        number = 1
        shares = [0.5]
        ```

        ```{code-cell} ipython3
        print(number, shares)
        ```
        """,
    "book/runs/five.yml": """\
        template: template.md
        title: Five
        parameters: {number: 5, shares: [1, 0.25]}
        """,
    "src/toy/__init__.py": "from .doubling import double as twice\nfrom .powers import square\n",
    "src/toy/doubling.py": "def double(x):\n    return 2 * x\n",
    "src/toy/powers.py": "from ._product import product\n\n\ndef square(x):\n"
    "    return product(x, x)\n",
    "src/toy/_product.py": "def product(x, y):\n    return x * y\n",
}


def _write(root: Path) -> Path:
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        header = HEADER if content.startswith(HEADER) else ""
        path.write_text(header + textwrap.dedent(content.removeprefix(header)))
    return root


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return the root of a fresh copy of the small book."""
    return _write(tmp_path / "root")


@pytest.fixture(scope="session")
def built_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root of the small book, built once; copy it before changing anything."""
    from pwm_companion.book.build import build

    root = _write(tmp_path_factory.mktemp("built"))
    build(root, root / "build", say=lambda _: None)
    return root


@pytest.fixture
def copy_of_built_book(built_book: Path, tmp_path: Path) -> Path:
    """Return a copy of the built book that a test may change."""
    return Path(shutil.copytree(built_book, tmp_path / "root"))
