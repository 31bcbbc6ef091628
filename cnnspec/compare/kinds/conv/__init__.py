"""What the referee knows of a convolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cnnspec.compare.kinds.affine.kind import HELP as AFFINE_HELP
from cnnspec.compare.kinds.affine.kind import AffineKind
from cnnspec.compare.kinds.affine.weights import BIAS, COUNTED, WEIGHT
from cnnspec.compare.kinds.conv.kernel import KERNEL
from cnnspec.compare.kinds.conv.padding import PADDING
from cnnspec.compare.kinds.conv.windows import GEOMETRY, GROUPS, OVERLAPS
from cnnspec.compare.kinds.layer import Setting, numbers, over_windows
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Conv
from cnnspec.spec.layers.window import Windows
from cnnspec.spec.sizes import pair

IMAGES = (3, 6, 7)

HELP: dict[str, str] = AFFINE_HELP | {
    "dilation-ignored": "let the cells of the kernel lie a dilation apart",
    "dilation-off-by-one": "let taps lie side by side where the dilation is 1",
    "dilation-swapped": "let the height come before the width",
    "stride-swapped": "let the height come before the width",
    "padding-swapped": "let the height come before the width",
    "stride-is-kernel": "let the windows start at multiples of the stride",
    "padding-other-side": "pad both sides alike; where the number of cells is odd, add one more at "
    "the bottom and the right",
    "padding-mode": "pad with zeros",
    "taps-left-out": "check where the loops over the kernel end",
    "groups-ignored": "let each group read its own channels",
    "groups-order": "split the channels into as many runs as there are groups, in their order",
}


class ConvKind(AffineKind):
    """A correlation with kernels that move in windows."""

    faults = (*BIAS, *WEIGHT, *COUNTED, *KERNEL, *GEOMETRY, *PADDING, *OVERLAPS, *GROUPS)
    help = HELP
    weight_axes = ("filters", "input channels", "kernel height", "kernel width")
    settings = (
        Setting("plain", Conv(out_channels=4, kernel_size=3), IMAGES),
        Setting("one channel", Conv(out_channels=1, kernel_size=2), (1, 4, 5)),
        Setting(
            "padding 1 and stride 2",
            Conv(out_channels=2, kernel_size=3, stride=2, padding=1),
            (2, 5, 8),
        ),
        numbers("one filter, one row", Conv(out_channels=1, kernel_size=2), (3, 2, 5)),
        numbers("one channel, one column", Conv(out_channels=3, kernel_size=2), (1, 5, 2)),
        numbers("kernel of one cell", Conv(out_channels=3, kernel_size=1), (2, 3, 4)),
        numbers("one window", Conv(out_channels=3, kernel_size=3), (2, 3, 3)),
        numbers("stride 3", Conv(out_channels=2, kernel_size=4, stride=3), (2, 7, 10)),
        numbers("stride leaves cells", Conv(out_channels=2, kernel_size=2, stride=2), (2, 5, 7)),
        numbers("padding 2", Conv(out_channels=3, kernel_size=3, padding=2), (2, 4, 5)),
        numbers("no bias", Conv(out_channels=4, kernel_size=2, bias=False), (3, 4, 5)),
        numbers(
            "dilation 3 and padding 2",
            Conv(out_channels=2, kernel_size=2, dilation=3, padding=2),
            (3, 4, 5),
        ),
        numbers(
            "2 groups and stride 2",
            Conv(out_channels=6, kernel_size=2, groups=2, stride=2),
            (4, 4, 5),
        ),
        numbers("a group each", Conv(out_channels=6, kernel_size=2, groups=3), (3, 4, 5)),
        numbers("kernel 3 x 2", Conv(out_channels=4, kernel_size=(3, 2)), (2, 5, 6)),
        numbers("stride 1 x 2", Conv(out_channels=2, kernel_size=2, stride=(1, 2)), (2, 4, 7)),
        numbers("padding 1 x 0", Conv(out_channels=2, kernel_size=2, padding=(1, 0)), (2, 4, 6)),
        numbers("dilation 1 x 2", Conv(out_channels=2, kernel_size=2, dilation=(1, 2)), (2, 5, 6)),
        numbers(
            "all at once",
            Conv(
                out_channels=4,
                kernel_size=2,
                stride=3,
                padding=2,
                dilation=2,
                groups=2,
                bias=False,
            ),
            (4, 4, 6),
        ),
    )

    def windows(self, at: PlannedLayer) -> tuple[Windows, ...]:
        return _layer(at).windows()

    def sizes(self, at: PlannedLayer) -> dict[str, int]:
        sizes = super().sizes(at)
        area = {"kernel_area": math.prod(pair(_layer(at).kernel_size))}
        own = {"fan_in": math.prod(at.parameters["weight"][1:]), "groups": _layer(at).groups}
        return {"positions": sizes.pop("positions")} | area | sizes | own

    def like(self, layer: Any) -> Sequence[Setting]:
        channels = layer.in_channels or 3 * layer.groups
        return [over_windows(layer, channels, layer.windows())]


def _layer(at: PlannedLayer) -> Conv:
    assert isinstance(at.layer, Conv)
    return at.layer
