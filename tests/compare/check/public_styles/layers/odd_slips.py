"""Layers with habits of their own, each with one slip."""

import numpy as np


class BiasColumnMean:
    """The bias is a column; its gradient is a mean."""

    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_out, n_in) * 0.1, np.zeros((n_out, 1))

    def forward(self, x):
        self.x = x
        return (self.W @ x.T + self.b).T

    def backward(self, grad):
        self.dW = grad.T @ self.x
        self.db = grad.T.mean(axis=1, keepdims=True)
        return (self.W.T @ grad.T).T


class LazyEachTime:
    """Weights are made anew in each pass."""

    def __init__(self, units):
        self.units = units
        self.W = self.b = None

    def forward(self, x):
        if self.W is None or len(x) != len(self.x):
            self.W, self.b = np.random.randn(x.shape[1], self.units) * 0.1, np.zeros(self.units)
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T


class HistoryFirst:
    """The backward pass takes the first input that was kept, not the last."""

    def __init__(self, n_inputs, n_neurons):
        self.weights, self.biases = np.random.randn(n_inputs, n_neurons), np.zeros((1, n_neurons))
        self.history = []

    def forward(self, inputs):
        self.history.append(inputs)
        return inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.history[0].T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        return dvalues @ self.weights.T


class InputsFirstMixed:
    """The weight is (in, out, k, k); the input gradient takes it with its sides turned."""

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
            part = np.einsum("nfhw,cf->nchw", grad, self.W[:, :, j, i])
            dx[:, :, i : i + h, j : j + w] += part
        return dx


class PadOnce:
    """The padding is put at the bottom and the right alone, twice as wide."""

    def __init__(self, in_channels, out_channels, kernel_size, padding=0):
        self.k, self.p = kernel_size, padding
        self.weights = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.bias = np.zeros(out_channels)

    def forward(self, x):
        self.shape = x.shape
        self.x = np.pad(x, ((0, 0), (0, 0), (0, 2 * self.p), (0, 2 * self.p)))
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
        return dx[:, :, : self.shape[2], : self.shape[3]]


class MaxPoolFlat:
    """The place of a maximum is read with the height of the kernel where its width is meant."""

    def __init__(self, pool_size=(2, 2), stride=2):
        self.pool_size, self.stride = pool_size, stride

    def forward(self, x):
        (kh, kw), s = self.pool_size, self.stride
        self.shape = x.shape
        view = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (2, 3))[:, :, ::s, ::s]
        flat = view.reshape(*view.shape[:4], kh * kw)
        self.at = flat.argmax(-1)
        return flat.max(-1)

    def backward(self, grad):
        (kh, kw), s = self.pool_size, self.stride
        dx = np.zeros(self.shape)
        for n, c, i, j in np.ndindex(*grad.shape):
            a, b = divmod(self.at[n, c, i, j], kh)
            dx[n, c, min(i * s + a, dx.shape[2] - 1), min(j * s + b, dx.shape[3] - 1)] += grad[
                n, c, i, j
            ]
        return dx


class BatchNormLastAxes:
    """Images (n, h, w, c); the gradient's means are divided by the batch size alone."""

    def __init__(self, channels, momentum=0.1, eps=1e-5):
        self.gamma, self.beta = np.ones((1, channels, 1, 1)), np.zeros((1, channels, 1, 1))
        self.running_mean = np.zeros((1, channels, 1, 1))
        self.running_var = np.ones((1, channels, 1, 1))
        self.momentum, self.eps = momentum, eps

    def forward(self, x, training=True):
        axes = (0, 2, 3)
        if training:
            mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
            m = x.size / x.shape[1]
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * m / (m - 1) - self.running_var)
        else:
            mean, var = self.running_mean, self.running_var
        self.inv = 1 / np.sqrt(var + self.eps)
        self.xhat = (x - mean) * self.inv
        return self.gamma * self.xhat + self.beta

    def backward(self, grad):
        axes, n = (0, 2, 3), len(grad)
        self.dgamma = (grad * self.xhat).sum(axes, keepdims=True)
        self.dbeta = grad.sum(axes, keepdims=True)
        g = grad * self.gamma
        total, along = g.sum(axes, keepdims=True), (g * self.xhat).sum(axes, keepdims=True)
        return self.inv * (g - total / n - self.xhat * along / n)


class LeakyGradient:
    """The derivative below 0 is that of another slope."""

    def __init__(self, alpha=0.01):
        self.alpha = alpha

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, grad):
        return np.where(self.x > 0, grad, 0.1 * grad)


class GlobalMaxTies:
    def forward(self, x):
        self.x, self.y = x, x.max((2, 3), keepdims=True)
        return self.y[:, :, 0, 0]

    def backward(self, grad):
        return (self.x == self.y) * grad[:, :, None, None]


class SigmoidOverflow:
    """exp(x) / (1 + exp(x)): inf / inf where x is large."""

    def forward(self, x):
        self.y = np.exp(x) / (1 + np.exp(x))
        return self.y

    def backward(self, grad):
        return grad * self.y * (1 - self.y)


class SoftmaxOverflow:
    """Nothing is subtracted before exp."""

    def forward(self, x):
        e = np.exp(x)
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, grad):
        return self.p * (grad - (grad * self.p).sum(axis=1, keepdims=True))


class LossOfSumOfProbabilities:
    """The gradient is that of the loss, minus the label at every class."""

    def forward(self, scores, y):
        shifted = scores - scores.max(axis=1, keepdims=True)
        exps = np.exp(shifted)
        total = exps.sum(axis=1, keepdims=True)
        self.probs, self.y = exps / total, y
        return (np.log(total[:, 0]) - shifted[np.arange(len(y)), y]).mean()

    def backward(self):
        grad = self.probs.copy()
        grad[:, self.y] -= 1
        return grad / len(self.y)


class ConvGradientFull:
    """The input gradient lacks the sum over filters: the last one's alone."""

    def __init__(self, in_channels, out_channels, kernel_size):
        self.W = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.b = np.zeros(out_channels)

    def forward(self, x):
        k = self.W.shape[2]
        self.x, self.view = x, np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))
        return np.einsum("nchwij,fcij->nfhw", self.view, self.W) + self.b[:, None, None]

    def backward(self, grad):
        k, (h, w) = self.W.shape[2], grad.shape[2:]
        self.dW = np.einsum("nchwij,nfhw->fcij", self.view, grad)
        self.db = grad.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for f in range(len(self.W)):
            dx = np.zeros_like(self.x)
            for i, j in np.ndindex(k, k):
                part = np.einsum("nhw,c->nchw", grad[:, f], self.W[f, :, i, j])
                dx[:, :, i : i + h, j : j + w] += part
        return dx


class FlattenMixed:
    """Features are transposed, then reshaped: images are mixed."""

    def forward(self, x):
        self.shape = x.shape
        return x.T.reshape(len(x), -1)

    def backward(self, grad):
        return grad.reshape(self.shape[::-1]).T
