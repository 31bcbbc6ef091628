"""What results depend on besides the spec: versions, machine, BLAS and threads."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

MOST_THREADS = 256
"""Threads of a backend: libraries crash where the system gives them no more."""


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # there is none on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def environment() -> dict[str, Any]:
    """Return the versions of what computes; a package that is not installed is left out.

    `thread_pools` are those that are loaded: BLAS and OpenMP libraries, with their threads.
    """
    from importlib.metadata import PackageNotFoundError, version  # it takes a while to import

    found: dict[str, Any] = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count() or 1,
    }
    for package in ("cnnspec", "numpy", "torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found["thread_pools"] = _thread_pools() if "numpy" in sys.modules else []
    return found


def _thread_pools() -> list[dict[str, Any]]:
    from threadpoolctl import threadpool_info

    kept = ("user_api", "internal_api", "version", "num_threads")
    return [{key: pool[key] for key in kept} for pool in threadpool_info()]
