"""Writing down what somebody's code does, while it runs: stages, errors, arrays."""

from __future__ import annotations

import contextlib
import faulthandler
import linecache
import re
import signal
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from cnnspec.backends.plain import HintError, PlainClassError, UnsupportedSettingError
from cnnspec.backends.raised import PACKAGE, message_of
from cnnspec.compare.check.process.frames import MOST, Sender
from cnnspec.compare.check.process.notebook import SUFFIX, cells_of
from cnnspec.compare.check.process.results import LOAD
from cnnspec.compare.check.process.way_out import way_out
from cnnspec.trace import Array

WHERE = signal.SIGUSR1 if hasattr(signal, "SIGUSR1") else None
"""Asks a process to write down at which lines it is."""

_asarray = np.asarray  # somebody's code may put another function there

OF_THE_CALLED = re.compile(r"\(\) (takes|missing|got) |^Can't instantiate ")
"""What a call says whose arguments do not fit what is called."""

SHOWN = 3
"""Lines of the user's own that are shown, the innermost first."""


class Reporter:
    """Tells results as they come, each at once: a crash loses nothing that was done before."""

    def __init__(self, sender: Sender, trace: int, file: str) -> None:
        """`trace` is the descriptor to which is written where the process is."""
        self._sender, self._file = sender, file
        self._at = {"key": LOAD, "stage": LOAD}
        faulthandler.enable(trace, all_threads=False)
        if WHERE is not None:
            faulthandler.register(WHERE, trace, all_threads=False)

    def say(self, **result: Any) -> None:
        """Tell a line."""
        self._sender.line(result)

    def arrays(self, key: str, stage: str, arrays: dict[str, Any]) -> None:
        """Tell the arrays that a stage gave; of what holds no numbers, say what it is."""
        kept: dict[str, Array] = {}
        for name, array in arrays.items():
            try:
                unfit = _unfit(array, MOST - sum(each.nbytes for each in kept.values()))
                if not unfit:
                    kept[name] = _asarray(array)
            except BaseException as error:  # `__array__` is somebody's code, too
                unfit = f"no array: {in_words(error, self._file)}"
            if unfit:
                self.say(key=key, stage=stage, name=name, unfit=unfit)
        self._sender.line({"key": key, "stage": stage}, kept)

    def failed(self, error: BaseException) -> None:
        """Tell what was raised after a stage, where what came of it was read."""
        self._stop(error, **self._at)

    def attempt(self, key: str, stage: str, run: Callable[[], Any]) -> Any:
        """Run a stage; what it raises is said, with the lines of the user's own files.

        That it begins is said before, so that it is known where a process hung or died.
        """
        self._at = {"key": key, "stage": stage}
        self.say(key=key, stage=stage, event="begin")
        try:
            result = run()
        except UnsupportedSettingError as error:
            self.say(key=key, stage=stage, event="stop", unsupported=str(error))
        except HintError as error:
            self.say(key=key, stage=stage, event="stop", hint=str(error), error=str(error))
        except ModuleNotFoundError as error:  # what is not installed is no fault of a layer
            words = in_words(error, self._file)
            hint = {} if stage == LOAD else {"hint": words}
            self.say(key=key, stage=stage, event="stop", error=words, **hint)
        except PlainClassError as error:
            self.say(key=key, stage=stage, event="stop", error=str(error))
        except BaseException as error:  # somebody's code raises whatever it likes
            self._stop(error, key, stage)
        else:
            self.say(key=key, stage=stage, event="end")
            return result
        return None

    def _stop(self, error: BaseException, key: str, stage: str) -> None:
        """Tell what was raised: a fault of somebody's code, or no verdict where it is our own."""
        words, hint = in_words(error, self._file), {}
        if stage != LOAD and is_our_own(error):
            words = f"an error of cnnspec's own, not of the code: {words}"
            hint = {"hint": words}
        self.say(key=key, stage=stage, event="stop", error=words, **hint)


def is_our_own(error: BaseException) -> bool:
    """Tell an error that was raised where no line of somebody's code ran.

    A call that does not fit what is called raises in the line that calls: that is no such error.
    """
    if not isinstance(error, Exception) or isinstance(error, MemoryError):
        return False
    if isinstance(error, TypeError) and OF_THE_CALLED.search(str(error)):
        return False
    frames = traceback.extract_tb(error.__traceback__)
    return all(Path(frame.filename).is_relative_to(PACKAGE) for frame in frames)


def in_words(error: BaseException, file: str) -> str:
    """Say what was raised, and where in the files of the user's own folder."""
    text = message_of(error)[:500]
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, SystemExit):
        said = f"calls sys.exit({'' if error.code is None else repr(error.code)})"
    said += way_out(error, file)
    frames = traceback.extract_tb(error.__traceback__)
    return said + where(file, ((f.filename, f.lineno or 0) for f in reversed(frames)))


def where(file: str, places: Iterable[tuple[str, int]]) -> str:
    """Say at which lines of the user's own files, the innermost first."""
    folder = Path(file).parent
    own = [
        f"{_short(path, file)}line {line}{_code(linecache.getline(path, line).strip())}"
        for path, line in places
        if path == file or Path(path).parent == folder
    ]
    return f" ({' <- '.join(own[:SHOWN])})" if own else ""


def _code(line: str) -> str:
    """Return what stands in a line; nothing where it raises what is told anyway."""
    return "" if line.startswith("raise ") else f": {line}"


def _short(path: str, file: str) -> str:
    """Return what says of a place where it is: nothing, a file beside it, or a cell."""
    if path == file:
        return ""
    return f"{path.removeprefix(f'{file}, ') if path.startswith(file) else Path(path).name}, "


def stopped_at(trace: str, file: str) -> str:
    """Say where a process was when it was stopped, or died, as far as it could write that."""
    if file.endswith(SUFFIX):
        with contextlib.suppress(PlainClassError):
            cells_of(Path(file))  # for their lines
    found = re.findall(r'^  File "(.*)", line (\d+)', trace, flags=re.MULTILINE)
    return where(file, ((path, int(line)) for path, line in found))


def _unfit(array: Any, most: int) -> str:
    """Say why something is no array of real numbers; nothing where it is one."""
    if array is None:
        return "None: is a `return` missing?"
    try:
        found = _asarray(array)
    except ValueError:
        return "lists of different lengths, wanted an array"
    if found.dtype.kind in "SUO" and found.ndim == 0 and not isinstance(array, np.ndarray):
        return f"{type(array).__name__}, wanted numbers"
    if found.dtype.kind not in "fiub":
        return f"an array of dtype {found.dtype}, wanted real numbers"
    if found.nbytes > most:
        return f"an array of shape {found.shape}: more than {MOST // 2**20} MiB in a pass"
    return ""
