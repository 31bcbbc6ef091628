"""How a training went: plain numbers, ready for JSON."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnspec.trace import Array


@dataclass(frozen=True)
class StepTaken:
    """Where a training stands after a step."""

    step: int
    """Over all epochs, from 1."""
    epoch: int
    """From 1."""
    images: int
    """Images learnt from in this epoch."""
    images_of_epoch: int
    """Images of a whole epoch."""
    mean_loss: float
    """Mean over this epoch's images so far."""
    loss: float
    """Mean over the batch, before the update."""
    outputs: Array
    """Logits (n, classes) of the batch, before the update."""
    batch: NDArray[np.int64]
    """(n,) which of the training images these are."""


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch. Losses are means over images, accuracies fractions of 1."""

    epoch: int
    """From 1."""
    train_loss: float
    """Mean over the epoch's images, each seen before the update that it took part in."""
    train_accuracy: float
    """Likewise."""
    test_loss: float
    test_accuracy: float
    seconds: float
    """Wall time of the epoch's training steps, without the test."""


History = tuple[EpochMetrics, ...]
