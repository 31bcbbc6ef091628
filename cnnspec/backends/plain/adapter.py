"""PlainLayer: a plain class behind the face that every layer written by hand has."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnnspec.backends.chain import Layer
from cnnspec.backends.plain.arrays import find, find_or_none, from_class, to_class
from cnnspec.backends.plain.construction import construct, weight_axes
from cnnspec.backends.plain.errors import PlainClassError
from cnnspec.backends.plain.names import ARRAYS, LEARNING_RATES, METHODS, TRAINING
from cnnspec.backends.plain.structure import missing_method
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

LAYOUTS = ("nchw", "nhwc", "chw")
"""Images as (n, c, h, w), as (n, h, w, c), or one by one as (c, h, w)."""

LEARNING_RATE = 2.0**-7
"""Given to a `backward` that updates its weights; a power of two, so that dividing is exact."""


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
        self.instance = construct(cls, layer, input, self._names)
        self._places = {
            name: find(self.instance, name, self._names) for name in self.parameters
        } | {
            name: place
            for name in self.buffers
            if (place := find_or_none(self.instance, name, self._names))
        }
        self._shapes = {name: place.get().shape for name, place in self._places.items()}
        self._axes = weight_axes(cls, layer, self._names) if "weight" in self.parameters else None
        self._gradients: dict[str, Array] = {}
        self._of: Array | None = None

    def forward(self, x: Array) -> Array:
        self._x, self._of = x, None
        self._give_weights()
        if self._layout == "chw":
            y = np.stack([self._run_forward(image) for image in x])
        else:
            y = self._from_layout(self._run_forward(self._to_layout(x)))
        self._take_back(self.buffers)
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        self._backward(grad_output)
        return self._grad_input

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        self._backward(grad_output)
        return self._gradients

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
            self._run_forward(image)
            grad, gradients = self._run_backward(upstream)
            grads.append(grad)
            for name, gradient in gradients.items():
                total[name] = total[name] + gradient if name in total else gradient
        self._grad_input, self._gradients = np.stack(grads), total

    def _run_forward(self, x: Array) -> Array:
        run = self._method("forward")
        return self._array(run(x, **_required(run, TRAINING, True)), "forward")

    def _run_backward(self, grad_output: Array) -> tuple[Array, dict[str, Array]]:
        run = self._method("backward")
        rate = _required(run, LEARNING_RATES, LEARNING_RATE)
        before = {name: self._places[name].get().copy() for name in self.parameters}
        returned = run(grad_output, **rate)
        found = self._returned(returned)
        for name in self.parameters:
            place = find_or_none(self.instance, f"grad_{name}", self._names)
            if name not in found and place is not None:
                found[name] = place.get()
            elif name not in found and rate:
                found[name] = (before[name] - self._places[name].get()) / LEARNING_RATE
        grad = found.pop("input", None)
        if grad is None:
            place = find_or_none(self.instance, "grad_input", self._names)
            grad = place.get() if place is not None else returned
        gradients = {
            name: from_class(array, self.parameters[name].shape, self._axes_of(name))
            for name, array in found.items()
        }
        return self._array(grad, "backward"), {name: a.copy() for name, a in gradients.items()}

    def _returned(self, returned: Any) -> dict[str, Any]:
        """Return what `backward` gives back, by name: `input`, `weight`, `bias`."""
        if isinstance(returned, tuple | list):
            return dict(zip(("input", *self.parameters), returned))
        if isinstance(returned, dict):
            return {
                name: value
                for name in ("input", *self.parameters)
                for word, value in returned.items()
                if word in (self._names.get(f"grad_{name}"), *ARRAYS[f"grad_{name}"])
            }
        return {"input": returned} if returned is not None else {}

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
                own = to_class(array, self._shapes[name], self._axes_of(name))
                self._places[name].set(own)

    def _take_back(self, arrays: Mapping[str, Array]) -> None:
        for name, array in arrays.items():
            if name in self._places:
                held = from_class(self._places[name].get(), array.shape, self._axes_of(name))
                if held.shape == array.shape:
                    array[...] = held

    def _axes_of(self, name: str) -> tuple[int, ...] | None:
        return self._axes if name == "weight" else None

    def _to_layout(self, array: Array) -> Array:
        if self._layout == "nhwc" and array.ndim == 4:
            return np.ascontiguousarray(array.transpose(0, 2, 3, 1))
        return array

    def _from_layout(self, array: Array) -> Array:
        if self._layout == "nhwc" and array.ndim == 4:
            return np.ascontiguousarray(array.transpose(0, 3, 1, 2))
        return array


def _required(method: Callable[..., Any], words: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return an argument for the parameter of a method that has one of these names, if it must."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return {}
    empty = inspect.Parameter.empty
    return {p.name: value for p in parameters if p.name in words and p.default is empty}
