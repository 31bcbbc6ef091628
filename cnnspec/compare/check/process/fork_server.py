"""The process that forks those with somebody's code: `main(DESCRIPTOR)`, started by forks.py.

It runs nothing of somebody's itself, so that each of its forks starts as clean as a new process.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import traceback
from typing import Any, NoReturn

import numpy as np

from cnnspec.compare.check.process import child
from cnnspec.compare.check.process.forks import NUMBER

MEMORY = 4 * 2**30
"""Bytes of address space that a process with somebody's code may take."""

LOOK = 0.005
"""Seconds between two looks at a process that runs."""


def main(descriptor: str) -> NoReturn:
    """Fork a process for each order, until the other end of the line is closed."""
    with socket.socket(fileno=int(descriptor)) as line, contextlib.suppress(ConnectionError):
        while _serve(line):
            pass
    os._exit(0)  # whoever asked waits for it, and there is nothing to tidy up


def _serve(line: socket.socket) -> bool:
    """Fork a process for one order; return whether another may follow.

    Raises:
        ConnectionError: whoever ordered has gone; the process is killed.
    """
    size, outputs, *_ = socket.recv_fds(line, NUMBER.size, 1)
    if not outputs:
        return False
    (length,) = NUMBER.unpack(size)
    order = line.recv(length, socket.MSG_WAITALL)
    if len(order) < length:
        return False
    pid = os.fork()
    if pid == 0:
        _become(json.loads(order), outputs[0], line)
    os.close(outputs[0])
    # Here too: whoever hears of the process may want to kill its group at once.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)
    try:
        line.sendall(NUMBER.pack(pid))
    except ConnectionError:
        _kill(pid)
        raise
    code = _end_of(pid, line)
    if code is None:
        return False
    line.sendall(NUMBER.pack(code))
    return True


def _kill(pid: int) -> None:
    """Kill a process and those that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _become(order: dict[str, Any], output: int, line: socket.socket) -> NoReturn:
    """Go on as the process that was ordered."""
    os.setpgid(0, 0)
    line.close()
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    np.random.seed()  # or whoever draws without a seed draws the same in each process
    try:
        child.main(order["folder"])
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)  # it never comes back to the loop that forks


def _end_of(pid: int, line: socket.socket) -> int | None:
    """Wait for the end of a process; None, and it is killed, where nobody waits for it any more."""
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if select.select([line], [], [], LOOK)[0]:  # nothing is said meanwhile but its end
            _kill(pid)
            return None
