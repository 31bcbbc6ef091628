"""How fast the machine is: the two roofs of the roofline model (Williams et al., 2009)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from cnnspec.backends.numpy.threads import side_by_side
from cnnspec.bench.cost import Cost

GEMM = 1024
"""Rows and columns of the matrices whose product is timed."""

SIZES = tuple(1 << shift for shift in range(18, 29, 2))
"""Bytes that are touched by the streams that are timed: from a cache's to a memory's."""

SECONDS = 0.15
"""For each of these measurements."""


@dataclass(frozen=True)
class Machine:
    """What this machine did at best, with a number of threads."""

    threads: int
    gemm_gflops: float
    """Of a large product of matrices by NumPy's BLAS."""
    streams_gbs: tuple[tuple[int, float], ...]
    """Bytes touched, and gigabytes a second: of arrays read, negated and written elsewhere.
    Caches are faster than memory."""

    @property
    def bandwidth_gbs(self) -> float:
        """Of memory: of the largest stream."""
        return self.streams_gbs[-1][1]

    def bound(self, parts: Iterable[Cost]) -> float:
        """Return the seconds that parts of a call, one after the other, take at least.

        Each takes its arithmetic at the speed of the product, or its bytes at that of the
        largest stream that touches no more than all parts together, whichever is longer.
        """
        parts = list(parts)
        touched = sum(part.bytes for part in parts)
        speeds = [gbs for size, gbs in self.streams_gbs if size <= touched]
        at = speeds[-1] if speeds else self.streams_gbs[0][1]
        return sum(
            max(part.flops / (1e9 * self.gemm_gflops), part.bytes / (1e9 * at)) for part in parts
        )


def measure_machine(threads: int, precision: str) -> Machine:
    """Measure both roofs; takes about a second."""
    return Machine(
        threads,
        _gemm_gflops(threads, np.dtype(precision)),
        tuple((size, _stream_gbs(threads, size)) for size in SIZES),
    )


def _gemm_gflops(threads: int, dtype: np.dtype) -> float:
    random = np.random.default_rng(0)
    a, b = (random.normal(size=(GEMM, GEMM)).astype(dtype) for _ in range(2))
    product = np.empty_like(a)
    with threadpool_limits(threads):
        return 2 * GEMM**3 / _least(lambda: np.matmul(a, b, out=product)) / 1e9


def _stream_gbs(threads: int, size: int) -> float:
    shape = (threads, size // threads // 8)
    source, target = np.ones(shape, np.float32), np.zeros(shape, np.float32)
    repeats = max(1, SIZES[-1] // 4 // size)  # a small one takes less than to start a thread

    def stream(thread: int) -> None:
        for _ in range(repeats):
            np.negative(source[thread], out=target[thread])

    tasks = [partial(stream, thread) for thread in range(threads)]
    return repeats * 2 * source.nbytes / _least(lambda: side_by_side(tasks)) / 1e9


def _least(action: Callable[[], object]) -> float:
    """Return the least time of a call, in seconds: what the machine can do undisturbed."""
    action()
    found: list[float] = []
    end = time.perf_counter() + SECONDS
    while not found or time.perf_counter() < end:
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return min(found)
