"""The translation does what Python does, and what it would do otherwise is refused."""

import importlib.util
import json
import shutil
import sys
import textwrap

import pytest

from benchmarks.small_solver import random_problem
from paid_with_models import small
from pwm_companion.explorables.to_javascript import RefusedError, small_solver_javascript, translate

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu"]

#: Problems that Python and JavaScript both solve, by ``random_problem``'s seed.
SAME = range(3_000, 3_100)
#: How many of them go to the browser at a time: an answer must not keep it for long.
TOGETHER = 10

HEAD = """
import math
from dataclasses import dataclass

FEW = 3

@dataclass(eq=False)
class Box:
    size: float
    items: list[float]

    def add(self, more: float) -> float:
        self.size += more
        return self.size

@dataclass(frozen=True, eq=False)
class Pair:
    a: int
    b: int

def two() -> tuple[int, float]:
    return 1, 2.0

def nothing() -> None:
    pass
"""

REFUSED = {
    "x = a // 2": "int FloorDiv int",
    "x = a % 2": "int Mod int",
    "x = a ** 2": "int Pow int",
    "x = ~a": "Invert int",
    "x = a @ a": "int MatMult int",
    "x = True + a": "bool Add int",
    "x = -True": "USub bool",
    "a += True": "int Add= bool",
    "a /= 2": "a is int, and float is assigned",
    "a = 0.5": "a is int, and float is assigned",
    "x = v + v": "list\\[float\\] Add list\\[float\\]",
    "x = v * 2": "list\\[float\\] Mult int",
    "x = [f] * 3": "repeats anything but a constant",
    "x = [0.0, 1.0] * 3": "arithmetic with lists",
    "x = [0.0] * f": "f is float, not int",
    "x = v[-1]": "an index from the end",
    "x = v[f]": "f is float, not int",
    "x = v[::2]": "a slice with a step",
    "x = v[-2:]": "a slice with a step or from the end",
    "x = s[0]": "an entry of str",
    "x = two()[0]": "an entry of tuple",
    "x = v == v": "list\\[float\\] Eq list\\[float\\]",
    "x = a == s": "int Eq str",
    "x = True == 1": "bool Eq int",
    "x = s < s": "str Lt str",
    "x = a is a": "int Is int",
    "x = a in v": "int In list",
    "x = 0 < two2(a) < 2": "a chain of comparisons whose middle is worked out twice",
    "x = not v": "Not list",
    "x = not a": "Not int",
    "x = a and b": "a is int, not bool",
    "x = b or s": "s is str, not bool",
    "x = 1 if v else 2": "v is list\\[float\\], not bool",
    "x = 1 if b else s": "int or str",
    "if v: pass": "v is list\\[float\\], not bool",
    "while a: pass": "a is int, not bool",
    "x = len(s)": "len of str",
    "x = max(v)": "max of list",
    "x = max(a, a, a)": "max of int, int, int",
    "x = min(a, s)": "min of int, str",
    "x = abs(b)": "abs of bool",
    "x = float(s)": "float of str",
    "x = str(b)": "str of bool",
    "x = int(f)": "a call of int",
    "x = round(f)": "a call of round",
    "x = sorted(v)": "a call of sorted",
    "x = sum(v)": "a call of sum",
    "x = print(a)": "a call of print",
    "x = math.floor(f)": "math.floor",
    "x = math.e": "math.e",
    "x = math.sqrt(f, f)": "2 arguments instead of 1",
    "x = math.sqrt(s)": "s is str, not float",
    "x = two2(a, a)": "2 arguments instead of 1",
    "x = two2(b)": "b is bool, not int",
    "x = two2(a=a)": "keyword and starred arguments",
    "x = two2(*v)": "keyword and starred arguments",
    "x = nothing()": "has no value",
    "x = Pair(1)": "1 arguments instead of 2",
    "x = Pair(1, 0.5)": "0.5 is float, not int",
    "x = box.nobody": "Box has no nobody",
    "x = box.nobody()": "Box has no nobody",
    "x = v.sort()": "has no sort",
    "v.append(s)": "s is str, not float",
    "v.pop(0)": "1 arguments instead of 0",
    "pair.a = 1": "Pair is frozen",
    "box.size = s": "box.size is float, and str is assigned",
    "v[0] = s": "is float, and str is assigned",
    "v[0:1] = v": "a target",
    "x = [1.0, 'a']": "a list of float and str",
    "x = [0, 1]\n    x = v": "x is list\\[int\\], and list\\[float\\] is assigned",
    "x = []": "x needs an annotation",
    "x = {}": "x needs an annotation",
    "x: dict[str, int] = {'a': 1}": "does not start empty",
    "x: dict[int, int] = {}": "the type dict",
    "x: set[int] = set()": "the type set",
    "x = None": "None",
    "x = 1e400": "inf",
    "x = 2 ** 2": "int Pow int",
    "x = 9007199254740993": "9007199254740993",
    "x = 1j": "1j",
    "x = b'a'": "b'a'",
    "x = f'{a}'": "JoinedStr",
    "x = lambda: 0": "Lambda",
    "x = {i for i in v}": "SetComp",
    "x = [i for i in v if i > 0]": "with conditions",
    "x = [i for i in v for j in v]": "more than one variable",
    "x = [i for i in range(1, 3)]": "does not start at 0",
    "x = [a for a in v]": "the loop's a is a parameter",
    "x = y = a": "a = b = c",
    "x, y = v": "unpacking list",
    "x, y, z = two()": "unpacking tuple",
    "v[0], x = two()": "unpacking to anything but names",
    "x, y = 1, 2, 3": "tuples of different length",
    "(x := a)": "Expr",
    "x = y": "y is not known here",
    "del a": "Delete",
    "assert b": "Assert",
    "global FEW": "Global",
    "with a: pass": "With",
    "try:\n        pass\n    finally:\n        pass": "Try",
    "def g() -> None: pass": "FunctionDef",
    "raise KeyError('a')": "raise of anything but a ValueError",
    "raise ValueError('a') from None": "raise of anything but a ValueError",
    "raise ValueError(a)": "a is int, not str",
    "return a": "a is int, not float list",
    "return": "a return without a value",
    "for i in range(3):\n        i = 2": "the loop's i is assigned in the loop",
    "for i in range(3):\n        i += 2": "the loop's i is assigned in the loop",
    "for i in range(3):\n        pass\n    x = i": "i is not known here",
    "for a in range(3): pass": "the loop's a is a parameter",
    "for i, j in [two()]: pass": "anything but one variable",
    "for i in (1, 2): pass": "a loop over tuple",
    "for i in s: pass": "a loop over str",
    "for i in range(0, 9, 2): pass": "a step other than 1 and -1",
    "for i in range(0, 9, a): pass": "a step other than 1 and -1",
    "for i in range(f): pass": "f is float, not int",
    "for i in v:\n        pass\n    else:\n        pass": "else of a loop",
    "while b:\n        pass\n    else:\n        pass": "else of a loop",
    "new = 1": "new means something else",
    "Math = 1": "Math means something else",
    "len = 1": "len means something else",
    "FEW = 1": "FEW hides what the module calls so",
    "two = 1": "two hides what the module calls so",
    "ä = 1": "is not plain ASCII",
    "x = yield": "Yield",
    "x = await_": "await_ is not known here",
}

