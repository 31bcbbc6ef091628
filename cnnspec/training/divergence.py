"""Whether a training whose loss is still a number has diverged."""

from __future__ import annotations

import math

from cnnspec.training.history import EpochMetrics, History

FAR = 10
"""How many times the loss of a guess is beyond what a training passes through on its way."""

LEARNT = 0.9
"""A test loss below this share of a guess's shows that something was learnt all the same."""


def diverged_in(history: History, *, start: float, classes: int) -> EpochMetrics | None:
    """Return the epoch in which a training diverged, or None where it did not.

    Whoever guesses has a loss of log(classes). A network whose mean loss is ten times that, and
    ten times what it started from, gives the right class a probability of classes^-10, on
    average: it is surer of what is wrong than it can be of anything before it has learnt. It
    may come back from there; where it then learns, it has not diverged.

    `start` is the loss of the first batch, before any update.
    """
    if not history or history[-1].test_loss < LEARNT * _guess(classes):
        return None
    for epoch in history:
        if is_far(max(epoch.train_loss, epoch.test_loss), start=start, classes=classes):
            return epoch
    return None


def is_far(loss: float, *, start: float, classes: int) -> bool:
    """Tell whether a mean loss is beyond what a training passes through."""
    return loss > FAR * max(_guess(classes), start)


def _guess(classes: int) -> float:
    return math.log(max(2, classes))
