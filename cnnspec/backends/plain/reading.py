"""A reading of a constructor: what each of its parameters is taken for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Option:
    """An option of the layer, or the height or the width of one."""

    name: str
    side: int | None = None


@dataclass(frozen=True)
class Handed:
    """An array that is handed to the constructor."""

    name: str


@dataclass(frozen=True)
class WeightShape:
    """The whole shape of the weight, its axes in this order."""

    axes: tuple[int, ...]


@dataclass(frozen=True)
class Given:
    """A value, whatever the layer."""

    value: Any


Meaning = Option | Handed | WeightShape | Given


@dataclass(frozen=True)
class Reading:
    """What each parameter of a constructor is."""

    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    positional: tuple[str, ...] = ()
    """The options that are given to `*sizes`, in their order."""
    built_in: frozenset[str] = frozenset()
    """Sizes that it has no parameter for, and that are taken as what the class does anyway."""
    guessed: bool = False
    """Whether more was taken for granted than names say."""
    notes: tuple[str, ...] = ()

    @property
    def options(self) -> frozenset[str]:
        """The options that are said."""
        named = (each.name for each in self.meanings.values() if isinstance(each, Option))
        return frozenset((*named, *self.positional))

    @property
    def says_every_size(self) -> bool:
        """Whether arrays or their shape say the sizes."""
        return any(
            isinstance(each, WeightShape) or (isinstance(each, Handed) and each.name == "weight")
            for each in self.meanings.values()
        )

    def left(self, required: list[str]) -> list[str]:
        """Return the parameters that want a value and have none."""
        return [word for word in required if word not in self.meanings]
