"""What the constructor of a class takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

REQUIRED = inspect.Parameter.empty
"""The default of a parameter that has none."""


@dataclass(frozen=True)
class Signature:
    """The parameters of a constructor that have a name, and whether it has * and **."""

    parameters: Mapping[str, inspect.Parameter]
    any_keyword: bool = False
    any_number: bool = False

    def required(self) -> list[str]:
        """Return the parameters without a default."""
        return [word for word, each in self.parameters.items() if each.default is REQUIRED]

    def in_words(self) -> str:
        """Name the parameters."""
        names = ", ".join(self.parameters)
        return f"its parameters are {names}" if names else "it has no parameters"


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
    return Signature(named, any_keyword in kinds, any_number in kinds)


def _base_with_constructor(cls: type) -> type | None:
    """Return the class whose constructor `super().__init__` calls; None where that is object's."""
    own = [each for each in cls.__mro__[:-1] if "__init__" in vars(each)]
    return own[1] if len(own) > 1 else None
