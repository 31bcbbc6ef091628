"""Faults planted into flatten. Arrays are the engine's: images (c, h, w, n), features (f, n)."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.flatten import FlattenNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Flatten
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


def drawn(draw: Draw, input: Shape) -> Flatten | None:
    """Return a flatten, which has no options; over images, where it is the end of them, none."""
    return Flatten() if len(input) == 1 else None


FLATTEN = LayerFamily("flatten", drawn)


def is_image(at: PlannedLayer) -> bool:
    """Tell whether there are several channels of several cells to put in order."""
    return len(at.input) == 3 and at.input[0] > 1 and at.input[1] * at.input[2] > 1


def _from_channels_last(layer: FlattenNumPy, features: Array) -> Array:
    channels, height, width = layer._input
    images = features.reshape(height, width, channels, -1)
    return np.ascontiguousarray(np.moveaxis(images, 2, 0))


@FLATTEN.fault("channels-last", "output", "channels-last", at=is_image)
class ChannelsLast(FlattenNumPy):
    """The features are in the order (h, w, c)."""

    def forward(self, x: Array) -> Array:
        return super().forward(np.ascontiguousarray(np.moveaxis(x, 0, 2)))

    def input_gradient(self, grad_output: Array) -> Array:
        return _from_channels_last(self, grad_output)


@FLATTEN.fault(
    "columns-first",
    "output",
    "height-width-swapped",
    at=lambda at: is_image(at) and min(at.input[1:]) > 1,
)
class ColumnsFirst(FlattenNumPy):
    """The features are in the order (c, w, h)."""

    def forward(self, x: Array) -> Array:
        return super().forward(np.ascontiguousarray(x.swapaxes(1, 2)))

    def input_gradient(self, grad_output: Array) -> Array:
        channels, height, width = self._input
        grad = grad_output.reshape(channels, width, height, -1)
        return np.ascontiguousarray(grad.swapaxes(1, 2))


@FLATTEN.wrong("gradient-channels-last", "grad_input", "channels-last", at=is_image)
def gradient_channels_last(layer: FlattenNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient is read in the order (h, w, c)."""
    return _from_channels_last(layer, grad_output)


@FLATTEN.wrong("batch-mixed-in", "output", "images-mixed", at=is_image)
def batch_mixed_in(layer: FlattenNumPy, x: Array, right: Array) -> Array:
    """The memory of a batch whose images come last is read as if they came first."""
    return np.ascontiguousarray(x.reshape(x.shape[-1], -1).T)
