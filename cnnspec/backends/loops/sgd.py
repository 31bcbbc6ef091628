"""Stochastic gradient descent by the textbook: number by number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends.parts import Optimizer
from cnnspec.spec.optimizers import SGD
from cnnspec.trace import Array


class SGDLoops(Optimizer):
    """w <- w - lr * d, where d is the gradient, its running sum, or a look ahead along it."""

    def __init__(self, options: SGD, parameters: Mapping[str, Array]) -> None:
        self.options = options
        self.slots: dict[str, Array] = {}
        if options.momentum:
            for name, array in parameters.items():
                self.slots[f"{name}.momentum_buffer"] = np.zeros_like(array)

    def step(
        self,
        parameters: Mapping[str, Array],
        gradients: Mapping[str, Array],
        learning_rate: float,
        step: int,
    ) -> None:
        momentum, decay = self.options.momentum, self.options.weight_decay
        for name, weights in parameters.items():
            gradient, buffer = gradients[name], self.slots.get(f"{name}.momentum_buffer")
            for index in np.ndindex(weights.shape):
                direction = gradient[index] + decay * weights[index]
                if buffer is not None:
                    buffer[index] = momentum * buffer[index] + direction
                    if self.options.nesterov:
                        direction = direction + momentum * buffer[index]
                    else:
                        direction = buffer[index]
                weights[index] -= learning_rate * direction
