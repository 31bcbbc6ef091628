"""Modules and parameters in the manner of PyTorch, without an autograd."""

import math

import numpy as np


class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = np.zeros_like(data)

    def zero_grad(self):
        self.grad = np.zeros_like(self.data)


class Module:
    def __init__(self):
        self.training = True

    def __call__(self, *args):
        return self.forward(*args)

    def parameters(self):
        return [value for value in vars(self).values() if isinstance(value, Parameter)]

    def zero_grad(self):
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self, mode=True):
        self.training = mode
        return self

    def eval(self):
        return self.train(False)


class Linear(Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        k = 1 / math.sqrt(in_features)
        self.weight = Parameter(np.random.uniform(-k, k, (out_features, in_features)))
        self.bias = Parameter(np.random.uniform(-k, k, out_features)) if bias else None

    def forward(self, input):
        self.input = input
        output = input @ self.weight.data.T
        if self.bias is not None:
            output = output + self.bias.data
        return output

    def backward(self, grad_output):
        self.weight.grad += grad_output.T @ self.input
        if self.bias is not None:
            self.bias.grad += grad_output.sum(axis=0)
        return grad_output @ self.weight.data


class Conv2d(Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride, self.padding = stride, padding
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = Parameter(np.random.randn(*shape) / math.sqrt(in_channels * kernel_size**2))
        self.bias = Parameter(np.zeros(out_channels)) if bias else None

    def forward(self, input):
        p, k, s = self.padding, self.kernel_size, self.stride
        self.padded = np.pad(input, ((0, 0), (0, 0), (p, p), (p, p)))
        windows = np.lib.stride_tricks.sliding_window_view(self.padded, (k, k), axis=(2, 3))
        self.windows = windows[:, :, ::s, ::s]
        output = np.einsum("nchwij,ocij->nohw", self.windows, self.weight.data)
        return output if self.bias is None else output + self.bias.data.reshape(1, -1, 1, 1)

    def backward(self, grad_output):
        p, k, s = self.padding, self.kernel_size, self.stride
        self.weight.grad += np.einsum("nchwij,nohw->ocij", self.windows, grad_output)
        if self.bias is not None:
            self.bias.grad += grad_output.sum((0, 2, 3))
        h, w = grad_output.shape[2:]
        grad_padded = np.zeros_like(self.padded)
        for i in range(k):
            for j in range(k):
                part = np.einsum("nohw,oc->nchw", grad_output, self.weight.data[:, :, i, j])
                grad_padded[:, :, i : i + s * h : s, j : j + s * w : s] += part
        return grad_padded[:, :, p : grad_padded.shape[2] - p, p : grad_padded.shape[3] - p]


class MaxPool2d(Module):
    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, input):
        k, s, p = self.kernel_size, self.stride, self.padding
        around = ((0, 0), (0, 0), (p, p), (p, p))
        self.padded = np.pad(input, around, constant_values=-np.inf)
        n, c, h, w = self.padded.shape
        oh, ow = (h - k) // s + 1, (w - k) // s + 1
        output = np.empty((n, c, oh, ow))
        self.arg = np.empty((n, c, oh, ow), dtype=int)
        for i in range(oh):
            for j in range(ow):
                window = self.padded[:, :, i * s : i * s + k, j * s : j * s + k].reshape(n, c, -1)
                self.arg[:, :, i, j] = window.argmax(-1)
                output[:, :, i, j] = window.max(-1)
        return output

    def backward(self, grad_output):
        k, s, p = self.kernel_size, self.stride, self.padding
        grad = np.zeros(self.padded.shape)
        n, c, oh, ow = grad_output.shape
        ns, cs = np.ogrid[:n, :c]
        for i in range(oh):
            for j in range(ow):
                rows, columns = np.divmod(self.arg[:, :, i, j], k)
                np.add.at(grad, (ns, cs, i * s + rows, j * s + columns), grad_output[:, :, i, j])
        return grad[:, :, p : grad.shape[2] - p, p : grad.shape[3] - p]


class BatchNorm2d(Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = Parameter(np.ones(num_features))
        self.bias = Parameter(np.zeros(num_features))
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)

    def forward(self, input):
        if self.training:
            mean, var = input.mean((0, 2, 3)), input.var((0, 2, 3))
            count = input.size / input.shape[1]
            unbiased = var * count / (count - 1)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * unbiased
        else:
            mean, var = self.running_mean, self.running_var
        self.inv_std = 1 / np.sqrt(var + self.eps)
        centred = input - mean[None, :, None, None]
        self.x_hat = centred * self.inv_std[None, :, None, None]
        weight, bias = self.weight.data, self.bias.data
        return weight[None, :, None, None] * self.x_hat + bias[None, :, None, None]

    def backward(self, grad_output):
        count = grad_output.size / grad_output.shape[1]
        self.weight.grad += (grad_output * self.x_hat).sum((0, 2, 3))
        self.bias.grad += grad_output.sum((0, 2, 3))
        g = grad_output * self.weight.data[None, :, None, None]
        sum_g = g.sum((0, 2, 3), keepdims=True)
        sum_gx = (g * self.x_hat).sum((0, 2, 3), keepdims=True)
        return self.inv_std[None, :, None, None] * (g - sum_g / count - self.x_hat * sum_gx / count)


class Dropout(Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, input):
        if not self.training:
            return input
        self.mask = (np.random.rand(*input.shape) > self.p) / (1 - self.p)
        return input * self.mask

    def backward(self, grad_output):
        return grad_output * self.mask


class LeakyReLU(Module):
    def __init__(self, negative_slope=0.01):
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, input):
        self.factor = np.where(input > 0, 1.0, self.negative_slope)
        return input * self.factor

    def backward(self, grad_output):
        return grad_output * self.factor


class Tanh(Module):
    def forward(self, input):
        self.output = np.tanh(input)
        return self.output

    def backward(self, grad_output):
        return grad_output * (1 - self.output**2)


class CrossEntropyLoss(Module):
    def forward(self, input, target):
        top = input.max(axis=1, keepdims=True)
        log_sum = top + np.log(np.exp(input - top).sum(axis=1, keepdims=True))
        self.log_p, self.target = input - log_sum, target
        return -self.log_p[np.arange(len(target)), target].mean()

    def backward(self):
        grad = np.exp(self.log_p)
        grad[np.arange(len(grad)), self.target] -= 1
        return grad / len(grad)
