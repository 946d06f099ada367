"""Expressions of the part of Python that :mod:`~pwm_companion.explorables.to_javascript` reads."""

from __future__ import annotations

import ast
import json
import math
import re
from dataclasses import dataclass, field

__all__ = [
    "ARITHMETIC", "BUILTINS", "NUMBERS", "RESERVED", "Class", "Expressions", "Function", "Names",
    "RefusedError", "assignable", "bare", "joined", "named", "parts_of",
]  # fmt: skip

#: Largest integer up to which JavaScript's numbers are exact.
EXACT = 2**53

NUMBERS = ("int", "float")
MATH = {
    "sqrt": "Math.sqrt", "exp": "Math.exp", "log": "Math.log", "expm1": "Math.expm1",
    "log1p": "Math.log1p",
}  # fmt: skip
MATH_CONSTANTS = {"inf": "Infinity", "pi": "Math.PI"}
BUILTINS = ("abs", "float", "len", "max", "min", "range", "str", "ValueError")
ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
ORDERS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
EQUALITIES = {ast.Eq: "===", ast.NotEq: "!=="}
#: Words that JavaScript, or the translation, uses itself.
WORDS = """
    arguments await break case catch class const constructor continue debugger default delete do
    else enum eval export extends false finally for function if implements import in instanceof
    interface let new null package private protected prototype public return static super switch
    this throw true try typeof undefined var void while with yield __proto__ Array Error Infinity
    Math NaN Number Object String
"""
RESERVED = frozenset(WORDS.split())


class RefusedError(Exception):
    """Something that has no translation, with its place."""


@dataclass(frozen=True)
class Function:
    """Types of a function's parameters and of its result, as they are annotated."""

    parameters: tuple[str, ...]
    result: str


@dataclass
class Class:
    """Types of a class's fields, and its methods."""

    fields: dict[str, str] = field(default_factory=dict)
    methods: dict[str, Function] = field(default_factory=dict)
    frozen: bool = False


@dataclass
class Names:
    """What all modules define; they share one scope."""

    constants: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.constants or name in self.functions or name in self.classes


