"""The process in which somebody's code runs: `run()`, called by fork_server.py.

What the code does is told stage by stage, before and after each, so that a crash or a hang has
its place, and loses nothing that was done before it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from cnnspec.compare.check.process import limits
from cnnspec.compare.check.process.candidate import load_layer, load_loss, load_optimizer
from cnnspec.compare.check.process.frames import Sender
from cnnspec.compare.check.process.order import Order, unpacked
from cnnspec.compare.check.process.reporter import Reporter
from cnnspec.compare.check.process.results import LOAD
from cnnspec.compare.check.trial.given import Given
from cnnspec.compare.check.trial.layer import LayerTrial
from cnnspec.compare.check.trial.loss import LossTrial
from cnnspec.compare.check.trial.optimizer import try_optimizer
from cnnspec.compare.check.trial.precision import precisions_named
from cnnspec.spec.layers import KINDS
from cnnspec.spec.optimizers import OPTIMIZERS

BEYOND = 512
"""Our descriptors lie from here on: who closes all below 256 does not mean ours."""


def main(descriptors: str) -> NoReturn:
    """Be a process of its own, where none is forked: the order comes on stdin."""
    order = unpacked(sys.stdin.buffer.read())
    with open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    limits.limit(order.seconds, apart=False)
    run(order, *map(int, descriptors.split(",")))


def run(order: Order, results: int, trace: int) -> NoReturn:
    """Load the user's file and try every setting that is asked for; end the process."""
    sys.dont_write_bytecode = True  # the folder is somebody's
    request = dict(order.request)
    sys.argv = [request["file"]]
    sender = Sender(_moved(results), order.key)
    _try_all(Reporter(sender, _moved(trace), request["file"]), Given(order.given), request)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):  # somebody may have closed or replaced it
            stream.flush()
    os._exit(0)  # threads that somebody left running would keep the process alive


def _moved(descriptor: int) -> int:
    import fcntl

    try:
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, BEYOND)
    except OSError:  # there may be fewer
        return descriptor
    os.close(descriptor)
    return moved


def _try_all(reporter: Reporter, given: Given, request: dict[str, Any]) -> None:
    file, name, names = request["file"], request["name"], request["names"]
    kind = KINDS.get(request["kind"])
    if request["kind"] in OPTIMIZERS:
        load: Callable[[], Any] = partial(load_optimizer, file, name)
    elif kind is None:
        load = partial(load_loss, file, name)
    else:
        load = partial(load_layer, file, name, kind, names)
    found = reporter.attempt(LOAD, LOAD, load)
    if found is None:
        return
    reporter.say(key=LOAD, precisions=precisions_named(Path(file)))
    for setting in request["settings"]:
        reporter.say(key=setting["key"], event="start")
        try:
            if request["kind"] in OPTIMIZERS:
                try_optimizer(reporter, given, found, setting, request)
            elif kind is None:
                LossTrial(reporter, given, found, setting, request).run()
            else:
                LayerTrial(reporter, given, found, setting, request).run()
        except BaseException as error:  # what somebody's code gives back raises where it is read
            reporter.failed(error)
        reporter.say(key=setting["key"], event="done")
