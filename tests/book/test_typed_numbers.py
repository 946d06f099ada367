"""No number is typed in the prose that the results also hold: such numbers are inserted.

Read are the texts as written: the markdown of the executed notebooks, where inserted numbers are
still roles such as ``{glue:text}`gap:.0e```, and captions and alternative texts in the cells and in
the registry of figures, where they are placeholders. Code and references are left out.

Results are the numbers that a chapter glues and those in its tables. A typed number is compared
with them to the digits typed: "56" is found where a result is 56.3.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup

from .conftest import ROOT

NUMERAL = re.compile(
    r"(?<![\w.^{}-])(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?![\w}]|\.\d)"
)

# Numbers that name a thing and say nothing of a result: type 1, types 3–5, option 2, Proposition 2,
# NumPy 2, the items of a list, condition (3).
NAME = re.compile(
    r"\b(?:types?|options?|parts?|proposition|numpy|python) \d+"
    r"(?:(?:[–, ]| and | to | or )+\d+)*"
    r"|^ *\d+\. |\(\d\)",
    re.IGNORECASE | re.MULTILINE,
)

# Numbers that define a setting, by page; a table repeats them, or a result happens to be the same.
ALLOWED: dict[str, dict[str, str]] = {
    "book/beyond/pilot": {
        "0.01": "a cost that defines an exercise",
        "0.02": "a cost that defines an exercise",
        "2": "by how much a pilot is shorter than the whole curve",
        "3": "the miss, in points, from which a fit is flagged",
        "4": "by how much a pilot is shorter than the whole curve",
        "8": "by how much a pilot is shorter than the whole curve",
        "90": "the level of the band, in percent",
        "100": "what a perfect model is worth",
    },
    "book/beyond/responsive": {"50": "worked out by hand, in an example"},
    "book/introduction": {"1": "columns of the cards, on a phone"},
    "book/beyond/many_problems": {"0.2": "a cost that defines an exercise"},
    "book/beyond/real_models": {
        "1": "in the name of the rule, 1-nearest-neighbor",
        "0": "where every fitted curve starts",
        "3": "the penalty of the ridge regression",
        "14": "the size of a digit's picture, in pixels",
    },
    "book/benchmarks": {
        "2,000": "the limit of iterations that the published method is given",
        "10": "sizes of problems",
        "100": "sizes of problems; the value of a perfect model",
        "1,000": "sizes of problems",
        "1": "sizes of problems",
        "60": "sizes of problems",
        "0.02": "the end of an interval that random costs are drawn from",
        "3": "the end of an interval that random costs are drawn from",
    },
    "book/beyond/combinatorial_barrier": {
        "0": "an end of an interval, in a proof",
        "1": "a probability of one half, which defines an exercise; the median of the costs",
    },
    "book/experiments/overview": {
        "0.4": "defines the counter-example",
        "0.6": "defines the counter-example",
    },
    "book/first_moment": {
        "0.01": "worked out by hand, in an exercise's solution",
        "0.2": "a cost that defines an exercise",
    },
    "book/motivation": {
        "0.7": "an accuracy that the text asks about",
        "0.8": "an accuracy that the text asks about",
        "0.9": "a cost that defines the example of a kink",
        "0.04": "defines the example of two cheap parties and a costly one",
        "0.1": "defines the example of two cheap parties and a costly one",
        "250": "where the example begins",
    },
    "book/replication": {
        "0": "an end of an axis",
        "1": "what probabilities sum to",
        "4": "a constant of the formula",
    },
    "book/bunching": {"0.1": "worked out by hand, in an exercise's solution"},
}


def as_written(markdown: str) -> str:
    """Return the text without code, options, references and formulas, each replaced by a dot."""
    patterns = [
        r"^```\w+\n(?s:.*?)^```$",  # code
        r"^:[\w-]+:.*$|^\([\w-]+\)=$|<!--(?s:.*?)-->",  # options, labels, comments
        r"^[`~]{3,}\{.*$",  # directives with their arguments
        r"Runs in about \d+ (?:s|minutes)",  # what the build puts in
        r"\{[\w:]+\}`[^`]*`|`[^`]*`|\]\([^)]*\)|\{\{[^{}]*\}\}",  # roles, code, links, placeholders
        r"\$\$(?s:.*?)\$\$|\$[^$]*\$",  # formulas
    ]
    for pattern in patterns:
        markdown = re.sub(pattern, "·", markdown, flags=re.MULTILINE)
    return NAME.sub("·", markdown)


def formulas(markdown: str) -> str:
    """Return the formulas alone."""
    return "\n".join(re.findall(r"\$\$(?s:.*?)\$\$|\$[^$]*\$", markdown))


def numerals(text: str) -> Iterator[tuple[str, str]]:
    """Yield each number as typed, and the words around it."""
    for match in NUMERAL.finditer(text):
        around = text[max(0, match.start() - 40) : match.end() + 25]
        yield match[0], " ".join(around.split())


def texts(notebook: dict[str, Any]) -> Iterator[str]:
    """Yield what is written in a notebook, captions and alternative texts included."""
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and 'class="provenance"' not in source:
            yield source
        yield cell["metadata"].get("caption", "")
        drawn = any("figure" in output.get("metadata", {}) for output in cell.get("outputs", []))
        if drawn or re.search(r'\bshow\(\s*"fig-', "".join(cell["source"])):
            continue  # captions from the registry have their numbers inserted by now
        shown = cell["metadata"].get("mystnb", {})
        yield shown.get("figure", {}).get("caption", "")
        yield shown.get("image", {}).get("alt", "")


def results(notebook: dict[str, Any]) -> dict[str, float]:
    """Return the numbers that a notebook glues, and those in its tables, by where they stand."""
    found = {}
    for position, cell in enumerate(notebook["cells"]):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if name := output.get("metadata", {}).get("scrapbook", {}).get("name"):
                text = "".join(data.get("application/papermill.record/text/plain", ""))
                if re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", text):
                    found[name] = float(text)
                continue
            table = BeautifulSoup("".join(data.get("text/html", "")), "html.parser")
            for number, entry in enumerate(table.select("td")):
                for typed, _ in numerals(entry.get_text(" ")):
                    found[f"table in cell {position}, entry {number}"] = value(typed)
    return found


def value(typed: str) -> float:
    return float(typed.replace(",", ""))


def same(typed: str, result: float) -> bool:
    """Whether a result, rounded to the digits typed, is the number typed."""
    decimals = len(typed.partition(".")[2])
    return f"{value(typed):.{decimals}f}" == f"{abs(result):.{decimals}f}"


@pytest.fixture(scope="module")
def chapters(site: Path) -> dict[str, dict[str, Any]]:
    sources = site.parent / "stage"  # in downloads, numbers are filled in
    return {
        file.relative_to(sources).with_suffix("").as_posix(): json.loads(file.read_text())
        for file in sorted(sources.rglob("*.ipynb"))
    }


def registered(page: str) -> Iterator[str]:
    """Yield captions and alternative texts that the registry of figures has for a page."""
    file = ROOT / "book/figures.yml"
    figures = yaml.safe_load(file.read_text())["figures"] if file.is_file() else {}
    for figure in figures.values():
        if figure["chapter"] == page:
            yield from (figure["caption"], figure["alt"])


def find_typed(written: Iterable[str], held: dict[str, float]) -> Iterator[tuple[str, str]]:
    """Yield each number that is typed though it is among the results `held`, and where."""
    for text in written:
        # In formulas single digits are indices and exponents.
        in_formulas = [it for it in numerals(formulas(text)) if len(it[0]) > 1]
        for typed, around in (*numerals(as_written(text)), *in_formulas):
            names = [name for name, result in held.items() if same(typed, result)]
            if names:
                yield typed, f"{typed} in '...{around}...' is {names[0]}"


def without_need(
    exceptions: Iterable[str], written: Iterable[str], held: dict[str, float]
) -> set[str]:
    """Return the exceptions without which nothing more would be found."""
    return {*exceptions} - {typed for typed, _ in find_typed(written, held)}


def test_no_number_is_typed_that_results_hold(chapters: dict[str, dict[str, Any]]) -> None:
    assert sum(len(results(notebook)) for notebook in chapters.values()) > 1000
    found = [
        f"{page}: {line}"
        for page, notebook in chapters.items()
        for typed, line in find_typed((*texts(notebook), *registered(page)), results(notebook))
        if typed not in ALLOWED.get(page, {})
    ]
    assert found == [], "\n".join(found)


def test_every_exception_is_needed(chapters: dict[str, dict[str, Any]]) -> None:
    idle = {
        page: without_need(
            reasons, (*texts(chapters[page]), *registered(page)), results(chapters[page])
        )
        for page, reasons in ALLOWED.items()
    }
    assert {page: sorted(numbers) for page, numbers in idle.items() if numbers} == {}


def test_an_exception_for_what_is_typed_and_no_result_is_not_needed() -> None:
    held = {"zero": 56.31, "years": 12.0}
    written = ["about 56 units of 57, in $x_0 = 56$ and $y = 12$", "58"]
    assert without_need(["56", "57", "12", "99"], written, held) == {"57", "99"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("about 56 units of data", True),
        ("an accuracy of .865", True),
        ("1,234 outcomes", True),
        ("up to $x_0 = 56.3$ units", True),
        ("about {glue:text}`zero:.0f` units of data", False),
        ("about {{ zero:.0f }} units of data", False),
        ("types 56 and 57, and option 56", False),
        ("`m[56]`, $m_{56}$ and {cite:p}`somebody56`", False),
        ("57 units of data", False),
    ],
)
def test_typed_numbers_are_found(text: str, found: bool) -> None:
    held = {"zero": 56.31, "accuracy": 0.8651, "outcomes": 1234.0}
    assert bool(list(find_typed([text], held))) is found
