"""Commands with broken input: a clear answer each time, and nothing written in a wrong place.

Run by ``make fuzz``, which writes ``endurance/fuzz.json``: how many inputs there were,
how they ended, and what went wrong. Inputs are drawn from a seed: valid files and command lines,
most of them with one to three mutations, of their values or of their bytes. Each must end with a
documented exit code within 30 seconds of processor time (or ten times as much, if it waits),
without a traceback, and write below the output folder only.

Chapters and figures are read and checked, but not executed and drawn, and nothing is printed or
released: that takes seconds each, and what they do is not input.
"""

import contextlib
import copy
import csv
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import yaml

from paid_with_models import solve
from paid_with_models.files import contract_to_dict, problem_from_dict
from pwm_companion import cli
from pwm_companion.book import build
from pwm_companion.book.execute import ChapterError
from pwm_companion.commands import execute, figures, pdf, verify
from pwm_companion.consortium.file import example
from pwm_companion.files import stamp

LIMIT = 30  # seconds of processor time
COUNT = 21_000
SEEDS = (1, 2, 3, 4)  # of inputs drawn in processes of their own
KINDS = ("problem", "menu", "consortium", "points", "sweep", "book", "command")

BOUND = {"name": "GeneralizationBound", "parameters": {"optimum": 1.0, "complexity": 1.0}}
PROBLEMS: list[dict[str, Any]] = [
    {
        "n_parties": 10,
        "probabilities": [0.2, 0.3, 0.5],
        "costs": [0.5, 0.2, 0.05],
        "accuracy": BOUND,
    },
    {
        "n_parties": 4,
        "probabilities": [0.5, 0.5],
        "costs": [0.02, 0.01],
        "accuracy": {
            "name": "PowerLaw",
            "parameters": {"optimum": 0.9, "scale": 1.0, "exponent": 0.5, "offset": 0.1},
        },
        "valuation": {"name": "LinearValuation", "parameters": {"scale": 100.0}},
        "beliefs": "own",
    },
    {
        "n_parties": 2,
        "probabilities": [1.0],
        "costs": [0.1],
        "accuracy": {"name": "Arctan", "parameters": {"optimum": 1.0, "rate": 0.01}},
        "valuation": {"name": "PowerValuation", "parameters": {"scale": 100.0, "exponent": 1.5}},
        "reservation_utilities": [45.0],
    },
    {
        "n_parties": 3,
        "probabilities": [0.25, 0.75],
        "costs": [0.3, 0.1],
        "accuracy": BOUND,
        "valuation": {"name": "ExponentialValuation", "parameters": {"scale": 50, "aversion": 1}},
        "beliefs": "paper",
    },
]
CONSORTIA: list[dict[str, Any]] = [
    yaml.safe_load(example(f"{name}.yaml").read_text()) for name in ("hospitals", "banks")
]
CONSORTIA.append(
    {
        "title": "Two kinds",
        "n_parties": 4,
        "types": [
            {"name": "small", "probability": 0.6, "cost": 0.3, "outside": 20},
            {"name": "large", "probability": 0.4, "cost": 0.1},
        ],
        "accuracy": BOUND,
        "beliefs": "own",
    }
)
POINTS = example("hospitals.csv").read_bytes()
SWEEPS: list[dict[str, Any]] = [
    {
        "problem": PROBLEMS[0],
        "over": {"n_parties": [2, 10], "costs": [[0.3, 0.2, 0.1]], "accuracy.complexity": [0.5, 2]},
        "chunk": 3,
    },
    {"problem": PROBLEMS[1], "over": {"valuation.scale": [50, 100.0], "beliefs": ["paper", "own"]}},
    {"problem": PROBLEMS[3], "over": {"probabilities": [[0.5, 0.5]], "valuation.aversion": [1, 2]}},
    {"problem": PROBLEMS[2], "over": {"reservation_utilities": [[0], [45.0]]}, "chunk": 1},
]
#: What a value is replaced by.
STRANGE: list[Any] = [
    None, True, False, 0, -1, 1, 2, 1.5, -0.0, 1e-308, 1e308, 1e-6, 1e6, float("nan"), float("inf"),
    -float("inf"), 10**400, "", "0.1", "x", "é\u2028", "a" * 5000, [], {}, [[]], [None], {"a": 1},
    [0.5, 0.5], [1e-12, 1.0], "own", "GeneralizationBound", {"name": "Saturating"}, 10**9, 10**6,
]  # fmt: skip
#: What a piece of text is replaced by.
TOKENS = [
    b"", b"\0", b"\xff\xfe", b"\t", b"\n", b": ", b"- ", b"&a [", b"*a", b"!!python/name:os.system",
    b"!!binary x", b"{", b"}", b"[", b"]", b"'", b'"', b"%", b"---\n", b"NaN", b"1e999", b"<<: ",
    b"? ", b"|", b">", b"#", b"\xef\xbb\xbf", b"9" * 5000, b"0x10", b"1_000", b"2024-01-01", b"~",
    b"{{ x }}", b"```", b"[" * 2000,
]  # fmt: skip
WORDS = [
    "", "-", "--", "-p", "-h", "--json", "--list", "--jobs", "--jobs=0", "--jobs=2", "--quick",
    "--draft", "--fresh", "--output", "--build-dir", "--build-dir=build", "-1", "=", "a=", "=b",
    "number=2", "number=x", "number=[", "number=!!python/name:os.system", "shares=[1]", "\0", "é",
    "x" * 5000, "problem.json", "menu.yaml", "missing.json", "book", "book/square.md", ".",
    "book/runs/five.yml", "book/runs/template.md", "fig-line", "/dev/null", "%s", "{}", "\n",
    "consortium.yaml", "sweep.yaml", "hospitals.csv", "build/a.html", "build/a.zarr", "build/a.nc",
    "build/none/a.html", "--scheduler", "tcp://127.0.0.1:1", "--update", "--no-test", "site",
]  # fmt: skip
COMMANDS = [
    ["solve", "problem.json"],
    ["solve", "--json", "problem.yaml"],
    ["prove", "problem.json"],
    ["prove", "--check", "problem.json"],
    ["audit", "menu.json"],
    ["audit", "--json", "menu.yaml"],
    ["execute", "book/runs/five.yml", "-p", "number=3", "-p", "shares=[0.5, 0.25]"],
    ["execute", "book/square.md", "--output", "build/out.ipynb", "--jobs", "1"],
    ["figures", "--list"],
    ["figures", "fig-line", "--build-dir", "build"],
    ["build", "--quick"],
    ["build", "--draft", "--jobs", "2"],
    ["verify"],
    ["verify", "--json", "--fresh"],
    ["verify", "--update"],
    ["report", "consortium.yaml", "--output", "build/report.html"],
    ["report", "--output=build/report.html", "consortium.yaml"],
    ["sweep", "sweep.yaml", "--output", "build/out.zarr"],
    ["sweep", "sweep.yaml", "--output", "build/out.nc"],
    ["sweep", "sweep.yaml", "--output", "build/out.nc", "--scheduler", "tcp://127.0.0.1:1"],
    ["notebooks"],
    ["zip"],
    ["zip", "--build-dir", "site"],
    ["pdf"],
    ["pdf", "--build-dir", "site"],
    ["release"],
    ["release", "--no-test", "--build-dir", "site"],
    ["--help"],
]
HEADER = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---
"""
BOOK = {
    "_toc.yml": "format: jb-book\nroot: book/start\nchapters:\n- file: book/square\n"
    "- file: book/runs/five\n",
    "_config.yml": "title: A book\nlogo: ''\nexecute: {execute_notebooks: 'off'}\n"
    "sphinx: {config: {html_context: {default_mode: auto}}}\n",
    "book/start.md": "# Start\n",
    "book/square.md": HEADER.replace("---\nkernel", "inputs: [start.md]\nkernel")
    + "# Square\n\n```{code-cell} ipython3\nprint(9)\n```\n",
    "book/runs/template.md": HEADER
    + "# {{ title }}\n\n```{code-cell} ipython3\n:tags: [parameters]\n\nnumber = 1\n"
    "shares = [0.5]\n```\n\n```{code-cell} ipython3\nshow('fig-line', number)\n```\n",
    "book/runs/five.yml": "template: template.md\ntitle: Five\n"
    "parameters: {number: 5, shares: [1, 0.25]}\n",
    "book/figures.yml": "columns: {slope: {text: slope, unit: m}}\nfigures:\n  fig-line:\n"
    "    title: Line\n    caption: '{{ slope:.1f }}, {{ place }}'\n    alt: A line\n"
    "    text: {place: here}\n"
    "    draw: toy.lines:line\n    compute: toy.lines:slopes\n    parameters: {steepest: 2}\n"
    "    chapter: book/runs/five\n    changelog: {1.2.3: First version.}\n",
    "pyproject.toml": "[project]\nname = 'toy'\nversion = '1.2.3'\nauthors = [{ name = 'A' }]\n"
    "dependencies = []\n",
    "reference/tolerances.json": json.dumps(
        {"relative": 1e-9, "residual": 1e-9, "measured": ["book/a: *"], "reasons": {"exact": "x"}}
    ),
    "reference/book/square.json": json.dumps({"numbers": {"nine": 9}, "shown": {"S": [["9"]]}}),
    "reference/figures/fig-line.csv": "slope\n0.0\n2.0\n",
}
#: Which command reads a file of the book.
READERS = {
    "_toc.yml": [["build"], ["build", "--draft"], ["verify"], ["notebooks"]],
    "_config.yml": [["build", "--draft"]],
    "book/square.md": [["build"], ["execute", "book/square.md"], ["notebooks"]],
    "book/runs/template.md": [["execute", "book/runs/five.yml"], ["build"], ["notebooks"]],
    "book/runs/five.yml": [["execute", "book/runs/five.yml", "-p", "number=2"], ["build"]],
    "book/figures.yml": [["figures", "--list"], ["figures", "fig-line"], ["build"]],
    "reference/tolerances.json": [["verify"], ["verify", "--json"]],
    "reference/book/square.json": [["verify"]],
    "reference/figures/fig-line.csv": [["verify"]],
}
OUTPUT = "build"
REPORT = f"{OUTPUT}/report.html"
POINTS_FILE = "hospitals.csv"


class HangError(BaseException):
    """An input took longer than `LIMIT`."""


def mutate_value(value: Any, rng: random.Random) -> Any:
    """Return a copy of a JSON value with one change somewhere inside."""
    value = copy.deepcopy(value)
    places = list(_places(value))
    if not places:
        return rng.choice(STRANGE)
    holder, key = rng.choice(places)
    old = holder[key]
    choice = rng.randrange(7)
    if isinstance(old, int | float) and rng.random() < 0.5:
        choice = 3
    if choice == 0:
        del holder[key]
    elif choice == 1 and isinstance(holder, dict):
        holder[rng.choice([str(key) + "s", "x", "name", "é", 1, 0.5, True, None])] = holder.pop(key)
    elif choice == 2 and isinstance(old, list):
        old.insert(rng.randrange(len(old) + 1), rng.choice([*old, *STRANGE]))
    elif choice == 3 and isinstance(old, int | float) and not isinstance(old, bool):
        scale = rng.choice([-1, 0.5, 2, 10, 1 + 1e-9, 1e3, 1e-3, 10 ** rng.uniform(-12, 12)])
        with contextlib.suppress(OverflowError):
            holder[key] = old * scale
    elif choice == 4:
        holder[key] = [old] * rng.choice([1, 2, 50])
    else:
        holder[key] = rng.choice(STRANGE)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


def mutate_bytes(text: bytes, rng: random.Random) -> bytes:
    """Return the bytes of a file with one change."""
    start = rng.randrange(len(text) + 1)
    end = min(len(text), start + rng.choice([0, 1, 1, 2, 5, 20]))
    choice = rng.randrange(5)
    if choice == 0:
        return text[:start]
    if choice == 1:
        return text[:start] + bytes([rng.randrange(256)]) + text[end:]
    if choice == 2:
        lines = text.splitlines(keepends=True) or [b""]
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
        return b"".join(lines)
    return text[:start] + rng.choice(TOKENS) + text[end:]


def mutate_cells(text: bytes, rng: random.Random) -> bytes:
    """Return the bytes of a CSV file with one change to a cell, a row or a column."""
    rows = [list(row) for row in csv.reader(text.decode("utf-8", "replace").splitlines())]
    rows = rows or [[]]
    row = rng.choice(rows)
    place = rng.randrange(len(row) + 1)
    choice = rng.randrange(6)
    if choice == 0:
        rows.remove(row)
    elif choice == 1:
        rows.insert(rng.randrange(len(rows) + 1), rng.choice([[], [""], list(row), ["1", "1"]]))
    elif choice == 2:
        row.insert(place, rng.choice(["", "0.5", "x"]))
    elif choice == 3 and len(row) > 1:
        row.reverse()
    elif place < len(row):
        with contextlib.suppress(ValueError, OverflowError):
            row[place] = repr(float(row[place]) * rng.choice([-1, 0.9, 1.1, 10, 1e-9, 1e300]))
        if choice == 5:
            row[place] = str(rng.choice(STRANGE))
    out = io.StringIO()
    csv.writer(out, lineterminator=rng.choice(["\n", "\r\n"])).writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


def mutate_words(words: list[str], rng: random.Random) -> list[str]:
    """Return a command line with one change."""
    words = list(words)
    place = rng.randrange(len(words))
    choice = rng.randrange(4)
    if choice == 0:
        del words[place]
    elif choice == 1:
        words.insert(rng.randrange(len(words) + 1), rng.choice(WORDS))
    elif choice == 2:
        words[place] = rng.choice(WORDS)
    else:
        words[place] = mutate_bytes(words[place].encode(), rng).decode(errors="replace")
    return words


def vary(data: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return a problem or a menu with other numbers, most of which can be computed with."""
    data = {key: it for key, it in data.items() if key != "reservation_utilities"}
    shares = [rng.uniform(0.05, 1) for _ in data["probabilities"]]
    data["probabilities"] = [share / sum(shares) for share in shares]
    data["n_parties"] = rng.randint(1, 12)
    for name in ("costs", "contributions", "rewards"):
        if name in data:
            data[name] = [it * 10 ** rng.uniform(-1, 1) for it in data[name]]
    return data


