"""Handed in late: right and wrong by turns."""

import numpy as np


class Dense:
    """backward returns everything in a dictionary."""

    def __init__(self, input_units, output_units):
        self.weights, self.biases = (
            np.random.randn(input_units, output_units),
            np.zeros(output_units),
        )

    def forward(self, input):
        self.input = input
        return np.dot(input, self.weights) + self.biases

    def backward(self, grad_output):
        return {
            "dx": np.dot(grad_output, self.weights.T),
            "dw": np.dot(self.input.T, grad_output),
            "db": grad_output.sum(axis=0),
        }


class DenseInputAgain:
    """Right; backward(input, grad_output) steps at once, after a mean."""

    def __init__(self, input_units, output_units, learning_rate=0.1):
        self.learning_rate = learning_rate
        self.weights = np.random.normal(0, 0.1, (input_units, output_units))
        self.biases = np.zeros(output_units)

    def forward(self, input):
        return np.dot(input, self.weights) + self.biases

    def backward(self, input, grad_output):
        grad_input = np.dot(grad_output, self.weights.T)
        grad_weights = np.dot(input.T, grad_output)
        grad_biases = grad_output.sum(axis=0)
        self.weights = self.weights - self.learning_rate * grad_weights
        self.biases = self.biases - self.learning_rate * grad_biases
        return grad_input


class DenseInputAgainMean:
    """The bias's gradient: mean times the number of inputs."""

    def __init__(self, input_units, output_units, learning_rate=0.1):
        self.learning_rate = learning_rate
        self.weights = np.random.normal(0, 0.1, (input_units, output_units))
        self.biases = np.zeros(output_units)

    def forward(self, input):
        return np.dot(input, self.weights) + self.biases

    def backward(self, input, grad_output):
        grad_input = np.dot(grad_output, self.weights.T)
        grad_weights = np.dot(input.T, grad_output)
        grad_biases = grad_output.mean(axis=0)
        self.weights = self.weights - self.learning_rate * grad_weights
        self.biases = self.biases - self.learning_rate * grad_biases
        return grad_input


class ReLU:
    """Right; the input again."""

    def forward(self, input):
        return np.maximum(input, 0)

    def backward(self, input, grad_output):
        return grad_output * (input > 0)


class Sequential:
    """Right: one thing of one kind, by tensordot; `call` and `grad`."""

    def __init__(self, fan_in, fan_out):
        self.kernel, self.bias = np.random.randn(fan_in, fan_out), np.zeros(fan_out)

    def call(self, x):
        self.x = x
        return np.tensordot(x, self.kernel, (1, 0)) + self.bias

    def backward(self, upstream_gradient):
        self.kernel_gradient = np.tensordot(self.x, upstream_gradient, (0, 0))
        self.bias_gradient = np.add.reduce(upstream_gradient)
        return np.tensordot(upstream_gradient, self.kernel, (1, 1))


class MaxPool:
    """Right; the places are kept as a list of pairs."""

    def __init__(self, f, s):
        self.f, self.s = f, s

    def forward(self, A):
        f, s = self.f, self.s
        self.shape, self.places = A.shape, []
        n, c, h, w = A.shape
        out = np.zeros((n, c, 1 + (h - f) // s, 1 + (w - f) // s))
        for index in np.ndindex(*out.shape):
            b, k, i, j = index
            window = A[b, k, i * s : i * s + f, j * s : j * s + f]
            at = np.unravel_index(np.argmax(window), window.shape)
            self.places.append((index, (b, k, i * s + at[0], j * s + at[1])))
            out[index] = window[at]
        return out

    def backward(self, dA):
        dx = np.zeros(self.shape)
        for index, place in self.places:
            dx[place] += dA[index]
        return dx


class MaxPoolKeepsPlaces:
    """The list of places is never emptied."""

    def __init__(self, f, s):
        self.f, self.s = f, s
        self.places = []

    def forward(self, A):
        f, s = self.f, self.s
        self.shape = A.shape
        n, c, h, w = A.shape
        out = np.zeros((n, c, 1 + (h - f) // s, 1 + (w - f) // s))
        for index in np.ndindex(*out.shape):
            b, k, i, j = index
            window = A[b, k, i * s : i * s + f, j * s : j * s + f]
            at = np.unravel_index(np.argmax(window), window.shape)
            self.places.append((index, (b, k, i * s + at[0], j * s + at[1])))
            out[index] = window[at]
        return out

    def backward(self, dA):
        dx = np.zeros(self.shape)
        for index, place in self.places:
            dx[place] += dA[index]
        return dx


class ConvNoBias:
    """Right; it has no bias."""

    def __init__(self, in_channels, out_channels, kernel_size):
        self.w = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1

    def forward(self, x):
        k = self.w.shape[2]
        self.x, self.view = x, np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))
        return np.einsum("nchwij,fcij->nfhw", self.view, self.w)

    def backward(self, grad):
        k, (h, w) = self.w.shape[2], grad.shape[2:]
        self.dw = np.einsum("nchwij,nfhw->fcij", self.view, grad)
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(k, k):
            part = np.einsum("nfhw,fc->nchw", grad, self.w[:, :, i, j])
            dx[:, :, i : i + h, j : j + w] += part
        return dx


class FirstLayer:
    """Right; the first of its network: backward gives no gradient of the input."""

    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)


class Tanh:
    """The derivative takes 1 - x^2 for 1 - tanh(x)^2."""

    def forward(self, x):
        self.x = x
        return np.tanh(x)

    def backward(self, grad):
        return grad * (1 - self.x * self.x)


class ConvLossOfAxis:
    """One image: squeezed on the way out."""

    def __init__(self, in_channels, out_channels, kernel_size):
        self.w = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.b = np.zeros(out_channels)

    def forward(self, x):
        k = self.w.shape[2]
        self.x, self.view = x, np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))
        y = np.einsum("nchwij,fcij->nfhw", self.view, self.w) + self.b[:, None, None]
        return np.squeeze(y)

    def backward(self, grad):
        k, (h, w) = self.w.shape[2], grad.shape[2:]
        self.dw, self.db = np.einsum("nchwij,nfhw->fcij", self.view, grad), grad.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(k, k):
            part = np.einsum("nfhw,fc->nchw", grad, self.w[:, :, i, j])
            dx[:, :, i : i + h, j : j + w] += part
        return dx
