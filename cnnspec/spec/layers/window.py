"""Sliding windows: the one place where their output size is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cnnspec.errors import ShapeError
from cnnspec.spec.sizes import Pair, one_or_both

KERNEL = "kernel_size"
"""The option that says how large windows are."""

OPTIONS = {"kernel_size": "pool_size", "stride": "strides"}
GUESSES = {"kernel_size": "kernel size", "padding": "pad"}
"""What kinds with windows call their options elsewhere."""
PARAMETERS = {
    "kernel_size": "filter_size pool_size kernel size window window_size k f ksize kernel_shape "
    "pool_shape window_shape",
    "stride": "strides s subsample",
    "padding": "pad p pads zero_padding zero_pad border border_mode pad_size padding_size",
    "dilation": "dilation_rate",
}
SIDES = {
    "kernel_size": "pool_h,pool_w filter_h,filter_w kernel_h,kernel_w kh,kw pool_height,pool_width "
    "filter_height,filter_width kernel_height,kernel_width k_h,k_w f_h,f_w KH,KW nb_row,nb_col "
    "rows,cols fh,fw",
    "stride": "stride_h,stride_w stride_height,stride_width",
    "padding": "pad_h,pad_w padding_h,padding_w",
}
"""What classes by hand call them, whole and by side."""


@dataclass(frozen=True)
class Windows:
    """Windows of `kernel` cells along one axis.

    The number of them is that of torch.nn.Conv2d and torch.nn.MaxPool2d:
    `(size + before + after - dilation * (kernel - 1) - 1) // stride + 1`. With
    `ceil_mode` the division rounds up, and a window that would start behind the input
    is left out: the last one starts inside the input or in the padding before it, and
    may reach over the edge behind it.
    """

    axis: str
    kernel: int
    stride: int
    padding: tuple[int, int]
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def extent(self) -> int:
        """Cells from the first tap to the last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def over_the_edge(self) -> int:
        """Cells of the last window that may lie behind the padded input."""
        return self.stride - 1 if self.ceil_mode else 0

    def room(self, size: int) -> int:
        """Return how far a window can move over `size` cells; below 0 where it does not fit."""
        return size + sum(self.padding) - self.extent + self.over_the_edge

    def count(self, size: int | None) -> int | None:
        """Return how many windows fit; None where none does, or the size is not known."""
        if size is None or self.room(size) < 0:
            return None
        windows = self.room(size) // self.stride + 1
        return windows - 1 if self._starts_behind(windows, size) else windows

    def arithmetic(self, size: int) -> str:
        """Write the formula with its numbers."""
        before, after = self.padding
        padding = f"{before} + {after}" if before != after else f"2*{before}"
        over = f" + {self.stride} - 1" if self.ceil_mode else ""
        windows = self.room(size) // self.stride + 1
        formula = f"({size} + {padding} - {self.extent}{over})//{self.stride} + 1 = {windows}"
        if not self._starts_behind(windows, size):
            return formula
        return f"{formula}, of which the last would start behind the input: {windows - 1}"

    def _starts_behind(self, windows: int, size: int) -> bool:
        """Tell whether the last window would start behind the input; in ceil_mode alone."""
        return self.ceil_mode and (windows - 1) * self.stride >= size + self.padding[0]


def keeping(axes: tuple[Windows, ...]) -> Iterator[int | Pair | str]:
    """Yield the padding that keeps sizes at stride 1, where there are windows."""
    if axes:
        height, width = (windows.extent - 1 for windows in axes)
        even = height % 2 == width % 2 == 0
        yield one_or_both((height // 2, width // 2)) if even else "same"


def stride_between(size: int, wanted: int) -> int | None:
    """Return the least stride of windows of one cell that makes one size of another."""
    stride = (size - 1) // wanted + 1
    return stride if Windows("", 1, stride, (0, 0)).count(size) == wanted else None


def arithmetic(axes: tuple[Windows, ...], sizes: tuple[int, ...]) -> tuple[str, ...]:
    """Write the formula of each axis with its numbers; nothing where sizes stay as they are."""
    pairs = list(zip(axes, sizes))
    changed = any(windows.count(size) != size for windows, size in pairs)
    return _arithmetic(pairs) if changed else ()


def misfits(axes: tuple[Windows, ...], sizes: tuple[int | None, ...]) -> Iterator[ShapeError]:
    """Say where windows are larger than the padded input, for all axes at once."""
    wrong = [
        (windows, size)
        for windows, size in zip(axes, sizes)
        if size is not None and windows.room(size) < 0
    ]
    if not wrong:
        return
    windows = wrong[0][0]
    cells = f"{windows.extent}"
    if windows.dilation > 1:
        cells = f"{windows.dilation}*({windows.kernel} - 1) + 1 = {windows.extent} cells"
    yield ShapeError(
        "kernel-too-large",
        f"the kernel's {windows.axis} ({cells}) is larger than the padded input",
        option="kernel_size",
        notes=_arithmetic(wrong),
        ways=[*_ways_out(axes, wrong)],
    )


def _arithmetic(wrong: list[tuple[Windows, int]]) -> tuple[str, ...]:
    lines = [at.arithmetic(size) for at, size in wrong]
    if len(set(lines)) < len(lines):
        return (f"output height and width: {lines[0]}",)
    return tuple(f"output {at.axis}: {line}" for (at, _), line in zip(wrong, lines))


def _ways_out(
    axes: tuple[Windows, ...], wrong: list[tuple[Windows, int]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    largest = min((at.room(size) + at.extent - 1) // at.dilation + 1 for at, size in wrong)
    needed = max((at.extent - at.over_the_edge - size + 1) // 2 for at, size in wrong)
    kernel = tuple(min(at.kernel, largest) for at in axes)
    yield f"a kernel of at most {largest} fits", {"kernel_size": kernel}
    padding = tuple(max(at.padding[0], needed) for at in axes)
    yield f"a padding of at least {needed}", {"padding": padding}
