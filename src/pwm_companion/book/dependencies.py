"""Which source files a chapter depends on, found by reading its imports, without running it.

A name that a package's ``__init__.py`` only passes on is followed to the module that defines
it, so that ``from paid_with_models import solve`` depends on the solver's module and on what
that imports, but not on the modules of the other names. The package's file itself counts only where
a name is defined there or the package is imported as a whole.
"""

from __future__ import annotations

import ast
import functools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


@dataclass
class Dependencies:
    """What a piece of code takes from the packages below one ``src`` folder.

    Attributes
    ----------
    files
        All source files that its imports lead to, directly or not.
    names
        Where each name that went through a package was found, as ``package:name=module:name``:
        a package that takes a name from elsewhere changes no file of the others.
    """

    files: set[Path] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    _seen: set[tuple[str, str]] = field(default_factory=set, repr=False)

    def is_new(self, module: str, name: str = "") -> bool:
        """Say whether a module, or a name of it, is met for the first time."""
        before = len(self._seen)
        self._seen.add((module, name))
        return len(self._seen) > before


class Import(NamedTuple):
    """One name that a module imports.

    Attributes
    ----------
    module
        ``package.module``, relative dots resolved.
    name
        The name taken from it; empty for ``import module``.
    alias
        What it is called here.
    outermost
        Whether the statement stands at the top of the module, not inside a function or class.
    """

    module: str
    name: str
    alias: str
    outermost: bool


def find_dependencies(code: Iterable[str], src: Path) -> Dependencies:
    """Return what the cells `code` of a notebook depend on below the folder `src`.

    An import anywhere in a cell counts, whether or not it is reached when the cell runs. A
    package imported as a whole counts with all of its modules.
    """
    found = Dependencies()
    for cell in code:
        try:
            imports = _imports(cell, "")
        except SyntaxError:
            try:
                imports = _imports(_without_magics(cell), "")
            except SyntaxError:
                continue  # running the cell shows where
        _follow(imports, src, found)
    return found


def _without_magics(cell: str) -> str:
    """Turn IPython's %magics into Python."""
    from IPython.core.inputtransformer2 import TransformerManager

    return str(TransformerManager().transform_cell(cell))


# A build asks for the same sources once for each figure and chapter.
@functools.lru_cache(maxsize=1024)
def _imports(source: str, package: str) -> tuple[Import, ...]:
    """Return all that a source text, a module of `package`, imports, in order."""
    tree = ast.parse(source)
    outermost = set(map(id, tree.body))
    found = []
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, "", "", id(node) in outermost) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, package)
            found += [
                Import(module, alias.name, alias.asname or alias.name, id(node) in outermost)
                for alias in node.names
            ]
    return tuple(found)


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Walk statements only, outer ones first: expressions are most of a tree and import nothing."""
    waiting = deque([node])
    while waiting:
        outer = waiting.popleft()
        for part in ("body", "handlers", "orelse", "finalbody", "cases"):
            for child in getattr(outer, part, ()):
                waiting.append(child)
                if isinstance(child, ast.stmt):
                    yield child


def _absolute(node: ast.ImportFrom, package: str) -> str:
    base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    return ".".join([*base, *([node.module] if node.module else [])])


def _imports_of(file: Path, module: str) -> tuple[Import, ...]:
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    return _imports(file.read_text(encoding="utf-8"), package)


def _follow(imports: Iterable[Import], src: Path, found: Dependencies) -> None:
    """Add all that imports lead to."""
    for it in imports:
        if it.name:
            _add_name(it.module, it.name, src, found)
        else:
            _add_module(it.module, src, found)


def _file(module: str, src: Path) -> Path | None:
    path = src.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _add_module(module: str, src: Path, found: Dependencies) -> None:
    file = _file(module, src) if found.is_new(module) else None
    if file is None or file in found.files:
        return
    found.files.add(file)
    _follow(_imports_of(file, module), src, found)


def _add_name(module: str, name: str, src: Path, found: Dependencies) -> None:
    """Add what ``from module import name`` leads to."""
    file = _file(module, src) if found.is_new(module, name) else None
    if file is None:
        return
    origin = _origin(name, file, module) if file.name == "__init__.py" else None
    if origin:
        entry = f"{module}:{name}={origin[0]}:{origin[1]}"
        if entry not in found.names:
            found.names.add(entry)
            _add_name(*origin, src, found)
    elif _file(f"{module}.{name}", src):
        _add_module(f"{module}.{name}", src, found)
    else:
        _add_module(module, src, found)


def _origin(name: str, init: Path, package: str) -> tuple[str, str] | None:
    """Return the module that a package's file imports `name` from, and the name there."""
    for it in _imports_of(init, package):
        if it.outermost and it.name and it.alias == name and it.module != package:
            return it.module, it.name
    return None
