"""The pages of the book: where they are, what they contain, and with which parameters they run.

``_toc.yml`` names each page without a suffix. Its source is either a MyST text notebook
``NAME.md``, or a run file ``NAME.yml`` that runs a template, itself a MyST text notebook, with
parameters of its own::

    template: scenario.md          # relative to the run file
    title: Big-firm cooperation
    text: {reading: "..."}         # replaces {{ reading }} in the template; so does the title
    parameters: {n_parties: 10}    # replace the values of the cell tagged "parameters"
    written_for: {n_parties: 10}   # the parameters that the text is true of

The front matter of a text notebook may hold::

    quick: {largest: 20}           # smaller values for a quick run, which go before all others
    otherwise: {reading: "..."}    # text for parameters that a run file's is not written for
    files: [consortium]            # the parameters that name a file
    check: module:function         # called with all parameters before anything runs; raises
                                   # ValueError, and returns the files that are going to be read
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from ..errors import BookError
from ..figures import registry
from ..yaml_files import read_yaml

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
TITLE = re.compile(r"^# (.+?) *$", re.MULTILINE)
RUN_FILE_KEYS = {"template", "title", "text", "parameters", "written_for"}
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


#: RUN_FILES: how names of run files end.
RUN_FILES = (".yml", ".yaml")


@dataclass(frozen=True)
class Chapter:
    """One page of the book.

    Attributes
    ----------
    name
        The page's name in ``_toc.yml``: its path below the book's root, without suffix.
    source
        The file that it is written in, or the run file.
    template
        The text notebook that is executed: `source` itself, unless that is a run file.
    notebook
        The notebook to execute, placeholders replaced; its metadata hold no parameters.
    parameters
        The values that replace those of the cell tagged ``parameters``.
    inputs
        The data files that it reads, and may read by the paths under which its front matter lists
        them (``inputs: [../results.json]``, relative to the text notebook).
    named
        The files that its parameters name, and those that these name.
    """

    name: str
    source: Path
    template: Path
    notebook: NotebookNode
    parameters: dict[str, Any]
    inputs: tuple[Path, ...] = ()
    named: tuple[Path, ...] = ()

    @property
    def figures(self) -> list[str]:
        """The ids of the figures that it shows."""
        return registry.shown_figures(self.code)

    @property
    def code(self) -> tuple[str, ...]:
        """The sources of the code cells."""
        return tuple(cell.source for cell in self.notebook.cells if cell.cell_type == "code")


def read_toc(root: Path) -> dict[str, Any]:
    """Read ``_toc.yml`` in the folder `root`.

    Raises
    ------
    BookError
        If it is not as Jupyter Book wants it.
    """
    toc = read_yaml(root / "_toc.yml")
    _check_entry(toc)
    return toc


def _check_entry(entry: Any) -> None:
    if not isinstance(entry, dict):
        raise BookError(f"_toc.yml: must be a mapping: {entry!r}")
    for key, value in entry.items():
        if key in {"parts", "chapters", "sections"}:
            if not isinstance(value, list):
                raise BookError(f"_toc.yml: {key} must be a list, not {value!r}")
            for item in value:
                _check_entry(item)
                if key == "parts" and "chapters" not in item:
                    raise BookError(f"_toc.yml: a part must have chapters: {item!r}")
        elif key in {"root", "file"} and not isinstance(value, str):
            raise BookError(f"_toc.yml: {key} must name a page, not {value!r}")
        elif isinstance(value, list | dict):
            raise BookError(f"_toc.yml: {key} must be a single value, not {value!r}")


def title_of(chapter: Chapter) -> str:
    """Return the heading that a chapter begins with.

    Raises
    ------
    BookError
        If it has none.
    """
    for cell in chapter.notebook.cells:
        if cell.cell_type == "markdown" and (found := TITLE.search(cell.source)):
            return found[1]
    raise BookError(f"{chapter.source}: the page has no title")


def page_names(toc: Any) -> Iterator[str]:
    """Yield the names of all pages in the content of ``_toc.yml``, in reading order."""
    if isinstance(toc, dict):
        yield from (toc[key] for key in ("root", "file") if key in toc)
        for value in toc.values():
            yield from page_names(value)
    elif isinstance(toc, list):
        for item in toc:
            yield from page_names(item)


def find_source(root: Path, name: str) -> Path | None:
    """Return the file that holds the page `name`, or None when there is none."""
    candidates = (root / f"{name}{suffix}" for suffix in (".md", ".yml"))
    return next((path for path in candidates if path.is_file()), None)


def load_chapter(
    source: Path, name: str, overrides: dict[str, Any] | None = None, *, quick: bool = False
) -> Chapter:
    """Read a chapter or a run file, and check its parameters.

    Parameters
    ----------
    source
        A MyST text notebook (``.md``) or a run file (``.yml``).
    name
        The page's name, see `Chapter`.
    overrides
        Parameters that take precedence over those of the run file.
    quick
        Take the parameters of a quick run.

    Raises
    ------
    BookError
        If a file cannot be read or an input is missing, a placeholder has no text or a text no
        placeholder, or a parameter is unknown to the notebook or of another type than its default.
    """
    if source.suffix not in RUN_FILES:
        notebook, front = _read_notebook(source)
        given = _with_paths(overrides or {}, front, Path())
        parameters = (front.quick if quick else {}) | given
        named = _checked(notebook, parameters, front, source)
        return Chapter(name, source, source, notebook, parameters, front.inputs, named)

    run = read_yaml(source)
    if unknown := sorted(map(str, run.keys() - RUN_FILE_KEYS)):
        raise BookError(f"{source}: unknown key {unknown[0]!r}, known are {sorted(RUN_FILE_KEYS)}")
    if not isinstance(run.get("template"), str):
        raise BookError(f"{source}: 'template' must name a text notebook")
    for key in ("text", "parameters"):
        if not isinstance(run.setdefault(key, {}), dict):
            raise BookError(f"{source}: {key!r} must be a mapping")
    if not isinstance(run.setdefault("written_for", run["parameters"]), dict):
        raise BookError(f"{source}: 'written_for' must be a mapping")
    template = Path(os.path.normpath(source.parent / run["template"]))
    notebook, front = _read_notebook(template)
    parameters = (
        _with_paths(run["parameters"], front, source.parent)
        | (front.quick if quick else {})
        | _with_paths(overrides or {}, front, Path())
    )
    named = _checked(notebook, parameters, front, source)
    text = front.otherwise | run["text"]
    if parameters != run["written_for"]:
        text |= front.otherwise
    text |= {"title": run["title"]} if "title" in run else {}
    _fill(notebook, text, source)
    return Chapter(name, source, template, notebook, parameters, front.inputs, named)


@dataclass(frozen=True)
class _Front:
    """What the front matter of a text notebook says, see the module's text."""

    inputs: tuple[Path, ...]
    quick: dict[str, Any]
    otherwise: dict[str, Any]
    files: list[str]
    check: str


