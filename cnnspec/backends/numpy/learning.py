"""The loss and the optimizers of the fast engine: whole arrays, in place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends.chain import Optimizer
from cnnspec.backends.network import Labels
from cnnspec.spec.optimizers import SGD, Adam
from cnnspec.trace import Array


def cross_entropy(logits: Array, labels: Labels) -> tuple[float, Array]:
    """Return the mean of log(sum(exp(logits))) - logits[label] over the batch, and its gradient.

    Shapes: logits (classes, n), labels (n,) -> loss, gradient (classes, n).
    The greatest logit is subtracted first, so that nothing overflows.
    """
    images = len(labels)
    of_label = labels, np.arange(images)
    shifted = logits - np.maximum.reduce(logits)
    grad = np.exp(shifted)
    total = np.add.reduce(grad)
    loss = np.add.reduce(np.log(total) - shifted[of_label]) / images
    grad /= total
    grad[of_label] -= 1
    grad /= images
    return float(loss), grad


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
