"""What a process with somebody's code may use."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Mapping
from pathlib import Path

MEMORY = 4 * 2**30
"""Bytes of address space of a process."""

FILE = 2**30
"""Bytes of a file that it writes."""

TASKS = 512
"""Processes and threads, where the system counts those of a check apart."""


def limit(seconds: float, *, apart: bool) -> None:
    """Bind this process, and all that it starts. `apart` says that its processes are counted so."""
    bounds: Mapping[int, int] = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CPU: int(seconds) + 1,
        resource.RLIMIT_FSIZE: FILE,
        resource.RLIMIT_CORE: 0,
    }
    if apart:
        bounds = {**bounds, resource.RLIMIT_NPROC: TASKS}
    for which, most in bounds.items():
        _, hard = resource.getrlimit(which)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # not every system has each
            resource.setrlimit(which, (least, least))
    with contextlib.suppress(OSError):  # where memory runs out, this ends first
        Path("/proc/self/oom_score_adj").write_text("1000")
