"""The Network protocol: what every backend's networks can do, in NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cnnspec.plan import Plan
from cnnspec.trace import Array, LayerTrace, LossTrace, State, Trace

Labels = NDArray[np.integer]


@dataclass(frozen=True)
class Batch:
    """Images to learn from, and where they stand in the global batch.

    Where several processes share a batch, each is given its own images; what is drawn at random
    for an image hangs on its position in the global batch, whoever computes it. A network checks
    a batch when it is given one.
    """

    images: Array
    """(n, c, h, w)."""
    targets: Labels
    """(n,) whole numbers from 0 to classes - 1."""
    positions: Labels | None = None
    """(n,) of the images in the global batch, from 0; None: they are the first, in order."""
    global_size: int | None = None
    """Images in the global batch; None: no others than these."""

    def taken(self, rows: slice | NDArray[np.integer]) -> Batch:
        """Return some of the images, in the same global batch."""
        positions, size = self.places()
        return Batch(self.images[rows], self.targets[rows], positions[rows], size)

    def places(self) -> tuple[Labels, int]:
        """Return the positions of the images, and how many images the global batch has."""
        count = len(self.images)
        positions = np.arange(count) if self.positions is None else self.positions
        return positions, count if self.global_size is None else int(self.global_size)


class StepResult(NamedTuple):
    """What a training step gives: of the weights before its update."""

    loss: float
    """Mean over the batch."""
    outputs: Array
    """What the network made of the images: logits (n, classes)."""


class LayerTimes(NamedTuple):
    """How long one layer took in a training step, in seconds."""

    forward: float
    backward: float
    """Of the gradients of its parameters, and of its input where somebody asks for it."""


@runtime_checkable
class Network(Protocol):
    """A network that can predict, learn and be looked into.

    Shapes:
        images (n, c, h, w), labels (n,) whole numbers from 0 to classes - 1, logits (n, classes).

    What is given is checked before anything is computed, alike on every backend
    (`cnnspec.backends.border`). Arrays that come back are the caller's own: no later call changes
    them. Several threads may use one network: its calls are taken one after the other. It can be
    copied and pickled, with the optimizer's slots: a copy trains on to the same bits
    (`cnnspec.backends.sharing`).
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

        Of no images, an array (0, classes).

        Raises:
            DataError: the images are no real numbers of the network's input shape.
        """

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        """Learn from one batch, and update the buffers; `step` counts from 1.

        What layers draw at random is drawn by `cnnspec.noise`, from the training's seed.

        Raises:
            DataError: the network ends in images; there are no images, too few for a layer's
                statistics, or others than the network takes; the targets are no whole numbers
                (n,) from 0 to classes - 1; the positions are no distinct places in the global
                batch; or the step is no whole number from 1.
        """

    def update(self, gradients: Mapping[str, Array], learning_rate: float, step: int) -> None:
        """Let the optimizer take one step along given gradients; `step` counts from 1.

        Raises:
            DataError: the step is no whole number from 1.
            StateError: a name or a shape of the gradients does not fit the parameters.
        """

    def trace(self, batch: Batch, *, step: int) -> Trace:
        """Run the forward and backward pass of a training step, and leave all state as it was.

        Raises:
            DataError: as in `train_step`.
        """

    def replay(
        self,
        layer: str,
        inputs: Sequence[Array],
        grad_output: Array,
        *,
        state: Mapping[str, Array] | None = None,
        noise: NDArray[np.bool] | None = None,
    ) -> LayerTrace:
        """Run one layer alone, as `trace` does, on given inputs and an upstream gradient.

        The answer comes from the arguments alone, and the network is left as it was. `state` has
        other parameters and buffers than the network's, by their names within the layer
        (`weight`). `noise` is the mask of a layer that draws one, (n, *shape of its mask), True
        where a number is kept; other layers are given none.

        Raises:
            DataError: there is no such layer, the arrays have other shapes than the layer's, the
                batch is empty or too small for the layer's statistics, or a mask is missing or too
                much.
            StateError: a name or a shape of `state` does not fit the layer.
        """

    def replay_loss(self, logits: Array, labels: Labels) -> LossTrace:
        """Run the loss alone, over any number of classes.

        Raises:
            DataError: there are no logits, or the labels are none of their classes.
        """


class Timed(Protocol):
    """A network that can say where its time goes; those of other packages need not."""

    def layer_times(self, batch: Batch) -> dict[str, LayerTimes]:
        """Run forward and back as a training step does, without its update, layer by layer.

        Raises:
            DataError: as in `train_step`.
        """
