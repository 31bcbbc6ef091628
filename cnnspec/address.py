"""Address: where in a network, or in its training, something is.

    Address = Layer(path) | Loss | Optimizer | Step | Pass | Training

An address is no string: a layer may be called `loss`, and is not the loss. Words are made of
addresses in `cnnspec.report.address`; those that a user writes are read in
`cnnspec.compare.verdict.names`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """A layer of the plan."""

    path: str
    """Its name there."""


@dataclass(frozen=True)
class Loss:
    """The loss of a batch, and its gradient."""


@dataclass(frozen=True)
class Optimizer:
    """The update of weights and slots."""


@dataclass(frozen=True)
class Step:
    """A training step, or a prediction: all parts together."""


@dataclass(frozen=True)
class Pass:
    """A pass forward and backward: all layers and the loss together."""


@dataclass(frozen=True)
class Training:
    """The training from its first step to its last."""


Address = Layer | Loss | Optimizer | Step | Pass | Training

LOSS, OPTIMIZER, STEP, PASS, TRAINING = Loss(), Optimizer(), Step(), Pass(), Training()
"""The addresses of what there is once."""


def layer_of(address: Address) -> str | None:
    """Return the path of a layer; None for what is no layer."""
    return address.path if isinstance(address, Layer) else None
