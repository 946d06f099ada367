"""Figures that readers move: the directive ``{live}``.

::

    ```{live} free-riding
    :preset: Five firms
    :still: fig-free-riding
    :title: Who still contributes?
    ```

The argument names what can be moved (`EXPLORABLES`); ``preset`` one of its examples, ``views``
those of its pictures that are shown. Until a script has taken the place over, and wherever none
does (in print, in the PDF, without JavaScript), the page shows the picture of the figure of record
that ``still`` names, which the library has drawn. What has no page at all gets a sentence.

The scripts are hand-written except for the mathematics, which is translated from the library
(:mod:`pwm_companion.explorables.to_javascript`). They are loaded by the pages that use them, and by
no other; they are plain scripts, so that they work in a folder on disk as well.
"""

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import paid_with_models

from .to_javascript import SMALL_MODULES, SMALL_SOLVER, translate

#: What can be moved, and the script that draws it.
EXPLORABLES = {
    "menu": "explorer-menu.js",
    "bunching": "explorer-menu.js",
    "beliefs": "explorer-menu.js",
    "free-riding": "explorer-play.js",
    "insolvency": "explorer-play.js",
    "complete-information": "explorer-play.js",
    "rules": "explorer-rules.js",
    "by-hand": "explorer-rules.js",
    "behavior": "explorer-rules.js",
    "responding": "explorer-responding.js",
    "design": "explorer-design.js",
}
#: Pictures of the menu that ``views`` can name; all of them if it names none.
MENU_VIEWS = ("contributions", "rewards", "menu", "data", "sweep", "table")
#: Modules of the library that compute what explorables show beside the best menu.
BESIDE = ("replies", "by_hand", "crowd")
#: What one explorable alone computes: the function in a script of its own, which other pages do not
#: load, and the modules that it is made from.
OWN = {
    "responding": ("respondingModule", ("table", "curve", "responding")),
    "design": ("pointsModule", ("point_fit", "measured_points")),
}
#: Scripts that the others build on, in this order.
CORE = ("contract.js", "explorer-core.js", "explorer-pictures.js")
STYLE = "explorer.css"
#: What stands where nothing can be moved.
WORDS = "This figure is interactive and needs JavaScript."
#: Where the figures of record lie in the staged site.
FIGURES = "files/figures"


class LiveNode(nodes.General, nodes.Element):  # type: ignore[misc]
    """The place of an explorable."""


class Live(SphinxDirective):
    """``{live} NAME`` with the options ``preset``, ``views``, ``still`` and ``title``."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {
        "preset": directives.unchanged_required,
        "views": directives.unchanged_required,
        "still": directives.unchanged_required,
        "title": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Return the place, or an error that names what is wrong."""
        name = self.arguments[0]
        if name not in EXPLORABLES:
            raise self.error(f"live must name one of {', '.join(EXPLORABLES)}; got {name!r}")
        views = self.options.get("views", "").split()
        unknown = [view for view in views if name != "menu" or view not in MENU_VIEWS]
        if unknown:
            raise self.error(f"views must be of {', '.join(MENU_VIEWS)}; got {unknown[0]!r}")
        node = LiveNode(name=name, views=views, **{k: self.options.get(k, "") for k in _TEXTS})
        self.set_source_info(node)
        return [node]


#: Options that go to the page as they are.
_TEXTS = ("preset", "still", "title")


def _visit_html(writer: Any, node: LiveNode) -> None:
    builder = writer.builder
    page = builder.current_docname
    to_root = "../" * page.count("/")  # the site's start page need not stand at its root
    data = {"live": node["name"], "preset": node["preset"], "title": node["title"]}
    data["views"] = " ".join(node["views"])
    attributes = "".join(
        f' data-{key}="{html.escape(value, quote=True)}"' for key, value in data.items() if value
    )
    still = _still(Path(builder.app.srcdir), page, to_root, node["still"])
    # Class mathjax_ignore: what scripts write here is no formula.
    writer.body.append(
        f'<div class="live mathjax_ignore" id="live-{node["name"]}"{attributes}>'
        f'<div class="live-still">{still}</div></div>'
    )
    raise nodes.SkipNode


