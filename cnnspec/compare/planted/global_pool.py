"""Faults planted into global pools. Arrays are the engine's: images are (c, h, w, n)."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.global_pool import GlobalPoolNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.mistakes import several_channels
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import GlobalPool
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

AVERAGE = """
name: averages
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3}
  - global_pool
  - flatten
  - linear: {out_features: 4}
training:
  batch_size: 5
"""

MAXIMUM = """
name: maxima
input: [2, 4, 4]
layers:
  - conv: {out_channels: 3, kernel_size: 3}
  - global_pool: {kind: max}
  - flatten
  - linear: {out_features: 4}
training:
  batch_size: 4
"""


def drawn(draw: Draw, input: Shape) -> GlobalPool:
    """Draw a global pool of either kind."""
    return GlobalPool(kind=draw.one_of(["avg", "max"]))


GLOBAL_POOL = LayerFamily("global_pool", drawn, specs=[AVERAGE, MAXIMUM])


def averages(at: PlannedLayer) -> bool:
    """Tell whether it takes the average of several cells."""
    return at.layer == GlobalPool(name=at.layer.name) and at.input[1] * at.input[2] > 1


def of_channels(at: PlannedLayer) -> bool:
    """Tell whether it takes the averages of several channels."""
    return averages(at) and several_channels(at)


def maxima(at: PlannedLayer) -> bool:
    """Tell whether it takes the maximum of several cells."""
    return not averages(at) and at.input[1] * at.input[2] > 1


def of_channel(x: Array) -> Array:
    """Return the cells of each channel, (c, cells, n)."""
    return x.reshape(len(x), -1, x.shape[-1])


def kept(numbers: Array) -> Array:
    """Return a number of each channel and image, (c, n), as images of one cell."""
    return numbers[:, None, None]


def back(cells: Array, layer: GlobalPoolNumPy) -> Array:
    """Return the gradients of cells as those of images."""
    return np.ascontiguousarray(cells).reshape(received(layer).shape)


@GLOBAL_POOL.wrong("sum", "output", "scale", at=averages)
def total(layer: GlobalPoolNumPy, x: Array, right: Array) -> Array:
    """The sum of the cells is not divided."""
    return kept(of_channel(x).sum(axis=1))


@GLOBAL_POOL.wrong("greatest", "output", "max-for-average", at=averages)
def greatest(layer: GlobalPoolNumPy, x: Array, right: Array) -> Array:
    """The greatest cell, not the average."""
    return kept(of_channel(x).max(axis=1))


@GLOBAL_POOL.wrong("over-channels", "output", "channels-together", at=of_channels)
def over_channels(layer: GlobalPoolNumPy, x: Array, right: Array) -> Array:
    """All channels are averaged together."""
    return np.broadcast_to(x.mean(axis=(0, 1, 2)), right.shape).astype(x.dtype)


@GLOBAL_POOL.wrong("of-height", "output", "divided-by-side", at=averages)
def of_height(layer: GlobalPoolNumPy, x: Array, right: Array) -> Array:
    """Columns are averaged, and then added up."""
    return kept(x.mean(axis=1).sum(axis=1))


@GLOBAL_POOL.wrong("average", "output", "average-for-max", at=maxima)
def average(layer: GlobalPoolNumPy, x: Array, right: Array) -> Array:
    """The average, not the greatest cell."""
    return kept(of_channel(x).mean(axis=1))


@GLOBAL_POOL.wrong("starts-from-zero", "output", "starts-from-zero", at=maxima)
def starts_from_zero(layer: GlobalPoolNumPy, x: Array, right: Array) -> Array:
    """The greatest number found starts as 0."""
    return np.maximum(right, 0)


@GLOBAL_POOL.wrong("not-shared-out", "grad_input", "scale", at=averages)
def not_shared_out(layer: GlobalPoolNumPy, grad_output: Array, right: Array) -> Array:
    """Every cell takes the whole gradient of an average."""
    return np.broadcast_to(grad_output, right.shape).copy()


@GLOBAL_POOL.wrong("ties-to-all", "grad_input", "ties-to-all", at=maxima)
def ties_to_all(layer: GlobalPoolNumPy, grad_output: Array, right: Array) -> Array:
    """Every cell that equals the maximum takes the gradient."""
    cells = of_channel(received(layer))
    return back((cells == cells.max(axis=1, keepdims=True)) * grad_output[:, 0], layer)


@GLOBAL_POOL.wrong("last-maximum", "grad_input", "ties-to-last", at=maxima)
def last_maximum(layer: GlobalPoolNumPy, grad_output: Array, right: Array) -> Array:
    """The last of equal maxima takes the gradient."""
    cells = of_channel(received(layer))
    last = cells.shape[1] - 1 - cells[:, ::-1].argmax(axis=1)
    places = np.arange(cells.shape[1])[:, None] == last[:, None]
    return back(places * grad_output[:, 0], layer)


@GLOBAL_POOL.wrong("shared-out", "grad_input", "average-for-max", at=maxima)
def shared_out(layer: GlobalPoolNumPy, grad_output: Array, right: Array) -> Array:
    """All cells share the gradient of a maximum."""
    shared: Array = np.broadcast_to(grad_output, right.shape) / of_channel(right).shape[1]
    return shared.astype(right.dtype)


GLOBAL_POOL.fault("stale-argmax", "grad_input", at=maxima)(stale(GlobalPoolNumPy, "input_gradient"))
