"""Faults planted into sigmoids. Arrays are the engine's: the batch is the last axis."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.sigmoid import SigmoidNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.spec.layers import Sigmoid
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

SPEC = """
name: sigmoids
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3}
  - sigmoid
  - flatten
  - linear: {out_features: 6}
  - sigmoid
  - linear: {out_features: 4}
training:
  batch_size: 5
"""


def drawn(draw: Draw, input: Shape) -> Sigmoid:
    """Return a sigmoid: it has no options."""
    return Sigmoid()


SIGMOID = LayerFamily("sigmoid", drawn, specs=[SPEC])


def squashed(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), by a tanh."""
    found: Array = (0.5 * (1 + np.tanh(0.5 * x.astype(float)))).astype(x.dtype)
    return found


def slope(y: Array) -> Array:
    """Return y (1 - y)."""
    found: Array = y * (1 - y)
    return found


@SIGMOID.wrong("falls", "output", "sign-of-x")
def falls(layer: SigmoidNumPy, x: Array, right: Array) -> Array:
    """The minus is forgotten: 1 / (1 + exp(x))."""
    return squashed(-x)


@SIGMOID.wrong("denominator-alone", "output", "not-inverted")
def denominator_alone(layer: SigmoidNumPy, x: Array, right: Array) -> Array:
    """1 + exp(-x) is returned as it is."""
    with np.errstate(over="ignore"):
        return 1 + np.exp(-x)


@SIGMOID.wrong("tanh-of-x", "output", "half-missing")
def tanh_of_x(layer: SigmoidNumPy, x: Array, right: Array) -> Array:
    """(1 + tanh(x)) / 2, not of x / 2."""
    return squashed(2 * x)


@SIGMOID.wrong("hard", "output", "piecewise")
def hard(layer: SigmoidNumPy, x: Array, right: Array) -> Array:
    """The hard sigmoid of Keras 2."""
    found: Array = np.clip(0.2 * x + 0.5, 0, 1)
    return found


@SIGMOID.wrong("from-minus-1", "output", "by-tanh")
def from_minus_1(layer: SigmoidNumPy, x: Array, right: Array) -> Array:
    """A tanh in its place."""
    return np.tanh(x)


@SIGMOID.wrong("slope-of-x", "grad_input", "derivative-at-input")
def slope_of_x(layer: SigmoidNumPy, grad_output: Array, right: Array) -> Array:
    """The derivative is x (1 - x), in place of y (1 - y)."""
    return grad_output * slope(received(layer))


@SIGMOID.wrong("squashed-twice", "grad_input", "derivative-at-output")
def squashed_twice(layer: SigmoidNumPy, grad_output: Array, right: Array) -> Array:
    """The derivative is taken at the output."""
    return grad_output * slope(squashed(squashed(received(layer))))


@SIGMOID.wrong("falling-factor-alone", "grad_input", "factor-missing")
def falling_factor_alone(layer: SigmoidNumPy, grad_output: Array, right: Array) -> Array:
    """1 - y in place of y (1 - y)."""
    return grad_output * (1 - squashed(received(layer)))


@SIGMOID.wrong("slope-of-a-tanh", "grad_input", "of-a-tanh")
def slope_of_a_tanh(layer: SigmoidNumPy, grad_output: Array, right: Array) -> Array:
    """1 - y^2 in place of y (1 - y)."""
    return grad_output * (1 - squashed(received(layer)) ** 2)


@SIGMOID.wrong("slope-alone", "grad_input", "upstream-missing")
def slope_alone(layer: SigmoidNumPy, grad_output: Array, right: Array) -> Array:
    """The upstream gradient is forgotten."""
    return slope(squashed(received(layer)))


@SIGMOID.wrong("no-chain", "grad_input", "derivative-missing")
def no_chain(layer: SigmoidNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient passes as it is."""
    return grad_output


SIGMOID.fault("stale-slope", "grad_input")(stale(SigmoidNumPy, "input_gradient"))
