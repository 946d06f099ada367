"""The figures of record: all that the book knows about a figure, written once.

``book/figures.yml`` holds them, with the columns of the tables behind them::

    columns:
      contribution: {text: what a party of the type contributes, unit: units of data}
    figures:
      fig-two-type-contract:                # the id: label in the book, folder in the site
        title: Two types, the contract
        caption: Optimal contributions ... {{ largest }} parties
        alt: Two surfaces in each panel ...
        draw: paid_with_models.figures.two_types:two_type_surfaces
        look: {pair: contract}              # further arguments of what draws
        compute: paid_with_models.paper.two_types:two_type_experiment
        parameters: {costs: [0.02, 0.01]}   # arguments of what computes, if not its defaults
        data: benchmarks/results.json       # a file to read: what computes takes its content, or
                                            # else what draws
        file: book/_static/timeline.svg     # instead of all these: a drawing without data, with
                                            # PDF, PNG and a table (CSV) of what it says beside it
        chapter: book/experiments/two_types
        paper: the paper's surfaces ...     # the figure of the paper that it corresponds to
        text: {see: ...}                    # for placeholders shared by several figures
        changelog: {0.1.0: First version.}

What draws takes the result of what computes, and returns a matplotlib figure and a tidy table. A
chapter shows a figure by ``show("fig-...")``: the build then puts the figure's files there. Only a
result of its own, ``show("fig-...", result)``, is drawn by the chapter itself.
Numbers in the caption and in the alternative text come from ``table.attrs["numbers"]``.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BookError
from ..numerals import in_prose
from ..yaml_files import read_yaml

FILE = Path("book/figures.yml")  # below the book's root
#: In the environment of notebooks whose figures of record the build places.
PLACED = "PWM_FIGURES_PLACED"
#: What such a notebook shows instead: which figure belongs there.
MARKER = "application/vnd.pwm.figure+json"
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*(?::([^{}]*?))?\s*\}\}")


class RegistryError(BookError):
    """The registry, or a use of it, is not as it must be; the message says what and where."""


@dataclass(frozen=True)
class FigureRecord:
    """One figure of record.

    The attributes are the keys of an entry, see the module's text. Caption and alt, the text in
    place of the figure for those who do not see it, have placeholders for numbers (see `fill`).
    """

    id: str
    title: str
    caption: str
    alt: str
    chapter: str
    changelog: dict[str, str]
    draw: str = ""
    file: str = ""
    look: dict[str, Any] = field(default_factory=dict)
    compute: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    paper: str = ""

    @property
    def imports(self) -> list[str]:
        """The import statements of what draws and computes."""
        parts = [name.partition(":") for name in (self.compute, self.draw) if name]
        return [f"from {module} import {name}" for module, _, name in parts]

    def all_parameters(self) -> dict[str, Any]:
        """The parameters with the defaults of what computes, as JSON has them.

        Raises
        ------
        RegistryError
            If what computes does not take them.
        """
        if not self.compute:
            return {}
        signature = inspect.signature(_load(self.compute))
        try:
            # The data of a file are no parameter.
            bound = (signature.bind_partial if self.data else signature.bind)(**self.parameters)
        except TypeError as error:
            known = ", ".join(signature.parameters)
            raise RegistryError(f"{self.id}: parameters: {error}; known are {known}") from None
        bound.apply_defaults()
        return {name: _plain(value) for name, value in bound.arguments.items()}

    def result(self, root: Path) -> tuple[Any, ...]:
        """What is drawn, computed once per process; nothing where the figure needs no result."""
        if not (self.data or self.compute):
            return ()
        parameters = json.dumps(self.parameters, sort_keys=True)
        return (_result(self.compute, parameters, root / self.data if self.data else None),)

    def drawn(self, *result: Any) -> tuple[Any, Any]:
        """The matplotlib figure and the table behind it."""
        figure, table = _load(self.draw)(*result, **self.look)
        return figure, table


def _load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


@functools.cache
def _result(name: str, parameters: str, data: Path | None) -> Any:
    content = [json.loads(data.read_text(encoding="utf-8"))] if data else []
    return _load(name)(*content, **json.loads(parameters)) if name else content[0]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    return value


def load_registry(root: Path = Path()) -> dict[str, FigureRecord]:
    """Return the figures of the book in the folder `root` by id; none if it has no registry.

    Raises
    ------
    RegistryError
        If an entry lacks something, or has something unknown.
    """
    return _load_file(root)[0]


def load_columns(root: Path = Path()) -> dict[str, dict[str, str]]:
    """Return text and unit of the tables' columns, by name."""
    return _load_file(root)[1]


