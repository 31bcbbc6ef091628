"""Pooling over windows, as in torch.nn.MaxPool2d and torch.nn.AvgPool2d."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from cnnspec.errors import ShapeError
from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers import window
from cnnspec.spec.layers.layer import Family, Layer, is_image
from cnnspec.spec.layers.window import Windows, misfits
from cnnspec.spec.sizes import Pair, PartialShape, PoolPadding, Shape, Size, pair
from cnnspec.spec.skeleton import Skeleton


class Pool(Layer):
    """The maximum or the average of each window: (c, h, w) -> (c, h_out, w_out).

    The gradient of a maximum goes to the first one in scan order. Padded cells
    never win a maximum, and are counted in an average.
    """

    keyword: ClassVar[str] = "pool"
    skeleton: ClassVar[Skeleton] = Skeleton(
        formula="The maximum of each window. Its gradient goes to the first maximum of the window, "
        "row by row; where windows overlap, gradients add up.",
        options=("kernel_size", "stride"),
        pairs=("kernel_size", "stride"),
        instead={"stride": "kernel_size"},
        x="(n, channels, height, width)",
        output="(n, channels, rows, columns); "
        "rows = (height - kernel_size) // stride + 1, and columns alike",
    )
    family: ClassVar[Family] = "pooling"
    takes: ClassVar[Literal["images"]] = "images"
    words: ClassVar[Words] = Words(
        synonyms="max_pool maxpool maxpool2d max_pooling maxpooling2d pool2d pooling",
        variants={
            ("kind", "avg"): "avg_pool avgpool average_pool avgpool2d averagepooling2d "
            "averagepooling"
        },
        unwritten={
            "count_include_pad": "padded cells are always counted in an average: leave it out if "
            "you mean that"
        },
        options=window.OPTIONS,
        guesses=window.GUESSES,
        parameters={"kind": "mode pool_type method", "ceil_mode": "ceil", **window.PARAMETERS},
        sides=window.SIDES,
        values={"kind": {"average": "avg", "mean": "avg", "maximum": "max"}},
        calls=dict.fromkeys(("MaxPool2d", "AvgPool2d"), "kernel_size stride padding")
        | dict.fromkeys(("MaxPooling2D", "AveragePooling2D"), "kernel_size stride"),
        examples={"kernel_size": "2"},
    )

    kind: Literal["max", "avg"] = "max"
    """`max` or `avg`."""
    kernel_size: Size
    """Height and width of the windows."""
    stride: Size | None = None
    """Cells between two neighbouring windows; by default the kernel size."""
    padding: PoolPadding = 0
    """Cells added on each side; at most half the kernel."""
    ceil_mode: bool = False
    """Keep a last window that starts inside the input, or before it, and reaches over the edge."""

    def strides(self) -> Pair:
        """Return the strides as (height, width)."""
        return pair(self.kernel_size if self.stride is None else self.stride)

    def own_problems(self, input: PartialShape) -> Iterator[ShapeError]:
        if self.kernel_size is None:
            return
        kernel, padding = pair(self.kernel_size), pair(self.padding)
        for axis, cells, added in zip(("height", "width"), kernel, padding):
            if added > cells // 2:
                yield ShapeError(
                    "padding-too-large",
                    f"`padding` (= {added}) is more than half of the kernel's {axis} (= {cells})",
                    option="padding",
                    help=f"at most {cells // 2} is allowed: a window must not be all padding",
                )
                return
        yield from misfits(self.windows(), input[1:])

    def outline(self, input: PartialShape | None) -> PartialShape | None:
        if input is None:
            return None, None, None
        if not is_image(input):
            return None
        if self.kernel_size is None:
            return input[0], None, None
        height, width = (at.count(size) for at, size in zip(self.windows(), input[1:]))
        return input[0], height, width

    def windows(self) -> tuple[Windows, ...]:
        """Return the windows along the height and along the width."""
        return tuple(
            Windows(axis, cells, stride, (added, added), ceil_mode=self.ceil_mode)
            for axis, cells, stride, added in zip(
                ("height", "width"), pair(self.kernel_size), self.strides(), pair(self.padding)
            )
        )

    def resolved(self, name: str, input: Shape) -> Self:
        stride = self.kernel_size if self.stride is None else self.stride
        return self.model_copy(update={"name": name, "stride": stride})

    def reductions(self, input: Shape, output: Shape, batch: int) -> dict[str, int]:
        kernel, strides = pair(self.kernel_size), self.strides()
        windows = math.prod(-(-cells // stride) for cells, stride in zip(kernel, strides))
        if self.kind == "max":
            return {"output": 0, "grad_input": windows - 1}
        return {"output": math.prod(kernel) + 1, "grad_input": windows + 1}
