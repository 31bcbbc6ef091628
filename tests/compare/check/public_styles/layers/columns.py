"""The notation of a free online book: one sample is a column, w a = z."""

import numpy as np


class FullyConnected:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_out, n_in) / np.sqrt(n_in)
        self.b = np.random.randn(n_out, 1)

    def feedforward(self, a):
        self.a = a
        return np.dot(self.w, a) + self.b

    def backprop(self, delta):
        self.nabla_w = np.dot(delta, self.a.transpose())
        self.nabla_b = delta
        return np.dot(self.w.transpose(), delta)


class FullyConnectedBatch:
    """A whole batch at once: one column a sample. The bias is summed over the wrong axis."""

    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_out, n_in) / np.sqrt(n_in)
        self.b = np.random.randn(n_out, 1)

    def feedforward(self, a):
        self.a = a
        return np.dot(self.w, a) + self.b

    def backprop(self, delta):
        self.nabla_w = np.dot(delta, self.a.transpose())
        self.nabla_b = delta.mean(axis=1, keepdims=True)
        return np.dot(self.w.transpose(), delta)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


class Sigmoid:
    def feedforward(self, z):
        self.z = z
        return sigmoid(z)

    def backprop(self, delta):
        return delta * sigmoid(self.z)
