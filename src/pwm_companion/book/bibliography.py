"""The bibliography, with labels like those in the text: authors and year.

The styles of pybtex have keys such as [KGJ22], which nobody finds who has read "Karimireddy et al.,
2022".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx

NAME = "author_year"


class AuthorYearLabels(BaseLabelStyle):  # type: ignore[misc]
    """Labels of a bibliography's entries."""

    def format_labels(self, entries: Iterable[Any]) -> list[str]:
        r"""Return a label for each entry; those that are the same get a letter.

        Parameters
        ----------
        entries : iterable of pybtex.database.Entry
            With authors and years.

        Examples
        --------
        >>> from pybtex.database import Entry, Person
        >>> def work(*authors):
        ...     persons = {"author": [Person(name) for name in authors]}
        ...     return Entry("article", [("year", "2005")], persons)
        >>> works = work("Monz{\\'o}n, L."), work("A, B", "C, D"), work("A, B", "C, D")
        >>> AuthorYearLabels().format_labels(works)
        ['Monzón, 2005', 'A and C, 2005a', 'A and C, 2005b']
        """
        labels = [f"{authors(entry)}, {entry.fields['year']}" for entry in entries]
        several, used = Counter(labels), Counter[str]()
        for place, label in enumerate(labels):
            if several[label] > 1:
                labels[place] = label + "abcdefgh"[used[label]]
                used[label] += 1
        return labels


def authors(entry: Any) -> str:
    """Return the last names of a work's authors as the text has them: of three or more the first.

    Parameters
    ----------
    entry : pybtex.database.Entry

    Examples
    --------
    >>> from pybtex.database import Entry, Person
    >>> authors(Entry("book", persons={"author": [Person("van der Berg, A.")]}))
    'van der Berg'
    """
    names = [
        " ".join(str(part) for part in [*person.rich_prelast_names, *person.rich_last_names])
        for person in entry.persons["author"]
    ]
    return names[0] + " et al." if len(names) > 2 else " and ".join(names)


class AuthorYearStyle(Style):  # type: ignore[misc]
    """Entries in alphabetic order, with these labels."""

    default_label_style = AuthorYearLabels
    default_sorting_style = "author_year_title"


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the style known by its name."""
    register_plugin("pybtex.style.formatting", NAME, AuthorYearStyle)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
