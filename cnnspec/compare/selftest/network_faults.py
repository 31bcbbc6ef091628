"""Faults of what ties the parts together: predicting, tracing and training part ways."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.network import Labels, Step
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.compare.selftest.faults import NETWORK, Family
from cnnspec.trace import Array

NETWORKS = Family(NETWORK)

WEIGHTS = "weight,bias"


@NETWORKS.fault("predicts-probabilities", "predicted logits", "whole-is-not-its-parts")
class PredictsProbabilities(NumPyNetwork):
    """Predictions are probabilities, where training has logits."""

    def predict(self, images: Array) -> Array:
        logits = super().predict(images)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Array = exponentials / exponentials.sum(axis=1, keepdims=True)
        return shares


@NETWORKS.fault("predicts-in-reverse", "predicted logits", "whole-is-not-its-parts")
class PredictsInReverse(NumPyNetwork):
    """Predictions have the classes in reverse order."""

    def predict(self, images: Array) -> Array:
        return super().predict(images)[:, ::-1].copy()


@NETWORKS.fault(
    "trains-with-the-rate-twice",
    WEIGHTS,
    "whole-is-not-its-parts",
)
class TrainsWithTheRateTwice(NumPyNetwork):
    """A training step multiplies the learning rate in twice."""

    def train_step(self, images: Array, labels: Labels, learning_rate: float, step: int) -> Step:
        return super().train_step(images, labels, learning_rate * learning_rate, step)


@NETWORKS.fault(
    "loss-after-the-update",
    "loss,logits",
    "whole-is-not-its-parts",
)
class LossAfterTheUpdate(NumPyNetwork):
    """A training step tells the loss after its update, not before."""

    def train_step(self, images: Array, labels: Labels, learning_rate: float, step: int) -> Step:
        super().train_step(images, labels, learning_rate, step)
        after = self.trace(images, labels)
        return Step(after.loss.loss, list(after.layers.values())[-1].output)


@NETWORKS.fault(
    "trains-on-half-the-batch",
    "logits,loss,weight,bias",
    "whole-is-not-its-parts",
)
class TrainsOnHalfTheBatch(NumPyNetwork):
    """A training step learns from the first half of the batch alone."""

    def train_step(self, images: Array, labels: Labels, learning_rate: float, step: int) -> Step:
        half = (len(images) + 1) // 2
        return super().train_step(images[:half], labels[:half], learning_rate, step)


@NETWORKS.fault(
    "last-parameter-skipped",
    WEIGHTS,
    "whole-is-not-its-parts",
)
class LastParameterSkipped(NumPyNetwork):
    """A training step leaves out the last parameter."""

    def train_step(self, images: Array, labels: Labels, learning_rate: float, step: int) -> Step:
        last = list(self._parameters)[-1]
        kept = self._parameters[last].copy()
        result = super().train_step(images, labels, learning_rate, step)
        self._parameters[last][...] = kept
        return result
