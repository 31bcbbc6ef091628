"""Faults planted into what ties the parts together: predicting, tracing and training part ways."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from cnnspec.backends.network import Batch, StepResult
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.compare.planted.families import NetworkFamily
from cnnspec.compare.planted.specs import SPECS
from cnnspec.spec.training import Training
from cnnspec.trace import Array

NETWORK = NetworkFamily("network")

WEIGHTS = "weight,bias"
SLOTS = ",".join({slot for spec in SPECS for slot in spec.training.optimizer.slots})


def with_slots(training: Training) -> bool:
    """Tell whether the optimizer keeps anything."""
    return bool(training.optimizer.slots)


def with_count(training: Training) -> bool:
    """Tell whether the optimizer counts its steps."""
    return training.optimizer.counts_steps


@NETWORK.fault("predicts-probabilities", "predicted logits", "whole-is-not-its-parts")
class PredictsProbabilities(NumPyNetwork):
    """Predictions are probabilities, where training has logits."""

    def predict(self, images: Array) -> Array:
        logits = super().predict(images)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Array = exponentials / exponentials.sum(axis=1, keepdims=True)
        return shares


@NETWORK.fault("predicts-in-reverse", "predicted logits", "whole-is-not-its-parts")
class PredictsInReverse(NumPyNetwork):
    """Predictions have the classes in reverse order."""

    def predict(self, images: Array) -> Array:
        return super().predict(images)[:, ::-1].copy()


@NETWORK.fault("trains-with-the-rate-twice", WEIGHTS, "whole-is-not-its-parts")
class TrainsWithTheRateTwice(NumPyNetwork):
    """A training step multiplies the learning rate in twice."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        return super().train_step(batch, learning_rate * learning_rate, step)


@NETWORK.fault("loss-after-the-update", "loss,logits", "whole-is-not-its-parts")
class LossAfterTheUpdate(NumPyNetwork):
    """A training step tells the loss after its update, not before."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        super().train_step(batch, learning_rate, step)
        after = self.trace(batch, step=step)
        return StepResult(after.loss.loss, list(after.layers.values())[-1].output)


@NETWORK.fault("trains-on-half-the-batch", "logits,loss,weight,bias", "whole-is-not-its-parts")
class TrainsOnHalfTheBatch(NumPyNetwork):
    """A training step learns from the first half of the batch alone."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        half = slice((len(batch.images) + 1) // 2)
        return super().train_step(batch.taken(half), learning_rate, step)


@NETWORK.fault("last-parameter-skipped", WEIGHTS, "whole-is-not-its-parts")
class LastParameterSkipped(NumPyNetwork):
    """A training step leaves out the last parameter."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        last = list(self._parameters)[-1]
        kept = self._parameters[last].copy()
        result = super().train_step(batch, learning_rate, step)
        self._parameters[last][...] = kept
        return result


@NETWORK.fault("gradients-kept", f"{WEIGHTS},{SLOTS}", "whole-is-not-its-parts")
class GradientsKept(NumPyNetwork):
    """Training steps add their gradients to those of the step before: nothing sets them to 0."""

    _kept: Mapping[str, Array] = MappingProxyType({})

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        trace = self.trace(batch, step=step)
        gradients = {
            f"{name}.{parameter}": gradient + self._kept.get(f"{name}.{parameter}", 0)
            for name, layer in trace.layers.items()
            for parameter, gradient in layer.grad_parameters.items()
        }
        before, slots = self.state(), self.optimizer_state()
        result = super().train_step(batch, learning_rate, step)
        self.load_state(self.state() | {name: before[name] for name in gradients})
        self.load_optimizer_state(slots)
        self.update(gradients, learning_rate, step)
        self._kept = gradients
        return result


@NETWORK.fault("slots-lost", f"{WEIGHTS},{SLOTS}", "whole-is-not-its-parts", training=with_slots)
class SlotsLost(NumPyNetwork):
    """A training step begins with a new optimizer."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        for slot in self._optimizer.slots.values():
            slot[...] = 0
        return super().train_step(batch, learning_rate, step)


@NETWORK.fault("always-the-first-step", WEIGHTS, "whole-is-not-its-parts", training=with_count)
class AlwaysTheFirstStep(NumPyNetwork):
    """A training step always tells the optimizer that it is the first."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        return super().train_step(batch, learning_rate, 1)


@NETWORK.fault("smaller-batch-scaled", WEIGHTS, "whole-is-not-its-parts")
class SmallerBatchScaled(NumPyNetwork):
    """A batch that is smaller than the ones before is divided by their size."""

    _largest = 0

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        self._largest = max(self._largest, len(batch.images))
        scaled = learning_rate * len(batch.images) / self._largest
        return super().train_step(batch, scaled, step)


@NETWORK.fault("float32-trains-otherwise", WEIGHTS, "whole-is-not-its-parts")
class Float32TrainsOtherwise(NumPyNetwork):
    """A fast path of float32 alone takes half the learning rate."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        rate = learning_rate / 2 if self._dtype == np.float32 else learning_rate
        return super().train_step(batch, rate, step)


@NETWORK.fault("float32-predicts-otherwise", "predicted logits", "whole-is-not-its-parts")
class Float32PredictsOtherwise(NumPyNetwork):
    """A fast path of float32 alone predicts the classes in reverse order."""

    def predict(self, images: Array) -> Array:
        logits = super().predict(images)
        return logits[:, ::-1].copy() if self._dtype == np.float32 else logits


@NETWORK.fault("overwrites-its-images", "own input", "changes-input")
class OverwritesItsImages(NumPyNetwork):
    """A training step works on the caller's own images."""

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        result = super().train_step(batch, learning_rate, step)
        batch.images[...] = 0
        return result
