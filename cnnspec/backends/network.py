"""The Network protocol: what every backend's networks can do, in NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cnnspec.errors import DataError, StateError
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.sizes import Shape, show
from cnnspec.trace import Array, LayerTrace, LossTrace, State, Trace

Labels = NDArray[np.integer]


class Step(NamedTuple):
    """One training step, seen from before its update."""

    loss: float
    """Mean over the batch."""
    logits: Array
    """(n, classes)."""


class LayerTimes(NamedTuple):
    """How long one layer took in a training step, in seconds."""

    forward: float
    backward: float
    """Of the gradients of its parameters, and of its input where somebody asks for it."""


@runtime_checkable
class Network(Protocol):
    """A network that can predict, learn and be looked into.

    Shapes:
        images (n, c, h, w), labels (n,) whole numbers, logits (n, classes).

    Arrays that come back are the caller's own: no later call changes them.
    """

    plan: Plan
    backend: str
    """Name of the backend that built this network."""

    def state(self) -> State:
        """Return parameters and buffers: {"conv1.weight": array}."""

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Take over parameters and buffers.

        Raises:
            StateError: a name or a shape does not fit.
        """

    def optimizer_state(self) -> State:
        """Return the optimizer's slots: {"conv1.weight.exp_avg": array}."""

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Take over the optimizer's slots.

        Raises:
            StateError: a name or a shape does not fit.
        """

    def predict(self, images: Array) -> Array:
        """Return the logits, in evaluation mode: with running statistics; change nothing.

        Raises:
            DataError: the images have another shape than the network's input.
        """

    def train_step(self, images: Array, labels: Labels, learning_rate: float, step: int) -> Step:
        """Learn from one batch, and update the buffers; `step` counts from 1.

        Raises:
            DataError: the images have another shape than the network's input, or are too few
                for a layer's statistics.
        """

    def update(self, gradients: Mapping[str, Array], learning_rate: float, step: int) -> None:
        """Let the optimizer take one step along given gradients; `step` counts from 1."""

    def trace(self, images: Array, labels: Labels) -> Trace:
        """Run one forward and backward pass in training mode, and leave all state as it was.

        Raises:
            DataError: as in `train_step`.
        """

    def replay(self, layer: str, x: Array, grad_output: Array) -> LayerTrace:
        """Run one layer alone, as `trace` does, on a given input and upstream gradient.

        Raises:
            DataError: the batch is too small for the layer's statistics.
        """

    def replay_loss(self, logits: Array, labels: Labels) -> LossTrace:
        """Run the loss alone."""


class Timed(Protocol):
    """A network that can say where its time goes; those of other packages need not."""

    def layer_times(self, images: Array, labels: Labels) -> dict[str, LayerTimes]:
        """Run forward and back as a training step does, without its update, layer by layer."""


def check_images(images: Array, plan: Plan) -> None:
    """Hold images against the input of a network.

    Raises:
        DataError: they have another shape.
    """
    if images.shape[1:] != plan.input:
        raise DataError(
            f"the network takes images of (n, {', '.join(map(str, plan.input))}); "
            f"found {images.shape}"
        )


def check_training_images(images: Array, plan: Plan) -> None:
    """Hold images against the input of a network, and their number against what layers need.

    Raises:
        DataError: they have another shape, or are too few.
    """
    check_images(images, plan)
    for at in plan.layers:
        check_batch(len(images), at)


def check_batch(images: int, at: PlannedLayer) -> None:
    """Hold the number of images against what a layer needs in training.

    Raises:
        DataError: they are too few.
    """
    least = at.layer.least_batch(at.input)
    if images < least:
        raise DataError(
            f"{at.name}: in training, `{at.kind}` over {show(at.input)} needs more than one value "
            f"for each channel: a batch of at least {least} images; found {images}"
        )


def check_state(state: Mapping[str, Array], expected: Mapping[str, Shape], what: str) -> None:
    """Hold names and shapes against what a network has.

    Raises:
        StateError: a name is missing or too many, or a shape differs.
    """
    missing = [name for name in expected if name not in state]
    unknown = [name for name in state if name not in expected]
    if missing or unknown:
        parts = [f"missing: {', '.join(missing)}"] if missing else []
        parts += [f"unknown: {', '.join(unknown)}"] if unknown else []
        raise StateError(f"the {what} do not fit the network; {'; '.join(parts)}")
    for name, shape in expected.items():
        if state[name].shape != tuple(shape):
            raise StateError(
                f"the {what} do not fit the network: `{name}` is {show(state[name].shape)}, "
                f"but the network has {show(shape)}"
            )
