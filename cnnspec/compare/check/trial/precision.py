"""The precisions that somebody's files name: what is computed in them is theirs to say."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = {
    "float32": {"float32", "single", "f4", "<f4", "FloatTensor"},
    "float16": {"float16", "half", "f2", "<f2", "HalfTensor"},
}
COMMON = {"single", "half"}
"""Words that name a precision as part of a library alone: `np.single`, and not `half = k // 2`."""
IN_FLOAT32 = {"torch", "jax", "tensorflow", "mxnet"}
"""Libraries whose arrays are of float32, if nothing else is said."""


def precisions_named(file: Path) -> list[str]:
    """Return the precisions that a file names in its code, or one of its folder that it imports."""
    words = {word for text in _texts(file) for word in _words(text)}
    found = [precision for precision, names in NAMES.items() if words & names]
    if words & IN_FLOAT32 and "float32" not in found:
        found.append("float32")
    return found


def _texts(file: Path) -> Iterator[str]:
    paths = {file}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and Path(path).is_relative_to(file.parent):
            paths.add(Path(path))
    for path in paths:
        try:
            yield path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue


def _words(text: str) -> Iterator[str]:
    """Yield names and short texts of code: what a comment says is not done."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # a notebook
        yield from set(re.findall(r"\w+", text)) - COMMON
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in COMMON:
            yield node.id
        elif isinstance(node, ast.Attribute) and not _is_own(node):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from {node.value} - COMMON
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            module = getattr(node, "module", None)
            for name in [module, *(each.name for each in node.names)]:
                yield from (name or "").split(".")


def _is_own(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "self"
