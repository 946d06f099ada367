"""Tables that a reader of any kind can follow: a caption, headers with a scope, words to the left.

The names of rows stand beside those of columns, not in a second row of headers, nearly empty.

pandas writes tables for the eye. A cell of a chapter that shows one says what it shows with the
option ``:caption:``; without it the table has no caption, and the words around it have to do.
"""

from __future__ import annotations

import json
import re

from bs4 import BeautifulSoup, Tag

from ..numerals import MINUS

#: What counts as a number in a table: with sign, separators, power of ten, percent or error; also
#: in brackets.
NUMBER = re.compile(
    r"(\()?[−+-]?[\d.,]+(?:e[−+-]?\d+)?(?: ?%)?(?: ± [\d.,]+)?(?(1)\))"
    r"|\$[\d.]+ \\cdot 10\^\{-?\d+\}\$"
)
#: What stands in a column of numbers where there is none.
NO_NUMBER = {"", "–", "—", "none", "fails", "✓"}


def dress_tables(notebook: str) -> str:
    """Return an executed notebook, as JSON, whose tables have captions, scopes and alignment."""
    content = json.loads(notebook)
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            page = "".join(output.get("data", {}).get("text/html", ""))
            if "<table" in page and "dataframe" in page:
                said = cell["metadata"].get("caption", "")
                output["data"]["text/html"] = dress(page, said).splitlines(True)
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def dress(page: str, caption: str) -> str:
    """Return HTML whose tables have a caption, scopes, and the class ``words`` on cells of words.

    Parameters
    ----------
    page
        What a cell shows.
    caption
        What the table shows; empty if nobody has said it.

    Examples
    --------
    >>> table = "<thead><tr><th></th><th>a</th></tr></thead><tr><th>x</th><td>one</td></tr>"
    >>> dress(f"<table>{table}</table>", "Letters.")
    '<table><caption>Letters.</caption><thead><tr><td></td><th class="words" scope="col">a</th></tr></thead><tr><th scope="row">x</th><td class="words">one</td></tr></table>'
    """  # noqa: E501
    tree = BeautifulSoup(page, "html.parser")
    for table in tree.find_all("table"):
        if caption:
            element = tree.new_tag("caption")
            element.string = caption
            table.insert(0, element)
        _name_rows_beside_columns(table)
        add_scopes(table)
        _align(table)
        for cell in table.find_all("td"):
            text = str(cell.string or "").strip()
            if text.startswith("-") and _is_number(text):
                cell.string = MINUS + text[1:]
    return str(tree)


def add_scopes(table: Tag) -> None:
    """Say of each header of a table whether it is that of a column or of a row."""
    for header in table.find_all("th"):
        in_head = header.find_parent("thead") is not None
        if in_head and not _text(header):
            header.name = "td"  # an empty header is none
            continue
        wide = int(str(header.get("colspan", "1"))) > 1 if in_head else False
        tall = int(str(header.get("rowspan", "1"))) > 1 if not in_head else False
        kind = "col" if in_head else "row"
        header["scope"] = f"{kind}group" if wide or tall else kind


def _name_rows_beside_columns(table: Tag) -> None:
    """Put the names of rows, for which pandas makes a row, into the row of headers above it.

    Not where columns have a name in common: it stands where those of the rows would.
    """
    head, body = table.select("thead tr"), table.select_one("tbody tr")
    if len(head) < 2 or body is None:
        return
    levels = len(body.find_all("th"))
    above, names = (row.find_all(["th", "td"]) for row in head[-2:])
    if len(above) == len(names) and not any(map(_text, above[:levels] + names[levels:])):
        for blank, name in zip(above[:levels], names[:levels], strict=True):
            blank.replace_with(name.extract())
        head[-1].decompose()


def _text(cell: Tag) -> str:
    return cell.get_text().strip("\N{NO-BREAK SPACE} \n")


def _align(table: Tag) -> None:
    """Mark the cells of columns that hold words."""
    head, body = [], []
    for row in table.find_all("tr"):
        if row.find_parent("thead"):
            head.append(row.find_all(["th", "td"]))
        else:
            body.append(row.find_all("td"))
    width = max(map(len, body), default=0)
    for place in range(width):
        column = [row[place] for row in body if place < len(row)]
        if all(_is_number(cell.get_text().strip()) for cell in column):
            continue
        titles = [row[place - width] for row in head if len(row) >= width]
        for cell in (*column, *titles[-1:]):
            cell["class"] = " ".join([*cell.get_attribute_list("class"), "words"])


def _is_number(text: str) -> bool:
    return text in NO_NUMBER or NUMBER.fullmatch(text) is not None
