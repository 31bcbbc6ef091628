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


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} images/s" if task.speed else "")


class TrainingProgress:
    """Shows the events of one or two trainings."""

    def __init__(self, bar: Progress, lines: Console, epochs: int, images: int | None) -> None:
        self._bar, self._lines, self._epochs, self._images = bar, lines, epochs, images
        self._task: TaskID | None = None

    def print(self, *parts: RenderableType) -> None:
        """Print above the bar."""
        self._lines.print(*parts, sep="\n")

    def show(self, events: Mapping[str, StepTaken | EpochMetrics]) -> None:
        """Move the bar by a step, or print the line of an epoch for each backend."""
        width = max(map(len, events))
        for backend, event in events.items():
            if isinstance(event, EpochMetrics):
                line = epoch_line(event, self._epochs)
                several = len(events) > 1
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
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}"),
        _Speed(),
        TimeRemainingColumn(compact=True),
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
