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
from cnnspec.backends.parts import Layer, received
from cnnspec.errors import SpecError
from cnnspec.plan import Plan, PlannedLayer, part
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
    learns: set[str] = set()
    for at in plan.layers:
        timed, learns_before = _Timed(at, dtype), not learns.isdisjoint(at.inputs)
        forward += timed.forward()
        backward += timed.backward(learns_before)
        if learns_before or at.parameters:
            learns.add(at.name)
    return Pace(forward, backward, _update(plan, training, dtype))


class _Timed:
    """A layer over a batch of images that may be smaller than its own."""

    def __init__(self, at: PlannedLayer, dtype: np.dtype) -> None:
        small = _part(at)
        self._images = max(IMAGES, small.layer.least_batch(small.input))
        self._layer: Layer = LAYERS[at.kind](small.layer, received(small), small.output, dtype)
        self._scale = math.prod(at.output) / math.prod(small.output) / self._images
        random = np.random.default_rng(0)
        self._inputs, (self._grad,) = (
            [random.normal(size=(self._images, *shape)).astype(dtype) for shape in shapes]
            for shapes in (small.input_shapes, [small.output])
        )
        mask = small.layer.mask(small.input)
        self._drawn = {"mask": np.ones((self._images, *mask.shape), bool)} if mask else {}
        self._forward()  # the first call finds nothing in the caches

    def _forward(self) -> None:
        self._layer.forward(*self._inputs, **self._drawn)

    def forward(self) -> float:
        return self._scale * _seconds(self._forward)

    def backward(self, needs_input_gradients: bool) -> float:
        seconds = 0.0
        if self._layer.parameters:
            seconds += _seconds(lambda: self._layer.parameter_gradients(self._grad))
        if needs_input_gradients:
            seconds += _seconds(lambda: self._layer.input_gradients(self._grad))
        return self._scale * seconds


def _part(at: PlannedLayer) -> PlannedLayer:
    """Return a layer over images, or of outputs, of which there are few."""
    width = at.layer.width
    if len(at.output) == 1 and width is not None:
        few = at.layer.model_copy(update={width: min(at.output[0], OUTPUTS)})
        return part(few, at.name, *at.input_shapes).layers[0]
    while len(at.input) == 3 and math.prod(at.output) > OUTPUTS:
        smaller = [(shape[0], *(math.ceil(s / 2) for s in shape[1:])) for shape in at.input_shapes]
        try:
            (less,) = part(at.layer, at.name, *smaller).layers
        except SpecError:  # no window fits
            break
        if math.prod(less.output) == math.prod(at.output):
            break
        at = less
    return at


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
    calls, spent, start = 0, 0.0, time.perf_counter()
    while not calls or spent < SECONDS:
        action()
        calls += 1
        spent = time.perf_counter() - start
    return spent / calls
