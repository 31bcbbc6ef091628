"""How a network is trained: the `training` section."""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from cnnspec.spec.losses import DEFAULT_LOSS
from cnnspec.spec.optimizers import DEFAULT_OPTIMIZER, AnyOptimizer
from cnnspec.spec.section import Kind, Section

Precision = Literal["float32", "float64"]


class Training(Section):
    """How a network is trained."""

    epochs: PositiveInt = 1
    """Passes over the training images."""
    batch_size: PositiveInt = 32
    """Images a step; the last batch of an epoch may be smaller."""
    optimizer: AnyOptimizer = DEFAULT_OPTIMIZER
    """What makes steps of gradients."""
    precision: Precision = "float32"
    """Arithmetic of the network: `float32` or `float64`."""
    seed: NonNegativeInt = 0
    """Start of every random stream: starting weights and the order of the images."""

    @property
    def loss(self) -> Kind:
        """What training makes small. There is one kind: a spec does not choose it."""
        return DEFAULT_LOSS
