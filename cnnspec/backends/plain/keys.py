"""The keys of a dictionary that a constructor takes, as its source tells them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

REQUIRED = inspect.Parameter.empty
ASKS = ("get", "pop", "setdefault")


def keys_of(cls: type, holder: str) -> dict[str, Any]:
    """Return the keys that a constructor takes out of a parameter, and the default of each."""
    init = next((vars(each)["__init__"] for each in cls.__mro__ if "__init__" in vars(each)), None)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(init)))  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError):
        return {}
    found: dict[str, Any] = {}
    guarded = {*_guards(tree, holder)}
    for key, default in _asked(tree, holder):
        if found.get(key, REQUIRED) is REQUIRED:
            found[key] = None if key in guarded and default is REQUIRED else default
    return found


def hands_on(cls: type, holder: str) -> bool:
    """Tell whether a constructor hands all keywords on, as in `super().__init__(**options)`."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls.__init__)))  # type: ignore[misc]
    except (OSError, TypeError, SyntaxError):
        return True
    return any(
        isinstance(node, ast.keyword) and node.arg is None and _is(node.value, holder)
        for node in ast.walk(tree)
    )


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _asked(tree: ast.AST, holder: str) -> Iterator[tuple[str, Any]]:
    """Yield each key that is read, with its default."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _is(node.value, holder):
            if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                yield node.slice.value, REQUIRED
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ASKS
            and _is(node.func.value, holder)
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            yield node.args[0].value, _default(node)


def _default(call: ast.Call) -> Any:
    """Return the default of a key: what `pop` without one wants must be there."""
    assert isinstance(call.func, ast.Attribute)
    if len(call.args) < 2:
        return REQUIRED if call.func.attr == "pop" else None
    try:
        return ast.literal_eval(call.args[1])
    except ValueError:  # made of other things
        return None


def _guards(tree: ast.AST, holder: str) -> Iterator[str]:
    """Yield the keys that it looks for first, as in `if "stride" in options`."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Compare)
            and isinstance(node.left, ast.Constant)
            and isinstance(node.left.value, str)
            and any(isinstance(op, ast.In | ast.NotIn) for op in node.ops)
            and any(_is(each, holder) for each in node.comparators)
        ):
            yield node.left.value
