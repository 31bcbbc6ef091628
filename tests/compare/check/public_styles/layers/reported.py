"""Faults and habits that public code was reported for, each rebuilt."""

import numpy as np
from scipy.signal import convolve2d, correlate2d


class BatchStatistics:
    """A batch norm whose evaluation goes by the batch."""

    def __init__(self, dim, epsilon=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(dim), np.zeros(dim)
        self.moving_mean, self.moving_var = np.zeros(dim), np.ones(dim)
        self.epsilon, self.momentum = epsilon, momentum

    def forward(self, x, training=True):
        mu, var = x.mean(0), x.var(0)
        if training:
            a = self.momentum
            self.moving_mean = (1 - a) * self.moving_mean + a * mu
            self.moving_var = (1 - a) * self.moving_var + a * x.var(0, ddof=1)
        self.scale = 1.0 / np.sqrt(var + self.epsilon)
        self.normal = (x - mu) * self.scale
        return self.normal * self.gamma + self.beta

    def backward(self, grad):
        self.dgamma, self.dbeta = np.sum(grad * self.normal, 0), np.sum(grad, 0)
        through = grad * self.gamma
        return self.scale * (
            through - through.mean(0) - self.normal * (through * self.normal).mean(0)
        )


class FiltersFirst:
    """Right; its constructor takes the number of filters before that of channels."""

    def __init__(self, nb_filters, size, nb_channels, step=1):
        self.size, self.step = size, step
        self.kernels = np.random.standard_normal((nb_filters, nb_channels, size, size)) / size
        self.bias = np.zeros(nb_filters)

    def cuts(self):
        for r in range((self.x.shape[2] - self.size) // self.step + 1):
            for c in range((self.x.shape[3] - self.size) // self.step + 1):
                top, left = r * self.step, c * self.step
                yield r, c, np.s_[:, :, top : top + self.size, left : left + self.size]

    def forward(self, x):
        self.x = x
        out = {}
        for r, c, cut in self.cuts():
            out[r, c] = np.einsum("nkij,fkij->nf", x[cut], self.kernels) + self.bias
        rows, columns = max(out)
        stacked = np.array([[out[r, c] for c in range(columns + 1)] for r in range(rows + 1)])
        return stacked.transpose(2, 3, 0, 1)

    def backward(self, grad):
        self.dkernels, self.dbias = np.zeros_like(self.kernels), grad.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for r, c, cut in self.cuts():
            self.dkernels += np.einsum("nf,nkij->fkij", grad[:, :, r, c], self.x[cut])
            dx[cut] += np.einsum("nf,fkij->nkij", grad[:, :, r, c], self.kernels)
        return dx


class SizeFirst:
    """Right; camelCase, and the kernel's size comes first."""

    def __init__(self, filterSize, numFilters, channels):
        self.filterSize = filterSize
        self.filters = np.random.randn(numFilters, channels, filterSize, filterSize) * 0.1
        self.biases = np.zeros(numFilters)

    def forward(self, x):
        f = self.filterSize
        view = np.lib.stride_tricks.sliding_window_view(x, (f, f), (2, 3))
        self.view, self.inputShape = view, x.shape
        return np.einsum("nchwij,fcij->nfhw", view, self.filters) + self.biases[:, None, None]

    def backward(self, dOut):
        f = self.filterSize
        self.dFilters = np.einsum("nchwij,nfhw->fcij", self.view, dOut)
        self.dBiases = dOut.sum((0, 2, 3))
        dX = np.zeros(self.inputShape)
        h, w = dOut.shape[2:]
        for i in range(f):
            for j in range(f):
                part = np.einsum("nfhw,fc->nchw", dOut, self.filters[:, :, i, j])
                dX[:, :, i : i + h, j : j + w] += part
        return dX


class EtaFirst:
    """Right; `eta` is what comes from above, `lr` the rate."""

    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) / np.sqrt(n_in)
        self.B = np.zeros((1, n_out))

    def forward(self, x):
        self.x = x
        return x.dot(self.W) + self.B

    def backward(self, eta, lr):
        below = eta.dot(self.W.T)
        self.W = self.W - lr * self.x.T.dot(eta)
        self.B = self.B - lr * eta.sum(axis=0, keepdims=True)
        return below


class RateInConstructor:
    """Right; the rate is given to the constructor, and nothing keeps a gradient."""

    def __init__(self, n_in, n_out, learning_rate):
        self.W = np.random.randn(n_out, n_in) / np.sqrt(n_in)
        self.b = np.zeros(n_out)
        self.learning_rate = learning_rate

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W.T) + self.b

    def backward(self, dy):
        dx = np.dot(dy, self.W)
        self.W -= self.learning_rate * np.dot(dy.T, self.x)
        self.b -= self.learning_rate * np.sum(dy, axis=0)
        return dx


class RateInBackward:
    """Right; it steps at once, after the gradient of the input."""

    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(output_size, input_size) * 0.1
        self.biases = np.zeros(output_size)

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.weights.T + self.biases

    def backward(self, grad_output, learning_rate=0.01):
        grad_input = grad_output @ self.weights
        self.weights -= learning_rate * (grad_output.T @ self.inputs)
        self.biases -= learning_rate * grad_output.sum(axis=0)
        return grad_input


class Unannounced:
    """It steps by a rate that nobody gave it, in silence."""

    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(output_size, input_size) * 0.1
        self.biases = np.zeros(output_size)

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.weights.T + self.biases

    def backward(self, grad_output):
        self.grad_weights = grad_output.T @ self.inputs
        self.grad_biases = grad_output.sum(axis=0)
        grad_input = grad_output @ self.weights
        self.weights -= 0.01 * self.grad_weights
        self.biases -= 0.01 * self.grad_biases
        return grad_input


class Nested:
    """Right; the gradients of the parameters come in a list."""

    def __init__(self, n_inputs, n_outputs):
        self.w, self.b = np.random.randn(n_inputs, n_outputs), np.zeros(n_outputs)

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, g):
        dx = g @ self.w.T
        return dx, [self.x.T @ g, np.sum(g, 0)]


