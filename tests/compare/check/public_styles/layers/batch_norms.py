"""Batch norms of many hands."""

import numpy as np


class KerasBatchNorm:
    """Running statistics by the biased variance; `momentum` is the share of the old ones."""

    def __init__(self, features, momentum=0.9, epsilon=1e-5):
        self.momentum, self.epsilon = momentum, epsilon
        self.gamma, self.beta = np.ones(features), np.zeros(features)
        self.moving_mean, self.moving_variance = np.zeros(features), np.ones(features)

    def forward(self, x, training=True):
        if not training:
            scale = self.gamma / np.sqrt(self.moving_variance + self.epsilon)
            return (x - self.moving_mean) * scale + self.beta
        self.mu, self.var = x.mean(axis=0), x.var(axis=0)
        keep = self.momentum
        self.moving_mean = keep * self.moving_mean + (1 - keep) * self.mu
        self.moving_variance = keep * self.moving_variance + (1 - keep) * self.var
        self.inv = 1 / np.sqrt(self.var + self.epsilon)
        self.xhat = (x - self.mu) * self.inv
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        m = len(dout)
        self.dgamma, self.dbeta = (dout * self.xhat).sum(0), dout.sum(0)
        dxhat = dout * self.gamma
        return self.inv / m * (m * dxhat - dxhat.sum(0) - self.xhat * (dxhat * self.xhat).sum(0))


class ByHand:
    """Right; the chain rule step by step, statistics made on the first pass."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = np.ones(num_features), np.zeros(num_features)
        self.running_mean = self.running_var = None
        self.mode = "train"

    def forward(self, x):
        if self.running_mean is None:
            self.running_mean, self.running_var = np.zeros(x.shape[1]), np.ones(x.shape[1])
        if self.mode == "test":
            x_hat = (x - self.running_mean) / np.sqrt(self.running_var + self.eps)
            return x_hat * self.weight + self.bias
        n = x.shape[0]
        self.mean = x.sum(axis=0) / n
        self.xmu = x - self.mean
        self.var = (self.xmu**2).sum(axis=0) / n
        self.sqrtvar = np.sqrt(self.var + self.eps)
        self.ivar = 1.0 / self.sqrtvar
        self.xhat = self.xmu * self.ivar
        m = self.momentum
        self.running_mean = (1 - m) * self.running_mean + m * self.mean
        self.running_var = (1 - m) * self.running_var + m * self.var * n / (n - 1)
        return self.xhat * self.weight + self.bias

    def backward(self, dout):
        n = dout.shape[0]
        self.grad_bias = dout.sum(axis=0)
        self.grad_weight = (dout * self.xhat).sum(axis=0)
        dxhat = dout * self.weight
        divar = (dxhat * self.xmu).sum(axis=0)
        dxmu1 = dxhat * self.ivar
        dsqrtvar = -1.0 / (self.sqrtvar**2) * divar
        dvar = 0.5 / np.sqrt(self.var + self.eps) * dsqrtvar
        dxmu2 = 2 * self.xmu * np.ones_like(dout) / n * dvar
        dx1 = dxmu1 + dxmu2
        dmu = -dx1.sum(axis=0)
        return dx1 + np.ones_like(dout) / n * dmu


class Both:
    """Right; images and features alike, the flag is an attribute."""

    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(channels), np.zeros(channels)
        self.running_mean, self.running_var = np.zeros(channels), np.ones(channels)
        self.eps, self.momentum, self.training = eps, momentum, True

    def over(self, v):
        return v.reshape((1, -1) + (1,) * (self.ndim - 2))

    def forward(self, x):
        self.ndim = x.ndim
        self.axes = (0, *range(2, x.ndim))
        if self.training:
            mean, var = x.mean(self.axes), x.var(self.axes)
            count = x.size / x.shape[1]
            for running, new in (
                (self.running_mean, mean),
                (self.running_var, var * count / (count - 1)),
            ):
                running *= 1 - self.momentum
                running += self.momentum * new
        else:
            mean, var = self.running_mean, self.running_var
        self.std = np.sqrt(var + self.eps)
        self.xhat = (x - self.over(mean)) / self.over(self.std)
        return self.over(self.gamma) * self.xhat + self.over(self.beta)

    def backward(self, g):
        self.dgamma, self.dbeta = (g * self.xhat).sum(self.axes), g.sum(self.axes)
        g = g * self.over(self.gamma)
        centred = g - g.mean(self.axes, keepdims=True)
        return (centred - self.xhat * (g * self.xhat).mean(self.axes, keepdims=True)) / self.over(
            self.std
        )


class UpdatesAtTest:
    """Evaluation goes by the running statistics, and updates them by what it sees."""

    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(channels), np.zeros(channels)
        self.running_mean, self.running_var = np.zeros(channels), np.ones(channels)
        self.eps, self.momentum = eps, momentum

    def forward(self, x, train=True):
        mu, var = x.mean(0), x.var(0)
        m = self.momentum
        self.running_mean = (1 - m) * self.running_mean + m * mu
        self.running_var = (1 - m) * self.running_var + m * x.var(0, ddof=1)
        if not train:
            mu, var = self.running_mean, self.running_var
        self.std = np.sqrt(var + self.eps)
        self.xhat = (x - mu) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, g):
        self.dgamma, self.dbeta = (g * self.xhat).sum(0), g.sum(0)
        g = g * self.gamma
        return (g - g.mean(0) - self.xhat * (g * self.xhat).mean(0)) / self.std


class EachImage:
    """Images: mean and variance of each image's channel, as in an instance norm."""

    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones((1, channels, 1, 1)), np.zeros((1, channels, 1, 1))
        self.running_mean = np.zeros((1, channels, 1, 1))
        self.running_var = np.ones((1, channels, 1, 1))
        self.eps, self.momentum = eps, momentum

    def forward(self, x, training=True):
        if training:
            mean, var = x.mean((2, 3), keepdims=True), x.var((2, 3), keepdims=True)
            m, count = self.momentum, x.size / x.shape[1]
            whole = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
            self.running_mean = (1 - m) * self.running_mean + m * whole[0]
            self.running_var = (1 - m) * self.running_var + m * whole[1] * count / (count - 1)
        else:
            mean, var = self.running_mean, self.running_var
        self.std = np.sqrt(var + self.eps)
        self.xhat = (x - mean) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, g):
        axes = (0, 2, 3)
        self.dgamma = (g * self.xhat).sum(axes, keepdims=True)
        self.dbeta = g.sum(axes, keepdims=True)
        g = g * self.gamma
        mean, along = g.mean((2, 3), keepdims=True), (g * self.xhat).mean((2, 3), keepdims=True)
        return (g - mean - self.xhat * along) / self.std
