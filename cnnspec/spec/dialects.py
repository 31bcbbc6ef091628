"""Kinds as other tools write them: `Conv2d(1, 8, 3)`, `{type: conv, ...}`, and the same here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cnnspec.spec.field import answer_to, besides, same_word
from cnnspec.spec.field_words import plain
from cnnspec.spec.section import Kind

ACTIVATION = "activation"
"""The layer of Keras that is told which function it is, and its argument."""

KIND_KEYS = ("type", "class_name", "kind", "class", "layer", "op", "layer_type", "module")
"""Keys by which other tools say what a layer is."""


def in_this_dialect(word: str, kinds: Mapping[str, type[Kind]]) -> str:
    """Say how a thing that is written as a call of another tool is written here, if it is one."""
    call = re.fullmatch(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\((.*)\)", word[:200], re.DOTALL)
    if not call:
        return ""
    found = _named(call[1], kinds)
    if found is None:
        return _at_times(call[1], call[2], kinds) or _by_its_name(call[1], call[2], kinds)
    kind, implied = found
    given = _arguments(kind.words.calls.get(call[1], ""), call[2], kind)
    return _offer(kind, implied, given, besides(call[1], given or ()))


def _at_times(name: str, text: str, kinds: Mapping[str, type[Kind]]) -> str:
    """Say how a call is written here that stands for a kind with some arguments alone."""
    for kind in kinds.values():
        order = kind.words.calls_at_times.get(name)
        if order and (arguments := _arguments(order, text, kind)) is not None:
            return kind.words.way_out(name, arguments)
    return ""


def _by_its_name(name: str, text: str, kinds: Mapping[str, type[Kind]]) -> str:
    """Say how an activation is written here that a call names, as `Activation('relu')` does."""
    arguments = _arguments(ACTIVATION, text, Kind) if plain(name) == ACTIVATION else None
    word = (arguments or {}).get(ACTIVATION)
    found = _named(word, kinds) if isinstance(word, str) else None
    if found is None or getattr(found[0], "family", "") != ACTIVATION:
        return ""
    return _offer(*found, {}, besides(str(word), ()))


def keyed(thing: Mapping[str, Any], kinds: Mapping[str, type[Kind]]) -> str:
    """Say how a thing whose kind is the value of a key is written here, if there is such a key."""
    for key in KIND_KEYS:
        word = thing.get(key)
        if not isinstance(word, str) or (found := _named(word, kinds)) is None:
            continue
        kind, implied = found
        names = _names(kind)
        rest = {names.get(name, name): thing[name] for name in thing if name != key}
        plain = all(map(_is_plain, rest.values()))
        return _offer(kind, implied, rest if plain else None, besides(word, rest))
    return ""


def options_written(word: str, options: Any, kinds: Mapping[str, type[Kind]]) -> set[str]:
    """Return our names of the options that stand below a word of another tool."""
    found = _named(word, kinds)
    if found is None or not isinstance(options, Mapping):
        return set()
    names = _names(found[0])
    return {names.get(str(name), str(name)) for name in options}


def _named(
    word: str, kinds: Mapping[str, type[Kind]]
) -> tuple[type[Kind], Mapping[str, str]] | None:
    """Return the kind that a word of another tool stands for, and the options that it implies."""
    same = same_word(word, kinds)
    if same is not None:
        return kinds[same], {}
    for kind in kinds.values():
        implied = kind.words.stand_for(word)
        if implied is not None:
            return kind, implied
    return None


def _names(kind: type[Kind]) -> dict[str, str]:
    """Return our name for each option that other tools call otherwise."""
    return {
        name: option
        for words in kind.vocabulary()
        for option, names in words.options.items()
        for name in names.split()
    }


NO_OPTION = "there is no such option"


def _offer(
    kind: type[Kind], implied: Mapping[str, str], options: Mapping[str, Any] | None, differs: str
) -> str:
    """Offer a kind with the options that it has, and answer to the others; None: unreadable.

    What is offered is valid: else the options are left to the user.
    """
    given = {**implied, **(options or {})}
    if given.get("padding") == "valid":
        given["padding"] = 0
    own = {name: given[name] for name in given if name in kind.model_fields}
    others = [
        f"; `{name}`: {kind.words.way_out(name, value) or answer_to(name, 'option') or NO_OPTION}"
        for name, value in given.items()
        if name not in own
    ]
    if options is None or differs or not _is_valid(kind, own):
        shown = ", ".join([*(f"{option}: {value}" for option, value in implied.items()), "..."])
        also = f"; {differs}" if differs else ""
        way_out = f"write the kind as the key, over its options: `{kind.keyword}: {{{shown}}}`"
        return f"{way_out}{also}"
    return f"write `{_written(kind.keyword, own)}`{''.join(others)}"


def _is_valid(kind: type[Kind], options: Mapping[str, Any]) -> bool:
    try:
        kind.model_validate(options)
    except ValueError:
        return False
    return True


def _arguments(in_order: str, text: str, kind: type[Kind]) -> dict[str, Any] | None:
    """Return the arguments of a call by our names; None where they are no plain values."""
    import ast  # for few; it would take its time at every start

    order, names = in_order.split(), _names(kind)

    try:
        call = ast.parse(f"f({text})", mode="eval").body
        assert isinstance(call, ast.Call)
        given = [ast.literal_eval(value) for value in call.args]
        named = {key.arg: ast.literal_eval(key.value) for key in call.keywords}
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if len(given) > len(order) or None in named:
        return None
    found = dict(zip(order, given)) | {names.get(str(key), str(key)): named[key] for key in named}
    left_out = {"name", "inplace", getattr(kind, "input_width", None)}
    return {key: value for key, value in found.items() if key not in left_out}


def _written(kind: str, options: Mapping[str, Any]) -> str:
    if not options:
        return kind
    return f"{kind}: {{{', '.join(f'{key}: {_value(value)}' for key, value in options.items())}}}"


def _value(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    return {True: "true", False: "false", None: "null"}[value] if _is_word(value) else str(value)


def _is_plain(value: Any) -> bool:
    """Tell whether a value can be written as it is: a number, a word, or a list of numbers."""
    if isinstance(value, list):
        return all(isinstance(item, int | float) for item in value)
    if isinstance(value, str):
        return re.fullmatch("[A-Za-z0-9_]+", value) is not None
    return _is_word(value) or isinstance(value, int | float)


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)
