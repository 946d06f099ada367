"""Tables as pandas makes them, and as pages show them."""

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from pwm_companion.book.tables import dress


def heads(page: str) -> list[list[str]]:
    """Return the texts of the rows of headers."""
    rows = BeautifulSoup(dress(page, ""), "html.parser").select("thead tr")
    return [[cell.get_text().strip() for cell in row.find_all(["th", "td"])] for row in rows]


@pytest.mark.parametrize("styled", [False, True])
def test_names_of_rows_stand_beside_those_of_columns(styled: bool) -> None:
    table = pd.DataFrame({"a": [1, 2], "b": [3, 4]})

    def shown(frame: pd.DataFrame) -> str:
        return str(frame.style.to_html() if styled else frame.to_html())

    assert heads(shown(table)) == [["", "a", "b"]]
    assert heads(shown(table.rename_axis("type"))) == [["type", "a", "b"]]
    two = table.set_index(pd.MultiIndex.from_tuples([("x", 1), ("x", 2)], names=[None, "type"]))
    assert heads(shown(two)) == [["", "type", "a", "b"]]
    assert "type" in dress(shown(two), "").partition('scope="col"')[2]


@pytest.mark.parametrize("styled", [False, True])
def test_rows_of_headers_that_say_something_stay(styled: bool) -> None:
    table = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["rule"], ["a", "b"]]))
    named = pd.DataFrame({"a": [1]}).rename_axis("row").rename_axis(columns="column")
    for frame in (table, named):
        page = frame.style.to_html() if styled else frame.to_html()
        assert len(heads(page)) == 2


def test_powers_of_ten_are_numbers() -> None:
    table = pd.DataFrame({"few": ["20", r"$2 \cdot 10^{7}$"], "many": ["none", "a word"]})
    cells = BeautifulSoup(dress(table.to_html(), ""), "html.parser").select("td.words")
    assert [cell.get_text() for cell in cells] == ["none", "a word"]
