"""Running somebody's code: in a process of its own, with limits, again after a crash."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cnnspec.compare.check.process.forks import Forked, start
from cnnspec.compare.check.process.reporter import LINES, TRACE, WHERE, stopped_at
from cnnspec.compare.check.process.results import LOAD, Results
from cnnspec.compare.check.process.way_out import MAIN

START = 60.0
"""Seconds that the process may take before it comes to the user's code."""

LOOK = 0.02
"""Seconds between two looks at what a process has written."""

ANSWER = 0.5
"""Seconds for a process that is stopped to write down where it is, and for its last output."""


def run_child(
    folder: Path, request: Mapping[str, Any], limit: float, on_setting: Callable[[str], None]
) -> Results:
    """Let a child process try every setting of a request, each within `limit` seconds.

    `on_setting` is called with the key of each that begins. The file itself has a limit of its
    own, which the request names.

    After a crash, or where the time is over, a new process goes on with the next setting; if
    that was in a backward pass, first with the forward passes of the same.
    """
    results = Results(folder)
    left = list(request["settings"])
    while left:
        (folder / "request.json").write_text(json.dumps({**request, "settings": left}), "utf-8")
        ended, lines = _run_once(folder, (request["import_limit"], limit), results, on_setting)
        results.lines.extend(lines)
        begun = {line["key"] for line in lines if line.get("event") == "start"}
        done = {line["key"] for line in lines if line.get("event") == "done"}
        if results.load_error():
            break
        if len(done) < len(left):
            ended += stopped_at(folder, request["file"])
            results.lines.append(_unfinished(lines, begun - done, ended))
            if not results.succeeded(LOAD, LOAD):
                break
        whole = {setting["key"] for setting in left if "forward_only" not in setting}
        in_backward = results.lines[-1].get("stage") == "backward"
        again = (begun - done) & whole if in_backward else set()
        left = [
            {**setting, "forward_only": True} if setting["key"] in again else setting
            for setting in left
            if setting["key"] not in begun - again
        ]
    return results


def _unfinished(lines: list[dict[str, Any]], current: set[str], ended: str) -> dict[str, Any]:
    """Say of the stage that was begun and not ended how the process ended in it."""
    staged = [line for line in lines if "event" in line and "stage" in line]
    if staged and staged[-1]["event"] == "begin":
        return {"key": staged[-1]["key"], "stage": staged[-1]["stage"], "error": ended}
    key = next(iter(current), LOAD)  # between two stages: a thread of somebody's
    return {"key": key, "stage": LOAD if key == LOAD else "construct", "error": ended}


def _run_once(
    folder: Path,
    limits: tuple[float, float],
    results: Results,
    on_setting: Callable[[str], None],
) -> tuple[str, list[dict[str, Any]]]:
    """Run a process to its end; return how it ended, and what it wrote."""
    lines = folder / LINES
    lines.write_text("")
    reader, writer = os.pipe()
    try:
        process = start(folder, writer)
    finally:
        os.close(writer)
    results.printed.drain(reader)
    try:
        late = _wait(process, lines, limits, on_setting)
        if late and WHERE is not None:
            process.send_signal(WHERE)
            _wait_for_answer(process, folder / TRACE)
    finally:
        # The whole group: what somebody's code started must not outlive it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    results.printed.finish(ANSWER)
    return _how(code, late), _read_lines(lines)


def _wait_for_answer(process: Forked | subprocess.Popen[bytes], trace: Path) -> None:
    """Wait until a process has written where it is, or has ended."""
    looks = [0]
    for _ in range(round(ANSWER / LOOK)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK)
            return
        looks.append(trace.stat().st_size)
        if looks[-1] and looks[-4:] == looks[-1:] * 4:  # nothing came any more
            return


def _how(code: int, late: str) -> str:
    if late:
        return late
    if code < 0:
        return f"the process died: {signal.Signals(-code).name}"
    return f"the process ended with code {code}"


def _read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines that are whole."""
    whole = path.read_text("utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in whole if line.endswith("\n")]


def _wait(
    process: Forked | subprocess.Popen[bytes],
    lines: Path,
    limits: tuple[float, float],
    on_setting: Callable[[str], None],
) -> str:
    """Wait for a process; say so where it takes too long to load the file, or for one setting.

    Until its first line, it loads what is ours.
    """
    loading, trying = limits
    seen, steps, since = 0, 0, time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK)
            return ""
        if lines.stat().st_size != seen:
            seen = lines.stat().st_size
            told = [line for line in _read_lines(lines) if "event" in line and "stage" not in line]
            if len(told) != steps or steps == 0:
                steps, since = len(told), time.monotonic()
                for line in told[-1:]:
                    on_setting(line["key"])
        limit = trying if steps else loading if seen else START
        if time.monotonic() - since > limit:
            return f"does not end within {limit:g} s" + ("" if steps else f": {MAIN}")