def _with_paths(parameters: dict[str, Any], front: _Front, folder: Path) -> dict[str, Any]:
    """Return parameters that name files by their whole paths: the kernel's folder is another."""
    return {
        name: str(Path(folder, value).absolute())
        if name in front.files and isinstance(value, str) and value
        else value
        for name, value in parameters.items()
    }


def _checked(
    notebook: NotebookNode, parameters: dict[str, Any], front: _Front, source: Path
) -> tuple[Path, ...]:
    """Check parameters, and return the files that they lead to; raise `BookError`."""
    check_parameters(notebook, parameters, source)
    if not front.check:
        return ()
    module, _, function = front.check.partition(":")
    values = _default_parameters(notebook, source) | parameters
    try:
        return tuple(getattr(import_module(module), function)(**values))
    except (ImportError, AttributeError) as error:
        raise BookError(f"{source}: 'check' must name a function: {error}") from None
    except ValueError as error:
        raise BookError(f"{source}: {error}") from None


def _read_notebook(path: Path) -> tuple[NotebookNode, _Front]:
    """Return a text notebook without its front matter, and what stands there."""
    try:
        notebook: NotebookNode = jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")
    except OSError as error:
        raise BookError(f"{path}: {error.strerror}") from None
    except Exception as error:  # jupytext has no error class of its own
        raise BookError(f"{path} is not a MyST text notebook: {error}") from error
    stated = notebook.metadata
    front = _Front(
        inputs=_inputs(stated.get("inputs", []), path),
        quick=dict(_stated(stated, "quick", dict, "a mapping", path)),
        otherwise=dict(_stated(stated, "otherwise", dict, "a mapping", path)),
        files=list(_stated(stated, "files", list, "a list of parameters", path)),
        check=_stated(stated, "check", str, "a text like module:function", path),
    )
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(KERNELSPEC))
    for position, cell in enumerate(notebook.cells):
        cell.id = f"cell-{position}"  # jupytext draws them at random
        cell.metadata.setdefault("tags", [])  # papermill takes it for given
    check_parameters(notebook, front.quick, path)
    return notebook, front