def vary_consortium(data: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return a consortium with other numbers, most of which can be computed with."""
    data = copy.deepcopy(data)
    if "types" in data:
        data["n_parties"] = rng.randint(1, 12)
        shares = [rng.uniform(0.05, 1) for _ in data["types"]]
        for kind, share in zip(data["types"], shares, strict=True):
            kind["probability"] = share / sum(shares)
            kind["cost"] *= 10 ** rng.uniform(-1, 1)
    else:
        data["parties"] = rng.sample(data["parties"], rng.randint(1, len(data["parties"])))
    return data


def vary_sweep(data: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return a sweep over some of its fields, of a problem with other numbers."""
    names = rng.sample(list(data["over"]), rng.randint(1, len(data["over"])))
    over = {name: data["over"][name] for name in names}
    return data | {"problem": vary(data["problem"], rng), "over": over, "chunk": rng.randint(1, 5)}


VARY = {"consortium": vary_consortium, "sweep": vary_sweep}


def serialize(data: Any, suffix: str) -> bytes:
    """Return a value as the bytes of a JSON or YAML file."""
    text = json.dumps(data) if suffix == ".json" else yaml.safe_dump(data, allow_unicode=True)
    return text.encode("utf-8", "surrogatepass")


def menus() -> list[dict[str, Any]]:
    """Return the best menus of `PROBLEMS`, and one that breaks the constraints."""
    found = []
    for data in PROBLEMS:
        document = contract_to_dict(solve(problem_from_dict(data)))
        found.append(data | {name: document[name] for name in ("contributions", "rewards")})
    broken = PROBLEMS[0] | {"contributions": [100, 150, 600], "rewards": [40, 79.5, 96]}
    return [*found, broken, found[1] | {"left_out": [0]}]


def draw(
    kind: str, rng: random.Random, seeds: list[dict[str, Any]]
) -> tuple[list[str], str, bytes]:
    """Return a command line and a file for it: name and content; no name if there is none."""
    times = rng.choice([0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 3])
    if kind == "command":
        words = rng.choice(COMMANDS)
        for _ in range(times):
            words = mutate_words(words, rng) or ["solve"]
        return words, "", b""
    if kind == "book":
        name = rng.choice(list(READERS))
        content = BOOK[name].encode()
        values = name.endswith((".yml", ".json")) and rng.random() < 0.5
        data = yaml.safe_load(content) if values else None
        for _ in range(times):
            if values and isinstance(data, dict | list):
                data = mutate_value(data, rng)
            else:
                content = mutate_bytes(content, rng)
        if values:
            content = serialize(data, Path(name).suffix)
        return rng.choice(READERS[name]), name, content
    if kind == "points":
        content, mutate = POINTS, rng.choice([mutate_cells, mutate_cells, mutate_bytes])
        for _ in range(times):
            content = mutate(content, rng)
        return ["report", "consortium.yaml", "--output", REPORT], POINTS_FILE, content
    data = rng.choice(seeds)
    if rng.random() < 0.6:
        data = VARY.get(kind, vary)(data, rng)
    suffix = rng.choice([".json", ".yaml"])
    by_value = rng.random() < 0.7
    for _ in range(times if by_value else 0):
        data = mutate_value(data, rng) if isinstance(data, dict | list) else data
    content = serialize(data, suffix)
    for _ in range(0 if by_value else times):
        content = mutate_bytes(content, rng)
    name = f"input{suffix}"
    if kind == "consortium":
        return ["report", name, "--output", REPORT], name, content
    if kind == "sweep":
        output = rng.choice([f"{OUTPUT}/out.zarr", f"{OUTPUT}/out.nc"])
        return ["sweep", name, "--output", output], name, content
    command = ["solve" if kind == "problem" else "audit", *rng.choice([[], ["--json"]])]
    return [*command, name], name, content


class Watch:
    """Notes files that are written outside the output folder, by an audit hook of Python."""

    def __init__(self) -> None:
        self.allowed: tuple[str, ...] = ()
        self.network = False
        self.outside: list[str] = []

    def install(self) -> None:
        """Begin; it stays as long as this process runs."""
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.allowed:
            return
        if event == "open":
            path, _, flags = arguments
            writes = bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        else:
            path = arguments[0] if arguments else None
            writes = event in {
                "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.chmod",
                "subprocess.Popen", "os.system", "socket.connect",
            }  # fmt: skip
        if not writes or isinstance(path, int):
            return
        if event == "subprocess.Popen" and path == "git":  # asked for the commit
            return
        if event == "socket.connect" and self.network:
            return
        known = isinstance(path, str | bytes | Path)
        place = str(Path(_folder(event, arguments), os.fsdecode(path))) if known else "?"
        if event == "os.mkdir" and Path(place).is_dir():  # asked for in case there is none
            return
        if not place.startswith(self.allowed):
            self.outside.append(f"{event} {place}")


def _folder(event: str, arguments: tuple[Any, ...]) -> str:
    """Return the folder that a relative path of an event is in."""
    place = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 2, "os.chmod": 2, "os.rename": 2,
             "os.symlink": 2}.get(event)  # fmt: skip
    opened = -1 if place is None else arguments[place]
    return str(Path.cwd()) if opened == -1 else str(Path(f"/proc/self/fd/{opened}").readlink())


