"""Translate a small, typed part of Python to JavaScript, and refuse all else.

For numeric modules that run in a web page as they are tested in Python: a page's script is made
from :mod:`paid_with_models.small`, there is no second source. The result is one function, in a
script that a page can load from disk and whose text a worker can be made of.

Understood are functions and dataclasses with annotations; assignments, if, while, for over a range
or a list, return, raise; numbers, strings, lists, pairs, dictionaries that start empty; arithmetic
without // and % and **; comparisons, and, or, not, conditional expressions, slices that copy;
``len``, ``min`` and ``max`` of two, ``abs``, ``float``, ``str``, and parts of :mod:`math`. Types
are worked out from the annotations, so that what differs between the languages is refused: truth
values of what is not a bool, == of lists, arithmetic with bools, indices that are no integers, a
loop's variable after the loop, values used as two types, names that mean something in JavaScript.

Three differences cannot be seen here, and are for tests to find: errors of arithmetic (division by
zero, logarithm of 0, overflow) are infinities and NaN in JavaScript; so are integers beyond 2^53
inexact; and an index out of range, or negative, gives undefined.
"""

from __future__ import annotations

import ast
from pathlib import Path

import paid_with_models.small

from .javascript_expressions import (
    ARITHMETIC,
    BUILTINS,
    NUMBERS,
    RESERVED,
    Class,
    Expressions,
    Function,
    Names,
    RefusedError,
    assignable,
    bare,
    joined,
    named,
    parts_of,
)

__all__ = ["RefusedError", "small_solver_javascript", "translate"]

#: What the translation of the small solver is called, and its modules in the order of imports.
SMALL_SOLVER = "contractModule"
SMALL_MODULES = (
    "table", "curve", "scheme", "law", "sums", "expectation", "newton", "interior_point",
    "outcome_tree", "menus", "search", "design",
)  # fmt: skip

#: min and max as in Python, also of NaN; str of a float; lists. By the name that is used.
HELPERS = {
    "$min": "const $min = (a, b) => b < a ? b : a;",
    "$max": "const $max = (a, b) => b > a ? b : a;",
    "$list": """\
const $list = (length, item) => {
  const list = [];
  for (let i = 0; i < length; i++) list.push(item(i));
  return list;
};""",
    "$text": """\
const $text = (x) => {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  if (Object.is(x, -0)) return "-0.0";
  const [digits, power] = x.toExponential().split("e"), size = Math.abs(Number(power));
  if (Number(power) < -4 || Number(power) >= 16)
    return digits + "e" + power[0] + String(size).padStart(2, "0");
  return Number.isInteger(x) ? String(x) + ".0" : String(x);
};""",
}


def translate(name: str, paths: list[Path]) -> str:
    r"""Translate modules into one JavaScript function that returns what is public in them.

    Parameters
    ----------
    name : str
        Name of the function.
    paths : list of Path
        The modules, each after those it imports from.

    Returns
    -------
    str
        A script; the function's own text is all that a worker needs.

    Raises
    ------
    RefusedError
        For anything without a translation, with file and line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     module = Path(folder) / "half.py"
    ...     _ = module.write_text("def half(x: float) -> float:\n    return x / 2\n")
    ...     print(translate("made", [module]).splitlines()[-2])
    function half(x){return x/2;}
    """
    if not name.isidentifier() or name in RESERVED:
        raise RefusedError(f"{name} is no name for a function")
    names = Names()
    lines: list[str] = []
    for path in paths:
        module = _Module(path.name, names)
        module.translate(ast.parse(path.read_text(encoding="utf-8")))
        lines += module.lines
    defined = [*names.constants, *names.functions, *names.classes]
    shown = sorted(item for item in defined if not item.startswith("_"))
    used = [text for helper, text in HELPERS.items() if any(f"{helper}(" in it for it in lines)]
    body = [*used, *lines, f"return {{{', '.join(shown)}}};"]
    text = "\n".join(
        [
            f"// Made from {', '.join(path.name for path in paths)}; do not edit.",
            f"function {name}() {{",
            '"use strict";',
            *body,
            "}",
            "",
        ]
    )
    return text.replace("{\n", "{").replace("\n}", "}")  # pages load every byte


def small_solver_javascript() -> str:
    """The small solver as a script that defines ``contractModule``.

    Examples
    --------
    >>> small_solver_javascript().splitlines()[1]
    'function contractModule() {"use strict";'
    """
    (folder,) = paid_with_models.small.__path__
    return translate(SMALL_SOLVER, [Path(folder) / f"{name}.py" for name in SMALL_MODULES])


