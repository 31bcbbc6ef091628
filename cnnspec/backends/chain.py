"""ChainNetwork: the Network protocol over a chain of hand-written layers.

The layers, the loss and the optimizer are each backend's own, and so is the way it
holds arrays; here is only what ties them together.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from cnnspec.backends.border import (
    check_images,
    check_loss,
    check_replay,
    check_state,
    check_training,
)
from cnnspec.backends.network import Labels, LayerTimes, Step
from cnnspec.backends.sharing import Making, Shared, by_turns
from cnnspec.plan import Plan
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training
from cnnspec.trace import Array, LayerTrace, LossTrace, State, Trace


class Layer(ABC):
    """A layer written by hand. Arrays are laid out as its backend likes.

    What it returns may live until its next call alone. Backward, the gradients of parameters are
    asked for before that of the input, which may write over the upstream gradient.

    A copy is made as the layer was, with its parameters and buffers; what a pass left in it stays
    behind. Where more is to go with it, a class has its own `__reduce__`.
    """

    def __init__(self, layer: SpecLayer, input: Shape, output: Shape, dtype: np.dtype) -> None:
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
    def forward(self, x: Array) -> Array:
        """Return the output in training, keep what the gradients need, update the buffers."""

    def predict(self, x: Array) -> Array:
        """Return the output in evaluation, and change no buffer."""
        return self.forward(x)

    @abstractmethod
    def input_gradient(self, grad_output: Array) -> Array:
        """Return dloss/dx for the x of the last forward pass."""

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        """Return dloss/dparameter for the x of the last forward pass."""
        return {}


class Stopwatch(Layer):
    """A layer that notes how long its passes take, in seconds."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self.parameters, self.buffers = layer.parameters, layer.buffers
        self._forward = self._backward = 0.0

    @property
    def times(self) -> LayerTimes:
        return LayerTimes(self._forward, self._backward)

    def forward(self, x: Array) -> Array:
        start = time.perf_counter()
        y = self._layer.forward(x)
        self._forward += time.perf_counter() - start
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        start = time.perf_counter()
        grad = self._layer.input_gradient(grad_output)
        self._backward += time.perf_counter() - start
        return grad

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


