"""What a layer keeps from pass to pass, and should not."""

import numpy as np


class BufferOfFirstBatch:
    """The output is written into an array that the first batch made."""

    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out) * 0.1, np.zeros(n_out)
        self.out = None

    def forward(self, x):
        self.x = x
        if self.out is None:
            self.out = np.zeros((len(x), len(self.b)))
        self.out[: len(x)] = x @ self.W + self.b
        return self.out

    def backward(self, g):
        self.dW, self.db = self.x.T @ g, g.sum(axis=0)
        return g @ self.W.T


class MaskOfFirstPass:
    """The mask is made once."""

    mask = None

    def forward(self, x):
        if self.mask is None:
            self.mask = x > 0
        return np.maximum(x, 0)

    def backward(self, g):
        return g * self.mask


class NeverZeroed:
    """The gradient of the weight is added to, and nothing sets it to zero."""

    def __init__(self, in_features, out_features):
        self.weight = np.random.randn(out_features, in_features) * 0.1
        self.bias = np.zeros(out_features)
        self.grad_weight, self.grad_bias = np.zeros_like(self.weight), np.zeros_like(self.bias)

    def forward(self, x):
        self.x = x
        return x @ self.weight.T + self.bias

    def backward(self, g):
        self.grad_weight += g.T @ self.x
        self.grad_bias += g.sum(0)
        return g @ self.weight


class DefaultCache:
    """A default argument keeps the inputs of all objects."""

    def __init__(self, cache=[]):  # noqa: B006
        self.cache = cache

    def forward(self, x):
        self.cache.append(x)
        return x * (x > 0)

    def backward(self, g):
        return g * (self.cache.pop() > 0)


class Workspace:
    """Right; a list of what each pass needs, the last one first."""

    def __init__(self):
        self.stack = []

    def forward(self, x):
        self.stack.append(x > 0)
        return np.where(self.stack[-1], x, 0.0)

    def backward(self, g):
        return np.where(self.stack[-1], g, 0.0)


class FlattenOnce:
    """The shape is that of the first batch."""

    def __init__(self):
        self.shape = None

    def forward(self, x):
        if self.shape is None:
            self.shape = x.shape
        return x.reshape(x.shape[0], -1)

    def backward(self, g):
        return g.reshape(self.shape)
