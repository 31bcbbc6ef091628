"""Layers as other tools write them: `Conv2d(1, 8, 3)`, `{type: conv, ...}`, and the same here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from cnnspec.spec.field import answer_to, besides, same_word, synonyms_of

CALLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Conv2d": (
        "conv",
        (
            "in_channels",
            "out_channels",
            "kernel_size",
            "stride",
            "padding",
            "dilation",
            "groups",
            "bias",
        ),
    ),
    "Linear": ("linear", ("in_features", "out_features", "bias")),
    "MaxPool2d": ("pool", ("kernel_size", "stride", "padding")),
    "AvgPool2d": ("pool: avg", ("kernel_size", "stride", "padding")),
    "BatchNorm2d": ("batch_norm", ("num_features", "eps", "momentum", "affine")),
    "BatchNorm1d": ("batch_norm", ("num_features", "eps", "momentum", "affine")),
    "ReLU": ("relu", ("inplace",)),
    "Flatten": ("flatten", ()),
    "Conv2D": ("conv", ("out_channels", "kernel_size", "stride")),
    "Dense": ("linear", ("out_features",)),
    "MaxPooling2D": ("pool", ("kernel_size", "stride")),
    "AveragePooling2D": ("pool: avg", ("kernel_size", "stride")),
}
"""Modules of torch and layers of Keras, and what their arguments are in order, by our names."""

NAMES = {"filters": "out_channels", "units": "out_features", "strides": "stride"}
NAMES |= {"pool_size": "kernel_size", "use_bias": "bias", "dilation_rate": "dilation"}
INFERRED = {"in_channels", "in_features", "num_features", "inplace", "name"}
KIND_KEYS = ("type", "class_name", "kind", "class", "layer", "op", "layer_type", "module")
"""Keys by which other tools say what a layer is."""


def in_this_dialect(word: str, kinds: Iterable[str]) -> str:
    """Say how a layer that is written as a call of another tool is written here, if it is one."""
    call = re.fullmatch(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\((.*)\)", word[:200], re.DOTALL)
    if not call:
        return ""
    kind, order = CALLS.get(call[1], (_kind(call[1], kinds), ()))
    if not kind:
        return ""
    return _offer(kind, _arguments(call[2], order), besides(call[1]))


def keyed(layer: Mapping[str, Any], kinds: Iterable[str]) -> str:
    """Say how a layer whose kind is the value of a key is written here, if there is such a key."""
    kinds = list(kinds)
    for key in KIND_KEYS:
        word = layer.get(key)
        kind = _kind(word, kinds) if isinstance(word, str) else ""
        if kind:
            rest = {NAMES.get(name, name): layer[name] for name in layer if name != key}
            plain = all(map(_is_plain, rest.values()))
            return _offer(kind, rest if plain else None, besides(str(word)))
    return ""


def _offer(kind: str, options: Mapping[str, Any] | None, differs: str) -> str:
    """Offer a layer with the options that it has, and answer to the others; None: unreadable.

    What is offered is valid: else the options are left to the user.
    """
    from cnnspec.spec.layers import KINDS  # which reads these words itself

    kind, colon, variant = kind.partition(": ")
    given = ({"kind": variant} if colon else {}) | dict(options or {})
    if given.get("padding") == "valid":
        given["padding"] = 0
    own = {name: given[name] for name in given if name in KINDS[kind].model_fields}
    others = [
        f"; `{name}`: {answer_to(name, 'option') or 'there is no such option'}"
        for name in given
        if name not in own
    ]
    if options is None or differs or not _is_valid(KINDS[kind], own):
        shown = f"{kind}: {{kind: {variant}, ...}}" if colon else f"{kind}: {{...}}"
        also = f"; {differs}" if differs else ""
        return f"write the kind as the key, over its options: `{shown}`{also}"
    return f"write `{_written(kind, own)}`{''.join(others)}"


def _is_valid(layer: Any, options: Mapping[str, Any]) -> bool:
    try:
        layer.model_validate(options)
    except ValueError:
        return False
    return True


def _kind(word: str, kinds: Iterable[str]) -> str:
    kinds = list(kinds)
    same = same_word(word, kinds)
    found = (each for each in synonyms_of(word) if each.partition(":")[0] in kinds)
    other = next(found, "")
    kind, variant, _ = other.partition(": {kind: avg")
    return same or (f"{kind}: avg" if variant else other)


def _arguments(text: str, order: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the arguments of a call by our names; None where they are no plain values."""
    import ast  # for few; it would take its time at every start

    try:
        call = ast.parse(f"f({text})", mode="eval").body
        assert isinstance(call, ast.Call)
        given = [ast.literal_eval(value) for value in call.args]
        named = {key.arg: ast.literal_eval(key.value) for key in call.keywords}
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if len(given) > len(order) or None in named:
        return None
    found = dict(zip(order, given)) | {NAMES.get(str(key), str(key)): named[key] for key in named}
    return {key: value for key, value in found.items() if key not in INFERRED}


def _written(kind: str, options: Mapping[str, Any]) -> str:
    if not options:
        return kind
    return f"{kind}: {{{', '.join(f'{key}: {_value(value)}' for key, value in options.items())}}}"


def _value(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    return {True: "true", False: "false", None: "null"}[value] if _is_word(value) else str(value)


def _is_plain(value: Any) -> bool:
    """Tell whether a value can be written as it is: a number, a word, or a list of numbers."""
    if isinstance(value, list):
        return all(isinstance(item, int | float) for item in value)
    if isinstance(value, str):
        return re.fullmatch("[A-Za-z0-9_]+", value) is not None
    return _is_word(value) or isinstance(value, int | float)


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)
