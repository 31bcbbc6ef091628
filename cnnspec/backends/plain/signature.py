"""What the constructor of a class takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cnnspec.backends.plain.keys import hands_on, keys_of

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
    """Return what the constructor of a class takes."""
    try:
        signature = inspect.signature(cls)
    except (TypeError, ValueError):
        return Signature({})
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    any_number, any_keyword = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    named = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind not in (any_number, any_keyword)
    }
    if {*kinds} == {any_number, any_keyword} and (base := _base_with_constructor(cls)):
        return signature_of(base)  # all goes on to it
    dictionaries: dict[str, tuple[str, ...]] = {}
    for holder, parameter in [*named.items()]:
        may_be = parameter.default is REQUIRED or parameter.default is None
        keys = keys_of(cls, holder) if may_be else {}
        if keys and not keys.keys() & named.keys():
            del named[holder]
            dictionaries[holder] = (*keys,)
            named |= _parameters(keys)
    every = signature.parameters.values()
    rest = next((each.name for each in every if each.kind is any_keyword), "")
    if rest and (keys := keys_of(cls, rest)) and not hands_on(cls, rest):
        named |= _parameters({key: keys[key] for key in keys if key not in named})
        rest = ""
    return Signature(named, bool(rest), any_number in kinds, dictionaries)


def _parameters(keys: Mapping[str, Any]) -> dict[str, inspect.Parameter]:
    kind = inspect.Parameter.KEYWORD_ONLY
    return {
        key: inspect.Parameter(key, kind, default=default)
        for key, default in keys.items()
        if key.isidentifier()
    }


def _base_with_constructor(cls: type) -> type | None:
    """Return the class whose constructor `super().__init__` calls; None where that is object's."""
    own = [each for each in cls.__mro__[:-1] if "__init__" in vars(each)]
    return own[1] if len(own) > 1 else None
