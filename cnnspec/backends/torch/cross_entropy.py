"""torch's own cross-entropy."""

from __future__ import annotations

from torch import Tensor, nn


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of -log softmax(logits)[label] over the batch.

    Shapes: logits (n, classes), labels (n,) -> a number.
    """
    return nn.functional.cross_entropy(logits, labels)
