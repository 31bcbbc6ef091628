"""The process that forks those with somebody's code: `main(DESCRIPTOR)`, started by forks.py.

It runs nothing of somebody's itself, so that each of its forks starts as clean as a new process.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import traceback
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from cnnspec.compare.check.process import child, limits, namespace
from cnnspec.compare.check.process.descendants import end_all
from cnnspec.compare.check.process.forks import END, ENDED, POINT, STARTED
from cnnspec.compare.check.process.init import STATUS, WHERE, be_first
from cnnspec.compare.check.process.order import NUMBER, Order, unpacked

MADE, NOT_MADE, GO = b"m", b"n", b"g"
"""What is said while a space is made."""


def main(descriptor: str) -> NoReturn:
    """Fork a process for each order, until the other end of the line is closed."""
    namespace.adopt()
    with socket.socket(fileno=int(descriptor)) as line, contextlib.suppress(ConnectionError):
        while _serve(line):
            pass
    end_all()
    os._exit(0)  # whoever asked waits for it, and there is nothing to tidy up


def _serve(line: socket.socket) -> bool:
    """Fork a process for one order; return whether another may follow.

    Raises:
        ConnectionError: whoever ordered has gone.
    """
    word, descriptors, *_ = socket.recv_fds(line, 1, 3)
    if word in (END, POINT):
        return True
    size = line.recv(NUMBER.size, socket.MSG_WAITALL)
    if len(size) < NUMBER.size:
        return False
    (length,) = NUMBER.unpack(size)
    order = line.recv(length, socket.MSG_WAITALL)
    if len(order) < length:
        return False
    running = _start(unpacked(order), line, descriptors)
    for each in descriptors:
        os.close(each)
    line.sendall(STARTED)
    with running.told:
        code = _end_of(running, line)
    if code is not None:
        line.sendall(ENDED.pack(code))
    return code is not None


@dataclass(frozen=True)
class _Running:
    pid: int
    """The process that waits for the one with somebody's code."""
    told: socket.socket


def _start(order: Order, line: socket.socket, descriptors: list[int]) -> _Running:
    """Fork a process with somebody's code: in a space of its own, where the system gives one."""
    told, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        told.close()
        line.close()
        apart = order.apart and _leave(theirs)
        if apart and (first := os.fork()):
            theirs.send(STATUS.pack(first))
            os._exit(0)
        be_first(theirs, lambda: _become(order, descriptors, apart=apart), apart=apart)
    theirs.close()
    if order.apart and told.recv(1) == MADE:
        if not namespace.map_users(pid):
            told.close()
            os.waitpid(pid, 0)
            return _start(replace(order, apart=False), line, descriptors)
        told.send(GO)
        if answer := told.recv(STATUS.size, socket.MSG_WAITALL):
            os.waitpid(pid, 0)
            (pid,) = STATUS.unpack(answer)
    with contextlib.suppress(ConnectionError):  # it has ended: so it will be told
        told.send(GO)
    return _Running(pid, told)


def _leave(told: socket.socket) -> bool:
    """Leave the space of the others, and wait until there are users; return whether it is so."""
    left = namespace.leave()
    told.send(MADE if left else NOT_MADE)
    if left and not told.recv(1):
        os._exit(1)
    return left


def _become(order: Order, descriptors: list[int], *, apart: bool) -> NoReturn:
    """Go on as the process that was ordered."""
    try:
        output, results, trace = descriptors
        os.setpgid(0, 0)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.close(output)
        os.environ.clear()
        os.environ.update(order.environment)
        os.chdir(order.cwd)
        limits.limit(order.seconds, apart=apart)
        np.random.seed()  # or whoever draws without a seed draws the same in each process
        child.run(order, results, trace)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)  # it never comes back to the loop that forks


def _end_of(running: _Running, line: socket.socket) -> int | None:
    """Wait for the end of a process; None, and it is ended, where nobody waits for it any more."""
    gone, asked, code = False, False, None
    while not (gone or asked or code is not None):
        for ready in select.select([line, running.told], [], [])[0]:
            if ready is running.told:
                status = running.told.recv(STATUS.size)
                code = STATUS.unpack(status)[0] if status else -signal.SIGKILL
            else:
                word = line.recv(1)
                gone, asked = not word, word == END
                if word == POINT:
                    os.kill(running.pid, WHERE)
    if code is None:
        os.kill(running.pid, signal.SIGKILL)  # with it ends its space, at once
    end_all()
    return None if gone else code if code is not None else -signal.SIGKILL
