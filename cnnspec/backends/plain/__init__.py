"""Plain classes with forward and backward, as people write them by hand, as layers of a network."""

from cnnspec.backends.plain.adapter import LAYOUTS, PlainLayer
from cnnspec.backends.plain.errors import PlainClassError, UnsupportedSettingError

__all__ = ["LAYOUTS", "PlainClassError", "PlainLayer", "UnsupportedSettingError"]
