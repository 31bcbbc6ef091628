"""What goes on, for people: a live line on a terminal, else a line on stderr now and then."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from cnnspec.cli.console import Errors
from cnnspec.cli.heartbeat import Heartbeat, What

PARTS: tuple[ProgressColumn, ...] = (
    TextColumn("{task.description}", markup=False),
    BarColumn(bar_width=20),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)
"""What the line of a work of many parts shows."""

BESIDE = 28
"""Columns of a line that a short bar, how much is done and the time take."""

REFRESH = 0.25
"""Seconds between two pictures of a line that is drawn between parts alone."""


class Activity:
    """The line on a terminal, or the lines elsewhere."""

    def __init__(self, *columns: ProgressColumn, by_itself: bool = True) -> None:
        """`by_itself`: a thread draws the line anew; else, `Parts.show` alone does."""
        self.console = Errors()
        self.live = is_live(self.console)
        self.bar = Progress(
            *columns,
            console=self.console,
            transient=True,
            disable=not self.live,
            auto_refresh=by_itself,
            redirect_stdout=False,
        )
        self._heartbeat = None if self.live else Heartbeat()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show it while the context lasts, and leave nothing of it on a terminal."""
        with self.bar, self._heartbeat or nullcontext():
            yield

    def shortened(self, what: str) -> str:
        """Return what goes on with as much of a dotted name as a line has room for beside a bar."""
        return _shortened(what, self.console.width - BESIDE)

    def say(self, what: What) -> None:
        """Take note of what goes on, for those who see no bar."""
        if self._heartbeat:
            self._heartbeat.say(what)


def _shortened(what: str, room: int) -> str:
    """Leave the outermost blocks out of a name: `replaying ...body.conv1`."""
    while len(what) > room:
        shorter = re.sub(r"(?<!\S)(?:\.{3})?[A-Za-z_]\w*\.(?:\d+\.)*(?=\w)", "...", what, count=1)
        if shorter == what:
            break
        what = shorter
    return what


def is_live(console: Console) -> bool:
    """Tell whether a line on stderr can be drawn anew.

    rich takes a file for a terminal where FORCE_COLOR is set: nobody wants what moves the cursor
    in a file.
    """
    tty = sys.stderr is not None and sys.stderr.isatty()
    return tty and console.is_terminal and not console.is_dumb_terminal


class Parts:
    """Shows which part of a work goes on, of how many."""

    def __init__(self, activity: Activity, verb: str, by_itself: bool) -> None:
        self._activity, self._verb, self._by_itself = activity, verb, by_itself
        self._task: TaskID | None = None
        self._drawn = 0.0

    def show(self, done: int, total: int, what: str) -> None:
        """Show how many parts are done, of how many, and which goes on."""
        self._activity.say(part_of(self._verb, done, total, what))
        self._draw(done, total, f"{self._verb} {what}")

    def images(self, done: int, total: int) -> None:
        """Show how many images are done, of how many."""
        self._activity.say(f"{self._verb}: {done:,} of {total:,} images")
        self._draw(done, total, self._verb)

    def _draw(self, done: int, total: int, description: str) -> None:
        if not self._activity.live:
            return
        bar = self._activity.bar
        if self._task is None:
            self._task = bar.add_task(description, total=total)
        shown = self._activity.shortened(description)
        bar.update(self._task, completed=done, total=total, description=shown)
        now = time.monotonic()
        if not self._by_itself and now - self._drawn >= REFRESH:
            self._drawn = now
            bar.refresh()


def part_of(verb: str, done: int, total: int, what: str) -> str:
    """Say which part goes on, of how many: `replaying 7 of 23: conv2, gradients`."""
    return f"{verb} {min(done + 1, total)} of {total}: {what}"


@contextmanager
def parts(verb: str, *, by_itself: bool = True) -> Iterator[Parts]:
    """Show the parts of a work on stderr while the context lasts.

    Not `by_itself` where what goes on is timed: then nothing is drawn but between two parts, unless
    one takes nearly ten seconds.
    """
    activity = Activity(*PARTS, by_itself=by_itself)
    with activity.running():
        yield Parts(activity, verb, by_itself)
