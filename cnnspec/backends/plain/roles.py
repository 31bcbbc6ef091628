"""What the words in a parameter's name say of which size it may be."""

from __future__ import annotations

from enum import StrEnum

from cnnspec.backends.plain.alike import COUNTS, parts_of, word_set
from cnnspec.spec.layers import Layer
from cnnspec.spec.layers.window import KERNEL


class Role(StrEnum):
    """What a size is of."""

    INPUT = "input"
    OUTPUT = "output"
    KERNEL = "kernel"
    STRIDE = "stride"
    PADDING = "padding"


SHAPE = word_set("shape shapes size sizes dim dims dimensions")
"""Words for several sizes in one."""

_SIZE = SHAPE | word_set("width height side window win pool ksize length len")
_KERNELS = word_set("filters kernels units neurons nodes classes")
_KERNEL = word_set("filter kernel")
_WIDTH = word_set("channel channels chan ch depth maps map features hidden fan")
_SAYS = (
    ({"stride", "strides", "step", "steps"}, {Role.STRIDE}),
    ({"pad", "pads", "padding"}, {Role.PADDING}),
    ({"in", "input", "inputs", "inp", "prev", "previous", "incoming"}, {Role.INPUT}),
    ({"out", "output", "outputs", "outp", "next"}, {Role.OUTPUT}),
)
"""Words that say it alone."""


def roles_of(name: str, *, windows: bool) -> frozenset[Role]:
    """Return what a parameter may be by its name: all where that says nothing.

    `windows` tells whether the layer has any: without, a size is one of what comes in or out.
    """
    parts = {*parts_of(name)}
    for words, roles in _SAYS:
        if parts & words:
            return frozenset(roles)
    if parts & _SIZE and (windows or parts & _KERNEL):
        return frozenset({Role.KERNEL})
    if parts & _KERNELS or (parts & _KERNEL and parts & COUNTS):
        return frozenset({Role.OUTPUT})
    if parts & _KERNEL:
        return frozenset({Role.OUTPUT, Role.KERNEL})
    if parts & _WIDTH:
        return frozenset({Role.INPUT, Role.OUTPUT})
    return frozenset(Role)


def sizes_of(kind: type[Layer]) -> dict[str, Role]:
    """Return the options that are sizes, in the order in which people list them."""
    options = {kind.input_width: Role.INPUT, kind.width: Role.OUTPUT, KERNEL: Role.KERNEL}
    return {
        option: role
        for option, role in options.items()
        if option is not None and option in kind.model_fields
    }


def listed_options(kind: type[Layer]) -> dict[str, Role]:
    """Return the sizes, and behind them how windows move, which people list in that order, too."""
    sizes = sizes_of(kind)
    moves = {"stride": Role.STRIDE, "padding": Role.PADDING} if KERNEL in sizes else {}
    return sizes | moves
