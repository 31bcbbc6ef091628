"""Faults planted into relus. Arrays are the engine's: the batch is the last axis."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.relu import ReLUNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.spec.layers import ReLU
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


def drawn(draw: Draw, input: Shape) -> ReLU:
    """Return a relu: it has no options."""
    return ReLU()


RELU = LayerFamily("relu", drawn)


@RELU.wrong("mask-missing", "grad_input", "mask-missing")
def mask_missing(layer: ReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient passes everywhere."""
    return grad_output


@RELU.wrong("mask-of-the-gradient", "grad_input", "mask-of-gradient")
def mask_of_the_gradient(layer: ReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient passes where it is positive itself."""
    return np.maximum(grad_output, 0)


@RELU.wrong("mask-inverted", "grad_input", "upside-down")
def mask_inverted(layer: ReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient passes where x < 0."""
    return grad_output - right


@RELU.wrong("passes-at-0", "grad_input", "derivative-1-at-0")
def passes_at_0(layer: ReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The derivative at 0 is 1."""
    return grad_output * (received(layer) >= 0)


@RELU.wrong("half-at-0", "grad_input", "derivative-half-at-0")
def half_at_0(layer: ReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The derivative at 0 is 1/2."""
    return grad_output * np.heaviside(received(layer), 0.5).astype(grad_output.dtype)


@RELU.wrong("leaks", "output", "leaky")
def leaks(layer: ReLUNumPy, x: Array, right: Array) -> Array:
    """A leaky relu: 0.01 x below 0."""
    leak: Array = np.minimum(x, 0) * np.asarray(0.01, x.dtype)
    return right + leak


@RELU.wrong("leaks-backward", "grad_input", "leaky")
def leaks_backward(layer: ReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of a leaky relu."""
    return grad_output * np.where(received(layer) > 0, 1, 0.01).astype(grad_output.dtype)


@RELU.wrong("identity", "output", "not-applied")
def identity(layer: ReLUNumPy, x: Array, right: Array) -> Array:
    """Negative numbers pass."""
    return x


@RELU.wrong("clipped", "output", "clipped")
def clipped(layer: ReLUNumPy, x: Array, right: Array) -> Array:
    """max(x, 0) is cut off at 6."""
    return np.minimum(right, 6)


@RELU.wrong("absolute", "output", "absolute-value")
def absolute(layer: ReLUNumPy, x: Array, right: Array) -> Array:
    """|x| for max(x, 0)."""
    return np.abs(x)


@RELU.wrong("gradient-times-output", "grad_input", "multiplied-by-output")
def gradient_times_output(layer: ReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient is multiplied by the output, not by its sign."""
    return grad_output * np.maximum(received(layer), 0)


RELU.fault("stale-mask", "grad_input")(stale(ReLUNumPy, "input_gradient"))
