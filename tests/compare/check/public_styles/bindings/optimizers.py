from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.compare.check.public_styles.truth import Array, Optimizer, Options


def named(optimizer: Any, weights: list[Array]) -> Optimizer:
    """Call an optimizer that takes dictionaries."""
    params = {f"W{number}": w.copy() for number, w in enumerate(weights)}

    def step(grads: list[Array]) -> list[Array]:
        optimizer.update(params, {f"W{number}": g for number, g in enumerate(grads)})
        return list(params.values())

    return step


def listed(cls: Any, weights: list[Array], **options: Any) -> Optimizer:
    """Call an optimizer that is made for a list."""
    params = [w.copy() for w in weights]
    optimizer = cls(params, **options)

    def step(grads: list[Array]) -> list[Array]:
        optimizer.step(grads)
        return params

    return step


def one_by_one(function: Any, weights: list[Array], **config: Any) -> Optimizer:
    """Call a function of one array, its gradient and what it keeps."""
    params, configs = [w.copy() for w in weights], [dict(config) for _ in weights]

    def step(grads: list[Array]) -> list[Array]:
        for number, gradient in enumerate(grads):
            params[number], configs[number] = function(params[number], gradient, configs[number])
        return params

    return step


def SGD(m: Any, o: Options, weights: list[Array]) -> Optimizer:
    o.momentum = o.weight_decay = 0
    return named(m.SGD(o.lr), weights)


def Momentum(m: Any, o: Options, weights: list[Array]) -> Optimizer:
    o.weight_decay = 0
    return named(m.Momentum(o.lr, o.momentum), weights)


def MomentumReset(m: Any, o: Options, weights: list[Array]) -> Optimizer:
    o.weight_decay = 0
    return named(m.MomentumReset(o.lr, o.momentum), weights)


def Adam(m: Any, o: Options, weights: list[Array]) -> Optimizer:
    return listed(m.Adam, weights, lr=o.lr)


def AdamUncorrected(m: Any, o: Options, weights: list[Array]) -> Optimizer:
    return named(m.AdamUncorrected(o.lr), weights)


def AdamPerParameter(m: Any, o: Options, weights: list[Array]) -> Optimizer:
    return named(m.AdamPerParameter(o.lr), weights)


def sgd_momentum(m: Any, o: Options, weights: list[Array]) -> Optimizer:
    o.weight_decay = 0
    return one_by_one(m.sgd_momentum, weights, learning_rate=o.lr, momentum=o.momentum)


def adam(m: Any, o: Options, weights: list[Array]) -> Optimizer:
    return one_by_one(m.adam, weights, learning_rate=o.lr)


def Optimizer_SGD(m: Any, o: Options, weights: list[Array]) -> Optimizer:
    o.weight_decay = 0
    optimizer = m.Optimizer_SGD(o.lr, o.momentum)
    layer = SimpleNamespace(weights=weights[0].copy(), biases=weights[1].copy())

    def step(grads: list[Array]) -> list[Array]:
        layer.dweights, layer.dbiases = grads[:2]
        optimizer.pre_update_params()
        optimizer.update_params(layer)
        optimizer.post_update_params()
        return [layer.weights, layer.biases]

    return step


def SGDWithDecay(m: Any, o: Options, weights: list[Array]) -> Optimizer:
    o.momentum = 0
    return listed(m.SGDWithDecay, weights, lr=o.lr, weight_decay=o.weight_decay)
