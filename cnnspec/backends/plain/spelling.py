"""How a constructor wants a size of windows: as one number, as a pair, or as a word."""

from __future__ import annotations

import inspect
from enum import Flag, auto
from typing import Any

from cnnspec.backends.plain.errors import UnsupportedSettingError
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import pair

WINDOWS = ("kernel_size", "stride", "padding", "dilation")


class Spelling(Flag):
    """What is not one number."""

    NUMBERS = 0
    PAIRS = auto()
    WORDS = auto()


SPELLINGS = (Spelling.NUMBERS, Spelling.PAIRS, Spelling.WORDS, Spelling.PAIRS | Spelling.WORDS)
"""In the order in which they are tried, where a class raises: what it wants is nowhere said."""


def spellings_for(layer: SpecLayer) -> tuple[Spelling, ...]:
    """Return the spellings that make a difference."""
    return SPELLINGS if layer.windows() else SPELLINGS[:1]


def spelt(
    option: str, value: Any, parameter: inspect.Parameter, spelling: Spelling, layer: SpecLayer
) -> Any:
    """Return the value of an option as a parameter wants it; its default tells more.

    Raises:
        UnsupportedSettingError: it cannot be said so.
    """
    if option not in WINDOWS or value is None:
        return value
    default = parameter.default
    if option == "padding" and (Spelling.WORDS in spelling or isinstance(default, str)):
        word = _padding_word(layer)
        return word.upper() if isinstance(default, str) and default.isupper() else word
    if Spelling.PAIRS in spelling or isinstance(default, tuple | list):
        return pair(value)
    return value


def _padding_word(layer: SpecLayer) -> str:
    windows = layer.windows()
    if all(sum(axis.padding) == 0 for axis in windows):
        return "valid"
    if all(sum(axis.padding) == axis.extent - 1 and axis.stride == 1 for axis in windows):
        return "same"
    raise UnsupportedSettingError("its padding is a word, and neither `valid` nor `same` says it")
