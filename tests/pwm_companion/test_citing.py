"""How to cite a figure: entries that programs read, captions that LaTeX takes."""

from typing import Any

import pytest
from pybtex.database import parse_string

from pwm_companion.pages.cite import Work, figure_bibtex, figure_key, figure_ris, latex_caption

ABOUT: dict[str, Any] = {
    "id": "fig-time-types",
    "title": "Time & types, 50%",
    "version": "1.2.3",
    "author": "The authors",
    "caption": "Of $x_0$ & 50% – up to t_1",
    "source_sha256": "ab" * 32,
    "license": {"name": "CC BY 4.0"},
}


@pytest.mark.parametrize("site", ["", "https://example.org/book", "https://example.org/book/"])
def test_entries_hold_what_is_known(site: str) -> None:
    work = Work("A book", "2026", site)
    address = "https://example.org/book/figures/fig-time-types/" if site else None
    (entry,) = parse_string(figure_bibtex(ABOUT, work), "bibtex").entries.values()
    assert entry.key == figure_key(ABOUT)
    assert entry.fields["title"] == r"{Time \& types, 50\%}"
    assert entry.fields["year"] == "2026"
    assert entry.fields.get("url") == address
    assert "ab" * 32 in entry.fields["note"]
    lines = dict(line.split("  - ", 1) for line in figure_ris(ABOUT, work).splitlines())
    assert next(iter(lines)) == "TY"
    assert list(lines)[-1] == "ER"
    assert lines["TI"] == "Time & types, 50%"
    assert lines.get("UR") == address


def test_caption_for_latex_keeps_formulas_and_escapes_the_rest() -> None:
    text = latex_caption(ABOUT)
    assert r"Of $x_0$ \& 50\% -- up to t\_1" in text
    assert rf"\cite{{{figure_key(ABOUT)}}}" in text
    assert text.count("{") == text.count("}")
