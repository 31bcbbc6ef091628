"""How long the loops take on this machine: each layer timed on a part of its outputs.

A loop goes over every output, so its time grows with their number. Where images are large, a layer
is timed on smaller ones, with all its channels: each output costs the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnnspec.backends.loops import LAYERS, LOSSES, OPTIMIZERS
from cnnspec.backends.parts import Layer
from cnnspec.errors import SpecError
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training
from cnnspec.trace import Array

OUTPUTS = 1500
"""Outputs of a layer that are timed, in about: some hundredths of a second."""

NUMBERS = 50, 100
"""Shape of the parameters of which an update is timed."""

IMAGES = 6
"""Images of the batch that is timed: a window is found once for all of them."""

SECONDS = 0.02
"""For each of these times, at least: in less, somebody else may have the processor, or nobody."""


@dataclass(frozen=True)
class Pace:
    """How long the loops of a network take, in seconds."""

    forward: float
    """Of one image."""
    backward: float
    """Of one image: the gradients that a training step needs."""
    update: float
    """Of one update of all parameters."""

    def training(self, images: int, steps: int) -> float:
        """Return how long steps take that learn from so many images in all."""
        return images * (self.forward + self.backward) + steps * self.update

    def testing(self, images: int) -> float:
        """Return how long the predictions of so many images take."""
        return images * self.forward


def pace_of(plan: Plan, training: Training) -> Pace:
    """Time the loops of every layer of a network, its loss and its optimizer."""
    dtype = np.dtype(training.precision)
    forward, backward = 0.0, _loss(plan, training, dtype)
    learns_before = False
    for at in plan.layers:
        timed = _Timed(at, dtype)
        forward += timed.forward()
        backward += timed.backward(learns_before)
        learns_before = learns_before or bool(at.parameters)
    return Pace(forward, backward, _update(plan, training, dtype))


class _Timed:
    """A layer over a batch of images that may be smaller than its own."""

    def __init__(self, at: PlannedLayer, dtype: np.dtype) -> None:
        layer, size, output = _part(at)
        self._images = max(IMAGES, layer.least_batch(size))
        self._layer: Layer = LAYERS[at.kind](layer, size, output, dtype)
        self._scale = math.prod(at.output) / math.prod(output) / self._images
        random = np.random.default_rng(0)
        self._x = random.normal(size=(self._images, *size)).astype(dtype)
        self._grad = random.normal(size=(self._images, *output)).astype(dtype)
        self._layer.forward(self._x[:2])  # the first call finds nothing in the caches

    def forward(self) -> float:
        return self._scale * _seconds(lambda: self._layer.forward(self._x))

    def backward(self, needs_input_gradient: bool) -> float:
        seconds = 0.0
        if self._layer.parameters:
            seconds += _seconds(lambda: self._layer.parameter_gradients(self._grad))
        if needs_input_gradient:
            seconds += _seconds(lambda: self._layer.input_gradient(self._grad))
        return self._scale * seconds


def _part(at: PlannedLayer) -> tuple[SpecLayer, Shape, Shape]:
    """Return a layer over images, or of outputs, of which there are few."""
    layer, size, output = at.layer, at.input, at.output
    if len(output) == 1 and layer.width is not None:
        few = min(output[0], OUTPUTS)
        return layer.model_copy(update={layer.width: few}), size, (few,)
    while len(size) == 3 and math.prod(output) > OUTPUTS:
        channels, height, width = size
        smaller = channels, math.ceil(height / 2), math.ceil(width / 2)
        try:
            less = layer.output_shape(smaller)
        except SpecError:  # no window fits
            break
        if math.prod(less) == math.prod(output):
            break
        size, output = smaller, less
    return layer, size, output


def _loss(plan: Plan, training: Training, dtype: np.dtype) -> float:
    loss = LOSSES[training.loss.keyword]
    labels = np.zeros(8, np.int64)
    logits = np.zeros((len(labels), math.prod(plan.layers[-1].output)), dtype)
    return _seconds(lambda: loss(logits, labels)) / len(labels)


def _update(plan: Plan, training: Training, dtype: np.dtype) -> float:
    some: dict[str, Array] = {"some": np.ones(NUMBERS, dtype)}
    optimizer = OPTIMIZERS[training.optimizer.keyword](training.optimizer, some)
    seconds = _seconds(lambda: optimizer.step(some, some, 1e-3, 1))
    return seconds * plan.parameter_count / math.prod(NUMBERS)


def _seconds(action: Callable[[], object]) -> float:
    """Return how long a call takes, in the mean of some."""
    calls, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS:
        action()
        calls += 1
    return spent / calls
