"""What processes use: the time that others had the processor is not theirs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cnnspec.compare.check.process.descendants import Use, descendants

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")

PINNED = "import os, time\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
SPINS = PINNED + "print(flush=True)\nwhile True: pass"
SLEEPS = "import time\nprint(flush=True)\ntime.sleep(60)"
BELOW = "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', sys.argv[1]])"


@contextmanager
def running(*program: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-S", "-c", *program]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout is not None
            started.stdout.readline()
            yield started
        finally:
            for pid in (*descendants(started.pid), started.pid):
                os.kill(pid, 9)


def share(pid: int) -> float:
    """Return which share of half a second all below a process used."""
    use = Use(pid)
    use.look()
    began, total = time.monotonic(), 0.0
    while time.monotonic() - began < 0.5:
        time.sleep(0.02)
        total += use.look()
    assert use.processes == 1
    assert use.memory > 2**20
    return total / (time.monotonic() - began)


def test_waiting_for_the_processor_is_no_use_of_it() -> None:
    with running(SPINS), running(SPINS), running(SPINS), running(BELOW, SPINS) as looked_at:
        assert share(looked_at.pid) < 0.6


def test_sleeping_counts() -> None:
    with running(BELOW, SLEEPS) as looked_at:
        assert share(looked_at.pid) > 0.8
