"""Sliding windows: the one place where their output size is computed."""

from __future__ import annotations

from cnnspec.errors import ShapeError


def window_output(
    size: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    dilation: int = 1,
    ceil_mode: bool = False,
    axis: str,
) -> int:
    """Return how many windows fit along one axis of `size` cells.

    The formula is that of torch.nn.Conv2d and torch.nn.MaxPool2d:
    `(size + before + after - dilation * (kernel - 1) - 1) // stride + 1`. With
    `ceil_mode` the division rounds up, but no window starts beyond the input and
    its padding before.

    Raises:
        ShapeError: the kernel is larger than the padded input.
    """
    before, after = padding
    extent = dilation * (kernel - 1) + 1
    room = size + before + after - extent
    if room < 0:
        shown = f"{before} + {after}" if before != after else f"2*{before}"
        spread = f"{dilation}*({kernel} - 1) + 1 = {extent} cells" if dilation > 1 else f"{kernel}"
        raise ShapeError(
            f"the kernel's {axis} ({spread}) is larger than the padded input: "
            f"({size} + {shown} - {extent})//{stride} + 1 = {room // stride + 1}",
            option="kernel_size",
            help=_way_out(size, kernel, extent, dilation, before + after),
        )
    if not ceil_mode:
        return room // stride + 1
    windows = -(-room // stride) + 1
    return windows - 1 if (windows - 1) * stride >= size + before else windows


def _way_out(size: int, kernel: int, extent: int, dilation: int, padding: int) -> str:
    largest = (size + padding - 1) // dilation + 1
    needed = (extent - size + 1) // 2
    return f"a kernel of at most {largest} fits, or a padding of at least {needed}"
