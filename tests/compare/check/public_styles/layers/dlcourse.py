import numpy as np


class Param:
    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)


class ReLULayer:
    def __init__(self):
        pass

    def forward(self, X):
        self.positive = X > 0
        return X * self.positive

    def backward(self, d_out):
        return d_out * self.positive

    def params(self):
        return {}


class FullyConnectedLayer:
    def __init__(self, n_input, n_output):
        self.W = Param(0.001 * np.random.randn(n_input, n_output))
        self.B = Param(0.001 * np.random.randn(1, n_output))
        self.X = None

    def forward(self, X):
        self.X = X
        return np.dot(X, self.W.value) + self.B.value

    def backward(self, d_out):
        self.W.grad = np.dot(self.X.T, d_out)
        self.B.grad = np.sum(d_out, axis=0, keepdims=True)
        return np.dot(d_out, self.W.value.T)

    def params(self):
        return {"W": self.W, "B": self.B}


class ConvolutionalLayer:
    def __init__(self, in_channels, out_channels, filter_size, padding):
        self.filter_size = filter_size
        self.in_channels, self.out_channels = in_channels, out_channels
        self.W = Param(np.random.randn(filter_size, filter_size, in_channels, out_channels))
        self.B = Param(np.zeros(out_channels))
        self.padding = padding

    def forward(self, X):
        batch_size, height, width, channels = X.shape
        p, f = self.padding, self.filter_size
        self.X = np.zeros((batch_size, height + 2 * p, width + 2 * p, channels))
        self.X[:, p : height + p, p : width + p, :] = X
        out_height, out_width = height + 2 * p - f + 1, width + 2 * p - f + 1
        out = np.zeros((batch_size, out_height, out_width, self.out_channels))
        W = self.W.value.reshape(-1, self.out_channels)
        for y in range(out_height):
            for x in range(out_width):
                window = self.X[:, y : y + f, x : x + f, :].reshape(batch_size, -1)
                out[:, y, x, :] = window.dot(W) + self.B.value
        return out

    def backward(self, d_out):
        batch_size, height, width, channels = self.X.shape
        _, out_height, out_width, out_channels = d_out.shape
        f, p = self.filter_size, self.padding
        dX = np.zeros_like(self.X)
        W = self.W.value.reshape(-1, out_channels)
        dW = np.zeros_like(W)
        for y in range(out_height):
            for x in range(out_width):
                grad = d_out[:, y, x, :]
                window = self.X[:, y : y + f, x : x + f, :]
                dX[:, y : y + f, x : x + f, :] += grad.dot(W.T).reshape(window.shape)
                dW += window.reshape(batch_size, -1).T.dot(grad)
        self.W.grad = dW.reshape(self.W.value.shape)
        self.B.grad = d_out.sum(axis=(0, 1, 2))
        return dX[:, p : height - p, p : width - p, :]

    def params(self):
        return {"W": self.W, "B": self.B}


class MaxPoolingLayer:
    def __init__(self, pool_size, stride):
        self.pool_size = pool_size
        self.stride = stride
        self.X = None

    def forward(self, X):
        self.X = X
        batch_size, height, width, channels = X.shape
        s, p = self.stride, self.pool_size
        out = np.zeros((batch_size, (height - p) // s + 1, (width - p) // s + 1, channels))
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                out[:, y, x, :] = X[:, y * s : y * s + p, x * s : x * s + p, :].max(axis=(1, 2))
        return out

    def backward(self, d_out):
        s, p = self.stride, self.pool_size
        result = np.zeros_like(self.X)
        for y in range(d_out.shape[1]):
            for x in range(d_out.shape[2]):
                window = self.X[:, y * s : y * s + p, x * s : x * s + p, :]
                mask = window == window.max(axis=(1, 2), keepdims=True)
                mask = mask / mask.sum(axis=(1, 2), keepdims=True)
                grad = d_out[:, y : y + 1, x : x + 1, :] * mask
                result[:, y * s : y * s + p, x * s : x * s + p, :] += grad
        return result

    def params(self):
        return {}


class Flattener:
    def __init__(self):
        self.X_shape = None

    def forward(self, X):
        self.X_shape = X.shape
        batch_size, height, width, channels = X.shape
        return X.reshape(batch_size, height * width * channels)

    def backward(self, d_out):
        return d_out.reshape(self.X_shape)

    def params(self):
        return {}


def softmax(predictions):
    shifted = predictions - np.max(predictions, axis=1, keepdims=True)
    exps = np.exp(shifted)
    return exps / np.sum(exps, axis=1, keepdims=True)


def softmax_with_cross_entropy(preds, target_index):
    probs = softmax(preds)
    rows = np.arange(len(target_index))
    loss = np.mean(-np.log(probs[rows, target_index]))
    d_preds = probs
    d_preds[rows, target_index] -= 1
    return loss, d_preds / len(target_index)
