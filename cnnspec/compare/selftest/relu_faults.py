"""Faults of relu and flatten. Arrays are the engine's: the batch is the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.backends.numpy.flatten import FlattenNumPy
from cnnspec.backends.numpy.relu import ReLUNumPy
from cnnspec.compare.selftest.faults import Family
from cnnspec.compare.selftest.settings import is_image
from cnnspec.trace import Array

RELU = Family("relu")
FLATTEN = Family("flatten")


@RELU.fault("mask-missing", "grad_input", "mask-missing")
class MaskMissing(ReLUNumPy):
    """The gradient passes everywhere."""

    def input_gradient(self, grad_output: Array) -> Array:
        return grad_output.copy()


@RELU.fault(
    "mask-of-the-gradient",
    "grad_input",
    "mask-of-gradient",
)
class MaskOfTheGradient(ReLUNumPy):
    """The gradient passes where it is positive itself."""

    def input_gradient(self, grad_output: Array) -> Array:
        return np.maximum(grad_output, 0)


@RELU.fault("mask-inverted", "grad_input", "upside-down")
class MaskInverted(ReLUNumPy):
    """The gradient passes where x < 0."""

    def input_gradient(self, grad_output: Array) -> Array:
        return grad_output - super().input_gradient(grad_output.copy())


class _WithInput(ReLUNumPy):
    def forward(self, x: Array) -> Array:
        self._x = x.copy()
        return super().forward(x)


@RELU.fault("passes-at-0", "grad_input", "derivative-1-at-0")
class PassesAt0(_WithInput):
    """The derivative at 0 is 1."""

    def input_gradient(self, grad_output: Array) -> Array:
        return grad_output * (self._x >= 0)


@RELU.fault("half-at-0", "grad_input", "derivative-half-at-0")
class HalfAt0(_WithInput):
    """The derivative at 0 is 1/2."""

    def input_gradient(self, grad_output: Array) -> Array:
        return grad_output * np.heaviside(self._x, 0.5).astype(grad_output.dtype)


@RELU.fault("leaks", "output", "leaky")
class Leaks(_WithInput):
    """A leaky relu: 0.01 x below 0."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        leak: Array = np.minimum(self._x, 0) * np.asarray(0.01, x.dtype)
        return y + leak


@RELU.fault("leaks-backward", "grad_input", "leaky")
class LeaksBackward(_WithInput):
    """The gradient of a leaky relu."""

    def input_gradient(self, grad_output: Array) -> Array:
        slope = np.where(self._x > 0, 1, 0.01).astype(grad_output.dtype)
        return grad_output * slope


@RELU.fault("identity", "output", "not-applied")
class Identity(_WithInput):
    """Negative numbers pass."""

    def forward(self, x: Array) -> Array:
        super().forward(x)
        return self._x


@RELU.fault("clipped", "output", "clipped")
class Clipped(ReLUNumPy):
    """max(x, 0) is cut off at 6."""

    def forward(self, x: Array) -> Array:
        return np.minimum(super().forward(x), 6)


@RELU.fault("absolute", "output", "absolute-value")
class Absolute(_WithInput):
    """|x| for max(x, 0)."""

    def forward(self, x: Array) -> Array:
        super().forward(x)
        return np.abs(self._x)


@RELU.fault(
    "gradient-times-output",
    "grad_input",
    "multiplied-by-output",
)
class GradientTimesOutput(ReLUNumPy):
    """The gradient is multiplied by the output, not by its sign."""

    def input_gradient(self, grad_output: Array) -> Array:
        return grad_output * self._y


@RELU.fault("stale-mask", "grad_input", "")
class StaleMask(ReLUNumPy):
    """The mask is that of the batch before."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._last: Array | None = None

    def forward(self, x: Array) -> Array:
        y = super().forward(x).copy()
        before = y if self._last is None else self._last
        self._y = np.resize(before, y.shape)
        self._last = y
        return y


@FLATTEN.fault(
    "channels-last",
    "output",
    "channels-last",
    at=is_image,
)
class ChannelsLast(FlattenNumPy):
    """The features are in the order (h, w, c)."""

    def forward(self, x: Array) -> Array:
        return super().forward(np.ascontiguousarray(np.moveaxis(x, 0, 2)))

    def input_gradient(self, grad_output: Array) -> Array:
        channels, height, width = self._input
        grad = grad_output.reshape(height, width, channels, -1)
        return np.ascontiguousarray(np.moveaxis(grad, 2, 0))


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


@FLATTEN.fault(
    "gradient-channels-last",
    "grad_input",
    "channels-last",
    at=is_image,
)
class GradientChannelsLast(FlattenNumPy):
    """The gradient is read in the order (h, w, c)."""

    def input_gradient(self, grad_output: Array) -> Array:
        channels, height, width = self._input
        grad = grad_output.reshape(height, width, channels, -1)
        return np.ascontiguousarray(np.moveaxis(grad, 2, 0))


@FLATTEN.fault(
    "batch-mixed-in",
    "output",
    "images-mixed",
    at=is_image,
)
class BatchMixedIn(FlattenNumPy):
    """The memory of a batch whose images come last is read as if they came first."""

    def forward(self, x: Array) -> Array:
        batch = x.shape[-1]
        return np.ascontiguousarray(x.reshape(batch, -1).T)
