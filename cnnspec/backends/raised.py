"""What somebody else's code raises, in words: what it is, whose, and where."""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from pathlib import Path

from cnnspec.errors import CnnspecError

MOST = 2_000
"""Characters of an error's own message that are told."""

PACKAGE = str(Path(__file__).parents[1])
"""Lines of code in here are not the user's."""

INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))

TOLD = "raised by the backend"
"""What the note begins with that an error of somebody else's code carries."""


def in_words(error: BaseException) -> str:
    """Return an error as its type and its message."""
    if isinstance(error, SystemExit):
        return f"it calls {called(error)}"
    text = message_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def place_of(error: BaseException) -> str:
    """Return the innermost line of somebody else's code, as in ` (own.py, line 3: 1 / 0)`.

    What it called of installed packages is passed over, unless there is nothing else.
    """
    frames = [
        frame
        for frame in reversed(traceback.extract_tb(error.__traceback__))
        if not frame.filename.startswith((PACKAGE, "<"))
    ]
    own = [frame for frame in frames if not frame.filename.startswith(INSTALLED)]
    for frame in own or frames:
        line = linecache.getline(frame.filename, frame.lineno or 0).strip()
        return f" ({frame.filename}, line {frame.lineno}{line and f': {line}'})"
    return ""


def told(error: BaseException) -> str | None:
    """Say in a line what somebody else's code raised, and where; None where it was cnnspec's."""
    for note in getattr(error, "__notes__", ()):
        if note.startswith(TOLD):
            return f"{in_words(error)}, {note}"
    return None


def cannot(error: BaseException) -> str | None:
    """Say why a network cannot do what it is asked; None where cnnspec itself is at fault.

    Somebody else's code raises, or what is asked of a network is refused on purpose, as a layer's
    input that another side has spoilt.
    """
    if told(error) or isinstance(error, CnnspecError):
        return in_words(error)
    return None


def called(stop: SystemExit) -> str:
    """Return the call that an exit comes from."""
    return f"sys.exit({'' if stop.code is None else repr(stop.code)})"


def message_of(error: BaseException) -> str:
    """Return what an error says of itself, where it can, and no more than a screen of it."""
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a __str__ is somebody's code, too
        return "(its own message cannot be made)"
    return text if len(text) <= MOST else f"{text[:MOST]}..."
