"""Files that people hand in, read as text within bounds, and text as messages may show it."""

from __future__ import annotations

import contextlib
import os
import re
import reprlib
import select
import stat
import time
import unicodedata
from pathlib import Path

__all__ = [
    "TextError", "brief", "field_name", "file_name", "followed", "is_stream", "read_text", "shown",
    "visible",
]  # fmt: skip

#: MOST_BYTES: the largest file that is read. 100,000 measurements are some 3 MB.
MOST_BYTES = 5_000_000

#: SHOWN: characters of a cell or name that a message repeats.
SHOWN = 40

#: BRIEF: characters of a value that a message repeats.
BRIEF = 200

#: LONGEST_PATH: characters of a path that a message repeats.
LONGEST_PATH = 300

#: PATIENCE: seconds that what comes through a pipe may keep a reader waiting.
PATIENCE = 60

#: Byte order marks, and the encodings that they stand for.
MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}

#: Beginnings of files that are no text, and what they are.
MAGIC = {
    b"PK\x03\x04": "a spreadsheet or an archive: save the sheet as {}",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet: save the sheet as {}",
    b"\x1f\x8b": "compressed: unpack it first",
    b"%PDF": "a PDF file",
    b"PAR1": "a Parquet file: save it as {}",
    b"\x93NUMPY": "a NumPy file: save it as {}",
}


class TextError(ValueError):
    """A file is not text, or too large; the message says what it is, and repeats none of it."""


def read_text(
    path: Path, save_as: str = "UTF-8", most_bytes: int = MOST_BYTES, *, streams: bool = False
) -> str:
    r"""Read a file of text: UTF-8, or UTF-16 or UTF-32 with a byte order mark.

    Parameters
    ----------
    path : Path
        A regular file. What is too large is not read.
    save_as : str
        What to save the file as, for advice.
    most_bytes : int
    streams : bool
        Whether what is open already may be read: standard input as ``/dev/stdin``, or a pipe of the
        shell as ``/dev/fd/63``.

    Returns
    -------
    str
        Without the byte order mark.

    Raises
    ------
    TextError
        If it is something else.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_bytes("é".encode("utf-16"))
    ...     read_text(path)
    'é'
    """
    name = file_name(path)
    try:
        about = path.stat()
    except ValueError:  # no file can be called that
        raise TextError(f"{name} is not the name of a file") from None
    if streams and is_stream(path) and not stat.S_ISREG(about.st_mode):
        content = _read_stream(path, most_bytes + 1)
    elif not stat.S_ISREG(about.st_mode):
        raise TextError(f"{name} is not a regular file")
    elif about.st_size <= most_bytes:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    # Special files say that they are empty.
    if about.st_size > most_bytes or len(content) > most_bytes:
        raise TextError(f"{name} is larger than {most_bytes / 1e6:.0f} MB")
    for start, what in MAGIC.items():
        if content.startswith(start):
            raise TextError(f"{name} is {what.format(save_as)}")
    try:
        text = content.decode(_encoding(content))
    except UnicodeDecodeError:
        raise TextError(
            f"{name} is not UTF-8 text, but Latin-1 or some other encoding: save it as {save_as}"
        ) from None
    if "\0" in text:
        raise TextError(f"{name} is not text")
    return text


def followed(path: Path) -> Path:
    """Where a link leads, whether or not something is there; other paths as they are.

    Raises
    ------
    OSError
        If links lead in a circle.

    Examples
    --------
    >>> followed(Path("a/b")).as_posix()
    'a/b'
    """
    if not path.is_symlink():
        return path
    with contextlib.suppress(FileNotFoundError):  # what it leads to may not be there yet
        path.stat()
    return path.resolve()


def is_stream(path: Path) -> bool:
    """Whether a path names what is open already: somebody writes to it, or has.

    Examples
    --------
    >>> [is_stream(Path(it)) for it in ("/dev/stdin", "/dev/fd/63", "/dev/zero", "pipe")]
    [True, True, False, False]
    """
    return bool(re.fullmatch(r"/dev/stdin|(/dev|/proc/self)/fd/\d+", path.as_posix()))


def _read_stream(path: Path, most_bytes: int) -> bytes:
    """What comes until its end, but for what is too much, or too slow."""
    content = b""
    until = time.monotonic() + PATIENCE
    with path.open("rb", buffering=0) as file:
        while len(content) < most_bytes:
            left = until - time.monotonic()
            if not select.select([file], [], [], max(left, 0))[0]:
                raise TextError(f"{file_name(path)} did not end within {PATIENCE} s")
            if not (part := os.read(file.fileno(), min(most_bytes - len(content), 2**20))):
                break
            content += part
    return content


def _encoding(content: bytes) -> str:
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return encoding
    # Two bytes a character, without a mark: ASCII has a zero byte before or after it.
    for first, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        every_other = content[first:200:2]
        if len(every_other) > 2 and every_other.count(0) > 0.8 * len(every_other):
            return encoding
    return "utf-8"


def shown(text: str, longest: int = SHOWN) -> str:
    r"""Text as a message may show it: short, and control characters as escapes.

    Examples
    --------
    >>> shown("acc\x1b[31m")
    "'acc\\x1b[31m'"
    """
    return f"'{visible(text if len(text) <= longest else f'{text[: longest - 1]}…')}'"


def visible(text: str) -> str:
    r"""Text with everything that is no character to be seen as an escape.

    Examples
    --------
    >>> visible("a\nb\x1b[2J")
    'a\\nb\\x1b[2J'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029"
        else c.encode("unicode_escape").decode()
        for c in text
    )  # fmt: skip


def file_name(path: Path) -> str:
    """The path of a file as a message may show it.

    Examples
    --------
    >>> file_name(Path("a/points.csv"))
    'a/points.csv'
    """
    return shown(str(path), LONGEST_PATH)[1:-1]


def brief(value: object, longest: int = BRIEF) -> str:
    """A value as a message may show it: its ``repr``, of long ones the beginning and the end.

    Examples
    --------
    >>> brief("k" * 1000, 20)
    "'kkkkkkkk … kkkkkkk'"
    >>> brief([1, 2.5])
    '[1, 2.5]'
    """
    known = reprlib.Repr()
    known.maxlist = known.maxtuple = known.maxdict = known.maxset = 40
    known.maxstring = known.maxlong = known.maxother = 10 * longest
    known.maxlevel = 8
    try:
        text = known.repr(value)
    except Exception:  # an object that cannot even be shown
        text = f"a {type(value).__name__}"
    text = visible(" ".join(text.split()) if "\n" in text else text)
    if len(text) <= longest:
        return text
    half = (longest - 3) // 2
    return f"{text[: longest - 3 - half]} … {text[-half:]}"


def field_name(name: object) -> str:
    """A field as a message may name it: of a file that is none of ours nothing is repeated.

    Examples
    --------
    >>> field_name("n_partys"), field_name("root:*:20228:0:99999:7::")
    ('n_partys', 'what stands there')
    """
    return str(name) if re.fullmatch(r"[\w.-]{1,60}", str(name)) else "what stands there"
