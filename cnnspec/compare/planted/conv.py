"""Faults planted into convolutions. Arrays are the engine's: images (c, h, w, n)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.mistakes import (
    accumulated,
    all_zeros,
    ascends,
    averaged,
    divided_by_batch,
    has_bias,
    in_float16,
    learns,
    several_channels,
    without_bias,
)
from cnnspec.compare.planted.windows import (
    axes_of,
    has_kernel,
    is_padded,
    is_padded_in_part,
    overlaps,
    windows_of,
)
from cnnspec.compare.planted.wrong import stale
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Conv
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


def drawn(draw: Draw, input: Shape) -> Conv:
    """Draw a convolution, of which any option may be set."""
    channels, height, width = input
    groups = draw.one_of([g for g in range(1, channels + 1) if channels % g == 0])
    same = draw.yes(0.3)
    return Conv(
        out_channels=groups * draw.whole(1, max(1, 4 // groups)),
        kernel_size=draw.sizes(1, (min(height, 4), min(width, 4))),
        stride=1 if same else draw.sizes(1, (3, 3)),
        padding="same" if same else draw.sizes(0, (2, 2)),
        dilation=draw.sizes(1, (2, 2)),
        groups=groups,
        bias=draw.yes(0.8),
        in_channels=draw.one_of([None, channels]),
    )


CONV = LayerFamily("conv", drawn, often=2)


def _layer(at: PlannedLayer) -> Conv:
    assert isinstance(at.layer, Conv)
    return at.layer


def has_square_kernel(at: PlannedLayer) -> bool:
    """Tell whether a kernel can be transposed."""
    height, width = (axis.kernel for axis, _, _ in axes_of(at))
    return height == width > 1


def has_even_same(at: PlannedLayer) -> bool:
    """Tell whether `padding: same` adds one cell more on one side."""
    even = any(axis.kernel % 2 == 0 for axis, _, _ in axes_of(at))
    return _layer(at).padding == "same" and even


def is_strided(at: PlannedLayer) -> bool:
    """Tell whether windows are more than one cell apart, and there are several."""
    return any(axis.stride > 1 and count > 1 for axis, _, count in axes_of(at))


def is_dilated(at: PlannedLayer) -> bool:
    """Tell whether the cells of a kernel are more than one cell apart."""
    return any(axis.dilation > 1 and axis.kernel > 1 for axis, _, _ in axes_of(at))


def is_grouped(at: PlannedLayer) -> bool:
    """Tell whether there are groups of several channels each."""
    groups = _layer(at).groups
    return groups > 1 and at.input[0] > groups


class _Reads(ConvNumPy):
    """Reads the weights in another way."""

    def _read(self, weight: Array) -> Array:
        raise NotImplementedError

    def _filters(self) -> Array:
        weight = self.parameters["weight"]
        return self._read(weight).reshape(self._groups, len(weight) // self._groups, -1)


class _ReadsTwice(_Reads):
    """Reads the weights in a way that is undone by itself, and gives their gradient so, too."""

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": self._read(found["weight"])}


@CONV.fault("kernel-flipped", "output", "flipped-kernel", at=has_kernel)
class KernelFlipped(_ReadsTwice):
    """A true convolution: the kernel is flipped."""

    def _read(self, weight: Array) -> Array:
        return weight[..., ::-1, ::-1]


@CONV.fault("kernel-transposed", "output", "height-width-swapped", at=has_square_kernel)
class KernelTransposed(_ReadsTwice):
    """Rows and columns of the kernel are exchanged."""

    def _read(self, weight: Array) -> Array:
        return weight.swapaxes(2, 3)


@CONV.fault(
    "kernel-flipped-and-transposed",
    "output",
    "flipped-kernel height-width-swapped",
    at=has_square_kernel,
)
class KernelFlippedAndTransposed(_ReadsTwice):
    """A true convolution, with rows and columns of the kernel exchanged."""

    def _read(self, weight: Array) -> Array:
        return weight[..., ::-1, ::-1].swapaxes(2, 3)


@CONV.wrong(
    "weight-gradient-flipped-and-averaged", "grad_weight", "flipped-kernel scale", at=has_kernel
)
def weight_gradient_flipped_and_averaged(
    layer: ConvNumPy, grad_output: Array, right: Array
) -> Array:
    """The gradient of the weights comes out flipped, and divided by the batch size."""
    averaged: Array = right[..., ::-1, ::-1] / grad_output.shape[-1]
    return averaged


@CONV.fault("input-gradient-flipped", "grad_input", "flipped-kernel", at=has_kernel)
class InputGradientFlipped(ConvNumPy):
    """The gradient of the input takes the kernel flipped once too often."""

    def input_gradient(self, grad_output: Array) -> Array:
        weight = self.parameters["weight"]
        kept = weight.copy()
        weight[...] = kept[..., ::-1, ::-1]
        grad = super().input_gradient(grad_output)
        weight[...] = kept
        return grad


@CONV.wrong("weight-gradient-flipped", "grad_weight", "flipped-kernel", at=has_kernel)
def weight_gradient_flipped(layer: ConvNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weights comes out flipped."""
    return right[..., ::-1, ::-1]


