"""Single layers of many repositories, most of them with one slip."""

import numpy as np


class LinearMeanBias:
    """The bias's gradient lacks the sum: it is that of the first image."""

    def __init__(self, in_features, out_features):
        self.W, self.b = np.random.randn(in_features, out_features), np.zeros(out_features)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.dW, self.db = self.x.T @ g, g[0]
        return g @ self.W.T


class LinearReshaped:
    """The weight is reshaped where it should be transposed."""

    def __init__(self, in_features, out_features):
        self.W, self.b = np.random.randn(out_features, in_features), np.zeros(out_features)

    def forward(self, x):
        self.x = x
        return x @ self.W.T + self.b

    def backward(self, g):
        self.dW, self.db = (self.x.T @ g).reshape(self.W.shape), g.sum(axis=0)
        return g @ self.W


class LinearEinsum:
    """Right."""

    def __init__(self, n_input, n_hidden):
        self.weights, self.biases = np.random.randn(n_hidden, n_input), np.zeros(n_hidden)

    def forward(self, inputs):
        self.inputs = inputs
        return np.einsum("ni,oi->no", inputs, self.weights) + self.biases

    def backward(self, grad):
        self.grad_weights = np.einsum("no,ni->oi", grad, self.inputs)
        self.grad_biases = np.einsum("no->o", grad)
        return np.einsum("no,oi->ni", grad, self.weights)


class ConvTuple:
    """Right; sides, strides and paddings may be pairs, the weight's shape is one tuple."""

    def __init__(self, filter_shape, stride=(1, 1), padding=(0, 0)):
        self.filters, self.bias = np.random.randn(*filter_shape) * 0.1, np.zeros(filter_shape[0])
        self.stride, self.padding = stride, padding

    def forward(self, x):
        (sh, sw), (ph, pw) = self.stride, self.padding
        self.x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
        kh, kw = self.filters.shape[2:]
        view = np.lib.stride_tricks.sliding_window_view(self.x, (kh, kw), (2, 3))
        self.view = view[:, :, ::sh, ::sw]
        return np.einsum("nchwij,fcij->nfhw", self.view, self.filters) + self.bias[:, None, None]

    def backward(self, g):
        (sh, sw), (ph, pw) = self.stride, self.padding
        self.grad_filters = np.einsum("nchwij,nfhw->fcij", self.view, g)
        self.grad_bias = g.sum((0, 2, 3))
        dx, (h, w) = np.zeros_like(self.x), g.shape[2:]
        for i, j in np.ndindex(*self.filters.shape[2:]):
            part = np.einsum("nfhw,fc->nchw", g, self.filters[:, :, i, j])
            dx[:, :, i : i + sh * h : sh, j : j + sw * w : sw] += part
        return dx[:, :, ph : dx.shape[2] - ph, pw : dx.shape[3] - pw]


