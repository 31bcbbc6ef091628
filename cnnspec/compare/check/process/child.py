"""The process in which somebody's code runs: `main(FOLDER)`, started by forks.py.

The folder holds request.json and the arrays. What the code does is written to results.jsonl
stage by stage, before and after each, so that a crash or a hang has its place, and loses nothing
that was done before it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cnnspec.compare.check.process.candidate import load_layer, load_loss
from cnnspec.compare.check.process.reporter import Reporter
from cnnspec.compare.check.process.results import LOAD
from cnnspec.compare.check.trial.layer import LayerTrial
from cnnspec.compare.check.trial.loss import try_loss
from cnnspec.spec.layers import KINDS


def main(place: str) -> None:
    """Load the user's file and try every setting that is asked for; end the process."""
    folder = Path(place)
    sys.dont_write_bytecode = True  # the folder is somebody's
    request = json.loads((folder / "request.json").read_text("utf-8"))
    sys.argv = [request["file"]]
    _try_all(Reporter(folder, request["file"]), folder, request)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # somebody may have closed or replaced it
            stream.flush()
    os._exit(0)  # threads that somebody left running would keep the process alive


def _try_all(reporter: Reporter, folder: Path, request: dict[str, Any]) -> None:
    file, name, names = request["file"], request["name"], request["names"]
    kind = KINDS.get(request["kind"])
    if kind is None:
        load: Callable[[], Any] = partial(load_loss, file, name)
    else:
        load = partial(load_layer, file, name, kind, names)
    found = reporter.attempt(LOAD, LOAD, load)
    if found is None:
        return
    for setting in request["settings"]:
        reporter.say(key=setting["key"], event="start")
        if kind is None:
            try_loss(reporter, folder, found, setting, request)
        else:
            LayerTrial(reporter, folder, found, setting, request).run()
        reporter.say(key=setting["key"], event="done")
