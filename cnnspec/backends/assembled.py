"""AssembledNetwork: the Network protocol over parts that a backend wrote itself.

The layers, the loss and the optimizer are each backend's own, and so is the way it
holds arrays; here is only what ties them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.border import (
    check_images,
    check_layer,
    check_loss,
    check_replay,
    check_state,
    check_step,
    check_training,
)
from cnnspec.backends.line import Line
from cnnspec.backends.network import Batch, Labels, LayerTimes, StepResult
from cnnspec.backends.parts import Layer, Loss, Optimizer, Stopwatch, received
from cnnspec.backends.sharing import Making, Shared, by_turns, with_attributes
from cnnspec.noise import Masks, Noise
from cnnspec.plan import INPUT, Plan
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training
from cnnspec.trace import Array, LayerTrace, LossTrace, State, Trace


class AssembledNetwork(Shared):
    """Layers, a loss and an optimizer, each with its gradients or its rule written out."""

    line: ClassVar[type[Line]] = Line
    """What runs its layers one after the other."""

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
        self._noise = Noise(plan, training.seed)
        self._layers = {
            at.name: layers[at.kind](at.layer, received(at), at.output, self._dtype)
            for at in plan.layers
        }
        self._line = self.line(plan, self._layers)
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

    def _making(self) -> Making:
        return with_attributes, (type(self), vars(self))

    def _enter(self, array: Array) -> Array:
        """Bring an array with the batch first into the inner layout and precision."""
        return np.ascontiguousarray(array, dtype=self._dtype)

    def _enter_mask(self, mask: NDArray[np.bool]) -> NDArray[np.bool]:
        """Bring a mask with the batch first into the inner layout."""
        return np.ascontiguousarray(mask)

    def _drawn(self, batch: Batch, step: int) -> Masks:
        """Return what is drawn for a pass, by the layer's name and in the inner layout."""
        masks = self._noise.masks(step, *batch.places())
        return {name: self._enter_mask(mask) for name, mask in masks.items()}

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
        return self._leave(self._line.predict(self._enter(images)))

    @by_turns
    def evaluated(self, images: Array) -> dict[str, Array]:
        """Return the output of each layer in evaluation."""
        check_images(images, self.plan)
        found: dict[str, Array] = {}

        def keep(name: str, output: Array) -> None:
            found[name] = self._leave(output)

        self._line.predict(self._enter(images), keep)
        return found

    @by_turns
    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        check_training(batch, self.plan, step)
        masks = self._drawn(batch, step)
        logits = self._line.forward(self._enter(batch.images), masks=masks)
        loss, grad = self._loss(logits, batch.targets)
        result = StepResult(loss, self._leave(logits))
        gradients = self._line.backward(grad)
        self._optimizer.step(self._parameters, gradients, learning_rate, step)
        return result

    @by_turns
    def layer_times(self, batch: Batch) -> dict[str, LayerTimes]:
        check_training(batch, self.plan)
        watched = {name: Stopwatch(layer) for name, layer in self._layers.items()}
        line = self.line(self.plan, watched)
        masks = self._drawn(batch, step=1)
        _, grad = self._loss(line.forward(self._enter(batch.images), masks=masks), batch.targets)
        line.backward(grad)
        return {name: layer.times for name, layer in watched.items()}

    @by_turns
    def update(self, gradients: Mapping[str, Array], learning_rate: float, step: int) -> None:
        check_step(step)
        check_state(gradients, _shapes(self._parameters), "gradients")
        inner = {name: gradient.astype(self._dtype) for name, gradient in gradients.items()}
        self._optimizer.step(self._parameters, inner, learning_rate, step)

    @by_turns
    def trace(self, batch: Batch, *, step: int) -> Trace:
        check_training(batch, self.plan, step)
        x = self._enter(batch.images)
        outputs, buffers = {INPUT: self._leave(x)}, {}

        def keep(name: str, output: Array) -> None:
            outputs[name] = self._leave(output)
            buffers[name] = _copies(self._layers[name].buffers)

        with _kept({name: self._state[name] for name in self.plan.buffers}):
            logits = self._line.forward(x, keep, masks=self._drawn(batch, step))
        loss, grad = self._loss(logits, batch.targets)
        loss_trace = LossTrace(loss, self._leave(grad))
        inputs = {at.name: at.inputs for at in self.plan.layers}
        found: dict[str, LayerTrace] = {}

        def look_back(name: str, layer: Layer, grad: Array) -> Sequence[Array]:
            grad_output = self._leave(grad)
            grad_parameters = _copies(layer.parameter_gradients(grad))
            grads = layer.input_gradients(grad)
            found[name] = LayerTrace(
                tuple(outputs[source] for source in inputs[name]),
                outputs[name],
                grad_output,
                tuple(map(self._leave, grads)),
                grad_parameters,
                buffers[name],
            )
            return grads

        self._line.traced_back(grad, look_back)
        return Trace({name: found[name] for name in self._layers}, loss_trace)

    @by_turns
    def replay(
        self,
        layer: str,
        inputs: Sequence[Array],
        grad_output: Array,
        *,
        state: Mapping[str, Array] | None = None,
        noise: NDArray[np.bool] | None = None,
    ) -> LayerTrace:
        check_replay(inputs, grad_output, check_layer(layer, self.plan), state, noise)
        alone, given = self._layers[layer], [self._enter(x) for x in inputs]
        drawn = {} if noise is None else {"mask": self._enter_mask(noise)}
        upstream = self._enter(grad_output)
        received, sent = tuple(map(self._leave, given)), self._leave(upstream)
        with _kept(alone.buffers if state is None else alone.parameters | alone.buffers, state):
            output = self._leave(alone.forward(*given, **drawn))
            buffers = _copies(alone.buffers)
            grad_parameters = _copies(alone.parameter_gradients(upstream))
            grad_inputs = tuple(map(self._leave, alone.input_gradients(upstream)))
        return LayerTrace(received, output, sent, grad_inputs, grad_parameters, buffers)

    @by_turns
    def replay_loss(self, logits: Array, labels: Labels) -> LossTrace:
        check_loss(logits, labels)
        loss, grad = self._loss(self._enter(logits), labels)
        return LossTrace(loss, self._leave(grad))


@contextmanager
def _kept(arrays: Mapping[str, Array], others: Mapping[str, Array] | None = None) -> Iterator[None]:
    """Put arrays back as they were, after a pass that only looks or that takes `others`."""
    before = _copies(arrays)
    for name, other in (others or {}).items():
        arrays[name][...] = other
    try:
        yield
    finally:
        for name, array in arrays.items():
            array[...] = before[name]


def _copies(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array.copy() for name, array in arrays.items()}


def _shapes(arrays: Mapping[str, Array]) -> dict[str, Shape]:
    return {name: array.shape for name, array in arrays.items()}
