"""Starting weights: drawn once, in NumPy, and handed to every backend."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cnnspec.plan import Plan, PlannedLayer
from cnnspec.randomness import stream
from cnnspec.spec.initializations import Normal
from cnnspec.trace import State


def initial_weights(plan: Plan, seed: int) -> State:
    """Draw the starting weights of a plan, and its buffers: {"conv1.weight": float32 array}.

    By default weights follow kaiming_uniform(a = sqrt 5) and biases
    U(-1/sqrt fan_in, 1/sqrt fan_in), as torch.nn.Conv2d and torch.nn.Linear (both
    come to the bound 1/sqrt fan_in); with `normal: {std: ...}` weights follow
    N(0, std) and biases are 0. With both, batch norm starts from weights and running
    variances of 1, biases and running means of 0. Every parameter has a random stream of
    its own, so a change of one layer leaves the others' weights as they were. The values
    are float32 numbers, so that float64 networks start from the same ones.
    """
    return {
        f"{layer.name}.{name}": _draw(plan, layer, name, seed).astype(np.float32)
        for layer in plan.layers
        for name in layer.state
    }


def _draw(plan: Plan, layer: PlannedLayer, name: str, seed: int) -> NDArray[np.float64]:
    shape = layer.state[name]
    if name in layer.layer.starts:
        return np.full(shape, layer.layer.starts[name])
    random = stream(seed, "weights", f"{layer.name}.{name}")
    if isinstance(plan.initialization, Normal):
        if name == "bias":
            return np.zeros(shape)
        return random.normal(0.0, plan.initialization.std, shape)
    bound = 1 / math.sqrt(math.prod(layer.parameters["weight"][1:]))
    return random.uniform(-bound, bound, shape)
