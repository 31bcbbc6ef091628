"""The function that is the backward pass of another, found by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from cnnspec.backends.plain.errors import HintError
from cnnspec.backends.plain.methods import parameters_of

Run = Callable[..., Any]

FORWARD = (
    *(("forward", "backward"), ("Forward", "Backward"), ("fwd", "bwd"), ("Fwd", "Bwd")),
    *(("fprop", "bprop"), ("forward", "back"), ("forward", "backprop"), ("fward", "bward")),
    *(("forward", "grad"), ("forward", "gradient"), ("forward_pass", "backward_pass")),
)
"""What a name has for the one, and for the other."""

AROUND = (
    *("{}_backward", "{}_back", "{}_backprop", "{}_bwd", "{}_grad", "{}_gradient", "{}_prime"),
    *("{}_derivative", "{}_deriv", "{}_der", "{}_d", "backward_{}", "back_{}", "d_{}", "d{}"),
    *("grad_{}", "gradient_{}", "deriv_{}", "derivative_{}", "{}Backward", "{}Grad", "{}Prime"),
    *("{}Derivative", "{}Deriv", "{}Gradient", "{}_dx"),
)
"""What stands around the name of the one to be that of the other."""

UPSTREAM = re.compile(r"^d[A-Z_a-z]|grad|delta|upstream|error|^eta$", re.IGNORECASE)
"""A parameter that is the gradient of the output."""

ASKED = ("derivative", "deriv", "derive", "prime", "grad", "gradient", "backward", "derivate")
"""A parameter that makes a function return its derivative."""


def backward_of(module: ModuleType, forward: Run, name: str) -> Run:
    """Return the function that is the backward pass of a function of a module.

    Raises:
        HintError: none is called so.
    """
    names = list(dict.fromkeys(_names(name)))
    functions = {
        key: value
        for key, value in vars(module).items()
        if callable(value) and value is not forward and not isinstance(value, type)
    }
    loosely = {_letters(key): value for key, value in functions.items()}
    for table, key_of in ((functions, str), (loosely, _letters)):
        if known := [key for each in names if (key := key_of(each)) in table]:
            found: Run = table[known[0]]
            return found
    asked = [word for word, each in parameters_of(forward).items() if each.default is False]
    if word := next((word for word in asked if word in ASKED), None):
        return partial(forward, **{word: True})
    raise HintError(
        f"`{name}` is a function, and none for its backward pass is found, such as "
        f"`{names[0]}`; say which it is: FILE.py:{name},NAME"
    )


def is_derivative(word: str, parameters: Iterable[str]) -> bool:
    """Tell a function of one number that gives the slope from one that takes a gradient."""
    required = [*parameters]
    return len(required) == 1 and not UPSTREAM.search(required[0]) and "backward" not in word


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _names(name: str) -> Iterator[str]:
    for one, other in FORWARD:
        if one in name:
            yield name.replace(one, other)
    stem = re.sub(r"_?forward(_pass)?_?", "", name)
    for each in dict.fromkeys((name, stem)):
        for around in AROUND:
            yield around.format(each)