def _refuse(*_: Any, **__: Any) -> Any:
    raise ChapterError("nothing is executed here")


def output_folders(words: list[str]) -> tuple[str, ...]:
    """Return where a command line in the current folder may write: what paths may begin with."""
    places = [Path(OUTPUT)]
    for option in ("--build-dir", "--output"):
        named = [after for word, after in pairwise(words) if _means(word, option)]
        named += [word.split("=", 1)[1] for word in words if _means(word.split("=")[0], option)
                  and "=" in word]  # fmt: skip
        places += map(Path, named)
    if "sweep" in words:  # makes the folder that is to hold its output
        places += [path.parent for path in places if path.parent != Path()]
    if any(_means(word, "--update") for word in words):
        places.append(Path("reference"))
    if "notebooks" in words:
        places += [Path(name).with_suffix(".ipynb") for name in BOOK if name.startswith("book/")]
    if {"report", "notebooks"} & {*words}:  # written aside first
        places += [path.with_name(f".{path.name[:40]}.") for path in places if path.name]
    return (*(str(place.absolute()) for place in places), "/dev/null")


def _means(word: str, option: str) -> bool:
    """Whether a word is an option, or short for it."""
    return len(word) > len("--") and option.startswith(word)


def attempt(words: list[str], watch: Watch) -> tuple[str, float]:
    """Run a command line in the current folder; return what came of it, and the seconds.

    The outcome is ``exit 0``, ``exit 1`` or ``exit 2``, or begins with ``wrong``.
    """

    def alarm(_: int, __: FrameType | None) -> None:
        raise HangError

    out, err = io.StringIO(), io.StringIO()
    signal.signal(signal.SIGPROF, alarm)
    signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    signal.alarm(10 * LIMIT)
    start = time.process_time()
    watch.outside, watch.allowed = [], output_folders(words)
    watch.network = any(_means(word.split("=")[0], "--scheduler") for word in words)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code: Any = cli.main(words)
    except SystemExit as leave:
        code = leave.code
    except HangError:
        code = "hang"
    except BaseException:  # whatever it is, it is a finding
        code = f"traceback: {traceback.format_exc(limit=-4)}"
    finally:
        watch.allowed = ()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
    seconds = time.process_time() - start
    if watch.outside:
        return f"wrong: writes {watch.outside[0]}", seconds
    if code not in {0, 1, 2} or isinstance(code, bool):
        return f"wrong: {code}", seconds
    if "Traceback" in err.getvalue():
        return f"wrong: traceback on stderr: {err.getvalue()}", seconds
    if code == 2 and (out.getvalue() or not err.getvalue()):
        return f"wrong: exit 2 with {out.getvalue()!r} and {err.getvalue()!r}", seconds
    return f"exit {code}", seconds


