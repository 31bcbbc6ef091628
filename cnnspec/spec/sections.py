"""Sections: a spec as far as it is valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnspec.spec.data.contents import Contents
from cnnspec.spec.data.source import DataSource
from cnnspec.spec.limits import Limits
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.shapes import Entry
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training


@dataclass(frozen=True)
class Sections:
    """The sections of a spec; of one that is not valid, those that are valid by themselves."""

    input: Shape | None
    layers: Sequence[Entry]
    """Of an entry that is not valid, unknown options are None."""
    data: DataSource | None
    training: Training | None
    limits: Limits | None
    seen: Contents | None = None
    """What the data holds, where it was opened."""

    @property
    def contents(self) -> Contents:
        """What the data holds, as far as that is known."""
        return self.seen or (self.data.known if self.data else Contents())

    def images_to_train(self) -> int | None:
        """Return how many images an epoch has, where that is known."""
        return self.data.images_to_train(self.contents) if self.data else None

    @classmethod
    def of(cls, spec: ModelSpec) -> Sections:
        """Return the sections of a valid spec."""
        return cls(spec.input, spec.layers, spec.data, spec.training, spec.limits)
