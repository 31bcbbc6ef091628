"""How a class updates its own weights, and by which learning rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from cnnspec.backends.plain.calls import Calls
from cnnspec.backends.plain.methods import (
    EMPTY,
    OWN_RULE,
    is_update,
    parameters_of,
    zeroing_of,
)
from cnnspec.backends.plain.names import (
    LEARNING_RATES,
    METHODS,
    UPDATES,
    options_of,
    words_for,
)
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.trace import Array

RATE = 2.0**33
"""A step is taken as large as this, so that no gradient drowns in the rounding of its weight. It
is a power of two, by which dividing is exact."""

GROWS = 0.1
"""How much of the growth of a rate a step must show, to be one of that rate."""


class Updates:
    """The ways in which an instance may change its own weights."""

    def __init__(self, instance: Any, calls: Calls, layer: SpecLayer) -> None:
        self._instance, self._calls = instance, calls
        kind = type(layer)
        self._of_layer = {word for o in options_of(kind) for word in words_for(o, kind)}
        self._owed, self._has_run = True, False

    def attributes(self) -> tuple[str, ...]:
        """Return the attributes that are learning rates."""
        held = ((word, getattr(self._instance, word, None)) for word in LEARNING_RATES)
        return tuple(
            word for word, value in held if isinstance(value, int | float | np.number) and value > 0
        )

    @contextmanager
    def at(self, attributes: tuple[str, ...], rate: float = RATE) -> Iterator[None]:
        """Let attributes be this rate for a while."""
        was = {word: getattr(self._instance, word) for word in attributes}
        try:
            for word in attributes:
                setattr(self._instance, word, rate)
            yield
        finally:
            for word, value in was.items():
                setattr(self._instance, word, value)

    def method(self) -> Callable[..., Any] | None:
        """Return the method that updates by a rate that it is given, or that the instance has."""
        for word in (*METHODS["backward"], *UPDATES):
            method = getattr(self._instance, word, None)
            if not callable(method) or not (word in UPDATES or is_update(method)):
                continue
            required = [
                name for name, each in parameters_of(method).items() if each.default is EMPTY
            ]
            rates = LEARNING_RATES if parameters_of(method).keys() & {*LEARNING_RATES} else ()
            if {*rates}.issuperset(required) and (rates or self.attributes()):
                found: Callable[..., Any] = method
                return found
        return None

    def update(self, rate: float) -> bool:
        """Call that method; return whether it came to its end."""
        method = self.method()
        if method is None:
            return False
        given = {word: rate for word in parameters_of(method) if word in LEARNING_RATES}
        with suppress(Exception), self.at(() if given else self.attributes(), rate):
            method(**given)
            return True
        return False

    def owe(self) -> None:
        """Remember that a backward pass has run: a class may add gradients up over passes."""
        self._owed, self._has_run = True, True

    def settle(self) -> None:
        """Let gradients that add up begin anew; the weights are whoever's who calls this."""
        if self._owed:
            self._owed = False
            if not self._zero() and self._has_run:
                self.update(0.0)

    def begin(self) -> None:
        """Let them begin anew before a backward pass that is not the first since the forward."""
        if self._owed:
            self._zero()

    def _zero(self) -> bool:
        """Set gradients to zero, if a method does so."""
        method = zeroing_of(self._instance)
        if method is not None:
            with suppress(Exception):  # what goes wrong shows in the gradients
                method()
        return method is not None

    def own_rule(self) -> str:
        """Return the name of what makes the update another one than rate times gradient."""
        held = dict(getattr(self._instance, "__dict__", {}))
        backward = parameters_of(self._calls.backward_method())
        held |= {word: each.default for word, each in backward.items()}
        return next(
            (
                word
                for word, value in held.items()
                if OWN_RULE.search(word) and word not in self._of_layer and _counts(value)
            ),
            "",
        )


def _counts(value: Any) -> bool:
    if value is None or value is inspect.Parameter.empty or callable(value):
        return False
    if isinstance(value, int | float | np.number):
        return bool(value)
    return True


def steps(before: Mapping[str, Array], after: Mapping[str, Array]) -> dict[str, Array]:
    """Return the gradients that steps at the rate show."""
    return {name: (was - after[name]) / RATE for name, was in before.items()}


def agree(one: Array, other: Array) -> bool:
    """Tell whether two gradients are one, up to the rounding of a step."""
    if one.shape != other.shape:
        return False
    scale = np.max(np.abs(other), initial=0.0)
    return bool(np.all(np.abs(one - other) <= 1e-6 * scale))
