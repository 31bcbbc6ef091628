"""Loading the file that somebody wrote, and taking the class out of it."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from inspect import isfunction
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnspec.backends.plain import PlainClassError

MODULE = "candidate"


def load_candidate(path: str, name: str, *, function: bool = False) -> Any:
    """Return a class of a file; where `function` is given, a function may stand for it.

    Raises:
        PlainClassError: there is none.
    """
    if Path(path).suffix == ".ipynb":
        raise PlainClassError(
            "it is a notebook; export it: jupyter nbconvert --to script " + Path(path).name
        )
    module = _load(path)
    found = getattr(module, name, MODULE)
    if found is MODULE:
        there = [key for key, value in vars(module).items() if _is_own(value)]
        raise PlainClassError(f"there is no `{name}` in it; it has {', '.join(there) or 'nothing'}")
    if not isinstance(found, type) and not (function and callable(found)):
        wanted = "a class or a function" if function else "a class"
        how = _wrap(name) if isfunction(found) else ""
        raise PlainClassError(f"`{name}` is {_what(found)}, wanted {wanted}{how}")
    return found


def _load(path: str) -> ModuleType:
    # The loader is named, since files without the suffix .py have none by themselves.
    spec = importlib.util.spec_from_file_location(
        MODULE, path, loader=SourceFileLoader(MODULE, path)
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    sys.path.insert(0, str(Path(path).parent))
    spec.loader.exec_module(module)
    return module


def _is_own(value: Any) -> bool:
    return callable(value) and getattr(value, "__module__", None) == MODULE


def _wrap(name: str) -> str:
    """Say how a function is made a class."""
    return (
        " with `forward` and `backward`; wrap it: class Layer, whose forward(self, x) calls "
        f"{name} with the weights of self, keeps the cache and returns the output, and whose "
        "backward(self, dout) calls the function for that and returns dx, dW, db"
    )


def _what(value: Any) -> str:
    if value is None:
        return "None"
    kind = type(value).__name__
    if type(value).__module__ == MODULE:
        return f"an instance of {kind}"
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"
