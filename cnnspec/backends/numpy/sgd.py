"""Stochastic gradient descent of the fast engine: whole arrays, in place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends.parts import Optimizer
from cnnspec.spec.optimizers import SGD
from cnnspec.trace import Array


class SGDNumPy(Optimizer):
    """Stochastic gradient descent with momentum, Nesterov momentum and weight decay."""

    def __init__(self, options: SGD, parameters: Mapping[str, Array]) -> None:
        self._options = options
        self._scratch = {name: np.empty_like(array) for name, array in parameters.items()}
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
        momentum, decay = self._options.momentum, self._options.weight_decay
        for name, weights in parameters.items():
            direction, scratch = gradients[name], self._scratch[name]
            if decay:
                np.multiply(weights, decay, out=scratch)
                direction = np.add(direction, scratch, out=scratch)
            if momentum:
                buffer = self.slots[f"{name}.momentum_buffer"]
                buffer *= momentum
                buffer += direction
                direction = direction + momentum * buffer if self._options.nesterov else buffer
            weights -= np.multiply(direction, learning_rate, out=scratch)