class Expressions:
    """What a module's expressions become, and their types."""

    def __init__(self, path: str, names: Names) -> None:
        self.path = path
        self.names = names
        self.seen: set[str] = set()  # what this module defines or imports
        self.lines: list[str] = []
        self.temporaries = 0
        self.local: dict[str, str] = {}
        self.loops: set[str] = set()  # variables of the loops around
        self.owner = ""
        self.result = "None"

    def refuse(self, node: ast.AST, why: str) -> RefusedError:
        """The exception to raise."""
        return RefusedError(f"{self.path}:{getattr(node, 'lineno', 0)}: {why}")

    def emit(self, line: str) -> None:
        self.lines.append(line)

    def temporary(self) -> str:
        self.temporaries += 1
        return f"${self.temporaries}"

    def type_(self, node: ast.expr | None) -> str:
        """The type that an annotation names."""
        if node is None:
            raise RefusedError(f"{self.path}: an annotation is missing")
        if isinstance(node, ast.Constant) and node.value is None:
            return "None"
        if isinstance(node, ast.Name):
            if node.id in ("bool", "float", "int", "str") or node.id in self.names.classes:
                return node.id
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            parts = [self.type_(part) for part in inner]
            if node.value.id == "list" and len(parts) == 1:
                return f"list[{parts[0]}]"
            if node.value.id == "tuple":
                return f"tuple[{', '.join(parts)}]"
            if node.value.id == "dict" and parts[0] == "str":
                return f"dict[{', '.join(parts)}]"
        raise self.refuse(node, f"the type {ast.unparse(node)}")

    def resolved(self, function: Function) -> tuple[list[str], str]:
        """The types of a function's parameters and of its result."""
        parameters = [self.type_(parsed(text)) for text in function.parameters]
        return parameters, self.type_(parsed(function.result))

    # --- expressions: code and type ---

    def typed(self, node: ast.expr, wanted: str) -> str:
        """The code of an expression that must be of some type."""
        code, kind = self.expression(node)
        if not assignable(kind, wanted):
            raise self.refuse(node, f"{ast.unparse(node)} is {kind}, not {wanted}")
        return code

    def condition(self, node: ast.expr) -> str:
        """The code of a truth value."""
        return self.typed(node, "bool")

    def expression(self, node: ast.expr) -> tuple[str, str]:
        method = getattr(self, type(node).__name__.lower() + "_of", None)
        if method is None:
            raise self.refuse(node, type(node).__name__)
        code, kind = method(node)
        return str(code), str(kind)

    def constant_of(self, node: ast.Constant) -> tuple[str, str]:
        value = node.value
        if isinstance(value, bool):
            return str(value).lower(), "bool"
        if isinstance(value, int) and abs(value) <= EXACT:
            return str(value), "int"
        if isinstance(value, float) and math.isfinite(value):
            return repr(value).removesuffix(".0"), "float"  # numbers are of one kind there
        if isinstance(value, str):
            return json.dumps(value), "str"
        raise self.refuse(node, repr(value))

    def name_of(self, node: ast.Name) -> tuple[str, str]:
        if node.id in self.local:
            return "this" if node.id == "self" else node.id, self.local[node.id]
        if node.id in self.seen and node.id in self.names.constants:
            return node.id, self.names.constants[node.id]
        raise self.refuse(node, f"{node.id} is not known here")

    def attribute_of(self, node: ast.Attribute) -> tuple[str, str]:
        return self.attribute(node)

    def attribute(self, node: ast.Attribute) -> tuple[str, str]:
        if named(node.value, "math"):
            if node.attr not in MATH_CONSTANTS:
                raise self.refuse(node, "math." + node.attr)
            return MATH_CONSTANTS[node.attr], "float"
        code, kind = self.expression(node.value)
        known = self.names.classes.get(kind)
        if known is None or node.attr not in known.fields:
            raise self.refuse(node, f"{kind} has no {node.attr}")
        return f"{code}.{node.attr}", known.fields[node.attr]

    def subscript_of(self, node: ast.Subscript) -> tuple[str, str]:
        return self.subscript(node, store=False)

    def subscript(self, node: ast.Subscript, *, store: bool) -> tuple[str, str]:
        code, kind = self.expression(node.value)
        if kind.startswith("dict[") and store:
            return f"{code}[{self.typed(node.slice, 'str')}]", parts_of(kind)[1]
        if not kind.startswith("list["):
            raise self.refuse(node, f"an entry of {kind}")
        if isinstance(node.slice, ast.Slice):
            ends = [node.slice.lower, node.slice.upper]
            if node.slice.step or any(isinstance(end, ast.UnaryOp) for end in ends):
                raise self.refuse(node, "a slice with a step or from the end")
            low = "0" if ends[0] is None else self.typed(ends[0], "int")
            high = "" if ends[1] is None else "," + bare(self.typed(ends[1], "int"))
            return f"{code}.slice({low}{high})", kind
        if isinstance(node.slice, ast.UnaryOp):
            raise self.refuse(node, "an index from the end")
        return f"{code}[{bare(self.typed(node.slice, 'int'))}]", kind[5:-1]

    def binop_of(self, node: ast.BinOp) -> tuple[str, str]:
        if isinstance(node.left, ast.List):
            return self.repeated(node, node.left)
        left, a = self.expression(node.left)
        right, b = self.expression(node.right)
        if isinstance(node.op, ast.Add) and a == b == "str":
            return f"({left}+{right})", "str"
        sign = ARITHMETIC.get(type(node.op))
        if sign is None or a not in NUMBERS or b not in NUMBERS:
            raise self.refuse(node, f"{a} {type(node.op).__name__} {b}")
        # What both languages do first anyway needs no parentheses.
        tight = isinstance(node.op, ast.Mult | ast.Div)
        if isinstance(node.left, ast.BinOp) and (not tight or _is_product(node.left)):
            left = bare(left)
        if _is_product(node.right) and not tight:
            right = bare(right)
        return f"({left}{sign}{right})", "float" if sign == "/" else joined(a, b)

    def repeated(self, node: ast.BinOp, start: ast.List) -> tuple[str, str]:
        if not isinstance(node.op, ast.Mult) or len(start.elts) != 1:
            raise self.refuse(node, "arithmetic with lists")
        value, kind = self.expression(start.elts[0])
        if not isinstance(start.elts[0], ast.Constant):
            raise self.refuse(node, "a list that repeats anything but a constant")
        return f"new Array({self.typed(node.right, 'int')}).fill({value})", f"list[{kind}]"

    def unaryop_of(self, node: ast.UnaryOp) -> tuple[str, str]:
        code, kind = self.expression(node.operand)
        if isinstance(node.op, ast.Not) and kind == "bool":
            return f"(!{code})", "bool"
        if isinstance(node.op, ast.USub) and kind in NUMBERS:
            return f"(-{code})", kind
        raise self.refuse(node, f"{type(node.op).__name__} {kind}")

    def boolop_of(self, node: ast.BoolOp) -> tuple[str, str]:
        word = "&&" if isinstance(node.op, ast.And) else "||"
        return f"({word.join(self.condition(it) for it in node.values)})", "bool"

    def compare_of(self, node: ast.Compare) -> tuple[str, str]:
        operands = [node.left, *node.comparators]
        if any(isinstance(it, ast.Call) for one in operands[1:-1] for it in ast.walk(one)):
            raise self.refuse(node, "a chain of comparisons whose middle is worked out twice")
        pairs = zip(node.ops, operands[:-1], operands[1:], strict=True)
        return f"({'&&'.join(self.compared(*pair) for pair in pairs)})", "bool"

    def compared(self, op: ast.cmpop, one: ast.expr, other: ast.expr) -> str:
        left, a = self.expression(one)
        right, b = self.expression(other)
        left, right = (
            bare(code) if isinstance(side, ast.BinOp) else code
            for code, side in ((left, one), (right, other))
        )
        numbers = a in NUMBERS and b in NUMBERS
        if type(op) in ORDERS and numbers:
            return f"{left}{ORDERS[type(op)]}{right}"
        if type(op) in EQUALITIES and (numbers or (a == b and a in ("bool", "str"))):
            return f"{left}{EQUALITIES[type(op)]}{right}"
        if isinstance(op, (ast.Is, ast.IsNot)) and a == b and a in self.names.classes:
            return f"{left}{'===' if isinstance(op, ast.Is) else '!=='}{right}"
        if isinstance(op, ast.In) and a == "str" and b.startswith("dict["):
            return f"{left} in {right}"
        raise self.refuse(one, f"{a} {type(op).__name__} {b}")

    def ifexp_of(self, node: ast.IfExp) -> tuple[str, str]:
        body, a = self.expression(node.body)
        other, b = self.expression(node.orelse)
        if not (a == b or (a in NUMBERS and b in NUMBERS)):
            raise self.refuse(node, f"{a} or {b}")
        return f"({self.condition(node.test)}?{body}:{other})", a if a == b else "float"

    def list_of(self, node: ast.List) -> tuple[str, str]:
        return self.items(node, node.elts)

    def tuple_of(self, node: ast.Tuple) -> tuple[str, str]:
        parts = [self.expression(it) for it in node.elts]
        codes = ",".join(bare(code) for code, _ in parts)
        return f"[{codes}]", f"tuple[{', '.join(kind for _, kind in parts)}]"

    def items(self, node: ast.AST, values: list[ast.expr]) -> tuple[str, str]:
        parts = [self.expression(it) for it in values]
        kind = parts[0][1] if parts else ""
        for _, other in parts[1:]:
            if other != kind and not (other in NUMBERS and kind in NUMBERS):
                raise self.refuse(node, f"a list of {kind} and {other}")
            kind = joined(kind, other) if kind in NUMBERS else kind
        return f"[{','.join(bare(code) for code, _ in parts)}]", f"list[{kind}]"

    def dict_of(self, node: ast.Dict) -> tuple[str, str]:
        if node.keys:
            raise self.refuse(node, "a dictionary that does not start empty")
        return "Object.create(null)", "dict[]"

    def listcomp_of(self, node: ast.ListComp) -> tuple[str, str]:
        (generator, *more) = node.generators
        name = generator.target
        if more or generator.ifs or generator.is_async or not isinstance(name, ast.Name):
            raise self.refuse(node, "a list of more than one variable, or with conditions")
        if name.id in self.local:
            raise self.refuse(node, f"the list's {name.id} is a variable already")
        if isinstance(generator.iter, ast.Call) and named(generator.iter.func, "range"):
            if len(generator.iter.args) != 1:
                raise self.refuse(node, "a list over a range that does not start at 0")
            source, kind = self.range_(generator.iter)[1], "int"
        else:
            source, kind = self.expression(generator.iter)
            if not kind.startswith("list["):
                raise self.refuse(node, f"a list over {kind}")
            kind = kind[5:-1]
        self.local[name.id] = kind
        body, item = self.expression(node.elt)
        del self.local[name.id]
        if isinstance(generator.iter, ast.Call) and named(generator.iter.func, "range"):
            return f"$list({source},{name.id}=>{body})", f"list[{item}]"
        return f"{source}.map({name.id}=>{body})", f"list[{item}]"

    def call_of(self, node: ast.Call) -> tuple[str, str]:
        return self.call(node, statement=False)

    def call(self, node: ast.Call, *, statement: bool) -> tuple[str, str]:
        if node.keywords or any(isinstance(it, ast.Starred) for it in node.args):
            raise self.refuse(node, "keyword and starred arguments")
        function = node.func
        if isinstance(function, ast.Name):
            code, kind = self.named_call(node, function.id)
        elif isinstance(function, ast.Attribute):
            code, kind = self.method_call(node, function)
        else:
            raise self.refuse(node, "a call of what has no name")
        if kind == "None" and not statement:
            raise self.refuse(node, f"{ast.unparse(node)} has no value")
        return code, kind

    def arguments(self, node: ast.Call, wanted: list[str]) -> str:
        if len(node.args) != len(wanted):
            raise self.refuse(node, f"{len(node.args)} arguments instead of {len(wanted)}")
        pairs = zip(node.args, wanted, strict=True)
        return ",".join(bare(self.typed(*pair)) for pair in pairs)

    def named_call(self, node: ast.Call, name: str) -> tuple[str, str]:
        if name in BUILTINS:
            return self.builtin_call(node, name)
        if name in self.seen and name in self.names.functions:
            parameters, result = self.resolved(self.names.functions[name])
            return f"{name}({self.arguments(node, parameters)})", result
        if name in self.seen and name in self.names.classes:
            fields = list(self.names.classes[name].fields.values())
            return f"new {name}({self.arguments(node, fields)})", name
        raise self.refuse(node, f"a call of {name}")

    def builtin_call(self, node: ast.Call, name: str) -> tuple[str, str]:
        codes, kinds = [], []
        for argument in node.args:
            code, kind = self.expression(argument)
            codes.append(code)
            kinds.append(kind)
        numbers = all(kind in NUMBERS for kind in kinds)
        if name in ("min", "max") and len(kinds) == 2 and numbers:
            return f"${name}({bare(codes[0])},{bare(codes[1])})", joined(*kinds)
        if len(kinds) == 1:
            if name == "len" and kinds[0].startswith("list["):
                return f"{codes[0]}.length", "int"
            if name == "abs" and numbers:
                return f"Math.abs({bare(codes[0])})", kinds[0]
            if name == "float" and numbers:
                return codes[0], "float"
            if name == "str" and numbers:
                return f"{'String' if kinds[0] == 'int' else '$text'}({codes[0]})", "str"
        raise self.refuse(node, f"{name} of {', '.join(kinds)}")

    def method_call(self, node: ast.Call, function: ast.Attribute) -> tuple[str, str]:
        if named(function.value, "math"):
            if function.attr not in MATH:
                raise self.refuse(node, "math." + function.attr)
            return f"{MATH[function.attr]}({self.arguments(node, ['float'])})", "float"
        code, kind = self.expression(function.value)
        if kind.startswith("list[") and function.attr == "append":
            return f"{code}.push({self.arguments(node, [kind[5:-1]])})", "None"
        if kind.startswith("list[") and function.attr == "pop":
            return f"{code}.pop({self.arguments(node, [])})", kind[5:-1]
        if kind == "str" and function.attr == "join":
            return f"{self.arguments(node, ['list[str]'])}.join({code})", "str"
        known = self.names.classes.get(kind)
        if known is None or function.attr not in known.methods:
            raise self.refuse(node, f"{kind} has no {function.attr}")
        parameters, result = self.resolved(known.methods[function.attr])
        return f"{code}.{function.attr}({self.arguments(node, parameters)})", result

    def range_(self, call: ast.Call) -> tuple[str, str, int]:
        if call.keywords or not 1 <= len(call.args) <= 3:
            raise self.refuse(call, "range")
        step = 1
        if len(call.args) == 3:
            try:
                step = ast.literal_eval(call.args[2])
            except ValueError:
                step = 0
            if step not in (1, -1):
                raise self.refuse(call, "a step other than 1 and -1")
        ends = [self.typed(it, "int") for it in call.args[:2]]
        return ("0", ends[0], step) if len(ends) == 1 else (ends[0], ends[1], step)


