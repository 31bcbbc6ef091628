"""LayerProbe: what one layer is given, alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cnnspec.address import Layer
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.trace import Array


@dataclass(frozen=True, eq=False)
class LayerProbe:
    """An input for one layer and an upstream gradient for its output.

    Each is itself alone: what a side answers is kept by the probe on which it was asked.
    """

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

    def first(self, images: int) -> LayerProbe:
        """Return the same with the first images alone."""
        inputs = tuple(x[:images] for x in self.inputs)
        noise = None if self.noise is None else self.noise[:images]
        return replace(self, inputs=inputs, grad_output=self.grad_output[:images], noise=noise)

    @property
    def address(self) -> Layer:
        """The layer, in the whole network."""
        return Layer(self.at.name)
