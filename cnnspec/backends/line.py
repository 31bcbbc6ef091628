"""Line: layers in the order of a plan, each of which is given what it reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.plan import INPUT, Plan
from cnnspec.trace import Array

Gradients = dict[str, Array]
"""dloss/dparameter, by the parameter's full name."""

Seen = Callable[[str, Array], None]
"""Called with the name of a layer and its output."""


class _Stop(NamedTuple):
    """A layer on the line."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    copies: bool
    """Whether it needs a copy of its input, as it would write over what others read."""
    read: tuple[str, ...]
    """Values that nobody reads after it."""
    sends_back: bool
    """Whether anything that learns lies before it."""


class Line:
    """Layers that run one after the other, forward and back.

    Where several layers read one output, the gradients that they send back are added up in the
    order in which they come: the last reader's first.
    """

    def __init__(self, plan: Plan, layers: Mapping[str, Layer]) -> None:
        """`layers` has those of the plan, by their names."""
        self._stops = list(_stops(plan, layers))
        self._last = plan.layers[-1].name

    def forward(self, x: Array, each: Seen | None = None) -> Array:
        """Return the output in training; show `each` layer's as it comes."""
        return self._run(x, [stop.layer.forward for stop in self._stops], each)

    def predict(self, x: Array, each: Seen | None = None) -> Array:
        """Return the output in evaluation; show `each` layer's as it comes."""
        return self._run(x, [stop.layer.predict for stop in self._stops], each)

    def _run(self, x: Array, passes: Sequence[Callable[..., Array]], each: Seen | None) -> Array:
        values = {INPUT: x}
        for (name, _, inputs, copies, read, _), run in zip(self._stops, passes):
            given = [values[source] for source in inputs]
            y = values[name] = run(*(map(np.copy, given) if copies else given))
            if each:
                each(name, y)
            for source in read:
                del values[source]
        return y

    def backward(self, grad: Array) -> Gradients:
        """Pass dloss/doutput back after `forward`; return all dloss/dparameter."""
        grads, gradients = {self._last: grad}, Gradients()
        for name, layer, inputs, _, _, sends_back in reversed(self._stops):
            if name not in grads:  # nothing before this layer learns, nor does it
                continue
            upstream = grads.pop(name)
            for parameter, gradient in layer.parameter_gradients(upstream).items():
                gradients[f"{name}.{parameter}"] = gradient
            if sends_back:
                self.send(layer.input_gradients(upstream), inputs, grads)
        return gradients

    def traced_back(
        self, grad: Array, each: Callable[[str, Layer, Array], Sequence[Array]]
    ) -> None:
        """Pass dloss/doutput back to the images.

        `each` is shown every layer with its upstream gradient, and returns those of its inputs.
        """
        grads = {self._last: grad}
        for name, layer, inputs, *_ in reversed(self._stops):
            self.send(each(name, layer, grads.pop(name)), inputs, grads)

    def send(self, parts: Sequence[Array], to: Sequence[str], grads: dict[str, Array]) -> None:
        """Add what a layer sends back to what its inputs have received so far."""
        for source, part in zip(to, parts):
            if source in grads:
                grads[source] += part
            else:
                grads[source] = part


def _stops(plan: Plan, layers: Mapping[str, Layer]) -> Iterator[_Stop]:
    readers = Counter(source for at in plan.layers for source in at.inputs)
    last_reader = {source: at.name for at in plan.layers for source in at.inputs}
    learns: set[str] = set()
    for at in plan.layers:
        layer = layers[at.name]
        yield _Stop(
            at.name,
            layer,
            at.inputs,
            layer.overwrites and _is_shared(at.inputs[0], plan, layers, readers),
            tuple(source for source in set(at.inputs) if last_reader[source] == at.name),
            not learns.isdisjoint(at.inputs),
        )
        if layer.parameters or not learns.isdisjoint(at.inputs):
            learns.add(at.name)


def _is_shared(
    name: str, plan: Plan, layers: Mapping[str, Layer], readers: Mapping[str, int]
) -> bool:
    """Tell whether the memory of an output is read by more than one layer."""
    while readers[name] == 1:
        if name == INPUT or not layers[name].returns_a_view:
            return False
        (name,) = plan.layer(name).inputs
    return True
