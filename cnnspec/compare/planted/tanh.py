"""Faults planted into tanhs. Arrays are the engine's: the batch is the last axis."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.tanh import TanhNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.spec.layers import Tanh
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

SPEC = """
name: tanhs
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3}
  - tanh
  - flatten
  - linear: {out_features: 6}
  - tanh
  - linear: {out_features: 4}
training:
  batch_size: 5
"""


def drawn(draw: Draw, input: Shape) -> Tanh:
    """Return a tanh: it has no options."""
    return Tanh()


TANH = LayerFamily("tanh", drawn, specs=[SPEC])


def squashed(x: Array) -> Array:
    """Return the tanh."""
    found: Array = np.tanh(x)
    return found


@TANH.wrong("from-0", "output", "by-sigmoid")
def from_0(layer: TanhNumPy, x: Array, right: Array) -> Array:
    """A sigmoid in its place."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


@TANH.wrong("of-half", "output", "double-missing")
def of_half(layer: TanhNumPy, x: Array, right: Array) -> Array:
    """The 2 in exp(-2x) is forgotten."""
    with np.errstate(over="ignore"):
        return 2 / (1 + np.exp(-x)) - 1


@TANH.wrong("hard", "output", "piecewise")
def hard(layer: TanhNumPy, x: Array, right: Array) -> Array:
    """The hard tanh."""
    found: Array = np.clip(x, -1, 1)
    return found


@TANH.wrong("left-out", "output", "not-applied")
def left_out(layer: TanhNumPy, x: Array, right: Array) -> Array:
    """The input is the output."""
    return x


@TANH.wrong("square-of-x", "grad_input", "derivative-at-input")
def square_of_x(layer: TanhNumPy, grad_output: Array, right: Array) -> Array:
    """The derivative is 1 - x^2, in place of 1 - y^2."""
    return grad_output * (1 - received(layer) ** 2)


@TANH.wrong("tanh-twice", "grad_input", "derivative-at-output")
def tanh_twice(layer: TanhNumPy, grad_output: Array, right: Array) -> Array:
    """The derivative is taken at the output."""
    return grad_output * (1 - squashed(squashed(received(layer))) ** 2)


@TANH.wrong("no-square", "grad_input", "square-missing")
def no_square(layer: TanhNumPy, grad_output: Array, right: Array) -> Array:
    """The derivative is 1 - y."""
    return grad_output * (1 - squashed(received(layer)))


@TANH.wrong("slope-of-a-sigmoid", "grad_input", "of-a-sigmoid")
def slope_of_a_sigmoid(layer: TanhNumPy, grad_output: Array, right: Array) -> Array:
    """The derivative is y (1 - y)."""
    y = squashed(received(layer))
    return grad_output * y * (1 - y)


@TANH.wrong("slope-alone", "grad_input", "upstream-missing")
def slope_alone(layer: TanhNumPy, grad_output: Array, right: Array) -> Array:
    """The upstream gradient is forgotten."""
    return 1 - squashed(received(layer)) ** 2


@TANH.wrong("no-chain", "grad_input", "derivative-missing")
def no_chain(layer: TanhNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient passes as it is."""
    return grad_output


TANH.fault("stale-slope", "grad_input")(stale(TanhNumPy, "input_gradient"))
