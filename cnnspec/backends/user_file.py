"""Backends in a user's own file: `path/to/file.py:Network`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cnnspec.errors import BackendError


def is_user_file(name: str) -> bool:
    """Tell whether a backend's name is a file and a name in it."""
    return ".py:" in name


def load_from_file(name: str) -> Callable[..., Any]:
    """Run a file and return what it has under a name: `path/to/file.py:Network`.

    Raises:
        BackendError: there is no such file, it fails, or it has no such name.
    """
    path, _, wanted = name.rpartition(":")
    file = Path(path)
    if not file.is_file():
        raise BackendError(f"there is no file {path} to take the backend `{wanted}` from")
    module_name = f"cnnspec_user_file_{file.stem}"
    found = importlib.util.spec_from_file_location(module_name, file)
    if found is None or found.loader is None:
        raise BackendError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[module_name] = module  # dataclasses and pickles look their module up there
    try:
        found.loader.exec_module(module)
    except Exception as error:  # a user's file raises whatever it likes
        raise BackendError(f"{path} fails: {type(error).__name__}: {error}") from error
    value = getattr(module, wanted, None)
    if not callable(value):
        names = [key for key, item in vars(module).items() if callable(item) and key[0] != "_"]
        raise BackendError(
            f"{path} has nothing to call named `{wanted}`; it has {', '.join(names) or 'nothing'}; "
            "a backend is a function or class called as `Network(plan, training, device=...)`"
        )
    builder: Callable[..., Any] = value
    return builder


def whole_path(name: str) -> str:
    """Return a backend's name with the whole path of its file, if it has one."""
    if not is_user_file(name):
        return name
    path, _, wanted = name.rpartition(":")
    return f"{Path(path).resolve()}:{wanted}"
