r"""Where formulas inside a line may be broken, and what stays beside them.

MathJax sets a formula as one picture: a long one leaves a gap at the end of the line before it, and
a comma after it can begin the next line. TeX breaks formulas after relations and signs that stand
in no parentheses; so they are set here as several pictures, of which each but the last ends so.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from docutils import nodes

#: Formulas whose parts would be shorter than this, in signs that show, are not broken.
SHORT = 4
TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\s+|.", re.DOTALL)
OPENING = {"{", "(", "[", r"\{", r"\left", r"\begin", r"\lfloor", r"\lceil", r"\langle"}
CLOSING = {"}", ")", "]", r"\}", r"\right", r"\end", r"\rfloor", r"\rceil", r"\rangle"}
RELATIONS = {
    "=", "<", ">", r"\le", r"\leq", r"\ge", r"\geq", r"\ne", r"\neq", r"\in", r"\to", r"\approx",
    r"\sim", r"\mapsto", r"\equiv", r"\propto", r"\leftarrow", r"\ll", r"\gg", r"\subset",
    r"\subseteq", r"\implies", r"\iff", r"\mid",
}  # fmt: skip
SIGNS = {"+", "-", r"\cdot", r"\times", r"\pm"}
#: After these a sign belongs to what follows it.
UNARY = RELATIONS | SIGNS | {","}
#: Begins what may not begin a line.
AFTER, BEFORE = re.compile(r"[,.;:!?)\]’”%-]+"), re.compile(r"[(\[‘“]+$")


def parts(latex: str) -> list[str]:
    r"""Split a formula after its relations and signs, except in parentheses.

    >>> parts(r"F(m) = \sum_{i=1}^I p_i + q_i m_i")
    ['F(m) ={}', '\\sum_{i=1}^I p_i +{}', 'q_i m_i']
    >>> parts("x = -1"), parts(r"\min_k (a + b)")
    (['x = -1'], ['\\min_k (a + b)'])
    """
    found, part, depth, before = [], "", 0, "="
    for token in TOKEN.findall(latex):
        part += token
        depth += (token in OPENING) - (token in CLOSING)
        if token.isspace():
            continue
        ends = token in RELATIONS or (token in SIGNS and before not in UNARY)
        if ends and depth == 0 and signs(part) >= SHORT:
            found.append(part.strip() + "{}")
            part = ""
        before = token
    if depth or (found and not part.strip()):  # an interval such as [0, 1), or an open end
        return [latex]
    if found and signs(part) < SHORT:
        part = found.pop().removesuffix("{}") + part
    return [*found, part.strip() if found else part]


def signs(latex: str) -> int:
    r"""About how many signs of a formula show.

    >>> signs(r"\sum_{i=1}^I p_i"), signs("x = 1")
    (7, 3)
    """
    return sum(not it.isspace() and it not in "{}_^" for it in TOKEN.findall(latex))


def let_break(doctree: nodes.document) -> None:
    """Break formulas of the text into parts, and keep punctuation beside them."""
    for formula in list(doctree.findall(nodes.math)):
        if isinstance(formula.parent, nodes.TextElement) and not _in_title(formula):
            *rest, last = [nodes.math(it, it) for it in parts(formula.astext())]
            place = formula.parent.index(formula)
            if rest:
                formula.parent[place : place + 1] = [*rest, last]
                formula = last
            _keep_beside(formula)


def _in_title(node: nodes.Node) -> bool:
    while node := node.parent:
        if isinstance(node, nodes.title):
            return True
    return False


def _keep_beside(formula: nodes.math) -> None:
    """Put a formula and the punctuation that touches it into an element that is not broken."""
    unit: nodes.Element = formula
    while isinstance(unit.parent, nodes.reference | nodes.emphasis) and len(unit.parent) == 1:
        unit = unit.parent
    line, place = unit.parent, unit.parent.index(unit)
    after = _touching(line, place + 1, AFTER.match)
    before = _touching(line, place - 1, BEFORE.search) if place else ""
    if not after and not before:
        return
    together = nodes.inline(classes=["together"])
    line[place] = together
    together += [nodes.Text(before), unit, nodes.Text(after)]
    if after:
        line[place + 1] = nodes.Text(line[place + 1][len(after) :])
    if before:
        line[place - 1] = nodes.Text(line[place - 1][: -len(before)])


def _touching(line: nodes.Element, place: int, find: Callable[[str], re.Match[str] | None]) -> str:
    """Return what `find` finds in the text at a place in a line; nothing if there is no text."""
    text = line[place] if place < len(line) else None
    found = find(text.astext()) if isinstance(text, nodes.Text) else None
    return found[0] if found else ""
