"""A class of thirty: four layers each; some are right, some wrong, some broken, some hostile.

`CLASS` has the text of each submission, and the layers that are not right, each with its verdict:
`wrong`, or None where it cannot be graded.
"""

from __future__ import annotations

HEAD = "import numpy as np\n\n\n"
CONV = """class Conv2D:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True):
        pair = lambda v: tuple(v) if isinstance(v, (tuple, list)) else (v, v)
        self.kernel_size, self.stride, self.padding = pair(kernel_size), pair(stride), pair(padding)
        self.weight = np.random.randn(out_channels, in_channels, *self.kernel_size) * 0.1
        self.bias = np.zeros(out_channels) if bias else None

    def forward(self, x):
        (ph, pw), (sh, sw), (kh, kw) = self.padding, self.stride, self.kernel_size
        self.xp = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
        n, c, h, w = self.xp.shape
        oh, ow = (h - kh) // sh + 1, (w - kw) // sw + 1
        out = np.zeros((n, len(self.weight), oh, ow))
        for i in range(oh):
            for j in range(ow):
                patch = self.xp[:, :, i * sh:i * sh + kh, j * sw:j * sw + kw]
                out[:, :, i, j] = np.tensordot(patch, self.weight, ([1, 2, 3], [1, 2, 3]))
        if self.bias is not None:
            out += self.bias[:, None, None]
        return out

    def backward(self, grad):
        (ph, pw), (sh, sw), (kh, kw) = self.padding, self.stride, self.kernel_size
        dxp = np.zeros_like(self.xp)
        self.grad_weight = np.zeros_like(self.weight)
        if self.bias is not None:
            self.grad_bias = grad.sum(axis=(0, 2, 3))
        for i in range(grad.shape[2]):
            for j in range(grad.shape[3]):
                g = grad[:, :, i, j]
                patch = self.xp[:, :, i * sh:i * sh + kh, j * sw:j * sw + kw]
                self.grad_weight += np.tensordot(g, patch, ([0], [0]))
                part = np.tensordot(g, self.weight, ([1], [0]))
                dxp[:, :, i * sh:i * sh + kh, j * sw:j * sw + kw] += part
        h, w = dxp.shape[2:]
        return dxp[:, :, ph:h - ph, pw:w - pw]


"""
RELU = """class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask


"""
POOL = """class MaxPool:
    def __init__(self, kernel_size, stride=None):
        pair = lambda v: tuple(v) if isinstance(v, (tuple, list)) else (v, v)
        self.kernel_size = pair(kernel_size)
        self.stride = pair(stride) if stride is not None else self.kernel_size

    def forward(self, x):
        self.x = x
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        n, c, h, w = x.shape
        oh, ow = (h - kh) // sh + 1, (w - kw) // sw + 1
        out = np.zeros((n, c, oh, ow))
        self.arg = np.zeros((n, c, oh, ow), int)
        for i in range(oh):
            for j in range(ow):
                patch = x[:, :, i * sh:i * sh + kh, j * sw:j * sw + kw].reshape(n, c, -1)
                self.arg[:, :, i, j] = patch.argmax(-1)
                out[:, :, i, j] = patch.max(-1)
        return out

    def backward(self, grad):
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        dx = np.zeros_like(self.x)
        n, c, oh, ow = grad.shape
        for b in range(n):
            for d in range(c):
                for i in range(oh):
                    for j in range(ow):
                        r, s = divmod(self.arg[b, d, i, j], kw)
                        dx[b, d, i * sh + r, j * sw + s] += grad[b, d, i, j]
        return dx


"""
LINEAR = """class Linear:
    def __init__(self, in_features, out_features, bias=True):
        self.weight = np.random.randn(out_features, in_features) * 0.1
        self.bias = np.zeros(out_features) if bias else None

    def forward(self, x):
        self.x = x
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def backward(self, grad):
        self.grad_weight = grad.T @ self.x
        if self.bias is not None:
            self.grad_bias = grad.sum(axis=0)
        return grad @ self.weight
"""


