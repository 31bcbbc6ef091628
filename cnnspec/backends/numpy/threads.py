"""Threads: how many there are, and work that runs side by side on them.

NumPy's BLAS has threads of its own, for one product at a time. The engine lets it use one, and
shares out the images instead, so that everything it does runs side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import cache
from itertools import product
from threading import Barrier, BrokenBarrierError
from typing import Any, NamedTuple, TypeVar

from threadpoolctl import ThreadpoolController

from cnnspec.backends.sharing import Turn
from cnnspec.environment import MOST_THREADS
from cnnspec.trace import Array

T = TypeVar("T")


class Blas(NamedTuple):
    """How to ask a BLAS for its number of threads, and to set it."""

    threads: Callable[[], int]
    set_threads: Callable[[int], object]
    of_each_thread: bool = False
    """Whether each thread that calls it has a number of its own, as with OpenMP."""

    @classmethod
    def of(cls, pool: Any) -> Blas:
        """Return that of a BLAS that threadpoolctl has found.

        OpenBLAS with threads of its own is told directly. threadpoolctl's calls look the names up
        each time, which is a tenth of a prediction of one image; and from 3.8 on, they do what the
        first thread that calls says, and ignore others without a word.
        """
        openmp = getattr(pool, "threading_layer", None) == "openmp"
        if pool.internal_api == "openblas" and not openmp:
            for prefix, suffix in product(("scipy_", ""), ("64_", "_64", "")):
                threads, set_threads = (
                    getattr(pool.dynlib, f"{prefix}openblas_{verb}_num_threads{suffix}", None)
                    for verb in ("get", "set")
                )
                if threads and set_threads:
                    return cls(threads, set_threads)
        return cls(pool.get_num_threads, pool.set_num_threads, of_each_thread=openmp)


@cache
def _blas() -> list[Blas]:
    """Return every BLAS that is loaded by now, NumPy's first of all; none that cannot be set."""
    return [
        Blas.of(pool) for pool in ThreadpoolController().select(user_api="blas").lib_controllers
    ]


class TurnOfAll(Turn):
    """One call of the engine at a time, whichever network is called.

    BLAS has one number of threads for the whole process, and tasks that wait for each other need
    a thread each.
    """

    def __reduce__(self) -> str:  # there is only this one
        return "TURN"


TURN = TurnOfAll()


class OneBlasThread:
    """A context that holds BLAS to one thread, and tells how many it had.

    Other threads that want to enter wait for their turn.
    """

    def __enter__(self) -> int:
        self._lock = TURN.lock
        self._lock.acquire()
        self._held: list[tuple[Blas, int]] = []
        most = 1
        for blas in _blas():
            threads = blas.threads()
            if threads > 1:
                self._held.append((blas, threads))
                blas.set_threads(1)
                most = max(most, threads)
        return most

    def __exit__(self, *error: object) -> None:
        for blas, threads in self._held:
            blas.set_threads(threads)
        self._lock.release()


@cache
def _workers() -> ThreadPoolExecutor:  # which starts them as they are needed
    return ThreadPoolExecutor(MOST_THREADS, "cnnspec", _hold_blas_here)


def _hold_blas_here() -> None:
    """Hold BLAS to one thread in a worker, where `OneBlasThread` reaches the caller's alone."""
    for blas in _blas():
        if blas.of_each_thread:
            blas.set_threads(1)


def _after_fork() -> None:
    """Forget the parent's threads: a child has none of them."""
    _workers.cache_clear()


if hasattr(os, "register_at_fork"):  # there is no forking on Windows
    os.register_at_fork(after_in_child=_after_fork)


def side_by_side(
    tasks: Sequence[Callable[[], T]], *, on_error: Callable[[], None] = lambda: None
) -> list[T]:
    """Run tasks at the same time, the first one on this thread; raise what one raises.

    `on_error` is called before the others are waited for, where one cannot be started or the
    first one fails.
    """
    first, *others = tasks
    if not others:
        return [first()]
    futures: list[Future[T]] = []
    with TURN.lock:
        try:
            for task in others:
                futures.append(_workers().submit(copy_context().run, task))
            found = [first()]
        except BrokenBarrierError:  # whoever left the meeting says why
            found = []
        except BaseException:
            on_error()
            raise
        finally:
            wait(futures)
    errors = [error for future in futures if (error := future.exception())]
    for error in errors:
        if not isinstance(error, BrokenBarrierError):
            raise error
    return found + [future.result() for future in futures]


class Meeting:
    """Where threads add up what each found in its share of the images."""

    def __init__(self, parties: int) -> None:
        self._parts: list[Any] = [None] * parties
        self._barrier = Barrier(parties)

    def total(self, party: int, part: Array) -> Array:
        """Return the sum of all parts, always in the same order."""
        self._parts[party] = part
        self._barrier.wait()
        total: Array = sum(self._parts[1:], self._parts[0])
        self._barrier.wait()  # before anybody brings the next one
        return total

    def leave(self) -> None:
        """Let nobody wait any longer: one has failed."""
        self._barrier.abort()
