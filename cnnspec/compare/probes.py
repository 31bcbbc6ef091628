"""Probes: inputs that tell implementations apart.

Every value is a float32 number, so that networks in either precision see the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cnnspec.data import Split
from cnnspec.plan import Plan, PlannedLayer, resolve
from cnnspec.randomness import stream
from cnnspec.spec.layers import AnyLayer, Conv, Flatten, Pool
from cnnspec.spec.model import ModelSpec
from cnnspec.trace import Array, Trace

DATA_IMAGES = 7
"""Images of the user's own data in the probe: a batch that is no multiple of anything."""


@dataclass(frozen=True)
class LayerProbe:
    """An input for one layer and an upstream gradient for its output."""

    name: str
    at: PlannedLayer
    """The layer; in `alone` where that is given."""
    x: Array
    grad_output: Array
    alone: Plan | None = None
    """A network of this layer in another size; None: as it stands in the whole network."""


def layer_probes(
    at: PlannedLayer, seed: int, data: Trace | None, images: Array
) -> list[LayerProbe]:
    """Return the probes of a layer.

    `random` has both signs and no ties; `ties` is one image of -1, 0 and 1 only; `data` is
    what the layer receives when the user's own images flow through the network; `rectangle`
    is a small image whose height is not its width. Upstream gradients are random.
    """
    random = stream(seed, "probe", at.name)
    normal = random.normal(size=(3, *at.input))
    ties = random.integers(-1, 2, size=(at.layer.least_batch(at.input), *at.input))
    probes: list[tuple[PlannedLayer, str, NDArray[Any], Plan | None]] = [
        (at, "random", normal, None),
        (at, "ties", ties, None),
    ]
    if data is not None:
        names = list(data.layers)
        before = names.index(at.name) - 1
        x = images if before < 0 else data.layers[names[before]].output
        probes.append((at, "data", x, None))
    alone = rectangle(at)
    if alone is not None:
        small = alone.layers[0]
        probes.append((small, "rectangle", random.normal(size=(2, *small.input)), alone))
    return [
        LayerProbe(
            name,
            layer,
            as_float32(x),
            as_float32(random.normal(size=(len(x), *layer.output))),
            plan,
        )
        for layer, name, x, plan in probes
    ]


def rectangle(at: PlannedLayer) -> Plan | None:
    """Return a network of one layer over small images with another height than width.

    None where the layer is over features, or its own images are no squares and small.
    """
    if len(at.input) != 3:
        return None
    channels, *own = at.input
    height, width = _small_sizes(at)
    if tuple(own) == (height, width):
        return None
    layer = at.layer.model_copy(update={"name": at.name})
    after = [] if at.kind == "flatten" else [Flatten()]
    images = channels, height, width
    return resolve(ModelSpec(input=images, layers=[cast(AnyLayer, layer), *after]))


def _small_sizes(at: PlannedLayer) -> tuple[int, int]:
    """Return a height that has two windows, and a width that has three."""
    if not isinstance(at.layer, Conv | Pool):
        return 3, 4
    height, width = (
        max(1, windows.extent - sum(windows.padding)) + (count - 1) * windows.stride
        for windows, count in zip(at.layer.windows(), (2, 3))
    )
    return height, width + (height == width)


def loss_probes(classes: int, seed: int, data: Trace | None) -> list[tuple[str, Array]]:
    """Return batches of logits, for labels that count from 0.

    `random` ones; `extreme` ones, which overflow a naive softmax; `certain` ones, which are as
    large and right; a batch of a `single` image; and the data's.
    """
    random = stream(seed, "probe", "loss")
    probes = [
        ("random", random.normal(0, 3, (5, classes))),
        ("extreme", random.choice([-1e4, 0.0, 1e4], size=(4, classes))),
        ("single", random.normal(0, 3, (1, classes))),
        ("certain", 1e4 * np.eye(classes)[np.arange(4) % classes]),
    ]
    if data is not None:
        probes.append(("data", list(data.layers.values())[-1].output))
    return [(name, as_float32(logits)) for name, logits in probes]


def batch_probe(plan: Plan, seed: int, split: Split | None, count: int = DATA_IMAGES) -> Split:
    """Return a batch for the whole network: the user's first images, or random ones."""
    if split is not None:
        return Split(split.images[:count], split.labels[:count])
    random = stream(seed, "probe", "batch")
    images = as_float32(random.normal(size=(count, *plan.input)))
    return Split(images, random.integers(0, plan.classes, count))


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
