"""Running somebody's code: in a process of its own, with limits, again after a crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnnspec.trace import Array

MEMORY = 4 * 2**30
"""Bytes of address space that the process may take."""

START = 60.0
"""Seconds that the process may take before it comes to the user's code."""

OUTPUT = 2_000
"""Characters of what it printed that are kept."""


@dataclass
class Results:
    """What the process said, and the folder with its arrays."""

    folder: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    output: str = ""

    def errors(self, key: str) -> dict[str, str]:
        """Return what went wrong with a key, by stage."""
        return {
            line["stage"]: line["error"]
            for line in self.lines
            if line["key"] == key and "error" in line
        }

    def unsupported(self, key: str) -> str | None:
        """Return why a setting cannot be expressed, if it cannot."""
        found = (
            line["unsupported"]
            for line in self.lines
            if line["key"] == key and "unsupported" in line
        )
        return next(found, None)

    def notes(self, key: str) -> list[str]:
        """Return what was taken for granted about a class."""
        return [line["note"] for line in self.lines if line["key"] == key and "note" in line]

    def hint(self) -> str | None:
        """Return what the user must say about the class, if anything."""
        return next((line["hint"] for line in self.lines if "hint" in line), None)

    def arrays(self, key: str) -> dict[str, Array]:
        """Return the arrays of a key; none where it did not come so far."""
        try:
            with np.load(self.folder / f"{key}.npz", allow_pickle=False) as file:
                return dict(file)
        except (OSError, ValueError):
            return {}


def run_child(folder: Path, request: Mapping[str, Any], limit: float) -> Results:
    """Let a child process try every setting of a request, each within `limit` seconds.

    After a crash, or where the time is over, a new process goes on with the next setting.
    """
    results = Results(folder)
    left = list(request["settings"])
    while True:
        (folder / "request.json").write_text(json.dumps({**request, "settings": left}), "utf-8")
        ended = _run_once(folder, limit, results)
        started = [line["key"] for line in results.lines if line.get("stage") == "start"]
        loaded = any(line["key"] == "load" and line["stage"] == "done" for line in results.lines)
        if ended is None:
            return results
        if not loaded:
            results.lines.append({"key": "load", "stage": "load", "error": ended})
            return results
        current = started[-1]
        results.lines.append({"key": current, "stage": "construct", "error": ended})
        keys = [setting["key"] for setting in left]
        left = left[keys.index(current) + 1 :]
        if not left:
            return results


def _run_once(folder: Path, limit: float, results: Results) -> str | None:
    """Run a process to its end; return how it ended where that was before its time."""
    log = folder / "output.txt"
    lines = folder / "results.jsonl"
    lines.write_text("")
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1")
    with log.open("ab") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "cnnspec.compare.check.child", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
            preexec_fn=_limit_memory if sys.platform == "linux" else None,
        )
    try:
        late = _wait(process, lines, limit)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    read = [json.loads(line) for line in lines.read_text("utf-8").splitlines() if line]
    results.lines.extend(read)
    text = log.read_bytes()[-OUTPUT:].decode("utf-8", "replace")
    results.output = text
    if late:
        return f"does not end within {limit:g} s"
    if process.returncode == 0 and _complete(folder, read):
        return None
    if process.returncode < 0:
        return f"the process died: {signal.Signals(-process.returncode).name}"
    return f"the process ended with code {process.returncode}"


def _complete(folder: Path, lines: list[dict[str, Any]]) -> bool:
    """Tell whether a process came to the end of what it was asked for."""
    if any(line["key"] == "load" and "error" in line for line in lines):
        return True
    wanted = {
        setting["key"] for setting in json.loads((folder / "request.json").read_text())["settings"]
    }
    return wanted <= {line["key"] for line in lines if line.get("stage") == "done"}


def _wait(process: subprocess.Popen[bytes], lines: Path, limit: float) -> bool:
    """Wait for a process; return whether nothing came from it for longer than the limit.

    Until its first line, it loads what is ours.
    """
    seen, since = 0, time.monotonic()
    while process.poll() is None:
        size = lines.stat().st_size
        if size != seen:
            seen, since = size, time.monotonic()
        elif time.monotonic() - since > (limit if seen else START):
            return True
        time.sleep(0.02)
    return False


def _limit_memory() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
