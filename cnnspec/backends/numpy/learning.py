"""The loss and the optimizers of the fast engine: whole arrays, in place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends.chain import Optimizer
from cnnspec.backends.network import Labels
from cnnspec.spec.training import SGD, Adam
from cnnspec.trace import Array


def cross_entropy(logits: Array, labels: Labels) -> tuple[float, Array]:
    """Return the mean of log(sum(exp(logits))) - logits[label] over the batch, and its gradient.

    Shapes: logits (classes, n), labels (n,) -> loss, gradient (classes, n).
    The greatest logit is subtracted first, so that nothing overflows.
    """
    batch = np.arange(len(labels))
    shifted = logits - logits.max(axis=0)
    grad = np.exp(shifted)
    total = grad.sum(axis=0)
    loss = np.mean(np.log(total) - shifted[labels, batch])
    grad /= total
    grad[labels, batch] -= 1
    grad /= len(labels)
    return float(loss), grad


class SGDNumPy(Optimizer):
    """Stochastic gradient descent with momentum, Nesterov momentum and weight decay."""

    def __init__(self, options: SGD, parameters: Mapping[str, Array]) -> None:
        self._options = options
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
            direction = gradients[name]
            if decay:
                direction = direction + decay * weights
            if momentum:
                buffer = self.slots[f"{name}.momentum_buffer"]
                buffer *= momentum
                buffer += direction
                direction = direction + momentum * buffer if self._options.nesterov else buffer
            weights -= learning_rate * direction


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
        rate = learning_rate / (1 - beta1**step)
        root_correction = (1 - beta2**step) ** 0.5
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
            scratch /= root_correction
            scratch += self._options.eps
            np.divide(mean, scratch, out=scratch)
            scratch *= rate
            weights -= scratch
