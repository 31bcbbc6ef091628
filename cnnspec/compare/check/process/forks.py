"""Processes for somebody's code, forked from one that has imported what is ours, and no more.

To start Python and to import takes a hundred times what most classes take to be tried, and a
check starts anew after every crash.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

from cnnspec.errors import BackendError

NUMBER = struct.Struct("!i")
"""What is said on the line: the length of an order; the process; how it ended."""

ROOT = str(Path(__file__).parents[4])
"""The folder that holds the package."""

PROGRAM = """\
import sys
sys.path.append(sys.argv[1])
from cnnspec.compare.check.process.{module} import main
main(sys.argv[2])
"""
"""Our folder comes last on the path, for no name in it to be taken for one of Python's own."""


class Forked:
    """A process with somebody's code; what `subprocess.Popen` would be, as far as it is needed."""

    def __init__(self, server: Server, pid: int) -> None:
        self._server, self.pid = server, pid
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended: its exit code, or minus the signal.

        Raises:
            subprocess.TimeoutExpired: it runs on.
        """
        if self.returncode is None:
            self.returncode = self._server.ended(self.pid, timeout)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Server:
    """A process that forks one for each request. It ends with the process that asks."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                _command("fork_server", theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )

    def fork(self, folder: Path, output: int) -> Forked | None:
        """Start a process on a folder, which prints to a pipe; None where the server has ended."""
        said = {"folder": str(folder), "cwd": str(Path.cwd()), "environment": _environment()}
        order = json.dumps(said).encode()
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self._line, [NUMBER.pack(len(order))], [output])
            self._line.sendall(order)
            if answer := self._line.recv(NUMBER.size):
                return Forked(self, *NUMBER.unpack(answer))
        self.close()
        return None

    def ended(self, pid: int, timeout: float | None) -> int:
        """Wait until a process has ended, and be free for the next."""
        if not select.select([self._line], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(pid), timeout or 0)
        with contextlib.suppress(ConnectionError):
            if answer := self._line.recv(NUMBER.size):
                _free.append(self)
                code: int = NUMBER.unpack(answer)[0]
                return code
        # Somebody's code may kill its parent: then nobody has seen how it ended.
        self.close()
        return -signal.SIGKILL

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


def start(folder: Path, output: int) -> Forked | subprocess.Popen[bytes]:
    """Start a process with somebody's code; it reads its request in a folder and prints to a pipe.

    Raises:
        BackendError: none can be started.
    """
    if sys.platform != "linux":  # elsewhere, libraries do not work on in a process that is forked
        return subprocess.Popen(
            _command("child", folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )
    while server := _idle():
        if forked := server.fork(folder, output):
            return forked
    if forked := Server().fork(folder, output):
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


def _environment() -> dict[str, str]:
    return dict(os.environ, OPENBLAS_NUM_THREADS="1")
