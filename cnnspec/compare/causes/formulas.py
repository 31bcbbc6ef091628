"""A computation as a table of named steps, of which a fault replaces some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Step = Callable[["Computation"], Any]
"""From what is given, and from other steps: `lambda at: at.momentum * at.old + at.g`."""

Steps = Mapping[str, Step]


class Computation:
    """What was given, and the steps from there, each taken once, when it is first asked for."""

    def __init__(self, given: Mapping[str, Any], *steps: Steps) -> None:
        """Later tables replace steps of earlier ones."""
        self._steps = {name: step for table in steps for name, step in table.items()}
        self._known = dict(given)

    def __getattr__(self, name: str) -> Any:
        """Return what was given under a name, or take the step of that name."""
        if name not in self._known:
            if name not in self._steps:
                raise AttributeError(name)
            self._known[name] = self._steps[name](self)
        return self._known[name]


@dataclass(frozen=True)
class Fault:
    """A fault that people make: which steps it replaces, and with what."""

    code: str
    sentence: str
    steps: Steps

    def beside(self, other: Fault) -> Fault:
        """Return this fault, made together with another one."""
        sentence = f"{self.sentence}; besides, {other.sentence}"
        return Fault(self.code, sentence, {**other.steps, **self.steps})
