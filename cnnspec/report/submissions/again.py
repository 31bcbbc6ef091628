"""The command that checks one class of a student again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from cnnspec.compare.check.submissions.records import GradedLayer
from cnnspec.spec.flow import show_value


def command(layer: GradedLayer, name: str) -> str:
    """Return what a student types in the folder of the file, to try a class by itself."""
    return shlex.join(["cnnspec", "check", f"{layer.file}:{name}", *_options(layer)])


def _options(layer: GradedLayer) -> Iterator[str]:
    asked = layer.exercise
    yield from ("--as", asked.kind)
    if asked.like is not None:
        yield from ("--like", show_value(asked.like).partition(": ")[2] or "{}")
    if asked.of:
        yield from ("--like", f"{{of: {asked.of}}}")
    for ours, theirs in asked.names.items():
        yield from ("--map", f"{ours}={theirs}")
    for parameter, value in asked.arguments.items():
        yield from ("--arg", f"{parameter}={json.dumps(value)}")
    if asked.layout is not None:
        yield from ("--layout", asked.layout)
    if asked.require:
        yield from ("--require", ",".join(asked.require))
    if asked.strict:
        yield "--strict"
