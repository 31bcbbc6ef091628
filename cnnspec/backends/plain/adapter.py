"""PlainLayer: a plain class behind the face that every layer written by hand has."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnnspec.backends.chain import Layer
from cnnspec.backends.plain.arrays import Form, find, find_or_none
from cnnspec.backends.plain.construction import construct, weight_axes
from cnnspec.backends.plain.errors import PlainClassError
from cnnspec.backends.plain.names import GRADIENT, LEARNING_RATES, METHODS, NAMES, TRAINING
from cnnspec.backends.plain.returned import by_name
from cnnspec.backends.plain.structure import missing_method
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

LAYOUTS = ("nchw", "nhwc", "chw")
"""Images as (n, c, h, w), as (n, h, w, c), or one by one as (c, h, w)."""

STEP = 2.0**-7
"""Learning rate of a `backward` that wants one and updates its weights."""

SCALED = 2.0**40
"""The step is taken larger, so that no gradient drowns in the rounding of its weight, and then
cut to size. Both are powers of two, by which dividing is exact."""


class PlainLayer(Layer):
    """A class with forward and backward, its arrays under the names that people use.

    The class is given the weights before each forward pass. What it makes of them is to be
    seen in `parameters` after a backward pass; its input is handed over as it is, so that a
    change in place is seen, too.
    """

    def __init__(
        self,
        cls: type,
        layer: SpecLayer,
        input: Shape,
        output: Shape,
        dtype: np.dtype,
        *,
        names: Mapping[str, str] | None = None,
        layout: str = "nchw",
    ) -> None:
        """`names` says what the class calls something, by our name for it.

        Raises:
            UnsupportedSettingError: the class cannot express an option.
            PlainClassError: the class lacks something that a layer must have.
        """
        super().__init__(layer, input, output, dtype)
        self._names, self._layout = dict(names or {}), layout
        if unknown := self._names.keys() - NAMES:
            raise PlainClassError(
                f"a layer has nothing called {', '.join(sorted(unknown))} that could be mapped; "
                f"there are: {', '.join(sorted(NAMES))}"
            )
        self.instance = construct(cls, layer, input, self._names, layout)
        self._places = {name: find(self.instance, name, self._names) for name in self.parameters}
        for name in self.buffers:
            if place := find_or_none(self.instance, name, self._names):
                self._places[name] = place
        own = {name: place.get().shape for name, place in self._places.items()}
        axes = (
            weight_axes(cls, layer, own["weight"], input, self._names, layout)
            if "weight" in own
            else None
        )
        self._forms = {
            name: Form(array.shape, own[name], axes if name == "weight" else None)
            for name, array in (self.parameters | self.buffers).items()
            if name in own
        }
        self._gradients: dict[str, Array] = {}
        self._of: Array | None = None

    def forward(self, x: Array) -> Array:
        y = self._output(x, training=True)
        self._take_back(self.buffers)
        return y

    def predict(self, x: Array) -> Array:
        return self._output(x, training=False)

    def input_gradient(self, grad_output: Array) -> Array:
        self._backward(grad_output)
        return self._grad_input

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        self._backward(grad_output)
        return self._gradients

    def holds(self, name: str) -> bool:
        """Tell whether the class has an array of its own for a parameter or a buffer."""
        return name in self._places

    def held_gradients(self) -> dict[str, Array]:
        """Return copies of the gradients of parameters that the instance has as attributes."""
        found = {}
        for name in self.parameters:
            place = find_or_none(self.instance, f"{GRADIENT}{name}", self._names)
            if place is not None:
                found[name] = self._forms[name].from_class(place.get())
        return found

    def _output(self, x: Array, training: bool) -> Array:
        self._x, self._of = x, None
        self._give_weights()
        self._set_mode(training)
        if self._layout == "chw":
            return np.stack([self._run_forward(image, training) for image in x])
        return self._from_layout(self._run_forward(self._to_layout(x), training))

    def _set_mode(self, training: bool) -> None:
        """Say whether it is training, where the instance has an attribute for it."""
        for word in TRAINING:
            if isinstance(getattr(self.instance, word, None), bool):
                setattr(self.instance, word, training)

    def _backward(self, grad_output: Array) -> None:
        """Run the backward pass once for each upstream gradient."""
        if self._of is grad_output:
            return
        if self._layout == "chw":
            self._backward_by_image(grad_output)
        else:
            grad, self._gradients = self._run_backward(self._to_layout(grad_output))
            self._grad_input = self._from_layout(grad)
        self._take_back(self.parameters)
        self._of = grad_output

    def _backward_by_image(self, grad_output: Array) -> None:
        grads, total = [], dict[str, Array]()
        for image, upstream in zip(self._x, grad_output):
            self._give_weights()  # those of the pass, whatever the image before did to them
            self._run_forward(image, training=True)
            grad, gradients = self._run_backward(upstream)
            grads.append(grad)
            for name, gradient in gradients.items():
                total[name] = total[name] + gradient if name in total else gradient
        self._grad_input, self._gradients = np.stack(grads), total

    def _run_forward(self, x: Array, training: bool) -> Array:
        run = self._method("forward")
        mode = {word: training for word in _parameters(run) if word in TRAINING}
        return self._array(run(x, **mode), "forward")

    def _run_backward(self, grad_output: Array) -> tuple[Array, dict[str, Array]]:
        run = self._method("backward")
        rates = {
            word: STEP * SCALED
            for word, parameter in _parameters(run).items()
            if word in LEARNING_RATES and parameter.default is parameter.empty
        }
        before = {name: np.array(self._places[name].get()) for name in self.parameters}
        returned = run(grad_output, **rates)
        sizes = {"input": math.prod(self._x.shape)} | {
            name: array.size for name, array in self.parameters.items()
        }
        if self._layout == "chw":
            sizes["input"] //= len(self._x)
        found = by_name(returned, sizes, self._names)
        for name in sizes:
            place = find_or_none(self.instance, f"{GRADIENT}{name}", self._names)
            if name not in found and place is not None:
                found[name] = place.get()
        if rates:
            found = self._cut_steps(before) | found
        gradients = {
            name: form.from_class(found[name])
            for name, form in self._forms.items()
            if name in self.parameters and name in found
        }
        return self._array(found.get("input", returned), "backward"), gradients

    def _cut_steps(self, before: Mapping[str, Array]) -> dict[str, Array]:
        """Cut the steps of the weights to size; return the gradients that they show."""
        gradients = {}
        for name, was in before.items():
            place = self._places[name]
            gradients[name] = (was - place.get()) / (STEP * SCALED)
            place.set(was - STEP * gradients[name])
        return gradients

    def _array(self, value: Any, method: str) -> Array:
        if isinstance(value, np.ndarray):
            return value
        if value is None:
            what = "nothing: is a `return` missing?"
        else:
            what = f"{type(value).__name__}, wanted an array"
        raise PlainClassError(f"`{method}` of {type(self.instance).__name__} returns {what}")

    def _method(self, name: str) -> Callable[..., Any]:
        words = (self._names[name],) if name in self._names else METHODS[name]
        for word in words:
            method = getattr(self.instance, word, None)
            if callable(method):
                found: Callable[..., Any] = method
                return found
        raise PlainClassError(missing_method(type(self.instance), name, words))

    def _give_weights(self) -> None:
        for name, array in (self.parameters | self.buffers).items():
            if name in self._places:
                self._places[name].set(self._forms[name].to_class(array))

    def _take_back(self, arrays: Mapping[str, Array]) -> None:
        for name, array in arrays.items():
            if name in self._places:
                held = self._forms[name].from_class(self._places[name].get())
                if held.shape == array.shape:
                    array[...] = held

    def _to_layout(self, array: Array) -> Array:
        if self._layout == "nhwc" and array.ndim == 4:
            return array.transpose(0, 2, 3, 1)  # a view: what is done to it is done to the input
        return array

    def _from_layout(self, array: Array) -> Array:
        if self._layout == "nhwc" and array.ndim == 4:
            return np.ascontiguousarray(array.transpose(0, 3, 1, 2))
        return array


def _parameters(method: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(method).parameters
    except (TypeError, ValueError):  # of a built-in
        return {}
