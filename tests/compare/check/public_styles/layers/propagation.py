"""Layers of articles and video courses: forward_propagation, fprop, update afterwards."""

import numpy as np


class FCLayer:
    """Right; one sample at a time, a row of shape (1, n)."""

    def __init__(self, input_size, output_size):
        self.weights = np.random.rand(input_size, output_size) - 0.5
        self.bias = np.random.rand(1, output_size) - 0.5

    def forward_propagation(self, input_data):
        self.input = input_data
        self.output = np.dot(self.input, self.weights) + self.bias
        return self.output

    def backward_propagation(self, output_error, learning_rate):
        input_error = np.dot(output_error, self.weights.T)
        weights_error = np.dot(self.input.T, output_error)
        self.weights -= learning_rate * weights_error
        self.bias -= learning_rate * output_error
        return input_error


class Affine2:
    """Right; short names, `update` afterwards."""

    def __init__(self, d_in, d_out):
        self.w, self.b = np.random.randn(d_in, d_out) * 0.01, np.zeros(d_out)

    def fprop(self, x):
        self.x = x
        return x @ self.w + self.b

    def bprop(self, dy):
        self.gw, self.gb = self.x.T @ dy, dy.sum(0)
        return dy @ self.w.T

    def update(self, lr):
        self.w -= lr * self.gw
        self.b -= lr * self.gb


class Lists:
    """Right; get_params and get_grads."""

    def __init__(self, n_in, n_out):
        self._w, self._b = np.random.randn(n_in, n_out) * 0.01, np.zeros((1, n_out))
        self._dw = self._db = None

    def get_params(self):
        return [self._w, self._b]

    def get_grads(self):
        return [self._dw, self._db]

    def forward(self, inputs):
        self._inputs = inputs
        return inputs.dot(self._w) + self._b

    def backward(self, grad):
        self._dw = self._inputs.T.dot(grad)
        self._db = grad.sum(axis=0, keepdims=True)
        return grad.dot(self._w.T)


class Leibniz:
    """Right; gradients in the notation of Leibniz."""

    def __init__(self, num_inputs, num_outputs):
        self.W, self.b = np.random.randn(num_outputs, num_inputs), np.zeros(num_outputs)

    def forward(self, x):
        self.x = x
        return x @ self.W.T + self.b

    def backward(self, dL_dy):
        self.dL_dW = dL_dy.T @ self.x
        self.dL_db = dL_dy.sum(0)
        return dL_dy @ self.W


class Cached:
    """The gradient of the input is doubled."""

    def __init__(self, n_x, n_h):
        self.params = {"W": np.random.randn(n_x, n_h) * 0.01, "b": np.zeros((1, n_h))}
        self.grads = {}
        self.cache = ()

    def forward(self, X):
        Z = np.dot(X, self.params["W"]) + self.params["b"]
        self.cache = (X, Z)
        return Z

    def backward(self, dZ):
        X, _ = self.cache
        self.grads["dW"] = np.dot(X.T, dZ)
        self.grads["db"] = np.sum(dZ, axis=0, keepdims=True)
        return 2 * np.dot(dZ, self.params["W"].T)


class Batched:
    """Divides both gradients by the batch size."""

    def __init__(self, in_dim, out_dim, bias=True):
        self.weight = np.random.normal(0, 0.02, (in_dim, out_dim))
        self.bias = np.zeros(out_dim) if bias else None

    def forward(self, x):
        self.saved = x
        y = x @ self.weight
        return y + self.bias if self.bias is not None else y

    def backward(self, dy):
        n = dy.shape[0]
        self.weight_grad = self.saved.T @ dy / n
        if self.bias is not None:
            self.bias_grad = dy.mean(0)
        return dy @ self.weight.T


class Activated:
    """Right; an activation may follow, and none does unless asked for."""

    def __init__(self, n_inputs, n_units, activation=None):
        self.W, self.b = np.random.randn(n_inputs, n_units) * 0.05, np.zeros(n_units)
        self.activation = activation

    def forward(self, x):
        self.x = x
        z = x @ self.W + self.b
        self.z = z
        return np.maximum(z, 0) if self.activation == "relu" else z

    def backward(self, grad):
        if self.activation == "relu":
            grad = grad * (self.z > 0)
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T


class SigmoidCall:
    """Right; `__call__`, and the derivative by itself."""

    def __call__(self, x):
        return 1 / (1 + np.exp(-x))

    def gradient(self, x):
        return self(x) * (1 - self(x))


class SoftMax:
    """The gradient passes as it came: the loss is to have it, which is not here."""

    def forward(self, x):
        shifted = x - x.max(axis=1, keepdims=True)
        self.out = np.exp(shifted)
        self.out /= self.out.sum(axis=1, keepdims=True)
        return self.out

    def backward(self, grad):
        return grad
