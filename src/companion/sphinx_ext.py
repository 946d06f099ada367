"""What the site needs beyond Jupyter Book: MathJax from the site itself, and a repaired role."""

import shutil
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from sphinx.application import Sphinx

MATHJAX = PurePosixPath("sphinx-mathjax-offline/static/mathjax")


def _add_mathjax(app: Sphinx) -> None:
    """Copy MathJax's SVG component, which needs no fonts, to where Sphinx takes static files."""
    assets = Path(app.doctreedir).parent / "assets"
    for file in metadata.files("sphinx-mathjax-offline") or ():
        if file.is_relative_to(MATHJAX):
            name = file.relative_to(MATHJAX)
            if name.name == "tex-svg.js" or name.is_relative_to("input/tex/extensions"):
                target = assets / "mathjax" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    app.config.html_static_path.append(str(assets))


def _mend_roles(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Give the bibliography's entries the role that a list's children must have."""
    if body := context.get("body"):
        context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", _add_mathjax)
    app.connect("html-page-context", _mend_roles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
