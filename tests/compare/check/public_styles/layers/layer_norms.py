"""Layer norms, mostly of transformers' authors."""

import numpy as np


class LayerNorm:
    """Right; over the features of each row."""

    def __init__(self, normalized_shape, eps=1e-5):
        self.gamma, self.beta = np.ones(normalized_shape), np.zeros(normalized_shape)
        self.eps = eps

    def forward(self, x):
        self.mean, self.var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        self.x_hat = (x - self.mean) / np.sqrt(self.var + self.eps)
        return self.gamma * self.x_hat + self.beta

    def backward(self, dout):
        self.dgamma, self.dbeta = (dout * self.x_hat).sum(0), dout.sum(0)
        dx_hat = dout * self.gamma
        n = dout.shape[-1]
        total = dx_hat.sum(-1, keepdims=True)
        along = (dx_hat * self.x_hat).sum(-1, keepdims=True)
        return (n * dx_hat - total - self.x_hat * along) / n / np.sqrt(self.var + self.eps)


class LayerNormUnbiased:
    """By the standard deviation over n - 1, and eps outside of the root."""

    def __init__(self, features, eps=1e-5):
        self.a, self.b, self.eps = np.ones(features), np.zeros(features), eps

    def forward(self, x):
        self.centred = x - x.mean(-1, keepdims=True)
        self.n = x.shape[-1]
        self.s = np.sqrt((self.centred**2).sum(-1, keepdims=True) / (self.n - 1))
        self.std = self.s + self.eps
        return self.a * self.centred / self.std + self.b

    def backward(self, g):
        self.da, self.db = (g * self.centred / self.std).sum(0), g.sum(0)
        g = g * self.a
        dstd = -(g * self.centred).sum(-1, keepdims=True) / self.std**2
        dc = g / self.std + dstd * self.centred / ((self.n - 1) * self.s)
        return dc - dc.mean(-1, keepdims=True)


class LayerNormOverBatch:
    """The mean runs over the batch."""

    def __init__(self, dim, eps=1e-5):
        self.weight, self.bias, self.eps = np.ones(dim), np.zeros(dim), eps

    def forward(self, x):
        mean, var = x.mean(0), x.var(0)
        self.std = np.sqrt(var + self.eps)
        self.xhat = (x - mean) / self.std
        return self.weight * self.xhat + self.bias

    def backward(self, g):
        self.weight_grad, self.bias_grad = (g * self.xhat).sum(0), g.sum(0)
        g = g * self.weight
        return (g - g.mean(0) - self.xhat * (g * self.xhat).mean(0)) / self.std
