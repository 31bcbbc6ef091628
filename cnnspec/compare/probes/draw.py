"""Probes: inputs that tell implementations apart.

Every value is a float32 number, so that networks in either precision see the same; where all
train in float64, what layers are given are float64 numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.data import Split
from cnnspec.plan import Plan, PlannedLayer, part
from cnnspec.randomness import stream
from cnnspec.trace import Array, Trace

DATA_IMAGES = 7
"""Images of the user's own data in the probe: a batch that is no multiple of anything."""


class Flow(NamedTuple):
    """Images that flow through the network."""

    name: str
    batch: Split
    trace: Trace


def layer_probes(
    at: PlannedLayer, seed: int, flows: Sequence[Flow], dtype: DTypeLike = np.float32
) -> list[LayerProbe]:
    """Return the probes of a layer.

    `random` has both signs and no ties; `ties` is one image of -1, 0 and 1 only; `sizes` is one
    of numbers over six decades; flows (`data`, and `batch` of the batch size) are what the layer
    receives when the user's own images flow through the network; `rectangle` is a small image
    whose height is not its width. Upstream gradients are random. All are numbers of `dtype`.
    """
    random = stream(seed, "probe", at.name)
    least = at.layer.least_batch(at.input)
    normal = [random.normal(size=(3, *shape)) for shape in at.input_shapes]
    one = [(least, *shape) for shape in at.input_shapes]
    ties = [random.integers(-1, 2, size=shape) for shape in one]
    sizes = [random.normal(size=at) * 10.0 ** random.uniform(-3, 3, size=at) for at in one]
    probes: list[tuple[PlannedLayer, str, Sequence[NDArray[Any]], Plan | None]] = [
        (at, "random", normal, None),
        (at, "ties", ties, None),
        (at, "sizes", sizes, None),
        *((at, flow.name, flow.trace.layers[at.name].inputs, None) for flow in flows),
    ]
    alone = rectangle(at)
    if alone is not None:
        small = alone.layers[0]
        probes.append((small, "rectangle", [random.normal(size=(2, *small.input))], alone))
    return [
        LayerProbe(
            name,
            layer,
            tuple(x.astype(dtype) for x in inputs),
            random.normal(size=(len(inputs[0]), *layer.output)).astype(dtype),
            mask_probe(layer, len(inputs[0]), random),
            plan,
        )
        for layer, name, inputs, plan in probes
    ]


def mask_probe(
    at: PlannedLayer, images: int, random: np.random.Generator
) -> NDArray[np.bool] | None:
    """Return a mask for a layer that draws one; None for others.

    It keeps half of the numbers, whatever the layer's own probability is: of a mask that keeps
    all, or nothing, little can be seen. One that never drops anything keeps all here, too.
    """
    if at.mask is None:
        return None
    kept = random.random((images, *at.mask.shape)) < (0.5 if at.mask.drops else 1.0)
    if at.mask.drops and kept.all() == kept.any():
        kept.flat[0] = not kept.flat[0]
    return kept


def rectangle(at: PlannedLayer) -> Plan | None:
    """Return a network of one layer over small images with another height than width.

    None where the layer is over features or joins branches, or its own images are no squares and
    small; and where its weights have the size of its images.
    """
    if len(at.input) != 3 or len(at.inputs) > 1:
        return None
    channels, *own = at.input
    height, width = _small_sizes(at)
    if tuple(own) == (height, width):
        return None
    small = part(at.layer, at.name, (channels, height, width))
    return small if small.layers[0].state == at.state else None


def _small_sizes(at: PlannedLayer) -> tuple[int, int]:
    """Return a height that has two windows, and a width that has three."""
    over = LAYERS[at.kind].windows(at)
    if not over:
        return 3, 4
    height, width = (
        max(1, windows.extent - sum(windows.padding)) + (count - 1) * windows.stride
        for windows, count in zip(over, (2, 3))
    )
    return height, width + (height == width)


def probe_labels(count: int, classes: int) -> NDArray[np.int64]:
    """Return labels: the first class, the last, the second, the last but one, and so on."""
    number = np.arange(count)
    return np.where(number % 2, classes - 1 - number // 2, number // 2) % classes


def loss_probes(classes: int, seed: int, flows: Sequence[Flow] = ()) -> list[tuple[str, Array]]:
    """Return batches of logits, for the labels of `probe_labels`.

    `random` ones; `extreme` ones, which overflow a naive softmax; `certain` ones, which are as
    large and right; a batch of a `single` image; one with images of many `classes`; rows that lie
    far `apart`, and overflow nothing by themselves; and those of the flows.
    """
    random = stream(seed, "probe", "loss")
    probes = [
        ("random", random.normal(0, 3, (5, classes))),
        ("extreme", random.choice([-1e4, 0.0, 1e4], size=(4, classes))),
        ("single", random.normal(0, 3, (1, classes))),
        ("certain", 1e4 * np.eye(classes)[probe_labels(4, classes)]),
        ("classes", random.normal(0, 3, (min(classes, 32), classes))),
        ("apart", random.normal(0, 3, (4, classes)) + np.reshape([600, 0, -600, 300], (4, 1))),
        *((flow.name, list(flow.trace.layers.values())[-1].output) for flow in flows),
    ]
    return [(name, as_float32(logits)) for name, logits in probes]


def batch_probe(plan: Plan, seed: int, split: Split | None, count: int, skip: int = 0) -> Split:
    """Return a batch for the whole network: the user's first images, or random ones.

    `skip` leaves out the first; where there are no more, it begins with the first again.
    """
    if split is not None:
        taken = np.arange(skip, skip + min(count, len(split))) % len(split)
        return Split(split.images[taken], split.labels[taken])
    random = stream(seed, "probe", "batch", skip)
    images = as_float32(random.normal(size=(count, *plan.input)))
    return Split(images, random.integers(0, plan.classes, count))


def gradient_probe(plan: Plan, seed: int, step: int) -> dict[str, Array]:
    """Return gradients for the optimizer: both signs, sizes over nine decades, and zeros."""
    random = stream(seed, "probe", "gradient", step)
    gradients = {}
    for name, shape in plan.parameters.items():
        sizes = 10.0 ** random.uniform(-6, 3, shape)
        gradients[name] = as_float32(random.normal(size=shape) * sizes)
        gradients[name].flat[0] = 0
    return gradients


def as_float32(array: NDArray[Any]) -> Array:
    """Round to float32."""
    return array.astype(np.float32)
