"""Optimizers as people write them: each way of calling, against the textbook's loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cnnspec.backends.loops import OPTIMIZERS
from cnnspec.backends.plain import PlainClassError
from cnnspec.backends.plain.optimizers import PlainOptimizer
from cnnspec.spec.optimizers import SGD, Adam, AnyOptimizer
from cnnspec.trace import Array

Arrays = dict[str, Array]

RANDOM = np.random.default_rng(0)
SHAPES = {"W1": (3, 2), "b1": (2,), "W2": (2, 4), "b2": (1, 4)}
START: Arrays = {name: RANDOM.normal(size=shape) for name, shape in SHAPES.items()}
STEPS: list[Arrays] = [
    {name: RANDOM.normal(size=shape) for name, shape in SHAPES.items()} for _ in range(3)
]


class OverLists:
    """The weights are the constructor's, and are written over."""

    def __init__(self, params: list[Array], lr: float = 0.1, momentum: float = 0.0) -> None:
        self.params, self.lr, self.momentum = params, lr, momentum
        self.velocity = [np.zeros_like(param) for param in params]

    def step(self, grads: list[Array]) -> None:
        for at, (param, grad) in enumerate(zip(self.params, grads)):
            self.velocity[at] = self.momentum * self.velocity[at] + grad
            param -= self.lr * self.velocity[at]


class OverDictionaries:
    """The velocity holds the step itself."""

    def __init__(self, eta: float, mu: float) -> None:
        self.eta, self.mu = eta, mu
        self.v: Arrays = {}

    def update(self, params: Arrays, grads: Arrays) -> None:
        for key in params:
            self.v[key] = self.mu * self.v.get(key, 0.0) - self.eta * grads[key]
            params[key] = params[key] + self.v[key]


class OverOneArray:
    """It gives the new array back."""

    def __init__(self, learning_rate: float = 0.1, momentum: float = 0.5) -> None:
        self.learning_rate, self.momentum = learning_rate, momentum
        self.step_before: Any = None

    def update(self, w: Array, grad_wrt_w: Array) -> Array:
        if self.step_before is None:
            self.step_before = np.zeros(np.shape(w))
        self.step_before = self.momentum * self.step_before + grad_wrt_w
        found: Array = w - self.learning_rate * self.step_before
        return found


class OverPairs:
    def __init__(self, learning_rate: float, momentum: float) -> None:
        self.rate, self.momentum = learning_rate, momentum
        self.kept: dict[int, Array] = {}

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Array, Array]]) -> None:
        for at, (gradient, variable) in enumerate(grads_and_vars):
            self.kept[at] = self.momentum * self.kept.get(at, 0.0) + gradient
            variable -= self.rate * self.kept[at]


class OverLayers:
    def __init__(self, learning_rate: float, momentum: float = 0.0) -> None:
        self.learning_rate, self.momentum = learning_rate, momentum
        self.begun = False

    def pre_update_params(self) -> None:
        self.begun = True

    def update_params(self, layer: Any) -> None:
        assert self.begun
        if not hasattr(layer, "weight_momentums"):
            layer.weight_momentums = np.zeros_like(layer.weights)
            layer.bias_momentums = np.zeros_like(layer.biases)
        of_weights = self.momentum * layer.weight_momentums - self.learning_rate * layer.dweights
        of_biases = self.momentum * layer.bias_momentums - self.learning_rate * layer.dbiases
        layer.weight_momentums, layer.bias_momentums = of_weights, of_biases
        layer.weights += of_weights
        layer.biases += of_biases

    def post_update_params(self) -> None:
        self.begun = False


class OverObjects:
    """Adam, as torch's."""

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters, self.lr, self.betas = list(parameters), lr, betas
        self.eps, self.weight_decay, self.t = eps, weight_decay, 0
        self.m = [np.zeros_like(each.data) for each in self.parameters]
        self.v = [np.zeros_like(each.data) for each in self.parameters]

    def step(self) -> None:
        self.t += 1
        beta1, beta2 = self.betas
        for at, each in enumerate(self.parameters):
            g = each.grad + self.weight_decay * each.data
            self.m[at] = beta1 * self.m[at] + (1 - beta1) * g
            self.v[at] = beta2 * self.v[at] + (1 - beta2) * g**2
            m, v = self.m[at] / (1 - beta1**self.t), self.v[at] / (1 - beta2**self.t)
            each.data = each.data - self.lr * m / (np.sqrt(v) + self.eps)


class OverModel:
    def __init__(self, net: Any, lr: float) -> None:
        self.net, self.lr = net, lr

    def step(self) -> None:
        for layer in self.net.layers:
            layer.W = layer.W - self.lr * layer.dW
            layer.b = layer.b - self.lr * layer.db


class OverParameters:
    def __init__(self, model: Any, lr: float, momentum: float) -> None:
        self.model, self.lr, self.momentum = model, lr, momentum
        self.kept: dict[int, Array] = {}

    def step(self) -> None:
        for at, each in enumerate(self.model.parameters()):
            self.kept[at] = self.momentum * self.kept.get(at, 0.0) + each.grad
            each.value -= self.lr * self.kept[at]


class OverFilledLayer:
    def __init__(self, lr: float) -> None:
        self.lr = lr

    def update(self, layer: Any) -> None:
        for key in layer.params:
            layer.params[key] = layer.params[key] - self.lr * layer.grads[f"d{key}"]


class OverItems:
    def __init__(self, lr: float) -> None:
        self.lr = lr

    def update(self, params: dict[str, dict[str, Array]]) -> None:
        for item in params.values():
            item["val"] = item["val"] - self.lr * item["grad"]


