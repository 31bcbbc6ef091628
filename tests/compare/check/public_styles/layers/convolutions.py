"""Convolutions and pools by many hands."""

import numpy as np


class ShortNames:
    """Right."""

    def __init__(self, in_ch, out_ch, k, s=1, p=0):
        self.k, self.s, self.p = k, s, p
        self.w = np.random.randn(out_ch, in_ch, k, k) * np.sqrt(2.0 / (in_ch * k * k))
        self.b = np.zeros(out_ch)

    def forward(self, x):
        k, s, p = self.k, self.s, self.p
        n, c, h, w = x.shape
        self.shape, self.oh, self.ow = x.shape, (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        sn, sc, sh, sw = xp.strides
        view = np.lib.stride_tricks.as_strided(
            xp, (n, self.oh, self.ow, c, k, k), (sn, sh * s, sw * s, sc, sh, sw), writeable=False
        )
        self.cols = view.reshape(n * self.oh * self.ow, -1)
        y = self.cols @ self.w.reshape(len(self.w), -1).T + self.b
        return y.reshape(n, self.oh, self.ow, -1).transpose(0, 3, 1, 2)

    def backward(self, g):
        k, s, p = self.k, self.s, self.p
        n, c, h, w = self.shape
        flat = g.transpose(0, 2, 3, 1).reshape(-1, g.shape[1])
        self.dw, self.db = (flat.T @ self.cols).reshape(self.w.shape), flat.sum(0)
        dcols = (flat @ self.w.reshape(len(self.w), -1)).reshape(n, self.oh, self.ow, c, k, k)
        dx = np.zeros((n, c, h + 2 * p, w + 2 * p))
        for i in range(self.oh):
            for j in range(self.ow):
                dx[:, :, i * s : i * s + k, j * s : j * s + k] += dcols[:, i, j]
        return dx[:, :, p : p + h, p : p + w]


class Im2colOrder:
    """The columns are put together in the order (h, w, c), the weight is read as (c, h, w)."""

    def __init__(self, in_channels, out_channels, kernel_size):
        self.k = kernel_size
        self.W = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.b = np.zeros(out_channels)

    def forward(self, x):
        k = self.k
        self.x = x
        view = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))
        n, c, h, w = view.shape[:4]
        self.cols = view.transpose(0, 2, 3, 4, 5, 1).reshape(n, h, w, -1)
        y = self.cols @ self.W.reshape(len(self.W), -1).T + self.b
        return y.transpose(0, 3, 1, 2)

    def backward(self, g):
        k = self.k
        n, _, h, w = g.shape
        flat = g.transpose(0, 2, 3, 1)
        self.dW = np.einsum("nhwf,nhwk->fk", flat, self.cols).reshape(self.W.shape)
        self.db = g.sum((0, 2, 3))
        dcols = (flat @ self.W.reshape(len(self.W), -1)).reshape(n, h, w, k, k, -1)
        dx = np.zeros_like(self.x)
        for i in range(k):
            for j in range(k):
                dx[:, :, i : i + h, j : j + w] += dcols[:, :, :, i, j].transpose(0, 3, 1, 2)
        return dx


class PadNotCut:
    """Backward cuts the padding off the top and the left alone."""

    def __init__(self, input_channels, num_filters, kernel_size, padding=0):
        self.padding = padding
        self.kernels = np.random.randn(num_filters, input_channels, kernel_size, kernel_size) * 0.1
        self.biases = np.zeros(num_filters)

    def forward(self, x):
        p, k = self.padding, self.kernels.shape[2]
        self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        view = np.lib.stride_tricks.sliding_window_view(self.x, (k, k), (2, 3))
        self.view = view
        return np.einsum("nchwij,fcij->nfhw", view, self.kernels) + self.biases[:, None, None]

    def backward(self, g):
        k, (h, w) = self.kernels.shape[2], g.shape[2:]
        self.dkernels = np.einsum("nchwij,nfhw->fcij", self.view, g)
        self.dbiases = g.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(k, k):
            part = np.einsum("nfhw,fc->nchw", g, self.kernels[:, :, i, j])
            dx[:, :, i : i + h, j : j + w] += part
        return dx[:, :, self.padding :, self.padding :]


