"""What is left of the tutorials: right and wrong by turns."""

import numpy as np


class SGDUpdateInside:
    """Right; a step method with a momentum of its own is beside the passes."""

    def __init__(self, n_in, n_out):
        self.weights, self.bias = np.random.randn(n_in, n_out) * 0.1, np.zeros((1, n_out))
        self.v_w, self.v_b = np.zeros_like(self.weights), np.zeros_like(self.bias)

    def forward(self, X, train=True):
        self.X = X
        return X @ self.weights + self.bias

    def backward(self, d_out):
        self.d_weights, self.d_bias = self.X.T @ d_out, d_out.sum(0, keepdims=True)
        return d_out @ self.weights.T

    def step(self, lr, mu=0.9):
        self.v_w = mu * self.v_w - lr * self.d_weights
        self.v_b = mu * self.v_b - lr * self.d_bias
        self.weights += self.v_w
        self.bias += self.v_b


class Clipped:
    """The gradient of the weight is clipped."""

    def __init__(self, n_in, n_out):
        self.weights, self.bias = np.random.randn(n_in, n_out) * 0.1, np.zeros(n_out)

    def forward(self, X):
        self.X = X
        return X @ self.weights + self.bias

    def backward(self, d_out):
        self.d_weights = np.clip(self.X.T @ d_out, -1, 1)
        self.d_bias = d_out.sum(0)
        return d_out @ self.weights.T


class Rounded:
    """Numbers are rounded to four places."""

    def __init__(self, n_in, n_out):
        self.weights, self.bias = np.random.randn(n_in, n_out) * 0.1, np.zeros(n_out)

    def forward(self, X):
        self.X = X
        return np.round(X @ self.weights + self.bias, 4)

    def backward(self, d_out):
        self.d_weights, self.d_bias = self.X.T @ d_out, d_out.sum(0)
        return d_out @ self.weights.T


class ForgetsToReturn:
    """forward computes, and returns nothing."""

    def __init__(self, n_in, n_out):
        self.weights, self.bias = np.random.randn(n_in, n_out) * 0.1, np.zeros(n_out)

    def forward(self, X):
        self.X = X
        X @ self.weights + self.bias

    def backward(self, d_out):
        self.d_weights, self.d_bias = self.X.T @ d_out, d_out.sum(0)
        return d_out @ self.weights.T


class SoftmaxLoss:
    """Right; `__call__` and `backward`, one number for each image is averaged."""

    def __call__(self, logits, labels):
        self.labels = labels
        z = logits - logits.max(axis=-1, keepdims=True)
        self.logp = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        return -np.mean([self.logp[i, label] for i, label in enumerate(labels)])

    def backward(self):
        p = np.exp(self.logp)
        for i, label in enumerate(self.labels):
            p[i, label] -= 1
        return p / len(self.labels)


class SoftmaxLossOneImage:
    """Only the last image's label is subtracted."""

    def __call__(self, logits, labels):
        self.labels = labels
        z = logits - logits.max(axis=-1, keepdims=True)
        self.logp = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        return -np.mean([self.logp[i, label] for i, label in enumerate(labels)])

    def backward(self):
        p = np.exp(self.logp)
        for i, label in enumerate(self.labels):
            one_hot = np.zeros_like(p)
            one_hot[i, label] = 1
        return (p - one_hot) / len(self.labels)


class BatchNormLate:
    """The standard deviation is kept for the variance."""

    def __init__(self, n_out, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(n_out), np.zeros(n_out)
        self.running_mean, self.running_var = np.zeros(n_out), np.ones(n_out)
        self.eps, self.momentum, self.training = eps, momentum, True

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.std(0)
        else:
            mean, var = self.running_mean, self.running_var
        self.std = np.sqrt(var + self.eps)
        self.xhat = (x - mean) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, grad):
        self.dgamma, self.dbeta = (grad * self.xhat).sum(0), grad.sum(0)
        g = grad * self.gamma
        return (g - g.mean(0) - self.xhat * (g * self.xhat).mean(0)) / self.std