class ChainNetwork(Shared):
    """A chain of hand-written layers, a loss and an optimizer."""

    def __init__(
        self,
        plan: Plan,
        training: Training,
        *,
        backend: str,
        layers: Mapping[str, type[Layer]],
        loss: Loss,
        optimizers: Mapping[str, Callable[[Any, Mapping[str, Array]], Optimizer]],
    ) -> None:
        """`layers` and `optimizers` are the backend's classes for the kinds of a spec."""
        super().__init__()
        self.plan = plan
        self.backend = backend
        self._dtype = np.dtype(training.precision)
        self._layers = {
            at.name: layers[at.kind](at.layer, at.input, at.output, self._dtype)
            for at in plan.layers
        }
        self._loss = loss
        self._parameters = {
            f"{name}.{parameter}": array
            for name, layer in self._layers.items()
            for parameter, array in layer.parameters.items()
        }
        self._state = {
            f"{name}.{array_name}": array
            for name, layer in self._layers.items()
            for array_name, array in (layer.parameters | layer.buffers).items()
        }
        options = training.optimizer
        self._optimizer = optimizers[options.keyword](options, self._parameters)

    def _parts(self) -> Making:
        return with_attributes, (type(self), vars(self))

    def _enter(self, array: Array) -> Array:
        """Bring an array with the batch first into the inner layout and precision."""
        return np.ascontiguousarray(array, dtype=self._dtype)

    def _leave(self, array: Array) -> Array:
        """Bring an inner array out, as a copy of its own with the batch first."""
        return array.copy()

    @by_turns
    def state(self) -> State:
        return _copies(self._state)

    @by_turns
    def load_state(self, state: Mapping[str, Array]) -> None:
        check_state(state, _shapes(self._state), "weights")
        for name, array in self._state.items():
            array[...] = state[name]

    @by_turns
    def optimizer_state(self) -> State:
        return _copies(self._optimizer.slots)

    @by_turns
    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        check_state(state, _shapes(self._optimizer.slots), "optimizer slots")
        for name, array in self._optimizer.slots.items():
            array[...] = state[name]

    @by_turns
    def predict(self, images: Array) -> Array:
        check_images(images, self.plan)
        if not len(images):  # of which a layer need not be able to make anything
            return np.empty((0, *self.plan.layers[-1].output), self._dtype)
        x = self._enter(images)
        for layer in self._layers.values():
            x = layer.predict(x)
        return self._leave(x)

    @by_turns
    def evaluated_inputs(self, images: Array) -> list[Array]:
        """Return what each layer receives in evaluation."""
        check_images(images, self.plan)
        x, found = self._enter(images), []
        for layer in self._layers.values():
            found.append(self._leave(x))
            x = layer.predict(x)
        return found

    @by_turns
    def train_step(self, images: Array, labels: Labels, learning_rate: float, step: int) -> Step:
        check_training(images, labels, self.plan)
        logits = self._enter(images)
        for layer in self._layers.values():
            logits = layer.forward(logits)
        loss, grad = self._loss(logits, labels)
        result = Step(loss, self._leave(logits))
        gradients = gradients_of(self._layers, grad)
        self._optimizer.step(self._parameters, gradients, learning_rate, step)
        return result

    @by_turns
    def layer_times(self, images: Array, labels: Labels) -> dict[str, LayerTimes]:
        check_training(images, labels, self.plan)
        watched = {name: Stopwatch(layer) for name, layer in self._layers.items()}
        logits = self._enter(images)
        for layer in watched.values():
            logits = layer.forward(logits)
        _, grad = self._loss(logits, labels)
        gradients_of(watched, grad)
        return {name: layer.times for name, layer in watched.items()}

    @by_turns
    def update(self, gradients: Mapping[str, Array], learning_rate: float, step: int) -> None:
        check_state(gradients, _shapes(self._parameters), "gradients")
        inner = {name: gradient.astype(self._dtype) for name, gradient in gradients.items()}
        self._optimizer.step(self._parameters, inner, learning_rate, step)

    @by_turns
    def trace(self, images: Array, labels: Labels) -> Trace:
        check_training(images, labels, self.plan)
        x = self._enter(images)
        outputs, buffers = {}, {}
        for name, layer in self._layers.items():
            with _kept(layer.buffers):
                x = layer.forward(x)
                outputs[name], buffers[name] = self._leave(x), _copies(layer.buffers)
        loss, grad = self._loss(x, labels)
        loss_trace = LossTrace(loss, self._leave(grad))
        layers = {}
        for name, layer in reversed(self._layers.items()):
            grad_parameters = _copies(layer.parameter_gradients(grad))
            grad = layer.input_gradient(grad)
            layers[name] = LayerTrace(
                outputs[name], self._leave(grad), grad_parameters, buffers[name]
            )
        return Trace({name: layers[name] for name in self._layers}, loss_trace)

    @by_turns
    def replay(self, layer: str, x: Array, grad_output: Array) -> LayerTrace:
        check_replay(x, grad_output, self.plan.layer(layer))
        alone = self._layers[layer]
        with _kept(alone.buffers):
            output = self._leave(alone.forward(self._enter(x)))
            buffers = _copies(alone.buffers)
        grad = self._enter(grad_output)
        grad_parameters = _copies(alone.parameter_gradients(grad))
        return LayerTrace(output, self._leave(alone.input_gradient(grad)), grad_parameters, buffers)

    @by_turns
    def replay_loss(self, logits: Array, labels: Labels) -> LossTrace:
        check_loss(logits, labels)
        loss, grad = self._loss(self._enter(logits), labels)
        return LossTrace(loss, self._leave(grad))


def with_attributes(kind: type, attributes: Mapping[str, Any]) -> Any:
    """Make an object that has these attributes, without a call of its constructor."""
    made: Any = object.__new__(kind)
    vars(made).update(attributes)
    return made


def gradients_of(layers: Mapping[str, Layer], grad: Array) -> dict[str, Array]:
    """Pass dloss/dlogits back through a chain that was run forward; return all dloss/dparameter."""
    parameters = sum(len(layer.parameters) for layer in layers.values())
    gradients: dict[str, Array] = {}
    for name, layer in reversed(list(layers.items())):
        for parameter, gradient in layer.parameter_gradients(grad).items():
            gradients[f"{name}.{parameter}"] = gradient
        if len(gradients) == parameters:
            break  # nothing that learns lies before this layer
        grad = layer.input_gradient(grad)
    return gradients


@contextmanager
def _kept(buffers: Mapping[str, Array]) -> Iterator[None]:
    """Put buffers back as they were before a pass that only looks."""
    before = _copies(buffers)
    try:
        yield
    finally:
        for name, array in buffers.items():
            array[...] = before[name]


def _copies(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array.copy() for name, array in arrays.items()}


def _shapes(arrays: Mapping[str, Array]) -> dict[str, Shape]:
    return {name: array.shape for name, array in arrays.items()}