def named(node: ast.expr, name: str) -> bool:
    """Whether an expression is a name, and this one."""
    return isinstance(node, ast.Name) and node.id == name


def parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _is_product(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)


def bare(code: str) -> str:
    """Code without the parentheses around all of it.

    Examples
    --------
    >>> bare("((a+b)*c)"), bare("(a+b)*(c+d)")
    ('(a+b)*c', '(a+b)*(c+d)')
    """
    if not code.startswith("(") or '"' in code:  # a string may have parentheses of its own
        return code
    depth = 0
    for place, letter in enumerate(code):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return code[1:-1] if place == len(code) - 1 else code
    return code


def joined(a: str, b: str) -> str:
    """The type of a sum of two numbers."""
    return "int" if a == b == "int" else "float"


def parts_of(kind: str) -> list[str]:
    """The types inside the brackets of another."""
    inner = re.fullmatch(r"\w+\[(.*)\]", kind)
    parts, depth = [""], 0
    for letter in inner.group(1) if inner else "":
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def assignable(kind: str, to: str) -> bool:
    """Whether a value of one type may stand where another is wanted."""
    if kind == to or (kind == "int" and to == "float"):
        return True
    if kind in ("list[]", "dict[]"):
        return to.startswith(kind[:5])
    if kind.startswith("tuple[") and to.startswith("tuple["):
        pairs = parts_of(kind), parts_of(to)
        return len(pairs[0]) == len(pairs[1]) and all(map(assignable, *pairs))
    return False