class ConvStridePair:
    """The strides of height and width are mixed up."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1):
        self.k = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
        self.s = stride if isinstance(stride, tuple) else (stride, stride)
        self.weight = np.random.randn(out_channels, in_channels, *self.k) * 0.1
        self.bias = np.zeros(out_channels)

    def forward(self, x):
        (kh, kw), (sw, sh) = self.k, self.s
        self.x = x
        view = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (2, 3))
        self.view = view[:, :, ::sh, ::sw]
        return np.einsum("nchwij,fcij->nfhw", self.view, self.weight) + self.bias[:, None, None]

    def backward(self, g):
        (kh, kw), (sw, sh) = self.k, self.s
        self.weight_grad = np.einsum("nchwij,nfhw->fcij", self.view, g)
        self.bias_grad = g.sum((0, 2, 3))
        dx, (h, w) = np.zeros_like(self.x), g.shape[2:]
        for i, j in np.ndindex(kh, kw):
            part = np.einsum("nfhw,fc->nchw", g, self.weight[:, :, i, j])
            dx[:, :, i : i + sh * h : sh, j : j + sw * w : sw] += part
        return dx


class ConvLastChannel:
    """The loop over input channels ends one too early."""

    def __init__(self, in_channels, out_channels, kernel_size):
        self.weight = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.bias = np.zeros(out_channels)

    def forward(self, x):
        self.x, k = x, self.weight.shape[2]
        h, w = x.shape[2] - k + 1, x.shape[3] - k + 1
        out = np.zeros((len(x), len(self.weight), h, w))
        for c in range(max(x.shape[1] - 1, 1)):
            for i in range(k):
                for j in range(k):
                    part = x[:, c, None, i : i + h, j : j + w]
                    out += part * self.weight[None, :, c, i, j, None, None]
        return out + self.bias[:, None, None]

    def backward(self, g):
        k = self.weight.shape[2]
        h, w = g.shape[2:]
        self.dweight, self.dbias = np.zeros_like(self.weight), g.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for i in range(k):
            for j in range(k):
                at = np.s_[:, :, i : i + h, j : j + w]
                self.dweight[:, :, i, j] = np.einsum("nfhw,nchw->fc", g, self.x[at])
                dx[at] += np.einsum("nfhw,fc->nchw", g, self.weight[:, :, i, j])
        return dx


class AvgPoolStride:
    """Right where windows do not overlap; the gradient is assigned, not added."""

    def __init__(self, kernel_size, stride):
        self.k, self.s = kernel_size, stride

    def forward(self, x):
        self.x, k, s = x, self.k, self.s
        out = np.zeros((*x.shape[:2], (x.shape[2] - k) // s + 1, (x.shape[3] - k) // s + 1))
        for i, j in np.ndindex(*out.shape[2:]):
            out[:, :, i, j] = x[:, :, i * s : i * s + k, j * s : j * s + k].mean((2, 3))
        return out

    def backward(self, g):
        dx, k, s = np.zeros_like(self.x), self.k, self.s
        for i, j in np.ndindex(*g.shape[2:]):
            dx[:, :, i * s : i * s + k, j * s : j * s + k] = g[:, :, i, j, None, None] / (k * k)
        return dx


class MaxPoolReshape:
    """Right where windows lie side by side and fill the image: it takes no stride."""

    def __init__(self, pool_size):
        self.p = pool_size

    def forward(self, x):
        n, c, h, w = x.shape
        p = self.p
        self.shape, self.cut = x.shape, x[:, :, : h // p * p, : w // p * p]
        self.tiles = self.cut.reshape(n, c, h // p, p, w // p, p).transpose(0, 1, 2, 4, 3, 5)
        self.tiles = self.tiles.reshape(n, c, h // p, w // p, p * p)
        return self.tiles.max(-1)

    def backward(self, g):
        n, c, h, w = self.shape
        p = self.p
        first = np.arange(p * p) == self.tiles.argmax(-1)[..., None]
        tiles = (first * g[..., None]).reshape(n, c, h // p, w // p, p, p)
        dx = np.zeros(self.shape)
        dx[:, :, : h // p * p, : w // p * p] = tiles.transpose(0, 1, 2, 4, 3, 5).reshape(
            self.cut.shape
        )
        return dx


class GlobalAvg:
    """Right, without the axes of height and width."""

    def forward(self, x):
        self.shape = x.shape
        return x.mean(axis=(2, 3))

    def backward(self, g):
        return np.broadcast_to(g[:, :, None, None], self.shape) / np.prod(self.shape[2:])


class GlobalAvgSum:
    """The gradient is not divided by the number of cells."""

    def forward(self, x):
        self.shape = x.shape
        return x.mean(axis=(2, 3), keepdims=True)

    def backward(self, g):
        return np.broadcast_to(g, self.shape).copy()


class LeakyAlpha:
    """Right; `alpha` is the slope."""

    def __init__(self, alpha=0.1):
        self.alpha = alpha

    def forward(self, x):
        self.x = x
        return np.maximum(0, x) + self.alpha * np.minimum(0, x)

    def backward(self, g):
        dx = np.ones_like(self.x)
        dx[self.x <= 0] = self.alpha
        return dx * g


class FlattenF:
    """In the order of Fortran."""

    def forward(self, x):
        self.shape = x.shape
        return x.reshape((x.shape[0], -1), order="F")

    def backward(self, g):
        return g.reshape(self.shape, order="F")


class FlattenRavel:
    """Right."""

    def forward(self, x):
        self.shape = x.shape
        return np.array([image.ravel() for image in x])

    def backward(self, g):
        return g.reshape(self.shape)


class ReLUMaskOfGradient:
    def forward(self, x):
        return np.clip(x, 0, None)

    def backward(self, g):
        return np.where(g > 0, g, 0)


class TanhUpstream:
    """The derivative alone."""

    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, g):
        return 1 - self.y**2


class SoftmaxStableLast:
    """Right, along the last axis."""

    def forward(self, z):
        z = z - z.max(-1, keepdims=True)
        self.a = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
        return self.a

    def backward(self, da):
        n, k = da.shape
        jacobian = np.einsum("ni,ij->nij", self.a, np.eye(k)) - np.einsum(
            "ni,nj->nij", self.a, self.a
        )
        return np.einsum("nij,nj->ni", jacobian, da)


class GELUExact:
    """The derivative lacks the density."""

    def forward(self, x):
        from math import erf

        self.phi = 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2)))
        return x * self.phi

    def backward(self, g):
        return g * self.phi


class CrossEntropyOneHotMean:
    """The mean runs over the classes, too."""

    def forward(self, logits, one_hot):
        shifted = logits - logits.max(axis=1, keepdims=True)
        self.log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.y = one_hot
        return -np.mean(one_hot * self.log_p)

    def backward(self):
        return (np.exp(self.log_p) - self.y) / self.y.size
