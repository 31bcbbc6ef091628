"""The layers of a student's notebook, with the faults that kept it at 26.8 %, and the referee.

Plain classes with forward and backward, as one writes them by hand: nothing here knows of
cnnspec but the last lines, and each class says what is wrong with it. Run it, or let the
command line look at it:

    cnnspec check examples/notebook_layers.py:Linear --as linear
    cnnspec compare specs/digits.yaml --backends numpy,examples/notebook_layers.py:Network
"""

from functools import partial

import numpy as np

from cnnspec import BackendChoice, compare_backends, parse_spec, plain_network


class Conv2D:
    """Four nested loops, and right."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weights = np.random.default_rng(0).normal(0, 0.1, shape)
        self.biases = np.zeros(out_channels)

    def forward(self, x):
        k, s, p = self.kernel_size, self.stride, self.padding
        self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        n, _, height, width = self.x.shape
        out = np.zeros((n, len(self.weights), (height - k) // s + 1, (width - k) // s + 1))
        for b, f, i, j in np.ndindex(out.shape):
            window = self.x[b, :, i * s : i * s + k, j * s : j * s + k]
            out[b, f, i, j] = np.sum(window * self.weights[f]) + self.biases[f]
        return out

    def backward(self, grad):
        k, s, p = self.kernel_size, self.stride, self.padding
        self.d_weights, self.d_biases = np.zeros_like(self.weights), grad.sum(axis=(0, 2, 3))
        dx = np.zeros_like(self.x)
        for b, f, i, j in np.ndindex(grad.shape):
            window = (b, slice(None), slice(i * s, i * s + k), slice(j * s, j * s + k))
            self.d_weights[f] += grad[b, f, i, j] * self.x[window]
            dx[window] += grad[b, f, i, j] * self.weights[f]
        return dx[:, :, p : dx.shape[2] - p, p : dx.shape[3] - p]


class ReLU:
    """Right."""

    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask


class Flatten:
    """Right."""

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, grad):
        return grad.reshape(self.shape)


class Linear:
    """Faults 1 and 5."""

    def __init__(self, input_size, output_size, learning_rate=0.01):
        self.W = np.random.default_rng(0).normal(0, 0.1, (input_size, output_size))
        self.b = np.zeros((1, output_size))
        self.learning_rate = learning_rate

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad / len(grad)  # fault 1: the loss divided by the batch already
        self.db = grad.sum(axis=0, keepdims=True)
        dx = grad @ self.W.T
        self.W -= self.learning_rate * self.dW  # fault 5: an update within backward
        self.b -= self.learning_rate * self.db
        return dx


class Pooling:
    """The forward pass of a max pool: right."""

    def __init__(self, pool_size, stride):
        self.size, self.stride = pool_size, stride

    def windows(self, shape):
        for b, c, i, j in np.ndindex(shape):
            top, left = i * self.stride, j * self.stride
            yield (b, c, i, j), (b, c, slice(top, top + self.size), slice(left, left + self.size))

    def forward(self, x):
        self.x = x
        n, c, height, width = x.shape
        rows, columns = ((side - self.size) // self.stride + 1 for side in (height, width))
        self.out = np.zeros((n, c, rows, columns))
        for at, window in self.windows(self.out.shape):
            self.out[at] = x[window].max()
        return self.out


class MaxPool2D(Pooling):
    """Fault 2."""

    def forward(self, x):  # noqa: RET503
        return super().forward(x)

        def backward(self, grad):  # fault 2: indented into forward, behind its return
            dx = np.zeros_like(self.x)
            for at, window in self.windows(grad.shape):
                dx[window] += grad[at] * (self.x[window] == self.out[at])
            return dx


class MaxPool2DTies(Pooling):
    """Fault 3."""

    def backward(self, grad):
        dx = np.zeros_like(self.x)
        for at, window in self.windows(grad.shape):
            dx[window] += grad[at] * (self.x[window] == self.out[at])  # fault 3: every maximum
        return dx


class MaxPool2DSharedMask(Pooling):
    """Fault 4."""

    def backward(self, grad):
        mask = np.zeros(self.x.shape, bool)  # fault 4: one mask for windows that overlap
        for _, window in self.windows(grad.shape):
            cells = self.x[window]
            first = np.unravel_index(cells.argmax(), cells.shape)
            mask[window][first] = True
        dx = np.zeros_like(self.x)
        for at, window in self.windows(grad.shape):
            dx[window] += grad[at] * mask[window]
        return dx


PLAIN = {"conv": Conv2D, "relu": ReLU, "flatten": Flatten, "linear": Linear}
Network = partial(plain_network, layers=PLAIN | {"pool": MaxPool2D})
NetworkTies = partial(plain_network, layers=PLAIN | {"pool": MaxPool2DTies})
NetworkSharedMask = partial(plain_network, layers=PLAIN | {"pool": MaxPool2DSharedMask})

SPEC = """
input: [1, 6, 7]
layers:
  - conv: {out_channels: 2, kernel_size: 3}
  - relu
  - pool: {kernel_size: 2, stride: 1}
  - flatten
  - linear: {out_features: 4}
"""

if __name__ == "__main__":
    from cnnspec.report.address import words

    spec = parse_spec(SPEC)
    for name in ("Network", "NetworkTies", "NetworkSharedMask"):
        print(f"{name}:")
        verdict = compare_backends(
            spec, ("numpy", BackendChoice.of_builder("notebook", globals()[name]))
        )
        for finding in verdict.findings:
            cause = finding.cause.sentence if finding.cause else "cause unknown"
            print(f"  {words(finding.address)}, {finding.quantity}: {cause}")
        for why in dict.fromkeys(item.why for item in verdict.coverage.not_compared):
            print(f"  not compared: {why}")
