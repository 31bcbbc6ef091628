"""Two-dimensional convolution (cross-correlation, as in torch.nn.Conv2d)."""

from __future__ import annotations

import math
from typing import ClassVar, Self

from pydantic import PositiveInt

from cnnspec.errors import ShapeError
from cnnspec.spec.layers.layer import Layer, check_written, image_shape
from cnnspec.spec.layers.window import window_output
from cnnspec.spec.sizes import ConvPadding, Pair, Shape, Size, pair


class Conv(Layer):
    """A convolution over images: (in_channels, h, w) -> (out_channels, h_out, w_out)."""

    keyword: ClassVar[str] = "conv"

    out_channels: PositiveInt
    """Number of filters."""
    kernel_size: Size
    """Height and width of the filters."""
    stride: Size = 1
    """Cells between two neighbouring windows."""
    padding: ConvPadding = 0
    """Zeros added on each side, or `same`: as many as keep the size (stride 1 only)."""
    dilation: Size = 1
    """Cells between two neighbouring taps of a filter."""
    groups: PositiveInt = 1
    """Channels are split into this many groups, each with filters of its own."""
    bias: bool = True
    """Add a learnt number to each output channel."""
    in_channels: PositiveInt | None = None
    """Asserted where written; inferred otherwise."""

    def pads(self) -> tuple[Pair, Pair]:
        """Return the zeros added as ((top, bottom), (left, right)).

        `same` adds `dilation * (kernel_size - 1)` along each axis; where that is odd,
        the extra cell goes to the bottom and to the right, as in torch.
        """
        if self.padding == "same":
            total = [d * (k - 1) for d, k in zip(pair(self.dilation), pair(self.kernel_size))]
            vertical, horizontal = ((cells // 2, cells - cells // 2) for cells in total)
            return vertical, horizontal
        height, width = pair(self.padding)
        return (height, height), (width, width)

    def output_shape(self, input: Shape) -> Shape:
        channels, *sizes = image_shape(self, input)
        check_written(self, "in_channels", self.in_channels, channels)
        for option, count in (("in_channels", channels), ("out_channels", self.out_channels)):
            if count % self.groups:
                raise ShapeError(
                    f"`{option}` (= {count}) must be divisible by `groups` (= {self.groups})",
                    option="groups",
                    help=f"{_divisors(channels, self.out_channels)} would do",
                )
        if self.padding == "same" and pair(self.stride) != (1, 1):
            raise ShapeError(
                f"`padding: same` needs `stride: 1`, but the stride is {self.stride}",
                option="padding",
                help="write the padding as a number",
            )
        height, width = (
            window_output(size, kernel, stride=stride, padding=pads, dilation=dilation, axis=axis)
            for size, kernel, stride, pads, dilation, axis in zip(
                sizes,
                pair(self.kernel_size),
                pair(self.stride),
                self.pads(),
                pair(self.dilation),
                ("height", "width"),
            )
        )
        return self.out_channels, height, width

    def parameters(self, input: Shape) -> dict[str, Shape]:
        weight = (self.out_channels, input[0] // self.groups, *pair(self.kernel_size))
        return {"weight": weight} | ({"bias": (self.out_channels,)} if self.bias else {})

    def macs(self, input: Shape, output: Shape) -> int:
        channels, height, width = output
        return channels * height * width * self._taps(input[0])

    def resolved(self, name: str, input: Shape) -> Self:
        return self.model_copy(update={"name": name, "in_channels": input[0]})

    def reductions(self, input: Shape, output: Shape, batch: int) -> dict[str, int]:
        positions = batch * output[1] * output[2]
        return {
            "output": self._taps(input[0]) + 1,
            "grad_input": self._taps(self.out_channels),
            "weight": positions,
            "bias": positions,
        }

    def _taps(self, channels: int) -> int:
        height, width = pair(self.kernel_size)
        return channels // self.groups * height * width


def _divisors(*counts: int) -> str:
    """Name the numbers that divide all counts; of a large greatest divisor only itself."""
    greatest = math.gcd(*counts)
    if greatest > 1000:
        return f"{greatest} or a divisor of it"
    return ", ".join(str(n) for n in range(1, greatest + 1) if greatest % n == 0)
