"""The two shapes of everything in a spec: a section, and a thing with a kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from cnnspec.spec.kind_words import Words
from cnnspec.spec.scalars import MAX_DIGITS
from cnnspec.spec.skeleton import Skeleton

MAX_TEXT = 200_000
MAX_LIST = 15_000


class Section(BaseModel):
    """A mapping of options: unknown ones are refused, nothing is converted, nothing changes.

    What is made in Python is held to the limits of the reader, so that it can be written into
    a file and read back.

    Validators are built when they are first used: most commands need ModelSpec's alone. So
    defaults that are sections themselves are made by `model_construct`, which needs none.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @model_validator(mode="after")
    def _can_be_written(self) -> Self:
        for option in type(self).model_fields:
            value = getattr(self, option)
            reason = _too_long(value)
            if reason:
                raise PydanticCustomError("conflict", f"`{option}` has {reason}")
        return self


class Kind(Section):
    """A thing with a kind: a bare word, or a mapping with one key, the kind, over its options."""

    keyword: ClassVar[str]
    """The word that a spec writes for this kind."""
    words: ClassVar[Words] = Words()
    """What people and other tools call it; of a base, what goes for every kind below it."""
    skeleton: ClassVar[Skeleton] = Skeleton()
    """What a class by hand looks like from outside."""

    @classmethod
    def vocabulary(cls) -> Iterator[Words]:
        """Yield the words for the kind, and those that its bases have for all their kinds."""
        yield from (vars(part)["words"] for part in cls.__mro__ if "words" in vars(part))

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, value: Any) -> Any:
        if value == cls.keyword:
            return {}
        if isinstance(value, Mapping) and list(value) == [cls.keyword]:
            options = value[cls.keyword]
            return {} if options is None else options
        return value


def _too_long(value: Any) -> str:
    """Say what of a value no file can hold; nothing where all of it can be written."""
    if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        return f"more than {MAX_DIGITS} digits"
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"more than {MAX_TEXT:,} characters"
    if isinstance(value, tuple) and not (value and isinstance(value[0], Kind)):
        if len(value) > MAX_LIST:
            return f"more than {MAX_LIST:,} numbers"
        return next(filter(None, map(_too_long, value)), "")
    return ""


def kinds_in(union: Any) -> dict[str, Any]:
    """Return the class of each kind in an annotated union, by the word that a spec writes."""
    return {get_args(part)[1].tag: get_args(part)[0] for part in get_args(get_args(union)[0])}


def kind_of(value: Any) -> str | None:
    """Return the kind that a value names, or None where it names none."""
    if isinstance(value, Kind):
        return value.keyword
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and len(value) == 1:
        (key,) = value
        return key if isinstance(key, str) else None
    return None
