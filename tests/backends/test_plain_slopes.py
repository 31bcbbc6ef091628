"""Activations that give their derivative alone: told by numbers from those that take a gradient."""

from typing import Any

import numpy as np
import pytest

from cnnspec.backends.plain import PlainClassError, PlainLayer
from cnnspec.spec.layers import Layer, ReLU, Sigmoid
from tests.backends.test_plain import Habit
from tests.backends.test_plain_habits import FLOAT, assert_linear


class Called:
    def __call__(self, x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    def gradient(self, x: Any) -> Any:
        return self(x) * (1 - self(x))


class OfOutput:
    def activate(self, z: Any) -> Any:
        return 1 / (1 + np.exp(-z))

    def derivative(self, a: Any) -> Any:
        return a * (1 - a)


class Static:
    @staticmethod
    def function(z: Any) -> Any:
        return np.where(z >= 0, z, 0)

    @staticmethod
    def prime(z: Any) -> Any:
        return np.where(z > 0, 1, 0)


class Upstream:
    """What it is given is called x, and is a gradient."""

    def forward(self, x: Any) -> Any:
        self.x = x
        return np.maximum(x, 0)

    def gradient(self, x: Any) -> Any:
        return x * (self.x > 0)


@pytest.mark.parametrize(
    ("cls", "layer", "name"),
    [
        (Called, Sigmoid(), "gradient"),
        (OfOutput, Sigmoid(), "derivative"),
        (Static, ReLU(), "prime"),
        (Upstream, ReLU(), ""),
    ],
)
def test_a_derivative_is_told_by_numbers(cls: type, layer: Layer, name: str) -> None:
    own = PlainLayer(cls, layer, (4,), (4,), FLOAT)
    x = np.random.default_rng(0).normal(size=(3, 4))
    y = own.forward(x)
    slope = y * (1 - y) if isinstance(layer, Sigmoid) else x > 0
    for _ in range(2):
        assert np.allclose(own.input_gradient(np.full((3, 4), 2.0)), 2 * slope)
    note = f"`{name}` is the derivative, not yet times a gradient"
    assert own.notes == ((note,) if name else ())


def test_a_wrong_derivative_is_one_by_its_name() -> None:
    class Wrong(OfOutput):
        def derivative(self, x: Any) -> Any:
            return 0 * x + 3

    own = PlainLayer(Wrong, Sigmoid(), (4,), (4,), FLOAT)
    own.forward(np.ones((3, 4)))
    assert (own.input_gradient(np.full((3, 4), 2.0)) == 6).all()


def test_what_a_property_raises_is_not_there_yet() -> None:
    class Properties(Habit):
        kept: Any = None

        @property
        def grad_weight(self) -> Any:
            return self.kept["W"]

        @property
        def grad_bias(self) -> Any:
            return self.kept["b"]

        def backward(self, grad: Any) -> Any:
            self.kept = {"W": self.x.T @ grad, "b": grad.sum(axis=0)}
            return grad @ self.W.T

    assert assert_linear(Properties).held_gradients()


def test_a_derivative_of_another_shape_is_told() -> None:
    class Sums:
        def forward(self, x: Any) -> Any:
            return 1 / (1 + np.exp(-x))

        def derivative(self, x: Any) -> Any:
            return np.zeros(7)

    layer = PlainLayer(Sums, Sigmoid(), (3,), (3,), np.dtype(float))
    layer.forward(np.ones((2, 3)))
    with pytest.raises(PlainClassError, match=r"`derivative` of Sums returns an array of shape"):
        layer.input_gradient(np.ones((2, 3)))