MODULES = {
    "import os": "an import other than math",
    "import math as m": "an import under another name",
    "from os import path": "an import from os",
    "from .other import thing": "thing is in none of the modules before",
    "from dataclasses import field": "an import from dataclasses",
    "x = y = 1": "a = b = c",
    "if True:\n    x = 1": "If in a module",
    "def f(x): pass": "f lacks an annotation",
    "def f(x: float): pass": "f lacks an annotation",
    "def f(x: float = 1.0) -> None: pass": "defaults and keyword arguments",
    "def f(*x: float) -> None: pass": "defaults and keyword arguments",
    "def f(*, x: float) -> None: pass": "defaults and keyword arguments",
    "def f(x: float, /) -> None: pass": "defaults and keyword arguments",
    "def f(x: 'float | None') -> None: pass": "the type",
    "@f\ndef g() -> None: pass": "a decorator",
    "async def f() -> None: pass": "AsyncFunctionDef in a module",
    "def f() -> None: pass\ndef f() -> None: pass": "f is defined twice",
    "x = 1\nx = 2": "x is defined twice",
    "default = 1": "default means something else",
    "class A: pass": "a class that is not a dataclass",
    "@dataclass\nclass A: pass": "a class that is not a dataclass with eq=False",
    "@dataclass(eq=False, order=True)\nclass A: pass": "dataclass with order",
    "@dataclass(eq=False)\nclass A(B): pass": "a class that is not a dataclass of its own",
    "@dataclass(eq=False)\nclass A:\n    x: float = 1.0": "a default",
    "@dataclass(eq=False)\nclass A:\n    x = 1.0": "Assign in a class",
    "@dataclass(eq=False)\nclass A:\n    case: int": "case means something else",
    "@dataclass(eq=False)\nclass A:\n    def __len__(self) -> int: pass": "a method called __len__",
    "@dataclass(eq=False)\nclass A:\n    def delete(self) -> int: pass": "a method called delete",
    "@dataclass(eq=False)\nclass A:\n    def f() -> None: pass": "a method without self",
}

