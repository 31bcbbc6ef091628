"""The arrays that a trial is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cnnspec.trace import Array


@dataclass(frozen=True)
class Given:
    """Arrays by the name of a set, and by their own; they are there before somebody's code is."""

    sets: Mapping[str, Mapping[str, Array]]

    def of(self, name: str) -> dict[str, Array]:
        """Return the arrays of a set, anew: somebody's code may write into them."""
        return {key: array.copy() for key, array in self.sets[name].items()}
