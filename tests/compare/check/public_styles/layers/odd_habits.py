"""Right layers with habits of their own."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np


class Base(ABC):
    @abstractmethod
    def forward(self, x): ...

    @abstractmethod
    def backward(self, grad): ...


class BiasColumn(Base):
    """The bias is a column, the weight (outputs, inputs)."""

    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_out, n_in) * 0.1, np.zeros((n_out, 1))

    def forward(self, x):
        self.x = x
        return (self.W @ x.T + self.b).T

    def backward(self, grad):
        self.dW = grad.T @ self.x
        self.db = grad.T.sum(axis=1, keepdims=True)
        return (self.W.T @ grad.T).T


@dataclass
class Record:
    in_features: int
    out_features: int
    weight: np.ndarray = field(init=False)
    bias: np.ndarray = field(init=False)

    def __post_init__(self):
        self.weight = np.random.randn(self.in_features, self.out_features)
        self.bias = np.zeros(self.out_features)

    def forward(self, x):
        self.x = x
        return x @ self.weight + self.bias

    def backward(self, grad):
        self.grad_weight, self.grad_bias = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.weight.T


class Slots:
    __slots__ = ("W", "b", "dW", "db", "x")

    def __init__(self, input_dim, output_dim):
        self.W, self.b = np.random.randn(input_dim, output_dim), np.zeros(output_dim)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(0)
        return dout @ self.W.T


class Lazy:
    """Weights are made in the first pass."""

    def __init__(self, units):
        self.units = units
        self.W = self.b = None

    def forward(self, x):
        if self.W is None:
            self.W, self.b = np.random.randn(x.shape[1], self.units) * 0.1, np.zeros(self.units)
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T


class Named:
    """It wants a name first."""

    def __init__(self, name, n_in, n_out):
        self.name = name
        self.W, self.b = np.random.randn(n_in, n_out) * 0.1, np.zeros(n_out)

    def forward(self, x, training=True):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T


class Talkative:
    """It prints, and keeps its input in a list."""

    def __init__(self, n_inputs, n_neurons):
        print("a layer of", n_neurons)
        self.weights, self.biases = np.random.randn(n_inputs, n_neurons), np.zeros((1, n_neurons))
        self.history = []

    def forward(self, inputs):
        self.history.append(inputs)
        return inputs @ self.weights + self.biases

    def backward(self, dvalues):
        print("back")
        self.dweights = self.history[-1].T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        return dvalues @ self.weights.T


class Properties:
    """Parameters behind properties."""

    def __init__(self, n_in, n_out):
        self._theta = {"weight": np.random.randn(n_in, n_out), "bias": np.zeros(n_out)}
        self._grads = {}

    @property
    def weight(self):
        return self._theta["weight"]

    @weight.setter
    def weight(self, value):
        self._theta["weight"] = value

    @property
    def bias(self):
        return self._theta["bias"]

    @bias.setter
    def bias(self, value):
        self._theta["bias"] = value

    @property
    def grad_weight(self):
        return self._grads["weight"]

    @property
    def grad_bias(self):
        return self._grads["bias"]

    def forward(self, x):
        self._x = x
        return x @ self.weight + self.bias

    def backward(self, grad):
        self._grads = {"weight": self._x.T @ grad, "bias": grad.sum(axis=0)}
        return grad @ self.weight.T


class BiasOfOnes:
    """The bias of a convolution is (filters, 1, 1)."""

    def __init__(self, in_channels, num_filters, filter_size):
        shape = (num_filters, in_channels, filter_size, filter_size)
        self.filters, self.bias = np.random.randn(*shape) * 0.1, np.zeros((num_filters, 1, 1))

    def forward(self, x):
        k = self.filters.shape[2]
        self.x, self.view = x, np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))
        return np.einsum("nchwij,fcij->nfhw", self.view, self.filters) + self.bias

    def backward(self, grad):
        k, (h, w) = self.filters.shape[2], grad.shape[2:]
        self.dfilters = np.einsum("nchwij,nfhw->fcij", self.view, grad)
        self.dbias = grad.sum((0, 2, 3)).reshape(-1, 1, 1)
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(k, k):
            part = np.einsum("nfhw,fc->nchw", grad, self.filters[:, :, i, j])
            dx[:, :, i : i + h, j : j + w] += part
        return dx


class InputsFirst:
    """The weight of a convolution is (in, out, k, k)."""

    def __init__(self, in_channels, out_channels, kernel_size):
        self.W = np.random.randn(in_channels, out_channels, kernel_size, kernel_size) * 0.1
        self.b = np.zeros(out_channels)

    def forward(self, x):
        k = self.W.shape[2]
        self.x, self.view = x, np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))
        return np.einsum("nchwij,cfij->nfhw", self.view, self.W) + self.b[:, None, None]

    def backward(self, grad):
        k, (h, w) = self.W.shape[2], grad.shape[2:]
        self.dW = np.einsum("nchwij,nfhw->cfij", self.view, grad)
        self.db = grad.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(k, k):
            part = np.einsum("nfhw,cf->nchw", grad, self.W[:, :, i, j])
            dx[:, :, i : i + h, j : j + w] += part
        return dx


class SameAlways:
    """Three by three, padded so that the size stays: all built in."""

    def __init__(self, in_channels, out_channels):
        self.W = np.random.randn(out_channels, in_channels, 3, 3) * 0.1
        self.b = np.zeros(out_channels)

    def forward(self, x):
        self.x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        self.view = np.lib.stride_tricks.sliding_window_view(self.x, (3, 3), (2, 3))
        return np.einsum("nchwij,fcij->nfhw", self.view, self.W) + self.b[:, None, None]

    def backward(self, grad):
        h, w = grad.shape[2:]
        self.dW = np.einsum("nchwij,nfhw->fcij", self.view, grad)
        self.db = grad.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(3, 3):
            part = np.einsum("nfhw,fc->nchw", grad, self.W[:, :, i, j])
            dx[:, :, i : i + h, j : j + w] += part
        return dx[:, :, 1:-1, 1:-1]


class PaddingWords:
    """`padding` is "same" or "valid"."""

    def __init__(self, in_channels, out_channels, kernel_size, padding="valid"):
        self.k, self.padding = kernel_size, padding
        self.weights = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.bias = np.zeros(out_channels)

    def forward(self, x):
        around = self.k - 1 if self.padding == "same" else 0
        self.before = around // 2
        side = (around // 2, around - around // 2)
        self.shape, self.x = x.shape, np.pad(x, ((0, 0), (0, 0), side, side))
        self.view = np.lib.stride_tricks.sliding_window_view(self.x, (self.k, self.k), (2, 3))
        return np.einsum("nchwij,fcij->nfhw", self.view, self.weights) + self.bias[:, None, None]

    def backward(self, grad):
        h, w = grad.shape[2:]
        self.dweights = np.einsum("nchwij,nfhw->fcij", self.view, grad)
        self.dbias = grad.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(self.k, self.k):
            part = np.einsum("nfhw,fc->nchw", grad, self.weights[:, :, i, j])
            dx[:, :, i : i + h, j : j + w] += part
        at = slice(self.before, self.before + self.shape[2])
        return dx[:, :, at, self.before : self.before + self.shape[3]]


class MaxPool2x2:
    """Two by two, built in."""

    def forward(self, x):
        n, c, h, w = x.shape
        self.shape = x.shape
        cut = x[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2)
        self.tiles = cut.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
        return self.tiles.max(-1)

    def backward(self, grad):
        n, c, h, w = self.shape
        first = np.arange(4) == self.tiles.argmax(-1)[..., None]
        tiles = (first * grad[..., None]).reshape(n, c, h // 2, w // 2, 2, 2)
        dx = np.zeros(self.shape)
        inner = tiles.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2 * 2, w // 2 * 2)
        dx[:, :, : h // 2 * 2, : w // 2 * 2] = inner
        return dx


class BatchNormKept:
    """All arrays keep their axes: (1, c, 1, 1)."""

    def __init__(self, channels, momentum=0.1, eps=1e-5):
        self.gamma, self.beta = np.ones((1, channels, 1, 1)), np.zeros((1, channels, 1, 1))
        self.running_mean = np.zeros((1, channels, 1, 1))
        self.running_var = np.ones((1, channels, 1, 1))
        self.momentum, self.eps, self.is_train = momentum, eps, True

    def forward(self, x):
        if self.is_train:
            mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
            m = x.size / x.shape[1]
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * m / (m - 1) - self.running_var)
        else:
            mean, var = self.running_mean, self.running_var
        self.inv = 1 / np.sqrt(var + self.eps)
        self.xhat = (x - mean) * self.inv
        return self.gamma * self.xhat + self.beta

    def backward(self, grad):
        axes = (0, 2, 3)
        self.dgamma = (grad * self.xhat).sum(axes, keepdims=True)
        self.dbeta = grad.sum(axes, keepdims=True)
        g = grad * self.gamma
        mean, along = g.mean(axes, keepdims=True), (g * self.xhat).mean(axes, keepdims=True)
        return self.inv * (g - mean - self.xhat * along)


class BatchNormLast:
    """Images (n, h, w, c)."""

    def __init__(self, channels, momentum=0.1, eps=1e-5):
        self.gamma, self.beta = np.ones(channels), np.zeros(channels)
        self.running_mean, self.running_var = np.zeros(channels), np.ones(channels)
        self.momentum, self.eps = momentum, eps

    def forward(self, x, training=True):
        axes = (0, 1, 2)
        if training:
            mean, var = x.mean(axes), x.var(axes)
            m = x.size / x.shape[-1]
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            new = var * m / (m - 1)
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * new
        else:
            mean, var = self.running_mean, self.running_var
        self.inv = 1 / np.sqrt(var + self.eps)
        self.xhat = (x - mean) * self.inv
        return self.gamma * self.xhat + self.beta

    def backward(self, grad):
        axes = (0, 1, 2)
        self.dgamma, self.dbeta = (grad * self.xhat).sum(axes), grad.sum(axes)
        g = grad * self.gamma
        return self.inv * (g - g.mean(axes) - self.xhat * (g * self.xhat).mean(axes))


class LeakyBuiltIn:
    """A slope of 0.01, built in."""

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.01 * x)

    def backward(self, grad):
        return np.where(self.x > 0, grad, 0.01 * grad)


class GlobalMax:
    def forward(self, x):
        n, c = x.shape[:2]
        self.shape, flat = x.shape, x.reshape(n, c, -1)
        self.at = flat.argmax(2)
        return flat.max(2)

    def backward(self, grad):
        n, c, h, w = self.shape
        dx = np.zeros((n, c, h * w))
        np.put_along_axis(dx, self.at[:, :, None], grad[:, :, None], 2)
        return dx.reshape(self.shape)


class SigmoidOfScipy:
    def forward(self, x):
        from scipy.special import expit

        self.y = expit(x)
        return self.y

    def backward(self, grad):
        return grad * self.y * (1 - self.y)


class LossAndProbabilities:
    """forward gives the loss and the probabilities."""

    def forward(self, scores, y):
        shifted = scores - scores.max(axis=1, keepdims=True)
        exps = np.exp(shifted)
        total = exps.sum(axis=1, keepdims=True)
        self.probs, self.y = exps / total, y
        loss = (np.log(total[:, 0]) - shifted[np.arange(len(y)), y]).mean()
        return loss, self.probs

    def backward(self):
        grad = self.probs.copy()
        grad[np.arange(len(self.y)), self.y] -= 1
        return grad / len(self.y)


class SpatialDropout:
    """Whole channels."""

    def __init__(self, rate):
        self.rate, self.training = rate, True

    def forward(self, x):
        if not self.training:
            return x
        keep = np.random.rand(x.shape[0], x.shape[1], 1, 1) >= self.rate
        self.mask = keep / (1 - self.rate)
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask
