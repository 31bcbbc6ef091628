"""Progress of a training: a bar on a terminal or lines on stderr; and a line for each epoch."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from cnnspec.cli.activity import Activity, part_of
from cnnspec.cli.console import Output
from cnnspec.cli.heartbeat import clock
from cnnspec.report.tables import loss_text
from cnnspec.report.training import epoch_line
from cnnspec.training.history import EpochMetrics, StepTaken

LINES = 10
"""Epochs that get a line where several networks are trained, in about: more would push what was
said before off the screen."""


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        of_images = task.speed and task.fields["loss"]
        return Text(f"{task.speed:,.0f} images/s" if of_images else "")


class _Loss(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"loss {task.fields['loss']}" if task.fields["loss"] else "")


BAR: tuple[ProgressColumn, ...] = (
    TextColumn("{task.description}", markup=False),
    BarColumn(bar_width=20),
    MofNCompleteColumn(),
    _Loss(),
    _Speed(),
    TimeRemainingColumn(compact=True),
)
"""What the line of a bar shows."""


class TrainingProgress:
    """Shows the events of one or two trainings, and what comes before them."""

    def __init__(
        self, activity: Activity, lines: Console, epochs: int, images: int | None = None
    ) -> None:
        self._activity, self._bar, self._lines = activity, activity.bar, lines
        self._epochs, self._images = epochs, images
        self._task: TaskID | None = None
        self._waiting: TaskID | None = None
        self._begun: float | None = None

    def print(self, *parts: RenderableType) -> None:
        """Print above the bar."""
        self.waited()
        self._lines.print(*parts, sep="\n")

    def expect(self, images: int) -> None:
        """Take note of how many images will be learnt from, where that is less than all epochs."""
        self._images = images

    def _has_line(self, epoch: int) -> bool:
        return epoch % max(1, -(-self._epochs // LINES)) == 0 or epoch in (1, self._epochs)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show that something goes on whose end is not known, until the first event."""
        self.wait(what)
        try:
            yield
        finally:
            self.waited()

    def wait(self, what: str) -> None:
        """Show what goes on until the next event."""
        self._activity.say(what)
        if self._waiting is None:
            self._waiting = self._bar.add_task(what, total=None, loss="")
        self._bar.update(self._waiting, description=what)

    def part(self, done: int, total: int, what: str) -> None:
        """Show which part is replayed, of how many."""
        self._activity.say(part_of("replaying", done, total, what))
        if self._waiting is None:
            self._waiting = self._bar.add_task("", total=total, loss="")
        description = self._activity.shortened(f"replaying {what}")
        self._bar.update(self._waiting, completed=done, total=total, description=description)

    def waited(self) -> None:
        """End the waiting, if there is any."""
        if self._waiting is not None:
            self._bar.remove_task(self._waiting)
            self._waiting = None

    def show(self, events: Mapping[str, StepTaken | EpochMetrics]) -> None:
        """Move the bar by a step, or print the line of an epoch for each backend.

        Of many epochs of several networks, about LINES get a line, and the last one.
        """
        self.waited()
        width = max(map(len, events))
        for backend, event in events.items():
            several = len(events) > 1
            if isinstance(event, EpochMetrics) and (not several or self._has_line(event.epoch)):
                line = epoch_line(event, self._epochs)
                line = f"{backend:<{width}} {line}" if several else f"{line} {event.seconds:.1f} s"
                self._lines.print(line, soft_wrap=True)
        steps = {name: event for name, event in events.items() if isinstance(event, StepTaken)}
        if steps:
            self._show_steps(steps)

    def _show_steps(self, steps: Mapping[str, StepTaken]) -> None:
        taken = next(iter(steps.values()))
        done = (taken.epoch - 1) * taken.images_of_epoch + taken.images
        whole = self._epochs * taken.images_of_epoch
        total = min(whole, self._images or whole)
        if self._begun is None:
            self._begun = time.monotonic()
        self._activity.say(lambda: self._where(steps, done, total))
        if not self._activity.live:
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=total, loss="")
        self._bar.update(
            self._task,
            description=f"epoch {taken.epoch}/{self._epochs}",
            completed=done,
            loss=_losses(steps),
        )

    def _where(self, steps: Mapping[str, StepTaken], done: int, total: int) -> str:
        """Say how far the training is, and how long it will still take."""
        taken = next(iter(steps.values()))
        told = (
            f"epoch {taken.epoch}/{self._epochs}: {taken.images:,} of {taken.images_of_epoch:,} "
            f"images, loss {_losses(steps)}"
        )
        spent = time.monotonic() - (self._begun or 0)
        left = spent * (total - done) / done
        return f"{told}, about {clock(left)} left" if left >= 1 else told


def _losses(steps: Mapping[str, StepTaken]) -> str:
    return "  ".join(loss_text(event.mean_loss) for event in steps.values())


@contextmanager
def training_progress(
    epochs: int, *, images: int | None = None, quiet_stdout: bool
) -> Iterator[TrainingProgress]:
    """Show a bar on stderr where that is a terminal; lines go to stdout, or to stderr too.

    `images` is how many will be learnt from, where that is less than all epochs.
    """
    activity = Activity(*BAR)
    # On one terminal, lines must go through the console of the bar, which makes room for them.
    shared = activity.live and sys.stdout.isatty()
    lines = activity.console if quiet_stdout or shared else Output()
    with activity.running():
        yield TrainingProgress(activity, lines, epochs, images)
