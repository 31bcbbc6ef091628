"""Layers in whose training the images of a batch hang together, though lanes share them out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from cnnspec.backends.numpy.threads import Meeting
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class CoupledLayer(Layer):
    """A layer that needs sums over all images of a batch: they are added up `across` the lanes."""

    def __init__(self, layer: SpecLayer, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self.join(None, 0)

    def join(self, meeting: Meeting | None, index: int) -> None:
        """Add up sums with the other lanes from now on; without a meeting, there are none."""
        self.across: Callable[[Array], Array] = partial(meeting.total, index) if meeting else _alone
        self.leads = index == 0
        """Whether this lane is the one that writes the buffers."""


def _alone(part: Array) -> Array:
    """Add up the sums of a lane that has all images."""
    return part
