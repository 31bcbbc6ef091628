"""Loading the file that somebody wrote, and taking the class out of it."""

from __future__ import annotations

from inspect import isfunction
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnspec.backends.plain import PlainClassError
from cnnspec.compare.check.process.module import MODULE, is_not_there, module_of
from cnnspec.compare.check.process.notebook import SUFFIX, notebook_of


def load_candidate(path: str, name: str, *, function: bool = False) -> Any:
    """Return a class of a file; where `function` is given, a function may stand for it.

    Raises:
        PlainClassError: there is none.
    """
    file = Path(path)
    module = notebook_of(file, name) if file.suffix == SUFFIX else module_of(file)
    found = getattr(module, name, MODULE)
    if found is MODULE:
        there = [key for key, value in vars(module).items() if _is_own(value, module)]
        raise is_not_there(name, there)
    if not isinstance(found, type) and not (function and callable(found)):
        wanted = "a class or a function" if function else "a class"
        how = _wrap(name) if isfunction(found) else ""
        raise PlainClassError(f"`{name}` is {_what(found, module)}, wanted {wanted}{how}")
    return found


def _is_own(value: Any, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def _wrap(name: str) -> str:
    """Say how a function is made a class."""
    return (
        " with `forward` and `backward`; wrap it: class Layer, whose forward(self, x) calls "
        f"{name} with the weights of self, keeps the cache and returns the output, and whose "
        "backward(self, dout) calls the function for that and returns dx, dW, db"
    )


def _what(value: Any, module: ModuleType) -> str:
    if value is None:
        return "None"
    kind = type(value).__name__
    if type(value).__module__ == module.__name__:
        return f"an instance of {kind}"
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"
