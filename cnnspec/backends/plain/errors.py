"""What a plain class may lack."""

from __future__ import annotations

from cnnspec.errors import BackendError


class PlainClassError(BackendError):
    """A class does not have what a layer must have, or gives what is no array."""


class UnsupportedSettingError(PlainClassError):
    """A class has no way to say an option of a layer: it is not made for it."""

    def __init__(self, message: str, lacks: str = "") -> None:
        """`lacks` is the option that it has no parameter for, where that is why."""
        super().__init__(message)
        self.lacks = lacks


class NoWayError(PlainClassError):
    """No way is known in which an optimizer takes weights and gradients."""


class HintError(PlainClassError):
    """What the user said about a class does not fit it, or more must be said."""
