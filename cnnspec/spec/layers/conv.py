"""Two-dimensional convolution (cross-correlation, as in torch.nn.Conv2d)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import PositiveInt

from cnnspec.errors import ShapeError
from cnnspec.spec.field_words import answers
from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers import window
from cnnspec.spec.layers.layer import Family, Layer, is_image
from cnnspec.spec.layers.window import Windows, misfits, stride_between
from cnnspec.spec.sizes import ConvPadding, Pair, PartialShape, Shape, Size, pair
from cnnspec.spec.skeleton import Made, Skeleton
from cnnspec.spec.starts import Drawn, Start


class Conv(Layer):
    """A convolution over images: (in_channels, h, w) -> (out_channels, h_out, w_out)."""

    keyword: ClassVar[str] = "conv"
    skeleton: ClassVar[Skeleton] = Skeleton(
        formula="Each filter slides over the padded images as it is, without being flipped: "
        "output[i, o, y, x] = bias[o] + the sum of weight[o] * the window of image i at (y, x).",
        said={"padding": "Zeros added on each side."},
        options=("in_channels", "out_channels", "kernel_size", "stride", "padding", "bias"),
        pairs=("kernel_size", "stride", "padding"),
        x="(n, in_channels, height, width)",
        output="(n, out_channels, rows, columns); "
        "rows = (height + 2 * padding - kernel_size) // stride + 1, and columns alike",
        arrays={
            "weight": Made(
                "(out_channels, in_channels, kernel_height, kernel_width)",
                "0.1 * rng.normal(size=(out_channels, in_channels, *self.kernel_size))",
            ),
            "bias": Made("(out_channels,)", "np.zeros(out_channels)"),
        },
    )
    family: ClassVar[Family] = "convolution"
    takes: ClassVar[Literal["images"]] = "images"
    width: ClassVar[str] = "out_channels"
    input_width: ClassVar[str] = "in_channels"
    words: ClassVar[Words] = Words(
        synonyms="conv2d convolution convolution2d convolutional",
        answers=answers(
            "depthwise_conv depthwiseconv2d depthwise dwconv",
            "a depthwise convolution is `conv` with as many `groups` as it receives channels",
        )
        | answers(
            "separable_conv separableconv2d depthwise_separable_conv sepconv",
            "it is two layers: `conv` with as many `groups` as it receives channels, then `conv` "
            "with `kernel_size: 1`",
        )
        | answers(
            "pointwise_conv pointwise conv1x1",
            "a pointwise convolution is `conv` with `kernel_size: 1`",
        )
        | answers("conv3x3", "write `conv` with `kernel_size: 3`")
        | answers("dilated_conv atrous_conv", "it is `conv` with a `dilation` above 1")
        | answers("grouped_conv group_conv", "it is `conv` with `groups` above 1"),
        options={
            "out_channels": "filters",
            "dilation": "dilation_rate",
            "bias": "use_bias",
            **window.OPTIONS,
        },
        guesses={
            "out_channels": "channels num_output out_features",
            "in_channels": "in_features num_features",
            **window.GUESSES,
        },
        parameters={
            "in_channels": "input_channels num_channels n_channels in_ch in_c channels_in c_in "
            "channels num_input_channels input_depth n_C_prev cin "
            "chan_in depth",
            "out_channels": "output_channels num_filters n_filters filters out_ch channels_out "
            "c_out out_c num_kernels n_kernels kernels filter_count n_C cout "
            "chan_out depth",
            "groups": "num_groups",
            "bias": "use_bias with_bias",
            **window.PARAMETERS,
        },
        sides=window.SIDES,
        calls={
            "Conv2d": "in_channels out_channels kernel_size stride padding dilation groups bias",
            "Conv2D": "out_channels kernel_size stride",
        },
        examples={"kernel_size": "3"},
    )

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

    def own_problems(self, input: PartialShape) -> Iterator[ShapeError]:
        channels, *sizes = input
        yield from self._indivisible(channels)
        if self.kernel_size is None:
            return
        if self.padding == "same" and pair(self.stride) != (1, 1):
            yield ShapeError(
                "same-stride",
                f"`padding: same` needs `stride: 1`, but the stride is {list(pair(self.stride))}"
                if isinstance(self.stride, tuple)
                else f"`padding: same` needs `stride: 1`, but the stride is {self.stride}",
                option="padding",
                help="write the padding as a number",
            )
            return
        yield from misfits(self.windows(), tuple(sizes))

    def _indivisible(self, channels: int | None) -> Iterator[ShapeError]:
        counts = {"in_channels": channels, "out_channels": self.out_channels}
        for option, count in counts.items():
            if count is not None and self.groups is not None and count % self.groups:
                common = [known for known in counts.values() if known is not None]
                yield ShapeError(
                    "groups",
                    f"`{option}` (= {count}) must be divisible by `groups` (= {self.groups})",
                    option="groups",
                    ways=((f"{_divisors(*common)} would do", {"groups": math.gcd(*common)}),),
                )
                return

    def outline(self, input: PartialShape | None) -> PartialShape | None:
        if input is not None and not is_image(input):
            return None
        if input is None or self.kernel_size is None:
            return self.out_channels, None, None
        height, width = (at.count(size) for at, size in zip(self.windows(), input[1:]))
        return self.out_channels, height, width

    def windows(self) -> tuple[Windows, ...]:
        """Return the windows along the height and along the width."""
        return tuple(
            Windows(axis, kernel, stride, padding, dilation)
            for axis, kernel, stride, padding, dilation in zip(
                ("height", "width"),
                pair(self.kernel_size),
                pair(self.stride),
                self.pads(),
                pair(self.dilation),
            )
        )

    @classmethod
    def projection(cls, input: Shape, output: Shape) -> Self | None:
        if not is_image(input) or not is_image(output):
            return None
        height, width = (
            stride_between(size, wanted) for size, wanted in zip(input[1:], output[1:])
        )
        if height is None or width is None:
            return None
        return cls(out_channels=output[0], kernel_size=1, stride=(height, width))

    def parameters(self, input: Shape) -> dict[str, Shape]:
        weight = (self.out_channels, input[0] // self.groups, *pair(self.kernel_size))
        return {"weight": weight} | ({"bias": (self.out_channels,)} if self.bias else {})

    def starts(self, input: Shape) -> dict[str, Start | Drawn]:
        fan_in = self._taps(input[0])
        return {"weight": Drawn(fan_in), "bias": Drawn(fan_in, is_bias=True)}

    def macs(self, input: Shape, output: Shape) -> int:
        channels, height, width = output
        return channels * height * width * self._taps(input[0])

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
