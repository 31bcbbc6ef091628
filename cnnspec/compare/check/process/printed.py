"""What somebody's code prints: read as it comes, its end kept."""

from __future__ import annotations

import os
import threading

KEPT = 2_000
"""Characters that are kept."""

CHUNK = 65_536


class Printed:
    """The end of what processes printed, one after the other, in as much memory as that takes.

    Nothing is written to disk: code that prints in an endless loop would fill it.
    """

    def __init__(self) -> None:
        self._end = b""
        self._lines = 0
        self._threads: list[threading.Thread] = []

    def drain(self, pipe: int) -> None:
        """Read a pipe to its end, in the background, and close it."""
        thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def finish(self, timeout: float) -> None:
        """Wait until all is read; no longer than that, as someone else may hold a pipe open."""
        for thread in self._threads:
            thread.join(timeout)
        self._threads.clear()

    @property
    def lines(self) -> int:
        """How many lines were printed."""
        return self._lines + (not self._end.endswith(b"\n") and bool(self._end))

    @property
    def text(self) -> str:
        """The last characters: whole lines, unless the last one is longer."""
        text = self._end.decode("utf-8", "replace")
        cut = text[-KEPT:]
        if len(cut) < len(text) and "\n" in cut[:-1]:
            cut = cut[cut.index("\n") + 1 :]
        return cut

    def _read(self, pipe: int) -> None:
        while chunk := os.read(pipe, CHUNK):
            self._lines += chunk.count(b"\n")
            self._end = (self._end + chunk)[-4 * KEPT :]  # a character takes at most 4 bytes
        os.close(pipe)
