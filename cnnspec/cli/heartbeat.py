"""Heartbeat: a line on stderr now and then that says what goes on, where no terminal shows it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import Condition, Thread
from types import TracebackType

from cnnspec.printable import printable

PAUSE = 7.0
"""Seconds between two lines, at least. A place between two steps is as good as any then."""

LATEST = 8.5
"""Seconds after which a thread speaks up while one step goes on: ten are promised."""

FIRST = 5.0
"""Seconds before the first line: to come so far has taken some, too."""

What = str | Callable[[], str]
"""What goes on, or how to find that out."""


class Heartbeat:
    """Writes what goes on to stderr, never more often than every PAUSE seconds.

    Where whoever works calls `say` often, lines come from there alone, and the thread only sleeps.
    """

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._what: What = ""
        self._changed = Condition()
        self._ended = self._stream is None
        self._begin()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._begin()
        if not self._ended:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _begin(self) -> None:
        self._start = time.monotonic()
        self._soonest = self._latest = self._start + FIRST

    def say(self, what: What) -> None:
        """Take note of what goes on, and write it if it is time for a line."""
        self._what = what
        if time.monotonic() >= self._soonest:
            with self._changed:
                self._write()

    def _run(self) -> None:
        with self._changed:
            while not self._ended:
                left = self._latest - time.monotonic()
                if left <= 0:
                    self._write()
                else:
                    self._changed.wait(left)

    def _write(self) -> None:
        """Write a line; nothing more once the reader of stderr has gone."""
        now = time.monotonic()
        self._soonest, self._latest = now + PAUSE, now + LATEST
        what = self._what if isinstance(self._what, str) else self._what()
        if self._ended or not what:
            return
        try:
            self._stream.write(f"[{clock(now - self._start)}] {printable(what)}\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._ended = True


def clock(seconds: float) -> str:
    """Write a time as a clock does: 0:07, 12:30, 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
