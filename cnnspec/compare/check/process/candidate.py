"""Loading the file that somebody wrote, and taking the class out of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from inspect import isroutine
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnspec.backends.plain import (
    Chain,
    HintError,
    LossFunctions,
    PlainClassError,
    backward_of,
    layer_of,
    layer_of_methods,
)
from cnnspec.compare.check.process.module import MODULE, is_not_there, module_of
from cnnspec.compare.check.process.notebook import SUFFIX, notebook_of
from cnnspec.spec.layers import Layer


def load_loss(path: str, name: str) -> Any:
    """Return a class of a file, or a function, with that of its gradient if one is named or found.

    `Softmax+Loss` is a loss of probabilities behind a softmax.

    Raises:
        PlainClassError: there is none.
    """
    first, plus, behind = name.partition("+")
    module = _loaded(path, first.partition(",")[0])
    if plus:
        return Chain(_part_of_loss(module, first), _part_of_loss(module, behind))
    return _part_of_loss(module, name)


def _part_of_loss(module: ModuleType, name: str) -> Any:
    name, _, other = name.partition(",")
    found = _of(module, name)
    if not callable(found):
        raise PlainClassError(f"`{name}` is {_what(found, module)}, wanted a class or a function")
    if isinstance(found, type):
        return found
    gradient = _of(module, other) if other else None
    if not other:
        with suppress(HintError):  # it may give the gradient itself
            gradient = backward_of(module, found, name)
    return LossFunctions(found, gradient)


def load_optimizer(path: str, name: str) -> Any:
    """Return a class of a file, or a function.

    Raises:
        PlainClassError: there is none.
    """
    module = _loaded(path, name)
    found = _of(module, name)
    if not callable(found):
        raise PlainClassError(f"`{name}` is {_what(found, module)}, wanted a class or a function")
    return found


def load_layer(path: str, name: str, kind: type[Layer], names: Mapping[str, str]) -> type:
    """Return a class of a file, or one made of two functions: `forward,backward`, or `forward`.

    Raises:
        PlainClassError: there is none.
    """
    name, _, other = name.partition(",")
    module = _loaded(path, name)
    found = _of(module, name)
    backward = other or names.get("backward", "")
    if isinstance(found, type):
        return layer_of_methods(found, kind, names)
    if not isroutine(found):
        what = _what(found, module)
        raise PlainClassError(f"`{name}` is {what}, wanted a class, or a function for each pass")
    if not backward:
        try:
            return layer_of(found, backward_of(module, found, name), kind, names)
        except HintError as error:
            return layer_of(found, None, kind, names, lacks=str(error))
    second = _of(module, backward)
    if not callable(second):
        raise PlainClassError(f"`{backward}` is {_what(second, module)}, wanted a function")
    return layer_of(found, second, kind, names)


def _loaded(path: str, name: str) -> ModuleType:
    file = Path(path)
    return notebook_of(file, name) if file.suffix == SUFFIX else module_of(file)


def _of(module: ModuleType, name: str) -> Any:
    found = getattr(module, name, MODULE)
    if found is MODULE:
        there = [key for key, value in vars(module).items() if _is_own(value, module)]
        raise is_not_there(name, there)
    return found


def _is_own(value: Any, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def _what(value: Any, module: ModuleType) -> str:
    if value is None:
        return "None"
    kind = type(value).__name__
    if type(value).__module__ == module.__name__:
        return f"an instance of {kind}"
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"
