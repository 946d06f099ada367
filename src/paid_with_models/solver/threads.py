"""One thread for linear algebra while a problem is solved.

Its matrices are small: handing parts of them to other threads, and waiting for these on a machine
that has other work, takes longer than the arithmetic.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

__all__ = ["one_thread"]


def one_thread() -> AbstractContextManager[Any]:
    """Keep NumPy's BLAS at one thread, and leave it as it was found.

    The limit is the whole process's, and of solves that overlap the first sets it.

    Examples
    --------
    >>> with one_thread():
    ...     all(pool["num_threads"] == 1 for pool in _pools().info())
    True
    """
    limit: AbstractContextManager[Any] = _pools().limit(limits=1)
    return limit


@lru_cache(maxsize=1)
def _pools() -> Any:
    """What is found once, by whoever solves first."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