class OneImageOfDw:
    """The gradient of the weight is that of the last image."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1):
        self.s = stride
        self.weights = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.bias = np.zeros(out_channels)

    def forward(self, x):
        s, k = self.s, self.weights.shape[2]
        self.x = x
        self.view = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))[:, :, ::s, ::s]
        return np.einsum("nchwij,fcij->nfhw", self.view, self.weights) + self.bias[:, None, None]

    def backward(self, g):
        s, k, (h, w) = self.s, self.weights.shape[2], g.shape[2:]
        for n in range(len(g)):
            self.dweights = np.einsum("chwij,fhw->fcij", self.view[n], g[n])
        self.dbias = g.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(k, k):
            part = np.einsum("nfhw,fc->nchw", g, self.weights[:, :, i, j])
            dx[:, :, i : i + s * h : s, j : j + s * w : s] += part
        return dx


class BiasPerPosition:
    """The bias's gradient is the mean over cells, not the sum."""

    def __init__(self, n_in_channels, n_out_channels, kernel_size):
        shape = (n_out_channels, n_in_channels, kernel_size, kernel_size)
        self.weight, self.bias = np.random.randn(*shape) * 0.1, np.zeros(n_out_channels)

    def forward(self, x):
        k = self.weight.shape[2]
        self.x, self.view = x, np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))
        return np.einsum("nchwij,fcij->nfhw", self.view, self.weight) + self.bias[:, None, None]

    def backward(self, g):
        k, (h, w) = self.weight.shape[2], g.shape[2:]
        self.weight_grad = np.einsum("nchwij,nfhw->fcij", self.view, g)
        self.bias_grad = g.mean((2, 3)).sum(0)
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(k, k):
            part = np.einsum("nfhw,fc->nchw", g, self.weight[:, :, i, j])
            dx[:, :, i : i + h, j : j + w] += part
        return dx


class Grouped:
    """Right; groups, as PyTorch has them."""

    def __init__(self, in_channels, out_channels, kernel_size, groups=1):
        self.groups, self.k = groups, kernel_size
        shape = (out_channels, in_channels // groups, kernel_size, kernel_size)
        self.weight, self.bias = np.random.randn(*shape) * 0.1, np.zeros(out_channels)

    def split(self):
        for n in range(self.groups):
            c, f = self.weight.shape[1], len(self.weight) // self.groups
            yield slice(n * c, (n + 1) * c), slice(n * f, (n + 1) * f)

    def forward(self, x):
        self.x, k = x, self.k
        self.view = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))
        parts = [
            np.einsum("nchwij,fcij->nfhw", self.view[:, c], self.weight[f]) for c, f in self.split()
        ]
        return np.concatenate(parts, axis=1) + self.bias[:, None, None]

    def backward(self, g):
        self.dweight, self.dbias = np.empty_like(self.weight), g.sum((0, 2, 3))
        dx, (h, w) = np.zeros_like(self.x), g.shape[2:]
        for c, f in self.split():
            self.dweight[f] = np.einsum("nchwij,nfhw->fcij", self.view[:, c], g[:, f])
            for i, j in np.ndindex(self.k, self.k):
                part = np.einsum("nfhw,fc->nchw", g[:, f], self.weight[f, :, i, j])
                dx[:, c, i : i + h, j : j + w] += part
        return dx


class GroupedWrongly:
    """Every group reads the channels of the first."""

    def __init__(self, in_channels, out_channels, kernel_size, groups=1):
        self.groups, self.k = groups, kernel_size
        shape = (out_channels, in_channels // groups, kernel_size, kernel_size)
        self.weight, self.bias = np.random.randn(*shape) * 0.1, np.zeros(out_channels)

    def forward(self, x):
        self.x, k, c = x, self.k, self.weight.shape[1]
        self.view = np.lib.stride_tricks.sliding_window_view(x[:, :c], (k, k), (2, 3))
        return np.einsum("nchwij,fcij->nfhw", self.view, self.weight) + self.bias[:, None, None]

    def backward(self, g):
        self.dweight = np.einsum("nchwij,nfhw->fcij", self.view, g)
        self.dbias = g.sum((0, 2, 3))
        dx, (h, w), c = np.zeros_like(self.x), g.shape[2:], self.weight.shape[1]
        for i, j in np.ndindex(self.k, self.k):
            part = np.einsum("nfhw,fc->nchw", g, self.weight[:, :, i, j])
            dx[:, :c, i : i + h, j : j + w] += part
        return dx


class PoolKinds:
    """Right; `method` is "max" or "avg", padding is not counted as a maximum."""

    def __init__(self, pool_size=2, stride=2, method="max"):
        self.pool_size, self.stride, self.method = pool_size, stride, method

    def forward(self, x):
        k, s = self.pool_size, self.stride
        self.x = x
        self.view = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))[:, :, ::s, ::s]
        reduce = np.max if self.method == "max" else np.mean
        return reduce(self.view, axis=(4, 5))

    def backward(self, g):
        k, s = self.pool_size, self.stride
        dx = np.zeros_like(self.x)
        n, c, h, w = g.shape
        flat = self.view.reshape(n, c, h, w, k * k)
        share = np.full(flat.shape, 1 / (k * k))
        if self.method == "max":
            share = (np.arange(k * k) == flat.argmax(-1)[..., None]).astype(float)
        share = (share * g[..., None]).reshape(n, c, h, w, k, k)
        for i, j in np.ndindex(k, k):
            dx[:, :, i : i + s * h : s, j : j + s * w : s] += share[..., i, j]
        return dx


