"""Adam by the textbook: number by number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends.parts import Optimizer
from cnnspec.spec.optimizers import Adam
from cnnspec.trace import Array


class AdamLoops(Optimizer):
    """w <- w - lr * m / (sqrt(v) + eps), m and v being corrected running means of g and g^2."""

    def __init__(self, options: Adam, parameters: Mapping[str, Array]) -> None:
        self.options = options
        self.slots: dict[str, Array] = {}
        for name, array in parameters.items():
            self.slots[f"{name}.exp_avg"] = np.zeros_like(array)
            self.slots[f"{name}.exp_avg_sq"] = np.zeros_like(array)

    def step(
        self,
        parameters: Mapping[str, Array],
        gradients: Mapping[str, Array],
        learning_rate: float,
        step: int,
    ) -> None:
        beta1, beta2 = self.options.betas
        for name, weights in parameters.items():
            m, v = self.slots[f"{name}.exp_avg"], self.slots[f"{name}.exp_avg_sq"]
            gradient = gradients[name]
            for index in np.ndindex(weights.shape):
                g = gradient[index] + self.options.weight_decay * weights[index]
                m[index] = beta1 * m[index] + (1 - beta1) * g
                v[index] = beta2 * v[index] + (1 - beta2) * g * g
                m_corrected = m[index] / (1 - beta1**step)
                v_corrected = v[index] / (1 - beta2**step)
                root = np.sqrt(v_corrected)
                weights[index] -= learning_rate * m_corrected / (root + self.options.eps)
