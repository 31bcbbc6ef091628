"""Making an instance of a plain class from the options of a layer."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from cnnspec.backends.plain.arrays import axes_between, find
from cnnspec.backends.plain.errors import PlainClassError, UnsupportedSettingError
from cnnspec.backends.plain.names import OPTIONS
from cnnspec.spec.layers import Conv, Linear
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape

NEUTRAL = {
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
    "kind": "max",
    "ceil_mode": False,
    "eps": 1e-5,
    "momentum": 0.1,
    "affine": True,
}
"""What a class without that option does anyway."""

EXAMPLES: dict[str, tuple[SpecLayer, Shape, Shape]] = {
    "linear": (Linear(out_features=3), (2,), (3, 2)),
    "conv": (Conv(out_channels=3, kernel_size=4), (2, 5, 6), (3, 2, 4, 4)),
}
"""Layers, images and weights of ours in which every size is another."""

IMPLIED = {"in_channels", "in_features", "num_features", "input_shape"}
"""What a class need not ask for: it sees it in its input."""


def construct(
    cls: type, layer: SpecLayer, input: Shape, names: Mapping[str, str], layout: str
) -> Any:
    """Make an instance, each option under the name that the class has for it.

    Raises:
        UnsupportedSettingError: an option that matters has no parameter in the class.
        PlainClassError: the class wants what no option is.
    """
    values = dict(_values(layer, input, layout))
    taken: dict[str, Any] = {}
    parameters = _parameters(cls)
    for option, value in values.items():
        own = (names[option],) if option in names else ()
        # `bias` is the name of an array, too, and may be meant so.
        words = own if option in names and option != "bias" else (*own, *OPTIONS[option])
        word = next((word for word in words if word in parameters and word not in taken), None)
        if word is not None:
            taken[word] = value
        elif option not in IMPLIED and value != _neutral(option, values):
            raise UnsupportedSettingError(f"{cls.__name__} takes no `{option}`")
    for word, parameter in parameters.items():
        if word not in taken and parameter.default is inspect.Parameter.empty:
            raise PlainClassError(
                f"{cls.__name__} wants `{word}`, which no option of `{layer.keyword}` is called; "
                f"say which it is, as in --map out_channels={word}"
            )
    return cls(**taken)


def _values(layer: SpecLayer, input: Shape, layout: str) -> Iterator[tuple[str, Any]]:
    """Yield the options of a layer under our names, one number where both axes agree."""
    known = {name: getattr(layer, name) for name in type(layer).model_fields if name in OPTIONS}
    for implied in IMPLIED & known.keys():
        known[implied] = input[0]
    if "kernel_size" in known and known.get("stride") is None:
        known["stride"] = known["kernel_size"]
    if known.get("padding") == "same":
        known["padding"] = _symmetric(layer)
    yield from known.items()
    last = layout == "nhwc" and len(input) == 3
    yield "input_shape", (*input[1:], input[0]) if last else input


def _symmetric(layer: SpecLayer) -> Any:
    (top, bottom), (left, right) = layer.pads()  # type: ignore[attr-defined]
    if (top, left) != (bottom, right):
        raise UnsupportedSettingError("`padding: same` pads one side more, which no number says")
    return top if top == left else (top, left)


def _neutral(option: str, values: Mapping[str, Any]) -> Any:
    if option == "stride" and "kind" in values:  # windows of a pool lie side by side
        return values["kernel_size"]
    return NEUTRAL.get(option, inspect.Parameter.empty)


def _parameters(cls: type) -> dict[str, inspect.Parameter]:
    """Return the parameters of a constructor that have a name."""
    try:
        signature = inspect.signature(cls)
    except (TypeError, ValueError):
        return {}
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind not in variable
    }


def weight_axes(
    cls: type, layer: SpecLayer, own: Shape, input: Shape, names: Mapping[str, str], layout: str
) -> tuple[int, ...] | None:
    """Return how a class orders the axes of its weights; `own` is the shape that an instance has.

    It is seen on sizes that are all different, unless the class refuses those.
    """
    if layer.keyword in EXAMPLES:
        example, images, wanted = EXAMPLES[layer.keyword]
        try:
            instance = construct(cls, example, images, names, layout)
            shape = find(instance, "weight", names).get().shape
        except Exception:  # a class may be made for some sizes only
            shape = None
        if shape is not None and (axes := axes_between(wanted, shape, layout)):
            return axes
    return axes_between(layer.parameters(input)["weight"], own, layout)
