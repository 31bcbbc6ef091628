"""Running somebody's code: in a process of its own, with limits, again after a crash."""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnspec.compare.check.process.forks import Running, environment, start
from cnnspec.compare.check.process.frames import SILENCED, TOO_MUCH, Receiver, pair
from cnnspec.compare.check.process.order import Order
from cnnspec.compare.check.process.reporter import stopped_at
from cnnspec.compare.check.process.results import LOAD, Results
from cnnspec.compare.check.process.way_out import MAIN
from cnnspec.trace import Array

START = 60.0
"""Seconds that the process may take before it comes to the user's code."""

LOOK = 0.02
"""Seconds between two looks at what a process uses."""

POINT = 2.0
"""Seconds for a process that is stopped to write down where it is: the machine may be busy."""

LAST = 0.5
"""Seconds for its last output."""

LONGEST = 30
"""How many times its limit a setting may take by the clock, however busy the machine is."""

MEMORY = 8 * 2**30
"""Bytes that a process may hold with all that it has started; alone, it gets half of that."""

PROCESSES = 128
"""How many processes there may be."""

ENDLESS, LESS, LEAST = 2, 5, 1.0
"""After so many settings that do not end, the others get a fifth of their time; a second at least,
unless the limit is less."""

FRAMES = 1000
"""How many frames are read between two looks."""

TRACE = 10**6
"""Bytes that are read of where a process is."""

APART = True
"""Whether a process gets a space of its own, where the system gives one."""

Given = Mapping[str, Mapping[str, Array]]
"""The arrays that somebody's code is given, by the name of a set, and by their own."""


def run_child(
    request: Mapping[str, Any], given: Given, limit: float, on_setting: Callable[[str], None]
) -> Results:
    """Let a child process try every setting of a request, each within `limit` seconds.

    `on_setting` is called with the key of each that begins. The file itself has a limit of its
    own, which the request names.

    After a crash, or where the time is over, a new process goes on with the next setting; if
    that was in a backward pass, first with the forward passes of the same. Where several settings
    have not ended, the others get less time: no class is waited for without end.
    """
    results = Results()
    left = list(request["settings"])
    endless = 0
    while left:
        seconds = limit if endless < ENDLESS else max(limit / LESS, min(limit, LEAST))
        run = _Run({**request, "settings": left}, given, seconds, results, on_setting)
        ended = run.to_its_end()
        endless += run.endless
        begun = {line["key"] for line in run.lines if line.get("event") == "start"}
        done = {line["key"] for line in run.lines if line.get("event") == "done"}
        if len(done) < len(left) and not results.load_error():
            results.lines.append(run.stage() | {"error": ended})
        if results.load_error():
            break
        whole = {setting["key"] for setting in left if "forward_only" not in setting}
        in_backward = results.lines[-1].get("stage") == "backward"
        again = (begun - done) & whole if in_backward else set()
        left = [
            {**setting, "forward_only": True} if setting["key"] in again else setting
            for setting in left
            if setting["key"] not in begun - again
        ]
    return results


