"""Layers of a library of many algorithms: shapes are set from outside, then `initialize`."""

import math

import numpy as np


class Layer:
    def set_input_shape(self, shape):
        self.input_shape = shape

    def layer_name(self):
        return self.__class__.__name__

    def parameters(self):
        return 0

    def forward_pass(self, X, training):
        raise NotImplementedError()

    def backward_pass(self, accum_grad):
        raise NotImplementedError()

    def output_shape(self):
        raise NotImplementedError()


class Dense(Layer):
    def __init__(self, n_units, input_shape=None):
        self.layer_input = None
        self.input_shape = input_shape
        self.n_units = n_units
        self.trainable = True
        self.W = None
        self.w0 = None

    def initialize(self):
        limit = 1 / math.sqrt(self.input_shape[0])
        self.W = np.random.uniform(-limit, limit, (self.input_shape[0], self.n_units))
        self.w0 = np.zeros((1, self.n_units))

    def parameters(self):
        return np.prod(self.W.shape) + np.prod(self.w0.shape)

    def forward_pass(self, X, training=True):
        self.layer_input = X
        return X.dot(self.W) + self.w0

    def backward_pass(self, accum_grad):
        self.grad_w = self.layer_input.T.dot(accum_grad)
        self.grad_w0 = np.sum(accum_grad, axis=0, keepdims=True)
        return accum_grad.dot(self.W.T)

    def output_shape(self):
        return (self.n_units,)


class BatchNormalization(Layer):
    def __init__(self, num_features, momentum=0.1, eps=1e-5):
        self.momentum, self.eps = momentum, eps
        self.running_mean = None
        self.running_var = None
        self.gamma, self.beta = np.ones((1, num_features)), np.zeros((1, num_features))

    def forward_pass(self, X, training=True):
        if self.running_mean is None:
            self.running_mean = np.zeros((1, X.shape[1]))
            self.running_var = np.ones((1, X.shape[1]))
        if training:
            mean, var = np.mean(X, axis=0, keepdims=True), np.var(X, axis=0, keepdims=True)
            n = len(X)
            new_var = var * n / (n - 1)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * new_var
        else:
            mean, var = self.running_mean, self.running_var
        self.X_centered = X - mean
        self.stddev_inv = 1 / np.sqrt(var + self.eps)
        return self.gamma * self.X_centered * self.stddev_inv + self.beta

    def backward_pass(self, accum_grad):
        gamma = self.gamma
        X_norm = self.X_centered * self.stddev_inv
        self.grad_gamma = np.sum(accum_grad * X_norm, axis=0, keepdims=True)
        self.grad_beta = np.sum(accum_grad, axis=0, keepdims=True)
        n = accum_grad.shape[0]
        return (
            (1 / n)
            * gamma
            * self.stddev_inv
            * (
                n * accum_grad
                - np.sum(accum_grad, axis=0)
                - self.X_centered
                * self.stddev_inv**2
                * np.sum(accum_grad * self.X_centered, axis=0)
            )
        )


class Dropout(Layer):
    def __init__(self, p=0.2):
        self.p = p
        self._mask = None

    def forward_pass(self, X, training=True):
        c = 1 - self.p
        if training:
            self._mask = np.random.uniform(size=X.shape) > self.p
            c = self._mask
        return X * c

    def backward_pass(self, accum_grad):
        return accum_grad * self._mask


class Flatten(Layer):
    def __init__(self, input_shape=None):
        self.prev_shape = None
        self.input_shape = input_shape

    def forward_pass(self, X, training=True):
        self.prev_shape = X.shape
        return X.reshape((X.shape[0], -1))

    def backward_pass(self, accum_grad):
        return accum_grad.reshape(self.prev_shape)


class PoolingLayer(Layer):
    def __init__(self, pool_shape=(2, 2), stride=1):
        self.pool_shape, self.stride = pool_shape, stride

    def forward_pass(self, X, training=True):
        self.layer_input = X
        (ph, pw), s = self.pool_shape, self.stride
        b, c, h, w = X.shape
        out = np.zeros((b, c, (h - ph) // s + 1, (w - pw) // s + 1))
        for i, j in np.ndindex(out.shape[2:]):
            out[:, :, i, j] = self.pool(X[:, :, i * s : i * s + ph, j * s : j * s + pw])
        return out


class AveragePooling2D(PoolingLayer):
    def pool(self, windows):
        return windows.mean(axis=(2, 3))

    def backward_pass(self, accum_grad):
        (ph, pw), s = self.pool_shape, self.stride
        back = np.zeros(self.layer_input.shape)
        for i, j in np.ndindex(accum_grad.shape[2:]):
            share = accum_grad[:, :, i, j, None, None] / (ph * pw)
            back[:, :, i * s : i * s + ph, j * s : j * s + pw] += share
        return back


class Sigmoid(Layer):
    def forward_pass(self, X, training=True):
        self.X = X
        return 1 / (1 + np.exp(-X))

    def backward_pass(self, accum_grad):
        y = 1 / (1 + np.exp(-self.X))
        return accum_grad * y * (1 - y)


class TanH(Layer):
    def forward_pass(self, X, training=True):
        self.X = X
        return 2 / (1 + np.exp(-2 * X)) - 1

    def backward_pass(self, accum_grad):
        return accum_grad * (1 - self.X**2)
