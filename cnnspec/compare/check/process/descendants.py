"""The processes below one, as /proc shows them: what they use, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

NANOSECONDS = 1e9

LOOK = 0.002
"""Seconds between two looks at whether they have ended."""

PATIENCE = 5.0
"""Seconds that they may take to end, which is the system's work."""


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes below one, parents first."""
    for child in _children(pid):
        yield child
        yield from descendants(child)


def _children(pid: int) -> Iterator[int]:
    tasks = Path(f"/proc/{pid}/task")
    with contextlib.suppress(OSError):  # it has ended
        for task in os.listdir(tasks):  # noqa: PTH208 - four times as fast
            yield from map(int, (tasks / task / "children").read_text().split())


def end_all() -> None:
    """End all below this process, which must adopt what its descendants leave.

    They are stopped first, until there is none that is not: what forks on would be ahead.
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        stopped: set[int] = set()
        while new := set(descendants(os.getpid())) - stopped:
            for pid in new:
                _send(pid, signal.SIGSTOP)
            stopped |= new
        for pid in stopped:
            _send(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(LOOK)


def end_session(leader: int) -> None:
    """End what is left of a session whose first process has ended."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            *_, session = (place / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader:
                _send(int(place.name), signal.SIGKILL)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


@dataclass
class Use:
    """What the processes below one use, from look to look."""

    root: int
    memory: int = 0
    """Bytes that they hold, and share with no file."""
    processes: int = 0
    _looked: float = field(default_factory=time.monotonic)
    _times: dict[str, tuple[int, int]] = field(default_factory=dict)

    def look(self) -> float:
        """Look again; return for how many seconds they worked or slept since the last time.

        The time is not counted in which they would have worked, and others had the processor:
        on a busy machine they take as long as elsewhere. Where the system does not say, all
        counts.
        """
        now = time.monotonic()
        since, self._looked = now - self._looked, now
        before, self._times = self._times, {}
        self.memory = self.processes = 0
        for pid in descendants(self.root):
            self.processes += 1
            with contextlib.suppress(OSError, ValueError):  # it has ended
                self._read(pid)
        worked = waited = 0
        for task, (run, delay) in self._times.items():
            old_run, old_delay = before.get(task, (run, delay))
            worked += run - old_run
            waited += delay - old_delay
        return min(since, max(worked / NANOSECONDS, since - waited / NANOSECONDS))

    def _read(self, pid: int) -> None:
        place = f"/proc/{pid}"
        _, resident, shared, *_ = Path(f"{place}/statm").read_text().split()
        self.memory += (int(resident) - int(shared)) * PAGE
        for task in os.listdir(f"{place}/task"):  # noqa: PTH208 - as above
            run, delay, _ = Path(f"{place}/task/{task}/schedstat").read_text().split()
            self._times[task] = int(run), int(delay)
