"""Chunks of a sweep computed on a Dask cluster, with an end to all waiting.

A scheduler that does not answer, answers something else, or has no workers is given up within
:data:`PATIENCE` seconds each; one that loses all its workers, within :data:`LONELY`. Workers must
have the same library: what another one computes is not mixed in.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from .sweep_store import Part, library_fingerprint
from .texts import brief

__all__ = ["ClusterError", "compute"]

#: PATIENCE: seconds that a scheduler has to answer, and that a first worker has to turn up.
PATIENCE = 10

#: LONELY: seconds without any worker after which a sweep that goes on is given up.
LONELY = 60

#: RETRIES: a chunk is sent to another worker when so many died over it or could not be reached.
RETRIES = 3

#: AHEAD: chunks that are handed in before they are needed.
AHEAD = 256

#: GREETING: bytes of the longest message with which a scheduler can greet.
GREETING = 100_000


class ClusterError(OSError):
    """A cluster is not fit to compute; the message says why."""


def compute(
    client: Any, work: Callable[..., Part], given: tuple[Any, ...], todo: list[int], chunk: int
) -> Iterator[tuple[int, Part]]:
    """Each chunk's start and results, as they are done on a cluster.

    Parameters
    ----------
    client : distributed.Client or str
        Or the address of a scheduler.
    work : callable
        Called there with what is given, start and stop.
    given : tuple
    todo : list of int
        The starts of the chunks.
    chunk : int

    Raises
    ------
    ImportError
        If Dask is missing.
    ValueError
        If the address is none, or what `work` raises.
    OSError
        If no scheduler answers; ClusterError if what answers is none, or it has no workers, or of
        another library; ConnectionAbortedError if the cluster is lost on the way.
    """
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise ImportError(
            "distributed is needed to compute on a cluster: pip install 'paid-with-models[sweep]'"
        ) from None
    with _connected(distributed, client) as cluster:
        _check_workers(cluster)
        waiting, futures = list(reversed(todo)), dict[Any, int]()
        try:
            lonely = time.monotonic()
            while waiting or futures:
                while waiting and len(futures) < AHEAD:
                    start = waiting.pop()
                    call = (work, *given, start, start + chunk)
                    future = cluster.submit(_with_fingerprint, *call, pure=False, retries=RETRIES)
                    futures[future] = start
                try:
                    done = _done(list(futures), PATIENCE, enough=1)
                except TimeoutError:
                    if _within(PATIENCE, cluster.nthreads):
                        lonely = time.monotonic()
                    elif time.monotonic() - lonely > LONELY:
                        raise OSError(f"no worker for {LONELY} s") from None
                    continue
                lonely = time.monotonic()
                for future in done:
                    fingerprint, part = future.result()
                    if fingerprint != library_fingerprint():
                        raise OSError("a worker has another version of the library")
                    yield futures.pop(future), part
        except (ValueError, GeneratorExit, KeyboardInterrupt):
            raise  # by the problem itself, or by who asked
        except (distributed.KilledWorker, CancelledError, Exception) as error:
            reason = str(error) if isinstance(error, OSError) else type(error).__name__
            raise ConnectionAbortedError(
                f"the cluster gave up with {len(futures) + len(waiting)} of {len(todo)} chunks to"
                f" come: {brief(reason)[1:-1]}"
            ) from error
        finally:
            with suppress(Exception):  # a scheduler that was lost
                _within(PATIENCE, lambda: cluster.cancel(list(futures)))


def _with_fingerprint(work: Callable[..., Part], *given: Any) -> tuple[str, Part]:
    return library_fingerprint(), work(*given)


@contextmanager
def _connected(distributed: Any, client: Any) -> Iterator[Any]:
    """The client itself, or one of an address, which is closed at the end."""
    if not isinstance(client, str):
        if not isinstance(client, distributed.Client):
            raise ValueError(
                f"client must be a Dask client, or the address of a scheduler; got {brief(client)}"
            )
        yield client
        return
    host, port = scheduler_address(client)
    _check_greeting(host, port)
    try:
        connected = _within(
            2 * PATIENCE, lambda: distributed.Client(client, timeout=f"{PATIENCE}s")
        )
    except Exception as error:  # whatever the other side makes Dask raise
        raise ClusterError(f"no Dask scheduler answers: {type(error).__name__}") from error
    try:
        yield connected
    finally:
        with suppress(Exception):
            _within(PATIENCE, lambda: connected.close(timeout=PATIENCE / 2))


def scheduler_address(client: str) -> tuple[str, int]:
    """Host and port of the address of a scheduler.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> scheduler_address("tcp://127.0.0.1:8786")
    ('127.0.0.1', 8786)
    """
    if not isinstance(client, str):
        raise ValueError(
            f"client must be the address of a scheduler, tcp://HOST:PORT; got {brief(client)}"
        )
    try:
        where = urlsplit(client)
        host, port = where.hostname, where.port
    except ValueError:
        host, port = None, None
    if not host or not port or where.scheme != "tcp" or not _can_be_host(host):
        raise ValueError(
            f"client must be the address of a scheduler, tcp://HOST:PORT; got {brief(client)}"
        )
    return host, port


def _can_be_host(host: str) -> bool:
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return "\0" not in host


def _check_greeting(host: str, port: int) -> None:
    """A scheduler greets with a short message; nothing else is let near Dask.

    Dask would wait for ever, or set aside the memory for whatever length is announced.
    """
    end = time.monotonic() + PATIENCE
    with socket.create_connection((host, port), timeout=PATIENCE) as connection:
        header = _received(connection, 8, end)
        (length,) = struct.unpack("<Q", header)
        if length > GREETING or b"pickle-protocol" not in _received(connection, length, end):
            raise ClusterError("what answers is no Dask scheduler")


def _received(connection: socket.socket, length: int, end: float) -> bytes:
    content = b""
    while len(content) < length:
        connection.settimeout(max(end - time.monotonic(), 0.01))
        if not (more := connection.recv(length - len(content))):
            raise ClusterError("what answers is no Dask scheduler")
        content += more
    return content


def _check_workers(cluster: Any) -> None:
    """Some worker must be there, and those that are must have this very library."""
    try:
        cluster.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise ClusterError(f"the scheduler has no workers after {PATIENCE} s") from None
    workers = list(_within(PATIENCE, cluster.nthreads))
    asked = {
        cluster.submit(
            library_fingerprint, workers=[worker], allow_other_workers=False, pure=False
        ): worker
        for worker in workers
    }
    try:
        done = _done(list(asked), PATIENCE, enough=len(asked))
        found = {future.result() for future in done}
    except TimeoutError:  # busy ones are asked with every chunk
        return
    except Exception as error:
        raise ClusterError(
            f"a worker has another version of the library, or none: {type(error).__name__}"
        ) from error
    if found != {library_fingerprint()}:
        raise ClusterError("a worker has another version of the library")


def _done(futures: list[Any], seconds: float, enough: int) -> list[Any]:
    """Those that are done, when so many are; TimeoutError if that takes longer.

    Dask's own waiting asks the client that was made last, which may be somebody else's.
    """
    end = time.monotonic() + seconds
    while len(done := [future for future in futures if future.done()]) < enough:
        if time.monotonic() > end:
            raise TimeoutError(f"no answer within {seconds} s")
        time.sleep(0.02)
    return done


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """What a call returns, or TimeoutError if it takes longer."""
    answers: list[Any] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # raised below, where it is waited for
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)  # does not keep the process alive
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds} s")
    return answers[0]
