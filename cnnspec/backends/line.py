"""Line: layers in the order of a plan, each of which is given what it reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.noise import NO_MASKS, Masks
from cnnspec.plan import INPUT, Plan
from cnnspec.trace import Array

Gradients = dict[str, Array]
"""dloss/dparameter, by the parameter's full name."""


Seen = Callable[[str, Array], None]
"""Called with the name of a layer and its output."""

Pass = Callable[..., Array]
"""A pass of a layer forward."""

_forward_of: Callable[[Layer], Pass] = attrgetter("forward")
_predict_of: Callable[[Layer], Pass] = attrgetter("predict")


class _Stop(NamedTuple):
    """A layer on the line."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    follows: bool
    """Whether it reads what the layer before it gives, and is alone in that: along a chain, nothing
    is looked up by name."""
    kept: bool
    """Whether another layer than the next one reads its output."""
    copies: bool
    """Whether it needs a copy of its input, as it would write over what others read."""
    last_reader_of: tuple[str, ...]
    """Kept outputs that nobody reads after it."""
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

    def forward(self, x: Array, each: Seen | None = None, *, masks: Masks = NO_MASKS) -> Array:
        """Return the output in training; show `each` layer's as it comes.

        `masks` has what is drawn for this pass, by the layer's name and laid out as x is.
        """
        return self._run(x, _forward_of, each, masks)

    def predict(self, x: Array, each: Seen | None = None) -> Array:
        """Return the output in evaluation; show `each` layer's as it comes."""
        return self._run(x, _predict_of, each, NO_MASKS)

    def _run(self, x: Array, of: Callable[[Layer], Pass], each: Seen | None, masks: Masks) -> Array:
        values, y = {INPUT: x}, x
        for name, layer, inputs, follows, kept, copies, gone, _ in self._stops:
            run = of(layer)
            if name in masks:
                run = partial(run, mask=masks[name])
            if follows:
                y = run(y.copy() if copies else y)
            else:
                given = [values[source] for source in inputs]
                y = run(*(map(np.copy, given) if copies else given))
                for source in gone:
                    del values[source]
            if kept:
                values[name] = y
            if each:
                each(name, y)
        return y

    def backward(self, grad: Array) -> Gradients:
        """Pass dloss/doutput back after `forward`; return all dloss/dparameter."""
        grads, gradients = {self._stops[-1].name: grad}, Gradients()
        for name, layer, inputs, _, _, _, _, sends_back in reversed(self._stops):
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
        grads = {self._stops[-1].name: grad}
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
    before = [INPUT, *(at.name for at in plan.layers)]
    follow = {
        at.name
        for at, last in zip(plan.layers, before)
        if at.inputs == (last,) and readers[last] == 1
    }
    last_reader = {
        source: at.name for at in plan.layers if at.name not in follow for source in at.inputs
    }
    learns: set[str] = set()
    for at in plan.layers:
        layer, sends_back = layers[at.name], not learns.isdisjoint(at.inputs)
        yield _Stop(
            at.name,
            layer,
            at.inputs,
            at.name in follow,
            at.name in last_reader,
            layer.overwrites and _is_shared(at.inputs[0], plan, layers, readers),
            tuple(source for source in {*at.inputs} if last_reader.get(source) == at.name),
            sends_back,
        )
        if layer.parameters or sends_back:
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