def _load_file(root: Path) -> tuple[dict[str, FigureRecord], dict[str, dict[str, str]]]:
    path = root / FILE
    return _read(path, path.read_bytes()) if path.is_file() else ({}, {})


#: In an installed package: the registry and the files that figures and chapters read, each under
#: its path in the repository. What builds the wheel puts them there.
STORED = Path(__file__).parents[1] / "stored"


def book_roots() -> list[Path]:
    """Return where else a notebook finds the book's files: the package, and a checkout of it."""
    return [STORED, *Path(__file__).parents]


def find_registry(folder: Path) -> Path:
    """Return the root of the book that a notebook in `folder` belongs to.

    A notebook that was taken elsewhere belongs to the book that came with this package.

    Raises
    ------
    RegistryError
        If there is no registry in any folder above the notebook, nor with the package.
    """
    for root in (folder, *folder.parents, *book_roots()):
        if (root / FILE).is_file():
            return root
    raise RegistryError(f"no {FILE} above {folder}, and none came with pwm_companion")


def get(registry: Mapping[str, FigureRecord], figure_id: str) -> FigureRecord:
    """Return a figure of record; raise `RegistryError` if there is none with that id."""
    if figure_id not in registry:
        raise RegistryError(f"unknown figure {figure_id!r}; pwm figures --list prints all ids")
    return registry[figure_id]


# A build asks for it once for each chapter and figure; `content` is what the file holds now.
@functools.lru_cache(maxsize=8)
def _read(path: Path, content: bytes) -> tuple[dict[str, FigureRecord], dict[str, dict[str, str]]]:
    parts = _parts(path)
    registry = {}
    for name, entry in parts["figures"].items():
        texts = entry.pop("text", {})
        if not isinstance(texts, dict):
            raise RegistryError(f"{path}: {name}: text must be a mapping, not {texts!r}")
        text = {"title": entry.get("title", ""), **{str(key): it for key, it in texts.items()}}
        for key in ("caption", "alt"):
            entry[key] = _fill_texts(str(entry.get(key, "")), text).strip()
        try:
            registry[name] = FigureRecord(id=name, **entry)
        except TypeError as error:
            problem = str(error).removeprefix("FigureRecord.__init__() ")
            raise RegistryError(f"{path}: {name}: {problem}") from None
        if bool(registry[name].draw) == bool(registry[name].file):
            raise RegistryError(f"{path}: {name}: must have either 'draw' or 'file'")
        if not re.fullmatch(r"fig-[a-z0-9]+(-[a-z0-9]+)*", str(name)):
            raise RegistryError(f"{path}: {name!r} must be small letters, digits and hyphens")
    return registry, parts["columns"]


def _parts(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = read_yaml(path)
    except BookError as error:
        raise RegistryError(str(error)) from None
    if set(content) != {"columns", "figures"}:
        raise RegistryError(f"{path} must hold 'columns' and 'figures', not {list(content)}")
    for key, entries in content.items():
        if not isinstance(entries, dict):
            raise RegistryError(f"{path}: {key} must be a mapping, not {entries!r}")
        for name, entry in entries.items():
            if not isinstance(entry, dict):
                raise RegistryError(f"{path}: {name} must be a mapping, not {entry!r}")
    return content


def _fill_texts(template: str, texts: Mapping[str, Any]) -> str:
    """Replace the placeholders for texts; those for numbers stay."""
    return PLACEHOLDER.sub(lambda match: str(texts.get(match[1], match[0])), template)


def csv(table: Any) -> bytes:
    """Return a table as a file of comma-separated values."""
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text.encode()


def fill(text: str, numbers: Mapping[str, Any], *, missing: str = "") -> str:
    """Replace placeholders such as ``{{ largest }}`` or ``{{ switch:.2f }}`` by numbers.

    Raises
    ------
    RegistryError
        If there is no such number, and nothing to stand for one that is `missing`.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in numbers:
            if missing:
                return missing
            known = ", ".join(numbers) or "none"
            raise RegistryError(f"what is drawn computes no {match[1]!r}; known are: {known}")
        return in_prose(format(numbers[match[1]], match[2] or ""))

    return PLACEHOLDER.sub(value, text)


def shown_figures(code: Iterable[str], *, own: bool = False) -> list[str]:
    """Return the ids that the cells `code` of a notebook show, in order.

    With `own` only those that may be drawn from results of its own.
    """
    ids = []
    for cell in code:
        try:
            tree = ast.parse(cell)
        except SyntaxError:
            continue  # magics; or running the cell shows where
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Name(id="show"), args=[ast.Constant(value=str(name)), *results]
                ) if results or not own:
                    ids.append(name)
    return ids
