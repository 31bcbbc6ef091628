"""A Python file as a module: its folders on the path, its package around it."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from cnnspec.backends.plain import PlainClassError
from cnnspec.backends.raised import in_words

MODULE = "candidate"
"""The name of a module that stands alone."""

INIT = "__init__.py"


def module_of(path: Path) -> ModuleType:
    """Run a Python file and return what it is as a module.

    A file that imports its neighbours with a dot is loaded as what it is in its package.
    """
    add_to_path(path)
    name = MODULE
    if dots := _dots(path):
        levels = max(dots, _packages(path))
        name = f"{_package(path, levels)}.{path.stem}"
    # The loader is named, since files without the suffix .py have none by themselves.
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def add_to_path(path: Path) -> None:
    """Let a file import what lies beside it, in the working folder, and at its package's root."""
    sys.path[:0] = map(str, places_of(path))


def places_of(path: Path) -> list[Path]:
    """Return the folders on which a file finds what it imports, the first to be looked at first."""
    return [*dict.fromkeys((path.parent, path.parents[_packages(path)], Path.cwd()))]


def is_not_there(name: str, there: Sequence[str]) -> PlainClassError:
    """Return the error that a module has no such name."""
    found = ", ".join(dict.fromkeys(there)) or "nothing"
    return PlainClassError(f"there is no `{name}` in it; it has {found}")


def _packages(path: Path) -> int:
    """Return in how many packages a file lies."""
    return next(n for n, folder in enumerate(path.parents) if not (folder / INIT).is_file())


def _dots(path: Path) -> int:
    """Return how many dots the longest relative import has; 0 where there is none."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # loading it says the same
        return 0
    return max(
        (node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0
    )


def _package(path: Path, levels: int) -> str:
    """Make a package of each of the folders above a file, the outermost first; return its name."""
    name = ""
    for folder in reversed(path.parents[:levels]):
        # No folder takes the place of a module that is there, and no name of one has a dot.
        own = MODULE if not name and folder.name in sys.modules else folder.name.replace(".", "_")
        name = f"{name}.{own}" if name else own
        if name not in sys.modules:
            _make_package(name, folder)
    return name


def _make_package(name: str, folder: Path) -> None:
    init = folder / INIT
    if init.is_file():
        spec = importlib.util.spec_from_file_location(
            name, init, submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # the file may need nothing of what comes after
            print(f"{init}: {in_words(error)}: the rest of it is left out", file=sys.stderr)
    else:
        module = ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module
