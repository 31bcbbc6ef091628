"""LayerProbe: what one layer is given, alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnspec.address import Layer
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.trace import Array


@dataclass(frozen=True)
class LayerProbe:
    """An input for one layer and an upstream gradient for its output."""

    name: str
    at: PlannedLayer
    """The layer; in `alone` where that is given."""
    inputs: tuple[Array, ...]
    grad_output: Array
    noise: NDArray[np.bool] | None = None
    """The mask of a layer that draws one."""
    alone: Plan | None = None
    """A network of this layer in another size; None: as it stands in the whole network."""

    @property
    def x(self) -> Array:
        """The input of a layer that has one."""
        (only,) = self.inputs
        return only

    @property
    def address(self) -> Layer:
        """The layer, in the whole network."""
        return Layer(self.at.name)