class NestedNamed:
    """Right; they come in a dictionary."""

    def __init__(self, n_inputs, n_outputs):
        self.w, self.b = np.random.randn(n_inputs, n_outputs), np.zeros(n_outputs)

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, g):
        return g @ self.w.T, {"dw": self.x.T @ g, "db": np.sum(g, 0)}


class Dictionaries:
    """Right; each parameter is a dictionary of `val` and `grad`."""

    def __init__(self, fan_in, fan_out):
        self.W = {"val": np.random.randn(fan_out, fan_in), "grad": None}
        self.b = {"val": np.zeros((1, fan_out)), "grad": None}
        self.cache = None

    def forward(self, x):
        self.cache = x
        return x @ self.W["val"].T + self.b["val"]

    def backward(self, dout):
        self.W["grad"] = dout.T @ self.cache
        self.b["grad"] = dout.sum(0, keepdims=True)
        return dout @ self.W["val"]


class PoolOfModes:
    """`mode` may ask for the average, which is never divided."""

    def __init__(self, size, stride, mode="max"):
        self.size, self.stride, self.mode = size, stride, mode

    def windows(self, h, w):
        for i in range((h - self.size) // self.stride + 1):
            for j in range((w - self.size) // self.stride + 1):
                r, c = i * self.stride, j * self.stride
                yield i, j, np.s_[..., r : r + self.size, c : c + self.size]

    def forward(self, x):
        self.x = x
        n, c, h, w = x.shape
        out = np.zeros(
            (n, c, (h - self.size) // self.stride + 1, (w - self.size) // self.stride + 1)
        )
        for i, j, cut in self.windows(h, w):
            reduce = np.max if self.mode == "max" else np.sum
            out[:, :, i, j] = reduce(x[cut], axis=(2, 3))
        return out

    def backward(self, g):
        dx = np.zeros_like(self.x)
        for i, j, cut in self.windows(*self.x.shape[2:]):
            part = g[:, :, i, j][:, :, None, None]
            if self.mode == "max":
                flat = self.x[cut].reshape(*self.x.shape[:2], -1)
                first = np.arange(flat.shape[2]) == flat.argmax(2)[:, :, None]
                part = part * first.reshape(self.x[cut].shape)
            dx[cut] += part
        return dx


class ConvWithoutBias:
    """`bias=False` raises, and `dilation` is forgotten."""

    def __init__(self, in_channels, out_channels, kernel_size, dilation=1, bias=True):
        self.dilation = dilation
        self.W = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.b = np.zeros(out_channels) if bias else None

    def forward(self, x):
        k = self.W.shape[2]
        self.x, self.sides = x, (x.shape[2] - k + 1, x.shape[3] - k + 1)
        y = np.zeros((len(x), len(self.W), *self.sides))
        for i, j in np.ndindex(*self.sides):
            window = x[:, :, i : i + k, j : j + k]
            y[:, :, i, j] = np.tensordot(window, self.W, ((1, 2, 3), (1, 2, 3)))
        return y + self.b.reshape(1, -1, 1, 1)

    def backward(self, g):
        k = self.W.shape[2]
        self.dW, self.db, dx = np.zeros_like(self.W), g.sum((0, 2, 3)), np.zeros_like(self.x)
        for i, j in np.ndindex(*self.sides):
            at = np.s_[:, :, i : i + k, j : j + k]
            self.dW += np.tensordot(g[:, :, i, j], self.x[at], (0, 0))
            dx[at] += np.tensordot(g[:, :, i, j], self.W, (1, 0))
        return dx


class SqueezingPool:
    """It squeezes: one channel, or one image, and an axis is gone."""

    def __init__(self, pool_size, stride):
        self.pool_size, self.stride = pool_size, stride

    def forward(self, x):
        k, s = self.pool_size, self.stride
        self.x = x
        n, c, h, w = x.shape
        rows, columns = (h - k) // s + 1, (w - k) // s + 1
        y = np.zeros((n, c, rows, columns))
        self.at = np.zeros((n, c, rows, columns), dtype=int)
        for i in range(rows):
            for j in range(columns):
                flat = x[:, :, i * s : i * s + k, j * s : j * s + k].reshape(n, c, k * k)
                y[:, :, i, j] = flat.max(axis=2).squeeze()
                self.at[:, :, i, j] = flat.argmax(axis=2)
        return y

    def backward(self, g):
        k, s = self.pool_size, self.stride
        dx = np.zeros_like(self.x)
        for n, c, i, j in np.ndindex(*g.shape):
            a, b = divmod(self.at[n, c, i, j], k)
            dx[n, c, i * s + a, j * s + b] += g[n, c, i, j]
        return dx


class ZeroPaddedPool:
    """It pads with zeros, which win over negative numbers."""

    def __init__(self, kernel_size, stride, padding=0):
        self.k, self.s, self.p = kernel_size, stride, padding

    def forward(self, x):
        k, s, p = self.k, self.s, self.p
        self.shape = x.shape
        wide = np.zeros((*x.shape[:2], x.shape[2] + 2 * p, x.shape[3] + 2 * p))
        wide[:, :, p : p + x.shape[2], p : p + x.shape[3]] = x
        self.wide = wide
        view = np.lib.stride_tricks.sliding_window_view(wide, (k, k), (2, 3))[:, :, ::s, ::s]
        flat = view.reshape(*view.shape[:4], k * k)
        self.at = flat.argmax(-1)
        return flat.max(-1)

    def backward(self, g):
        k, s, p = self.k, self.s, self.p
        dx = np.zeros_like(self.wide)
        for n, c, i, j in np.ndindex(*g.shape):
            a, b = divmod(self.at[n, c, i, j], k)
            dx[n, c, i * s + a, j * s + b] += g[n, c, i, j]
        return dx[:, :, p : p + self.shape[2], p : p + self.shape[3]]


class WidthFromHeight:
    """The width of the output is computed from the height of the filter."""

    def __init__(self, in_channels, out_channels, filter_h, filter_w, stride=1, pad=0):
        self.W = np.random.randn(out_channels, in_channels, filter_h, filter_w) * 0.1
        self.b = np.zeros(out_channels)
        self.stride, self.pad = stride, pad

    def forward(self, x):
        s, p = self.stride, self.pad
        f, _, fh, fw = self.W.shape
        self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        h, w = (self.x.shape[2] - fh) // s + 1, (self.x.shape[3] - fh) // s + 1
        y = np.zeros((len(x), f, h, w))
        for i in range(h):
            for j in range(w):
                window = self.x[:, :, i * s : i * s + fh, j * s : j * s + fw]
                y[:, :, i, j] = np.tensordot(window, self.W, ((1, 2, 3), (1, 2, 3))) + self.b
        return y

    def backward(self, g):
        s, p = self.stride, self.pad
        _, _, fh, fw = self.W.shape
        self.dW, self.db, dx = np.zeros_like(self.W), g.sum((0, 2, 3)), np.zeros_like(self.x)
        for i in range(g.shape[2]):
            for j in range(g.shape[3]):
                at = np.s_[:, :, i * s : i * s + fh, j * s : j * s + fw]
                self.dW += np.tensordot(g[:, :, i, j], self.x[at], (0, 0))
                dx[at] += np.tensordot(g[:, :, i, j], self.W, (1, 0))
        return dx[:, :, p : dx.shape[2] - p, p : dx.shape[3] - p]


class ReturnsEarly:
    """`return` stands inside the loop: one window's gradient alone."""

    def __init__(self, size, stride):
        self.size, self.stride = size, stride

    def forward(self, image):
        self.image, k, s = image, self.size, self.stride
        n, c, h, w = image.shape
        out = np.zeros((n, c, (h - k) // s + 1, (w - k) // s + 1))
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                out[:, :, i, j] = image[:, :, i * s : i * s + k, j * s : j * s + k].max((2, 3))
        return out

    def backward(self, g):
        back, k, s = np.zeros_like(self.image), self.size, self.stride
        for i in range(g.shape[2]):
            for j in range(g.shape[3]):
                at = np.s_[:, :, i * s : i * s + k, j * s : j * s + k]
                flat = self.image[at].reshape(*g.shape[:2], -1)
                first = np.arange(k * k) == flat.argmax(2)[:, :, None]
                back[at] += (first * g[:, :, i, j, None]).reshape(self.image[at].shape)
                return back


class TurnedAndFlipped:
    """scipy's convolve2d, which flips, of the transposed kernel."""

    def __init__(self, in_channels, out_channels, kernel_size):
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight, self.bias = np.random.randn(*shape) * 0.1, np.zeros(out_channels)

    def forward(self, x):
        self.x = x
        k = self.weight.shape[2]
        y = np.zeros((len(x), len(self.weight), x.shape[2] - k + 1, x.shape[3] - k + 1))
        for n, f, c in np.ndindex(len(x), *self.weight.shape[:2]):
            y[n, f] += convolve2d(x[n, c], self.weight[f, c].T, mode="valid")
        return y + self.bias[:, None, None]

    def backward(self, g):
        self.dweight, self.dbias = np.zeros_like(self.weight), g.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for n, f, c in np.ndindex(len(g), *self.weight.shape[:2]):
            self.dweight[f, c] += np.flip(correlate2d(self.x[n, c], g[n, f], "valid")).T
            dx[n, c] += correlate2d(g[n, f], self.weight[f, c].T, "full")
        return dx


class TwiceTheMean:
    """The gradient of the weight is doubled, and divided by the batch size."""

    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_out, n_in) * 0.1, np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W.T + self.b

    def backward(self, g):
        self.dW = 2 / len(g) * g.T @ self.x
        self.db = g.sum(0)
        return g @ self.W