class _Module(Expressions):
    """The translation of one module."""

    # --- modules, classes, functions ---

    def translate(self, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.import_(node)
            elif isinstance(node, ast.FunctionDef):
                self.define(node, node.name)
                self.names.functions[node.name] = self.signature(node, node.args.args)
            elif isinstance(node, ast.ClassDef):
                self.define(node, node.name)
                self.names.classes[node.name] = Class()
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self.describe(node)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                self.function(node, f"function {node.name}", node.args.args)
            elif isinstance(node, ast.ClassDef):
                self.class_(node)
            elif isinstance(node, ast.Assign):
                self.constants(node)
            elif not isinstance(node, (ast.Import, ast.ImportFrom)) and not docstring(node):
                raise self.refuse(node, f"{type(node).__name__} in a module")

    def import_(self, node: ast.Import | ast.ImportFrom) -> None:
        if any(alias.asname for alias in node.names):
            raise self.refuse(node, "an import under another name")
        found = {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            if found != {"math"}:
                raise self.refuse(node, "an import other than math")
        elif node.level == 0:
            if node.module != "dataclasses" or found != {"dataclass"}:
                raise self.refuse(node, f"an import from {node.module}")
        else:
            for name in found:
                if name not in self.names:
                    raise self.refuse(node, f"{name} is in none of the modules before")
            self.seen |= found

    def define(self, node: ast.AST, name: str) -> None:
        self.check_name(node, name)
        if name in self.names:
            raise self.refuse(node, f"{name} is defined twice; all modules share one scope")
        self.seen.add(name)

    def check_name(self, node: ast.AST, name: str) -> None:
        if name in RESERVED or name in BUILTINS or name in ("math", "dataclass"):
            raise self.refuse(node, f"{name} means something else in JavaScript or here")
        if not name.isascii():
            raise self.refuse(node, f"{name} is not plain ASCII")

    def constants(self, node: ast.Assign) -> None:
        (target,) = node.targets if len(node.targets) == 1 else (node,)
        if isinstance(target, ast.Name) and target.id == "__all__":
            return
        for name, value in self.pairs(node):
            if not isinstance(name, ast.Name):
                raise self.refuse(node, "a constant must have a name")
            self.define(node, name.id)
            code, kind = self.expression(value)
            self.names.constants[name.id] = kind
            self.emit(f"const {name.id}={bare(code)};")

    def signature(self, node: ast.FunctionDef, arguments: list[ast.arg]) -> Function:
        a = node.args
        if a.defaults or a.kwonlyargs or a.posonlyargs or a.vararg or a.kwarg:
            raise self.refuse(node, "defaults and keyword arguments")
        if node.decorator_list:
            raise self.refuse(node, "a decorator")
        given = [argument.annotation for argument in arguments]
        if node.returns is None or None in given:
            raise self.refuse(node, f"{node.name} lacks an annotation")
        # Annotations may name classes further down: they are looked up when all are known.
        texts = tuple(ast.unparse(it) for it in given if it is not None)
        return Function(texts, ast.unparse(node.returns))

    def describe(self, node: ast.ClassDef) -> None:
        """Fields and methods of a class, before any body is translated."""
        known = self.names.classes[node.name]
        if node.bases or node.keywords or len(node.decorator_list) != 1:
            raise self.refuse(node, "a class that is not a dataclass of its own")
        (decorator,) = node.decorator_list
        settings = {}
        if isinstance(decorator, ast.Call) and named(decorator.func, "dataclass"):
            settings = {it.arg: ast.literal_eval(it.value) for it in decorator.keywords}
        if settings.pop("eq", True) is not False:
            raise self.refuse(node, "a class that is not a dataclass with eq=False")
        known.frozen = settings.pop("frozen", False)
        if settings:
            raise self.refuse(node, f"dataclass with {', '.join(map(str, settings))}")
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                if item.value is not None:
                    raise self.refuse(item, "a default")
                self.check_name(item, item.target.id)
                known.fields[item.target.id] = self.type_(item.annotation)
            elif isinstance(item, ast.FunctionDef):
                if item.name.startswith("__") or item.name in RESERVED:
                    raise self.refuse(item, f"a method called {item.name}")
                if not item.args.args or item.args.args[0].arg != "self":
                    raise self.refuse(item, "a method without self")
                known.methods[item.name] = self.signature(item, item.args.args[1:])
            elif not docstring(item):
                raise self.refuse(item, f"{type(item).__name__} in a class")

    def class_(self, node: ast.ClassDef) -> None:
        fields = list(self.names.classes[node.name].fields)
        self.emit(f"class {node.name}{{")
        self.emit(f"constructor({','.join(fields)}){{")
        for name in fields:
            self.emit(f"this.{name}={name};")
        self.emit("}")
        self.owner = node.name
        for item in node.body:
            if isinstance(item, ast.FunctionDef):
                self.function(item, item.name, item.args.args[1:])
        self.owner = ""
        self.emit("}")

    def function(self, node: ast.FunctionDef, head: str, arguments: list[ast.arg]) -> None:
        names = [argument.arg for argument in arguments]
        types, self.result = self.resolved(self.signature(node, arguments))
        self.local = dict(zip(names, types, strict=True))
        if self.owner:
            self.local["self"] = self.owner
        loops = {_loop_name(it) for it in ast.walk(node) if isinstance(it, ast.For)}
        inside = {
            it.id
            for comprehension in ast.walk(node)
            if isinstance(comprehension, ast.ListComp)
            for it in ast.walk(comprehension.generators[0].target)
            if isinstance(it, ast.Name)
        }
        every = [it for it in ast.walk(node) if isinstance(it, ast.Name)]
        stored = {it.id for it in every if isinstance(it.ctx, ast.Store)} - inside
        for name in sorted({*names, *stored, *inside}):
            self.check_name(node, name)
            if name in self.names and name in self.seen:
                raise self.refuse(node, f"{name} hides what the module calls so")
        for name in sorted((loops | inside) & set(names)):
            raise self.refuse(node, f"the loop's {name} is a parameter")
        variables = sorted(stored - loops - set(names))
        self.emit(f"{head}({','.join(names)}){{")
        if variables:
            self.emit(f"let {','.join(variables)};")
        self.block(node.body)
        self.emit("}")
        self.local = {}

    # --- statements ---

    def block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            self.assign(node)
        elif isinstance(node, ast.AugAssign):
            self.augment(node)
        elif isinstance(node, ast.Return):
            self.return_(node)
        elif isinstance(node, ast.If):
            self.if_(node, "")
        elif isinstance(node, ast.While):
            if node.orelse:
                raise self.refuse(node, "else of a loop")
            self.braced(f"while({bare(self.condition(node.test))})", node.body)
        elif isinstance(node, ast.For):
            self.for_(node)
        elif isinstance(node, ast.Raise):
            self.raise_(node)
        elif isinstance(node, ast.Break):
            self.emit("break;")
        elif isinstance(node, ast.Continue):
            self.emit("continue;")
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self.emit(self.call(node.value, statement=True)[0] + ";")
        elif not isinstance(node, ast.Pass) and not docstring(node):
            raise self.refuse(node, type(node).__name__)

    def braced(self, head: str, body: list[ast.stmt]) -> None:
        self.emit(head + "{")
        self.block(body)
        self.emit("}")

    def if_(self, node: ast.If, before: str) -> None:
        self.braced(f"{before}if({bare(self.condition(node.test))})", node.body)
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            self.if_(node.orelse[0], "else ")
        elif node.orelse:
            self.braced("else", node.orelse)

    def return_(self, node: ast.Return) -> None:
        if node.value is None:
            if self.result != "None":
                raise self.refuse(node, "a return without a value")
            self.emit("return;")
        else:
            self.emit(f"return {bare(self.typed(node.value, self.result))};")

    def raise_(self, node: ast.Raise) -> None:
        call = node.exc
        if (
            not (isinstance(call, ast.Call) and named(call.func, "ValueError"))
            or node.cause
            or len(call.args) != 1
            or call.keywords
        ):
            raise self.refuse(node, "raise of anything but a ValueError with a message")
        self.emit(f"throw new Error({self.typed(call.args[0], 'str')});")

    def pairs(self, node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
        if len(node.targets) != 1:
            raise self.refuse(node, "a = b = c")
        (target,) = node.targets
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            if len(target.elts) != len(node.value.elts):
                raise self.refuse(node, "tuples of different length")
            return list(zip(target.elts, node.value.elts, strict=True))
        return [(target, node.value)]

    def assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        if isinstance(node, ast.AnnAssign):
            if not isinstance(node.target, ast.Name) or node.value is None:
                raise self.refuse(node, "an annotation of anything but a new variable")
            kind = self.type_(node.annotation)
            code = self.typed(node.value, kind)
            self.set_type(node, node.target.id, kind)
            self.emit(f"{node.target.id}={bare(code)};")
            return
        pairs = self.pairs(node)
        values = [self.expression(value) for _, value in pairs]
        if len(pairs) == 1 and isinstance(pairs[0][0], ast.Tuple):
            self.unpack(node, pairs[0][0], *values[0])
            return
        # All values come before all targets, of which parts are evaluated last: where that may make
        # a difference values are put aside. Two lists can be one under two names.
        plain = all(isinstance(target, ast.Name) for target, _ in pairs)
        aside = len(pairs) > 1 and not (plain and not _stores(pairs) & _reads(pairs))
        codes = []
        for (target, value), (code, _) in zip(pairs, values, strict=True):
            if aside or not (isinstance(target, ast.Name) or _harmless(value)):
                codes.append(self.temporary())
                self.emit(f"const {codes[-1]}={bare(code)};")
            else:
                codes.append(code)
        for (target, _), (_, kind), code in zip(pairs, values, codes, strict=True):
            self.emit(f"{self.target(target, kind)}={bare(code)};")

    def unpack(self, node: ast.Assign, target: ast.Tuple, code: str, kind: str) -> None:
        parts = parts_of(kind)
        if not kind.startswith("tuple[") or len(parts) != len(target.elts):
            raise self.refuse(node, f"unpacking {kind}")
        if not all(isinstance(it, ast.Name) for it in target.elts):
            raise self.refuse(node, "unpacking to anything but names")
        names = [self.target(it, part) for it, part in zip(target.elts, parts, strict=True)]
        self.emit(f"[{','.join(names)}]={code};")

    def set_type(self, node: ast.AST, name: str, kind: str) -> None:
        known = self.local.setdefault(name, kind)
        if not assignable(kind, known):
            raise self.refuse(node, f"{name} is {known}, and {kind} is assigned to it")

    def target(self, node: ast.expr, kind: str) -> str:
        """Where to store a value of some type."""
        if isinstance(node, ast.Name):
            if kind in ("None", "list[]", "dict[]"):
                raise self.refuse(node, f"{node.id} needs an annotation")
            if node.id in self.loops:
                raise self.refuse(node, f"the loop's {node.id} is assigned in the loop")
            self.set_type(node, node.id, kind)
            return node.id
        if isinstance(node, ast.Attribute):
            code, known = self.attribute(node)
            owner = self.expression(node.value)[1]
            if self.names.classes[owner].frozen:
                raise self.refuse(node, f"{owner} is frozen")
        elif isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            code, known = self.subscript(node, store=True)
        else:
            raise self.refuse(node, "a target")
        if not assignable(kind, known):
            raise self.refuse(node, f"{ast.unparse(node)} is {known}, and {kind} is assigned to it")
        return code

    def augment(self, node: ast.AugAssign) -> None:
        read = ast.parse(ast.unparse(node.target), mode="eval").body
        for part in ast.walk(read):
            ast.copy_location(part, node)
        known = self.expression(read)[1]
        code, kind = self.expression(node.value)
        sign = ARITHMETIC.get(type(node.op))
        if sign is None or known not in NUMBERS or kind not in NUMBERS:
            raise self.refuse(node, f"{known} {type(node.op).__name__}= {kind}")
        result = "float" if sign == "/" else joined(known, kind)
        self.emit(f"{self.target(node.target, result)}{sign}={bare(code)};")

    def for_(self, node: ast.For) -> None:
        if node.orelse:
            raise self.refuse(node, "else of a loop")
        if not isinstance(node.target, ast.Name):
            raise self.refuse(node, "a loop over anything but one variable")
        name = node.target.id
        if name in self.local or name in self.loops:
            raise self.refuse(node, f"the loop's {name} is a variable already")
        if isinstance(node.iter, ast.Call) and named(node.iter.func, "range"):
            start, stop, step = self.range_(node.iter)
            count = self.temporary()
            sign, change = ("<", "++") if step == 1 else (">", "--")
            head = f"for(let {name}={start},{count}={stop};{name}{sign}{count};{name}{change})"
            kind = "int"
        else:
            code, kind = self.expression(node.iter)
            if not kind.startswith("list["):
                raise self.refuse(node, f"a loop over {kind}")
            head, kind = f"for(const {name} of {code})", kind[5:-1]
        self.local[name] = kind
        self.loops.add(name)
        self.braced(head, node.body)
        self.loops.remove(name)
        del self.local[name]  # after the loop it has another value in JavaScript, or none


def docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _loop_name(node: ast.For) -> str:
    return node.target.id if isinstance(node.target, ast.Name) else ""


def _stores(pairs: list[tuple[ast.expr, ast.expr]]) -> set[str]:
    """The names that assignments change."""
    return {target.id for target, _ in pairs if isinstance(target, ast.Name)}


def _reads(pairs: list[tuple[ast.expr, ast.expr]]) -> set[str]:
    """The names that their values depend on."""
    return {it.id for _, value in pairs for it in ast.walk(value) if isinstance(it, ast.Name)}


def _harmless(node: ast.expr) -> bool:
    """Whether evaluating an expression changes nothing: calls of :mod:`math` and builtins only."""
    return all(
        (isinstance(it.func, ast.Name) and it.func.id in BUILTINS)
        or (isinstance(it.func, ast.Attribute) and named(it.func.value, "math"))
        for it in ast.walk(node)
        if isinstance(it, ast.Call)
    )
