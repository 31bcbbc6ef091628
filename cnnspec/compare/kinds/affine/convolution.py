"""Convolution and linear layers by their definition, with everything in them open to change.

A fault is a changed problem, whose answer is then computed in the right way: a flipped kernel,
a stride of 1, an image that is not counted. A linear layer is a convolution of one tap over
images of one cell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self

import numpy as np

from cnnspec.compare.faults.fault import LayerSituation, Prediction, computed
from cnnspec.numerics.budget import Exact
from cnnspec.spec.sizes import Pair, pair

Pads = tuple[Pair, Pair]
Overlaps = Literal["sum", "last", "first"]
PadMode = Literal["constant", "edge", "reflect", "symmetric", "wrap"]

EXTRA_ROUNDINGS = 8
"""What a constant factor, a bias and the like may add to the roundings of a sum."""


class Tap(NamedTuple):
    """One cell of a kernel, and the padded cells that it meets as the window moves."""

    k: int
    l: int
    rows: slice
    columns: slice


@dataclass(frozen=True)
class Convolution:
    """What a convolution is given: x (n, c, h, w), weight (o, c / groups, kh, kw), g (n, o, ...).

    Negative pads cut cells off.
    """

    x: Exact
    weight: Exact
    bias: Exact
    grad_output: Exact
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pads: Pads = ((0, 0), (0, 0))
    groups: int = 1
    padded_by: PadMode = "constant"
    """A mode of np.pad; `constant` pads by zeros."""
    overlaps: Overlaps = "sum"
    """What becomes of an input's gradient where windows overlap: the sum, or one of the terms."""
    flat: bool = False
    """A linear layer: all arrays are given and returned without the last two axes."""

    @classmethod
    def of(cls, situation: LayerSituation) -> Self:
        """Return what a convolution or linear layer is given."""
        weight = situation.parameters["weight"]
        bias = situation.parameters.get("bias", np.zeros(len(weight)))
        x, grad_output = situation.x, situation.grad_output
        layer: Any = situation.at.layer
        if not layer.windows():
            arrays = (array[:, :, None, None] for array in (x, weight, grad_output))
            x, weight, grad_output = arrays
            return cls(x, weight, bias, grad_output, flat=True)
        stride, dilation = pair(layer.stride), pair(layer.dilation)
        pads = layer.pads()
        return cls(x, weight, bias, grad_output, stride, dilation, pads, layer.groups)

    def magnitudes(self) -> Self:
        """Return the same with the absolute value of every number."""
        return replace(
            self,
            x=np.abs(self.x),
            weight=np.abs(self.weight),
            bias=np.abs(self.bias),
            grad_output=np.abs(self.grad_output),
        )

    def predict(self, quantity: str) -> Prediction:
        """Return a quantity with what rounding allows."""
        value, magnitude = (problem.quantity(quantity) for problem in (self, self.magnitudes()))
        return computed(value, magnitude, self.roundings(quantity))

    def quantity(self, name: str) -> Exact:
        """Return `output`, `grad_input`, `grad_weight` or `grad_bias`."""
        value: Exact = getattr(self, name)()
        return value.reshape(value.shape[:2]) if self.flat and value.ndim == 4 else value

    def roundings(self, quantity: str) -> int:
        """Return how many roundings a term of a quantity can meet."""
        outputs, inputs, *_ = self.weight.shape
        taps = self.weight[0, 0].size
        terms = {"output": inputs * taps, "grad_input": outputs * taps}
        found: int = terms.get(quantity, self.grad_output[:, 0].size)
        return found + EXTRA_ROUNDINGS

    def output(self) -> Exact:
        """Return y = b + the sum over taps of w x."""
        padded = _padded(self.x, self.pads, self.padded_by)
        counts = self._counts(padded)
        weight = self._grouped_weight()
        y = np.zeros((len(self.x), self.groups, weight.shape[1], *counts))
        for tap in self._taps(counts):
            seen = self._by_group(padded[:, :, tap.rows, tap.columns])
            y += (weight[..., tap.k, tap.l] @ seen).reshape(y.shape)
        return y.reshape(len(self.x), len(self.weight), *counts) + self.bias[:, None, None]

    def grad_input(self) -> Exact:
        """Return dx: each output's gradient times the kernel, where its window is."""
        counts, (height, width) = self.grad_output.shape[2:], self.x.shape[2:]
        (top, bottom), (left, right) = self.pads
        reach = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in self._axes(counts)]
        size = (max(reach[0], height + top + bottom), max(reach[1], width + left + right))
        grad = np.zeros((*self.x.shape[:2], *size))
        upstream, weight = self._by_group(self.grad_output), self._grouped_weight()
        taps = list(self._taps(counts))
        # Of two windows over a cell the later one, in scan order, meets it with the smaller tap.
        for tap in reversed(taps) if self.overlaps == "last" else taps:
            at = (..., tap.rows, tap.columns)
            share = weight[..., tap.k, tap.l].swapaxes(1, 2) @ upstream
            before = grad[at] if self.overlaps == "sum" else 0
            grad[at] = before + share.reshape(grad[at].shape)
        return _cut(grad, (top, left), (height, width))

    def grad_weight(self) -> Exact:
        """Return dw: for each tap, the sum of outputs' gradients times what the tap met there."""
        counts = self.grad_output.shape[2:]
        padded = _padded(self.x, self.pads, self.padded_by)
        reach = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in self._axes(counts)]
        beyond = [max(0, end - size) for end, size in zip(reach, padded.shape[2:])]
        padded = _padded(padded, ((0, beyond[0]), (0, beyond[1])))
        upstream = self._by_group(self.grad_output)
        grad = np.zeros_like(self._grouped_weight())
        for tap in self._taps(counts):
            seen = self._by_group(padded[:, :, tap.rows, tap.columns])
            grad[..., tap.k, tap.l] = (upstream @ seen.swapaxes(2, 3)).sum(axis=0)
        return grad.reshape(self.weight.shape)

    def grad_bias(self) -> Exact:
        """Return db: the sum of each channel's gradient."""
        return np.asarray(self.grad_output.sum(axis=(0, 2, 3)))

    def _axes(self, counts: tuple[int, ...]) -> Iterator[tuple[int, int, int, int]]:
        return zip(counts, self.stride, self.dilation, self.weight.shape[2:])

    def _counts(self, padded: Exact) -> tuple[int, ...]:
        return tuple(
            max(0, (size - d * (k - 1) - 1) // s + 1)
            for size, s, d, k in self._axes(padded.shape[2:])
        )

    def _taps(self, counts: tuple[int, ...]) -> Iterator[Tap]:
        if not all(counts):
            return
        for k, l in np.ndindex(*self.weight.shape[2:]):
            rows, columns = (
                slice(tap * d, tap * d + (n - 1) * s + 1, s)
                for tap, n, s, d in zip((k, l), counts, self.stride, self.dilation)
            )
            yield Tap(k, l, rows, columns)

    def _grouped_weight(self) -> Exact:
        return self.weight.reshape(self.groups, -1, *self.weight.shape[1:])

    def _by_group(self, images: Exact) -> Exact:
        """(n, channels, h, w) -> (n, groups, channels of the group, h * w)."""
        n, channels, *size = images.shape
        return images.reshape(n, self.groups, channels // self.groups, math.prod(size))


def _padded(images: Exact, pads: Pads, mode: PadMode = "constant") -> Exact:
    added = [(max(0, before), max(0, after)) for before, after in pads]
    images = np.pad(images, ((0, 0), (0, 0), *added), mode)
    (top, bottom), (left, right) = pads
    _, _, height, width = images.shape
    return images[
        :, :, max(0, -top) : height - max(0, -bottom), max(0, -left) : width - max(0, -right)
    ]


def _cut(padded: Exact, start: Pair, size: Pair) -> Exact:
    """Take `size` cells from `start` on; zeros where there are none."""
    _, _, height, width = padded.shape
    room = [(-at, at + n - old) for at, n, old in zip(start, size, (height, width))]
    return _padded(padded, (room[0], room[1]))
