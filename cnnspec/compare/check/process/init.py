"""The process that waits for somebody's code: all of a space of its own ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from collections.abc import Callable
from typing import NoReturn

from cnnspec.compare.check.process import namespace

STATUS = struct.Struct("!i")

WHERE = signal.SIGUSR1
"""Asks a process to write down at which lines it is."""


def be_first(told: socket.socket, run: Callable[[], NoReturn], *, apart: bool) -> NoReturn:
    """Fork a process that runs something, and tell how it ends."""
    signals = {signal.SIGCHLD, WHERE}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    if not told.recv(1):  # until then, the parent is another, which ends
        os._exit(1)
    namespace.die_with_parent(signal.SIGKILL)
    if apart:
        namespace.show_own()
    pid = os.fork()
    if pid == 0:
        told.close()
        namespace.die_with_parent(signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        run()
    while True:
        if signal.sigwait(signals) == WHERE:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, WHERE)
            continue
        ended = -1
        while ended:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == pid:
                told.send(STATUS.pack(os.waitstatus_to_exitcode(status)))
                os._exit(0)
