from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def Conv(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, stride=1)
    layer = m.Conv(o.inputs, o.outputs, o.kernel[0], o.padding)
    layer.weight, layer.bias = p["weight"].copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.grad_weight, "grad_bias": layer.grad_bias}

    return Bound(layer.forward, backward)


def BatchNorm(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=2)
    layer = m.BatchNorm(o.features, o.momentum, o.eps)
    layer.gamma, layer.beta = p["weight"].copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.dgamma, "grad_bias": layer.dbeta}

    def evaluate(x: Array) -> Any:
        layer.is_training = False
        y = layer.forward(x)
        layer.is_training = True
        return y

    return Bound(layer.forward, backward, evaluate)
