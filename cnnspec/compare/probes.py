"""Probes: inputs that tell implementations apart.

Every value is a float32 number, so that networks in either precision see the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.network import Labels
from cnnspec.data import Split
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.randomness import stream
from cnnspec.trace import Array, Trace

DATA_IMAGES = 7
"""Images of the user's own data in the probe: a batch that is no multiple of anything."""


@dataclass(frozen=True)
class LayerProbe:
    """An input for one layer and an upstream gradient for its output."""

    name: str
    x: Array
    grad_output: Array


def layer_probes(
    at: PlannedLayer, seed: int, data: Trace | None, images: Array
) -> list[LayerProbe]:
    """Return the probes of a layer.

    `random` has both signs and no ties; `ties` is one image of -1, 0 and 1 only;
    `data` is what the layer receives when the user's own images flow through the network.
    Upstream gradients are random.
    """
    random = stream(seed, "probe", at.name)
    normal = random.normal(size=(3, *at.input))
    ties = random.integers(-1, 2, size=(1, *at.input))
    probes = [("random", normal), ("ties", ties)]
    if data is not None:
        names = list(data.layers)
        before = names.index(at.name) - 1
        probes.append(("data", images if before < 0 else data.layers[names[before]].output))
    return [
        LayerProbe(name, as_float32(x), as_float32(random.normal(size=(len(x), *at.output))))
        for name, x in probes
    ]


def loss_probes(classes: int, seed: int, data: Trace | None) -> list[tuple[str, Array]]:
    """Return batches of logits: random ones, ones that overflow a naive softmax, and the data's."""
    random = stream(seed, "probe", "loss")
    extreme = random.choice([-1e4, 0.0, 1e4], size=(4, classes))
    probes = [("random", random.normal(0, 3, (5, classes))), ("extreme", extreme)]
    probes.append(("single", random.normal(0, 3, (1, classes))))
    if data is not None:
        probes.append(("data", list(data.layers.values())[-1].output))
    return [(name, as_float32(logits)) for name, logits in probes]


def batch_probe(
    plan: Plan, seed: int, split: Split | None, count: int = DATA_IMAGES
) -> tuple[Array, Labels]:
    """Return a batch for the whole network: the user's first images, or random ones."""
    if split is not None:
        return split.images[:count], split.labels[:count]
    random = stream(seed, "probe", "batch")
    images = as_float32(random.normal(size=(count, *plan.input)))
    return images, random.integers(0, plan.classes, count)


def gradient_probe(plan: Plan, seed: int, step: int) -> dict[str, Array]:
    """Return gradients for the optimizer: both signs, sizes over seven decades, and zeros."""
    random = stream(seed, "probe", "gradient", step)
    gradients = {}
    for name, shape in plan.parameters.items():
        sizes = 10.0 ** random.uniform(-6, 1, shape)
        gradients[name] = as_float32(random.normal(size=shape) * sizes)
        gradients[name].flat[0] = 0
    return gradients


def as_float32(array: NDArray[Any]) -> Array:
    """Round to float32."""
    return array.astype(np.float32)
