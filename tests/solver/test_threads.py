"""BLAS has one thread while problems are solved, and as many as before afterwards."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  # brings a BLAS of its own
from threadpoolctl import threadpool_info, threadpool_limits

from paid_with_models import GeneralizationBound, Problem, solve
from paid_with_models.solver import routes
from paid_with_models.solver.threads import one_thread


def threads() -> set[int]:
    """Numbers of threads of all BLAS libraries."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture
def several() -> Iterator[set[int]]:
    """What is found before: three threads, and one where a library has no more (as that of SCS)."""
    if not threads():
        pytest.skip("a BLAS whose threads cannot be told")
    solve(Problem(3, [1.0], [0.1], GeneralizationBound()))  # loads all libraries
    with one_thread():  # found before the limits are set
        pass
    with threadpool_limits(limits=3, user_api="blas"):
        found = threads()
        assert {3} <= found <= {1, 3}
        yield found


def test_solving_takes_one_thread(several: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    run = routes.run

    def watched(*arguments: object) -> object:
        seen.append(threads())
        return run(*arguments)

    monkeypatch.setattr(routes, "run", watched)
    solve(Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    assert seen == [{1}]
    assert threads() == several


def test_an_error_leaves_what_was_found(several: set[int]) -> None:
    def fails() -> None:
        with one_thread():
            raise np.linalg.LinAlgError

    with pytest.raises(np.linalg.LinAlgError):
        fails()
    assert threads() == several


def test_solves_that_overlap_leave_what_the_first_found(several: set[int]) -> None:
    """The first to begin is the first to end: the second must not bring back its one thread."""
    second_began, first_ended = threading.Event(), threading.Event()

    def second() -> None:
        with one_thread():
            second_began.set()
            assert first_ended.wait(10)

    other = threading.Thread(target=second)
    with one_thread():
        other.start()
        assert second_began.wait(10)
        assert threads() == {1}
    first_ended.set()
    other.join(10)
    assert threads() == several
