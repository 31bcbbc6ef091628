"""Calling `forward` and `backward` of an instance, in the ways in which people write them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from cnnspec.backends.plain.arrays import as_array_or_none, find_or_none
from cnnspec.backends.plain.errors import PlainClassError
from cnnspec.backends.plain.names import (
    CACHES,
    INPUTS,
    LEARNING_RATES,
    METHODS,
    TRAINING,
    ZERO_GRADIENTS,
)
from cnnspec.backends.plain.structure import missing_method
from cnnspec.trace import Array


class Calls:
    """The two passes of an instance; arrays are laid out as its class likes."""

    def __init__(self, instance: Any, names: Mapping[str, str]) -> None:
        self._instance, self._names = instance, names
        self._cache: tuple[Any, ...] = ()
        self._x: Any = None
        self.notes: dict[str, None] = {}
        """What was taken for granted, in words; a set in order."""

    def forward(self, x: Array, training: bool) -> Array:
        """Return the output; what else comes back with it is kept for `backward`."""
        run = self._method("forward")
        mode = {word: training for word in parameters_of(run) if word in TRAINING}
        returned = run(x, **mode)
        self._x, self._cache = x, ()
        if isinstance(returned, tuple) and returned:
            returned, *cache = returned
            self._cache = tuple(cache)
        if returned is None and (place := find_or_none(self._instance, "output", self._names)):
            self.notes[f"`forward` returns nothing; its output is taken from `{place.key}`"] = None
            returned = place.get()
        return self.array(returned, "forward")

    def backward(self, grad_output: Array, rate: float, defaults_too: bool) -> Any:
        """Return whatever comes back; `rate` is given where a learning rate is wanted.

        With `defaults_too`, also where it has a default.
        """
        for word in ZERO_GRADIENTS:
            method = getattr(self._instance, word, None)
            if callable(method):
                method()
                break
        run = self._method("backward")
        given = self._beside(run, rate, defaults_too)
        place = next((word for word in parameters_of(run) if word not in given), None)
        before = [word for word in parameters_of(run) if word in given]
        if place is not None and before and list(parameters_of(run)).index(place):
            return run(**given, **{place: grad_output})  # not the first, as in backward(x, grad)
        return run(grad_output, **given)

    def rates(self) -> dict[str, bool]:
        """Return the learning rates that `backward` takes, and whether they have a default."""
        parameters = parameters_of(self._method("backward"))
        return {
            word: parameter.default is not parameter.empty
            for word, parameter in parameters.items()
            if word in LEARNING_RATES
        }

    def _beside(self, run: Callable[..., Any], rate: float, defaults_too: bool) -> dict[str, Any]:
        """Return what `backward` is given beside the upstream gradient.

        Raises:
            PlainClassError: it wants what nobody has.
        """
        given: dict[str, Any] = {
            word: rate for word, default in self.rates().items() if defaults_too or not default
        }
        parameters = parameters_of(run)
        wanted = [
            word
            for word, parameter in parameters.items()
            if parameter.default is parameter.empty and word not in LEARNING_RATES
        ]
        if len(wanted) > 1:
            given |= {word: self._x for word in wanted if word in INPUTS}
        cached = [word for word in wanted if word not in given][1:]
        cached += [word for word in CACHES if word in parameters and word not in wanted]
        if self._cache and len(cached) == len(self._cache):
            return given | dict(zip(cached, self._cache))
        if self._cache and len(cached) == 1:
            return given | {cached[0]: self._cache}
        if missing := [word for word in cached if word in wanted]:
            raise PlainClassError(
                f"`backward` of {type(self._instance).__name__} wants `{missing[0]}`, beside the "
                "upstream gradient: it is given the input as `x`, what `forward` returns after "
                "the output as `cache`, and a learning rate as `lr`; name it so or keep it in self"
            )
        return given

    def array(self, value: Any, method: str) -> Array:
        """Return what a method gave as an array.

        Raises:
            PlainClassError: it is none.
        """
        array = as_array_or_none(value)
        if array is not None:
            return array
        if value is None:
            what = "nothing: is a `return` missing?"
        elif isinstance(value, list):
            what = "a list that is no array of numbers: its rows have several lengths?"
        else:
            what = f"{type(value).__name__}, wanted an array"
        raise PlainClassError(f"`{method}` of {type(self._instance).__name__} returns {what}")

    def _method(self, name: str) -> Callable[..., Any]:
        return method_of(self._instance, name, self._names)


def method_of(
    instance: Any,
    name: str,
    names: Mapping[str, str],
    usual: Mapping[str, tuple[str, ...]] = METHODS,
) -> Callable[..., Any]:
    """Return a method under the name that the class has for it.

    Raises:
        PlainClassError: there is none.
    """
    words = (names[name],) if name in names else usual[name]
    for word in words:
        method = getattr(instance, word, None)
        if callable(method):
            found: Callable[..., Any] = method
            return found
    raise missing_method(type(instance), name, words, mapped=name in names)


def parameters_of(method: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters that have a name; none of a built-in."""
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):
        return {}
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind not in variable
    }
