"""Ctrl-C: what it stops, what it waits for, and what is said of what is kept.

Python raises KeyboardInterrupt between any two instructions. Within an import that is not
safe: libraries written in C++ abort, others swallow it, half a module stays behind. There is
nothing to tidy up there, so there the process ends at once.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from cnnspec.printable import printable

PATIENCE = 3.0
"""Seconds in which further signals do not disturb what is tidied up after the first."""

SOON = 0.01
"""Seconds until what was swallowed is raised again."""

TIDY = "\r\x1b[2K\x1b[?25h"
"""Clears the line of a terminal that a progress bar was drawn on, and shows the cursor again."""

_since: float | None = None
_held = 0
_kept: Callable[[], str] | None = None


def watch() -> None:
    """Take care of Ctrl-C from here on, unless the caller has it ignored (as `nohup` and `&`)."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        sys.unraisablehook = _unraisable
        signal.signal(signal.SIGINT, _interrupt)


def ignore() -> None:
    """Ignore Ctrl-C: all is done, and Python is about to leave."""
    if signal.getsignal(signal.SIGINT) is _interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def asked() -> bool:
    """Tell whether Ctrl-C was pressed."""
    return _since is not None


@contextmanager
def held() -> Iterator[None]:
    """Let Ctrl-C wait until the end of a block: what is written there belongs together."""
    global _held
    _held += 1
    try:
        yield
    finally:
        _held -= 1
    if asked() and not _held:
        raise KeyboardInterrupt


def keeps(kept: Callable[[], str] | None) -> None:
    """Have `kept` say what a command that ends early leaves, as in `nothing is kept`."""
    global _kept
    _kept = kept


def kept() -> str:
    """Say what is kept, behind a semicolon; nothing where there is nothing to say."""
    return f"; {printable(_kept())}" if _kept else ""


def tell() -> None:
    """Say on stderr that the command was interrupted, and what is kept."""
    with suppress(Exception):  # a library may have replaced them
        sys.stdout.flush()
        print(_words(), end="", file=sys.stderr, flush=True)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    global _since
    now = time.monotonic()
    if _since is not None and now - _since < PATIENCE:
        return
    again, _since = asked(), now
    if again or (_importing(frame) and not _held):
        _leave(128 + signum)
    if not _held:
        raise KeyboardInterrupt


def _leave(code: int) -> None:
    """End the process at once, past any bar that would be drawn again below the last line."""
    with suppress(Exception):
        sys.stdout.flush()
        os.write(2, _words().encode())
    os._exit(code)


def _words() -> str:
    return f"{TIDY if os.isatty(2) else ''}cnnspec: interrupted{kept()}\n"


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """Raise again, in code that can be left, what Python would report and swallow."""
    if what.exc_type is KeyboardInterrupt:
        _thread.start_new_thread(_interrupt_soon, ())
    else:
        sys.__unraisablehook__(what)


def _interrupt_soon() -> None:
    """Interrupt the main thread once it has left the code in which nothing can be raised."""
    global _since
    time.sleep(SOON)
    _since = None
    _thread.interrupt_main()
