"""Progress of a training: a bar on a terminal, and one line an epoch everywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from cnnspec.cli.console import Output
from cnnspec.report.training import epoch_line
from cnnspec.training.history import EpochMetrics, StepTaken

LINES = 10
"""Epochs that get a line where several networks are trained, in about: more would push what was
said before off the screen."""


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} images/s" if task.speed else "")


class _Loss(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"loss {task.fields['loss']}" if task.fields["loss"] else "")


BAR: tuple[ProgressColumn, ...] = (
    TextColumn("{task.description}"),
    BarColumn(bar_width=20),
    MofNCompleteColumn(),
    _Loss(),
    _Speed(),
    TimeRemainingColumn(compact=True),
)
"""What the line of a bar shows."""


class TrainingProgress:
    """Shows the events of one or two trainings."""

    def __init__(self, bar: Progress, lines: Console, epochs: int, images: int | None) -> None:
        self._bar, self._lines, self._epochs, self._images = bar, lines, epochs, images
        self._task: TaskID | None = None
        self._waiting: TaskID | None = None

    def print(self, *parts: RenderableType) -> None:
        """Print above the bar."""
        self.waited()
        self._lines.print(*parts, sep="\n")

    def _has_line(self, epoch: int) -> bool:
        return epoch % max(1, -(-self._epochs // LINES)) == 0 or epoch in (1, self._epochs)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show that something goes on whose end is not known, until the first event."""
        self._waiting = self._bar.add_task(what, total=None, loss="")
        try:
            yield
        finally:
            self.waited()

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
            taken = next(iter(steps.values()))
            if self._task is None:
                whole = self._epochs * taken.images_of_epoch
                total = min(whole, self._images or whole)
                self._task = self._bar.add_task("", total=total, loss="")
            self._bar.update(
                self._task,
                description=f"epoch {taken.epoch}/{self._epochs}",
                completed=(taken.epoch - 1) * taken.images_of_epoch + taken.images,
                loss="  ".join(f"{event.mean_loss:.4f}" for event in steps.values()),
            )


@contextmanager
def training_progress(
    epochs: int, *, images: int | None = None, quiet_stdout: bool
) -> Iterator[TrainingProgress]:
    """Show a bar on stderr where that is a terminal; lines go to stdout, or to stderr too.

    `images` is how many will be learnt from, where that is less than all epochs.
    """
    errors = Console(stderr=True, highlight=False)
    bar = Progress(
        *BAR,
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
        redirect_stdout=False,
    )
    # On one terminal, lines must go through the console of the bar, which makes room for them.
    shared = errors.is_terminal and sys.stdout.isatty()
    lines = errors if quiet_stdout or shared else Output()
    with bar:
        yield TrainingProgress(bar, lines, epochs, images)
