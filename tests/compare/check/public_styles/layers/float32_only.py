"""Everything in single precision, whatever comes in."""

import numpy as np

DTYPE = np.float32


class Dense:
    def __init__(self, input_dim, output_dim):
        self.W = (np.random.randn(input_dim, output_dim) * np.sqrt(2.0 / input_dim)).astype(DTYPE)
        self.b = np.zeros(output_dim, dtype=DTYPE)

    def forward(self, x):
        self.x = x.astype(DTYPE)
        return self.x @ self.W.astype(DTYPE) + self.b.astype(DTYPE)

    def backward(self, dy):
        dy = dy.astype(DTYPE)
        self.dW = self.x.T @ dy
        self.db = dy.sum(axis=0)
        return dy @ self.W.astype(DTYPE).T


class DenseInt:
    """Sums up in an array of whole numbers."""

    def __init__(self, input_dim, output_dim):
        self.W = (np.random.randn(input_dim, output_dim) * np.sqrt(2.0 / input_dim)).astype(DTYPE)
        self.b = np.zeros(output_dim, dtype=DTYPE)

    def forward(self, x):
        self.x = x.astype(DTYPE)
        return self.x @ self.W.astype(DTYPE) + self.b.astype(DTYPE)

    def backward(self, dy):
        dy = dy.astype(DTYPE)
        self.dW = self.x.T @ dy
        self.db = np.zeros(dy.shape[1], dtype=int)
        for row in dy:
            self.db += row.astype(int)
        return dy @ self.W.astype(DTYPE).T


class AvgPool:
    def __init__(self, kernel, stride):
        self.kernel, self.stride = kernel, stride

    def forward(self, x):
        k, s = self.kernel, self.stride
        self.shape = n, c, h, w = x.shape
        y = np.zeros((n, c, (h - k) // s + 1, (w - k) // s + 1), dtype=DTYPE)
        for i in range(y.shape[2]):
            for j in range(y.shape[3]):
                window = x[:, :, i * s : i * s + k, j * s : j * s + k].astype(DTYPE)
                y[:, :, i, j] = window.mean(axis=(2, 3))
        return y

    def backward(self, dy):
        k, s = self.kernel, self.stride
        dx = np.zeros(self.shape, dtype=DTYPE)
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                part = dy[:, :, i : i + 1, j : j + 1].astype(DTYPE)
                dx[:, :, i * s : i * s + k, j * s : j * s + k] += part / DTYPE(k * k)
        return dx


class GlobalMaxPool:
    def forward(self, x):
        self.shape = x.shape
        flat = x.astype(DTYPE).reshape(x.shape[0], x.shape[1], -1)
        self.where = flat.argmax(axis=2)
        return flat.max(axis=2)[:, :, None, None]

    def backward(self, dy):
        n, c = self.shape[:2]
        dx = np.zeros((n, c, self.shape[2] * self.shape[3]), dtype=DTYPE)
        np.put_along_axis(dx, self.where[:, :, None], dy.reshape(n, c, 1).astype(DTYPE), axis=2)
        return dx.reshape(self.shape)
