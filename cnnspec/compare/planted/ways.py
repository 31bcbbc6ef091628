"""Faults planted into the ways between layers, where an output has several readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from cnnspec.backends.line import Line
from cnnspec.backends.numpy import LAYERS, NumPyNetwork
from cnnspec.backends.parts import Layer
from cnnspec.compare.planted.families import WaysFamily
from cnnspec.plan import INPUT, Plan
from cnnspec.trace import Array


def read_by_several(plan: Plan) -> str | None:
    """Return the first layer whose output several layers read."""
    readers = Counter(source for at in plan.layers for source in at.inputs)
    return next((at.name for at in plan.layers if readers[at.name] > 1), None)


def reads_what_is_overwritten(plan: Plan) -> str | None:
    """Return the layer that reads an output next after one that works in place."""
    for source in (INPUT, *(at.name for at in plan.layers[:-1])):
        first, *others = [at for at in plan.layers if source in at.inputs]
        if others and LAYERS[first.kind].overwrites:
            return others[0].name
    return None


READERS = WaysFamily("readers", read_by_several)
IN_PLACE = WaysFamily("in-place", reads_what_is_overwritten)


class _LastComes(Line):
    def send(self, parts: Sequence[Array], to: Sequence[str], grads: dict[str, Array]) -> None:
        grads.update(zip(to, parts))


class _FirstComes(Line):
    def send(self, parts: Sequence[Array], to: Sequence[str], grads: dict[str, Array]) -> None:
        for source, part in zip(to, parts):
            grads.setdefault(source, part)


class _Averages(Line):
    def send(self, parts: Sequence[Array], to: Sequence[str], grads: dict[str, Array]) -> None:
        for source, part in zip(to, parts):
            grads[source] = (grads[source] + part) / 2 if source in grads else part


class _NeverCopies(Line):
    def __init__(self, plan: Plan, layers: Mapping[str, Layer]) -> None:
        super().__init__(plan, layers)
        self._stops = [stop._replace(copies=False) for stop in self._stops]


@READERS.fault("overwritten", "grad_output", "gradient-of-one-reader")
class Overwritten(NumPyNetwork):
    """The gradient of an output is that of the reader that comes last: `=` for `+=`."""

    line = _LastComes


@READERS.fault("first-kept", "grad_output", "gradient-of-one-reader")
class FirstKept(NumPyNetwork):
    """The gradient of an output is that of the reader that comes first: others are ignored."""

    line = _FirstComes


@READERS.fault("averaged", "grad_output", "whole-is-not-its-parts")
class Averaged(NumPyNetwork):
    """The gradients of all readers of an output are averaged."""

    line = _Averages


@IN_PLACE.fault("shortcut-overwritten", "output", "overwritten-by-a-reader")
class ShortcutOverwritten(NumPyNetwork):
    """A relu in place writes over what another layer reads after it, as `inplace=True` does."""

    line = _NeverCopies
