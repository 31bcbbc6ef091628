"""Which part of a benchmark goes on."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called before each part, and between the blocks of a long one: how many parts are done, of how
many, and what is measured now."""


class Parts:
    """Tells which part of a benchmark goes on, of how many."""

    def __init__(self, on_progress: Progress, total: int) -> None:
        self._on_progress, self._total = on_progress, total
        self._begun, self._what = 0, ""

    def begin(self, what: str) -> None:
        """Tell that the next part begins."""
        self._begun, self._what = self._begun + 1, what
        self.go_on()

    def go_on(self) -> None:
        """Tell that the part still goes on."""
        self._on_progress(self._begun - 1, self._total, self._what)
