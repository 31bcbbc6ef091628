"""Faults planted into branches beside each other. Arrays are the engine's: (c, h, w, n), (f, n)."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.backends.numpy.concat import ConcatNumPy
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.plan import PlannedLayer
from cnnspec.trace import Array

CONCAT = LayerFamily("concat")

ANY = "grad_input[0],grad_input[1],grad_input[2]"


def of_one_width(at: PlannedLayer) -> bool:
    """Tell whether all branches have as many channels, and more than one."""
    widths = {shape[0] for shape in at.input_shapes}
    return len(widths) == 1 and min(widths) > 1


@CONCAT.fault("other-order", "output", "branches-in-another-order")
class OtherOrder(ConcatNumPy):
    """The last branch comes first: `concat([shortcut, body])`."""

    def forward(self, *inputs: Array) -> Array:
        return np.concatenate(inputs[::-1])

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        return _cut(self, grad_output)


@CONCAT.fault("gradients-in-another-order", ANY, "branches-in-another-order")
class GradientsInAnotherOrder(ConcatNumPy):
    """The gradient is cut as if the last branch came first."""

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        return _cut(self, grad_output)


def _cut(layer: Any, grad_output: Array) -> tuple[Array, ...]:
    """Give each branch its channels, where the last branch has the first of them."""
    grads, end = [], len(grad_output)
    for channels in layer._channels:
        first = end - (channels.stop - channels.start)
        grads.append(grad_output[first:end].copy())
        end = first
    return tuple(grads)


@CONCAT.fault("interleaved", "output", "channels-interleaved", at=of_one_width)
class Interleaved(ConcatNumPy):
    """The first channel of each branch comes first, then the second of each."""

    def forward(self, *inputs: Array) -> Array:
        return np.stack(inputs, axis=1).reshape(super().forward(*inputs).shape)

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        branches = len(self._channels)
        return tuple(grad_output[number::branches].copy() for number in range(branches))


@CONCAT.fault("gradients-interleaved", ANY, "channels-interleaved", at=of_one_width)
class GradientsInterleaved(ConcatNumPy):
    """The gradient is dealt out channel by channel."""

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        branches = len(self._channels)
        return tuple(grad_output[number::branches].copy() for number in range(branches))


@CONCAT.fault("first-for-all", "output", "branch-twice", at=of_one_width)
class FirstForAll(ConcatNumPy):
    """The first branch stands in the place of all others."""

    def forward(self, *inputs: Array) -> Array:
        return super().forward(*inputs[:1] * len(inputs))


@CONCAT.fault("gradient-to-one-branch", "grad_input[1],grad_input[2]", "gradient-missing")
class GradientToOneBranch(ConcatNumPy):
    """The gradient goes to the first branch alone."""

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        first, *others = super().input_gradients(grad_output)
        return first, *map(np.zeros_like, others)


@CONCAT.fault("gradient-shared-out", "grad_input[0]", "scale")
class GradientSharedOut(ConcatNumPy):
    """The gradient is divided by the number of branches."""

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        grads = super().input_gradients(grad_output)
        return tuple(grad / len(grads) for grad in grads)
