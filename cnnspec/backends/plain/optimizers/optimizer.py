"""PlainOptimizer: an optimizer as somebody wrote it, over weights by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import numpy as np

from cnnspec.backends.plain.errors import (
    HintError,
    NoWayError,
    UnsupportedSettingError,
)
from cnnspec.backends.plain.methods import parameters_of
from cnnspec.backends.plain.optimizers.caller import Caller, Subject
from cnnspec.backends.plain.optimizers.holders import Arrays, Holder
from cnnspec.backends.plain.optimizers.ways import ONE_BY_ONE, ways_for
from cnnspec.backends.raised import message_of
from cnnspec.spec.optimizers import Optimizer
from cnnspec.trace import Array

SHOWN = 3
"""Ways that were tried, and are told of."""

UNFINISHED = (NotImplementedError, NameError)
"""What code raises on its own, however it is called."""


class PlainOptimizer:
    """A class or a function that updates weights, called as it wants to be called.

    How it wants its weights is found on an example: the first way in which it raises nothing and
    some weight changes. Where it takes one array, or one layer, at a time, each has an instance of
    its own.
    """

    def __init__(
        self,
        code: Callable[..., Any],
        options: Optimizer,
        names: Mapping[str, str],
        arguments: Mapping[str, Any],
        start: Mapping[str, Array],
    ) -> None:
        """Find out how to call it, and make it, over copies of the weights.

        Raises:
            HintError: more must be said of it.
            UnsupportedSettingError: its constructor raises, whatever it is given.
            NoWayError: it raises in every way, which may be due to how it is called.
            Exception: it raises this in every way, which is not due to that.
        """
        self._subject = Subject(code, options, names, arguments)
        self._way = self._found(start)
        self._callers = self._made(self._way, start)

    def another(self, start: Mapping[str, Array]) -> PlainOptimizer:
        """Return one that is made anew, over other weights, and called alike."""
        other = copy(self)
        other._callers = self._made(self._way, start)
        return other

    def step(self, gradients: Mapping[str, Array], step: int) -> None:
        """Take a step; `step` counts from 1."""
        for caller in self._callers:
            caller.step({name: gradients[name] for name in caller.holder.names}, step)

    def weights(self) -> Arrays:
        """Return the weights as they are now."""
        return {name: array for caller in self._callers for name, array in caller.weights().items()}

    @property
    def in_words(self) -> str:
        """Say how it takes its weights."""
        words = self._way.in_words
        has_several = self._way in ONE_BY_ONE and isinstance(self._subject.code, type)
        return f"{words}, each with an object of its own" if has_several else words

    @property
    def offered(self) -> set[str]:
        """Return the options that it takes."""
        return set[str]().union(*(caller.offered for caller in self._callers))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return what it takes besides, of which nobody knows what it does."""
        return self._callers[0].unknown

    def _made(self, way: type[Holder], start: Mapping[str, Array]) -> list[Caller]:
        at_a_time = ONE_BY_ONE.get(way, len(start))
        names = [*start]
        groups = [names[at : at + at_a_time] for at in range(0, len(names), at_a_time)]
        return [
            Caller(self._subject, way({name: start[name] for name in group})) for group in groups
        ]

    def _found(self, start: Mapping[str, Array]) -> type[Holder]:
        """Return a way in which it works."""
        random = np.random.default_rng(0)
        steps = [{name: random.normal(size=w.shape) for name, w in start.items()} for _ in range(2)]
        still: type[Holder] | None = None
        raised: dict[str, None] = {}
        own: list[BaseException] = []
        refusals: list[str] = []
        ways = self._ways()
        for way in ways:
            callers: list[Caller] = []
            try:
                callers = self._made(way, start)
                for number, gradients in enumerate(steps, 1):
                    for caller in callers:
                        caller.step({name: gradients[name] for name in caller.holder.names}, number)
                after = {name: a for caller in callers for name, a in caller.weights().items()}
            except HintError:
                raise
            except (Exception, SystemExit) as error:  # somebody's code raises whatever it likes
                told = f"{type(error).__name__}: {message_of(error)[:100]}"
                raised[f"with {way.in_words}, {told}"] = None
                own += [error] if callers else []
                refusals += [] if callers else [told]
                continue
            if any(after[name].shape != w.shape for name, w in start.items()):
                continue
            if any(not np.array_equal(after[name], w) for name, w in start.items()):
                return way
            still = still or way
        if still is not None:
            return still
        if not ways:
            raise HintError("it takes neither weights nor gradients that could be told")
        if len(refusals) == len(ways):
            raise UnsupportedSettingError(f"its constructor raises {refusals[0]}")
        if own and all(isinstance(error, UNFINISHED) for error in own):
            raise own[0]
        told = "; ".join([*raised][:SHOWN])
        raise NoWayError(f"no way is known in which it takes weights and gradients: {told}")

    def _ways(self) -> list[type[Holder]]:
        """Return the forms that have something for all that is taken, the likeliest first."""
        roles: set[str] = set()
        for run, makes in self._subject.signatures():
            roles |= self._subject.roles(run, makes=makes).containers
        return ways_for(frozenset(roles), frozenset(parameters_of(run)))