def _stated(stated: Any, key: str, kind: type, rule: str, path: Path) -> Any:
    value = stated.get(key, kind())
    if not isinstance(value, kind):
        raise BookError(f"{path}: {key!r} must be {rule}, not {value!r}")
    return value


def _inputs(names: Any, path: Path) -> tuple[Path, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BookError(f"{path}: 'inputs' must be a list of files, not {names!r}")
    files = tuple(Path(os.path.normpath(path.parent / name)) for name in names)
    for file in files:
        if not file.is_file():
            raise BookError(f"{path}: there is no input {file}")
    return files


def _fill(notebook: NotebookNode, text: dict[str, Any], source: Path) -> None:
    """Replace the placeholders in all cells and in their metadata."""
    values = {"name": source.stem} | text
    used = set()

    def value(match: re.Match[str]) -> str:
        key = match.group(1)
        if key not in values:
            raise BookError(f"{source}: the template's {match.group(0)} has no text here")
        used.add(key)
        return str(values[key])

    for cell in notebook.cells:
        cell.source = PLACEHOLDER.sub(value, cell.source)
        cell.metadata = nbformat.from_dict(
            _map_strings(cell.metadata, lambda string: PLACEHOLDER.sub(value, string))
        )
    if unused := sorted(values.keys() - used - {"name"}):
        raise BookError(f"{source}: the template has no place for {unused[0]!r}")


def _map_strings(value: Any, function: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return function(value)
    if isinstance(value, dict):
        return {key: _map_strings(item, function) for key, item in value.items()}
    if isinstance(value, list):
        return [_map_strings(item, function) for item in value]
    return value


def check_parameters(notebook: NotebookNode, parameters: dict[str, Any], source: Path) -> None:
    """Raise `BookError` unless each parameter is known to the notebook and of its default's type.

    A whole number is accepted where the default is any number. The items of a list must be
    of the type of the default's first item.
    """
    defaults = _default_parameters(notebook, source)
    for name, value in parameters.items():
        if name not in defaults:
            known = ", ".join(defaults) or "none"
            raise BookError(f"{source}: unknown parameter {name!r}, known are: {known}")
        if problem := _mismatch(value, defaults[name]):
            raise BookError(f"{source}: parameter {name!r} {problem}")


def _default_parameters(notebook: NotebookNode, source: Path) -> dict[str, Any]:
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) > 1:
        raise BookError(f"{source}: {len(cells)} cells are tagged 'parameters', one is allowed")
    defaults = {}
    try:
        statements = ast.parse(cells[0].source).body if cells else []
    except (SyntaxError, ValueError) as error:
        raise BookError(f"{source}: the parameters cell is not Python: {error}") from None
    for statement in statements:
        try:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    defaults[name] = ast.literal_eval(value)
                case _:
                    raise ValueError
        except ValueError:
            raise BookError(
                f"{source}: the parameters cell may hold only lines NAME = LITERAL, "
                f"not {ast.unparse(statement)!r}"
            ) from None
    return defaults


def _mismatch(value: Any, default: Any) -> str:
    """Say how `value` differs in type from `default`; an empty string if it does not."""
    if isinstance(default, float) and type(value) is int:
        return ""
    if type(value) is not type(default):
        return f"is {value!r}, but must be a {type(default).__name__} like {default!r}"
    if isinstance(default, list) and default:
        return next(filter(None, (_mismatch(item, default[0]) for item in value)), "")
    return ""
