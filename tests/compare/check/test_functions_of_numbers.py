"""Sigmoid, tanh and softmax by hand: what overflows, and over which axis."""

from __future__ import annotations

import pytest

from cnnspec.compare.check import Grade
from tests.compare.check.conftest import Check

TEXT = """
import numpy as np

class Naive:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))  # a warning, and 0
        return self.y
    def backward(self, grad):
        return grad * self.y * (1 - self.y)

class Quotient:
    def forward(self, x):
        up, down = np.exp(x), np.exp(-x)
        self.y = (up - down) / (up + down)
        return self.y
    def backward(self, grad):
        return grad * (1 - self.y**2)

class Softmax:
    def __init__(self, axis):
        self.axis = axis
    def forward(self, x):
        e = np.exp(x - self.shift(x))
        self.p = e / e.sum(axis=self.axis, keepdims=True)
        return self.p
    def shift(self, x):
        return x.max(axis=self.axis, keepdims=True)
    def backward(self, grad):
        return self.p * (grad - (grad * self.p).sum(axis=self.axis, keepdims=True))

class OfBatch(Softmax):
    def shift(self, x):
        return x.max()

class ByFeature(Softmax):
    def __init__(self, dim=0):
        self.axis = 0

class Diagonal(Softmax):
    def backward(self, grad):
        return grad * self.p * (1 - self.p)
"""


@pytest.mark.parametrize(("name", "kind"), [("Naive", "sigmoid"), ("Softmax", "softmax")])
def test_what_is_right(check: Check, name: str, kind: str) -> None:
    assert check(TEXT, name, kind).grade == Grade.RIGHT


@pytest.mark.parametrize(
    ("name", "kind", "quantity", "code"),
    [
        ("Quotient", "tanh", "output", "overflow"),
        ("OfBatch", "softmax", "output", "batch-maximum"),
        ("Diagonal", "softmax", "grad_input", "diagonal-alone"),
        ("ByFeature", "softmax", "grad_input", "wrong-axes"),
    ],
)
def test_what_is_wrong_has_its_cause(
    check: Check, name: str, kind: str, quantity: str, code: str
) -> None:
    checked = check(TEXT, name, kind)
    assert checked.grade == Grade.WRONG
    wrong = [f for f in checked.findings if f.wrong and f.quantity == quantity]
    assert {found.cause.code if found.cause else "" for found in wrong} == {code}