@contextlib.contextmanager
def playground() -> Iterator[Path]:
    """Go to a folder with a small book and files for contracts, nothing of which is executed."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        root = Path(folder).resolve()
        (root / OUTPUT).mkdir()
        for name, content in BOOK.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        (root / "site/html").mkdir(parents=True)
        (root / "site/html/index.html").write_text("<title>A book</title>")
        (root / POINTS_FILE).write_bytes(POINTS)
        (root / "consortium.yaml").write_bytes(serialize(CONSORTIA[0], ".yaml"))
        (root / "sweep.yaml").write_bytes(serialize(SWEEPS[1], ".yaml"))
        best = menus()[0]
        for suffix in (".json", ".yaml"):
            (root / f"problem{suffix}").write_bytes(serialize(PROBLEMS[0], suffix))
            (root / f"menu{suffix}").write_bytes(serialize(best, suffix))
        for module, name, instead in (
            (execute, "execute_all", _refuse),
            (execute, "draw_figures", _refuse),
            (figures, "draw_figures", lambda *_, **__: {}),
            (verify, "make_all", lambda *_, **__: ({}, {})),
            (pdf, "make_pdf", _refuse),
            (build, "make_all", _refuse),
        ):
            stack.enter_context(patch.object(module, name, instead))
        # What is imported late leaves its bytecode beside it: the interpreter's files, not ours.
        stack.enter_context(patch.object(sys, "dont_write_bytecode", True))
        stack.callback(os.chdir, here)
        os.chdir(root)
        yield root


def tidy(root: Path, before: dict[Path, bytes]) -> None:
    """Make the files of a folder what they were before an input."""
    for left in (root / OUTPUT).iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    for path in root.rglob("*"):
        if path.is_file() and path not in before:
            path.unlink()
    for path, content in before.items():
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)


def run(count: int, seed: int, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Try `count` inputs, and return how they ended."""
    rng = random.Random(seed)  # noqa: S311
    watch = Watch()
    watch.install()
    outcomes = {kind: Counter[str]() for kind in KINDS}
    wrong: list[dict[str, Any]] = []
    slowest = 0.0
    seeds = {
        "problem": PROBLEMS, "menu": menus(), "consortium": CONSORTIA, "sweep": SWEEPS,
    }  # fmt: skip
    with playground() as root, warnings.catch_warnings():
        warnings.simplefilter("error")
        before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for number in range(count):
            kind = KINDS[number % len(KINDS)]
            words, name, content = draw(kind, rng, seeds.get(kind, []))
            if name:
                (root / name).write_bytes(content)
            outcome, seconds = attempt(words, watch)
            slowest = max(slowest, seconds)
            if seconds > LIMIT / 5:
                say(f"{seconds:.1f} s: {words} {content!r}")
            outcomes[kind][outcome.split(":")[0]] += 1
            if outcome.startswith("wrong"):
                wrong.append({"words": words, "name": name, "content": content.decode("latin-1"),
                              "outcome": outcome})  # fmt: skip
                say(f"{words} {content[:300]!r}\n{outcome}")
            tidy(root, before)
            if number % 1000 == 999:
                say(f"{number + 1} inputs, {len(wrong)} wrong, slowest {slowest:.1f} s")
    return {
        "inputs": count,
        "seed": seed,
        "outcomes": {kind: dict(sorted(found.items())) for kind, found in outcomes.items()},
        "slowest_seconds": round(slowest, 2),
        "limit_seconds": LIMIT,
        "wrong": wrong,
    }


def together(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the results of several runs as one."""
    parts = list(parts)
    outcomes = {kind: Counter[str]() for kind in KINDS}
    for part in parts:
        for kind, found in part["outcomes"].items():
            outcomes[kind].update(found)
    return {
        "inputs": sum(part["inputs"] for part in parts),
        "seeds": [part["seed"] for part in parts],
        "outcomes": {kind: dict(sorted(found.items())) for kind, found in outcomes.items()},
        "slowest_seconds": max(part["slowest_seconds"] for part in parts),
        "limit_seconds": LIMIT,
        "wrong": [it for part in parts for it in part["wrong"]],
    }


def main(target: Path, count: int = COUNT) -> int:
    """Write the result, with the date and the commit; return 1 if anything went wrong."""
    root = Path(__file__).parents[1]
    with ProcessPoolExecutor(len(SEEDS)) as pool:
        result = together(pool.map(run, [count // len(SEEDS)] * len(SEEDS), SEEDS))
    result |= stamp(root)
    target.write_text(json.dumps(result, indent=1) + "\n")
    return 1 if result["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:])))
