"""Convolution as matrix products (Chellapilla, Puri and Simard, 2006)."""

from __future__ import annotations

from itertools import product

import numpy as np

from cnnspec.backends.numpy.columns import Columns, Memory, Sliding
from cnnspec.backends.numpy.padding import Padding, RowPadding
from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Conv
from cnnspec.spec.sizes import Pair, Shape, pair
from cnnspec.trace import Array


class ConvNumPy(Layer):
    """One matrix product for each tile of outputs and each group of channels.

    The columns hold, for each output cell, the inputs it sees, and a 1 for the bias:
    y (o, outputs) = [W b] (o, c*kh*kw + 1) @ columns (c*kh*kw + 1, outputs).
    """

    def __init__(self, layer: Conv, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._workspace = Workspace(dtype)
        self._output, self._groups, self._kernel = output, layer.groups, pair(layer.kernel_size)
        self._input, self._gathers = input, pair(layer.stride) == (1, 1)
        groups, out, depth = self._filters().shape
        self._joined: Array = np.empty((groups, out, depth + 1), dtype)
        self._joined_filters = self._joined[:, :, :depth]
        self._joined_bias = self._joined[:, :, depth].reshape(-1)  # a view
        to_output = sliding_to(output, layer)
        self._padding = _padding_for(to_output, input, layer.pads(), dtype)
        self._columns = Columns(to_output, dtype, ones=layer.bias, beside=self._padding.beside)
        if self._gathers:
            to_input = sliding_to(input, layer)
            around = _around_gradient(layer)
            self._grad_padding = _padding_for(to_input, output, around, dtype)
            self._grad_columns = Columns(to_input, dtype, beside=self._grad_padding.beside)
        else:
            self._scattered = Padding(input, layer.pads(), dtype)
            self._grad_columns = Columns(to_output, dtype)

    def write_columns_to(self, memory: Memory) -> None:
        """Share the memory of columns with other layers, none of which runs at the same time."""
        self._columns.write_to(memory)
        self._grad_columns.write_to(memory)

    def forward(self, x: Array) -> Array:
        self._x = self._padding.pad(x)
        y = self._workspace.array("y", (*self._output, x.shape[-1]))
        by_group, filters = self._by_group(y), self._filters_and_bias()
        for tile in self._columns.gathered(self._x):
            np.matmul(filters, tile.extended, out=by_group[:, :, tile.outputs])
        return y

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        by_group = self._by_group(grad_output)
        both: Array | None = None
        for tile in self._columns.gathered(self._x):  # made anew: kept, they would be kh*kw x
            part = np.matmul(by_group[:, :, tile.outputs], tile.extended.transpose(0, 2, 1))
            both = part if both is None else np.add(both, part, out=both)
        assert both is not None
        depth = both.shape[2] - ("bias" in self.parameters)
        gradients: dict[str, Array] = {
            "weight": both[:, :, :depth].reshape(self.parameters["weight"].shape)
        }
        if "bias" in self.parameters:
            gradients["bias"] = both[:, :, depth].reshape(-1)
        return gradients

    def input_gradient(self, grad_output: Array) -> Array:
        if self._gathers:
            return self._gather_gradient(grad_output)
        return self._scatter_gradient(grad_output)

    def _gather_gradient(self, grad_output: Array) -> Array:
        """Let each input gather what it is due: convolve the gradient with the flipped kernel.

        It takes a stride of 1, and a fifth of the time of scattering.
        """
        grad = self._workspace.array("grad_input", (*self._input, grad_output.shape[-1]))
        by_group, filters = self._by_group(grad), self._flipped_filters()
        for tile in self._grad_columns.gathered(self._grad_padding.pad(grad_output)):
            np.matmul(filters, tile.columns, out=by_group[:, :, tile.outputs])
        return grad

    def _scatter_gradient(self, grad_output: Array) -> Array:
        """Let each output scatter what it owes: add its column's gradients to what it saw."""
        by_group, filters = self._by_group(grad_output), self._filters().swapaxes(1, 2)
        grad = self._scattered.zeros(grad_output.shape[-1])
        for tile in self._grad_columns.over(grad):
            np.matmul(filters, by_group[:, :, tile.outputs], out=tile.columns)
            for row, column in product(*map(range, self._kernel)):
                tile.windows[:, :, row, column] += tile.cells[:, :, row, column]
        return self._scattered.crop(grad)

    def _filters(self) -> Array:
        """Return the weights as a matrix for each group: (groups, out, channels * kh * kw)."""
        weight = self.parameters["weight"]
        return weight.reshape(self._groups, len(weight) // self._groups, -1)

    def _filters_and_bias(self) -> Array:
        """Return a copy with the bias as their last column, or, without a bias, the weights."""
        filters = self._filters()
        if "bias" not in self.parameters:
            return filters
        np.copyto(self._joined_filters, filters)
        np.copyto(self._joined_bias, self.parameters["bias"])
        return self._joined

    def _flipped_filters(self) -> Array:
        """Return the kernels upside down, from outputs to inputs: (groups, channels, out*kh*kw)."""
        filters = self._filters()
        groups, out, _ = filters.shape
        kernels = filters.reshape(groups, out, -1, *self._kernel)[..., ::-1, ::-1]
        channels = kernels.shape[2]
        return kernels.swapaxes(1, 2).reshape(groups, channels, -1)

    def _by_group(self, images: Array) -> Array:
        """Return images as a matrix for each group: (groups, channels, h * w * n)."""
        return images.reshape(self._groups, len(images) // self._groups, -1)


def sliding_to(output: Shape, layer: Conv) -> Sliding:
    """Return how the kernel of a convolution slides to outputs (c, h, w)."""
    kernel, stride, dilation = map(pair, (layer.kernel_size, layer.stride, layer.dilation))
    return Sliding(layer.groups, kernel, stride, dilation, (output[1], output[2]))


def _padding_for(
    sliding: Sliding, input: Shape, around: tuple[Pair, Pair], dtype: np.dtype
) -> Padding | RowPadding:
    """Return what puts cells around images, for a kernel that slides over them.

    Where it goes from cell to cell over the whole width, each of its own cells sees one run.
    """
    whole_width = sliding.stride == (1, 1) and sliding.outputs[1] == input[2]
    return (RowPadding if whole_width and any(around[1]) else Padding)(input, around, dtype)


def _around_gradient(layer: Conv) -> tuple[Pair, Pair]:
    """Return what goes around the gradient of the output so that each input sees all its own."""
    (top, bottom), (left, right) = layer.pads()
    down, across = (
        apart * (cells - 1) for apart, cells in zip(pair(layer.dilation), pair(layer.kernel_size))
    )
    return (down - top, down - bottom), (across - left, across - right)
