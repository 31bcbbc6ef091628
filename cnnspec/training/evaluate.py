"""How good a network is on a set of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.border import check_labels
from cnnspec.backends.network import Labels, Network
from cnnspec.data import Split
from cnnspec.errors import BackendError, DataError
from cnnspec.trace import Array

BATCH = 250
"""Images a prediction call: bounds the memory."""


@dataclass(frozen=True)
class Evaluation:
    """Loss and accuracy on a set of images."""

    loss: float
    """Mean cross-entropy over the images."""
    accuracy: float
    """Fraction of 1."""
    predictions: NDArray[np.int64]
    """(n,) the class with the greatest logit."""


def evaluate(
    network: Network,
    split: Split,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Predict every image of a split and hold it against its label.

    `on_progress` is called before each batch: how many images are done, of how many.

    Raises:
        DataError: there are no images, or the labels are none of the network's classes.
        BackendError: the network predicts something else than logits.
    """
    if not len(split.images):
        raise DataError("found no images to test on; wanted at least one")
    check_labels(split.labels, len(split.images), network.plan.classes)
    found = []
    for start in range(0, len(split.images), BATCH):
        on_progress(start, len(split.images))
        with np.errstate(over="ignore", invalid="ignore"):
            found.append(_logits(network, split.images[start : start + BATCH]))
    logits = np.concatenate(found)
    predictions = logits.argmax(axis=1)
    return Evaluation(
        loss=mean_cross_entropy(logits, split.labels),
        accuracy=float(np.mean(predictions == split.labels)),
        predictions=predictions,
    )


def _logits(network: Network, images: Array) -> Array:
    logits = network.predict(images)
    wanted = (len(images), network.plan.classes)
    if np.shape(logits) != wanted:
        raise BackendError(
            f"the {network.backend} network predicts an array of shape {np.shape(logits)}; wanted "
            f"the logits, {wanted[0]} images x {wanted[1]} classes"
        )
    return logits


def mean_cross_entropy(logits: Array, labels: Labels) -> float:
    """Return the mean over the batch of -log softmax(logits)[label], in float64."""
    exact = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):
        shifted = exact - exact.max(axis=1, keepdims=True)
        log_total = np.log(np.exp(shifted).sum(axis=1))
        return float(np.mean(log_total - shifted[np.arange(len(labels)), labels]))
