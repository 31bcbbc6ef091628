"""Adam of the fast engine: whole arrays, in place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends.parts import Optimizer
from cnnspec.spec.optimizers import Adam
from cnnspec.trace import Array


class AdamNumPy(Optimizer):
    """Adam (Kingma and Ba, 2015, algorithm 1), the bias corrections folded into scalars."""

    def __init__(self, options: Adam, parameters: Mapping[str, Array]) -> None:
        self._options = options
        self.slots: dict[str, Array] = {}
        for name, array in parameters.items():
            self.slots[f"{name}.exp_avg"] = np.zeros_like(array)
            self.slots[f"{name}.exp_avg_sq"] = np.zeros_like(array)
        self._scratch = {name: np.empty_like(array) for name, array in parameters.items()}

    def step(
        self,
        parameters: Mapping[str, Array],
        gradients: Mapping[str, Array],
        learning_rate: float,
        step: int,
    ) -> None:
        beta1, beta2 = self._options.betas
        decay = self._options.weight_decay
        # rate * (mean / (1 - beta1^t)) / (sqrt(square / (1 - beta2^t)) + eps), with one division
        root_correction = (1 - beta2**step) ** 0.5
        rate = learning_rate * root_correction / (1 - beta1**step)
        eps = self._options.eps * root_correction
        for name, weights in parameters.items():
            gradient = gradients[name]
            if decay:
                gradient = gradient + decay * weights
            scratch = self._scratch[name]
            mean, square = self.slots[f"{name}.exp_avg"], self.slots[f"{name}.exp_avg_sq"]
            mean *= beta1
            mean += np.multiply(gradient, 1 - beta1, out=scratch)
            square *= beta2
            np.multiply(gradient, gradient, out=scratch)
            scratch *= 1 - beta2
            square += scratch
            np.sqrt(square, out=scratch)
            scratch += eps
            np.divide(mean, scratch, out=scratch)
            scratch *= rate
            weights -= scratch
