"""Faults of convolutions. Arrays are the engine's: images (c, h, w, n)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.compare.selftest.faults import Family
from cnnspec.compare.selftest.settings import (
    has_bias,
    has_even_same,
    has_kernel,
    has_square_kernel,
    is_dilated,
    is_grouped,
    is_padded,
    is_strided,
    overlaps,
    several_channels,
)
from cnnspec.compare.selftest.windows import windows_of
from cnnspec.spec.layers import Conv
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

CONV = Family("conv")

Gradients = dict[str, Array]


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


@CONV.fault(
    "kernel-flipped",
    "output",
    "flipped-kernel",
    at=has_kernel,
)
class KernelFlipped(ConvNumPy):
    """A true convolution: the kernel is flipped."""

    def _filters(self) -> Array:
        weight = self.parameters["weight"][..., ::-1, ::-1]
        return weight.reshape(self._groups, len(weight) // self._groups, -1)

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"][..., ::-1, ::-1]}


@CONV.fault(
    "kernel-transposed",
    "output",
    "height-width-swapped",
    at=has_square_kernel,
)
class KernelTransposed(ConvNumPy):
    """Rows and columns of the kernel are exchanged."""

    def _filters(self) -> Array:
        weight = self.parameters["weight"].swapaxes(2, 3)
        return weight.reshape(self._groups, len(weight) // self._groups, -1)

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"].swapaxes(2, 3)}


@CONV.fault(
    "input-gradient-flipped",
    "grad_input",
    "flipped-kernel",
    at=has_kernel,
)
class InputGradientFlipped(ConvNumPy):
    """The gradient of the input takes the kernel flipped once too often."""

    def input_gradient(self, grad_output: Array) -> Array:
        weight = self.parameters["weight"]
        kept = weight.copy()
        weight[...] = kept[..., ::-1, ::-1]
        grad = super().input_gradient(grad_output)
        weight[...] = kept
        return grad


@CONV.fault(
    "weight-gradient-flipped",
    "grad_weight",
    "flipped-kernel",
    at=has_kernel,
)
class WeightGradientFlipped(ConvNumPy):
    """The gradient of the weights comes out flipped."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"][..., ::-1, ::-1]}


@CONV.fault(
    "weight-gradient-transposed",
    "grad_weight",
    "height-width-swapped",
    at=has_square_kernel,
)
class WeightGradientTransposed(ConvNumPy):
    """The gradient of the weights has rows and columns exchanged."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"].swapaxes(2, 3)}


@CONV.fault("bias-missing", "output", "bias-missing", at=has_bias)
class BiasMissing(ConvNumPy):
    """The bias is never added."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        y -= self.parameters["bias"][:, None, None, None]
        return y


@CONV.fault("bias-twice", "output", "bias-twice", at=has_bias)
class BiasTwice(ConvNumPy):
    """The bias is added twice."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        y += self.parameters["bias"][:, None, None, None]
        return y


@CONV.fault(
    "bias-gradient-missing",
    "grad_bias",
    "all-zeros",
    at=has_bias,
)
class BiasGradientMissing(ConvNumPy):
    """The bias has no gradient: it stays 0."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"bias": np.zeros_like(found["bias"])}


@CONV.fault(
    "bias-gradient-averaged",
    "grad_bias",
    "scale",
    at=has_bias,
)
class BiasGradientAveraged(ConvNumPy):
    """The gradient of the bias is a mean over batch and positions."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"bias": grad_output.mean(axis=(1, 2, 3))}


@CONV.fault(
    "bias-gradient-of-one-position",
    "grad_bias",
    "windows-left-out",
    at=has_bias,
)
class BiasGradientOfOnePosition(ConvNumPy):
    """The gradient of the bias is summed over the batch only, at the first position."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"bias": grad_output[:, 0, 0].sum(axis=-1)}


@CONV.fault(
    "bias-gradient-of-the-batch-alone",
    "grad_bias",
    "scale",
    at=has_bias,
)
class BiasGradientDivided(ConvNumPy):
    """The gradient of the bias is averaged over the batch, and summed over the positions."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"bias": found["bias"] / grad_output.shape[-1]}


@CONV.fault(
    "weight-gradient-divided",
    "grad_weight",
    "scale",
)
class WeightGradientDivided(ConvNumPy):
    """The gradient of the weights is divided by the batch size, as the loss's was before."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"] / grad_output.shape[-1]}


