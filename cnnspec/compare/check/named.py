"""What the name of a class says: the value of an option that it has built in, or another kind."""

from __future__ import annotations

from typing import get_args

from cnnspec.backends.plain.alike import parts_of
from cnnspec.spec.field_words import plain
from cnnspec.spec.layers import KINDS

LEAST = 3
"""Letters of a word that is looked for within another: `maxpool` says `max`."""

ADDED = ("layer", "op", "module", "function")
"""Words behind the name of a kind that say nothing."""


def value_by_name(kind: str, option: str, name: str) -> str | None:
    """Return the value of an option that a class's name says; None where it says none.

    `AveragePooling2D` says `avg` of `kind`.
    """
    layer = KINDS[kind]
    known = layer.words.stand_for(name) or {}
    if option in known:
        return known[option]
    words = {value: value for value in get_args(layer.model_fields[option].annotation)}
    words |= layer.words.values.get(option, {})
    said = {
        value
        for word, value in words.items()
        for part in parts_of(name)
        if part == word or (len(word) >= LEAST and word in part)
    }
    return said.pop() if len(said) == 1 else None


def other_kind(kind: str, name: str) -> str | None:
    """Return the kind that a class's name says, where that is another one."""
    *parts, last = parts_of(name) or ("",)
    asked = plain("".join(parts if last in ADDED and parts else (*parts, last)))
    said = [
        word
        for word, layer in KINDS.items()
        if asked == plain(word) or layer.words.stand_for(asked) is not None
    ]
    return said[0] if said and kind not in said else None