#: Functions without arguments, each of which Python and JavaScript must answer alike.
ALIKE = '''
import math
from dataclasses import dataclass

FEW, MANY = 3, 1_000_000
SOME = [0.5, 1e-7, 1e16, 1e300]


@dataclass(eq=False)
class Log:
    """What was done, in order."""

    notes: list[str]

    def note(self, what: str, value: int) -> int:
        self.notes.append(what)
        return value


def swapped() -> list[int]:
    a, b = 1, 2
    a, b = b, a + b
    v = [5, 6, 7]
    v[0], v[1] = v[1], v[0]
    i = 0
    i, v[i] = 2, 9
    return [a, b, v[0], v[1], v[2], i]


def order_of_evaluation() -> list[str]:
    log = Log([])
    v = [0, 0, 0, 0]
    v[log.note("index", 1)] = log.note("value", 2)
    v[log.note("index", 2)] += log.note("added", 3)
    v[log.note("first", 0)], v[log.note("second", 3)] = log.note("one", 4), log.note("two", 5)
    total = log.note("left", 1) - log.note("right", 2) * log.note("last", 3)
    log.notes.append(str(total))
    for value in v:
        log.notes.append(str(value))
    return log.notes


def one_list_under_two_names() -> list[int]:
    v = [1, 2, 3]
    w = v
    v[0], w[2] = w[2], v[0]
    a = [5]
    a[0], v[1] = 6, w.pop()
    return [v[0], v[1], len(w), a[0]]


def popped() -> list[int]:
    v = [1, 2, 3, 4]
    v[len(v) - 2] = v.pop()
    return v


def ends_are_worked_out_once() -> list[int]:
    v = [0]
    for i in range(len(v) + 2):
        v.append(i)
    n = 3
    for i in range(n, 0, -1):
        n += i
        v.append(n)
    for i in range(3, 3):
        v.append(i)
    return v


def lists_grow_while_looped_over() -> list[int]:
    v = [3]
    for i in v:
        if i > 0:
            v.append(i - 1)
    return v


def texts() -> list[str]:
    found = [str(3), str(-7), str(MANY)]
    for x in [1.0, -2.0, 0.1, 1e-4, 1e-5, 123456789.125, 1e15, 1e16, 1.5e300, -1e-300, -0.0]:
        found.append(str(x))
    found.append(str(math.inf))
    found.append(str(-math.inf))
    found.append(str(math.inf - math.inf))
    found.append("a\\n\\"b\\" \\\\ é (")
    return found


def not_a_number() -> list[bool]:
    nan = math.inf - math.inf
    return [
        max(1.0, nan) == 1.0, max(nan, 1.0) == 1.0, min(1.0, nan) == 1.0, min(nan, 1.0) == 1.0,
        nan == nan, nan < 1, not nan < 1, nan != nan,
    ]


def whole_and_parts() -> list[float]:
    n = 7
    half = n / 2
    return [half, n * n / 4, float(n), abs(-n) / 2, -n / 2, (n - 10) * 0.5, 2 - -n, n - (3 - 1)]


def precedence(b: bool) -> list[bool]:
    c = not b
    one = (1 if b else 2) == 1
    return [b or c and b, (b or c) and b, not (b and c), not b or c, b == (not c), one]


def both() -> list[bool]:
    found = precedence(True)
    for one in precedence(False):
        found.append(one)
    return found


def copies() -> list[float]:
    v = SOME[:]
    v[0] = 9.0
    w = SOME[1:3]
    w.append(SOME[0])
    for x in SOME[:2]:
        w.append(x)
    for x in [0.0] * FEW:
        w.append(x)
    for x in [x * 2 for x in SOME]:
        w.append(x)
    for i in [i * i for i in range(FEW)]:
        w.append(i)
    return w


def chosen() -> int:
    seen: dict[str, int] = {}
    for word in ["__proto__", "a", "constructor", "a"]:
        if word in seen:
            return len(seen_keys(seen))
        seen[word] = 1
    return 0


def seen_keys(seen: dict[str, int]) -> list[str]:
    found: list[str] = []
    for word in ["a", "b", "toString", "constructor", "__proto__"]:
        if word in seen:
            found.append(word)
    return found


def stopped() -> int:
    n = 0
    while True:
        n += 1
        if n == 3:
            continue
        if n >= 5:
            break
    if n < 5:
        return -1
    elif n == 5:
        return n
    else:
        return 0


def constants() -> list[float]:
    return [FEW, MANY, math.pi, SOME[3], 2.0e-3, 1_000.5, math.expm1(0.0), math.log1p(0.0)]
'''
CALLS = [
    "swapped", "order_of_evaluation", "one_list_under_two_names", "popped",
    "ends_are_worked_out_once", "lists_grow_while_looped_over", "texts", "not_a_number",
    "whole_and_parts", "both", "copies", "chosen", "stopped", "constants",
]  # fmt: skip


