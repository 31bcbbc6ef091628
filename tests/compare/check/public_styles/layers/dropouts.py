"""Dropouts: the probability to keep, the flag in many places."""

import numpy as np


class KeepProb:
    """Right; `keep_prob` is the probability to keep."""

    def __init__(self, keep_prob=0.8):
        self.keep_prob = keep_prob

    def forward(self, A, training=True):
        if not training:
            return A
        self.D = np.random.rand(*A.shape) < self.keep_prob
        return A * self.D / self.keep_prob

    def backward(self, dA):
        return dA * self.D / self.keep_prob


class KeepProbUnscaled:
    """Backward forgets the division."""

    def __init__(self, keep_prob=0.8):
        self.keep_prob = keep_prob

    def forward(self, A, training=True):
        if not training:
            return A
        self.D = np.random.rand(*A.shape) < self.keep_prob
        return A * self.D / self.keep_prob

    def backward(self, dA):
        return dA * self.D


class DropoutLayer:
    """Right; `mode` is a word, the mask is kept scaled."""

    def __init__(self, drop_rate):
        self.drop_rate, self.mode = drop_rate, "train"

    def forward(self, x):
        if self.mode != "train":
            return x
        keep = 1 - self.drop_rate
        self.mask = np.random.binomial(1, keep, size=x.shape) / keep
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class Seeded:
    """The same numbers are dropped in each call."""

    def __init__(self, p=0.5):
        self.p = p
        self.training = True

    def forward(self, x):
        if not self.training:
            return x
        rng = np.random.default_rng(42)
        self.mask = (rng.random(x.shape) >= self.p) / (1 - self.p)
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask


class RowMask:
    """One mask for all images of a batch."""

    def __init__(self, rate=0.5):
        self.rate = rate

    def forward(self, x, is_training=True):
        if not is_training:
            return x
        self.mask = (np.random.random_sample(x.shape[1:]) > self.rate) / (1 - self.rate)
        return x * self.mask

    def backward(self, d):
        return d * self.mask
