"""What is said of figures is true of the tables behind them: see `claims.CLAIMS`."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from pwm_companion.figures.registry import load_registry

from .claims import CLAIMS, Claim
from .conftest import ROOT

#: Words that claim something of all of a figure, or of its extremes.
STRONG = re.compile(
    r"\b(?:hardly|never|always|nobody|everybody|throughout|nearly|mostly|by far|largest|lowest)\b",
    re.IGNORECASE,
)

#: Sentences of captions and alternative texts with such a word that claim nothing of the table:
#: they say what is drawn, or their numbers are computed with the figure.
NO_CLAIM = {
    "fig-promise": ["falling as the promise rises, and still large"],
    "fig-unit-prices": ["the lower ones nearly so"],
    "fig-two-type-contract-maps": ["two regions of nearly uniform color"],
    "fig-logit": ["everybody has to take an option"],
    "fig-pilot-fits": ["always answering with the largest class", "of the largest size measures"],
    "fig-prediction-errors": ["times the largest size that the fit saw"],
    "fig-pilot-contracts": ["whose largest size is"],
    "fig-contract-map": ["divided by nearly straight borders"],
    "fig-surplus": ["the largest surplus is"],
    "fig-counter-example": ["rises to its largest value at"],
    "fig-split-errors": ["from the largest gain to the largest loss"],
    "fig-responding-caps": [
        "no party gives more than a largest quota",
        "against the largest quota",
    ],
}


@pytest.fixture(scope="module")
def tables(site: Path) -> dict[str, pd.DataFrame]:
    return {it.stem: pd.read_csv(it) for it in sorted((site / "figures").glob("*/fig-*.csv"))}


@pytest.fixture(scope="module")
def words(chapter_pages: dict[str, BeautifulSoup]) -> dict[str, str]:
    """The texts of the pages, captions and alternative texts included."""
    found = {}
    for name, page in chapter_pages.items():
        alts = [str(image.get("alt", "")) for image in page.select("article img")]
        found[name.removesuffix(".html")] = " ".join(
            " ".join([page.find("article").get_text(" "), *alts]).split()
        ).replace(" ,", ",")
    return found


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda it: f"{it.figure}: {it.words}")
def test_claim(claim: Claim, tables: dict[str, pd.DataFrame], words: dict[str, str]) -> None:
    assert claim.words in words[claim.page], "nobody claims that any more"
    assert claim.holds(tables[claim.figure])


def test_numbers_of_the_chapter_on_bunching_are_of_contributions(
    words: dict[str, str], tables: dict[str, pd.DataFrame]
) -> None:
    """What types are asked for as type 1 becomes more frequent: the text against the table."""
    table = tables["fig-bunching"]
    asked = table[table["along"] != "cost of type 2"].pivot_table("contribution", "at", "type")
    said = re.search(
        r"Up to a share of ([\d.]+) type 1 is asked.*? up to (\d+) and (\d+) percent less.*?"
        r" from ([\d.]+) on, where .*? from ([\d.]+) on all types do",
        words["book/bunching"],
    )
    assert said is not None
    still, less_2, less_3, joined, pooled = map(float, said.groups())
    at = asked.index.to_numpy()
    moves = (asked[1] / asked[1].iloc[0] - 1).abs().to_numpy() > 1e-6
    assert not moves[at < still + 1e-9].any()
    assert moves[at > still + 1e-9].all()
    for kind, less in ((2, less_2), (3, less_3)):
        before = asked[kind][at < still + 1e-9]
        assert 100 * (1 - before.min() / before.iloc[0]) == pytest.approx(less, abs=0.5)
    for both, begins in ((asked[[1, 2]], joined), (asked, pooled)):
        alike = np.ptp(both.to_numpy(), axis=1) < 1e-6
        assert at[alike].min() == pytest.approx(begins)


def test_a_claim_fails_where_the_table_is_turned_round(tables: dict[str, pd.DataFrame]) -> None:
    """Checks that cannot fail check nothing: most notice that a table's numbers are shuffled."""
    noticed = 0
    for claim in CLAIMS:
        table = tables[claim.figure].copy()
        for number, name in enumerate(table.select_dtypes("number").columns):
            values = table[name].sample(frac=1, random_state=number).to_numpy()
            table[name] = values[::-1]
        try:
            noticed += not claim.holds(table)
        except (KeyError, ValueError, IndexError):
            noticed += 1
    assert noticed >= 0.85 * len(CLAIMS)


def sentences() -> Iterator[tuple[str, str]]:
    for record in load_registry(ROOT).values():
        for text in (record.caption, record.alt):
            for sentence in re.split(r"(?<=[.;:])\s+", text):
                if STRONG.search(re.sub(r"\{\{.*?\}\}", "", sentence)):
                    yield record.id, sentence


def test_strong_words_in_captions_are_claims() -> None:
    """Whoever writes "hardly" or "by far" under a figure adds a claim."""
    missing = []
    for name, sentence in sentences():
        claimed = [it.words for it in CLAIMS if it.figure == name.removesuffix("-maps")]
        known = [*claimed, *NO_CLAIM.get(name, [])]
        if not any(it in sentence or sentence.rstrip(".;:") in it for it in known):
            missing.append(f"{name}: {sentence}")
    assert missing == [], "\n".join(missing)
