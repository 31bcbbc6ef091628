"""What a class's source tells of a method that it lacks."""

from __future__ import annotations

import ast
import inspect
import textwrap

from cnnspec.backends.plain.errors import HintError, PlainClassError

SHOWN = 4
"""Names of methods that are told."""


def missing_method(
    cls: type, wanted: str, words: tuple[str, ...], *, mapped: bool = False
) -> PlainClassError:
    """Return an error: there is no such method, and where one is that is indented too deep."""
    nested = next(filter(None, (_nested(base, words) for base in cls.__mro__)), None)
    if nested is not None:
        name, outer, line = nested
        return PlainClassError(
            f"{cls.__name__} has no method `{name}`; one is defined inside `{outer}` (line "
            f"{line}): indent it one level less"
        )
    if mapped:
        return HintError(
            f"{cls.__name__} has no method `{words[0]}`, as --map {wanted}={words[0]} says"
        )
    others = [f"`{word}`" for word in words if word != wanted]
    also = f"{', '.join(others[:SHOWN])} or the like"
    return PlainClassError(
        f"{cls.__name__} has no method `{wanted}` (nor any called {also}); if it has another "
        f"name, say so by --map {wanted}=NAME"
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