@dataclass
class _Run:
    """A process, from its start to its end."""

    request: Mapping[str, Any]
    given: Given
    limit: float
    results: Results
    on_setting: Callable[[str], None]
    lines: list[dict[str, Any]] = field(default_factory=list)
    endless: bool = False
    """Whether it did not end within its limit."""
    _setting: str = ""
    """The key of the one that is tried; none while the file is loaded."""
    _used: float = 0
    """Seconds that the setting has taken, or the loading."""
    _since: float = field(default_factory=time.monotonic)
    _looked: float = field(default_factory=time.monotonic)

    def to_its_end(self) -> str:
        """Run it; return how it ended."""
        ours, theirs = pair()
        reader, writer = os.pipe()
        key = secrets.token_bytes(32)
        self.results.printed.drain(reader)
        with ours, tempfile.TemporaryFile() as trace:
            try:
                process = start(self._order(key), (writer, theirs.fileno(), trace.fileno()))
            finally:
                os.close(writer)
                theirs.close()
            receiver = Receiver(ours, key)
            try:
                stopped = self._watch(process, receiver, trace.fileno())
            finally:
                code = process.end()
            while self._take(receiver):
                pass
            self.results.printed.finish(LAST)
            trace.seek(0)
            said = trace.read(TRACE).decode("utf-8", "replace")
        return (stopped or _how(code)) + stopped_at(said, self.request["file"])

    def _order(self, key: bytes) -> bytes:
        settings = self.request["settings"]
        seconds = START + self.request["import_limit"] + 2 * self.limit * len(settings)
        names = {setting["key"] for setting in settings}
        given = {name: own for name, own in self.given.items() if name.split("-")[0] in names}
        place = str(Path.cwd()), environment()
        return Order(self.request, given, key, *place, seconds, APART).packed()

    def stage(self) -> dict[str, Any]:
        """Return the key and the stage that have begun last; what came of it may be read yet."""
        for line in reversed(self.lines):
            if line.get("event") == "start":
                return {"key": line["key"], "stage": "construct"}
            if "event" in line and "stage" in line:
                return {name: line[name] for name in ("key", "stage")}
        return {"key": LOAD, "stage": LOAD}

    def _watch(self, process: Running, receiver: Receiver, trace: int) -> str:
        """Wait for a process; return why it must be stopped; nothing where it ends."""
        while process.wait(LOOK, None if receiver.closed else receiver.line) is None:
            self._take(receiver)
            if receiver.too_much:
                return TOO_MUCH
            if time.monotonic() - self._looked < LOOK:
                continue
            self._used += process.use.look()
            self._looked = time.monotonic()
            if process.use.memory > MEMORY:
                return f"its processes hold more than {MEMORY // 2**30} GiB of memory"
            if process.use.processes > PROCESSES:
                return f"it starts more than {PROCESSES} processes"
            if late := self._late():
                process.point()
                _wait_for_answer(process, trace)
                self.endless = True
                return late
        return ""

    def _late(self) -> str:
        """Say that the setting takes too long, or the loading; until the first line, ours does."""
        limit, why = self.limit, ""
        if not self._setting:
            limit, why = self.request["import_limit"], f": {MAIN}"
        if not self.lines:
            limit = START
        late = self._used > limit or self._looked - self._since > LONGEST * limit
        return f"does not end within {limit:g} s{why}" if late else ""

    def _take(self, receiver: Receiver) -> bool:
        """Take what has come; return whether there was anything."""
        taken = False
        for line, arrays in receiver.receive(FRAMES):
            taken = True
            if "alarm" in line:
                at = line if "stage" in line else self.stage()
                failed = {"key": at["key"], "stage": at["stage"], "error": line["alarm"]}
                if failed not in self.results.lines:
                    self.results.lines.append(failed)
                continue
            self.lines.append(line)
            self.results.lines.append(line)
            self.results.given_back.setdefault(line["key"], {}).update(arrays)
            settings = (each["key"] for each in self.request["settings"])
            if line.get("event") == "start" and line["key"] in settings:
                self._used, self._since = 0, time.monotonic()
                self._setting = line["key"]
                self.on_setting(self._setting)
        return taken


def _wait_for_answer(process: Running, trace: int) -> None:
    """Wait until a process has written where it is, or has ended."""
    looks = [0]
    for _ in range(round(POINT / LOOK)):
        if process.wait(LOOK) is not None:
            return
        looks.append(os.fstat(trace).st_size)
        if looks[-1] and looks[-4:] == looks[-1:] * 4:  # nothing came any more
            return


def _how(code: int) -> str:
    if code == SILENCED:
        return "it closes descriptors that are not its own: what becomes of it cannot be told"
    if code >= 0:
        return f"the process ended with code {code}"
    try:
        return f"the process died: {signal.Signals(-code).name}"
    except ValueError:  # one that has no name
        return f"the process died: signal {-code}"
