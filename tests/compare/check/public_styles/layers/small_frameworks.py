"""Two small frameworks: parameters and gradients in dictionaries, made late."""

import numpy as np


class LayerBase:
    def __init__(self):
        self.X = []
        self.gradients, self.parameters = {}, {}
        self.is_initialized = False

    def flush_gradients(self):
        self.X = []
        for key, value in self.gradients.items():
            self.gradients[key] = np.zeros_like(value)


class FullyConnected(LayerBase):
    """Gradients add up until flush_gradients, which empties the inputs, too."""

    def __init__(self, n_out):
        super().__init__()
        self.n_in, self.n_out = None, n_out

    def _init_params(self):
        W, b = np.random.randn(self.n_in, self.n_out) * 0.1, np.zeros((1, self.n_out))
        self.parameters = {"W": W, "b": b}
        self.gradients = {"W": np.zeros_like(W), "b": np.zeros_like(b)}
        self.is_initialized = True

    def forward(self, X, retain_derived=True):
        if not self.is_initialized:
            self.n_in = X.shape[1]
            self._init_params()
        if retain_derived:
            self.X.append(X)
        return X @ self.parameters["W"] + self.parameters["b"]

    def backward(self, dLdy, retain_grads=True):
        dX = dLdy @ self.parameters["W"].T
        if retain_grads:
            self.gradients["W"] += self.X[-1].T @ dLdy
            self.gradients["b"] += dLdy.sum(axis=0, keepdims=True)
        return dX


class Dense:
    """The shapes of parameters are known on the first pass."""

    def __init__(self, num_out, num_in=None):
        self.shapes = {"w": [num_in, num_out], "b": [num_out]}
        self.params = {"w": None, "b": None}
        self.grads = {"w": None, "b": None}
        self.is_init = False

    def _init_params(self):
        self.params["w"] = np.random.uniform(-0.1, 0.1, self.shapes["w"])
        self.params["b"] = np.zeros(self.shapes["b"])
        self.is_init = True

    def forward(self, inputs):
        if not self.is_init:
            self.shapes["w"][0] = inputs.shape[1]
            self._init_params()
        self.inputs = inputs
        return inputs @ self.params["w"] + self.params["b"]

    def backward(self, grad):
        self.grads["w"] = self.inputs.T @ grad
        self.grads["b"] = np.sum(grad, axis=0)
        return grad @ self.params["w"].T


class Conv2D:
    """The kernel is a list: height, width, channels, filters; images (n, h, w, c)."""

    def __init__(self, kernel, stride=(1, 1)):
        self.kernel_shape, self.stride = kernel, stride
        self.params = {"w": np.random.randn(*kernel) * 0.1, "b": np.zeros(kernel[-1])}
        self.grads = {}

    def forward(self, inputs):
        kh, kw, _, filters = self.kernel_shape
        sh, sw = self.stride
        n, h, w, c = inputs.shape
        self.in_shape, oh, ow = inputs.shape, (h - kh) // sh + 1, (w - kw) // sw + 1
        self.col = np.empty((n, oh, ow, kh * kw * c))
        for i in range(oh):
            for j in range(ow):
                cut = inputs[:, i * sh : i * sh + kh, j * sw : j * sw + kw]
                self.col[:, i, j] = cut.reshape(n, -1)
        return self.col @ self.params["w"].reshape(-1, filters) + self.params["b"]

    def backward(self, grad):
        kh, kw, c, filters = self.kernel_shape
        sh, sw = self.stride
        flat = grad.reshape(-1, filters)
        w = self.col.reshape(-1, kh * kw * c).T @ flat
        self.grads["w"], self.grads["b"] = w.reshape(self.kernel_shape), flat.sum(axis=0)
        d_col = grad @ self.params["w"].reshape(-1, filters).T
        dx = np.zeros(self.in_shape)
        for i in range(grad.shape[1]):
            for j in range(grad.shape[2]):
                cut = d_col[:, i, j].reshape(-1, kh, kw, c)
                dx[:, i * sh : i * sh + kh, j * sw : j * sw + kw] += cut
        return dx


class DensePenalty:
    """A penalty of 0.01 is in the gradient of the weight."""

    def __init__(self, num_out, num_in=None):
        self.shapes = {"w": [num_in, num_out], "b": [num_out]}
        self.params = {"w": None, "b": None}
        self.grads = {"w": None, "b": None}
        self.is_init = False

    def forward(self, inputs):
        if not self.is_init:
            self.params["w"] = np.random.uniform(-0.1, 0.1, (inputs.shape[1], self.shapes["w"][1]))
            self.params["b"] = np.zeros(self.shapes["b"])
            self.is_init = True
        self.inputs = inputs
        return inputs @ self.params["w"] + self.params["b"]

    def backward(self, grad):
        self.grads["w"] = self.inputs.T @ grad + 0.01 * self.params["w"]
        self.grads["b"] = np.sum(grad, axis=0)
        return grad @ self.params["w"].T