class PoolAverage:
    """Right; padding counts, as in PyTorch."""

    def __init__(self, kernel_size, stride, padding=0):
        self.k, self.s, self.p = kernel_size, stride, padding

    def forward(self, x):
        k, s, p = self.k, self.s, self.p
        self.shape = x.shape
        self.wide = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        view = np.lib.stride_tricks.sliding_window_view(self.wide, (k, k), (2, 3))
        return view[:, :, ::s, ::s].mean((4, 5))

    def backward(self, grad):
        k, s, p = self.k, self.s, self.p
        dx, (h, w) = np.zeros(self.wide.shape), grad.shape[2:]
        for i, j in np.ndindex(k, k):
            dx[:, :, i : i + s * h : s, j : j + s * w : s] += grad / (k * k)
        return dx[:, :, p : p + self.shape[2], p : p + self.shape[3]]


class PoolAverageReal:
    """Padding does not count."""

    def __init__(self, kernel_size, stride, padding=0):
        self.k, self.s, self.p = kernel_size, stride, padding

    def count(self, shape):
        k, s, p = self.k, self.s, self.p
        ones = np.pad(np.ones(shape[2:]), ((p, p), (p, p)))
        view = np.lib.stride_tricks.sliding_window_view(ones, (k, k))
        return view[::s, ::s].sum((2, 3))

    def forward(self, x):
        k, s, p = self.k, self.s, self.p
        self.shape, self.n = x.shape, self.count(x.shape)
        self.wide = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        view = np.lib.stride_tricks.sliding_window_view(self.wide, (k, k), (2, 3))
        return view[:, :, ::s, ::s].sum((4, 5)) / self.n

    def backward(self, grad):
        k, s, p = self.k, self.s, self.p
        dx, (h, w) = np.zeros(self.wide.shape), grad.shape[2:]
        for i, j in np.ndindex(k, k):
            dx[:, :, i : i + s * h : s, j : j + s * w : s] += grad / self.n
        return dx[:, :, p : p + self.shape[2], p : p + self.shape[3]]


class ReluOfGradient:
    """Guided: negative gradients are masked as well."""

    def forward(self, x):
        self.x = x
        return np.maximum(0, x)

    def backward(self, grad):
        return np.maximum(0, grad) * (self.x > 0)


def dropout_forward(x, dropout_param):
    """Right; p is the probability to drop, mode is train or test."""
    p, mode = dropout_param["p"], dropout_param["mode"]
    mask = None
    if mode == "train":
        mask = (np.random.rand(*x.shape) >= p) / (1 - p)
        out = x * mask
    else:
        out = x
    return out, (dropout_param, mask)


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    return dout * mask if dropout_param["mode"] == "train" else dout


def tanh_forward(x):
    out = np.tanh(x)
    return out, out


def tanh_backward(dout, cache):
    return dout * (1 - cache**2)


def layernorm_forward(x, gamma, beta, ln_param):
    """Right."""
    eps = ln_param.get("eps", 1e-5)
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    xhat = (x - mean) / np.sqrt(var + eps)
    return gamma * xhat + beta, (xhat, gamma, np.sqrt(var + eps))


def layernorm_backward(dout, cache):
    xhat, gamma, std = cache
    dgamma, dbeta = np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)
    g = dout * gamma
    mean, along = g.mean(axis=1, keepdims=True), (g * xhat).mean(axis=1, keepdims=True)
    return (g - mean - xhat * along) / std, dgamma, dbeta


def maxpool_forward(x, pool_param):
    """Right, as far as it goes: nobody wrote its backward pass."""
    k, s = pool_param["pool_height"], pool_param["stride"]
    view = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))[:, :, ::s, ::s]
    return view.max(axis=(4, 5)), (x, pool_param)
