"""Networks of the NumPy engine with other layers, loss, optimizers or passes: backends that err."""

from typing import Any

from cnnspec.backends import numpy as engine
from cnnspec.backends.parts import Layer
from cnnspec.compare import BackendChoice
from cnnspec.plan import Plan
from cnnspec.spec.training import Training


def faulty(
    label: str = "faulty",
    *,
    network: type[engine.NumPyNetwork] = engine.NumPyNetwork,
    loss: Any = engine.cross_entropy,
    optimizers: dict[str, Any] | None = None,
    **layers: type[Layer],
) -> BackendChoice:
    """Return a backend whose layers of some kinds are others: faulty(conv=MyConv)."""

    def build(plan: Plan, training: Training, *, device: str) -> engine.NumPyNetwork:
        return network(
            plan,
            training,
            backend=label,
            layers={**engine.LAYERS, **layers},
            loss=loss,
            optimizers={**engine.OPTIMIZERS, **(optimizers or {})},
        )

    return BackendChoice.of_builder(label, build)
