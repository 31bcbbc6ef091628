"""A layer that imports from the root of its project."""

from shared.masks import positive


class ReLU:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = positive(x)
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask
