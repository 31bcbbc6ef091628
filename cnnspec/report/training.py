"""A training for people and for tools."""

from __future__ import annotations

from dataclasses import asdict

from cnnspec.documents import Document, document
from cnnspec.report.tables import loss_text, percent
from cnnspec.training.history import EpochMetrics, History


def epoch_line(metrics: EpochMetrics, epochs: int) -> str:
    """Return an epoch in one line: losses and accuracies."""
    width = len(str(epochs))
    return (
        f"epoch {metrics.epoch:>{width}}/{epochs}"
        f"  train loss {loss_text(metrics.train_loss)} {_in_brackets(metrics.train_accuracy)}"
        f"  test loss {loss_text(metrics.test_loss)} {_in_brackets(metrics.test_accuracy)}"
    )


def _in_brackets(accuracy: float) -> str:
    return f"({percent(accuracy)})".rjust(len("(100.00 %)"))


def divergence_text(where: str, loss: float, start: float) -> str:
    """Say that a training diverged, and what to do."""
    return (
        f"diverged: in {where} the loss is {loss_text(loss)}, and it began at "
        f"{loss_text(start)}. Take a smaller learning rate, or scale the images: "
        "`normalize` in the `data` section"
    )


def training_document(
    *, run: str | None, backend: str, history: History, test_accuracy: float
) -> Document:
    """Return what `cnnspec train --json` and `evaluate --json` print.

    Losses are means over images, accuracies fractions of 1, seconds wall time.
    """
    return document(
        "training",
        run=run,
        backend=backend,
        epochs=[asdict(metrics) for metrics in history],
        test_accuracy=test_accuracy,
    )
