"""Backends in a user's own file: `path/to/file.py:Network`."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

from cnnspec.backends.foreign import foreign
from cnnspec.backends.raised import in_words, place_of
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
    module_name = _module_name(file)
    found = importlib.util.spec_from_file_location(module_name, file)
    if found is None or found.loader is None:
        raise BackendError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[module_name] = module  # dataclasses and pickles look their module up there
    try:
        with foreign():
            found.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's file raises whatever it likes
        raise BackendError(f"{path} fails: {in_words(error)}{place_of(error)}") from error
    value = getattr(module, wanted, None) if wanted else None
    if not callable(value):
        names = ", ".join(_callables(module)) or "nothing to call"
        raise BackendError(
            (
                f"{path} has nothing to call named `{wanted}`; it has {names}"
                if wanted
                else f"the name is missing behind `{name}`; {path} has {names}"
            )
            + "; a backend is a function or class called as `Network(plan, training, device=...)`"
        )
    builder: Callable[..., Any] = value
    return builder


def run_before(name: str) -> None:
    """Run the file of a backend, unless this process has: what is pickled names its classes.

    Raises:
        BackendError: there is no such file, or it fails.
    """
    if _module_name(Path(name.rpartition(":")[0])) not in sys.modules:
        load_from_file(name)


def _module_name(file: Path) -> str:
    """Return a name that no other file has, and that this one has in every process."""
    return f"cnnspec_user_file_{file.stem}_{crc32(bytes(file.resolve())):08x}"


def _callables(module: ModuleType) -> list[str]:
    """Name what a file has to call: its own first, what it imports only where it has none."""
    found = {
        key: getattr(item, "__module__", None)
        for key, item in vars(module).items()
        if callable(item) and key[0] != "_"
    }
    own = [key for key, origin in found.items() if origin == module.__name__]
    return own or list(found)


def example_name(path: str) -> str:
    """Return what a file may have to call, without running it: its last function or class."""
    try:
        parsed = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return "Network"
    names = [
        node.name
        for node in parsed.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
    ]
    return "Network" if "Network" in names or not names else names[-1]


def whole_path(name: str) -> str:
    """Return a backend's name with the whole path of its file, if it has one."""
    if not is_user_file(name):
        return name
    path, _, wanted = name.rpartition(":")
    return f"{Path(path).resolve()}:{wanted}"
