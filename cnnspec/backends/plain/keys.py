"""What a constructor does with a dictionary that it takes, as its source tells it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

REQUIRED = inspect.Parameter.empty
ASKS = ("get", "pop", "setdefault")


class HandedOn(NamedTuple):
    """A call of the next constructor in line, which is given all keywords that are left."""

    by_place: int
    """How many arguments it is given beside them, by their places."""
    by_name: frozenset[str]
    """Those that it is given by their names."""


def keys_of(init: Callable[..., Any], holder: str) -> dict[str, Any]:
    """Return the keys that a constructor takes out of a parameter, and the default of each."""
    tree = _source(init)
    if tree is None:
        return {}
    found: dict[str, Any] = {}
    guarded = {*_guards(tree, holder)}
    for key, default in _asked(tree, holder):
        if found.get(key, REQUIRED) is REQUIRED:
            found[key] = None if key in guarded and default is REQUIRED else default
    return found


def handed_to_next(init: Callable[..., Any], holder: str) -> HandedOn | None:
    """Return how all keywords go to the next constructor, as in `super().__init__(**options)`."""
    for call, is_next in _hands_on(_source(init), holder):
        if is_next:
            of_class = isinstance(call.func, ast.Attribute) and isinstance(
                call.func.value, ast.Name
            )
            by_name = frozenset(each.arg for each in call.keywords if each.arg is not None)
            return HandedOn(len(call.args) - of_class, by_name)
    return None


def may_take_any(init: Callable[..., Any], holder: str) -> bool:
    """Tell whether keywords may matter that the constructor neither names nor hands to the next."""
    tree = _source(init)
    if tree is None or any(not is_next for _, is_next in _hands_on(tree, holder)):
        return True
    if {*_asked(tree, holder)}:  # whoever names some of them takes those
        return False
    used = sum(_is(node, holder) for node in ast.walk(tree))
    return used > len([*_hands_on(tree, holder)])


def _source(init: Callable[..., Any]) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(init)))
    except (OSError, TypeError, SyntaxError):
        return None


def _hands_on(tree: ast.AST | None, holder: str) -> Iterator[tuple[ast.Call, bool]]:
    """Yield the calls that are given all keywords, and whether each is of a base's constructor."""
    for call in ast.walk(tree) if tree is not None else ():
        if isinstance(call, ast.Call) and any(
            each.arg is None and _is(each.value, holder) for each in call.keywords
        ):
            yield call, isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"


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
