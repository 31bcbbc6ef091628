"""Faults planted into leaky relus. Arrays are the engine's: the batch is the last axis."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.leaky_relu import LeakyReLUNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.spec.layers import LeakyReLU
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

SPEC = """
name: leaks
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3}
  - leaky_relu: {negative_slope: 0.2}
  - flatten
  - linear: {out_features: 6}
  - leaky_relu
  - linear: {out_features: 4}
training:
  batch_size: 5
"""


def drawn(draw: Draw, input: Shape) -> LeakyReLU:
    """Draw a leaky relu: one of three has a slope of its own, which may be 0 or above 1."""
    if draw.yes(2 / 3):
        return LeakyReLU()
    return LeakyReLU(negative_slope=draw.share(1.5))


LEAKY_RELU = LayerFamily("leaky_relu", drawn, specs=[SPEC])


def slope(layer: LeakyReLUNumPy) -> float:
    """Return the slope of a layer."""
    return float(layer._slope)


def leaking(x: Array, below: float, above: float = 1.0) -> Array:
    """Return the derivative of a function that is straight on both sides of 0."""
    return np.where(x > 0, above, below).astype(x.dtype)


@LEAKY_RELU.wrong("nothing-leaks", "output", "slope-missing")
def nothing_leaks(layer: LeakyReLUNumPy, x: Array, right: Array) -> Array:
    """max(x, 0): what is below 0 becomes 0."""
    return np.maximum(x, 0)


@LEAKY_RELU.wrong("slope-of-keras", "output", "other-slope")
def slope_of_keras(layer: LeakyReLUNumPy, x: Array, right: Array) -> Array:
    """The slope is 0.3, whatever the options say."""
    return x * leaking(x, 0.3)


@LEAKY_RELU.wrong("slope-for-both", "output", "slope-everywhere")
def slope_for_both(layer: LeakyReLUNumPy, x: Array, right: Array) -> Array:
    """Numbers above 0 are multiplied, too."""
    return x * leaking(x, slope(layer), slope(layer))


@LEAKY_RELU.wrong("greater-of-slope", "output", "slope-alone")
def greater_of_slope(layer: LeakyReLUNumPy, x: Array, right: Array) -> Array:
    """The greater of x and the slope, not of x and slope * x."""
    return np.maximum(x, x.dtype.type(slope(layer)))


@LEAKY_RELU.wrong("sign-lost", "output", "slope-negative")
def sign_lost(layer: LeakyReLUNumPy, x: Array, right: Array) -> Array:
    """|slope * x| below 0."""
    return np.abs(right)


@LEAKY_RELU.wrong("sum", "output", "added")
def sum_of_both(layer: LeakyReLUNumPy, x: Array, right: Array) -> Array:
    """max(x, 0) + slope * x."""
    return x * leaking(x, slope(layer), 1 + slope(layer))


@LEAKY_RELU.wrong("gradient-of-a-relu", "grad_input", "slope-missing")
def gradient_of_a_relu(layer: LeakyReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient is 0 where x <= 0."""
    return grad_output * leaking(received(layer), 0)


@LEAKY_RELU.wrong("mask-missing", "grad_input", "mask-missing")
def mask_missing(layer: LeakyReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient passes everywhere."""
    return grad_output


@LEAKY_RELU.wrong("mask-of-the-gradient", "grad_input", "mask-of-gradient")
def mask_of_the_gradient(layer: LeakyReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient is multiplied where it is negative itself."""
    return grad_output * leaking(grad_output, slope(layer))


@LEAKY_RELU.wrong("mask-inverted", "grad_input", "upside-down")
def mask_inverted(layer: LeakyReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient is multiplied where x > 0."""
    return grad_output * leaking(received(layer), 1, slope(layer))


@LEAKY_RELU.wrong("passes-at-0", "grad_input", "derivative-at-0")
def passes_at_0(layer: LeakyReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The derivative at 0 is 1."""
    return np.where(received(layer) == 0, grad_output, right)


@LEAKY_RELU.wrong("slope-for-the-gradient", "grad_input", "slope-alone")
def slope_for_the_gradient(layer: LeakyReLUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient is the slope where x <= 0: the upstream gradient is forgotten there."""
    return np.where(received(layer) > 0, grad_output, grad_output.dtype.type(slope(layer)))


LEAKY_RELU.fault("stale-mask", "grad_input")(stale(LeakyReLUNumPy, "input_gradient"))
