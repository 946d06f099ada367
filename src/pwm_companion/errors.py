"""How things go wrong: the two exit codes of ``pwm`` that are not "done"."""

from __future__ import annotations


class BookError(Exception):
    """Something that was given is not as it must be; the message says what and where. Code 2."""


class WorkError(Exception):
    """Something could not be done; the message says what, and why. Code 1."""


class InputError(BookError):
    """A file does not state what it must; the message says which field, and why."""