def _still(source: Path, page: str, to_root: str, figure: str) -> str:
    """Return the picture of a figure of record, if this build has it, and what it stands for.

    Where the page shows that figure anyway, a link to it.
    """
    about = source / FIGURES / figure / "metadata.json"
    if not figure or not about.is_file():
        return f"<p>{WORDS}</p>"
    known = json.loads(about.read_text(encoding="utf-8"))
    title, alt = (html.escape(known[key], quote=True) for key in ("title", "alt"))
    if known["chapter"] == page:
        return f'<p>{WORDS} A still version: <a href="#{figure}">{title}</a>.</p>'
    place = f"{to_root}figures/{figure}/{figure}.svg"
    picture = f'<img src="{place}" alt="{alt}" loading="lazy">'
    return f"<figure>{picture}<figcaption>{WORDS} A still version: {title}.</figcaption></figure>"


def _say_so(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Where there is no page, a sentence."""
    if app.builder.format != "html":
        for node in list(doctree.findall(LiveNode)):
            node.replace_self(nodes.paragraph("", WORDS))


def _write_modules(app: Sphinx) -> None:
    """Translate the mathematics into Sphinx's static files, and shorten what is hand-written."""
    home = Path(paid_with_models.__file__).parent
    folder = Path(app.doctreedir).parent / "translated"
    folder.mkdir(parents=True, exist_ok=True)
    text = translate(SMALL_SOLVER, sources(home))
    (folder / CORE[0]).write_text(text, encoding="utf-8")
    for name, (function, modules) in OWN.items():
        text = translate(function, sources(home, modules))
        (folder / own_script(name)).write_text(text, encoding="utf-8")
    for script in sorted({*CORE[1:], *EXPLORABLES.values()}):
        for place in app.config.html_static_path:
            if (written := Path(app.confdir, place, script)).is_file():
                text = shortened(written.read_text(encoding="utf-8"))
                (folder / script).write_text(text, encoding="utf-8")
    app.config.html_static_path.append(str(folder))


def shortened(script: str) -> str:
    r"""Return a script without indents, empty lines, and comments that have lines of their own.

    Raises
    ------
    ValueError
        If a text goes over several lines, whose indents would be lost.

    Examples
    --------
    >>> shortened("/* What\n   it is. */\n  f(1); // one\n  // two\n\n  g();\n")
    'f(1); // one\ng();\n'
    """
    lines, comment = [], False
    for line in script.splitlines():
        text = line.strip()
        if text.count("`") % 2 and not comment:
            raise ValueError(f"a script must not hold texts of several lines; got {text!r}")
        comment = comment or (text.startswith("/*") and "*/" not in text[:-2])
        if text and not comment and not text.startswith("//"):
            lines.append(text)
        comment = comment and not text.endswith("*/")
    return "\n".join([*lines, ""])


def sources(home: Path, modules: Sequence[str] = (*SMALL_MODULES, *BESIDE)) -> list[Path]:
    """Return the files that are translated.

    Parameters
    ----------
    home
        The folder of the package ``paid_with_models``.
    modules
        By default the small solver, and what else explorables compute.
    """
    return [home / "small" / f"{name}.py" for name in modules]


def own_script(name: str) -> str:
    """Return the name of the script with the mathematics of one explorable."""
    return f"contract-{name}.js"


def _load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load scripts and styles on pages that have an explorable."""
    if doctree is None:
        return
    names = {node["name"] for node in doctree.findall(LiveNode)}
    if not names:
        return
    app.add_css_file(STYLE)
    # Before anything is drawn: the still picture is neither shown nor loaded where scripts run.
    app.add_js_file(None, body='document.documentElement.classList.add("live-js");', priority=1)
    own = [own_script(name) for name in sorted(names & OWN.keys())]
    for script in dict.fromkeys([*CORE, *own, *sorted(EXPLORABLES[name] for name in names)]):
        app.add_js_file(script, loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_node(LiveNode, html=(_visit_html, None))
    app.add_directive("live", Live)
    app.connect("builder-inited", _write_modules)
    app.connect("doctree-resolved", _say_so)
    app.connect("html-page-context", _load, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}
