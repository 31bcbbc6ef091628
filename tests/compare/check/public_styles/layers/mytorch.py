"""A course's own torch: A and Z, dLdA and dLdZ."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        self.A = A
        self.N = A.shape[0]
        self.Ones = np.ones((self.N, 1))
        return self.A @ self.W.T + self.Ones @ self.b.T

    def backward(self, dLdZ):
        dLdA = dLdZ @ self.W
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = dLdZ.T @ self.Ones
        if self.debug:
            self.dLdA = dLdA
        return dLdA


class LinearOfMean:
    """The gradients are divided by N, and the loss's are so already."""

    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))

    def forward(self, A):
        self.A = A
        self.N = A.shape[0]
        self.Ones = np.ones((self.N, 1))
        return self.A @ self.W.T + self.Ones @ self.b.T

    def backward(self, dLdZ):
        self.dLdW = dLdZ.T @ self.A / self.N
        self.dLdb = dLdZ.T @ self.Ones / self.N
        return dLdZ @ self.W


class Sigmoid:
    def forward(self, Z):
        self.A = 1 / (1 + np.exp(-Z))
        return self.A

    def backward(self, dLdA):
        dAdZ = self.A - self.A * self.A
        return dLdA * dAdZ


class Tanh:
    def forward(self, Z):
        self.A = np.tanh(Z)
        return self.A

    def backward(self, dLdA):
        return dLdA * (1 - self.A * self.A)


class ReLU:
    def forward(self, Z):
        self.A = np.maximum(0, Z)
        return self.A

    def backward(self, dLdA):
        dAdZ = np.where(self.A >= 0, 1, 0)
        return dLdA * dAdZ


class Conv2d_stride1:
    def __init__(self, in_channels, out_channels, kernel_size, weight_init_fn=None):
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = kernel_size
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.W = (
            np.random.normal(0, 1.0, shape) if weight_init_fn is None else weight_init_fn(shape)
        )
        self.b = np.zeros(out_channels)
        self.dLdW, self.dLdb = np.zeros(self.W.shape), np.zeros(self.b.shape)

    def forward(self, A):
        self.A = A
        K = self.kernel_size
        H, W = A.shape[2] - K + 1, A.shape[3] - K + 1
        Z = np.zeros((A.shape[0], self.out_channels, H, W))
        for h in range(H):
            for w in range(W):
                patch = A[:, :, h : h + K, w : w + K]
                Z[:, :, h, w] = np.tensordot(patch, self.W, axes=([1, 2, 3], [1, 2, 3]))
        return Z + self.b[None, :, None, None]

    def backward(self, dLdZ):
        K = self.kernel_size
        H, W = dLdZ.shape[2:]
        self.dLdb = dLdZ.sum(axis=(0, 2, 3))
        for i in range(K):
            for j in range(K):
                patch = self.A[:, :, i : i + H, j : j + W]
                self.dLdW[:, :, i, j] = np.tensordot(dLdZ, patch, axes=([0, 2, 3], [0, 2, 3]))
        padded = np.pad(dLdZ, ((0, 0), (0, 0), (K - 1, K - 1), (K - 1, K - 1)))
        flipped = np.flip(self.W, axis=(2, 3))
        dLdA = np.zeros_like(self.A)
        for h in range(dLdA.shape[2]):
            for w in range(dLdA.shape[3]):
                patch = padded[:, :, h : h + K, w : w + K]
                dLdA[:, :, h, w] = np.tensordot(patch, flipped, axes=([1, 2, 3], [0, 2, 3]))
        return dLdA


class Conv2dUnflipped(Conv2d_stride1):
    """The kernel is not flipped for the gradient of the input."""

    def backward(self, dLdZ):
        dLdA = super().backward(dLdZ)
        K = self.kernel_size
        padded = np.pad(dLdZ, ((0, 0), (0, 0), (K - 1, K - 1), (K - 1, K - 1)))
        for h in range(dLdA.shape[2]):
            for w in range(dLdA.shape[3]):
                patch = padded[:, :, h : h + K, w : w + K]
                dLdA[:, :, h, w] = np.tensordot(patch, self.W, axes=([1, 2, 3], [0, 2, 3]))
        return dLdA


class MeanPool2d_stride1:
    def __init__(self, kernel):
        self.kernel = kernel

    def forward(self, A):
        self.A = A
        K = self.kernel
        Z = np.zeros((*A.shape[:2], A.shape[2] - K + 1, A.shape[3] - K + 1))
        for h in range(Z.shape[2]):
            for w in range(Z.shape[3]):
                Z[:, :, h, w] = np.mean(A[:, :, h : h + K, w : w + K], axis=(2, 3))
        return Z

    def backward(self, dLdZ):
        K = self.kernel
        dLdA = np.zeros_like(self.A)
        for h in range(dLdZ.shape[2]):
            for w in range(dLdZ.shape[3]):
                dLdA[:, :, h : h + K, w : w + K] += dLdZ[:, :, h : h + 1, w : w + 1] / (K * K)
        return dLdA


class CrossEntropyLoss:
    """Right; one-hot labels."""

    def forward(self, A, Y):
        self.A, self.Y = A, Y
        self.N, self.C = A.shape
        top = A.max(axis=1, keepdims=True)
        self.softmax = np.exp(A - top) / np.exp(A - top).sum(axis=1, keepdims=True)
        log = A - top - np.log(np.exp(A - top).sum(axis=1, keepdims=True))
        return -(Y * log).sum() / self.N

    def backward(self):
        return (self.softmax - self.Y) / self.N
