"""The loss and the optimizers of a textbook: image by image, number by number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends.chain import Optimizer
from cnnspec.backends.network import Labels
from cnnspec.spec.optimizers import SGD, Adam
from cnnspec.trace import Array


def cross_entropy(logits: Array, labels: Labels) -> tuple[float, Array]:
    """Return the mean of -log softmax(logits)[label] and its gradient.

    softmax(z)[k] = exp(z[k]) / sum over j of exp(z[j]). The greatest logit is
    subtracted from all first: the result is the same, and nothing overflows.
    dloss/dz[k] = (softmax(z)[k] - (1 if k is the label else 0)) / n.
    """
    batch = len(logits)
    total = 0.0
    grad = np.zeros_like(logits)
    for n in range(batch):
        shifted = logits[n] - np.max(logits[n])
        exponentials = np.exp(shifted)
        total += np.log(np.sum(exponentials)) - shifted[labels[n]]
        grad[n] = exponentials / np.sum(exponentials)
        grad[n, labels[n]] -= 1
    return float(total / batch), grad / batch


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
