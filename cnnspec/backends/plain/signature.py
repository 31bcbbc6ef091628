"""What the constructor of a class takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cnnspec.backends.plain.keys import handed_to_next, keys_of, may_take_any

REQUIRED = inspect.Parameter.empty
"""The default of a parameter that has none."""


@dataclass(frozen=True)
class Signature:
    """The parameters of a constructor that have a name, and whether it has * and **.

    The keys of a dictionary that it takes stand among them.
    """

    parameters: Mapping[str, inspect.Parameter]
    any_keyword: bool = False
    any_number: bool = False
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By dictionary that it takes: the keys."""

    def required(self) -> list[str]:
        """Return the parameters without a default."""
        return [word for word, each in self.parameters.items() if each.default is REQUIRED]

    def in_words(self) -> str:
        """Name the parameters."""
        names = ", ".join(self.parameters)
        return f"its parameters are {names}" if names else "it has no parameters"

    def with_dictionaries(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Put arguments that are keys into their dictionaries."""
        inner = {key for keys in self.keys.values() for key in keys}
        outer = {word: value for word, value in given.items() if word not in inner}
        for holder, keys in self.keys.items():
            outer[holder] = {key: given[key] for key in keys if key in given}
        return outer


@lru_cache(64)
def signature_of(cls: type) -> Signature:
    """Return what the constructor of a class takes, and those that it hands its keywords on to."""
    try:
        signature = inspect.signature(cls)
    except (TypeError, ValueError):
        return Signature({})
    owners = [each for each in cls.__mro__[:-1] if "__init__" in vars(each)]
    return _taken([*signature.parameters.values()], owners)


def _taken(parameters: Sequence[inspect.Parameter], owners: Sequence[type]) -> Signature:
    """Return what the first of these constructors takes; the others are next in line."""
    kinds = [parameter.kind for parameter in parameters]
    any_number, any_keyword = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    named = {
        parameter.name: parameter
        for parameter in parameters
        if parameter.kind not in (any_number, any_keyword)
    }
    if {*kinds} == {any_number, any_keyword} and len(owners) > 1:
        return _taken_by_next(owners)  # all goes on to it
    if not owners:
        return Signature(named, any_keyword in kinds, any_number in kinds)
    init = vars(owners[0])["__init__"]
    dictionaries: dict[str, tuple[str, ...]] = {}
    for holder, parameter in [*named.items()]:
        may_be = parameter.default is REQUIRED or parameter.default is None
        keys = keys_of(init, holder) if may_be else {}
        if keys and not keys.keys() & named.keys():
            del named[holder]
            dictionaries[holder] = (*keys,)
            named |= _parameters(keys)
    rest = next((each.name for each in parameters if each.kind is any_keyword), "")
    if not rest:
        return Signature(named, False, any_number in kinds, dictionaries)
    keys = keys_of(init, rest)
    named |= _parameters({key: keys[key] for key in keys if key not in named})
    takes_any = may_take_any(init, rest)
    if handed := handed_to_next(init, rest):
        after = _taken_by_next(owners)
        own = [*after.parameters][handed.by_place :]
        free = [word for word in own if word not in named and word not in handed.by_name]
        named |= _parameters({word: after.parameters[word].default for word in free})
        takes_any = takes_any or after.any_keyword
    return Signature(named, takes_any, any_number in kinds, dictionaries)


def _taken_by_next(owners: Sequence[type]) -> Signature:
    """Return what the constructor takes that `super().__init__` of the first of these calls."""
    if len(owners) < 2:
        return Signature({})  # object's own
    try:
        signature = inspect.signature(vars(owners[1])["__init__"])
    except (TypeError, ValueError):
        return Signature({}, any_keyword=True)
    _, *parameters = signature.parameters.values()
    return _taken(parameters, owners[1:])


def _parameters(keys: Mapping[str, Any]) -> dict[str, inspect.Parameter]:
    kind = inspect.Parameter.KEYWORD_ONLY
    return {
        key: inspect.Parameter(key, kind, default=default)
        for key, default in keys.items()
        if key.isidentifier()
    }
