"""What a command does without an optional package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def or_else(instead: str) -> Iterator[None]:
    """Say beside how to install what is missing what works without it.

    Raises:
        MissingExtraError: as what is done here, with `instead`.
    """
    from cnnspec.errors import MissingExtraError

    try:
        yield
    except MissingExtraError as error:
        raise MissingExtraError(error.what, error.package, error.extra, instead=instead) from None