class GivesSteps:
    """The weights are with the caller, who adds what it gives."""

    def __init__(self, lr: float, momentum: float) -> None:
        self.lr, self.momentum, self.kept = lr, momentum, 0.0

    def compute_update(self, grad: Array) -> Array:
        self.kept = self.momentum * self.kept - self.lr * grad
        found: Array = np.asarray(self.kept)
        return found


class ToldFirst(OverDictionaries):
    def initialize(self, params: Arrays) -> None:
        self.v = {key: np.zeros_like(array) for key, array in params.items()}

    def update(self, params: Arrays, grads: Arrays) -> None:
        assert self.v.keys() == params.keys()
        super().update(params, grads)


class OverWeightsAndBias:
    def __init__(self, eta: float) -> None:
        self.eta = eta

    def update(self, t: int, w: Array, b: Array, dw: Array, db: Array) -> tuple[Array, Array]:
        return w - self.eta * dw, b - self.eta * db


def descend(params: list[Array], grads: list[Array], lr: float) -> list[Array]:
    return [param - lr * grad for param, grad in zip(params, grads)]


def with_config(w: Array, dw: Array, config: Any = None) -> tuple[Array, Any]:
    config.setdefault("momentum", 0.9)
    v = config["momentum"] * config.get("velocity", np.zeros_like(w))
    config["velocity"] = v - config["learning_rate"] * dw
    return w + config["velocity"], config


def adam_by_layers(
    parameters: Arrays,
    grads: Arrays,
    v: Arrays,
    s: Arrays,
    t: int,
    learning_rate: float = 0.01,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Arrays, Arrays, Arrays]:
    for layer in range(1, len(parameters) // 2 + 1):
        for sort in "Wb":
            d, name = f"d{sort}{layer}", f"{sort}{layer}"
            v[d] = beta1 * v[d] + (1 - beta1) * grads[d]
            s[d] = beta2 * s[d] + (1 - beta2) * grads[d] ** 2
            m, root = v[d] / (1 - beta1**t), np.sqrt(s[d] / (1 - beta2**t))
            parameters[name] = parameters[name] - learning_rate * m / (root + epsilon)
    return parameters, v, s


MOMENTUM = SGD(learning_rate=0.3, momentum=0.7)
OWN_ADAM = Adam(learning_rate=0.2, betas=(0.8, 0.95), eps=1e-4)

WAYS: dict[str, tuple[Callable[..., Any], AnyOptimizer]] = {
    "lists": (OverLists, MOMENTUM),
    "dictionaries": (OverDictionaries, MOMENTUM),
    "one array": (OverOneArray, MOMENTUM),
    "pairs": (OverPairs, MOMENTUM),
    "layers": (OverLayers, MOMENTUM),
    "a model": (OverModel, SGD(learning_rate=0.3)),
    "objects": (OverObjects, OWN_ADAM.model_copy(update={"weight_decay": 0.1})),
    "parameters of a model": (OverParameters, MOMENTUM),
    "filled layers": (OverFilledLayer, SGD(learning_rate=0.3)),
    "items": (OverItems, SGD(learning_rate=0.3)),
    "steps given back": (GivesSteps, MOMENTUM),
    "told first": (ToldFirst, MOMENTUM),
    "weights and bias": (OverWeightsAndBias, SGD(learning_rate=0.3)),
    "a function of lists": (descend, SGD(learning_rate=0.3)),
    "a function with a config": (with_config, MOMENTUM),
    "a function with its state": (adam_by_layers, OWN_ADAM),
}


def made(
    code: Callable[..., Any], options: AnyOptimizer, names: Mapping[str, str] | None = None
) -> PlainOptimizer:
    return PlainOptimizer(code, options, names or {}, {}, START)


@pytest.mark.parametrize("way", WAYS)
def test_it_is_called_as_it_wants(way: str) -> None:
    code, options = WAYS[way]
    optimizer, weights = made(code, options), {name: array.copy() for name, array in START.items()}
    textbook = OPTIMIZERS[options.keyword](options, weights)
    for step, gradients in enumerate(STEPS, 1):
        optimizer.step(gradients, step)
        textbook.step(weights, gradients, options.learning_rate, step)
        found = optimizer.weights()
        for name, array in weights.items():
            np.testing.assert_allclose(found[name], array, rtol=1e-12, err_msg=name)
    default = type(options)()
    about = {n for n in type(options).model_fields if getattr(options, n) != getattr(default, n)}
    assert about <= optimizer.offered


def test_what_a_function_never_asks_for_is_not_offered() -> None:
    optimizer = made(with_config, SGD())
    optimizer.step(STEPS[0], 1)
    assert optimizer.offered == {"learning_rate", "momentum"}


def test_what_it_takes_besides_is_told() -> None:
    def step(w: Array, dw: Array, lr: float, dampening: float = 0.0) -> Array:
        return w - lr * dw

    assert made(step, SGD()).unknown == ("dampening",)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (SimpleNamespace, "has no method that updates weights"),
        (lambda w, dw, lr, fudge: w, "it wants `fudge`: give it a value, --arg fudge=VALUE"),
        (lambda lr: None, "it takes neither weights nor gradients"),
        (lambda params, grads, lr: params.x, "with lists, AttributeError: 'list' object has no"),
    ],
    ids=["no method", "a parameter too many", "no weights", "raises"],
)
def test_what_more_must_be_said(code: Any, told: str) -> None:
    with pytest.raises(PlainClassError, match=told):
        made(code, SGD())


def test_another_name_is_taken() -> None:
    def step(w: Array, dw: Array, pace: float) -> Array:
        return w - pace * dw

    optimizer = made(step, SGD(learning_rate=0.5), {"learning_rate": "pace"})
    optimizer.step(STEPS[0], 1)
    assert np.array_equal(optimizer.weights()["b1"], START["b1"] - 0.5 * STEPS[0]["b1"])
