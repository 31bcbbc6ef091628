"""What one pass through a network, or through one of its parts, leaves to be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

State = dict[str, Array]
"""Arrays by name, as in torch's state_dict: {"conv1.weight": array}."""


@dataclass(frozen=True)
class LayerTrace:
    """One layer's share of a pass. Arrays have the batch first."""

    inputs: tuple[Array, ...]
    """What the layer received: one array, or of a join one from each branch."""
    output: Array
    grad_output: Array
    """dloss/doutput, added up over all that read the output."""
    grad_inputs: tuple[Array, ...]
    """dloss/dinput, for each input."""
    grad_parameters: Mapping[str, Array]
    """dloss/dparameter, by the parameter's name within the layer (`weight`, `bias`)."""
    buffers: Mapping[str, Array] = field(default_factory=dict)
    """What the pass would make of the buffers, by name within the layer (`running_mean`)."""

    @property
    def input(self) -> Array:
        """What a layer of one input received."""
        (only,) = self.inputs
        return only

    @property
    def grad_input(self) -> Array:
        """dloss/dinput of a layer of one input."""
        (only,) = self.grad_inputs
        return only


@dataclass(frozen=True)
class LossTrace:
    """The loss of a batch: mean cross-entropy from logits."""

    loss: float
    """Mean over the batch."""
    grad_logits: Array
    """dloss/dlogits, (n, classes)."""


@dataclass(frozen=True)
class Trace:
    """One forward and backward pass of a whole network."""

    layers: Mapping[str, LayerTrace]
    loss: LossTrace

    @property
    def gradients(self) -> State:
        """dloss/dparameter, by the parameters' full names (`conv1.weight`)."""
        return {
            f"{name}.{parameter}": gradient
            for name, layer in self.layers.items()
            for parameter, gradient in layer.grad_parameters.items()
        }

    @property
    def buffers(self) -> State:
        """What the pass would make of all buffers, by their full names."""
        return {
            f"{name}.{buffer}": array
            for name, layer in self.layers.items()
            for buffer, array in layer.buffers.items()
        }