@CONV.fault(
    "weight-gradient-averaged",
    "grad_weight",
    "scale",
)
class WeightGradientAveraged(ConvNumPy):
    """The gradient of the weights is a mean over batch and positions."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"] / grad_output[0].size}


@CONV.fault(
    "weight-gradient-ascends",
    "grad_weight",
    "scale",
)
class WeightGradientAscends(ConvNumPy):
    """The gradient of the weights has the wrong sign."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": -found["weight"]}


@CONV.fault(
    "weight-gradient-of-the-last-image",
    "grad_weight",
    "images-left-out",
)
class WeightGradientOfLastImage(ConvNumPy):
    """The gradient of the weights is overwritten image by image, not added."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        last = np.zeros_like(grad_output)
        last[..., -1] = grad_output[..., -1]
        found = super().parameter_gradients(grad_output)
        return found | {"weight": super().parameter_gradients(last)["weight"]}


@CONV.fault(
    "weight-gradient-of-the-first-image",
    "grad_weight",
    "images-left-out",
)
class WeightGradientOfFirstImage(ConvNumPy):
    """The gradient of the weights takes the first image of the batch alone."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        first = np.zeros_like(grad_output)
        first[..., 0] = grad_output[..., 0]
        found = super().parameter_gradients(grad_output)
        return found | {"weight": super().parameter_gradients(first)["weight"]}


