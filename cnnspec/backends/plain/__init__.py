"""Plain classes with forward and backward, as people write them by hand, as layers of a network."""

from cnnspec.backends.plain.adapter import PlainLayer
from cnnspec.backends.plain.errors import HintError, PlainClassError, UnsupportedSettingError
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.layouts import LAYOUTS
from cnnspec.backends.plain.loss import PlainLoss

__all__ = [
    "LAYOUTS",
    "HintError",
    "Hints",
    "PlainClassError",
    "PlainLayer",
    "PlainLoss",
    "UnsupportedSettingError",
]
