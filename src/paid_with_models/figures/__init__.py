"""The figures of record, one file a chapter: tables are computed, then drawn.

What draws takes one result, a contract or a table, and returns the figure and the table behind it.
What its columns are, and their units, stands in ``book/figures.yml``; the numbers that texts about
the figure need are in ``table.attrs["numbers"]``.
"""
