"""What people build into a class for which a kind of layer has an option."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnnspec.spec.layers import Layer
from cnnspec.spec.layers.window import KERNEL
from cnnspec.spec.sizes import pair

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """A value that hangs on the other options."""

    words: str
    of: Callable[[Layer], Any]

    def __str__(self) -> str:
        return self.words


def _halves(less: int) -> Callable[[Layer], Any]:
    def half(layer: Layer) -> int | tuple[int, int]:
        height, width = ((side - less) // 2 for side in pair(getattr(layer, KERNEL)))
        return height if height == width else (height, width)

    return half


PADDINGS = (
    Rule("kernel_size // 2", _halves(0)),
    Rule("(kernel_size - 1) // 2", _halves(1)),
)
"""Those that keep the size of images where windows have an odd side, in two ways of even ones."""

USUAL: Mapping[str, Sequence[Any]] = {
    "stride": (1, 2, 3),
    "padding": (
        1,
        2,
        3,
        Rule("kernel_size // 2", _halves(0)),
        Rule("(kernel_size - 1) // 2", _halves(1)),
    ),
    "dilation": (2,),
    "ceil_mode": (True,),
    "negative_slope": (0.1, 0.2, 0.3, 0.05, 0.02, 0.001, 0.25, 0.5),
    "eps": (1e-8, 1e-7, 1e-6, 1e-4, 1e-3, 1e-9, 1e-10, 1e-12),
    "momentum": (0.01, 0.001, 0.05, 0.2),
}
"""What people build in instead of the default. None is a well-known fault: an eps of 0 is left out,
and a momentum of 0.9, which is 1 - 0.1."""


def resolved(values: Values, layer: Layer) -> dict[str, Any]:
    """Return what values are for a layer: some hang on its other options."""
    return {
        option: value.of(layer) if isinstance(value, Rule) else value
        for option, value in values.items()
    }
