"""Cross-entropy by the textbook: image by image."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.trace import Array


def cross_entropy(logits: Array, labels: Labels) -> tuple[float, Array]:
    """Return the mean of -log softmax(logits)[label] and its gradient.

    softmax(z)[k] = exp(z[k]) / sum over j of exp(z[j]). The greatest logit is
    subtracted from all first: the result is the same, and nothing overflows.
    dloss/dz[k] = (softmax(z)[k] - (1 if k is the label else 0)) / n.
    """
    batch = len(logits)
    total = 0.0
    grad = np.zeros_like(logits)
    for n in range(batch):
        shifted = logits[n] - np.max(logits[n])
        exponentials = np.exp(shifted)
        total += np.log(np.sum(exponentials)) - shifted[labels[n]]
        grad[n] = exponentials / np.sum(exponentials)
        grad[n, labels[n]] -= 1
    return float(total / batch), grad / batch
