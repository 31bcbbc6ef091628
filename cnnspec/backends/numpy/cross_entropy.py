"""Cross-entropy of the fast engine: all images at once."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.trace import Array


def cross_entropy(logits: Array, labels: Labels) -> tuple[float, Array]:
    """Return the mean of log(sum(exp(logits))) - logits[label] over the batch, and its gradient.

    Shapes: logits (classes, n), labels (n,) -> loss, gradient (classes, n).
    The greatest logit is subtracted first, so that nothing overflows.
    """
    images = len(labels)
    of_label = labels, np.arange(images)
    shifted = logits - np.maximum.reduce(logits)
    grad = np.exp(shifted)
    total = np.add.reduce(grad)
    loss = np.add.reduce(np.log(total) - shifted[of_label]) / images
    grad /= total
    grad[of_label] -= 1
    grad /= images
    return float(loss), grad
