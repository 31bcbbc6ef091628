"""Threads: how many there are, and work that runs side by side on them.

NumPy's BLAS has threads of its own, for one product at a time. The engine lets it use one, and
shares out the images instead, so that everything it does runs side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from threading import Barrier, BrokenBarrierError, Lock
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from cnnspec.trace import Array

T = TypeVar("T")


@cache
def _blas() -> list[Any]:
    """Return what sets the threads of the BLAS that NumPy has loaded; none where it cannot be."""
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


@contextmanager
def one_blas_thread() -> Iterator[int]:
    """Hold BLAS to one thread, and tell how many it had."""
    held = [(pool, threads) for pool in _blas() if (threads := pool.num_threads) > 1]
    for pool, _ in held:
        pool.set_num_threads(1)
    try:
        yield max((threads for _, threads in held), default=1)
    finally:
        for pool, threads in held:
            pool.set_num_threads(threads)


_turn = Lock()
"""One batch at a time: tasks that wait for each other need a thread each."""


@cache
def _workers(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, "cnnspec")


os.register_at_fork(after_in_child=_workers.cache_clear)


def side_by_side(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Run tasks at the same time, the first one on this thread; raise what one raises."""
    first, *others = tasks
    if not others:
        return [first()]
    with _turn:
        workers = _workers(len(others))
        futures = [workers.submit(copy_context().run, task) for task in others]
        try:
            found = [first()]
        except BrokenBarrierError:  # whoever left the meeting says why
            found = []
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