def module(folder, text, name="one"):
    file = folder / f"{name}.py"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page on disk that loads the small solver and the functions of ``ALIKE`` as scripts."""
    if CHROMIUM is None:
        pytest.skip("left out: no Chromium on this machine to run JavaScript with")
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("page")
    (folder / "contract.js").write_text(small_solver_javascript(), encoding="utf-8")
    alike = translate("alike", [module(folder, ALIKE)])
    (folder / "alike.js").write_text(alike, encoding="utf-8")
    (folder / "index.html").write_text(
        '<!DOCTYPE html><meta charset="utf-8"><title>t</title>'
        "<script>const before = new Set(Object.getOwnPropertyNames(window));</script>"
        '<script src="contract.js"></script><script src="alike.js"></script>',
        encoding="utf-8",
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto((folder / "index.html").as_uri())
        yield page
        browser.close()


@pytest.mark.parametrize("lines", REFUSED)
def test_what_has_no_translation_is_refused(tmp_path, lines):
    arguments = "a: int, b: bool, f: float, s: str, v: list[float], box: Box, pair: Pair"
    text = f"{HEAD}\ndef two2(a: int) -> int:\n    return a\n"
    text += f"\ndef f_({arguments}) -> list[float]:\n    {lines}\n    return v\n"
    with pytest.raises(RefusedError, match=REFUSED[lines].replace("float list", "list\\[float\\]")):
        translate("made", [module(tmp_path, text)])


@pytest.mark.parametrize("text", MODULES)
def test_modules_that_have_no_translation_are_refused(tmp_path, text):
    head = "from dataclasses import dataclass\n" if "import" not in text else ""
    with pytest.raises(RefusedError, match=MODULES[text]):
        translate("made", [module(tmp_path, head + text)])


def test_a_refusal_names_file_and_line(tmp_path):
    with pytest.raises(RefusedError, match=r"^one\.py:2: int Mod int$"):
        translate("made", [module(tmp_path, "def f(a: int) -> int:\n    return a % 2\n")])


@pytest.mark.parametrize("name", ["new", "2x", "a-b"])
def test_the_function_must_have_a_name(tmp_path, name):
    with pytest.raises(RefusedError, match="no name for a function"):
        translate(name, [module(tmp_path, "x = 1\n")])


def test_modules_must_not_define_a_name_twice(tmp_path):
    files = [module(tmp_path, "def _f() -> int:\n    return 1\n", name) for name in "ab"]
    with pytest.raises(RefusedError, match=r"^b\.py:1: _f is defined twice"):
        translate("made", files)


def test_modules_know_what_they_import_only(tmp_path):
    first = module(tmp_path, "def one() -> int:\n    return 1\n", "a")
    second = module(tmp_path, "def two() -> int:\n    return one()\n", "b")
    with pytest.raises(RefusedError, match="a call of one"):
        translate("made", [first, second])
    second.write_text("from .a import one\n\n" + second.read_text(), encoding="utf-8")
    assert "return one();" in translate("made", [first, second])


def test_the_text_of_a_translation(tmp_path):
    text = '''
    """Shapes."""

    __all__ = ["area"]

    WIDE = 2.0


    def area(sides: list[float]) -> float:
        """Add up."""
        total = 0.0
        for side in sides:  # all of them
            total += _square(side) if side > WIDE else 0.0
        return total


    def _square(side: float) -> float:
        return side * side
    '''
    assert translate("shapes", [module(tmp_path, textwrap.dedent(text))]).splitlines() == [
        "// Made from one.py; do not edit.",
        'function shapes() {"use strict";',
        "const WIDE=2;",
        "function area(sides){let total;",
        "total=0;",
        "for(const side of sides){total+=(side>WIDE)?_square(side):0;}",
        "return total;}",
        "function _square(side){return side*side;}",
        "return {WIDE, area};}",
    ]


@pytest.mark.parametrize("name", CALLS)
def test_python_and_javascript_do_the_same(page, tmp_path, name):
    spec = importlib.util.spec_from_file_location("alike", module(tmp_path, ALIKE))
    here = importlib.util.module_from_spec(spec)
    sys.modules["alike"] = here  # dataclasses look there
    try:
        spec.loader.exec_module(here)
        expected = getattr(here, name)()
    finally:
        del sys.modules["alike"]
    found = json.loads(page.evaluate(f"JSON.stringify(alike().{name}())"))
    assert found == expected
    assert page.errors == []


def test_scripts_add_one_name_each_to_the_page(page):
    added = page.evaluate(
        "Object.getOwnPropertyNames(window).filter((name) => !before.has(name)).sort()"
    )
    assert added == ["alike", "contractModule"]


def test_a_worker_can_be_made_of_the_text(page):
    answer = page.evaluate("""() => new Promise((resolve, reject) => {
      const text = contractModule.toString() + `
        const C = contractModule(), curve = C.generalization_bound(1, 1);
        postMessage(C.answer(C.design(10, [1, 1], [0.2, 0.1], [], 100, curve, false)).accuracy);`;
      const worker = new Worker(URL.createObjectURL(new Blob([text])));
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => reject(event.message);
    })""")
    curve = small.generalization_bound(1, 1)
    here = small.answer(small.design(10, [1, 1], [0.2, 0.1], [], 100, curve, False))
    assert answer == pytest.approx(here.accuracy, abs=1e-12)


def test_errors_have_the_messages_of_python(page):
    message = page.evaluate("""() => {
      try { contractModule().generalization_bound(1.5, 1); } catch (error) { return error.message; }
    }""")
    assert message == "optimum must be in (0, 1]; got 1.5"


def test_python_and_javascript_agree_on_random_problems(page):
    problems = [random_problem(seed) for seed in SAME]
    solve = """(problems) => { const C = contractModule(); return problems.map((p) => {
      const curve = C.generalization_bound(p.optimum, p.complexity);
      const who = [p.n_parties, p.probabilities, p.costs, p.outside];
      const work = C.design(...who, p.value, curve, p.own);
      const {accuracy, bound, contributions} = C.answer(work);
      return {accuracy, bound, contributions};
    }); }"""
    there = []
    for start in range(0, len(problems), TOGETHER):
        there += page.evaluate(solve, problems[start : start + TOGETHER])
    for problem, found in zip(problems, there, strict=True):
        curve = small.generalization_bound(problem["optimum"], problem["complexity"])
        stated = [problem[name] for name in ("n_parties", "probabilities", "costs", "outside")]
        here = small.answer(small.design(*stated, problem["value"], curve, problem["own"]))
        assert found["accuracy"] == pytest.approx(here.accuracy, abs=1e-10)
        if here.gap <= small.PROVED:
            assert found["bound"] == pytest.approx(here.bound, abs=1e-8)