@CONV.wrong(
    "weight-gradient-transposed", "grad_weight", "height-width-swapped", at=has_square_kernel
)
def weight_gradient_transposed(layer: ConvNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weights has rows and columns exchanged."""
    return right.swapaxes(2, 3)


CONV.wrong("bias-missing", "output", "bias-missing", at=has_bias)(without_bias)


@CONV.wrong("bias-twice", "output", "bias-twice", at=has_bias)
def bias_twice(layer: ConvNumPy, x: Array, right: Array) -> Array:
    """The bias is added twice."""
    return right + layer.parameters["bias"][:, None, None, None]


CONV.wrong("bias-gradient-missing", "grad_bias", "all-zeros", at=has_bias)(all_zeros)
CONV.wrong("bias-gradient-averaged", "grad_bias", "scale", at=has_bias)(averaged)


@CONV.wrong("bias-gradient-of-one-position", "grad_bias", "windows-left-out", at=has_bias)
def bias_gradient_of_one_position(layer: ConvNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the bias is summed over the batch only, at the first position."""
    total: Array = grad_output[:, 0, 0].sum(axis=-1)
    return total


CONV.wrong("bias-gradient-of-the-batch-alone", "grad_bias", "scale", at=has_bias)(divided_by_batch)
CONV.wrong("weight-gradient-divided", "grad_weight", "scale")(divided_by_batch)
CONV.wrong("weight-gradient-averaged", "grad_weight", "scale")(averaged)
CONV.wrong("weight-gradient-ascends", "grad_weight", "scale")(ascends)


def _of_part(layer: ConvNumPy, grad_output: Array, part: Any) -> Array:
    """Return the gradient of the weights that a part of the output's gradient gives."""
    kept = np.zeros_like(grad_output)
    kept[part] = grad_output[part]
    return ConvNumPy.parameter_gradients(layer, kept)["weight"]


@CONV.wrong("weight-gradient-of-the-last-image", "grad_weight", "images-left-out")
def weight_gradient_of_last_image(layer: ConvNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weights is overwritten image by image, not added."""
    return _of_part(layer, grad_output, np.s_[..., -1])


@CONV.wrong("weight-gradient-of-the-first-image", "grad_weight", "images-left-out")
def weight_gradient_of_first_image(layer: ConvNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weights takes the first image of the batch alone."""
    return _of_part(layer, grad_output, np.s_[..., 0])


class _Windows(ConvNumPy):
    """Knows its windows one by one."""

    def __init__(self, layer: Conv, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._windows = windows_of(layer, input, output)

    def _gradient_of_columns(self, grad_output: Array) -> Array:
        """Return the gradient of what each window sees: (c, kh, kw, h_out, w_out, n)."""
        filters = self._filters().transpose(0, 2, 1)
        columns: Array = np.matmul(filters, self._by_group(grad_output))
        return columns.reshape(self._input[0], *self._kernel, *grad_output.shape[1:])

    def _zeros(self, grad_output: Array) -> Array:
        return np.zeros((*self._input, grad_output.shape[-1]), grad_output.dtype)


@CONV.wrong(
    "weight-gradient-without-padding",
    "grad_weight",
    "padding-ignored",
    at=is_padded_in_part,
    layer=_Windows,
)
def weight_gradient_without_padding(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """The gradient of the weights misses the outputs whose window touches the padding."""
    inside = np.zeros(grad_output.shape[1:3], bool)
    for i, j, cells in layer._windows:
        inside[i, j] = len(cells) == math.prod(layer._kernel)
    return _of_part(layer, grad_output, np.s_[:, inside])


@CONV.fault("input-gradient-overwritten", "grad_input", "overlaps-overwritten", at=overlaps)
class InputGradientOverwritten(_Windows):
    """The gradients of overlapping windows overwrite each other.

    Output by output, as the textbook's loops have it: each window sets all its cells.
    """

    def input_gradient(self, grad_output: Array) -> Array:
        columns = self._gradient_of_columns(grad_output)
        grad = self._zeros(grad_output)
        for i, j, cells in self._windows:
            for y, x, row, column in cells:
                grad[:, y, x] = columns[:, row, column, i, j]
        return grad


def _without_padding(layer: Conv, input: Shape, output: Shape, dtype: np.dtype) -> ConvNumPy:
    """Return the same convolution over images that are padded already."""
    (top, bottom), (left, right) = layer.pads()
    padded = (input[0], input[1] + top + bottom, input[2] + left + right)
    return ConvNumPy(layer.model_copy(update={"padding": 0}), padded, output, dtype)


@CONV.fault(
    "input-gradient-uncropped",
    "grad_input",
    "padding-other-side padding-ignored shifted",
    at=is_padded,
)
class InputGradientUncropped(ConvNumPy):
    """The padding of the input's gradient is cut off at the end alone."""

    def __init__(self, layer: Conv, *given: Any) -> None:
        super().__init__(layer, *given)
        self._padded = _without_padding(layer, *given)
        self._padded.parameters = self.parameters

    def input_gradient(self, grad_output: Array) -> Array:
        _, height, width = self._input
        return self._padded.input_gradient(grad_output)[:, :height, :width]


@CONV.fault("input-gradient-without-stride", "grad_input", "stride-ignored", at=is_strided)
class InputGradientWithoutStride(_Windows):
    """The gradient of the input is spread as if the stride were 1.

    Each cell of the kernel begins where it should, and goes on by one cell an output.
    """

    def input_gradient(self, grad_output: Array) -> Array:
        columns = self._gradient_of_columns(grad_output)
        grad = self._zeros(grad_output)
        first: dict[tuple[int, int], tuple[int, int, int, int]] = {}
        for i, j, cells in self._windows:
            for y, x, row, column in cells:
                top, left, first_i, first_j = first.setdefault((row, column), (y, x, i, j))
                place = top + i - first_i, left + j - first_j
                grad[:, *place] += columns[:, row, column, i, j]
        return grad


CONV.wrong("input-gradient-ascends", "grad_input", "scale")(ascends)


class _Misplaced(ConvNumPy):
    """Puts the image `top` cells down and `left` cells right into the padded one."""

    def __init__(
        self, layer: Conv, input: Shape, output: Shape, dtype: np.dtype, *, top: int, left: int
    ) -> None:
        bare = layer.model_copy(update={"padding": 0})
        sizes = ((n - 1) * axis.stride + axis.extent for n, axis in zip(output[1:], bare.windows()))
        self._image, self._padded = input, (input[0], *sizes)
        self._top, self._left = top, left
        super().__init__(bare, self._padded, output, dtype)

    def forward(self, x: Array) -> Array:
        return super().forward(_placed(x, self._top, self._left, self._padded))

    def input_gradient(self, grad_output: Array) -> Array:
        return _placed(super().input_gradient(grad_output), -self._top, -self._left, self._image)


def _placed(images: Array, down: int, right: int, shape: Shape) -> Array:
    """Put images into zeros of another shape; what falls out is lost."""
    placed = np.zeros((*shape, images.shape[-1]), images.dtype)
    for y, x in np.ndindex(*images.shape[1:3]):
        if 0 <= y + down < shape[1] and 0 <= x + right < shape[2]:
            placed[:, y + down, x + right] = images[:, y, x]
    return placed


@CONV.fault("padding-shifted", "output", "padding-other-side shifted", at=is_padded)
class PaddingShifted(_Misplaced):
    """The image is put one cell too far up and left into the padded one."""

    def __init__(self, layer: Conv, *given: Any) -> None:
        (top, _), (left, _) = layer.pads()
        super().__init__(layer, *given, top=top - 1, left=left - 1)


@CONV.fault("same-pads-first", "output", "padding-other-side shifted", at=has_even_same)
class SamePadsFirst(_Misplaced):
    """`padding: same` of an even kernel puts its extra cell at the top and left."""

    def __init__(self, layer: Conv, *given: Any) -> None:
        (_, bottom), (_, right) = layer.pads()
        super().__init__(layer, *given, top=bottom, left=right)


@CONV.fault("padding-by-edge", "output", "padding-mode", at=is_padded)
class PaddingByEdge(ConvNumPy):
    """The image is padded with its own edge, not with 0."""

    def __init__(self, layer: Conv, *given: Any) -> None:
        super().__init__(layer, *given)
        self._around = ((0, 0), *layer.pads(), (0, 0))
        self._padded = _without_padding(layer, *given)
        self._padded.parameters = self.parameters

    def forward(self, x: Array) -> Array:
        super().forward(x)
        return self._padded.forward(np.pad(x, self._around, mode="edge"))


@CONV.fault("dilation-ignored", "output", "dilation-ignored", at=is_dilated)
class DilationIgnored(_Misplaced):
    """The cells of the kernel are neighbours, whatever the dilation."""

    def __init__(self, layer: Conv, *given: Any) -> None:
        (top, _), (left, _) = layer.pads()
        dense = layer.model_copy(update={"dilation": 1})
        super().__init__(dense, *given, top=top, left=left)


@CONV.fault("groups-order", "output", "groups-order", at=is_grouped)
class GroupsInterleaved(ConvNumPy):
    """Channels are dealt to the groups one by one, not in blocks."""

    def forward(self, x: Array) -> Array:
        dealt = x.reshape(-1, self._groups, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape)
        return super().forward(dealt)


@CONV.fault("groups-share-the-first", "output", "groups-ignored", at=is_grouped)
class GroupsShareTheFirst(ConvNumPy):
    """Every group sees the channels of the first one."""

    def forward(self, x: Array) -> Array:
        first = x[: len(x) // self._groups]
        return super().forward(np.concatenate([first] * self._groups))


@CONV.fault(
    "channels-last-weights",
    "output",
    "weight-order weight-reshaped",
    at=lambda at: several_channels(at) and has_kernel(at) and not is_grouped(at),
)
class ChannelsLastWeights(_Reads):
    """The weights are read as (out, kh, kw, in)."""

    def _read(self, weight: Array) -> Array:
        out, channels, height, width = weight.shape
        return weight.reshape(out, height, width, channels).transpose(0, 3, 1, 2)


@CONV.fault(
    "last-kernel-row-missing",
    "output",
    "taps-left-out",
    at=lambda at: at.parameters["weight"][2] > 1,
)
class LastKernelRowMissing(_Reads):
    """The loop over the kernel's rows ends one too early."""

    def _read(self, weight: Array) -> Array:
        read = weight.copy()
        read[:, :, -1] = 0
        return read


@CONV.wrong("last-output-missing", "output", "windows-left-out")
def last_output_missing(layer: ConvNumPy, x: Array, right: Array) -> Array:
    """The loop over the output's columns ends one too early: the last stays at the bias."""
    parameters = layer.parameters
    right[:, :, -1] = parameters["bias"][:, None, None] if "bias" in parameters else 0
    return right


@CONV.wrong(
    "channels-averaged",
    "output",
    "scale",
    at=lambda at: at.parameters["weight"][1] > 1 and not has_bias(at),
)
def channels_averaged(layer: ConvNumPy, x: Array, right: Array) -> Array:
    """The output is a mean over the input's channels, not a sum."""
    mean: Array = right / layer.parameters["weight"].shape[1]
    return mean


CONV.fault("stale-columns", "grad_weight")(stale(ConvNumPy, "parameter_gradients"))
CONV.wrong("gradient-accumulates", "grad_weight", "accumulated")(accumulated)
CONV.wrong(
    "learns-inside-backward",
    "grad_weight",
    "updates-own-weights",
    quantities="grad_input,weight,output,weight after backward",
)(learns)
CONV.wrong("in-float16", "output", "low-precision")(in_float16)
