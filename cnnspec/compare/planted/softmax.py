"""Faults planted into softmaxes. Arrays are the engine's: the batch is the last axis."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.softmax import SoftmaxNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Softmax
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

SPEC = """
name: softmaxes
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3}
  - softmax
  - flatten
  - linear: {out_features: 6}
  - softmax
  - linear: {out_features: 4}
training:
  batch_size: 5
"""


def drawn(draw: Draw, input: Shape) -> Softmax:
    """Return a softmax: it has no options."""
    return Softmax()


SOFTMAX = LayerFamily("softmax", drawn, specs=[SPEC])


def several(at: PlannedLayer) -> bool:
    """Tell whether there is more than one feature or channel: else the output is 1."""
    return at.input[0] > 1


def shares(x: Array, axis: int | None = 0) -> Array:
    """Return exp(x) over its sum along an axis."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    found: Array = e / e.sum(axis=axis, keepdims=True)
    return found


def through(p: Array, g: Array) -> Array:
    """Return the sum of g * p along the first axis."""
    found: Array = (g * p).sum(axis=0, keepdims=True)
    return found


@SOFTMAX.wrong("over-batch", "output", "wrong-axes")
def over_batch(layer: SoftmaxNumPy, x: Array, right: Array) -> Array:
    """The numbers of the batch add up to 1."""
    return shares(x, -1)


@SOFTMAX.wrong("over-everything", "output", "wrong-axes")
def over_everything(layer: SoftmaxNumPy, x: Array, right: Array) -> Array:
    """All numbers add up to 1."""
    return shares(x, None)


@SOFTMAX.wrong("logarithm", "output", "log-of-it", at=several)
def logarithm(layer: SoftmaxNumPy, x: Array, right: Array) -> Array:
    """The logarithm of the softmax."""
    d = x - x.max(axis=0, keepdims=True)
    found: Array = d - np.log(np.exp(d).sum(axis=0, keepdims=True))
    return found


@SOFTMAX.wrong("never-divided", "output", "not-divided", at=several)
def never_divided(layer: SoftmaxNumPy, x: Array, right: Array) -> Array:
    """The sum is never divided by."""
    found: Array = np.exp(x - x.max(axis=0, keepdims=True))
    return found


@SOFTMAX.wrong("passed-on", "grad_input", "derivative-missing", at=several)
def passed_on(layer: SoftmaxNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient passes as it is, as if a cross-entropy had taken it already."""
    return grad_output


@SOFTMAX.wrong("one-by-one", "grad_input", "diagonal-alone", at=several)
def one_by_one(layer: SoftmaxNumPy, grad_output: Array, right: Array) -> Array:
    """The diagonal of the Jacobian alone: g p (1 - p)."""
    p = shares(received(layer))
    return grad_output * p * (1 - p)


@SOFTMAX.wrong("no-sum", "grad_input", "multiplied-by-output", at=several)
def no_sum(layer: SoftmaxNumPy, grad_output: Array, right: Array) -> Array:
    """The sum is not subtracted: g p."""
    return grad_output * shares(received(layer))


@SOFTMAX.wrong("plus", "grad_input", "added", at=several)
def plus(layer: SoftmaxNumPy, grad_output: Array, right: Array) -> Array:
    """The sum is added."""
    p = shares(received(layer))
    return p * (grad_output + through(p, grad_output))


@SOFTMAX.wrong("sum-of-upstream", "grad_input", "unweighted-sum", at=several)
def sum_of_upstream(layer: SoftmaxNumPy, grad_output: Array, right: Array) -> Array:
    """The sum of g is subtracted, not of g p."""
    found: Array = shares(received(layer)) * (grad_output - grad_output.sum(axis=0, keepdims=True))
    return found


SOFTMAX.fault("stale-output", "grad_input")(stale(SoftmaxNumPy, "input_gradient"))