RIGHT = HEAD + CONV + RELU + POOL + LINEAR
LAYERS = ("conv", "relu", "pool", "linear")

ASSIGNMENT = """\
name: Layers by hand
layers:
  - conv: {class: Conv2D, points: 10}
  - relu: {class: ReLU, points: 5}
  - pool: {class: [MaxPool, MaxPool2D], points: 5}
  - linear: {class: Linear, points: 10}
"""

Verdicts = dict[str, str | None]


def changed(old: str, new: str) -> str:
    """Return the right submission with a part of it changed."""
    assert RIGHT.count(old) == 1, old
    return RIGHT.replace(old, new)


NONE: Verdicts = dict.fromkeys(LAYERS)
MASK = "        self.mask = x > 0\n        return x * self.mask\n"
BAD_TEXT = """
class Bad(Exception):
    def __str__(self):
        return "</td><script>alert(1)</script>\\x1b[31m\\u202e"


"""

CLASS: dict[str, tuple[str, Verdicts]] = {
    **{f"right{number}": (RIGHT, {}) for number in range(8)},
    # wrong
    "mean_of_weights": (
        changed(
            "self.grad_weight = grad.T @ self.x", "self.grad_weight = grad.T @ self.x / len(grad)"
        ),
        {"linear": "wrong"},
    ),
    "mean_of_bias": (
        changed("self.grad_bias = grad.sum(axis=0)", "self.grad_bias = grad.mean(axis=0)"),
        {"linear": "wrong"},
    ),
    "doubled": (
        changed("return grad @ self.weight", "return 2 * grad @ self.weight"),
        {"linear": "wrong"},
    ),
    "at_zero": (changed("self.mask = x > 0", "self.mask = x >= 0"), {"relu": "wrong"}),
    "in_place": (
        changed(MASK, "        x[x < 0] = 0\n        self.mask = x > 0\n        return x\n"),
        {"relu": "wrong"},
    ),
    "not_a_number": (
        changed("return x * self.mask\n", "return x * self.mask * np.nan\n"),
        {"relu": "wrong"},
    ),
    "conv_bias": (
        changed("grad.sum(axis=(0, 2, 3))", "grad.mean(axis=0).sum(axis=(1, 2))"),
        {"conv": "wrong"},
    ),
    "flipped": (
        changed("patch, self.weight, ([1", "patch, self.weight[:, :, ::-1, ::-1], ([1"),
        {"conv": "wrong"},
    ),
    "last_window": (changed("self.grad_weight += np", "self.grad_weight = np"), {"conv": "wrong"}),
    "overlap": (changed("+= grad[b, d, i, j]", "= grad[b, d, i, j]"), {"pool": "wrong"}),
    "no_stride": (
        changed("pair(stride) if stride is not None else self.kernel_size", "self.kernel_size"),
        {"pool": "wrong"},
    ),
    # broken
    "syntax": (RIGHT.replace("def backward(self, grad):", "def backward(self, grad)", 1), NONE),
    "no_module": ("import a_module_that_is_not_there\n" + RIGHT, NONE),
    "raises": (
        changed("return grad @ self.weight", "return grad @ self.weights"),
        {"linear": "wrong"},
    ),
    "empty": ("", NONE),
    "three_layers": (HEAD + CONV + RELU + POOL, {"linear": None}),
    "not_written": (changed(MASK, "        raise NotImplementedError\n"), {"relu": "wrong"}),
    # hostile
    "dies": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n" + RIGHT, NONE),
    "hangs": (changed(MASK, "        while True:\n            pass\n"), {"relu": "wrong"}),
    "markup": (BAD_TEXT + changed(MASK, "        raise Bad\n"), {"relu": "wrong"}),
    "prints": (changed(MASK, "        print('<b>' * 10_000, flush=True)\n" + MASK), {}),
    "exits": (changed(MASK, "        import sys; sys.exit(0)\n"), {"relu": "wrong"}),
}