class PoolMaskKept:
    """The mask of ties is kept in forward: each equal maximum takes the gradient."""

    def __init__(self, size):
        self.size = size

    def forward(self, x):
        n, c, h, w = x.shape
        k = self.size
        self.shape = x.shape
        cut = x[:, :, : h - h % k, : w - w % k]
        tiles = cut.reshape(n, c, h // k, k, w // k, k)
        out = tiles.max((3, 5))
        self.mask = tiles == out[:, :, :, None, :, None]
        return out

    def backward(self, g):
        n, c, h, w = self.shape
        k = self.size
        dx = np.zeros(self.shape)
        spread = self.mask * g[:, :, :, None, :, None]
        dx[:, :, : h - h % k, : w - w % k] = spread.reshape(n, c, h - h % k, w - w % k)
        return dx


class PoolLastCut:
    """The last row and column of windows are left out."""

    def __init__(self, kernel_size, stride):
        self.kernel_size, self.stride = kernel_size, stride

    def forward(self, x):
        k, s = self.kernel_size, self.stride
        self.x = x
        oh, ow = (x.shape[2] - k) // s + 1, (x.shape[3] - k) // s + 1
        out = np.zeros((*x.shape[:2], oh, ow))
        for i in range(0, x.shape[2] - k, s):
            for j in range(0, x.shape[3] - k, s):
                out[:, :, i // s, j // s] = x[:, :, i : i + k, j : j + k].max((2, 3))
        return out

    def backward(self, g):
        k, s = self.kernel_size, self.stride
        dx = np.zeros_like(self.x)
        for i in range(0, self.x.shape[2] - k, s):
            for j in range(0, self.x.shape[3] - k, s):
                for n, c in np.ndindex(*g.shape[:2]):
                    window = self.x[n, c, i : i + k, j : j + k]
                    a, b = np.unravel_index(window.argmax(), (k, k))
                    dx[n, c, i + a, j + b] += g[n, c, i // s, j // s]
        return dx


class AvgPoolChannels:
    """The average is taken over channels, too."""

    def __init__(self, kernel_size, stride):
        self.k, self.s = kernel_size, stride

    def forward(self, x):
        k, s = self.k, self.s
        self.shape = x.shape
        view = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))[:, :, ::s, ::s]
        mean = view.mean(axis=(1, 4, 5), keepdims=True)[..., 0, 0]
        return np.repeat(mean, x.shape[1], axis=1)

    def backward(self, g):
        k, s = self.k, self.s
        dx, (h, w) = np.zeros(self.shape), g.shape[2:]
        for i, j in np.ndindex(k, k):
            dx[:, :, i : i + s * h : s, j : j + s * w : s] += g / k**2
        return dx


def avgpool_forward(x, pool_size, stride):
    n, c, h, w = x.shape
    out = np.zeros((n, c, (h - pool_size) // stride + 1, (w - pool_size) // stride + 1))
    for i, j in np.ndindex(*out.shape[2:]):
        rows = slice(i * stride, i * stride + pool_size)
        columns = slice(j * stride, j * stride + pool_size)
        out[:, :, i, j] = x[:, :, rows, columns].mean((2, 3))
    return out, (x.shape, pool_size, stride)


def avgpool_backward(dout, cache):
    shape, pool_size, stride = cache
    dx = np.zeros(shape)
    for i, j in np.ndindex(*dout.shape[2:]):
        rows = slice(i * stride, i * stride + pool_size)
        columns = slice(j * stride, j * stride + pool_size)
        dx[:, :, rows, columns] += dout[:, :, i, j, None, None] / pool_size**2
    return dx
