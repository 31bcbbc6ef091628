"""How a training goes: one line an epoch."""

from __future__ import annotations

from cnnspec.report.tables import percent
from cnnspec.training.history import EpochMetrics


def epoch_line(metrics: EpochMetrics, epochs: int) -> str:
    """Return an epoch in one line: losses and accuracies."""
    width = len(str(epochs))
    return (
        f"epoch {metrics.epoch:>{width}}/{epochs}"
        f"  train {metrics.train_loss:.4f} {percent(metrics.train_accuracy):>8}"
        f"  test {metrics.test_loss:.4f} {percent(metrics.test_accuracy):>8}"
    )
