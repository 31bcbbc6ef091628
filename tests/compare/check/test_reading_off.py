"""Classes that have another value of an option built in than the default, without a parameter."""

from __future__ import annotations

import pytest

from tests.compare.check.conftest import Check

TEXT = """
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

class Windows:
    stride, padding, mode = 1, 0, "constant"

    def __init__(self, n_in, n_out, kernel):
        self.W, self.b = np.random.randn(n_out, n_in, kernel, kernel), np.zeros(n_out)
        self.set_up(kernel)

    def set_up(self, kernel):
        self.k = kernel

    def forward(self, x):
        p, s = self.padding, self.stride
        self.shape, self.x = x.shape, np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), mode=self.mode)
        self.view = sliding_window_view(self.x, (self.k, self.k), (2, 3))[:, :, ::s, ::s]
        return np.einsum("nchwij,fcij->nfhw", self.view, self.W) + self.b[:, None, None]

    def backward(self, grad):
        (h, w), s, p = grad.shape[2:], self.stride, self.padding
        self.dW, self.db = np.einsum("nchwij,nfhw->fcij", self.view, grad), grad.sum((0, 2, 3))
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(self.k, self.k):
            part = np.einsum("nfhw,fc->nchw", grad, self.W[:, :, i, j])
            dx[:, :, i : i + h * s : s, j : j + w * s : s][:, :, :h, :w] += part
        return dx[:, :, p : p + self.shape[2], p : p + self.shape[3]]

class Strides(Windows):
    stride = 2

class Same(Windows):
    def set_up(self, kernel):
        self.k, self.padding = kernel, (kernel - 1) // 2

class Fives(Windows):
    padding = 2
    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out, 5)

class HalfGradient(Strides):
    def backward(self, grad):
        dx = super().backward(grad)
        self.dW = self.dW / 2
        return dx

class Edges(Windows):
    padding, mode = 1, "edge"

class TakesPadding(Windows):
    padding = 1
    def __init__(self, n_in, n_out, kernel, padding=0):
        super().__init__(n_in, n_out, kernel)

class TakesStride(Windows):
    def __init__(self, n_in, n_out, kernel, stride=1):
        super().__init__(n_in, n_out, kernel)

class ThreeByTwo:
    def forward(self, x):
        self.x = x
        self.view = sliding_window_view(x, (3, 3), (2, 3))[:, :, ::2, ::2]
        return self.view.max((4, 5))
    def backward(self, grad):
        dx = np.zeros_like(self.x)
        for n, c, i, j in np.ndindex(*grad.shape):
            a, b = divmod(self.view[n, c, i, j].argmax(), 3)
            dx[n, c, 2 * i + a, 2 * j + b] += grad[n, c, i, j]
        return dx

class Leaky:
    slope = 0.2
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)
    def backward(self, grad):
        return grad * np.where(self.x > 0, 1, self.slope)

class TakesSlope(Leaky):
    def __init__(self, negative_slope=0.01):
        pass

class Norm:
    eps = 1e-8
    def __init__(self, num_features):
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
    def forward(self, x):
        self.std = np.sqrt(x.var(0) + self.eps)
        self.hat = (x - x.mean(0)) / self.std
        return self.gamma * self.hat + self.beta
    def backward(self, grad):
        self.dgamma, self.dbeta = (grad * self.hat).sum(0), grad.sum(0)
        g = grad * self.gamma
        return (g - g.mean(0) - self.hat * (g * self.hat).mean(0)) / self.std

class NoEps(Norm):
    eps = 0.0
"""


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        pytest.param("Strides", "conv", "stride: 2, which is", marks=pytest.mark.slow),
        pytest.param(
            *("Same", "conv", "padding: (kernel_size - 1) // 2, which is"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "Fives", "conv", "kernel_size: 5, padding: 2, which are", marks=pytest.mark.slow
        ),
        pytest.param(
            *("ThreeByTwo", "pool", "kernel_size: 3, stride: 2, which are"),
            marks=pytest.mark.slow,
        ),
        ("Leaky", "leaky_relu", "negative_slope: 0.2, which is"),
        pytest.param("Norm", "batch_norm", "eps: 1e-08, which is", marks=pytest.mark.slow),
    ],
)
def test_a_class_is_judged_by_what_it_has_built_in(
    name: str, kind: str, said: str, check: Check
) -> None:
    checked = check(TEXT, name, kind)
    assert checked.ok
    assert checked.notes[0] == f"taken for: {said} built in"
    option = said.partition(":")[0]
    offered = {found.setting for found in checked.findings if found.offered}
    assert not {item.setting for item in checked.not_supported if item.option == option} & offered


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param("TakesPadding", "conv", marks=pytest.mark.slow),
        pytest.param("TakesStride", "conv", marks=pytest.mark.slow),
        ("TakesSlope", "leaky_relu"),
        pytest.param("Edges", "conv", marks=pytest.mark.slow),
        pytest.param("NoEps", "batch_norm", marks=pytest.mark.slow),
    ],
)
def test_a_wrong_class_is_not_excused(name: str, kind: str, check: Check) -> None:
    checked = check(TEXT, name, kind)
    assert not checked.ok
    assert checked.error == ""
    assert not any("built in" in note for note in checked.notes)


@pytest.mark.slow
def test_a_gradient_is_judged_by_what_the_forward_pass_has_built_in(check: Check) -> None:
    checked = check(TEXT, "HalfGradient", "conv")
    wrong = {found.quantity for found in checked.findings if found.offered and not found.ok}
    assert wrong == {"grad_weight"}


@pytest.mark.slow
def test_what_a_name_says_is_not_read_otherwise(check: Check) -> None:
    text = TEXT.replace("class ThreeByTwo", "class AveragePool")
    checked = check(text, "AveragePool", "pool")
    assert not checked.ok
    assert not any("built in" in note for note in checked.notes)
