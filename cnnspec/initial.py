"""Starting weights: drawn once, in NumPy, and handed to every backend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnspec.plan import Plan, PlannedLayer
from cnnspec.randomness import stream
from cnnspec.spec.starts import Constant, Drawn, Uniform
from cnnspec.trace import State


def initial_weights(plan: Plan, seed: int) -> State:
    """Draw the starting weights of a plan, and its buffers: {"conv1.weight": float32 array}.

    A layer says which of them start from numbers of their own, as those of batch norm do;
    the others start as the spec's initialization says: by default as torch.nn.Conv2d and
    torch.nn.Linear do. Every parameter has a random stream of its own, so a change of one
    layer leaves the others' weights as they were. The values are float32 numbers, so that
    float64 networks start from the same ones.
    """
    return {
        f"{layer.name}.{name}": _draw(plan, layer, name, seed).astype(np.float32)
        for layer in plan.layers
        for name in layer.state
    }


def _draw(plan: Plan, layer: PlannedLayer, name: str, seed: int) -> NDArray[np.float64]:
    shape = layer.state[name]
    start = layer.layer.starts(layer.input)[name]
    if isinstance(start, Drawn):
        start = plan.initialization.start(start)
    if isinstance(start, Constant):
        return np.full(shape, start.value)
    random = stream(seed, "weights", f"{layer.name}.{name}")
    if isinstance(start, Uniform):
        return random.uniform(-start.bound, start.bound, shape)
    return random.normal(0.0, start.std, shape)
