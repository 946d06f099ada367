"""One run at a time: what writes to a folder waits until no other run does."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

FILE = ".lock"


@contextlib.contextmanager
def alone(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other run holds the lock of `folder`, and hold it.

    Processes started with ``close_fds=False`` hold it too: what a killed run leaves behind keeps
    others waiting until it has ended.

    Parameters
    ----------
    folder
        Made if there is none.
    say
        Told if it has to wait; what it writes must not be kept in a buffer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that writes to {folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        os.set_inheritable(lock.fileno(), True)
        yield
