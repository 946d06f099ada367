"""What the site needs beyond Jupyter Book: scripts from the site itself, and a repaired role."""

import shutil
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

import plotly
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import paid_with_models

MATHJAX = PurePosixPath("sphinx-mathjax-offline/static/mathjax")


PLOTLY = "plotly.min.js"


def _add_scripts(app: Sphinx) -> None:
    """Copy MathJax's SVG component, which needs no fonts, and Plotly to Sphinx's static files."""
    assets = Path(app.doctreedir).parent / "assets"
    for file in metadata.files("sphinx-mathjax-offline") or ():
        if file.is_relative_to(MATHJAX):
            name = file.relative_to(MATHJAX)
            if name.name == "tex-svg.js" or name.is_relative_to("input/tex/extensions"):
                target = assets / "mathjax" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    shutil.copyfile(Path(plotly.__file__).parent / "package_data" / PLOTLY, assets / PLOTLY)
    app.config.html_static_path.append(str(assets))


def _finish_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Load Plotly where it draws; give the bibliography's entries the role of a list's children."""
    if body := context.get("body"):
        if 'class="plotly-figure"' in body:
            app.add_js_file(PLOTLY)
        context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')


def _name_toggles(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Say what the buttons in the contents do that show the pages below another."""
    if generate := context.get("generate_toctree_html"):
        label = '<summary aria-label="Pages below">'
        context["generate_toctree_html"] = lambda *arguments, **options: str(
            generate(*arguments, **options)
        ).replace("<summary>", label)


def _follow_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Any) -> Any:
    """Resolve a name that the package passes on, such as ``paid_with_models.solve``."""
    package, _, name = str(node.get("reftarget", "")).rpartition(".")
    found = getattr(paid_with_models, name, None) if package == "paid_with_models" else None
    if node.get("refdomain") != "py" or not hasattr(found, "__module__"):
        return None
    return env.get_domain("py").resolve_xref(
        env,
        node["refdoc"],
        app.builder,
        node["reftype"],
        f"{found.__module__}.{name}",
        node,
        content,
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", _add_scripts)
    app.connect("html-page-context", _finish_page)
    app.connect("html-page-context", _name_toggles, priority=900)  # after the theme
    app.connect("missing-reference", _follow_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
