"""The methods that a class has, and what each of them takes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from cnnspec.backends.plain.names import (
    CACHES,
    INPUTS,
    LEARNING_RATES,
    METHODS,
    NO_SURE_RATES,
    ZERO_GRADIENTS,
)
from cnnspec.backends.plain.structure import missing_method

OUTPUTS = ("output", "out", "y", "activation", "activations")
"""Parameters of `backward` that are what `forward` returned."""

OWN_RULE = re.compile(
    r"momentum|velocit|nesterov|rmsprop|adagrad|^beta_?[12]$|^rho$|decay|^reg$|^reg_|regulari"
    r"|lambda|^lambd$|^l[12]$|^l[12]_|^wd$|clip",
    re.IGNORECASE,
)
"""Names of what makes an update another one than learning rate times gradient."""

EMPTY = inspect.Parameter.empty


def zeroing_of(instance: Any) -> Callable[[], Any] | None:
    """Return the method that sets gradients to zero which add up; None where none does."""
    names = filter(ZERO_GRADIENTS.match, dir(type(instance)))
    methods = (getattr(instance, name, None) for name in names)
    return next((m for m in methods if callable(m) and positional(m) == []), None)


def is_update(method: Callable[..., Any]) -> bool:
    """Tell whether a method takes no gradient: nothing, or a learning rate alone.

    Without a default, `eta` may be the gradient.
    """
    named = positional(method)
    if not has_rate_alone(method):
        return named == []
    return named[0].default is not EMPTY or named[0].name not in NO_SURE_RATES


def has_rate_alone(method: Callable[..., Any]) -> bool:
    """Tell whether a method takes a learning rate, and nothing but what changes a step besides."""
    named = positional(method)
    beside = all(
        each.default is not EMPTY and (each.name in LEARNING_RATES or OWN_RULE.search(each.name))
        for each in named[1:]
    )
    return named != [] and named[0].name in LEARNING_RATES and beside


def positional(method: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return what a method takes but keywords; of a built-in, something."""
    try:
        every = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return [inspect.Parameter("any", inspect.Parameter.VAR_POSITIONAL)]
    return [parameter for parameter in every if parameter.kind is not parameter.VAR_KEYWORD]


def rates_of(method: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a `backward` that are learning rates.

    The first parameter is the gradient whatever it is called, unless what is no rate follows.
    """
    parameters = parameters_of(method)
    rates = {word: each for word, each in parameters.items() if word in LEARNING_RATES}
    beside = {*rates, *INPUTS, *CACHES, *OUTPUTS}
    first = next(iter(parameters), "")
    required = [word for word, each in parameters.items() if each.default is EMPTY]
    if first in rates and beside.issuperset(required):
        del rates[first]
    return rates


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
