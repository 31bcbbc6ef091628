"""A formula as a table of named steps, of which some may be replaced.

    STEPS = {"root": lambda at: (at.variance + at.eps).sqrt(), "z": lambda at: at.d / at.root}
    Computation({"variance": v, "d": d, "eps": 1e-5}, STEPS).z

On arrays it gives a value, on ball numbers a value with its error bound, and with a step replaced
what somebody gets who takes that step otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Step = Callable[["Computation"], Any]
"""From what is given, and from other steps: `lambda at: at.momentum * at.old + at.g`."""

Steps = Mapping[str, Step]


Changes = tuple[tuple[str, Step], ...]
Taken = dict[Step, dict[frozenset[str], dict[Changes, Any]]]
"""What steps gave: by the step, the names of all that lead to it, and which of these are changed,
to what."""


class Computation:
    """What was given, and the steps from there, each taken once, when it is first asked for."""

    def __init__(self, given: Mapping[str, Any], *steps: Steps, taken: Taken | None = None) -> None:
        """Later tables replace steps of earlier ones.

        What was `taken` by other computations from the same numbers and the same first table is
        not taken again where all the steps that lead to it are the same: a fault leaves most of
        them as they are.
        """
        self._steps: dict[str, Step] = {}
        for table in steps:
            self._steps.update(table)
        changed = sorted({name for table in steps[1:] for name in table})
        self._changed = [(name, self._steps[name]) for name in changed]
        self._given = given
        self._known: dict[str, tuple[frozenset[str], Any]] = {}
        self._taken = {} if taken is None else taken
        self._led: list[set[str]] = [set()]

    def __getattr__(self, name: str) -> Any:
        """Return what was given under a name, or take the step of that name."""
        if name in self._given:
            return self._given[name]
        if name not in self._known:
            if name not in self._steps:
                raise AttributeError(name)
            self._known[name] = self._found(name) or self._take(name)
        led, value = self._known[name]
        self._led[-1].update(led)
        return value

    def leading_to(self, name: str) -> frozenset[str]:
        """Return the names of the steps that lead to one, itself among them."""
        getattr(self, name)
        return self._known[name][0]

    def _found(self, name: str) -> tuple[frozenset[str], Any] | None:
        """Return what another computation made of a step, if it came there by the same steps."""
        for led, values in self._taken.get(self._steps[name], {}).items():
            key = self._changes(led)
            if key in values:
                return led, values[key]
        return None

    def _changes(self, led: frozenset[str]) -> Changes:
        """Return the steps that are changed among some."""
        return tuple([each for each in self._changed if each[0] in led])

    def _take(self, name: str) -> tuple[frozenset[str], Any]:
        self._led.append({name})
        try:
            value = self._steps[name](self)
        finally:
            led = frozenset(self._led.pop())
        of_step = self._taken.setdefault(self._steps[name], {})
        of_step.setdefault(led, {})[self._changes(led)] = value
        return led, value