@CONV.fault(
    "weight-gradient-without-padding",
    "grad_weight",
    "padding-ignored",
    at=is_padded,
)
class WeightGradientWithoutPadding(_Windows):
    """The gradient of the weights misses the outputs whose window touches the padding."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        inside = grad_output.copy()
        for i, j, cells in self._windows:
            if len(cells) < math.prod(self._kernel):
                inside[:, i, j] = 0
        found = super().parameter_gradients(grad_output)
        return found | {"weight": super().parameter_gradients(inside)["weight"]}


@CONV.fault(
    "input-gradient-overwritten",
    "grad_input",
    "overlaps-overwritten",
    at=overlaps,
)
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


@CONV.fault(
    "input-gradient-uncropped",
    "grad_input",
    "padding-other-side padding-ignored shifted",
    at=is_padded,
)
class InputGradientUncropped(ConvNumPy):
    """The padding of the input's gradient is cut off at the end alone."""

    def __init__(self, layer: Conv, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        (top, bottom), (left, right) = layer.pads()
        self._padded = ConvNumPy(
            layer.model_copy(update={"padding": 0}),
            (input[0], input[1] + top + bottom, input[2] + left + right),
            output,
            dtype,
        )
        self._padded.parameters = self.parameters

    def input_gradient(self, grad_output: Array) -> Array:
        _, height, width = self._input
        return self._padded.input_gradient(grad_output)[:, :height, :width]


@CONV.fault(
    "input-gradient-without-stride",
    "grad_input",
    "stride-ignored",
    at=is_strided,
)
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


@CONV.fault(
    "input-gradient-ascends",
    "grad_input",
    "scale",
)
class InputGradientAscends(ConvNumPy):
    """The gradient of the input has the wrong sign."""

    def input_gradient(self, grad_output: Array) -> Array:
        return -super().input_gradient(grad_output)


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


@CONV.fault(
    "padding-shifted",
    "output",
    "padding-other-side shifted",
    at=is_padded,
)
class PaddingShifted(_Misplaced):
    """The image is put one cell too far up and left into the padded one."""

    def __init__(self, layer: Conv, *given: Any) -> None:
        (top, _), (left, _) = layer.pads()
        super().__init__(layer, *given, top=top - 1, left=left - 1)


@CONV.fault(
    "same-pads-first",
    "output",
    "padding-other-side shifted",
    at=has_even_same,
)
class SamePadsFirst(_Misplaced):
    """`padding: same` of an even kernel puts its extra cell at the top and left."""

    def __init__(self, layer: Conv, *given: Any) -> None:
        (_, bottom), (_, right) = layer.pads()
        super().__init__(layer, *given, top=bottom, left=right)


@CONV.fault(
    "padding-by-edge",
    "output",
    "padding-mode",
    at=is_padded,
)
class PaddingByEdge(ConvNumPy):
    """The image is padded with its own edge, not with 0."""

    def __init__(self, layer: Conv, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        (top, bottom), (left, right) = layer.pads()
        self._around = ((0, 0), (top, bottom), (left, right), (0, 0))
        self._padded = ConvNumPy(
            layer.model_copy(update={"padding": 0}),
            (input[0], input[1] + top + bottom, input[2] + left + right),
            output,
            dtype,
        )
        self._padded.parameters = self.parameters

    def forward(self, x: Array) -> Array:
        super().forward(x)
        return self._padded.forward(np.pad(x, self._around, mode="edge"))


@CONV.fault(
    "dilation-ignored",
    "output",
    "dilation-ignored",
    at=is_dilated,
)
class DilationIgnored(_Misplaced):
    """The cells of the kernel are neighbours, whatever the dilation."""

    def __init__(self, layer: Conv, *given: Any) -> None:
        (top, _), (left, _) = layer.pads()
        dense = layer.model_copy(update={"dilation": 1})
        super().__init__(dense, *given, top=top, left=left)


@CONV.fault(
    "groups-order",
    "output",
    "groups-order",
    at=is_grouped,
)
class GroupsInterleaved(ConvNumPy):
    """Channels are dealt to the groups one by one, not in blocks."""

    def forward(self, x: Array) -> Array:
        dealt = x.reshape(-1, self._groups, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape)
        return super().forward(dealt)


@CONV.fault(
    "groups-share-the-first",
    "output",
    "groups-ignored",
    at=is_grouped,
)
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
class ChannelsLastWeights(ConvNumPy):
    """The weights are read as (out, kh, kw, in)."""

    def _filters(self) -> Array:
        weight = self.parameters["weight"]
        out, channels, height, width = weight.shape
        read = weight.reshape(out, height, width, channels).transpose(0, 3, 1, 2)
        return read.reshape(self._groups, out // self._groups, -1)


@CONV.fault(
    "last-kernel-row-missing",
    "output",
    "taps-left-out",
    at=lambda at: at.parameters["weight"][2] > 1,
)
class LastKernelRowMissing(ConvNumPy):
    """The loop over the kernel's rows ends one too early."""

    def _filters(self) -> Array:
        weight = self.parameters["weight"].copy()
        weight[:, :, -1] = 0
        return weight.reshape(self._groups, len(weight) // self._groups, -1)


@CONV.fault(
    "last-output-missing",
    "output",
    "windows-left-out",
)
class LastOutputMissing(ConvNumPy):
    """The loop over the output's columns ends one too early: the last stays at the bias."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        y[:, :, -1] = self.parameters["bias"][:, None, None] if "bias" in self.parameters else 0
        return y


@CONV.fault(
    "channels-averaged",
    "output",
    "scale",
    at=lambda at: at.parameters["weight"][1] > 1 and not has_bias(at),
)
class ChannelsAveraged(ConvNumPy):
    """The output is a mean over the input's channels, not a sum."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        y /= self.parameters["weight"].shape[1]
        return y


@CONV.fault(
    "stale-columns",
    "grad_weight",
    "",
)
class StaleColumns(ConvNumPy):
    """The gradient of the weights takes the columns of the batch before."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._before = ConvNumPy(*given)
        self._last: Array | None = None

    def forward(self, x: Array) -> Array:
        self._before.forward(np.resize(x if self._last is None else self._last, x.shape))
        self._last = x.copy()
        return super().forward(x)

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        return self._before.parameter_gradients(grad_output)


@CONV.fault(
    "gradient-accumulates",
    "grad_weight",
    "accumulated",
)
class GradientAccumulates(ConvNumPy):
    """The gradient of the weights is added to that of the batch before."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._sum = np.zeros_like(self.parameters["weight"])

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        self._sum += found["weight"]
        return found | {"weight": self._sum}


@CONV.fault(
    "learns-inside-backward",
    "grad_input,weight,output,weight after backward",
    "updates-own-weights",
)
class LearnsInsideBackward(ConvNumPy):
    """The weights are changed inside the backward pass."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        self.parameters["weight"] -= 0.01 * found["weight"]
        return found


@CONV.fault(
    "in-float16",
    "output",
    "low-precision",
)
class InFloat16(ConvNumPy):
    """The products are rounded to float16."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        y[...] = y.astype(np.float16)
        return y
