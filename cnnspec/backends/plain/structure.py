"""What a class's source tells of a method that it lacks."""

from __future__ import annotations

import ast
import inspect
import textwrap


def missing_method(cls: type, wanted: str, words: tuple[str, ...]) -> str:
    """Say that a class has no such method, and where one stands that is indented too deep."""
    names = ", ".join(f"`{word}`" for word in words[:-1]) + f" or `{words[-1]}`"
    plain = f"{cls.__name__} has no method `{wanted}` (nor any called {names})"
    nested = next(filter(None, (_nested(base, words) for base in cls.__mro__)), None)
    if nested is None:
        return plain
    name, outer, line = nested
    return (
        f"{cls.__name__} has no method `{name}`; one is defined inside `{outer}` (line {line}): "
        "indent it one level less"
    )


def _nested(cls: type, words: tuple[str, ...]) -> tuple[str, str, int] | None:
    """Return a function of one of these names within a method: its name, the method, its line."""
    try:
        lines, first = inspect.getsourcelines(cls)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    (definition,) = tree.body
    assert isinstance(definition, ast.ClassDef)
    for method in definition.body:
        for node in ast.walk(method):
            if node is not method and isinstance(node, ast.FunctionDef) and node.name in words:
                return node.name, getattr(method, "name", "?"), first + node.lineno - 1
    return None
