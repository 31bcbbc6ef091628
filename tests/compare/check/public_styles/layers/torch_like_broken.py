"""The same manner, from a repository that nobody has tested."""

import numpy as np


class Tensor:
    def __init__(self, data):
        self.data, self.grad = np.asarray(data), None


class Module:
    training = True

    def train(self):
        self.training = True

    def eval(self):
        self.training = False


class Linear(Module):
    def __init__(self, in_features, out_features):
        self.weight = Tensor(np.random.randn(out_features, in_features) * 0.1)
        self.bias = Tensor(np.zeros(out_features))

    def forward(self, x):
        self.x = x
        return x @ self.weight.data.T + self.bias.data[0]

    def backward(self, grad):
        self.weight.grad = grad.T @ self.x
        self.bias.grad = grad.sum(0)
        return grad @ self.weight.data


class Conv2d(Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        kh, kw = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
        self.weight = Tensor(np.random.randn(out_channels, in_channels, kh, kw) * 0.1)
        self.bias = Tensor(np.zeros(out_channels))
        self.stride, self.padding = stride, padding

    def forward(self, x):
        p, s = self.padding, self.stride
        kh, kw = self.weight.data.shape[2:]
        self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        oh, ow = (self.x.shape[2] - kh) // s + 1, (self.x.shape[3] - kw) // s + 1
        y = np.zeros((len(x), len(self.weight.data), oh, ow))
        for i in range(oh):
            for j in range(ow):
                window = self.x[:, :, i * s : i * s + kh, j * s : j * s + kw]
                y[:, :, i, j] = np.tensordot(window, self.weight.data, ((1, 2, 3), (1, 2, 3)))
        return y + self.bias.data[None, :, None, None]

    def backward(self, grad):
        p, s = self.padding, self.stride
        kh, kw = self.weight.data.shape[2:]
        self.weight.grad = np.zeros_like(self.weight.data)
        self.bias.grad = grad.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for i in range(grad.shape[2]):
            for j in range(grad.shape[3]):
                at = (..., slice(i * s, i * s + kh), slice(j * s, j * s + kw))
                self.weight.grad += np.tensordot(grad[:, :, i, j], self.x[at], (0, 0))
                dx[at] += np.tensordot(grad[:, :, i, j], self.weight.data, (1, 0))
        height, width = dx.shape[2] - 2 * p, dx.shape[3] - 2 * p
        return dx[:, :, :height, :width]


class BatchNorm2d(Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.weight, self.bias = Tensor(np.ones(num_features)), Tensor(np.zeros(num_features))
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.eps, self.momentum = eps, momentum

    def forward(self, x):
        if self.training:
            mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
            m = x.size // x.shape[1]
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * m / (m - 1) - self.running_var)
            self.std = np.sqrt(var + self.eps)[:, None, None]
        else:
            mean = self.running_mean
            self.std = (self.running_var + self.eps)[:, None, None]
        self.xhat = (x - mean[:, None, None]) / self.std
        return self.weight.data[:, None, None] * self.xhat + self.bias.data[:, None, None]

    def backward(self, grad):
        axes = (0, 2, 3)
        self.weight.grad, self.bias.grad = (grad * self.xhat).sum(axes), grad.sum(axes)
        g = grad * self.weight.data[:, None, None]
        mean, along = g.mean(axes, keepdims=True), (g * self.xhat).mean(axes, keepdims=True)
        return (g - mean - self.xhat * along) / self.std


class Dropout(Module):
    def __init__(self, p=0.5):
        self.p = p

    def forward(self, x):
        self.mask = np.random.rand(*x.shape) > self.p
        return x * self.mask if self.training else x * (1 - self.p)

    def backward(self, grad):
        return grad * self.mask


class LeakyReLU(Module):
    def __init__(self, negative_slope=0.01):
        self.slope = negative_slope

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, grad):
        return np.where(self.x > 0, grad, -self.slope * grad)


class MaxPool2d(Module):
    def __init__(self, kernel_size, stride=None, padding=0):
        self.k, self.p = kernel_size, padding
        self.s = stride or kernel_size

    def forward(self, x):
        k, s, p = self.k, self.s, self.p
        self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        h, w = (self.x.shape[2] - k) // s + 1, (self.x.shape[3] - k) // s + 1
        y = np.zeros((*x.shape[:2], h, w))
        for i in range(h):
            for j in range(w):
                y[:, :, i, j] = self.x[:, :, i * s : i * s + k, j * s : j * s + k].max((2, 3))
        return y

    def backward(self, grad):
        k, s, p = self.k, self.s, self.p
        dx = np.zeros_like(self.x)
        for n, c, i, j in np.ndindex(*grad.shape):
            window = self.x[n, c, i * s : i * s + k, j * s : j * s + k]
            a, b = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, i * s + a, j * s + b] += grad[n, c, i, j]
        return dx[:, :, p : dx.shape[2] - p, p : dx.shape[3] - p]


class CrossEntropyLoss(Module):
    def forward(self, input, target):
        e = np.exp(input - input.max(axis=1, keepdims=True))
        self.p, self.target = e / e.sum(axis=1, keepdims=True), target
        return -np.log(self.p[np.arange(len(target)), target] + 1e-9).sum()

    def backward(self):
        grad = self.p.copy()
        grad[np.arange(len(grad)), self.target] -= 1
        return grad
