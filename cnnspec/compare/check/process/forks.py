"""Processes for somebody's code, forked from one that has imported what is ours, and no more.

To start Python and to import takes a hundred times what most classes take to be tried, and a
check starts anew after every crash.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cnnspec.compare.check.process.descendants import Use, end_session
from cnnspec.compare.check.process.order import NUMBER
from cnnspec.errors import BackendError

ENDED = struct.Struct("!i")
"""What the server says: how a process ended; its exit code, or minus the signal."""

STARTED = b"s"
"""What it says before: that there is one."""

ORDER, END, POINT = b"o", b"e", b"p"
"""What the server is asked for: to start a process, to end it, and to have it say where it is. Of
one that has ended meanwhile, the last two mean nothing."""

ROOT = str(Path(__file__).parents[4])
"""The folder that holds the package."""

PROGRAM = """\
import sys
sys.path.append(sys.argv[1])
from cnnspec.compare.check.process.{module} import main
main(sys.argv[2])
"""
"""Our folder comes last on the path, for no name in it to be taken for one of Python's own."""

HEADLESS = {"MPLBACKEND": "Agg", "BROWSER": "true", "OPENBLAS_NUM_THREADS": "1"}
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
"""Nobody is there to look at a window."""


class Running(Protocol):
    """A process with somebody's code."""

    use: Use
    """What it uses, with all that it has started."""

    def wait(self, timeout: float, also: socket.socket | None = None) -> int | None:
        """Return how it ended, its exit code or minus the signal; None where it runs on.

        Where something comes on `also`, no longer is waited.
        """

    def point(self) -> None:
        """Have it write down where it is."""

    def end(self) -> int:
        """End it, with all that it has started; return how it ended."""


class Forked:
    """A process that a server has forked."""

    def __init__(self, server: Server) -> None:
        self._server, self.use = server, Use(server.pid)
        self._code: int | None = None

    def wait(self, timeout: float, also: socket.socket | None = None) -> int | None:
        """Return how it ended, as `Running` says."""
        if self._code is None:
            self._code = self._server.ended(timeout, also)
        return self._code

    def point(self) -> None:
        """Have it write down where it is."""
        self._server.ask(POINT)

    def end(self) -> int:
        """End it, with all that it has started."""
        if self._code is None:
            self._server.ask(END)
            self._code = self._server.ended(None)
        assert self._code is not None
        return self._code


class Server:
    """A process that forks one for each request. It ends with the process that asks."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                _command("fork_server", theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment(),
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )

    @property
    def pid(self) -> int:
        """The process that forks."""
        return self._process.pid

    def fork(self, order: bytes, descriptors: Sequence[int]) -> Forked | None:
        """Start a process on an order; None where the server has ended.

        The descriptors are those to which it prints, tells and writes down where it is.
        """
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self._line, [ORDER], descriptors)
            self._line.sendall(NUMBER.pack(len(order)) + order)
            if self._line.recv(len(STARTED)):
                return Forked(self)
        self.close()
        return None

    def ended(self, timeout: float | None, also: socket.socket | None = None) -> int | None:
        """Wait until a process has ended, and be free for the next; None where it runs on."""
        watched = [self._line, *([] if also is None else [also])]
        if self._line not in select.select(watched, [], [], timeout)[0]:
            return None
        with contextlib.suppress(ConnectionError):
            if answer := self._line.recv(ENDED.size, socket.MSG_WAITALL):
                _free.append(self)
                code: int = ENDED.unpack(answer)[0]
                return code
        # Where there is no space of its own, somebody's code may kill the server: then nobody has
        # seen how it ended.
        self.close()
        end_session(self.pid)
        return -signal.SIGKILL

    def ask(self, what: bytes) -> None:
        """Ask for something, unless the server has ended."""
        with contextlib.suppress(ConnectionError):
            self._line.send(what)

    def close(self) -> None:
        """Let the server end, and with it what it has forked."""
        self._line.close()
        self._process.wait()


_free: list[Server] = []
"""Those that have nothing to do. Each forks one at a time, so that two threads have two."""


@atexit.register
def _close_all() -> None:
    while _free:
        _free.pop().close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free.clear)  # a line has two ends


class Started:
    """A process that is started by itself: elsewhere, libraries do not work on in a fork."""

    def __init__(self, order: bytes, descriptors: Sequence[int]) -> None:
        output, results, trace = descriptors
        self._process = subprocess.Popen(
            _command("child", f"{results},{trace}"),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(),
            start_new_session=True,
            pass_fds=[results, trace],
        )
        self.use = Use(self._process.pid)
        threading.Thread(target=self._order, args=(order,), daemon=True).start()

    def _order(self, order: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError), self._process.stdin as line:
            line.write(order)

    def wait(self, timeout: float, also: socket.socket | None = None) -> int | None:
        """Return how it ended, as `Running` says."""
        if also is not None and select.select([also], [], [], timeout)[0]:
            timeout = 0
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout)
        return None

    def point(self) -> None:
        """Have it write down where it is."""
        self._process.send_signal(signal.SIGUSR1)

    def end(self) -> int:
        """End it, with its group of processes."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()


def start(order: bytes, descriptors: Sequence[int]) -> Running:
    """Start a process with somebody's code.

    Raises:
        BackendError: none can be started.
    """
    if sys.platform != "linux":
        return Started(order, descriptors)
    while server := _idle():
        if forked := server.fork(order, descriptors):
            return forked
    if forked := Server().fork(order, descriptors):
        return forked
    raise BackendError("no process can be started for the class: see the lines above")


def _idle() -> Server | None:
    """Take a server that has nothing to do, which may have been killed meanwhile."""
    with contextlib.suppress(IndexError):  # another thread may have taken the last one
        return _free.pop()
    return None


def _command(module: str, argument: object) -> list[str]:
    # Without -P, a random.py in the caller's folder would be taken for Python's own.
    program = PROGRAM.format(module=module)
    return [sys.executable, "-P", "-c", program, ROOT, str(argument)]


def environment() -> dict[str, str]:
    """Return the environment of a process with somebody's code."""
    return {name: value for name, value in os.environ.items() if name not in SCREENS} | HEADLESS
