"""Formulas of the text break where TeX breaks them, and punctuation stays beside them."""

import pytest
from docutils import nodes
from docutils.utils import new_document

from pwm_companion.book.formulas import let_break, parts


@pytest.mark.parametrize(
    "latex",
    [
        "x = -1",  # short
        r"\frac{a + b + c + d}{e = f}",
        r"\left( a + b + c + d \right)",
        "(m_1 + m_2 + m_3, 0)",
        "[x_t + y, 1)",  # an interval that ends otherwise than it begins
        r"\text{if } \{x = y + z + w\}",
        "S_{i = 1}^{n + 1}",
    ],
)
def test_what_stands_together_is_not_broken(latex: str) -> None:
    assert parts(latex) == [latex]


@pytest.mark.parametrize(
    "latex",
    [
        r"u_i = t_i - c_i m_i \ge f_i",
        r"\hat F(m) \le \min_k \hat F(x^k) + \nabla \hat F(x^k) \cdot (m - x^k)",
        r"c_1 \ge c_2 \ge \cdots \ge c_I > 0",
    ],
)
def test_parts_are_the_formula(latex: str) -> None:
    found = parts(latex)
    assert len(found) > 1
    assert all(it.endswith("{}") for it in found[:-1])
    joined = "".join(it.removesuffix("{}") for it in found)
    assert joined.replace(" ", "") == latex.replace(" ", "")


def paragraph(*content: nodes.Node) -> nodes.document:
    document = new_document("")
    document += nodes.paragraph("", "", *content)
    return document


def together(document: nodes.document) -> list[str]:
    return [it.astext() for it in document.findall(nodes.inline) if "together" in it["classes"]]


def test_punctuation_stays_with_its_formula() -> None:
    document = paragraph(nodes.Text("On ("), nodes.math("", "x"), nodes.Text("), then "))
    let_break(document)
    assert together(document) == ["(x),"]
    assert document.astext() == "On (x), then "


def test_punctuation_stays_with_a_linked_symbol_and_a_last_part() -> None:
    link = nodes.reference("", "", nodes.math("", "x"), refuri="#")
    formula = nodes.math("", r"F(m) = \sum_i m_i")
    document = paragraph(link, nodes.Text(", and "), formula, nodes.Text("."))
    let_break(document)
    assert together(document) == ["x,", r"\sum_i m_i."]
    assert [it.astext() for it in document.findall(nodes.math)][1:] == [
        "F(m) ={}",
        r"\sum_i m_i",
    ]


def test_titles_are_left_alone() -> None:
    document = new_document("")
    document += nodes.title("", "", nodes.math("", r"F(m) = \sum_i m_i"), nodes.Text(", so"))
    before = document.pformat()
    let_break(document)
    assert document.pformat() == before
