"""The parts of a network written by hand: layers, joins, a loss and an optimizer."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from cnnspec.backends.network import Labels, LayerTimes
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Join
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class Layer(ABC):
    """A layer written by hand. Arrays are laid out as its backend likes.

    What it returns may live until its next call alone. On the way back, a layer is asked for the
    gradients of its parameters first. The gradient of its input comes after them, and may be
    written over the upstream gradient.

    A copy is made as the layer was, with its parameters and buffers; what a pass left in it stays
    behind. Where more is to go with it, a class has its own `__reduce__`.
    """

    overwrites: bool = False
    """Whether `forward` may write over its input: then nobody else is to read that."""
    returns_a_view: bool = False
    """Whether the output is the input's memory, read otherwise."""

    def __init__(self, layer: SpecLayer, input: Any, output: Shape, dtype: np.dtype) -> None:
        """`input` is a shape without the batch; of a join, those of all its inputs."""
        self._made_of = layer, input, output, dtype
        self.parameters: dict[str, Array] = {
            name: np.zeros(shape, dtype) for name, shape in layer.parameters(input).items()
        }
        self.buffers: dict[str, Array] = {
            name: np.zeros(shape, dtype) for name, shape in layer.buffers(input).items()
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made_of, {"parameters": self.parameters, "buffers": self.buffers}

    @abstractmethod
    def forward(self, *inputs: Any, **none: Any) -> Array:
        """Return the output in training, keep what the gradients need, update the buffers.

        Most layers take one array x; a join takes one from each branch. A layer that draws is
        given what is drawn as `mask`, laid out as its input is: True where a number is kept.
        """

    def predict(self, *inputs: Any, **none: Any) -> Array:
        """Return the output in evaluation, and change no buffer."""
        return self.forward(*inputs)

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        """Return dloss/dinput of each input of the last forward pass.

        Whoever receives one may write over it: no memory is in two of them.
        """
        return (self.input_gradient(grad_output),)

    def input_gradient(self, grad_output: Array) -> Array:
        """Return dloss/dx for the x of the last forward pass, of a layer of one input."""
        raise NotImplementedError

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        """Return dloss/dparameter for the last forward pass."""
        return {}


def received(at: PlannedLayer) -> Shape | tuple[Shape, ...]:
    """Return the shape that a layer receives; of a join, those of all branches."""
    return at.input_shapes if isinstance(at.layer, Join) else at.input


class Stopwatch(Layer):
    """A layer that notes how long its passes take, in seconds."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self.parameters, self.buffers = layer.parameters, layer.buffers
        self.overwrites, self.returns_a_view = layer.overwrites, layer.returns_a_view
        self._forward = self._backward = 0.0

    @property
    def times(self) -> LayerTimes:
        return LayerTimes(self._forward, self._backward)

    def forward(self, *inputs: Array, **drawn: Array) -> Array:
        start = time.perf_counter()
        y = self._layer.forward(*inputs, **drawn)
        self._forward += time.perf_counter() - start
        return y

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        start = time.perf_counter()
        grads = self._layer.input_gradients(grad_output)
        self._backward += time.perf_counter() - start
        return grads

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        start = time.perf_counter()
        gradients = self._layer.parameter_gradients(grad_output)
        self._backward += time.perf_counter() - start
        return gradients


class Loss(Protocol):
    """Mean loss of a batch and its gradient."""

    def __call__(self, logits: Array, labels: Labels) -> tuple[float, Array]: ...


class Optimizer(ABC):
    """Changes parameters in place, and keeps slots of their shape for each."""

    slots: dict[str, Array]

    @abstractmethod
    def step(
        self,
        parameters: Mapping[str, Array],
        gradients: Mapping[str, Array],
        learning_rate: float,
        step: int,
    ) -> None:
        """Take one step; `step` counts from 1."""
